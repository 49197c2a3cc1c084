//! The manager's table: which snapshots go.
//!
//! Every row but the last keeps. A list that broke off keeps everything that could rest on it (S7).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::keeping::{Keeping, Released, Wish};
use super::{Due, Newest, about, due, gap, homes, later};
use crate::approval::{self, Approval, Approved};
use crate::decision::{
    Act, CopyRef, Decision, Expiry, FailedCause, Finding, Hold, Job, KeptBy, Newer, Plan, Problem, Reason, Stays,
    Subject,
};
use crate::ids::{InstanceId, Region, SnapshotId, VolumeId};
use crate::inventory::{Inventory, Lineage, PENDING_PER_VOLUME_MAX, Snapshot, SnapshotState, Volume};
use crate::policy::{Config, Offsite};
use crate::tags::{self, TagValue};

/// How long an errored snapshot is remembered where nothing replaces it.
const FAILED_KEPT_HOURS: i64 = 24;
/// The same, where errored ones fill the volume's limit and so block its next snapshot.
const FAILED_KEPT_HOURS_AT_LIMIT: i64 = 1;
/// How long an errored copy is remembered: it is the offsiter's memory of when to try again.
const FAILED_COPY_KEPT_HOURS: i64 = 7 * 24;

/// Which managed snapshots of `regions` go.
pub fn plan_expire(inventory: &Inventory, regions: &[Region], config: &Config) -> Plan {
    let mut plan = Plan::new(Job::Expire, inventory, regions);
    let mut world = World::of(inventory, config);
    world.release(&plan.regions, config, &mut plan.findings);
    for region in &plan.regions {
        let seen = inventory.regions.get(region);
        plan.findings.extend(gap(region, "snapshots", seen.map(|seen| &seen.snapshots)));
        plan.findings.extend(gap(region, "volumes", seen.map(|seen| &seen.volumes)));
        let managed: Vec<_> =
            inventory.snapshots_in(region).iter().filter(|snapshot| snapshot.is_managed(&inventory.account)).collect();
        let mut decisions: Vec<_> =
            managed.iter().map(|snapshot| (*snapshot, world.decide(region, snapshot, &mut plan.findings))).collect();
        decisions.sort_by_key(|(snapshot, decision)| {
            let delete_on = tags::delete_on(&snapshot.tags).ok();
            (!decision.act.is_change(), delete_on, snapshot.data_time(), snapshot.id.clone())
        });
        plan.findings.extend(world.kept_of_gone(region, &decisions));
        let mut decisions: Vec<_> = decisions.into_iter().map(|(_, decision)| decision).collect();
        let approval = Approval::find(&config.approvals, &Approved::Region(region.clone()));
        plan.holds.extend(hold(inventory, region, managed.len(), approval, &mut decisions));
        plan.decisions.extend(decisions);
    }
    plan.finish()
}

/// S9: holds an expiry that is large, but for what a person approved. `decisions` stand oldest first.
fn hold(
    inventory: &Inventory,
    region: &Region,
    managed: usize,
    approval: Option<&Approval>,
    decisions: &mut [Decision],
) -> Option<Hold> {
    let expired = decisions.iter().filter(|decision| matches!(decision.reason, Reason::Expired(_))).count();
    if !approval::is_needed(expired, managed) {
        return None;
    }
    let mut approved = 0;
    for decision in decisions {
        let Reason::Expired(expiry) = &decision.reason else { continue };
        if approval.is_some_and(|approval| expiry.delete_on <= approval.day && approved < approval.count) {
            approved += 1;
        } else {
            decision.act = Act::Hold;
            decision.reason = Reason::HeldForApproval(expiry.clone());
        }
    }
    let approval = Approval { what: Approved::Region(region.clone()), day: inventory.today(), count: expired };
    (approved < expired).then(|| Hold { region: region.clone(), expired, managed, approved, approval })
}

/// What the decisions of all Regions rest on, indexed.
struct World<'a> {
    inventory: &'a Inventory,
    newest: Newest<'a>,
    /// Unfinished copies by their source.
    in_flight: BTreeMap<SnapshotId, CopyRef>,
    /// Errored snapshots by volume, in each Region.
    failed: BTreeMap<(&'a Region, &'a VolumeId), usize>,
    /// Sources with a completed copy in a Region.
    copied: BTreeSet<(&'a Region, SnapshotId)>,
    volumes: BTreeMap<&'a VolumeId, &'a Volume>,
    /// The volumes that instances have, where instances were read.
    attached: BTreeSet<&'a VolumeId>,
    keeping: Keeping<'a>,
    /// Snapshots for which a person approved the shorter retention of their instance.
    released: Released<'a>,
}

