//! Retention beyond DeleteOn: what is recorded at birth, whose word counts, how a shorter policy waits, and what copies
//! have of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::*;
use snapwarden_core::approval::Approval;
use snapwarden_core::check::{Rule, check};
use snapwarden_core::decision::{Act, KeptBy, Plan, Problem, Reason};
use snapwarden_core::inventory::{Instance, InstanceState};
use snapwarden_core::policy::Config;
use snapwarden_core::retention::{Asked, Recorded, Retention};
use snapwarden_core::schedule::Zone;
use snapwarden_core::tags::of_copy as copy_tags;

const RECORD: &str = "snapwarden:retention";
const WEEKS: &str = "days=7 weeks=4";

/// One of ours of these days, kept 7 days, of a policy.
fn made(day: &str, record: &str) -> Snap {
    let delete_on = date(day).saturating_add(jiff::ToSpan::days(7)).to_string();
    let snap = ours(&format!("snap-{day}"), "vol-1", day, &delete_on);
    if record.is_empty() { snap } else { snap.tag(RECORD, record) }
}

/// Three snapshots of one week long past, and one of yesterday; [`NOW`] is Sunday 2026-11-22.
fn week(record: &str) -> [Snap; 4] {
    ["2026-11-02", "2026-11-03", "2026-11-04", "2026-11-21"].map(|day| made(day, record))
}

fn kept_by_tags(plan: &Plan, id: &str) -> String {
    match of_snapshot(plan, id) {
        (Act::Keep, reason @ Reason::KeptByTier { by: KeptBy::Tags(instance), .. }) => {
            assert_eq!(instance.as_str(), "i-1");
            reason.to_string()
        }
        other => panic!("{other:?}"),
    }
}

