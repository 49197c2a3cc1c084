//! The preview: what policies keep over two years, and that it says what the real planners do, day by day.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::*;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use snapwarden_core::approval::{Approval, Approved};
use snapwarden_core::decision::Act;
use snapwarden_core::inventory::{Inventory, Read};
use snapwarden_core::policy::Config;
use snapwarden_core::preview::{Counts, History, Moment, Preview, Rules, Why, day_of, history, moved};

/// What the tags of an instance ask for.
fn rules(tagged: Pairs<'_>) -> Rules {
    let server = world(NOW).server("i-1", tagged, "vol-1");
    rules_in(&server.inventory, &Config::default())
}

fn rules_in(inventory: &Inventory, config: &Config) -> Rules {
    let instance = &inventory.regions[&region(HOME)].instances.items()[0];
    Rules::of(&instance.tags, false, config)
}

fn two_years() -> Date {
    day_of(time(NOW)) + 2.years()
}

fn preview(tagged: Pairs<'_>, history: &History) -> Preview {
    Preview::of(&rules(tagged), history, time(NOW), two_years())
}

/// The dates of the table, each with all, those by days, weeks, months, years and last, the others, and the oldest.
fn table(preview: &Preview) -> Vec<String> {
    let today = day_of(time(NOW));
    let after = [0.days(), 1.week(), 1.month(), 6.months(), 1.year(), 2.years()];
    let line = |day: Date| {
        let Counts { total, days, weeks, months, years, last, others, oldest } = Counts::of(&preview.on(day));
        let oldest = oldest.map_or("-".to_owned(), |day| day.to_string());
        format!("{day}: {total} = {days}d {weeks}w {months}m {years}y {last}l {others}o, {oldest}")
    };
    after.into_iter().map(|span| line(today + span)).collect()
}

#[test]
fn seven_days_alone() {
    // At the end of a day the eighth is gone. The first look makes up for the slot that has begun.
    assert_eq!(
        table(&preview(&[("RetentionDays", "7")], &History::default())),
        [
            "2026-11-22: 1 = 1d 0w 0m 0y 0l 0o, 2026-11-22",
            "2026-11-29: 7 = 7d 0w 0m 0y 0l 0o, 2026-11-23",
            "2026-12-22: 7 = 7d 0w 0m 0y 0l 0o, 2026-12-16",
            "2027-05-22: 7 = 7d 0w 0m 0y 0l 0o, 2027-05-16",
            "2027-11-22: 7 = 7d 0w 0m 0y 0l 0o, 2027-11-16",
            "2028-11-22: 7 = 7d 0w 0m 0y 0l 0o, 2028-11-16",
        ]
    );
}

#[test]
fn days_weeks_months_and_years() {
    let tags = [("RetentionDays", "7"), ("RetentionWeeks", "4"), ("RetentionMonths", "12"), ("RetentionYears", "3")];
    assert_eq!(
        table(&preview(&tags, &History::default())),
        [
            "2026-11-22: 1 = 1d 1w 1m 1y 0l 0o, 2026-11-22",
            "2026-11-29: 8 = 7d 2w 1m 1y 0l 0o, 2026-11-22",
            "2026-12-22: 12 = 7d 4w 2m 1y 0l 0o, 2026-11-22",
            "2027-05-22: 17 = 7d 4w 7m 2y 0l 0o, 2026-11-22",
            "2027-11-22: 22 = 7d 4w 12m 2y 0l 0o, 2026-11-22",
            "2028-11-22: 24 = 7d 4w 12m 3y 0l 0o, 2026-11-22",
        ]
    );
}

#[test]
fn the_newest_whatever_their_age() {
    let tags = [("BackupSchedule", "monthly 1 04:00"), ("RetentionDays", "3"), ("KeepLast", "4")];
    assert_eq!(
        table(&preview(&tags, &History::default())),
        [
            "2026-11-22: 1 = 1d 0w 0m 0y 1l 0o, 2026-11-22",
            "2026-11-29: 1 = 0d 0w 0m 0y 1l 0o, 2026-11-22",
            "2026-12-22: 2 = 0d 0w 0m 0y 2l 0o, 2026-11-22",
            "2027-05-22: 4 = 0d 0w 0m 0y 4l 0o, 2027-02-01",
            "2027-11-22: 4 = 0d 0w 0m 0y 4l 0o, 2027-08-01",
            "2028-11-22: 4 = 0d 0w 0m 0y 4l 0o, 2028-08-01",
        ]
    );
}

