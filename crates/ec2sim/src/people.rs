//! What people do to an account, past the jobs: they run and terminate instances, attach volumes, change tags, register
//! AMIs, delete and copy snapshots by hand. No rate limit, fault or log of calls stands in their way; quotas do.

use std::collections::BTreeSet;

use snapwarden_core::ids::{ImageId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Device, Instance, InstanceState, Snapshot, SnapshotState, StorageTier, Volume};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::CopyRequest;

use crate::call::{Action, ApiError, Reply, ResourceId};
use crate::keys;
use crate::state::{
    Attachment, ImageRecord, InstanceRecord, Machine, RegionState, SnapshotRecord, TagLag, VolumeRecord,
};
use crate::world::{Context, Due, World};

/// Seconds that DescribeInstances shows a terminated instance (EC2 user guide, terminating-instances: "a short while",
/// "usually about an hour").
const TERMINATED_SHOWN_S: i64 = 3_600;

/// An instance to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInstance {
    /// Its id; none derives it from the seed and `name`.
    pub id: Option<InstanceId>,
    /// What its id is derived from; no tag by itself.
    pub name: String,
    /// Its reservation; none gives it one of its own.
    pub reservation: Option<String>,
    /// The device that it boots from.
    pub root_device: String,
    /// Its tags.
    pub tags: Tags,
}

impl NewInstance {
    /// One that boots from `/dev/xvda`.
    pub fn named(name: &str, tags: Tags) -> Self {
        Self { id: None, name: name.to_owned(), reservation: None, root_device: "/dev/xvda".to_owned(), tags }
    }
}

/// A volume to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    /// Its id; none derives it from the seed and `name`.
    pub id: Option<VolumeId>,
    /// What its id is derived from; no tag by itself.
    pub name: String,
    /// In GiB.
    pub size_gib: u32,
    /// `gp3`, `st1` …
    pub volume_type: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Its tags.
    pub tags: Tags,
}

impl NewVolume {
    /// An unencrypted gp3 volume without tags.
    pub fn sized(name: &str, size_gib: u32) -> Self {
        let (name, volume_type) = (name.to_owned(), "gp3".to_owned());
        Self { id: None, name, size_gib, volume_type, encrypted: false, tags: Tags::default() }
    }
}

impl World {
    /// A number for something that a person makes: by its name, and by how often that name was used.
    pub(crate) fn number_by_hand(&mut self, region: &Region, kind: &str, name: &str) -> u64 {
        let parts = ["by hand", region.as_str(), kind, name];
        let attempt = self.next_attempt(keys::hash(0, &parts)).to_string();
        keys::hash(self.seed, &[&parts[..], &[attempt.as_str()]].concat())
    }

    /// The number of a snapshot that a fleet names.
    pub(crate) fn name_number(&mut self, region: &Region, name: &str) -> u64 {
        self.number_by_hand(region, "snapshot", name)
    }

    /// Runs an instance, without volumes.
    pub fn run_instance(&mut self, region: &Region, new: NewInstance) -> Result<InstanceId, ApiError> {
        let number = self.number_by_hand(region, "instance", &new.name);
        let id = new.id.unwrap_or_else(|| keys::id("i", number));
        let reservation = new.reservation.unwrap_or_else(|| format!("r-{number:017x}"));
        let instance = Instance {
            id: id.clone(),
            state: InstanceState::Running,
            root_device: new.root_device,
            devices: Vec::new(),
            tags: new.tags,
        };
        let record = InstanceRecord::new(instance, reservation, Machine::launched(self.now()));
        self.state_mut(region)?.instances.insert(id.clone(), record);
        Ok(id)
    }

    /// Gives an instance a disk that is no EBS volume.
    pub fn add_instance_store(&mut self, region: &Region, id: &InstanceId, device: &str) -> Result<(), ApiError> {
        add_device(instance_mut(self.state_mut(region)?, id)?, device, None)
    }

    /// Makes a volume.
    pub fn create_volume(&mut self, region: &Region, new: NewVolume) -> Result<VolumeId, ApiError> {
        let number = self.number_by_hand(region, "volume", &new.name);
        let id = new.id.unwrap_or_else(|| keys::id("vol", number));
        let volume = Volume {
            id: id.clone(),
            size_gib: new.size_gib,
            volume_type: new.volume_type,
            encrypted: new.encrypted,
            create_time: None,
            tags: new.tags,
        };
        let record = VolumeRecord::new(volume, self.now());
        self.state_mut(region)?.volumes.insert(id.clone(), record);
        Ok(id)
    }

    /// Attaches a volume. One that is attached already becomes a shared one.
    pub fn attach_volume(
        &mut self,
        region: &Region,
        volume: &VolumeId,
        instance: &InstanceId,
        device: &str,
        delete_on_termination: bool,
    ) -> Result<(), ApiError> {
        let state = self.state_mut(region)?;
        if !state.volumes.contains_key(volume) {
            return Err(ApiError::no_volume(volume));
        }
        add_device(instance_mut(state, instance)?, device, Some(volume.clone()))?;
        let attachment = Attachment { instance: instance.clone(), device: device.to_owned(), delete_on_termination };
        if let Some(record) = state.volumes.get_mut(volume) {
            record.attachments.push(attachment);
        }
        Ok(())
    }

