//! Tiers: an oracle written apart, golden histories, and two simulated years of the manager's planner per policy.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use common::*;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan, Unit};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use snapwarden_core::decision::{Act, Reason, Subject};
use snapwarden_core::retention::Tiers;
use snapwarden_core::retention::Wanted;
use snapwarden_core::retention::tiers::{Newest, Period, Point, Said, Tier, TierVerdict, judge};
use snapwarden_core::schedule::Zone;

fn point(n: usize, time: Timestamp) -> Point {
    let snapshot = snapshot_id(&format!("snap-{n}"));
    Point { time, of_it: vec![snapshot.clone()], snapshot }
}

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn local_date(time: Timestamp, zone: &Zone) -> Date {
    time.to_zoned(zone.time_zone().clone()).date()
}

/// The Monday of a day's week.
fn monday(date: Date) -> Date {
    date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
}

/// The first day of the period that a day lies in.
type FirstDay = fn(Date) -> Date;

/// The tiers in the words of the documents: of the newest N periods that have a snapshot, the first snapshot of each.
/// Periods are named by their first day.
fn wanted_by_the_documents(tiers: Tiers, zone: &Zone, times: &[Timestamp]) -> BTreeSet<Timestamp> {
    let mut wanted: BTreeSet<_> = times.iter().rev().take(tiers.last as usize).copied().collect();
    let first_days: [FirstDay; 3] = [monday, Date::first_of_month, Date::first_of_year];
    for (first_day, count) in first_days.into_iter().zip([tiers.weeks, tiers.months, tiers.years]) {
        let mut firsts: BTreeMap<Date, Timestamp> = BTreeMap::new();
        for time in times {
            let first = firsts.entry(first_day(local_date(*time, zone))).or_insert(*time);
            *first = (*first).min(*time);
        }
        wanted.extend(firsts.into_values().rev().take(count as usize));
    }
    wanted
}

#[test]
fn a_moment_lies_in_a_week_a_month_and_a_year_as_its_zone_has_them() {
    let periods = |name: &str| {
        let period = |tier| Period::of(tier, "2027-01-03T20:30:00Z".parse().unwrap(), &zone(name));
        Tier::ALL.map(|tier| period(tier).map_or_else(|| "none".to_owned(), |period| period.to_string()))
    };
    assert_eq!(periods("UTC"), ["2026-W53", "2027-01", "2027", "none"], "a Sunday");
    assert_eq!(periods("Pacific/Auckland"), ["2027-W01", "2027-01", "2027", "none"], "Monday there");
}

const ZONES: &[&str] = &["UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns"];

fn tiers() -> impl Strategy<Value = Tiers> {
    let few = || prop_oneof![2 => Just(0), 3 => 1..6_u32, 1 => 6..60_u32];
    (few(), few(), prop_oneof![2 => Just(0), 1 => 1..4_u32], few()).prop_map(|(weeks, months, years, last)| Tiers {
        weeks,
        months,
        years,
        last,
    })
}

/// Up to four years of times, dense or sparse, some of them on the turn of a year, all different.
fn times() -> impl Strategy<Value = Vec<Timestamp>> {
    let hours = prop_oneof![3 => 0..24 * 60_i64, 2 => 0..24 * 365 * 4_i64, 1 => 8_700..8_800_i64];
    prop::collection::btree_set(hours, 0..80).prop_map(|hours| {
        let start = time("2025-12-28T00:00:00Z");
        hours.into_iter().map(|hours| start + SignedDuration::from_hours(hours)).collect()
    })
}

fn config() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(20_261_122);
    ProptestConfig { cases: 2_000, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn tiers_want_what_the_documents_say_and_every_tier_says_something_of_every_point(
        tiers in tiers(), times in times(), name in select(ZONES),
    ) {
        let zone = zone(name);
        let history: Vec<_> = times.iter().enumerate().map(|(n, time)| point(n, *time)).collect();
        let answers = judge(tiers, &zone, &history, Newest::WithSnapshot);
        let wanted: BTreeSet<_> = history
            .iter()
            .zip(&answers)
            .filter(|(_, said)| said.iter().any(|said| said.wants()))
            .map(|(point, _)| point.time)
            .collect();
        prop_assert_eq!(wanted, wanted_by_the_documents(tiers, &zone, &times));
        let asked = [tiers.weeks, tiers.months, tiers.years, tiers.last].iter().filter(|count| **count > 0).count();
        prop_assert!(answers.iter().all(|said| said.len() == asked));
    }

    #[test]
    fn one_snapshot_more_at_the_end_never_brings_an_older_one_back(
        tiers in tiers(), mut times in times(), name in select(ZONES), hours in 1..2_000_i64,
    ) {
        let zone = zone(name);
        let before = wanted_by(tiers, &zone, &times);
        let older: BTreeSet<_> = times.iter().copied().collect();
        let last = times.last().copied().unwrap_or(time(NOW));
        times.push(last + SignedDuration::from_hours(hours));
        let after: BTreeSet<_> = wanted_by(tiers, &zone, &times).intersection(&older).copied().collect();
        prop_assert!(after.is_subset(&before), "{:?}", after.difference(&before));
    }
}

