//! The made-up account that a preview lives in: one instance, its volumes, and what there is of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::ids::{Region, VolumeId};
use crate::index::Index;
use crate::inventory::{
    Device, Instance, InstanceState, Inventory, Read, RegionInventory, Snapshot, SnapshotState, Volume,
};
use crate::managed::Managed;
use crate::policy::Config;
use crate::tags::{self, TagValue, Tags, key};

/// A made-up account.
#[derive(Debug, Clone)]
pub struct Scene {
    pub(super) inventory: Inventory,
    pub(super) home: Region,
    pub(super) instance: Instance,
    pub(super) config: Config,
    volumes: Vec<VolumeId>,
}

impl Scene {
    /// An instance with these tags and one volume without a history. None where its made-up ids are not taken.
    pub fn of_tags(tags: &Tags, now: Timestamp, config: &Config) -> Option<Self> {
        let home: Region = "us-east-1".parse().ok()?;
        let volume: VolumeId = "vol-0".parse().ok()?;
        let instance = Instance {
            id: "i-0".parse().ok()?,
            state: InstanceState::Running,
            root_device: "/dev/xvda".to_owned(),
            devices: vec![Device { name: "/dev/xvda".to_owned(), volume: Some(volume.clone()) }],
            tags: tags.clone(),
        };
        let volume = Volume {
            id: volume,
            size_gib: 8,
            volume_type: "gp3".to_owned(),
            encrypted: false,
            create_time: None,
            tags: Tags::default(),
        };
        let enabled: BTreeSet<Region> = tags::named_regions(tags).into_iter().chain([home.clone()]).collect();
        let mut inventory = Inventory {
            account: "123456789012".parse().ok()?,
            taken_at: now,
            enabled: Read::Whole(enabled.into_iter().collect()),
            regions: BTreeMap::new(),
        };
        let seen = RegionInventory {
            instances: Read::Whole(vec![instance.clone()]),
            volumes: Read::Whole(vec![volume]),
            snapshots: Read::Whole(Vec::new()),
        };
        inventory.regions.insert(home.clone(), seen);
        Some(Self::of(&inventory, &home, &instance, config))
    }

    /// What `inventory` has of `instance`, which runs in `home`: its volumes but for those tagged `Backup=No`, the instances
    /// that have these too or had them, and all that is ours of them. What is being made counts as completed: it most
    /// likely will have by the end of the day.
    pub fn of(inventory: &Inventory, home: &Region, instance: &Instance, config: &Config) -> Self {
        let index = Index::of(inventory);
        let is_excluded = |volume: &VolumeId| {
            let seen = index.volume(volume);
            seen.is_some_and(|(_, volume)| tags::backup(&volume.tags) == TagValue::Is(false))
        };
        let volumes: BTreeSet<_> = instance.devices.iter().filter_map(|device| device.volume.clone()).collect();
        let volumes: Vec<_> = volumes.into_iter().filter(|volume| !is_excluded(volume)).collect();
        let ours: Vec<&Managed<'_>> = volumes.iter().flat_map(|volume| index.of_volume(volume)).collect();
        let mut scene = Self {
            inventory: made_up(inventory),
            home: home.clone(),
            instance: instance.clone(),
            config: config.clone(),
            volumes,
        };
        scene.add_instances(&index, &ours);
        scene.add_volumes(&index);
        for one in ours.iter().filter(|one| one.raw().state != SnapshotState::Error) {
            let snapshot = Snapshot { state: SnapshotState::Completed, ..one.raw().clone() };
            scene.seen(one.region()).snapshots.push(snapshot);
        }
        scene
    }

    fn add_instances(&mut self, index: &Index<'_>, ours: &[&Managed<'_>]) {
        let holders = self.volumes.iter().flat_map(|volume| index.holders(volume));
        let named = ours.iter().filter_map(|one| index.instance(one.instance()?));
        let others: BTreeMap<_, _> = holders.chain(named).map(|(region, one)| (&one.id, (region, one))).collect();
        let mut all: Vec<(Region, Instance)> =
            others.into_values().map(|(region, one)| (region.clone(), one.clone())).collect();
        all.retain(|(_, one)| one.id != self.instance.id);
        for (_, one) in &mut all {
            // Its other volumes are not looked at.
            one.devices.retain(|device| device.volume.as_ref().is_some_and(|volume| self.volumes.contains(volume)));
        }
        all.push((self.home.clone(), self.instance.clone()));
        for (region, one) in all {
            self.seen(&region).instances.push(one);
        }
    }

    fn add_volumes(&mut self, index: &Index<'_>) {
        let of_it: Vec<_> = self.instance.devices.iter().filter_map(|device| device.volume.clone()).collect();
        let home = self.home.clone();
        for (_, volume) in of_it.iter().filter_map(|id| index.volume(id)) {
            self.seen(&home).volumes.push(volume.clone());
        }
    }

    fn seen(&mut self, region: &Region) -> &mut RegionInventory {
        self.inventory.regions.entry(region.clone()).or_insert_with(empty)
    }

    /// The instances that are backed up: that one, and others that have one of its volumes. Any of them may make a volume's
    /// snapshots.
    pub(super) fn backed_up(&self) -> impl Iterator<Item = &Instance> {
        let here = self.inventory.regions.get(&self.home).into_iter().flat_map(|seen| seen.instances.items());
        here.filter(|one| one.state.is_backed_up() && !one.devices.is_empty())
            .filter(|one| one.id == self.instance.id || tags::backup(&one.tags) == TagValue::Is(true))
    }

    /// The volumes that are looked at.
    pub fn volumes(&self) -> &[VolumeId] {
        &self.volumes
    }

    /// The same account, in which the instance has these tags; it is backed up, whatever they say of that.
    pub fn with_tags(&self, tags: &Tags) -> Self {
        let mut scene = self.clone();
        scene.instance.tags = tags.clone();
        scene.instance.tags.set(key::BACKUP, "Yes");
        let id = scene.instance.id.clone();
        let (home, instance) = (scene.home.clone(), scene.instance.clone());
        let instances = &mut scene.seen(&home).instances;
        if let Read::Whole(all) = instances {
            all.retain(|one| one.id != id);
            all.push(instance);
        }
        scene
    }

    /// The same account at `now` with these snapshots and no others.
    pub(super) fn with_snapshots(
        &self,
        now: Timestamp,
        snapshots: impl IntoIterator<Item = (Region, Snapshot)>,
    ) -> Inventory {
        let mut inventory = self.inventory.clone();
        inventory.taken_at = now;
        for seen in inventory.regions.values_mut() {
            seen.snapshots = Read::Whole(Vec::new());
        }
        for (region, snapshot) in snapshots {
            inventory.regions.entry(region).or_insert_with(empty).snapshots.push(snapshot);
        }
        inventory
    }
}

/// The account without anything in it: all of its Regions read, and empty.
fn made_up(inventory: &Inventory) -> Inventory {
    let all: BTreeSet<Region> = inventory.enabled.items().iter().chain(inventory.regions.keys()).cloned().collect();
    Inventory {
        account: inventory.account.clone(),
        taken_at: inventory.taken_at,
        enabled: Read::Whole(all.iter().cloned().collect()),
        regions: all.into_iter().map(|region| (region, empty())).collect(),
    }
}

fn empty() -> RegionInventory {
    RegionInventory {
        instances: Read::Whole(Vec::new()),
        volumes: Read::Whole(Vec::new()),
        snapshots: Read::Whole(Vec::new()),
    }
}