#[test]
fn each_real_hour_and_weeks_of_berlin() {
    let tags = [("BackupSchedule", "hourly Europe/Berlin"), ("RetentionDays", "2"), ("RetentionWeeks", "3")];
    let preview = preview(&tags, &History::default());
    assert_eq!(
        table(&preview),
        [
            "2026-11-22: 20 = 20d 2w 0m 0y 0l 0o, 2026-11-22",
            "2026-11-29: 50 = 48d 3w 0m 0y 0l 0o, 2026-11-22",
            "2026-12-22: 51 = 48d 3w 0m 0y 0l 0o, 2026-12-06",
            "2027-05-22: 51 = 48d 3w 0m 0y 0l 0o, 2027-05-02",
            "2027-11-22: 50 = 48d 3w 0m 0y 0l 0o, 2027-11-07",
            "2028-11-22: 51 = 48d 3w 0m 0y 0l 0o, 2028-11-05",
        ]
    );
    // A week begins at midnight in Berlin: at 23:00 UTC of the Sunday in winter, at 22:00 in summer.
    let oldest = |day: &str| preview.on(date(day))[0].0.made.to_string();
    assert_eq!([oldest("2026-12-22"), oldest("2027-05-22")], ["2026-12-06T23:00:00Z", "2027-05-02T22:00:00Z"]);
    // The days on which the clocks move have 23 and 25 hours, in UTC as many slots as any other.
    assert_eq!(preview.moments().iter().filter(|moment| day_of(moment.made) == date("2027-03-28")).count(), 24);
}

/// A history of `vol-1` in which each day has one, kept 7 days.
fn daily(days: &[&str], record: &str) -> History {
    let snap = |day: &&str| {
        let delete_on = (date(day) + 7.days()).to_string();
        ours(&format!("snap-{}", day.replace('-', "")), "vol-1", day, &delete_on).tag("snapwarden:retention", record)
    };
    let world = world(NOW).snapshots(days.iter().map(snap));
    history(&world.inventory, &volume_id("vol-1"), None)
}

#[test]
fn an_outage_thins_nothing() {
    let tags = [("RetentionDays", "7"), ("RetentionWeeks", "3")];
    // Nothing since summer: the three weeks are those that have a snapshot.
    let history = daily(&["2026-06-01", "2026-06-02", "2026-06-08", "2026-06-15", "2026-06-22"], "days=7 weeks=3");
    let preview = preview(&tags, &history);
    let oldest = |day: &str| day_of(preview.on(date(day))[0].0.made).to_string();
    assert_eq!(Counts::of(&preview.on(date("2026-11-22"))).weeks, 3);
    assert_eq!(
        ["2026-11-22", "2026-11-23", "2026-11-30", "2026-12-07"].map(oldest),
        ["2026-06-15", "2026-06-22", "2026-11-22", "2026-11-23"]
    );
    let (moment, whys) = &preview.on(date("2026-11-22"))[0];
    assert_eq!(moment.goes, Some(date("2026-11-23")));
    assert_eq!(whys[0].to_string(), "first of week 2026-W25 (3 of 3)");
}

