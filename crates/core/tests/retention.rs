//! Retention beyond DeleteOn: what is recorded at birth, histories, what is in force, what stays as evidence, closing,
//! approvals, and what is kept while not all can be read.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::*;
use jiff::ToSpan;
use snapwarden_core::check::{Rule, check};
use snapwarden_core::decision::{Act, Amount, Evidence, Over, Plan, Problem, Reason, Stays, Subject, Unread};
use snapwarden_core::inventory::{Instance, InstanceState};
use snapwarden_core::policy::Config;
use snapwarden_core::retention::{Asked, By, Recorded, Retention, Wanted};
use snapwarden_core::schedule::Zone;
use snapwarden_core::tags::of_copy as copy_tags;

const RECORD: &str = "snapwarden:retention";
const CLOSED: &str = "snapwarden:closed";
const WEEKS: &str = "days=7 weeks=4";

/// One of ours of this day, made under a policy: kept for its days, or for 7 without one.
fn made(day: &str, record: &str) -> Snap {
    named(&format!("snap-{day}"), day, record)
}

fn named(id: &str, day: &str, record: &str) -> Snap {
    let days = record.parse::<Retention>().map_or(7, |policy| policy.own.days);
    let delete_on = date(day).saturating_add(i64::from(days).days()).to_string();
    let snap = ours(id, "vol-1", day, &delete_on);
    if record.is_empty() { snap } else { snap.tag(RECORD, record) }
}

fn to(destinations: &str, snap: Snap) -> Snap {
    snap.tag("DestinationRegion", destinations)
}

/// Three snapshots of one week long past, and one of yesterday; [`NOW`] is Sunday 2026-11-22.
fn week(record: &str) -> [Snap; 4] {
    ["2026-11-02", "2026-11-03", "2026-11-04", "2026-11-21"].map(|day| made(day, record))
}

/// What puts the policy in force that keeps a snapshot, and what that wants.
fn kept_by<'p>(plan: &'p Plan, id: &str) -> (&'p By, &'p Wanted) {
    match of_snapshot(plan, id) {
        (Act::Keep, Reason::KeptByPolicy { by, wanted, .. }) => (by, wanted),
        other => panic!("{id}: {other:?}"),
    }
}

fn kept_by_tags<'p>(plan: &'p Plan, id: &str, instance: &str) -> &'p Wanted {
    match kept_by(plan, id) {
        (By::Tags(of), wanted) if of.as_str() == instance => wanted,
        other => panic!("{id}: {other:?}"),
    }
}

/// The same of what the newest snapshot records.
fn kept_by_newest<'p>(plan: &'p Plan, id: &str, newest: &str) -> &'p Wanted {
    match kept_by(plan, id) {
        (By::Newest(of), wanted) if of.as_str() == newest => wanted,
        other => panic!("{id}: {other:?}"),
    }
}

/// `first of week 2026-W45 (2 of 4)`, or the days.
fn words(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Days(days) => format!("{days} days"),
        Wanted::Tier(said) => said.to_string(),
    }
}

/// The day until which only the grace period keeps a snapshot.
fn in_grace_until(plan: &Plan, id: &str) -> String {
    match of_snapshot(plan, id) {
        (Act::Keep, Reason::KeptInGrace { until, .. }) => until.to_string(),
        other => panic!("{id}: {other:?}"),
    }
}

/// The day until which only the closing days keep a snapshot.
fn in_closing_until(plan: &Plan, id: &str) -> String {
    match of_snapshot(plan, id) {
        (Act::Keep, Reason::KeptForClosing { until, .. }) => until.to_string(),
        other => panic!("{id}: {other:?}"),
    }
}

fn is_last_good(plan: &Plan, id: &str) -> bool {
    matches!(of_snapshot(plan, id), (Act::Keep, Reason::LastGood { .. }))
}

fn evidence<'p>(plan: &'p Plan, id: &str) -> &'p Evidence {
    match of_snapshot(plan, id) {
        (Act::Keep, Reason::KeptAsEvidence { evidence, .. }) => evidence,
        other => panic!("{id}: {other:?}"),
    }
}

fn unread<'p>(plan: &'p Plan, id: &str) -> &'p [Unread] {
    match of_snapshot(plan, id) {
        (Act::Keep, Reason::HistoryUnread { unread }) => unread,
        other => panic!("{id}: {other:?}"),
    }
}

/// The day that a snapshot is marked with; none where its mark is emptied.
fn marked(plan: &Plan, id: &str) -> Option<String> {
    match of_snapshot(plan, id) {
        (Act::Mark { closed }, Reason::VolumeOver { .. } | Reason::VolumeBack { .. }) => {
            closed.map(|day| day.to_string())
        }
        other => panic!("{id}: {other:?}"),
    }
}

fn some(snapshots: usize) -> Amount {
    Amount { snapshots, gib: 8 * snapshots as u64 }
}

const NONE: [&str; 0] = [];

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

/// The same where the manager keeps more than the check asks for.
fn careful(world: &World) -> Plan {
    let plan = world.expire();
    assert_eq!(check(&plan, &world.inventory, &Config::default()), []);
    plan
}

/// With these words of a person.
fn approved(words: &[&str]) -> Config {
    Config { approvals: words.iter().map(|word| word.parse().unwrap()).collect(), ..Config::default() }
}

fn no_instances(region: &str) -> Unread {
    Unread::Instances(common::region(region))
}

// Birth.

