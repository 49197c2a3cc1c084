//! Schedules: what was most likely meant by one that cannot be read, and how far apart the slots of one lie.
//!
//! A text is mended step by step: core says what is wrong with it, that is put right, and core is asked again. So what
//! comes out is a schedule, or nothing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::near;
use crate::schedule::{Schedule, ScheduleError, ScheduleWrong, Slot, WEEKDAYS, Zone};

/// The forms of the grammar but cron's, and how many words each has before its zone.
const FORMS: [(&str, usize); 5] = [("hourly", 1), ("every", 2), ("daily", 2), ("weekly", 3), ("monthly", 3)];
/// Hours that divide a day, from the longest on.
const HOURS: [u32; 8] = [24, 12, 8, 6, 4, 3, 2, 1];
/// The time of the default schedule stands where one is missing.
const TIME: &str = "03:00";
/// A text with more things to mend than this was most likely never a schedule.
const STEPS_MAX: usize = 4;

/// The schedule that was most likely meant by `text`.
pub(super) fn meant(text: &str) -> Option<String> {
    let parts = text.split(';').filter(|part| !part.trim().is_empty());
    let mended = parts.map(mended).collect::<Option<Vec<_>>>()?;
    mended.join("; ").parse().ok().map(|schedule: Schedule| schedule.to_string())
}

fn mended(part: &str) -> Option<String> {
    let words = part.split_whitespace().map(str::to_lowercase).filter(|word| !matches!(word.as_str(), "at" | "on"));
    let mut words: Vec<_> = words.collect();
    for _ in 0..STEPS_MAX {
        match words.join(" ").parse::<Schedule>() {
            Ok(schedule) => return Some(schedule.to_string()),
            Err(ScheduleError { why, .. }) => mend(&mut words, &why)?,
        }
    }
    words.join(" ").parse().ok().map(|schedule: Schedule| schedule.to_string())
}

/// Puts right what core says is wrong; none where that is not known.
fn mend(words: &mut Vec<String>, why: &ScheduleWrong) -> Option<()> {
    match why {
        ScheduleWrong::Form => mend_form(words),
        ScheduleWrong::Hours => mend_hours(words),
        ScheduleWrong::Time => {
            let last = FORMS.iter().find(|(form, _)| words.first().is_some_and(|word| word == form))?.1 - 1;
            mend_word(words, last, time)
        }
        ScheduleWrong::Weekday => mend_word(words, 1, weekday),
        ScheduleWrong::Day => mend_word(words, 1, day_of_month),
        ScheduleWrong::Zone => {
            let last = words.len().checked_sub(1)?;
            mend_word(words, last, zone)
        }
        ScheduleWrong::Abbreviation | ScheduleWrong::Cron(_) | ScheduleWrong::Never => None,
    }
}

fn mend_word(words: &mut [String], at: usize, meant: impl FnOnce(&str) -> Option<String>) -> Option<()> {
    let word = words.get_mut(at)?;
    *word = meant(word)?;
    Some(())
}

fn mend_form(words: &mut Vec<String>) -> Option<()> {
    let first = words.first()?.clone();
    if time(&first).is_some() {
        words.insert(0, "daily".to_owned());
        return Some(());
    }
    let (form, length) = FORMS.into_iter().find(|(form, _)| near::nearest(&first, [form]).is_some())?;
    form.clone_into(&mut words[0]);
    let has_day = words.get(1).is_some_and(|word| time(word).is_none() || word.parse::<u32>().is_ok());
    match form {
        "weekly" if !has_day => words.insert(1, "sun".to_owned()),
        "monthly" if !has_day => words.insert(1, "1".to_owned()),
        _ => {}
    }
    if words.len() < length && form != "every" {
        words.push(TIME.to_owned());
    }
    // Two words behind the form are one name of a zone: `America/New York`.
    if words.len() > length + 1 {
        let name = words.split_off(length).join("_");
        words.push(name);
    }
    Some(())
}

/// `every 5h`, `every 6 hours`, `every hour`.
fn mend_hours(words: &mut Vec<String>) -> Option<()> {
    let text = words.get(1)?.clone();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at(digits);
    if !["", "h", "hr", "hrs", "hour", "hours"].contains(&unit) {
        return None;
    }
    let asked: u32 = if digits.is_empty() { 1 } else { digits.parse().ok()? };
    // Rather more snapshots than were asked for than fewer.
    let hours = HOURS.into_iter().find(|hours| *hours <= asked)?;
    words[1] = format!("{hours}h");
    if words.get(2).is_some_and(|word| matches!(word.as_str(), "h" | "hour" | "hours")) {
        words.remove(2);
    }
    Some(())
}