fn kept_by_record(plan: &Plan, id: &str) -> String {
    match of_snapshot(plan, id) {
        (Act::Keep, reason @ Reason::KeptByTier { by: KeptBy::Record, .. }) => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The plan of a manager that the check has nothing against, and which keeps nothing that the check would let go.
fn sound(world: &World) -> Plan {
    sound_with(world, &Config::default())
}

fn sound_with(world: &World, config: &Config) -> Plan {
    let plan = world.expire_with(config);
    assert_eq!(check(&plan, &world.inventory, config), []);
    assert_eq!(let_pass(&plan, &world.inventory, config), []);
    plan
}

// Birth.

#[test]
fn days_alone_are_a_promise_that_delete_on_says_and_nothing_else_is_recorded() {
    let plan = world(NOW).server("i-1", &[("RetentionDays", "30")], "vol-1").create();
    assert_eq!(plan.groups[0].tags.get("DeleteOn"), Some("2026-12-22"));
    assert!(!plan.groups[0].tags.has(RECORD));
}

#[test]
fn with_a_tier_delete_on_is_the_earliest_day_and_the_policy_is_recorded() {
    let tags = [
        ("RetentionDays", "10"),
        ("RetentionWeeks", "4"),
        ("RetentionMonths", "12"),
        ("RetentionYears", "3"),
        ("KeepLast", "5"),
        ("BackupSchedule", "daily 03:00 Europe/Berlin; hourly"),
        ("DestinationRetentionDays", "40"),
        ("DestinationRetentionYears", "7"),
    ];
    let plan = world(NOW).server("i-1", &tags, "vol-1").create();
    let born = &plan.groups[0].tags;
    assert_eq!(born.get("DeleteOn"), Some("2026-12-02"));
    let record = "days=10 weeks=4 months=12 years=3 last=5 zone=Europe/Berlin copies: days=40 years=7";
    assert_eq!(born.get(RECORD), Some(record));
    let Recorded::Is(read) = Recorded::of(born) else { panic!("{record}") };
    assert_eq!(read.to_string(), record);
}

#[test]
fn copies_that_have_any_tag_of_their_own_take_the_days_of_their_sources_where_they_have_none() {
    let asked = Asked::of(&tags(&[("RetentionDays", "10"), ("DestinationRetentionWeeks", "8")]));
    assert_eq!(asked.retention(7, Zone::default()).to_string(), "days=10 copies: days=10 weeks=8");
}

#[test]
fn a_mistyped_tier_keeps_what_is_made_meanwhile_for_a_year_and_a_finding_says_so() {
    let tags = [("RetentionWeeks", "4w"), ("RetentionMonths", "6")];
    let plan = world(NOW).server("i-1", &tags, "vol-1").create();
    let born = &plan.groups[0].tags;
    assert_eq!((born.get("DeleteOn"), born.get(RECORD)), (Some("2027-11-22"), Some("days=365 months=6 mistyped")));
    let problem = Problem::TierUnreadable { key: "RetentionWeeks".into(), value: "4w".into() };
    assert_eq!(problems(&plan, "i-1"), std::slice::from_ref(&problem));
    assert_eq!(
        problem.to_string(),
        "RetentionWeeks=\"4w\" is no number that it can be; until it is mended, new snapshots are all kept a year, and \
         the others as they were promised"
    );
    let only = world(NOW).server("i-1", &[("RetentionWeeks", "4w")], "vol-1").create();
    assert_eq!(only.groups[0].tags.get(RECORD), Some("days=365 mistyped"), "or it would look like a plain policy");
    let days = world(NOW).server("i-1", &[("DestinationRetentionDays", "forever")], "vol-1").create();
    assert_eq!(days.groups[0].tags.get(RECORD), Some("days=7 mistyped copies: days=365"));
}

#[test]
fn a_volume_of_several_instances_belongs_to_the_one_whose_tiers_reach_farthest() {
    let plan = world(NOW)
        .server("i-1", &[("RetentionDays", "30")], "vol-1")
        .server("i-2", &[("RetentionMonths", "2")], "vol-1")
        .create();
    assert_eq!(plan.groups[0].instance.as_str(), "i-2");
}

#[test]
fn how_far_back_a_policy_reaches_is_what_its_longest_tier_says() {
    let reach = |of: &[(&str, &str)]| Asked::of(&tags(of)).retention(7, Zone::default()).reach_days();
    assert_eq!(reach(&[("RetentionDays", "30"), ("RetentionWeeks", "4")]), 30);
    assert_eq!(reach(&[("RetentionWeeks", "5")]), 35);
    assert_eq!(reach(&[("RetentionWeeks", "5"), ("RetentionMonths", "2")]), 62);
    assert_eq!(reach(&[("RetentionMonths", "11"), ("RetentionYears", "2")]), 732);
    assert_eq!(reach(&[("KeepLast", "900"), ("DestinationRetentionYears", "9")]), 7, "of its own, and by time");
}

// Whose word counts.

#[test]
fn the_instances_tags_keep_the_first_of_a_week_and_the_others_go() {
    let plan = sound(&world(NOW).server("i-1", &[("RetentionWeeks", "4")], "vol-1").snapshots(week(WEEKS)));
    assert_eq!(
        kept_by_tags(&plan, "snap-2026-11-02"),
        "DeleteOn 2026-11-09 has come; kept by the tags of i-1: first of week 2026-W45 (2 of 4)"
    );
    assert_eq!(deleted(&plan), ["snap-2026-11-03", "snap-2026-11-04"]);
    let (act, reason) = of_snapshot(&plan, "snap-2026-11-03");
    let Act::Delete { rests_on, .. } = act else { panic!("{act:?}") };
    assert_eq!(rests_on, &[copy_ref("us-east-1:snap-2026-11-02")], "the second look wants the first of its week");
    let said = reason.to_string();
    assert!(said.ends_with("; no tier wants it: snap-2026-11-02 is the first of week 2026-W45"), "{said}");
}

#[test]
fn a_longer_retention_takes_effect_at_once_on_what_was_promised_none() {
    let tiers = [("RetentionWeeks", "4")];
    let plan = sound(&world(NOW).server("i-1", &tiers, "vol-1").snapshots(week("")));
    kept_by_tags(&plan, "snap-2026-11-02");
    let days = [("RetentionDays", "30"), ("KeepLast", "1")];
    let plan = sound(&world(NOW).server("i-1", &days, "vol-1").snapshots(week("days=7 last=1")));
    assert_eq!(
        kept_by_tags(&plan, "snap-2026-11-03"),
        "DeleteOn 2026-11-10 has come; kept by the tags of i-1: its days are longer now"
    );
}

#[test]
fn retention_days_alone_stays_the_plain_promise() {
    let plan = sound(&world(NOW).server("i-1", &[("RetentionDays", "365")], "vol-1").snapshots(week("")));
    assert_eq!(deleted(&plan).len(), 3);
}

#[test]
fn where_the_instance_is_gone_what_is_recorded_stands() {
    let gone = world(NOW).volume("vol-1", &[]).snapshots(week(WEEKS));
    let plan = sound(&gone);
    assert_eq!(
        kept_by_record(&plan, "snap-2026-11-02"),
        "DeleteOn 2026-11-09 has come; kept by its own record: first of week 2026-W45 (2 of 4)"
    );
    let terminated = gone
        .instance("i-1", &[("RetentionWeeks", "1")], &[])
        .with_instance("i-1", |instance| instance.state = InstanceState::Terminated);
    kept_by_record(&sound(&terminated), "snap-2026-11-02");
}

#[test]
fn where_its_tags_are_mistyped_what_is_recorded_stands() {
    let plan = sound(&world(NOW).server("i-1", &[("RetentionWeeks", "four")], "vol-1").snapshots(week(WEEKS)));
    kept_by_record(&plan, "snap-2026-11-02");
    assert_eq!(deleted(&plan), ["snap-2026-11-03", "snap-2026-11-04"], "never less, and no more");
}

#[test]
fn where_the_volume_is_gone_too_it_stands_and_a_finding_says_that_nothing_will_push_it_out() {
    let plan = sound(&world(NOW).snapshots(week(WEEKS)));
    kept_by_record(&plan, "snap-2026-11-02");
    let problem = Problem::VolumesGone { volumes: 1, snapshots: 1 };
    assert_eq!(problems(&plan, HOME), std::slice::from_ref(&problem));
    assert!(problem.to_string().contains("delete by hand what is not wanted"), "{problem}");
}

#[test]
fn the_instance_that_has_the_volume_now_speaks_for_one_that_is_gone() {
    let plan = sound(&world(NOW).server("i-2", &[("RetentionWeeks", "4")], "vol-1").snapshots(week("")));
    let (_, reason) = of_snapshot(&plan, "snap-2026-11-02");
    assert!(matches!(reason, Reason::KeptByTier { by: KeptBy::Tags(by), .. } if by.as_str() == "i-2"), "{reason}");
}

#[test]
fn what_an_unread_instance_may_want_is_kept() {
    let plan = sound(&world(NOW).volume("vol-1", &[]).snapshots(week("")).instances_gap());
    let reason = Reason::InstancesUnread { unread: vec![region(HOME)] };
    assert_eq!(of_snapshot(&plan, "snap-2026-11-03"), (&Act::Keep, &reason));
    assert_eq!(
        reason.to_string(),
        "expired, but its instance's tags may want it: the instances of us-east-1 were not all read"
    );
}

#[test]
fn a_record_that_cannot_be_read_is_kept_with_a_finding() {
    let beyond = ["days=7 weeks=5201", "days=7 years=101", "days=36501 weeks=4", "days=0 weeks=4", "days=7 weeks=0"];
    let odd =
        ["weeks=4", "days=7 weeks=4 ", "days=7  weeks=4", "days=7 weeks=four", "7d", "", "days=7 copies: weeks=4"];
    let mistyped = [
        "mistyped",
        "mistyped days=7 weeks=4",
        "days=7 mistyped mistyped",
        "days=7 weeks=4 miss",
        "days=7 copies: days=9 mistyped",
    ];
    for record in beyond.into_iter().chain(odd).chain(mistyped) {
        let plan = sound(
            &world(NOW)
                .volume("vol-1", &[])
                .snapshots(week(WEEKS))
                .snapshot(ours("snap-1", "vol-1", "2026-11-05", "2026-11-12").tag(RECORD, record)),
        );
        let value = record.trim().to_owned();
        let reads = record.trim() == WEEKS;
        let reason = Reason::UnreadableRetention { value: value.clone() };
        assert!(reads || of_snapshot(&plan, "snap-1") == (&Act::Keep, &reason), "{record:?}");
        assert!(reads || problems(&plan, "snap-1") == [Problem::RetentionRecordUnreadable { value }], "{record:?}");
    }
}

#[test]
fn the_days_that_an_instance_asks_for_hold_for_a_copy_that_names_no_volume_too() {
    let nameless = |id: &str, day: &str| copy(id, &made(day, "").tag("InstanceID", "i-1")).no_tag("VolumeID");
    let copies = [nameless("snap-c", "2026-11-02"), nameless("snap-d", "2026-11-21")];
    let plan = |asked| sound(&world(NOW).server("i-1", &[asked], "vol-1").region(AWAY).snapshots(copies.clone()));
    kept_by_tags(&plan(("DestinationRetentionDays", "60")), "snap-c");
    assert_eq!(
        deleted(&plan(("RetentionDays", "60"))),
        ["snap-c"],
        "plain days are what DeleteOn said when it was made"
    );
}

#[test]
fn longer_days_are_full_to_the_second() {
    let tags = [("RetentionDays", "8"), ("KeepLast", "1")];
    let at = |time: &str| {
        let old = made("2026-11-14", "").at(time);
        sound(&world(NOW).server("i-1", &tags, "vol-1").snapshots([old, made("2026-11-21", "")]))
    };
    assert_eq!(deleted(&at("2026-11-14T04:00:00Z")), ["snap-2026-11-14"]);
    assert_eq!(deleted(&at("2026-11-14T04:00:01Z")), Vec::<String>::new());
}

#[test]
fn a_record_stands_where_the_same_tags_would_rest_on_what_was_never_promised_to_stay() {
    let recorded = ["2026-11-03", "2026-11-04", "2026-11-10", "2026-11-21"].map(|day| made(day, WEEKS));
    let plan = sound(
        &world(NOW)
            .server("i-1", &[("RetentionWeeks", "4")], "vol-1")
            .snapshot(made("2026-11-02", ""))
            .snapshots(recorded),
    );
    assert!(kept_by_tags(&plan, "snap-2026-11-02").contains("first of week 2026-W45"));
    assert!(kept_by_record(&plan, "snap-2026-11-03").contains("first of week 2026-W45"));
    assert_eq!(deleted(&plan), ["snap-2026-11-04"]);
}

#[test]
fn tiers_of_copies_that_name_no_volume_cannot_be_judged() {
    let source = made("2026-11-02", WEEKS);
    let plan = sound(&world(NOW).region(AWAY).snapshots([
        copy("snap-c", &source).no_tag("VolumeID"),
        copy("snap-d", &made("2026-11-21", WEEKS)).no_tag("VolumeID"),
    ]));
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &Reason::NoHistory));
}

