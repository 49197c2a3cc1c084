//! Schedules and slots.
//!
//! A slot is the last time of a schedule that is not after EC2's now. It is written on every snapshot, so that a run
//! that comes late, comes twice or was killed finishes the same slot and does not begin another. Slots come from the
//! schedule alone, never from the age of the newest snapshot: one that is a second too young cannot skip the next.
//!
//! Every form of the grammar is one or two cron patterns. Croner walks them on a clock that is never put forward or back;
//! what a zone's clock skips or repeats is decided here. A time that is skipped falls on the first moment after the gap,
//! one that is repeated on its first; where hours or minutes have a *, on both. What fires in every hour goes by real
//! hours: nothing is skipped, nothing falls elsewhere. Zones are those bundled with jiff: nothing reads a file or the
//! environment.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Weekday};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::tags::{date, number_of};

/// The zones, as they were when this was built.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Names of the days of a week, in cron's order.
pub(crate) const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
/// Cron's names of the months.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// The five fields of cron, and how many values each has.
const FIELDS: [(&str, u32); 5] =
    [("minute", 60), ("hour", 24), ("day of the month", 31), ("month", 12), ("day of the week", 7)];
/// The smallest time that jiff counts.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);
/// More than any clock was ever put forward or back by.
const TWO_DAYS: SignedDuration = SignedDuration::from_hours(48);

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
    /// An abbreviation of a time zone.
    #[error("an abbreviation is no time zone here; write one such as America/New_York")]
    Abbreviation,
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
        let times = self.patterns().filter_map(|(zone, pattern)| last(zone, pattern, now));
        Slot::containing(times.max().unwrap_or(now))
    }

    /// The first time of the schedule after `time`; none where the calendar ends before it.
    pub fn slot_after(&self, time: Timestamp) -> Option<Slot> {
        self.time_after(time).map(Slot::containing)
    }

    fn time_after(&self, time: Timestamp) -> Option<Timestamp> {
        self.patterns().filter_map(|(zone, pattern)| next(zone, pattern, time)).min()
    }

    /// The times of the schedule after `time`, as far as the calendar goes.
    pub fn slots_after(&self, time: Timestamp) -> impl Iterator<Item = Slot> + '_ {
        // From the time itself: where a zone's clock once differed from UTC by seconds, its slot begins before it.
        std::iter::successors(self.time_after(time), |time| self.time_after(*time)).map(Slot::containing)
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
                words.iter().zip(FIELDS).try_for_each(|(words, (field, size))| check_field(words, field, size))?;
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
            [name] => match name.parse::<Zone>()? {
                zone if is_abbreviation(&zone.to_string()) => return Err(ScheduleWrong::Abbreviation),
                zone => zone.0,
            },
            [..] => return Err(ScheduleWrong::Form),
        };
        Ok(Self { text, zone, patterns })
    }
}

/// Refuses what has no place in a field of cron, in lower case. Croner would take a month's name for an hour, `jan2` for
/// December, and a field without a part for one that never fires, so that now itself were the slot at every look. Its own
/// + is left out: it makes dates that come once in a generation.
fn check_field(words: &str, field: &str, size: u32) -> Result<(), ScheduleWrong> {
    let may_be = |part: &str| match field {
        "day of the month" => part == "l" || words == "lw" || is_number(part.strip_suffix('w').unwrap_or(part)),
        "month" => place_of(&MONTHS, part).is_some() || is_number(part),
        "day of the week" => {
            let day = part.strip_suffix('l').unwrap_or(part);
            part == "l" || place_of(&WEEKDAYS, day).is_some() || is_number(day)
        }
        _ => is_number(part),
    };
    let mut steps = words.split(',').filter_map(|part| part.split_once('/'));
    let is_large =
        |range: &str, step: &str| step.parse::<u32>().is_ok_and(|step| step >= values_in(range).unwrap_or(size));
    if let Some((range, step)) = steps.find(|(range, step)| is_large(range, step)) {
        let why = format!("a step of {step} is too large for the {field} {range}: it would fire once each time");
        return Err(ScheduleWrong::Cron(why));
    }
    match words.split([',', '-', '/', '#']).find(|part| *part != "*" && !may_be(part)) {
        Some(part) => Err(ScheduleWrong::Cron(format!("{part:?} is no {field}"))),
        None => Ok(()),
    }
}

/// Where a name stands among `names`, by its first three letters in lower case.
fn place_of(names: &[&str], word: &str) -> Option<usize> {
    names.iter().position(|name| name[..3] == *word)
}