fn wanted_by(tiers: Tiers, zone: &Zone, times: &[Timestamp]) -> BTreeSet<Timestamp> {
    let history: Vec<_> = times.iter().enumerate().map(|(n, time)| point(n, *time)).collect();
    let answers = judge(tiers, zone, &history, Newest::WithSnapshot);
    let wanted = |(point, said): (Point, Vec<Said>)| said.iter().any(|said| said.wants()).then_some(point.time);
    history.into_iter().zip(answers).filter_map(wanted).collect()
}

/// The same in a closed history: of the newest N periods of the calendar, up to today's, the first snapshot of each.
fn wanted_by_the_documents_when_closed(
    tiers: Tiers,
    zone: &Zone,
    times: &[Timestamp],
    now: Timestamp,
) -> BTreeSet<Timestamp> {
    let today = local_date(now, zone);
    let earlier: [fn(Date) -> Date; 3] = [
        |first| first.saturating_sub(7.days()),
        |first| first.saturating_sub(1.month()),
        |first| first.saturating_sub(1.year()),
    ];
    let first_days: [FirstDay; 3] = [monday, Date::first_of_month, Date::first_of_year];
    let mut wanted = BTreeSet::new();
    for ((first_day, earlier), count) in
        first_days.into_iter().zip(earlier).zip([tiers.weeks, tiers.months, tiers.years])
    {
        let mut oldest = first_day(today);
        (1..count).for_each(|_| oldest = earlier(oldest));
        let mut firsts: BTreeMap<Date, Timestamp> = BTreeMap::new();
        for time in times {
            let first = firsts.entry(first_day(local_date(*time, zone))).or_insert(*time);
            *first = (*first).min(*time);
        }
        wanted.extend(firsts.into_iter().filter(|(day, _)| count > 0 && *day >= oldest).map(|(_, time)| time));
    }
    wanted
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn tiers_of_a_closed_history_want_what_the_documents_say_and_end(
        tiers in tiers(), times in times(), name in select(ZONES), hours in -2_000..40_000_i64, later in 0..9_000_i64,
    ) {
        let zone = zone(name);
        let history: Vec<_> = times.iter().enumerate().map(|(n, time)| point(n, *time)).collect();
        let wanted = |now: Timestamp| -> BTreeSet<Timestamp> {
            let answers = judge(tiers, &zone, &history, Newest::OfCalendar(now));
            let wants = history.iter().zip(&answers).filter(|(_, said)| said.iter().any(Said::wants));
            wants.map(|(point, _)| point.time).collect()
        };
        let now = time("2025-12-28T00:00:00Z") + SignedDuration::from_hours(hours);
        prop_assert_eq!(wanted(now), wanted_by_the_documents_when_closed(tiers, &zone, &times, now));
        prop_assert!(wanted(now + SignedDuration::from_hours(later)).is_subset(&wanted(now)), "it only ever ends");
        prop_assert_eq!(wanted(time("2200-01-01T00:00:00Z")), BTreeSet::new());
    }

    #[test]
    fn an_open_history_keeps_all_that_a_closed_one_does(tiers in tiers(), times in times(), name in select(ZONES)) {
        let zone = zone(name);
        let history: Vec<_> = times.iter().enumerate().map(|(n, time)| point(n, *time)).collect();
        let now = times.last().copied().unwrap_or(time(NOW));
        let closed = judge(tiers, &zone, &history, Newest::OfCalendar(now));
        let open = judge(tiers, &zone, &history, Newest::WithSnapshot);
        for (open, closed) in open.iter().zip(&closed) {
            prop_assert!(!closed.iter().any(Said::wants) || open.iter().any(Said::wants));
        }
    }
}

