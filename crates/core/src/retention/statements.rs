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

impl<T> Step<T> {
    /// Whether what was stated before is only in force for a grace period from then on.
    fn takes_place(&self) -> bool {
        self.said.iter().any(|said| said.takes_place)
    }
}

/// What one snapshot states.
struct Statement<T> {
    what: T,
    snapshot: SnapshotId,
    moment: SnapshotId,
    is_completed: bool,
    /// Not what is being made, nor what was made under a slip: that is in force as well, and ends nothing.
    takes_place: bool,
}

/// A statement that is, or was within the grace period, the newest.
pub(super) struct Stated<'s, T> {
    pub(super) what: &'s T,
    pub(super) snapshot: &'s SnapshotId,
    pub(super) is_completed: bool,
    /// When the grace period ends; none for what the newest states.
    pub(super) until: Option<Timestamp>,
}

impl<T: PartialEq> Statements<T> {
    /// `all` stand in order of the time of their data. `states` says what one states, and whether that takes the place of
    /// what was stated before, once it has completed.
    pub(super) fn of<'i, 'a>(
        all: impl Iterator<Item = &'i Managed<'a>>,
        (now, grace): (Timestamp, SignedDuration),
        states: impl Fn(&'i Managed<'a>) -> Option<(T, bool)>,
    ) -> Self
    where
        'a: 'i,
    {
        let mut steps: Vec<Step<T>> = Vec::new();
        for one in all {
            let Some((what, takes_place)) = states(one) else { continue };
            let (snapshot, moment, is_completed) = (one.id().clone(), one.moment().clone(), one.is_completed());
            let said = Statement { what, snapshot, moment, is_completed, takes_place: takes_place && is_completed };
            match steps.last_mut() {
                Some(last) if last.taken == one.taken() => last.said.push(said),
                Some(_) | None => steps.push(Step { taken: one.taken(), said: vec![said] }),
            }
        }
        Self { now, grace, steps }
    }

    /// What the newest states, and what was the newest less than the grace period ago.
    pub(super) fn in_force(&self) -> Vec<Stated<'_, T>> {
        let mut found = Vec::new();
        let mut until: Option<Timestamp> = None;
        for step in self.steps.iter().rev() {
            if until.is_some_and(|until| until <= self.now) {
                break;
            }
            found.extend(step.said.iter().map(|Statement { what, snapshot, is_completed, .. }| {
                // What the newest states as well does not end.
                let until = until.filter(|_| !self.is_newest(what));
                Stated { what, snapshot, is_completed: *is_completed, until }
            }));
            if step.takes_place() {
                until = Some(step.taken.checked_add(self.grace).unwrap_or(Timestamp::MAX));
            }
        }
        found
    }

    /// Whether it is stated by the newest that takes a place, or since then.
    fn is_newest(&self, what: &T) -> bool {
        let newest = self.steps.iter().rposition(Step::takes_place).unwrap_or(0);
        self.steps[newest..].iter().flat_map(|step| &step.said).any(|said| said.what == *what)
    }

    /// The newest moment that states `what` and has completed.
    pub(super) fn newest_moment(&self, what: &T) -> Option<&SnapshotId> {
        let mut said = self.steps.iter().rev().flat_map(|step| &step.said);
        said.find(|said| said.is_completed && said.what == *what).map(|said| &said.moment)
    }

    /// The moments that date when something was not stated any more, each with the time of its data: those that take a place
    /// and state something else than what was stated since the last such one (`loses`). Of them the last before the grace
    /// period, and all since then: before that one everything is out of force.
    pub(super) fn changes(&self, loses: impl Fn(&T, &T) -> bool) -> Vec<(Timestamp, &SnapshotId)> {
        let mut changes: Vec<&Step<T>> = Vec::new();
        // Where the last one stands that takes a place; without one, the oldest.
        let mut last = 0;
        for (n, step) in self.steps.iter().enumerate().filter(|(_, step)| step.takes_place()) {
            let is_lost = |said: &Statement<T>| {
                let mut before = self.steps[last..n].iter();
                before.any(|before| before.said.iter().all(|of| loses(&of.what, &said.what)))
            };
            if step.said.iter().any(is_lost) {
                changes.push(step);
            }
            last = n;
        }
        let is_before = |step: &&Step<T>| step.taken.checked_add(self.grace).is_ok_and(|until| until <= self.now);
        let first = changes.partition_point(is_before).saturating_sub(1);
        let all = changes.into_iter().skip(first);
        all.flat_map(|step| step.said.iter().map(|said| (step.taken, &said.moment))).collect()
    }
}
