//! The rows of the manager's table: what keeps each snapshot, or that it goes, and what carries the mark.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::decision::{Act, CopyRef, Decision, Expiry, Newer, Reason, Stays, Subject};
use crate::ids::{Region, SnapshotId, VolumeId};
use crate::index::Index;
use crate::inventory::SnapshotState;
use crate::managed::{Due, InUse, Managed};
use crate::plan::about;
use crate::policy::Offsite;
use crate::retention::tiers::Said;
use crate::retention::{Account, Keeper, Recorded, Settling, Table, Verdict, Wanted, delete_on_of_copy, firsts_named};
use crate::tags::{self, TagValue, key};

/// Where a snapshot lies, and its id.
pub(super) type Place<'a> = (&'a Region, &'a SnapshotId);

fn place<'a>(snapshot: &Managed<'a>) -> Place<'a> {
    (snapshot.region(), snapshot.id())
}

/// A decision, and what it is about.
pub(super) struct Noted<'i, 'a> {
    pub(super) snapshot: &'i Managed<'a>,
    pub(super) decision: Decision,
}

impl<'a> Noted<'_, 'a> {
    pub(super) fn place(&self) -> Place<'a> {
        place(self.snapshot)
    }

    /// That it has expired, where it has.
    pub(super) fn expiry(&self) -> Option<&Expiry> {
        if let Reason::Expired(expiry) = &self.decision.reason { Some(expiry) } else { None }
    }
}

/// What the decisions of all Regions rest on.
pub(super) struct Manager<'i, 'a> {
    pub(super) index: &'i Index<'a>,
    pub(super) regions: &'i [Region],
    pub(super) grace_days: u32,
    /// The volumes of which something lies where this run acts.
    pub(super) tables: BTreeMap<&'i VolumeId, Table<'i, 'a>>,
    /// Errored sources of this account by Region and volume, ours or not.
    pub(super) failed: BTreeMap<(&'a Region, &'a VolumeId), usize>,
}

