//! What a person should look at, and what to do about it.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::words::{count_list, hours_or_days, list, minute, snapshots_are, unread_list};
use super::{CopyRef, Unread};
use crate::approval::Approval;
use crate::ids::{Region, SnapshotId, VolumeId};
use crate::policy::RefusedWhy;
use crate::printable::quoted;
use crate::schedule::Slot;
use crate::tags::key;

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
    BackupKeyMistyped { key: String },
    BackupEnded { volumes: usize, example: VolumeId, until: Date },
    NoEbsVolume,
    VolumeBackupUnreadable { value: String },
    RetentionUnreadable { key: String, value: String, days: u32 },
    ScheduleUnreadable { value: String, default: String },
    ModeUnreadable { value: String },
    DestinationRefused { text: String, why: RefusedWhy, local: bool },
    TagsDropped { keys: Vec<String> },
    NothingSelected { regions: Vec<Region> },
    NotRead { what: String, why: String },
    DestinationUnread { destination: Region },
    FailingVolume { failed: usize },
    BackupNotBegun { volumes: usize, example: VolumeId },
    BackupLate { volumes: usize, example: VolumeId, newest: Option<Timestamp>, late_hours: i64 },
    VolumeUnread,
    PendingLimit { pending: usize, limit: usize },
    TwoOfOneSlot { slot: Slot, snapshots: Vec<SnapshotId> },
    SourceDue,
    CopyPendingLong { copy: CopyRef, since: Timestamp },
    CopyFailing { destination: Region, message: String },
    CopyMismatch { copy: CopyRef, difference: String },
    ArchivedSources { some: Amount, example: SnapshotId },
    LocalSources { some: Amount, example: SnapshotId },
    TwoCopies { destination: Region, copies: Vec<SnapshotId> },
    StampFull,
    DeleteOnUnreadable { value: Option<String> },
    CreatedOnHolds { created: Date, delete_on: Date },
    RetentionRecordUnreadable { value: String },
    MistypedHolds { key: String, value: String, snapshots: usize },
    MadeMistyped { some: Amount },
    GraceHolds { some: Amount, until: Date, last: Date, approval: Approval },
    ClosingHolds { some: Amount, until: Date, approval: Approval },
    KeptOfOver { volumes: usize, example: VolumeId, some: Amount },
    KeptByJoin { volumes: usize, example: VolumeId, carrier: VolumeId, some: Amount },
    ApprovalOfNothing { approval: Approval },
    HistoryUnread { unread: Vec<Unread>, some: Amount },
    NoVolume { some: Amount },
    Unfamiliar { some: Amount, example: SnapshotId },
    PendingLong { some: Amount, example: SnapshotId },
    TagsWandered { some: Amount, example: SnapshotId },
    PinnedPastDay { some: Amount },
    SourcesKeep { some: Amount, example: CopyRef },
    BackedUpByNobody { volumes: usize, since: Date, example: VolumeId, some: Amount },
    InUseUnreadable { value: String },
    UnexpectedSnapshot { volume: VolumeId },
    SetsNotAllowed { message: String },
    SetRefused { code: String, message: String },
    LateTagsPending { why: String },
    NotFound { count: usize, example: String, message: String },
    Stopped { left: usize, regions: Vec<Region> },
    TimeInDoubt { said: Timestamp, expected: Timestamp },
    MarkNotWritten { why: String, snapshots: usize },
}

impl Problem {
    /// Whether it is a tag of retention that cannot be read: nothing of the instance's volumes is deleted.
    pub fn is_unreadable_retention(&self) -> bool {
        matches!(self, Problem::RetentionUnreadable { .. } | Problem::MistypedHolds { .. })
    }

    /// The words that let go at once what this is about, where there are such.
    pub fn approval(&self) -> Option<&Approval> {
        if let Problem::GraceHolds { approval, .. } | Problem::ClosingHolds { approval, .. } = self {
            return Some(approval).filter(|approval| approval.count > 0);
        }
        None
    }
}

