//! What an instance's tags ask for.
//!
//! A tag that cannot be read never means less: what is made meanwhile is kept for a year at least, and for as long as the
//! text can have meant ([`meant_days`]).

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::schedule::Zone;
use crate::tags::{self, RETENTION_DAYS_RANGE, TagValue, Tags, key};

/// The days that a snapshot is kept where a tag of retention is there and cannot be read.
pub const RETENTION_DAYS_UNREADABLE: u32 = 365;

/// How many weeks, months and years have one snapshot each, and how many of the newest stay: 0 for none. A hundred years
/// at most, as with days; the newest 1,000, as Data Lifecycle Manager's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tiers {
    /// One of each of so many weeks, which begin on Mondays.
    pub weeks: u32,
    /// One of each of so many months.
    pub months: u32,
    /// One of each of so many years.
    pub years: u32,
    /// The newest so many, whatever their age.
    pub last: u32,
}

impl Tiers {
    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    fn merged(self, other: Self) -> Self {
        Self {
            weeks: self.weeks.max(other.weeks),
            months: self.months.max(other.months),
            years: self.years.max(other.years),
            last: self.last.max(other.last),
        }
    }
}

/// How long snapshots of one kind, sources or copies, are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// All of them for so many days.
    pub days: u32,
    /// Some of them for longer.
    pub tiers: Tiers,
}

/// A policy of retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// What holds for snapshots, and for copies where these have no policy of their own.
    pub own: Keep,
    /// What holds for copies instead.
    pub copies: Option<Keep>,
    /// Where weeks, months and years begin.
    pub zone: Zone,
    /// A tag of it could not be read. That is recorded too: what is made meanwhile states no policy.
    #[serde(default)]
    pub is_mistyped: bool,
}

impl Retention {
    /// What holds for a copy, or for a source.
    pub fn keep(&self, is_copy: bool) -> Keep {
        self.copies.filter(|_| is_copy).unwrap_or(self.own)
    }

    /// About how many days back it reaches: what is longest wins where a volume hangs on several instances.
    pub fn reach_days(&self) -> u32 {
        let Keep { days, tiers } = self.own;
        days.max(tiers.weeks * 7).max(tiers.months * 31).max(tiers.years * 366)
    }

    /// The greater of each number: what is recorded for a volume that several instances have. Where one of them has a part
    /// of its own for copies, the other's own part stands for its copies.
    pub fn merged(&self, other: &Self) -> Self {
        let greater = |a: Keep, b: Keep| Keep { days: a.days.max(b.days), tiers: a.tiers.merged(b.tiers) };
        let has_copies = self.copies.is_some() || other.copies.is_some();
        Self {
            own: greater(self.own, other.own),
            copies: has_copies.then(|| greater(self.keep(true), other.keep(true))),
            zone: self.zone.clone(),
            is_mistyped: self.is_mistyped || other.is_mistyped,
        }
    }

    /// Whether it wants more of sources than of copies, in any number: then no copy can stand for its source.
    pub fn wants_more_of_sources(&self) -> bool {
        let (own, copies) = (self.keep(false), self.keep(true));
        let more = |number: fn(Tiers) -> u32| number(own.tiers) > number(copies.tiers);
        own.days > copies.days
            || more(|tiers| tiers.weeks)
            || more(|tiers| tiers.months)
            || more(|tiers| tiers.years)
            || more(|tiers| tiers.last)
    }
}

/// A number as a tag has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// The tag.
    pub key: &'static str,
    /// What it says.
    pub value: TagValue<u32>,
}

/// The tags of retention: those of snapshots, then those of copies, each in the order days, weeks, months, years, last.
pub const KEYS: [[(&str, RangeInclusive<u32>); 5]; 2] = [
    [
        (key::RETENTION_DAYS, RETENTION_DAYS_RANGE),
        (key::RETENTION_WEEKS, 1..=5_200),
        (key::RETENTION_MONTHS, 1..=1_200),
        (key::RETENTION_YEARS, 1..=100),
        (key::KEEP_LAST, 1..=1_000),
    ],
    [
        (key::DESTINATION_RETENTION_DAYS, RETENTION_DAYS_RANGE),
        (key::DESTINATION_RETENTION_WEEKS, 1..=5_200),
        (key::DESTINATION_RETENTION_MONTHS, 1..=1_200),
        (key::DESTINATION_RETENTION_YEARS, 1..=100),
        (key::DESTINATION_KEEP_LAST, 1..=1_000),
    ],
];

/// What an instance's tags say of retention, as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    own: [Number; 5],
    copies: [Number; 5],
}

impl Asked {
    /// Reads the tags of an instance.
    pub fn of(tags: &Tags) -> Self {
        let [own, copies] =
            KEYS.map(|keys| keys.map(|(key, range)| Number { key, value: tags::number(tags, key, &range) }));
        Self { own, copies }
    }

    /// All of them that are there, those that cannot be read included.
    pub fn tagged(&self) -> impl Iterator<Item = &Number> {
        self.own.iter().chain(&self.copies).filter(|number| number.value != TagValue::Absent)
    }

    /// Whether all that is there can be read.
    pub fn is_readable(&self) -> bool {
        self.tagged().all(|number| matches!(number.value, TagValue::Is(_)))
    }

