//! What retention says of each snapshot of a volume: what keeps it, or that it goes. One table per volume.
//!
//! A history is what there is of a volume in one Region. Each is judged by itself: what another Region holds neither makes
//! up for what is missing here nor pushes out what is here. With one exception: at home a moment whose source was moved
//! away takes a place, as long as a completed copy of it is somewhere: else what is left at home would never be pushed out.
//! It is no first where one of its period is here. Where a policy in force has a part of its own for copies, sources and
//! copies are two histories.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::force::{By, InForce};
pub(crate) use super::history::Account;
use super::history::History;
use super::policy::Retention;
use super::record::Recorded;
use super::tiers::{Newest, Point, Said, Verdict as TierVerdict, judge};
use crate::decision::{CopyRef, Evidence, Over, Unread};
use crate::ids::{InstanceId, Region, SnapshotId, VolumeId};
use crate::inventory::day_of;
use crate::managed::{Due, Managed};
use crate::policy::Selection;
use crate::tags::TagValue;

/// What a policy wants of a snapshot whose `DeleteOn` has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// It is younger than the policy's days.
    Days(u32),
    /// A tier wants it.
    Tier(Said),
}

/// What keeps a snapshot whose `DeleteOn` has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// A policy in force.
    Policy { policy: Retention, by: By, wanted: Wanted },
    /// It is the newest of an open history, or the newest of it in the standard tier.
    LastGood,
    /// It has the newest data of a volume that is not over.
    NewestData,
}

impl Keeper {
    fn is_of(&self, policy: &Retention) -> bool {
        match self {
            Keeper::Policy { policy: of, .. } => of == policy,
            Keeper::LastGood | Keeper::NewestData => false,
        }
    }
}

/// What retention says of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its day has not come, or it never goes: `KeepForever`, no readable `DeleteOn`, a record that cannot be read.
    OfItself,
    /// Nothing of the volume goes while these were not read.
    Unread(Vec<Unread>),
    /// Nothing of the volume goes while this tag of this instance cannot be read.
    Mistyped(InstanceId, &'static str),
    /// It stays.
    Kept(Keeper),
    /// Only the grace period keeps it, until this day.
    Grace(Keeper, Date),
    /// Only the closing days keep it, until this day.
    Closing(Keeper, Date),
    /// It dates a policy.
    Evidence(Evidence),
    /// Nothing keeps it.
    Goes,
}

/// One snapshot in the table of its volume.
struct Row<'i, 'a> {
    snapshot: &'i Managed<'a>,
    is_due: bool,
    /// Whether it never goes by itself.
    is_fixed: bool,
    keepers: Vec<Keeper>,
    without_grace: Vec<Keeper>,
    without_closing: Vec<Keeper>,
    said: Vec<Said>,
}

/// What a person let go, and who asks whether a snapshot stays for another reason than retention.
pub(crate) struct Settling<'s> {
    pub(crate) released: &'s BTreeSet<&'s SnapshotId>,
    pub(crate) is_guarded: Box<dyn Fn(&Managed<'_>) -> bool + 's>,
}

/// All that retention says of one volume.
pub(crate) struct Table<'i, 'a> {
    histories: Vec<History<'i, 'a>>,
    /// In order of the time of their data.
    rows: Vec<Row<'i, 'a>>,
}

impl<'i, 'a> Table<'i, 'a> {
    /// Judges what is due.
    pub(crate) fn of(account: &'i Account<'i, 'a>, volume: &VolumeId) -> Self {
        Self::judged(account, volume, |row| row.is_due && !row.snapshot.is_pinned())
    }

    /// Judges all, to show what keeps it beside its own days.
    pub(crate) fn of_all(account: &'i Account<'i, 'a>, volume: &VolumeId) -> Self {
        Self::judged(account, volume, |_| true)
    }

