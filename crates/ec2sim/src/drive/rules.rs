//! The safety rules S1 to S11 (docs/safety.md), checked on the world at every call, by somebody who knows nothing of the
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
use snapwarden_core::inventory::{Instance, Snapshot, SnapshotState};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::Page;

use super::seen::{Listed, is_listing};
use super::tiers;
use crate::call::{Action, ApiError, Call, Reply, ResourceId, SnapshotView};
use crate::config::LAG_MAX_S;
use crate::state::SnapshotRecord;
use crate::world::World;

/// What changed within this time before a call, the caller need not know: EC2's lag, and a second look's minute.
const UNSEEN_S: i64 = LAG_MAX_S as i64 + 60;
/// Days for which a shorter retention waits.
const GRACE_DAYS: i64 = 7;
/// Deletes of expired snapshots in one Region and run for which nobody is asked (S9).
const UNASKED_MAX: usize = 25;

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// `S1` to `S11`; `liveness`; `check`, where the jobs' own checker dropped something from a plan.
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
    /// What a person has approved (S9).
    pub(super) approvals: Vec<Approval>,
    /// Each snapshot as it was last shown to it, and when.
    shown: BTreeMap<(Region, SnapshotId), (Timestamp, Snapshot)>,
    /// Listings that were read to their end, when they were last read.
    whole: BTreeSet<(Region, Action)>,
    /// Volumes that it was shown as left out: to know that, no list must be whole.
    left_out: BTreeSet<VolumeId>,
    /// Managed snapshots that its listing of a Region has shown.
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
            shown: BTreeMap::new(),
            whole: BTreeSet::new(),
            left_out: BTreeSet::new(),
            listed: BTreeMap::new(),
            expired: BTreeMap::new(),
        }
    }

    fn as_shown(&self, region: &Region, id: &SnapshotId) -> Option<&Snapshot> {
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
            None | Some(Listed::Instances(_)) => {}
            Some(Listed::Snapshots(page)) => self.see_snapshots(world, region, is_listing(call), page),
            Some(Listed::Volumes(page)) => {
                let left_out = page.items.iter().map(|view| &view.volume).filter(|volume| is_left_out(&volume.tags));
                self.left_out.extend(left_out.map(|volume| volume.id.clone()));
            }
        }
    }

    fn see_snapshots(&mut self, world: &World, region: &Region, is_listing: bool, page: &Page<SnapshotView>) {
        for view in &page.items {
            let snapshot = view.snapshot.clone();
            if is_listing && is_managed(world, &snapshot) {
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

    fn is_fresh(&self, id: &str, now: Timestamp) -> bool {
        self.touched.get(id).is_some_and(|at| seconds(*at, now) <= UNSEEN_S)
    }

    /// Whether a run that has begun then must have seen it as it is.
    pub(super) fn is_settled(&self, snapshot: &Snapshot, begun: Timestamp) -> bool {
        seconds(snapshot.start_time, begun) > UNSEEN_S && !self.is_fresh(snapshot.id.as_str(), begun)
    }

    /// Whether a job has deleted it so lately that it was still there at a look that holds.
    fn was_there(&self, id: &SnapshotId, now: Timestamp) -> bool {
        self.deleted.get(id).is_some_and(|at| seconds(*at, now) <= UNSEEN_S)
    }

    pub(super) fn breaks(&mut self, rule: &'static str, words: String) {
        if self.broken.is_none() {
            self.broken = Some(Broken { rule, words });
        }
    }

    /// Judges a call that is about to be made, by the world as it is; what is wrong counts if the call takes effect.
    pub(super) fn judge(&self, world: &World, process: &Process, region: &Region, call: &Call) -> Vec<Broken> {
        let mut found = Found(Vec::new());
        match call {
            Call::DeleteSnapshot { snapshot } => {
                if let Some(record) = world.snapshot(region, snapshot) {
                    Delete { rules: self, world, process, region, record }.judge(&mut found);
                }
            }
            Call::CreateSnapshot { tags, .. } => born(world, process, tags, &mut found),
            Call::CreateSnapshots(request) => born(world, process, &request.tags, &mut found),
            Call::CopySnapshot { request, .. } => {
                if let Some(source) = world.snapshot(&request.source_region, &request.source) {
                    self.judge_copy(world, process, region, &source.snapshot, &request.source_region, &mut found);
                }
                for key in ["Type", "SourceSnapshotId", "SourceRegion", "SourceStartTime", "VolumeID"] {
                    found.unless(request.tags.has(key), "S11", || format!("a copy is born without {key}"));
                }
            }
            Call::CreateTags { resources, tags } => {
                for resource in resources {
                    self.judge_tags(world, region, resource, tags, &mut found);
                }
            }
            Call::GetCallerIdentity | Call::DescribeRegions | Call::DescribeInstances(_) | Call::DescribeVolumes(_) => {
            }
            Call::DescribeSnapshots(_) | Call::Find(_) => {}
            Call::DeleteTags { .. } | Call::DeleteTagsWhere { .. } | Call::Build(_) => {
                found.add("S1", format!("a job calls {}", call.action()));
            }
        }
        found.0
    }

    fn judge_copy(
        &self,
        world: &World,
        process: &Process,
        destination: &Region,
        source: &Snapshot,
        source_region: &Region,
        found: &mut Found,
    ) {
        let id = &source.id;
        let fresh = self.is_fresh(id.as_str(), world.now());
        found.unless(is_managed(world, source) || fresh, "S1", || format!("{id} is copied and is not ours"));
        found.unless(!source.tags.has("SourceSnapshotId") || fresh, "S1", || format!("{id} is copied and is a copy"));
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

    fn judge_tags(&self, world: &World, region: &Region, resource: &ResourceId, tags: &Tags, found: &mut Found) {
        let ResourceId::Snapshot(id) = resource else {
            return found.add("S1", format!("a job tags {}", resource.as_str()));
        };
        let Some(record) = world.snapshot(region, id) else { return };
        let fresh = self.is_fresh(id.as_str(), world.now());
        found.unless(is_managed(world, &record.snapshot) || fresh, "S1", || format!("{id} is tagged and is not ours"));
        found.unless(!tags.has("Type"), "S1", || format!("{id} gets the tag Type"));
        let moved = (delete_on(&record.snapshot.tags), delete_on(tags));
        if let (Some(before), Some(after)) = moved {
            found.unless(after >= before || fresh, "S3", || {
                format!("DeleteOn of {id} is moved from {before} to {after}")
            });
        }
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

/// A delete, and all that it is judged by.
struct Delete<'a> {
    rules: &'a Rules,
    world: &'a World,
    process: &'a Process,
    region: &'a Region,
    record: &'a SnapshotRecord,
}

impl Delete<'_> {
    fn judge(&self, found: &mut Found) {
        let id = &self.record.snapshot.id;
        let Some(shown) = self.process.as_shown(self.region, id) else {
            return found.add("S7", format!("{id} is deleted and was never shown"));
        };
        let fresh = self.is_fresh(id.as_str());
        let truth = &self.record.snapshot;
        for snapshot in [Some(shown), (!fresh).then_some(truth)].into_iter().flatten() {
            found.unless(is_managed(self.world, snapshot), "S1", || format!("{id} is deleted and is not ours"));
            found.unless(!is_pinned(&snapshot.tags), "S2", || format!("{id} is deleted and carries KeepForever"));
        }
        self.judge_copies(found);
        found.unless(self.process.has_read(self.region, Action::DescribeSnapshots), "S7", || {
            format!("{id} is deleted and {} was not all read", self.region)
        });
        if shown.state == SnapshotState::Completed {
            self.judge_newest(shown, found);
        }
        match self.process.job {
            Job::Create => found.add("S1", format!("the creator deletes {id}")),
            Job::Offsite => self.judge_removal(shown, found),
            Job::Expire => self.judge_expiry(shown, found),
        }
    }

    fn is_fresh(&self, id: &str) -> bool {
        self.rules.is_fresh(id, self.world.now())
    }

    fn was_there(&self, id: &SnapshotId) -> bool {
        self.rules.was_there(id, self.world.now())
    }

    /// S6, and the sum of all rules: the newest data of a volume that lives stays somewhere, whoever deletes beside whom.
    fn judge_newest(&self, shown: &Snapshot, found: &mut Found) {
        let Some(volume) = volume_of(shown).filter(|volume| self.lives(volume)) else { return };
        let is_as_new = |other: &Snapshot| {
            other.id != shown.id
                && other.state == SnapshotState::Completed
                && is_managed(self.world, other)
                && volume_of(other).as_ref() == Some(&volume)
                && data_time(other) >= data_time(shown)
        };
        let mut all =
            self.world.regions().flat_map(|region| self.world.snapshots(region)).map(|record| &record.snapshot);
        let mut taken =
            self.process.shown.iter().filter(|((_, id), _)| self.is_fresh(id.as_str())).map(|(_, (_, s))| s);
        let holds = all.any(is_as_new) || taken.any(is_as_new);
        found.unless(holds, "S6", || format!("{} is deleted, the newest of {volume} anywhere", shown.id));
    }

    /// Whether a volume exists and is not left out, and was so a moment ago.
    fn lives(&self, volume: &VolumeId) -> bool {
        let record = self.world.regions().find_map(|region| self.world.volume(region, volume));
        record.is_some_and(|record| !is_left_out(&record.volume.tags) && !self.is_fresh(volume.as_str()))
    }

    /// S5: no copy of it is pending where its DestinationRegion names.
    fn judge_copies(&self, found: &mut Found) {
        let snapshot = &self.record.snapshot;
        for destination in self.destinations(&snapshot.tags).into_iter().flatten() {
            let pending = self.world.snapshots(&destination).find(|record| {
                record.snapshot.state == SnapshotState::Pending && is_copy_of(record, self.region, &snapshot.id)
            });
            if let Some(copy) = pending.filter(|_| !self.is_fresh(snapshot.id.as_str())) {
                let (id, copy) = (&snapshot.id, &copy.snapshot.id);
                found.add("S5", format!("{id} is deleted and its copy {copy} in {destination} is pending"));
            }
        }
    }

    /// The Regions that a snapshot is to be copied to; none where one of the words is no other Region of the account.
    fn destinations(&self, tags: &Tags) -> Option<Vec<Region>> {
        let words = tags.get("DestinationRegion").unwrap_or_default();
        let words = words.split([' ', ',', '\t']).filter(|word| !word.is_empty());
        let known = |word: &str| self.world.regions().find(|region| region.as_str() == word.to_ascii_lowercase());
        words.map(|word| known(word).filter(|region| *region != self.region).cloned()).collect()
    }

    /// S4 and S7 of a source that the offsiter removes.
    fn judge_removal(&self, shown: &Snapshot, found: &mut Found) {
        let id = &shown.id;
        found.unless(!shown.tags.has("SourceSnapshotId"), "S4", || format!("the offsiter deletes the copy {id}"));
        found.unless(delete_on(&shown.tags).is_some(), "S4", || format!("{id} is removed and has no DeleteOn"));
        let mode = shown.tags.get("OffsiteMode").map(str::to_ascii_lowercase);
        let keeps_latest = mode.as_deref() == Some("keeplatest");
        found.unless(matches!(mode.as_deref(), None | Some("move" | "keeplatest")), "S4", || {
            format!("{id} is removed and its OffsiteMode is {mode:?}")
        });
        let Some(destinations) = self.destinations(&shown.tags).filter(|named| !named.is_empty()) else {
            return found.add("S4", format!("{id} is removed and one of its destinations is none"));
        };
        if keeps_latest && self.newer_here(shown).is_none() {
            found.add("S4", format!("{id} is removed, and is its volume's newest with KeepLatest"));
        }
        for destination in destinations {
            let here = |(region, _): &(Region, SnapshotId)| *region == destination;
            let is_young = |at: Timestamp| seconds(at, self.world.now()) <= UNSEEN_S;
            let mut shown_here = self.process.shown.iter().filter(|(key, (at, _))| here(key) && is_young(*at));
            let proof = shown_here.find(|(_, (_, copy))| self.is_proof(copy, shown)).map(|(_, (_, copy))| copy);
            let holds = proof.is_some_and(|proof| {
                let copy = &proof.id;
                let truly = self.world.snapshot(&destination, copy);
                truly.is_some_and(|record| self.is_proof(&record.snapshot, shown))
                    || self.is_fresh(copy.as_str())
                    // The manager deletes a copy that is due: its source is due too, or copies have days of their own.
                    || (self.was_there(copy) && (is_due(shown, self.world.now()) || is_due(proof, self.world.now())))
            });
            found.unless(holds, "S4", || {
                let shown = proof.map_or("none", |copy| copy.id.as_str());
                format!("{id} is removed and {destination} holds no verified copy of it; shown was {shown}")
            });
            found.unless(self.process.has_read(&destination, Action::DescribeSnapshots), "S7", || {
                format!("{id} is removed and {destination} was not all read")
            });
        }
    }

    fn is_proof(&self, copy: &Snapshot, source: &Snapshot) -> bool {
        let carried = |key: &str| source.tags.get(key).is_none_or(|value| copy.tags.has(key) || value.is_empty());
        copy.state == SnapshotState::Completed
            && is_managed(self.world, copy)
            && copy.tags.get("SourceSnapshotId") == Some(source.id.as_str())
            && copy.size_gib == source.size_gib
            && (copy.encrypted || !source.encrypted)
            && ["InstanceID", "CreatedOn", "snapwarden:slot", "DeviceName"].into_iter().all(carried)
    }

    /// S3, S6 and S7 of a snapshot that the manager deletes.
    fn judge_expiry(&self, shown: &Snapshot, found: &mut Found) {
        let id = &shown.id;
        match shown.state {
            SnapshotState::Completed => {}
            SnapshotState::Error => return,
            SnapshotState::Pending
            | SnapshotState::Recoverable
            | SnapshotState::Recovering
            | SnapshotState::Unfamiliar => return found.add("S3", format!("{id} is deleted and is not completed")),
        }
        found.unless(is_due(shown, self.world.now()), "S3", || {
            format!("{id} is deleted before its day: {:?}", shown.tags)
        });
        self.judge_tiers(shown, found);
        if !shown.tags.has("SourceSnapshotId") {
            for destination in self.destinations(&shown.tags).into_iter().flatten() {
                found.unless(self.process.has_read(&destination, Action::DescribeSnapshots), "S7", || {
                    format!("{id} expires and its destination {destination} was not all read")
                });
            }
        }
        if self.newer_here(shown).is_some() {
            return;
        }
        let Some((volume, homes)) = self.homes(shown) else {
            return found.add("S6", format!("{id} is deleted, the last of a volume that nobody knows"));
        };
        for home in &homes {
            let is_known = self.process.left_out.contains(&volume);
            found.unless(is_known || self.process.has_read(home, Action::DescribeVolumes), "S7", || {
                format!("{id} is deleted, the last of {volume}, and the volumes of {home} were not all read")
            });
        }
        found.unless(!self.lives(&volume), "S6", || {
            format!("{id} is deleted, the last good one of {volume} in {}", self.region)
        });
    }

    /// S3 of what retention wants beyond DeleteOn: what its instance's tags want, what it records.
    fn judge_tiers(&self, shown: &Snapshot, found: &mut Found) {
        let (id, now) = (&shown.id, self.world.now());
        let Ok(record) = tiers::recorded(shown) else {
            return found.add("S3", format!("{id} is deleted and its record of retention cannot be read"));
        };
        let volume = volume_of(shown);
        let history: Vec<_> = self
            .process
            .shown
            .values()
            .map(|(_, snapshot)| snapshot)
            .filter(|other| {
                other.state == SnapshotState::Completed && is_managed(self.world, other) && volume_of(other) == volume
            })
            .collect();
        let instances = tiers::instances(self.world, shown);
        let is_named = |instance: &&Instance| shown.tags.get("InstanceID") == Some(instance.id.as_str());
        let speaker =
            instances.iter().find(|instance| is_named(instance)).or(instances.first().filter(|_| instances.len() == 1));
        // What was changed a moment ago, it need not have seen: tags, or that an instance was replaced.
        let named = shown.tags.get("InstanceID").into_iter();
        let ids = named.chain(instances.iter().map(|instance| instance.id.as_str()));
        if ids.chain(volume.iter().map(VolumeId::as_str)).any(|id| self.is_fresh(id)) {
            return;
        }
        let asked = speaker.and_then(|instance| tiers::asked(&instance.tags));
        let is_copy = shown.tags.has("SourceSnapshotId");
        if let Some(asked) = asked.as_ref().filter(|asked| !asked.is_plain()) {
            let is_young = seconds(data_time(shown), now) < i64::from(asked.days(is_copy)) * 86_400;
            found.unless(!is_young && !tiers::wants(asked, shown, &history, |_| true), "S3", || {
                format!("{id} is deleted and its instance wants it: {asked:?}")
            });
        }
        let Some(record) = record else { return };
        let stands =
            |other: &Snapshot| tiers::recorded(other).is_ok_and(|own| own.is_some_and(|own| own.is_as(&record)));
        let is_released = !instances.is_empty()
            && asked.as_ref().is_none_or(|asked| !asked.is_as(&record))
            && (asked.is_some() || speaker.is_none())
            && tiers::is_given_up(&record, &history, now, GRACE_DAYS);
        found.unless(is_released || !tiers::wants(&record, shown, &history, stands), "S3", || {
            format!("{id} is deleted and its own record wants it: {record:?}")
        });
    }

    /// The volume of a snapshot, and the Regions in which it can be; none for a copy that does not say.
    fn homes(&self, shown: &Snapshot) -> Option<(VolumeId, Vec<Region>)> {
        if !shown.tags.has("SourceSnapshotId") {
            return Some((shown.volume_id.clone(), vec![self.region.clone()]));
        }
        let volume = shown.tags.get("VolumeID")?.parse().ok()?;
        let named = shown.tags.get("SourceRegion").and_then(|text| text.parse::<Region>().ok());
        Some((volume, named.map_or_else(|| self.world.regions().cloned().collect(), |home| vec![home])))
    }

    /// Another completed snapshot of ours here, of the same volume, that is not older.
    fn newer_here(&self, shown: &Snapshot) -> Option<&SnapshotId> {
        let is_newer = |other: &Snapshot| {
            other.id != shown.id
                && other.state == SnapshotState::Completed
                && is_managed(self.world, other)
                && volume_of(other) == volume_of(shown)
                && data_time(other) >= data_time(shown)
        };
        let mut here = self.world.snapshots(self.region).map(|record| &record.snapshot);
        let truly = here.find(|other| is_newer(other)).map(|other| &other.id);
        truly.or_else(|| {
            // One that a person, or a job, took away a moment ago.
            let shown_here = self.process.shown.iter().filter(|((region, _), _)| region == self.region);
            let shown_here = shown_here.map(|(_, (_, other))| other);
            let mut gone = shown_here.filter(|other| self.is_fresh(other.id.as_str()) || self.was_there(&other.id));
            gone.find(|other| is_newer(other)).map(|other| &other.id)
        })
    }
}

/// S11 and S10 of a snapshot's birth.
fn born(world: &World, process: &Process, tags: &Tags, found: &mut Found) {
    found.unless(tags.get("Type") == Some("Automated"), "S11", || {
        "a snapshot is born without Type=Automated".to_owned()
    });
    for key in ["CreatedOn", "DeleteOn", "InstanceID", "snapwarden:slot"] {
        found.unless(tags.has(key), "S11", || format!("a snapshot is born without {key}"));
    }
    let created = tags.get("CreatedOn").and_then(|text| text.parse::<Date>().ok());
    let (first, last) = (day(process.begun), day(world.now()));
    found.unless(created.is_some_and(|day| first <= day && day <= last), "S10", || {
        format!("a snapshot says it was made on {created:?}, and it is {last}")
    });
    let slot = tags.get("snapwarden:slot").and_then(|text| text.replace('Z', ":00Z").parse::<Timestamp>().ok());
    found.unless(slot.is_none_or(|slot| slot <= world.now()), "S10", || "a slot lies in the future".to_owned());
}

struct Found(Vec<Broken>);

impl Found {
    fn add(&mut self, rule: &'static str, words: String) {
        self.0.push(Broken { rule, words });
    }

    fn unless(&mut self, holds: bool, rule: &'static str, words: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, words());
        }
    }
}

pub(super) fn is_managed(world: &World, snapshot: &Snapshot) -> bool {
    let tags = &snapshot.tags;
    let of_aws = tags.iter().any(|(key, _)| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:"));
    snapshot.owner == *world.account() && tags.get("Type") == Some("Automated") && !of_aws
}

/// Whether a volume's tags leave it out.
pub(super) fn is_left_out(tags: &Tags) -> bool {
    tags.get("Backup").is_some_and(|value| value.eq_ignore_ascii_case("no"))
}

pub(super) fn is_pinned(tags: &Tags) -> bool {
    tags.iter().any(|(key, _)| key.trim().eq_ignore_ascii_case("keepforever"))
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

/// The volume whose data it holds; none for a copy that does not say.
pub(super) fn volume_of(snapshot: &Snapshot) -> Option<VolumeId> {
    if snapshot.tags.has("SourceSnapshotId") {
        snapshot.tags.get("VolumeID")?.parse().ok()
    } else {
        Some(snapshot.volume_id.clone())
    }
}

/// Whether this is a living copy of ours of that source.
fn is_copy_of(record: &SnapshotRecord, region: &Region, source: &SnapshotId) -> bool {
    record.copy_of.as_ref().is_some_and(|(r, s)| r == region && s == source)
        && record.snapshot.tags.get("SourceSnapshotId") == Some(source.as_str())
        && record.snapshot.state != SnapshotState::Error
}

pub(super) fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs()
}
