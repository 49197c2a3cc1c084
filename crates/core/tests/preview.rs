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
use snapwarden_core::decision::{Act, Subject};
use snapwarden_core::inventory::Read;
use snapwarden_core::inventory::day_of;
use snapwarden_core::plan::{plan_create, plan_offsite};
use snapwarden_core::policy::Config;
use snapwarden_core::preview::{Counts, Moment, Moved, Preview, Rules, Scene, Why, moved};

/// What is there of `i-1`, which `world` has.
fn scene_of(world: &World, config: &Config) -> Scene {
    let instances = world.inventory.regions[&region(HOME)].instances.items();
    let instance = instances.iter().find(|instance| instance.id.as_str() == "i-1").unwrap();
    Scene::of(&world.inventory, &region(HOME), instance, config)
}

/// `i-1` with these tags, one volume, and these snapshots of it.
fn scene(tagged: Pairs<'_>, snapshots: impl IntoIterator<Item = Snap>) -> Scene {
    scene_of(&world(NOW).server("i-1", tagged, "vol-1").snapshots(snapshots), &Config::default())
}

fn two_years() -> Date {
    day_of(time(NOW)) + 2.years()
}

fn preview(tagged: Pairs<'_>) -> Preview {
    Preview::of(&scene(tagged, []), two_years(), None, false)
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
        table(&preview(&[("RetentionDays", "7")])),
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
        table(&preview(&tags)),
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
        table(&preview(&tags)),
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
    let preview = preview(&tags);
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
    assert_eq!(preview.moments().filter(|moment| day_of(moment.made) == date("2027-03-28")).count(), 24);
}

/// Snapshots of `vol-1`, one of each of these days, kept 7 days.
fn daily<'d>(days: &'d [&'d str], record: &'d str) -> impl Iterator<Item = Snap> + 'd {
    days.iter().map(move |day| {
        let delete_on = (date(day) + 7.days()).to_string();
        ours(&format!("snap-{}", day.replace('-', "")), "vol-1", day, &delete_on).tag("snapwarden:retention", record)
    })
}