    fn judged(account: &'i Account<'i, 'a>, volume: &VolumeId, is_asked: fn(&Row<'i, 'a>) -> bool) -> Self {
        let histories = account.histories(volume);
        let own = &histories[0];
        let mut rows: Vec<_> = own.members.iter().map(|snapshot| row(snapshot, own.now)).collect();
        if rows.iter().any(is_asked) {
            for history in &histories {
                judge_rows(history, rows.iter_mut().filter(|row| is_asked(row)));
            }
        }
        Self { histories, rows }
    }

    /// What keeps each of all, whether it is due or not.
    pub(crate) fn all_keepers(&self) -> Vec<(&'i Managed<'a>, Verdict, Vec<Keeper>)> {
        let none = BTreeSet::new();
        let settling = Settling { released: &none, is_guarded: Box::new(|_| false) };
        let settled = self.settle(&settling).into_iter().zip(&self.rows);
        settled.map(|((one, verdict, _), row)| (one, verdict, row.keepers.clone())).collect()
    }

    fn own(&self) -> &History<'i, 'a> {
        &self.histories[0]
    }

    /// Whether the volume is over; none too where that is not known.
    pub(crate) fn over(&self) -> Option<Over> {
        if self.is_all_read() { self.own().over } else { None }
    }

    /// Whether the volume is known not to be over.
    pub(crate) fn is_living(&self) -> bool {
        self.own().over.is_none() && self.is_all_read()
    }

    /// Whether all was read that tells whether the volume is over.
    fn is_all_read(&self) -> bool {
        // What a record says tells what a snapshot is kept for, and not whether the volume is over.
        self.unread().all(|unread| matches!(unread, Unread::Record(_) | Unread::Mistyped(_)))
    }

    /// What would have to be read before anything of the volume goes.
    pub(crate) fn unread(&self) -> impl Iterator<Item = &Unread> {
        self.histories.iter().flat_map(|history| &history.unread)
    }

    /// The day of the mark that counts in `region`.
    pub(crate) fn closed_since(&self, region: &Region) -> Option<Date> {
        self.own().closed_since(region)
    }

    /// The day on which what there is in `region` of a volume that is over is not judged as open any more.
    pub(crate) fn closes_on(&self, region: &Region) -> Date {
        self.own().closes_on(region)
    }

    /// Whether the history in `region` is judged as open.
    pub(crate) fn is_open(&self, region: &Region) -> bool {
        is_open(self.own(), region, With { grace: true, closing: true })
    }

    /// The newest completed one in `region`: it carries the mark.
    pub(crate) fn newest_in(&self, region: &Region) -> Option<&'i Managed<'a>> {
        self.own().members.iter().rev().find(|one| one.region() == region).copied()
    }

    /// One that has the newest data of all.
    pub(crate) fn newest(&self) -> Option<&'i Managed<'a>> {
        self.own().members.last().copied()
    }

    /// The instances whose tags of retention cannot be read, and so hold everything, each with the tag's key.
    pub(crate) fn mistyped(&self) -> impl Iterator<Item = (&InstanceId, &'static str)> {
        self.histories.iter().flat_map(History::mistyped)
    }

