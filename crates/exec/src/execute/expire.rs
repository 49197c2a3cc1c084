//! The manager's marks, then its deletes.
//!
//! What came due lately goes first, the oldest first. What has been overdue for longer was most likely asked for before, and EC2
//! refused it: in a fixed order that would take the time of all others, at every run. So it comes last, and begins at another
//! place in each run. Of a volume that is over the newest goes after all others, and only where these are gone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::report::{Deferred, Outcome};
use snapwarden_core::tags::{TagValue, closed, delete_on, source_start_time};

use super::delete::Delete;
use super::{Executor, Item, mark};
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
    let (mut overdue, lately): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|delete| is_overdue(executor, region, delete));
    let first = first_of(overdue.len(), executor.plan.taken_at);
    overdue.rotate_left(first);
    executor.delete_all(lately.into_iter().chain(overdue)).await;
    delete_last(executor, region, last).await;
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
        let (Some(volume), Some(planned)) = (volume_of(delete), executor.planned(region, delete.snapshot)) else {
            continue;
        };
        let taken = source_start_time(&planned.tags).unwrap_or(planned.start_time);
        let is_marked = matches!(closed(&planned.tags), TagValue::Is(_));
        histories.entry(volume).or_default().push((taken, is_marked, delete.snapshot));
    }
    let closed = histories.into_values().filter(|all| all.iter().any(|(_, is_marked, _)| *is_marked));
    let last = closed.flat_map(|all| {
        let newest = all.iter().map(|(taken, ..)| *taken).max();
        all.into_iter().filter(move |(taken, is_marked, _)| *is_marked || Some(*taken) == newest)
    });
    last.map(|(.., snapshot)| snapshot).collect()
}

/// Deletes what goes last of its volume, where all others that were to go are gone. What EC2 refuses, such as that of an AMI, may
/// stay for years, and is not waited for.
async fn delete_last<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region, last: Vec<Delete<'_>>) {
    let ids: BTreeSet<_> = last.iter().map(|delete| delete.snapshot).collect();
    let is_last = |item: &Item<'_>| matches!(&item.1.subject, Subject::Snapshot(id) if ids.contains(&**id));
    let is_other = |item: &Item<'_>| matches!(item.1.act, Act::Delete { .. }) && !is_last(item);
    let is_settled = |outcome: &Outcome| outcome.is_done() || matches!(outcome, Outcome::Refused(_));
    let is_left = |item: &Item<'_>| !executor.outcomes.borrow().get(item.0).is_some_and(is_settled);
    let left = executor.items_in(region).filter(is_other).filter(is_left);
    let left: BTreeSet<_> = left.filter_map(|item| item.1.about.volume.as_ref()).collect();
    let (waiting, free): (Vec<_>, Vec<_>) =
        last.into_iter().partition(|delete| volume_of(delete).is_some_and(|volume| left.contains(volume)));
    for delete in waiting {
        executor.settle(delete.item, Outcome::Deferred(Deferred::AfterOlder));
    }
    executor.delete_all(free.into_iter()).await;
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
