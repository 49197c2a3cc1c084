//! A snapshot that is ours to act on, its tags read once.
//!
//! What the tags of a snapshot mean is read here, once, and only this type can be the target of an act: so S1 is a type. Its
//! fields are private: how they are stored can change without touching a caller.
//!
//! Tags wander. A volume that another tool restored carries the tags of the snapshot it was made of, and tools copy a
//! volume's tags to the snapshots that they make. Such a snapshot says `Type=Automated` and is none of ours, so ours are
//! also known by their birth ([`NotOurs::TagsWandered`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, InstanceId, Region, SnapshotId, VolumeId};
use crate::inventory::{Snapshot, SnapshotState, StorageTier, day_of};
use crate::retention::Recorded;
use crate::schedule::Slot;
use crate::tags::{self, TYPE_AUTOMATED, TagValue, key};

/// The id that EC2 gives for the volume of a copied snapshot (CopySnapshot, EC2 API reference: "an arbitrary volume ID that
/// should not be used for any purpose").
pub const VOLUME_OF_COPIES: &str = "vol-ffffffff";

/// Days that `CreatedOn` may lie before the start of a snapshot, and its slot after it: a run may cross midnight.
const BIRTH_DAYS_MAX: i32 = 1;

/// A snapshot may be so far ahead of the look that shows it: runs overlap, and clocks differ by seconds.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Full days for which [`key::IN_USE`] keeps a snapshot.
pub const IN_USE_DAYS: i32 = 7;

/// Why a snapshot is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOurs {
    /// Another account owns it.
    OtherAccount,
    /// It is not tagged `Type=Automated`.
    NotAutomated,
    /// Data Lifecycle Manager or AWS Backup manages it.
    OfAws,
    /// Its tags are another snapshot's: `CreatedOn` is more than a day before its start, or its slot more than a day after it
    /// (without `CreatedOn`: on either side), or it says that it is a copy and EC2 names a volume other than its `VolumeID`.
    TagsWandered,
}

/// What a snapshot was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// Its volume.
    Volume,
    /// Another snapshot: which, and in which Region that lies or lay.
    Copy { source: Option<SnapshotId>, home: Option<Region> },
}

/// A snapshot that is ours: this account's, `Type=Automated` from its birth, managed by no service of AWS (S1).
#[derive(Debug, Clone)]
pub struct Managed<'a> {
    region: &'a Region,
    raw: &'a Snapshot,
    origin: Origin,
    volume: Option<VolumeId>,
    instance: Option<InstanceId>,
    slot: Option<Slot>,
    taken: Timestamp,
    created: Option<Date>,
    delete_on: TagValue<Date>,
    recorded: Recorded,
    destinations: BTreeSet<Region>,
    closed: TagValue<Date>,
    /// See [`Managed::seen_at`].
    is_in_future: bool,
}

/// Whether a snapshot's own day has come. `KeepForever` is asked elsewhere, and before this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// It has.
    Yes {
        /// Its DeleteOn.
        delete_on: Date,
        /// Days since then.
        overdue_days: i64,
        /// Its age.
        age_days: i64,
    },
    /// Not yet: the day lies ahead, or it is younger than its retention.
    NotYet {
        /// Its DeleteOn.
        delete_on: Date,
        /// Its age.
        age_days: i64,
        /// The age that it must reach.
        needs_days: i64,
    },
    /// There is no DeleteOn, or it cannot be read: never.
    Never(Option<String>),
}

impl Due {
    /// Whether the day has come.
    pub fn is_yes(&self) -> bool {
        match self {
            Due::Yes { .. } => true,
            Due::NotYet { .. } | Due::Never(_) => false,
        }
    }
}

/// The id of a managed snapshot, as the target of an act. Only [`Managed::target`] makes one; a plan that is read back from
/// JSON has those that it was written with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Target(SnapshotId);

impl Deref for Target {
    type Target = SnapshotId;

