//! Why a decision is as it is.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::words::{ago, copies, days, hours_or_days, list, minute, unread_list};
use super::{Consistency, CopyRef};
use crate::ids::{InstanceId, Region, SnapshotId, VolumeId};
use crate::inventory::SnapshotState;
use crate::printable::quoted;
use crate::retention::tiers::Said;
use crate::retention::{By, Wanted};
use crate::schedule::Slot;
use crate::tags::{OffsiteMode, key};

/// Why a decision is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the Display below says each in a sentence")]
pub enum Reason {
    // The creator.
    NoEbsVolume,
    NotEbs,
    ExcludedByTag,
    AlreadyDone {
        slot: Slot,
        snapshot: SnapshotId,
        region: Region,
    },
    LateTags {
        slot: Slot,
        snapshot: SnapshotId,
    },
    SlotDue {
        slot: Slot,
        /// How long ago the slot was, where that is long.
        late_hours: Option<i64>,
        newest: Option<Timestamp>,
        consistency: Consistency,
        kept_here_for: Option<Region>,
    },
    FailingVolume {
        slot: Slot,
        failed: usize,
        retry_at: Timestamp,
    },
    PendingLimit {
        pending: usize,
        limit: usize,
    },
    SnapshotsUnread,
    VolumeUnread,
    // The offsiter, a copy.
    TagsPending,
    SourceDue {
        delete_on: Date,
    },
    NoCopy,
    CopyPending {
        copy: CopyRef,
        since: Timestamp,
    },
    CopyFailing {
        failed: usize,
        message: String,
        retry_at: Timestamp,
    },
    RetryCopy {
        failed: usize,
        message: String,
    },
    CopyMismatch {
        copy: CopyRef,
        difference: String,
    },
    CopyIncomplete {
        copy: CopyRef,
        missing: Vec<String>,
        delete_on_earlier: bool,
    },
    Verified {
        copy: CopyRef,
    },
    Stamped {
        copy: CopyRef,
    },
    // The offsiter, a source.
    NoDestination {
        refused: Vec<String>,
    },
    CopiesVerified {
        mode: OffsiteMode,
        copies: Vec<CopyRef>,
    },
    NewlyVerified {
        copies: Vec<CopyRef>,
    },
    KeptByMode,
    NewestHere,
    SourceKeptLonger,
    NotYetOffsite {
        missing: Vec<Region>,
    },
    // The manager.
    KeepForever,
    Failed {
        message: String,
        since: Timestamp,
        kept_hours: i64,
        cause: FailedCause,
    },
    FailureMemory {
        message: String,
        until: Timestamp,
    },
    FromTheFuture {
        at: Timestamp,
    },
    NotCompleted {
        state: SnapshotState,
    },
    UnreadableDeleteOn {
        value: Option<String>,
    },
    NotDue {
        delete_on: Date,
        age_days: i64,
        needs_days: i64,
    },
    LastGood {
        volume: Option<VolumeId>,
    },
    RegionUnread,
    UnreadableRetention {
        value: String,
    },
    NoVolume,
    InUse {
        since: Option<Date>,
    },
    HistoryUnread {
        unread: Vec<Unread>,
    },
    Mistyped {
        instance: InstanceId,
        key: String,
    },
    KeptByPolicy {
        delete_on: Date,
        by: By,
        wanted: Wanted,
    },
    KeptInGrace {
        delete_on: Date,
        until: Date,
        wanted: Option<Wanted>,
    },
    KeptForClosing {
        delete_on: Date,
        until: Date,
        wanted: Option<Wanted>,
    },
    NewestData {
        volume: VolumeId,
    },
    KeptAsEvidence {
        delete_on: Date,
        evidence: Evidence,
    },
    SourceStays {
        source: CopyRef,
        delete_on: Option<Date>,
    },
    VolumeOver {
        volume: VolumeId,
        over: Over,
        until: Date,
    },
    VolumeBack {
        volume: VolumeId,
    },
    Expired(Expiry),
    HeldForApproval(Expiry),
    // More than one of them.
    DestinationUnread {
        destination: Region,
    },
    CopyInFlight {
        copy: CopyRef,
    },
}