#[test]
fn plain_days_are_recorded_too() {
    let plan = world(NOW).server("i-1", &[("RetentionDays", "30")], "vol-1").create();
    let born = &plan.groups[0].tags;
    assert_eq!((born.get("DeleteOn"), born.get(RECORD)), (Some("2026-12-22"), Some("days=30")));
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
fn what_is_made_while_a_tag_is_mistyped_is_kept_for_a_year_and_a_finding_says_so() {
    let tags = [("RetentionWeeks", "4w"), ("RetentionMonths", "6")];
    let plan = world(NOW).server("i-1", &tags, "vol-1").create();
    let born = &plan.groups[0].tags;
    assert_eq!((born.get("DeleteOn"), born.get(RECORD)), (Some("2027-11-22"), Some("days=365 months=6 mistyped")));
    let problem = Problem::RetentionUnreadable { key: "RetentionWeeks".into(), value: "4w".into(), days: 365 };
    assert_eq!(problems(&plan, "i-1"), std::slice::from_ref(&problem));
    assert_eq!(
        problem.to_string(),
        "RetentionWeeks=\"4w\" is not a number that it can be. Until it is fixed, new snapshots are kept for 365 days, \
         and nothing of its volumes is deleted"
    );
    let only = world(NOW).server("i-1", &[("RetentionWeeks", "4w")], "vol-1").create();
    assert_eq!(only.groups[0].tags.get(RECORD), Some("days=365 mistyped"), "or it would look like a plain policy");
    let days = world(NOW).server("i-1", &[("DestinationRetentionDays", "forever")], "vol-1").create();
    assert_eq!(days.groups[0].tags.get(RECORD), Some("days=365 mistyped copies: days=365"));
}

#[test]
fn what_is_made_while_a_tag_is_mistyped_is_kept_for_as_long_as_was_most_likely_meant() {
    let born = |key, text| {
        let plan = world(NOW).server("i-1", &[(key, text)], "vol-1").create();
        plan.groups[0].tags.get("DeleteOn").unwrap().to_owned()
    };
    assert_eq!(born("RetentionDays", "99999"), "2126-10-29", "a hundred years, the longest");
    assert_eq!(born("RetentionDays", "36501"), "2126-10-29");
    assert_eq!(born("RetentionDays", "3650d"), "2036-11-19");
    assert_eq!(born("RetentionDays", "10y"), "2036-11-29");
    assert_eq!(born("RetentionDays", "730 days"), "2028-11-21");
    assert_eq!(born("RetentionMonths", "24 months"), "2028-12-05");
    assert_eq!(born("KeepLast", "5000"), "2027-11-22");
    assert_eq!(born("RetentionDays", &"9".repeat(30)), "2126-10-29");
}

#[test]
fn a_volume_of_several_instances_belongs_to_the_one_whose_tiers_reach_farthest_and_records_the_greater_of_each() {
    let plan = world(NOW)
        .server("i-1", &[("RetentionDays", "30"), ("DestinationRegion", AWAY), ("OffsiteMode", "Move")], "vol-1")
        .server("i-2", &[("RetentionMonths", "2"), ("DestinationRegion", FAR), ("OffsiteMode", "Copy")], "vol-1")
        .create();
    let group = &plan.groups[0];
    assert_eq!((plan.groups.len(), group.instance.as_str()), (1, "i-2"));
    assert_eq!(group.tags.get(RECORD), Some("days=30 months=2"));
    assert_eq!(
        (group.tags.get("DestinationRegion"), group.tags.get("OffsiteMode")),
        (Some("us-west-2 eu-west-1"), Some("Copy"))
    );
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

// Histories.

#[test]
fn the_instances_tags_keep_the_first_of_a_week_and_the_others_go() {
    let plan = sound(&world(NOW).server("i-1", &[("RetentionWeeks", "4")], "vol-1").snapshots(week(WEEKS)));
    assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-02", "i-1")), "first of week 2026-W45 (2 of 4)");
    let (_, reason) = of_snapshot(&plan, "snap-2026-11-02");
    assert_eq!(
        reason.to_string(),
        "DeleteOn 2026-11-09 has come; kept as first of week 2026-W45 (2 of 4), by the tags of i-1"
    );
    assert_eq!(deleted(&plan), ["snap-2026-11-03", "snap-2026-11-04"]);
    let (act, reason) = of_snapshot(&plan, "snap-2026-11-03");
    let Act::Delete { rests_on, .. } = act else { panic!("{act:?}") };
    assert_eq!(rests_on, &[copy_ref("us-east-1:snap-2026-11-02")], "the second look wants the first of its week");
    let said = reason.to_string();
    assert!(said.ends_with("; no tier keeps it: snap-2026-11-02 is the first of week 2026-W45"), "{said}");
}

#[test]
fn periods_are_those_of_the_schedules_zone() {
    // Sunday 23:30 in UTC is Monday in Auckland.
    let tags = [("RetentionWeeks", "9"), ("BackupSchedule", "daily 12:30 Pacific/Auckland")];
    let sunday = made("2026-11-08", "").at("2026-11-08T23:30:00Z").tag("snapwarden:slot", "2026-11-08T23:30Z");
    let plan = sound(&world(NOW).server("i-1", &tags, "vol-1").snapshots([sunday, made("2026-11-10", "")]));
    assert!(words(kept_by_tags(&plan, "snap-2026-11-08", "i-1")).contains("week 2026-W46"));
    assert_eq!(deleted(&plan), NONE, "the newest stays");
}

#[test]
fn failed_and_pending_ones_are_no_first_of_a_week_and_none_of_the_newest() {
    let tags = [("RetentionWeeks", "4"), ("KeepLast", "2")];
    let account = world(NOW).server("i-1", &tags, "vol-1").snapshots([
        made("2026-11-02", "days=7 weeks=4 last=2").failed("Internal error"),
        made("2026-11-03", "days=7 weeks=4 last=2"),
        made("2026-11-04", "days=7 weeks=4 last=2"),
        made("2026-11-22", "days=7 weeks=4 last=2").pending(),
    ]);
    let plan = sound(&account);
    assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-03", "i-1")), "first of week 2026-W45 (1 of 4)");
    assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-04", "i-1")), "1 of the newest 2");
    assert_eq!(deleted(&plan), ["snap-2026-11-02"], "the failed one");
}

#[test]
fn in_its_home_what_was_moved_away_takes_a_place_and_is_no_first() {
    let made = |day: &str| to(AWAY, made(day, "days=7 weeks=2"));
    let account = |copy: Snap| {
        let here = world(NOW).server("i-1", &[("RetentionWeeks", "2"), ("DestinationRegion", AWAY)], "vol-1");
        sound(&here.snapshots(["2026-11-03", "2026-11-20"].map(made)).region(AWAY).snapshot(copy))
    };
    let of_same_week = account(copy("snap-c", &made("2026-11-02")));
    assert_eq!(words(kept_by_tags(&of_same_week, "snap-2026-11-03", "i-1")), "first of week 2026-W45 (2 of 2)");
    let moved = copy("snap-c", &made("2026-11-10"));
    let plan = account(moved.clone());
    assert_eq!(deleted(&plan), ["snap-2026-11-03"]);
    let reason = of_snapshot(&plan, "snap-2026-11-03").1.to_string();
    assert!(reason.contains("week 2026-W45 is past the newest 2"), "{reason}");
    assert_eq!(words(kept_by_tags(&plan, "snap-c", "i-1")), "first of week 2026-W46 (1 of 2)", "there by itself");
    for other in [moved.clone().pending(), moved.failed("KMS")] {
        assert_eq!(words(kept_by_tags(&account(other), "snap-2026-11-03", "i-1")), "first of week 2026-W45 (2 of 2)");
    }
}

#[test]
fn what_was_moved_away_counts_among_the_newest_at_home_and_not_the_other_way_round() {
    let record = "days=1 last=2";
    let tags = [("RetentionDays", "1"), ("KeepLast", "2"), ("DestinationRegion", AWAY)];
    let moved = ["2026-11-15", "2026-11-16"].map(|day| to(AWAY, made(day, record)));
    let plan = sound(
        &world(NOW)
            .server("i-1", &tags, "vol-1")
            .snapshots(["2026-11-12", "2026-11-13", "2026-11-14"].map(|day| to(AWAY, made(day, record))))
            .region(AWAY)
            .snapshots([copy("snap-c", &moved[0]), copy("snap-d", &moved[1])]),
    );
    assert_eq!(deleted(&plan), ["snap-2026-11-12", "snap-2026-11-13"], "the two newest moments are away");
    assert!(is_last_good(&plan, "snap-2026-11-14"));
    assert_eq!(
        words(kept_by_tags(&plan, "snap-c", "i-1")),
        "2 of the newest 2",
        "what is at home pushes nothing out there"
    );
}

#[test]
fn each_destination_keeps_the_first_that_it_has_itself() {
    let both = "eu-west-1 us-west-2";
    let tags = [("RetentionDays", "7"), ("RetentionMonths", "3"), ("DestinationRegion", both)];
    let sources =
        ["2026-09-01", "2026-09-02", "2026-10-01", "2026-11-21"].map(|day| to(both, made(day, "days=7 months=3")));
    let copies = |prefix: &'static str, of: &[usize]| {
        of.iter().map(|n| copy(&format!("snap-{prefix}{n}"), &sources[*n])).collect::<Vec<_>>()
    };
    let plan = sound(
        &world(NOW)
            .server("i-1", &tags, "vol-1")
            .region(AWAY)
            .snapshots(copies("a", &[0, 1, 2, 3]))
            .region(FAR)
            .snapshots(copies("f", &[1, 2, 3])),
    );
    assert_eq!(deleted(&plan), ["snap-a1"], "what another Region has does not make up for what is missing here");
    assert_eq!(words(kept_by_tags(&plan, "snap-f1", "i-1")), "first of month 2026-09 (3 of 3)");
}

#[test]
fn a_moment_is_a_snapshot_and_its_copies_whether_each_of_them_has_a_record_or_not() {
    let sources = week(WEEKS).map(|snap| to(AWAY, snap));
    let plan = sound(
        &world(NOW)
            .server("i-1", &[("RetentionWeeks", "4"), ("DestinationRegion", AWAY)], "vol-1")
            .snapshots(sources.clone())
            .region(AWAY)
            .snapshot(copy("snap-c", &sources[0]).no_tag(RECORD)),
    );
    assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-02", "i-1")), "first of week 2026-W45 (2 of 4)");
    assert_eq!(words(kept_by_tags(&plan, "snap-c", "i-1")), "first of week 2026-W45 (1 of 4)");
    assert_eq!(deleted(&plan), ["snap-2026-11-03", "snap-2026-11-04"]);
}

/// Two copies of one moment in one Region, since two runs were at work at once; a person changes the time of one.
#[test]
fn a_copy_whose_time_was_changed_is_judged_by_it_and_the_other_one_of_its_moment_by_the_true_one() {
    let sources = week(WEEKS).map(|snap| to(AWAY, snap));
    let tags = [("RetentionWeeks", "4"), ("KeepLast", "2"), ("DestinationRegion", AWAY)];
    let there = |changed: &str| {
        let copies = [copy("snap-a", &sources[0]), copy("snap-c", &sources[1]), copy("snap-d", &sources[3])];
        let twin = copy("snap-b", &sources[0]).tag("SourceStartTime", changed);
        world(NOW).server("i-1", &tags, "vol-1").region(AWAY).snapshots(copies).snapshot(twin)
    };
    let earlier = sound(&there("-000001-01-01T00:00:00Z"));
    assert_eq!(words(kept_by_tags(&earlier, "snap-a", "i-1")), "first of week 2026-W45 (2 of 4)");
    let later = careful(&there("2026-11-02T03:10:00Z"));
    assert_eq!(words(kept_by_tags(&later, "snap-b", "i-1")), "first of week 2026-W45 (2 of 4)");
    // The moment takes one place among the newest.
    assert_eq!(words(kept_by_tags(&later, "snap-c", "i-1")), "2 of the newest 2");
    // One that lost its time is no moment of its own.
    assert_eq!(deleted(&careful(&there("yes"))), Vec::<String>::new());
}

#[test]
fn what_a_delete_rests_on_is_named_here_where_there_is_one_here() {
    let sources = week(WEEKS).map(|snap| to(AWAY, snap));
    let tags = [("RetentionWeeks", "4"), ("DestinationRegion", AWAY)];
    let account = world(NOW).server("i-1", &tags, "vol-1").snapshots(sources.clone()).region(AWAY);
    let plan = sound(&account.snapshot(copy("snap-c", &sources[0])));
    let (act, _) = of_snapshot(&plan, "snap-2026-11-03");
    let Act::Delete { rests_on, .. } = act else { panic!("{act:?}") };
    assert!(rests_on.contains(&copy_ref("us-east-1:snap-2026-11-02")), "{rests_on:?}");
    assert!(!rests_on.contains(&copy_ref("eu-west-1:snap-c")), "{rests_on:?}");
}

#[test]
fn the_last_good_one_is_the_newest_of_each_history_and_the_newest_in_the_standard_tier() {
    let sources = ["2026-11-02", "2026-11-03", "2026-11-04"].map(|day| to(AWAY, made(day, "days=7")));
    let account = world(NOW).server("i-1", &[("DestinationRegion", AWAY)], "vol-1").snapshots([
        sources[0].clone(),
        sources[1].clone(),
        sources[2].clone().archived(),
    ]);
    let plan = sound(&account.region(AWAY).snapshots([copy("snap-c", &sources[0]), copy("snap-d", &sources[1])]));
    assert_eq!(deleted(&plan), ["snap-c", "snap-2026-11-02"]);
    assert!(["snap-2026-11-03", "snap-2026-11-04", "snap-d"].into_iter().all(|id| is_last_good(&plan, id)));
}

#[test]
fn copies_of_a_policy_of_their_own_have_a_history_of_their_own() {
    let record = "days=7 copies: days=7 weeks=4";
    let tags = [("DestinationRetentionWeeks", "4"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy")];
    let [monday, tuesday, _, yesterday] = week(record).map(|snap| to(AWAY, snap));
    // Monday's has no copy: among the copies Tuesday's is the first of its week.
    let plan = sound(
        &world(NOW)
            .server("i-1", &tags, "vol-1")
            .snapshots([monday, tuesday.clone(), yesterday.clone()])
            .region(AWAY)
            .snapshots([copy("snap-c", &tuesday), copy("snap-d", &yesterday)]),
    );
    assert_eq!(words(kept_by_tags(&plan, "snap-c", "i-1")), "first of week 2026-W45 (2 of 4)");
    assert_eq!(deleted(&plan), ["snap-2026-11-02", "snap-2026-11-03"], "sources have no tiers");
}

#[test]
fn where_any_policy_in_force_has_a_part_for_copies_sources_and_copies_are_two_histories_for_all_of_them() {
    // The tags have none, the record of before has one: it is in force for two days more.
    let before = "days=7 last=1 copies: days=7 last=1";
    let old = made("2026-11-02", before);
    let copy_here = copy("snap-c", &old);
    let newest = made("2026-11-17", "days=7 last=1");
    let account = |newest: Snap| {
        let here = world(NOW).server("i-1", &[("KeepLast", "1")], "vol-1");
        sound(&here.snapshots([old.clone(), copy_here.clone(), newest]))
    };
    let plan = account(newest);
    assert_eq!(of_snapshot(&plan, "snap-c").0, &Act::Keep, "the newest of the copies");
    assert_eq!(deleted(&plan), NONE);
    assert_eq!(deleted(&account(made("2026-11-14", "days=7 last=1"))), ["snap-2026-11-02", "snap-c"]);
}

// In force.

#[test]
fn a_longer_retention_takes_effect_at_once() {
    let tiers = [("RetentionWeeks", "4")];
    let plan = sound(&world(NOW).server("i-1", &tiers, "vol-1").snapshots(week("")));
    assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-02", "i-1")), "first of week 2026-W45 (2 of 4)");
    let days = [("RetentionDays", "30"), ("KeepLast", "1")];
    let plan = sound(&world(NOW).server("i-1", &days, "vol-1").snapshots(week("days=7 last=1")));
    assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-03", "i-1")), "30 days");
    assert_eq!(
        of_snapshot(&plan, "snap-2026-11-03").1.to_string(),
        "DeleteOn 2026-11-10 has come; kept for 30 days, by the tags of i-1"
    );
    let plain = [("RetentionDays", "30")];
    let plan = sound(&world(NOW).server("i-1", &plain, "vol-1").snapshots(week("days=7")));
    assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-03", "i-1")), "30 days", "plain days too");
}

#[test]
fn longer_days_are_full_to_the_second() {
    let tags = [("RetentionDays", "8"), ("KeepLast", "1")];
    let at = |time: &str| {
        let old = made("2026-11-14", "days=7 last=1").at(time);
        sound(&world(NOW).server("i-1", &tags, "vol-1").snapshots([old, made("2026-11-21", "days=7 last=1")]))
    };
    assert_eq!(deleted(&at("2026-11-14T04:00:00Z")), ["snap-2026-11-14"]);
    assert_eq!(deleted(&at("2026-11-14T04:00:01Z")), NONE);
}

#[test]
fn longer_days_do_not_hold_without_a_record_nor_where_a_person_moved_the_day() {
    let account =
        |snaps: [Snap; 4]| sound(&world(NOW).server("i-1", &[("RetentionDays", "365")], "vol-1").snapshots(snaps));
    assert_eq!(deleted(&account(week(""))).len(), 3, "days alone were a plain promise");
    let moved = |by: &'static str| {
        week("days=7").map(|snap| if snap.0.id.as_str() == "snap-2026-11-03" { snap.tag("DeleteOn", by) } else { snap })
    };
    assert_eq!(deleted(&account(moved("2026-11-20"))), ["snap-2026-11-03"], "later");
    assert_eq!(
        deleted(&account(moved("2026-11-04"))),
        ["snap-2026-11-03"],
        "sooner: what a person writes counts at once"
    );
    assert_eq!(deleted(&account(moved("2026-11-30"))), NONE);
    assert_eq!(deleted(&account(moved("2026-11-10"))), NONE, "as it was");
    let no_created = week("days=7").map(|snap| snap.no_tag("CreatedOn"));
    let plan = careful(&world(NOW).server("i-1", &[("RetentionDays", "365")], "vol-1").snapshots(no_created));
    assert_eq!(deleted(&plan), NONE, "unknown counts as not moved");
}

#[test]
fn of_a_copy_it_is_the_records_part_for_copies_that_says_whether_the_day_was_moved() {
    let record = "days=7 copies: days=3";
    let source = to(AWAY, made("2026-11-10", record));
    let born = copy("snap-c", &source).tag("DeleteOn", "2026-11-13");
    let account = |copy: Snap| {
        let tags = [("RetentionDays", "7"), ("DestinationRetentionDays", "30"), ("DestinationRegion", AWAY)];
        let newest = to(AWAY, made("2026-11-21", record));
        let away = world(NOW).server("i-1", &tags, "vol-1").snapshot(newest.clone()).region(AWAY);
        sound(&away.snapshots([copy, self::copy("snap-d", &newest)]))
    };
    assert_eq!(words(kept_by_tags(&account(born.clone()), "snap-c", "i-1")), "30 days");
    assert_eq!(deleted(&account(born.tag("DeleteOn", "2026-11-17"))), ["snap-c"], "that of its source is not its own");
}

#[test]
fn tiers_hold_where_a_person_moved_the_day_and_without_a_record() {
    for snap in [made("2026-11-02", ""), made("2026-11-02", WEEKS).tag("DeleteOn", "2026-11-03")] {
        let here = world(NOW).server("i-1", &[("RetentionWeeks", "4")], "vol-1");
        let plan = sound(&here.snapshots([snap, made("2026-11-21", WEEKS)]));
        assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-02", "i-1")), "first of week 2026-W45 (2 of 4)");
    }
}

#[test]
fn days_hold_for_what_was_made_while_a_tag_was_mistyped_though_its_day_was_moved() {
    let mistyped = made("2026-11-10", "days=365 mistyped").tag("DeleteOn", "2026-11-12");
    let here = world(NOW).server("i-1", &[("RetentionDays", "30")], "vol-1");
    let plan = sound(&here.clone().snapshots([mistyped.clone(), made("2026-11-21", "days=30")]));
    assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-10", "i-1")), "30 days");
    let here = world(NOW).server("i-1", &[("RetentionDays", "7")], "vol-1");
    let plan = sound(&here.snapshots([mistyped, made("2026-11-21", "days=7")]));
    assert_eq!(deleted(&plan), ["snap-2026-11-10"], "what a person writes on a snapshot counts at once");
}

#[test]
fn what_was_made_while_a_tag_was_mistyped_stands_and_is_counted_until_a_person_moves_its_day() {
    let made_so = || [made("2026-11-10", "days=365 mistyped"), made("2026-11-11", "days=365 mistyped")];
    let here = |snaps: [Snap; 2]| {
        sound(&world(NOW).server("i-1", &[], "vol-1").snapshots(snaps).snapshot(made("2026-11-21", "days=7")))
    };
    let plan = here(made_so());
    assert_eq!(deleted(&plan), NONE);
    assert!(matches!(of_snapshot(&plan, "snap-2026-11-10"), (Act::Keep, Reason::NotDue { .. })));
    assert_eq!(problems(&plan, HOME), [Problem::MadeMistyped { some: some(2) }]);
    let [one, other] = made_so();
    let plan = here([one.tag("DeleteOn", "2026-11-18"), other]);
    assert_eq!(problems(&plan, HOME), [Problem::MadeMistyped { some: some(1) }]);
    assert_eq!(deleted(&plan), ["snap-2026-11-10"]);
}

#[test]
fn where_no_instance_has_the_volume_what_its_snapshots_record_stands() {
    let left = world(NOW).volume("vol-1", &[]).snapshots(week(WEEKS));
    let plan = sound(&left);
    assert_eq!(words(kept_by_newest(&plan, "snap-2026-11-02", "snap-2026-11-21")), "first of week 2026-W45 (2 of 4)");
    assert_eq!(
        of_snapshot(&plan, "snap-2026-11-02").1.to_string(),
        "DeleteOn 2026-11-09 has come; kept as first of week 2026-W45 (2 of 4), by the policy recorded on \
         snap-2026-11-21, the newest"
    );
    assert_eq!(deleted(&plan), ["snap-2026-11-03", "snap-2026-11-04"]);
    let terminated = left
        .instance("i-1", &[("RetentionWeeks", "1")], &[])
        .with_instance("i-1", |instance| instance.state = InstanceState::Terminated);
    kept_by_newest(&sound(&terminated), "snap-2026-11-02", "snap-2026-11-21");
}

#[test]
fn while_no_instance_has_the_volume_what_any_snapshot_records_counts_and_what_the_named_instance_asks_for() {
    let long_past = [made("2026-10-05", "days=7 months=3"), made("2026-11-03", "days=7"), made("2026-11-04", "days=7")];
    let newest = made("2026-11-21", "days=7");
    let left = world(NOW).volume("vol-1", &[]).snapshots(long_past).snapshot(newest);
    let plan = sound(&left);
    let (by, wanted) = kept_by(&plan, "snap-2026-10-05");
    assert_eq!(
        (by, words(wanted).as_str()),
        (&By::Detached(snapshot_id("snap-2026-10-05")), "first of month 2026-10 (2 of 3)")
    );
    assert_eq!(deleted(&plan), ["snap-2026-11-04"]);
    let named = left.clone().instance("i-1", &[("Backup", "Yes"), ("RetentionDays", "20")], &[]);
    let plan = sound(&named);
    let (by, wanted) = kept_by(&plan, "snap-2026-11-04");
    assert_eq!((by, words(wanted).as_str()), (&By::Named("i-1".parse().unwrap()), "20 days"));
    let attached = left.server("i-2", &[("RetentionDays", "8")], "vol-1");
    assert_eq!(deleted(&sound(&attached)), ["snap-2026-11-04"], "attached a moment ago: nothing was made of i-2 yet");
    let newest = |day: &str| {
        let of_it = made(day, "days=8").tag("InstanceID", "i-2");
        let world = attached.clone().without_snapshots(|id| id == "snap-2026-11-21");
        sound(&world.snapshots([of_it, made("2026-11-22", "days=8").tag("InstanceID", "i-2")]))
    };
    assert_eq!(deleted(&newest("2026-11-16")), NONE, "not for a grace period yet");
    let gone = ["snap-2026-10-05", "snap-2026-11-03", "snap-2026-11-04", "snap-2026-11-14"];
    assert_eq!(deleted(&newest("2026-11-14")), gone, "for longer: the policy of October was replaced long ago");
}

#[test]
fn an_instance_that_is_replaced_by_one_with_the_same_tags_ends_no_grace_period_later() {
    // A new instance every three days, each with a few snapshots; weeks were taken away on the 11th.
    let days = |from: i8, to: i8| (from..=to).map(|n| (n, format!("2026-11-{n:02}")));
    let of = |(n, day): (i8, String)| {
        let record = if n < 11 { "days=1 weeks=9" } else { "days=1" };
        made(&day, record).tag("InstanceID", &format!("i-{}", n / 3))
    };
    let account = |last: i8| {
        let all = days(1, last).map(of);
        let id = format!("i-{}", last / 3);
        let now = format!("2026-11-{last:02}T12:00:00Z");
        let firsts = [made("2026-10-05", "days=1 weeks=9"), made("2026-10-12", "days=1 weeks=9")];
        world(&now).server(&id, &[("RetentionDays", "1")], "vol-1").snapshots(firsts).snapshots(all)
    };
    let first = "snap-2026-10-05".to_owned();
    assert!(!deleted(&sound(&account(17))).contains(&first));
    assert!(deleted(&sound(&account(18))).contains(&first), "7 full days after the 11th");
    // Also where it is made once a week, and what was made in between is gone.
    let rare = account(20).without_snapshots(|id| ("snap-2026-11-12"..="snap-2026-11-19").contains(&id));
    assert!(deleted(&sound(&rare)).contains(&first));
}

#[test]
fn while_no_instance_has_the_volume_the_newest_record_of_each_policy_stays_as_long_as_that_keeps_another() {
    // Lent for a day to an instance that asks for less, before the first policy was recorded on more than one.
    let firsts = ["2026-09-01", "2026-10-01", "2026-11-01"].map(|day| made(day, ""));
    let record = made("2026-11-12", "days=7 months=12");
    let lent = made("2026-11-14", "days=7").tag("InstanceID", "i-2");
    let account = world(NOW).volume("vol-1", &[]).snapshots(firsts).snapshot(record).snapshot(lent);
    let plan = sound(&account);
    assert_eq!(deleted(&plan), NONE);
    assert_eq!(evidence(&plan, "snap-2026-11-12"), &Evidence::OfPolicy);
}

#[test]
fn an_instance_that_only_a_pending_snapshot_names_is_asked_as_well() {
    let pending = named("snap-p", "2026-11-22", "days=4").tag("InstanceID", "i-2").pending();
    let tags = [("Backup", "Yes"), ("RetentionDays", "4"), ("RetentionWeeks", "2")];
    let here = world(NOW).volume("vol-1", &[]).instance("i-2", &tags, &[]);
    let plan = sound(
        &here.snapshots(["2026-11-09", "2026-11-16", "2026-11-17"].map(|day| made(day, "days=4"))).snapshot(pending),
    );
    assert_eq!(kept_by(&plan, "snap-2026-11-09").0, &By::Named("i-2".parse().unwrap()));
}

#[test]
fn the_first_one_of_the_instance_that_has_the_volume_now_stays_while_an_older_one_does() {
    let since = ["2026-11-11", "2026-11-14"].map(|day| made(day, "days=1").tag("InstanceID", "i-2"));
    let world = world("2026-11-15T04:00:00Z").server("i-2", &[("RetentionDays", "1")], "vol-1");
    let world = world.instance("i-1", &[("RetentionYears", "3")], &[]);
    let plan = sound(&world.snapshot(made("2026-10-01", "")).snapshots(since));
    assert_eq!(in_grace_until(&plan, "snap-2026-10-01"), "2026-11-18");
    assert_eq!(evidence(&plan, "snap-2026-11-11"), &Evidence::OfChange);
}

#[test]
fn the_instance_that_has_the_volume_now_speaks_for_one_that_is_gone() {
    let plan = sound(&world(NOW).server("i-2", &[("RetentionWeeks", "4")], "vol-1").snapshots(week("")));
    kept_by_tags(&plan, "snap-2026-11-02", "i-2");
}

/// The disk of a server that was replaced by one with fewer tags: as an edit of tags is, with a finding from the first day.
#[test]
fn a_volume_that_moves_to_an_instance_that_asks_for_less_waits_for_the_grace_period_and_a_finding_says_so() {
    let account = |now: &str| {
        let before = ["2026-11-02", "2026-11-03", "2026-11-10"].map(|day| made(day, "days=1 weeks=8"));
        let since = ["2026-11-11", "2026-11-16"].map(|day| made(day, "days=1").tag("InstanceID", "i-2"));
        let world = world(now).server("i-2", &[("RetentionDays", "1")], "vol-1");
        world.snapshots(before).snapshots(since).instance("i-1", &[("RetentionWeeks", "8")], &[])
    };
    let plan = sound(&account("2026-11-17T04:00:00Z"));
    assert_eq!(deleted(&plan), ["snap-2026-11-03"], "what no policy of either wants");
    assert_eq!(in_grace_until(&plan, "snap-2026-11-02"), "2026-11-18");
    assert_eq!(problems(&plan, "i-2").len(), 1, "{:?}", plan.findings);
    let approved = approved(&["i-2:2026-11-17:9"]);
    let plan = sound_with(&account("2026-11-17T04:00:00Z"), &approved);
    assert!(deleted(&plan).contains(&"snap-2026-11-02".to_owned()));
    let plan = sound(&account("2026-11-18T04:00:00Z"));
    assert!(deleted(&plan).contains(&"snap-2026-11-02".to_owned()));
}

#[test]
fn of_an_instance_that_is_not_backed_up_only_tags_count_that_are_there() {
    let account = |tagged: Pairs<'_>| {
        let here = world(NOW).instance("i-2", tagged, &[("/dev/xvda", "vol-1")]);
        sound_with(&here.snapshots(week("days=1")), &Config { retention_days: 60, ..Config::default() })
    };
    assert_eq!(deleted(&account(&[])).len(), 3, "the default is not there");
    assert_eq!(deleted(&account(&[("Backup", "Yes")])).len(), 0, "the default of one that is backed up");
    for tagged in [&[("RetentionWeeks", "4")][..], &[("Backup", "yess"), ("RetentionWeeks", "4")]] {
        let plan = account(tagged);
        kept_by_tags(&plan, "snap-2026-11-02", "i-2");
        assert_eq!(deleted(&plan), ["snap-2026-11-03", "snap-2026-11-04"]);
    }
}

#[test]
fn of_two_instances_with_a_volume_the_policies_of_both_are_in_force() {
    let days = |days: &'static str| [("RetentionDays", days), ("KeepLast", "1")];
    let cases = [
        ("RetentionWeeks", "5", "30", "2026-10-20"),
        ("RetentionMonths", "2", "40", "2026-10-01"),
        ("RetentionYears", "2", "400", "2025-03-01"),
    ];
    for (key, count, fewer, old) in cases {
        let account = world(NOW).server("i-1", &days(fewer), "vol-1").server("i-2", &[(key, count)], "vol-1");
        let plan = sound(&account.snapshots([made(old, "").tag("InstanceID", "i-0"), made("2026-11-21", "")]));
        kept_by_tags(&plan, &format!("snap-{old}"), "i-2");
    }
    let both = world(NOW).server("i-1", &[("RetentionDays", "20")], "vol-1").server(
        "i-2",
        &[("RetentionWeeks", "4")],
        "vol-1",
    );
    let plan = sound(&both.snapshots(week("days=7")));
    assert_eq!(words(kept_by_tags(&plan, "snap-2026-11-04", "i-1")), "20 days");
    kept_by_tags(&plan, "snap-2026-11-02", "i-2");
    assert_eq!(deleted(&plan), NONE);
}

#[test]
fn what_is_pending_states_its_policy_and_takes_no_place() {
    let plain = world(NOW).server("i-1", &[], "vol-1");
    let longer = plain.clone().snapshots(week("days=7")).snapshot(made("2026-11-22", WEEKS).pending());
    let plan = sound(&longer);
    let (by, _) = kept_by(&plan, "snap-2026-11-02");
    assert_eq!(by, &By::Pending(snapshot_id("snap-2026-11-22")));
    let shorter = plain.snapshots(week(WEEKS)).snapshot(named("snap-p", "2026-11-10", "days=7").pending());
    kept_by_newest(&sound(&shorter), "snap-2026-11-02", "snap-2026-11-21");
}

#[test]
fn the_newest_states_in_whichever_region_it_lies() {
    let newest = to(AWAY, made("2026-11-21", WEEKS));
    let here = world(NOW).server("i-1", &[("DestinationRegion", AWAY)], "vol-1");
    let plan = sound(&here.snapshots(week("days=7")[..3].to_vec()).region(AWAY).snapshot(copy("snap-c", &newest)));
    kept_by_newest(&plan, "snap-2026-11-02", "snap-c");
    assert_eq!(deleted(&plan), ["snap-2026-11-03"], "the newest here stays");
}

/// The instance asked for four weeks; now it asks for one, and the snapshots since `day` say so.
fn shortened(newest: &[&str]) -> World {
    let newest = newest.iter().map(|day| made(day, "days=7 weeks=1"));
    let older = ["2026-10-20", "2026-11-03"].map(|day| made(day, WEEKS));
    world(NOW).server("i-1", &[("RetentionWeeks", "1")], "vol-1").snapshots(older).snapshots(newest)
}

/// So many wait for the end of the grace period, and so many of them go earlier if a person approves.
fn grace(count: usize, may_go: usize, until: &str) -> Problem {
    let approval = format!("i-1:2026-11-22:{may_go}").parse().unwrap();
    Problem::GraceHolds { some: some(count), until: date(until), last: date(until), approval }
}

#[test]
fn a_shorter_retention_waits_for_the_grace_period_and_a_finding_counts_what_it_would_delete() {
    let plan = sound(&shortened(&["2026-11-17", "2026-11-21"]));
    assert_eq!(deleted(&plan), NONE);
    let problem = grace(2, 1, "2026-11-24");
    assert_eq!(problems(&plan, "i-1"), std::slice::from_ref(&problem));
    assert_eq!(
        problem.to_string(),
        "less is kept of its volumes now than before: 2 snapshots (16 GiB) kept by the earlier policy until \
         2026-11-24 (grace period). Give it the earlier tags to keep them; to delete 1 of them now, run expire with --approve \
         i-1:2026-11-22:1"
    );
    assert_eq!(
        of_snapshot(&plan, "snap-2026-11-03").1.to_string(),
        "DeleteOn 2026-11-10 has come; until 2026-11-24 (grace period) kept as first of week 2026-W45 (2 of 4), by the earlier tags"
    );
}

#[test]
fn of_copies_where_nothing_changed_of_the_destinations_the_same_day_is_shown() {
    let older = ["2026-10-20", "2026-11-03"].map(|day| to(AWAY, made(day, WEEKS)));
    let newest = ["2026-11-17", "2026-11-21"].map(|day| to(AWAY, made(day, "days=7 weeks=1")));
    let all: Vec<_> = older.into_iter().chain(newest).collect();
    let copies = all.iter().map(|one| copy(&one.0.id.to_string().replace("snap-", "snap-c"), one));
    let here = world(NOW).server("i-1", &[("RetentionWeeks", "1"), ("DestinationRegion", AWAY)], "vol-1");
    let plan = sound(&here.snapshots(all.clone()).region(AWAY).snapshots(copies));
    for id in ["snap-2026-10-20", "snap-2026-11-03", "snap-c2026-10-20", "snap-c2026-11-03"] {
        assert_eq!(in_grace_until(&plan, id), "2026-11-24", "{id}");
    }
}

#[test]
fn of_a_young_volume_the_grace_period_ends_no_sooner() {
    let before = ["2026-11-16", "2026-11-17", "2026-11-18"].map(|day| made(day, "days=1 last=5"));
    let since = ["2026-11-20", "2026-11-21"].map(|day| made(day, "days=1 last=1"));
    let here = world(NOW).server("i-1", &[("RetentionDays", "1"), ("KeepLast", "1")], "vol-1");
    let account = here.snapshots(before).snapshots(since);
    assert_eq!(in_grace_until(&sound(&account), "snap-2026-11-16"), "2026-11-27");
    // An approval of the day before the change is about something else.
    assert_eq!(deleted(&sound_with(&account, &approved(&["i-1:2026-11-19:9"]))), NONE);
}

#[test]
fn the_grace_period_is_so_many_full_days_from_the_data_of_the_one_that_took_the_place() {
    let taken = |time: &str| {
        let newest = made("2026-11-15", "days=7 weeks=1").at(time).tag("snapwarden:slot", "2026-11-15T03:00Z");
        let older = ["2026-10-20", "2026-11-03"].map(|day| made(day, WEEKS));
        world(NOW).server("i-1", &[("RetentionWeeks", "1")], "vol-1").snapshots(older).snapshot(newest)
    };
    let plan = sound(&taken("2026-11-15T04:00:01Z"));
    assert_eq!(in_grace_until(&plan, "snap-2026-10-20"), "2026-11-22");
    assert_eq!(deleted(&sound(&taken("2026-11-15T04:00:00Z"))), ["snap-2026-10-20", "snap-2026-11-03"]);
    let none = Config { grace_days: 0, ..Config::default() };
    assert_eq!(deleted(&sound_with(&shortened(&["2026-11-22"]), &none)), ["snap-2026-10-20", "snap-2026-11-03"]);
}

#[test]
fn of_a_copy_the_time_of_its_sources_data_counts() {
    let newest = to(AWAY, made("2026-11-14", "days=7 weeks=1"));
    let late_copy = copy("snap-c", &newest).at("2026-11-21T12:00:00Z");
    let older = ["2026-10-20", "2026-11-03"].map(|day| made(day, WEEKS));
    let here = world(NOW).server("i-1", &[("RetentionWeeks", "1"), ("DestinationRegion", AWAY)], "vol-1");
    let plan = sound(&here.snapshots(older).region(AWAY).snapshot(late_copy));
    assert_eq!(deleted(&plan), ["snap-2026-10-20"], "the newest here stays");
}

#[test]
fn when_the_grace_period_is_over_a_shorter_retention_takes_effect() {
    let days = ["2026-11-13", "2026-11-16", "2026-11-21"];
    let plan = sound(&shortened(&days));
    assert_eq!(deleted(&plan), ["snap-2026-10-20", "snap-2026-11-03", "snap-2026-11-13"]);
    let later = Config { grace_days: 10, ..Config::default() };
    assert_eq!(deleted(&sound_with(&shortened(&days), &later)), NONE);
}

#[test]
fn before_a_snapshot_states_it_a_shorter_retention_has_no_effect() {
    let world = world(NOW)
        .server("i-1", &[("RetentionWeeks", "1")], "vol-1")
        .snapshots(["2026-10-20", "2026-11-03", "2026-11-21"].map(|day| made(day, WEEKS)));
    let plan = sound(&world);
    kept_by_newest(&plan, "snap-2026-10-20", "snap-2026-11-21");
    assert_eq!((deleted(&plan), problems(&plan, "i-1")), (vec![], vec![]));
}

#[test]
fn fewer_days_are_a_shorter_retention_too() {
    let days = |newest: &str| {
        let here = world(NOW).server("i-1", &[("RetentionDays", "7")], "vol-1");
        sound(&here.snapshots([
            made("2026-11-05", "days=7").tag(RECORD, "days=30").tag("DeleteOn", "2026-12-05"),
            made(newest, "days=7"),
        ]))
    };
    assert!(
        matches!(of_snapshot(&days("2026-11-12"), "snap-2026-11-05"), (Act::Keep, Reason::NotDue { .. })),
        "the promise"
    );
    // 30 days were asked for while it was made under 7.
    let longer = |newest: &[&str]| {
        let here = world(NOW).server("i-1", &[("RetentionDays", "7")], "vol-1");
        let older = [made("2026-11-01", "days=7"), made("2026-11-06", "days=30")];
        sound(&here.snapshots(older).snapshots(newest.iter().map(|day| made(day, "days=7"))))
    };
    assert_eq!(in_grace_until(&longer(&["2026-11-18"]), "snap-2026-11-01"), "2026-11-25");
    let plan = longer(&["2026-11-15", "2026-11-21"]);
    assert_eq!(deleted(&plan), ["snap-2026-11-01"]);
    assert_eq!(evidence(&plan, "snap-2026-11-15"), &Evidence::OfChange, "that of the 6th is not due");
}

#[test]
fn all_tiers_taken_away_is_a_shorter_retention_too() {
    let plain = |days: &[&str]| {
        let newest = days.iter().map(|day| made(day, "days=7"));
        world(NOW).server("i-1", &[], "vol-1").snapshots(week(WEEKS)[..3].to_vec()).snapshots(newest)
    };
    let plan = sound(&plain(&["2026-11-18"]));
    assert_eq!(problems(&plan, "i-1"), [grace(1, 1, "2026-11-25")]);
    assert_eq!(deleted(&plan), ["snap-2026-11-03"], "no policy ever wanted it");
    assert_eq!(evidence(&plan, "snap-2026-11-04"), &Evidence::OfGrace { until: date("2026-11-25") });
    let plan = sound(&plain(&["2026-11-15", "2026-11-21"]));
    assert_eq!(deleted(&plan)[..3], ["snap-2026-11-02", "snap-2026-11-03", "snap-2026-11-04"]);
}

#[test]
fn what_records_nothing_states_nothing() {
    let here = world(NOW).server("i-1", &[], "vol-1").snapshots(week(WEEKS)[..3].to_vec());
    let plan = sound(&here.snapshots(["2026-11-12", "2026-11-21"].map(|day| made(day, ""))));
    kept_by_newest(&plan, "snap-2026-11-02", "snap-2026-11-04");
}

#[test]
fn what_is_made_while_a_tag_is_mistyped_does_not_state_that_less_is_asked_for() {
    // RetentionWeeks=4 became 52w, which nobody can read; weeks later the tag is taken away.
    let meanwhile = |record: &str| {
        world(NOW).server("i-1", &[], "vol-1").snapshots([
            made("2026-11-03", WEEKS),
            made("2026-11-10", record),
            made("2026-11-21", "days=7"),
        ])
    };
    let plan = sound(&meanwhile("days=365 mistyped"));
    assert_eq!(deleted(&plan), NONE);
    assert_eq!(problems(&plan, "i-1"), [grace(1, 0, "2026-11-28")]);
    assert_eq!(
        deleted(&sound(&meanwhile("days=7"))),
        ["snap-2026-11-03", "snap-2026-11-10"],
        "one that was asked for so"
    );
    // The same where another tier could be read.
    let left = |record: &str| {
        let newest = [made("2026-11-10", record), made("2026-11-21", "days=7 weeks=1")];
        let tags = [("RetentionWeeks", "1")];
        world(NOW).server("i-1", &tags, "vol-1").snapshot(made("2026-11-03", WEEKS)).snapshots(newest)
    };
    let plan = sound(&left("days=365 weeks=1 mistyped"));
    assert_eq!(problems(&plan, "i-1"), [grace(1, 0, "2026-11-28")]);
    assert_eq!(deleted(&sound(&left("days=7 weeks=1"))), ["snap-2026-11-03", "snap-2026-11-10"]);
}

#[test]
fn back_and_forth_each_policy_is_in_force_until_its_last_is_out_of_place_for_the_grace_period() {
    // Short, long, short again: the long one lost its place on the 20th.
    let plan = sound(&shortened(&["2026-11-10", "2026-11-20"]).snapshot(made("2026-11-14", WEEKS)));
    assert_eq!(problems(&plan, "i-1"), [grace(3, 3, "2026-11-27")]);
    assert_eq!(deleted(&plan), NONE);
    // Every other day another one: that which lost its place last counts.
    let days = ["2026-11-09", "2026-11-10", "2026-11-11", "2026-11-12", "2026-11-13", "2026-11-14"];
    let both = days.iter().enumerate().map(|(n, day)| made(day, if n % 2 == 0 { "days=7 weeks=1" } else { WEEKS }));
    let account = |rest: &[&str]| {
        let rest: Vec<_> = rest.iter().map(|day| made(day, "days=7 weeks=1")).collect();
        sound(&shortened(&[]).snapshots(both.clone()).snapshots(rest))
    };
    assert_eq!(in_grace_until(&account(&["2026-11-16"]), "snap-2026-11-03"), "2026-11-23");
    let plan = account(&["2026-11-15"]);
    // The last change before the grace period dates them all: those before it may go.
    let gone = ["snap-2026-10-20", "snap-2026-11-03", "snap-2026-11-10", "snap-2026-11-11", "snap-2026-11-12"];
    assert_eq!(deleted(&plan), [&gone[..], &["snap-2026-11-13", "snap-2026-11-14"]].concat());
    kept_by_tags(&plan, "snap-2026-11-09", "i-1");
}

// Evidence.

/// Two years were asked for until the 14th, one since the day and time of the newest. Home and AWAY have the same.
fn fewer_years(newest: &str) -> World {
    let before = "days=1 years=2";
    let tags = [("RetentionDays", "1"), ("RetentionYears", "1"), ("DestinationRegion", AWAY)];
    let older = ["2025-03-01", "2026-11-01", "2026-11-14"].map(|day| to(AWAY, made(day, before)));
    let newest = to(AWAY, made(&newest[..10], "days=1 years=1").at(newest));
    let copies: Vec<_> =
        older.iter().chain([&newest]).map(|snap| copy(&snap.0.id.as_str().replace("snap-", "snap-c"), snap)).collect();
    world(NOW).server("i-1", &tags, "vol-1").snapshots(older).snapshot(newest).region(AWAY).snapshots(copies)
}

#[test]
fn all_of_the_moment_that_a_policy_of_the_grace_period_is_read_from_stay_until_that_is_over() {
    let account = fewer_years("2026-11-18T03:05:00Z");
    let plan = sound(&account);
    assert_eq!(in_grace_until(&plan, "snap-2025-03-01"), "2026-11-25");
    let stays = Evidence::OfGrace { until: date("2026-11-25") };
    assert_eq!((evidence(&plan, "snap-2026-11-14"), evidence(&plan, "snap-c2026-11-14")), (&stays, &stays));
    assert_eq!(
        of_snapshot(&plan, "snap-2026-11-14").1.to_string(),
        "DeleteOn 2026-11-15 has come; kept: it records the earlier policy, in force until 2026-11-25 (grace \
         period)"
    );
    let plan = sound_with(&account, &approved(&["i-1:2026-11-22:9"]));
    assert_eq!(deleted(&plan), ["snap-c2025-03-01", "snap-2025-03-01"]);
    assert_eq!(evidence(&plan, "snap-2026-11-14"), &stays, "approved or not");
    let over = deleted(&sound(&fewer_years("2026-11-15T04:00:00Z")));
    assert_eq!(over, ["snap-c2025-03-01", "snap-c2026-11-14", "snap-2025-03-01", "snap-2026-11-14"]);
}

#[test]
fn the_newest_that_states_the_policy_stays_as_long_as_that_keeps_another() {
    let account = |record: &str| {
        let stating = ["2026-10-01", "2026-11-02", "2026-11-10"].map(|day| made(day, record));
        let later = ["2026-11-12", "2026-11-13"].map(|day| made(day, ""));
        sound(&world(NOW).server("i-1", &[("RetentionDays", "1")], "vol-1").snapshots(stating).snapshots(later))
    };
    let plan = account("days=1 months=3");
    kept_by_newest(&plan, "snap-2026-10-01", "snap-2026-11-10");
    assert_eq!(evidence(&plan, "snap-2026-11-10"), &Evidence::OfPolicy);
    assert_eq!(
        deleted(&account("days=1")),
        ["snap-2026-10-01", "snap-2026-11-02", "snap-2026-11-10", "snap-2026-11-12"]
    );
}

/// A person may take the pin off, or mend the tag: then each is judged as any other, by what was recorded of it.
#[test]
fn the_newest_that_states_the_policy_stays_while_that_wants_one_that_never_goes_by_itself() {
    let account = |first: Snap, record: &str| {
        let of_november = [made("2026-11-02", ""), made("2026-11-10", record), made("2026-11-13", "")];
        world(NOW).server("i-1", &[("RetentionDays", "1")], "vol-1").snapshot(first).snapshots(of_november)
    };
    let first = made("2026-10-01", "");
    let fixed = [first.clone().tag("KeepForever", ""), first.clone().no_tag("DeleteOn"), made("2026-10-01", "days=?")];
    for first in fixed {
        let plan = sound(&account(first.clone(), "days=1 months=2"));
        assert_eq!(evidence(&plan, "snap-2026-11-10"), &Evidence::OfPolicy, "{first:?}");
        let plan = sound(&account(first, "days=1"));
        assert_eq!(deleted(&plan), ["snap-2026-11-02", "snap-2026-11-10"], "which wants it no longer");
    }
    let plan = sound(&account(first, "days=1 months=2"));
    kept_by_newest(&plan, "snap-2026-10-01", "snap-2026-11-10");
}

#[test]
fn one_that_dates_a_change_of_the_policy_or_of_the_destinations_stays_as_long_as_an_older_one_does() {
    let account = |older: Snap| {
        let newer = ["2026-11-10", "2026-11-11", "2026-11-20"].map(|day| made(day, "days=1 months=2"));
        world(NOW)
            .server("i-1", &[("RetentionDays", "1"), ("RetentionMonths", "2")], "vol-1")
            .snapshot(older)
            .snapshots(newer)
    };
    let of_policy = made("2026-11-03", "days=1 months=3");
    let of_destinations = to(AWAY, made("2026-11-03", "days=1 months=2"));
    for older in [of_policy.clone(), of_destinations] {
        let plan = sound(&account(older));
        kept_by_tags(&plan, "snap-2026-11-03", "i-1");
        assert_eq!(evidence(&plan, "snap-2026-11-10"), &Evidence::OfChange);
        assert_eq!(deleted(&plan), ["snap-2026-11-11"]);
    }
    let same = made("2026-11-03", "days=1 months=2");
    assert_eq!(deleted(&sound(&account(same))), ["snap-2026-11-10", "snap-2026-11-11"], "no change");
    let pinned = sound(&account(of_policy.clone().tag("KeepForever", "")));
    assert_eq!(deleted(&pinned), ["snap-2026-11-10", "snap-2026-11-11"], "what never goes needs no date");
    // One in another Region counts: it stays as long as its source does.
    let pinned = account(of_policy.clone().tag("KeepForever", ""));
    let plan = sound(&pinned.region(AWAY).snapshot(copy("snap-c", &to(AWAY, of_policy))));
    assert_eq!(evidence(&plan, "snap-2026-11-10"), &Evidence::OfChange);
}

/// What a restore reads from stays, and so does what dates it. What is held for an approval stays as well until that comes.
#[test]
fn what_stays_for_another_reason_than_retention_is_dated_as_well() {
    let vol = |in_use: &str| {
        let older = made("2026-11-03", "days=1 last=5").tag("snapwarden:in-use", in_use);
        let newer = ["2026-11-10", "2026-11-20"].map(|day| made(day, "days=1"));
        world(NOW).server("i-1", &[("RetentionDays", "1")], "vol-1").snapshot(older).snapshots(newer)
    };
    let plan = sound(&vol("2026-11-20"));
    assert_eq!(of_snapshot(&plan, "snap-2026-11-03").1, &Reason::InUse { since: Some(date("2026-11-20")) });
    assert_eq!(evidence(&plan, "snap-2026-11-10"), &Evidence::OfChange);
    let read = vol("2026-11-01");
    assert_eq!(deleted(&sound(&read)), ["snap-2026-11-03", "snap-2026-11-10"], "no restore reads from it any more");
    // With 25 of a volume that is over the two are more than 25.
    let many = (0..25).map(|n| {
        let day = date("2026-08-01").saturating_add(n.days()).to_string();
        let snap = ours(&format!("snap-{n:02}"), "vol-2", &day, "2026-09-01");
        if n == 24 { snap.tag(CLOSED, "2026-10-01") } else { snap }
    });
    let plan = sound(&read.snapshots(many));
    assert_eq!((deleted(&plan), plan.holds.len()), (vec![], 1));
    for day in ["2026-11-03", "2026-11-10"] {
        assert_eq!(of_snapshot(&plan, &format!("snap-{day}")).0, &Act::Hold);
    }
    assert_eq!(plan.holds[0].expired, 27);
}

/// A person lets go what the grace period keeps, and a restore reads from one of it.
#[test]
fn the_memory_of_a_policy_stays_while_one_stays_that_it_wants_though_a_person_let_that_one_go() {
    let account = |in_use: &str| {
        let old = made("2026-10-01", "days=1 months=3").tag("snapwarden:in-use", in_use);
        let stating = ["2026-11-02", "2026-11-10"].map(|day| made(day, "days=1 months=3"));
        let closed = made("2026-11-12", "").tag(CLOSED, "2026-11-12");
        sound_with(
            &world(NOW).snapshot(old).snapshots(stating).snapshot(closed),
            &approved(&["us-east-1:closed:2026-11-22:9"]),
        )
    };
    let plan = account("2026-11-20");
    assert_eq!(evidence(&plan, "snap-2026-11-10"), &Evidence::OfPolicy);
}

// Closing.

/// A volume that is gone: three snapshots of October, of which no tier wants any, but the newest two.
fn lost(mark: &str) -> World {
    let days = ["2026-10-01", "2026-10-02", "2026-10-03"].map(|day| made(day, "days=1 last=2"));
    let [first, second, newest] = days;
    let newest = if mark.is_empty() { newest } else { newest.tag(CLOSED, mark) };
    world(NOW).snapshots([first, second, newest])
}

#[test]
fn what_is_over_is_marked_on_its_newest_in_each_region_and_judged_as_open_for_thirty_days() {
    let sources = ["2026-10-01", "2026-10-02", "2026-10-03"].map(|day| to(AWAY, made(day, "days=1 last=2")));
    let copies = [copy("snap-c", &sources[0]), copy("snap-d", &sources[1])];
    let account = world(NOW).snapshots(sources).region(AWAY).snapshots(copies);
    let plan = sound(&account);
    assert_eq!(marked(&plan, "snap-2026-10-03").as_deref(), Some("2026-11-22"));
    assert_eq!(marked(&plan, "snap-d").as_deref(), Some("2026-11-22"));
    assert_eq!(
        of_snapshot(&plan, "snap-d").1.to_string(),
        "its volume is gone: kept as before until 2026-12-23, then deleted step by step"
    );
    assert_eq!(in_closing_until(&plan, "snap-2026-10-02"), "2026-12-23");
    assert_eq!(in_closing_until(&plan, "snap-c"), "2026-12-23");
    assert_eq!(deleted(&plan), ["snap-2026-10-01"], "as in an open one");
    let problem = |region: &str, may_go: usize| Problem::ClosingHolds {
        some: some(2),
        until: date("2026-12-22"),
        approval: format!("{region}:closed:2026-11-22:{may_go}").parse().unwrap(),
    };
    assert_eq!((problems(&plan, HOME), problems(&plan, AWAY)), (vec![], vec![]), "not on the day of the mark");
    let mark = |snap: &mut snapwarden_core::inventory::Snapshot| snap.tags.set(CLOSED, "2026-11-21");
    let plan = sound(&account.with_snapshot("snap-d", mark).region(HOME).with_snapshot("snap-2026-10-03", mark));
    assert_eq!((problems(&plan, HOME), problems(&plan, AWAY)), (vec![problem(HOME, 1)], vec![problem(AWAY, 2)]));
}

#[test]
fn the_thirty_days_are_counted_from_the_mark_and_the_last_of_them_counts() {
    let plan = sound(&lost("2026-10-23"));
    assert_eq!(in_closing_until(&plan, "snap-2026-10-03"), "2026-11-23");
    assert_eq!(deleted(&plan), ["snap-2026-10-01"]);
    let plan = sound(&lost("2026-10-22"));
    assert_eq!(deleted(&plan), ["snap-2026-10-01", "snap-2026-10-02", "snap-2026-10-03"], "the marked one last");
    let (_, reason) = of_snapshot(&plan, "snap-2026-10-03");
    let Reason::Expired(expiry) = reason else { panic!("{reason}") };
    assert_eq!(expiry.stays, Stays::Over(Over::VolumeGone, date("2026-10-22")));
    let longer = Config { closing_days: 31, ..Config::default() };
    assert_eq!(in_closing_until(&sound_with(&lost("2026-10-22"), &longer), "snap-2026-10-03"), "2026-11-23");
}

#[test]
fn a_mark_that_is_unreadable_or_in_the_future_or_from_before_the_newest_data_counts_as_none() {
    for mark in ["2026-11-23", "2026-10-02", "soon", "2026-13-01", "2026-10-22 ", "9999-12-31", "0000-01-01"] {
        let plan = sound(&lost(mark));
        if mark == "2026-10-22 " {
            assert_eq!(deleted(&plan).len(), 3, "spaces are trimmed");
            continue;
        }
        assert_eq!(marked(&plan, "snap-2026-10-03").as_deref(), Some("2026-11-22"), "{mark}");
        assert_eq!(in_closing_until(&plan, "snap-2026-10-02"), "2026-12-23", "{mark}");
    }
    assert_eq!(deleted(&sound(&lost("2026-10-03"))).len(), 3, "that of the day itself counts");
    // Data that is newer lies in another Region.
    let newer = to(AWAY, made("2026-10-25", "days=1 last=2"));
    let plan = sound(&lost("2026-10-22").region(AWAY).snapshot(copy("snap-c", &newer)));
    assert_eq!(marked(&plan, "snap-2026-10-03").as_deref(), Some("2026-11-22"));
    assert_eq!(marked(&plan, "snap-c").as_deref(), Some("2026-11-22"));
}

#[test]
fn each_region_has_its_own_days() {
    let sources = ["2026-10-01", "2026-10-02"].map(|day| to(AWAY, made(day, "days=1 last=1")));
    let copies = [copy("snap-c", &sources[0]), copy("snap-d", &sources[1]).tag(CLOSED, "2026-11-20")];
    let [first, second] = sources;
    let plan = sound(&world(NOW).snapshots([first, second.tag(CLOSED, "2026-10-20")]).region(AWAY).snapshots(copies));
    assert_eq!(deleted(&plan), ["snap-c", "snap-2026-10-01", "snap-2026-10-02"]);
    assert_eq!(in_closing_until(&plan, "snap-d"), "2026-12-21");
}

#[test]
fn marks_are_emptied_on_all_where_the_volume_is_not_over_any_more() {
    let back = |mark: &str| {
        lost(mark).with_snapshot("snap-2026-10-02", |snap| snap.tags.set(CLOSED, "soon")).volume("vol-1", &[])
    };
    let plan = sound(&back("2026-10-22"));
    assert_eq!((marked(&plan, "snap-2026-10-03"), marked(&plan, "snap-2026-10-02")), (None, None));
    let reason = Reason::VolumeBack { volume: volume_id("vol-1") };
    assert_eq!(of_snapshot(&plan, "snap-2026-10-03").1, &reason);
    assert_eq!(deleted(&plan), ["snap-2026-10-01"], "an open history");
    let unread = sound(&back("2026-10-22").instances_gap());
    assert_eq!(deleted(&unread), NONE);
    assert_eq!(of_snapshot(&unread, "snap-2026-10-03").0, &Act::Keep, "whether it is back is not known");
    let no_mark = sound(&lost("").volume("vol-1", &[]));
    assert!(no_mark.decisions.iter().all(|decision| !matches!(decision.act, Act::Mark { .. })));
}

#[test]
fn a_volume_is_over_when_it_is_gone_or_says_no_or_when_all_that_have_it_say_no() {
    let no = [("Backup", "No")];
    let over = |world: World| match of_snapshot(&sound(&world), "snap-2026-10-03") {
        (Act::Mark { closed: Some(_) }, Reason::VolumeOver { over, .. }) => Some(*over),
        (Act::Keep, _) => None,
        other => panic!("{other:?}"),
    };
    let volume = |tagged: Pairs<'_>| lost("").volume("vol-1", tagged);
    let device: Pairs<'_> = &[("/dev/xvda", "vol-1")];
    assert_eq!(over(lost("")), Some(Over::VolumeGone));
    assert_eq!(over(volume(&no)), Some(Over::VolumeExcluded));
    assert_eq!(over(volume(&no).server("i-1", &[], "vol-1")), Some(Over::VolumeExcluded));
    assert_eq!(over(volume(&[]).instance("i-1", &no, device)), Some(Over::InstancesExcluded));
    assert_eq!(
        over(volume(&[]).instance("i-1", &no, device).instance("i-2", &no, device)),
        Some(Over::InstancesExcluded)
    );
    assert_eq!(over(volume(&[]).instance("i-1", &no, device).instance("i-2", &[], device)), None, "one of them");
    assert_eq!(over(volume(&[])), None, "attached to nothing");
    assert_eq!(over(volume(&[]).instance("i-1", &[("Backup", "nope")], device)), None);
    assert_eq!(over(volume(&[]).instance("i-1", &[], device)), None, "to one that is not backed up");
    let not_listed = lost("").instance("i-1", &[], device).without_volume("vol-1");
    assert_eq!(over(not_listed), None, "one that an instance has is there");
}

#[test]
fn an_approval_lets_go_what_was_marked_by_its_day_and_writes_no_mark_on_what_goes() {
    let approve = |mark: &str, words: &str| sound_with(&lost(mark), &approved(&[words]));
    let plan = approve("2026-11-20", "us-east-1:closed:2026-11-21:9");
    assert_eq!(deleted(&plan), ["snap-2026-10-01", "snap-2026-10-02", "snap-2026-10-03"]);
    assert!(plan.decisions.iter().all(|decision| !matches!(decision.act, Act::Mark { .. })));
    // Nobody can have read of what was marked on that day or later, or is not marked yet.
    assert_eq!(deleted(&approve("2026-11-20", "us-east-1:closed:2026-11-20:9")), ["snap-2026-10-01"]);
    let plan = approve("", "us-east-1:closed:2026-11-22:9");
    assert_eq!(deleted(&plan), ["snap-2026-10-01"], "which goes anyway");
    assert_eq!(marked(&plan, "snap-2026-10-03").as_deref(), Some("2026-11-22"));
    assert_eq!(problems(&plan, "us-east-1"), [], "and so it is not counted");
}

#[test]
fn the_newest_of_a_closed_history_goes_after_all_others() {
    let later = lost("2026-10-22").with_snapshot("snap-2026-10-01", |snap| snap.tags.set("DeleteOn", "2027-01-01"));
    let plan = sound(&later);
    assert_eq!(deleted(&plan), ["snap-2026-10-02"]);
    assert_eq!(evidence(&plan, "snap-2026-10-03"), &Evidence::OfClosing);
    let in_use =
        lost("2026-10-22").with_snapshot("snap-2026-10-01", |snap| snap.tags.set("snapwarden:in-use", "2026-11-20"));
    let plan = sound(&in_use);
    assert_eq!(of_snapshot(&plan, "snap-2026-10-01"), (&Act::Keep, &Reason::InUse { since: Some(date("2026-11-20")) }));
    assert_eq!(evidence(&plan, "snap-2026-10-03"), &Evidence::OfClosing);
    let pinned = lost("2026-10-22").with_snapshot("snap-2026-10-01", |snap| snap.tags.set("KeepForever", ""));
    assert_eq!(
        deleted(&sound(&pinned)),
        ["snap-2026-10-02", "snap-2026-10-03"],
        "one that never goes is waited for by none"
    );
    // A mark that is on an older one stays as long as the newest does: the next run would begin the 30 days anew.
    let moved = lost("").with_snapshot("snap-2026-10-02", |snap| snap.tags.set(CLOSED, "2026-10-22"));
    let read = moved.clone().with_snapshot("snap-2026-10-03", |snap| snap.tags.set("snapwarden:in-use", "2026-11-20"));
    let plan = sound(&read);
    assert_eq!(deleted(&plan), ["snap-2026-10-01"]);
    assert_eq!(evidence(&plan, "snap-2026-10-02"), &Evidence::OfClosing);
    let pinned = moved.with_snapshot("snap-2026-10-03", |snap| snap.tags.set("KeepForever", ""));
    assert_eq!(deleted(&sound(&pinned)), ["snap-2026-10-01", "snap-2026-10-02"]);
}

#[test]
fn a_record_that_cannot_be_read_hides_neither_that_a_volume_is_over_nor_that_it_is_back() {
    let odd = |world: World| world.with_snapshot("snap-2026-10-01", |snap| snap.tags.set(RECORD, "days=?"));
    let plan = sound(&odd(lost("")));
    assert_eq!((deleted(&plan), marked(&plan, "snap-2026-10-03").as_deref()), (vec![], Some("2026-11-22")));
    let plan = sound(&odd(lost("2026-10-22")).server("i-1", &[], "vol-1"));
    assert_eq!((deleted(&plan), marked(&plan, "snap-2026-10-03")), (vec![], None), "emptied");
}

#[test]
fn the_tiers_of_a_closed_history_end_by_the_calendar() {
    let history = |now: &str, record: &str, days: &[&str]| {
        let snaps = days.iter().enumerate().map(|(n, day)| {
            let snap = made(day, record);
            if n + 1 == days.len() { snap.tag(CLOSED, day) } else { snap }
        });
        let plan = sound(&world(now).snapshots(snaps));
        deleted(&plan).iter().map(|id| id["snap-".len()..].to_owned()).collect::<Vec<_>>()
    };
    let weeks = ["2026-09-07", "2026-09-08", "2026-09-09"];
    assert_eq!(history("2026-11-22T23:59:59Z", "days=1 weeks=11", &weeks), ["2026-09-08"], "Sunday of the eleventh");
    assert_eq!(history("2026-11-23T00:00:00Z", "days=1 weeks=11", &weeks), weeks, "Monday");
    let months = ["2026-10-01", "2026-10-02", "2026-10-03"];
    assert_eq!(history("2026-11-30T23:59:59Z", "days=1 months=2", &months), ["2026-10-02"]);
    assert_eq!(history("2026-12-01T00:00:00Z", "days=1 months=2", &months), months);
    let years = ["2025-10-01", "2025-10-02", "2025-10-03"];
    assert_eq!(history("2026-12-31T23:59:59Z", "days=1 years=2", &years), ["2025-10-02"]);
    assert_eq!(history("2027-01-01T00:00:00Z", "days=1 years=2", &years), years);
    // In its zone it is the first of December an hour earlier.
    let berlin = "days=1 months=2 zone=Europe/Berlin";
    assert_eq!(history("2026-11-30T22:59:59Z", berlin, &months), ["2026-10-02"]);
    assert_eq!(history("2026-11-30T23:00:00Z", berlin, &months), months);
    // The turn of a year: the week of the first of January is the last of 2026.
    assert_eq!(
        history("2027-01-03T23:00:00Z", "days=1 weeks=9", &["2026-11-02", "2026-11-03", "2026-11-04"]),
        ["2026-11-03"]
    );
    assert_eq!(history("2027-01-04T00:00:00Z", "days=1 weeks=9", &["2026-11-02", "2026-11-03", "2026-11-04"]).len(), 3);
}

#[test]
fn days_hold_in_a_closed_history_too() {
    let longer = ["2026-10-01", "2026-10-02"].map(|day| named(&format!("snap-{day}"), day, "days=1"));
    let newest = made("2026-10-03", "days=52").tag("DeleteOn", "2026-10-04").tag(CLOSED, "2026-10-03");
    let plan = sound(&world(NOW).snapshots(longer.clone()).snapshot(newest.clone()));
    assert_eq!(words(kept_by_newest(&plan, "snap-2026-10-02", "snap-2026-10-03")), "52 days");
    assert_eq!(deleted(&plan), ["snap-2026-10-01"]);
    assert_eq!(of_snapshot(&plan, "snap-2026-10-03").0, &Act::Keep);
}

#[test]
fn data_from_the_future_is_kept_and_moves_no_mark() {
    let future = made("2026-12-03", "days=1");
    let plan = sound(&lost("2026-11-22").snapshot(future));
    let at = time("2026-12-03T03:05:00Z");
    assert_eq!(of_snapshot(&plan, "snap-2026-12-03"), (&Act::Keep, &Reason::FromTheFuture { at }));
    assert_eq!(deleted(&plan), ["snap-2026-10-01"], "it is none of the newest two");
    assert_eq!(in_closing_until(&plan, "snap-2026-10-03"), "2026-12-23");
}

#[test]
fn until_the_closing_days_are_over_what_any_snapshot_of_it_records_counts_too() {
    let account = |mark: &str| {
        let newest = made("2026-10-03", "days=1");
        let newest = if mark.is_empty() { newest } else { newest.tag(CLOSED, mark) };
        sound(&world(NOW).snapshots([made("2026-08-03", "days=1 months=12"), newest]))
    };
    let plan = account("2026-10-23");
    assert_eq!(in_closing_until(&plan, "snap-2026-08-03"), "2026-11-23");
    assert_eq!(deleted(&account("2026-10-22")), ["snap-2026-08-03", "snap-2026-10-03"]);
}

#[test]
fn the_newest_data_of_a_volume_that_is_not_over_stays_wherever_it_is() {
    // AWAY is no destination any more, and has the newest.
    let old = to(AWAY, made("2026-11-01", "days=1"));
    let newest = to(AWAY, made("2026-11-02", "days=1"));
    let copies = [copy("snap-c", &old), copy("snap-d", &newest)];
    let untagged = [made("2026-11-03", "days=1").failed("x")];
    let here = world(NOW).server("i-1", &[("RetentionDays", "1")], "vol-1").snapshots(untagged);
    let plan = sound(&here.region(AWAY).snapshots(copies));
    assert_eq!(deleted(&plan), ["snap-c", "snap-2026-11-03"]);
    assert!(is_last_good(&plan, "snap-d"), "its own DestinationRegion is in force");
    let elsewhere = copy("snap-d", &newest).no_tag("DestinationRegion");
    let plan = sound(&world(NOW).server("i-1", &[("RetentionDays", "1")], "vol-1").region(AWAY).snapshot(elsewhere));
    assert_eq!(of_snapshot(&plan, "snap-d"), (&Act::Keep, &Reason::NewestData { volume: volume_id("vol-1") }));
}

// Destinations that are none any more.

/// Copies of October and November in AWAY, which was a destination until the newest, of this time.
fn moved_on(newest: &str, record: &str) -> World {
    let asked: Retention = record.parse().unwrap();
    let months = asked.own.tiers.months.to_string();
    let mut tags = vec![("RetentionDays", "1"), ("DestinationRegion", FAR), ("OffsiteMode", "Copy")];
    tags.extend((asked.own.tiers.months > 0).then_some(("RetentionMonths", months.as_str())));
    let sources = ["2026-10-01", "2026-11-01", "2026-11-02"].map(|day| to(AWAY, made(day, record)));
    let newest = to(FAR, made(&newest[..10], record).at(newest));
    let copies: Vec<_> = sources.iter().enumerate().map(|(n, source)| copy(&format!("snap-c{n}"), source)).collect();
    let here = world(NOW).server("i-1", &tags, "vol-1").snapshots(sources).snapshot(newest.clone());
    here.region(AWAY).snapshots(copies).region(FAR).snapshot(copy("snap-f", &newest))
}

#[test]
fn a_region_that_is_no_destination_any_more_is_one_for_the_grace_period_and_then_ends() {
    let plan = sound(&moved_on("2026-11-15T04:00:01Z", "days=1"));
    assert_eq!(in_grace_until(&plan, "snap-c2"), "2026-11-22", "the last good one there");
    assert_eq!(problems(&plan, "i-1"), [grace(1, 0, "2026-11-22")]);
    assert!(!deleted(&plan).contains(&"snap-2026-11-02".to_owned()), "it states the destination of before");
    let plan = sound(&moved_on("2026-11-15T04:00:00Z", "days=1"));
    assert_eq!(deleted(&plan)[..3], ["snap-c0", "snap-c1", "snap-c2"]);
    let (act, reason) = of_snapshot(&plan, "snap-c2");
    let Reason::Expired(expiry) = reason else { panic!("{reason}") };
    assert!(matches!(expiry.stays, Stays::NoDestination(_)), "{reason}");
    let Act::Delete { anchor, rests_on } = act else { panic!("{act:?}") };
    assert_eq!((anchor, rests_on.len()), (&None, 1), "the newest data: {rests_on:?}");
    let at_once = sound_with(&moved_on("2026-11-21T04:00:00Z", "days=1"), &approved(&["i-1:2026-11-22:9"]));
    assert_eq!(deleted(&at_once), ["snap-c0", "snap-c1", "snap-2026-10-01", "snap-2026-11-01"]);
    assert_eq!(in_grace_until(&at_once, "snap-c2"), "2026-11-28");
}

#[test]
fn the_tiers_of_a_region_that_is_no_destination_any_more_end_by_the_calendar_and_its_newest_goes_last() {
    let plan = sound(&moved_on("2026-11-15T04:00:00Z", "days=1 months=1"));
    assert_eq!(deleted(&plan)[..1], ["snap-c0"]);
    kept_by_tags(&plan, "snap-c1", "i-1");
    assert_eq!(evidence(&plan, "snap-c2"), &Evidence::OfClosing);
    let december = moved_on("2026-11-15T04:00:00Z", "days=1 months=1").later("2026-12-01T00:00:00Z");
    assert_eq!(deleted(&sound(&december))[..3], ["snap-c0", "snap-c1", "snap-c2"]);
}

#[test]
fn a_mistyped_destination_that_is_corrected_ends_what_was_one_before_only_after_the_grace_period() {
    // A year of copies in AWAY, two weeks under a slip, and an hour ago the tag was corrected to another Region or taken away.
    let old = ["2026-10-01", "2026-11-01"].map(|day| to(AWAY, made(day, "days=1")));
    let copies: Vec<_> = old.iter().map(|one| copy(&format!("snap-c{}", one.0.id), one)).collect();
    for slip in ["eu-wset-1", HOME, "eu-west-1 elsewhere", "(none)"] {
        let under = ["2026-11-08", "2026-11-14"].map(|day| to(slip, made(day, "days=1")));
        let account = |tagged: Pairs<'_>| {
            let tags = [&[("Backup", "Yes"), ("RetentionDays", "1")], tagged].concat();
            let account = world(NOW).server("i-1", &tags, "vol-1").snapshots(old.clone()).snapshots(under.clone());
            account.region(AWAY).snapshots(copies.clone()).region(HOME)
        };
        let last = "snap-csnap-2026-11-01";
        for tagged in [&[("DestinationRegion", slip)][..], &[("DestinationRegion", FAR)], &[]] {
            let plan = sound(&account(tagged));
            assert!(!deleted(&plan).contains(&last.to_owned()), "{slip} {tagged:?}");
            assert_eq!(of_snapshot(&plan, last).1, &Reason::LastGood { volume: Some(volume_id("vol-1")) });
        }
        // From the first snapshot on that was made under the corrected tag it has its days.
        for (day, stays) in [("2026-11-15T04:00:01Z", true), ("2026-11-15T04:00:00Z", false)] {
            let mut first = to(FAR, named("snap-first", "2026-11-15", "days=1")).at(day);
            first.0.tags.set("CreatedOn", "2026-11-15");
            let corrected = account(&[("DestinationRegion", FAR)]);
            let plan = sound(&corrected.snapshots([first, to(FAR, made("2026-11-22", "days=1"))]));
            assert_eq!(!deleted(&plan).contains(&last.to_owned()), stays, "{slip} {day}");
        }
    }
}

