//! What a schedule, a slot and an approval owe to any text.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::approval::{Approval, ApprovalError};
use snapwarden_core::policy::{Config, InstancePolicy, Origin, SlotChoice};
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
    a_schedule_is_two_words(text);
    an_unreadable_schedule_is_the_default_and_said(text);
    a_slot_prints_as_it_was_read(text);
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

fn a_schedule_is_two_words(text: &str) {
    let expected = daily(text).map(|(hour, minute)| Schedule::Daily { hour, minute });
    let read = text.parse::<Schedule>();
    assert_eq!(read, expected.clone().ok_or_else(|| ScheduleError(text.to_owned())));
    let Some(schedule) = expected else { return };
    assert_eq!(schedule.to_string().parse(), Ok(schedule.clone()));
    NOWS.into_iter().for_each(|now| a_slot_is_the_last_time_not_after_now(&schedule, time(now)));
}

fn a_slot_is_the_last_time_not_after_now(schedule: &Schedule, now: Timestamp) {
    let Schedule::Daily { hour, minute } = *schedule;
    let slot = schedule.slot_at(now).time();
    assert!(slot <= now, "{schedule} at {now}: {slot}");
    // Where a day is not whole in the calendar, now itself is the slot.
    let from_an_end = now.duration_since(Timestamp::MIN).min(Timestamp::MAX.duration_since(now));
    if from_an_end > SignedDuration::from_hours(48) {
        let is_today = now.duration_since(slot) < SignedDuration::from_hours(24);
        let at = slot.to_zoned(TimeZone::UTC).time();
        assert!(is_today && at == Time::constant(hour, minute, 0, 0), "{schedule} at {now}: {slot}");
    }
}

fn an_unreadable_schedule_is_the_default_and_said(text: &str) {
    let account = world(NOW).server("i-1", &[(key::BACKUP_SCHEDULE, text)], "vol-1").inventory;
    let instance = &account.regions[&region(HOME)].instances.items()[0];
    let policy = InstancePolicy::of(instance, &region(HOME), &account, &Config::default());
    let findings = policy.findings(&region(HOME), "i-1");
    match daily(text) {
        Some((hour, minute)) => {
            assert_eq!(
                (policy.schedule.value, policy.schedule.origin),
                (Schedule::Daily { hour, minute }, Origin::Tag)
            );
            assert_eq!(findings, []);
        }
        None => {
            let origin = Origin::Unreadable(text.trim().to_owned());
            assert_eq!((policy.schedule.value, policy.schedule.origin), (Schedule::DEFAULT, origin));
            assert_eq!(findings.len(), 1);
            assert!(!findings[0].to_string().contains(char::is_control), "{}", findings[0]);
        }
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
            let [region, day, count] = text.split(':').collect::<Vec<_>>()[..] else { panic!("{text:?}") };
            assert_eq!((approval.region.as_str(), approval.day.to_string().as_str()), (region, day));
            assert_eq!(Some(approval.count), count.parse().ok());
            assert!(count.bytes().all(|b| b.is_ascii_digit()), "{text:?}");
        }
        Err(error) => assert_eq!(error, ApprovalError(text.to_owned())),
    }
}