/// A snapshot that waits for the shorter retention of its instance.
struct Waiting<'a> {
    region: &'a Region,
    snapshot: &'a Snapshot,
    delete_on: Date,
    from: Option<Date>,
}

/// What is known of the volume whose snapshot asks.
enum Life {
    /// It exists and is backed up, or may be.
    Lives,
    /// It is gone.
    Gone,
    /// It is tagged `Backup=No`: nothing of it is kept past its day.
    Excluded,
    /// These Regions would have to be read to know.
    Unknown(Vec<Region>),
}

impl<'a> World<'a> {
    fn of(inventory: &'a Inventory, config: &Config) -> Self {
        let mut world = World {
            inventory,
            keeping: Keeping::of(inventory, config),
            released: Released::new(),
            newest: Newest::of(inventory, |_| true),
            in_flight: BTreeMap::new(),
            failed: BTreeMap::new(),
            copied: BTreeSet::new(),
            attached: inventory
                .regions
                .values()
                .flat_map(|seen| seen.instances.items())
                .flat_map(|instance| instance.devices.iter().filter_map(|device| device.volume.as_ref()))
                .collect(),
            volumes: inventory.regions.values().flat_map(|seen| seen.volumes.items()).map(|v| (&v.id, v)).collect(),
        };
        for (region, snapshot) in inventory.snapshots().filter(|(_, s)| s.owner == inventory.account) {
            match (tags::source_snapshot(&snapshot.tags), snapshot.state) {
                (TagValue::Is(source), SnapshotState::Completed) => {
                    world.copied.insert((region, source));
                }
                (TagValue::Is(_), SnapshotState::Error) => {}
                (
                    TagValue::Is(source),
                    SnapshotState::Pending
                    | SnapshotState::Recoverable
                    | SnapshotState::Recovering
                    | SnapshotState::Unfamiliar,
                ) => {
                    let copy = CopyRef { region: region.clone(), snapshot: snapshot.id.clone() };
                    let first = world.in_flight.entry(source).or_insert_with(|| copy.clone());
                    if copy < *first {
                        *first = copy;
                    }
                }
                (TagValue::Absent, SnapshotState::Error) => {
                    *world.failed.entry((region, &snapshot.volume_id)).or_default() += 1;
                }
                (TagValue::Absent | TagValue::Unreadable(_), _) => {}
            }
        }
        world
    }

    /// Lets go what a person approved of what waits since its instance's retention is shorter now, and says what would.
    fn release(&mut self, regions: &[Region], config: &Config, findings: &mut Vec<Finding>) {
        let mut waiting: BTreeMap<InstanceId, Vec<Waiting<'a>>> = BTreeMap::new();
        for (region, snapshot) in self.inventory.snapshots().filter(|(region, _)| regions.contains(region)) {
            if let Some((instance, one)) = self.waiting(region, snapshot) {
                waiting.entry(instance).or_default().push(one);
            }
        }
        for (instance, mut all) in waiting {
            all.sort_by_key(|one| (one.delete_on, one.snapshot.data_time(), &one.snapshot.id));
            let what = Approved::Instance(instance.clone());
            let approval = Approval { what: what.clone(), day: self.inventory.today(), count: all.len() };
            let approved = Approval::find(&config.approvals, &what);
            let is_approved = |one: &Waiting<'_>| approved.is_some_and(|approval| one.delete_on <= approval.day);
            let count = approved.map_or(0, |approval| approval.count);
            let released: Vec<_> =
                all.iter().filter(|one| is_approved(one)).take(count).map(|one| &one.snapshot.id).collect();
            self.released.extend(released);
            all.retain(|one| !self.released.contains(&one.snapshot.id));
            if let Some(first) = all.first() {
                let snapshots = all.iter().map(|one| one.snapshot.id.clone()).collect();
                let problem = Problem::ShorterRetention { snapshots, from: first.from, approval };
                findings.push(Finding::new(first.region, &instance, problem));
            }
        }
    }

    /// A snapshot that would go if the shorter retention of its instance took effect now, and that instance.
    fn waiting(&self, region: &'a Region, snapshot: &'a Snapshot) -> Option<(InstanceId, Waiting<'a>)> {
        let delete_on = tags::delete_on(&snapshot.tags).ok()?;
        let is_asked = snapshot.is_managed(&self.inventory.account)
            && snapshot.is_completed()
            && matches!(due(snapshot, self.inventory.taken_at), Due::Yes { .. });
        let wish = is_asked.then(|| self.keeping.wish(region, snapshot, &Released::new()))?;
        let Wish::Shorter { instance, from, .. } = wish else { return None };
        let goes = self.rows(region, snapshot, &Released::from([&snapshot.id]), &mut Vec::new()).0.is_change();
        goes.then_some((instance, Waiting { region, snapshot, delete_on, from }))
    }

