//! What the manager says of snapshots that stay past their day: nothing stays for ever in silence.
//!
//! Where many may stay for one cause they are counted per Region, with their sizes: an account can have 100,000.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::manager::{Manager, Noted};
use crate::decision::{Amount, CopyRef, Finding, Problem, Reason, Unread};
use crate::ids::{InstanceId, Region, SnapshotId, VolumeId};
use crate::inventory::{RegionStatus, SnapshotState, day_of};
use crate::managed::{Managed, days_between};
use crate::plan::{counted, gap, unfamiliar};
use crate::retention::{Asked, Recorded};
use crate::tags::key;

/// Days that one may stay past its DeleteOn until it is as many full days old as was promised: a copy that has lost the
/// time of its data counts from when it was begun.
const NOT_DUE_DAYS_MAX: i64 = 2;

/// AWS states no time that a snapshot may take; a volume of the largest size takes days.
const PENDING_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Counts by what is said of them.
#[derive(Default)]
struct Counts<'i> {
    unread: BTreeMap<(Region, Vec<Unread>), Amount>,
    mistyped: BTreeMap<InstanceId, usize>,
    no_volume: BTreeMap<Region, Amount>,
    pinned: BTreeMap<Region, Amount>,
    /// Copies that are kept since their sources are, with one of these.
    of_sources: BTreeMap<Region, (Amount, CopyRef)>,
    made_mistyped: BTreeMap<Region, Amount>,
    nobody: BTreeMap<Region, BTreeMap<&'i VolumeId, Amount>>,
    /// Of volumes that are over, kept for those that are joined to them, by the volume with the tag.
    joined: BTreeMap<(Region, VolumeId), BTreeMap<&'i VolumeId, Amount>>,
    /// Kept by policies though the volume is over.
    of_over: BTreeMap<Region, BTreeMap<&'i VolumeId, Amount>>,
    each: Vec<Finding>,
}

pub(super) fn findings<'i>(manager: &Manager<'i, '_>, noted: &[Noted<'i, '_>]) -> Vec<Finding> {
    let mut counts = Counts::default();
    noted.iter().for_each(|one| counts.add(manager, one));
    // At every run, though nothing may wait for it today.
    for (instance, _) in manager.tables.values().flat_map(|table| table.mistyped()) {
        counts.mistyped.entry(instance.clone()).or_default();
    }
    let mut findings = std::mem::take(&mut counts.each);
    findings.extend(counts.unread.keys().flat_map(|(_, unread)| unread).filter_map(|one| not_read(manager, one)));
    let of_region = |region: &Region, problem| Finding::new(region, region, problem);
    findings.extend(
        counts
            .unread
            .into_iter()
            .map(|((region, unread), some)| Finding::new(&region, &region, Problem::HistoryUnread { unread, some })),
    );
    findings.extend(counts.no_volume.iter().map(|(region, some)| of_region(region, Problem::NoVolume { some: *some })));
    findings
        .extend(counts.pinned.iter().map(|(region, some)| of_region(region, Problem::PinnedPastDay { some: *some })));
    findings.extend(counts.of_sources.iter().map(|(region, (some, source))| {
        of_region(region, Problem::SourcesKeep { some: *some, example: source.clone() })
    }));
    findings.extend(manager.regions.iter().filter_map(|region| {
        let now = manager.index.inventory.taken_at;
        let (some, example) = counted(manager.index.managed_in(region).filter(|one| is_pending_long(one, now)))?;
        Some(of_region(region, Problem::PendingLong { some, example }))
    }));
    let made = counts.made_mistyped.iter();
    findings.extend(made.map(|(region, some)| of_region(region, Problem::MadeMistyped { some: *some })));
    findings.extend(counts.mistyped.iter().flat_map(|(instance, count)| mistyped(manager, instance, *count)));
    findings.extend(counts.nobody.iter().filter_map(|(region, volumes)| nobody(manager, region, volumes)));
    let example = |volumes: &BTreeMap<&'i VolumeId, Amount>| volumes.keys().next().map(|id| (*id).clone());
    findings.extend(counts.joined.iter().filter_map(|((region, carrier), volumes)| {
        let (example, carrier) = (example(volumes)?, carrier.clone());
        let problem = Problem::KeptByJoin { volumes: volumes.len(), example, carrier, some: sum(volumes) };
        Some(of_region(region, problem))
    }));
    findings.extend(counts.of_over.iter().filter_map(|(region, volumes)| {
        let example = example(volumes)?;
        Some(of_region(region, Problem::KeptOfOver { volumes: volumes.len(), example, some: sum(volumes) }))
    }));
    findings.extend(wandered(manager));
    findings.extend(manager.regions.iter().filter_map(|region| unfamiliar(manager.index, region)));
    findings
}

