//! The seam: the handful of things that a job asks of EC2, and the ways in which EC2 fails.
//!
//! Errors say what is known about the call, because that decides what may be done next: an answer that proves that
//! nothing was made may be tried again, no answer may not ([`ErrorKind::Ambiguous`]), since CreateSnapshot(s) and
//! CopySnapshot have no client token.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use snapwarden_core::ids::{AccountId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, Volume};
use snapwarden_core::tags::Tags;

/// EC2's actions that the jobs use, and STS's GetCallerIdentity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "AWS's own names")]
pub enum Action {
    GetCallerIdentity,
    DescribeRegions,
    DescribeInstances,
    DescribeVolumes,
    DescribeSnapshots,
    CreateSnapshot,
    CreateSnapshots,
    CopySnapshot,
    DeleteSnapshot,
    CreateTags,
}

impl Action {
    /// Whether it changes anything.
    pub fn is_change(self) -> bool {
        match self {
            Action::GetCallerIdentity | Action::DescribeRegions | Action::DescribeInstances => false,
            Action::DescribeVolumes | Action::DescribeSnapshots => false,
            Action::CreateSnapshot | Action::CreateSnapshots | Action::CopySnapshot => true,
            Action::DeleteSnapshot | Action::CreateTags => true,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What is known of a call that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The request rate of an action; nothing was done.
    Throttled,
    /// A volume's own rate of snapshots (15 s apart); nothing was done.
    RateExceeded,
    /// Too many unfinished snapshots of one volume; nothing was done.
    VolumeLimitReached,
    /// Too many at once, or too many in all, in the Region; nothing was done.
    LimitReached,
    /// No such snapshot, volume or instance, or not visible yet.
    NotFound,
    /// EC2 does not delete it: an AMI uses it, it is locked, or AWS Backup has it.
    Refused,
    /// Not allowed, or the credentials are not good (any more).
    Unauthorized,
    /// EC2 does not take the request as it is; nothing was done.
    Invalid,
    /// The endpoint was never reached; nothing was done.
    Unavailable,
    /// No answer, or a 5xx: the call may have happened.
    Ambiguous,
    /// A code that is not known here. It proves nothing and never leads to a delete.
    Unknown,
}

/// What EC2's codes mean (EC2 API reference, "Error codes"). A code that is not here is known by its status alone.
const CODES: &[(ErrorKind, &[&str])] = &[
    (
        ErrorKind::Throttled,
        &[
            "RequestLimitExceeded",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "EC2ThrottledException",
            "SlowDown",
            "PriorRequestNotComplete",
            "BandwidthLimitExceeded",
            "ProvisionedThroughputExceededException",
            "TransactionInProgressException",
            "LimitExceededException",
        ],
    ),
    (ErrorKind::RateExceeded, &["SnapshotCreationPerVolumeRateExceeded"]),
    (ErrorKind::VolumeLimitReached, &["ConcurrentSnapshotLimitExceeded"]),
    (ErrorKind::LimitReached, &["PendingSnapshotLimitExceeded", "ResourceLimitExceeded", "SnapshotLimitExceeded"]),
    (ErrorKind::NotFound, &["InvalidSnapshot.NotFound", "InvalidVolume.NotFound", "InvalidInstanceID.NotFound"]),
    (ErrorKind::Refused, &["InvalidSnapshot.InUse"]),
    (
        ErrorKind::Unauthorized,
        &[
            "UnauthorizedOperation",
            "AuthFailure",
            "AccessDenied",
            "AccessDeniedException",
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "InvalidClientTokenId",
            "SignatureDoesNotMatch",
            "OptInRequired",
            "Blocked",
            "UnrecognizedClientException",
        ],
    ),
    (
        ErrorKind::Invalid,
        &[
            "InvalidParameterValue",
            "InvalidParameter",
            "InvalidParameterCombination",
            "MissingParameter",
            // Mostly passes by itself; where it does not, a person must see EC2's words.
            "IncorrectState",
            "TagLimitExceeded",
            "FilterLimitExceeded",
            "InvalidAction",
            "UnsupportedOperation",
            "SnapshotCopyUnsupported.InterRegion",
            "InvalidSnapshotID.Malformed",
            "UnknownParameter",
            "InvalidRegion",
            "InvalidRequest",
            "InvalidTagKey.Malformed",
            "ValidationError",
        ],
    ),
    (
        ErrorKind::Ambiguous,
        &[
            "ConcurrentTagAccess",
            "InternalError",
            "InternalFailure",
            "ServiceUnavailable",
            "Unavailable",
            "RetryableError",
        ],
    ),
];

/// Whether EC2's words say that a snapshot is locked, or that AWS Backup has it: it documents no code for either
/// (EBS user guide, ebs-deleting-snapshot and ebs-snapshot-lock).
fn keeps_a_snapshot(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("snapshot") && (message.contains("is locked") || message.contains("aws backup"))
}

/// Our word in the place of a code where there was no answer.
pub const NO_ANSWER: &str = "NoAnswer";

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message} ({code})")]
pub struct CloudError {
    /// What is known of it.
    pub kind: ErrorKind,
    /// AWS's code, or a word of our own where there was no answer.
    pub code: String,
    /// AWS's words, or the connection's.
    pub message: String,
}

impl CloudError {
    /// What an answer of EC2 means. The code counts before the status: `RequestLimitExceeded` is a throttle under any
    /// status.
    pub fn of_answer(code: &str, status: u16, message: &str) -> Self {
        let known = CODES.iter().find(|(_, codes)| codes.contains(&code)).map(|(kind, _)| *kind);
        let kind = match known {
            Some(ErrorKind::Invalid) | None if status < 500 && keeps_a_snapshot(message) => ErrorKind::Refused,
            Some(kind) => kind,
            None if status >= 500 => ErrorKind::Ambiguous,
            None => ErrorKind::Unknown,
        };
        Self { kind, code: code.to_owned(), message: message.to_owned() }
    }

