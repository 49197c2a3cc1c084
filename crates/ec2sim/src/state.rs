//! What the world holds, Region by Region: core's records, each in a wrapper with what only EC2 itself knows of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use snapwarden_core::ids::{ImageId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, SnapshotState, Volume};
use snapwarden_core::tags::Tags;

use crate::call::{Action, InstanceView, ResourceId, SnapshotView, VolumeView};

/// What describes still show of tags that were changed: EC2 is eventually consistent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagLag {
    /// Until when the tags before a change are shown, and what they were; oldest change first.
    old: Vec<(Timestamp, Tags)>,
}

impl TagLag {
    /// Remembers what the tags were before a change.
    pub(crate) fn remember(&mut self, before: &Tags, now: Timestamp, until: Timestamp) {
        self.old.retain(|(until, _)| *until > now);
        if until > now {
            self.old.push((until, before.clone()));
        }
    }

    /// What a describe shows: never a change before an earlier one.
    pub(crate) fn shown<'a>(&'a self, truth: &'a Tags, now: Timestamp) -> &'a Tags {
        self.old.iter().find(|(until, _)| *until > now).map_or(truth, |(_, tags)| tags)
    }
}

/// What no decision reads of an instance, but EC2 tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// When it was run.
    pub launched: Timestamp,
    /// `t3.micro` …
    pub instance_type: String,
    /// The AMI that it was run from.
    pub image: ImageId,
    /// The letter of its availability zone.
    pub zone: char,
}

impl Machine {
    /// What an instance is where nobody said: from an AMI that is not listed.
    pub(crate) fn launched(launched: Timestamp) -> Self {
        let image = crate::keys::known("ami-00000000000000000");
        Self { launched, instance_type: "t3.micro".to_owned(), image, zone: FIRST_ZONE }
    }
}

/// Where things are put if nobody says where.
pub(crate) const FIRST_ZONE: char = 'a';

/// An AMI: what it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageRecord {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) created: Timestamp,
    pub(crate) root_device: String,
    /// Its snapshots, each with its device.
    pub(crate) devices: BTreeMap<SnapshotId, String>,
    pub(crate) tags: Tags,
    pub(crate) lag: TagLag,
}

impl ImageRecord {
    /// Whether it stands on a snapshot.
    pub(crate) fn stands_on(&self, snapshot: &SnapshotId) -> bool {
        self.devices.contains_key(snapshot)
    }
}

/// An instance and what EC2 knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRecord {
    /// The instance, as it truly is.
    pub instance: Instance,
    /// Its reservation's id.
    pub reservation: String,
    /// What only EC2 tells of it.
    pub machine: Machine,
    pub(crate) lag: TagLag,
}

impl InstanceRecord {
    pub(crate) fn new(instance: Instance, reservation: String, machine: Machine) -> Self {
        Self { instance, reservation, machine, lag: TagLag::default() }
    }

    pub(crate) fn view(&self, volumes: &BTreeMap<VolumeId, VolumeRecord>, now: Timestamp) -> InstanceView {
        let tags = self.lag.shown(&self.instance.tags, now).clone();
        let instance = Instance { tags, ..self.instance.clone() };
        let goes = |id: &&VolumeId| {
            let attachments = volumes.get(*id).map(|volume| &volume.attachments);
            attachments.into_iter().flatten().any(|a| a.instance == instance.id && a.delete_on_termination)
        };
        let goes_with_it = instance.devices.iter().filter_map(|d| d.volume.as_ref()).filter(goes).cloned().collect();
        InstanceView { instance, reservation: self.reservation.clone(), machine: self.machine.clone(), goes_with_it }
    }
}

/// A volume's place in an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Whose.
    pub instance: InstanceId,
    /// As the instance sees it.
    pub device: String,
    /// The volume vanishes with the instance.
    pub delete_on_termination: bool,
}

/// A volume and what EC2 knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRecord {
    /// The volume, as it truly is.
    pub volume: Volume,
    /// Its attachments: several only where the volume may be shared.
    pub attachments: Vec<Attachment>,
    /// When it was made.
    pub created: Timestamp,
    /// The letter of its availability zone.
    pub zone: char,
    pub(crate) lag: TagLag,
}

impl VolumeRecord {
    /// Made when it says so, or now.
    pub(crate) fn new(mut volume: Volume, now: Timestamp) -> Self {
        let created = *volume.create_time.get_or_insert(now);
        Self { volume, attachments: Vec::new(), created, zone: FIRST_ZONE, lag: TagLag::default() }
    }

    pub(crate) fn view(&self, now: Timestamp) -> VolumeView {
        let tags = self.lag.shown(&self.volume.tags, now).clone();
        let volume = Volume { tags, ..self.volume.clone() };
        VolumeView { volume, attachments: self.attachments.clone(), created: self.created, zone: self.zone }
    }
}

/// A snapshot and what EC2 knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// The snapshot, as it truly is.
    pub snapshot: Snapshot,
    /// Its description.
    pub description: String,
    /// For a copy: its source.
    pub copy_of: Option<(Region, SnapshotId)>,
    /// When it stops being pending, or did.
    pub ends: Timestamp,
    /// Why it will fail at that time.
    pub(crate) fate: Option<String>,
    /// The first member of the set that it was begun in.
    pub(crate) set: Option<SnapshotId>,
    /// Before this, describes do not show it.
    pub(crate) visible_from: Timestamp,
    /// Deleted while pending: it goes when it ends.
    pub(crate) delete_wanted: bool,
    /// Deleted; a describe may still show it until the world purges it.
    pub(crate) gone: bool,
    pub(crate) lag: TagLag,
}

