//! Snapshots: how they are begun, copied, deleted, and how they end.

use jiff::Timestamp;
use snapwarden_core::ids::{AccountId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState, StorageTier, Volume};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::{CopyRequest, SetRequest};

use crate::call::{Action, ApiError, Reply};
use crate::faults::KmsOrder;
use crate::keys;
use crate::limits::{COPIES_IN_FLIGHT_MAX, DATA_EXCLUSIONS_MAX, SNAPSHOT_SPACING_S};
use crate::state::{RegionState, SnapshotRecord};
use crate::tagging::check_new_tags;
use crate::world::{Context, Due, Effect, World};

/// What every copy says of its volume (EBS user guide, ebs-copy-snapshot: "an arbitrary volume ID").
pub const VOLUME_OF_COPIES: &str = "vol-ffffffff";
/// StateMessage of a copy whose key cannot be used (EBS user guide, ebs-copy-snapshot).
pub const KEY_MESSAGE: &str = "Given key ID is not accessible";
/// StateMessage of a copy of an encrypted source without its presigned URL. AWS documents that it fails, not the words.
pub const PRESIGNED_MESSAGE: &str = "The presigned URL of the encrypted source snapshot is missing or not valid";
/// StateMessage of a copy whose source went away. AWS documents no words.
pub const SOURCE_GONE_MESSAGE: &str = "The source snapshot was deleted before its copy was completed";
/// StateMessage of a snapshot or copy that fails by the seed. AWS documents no words.
pub const FAILED_MESSAGE: &str = "An internal error has occurred";

impl World {
    pub(crate) fn create_snapshot(
        &mut self,
        context: &Context<'_>,
        volume: &VolumeId,
        description: &str,
        tags: &Tags,
    ) -> Result<Effect, ApiError> {
        check_new_tags(tags)?;
        let volume = self.volume_with_room(context.region, volume)?;
        self.check_region_room(context.region, 1)?;
        let id = self.new_snapshot_id(context, Action::CreateSnapshot, volume.id.as_str());
        let mut record = self.new_snapshot(context.owner, &id, &volume, tags);
        record.description = description.to_owned();
        record.fate = self.fate_of_snapshot(&id, &volume.id);
        let view = record.view(self.now());
        self.begin(context.region, record)?;
        Ok(Reply::Begun(view).into())
    }

    pub(crate) fn create_snapshots(&mut self, context: &Context<'_>, request: &SetRequest) -> Result<Effect, ApiError> {
        check_new_tags(&request.tags)?;
        let volumes = volumes_of_set(self.state(context.region)?, request)?;
        let volumes: Result<Vec<Volume>, ApiError> =
            volumes.iter().map(|id| self.volume_with_room(context.region, id)).collect();
        let volumes = volumes?;
        self.check_region_room(context.region, volumes.len())?;
        let mut records = Vec::new();
        for volume in &volumes {
            let name = format!("{} {}", request.instance, volume.id);
            let id = self.new_snapshot_id(context, Action::CreateSnapshots, &name);
            let mut record = self.new_snapshot(context.owner, &id, volume, &request.tags);
            record.description.clone_from(&request.description);
            record.fate = self.orders.failing.remove(&volume.id);
            records.push(record);
        }
        let drawn = records.first().and_then(|first| self.drawn_fate(&first.snapshot.id, self.config.set_errors));
        bind_set(&mut records, drawn);
        let views = records.iter().map(|record| record.view(self.now())).collect();
        for record in records {
            self.begin(context.region, record)?;
        }
        Ok(Reply::Set(views).into())
    }

    /// A volume that exists and of which a snapshot may be begun now.
    fn volume_with_room(&self, region: &Region, id: &VolumeId) -> Result<Volume, ApiError> {
        let state = self.state(region)?;
        let volume = &state.volumes.get(id).ok_or_else(|| ApiError::no_volume(id))?.volume;
        if let Some(begun) = state.last_begun.get(id)
            && self.now() < keys::later(*begun, SNAPSHOT_SPACING_S)
        {
            return Err(ApiError::refused(
                "SnapshotCreationPerVolumeRateExceeded",
                "The maximum per volume CreateSnapshot request rate has been exceeded. \
                 Use an increasing or variable sleep interval between requests.",
            ));
        }
        let counts = |id: &&SnapshotId| {
            let record = state.snapshots.get(*id);
            record.is_some_and(|r| matches!(r.snapshot.state, SnapshotState::Pending | SnapshotState::Error))
        };
        let unfinished = state.by_volume.get(id).into_iter().flatten().filter(counts).count();
        if unfinished >= volume.pending_max() {
            let message = "Maximum allowed in-progress snapshots for a single volume exceeded.";
            return Err(ApiError::refused("ConcurrentSnapshotLimitExceeded", message));
        }
        Ok(volume.clone())
    }