#[test]
fn failed_and_pending_ones_are_no_first_of_a_week_and_none_of_the_newest() {
    let tags = [("RetentionWeeks", "4"), ("KeepLast", "2")];
    let account = world(NOW).server("i-1", &tags, "vol-1").snapshots([
        made("2026-11-02", "days=7 weeks=4 last=2").failed("Internal error").at("2026-11-22T03:30:00Z"),
        made("2026-11-03", "days=7 weeks=4 last=2"),
        made("2026-11-04", "days=7 weeks=4 last=2"),
        made("2026-11-22", "days=7 weeks=4 last=2").pending(),
    ]);
    let plan = sound(&account);
    assert!(kept_by_tags(&plan, "snap-2026-11-03").contains("first of week 2026-W45 (1 of 4), 2 of the newest 2"));
    assert!(kept_by_tags(&plan, "snap-2026-11-04").contains("1 of the newest 2"));
}

#[test]
fn periods_are_those_of_the_schedules_zone() {
    // Sunday 23:30 in UTC is Monday in Auckland.
    let tags = [("RetentionWeeks", "9"), ("BackupSchedule", "daily 12:30 Pacific/Auckland")];
    let sunday = made("2026-11-08", "").at("2026-11-08T23:30:00Z").tag("snapwarden:slot", "2026-11-08T23:30Z");
    let plan = sound(&world(NOW).server("i-1", &tags, "vol-1").snapshots([sunday, made("2026-11-10", "")]));
    assert!(kept_by_tags(&plan, "snap-2026-11-08").contains("week 2026-W46"));
    assert_eq!(deleted(&plan), Vec::<String>::new(), "the newest stays");
}