#[test]
fn a_copy_in_the_volumes_own_region_is_the_last_good_one_only_where_it_is_the_newest_there() {
    let record = "days=1 copies: days=1";
    let old = made("2026-01-01", record).tag("SourceRegion", AWAY);
    let back = copy("snap-back", &old).tag("SourceSnapshotId", "snap-0c0");
    let account = |newest: &[&str]| {
        let tags = [("Backup", "Yes"), ("RetentionDays", "1"), ("DestinationRetentionDays", "1")];
        let newest: Vec<_> = newest.iter().map(|day| made(day, record)).collect();
        world(NOW).server("i-1", &tags, "vol-1").snapshot(back.clone()).snapshots(newest)
    };
    assert_eq!(deleted(&sound(&account(&["2026-11-21"]))), ["snap-back"]);
    assert_eq!(
        of_snapshot(&sound(&account(&[])), "snap-back").1,
        &Reason::LastGood { volume: Some(volume_id("vol-1")) }
    );
}

#[test]
fn of_a_mistyped_tag_the_finding_counts_what_waits_for_a_record_as_well() {
    // Made under the slip, and the volume has moved on.
    let slip = made("2026-11-20", "days=365 mistyped").tag("InstanceID", "i-1");
    let old = ["2026-10-01", "2026-10-02"].map(|day| made(day, "days=7").tag("InstanceID", "i-1"));
    let account = world(NOW).server("i-2", &[], "vol-1").instance("i-1", &[("RetentionWeeks", "8 x")], &[]);
    let plan = account.snapshots(old).snapshot(slip).expire();
    let waiting = problems(&plan, "i-1");
    assert_eq!(
        waiting,
        [Problem::MistypedHolds { key: "RetentionWeeks".to_owned(), value: "8 x".to_owned(), snapshots: 2 }]
    );
}