#[test]
fn in_a_closed_history_what_lies_in_the_future_is_of_todays_period_and_the_newest_end_at_once() {
    let history = [point(1, time("2026-11-02T03:00:00Z")), point(2, time("2031-05-01T03:00:00Z"))];
    let newest = Newest::OfCalendar(time(NOW));
    let said = judge(Tiers { weeks: 3, last: 9, ..Tiers::default() }, &Zone::default(), &history, newest);
    let words: Vec<Vec<_>> = said.iter().map(|said| said.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(words, [["first of week 2026-W45 (3 of 3)"], ["first of week 2031-W18 (1 of 3)"]]);
    let said = judge(Tiers { weeks: 2, ..Tiers::default() }, &Zone::default(), &history, newest);
    assert_eq!(said[0][0].verdict, TierVerdict::Past);
    assert_eq!(said[0][0].to_string(), "week 2026-W45 is past the newest 2");
}

#[test]
fn the_sentences_of_tiers() {
    let history: Vec<_> = ["2026-10-30", "2026-11-16", "2026-11-17", "2026-11-22"]
        .iter()
        .enumerate()
        .map(|(n, day)| point(n, time(&format!("{day}T03:00:00Z"))))
        .collect();
    let said =
        judge(Tiers { weeks: 1, months: 2, years: 1, last: 1 }, &Zone::default(), &history, Newest::WithSnapshot);
    let words = |n: usize| said[n].iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        words(0),
        [
            "week 2026-W44 is past the newest 1",
            "first of month 2026-10 (2 of 2)",
            "first of year 2026 (1 of 1)",
            "not among the newest 1"
        ]
    );
    assert_eq!(words(1)[..2], ["first of week 2026-W47 (1 of 1)", "first of month 2026-11 (1 of 2)"]);
    assert_eq!(words(2)[0], "snap-1 is the first of week 2026-W47");
    assert_eq!(words(3)[3], "1 of the newest 1");
}

// Two years of the manager, a day at a time.

/// A policy, how often a snapshot is made, and what goes wrong.
struct Case {
    name: &'static str,
    tags: Pairs<'static>,
    record: &'static str,
    every_hours: i64,
    /// Whether the snapshot of this day and hour of the two years is made, fails, or is not made at all.
    made: fn(i64, i64) -> Made,
}

#[derive(PartialEq)]
enum Made {
    Good,
    Failed,
    Not,
}

const CASES: &[Case] = &[
    Case {
        name: "days-7",
        tags: &[("RetentionDays", "7")],
        record: "days=7",
        every_hours: 24,
        made: |_, _| Made::Good,
    },
    Case {
        name: "days-7-weeks-4-months-12-years-3",
        tags: &[("RetentionWeeks", "4"), ("RetentionMonths", "12"), ("RetentionYears", "3")],
        record: "days=7 weeks=4 months=12 years=3",
        every_hours: 24,
        made: |_, _| Made::Good,
    },
    Case {
        name: "outage-of-ten-weeks",
        tags: &[("RetentionDays", "3"), ("RetentionWeeks", "6"), ("RetentionMonths", "4")],
        record: "days=3 weeks=6 months=4",
        every_hours: 24,
        made: |day, _| if (200..270).contains(&day) { Made::Not } else { Made::Good },
    },
    Case {
        name: "every-third-fails",
        tags: &[("RetentionDays", "2"), ("RetentionWeeks", "8"), ("KeepLast", "5")],
        record: "days=2 weeks=8 last=5",
        every_hours: 24,
        made: |day, _| if day % 3 == 0 { Made::Failed } else { Made::Good },
    },
    Case {
        name: "every-6h-in-berlin",
        tags: &[
            ("RetentionDays", "1"),
            ("RetentionWeeks", "3"),
            ("RetentionMonths", "6"),
            ("BackupSchedule", "every 6h Europe/Berlin"),
        ],
        record: "days=1 weeks=3 months=6 zone=Europe/Berlin",
        every_hours: 6,
        made: |day, hour| if day % 11 == 5 && hour != 12 { Made::Failed } else { Made::Good },
    },
    Case {
        name: "keep-last-10",
        tags: &[("RetentionDays", "1"), ("KeepLast", "10")],
        record: "days=1 last=10",
        every_hours: 48,
        made: |_, _| Made::Good,
    },
];

const YEARS_BEGIN: &str = "2026-01-01T03:00:00Z";

