//! From the target of each act back to what must be true of it: S1, S2, S4, S5, S7, and of S3 and S12 what is written.

use std::collections::BTreeMap;

use super::account::Over;
use super::facts::{Fact, date_of, day, destination_words, destinations};
use super::record::{Record, WORDS};
use super::{Checker, Rule};
use crate::decision::{Act, CopyRef, Decision, Subject};
use crate::ids::{Region, SnapshotId};
use crate::inventory::SnapshotState;
use crate::printable::printable;
use crate::tags::Tags;
use jiff::Timestamp;
use jiff::civil::Date;

/// When a snapshot was begun, and which.
type Begun<'a> = (Timestamp, &'a SnapshotId);
/// The two latest completed sources of ours of each volume in each Region.
type Latest<'a> = BTreeMap<(&'a Region, &'a str), [Option<Begun<'a>>; 2]>;

/// What no copy carries on: it speaks of one snapshot alone.
const NOT_COPIED: [&str; 3] = ["OffsiteSnapshotId", "snapwarden:closed", "snapwarden:in-use"];

impl<'a> Checker<'a> {
    pub(super) fn acts(&mut self) {
        let latest = self.latest();
        for decision in &self.plan.decisions {
            let home = &decision.region;
            match (&decision.act, &decision.subject) {
                (Act::Delete { .. }, Subject::Snapshot(id)) => {
                    if let Some(target) = self.managed(decision, home, id) {
                        self.deletion(decision, target);
                        self.is_due(decision, target);
                    }
                }
                (Act::RemoveSource { copies, .. }, Subject::Source(id)) => {
                    if let Some(target) = self.managed(decision, home, id) {
                        self.deletion(decision, target);
                        self.removal(decision, target, copies, &latest);
                    }
                }
                (Act::AddTags { region, snapshot, tags }, _) => {
                    if let Some(target) = self.managed(decision, region, snapshot) {
                        self.tag_write(decision, target, tags);
                    }
                }
                (Act::Mark { closed }, Subject::Snapshot(id)) => {
                    if let Some(target) = self.managed(decision, home, id) {
                        self.mark(decision, target, *closed);
                    }
                }
                (Act::Stamp { .. }, Subject::Source(id)) | (Act::Copy { .. }, Subject::Copy(id, _)) => {
                    self.managed(decision, home, id);
                }
                (Act::Create { .. }, Subject::Volume(_)) => {}
                (Act::Hold | Act::Keep | Act::Skip | Act::Wait, _) => {}
                (
                    Act::Delete { .. }
                    | Act::RemoveSource { .. }
                    | Act::Stamp { .. }
                    | Act::Copy { .. }
                    | Act::Mark { .. }
                    | Act::Create { .. },
                    _,
                ) => self.add(Rule::Form, decision, "an act that does not fit its subject"),
            }
        }
    }

    /// S1: the target, if it is there and ours.
    fn managed(&mut self, decision: &Decision, region: &Region, id: &SnapshotId) -> Option<&'a Fact<'a>> {
        let Some(target) = self.account.get(region, id) else {
            self.add(Rule::S1, decision, format!("{id} was not seen in {region}"));
            return None;
        };
        if !target.is_ours {
            self.add(Rule::S1, decision, format!("{id} is not managed"));
        }
        target.is_ours.then_some(target)
    }

