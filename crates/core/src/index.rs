//! An account, indexed once: managed snapshots by volume, copies by source, volumes, and the instances that have them.
//!
//! All planners read this, so that each tag is read once and means one thing.

use std::collections::BTreeMap;

use crate::ids::{InstanceId, Region, SnapshotId, VolumeId};
use crate::inventory::{Instance, Inventory, Snapshot, Volume};
use crate::managed::{Managed, NotOurs};
use crate::tags::{self, TagValue};

/// An account, indexed.
pub struct Index<'a> {
    /// What was seen.
    pub inventory: &'a Inventory,
    managed: Vec<Managed<'a>>,
    /// Places in `managed`.
    by_volume: BTreeMap<VolumeId, Vec<usize>>,
    by_id: BTreeMap<(&'a Region, &'a SnapshotId), usize>,
    /// All of this account that says it is a copy, whoever made it, by its source.
    copies: BTreeMap<SnapshotId, Vec<(&'a Region, &'a Snapshot)>>,
    wandered: Vec<(&'a Region, &'a Snapshot)>,
    /// What is not ours.
    others: BTreeMap<(&'a Region, &'a SnapshotId), &'a Snapshot>,
    volumes: BTreeMap<&'a VolumeId, (&'a Region, &'a Volume)>,
    holders: BTreeMap<&'a VolumeId, Vec<&'a InstanceId>>,
    instances: BTreeMap<&'a InstanceId, (&'a Region, &'a Instance)>,
}

impl<'a> Index<'a> {
    /// Reads all tags, once.
    pub fn of(inventory: &'a Inventory) -> Self {
        let mut index = Index {
            inventory,
            managed: Vec::new(),
            by_volume: BTreeMap::new(),
            by_id: BTreeMap::new(),
            copies: BTreeMap::new(),
            wandered: Vec::new(),
            others: BTreeMap::new(),
            volumes: BTreeMap::new(),
            holders: BTreeMap::new(),
            instances: BTreeMap::new(),
        };
        for (region, seen) in &inventory.regions {
            index.volumes.extend(seen.volumes.items().iter().map(|volume| (&volume.id, (region, volume))));
            for instance in seen.instances.items().iter().filter(|instance| instance.state.is_backed_up()) {
                index.add_instance(region, instance);
            }
            seen.snapshots.items().iter().for_each(|snapshot| index.add_snapshot(region, snapshot));
        }
        index
    }

    fn add_instance(&mut self, region: &'a Region, instance: &'a Instance) {
        self.instances.insert(&instance.id, (region, instance));
        for volume in instance.devices.iter().filter_map(|device| device.volume.as_ref()) {
            let holders = self.holders.entry(volume).or_default();
            // One instance may show a volume on several devices.
            if !holders.contains(&&instance.id) {
                holders.push(&instance.id);
            }
        }
    }

    fn add_snapshot(&mut self, region: &'a Region, snapshot: &'a Snapshot) {
        if snapshot.owner == self.inventory.account
            && let TagValue::Is(source) = tags::source_snapshot(&snapshot.tags)
        {
            self.copies.entry(source).or_default().push((region, snapshot));
        }
        match Managed::of(region, snapshot, &self.inventory.account) {
            Ok(managed) => {
                let managed = managed.seen_at(self.inventory.taken_at);
                let place = self.managed.len();
                self.by_id.insert((region, &snapshot.id), place);
                if let Some(volume) = managed.volume() {
                    self.by_volume.entry(volume.clone()).or_default().push(place);
                }
                self.managed.push(managed);
            }
            Err(why) => {
                self.others.insert((region, &snapshot.id), snapshot);
                if why == NotOurs::TagsWandered {
                    self.wandered.push((region, snapshot));
                }
            }
        }
    }

    /// All that is ours, Region by Region.
    pub fn managed(&self) -> &[Managed<'a>] {
        &self.managed
    }

    /// What is ours in `region`, by id.
    pub fn managed_in<'i>(&'i self, region: &Region) -> impl Iterator<Item = &'i Managed<'a>> + use<'i, 'a> {
        let from = self.managed.partition_point(|managed| managed.region() < region);
        let until = self.managed.partition_point(|managed| managed.region() <= region);
        self.managed[from..until].iter()
    }

    /// The one with this id, if it is ours.
    pub fn get(&self, region: &'a Region, id: &'a SnapshotId) -> Option<&Managed<'a>> {
        self.by_id.get(&(region, id)).map(|place| &self.managed[*place])
    }

    /// The one with this id, whoever made it.
    pub fn any(&self, region: &'a Region, id: &'a SnapshotId) -> Option<&'a Snapshot> {
        let other = || self.others.get(&(region, id)).copied();
        self.get(region, id).map(Managed::raw).or_else(other)
    }

    /// What is ours of a volume, copies included, in all Regions that were read.
    pub fn of_volume(&self, volume: &VolumeId) -> impl Iterator<Item = &Managed<'a>> {
        self.by_volume.get(volume).into_iter().flatten().map(|place| &self.managed[*place])
    }

    /// All of this account that says it is a copy of `source`, whoever made it.
    pub fn copies_of(&self, source: &SnapshotId) -> &[(&'a Region, &'a Snapshot)] {
        self.copies.get(source).map_or(&[], Vec::as_slice)
    }

    /// Snapshots whose tags are another snapshot's ([`NotOurs::TagsWandered`]).
    pub fn wandered(&self) -> &[(&'a Region, &'a Snapshot)] {
        &self.wandered
    }

    /// A volume that was seen.
    pub fn volume(&self, id: &VolumeId) -> Option<(&'a Region, &'a Volume)> {
        self.volumes.get(id).copied()
    }

    /// All volumes that were seen.
    pub fn volumes(&self) -> impl Iterator<Item = &'a Volume> {
        self.volumes.values().map(|(_, volume)| *volume)
    }

    /// The live instances that have a volume, by id.
    pub fn holders(&self, volume: &VolumeId) -> impl Iterator<Item = (&'a Region, &'a Instance)> {
        self.holders.get(volume).into_iter().flatten().filter_map(|id| self.instance(id))
    }

    /// A live instance that was seen.
    pub fn instance(&self, id: &InstanceId) -> Option<(&'a Region, &'a Instance)> {
        self.instances.get(id).copied()
    }

    /// The live instances that were seen.
    pub fn instances(&self) -> impl Iterator<Item = (&'a Region, &'a Instance)> {
        self.instances.values().copied()
    }
}
