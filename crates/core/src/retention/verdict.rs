//! What retention says of each snapshot of a volume: what keeps it, or that it goes. One table per volume.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::account::Account;
use super::evidence::{EvidenceOf, Older};
use super::force::By;
use super::judgement::{Keeper, Row, With, is_open, judge_rows};
use super::lineage::Lineage;
use super::policy::Retention;
use super::tiers::{Said, TierVerdict};
use crate::decision::{CopyRef, Evidence, Over, Unread};
use crate::ids::{InstanceId, Region, SnapshotId, VolumeId};
use crate::inventory::day_of;
use crate::managed::Managed;
use crate::policy::Selection;
use crate::tags::TagValue;

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
    /// Others need it.
    Evidence(Evidence),
    /// Nothing keeps it.
    Goes,
}

/// What a person let go, and whether a snapshot stays for another reason than retention.
pub(crate) struct Settling<'s> {
    pub(crate) released: &'s BTreeSet<&'s SnapshotId>,
    pub(crate) is_guarded: Box<dyn Fn(&Managed<'_>) -> bool + 's>,
}

/// All that retention says of one volume.
pub(crate) struct Table<'i, 'a> {
    lineages: Vec<Lineage<'i, 'a>>,
    /// In order of the time of their data.
    rows: Vec<Row<'i, 'a>>,
}

impl<'i, 'a> Table<'i, 'a> {
    /// Judges what is due.
    pub(crate) fn of(account: &'i Account<'i, 'a>, volume: &VolumeId) -> Self {
        Self::judged(account, volume, Row::is_judged)
    }

    /// Judges all, to show what keeps it beside its own days.
    pub(crate) fn of_all(account: &'i Account<'i, 'a>, volume: &VolumeId) -> Self {
        Self::judged(account, volume, |_| true)
    }

    fn judged(account: &'i Account<'i, 'a>, volume: &VolumeId, is_asked: fn(&Row<'i, 'a>) -> bool) -> Self {
        let lineages = account.lineages(volume);
        let own = &lineages[0];
        let mut rows: Vec<_> = own.members.iter().map(|snapshot| Row::of(snapshot, own.now)).collect();
        if rows.iter().any(is_asked) {
            for (n, lineage) in lineages.iter().enumerate() {
                judge_rows(lineage, rows.iter_mut().filter(|row| is_asked(row)));
                rows.iter_mut().filter(|_| n == 0).for_each(|row| row.is_kept_by_own = !row.keepers.is_empty());
            }
        }
        Self { lineages, rows }
    }

    /// What keeps each of all, whether it is due or not.
    pub(crate) fn all_keepers(&self) -> Vec<(&'i Managed<'a>, Verdict, Vec<Keeper>)> {
        let none = BTreeSet::new();
        let settling = Settling { released: &none, is_guarded: Box::new(|_| false) };
        let settled = self.settle(&settling).into_iter().zip(&self.rows);
        settled.map(|((one, verdict, _), row)| (one, verdict, row.keepers.clone())).collect()
    }

    fn own(&self) -> &Lineage<'i, 'a> {
        &self.lineages[0]
    }

    /// Whether the volume is over; none too where that is not known.
    pub(crate) fn over(&self) -> Option<Over> {
        if self.is_all_read() { self.own().over } else { None }
    }

    /// Whether the volume is known not to be over.
    pub(crate) fn is_living(&self) -> bool {
        self.own().over.is_none() && self.is_all_read()
    }

    /// The volume whose tag joins this one, which is over, to one that is not, where that alone keeps a snapshot.
    pub(crate) fn joined_by(&self, snapshot: &Managed<'_>) -> Option<&VolumeId> {
        self.own().over?;
        let joined = self.lineages.iter().skip(1).find(|joined| joined.over.is_none())?;
        let row = self.rows.iter().find(|row| row.snapshot.id() == snapshot.id())?;
        let is_kept_by_joined = !row.is_kept_by_own && !row.keepers.is_empty();
        joined.carrier().filter(|_| is_kept_by_joined)
    }

    /// Whether all was read that tells whether the volume is over.
    fn is_all_read(&self) -> bool {
        // What a record says tells what a snapshot is kept for, and not whether the volume is over.
        self.unread().all(|unread| matches!(unread, Unread::Record(_) | Unread::Mistyped(_)))
    }

    /// What would have to be read before anything of the volume goes.
    pub(crate) fn unread(&self) -> impl Iterator<Item = &Unread> {
        self.lineages.iter().flat_map(|lineage| &lineage.unread)
    }

