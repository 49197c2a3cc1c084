//! Values: whether one can be read, and what was most likely meant by one that cannot.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{LintProblem, Severity, schedules};
use crate::ids::{InstanceId, Region, SnapshotId, VolumeId};
use crate::near;
use crate::retention::{KEYS, Retention};
use crate::schedule::{Schedule, Slot};
use crate::tags::{self, OffsiteMode, TYPE_AUTOMATED, Tags, key};

/// What a tag's value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the sentences in says.rs say each")]
pub enum Expected {
    Number { least: u32, most: u32 },
    InstanceBackup,
    VolumeBackup,
    Destinations,
    Mode,
    Automated,
    DeleteOn,
    CreatedOn,
    Record,
    Slot,
    Instance,
    SourceSnapshot,
    SourceRegion,
    SourceStartTime,
    SourceVolume,
    ReplacedVolume,
    InUse,
    Stamps,
}

impl Expected {
    /// What is wrong with `text` as the value of `key`, if anything is.
    pub(super) fn wrong_with(self, key: &str, text: &str) -> Option<LintProblem> {
        (!self.reads(text)).then(|| LintProblem::Unreadable { expected: self, meant: self.meant(key, text) })
    }

    fn reads(self, text: &str) -> bool {
        let one = |key: &str| -> Tags { [(key, text)].into_iter().collect() };
        match self {
            Expected::Number { least, most } => tags::read_number(text, &(least..=most)).is_some(),
            Expected::InstanceBackup | Expected::VolumeBackup => tags::backup(&one(key::BACKUP)).ok().is_some(),
            Expected::Destinations => text.contains(char::is_alphanumeric),
            Expected::Mode => tags::offsite_mode(&one(key::OFFSITE_MODE)).ok().is_some(),
            Expected::Automated => text == TYPE_AUTOMATED,
            Expected::DeleteOn | Expected::CreatedOn => tags::delete_on(&one(key::DELETE_ON)).ok().is_some(),
            Expected::Record => text.parse::<Retention>().is_ok(),
            Expected::Slot => text.parse::<Slot>().is_ok(),
            Expected::Instance => text.parse::<InstanceId>().is_ok(),
            Expected::SourceSnapshot => text.parse::<SnapshotId>().is_ok(),
            Expected::SourceRegion => text.parse::<Region>().is_ok(),
            Expected::SourceStartTime => text.parse::<Timestamp>().is_ok(),
            Expected::SourceVolume | Expected::ReplacedVolume => text.parse::<VolumeId>().is_ok(),
            Expected::InUse => text.parse::<Timestamp>().is_ok() || Expected::DeleteOn.reads(text),
            // The predecessor's bare ids prove nothing, and nobody mistyped them.
            Expected::Stamps => {
                text.split_whitespace().all(|word| is_stamp(word) || word.parse::<SnapshotId>().is_ok())
            }
        }
    }

    fn meant(self, key: &str, text: &str) -> Option<String> {
        match self {
            Expected::Number { least, most } => {
                number(key, text).filter(|number| (least..=most).contains(number)).map(|number| number.to_string())
            }
            Expected::InstanceBackup | Expected::VolumeBackup => {
                yes_or_no(text).map(|yes| if yes { "Yes" } else { "No" }.to_owned())
            }
            Expected::Mode => {
                let modes = [OffsiteMode::Move, OffsiteMode::KeepLatest, OffsiteMode::Copy].map(OffsiteMode::as_str);
                near::nearest(text, modes).map(str::to_owned)
            }
            Expected::Automated => Some(TYPE_AUTOMATED.to_owned()),
            Expected::DeleteOn | Expected::CreatedOn => day(text).map(|day| day.to_string()),
            Expected::Slot => text.parse().ok().map(|time| Slot::containing(time).to_string()),
            Expected::Destinations | Expected::Record | Expected::Instance | Expected::Stamps => None,
            Expected::SourceSnapshot | Expected::SourceRegion => None,
            Expected::SourceStartTime | Expected::SourceVolume | Expected::ReplacedVolume | Expected::InUse => None,
        }
    }

    /// How bad it is that such a value cannot be read. Another tool may use `Backup`: that counts only where something
    /// else happens than was most likely meant.
    pub(super) fn severity(self, text: &str) -> Severity {
        let is_other = match self {
            Expected::InstanceBackup => yes_or_no(text) == Some(true),
            Expected::VolumeBackup => yes_or_no(text) == Some(false),
            Expected::Number { .. } | Expected::Destinations | Expected::Mode => true,
            Expected::Automated | Expected::DeleteOn | Expected::CreatedOn | Expected::Record => true,
            Expected::Slot | Expected::Instance | Expected::Stamps => true,
            Expected::SourceSnapshot | Expected::SourceRegion => true,
            Expected::SourceStartTime | Expected::SourceVolume | Expected::ReplacedVolume | Expected::InUse => true,
        };
        if is_other { Severity::Error } else { Severity::Advice }
    }
}

