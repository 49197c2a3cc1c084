//! What an instance's tags ask for and what a snapshot states, read anew from docs/tags.md: none of the code that decides has
//! a part in it.

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::ToSpan;
use snapwarden_core::ids::Region;
use snapwarden_core::inventory::Snapshot;
use snapwarden_core::schedule::{Schedule, Zone};
use snapwarden_core::tags::Tags;

use super::facts::{date, delete_on};

/// Days, weeks, months, years, and how many of the newest; 0 for none.
pub(super) type Numbers = [u32; 5];

/// The tags of sources and of copies, what each can be at most, and the word for it in a record.
const OWN: [&str; 5] = ["RetentionDays", "RetentionWeeks", "RetentionMonths", "RetentionYears", "KeepLast"];
const COPIES: [&str; 5] = [
    "DestinationRetentionDays",
    "DestinationRetentionWeeks",
    "DestinationRetentionMonths",
    "DestinationRetentionYears",
    "DestinationKeepLast",
];
const MOST: Numbers = [36_500, 5_200, 1_200, 100, 1_000];
const WORDS: [&str; 5] = ["days", "weeks", "months", "years", "last"];
/// `RetentionDays` of a selected instance without the tag.
const DAYS_DEFAULT: u32 = 7;

/// How long snapshots and copies are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    own: Numbers,
    copies: Option<Numbers>,
    zone: Zone,
}

impl Policy {
    /// What holds for copies, or for sources.
    pub(super) fn of_kind(&self, is_copy: bool) -> Numbers {
        self.copies.filter(|_| is_copy).unwrap_or(self.own)
    }

    pub(super) fn has_copies(&self) -> bool {
        self.copies.is_some()
    }

    pub(super) fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether it wants no less than another one, of sources and of copies.
    pub(super) fn covers(&self, other: &Policy) -> bool {
        let is_no_less = |is_copy| (0..5).all(|n| self.of_kind(is_copy)[n] >= other.of_kind(is_copy)[n]);
        let is_zone = self.zone == other.zone || !other.has_periods();
        is_no_less(false) && is_no_less(true) && is_zone && self.has_copies() == other.has_copies()
    }

    /// Whether it wants more of sources than of copies, in anything.
    pub(super) fn wants_more_of_sources(&self) -> bool {
        self.copies.is_some_and(|copies| (0..5).any(|n| self.own[n] > copies[n]))
    }

    /// Days after which it wants nothing of what there is now, in a history that ends.
    pub(super) fn reach_days(&self) -> i64 {
        let reach = |numbers: Numbers| {
            let [days, weeks, months, years, _] = numbers.map(i64::from);
            days.max(weeks * 7).max(months * 31).max(years * 366)
        };
        reach(self.own).max(reach(self.of_kind(true)))
    }

    fn has_periods(&self) -> bool {
        [Some(self.own), self.copies].into_iter().flatten().any(|numbers| numbers[1..4].iter().any(|n| *n > 0))
    }

    /// Where it has no weeks, months or years, no zone says where they begin.
    fn normal(mut self) -> Self {
        if !self.has_periods() {
            self.zone = Zone::default();
        }
        self
    }

    /// As it is recorded.
    pub(super) fn text(&self) -> String {
        self.written(false)
    }

    fn written(&self, is_mistyped: bool) -> String {
        let numbers = |numbers: Numbers| {
            let there = (0..5).filter(|n| *n == 0 || numbers[*n] > 0);
            there.map(|n| format!("{}={}", WORDS[n], numbers[n])).collect::<Vec<_>>().join(" ")
        };
        let mut text = numbers(self.own);
        // Writing to a String cannot fail.
        if self.zone != Zone::default() {
            let _ = write!(text, " zone={}", self.zone);
        }
        if is_mistyped {
            text += " mistyped";
        }
        if let Some(copies) = self.copies {
            let _ = write!(text, " copies: {}", numbers(copies));
        }
        text
    }
}

/// What an instance asks for, as its tags have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// `Backup=Yes`, `Backup=No`; none where it is neither.
    pub(super) backup: Option<bool>,
    /// None where a tag of retention cannot be read.
    pub(super) policy: Option<Policy>,
    /// The days that were most likely meant there, at least; 0 where all can be read.
    pub(super) days_meant: i64,
    /// The destinations that the account has.
    pub(super) destinations: BTreeSet<Region>,
    /// Whether it names a destination that is no other Region of the account.
    pub(super) has_slip: bool,
}

