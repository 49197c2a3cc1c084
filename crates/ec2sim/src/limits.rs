//! AWS's limits: how often an action may be called, and how much of something there may be.
//!
//! Request rates are token buckets per account, Region and action, in whole thousandths of a token: no rounding decides
//! whether a call passes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use snapwarden_core::ids::Region;

use crate::call::{Action, ApiError};

/// Seconds between two snapshots of one volume (EC2 API reference, error codes: "Wait at least 15 seconds between
/// concurrent volume snapshots").
pub const SNAPSHOT_SPACING_S: i64 = 15;
/// Copies in flight to one destination Region (EBS user guide, ebs-resource-quotas).
pub const COPIES_IN_FLIGHT_MAX: usize = 20;
/// Snapshots in a Region (EBS user guide, ebs-resource-quotas).
pub const SNAPSHOTS_PER_REGION_MAX: usize = 100_000;
/// Data volumes that one CreateSnapshots may exclude (EC2 API reference, InstanceSpecification).
pub const DATA_EXCLUSIONS_MAX: usize = 40;
/// Values in the filters of one request (EC2 user guide, Using_Filtering).
pub const FILTER_VALUES_MAX: usize = 200;
/// Resources in one CreateTags (EC2 API reference, CreateTags).
pub const TAGGED_AT_ONCE_MAX: usize = 1_000;
/// Characters in a tag's key (EC2 user guide, Using_Tags).
pub const TAG_KEY_LENGTH_MAX: usize = 128;
/// Items that a page may be asked to have (EC2 API reference, DescribeSnapshots).
pub const PAGE_SIZE_RANGE: (u32, u32) = (5, 1_000);

/// A bucket's size and how fast it fills (EC2 developer guide, ec2-api-throttling).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls that may be made at once.
    pub capacity: u32,
    /// Calls that come back in a second.
    pub refill: u32,
}

/// Filters in one request (EC2 user guide, Using_Filtering).
pub const FILTERS_MAX: usize = 50;
/// Characters in a filter's value (EC2 user guide, Using_Filtering).
pub const FILTER_LENGTH_MAX: usize = 255;
/// Ids that one describe may name (EC2 API reference, Query-Requests).
pub const IDS_MAX: usize = 1_000;

/// The rate of an action; `bare` is a describe without filter and without paging. GetCallerIdentity is STS's and has no
/// rate of interest here; CopySnapshot has no row of its own in the table, so the default of mutating actions counts. It
/// counts for what builds a fleet as well, volumes aside: those actions' buckets of resources are not kept here.
pub fn rate(action: Action, bare: bool) -> Option<Rate> {
    let rate = |capacity, refill| Some(Rate { capacity, refill });
    match action {
        Action::GetCallerIdentity => None,
        Action::DescribeInstances | Action::DescribeVolumes | Action::DescribeSnapshots if bare => rate(50, 10),
        Action::DescribeInstances | Action::DescribeVolumes | Action::DescribeSnapshots => rate(100, 20),
        Action::DescribeRegions | Action::DescribeImages | Action::DescribeTags => rate(100, 20),
        Action::CreateSnapshot | Action::CreateSnapshots | Action::DeleteSnapshot => rate(100, 5),
        Action::CopySnapshot => rate(50, 5),
        Action::CreateTags | Action::DeleteTags => rate(100, 10),
        Action::CreateVolume | Action::DeleteVolume => rate(100, 5),
        Action::RunInstances | Action::StartInstances | Action::StopInstances => rate(50, 5),
        Action::TerminateInstances | Action::AttachVolume | Action::DetachVolume => rate(50, 5),
        Action::CreateImage | Action::DeregisterImage => rate(50, 5),
    }
}

/// Thousandths of a token in a token; also milliseconds in a second, which makes the refill exact.
const MILLI: i64 = 1_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    milli_tokens: i64,
    filled_ms: i64,
}

/// All buckets of the account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets(BTreeMap<(Region, Action, bool), Bucket>);

impl Buckets {
    /// Takes a token; an error where there is none.
    pub(crate) fn take(&mut self, region: &Region, action: Action, bare: bool, now: Timestamp) -> Result<(), ApiError> {
        let Some(rate) = rate(action, bare) else { return Ok(()) };
        let (full, now_ms) = (i64::from(rate.capacity) * MILLI, now.as_millisecond());
        let new = Bucket { milli_tokens: full, filled_ms: now_ms };
        let bucket = self.0.entry((region.clone(), action, bare)).or_insert(new);
        let refill = (now_ms - bucket.filled_ms).saturating_mul(i64::from(rate.refill));
        bucket.milli_tokens = bucket.milli_tokens.saturating_add(refill).min(full);
        bucket.filled_ms = now_ms;
        if bucket.milli_tokens < MILLI {
            return Err(throttled());
        }
        bucket.milli_tokens -= MILLI;
        Ok(())
    }
}

/// What EC2 answers when the request rate is exceeded.
pub(crate) fn throttled() -> ApiError {
    ApiError::answer(503, "RequestLimitExceeded", "Request limit exceeded.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_at_the_documented_rate() {
        let (mut buckets, region) = (Buckets::default(), "eu-west-1".parse().unwrap());
        let mut take =
            |ms| buckets.take(&region, Action::CopySnapshot, false, Timestamp::from_millisecond(ms).unwrap());
        assert_eq!((0..60).filter(|_| take(0).is_ok()).count(), 50);
        assert_eq!(take(199), Err(throttled()), "a fifth of a second for one token");
        assert!(take(200).is_ok());
        assert_eq!((0..60).filter(|_| take(2_200).is_ok()).count(), 10);
        assert_eq!((0..60).filter(|_| take(1_000_000).is_ok()).count(), 50, "never more than its size");
    }

    #[test]
    fn an_unpaginated_describe_has_its_own_smaller_bucket() {
        assert_eq!(rate(Action::DescribeSnapshots, true), Some(Rate { capacity: 50, refill: 10 }));
        assert_eq!(rate(Action::DescribeSnapshots, false), Some(Rate { capacity: 100, refill: 20 }));
        assert_eq!(rate(Action::DeleteSnapshot, false), Some(Rate { capacity: 100, refill: 5 }));
    }
}