/// How to let go what waits, as many as can go by an approval: others stay with what they date.
fn to_delete_now(f: &mut fmt::Formatter<'_>, to: &str, some: &Amount, approval: &Approval) -> fmt::Result {
    match approval.count {
        0 => Ok(()),
        count if count == some.snapshots => write!(f, "{to} delete them now, run expire with --approve {approval}"),
        count => write!(f, "{to} delete {count} of them now, run expire with --approve {approval}"),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Problem as P;
        match self {
            P::BackupUnreadable { value } => write!(
                f,
                "Backup={} does not select it. Tag it Yes to back it up, or take the tag away: then what there is stays. With \
                 No all that there is of its volumes ends after some weeks",
                quoted(value)
            ),
            P::BackupKeyMistyped { key } => write!(
                f,
                "its tag {} says Yes, but the key is not Backup (letter case counts), so it is not backed up. Correct the key",
                quoted(key)
            ),
            P::BackupEnded { volumes, example, until } => write!(
                f,
                "no longer backed up, since no instance tagged Backup=Yes has it: {}, such as {example}, last backed up on \
                 {until}. Tag the instance that has it Backup=Yes, or attach it to one that is; or tag the volume Backup=No: its \
                 snapshots are then deleted, the last ones after 30 days",
                super::words::volumes(*volumes)
            ),
            P::NoEbsVolume => f.write_str(
                "tagged Backup=Yes, but it has no EBS volume, so nothing of it is backed up: no snapshot holds an instance \
                 store. Attach its volumes, or take the tag away",
            ),
            P::PendingLong { some, example } => write!(
                f,
                "pending for more than a week (like {example}): {some}. Look at them in the console; delete by hand what will \
                 not complete"
            ),
            P::VolumeBackupUnreadable { value } => {
                write!(f, "Backup={} does not leave the volume out; write No if that is what is meant", quoted(value))
            }
            P::RetentionUnreadable { key, value, days } => write!(
                f,
                "{}={} is not a number that it can be. Until it is fixed, new snapshots are kept for {days} days, and \
                 nothing of its volumes is deleted",
                crate::printable::printable(key, 60),
                quoted(value)
            ),
            P::ScheduleUnreadable { value, default } => write!(
                f,
                "BackupSchedule={} is not a schedule. Until it is fixed, {} is used",
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
            P::NotRead { what, why } => write!(
                f,
                "could not list all {what}: {}. Nothing that depends on them was changed",
                crate::printable::printable(why, 400)
            ),
            P::DestinationUnread { destination } => {
                write!(
                    f,
                    "its destination {destination} could not be read; look at that Region's health and permissions"
                )
            }
            P::FailingVolume { failed } => {
                write!(f, "{failed} snapshots of one slot failed: this volume has no backup of it; look at the volume")
            }
            P::BackupNotBegun { volumes, example } => write!(
                f,
                "backups that are late, and that this run could not begin: {}, such as {example}. The rows say why",
                super::words::volumes(*volumes)
            ),
            P::BackupLate { volumes, example, newest, late_hours } => {
                let (volumes, late) = (super::words::volumes(*volumes), hours_or_days(*late_hours));
                write!(f, "backups that are late: {volumes}, the most {example}, by {late}; ")?;
                match newest {
                    None => f.write_str("no snapshot of it has completed yet")?,
                    Some(newest) => write!(f, "its newest completed one is of {}", minute(newest))?,
                }
                f.write_str(". Look at its snapshots that are pending or failed; snapwarden plan create has a reason for each volume")
            }
            P::VolumeUnread => {
                f.write_str("attached, but not in the list of volumes; if the next run says so too, look at the volume")
            }
            P::PendingLimit { pending, limit } => write!(
                f,
                "{pending} pending or failed snapshots fill its limit of {limit}: no backup of this slot yet. The manager deletes \
                 Snapwarden's failed ones after an hour; look for others, and for pinned ones, and delete them by hand"
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
            P::ArchivedSources { some, example } => write!(
                f,
                "archived, and without a copy at a destination (like {example}): {some}. EC2 copies none from the archive; \
                 restore it to the standard tier to have it copied"
            ),
            P::LocalSources { some, example } => write!(
                f,
                "on an Outpost or in a Local Zone, and without a copy at a destination (like {example}): {some}. EC2 copies \
                 none to another Region; take DestinationRegion off, or make the snapshots in the Region"
            ),
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
            P::CreatedOnHolds { created, delete_on } => write!(
                f,
                "DeleteOn={delete_on} has come, but CreatedOn={created} says that it was promised more days than it is \
                 old. Correct CreatedOn to the day on which it was made"
            ),
            P::RetentionRecordUnreadable { value } => write!(
                f,
                "{}={} cannot be read, so it is kept until that is mended. Write the policy that was meant, like \"days=7 weeks=4\", or take \
                 the tag off",
                key::RETENTION,
                quoted(value)
            ),
            P::MistypedHolds { key, value, snapshots } => write!(
                f,
                "{}={} cannot be read, so nothing of its volumes is deleted; {} waiting. Correct the tag",
                crate::printable::printable(key, 60),
                quoted(value),
                snapshots_are(*snapshots)
            ),
            P::MadeMistyped { some } => write!(
                f,
                "made while a tag of retention could not be read, and kept a year or longer: {some}. Move their DeleteOn \
                 if that is too long",
            ),
            P::GraceHolds { some, until, last, approval } => {
                let last = if until == last { String::new() } else { format!(", the last until {last}") };
                let words = "less is kept of its volumes now than before";
                write!(f, "{words}: {some} kept by the earlier policy until {until}{last} (grace period). ")?;
                f.write_str("Give it the earlier tags to keep them")?;
                to_delete_now(f, "; to", some, approval)
            }
            P::ClosingHolds { some, until, approval } => {
                let days = "kept only for the closing days";
                write!(f, "volumes gone or tagged Backup=No: {some} {days}, the first until {until}")?;
                to_delete_now(f, ". To", some, approval)
            }
            P::KeptOfOver { volumes, example, some } => write!(
                f,
                "volumes gone or tagged Backup=No: {some} of {}, such as {example}, kept by the policies in force. They go \
                 as time goes on, and nothing is to be done; snapwarden explain {example} shows what keeps each",
                super::words::volumes(*volumes)
            ),
            P::KeptByJoin { volumes, example, carrier, some } => write!(
                f,
                "volumes gone or tagged Backup=No: {some} of {}, such as {example}, kept only since the tag {} of {carrier} \
                 joins them to a volume that is there. To let them end, take that tag off",
                super::words::volumes(*volumes),
                key::WAS
            ),
            P::ApprovalOfNothing { approval } => {
                write!(
                    f,
                    "--approve {approval} lets nothing go: nothing waits for these words now. Make a plan to see the words of today"
                )
            }
            P::HistoryUnread { unread, some } => {
                write!(f, "{some} past DeleteOn and kept: could not read {}", unread_list(unread))?;
                let is_of_tag = |one: &Unread| matches!(one, Unread::Record(_) | Unread::Mistyped(_));
                if unread.iter().any(is_of_tag) {
                    write!(
                        f,
                        ". Write the policy that was meant in its tag {}, like \"days=7 weeks=4\"",
                        key::RETENTION
                    )?;
                }
                Ok(())
            }
            P::NoVolume { some } => write!(
                f,
                "copies that do not say of which volume: {some} past DeleteOn and kept, in doubt whose they are. Tag each \
                 with {} (and {}), or delete it by hand",
                key::VOLUME_ID,
                key::SOURCE_REGION
            ),
            P::Unfamiliar { some, example } => write!(
                f,
                "in a state or a storage tier that this version does not know (like {example}): {some}. They are kept, and \
                 nothing relies on them; a newer Snapwarden may know it"
            ),
            P::TagsWandered { some, example } => write!(
                f,
                "snapshots with the tags of another one (like {example}), so not Snapwarden's: {some}. Take {} off them, \
                 and off the volume that they are of",
                key::TYPE
            ),
            P::SourcesKeep { some, example } => write!(
                f,
                "copies past DeleteOn that stay as their sources do, such as that of {example}: {some}. Each goes when its \
                 source is not pinned, and the source's DeleteOn has come"
            ),
            P::PinnedPastDay { some } => write!(f, "past DeleteOn and pinned by {}: {some}", key::KEEP_FOREVER),
            P::BackedUpByNobody { volumes, since, example, some } => write!(
                f,
                "{} that no instance backs up now (like {example}), the first since {since}: {some} past DeleteOn and \
                 kept. Attach the volume to an instance tagged Backup=Yes, or tag it Backup=No to let them go",
                super::words::volumes(*volumes)
            ),
            P::InUseUnreadable { value } => write!(
                f,
                "{}={} cannot be read, so the snapshot is kept; take the tag off if no restore reads from it",
                key::IN_USE,
                quoted(value)
            ),
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
            P::MarkNotWritten { why, snapshots } => write!(
                f,
                "{} could not be written on {snapshots} snapshots of volumes that are over ({}), so nothing of those \
                 volumes is closed: allow ec2:CreateTags with this key (docs/permissions.md)",
                key::CLOSED,
                crate::printable::printable(why, 200)
            ),
            P::TimeInDoubt { said, expected } => write!(
                f,
                "EC2's answers disagree about the time: one says {}, by another one it is {}. Nothing more is changed in \
                 this run. If the next one says so too, look for a proxy or a cache between here and EC2",
                minute(said),
                minute(expected)
            ),
            P::NotFound { count, example, message } => write!(
                f,
                "EC2 did not find what its list had shown a moment before: {count}, such as {example} ({}). If the next run says \
                 so too, look at it in the console",
                crate::printable::printable(message, 200)
            ),
            P::Stopped { left, regions } => write!(
                f,
                "the run was told to stop: {left} of its changes, in {}, are left to the next run",
                count_list(regions)
            ),
            P::LateTagsPending { why } => write!(
                f,
                "it has not got DeviceName and its volume's tags yet ({}); the next run of the slot adds them",
                crate::printable::printable(why, 200)
            ),
        }
    }
}

/// How many snapshots, and their size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Amount {
    /// Snapshots.
    pub snapshots: usize,
    /// The sizes of their volumes, added up: what they take is less.
    pub gib: u64,
}

impl Amount {
    /// Counts one more of this size.
    pub fn add(&mut self, size_gib: u32) {
        self.snapshots += 1;
        self.gib += u64::from(size_gib);
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { snapshots, gib } = self;
        write!(f, "{snapshots} {} ({gib} GiB)", if *snapshots == 1 { "snapshot" } else { "snapshots" })
    }
}