/// `3:00`, `3.30`, `0300`, `3am`, `03:00:00` as `03:00`.
fn time(text: &str) -> Option<String> {
    let (digits, noon) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(morning), _) => (morning, Some(0)),
        (_, Some(evening)) => (evening, Some(12)),
        (None, None) => (text, None),
    };
    let split = match digits.split([':', '.']).collect::<Vec<_>>()[..] {
        [both] if both.len() == 4 => Some((both.get(..2)?, both.get(2..)?)),
        [hour] => Some((hour, "00")),
        [hour, minute] | [hour, minute, "00"] => Some((hour, minute)),
        _ => None,
    };
    let (hour, minute) = split.filter(|(hour, minute)| hour.len() <= 2 && minute.len() == 2)?;
    let number = |digits: &str| digits.parse::<u32>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    let (hour, minute) = (number(hour)?, number(minute)?);
    let hour = match noon {
        None => hour,
        Some(noon) => Some(hour % 12 + noon).filter(|_| (1..=12).contains(&hour))?,
    };
    (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

fn weekday(text: &str) -> Option<String> {
    let begins = |day: &&str| text.len() >= 2 && day.starts_with(text);
    let day = WEEKDAYS.into_iter().find(begins).or_else(|| near::nearest(text, WEEKDAYS))?;
    Some(day[..3].to_owned())
}

/// `1st`, `last`, `32` as a day of a month.
fn day_of_month(text: &str) -> Option<String> {
    if text == "last" {
        return Some("31".to_owned());
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '.');
    let day: u32 = digits.parse().ok().filter(|day| *day > 0)?;
    Some(day.min(31).to_string())
}

/// The zone that is nearest in name, or that ends in it: `Berlin`.
fn zone(text: &str) -> Option<String> {
    // The signs of Etc/GMT+1 are the reverse of what people mean.
    let names: Vec<_> = Zone::names().into_iter().filter(|name| !name.starts_with("Etc/")).collect();
    let city = |name: &&String| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(text));
    names.iter().find(city).or_else(|| near::nearest(text, &names)).cloned()
}

/// A time without a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Whole days of it.
    pub days: u32,
    /// The slot before it.
    pub from: Slot,
    /// The slot after it.
    pub to: Slot,
}

/// The longest time between two slots of the coming year that is longer than `days` whole days, if any is. Whole days: in
/// spring and autumn a day has another hour, and nobody means that.
pub(super) fn gap(schedule: &Schedule, now: Timestamp, days: u32) -> Option<Gap> {
    let end = later(now, 366);
    let (mut slot, mut longest, mut days) = (schedule.slot_at(now), None, days);
    while slot.time() < end {
        // A schedule of each minute is walked in long steps too: whatever lies within one is not longer.
        let within = later(slot.time(), i64::from(days) + 1).saturating_sub(SignedDuration::from_mins(1));
        let last = schedule.slot_at(within.unwrap_or(Timestamp::MAX));
        if last > slot {
            slot = last;
            continue;
        }
        let Some(to) = schedule.slot_after(slot.time()).filter(|to| *to > slot) else { break };
        let whole = to.time().duration_since(slot.time()).as_hours() / 24;
        days = u32::try_from(whole).unwrap_or(u32::MAX);
        longest = Some(Gap { days, from: slot, to });
        slot = to;
    }
    longest
}

fn later(time: Timestamp, days: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_a_schedule_or_nothing() {
        for (text, expected) in [
            ("daily", Some("daily 03:00")),
            ("daily 3:00", Some("daily 03:00")),
            ("daily at 3pm", Some("daily 15:00")),
            ("daily 12am", Some("daily 00:00")),
            ("Dayly 0430 Berlin", Some("daily 04:30 Europe/Berlin")),
            ("03:00", Some("daily 03:00")),
            ("3:30 Europe/Berln", Some("daily 03:30 Europe/Berlin")),
            ("daily 03:00 America/New York", Some("daily 03:00 America/New_York")),
            ("weekly", Some("weekly sun 03:00")),
            ("weekly 02:00", Some("weekly sun 02:00")),
            ("weekly sa 2:00", Some("weekly sat 02:00")),
            ("weekly thrusday 02:00", Some("weekly thu 02:00")),
            ("monthly 1st 04:30", Some("monthly 1 04:30")),
            ("monthly last 04:30", Some("monthly 31 04:30")),
            ("monthly 15", Some("monthly 15 03:00")),
            ("every 5h", Some("every 4h")),
            ("every 6 hours", Some("every 6h")),
            ("every hour UTC", Some("every 1h")),
            ("every 30m", None),
            ("daily 03:00; weekly sunday", Some("daily 03:00; weekly sun 03:00")),
            ("daily 25:00", None),
            ("daily 03:00 Mars/Olympus", None),
            ("0 0 30 2 *", None),
            ("never", None),
            ("", None),
            (";", None),
        ] {
            assert_eq!(meant(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn the_longest_time_without_a_slot_is_found_whatever_the_schedule() {
        let now = "2026-11-22T04:00:00Z".parse().unwrap();
        let found = |text: &str, days| gap(&text.parse().unwrap(), now, days).map(|gap| gap.days);
        assert_eq!(found("* * * * *", 1), None);
        assert_eq!(found("daily 03:00", 1), None);
        assert_eq!(found("daily 03:00 Europe/Berlin", 1), None, "25 hours in October are a day");
        assert_eq!(found("weekly sun 03:00", 1), Some(7));
        assert_eq!(found("weekly sun 03:00", 6), Some(7));
        assert_eq!(found("weekly sun 03:00", 7), None);
        assert_eq!(found("0 3 * * MON-FRI", 2), Some(3));
        assert_eq!(found("monthly 1 03:00", 7), Some(31));
        assert_eq!(found("monthly 1 03:00; weekly sun 03:00", 5), Some(7));
        assert_eq!(found("0 0 29 2 *", 365), Some(1461));
        let gap = gap(&"0 3 * * MON-FRI".parse().unwrap(), now, 2).unwrap();
        assert_eq!(
            (gap.from.to_string(), gap.to.to_string()),
            ("2026-11-20T03:00Z".into(), "2026-11-23T03:00Z".into())
        );
    }
}
