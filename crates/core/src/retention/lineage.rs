//! What there is of one volume, or of volumes that were put in each other's place: its snapshots in all Regions, the
//! instances that have it, whether it is over, and what would have to be read to know.
//!
//! In doubt nothing goes: what was not read may be what asks for more ([`Unread`]).

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::account::{Account, Asking};
use super::policy::Retention;
use super::record::Recorded;
use super::statements::Statements;
use crate::decision::{Over, Unread};
use crate::ids::{InstanceId, Region, VolumeId};
use crate::index::Index;
use crate::inventory::{Inventory, RegionStatus, SECONDS_PER_DAY, day_of};
use crate::managed::Managed;
use crate::policy::{Offsite, Selection};
use crate::tags::{self, TagValue};

impl<'a> Account<'_, 'a> {
    /// A volume's own lineage, and where it was put in the place of another one, or another in its, that of them all: it
    /// may only ever keep more.
    pub(super) fn lineages(&self, volume: &VolumeId) -> Vec<Lineage<'_, 'a>> {
        let own = Lineage::of(self, std::slice::from_ref(volume));
        let joined = self.joined.get(volume).map(|all| Lineage::of(self, all));
        std::iter::once(own).chain(joined).collect()
    }
}

/// What there is of one volume, or of several that belong together.
pub(super) struct Lineage<'i, 'a> {
    account: &'i Account<'i, 'a>,
    pub(super) now: Timestamp,
    grace: SignedDuration,
    /// What has completed, in order of the time of its data.
    pub(super) members: Vec<&'i Managed<'a>>,
    /// What is being made.
    pub(super) pending: Vec<&'i Managed<'a>>,
    holders: Vec<&'a InstanceId>,
    named: BTreeSet<InstanceId>,
    /// The Regions in which the volume is, or may have been.
    pub(super) homes: BTreeSet<Region>,
    pub(super) over: Option<Over>,
    pub(super) unread: BTreeSet<Unread>,
    /// None: a record that cannot be read. It takes its place, and nothing goes meanwhile.
    pub(super) retention: Statements<Option<&'i Retention>>,
    /// Those that can be used.
    pub(super) destinations: Statements<BTreeSet<Region>>,
}

impl<'i, 'a> Lineage<'i, 'a> {
    fn of(account: &'i Account<'i, 'a>, volumes: &[VolumeId]) -> Self {
        let index = account.index;
        let all = || volumes.iter().flat_map(|volume| index.of_volume(volume));
        let mut members: Vec<_> = all().filter(|one| one.is_completed()).collect();
        members.sort_by_key(|one| (one.taken(), one.is_copy(), one.id()));
        let holders = volumes.iter().flat_map(|volume| index.holders(volume)).map(|(_, instance)| &instance.id);
        let grace = SignedDuration::from_secs(i64::from(account.config.grace_days) * SECONDS_PER_DAY);
        let now = index.inventory.taken_at;
        let pending: Vec<_> = all().filter(|one| one.raw().state.is_in_the_making()).collect();
        let mut all: Vec<_> = members.iter().chain(&pending).copied().collect();
        all.sort_by_key(|one| (one.taken(), one.is_copy(), one.id()));
        let stating = || all.iter().copied();
        let mut lineage = Lineage {
            account,
            now,
            grace,
            named: members.iter().chain(&pending).filter_map(|one| one.instance().cloned()).collect(),
            pending,
            holders: holders.collect(),
            homes: BTreeSet::new(),
            over: over(index, volumes, &members),
            unread: BTreeSet::new(),
            retention: Statements::of(stating(), (now, grace), |one| stated(one.recorded()).map(|what| (what, true))),
            destinations: Statements::of(stating(), (now, grace), |one| {
                Some(stated_destinations(one, index.inventory))
            }),
            members,
        };
        lineage.find_homes(volumes);
        lineage.find_unread();
        lineage
    }