impl Reason {
    /// What the tiers of retention say, where they were asked.
    pub fn said(&self) -> &[Said] {
        if let Reason::Expired(expiry) | Reason::HeldForApproval(expiry) = self {
            return &expiry.said;
        }
        if let Reason::KeptByPolicy { wanted: Wanted::Tier(said), .. }
        | Reason::KeptInGrace { wanted: Some(Wanted::Tier(said)), .. }
        | Reason::KeptForClosing { wanted: Some(Wanted::Tier(said)), .. } = self
        {
            return std::slice::from_ref(said);
        }
        &[]
    }

    /// The reason in a word or two: for counting, and for metrics.
    pub fn word(&self) -> &'static str {
        use Reason as R;
        match self {
            R::NoEbsVolume => "no EBS volume",
            R::NotEbs => "not EBS",
            R::ExcludedByTag => "Backup=No",
            R::AlreadyDone { .. } => "done",
            R::LateTags { .. } => "late tags",
            R::SlotDue { .. } => "slot due",
            R::FailingVolume { .. } => "failing volume",
            R::PendingLimit { .. } => "pending limit",
            R::SnapshotsUnread => "snapshots unread",
            R::VolumeUnread => "volume unread",
            R::TagsPending => "tags pending",
            R::SourceDue { .. } => "source due",
            R::NoCopy => "no copy",
            R::CopyPending { .. } => "copy pending",
            R::CopyFailing { .. } => "copy failing",
            R::RetryCopy { .. } => "copy tried again",
            R::CopyMismatch { .. } => "copy mismatch",
            R::CopyIncomplete { .. } => "copy incomplete",
            R::Verified { .. } => "verified",
            R::Stamped { .. } => "stamped",
            R::NoDestination { .. } => "no destination",
            R::CopiesVerified { .. } => "copies verified",
            R::NewlyVerified { .. } => "newly verified",
            R::KeptByMode => "OffsiteMode Copy",
            R::NewestHere => "newest here",
            R::SourceKeptLonger => "source kept longer",
            R::NotYetOffsite { .. } => "not yet offsite",
            R::KeepForever => "KeepForever",
            R::Failed { .. } => "failed",
            R::FailureMemory { .. } => "failure memory",
            R::FromTheFuture { .. } => "from the future",
            R::NotCompleted { .. } => "not completed",
            R::UnreadableDeleteOn { .. } => "no readable DeleteOn",
            R::NotDue { .. } => "not due",
            R::LastGood { .. } => "last good",
            R::RegionUnread => "Region unread",
            R::UnreadableRetention { .. } => "unreadable record",
            R::NoVolume => "no volume known",
            R::InUse { .. } => "in use",
            R::HistoryUnread { .. } => "not all read",
            R::Mistyped { .. } => "unreadable tag",
            R::KeptInGrace { .. } => "grace period",
            R::KeptByPolicy { wanted: Wanted::Days(_), .. } => "longer days",
            R::KeptByPolicy { wanted: Wanted::Tier(_), .. } => "tier",
            R::KeptForClosing { .. } => "closing",
            R::NewestData { .. } => "newest data",
            R::KeptAsEvidence { .. } => "dates a policy",
            R::SourceStays { .. } => "source stays",
            R::VolumeOver { .. } => "volume over",
            R::VolumeBack { .. } => "volume not over",
            R::Expired(_) => "expired",
            R::HeldForApproval(_) => "held for approval",
            R::DestinationUnread { .. } => "destination unread",
            R::CopyInFlight { .. } => "copy in flight",
        }
    }
}

/// Why a volume is over: nothing more is backed up of it, and what there is comes to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// It is gone.
    VolumeGone,
    /// It is tagged `Backup=No`.
    VolumeExcluded,
    /// All instances that have it are tagged `Backup=No`.
    InstancesExcluded,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Over::VolumeGone => "is gone",
            Over::VolumeExcluded => "is tagged Backup=No",
            Over::InstancesExcluded => "is attached to instances tagged Backup=No only",
        })
    }
}

/// What has to be read before anything of a volume goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unread {
    /// The list of Regions.
    Regions,
    /// The volumes of a Region.
    Volumes(Region),
    /// The instances of a Region.
    Instances(Region),
    /// The snapshots of a Region.
    Snapshots(Region),
    /// The record of retention of a snapshot, which says what is in force.
    Record(SnapshotId),
    /// The tags of the instance that a snapshot was made under: one could not be read, and the instance does not have the
    /// volume any more.
    Mistyped(SnapshotId),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::Regions => f.write_str("the list of Regions"),
            Unread::Volumes(region) => write!(f, "the volumes of {region}"),
            Unread::Instances(region) => write!(f, "the instances of {region}"),
            Unread::Snapshots(region) => write!(f, "the snapshots of {region}"),
            Unread::Record(snapshot) => write!(f, "the tag {} of {snapshot}", key::RETENTION),
            Unread::Mistyped(snapshot) => write!(f, "the retention tags that {snapshot} was made under"),
        }
    }
}