    /// The endpoint was never reached: nothing was sent.
    pub fn never_connected(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Unavailable, code: "NeverConnected".to_owned(), message: message.into() }
    }

    /// The request may have left and no answer came.
    pub fn no_answer(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Ambiguous, code: NO_ANSWER.to_owned(), message: message.into() }
    }
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it; may be nothing although more pages follow.
    pub items: Vec<T>,
    /// Where the next page begins; none, or an empty text, on the last.
    pub next: Option<String>,
}

/// Pages in a row with nothing on them, after which a listing is given up. EC2 sends such where a filter finds little.
const EMPTY_PAGES_MAX: usize = 1_000;
/// Pages that begin as one before them did. A listing that changes between its pages may show something twice.
const REPEATED_PAGES_MAX: usize = 10;

/// Watches the pages of one listing, so that it ends whatever EC2 answers. `K`: the id of what is listed.
#[derive(Debug)]
pub struct Paging<K> {
    tokens: BTreeSet<String>,
    firsts: BTreeSet<K>,
    empty: usize,
    repeated: usize,
}

impl<K> Default for Paging<K> {
    fn default() -> Self {
        Self { tokens: BTreeSet::new(), firsts: BTreeSet::new(), empty: 0, repeated: 0 }
    }
}

impl<K: Ord> Paging<K> {
    /// Where the next page begins; none after the last. `first`: what this page begins with. An empty token ends a listing: EC2
    /// really sends one.
    ///
    /// # Errors
    ///
    /// Why the listing is given up.
    pub fn next(&mut self, first: Option<K>, token: Option<String>) -> Result<Option<String>, &'static str> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
        if !self.tokens.insert(token.clone()) {
            return Err("EC2 gave a page token twice");
        }
        match first {
            None => self.empty += 1,
            Some(first) => {
                self.empty = 0;
                self.repeated += usize::from(!self.firsts.insert(first));
            }
        }
        if self.empty >= EMPTY_PAGES_MAX || self.repeated >= REPEATED_PAGES_MAX {
            return Err("EC2 went on giving pages with nothing new on them");
        }
        Ok(Some(token))
    }
}

/// What DescribeSnapshots is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotQuery {
    /// All that this account owns (`OwnerIds=self`), from this page on.
    Own {
        /// The token of the page before.
        next: Option<String>,
    },
    /// These, by the filter `snapshot-id`, and only those that this account owns, on however many pages: the
    /// answer is one. At most 200: AWS takes 200 filter values a request. A snapshot that is not there is not in the answer; that is no error.
    Ids(Vec<SnapshotId>),
}

/// One CreateSnapshots: a crash-consistent set of an instance's volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetRequest {
    /// Whose volumes.
    pub instance: InstanceId,
    /// The boot volume stays out.
    pub exclude_boot: bool,
    /// These data volumes stay out; at most 40, never the boot volume.
    pub exclude_data: Vec<VolumeId>,
    /// The description of each.
    pub description: String,
    /// The tags of each, from birth.
    pub tags: Tags,
}

/// One CopySnapshot, asked of the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRequest {
    /// Where the source is.
    pub source_region: Region,
    /// The source.
    pub source: SnapshotId,
    /// The copy's description.
    pub description: String,
    /// The copy's tags, from birth: a copy takes none of its source's by itself.
    pub tags: Tags,
}

/// A snapshot that was just begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Its id.
    pub snapshot: SnapshotId,
    /// Its volume.
    pub volume: VolumeId,
}

/// The calls made, by Region and action: the work done is a tested property.
pub type Calls = BTreeMap<(Region, Action), u64>;