// Approvals.

#[test]
fn a_person_may_approve_it_for_as_many_and_as_old_ones_as_were_read() {
    let world = shortened(&["2026-11-19"]);
    let approve = |words: &str| {
        let plan = sound_with(&world, &approved(&[words]));
        (deleted(&plan), problems(&plan, "i-1"))
    };
    let [one, two] = [1, 2].map(|n| grace(n, n - 1, "2026-11-26"));
    assert_eq!(approve("i-2:2026-11-22:9"), (vec![], vec![two]), "another's");
    let plan = sound_with(&world, &approved(&["i-1:2026-11-22:9"]));
    assert_eq!(deleted(&plan), ["snap-2026-10-20"]);
    assert_eq!(
        in_grace_until(&plan, "snap-2026-11-03"),
        "2026-11-26",
        "it records the earlier policy, and stays as long"
    );
    assert_eq!(problems(&plan, "i-1"), std::slice::from_ref(&one));
    assert_eq!(one.to_string().split("; to delete").count(), 1, "there are no words for it: {one}");
    assert_eq!(approve("i-1:2026-11-19:9").0, NONE, "the grace period began on that day, maybe after the plan");
    assert_eq!(approve("i-1:2026-11-20:9").0, ["snap-2026-10-20"]);
    let today = shortened(&["2026-11-22"]);
    assert_eq!(problems(&sound(&today), "i-1"), [grace(2, 0, "2026-11-29")], "no words yet");
    assert_eq!(deleted(&sound_with(&today, &approved(&["i-1:2026-11-22:9"]))), NONE);
    assert_eq!(approve("i-1:2026-11-22:0").0, NONE);
    assert_eq!(approve("us-east-1:2026-11-22:9").0, NONE, "a Region's is of S9 alone");
    assert_eq!(approve("us-east-1:closed:2026-11-22:9").0, NONE, "of volumes that are over");
}

