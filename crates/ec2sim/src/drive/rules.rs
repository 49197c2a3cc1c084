//! The safety rules S1 to S12 (docs/safety.md), checked on the world at every call, by somebody who knows nothing of the
//! code that decides. What a process was shown is taken from EC2's own replies to it.
//!
//! The rules speak of what was seen at the last look. EC2 may show what was true up to [`LAG_MAX_S`] seconds ago, and a
//! second look holds for a minute. So where a person, time or another job changed something within [`UNSEEN_S`], the
//! process is judged by what it was shown; everything older it must have known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use snapwarden_core::approval::{Approval, Approved};
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState};
use snapwarden_core::schedule::Slot;
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::{CopyRequest, Page};

use super::birth::Birth;
use super::delete::Delete;
use super::memory::Memory;
use super::seen::{Listed, is_listing};
use crate::call::{Action, ApiError, Call, Reply, ResourceId, SnapshotView};
use crate::config::LAG_MAX_S;
use crate::keys;
use crate::snapshots::VOLUME_OF_COPIES;
use crate::state::SnapshotRecord;
use crate::world::World;

/// What changed within this time before a call, the caller need not know: EC2's lag, and a second look's minute.
pub(super) const UNSEEN_S: i64 = LAG_MAX_S as i64 + 60;
/// The one tag that the manager writes.
pub(super) const CLOSED: &str = "snapwarden:closed";
/// What speaks of one snapshot alone: it is neither born with it nor copied with it.
pub(super) const OF_ONE_ALONE: [&str; 2] = [CLOSED, "snapwarden:in-use"];
/// Deletes of expired snapshots in one Region and run for which nobody is asked (S9).
const UNASKED_MAX: usize = 25;

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// `S1` to `S12`; `liveness`; `check`, where the jobs' own checker dropped something from a plan.
    pub rule: &'static str,
    /// What happened.
    pub words: String,
}

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

/// One run, as far as the rules must know it.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) number: u64,
    pub(super) job: Job,
    pub(super) begun: Timestamp,
    /// By which tick: runs of one job by one tick overlap, or two minutes do not lie between them (S8).
    tick: String,
    /// What a person has approved (S9, S12).
    pub(super) approvals: Vec<Approval>,
    /// How many deletes each approval was needed for (S12).
    spent: BTreeMap<Approved, usize>,
    /// Each snapshot as it was last shown to it, and when.
    shown: BTreeMap<(Region, SnapshotId), (Timestamp, Snapshot)>,
    /// Listings that were read to their end, when they were last read.
    whole: BTreeSet<(Region, Action)>,
    /// Managed snapshots that nobody pinned, as its listing of a Region has shown.
    listed: BTreeMap<Region, BTreeSet<SnapshotId>>,
    expired: BTreeMap<Region, usize>,
}

impl Process {
    pub(super) fn new(number: u64, job: Job, begun: Timestamp, tick: &str) -> Self {
        Self {
            number,
            job,
            begun,
            tick: tick.to_owned(),
            approvals: Vec::new(),
            spent: BTreeMap::new(),
            shown: BTreeMap::new(),
            whole: BTreeSet::new(),
            listed: BTreeMap::new(),
            expired: BTreeMap::new(),
        }
    }

    /// Whether a person has approved that this one goes, and of how many more such.
    pub(super) fn may_spend(&self, what: &Approved, delete_on: Option<Date>) -> bool {
        let spent = self.spent.get(what).copied().unwrap_or(0);
        let approval = self.approvals.iter().find(|approval| approval.what == *what);
        approval.is_some_and(|approval| approval.count > spent && delete_on.is_some_and(|day| day <= approval.day))
    }

    /// A delete that rested on these approvals took effect.
    pub(super) fn spend(&mut self, approvals: Vec<Approved>) {
        for what in approvals {
            *self.spent.entry(what).or_default() += 1;
        }
    }

    /// All snapshots as they were last shown to it.
    pub(super) fn all_shown(&self) -> impl Iterator<Item = (&Region, Timestamp, &Snapshot)> + Clone {
        self.shown.iter().map(|((region, _), (at, snapshot))| (region, *at, snapshot))
    }