impl SnapshotRecord {
    pub(crate) fn new(snapshot: Snapshot, ends: Timestamp) -> Self {
        let visible_from = snapshot.start_time;
        Self {
            snapshot,
            description: String::new(),
            copy_of: None,
            ends,
            fate: None,
            set: None,
            visible_from,
            delete_wanted: false,
            gone: false,
            lag: TagLag::default(),
        }
    }

    /// Whether describes and CreateTags know it already.
    pub(crate) fn is_visible(&self, now: Timestamp) -> bool {
        self.visible_from <= now
    }

    pub(crate) fn view(&self, now: Timestamp) -> SnapshotView {
        let tags = self.lag.shown(&self.snapshot.tags, now).clone();
        let completed = self.snapshot.is_completed().then_some(self.ends);
        SnapshotView {
            snapshot: Snapshot { tags, ..self.snapshot.clone() },
            description: self.description.clone(),
            progress: self.progress(now),
            completed,
        }
    }

    fn progress(&self, now: Timestamp) -> u8 {
        if self.snapshot.state != SnapshotState::Pending {
            return if self.snapshot.is_completed() { 100 } else { 0 };
        }
        let begun = self.snapshot.start_time.as_second();
        let (passed, all) = (now.as_second() - begun, (self.ends.as_second() - begun).max(1));
        u8::try_from((passed * 100 / all).clamp(0, 99)).unwrap_or(0)
    }
}

/// One Region.
#[derive(Debug, Clone, Default)]
pub(crate) struct RegionState {
    pub(crate) instances: BTreeMap<InstanceId, InstanceRecord>,
    pub(crate) volumes: BTreeMap<VolumeId, VolumeRecord>,
    /// Deleted volumes, which a person can bring back from the Recycle Bin.
    pub(crate) recycled: BTreeMap<VolumeId, VolumeRecord>,
    /// Those that are gone but still shown are here too: see [`RegionState::living`].
    pub(crate) snapshots: BTreeMap<SnapshotId, SnapshotRecord>,
    pub(crate) images: BTreeMap<ImageId, ImageRecord>,
    /// The living snapshots of each volume id.
    pub(crate) by_volume: BTreeMap<VolumeId, BTreeSet<SnapshotId>>,
    /// The living snapshots that are pending.
    pub(crate) pending: BTreeSet<SnapshotId>,
    /// When the last snapshot of a volume was begun, be it still there or not.
    pub(crate) last_begun: BTreeMap<VolumeId, Timestamp>,
    /// The listings that are not known, and why: an account that was loaded from a dump with gaps.
    pub(crate) unread: BTreeMap<Action, String>,
    /// Not to be reached.
    pub(crate) out: bool,
    /// New copies are encrypted, asked or not.
    pub(crate) encrypts_by_default: bool,
}

impl RegionState {
    /// Moves a volume to the Recycle Bin.
    pub(crate) fn recycle(&mut self, id: &VolumeId) {
        if let Some(record) = self.volumes.remove(id) {
            self.recycled.insert(id.clone(), record);
        }
    }

    /// A snapshot that truly exists.
    pub(crate) fn living(&self, id: &SnapshotId) -> Option<&SnapshotRecord> {
        self.snapshots.get(id).filter(|record| !record.gone)
    }

    /// The snapshots that truly exist.
    pub(crate) fn all_living(&self) -> impl Iterator<Item = &SnapshotRecord> {
        self.snapshots.values().filter(|record| !record.gone)
    }

    /// Puts a snapshot where every index finds it.
    pub(crate) fn put(&mut self, record: SnapshotRecord) {
        let (id, volume) = (record.snapshot.id.clone(), record.snapshot.volume_id.clone());
        if let Some(before) = self.snapshots.get(&id).map(|before| before.snapshot.volume_id.clone()) {
            self.drop_from_indexes(&id, &before);
        }
        if record.snapshot.state == SnapshotState::Pending {
            self.pending.insert(id.clone());
        }
        if record.copy_of.is_none() {
            let begun = record.snapshot.start_time;
            let last = self.last_begun.entry(volume.clone()).or_insert(begun);
            *last = begun.max(*last);
        }
        self.by_volume.entry(volume).or_default().insert(id.clone());
        self.snapshots.insert(id, record);
    }

    /// Takes a snapshot out of the indexes; what describes still show of it stays.
    pub(crate) fn drop_from_indexes(&mut self, id: &SnapshotId, volume: &VolumeId) {
        self.pending.remove(id);
        if let Some(of_volume) = self.by_volume.get_mut(volume) {
            of_volume.remove(id);
        }
    }

    /// The tags of a resource and what describes still show of older ones.
    pub(crate) fn tags_mut(&mut self, resource: &ResourceId) -> Option<(&mut Tags, &mut TagLag)> {
        match resource {
            ResourceId::Instance(id) => self.instances.get_mut(id).map(|r| (&mut r.instance.tags, &mut r.lag)),
            ResourceId::Volume(id) => self.volumes.get_mut(id).map(|r| (&mut r.volume.tags, &mut r.lag)),
            ResourceId::Snapshot(id) => {
                let living = self.snapshots.get_mut(id).filter(|record| !record.gone);
                living.map(|r| (&mut r.snapshot.tags, &mut r.lag))
            }
            ResourceId::Image(id) => self.images.get_mut(id).map(|r| (&mut r.tags, &mut r.lag)),
        }
    }

    /// The tags of a resource.
    pub(crate) fn tags(&self, resource: &ResourceId) -> Option<&Tags> {
        match resource {
            ResourceId::Instance(id) => self.instances.get(id).map(|record| &record.instance.tags),
            ResourceId::Volume(id) => self.volumes.get(id).map(|record| &record.volume.tags),
            ResourceId::Snapshot(id) => self.living(id).map(|record| &record.snapshot.tags),
            ResourceId::Image(id) => self.images.get(id).map(|record| &record.tags),
        }
    }
}