/// How many values a range of a field has, `8-18` or `jan-mar`; none where it is no range.
fn values_in(range: &str) -> Option<u32> {
    let place = |word: &str| {
        let name = place_of(&MONTHS, word).or(place_of(&WEEKDAYS, word)).and_then(|place| u32::try_from(place).ok());
        word.parse().ok().or(name)
    };
    let (first, last) = range.split_once('-')?;
    place(last)?.checked_sub(place(first)?)?.checked_add(1)
}

fn cron(text: &str) -> Result<Cron, ScheduleWrong> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(text).map_err(|error| {
        let words = error.to_string();
        ScheduleWrong::Cron(words.trim_start_matches("Component error: ").trim_end_matches('.').to_owned())
    })
}

/// A moment at which the clock of a zone is put forward, which skips times, or back, which repeats some.
struct Change {
    at: Timestamp,
    skipped: SignedDuration,
    repeated: SignedDuration,
}

impl Change {
    /// The last one that is not after `time`.
    fn before(zone: &TimeZone, time: Timestamp) -> Option<Self> {
        let at = zone.preceding(time.checked_add(INSTANT).ok()?).next()?.timestamp();
        Self::of(zone, Self::left_out(zone, at, time).unwrap_or(at))
    }

    /// A change between two times that jiff leaves out: the last of a zone's table, where yearly ones follow (America/Metlakatla
    /// in January 2019).
    fn left_out(zone: &TimeZone, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
        let offset = |second: i64| Timestamp::from_second(second).ok().map(|time| zone.to_offset(time));
        let (mut from, mut to) = (from.as_second(), to.as_second());
        let before = offset(from)?;
        if offset(to)? == before {
            return None;
        }
        while to - from > 1 {
            let between = from + (to - from) / 2;
            if offset(between)? == before { from = between } else { to = between }
        }
        Timestamp::from_second(to).ok()
    }

    /// The first one after `time`.
    fn after(zone: &TimeZone, time: Timestamp) -> Option<Self> {
        Self::of(zone, zone.following(time).next()?.timestamp())
    }

    fn of(zone: &TimeZone, at: Timestamp) -> Option<Self> {
        let ahead = zone.to_offset(at).duration_since(zone.to_offset(at.checked_sub(INSTANT).ok()?));
        Some(Self { at, skipped: ahead.max(SignedDuration::ZERO), repeated: (-ahead).max(SignedDuration::ZERO) })
    }

    /// When the first time after it begins that was not there before.
    fn anew(&self) -> Option<Timestamp> {
        self.at.checked_add(self.repeated).ok()
    }
}

/// Whether a pattern fires in every hour of its days.
fn is_hourly(pattern: &Cron) -> bool {
    pattern.pattern.hours.values().len() == 24
}

/// Whether a pattern fires again in an hour that is repeated.
fn repeats(pattern: &Cron) -> bool {
    pattern.pattern.hours.from_wildcard || pattern.pattern.minutes.from_wildcard || is_hourly(pattern)
}

/// The last time of a pattern that is not after `now`.
fn last(zone: &TimeZone, pattern: &Cron, mut now: Timestamp) -> Option<Timestamp> {
    loop {
        let clock = now.to_zoned(zone.to_offset(now).to_time_zone());
        let found = pattern.find_previous_occurrence(&clock, true).ok()?.timestamp();
        let Some(change) = Change::before(zone, now) else { return Some(found) };
        let anew = change.anew()?;
        if found >= if repeats(pattern) { change.at } else { anew } {
            return Some(found);
        }
        let is_skipped = (change.at.checked_sub(change.skipped).ok()?..change.at).contains(&found);
        if is_skipped && !is_hourly(pattern) {
            return Some(change.at);
        }
        let before = change.at.checked_sub(INSTANT).ok()?;
        // No year of changes is walked through between two times that are far apart.
        now = if now < anew { before } else { before.min(found.checked_add(TWO_DAYS).ok()?) };
    }
}