#[test]
fn what_keeps_a_snapshot_is_said() {
    let recorded = "days=7 weeks=3";
    let world = world(NOW).snapshots([
        ours("snap-1", "vol-1", "2026-01-05", "2026-01-12").tag("keepforever", ""),
        ours("snap-2", "vol-1", "2026-01-06", "never"),
        ours("snap-3", "vol-1", "2026-01-07", "2026-01-14").tag("snapwarden:retention", "weeks=1"),
        ours("snap-4", "vol-1", "2026-09-07", "2026-09-14").tag("snapwarden:retention", recorded),
        ours("snap-5", "vol-1", "2026-11-15", "2026-11-22"),
        ours("snap-6", "vol-1", "2026-11-20", "2026-11-27").tag("snapwarden:retention", recorded),
        ours("snap-7", "vol-1", "2026-11-19", "2026-11-26").failed("no"),
        ours("snap-8", "vol-2", "2026-11-20", "2026-11-27"),
        ours("snap-9", "vol-1", "2026-11-20", "2026-11-27").no_tag("Type"),
    ]);
    let history = history(&world.inventory, &volume_id("vol-1"), None);
    let on = |tagged: Pairs<'_>| -> Vec<String> {
        let preview = preview(tagged, &history);
        let words = |whys: Vec<Why>| whys.iter().map(Why::to_string).collect::<Vec<_>>().join("; ");
        let line = |(moment, whys): (&Moment, Vec<Why>)| format!("{}: {}", moment.snapshot, words(whys));
        preview.on(date("2026-11-22")).into_iter().map(line).collect()
    };
    let always = [
        "snap-1: KeepForever, or no DeleteOn that can be read",
        "snap-2: KeepForever, or no DeleteOn that can be read",
        "snap-3: its record of retention cannot be read",
    ];
    let promised = [
        "snap-4: promised: first of week 2026-W37 (2 of 3)",
        "snap-6: its days; promised: first of week 2026-W47 (1 of 3)",
    ];
    let made = "snap-00000000000000000: its days";
    assert_eq!(on(&[]), [&always[..], &promised, &[made]].concat());
    // What cannot be read wants nothing and takes nothing.
    assert_eq!(on(&[("KeepLast", "all")]), [&always[..], &promised, &[made]].concat());
    let both = [
        "snap-6: its days; 2 of the newest 2; promised: first of week 2026-W47 (1 of 3)",
        "snap-00000000000000000: its days; 1 of the newest 2",
    ];
    assert_eq!(on(&[("KeepLast", "2")]), [&always[..], &promised[..1], &both].concat());
    // Its days are longer now, but what was promised days alone goes by its DeleteOn.
    let longer = "snap-5: its days";
    assert!(!on(&[("RetentionDays", "30")]).contains(&longer.to_owned()));
    assert!(on(&[("RetentionDays", "30"), ("KeepLast", "1")]).iter().any(|line| line == longer));
}

#[test]
fn the_newest_of_its_volume_stays() {
    let preview = preview(&[("BackupSchedule", "monthly 1 04:00"), ("RetentionDays", "3")], &History::default());
    let on = preview.on(date("2027-01-20"));
    assert_eq!(on.len(), 1);
    assert_eq!((on[0].0.made, on[0].0.goes), (time("2027-01-01T04:00:00Z"), Some(date("2027-02-01"))));
    assert_eq!(on[0].1, [Why::Newest]);
    assert_eq!(Counts::of(&on).others, 1);
}

#[test]
fn a_shorter_retention_waits_and_an_approval_does_not() {
    let days = ["2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16", "2026-11-22"];
    let history = daily(&days, "days=7 weeks=5");
    let weeks = |weeks: &'static str| rules(&[("RetentionDays", "7"), ("RetentionWeeks", weeks)]);
    let of = |rules: &Rules| Preview::of(rules, &history, time(NOW), two_years());
    let (as_is, changed) = (of(&weeks("5")), of(&weeks("2")));
    let approved = of(&Rules { grace_days: None, ..weeks("2") });
    let moved = moved(&as_is, &changed, &approved);
    let line =
        |m: &snapwarden_core::preview::Moved<'_>| [m.as_is, m.changed, m.approved].map(|day| day.unwrap().to_string());
    assert_eq!(
        moved.iter().map(line).collect::<Vec<_>>(),
        [
            // The first snapshot under the new policy is of the 23rd: seven days later it takes effect.
            ["2026-11-30", "2026-11-30", "2026-11-22"],
            ["2026-12-07", "2026-11-30", "2026-11-22"],
            ["2026-12-14", "2026-11-30", "2026-11-23"],
            ["2026-12-21", "2026-11-30", "2026-11-30"],
        ]
    );
    assert!(moved.iter().all(|moved| moved.is_lost()));
    // The other way round it takes effect at once, and nothing is lost.
    let longer = of(&weeks("9"));
    let moved = snapwarden_core::preview::moved(&as_is, &longer, &longer);
    assert_eq!(moved.len(), 4);
    assert!(moved.iter().all(|moved| !moved.is_lost()));
}