#[test]
fn a_slot_counts_once_with_all_its_copies_and_every_region_is_one_history() {
    let sources = week(WEEKS);
    let [first, second, ..] = &sources;
    // Under Move the first of the week is left in another Region alone.
    let moved = second.clone();
    let plan = sound(
        &world(NOW)
            .server("i-1", &[("RetentionWeeks", "4")], "vol-1")
            .snapshots([moved, sources[3].clone()])
            .region(AWAY)
            .snapshot(copy("snap-c", first)),
    );
    assert_eq!(deleted(&plan), ["snap-2026-11-03"]);
    let (act, _) = of_snapshot(&plan, "snap-2026-11-03");
    let Act::Delete { rests_on, .. } = act else { panic!("{act:?}") };
    assert_eq!(rests_on, &[copy_ref("eu-west-1:snap-c")]);
    assert!(kept_by_tags(&plan, "snap-c").contains("first of week 2026-W45 (2 of 4)"));
}

#[test]
fn a_slot_may_be_first_where_any_of_what_was_made_for_it_was_promised_so() {
    let sources = week(WEEKS);
    let plan = sound(
        &world(NOW)
            .volume("vol-1", &[])
            .snapshots(sources.clone())
            .region(AWAY)
            .snapshot(copy("snap-c", &sources[0]).no_tag(RECORD)),
    );
    assert!(kept_by_record(&plan, "snap-2026-11-02").contains("first of week 2026-W45"));
    assert_eq!(deleted(&plan), ["snap-2026-11-03", "snap-2026-11-04"]);
}

