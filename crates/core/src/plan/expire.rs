//! The manager's table: which snapshots go, and which are marked since their volume is over.
//!
//! Retention says what it keeps ([`crate::retention`]). Here is what keeps a snapshot besides, and what a person has to
//! approve. Every row keeps but the last, and that of failed ones. A list that broke off keeps everything that could rest on it (S7).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::expire_findings::{Noted, findings};
use super::{about, gap, later};
use crate::approval::{self, Approval, Approved};
use crate::decision::{
    Act, Amount, CopyRef, Decision, Expiry, FailedCause, Finding, Hold, Job, Newer, Plan, Problem, Reason, Stays,
    Subject,
};
use crate::ids::{Region, SnapshotId, VolumeId};
use crate::index::Index;
use crate::inventory::{Inventory, PENDING_PER_VOLUME_MAX, Snapshot, SnapshotState};
use crate::managed::{Due, InUse, Managed};
use crate::policy::{Config, Offsite};
use crate::retention::Recorded;
use crate::retention::record::delete_on_of_copy;
use crate::retention::tiers::Said;
use crate::retention::verdict::{Account, Keeper, Settling, Table, Verdict, Wanted, firsts};
use crate::tags::{self, TagValue, key};

/// How long an errored snapshot is remembered where nothing replaces it.
const FAILED_KEPT_HOURS: i64 = 24;
/// The same, where errored ones fill the volume's limit and so block its next snapshot.
const FAILED_KEPT_HOURS_AT_LIMIT: i64 = 1;
/// How long an errored copy is remembered: it is the offsiter's memory of when to try again.
const FAILED_COPY_KEPT_HOURS: i64 = 7 * 24;

/// Which managed snapshots of `regions` go.
pub fn plan_expire(inventory: &Inventory, regions: &[Region], config: &Config) -> Plan {
    let mut plan = Plan::new(Job::Expire, inventory, regions);
    for region in &plan.regions {
        let seen = inventory.regions.get(region);
        plan.findings.extend(gap(region, "snapshots", seen.map(|seen| &seen.snapshots)));
        plan.findings.extend(gap(region, "volumes", seen.map(|seen| &seen.volumes)));
        plan.findings.extend(gap(region, "instances", seen.map(|seen| &seen.instances)));
    }
    let index = Index::of(inventory);
    let account = Account::of(&index, config);
    let manager = Manager::of(&index, &account, &plan.regions, config.grace_days);
    let waiting = manager.waiting();
    let released = waiting.released(config);
    let mut noted = manager.decide_all(&released, &BTreeSet::new());
    let large: Vec<_> = plan.regions.iter().filter(|region| is_large(&in_order(region, &noted))).cloned().collect();
    let mut held: BTreeMap<Place<'_>, Expiry> = BTreeMap::new();
    let mut approved: BTreeMap<Place<'_>, Expiry> = BTreeMap::new();
    for region in &large {
        let (yes, no) = by_approval(region, &noted, config);
        approved.extend(yes);
        held.extend(no);
    }
    while !held.is_empty() {
        // What is held is there tomorrow, and what it rests on stays with it, approved or not.
        noted = manager.decide_all(&released, &held.keys().copied().collect());
        let goes: BTreeSet<_> = noted.iter().filter(|one| one.expiry().is_some()).map(Noted::place).collect();
        let needed: Vec<_> = approved.keys().filter(|place| !goes.contains(place)).copied().collect();
        if needed.is_empty() {
            break;
        }
        held.extend(needed.iter().filter_map(|place| approved.remove_entry(place)));
    }
    plan.findings.extend(findings(&manager, &noted));
    plan.findings.extend(waiting.findings(&released, inventory.today()));
    for approval in &config.approvals {
        let is_of_use = match &approval.what {
            Approved::Region(region) => large.contains(region),
            Approved::Instance(_) | Approved::Closed(_) => !waiting.approved(approval).is_empty(),
        };
        let named = match &approval.what {
            Approved::Region(region) | Approved::Closed(region) => plan.regions.iter().find(|one| *one == region),
            Approved::Instance(_) => None,
        };
        if let Some(region) = named.or(plan.regions.first()).filter(|_| !is_of_use) {
            let problem = Problem::ApprovalOfNothing { approval: approval.clone() };
            plan.findings.push(Finding::new(region, approval, problem));
        }
    }
    for region in &plan.regions {
        let (decisions, hold) = with_held(region, inventory.today(), in_order(region, &noted), &held);
        plan.holds.extend(hold);
        plan.decisions.extend(decisions);
    }
    plan.finish()
}

