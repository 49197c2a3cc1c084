//! The manager's deletes: looked at again in batches, then one call each, the oldest first.

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::ids::{Region, SnapshotId};

use super::look::{IDS_PER_LOOK_MAX, Wanted};
use super::{CONCURRENCY, Executor, Item};
use crate::cloud::Cloud;

struct Delete<'a> {
    item: Item<'a>,
    region: &'a Region,
    snapshot: &'a SnapshotId,
    anchor: Option<&'a SnapshotId>,
}

pub(super) async fn execute<C: Cloud>(executor: &Executor<'_, '_, C>) {
    let deletes: Vec<_> = executor
        .items()
        .filter_map(|item| match (&item.1.act, &item.1.subject) {
            (Act::Delete { anchor }, Subject::Snapshot(snapshot)) => {
                Some(Delete { item, region: &item.1.region, snapshot, anchor: anchor.as_ref() })
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
    // A delete and its anchor are two ids: half of them fill one look.
    for batch in deletes.chunks(IDS_PER_LOOK_MAX / 2) {
        let mut wanted = Wanted::new();
        for delete in batch {
            let ids = wanted.entry(delete.region.clone()).or_default();
            ids.insert(delete.snapshot.clone());
            ids.extend(delete.anchor.cloned());
        }
        let looked = executor.look(&wanted).await;
        let calls = batch.iter().map(|delete| {
            let changed = executor.changed(&looked, delete.region, delete.snapshot);
            let support = || delete.anchor.and_then(|anchor| executor.support_gone(&looked, delete.region, anchor));
            let forbidden = changed.or_else(support);
            executor.delete_unless(forbidden, delete.item, delete.region, delete.snapshot, looked.holds_until)
        });
        stream::iter(calls).buffer_unordered(CONCURRENCY).collect::<Vec<()>>().await;
    }
}
