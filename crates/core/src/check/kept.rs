//! Whether retention wants what a plan deletes, asked the other way round: of one snapshot, what in its volume's history
//! speaks against each tier. No index, no order of walking; it shares nothing with the planner but the types.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{data_time, source_of, value, volume_of};
use crate::ids::{Region, SnapshotId};
use crate::inventory::{Instance, Inventory, Read, Snapshot, SnapshotState};
use crate::policy::Config;
use crate::schedule::{Schedule, Slot, Zone};
use crate::tags::Tags;

/// Days, weeks, months, years, last; 0 for none.
type Numbers = [u32; 5];

/// The tags of sources, and of copies, in that order.
const OWN: [&str; 5] = ["RetentionDays", "RetentionWeeks", "RetentionMonths", "RetentionYears", "KeepLast"];
const COPIES: [&str; 5] = [
    "DestinationRetentionDays",
    "DestinationRetentionWeeks",
    "DestinationRetentionMonths",
    "DestinationRetentionYears",
    "DestinationKeepLast",
];
/// The most that each can be.
const MOST: [u32; 5] = [36_500, 5_200, 1_200, 100, 1_000];

/// The word for each in a record.
const WORDS: [&str; 5] = ["days", "weeks", "months", "years", "last"];

/// A number of a tag: 0 without the tag, none where it is no number from 1 to `most`.
fn read(tags: &Tags, name: &str, most: u32) -> Option<u32> {
    value(tags, name).map_or(Some(0), |text| number(text, most))
}

fn number(text: &str, most: u32) -> Option<u32> {
    let digits = text.chars().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|number| digits && (1..=most).contains(number))
}

/// A policy, read from an instance or from a record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Policy {
    own: Numbers,
    copies: Option<Numbers>,
    zone: Zone,
    /// It was recorded while a tag could not be read.
    is_mistyped: bool,
}

impl Policy {
    fn is_plain(&self) -> bool {
        self.copies.is_none() && self.own[1..] == [0; 4]
    }

    fn of_kind(&self, is_copy: bool) -> Numbers {
        if is_copy { self.copies.unwrap_or(self.own) } else { self.own }
    }

    /// Beside the days of sources, which their DeleteOn has.
    fn is_as(&self, other: &Self) -> bool {
        let rest = |policy: &Self| (policy.own[1..].to_vec(), policy.copies, policy.zone.clone());
        (self.is_plain() && other.is_plain()) || rest(self) == rest(other)
    }

    fn has_tiers(&self, is_copy: bool) -> bool {
        self.of_kind(is_copy)[1..] != [0; 4]
    }

    /// As a record has it.
    fn written(&self) -> String {
        let words = |numbers: Numbers| {
            let there = WORDS.into_iter().zip(numbers).filter(|(_, number)| *number > 0);
            there.map(|(word, number)| format!("{word}={number}")).collect::<Vec<_>>()
        };
        let mut all = words(self.own);
        all.extend((self.zone != Zone::default()).then(|| format!("zone={}", self.zone)));
        all.extend(self.is_mistyped.then(|| "mistyped".to_owned()));
        all.extend(self.copies.map(|copies| format!("copies: {}", words(copies).join(" "))));
        all.join(" ")
    }
}

/// A place in a history: when it was taken; copies come after their source.
type Place<'a> = (Timestamp, bool, &'a SnapshotId);

/// A completed snapshot of ours.
struct Seen<'a> {
    region: &'a Region,
    snapshot: &'a Snapshot,
    moment: String,
    place: Place<'a>,
}

/// What stands against a delete.
pub(super) enum Against {
    /// A tier, or longer days: in words.
    Wanted(String),
    /// The record wants it, and its instance, by id, asks for less, which no snapshot has stated for long enough.
    Shorter(String),
    /// Whether something wants it was not read.
    Unread(String),
}

/// What is known of histories and instances.
pub(super) struct Kept<'a> {
    inventory: &'a Inventory,
    config: &'a Config,
    /// Completed ones of ours by volume.
    histories: BTreeMap<String, Vec<Seen<'a>>>,
    /// Instances that have not gone, by Region and id.
    live: BTreeMap<(&'a Region, &'a str), &'a Instance>,
    /// The same by Region and the volumes that they have, each with about how many days back it reaches.
    holders: BTreeMap<(&'a Region, &'a str), Vec<(u32, &'a Instance)>>,
}

