//! The offsiter's table: what is copied where, which copies are proven, which sources may go.
//!
//! A copy is proven by what is seen of it now, never by a note that it was begun (the predecessor wrote its note when
//! the copy *started*, and a copy that failed later looked done).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::expire::in_use;
use super::{NewestHere, about, counted, gap, later, unfamiliar};
use crate::decision::{Act, CopyRef, Decision, Finding, Job, Plan, Problem, Reason, Subject};
use crate::ids::{Region, VolumeId};
use crate::index::Index;
use crate::inventory::{Inventory, SECONDS_PER_DAY, SECONDS_PER_HOUR, Snapshot, SnapshotState, StorageTier};
use crate::managed::{Due, Managed, Target, VOLUME_OF_COPIES};
use crate::policy::Offsite;
use crate::retention::Recorded;
use crate::tags::{self, OffsiteMode, TAG_VALUE_LENGTH_MAX, TagValue, Tags, key};

/// For how long a set's snapshot waits for its late tags before it is copied without them.
const TAGS_PENDING_HOURS_MAX: i64 = 6;
/// The longest pause between two tries of a copy that fails.
const RETRY_PAUSE_HOURS_MAX: i64 = 24;

/// What becomes of the sources of `regions` and of their copies.
pub fn plan_offsite(inventory: &Inventory, regions: &[Region]) -> Plan {
    let mut plan = Plan::new(Job::Offsite, inventory, regions);
    let index = Index::of(inventory);
    let world = World { index: &index, newest: NewestHere::of(&index), newest_there: newest_there(&index) };
    let mut ordered = Vec::new();
    for region in &plan.regions {
        let seen = inventory.regions.get(region);
        plan.findings.extend(gap(region, "snapshots", seen.map(|seen| &seen.snapshots)));
        plan.findings.extend(not_copied(&index, region));
        plan.findings.extend(unfamiliar(&index, region));
        for managed in index.managed_in(region).filter(|one| is_source(one)) {
            let source = managed.raw();
            let offsite = Offsite::of(&source.tags, Some(region), inventory);
            let one = OneSource { world: &world, region, managed, source, offsite };
            for decision in one.plan(&mut plan.findings) {
                ordered.push((one.order(&decision), decision));
            }
        }
    }
    ordered.sort_by(|a, b| a.0.cmp(&b.0));
    plan.decisions = ordered.into_iter().map(|(_, decision)| decision).collect();
    plan.finish()
}

/// Whether a snapshot is to be offsite: completed, in the standard tier, no copy, with a destination.
fn is_source(one: &Managed<'_>) -> bool {
    !one.is_copy() && one.is_completed() && one.is_at_hand() && !tags::destinations(&one.raw().tags).is_empty()
}

/// The findings that count snapshots without a copy that EC2 does not copy from where they are stored.
fn not_copied(index: &Index<'_>, region: &Region) -> Vec<Finding> {
    let mut lacking: BTreeMap<bool, Vec<_>> = BTreeMap::new();
    let mut unread = BTreeSet::new();
    for one in index.managed_in(region).filter(|one| !one.is_copy() && one.is_completed() && !one.is_at_hand()) {
        let stamps = tags::stamps(&one.raw().tags);
        let mut open = Offsite::of(&one.raw().tags, Some(region), index.inventory).destinations;
        open.retain(|destination| !stamps.contains_key(destination) && !is_copied(index, one, destination));
        unread.extend(open.iter().filter(|region| !index.inventory.snapshots_whole_in(region)).cloned());
        if open.iter().any(|destination| !unread.contains(destination)) {
            lacking.entry(one.raw().tier == StorageTier::Archive).or_default().push(one);
        }
    }
    let counts = lacking.into_iter().filter_map(|(kind, all)| Some((kind, counted(all.into_iter())?)));
    let problem = |(is_archived, (some, example))| match is_archived {
        true => Problem::ArchivedSources { some, example },
        false => Problem::LocalSources { some, example },
    };
    let unread = unread.into_iter().map(|destination| Problem::DestinationUnread { destination });
    counts.map(problem).chain(unread).map(|problem| Finding::new(region, region, problem)).collect()
}