/// Where a snapshot lies, and its id.
type Place<'a> = (&'a Region, &'a SnapshotId);

/// The decisions of a Region: what changes first, and the oldest data first.
fn in_order<'n, 'i, 'a>(region: &Region, noted: &'n [Noted<'i, 'a>]) -> Vec<&'n Noted<'i, 'a>> {
    let mut all: Vec<_> = noted.iter().filter(|one| one.snapshot.region() == region).collect();
    all.sort_by_key(|one| (!one.decision.act.is_change(), one.snapshot.taken(), one.snapshot.id()));
    all
}

/// Those that could be deleted, so not the pinned ones.
fn unpinned(all: &[&Noted<'_, '_>]) -> usize {
    all.iter().filter(|one| !one.snapshot.is_pinned()).count()
}

/// Whether so much of a Region expires that a person must approve it.
fn is_large(all: &[&Noted<'_, '_>]) -> bool {
    approval::is_needed(all.iter().filter(|one| one.expiry().is_some()).count(), unpinned(all))
}

/// S9: what has expired in a Region, by its place.
type Expired<'a> = Vec<(Place<'a>, Expiry)>;

/// S9: of what has expired in a Region, what a person approved, and the rest. They approved the oldest: an older one of a
/// volume that they did not approve holds the newer ones.
fn by_approval<'a>(region: &Region, noted: &[Noted<'_, 'a>], config: &Config) -> (Expired<'a>, Expired<'a>) {
    let approval = Approval::find(&config.approvals, &Approved::Region(region.clone()));
    let (mut count, mut volumes) = (0, BTreeSet::new());
    let all = in_order(region, noted).into_iter().filter_map(|one| Some((one, one.expiry()?)));
    let (yes, no): (Vec<_>, Vec<_>) = all.partition(|(one, expiry)| {
        let volume = one.snapshot.volume();
        let is_named = |approval: &Approval| expiry.delete_on <= approval.day && count < approval.count;
        let is_approved = approval.is_some_and(is_named) && !volumes.contains(&volume);
        if is_approved {
            count += 1;
        } else {
            volumes.insert(volume);
        }
        is_approved
    });
    let by_place = |all: Vec<(&Noted<'_, 'a>, &Expiry)>| {
        all.into_iter().map(|(one, expiry)| (one.place(), expiry.clone())).collect()
    };
    (by_place(yes), by_place(no))
}

/// The decisions of a Region, with what is held of them, and the words that let it go.
fn with_held(
    region: &Region,
    today: Date,
    all: Vec<&Noted<'_, '_>>,
    held: &BTreeMap<Place<'_>, Expiry>,
) -> (Vec<Decision>, Option<Hold>) {
    let managed = unpinned(&all);
    let (mut waiting, mut approved) = (0, 0);
    let decide = |one: &Noted<'_, '_>| {
        let mut decision = one.decision.clone();
        if let Some(expiry) = held.get(&one.place()) {
            waiting += 1;
            (decision.act, decision.reason) = (Act::Hold, Reason::HeldForApproval(expiry.clone()));
        } else if one.expiry().is_some() {
            approved += 1;
        }
        decision
    };
    let decisions = all.into_iter().map(decide).collect();
    let expired = waiting + approved;
    let approval = Approval { what: Approved::Region(region.clone()), day: today, count: expired };
    let hold = Hold { region: region.clone(), expired, managed, approved, approval };
    (decisions, (waiting > 0).then_some(hold))
}

/// What the decisions of all Regions rest on.
pub(super) struct Manager<'i, 'a> {
    pub(super) index: &'i Index<'a>,
    regions: &'i [Region],
    grace_days: u32,
    /// The volumes of which something lies where this run acts.
    pub(super) tables: BTreeMap<&'i VolumeId, Table<'i, 'a>>,
    /// Errored snapshots by volume, in each Region, whoever made them.
    failed: BTreeMap<(&'a Region, &'a VolumeId), usize>,
}