    fn check_region_room(&self, region: &Region, more: usize) -> Result<(), ApiError> {
        let state = self.state(region)?;
        if state.snapshots.len() + more > self.config.snapshots_max {
            let message = "You have reached the maximum number of snapshots for this Region.";
            return Err(ApiError::refused("SnapshotLimitExceeded", message));
        }
        Ok(())
    }

    /// An id that depends on what is made and on the attempt, not on what else was made before.
    fn new_snapshot_id(&self, context: &Context<'_>, action: Action, resource: &str) -> SnapshotId {
        let (region, attempt) = (context.region.as_str(), context.attempt.to_string());
        let taken = |id: &SnapshotId| self.state(context.region).is_ok_and(|state| state.snapshots.contains_key(id));
        let number = |salt: u32| {
            keys::hash(self.seed, &["snapshot", region, action.as_str(), resource, &attempt, &salt.to_string()])
        };
        let mut salt = 0;
        loop {
            let id = keys::id("snap", number(salt));
            if !taken(&id) {
                return id;
            }
            salt += 1;
        }
    }

    fn new_snapshot(&mut self, owner: &AccountId, id: &SnapshotId, volume: &Volume, tags: &Tags) -> SnapshotRecord {
        let snapshot = Snapshot {
            id: id.clone(),
            volume_id: volume.id.clone(),
            owner: owner.clone(),
            state: SnapshotState::Pending,
            state_message: None,
            start_time: self.now(),
            size_gib: volume.size_gib,
            encrypted: volume.encrypted,
            tier: StorageTier::Standard,
            tags: tags.clone(),
        };
        let stuck_s = self.orders.stuck.remove(&volume.id).unwrap_or(0);
        let ends = keys::later(self.now(), self.config.durations.seconds(volume.size_gib, false) + stuck_s);
        SnapshotRecord::new(snapshot, ends)
    }

    fn fate_of_snapshot(&mut self, id: &SnapshotId, volume: &VolumeId) -> Option<String> {
        let ordered = self.orders.failing.remove(volume);
        ordered.or_else(|| self.drawn_fate(id, self.config.snapshot_errors))
    }

    fn drawn_fate(&self, id: &SnapshotId, per_mille: u16) -> Option<String> {
        let draw = keys::hash(self.seed, &["fate", id.as_str()]) % 1_000;
        (draw < u64::from(per_mille)).then(|| FAILED_MESSAGE.to_owned())
    }

    /// Puts a new snapshot into the world, hidden for as long as eventual consistency has it.
    fn begin(&mut self, region: &Region, mut record: SnapshotRecord) -> Result<(), ApiError> {
        let id = record.snapshot.id.clone();
        record.visible_from = keys::later(self.now(), self.lag_s(&["new", id.as_str()]));
        self.schedule(record.ends, region, Due::Ends(id));
        self.state_mut(region)?.put(record);
        Ok(())
    }

    pub(crate) fn copy_snapshot(
        &mut self,
        context: &Context<'_>,
        request: &CopyRequest,
        encrypted: bool,
        presigned: bool,
    ) -> Result<Effect, ApiError> {
        check_new_tags(&request.tags)?;
        let source = self.copyable(context.owner, request)?;
        let state = self.state(context.region)?;
        let in_flight = state.pending.iter().filter_map(|id| state.living(id)).filter(|r| r.copy_of.is_some()).count();
        if in_flight >= COPIES_IN_FLIGHT_MAX {
            let message = format!(
                "Too many snapshot copies in progress. The limit is {COPIES_IN_FLIGHT_MAX} for this destination region."
            );
            return Err(ApiError::refused("ResourceLimitExceeded", message));
        }
        let encrypted = source.encrypted || encrypted || state.encrypts_by_default;
        self.check_region_room(context.region, 1)?;
        let resource = format!("{} {}", request.source_region, request.source);
        let id = self.new_snapshot_id(context, Action::CopySnapshot, &resource);
        let fate = self.fate_of_copy(context.region, &id, &source, presigned);
        let copy = Snapshot {
            id: id.clone(),
            volume_id: keys::known(VOLUME_OF_COPIES),
            owner: context.owner.clone(),
            state: SnapshotState::Pending,
            state_message: None,
            start_time: self.now(),
            size_gib: source.size_gib,
            encrypted,
            tier: StorageTier::Standard,
            tags: request.tags.clone(),
        };
        let ends = keys::later(self.now(), self.config.durations.seconds(source.size_gib, true));
        let mut record = SnapshotRecord::new(copy, ends);
        record.description.clone_from(&request.description);
        record.copy_of = Some((request.source_region.clone(), request.source.clone()));
        record.fate = fate;
        self.begin(context.region, record)?;
        Ok(Reply::Copied { snapshot: id, tags: request.tags.clone() }.into())
    }