    /// One of its volumes that says in whose place it was put.
    pub(super) fn carrier(&self) -> Option<&VolumeId> {
        let volumes = self.members.iter().filter_map(|one| one.volume());
        let joined = volumes.filter_map(|volume| self.account.joined.get(volume)).flatten();
        let carries = |volume: &&VolumeId| {
            self.account.index.volume(volume).is_some_and(|(_, volume)| tags::was(&volume.tags).is_some())
        };
        joined.min_by_key(|volume| (!carries(volume), *volume)).filter(carries)
    }

    /// The instances that have the volume.
    pub(super) fn holders(&self) -> impl Iterator<Item = &Asking<'a>> {
        self.holders.iter().filter_map(|id| self.account.asking.get(id))
    }

    /// The live instances that its snapshots name.
    pub(super) fn named(&self) -> impl Iterator<Item = &Asking<'a>> {
        self.named.iter().filter_map(|id| self.account.asking.get(id))
    }

    /// Rule 4 of docs/retention.md: no instance that is backed up has the volume, or its snapshots do not go back for the grace
    /// period yet. So the moment in which a volume is attached ends nothing.
    pub(super) fn is_left(&self) -> bool {
        self.left_until().is_none_or(|until| self.now < until)
    }

    /// When rule 4 ends, or ended; none where it does not, since no instance that is backed up has made its newest snapshot.
    pub(super) fn left_until(&self) -> Option<Timestamp> {
        self.of_holder().last().map(|oldest| oldest.taken().checked_add(self.grace).unwrap_or(Timestamp::MAX))
    }

    /// The one that dates when the instance that has the volume now began to back it up; none where there is no older one.
    pub(super) fn first_of_holder(&self) -> Option<&'i Managed<'a>> {
        let first = self.of_holder().last().copied()?;
        self.members.first().is_some_and(|oldest| oldest.moment() != first.moment()).then_some(first)
    }

    /// Its newest ones, as far back as they are all made of instances that have it and are backed up; the newest first. An
    /// instance that was replaced by one with the same tags breaks no line.
    fn of_holder(&self) -> Vec<&'i Managed<'a>> {
        let is_selected = |id: &InstanceId| {
            let mut selected = self.holders().filter(|asking| asking.selection == Selection::Selected);
            selected.any(|asking| asking.instance.id == *id)
        };
        let is_same = |one: &Managed<'_>, next: &Managed<'_>| {
            let stated = one.recorded().stated().is_some() && one.recorded() == next.recorded();
            stated && one.destinations() == next.destinations()
        };
        let mut run: Vec<&'i Managed<'a>> = Vec::new();
        for one in self.members.iter().rev().copied() {
            if !one.instance().is_some_and(is_selected) && !run.last().is_some_and(|next| is_same(one, next)) {
                break;
            }
            run.push(one);
        }
        run
    }

    /// The instances whose tags of retention cannot be read, and so hold everything, each with the tag's key.
    pub(super) fn mistyped(&self) -> impl Iterator<Item = (&InstanceId, &'static str)> {
        let named = self.named().filter(|_| self.is_left_somewhere());
        let all = self.holders().chain(named);
        all.filter_map(|asking| Some((&asking.instance.id, asking.mistyped?)))
    }

    /// The day on which the manager first saw that the volume is over, in `region`: of the marks there the latest that
    /// counts. One from before the newest data, or from the future, does not. Several that belong together are over when the
    /// last of them is.
    pub(super) fn closed_since(&self, region: &Region) -> Option<Date> {
        let volumes: BTreeSet<_> = self.members.iter().filter_map(|one| one.volume()).collect();
        let days: Option<Vec<Date>> =
            volumes.into_iter().map(|volume| self.volume_closed_since(volume, region)).collect();
        days?.into_iter().max()
    }

    /// The same of one volume; where nothing of it lies in `region`, by its marks elsewhere.
    fn volume_closed_since(&self, volume: &VolumeId, region: &Region) -> Option<Date> {
        let of_it = || self.members.iter().filter(|one| one.volume() == Some(volume));
        let newest = of_it().next_back().map(|one| day_of(one.taken()))?;
        let is_elsewhere = of_it().all(|one| one.region() != region);
        let here = of_it().filter(|one| is_elsewhere || one.region() == region);
        let marks = here.filter_map(|one| one.closed().clone().ok());
        marks.filter(|day| newest <= *day && *day <= day_of(self.now)).max()
    }

    /// The day on which the history in `region`, of a volume that is over, is not judged as open any more. Without a mark it
    /// counts from today.
    pub(super) fn closes_on(&self, region: &Region) -> Date {
        let since = self.closed_since(region).unwrap_or(day_of(self.now));
        since.saturating_add((i64::from(self.account.config.closing_days) + 1).days())
    }

    /// Whether the closing days of `region` are over.
    pub(super) fn is_past_closing(&self, region: &Region) -> bool {
        self.closed_since(region).is_some() && day_of(self.now) >= self.closes_on(region)
    }

    /// Whether rule 4 holds in any Region: not where the closing days of a volume that is over have passed.
    fn is_left_somewhere(&self) -> bool {
        let is_closed = self.over.is_some() && self.members.iter().all(|one| self.is_past_closing(one.region()));
        self.is_left() && !is_closed
    }

    fn find_homes(&mut self, volumes: &[VolumeId]) {
        let index = self.account.index;
        for volume in volumes {
            let seen = index.volume(volume).map(|(region, _)| region).into_iter();
            let attached = index.holders(volume).map(|(region, _)| region);
            let known: BTreeSet<_> = seen.chain(attached).cloned().collect();
            if !known.is_empty() {
                self.homes.extend(known);
                continue;
            }
            if volumes.len() > 1 && index.of_volume(volume).next().is_none() {
                // Nothing is left of what it was put in the place of.
                continue;
            }
            let of_it = self.members.iter().filter(|one| one.volume() == Some(volume));
            let named: BTreeSet<_> = of_it.filter_map(|one| one.home().cloned()).collect();
            if named.is_empty() {
                // Copies that do not say: it may be of any Region.
                self.homes.extend(index.inventory.enabled.items().iter().cloned());
                if !index.inventory.enabled.is_whole() {
                    self.unread.insert(Unread::Regions);
                }
            }
            self.homes.extend(named);
        }
    }

    fn find_unread(&mut self) {
        let inventory = self.account.index.inventory;
        let mut unread = std::mem::take(&mut self.unread);
        for home in &self.homes {
            let seen = inventory.regions.get(home);
            // A Region that the account does not have cannot be read, so its volumes stay unknown.
            unread.extend((!seen.is_some_and(|seen| seen.volumes.is_whole())).then(|| Unread::Volumes(home.clone())));
            unread
                .extend((!seen.is_some_and(|seen| seen.instances.is_whole())).then(|| Unread::Instances(home.clone())));
        }
        let mut named: BTreeSet<&Region> = self.named_regions().collect();
        if self.may_be_anywhere() {
            named.extend(inventory.regions.keys());
        }
        for region in named {
            let is_there = inventory.status(region) != RegionStatus::NotThere;
            if is_there && !inventory.snapshots_whole_in(region) {
                unread.insert(Unread::Snapshots(region.clone()));
            }
        }
        unread.extend(self.unreadable_records());
        self.unread = unread;
    }

    /// Whether nothing that was seen says where snapshots of the volume lie: no instance, and none of its snapshots, which may
    /// all be the predecessor's.
    fn may_be_anywhere(&self) -> bool {
        let says = |one: &Managed<'_>| *one.recorded() != Recorded::Absent || !one.destinations().is_empty();
        self.holders().chain(self.named()).next().is_none() && !self.members.iter().any(|one| says(one))
    }

    /// The Regions in which snapshots of the volume may lie, by tags and by what there is.
    fn named_regions(&self) -> impl Iterator<Item = &Region> {
        let asked = self.holders().chain(self.named()).flat_map(|asking| &asking.destinations);
        let all = self.members.iter().chain(&self.pending);
        let of_members = all.flat_map(|one| one.destinations().iter().chain(one.home()).chain([one.region()]));
        asked.chain(&self.homes).chain(of_members)
    }

    /// Records that would say what is in force, and cannot be read: of the newest snapshot, of one that was the newest within
    /// the grace period, of one being made; while rule 4 of docs/retention.md holds, any.
    fn unreadable_records(&self) -> Vec<Unread> {
        let is_unreadable = |one: &Managed<'_>| matches!(one.recorded(), Recorded::Unreadable(_));
        let newest = self.retention.in_force();
        let newest = newest.iter().filter(|one| one.what.is_none()).map(|one| one.snapshot.clone());
        let pending = self.pending.iter().filter(|one| is_unreadable(one)).map(|one| one.id().clone());
        let is_left = self.is_left_somewhere();
        let any = self.members.iter().filter(|one| is_left && is_unreadable(one)).map(|one| one.id().clone());
        let records = newest.chain(pending).chain(any).map(Unread::Record);
        // What the instance asked for when its tags were mistyped last: it is gone, or does not have the volume any more.
        let is_mistyped = |one: &&&Managed<'_>| matches!(one.recorded(), Recorded::Is(record) if record.is_mistyped);
        let has_it = |one: &Managed<'_>| self.holders.iter().any(|holder| one.instance() == Some(*holder));
        let mistyped = self.members.last().filter(is_mistyped).filter(|one| is_left && !has_it(one));
        records.chain(mistyped.map(|one| Unread::Mistyped(one.id().clone()))).collect()
    }
}

