//! What was seen of an account, and what could not be seen.
//!
//! Records are compact: only what a decision reads. A list that broke off is not a short list: [`Read::Gap`] keeps what
//! was seen apart from the claim that it is all there is, because *absent* and *unread* lead to opposite decisions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, InstanceId, Region, SnapshotId, VolumeId};
use crate::tags::Tags;

/// A listing: whole, broken off, or not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read<T> {
    /// Everything that EC2 lists.
    Whole(Vec<T>),
    /// Some of it; the rest is unknown.
    Gap {
        /// What was read before it broke off.
        seen: Vec<T>,
        /// Why it broke off, in EC2's or the file system's words.
        why: String,
    },
    /// Nobody asked, so nothing is known.
    NotAsked,
}

impl<T> Read<T> {
    /// What was seen, be it all or not.
    pub fn items(&self) -> &[T] {
        match self {
            Read::Whole(items) | Read::Gap { seen: items, .. } => items,
            Read::NotAsked => &[],
        }
    }

    /// What was seen, to be changed; none where nobody asked.
    pub(crate) fn items_mut(&mut self) -> Option<&mut Vec<T>> {
        match self {
            Read::Whole(items) | Read::Gap { seen: items, .. } => Some(items),
            Read::NotAsked => None,
        }
    }

    /// Adds one that was seen.
    pub(crate) fn push(&mut self, item: T) {
        match self {
            Read::Whole(items) | Read::Gap { seen: items, .. } => items.push(item),
            Read::NotAsked => *self = Read::Whole(vec![item]),
        }
    }

    /// Whether absence from [`Read::items`] means absence.
    pub fn is_whole(&self) -> bool {
        match self {
            Read::Whole(_) => true,
            Read::Gap { .. } | Read::NotAsked => false,
        }
    }
}

/// The day of a time, UTC.
pub fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// What was seen of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The account that the credentials or the dump belong to.
    pub account: AccountId,
    /// EC2's now when looking began (S10). Every age and day is counted from it.
    pub taken_at: Timestamp,
    /// The Regions that the account can use.
    pub enabled: Read<Region>,
    /// What was seen, Region by Region. A Region that is not here was not read.
    pub regions: BTreeMap<Region, RegionInventory>,
}

/// What was seen of one Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionInventory {
    /// Its instances.
    pub instances: Read<Instance>,
    /// Its volumes.
    pub volumes: Read<Volume>,
    /// Its snapshots that this account owns.
    pub snapshots: Read<Snapshot>,
}

impl Default for RegionInventory {
    fn default() -> Self {
        Self { instances: Read::NotAsked, volumes: Read::NotAsked, snapshots: Read::NotAsked }
    }
}

/// Whether a Region can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionStatus {
    /// It is in the account's list.
    Enabled,
    /// The list is whole and it is not in it.
    NotThere,
    /// The list could not be read.
    Unknown,
}

impl Inventory {
    /// Today's date by EC2's clock, UTC.
    pub fn today(&self) -> Date {
        day_of(self.taken_at)
    }

    /// Whether `region` can be used.
    pub fn status(&self, region: &Region) -> RegionStatus {
        if self.enabled.items().contains(region) {
            RegionStatus::Enabled
        } else if self.enabled.is_whole() {
            RegionStatus::NotThere
        } else {
            RegionStatus::Unknown
        }
    }

    /// The snapshots seen in `region`, be the list whole or not.
    pub fn snapshots_in(&self, region: &Region) -> &[Snapshot] {
        self.regions.get(region).map_or(&[], |seen| seen.snapshots.items())
    }

    /// Whether all snapshots of `region` were read.
    pub fn snapshots_whole_in(&self, region: &Region) -> bool {
        self.regions.get(region).is_some_and(|seen| seen.snapshots.is_whole())
    }

    /// All snapshots seen, with their Region.
    pub fn snapshots(&self) -> impl Iterator<Item = (&Region, &Snapshot)> {
        self.regions.iter().flat_map(|(region, seen)| seen.snapshots.items().iter().map(move |snap| (region, snap)))
    }
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Its state.
    pub state: InstanceState,
    /// The device that it boots from, as AWS names it (`/dev/xvda`).
    pub root_device: String,
    /// Its block devices.
    pub devices: Vec<Device>,
    /// Its tags.
    pub tags: Tags,
}

/// An instance's block device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Device {
    /// As the instance sees it: `/dev/sdf`.
    pub name: String,
    /// The EBS volume behind it; none for an instance store.
    pub volume: Option<VolumeId>,
}

/// An instance's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "EC2's own words")]
pub enum InstanceState {
    Pending,
    Running,
    Stopping,
    Stopped,
    ShuttingDown,
    Terminated,
    /// A word that EC2 did not have when this was written: it is taken for one that is there.
    Unfamiliar,
}