    /// Detaches a volume from an instance.
    pub fn detach_volume(&mut self, region: &Region, volume: &VolumeId, from: &InstanceId) -> Result<(), ApiError> {
        let state = self.state_mut(region)?;
        instance_mut(state, from)?.devices.retain(|device| device.volume.as_ref() != Some(volume));
        let record = state.volumes.get_mut(volume).ok_or_else(|| ApiError::no_volume(volume))?;
        record.attachments.retain(|attachment| attachment.instance != *from);
        Ok(())
    }

    /// Deletes a volume that is not attached.
    pub fn delete_volume(&mut self, region: &Region, volume: &VolumeId) -> Result<(), ApiError> {
        let state = self.state_mut(region)?;
        let record = state.volumes.get(volume).ok_or_else(|| ApiError::no_volume(volume))?;
        if let Some(attachment) = record.attachments.first() {
            let message = format!("Volume {volume} is currently attached to {}", attachment.instance);
            return Err(ApiError::refused("VolumeInUse", message));
        }
        state.recycle(volume);
        Ok(())
    }

    /// Brings a deleted volume back from the Recycle Bin: with its id and its tags, attached to nothing.
    pub fn restore_volume(&mut self, region: &Region, volume: &VolumeId) -> Result<(), ApiError> {
        let state = self.state_mut(region)?;
        let record = state.recycled.remove(volume).ok_or_else(|| ApiError::no_volume(volume))?;
        state.volumes.insert(volume.clone(), record);
        Ok(())
    }

    /// Stops an instance.
    pub fn stop_instance(&mut self, region: &Region, id: &InstanceId) -> Result<(), ApiError> {
        self.set_instance_state(region, id, InstanceState::Stopped)
    }

    /// Starts it again.
    pub fn start_instance(&mut self, region: &Region, id: &InstanceId) -> Result<(), ApiError> {
        self.set_instance_state(region, id, InstanceState::Running)
    }

    /// Puts an instance into any state, leaving its volumes alone.
    pub fn set_instance_state(&mut self, region: &Region, id: &InstanceId, to: InstanceState) -> Result<(), ApiError> {
        instance_mut(self.state_mut(region)?, id)?.state = to;
        Ok(())
    }

    /// Terminates an instance: its mappings vanish, and so do the volumes that go with it. It is shown for an hour.
    pub fn terminate_instance(&mut self, region: &Region, id: &InstanceId) -> Result<(), ApiError> {
        let shown_until = keys::later(self.now(), TERMINATED_SHOWN_S);
        let state = self.state_mut(region)?;
        let instance = instance_mut(state, id)?;
        instance.state = InstanceState::Terminated;
        for volume in std::mem::take(&mut instance.devices).into_iter().filter_map(|device| device.volume) {
            let Some(record) = state.volumes.get_mut(&volume) else { continue };
            let goes = record.attachments.iter().any(|a| a.instance == *id && a.delete_on_termination);
            record.attachments.retain(|attachment| attachment.instance != *id);
            if goes && record.attachments.is_empty() {
                state.recycle(&volume);
            }
        }
        self.schedule(shown_until, region, Due::InstanceUnshown(id.clone()));
        Ok(())
    }

    /// Sets a tag of any resource, `aws:` ones too: AWS's own services do.
    pub fn tag(&mut self, region: &Region, resource: &ResourceId, key: &str, value: &str) -> Result<(), ApiError> {
        self.by_hand(region, |world, context| world.change_tags(context, resource, |tags| tags.set(key, value)))
    }

    /// Takes a tag away.
    pub fn untag(&mut self, region: &Region, resource: &ResourceId, key: &str) -> Result<(), ApiError> {
        self.by_hand(region, |world, context| world.change_tags(context, resource, |tags| tags.remove(key)))
    }

    /// Registers an AMI on snapshots; no id derives it from the seed and the first snapshot.
    pub fn create_image(
        &mut self,
        region: &Region,
        id: Option<ImageId>,
        snapshots: impl IntoIterator<Item = SnapshotId>,
    ) -> Result<ImageId, ApiError> {
        let snapshots: BTreeSet<SnapshotId> = snapshots.into_iter().collect();
        let name = snapshots.first().map(SnapshotId::to_string).unwrap_or_default();
        let number = self.number_by_hand(region, "image", &name);
        let id = id.unwrap_or_else(|| keys::id("ami", number));
        let created = self.now();
        let state = self.state_mut(region)?;
        if let Some(missing) = snapshots.iter().find(|snapshot| state.living(snapshot).is_none()) {
            return Err(ApiError::no_snapshot(missing));
        }
        // The first is the root's; what the others are, nobody said.
        let device = |n: usize| if n == 0 { "/dev/xvda".to_owned() } else { format!("/dev/xvdb{n}") };
        let record = ImageRecord {
            name: id.to_string(),
            description: String::new(),
            created,
            root_device: device(0),
            devices: snapshots.into_iter().enumerate().map(|(n, snapshot)| (snapshot, device(n))).collect(),
            tags: Tags::default(),
            lag: TagLag::default(),
        };
        state.images.insert(id.clone(), record);
        Ok(id)
    }