    /// Whether an instance that is backed up has the volume.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.own().holders().any(|asking| asking.selection == Selection::Selected)
    }

    /// The instance that an approval of what the grace period keeps names.
    pub(crate) fn instance(&self) -> Option<&InstanceId> {
        self.newest().and_then(|newest| newest.instance())
    }

    /// What is said of each snapshot, oldest first, with what the tiers say of it.
    pub(crate) fn settle(&self, settling: &Settling<'_>) -> Vec<(&'i Managed<'a>, Verdict, &[Said])> {
        let evidence = EvidenceOf::of(&self.histories);
        let mut needed = BTreeMap::new();
        loop {
            let settled = self.settle_once(settling, &evidence, &needed);
            let more = self.needed(settling, &evidence, &settled);
            if more.is_empty() {
                return settled;
            }
            needed.extend(more);
        }
    }

    /// What goes though one that stays needs it, which was not known when it was looked at: it records the policy that wants
    /// that one, which a person let go and something else holds; or it carries the mark of a history that goes on.
    fn needed(
        &self,
        settling: &Settling<'_>,
        evidence: &EvidenceOf<'_, 'i, 'a>,
        settled: &[(&'i Managed<'a>, Verdict, &[Said])],
    ) -> BTreeMap<(&'a Region, &'i SnapshotId), Evidence> {
        let goes = |one: &Managed<'_>, verdict: &Verdict| *verdict == Verdict::Goes && !(settling.is_guarded)(one);
        let stays = || self.rows.iter().zip(settled).filter(|(_, (one, verdict, _))| !goes(one, verdict));
        let is_memory = |one: &Managed<'_>| {
            let keeps = |policy: &Retention| {
                let others = stays().filter(|(row, _)| row.is_due && row.snapshot.moment() != one.moment());
                others.flat_map(|(row, _)| &row.keepers).any(|keeper| keeper.is_of(policy))
            };
            evidence.newest.iter().any(|(policy, moment)| *moment == one.moment() && keeps(policy))
        };
        // What never goes by itself waits for no mark.
        let is_mark = |one: &Managed<'_>| {
            let is_other = |row: &Row<'_, '_>| row.snapshot.region() == one.region() && row.snapshot.id() != one.id();
            self.own().over.is_some()
                && matches!(one.closed(), TagValue::Is(_))
                && stays().any(|(row, _)| !row.is_fixed && is_other(row))
        };
        let need = |one: &'i Managed<'a>| {
            let of_policy = is_memory(one).then_some(Evidence::OfPolicy);
            Some(((one.region(), one.id()), of_policy.or_else(|| is_mark(one).then_some(Evidence::OfClosing))?))
        };
        settled.iter().filter(|(one, verdict, _)| goes(one, verdict)).filter_map(|(one, ..)| need(one)).collect()
    }

    fn settle_once(
        &self,
        settling: &Settling<'_>,
        evidence: &EvidenceOf<'_, 'i, 'a>,
        needed: &BTreeMap<(&Region, &SnapshotId), Evidence>,
    ) -> Vec<(&'i Managed<'a>, Verdict, &[Said])> {
        let own = self.own();
        let mistyped = self.mistyped().next();
        let unread: BTreeSet<_> = self.unread().cloned().collect();
        let mut settled: Vec<(&'i Managed<'a>, Verdict, &[Said])> = Vec::new();
        // Older ones that stay, in any Region; what never goes by itself needs nothing else to stay.
        let mut staying: Vec<Older<'i, 'a>> = Vec::new();
        for row in &self.rows {
            let verdict = if row.is_fixed || !row.is_due {
                Verdict::OfItself
            } else if !unread.is_empty() {
                Verdict::Unread(unread.iter().cloned().collect())
            } else if let Some((instance, key)) = mistyped {
                Verdict::Mistyped(instance.clone(), key)
            } else {
                let of_need =
                    || needed.get(&(row.snapshot.region(), row.snapshot.id())).cloned().map(Verdict::Evidence);
                self.verdict(row, settling)
                    .or_else(of_need)
                    .or_else(|| evidence.verdict(row.snapshot, own, &self.rows, &staying, settling))
                    .unwrap_or(Verdict::Goes)
            };
            let goes = verdict == Verdict::Goes && !(settling.is_guarded)(row.snapshot);
            let is_released = settling.released.contains(row.snapshot.id());
            if !row.is_fixed && (is_released || !goes) {
                staying.push(Older { snapshot: row.snapshot, goes });
            }
            settled.push((row.snapshot, verdict, &row.said));
        }
        settled
    }

    fn verdict(&self, row: &Row<'i, 'a>, settling: &Settling<'_>) -> Option<Verdict> {
        let keepers = row.kept_by(settling)?;
        let first = keepers.first()?.clone();
        if row.without_grace.is_empty() {
            let until = keepers.iter().filter_map(|keeper| self.grace_until(keeper, row.snapshot.region())).max();
            return Some(until.map_or(Verdict::Kept(first.clone()), |until| Verdict::Grace(first, until)));
        }
        if row.without_closing.is_empty() {
            let region = row.snapshot.region();
            let over = self.histories.iter().filter(|history| history.over.is_some());
            let until = over.map(|history| history.closes_on(region)).max();
            return Some(Verdict::Closing(first, until.unwrap_or(Date::MAX)));
        }
        Some(Verdict::Kept(first))
    }

    /// The day on which the grace period ends that a keeper rests on, in `region`.
    fn grace_until(&self, keeper: &Keeper, region: &Region) -> Option<Date> {
        let of_region = || self.histories.iter().filter_map(|history| history.destination_until(region)).max();
        match keeper {
            Keeper::Policy { by: By::Grace { until, .. }, .. } => {
                Some(of_region().map_or(*until, |day| day.max(*until)))
            }
            Keeper::Policy { by: By::Detached(_) | By::Named(_), .. } => {
                let all = self.histories.iter().filter_map(History::left_until).map(day_of);
                all.chain(of_region()).max()
            }
            // Its Region counts as open, since it was a destination.
            Keeper::Policy { .. } | Keeper::LastGood | Keeper::NewestData => of_region(),
        }
    }

    /// One that holds the newest data of the volume, other than `snapshot`.
    pub(crate) fn holder_of_newest(&self, snapshot: &Managed<'_>) -> Option<CopyRef> {
        let newest = self.newest()?.taken();
        let mut all = self.own().members.iter().rev().take_while(|one| one.taken() == newest);
        all.find(|one| one.id() != snapshot.id()).map(|one| CopyRef::of(one.region(), one.id()))
    }

    /// A completed one of the moment that `first` names, in `region` where there is one there.
    pub(crate) fn holder_of(&self, first: &SnapshotId, region: &Region) -> Option<CopyRef> {
        let all = || self.histories.iter().flat_map(|history| &history.members);
        let moment = all().find(|one| one.id() == first)?.moment();
        let mut of_it = all().filter(|one| one.moment() == moment);
        let here = of_it.clone().find(|one| one.region() == region);
        here.or_else(|| of_it.next()).map(|one| CopyRef::of(one.region(), one.id()))
    }
}

