//! The second look: right before a delete, the snapshot and all that the delete rests on must be what the plan saw.
//!
//! It closes the race in which a person tags KeepForever, or removes a copy, between the plan and the call. Whatever
//! differs, however harmless it may be, is left to the next run.

use std::collections::{BTreeMap, BTreeSet};

use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::Snapshot;
use snapwarden_core::report::Changed;

use super::Executor;
use crate::cloud::{Action, Cloud, SnapshotQuery};

/// Snapshots that one look can ask for: AWS takes 200 filter values a request (EC2 user guide, Using_Filtering).
pub(super) const IDS_PER_LOOK_MAX: usize = 200;

/// What is to be looked at, by Region.
pub(super) type Wanted = BTreeMap<Region, BTreeSet<SnapshotId>>;

/// What was seen.
pub(super) struct Looked {
    seen: BTreeMap<(Region, SnapshotId), Snapshot>,
    not_looked: BTreeSet<Region>,
}

impl<C: Cloud> Executor<'_, '_, C> {
    /// Looks again, 200 ids a call.
    pub(super) async fn look(&self, wanted: &Wanted) -> Looked {
        let mut looked = Looked { seen: BTreeMap::new(), not_looked: BTreeSet::new() };
        let cloud = self.pacer.cloud();
        for (region, ids) in wanted {
            let ids: Vec<_> = ids.iter().cloned().collect();
            for chunk in ids.chunks(IDS_PER_LOOK_MAX) {
                let request = async || cloud.describe_snapshots(region, SnapshotQuery::Ids(chunk.to_vec())).await;
                match self.pacer.call(region, Action::DescribeSnapshots, request).await {
                    Ok(page) => {
                        let seen =
                            page.items.into_iter().map(|snapshot| ((region.clone(), snapshot.id.clone()), snapshot));
                        looked.seen.extend(seen);
                    }
                    Err(_) => {
                        looked.not_looked.insert(region.clone());
                    }
                }
            }
        }
        looked
    }

    /// Why `snapshot` may not be deleted, if the second look says so.
    pub(super) fn changed(&self, looked: &Looked, region: &Region, snapshot: &SnapshotId) -> Option<Changed> {
        if looked.not_looked.contains(region) {
            return Some(Changed::NotLooked);
        }
        let Some(now) = looked.seen.get(&(region.clone(), snapshot.clone())) else {
            return Some(Changed::NotShown);
        };
        if now.tags.keep_forever() {
            return Some(Changed::Pinned);
        }
        (self.planned(region, snapshot) != Some(now)).then_some(Changed::Differs)
    }

    /// Why what a delete rests on does not hold any more, if so.
    pub(super) fn support_gone(&self, looked: &Looked, region: &Region, support: &SnapshotId) -> Option<Changed> {
        if looked.not_looked.contains(region) {
            return Some(Changed::NotLooked);
        }
        let now = looked.seen.get(&(region.clone(), support.clone()));
        (now.is_none() || self.planned(region, support) != now).then_some(Changed::SupportGone)
    }

    /// The snapshot as the plan saw it.
    fn planned(&self, region: &Region, snapshot: &SnapshotId) -> Option<&Snapshot> {
        let seen = self.inventory.snapshots_in(region);
        // Listings are in the order of their ids (crate::collect).
        seen.binary_search_by(|candidate| candidate.id.cmp(snapshot)).ok().and_then(|place| seen.get(place))
    }
}