    /// Deregisters an AMI.
    pub fn deregister_image(&mut self, region: &Region, id: &ImageId) -> Result<(), ApiError> {
        self.state_mut(region)?.images.remove(id).map(|_| ()).ok_or_else(|| ApiError::no_image(id))
    }

    /// Moves a snapshot to another storage tier, at once.
    pub fn set_tier(&mut self, region: &Region, id: &SnapshotId, tier: StorageTier) -> Result<(), ApiError> {
        self.snapshot_mut(region, id)?.snapshot.tier = tier;
        Ok(())
    }

    /// Puts a snapshot into any state, at once: recoverable, recovering, in error.
    pub fn set_snapshot_state(
        &mut self,
        region: &Region,
        id: &SnapshotId,
        to: SnapshotState,
        message: Option<&str>,
    ) -> Result<(), ApiError> {
        let ends = self.now();
        let record = self.snapshot_mut(region, id)?;
        (record.snapshot.state, record.snapshot.state_message) = (to, message.map(str::to_owned));
        if to != SnapshotState::Pending {
            record.ends = ends;
            self.state_mut(region)?.pending.remove(id);
        }
        Ok(())
    }

    fn snapshot_mut(&mut self, region: &Region, id: &SnapshotId) -> Result<&mut SnapshotRecord, ApiError> {
        let record = self.state_mut(region)?.snapshots.get_mut(id).filter(|record| !record.gone);
        record.ok_or_else(|| ApiError::no_snapshot(id))
    }

    /// Puts a snapshot into the world as it is; a pending one ends as one that is begun now.
    pub fn put_snapshot(
        &mut self,
        region: &Region,
        snapshot: Snapshot,
        copy_of: Option<(Region, SnapshotId)>,
        description: &str,
    ) -> Result<(), ApiError> {
        let pending_s = self.config.durations.seconds(snapshot.size_gib, copy_of.is_some());
        let is_pending = snapshot.state == SnapshotState::Pending;
        let ends = if is_pending { keys::later(self.now(), pending_s) } else { snapshot.start_time };
        let mut record = SnapshotRecord::new(snapshot, ends);
        (record.copy_of, record.description) = (copy_of, description.to_owned());
        if is_pending {
            self.schedule(ends, region, Due::Ends(record.snapshot.id.clone()));
        }
        self.state_mut(region)?.put(record);
        Ok(())
    }

    /// Begins a snapshot of a volume by hand.
    pub fn snapshot_by_hand(&mut self, region: &Region, of: &VolumeId, tags: &Tags) -> Result<SnapshotId, ApiError> {
        self.making(region, Action::CreateSnapshot, of.as_str(), |world, context| {
            world.create_snapshot(context, of, "by hand", tags).map(|effect| effect.reply)
        })
    }

    /// Begins a copy by hand; the console presigns.
    pub fn copy_by_hand(&mut self, destination: &Region, request: &CopyRequest) -> Result<SnapshotId, ApiError> {
        let name = format!("{} {}", request.source_region, request.source);
        self.making(destination, Action::CopySnapshot, &name, |world, context| {
            world.copy_snapshot(context, request, false, true).map(|effect| effect.reply)
        })
    }

    /// Deletes a snapshot by hand, whatever its tags.
    pub fn delete_by_hand(&mut self, region: &Region, id: &SnapshotId) -> Result<(), ApiError> {
        self.by_hand(region, |world, context| world.delete_snapshot(context, id).map(|_| ()))
    }

    /// Acts as the account's owner, with a number of attempt that no call has.
    fn by_hand<T>(
        &mut self,
        region: &Region,
        act: impl FnOnce(&mut Self, &Context<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let account = self.account.clone();
        act(self, &Context { owner: &account, region, attempt: 0 })
    }

    fn making(
        &mut self,
        region: &Region,
        action: Action,
        name: &str,
        act: impl FnOnce(&mut Self, &Context<'_>) -> Result<Reply, ApiError>,
    ) -> Result<SnapshotId, ApiError> {
        let attempt = self.number_by_hand(region, action.as_str(), name);
        let account = self.account.clone();
        let reply = act(self, &Context { owner: &account, region, attempt })?;
        reply.made().into_iter().next().ok_or_else(|| ApiError::answer(500, "InternalError", "nothing was made"))
    }
}

fn add_device(to: &mut Instance, name: &str, volume: Option<VolumeId>) -> Result<(), ApiError> {
    if to.devices.iter().any(|taken| taken.name == name) {
        return Err(ApiError::bad_value(format!("{name} is already in use on instance {}", to.id)));
    }
    to.devices.push(Device { name: name.to_owned(), volume });
    Ok(())
}

fn instance_mut<'a>(state: &'a mut RegionState, id: &InstanceId) -> Result<&'a mut Instance, ApiError> {
    let record = state.instances.get_mut(id).ok_or_else(|| ApiError::no_instance(id))?;
    Ok(&mut record.instance)
}