    /// The source, where it can be copied.
    fn copyable(&self, owner: &AccountId, request: &CopyRequest) -> Result<Snapshot, ApiError> {
        let Some(state) = self.regions.get(&request.source_region) else {
            return Err(ApiError::bad_value(format!("Invalid source region: {}", request.source_region)));
        };
        let living = state.living(&request.source).filter(|record| record.snapshot.owner == *owner);
        let source = &living.ok_or_else(|| ApiError::no_snapshot(&request.source))?.snapshot;
        if source.state != SnapshotState::Completed {
            let message = format!("The snapshot '{}' is not completed.", source.id);
            return Err(ApiError::refused("IncorrectState", message));
        }
        match source.tier {
            StorageTier::Standard => Ok(source.clone()),
            StorageTier::Archive => {
                let message = format!("The snapshot '{}' is archived and cannot be copied.", source.id);
                Err(ApiError::refused("UnsupportedOperation", message))
            }
            StorageTier::Local => {
                let message = format!("The snapshot '{}' is not stored in the Region and cannot be copied.", source.id);
                Err(ApiError::refused("UnsupportedOperation", message))
            }
        }
    }

    fn fate_of_copy(&self, region: &Region, id: &SnapshotId, source: &Snapshot, presigned: bool) -> Option<String> {
        let orders = [KmsOrder::Destination(region.clone()), KmsOrder::Volume(source.volume_id.clone())];
        if source.encrypted && !presigned {
            Some(PRESIGNED_MESSAGE.to_owned())
        } else if orders.iter().any(|order| self.orders.kms.contains(order)) {
            Some(KEY_MESSAGE.to_owned())
        } else {
            self.drawn_fate(id, self.config.copy_errors)
        }
    }

    pub(crate) fn delete_snapshot(&mut self, context: &Context<'_>, id: &SnapshotId) -> Result<Effect, ApiError> {
        let state = self.state_mut(context.region)?;
        let found = state.snapshots.get_mut(id).filter(|r| !r.gone && r.snapshot.owner == *context.owner);
        let record = found.ok_or_else(|| ApiError::no_snapshot(id))?;
        if let Some((image, _)) = state.images.iter().find(|(_, image)| image.stands_on(id)) {
            let message = format!("The snapshot {id} is currently in use by {image}");
            return Err(ApiError::refused("InvalidSnapshot.InUse", message));
        }
        if record.snapshot.tags.iter().any(|(key, _)| key.starts_with("aws:backup:")) {
            return Err(ApiError::bad_value(
                "This snapshot is managed by the AWS Backup service and cannot be deleted via EC2 APIs. \
                 If you wish to delete this snapshot, please do so via the Backup console.",
            ));
        }
        let deleted = Some(record.snapshot.clone());
        if record.snapshot.state == SnapshotState::Pending {
            // "The snapshot must complete before the deletion takes effect" (EBS user guide, ebs-deleting-snapshot).
            record.delete_wanted = true;
        } else {
            self.remove(context.region, id);
        }
        Ok(Effect { reply: Reply::Deleted, deleted })
    }

    /// Takes a snapshot out of the world; describes may show it a little longer.
    fn remove(&mut self, region: &Region, id: &SnapshotId) {
        let until = keys::later(self.now(), self.lag_s(&["gone", id.as_str()]));
        let now = self.now();
        let Some(state) = self.regions.get_mut(region) else { return };
        let Some(record) = state.snapshots.get_mut(id) else { return };
        record.gone = true;
        let volume = record.snapshot.volume_id.clone();
        state.drop_from_indexes(id, &volume);
        if until > now {
            self.schedule(until, region, Due::Unshown(id.clone()));
        } else {
            state.snapshots.remove(id);
        }
        self.fail_copies_of(region, id);
    }

    fn fail_copies_of(&mut self, region: &Region, source: &SnapshotId) {
        let is_copy =
            |record: &SnapshotRecord| record.copy_of.as_ref().is_some_and(|(r, s)| r == region && s == source);
        let mut copies = Vec::new();
        for (destination, state) in &self.regions {
            let pending = state.pending.iter().filter(|id| state.living(id).is_some_and(is_copy));
            copies.extend(pending.map(|id| (destination.clone(), id.clone())));
        }
        for (destination, copy) in copies {
            self.finish(&destination, &copy, Some(SOURCE_GONE_MESSAGE.to_owned()));
        }
    }

