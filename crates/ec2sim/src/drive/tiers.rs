//! What retention wants beyond DeleteOn, in the words of docs/retention.md and no others: of the newest N weeks, months
//! and years that have a snapshot, the first snapshot of each; the newest N; what an instance's tags want now, and what
//! the snapshot records.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use snapwarden_core::inventory::{Instance, Snapshot};
use snapwarden_core::schedule::{Schedule, Zone};
use snapwarden_core::tags::Tags;

use super::rules::{data_time, volume_of};
use crate::world::World;

/// Days, weeks, months, years, newest; 0 for none.
type Numbers = [u32; 5];

/// The tags of sources and of copies, what each can be at most, and the word for it in a record.
const OWN: [&str; 5] = ["RetentionDays", "RetentionWeeks", "RetentionMonths", "RetentionYears", "KeepLast"];
const COPIES: [&str; 5] = [
    "DestinationRetentionDays",
    "DestinationRetentionWeeks",
    "DestinationRetentionMonths",
    "DestinationRetentionYears",
    "DestinationKeepLast",
];
const MOST: [u32; 5] = [36_500, 5_200, 1_200, 100, 1_000];
const WORDS: [&str; 5] = ["days", "weeks", "months", "years", "last"];

/// How long snapshots and copies are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    own: Numbers,
    copies: Option<Numbers>,
    zone: Zone,
}

impl Policy {
    fn of_kind(&self, is_copy: bool) -> Numbers {
        self.copies.filter(|_| is_copy).unwrap_or(self.own)
    }

    /// Whether DeleteOn says all of it.
    pub(super) fn is_plain(&self) -> bool {
        self.copies.is_none() && self.own[1..].iter().all(|number| *number == 0)
    }

    /// The same but for the days of sources.
    pub(super) fn is_as(&self, other: &Policy) -> bool {
        let same = self.own[1..] == other.own[1..] && self.copies == other.copies && self.zone == other.zone;
        same || (self.is_plain() && other.is_plain())
    }

    /// The days for which all snapshots of a kind are kept.
    pub(super) fn days(&self, is_copy: bool) -> u32 {
        self.of_kind(is_copy)[0]
    }
}

/// What an instance's tags ask for; none where one of them cannot be read.
pub(super) fn asked(tags: &Tags) -> Option<Policy> {
    let read = |names: [&str; 5]| {
        let mut numbers = [0; 5];
        for (place, name) in names.into_iter().enumerate() {
            let Some(text) = tags.get(name) else { continue };
            numbers[place] = text.parse().ok().filter(|number| (1..=MOST[place]).contains(number))?;
        }
        Some(numbers)
    };
    let (mut own, mut copies) = (read(OWN)?, read(COPIES)?);
    own[0] = if own[0] == 0 { 7 } else { own[0] };
    copies[0] = if copies[0] == 0 { own[0] } else { copies[0] };
    let has_copies = COPIES.iter().any(|name| tags.has(name));
    let schedule = tags.get("BackupSchedule").and_then(|text| text.parse::<Schedule>().ok()).unwrap_or_default();
    Some(Policy { own, copies: has_copies.then_some(copies), zone: schedule.zone() })
}

/// What a snapshot records: `Ok(None)` where it records nothing, an error where nobody can read it.
pub(super) fn recorded(snapshot: &Snapshot) -> Result<Option<Policy>, ()> {
    let Some(text) = snapshot.tags.get("snapwarden:retention") else { return Ok(None) };
    let (mut numbers, mut zone, mut kind) = ([[0; 5]; 2], Zone::default(), 0);
    for word in text.split(' ') {
        match word {
            "copies:" => kind = 1,
            "mistyped" => {}
            _ => read_number(word, &mut numbers[kind], &mut zone)?,
        }
    }
    let [own, copies] = numbers;
    Ok(Some(Policy { own, copies: (kind == 1).then_some(copies), zone }))
}

fn read_number(word: &str, numbers: &mut Numbers, zone: &mut Zone) -> Result<(), ()> {
    let (name, value) = word.split_once('=').ok_or(())?;
    match WORDS.iter().position(|known| *known == name) {
        Some(place) => numbers[place] = value.parse().map_err(|_| ())?,
        None => *zone = value.parse().map_err(|_| ())?,
    }
    Ok(())
}

/// The live instance that a snapshot names, and those that have its volume now.
pub(super) fn instances<'w>(world: &'w World, snapshot: &Snapshot) -> Vec<&'w Instance> {
    let volume = volume_of(snapshot);
    let speaks = |instance: &&Instance| {
        let has = |device: &snapwarden_core::inventory::Device| device.volume.is_some() && device.volume == volume;
        instance.state.is_backed_up()
            && (snapshot.tags.get("InstanceID") == Some(instance.id.as_str()) || instance.devices.iter().any(has))
    };
    let all = world.regions().flat_map(|region| world.instances(region)).map(|record| &record.instance);
    all.filter(speaks).collect()
}

/// When a snapshot was due by its schedule, or taken where that was earlier.
pub(super) fn moment(snapshot: &Snapshot) -> Timestamp {
    let slot = snapshot.tags.get("snapwarden:slot").and_then(|text| text.replace('Z', ":00Z").parse().ok());
    slot.map_or(data_time(snapshot), |slot: Timestamp| slot.min(data_time(snapshot)))
}

fn first_days(date: Date) -> [Date; 3] {
    let monday = date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days());
    [monday, date.first_of_month(), date.first_of_year()]
}

/// Whether `policy` wants `target`, given the completed snapshots and copies of its volume. One that does not stand is
/// first of nothing.
pub(super) fn wants(
    policy: &Policy,
    target: &Snapshot,
    history: &[&Snapshot],
    stands: impl Fn(&Snapshot) -> bool,
) -> bool {
    let is_copy = target.tags.has("SourceSnapshotId");
    let in_it = |one: &&&Snapshot| policy.copies.is_none() || one.tags.has("SourceSnapshotId") == is_copy;
    let members: Vec<_> = history.iter().filter(in_it).collect();
    let own = moment(target);
    let newer: BTreeSet<_> = members.iter().map(|one| moment(one)).filter(|time| *time > own).collect();
    let numbers = policy.of_kind(is_copy).map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    if newer.len() < numbers[4] {
        return true;
    }
    let days = |time: Timestamp| first_days(time.to_zoned(policy.zone.time_zone().clone()).date());
    (0..3).any(|kind| {
        let period = days(own)[kind];
        let later: BTreeSet<_> = newer.iter().map(|time| days(*time)[kind]).filter(|day| *day > period).collect();
        let is_first = !members.iter().any(|one| moment(one) < own && days(moment(one))[kind] == period && stands(one));
        later.len() < numbers[kind + 1] && is_first
    })
}

/// Whether no snapshot that records `policy` is newer than one of more than these days that records something else. One
/// that was made while a tag could not be read says nothing of what is asked for.
pub(super) fn is_given_up(policy: &Policy, history: &[&Snapshot], now: Timestamp, days: i64) -> bool {
    let records =
        |one: &&&Snapshot| recorded(one).is_ok_and(|record| record.is_some_and(|record| record.is_as(policy)));
    let last = history.iter().filter(records).map(|one| moment(one)).max();
    let is_old = |one: &Snapshot| now.duration_since(data_time(one)).as_hours() >= days * 24;
    let is_mistyped =
        |one: &Snapshot| one.tags.get("snapwarden:retention").is_some_and(|text| text.contains("mistyped"));
    history.iter().any(|one| !records(&one) && !is_mistyped(one) && Some(moment(one)) >= last && is_old(one))
}