/// The first time of a pattern after `time`.
fn next(zone: &TimeZone, pattern: &Cron, time: Timestamp) -> Option<Timestamp> {
    let anew = Change::before(zone, time).and_then(|change| change.anew()).filter(|anew| time < *anew);
    let (mut from, mut inclusive) = match anew {
        Some(anew) if !repeats(pattern) => (anew, true),
        Some(_) | None => (time, false),
    };
    loop {
        let clock = from.to_zoned(zone.to_offset(from).to_time_zone());
        let found = pattern.find_next_occurrence(&clock, inclusive).ok()?.timestamp();
        let Some(change) = Change::after(zone, from).filter(|change| change.at <= found) else { return Some(found) };
        if found < change.at.checked_add(change.skipped).ok()? && !is_hourly(pattern) {
            return Some(change.at);
        }
        let after = if repeats(pattern) { change.at } else { change.anew()? };
        let is_far = from.checked_add(change.repeated).ok()? < change.at;
        (from, inclusive) = (if is_far { after.max(found.checked_sub(TWO_DAYS).ok()?) } else { after }, true);
    }
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
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
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
        ZONES.available().map(|name| name.to_string()).filter(|name| !is_abbreviation(name)).collect()
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
        // Etc/Unknown is jiff's name of none.
        ZONES.get(text).ok().filter(|zone| !zone.is_unknown()).map(Self).ok_or(ScheduleWrong::Zone)
    }
}