/// Whether a copy of it in `destination` can be restored at once, or is being made.
fn is_copied(index: &Index<'_>, source: &Managed<'_>, destination: &Region) -> bool {
    let mut copies = index.copies_of(source.id()).iter().filter(|(region, _)| *region == destination);
    copies.any(|(region, copy)| {
        let ours = index.get(region, &copy.id).filter(|ours| ours.is_completed() && ours.is_at_hand());
        ours.is_some() || copy.state.is_in_the_making()
    })
}

struct World<'i, 'a> {
    index: &'i Index<'a>,
    newest: NewestHere<'i, 'a>,
    newest_there: NewestThere<'i, 'a>,
}

/// The time of the newest data of each volume in each Region that a copy holds which can be restored at once.
type NewestThere<'i, 'a> = BTreeMap<(&'i VolumeId, &'a Region), Timestamp>;

fn newest_there<'i, 'a>(index: &'i Index<'a>) -> NewestThere<'i, 'a> {
    let mut newest = NewestThere::new();
    for one in index.managed().iter().filter(|one| one.is_copy() && one.is_completed() && one.is_at_hand()) {
        let Some(volume) = one.volume() else { continue };
        let best = newest.entry((volume, one.region())).or_insert(one.taken());
        *best = one.taken().max(*best);
    }
    newest
}

/// What one thing that says it is a copy is worth.
enum Judgement {
    Verified,
    /// A true copy that lacks tags, or whose DeleteOn is earlier than its source's.
    Incomplete(Target, Tags),
    Pending,
    Mismatch(String),
    Failed,
}

/// How far one destination is.
enum State {
    Done(CopyRef),
    /// Done before, says the stamp; the copy may have expired since.
    Stamped,
    NotYet,
    /// Its copy would be born expired, on this day: it will not be copied any more.
    TooLate(Date),
}

struct OneSource<'i, 'a> {
    world: &'i World<'i, 'a>,
    region: &'i Region,
    managed: &'i Managed<'a>,
    /// As EC2 lists it.
    source: &'a Snapshot,
    offsite: Offsite,
}

impl OneSource<'_, '_> {
    /// One decision per destination, and one for the source.
    fn plan(&self, findings: &mut Vec<Finding>) -> Vec<Decision> {
        let id = self.source.tags.get(key::INSTANCE_ID).unwrap_or(self.source.id.as_str());
        findings.extend(self.offsite.findings(self.region, crate::printable::printable(id, 60).as_str()));
        let mut decisions = Vec::new();
        let mut states = Vec::new();
        for destination in &self.offsite.destinations {
            let (act, reason, state) = self.rows(destination, findings);
            let subject = Subject::Copy(self.managed.target(), destination.clone());
            decisions.push(self.decision(subject, act, reason));
            states.push((destination, state));
        }
        let (act, reason) = self.source_rows(&states, findings);
        decisions.push(self.decision(Subject::Source(self.managed.target()), act, reason));
        decisions
    }

    fn inventory(&self) -> &Inventory {
        self.world.index.inventory
    }

    fn decision(&self, subject: Subject, act: Act, reason: Reason) -> Decision {
        Decision { region: self.region.clone(), subject, about: about(self.managed), act, reason }
    }