#[test]
fn what_a_delete_rests_on_is_named_here_where_there_is_one_here() {
    let sources = week(WEEKS);
    let tags = [("RetentionWeeks", "4")];
    let account = world(NOW).server("i-1", &tags, "vol-1").snapshots(sources.clone()).region(AWAY);
    let plan = sound(&account.snapshot(copy("snap-c", &sources[0])));
    let (act, _) = of_snapshot(&plan, "snap-2026-11-03");
    let Act::Delete { rests_on, .. } = act else { panic!("{act:?}") };
    assert_eq!(rests_on, &[copy_ref("us-east-1:snap-2026-11-02")]);
}

#[test]
fn of_two_instances_with_a_volume_the_one_that_reaches_farther_back_speaks() {
    let days = |days: &'static str| [("RetentionDays", days), ("KeepLast", "1")];
    let cases = [
        ("RetentionWeeks", "5", "30", "2026-10-20"),
        ("RetentionMonths", "2", "40", "2026-10-01"),
        ("RetentionYears", "2", "400", "2025-03-01"),
    ];
    for (key, count, fewer, old) in cases {
        let account = world(NOW).server("i-1", &days(fewer), "vol-1").server("i-2", &[(key, count)], "vol-1");
        let plan = sound(&account.snapshots([made(old, "").tag("InstanceID", "i-0"), made("2026-11-21", "")]));
        let (act, reason) = of_snapshot(&plan, &format!("snap-{old}"));
        let speaks = matches!(reason, Reason::KeptByTier { by: KeptBy::Tags(by), .. } if by.as_str() == "i-2");
        assert!(*act == Act::Keep && speaks, "{key}: {reason}");
    }
}

// Shorter.

/// The instance asked for four weeks; now it asks for one, and the snapshots since `day` say so.
fn shortened(newest: &[&str]) -> World {
    let newest = newest.iter().map(|day| made(day, "days=7 weeks=1"));
    let older = ["2026-10-20", "2026-11-03"].map(|day| made(day, WEEKS));
    world(NOW).server("i-1", &[("RetentionWeeks", "1")], "vol-1").snapshots(older).snapshots(newest)
}

fn shorter(ids: &[&str], from: Option<&str>) -> Problem {
    Problem::ShorterRetention {
        snapshots: ids.iter().map(|id| snapshot_id(id)).collect(),
        from: from.map(date),
        approval: format!("i-1:2026-11-22:{}", ids.len()).parse().unwrap(),
    }
}

#[test]
fn a_shorter_retention_waits_for_the_days_of_grace_and_a_finding_shows_what_it_would_delete() {
    let plan = sound(&shortened(&["2026-11-17", "2026-11-21"]));
    assert_eq!(deleted(&plan), Vec::<String>::new());
    let ids = ["snap-2026-10-20", "snap-2026-11-03"];
    let problem = shorter(&ids, Some("2026-11-24"));
    assert_eq!(problems(&plan, "i-1"), std::slice::from_ref(&problem));
    assert_eq!(
        problem.to_string(),
        "its retention is shorter than what was promised: 2 would be deleted (snap-2026-10-20, snap-2026-11-03); they go \
         on 2026-11-24, at once with --approve i-1:2026-11-22:2, and never if the tags are set back before"
    );
    let (act, reason) = of_snapshot(&plan, "snap-2026-11-03");
    assert_eq!(
        (act, reason.to_string().as_str()),
        (
            &Act::Keep,
            "DeleteOn 2026-11-10 has come; kept as it was promised (first of week 2026-W45 (2 of 4)), i-1 asks for less \
             now, which takes effect on 2026-11-24"
        )
    );
}

#[test]
fn when_the_grace_is_over_it_takes_effect() {
    let plan = sound(&shortened(&["2026-11-13", "2026-11-16", "2026-11-21"]));
    assert_eq!(deleted(&plan), ["snap-2026-10-20", "snap-2026-11-03", "snap-2026-11-13"]);
    let later = Config { grace_days: 10, ..Config::default() };
    let kept = shortened(&["2026-11-13", "2026-11-16", "2026-11-21"]);
    assert_eq!(deleted(&sound_with(&kept, &later)), Vec::<String>::new(), "the one of the 13th says since when");
}

