//! Schedules and slots.
//!
//! A slot is the last time of a schedule that is not after EC2's now. It is written on every snapshot, so that a run
//! that comes late, comes twice or was killed finishes the same slot and does not begin another.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// A text that is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a schedule; write it as \"daily 03:00\" (UTC)")]
pub struct ScheduleError(pub String);

/// A text that is not a slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a slot; write it as 2026-11-22T03:00Z")]
pub struct SlotError(pub String);

/// When an instance is backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// Once a day at this time, UTC.
    Daily {
        /// 0 to 23.
        hour: i8,
        /// 0 to 59.
        minute: i8,
    },
}

impl Schedule {
    /// The default where nothing else is configured: `daily 03:00` UTC.
    pub const DEFAULT: Schedule = Schedule::Daily { hour: 3, minute: 0 };

    /// The last time of the schedule that is not after `now`.
    pub fn slot_at(&self, now: Timestamp) -> Slot {
        match *self {
            Schedule::Daily { hour, minute } => {
                let today = now.to_zoned(TimeZone::UTC).date();
                let at = |date: jiff::civil::Date| {
                    date.at(hour, minute, 0, 0).to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp())
                };
                let time = match at(today) {
                    Ok(time) if time <= now => Ok(time),
                    Ok(_) => at(today.saturating_sub(1.day())),
                    Err(error) => Err(error),
                };
                // A day at either end of the calendar that jiff can count: there, now itself is the slot.
                Slot::containing(time.unwrap_or(now))
            }
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let read = || {
            let mut words = text.split_whitespace();
            let (kind, time) = (words.next()?, words.next()?);
            let (hour, minute) = time.split_once(':')?;
            let two_digits = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit());
            let shape = kind.eq_ignore_ascii_case("daily") && words.next().is_none();
            if !shape || !two_digits(hour) || !two_digits(minute) {
                return None;
            }
            let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(Schedule::Daily { hour, minute })
        };
        read().ok_or_else(|| ScheduleError(text.to_owned()))
    }
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;
    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> String {
        schedule.to_string()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Daily { hour, minute } => write!(f, "daily {hour:02}:{minute:02}"),
        }
    }
}

/// A point of a schedule, in UTC, to the minute: `2026-11-22T03:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slot(Timestamp);

impl Slot {
    /// The slot of the minute that `time` lies in.
    pub fn containing(time: Timestamp) -> Slot {
        let second = time.as_second();
        Slot(Timestamp::from_second(second - second.rem_euclid(60)).unwrap_or(time))
    }

    /// When the slot begins.
    pub fn time(self) -> Timestamp {
        self.0
    }
}

impl FromStr for Slot {
    type Err = SlotError;
    fn from_str(text: &str) -> Result<Self, SlotError> {
        let error = || SlotError(text.to_owned());
        let minutes = text.strip_suffix('Z').filter(|rest| rest.len() == 16).ok_or_else(error)?;
        let time: Timestamp = format!("{minutes}:00Z").parse().map_err(|_| error())?;
        Some(Slot::containing(time)).filter(|slot| slot.to_string() == text).ok_or_else(error)
    }
}

impl TryFrom<String> for Slot {
    type Error = SlotError;
    fn try_from(text: String) -> Result<Self, SlotError> {
        text.parse()
    }
}

impl From<Slot> for String {
    fn from(slot: Slot) -> String {
        slot.to_string()
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.strftime("%Y-%m-%dT%H:%MZ").to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot_of(schedule: &str, now: &str) -> String {
        schedule.parse::<Schedule>().unwrap().slot_at(now.parse().unwrap()).to_string()
    }

    #[test]
    fn the_slot_is_the_last_time_not_after_now() {
        assert_eq!(slot_of("daily 03:00", "2026-11-22T03:00:00Z"), "2026-11-22T03:00Z");
        assert_eq!(slot_of("daily 03:00", "2026-11-22T02:59:59Z"), "2026-11-21T03:00Z");
        assert_eq!(slot_of("daily 03:00", "2026-11-22T23:59:59Z"), "2026-11-22T03:00Z");
        assert_eq!(slot_of("daily 23:45", "2027-01-01T00:00:00Z"), "2026-12-31T23:45Z");
        assert_eq!(slot_of("daily 00:00", "2028-02-29T00:00:01Z"), "2028-02-29T00:00Z");
    }

    #[test]
    fn a_schedule_reads_back_what_it_prints_and_refuses_the_rest() {
        for good in ["daily 03:00", "Daily  23:59", " daily 00:00 "] {
            let schedule: Schedule = good.parse().unwrap();
            assert_eq!(schedule.to_string().parse::<Schedule>().unwrap(), schedule);
        }
        for bad in ["", "daily", "daily 24:00", "daily 3:00", "daily 03:60", "daily 03:00 UTC", "weekly 03:00", "03:00"]
        {
            assert_eq!(bad.parse::<Schedule>(), Err(ScheduleError(bad.into())));
        }
    }

    #[test]
    fn a_slot_reads_back_what_it_prints_and_refuses_the_rest() {
        assert_eq!("2026-11-22T03:00Z".parse::<Slot>().unwrap().to_string(), "2026-11-22T03:00Z");
        for bad in ["2026-11-22", "2026-11-22T03:00:00Z", "2026-11-22T03:00", "2026-13-22T03:00Z", "now", ""] {
            assert!(bad.parse::<Slot>().is_err(), "{bad}");
        }
    }
}