    /// What holds of every delete: S2, S5, S7.
    fn deletion(&mut self, decision: &Decision, target: &Fact<'_>) {
        let id = &target.snapshot.id;
        if target.is_pinned() {
            self.add(Rule::S2, decision, format!("{id} carries KeepForever"));
        }
        if target.is_in_use(self.account.inventory.taken_at) {
            self.add(Rule::S2, decision, format!("{id} is in use: a restore reads from it"));
        }
        if !self.account.are_snapshots_read(&decision.region) {
            self.add(Rule::S7, decision, format!("{id}: the snapshots of {} were not all read", decision.region));
        }
        if let Some(copy) = self.account.copies_of(id).iter().find(|copy| copy.is_in_the_making()) {
            let text = format!("{id}: its copy {} in {} is in the making", copy.snapshot.id, copy.region);
            self.add(Rule::S5, decision, text);
        }
        if target.is_completed() && !target.is_copy {
            for region in destinations(&target.snapshot.tags).filter(|region| *region != decision.region) {
                if self.account.may_exist(&region) && !self.account.are_snapshots_read(&region) {
                    self.add(Rule::S5, decision, format!("{id}: whether {region} is copying it was not read"));
                }
            }
        }
    }

    /// S3: what the manager deletes has failed or is due.
    fn is_due(&mut self, decision: &Decision, target: &Fact<'_>) {
        let refused = match target.snapshot.state {
            SnapshotState::Error => None,
            SnapshotState::Completed => target.too_early(self.account.inventory.taken_at),
            SnapshotState::Pending
            | SnapshotState::Recoverable
            | SnapshotState::Recovering
            | SnapshotState::Unfamiliar => Some(format!("is {}", target.snapshot.state.as_str())),
        };
        if let Some(why) = refused {
            self.add(Rule::S3, decision, format!("{} {why}", target.snapshot.id));
        }
    }

    /// S4: what the offsiter removes has its true copy in every Region that its tag names, junk included, and its record
    /// wants no more of it than of its copies.
    fn removal(&mut self, decision: &Decision, target: &Fact<'a>, copies: &[CopyRef], latest: &Latest<'a>) {
        let id = &target.snapshot.id;
        if target.is_copy || !target.is_completed() || copies.is_empty() {
            self.add(Rule::S4, decision, format!("{id} is no completed source with copies"));
        }
        if target.delete_on().is_none() {
            self.add(Rule::S4, decision, format!("{id} has no readable DeleteOn: a person may have kept it"));
        }
        for word in destination_words(&target.snapshot.tags) {
            if !copies.iter().any(|copy| copy.region.as_str() == word) {
                let word = printable(&word, 60);
                self.add(Rule::S4, decision, format!("{id}: no copy is named for its destination {word}"));
            }
        }
        for copy in copies {
            let why = match self.account.get(&copy.region, &copy.snapshot) {
                None => Some("it was not seen".to_owned()),
                Some(seen) => untrue(target, seen),
            };
            if let Some(why) = why {
                self.add(Rule::S4, decision, format!("{id}: {copy} is no true copy, {why}"));
            }
        }
        if let Some(why) = wants_its_source(target) {
            self.add(Rule::S4, decision, format!("{id}: {why}"));
        }
        let mode = target.snapshot.tags.get("OffsiteMode").unwrap_or("Move").to_lowercase();
        if !["move", "keeplatest"].contains(&mode.as_str()) {
            self.add(Rule::S4, decision, format!("{id}: its OffsiteMode lets sources stay"));
        }
        if mode == "keeplatest" && !has_newer(target, latest) {
            self.add(Rule::S4, decision, format!("{id}: KeepLatest, and no newer one of its volume is here"));
        }
    }

    /// Tags are added, never overwritten: people edit them. `DeleteOn` alone may change, and only to a later day (S3). The
    /// mark of a volume that is over is the manager's alone (S12).
    fn tag_write(&mut self, decision: &Decision, target: &Fact<'_>, tags: &Tags) {
        let id = &target.snapshot.id;
        for (key, _) in tags.iter() {
            if key == "snapwarden:closed" {
                self.add(Rule::S12, decision, format!("{id} would be marked as closed by another job"));
            }
            let is_later = target.delete_on().is_some_and(|now| day(tags, "DeleteOn") > Some(now));
            let is_free = if key == "DeleteOn" { is_later } else { target.snapshot.tags.get(key).is_none() };
            if !is_free {
                self.add(Rule::S3, decision, format!("{id}: its tag {} would be overwritten", printable(key, 60)));
            }
        }
    }

