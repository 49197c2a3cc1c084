//! The kinds of trouble that a life may have. Each is on or off for a whole life, and counted as it fires: one that never
//! fires proves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::draw::Draw;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal),+ $(,)?) => {
        /// A kind of trouble.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[doc = $doc])+ $name),+
        }

        impl Kind {
            /// All of them.
            pub const ALL: [Kind; [$(Kind::$name),+].len()] = [$(Kind::$name),+];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$name => $word),+
                }
            }
        }
    };
}

kinds! {
    /// A call is throttled.
    Throttled = "throttled",
    /// For some hours, most calls are.
    Burst = "burst",
    /// An endpoint is not reached.
    NeverConnected = "never-connected",
    /// A 5xx before the effect.
    ErrorBefore = "error-before",
    /// A 5xx after the effect.
    ErrorAfter = "error-after",
    /// The request is lost.
    LostBefore = "lost-before",
    /// The reply is lost after success.
    LostAfter = "lost-after",
    /// A page of a listing that is not its first fails for an hour, and the listing breaks off.
    HalfListing = "half-listing",
    /// A page is empty although more follow.
    EmptyPage = "empty-page",
    /// A describe does not show what has just changed.
    Stale = "stale",
    /// Snapshots and copies are pending for hours.
    Slow = "slow",
    /// A snapshot ends in error.
    FailedSnapshot = "failed-snapshot",
    /// A set fails as a whole.
    FailedSet = "failed-set",
    /// A copy ends in error.
    FailedCopy = "failed-copy",
    /// A copy ends in error with a KMS message.
    Key = "key",
    /// A Region is out for hours.
    RegionOut = "region-out",
    /// A permission is withdrawn for a day.
    Permission = "permission",
    /// The job is killed before a call takes effect.
    KilledBefore = "killed-before",
    /// The job is killed after a call took effect, before its reply.
    KilledAfter = "killed-after",
    /// A run's time is over before it is done.
    Deadline = "deadline",
    /// A tick is hours late.
    Late = "late",
    /// No tick at all for days.
    Outage = "outage",
    /// A second tick comes right after the first.
    Doubled = "doubled",
    /// Two runs of one job at once.
    Overlap = "overlap",
    /// Runs of the three jobs at once.
    Beside = "beside",
    /// A person pins a snapshot, or lets it go again.
    Pin = "pin",
    /// A person excludes a volume, or includes it again.
    Exclude = "exclude",
    /// An instance is terminated, and another takes its place.
    Replace = "replace",
    /// A volume is detached and attached elsewhere.
    Reattach = "reattach",
    /// An instance's tags are mangled, or mended.
    MangledTags = "mangled-tags",
    /// A person changes the tiers of an instance's retention, or takes them away.
    Retiered = "retiered",
    /// A person mistypes a tag of retention or the destination, and mends it some days later or never.
    Typo = "typo",
    /// A person takes a tag of retention or the destination away, for some days or for good.
    TagRemoved = "tag-removed",
    /// A person makes a retention shorter.
    Shortened = "shortened",
    /// A tag of retention changes to and fro within days.
    Flips = "flips",
    /// A destination is changed, and mostly changed back some days later.
    Redirected = "redirected",
    /// An instance loses its tag Backup, for some days or for good.
    Unselected = "unselected",
    /// A volume is tagged Backup=No for a week.
    LeftOut = "left-out",
    /// An instance is terminated and nothing takes its place.
    Terminated = "terminated",
    /// A volume is detached, and attached to another instance some days later, or never.
    Detached = "detached",
    /// A volume is deleted, and brought back from the Recycle Bin some days later.
    Recycled = "recycled",
    /// An instance of a fleet is replaced every day, with its volumes.
    Daily = "daily",
    /// The manager may not write tags for some days.
    Unmarkable = "unmarkable",
    /// A person approves that what only a grace period keeps goes at once.
    Approved = "approved",
    /// A restore says that it reads from a snapshot.
    InUse = "in-use",
    /// Snapshots of months are there from the start, most of them with records.
    LongHistory = "long-history",
    /// A snapshot's tags are mangled.
    MangledSnapshot = "mangled-snapshot",
    /// A snapshot's tags are odd: another letter case, huge numbers, days before 1970 and after 9999.
    OddRecord = "odd-record",
    /// A person deletes a copy.
    CopyDeleted = "copy-deleted",
    /// A person archives a copy, or a snapshot.
    Archived = "archived",
    /// A person takes a copy's tags away.
    CopyRetagged = "copy-retagged",
    /// A person pins a copy.
    CopyPinned = "copy-pinned",
    /// Something happens in the middle of a run.
    MidRun = "mid-run",
    /// Snapshots by hand use up a volume's limit.
    ByHand = "by-hand",
    /// Copies by hand use up a destination's limit.
    CopiesByHand = "copies-by-hand",
    /// An AMI is registered on a snapshot.
    Image = "image",
    /// Snapshots of the predecessor are there from the start.
    Predecessor = "predecessor",
    /// The life holds a leap day.
    LeapDay = "leap-day",
    /// The life holds the end of a year.
    YearEnd = "year-end",
    /// One Region throttles most calls for hours, and the others are well.
    SickRegion = "sick-region",
    /// A single right is withdrawn in one Region for a day.
    RightGone = "right-gone",
    /// The next snapshot of a volume is pending for days.
    Stuck = "stuck",
    /// EC2's answers to a run do not agree on the time.
    Clock = "clock",
    /// A snapshot's tags have times that have not come.
    Tomorrow = "tomorrow",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no kind of trouble.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of trouble; there are: {all}", all = Kind::ALL.map(Kind::as_str).join(", "))]
pub struct KindError(pub String);

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| KindError(text.to_owned()))
    }
}

impl Kind {
    /// Those that there were when the first seeds of lives were written down.
    const FIRST: usize = Kind::SickRegion as usize;

    /// What a seed had on when there were only those: so a life that was once written down stays what it was.
    pub fn of_old_seed(seed: u64) -> BTreeSet<Kind> {
        drawn(seed).into_iter().filter(|kind| Kind::ALL[..Self::FIRST].contains(kind)).collect()
    }
}

/// Those that a seed has on: each by itself, half of the time, and none in one life of sixteen.
pub(super) fn drawn(seed: u64) -> BTreeSet<Kind> {
    if Draw::new(seed, "quiet life").chance(60) {
        return BTreeSet::new();
    }
    Kind::ALL.into_iter().filter(|kind| Draw::new(seed, kind.as_str()).chance(500)).collect()
}

/// How often each fired.
pub type Fired = BTreeMap<Kind, u64>;