impl<'a> Kept<'a> {
    pub(super) fn of(inventory: &'a Inventory, config: &'a Config) -> Self {
        let mut kept =
            Kept { inventory, config, histories: BTreeMap::new(), live: BTreeMap::new(), holders: BTreeMap::new() };
        for (region, snapshot) in inventory.snapshots() {
            let aws = |key: &str| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:");
            let is_ours = snapshot.owner == inventory.account
                && value(&snapshot.tags, "Type") == Some("Automated")
                && !snapshot.tags.iter().any(|(key, _)| aws(key));
            let volume = volume_of(snapshot);
            if is_ours && snapshot.state == SnapshotState::Completed && !volume.is_empty() {
                let place = (taken(snapshot), source_of(snapshot).is_some(), &snapshot.id);
                kept.histories.entry(volume).or_default().push(Seen {
                    region,
                    snapshot,
                    moment: moment(snapshot),
                    place,
                });
            }
        }
        let instances = inventory.regions.iter().map(|(region, seen)| (region, seen.instances.items()));
        for (region, instance) in instances.flat_map(|(region, all)| all.iter().map(move |one| (region, one))) {
            if matches!(instance.state.as_str(), "shutting-down" | "terminated") {
                continue;
            }
            kept.live.insert((region, instance.id.as_str()), instance);
            let reach = kept.reach_days(&instance.tags);
            for volume in instance.devices.iter().filter_map(|device| device.volume.as_ref()) {
                kept.holders.entry((region, volume.as_str())).or_default().push((reach, instance));
            }
        }
        kept
    }