#[test]
fn copies_have_what_is_theirs() {
    let tags = [("RetentionDays", "2"), ("DestinationRetentionDays", "5"), ("DestinationRetentionWeeks", "2")];
    let on = |is_copy| {
        let preview = Preview::of(&Rules { is_copy, ..rules(&tags) }, &History::default(), time(NOW), two_years());
        let Counts { total, days, weeks, .. } = Counts::of(&preview.on(date("2027-05-21")));
        (total, days, weeks)
    };
    assert_eq!([on(false), on(true)], [(2, 2, 0), (6, 5, 2)]);
}

#[test]
fn of_a_source_and_its_copies_the_one_that_stays_longest_stands_for_all() {
    let source = ours("snap-1", "vol-1", "2026-11-20", "2026-11-27");
    let later = copy("snap-2", &source).tag("DeleteOn", "2026-12-20");
    let world = world(NOW).snapshot(source).region(AWAY).snapshot(later);
    let of = |kind| history(&world.inventory, &volume_id("vol-1"), kind);
    let lines = |history: History| -> Vec<String> {
        history.moments.iter().map(|moment| format!("{} {}", moment.snapshot, moment.delete_on.unwrap())).collect()
    };
    assert_eq!(lines(of(None)), ["snap-2 2026-12-20"]);
    assert_eq!(lines(of(Some(false))), ["snap-1 2026-11-27"]);
    assert_eq!(lines(of(Some(true))), ["snap-2 2026-12-20"]);
}

#[test]
fn a_slot_of_which_only_the_other_kind_is_there_is_done() {
    let copy = copy("snap-2", &ours("snap-1", "vol-1", "2026-11-22", "2026-11-29"));
    let world = world(NOW).region(AWAY).snapshot(copy);
    let tags = [("RetentionDays", "2"), ("DestinationRetentionDays", "5")];
    let preview = preview(&tags, &history(&world.inventory, &volume_id("vol-1"), Some(false)));
    assert_eq!(preview.moments()[0].made, time("2026-11-23T03:00:00Z"));
}

/// A policy, and how its snapshots record it.
const RECORDS: [(i64, &str); 7] = [
    (7, ""),
    (30, ""),
    (7, "days=7 weeks=4"),
    (7, "days=7 weeks=4"),
    (3, "days=3 months=2 last=3 zone=Europe/Berlin"),
    (2, "days=2 weeks=6 copies: days=9"),
    (1, "days=1 week=2"),
];
const TAGGED: [Pairs<'_>; 8] = [
    &[("RetentionDays", "7")],
    &[("RetentionDays", "2")],
    &[("RetentionDays", "7"), ("RetentionWeeks", "4")],
    &[("RetentionDays", "9"), ("RetentionWeeks", "2")],
    &[("RetentionDays", "3"), ("RetentionMonths", "2"), ("KeepLast", "3")],
    &[("RetentionDays", "1"), ("RetentionWeeks", "3"), ("RetentionMonths", "3"), ("RetentionYears", "1")],
    &[("KeepLast", "5")],
    &[("RetentionDays", "2"), ("RetentionWeeks", "some")],
];
const SCHEDULES: [&str; 5] = [
    "daily 03:00",
    "daily 23:30 Europe/Berlin",
    "every 12h America/New_York",
    "weekly sun 02:00",
    "monthly 31 04:00; weekly wed 12:00",
];