impl Row<'_, '_> {
    /// What keeps it; none where a person let it go.
    fn kept_by(&self, settling: &Settling<'_>) -> Option<&[Keeper]> {
        (!settling.released.contains(self.snapshot.id())).then_some(&self.keepers)
    }
}

fn row<'i, 'a>(snapshot: &'i Managed<'a>, now: Timestamp) -> Row<'i, 'a> {
    let due = snapshot.due(now);
    let is_fixed =
        snapshot.is_pinned() || matches!(due, Due::Never(_)) || matches!(snapshot.recorded(), Recorded::Unreadable(_));
    let none = || Vec::new();
    Row {
        snapshot,
        is_due: due.is_yes(),
        is_fixed,
        keepers: none(),
        without_grace: none(),
        without_closing: none(),
        said: Vec::new(),
    }
}

/// Which of the periods that end by themselves count.
#[derive(Debug, Clone, Copy)]
struct With {
    grace: bool,
    closing: bool,
}

fn judge_rows<'r, 'i: 'r, 'a: 'r>(history: &History<'i, 'a>, rows: impl Iterator<Item = &'r mut Row<'i, 'a>>) {
    let all = Judged::of(history, With { grace: true, closing: true });
    let without_grace = history.has_grace().then(|| Judged::of(history, With { grace: false, closing: true }));
    let without_closing = history.over.is_some().then(|| Judged::of(history, With { grace: true, closing: false }));
    for row in rows {
        let (keepers, said) = all.keepers(row.snapshot);
        if row.said.is_empty() {
            row.said = said;
        }
        let without = |judged: &Option<Judged<'_, 'i, 'a>>| {
            judged.as_ref().map_or_else(|| keepers.clone(), |judged| judged.keepers(row.snapshot).0)
        };
        row.without_closing.extend(without(&without_closing));
        row.without_grace.extend(without(&without_grace));
        row.keepers.extend(keepers);
    }
}

