//! Which policies and destinations are in force for a volume.
//!
//! In force is what the instances that have the volume ask for now, what its newest snapshot states, and for the grace
//! period what the newest one stated before. So what is longer counts at once, and no edit of a tag takes anything away
//! before the grace period is over. While no instance backs the volume up, and until one has for the grace period, all that its
//! snapshots state is in force.
//!
//! There is no other memory than the snapshots. So those that a policy's time is counted from stay as long as they are
//! needed (`evidence.rs`).

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::lineage::Lineage;
use super::policy::Retention;
use crate::ids::{InstanceId, Region, SnapshotId};
use crate::inventory::day_of;

/// What puts a policy in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The tags that this instance, which has the volume, has now.
    Tags(InstanceId),
    /// The record of the volume's newest snapshot.
    Newest(SnapshotId),
    /// The record of a snapshot that is still being made.
    Pending(SnapshotId),
    /// The record of a snapshot that was the newest until less than the grace period ago.
    Grace {
        /// That snapshot.
        snapshot: SnapshotId,
        /// The day, UTC, on which the grace period ends.
        until: Date,
    },
    /// The record of one of the volume's snapshots, while no instance backs the volume up, and for a grace period after that.
    Detached(SnapshotId),
    /// The same of the tags of an instance that the volume's snapshots name.
    Named(InstanceId),
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Tags(instance) => write!(f, "the tags of {instance}"),
            By::Newest(snapshot) => write!(f, "the policy recorded on {snapshot}, the newest"),
            By::Pending(snapshot) => write!(f, "the policy recorded on {snapshot}, which is being made"),
            By::Grace { snapshot, until } => {
                write!(f, "the earlier policy, recorded on {snapshot}, in force until {until} (grace period)")
            }
            By::Detached(snapshot) => write!(
                f,
                "the policy recorded on {snapshot}; no instance has backed the volume up for a whole grace period yet"
            ),
            By::Named(instance) => write!(f, "the tags of {instance}, which once had the volume"),
        }
    }
}

/// A policy in force.
#[derive(Debug, Clone)]
pub(super) struct InForce {
    pub(super) policy: Retention,
    pub(super) by: By,
}

impl Lineage<'_, '_> {
    /// The policies in force, the plainest reason first. `with_grace`: those of the grace period too. `is_left`: rule 4 of
    /// docs/retention.md holds, and the closing days of the volume are not over.
    pub(super) fn policies(&self, with_grace: bool, is_left: bool) -> Vec<InForce> {
        let mut all = Vec::new();
        let mut add = |policy: Option<&Retention>, by: By| {
            if let Some(policy) = policy.filter(|policy| !all.iter().any(|one: &InForce| one.policy == **policy)) {
                all.push(InForce { policy: policy.clone(), by });
            }
        };
        for asking in self.holders() {
            add(asking.wanted.as_ref(), By::Tags(asking.instance.id.clone()));
        }
        let stated = self.retention.in_force();
        let newest = || stated.iter().filter(|stated| stated.until.is_none());
        for stated in newest().filter(|stated| stated.is_completed) {
            add(*stated.what, By::Newest(stated.snapshot.clone()));
        }
        for stated in newest().filter(|stated| !stated.is_completed) {
            add(*stated.what, By::Pending(stated.snapshot.clone()));
        }
        if is_left && self.is_left_with(with_grace) {
            for asking in self.named() {
                add(asking.wanted.as_ref(), By::Named(asking.instance.id.clone()));
            }
            for member in self.members.iter().rev() {
                add(member.recorded().stated(), By::Detached(member.id().clone()));
            }
        }
        for stated in stated.iter().filter(|_| with_grace) {
            if let Some(until) = stated.until {
                add(*stated.what, By::Grace { snapshot: stated.snapshot.clone(), until: day_of(until) });
            }
        }
        all
    }

    /// Whether rule 4 counts: without the grace period only where no day is known on which it ends.
    fn is_left_with(&self, with_grace: bool) -> bool {
        with_grace || self.left_until().is_none()
    }

