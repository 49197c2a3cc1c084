//! Tags, and the keys and values that are Snapwarden's public contract (docs/tags.md).
//!
//! The predecessor walked a list of tags and let the last one decide, so `KeepForever` was lost unless it stood last.
//! Here tags are a map: their order cannot matter.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{Region, SnapshotId, VolumeId};

/// The keys of the contract. Case-sensitive as in EC2, but for [`key::KEEP_FOREVER`].
pub mod key {
    /// Instance: `Yes` selects it. Volume: `No` leaves it out.
    pub const BACKUP: &str = "Backup";
    /// Instance: for how many days its snapshots are kept.
    pub const RETENTION_DAYS: &str = "RetentionDays";
    /// Instance: for how many weeks one snapshot each is kept.
    pub const RETENTION_WEEKS: &str = "RetentionWeeks";
    /// Instance: for how many months one snapshot each is kept.
    pub const RETENTION_MONTHS: &str = "RetentionMonths";
    /// Instance: for how many years one snapshot each is kept.
    pub const RETENTION_YEARS: &str = "RetentionYears";
    /// Instance: how many of the newest snapshots are kept, whatever their age.
    pub const KEEP_LAST: &str = "KeepLast";
    /// Instance: the same as [`RETENTION_DAYS`], of copies.
    pub const DESTINATION_RETENTION_DAYS: &str = "DestinationRetentionDays";
    /// Instance: the same as [`RETENTION_WEEKS`], of copies.
    pub const DESTINATION_RETENTION_WEEKS: &str = "DestinationRetentionWeeks";
    /// Instance: the same as [`RETENTION_MONTHS`], of copies.
    pub const DESTINATION_RETENTION_MONTHS: &str = "DestinationRetentionMonths";
    /// Instance: the same as [`RETENTION_YEARS`], of copies.
    pub const DESTINATION_RETENTION_YEARS: &str = "DestinationRetentionYears";
    /// Instance: the same as [`KEEP_LAST`], of copies.
    pub const DESTINATION_KEEP_LAST: &str = "DestinationKeepLast";
    /// Instance and snapshot: the Regions to copy to.
    pub const DESTINATION_REGION: &str = "DestinationRegion";
    /// Instance and snapshot: what becomes of the source after its verified copy.
    pub const OFFSITE_MODE: &str = "OffsiteMode";
    /// Instance: what the predecessor's family of tools calls [`RETENTION_DAYS`].
    pub const PREDECESSORS_RETENTION: &str = "Retention";
    /// Instance: what that family calls [`DESTINATION_REGION`]; its sources stay.
    pub const PREDECESSORS_COPY_REGION: &str = "CopyRegion";
    /// The predecessor's keys, each beside ours that means the same.
    pub const PREDECESSORS: [(&str, &str); 2] =
        [(PREDECESSORS_RETENTION, RETENTION_DAYS), (PREDECESSORS_COPY_REGION, DESTINATION_REGION)];
    /// Instance: when to take snapshots.
    pub const BACKUP_SCHEDULE: &str = "BackupSchedule";
    /// Snapshot, set by a person: no job ever deletes it. Counts in any letter case.
    pub const KEEP_FOREVER: &str = "KeepForever";
    /// Snapshot: `Automated` marks ours.
    pub const TYPE: &str = "Type";
    /// Snapshot: the day it was made, `YYYY-MM-DD`, UTC.
    pub const CREATED_ON: &str = "CreatedOn";
    /// Snapshot: the first day on which it may go, `YYYY-MM-DD`, UTC.
    pub const DELETE_ON: &str = "DeleteOn";
    /// Snapshot: the instance whose volume it is of.
    pub const INSTANCE_ID: &str = "InstanceID";
    /// Snapshot: that instance's `Name`.
    pub const INSTANCE_NAME: &str = "InstanceName";
    /// Snapshot: the name that the console shows.
    pub const NAME: &str = "Name";
    /// Snapshot: the slot it was made for.
    pub const SLOT: &str = "snapwarden:slot";
    /// Snapshot: the policy of retention that it was made under.
    pub const RETENTION: &str = "snapwarden:retention";
    /// Snapshot: `set`, of one moment with the others of its instance and slot, or `volume`.
    pub const CONSISTENCY: &str = "snapwarden:consistency";
    /// Snapshot: the device its volume was attached as.
    pub const DEVICE_NAME: &str = "DeviceName";
    /// Copy: the snapshot it was copied from.
    pub const SOURCE_SNAPSHOT_ID: &str = "SourceSnapshotId";
    /// Copy: the Region of its source.
    pub const SOURCE_REGION: &str = "SourceRegion";
    /// Copy: its source's StartTime.
    pub const SOURCE_START_TIME: &str = "SourceStartTime";
    /// Copy: its source's volume; a copy's own VolumeId is arbitrary.
    pub const VOLUME_ID: &str = "VolumeID";
    /// Source in `Copy` mode: its verified copies, `eu-west-1:snap-…`.
    pub const OFFSITE_SNAPSHOT_ID: &str = "OffsiteSnapshotId";
    /// Snapshot: the day, `YYYY-MM-DD`, UTC, on which the manager first saw that its volume is over. Empty: it is not.
    pub const CLOSED: &str = "snapwarden:closed";
    /// Snapshot: a restore reads from it.
    pub const IN_USE: &str = "snapwarden:in-use";
    /// Volume: it was put in the place of that volume.
    pub const WAS: &str = "snapwarden:was";

