//! Schedules and slots.
//!
//! A slot is the last time of a schedule that is not after EC2's now. It is written on every snapshot, so that a run
//! that comes late, comes twice or was killed finishes the same slot and does not begin another. Slots come from the
//! schedule alone, never from the age of the newest snapshot: one that is a second too young cannot skip the next.
//!
//! Every form of the grammar is one or two cron patterns; croner walks them. A fixed local time that the clocks skip
//! falls on the first moment after the gap, one that they repeat on its first; hourly, interval and wildcard patterns
//! get each real hour. Zones are those bundled with jiff: nothing reads a file or the environment.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Weekday};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// The zones, as they were when this was built.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Names of the days of a week, in cron's order.
pub(crate) const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// A text that is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a schedule: {why}")]
pub struct ScheduleError {
    /// The part that is not understood, as it was written.
    pub text: String,
    /// What is wrong with it.
    pub why: ScheduleWrong,
}

/// What is wrong with a part of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleWrong {
    /// It begins like none of the forms.
    #[error(
        "write it as hourly, every 6h, daily 03:00, weekly sun 02:00, monthly 1 04:30 or five fields of cron, with a \
         time zone such as Europe/Berlin behind it where it is not UTC; several are separated by ;"
    )]
    Form,
    /// No time of the day.
    #[error("write the time as 03:00")]
    Time,
    /// Hours that do not divide a day.
    #[error("write every 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h")]
    Hours,
    /// No day of a week.
    #[error("write the day of the week as sun, mon, tue, wed, thu, fri or sat")]
    Weekday,
    /// No day of a month.
    #[error("write the day of the month as 1 to 31")]
    Day,
    /// No time zone that is known here.
    #[error("no time zone has this name; write one such as Europe/Berlin")]
    Zone,
    /// No cron pattern, in croner's words.
    #[error("{0}")]
    Cron(String),
    /// A date that no year has.
    #[error("it never fires")]
    Never,
}

/// A text that is not a slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a slot; write it as 2026-11-22T03:00Z")]
pub struct SlotError(pub String);

/// When an instance is backed up: one or more entries, each with its zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule(Vec<Entry>);

/// One part of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// As it is printed, without the zone.
    text: String,
    zone: TimeZone,
    /// It fires when any of these does.
    patterns: Vec<Cron>,
}

/// A text that is a schedule: a test holds it to that.
static DEFAULT: LazyLock<Schedule> = LazyLock::new(|| "daily 03:00".parse().unwrap_or(Schedule(Vec::new())));

impl Default for Schedule {
    /// Where nothing else is configured: `daily 03:00` UTC.
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl Schedule {
    /// The last time of the schedule that is not after `now`. Where there is none in the calendar, before its first year
    /// or after its last, now itself is the slot.
    pub fn slot_at(&self, now: Timestamp) -> Slot {
        let last = |(zone, pattern): (&TimeZone, &Cron)| {
            pattern.find_previous_occurrence(&now.to_zoned(zone.clone()), true).ok().map(|time| time.timestamp())
        };
        Slot::containing(self.patterns().filter_map(last).max().unwrap_or(now))
    }

    /// The first time of the schedule after `time`; none where the calendar ends before it.
    pub fn slot_after(&self, time: Timestamp) -> Option<Slot> {
        let next = |(zone, pattern): (&TimeZone, &Cron)| {
            pattern.find_next_occurrence(&time.to_zoned(zone.clone()), false).ok().map(|time| time.timestamp())
        };
        self.patterns().filter_map(next).min().map(Slot::containing)
    }

    /// The times of the schedule after `time`, as far as the calendar goes.
    pub fn slots_after(&self, time: Timestamp) -> impl Iterator<Item = Slot> + '_ {
        std::iter::successors(self.slot_after(time), |slot| self.slot_after(slot.time()))
    }

    /// The zone in which its days, weeks, months and years are counted: that of its first entry.
    pub fn zone(&self) -> Zone {
        Zone(self.0.first().map_or(TimeZone::UTC, |entry| entry.zone.clone()))
    }

    fn patterns(&self) -> impl Iterator<Item = (&TimeZone, &Cron)> {
        self.0.iter().flat_map(|entry| entry.patterns.iter().map(|pattern| (&entry.zone, pattern)))
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let read = |part: &str| Entry::read(part).map_err(|why| ScheduleError { text: part.trim().to_owned(), why });
        // A separator at the end separates nothing.
        let text = text.trim();
        text.strip_suffix(';').unwrap_or(text).split(';').map(read).collect::<Result<_, _>>().map(Self)
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
        for (n, Entry { text, zone, .. }) in self.0.iter().enumerate() {
            f.write_str(if n == 0 { "" } else { "; " })?;
            f.write_str(text)?;
            if *zone != TimeZone::UTC {
                write!(f, " {}", Zone(zone.clone()))?;
            }
        }
        Ok(())
    }
}