    fn deref(&self) -> &SnapshotId {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a> Managed<'a> {
    /// It, as the target of an act.
    pub fn target(&self) -> Target {
        Target(self.raw.id.clone())
    }

    /// Reads the tags of `snapshot`, which lies in `region`.
    pub fn of(region: &'a Region, snapshot: &'a Snapshot, account: &AccountId) -> Result<Self, NotOurs> {
        let tags = &snapshot.tags;
        if snapshot.owner != *account {
            return Err(NotOurs::OtherAccount);
        }
        if tags.get(key::TYPE) != Some(TYPE_AUTOMATED) {
            return Err(NotOurs::NotAutomated);
        }
        if tags.managed_by_aws() {
            return Err(NotOurs::OfAws);
        }
        let origin = origin(snapshot);
        let slot = tags.get(key::SLOT).and_then(|text| text.parse::<Slot>().ok());
        let created = tags::created_on(tags).ok();
        if has_wandered(snapshot, &origin, created, slot) {
            return Err(NotOurs::TagsWandered);
        }
        Ok(Self {
            region,
            raw: snapshot,
            origin,
            volume: volume_of(snapshot),
            instance: tags.get(key::INSTANCE_ID).and_then(|text| text.parse().ok()),
            slot,
            taken: taken(snapshot),
            created,
            delete_on: tags::delete_on(tags),
            recorded: Recorded::of(tags),
            destinations: tags::named_regions(tags),
            closed: tags::closed(tags),
            is_in_future: false,
        })
    }

    /// Says whether its data is of more than minutes after `now`, when it was looked at: some clock is wrong, so nothing may rest
    /// on it.
    pub(crate) fn seen_at(self, now: Timestamp) -> Self {
        Self { is_in_future: self.taken.duration_since(now) > AHEAD_MAX, ..self }
    }

    /// Whether the time of its data has not come yet.
    pub(crate) fn is_in_future(&self) -> bool {
        self.is_in_future
    }

    /// Its id.
    pub fn id(&self) -> &'a SnapshotId {
        &self.raw.id
    }

