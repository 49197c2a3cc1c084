//! What one snapshot says, each meaning written once, from docs/tags.md and docs/safety.md. Nothing here is the planners'.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::record::{Record, recorded};
use crate::ids::{AccountId, Region, SnapshotId, VolumeId};
use crate::inventory::{Inventory, Snapshot, SnapshotState, StorageTier};
use crate::schedule::Slot;
use crate::tags::Tags;

/// The volume that EC2 names for a copy: there is no such volume.
const OF_A_COPY: &str = "vol-ffffffff";
/// For how many full days `snapwarden:in-use` keeps a snapshot.
const IN_USE_DAYS: i64 = 7;

/// A snapshot that was seen.
pub(super) struct Fact<'a> {
    /// The Region it lies in.
    pub(super) region: &'a Region,
    pub(super) snapshot: &'a Snapshot,
    /// Whether Snapwarden manages it.
    pub(super) is_ours: bool,
    pub(super) is_copy: bool,
    /// The volume whose data it holds; none where a copy does not say.
    pub(super) volume: Option<&'a str>,
    /// The time of its data.
    pub(super) data: Timestamp,
    /// Whether that has not come yet, by more than minutes: nothing may rest on it.
    is_later: bool,
}

/// Which snapshot, of all that were seen.
pub(super) type Key<'a> = (&'a Region, &'a SnapshotId);

impl<'a> Fact<'a> {
    pub(super) fn of(inventory: &Inventory, region: &'a Region, snapshot: &'a Snapshot) -> Self {
        let is_copy = is_copy(snapshot);
        let data = data_time(snapshot, is_copy);
        Self {
            region,
            snapshot,
            is_ours: is_ours(snapshot, &inventory.account),
            is_copy,
            volume: if is_copy { named_volume(&snapshot.tags) } else { Some(snapshot.volume_id.as_str()) },
            data,
            is_later: data.duration_since(inventory.taken_at) > SignedDuration::from_mins(5),
        }
    }

    pub(super) fn key(&self) -> Key<'a> {
        (self.region, &self.snapshot.id)
    }

    /// Whether it says when that was; a copy may have lost it.
    pub(super) fn says_data_time(&self) -> bool {
        let said = self.snapshot.tags.get("SourceStartTime").and_then(|text| text.parse::<Timestamp>().ok());
        !self.is_copy || said.is_some_and(|of_source| of_source <= self.snapshot.start_time)
    }

    pub(super) fn is_completed(&self) -> bool {
        self.snapshot.state == SnapshotState::Completed && !self.is_later
    }

    /// Whether it has neither completed nor failed.
    pub(super) fn is_in_the_making(&self) -> bool {
        !matches!(self.snapshot.state, SnapshotState::Completed | SnapshotState::Error)
    }

    /// Whether it states what it was made under: it has completed or is going to.
    pub(super) fn states(&self) -> bool {
        matches!(self.snapshot.state, SnapshotState::Completed | SnapshotState::Pending)
    }

    pub(super) fn is_standard(&self) -> bool {
        self.snapshot.tier == StorageTier::Standard
    }

    pub(super) fn is_pinned(&self) -> bool {
        is_pinned(&self.snapshot.tags)
    }

    /// What it is a copy of, as it is written.
    pub(super) fn source(&self) -> Option<&'a str> {
        self.snapshot.tags.get("SourceSnapshotId")
    }

    pub(super) fn source_region(&self) -> Option<Region> {
        self.snapshot.tags.get("SourceRegion").and_then(|text| text.parse().ok())
    }

    pub(super) fn delete_on(&self) -> Option<Date> {
        day(&self.snapshot.tags, "DeleteOn")
    }

    pub(super) fn created_on(&self) -> Option<Date> {
        day(&self.snapshot.tags, "CreatedOn")
    }

    /// The second of its data. What holds the data of one second is one moment: a snapshot and its copies.
    pub(super) fn second(&self) -> i64 {
        self.data.as_second()
    }

    /// The day of its data, UTC.
    pub(super) fn data_day(&self) -> Date {
        date_of(self.data)
    }

    pub(super) fn record(&self) -> Record {
        self.snapshot
            .tags
            .get("snapwarden:retention")
            .map_or(Record::Absent, |text| recorded(text).map_or(Record::Unreadable, Record::Is))
    }

    /// Whether `DeleteOn` is another day than the one it was born with, so that a person must have moved it.
    pub(super) fn is_moved(&self, record: &Record) -> bool {
        let Record::Is(policy) = record else { return false };
        // Where CreatedOn cannot be read, nobody knows: then it counts as not moved, which keeps more.
        let promised = self.created_on().zip(self.delete_on()).map(|(created, goes)| days_between(created, goes));
        let days = i64::from(policy.of_kind(self.is_copy)[0]);
        !policy.is_mistyped && promised.is_some_and(|promised| promised != days)
    }

    /// Why it may not go yet by its own word, if so.
    pub(super) fn too_early(&self, now: Timestamp) -> Option<String> {
        let Some(delete_on) = self.delete_on() else { return Some("has no readable DeleteOn".to_owned()) };
        if date_of(now) < delete_on {
            return Some(format!("is kept until {delete_on}, its DeleteOn"));
        }
        let promised = self.created_on().map_or(0, |created| days_between(created, delete_on));
        let is_young = self.created_on().is_some() && now.duration_since(self.data) < full_days(promised);
        is_young.then(|| format!("is not {promised} full days old, as it was promised"))
    }

    /// Whether a restore reads from it, or did so less than seven full days ago.
    pub(super) fn is_in_use(&self, now: Timestamp) -> bool {
        let Some(text) = self.snapshot.tags.get("snapwarden:in-use") else { return false };
        let word = text.split_whitespace().next().unwrap_or_default();
        let midnight =
            || day_of(word).and_then(|date| date.to_zoned(TimeZone::UTC).ok()).map(|zoned| zoned.timestamp());
        let since = midnight().or_else(|| word.parse().ok());
        since.is_none_or(|since| now.duration_since(since) < full_days(IN_USE_DAYS))
    }
}