/// Whether a zone's name is one of the IANA's old abbreviations, such as `EST`, which is never on summer time, or `CET`,
/// which is: what people mean by them is another zone. `GMT` has one meaning.
fn is_abbreviation(name: &str) -> bool {
    name != "GMT" && name != "UTC" && !name.contains('/') && !name.contains(|c: char| c.is_ascii_lowercase())
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
        let read = || {
            let (day, time) = text.split_once('T')?;
            let [h1, h2, b':', m1, m2, b'Z'] = time.as_bytes() else { return None };
            let number = |digits: [&u8; 2]| i8::try_from(number_of(&digits.map(|digit| *digit))?).ok();
            let (hour, minute) = (number([h1, h2])?, number([m1, m2])?);
            let time = date(day)?.to_datetime(jiff::civil::Time::new(hour, minute, 0, 0).ok()?);
            TimeZone::UTC.to_timestamp(time).ok().map(Slot)
        };
        read().ok_or_else(|| SlotError(text.to_owned()))
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

    fn wrong(text: &str) -> ScheduleWrong {
        text.parse::<Schedule>().unwrap_err().why
    }

    fn slot_of(schedule: &str, now: &str) -> String {
        schedule.parse::<Schedule>().unwrap().slot_at(now.parse().unwrap()).to_string()
    }

    fn next_of(schedule: &str, now: &str) -> Vec<String> {
        let schedule: Schedule = schedule.parse().unwrap();
        schedule.slots_after(now.parse().unwrap()).take(3).map(|slot| slot.to_string()).collect()
    }

    #[test]
    fn the_default_is_a_schedule() {
        assert_eq!(Ok(Schedule::default()), "daily 03:00".parse());
        assert_eq!(Schedule::default().zone(), Zone::default());
    }

    #[test]
    fn a_schedule_prints_in_one_way_and_reads_back() {
        let good = [
            ("hourly", "hourly"),
            (" HOURLY  utc ", "hourly"),
            ("every 6H", "every 6h"),
            ("every 06h", "every 6h"),
            ("every 24h asia/kolkata", "every 24h Asia/Kolkata"),
            ("Daily\t23:59", "daily 23:59"),
            ("daily 03:00 UTC", "daily 03:00"),
            ("daily 03:00 Etc/UTC", "daily 03:00 Etc/UTC"),
            ("daily 03:00 EUROPE/berlin", "daily 03:00 Europe/Berlin"),
            ("weekly sun 02:00", "weekly sun 02:00"),
            ("weekly Wednesday 02:00", "weekly wed 02:00"),
            ("monthly 1 04:30", "monthly 1 04:30"),
            ("monthly 031 04:30", "monthly 31 04:30"),
            ("*/15  3-5 * * mon-fri", "*/15 3-5 * * MON-FRI"),
            ("0 3 l * *", "0 3 L * *"),
            ("0 3 * * sun#1,5l America/Santiago", "0 3 * * SUN#1,5L America/Santiago"),
            ("0 3 1,15w jan-jun/2,DEC *", "0 3 1,15W JAN-JUN/2,DEC *"),
            ("hourly;", "hourly"),
            ("daily 12:00;weekly sat 01:00 Europe/Berlin ; ", "daily 12:00; weekly sat 01:00 Europe/Berlin"),
            ("daily 12:00; daily 12:00", "daily 12:00; daily 12:00"),
        ];
        for (text, printed) in good {
            let schedule: Schedule = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((schedule.to_string().as_str(), printed.parse()), (printed, Ok(schedule)));
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_the_part_that_is() {
        let forms = [
            "",
            ";",
            "hourly;;hourly",
            "daily",
            "weekly 03:00",
            "03:00",
            "yearly 03:00",
            "@daily",
            "hourly 6",
            "0 3 * *",
            "daily 03:00 Europe/Berlin UTC",
            "0 3 * * * * UTC",
            "mon 3 * * *",
            "rate(1 day)",
            "cron(0 3 * * ? *)",
        ];
        for text in forms {
            let why = if text == "hourly 6" { ScheduleWrong::Zone } else { ScheduleWrong::Form };
            assert_eq!(wrong(text), why, "{text}");
        }
        for text in ["daily 24:00", "daily 3:00", "daily 03:60", "daily 03:00:00", "daily +3:00", "weekly sun 2am"] {
            assert_eq!(wrong(text), ScheduleWrong::Time, "{text}");
        }
        for text in ["every 5h", "every 0h", "every 6", "every h", "every 48h", "every 30m", "every +6h"] {
            assert_eq!(wrong(text), ScheduleWrong::Hours, "{text}");
        }
        for text in ["weekly 7 02:00", "weekly su 02:00", "weekly sund 02:00"] {
            assert_eq!(wrong(text), ScheduleWrong::Weekday, "{text}");
        }
        for text in ["monthly 0 04:30", "monthly 32 04:30", "monthly last 04:30", "monthly +1 04:30"] {
            assert_eq!(wrong(text), ScheduleWrong::Day, "{text}");
        }
        let long = format!("hourly {}", "Europe/".repeat(30));
        for text in [
            "hourly Berlin",
            "daily 03:00 +02:00",
            "daily 03:00 CEST",
            "hourly ../../etc/passwd",
            "hourly /etc/localtime",
            "hourly Europe/Berlin\0",
            "hourly Etc/Unknown",
            "hourly posix/UTC",
            "hourly localtime",
            "hourly :UTC",
            &long,
        ] {
            assert_eq!(wrong(text), ScheduleWrong::Zone, "{text}");
        }
        for name in ["EST", "est", "MST", "CET", "EST5EDT", "GB", "PRC", "UCT", "GMT0"] {
            assert_eq!(wrong(&format!("daily 03:00 {name}")), ScheduleWrong::Abbreviation, "{name}");
        }
        assert_eq!("daily 03:00 gmt".parse::<Schedule>().unwrap().zone().to_string(), "GMT");
        for text in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30W FEB *", "0 3 * * L"] {
            assert_eq!(wrong(text), ScheduleWrong::Never, "{text}");
        }
        let error = "hourly;  daily 3 ; x".parse::<Schedule>().unwrap_err();
        assert_eq!(error.to_string(), "\"daily 3\" is not a schedule: write the time as 03:00");
    }

    #[test]
    fn a_part_of_cron_stands_only_where_it_means_something() {
        let wrong_parts = [
            // Names are no numbers of other fields: croner took these for the 1st, for January, and for Mondays.
            ("0 3 MON * *", "\"mon\" is no day of the month"),
            ("0 3 * MON *", "\"mon\" is no month"),
            ("0 3 * * JAN", "\"jan\" is no day of the week"),
            ("0 jan * * *", "\"jan\" is no hour"),
            ("0 3 1 JAN2 *", "\"jan2\" is no month"),
            ("0 3 1SUN * *", "\"1sun\" is no day of the month"),
            ("0 3 * * SUNDAY", "\"sunday\" is no day of the week"),
            // Without any hour it never fired, and now was its slot: a snapshot at every look.
            ("0 , * * *", "\"\" is no hour"),
            ("0, 3 * * *", "\"\" is no minute"),
            ("*/15,,30 * * * *", "\"\" is no minute"),
            ("0 3 * * ,", "\"\" is no day of the week"),
            ("0 3 -5 * *", "\"\" is no day of the month"),
            // The days of AWS's own cron are a * here; croner's + is left out.
            ("0 3 ? * MON", "\"?\" is no day of the month"),
            ("0 3 1-7 * +MON", "\"+mon\" is no day of the week"),
            ("0 L * * *", "\"l\" is no hour"),
            ("0 3 L-3 * *", "Invalid start of range"),
            ("0 3 L,LW * *", "\"lw\" is no day of the month"),
            ("0 3 * * SUN#6", "Nth specifier out of bounds"),
            ("0 3 * * FRI-MON", "Range out of bounds"),
            ("60 3 * * *", "Number out of bounds"),
            ("0 24 * * *", "Number out of bounds"),
            ("0 3 * * 8", "Number out of bounds"),
            ("99999999999999999999 3 * * *", "Invalid number"),
            ("*/0 3 * * *", "Step cannot be zero"),
            ("*/70 * * * *", "a step of 70 is too large for the minute *: it would fire once each time"),
            ("*/60 * * * *", "a step of 60 is too large for the minute *: it would fire once each time"),
            ("0 0-23/24 * * *", "a step of 24 is too large for the hour 0-23: it would fire once each time"),
            ("0 8-18/20 * * *", "a step of 20 is too large for the hour 8-18: it would fire once each time"),
            ("0 3 * */12 *", "a step of 12 is too large for the month *: it would fire once each time"),
            ("0 3 * JAN-FEB/2 *", "a step of 2 is too large for the month jan-feb: it would fire once each time"),
            ("0 3 1-2-3 * *", "Invalid range syntax"),
            (
                "5/15 * * * *",
                "Invalid step syntax: single number steps like \"5/15\" are not allowed. Use \"*/15\" for wildcard steps or \
                 \"X-Y/15\" for range steps",
            ),
        ];
        for (text, why) in wrong_parts {
            assert_eq!(wrong(text), ScheduleWrong::Cron(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_day_of_a_week_has_its_names_and_numbers() {
        let same = [("0 3 * * 0", "0 3 * * 7"), ("0 3 * * SUN-SAT", "0 3 * * *"), ("0 3 * * 6-7", "0 3 * * SAT-SUN")];
        for (one, other) in
            same.into_iter().chain([("0 3 * * 1", "weekly mon 03:00"), ("0 3 * * 6", "weekly sat 03:00")])
        {
            let now = "2026-11-22T04:00:00Z";
            assert_eq!((slot_of(one, now), next_of(one, now)), (slot_of(other, now), next_of(other, now)), "{one}");
        }
    }

    #[test]
    fn the_slot_is_the_last_time_not_after_now() {
        let slots = [
            ("daily 03:00", "2026-11-22T03:00:00Z", "2026-11-22T03:00Z"),
            ("daily 03:00", "2026-11-22T02:59:59.999999999Z", "2026-11-21T03:00Z"),
            ("daily 03:00", "2026-11-22T23:59:59Z", "2026-11-22T03:00Z"),
            ("daily 23:45", "2027-01-01T00:00:00Z", "2026-12-31T23:45Z"),
            ("daily 00:00", "2028-02-29T00:00:01Z", "2028-02-29T00:00Z"),
            ("daily 03:00 Asia/Kolkata", "2026-11-22T00:00:00Z", "2026-11-21T21:30Z"),
            ("hourly Asia/Kolkata", "2026-11-22T00:00:00Z", "2026-11-21T23:30Z"),
            ("every 6h Europe/Berlin", "2026-11-22T04:59:59Z", "2026-11-21T23:00Z"),
            ("weekly sun 02:00", "2026-11-22T01:59:59Z", "2026-11-15T02:00Z"),
            ("monthly 31 04:30", "2027-03-01T00:00:00Z", "2027-02-28T04:30Z"),
            ("monthly 29 04:30", "2028-03-01T00:00:00Z", "2028-02-29T04:30Z"),
            ("0 0 29 2 *", "2027-11-22T00:00:00Z", "2024-02-29T00:00Z"),
            // Of several the last one.
            ("daily 12:00; weekly sat 13:00; monthly 1 00:00", "2026-11-22T04:00:00Z", "2026-11-21T13:00Z"),
            // The first of what is repeated; right before an hour comes again it is not there yet.
            ("daily 02:30 Europe/Berlin", "2027-10-31T01:45:00Z", "2027-10-31T00:30Z"),
            ("hourly Europe/Berlin", "2027-10-31T00:59:59.999999999Z", "2027-10-31T00:00Z"),
            ("weekly sun 02:30 Europe/Berlin", "2027-10-31T01:10:00Z", "2027-10-31T00:30Z"),
            // Before the calendar's first year, and far after its last.
            ("daily 03:00 Europe/Berlin", "-009999-01-02T01:59:59Z", "-9999-01-02T01:59Z"),
            ("0 0 29 2 * Europe/Berlin", "9999-12-30T22:00:00Z", "4996-02-28T23:00Z"),
        ];
        for (schedule, now, slot) in slots {
            assert_eq!(slot_of(schedule, now), slot, "{schedule} at {now}");
        }
    }

    #[test]
    fn the_next_slots_follow_from_any_time() {
        let next = [
            ("daily 03:00", "2026-11-22T03:00:00Z", ["2026-11-23T03:00Z", "2026-11-24T03:00Z", "2026-11-25T03:00Z"]),
            (
                "daily 03:00; 0 15 * * *",
                "2026-11-22T03:00:00Z",
                ["2026-11-22T15:00Z", "2026-11-23T03:00Z", "2026-11-23T15:00Z"],
            ),
            ("every 8h", "2026-11-21T23:59:59.5Z", ["2026-11-22T00:00Z", "2026-11-22T08:00Z", "2026-11-22T16:00Z"]),
            (
                "monthly 30 00:00",
                "2026-12-30T00:00:00Z",
                ["2027-01-30T00:00Z", "2027-02-28T00:00Z", "2027-03-30T00:00Z"],
            ),
            ("0 0 * 2 FRI#5", "2026-11-22T00:00:00Z", ["2036-02-29T00:00Z", "2064-02-29T00:00Z", "2092-02-29T00:00Z"]),
            // Begun within the second of two equal hours: a day's time was in the first, a * is in both.
            (
                "daily 02:30 Europe/Berlin",
                "2027-10-31T01:10:00Z",
                ["2027-11-01T01:30Z", "2027-11-02T01:30Z", "2027-11-03T01:30Z"],
            ),
            (
                "*/40 2 * * * Europe/Berlin",
                "2027-10-31T00:50:00Z",
                ["2027-10-31T01:00Z", "2027-10-31T01:40Z", "2027-11-01T01:00Z"],
            ),
            // A * once a year, and once more in the hour that comes again.
            (
                "*/40 2 31 10 * Europe/Berlin",
                "2027-10-31T00:50:00Z",
                ["2027-10-31T01:00Z", "2027-10-31T01:40Z", "2028-10-31T01:00Z"],
            ),
        ];
        for (schedule, now, slots) in next {
            assert_eq!(next_of(schedule, now), slots, "{schedule} after {now}");
        }
        assert_eq!(next_of("daily 03:00", "9999-12-30T00:00:00Z"), [""; 0]);
    }

    #[test]
    fn a_change_that_jiff_leaves_out_is_found() {
        // The clock went back on 2019-01-20 at 02:00, between two Novembers.
        let weekly = "weekly sun 00:00 America/Metlakatla";
        for now in ["2019-01-20T08:30:00Z", "2019-01-20T10:30:00Z", "2019-01-21T00:00:00Z", "2019-01-27T08:59:00Z"] {
            assert_eq!(slot_of(weekly, now), "2019-01-20T08:00Z", "{now}");
        }
    }

    #[test]
    fn the_first_zone_counts_the_days() {
        for (text, zone) in
            [("daily 03:00 asia/tokyo; hourly", "Asia/Tokyo"), ("hourly; daily 03:00 Asia/Tokyo", "UTC")]
        {
            let schedule: Schedule = text.parse().unwrap();
            assert_eq!((schedule.zone().to_string(), schedule.zone()), (zone.to_owned(), zone.parse().unwrap()));
        }
        for name in Zone::names().iter().filter(|name| *name != "Etc/Unknown") {
            assert_eq!(name.parse::<Zone>().unwrap().to_string(), *name);
        }
    }

    #[test]
    fn a_slot_reads_back_what_it_prints_and_refuses_the_rest() {
        assert_eq!("2026-11-22T03:00Z".parse::<Slot>().unwrap().to_string(), "2026-11-22T03:00Z");
        for bad in ["2026-11-22", "2026-11-22T03:00:00Z", "2026-11-22T03:00", "2026-13-22T03:00Z", "now", ""] {
            assert_eq!(bad.parse::<Slot>(), Err(SlotError(bad.to_owned())));
        }
    }

    /// A text of 256 characters, a tag's most, holds 19 such parts; reading one walks 28 years of days at most, and a
    /// look at it the changes of its zone's clock that are near to a time.
    #[test]
    fn patterns_that_come_once_in_a_generation_are_walked_at_once() {
        let rare = ["0 0 * 2 FRI#5"; 18].join(";") + " Europe/Berlin";
        assert_eq!(slot_of(&rare, "9999-12-30T00:00:00Z"), "4988-02-29T00:00Z");
        assert_eq!(next_of(&rare, "0001-01-01T00:00:00Z").len(), 3);
    }
}