    /// What stays by its own record though its volume is gone: nothing newer will ever push it out of its tiers.
    fn kept_of_gone(&self, region: &Region, decisions: &[(&Snapshot, Decision)]) -> Option<Finding> {
        let is_kept = |reason: &Reason| matches!(reason, Reason::KeptByTier { by: KeptBy::Record, .. });
        let kept = decisions.iter().filter(|(_, decision)| is_kept(&decision.reason)).map(|(snapshot, _)| *snapshot);
        let gone: Vec<_> = kept.filter(|snapshot| matches!(self.life(region, snapshot), Life::Gone)).collect();
        let volumes: BTreeSet<_> = gone.iter().map(|snapshot| snapshot.lineage()).collect();
        let problem = Problem::VolumesGone { volumes: volumes.len(), snapshots: gone.len() };
        (!gone.is_empty()).then(|| Finding::new(region, region, problem))
    }

    fn decide(&self, region: &Region, snapshot: &Snapshot, findings: &mut Vec<Finding>) -> Decision {
        let (mut act, mut reason) = self.rows(region, snapshot, &self.released, findings);
        // S7: what was not seen may be what this delete rests on.
        if act.is_change() && !self.inventory.snapshots_whole_in(region) {
            (act, reason) = (Act::Keep, Reason::RegionUnread);
        }
        let subject = Subject::Snapshot(snapshot.id.clone());
        Decision { region: region.clone(), subject, about: about(snapshot), act, reason }
    }

    /// The manager's table, row by row.
    fn rows(
        &self,
        region: &Region,
        snapshot: &Snapshot,
        released: &Released<'_>,
        findings: &mut Vec<Finding>,
    ) -> (Act, Reason) {
        if snapshot.tags.keep_forever() {
            return (Act::Keep, Reason::KeepForever);
        }
        match snapshot.state {
            SnapshotState::Completed => {}
            SnapshotState::Error => return self.failed_rows(region, snapshot),
            SnapshotState::Pending
            | SnapshotState::Recoverable
            | SnapshotState::Recovering
            | SnapshotState::Unfamiliar => return (Act::Keep, Reason::NotCompleted { state: snapshot.state }),
        }
        let (delete_on, overdue_days, age_days) = match due(snapshot, self.inventory.taken_at) {
            Due::Yes { delete_on, overdue_days, age_days } => (delete_on, overdue_days, age_days),
            Due::NotYet { delete_on, age_days, needs_days } => {
                return (Act::Keep, Reason::NotDue { delete_on, age_days, needs_days });
            }
            Due::Never(value) => {
                let problem = Problem::DeleteOnUnreadable { value: value.clone() };
                findings.push(Finding::new(region, &snapshot.id, problem));
                return (Act::Keep, Reason::UnreadableDeleteOn { value });
            }
        };
        let (said, unread) = match self.keeping.wish(region, snapshot, released) {
            Wish::Nothing(said) => (said, None),
            Wish::Unread(unread) => (Vec::new(), Some(unread)),
            Wish::Stays { by, said } => return (Act::Keep, Reason::KeptByTier { delete_on, by, said }),
            Wish::States(instance) => return (Act::Keep, Reason::StatesShorter { delete_on, instance }),
            Wish::Shorter { instance, from, said } => {
                return (Act::Keep, Reason::ShorterWaits { delete_on, instance, from, said });
            }
            Wish::NoHistory => return (Act::Keep, Reason::NoHistory),
            Wish::Unreadable(value) => {
                let problem = Problem::RetentionRecordUnreadable { value: value.clone() };
                findings.push(Finding::new(region, &snapshot.id, problem));
                return (Act::Keep, Reason::UnreadableRetention { value });
            }
        };
        if let Some(reason) = self.copy_guard(region, snapshot) {
            return (Act::Keep, reason);
        }
        let is_newest = self.newest.is_newest(region, snapshot);
        // One volume, one answer: else the anchor of a copy that names no SourceRegion could go by its own.
        let newest = self.newest.get(region, snapshot.lineage()).unwrap_or(snapshot);
        let stays = match (self.life(region, newest), is_newest) {
            (Life::Lives, true) => return (Act::Keep, Reason::LastGood { volume: about(snapshot).volume }),
            (Life::Unknown(unread), true) => return (Act::Keep, Reason::SourceRegionUnread { unread }),
            (Life::Lives | Life::Unknown(_), false) => {
                let same_volume = snapshot.lineage() != Lineage::UnknownVolume;
                Stays::Newer(Newer { snapshot: newest.id.clone(), of: newest.data_time(), same_volume })
            }
            (Life::Gone, _) => Stays::VolumeGone,
            (Life::Excluded, _) => Stays::VolumeExcluded,
        };
        if let Some(unread) = unread {
            return (Act::Keep, Reason::InstancesUnread { unread });
        }
        let anchor = match &stays {
            Stays::Newer(newer) => Some(newer.snapshot.clone()),
            Stays::VolumeGone | Stays::VolumeExcluded => None,
        };
        let uncopied = self.uncopied(region, snapshot);
        let rests_on = self.keeping.rests_on(region, snapshot, &said);
        let reason = Reason::Expired(Expiry { delete_on, overdue_days, age_days, stays, uncopied, said });
        (Act::Delete { anchor, rests_on }, reason)
    }