    /// Where it lies.
    pub fn region(&self) -> &'a Region {
        self.region
    }

    /// As EC2 lists it: state, size, encryption; for what tags say there are methods.
    pub fn raw(&self) -> &'a Snapshot {
        self.raw
    }

    /// Whether it can be restored from, and the time of its data has come.
    pub fn is_completed(&self) -> bool {
        self.raw.state == SnapshotState::Completed && !self.is_in_future
    }

    /// Whether a restore from it can begin at once in any zone of its Region; one in the archive takes 24 to 72 hours (EBS
    /// user guide, snapshot-archive), one on an Outpost restores there alone.
    pub fn is_at_hand(&self) -> bool {
        self.raw.tier == StorageTier::Standard
    }

    /// Whether it is a copy. A copy is never a source.
    pub fn is_copy(&self) -> bool {
        match self.origin {
            Origin::Volume => false,
            Origin::Copy { .. } => true,
        }
    }

    /// What it was copied from; none for what is no copy, or does not say.
    pub fn source(&self) -> Option<&SnapshotId> {
        match &self.origin {
            Origin::Volume => None,
            Origin::Copy { source, .. } => source.as_ref(),
        }
    }

    /// The Region of its volume; none for a copy that does not say.
    pub fn home(&self) -> Option<&Region> {
        match &self.origin {
            Origin::Volume => Some(self.region),
            Origin::Copy { home, .. } => home.as_ref(),
        }
    }

    /// The volume whose data it holds; none for a copy that does not say.
    pub fn volume(&self) -> Option<&VolumeId> {
        self.volume.as_ref()
    }

    /// The instance that it names.
    pub fn instance(&self) -> Option<&InstanceId> {
        self.instance.as_ref()
    }

    /// That instance's name, if it had one.
    pub fn instance_name(&self) -> Option<&'a str> {
        self.raw.tags.get(key::INSTANCE_NAME).filter(|name| !name.is_empty())
    }

    /// The slot that it was made for.
    pub fn slot(&self) -> Option<Slot> {
        self.slot
    }

    /// The time whose data it holds: its StartTime, or for a copy its source's where that is recorded.
    pub fn taken(&self) -> Timestamp {
        self.taken
    }

    /// What a snapshot and its copies have in common, and nothing else: the snapshot.
    pub fn moment(&self) -> &SnapshotId {
        self.source().unwrap_or(self.id())
    }

    /// Whether [`Managed::taken`] is the time of its data. Not of a copy without a `SourceStartTime` that can be believed: then
    /// it is when the copy was begun.
    pub fn has_time(&self) -> bool {
        let of_source = tags::source_start_time(&self.raw().tags);
        !self.is_copy() || of_source.is_some_and(|time| time <= self.raw().start_time)
    }

    /// Whole days since [`Managed::taken`]; negative for one that lies in the future.
    pub fn age_days(&self, now: Timestamp) -> i64 {
        // Exact: seconds that are cut off on both sides would make a day of one that is a moment short.
        let age = (now.as_nanosecond() - self.taken.as_nanosecond()).div_euclid(NANOSECONDS_PER_DAY);
        i64::try_from(age).unwrap_or(i64::MIN)
    }

    /// The day on which it was made, or its source was.
    pub fn created(&self) -> Option<Date> {
        self.created
    }

    /// The first day on which it may go.
    pub fn delete_on(&self) -> &TagValue<Date> {
        &self.delete_on
    }

    /// Whether its day has come at `now`: `DeleteOn` is today or past, and it is as many full days old as that lies after
    /// `CreatedOn`. The age counts by the time of its data, so that a copy, or a tag edited by hand, does not shorten what
    /// was promised.
    pub fn due(&self, now: Timestamp) -> Due {
        let delete_on = match &self.delete_on {
            TagValue::Is(date) => *date,
            TagValue::Absent => return Due::Never(None),
            TagValue::Unreadable(text) => return Due::Never(Some(text.clone())),
        };
        let today = day_of(now);
        let age_days = self.age_days(now);
        let needs_days = self.created.map_or(i64::MIN, |created| days_between(created, delete_on));
        if delete_on <= today && age_days >= needs_days {
            Due::Yes { delete_on, overdue_days: days_between(delete_on, today), age_days }
        } else {
            Due::NotYet { delete_on, age_days, needs_days }
        }
    }

    /// The policy that it was made under.
    pub fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// Whether a person moved its `DeleteOn`: it is not where its record puts it. Unknown counts as not moved, and so does a
    /// day that was guessed.
    pub fn is_moved(&self) -> bool {
        self.recorded.stated().is_some() && self.is_where_recorded() == Some(false)
    }

    /// Whether its `DeleteOn` is where its record puts it; none where one of these cannot be read.
    pub fn is_where_recorded(&self) -> Option<bool> {
        let (Recorded::Is(record), TagValue::Is(delete_on), Some(created)) =
            (&self.recorded, &self.delete_on, self.created)
        else {
            return None;
        };
        let days = i64::from(record.keep(self.is_copy()).days);
        Some(created.saturating_add(days.days()) == *delete_on)
    }

    /// The Regions that its `DestinationRegion` names.
    pub fn destinations(&self) -> &BTreeSet<Region> {
        &self.destinations
    }

    /// Whether a person pinned it: `KeepForever`.
    pub fn is_pinned(&self) -> bool {
        self.raw.tags.keep_forever()
    }

    /// The day of its mark: when the manager first saw that its volume is over. An empty tag is none.
    pub fn closed(&self) -> &TagValue<Date> {
        &self.closed
    }

    /// Whether a restore reads from it: it says so, and since less than [`IN_USE_DAYS`] full days. What cannot be read counts
    /// as now.
    pub fn in_use(&self, now: Timestamp) -> Option<InUse> {
        let text = self.raw.tags.get(key::IN_USE)?;
        let since = text.get(..10).and_then(|day| day.parse::<Date>().ok());
        let time = text.parse::<Timestamp>().ok().or_else(|| midnight(since.filter(|_| text.len() == 10)?));
        let Some(since) = since.filter(|_| time.is_some()) else { return Some(InUse::Unreadable) };
        let ends = time.and_then(|time| time.checked_add((24 * i64::from(IN_USE_DAYS)).hours()).ok());
        if time.is_some_and(|time| time > now) {
            return Some(InUse::Unreadable);
        }
        ends.is_none_or(|ends| now < ends).then_some(InUse::Since(since))
    }

    /// Its copies that were verified, by what is noted on it.
    pub fn stamps(&self) -> BTreeMap<Region, SnapshotId> {
        tags::stamps(&self.raw.tags)
    }
}