#[test]
fn an_outage_thins_nothing() {
    // Nothing since summer: the three weeks are those that have a snapshot.
    let days = ["2026-06-01", "2026-06-02", "2026-06-08", "2026-06-15", "2026-06-22"];
    let scene = scene(&[("RetentionDays", "7"), ("RetentionWeeks", "3")], daily(&days, "days=7 weeks=3"));
    let preview = Preview::of(&scene, two_years(), None, false);
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

/// What is there at the end of `day`, each with what keeps it.
fn kept(preview: &Preview, day: &str) -> Vec<String> {
    let words = |whys: Vec<Why>| whys.iter().map(Why::to_string).collect::<Vec<_>>().join("; ");
    let line = |(moment, whys): (&Moment, Vec<Why>)| format!("{}: {}", moment.snapshot, words(whys));
    preview.on(date(day)).into_iter().map(line).collect()
}

#[test]
fn what_keeps_a_snapshot_is_said() {
    let recorded = "days=7 weeks=3";
    let all = [
        ours("snap-1", "vol-1", "2026-01-05", "2026-01-12").tag("keepforever", ""),
        ours("snap-2", "vol-1", "2026-01-06", "never"),
        ours("snap-3", "vol-1", "2026-01-07", "2026-01-14").tag("snapwarden:retention", "weeks=1"),
        ours("snap-4", "vol-1", "2026-09-07", "2026-09-14").tag("snapwarden:retention", recorded),
        ours("snap-5", "vol-1", "2026-11-15", "2026-11-22"),
        ours("snap-6", "vol-1", "2026-11-20", "2026-11-27").tag("snapwarden:retention", recorded),
        ours("snap-7", "vol-1", "2026-11-19", "2026-11-26").failed("no"),
        ours("snap-8", "vol-2", "2026-11-20", "2026-11-27"),
        ours("snap-9", "vol-1", "2026-11-20", "2026-11-27").no_tag("Type"),
    ];
    let on =
        |tagged: Pairs<'_>| kept(&Preview::of(&scene(tagged, all.clone()), two_years(), None, false), "2026-11-22");
    let always = [
        "snap-1: KeepForever, or no DeleteOn that can be read",
        "snap-2: KeepForever, or no DeleteOn that can be read",
        "snap-3: its record of retention cannot be read",
    ];
    // What the tags ask for is longer already, and the recorded policy stays in force until the grace period is over.
    let earlier = [
        "snap-4: until 2026-11-29: first of week 2026-W37 (3 of 3)",
        "snap-5: until 2026-11-29: first of week 2026-W46 (2 of 3)",
        "snap-6: its days; until 2026-11-29: first of week 2026-W47 (1 of 3)",
    ];
    let made = "snap-to-come-000000001: its days";
    assert_eq!(on(&[]), [&always[..], &earlier, &[made]].concat());
    // Nothing goes while a tag cannot be read, and what is made meanwhile is kept for a year.
    let mistyped = on(&[("KeepLast", "all")]);
    assert_eq!(mistyped.len(), 7);
    assert!(mistyped[4].starts_with("snap-5: a retention tag cannot be read"), "{mistyped:?}");
    let both = [
        earlier[0],
        earlier[1],
        "snap-6: its days; 2 of the newest 2; until 2026-11-29: first of week 2026-W47 (1 of 3)",
        "snap-to-come-000000001: its days; 1 of the newest 2",
    ];
    assert_eq!(on(&[("KeepLast", "2")]), [&always[..], &both].concat());
}

#[test]
fn of_a_volume_that_two_instances_have_the_preview_of_either_lives_the_snapshots_of_both() {
    let shared = |one: Pairs<'_>, other: Pairs<'_>| {
        let account = world(NOW).server("i-1", one, "vol-1").instance("i-2", other, &[("/dev/xvda", "vol-1")]);
        ["i-1", "i-2"].map(|id| {
            let instance =
                account.inventory.regions[&region(HOME)].instances.items().iter().find(|one| one.id.as_str() == id);
            let scene = Scene::of(&account.inventory, &region(HOME), instance.unwrap(), &Config::default());
            let preview = Preview::of(&scene, two_years(), None, false);
            let made = preview.on(date("2027-11-21")).iter().map(|(one, _)| one.made).collect::<Vec<_>>();
            assert!(made.len() > 2, "{id}: {made:?}");
            made
        })
    };
    let days = |count: &'static str| [("Backup", "Yes"), ("RetentionDays", count)];
    for [one, other] in [[days("3"), days("7")], [days("7"), days("3")]] {
        let [first, second] = shared(&one, &other);
        assert_eq!(first, second);
        assert_eq!(first.len(), 7);
    }
    // In the slots of both.
    let weekly = [("Backup", "Yes"), ("RetentionDays", "7"), ("BackupSchedule", "weekly mon 15:00")];
    let [first, second] = shared(&days("7"), &weekly);
    assert_eq!(first, second);
    assert_eq!(first.len(), 8);
}

#[test]
fn the_newest_of_its_volume_stays() {
    let preview = preview(&[("BackupSchedule", "monthly 1 04:00"), ("RetentionDays", "3")]);
    let on = preview.on(date("2027-01-20"));
    assert_eq!(on.len(), 1);
    assert_eq!((on[0].0.made, on[0].0.goes), (time("2027-01-01T04:00:00Z"), Some(date("2027-02-01"))));
    assert_eq!(on[0].1, [Why::Newest]);
    assert_eq!(Counts::of(&on).others, 1);
}

fn dates(moved: &[Moved<'_>]) -> Vec<[String; 3]> {
    let day = |day: Option<Date>| day.unwrap().to_string();
    moved.iter().map(|m| [m.as_is, m.changed, m.approved].map(day)).collect()
}

#[test]
fn a_shorter_retention_waits_for_the_grace_period_and_an_approval_does_not() {
    let days = ["2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16", "2026-11-22"];
    let of = |weeks: &'static str, approves| {
        let scene = scene(&[("RetentionDays", "7"), ("RetentionWeeks", weeks)], daily(&days, "days=7 weeks=5"));
        Preview::of(&scene, two_years(), None, approves)
    };
    let (as_is, changed, approved) = (of("5", false), of("2", false), of("2", true));
    assert_eq!(
        dates(&moved(&as_is, &changed, &approved)),
        [
            // The first snapshot under the new policy is of the 23rd: from then on it is only the grace period that keeps
            // the others, and 7 full days later it is over. The words for it are of the day after that.
            ["2026-11-30", "2026-11-30", "2026-11-24"],
            ["2026-12-07", "2026-11-30", "2026-11-24"],
            ["2026-12-14", "2026-11-30", "2026-11-24"],
            ["2026-12-21", "2026-11-30", "2026-11-30"],
            // The newest that records the earlier policy is the memory of it, approved or not.
            ["2026-11-29", "2026-11-30", "2026-11-30"],
        ]
    );
    let is_lost: Vec<_> = moved(&as_is, &changed, &approved).iter().map(Moved::is_lost).collect();
    assert_eq!(is_lost, [true, true, true, true, false]);
    // The other way round it takes effect at once, and nothing is lost.
    let longer = of("9", false);
    let moved = moved(&as_is, &longer, &longer);
    assert_eq!(moved.len(), 5);
    assert!(!moved.iter().any(Moved::is_lost));
}

#[test]
fn tags_that_are_changed_in_the_scene_are_those_of_the_instance() {
    let days = ["2026-11-16", "2026-11-22"];
    let before = scene(&[("RetentionDays", "7")], daily(&days, "days=7"));
    let after = before.with_tags(&tags(&[("RetentionDays", "30")]));
    let (as_is, changed) =
        (Preview::of(&before, two_years(), None, false), Preview::of(&after, two_years(), None, false));
    assert_eq!(
        dates(&moved(&as_is, &changed, &changed)),
        [["2026-11-23", "2026-12-16", "2026-12-16"], ["2026-11-29", "2026-12-22", "2026-12-22"]],
        "longer days take effect at once for what exists"
    );
}

#[test]
fn copies_have_what_is_theirs() {
    let tags = [
        ("DestinationRegion", AWAY),
        ("OffsiteMode", "Copy"),
        ("RetentionDays", "2"),
        ("DestinationRetentionDays", "5"),
        ("DestinationRetentionWeeks", "2"),
    ];
    let on = |is_copy| {
        let preview = Preview::of(&scene(&tags, []), two_years(), Some(is_copy), false);
        let Counts { total, days, weeks, .. } = Counts::of(&preview.on(date("2027-05-21")));
        (total, days, weeks)
    };
    assert_eq!([on(false), on(true)], [(2, 2, 0), (6, 5, 2)]);
}

#[test]
fn a_source_that_is_moved_goes_on_the_day_on_which_its_copy_is_proven() {
    let tags = [("DestinationRegion", AWAY), ("RetentionDays", "3")];
    let of = |is_copy| Preview::of(&scene(&tags, []), two_years(), Some(is_copy), false).moments().next().unwrap().goes;
    assert_eq!([of(false), of(true)], [Some(date("2026-11-22")), Some(date("2026-11-25"))]);
}

#[test]
fn of_a_source_and_its_copies_the_one_that_stays_longest_stands_for_all() {
    let source = ours("snap-1", "vol-1", "2026-11-20", "2026-11-27");
    let source = source.tag("DestinationRegion", AWAY).tag("OffsiteMode", "Copy");
    let later = copy("snap-2", &source).tag("DeleteOn", "2026-12-20");
    let tagged = [("DestinationRegion", AWAY), ("OffsiteMode", "Copy")];
    let world = world(NOW).server("i-1", &tagged, "vol-1").snapshot(source).region(AWAY).snapshot(later);
    let scene = scene_of(&world, &Config::default());
    let of = |of_copies| {
        let preview = Preview::of(&scene, two_years(), of_copies, false);
        preview.moments().next().unwrap().goes.unwrap().to_string()
    };
    assert_eq!([None, Some(false), Some(true)].map(of), ["2026-12-20", "2026-11-27", "2026-12-20"]);
}

#[test]
fn a_slot_of_which_only_the_other_kind_is_there_is_done() {
    let copy = copy("snap-2", &ours("snap-1", "vol-1", "2026-11-22", "2026-11-29"));
    let tagged = [("DestinationRegion", AWAY), ("RetentionDays", "2"), ("DestinationRetentionDays", "5")];
    let world = world(NOW).server("i-1", &tagged, "vol-1").region(AWAY).snapshot(copy);
    let preview = Preview::of(&scene_of(&world, &Config::default()), two_years(), Some(false), false);
    assert_eq!(preview.moments().next().unwrap().made, time("2026-11-23T03:00:00Z"));
}

#[test]
fn an_instance_of_tags_alone_lives_too() {
    let scene = Scene::of_tags(&tags(&[("Backup", "Yes"), ("RetentionDays", "2")]), time(NOW), &Config::default());
    let preview = Preview::of(&scene.unwrap(), two_years(), None, false);
    assert_eq!(Counts::of(&preview.on(date("2027-05-21"))).total, 2);
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
const TAGGED: [Pairs<'_>; 11] = [
    &[("RetentionDays", "7")],
    &[("RetentionDays", "2")],
    &[("RetentionDays", "7"), ("RetentionWeeks", "4")],
    &[("RetentionDays", "9"), ("RetentionWeeks", "2")],
    &[("RetentionDays", "3"), ("RetentionMonths", "2"), ("KeepLast", "3")],
    &[("RetentionDays", "1"), ("RetentionWeeks", "3"), ("RetentionMonths", "3"), ("RetentionYears", "1")],
    &[("KeepLast", "5")],
    &[("RetentionDays", "2"), ("RetentionWeeks", "some")],
    &[("RetentionDays", "2"), ("RetentionWeeks", "3"), ("DestinationRegion", AWAY)],
    &[
        ("RetentionDays", "2"),
        ("DestinationRetentionDays", "5"),
        ("DestinationRetentionWeeks", "3"),
        ("DestinationRegion", AWAY),
        ("OffsiteMode", "KeepLatest"),
    ],
    &[("RetentionDays", "3"), ("RetentionWeeks", "2"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy")],
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
            3 => snap.tag("CreatedOn", &(day - 1.days()).to_string()),
            _ => snap,
        }
    })
}

/// An account that lives: the creator at each slot, the offsiter and the manager when they are called, and nothing goes
/// wrong.
struct Life {
    world: World,
    config: Config,
    made: usize,
}

impl Life {
    fn id(&mut self) -> String {
        self.made += 1;
        format!("snap-b{}", self.made)
    }

    fn snapshots(&mut self, place: &str) -> &mut Vec<snapwarden_core::inventory::Snapshot> {
        match &mut self.world.inventory.regions.get_mut(&region(place)).unwrap().snapshots {
            Read::Whole(there) => there,
            Read::Gap { .. } | Read::NotAsked => panic!("a gap"),
        }
    }

    fn create(&mut self, now: Timestamp) {
        self.world.inventory.taken_at = now;
        let plan = plan_create(&self.world.inventory, &[region(HOME)], &self.config);
        assert!(plan.decisions.len() == 1 && plan.groups.len() <= 1, "{plan:#?}");
        for group in plan.groups {
            let mut made = bare(&self.id(), "vol-1").at(&now.to_string());
            made.0.tags = group.tags;
            let made = made.tag("DeviceName", "/dev/xvda");
            self.snapshots(HOME).push(made.0);
        }
    }

    fn offsite(&mut self, now: Timestamp) {
        self.world.inventory.taken_at = now;
        loop {
            let plan = plan_offsite(&self.world.inventory, &[region(HOME)]);
            let changes: Vec<_> = plan.decisions.into_iter().filter(|decision| decision.act.is_change()).collect();
            if changes.is_empty() {
                return;
            }
            for change in changes {
                match (change.act, change.subject) {
                    (Act::Copy { tags, .. }, Subject::Copy(source, destination)) => {
                        let id = snapshot_id(&self.id());
                        let of = self.snapshots(HOME).iter().find(|one| one.id == *source).unwrap().clone();
                        let copy = snapwarden_core::inventory::Snapshot {
                            id,
                            volume_id: volume_id("vol-ffffffff"),
                            tags,
                            ..of
                        };
                        self.snapshots(destination.as_str()).push(copy);
                    }
                    (Act::Stamp { value }, Subject::Source(source)) => {
                        let of = self.snapshots(HOME).iter_mut().find(|one| one.id == *source).unwrap();
                        of.tags.set("OffsiteSnapshotId", &value);
                    }
                    (Act::RemoveSource { .. }, Subject::Source(source)) => {
                        self.snapshots(HOME).retain(|one| one.id != *source);
                    }
                    (act, subject) => panic!("{act:?} {subject:?}"),
                }
            }
        }
    }

    fn expire(&mut self, now: Timestamp) {
        self.world.inventory.taken_at = now;
        let plan = self.world.expire_with(&self.config);
        assert!(
            !plan.decisions.iter().any(|decision| matches!(decision.act, Act::Hold | Act::Mark { .. })),
            "{plan:#?}"
        );
        let gone = deleted(&plan);
        for place in [HOME, AWAY] {
            self.snapshots(place).retain(|snapshot| !gone.contains(&snapshot.id.to_string()));
        }
    }

    /// The times of the data of what is there: of all, of sources, or of copies; each moment once.
    fn times(&mut self, of_copies: Option<bool>) -> Vec<Timestamp> {
        let mut times = Vec::new();
        for place in [HOME, AWAY] {
            if of_copies.is_none_or(|of_copies| of_copies == (place == AWAY)) {
                times.extend(self.snapshots(place).iter().map(|snap| snap.start_time));
            }
        }
        times.sort();
        times.dedup();
        times
    }
}

fn times_of(there: &[(&Moment, Vec<Why>)]) -> Vec<Timestamp> {
    let mut times: Vec<_> = there.iter().map(|(moment, _)| moment.made).collect();
    times.sort();
    times.dedup();
    times
}

/// A person is there for every approval of a Region, and where one `approves`, of what the grace period keeps too.
fn config_of(grace_days: u32, approves: bool) -> Config {
    let approved = |what| Approval { what, day: Date::MAX, count: usize::MAX };
    let mut approvals = vec![approved(Approved::Region(region(HOME))), approved(Approved::Region(region(AWAY)))];
    if approves {
        approvals.push(approved(Approved::Instance("i-1".parse().unwrap())));
    }
    Config { grace_days, approvals, ..Config::default() }
}

fn end_of(day: Date) -> Timestamp {
    time(&format!("{day}T23:59:59.999999999Z"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, rng_seed: RngSeed::Fixed(6), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_preview_says_what_the_planners_do(
        past in prop::collection::vec(past(), 0..24),
        tagged in select(TAGGED.to_vec()),
        schedule in select(SCHEDULES.to_vec()),
        grace in select(vec![0, 2, 7]),
        approves in any::<bool>(),
        of_copies in select(vec![None, Some(false), Some(true)]),
    ) {
        let tagged = [tagged, &[("BackupSchedule", schedule)]].concat();
        let mut past = past;
        past.sort_by_key(|snap| snap.0.id.clone());
        past.dedup_by_key(|snap| snap.0.id.clone());
        let world = world(NOW).server("i-1", &tagged, "vol-1").snapshots(past);
        let config = config_of(grace, approves);
        let schedule = Rules::of(&tags(&tagged), false, &config).schedule;
        let until = date("2027-04-01");
        let preview = Preview::of(&scene_of(&world, &config), until, of_copies, approves);
        let mut life = Life { world, config, made: 0 };
        life.create(time(NOW));
        let mut slots = schedule.slots_after(time(NOW)).map(|slot| slot.time()).peekable();
        for day in date("2026-11-22").series(1.day()).take_while(|day| *day <= until) {
            while let Some(slot) = slots.next_if(|slot| *slot <= end_of(day)) {
                life.create(slot);
            }
            life.offsite(end_of(day));
            life.expire(end_of(day));
            let there = preview.on(day);
            prop_assert_eq!(times_of(&there), life.times(of_copies), "{}: {:#?}", day, there);
            prop_assert!(there.iter().all(|(_, whys)| !whys.is_empty()), "{}: {:#?}", day, there);
        }
    }
}

/// The real jobs look every hour. Where nothing is made in the last hour of a day, what is there at its end is the same.
#[test]
fn its_days_are_those_of_the_jobs_run_hour_by_hour() {
    for tagged in TAGGED {
        let days = ["2026-09-07", "2026-10-05", "2026-11-02", "2026-11-15", "2026-11-16", "2026-11-21"];
        let world = world(NOW).server("i-1", tagged, "vol-1").snapshots(daily(&days, "days=7 weeks=6 months=3"));
        let config = config_of(7, false);
        let until = date("2027-02-01");
        let preview = Preview::of(&scene_of(&world, &config), until, None, false);
        let mut life = Life { world, config, made: 0 };
        for hour in (0..).map(|n| time(NOW) + (n * 60).minutes()).take_while(|hour| *hour <= end_of(until)) {
            life.create(hour);
            life.offsite(hour);
            life.expire(hour);
            let day = day_of(hour);
            if day_of(hour + 60.minutes()) != day {
                let there: Vec<_> = times_of(&preview.on(day)).into_iter().map(day_of).collect();
                let lived: Vec<_> = life.times(None).into_iter().map(day_of).collect();
                assert_eq!(there, lived, "{day}: {tagged:?}");
            }
        }
    }
}