/// Two answers of one run that cannot both be right about the time: nothing is changed by either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeJump {
    /// Whose answer that was.
    pub region: Region,
    /// What the answer said.
    pub said: Timestamp,
    /// What it was by the one before that is furthest off, and by a steady clock since.
    pub expected: Timestamp,
}

/// EC2 as the jobs see it. Every call names its Region, makes one request, and retries nothing by itself: when to try
/// again is decided in one place, [`crate::pacing`].
#[allow(async_fn_in_trait, reason = "jobs run on one thread: no future crosses threads")]
pub trait Cloud {
    /// EC2's now (S10): from its answers, moving on with a steady clock between them. There is one from the first call on.
    fn now(&self) -> Timestamp;
    /// Returns at `time` by the same clock; at once where that has passed.
    async fn sleep_until(&self, time: Timestamp);
    /// The calls made so far.
    fn calls(&self) -> Calls;
    /// A run begins: the time of its first answer is believed, whatever the clock said before. Between two runs a process may
    /// have been stopped, and its clock with it.
    fn begin(&self);
    /// The first answer since [`Cloud::begin`] whose time was not believed, if there was one.
    fn time_jump(&self) -> Option<TimeJump>;

    /// The account that the credentials belong to.
    async fn account(&self, region: &Region) -> Result<AccountId, CloudError>;
    /// The Regions that the account can use.
    async fn describe_regions(&self, region: &Region) -> Result<Vec<Region>, CloudError>;
    /// A page of the Region's instances, of every reservation all.
    async fn describe_instances(&self, region: &Region, next: Option<String>) -> Result<Page<Instance>, CloudError>;
    /// A page of the Region's volumes.
    async fn describe_volumes(&self, region: &Region, next: Option<String>) -> Result<Page<Volume>, CloudError>;
    /// A page of the Region's snapshots.
    async fn describe_snapshots(&self, region: &Region, query: SnapshotQuery) -> Result<Page<Snapshot>, CloudError>;
    /// Begins a snapshot of one volume.
    async fn create_snapshot(
        &self,
        region: &Region,
        volume: &VolumeId,
        description: &str,
        tags: &Tags,
    ) -> Result<Begun, CloudError>;
    /// Begins a set.
    async fn create_snapshots(&self, region: &Region, request: SetRequest) -> Result<Vec<Begun>, CloudError>;
    /// Begins a copy in `destination`.
    async fn copy_snapshot(&self, destination: &Region, request: CopyRequest) -> Result<SnapshotId, CloudError>;
    /// Deletes a snapshot.
    async fn delete_snapshot(&self, region: &Region, snapshot: &SnapshotId) -> Result<(), CloudError>;
    /// Sets tags on up to 1,000 resources, all or none.
    async fn create_tags(&self, region: &Region, snapshots: &[SnapshotId], tags: &Tags) -> Result<(), CloudError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_counts_before_the_status() {
        assert_eq!(CloudError::of_answer("RequestLimitExceeded", 503, "").kind, ErrorKind::Throttled);
        assert_eq!(CloudError::of_answer("InternalError", 500, "").kind, ErrorKind::Ambiguous);
        assert_eq!(CloudError::of_answer("Whatever", 502, "").kind, ErrorKind::Ambiguous);
    }

    #[test]
    fn an_unknown_code_stays_unknown() {
        assert_eq!(CloudError::of_answer("SnapshotLocked", 400, "").kind, ErrorKind::Unknown);
        assert_eq!(CloudError::of_answer("", 403, "").kind, ErrorKind::Unknown);
        assert_eq!(CloudError::of_answer("Forbidden", 403, "Forbidden").kind, ErrorKind::Unknown);
    }

    #[test]
    fn what_ec2_keeps_is_a_refusal_and_a_right_that_is_missing_is_none() {
        let kind = |code, message| CloudError::of_answer(code, 400, message).kind;
        let of_backup = "This snapshot is managed by the AWS Backup service and cannot be deleted via EC2 APIs.";
        assert_eq!(kind("InvalidSnapshot.InUse", "in use by ami-1"), ErrorKind::Refused);
        assert_eq!(kind("InvalidParameterValue", of_backup), ErrorKind::Refused);
        assert_eq!(kind("NeverHeardOf", "The snapshot snap-1 is locked"), ErrorKind::Refused);
        assert_eq!(kind("UnauthorizedOperation", of_backup), ErrorKind::Unauthorized);
        assert_eq!(kind("InvalidParameterValue", "The account is locked"), ErrorKind::Invalid);
    }

    #[test]
    fn each_code_stands_in_the_table_once() {
        let all: Vec<_> = CODES.iter().flat_map(|(_, codes)| *codes).collect();
        let once: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(once.len(), all.len());
    }
}