    /// What stands against the delete of a completed snapshot whose day has come, if anything does.
    pub(super) fn against(&self, region: &Region, target: &Snapshot) -> Option<Against> {
        let record = match value(&target.tags, "snapwarden:retention") {
            None => None,
            Some(text) => match recorded(text) {
                Some(policy) => Some(policy),
                None => return Some(Against::Wanted("its record of retention cannot be read".to_owned())),
            },
        };
        let instance = self.instance(region, target);
        let is_named = self.named(region, target).is_some();
        if !is_named && !self.is_known_to_be_gone(region, target) {
            return Some(Against::Unread("what its instance's tags want was not read".to_owned()));
        }
        let asked = instance.and_then(|instance| self.asked(&instance.tags));
        let is_copy = source_of(target).is_some();
        if volume_of(target).is_empty() && record.iter().chain(&asked).any(|policy| policy.has_tiers(is_copy)) {
            return Some(Against::Wanted(
                "it has tiers, and names no volume in whose history they could be seen".to_owned(),
            ));
        }
        if let Some(asked) = asked.as_ref().filter(|asked| !asked.is_plain()) {
            let days = i64::from(asked.of_kind(is_copy)[0]);
            if self.inventory.taken_at.duration_since(data_time(target)) < SignedDuration::from_hours(24 * days) {
                return Some(Against::Wanted(format!("its instance asks for {days} days")));
            }
            let stands = |seen: &Seen<'_>| {
                let theirs = self.instance(seen.region, seen.snapshot).and_then(|instance| self.asked(&instance.tags));
                theirs.is_some_and(|theirs| theirs.is_as(asked))
            };
            if let Some(tier) = self.tier_that_wants(asked, target, stands) {
                return Some(Against::Wanted(format!("its instance's {tier} want it")));
            }
        }
        let record = record?;
        let tier = self.tier_that_wants(&record, target, |seen| states(seen.snapshot, &record))?;
        match (asked, instance) {
            (Some(asked), Some(instance)) if !asked.is_as(&record) => {
                let is_in_force = self.is_in_force(&asked, target) && self.are_all_read(target, &instance.tags);
                (!is_in_force).then(|| Against::Shorter(instance.id.to_string()))
            }
            _ => Some(Against::Wanted(format!("its record's {tier} want it"))),
        }
    }

    /// The Regions in which its instance can be: its own, a copy's SourceRegion, or any.
    fn homes(&self, region: &Region, snapshot: &Snapshot) -> Vec<&Region> {
        let home = value(&snapshot.tags, "SourceRegion").and_then(|text| text.parse::<Region>().ok());
        let wanted = if source_of(snapshot).is_none() { Some(region.clone()) } else { home };
        self.inventory.regions.keys().filter(|seen| wanted.as_ref().is_none_or(|wanted| wanted == *seen)).collect()
    }

    /// The live instance that a snapshot names.
    fn named(&self, region: &Region, snapshot: &Snapshot) -> Option<&'a Instance> {
        let id = value(&snapshot.tags, "InstanceID")?;
        self.homes(region, snapshot).into_iter().find_map(|home| self.live.get(&(home, id)).copied())
    }

    /// The same; without one, the live one that has its volume, of several that which reaches farthest back.
    fn instance(&self, region: &Region, snapshot: &Snapshot) -> Option<&'a Instance> {
        let volume = volume_of(snapshot);
        let homes = self.homes(region, snapshot).into_iter();
        let holders = homes.filter_map(|home| self.holders.get(&(home, volume.as_str()))).flatten();
        let farthest = holders.max_by(|a, b| a.0.cmp(&b.0).then(b.1.id.cmp(&a.1.id)));
        self.named(region, snapshot).or(farthest.map(|(_, instance)| *instance))
    }

    fn is_known_to_be_gone(&self, region: &Region, target: &Snapshot) -> bool {
        let all = match &self.inventory.enabled {
            Read::Whole(regions) => Some(regions),
            Read::Gap { .. } | Read::NotAsked => None,
        };
        let is_read = |home: &Region| {
            let seen = self.inventory.regions.get(home);
            seen.is_some_and(|seen| seen.instances.is_whole()) || all.is_some_and(|all| !all.contains(home))
        };
        let home = value(&target.tags, "SourceRegion").and_then(|text| text.parse::<Region>().ok());
        match (source_of(target), home) {
            (None, _) => is_read(region),
            (Some(_), Some(home)) => is_read(&home),
            (Some(_), None) => all.is_some_and(|all| all.iter().all(is_read)),
        }
    }

    fn history(&self, target: &Snapshot) -> &[Seen<'a>] {
        self.histories.get(&volume_of(target)).map_or(&[], Vec::as_slice)
    }

    /// What tags ask for; none where one of them is there and is no number that it can be.
    fn asked(&self, tags: &Tags) -> Option<Policy> {
        let read = |names: [&str; 5]| -> Option<Numbers> {
            let mut numbers = [0; 5];
            for (number, (name, most)) in numbers.iter_mut().zip(names.into_iter().zip(MOST)) {
                *number = read(tags, name, most)?;
            }
            Some(numbers)
        };
        let (mut own, mut copies) = (read(OWN)?, read(COPIES)?);
        let has_copies = COPIES.iter().any(|name| value(tags, name).is_some());
        let or = |days: u32, default: u32| if days == 0 { default } else { days };
        own[0] = or(own[0], self.config.retention_days);
        copies[0] = or(copies[0], own[0]);
        let schedule = value(tags, "BackupSchedule").and_then(|text| text.parse::<Schedule>().ok());
        let zone = schedule.unwrap_or_else(|| self.config.schedule.clone()).zone();
        Some(Policy { own, copies: has_copies.then_some(copies), zone, is_mistyped: false })
    }

    /// About how many days back an instance reaches with its sources; what cannot be read counts as a year.
    fn reach_days(&self, tags: &Tags) -> u32 {
        let numbers = std::array::from_fn::<_, 5, _>(|n| read(tags, OWN[n], MOST[n]));
        let [days, weeks, months, years, _] = numbers.map(Option::unwrap_or_default);
        let absent = value(tags, OWN[0]).is_none();
        let days = if absent { self.config.retention_days } else { days };
        let unreadable = if numbers.contains(&None) { 365.max(self.config.retention_days) } else { 0 };
        days.max(unreadable).max(weeks * 7).max(months * 31).max(years * 366)
    }

    /// Whether every Region was read in which newer snapshots of a volume may lie than those that were seen.
    fn are_all_read(&self, target: &Snapshot, instance: &Tags) -> bool {
        let exists = |region: &Region| match &self.inventory.enabled {
            Read::Whole(regions) => regions.contains(region),
            Read::Gap { .. } | Read::NotAsked => true,
        };
        let is_whole = |region: &Region| {
            let seen = self.inventory.regions.get(region).map(|seen| &seen.snapshots);
            matches!(seen, Some(Read::Whole(_)))
        };
        let named = |tags: &Tags| {
            let text = value(tags, "DestinationRegion").unwrap_or_default().to_lowercase();
            let words = text.split(|c: char| c == ',' || c.is_whitespace());
            words.filter_map(|word| word.parse::<Region>().ok()).filter(exists).all(|region| is_whole(&region))
        };
        let home = |snapshot: &Snapshot| match value(&snapshot.tags, "SourceRegion").map(str::parse::<Region>) {
            _ if source_of(snapshot).is_none() => true,
            Some(Ok(home)) => is_whole(&home),
            Some(Err(_)) | None => match &self.inventory.enabled {
                Read::Whole(regions) => regions.iter().all(is_whole),
                Read::Gap { .. } | Read::NotAsked => false,
            },
        };
        named(instance) && self.history(target).iter().all(|seen| named(&seen.snapshot.tags) && home(seen.snapshot))
    }

    /// Why a tier wants `target`: nothing that stands comes before it in its period, and fewer than so many periods with
    /// a snapshot come after it.
    fn tier_that_wants(
        &self,
        policy: &Policy,
        target: &Snapshot,
        stands: impl Fn(&Seen<'_>) -> bool,
    ) -> Option<&'static str> {
        let is_copy = source_of(target).is_some();
        let numbers = policy.of_kind(is_copy);
        let in_it = |seen: &&Seen<'_>| policy.copies.is_none() || source_of(seen.snapshot).is_some() == is_copy;
        let members: Vec<_> = self.history(target).iter().filter(in_it).collect();
        let mut places: BTreeMap<&str, Place<'_>> = BTreeMap::new();
        for Seen { moment, place, .. } in &members {
            let first = places.entry(moment).or_insert(*place);
            *first = (*first).min(*place);
        }
        let own = *places.get(moment(target).as_str())?;
        let later: Vec<_> = places.values().filter(|place| **place > own).collect();
        if later.len() < numbers[4] as usize {
            return Some("newest");
        }
        type Key = fn(jiff::civil::Date) -> (i16, i8);
        let kinds: [(Key, &str); 3] = [
            (|date| (date.iso_week_date().year(), date.iso_week_date().week()), "weeks"),
            (|date| (date.year(), date.month()), "months"),
            (|date| (date.year(), 0), "years"),
        ];
        let day = |time: Timestamp| time.to_zoned(policy.zone.time_zone().clone()).date();
        kinds.into_iter().zip(&numbers[1..4]).find_map(|((key, name), count)| {
            let mine = key(day(own.0));
            let newer: BTreeSet<_> =
                later.iter().map(|place| key(day(place.0))).filter(|period| *period != mine).collect();
            let earlier = |seen: &&Seen<'_>| {
                let place = places.get(seen.moment.as_str()).copied().unwrap_or(own);
                place < own && key(day(place.0)) == mine && stands(seen)
            };
            (newer.len() < *count as usize && !members.iter().copied().any(|seen| earlier(&seen))).then_some(name)
        })
    }

    /// Whether the newest snapshots of a volume state a policy, one after the other, for as long as it must wait.
    fn is_in_force(&self, asked: &Policy, target: &Snapshot) -> bool {
        let history = self.history(target);
        let is_mistyped = |snapshot: &Snapshot| {
            let record = value(&snapshot.tags, "snapwarden:retention").and_then(recorded);
            record.is_some_and(|record| record.is_mistyped)
        };
        let says = |snapshot: &Snapshot| states(snapshot, asked) && !is_mistyped(snapshot);
        let other = history.iter().filter(|seen| !says(seen.snapshot)).map(|seen| seen.place).max();
        let stating = history.iter().filter(|seen| Some(seen.place) > other).map(|seen| data_time(seen.snapshot)).min();
        let waits = SignedDuration::from_hours(24 * i64::from(self.config.grace_days));
        stating.is_some_and(|since| self.inventory.taken_at.duration_since(since) >= waits)
    }
}