#[test]
fn before_a_snapshot_states_it_the_grace_has_not_begun() {
    let world = world(NOW)
        .server("i-1", &[("RetentionWeeks", "1")], "vol-1")
        .snapshots(["2026-10-20", "2026-11-03", "2026-11-21"].map(|day| made(day, WEEKS)));
    let plan = sound(&world);
    let problem = shorter(&["snap-2026-10-20", "snap-2026-11-03"], None);
    assert_eq!(problems(&plan, "i-1"), std::slice::from_ref(&problem));
    assert!(problem.to_string().contains("once snapshots are made under it and old enough"), "{problem}");
}

#[test]
fn the_oldest_that_states_it_stays_while_others_wait_or_the_grace_would_never_be_over() {
    let brief = |days: &[&str]| {
        let newest = days.iter().map(|day| {
            let delete_on = date(day).saturating_add(jiff::ToSpan::days(1)).to_string();
            made(day, "days=1 last=1").tag("DeleteOn", &delete_on)
        });
        let tags = [("RetentionDays", "1"), ("KeepLast", "1")];
        world(NOW).server("i-1", &tags, "vol-1").snapshot(made("2026-11-03", WEEKS)).snapshots(newest)
    };
    let plan = sound(&brief(&["2026-11-17", "2026-11-18", "2026-11-21"]));
    assert_eq!(deleted(&plan), ["snap-2026-11-18"]);
    let (act, reason) = of_snapshot(&plan, "snap-2026-11-17");
    assert_eq!(
        (act, reason.to_string().as_str()),
        (&Act::Keep, "DeleteOn 2026-11-18 has come; kept while the shorter retention of i-1 waits: it says since when")
    );
    assert_eq!(problems(&plan, "i-1"), [shorter(&["snap-2026-11-03"], Some("2026-11-24"))]);
    let plan = sound(&brief(&["2026-11-14", "2026-11-21"]));
    assert_eq!(deleted(&plan), ["snap-2026-11-03", "snap-2026-11-14"], "the grace is over");
}

#[test]
fn a_snapshot_that_states_another_policy_breaks_the_grace() {
    let mended = shortened(&["2026-11-10", "2026-11-20"]).snapshot(made("2026-11-19", WEEKS));
    let plan = sound(&mended);
    assert_eq!(problems(&plan, "i-1"), [shorter(&["snap-2026-10-20", "snap-2026-11-03"], Some("2026-11-27"))]);
}

#[test]
fn all_tiers_taken_away_is_a_shorter_retention_too() {
    let plain = |days: &[&str]| {
        let newest = days.iter().map(|day| made(day, ""));
        world(NOW).server("i-1", &[], "vol-1").snapshots(week(WEEKS)[..3].to_vec()).snapshots(newest)
    };
    let plan = sound(&plain(&["2026-11-18"]));
    assert_eq!(problems(&plan, "i-1"), [shorter(&["snap-2026-11-02"], Some("2026-11-25"))]);
    let plan = sound(&plain(&["2026-11-15", "2026-11-21"]));
    assert_eq!(deleted(&plan)[..3], ["snap-2026-11-02", "snap-2026-11-03", "snap-2026-11-04"]);
}

#[test]
fn what_is_made_while_a_tag_is_mistyped_does_not_state_that_less_is_asked_for() {
    // RetentionWeeks=4 became 52w, which nobody can read; weeks later the tag is taken away.
    let meanwhile = |record: &str| {
        let mistyped = made("2026-11-10", record).tag("DeleteOn", "2027-11-10");
        world(NOW).server("i-1", &[], "vol-1").snapshots([made("2026-11-03", WEEKS), mistyped, made("2026-11-21", "")])
    };
    let plan = sound(&meanwhile("days=365 mistyped"));
    assert_eq!(deleted(&plan), Vec::<String>::new());
    assert_eq!(problems(&plan, "i-1"), [shorter(&["snap-2026-11-03"], Some("2026-11-28"))]);
    assert_eq!(deleted(&sound(&meanwhile(""))), ["snap-2026-11-03"], "one that was asked for so");
    // The same where another tier could be read.
    let left = |record: &str| {
        let newest = [made("2026-11-10", record), made("2026-11-21", "days=7 weeks=1")];
        let tags = [("RetentionWeeks", "1")];
        world(NOW).server("i-1", &tags, "vol-1").snapshot(made("2026-11-03", WEEKS)).snapshots(newest)
    };
    let plan = sound(&left("days=7 weeks=1 mistyped"));
    assert_eq!(problems(&plan, "i-1"), [shorter(&["snap-2026-11-03"], Some("2026-11-28"))]);
    assert_eq!(deleted(&sound(&left("days=7 weeks=1"))), ["snap-2026-11-03", "snap-2026-11-10"]);
}

