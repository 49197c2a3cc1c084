//! The offsiter's acts: tags mended, copies begun, stamps written, then proven sources removed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::report::{Changed, Deferred, Outcome};
use snapwarden_core::tags::{Tags, key};

use super::delete::Delete;
use super::look::{IDS_PER_LOOK_MAX, Wanted};
use super::{Executor, Item, became, first_of, in_turn};
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

/// A copy of the plan.
struct Copy<'a> {
    item: Item<'a>,
    source: &'a SnapshotId,
    tags: &'a Tags,
}

impl<'a> Copy<'a> {
    fn source_region(&self) -> &'a Region {
        &self.item.1.region
    }
}

/// Begins the copies to this Region in the plan's order, until EC2 takes no more. After three in a row of one source Region that
/// are not answered another one of it is tried, since the first ones are the same in each run; after that its others are left.
async fn copy<C: Cloud>(executor: &Executor<'_, '_, C>, destination: &Region) {
    let copies = executor.items_in(destination).filter_map(|item| match (&item.1.act, &item.1.subject) {
        (Act::Copy { tags, .. }, Subject::Copy(source, _)) => Some(Copy { item, source, tags }),
        _ => None,
    });
    let mut waiting: Vec<_> = copies.collect();
    let (mut rest, mut unanswered) = (None, Unanswered::default());
    while !waiting.is_empty() {
        let copy = waiting.remove(unanswered.next_of(&waiting, executor.plan.taken_at));
        let given_up = unanswered.is_given_up(copy.source_region()).then_some(Deferred::SameAnswer);
        if let Some(deferred) = rest.or(given_up) {
            executor.settle(copy.item, Outcome::Deferred(deferred));
            continue;
        }
        let outcome = copy_one(executor, destination, &copy).await;
        unanswered.note(copy.source_region(), &outcome);
        rest = of_the_rest(&outcome);
        executor.settle(copy.item, outcome);
    }
}

/// Copies in a row that are not answered, by the Region of their sources.
#[derive(Default)]
struct Unanswered<'a> {
    in_a_row: BTreeMap<&'a Region, usize>,
    is_any_answered: bool,
    last: Option<&'a Region>,
}

/// Copies in a row, of the sources of one Region, after which its others are left to the next run. Each is waited for as long as
/// an answer may take.
const UNANSWERED_MAX: usize = 4;

impl<'a> Unanswered<'a> {
    fn note(&mut self, region: &'a Region, outcome: &Outcome) {
        let in_a_row = self.in_a_row.entry(region).or_default();
        *in_a_row = if is_unanswered(outcome) { *in_a_row + 1 } else { 0 };
        self.is_any_answered |= !is_unanswered(outcome);
        self.last = Some(region);
    }

    /// Where nothing at all was answered and one Region is given up, it is most likely the destination: each other Region has two
    /// tries.
    fn tries_max(&self) -> usize {
        let is_one_given_up = self.in_a_row.values().any(|in_a_row| *in_a_row >= UNANSWERED_MAX);
        if is_one_given_up && !self.is_any_answered { 2 } else { UNANSWERED_MAX }
    }

    fn is_given_up(&self, region: &Region) -> bool {
        self.in_a_row.get(region).is_some_and(|in_a_row| *in_a_row >= self.tries_max())
    }

    /// The place of the next one: the first, but for the last try of a Region.
    fn next_of(&self, waiting: &[Copy<'a>], now: Timestamp) -> usize {
        let is_last_try = |region: &&&Region| self.in_a_row.get(*region) == Some(&(self.tries_max() - 1));
        let Some(region) = self.last.as_ref().filter(is_last_try) else { return 0 };
        let of_region = waiting.iter().enumerate().filter(|(_, copy)| copy.source_region() == *region);
        let places: Vec<_> = of_region.map(|(place, _)| place).collect();
        places.get(first_of(places.len(), now)).copied().unwrap_or(0)
    }
}

fn is_unanswered(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unclear(said) if said.code == NO_ANSWER)
}

/// What becomes of the other copies to a destination that answered one so, where it would answer them so too.
fn of_the_rest(outcome: &Outcome) -> Option<Deferred> {
    match outcome {
        Outcome::Deferred(deferred @ (Deferred::LimitReached | Deferred::Throttled)) => Some(*deferred),
        Outcome::Failed(said)
            if ["NeverConnected", "NoCredentials", "SnapshotLimitExceeded"].contains(&said.code.as_str()) =>
        {
            Some(Deferred::SameAnswer)
        }
        Outcome::Deferred(_) | Outcome::Failed(_) | Outcome::NothingToDo | Outcome::Done { .. } => None,
        Outcome::DoneAlone { .. } | Outcome::Changed(_) | Outcome::Refused(_) | Outcome::Unclear(_) => None,
    }
}

async fn copy_one<C: Cloud>(executor: &Executor<'_, '_, C>, destination: &Region, copy: &Copy<'_>) -> Outcome {
    let (source_region, source, tags) = (copy.source_region(), copy.source, copy.tags);
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