/// What a snapshot is kept for that no policy wants: others need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It records an earlier policy, or earlier destinations, in force until this day.
    OfGrace {
        /// When the grace period ends, UTC.
        until: Date,
    },
    /// It is the newest that records the policy in force, which keeps others.
    OfPolicy,
    /// It is the first that records another policy or other destinations, or the first of the instance that has the volume
    /// now, and older ones are there.
    OfChange,
    /// It is the newest here of a closed history, or has the mark of a volume that is over, and others are still here.
    OfClosing,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Evidence::OfGrace { until } => {
                write!(f, "it records the earlier policy, in force until {until} (grace period)")
            }
            Evidence::OfPolicy => f.write_str("it records the policy in force, which keeps others"),
            Evidence::OfChange => f.write_str("it dates a change of tags that older snapshots depend on"),
            Evidence::OfClosing => f.write_str("it is the newest here or has the mark, and goes after the others"),
        }
    }
}

/// What a person wants to know of a snapshot that goes because its day has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// Its DeleteOn.
    pub delete_on: Date,
    /// Days since then.
    pub overdue_days: i64,
    /// Its age.
    pub age_days: i64,
    /// What stays here of its volume.
    pub stays: Stays,
    /// Destinations of a source that hold no completed copy of it, and of which none was ever noted.
    pub uncopied: Vec<Region>,
    /// What the tiers of its retention say of it; none wants it. Empty where it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
}

/// What stays of a volume's snapshots in a Region when an expired one goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// A newer one.
    Newer(Newer),
    /// Perhaps nothing: the volume is over, and was first seen so on this day.
    Over(Over, Date),
    /// Perhaps nothing here: the Region is no destination any more. The newest data is there.
    NoDestination(CopyRef),
}

/// The newest completed snapshot of a volume in a Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newer {
    /// Which.
    pub snapshot: SnapshotId,
    /// The time of its data.
    pub of: Timestamp,
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expiry { delete_on, overdue_days, age_days, stays, uncopied, said } = self;
        write!(f, "DeleteOn {delete_on}, {}; {} old; ", ago(*overdue_days), days(*age_days))?;
        match stays {
            Stays::Newer(Newer { snapshot, of }) => write!(f, "newer here: {snapshot} of {}", minute(of))?,
            Stays::Over(over, since) => write!(f, "its volume {over}, since {since}")?,
            Stays::NoDestination(newest) => {
                write!(f, "no copies come to this Region any more; its volume's newest is {newest}")?;
            }
        }
        if !said.is_empty() {
            // Two policies may say the same of it.
            let mut words: Vec<_> = said.iter().map(ToString::to_string).collect();
            words.dedup();
            write!(f, "; no tier keeps it: {}", list(&words))?;
        }
        if uncopied.is_empty() { Ok(()) } else { write!(f, "; NO COPY in {}", list(uncopied)) }
    }
}