#[test]
fn a_person_may_approve_it_for_as_many_and_as_old_ones_as_were_read() {
    let world = shortened(&["2026-11-21"]);
    let approve = |words: &str| {
        let config = Config { approvals: vec![words.parse().unwrap()], ..Config::default() };
        let plan = sound_with(&world, &config);
        (deleted(&plan), problems(&plan, "i-1"))
    };
    assert_eq!(approve("i-1:2026-11-22:2"), (vec!["snap-2026-10-20".into(), "snap-2026-11-03".into()], vec![]));
    let left = Problem::ShorterRetention {
        snapshots: vec![snapshot_id("snap-2026-11-03")],
        from: Some(date("2026-11-28")),
        approval: "i-1:2026-11-22:2".parse().unwrap(),
    };
    assert_eq!(approve("i-1:2026-11-22:1"), (vec!["snap-2026-10-20".into()], vec![left.clone()]), "the oldest");
    assert_eq!(approve("i-1:2026-11-01:9"), (vec!["snap-2026-10-20".into()], vec![left]), "up to that DeleteOn");
    assert_eq!(approve("i-2:2026-11-22:9").0, Vec::<String>::new(), "another's");
    assert_eq!(approve("us-east-1:2026-11-22:9").0, Vec::<String>::new(), "a Region's is of S9 alone");
}

#[test]
fn a_shorter_retention_does_not_take_effect_where_a_region_that_may_hold_newer_ones_was_not_read() {
    let stated = shortened(&["2026-11-13", "2026-11-21"]);
    assert_eq!(deleted(&sound(&stated)).len(), 3);
    assert_eq!(deleted(&sound(&stated.clone().unread(FAR))).len(), 3, "one where none can lie");
    let to = |destinations: &str| {
        let with = |instance: &mut Instance| instance.tags.set("DestinationRegion", destinations);
        stated.clone().with_instance("i-1", with)
    };
    assert_eq!(deleted(&sound(&to(AWAY).unread(AWAY))), Vec::<String>::new());
    assert_eq!(deleted(&sound(&to("eu-west-1,us-west-2").unread(FAR))), Vec::<String>::new());
    // Where one of the snapshots was to be copied to, and where one was copied from.
    let older = made("2026-11-14", "days=7 weeks=1");
    let meant = stated.clone().snapshot(older.clone().tag("DestinationRegion", AWAY)).unread(AWAY);
    assert!(!deleted(&sound(&meant)).contains(&"snap-2026-10-20".to_owned()));
    let copied = copy("snap-c", &older).tag("SourceRegion", FAR);
    let copied = stated.region(AWAY).snapshot(copied).region(HOME).unread(FAR);
    assert!(!deleted(&sound(&copied)).contains(&"snap-2026-10-20".to_owned()));
}

// Copies.

#[test]
fn copies_with_days_of_their_own_are_born_with_the_day_that_these_say() {
    let record = "days=7 copies: days=30 weeks=8";
    let source = made("2026-11-21", record).tag("DestinationRegion", AWAY);
    let born = copy_tags(&source.0.id, &region(HOME), &source.0);
    assert_eq!((born.get("DeleteOn"), born.get(RECORD)), (Some("2026-12-21"), Some(record)));
    let moved = source.clone().tag("DeleteOn", "2027-06-01");
    assert_eq!(copy_tags(&moved.0.id, &region(HOME), &moved.0).get("DeleteOn"), Some("2027-06-01"), "by a person");
    let kept = source.no_tag("DeleteOn");
    assert!(!copy_tags(&kept.0.id, &region(HOME), &kept.0).has("DeleteOn"), "a person's way to keep it");
}

#[test]
fn a_copy_with_a_shorter_life_than_its_source_is_verified_and_not_mended() {
    let source = made("2026-11-21", "days=30 copies: days=7").tag("DeleteOn", "2026-12-21");
    let source = source.tag("DestinationRegion", AWAY).tag("OffsiteMode", "Copy");
    let copy = copy("snap-c", &source).tag("DeleteOn", "2026-11-28");
    let world = world(NOW).snapshot(source).region(AWAY).snapshot(copy);
    let plan = world.offsite();
    assert_eq!(check(&plan, &world.inventory, &Config::default()), []);
    let (act, reason) = of_copy(&plan, "snap-2026-11-21", AWAY);
    assert!(matches!((act, reason), (Act::Skip, Reason::Verified { .. })), "{reason}");
}

