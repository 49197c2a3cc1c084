//! A decision is data: what becomes of one subject, and why.
//!
//! The sentences are part of the product. A person on call reads a reason and decides whether to press the button, so
//! each carries the days, ids and words that it rests on. Text from outside goes through [`crate::printable`].

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::approval::Approval;
use crate::ids::{AccountId, InstanceId, Region, SnapshotId, VolumeId};
use crate::inventory::SnapshotState;
use crate::policy::RefusedWhy;
use crate::printable::quoted;
use crate::schedule::Slot;
use crate::tags::{OffsiteMode, Tags, key};
use crate::tiers::Said;

/// The three jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// The creator.
    Create,
    /// The offsiter.
    Offsite,
    /// The manager.
    Expire,
}

impl Job {
    /// The command's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Job::Create => "create",
            Job::Offsite => "offsite",
            Job::Expire => "expire",
        }
    }
}

/// What a run is going to do: one decision per subject, in the order in which it acts.
#[must_use = "a plan that nobody reads or executes decides nothing"]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose plan it is.
    pub job: Job,
    /// The account it is for.
    pub account: AccountId,
    /// EC2's now when the inventory was taken: every age in it is counted from here.
    pub taken_at: Timestamp,
    /// The Regions in which it acts.
    pub regions: Vec<Region>,
    /// One per subject.
    pub decisions: Vec<Decision>,
    /// The creator's: what the snapshots of one instance have in common, in the order of need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<CreateGroup>,
    /// The creator's: how the volumes that it looks after are covered before the run, by Region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub coverage: BTreeMap<Region, Coverage>,
    /// The manager's: the Regions whose expiry waits for a person (S9).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

/// What becomes of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The Region that the subject lies in; for a copy, its source's.
    pub region: Region,
    /// What it is about.
    pub subject: Subject,
    /// For people: the instance and volume behind it, as far as they are known.
    pub about: About,
    /// What is done.
    pub act: Act,
    /// Why.
    pub reason: Reason,
}

/// What a decision is about. Every subject gets exactly one decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The creator: a volume of a selected instance.
    Volume(VolumeId),
    /// The creator: a device of a selected instance that is no EBS volume.
    Device(InstanceId, String),
    /// The offsiter: one source in one destination.
    Copy(SnapshotId, Region),
    /// The offsiter: the source itself.
    Source(SnapshotId),
    /// The manager: a snapshot.
    Snapshot(SnapshotId),
}

/// Whom a person recognises behind an id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeId>,
}

/// What is done with a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Make a snapshot; the [`CreateGroup`] of its instance has the tags that all of them get.
    Create {
        /// Tags of this volume's snapshot alone: at birth where it is made alone, right after where it is of a set.
        late_tags: Tags,
    },
    /// Add these tags, or move `DeleteOn` later, and change nothing else.
    AddTags {
        /// Where it is.
        region: Region,
        /// What gets them.
        snapshot: SnapshotId,
        /// The tags.
        tags: Tags,
    },
    /// Copy the subject's source to the subject's destination.
    Copy {
        /// All tags of the copy.
        tags: Tags,
        /// Whether the source is encrypted.
        encrypted: bool,
    },
    /// Write down on the source which copies of it were verified.
    Stamp {
        /// The new value of `OffsiteSnapshotId`.
        value: String,
    },
    /// Delete a source whose copies are verified.
    RemoveSource {
        /// One per destination: the second look wants each of them again.
        copies: Vec<CopyRef>,
        /// In `KeepLatest`: a newer snapshot here. The second look wants it too; with `Move` it may go in the same run.
        newest: Option<SnapshotId>,
    },
    /// Delete a snapshot that has expired or failed.
    Delete {
        /// The newer completed snapshot of the same volume that stays here: the second look wants it too (S6).
        anchor: Option<SnapshotId>,
        /// What its tiers keep in its place: the second look wants that too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rests_on: Vec<CopyRef>,
    },
    /// Would be deleted, and waits for a person's approval (S9).
    Hold,
    /// It stays.
    Keep,
    /// There is nothing to do, or nothing that this run may do.
    Skip,
    /// A later run decides.
    Wait,
}

