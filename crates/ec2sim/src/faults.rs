//! EC2's bad days: drawn by the seed, or ordered by a test.
//!
//! A draw is keyed by the seed, the Region, the action, the resource or page, and the attempt, so a retry draws anew and
//! the order in which calls arrive does not matter.

use std::collections::{BTreeMap, BTreeSet};

use snapwarden_core::ids::{Region, VolumeId};

use crate::call::{Action, ApiError};

/// A way in which one call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// `RequestLimitExceeded`, whatever the bucket holds.
    Throttled,
    /// The endpoint is not reached.
    NeverConnected,
    /// A 5xx, and nothing was done.
    ErrorBefore,
    /// A 5xx, although the call was done.
    ErrorAfter,
    /// No reply, and nothing was done.
    LostBefore,
    /// No reply, although the call was done.
    LostAfter,
}

/// How often calls go wrong by themselves, in thousandths. One call has at most one fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// See [`Fault::Throttled`].
    pub throttled: u16,
    /// See [`Fault::NeverConnected`].
    pub never_connected: u16,
    /// See [`Fault::ErrorBefore`].
    pub error_before: u16,
    /// See [`Fault::ErrorAfter`].
    pub error_after: u16,
    /// See [`Fault::LostBefore`].
    pub lost_before: u16,
    /// See [`Fault::LostAfter`].
    pub lost_after: u16,
}

impl Faults {
    /// The fault that a draw falls on.
    pub(crate) fn drawn(&self, draw: u64) -> Option<Fault> {
        let mut left = draw % 1_000;
        let ratios = [
            (self.throttled, Fault::Throttled),
            (self.never_connected, Fault::NeverConnected),
            (self.error_before, Fault::ErrorBefore),
            (self.error_after, Fault::ErrorAfter),
            (self.lost_before, Fault::LostBefore),
            (self.lost_after, Fault::LostAfter),
        ];
        for (ratio, fault) in ratios {
            if left < u64::from(ratio) {
                return Some(fault);
            }
            left -= u64::from(ratio);
        }
        None
    }
}

/// What a test orders for one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ordered {
    /// Goes wrong in this way.
    Fault(Fault),
    /// Is refused with this answer; nothing is done.
    Answer(ApiError),
}

/// One order: the next call that fits gets it.
#[derive(Debug, Clone)]
struct Order {
    region: Region,
    action: Action,
    /// Any of the call's subjects; none fits every call.
    subject: Option<String>,
    what: Ordered,
}

/// Which copies fail for want of their key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KmsOrder {
    /// Those to this Region.
    Destination(Region),
    /// Those of this volume's snapshots.
    Volume(VolumeId),
}

/// Everything that is ordered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Orders {
    calls: Vec<Order>,
    pub(crate) kms: BTreeSet<KmsOrder>,
    /// The next snapshot of a volume fails, with this message.
    pub(crate) failing: BTreeMap<VolumeId, String>,
    /// Withdrawn from every principal, in one Region or everywhere.
    pub(crate) withdrawn: BTreeSet<(Option<Region>, Action)>,
}

impl Orders {
    pub(crate) fn add(&mut self, region: Region, action: Action, subject: Option<String>, what: Ordered) {
        self.calls.push(Order { region, action, subject, what });
    }

    /// Takes the oldest order that fits.
    pub(crate) fn take(&mut self, region: &Region, action: Action, subjects: &[String]) -> Option<Ordered> {
        let fits = |order: &Order| {
            let subject_fits = order.subject.as_ref().is_none_or(|subject| subjects.contains(subject));
            order.region == *region && order.action == action && subject_fits
        };
        let place = self.calls.iter().position(fits)?;
        Some(self.calls.remove(place).what)
    }

    pub(crate) fn is_withdrawn(&self, region: &Region, action: Action) -> bool {
        self.withdrawn.contains(&(None, action)) || self.withdrawn.contains(&(Some(region.clone()), action))
    }
}

/// What EC2 answers when it fails by itself.
pub(crate) fn internal_error() -> ApiError {
    ApiError::answer(500, "InternalError", "An internal error has occurred")
}

/// Its code for [`page_unavailable`], which no other fault has.
pub(crate) const UNAVAILABLE: &str = "Unavailable";

/// What EC2 answers where a page of a listing cannot be had.
pub(crate) fn page_unavailable() -> ApiError {
    ApiError::answer(503, UNAVAILABLE, "The server is overloaded and can't handle the request.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_falls_on_faults_in_their_ratio() {
        let faults = Faults { throttled: 10, lost_after: 5, ..Faults::default() };
        let count = |fault| (0..1_000).filter(|draw| faults.drawn(*draw) == fault).count();
        assert_eq!(count(Some(Fault::Throttled)), 10);
        assert_eq!(count(Some(Fault::LostAfter)), 5);
        assert_eq!(count(None), 985);
    }
}
