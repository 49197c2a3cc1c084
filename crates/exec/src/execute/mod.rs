//! Carries out a plan: each item once, each outcome noted, nothing stopped by its neighbour.
//!
//! Each Region has a stream of calls of its own, and the streams run side by side: a Region that throttles, or answers
//! nothing, costs the others nothing.
//!
//! A plan is some seconds old when it is carried out. What deletes looks again right before (look.rs), and deletes
//! only what is still exactly what the plan saw.

mod create;
mod delete;
mod expire;
mod look;
mod mark;
mod offsite;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use snapwarden_core::decision::{Decision, Finding, Job, Plan, Problem, Subject};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::Inventory;
use snapwarden_core::report::{Changed, Deferred, Outcome, Said};
use snapwarden_core::tags::Tags;

use crate::cloud::{Action, Cloud, CloudError, ErrorKind};
use crate::pacing::{CallError, Pacer};
use crate::run::Progress;

/// Calls of one stream that may be under way at once.
const CONCURRENCY: usize = 8;
/// Snapshots that get equal tags by one CreateTags. AWS takes 1,000 ids and recommends "smaller batches".
const TAGGED_PER_CALL_MAX: usize = 200;

/// Carries out `plan`: one outcome per decision, and what a person should look at besides.
pub async fn execute<C: Cloud>(
    pacer: &Pacer<'_, C>,
    plan: &Plan,
    inventory: &Inventory,
    progress: &dyn Progress,
) -> (Vec<Outcome>, Vec<Finding>) {
    let outcomes = RefCell::new(plan.decisions.iter().map(unsettled).collect());
    let (findings, not_found) = (RefCell::default(), RefCell::default());
    let executor = Executor { pacer, plan, inventory, progress, outcomes, findings, not_found };
    let regions: BTreeSet<_> = plan.decisions.iter().map(calls_in).collect();
    let streams = regions.into_iter().map(|region| async {
        match plan.job {
            Job::Create => create::in_region(&executor, region).await,
            Job::Offsite => offsite::in_region(&executor, region).await,
            Job::Expire => expire::in_region(&executor, region).await,
        }
    });
    join_all(streams).await;
    let mut findings = executor.findings.into_inner();
    let of_region = |(region, (count, example, message)): (Region, NotFound)| {
        Finding::new(&region, &region, Problem::NotFound { count, example, message })
    };
    findings.extend(executor.not_found.into_inner().into_iter().map(of_region));
    (executor.outcomes.into_inner(), findings)
}

/// The outcome of a decision before it is carried out. None is left so; if one were, it must not look like success.
fn unsettled(decision: &Decision) -> Outcome {
    if !decision.act.is_change() {
        return Outcome::NothingToDo;
    }
    let (code, message) = ("NotCarriedOut".to_owned(), "the run did not come to it; please report this".to_owned());
    Outcome::Failed(Said { code, message })
}

/// The Region that a decision is carried out in.
pub(crate) fn calls_in(decision: &Decision) -> &Region {
    match &decision.subject {
        Subject::Copy(_, destination) => destination,
        Subject::Volume(_) | Subject::Instance(_) | Subject::Device(..) | Subject::Source(_) | Subject::Snapshot(_) => {
            &decision.region
        }
    }
}

/// Makes calls in their order, [`CONCURRENCY`] at once.
async fn in_turn<F: Future<Output = ()>>(calls: impl IntoIterator<Item = F>) {
    stream::iter(calls).buffer_unordered(CONCURRENCY).collect::<Vec<()>>().await;
}

/// An item of the plan: its place, and the decision.
type Item<'a> = (usize, &'a Decision);

struct Executor<'a, 'c, C> {
    pacer: &'a Pacer<'c, C>,
    plan: &'a Plan,
    inventory: &'a Inventory,
    progress: &'a dyn Progress,
    outcomes: RefCell<Vec<Outcome>>,
    findings: RefCell<Vec<Finding>>,
    /// What EC2 did not find though its list had shown it, by Region.
    not_found: RefCell<BTreeMap<Region, NotFound>>,
}

/// How many, the first, and what was said of it.
type NotFound = (usize, String, String);

