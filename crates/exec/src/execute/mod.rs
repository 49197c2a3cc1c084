//! Carries out a plan: each item once, each outcome noted, nothing stopped by its neighbour.
//!
//! A plan is some seconds old when it is carried out. What deletes looks again right before (look.rs), and deletes
//! only what is still exactly what the plan saw.

mod create;
mod expire;
mod look;
mod mark;
mod offsite;

use std::cell::RefCell;

use jiff::Timestamp;
use snapwarden_core::decision::{Decision, Finding, Job, Plan, Problem};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::Inventory;
use snapwarden_core::report::{Deferred, Outcome, Said};
use snapwarden_core::tags::Tags;

use crate::cloud::{Action, Cloud, CloudError, ErrorKind};
use crate::pacing::{CallError, Pacer};
use crate::run::Progress;

/// Calls of one job in one Region that may be under way at once.
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
    let executor = Executor { pacer, plan, inventory, progress, outcomes, findings: RefCell::default() };
    match plan.job {
        Job::Create => create::execute(&executor).await,
        Job::Offsite => offsite::execute(&executor).await,
        Job::Expire => expire::execute(&executor).await,
    }
    (executor.outcomes.into_inner(), executor.findings.into_inner())
}

/// The outcome of a decision before it is carried out. None is left so; if one were, it must not look like success.
fn unsettled(decision: &Decision) -> Outcome {
    if !decision.act.is_change() {
        return Outcome::NothingToDo;
    }
    let (code, message) = ("NotCarriedOut".to_owned(), "the run did not come to it; please report this".to_owned());
    Outcome::Failed(Said { code, message })
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
}

impl<'a, C: Cloud> Executor<'a, '_, C> {
    /// The decisions with their places, in the plan's order.
    fn items(&self) -> impl Iterator<Item = Item<'a>> + use<'a, C> {
        self.plan.decisions.iter().enumerate()
    }

    fn settle(&self, (place, decision): Item<'_>, outcome: Outcome) {
        self.progress.finished(decision, &outcome);
        if let Some(slot) = self.outcomes.borrow_mut().get_mut(place) {
            *slot = outcome;
        }
    }

    fn find(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    /// Deletes one snapshot, unless the second look forbids it.
    async fn delete_unless(
        &self,
        forbidden: Option<Outcome>,
        item: Item<'_>,
        region: &Region,
        snapshot: &SnapshotId,
        by: Timestamp,
    ) {
        match forbidden {
            Some(outcome) => self.settle(item, outcome),
            None => self.delete(item, region, snapshot, by).await,
        }
    }

    /// Deletes one snapshot. That it is gone already is success; that EC2 will not is for a person to see.
    /// It goes out before `by`, when the second look is too old, or not at all.
    async fn delete(&self, item: Item<'_>, region: &Region, snapshot: &SnapshotId, by: Timestamp) {
        let cloud = self.pacer.cloud();
        let request = async || cloud.delete_snapshot(region, snapshot).await;
        let outcome = match self.pacer.call_by(region, Action::DeleteSnapshot, by, request).await {
            Ok(()) => Outcome::Done { made: None },
            Err(CallError::Cloud(error)) => match error.kind {
                ErrorKind::NotFound => Outcome::Done { made: None },
                ErrorKind::InUse | ErrorKind::Invalid | ErrorKind::Unknown => {
                    let Said { code, message } = said(&error);
                    self.find(Finding::new(region, snapshot, Problem::Refused { code, message }));
                    Outcome::Refused(said(&error))
                }
                ErrorKind::Throttled
                | ErrorKind::RateExceeded
                | ErrorKind::LimitReached
                | ErrorKind::Unauthorized
                | ErrorKind::Unavailable
                | ErrorKind::Ambiguous => outcome_of(CallError::Cloud(error)),
            },
            Err(error @ (CallError::Deadline | CallError::Stopped)) => outcome_of(error),
        };
        self.settle(item, outcome);
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

fn said(error: &CloudError) -> Said {
    Said { code: error.code.clone(), message: error.message.clone() }
}

/// What a call that did not succeed makes of its item.
fn outcome_of(error: CallError) -> Outcome {
    let error = match error {
        CallError::Deadline => return Outcome::Deferred(Deferred::Deadline),
        CallError::Stopped => return Outcome::Deferred(Deferred::Stopped),
        CallError::Cloud(error) => error,
    };
    match error.kind {
        ErrorKind::Throttled => Outcome::Deferred(Deferred::Throttled),
        ErrorKind::RateExceeded => Outcome::Deferred(Deferred::RateExceeded),
        // The Region holds as many snapshots as the account may have: waiting does not help.
        ErrorKind::LimitReached if error.code == "SnapshotLimitExceeded" => Outcome::Failed(said(&error)),
        ErrorKind::LimitReached => Outcome::Deferred(Deferred::LimitReached),
        ErrorKind::Ambiguous => Outcome::Unclear(said(&error)),
        ErrorKind::NotFound
        | ErrorKind::InUse
        | ErrorKind::Unauthorized
        | ErrorKind::Invalid
        | ErrorKind::Unavailable
        | ErrorKind::Unknown => Outcome::Failed(said(&error)),
    }
}