impl Act {
    /// The word in a table.
    pub fn as_str(&self) -> &'static str {
        match self {
            Act::Create { .. } => "create",
            Act::AddTags { .. } => "add-tags",
            Act::Copy { .. } => "copy",
            Act::Stamp { .. } => "stamp",
            Act::RemoveSource { .. } => "remove-source",
            Act::Delete { .. } => "delete",
            Act::Hold => "hold",
            Act::Keep => "keep",
            Act::Skip => "skip",
            Act::Wait => "wait",
        }
    }

    /// Whether it changes anything.
    pub fn is_change(&self) -> bool {
        match self {
            Act::Create { .. } | Act::AddTags { .. } | Act::Copy { .. } | Act::Stamp { .. } => true,
            Act::RemoveSource { .. } | Act::Delete { .. } => true,
            Act::Hold | Act::Keep | Act::Skip | Act::Wait => false,
        }
    }
}

/// A copy in its Region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CopyRef {
    /// Where.
    pub region: Region,
    /// Which.
    pub snapshot: SnapshotId,
}

impl fmt::Display for CopyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.region, self.snapshot)
    }
}

/// What the snapshots of one instance and slot have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateGroup {
    /// Where the instance runs.
    pub region: Region,
    /// Whose volumes.
    pub instance: InstanceId,
    /// For which slot.
    pub slot: Slot,
    /// The tags that every snapshot of the group is born with (S11).
    pub tags: Tags,
    /// Whether one call makes them all.
    pub consistency: Consistency,
    /// The volumes to make snapshots of.
    pub volumes: Vec<VolumeId>,
    /// For a set: the boot volume stays out.
    pub exclude_boot: bool,
    /// For a set: these data volumes stay out.
    pub exclude_data: Vec<VolumeId>,
}

/// How the volumes of the selected instances of a Region are covered, those with `Backup=No` left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How many there are.
    pub volumes: usize,
    /// Those of which no completed snapshot or copy was seen.
    pub never: usize,
    /// Of the others, the time of the newest completed one of the volume for which that is longest ago.
    pub oldest_newest: Option<Timestamp>,
}

/// How the snapshots of an instance hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// One CreateSnapshots: all volumes at one moment.
    Set,
    /// There is one volume to make.
    OneVolume,
    /// Per volume: some of the slot exist already.
    PartlyMade,
    /// Per volume: one of the slot failed, and a set fails as a whole.
    FailedBefore,
    /// Per volume: more volumes to leave out than a set call takes.
    TooManyExcluded,
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Consistency::Set => "one crash-consistent set",
            Consistency::OneVolume => "one volume",
            Consistency::PartlyMade => "consistent per volume only: others of this slot exist already",
            Consistency::FailedBefore => {
                "consistent per volume only: one of this slot failed, and a set fails as a whole"
            }
            Consistency::TooManyExcluded => "consistent per volume only: more than 40 volumes are left out",
        })
    }
}

/// An expiry that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Where.
    pub region: Region,
    /// Expired snapshots there, those let go by an approval included.
    pub expired: usize,
    /// Managed snapshots there.
    pub managed: usize,
    /// How many an approval already lets go.
    pub approved: usize,
    /// The words to use.
    pub approval: Approval,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hold { region, expired, managed, approved, approval } = self;
        write!(f, "{region}: {expired} of {managed} managed snapshots would be deleted at once; ")?;
        match approved {
            0 => f.write_str("none is approved, so all of them are held")?,
            approved => write!(f, "{approved} are approved, {} are held", expired - approved)?,
        }
        write!(f, ". If they may go, run again with --approve {approval}")
    }
}