/// The histories of a volume in all Regions, judged.
struct Judged<'h, 'i, 'a> {
    history: &'h History<'i, 'a>,
    regions: BTreeMap<&'a Region, Judgement>,
}

/// The judgement over what there is in one Region.
struct Judgement {
    policies: Vec<InForce>,
    is_open: bool,
    /// What the tiers of each policy say, in the order of the policies.
    said: BTreeMap<SnapshotId, Vec<Vec<Said>>>,
    /// The newest, and the newest in the standard tier, of each history.
    last_good: BTreeSet<SnapshotId>,
}

impl<'h, 'i, 'a> Judged<'h, 'i, 'a> {
    fn of(history: &'h History<'i, 'a>, with: With) -> Self {
        let regions: BTreeSet<&'a Region> = history.members.iter().map(|one| one.region()).collect();
        let regions = regions.into_iter().map(|region| (region, judgement(history, region, with))).collect();
        Self { history, regions }
    }

    fn keepers(&self, snapshot: &Managed<'a>) -> (Vec<Keeper>, Vec<Said>) {
        let Some(judgement) = self.regions.get(snapshot.region()) else { return (Vec::new(), Vec::new()) };
        let (mut keepers, mut nothing) = (Vec::new(), Vec::new());
        let said = judgement.said.get(snapshot.id());
        for (n, InForce { policy, by }) in judgement.policies.iter().enumerate() {
            let mut keep = |wanted| keepers.push(Keeper::Policy { policy: policy.clone(), by: by.clone(), wanted });
            let days = policy.keep(snapshot.is_copy()).days;
            if is_kept_by_days(snapshot, days, self.history.now) {
                keep(Wanted::Days(days));
            }
            for said in said.and_then(|said| said.get(n)).into_iter().flatten() {
                if said.wants() {
                    keep(Wanted::Tier(said.clone()));
                } else if !nothing.contains(said) {
                    nothing.push(said.clone());
                }
            }
        }
        if judgement.is_open && judgement.last_good.contains(snapshot.id()) {
            keepers.push(Keeper::LastGood);
        }
        let newest = self.history.members.last().map(|one| one.taken());
        if self.history.over.is_none() && Some(snapshot.taken()) == newest {
            keepers.push(Keeper::NewestData);
        }
        (keepers, nothing)
    }
}

/// What was promised as a day by a person, or without a record, is not made longer by a policy's days.
fn is_kept_by_days(snapshot: &Managed<'_>, days: u32, now: Timestamp) -> bool {
    matches!(snapshot.recorded(), Recorded::Is(_)) && !snapshot.is_moved() && snapshot.age_days(now) < i64::from(days)
}

fn judgement(history: &History<'_, '_>, region: &Region, with: With) -> Judgement {
    let policies = history.policies(with.grace, history.is_left() && !is_past(history, region, with));
    let is_open = is_open(history, region, with);
    let is_split = policies.iter().any(|one| one.policy.copies.is_some());
    let mut judgement = Judgement { policies, is_open, said: BTreeMap::new(), last_good: BTreeSet::new() };
    for is_copy in [false, true] {
        if is_copy && !is_split {
            break;
        }
        let is_of_it = |one: &&Managed<'_>| one.region() == region && (!is_split || one.is_copy() == is_copy);
        let all: Vec<_> = history.members.iter().copied().filter(is_of_it).collect();
        let points = points(history, region, &all, is_copy);
        judgement.add(history, &all, &points);
    }
    judgement
}