impl<'i, 'a> Manager<'i, 'a> {
    pub(super) fn of(
        index: &'i Index<'a>,
        account: &'i Account<'i, 'a>,
        regions: &'i [Region],
        grace_days: u32,
    ) -> Self {
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

    pub(super) fn settling<'s>(
        &'s self,
        released: &'s BTreeSet<&'s SnapshotId>,
        held: &'s BTreeSet<Place<'s>>,
    ) -> Settling<'s> {
        let stays = |snapshot: &Managed<'_>| {
            held.contains(&place(snapshot)) || !self.acts_in(snapshot.region()) || self.guard(snapshot).is_some()
        };
        Settling { released, is_guarded: Box::new(stays) }
    }

    /// One decision for each managed snapshot where this run acts. What is `held` is decided like the others, and counts as
    /// what stays.
    pub(super) fn decide_all(
        &self,
        released: &BTreeSet<&SnapshotId>,
        held: &BTreeSet<Place<'_>>,
    ) -> Vec<Noted<'i, 'a>> {
        let mut noted = Vec::new();
        let mut judged = BTreeSet::new();
        for table in self.tables.values() {
            for (snapshot, verdict, said) in table.settle(&self.settling(released, held)) {
                judged.insert(place(snapshot));
                if self.acts_in(snapshot.region()) {
                    let row = self.row(snapshot, Some(table), verdict, said);
                    noted.push(
                        self.note(snapshot, self.mark(snapshot, table).filter(|_| !row.0.is_change()).unwrap_or(row)),
                    );
                }
            }
        }
        // What is not completed, or does not say of which volume it is, stands in no table.
        for snapshot in self.regions.iter().flat_map(|region| self.index.managed_in(region)) {
            if !judged.contains(&place(snapshot)) {
                noted.push(self.note(snapshot, self.row(snapshot, None, Verdict::OfItself, &[])));
            }
        }
        noted
    }

    /// Whether this run acts in `region`.
    pub(super) fn acts_in(&self, region: &Region) -> bool {
        self.regions.contains(region)
    }

    fn note(&self, snapshot: &'i Managed<'a>, (act, reason): (Act, Reason)) -> Noted<'i, 'a> {
        let region = snapshot.region().clone();
        let subject = Subject::Snapshot(snapshot.target());
        Noted { snapshot, decision: Decision { region, subject, about: about(snapshot), act, reason } }
    }

    /// The row of the manager's table that fits.
    fn row(
        &self,
        snapshot: &'i Managed<'a>,
        table: Option<&Table<'i, 'a>>,
        verdict: Verdict,
        said: &[Said],
    ) -> (Act, Reason) {
        if snapshot.is_pinned() {
            return (Act::Keep, Reason::KeepForever);
        }
        if snapshot.is_in_future() {
            return (Act::Keep, Reason::FromTheFuture { at: snapshot.taken() });
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
        let Some((stays, anchor, newest)) = self.stays(snapshot, table) else {
            return (Act::Keep, Reason::LastGood { volume: snapshot.volume().cloned() });
        };
        let firsts = firsts_named(said);
        let held = firsts.iter().filter_map(|first| table.holder_of(first, snapshot.region()));
        let rests_on: BTreeSet<_> = held.chain(newest).collect();
        let uncopied = self.uncopied(snapshot);
        let reason =
            Reason::Expired(Expiry { delete_on, overdue_days, age_days, stays, uncopied, said: said.to_vec() });
        (Act::Delete { anchor, rests_on: rests_on.into_iter().collect() }, reason)
    }

    /// What stays of the volume: the newer one here that the delete rests on, or the newest data wherever that is. None where
    /// nothing of a volume that is not over would stay.
    fn stays(
        &self,
        snapshot: &Managed<'a>,
        table: &Table<'i, 'a>,
    ) -> Option<(Stays, Option<SnapshotId>, Option<CopyRef>)> {
        let region = snapshot.region();
        let newer = table.newest_in(region).filter(|newest| newest.id() != snapshot.id());
        let of = |newer: &Managed<'_>| Stays::Newer(Newer { snapshot: newer.id().clone(), of: newer.taken() });
        if let Some(over) = table.over() {
            let since = table.closed_since(region).unwrap_or(self.index.inventory.today());
            let is_open = table.is_open(region);
            let anchor = newer.filter(|_| is_open);
            return Some((anchor.map_or(Stays::Over(over, since), of), anchor.map(|newer| newer.id().clone()), None));
        }
        if let Some(newer) = newer.filter(|_| table.is_open(region)) {
            return Some((of(newer), Some(newer.id().clone()), None));
        }
        let newest = table.holder_of_newest(snapshot)?;
        Some((Stays::NoDestination(newest.clone()), None, Some(newest)))
    }

    /// What keeps a snapshot besides retention.
    pub(super) fn guard(&self, snapshot: &Managed<'_>) -> Option<Reason> {
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

    /// The first of the copies of it that are being made.
    pub(super) fn copy_in_flight(&self, snapshot: &Managed<'_>) -> Option<Reason> {
        let copies = self.index.copies_of(snapshot.id()).iter();
        let in_flight = copies.filter(|(_, copy)| copy.state.is_in_the_making());
        let first = in_flight.map(|(region, copy)| CopyRef::of(region, &copy.id)).min();
        first.map(|copy| Reason::CopyInFlight { copy })
    }

    /// S7: what was not seen may be what a delete rests on.
    pub(super) fn region_unread(&self, snapshot: &Managed<'_>) -> Option<Reason> {
        (!self.index.inventory.snapshots_whole_in(snapshot.region())).then_some(Reason::RegionUnread)
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
        Offsite::of(&source.raw().tags, Some(source.region()), self.index.inventory).destinations
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
pub(crate) fn in_use(snapshot: &Managed<'_>, now: Timestamp) -> Option<Reason> {
    match snapshot.in_use(now)? {
        InUse::Since(since) => Some(Reason::InUse { since: Some(since) }),
        InUse::Unreadable => Some(Reason::InUse { since: None }),
    }
}

/// What a policy wants; none where it is the last good one.
fn wanted(keeper: Keeper) -> Option<Wanted> {
    match keeper {
        Keeper::Policy { wanted, .. } => Some(wanted),
        Keeper::LastGood | Keeper::NewestData => None,
    }
}
