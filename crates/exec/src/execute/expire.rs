//! The manager's marks, then its deletes.
//!
//! What came due lately goes first, the oldest first. What has been overdue for longer was most likely asked for before, and EC2
//! refused it: in a fixed order that would take the time of all others, at every run. So it comes last, and begins at another
//! place in each run. The newest of a history goes after all others, and only where these are gone, or EC2 refuses to delete them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::managed::Managed;
use snapwarden_core::report::{Deferred, Outcome};
use snapwarden_core::tags::{TagValue, closed, delete_on};

use super::delete::Delete;
use super::{Executor, mark, rotated};
use crate::cloud::Cloud;

/// Days past DeleteOn from which on a delete was most likely asked for before: a run looks every day at least.
const OVERDUE_DAYS: i32 = 2;

pub(super) async fn in_region<'a, C: Cloud>(executor: &Executor<'a, '_, C>, region: &Region) {
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
    let now = executor.plan.taken_at;
    let newest = newest_of_all(executor, region);
    let is_newest = |delete: &Delete<'_>| newest.contains(delete.snapshot);
    let (newest, older): (Vec<_>, Vec<_>) = deletes.into_iter().partition(is_newest);
    let (marked, others): (Vec<_>, Vec<_>) = older.into_iter().partition(|delete| is_marked(executor, region, delete));
    let place = |delete: &Delete<'a>| (delete.item.0, delete.snapshot);
    let before_marked: Vec<_> = others.iter().map(place).collect();
    let before_newest: Vec<_> = others.iter().chain(&marked).map(place).collect();
    let (overdue, lately): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|delete| is_overdue(executor, region, delete));
    executor.delete_all(lately.into_iter()).await;
    // What is overdue may take all the time that there is.
    let marked = delete_free(executor, region, &before_marked, rotated(marked, now)).await;
    let newest = delete_free(executor, region, &before_newest, rotated(newest, now)).await;
    executor.delete_all(rotated(overdue, now).into_iter()).await;
    let marked = delete_free(executor, region, &before_marked, marked).await;
    let newest = delete_free(executor, region, &before_newest, newest).await;
    for delete in marked.into_iter().chain(newest) {
        executor.settle(delete.item, Outcome::Deferred(Deferred::AfterOlder));
    }
}

/// The newest of each volume here, which goes only where the history is closed, and then last (S6).
fn newest_of_all<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region) -> BTreeSet<SnapshotId> {
    let here = executor.inventory.snapshots_in(region).iter();
    let ours = here.filter_map(|one| Managed::of(region, one, &executor.inventory.account).ok());
    let mut newest: BTreeMap<VolumeId, (Timestamp, Vec<SnapshotId>)> = BTreeMap::new();
    for one in ours.filter(Managed::is_completed) {
        let Some(volume) = one.volume() else { continue };
        let (taken, ids) = newest.entry(volume.clone()).or_insert((one.taken(), Vec::new()));
        if one.taken() > *taken {
            (*taken, *ids) = (one.taken(), Vec::new());
        }
        if one.taken() == *taken {
            ids.push(one.id().clone());
        }
    }
    newest.into_values().flat_map(|(_, ids)| ids).collect()
}

/// Whether it has the mark of a volume that is over: without it the rest would be marked anew.
fn is_marked<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region, delete: &Delete<'_>) -> bool {
    let planned = executor.planned(region, delete.snapshot);
    planned.is_some_and(|planned| matches!(closed(&planned.tags), TagValue::Is(_)))
}

/// Deletes those of `last` whose volume has none of `before` left, and gives back the others. What EC2 refuses, such as that of an
/// AMI, may stay for years, and is not waited for.
async fn delete_free<'a, C: Cloud>(
    executor: &Executor<'a, '_, C>,
    region: &Region,
    before: &[(usize, &'a SnapshotId)],
    last: Vec<Delete<'a>>,
) -> Vec<Delete<'a>> {
    let volume_of = |snapshot: &SnapshotId| {
        let managed = Managed::of(region, executor.planned(region, snapshot)?, &executor.inventory.account).ok()?;
        managed.volume().cloned()
    };
    let is_out_of_the_way = |outcome: &Outcome| outcome.is_done() || matches!(outcome, Outcome::Refused(_));
    let outcomes = executor.outcomes.borrow().clone();
    let is_waited_for = |(place, _): &&(usize, &SnapshotId)| !outcomes.get(*place).is_some_and(is_out_of_the_way);
    let waited_for: BTreeSet<_> =
        before.iter().filter(is_waited_for).filter_map(|(_, snapshot)| volume_of(snapshot)).collect();
    let is_waiting =
        |delete: &Delete<'_>| volume_of(delete.snapshot).is_some_and(|volume| waited_for.contains(&volume));
    let (waiting, free): (Vec<_>, Vec<_>) = last.into_iter().partition(is_waiting);
    executor.delete_all(free.into_iter()).await;
    waiting
}

fn is_overdue<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region, delete: &Delete<'_>) -> bool {
    let planned = executor.planned(region, delete.snapshot);
    planned.is_some_and(|snapshot| match delete_on(&snapshot.tags) {
        TagValue::Is(day) => (executor.inventory.today() - day).get_days() >= OVERDUE_DAYS,
        TagValue::Absent | TagValue::Unreadable(_) => false,
    })
}