impl<'i> Counts<'i> {
    fn add(&mut self, manager: &Manager<'i, '_>, one: &Noted<'i, '_>) {
        let (snapshot, region) = (one.snapshot, one.snapshot.region());
        let mut each = |problem| self.each.push(Finding::new(region, snapshot.id(), problem));
        let size = snapshot.raw().size_gib;
        let inventory = manager.index.inventory;
        let is_due = snapshot.is_completed() && snapshot.due(inventory.taken_at).is_yes();
        let reason = &one.decision.reason;
        if let Reason::UnreadableDeleteOn { value } = reason {
            each(Problem::DeleteOnUnreadable { value: value.clone() });
        } else if let Reason::UnreadableRetention { value } = reason {
            each(Problem::RetentionRecordUnreadable { value: value.clone() });
        } else if let Reason::InUse { since: None } = reason {
            let value = snapshot.raw().tags.get(key::IN_USE).unwrap_or_default().to_owned();
            each(Problem::InUseUnreadable { value });
        } else if let Reason::HistoryUnread { unread } = reason {
            self.unread.entry((region.clone(), unread.clone())).or_default().add(size);
            let table = snapshot.volume().and_then(|id| manager.tables.get(id));
            for (instance, _) in table.into_iter().flat_map(|table| table.mistyped()) {
                *self.mistyped.entry(instance.clone()).or_default() += 1;
            }
        } else if let Reason::Mistyped { instance, .. } = reason {
            *self.mistyped.entry(instance.clone()).or_default() += 1;
        } else if *reason == Reason::NoVolume {
            self.no_volume.entry(region.clone()).or_default().add(size);
        } else if let Reason::SourceStays { source, .. } = reason {
            let (some, _) = self.of_sources.entry(region.clone()).or_insert((Amount::default(), source.clone()));
            some.add(size);
        } else if *reason == Reason::KeepForever && is_due {
            self.pinned.entry(region.clone()).or_default().add(size);
        }
        if let Reason::NotDue { delete_on, .. } = reason
            && let Some(created) = snapshot.created().filter(|_| snapshot.is_completed())
            && days_between(*delete_on, inventory.today()) > NOT_DUE_DAYS_MAX
        {
            each(Problem::CreatedOnHolds { created, delete_on: *delete_on });
        }
        let is_made_mistyped = matches!(snapshot.recorded(), Recorded::Is(record) if record.is_mistyped);
        // A person who has set its day has seen to it.
        if is_made_mistyped && !snapshot.is_pinned() && snapshot.is_where_recorded() == Some(true) {
            self.made_mistyped.entry(region.clone()).or_default().add(size);
        }
        let stays = is_due && !snapshot.is_pinned() && !one.decision.act.is_change();
        let table = snapshot.volume().filter(|_| stays).and_then(|id| manager.tables.get_key_value(id));
        if let Some((volume, table)) = table {
            let is_by_policy = matches!(reason, Reason::KeptByPolicy { .. });
            let counts = if table.is_living() && !table.is_backed_up() {
                &mut self.nobody
            } else if let Some(carrier) = table.joined_by(snapshot) {
                let of_it = self.joined.entry((region.clone(), carrier.clone())).or_default();
                return of_it.entry(volume).or_default().add(size);
            } else if table.over().is_some() && is_by_policy {
                &mut self.of_over
            } else {
                return;
            };
            counts.entry(region.clone()).or_default().entry(volume).or_default().add(size);
        }
    }
}