    /// Changes first. Of the copies to one destination each volume's newest comes first: of those the volumes that have no
    /// copy there, then those whose newest copy is the oldest. So the newest state is offsite soon, and where EC2 takes no
    /// more no volume is the last each time. Then the others, the oldest first.
    fn order(&self, decision: &Decision) -> impl Ord + use<> {
        let rank = match decision.act {
            Act::AddTags { .. } => 0,
            Act::Copy { .. } => 1,
            Act::Stamp { .. } => 2,
            Act::RemoveSource { .. } => 3,
            Act::Wait => 4,
            Act::Create { .. } | Act::Delete { .. } | Act::Mark { .. } => 5,
            Act::Hold | Act::Keep | Act::Skip => 5,
        };
        let destination = match &decision.subject {
            Subject::Copy(_, destination) => Some(destination.clone()),
            Subject::Source(_)
            | Subject::Snapshot(_)
            | Subject::Volume(_)
            | Subject::Instance(_)
            | Subject::Device(..) => None,
        };
        let older = !self.world.newest.is_newest(self.managed);
        let there = self.managed.volume().zip(destination.as_ref()).filter(|_| !older);
        let newest_there = there.and_then(|place| self.world.newest_there.get(&place)).copied();
        (rank, destination, older, newest_there, self.source.start_time, self.source.id.clone())
    }

    /// The offsiter's table for one destination, row by row.
    fn rows(&self, destination: &Region, findings: &mut Vec<Finding>) -> (Act, Reason, State) {
        let (source, now) = (self.source, self.inventory().taken_at);
        let mut find = |problem| findings.push(Finding::new(self.region, &source.id, problem));
        if self.waits_for_tags() {
            return (Act::Wait, Reason::TagsPending, State::NotYet);
        }
        // A stamp excuses a copy that is missing; one that is there is judged.
        if self.offsite.mode() == OffsiteMode::Copy
            && let Some(stamped) = tags::stamps(&source.tags).remove(destination)
            && !self.has_live_copy(destination)
        {
            let copy = CopyRef { region: destination.clone(), snapshot: stamped };
            return (Act::Skip, Reason::Stamped { copy }, State::Stamped);
        }
        if !self.inventory().snapshots_whole_in(destination) {
            find(Problem::DestinationUnread { destination: destination.clone() });
            return (Act::Wait, Reason::DestinationUnread { destination: destination.clone() }, State::NotYet);
        }
        let judged = self.judged(destination);
        let live: Vec<_> = judged.iter().filter(|(_, judgement)| !matches!(judgement, Judgement::Failed)).collect();
        if live.len() > 1 {
            let copies = live.iter().map(|(copy, _)| copy.id.clone()).collect();
            find(Problem::TwoCopies { destination: destination.clone(), copies });
        }
        if let Some((copy, judgement)) = live.first() {
            let copy_ref = CopyRef::of(destination, &copy.id);
            return self.live_rows(copy, copy_ref, judgement, find);
        }
        // A copy may go out long after its plan: what falls due within the hour is not begun any more, or the manager
        // could delete a source whose copy it has not seen (S5).
        if let Some(delete_on) = self.too_late(later(now, 1)) {
            find(Problem::SourceDue);
            return (Act::Skip, Reason::SourceDue { delete_on }, State::TooLate(delete_on));
        }
        if let Some((youngest, _)) = judged.last() {
            let failed = judged.len();
            let message = youngest.state_message.clone().unwrap_or_else(|| "no message".to_owned());
            find(Problem::CopyFailing { destination: destination.clone(), message: message.clone() });
            let retry_at = later(youngest.start_time, retry_pause_hours(failed));
            if now < retry_at {
                return (Act::Wait, Reason::CopyFailing { failed, message, retry_at }, State::NotYet);
            }
            return (self.copy(), Reason::RetryCopy { failed, message }, State::NotYet);
        }
        (self.copy(), Reason::NoCopy, State::NotYet)
    }

    fn has_live_copy(&self, destination: &Region) -> bool {
        let is_live = |judgement: &Judgement| !matches!(judgement, Judgement::Failed);
        self.judged(destination).iter().any(|(_, judgement)| is_live(judgement))
    }