/// What a person's approval of the grace period or of the closing days would let go, by the approval.
#[derive(Default)]
struct Waiting<'i>(BTreeMap<Approved, Vec<One<'i>>>);

#[derive(Clone, Copy)]
struct One<'i> {
    snapshot: &'i Managed<'i>,
    /// The day from which on a plan may have named it: an approval of an earlier day is not about it.
    since: Date,
    until: Date,
    /// Whether it goes once that is approved: it may date others, which stay.
    goes: bool,
}

impl<'i, 'a> Manager<'i, 'a> {
    fn of(index: &'i Index<'a>, account: &'i Account<'i, 'a>, regions: &'i [Region], grace_days: u32) -> Self {
        let acts_in = |one: &&Managed<'_>| regions.contains(one.region());
        let volumes: BTreeSet<_> = index.managed().iter().filter(acts_in).filter_map(|one| one.volume()).collect();
        let mut failed: BTreeMap<_, usize> = BTreeMap::new();
        for (region, snapshot) in index.inventory.snapshots() {
            let is_source = snapshot.owner == index.inventory.account && !snapshot.tags.has(key::SOURCE_SNAPSHOT_ID);
            if is_source && snapshot.state == SnapshotState::Error {
                *failed.entry((region, &snapshot.volume_id)).or_default() += 1;
            }
        }
        let tables = volumes.into_iter().map(|volume| (volume, Table::of(account, volume))).collect();
        Manager { index, regions, grace_days, tables, failed }
    }

