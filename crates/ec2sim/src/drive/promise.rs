//! S12, the promise of docs/retention.md: no edit of a tag of an instance or a volume, no instance or volume that is lost and
//! no lost destination makes anything go sooner than 7 full days after it, and 30 where the volume is over, unless it would
//! have gone without that or a person approved it. Judged by what there truly was ([`super::memory`]), and not by what the
//! manager can still tell.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use snapwarden_core::approval::Approved;
use snapwarden_core::ids::{InstanceId, Region, VolumeId};
use snapwarden_core::inventory::{Snapshot, StorageTier};

use super::delete::Delete;
use super::facts::{
    CLOSED, CLOSING_DAYS, GRACE_DAYS, UNSEEN_S, data_time, day, delete_on, is_managed, is_of, is_past_closing,
    is_pinned, mark_counts, moment_of, seconds,
};
use super::found::Found;
use super::history::{History, How};
use super::memory::{Statement, Tenure, written};
use super::policy::{Asked, Policy, Record, destinations};
use crate::call::Action;

/// Why something is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Basis {
    /// Tags ask for it now, or the newest snapshot states it.
    Now,
    /// It was in force less than 7 days ago.
    Grace,
    /// It was when the volume became over, less than 30 days ago.
    Closing,
}

/// Something in force, why, and who says so.
struct InForce<T> {
    what: T,
    basis: Basis,
    says: String,
}

/// What a person has approved of it.
#[derive(Debug, Clone, Copy, Default)]
struct Approvals {
    grace: bool,
    closing: bool,
}

impl Approvals {
    fn lift(self, basis: Basis) -> bool {
        match basis {
            Basis::Now => false,
            Basis::Grace => self.grace,
            Basis::Closing => self.closing,
        }
    }
}

/// A completed snapshot that the manager deletes, and what was in force of its volume.
pub(super) struct Case<'a> {
    delete: &'a Delete<'a>,
    shown: &'a Snapshot,
    volume: &'a VolumeId,
    home: Region,
    statements: Vec<Statement>,
    /// All completed snapshots and copies of the volume, as they were shown.
    all: Vec<(&'a Region, &'a Snapshot)>,
    history: History,
}

impl<'a> Case<'a> {
    pub(super) fn new(delete: &'a Delete<'a>, shown: &'a Snapshot, volume: &'a VolumeId) -> Self {
        let Delete { rules, world, process, region, .. } = delete;
        let named = || shown.tags.get("SourceRegion").and_then(|text| text.parse().ok());
        let by_tags = || shown.tags.has("SourceSnapshotId").then(named).flatten().unwrap_or_else(|| (*region).clone());
        let home = rules.memory.home(volume).cloned().unwrap_or_else(by_tags);
        let is_settled = |snapshot: &Snapshot| rules.is_settled(snapshot, process.begun);
        let mut statements = rules.memory.statements(world, volume, &home, is_settled);
        // A Region that was not read and that nothing names: nobody knows what lies there.
        let unread = world.regions().filter(|region| !process.has_read(region, Action::DescribeSnapshots));
        let unread: BTreeSet<_> =
            unread.flat_map(|region| world.snapshots(region)).map(|record| moment_of(&record.snapshot)).collect();
        // A copy that a person retagged, or that is not ours any more, does not show what the others of its moment state.
        let of_ours = process.all_shown().map(|(.., one)| one).filter(|one| is_managed(world, one));
        let seen: BTreeSet<_> = of_ours.map(|one| (moment_of(one), written(one))).collect();
        let is_seen = |one: &Statement| seen.contains(&(one.moment.clone(), one.written.clone()));
        let is_hidden = |one: &Statement| unread.contains(&one.moment) && !is_seen(one);
        // What is hidden had taken the place of what was gone when the process looked.
        let hidden = statements.iter().filter(|one| is_hidden(one)).map(|one| one.time).max();
        let is_there = |one: &Statement| world.regions().any(|region| world.snapshot(region, &one.snapshot).is_some());
        let is_known = |one: &Statement| is_there(one) || is_seen(one);
        statements.retain(|one| !is_hidden(one) && (hidden.is_none_or(|last| one.time > last) || is_known(one)));
        let is_of_it =
            |snapshot: &&Snapshot| snapshot.is_completed() && is_of(snapshot, volume) && is_managed(world, snapshot);
        let all = process.all_shown().map(|(region, _, snapshot)| (region, snapshot));
        let all: Vec<_> = all.filter(|(_, snapshot)| is_of_it(snapshot)).collect();
        let history = History::of(region, &home, all.iter().copied());
        Self { delete, shown, volume, home, statements, all, history }
    }