    /// Every key of the contract: none of them is ever carried over from a volume's own tags, in any letter case.
    pub const ALL: [&str; 33] = [
        BACKUP,
        RETENTION_DAYS,
        RETENTION_WEEKS,
        RETENTION_MONTHS,
        RETENTION_YEARS,
        KEEP_LAST,
        DESTINATION_RETENTION_DAYS,
        DESTINATION_RETENTION_WEEKS,
        DESTINATION_RETENTION_MONTHS,
        DESTINATION_RETENTION_YEARS,
        DESTINATION_KEEP_LAST,
        DESTINATION_REGION,
        OFFSITE_MODE,
        BACKUP_SCHEDULE,
        KEEP_FOREVER,
        TYPE,
        CREATED_ON,
        DELETE_ON,
        INSTANCE_ID,
        INSTANCE_NAME,
        NAME,
        SLOT,
        RETENTION,
        CONSISTENCY,
        DEVICE_NAME,
        SOURCE_SNAPSHOT_ID,
        SOURCE_REGION,
        SOURCE_START_TIME,
        VOLUME_ID,
        OFFSITE_SNAPSHOT_ID,
        CLOSED,
        IN_USE,
        WAS,
    ];
}

/// The value of [`key::TYPE`] that marks a snapshot as ours.
pub const TYPE_AUTOMATED: &str = "Automated";

/// The values of [`key::CONSISTENCY`].
pub const OF_SET: &str = "set";
/// A snapshot that was made alone.
pub const OF_VOLUME: &str = "volume";

/// Tags on one resource, at most. AWS: "Maximum number of tags per resource – 50" (EC2 user guide, Using_Tags).
pub const TAGS_MAX: usize = 50;
/// Tags that we put on a snapshot, late ones included: five places are left to people and to the copy's four keys.
pub const TAGS_OF_OURS_MAX: usize = 45;
/// Characters in a tag's value, at most (EC2 user guide, Using_Tags).
pub const TAG_VALUE_LENGTH_MAX: usize = 256;

/// The tags of one resource. Their order never matters. A copy shares them until one of the two is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(Arc<BTreeMap<String, String>>);

impl Tags {
    /// The value of a tag, without the white space around it.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.trim())
    }

    /// Whether the tag exists, whatever its value.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Sets a tag. A value longer than EC2 takes is cut.
    pub fn set(&mut self, key: &str, value: &str) {
        Arc::make_mut(&mut self.0).insert(key.to_owned(), value.chars().take(TAG_VALUE_LENGTH_MAX).collect());
    }

    /// Takes a tag away.
    pub fn remove(&mut self, key: &str) {
        Arc::make_mut(&mut self.0).remove(key);
    }

    /// All tags, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a person pinned the resource: `KeepForever` in any letter case, with any value, `No` included.
    pub fn keep_forever(&self) -> bool {
        self.keep_forever_keys().next().is_some()
    }

    /// The keys that count as `KeepForever`, as they are written.
    pub fn keep_forever_keys(&self) -> impl Iterator<Item = &str> {
        let may_be = |key: &&String| key.len() >= key::KEEP_FOREVER.len();
        let written = self.0.keys().filter(may_be).filter(|key| key.trim().eq_ignore_ascii_case(key::KEEP_FOREVER));
        written.map(|key| &**key)
    }

    /// Whether another of AWS's services manages the resource (Data Lifecycle Manager, AWS Backup).
    pub fn managed_by_aws(&self) -> bool {
        // Keys are in order: those of AWS stand together.
        let from_aws = (Bound::Included("aws:"), Bound::Unbounded);
        let mut of_aws = self.0.range::<str, _>(from_aws).map(|(key, _)| key).take_while(|key| key.starts_with("aws:"));
        of_aws.any(|key| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:"))
    }
}

