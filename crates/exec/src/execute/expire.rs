//! The manager's marks, then its deletes, the oldest first.

use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::ids::Region;

use super::delete::Delete;
use super::{Executor, mark};
use crate::cloud::Cloud;

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
    executor.delete_all(deletes).await;
}