    fn now(&self) -> Timestamp {
        self.delete.world.now()
    }

    /// S7: while anything that would tell could not be read, nothing of the volume goes.
    pub(super) fn judge_reads(&self, found: &mut Found) {
        let Delete { world, process, region, .. } = self.delete;
        let id = &self.shown.id;
        let mut regions: BTreeSet<Region> = [(*region).clone(), self.home.clone()].into();
        for (_, snapshot) in &self.all {
            regions.extend(destinations(&snapshot.tags, &self.home, world.regions()));
            regions.extend(snapshot.tags.get("SourceRegion").and_then(|text| text.parse().ok()));
        }
        if let Some(state) = self.delete.rules.memory.since(self.volume, self.delete.known()) {
            regions.extend(state.holders.values().flat_map(|asked| asked.destinations.clone()));
        }
        for named in regions.iter().filter(|named| world.regions().any(|known| known == *named)) {
            found.unless(process.has_read(named, Action::DescribeSnapshots), "S7", || {
                format!("{id} is deleted and the snapshots of {named} were not all read")
            });
        }
        for action in [Action::DescribeInstances, Action::DescribeVolumes] {
            let is_there = world.regions().any(|known| *known == self.home);
            found.unless(is_there && process.has_read(&self.home, action), "S7", || {
                format!("{id} is deleted and {action} of {} was not all read", self.home)
            });
        }
    }

    /// S12, and S6 of the last good one.
    pub(super) fn judge(&self, found: &mut Found) {
        if let Some(words) = self.unreadable() {
            return found.add("S12", format!("{} is deleted and {words}", self.shown.id));
        }
        let policies = self.policies();
        let destinations = self.destinations();
        let judge = |approvals| self.kept(&policies, &destinations, approvals, false);
        let Some((rule, words)) = judge(Approvals::default()) else {
            return self.judge_mark(&policies, &destinations, found);
        };
        let lets_go = |(approvals, _): &(Approvals, Vec<Approved>)| judge(*approvals).is_none();
        found.spends.extend(self.approved().into_iter().filter(lets_go).flat_map(|(_, what)| what));
        if !found.spends.is_empty() {
            return;
        }
        found.add(rule, format!("{} is deleted and {words}", self.shown.id));
    }

    /// What a person has approved that could let it go: of the grace period, and of the closing days.
    fn approved(&self) -> [(Approvals, Vec<Approved>); 2] {
        let newest = self.all.iter().map(|(_, snapshot)| data_time(snapshot)).max();
        let newest = self.all.iter().filter(|(_, snapshot)| Some(data_time(snapshot)) == newest);
        let named = newest.filter_map(|(_, snapshot)| snapshot.tags.get("InstanceID")?.parse::<InstanceId>().ok());
        let until = delete_on(&self.shown.tags);
        let may = |what: &Approved| self.delete.process.may_spend(what, until);
        let grace = named.map(Approved::Instance).find(may);
        let closed = Approved::Closed(self.delete.region.clone());
        // Of what was marked after the plan that a person has read, nobody has approved anything.
        let may_end = |marked: Date| self.delete.process.may_spend(&closed, until.map(|until| until.max(marked)));
        let closing = self.marks().max().is_some_and(may_end).then_some(closed);
        let one = |grace: Option<Approved>, closing: Option<Approved>| {
            let approvals = Approvals { grace: grace.is_some(), closing: closing.is_some() };
            (approvals, grace.into_iter().chain(closing).collect())
        };
        [one(grace, None), one(None, closing)]
    }

