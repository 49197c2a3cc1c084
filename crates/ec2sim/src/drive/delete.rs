//! What is asked of a delete, whichever job makes it.

use jiff::Timestamp;
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState};
use snapwarden_core::tags::Tags;

use super::facts::{
    UNSEEN_S, data_time, delete_on, everything, is_copy_of, is_due, is_in_use, is_managed, is_of, is_pinned, seconds,
    volume_of,
};
use super::found::Found;
use super::policy::{Record, named};
use super::process::Process;
use super::promise::Case;
use super::rules::Rules;
use crate::call::Action;
use crate::keys;
use crate::state::SnapshotRecord;
use crate::world::World;

/// A delete, and all that it is judged by.
pub(super) struct Delete<'a> {
    pub(super) rules: &'a Rules,
    pub(super) world: &'a World,
    pub(super) process: &'a Process,
    pub(super) region: &'a Region,
    pub(super) record: &'a SnapshotRecord,
}

impl Delete<'_> {
    pub(super) fn judge(&self, found: &mut Found) {
        let id = &self.record.snapshot.id;
        let Some(shown) = self.process.as_shown(self.region, id) else {
            return found.add("S7", format!("{id} is deleted and was never shown"));
        };
        let fresh = self.is_fresh(id.as_str());
        let truth = &self.record.snapshot;
        for snapshot in [Some(shown), (!fresh).then_some(truth)].into_iter().flatten() {
            found.unless(is_managed(self.world, snapshot), "S1", || format!("{id} is deleted and is not ours"));
            found.unless(!is_pinned(&snapshot.tags), "S2", || format!("{id} is deleted and carries KeepForever"));
            found.unless(!is_in_use(&snapshot.tags, self.world.now()), "S2", || {
                format!("{id} is deleted and a restore reads from it")
            });
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
                && is_of(other, &volume)
                && is_managed(self.world, other)
                && data_time(other) >= data_time(shown)
        };
        let mut all = everything(self.world);
        let taken = self.process.all_shown().map(|(.., snapshot)| snapshot);
        let mut taken = taken.filter(|snapshot| self.is_fresh(snapshot.id.as_str()));
        let holds = all.any(is_as_new) || taken.any(is_as_new);
        found.unless(holds, "S6", || format!("{} is deleted, the newest of {volume} anywhere", shown.id));
    }

    /// Whether a volume is not over, and was not a moment ago.
    fn lives(&self, volume: &VolumeId) -> bool {
        let state = self.rules.memory.since(volume, self.known());
        state.is_some_and(|state| !state.is_over())
    }

    /// What was true then the process must have seen.
    pub(super) fn known(&self) -> Timestamp {
        keys::later(self.process.begun, -UNSEEN_S)
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
        let known = |word: String| self.world.regions().find(|region| region.as_str() == word);
        named(tags).into_iter().map(|word| known(word).filter(|region| *region != self.region).cloned()).collect()
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
        self.judge_reach(shown, found);
        let Some(destinations) = self.destinations(&shown.tags).filter(|named| !named.is_empty()) else {
            return found.add("S4", format!("{id} is removed and one of its destinations is none"));
        };
        if keeps_latest && self.newer_here(shown, |_| true).is_none() {
            found.add("S4", format!("{id} is removed, and is its volume's newest with KeepLatest"));
        }
        for destination in destinations {
            let is_young = |at: Timestamp| seconds(at, self.world.now()) <= UNSEEN_S;
            let all = self.process.all_shown();
            let mut shown_here = all.filter(|(region, at, _)| **region == destination && is_young(*at));
            let proof = shown_here.find(|(.., copy)| self.is_proof(copy, shown)).map(|(.., copy)| copy);
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
            && data_time(copy).as_second() >= data_time(source).as_second()
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
        if Record::of(&shown.tags) == Record::Unreadable {
            return found.add("S3", format!("{id} is deleted and its record of retention cannot be read"));
        }
        let Some(volume) = volume_of(shown) else {
            return found.add("S12", format!("{id} is deleted and names no volume"));
        };
        let case = Case::new(self, shown, &volume);
        case.judge_reads(found);
        case.judge(found);
    }

    /// S4 of a source whose record wants more of it than of its copies: they do not stand for it.
    fn judge_reach(&self, shown: &Snapshot, found: &mut Found) {
        let id = &shown.id;
        let stays = match Record::of(&shown.tags) {
            Record::None => false,
            Record::Mistyped | Record::Unreadable => true,
            Record::States(policy) => policy.wants_more_of_sources(),
        };
        found.unless(!stays, "S4", || {
            let record = shown.tags.get("snapwarden:retention").unwrap_or_default();
            format!("{id} is removed and its record wants more of it than of its copies: {record:?}")
        });
    }

    /// Another completed snapshot of ours here, of the same volume, that is not older.
    pub(super) fn newer_here(&self, shown: &Snapshot, counts: impl Fn(&Snapshot) -> bool) -> Option<&SnapshotId> {
        let is_newer = |other: &Snapshot| {
            other.id != shown.id
                && counts(other)
                && other.state == SnapshotState::Completed
                && is_managed(self.world, other)
                && volume_of(other) == volume_of(shown)
                && data_time(other) >= data_time(shown)
        };
        let mut here = self.world.snapshots(self.region).map(|record| &record.snapshot);
        let truly = here.find(|other| is_newer(other)).map(|other| &other.id);
        truly.or_else(|| {
            // One that a person, or a job, took away a moment ago.
            let shown_here = self.process.all_shown().filter(|(region, ..)| *region == self.region);
            let shown_here = shown_here.map(|(.., other)| other);
            let mut gone = shown_here.filter(|other| self.is_fresh(other.id.as_str()) || self.was_there(&other.id));
            gone.find(|other| is_newer(other)).map(|other| &other.id)
        })
    }
}