impl InstanceState {
    /// Those that EC2 has words for.
    const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Stopping, Self::Stopped, Self::ShuttingDown, Self::Terminated];

    /// EC2's word.
    pub fn as_str(self) -> &'static str {
        match self {
            InstanceState::Pending => "pending",
            InstanceState::Running => "running",
            InstanceState::Stopping => "stopping",
            InstanceState::Stopped => "stopped",
            InstanceState::ShuttingDown => "shutting-down",
            InstanceState::Terminated => "terminated",
            InstanceState::Unfamiliar => "in a state that is not known here",
        }
    }

    /// The state that EC2 means by `word`.
    pub fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Unfamiliar)
    }

    /// Whether its volumes are backed up: a stopped one counts, one that is going or gone does not.
    pub fn is_backed_up(self) -> bool {
        match self {
            InstanceState::Pending | InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped => true,
            InstanceState::Unfamiliar => true,
            InstanceState::ShuttingDown | InstanceState::Terminated => false,
        }
    }
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its id.
    pub id: VolumeId,
    /// In GiB.
    pub size_gib: u32,
    /// `gp3`, `st1` …
    pub volume_type: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// When it was made (`CreateTime`), where the listing says so. It serves lateness alone.
    pub create_time: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

impl Volume {
    /// How many snapshots of it may be pending at once, errored ones counted. AWS: 5; "Throughput Optimized HDD" and
    /// "Cold HDD" 1 (EBS user guide, ebs-resource-quotas).
    pub fn pending_max(&self) -> usize {
        if matches!(self.volume_type.as_str(), "st1" | "sc1") { 1 } else { PENDING_PER_VOLUME_MAX }
    }
}

/// Pending snapshots that a volume of the usual types may have (EBS user guide, ebs-resource-quotas).
pub const PENDING_PER_VOLUME_MAX: usize = 5;

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// Its volume; for a copy, anything.
    pub volume_id: VolumeId,
    /// The account that owns it.
    pub owner: AccountId,
    /// Its state.
    pub state: SnapshotState,
    /// Why it failed, in EC2's words.
    pub state_message: Option<String>,
    /// When it was begun; for a copy, when the copy was begun.
    pub start_time: Timestamp,
    /// The volume's size, in GiB.
    pub size_gib: u32,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Where it is stored.
    pub tier: StorageTier,
    /// Its tags.
    pub tags: Tags,
}

/// A snapshot's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "EC2's own words")]
pub enum SnapshotState {
    Pending,
    Completed,
    Error,
    Recoverable,
    Recovering,
    /// EC2 had no such state, or no such storage tier, when this was written: never deleted, never copied.
    Unfamiliar,
}

impl SnapshotState {
    /// Whether it has neither completed nor failed: what is unknown may yet complete.
    pub fn is_in_the_making(self) -> bool {
        match self {
            Self::Completed | Self::Error => false,
            Self::Pending | Self::Recoverable | Self::Recovering | Self::Unfamiliar => true,
        }
    }

    /// Those that EC2 has words for.
    const ALL: [Self; 5] = [Self::Pending, Self::Completed, Self::Error, Self::Recoverable, Self::Recovering];

    /// The state that EC2 means by `word`.
    pub fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Unfamiliar)
    }

    /// The state and the storage tier that EC2 means by these words: what lies in a tier that is not known here is in a
    /// state that is not known here. Without a word the tier is the standard one.
    pub fn with_tier(state: &str, tier: Option<&str>) -> (Self, StorageTier) {
        match tier.map_or(Some(StorageTier::Standard), StorageTier::of_word) {
            Some(tier) => (Self::of_word(state), tier),
            None => (Self::Unfamiliar, StorageTier::Standard),
        }
    }

    /// EC2's word.
    pub fn as_str(self) -> &'static str {
        match self {
            SnapshotState::Pending => "pending",
            SnapshotState::Completed => "completed",
            SnapshotState::Error => "error",
            SnapshotState::Recoverable => "recoverable",
            SnapshotState::Recovering => "recovering",
            SnapshotState::Unfamiliar => "in a state or a storage tier that is not known here",
        }
    }
}

/// Where a snapshot is stored: in one of EC2's storage tiers, or outside the Region proper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "EC2's own words")]
pub enum StorageTier {
    Standard,
    Archive,
    /// On an Outpost or in a Local Zone: EC2 copies it to no other Region (EBS user guide, ebs-copy-snapshot).
    Local,
}

impl StorageTier {
    /// EC2's word.
    pub fn as_str(self) -> &'static str {
        match self {
            StorageTier::Standard | StorageTier::Local => "standard",
            StorageTier::Archive => "archive",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Standard, Self::Archive].into_iter().find(|tier| tier.as_str() == word)
    }

    /// The same of a snapshot that EC2 says is on this Outpost or in this zone: of zones only a Local Zone, such as
    /// `us-west-2-lax-1a`, has two parts with digits.
    pub fn at(self, outpost: Option<&str>, zone: Option<&str>) -> Self {
        let has_digit = |part: &&str| part.contains(|c: char| c.is_ascii_digit());
        let is_local_zone = zone.is_some_and(|zone| zone.split('-').filter(has_digit).count() > 1);
        if is_local_zone || outpost.is_some_and(|arn| !arn.is_empty()) { Self::Local } else { self }
    }
}

impl Snapshot {
    /// Whether it can be restored from.
    pub fn is_completed(&self) -> bool {
        self.state == SnapshotState::Completed
    }
}

/// Seconds in a day of UTC.
pub const SECONDS_PER_DAY: i64 = 86_400;
/// Seconds in an hour.
pub const SECONDS_PER_HOUR: i64 = 3_600;
