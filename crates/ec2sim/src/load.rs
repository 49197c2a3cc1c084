//! The world from an inventory, and the inventory of a world: the truth, as no describe is bound to show it.

use jiff::Timestamp;
use snapwarden_core::ids::{ImageId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Inventory, Read, RegionInventory, Snapshot};
use snapwarden_core::tags;

use crate::call::Action;
use crate::keys;
use crate::state::{Attachment, InstanceRecord, Machine, RegionState, SnapshotRecord, VolumeRecord};
use crate::world::World;

impl World {
    /// The account that an inventory shows, at the time it was taken. What the inventory has not read whole cannot be
    /// described here either: the call fails and says why. Pending snapshots end as if they were begun now.
    pub fn from_inventory(seed: u64, inventory: &Inventory) -> Self {
        let enabled = inventory.enabled.items().iter().chain(inventory.regions.keys()).cloned();
        let mut world = World::new(seed, inventory.taken_at, inventory.account.clone(), enabled);
        world.regions_unread = gap(&inventory.enabled);
        let unseen = RegionInventory::default();
        for region in world.regions.keys().cloned().collect::<Vec<_>>() {
            world.load_region(&region, inventory.regions.get(&region).unwrap_or(&unseen));
        }
        world
    }

    /// Nothing in here can fail: a Region that was loaded in part would look like a smaller one.
    fn load_region(&mut self, region: &Region, seen: &RegionInventory) {
        let (now, seed) = (self.now(), self.seed);
        let Some(state) = self.regions.get_mut(region) else { return };
        let gaps = [
            (Action::DescribeInstances, gap(&seen.instances)),
            (Action::DescribeVolumes, gap(&seen.volumes)),
            (Action::DescribeSnapshots, gap(&seen.snapshots)),
        ];
        state.unread = gaps.into_iter().filter_map(|(action, why)| Some((action, why?))).collect();
        for volume in seen.volumes.items() {
            state.volumes.insert(volume.id.clone(), VolumeRecord::new(volume.clone(), now));
        }
        for instance in seen.instances.items() {
            let number = keys::hash(seed, &["reservation", region.as_str(), instance.id.as_str()]);
            let machine = Machine::launched(now);
            let record = InstanceRecord::new(instance.clone(), format!("r-{number:017x}"), machine);
            state.instances.insert(instance.id.clone(), record);
        }
        attach_all(state);
        for snapshot in seen.snapshots.items() {
            // The Region is there: it was found above.
            let _ = self.put_snapshot(region, snapshot.clone(), source_by_tags(snapshot), "");
        }
    }

    /// Everything, as it truly is now.
    pub fn truth(&self) -> Inventory {
        Inventory {
            account: self.account.clone(),
            taken_at: self.now(),
            enabled: Read::Whole(self.regions.keys().cloned().collect()),
            regions: self.regions.iter().map(|(region, state)| (region.clone(), true_region(state))).collect(),
        }
    }

    /// The instances of a Region.
    pub fn instances(&self, region: &Region) -> impl Iterator<Item = &InstanceRecord> {
        self.regions.get(region).into_iter().flat_map(|state| state.instances.values())
    }

    /// The volumes of a Region.
    pub fn volumes(&self, region: &Region) -> impl Iterator<Item = &VolumeRecord> {
        self.regions.get(region).into_iter().flat_map(|state| state.volumes.values())
    }

    /// The snapshots that truly exist in a Region, visible or not.
    pub fn snapshots(&self, region: &Region) -> impl Iterator<Item = &SnapshotRecord> {
        self.regions.get(region).into_iter().flat_map(RegionState::all_living)
    }

    /// A snapshot that truly exists.
    pub fn snapshot(&self, region: &Region, id: &SnapshotId) -> Option<&SnapshotRecord> {
        self.regions.get(region)?.living(id)
    }

    /// A volume.
    pub fn volume(&self, region: &Region, id: &VolumeId) -> Option<&VolumeRecord> {
        self.regions.get(region)?.volumes.get(id)
    }

    /// An instance.
    pub fn instance(&self, region: &Region, id: &InstanceId) -> Option<&InstanceRecord> {
        self.regions.get(region)?.instances.get(id)
    }

    /// The AMIs of a Region that stand on a snapshot.
    pub fn images_on(&self, region: &Region, snapshot: &SnapshotId) -> Vec<ImageId> {
        let images = self.regions.get(region).into_iter().flat_map(|state| &state.images);
        images.filter(|(_, image)| image.stands_on(snapshot)).map(|(id, _)| id.clone()).collect()
    }

    /// The Regions.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.keys()
    }

    /// When something next happens by itself: a snapshot ends, something that is gone stops being shown.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.first_due()
    }
}

/// Tells each volume what it is attached to. Root volumes go with their instance, as they do unless somebody says otherwise.
fn attach_all(state: &mut RegionState) {
    for record in state.instances.values() {
        let instance = &record.instance;
        for device in &instance.devices {
            let Some(volume) = device.volume.as_ref().and_then(|id| state.volumes.get_mut(id)) else { continue };
            volume.attachments.push(Attachment {
                instance: instance.id.clone(),
                device: device.name.clone(),
                delete_on_termination: device.name == instance.root_device,
            });
        }
    }
}

fn true_region(state: &RegionState) -> RegionInventory {
    RegionInventory {
        instances: Read::Whole(state.instances.values().map(|record| record.instance.clone()).collect()),
        volumes: Read::Whole(state.volumes.values().map(|record| record.volume.clone()).collect()),
        snapshots: Read::Whole(state.all_living().map(|record| record.snapshot.clone()).collect()),
    }
}

fn gap<T>(read: &Read<T>) -> Option<String> {
    match read {
        Read::Whole(_) => None,
        Read::Gap { why, .. } => Some(why.clone()),
        Read::NotAsked => Some("the inventory that this world is made from did not read it".to_owned()),
    }
}

/// What a copy says of its source.
fn source_by_tags(snapshot: &Snapshot) -> Option<(Region, SnapshotId)> {
    Some((tags::source_region(&snapshot.tags).ok()?, tags::source_snapshot(&snapshot.tags).ok()?))
}