/// Why a decision is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the Display below says each in a sentence")]
pub enum Reason {
    // The creator.
    NotEbs,
    ExcludedByTag,
    AlreadyDone { slot: Slot, snapshot: SnapshotId, region: Region },
    LateTags { slot: Slot, snapshot: SnapshotId },
    SlotDue { slot: Slot, newest: Option<Timestamp>, consistency: Consistency, kept_here_for: Option<Region> },
    FailingVolume { slot: Slot, failed: usize },
    PendingLimit { pending: usize, limit: usize },
    SnapshotsUnread,
    VolumeUnread,
    // The offsiter, a copy.
    TagsPending,
    SourceDue { delete_on: Date },
    NoCopy,
    CopyPending { copy: CopyRef, since: Timestamp },
    CopyFailing { failed: usize, message: String, retry_at: Timestamp },
    RetryCopy { failed: usize, message: String },
    CopyMismatch { copy: CopyRef, difference: String },
    CopyIncomplete { copy: CopyRef, missing: Vec<String>, delete_on_earlier: bool },
    Verified { copy: CopyRef },
    Stamped { copy: CopyRef },
    // The offsiter, a source.
    NoDestination { refused: Vec<String> },
    CopiesVerified { mode: OffsiteMode, copies: Vec<CopyRef> },
    NewlyVerified { copies: Vec<CopyRef> },
    KeptByMode,
    NewestHere,
    NotYetOffsite { missing: Vec<Region> },
    // The manager.
    KeepForever,
    Failed { message: String, since: Timestamp, kept_hours: i64, cause: FailedCause },
    FailureMemory { message: String, until: Timestamp },
    NotCompleted { state: SnapshotState },
    UnreadableDeleteOn { value: Option<String> },
    NotDue { delete_on: Date, age_days: i64, needs_days: i64 },
    LastGood { volume: Option<VolumeId> },
    SourceRegionUnread { unread: Vec<Region> },
    RegionUnread,
    UnreadableRetention { value: String },
    NoHistory,
    InstancesUnread { unread: Vec<Region> },
    KeptByTier { delete_on: Date, by: KeptBy, said: Vec<Said> },
    ShorterWaits { delete_on: Date, instance: InstanceId, from: Option<Date>, said: Vec<Said> },
    StatesShorter { delete_on: Date, instance: InstanceId },
    Expired(Expiry),
    HeldForApproval(Expiry),
    // More than one of them.
    DestinationUnread { destination: Region },
    CopyInFlight { copy: CopyRef },
}

impl Reason {
    /// What the tiers of retention say, each of them, where they were asked.
    pub fn said(&self) -> &[Said] {
        if let Reason::KeptByTier { said, .. } | Reason::ShorterWaits { said, .. } = self {
            return said;
        }
        if let Reason::Expired(expiry) | Reason::HeldForApproval(expiry) = self { &expiry.said } else { &[] }
    }

    /// The reason in a word or two: for counting, and for metrics.
    pub fn word(&self) -> &'static str {
        use Reason as R;
        match self {
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
            R::NotYetOffsite { .. } => "not yet offsite",
            R::KeepForever => "KeepForever",
            R::Failed { .. } => "failed",
            R::FailureMemory { .. } => "failure memory",
            R::NotCompleted { .. } => "not completed",
            R::UnreadableDeleteOn { .. } => "no readable DeleteOn",
            R::NotDue { .. } => "not due",
            R::LastGood { .. } => "last good",
            R::SourceRegionUnread { .. } => "source Region unread",
            R::RegionUnread => "Region unread",
            R::UnreadableRetention { .. } => "unreadable retention",
            R::NoHistory => "no history",
            R::InstancesUnread { .. } => "instances unread",
            R::KeptByTier { .. } => "tier",
            R::ShorterWaits { .. } => "shorter retention waits",
            R::StatesShorter { .. } => "states a shorter retention",
            R::Expired(_) => "expired",
            R::HeldForApproval(_) => "held for approval",
            R::DestinationUnread { .. } => "destination unread",
            R::CopyInFlight { .. } => "copy in flight",
        }
    }
}

/// Whose word a tier goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptBy {
    /// The tags that this instance has now.
    Tags(InstanceId),
    /// What the snapshot records: its instance is gone, or its tags cannot be read, or ask for less.
    Record,
}

impl fmt::Display for KeptBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeptBy::Tags(instance) => write!(f, "the tags of {instance}"),
            KeptBy::Record => f.write_str("its own record"),
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
    /// Perhaps nothing: the volume is gone.
    VolumeGone,
    /// Perhaps nothing: the volume is tagged `Backup=No`.
    VolumeExcluded,
}

/// The newest completed snapshot of a volume in a Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newer {
    /// Which.
    pub snapshot: SnapshotId,
    /// The time of its data.
    pub of: Timestamp,
    /// Whether it is known to be of the same volume: copies that name no volume share one history.
    pub same_volume: bool,
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expiry { delete_on, overdue_days, age_days, stays, uncopied, said } = self;
        write!(f, "DeleteOn {delete_on}, {}; {} old; ", ago(*overdue_days), days(*age_days))?;
        match stays {
            Stays::Newer(Newer { snapshot, of, same_volume: true }) => {
                write!(f, "newer here: {snapshot} of {}", minute(of))?;
            }
            Stays::Newer(Newer { snapshot, of, same_volume: false }) => {
                write!(f, "newer here, of the copies that name no volume: {snapshot} of {}", minute(of))?;
            }
            Stays::VolumeGone => f.write_str("its volume is gone")?,
            Stays::VolumeExcluded => f.write_str("its volume is tagged Backup=No")?,
        }
        if !said.is_empty() {
            write!(f, "; no tier wants it: {}", list(said))?;
        }
        if uncopied.is_empty() { Ok(()) } else { write!(f, "; NO COPY in {}", list(uncopied)) }
    }
}