    /// A tag or a record that nobody can read and that would tell.
    fn unreadable(&self) -> Option<String> {
        let memory = &self.delete.rules.memory;
        let state = memory.since(self.volume, self.delete.known());
        let mut holders = state.into_iter().flat_map(|state| &state.holders);
        if let Some((instance, _)) = holders.find(|(_, asked)| asked.policy.is_none()) {
            return Some(format!("a tag of retention of {instance}, which has {}, cannot be read", self.volume));
        }
        if memory.is_disturbed(self.volume, self.delete.known()) {
            return None;
        }
        let says = |one: &&Statement| match one.record {
            Record::Unreadable | Record::States(_) => true,
            Record::None | Record::Mistyped => false,
        };
        let said: Vec<_> = self.statements.iter().filter(|one| one.is_completed).filter(says).collect();
        let is_late = |one: &&Statement| {
            let next = said.iter().find(|other| other.takes_place_of(one));
            next.is_none_or(|next| seconds(next.time, self.now()) < GRACE_DAYS * 86_400)
        };
        let is_read =
            |one: &Statement| said.iter().any(|other| other.moment == one.moment && other.record != Record::Unreadable);
        let unread = said.iter().filter(|one| one.is_settled && one.record == Record::Unreadable && !is_read(one));
        let unread = unread.copied().find(is_late)?;
        Some(format!(
            "the record of {} cannot be read, which is or was lately the newest of {}",
            unread.snapshot, self.volume
        ))
    }

    /// Since when the volume is over, as far as the process must know. It may have seen the newest state as well.
    fn over_since(&self) -> Option<Timestamp> {
        let at = |time| self.delete.rules.memory.over_since(self.volume, time, &self.statements);
        at(self.delete.known()).into_iter().chain(at(self.now())).min()
    }

    /// Whether the volume became over less than 30 days ago.
    fn is_closing(&self, since: Timestamp) -> bool {
        since != Timestamp::MIN && seconds(since, self.now()) < CLOSING_DAYS * 86_400
    }

    /// Whether what was in force until then holds this one: it is of before that.
    fn is_in_grace(&self, until: Timestamp) -> bool {
        data_time(self.shown) < until && seconds(until, self.now()) < GRACE_DAYS * 86_400
    }

    /// The retention in force.
    fn policies(&self) -> Vec<InForce<Policy>> {
        let states = |policy: &Policy, one: &Statement| one.record.stated().is_some_and(|stated| stated.covers(policy));
        let stated = self.stated(|one| one.record.stated().cloned(), |_| true);
        self.in_force(|asked| asked.policy.clone(), states, stated)
    }

    /// The destinations in force.
    fn destinations(&self) -> Vec<InForce<BTreeSet<Region>>> {
        let region = self.delete.region;
        let states = |_: &BTreeSet<Region>, one: &Statement| one.destinations.contains(region);
        let stated = self.stated(|one| Some(one.destinations.clone()), |one| !one.has_slip);
        // Where a destination is none nobody knows what was meant, and what was asked for before goes on.
        self.in_force(|asked| (!asked.has_slip).then(|| asked.destinations.clone()), states, stated)
    }

