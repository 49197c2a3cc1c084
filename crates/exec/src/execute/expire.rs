//! The manager's marks, then its deletes.
//!
//! What came due lately goes first, the oldest first. What has been overdue for longer was most likely asked for before, and EC2
//! refused it: in a fixed order that would take the time of all others, at every run. So it comes last, and begins at another
//! place in each run. Of a volume that is over the newest goes after all others, and only where these are gone, or EC2 refuses to
//! delete them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::managed::Managed;
use snapwarden_core::report::{Deferred, Outcome};
use snapwarden_core::tags::{TagValue, delete_on};

use super::delete::Delete;
use super::{Executor, Item, mark, rotated};
use crate::cloud::Cloud;

/// Days past DeleteOn from which on a delete was most likely asked for before: a run looks every day at least.
const OVERDUE_DAYS: i32 = 2;

pub(super) async fn in_region<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region) {
    mark::in_region(executor, region).await;
    let deletes = executor.items_in(region).filter_map(|item| match (&item.1.act, &item.1.subject) {
        (Act::Delete { anchor, rests_on }, Subject::Snapshot(snapshot)) => {
            let anchor = anchor.iter().map(|anchor| (&item.1.region, anchor));
            let rests_on = anchor.chain(rests_on.iter().map(|held| (&held.region, &held.snapshot))).collect();
            Some(Delete { item, snapshot, rests_on })
        }
        _ => None,
    });
    let deletes: Vec<_> = deletes.collect();
    let last = last_of_closed(executor, region, &deletes);
    let (last, others): (Vec<_>, Vec<_>) = deletes.into_iter().partition(|delete| last.contains(delete.snapshot));
    let before: Vec<Item<'_>> = others.iter().map(|delete| delete.item).collect();
    let (overdue, lately): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|delete| is_overdue(executor, region, delete));
    executor.delete_all(lately.into_iter()).await;
    // What is overdue may take all the time that there is.
    let waiting = delete_free(executor, &before, rotated(last, executor.plan.taken_at)).await;
    executor.delete_all(rotated(overdue, executor.plan.taken_at).into_iter()).await;
    for delete in delete_free(executor, &before, waiting).await {
        executor.settle(delete.item, Outcome::Deferred(Deferred::AfterOlder));
    }
}

/// What goes last of each history that is closed (S6): what has the mark, without which the rest would be marked anew, and the
/// newest.
fn last_of_closed<'a, C: Cloud>(
    executor: &Executor<'a, '_, C>,
    region: &Region,
    deletes: &[Delete<'a>],
) -> BTreeSet<&'a SnapshotId> {
    let mut histories: BTreeMap<&VolumeId, Vec<(Timestamp, bool, &SnapshotId)>> = BTreeMap::new();
    for delete in deletes {
        let planned = executor.planned(region, delete.snapshot);
        let managed = planned.and_then(|planned| Managed::of(region, planned, &executor.inventory.account).ok());
        if let (Some(volume), Some(managed)) = (volume_of(delete), managed) {
            let is_marked = matches!(managed.closed(), TagValue::Is(_));
            histories.entry(volume).or_default().push((managed.taken(), is_marked, delete.snapshot));
        }
    }
    let of_closed = histories.into_values().filter(|all| all.iter().any(|(_, is_marked, _)| *is_marked));
    let last = of_closed.flat_map(|all| {
        let newest = all.iter().map(|(taken, ..)| *taken).max();
        all.into_iter().filter(move |(taken, is_marked, _)| *is_marked || Some(*taken) == newest)
    });
    last.map(|(.., snapshot)| snapshot).collect()
}

/// Deletes those of `last` whose volume has none of `before` left, and gives back the others. What EC2 refuses, such as that of an
/// AMI, may stay for years, and is not waited for.
async fn delete_free<'a, C: Cloud>(
    executor: &Executor<'a, '_, C>,
    before: &[Item<'a>],
    last: Vec<Delete<'a>>,
) -> Vec<Delete<'a>> {
    let is_out_of_the_way = |outcome: &Outcome| outcome.is_done() || matches!(outcome, Outcome::Refused(_));
    let is_waited_for = |(place, _): &&Item<'a>| !executor.outcomes.borrow().get(*place).is_some_and(is_out_of_the_way);
    let waited_for: BTreeSet<_> =
        before.iter().filter(is_waited_for).filter_map(|(_, decision)| decision.about.volume.as_ref()).collect();
    let (waiting, free): (Vec<_>, Vec<_>) =
        last.into_iter().partition(|delete| volume_of(delete).is_some_and(|volume| waited_for.contains(volume)));
    executor.delete_all(free.into_iter()).await;
    waiting
}

fn volume_of<'a>(delete: &Delete<'a>) -> Option<&'a VolumeId> {
    delete.item.1.about.volume.as_ref()
}

fn is_overdue<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region, delete: &Delete<'_>) -> bool {
    let planned = executor.planned(region, delete.snapshot);
    planned.is_some_and(|snapshot| match delete_on(&snapshot.tags) {
        TagValue::Is(day) => (executor.inventory.today() - day).get_days() >= OVERDUE_DAYS,
        TagValue::Absent | TagValue::Unreadable(_) => false,
    })
}