#[test]
fn the_word_for_what_the_closing_days_keep_lets_go_only_that() {
    let approve = |words: &str| deleted(&sound_with(&lost("2026-11-01"), &approved(&[words])));
    assert_eq!(approve("us-east-1:closed:2026-11-22:2").len(), 3);
    assert_eq!(approve("us-east-1:closed:2026-11-22:1"), ["snap-2026-10-01", "snap-2026-10-02"], "the oldest of two");
    for other in ["i-1:2026-11-22:9", "us-east-1:2026-11-22:9", "eu-west-1:closed:2026-11-22:9"] {
        assert_eq!(approve(other), ["snap-2026-10-01"], "{other}");
    }
}

#[test]
fn what_the_grace_period_and_the_closing_days_both_keep_wants_its_own_word() {
    // The policy of before keeps the first; only the closing days keep the newest three.
    let newest = ["2026-11-18", "2026-11-19", "2026-11-20"].map(|day| made(day, "days=1 last=3"));
    let snaps = [made("2026-08-01", "days=1 years=1")].into_iter().chain(newest);
    let account = world(NOW).snapshots(snaps);
    let account = account.with_snapshot("snap-2026-11-20", |snap| snap.tags.set(CLOSED, "2026-11-20"));
    let approve = |words: &[&str]| deleted(&sound_with(&account, &approved(words)));
    assert_eq!(approve(&[]), NONE);
    assert_eq!(
        approve(&["us-east-1:closed:2026-11-22:9"]),
        ["snap-2026-11-19"],
        "the newest goes last, and one dates a change"
    );
    assert_eq!(approve(&["i-1:2026-11-22:9"]), NONE, "it is in force while no instance has the volume");
}