    /// The policy, with these days where no tag says how many. Where a tag cannot be read all is kept for a year at least,
    /// and for as long as the text can have meant: which snapshots a mistyped tier wants, nobody can know.
    pub fn retention(&self, days_default: u32, zone: Zone) -> Retention {
        let own = keep(&self.own, days_default);
        let has_copies = self.copies.iter().any(|number| number.value != TagValue::Absent);
        let mut retention = Retention { own, copies: None, zone, is_mistyped: !self.is_readable() };
        retention.copies = has_copies.then(|| keep(&self.copies, own.days));
        if let Some(days) = self.unreadable().map(|(key, text)| meant_days(key, text)).max() {
            // A default longer than that is longer still: doubt never shortens.
            let days = days.max(days_default);
            retention.own.days = retention.own.days.max(days);
            if let Some(copies) = &mut retention.copies {
                copies.days = copies.days.max(days);
            }
        }
        retention
    }

    /// The tags that are there and cannot be read, each with its text.
    pub fn unreadable(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.tagged().filter_map(|number| match &number.value {
            TagValue::Unreadable(text) => Some((number.key, text.as_str())),
            TagValue::Is(_) | TagValue::Absent => None,
        })
    }
}

fn keep(numbers: &[Number; 5], days_default: u32) -> Keep {
    let number = |number: &Number| match number.value {
        TagValue::Is(count) => count,
        TagValue::Absent | TagValue::Unreadable(_) => 0,
    };
    let [days, weeks, months, years, last] = numbers;
    let days = if days.value == TagValue::Absent { days_default } else { number(days) };
    let tiers = Tiers { weeks: number(weeks), months: number(months), years: number(years), last: number(last) };
    Keep { days, tiers }
}

/// For how many days to keep what is made while the tag `key` has this `text`, which cannot be read: a year, or what it can
/// have meant where that is longer. Each number in it counts with the unit behind it (`3650d`, `10y`, `730 days`), or
/// with the tag's own; the longest holds, a hundred years at most.
pub fn meant_days(key: &str, text: &str) -> u32 {
    let own = match key {
        key::RETENTION_DAYS | key::DESTINATION_RETENTION_DAYS => 1,
        key::RETENTION_WEEKS | key::DESTINATION_RETENTION_WEEKS => 7,
        key::RETENTION_MONTHS | key::DESTINATION_RETENTION_MONTHS => DAYS_A_MONTH,
        key::RETENTION_YEARS | key::DESTINATION_RETENTION_YEARS => DAYS_A_YEAR,
        // The newest so many: how many days that are, depends on the schedule.
        _ => 0,
    };
    let meant = numbers(text).into_iter().map(|(number, unit)| number.saturating_mul(unit.unwrap_or(own)));
    meant.max().unwrap_or(0).clamp(RETENTION_DAYS_UNREADABLE, *RETENTION_DAYS_RANGE.end())
}

const DAYS_A_MONTH: u32 = 31;
const DAYS_A_YEAR: u32 = 366;

/// The numbers of a text, each with the days of the unit behind it, if that is one. What is too large is as large as can be.
fn numbers(text: &str) -> Vec<(u32, Option<u32>)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        rest = &rest[start..];
        let (number, behind) = first_number(rest);
        found.push((number, unit_days(behind)));
        rest = behind;
    }
    found
}

/// The number that a text begins with, thousands set apart or not, and what comes behind it.
fn first_number(text: &str) -> (u32, &str) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(text);
    // `3,650` and `3 650` are most likely one number.
    let may_be_apart = end <= 3;
    while may_be_apart && text[end..].starts_with([',', '.', '_', '\'', ' ']) && digits(&text[end + 1..]) == 3 {
        end += 4;
    }
    let number: String = text[..end].chars().filter(char::is_ascii_digit).collect();
    (number.parse().unwrap_or(u32::MAX), &text[end..])
}

/// The days of the unit that a text begins with.
fn unit_days(text: &str) -> Option<u32> {
    let word: String = text.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    match word.to_ascii_lowercase().as_str() {
        "d" | "day" | "days" => Some(1),
        "w" | "wk" | "wks" | "week" | "weeks" => Some(7),
        "m" | "mo" | "mon" | "mth" | "mths" | "month" | "months" => Some(DAYS_A_MONTH),
        "y" | "yr" | "yrs" | "a" | "year" | "years" => Some(DAYS_A_YEAR),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_keeps_at_least_a_year_and_never_less_than_was_most_likely_meant() {
        let days = |text: &str| meant_days(key::RETENTION_DAYS, text);
        assert_eq!(["99999", "36501", "3650d", "10y", "730 days"].map(days), [36_500, 36_500, 3_650, 3_660, 730]);
        assert_eq!(["7d", "", "forever", "-30", "1.5"].map(days), [365; 5]);
        assert_eq!(
            ["3,650", "3.650", "3 650", "1'000", "10 years 6 months"].map(days),
            [3_650, 3_650, 3_650, 1_000, 3_660]
        );
        assert_eq!(days(&"9".repeat(400)), 36_500);
        assert_eq!(meant_days(key::RETENTION_MONTHS, "24 months"), 744);
        assert_eq!(meant_days(key::DESTINATION_RETENTION_WEEKS, "260x"), 1_820, "in the tag's own unit");
        assert_eq!(meant_days(key::RETENTION_YEARS, "101"), 36_500);
        assert_eq!(meant_days(key::KEEP_LAST, "5000"), 365);
        assert_eq!(meant_days(key::KEEP_LAST, "3y"), 1_098);
    }
}
