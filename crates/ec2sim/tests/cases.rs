//! Small accounts that the product once got wrong, as the AWS CLI prints them (testdata/cases), and what is right.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../core/tests/life/mod.rs"]
mod life;

use std::path::Path;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use life::Life;
use snapwarden_core::check::check;
use snapwarden_core::decision::{Act, Amount, Decision, Finding, Over, Plan, Problem, Reason, Subject, Unread};
use snapwarden_core::ids::Region;
use snapwarden_core::inventory::{Inventory, Read};
use snapwarden_core::lint::{Lint, LintProblem, Severity, lint};
use snapwarden_core::managed::Target;
use snapwarden_core::plan::{plan_create, plan_expire, plan_offsite};
use snapwarden_core::policy::Config;
use snapwarden_core::retention::By;
use snapwarden_ec2sim::dump;

const NOW: &str = "2026-11-22T04:00:00Z";

fn case(name: &str) -> Inventory {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cases").join(name);
    dump::read(&dir, time(NOW), None, &[]).unwrap().inventory
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn regions(inventory: &Inventory) -> Vec<Region> {
    inventory.regions.keys().cloned().collect()
}

/// The manager's plan, against which the check has nothing.
fn expire(inventory: &Inventory) -> Plan {
    let plan = plan_expire(inventory, &regions(inventory), &Config::default());
    assert_eq!(check(&plan, inventory, &Config::default()), []);
    plan
}

fn deleted(plan: &Plan) -> Vec<String> {
    let goes = plan.decisions.iter().filter(|one| matches!(one.act, Act::Delete { .. } | Act::RemoveSource { .. }));
    goes.map(|one| match &one.subject {
        Subject::Snapshot(id) | Subject::Source(id) => id.to_string(),
        other @ (Subject::Volume(_) | Subject::Instance(_) | Subject::Device(..) | Subject::Copy(..)) => {
            panic!("{other:?}")
        }
    })
    .collect()
}

/// The target of an act, as a plan that is read back has it.
fn target(text: &str) -> Target {
    serde_json::from_value(text.into()).unwrap()
}

fn of<'p>(plan: &'p Plan, id: &str) -> (&'p Act, &'p Reason) {
    let subject = Subject::Snapshot(target(id));
    let found = plan.decisions.iter().find(|one| one.subject == subject).unwrap();
    (&found.act, &found.reason)
}

fn problems<'p>(plan: &'p Plan, id: &str) -> Vec<&'p Problem> {
    plan.findings.iter().filter(|finding| finding.id == id).map(|finding| &finding.problem).collect()
}

/// The first of each month, and the one of 2026-11-22.
fn firsts() -> Vec<String> {
    (0..10).map(|n| format!("snap-{n:02}")).collect()
}

/// The day on which each went, of days that begin on 2026-11-22; the jobs run at 04:00, the creator with what it finds.
fn days_of(life: &mut Life, days: i64, ids: &[&str]) -> Vec<Option<String>> {
    for day in 0..days {
        let now = time(NOW).checked_add((24 * day).hours()).unwrap();
        let _ = life.live(now);
    }
    let day = |id: &&str| life.gone.get(&id.parse().unwrap()).map(|when| when.to_string()[..10].to_owned());
    ids.iter().map(day).collect()
}

const NOTHING: [&str; 0] = [];
const NO_PROBLEM: [&Problem; 0] = [];

#[test]
fn a1_with_readable_tags_all_firsts_of_months_are_kept() {
    let plan = expire(&case("a1-ok"));
    assert_eq!(deleted(&plan), NOTHING);
    assert!(matches!(of(&plan, "snap-00"), (Act::Keep, Reason::KeptByPolicy { by: By::Tags(_), .. })));
}

#[test]
fn a1_nothing_goes_while_the_tag_cannot_be_read_and_every_run_says_so() {
    let inventory = case("a1-typo");
    let plan = expire(&inventory);
    assert_eq!(deleted(&plan), NOTHING);
    let key = "RetentionMonths".to_owned();
    let mistyped = Reason::Mistyped { instance: "i-1".parse().unwrap(), key: key.clone() };
    assert!(firsts().iter().all(|id| of(&plan, id) == (&Act::Keep, &mistyped)));
    let value = "24 months".to_owned();
    assert_eq!(
        problems(&plan, "i-1"),
        [&Problem::MistypedHolds { key: key.clone(), value: value.clone(), snapshots: 10 }]
    );
    let create = plan_create(&inventory, &regions(&inventory), &Config::default());
    assert_eq!(problems(&create, "i-1"), [&Problem::RetentionUnreadable { key, value, days: 744 }]);
    let mut life = Life::new(inventory);
    let ids = firsts();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(days_of(&mut life, 60, &ids), vec![None; 10]);
}

