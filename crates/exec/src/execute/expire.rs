//! The manager's marks, then its deletes: looked at again in batches, then one call each, the oldest first.

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::ids::{Region, SnapshotId};

use super::look::{IDS_PER_LOOK_MAX, Wanted};
use super::mark;
use super::{CONCURRENCY, Executor, Item};
use crate::cloud::Cloud;

struct Delete<'a> {
    item: Item<'a>,
    region: &'a Region,
    snapshot: &'a SnapshotId,
    /// What must be as the plan saw it, or the delete is not sent: the newer one here, and what tiers keep in its place.
    rests_on: Vec<(&'a Region, &'a SnapshotId)>,
}

pub(super) async fn execute<C: Cloud>(executor: &Executor<'_, '_, C>) {
    mark::execute(executor).await;
    let deletes: Vec<_> = executor
        .items()
        .filter_map(|item| match (&item.1.act, &item.1.subject) {
            (Act::Delete { anchor, rests_on }, Subject::Snapshot(snapshot)) => {
                let region = &item.1.region;
                let anchor = anchor.iter().map(|anchor| (region, anchor));
                let rests_on = anchor.chain(rests_on.iter().map(|held| (&held.region, &held.snapshot))).collect();
                Some(Delete { item, region, snapshot, rests_on })
            }
            _ => None,
        })
        .collect();
    let regions = executor.plan.regions.iter();
    join_all(regions.map(|region| {
        let here: Vec<_> = deletes.iter().filter(|delete| delete.region == region).collect();
        async move { in_region(executor, here).await }
    }))
    .await;
}

async fn in_region<C: Cloud>(executor: &Executor<'_, '_, C>, deletes: Vec<&Delete<'_>>) {
    // A delete and its anchor are two ids: half of them fill one look. What tiers keep is the same for many deletes.
    for batch in deletes.chunks(IDS_PER_LOOK_MAX / 2) {
        let mut wanted = Wanted::new();
        for delete in batch {
            for (region, id) in delete.rests_on.iter().copied().chain([(delete.region, delete.snapshot)]) {
                wanted.entry(region.clone()).or_default().insert(id.clone());
            }
        }
        let looked = executor.look(&wanted).await;
        let calls = batch.iter().map(|delete| {
            let changed = executor.changed(&looked, delete.region, delete.snapshot);
            let support = || delete.rests_on.iter().find_map(|(region, id)| executor.support_gone(&looked, region, id));
            let forbidden = changed.or_else(support);
            executor.delete_unless(forbidden, delete.item, delete.region, delete.snapshot, looked.holds_until)
        });
        stream::iter(calls).buffer_unordered(CONCURRENCY).collect::<Vec<()>>().await;
    }
}