#[test]
fn the_word_for_a_large_expiry_never_ends_the_closing_days_nor_the_reverse() {
    let many = |mark: Option<&str>| {
        let snaps = (0..30).map(|n| {
            let day = date("2026-09-01").saturating_add(n.days()).to_string();
            let snap = named(&format!("snap-{n:02}"), &day, "days=1 last=30");
            mark.filter(|_| n == 29).map_or(snap.clone(), |mark| snap.tag(CLOSED, mark))
        });
        world(NOW).snapshots(snaps)
    };
    let approve = |mark: &str, words: &[&str]| deleted(&sound_with(&many(Some(mark)), &approved(words))).len();
    assert_eq!(approve("2026-11-01", &["us-east-1:2026-11-22:30"]), 0);
    assert_eq!(approve("2026-11-01", &["us-east-1:closed:2026-11-22:30"]), 0, "held: more than 25, and more than half");
    assert_eq!(approve("2026-11-01", &["us-east-1:closed:2026-11-22:30", "us-east-1:2026-11-22:30"]), 30);
    assert_eq!(approve("2026-10-01", &[]), 0, "held");
    assert_eq!(approve("2026-10-01", &["us-east-1:closed:2026-11-22:30"]), 0);
    assert_eq!(approve("2026-10-01", &["us-east-1:2026-11-22:30"]), 30);
    let part = sound_with(&many(Some("2026-10-01")), &approved(&["us-east-1:2026-11-22:29"]));
    assert_eq!((deleted(&part).len(), of_snapshot(&part, "snap-29").0), (29, &Act::Hold), "the marked one last");
}

// What is not read, and what cannot be.

#[test]
fn while_the_volumes_or_instances_of_its_home_are_not_read_nothing_of_a_volume_goes_anywhere() {
    let source = to(AWAY, made("2026-10-01", "days=1"));
    let account = |change: fn(World) -> World| {
        let here = world(NOW)
            .server("i-1", &[("DestinationRegion", AWAY)], "vol-1")
            .snapshots(week("days=1"))
            .snapshot(source.clone());
        sound(
            &change(here)
                .region(AWAY)
                .snapshots([copy("snap-c", &source), copy("snap-d", &to(AWAY, made("2026-11-21", "days=1")))]),
        )
    };
    assert_eq!(deleted(&account(|world| world)).len(), 5);
    let plan = account(World::instances_gap);
    assert_eq!((deleted(&plan), unread(&plan, "snap-2026-11-03")), (vec![], &[no_instances(HOME)][..]));
    assert_eq!(unread(&plan, "snap-c"), [no_instances(HOME)]);
    assert_eq!(
        of_snapshot(&plan, "snap-c").1.to_string(),
        "DeleteOn has come; kept: the instances of us-east-1 could not be read"
    );
    let held = |count| Problem::HistoryUnread { unread: vec![no_instances(HOME)], some: some(count) };
    assert!(
        problems(&plan, HOME).contains(&held(5)) && problems(&plan, AWAY).contains(&held(2)),
        "{:?}",
        plan.findings
    );
    assert!(
        problems(&plan, HOME)
            .iter()
            .any(|problem| matches!(problem, Problem::NotRead { what, .. } if what == "instances"))
    );
    let plan = account(World::volumes_gap);
    assert_eq!((deleted(&plan), unread(&plan, "snap-c")), (vec![], &[Unread::Volumes(region(HOME))][..]));
    let other = account(|world| world.region(FAR).instances_gap().region(HOME));
    assert_eq!(deleted(&other).len(), 5, "of a Region that has nothing to do with it");
}

#[test]
fn while_the_snapshots_of_a_region_that_tags_or_snapshots_name_are_not_read_nothing_goes() {
    let stated = shortened(&["2026-11-13", "2026-11-21"]);
    assert_eq!(deleted(&sound(&stated)).len(), 3);
    assert_eq!(deleted(&sound(&stated.clone().unread(FAR))).len(), 3, "one where none can lie");
    let tagged = |destinations: &str| {
        let with = |instance: &mut Instance| instance.tags.set("DestinationRegion", destinations);
        stated.clone().with_instance("i-1", with)
    };
    let of = |name: &str| Unread::Snapshots(region(name));
    let kept = |world: World, name: &str| {
        let plan = sound(&world);
        assert_eq!((deleted(&plan), unread(&plan, "snap-2026-10-20")), (vec![], &[of(name)][..]));
    };
    kept(tagged(AWAY).unread(AWAY), AWAY);
    kept(tagged("eu-west-1,us-west-2").unread(FAR), FAR);
    kept(tagged(AWAY).region(AWAY).snapshots_gap(), AWAY);
    // Where one of the snapshots was to be copied to, and where one was copied from.
    let older = made("2026-11-14", "days=7 weeks=1");
    kept(stated.clone().snapshot(to(AWAY, older.clone())).unread(AWAY), AWAY);
    kept(stated.clone().snapshot(to(AWAY, made("2026-11-22", "days=7 weeks=1")).pending()).unread(AWAY), AWAY);
    let copied = copy("snap-c", &older).tag("SourceRegion", FAR);
    kept(stated.clone().region(AWAY).snapshot(copied).unread(FAR), FAR);
    // What the instance asks for that its snapshots name, while none has the volume.
    let left = world(NOW).volume("vol-1", &[]).instance("i-1", &[("DestinationRegion", AWAY)], &[]);
    let plan = careful(&left.snapshots(["2026-10-20", "2026-11-21"].map(|day| made(day, "days=7"))).unread(AWAY));
    assert_eq!((deleted(&plan), unread(&plan, "snap-2026-10-20")), (vec![], &[of(AWAY)][..]));
    assert_eq!(deleted(&sound(&tagged("mars-1"))).len(), 3, "a Region that the account does not have holds none");
}