    /// Snapshots that only the grace period, or only the closing days, keep.
    fn waiting(&self) -> Waiting<'_> {
        let none = BTreeSet::new();
        let mut waiting = Waiting::default();
        for table in self.tables.values() {
            let mut of_it: BTreeMap<Approved, Vec<One<'_>>> = BTreeMap::new();
            for (snapshot, verdict, _) in table.settle(&self.settling(&none, &BTreeSet::new())) {
                if let Some((what, one)) = self.one_waiting(table, snapshot, &verdict) {
                    of_it.entry(what).or_default().push(one);
                }
            }
            for (what, all) in of_it {
                let released = all.iter().map(|one| one.snapshot.id()).collect();
                let settled = table.settle(&self.settling(&released, &BTreeSet::new()));
                let goes = settled.iter().filter(|(_, verdict, _)| *verdict == Verdict::Goes).map(|(one, ..)| one.id());
                let goes: BTreeSet<_> = goes.collect();
                let all = all.into_iter().map(|one| One { goes: goes.contains(one.snapshot.id()), ..one });
                waiting.0.entry(what).or_default().extend(all);
            }
        }
        waiting.0.values_mut().for_each(|all| all.sort_by_key(|one| (one.snapshot.taken(), one.snapshot.id())));
        waiting
    }

    /// A snapshot that only the grace period or the closing days keep, with the approval that it waits for.
    fn one_waiting<'s>(
        &'s self,
        table: &'s Table<'i, 'a>,
        snapshot: &'i Managed<'a>,
        verdict: &Verdict,
    ) -> Option<(Approved, One<'s>)> {
        let region = snapshot.region();
        let TagValue::Is(delete_on) = *snapshot.delete_on() else { return None };
        let (what, since, until) = if let Verdict::Grace(_, until) = *verdict {
            let began = until.saturating_sub(i64::from(self.grace_days).days());
            (Approved::Instance(table.instance()?.clone()), began, until)
        } else if let Verdict::Closing(_, until) = *verdict {
            // What has no mark yet became over after the plan that a person has read, or on its day.
            let since = table.closed_since(region)?.tomorrow().ok()?;
            (
                Approved::Closed(region.clone()),
                Some(since).filter(|since| *since <= self.index.inventory.today())?,
                until,
            )
        } else {
            return None;
        };
        let is_of_this_run = self.acts_in(region) && self.guard(snapshot).is_none();
        is_of_this_run.then_some((what, One { snapshot, since: delete_on.max(since), until, goes: false }))
    }

    fn settling<'s>(&'s self, released: &'s BTreeSet<&'s SnapshotId>, held: &'s BTreeSet<Place<'s>>) -> Settling<'s> {
        let stays = |snapshot: &Managed<'_>| {
            let is_held = held.contains(&(snapshot.region(), snapshot.id()));
            is_held || !self.acts_in(snapshot.region()) || self.guard(snapshot).is_some()
        };
        Settling { released, is_guarded: Box::new(stays) }
    }

    /// One decision for each managed snapshot where this run acts. What is `held` is decided like the others, and counts as
    /// what stays.
    fn decide_all(&self, released: &BTreeSet<&SnapshotId>, held: &BTreeSet<Place<'_>>) -> Vec<Noted<'i, 'a>> {
        let mut noted = Vec::new();
        let mut judged: BTreeSet<(&Region, &SnapshotId)> = BTreeSet::new();
        for table in self.tables.values() {
            for (snapshot, verdict, said) in table.settle(&self.settling(released, held)) {
                judged.insert((snapshot.region(), snapshot.id()));
                if self.regions.contains(snapshot.region()) {
                    let (act, reason) = self.rows(snapshot, Some(table), verdict, said);
                    noted.push(self.note(snapshot, act, reason));
                }
            }
        }
        // What is not completed, or does not say of which volume it is, stands in no table.
        for snapshot in self.regions.iter().flat_map(|region| self.index.managed_in(region)) {
            if !judged.contains(&(snapshot.region(), snapshot.id())) {
                let (act, reason) = self.rows(snapshot, None, Verdict::OfItself, &[]);
                noted.push(self.note(snapshot, act, reason));
            }
        }
        noted
    }

    /// Whether this run acts in `region`.
    pub(super) fn acts_in(&self, region: &Region) -> bool {
        self.regions.contains(region)
    }

    fn note(&self, snapshot: &'i Managed<'a>, act: Act, reason: Reason) -> Noted<'i, 'a> {
        let region = snapshot.region().clone();
        let subject = Subject::Snapshot(snapshot.target());
        Noted { snapshot, decision: Decision { region, subject, about: about(snapshot), act, reason } }
    }

    /// The manager's table, row by row.
    fn rows(
        &self,
        snapshot: &'i Managed<'a>,
        table: Option<&Table<'i, 'a>>,
        verdict: Verdict,
        said: &[Said],
    ) -> (Act, Reason) {
        let (act, reason) = self.rows_unmarked(snapshot, table, verdict, said);
        match table.and_then(|table| self.mark(snapshot, table)) {
            Some(mark) if !act.is_change() => mark,
            Some(_) | None => (act, reason),
        }
    }

    fn rows_unmarked(
        &self,
        snapshot: &'i Managed<'a>,
        table: Option<&Table<'i, 'a>>,
        verdict: Verdict,
        said: &[Said],
    ) -> (Act, Reason) {
        if snapshot.is_pinned() {
            return (Act::Keep, Reason::KeepForever);
        }
        let state = snapshot.raw().state;
        match state {
            SnapshotState::Completed => {}
            SnapshotState::Error => return self.failed_rows(snapshot),
            SnapshotState::Pending
            | SnapshotState::Recoverable
            | SnapshotState::Recovering
            | SnapshotState::Unfamiliar => return (Act::Keep, Reason::NotCompleted { state }),
        }
        let (delete_on, overdue_days, age_days) = match snapshot.due(self.index.inventory.taken_at) {
            Due::Yes { delete_on, overdue_days, age_days } => (delete_on, overdue_days, age_days),
            Due::NotYet { delete_on, age_days, needs_days } => {
                return (Act::Keep, Reason::NotDue { delete_on, age_days, needs_days });
            }
            Due::Never(value) => return (Act::Keep, Reason::UnreadableDeleteOn { value }),
        };
        if let Recorded::Unreadable(value) = snapshot.recorded() {
            return (Act::Keep, Reason::UnreadableRetention { value: value.clone() });
        }
        let Some(table) = table else { return (Act::Keep, Reason::NoVolume) };
        if let Some(reason) = kept(snapshot, verdict, delete_on).or_else(|| self.guard(snapshot)) {
            return (Act::Keep, reason);
        }
        let (stays, anchor, newest) = self.stays(snapshot, table);
        let firsts = firsts(said);
        let held = firsts.iter().filter_map(|first| table.holder_of(first, snapshot.region()));
        let rests_on: BTreeSet<_> = held.chain(newest).collect();
        let uncopied = self.uncopied(snapshot);
        let reason =
            Reason::Expired(Expiry { delete_on, overdue_days, age_days, stays, uncopied, said: said.to_vec() });
        (Act::Delete { anchor, rests_on: rests_on.into_iter().collect() }, reason)
    }

    /// What stays of the volume: the newer one here that the delete rests on, or the newest data wherever that is.
    fn stays(&self, snapshot: &Managed<'a>, table: &Table<'i, 'a>) -> (Stays, Option<SnapshotId>, Option<CopyRef>) {
        let region = snapshot.region();
        let newer = table.newest_in(region).filter(|newest| newest.id() != snapshot.id());
        let of = |newer: &Managed<'_>| Stays::Newer(Newer { snapshot: newer.id().clone(), of: newer.taken() });
        if let Some(over) = table.over() {
            let since = table.closed_since(region).unwrap_or(self.index.inventory.today());
            let is_open = table.is_open(region);
            let anchor = newer.filter(|_| is_open);
            return (anchor.map_or(Stays::Over(over, since), of), anchor.map(|newer| newer.id().clone()), None);
        }
        match (newer.filter(|_| table.is_open(region)), table.holder_of_newest(snapshot)) {
            (Some(newer), _) => (of(newer), Some(newer.id().clone()), None),
            (None, Some(newest)) => (Stays::NoDestination(newest.clone()), None, Some(newest)),
            // Not reached: the newest data of a volume that is not over stays.
            (None, None) => (of(snapshot), Some(snapshot.id().clone()), None),
        }
    }

    /// What keeps a snapshot besides retention.
    fn guard(&self, snapshot: &Managed<'_>) -> Option<Reason> {
        in_use(snapshot, self.index.inventory.taken_at)
            .or_else(|| self.copy_guard(snapshot))
            .or_else(|| self.source_guard(snapshot))
            .or_else(|| self.region_unread(snapshot))
    }

    /// S5: what is being copied, or may be, stays; a copy too, which a person may copy on.
    fn copy_guard(&self, snapshot: &Managed<'_>) -> Option<Reason> {
        self.copy_in_flight(snapshot).or_else(|| {
            if snapshot.is_copy() {
                return None;
            }
            let unread =
                self.destinations(snapshot).into_iter().find(|region| !self.index.inventory.snapshots_whole_in(region));
            unread.map(|destination| Reason::DestinationUnread { destination })
        })
    }

    /// A copy stays as long as its source was made to: what a person writes on the source holds for the copy, though the
    /// offsiter has not passed it on yet, and though the source's tags do not make it ours any more.
    fn source_guard(&self, snapshot: &Managed<'_>) -> Option<Reason> {
        let id = snapshot.source()?;
        let homes = match snapshot.home() {
            Some(home) => vec![home],
            None => self.index.inventory.regions.keys().collect(),
        };
        let (home, source) = homes.into_iter().find_map(|home| Some((home, self.index.any(home, id)?)))?;
        let stays = |delete_on| Some(Reason::SourceStays { source: CopyRef::of(home, id), delete_on });
        if source.tags.keep_forever() {
            return stays(None);
        }
        let own = match tags::delete_on(&source.tags) {
            TagValue::Is(day) => day,
            TagValue::Absent | TagValue::Unreadable(_) => {
                let is_ours = self.index.get(home, id).is_some();
                return is_ours.then(|| stays(None)).flatten();
            }
        };
        let day = delete_on_of_copy(&source.tags).unwrap_or(own);
        if day > self.index.inventory.today() { stays(Some(day)) } else { None }
    }

    fn failed_rows(&self, snapshot: &Managed<'_>) -> (Act, Reason) {
        let (now, raw) = (self.index.inventory.taken_at, snapshot.raw());
        if let Some(reason) = in_use(snapshot, now).or_else(|| self.copy_guard_of_failed(snapshot)) {
            return (Act::Keep, reason);
        }
        let message = raw.state_message.clone().unwrap_or_else(|| "no message".to_owned());
        let at_limit = !snapshot.is_copy() && self.fills_limit(snapshot.region(), &raw.volume_id);
        let (kept_hours, old) = match (snapshot.is_copy(), at_limit) {
            (true, _) => (FAILED_COPY_KEPT_HOURS, FailedCause::Old),
            (false, true) => (FAILED_KEPT_HOURS_AT_LIMIT, FailedCause::FillsLimit),
            (false, false) => (FAILED_KEPT_HOURS, FailedCause::Old),
        };
        let until = later(raw.start_time, kept_hours);
        let cause = if self.is_replaced(snapshot) { FailedCause::Replaced } else { old };
        if cause == FailedCause::Replaced || now >= until {
            let reason = Reason::Failed { message, since: raw.start_time, kept_hours, cause };
            return (Act::Delete { anchor: None, rests_on: Vec::new() }, reason);
        }
        (Act::Keep, Reason::FailureMemory { message, until })
    }

    /// A failed one that is itself being copied waits as well (S5), and S7 holds of it.
    fn copy_guard_of_failed(&self, snapshot: &Managed<'_>) -> Option<Reason> {
        self.copy_in_flight(snapshot).or_else(|| self.region_unread(snapshot))
    }

    /// The first of the copies of it that are being made.
    fn copy_in_flight(&self, snapshot: &Managed<'_>) -> Option<Reason> {
        let copies = self.index.copies_of(snapshot.id()).iter();
        let in_flight = copies.filter(|(_, copy)| copy.state.is_in_the_making());
        let first = in_flight.map(|(region, copy)| CopyRef::of(region, &copy.id)).min();
        first.map(|copy| Reason::CopyInFlight { copy })
    }

    /// S7: what was not seen may be what a delete rests on.
    fn region_unread(&self, snapshot: &Managed<'_>) -> Option<Reason> {
        (!self.index.inventory.snapshots_whole_in(snapshot.region())).then_some(Reason::RegionUnread)
    }

    fn fills_limit(&self, region: &Region, volume: &VolumeId) -> bool {
        let limit = self.index.volume(volume).map_or(PENDING_PER_VOLUME_MAX, |(_, volume)| volume.pending_max());
        self.failed.get(&(region, volume)).copied().unwrap_or(0) >= limit
    }

    fn is_replaced(&self, failed: &Managed<'_>) -> bool {
        if failed.is_copy() {
            let completed = |(region, copy): &(&Region, &Snapshot)| {
                *region == failed.region() && copy.state == SnapshotState::Completed
            };
            return failed.source().is_some_and(|source| self.index.copies_of(source).iter().any(completed));
        }
        let same = failed.volume().into_iter().flat_map(|volume| self.index.of_volume(volume));
        let mut later = same.filter(|one| one.region() == failed.region() && one.is_completed());
        later.any(|one| one.raw().start_time > failed.raw().start_time)
    }

    /// The destinations that never got their copy of a source, as far as can be seen: a person should know before it goes.
    fn uncopied(&self, snapshot: &Managed<'_>) -> Vec<Region> {
        if snapshot.is_copy() {
            return Vec::new();
        }
        let stamps = snapshot.stamps();
        let is_copied = |region: &Region| {
            let mut copies = self.index.copies_of(snapshot.id()).iter();
            copies.any(|(of, copy)| *of == region && copy.state == SnapshotState::Completed)
        };
        let mut regions = self.destinations(snapshot);
        regions.retain(|region| !stamps.contains_key(region) && !is_copied(region));
        regions
    }

    fn destinations(&self, source: &Managed<'_>) -> Vec<Region> {
        Offsite::of(&source.raw().tags, source.region(), self.index.inventory).destinations
    }

    /// The mark of a history whose volume is over, on its newest; and its end, where the volume is not over any more.
    fn mark(&self, snapshot: &Managed<'_>, table: &Table<'i, 'a>) -> Option<(Act, Reason)> {
        let (region, volume) = (snapshot.region(), snapshot.volume()?.clone());
        if let Some(over) = table.over() {
            let is_newest = table.newest_in(region).is_some_and(|newest| newest.id() == snapshot.id());
            if !is_newest || table.closed_since(region).is_some() {
                return None;
            }
            let reason = Reason::VolumeOver { volume, over, until: table.closes_on(region) };
            return Some((Act::Mark { closed: Some(self.index.inventory.today()) }, reason));
        }
        let is_marked = *snapshot.closed() != TagValue::Absent;
        (is_marked && table.is_living()).then_some((Act::Mark { closed: None }, Reason::VolumeBack { volume }))
    }
}

