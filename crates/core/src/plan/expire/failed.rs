//! Snapshots that failed: they are remembered for a while, since the next attempt is counted from them, and then they go.

use super::manager::{Manager, in_use};
use crate::decision::{Act, FailedCause, Reason};
use crate::ids::Region;
use crate::inventory::{PENDING_PER_VOLUME_MAX, Snapshot, SnapshotState};
use crate::managed::Managed;
use crate::plan::later;

/// How long an errored snapshot is remembered where nothing replaces it.
const FAILED_KEPT_HOURS: i64 = 24;
/// The same, where errored ones fill the volume's limit and so block its next snapshot.
const FAILED_KEPT_HOURS_AT_LIMIT: i64 = 1;
/// How long an errored copy is remembered: it is the offsiter's memory of when to try again.
const FAILED_COPY_KEPT_HOURS: i64 = 7 * 24;

impl Manager<'_, '_> {
    pub(super) fn failed_rows(&self, snapshot: &Managed<'_>) -> (Act, Reason) {
        let (now, raw) = (self.index.inventory.taken_at, snapshot.raw());
        // One that is itself being copied waits as well (S5), and S7 holds of it.
        if let Some(reason) =
            in_use(snapshot, now).or_else(|| self.copy_in_flight(snapshot)).or_else(|| self.region_unread(snapshot))
        {
            return (Act::Keep, reason);
        }
        let message = raw.state_message.clone().unwrap_or_else(|| "no message".to_owned());
        let at_limit = !snapshot.is_copy() && self.fills_limit(snapshot);
        let (kept_hours, old) = match (snapshot.is_copy(), at_limit) {
            (true, _) => (FAILED_COPY_KEPT_HOURS, FailedCause::Old),
            (false, true) => (FAILED_KEPT_HOURS_AT_LIMIT, FailedCause::FillsLimit),
            (false, false) => (FAILED_KEPT_HOURS, FailedCause::Old),
        };
        let until = later(raw.start_time, kept_hours);
        let cause = if self.is_replaced(snapshot) { FailedCause::Replaced } else { old };
        if cause == FailedCause::Replaced || now >= until {
            let reason = Reason::Failed { message, since: raw.start_time, kept_hours, cause };
            return (Act::Delete { anchor: None, rests_on: Vec::new() }, reason);
        }
        (Act::Keep, Reason::FailureMemory { message, until })
    }

    /// Whether errored ones fill its volume's limit. The first and the last of the slot stay all the same where there is room
    /// for another: the creator's pauses are counted from them.
    fn fills_limit(&self, snapshot: &Managed<'_>) -> bool {
        let (region, volume) = (snapshot.region(), &snapshot.raw().volume_id);
        let limit = self.index.volume(volume).map_or(PENDING_PER_VOLUME_MAX, |(_, volume)| volume.pending_max());
        let is_full = self.failed.get(&(region, volume)).copied().unwrap_or(0) >= limit;
        is_full && (limit <= 2 || !self.is_first_or_last(snapshot))
    }

    fn is_first_or_last(&self, snapshot: &Managed<'_>) -> bool {
        let is_like = |one: &&Managed<'_>| {
            let is_errored = one.raw().state == SnapshotState::Error && !one.is_copy();
            is_errored && one.region() == snapshot.region() && one.slot() == snapshot.slot()
        };
        let begun = |one: &Managed<'_>| (one.raw().start_time, one.id().clone());
        let all = || self.index.of_volume(&snapshot.raw().volume_id).filter(is_like).map(begun);
        let own = Some(begun(snapshot));
        all().min() == own || all().max() == own
    }

    fn is_replaced(&self, failed: &Managed<'_>) -> bool {
        if failed.is_copy() {
            let completed = |(region, copy): &(&Region, &Snapshot)| {
                *region == failed.region() && copy.state == SnapshotState::Completed
            };
            return failed.source().is_some_and(|source| self.index.copies_of(source).iter().any(completed));
        }
        let same = failed.volume().into_iter().flat_map(|volume| self.index.of_volume(volume));
        let mut later = same.filter(|one| one.region() == failed.region() && one.is_completed());
        later.any(|one| one.raw().start_time > failed.raw().start_time)
    }
}