/// Whether a snapshot is managed by Snapwarden: this account's, marked as ours, no other service's, and with the tags
/// that it was born with.
fn is_ours(snapshot: &Snapshot, account: &AccountId) -> bool {
    let of_aws = |key: &str| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:");
    snapshot.owner == *account
        && snapshot.tags.get("Type") == Some("Automated")
        && !snapshot.tags.iter().any(|(key, _)| of_aws(key))
        && !has_wandering_tags(snapshot)
}

/// Whether its tags are another snapshot's: carried on by another tool, from a volume that was restored from it.
fn has_wandering_tags(snapshot: &Snapshot) -> bool {
    if is_copy(snapshot) {
        let of_ec2 = snapshot.volume_id.as_str();
        return of_ec2 != OF_A_COPY && snapshot.tags.get("VolumeID") != Some(of_ec2);
    }
    let (begun, one_day) = (snapshot.start_time, full_days(1));
    let slot = snapshot.tags.get("snapwarden:slot").and_then(|text| text.parse::<Slot>().ok()).map(Slot::time);
    let is_away = match day(&snapshot.tags, "CreatedOn") {
        // A later day is that of its deletion, which the predecessor's stack wrote.
        Some(created) => days_between(created, date_of(begun)) > 1,
        None => slot.is_some_and(|slot| begun.duration_since(slot).abs() > one_day),
    };
    is_away || slot.is_some_and(|slot| slot.duration_since(begun) > one_day)
}

/// Whether it is a copy: it says so, or EC2 does.
fn is_copy(snapshot: &Snapshot) -> bool {
    snapshot.tags.has("SourceSnapshotId") || snapshot.volume_id.as_str() == OF_A_COPY
}

/// The volume that a copy says it is of.
fn named_volume(tags: &Tags) -> Option<&str> {
    tags.get("VolumeID").filter(|text| text.parse::<VolumeId>().is_ok() && *text != OF_A_COPY)
}

/// When the data was written that a snapshot holds. A copy cannot be older than its source.
fn data_time(snapshot: &Snapshot, is_copy: bool) -> Timestamp {
    let said = snapshot.tags.get("SourceStartTime").filter(|_| is_copy).and_then(|text| text.parse::<Timestamp>().ok());
    said.filter(|of_source| *of_source <= snapshot.start_time).unwrap_or(snapshot.start_time)
}

/// Whether a person pinned it, or a volume whose tags these are.
pub(super) fn is_pinned(tags: &Tags) -> bool {
    tags.iter().any(|(key, _)| key.trim().eq_ignore_ascii_case("KeepForever"))
}

/// Whether tags say `Backup=Yes`: quotes around the word mean nothing, nor do marks outside ASCII.
pub(super) fn says_yes(tags: &Tags) -> bool {
    let said = tags.get("Backup").map(|text| text.trim_matches(|c: char| is_around_words(c)));
    said.is_some_and(|text| text.eq_ignore_ascii_case("Yes"))
}

fn is_around_words(c: char) -> bool {
    c.is_whitespace() || c == '"' || c == '\'' || !(c.is_ascii() || c.is_alphanumeric())
}

/// Whether tags say `Backup=No`, and nothing else.
pub(super) fn says_no(tags: &Tags) -> bool {
    tags.get("Backup").is_some_and(|text| text.eq_ignore_ascii_case("No"))
}

/// The words of `DestinationRegion`, junk included.
pub(super) fn destination_words(tags: &Tags) -> Vec<String> {
    let text = tags.get("DestinationRegion").unwrap_or_default().to_lowercase();
    let words = text.split(|c| c == ',' || is_around_words(c));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.is_empty() && !text.is_empty() { vec![text] } else { words }
}

/// Those of them that can be a Region's name.
pub(super) fn destinations(tags: &Tags) -> impl Iterator<Item = Region> {
    destination_words(tags).into_iter().filter_map(|word| word.parse().ok())
}

/// The destinations that an instance's tags name, by the predecessor's `CopyRegion` where they have no `DestinationRegion`.
pub(super) fn destinations_of_instance(tags: &Tags) -> impl Iterator<Item = Region> {
    let before = tags.get("CopyRegion").filter(|_| !tags.has("DestinationRegion"));
    let words = before.unwrap_or_default().split([' ', ',']).filter(|word| !word.is_empty());
    let before: Option<Vec<Region>> =
        words.map(|word| word.to_lowercase().parse().ok().filter(|_| word.contains('-'))).collect();
    destinations(tags).chain(before.unwrap_or_default())
}

/// A tag that is a day.
pub(super) fn day(tags: &Tags, key: &str) -> Option<Date> {
    tags.get(key).and_then(day_of)
}

/// `YYYY-MM-DD` and nothing else.
fn day_of(text: &str) -> Option<Date> {
    let is_shaped = |(n, byte): (usize, u8)| if n == 4 || n == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    let is_day = text.len() == 10 && text.bytes().enumerate().all(is_shaped);
    text.parse().ok().filter(|_| is_day)
}

/// The day of a time, UTC.
pub(super) fn date_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Days from one to another; negative where the other is earlier.
pub(super) fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// So many days of 24 hours.
pub(super) fn full_days(days: i64) -> SignedDuration {
    SignedDuration::from_secs(days.saturating_mul(86_400))
}