impl<'i> Waiting<'i> {
    /// What the approvals of this run let go: the oldest first, not more than was read.
    fn released(&self, config: &Config) -> BTreeSet<&'i SnapshotId> {
        let approvals = self.0.keys().filter_map(|what| Approval::find(&config.approvals, what));
        approvals.flat_map(|approval| self.approved(approval)).collect()
    }

    fn approved(&self, approval: &Approval) -> Vec<&'i SnapshotId> {
        let all = self.0.get(&approval.what).into_iter().flatten();
        let all = all.filter(|one| one.goes && one.since <= approval.day);
        all.take(approval.count).map(|one| one.snapshot.id()).collect()
    }

    fn findings(&self, released: &BTreeSet<&SnapshotId>, today: Date) -> Vec<Finding> {
        let finding = |(what, all): (&Approved, &Vec<One<'i>>)| {
            let left: Vec<_> = all.iter().filter(|one| !released.contains(one.snapshot.id())).collect();
            let first = left.first()?;
            let mut some = Amount::default();
            left.iter().for_each(|one| some.add(one.snapshot.raw().size_gib));
            let count = left.iter().filter(|one| one.goes).count();
            let approval = Approval { what: what.clone(), day: today, count };
            let until = left.iter().map(|one| one.until);
            Some(match what {
                Approved::Instance(instance) => {
                    let (until, last) = (until.clone().min().unwrap_or(today), until.max().unwrap_or(today));
                    Finding::new(first.snapshot.region(), instance, Problem::GraceHolds { some, until, last, approval })
                }
                Approved::Closed(region) | Approved::Region(region) => {
                    let until = until.min().unwrap_or(today);
                    Finding::new(region, region, Problem::ClosingHolds { some, until, approval })
                }
            })
        };
        self.0.iter().filter_map(finding).collect()
    }
}

