//! What keeps each snapshot of a lineage: the policies in force by their days and tiers, and what is the last good one.
//!
//! What there is of a volume in one Region is a history, and each is judged by itself: what another Region holds neither
//! makes up for what is missing here nor pushes out what is here. With one exception: at home a moment whose source was moved
//! away takes a place, as long as a completed copy of it is somewhere: else what is left at home would never be pushed out.
//! It is no first where one of its period is here. Where a policy in force has a part of its own for copies, sources and
//! copies are two histories.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::force::{By, InForce};
use super::lineage::Lineage;
use super::policy::Retention;
use super::record::Recorded;
use super::tiers::{Newest, Point, Said, judge};
use crate::ids::{Region, SnapshotId};
use crate::managed::{Due, Managed};

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
    pub(super) fn is_of(&self, policy: &Retention) -> bool {
        match self {
            Keeper::Policy { policy: of, .. } => of == policy,
            Keeper::LastGood | Keeper::NewestData => false,
        }
    }
}

/// One snapshot in the table of its volume.
pub(super) struct Row<'i, 'a> {
    pub(super) snapshot: &'i Managed<'a>,
    pub(super) is_due: bool,
    /// Whether it never goes by itself.
    pub(super) is_fixed: bool,
    pub(super) keepers: Vec<Keeper>,
    /// Whether its own lineage keeps it, and not only those that belong together with its volume.
    pub(super) is_kept_by_own: bool,
    /// Whether something keeps it when the grace periods are over.
    pub(super) stays_without_grace: bool,
    /// Whether something keeps it when the closing days are over.
    pub(super) stays_without_closing: bool,
    pub(super) said: Vec<Said>,
}

impl<'i, 'a> Row<'i, 'a> {
    /// Not judged yet.
    pub(super) fn of(snapshot: &'i Managed<'a>, now: Timestamp) -> Self {
        Row {
            snapshot,
            is_due: snapshot.due(now).is_yes(),
            is_fixed: is_fixed(snapshot, now),
            keepers: Vec::new(),
            is_kept_by_own: false,
            stays_without_grace: false,
            stays_without_closing: false,
            said: Vec::new(),
        }
    }

    /// Whether it is judged at each run: it is due, and not pinned.
    pub(super) fn is_judged(&self) -> bool {
        self.is_due && !self.snapshot.is_pinned()
    }

    /// What keeps it; none where a person let it go.
    pub(super) fn kept_by(&self, released: &BTreeSet<&SnapshotId>) -> Option<&[Keeper]> {
        (!released.contains(self.snapshot.id())).then_some(&self.keepers)
    }
}

/// Whether it never goes by itself: it is pinned, or has no day or no record that can be read.
pub(super) fn is_fixed(snapshot: &Managed<'_>, now: Timestamp) -> bool {
    let is_unreadable = matches!(snapshot.recorded(), Recorded::Unreadable(_));
    snapshot.is_pinned() || is_unreadable || matches!(snapshot.due(now), Due::Never(_))
}

/// Which of the periods that end by themselves count.
#[derive(Debug, Clone, Copy)]
pub(super) struct With {
    grace: bool,
    closing: bool,
}

impl With {
    /// As it is today.
    pub(super) const ALL: Self = Self { grace: true, closing: true };
}

pub(super) fn judge_rows<'r, 'i: 'r, 'a: 'r>(
    lineage: &Lineage<'i, 'a>,
    rows: impl Iterator<Item = &'r mut Row<'i, 'a>>,
) {
    let all = Judged::of(lineage, With::ALL);
    let without_grace = lineage.has_grace().then(|| Judged::of(lineage, With { grace: false, ..With::ALL }));
    let without_closing = lineage.over.is_some().then(|| Judged::of(lineage, With { closing: false, ..With::ALL }));
    for row in rows {
        let (keepers, said) = all.keepers(row.snapshot);
        if row.said.is_empty() {
            row.said = said;
        }
        let stays = |judged: &Option<Judged<'_, 'i, 'a>>| {
            judged.as_ref().map_or(!keepers.is_empty(), |judged| !judged.keepers(row.snapshot).0.is_empty())
        };
        row.stays_without_grace |= stays(&without_grace);
        row.stays_without_closing |= stays(&without_closing);
        row.keepers.extend(keepers);
    }
}