/// Whether a snapshot records this policy; a plain one is not recorded.
fn states(snapshot: &Snapshot, policy: &Policy) -> bool {
    match value(&snapshot.tags, "snapwarden:retention") {
        None => policy.is_plain(),
        Some(text) => !policy.is_plain() && recorded(text).is_some_and(|recorded| recorded.is_as(policy)),
    }
}

/// When a snapshot's slot was, or its data where that is older.
fn taken(snapshot: &Snapshot) -> Timestamp {
    let slot = value(&snapshot.tags, "snapwarden:slot").and_then(|text| text.parse::<Slot>().ok());
    slot.map_or(data_time(snapshot), |slot| slot.time().min(data_time(snapshot)))
}

/// What snapshots and copies of one slot have in common.
fn moment(snapshot: &Snapshot) -> String {
    let slot = value(&snapshot.tags, "snapwarden:slot").filter(|text| text.parse::<Slot>().is_ok());
    let source = source_of(snapshot).filter(|text| text.parse::<SnapshotId>().is_ok());
    slot.or(source).unwrap_or(snapshot.id.as_str()).to_owned()
}

/// A record, word by word; none where it is not as it is written.
fn recorded(text: &str) -> Option<Policy> {
    let (mut numbers, mut zone, mut in_copies, mut is_mistyped) = ([[0; 5]; 2], Zone::default(), false, false);
    for word in text.split(' ') {
        match word.split_once('=') {
            Some(("zone", name)) => zone = name.parse().ok()?,
            Some((name, text)) => {
                let place = WORDS.into_iter().position(|known| known == name)?;
                numbers[usize::from(in_copies)][place] = number(text, MOST[place])?;
            }
            None if word == "copies:" => in_copies = true,
            // Or another word, which is not written so.
            None => is_mistyped = true,
        }
    }
    let [own, copies] = numbers;
    let policy = Policy { own, copies: in_copies.then_some(copies), zone, is_mistyped };
    (own[0] > 0 && (copies[0] > 0) == in_copies && policy.written() == text).then_some(policy)
}