    /// S12: a mark says today, and of a volume that is over; it is taken back where the volume is not.
    fn mark(&mut self, decision: &Decision, target: &Fact<'_>, closed: Option<Date>) {
        let id = &target.snapshot.id;
        let over = target.volume.map_or(Over::Unread, |volume| self.account.over(volume));
        let why = match (closed, over) {
            _ if !target.is_completed() => "it has not completed",
            (Some(day), _) if day != date_of(self.account.inventory.taken_at) => "the day is not today",
            (Some(_), Over::No) => "its volume is not over",
            (None, Over::Yes) => "its volume is over",
            (_, Over::Unread) => "whether its volume is over was not read",
            (Some(_), Over::Yes) | (None, Over::No) => return,
        };
        self.add(Rule::S12, decision, format!("{id} is not to be marked: {why}"));
    }

    fn latest(&self) -> Latest<'a> {
        let mut latest = Latest::new();
        let all = self.account.volumes().flat_map(|volume| self.account.snapshots_of(volume));
        for fact in all.filter(|fact| fact.is_completed() && fact.is_standard() && !fact.is_copy) {
            let two = latest.entry((fact.region, fact.snapshot.volume_id.as_str())).or_default();
            let one = Some((fact.snapshot.start_time, &fact.snapshot.id));
            if one > two[0] {
                *two = [one, two[0]];
            } else if one > two[1] {
                two[1] = one;
            }
        }
        latest
    }
}

/// Whether another source of the volume is here that is no older.
fn has_newer(target: &Fact<'_>, latest: &Latest<'_>) -> bool {
    let two = latest.get(&(target.region, target.snapshot.volume_id.as_str())).copied().unwrap_or_default();
    let is_newer = |(start, id): &Begun<'_>| *start >= target.snapshot.start_time && **id != target.snapshot.id;
    two.iter().flatten().any(is_newer)
}

/// How a copy differs from what its source's copy call makes, if it does.
fn untrue(source: &Fact<'_>, copy: &Fact<'_>) -> Option<String> {
    let (of, own) = (source.snapshot, copy.snapshot);
    if !copy.is_completed() {
        return Some("it is not completed".to_owned());
    }
    if copy.source() != Some(of.id.as_str()) {
        return Some("it is of another source".to_owned());
    }
    if own.owner != of.owner {
        return Some("it has another owner".to_owned());
    }
    if !copy.is_standard() {
        return Some("it is archived".to_owned());
    }
    if own.size_gib != of.size_gib || (of.encrypted && !own.encrypted) {
        return Some("its size or encryption differs".to_owned());
    }
    if copy.second() < source.second() {
        return Some("it says that its data is older".to_owned());
    }
    let has_room = of.tags.len() < 46;
    let is_carried = |key: &str| key != "DeleteOn" && !NOT_COPIED.contains(&key) && !key.starts_with("aws:");
    let mut keys = of.tags.iter().map(|(key, _)| key).filter(|key| has_room && is_carried(key));
    let missing = keys.find(|key| own.tags.get(key).is_none() && !key.eq_ignore_ascii_case("KeepForever"));
    missing.map(|key| format!("it lacks the tag {}", printable(key, 60)))
}

/// Why a source is kept longer than its copies, if it is.
fn wants_its_source(source: &Fact<'_>) -> Option<String> {
    let policy = match source.record() {
        Record::Absent => return None,
        Record::Unreadable => return Some("its record of retention cannot be read".to_owned()),
        Record::Is(policy) if policy.is_mistyped => {
            return Some("a tag of retention could not be read when it was made".to_owned());
        }
        Record::Is(policy) => policy,
    };
    let (own, copies) = (policy.of_kind(false), policy.of_kind(true));
    let more = (0..own.len()).find(|place| own[*place] > copies[*place])?;
    Some(format!("its record keeps it longer than its copies: {}={}", WORDS[more], own[more]))
}
