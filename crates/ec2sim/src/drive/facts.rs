//! What the raw tags and times of a snapshot say, by docs/tags.md, and nothing of the code that decides.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState};
use snapwarden_core::schedule::Slot;
use snapwarden_core::tags::Tags;

use crate::config::LAG_MAX_S;
use crate::snapshots::VOLUME_OF_COPIES;
use crate::state::SnapshotRecord;
use crate::world::World;

/// The one tag that the manager writes.
pub(super) const CLOSED: &str = "snapwarden:closed";
/// What speaks of one snapshot alone: it is neither born with it nor copied with it.
pub(super) const OF_ONE_ALONE: [&str; 2] = [CLOSED, "snapwarden:in-use"];
/// Full days that what was in force stays in force.
pub(super) const GRACE_DAYS: i64 = 7;
/// Full days that a history is judged as open after its volume is over.
pub(super) const CLOSING_DAYS: i64 = 30;
/// What changed within this time before a call, the caller need not know: EC2's lag, and a second look's minute.
pub(super) const UNSEEN_S: i64 = LAG_MAX_S as i64 + 60;

/// Whether it is ours.
pub(super) fn is_managed(world: &World, snapshot: &Snapshot) -> bool {
    let tags = &snapshot.tags;
    let of_aws = tags.iter().any(|(key, _)| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:"));
    snapshot.owner == *world.account() && tags.get("Type") == Some("Automated") && !of_aws && !is_of_another(snapshot)
}

/// Whether its tags are another snapshot's: they tell of a birth that is not its own.
fn is_of_another(snapshot: &Snapshot) -> bool {
    let tags = &snapshot.tags;
    let is_of_copies = snapshot.volume_id.as_str() == VOLUME_OF_COPIES;
    if is_of_copies || tags.has("SourceSnapshotId") {
        return !is_of_copies && tags.get("VolumeID") != Some(snapshot.volume_id.as_str());
    }
    let begun = snapshot.start_time;
    let created = date(tags, "CreatedOn");
    let slot = tags.get("snapwarden:slot").and_then(|text| text.parse::<Slot>().ok()).map(Slot::time);
    let is_late = slot.is_some_and(|slot| seconds(begun, slot) > 86_400);
    let is_old = match created {
        Some(created) => (day(begun) - created).get_days() > 1,
        None => slot.is_some_and(|slot| seconds(slot, begun) > 86_400),
    };
    is_late || is_old
}

/// All snapshots of the world, ours or not.
pub(super) fn everything(world: &World) -> impl Iterator<Item = &Snapshot> {
    world.regions().flat_map(|region| world.snapshots(region)).map(|record| &record.snapshot)
}

/// Whether it says that it is ours and has another one's tags.
pub(super) fn has_wandered(world: &World, snapshot: &Snapshot) -> bool {
    snapshot.owner == *world.account() && snapshot.tags.get("Type") == Some("Automated") && is_of_another(snapshot)
}

/// Whether a volume's tags leave it out.
pub(super) fn is_left_out(tags: &Tags) -> bool {
    tags.get("Backup").is_some_and(|value| value.eq_ignore_ascii_case("no"))
}

pub(super) fn is_pinned(tags: &Tags) -> bool {
    tags.iter().any(|(key, _)| key.trim().eq_ignore_ascii_case("keepforever"))
}

/// Days for which what a restore says that it reads from stays.
const IN_USE_DAYS: i64 = 7;

/// Whether a restore reads from it: it says since when, and that is less than 7 full days ago, or not to be understood.
pub(super) fn is_in_use(tags: &Tags, now: Timestamp) -> bool {
    let Some(text) = tags.get("snapwarden:in-use") else { return false };
    let midnight = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    let since = text.parse::<Timestamp>().ok().or_else(|| midnight().filter(|_| text.len() == 10));
    since.is_none_or(|since| since > now || seconds(since, now) < IN_USE_DAYS * 86_400)
}

pub(super) fn delete_on(tags: &Tags) -> Option<Date> {
    date(tags, "DeleteOn")
}

/// The day that a tag says.
pub(super) fn date(tags: &Tags, key: &str) -> Option<Date> {
    tags.get(key).filter(|text| text.len() == 10)?.parse().ok()
}

/// Whether a mark of a volume counts: none from before its newest data, and none from the future.
pub(super) fn mark_counts(marked: Date, newest: Option<Date>, today: Date) -> bool {
    newest.is_none_or(|newest| newest <= marked) && marked <= today
}

/// Whether the closing days after a mark are over.
pub(super) fn is_past_closing(marked: Date, today: Date) -> bool {
    marked.checked_add(CLOSING_DAYS.days()).is_ok_and(|last| last < today)
}

/// Whether a snapshot's day has come: its date, and as many full days as it was promised.
pub(super) fn is_due(snapshot: &Snapshot, now: Timestamp) -> bool {
    let Some(until) = delete_on(&snapshot.tags) else { return false };
    let created = date(&snapshot.tags, "CreatedOn");
    let promised = created.map_or(0, |created| i64::from((until - created).get_days()) * 86_400);
    until <= day(now) && (created.is_none() || seconds(data_time(snapshot), now) >= promised)
}

pub(super) fn data_time(snapshot: &Snapshot) -> Timestamp {
    let of_source = snapshot.tags.has("SourceSnapshotId").then(|| snapshot.tags.get("SourceStartTime")).flatten();
    of_source.and_then(|text| text.parse().ok()).map_or(snapshot.start_time, |time| snapshot.start_time.min(time))
}

/// Whether that is the time of its data: a copy may have lost it.
pub(super) fn has_time(snapshot: &Snapshot) -> bool {
    let says = |text: &str| text.parse::<Timestamp>().is_ok_and(|time| time <= snapshot.start_time);
    !snapshot.tags.has("SourceSnapshotId") || snapshot.tags.get("SourceStartTime").is_some_and(says)
}

/// A snapshot with what it says of itself, for people.
pub(super) fn told(snapshot: &Snapshot) -> String {
    let tags = ["snapwarden:retention", "DeleteOn", "DestinationRegion", CLOSED].into_iter();
    let tags: Vec<_> = tags.filter_map(|key| Some(format!("{key}={:?}", snapshot.tags.get(key)?))).collect();
    let time = data_time(snapshot).strftime("%Y-%m-%dT%H:%MZ");
    format!("{} ({time}, {})", snapshot.id, tags.join(", "))
}

/// The source of a copy, a source itself: what is one moment of a volume has one.
pub(super) fn moment_of(snapshot: &Snapshot) -> SnapshotId {
    let of_source = snapshot.tags.get("SourceSnapshotId").and_then(|text| text.parse().ok());
    of_source.unwrap_or_else(|| snapshot.id.clone())
}

/// The volume whose data it holds; none for a copy that does not say.
pub(super) fn volume_of(snapshot: &Snapshot) -> Option<VolumeId> {
    volume_named(snapshot)?.parse().ok()
}

/// Whether it holds data of this volume.
pub(super) fn is_of(snapshot: &Snapshot, volume: &VolumeId) -> bool {
    volume_named(snapshot) == Some(volume.as_str())
}

fn volume_named(snapshot: &Snapshot) -> Option<&str> {
    let is_copy = snapshot.tags.has("SourceSnapshotId") || snapshot.volume_id.as_str() == VOLUME_OF_COPIES;
    if is_copy { snapshot.tags.get("VolumeID") } else { Some(snapshot.volume_id.as_str()) }
}

/// Whether this is a living copy of ours of that source.
pub(super) fn is_copy_of(record: &SnapshotRecord, region: &Region, source: &SnapshotId) -> bool {
    record.copy_of.as_ref().is_some_and(|(r, s)| r == region && s == source)
        && record.snapshot.tags.get("SourceSnapshotId") == Some(source.as_str())
        && record.snapshot.state != SnapshotState::Error
}

pub(super) fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

pub(super) fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs()
}