    /// A snapshot's time is over: it is completed, or in error if that is its fate.
    pub(crate) fn end_pending(&mut self, region: &Region, id: &SnapshotId) {
        let record = self.regions.get(region).and_then(|state| state.living(id));
        // Stale: it ended another way, or its end was moved.
        let Some(record) = record.filter(|r| r.snapshot.state == SnapshotState::Pending && r.ends <= self.now()) else {
            return;
        };
        let fate = record.fate.clone();
        self.finish(region, id, fate);
    }

    fn finish(&mut self, region: &Region, id: &SnapshotId, error: Option<String>) {
        let now = self.now();
        let Some(state) = self.regions.get_mut(region) else { return };
        let Some(record) = state.snapshots.get_mut(id) else { return };
        record.snapshot.state = if error.is_some() { SnapshotState::Error } else { SnapshotState::Completed };
        record.snapshot.state_message = error;
        record.ends = now;
        let delete_wanted = record.delete_wanted;
        state.pending.remove(id);
        if delete_wanted {
            self.remove(region, id);
        }
    }

    /// The next snapshot that is begun of a volume fails in the end, with this message, and its whole set with it.
    pub fn fail_next_snapshot_of(&mut self, volume: &VolumeId, message: &str) {
        self.orders.failing.insert(volume.clone(), message.to_owned());
    }

    /// The next snapshot that is begun of a volume is pending for so much longer.
    pub fn hold_back_next_snapshot_of(&mut self, volume: &VolumeId, seconds: i64) {
        self.orders.stuck.insert(volume.clone(), seconds);
    }

    /// A snapshot that is pending fails at `time`, and the pending ones of its set with it.
    pub fn fail_pending(
        &mut self,
        region: &Region,
        id: &SnapshotId,
        time: Timestamp,
        message: &str,
    ) -> Result<(), ApiError> {
        let state = self.state_mut(region)?;
        let set = state.living(id).ok_or_else(|| ApiError::no_snapshot(id))?.set.clone();
        let mut failing = Vec::new();
        for other in &state.pending {
            let Some(record) = state.snapshots.get_mut(other) else { continue };
            if other == id || (set.is_some() && record.set == set) {
                (record.ends, record.fate) = (time, Some(message.to_owned()));
                failing.push(other.clone());
            }
        }
        for id in failing {
            self.schedule(time, region, Due::Ends(id));
        }
        Ok(())
    }
}

/// One failure fails the whole set, at the time of its first (EBS user guide, ebs-create-snapshots).
fn bind_set(records: &mut [SnapshotRecord], drawn: Option<String>) {
    let first = records.first().map(|record| record.snapshot.id.clone());
    let fate = records.iter().find_map(|record| record.fate.clone()).or(drawn);
    let soonest = records.iter().map(|record| record.ends).min();
    for record in records {
        record.set.clone_from(&first);
        record.fate.clone_from(&fate);
        if let (Some(_), Some(soonest)) = (&fate, soonest) {
            record.ends = soonest;
        }
    }
}

/// The volumes that a set takes.
fn volumes_of_set(state: &RegionState, request: &SetRequest) -> Result<Vec<VolumeId>, ApiError> {
    let found = state.instances.get(&request.instance).ok_or_else(|| ApiError::no_instance(&request.instance))?;
    let instance = &found.instance;
    if request.exclude_data.len() > DATA_EXCLUSIONS_MAX {
        let message = format!("ExcludeDataVolumeIds may name at most {DATA_EXCLUSIONS_MAX} volumes.");
        return Err(ApiError::bad_value(message));
    }
    let is_root = |name: &str| name == instance.root_device;
    let root = instance.devices.iter().find(|device| is_root(&device.name)).and_then(|device| device.volume.as_ref());
    if let Some(root) = root.filter(|root| request.exclude_data.contains(root)) {
        let message = format!("{root} is the root volume: use ExcludeBootVolume to exclude it.");
        return Err(ApiError::bad_value(message));
    }
    let mut volumes = Vec::new();
    for device in &instance.devices {
        let excluded = request.exclude_boot && is_root(&device.name);
        if let Some(volume) = device.volume.as_ref().filter(|id| !excluded && !request.exclude_data.contains(id)) {
            volumes.push(volume.clone());
        }
    }
    if volumes.is_empty() {
        let id = &request.instance;
        let message = format!("There are no attached EBS-backed volumes on the instance id ({id}).");
        return Err(ApiError::bad_value(message));
    }
    Ok(volumes)
}