/// The tiers that want a snapshot.
fn wanting(said: &[Said]) -> String {
    list(&said.iter().filter(|said| said.wants()).collect::<Vec<_>>())
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

fn days(count: i64) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

/// How long ago a day was: `today`, `1 day ago`.
fn ago(count: i64) -> String {
    if count == 0 { "today".to_owned() } else { format!("{} ago", days(count)) }
}

fn copies(count: usize) -> String {
    if count == 1 { "1 copy".to_owned() } else { format!("{count} copies") }
}

fn minute(time: &Timestamp) -> String {
    Slot::containing(*time).to_string()
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Reason as R;
        match self {
            R::NotEbs => f.write_str("not an EBS volume"),
            R::ExcludedByTag => f.write_str("the volume is tagged Backup=No"),
            R::AlreadyDone { slot, snapshot, region } => write!(f, "slot {slot} is done: {snapshot} in {region}"),
            R::LateTags { slot, snapshot } => {
                write!(f, "{snapshot} of slot {slot} lacks DeviceName: the run that made it stopped before its late tags")
            }
            R::SlotDue { slot, newest, consistency, kept_here_for } => {
                write!(f, "slot {slot}; ")?;
                match newest {
                    None => f.write_str("never backed up by Snapwarden")?,
                    Some(time) => write!(f, "its newest is of {}", minute(time))?,
                }
                write!(f, "; {consistency}")?;
                match kept_here_for {
                    None => Ok(()),
                    Some(region) => write!(f, "; stays here as KeepLatest, since {region} cannot be read now"),
                }
            }
            R::FailingVolume { slot, failed } => {
                write!(f, "{failed} snapshots of slot {slot} failed; no more are tried before the next slot")
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
                write!(f, "failed ({}); kept as the memory of it until {}", quoted(message), minute(until))
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
            R::LastGood { volume: Some(volume) } => {
                write!(f, "expired, but the newest completed one here of {volume}, which still exists")
            }
            R::LastGood { volume: None } => {
                f.write_str("expired, but the newest completed one here of the copies that name no volume")
            }
            R::SourceRegionUnread { unread } => write!(
                f,
                "expired, but whether its volume still exists is unknown: the volumes of {} were not all read",
                count_list(unread)
            ),
            R::RegionUnread => {
                f.write_str("would go, but the Region's snapshots could not all be read; the next run decides")
            }
            R::UnreadableRetention { value } => {
                write!(f, "expired, but {}={} cannot be read: kept until it can", key::RETENTION, quoted(value))
            }
            R::NoHistory => write!(f, "expired, but it names no volume, so what its tiers want is unknown: kept"),
            R::InstancesUnread { unread } => write!(
                f,
                "expired, but its instance's tags may want it: the instances of {} were not all read",
                count_list(unread)
            ),
            R::KeptByTier { delete_on, by, said } => {
                write!(f, "DeleteOn {delete_on} has come; kept by {by}")?;
                let wanting = wanting(said);
                if wanting.is_empty() { f.write_str(": its days are longer now") } else { write!(f, ": {wanting}") }
            }
            R::ShorterWaits { delete_on, instance, from, said } => {
                write!(f, "DeleteOn {delete_on} has come; kept as it was promised ({}), ", wanting(said))?;
                write!(f, "{instance} asks for less now, which takes effect ")?;
                match from {
                    Some(day) => write!(f, "on {day}"),
                    None => f.write_str("once snapshots are made under it and old enough, in a run that reads all their Regions"),
                }
            }
            R::StatesShorter { delete_on, instance } => write!(
                f,
                "DeleteOn {delete_on} has come; kept while the shorter retention of {instance} waits: it says since when"
            ),
            R::Expired(expiry) => expiry.fmt(f),
            R::HeldForApproval(expiry) => write!(f, "held for approval: {expiry}"),
            R::DestinationUnread { destination } => write!(f, "{destination} could not be read; the next run decides"),
            R::CopyInFlight { copy } => write!(f, "stays: {copy} is still being copied from it"),
        }
    }
}

/// The items of a list, or how many where there are many; none is a list of Regions that could not be read.
fn count_list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        "Regions that could not be listed".to_owned()
    } else if items.len() <= 3 {
        list(items)
    } else {
        format!("{} and {} more", list(&items[..2]), items.len() - 2)
    }
}