#[test]
fn a1_a_tag_taken_away_takes_effect_seven_full_days_after_a_snapshot_is_made_under_the_new_tags() {
    let inventory = case("a1-removed");
    let plan = expire(&inventory);
    assert_eq!(deleted(&plan), NOTHING);
    let newest = By::Newest("snap-99".parse().unwrap());
    assert!(matches!(of(&plan, "snap-00"), (Act::Keep, Reason::KeptByPolicy { by, .. }) if *by == newest));
    // The next is made on the 23rd at 04:00.
    let mut life = Life::new(inventory);
    let ids = firsts();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(days_of(&mut life, 8, &ids), vec![None; 10]);
    life.at(time("2026-11-30T03:59:59Z"));
    let held = life.expire();
    assert_eq!(deleted(&held), NOTHING);
    assert!(
        matches!(of(&held, "snap-00"), (Act::Keep, Reason::KeptInGrace { until, .. }) if until.to_string() == "2026-11-30")
    );
    assert!(matches!(problems(&held, "i-1")[..], [Problem::GraceHolds { some: Amount { snapshots: 10, .. }, .. }]));
    life.at(time("2026-11-30T04:00:00Z"));
    assert_eq!(deleted(&life.expire()), firsts());
}

#[test]
fn a1_fewer_months_take_effect_seven_full_days_after_a_snapshot_is_made_under_the_new_tags() {
    let mut life = Life::new(case("a1-shorter"));
    assert_eq!(deleted(&expire(&life.inventory)), NOTHING);
    let ids = firsts();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let days = days_of(&mut life, 9, &ids);
    let (last, gone) = days.split_last().unwrap();
    assert_eq!(gone, vec![Some("2026-11-30".to_owned()); 9]);
    assert_eq!(last, &None, "October is one of the two newest months");
}

#[test]
fn a3_the_only_backup_of_a_lost_machine_is_judged_as_open_for_thirty_days_more_in_each_region() {
    let alive = expire(&case("a3-alive"));
    assert_eq!(deleted(&alive), NOTHING);
    let plan = expire(&case("a3-terminated"));
    assert_eq!(deleted(&plan), NOTHING);
    for id in ["snap-a", "snap-c"] {
        let (act, reason) = of(&plan, id);
        assert_eq!(act, &Act::Mark { closed: Some("2026-11-22".parse().unwrap()) });
        let until = "2026-12-23".parse().unwrap();
        assert_eq!(reason, &Reason::VolumeOver { volume: "vol-1".parse().unwrap(), over: Over::VolumeGone, until });
        assert!(reason.to_string().contains("until 2026-12-23"), "{reason}");
    }
    let mut life = Life::new(case("a3-terminated"));
    let day = Some("2026-12-23".to_owned());
    assert_eq!(days_of(&mut life, 40, &["snap-a", "snap-c"]), [day.clone(), day]);
}

#[test]
fn a4_each_region_keeps_its_own_first_of_the_month() {
    let plan = expire(&case("a4-two-destinations"));
    for (id, is_first) in [("snap-w091", true), ("snap-w092", false), ("snap-c092", true), ("snap-c093", false)] {
        let (act, reason) = of(&plan, id);
        assert_eq!(*act == Act::Keep, is_first, "{id}: {reason}");
    }
    assert!(of(&plan, "snap-c092").1.to_string().contains("first of month 2026-09"));
}

#[test]
fn a5_what_is_made_under_a_mistyped_retention_stays_for_as_long_as_was_most_likely_meant() {
    let inventory = case("a5-retention-typed");
    let plan = plan_create(&inventory, &regions(&inventory), &Config::default());
    let days = |instance: &str| {
        let group = plan.groups.iter().find(|group| group.instance.as_str() == instance).unwrap();
        let day: Date = group.tags.get("DeleteOn").unwrap().parse().unwrap();
        (day - inventory.today()).get_days()
    };
    assert_eq!(["i-0", "i-1", "i-2", "i-3", "i-4"].map(days), [36_500, 3_650, 3_660, 730, 36_500]);
    let is_said = |id| matches!(problems(&plan, id)[..], [Problem::RetentionUnreadable { .. }]);
    assert!(["i-0", "i-1", "i-2", "i-3", "i-4"].into_iter().all(is_said), "{:?}", plan.findings);
}