    /// The day of the mark that counts in `region`.
    pub(crate) fn closed_since(&self, region: &Region) -> Option<Date> {
        self.own().closed_since(region)
    }

    /// The day from which the closing days in `region` count: of the last of those that belong together and are over.
    pub(crate) fn closing_since(&self, region: &Region) -> Option<Date> {
        let over = self.lineages.iter().filter(|lineage| lineage.over.is_some());
        let days: Option<Vec<Date>> = over.map(|lineage| lineage.closed_since(region)).collect();
        days?.into_iter().max()
    }

    /// The day on which what there is in `region` of a volume that is over is not judged as open any more.
    pub(crate) fn closes_on(&self, region: &Region) -> Date {
        self.own().closes_on(region)
    }

    /// Whether the history in `region` is judged as open.
    pub(crate) fn is_open(&self, region: &Region) -> bool {
        is_open(self.own(), region, With::ALL)
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
        self.lineages.iter().flat_map(Lineage::mistyped)
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
        let evidence = EvidenceOf::new(&self.lineages);
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

    /// What goes though something that stays needs it. The oldest is looked at first, so what stays of the newer ones was not
    /// known. It records the policy that keeps one that a person let go and something else holds; or it has the mark, and
    /// others of its history stay.
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
            evidence.newest().any(|(policy, moment)| *moment == one.moment() && keeps(policy))
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
        // In any Region; what never goes by itself needs nothing else to stay.
        let mut older: Vec<Older<'i, 'a>> = Vec::new();
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
                    .or_else(|| {
                        evidence.of(row.snapshot, own, &self.rows, &older, settling.released).map(Verdict::Evidence)
                    })
                    .unwrap_or(Verdict::Goes)
            };
            let goes = verdict == Verdict::Goes && !(settling.is_guarded)(row.snapshot);
            let is_released = settling.released.contains(row.snapshot.id());
            if !row.is_fixed && (is_released || !goes) {
                older.push(Older { snapshot: row.snapshot, goes });
            }
            settled.push((row.snapshot, verdict, &row.said));
        }
        settled
    }

    fn verdict(&self, row: &Row<'i, 'a>, settling: &Settling<'_>) -> Option<Verdict> {
        let keepers = row.kept_by(settling.released)?;
        let first = keepers.first()?.clone();
        if !row.stays_without_grace {
            let until = keepers.iter().filter_map(|keeper| self.grace_until(keeper, row.snapshot.region())).max();
            return Some(until.map_or(Verdict::Kept(first.clone()), |until| Verdict::Grace(first, until)));
        }
        if !row.stays_without_closing {
            let region = row.snapshot.region();
            let over = self.lineages.iter().filter(|lineage| lineage.over.is_some());
            let until = over.map(|lineage| lineage.closes_on(region)).max();
            return Some(Verdict::Closing(first, until.unwrap_or(Date::MAX)));
        }
        Some(Verdict::Kept(first))
    }

    /// The day on which the grace period ends that a keeper rests on, in `region`.
    fn grace_until(&self, keeper: &Keeper, region: &Region) -> Option<Date> {
        let of_region = || self.lineages.iter().filter_map(|lineage| lineage.destination_until(region)).max();
        match keeper {
            Keeper::Policy { by: By::Grace { until, .. }, .. } => {
                Some(of_region().map_or(*until, |day| day.max(*until)))
            }
            Keeper::Policy { by: By::Detached(_) | By::Named(_), policy, .. } => {
                let of_left = self.lineages.iter().filter_map(Lineage::left_until).map(day_of);
                let stated = self.lineages.iter().filter_map(|lineage| lineage.stated_until(policy));
                of_left.chain(stated).chain(of_region()).max()
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
        let all = || self.lineages.iter().flat_map(|lineage| &lineage.members);
        let moment = all().find(|one| one.id() == first)?.moment();
        let mut of_it = all().filter(|one| one.moment() == moment);
        let here = of_it.clone().find(|one| one.region() == region);
        here.or_else(|| of_it.next()).map(|one| CopyRef::of(one.region(), one.id()))
    }
}

/// Of the tiers that want nothing: the firsts of their periods.
pub(crate) fn firsts_named(said: &[Said]) -> BTreeSet<SnapshotId> {
    let first = |said: &Said| match &said.verdict {
        TierVerdict::NotFirst(first) => Some(first.clone()),
        TierVerdict::Wants | TierVerdict::Past => None,
    };
    said.iter().filter_map(first).collect()
}