/// The reason of a verdict that keeps.
fn kept(snapshot: &Managed<'_>, verdict: Verdict, delete_on: Date) -> Option<Reason> {
    let volume = || snapshot.volume().cloned();
    let of_keeper = |keeper| match keeper {
        Keeper::Policy { by, wanted, .. } => Some(Reason::KeptByPolicy { delete_on, by, wanted }),
        Keeper::LastGood => Some(Reason::LastGood { volume: volume() }),
        Keeper::NewestData => volume().map(|volume| Reason::NewestData { volume }),
    };
    match verdict {
        Verdict::Goes | Verdict::OfItself => None,
        Verdict::Unread(unread) => Some(Reason::HistoryUnread { unread }),
        Verdict::Mistyped(instance, key) => Some(Reason::Mistyped { instance, key: key.to_owned() }),
        Verdict::Kept(keeper) => of_keeper(keeper),
        Verdict::Grace(keeper, until) => Some(Reason::KeptInGrace { delete_on, until, wanted: wanted(keeper) }),
        Verdict::Closing(keeper, until) => Some(Reason::KeptForClosing { delete_on, until, wanted: wanted(keeper) }),
        Verdict::Evidence(evidence) => Some(Reason::KeptAsEvidence { delete_on, evidence }),
    }
}

/// That a restore reads from it.
pub(super) fn in_use(snapshot: &Managed<'_>, now: Timestamp) -> Option<Reason> {
    match snapshot.in_use(now)? {
        InUse::Since(since) => Some(Reason::InUse { since: Some(since) }),
        InUse::Unreadable(_) => Some(Reason::InUse { since: None }),
    }
}

/// What a policy wants; none where it is the last good one.
fn wanted(keeper: Keeper) -> Option<Wanted> {
    match keeper {
        Keeper::Policy { wanted, .. } => Some(wanted),
        Keeper::LastGood | Keeper::NewestData => None,
    }
}
