use std::collections::BTreeMap;

use snapwarden_core::check::Rule;
use snapwarden_core::decision::Reason;
use snapwarden_core::inventory::SnapshotState;
use snapwarden_core::report::{Deferred, Said};
use snapwarden_core::tags::Tags;

use super::*;

fn decision(id: &str, name: &str, act: Act, reason: Reason) -> Decision {
    let about = About { instance: None, name: Some(name.to_owned()), volume: "vol-1".parse().ok() };
    let subject = Subject::Snapshot(serde_json::from_value(serde_json::json!(id)).unwrap());
    Decision { region: "eu-west-1".parse().unwrap(), subject, about, act, reason }
}

fn failed(id: &str, name: &str) -> Decision {
    let cause = snapwarden_core::decision::FailedCause::Old;
    let since = "2026-11-20T03:00:00Z".parse().unwrap();
    let reason = Reason::Failed { message: "no disk".to_owned(), since, kept_hours: 24, cause };
    decision(id, name, Act::Delete { anchor: None, rests_on: Vec::new() }, reason)
}

fn of(decisions: Vec<Decision>) -> Plan {
    Plan {
        job: Job::Expire,
        account: "123456789012".parse().unwrap(),
        taken_at: "2026-11-22T04:00:30Z".parse().unwrap(),
        regions: vec!["eu-west-1".parse().unwrap()],
        decisions,
        groups: Vec::new(),
        coverage: std::collections::BTreeMap::new(),
        holds: Vec::new(),
        due_elsewhere: BTreeMap::new(),
        findings: Vec::new(),
    }
}

fn keep(id: &str, name: &str) -> Decision {
    decision(id, name, Act::Keep, Reason::NotCompleted { state: SnapshotState::Pending })
}

#[test]
fn a_report_says_what_became_of_each_item() {
    let refused = Said { code: "InvalidSnapshot.InUse".to_owned(), message: "in use\nby ami-1".to_owned() };
    let report = RunReport {
        plan: of(vec![failed("snap-1", "a"), failed("snap-2", "b"), failed("snap-3", "c"), keep("snap-4", "d")]),
        outcomes: vec![
            Outcome::Done { made: None },
            Outcome::Refused(refused),
            Outcome::Deferred(Deferred::Deadline),
            Outcome::NothingToDo,
        ],
        violations: Vec::new(),
        findings: Vec::new(),
        calls: BTreeMap::new(),
        ended_at: "2026-11-22T04:01:00Z".parse().unwrap(),
    };
    insta::assert_snapshot!(super::report(&report, Options::default()), @r#"
    Snapshots to expire: account 123456789012, eu-west-1, as of 2026-11-22T04:00Z

      ACT     SNAPSHOT  VOLUME  INSTANCE  OUTCOME                                                                      REASON
    eu-west-1
      delete  snap-1    vol-1   a         done                                                                         failed ("no disk"), begun 2026-11-20T03:00Z, more than 24 h ago
      delete  snap-2    vol-1   b         kept, EC2 refuses to delete it: in use\u{a}by ami-1 (InvalidSnapshot.InUse)  failed ("no disk"), begun 2026-11-20T03:00Z, more than 24 h ago
      delete  snap-3    vol-1   c         deferred: its time in this run is over                                       failed ("no disk"), begun 2026-11-20T03:00Z, more than 24 h ago
      keep    snap-4    vol-1   d         nothing to do                                                                pending: kept until it has completed or failed

    1 deleted, 1 refused by EC2, 1 deferred, 1 kept
    "#);
}

#[test]
fn a_tag_cannot_forge_a_row() {
    let hostile = "web\u{1b}[2K\n  keep  snap-9\t  DeleteOn\u{202e}   2099";
    let plan = of(vec![failed("snap-1", hostile)]);
    let text = super::plan(&plan, &[], Options::default());
    assert_eq!(text.lines().filter(|line| line.contains("snap-")).count(), 1, "{text}");
    assert!(!text.contains(['\u{1b}', '\t', '\u{202e}']), "{text}");
}

#[test]
fn no_line_ends_in_white_space_and_every_row_keeps_to_its_columns() {
    let plan = of(vec![failed("snap-1", "東京"), failed("snap-22", ""), keep("snap-333", "é")]);
    let text = super::plan(&plan, &[], Options::default());
    assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
    insta::assert_snapshot!(text, @r#"
    Snapshots to expire: account 123456789012, eu-west-1, as of 2026-11-22T04:00Z

      ACT     SNAPSHOT  VOLUME  INSTANCE  REASON
    eu-west-1
      delete  snap-1    vol-1   東京      failed ("no disk"), begun 2026-11-20T03:00Z, more than 24 h ago
      delete  snap-22   vol-1   -         failed ("no disk"), begun 2026-11-20T03:00Z, more than 24 h ago
      keep    snap-333  vol-1   é         pending: kept until it has completed or failed

    2 to delete, 1 kept
    "#);
}

#[test]
fn what_the_check_dropped_is_loud() {
    let violation = Violation {
        rule: Rule::S6,
        region: "eu-west-1".parse().unwrap(),
        subject: None,
        text: "snap-1 is the last good one".to_owned(),
    };
    insta::assert_snapshot!(super::plan(&of(Vec::new()), &[violation], Options::default()), @r#"
    Snapshots to expire: account 123456789012, eu-west-1, as of 2026-11-22T04:00Z

    0 to delete

    UNSAFE: the safety check found errors in this plan and dropped what they concern. Do not act on it by hand, and report this:
      eu-west-1 S6: snap-1 is the last good one
    "#);
}

#[test]
fn volumes_in_and_out_of_sets_are_counted_apart() {
    let mut plan = of(Vec::new());
    plan.job = Job::Create;
    let reason = || Reason::SlotDue {
        slot: "2026-11-22T03:00Z".parse().unwrap(),
        late_hours: None,
        newest: None,
        consistency: snapwarden_core::decision::Consistency::Set,
        kept_here_for: None,
    };
    for id in ["vol-1", "vol-2", "vol-3"] {
        let mut one = decision("snap-1", "a", Act::Create { late_tags: Tags::default() }, reason());
        one.subject = Subject::Volume(id.parse().unwrap());
        plan.decisions.push(one);
    }
    plan.groups.push(snapwarden_core::decision::CreateGroup {
        region: "eu-west-1".parse().unwrap(),
        instance: "i-1".parse().unwrap(),
        slot: "2026-11-22T03:00Z".parse().unwrap(),
        tags: Tags::default(),
        consistency: snapwarden_core::decision::Consistency::Set,
        volumes: vec!["vol-1".parse().unwrap(), "vol-2".parse().unwrap()],
        exclude_boot: false,
        exclude_data: Vec::new(),
    });
    assert_eq!(totals::of_plan(&plan, Options::default()), "3 to create (2 of them in 1 set)");
}