/// Whether the closing days of a volume that is over have passed in `region`.
fn is_past(history: &History<'_, '_>, region: &Region, with: With) -> bool {
    history.over.is_some() && (!with.closing || history.is_past_closing(region))
}

/// Whether new snapshots of the volume come to `region`, or came until lately.
fn is_open(history: &History<'_, '_>, region: &Region, with: With) -> bool {
    match history.over {
        Some(_) => !is_past(history, region, with),
        None => {
            let destinations = history.destinations(with.grace, history.is_left());
            history.homes.contains(region) || destinations.contains(region)
        }
    }
}

impl Judgement {
    fn add(&mut self, history: &History<'_, '_>, all: &[&Managed<'_>], points: &[Point]) {
        let newest = if self.is_open { Newest::WithSnapshot } else { Newest::OfCalendar(history.now) };
        let place: BTreeMap<&SnapshotId, usize> =
            points.iter().enumerate().flat_map(|(n, point)| point.of_it.iter().map(move |id| (id, n))).collect();
        for is_copy in [false, true] {
            let of_kind: Vec<_> = all.iter().filter(|one| one.is_copy() == is_copy).collect();
            if of_kind.is_empty() {
                continue;
            }
            for InForce { policy, .. } in &self.policies {
                let said = judge(policy.keep(is_copy).tiers, &policy.zone, points, newest);
                for one in &of_kind {
                    let of_it = place.get(one.id()).and_then(|n| said.get(*n)).cloned().unwrap_or_default();
                    self.said.entry(one.id().clone()).or_default().push(of_it);
                }
            }
        }
        let last = all.iter().max_by_key(|one| (one.taken(), one.id()));
        let at_hand = all.iter().filter(|one| one.is_at_hand()).max_by_key(|one| (one.taken(), one.id()));
        self.last_good.extend(last.into_iter().chain(at_hand).map(|one| one.id().clone()));
    }
}

/// The moments of a history, in order of time. At home, those whose source was moved away and of which a copy is there, too.
fn points(history: &History<'_, '_>, region: &Region, all: &[&Managed<'_>], is_of_copies: bool) -> Vec<Point> {
    let mut moments: BTreeMap<&SnapshotId, BTreeMap<Timestamp, Point>> = BTreeMap::new();
    let is_home = !is_of_copies && history.homes.contains(region);
    let here: BTreeSet<&SnapshotId> = all.iter().map(|one| one.id()).collect();
    let is_moved_away =
        |one: &&&Managed<'_>| one.home() == Some(region) && one.source().is_some_and(|source| !here.contains(source));
    let elsewhere = history.members.iter().filter(is_moved_away).filter(|one| is_home && one.region() != region);
    let mut ordered: Vec<_> = all.iter().map(|one| (*one, true)).chain(elsewhere.map(|one| (*one, false))).collect();
    ordered.sort_by_key(|(one, _)| (one.taken(), one.is_copy(), one.id()));
    for (one, is_here) in ordered {
        let times = moments.entry(one.moment()).or_default();
        // Oldest first. A copy that has lost the time of its data is no point of its own; one whose time was changed is
        // judged by it, and so is the other one of that moment by the true one.
        let known = times.first_key_value().map(|(time, _)| *time).filter(|_| !one.has_time());
        let point = times.entry(known.unwrap_or(one.taken())).or_insert_with(|| Point {
            time: one.taken(),
            snapshot: one.id().clone(),
            of_it: Vec::new(),
        });
        if is_here {
            point.of_it.push(one.id().clone());
        }
    }
    let named = |times: BTreeMap<Timestamp, Point>| {
        let name = times.first_key_value().map(|(_, point)| point.snapshot.clone());
        times.into_values().map(move |point| Point { snapshot: name.clone().unwrap_or(point.snapshot), ..point })
    };
    let mut points: Vec<_> = moments.into_values().flat_map(named).collect();
    points.sort_by(|a, b| (a.time, &a.snapshot).cmp(&(b.time, &b.snapshot)));
    points
}

/// An older one that stays, or that only a person let go: an approval lets go what it names, and nothing that rests on that.
struct Older<'i, 'a> {
    snapshot: &'i Managed<'a>,
    goes: bool,
}

/// What stays because times are counted from it.
struct EvidenceOf<'h, 'i, 'a> {
    histories: &'h [History<'i, 'a>],
    grace: BTreeMap<&'h SnapshotId, Date>,
    newest: Vec<(&'h Retention, &'h SnapshotId)>,
    changes: BTreeMap<&'h SnapshotId, Timestamp>,
}

impl<'h, 'i, 'a> EvidenceOf<'h, 'i, 'a> {
    fn of(histories: &'h [History<'i, 'a>]) -> Self {
        let mut grace: BTreeMap<&SnapshotId, Date> = BTreeMap::new();
        let mut changes = BTreeMap::new();
        for history in histories {
            for (moment, until) in history.grace_moments() {
                let latest = grace.entry(moment).or_insert(until);
                *latest = until.max(*latest);
            }
            changes.extend(history.changes().map(|(taken, moment)| (moment, taken)));
        }
        Self { histories, grace, newest: histories.iter().flat_map(History::newest_moments).collect(), changes }
    }

