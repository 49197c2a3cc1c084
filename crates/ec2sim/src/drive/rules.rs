//! The safety rules S1 to S12 (docs/safety.md), checked on the world at every call, by somebody who knows nothing of the
//! code that decides. What a process was shown is taken from EC2's own replies to it.
//!
//! The rules speak of what was seen at the last look. EC2 may show what was true up to `LAG_MAX_S` seconds ago, and a
//! second look holds for a minute. So where a person, time or another job changed something within [`UNSEEN_S`], the
//! process is judged by what it was shown; everything older it must have known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use snapwarden_core::approval::Approved;
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::CopyRequest;

use super::birth::Birth;
use super::delete::Delete;
use super::facts::{CLOSED, OF_ONE_ALONE, UNSEEN_S, day, delete_on, is_copy_of, is_managed, seconds, volume_of};
use super::found::{Broken, Found};
use super::memory::Memory;
use super::process::Process;
use super::seen::is_describe;
use crate::call::{Action, Call, ResourceId};
use crate::keys;
use crate::world::World;

/// Deletes of expired snapshots in one Region and run for which nobody is asked (S9).
const UNASKED_MAX: usize = 25;

/// What all processes of a life have in common.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// The first one; a life ends with it.
    pub(super) broken: Option<Broken>,
    /// What was made for each volume and slot, by whom.
    made: BTreeMap<(VolumeId, String), Vec<Made>>,
    /// What was made of each source for each destination.
    copied: BTreeMap<(SnapshotId, Region), Vec<Made>>,
    /// When people, time, or a job beside, last changed what has this id.
    touched: BTreeMap<String, Timestamp>,
    /// What jobs have deleted, and when: what rests on it may have been looked at a moment before.
    deleted: BTreeMap<SnapshotId, Timestamp>,
    /// What there truly was.
    pub(super) memory: Memory,
}

#[derive(Debug, Clone)]
struct Made {
    region: Region,
    snapshot: SnapshotId,
    process: u64,
    tick: String,
}

impl Made {
    fn new(process: &Process, region: &Region, snapshot: &SnapshotId) -> Self {
        let (number, tick) = (process.number, process.tick.clone());
        Self { region: region.clone(), snapshot: snapshot.clone(), process: number, tick }
    }

    /// Whether another run made it that this one overlaps with.
    fn is_beside(&self, process: &Process) -> bool {
        self.tick == process.tick && self.process != process.number
    }
}

impl Rules {
    /// What has this id is changed now.
    pub(super) fn touch(&mut self, id: &str, now: Timestamp) {
        self.touched.insert(id.to_owned(), now);
    }

    pub(super) fn is_fresh(&self, id: &str, now: Timestamp) -> bool {
        self.touched.get(id).is_some_and(|at| seconds(*at, now) <= UNSEEN_S)
    }

    /// Whether a run that has begun then must have seen it as it is.
    pub(super) fn is_settled(&self, snapshot: &Snapshot, begun: Timestamp) -> bool {
        seconds(snapshot.start_time, begun) > UNSEEN_S && !self.is_fresh(snapshot.id.as_str(), begun)
    }

    /// Whether a job has deleted it so lately that it was still there at a look that holds.
    pub(super) fn was_there(&self, id: &SnapshotId, now: Timestamp) -> bool {
        self.deleted.get(id).is_some_and(|at| seconds(*at, now) <= UNSEEN_S)
    }

    pub(super) fn breaks(&mut self, rule: &'static str, words: String) {
        if self.broken.is_none() {
            self.broken = Some(Broken { rule, words });
        }
    }

