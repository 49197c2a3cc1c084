//! A policy of retention as it is written: on a snapshot as `snapwarden:retention`, on an instance as its tags.

use super::facts::says_yes;
use crate::policy::Config;
use crate::schedule::{Schedule, Zone};
use crate::tags::Tags;

/// Days, weeks, months, years, last; 0 for none.
pub(super) type Numbers = [u32; 5];

/// An instance's tags of sources, and of copies, in that order.
const OWN: [&str; 5] = ["RetentionDays", "RetentionWeeks", "RetentionMonths", "RetentionYears", "KeepLast"];
const COPIES: [&str; 5] = [
    "DestinationRetentionDays",
    "DestinationRetentionWeeks",
    "DestinationRetentionMonths",
    "DestinationRetentionYears",
    "DestinationKeepLast",
];
/// The word for each in a record.
pub(super) const WORDS: [&str; 5] = ["days", "weeks", "months", "years", "last"];
/// The most that each can be.
const MOST: [u32; 5] = [36_500, 5_200, 1_200, 100, 1_000];

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    /// Of sources; of copies too, where these have no part of their own.
    pub(super) own: Numbers,
    pub(super) copies: Option<Numbers>,
    /// Whose days, weeks, months and years.
    pub(super) zone: Zone,
    /// It was recorded while a tag of retention could not be read.
    pub(super) is_mistyped: bool,
}

impl Policy {
    /// What holds for sources, or for copies.
    pub(super) fn of_kind(&self, is_copy: bool) -> Numbers {
        if is_copy { self.copies.unwrap_or(self.own) } else { self.own }
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

/// What a snapshot records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Absent,
    Unreadable,
    Is(Policy),
}

/// A record, word by word; none where it is not as it would be written.
pub(super) fn recorded(text: &str) -> Option<Policy> {
    let (mut numbers, mut zone, mut is_in_copies, mut is_mistyped) = ([[0; 5]; 2], Zone::default(), false, false);
    for word in text.split(' ') {
        match word.split_once('=') {
            Some(("zone", name)) => zone = name.parse().ok()?,
            Some((name, text)) => {
                let place = WORDS.into_iter().position(|known| known == name)?;
                numbers[usize::from(is_in_copies)][place] = number(text, MOST[place])?;
            }
            None if word == "copies:" => is_in_copies = true,
            // Or another word, which is not written so.
            None => is_mistyped = true,
        }
    }
    let [own, copies] = numbers;
    let policy = Policy { own, copies: is_in_copies.then_some(copies), zone, is_mistyped };
    let has_days = own[0] > 0 && (copies[0] > 0) == is_in_copies;
    (has_days && policy.written() == text).then_some(policy)
}

/// What an instance's tags ask for; none where one of them is there and cannot be read. Of an instance without
/// `Backup=Yes` only the tags count that are there.
pub(super) fn asked(tags: &Tags, config: &Config) -> Option<Policy> {
    let read = |names: [&str; 5]| -> Option<Numbers> {
        let mut numbers = [0; 5];
        for (place, name) in names.into_iter().enumerate() {
            numbers[place] = tags.get(name).map_or(Some(0), |text| number(text, MOST[place]))?;
        }
        Some(numbers)
    };
    let (mut own, mut copies) = (read(OWN)?, read(COPIES)?);
    // The predecessor's key counts where it is a number, and ours is not there.
    if !tags.has("RetentionDays") {
        own[0] = tags.get("Retention").and_then(|text| number(text, MOST[0])).unwrap_or(0);
    }
    let has_copies = COPIES.into_iter().any(|name| tags.has(name));
    if own[0] == 0 && says_yes(tags) {
        own[0] = config.retention_days;
    }
    if copies[0] == 0 {
        copies[0] = own[0];
    }
    let schedule = tags.get("BackupSchedule").and_then(|text| text.parse::<Schedule>().ok());
    let zone = schedule.as_ref().unwrap_or(&config.schedule).zone();
    Some(Policy { own, copies: has_copies.then_some(copies), zone, is_mistyped: false })
}

/// Digits alone, from 1 to `most`.
fn number(text: &str, most: u32) -> Option<u32> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_digits && (1..=most).contains(number))
}