impl Asked {
    pub(super) fn of<'r>(tags: &Tags, home: &Region, regions: impl Iterator<Item = &'r Region>) -> Self {
        let backup = backup(tags);
        let regions: Vec<_> = regions.collect();
        let destinations = destinations(tags, home, regions.iter().copied());
        let has_slip = has_slip(tags, home, regions.into_iter());
        let policy = asked(tags, backup == Some(true));
        let days_meant = if policy.is_some() { 0 } else { days_meant(tags) };
        Self { backup, policy, days_meant, destinations, has_slip }
    }

    pub(super) fn is_selected(&self) -> bool {
        self.backup == Some(true)
    }

    pub(super) fn is_left_out(&self) -> bool {
        self.backup == Some(false)
    }
}

fn backup(tags: &Tags) -> Option<bool> {
    let value = tags.get("Backup")?;
    [("yes", true), ("no", false)].into_iter().find(|(word, _)| value.eq_ignore_ascii_case(word)).map(|(_, yes)| yes)
}

/// The Regions of the account that `DestinationRegion` names, but `home` itself.
pub(super) fn destinations<'r>(
    tags: &Tags,
    home: &Region,
    regions: impl Iterator<Item = &'r Region>,
) -> BTreeSet<Region> {
    let words = named(tags);
    regions.filter(|region| *region != home && words.contains(region.as_str())).cloned().collect()
}

/// Whether `DestinationRegion` names anything but other Regions of the account.
pub(super) fn has_slip<'r>(tags: &Tags, home: &Region, regions: impl Iterator<Item = &'r Region>) -> bool {
    named(tags).len() > destinations(tags, home, regions).len()
}

/// The words of `DestinationRegion`.
pub(super) fn named(tags: &Tags) -> BTreeSet<String> {
    let text = tags.get("DestinationRegion").unwrap_or_default().to_ascii_lowercase();
    text.split([' ', ',', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What tags ask for; none where one of retention cannot be read. Of an instance that is not selected nothing counts but
/// what is there.
fn asked(tags: &Tags, is_selected: bool) -> Option<Policy> {
    let read = |names: [&str; 5]| {
        let mut numbers = [0; 5];
        for (place, name) in names.into_iter().enumerate() {
            let Some(text) = tags.get(name) else { continue };
            numbers[place] = number(text, MOST[place])?;
        }
        Some(numbers)
    };
    let (mut own, mut copies) = (read(OWN)?, read(COPIES)?);
    own[0] = if own[0] == 0 && is_selected { DAYS_DEFAULT } else { own[0] };
    copies[0] = if copies[0] == 0 { own[0] } else { copies[0] };
    let has_copies = COPIES.iter().any(|name| tags.has(name));
    let schedule = tags.get("BackupSchedule").and_then(|text| text.parse::<Schedule>().ok()).unwrap_or_default();
    Some(Policy { own, copies: has_copies.then_some(copies), zone: schedule.zone() }.normal())
}

fn number(text: &str, most: u32) -> Option<u32> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_digits && (1..=most).contains(number))
}

/// What a snapshot says of the policy that it was made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// It says nothing.
    None,
    /// It was made while a tag of retention could not be read: it states nothing.
    Mistyped,
    /// Nobody can read it.
    Unreadable,
    /// This.
    States(Policy),
}

impl Record {
    pub(super) fn of(tags: &Tags) -> Self {
        let Some(text) = tags.get("snapwarden:retention") else { return Record::None };
        match read_record(text) {
            // As it is written and no other way.
            Some((policy, is_mistyped)) if policy.written(is_mistyped) == text => {
                if is_mistyped {
                    Record::Mistyped
                } else {
                    Record::States(policy.normal())
                }
            }
            Some(_) | None => Record::Unreadable,
        }
    }

    /// The policy that it states.
    pub(super) fn stated(&self) -> Option<&Policy> {
        match self {
            Record::States(policy) => Some(policy),
            Record::None | Record::Mistyped | Record::Unreadable => None,
        }
    }
}

fn read_record(text: &str) -> Option<(Policy, bool)> {
    let (mut numbers, mut zone, mut is_mistyped) = ([[0; 5]; 2], Zone::default(), false);
    let mut kind = 0;
    for word in text.split(' ') {
        match word {
            "copies:" => kind = 1,
            "mistyped" => is_mistyped = true,
            _ => {
                let (name, value) = word.split_once('=')?;
                match WORDS.iter().position(|known| *known == name) {
                    Some(place) => numbers[kind][place] = number(value, MOST[place])?,
                    None if name == "zone" => zone = value.parse().ok()?,
                    None => return None,
                }
            }
        }
    }
    let [own, copies] = numbers;
    let has_days = own[0] > 0 && (kind == 0 || copies[0] > 0);
    has_days.then_some((Policy { own, copies: (kind == 1).then_some(copies), zone }, is_mistyped))
}