    /// Judges a call that is about to be made, by the world as it is; what is wrong counts if the call takes effect.
    pub(super) fn judge(&self, world: &World, process: &Process, region: &Region, call: &Call) -> Found {
        let mut found = Found::default();
        let is_in_doubt = process.doubts_since().is_some_and(|since| since < world.now());
        found.unless(is_describe(call) || !is_in_doubt, "S10", || {
            format!("{} is called, and the time is in doubt", call.action())
        });
        match call {
            Call::DeleteSnapshot { snapshot } => {
                if let Some(record) = world.snapshot(region, snapshot) {
                    Delete { rules: self, world, process, region, record }.judge(&mut found);
                }
            }
            Call::CreateSnapshot { volume, tags, .. } => {
                let volumes = std::slice::from_ref(volume);
                Birth { rules: self, world, process, region, volumes, tags }.judge(&mut found);
            }
            Call::CreateSnapshots(request) => {
                let instance = world.instance(region, &request.instance).map(|record| &record.instance);
                let devices = instance.into_iter().flat_map(|instance| &instance.devices);
                let volumes: Vec<_> = devices.filter_map(|device| device.volume.clone()).collect();
                let (volumes, tags) = (&volumes[..], &request.tags);
                Birth { rules: self, world, process, region, volumes, tags }.judge(&mut found);
            }
            Call::CopySnapshot { request, .. } => {
                if let Some(source) = world.snapshot(&request.source_region, &request.source) {
                    self.judge_copy(world, process, region, &source.snapshot, request, &mut found);
                }
                for key in ["Type", "SourceSnapshotId", "SourceRegion", "SourceStartTime", "VolumeID"] {
                    found.unless(request.tags.has(key), "S11", || format!("a copy is born without {key}"));
                }
                for key in OF_ONE_ALONE {
                    found.unless(!request.tags.has(key), "S11", || format!("a copy is born with {key}"));
                }
            }
            Call::CreateTags { resources, tags } => {
                for resource in resources {
                    self.judge_tags(world, process, region, resource, tags, &mut found);
                }
            }
            Call::GetCallerIdentity | Call::DescribeRegions | Call::DescribeInstances(_) | Call::DescribeVolumes(_) => {
            }
            Call::DescribeSnapshots(_) | Call::Find(_) => {}
            Call::DeleteTags { .. } | Call::DeleteTagsWhere { .. } | Call::Build(_) => {
                found.add("S1", format!("a job calls {}", call.action()));
            }
        }
        found
    }

    fn judge_copy(
        &self,
        world: &World,
        process: &Process,
        destination: &Region,
        source: &Snapshot,
        request: &CopyRequest,
        found: &mut Found,
    ) {
        let (id, source_region, tags) = (&source.id, &request.source_region, &request.tags);
        let fresh = self.is_fresh(id.as_str(), world.now());
        found.unless(is_managed(world, source) || fresh, "S1", || format!("{id} is copied and is not ours"));
        found.unless(!source.tags.has("SourceSnapshotId") || fresh, "S1", || format!("{id} is copied and is a copy"));
        let has_record = |tags: &Tags| tags.has("snapwarden:retention");
        found.unless(!has_record(&source.tags) || has_record(tags) || fresh, "S11", || {
            format!("the copy of {id} is born without its record of retention")
        });
        let copied = self.copied.get(&(id.clone(), destination.clone()));
        let is_beside = |other: &SnapshotId| {
            copied.into_iter().flatten().any(|made| made.snapshot == *other && made.is_beside(process))
        };
        let live = world.snapshots(destination).filter(|record| is_copy_of(record, source_region, id));
        let mut live = live.map(|record| &record.snapshot.id);
        if let Some(other) = live.find(|other| !self.is_fresh(other.as_str(), world.now()) && !is_beside(other)) {
            found.add("S8", format!("{id} is copied to {destination}, where its copy {other} lives"));
        }
    }

    fn judge_tags(
        &self,
        world: &World,
        process: &Process,
        region: &Region,
        resource: &ResourceId,
        tags: &Tags,
        found: &mut Found,
    ) {
        let ResourceId::Snapshot(id) = resource else {
            return found.add("S1", format!("a job tags {}", resource.as_str()));
        };
        let Some(record) = world.snapshot(region, id) else { return };
        let fresh = self.is_fresh(id.as_str(), world.now());
        found.unless(is_managed(world, &record.snapshot) || fresh, "S1", || format!("{id} is tagged and is not ours"));
        found.unless(!tags.has("Type"), "S1", || format!("{id} gets the tag Type"));
        let is_mark = tags.len() == 1 && tags.has(CLOSED);
        let may_mark = process.job == Job::Expire;
        found.unless(is_mark == may_mark && tags.has(CLOSED) == is_mark, "S1", || {
            format!("the job {} writes {:?} on {id}", process.job.as_str(), tags)
        });
        if let Some(text) = tags.get(CLOSED).filter(|_| may_mark) {
            self.judge_mark(world, process, &record.snapshot, text, found);
        }
        let moved = (delete_on(&record.snapshot.tags), delete_on(tags));
        if let (Some(before), Some(after)) = moved {
            found.unless(after >= before || fresh, "S3", || {
                format!("DeleteOn of {id} is moved from {before} to {after}")
            });
        }
    }

    /// S12 of a mark that the manager writes: that today the volume is over; or, empty, that it is not.
    fn judge_mark(&self, world: &World, process: &Process, snapshot: &Snapshot, text: &str, found: &mut Found) {
        let id = &snapshot.id;
        let (first, last) = (day(process.begun), day(world.now()));
        let is_today = text.parse::<Date>().is_ok_and(|day| first <= day && day <= last);
        found.unless(text.is_empty() || is_today, "S12", || format!("{id} is marked as closed on {text:?}"));
        if self.is_fresh(id.as_str(), world.now()) {
            // It may have named another volume a moment ago.
            return;
        }
        let Some(volume) = volume_of(snapshot) else {
            return found.add("S12", format!("{id} is marked as closed and names no volume"));
        };
        let known = keys::later(process.begun, -UNSEEN_S);
        let is_over = match (self.memory.at(&volume, known), self.memory.since(&volume, known)) {
            (None, None) => Some(true),
            (_, Some(state)) => Some(state.is_over()),
            // It has changed a moment ago.
            (_, None) => None,
        };
        found.unless(is_over != Some(false) || text.is_empty(), "S12", || {
            format!("{id} is marked as closed and its volume {volume} is not over")
        });
        found.unless(is_over != Some(true) || !text.is_empty(), "S12", || {
            format!("the mark on {id} is emptied and its volume {volume} is over")
        });
    }