/// Whether a character means nothing around `Yes` or a Region's name: white space, quotes, and what is neither letter nor
/// digit and stands outside ASCII, such as the characters that nobody sees and that come along when a text is copied.
fn is_unmeant(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'') || (!c.is_ascii() && !c.is_alphanumeric())
}

/// The key that stands on an instance for `key`: the predecessor's, where [`with_predecessors_keys`] reads it as that.
pub fn written_key(tags: &Tags, key: &'static str) -> &'static str {
    let is_read = || with_predecessors_keys(tags).has(key);
    let before = match key {
        _ if tags.has(key) => key,
        key::RETENTION_DAYS => key::PREDECESSORS_RETENTION,
        key::DESTINATION_REGION | key::OFFSITE_MODE => key::PREDECESSORS_COPY_REGION,
        _ => key,
    };
    if tags.has(before) && is_read() { before } else { key }
}

/// An instance's tags, with the keys that the predecessor's family of tools has read as ours, where ours are not there:
/// `Retention` as `RetentionDays` where it is a number of days, `CopyRegion` as `DestinationRegion` where it
/// names Regions; with that one sources stay, as there.
pub fn with_predecessors_keys(tags: &Tags) -> Tags {
    let mut all = tags.clone();
    let days = number(tags, key::PREDECESSORS_RETENTION, &RETENTION_DAYS_RANGE);
    if let TagValue::Is(days) = days
        && !tags.has(key::RETENTION_DAYS)
    {
        all.set(key::RETENTION_DAYS, &days.to_string());
    }
    let regions = tags.get(key::PREDECESSORS_COPY_REGION).unwrap_or_default();
    let is_named = |text: &str| text.contains('-') && text.to_ascii_lowercase().parse::<Region>().is_ok();
    let mut words = regions.split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    if words.peek().is_some() && words.all(is_named) && !tags.has(key::DESTINATION_REGION) {
        all.set(key::DESTINATION_REGION, regions);
        if !tags.has(key::OFFSITE_MODE) {
            all.set(key::OFFSITE_MODE, OffsiteMode::Copy.as_str());
        }
    }
    all
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(Arc::new(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()))
    }
}

/// A tag as read: absent, understood, or there but not to be understood. The three are never confused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagValue<T> {
    /// There is no such tag.
    Absent,
    /// The tag was understood.
    Is(T),
    /// The tag is there; this is its text.
    Unreadable(String),
}

impl<T> TagValue<T> {
    fn read(tags: &Tags, key: &str, parse: impl FnOnce(&str) -> Option<T>) -> Self {
        match tags.get(key) {
            None => TagValue::Absent,
            Some(text) => parse(text).map_or_else(|| TagValue::Unreadable(text.to_owned()), TagValue::Is),
        }
    }

    /// The value, where it was understood.
    pub fn ok(self) -> Option<T> {
        match self {
            TagValue::Is(value) => Some(value),
            TagValue::Absent | TagValue::Unreadable(_) => None,
        }
    }
}

/// What becomes of a source once every destination holds its verified copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OffsiteMode {
    /// The source is removed.
    Move,
    /// The source is removed, unless it is its volume's newest completed snapshot in its Region.
    KeepLatest,
    /// The source stays to its own DeleteOn.
    Copy,
}

impl OffsiteMode {
    /// The tag's value.
    pub fn as_str(self) -> &'static str {
        match self {
            OffsiteMode::Move => "Move",
            OffsiteMode::KeepLatest => "KeepLatest",
            OffsiteMode::Copy => "Copy",
        }
    }
}

/// `Yes` or `No`, in any letter case; around `Yes` may stand what means nothing. By `No` snapshots come to an end, so that is
/// read as it stands.
pub fn backup(tags: &Tags) -> TagValue<bool> {
    TagValue::read(tags, key::BACKUP, read_backup)
}