/// The predecessor's, whose instance is gone: copies of it may lie anywhere.
#[test]
fn where_neither_an_instance_nor_a_snapshot_says_where_others_lie_nothing_goes_while_any_region_is_unread() {
    let old = |id: &str, day: &str| made(day, "").no_tag("CreatedOn").no_tag("snapwarden:slot").tag("Name", id);
    let here = || world(NOW).volume("vol-1", &[]).snapshots([old("a", "2026-10-01"), old("b", "2026-10-02")]);
    assert_eq!(deleted(&sound(&here())), ["snap-2026-10-01"]);
    let plan = sound(&here().region(AWAY).snapshots_gap());
    assert_eq!((deleted(&plan), unread(&plan, "snap-2026-10-01")), (vec![], &[Unread::Snapshots(region(AWAY))][..]));
    // One that is there says where: nowhere else.
    let said = here().server("i-1", &[], "vol-1").region(AWAY).snapshots_gap();
    assert_eq!(deleted(&sound(&said)), ["snap-2026-10-01"]);
    let recorded = here().snapshot(made("2026-10-03", "days=7")).region(AWAY).snapshots_gap();
    assert_eq!(deleted(&sound(&recorded)).len(), 2);
}

#[test]
fn a_copy_whose_home_the_account_does_not_have_waits_and_one_that_does_not_say_waits_for_all_regions() {
    let of = |day: &str| to(AWAY, made(day, "days=1"));
    let copies = [copy("snap-c", &of("2026-10-01")), copy("snap-d", &of("2026-10-02"))];
    let gone = copies.clone().map(|snap| snap.tag("SourceRegion", "ap-east-9"));
    let plan = sound(&world(NOW).region(AWAY).snapshots(gone));
    let home = region("ap-east-9");
    assert_eq!(unread(&plan, "snap-c"), [Unread::Volumes(home.clone()), Unread::Instances(home)]);
    let silent = world(NOW).region(AWAY).snapshots(copies.map(|snap| snap.no_tag("SourceRegion")));
    assert_eq!(marked(&sound(&silent), "snap-d").as_deref(), Some("2026-11-22"), "its volume is in none of them");
    let plan = sound(&silent.clone().region(FAR).instances_gap());
    assert_eq!(unread(&plan, "snap-c"), [no_instances(FAR)]);
    assert!(unread(&sound(&silent.regions_unknown()), "snap-c").contains(&Unread::Regions));
}

#[test]
fn while_a_tag_of_an_instance_that_has_the_volume_is_mistyped_nothing_completed_of_it_goes() {
    let mistyped = |tagged: Pairs<'_>| {
        let here = world(NOW).instance("i-1", tagged, &[("/dev/xvda", "vol-1")]);
        let failed = named("snap-f", "2026-11-01", WEEKS).failed("Internal error");
        sound(&here.snapshots(week(WEEKS)).snapshot(failed))
    };
    for tagged in [
        &[("Backup", "Yes"), ("RetentionWeeks", "four")][..],
        &[("RetentionWeeks", "four")],
        &[("Backup", "No"), ("RetentionWeeks", "four")],
    ] {
        let plan = mistyped(tagged);
        assert_eq!(deleted(&plan), ["snap-f"], "but what failed");
        let reason = Reason::Mistyped { instance: "i-1".parse().unwrap(), key: "RetentionWeeks".into() };
        assert_eq!(of_snapshot(&plan, "snap-2026-11-03"), (&Act::Keep, &reason));
        let problem = Problem::MistypedHolds { key: "RetentionWeeks".into(), value: "four".into(), snapshots: 3 };
        assert!(problems(&plan, "i-1").contains(&problem), "{:?}", plan.findings);
    }
    let plan = mistyped(&[("Backup", "Yes"), ("DestinationRetentionDays", "9999999"), ("KeepLast", "")]);
    assert_eq!(deleted(&plan), ["snap-f"]);
    let count = problems(&plan, "i-1").iter().filter(|one| matches!(one, Problem::MistypedHolds { .. })).count();
    assert_eq!(count, 2, "each tag has its finding: {:?}", plan.findings);
}

#[test]
fn a_mistyped_tag_of_one_of_two_instances_or_of_the_one_that_had_the_volume_holds_too() {
    let both = world(NOW).server("i-1", &[], "vol-1").server("i-2", &[("KeepLast", "1001")], "vol-1");
    assert_eq!(deleted(&sound(&both.snapshots(week("days=7")))), NONE);
    let left = world(NOW).volume("vol-1", &[]).instance("i-1", &[("Backup", "Yes"), ("RetentionMonths", "0")], &[]);
    assert_eq!(deleted(&careful(&left.snapshots(week("days=7")))), NONE);
    let other = world(NOW).server("i-1", &[], "vol-1").server("i-2", &[("KeepLast", "1001")], "vol-2");
    assert_eq!(deleted(&sound(&other.snapshots(week("days=7")))).len(), 3, "of another volume");
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
                .server("i-1", &[], "vol-1")
                .snapshots(week(WEEKS))
                .snapshot(ours("snap-1", "vol-1", "2026-10-30", "2026-11-06").tag(RECORD, record)),
        );
        let value = record.trim().to_owned();
        let reads = record.trim() == WEEKS;
        let reason = Reason::UnreadableRetention { value: value.clone() };
        assert!(reads || of_snapshot(&plan, "snap-1") == (&Act::Keep, &reason), "{record:?}");
        assert!(reads || problems(&plan, "snap-1") == [Problem::RetentionRecordUnreadable { value }], "{record:?}");
        assert_eq!(deleted(&plan)[..2], ["snap-2026-11-03", "snap-2026-11-04"], "it was the newest long ago");
    }
}

#[test]
fn while_a_record_cannot_be_read_that_may_be_in_force_nothing_goes() {
    let days = |newest: &[&str]| newest.iter().map(|day| made(day, "days=7")).collect::<Vec<_>>();
    let unreadable = |day: &str| made(day, "days=7").tag(RECORD, "7d");
    let here = || world(NOW).server("i-1", &[], "vol-1").snapshots(days(&["2026-10-01"]));
    let of = |day: &str| Unread::Record(snapshot_id(&format!("snap-{day}")));
    let kept = |world: World, day: &str| {
        let plan = sound(&world);
        assert_eq!((deleted(&plan), unread(&plan, "snap-2026-10-01")), (vec![], &[of(day)][..]));
        let is_said = |one: &Problem| matches!(one, Problem::HistoryUnread { unread, .. } if *unread == [of(day)]);
        assert!(problems(&plan, HOME).iter().any(is_said), "{:?}", plan.findings);
    };
    kept(here().snapshot(unreadable("2026-11-21")), "2026-11-21");
    kept(here().snapshot(unreadable("2026-11-12")).snapshots(days(&["2026-11-18"])), "2026-11-12");
    kept(here().snapshot(unreadable("2026-11-22").pending()).snapshots(days(&["2026-11-18"])), "2026-11-22");
    let replaced = here().snapshot(unreadable("2026-11-12")).snapshots(days(&["2026-11-14"]));
    assert_eq!(deleted(&sound(&replaced)), ["snap-2026-10-01"]);
    let left = world(NOW).volume("vol-1", &[]).snapshots(days(&["2026-10-01", "2026-11-14"]));
    kept(left.snapshot(unreadable("2026-10-12")), "2026-10-12");
    // The newest of those that state: what has no record takes no place.
    kept(here().snapshot(unreadable("2026-11-01")).snapshot(made("2026-11-20", "")), "2026-11-01");
}

// Whose they are.

#[test]
fn copies_that_name_no_volume_are_kept_and_counted() {
    let nameless = |id: &str, day: &str| copy(id, &made(day, WEEKS)).no_tag("VolumeID");
    let copies = [nameless("snap-c", "2026-11-02"), nameless("snap-d", "2026-11-03"), nameless("snap-e", "2026-11-21")];
    let here = world(NOW).server("i-1", &[("RetentionDays", "1")], "vol-1").region(AWAY);
    let plan = sound(&here.snapshots(copies));
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &Reason::NoVolume));
    assert_eq!((deleted(&plan), problems(&plan, AWAY)), (vec![], vec![Problem::NoVolume { some: some(2) }]));
}

#[test]
fn one_of_which_ec2_says_that_its_volume_is_a_copys_is_one() {
    let by_ec2 = |id: &str, day: &str| {
        let snap = to(AWAY, made(day, "days=1"));
        copy(id, &snap).no_tag("SourceSnapshotId").no_tag("SourceRegion").no_tag("SourceStartTime")
    };
    let here = world(NOW)
        .server("i-1", &[("RetentionDays", "1"), ("DestinationRegion", AWAY)], "vol-1")
        .snapshot(made("2026-11-21", "days=1"));
    let plan = sound(&here.region(AWAY).snapshots([by_ec2("snap-c", "2026-11-02"), by_ec2("snap-d", "2026-11-03")]));
    assert_eq!(deleted(&plan), ["snap-c"]);
    assert!(is_last_good(&plan, "snap-d"), "of vol-1, wherever that lives");
}

#[test]
fn tags_that_are_not_of_its_birth_make_a_snapshot_none_of_ours() {
    let here =
        |snap: Snap| sound(&world(NOW).server("i-1", &[], "vol-1").snapshots([snap, made("2026-11-21", "days=7")]));
    let old = || made("2026-10-01", "days=7");
    for (snap, is_ours) in [
        (old(), true),
        (old().at("2026-10-02T00:10:00Z"), true),
        (old().at("2026-10-03T00:10:00Z"), false),
        (old().at("2026-09-30T23:50:00Z"), true),
        (old().at("2026-11-20T03:05:00Z"), false),
        (old().no_tag("CreatedOn").at("2026-10-03T00:10:00Z"), false),
        (old().no_tag("snapwarden:slot").at("2026-10-03T00:10:00Z"), false),
        (old().no_tag("CreatedOn").no_tag("snapwarden:slot").at("2026-10-03T00:10:00Z"), true),
        (old().tag("snapwarden:slot", "2026-09-01T03:00Z"), true),
        (old().tag("snapwarden:slot", "2026-10-05T03:00Z"), false),
        (old().tag("SourceSnapshotId", "snap-9"), false),
        (old().tag("SourceSnapshotId", "snap-9").tag("VolumeID", "vol-1").tag("SourceRegion", HOME), true),
    ] {
        let plan = here(snap.clone());
        assert_eq!(deleted(&plan).len(), usize::from(is_ours), "{snap:?}");
        let said = Problem::TagsWandered { some: some(1), example: snapshot_id("snap-2026-10-01") };
        assert_eq!(problems(&plan, HOME).contains(&said), !is_ours, "{snap:?}");
        let decided = plan.decisions.iter().any(|one| one.subject == Subject::Snapshot(target("snap-2026-10-01")));
        assert_eq!(decided, is_ours);
    }
}

#[test]
fn what_a_restore_reads_from_stays_for_seven_full_days() {
    let here = |text: &str| {
        let old = made("2026-10-01", "days=7").tag("snapwarden:in-use", text);
        sound(&world(NOW).server("i-1", &[], "vol-1").snapshots([old, made("2026-11-21", "days=7")]))
    };
    for (text, is_kept) in [
        ("2026-11-15T04:00:01Z", true),
        ("2026-11-15T04:00:00Z", false),
        ("2026-11-16", true),
        ("2026-11-15", false),
        ("2026-11-15T23:00:00+20:00", false),
    ] {
        assert_eq!(deleted(&here(text)).is_empty(), is_kept, "{text}");
    }
    let failed = made("2026-10-01", "days=7").failed("KMS").tag("snapwarden:in-use", "2026-11-20");
    assert_eq!(deleted(&sound(&world(NOW).snapshot(failed))), NONE, "whatever its state");
    for text in ["", "yes", "2026-11-40", "9999999999999999999999999999999", "\u{663}"] {
        let plan = here(text);
        assert_eq!(of_snapshot(&plan, "snap-2026-10-01"), (&Act::Keep, &Reason::InUse { since: None }), "{text}");
        assert_eq!(problems(&plan, "snap-2026-10-01"), [Problem::InUseUnreadable { value: text.to_owned() }]);
    }
}

#[test]
fn what_dates_a_change_stays_while_an_older_one_of_the_volume_that_it_replaced_does() {
    let of = |volume: &str, day: &str, record: &str| {
        let snap = made(day, record);
        Snap(snapwarden_core::inventory::Snapshot { volume_id: volume_id(volume), ..snap.0 })
    };
    let before = ["2026-09-01", "2026-10-01"].map(|day| of("vol-1", day, "days=2 months=12"));
    let since = ["2026-11-10", "2026-11-20", "2026-11-21"].map(|day| of("vol-2", day, "days=1"));
    let here =
        world(NOW).volume("vol-2", &[("snapwarden:was", "vol-1")]).server("i-1", &[("RetentionDays", "1")], "vol-2");
    let here = here.snapshots(since);
    let plan = sound(&here.clone().snapshots(before.clone()));
    assert_eq!(evidence(&plan, "snap-2026-11-10"), &Evidence::OfChange);
    let pinned = before.map(|snap| snap.tag("KeepForever", ""));
    let plan = sound(&here.snapshots(pinned));
    assert_eq!(deleted(&plan), ["snap-2026-11-10", "snap-2026-11-20"], "what never goes needs no date");
}

#[test]
fn a_volume_that_was_put_in_anothers_place_has_its_history_too_and_may_only_keep_more() {
    let of = |volume: &str, day: &str, record: &str| {
        let snap = made(day, record);
        Snap(snapwarden_core::inventory::Snapshot { volume_id: volume_id(volume), ..snap.0 })
    };
    let snaps = || {
        ["2026-10-05", "2026-10-06", "2026-11-01"].map(|day| of("vol-1", day, "days=1 weeks=7")).into_iter().chain(
            ["2026-11-02", "2026-11-09", "2026-11-16", "2026-11-21"].map(|day| of("vol-2", day, "days=1 weeks=7")),
        )
    };
    let closed =
        |snap: Snap| if snap.0.id.as_str() == "snap-2026-11-01" { snap.tag(CLOSED, "2026-11-01") } else { snap };
    let account = |now: &str, tagged: Pairs<'_>| {
        let here = world(now).volume("vol-2", tagged).server(
            "i-1",
            &[("RetentionDays", "1"), ("RetentionWeeks", "7")],
            "vol-2",
        );
        sound(&here.snapshots(snaps().map(closed)))
    };
    let december = "2026-12-20T04:00:00Z";
    assert_eq!(
        deleted(&account(december, &[])),
        ["snap-2026-10-05", "snap-2026-10-06", "snap-2026-11-01"],
        "closed, and past its calendar"
    );
    let plan = account(december, &[("snapwarden:was", "vol-1")]);
    assert_eq!(deleted(&plan), ["snap-2026-10-06"], "open with the other's");
    kept_by_tags(&plan, "snap-2026-10-05", "i-1");
}