    /// What tags ask for now; what they asked for within the last days, or when the volume became over, and a snapshot was
    /// made under; and what snapshots state.
    fn in_force<T: Clone + PartialEq>(
        &self,
        read: impl Fn(&Asked) -> Option<T>,
        states: impl Fn(&T, &Statement) -> bool,
        stated: Vec<InForce<T>>,
    ) -> Vec<InForce<T>> {
        let (memory, known) = (&self.delete.rules.memory, self.delete.known());
        let mut all = stated;
        let now = memory.since(self.volume, known).into_iter().flat_map(|state| &state.holders);
        all.extend(now.filter_map(|(instance, asked)| {
            Some(InForce { what: read(asked)?, basis: Basis::Now, says: format!("{instance} asks for it") })
        }));
        let ended = self.over_since().filter(|since| self.is_closing(*since));
        let is_made = |tenure: &Tenure<T>| {
            let is_in = |one: &&Statement| tenure.from <= one.time && seconds(tenure.until, one.time) <= UNSEEN_S;
            self.statements.iter().filter(is_in).any(|one| one.is_settled && states(&tenure.what, one))
        };
        // Where a person has deleted what states a policy, nothing remembers that it was asked for.
        let is_known = |tenure: &Tenure<T>| tenure.from <= known && !memory.is_disturbed(self.volume, tenure.from);
        let tenures = memory.tenures(self.volume, &read);
        for tenure in tenures.into_iter().filter(is_known).filter(is_made) {
            let says = format!("{} asked for it until {}", tenure.instance, tenure.until);
            let is_at_end = |end: &Timestamp| tenure.from < *end && *end <= tenure.until;
            if ended.as_ref().is_some_and(is_at_end) {
                all.push(InForce { what: tenure.what.clone(), basis: Basis::Closing, says: says.clone() });
            }
            if tenure.until == Timestamp::MAX || self.is_in_grace(tenure.until) {
                all.push(InForce { what: tenure.what, basis: Basis::Grace, says });
            }
        }
        all.sort_by_key(|one| one.basis);
        all
    }

    /// What the newest snapshot states that states something, and what those do that were it less than 7 days ago. A pending
    /// one states as well, but takes no place.
    fn stated<T: Clone + PartialEq>(
        &self,
        read: impl Fn(&Statement) -> Option<T>,
        ends: impl Fn(&Statement) -> bool,
    ) -> Vec<InForce<T>> {
        if self.delete.rules.memory.is_disturbed(self.volume, self.delete.known()) {
            return Vec::new();
        }
        let all: Vec<_> = self.statements.iter().filter_map(|one| Some((one, read(one)?))).collect();
        let is_lost = |one: &Statement, what: &T| {
            all.iter().any(|(other, of)| other.time > one.time && !other.is_settled && of == what)
        };
        let mut in_force = Vec::new();
        for (one, what) in all.iter().filter(|(one, _)| one.is_settled) {
            let next =
                all.iter().find(|(other, _)| ends(other) && other.takes_place_of(one)).map(|(other, _)| other.time);
            let basis = match next {
                // Where a person took away what stated it last, nothing tells of it any more.
                _ if is_lost(one, what) => continue,
                None => Basis::Now,
                Some(next) if self.is_in_grace(next) => Basis::Grace,
                Some(_) => continue,
            };
            let says = format!("{} states it", one.snapshot);
            in_force.push(InForce { what: what.clone(), basis, says });
        }
        in_force
    }

    /// Whether the history is judged as open.
    fn is_open(&self, destinations: &[InForce<BTreeSet<Region>>], approvals: Approvals) -> bool {
        let is_open = self.over_since().is_none_or(|since| self.is_closing(since) && !approvals.closing);
        is_open && self.is_of_use(destinations, approvals)
    }

    /// Whether its Region is its volume's own, or a destination in force.
    fn is_of_use(&self, destinations: &[InForce<BTreeSet<Region>>], approvals: Approvals) -> bool {
        let region = self.delete.region;
        let is_home = *region == self.home || !self.shown.tags.has("SourceSnapshotId");
        is_home || destinations.iter().any(|one| !approvals.lift(one.basis) && one.what.contains(region))
    }

