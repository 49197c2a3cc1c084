//! What a schedule, a slot and an approval owe to any text.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::approval::{Approval, ApprovalError, Approved};
use snapwarden_core::policy::{Config, InstancePolicy, Origin, SlotChoice};
use snapwarden_core::retention::{Retention, RetentionError};
use snapwarden_core::schedule::{Schedule, ScheduleError, Slot, SlotError};
use snapwarden_core::tags::key;

use crate::common::{HOME, NOW, region, time, world};

/// Any time that EC2 may say, and the ends of the calendar.
const NOWS: [&str; 7] = [
    "-009999-01-02T01:59:59Z",
    "0000-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "2026-11-22T02:59:59.999999999Z",
    "2028-02-29T23:59:59Z",
    "2028-03-01T00:00:00Z",
    "9999-12-30T22:00:00.999999999Z",
];

/// What holds of `text` where a schedule, a slot or an approval is wanted.
pub(crate) fn holds(text: &str) {
    a_schedule_prints_as_it_was_read(text);
    an_unreadable_schedule_is_the_default_and_said(text);
    a_slot_prints_as_it_was_read(text);
    a_record_prints_as_it_was_read(text);
    an_approval_prints_as_it_was_read(text);
}

/// `daily HH:MM` by its letters.
fn daily(text: &str) -> Option<(i8, i8)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [daily, time] = words[..] else { return None };
    let shape = |(place, c): (usize, char)| if place == 2 { c == ':' } else { c.is_ascii_digit() };
    if !daily.eq_ignore_ascii_case("daily") || time.len() != 5 || !time.chars().enumerate().all(shape) {
        return None;
    }
    let (hour, minute) = (time[..2].parse().unwrap(), time[3..].parse().unwrap());
    (hour < 24 && minute < 60).then_some((hour, minute))
}

/// By its first word, and how many words may be with it.
fn may_be_a_part(part: &str) -> bool {
    let words: Vec<_> = part.split_whitespace().map(str::to_ascii_lowercase).collect();
    let Some(first) = words.first() else { return false };
    let own = match first.as_str() {
        "hourly" => 1,
        "every" | "daily" => 2,
        "weekly" | "monthly" => 3,
        cron => return cron.starts_with(|c: char| c.is_ascii_digit() || c == '*') && (5..=6).contains(&words.len()),
    };
    words.len() == own || words.len() == own + 1
}

fn a_schedule_prints_as_it_was_read(text: &str) {
    let parts = || text.trim().strip_suffix(';').unwrap_or(text.trim()).split(';');
    let schedule = match text.parse::<Schedule>() {
        Ok(schedule) => schedule,
        Err(ScheduleError { text: part, .. }) => {
            assert!(parts().any(|written| written.trim() == part), "{part:?} of {text:?}");
            assert_eq!(daily(text), None);
            return;
        }
    };
    assert!(parts().all(may_be_a_part), "{text:?} is read as {schedule}");
    let printed = schedule.to_string();
    assert_eq!((printed.parse(), printed.split(';').count()), (Ok(schedule.clone()), parts().count()));
    NOWS.into_iter().for_each(|now| a_slot_is_the_last_time_not_after_now(&schedule, time(now)));
    if let Some((hour, minute)) = daily(text) {
        assert_eq!(printed, format!("daily {hour:02}:{minute:02}"));
        let at = schedule.slot_at(time(NOW)).time().to_zoned(TimeZone::UTC).time();
        assert_eq!(at, Time::constant(hour, minute, 0, 0));
    }
}

fn a_slot_is_the_last_time_not_after_now(schedule: &Schedule, now: Timestamp) {
    let slot = schedule.slot_at(now).time();
    assert!(slot <= now, "{schedule} at {now}: {slot}");
    let Some(next) = schedule.slot_after(now) else { return };
    // Clocks went by seconds once, in Monrovia until 1972; a slot is a minute.
    if now.to_zoned(TimeZone::UTC).year() > 1972 {
        assert!(next.time() > now, "{schedule} at {now}: {next}");
        assert_eq!(schedule.slot_at(next.time()), next, "{schedule}");
        // None between the two.
        let before = next.time().checked_sub(SignedDuration::from_nanos(1)).unwrap();
        assert_eq!(
            (schedule.slot_at(before).time(), schedule.slot_after(slot)),
            (slot, Some(next)),
            "{schedule} at {now}"
        );
    }
}

fn an_unreadable_schedule_is_the_default_and_said(text: &str) {
    let account = world(NOW).server("i-1", &[(key::BACKUP_SCHEDULE, text)], "vol-1").inventory;
    let instance = &account.regions[&region(HOME)].instances.items()[0];
    let policy = InstancePolicy::of(instance, &region(HOME), &account, &Config::default());
    let findings = policy.findings(&region(HOME), "i-1");
    match text.parse::<Schedule>() {
        Ok(schedule) => {
            assert_eq!((policy.schedule.value, policy.schedule.origin), (schedule, Origin::Tag));
            assert_eq!(findings, []);
        }
        Err(_) => {
            let origin = Origin::Unreadable(text.trim().to_owned());
            assert_eq!((policy.schedule.value, policy.schedule.origin), (Schedule::default(), origin));
            assert_eq!(findings.len(), 1);
            assert!(!findings[0].to_string().contains(char::is_control), "{}", findings[0]);
        }
    }
}

/// A record of retention is read as it is written and in no other way.
fn a_record_prints_as_it_was_read(text: &str) {
    match text.parse::<Retention>() {
        Ok(retention) => {
            assert_eq!(retention.to_string(), text);
            assert!(retention.own.days > 0 && retention.copies.is_none_or(|copies| copies.days > 0), "{text:?}");
        }
        Err(error) => assert_eq!(error, RetentionError(text.to_owned())),
    }
}

fn a_slot_prints_as_it_was_read(text: &str) {
    match text.parse::<Slot>() {
        Ok(slot) => {
            assert_eq!((slot.to_string().as_str(), Slot::containing(slot.time())), (text, slot));
            assert_eq!(text.parse(), Ok(SlotChoice::At(slot)));
        }
        Err(error) => {
            assert_eq!(error, SlotError(text.to_owned()));
            assert_eq!(text.parse::<SlotChoice>().is_ok(), text == "now");
        }
    }
}

fn an_approval_prints_as_it_was_read(text: &str) {
    match text.parse::<Approval>() {
        Ok(approval) => {
            let [what, day, count] = text.split(':').collect::<Vec<_>>()[..] else { panic!("{text:?}") };
            assert_eq!((approval.what.to_string().as_str(), approval.day.to_string().as_str()), (what, day));
            assert_eq!(matches!(approval.what, Approved::Instance(_)), what.starts_with("i-"), "{text:?}");
            assert_eq!(Some(approval.count), count.parse().ok());
            assert!(count.bytes().all(|b| b.is_ascii_digit()), "{text:?}");
        }
        Err(error) => assert_eq!(error, ApprovalError(text.to_owned())),
    }
}
