//! Deletes: looked at again in batches, then one call each.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::Timestamp;
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::report::{Changed, Outcome};

use super::look::{IDS_PER_LOOK_MAX, Looked, Wanted};
use super::{Executor, Item, in_turn, outcome_of, said};
use crate::cloud::{Action, Cloud, ErrorKind};
use crate::pacing::CallError;

/// A delete of the plan.
pub(super) struct Delete<'a> {
    pub(super) item: Item<'a>,
    pub(super) snapshot: &'a SnapshotId,
    /// What must be as the plan saw it, or the delete is not sent.
    pub(super) rests_on: Vec<(&'a Region, &'a SnapshotId)>,
}

impl<'a> Delete<'a> {
    fn region(&self) -> &'a Region {
        &self.item.1.region
    }

    /// All that the second look must show.
    fn looked_at(&self) -> impl Iterator<Item = (&'a Region, &'a SnapshotId)> {
        self.rests_on.iter().copied().chain([(self.region(), self.snapshot)])
    }
}

impl<C: Cloud> Executor<'_, '_, C> {
    /// Carries out these deletes, in their order. Those that rest on other Regions wait for those alone.
    pub(super) async fn delete_all<'a>(&self, deletes: impl Iterator<Item = Delete<'a>>) {
        let mut streams: BTreeMap<BTreeSet<&Region>, Vec<Delete<'a>>> = BTreeMap::new();
        for delete in deletes {
            let regions = delete.looked_at().map(|(region, _)| region).collect();
            streams.entry(regions).or_default().push(delete);
        }
        let streams = streams.values().map(|deletes| async {
            // A delete and what it rests on are two ids or more: half of them fill one look.
            for batch in deletes.chunks(IDS_PER_LOOK_MAX / 2) {
                self.delete_batch(batch).await;
            }
        });
        join_all(streams).await;
    }

    async fn delete_batch(&self, batch: &[Delete<'_>]) {
        let mut wanted = Wanted::new();
        for (region, id) in batch.iter().flat_map(Delete::looked_at) {
            wanted.entry(region.clone()).or_default().insert(id.clone());
        }
        let looked = self.look(&wanted).await;
        in_turn(batch.iter().map(|delete| self.delete_unless_changed(delete, &looked))).await;
    }

    async fn delete_unless_changed(&self, delete: &Delete<'_>, looked: &Looked) {
        let changed = self.changed(looked, delete.region(), delete.snapshot);
        let support = || delete.rests_on.iter().find_map(|(region, id)| self.support_gone(looked, region, id));
        let outcome = match changed.or_else(support) {
            Some(forbidden) => forbidden,
            None => self.delete(delete.region(), delete.snapshot, looked.holds_until).await,
        };
        if outcome == Outcome::Changed(Changed::NotShown) {
            self.not_found(
                delete.region(),
                delete.snapshot.as_str(),
                "the second look before its delete did not show it",
            );
        }
        self.settle(delete.item, outcome);
    }

    /// Deletes one snapshot. That it is gone already is success; that EC2 will not is for a person to see.
    /// It goes out before `by`, when the second look is too old, or not at all.
    async fn delete(&self, region: &Region, snapshot: &SnapshotId, by: Timestamp) -> Outcome {
        let cloud = self.pacer.cloud();
        let request = async || cloud.delete_snapshot(region, snapshot).await;
        match self.pacer.call_by(region, Action::DeleteSnapshot, by, request).await {
            Ok(()) => Outcome::Done { made: None },
            Err(CallError::Cloud(error)) => match error.kind {
                ErrorKind::NotFound => Outcome::Done { made: None },
                ErrorKind::Refused => Outcome::Refused(said(&error)),
                ErrorKind::Throttled
                | ErrorKind::RateExceeded
                | ErrorKind::VolumeLimitReached
                | ErrorKind::LimitReached
                | ErrorKind::Unauthorized
                | ErrorKind::Invalid
                | ErrorKind::Unavailable
                | ErrorKind::Ambiguous
                | ErrorKind::Unknown => outcome_of(CallError::Cloud(error)),
            },
            Err(error @ (CallError::Deadline | CallError::Stopped | CallError::TimeInDoubt)) => outcome_of(error),
        }
    }
}