    pub(super) fn as_shown(&self, region: &Region, id: &SnapshotId) -> Option<&Snapshot> {
        self.shown.get(&(region.clone(), id.clone())).map(|(_, snapshot)| snapshot)
    }

    pub(super) fn has_read(&self, region: &Region, action: Action) -> bool {
        self.whole.contains(&(region.clone(), action))
    }

    /// Notes what an answer shows. A listing that is read once more counts as it was read then: so the jobs take it.
    pub(super) fn see(&mut self, world: &World, region: &Region, call: &Call, seen: &Result<Reply, ApiError>) {
        let listed = seen.as_ref().ok().and_then(Listed::of);
        if is_listing(call) {
            let listing = (region.clone(), call.action());
            if listed.as_ref().is_some_and(Listed::is_last) {
                self.whole.insert(listing);
            } else {
                self.whole.remove(&listing);
            }
        }
        match listed {
            None | Some(Listed::Instances(_) | Listed::Volumes(_)) => {}
            Some(Listed::Snapshots(page)) => self.see_snapshots(world, region, is_listing(call), page),
        }
    }

    fn see_snapshots(&mut self, world: &World, region: &Region, is_listing: bool, page: &Page<SnapshotView>) {
        for view in &page.items {
            let snapshot = view.snapshot.clone();
            if is_listing && is_managed(world, &snapshot) && !is_pinned(&snapshot.tags) {
                self.listed.entry(region.clone()).or_default().insert(snapshot.id.clone());
            }
            self.shown.insert((region.clone(), snapshot.id.clone()), (world.now(), snapshot));
        }
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
        let before = self.copied.get(&key).into_iter().flatten();
        let other = before.filter(|other| other.process == process.number).map(|other| other.snapshot.clone()).next();
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

/// What is wrong with a call, and the approvals that it rests on.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) broken: Vec<Broken>,
    pub(super) spends: Vec<Approved>,
}

impl Found {
    pub(super) fn add(&mut self, rule: &'static str, words: String) {
        self.broken.push(Broken { rule, words });
    }

    pub(super) fn unless(&mut self, holds: bool, rule: &'static str, words: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, words());
        }
    }
}