/// Whether a snapshot has been in the making for so long that it will hardly complete.
fn is_pending_long(snapshot: &Managed<'_>, now: Timestamp) -> bool {
    let is_pending = snapshot.raw().state.is_in_the_making() && snapshot.raw().state != SnapshotState::Unfamiliar;
    is_pending && now.duration_since(snapshot.raw().start_time) > PENDING_MAX
}

/// Each tag of an instance that cannot be read.
fn mistyped(manager: &Manager<'_, '_>, instance: &InstanceId, snapshots: usize) -> Vec<Finding> {
    let Some((region, found)) = manager.index.instance(instance) else { return Vec::new() };
    let asked = Asked::of(&found.tags);
    let problem = |(key, value): (&'static str, &str)| Problem::MistypedHolds {
        key: key.to_owned(),
        value: value.to_owned(),
        snapshots,
    };
    asked.unreadable().map(|one| Finding::new(region, instance, problem(one))).collect()
}

/// A listing that the account has and that was not read whole: what rests on it waits, and the run was not whole.
fn not_read(manager: &Manager<'_, '_>, unread: &Unread) -> Option<Finding> {
    let inventory = manager.index.inventory;
    let seen =
        |region: &Region| (inventory.status(region) != RegionStatus::NotThere).then(|| inventory.regions.get(region));
    match unread {
        Unread::Volumes(region) => gap(region, "volumes", seen(region)?.map(|seen| &seen.volumes)),
        Unread::Instances(region) => gap(region, "instances", seen(region)?.map(|seen| &seen.instances)),
        Unread::Snapshots(region) => gap(region, "snapshots", seen(region)?.map(|seen| &seen.snapshots)),
        Unread::Regions | Unread::Record(_) | Unread::Mistyped(_) => None,
    }
}

/// Living volumes that no instance backs up, with what stays of them.
fn nobody(manager: &Manager<'_, '_>, region: &Region, volumes: &BTreeMap<&VolumeId, Amount>) -> Option<Finding> {
    let day = |volume: &VolumeId| {
        manager.tables.get(volume).and_then(|table| table.newest()).map(|newest| day_of(newest.taken()))
    };
    let (since, example) = volumes.keys().filter_map(|volume| Some((day(volume)?, *volume))).min()?;
    let some = sum(volumes);
    let problem = Problem::BackedUpByNobody { volumes: volumes.len(), since, example: example.clone(), some };
    Some(Finding::new(region, region, problem))
}

fn sum(volumes: &BTreeMap<&VolumeId, Amount>) -> Amount {
    let mut some = Amount::default();
    for amount in volumes.values() {
        some.snapshots += amount.snapshots;
        some.gib += amount.gib;
    }
    some
}

fn wandered(manager: &Manager<'_, '_>) -> Vec<Finding> {
    let mut by_region: BTreeMap<&Region, (Amount, BTreeSet<_>)> = BTreeMap::new();
    for (region, snapshot) in manager.index.wandered().iter().filter(|(region, _)| manager.acts_in(region)) {
        let (some, ids) = by_region.entry(region).or_default();
        some.add(snapshot.size_gib);
        ids.insert(&snapshot.id);
    }
    let finding = |(region, (some, ids)): (&Region, (Amount, BTreeSet<&SnapshotId>))| {
        let example = (*ids.first()?).clone();
        Some(Finding::new(region, region, Problem::TagsWandered { some, example }))
    };
    by_region.into_iter().filter_map(finding).collect()
}