/// What a record states; a record that cannot be read states something unknown.
fn stated(recorded: &Recorded) -> Option<Option<&Retention>> {
    match recorded {
        Recorded::Unreadable(_) => Some(None),
        Recorded::Is(_) | Recorded::Absent => recorded.stated().map(Some),
    }
}

/// The destinations that a snapshot states, and whether that takes the place of what was stated before. Where one that it
/// names cannot be used it does not: nobody knows what was meant, and a slip that is corrected later would end at once what it
/// never meant to end.
fn stated_destinations(one: &Managed<'_>, inventory: &Inventory) -> (BTreeSet<Region>, bool) {
    let offsite = Offsite::of(&one.raw().tags, one.home(), inventory);
    (offsite.destinations.into_iter().collect(), offsite.refused.is_empty())
}

/// Whether volumes are over: all that belong together are. One that is there and has no snapshot cannot carry a mark, so
/// nothing says since when it is over: then they are not.
fn over(index: &Index<'_>, volumes: &[VolumeId], members: &[&Managed<'_>]) -> Option<Over> {
    let mut over = None;
    for volume in volumes {
        let has_any = || members.iter().any(|one| one.volume() == Some(volume));
        if volumes.len() > 1 && index.volume(volume).is_some() && !has_any() {
            return None;
        }
        over = Some(over_alone(index, volume)?);
    }
    over
}

fn over_alone(index: &Index<'_>, volume: &VolumeId) -> Option<Over> {
    let says_no = |tags: &tags::Tags| tags::backup(tags) == TagValue::Is(false);
    let mut holders = index.holders(volume).peekable();
    match index.volume(volume) {
        Some((_, volume)) if says_no(&volume.tags) => Some(Over::VolumeExcluded),
        // One that an instance has is there, though the list of volumes lacks it.
        None if holders.peek().is_none() => Some(Over::VolumeGone),
        Some(_) | None => {
            let is_held = holders.peek().is_some();
            (is_held && holders.all(|(_, instance)| says_no(&instance.tags))).then_some(Over::InstancesExcluded)
        }
    }
}