#[test]
fn copies_of_a_policy_of_their_own_have_a_history_of_their_own() {
    let record = "days=7 copies: days=7 weeks=4";
    let tags = [("DestinationRetentionWeeks", "4"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy")];
    let [monday, tuesday, _, yesterday] = week(record).map(|snap| snap.tag("DestinationRegion", AWAY));
    // Monday's has no copy: among the copies Tuesday's is the first of its week.
    let plan = sound(
        &world(NOW)
            .server("i-1", &tags, "vol-1")
            .snapshots([monday, tuesday.clone(), yesterday.clone()])
            .region(AWAY)
            .snapshots([copy("snap-c", &tuesday), copy("snap-d", &yesterday)]),
    );
    assert!(kept_by_tags(&plan, "snap-c").contains("first of week 2026-W45 (2 of 4)"));
    assert_eq!(deleted(&plan), ["snap-2026-11-02", "snap-2026-11-03"], "sources have no tiers");
}

// The check.

#[test]
fn the_check_drops_a_delete_that_a_tier_stands_against() {
    let cases = [
        (world(NOW).server("i-1", &[("RetentionWeeks", "4")], "vol-1").snapshots(week(WEEKS)), "weeks"),
        (world(NOW).volume("vol-1", &[]).snapshots(week(WEEKS)), "weeks"),
        (world(NOW).server("i-1", &[("KeepLast", "4")], "vol-1").snapshots(week("")), "newest"),
        (world(NOW).server("i-1", &[("RetentionYears", "1")], "vol-1").snapshots(week("")), "years"),
        (world(NOW).server("i-1", &[("RetentionMonths", "1")], "vol-1").snapshots(week("")), "months"),
        (
            world(NOW).server("i-1", &[("RetentionDays", "60"), ("KeepLast", "1")], "vol-1").snapshots(week("")),
            "60 days",
        ),
        (shortened(&["2026-11-17", "2026-11-21"]).snapshots(week(WEEKS)[..1].to_vec()), "too short a time ago"),
        (world(NOW).volume("vol-1", &[]).snapshots(week("days=7 weeks=x")), "cannot be read"),
    ];
    for (world, why) in cases {
        let mut plan = world.expire();
        let kept = plan.decisions.iter_mut().find(|d| d.subject == subject("snap-2026-11-02")).unwrap();
        assert_eq!(kept.act, Act::Keep, "{why}");
        kept.act = Act::Delete { anchor: None, rests_on: Vec::new() };
        let violations = check(&plan, &world.inventory, &Config::default());
        let found: Vec<_> = violations.iter().filter(|violation| violation.rule == Rule::S3).collect();
        assert!(found.iter().any(|violation| violation.text.contains(why)), "{why}: {violations:?}");
        let rest = plan.without(&violations);
        assert!(!deleted(&rest).contains(&"snap-2026-11-02".to_owned()), "{why}");
    }
}

fn subject(id: &str) -> snapwarden_core::decision::Subject {
    snapwarden_core::decision::Subject::Snapshot(snapshot_id(id))
}

#[test]
fn the_check_wants_instances_read() {
    let world = world(NOW).volume("vol-1", &[]).snapshots(week("")).instances_gap();
    let mut plan = world.expire();
    let kept = plan.decisions.iter_mut().find(|d| d.subject == subject("snap-2026-11-02")).unwrap();
    kept.act = Act::Delete { anchor: None, rests_on: Vec::new() };
    let violations = check(&plan, &world.inventory, &Config::default());
    assert!(violations.iter().any(|violation| violation.rule == Rule::S7), "{violations:?}");
}

#[test]
fn the_check_counts_what_an_approval_of_a_shorter_retention_lets_go() {
    let world = shortened(&["2026-11-21"]);
    let approved = Config { approvals: vec!["i-1:2026-11-22:2".parse::<Approval>().unwrap()], ..Config::default() };
    let plan = sound_with(&world, &approved);
    let fewer = Config { approvals: vec!["i-1:2026-11-22:1".parse().unwrap()], ..Config::default() };
    let violations = check(&plan, &world.inventory, &fewer);
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(violations[0].text.contains("asks for less than was promised"), "{violations:?}");
}

#[test]
fn a_record_reads_back_what_it_prints_and_refuses_the_rest() {
    for good in ["days=1", "days=7 weeks=4 zone=Asia/Kolkata", "days=7 copies: days=1 last=1000"] {
        assert_eq!(good.parse::<Retention>().unwrap().to_string(), good);
    }
    for bad in [
        "",
        "days=0",
        "days=07",
        "weeks=4",
        "days=7 weeks=0",
        "days=7 zone=UTC",
        "days=7 copies: zone=Asia/Tokyo days=7",
        "days=7 days=8",
    ] {
        assert!(bad.parse::<Retention>().is_err(), "{bad}");
    }
}
