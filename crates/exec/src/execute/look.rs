//! The second look: right before a delete, the snapshot and all that the delete rests on must be what the plan saw.
//!
//! It closes the race in which a person tags KeepForever, or removes a copy, between the plan and the call. Whatever
//! differs, however harmless it may be, is left to the next run.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::Snapshot;
use snapwarden_core::report::{Changed, Outcome};
use snapwarden_core::tags::key;

use super::{Executor, outcome_of};
use crate::cloud::{Action, Cloud, CloudError, Page, SnapshotQuery};
use crate::pacing::CallError;

/// Snapshots that one look can ask for: AWS takes 200 filter values a request (EC2 user guide, Using_Filtering).
pub(super) const IDS_PER_LOOK_MAX: usize = 200;

/// What is to be looked at, by Region.
pub(super) type Wanted = BTreeMap<Region, BTreeSet<SnapshotId>>;

/// How long after it was sent a second look still holds. A throttled delete may come minutes after it.
const HOLDS_SECONDS: i64 = 60;

/// What was seen, and until when that holds.
pub(super) struct Looked {
    seen: BTreeMap<(Region, SnapshotId), Snapshot>,
    not_looked: BTreeMap<Region, CallError>,
    /// Nothing that rests on this look may be sent at this time or after it.
    pub(super) holds_until: Timestamp,
}

impl<C: Cloud> Executor<'_, '_, C> {
    /// Looks again, 200 ids a call.
    pub(super) async fn look(&self, wanted: &Wanted) -> Looked {
        let ids = wanted.iter().map(|(region, ids)| (region, ids.iter().cloned().collect::<Vec<_>>()));
        let chunks = ids.flat_map(|(region, ids)| {
            let chunks: Vec<_> = ids.chunks(IDS_PER_LOOK_MAX).map(<[_]>::to_vec).collect();
            chunks.into_iter().map(move |ids| self.look_at(region, ids))
        });
        let mut looked = Looked { seen: BTreeMap::new(), not_looked: BTreeMap::new(), holds_until: Timestamp::MAX };
        for (region, answer, at) in join_all(chunks).await {
            let until = at.saturating_add(SignedDuration::from_secs(HOLDS_SECONDS)).unwrap_or(Timestamp::MAX);
            looked.holds_until = looked.holds_until.min(until);
            match answer {
                Ok(items) => {
                    let seen = items.into_iter().map(|snapshot| ((region.clone(), snapshot.id.clone()), snapshot));
                    looked.seen.extend(seen);
                }
                Err(error) => {
                    looked.not_looked.insert(region.clone(), error);
                }
            }
        }
        looked
    }

    /// One look, and when it was sent: EC2 may answer with what was true then.
    async fn look_at<'r>(
        &self,
        region: &'r Region,
        ids: Vec<SnapshotId>,
    ) -> (&'r Region, Result<Vec<Snapshot>, CallError>, Timestamp) {
        let cloud = self.pacer.cloud();
        let sent = Cell::new(cloud.now());
        let request = async || {
            sent.set(cloud.now());
            looked_whole(cloud.describe_snapshots(region, SnapshotQuery::Ids(ids.clone())).await?)
        };
        let answer = self.pacer.call(region, Action::DescribeSnapshots, request).await;
        (region, answer, sent.get())
    }

    /// What becomes of a delete of `snapshot` that the second look forbids, if it does.
    pub(super) fn changed(&self, looked: &Looked, region: &Region, snapshot: &SnapshotId) -> Option<Outcome> {
        if let Some(error) = looked.not_looked.get(region) {
            return Some(outcome_of(error.clone()));
        }
        let Some(now) = looked.seen.get(&(region.clone(), snapshot.clone())) else {
            return Some(Outcome::Changed(Changed::NotShown));
        };
        if now.tags.keep_forever() {
            return Some(Outcome::Changed(Changed::Pinned));
        }
        (!self.is_as_planned(region, now)).then_some(Outcome::Changed(Changed::Differs))
    }

    /// What becomes of a delete whose support does not hold any more, if it does not.
    pub(super) fn support_gone(&self, looked: &Looked, region: &Region, support: &SnapshotId) -> Option<Outcome> {
        if let Some(error) = looked.not_looked.get(region) {
            return Some(outcome_of(error.clone()));
        }
        let now = looked.seen.get(&(region.clone(), support.clone()));
        let holds = now.is_some_and(|now| self.is_as_planned(region, now));
        (!holds).then_some(Outcome::Changed(Changed::SupportGone))
    }

    /// Whether a snapshot is what the plan saw. Its mark is not compared: this run may have written it a moment ago.
    fn is_as_planned(&self, region: &Region, now: &Snapshot) -> bool {
        let unmarked = |snapshot: &Snapshot| {
            let mut snapshot = snapshot.clone();
            snapshot.tags.remove(key::CLOSED);
            snapshot
        };
        let planned = self.planned(region, &now.id);
        planned.is_some_and(|planned| planned == now || unmarked(planned) == unmarked(now))
    }

    /// The snapshot as the plan saw it.
    pub(super) fn planned(&self, region: &Region, snapshot: &SnapshotId) -> Option<&Snapshot> {
        let seen = self.inventory.snapshots_in(region);
        // Listings are in the order of their ids (crate::collect).
        seen.binary_search_by(|candidate| candidate.id.cmp(snapshot)).ok().and_then(|place| seen.get(place))
    }
}

/// An answer that says more follows is no look: what is absent from it may be on the next page.
fn looked_whole(page: Page<Snapshot>) -> Result<Vec<Snapshot>, CloudError> {
    match page.next.as_deref() {
        None | Some("") => Ok(page.items),
        Some(_) => Err(CloudError::no_answer("EC2 answered the second look only in part")),
    }
}