/// What says that a restore reads from a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InUse {
    /// Since this day.
    Since(Date),
    /// A tag that cannot be read.
    Unreadable,
}

const NANOSECONDS_PER_DAY: i128 = 86_400 * 1_000_000_000;

/// Whether a snapshot, whoever made it, is a copy: it carries `SourceSnapshotId`, readable or not, or EC2 says so.
pub fn is_copy(snapshot: &Snapshot) -> bool {
    snapshot.tags.has(key::SOURCE_SNAPSHOT_ID) || snapshot.volume_id.as_str() == VOLUME_OF_COPIES
}

/// The volume whose data a snapshot holds, whoever made it; none for a copy that does not say.
pub fn volume_of(snapshot: &Snapshot) -> Option<VolumeId> {
    let of_copy = || tags::volume_id(&snapshot.tags).filter(|volume| volume.as_str() != VOLUME_OF_COPIES);
    if is_copy(snapshot) { of_copy() } else { Some(snapshot.volume_id.clone()) }
}

/// The time whose data a snapshot holds, whoever made it: its StartTime, or for a copy its source's where that is
/// recorded. A copy is begun after its source: a recorded time that says otherwise is not believed, or it would make an
/// old copy the newest.
pub fn taken(snapshot: &Snapshot) -> Timestamp {
    let of_source = if is_copy(snapshot) { tags::source_start_time(&snapshot.tags) } else { None };
    of_source.unwrap_or(snapshot.start_time).min(snapshot.start_time)
}

/// What a snapshot was made of, by its tags and by what EC2 says of its volume.
fn origin(snapshot: &Snapshot) -> Origin {
    if !is_copy(snapshot) {
        return Origin::Volume;
    }
    Origin::Copy { source: tags::source_snapshot(&snapshot.tags).ok(), home: tags::source_region(&snapshot.tags).ok() }
}

fn has_wandered(snapshot: &Snapshot, origin: &Origin, created: Option<Date>, slot: Option<Slot>) -> bool {
    match origin {
        Origin::Copy { .. } => {
            let of_copies = snapshot.volume_id.as_str() == VOLUME_OF_COPIES;
            !of_copies && tags::volume_id(&snapshot.tags).as_ref() != Some(&snapshot.volume_id)
        }
        Origin::Volume => {
            let start = snapshot.start_time;
            let since_slot = slot.map(|slot| start.duration_since(slot.time()));
            let day = SignedDuration::from_hours(24 * i64::from(BIRTH_DAYS_MAX));
            match created {
                // A slot may be made up for long after it has begun, but none is made before.
                Some(created) => {
                    let days = (day_of(start) - created).get_days();
                    // The predecessor's stack wrote the day of deletion: tags that wander are older, never younger.
                    days > BIRTH_DAYS_MAX || since_slot.is_some_and(|since| since < -day)
                }
                None => since_slot.is_some_and(|since| since.abs() > day),
            }
        }
    }
}

/// Days from one day to another.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    i64::from((to - from).get_days())
}

fn midnight(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
