//! The manager's marks, then its deletes.
//!
//! What came due lately goes first, the oldest first. What has been overdue for longer was most likely asked for before, and EC2
//! refused it: in a fixed order that would take the time of all others, at every run. So it comes last, and begins at another
//! place in each run.

use jiff::Timestamp;
use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::ids::Region;
use snapwarden_core::tags::{TagValue, delete_on};

use super::delete::Delete;
use super::{Executor, mark};
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
    let (mut overdue, lately): (Vec<_>, Vec<_>) = deletes.partition(|delete| is_overdue(executor, region, delete));
    let first = first_of(overdue.len(), executor.plan.taken_at);
    overdue.rotate_left(first);
    executor.delete_all(lately.into_iter().chain(overdue)).await;
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