    fn live_rows(
        &self,
        copy: &Snapshot,
        copy_ref: CopyRef,
        judgement: &Judgement,
        mut find: impl FnMut(Problem),
    ) -> (Act, Reason, State) {
        let region = copy_ref.region.clone();
        match judgement {
            Judgement::Verified => (Act::Skip, Reason::Verified { copy: copy_ref.clone() }, State::Done(copy_ref)),
            Judgement::Incomplete(target, tags) => {
                let missing = tags.iter().map(|(key, _)| key).filter(|key| *key != key::DELETE_ON).map(str::to_owned);
                let (missing, delete_on_earlier) = (missing.collect(), tags.has(key::DELETE_ON));
                let act = Act::AddTags { region, snapshot: target.clone(), tags: tags.clone() };
                (act, Reason::CopyIncomplete { copy: copy_ref, missing, delete_on_earlier }, State::NotYet)
            }
            Judgement::Mismatch(difference) => {
                find(Problem::CopyMismatch { copy: copy_ref.clone(), difference: difference.clone() });
                let reason = Reason::CopyMismatch { copy: copy_ref, difference: difference.clone() };
                (Act::Wait, reason, State::NotYet)
            }
            Judgement::Pending | Judgement::Failed => {
                let since = copy.start_time;
                if self.inventory().taken_at.as_second() - since.as_second() > SECONDS_PER_DAY {
                    find(Problem::CopyPendingLong { copy: copy_ref.clone(), since });
                }
                (Act::Wait, Reason::CopyPending { copy: copy_ref, since }, State::NotYet)
            }
        }
    }

    /// What is in `destination` of this source, the best first; of equals the oldest first.
    fn judged(&self, destination: &Region) -> Vec<(&Snapshot, Judgement)> {
        let here = self.world.index.copies_of(&self.source.id).iter().filter(|(region, _)| *region == destination);
        let mut judged: Vec<_> = here.map(|(region, copy)| (*copy, self.judge(region, copy))).collect();
        judged.sort_by_key(|(copy, judgement)| {
            let rank = match judgement {
                Judgement::Verified => 0,
                Judgement::Incomplete(..) => 1,
                Judgement::Pending => 2,
                Judgement::Mismatch(_) => 3,
                Judgement::Failed => 4,
            };
            (rank, copy.start_time, copy.id.clone())
        });
        judged
    }

    fn judge(&self, region: &Region, copy: &Snapshot) -> Judgement {
        match copy.state {
            SnapshotState::Error => return Judgement::Failed,
            SnapshotState::Pending
            | SnapshotState::Recoverable
            | SnapshotState::Recovering
            | SnapshotState::Unfamiliar => return Judgement::Pending,
            SnapshotState::Completed => {}
        }
        let source = self.source;
        let Some(ours) = self.world.index.get(region, &copy.id) else {
            return Judgement::Mismatch("it is not Type=Automated, so it is not ours to rely on".to_owned());
        };
        match copy.tier {
            StorageTier::Standard => {}
            StorageTier::Archive => return Judgement::Mismatch("it is archived".to_owned()),
            StorageTier::Local => {
                return Judgement::Mismatch("it is on an Outpost or in a Local Zone".to_owned());
            }
        }
        if copy.size_gib != source.size_gib {
            return Judgement::Mismatch(format!("{} GiB instead of {}", copy.size_gib, source.size_gib));
        }
        if source.encrypted && !copy.encrypted {
            return Judgement::Mismatch("not encrypted, its source is".to_owned());
        }
        // It would be judged by that time, and its source's data would be nobody's newest.
        if ours.taken().as_second() < source.start_time.as_second() {
            return Judgement::Mismatch("its SourceStartTime is before its source was begun".to_owned());
        }
        let missing = self.missing_tags(copy);
        if missing.is_empty() { Judgement::Verified } else { Judgement::Incomplete(ours.target(), missing) }
    }