/// The same of a text.
pub fn read_backup(text: &str) -> Option<bool> {
    let says_yes = text.trim_matches(is_unmeant).eq_ignore_ascii_case("yes");
    says_yes.then_some(true).or(text.trim().eq_ignore_ascii_case("no").then_some(false))
}

/// The days that retention may have: a hundred years, as Data Lifecycle Manager's.
pub const RETENTION_DAYS_RANGE: RangeInclusive<u32> = 1..=36_500;

/// `RetentionDays`, 1 to 36500.
pub fn retention_days(tags: &Tags) -> TagValue<u32> {
    number(tags, key::RETENTION_DAYS, &RETENTION_DAYS_RANGE)
}

/// A whole number in `range`.
pub fn number(tags: &Tags, key: &str, range: &RangeInclusive<u32>) -> TagValue<u32> {
    TagValue::read(tags, key, |text| read_number(text, range))
}

/// A whole number in `range`, as it is written: in digits alone.
pub fn read_number(text: &str, range: &RangeInclusive<u32>) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| digits && range.contains(number))
}

/// The days that a shorter retention may wait.
pub const GRACE_DAYS_RANGE: RangeInclusive<u32> = 0..=365;

/// A text that is no number of days in [`GRACE_DAYS_RANGE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a whole number of days from {least} to {most}", least = GRACE_DAYS_RANGE.start(), most = GRACE_DAYS_RANGE.end())]
pub struct GraceDaysError;

/// Days of grace, in digits alone.
pub fn read_grace_days(text: &str) -> Result<u32, GraceDaysError> {
    read_number(text, &GRACE_DAYS_RANGE).ok_or(GraceDaysError)
}

/// A text that is no number of days in [`RETENTION_DAYS_RANGE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a whole number of days from {least} to {most}", least = RETENTION_DAYS_RANGE.start(), most = RETENTION_DAYS_RANGE.end())]
pub struct RetentionDaysError;

/// Days as they are written, in digits alone.
pub fn read_retention_days(text: &str) -> Result<u32, RetentionDaysError> {
    read_number(text, &RETENTION_DAYS_RANGE).ok_or(RetentionDaysError)
}

/// `OffsiteMode`, in any letter case.
pub fn offsite_mode(tags: &Tags) -> TagValue<OffsiteMode> {
    TagValue::read(tags, key::OFFSITE_MODE, |text| {
        [OffsiteMode::Move, OffsiteMode::KeepLatest, OffsiteMode::Copy]
            .into_iter()
            .find(|mode| mode.as_str().eq_ignore_ascii_case(text))
    })
}

/// One destination that a tag names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// Has the shape of a Region's name; whether it exists is for the inventory to say.
    Region(Region),
    /// Cannot be the name of a Region.
    Junk(String),
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Named::Region(region) => region.fmt(f),
            Named::Junk(text) => f.write_str(text),
        }
    }
}

/// The Regions that `DestinationRegion` names, in its order, each once. Empty where there is no such tag or it is empty.
pub fn destinations(tags: &Tags) -> Vec<Named> {
    let mut named = Vec::new();
    let text = tags.get(key::DESTINATION_REGION).unwrap_or_default();
    let words = text.split(|c| is_unmeant(c) || c == ',');
    for word in words.filter(|word| !word.is_empty()) {
        let one = match word.to_ascii_lowercase().parse() {
            Ok(region) => Named::Region(region),
            Err(_) => Named::Junk(word.to_owned()),
        };
        if !named.contains(&one) {
            named.push(one);
        }
    }
    if named.is_empty() && !text.is_empty() {
        named.push(Named::Junk(text.to_owned()));
    }
    named
}

/// The Regions that `DestinationRegion` names, be they there or not.
pub fn named_regions(tags: &Tags) -> BTreeSet<Region> {
    let region = |named| match named {
        Named::Region(region) => Some(region),
        Named::Junk(_) => None,
    };
    destinations(tags).into_iter().filter_map(region).collect()
}

