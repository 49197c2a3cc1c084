//! The offsiter's acts: tags mended, copies begun, stamps written, then proven sources removed.

use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::report::{Changed, Deferred, Outcome};
use snapwarden_core::tags::{Tags, key};

use super::delete::Delete;
use super::look::{IDS_PER_LOOK_MAX, Wanted};
use super::{Executor, Item, became, in_turn};
use crate::cloud::{Action, Cloud, CopyRequest, NO_ANSWER};

pub(super) async fn in_region<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region) {
    add_tags(executor, region).await;
    copy(executor, region).await;
    stamp(executor, region).await;
    remove(executor, region).await;
}

/// Mends the tags of the copies here. Looked at again first: a person may have moved DeleteOn later than we would.
async fn add_tags<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region) {
    let todo: Vec<(Item<'_>, &SnapshotId, &Tags)> = executor
        .items_in(region)
        .filter_map(|item| {
            let Act::AddTags { snapshot, tags, .. } = &item.1.act else { return None };
            Some((item, &**snapshot, tags))
        })
        .collect();
    for batch in todo.chunks(IDS_PER_LOOK_MAX) {
        let ids = batch.iter().map(|(_, snapshot, _)| (*snapshot).clone()).collect();
        let looked = executor.look(&Wanted::from([(region.clone(), ids)])).await;
        let calls = batch.iter().map(|&(item, snapshot, tags)| {
            let looked = &looked;
            async move {
                let outcome = match executor.support_gone(looked, region, snapshot) {
                    Some(Outcome::Changed(_)) => Outcome::Changed(Changed::Differs),
                    Some(outcome) => outcome,
                    None => {
                        let ids = std::slice::from_ref(snapshot);
                        let written = executor.create_tags_by(region, ids, tags, looked.holds_until).await;
                        became(written)
                    }
                };
                executor.settle(item, outcome);
            }
        });
        in_turn(calls).await;
    }
}

/// Begins the copies to this Region in the plan's order, until EC2 takes no more.
async fn copy<C: Cloud>(executor: &Executor<'_, '_, C>, destination: &Region) {
    let (mut rest, mut unanswered) = (None, 0);
    for item in executor.items_in(destination) {
        let (Act::Copy { tags, .. }, Subject::Copy(source, _)) = (&item.1.act, &item.1.subject) else { continue };
        if let Some(deferred) = rest {
            executor.settle(item, Outcome::Deferred(deferred));
            continue;
        }
        let outcome = copy_one(executor, destination, &item.1.region, source, tags).await;
        unanswered = if is_unanswered(&outcome) { unanswered + 1 } else { 0 };
        rest = of_the_rest(&outcome).or((unanswered >= UNANSWERED_MAX).then_some(Deferred::SameAnswer));
        executor.settle(item, outcome);
    }
}

/// Copies in a row that a Region does not answer; the others are left to the next run. Each is waited for as long as an answer may
/// take.
const UNANSWERED_MAX: usize = 3;

fn is_unanswered(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unclear(said) if said.code == NO_ANSWER)
}

/// What becomes of the other copies to a destination that answered one so, where it would answer them so too.
fn of_the_rest(outcome: &Outcome) -> Option<Deferred> {
    match outcome {
        Outcome::Deferred(deferred @ (Deferred::LimitReached | Deferred::Throttled)) => Some(*deferred),
        Outcome::Failed(said) if ["NeverConnected", "SnapshotLimitExceeded"].contains(&said.code.as_str()) => {
            Some(Deferred::SameAnswer)
        }
        Outcome::Deferred(_) | Outcome::Failed(_) | Outcome::NothingToDo | Outcome::Done { .. } => None,
        Outcome::DoneAlone { .. } | Outcome::Changed(_) | Outcome::Refused(_) | Outcome::Unclear(_) => None,
    }
}

async fn copy_one<C: Cloud>(
    executor: &Executor<'_, '_, C>,
    destination: &Region,
    source_region: &Region,
    source: &SnapshotId,
    tags: &Tags,
) -> Outcome {
    let description = format!("Snapwarden: copy of {source} from {source_region}");
    let cloud = executor.pacer.cloud();
    let request = async || {
        let request = CopyRequest {
            source_region: source_region.clone(),
            source: source.clone(),
            description: description.clone(),
            tags: tags.clone(),
        };
        cloud.copy_snapshot(destination, request).await
    };
    match executor.pacer.call(destination, Action::CopySnapshot, request).await {
        Ok(snapshot) => Outcome::Done { made: Some(snapshot) },
        Err(error) => executor.made_nothing(destination, source.as_str(), error),
    }
}

async fn stamp<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region) {
    let stamps = executor.items_in(region).filter_map(|item| match (&item.1.act, &item.1.subject) {
        (Act::Stamp { value }, Subject::Source(snapshot)) => Some((item, value, snapshot)),
        _ => None,
    });
    let calls = stamps.map(|(item, value, snapshot)| async move {
        let tags: Tags = [(key::OFFSITE_SNAPSHOT_ID, value.as_str())].into_iter().collect();
        let written = executor.create_tags(region, std::slice::from_ref(snapshot), &tags).await;
        executor.settle(item, became(written));
    });
    in_turn(calls).await;
}

/// S4: every copy and the source once more, then the delete.
async fn remove<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region) {
    let removals = executor.items_in(region).filter_map(|item| match (&item.1.act, &item.1.subject) {
        (Act::RemoveSource { copies, newest }, Subject::Source(snapshot)) => {
            let newest = newest.iter().map(|newest| (&item.1.region, newest));
            let rests_on = newest.chain(copies.iter().map(|copy| (&copy.region, &copy.snapshot))).collect();
            Some(Delete { item, snapshot, rests_on })
        }
        _ => None,
    });
    executor.delete_all(removals).await;
}