/// A lineage, judged in each Region.
pub(super) struct Judged<'h, 'i, 'a> {
    lineage: &'h Lineage<'i, 'a>,
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
    pub(super) fn of(lineage: &'h Lineage<'i, 'a>, with: With) -> Self {
        let regions: BTreeSet<&'a Region> = lineage.members.iter().map(|one| one.region()).collect();
        let regions = regions.into_iter().map(|region| (region, judgement(lineage, region, with))).collect();
        Self { lineage, regions }
    }

    pub(super) fn keepers(&self, snapshot: &Managed<'a>) -> (Vec<Keeper>, Vec<Said>) {
        let Some(judgement) = self.regions.get(snapshot.region()) else { return (Vec::new(), Vec::new()) };
        let (mut keepers, mut nothing) = (Vec::new(), Vec::new());
        let said = judgement.said.get(snapshot.id());
        for (n, InForce { policy, by }) in judgement.policies.iter().enumerate() {
            let mut keep = |wanted| keepers.push(Keeper::Policy { policy: policy.clone(), by: by.clone(), wanted });
            let days = policy.keep(snapshot.is_copy()).days;
            if is_kept_by_days(snapshot, days, self.lineage.now) {
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
        let newest = self.lineage.members.last().map(|one| one.taken());
        if self.lineage.over.is_none() && Some(snapshot.taken()) == newest {
            keepers.push(Keeper::NewestData);
        }
        (keepers, nothing)
    }
}

/// What was promised as a day by a person, or without a record, is not made longer by a policy's days.
fn is_kept_by_days(snapshot: &Managed<'_>, days: u32, now: Timestamp) -> bool {
    matches!(snapshot.recorded(), Recorded::Is(_)) && !snapshot.is_moved() && snapshot.age_days(now) < i64::from(days)
}

fn judgement(lineage: &Lineage<'_, '_>, region: &Region, with: With) -> Judgement {
    let policies = lineage.policies(with.grace, lineage.is_left() && !is_past(lineage, region, with));
    let is_open = is_open(lineage, region, with);
    let is_split = policies.iter().any(|one| one.policy.copies.is_some());
    let mut judgement = Judgement { policies, is_open, said: BTreeMap::new(), last_good: BTreeSet::new() };
    for is_copy in [false, true] {
        if is_copy && !is_split {
            break;
        }
        let is_of_it = |one: &&Managed<'_>| one.region() == region && (!is_split || one.is_copy() == is_copy);
        let all: Vec<_> = lineage.members.iter().copied().filter(is_of_it).collect();
        let points = points(lineage, region, &all, is_copy);
        judgement.add(lineage, &all, &points);
        // At home no newer copies come: the newest snapshot of any kind is as good.
        let is_any = is_copy && lineage.homes.contains(region);
        judgement.add_last(lineage.members.iter().filter(|one| is_of_it(one) || (is_any && one.region() == region)));
    }
    judgement
}

/// Whether the closing days of a volume that is over have passed in `region`.
fn is_past(lineage: &Lineage<'_, '_>, region: &Region, with: With) -> bool {
    lineage.over.is_some() && (!with.closing || lineage.is_past_closing(region))
}

/// Whether new snapshots of the volume come to `region`, or came until lately.
pub(super) fn is_open(lineage: &Lineage<'_, '_>, region: &Region, with: With) -> bool {
    match lineage.over {
        Some(_) => !is_past(lineage, region, with),
        None => {
            let destinations = lineage.destinations(with.grace, lineage.is_left());
            lineage.homes.contains(region) || destinations.contains(region)
        }
    }
}

impl Judgement {
    fn add(&mut self, lineage: &Lineage<'_, '_>, all: &[&Managed<'_>], points: &[Point]) {
        let newest = if self.is_open { Newest::WithSnapshot } else { Newest::OfCalendar(lineage.now) };
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
    }

    /// The last good ones of a history.
    fn add_last<'m, 'a: 'm>(&mut self, all: impl Iterator<Item = &'m &'m Managed<'a>> + Clone) {
        let last = all.clone().max_by_key(|one| (one.taken(), one.id()));
        let at_hand = all.filter(|one| one.is_at_hand()).max_by_key(|one| (one.taken(), one.id()));
        self.last_good.extend(last.into_iter().chain(at_hand).map(|one| one.id().clone()));
    }
}

/// The moments of a history, in order of time. At home, those whose source was moved away and of which a copy is there, too.
fn points(lineage: &Lineage<'_, '_>, region: &Region, all: &[&Managed<'_>], is_of_copies: bool) -> Vec<Point> {
    let mut moments: BTreeMap<&SnapshotId, BTreeMap<Timestamp, Point>> = BTreeMap::new();
    let is_home = !is_of_copies && lineage.homes.contains(region);
    let here: BTreeSet<&SnapshotId> = all.iter().map(|one| one.id()).collect();
    let is_moved_away =
        |one: &&&Managed<'_>| one.home() == Some(region) && one.source().is_some_and(|source| !here.contains(source));
    let elsewhere = lineage.members.iter().filter(is_moved_away).filter(|one| is_home && one.region() != region);
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