fn past() -> impl Strategy<Value = Snap> {
    let kept = prop_oneof![12 => Just(0_u8), 1 => Just(1), 1 => Just(2), 1 => Just(3)];
    (1..150_i64, select(RECORDS.to_vec()), kept, any::<bool>()).prop_map(|(ago, (days, record), kept, has_slot)| {
        let day = date("2026-11-22") - ago.days();
        let snap = ours(&format!("snap-a{ago}"), "vol-1", &day.to_string(), &(day + days.days()).to_string());
        let snap = if record.is_empty() { snap } else { snap.tag("snapwarden:retention", record) };
        let snap = if has_slot { snap } else { snap.no_tag("snapwarden:slot") };
        match kept {
            1 => snap.tag("KeepForever", "Yes"),
            2 => snap.no_tag("DeleteOn"),
            3 => snap.tag("CreatedOn", &(day - 5.days()).to_string()),
            _ => snap,
        }
    })
}

/// An account that lives: the creator at each slot, the manager at the end of each day, and nothing goes wrong.
struct Life {
    world: World,
    config: Config,
}

impl Life {
    fn create(&mut self, now: Timestamp) {
        self.world.inventory.taken_at = now;
        let plan = self.world.create_with(&self.config);
        assert!(plan.decisions.len() == 1 && plan.groups.len() <= 1, "{plan:#?}");
        for group in plan.groups {
            let id = format!("snap-b{:x}", now.as_second());
            let mut made = bare(&id, "vol-1").at(&now.to_string());
            made.0.tags = group.tags;
            self.world = self.world.clone().snapshot(made.tag("DeviceName", "/dev/xvda"));
        }
    }

    fn expire(&mut self, now: Timestamp) {
        self.world.inventory.taken_at = now;
        let plan = self.world.expire_with(&self.config);
        assert!(!plan.decisions.iter().any(|decision| decision.act == Act::Hold), "{plan:#?}");
        let gone = deleted(&plan);
        let Read::Whole(there) = &mut self.world.here().snapshots else { panic!("a gap") };
        there.retain(|snapshot| !gone.contains(&snapshot.id.to_string()));
    }

    fn times(&mut self) -> Vec<Timestamp> {
        let mut times: Vec<_> = self.world.here().snapshots.items().iter().map(|snap| snap.start_time).collect();
        times.sort();
        times
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, rng_seed: RngSeed::Fixed(6), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_preview_says_what_the_planners_do(
        past in prop::collection::vec(past(), 0..24),
        tagged in select(TAGGED.to_vec()),
        schedule in select(SCHEDULES.to_vec()),
        grace in select(vec![Some(0), Some(2), Some(7), None]),
    ) {
        let tagged = [tagged, &[("BackupSchedule", schedule)]].concat();
        let mut past = past;
        past.sort_by_key(|snap| snap.0.id.clone());
        past.dedup_by_key(|snap| snap.0.id.clone());
        let world = world(NOW).server("i-1", &tagged, "vol-1").snapshots(past);
        // A person is there for every approval; where there is no grace, for shorter retentions too.
        let approved = |what| Approval { what, day: Date::MAX, count: usize::MAX };
        let mut approvals = vec![approved(Approved::Region(region(HOME)))];
        if grace.is_none() {
            approvals.push(approved(Approved::Instance("i-1".parse().unwrap())));
        }
        let config = Config { grace_days: grace.unwrap_or(365), approvals, ..Config::default() };
        let rules = Rules { grace_days: grace, ..rules_in(&world.inventory, &config) };
        let until = date("2027-04-01");
        let preview = Preview::of(&rules, &history(&world.inventory, &volume_id("vol-1"), None), time(NOW), until);
        let mut life = Life { world, config };
        life.create(time(NOW));
        let mut slots = rules.schedule.slots_after(time(NOW)).map(|slot| slot.time()).peekable();
        for day in date("2026-11-22").series(1.day()).take_while(|day| *day <= until) {
            let end = time(&format!("{day}T23:59:59.999999999Z"));
            while let Some(slot) = slots.next_if(|slot| *slot <= end) {
                life.create(slot);
            }
            life.expire(end);
            let there = preview.on(day);
            let mut times: Vec<_> = there.iter().map(|(moment, _)| moment.made).collect();
            times.sort();
            prop_assert_eq!(times, life.times(), "{}: {:#?}", day, there);
            prop_assert!(there.iter().all(|(_, whys)| !whys.is_empty()), "{}: {:#?}", day, there);
        }
    }
}