pub(super) fn is_managed(world: &World, snapshot: &Snapshot) -> bool {
    let tags = &snapshot.tags;
    let of_aws = tags.iter().any(|(key, _)| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:"));
    snapshot.owner == *world.account() && tags.get("Type") == Some("Automated") && !of_aws && !is_of_another(snapshot)
}

/// Whether its tags are another snapshot's: they tell of a birth that is not its own.
fn is_of_another(snapshot: &Snapshot) -> bool {
    let tags = &snapshot.tags;
    let is_of_copies = snapshot.volume_id.as_str() == "vol-ffffffff";
    if is_of_copies || tags.has("SourceSnapshotId") {
        return !is_of_copies && tags.get("VolumeID") != Some(snapshot.volume_id.as_str());
    }
    let begun = snapshot.start_time;
    let created = tags.get("CreatedOn").filter(|text| text.len() == 10).and_then(|text| text.parse::<Date>().ok());
    let slot = tags.get("snapwarden:slot").and_then(|text| text.parse::<Slot>().ok()).map(Slot::time);
    let is_late = slot.is_some_and(|slot| seconds(begun, slot) > 86_400);
    let is_old = match created {
        Some(created) => (day(begun) - created).get_days() > 1,
        None => slot.is_some_and(|slot| seconds(slot, begun) > 86_400),
    };
    is_late || is_old
}

/// Whether it says that it is ours and has another one's tags.
pub(super) fn has_wandered(world: &World, snapshot: &Snapshot) -> bool {
    snapshot.owner == *world.account() && snapshot.tags.get("Type") == Some("Automated") && is_of_another(snapshot)
}

/// Whether a volume's tags leave it out.
pub(super) fn is_left_out(tags: &Tags) -> bool {
    tags.get("Backup").is_some_and(|value| value.eq_ignore_ascii_case("no"))
}

pub(super) fn is_pinned(tags: &Tags) -> bool {
    tags.iter().any(|(key, _)| key.trim().eq_ignore_ascii_case("keepforever"))
}

/// Days for which what a restore says that it reads from stays.
const IN_USE_DAYS: i64 = 7;

/// Whether a restore reads from it: it says since when, and that is less than 7 full days ago, or not to be understood.
pub(super) fn is_in_use(tags: &Tags, now: Timestamp) -> bool {
    let Some(text) = tags.get("snapwarden:in-use") else { return false };
    let midnight = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    let since = text.parse::<Timestamp>().ok().or_else(|| midnight().filter(|_| text.len() == 10));
    since.is_none_or(|since| since > now || seconds(since, now) < IN_USE_DAYS * 86_400)
}

pub(super) fn delete_on(tags: &Tags) -> Option<Date> {
    tags.get("DeleteOn").filter(|text| text.len() == 10)?.parse().ok()
}

/// Whether a snapshot's day has come: its date, and as many full days as it was promised.
pub(super) fn is_due(snapshot: &Snapshot, now: Timestamp) -> bool {
    let Some(until) = delete_on(&snapshot.tags) else { return false };
    let created =
        snapshot.tags.get("CreatedOn").filter(|text| text.len() == 10).and_then(|text| text.parse::<Date>().ok());
    let promised = created.map_or(0, |created| i64::from((until - created).get_days()) * 86_400);
    until <= day(now) && (created.is_none() || seconds(data_time(snapshot), now) >= promised)
}

pub(super) fn data_time(snapshot: &Snapshot) -> Timestamp {
    let of_source = snapshot.tags.has("SourceSnapshotId").then(|| snapshot.tags.get("SourceStartTime")).flatten();
    of_source.and_then(|text| text.parse().ok()).map_or(snapshot.start_time, |time| snapshot.start_time.min(time))
}

/// A snapshot with what it says of itself, for people.
pub(super) fn told(snapshot: &Snapshot) -> String {
    let tags = ["snapwarden:retention", "DeleteOn", "DestinationRegion", CLOSED].into_iter();
    let tags: Vec<_> = tags.filter_map(|key| Some(format!("{key}={:?}", snapshot.tags.get(key)?))).collect();
    let time = data_time(snapshot).strftime("%Y-%m-%dT%H:%MZ");
    format!("{} ({time}, {})", snapshot.id, tags.join(", "))
}

/// The source of a copy, a source itself: what is one moment of a volume has one.
pub(super) fn moment_of(snapshot: &Snapshot) -> SnapshotId {
    let of_source = snapshot.tags.get("SourceSnapshotId").and_then(|text| text.parse().ok());
    of_source.unwrap_or_else(|| snapshot.id.clone())
}

/// The volume whose data it holds; none for a copy that does not say.
pub(super) fn volume_of(snapshot: &Snapshot) -> Option<VolumeId> {
    volume_named(snapshot)?.parse().ok()
}

/// Whether it holds data of this volume.
pub(super) fn is_of(snapshot: &Snapshot, volume: &VolumeId) -> bool {
    volume_named(snapshot) == Some(volume.as_str())
}

fn volume_named(snapshot: &Snapshot) -> Option<&str> {
    let is_copy = snapshot.tags.has("SourceSnapshotId") || snapshot.volume_id.as_str() == VOLUME_OF_COPIES;
    if is_copy { snapshot.tags.get("VolumeID") } else { Some(snapshot.volume_id.as_str()) }
}

/// Whether this is a living copy of ours of that source.
pub(super) fn is_copy_of(record: &SnapshotRecord, region: &Region, source: &SnapshotId) -> bool {
    record.copy_of.as_ref().is_some_and(|(r, s)| r == region && s == source)
        && record.snapshot.tags.get("SourceSnapshotId") == Some(source.as_str())
        && record.snapshot.state != SnapshotState::Error
}

pub(super) fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

pub(super) fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs()
}
