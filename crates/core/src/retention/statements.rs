//! What the snapshots of a volume state, one after the other: which statement is the newest, which was within the grace
//! period, and which moments date a change.

use jiff::{SignedDuration, Timestamp};

use crate::ids::SnapshotId;
use crate::managed::Managed;

/// What the snapshots of a volume state, one after the other.
pub(super) struct Statements<T>(Vec<Step<T>>);

/// What was stated at one time: by one snapshot and its copies, which all say the same unless a person edited one.
struct Step<T> {
    taken: Timestamp,
    said: Vec<(T, SnapshotId, SnapshotId)>,
}

/// A statement that is, or was within the grace period, the newest.
pub(super) struct Stated<'s, T> {
    pub(super) what: &'s T,
    pub(super) snapshot: &'s SnapshotId,
    /// When the grace period ends; none for the newest.
    pub(super) until: Option<Timestamp>,
}

impl<T: PartialEq> Statements<T> {
    /// `members` stand in order of the time of their data.
    pub(super) fn of<'i, 'a>(members: &[&'i Managed<'a>], states: impl Fn(&'i Managed<'a>) -> Option<T>) -> Self {
        let mut steps: Vec<Step<T>> = Vec::new();
        for member in members {
            let Some(what) = states(member) else { continue };
            let said = (what, member.id().clone(), member.moment().clone());
            match steps.last_mut() {
                Some(last) if last.taken == member.taken() => last.said.push(said),
                Some(_) | None => steps.push(Step { taken: member.taken(), said: vec![said] }),
            }
        }
        Self(steps)
    }

    /// What the newest states, and what was the newest less than `grace` ago.
    pub(super) fn in_force(&self, now: Timestamp, grace: SignedDuration) -> Vec<Stated<'_, T>> {
        let mut found = Vec::new();
        for (n, step) in self.0.iter().enumerate().rev() {
            let until = self.0.get(n + 1).map(|next| next.taken.checked_add(grace).unwrap_or(Timestamp::MAX));
            if until.is_some_and(|until| until <= now) {
                break;
            }
            found.extend(step.said.iter().map(|(what, snapshot, _)| Stated { what, snapshot, until }));
        }
        found
    }

    /// The newest moment that states `what`.
    pub(super) fn newest_moment(&self, what: &T) -> Option<&SnapshotId> {
        let mut said = self.0.iter().rev().flat_map(|step| &step.said);
        said.find(|(said, ..)| said == what).map(|(_, _, moment)| moment)
    }

    /// The moments that date when something was not stated any more, each with the time of its data: those that state
    /// something else than the one before them, of the last before the grace period and of all since then. Before that
    /// one everything is out of force.
    pub(super) fn changes(
        &self,
        now: Timestamp,
        grace: SignedDuration,
        loses: impl Fn(&T, &T) -> bool,
    ) -> Vec<(Timestamp, &SnapshotId)> {
        let differs =
            |a: &Step<T>, b: &Step<T>| b.said.iter().any(|(what, ..)| a.said.iter().all(|(of, ..)| loses(of, what)));
        let pairs = self.0.windows(2).filter(|pair| differs(&pair[0], &pair[1]));
        let steps: Vec<_> = pairs.map(|pair| &pair[1]).collect();
        let is_before = |step: &&Step<T>| step.taken.checked_add(grace).is_ok_and(|until| until <= now);
        let first = steps.partition_point(is_before).saturating_sub(1);
        let all = steps.into_iter().skip(first);
        all.flat_map(|step| step.said.iter().map(|(_, _, moment)| (step.taken, moment))).collect()
    }
}