    fn failed_rows(&self, region: &Region, snapshot: &Snapshot) -> (Act, Reason) {
        let now = self.inventory.taken_at;
        let message = snapshot.state_message.clone().unwrap_or_else(|| "no message".to_owned());
        let at_limit = !snapshot.is_copy() && self.fills_limit(region, &snapshot.volume_id);
        let (kept_hours, old) = match (snapshot.is_copy(), at_limit) {
            (true, _) => (FAILED_COPY_KEPT_HOURS, FailedCause::Old),
            (false, true) => (FAILED_KEPT_HOURS_AT_LIMIT, FailedCause::FillsLimit),
            (false, false) => (FAILED_KEPT_HOURS, FailedCause::Old),
        };
        let until = later(snapshot.start_time, kept_hours);
        let cause = if self.is_replaced(region, snapshot) { FailedCause::Replaced } else { old };
        if cause == FailedCause::Replaced || now >= until {
            let reason = Reason::Failed { message, since: snapshot.start_time, kept_hours, cause };
            return (Act::Delete { anchor: None, rests_on: Vec::new() }, reason);
        }
        (Act::Keep, Reason::FailureMemory { message, until })
    }

    fn fills_limit(&self, region: &Region, volume: &VolumeId) -> bool {
        let limit = self.volumes.get(volume).map_or(PENDING_PER_VOLUME_MAX, |volume| volume.pending_max());
        self.failed.get(&(region, volume)).copied().unwrap_or(0) >= limit
    }

    fn is_replaced(&self, region: &Region, failed: &Snapshot) -> bool {
        match tags::source_snapshot(&failed.tags) {
            TagValue::Is(source) => self.copied.contains(&(region, source)),
            TagValue::Unreadable(_) => false,
            TagValue::Absent => {
                let newest = self.newest.get(region, failed.lineage());
                newest.is_some_and(|newest| newest.start_time > failed.start_time)
            }
        }
    }

    /// S5: a source of which a copy is being made, or may be, stays.
    fn copy_guard(&self, region: &Region, snapshot: &Snapshot) -> Option<Reason> {
        if snapshot.is_copy() {
            return None;
        }
        if let Some(copy) = self.in_flight.get(&snapshot.id) {
            return Some(Reason::CopyInFlight { copy: copy.clone() });
        }
        let destinations = Offsite::of(&snapshot.tags, region, self.inventory).destinations;
        let unread = destinations.into_iter().find(|destination| !self.inventory.snapshots_whole_in(destination));
        unread.map(|destination| Reason::DestinationUnread { destination })
    }

    /// The destinations that never got their copy of a source, as far as can be seen: a person should know before it goes.
    fn uncopied(&self, region: &Region, snapshot: &Snapshot) -> Vec<Region> {
        if snapshot.is_copy() {
            return Vec::new();
        }
        let stamps = tags::stamps(&snapshot.tags);
        let mut regions = Offsite::of(&snapshot.tags, region, self.inventory).destinations;
        let is_copied = |region: &Region| self.copied.contains(&(region, snapshot.id.clone()));
        regions.retain(|region| !stamps.contains_key(region) && !is_copied(region));
        regions
    }

    /// Whether the volume behind a snapshot still exists and is backed up.
    fn life(&self, region: &Region, snapshot: &Snapshot) -> Life {
        let Lineage::Volume(id) = snapshot.lineage() else {
            return Life::Lives;
        };
        if let Some(volume) = self.volumes.get(&id) {
            let excluded = tags::backup(&volume.tags) == TagValue::Is(false);
            return if excluded { Life::Excluded } else { Life::Lives };
        }
        // A list without it is wrong where an instance still has it.
        if self.attached.contains(&id) {
            return Life::Lives;
        }
        let (homes, are_all) = homes(self.inventory, region, snapshot);
        let whole = |home: &Region| {
            let seen = self.inventory.regions.get(home);
            seen.is_some_and(|seen| seen.volumes.is_whole() && seen.instances.is_whole())
        };
        let unread: Vec<_> = homes.into_iter().filter(|home| !whole(home)).collect();
        if unread.is_empty() && are_all { Life::Gone } else { Life::Unknown(unread) }
    }
}