/// Whether `text` is a value of `key`, or was most likely meant for one.
pub(super) fn is_of(key: &str, text: &str) -> bool {
    let expected = match key {
        key::BACKUP => Some(Expected::InstanceBackup),
        key::OFFSITE_MODE => Some(Expected::Mode),
        key::DELETE_ON => Some(Expected::DeleteOn),
        key::WAS => Some(Expected::ReplacedVolume),
        key::IN_USE => Some(Expected::InUse),
        key::BACKUP_SCHEDULE => return text.parse::<Schedule>().is_ok() || schedules::meant(text).is_some(),
        key::DESTINATION_REGION => {
            return text.split_whitespace().all(|word| word.contains('-') && word.parse::<Region>().is_ok());
        }
        key => numbers().find(|(number, _)| *number == key).map(|(_, expected)| expected),
    };
    expected.is_none_or(|expected| expected.reads(text) || expected.meant(key, text).is_some())
}

/// The tags of retention, and what each may be.
pub(super) fn numbers() -> impl Iterator<Item = (&'static str, Expected)> {
    let expected =
        |range: std::ops::RangeInclusive<u32>| Expected::Number { least: *range.start(), most: *range.end() };
    KEYS.into_iter().flatten().map(move |(key, range)| (key, expected(range)))
}

fn is_stamp(word: &str) -> bool {
    word.split_once(':')
        .is_some_and(|(region, snapshot)| region.parse::<Region>().is_ok() && snapshot.parse::<SnapshotId>().is_ok())
}

/// The number in `7d`, `7 days` or `"7"`. With another unit than its key's it says another number than it seems to.
fn number(key: &str, text: &str) -> Option<u32> {
    let text = text.trim_matches(['"', '\'', ' ', '.']).to_ascii_lowercase();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at(digits);
    let unit = unit.trim();
    let units = ["days", "weeks", "months", "years"].into_iter();
    let mut of_key = units.filter(|of_key| key.to_ascii_lowercase().ends_with(of_key));
    digits.parse().ok().filter(|_| unit.is_empty() || of_key.any(|of_key| of_key.starts_with(unit)))
}

/// Whether a word, or the first of several, means yes or no.
pub(super) fn yes_or_no(text: &str) -> Option<bool> {
    let word = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let first = word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    match word.as_str() {
        "yes" | "y" | "true" | "t" | "1" | "on" | "ja" | "oui" | "si" | "sí" | "enable" | "enabled" => Some(true),
        "no" | "n" | "false" | "f" | "0" | "off" | "nein" | "non" | "disable" | "disabled" => Some(false),
        _ if first == "no" => Some(false),
        _ if first == "yes" => Some(true),
        _ if word.starts_with('y') && strsim::damerau_levenshtein(&word, "yes") == 1 => Some(true),
        _ => None,
    }
}

/// The day that is written in another shape, where it can be no other day.
fn day(text: &str) -> Option<Date> {
    if !text.bytes().all(|b| b.is_ascii_digit() || b"-/.:TZ+ ".contains(&b)) {
        return None;
    }
    let day = text.split(['T', ' ']).next()?;
    let date =
        |year: &str, month: &str, day: &str| Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok();
    match day.split(['-', '/', '.']).collect::<Vec<_>>()[..] {
        [day] if day.len() == 8 => date(day.get(..4)?, day.get(4..6)?, day.get(6..)?),
        [year, month, day] if year.len() == 4 => date(year, month, day),
        [one, two, year] if year.len() == 4 => match (date(year, one, two), date(year, two, one)) {
            (Some(a), Some(b)) => (a == b).then_some(a),
            (one, other) => one.or(other),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_in_another_shape_is_understood_where_it_can_be_no_other() {
        for (text, meant) in [
            ("2026/11/22", Some("2026-11-22")),
            ("20261122", Some("2026-11-22")),
            ("2026-1-2", Some("2026-01-02")),
            ("2026.11.22", Some("2026-11-22")),
            ("2026-11-22T00:00:00Z", Some("2026-11-22")),
            ("22.11.2026", Some("2026-11-22")),
            ("11/22/2026", Some("2026-11-22")),
            ("05/05/2026", Some("2026-05-05")),
            ("01/02/2026", None),
            ("2026-02-30", None),
            ("20261322", None),
            ("+2026-11-22", None),
            ("tomorrow", None),
            ("2026-11-22 or so", None),
            ("", None),
        ] {
            assert_eq!(day(text).map(|day| day.to_string()).as_deref(), meant, "{text:?}");
        }
    }

    #[test]
    fn a_number_is_understood_with_the_unit_of_its_key() {
        for (key, text, meant) in [
            ("RetentionDays", "7d", Some(7)),
            ("RetentionDays", "7 Days", Some(7)),
            ("RetentionDays", "\"30\"", Some(30)),
            ("RetentionDays", "7.", Some(7)),
            ("RetentionDays", "2w", None),
            ("DestinationRetentionWeeks", "2 weeks", Some(2)),
            ("KeepLast", "5x", None),
            ("KeepLast", "5 ", Some(5)),
            ("RetentionDays", "7.5", None),
            ("RetentionDays", "-1", None),
            ("RetentionDays", "seven", None),
            ("RetentionDays", "99999999999d", None),
            ("RetentionDays", "", None),
        ] {
            assert_eq!(number(key, text), meant, "{key}={text:?}");
        }
    }
}