/// Something that a person should look at. It does not stop the run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Where.
    pub region: Region,
    /// What it is about: an id, or a Region's name.
    pub id: String,
    /// What it is.
    pub problem: Problem,
}

impl Finding {
    /// A finding about `id` in `region`.
    pub fn new(region: &Region, id: impl fmt::Display, problem: Problem) -> Self {
        Self { region: region.clone(), id: id.to_string(), problem }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { region, id, problem } = self;
        if id == region.as_str() { write!(f, "{region}: {problem}") } else { write!(f, "{region} {id}: {problem}") }
    }
}

/// What is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the Display below says each in a sentence")]
pub enum Problem {
    BackupUnreadable { value: String },
    VolumeBackupUnreadable { value: String },
    RetentionUnreadable { value: String, days: u32 },
    TierUnreadable { key: String, value: String },
    ScheduleUnreadable { value: String, default: String },
    ModeUnreadable { value: String },
    DestinationRefused { text: String, why: RefusedWhy, local: bool },
    TagsDropped { keys: Vec<String> },
    NothingSelected { regions: Vec<Region> },
    NotRead { what: String, why: String },
    DestinationUnread { destination: Region },
    FailingVolume { failed: usize },
    VolumeUnread,
    PendingLimit { pending: usize, limit: usize },
    TwoOfOneSlot { slot: Slot, snapshots: Vec<SnapshotId> },
    SourceDue,
    CopyPendingLong { copy: CopyRef, since: Timestamp },
    CopyFailing { destination: Region, message: String },
    CopyMismatch { copy: CopyRef, difference: String },
    TwoCopies { destination: Region, copies: Vec<SnapshotId> },
    StampFull,
    DeleteOnUnreadable { value: Option<String> },
    RetentionRecordUnreadable { value: String },
    ShorterRetention { snapshots: Vec<SnapshotId>, from: Option<Date>, approval: Approval },
    VolumesGone { volumes: usize, snapshots: usize },
    Refused { code: String, message: String },
    UnexpectedSnapshot { volume: VolumeId },
    SetsNotAllowed { message: String },
    SetRefused { code: String, message: String },
    LateTagsPending { why: String },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Problem as P;
        match self {
            P::BackupUnreadable { value } => write!(
                f,
                "Backup={} does not select it; tag it Yes to have it backed up, No to say that it shall not be",
                quoted(value)
            ),
            P::VolumeBackupUnreadable { value } => {
                write!(f, "Backup={} does not leave the volume out; write No if that is what is meant", quoted(value))
            }
            P::RetentionUnreadable { value, days } => write!(
                f,
                "RetentionDays={} is no number of days from 1 to 36500; until it is mended, new snapshots are kept {days} days",
                quoted(value)
            ),
            P::TierUnreadable { key, value } => write!(
                f,
                "{}={} is no number that it can be; until it is mended, new snapshots are all kept a year, and the \
                 others as they were promised",
                crate::printable::printable(key, 60),
                quoted(value)
            ),
            P::ScheduleUnreadable { value, default } => write!(
                f,
                "BackupSchedule={} is no schedule; {} holds until it is mended",
                quoted(value),
                quoted(default)
            ),
            P::ModeUnreadable { value } => write!(
                f,
                "OffsiteMode={} is none of Move, KeepLatest, Copy; sources stay, as with Copy, until it is mended",
                quoted(value)
            ),
            P::DestinationRefused { text, why, local } => {
                write!(f, "DestinationRegion names {}, which ", quoted(text))?;
                f.write_str(match why {
                    RefusedWhy::NotThere => "does not exist or is not enabled in this account",
                    RefusedWhy::OwnRegion => "is its own Region",
                })?;
                f.write_str(if *local {
                    "; it has no offsite copy until the tag is mended"
                } else {
                    "; nothing is copied there, and sources stay, until the tag is mended"
                })
            }
            P::TagsDropped { keys } => write!(
                f,
                "too many tags: {} of the volume's own are not carried to its snapshot ({})",
                keys.len(),
                crate::printable::printable(&keys.join(", "), 120)
            ),
            P::NothingSelected { regions } => {
                f.write_str("no instance is selected")?;
                if regions.len() > 1 {
                    write!(f, " in {}", count_list(regions))?;
                }
                f.write_str(": tag instances Backup=Yes, or look at the right Region")
            }
            P::NotRead { what, why } => {
                write!(
                    f,
                    "{what} could not all be read ({}); what rests on them waits",
                    crate::printable::printable(why, 400)
                )
            }
            P::DestinationUnread { destination } => {
                write!(
                    f,
                    "its destination {destination} could not be read; look at that Region's health and permissions"
                )
            }
            P::FailingVolume { failed } => {
                write!(f, "{failed} snapshots of one slot failed: this volume has no backup of it; look at the volume")
            }
            P::VolumeUnread => {
                f.write_str("attached, but not in the list of volumes; if the next run says so too, look at the volume")
            }
            P::PendingLimit { pending, limit } => write!(
                f,
                "{pending} pending or failed snapshots fill its limit of {limit}: no backup of this slot yet; look for \
                 failed ones that are not Snapwarden's, or are pinned, and delete them by hand"
            ),
            P::TwoOfOneSlot { slot, snapshots } => write!(
                f,
                "{} snapshots of slot {slot} ({}); each expires on its own day, delete the extra by hand if it costs too much",
                snapshots.len(),
                list(snapshots)
            ),
            P::SourceDue => f.write_str(
                "it never had its offsite copy, and is due now or within the hour; look at why the copy did not happen",
            ),
            P::CopyPendingLong { copy, since } => {
                write!(f, "{copy} is pending since {}; look at it in the console", minute(since))
            }
            P::CopyFailing { destination, message } => write!(
                f,
                "its copies to {destination} fail: {}; if it speaks of a key, see that the role may use that key there",
                quoted(message)
            ),
            P::CopyMismatch { copy, difference } => {
                write!(f, "{copy} is no true copy ({difference}); delete it by hand to have the snapshot copied again")
            }
            P::TwoCopies { destination, copies } => write!(
                f,
                "{} copies in {destination} ({}); the oldest verified one counts, the others expire on their own day",
                copies.len(),
                list(copies)
            ),
            P::StampFull => f.write_str("OffsiteSnapshotId has no room for another destination; name fewer of them"),
            P::DeleteOnUnreadable { value: None } => {
                f.write_str("no DeleteOn, so it is kept for ever; tag it KeepForever if that is meant, else with a day")
            }
            P::DeleteOnUnreadable { value: Some(value) } => {
                write!(f, "DeleteOn={} is no day, so it is kept for ever; write it as YYYY-MM-DD", quoted(value))
            }
            P::RetentionRecordUnreadable { value } => write!(
                f,
                "{}={} cannot be read, so it is kept for ever; write it as snapwarden preview prints it, or take it away",
                key::RETENTION,
                quoted(value)
            ),
            P::ShorterRetention { snapshots, from, approval } => {
                let count = snapshots.len();
                let some = count_list(snapshots);
                write!(f, "its retention is shorter than what was promised: {count} would be deleted ({some}); ")?;
                match from {
                    Some(day) => write!(f, "they go on {day}, ")?,
                    None => f.write_str(
                        "they go once snapshots are made under it and old enough, in a run that reads all their Regions, ",
                    )?,
                }
                write!(f, "at once with --approve {approval}, and never if the tags are set back before")
            }
            P::VolumesGone { volumes, snapshots } => write!(
                f,
                "snapshots of volumes that are gone stay by their tiers (snapshots: {snapshots}, volumes: {volumes}), and nothing newer will \
                 ever push them out: delete by hand what is not wanted, or take {} off them",
                key::RETENTION
            ),
            P::Refused { code, message } => {
                write!(
                    f,
                    "EC2 refused: {} ({})",
                    crate::printable::printable(message, 200),
                    crate::printable::printable(code, 60)
                )
            }
            P::UnexpectedSnapshot { volume } => {
                write!(f, "the set also holds {volume}, attached while the run was on; it expires like the others")
            }
            P::SetsNotAllowed { message } => write!(
                f,
                "EC2 does not allow sets ({}); volumes are made one by one and are consistent per volume only; allow ec2:CreateSnapshots",
                crate::printable::printable(message, 200)
            ),
            P::SetRefused { code, message } => write!(
                f,
                "EC2 refused a set ({}, {}); its volumes were made one by one and are consistent per volume only",
                crate::printable::printable(message, 200),
                crate::printable::printable(code, 60)
            ),
            P::LateTagsPending { why } => write!(
                f,
                "it has not got DeviceName and its volume's tags yet ({}); the next run of the slot adds them",
                crate::printable::printable(why, 200)
            ),
        }
    }
}