/// What makes an errored snapshot one that may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedCause {
    /// A later one, or for a copy another one, has completed.
    Replaced,
    /// It has been remembered long enough.
    Old,
    /// Errored ones fill the volume's limit and block new snapshots.
    FillsLimit,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Reason as R;
        match self {
            R::NoEbsVolume => f.write_str("it has no EBS volume"),
            R::NotEbs => f.write_str("not an EBS volume"),
            R::ExcludedByTag => f.write_str("the volume is tagged Backup=No"),
            R::AlreadyDone { slot, snapshot, region } => write!(f, "slot {slot} is done: {snapshot} in {region}"),
            R::LateTags { slot, snapshot } => {
                write!(f, "{snapshot} of slot {slot} lacks DeviceName: the run that made it stopped before its late tags")
            }
            R::SlotDue { slot, late_hours, newest, consistency, kept_here_for } => {
                write!(f, "slot {slot}")?;
                if let Some(hours) = late_hours {
                    write!(f, ", {} ago", hours_or_days(*hours))?;
                }
                f.write_str("; ")?;
                match (newest, kept_here_for) {
                    (None, None) => f.write_str("never backed up by Snapwarden")?,
                    (None, Some(_)) => f.write_str("no older one was read")?,
                    (Some(time), None) => write!(f, "its newest is of {}", minute(time))?,
                    (Some(time), Some(_)) => write!(f, "the newest that was read is of {}", minute(time))?,
                }
                write!(f, "; {consistency}")?;
                match kept_here_for {
                    None => Ok(()),
                    Some(region) => write!(f, "; stays here as KeepLatest, since {region} cannot be read now"),
                }
            }
            R::FailingVolume { slot, failed, retry_at } => {
                write!(f, "{failed} snapshots of slot {slot} failed; tried again after {}", minute(retry_at))
            }
            R::PendingLimit { pending, limit } => {
                write!(f, "{pending} pending or failed snapshots of a limit of {limit}; it waits until they are fewer")
            }
            R::SnapshotsUnread => f.write_str(
                "the Region's snapshots could not all be read, so whether this slot is done is unknown; the next run decides",
            ),
            R::VolumeUnread => {
                f.write_str("the volume is not in the list of volumes, so its tags are unknown; the next run decides")
            }
            R::TagsPending => {
                f.write_str("of a set and still without DeviceName; it is copied with its late tags, or after 6 hours")
            }
            R::SourceDue { delete_on } => {
                write!(f, "DeleteOn {delete_on} has come, or comes within the hour, and there is no copy: it would be born expired")
            }
            R::NoCopy => f.write_str("no copy there yet"),
            R::CopyPending { copy, since } => write!(f, "{copy} is being copied since {}", minute(since)),
            R::CopyFailing { failed, message, retry_at } => write!(
                f,
                "{} failed, the last with {}; tried again after {}",
                copies(*failed),
                quoted(message),
                minute(retry_at)
            ),
            R::RetryCopy { failed, message } => {
                write!(f, "{} failed, the last with {}; the pause is over", copies(*failed), quoted(message))
            }
            R::CopyMismatch { copy, difference } => {
                write!(f, "{copy} is no true copy ({difference}); nothing more is copied, the source stays")
            }
            R::CopyIncomplete { copy, missing, delete_on_earlier } => {
                write!(f, "{copy} ")?;
                if !missing.is_empty() {
                    let keys = crate::printable::printable(&missing.join(", "), 120);
                    write!(f, "lacks the tags {keys}{}", if *delete_on_earlier { ", and " } else { "" })?;
                }
                if *delete_on_earlier { f.write_str("has a DeleteOn earlier than its source's") } else { Ok(()) }
            }
            R::Verified { copy } => write!(f, "{copy} is verified"),
            R::Stamped { copy } => write!(f, "{copy} was verified before, OffsiteSnapshotId says"),
            R::NoDestination { refused } => {
                let refused = crate::printable::printable(&refused.join(", "), 120);
                write!(f, "none of its destinations can be used ({refused}); it stays to its own DeleteOn")
            }
            R::CopiesVerified { mode, copies } => {
                write!(f, "OffsiteMode {}: verified in every destination ({})", mode.as_str(), list(copies))
            }
            R::NewlyVerified { copies } => write!(f, "verified now: {}", list(copies)),
            R::KeptByMode => f.write_str("OffsiteMode Copy: it stays to its own DeleteOn"),
            R::NewestHere => f.write_str(
                "OffsiteMode KeepLatest: its volume's newest completed one here, which keeps the next one incremental",
            ),
            R::SourceKeptLonger => f.write_str("its own policy keeps snapshots here for longer than copies, so it stays to that"),
            R::NotYetOffsite { missing } => write!(f, "stays until its copy is verified in {}", list(missing)),
            R::KeepForever => f.write_str("tagged KeepForever: no job ever deletes it"),
            R::Failed { message, since, kept_hours, cause } => {
                write!(f, "failed ({}), begun {}, ", quoted(message), minute(since))?;
                match cause {
                    FailedCause::Replaced => f.write_str("and a good one has completed since"),
                    FailedCause::Old => write!(f, "more than {kept_hours} h ago"),
                    FailedCause::FillsLimit => {
                        write!(f, "more than {kept_hours} h ago, and failed ones fill the volume's limit of pending snapshots")
                    }
                }
            }
            R::FailureMemory { message, until } => {
                write!(f, "failed ({}); kept as evidence of the failure until {}", quoted(message), minute(until))
            }
            R::FromTheFuture { at } => {
                write!(f, "its data is dated {}, in the future: kept, and nothing relies on it until then", minute(at))
            }
            R::NotCompleted { state: SnapshotState::Unfamiliar } => {
                f.write_str("EC2 describes it in words that this version does not know: kept")
            }
            R::NotCompleted { state } => write!(f, "{}: kept until it has completed or failed", state.as_str()),
            R::UnreadableDeleteOn { value: None } => f.write_str("no DeleteOn: kept until it has one"),
            R::UnreadableDeleteOn { value: Some(value) } => {
                write!(f, "DeleteOn={} is no day (YYYY-MM-DD): kept until it is", quoted(value))
            }
            R::NotDue { delete_on, age_days, needs_days } if age_days < needs_days => {
                write!(f, "DeleteOn {delete_on}: {} old, kept for {}", days(*age_days), days(*needs_days))
            }
            R::NotDue { delete_on, .. } => write!(f, "DeleteOn {delete_on} has not come"),
            R::LastGood { volume } => {
                write!(f, "DeleteOn has come; kept: the last good one here")?;
                volume.as_ref().map_or(Ok(()), |volume| write!(f, " of {volume}"))
            }
            R::RegionUnread => {
                f.write_str("would go, but the Region's snapshots could not all be read; the next run decides")
            }
            R::UnreadableRetention { value } => {
                write!(f, "expired, but {}={} cannot be read: kept until it can", key::RETENTION, quoted(value))
            }
            R::NoVolume => f.write_str("DeleteOn has come; kept: it is a copy that does not say of which volume"),
            R::InUse { since: Some(since) } => write!(f, "kept: a restore reads from it since {since}"),
            R::InUse { since: None } => write!(f, "kept: {} cannot be read, or lies in the future", key::IN_USE),
            R::HistoryUnread { unread } => {
                write!(f, "DeleteOn has come; kept: {} could not be read", unread_list(unread))
            }
            R::Mistyped { instance, key } => {
                write!(f, "DeleteOn has come; kept while {key} of {instance} cannot be read")
            }
            R::KeptByPolicy { delete_on, by, wanted } => {
                write!(f, "DeleteOn {delete_on} has come; {wanted}, by {by}")
            }
            R::KeptForClosing { delete_on, until, wanted } => {
                write!(f, "DeleteOn {delete_on} has come; its volume is gone or Backup=No: until {until} ")?;
                wanted_or_last(f, wanted.as_ref())
            }
            R::KeptInGrace { delete_on, until, wanted } => {
                write!(f, "DeleteOn {delete_on} has come; until {until} (grace period) ")?;
                wanted_or_last(f, wanted.as_ref())?;
                f.write_str(", by the earlier tags")
            }
            R::NewestData { volume } => write!(f, "DeleteOn has come; kept: the newest data of {volume}"),
            R::KeptAsEvidence { delete_on, evidence } => write!(f, "DeleteOn {delete_on} has come; kept: {evidence}"),
            R::SourceStays { source, delete_on: None } => {
                write!(f, "DeleteOn has come; kept: its source {source} is kept for ever")
            }
            R::SourceStays { source, delete_on: Some(day) } => {
                write!(f, "DeleteOn has come; kept until {day}, since its source {source} is")
            }
            R::VolumeOver { over, until, .. } => write!(
                f,
                "its volume {over}: kept as before until {until}, then deleted step by step"
            ),
            R::VolumeBack { .. } => {
                write!(f, "its volume is there again, or no longer Backup=No: {} is emptied", key::CLOSED)
            }
            R::Expired(expiry) => expiry.fmt(f),
            R::HeldForApproval(expiry) => write!(f, "held for approval: {expiry}"),
            R::DestinationUnread { destination } => write!(f, "{destination} could not be read; the next run decides"),
            R::CopyInFlight { copy } => write!(f, "stays: {copy} is still being copied from it"),
        }
    }
}

/// What a policy wants of one that is kept; none: it is the last good one.
fn wanted_or_last(f: &mut fmt::Formatter<'_>, wanted: Option<&Wanted>) -> fmt::Result {
    match wanted {
        Some(wanted) => write!(f, "{wanted}"),
        None => f.write_str("kept as the last good one here"),
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Days(count) => write!(f, "kept for {}", days(i64::from(*count))),
            Wanted::Tier(said) => write!(f, "kept as {said}"),
        }
    }
}