    fn verdict(
        &self,
        snapshot: &Managed<'a>,
        history: &History<'i, 'a>,
        rows: &[Row<'i, 'a>],
        staying: &[Older<'_, '_>],
        settling: &Settling<'_>,
    ) -> Option<Verdict> {
        let moment = snapshot.moment();
        if let Some(until) = self.grace.get(moment) {
            return Some(Verdict::Evidence(Evidence::OfGrace { until: *until }));
        }
        let keeps_another = |policy: &Retention| {
            let keeps = |keeper: &Keeper| keeper.is_of(policy);
            // What never goes by itself needs no policy.
            let others = || rows.iter().filter(|row| row.snapshot.moment() != moment && !row.is_fixed);
            others().filter_map(|row| row.kept_by(settling)).flatten().any(&keeps)
                || self.histories.iter().any(|history| {
                    let judged = Judged::of(history, With { grace: true, closing: true });
                    others().filter(|row| !row.is_due).any(|row| judged.keepers(row.snapshot).0.iter().any(&keeps))
                })
        };
        if self.newest.iter().any(|(policy, of)| *of == moment && keeps_another(policy)) {
            return Some(Verdict::Evidence(Evidence::OfPolicy));
        }
        let is_older_there = |taken: Timestamp| staying.iter().any(|one| one.snapshot.taken() < taken);
        if self.changes.get(moment).is_some_and(|taken| is_older_there(*taken)) {
            return Some(Verdict::Evidence(Evidence::OfChange));
        }
        // The newest of a closed history goes last: it carries the mark, and without it the next run would mark another.
        let mut here = history.members.iter().filter(|one| one.region() == snapshot.region());
        let is_newest = here.next_back().is_some_and(|one| one.id() == snapshot.id());
        let is_last = is_newest || matches!(snapshot.closed(), TagValue::Is(_));
        // A person who let it go let go what they read together with it.
        let is_released = settling.released.contains(snapshot.id());
        let mut older = staying.iter().filter(|one| one.snapshot.region() == snapshot.region());
        let is_older_here = older.any(|one| !(is_released && one.goes));
        (is_last && is_older_here).then_some(Verdict::Evidence(Evidence::OfClosing))
    }
}

/// Of the tiers that want nothing: the firsts of their periods.
pub(crate) fn firsts(said: &[Said]) -> BTreeSet<SnapshotId> {
    let first = |said: &Said| match &said.verdict {
        TierVerdict::NotFirst(first) => Some(first.clone()),
        TierVerdict::Wants | TierVerdict::Past => None,
    };
    said.iter().filter_map(first).collect()
}