    /// The destinations in force.
    pub(super) fn destinations(&self, with_grace: bool, is_left: bool) -> BTreeSet<&Region> {
        let mut all: BTreeSet<&Region> = self.holders().flat_map(|asking| &asking.destinations).collect();
        let stated = self.destinations.in_force();
        all.extend(stated.iter().filter(|one| with_grace || one.until.is_none()).flat_map(|one| one.what));
        if (is_left && self.is_left_with(with_grace)) || self.holders().any(|asking| asking.has_slip) {
            all.extend(self.named().flat_map(|asking| &asking.destinations));
            all.extend(self.members.iter().flat_map(|member| member.destinations()));
        }
        all
    }

    /// Whether anything is in force for the grace period only.
    pub(super) fn has_grace(&self) -> bool {
        self.retention.in_force().iter().any(|one| one.until.is_some())
            || self.destinations.in_force().iter().any(|one| one.until.is_some())
            || self.left_until().is_some_and(|until| self.now < until)
    }

    /// The day on which the grace period ends for which a policy that was stated is in force.
    pub(super) fn stated_until(&self, policy: &Retention) -> Option<Date> {
        let stated = self.retention.in_force();
        let of_it = stated.iter().filter(|one| *one.what == Some(policy));
        of_it.filter_map(|one| one.until).max().map(day_of)
    }

    /// The day on which the grace period of `region` ends, which was a destination and is none any more.
    pub(super) fn destination_until(&self, region: &Region) -> Option<Date> {
        if self.destinations(false, self.is_left()).contains(region) {
            return None;
        }
        let stated = self.destinations.in_force();
        let of_region = stated.iter().filter(|one| one.what.contains(region));
        let of_left = || self.left_until().filter(|until| self.now < *until);
        of_region.filter_map(|one| one.until).max().or_else(of_left).map(day_of)
    }

    /// The moments that policies of the grace period are read from: they stay until it is over. Each with that day.
    pub(super) fn grace_moments(&self) -> Vec<(&SnapshotId, Date)> {
        let retention = self.retention.in_force();
        let retention = retention.iter().filter_map(|one| Some((self.retention.newest_moment(one.what)?, one.until?)));
        let destinations = self.destinations.in_force();
        // Where the newest names all of them too, nothing ends.
        let newest = || destinations.iter().filter(|one| one.until.is_none());
        let ends = destinations.iter().filter(|one| newest().all(|newest| !one.what.is_subset(newest.what)));
        let destinations = ends.filter_map(|one| Some((self.destinations.newest_moment(one.what)?, one.until?)));
        retention.chain(destinations).map(|(moment, until)| (moment, day_of(until))).collect()
    }

    /// The newest moment that states each policy that is in force without an end, those of rule 4 included: it stays as long
    /// as that policy keeps another.
    pub(super) fn newest_moments(&self) -> Vec<(&Retention, &SnapshotId)> {
        let stated = self.retention.in_force();
        let newest = stated.iter().filter(|one| one.until.is_none()).filter_map(|one| *one.what);
        let of_rule_4 = if self.is_left() { &self.members[..] } else { &[] };
        let of_rule_4 = of_rule_4.iter().filter_map(|one| one.recorded().stated());
        let mut policies: Vec<&Retention> = Vec::new();
        for policy in newest.chain(of_rule_4) {
            if !policies.contains(&policy) {
                policies.push(policy);
            }
        }
        policies.into_iter().filter_map(|one| Some((one, self.retention.newest_moment(&Some(one))?))).collect()
    }

    /// The moments that date a change: of the policy, of the destinations, or of the instance.
    pub(super) fn changes(&self) -> impl Iterator<Item = (Timestamp, &SnapshotId)> {
        let retention = self.retention.changes(|a, b| a != b).into_iter();
        // A destination that is added dates nothing.
        let destinations = self.destinations.changes(|a, b| !a.is_subset(b));
        retention.chain(destinations).chain(self.first_of_holder().map(|one| (one.taken(), one.moment())))
    }
}