    /// A call has made these: S8.
    pub(super) fn note_made(&mut self, world: &World, process: &Process, region: &Region, made: &[SnapshotId]) {
        for record in made.iter().filter_map(|id| world.snapshot(region, id)) {
            match &record.copy_of {
                None => self.note_snapshot(world, process, region, &record.snapshot),
                Some((_, source)) => self.note_copy(process, region, source, &record.snapshot.id),
            }
        }
    }

    fn note_snapshot(&mut self, world: &World, process: &Process, region: &Region, snapshot: &Snapshot) {
        let id = &snapshot.id;
        let Some(slot) = snapshot.tags.get("snapwarden:slot") else {
            return self.breaks("S11", format!("{id} is born without its slot"));
        };
        let key = (snapshot.volume_id.clone(), slot.to_owned());
        let before = self.made.get(&key).cloned().unwrap_or_default();
        if let Some(other) = before.iter().find(|other| self.is_second(world, process, &key.0, other)) {
            let (volume, slot) = &key;
            self.breaks("S8", format!("{id} is made of {volume} for {slot}, and {} was", other.snapshot));
        }
        self.made.entry(key).or_default().push(Made::new(process, region, id));
    }

    /// A run makes one copy of a source for a destination, whatever becomes of it: it acts once, and the next looks.
    fn note_copy(&mut self, process: &Process, destination: &Region, source: &SnapshotId, copy: &SnapshotId) {
        let key = (source.clone(), destination.clone());
        let mut before = self.copied.get(&key).into_iter().flatten();
        let other = before.find(|other| other.process == process.number).map(|other| other.snapshot.clone());
        if let Some(other) = other {
            self.breaks("S8", format!("one run copies {source} to {destination} twice: {other} and {copy}"));
        }
        self.copied.entry(key).or_default().push(Made::new(process, destination, copy));
    }

    /// Whether making another one after `other` breaks S8.
    fn is_second(&self, world: &World, process: &Process, volume: &VolumeId, other: &Made) -> bool {
        if other.is_beside(process) {
            return false;
        }
        // A set takes whatever is attached to its instance when EC2 makes it.
        let moved = self.touched.get(volume.as_str());
        if moved.is_some_and(|at| seconds(process.begun, *at) >= -UNSEEN_S) {
            return false;
        }
        if other.process == process.number {
            return true;
        }
        if let Some(record) = world.snapshot(&other.region, &other.snapshot) {
            let fresh = self.is_fresh(other.snapshot.as_str(), world.now());
            return record.snapshot.state != SnapshotState::Error && is_managed(world, &record.snapshot) && !fresh;
        }
        // It was removed, or deleted by somebody. Where a copy lives that the process has read of, the slot is done.
        world.regions().filter(|region| process.has_read(region, Action::DescribeSnapshots)).any(|region| {
            world.snapshots(region).any(|record| {
                let copy = &record.snapshot;
                is_copy_of(record, &other.region, &other.snapshot)
                    && is_managed(world, copy)
                    && copy.tags.has("snapwarden:slot")
                    && copy.tags.has("VolumeID")
                    && !self.is_fresh(copy.id.as_str(), world.now())
            })
        })
    }

    /// A delete took effect: S9 counts it.
    pub(super) fn note_deleted(&mut self, world: &World, process: &mut Process, region: &Region, deleted: &Snapshot) {
        self.deleted.insert(deleted.id.clone(), world.now());
        if is_managed(world, deleted) {
            self.memory.note_deleted(deleted);
        }
        if process.job != Job::Expire || deleted.state == SnapshotState::Error {
            return;
        }
        let expired = process.expired.entry(region.clone()).or_default();
        *expired += 1;
        let (expired, managed) = (*expired, process.listed.get(region).map_or(0, BTreeSet::len));
        let approved = process.approvals.iter().filter(|approval| approval.what == Approved::Region(region.clone()));
        let approved = approved.map(|approval| approval.count).sum();
        if expired > UNASKED_MAX && expired * 2 > managed && expired > approved {
            let words =
                format!("{expired} of {managed} snapshots of {region} are deleted, and {approved} were approved");
            self.breaks("S9", words);
        }
    }
}