/// Lives through two years: after each day's snapshot the manager deletes what it plans. `look` sees each day's plan and
/// what has completed so far, deleted or not.
fn live(case: &Case, mut look: impl FnMut(i64, &snapwarden_core::decision::Plan, &[Timestamp], &World)) -> World {
    let mut account = world(YEARS_BEGIN).server("i-1", case.tags, "vol-1");
    let mut ever = Vec::new();
    let days = case.record.split(['=', ' ']).nth(1).map_or(7, |days| days.parse::<i64>().unwrap());
    for day in 0..730 {
        for hour in (0..24).step_by(usize::try_from(case.every_hours.min(24)).unwrap()) {
            let at = time(YEARS_BEGIN) + SignedDuration::from_hours(day * 24 + hour);
            let is_slot = (day * 24 + hour) % case.every_hours == 0;
            let made = (case.made)(day, hour);
            if !is_slot || made == Made::Not {
                continue;
            }
            let text = at.strftime("%Y-%m-%dT%H:%M:00Z").to_string();
            let created = text[..10].to_owned();
            let delete_on = date(&created).saturating_add(days.days()).to_string();
            let mut snap = ours(&format!("snap-{day}-{hour}"), "vol-1", &created, &delete_on).at(&text);
            snap = snap.tag("snapwarden:slot", &format!("{}Z", &text[..16]));
            snap = snap.tag("snapwarden:retention", case.record);
            if made == Made::Failed {
                snap = snap.failed("Internal error");
            } else {
                ever.push(at);
            }
            account = account.region(HOME).snapshot(snap);
        }
        account.inventory.taken_at = time(YEARS_BEGIN) + SignedDuration::from_hours(day * 24 + 23);
        let plan = account.expire();
        assert_eq!(snapwarden_core::check::check(&plan, &account.inventory, &Default::default()), [], "{}", case.name);
        look(day, &plan, &ever, &account);
        let gone: BTreeSet<_> = deleted(&plan).into_iter().collect();
        account = account.without_snapshots(|id| gone.contains(id));
    }
    account
}

fn exists(account: &World) -> BTreeSet<Timestamp> {
    let completed = account.inventory.snapshots().filter(|(_, snapshot)| snapshot.is_completed());
    completed.map(|(_, snapshot)| snapshot.start_time).collect()
}

fn numbers(record: &str) -> Tiers {
    let number = |name: &str| {
        let word = record.split(' ').find_map(|word| word.strip_prefix(name));
        word.map_or(0, |number| number.parse().unwrap())
    };
    Tiers { weeks: number("weeks="), months: number("months="), years: number("years="), last: number("last=") }
}

#[test]
fn with_no_change_of_policy_nothing_that_a_later_day_needs_was_deleted_on_an_earlier_one() {
    for case in CASES {
        let zone = zone(case.record.split("zone=").nth(1).unwrap_or("UTC"));
        let tiers = numbers(case.record);
        live(case, |day, _, ever, account| {
            // All that the documents want of everything that ever completed, as if nothing had ever been deleted.
            let wanted = wanted_by_the_documents(tiers, &zone, ever);
            let exists = exists(account);
            let missing: Vec<_> = wanted.difference(&exists).collect();
            assert!(missing.is_empty(), "{} on day {day}: {missing:?} was deleted and is needed", case.name);
        });
    }
}

#[test]
fn what_stays_is_wanted_by_something_and_says_by_what() {
    for case in CASES {
        live(case, |day, plan, _, _| {
            for decision in plan.decisions.iter().filter(|decision| decision.act == Act::Keep) {
                let is_promised = matches!(
                    decision.reason,
                    Reason::NotDue { .. }
                        | Reason::LastGood { .. }
                        | Reason::FailureMemory { .. }
                        | Reason::KeptAsEvidence { .. }
                        | Reason::KeptByPolicy { wanted: Wanted::Days(_), .. }
                );
                let is_kept_for = is_promised || decision.reason.said().iter().any(|said| said.wants());
                assert!(is_kept_for, "{} on day {day}: {decision:?}", case.name);
            }
        });
    }
}

/// What exists after two years, and the reason for each: one golden file a policy.
#[test]
fn after_two_years_what_is_kept_and_why_is_as_recorded() {
    for case in CASES {
        let account = live(case, |_, _, _, _| {});
        let plan = account.expire();
        let mut text =
            format!("{}\nmade every {} h from {YEARS_BEGIN} for two years\n\n", case.record, case.every_hours);
        let mut rows: Vec<_> = plan
            .decisions
            .iter()
            .map(|decision| {
                let Subject::Snapshot(id) = &decision.subject else { panic!("{decision:?}") };
                let made = account.inventory.snapshots().find(|(_, s)| s.id == **id).unwrap().1.start_time;
                (made, decision)
            })
            .collect();
        rows.sort_by_key(|(made, _)| *made);
        for (made, decision) in rows {
            let minute = made.round(Unit::Minute).unwrap().strftime("%Y-%m-%dT%H:%MZ");
            writeln!(text, "{minute}  {:6}  {}", decision.act.as_str(), decision.reason).unwrap();
        }
        golden(case.name, &text);
    }
}

/// Compares with a file of tests/tiers, or with UPDATE=1 in the environment writes it.
fn golden(name: &str, text: &str) {
    let file = format!("{}/tests/tiers/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(recorded == text, "{file} differs; UPDATE=1 writes it anew. It is now:\n{text}");
}