    /// What keeps it; none where it may go.
    fn kept(
        &self,
        policies: &[InForce<Policy>],
        destinations: &[InForce<BTreeSet<Region>>],
        approvals: Approvals,
        as_open: bool,
    ) -> Option<(&'static str, String)> {
        let is_open = self.is_open(destinations, approvals) || (as_open && self.is_of_use(destinations, approvals));
        let policies: Vec<_> = policies.iter().filter(|one| !approvals.lift(one.basis)).collect();
        let is_split = policies.iter().any(|one| one.what.has_copies());
        let how = How { is_open, is_split, now: self.now() };
        let wanted = |snapshot: &Snapshot, one: &&InForce<Policy>| {
            let why = self.history.wanted(&one.what, snapshot, how)?;
            Some(format!("{why} by {:?} ({:?}: {})", one.what.text(), one.basis, one.says))
        };
        if let Some(words) = policies.iter().find_map(|one| wanted(self.shown, one)) {
            return Some(("S12", words));
        }
        if is_open {
            return self.last_good().map(|words| ("S6", words));
        }
        if self.delete.newer_here(self.shown, |_| true).is_some() {
            return None;
        }
        let region = self.delete.region;
        let here = self.all.iter().filter(|(r, other)| *r == region && other.id != self.shown.id);
        let is_readable =
            |other: &Snapshot| delete_on(&other.tags).is_some() && Record::of(&other.tags) != Record::Unreadable;
        let may_go = |other: &Snapshot| !is_pinned(&other.tags) && is_readable(other);
        let is_there = |other: &Snapshot| self.delete.world.snapshot(region, &other.id).is_some();
        let mut there = here.filter(|(_, other)| may_go(other) && is_there(other));
        let now: Vec<_> = policies.iter().filter(|one| one.basis == Basis::Now).collect();
        let other = there.find(|(_, other)| now.iter().any(|one| wanted(other, one).is_some()))?;
        Some(("S12", format!("it is the last of a closed history in which {} is still wanted", other.1.id)))
    }

    /// Whether it is the last good one of an open history: the newest here, or the newest that needs no restore from the
    /// archive.
    fn last_good(&self) -> Option<String> {
        let (region, volume) = (self.delete.region, self.volume);
        let is_standard = |snapshot: &Snapshot| snapshot.tier == StorageTier::Standard;
        if self.delete.newer_here(self.shown, |_| true).is_none() {
            return Some(format!("it is the last good one of {volume} in {region}"));
        }
        let is_last = is_standard(self.shown) && self.delete.newer_here(self.shown, is_standard).is_none();
        is_last.then(|| format!("it is the last one of {volume} in {region} that is not archived"))
    }

    /// The marks that count, in any Region: none from before the newest data, and none from the future.
    fn marks(&self) -> impl Iterator<Item = Date> {
        let newest = self.all.iter().map(|(_, snapshot)| day(data_time(snapshot))).max();
        let marks = self.all.iter().filter_map(|(_, one)| one.tags.get(CLOSED)?.parse::<Date>().ok());
        let today = day(self.now());
        marks.filter(move |marked| mark_counts(*marked, newest, today))
    }

    /// Of a volume that is over and no longer judged as open a mark must say so, where anything rests on that.
    fn judge_mark(&self, policies: &[InForce<Policy>], destinations: &[InForce<BTreeSet<Region>>], found: &mut Found) {
        let is_closed = self.over_since().is_some_and(|since| !self.is_closing(since));
        if !is_closed {
            return;
        }
        let Some((_, words)) = self.kept(policies, destinations, Approvals::default(), true) else { return };
        let today = day(self.now());
        if self.marks().any(|marked| is_past_closing(marked, today)) {
            return;
        }
        let [_, (approvals, spends)] = self.approved();
        if approvals.closing {
            return found.spends.extend(spends);
        }
        let id = &self.shown.id;
        let words = format!("{id} is deleted as of a closed history, and no mark says since when; else {words}");
        found.add("S12", words);
    }
}