/// A `YYYY-MM-DD` day and nothing else: four digits, no sign, no time.
pub(crate) fn date(text: &str) -> Option<Date> {
    let [year @ .., b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let year = number_of(<&[u8; 4]>::try_from(year).ok()?)?;
    Date::new(year, i8::try_from(number_of(&[*m1, *m2])?).ok()?, i8::try_from(number_of(&[*d1, *d2])?).ok()?).ok()
}

/// The number that these digits write.
pub(crate) fn number_of(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0_i16, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i16::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// `DeleteOn`: the first day (UTC) on which the snapshot may go.
pub fn delete_on(tags: &Tags) -> TagValue<Date> {
    TagValue::read(tags, key::DELETE_ON, date)
}

/// `CreatedOn`: the day (UTC) on which the snapshot was made.
pub fn created_on(tags: &Tags) -> TagValue<Date> {
    TagValue::read(tags, key::CREATED_ON, date)
}

/// `snapwarden:closed`: the day (UTC) of the mark. An empty one is none.
pub fn closed(tags: &Tags) -> TagValue<Date> {
    if tags.get(key::CLOSED).is_none_or(str::is_empty) {
        return TagValue::Absent;
    }
    TagValue::read(tags, key::CLOSED, date)
}

/// `snapwarden:was` of a volume: the volume in whose place it was put.
pub fn was(tags: &Tags) -> Option<VolumeId> {
    tags.get(key::WAS).and_then(|text| text.parse().ok())
}

/// `SourceStartTime` of a copy, RFC 3339.
pub fn source_start_time(tags: &Tags) -> Option<jiff::Timestamp> {
    tags.get(key::SOURCE_START_TIME).and_then(|text| text.parse().ok())
}

/// `SourceSnapshotId`: what makes a snapshot a copy. A key that is there with an unreadable value makes it one too.
pub fn source_snapshot(tags: &Tags) -> TagValue<SnapshotId> {
    TagValue::read(tags, key::SOURCE_SNAPSHOT_ID, |text| text.parse().ok())
}

/// `SourceRegion` of a copy.
pub fn source_region(tags: &Tags) -> TagValue<Region> {
    TagValue::read(tags, key::SOURCE_REGION, |text| text.parse().ok())
}

/// `VolumeID` of a copy, whoever wrote it.
pub fn volume_id(tags: &Tags) -> Option<VolumeId> {
    tags.get(key::VOLUME_ID).and_then(|text| text.parse().ok())
}

/// The readable stamps of `OffsiteSnapshotId`. The predecessor's bare ids prove nothing and are not read.
pub fn stamps(tags: &Tags) -> BTreeMap<Region, SnapshotId> {
    let words = tags.get(key::OFFSITE_SNAPSHOT_ID).unwrap_or_default().split_whitespace();
    words
        .filter_map(|word| word.split_once(':'))
        .filter_map(|(region, snapshot)| Some((region.parse().ok()?, snapshot.parse().ok()?)))
        .collect()
}

/// Whether a volume's own tag may be carried to a snapshot: no key of the contract in any letter case, none of AWS's.
pub fn may_be_carried(key: &str) -> bool {
    let is_ours = key::ALL.iter().any(|ours| ours.eq_ignore_ascii_case(key.trim()));
    let is_aws = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    !is_ours && !is_aws && !key.trim().is_empty()
}

/// Whether a snapshot with these tags is nothing to us: none of ours, and no copy that says of what.
pub fn are_foreign(tags: &Tags) -> bool {
    tags.get(key::TYPE) != Some(TYPE_AUTOMATED) && !tags.has(key::SOURCE_SNAPSHOT_ID)
}

/// What speaks of one snapshot alone: no copy carries it on, and nothing compares it.
pub const NOT_COPIED: [&str; 3] = [key::OFFSITE_SNAPSHOT_ID, key::CLOSED, key::IN_USE];

/// The tags of a copy: one pure function of its source's tags, so that whoever looks can tell what is missing.
///
/// All of the source's but [`NOT_COPIED`] and AWS's own, plus the four that say where it came from; one fewer than
/// [`TAGS_MAX`] at most, so that the manager can mark it: ours first, then the others by key. Where copies have a policy of their own, `DeleteOn` is by that one.
pub fn of_copy(source_id: &SnapshotId, source_region: &Region, source: &crate::inventory::Snapshot) -> Tags {
    let mut tags = Tags::default();
    tags.set(key::SOURCE_SNAPSHOT_ID, source_id.as_str());
    tags.set(key::SOURCE_REGION, source_region.as_str());
    tags.set(key::SOURCE_START_TIME, &source.start_time.to_string());
    tags.set(key::VOLUME_ID, source.volume_id.as_str());
    let is_contract = |key: &str| key::ALL.contains(&key) || key.eq_ignore_ascii_case(key::KEEP_FOREVER);
    let carried = |key: &str| !NOT_COPIED.contains(&key) && !key.starts_with("aws:");
    let (contract, others): (Vec<_>, Vec<_>) =
        source.tags.iter().filter(|(key, _)| carried(key)).partition(|(key, _)| is_contract(key));
    for (key, value) in contract.into_iter().chain(others) {
        if tags.len() == TAGS_MAX - 1 {
            break;
        }
        if !tags.has(key) {
            tags.set(key, value);
        }
    }
    if let Some(day) = crate::retention::delete_on_of_copy(&source.tags) {
        tags.set(key::DELETE_ON, &day.to_string());
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().copied().collect()
    }

    #[test]
    fn keep_forever_counts_in_any_position_letter_case_and_value() {
        for key in ["KeepForever", "keepforever", "KEEPFOREVER", " KeepForever "] {
            for value in ["", "No", "Yes", "before the migration"] {
                assert!(tags(&[("Type", "Automated"), (key, value), ("Name", "x")]).keep_forever(), "{key}={value}");
            }
        }
        assert!(!tags(&[("KeepForeve", "Yes")]).keep_forever());
    }

    #[test]
    fn yes_and_no_are_read_in_any_case_and_anything_else_is_unreadable() {
        assert_eq!(backup(&tags(&[("Backup", " yES ")])), TagValue::Is(true));
        assert_eq!(backup(&tags(&[("Backup", "NO")])), TagValue::Is(false));
        assert_eq!(backup(&tags(&[("Backup", "daily")])), TagValue::Unreadable("daily".into()));
        assert_eq!(backup(&tags(&[("backup", "Yes")])), TagValue::Absent, "keys are case-sensitive");
    }

    #[test]
    fn retention_days_takes_whole_days_in_range_only() {
        assert_eq!(retention_days(&tags(&[("RetentionDays", " 30 ")])), TagValue::Is(30));
        for bad in ["7d", "0", "36501", "-1", "+7", "7.5", "", "99999999999999999999", "٧"] {
            assert_eq!(retention_days(&tags(&[("RetentionDays", bad)])), TagValue::Unreadable(bad.into()));
        }
    }

    #[test]
    fn offsite_mode_is_read_in_any_case() {
        assert_eq!(offsite_mode(&tags(&[("OffsiteMode", "keeplatest")])), TagValue::Is(OffsiteMode::KeepLatest));
        assert_eq!(offsite_mode(&tags(&[("OffsiteMode", "mirror")])), TagValue::Unreadable("mirror".into()));
    }

    #[test]
    fn destinations_are_separated_by_spaces_or_commas_and_named_once() {
        let named = destinations(&tags(&[("DestinationRegion", " eu-west-1,US-EAST-1  eu-west-1, (no) ")]));
        assert_eq!(
            named,
            [
                Named::Region("eu-west-1".parse().unwrap()),
                Named::Region("us-east-1".parse().unwrap()),
                Named::Junk("(no)".into())
            ]
        );
        assert!(destinations(&tags(&[("DestinationRegion", " ")])).is_empty());
    }

    #[test]
    fn a_day_is_ten_characters_and_exists() {
        assert_eq!(delete_on(&tags(&[("DeleteOn", "2028-02-29")])), TagValue::Is(jiff::civil::date(2028, 2, 29)));
        for bad in ["2026-02-29", "tomorrow", "", "2026-2-9", "20260209", "+2026-02-09", "2026-02-09T00:00:00Z"] {
            assert_eq!(delete_on(&tags(&[("DeleteOn", bad)])), TagValue::Unreadable(bad.into()));
        }
    }

    #[test]
    fn the_predecessors_bare_stamp_proves_nothing() {
        assert!(stamps(&tags(&[("OffsiteSnapshotId", "snap-1")])).is_empty());
        let both = stamps(&tags(&[("OffsiteSnapshotId", "eu-west-1:snap-1 us-west-2:snap-2 rubbish")]));
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn no_key_of_the_contract_is_carried_from_a_volume() {
        for key in key::ALL {
            assert!(!may_be_carried(key), "{key}");
            assert!(!may_be_carried(&key.to_uppercase()), "{key}");
        }
        assert!(!may_be_carried("aws:cloudformation:stack-name"));
        assert!(!may_be_carried("AWS:x"));
        assert!(may_be_carried("CostCenter"));
        assert!(may_be_carried("aws-team"));
    }
}
