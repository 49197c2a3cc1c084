//! The exit code of a plan and of a run.

use super::*;
use crate::approval::Approval;
use crate::check::Rule;
use crate::decision::{About, Amount, Job, Reason, Subject};
use crate::ids::Region;

fn home() -> Region {
    "us-east-1".parse().unwrap()
}

fn decision(id: &str, act: Act) -> Decision {
    let subject = Subject::Snapshot(serde_json::from_value(serde_json::json!(id)).unwrap());
    Decision { region: home(), subject, about: About::default(), act, reason: Reason::KeepForever }
}

fn delete() -> Act {
    Act::Delete { anchor: None, rests_on: Vec::new() }
}

fn plan(acts: &[Act]) -> Plan {
    let decisions = acts.iter().enumerate().map(|(n, act)| decision(&format!("snap-{n}"), act.clone())).collect();
    Plan {
        job: Job::Expire,
        account: "123456789012".parse().unwrap(),
        taken_at: "2026-11-22T04:00:00Z".parse().unwrap(),
        regions: vec![home()],
        decisions,
        groups: Vec::new(),
        coverage: BTreeMap::new(),
        holds: Vec::new(),
        due_elsewhere: BTreeMap::new(),
        findings: Vec::new(),
    }
}

fn with_finding(mut plan: Plan, problem: Problem) -> Plan {
    plan.findings.push(Finding::new(&home(), home(), problem));
    plan
}

fn unread() -> Problem {
    Problem::NotRead { what: "volumes".to_owned(), why: "access denied".to_owned() }
}

fn violation() -> Violation {
    Violation { rule: Rule::S2, region: home(), subject: None, text: "snap-9 is pinned".to_owned() }
}

fn exit_code(plan: Plan, outcomes: Vec<Outcome>, violations: Vec<Violation>) -> u8 {
    let ended_at = plan.taken_at;
    let findings = plan.findings.clone();
    RunReport { plan, outcomes, violations, findings, calls: BTreeMap::new(), ended_at }.exit_code()
}

#[test]
fn what_waits_for_a_person_is_3_and_nothing_else_is() {
    let held = plan(&[Act::Hold, Act::Keep, Act::Hold]);
    assert_eq!((held.held_back(), exit_code_of_plan(&held, &[])), (2, 3));
    let outcomes = vec![Outcome::NothingToDo; 3];
    assert_eq!(exit_code(held, outcomes, Vec::new()), 3);
    let quiet = plan(&[Act::Keep, Act::Wait, Act::Skip, Act::Mark { closed: None }, delete()]);
    assert_eq!((quiet.held_back(), exit_code_of_plan(&quiet, &[])), (0, 0));
}

#[test]
fn what_comes_by_itself_after_the_grace_period_is_not_held_back() {
    let approval: Approval = "i-1:2026-11-22:5".parse().unwrap();
    let waits = Problem::GraceHolds { some: Amount::default(), until: approval.day, last: approval.day, approval };
    assert_eq!(exit_code_of_plan(&with_finding(plan(&[Act::Keep]), waits), &[]), 0);
}

#[test]
fn what_the_check_dropped_or_was_not_read_is_2_also_where_something_is_held_back() {
    for acts in [&[Act::Keep][..], &[Act::Hold]] {
        assert_eq!(exit_code_of_plan(&plan(acts), &[violation()]), 2, "dropped: {acts:?}");
        assert_eq!(exit_code_of_plan(&with_finding(plan(acts), unread()), &[]), 2, "unread: {acts:?}");
    }
}

#[test]
fn an_item_that_failed_or_is_unclear_is_2_also_where_something_is_held_back() {
    let said = Said { code: "UnauthorizedOperation".to_owned(), message: "no".to_owned() };
    for (outcome, code) in [
        (Outcome::Failed(said.clone()), 2),
        (Outcome::Unclear(said.clone()), 2),
        (Outcome::Refused(said), 3),
        (Outcome::Deferred(Deferred::Deadline), 3),
        (Outcome::Changed(Changed::Differs), 3),
        (Outcome::Done { made: None }, 3),
    ] {
        let outcomes = vec![outcome.clone(), Outcome::NothingToDo];
        assert_eq!(exit_code(plan(&[delete(), Act::Hold]), outcomes, Vec::new()), code, "{outcome:?}");
    }
}
