//! A decision is data: what becomes of one subject, and why.
//!
//! The sentences are part of the product. A person on call reads a reason and decides whether to press the button, so
//! each carries the days, ids and words that it rests on. Text from outside goes through [`crate::printable`].

mod problem;
mod reason;
mod words;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use self::problem::{Amount, Finding, Problem};
pub use self::reason::{Evidence, Expiry, FailedCause, Newer, Over, Reason, Stays, Unread};
use crate::approval::{self, Approval};
use crate::ids::{AccountId, InstanceId, Region, SnapshotId, VolumeId};
use crate::managed::Target;
use crate::schedule::Slot;
use crate::tags::Tags;

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
    /// The manager's: what is due in Regions that were read and where this run does not act, at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub due_elsewhere: BTreeMap<Region, Amount>,
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
    /// The creator: a selected instance that has no EBS volume.
    Instance(InstanceId),
    /// The creator: a device of a selected instance that is no EBS volume.
    Device(InstanceId, String),
    /// The offsiter: one source in one destination.
    Copy(Target, Region),
    /// The offsiter: the source itself.
    Source(Target),
    /// The manager: a snapshot.
    Snapshot(Target),
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
        snapshot: Target,
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
        /// What its tiers keep in its place, or the newest data of its volume where no copies come here any more: the
        /// second look wants these too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rests_on: Vec<CopyRef>,
    },
    /// Write `snapwarden:closed` on it: the day on which its volume was first seen to be over. None empties the tag,
    /// since the volume is not over any more.
    Mark {
        /// The day, UTC.
        closed: Option<Date>,
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
            Act::Mark { .. } => "mark",
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
            Act::RemoveSource { .. } | Act::Delete { .. } | Act::Mark { .. } => true,
            Act::Hold | Act::Keep | Act::Skip | Act::Wait => false,
        }
    }
}

/// A snapshot in its Region, most often a copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CopyRef {
    /// Where.
    pub region: Region,
    /// Which.
    pub snapshot: SnapshotId,
}

impl CopyRef {
    /// The one with this id in `region`.
    pub(crate) fn of(region: &Region, snapshot: &SnapshotId) -> Self {
        Self { region: region.clone(), snapshot: snapshot.clone() }
    }
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
    /// Those whose newest completed one is older than their own schedule allows.
    #[serde(default)]
    pub late: usize,
    /// Those that are late as well unless this run begins their snapshots: it is the first that tries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late_unless_begun: Vec<VolumeId>,
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
    /// Managed snapshots there that are not pinned.
    pub managed: usize,
    /// How many an approval already lets go.
    pub approved: usize,
    /// The words to use.
    pub approval: Approval,
    /// Other words that this run was given, and that some of what is held needs as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Approval>,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hold { region, expired, managed, approved, approval, beside } = self;
        write!(f, "{region}: {expired} of {managed} managed snapshots would be deleted at once; ")?;
        match approved {
            0 => f.write_str("none is approved, so all of them are held")?,
            approved => write!(f, "{approved} are approved, {} are held", expired - approved)?,
        }
        if *approved > 0 && beside.is_empty() && !approval::is_needed(expired - approved, managed - approved) {
            f.write_str(". The next run deletes the rest without words, since it counts anew: pin what shall stay")?;
        }
        let all = if *approved == 0 { "they" } else { "all" };
        write!(f, ". If {all} may go, run expire with --approve {approval}")?;
        beside.iter().try_for_each(|approval| write!(f, " --approve {approval}"))
    }
}