impl<'a, C: Cloud> Executor<'a, '_, C> {
    /// The decisions that are carried out in `region`, with their places, in the plan's order.
    fn items_in<'r>(&self, region: &'r Region) -> impl Iterator<Item = Item<'a>> + use<'a, 'r, C> {
        self.plan.decisions.iter().enumerate().filter(move |(_, decision)| calls_in(decision) == region)
    }

    fn settle(&self, (place, decision): Item<'_>, outcome: Outcome) {
        self.progress.finished(decision, &outcome);
        if let Some(slot) = self.outcomes.borrow_mut().get_mut(place) {
            *slot = outcome;
        }
    }

    /// What a call that made nothing makes of its item. That its volume, instance or source is gone is no failure; but a list that
    /// shows what EC2 does not find should not go unheard.
    fn made_nothing(&self, region: &Region, of: &str, error: CallError) -> Outcome {
        if let CallError::Cloud(CloudError { kind: ErrorKind::NotFound, message, .. }) = &error {
            self.not_found(region, of, message);
        }
        outcome_of(error)
    }

    fn not_found(&self, region: &Region, id: &str, message: &str) {
        let mut not_found = self.not_found.borrow_mut();
        let first = || (0, id.to_owned(), message.to_owned());
        not_found.entry(region.clone()).or_insert_with(first).0 += 1;
    }

    fn find(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    async fn create_tags(&self, region: &Region, snapshots: &[SnapshotId], tags: &Tags) -> Result<(), CallError> {
        self.create_tags_by(region, snapshots, tags, Timestamp::MAX).await
    }

    async fn create_tags_by(
        &self,
        region: &Region,
        snapshots: &[SnapshotId],
        tags: &Tags,
        by: Timestamp,
    ) -> Result<(), CallError> {
        let cloud = self.pacer.cloud();
        let request = async || cloud.create_tags(region, snapshots, tags).await;
        self.pacer.call_by(region, Action::CreateTags, by, request).await
    }
}

/// Whether the answer may be about one of several snapshots: one that is gone, or that has no room for another tag.
fn is_about_some(error: &CallError) -> bool {
    match error {
        CallError::Cloud(error) => match error.kind {
            ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Unknown | ErrorKind::Refused => true,
            ErrorKind::Throttled
            | ErrorKind::RateExceeded
            | ErrorKind::VolumeLimitReached
            | ErrorKind::LimitReached
            | ErrorKind::Unauthorized
            | ErrorKind::Unavailable
            | ErrorKind::Ambiguous => false,
        },
        CallError::Deadline | CallError::Stopped | CallError::TimeInDoubt => false,
    }
}

fn said(error: &CloudError) -> Said {
    Said { code: error.code.clone(), message: error.message.clone() }
}

/// What a write of tags makes of its item.
fn became(written: Result<(), CallError>) -> Outcome {
    written.map_or_else(outcome_of, |()| Outcome::Done { made: None })
}

/// What a call that did not succeed makes of its item.
fn outcome_of(error: CallError) -> Outcome {
    let error = match error {
        CallError::Deadline => return Outcome::Deferred(Deferred::Deadline),
        CallError::Stopped => return Outcome::Deferred(Deferred::Stopped),
        CallError::TimeInDoubt => return Outcome::Deferred(Deferred::TimeInDoubt),
        CallError::Cloud(error) => error,
    };
    match error.kind {
        ErrorKind::Throttled => Outcome::Deferred(Deferred::Throttled),
        ErrorKind::RateExceeded => Outcome::Deferred(Deferred::RateExceeded),
        // The Region holds as many snapshots as the account may have: waiting does not help.
        ErrorKind::LimitReached if error.code == "SnapshotLimitExceeded" => Outcome::Failed(said(&error)),
        ErrorKind::VolumeLimitReached | ErrorKind::LimitReached => Outcome::Deferred(Deferred::LimitReached),
        ErrorKind::Ambiguous => Outcome::Unclear(said(&error)),
        // A volume, an instance or a snapshot that is gone since the plan: the next run decides anew.
        ErrorKind::NotFound => Outcome::Changed(Changed::NotShown),
        ErrorKind::Refused
        | ErrorKind::Unauthorized
        | ErrorKind::Invalid
        | ErrorKind::Unavailable
        | ErrorKind::Unknown => Outcome::Failed(said(&error)),
    }
}

/// In the same order, from another place on in each run: what never succeeds at the front would take the time of all others.
fn rotated<T>(mut all: Vec<T>, now: Timestamp) -> Vec<T> {
    let first = first_of(all.len(), now);
    all.rotate_left(first);
    all
}

/// Where a run at `now` begins among `count` of them: the multiples of the golden ratio spread the starts of runs that follow
/// each other evenly over all.
fn first_of(count: usize, now: Timestamp) -> usize {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let minutes = u64::try_from(now.as_second() / 60).unwrap_or(0);
    let share = u128::from(minutes.wrapping_mul(GOLDEN)) * u128::try_from(count).unwrap_or(0);
    usize::try_from(share >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hourly_runs_that_come_to_a_tenth_of_them_have_been_at_all_within_a_day() {
        for count in [1, 7, 100, 5_000] {
            let mut asked = vec![false; count];
            for hour in 0..24 {
                let first = first_of(count, Timestamp::from_second(1_795_320_000 + 3_600 * hour).unwrap());
                for n in 0..count.div_ceil(10) {
                    asked[(first + n) % count] = true;
                }
            }
            assert!(asked.iter().all(|asked| *asked), "{count}");
        }
        assert_eq!(first_of(0, Timestamp::UNIX_EPOCH), 0);
    }
}