#[test]
fn a28_the_source_stays_as_long_as_its_own_policy_reaches_further() {
    let inventory = case("a28-move-shorter-there");
    let plan = plan_offsite(&inventory, &regions(&inventory));
    assert_eq!(check(&plan, &inventory, &Config::default()), []);
    let source = Subject::Source(target("snap-a0"));
    let found = plan.decisions.iter().find(|one| one.subject == source).unwrap();
    assert_ne!(found.act.as_str(), "remove-source");
    let mut life = Life::new(inventory);
    assert_eq!(days_of(&mut life, 30, &["snap-a0"]), [None]);
    assert_eq!(days_of(&mut life, 32, &["snap-a0"]), [Some("2026-12-22".to_owned())]);
}

#[test]
fn c1_what_there_is_of_a_volume_that_was_replaced_ends_thirty_days_from_now() {
    let plan = expire(&case("c1-volume-replaced"));
    assert_eq!(deleted(&plan), NOTHING);
    assert!(matches!(of(&plan, "snap-11"), (Act::Mark { closed: Some(_) }, Reason::VolumeOver { .. })));
    assert!(matches!(of(&plan, "snap-00"), (Act::Keep, Reason::KeptForClosing { .. })));
    let waits = plan.decisions.iter().filter(|one| matches!(one.reason, Reason::KeptForClosing { .. }));
    assert_eq!(waits.count(), 11, "beside the one that gets the mark");
    let mut life = Life::new(case("c1-volume-replaced"));
    let ids: Vec<_> = (0..12).map(|n| format!("snap-{n:02}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(days_of(&mut life, 31, &ids), vec![None; 12], "the 22nd of December is the last");
    let _ = life.live(time("2026-12-23T04:00:00Z"));
    assert!(ids.iter().all(|id| life.gone.contains_key(&id.parse().unwrap())), "2024 is past twelve months");
}

#[test]
fn c2_what_there_is_of_a_volume_that_says_no_ends_thirty_days_from_now() {
    let mut life = Life::new(case("c2-volume-no"));
    let plan = expire(&life.inventory);
    assert_eq!(deleted(&plan), ["snap-03"], "past the newest three");
    let (act, reason) = of(&plan, "snap-00");
    assert!(matches!((act, reason), (Act::Mark { .. }, Reason::VolumeOver { over: Over::VolumeExcluded, .. })));
    let day = |text: &str| Some(text.to_owned());
    let ids = ["snap-03", "snap-02", "snap-01", "snap-00"];
    let last = day("2026-12-23");
    assert_eq!(days_of(&mut life, 40, &ids), [day("2026-11-22"), last.clone(), last.clone(), last]);
}

#[test]
fn c3_the_last_copy_where_no_copies_go_any_more_goes_after_seven_full_days() {
    let mut life = Life::new(case("c3-old-destination"));
    let plan = expire(&life.inventory);
    assert_eq!(deleted(&plan), NOTHING);
    let (act, reason) = of(&plan, "snap-old");
    assert!(
        matches!((act, reason), (Act::Keep, Reason::KeptInGrace { until, wanted: None, .. }) if until.to_string() == "2026-11-29")
    );
    assert_eq!(days_of(&mut life, 14, &["snap-old"]), [Some("2026-11-29".to_owned())]);
}

#[test]
fn c4_copies_whose_home_is_not_read_wait_and_a_finding_names_it_with_their_count() {
    let plan = expire(&case("c4-home"));
    assert_eq!(deleted(&plan), ["snap-03", "snap-02", "snap-01"]);
    let plan = expire(&case("c4-home-unread"));
    assert_eq!(deleted(&plan), NOTHING);
    let home: Region = "us-east-1".parse().unwrap();
    let said = problems(&plan, "eu-west-1");
    let is_named = |one: &&&Problem| matches!(one, Problem::HistoryUnread { unread, some } if some.snapshots == 10 && unread.contains(&Unread::Volumes(home.clone())));
    assert_eq!(said.iter().filter(is_named).count(), 1, "{said:?}");
}

#[test]
fn c6_copies_that_do_not_say_of_which_volume_are_kept_and_counted() {
    let plan = expire(&case("c6-no-volume-tag"));
    assert_eq!(deleted(&plan), NOTHING);
    assert!(plan.decisions.iter().all(|one| one.reason == Reason::NoVolume));
    assert!(matches!(problems(&plan, "eu-west-1")[..], [Problem::NoVolume { some: Amount { snapshots: 4, .. } }]));
}

#[test]
fn f11_what_is_itself_being_copied_waits() {
    let plan = expire(&case("f11-copy-of-copy"));
    assert_eq!(deleted(&plan), NOTHING);
    assert!(matches!(of(&plan, "snap-c1"), (Act::Keep, Reason::CopyInFlight { .. })));
    // The same of one that failed.
    let mut failed = case("f11-copy-of-copy");
    let here = failed.regions.get_mut(&"eu-west-1".parse::<Region>().unwrap()).unwrap();
    let Read::Whole(snapshots) = &mut here.snapshots else { panic!() };
    let one = snapshots.iter_mut().find(|one| one.id.as_str() == "snap-c1").unwrap();
    one.state = snapwarden_core::inventory::SnapshotState::Error;
    let plan = expire(&failed);
    assert!(matches!(of(&plan, "snap-c1"), (Act::Keep, Reason::CopyInFlight { .. })));
}

#[test]
fn o6_a_copy_stays_whose_source_was_pinned_or_given_a_later_day() {
    let inventory = case("o6-moved-after-stamp");
    let plan = expire(&inventory);
    assert_eq!(deleted(&plan), NOTHING);
    let day = |id: &str| match of(&plan, id) {
        (Act::Keep, Reason::SourceStays { delete_on, .. }) => *delete_on,
        other => panic!("{other:?}"),
    };
    assert_eq!((day("snap-c0"), day("snap-c1")), (Some("2027-11-13".parse().unwrap()), None));
}

/// What the jobs say of the Regions as a whole.
fn said_of_regions(plan: &Plan) -> Vec<&Problem> {
    let is_of_region = |one: &&Finding| one.id == one.region.as_str();
    plan.findings.iter().filter(is_of_region).map(|one| &one.problem).collect()
}

#[test]
fn b5_what_is_not_ours_and_of_an_unfamiliar_tier_stops_nothing() {
    let inventory = case("b5-new-tier");
    let plan = plan_create(&inventory, &regions(&inventory), &Config::default());
    assert_eq!(plan.decisions.iter().filter(|one| matches!(one.act, Act::Create { .. })).count(), 3);
    assert_eq!(said_of_regions(&plan), NO_PROBLEM);
}

#[test]
fn r01_a_dump_that_powershell_wrote_is_read() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cases/01-utf16");
    let dump = dump::read(&dir, time(NOW), None, &[]).unwrap();
    assert_eq!(dump.troubles, []);
    let plan = plan_create(&dump.inventory, &regions(&dump.inventory), &Config::default());
    assert!(matches!(plan.decisions[..], [Decision { act: Act::Create { .. }, .. }]));
}

#[test]
fn r06_odd_values_of_backup_are_read_where_nothing_else_can_be_meant_and_errors_where_yes_was() {
    let inventory = case("06-odd-backup");
    let plan = plan_create(&inventory, &regions(&inventory), &Config::default());
    let made: Vec<_> = plan.groups.iter().map(|group| group.instance.as_str()).collect();
    assert_eq!(made, ["i-1", "i-2"]);
    let lints = lint(&inventory, &regions(&inventory), &Config::default());
    let said: Vec<_> = lints.iter().map(|one| (one.severity, one.id.as_str(), one.problem.to_string())).collect();
    for (n, id) in ["i-3", "i-4"].into_iter().enumerate() {
        assert_eq!((said[n].0, said[n].1), (Severity::Error, id));
        assert!(said[n].2.ends_with("did you mean Yes?"), "{}", said[n].2);
        assert!(matches!(problems(&plan, id)[..], [Problem::BackupUnreadable { .. }]));
    }
    assert_eq!(said.len(), 2);
}

#[test]
fn r06_what_stands_between_regions_is_named() {
    let inventory = case("06-odd-values");
    let lints = lint(&inventory, &regions(&inventory), &Config::default());
    let of = |id: &str| lints.iter().find(|one| one.id == id).map(|one| (one.severity, one.problem.clone()));
    for id in ["i-0000002e", "i-0000002f", "i-00000030", "i-0000003a"] {
        let meant = "us-west-2 eu-west-1".to_owned();
        assert_eq!(of(id), Some((Severity::Error, LintProblem::Separators { meant })), "{id}");
    }
    let meant = "us-west-2".to_owned();
    assert_eq!(of("i-00000039"), Some((Severity::Error, LintProblem::Separators { meant })));
    assert!(matches!(of("i-00000035"), Some((Severity::Error, LintProblem::OwnRegion))));
    for id in ["i-00000018", "i-00000019", "i-0000001a", "i-00000021"] {
        assert_eq!(of(id), None, "it says Yes, with a character around it that means nothing");
    }
    for id in ["i-0000001c", "i-0000001d", "i-0000001e", "i-0000001f", "i-00000020", "i-00000024", "i-00000025"] {
        assert!(
            matches!(of(id), Some((Severity::Error, LintProblem::Unreadable { meant: Some(yes), .. })) if yes == "Yes"),
            "{id}"
        );
    }
}

#[test]
fn r07_the_predecessors_keys_are_understood_and_those_of_others_are_errors() {
    let inventory = case("07-other-keys");
    let plan = plan_create(&inventory, &regions(&inventory), &Config::default());
    let born = |id: &str, key| plan.groups.iter().find(|one| one.instance.as_str() == id).unwrap().tags.get(key);
    assert_eq!(born("i-1", "snapwarden:retention"), Some("days=30"));
    assert_eq!((born("i-3", "DestinationRegion"), born("i-3", "OffsiteMode")), (Some("eu-west-1"), Some("Copy")));
    let lints = lint(&inventory, &regions(&inventory), &Config::default());
    let near = |one: &Lint| {
        let LintProblem::NearKey { ours } = &one.problem else { return None };
        Some((one.severity, one.id.clone(), ours.clone()))
    };
    let error = |id: &str, ours: &str| (Severity::Error, id.to_owned(), ours.to_owned());
    assert_eq!(
        lints.iter().filter_map(near).collect::<Vec<_>>(),
        [
            error("i-10", "BackupSchedule"),
            error("i-2", "RetentionDays"),
            error("i-4", "RetentionDays"),
            error("i-5", "Backup"),
            error("i-6", "Backup"),
            error("i-7", "Backup"),
            error("i-8", "Backup"),
            error("i-9", "RetentionDays"),
        ]
    );
    for id in ["i-6", "i-7", "i-8"] {
        assert!(matches!(problems(&plan, id)[..], [Problem::BackupKeyMistyped { .. }]), "every run says so: {id}");
    }
}

#[test]
fn r09_a_volume_that_was_backed_up_and_hangs_on_nobody_selected_now_is_said() {
    let ended = |name| {
        let inventory = case(name);
        let plan = plan_create(&inventory, &regions(&inventory), &Config::default());
        said_of_regions(&plan).into_iter().cloned().collect::<Vec<_>>()
    };
    let until = "2026-11-20".parse().unwrap();
    let problem = Problem::BackupEnded { volumes: 1, example: "vol-data".parse().unwrap(), until };
    for name in ["09-detached", "09-to-untagged"] {
        assert_eq!(ended(name), std::slice::from_ref(&problem), "{name}");
    }
    assert_eq!(ended("09-to-tagged"), []);
}

#[test]
fn r10_an_archived_one_is_said_and_is_no_last_good_one() {
    let inventory = case("10-archived");
    let plan = plan_offsite(&inventory, &regions(&inventory));
    let example = "snap-arch".parse().unwrap();
    assert_eq!(said_of_regions(&plan), [&Problem::ArchivedSources { some: Amount { snapshots: 1, gib: 8 }, example }]);
    let plan = expire(&case("10-newest-archived"));
    assert!(matches!(of(&plan, "snap-std"), (Act::Keep, Reason::LastGood { .. })));
}

#[test]
fn r13_an_instance_without_an_ebs_volume_has_a_row_and_a_finding() {
    let inventory = case("13-instance-store");
    let plan = plan_create(&inventory, &regions(&inventory), &Config::default());
    let subject = Subject::Instance("i-1".parse().unwrap());
    let row = plan.decisions.iter().find(|one| one.subject == subject).unwrap();
    assert_eq!((&row.act, &row.reason), (&Act::Skip, &Reason::NoEbsVolume));
    assert_eq!(problems(&plan, "i-1"), [&Problem::NoEbsVolume]);
    assert_eq!(problems(&plan, "i-2"), NO_PROBLEM, "it has an EBS volume beside its instance store");
}

#[test]
fn r27_what_is_due_where_a_run_does_not_act_is_one_line() {
    let inventory = case("27-elsewhere");
    let home: Region = "us-east-1".parse().unwrap();
    let plan = plan_expire(&inventory, std::slice::from_ref(&home), &Config::default());
    let elsewhere: Vec<_> = plan.due_elsewhere.iter().map(|(region, some)| (region.as_str(), some.snapshots)).collect();
    assert_eq!(elsewhere, [("eu-west-1", 39)]);
    assert_eq!(expire(&inventory).due_elsewhere.len(), 0);
}

#[test]
fn r14_copies_of_unknown_volumes_are_kept_in_doubt_whose_they_are() {
    for (name, count) in [("14-two-machines", 2), ("14-sources-gone", 2), ("14-release-0.0.5", 3)] {
        let plan = expire(&case(name));
        assert_eq!(deleted(&plan), NOTHING, "{name}");
        let said = problems(&plan, "eu-west-1");
        let is_said = |one: &&&Problem| matches!(one, Problem::NoVolume { some } if some.snapshots == count);
        assert_eq!(said.iter().filter(is_said).count(), 1, "{name}: {said:?}");
        assert!(said.iter().any(|one| one.to_string().contains("Tag each with VolumeID")), "{name}");
    }
}

#[test]
fn r20_what_ec2_says_is_a_copy_is_one_of_its_volume_and_the_last_one_stays() {
    let plan = expire(&case("20-copyregion-copies"));
    assert!(!deleted(&plan).contains(&"snap-c2".to_owned()), "the newest of vol-1");
    assert!(!deleted(&plan).contains(&"snap-c3".to_owned()), "the newest of vol-2");
    assert!(plan.decisions.iter().all(|one| !matches!(one.act, Act::Mark { .. })), "their volumes live");
    assert_eq!(deleted(&plan), ["snap-c1"]);
}

#[test]
fn r21_where_instances_are_not_read_nothing_goes_and_findings_say_so() {
    let plan = expire(&case("21-instances-unread"));
    assert_eq!(deleted(&plan), NOTHING);
    let said = problems(&plan, "us-east-1");
    assert!(said.iter().any(|one| matches!(one, Problem::NotRead { what, .. } if what == "instances")), "{said:?}");
    assert!(
        said.iter().any(|one| matches!(one, Problem::HistoryUnread { some, .. } if some.snapshots == 15)),
        "{said:?}"
    );
}

#[test]
fn r28_tags_that_wandered_make_a_snapshot_none_of_ours() {
    let plan = expire(&case("28-tags-that-wandered"));
    assert_eq!(plan.decisions, []);
    assert!(matches!(
        problems(&plan, "us-east-1")[..],
        [Problem::TagsWandered { some: Amount { snapshots: 3, .. }, .. }]
    ));
}

#[test]
fn a1_a_person_may_approve_and_the_policy_of_before_stays_readable() {
    let mut life = Life::new(case("a1-removed"));
    for day in ["2026-11-23T04:00:00Z", "2026-11-24T04:00:00Z"] {
        let _ = life.live(time(day));
    }
    // The words for it are of the day after the first snapshot under the new tags.
    let config = Config { approvals: vec!["i-1:2026-11-24:10".parse().unwrap()], ..Config::default() };
    let plan = plan_expire(&life.inventory, &regions(&life.inventory), &config);
    assert_eq!(deleted(&plan), firsts());
    assert!(matches!(of(&plan, "snap-99"), (Act::Keep, Reason::NotDue { .. })), "it records the policy of before");
}

/// What the creator's plan says of the Region as a whole.
fn said_by_creator(name: &str) -> Vec<Problem> {
    let inventory = case(name);
    let plan = plan_create(&inventory, &regions(&inventory), &Config::default());
    assert_eq!(check(&plan, &inventory, &Config::default()), []);
    problems(&plan, "us-east-1").into_iter().cloned().collect()
}

#[test]
fn b9_a_daily_volume_whose_snapshots_stay_pending_is_late_and_a_monthly_one_beside_it_is_not() {
    let late = Problem::BackupLate {
        volumes: 1,
        example: "vol-d".parse().unwrap(),
        newest: Some(time("2026-11-16T03:00:05Z")),
        late_hours: 4 * 24 + 19,
    };
    assert_eq!(said_by_creator("b9-age"), [late]);
}

#[test]
fn m4_a_weekly_volume_whose_first_snapshot_stays_pending_is_late() {
    let late =
        Problem::BackupLate { volumes: 1, example: "vol-1".parse().unwrap(), newest: None, late_hours: 6 * 24 + 18 };
    assert_eq!(said_by_creator("m4-pending-long"), [late]);
}