// Upgrades.

#[test]
fn after_an_upgrade_what_records_nothing_goes_by_its_day_and_by_the_tags() {
    let here = world(NOW).server("i-1", &[("RetentionDays", "7"), ("RetentionWeeks", "4")], "vol-1");
    let plan = sound(&here.clone().snapshots(week("")));
    assert_eq!(deleted(&plan), ["snap-2026-11-03", "snap-2026-11-04"]);
    kept_by_tags(&plan, "snap-2026-11-02", "i-1");
    // A tier was taken away before; those of before record it, the plain ones since record nothing.
    let mixed = || {
        let older = ["2026-10-20", "2026-10-21"].map(|day| made(day, WEEKS));
        older.into_iter().chain(["2026-11-10", "2026-11-21"].map(|day| made(day, "")))
    };
    let plain = world(NOW).server("i-1", &[], "vol-1");
    let plan = sound(&plain.clone().snapshots(mixed()));
    kept_by_newest(&plan, "snap-2026-10-20", "snap-2026-10-21");
    assert_eq!(evidence(&plan, "snap-2026-10-21"), &Evidence::OfPolicy);
    // The first snapshot of the new version states the plain days, and the grace period begins.
    let plan = sound(&plain.snapshots(mixed()).snapshot(made("2026-11-22", "days=7")));
    assert_eq!(in_grace_until(&plan, "snap-2026-10-20"), "2026-11-29");
    assert_eq!(evidence(&plan, "snap-2026-10-21"), &Evidence::OfGrace { until: date("2026-11-29") });
}

#[test]
fn after_an_upgrade_what_is_over_for_long_is_marked_first() {
    let plan = sound(
        &world(NOW).snapshots(["2024-01-01", "2024-02-01", "2024-02-02"].map(|day| made(day, "days=7 months=24"))),
    );
    assert_eq!(marked(&plan, "snap-2024-02-02").as_deref(), Some("2026-11-22"));
    assert_eq!(deleted(&plan), NONE);
    assert_eq!(in_closing_until(&plan, "snap-2024-01-01"), "2026-12-23");
}

// What a person is told.

#[test]
fn volumes_that_nobody_backs_up_any_more_are_counted_with_what_stays_of_them() {
    let account = |world: World| {
        let plan = sound(&world.snapshots(week("days=7")));
        let nobody = problems(&plan, HOME).into_iter().find(|one| matches!(one, Problem::BackedUpByNobody { .. }));
        (deleted(&plan).len(), nobody)
    };
    let device: Pairs<'_> = &[("/dev/xvda", "vol-1")];
    assert_eq!(account(world(NOW).server("i-1", &[], "vol-1")), (3, None));
    assert_eq!(account(world(NOW).volume("vol-1", &[])), (3, None), "nothing that is due stays of it");
    let late = |world: World| {
        let plan = sound(&world.later("2027-01-10T04:00:00Z").snapshots(week("days=7")));
        problems(&plan, HOME)
    };
    let said =
        Problem::BackedUpByNobody { volumes: 1, since: date("2026-11-21"), example: volume_id("vol-1"), some: some(1) };
    assert_eq!(late(world(NOW).volume("vol-1", &[])), std::slice::from_ref(&said));
    assert_eq!(late(world(NOW).instance("i-1", &[], device)), std::slice::from_ref(&said));
    assert_eq!(late(world(NOW).server("i-1", &[], "vol-1")), []);
}

// The check.

#[test]
fn the_check_drops_a_delete_that_retention_stands_against() {
    let cases = [
        world(NOW).server("i-1", &[("RetentionWeeks", "4")], "vol-1").snapshots(week(WEEKS)),
        world(NOW).volume("vol-1", &[]).snapshots(week(WEEKS)),
        world(NOW).server("i-1", &[("KeepLast", "4")], "vol-1").snapshots(week("")),
        world(NOW).server("i-1", &[("RetentionYears", "1")], "vol-1").snapshots(week("")),
        world(NOW).server("i-1", &[("RetentionMonths", "1")], "vol-1").snapshots(week("")),
        world(NOW).server("i-1", &[("RetentionDays", "60")], "vol-1").snapshots(week("days=7")),
        shortened(&["2026-11-17", "2026-11-21"]).snapshots(week(WEEKS)[..1].to_vec()),
        world(NOW).volume("vol-1", &[]).snapshots(week("days=7 weeks=x")),
        world(NOW).server("i-1", &[("KeepLast", "x")], "vol-1").snapshots(week("")),
        world(NOW).volume("vol-1", &[]).snapshots(week("")).instances_gap(),
        world(NOW).volume("vol-1", &[]).snapshots(week("")).volumes_gap(),
    ];
    for (n, world) in cases.into_iter().enumerate() {
        let mut plan = world.expire();
        let subject = Subject::Snapshot(target("snap-2026-11-02"));
        let kept = plan.decisions.iter_mut().find(|d| d.subject == subject).unwrap();
        assert_eq!(kept.act, Act::Keep, "{n}");
        kept.act = Act::Delete { anchor: None, rests_on: Vec::new() };
        let violations = check(&plan, &world.inventory, &Config::default());
        assert!(
            violations.iter().any(|one| matches!(one.rule, Rule::S3 | Rule::S6 | Rule::S7 | Rule::S12)),
            "{n}: {violations:?}"
        );
        let rest = plan.without(&violations);
        assert!(!deleted(&rest).contains(&"snap-2026-11-02".to_owned()), "{n}");
    }
}

#[test]
fn the_check_counts_what_an_approval_lets_go() {
    let world = shortened(&["2026-11-21"]);
    let plan = sound_with(&world, &approved(&["i-1:2026-11-22:2"]));
    let violations = check(&plan, &world.inventory, &approved(&["i-1:2026-11-22:0"]));
    assert_eq!(violations.len(), 1, "{violations:?}");
    let plan = sound_with(&lost("2026-11-01"), &approved(&["us-east-1:closed:2026-11-22:2"]));
    let violations = check(&plan, &lost("2026-11-01").inventory, &approved(&["us-east-1:closed:2026-11-22:1"]));
    assert_eq!(violations.len(), 1, "{violations:?}");
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
fn a_record_reads_back_what_it_prints_and_refuses_the_rest() {
    for good in ["days=1", "days=7 weeks=4 zone=Asia/Kolkata", "days=7 copies: days=1 last=1000", "days=365 mistyped"] {
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

/// A volume in the place of one that is gone, with what there is of both.
fn replaced(was: &str, now: &str) -> World {
    let old = made("2026-10-01", "days=1 weeks=8").tag(CLOSED, "2026-11-11");
    let mut new = made("2026-11-12", "days=1 weeks=8");
    new.0.volume_id = volume_id("vol-2");
    let tags = [("Backup", "Yes"), ("RetentionDays", "1"), ("RetentionWeeks", "8")];
    world(now).volume("vol-2", &[("snapwarden:was", was)]).server("i-1", &tags, "vol-2").snapshots([old, new])
}

#[test]
fn the_closing_days_of_a_volume_that_was_replaced_are_counted_from_its_own_mark() {
    let with_two = |now: &str| replaced("vol-1", now).snapshot(made("2026-10-02", "days=1").tag(CLOSED, "2026-11-11"));
    let plan = sound(&with_two("2026-11-22T04:00:00Z"));
    let until = plan.decisions.iter().filter_map(|one| {
        if let Reason::KeptForClosing { until, .. } = &one.reason { Some(until.to_string()) } else { None }
    });
    assert_eq!(until.collect::<Vec<_>>(), ["2026-12-12"]);
}

#[test]
fn what_is_being_made_is_in_force_for_a_grace_period_after_a_newer_one_and_no_longer() {
    let stuck = made("2026-08-15", "days=1 last=60").pending();
    let account = |newest: &[&str]| {
        let newest: Vec<_> = newest.iter().map(|day| made(day, "days=1")).collect();
        let here = world(NOW).server("i-1", &[("RetentionDays", "1")], "vol-1");
        deleted(&sound(&here.snapshot(made("2026-08-01", "days=1")).snapshot(stuck.clone()).snapshots(newest)))
    };
    assert_eq!(account(&["2026-11-16", "2026-11-21"]), NONE);
    assert_eq!(account(&["2026-11-15", "2026-11-21"]), ["snap-2026-08-01", "snap-2026-11-15"]);
}

/// `vol-1` is gone and closed long ago, and `vol-2` is in its place, with these snapshots of its own.
fn in_its_place(tagged: Pairs<'_>, own: &[&str]) -> World {
    let old = [made("2026-08-01", "days=7 last=2"), made("2026-08-02", "days=7 last=2").tag(CLOSED, "2026-08-03")];
    let own = own.iter().map(|day| {
        let mut snap = made(day, "days=7 last=2");
        snap.0.volume_id = volume_id("vol-2");
        snap
    });
    let tags = [&[("snapwarden:was", "vol-1")], tagged].concat();
    world(NOW).volume("vol-2", &tags).instance("i-1", &[], &[("/dev/xvda", "vol-2")]).snapshots(old).snapshots(own)
}

#[test]
fn what_belongs_together_is_over_when_the_last_of_it_is_and_not_by_an_older_mark() {
    for own in [&[][..], &["2026-08-10"], &["2026-11-21"]] {
        for tagged in [&[][..], &[("Backup", "No")]] {
            let plan = sound(&in_its_place(tagged, own));
            assert!(
                !deleted(&plan).contains(&"snap-2026-08-02".to_owned()),
                "{own:?} {tagged:?}: {:?}",
                deleted(&plan)
            );
        }
    }
    // With a mark of its own the closing days count from that, also where nothing of it lies beside the older ones.
    let marked = |day: &str| {
        let mut own = made("2026-08-10", "days=7 last=2").tag(CLOSED, day);
        own.0.volume_id = volume_id("vol-2");
        let world = in_its_place(&[("Backup", "No")], &[]);
        (world.clone().snapshot(own.clone()), world.region(AWAY).snapshot(copy("snap-c", &own)))
    };
    let (here, away) = marked("2026-10-22");
    assert_eq!(deleted(&sound(&here)), ["snap-2026-08-01", "snap-2026-08-02", "snap-2026-08-10"]);
    assert_eq!(deleted(&sound(&away)), ["snap-c", "snap-2026-08-01", "snap-2026-08-02"]);
    let (here, away) = marked("2026-10-23");
    assert_eq!(deleted(&sound(&here)), ["snap-2026-08-01"]);
    assert_eq!(deleted(&sound(&away)), ["snap-2026-08-01"], "the moved one takes a place at home");
}

#[test]
fn the_words_for_closing_days_are_about_those_that_the_last_volume_began() {
    let mut own = made("2026-08-10", "days=7 last=2").tag(CLOSED, "2026-11-21");
    own.0.volume_id = volume_id("vol-2");
    let account = in_its_place(&[("Backup", "No")], &[]).snapshot(own);
    let go = |words: &str| {
        let plan = account.expire_with(&approved(&[words]));
        assert_eq!(check(&plan, &account.inventory, &approved(&[words])), []);
        deleted(&plan)
    };
    assert_eq!(go("us-east-1:closed:2026-11-21:9"), ["snap-2026-08-01"], "marked on that day, maybe after the plan");
    let all_but_the_mark = ["snap-2026-08-01", "snap-2026-08-02"];
    assert_eq!(go("us-east-1:closed:2026-11-22:9"), all_but_the_mark, "it records the policy that keeps the others");
}

#[test]
fn what_stays_for_the_volume_in_its_place_is_counted_and_what_that_has_itself_holds_nothing_older() {
    let plan = sound(&in_its_place(&[], &[]));
    let (example, carrier) = (volume_id("vol-1"), volume_id("vol-2"));
    let problem = Problem::KeptByJoin { volumes: 1, example, carrier, some: some(2) };
    assert_eq!(problems(&plan, HOME), std::slice::from_ref(&problem));
    assert_eq!(
        problem.to_string(),
        "volumes gone or tagged Backup=No: 2 snapshots (16 GiB) of 1 volume, such as vol-1, kept only since the tag \
         snapwarden:was of vol-2 joins them to a volume that is there. To let them end, take that tag off"
    );
    let backed_up = in_its_place(&[], &["2026-11-20", "2026-11-21"]);
    let plan = sound(&backed_up.with_instance("i-1", |instance| instance.tags.set("Backup", "Yes")));
    assert_eq!(deleted(&plan), ["snap-2026-08-01", "snap-2026-08-02"], "the newer ones record the policy themselves");
}

#[test]
fn a_volume_of_which_nothing_is_left_holds_nothing_of_the_one_in_its_place() {
    let account = |was: &str| {
        replaced(was, NOW).unread(FAR).snapshot({
            let mut snap = made("2026-11-13", "days=1");
            snap.0.volume_id = volume_id("vol-2");
            snap
        })
    };
    let plan = |was: &str| careful(&account(was));
    for was in ["vol-0123", "vol-2"] {
        assert!(!plan(was).decisions.iter().any(|one| matches!(one.reason, Reason::HistoryUnread { .. })), "{was}");
    }
    // It makes no Region the volume's own either.
    let old = to(AWAY, made("2026-10-01", "days=1"));
    let copies = |was: &str| {
        let newest = ["2026-10-20", "2026-11-21"].map(|day| made(day, "days=1"));
        let here =
            world(NOW).volume("vol-1", &[("snapwarden:was", was)]).server("i-1", &[("RetentionDays", "1")], "vol-1");
        deleted(&sound(&here.snapshots(newest).region(AWAY).snapshot(copy("snap-c", &old))))
    };
    assert_eq!(copies("vol-0123"), copies("vol-1"));
    assert!(copies("vol-0123").contains(&"snap-c".to_owned()));
}

#[test]
fn two_volumes_in_each_others_place_have_moments_of_their_own_though_taken_in_one_second() {
    let tags = [("Backup", "Yes"), ("RetentionDays", "1"), ("KeepLast", "4")];
    let both = ["2026-11-10", "2026-11-11", "2026-11-12", "2026-11-13"].into_iter().flat_map(|day| {
        let mut other = named(&format!("snap-2-{day}"), day, "days=1 last=4");
        other.0.volume_id = volume_id("vol-2");
        [named(&format!("snap-1-{day}"), day, "days=1"), other]
    });
    let account = world(NOW)
        .volume("vol-2", &[("snapwarden:was", "vol-1")])
        .server("i-1", &tags[..2], "vol-1")
        .server("i-2", &tags, "vol-2");
    assert_eq!(deleted(&sound(&account.snapshots(both))), ["snap-1-2026-11-10", "snap-1-2026-11-11"]);
}

#[test]
fn a_destination_that_is_added_begins_no_grace_period_and_so_none_that_never_ends() {
    let tags = [("Backup", "Yes"), ("RetentionDays", "2"), ("DestinationRegion", AWAY)];
    let newer = ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"].map(|day| to(AWAY, made(day, "days=2")));
    let account = world(NOW).server("i-1", &tags, "vol-1").snapshot(made("2026-11-01", "days=2")).snapshots(newer);
    assert!(deleted(&sound(&account)).contains(&"snap-2026-11-01".to_owned()));
}