    /// What the copy lacks of the tags that our copy call sends. `DeleteOn` is never added, since a person may have
    /// taken it away to keep the copy; it only moves later. Nothing else is overwritten.
    fn missing_tags(&self, copy: &Snapshot) -> Tags {
        let wanted = self.copy_tags();
        let has =
            |key: &str| copy.tags.has(key) || (key.eq_ignore_ascii_case(key::KEEP_FOREVER) && copy.tags.keep_forever());
        let mut missing: Tags = wanted.iter().filter(|(key, _)| *key != key::DELETE_ON && !has(key)).collect();
        if let (TagValue::Is(of_source), TagValue::Is(of_copy)) =
            (tags::delete_on(&wanted), tags::delete_on(&copy.tags))
            && of_copy < of_source
        {
            missing.set(key::DELETE_ON, &of_source.to_string());
        }
        missing
    }

    fn copy_tags(&self) -> Tags {
        tags::of_copy(&self.source.id, self.region, self.source)
    }

    /// The `DeleteOn` for which a copy is not begun any more: the source's, which the manager may delete from that day on
    /// (S5); or the copy's own, with which it would be born expired. What tiers want beyond that day is not asked: a copy
    /// that the manager then does not keep would be made again and again.
    fn too_late(&self, time: Timestamp) -> Option<Date> {
        let due_on = |one: &Managed<'_>| match one.due(time) {
            Due::Yes { delete_on, .. } if !one.is_pinned() => Some(delete_on),
            Due::Yes { .. } | Due::NotYet { .. } | Due::Never(_) => None,
        };
        let volume_id = VOLUME_OF_COPIES.parse().unwrap_or_else(|_| self.source.volume_id.clone());
        let copy = Snapshot { tags: self.copy_tags(), volume_id, ..self.source.clone() };
        let copy = Managed::of(self.region, &copy, &self.source.owner);
        due_on(self.managed).or_else(|| copy.ok().as_ref().and_then(due_on))
    }

    fn copy(&self) -> Act {
        Act::Copy { tags: self.copy_tags(), encrypted: self.source.encrypted }
    }

    /// A snapshot of ours made in a set gets DeviceName and its volume's tags right after birth.
    fn waits_for_tags(&self) -> bool {
        let tags = &self.source.tags;
        let age_seconds = self.inventory().taken_at.as_second() - self.source.start_time.as_second();
        tags.has(key::SLOT) && !tags.has(key::DEVICE_NAME) && age_seconds < TAGS_PENDING_HOURS_MAX * SECONDS_PER_HOUR
    }

    /// What becomes of the source itself.
    fn source_rows(&self, states: &[(&Region, State)], findings: &mut Vec<Finding>) -> (Act, Reason) {
        let mode = self.offsite.mode();
        let copies: Vec<_> = states
            .iter()
            .filter_map(|(_, state)| match state {
                State::Done(copy) => Some(copy.clone()),
                State::Stamped | State::NotYet | State::TooLate(_) => None,
            })
            .collect();
        // A stamp deletes nothing: it is written whatever keeps the source.
        if mode == OffsiteMode::Copy
            && let Some(stamp) = self.stamp(&copies, findings)
        {
            return stamp;
        }
        if let Some(reason) = self.kept_by_a_person(findings) {
            return (Act::Keep, reason);
        }
        if mode == OffsiteMode::Copy {
            let refused = self.offsite.refused.iter().map(|refused| refused.text.clone()).collect();
            let is_local = self.offsite.destinations.is_empty();
            return (Act::Keep, if is_local { Reason::NoDestination { refused } } else { Reason::KeptByMode });
        }
        let too_late = states.iter().find_map(|(_, state)| match state {
            State::TooLate(delete_on) => Some(*delete_on),
            State::Done(_) | State::Stamped | State::NotYet => None,
        });
        if let Some(delete_on) = too_late.filter(|_| copies.is_empty()) {
            return (Act::Skip, Reason::SourceDue { delete_on });
        }
        // A policy that wants more of sources than of copies lets no copy stand for its source; nor does one that is not
        // known.
        let is_longer = match self.managed.recorded() {
            Recorded::Is(record) => record.is_mistyped || record.wants_more_of_sources(),
            Recorded::Unreadable(_) => true,
            Recorded::Absent => false,
        };
        if is_longer {
            return (Act::Keep, Reason::SourceKeptLonger);
        }
        if copies.len() < states.len() {
            let missing =
                states.iter().filter(|(_, state)| !matches!(state, State::Done(_))).map(|(r, _)| (*r).clone());
            return (Act::Wait, Reason::NotYetOffsite { missing: missing.collect() });
        }
        let newest = self.world.newest.get(self.managed);
        let newest = newest.filter(|_| mode == OffsiteMode::KeepLatest).map(|newest| newest.id().clone());
        if newest.as_ref() == Some(&self.source.id) {
            return (Act::Keep, Reason::NewestHere);
        }
        // S5: a second one, of a run that overlapped, may still be in the making.
        let all = self.world.index.copies_of(&self.source.id).iter();
        let in_flight = all.filter(|(region, copy)| matches!(self.judge(region, copy), Judgement::Pending));
        let refs = in_flight.map(|(region, copy)| CopyRef::of(region, &copy.id));
        if let Some(copy) = refs.min() {
            return (Act::Wait, Reason::CopyInFlight { copy });
        }
        // S7.
        if !self.inventory().snapshots_whole_in(self.region) {
            return (Act::Wait, Reason::RegionUnread);
        }
        (Act::RemoveSource { copies: copies.clone(), newest }, Reason::CopiesVerified { mode, copies })
    }

    /// `KeepForever`, a restore that reads from it, or no `DeleteOn` that can be read: people keep snapshots in all these ways.
    fn kept_by_a_person(&self, findings: &mut Vec<Finding>) -> Option<Reason> {
        if self.source.tags.keep_forever() {
            return Some(Reason::KeepForever);
        }
        if let Some(reason) = in_use(self.managed, self.inventory().taken_at) {
            return Some(reason);
        }
        let value = match self.managed.delete_on() {
            TagValue::Is(_) => return None,
            TagValue::Absent => None,
            TagValue::Unreadable(value) => Some(value.clone()),
        };
        let problem = Problem::DeleteOnUnreadable { value: value.clone() };
        findings.push(Finding::new(self.region, &self.source.id, problem));
        Some(Reason::UnreadableDeleteOn { value })
    }

    /// In `Copy` mode: writes down what was newly verified, and keeps what was written before.
    fn stamp(&self, copies: &[CopyRef], findings: &mut Vec<Finding>) -> Option<(Act, Reason)> {
        let mut stamps = tags::stamps(&self.source.tags);
        let newly: Vec<_> = copies.iter().filter(|copy| !stamps.contains_key(&copy.region)).cloned().collect();
        if newly.is_empty() {
            return None;
        }
        stamps.extend(newly.iter().map(|copy| (copy.region.clone(), copy.snapshot.clone())));
        let words: BTreeSet<_> = stamps.iter().map(|(region, snapshot)| format!("{region}:{snapshot}")).collect();
        let value = words.into_iter().collect::<Vec<_>>().join(" ");
        if value.len() > TAG_VALUE_LENGTH_MAX {
            findings.push(Finding::new(self.region, &self.source.id, Problem::StampFull));
            return None;
        }
        Some((Act::Stamp { value }, Reason::NewlyVerified { copies: newly }))
    }
}

/// 1 h × 2^(n−1), at most 24 h.
fn retry_pause_hours(failed: usize) -> i64 {
    let doublings = u32::try_from(failed.saturating_sub(1)).unwrap_or(u32::MAX);
    2_i64.checked_pow(doublings).unwrap_or(RETRY_PAUSE_HOURS_MAX).min(RETRY_PAUSE_HOURS_MAX)
}