/// Whether a person moved its `DeleteOn`, as far as its tags tell: it is not `CreatedOn` plus the days of its record.
pub(super) fn is_moved(snapshot: &Snapshot) -> bool {
    let policy = match Record::of(&snapshot.tags) {
        Record::States(policy) => policy,
        Record::Mistyped => return false,
        Record::None | Record::Unreadable => return true,
    };
    let days = policy.of_kind(snapshot.tags.has("SourceSnapshotId"))[0];
    let born = date(&snapshot.tags, "CreatedOn").and_then(|created| created.checked_add(i64::from(days).days()).ok());
    born.is_none() || born != delete_on(&snapshot.tags)
}

/// The least number of days that what is made now is kept for where a tag cannot be read, as far as the tags themselves say:
/// what they were most likely meant to say.
fn days_meant(tags: &Tags) -> i64 {
    let all = (0..5).map(|place| {
        let text = tags.get(OWN[place])?;
        match number(text, MOST[place]) {
            Some(days) if place == 0 => Some(i64::from(days)),
            Some(_) => None,
            None => meant(place, text),
        }
    });
    all.flatten().max().unwrap_or(0)
}

/// The days of a value that cannot be read, where it is one number with an optional unit.
fn meant(place: usize, text: &str) -> Option<i64> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let number: i64 = digits.parse().ok()?;
    let days = match (text[digits.len()..].trim().to_ascii_lowercase().as_str(), place) {
        ("", 0) | ("d" | "day" | "days", _) => 1,
        ("", 1) | ("w" | "week" | "weeks", _) => 7,
        ("", 2) | ("m" | "month" | "months", _) => 30,
        ("", 3) | ("y" | "year" | "years", _) => 365,
        _ => return None,
    };
    (place < 4).then(|| number.saturating_mul(days).min(i64::from(MOST[0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().copied().collect()
    }

    #[test]
    fn a_record_is_read_as_it_is_written_and_no_other_way() {
        for text in [
            "days=7",
            "days=7 weeks=4",
            "days=7 weeks=4 months=12 years=3 last=5 zone=Europe/Berlin",
            "days=2 copies: days=14 months=12",
            "days=2 zone=Europe/Berlin copies: days=14 months=12",
        ] {
            let Record::States(policy) = Record::of(&tags(&[("snapwarden:retention", text)])) else {
                panic!("{text} is a record");
            };
            assert_eq!(policy.text(), text);
        }
        for text in ["days=365 mistyped", "days=365 weeks=4 mistyped copies: days=365"] {
            assert_eq!(Record::of(&tags(&[("snapwarden:retention", text)])), Record::Mistyped);
        }
        for text in [
            "",
            "DAYS=7",
            "days=07",
            "days=+7",
            "days=0",
            "days=7 weeks=0",
            "weeks=4",
            "weeks=4 days=7",
            "days=7  weeks=4",
            "days=7 copies:",
            "days=7 copies: weeks=4",
            "days=7 zone=Mars/Olympus",
            "days=99999999999999999999",
            "7",
        ] {
            assert_eq!(Record::of(&tags(&[("snapwarden:retention", text)])), Record::Unreadable, "{text}");
        }
        assert_eq!(Record::of(&tags(&[])), Record::None);
    }

    #[test]
    fn tags_ask_for_what_their_record_says() {
        let text = |pairs: &[(&str, &str)]| asked(&tags(pairs), true).map(|policy| policy.text());
        assert_eq!(text(&[]).as_deref(), Some("days=7"));
        let berlin = ("BackupSchedule", "daily 03:00 Europe/Berlin");
        assert_eq!(text(&[berlin]).as_deref(), Some("days=7"), "days are the same in every zone");
        let tiers = [berlin, ("RetentionWeeks", "4"), ("DestinationKeepLast", "1")];
        assert_eq!(text(&tiers).as_deref(), Some("days=7 weeks=4 zone=Europe/Berlin copies: days=7 last=1"));
        for value in ["", "7d", "0", "5201", "+7", "four"] {
            assert_eq!(text(&[("RetentionWeeks", value)]), None, "{value}");
        }
        assert_eq!(asked(&tags(&[]), false).map(|policy| policy.of_kind(false)), Some([0; 5]), "nothing by default");
    }

    #[test]
    fn what_a_value_most_likely_meant() {
        for (key, value, days) in [
            ("RetentionDays", "3650d", 3_650),
            ("RetentionDays", "10y", 3_650),
            ("RetentionDays", "730 days", 730),
            ("RetentionDays", "99999", 36_500),
            ("RetentionDays", "400", 400),
            ("RetentionMonths", "24 months", 720),
            ("RetentionMonths", "24", 0),
            ("RetentionMonths", "o24", 0),
            ("RetentionYears", "101", 36_500),
            ("KeepLast", "10y", 0),
            ("RetentionDays", "seven", 0),
        ] {
            assert_eq!(days_meant(&tags(&[(key, value)])), days, "{key}={value}");
        }
    }
}
