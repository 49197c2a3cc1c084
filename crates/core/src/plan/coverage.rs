//! How the volumes that the creator looks after are covered, and which backups are late.
//!
//! A snapshot that was begun is no backup until it has completed. So a volume is judged by its newest completed one, whatever
//! the reason is why there is none of a later slot: one that stays pending, fails, is deferred, or waits at every run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{EARLY_MAX, later};
use crate::decision::{Act, Coverage, Decision, Finding, Problem, Reason, Subject};
use crate::ids::{Region, VolumeId};
use crate::index::Index;
use crate::inventory::{Snapshot, SnapshotState};
use crate::managed::Managed;
use crate::policy::InstancePolicy;
use crate::tags::OffsiteMode;

/// Hours that any snapshot may take before the backup counts as late.
const TAKES_HOURS: i64 = 6;
/// A large volume may take an hour more for each so many GiB. AWS states no time: it depends on what was written.
const GIB_AN_HOUR: u32 = 250;

/// The coverage of each Region, as it is counted.
pub(super) struct Coverages<'i, 'a> {
    index: &'i Index<'a>,
    regions: BTreeMap<Region, Coverage>,
    late: BTreeMap<Region, Vec<Late>>,
}

/// A volume whose backup is late. The latest comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Late {
    since: Timestamp,
    volume: VolumeId,
    newest: Option<Timestamp>,
}

impl<'i, 'a> Coverages<'i, 'a> {
    pub(super) fn of(index: &'i Index<'a>) -> Self {
        Self { index, regions: BTreeMap::new(), late: BTreeMap::new() }
    }

    /// Counts the volumes that an instance's decisions are about. `policies`: those of all instances that back a volume up.
    pub(super) fn add<'p>(&mut self, decisions: &[Decision], policies: impl Fn(&VolumeId) -> Vec<&'p InstancePolicy>) {
        for decision in decisions.iter().filter(|decision| decision.reason != Reason::ExcludedByTag) {
            let Subject::Volume(volume) = &decision.subject else { continue };
            let newest = newest(self.index, volume);
            let first_try = self.tries(volume, newest).map(|one| one.start_time).min();
            let policies = policies(volume);
            let is_known = policies.iter().all(|policy| self.is_newest_known(policy, &decision.region));
            let late = policies.iter().filter_map(|policy| self.late(policy, volume, (newest, first_try)));
            let late = late.min().filter(|_| is_known);
            let is_first_try = matches!(decision.act, Act::Create { .. }) && first_try.is_none();
            let here = self.regions.entry(decision.region.clone()).or_default();
            here.volumes += 1;
            match newest {
                _ if !is_known => {}
                None => here.never += 1,
                Some(time) => here.oldest_newest = Some(here.oldest_newest.map_or(time, |oldest| oldest.min(time))),
            }
            match late {
                Some(_) if is_first_try => here.late_unless_begun.push(volume.clone()),
                Some(late) => {
                    here.late += 1;
                    self.late.entry(decision.region.clone()).or_default().push(late);
                }
                None => {}
            }
        }
    }

    /// Whether all was read in which the newest one can lie: else nobody knows it, nor how old it is.
    fn is_newest_known(&self, policy: &InstancePolicy, region: &Region) -> bool {
        let moved_to = policy.offsite.destinations.iter().filter(|_| policy.offsite.mode() == OffsiteMode::Move);
        moved_to.chain([region]).all(|region| self.index.inventory.snapshots_whole_in(region))
    }

    /// Whether the backup of a volume is late: the first slot after its newest completed one is longer ago than its data may
    /// take; where there is none, the first try that is still there, or else the last slot that is so long ago, if the volume was
    /// there by then. Not while the first try may still take its time, as after a change of the schedule.
    fn late(
        &self,
        policy: &InstancePolicy,
        volume: &VolumeId,
        (newest, first_try): (Option<Timestamp>, Option<Timestamp>),
    ) -> Option<Late> {
        let inventory = self.index.inventory;
        let schedule = &policy.schedule.value;
        let listed = self.index.volume(volume).map(|(_, volume)| volume);
        let (size_gib, made) = listed.map_or((0, None), |volume| (volume.size_gib, volume.create_time));
        let takes_hours = TAKES_HOURS + i64::from(size_gib / GIB_AN_HOUR);
        let missed = match newest {
            // One that was begun a moment before its slot is of it.
            Some(newest) => schedule.slot_after(newest.saturating_add(EARLY_MAX).unwrap_or(newest))?.time(),
            None => {
                let present = schedule.slot_at(inventory.taken_at).time();
                match first_try {
                    Some(first) => first.min(present),
                    None => {
                        // One run a day, soon after the slot, would never find the present one late.
                        let missed = schedule.slot_at(later(inventory.taken_at, -takes_hours)).time();
                        (missed == present || made.is_some_and(|made| made <= missed)).then_some(missed)?
                    }
                }
            }
        };
        let has_failed = || self.tries(volume, newest).any(|one| one.state == SnapshotState::Error);
        if first_try.is_some_and(|first| later(first, takes_hours) >= inventory.taken_at && !has_failed()) {
            return None;
        }
        let since = later(missed, takes_hours);
        (since < inventory.taken_at).then(|| Late { since, volume: volume.clone(), newest })
    }

    /// The snapshots that were begun after the newest completed one and have not completed.
    fn tries(&self, volume: &VolumeId, newest: Option<Timestamp>) -> impl Iterator<Item = &Snapshot> {
        let snapshots = self.index.of_volume(volume).filter(|one| !one.is_copy()).map(Managed::raw);
        let begun = snapshots.filter(move |one| newest.is_none_or(|newest| newest < one.start_time));
        begun.filter(|one| one.state == SnapshotState::Error || one.state.is_in_the_making())
    }

    /// The coverage of each Region, and one finding for each in which backups are late.
    pub(super) fn finish(self) -> (BTreeMap<Region, Coverage>, Vec<Finding>) {
        let now = self.index.inventory.taken_at;
        let finding = |(region, late): (Region, Vec<Late>)| {
            let volumes = late.len();
            let Late { since, volume, newest } = late.into_iter().min()?;
            let late_hours = now.duration_since(since).as_hours();
            Some(Finding::new(&region, &region, Problem::BackupLate { volumes, example: volume, newest, late_hours }))
        };
        (self.regions, self.late.into_iter().filter_map(finding).collect())
    }
}

/// The time of the newest completed snapshot or copy of a volume.
pub(super) fn newest(index: &Index<'_>, volume: &VolumeId) -> Option<Timestamp> {
    index.of_volume(volume).filter(|one| one.is_completed()).map(Managed::taken).max()
}
