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
    /// The first fault that its own draw, made for its name, falls on: how often one comes does not move the others.
    pub(crate) fn drawn(&self, draw: impl Fn(&str) -> u64) -> Option<Fault> {
        let ratios = [
            (self.throttled, "throttled", Fault::Throttled),
            (self.never_connected, "never connected", Fault::NeverConnected),
            (self.error_before, "error before", Fault::ErrorBefore),
            (self.error_after, "error after", Fault::ErrorAfter),
            (self.lost_before, "lost before", Fault::LostBefore),
            (self.lost_after, "lost after", Fault::LostAfter),
        ];
        let falls = |ratio: u16, name: &str| ratio > 0 && draw(name) % 1_000 < u64::from(ratio);
        ratios.into_iter().find(|(ratio, name, _)| falls(*ratio, name)).map(|(_, _, fault)| fault)
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
    /// The next snapshot of a volume ends so many seconds later.
    pub(crate) stuck: BTreeMap<VolumeId, i64>,
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

    use crate::keys;

    /// What befalls a thousand calls.
    fn drawn(faults: Faults) -> Vec<Option<Fault>> {
        let call = |n: u32| faults.drawn(|name| keys::hash(1, &[name, &n.to_string()]));
        (0..1_000).map(call).collect()
    }

    #[test]
    fn faults_come_in_their_ratio_and_one_does_not_move_another() {
        let both = drawn(Faults { throttled: 500, lost_after: 50, ..Faults::default() });
        let one = drawn(Faults { lost_after: 50, ..Faults::default() });
        let count = |all: &[Option<Fault>], fault| all.iter().filter(|drawn| **drawn == fault).count();
        assert!((450..550).contains(&count(&both, Some(Fault::Throttled))));
        assert!((25..75).contains(&count(&one, Some(Fault::LostAfter))));
        let unmoved = both.iter().zip(&one).all(|(both, one)| both == one || *both == Some(Fault::Throttled));
        assert!(unmoved, "a call is lost or not, however many others are throttled");
        assert_eq!(count(&drawn(Faults::default()), None), 1_000);
    }
}
