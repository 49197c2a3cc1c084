//! What the snapshots of a volume state, one after the other: which statement is the newest, which was within the grace
//! period, and which moments date a change.

use jiff::{SignedDuration, Timestamp};

use crate::ids::SnapshotId;
use crate::managed::Managed;

/// What the snapshots of a volume state, one after the other, as it counts now.
pub(super) struct Statements<T> {
    now: Timestamp,
    grace: SignedDuration,
    steps: Vec<Step<T>>,
}

/// What was stated at one time: by one snapshot and its copies, which all say the same unless a person edited one.
struct Step<T> {
    taken: Timestamp,
    said: Vec<Statement<T>>,
}

/// What one snapshot states.
struct Statement<T> {
    what: T,
    snapshot: SnapshotId,
    moment: SnapshotId,
}

/// A statement that is, or was within the grace period, the newest.
pub(super) struct Stated<'s, T> {
    pub(super) what: &'s T,
    pub(super) snapshot: &'s SnapshotId,
    /// When the grace period ends; none for what the newest states.
    pub(super) until: Option<Timestamp>,
}

impl<T: PartialEq> Statements<T> {
    /// `members` stand in order of the time of their data.
    pub(super) fn of<'i, 'a>(
        members: &[&'i Managed<'a>],
        (now, grace): (Timestamp, SignedDuration),
        states: impl Fn(&'i Managed<'a>) -> Option<T>,
    ) -> Self {
        let mut steps: Vec<Step<T>> = Vec::new();
        for member in members {
            let Some(what) = states(member) else { continue };
            let said = Statement { what, snapshot: member.id().clone(), moment: member.moment().clone() };
            match steps.last_mut() {
                Some(last) if last.taken == member.taken() => last.said.push(said),
                Some(_) | None => steps.push(Step { taken: member.taken(), said: vec![said] }),
            }
        }
        Self { now, grace, steps }
    }

    /// What the newest states, and what was the newest less than the grace period ago.
    pub(super) fn in_force(&self) -> Vec<Stated<'_, T>> {
        let mut found = Vec::new();
        for (n, step) in self.steps.iter().enumerate().rev() {
            let until = self.steps.get(n + 1).map(|next| next.taken.checked_add(self.grace).unwrap_or(Timestamp::MAX));
            if until.is_some_and(|until| until <= self.now) {
                break;
            }
            found.extend(step.said.iter().map(|Statement { what, snapshot, .. }| {
                // What the newest states as well does not end.
                Stated { what, snapshot, until: until.filter(|_| !self.is_newest(what)) }
            }));
        }
        found
    }

    fn is_newest(&self, what: &T) -> bool {
        self.steps.last().is_some_and(|newest| newest.said.iter().any(|said| said.what == *what))
    }

    /// The newest moment that states `what`.
    pub(super) fn newest_moment(&self, what: &T) -> Option<&SnapshotId> {
        let mut said = self.steps.iter().rev().flat_map(|step| &step.said);
        said.find(|said| said.what == *what).map(|said| &said.moment)
    }

    /// The moments that date when something was not stated any more, each with the time of its data: those that state
    /// something else than the one before them (`loses`), of the last before the grace period and of all since then. Before
    /// that one everything is out of force.
    pub(super) fn changes(&self, loses: impl Fn(&T, &T) -> bool) -> Vec<(Timestamp, &SnapshotId)> {
        let is_lost = |said: &Statement<T>, before: &Step<T>| before.said.iter().all(|of| loses(&of.what, &said.what));
        let pairs = self.steps.windows(2).filter(|pair| pair[1].said.iter().any(|said| is_lost(said, &pair[0])));
        let steps: Vec<_> = pairs.map(|pair| &pair[1]).collect();
        let is_before = |step: &&Step<T>| step.taken.checked_add(self.grace).is_ok_and(|until| until <= self.now);
        let first = steps.partition_point(is_before).saturating_sub(1);
        let all = steps.into_iter().skip(first);
        all.flat_map(|step| step.said.iter().map(|said| (step.taken, &said.moment))).collect()
    }
}