impl Entry {
    fn read(text: &str) -> Result<Self, ScheduleWrong> {
        let words: Vec<_> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let (text, patterns, zone) = match words[..] {
            ["hourly", ref zone @ ..] => ("hourly".to_owned(), vec![cron("0 * * * *")?], zone),
            ["every", hours, ref zone @ ..] => {
                let hours = interval(hours)?;
                let of_day = if hours == 24 { "0".to_owned() } else { format!("*/{hours}") };
                (format!("every {hours}h"), vec![cron(&format!("0 {of_day} * * *"))?], zone)
            }
            ["daily", time, ref zone @ ..] => {
                let (hour, minute) = time_of_day(time)?;
                (format!("daily {time}"), vec![cron(&format!("{minute} {hour} * * *"))?], zone)
            }
            ["weekly", day, time, ref zone @ ..] => {
                let (hour, minute) = time_of_day(time)?;
                let day = WEEKDAYS.iter().position(|name| *name == day || name[..3] == *day);
                let day = day.ok_or(ScheduleWrong::Weekday)?;
                let text = format!("weekly {} {time}", &WEEKDAYS[day][..3]);
                (text, vec![cron(&format!("{minute} {hour} * * {day}"))?], zone)
            }
            ["monthly", day, time, ref zone @ ..] => {
                let (hour, minute) = time_of_day(time)?;
                let day = day.parse().ok().filter(|number| is_number(day) && (1..=31).contains(number));
                let day = day.ok_or(ScheduleWrong::Day)?;
                let patterns = monthly(day).map(|days| cron(&format!("{minute} {hour} {days} *")));
                (format!("monthly {day} {time}"), patterns.collect::<Result<_, _>>()?, zone)
            }
            [first, _, _, _, _, ref zone @ ..] if first.starts_with(|c: char| c.is_ascii_digit() || c == '*') => {
                let text = words[..5].join(" ").to_ascii_uppercase();
                let pattern = cron(&text)?;
                if !fires(&pattern) {
                    return Err(ScheduleWrong::Never);
                }
                (text, vec![pattern], zone)
            }
            _ => return Err(ScheduleWrong::Form),
        };
        let zone = match *zone {
            [] => TimeZone::UTC,
            [name] => name.parse::<Zone>()?.0,
            [..] => return Err(ScheduleWrong::Form),
        };
        Ok(Self { text, zone, patterns })
    }
}

fn cron(text: &str) -> Result<Cron, ScheduleWrong> {
    // Croner's own + would make dates that come once in a generation, and its search for them long.
    if let Some(odd) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"*,-/# ".contains(*c)) {
        return Err(ScheduleWrong::Cron(format!("{odd:?} has no place in it")));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(text).map_err(|error| ScheduleWrong::Cron(error.to_string()))
}

/// Whether a pattern has a day at all: those of 28 years are all that there are, but for those around 2100.
fn fires(pattern: &Cron) -> bool {
    let has = |day: Date| {
        let number = |of: i8| u32::try_from(of).unwrap_or(0);
        let weekday = Weekday::from_days_from_sunday(number(day.weekday().to_sunday_zero_offset()));
        let (month, of_month) = (number(day.month()), number(day.day()));
        pattern.pattern.month_match(month).unwrap_or(false)
            && pattern.pattern.day_match(i32::from(day.year()), month, of_month, weekday).unwrap_or(false)
    };
    Date::constant(2028, 1, 1).series(1.day()).take_while(|day| day.year() < 2056).any(has)
}

fn interval(text: &str) -> Result<u32, ScheduleWrong> {
    let hours = text.strip_suffix('h').filter(|hours| is_number(hours)).and_then(|hours| hours.parse().ok());
    hours.filter(|hours| *hours > 0 && 24 % hours == 0).ok_or(ScheduleWrong::Hours)
}

fn time_of_day(text: &str) -> Result<(u32, u32), ScheduleWrong> {
    let read = || {
        let (hour, minute) = text.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
        let number = |text: &str| text.parse().ok().filter(|_| is_number(text));
        Some((number(hour)?, number(minute)?)).filter(|(hour, minute)| *hour < 24 && *minute < 60)
    };
    read().ok_or(ScheduleWrong::Time)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The days of month of `monthly`, and the months that have them: in shorter ones it is the last day.
fn monthly(day: u32) -> impl Iterator<Item = String> {
    let (of_long, of_short) = match day {
        29 | 30 => (format!("{day} 1,3-12"), Some("L 2")),
        31 => ("L *".to_owned(), None),
        day => (format!("{day} *"), None),
    };
    std::iter::once(of_long).chain(of_short.map(str::to_owned))
}

/// A time zone of the IANA's list, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    /// The names of all that there are.
    pub fn names() -> Vec<String> {
        ZONES.available().map(|name| name.to_string()).collect()
    }

    /// The zone itself.
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = ScheduleWrong;
    fn from_str(text: &str) -> Result<Self, ScheduleWrong> {
        if text.eq_ignore_ascii_case("utc") {
            return Ok(Self::default());
        }
        ZONES.get(text).map(Self).map_err(|_| ScheduleWrong::Zone)
    }
}

impl TryFrom<String> for Zone {
    type Error = ScheduleWrong;
    fn try_from(text: String) -> Result<Self, ScheduleWrong> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.to_string()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
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
