//! Each safety rule catches a plan that breaks it, and what it names does not stay in the plan.
//!
//! The manager's plans are made by hand, so that they say what the check makes of them, and nothing of a planner. The
//! creator's and the offsiter's are their own, broken by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod births;
mod breaker;
mod cases;
mod due;
mod facts;
mod form;
mod grace;
mod joined;
mod last_good;
mod managed;
mod marks;
mod memory;
mod offsite;
mod tiers;

use common::*;
use snapwarden_core::check::{Rule, check};
use snapwarden_core::decision::{About, Act, Decision, Job, Plan, Reason, Subject};
use snapwarden_core::ids::Region;
use snapwarden_core::policy::Config;

/// What a hand-broken plan must lead to: `rule` is found at `subject`, whose act goes, and what is left is clean.
fn caught_with(config: &Config, plan: &Plan, world: &World, rule: Rule, subject: &Subject) {
    let violations = check(plan, &world.inventory, config);
    let is_found = violations.iter().any(|v| v.rule == rule && v.subject.as_ref() == Some(subject));
    assert!(is_found, "{rule:?} at {subject:?} in {violations:?}");
    let rest = plan.clone().without(&violations);
    assert!(!rest.decisions.iter().any(|d| d.subject == *subject && d.act.is_change()), "{:?}", rest.decisions);
    assert_eq!(check(&rest, &world.inventory, config), [], "what is left is clean");
}

fn caught(plan: &Plan, world: &World, rule: Rule, subject: &Subject) {
    caught_with(&Config::default(), plan, world, rule, subject);
}

fn clean(plan: &Plan, world: &World) {
    assert_eq!(check(plan, &world.inventory, &Config::default()), []);
}

fn snapshot(id: &str) -> Subject {
    Subject::Snapshot(target(id))
}

fn source_of(id: &str) -> Subject {
    Subject::Source(target(id))
}

fn copy_to(id: &str, destination: &str) -> Subject {
    Subject::Copy(target(id), region(destination))
}

fn volume(id: &str) -> Subject {
    Subject::Volume(volume_id(id))
}

fn delete() -> Act {
    Act::Delete { anchor: None, rests_on: Vec::new() }
}

/// The plan with another act for a subject.
fn acting(mut plan: Plan, subject: &Subject, act: Act) -> Plan {
    plan.decisions.iter_mut().find(|decision| decision.subject == *subject).unwrap().act = act;
    plan
}

/// A plan of these acts, in their order, in all Regions that were read.
fn plan_of(world: &World, job: Job, acts: impl IntoIterator<Item = (Region, Subject, Act)>) -> Plan {
    let decision = |(region, subject, act)| {
        let (about, reason) = (About::default(), Reason::KeptByMode);
        Decision { region, subject, about, act, reason }
    };
    Plan {
        job,
        account: ACCOUNT.parse().unwrap(),
        taken_at: world.inventory.taken_at,
        regions: world.inventory.regions.keys().cloned().collect(),
        decisions: acts.into_iter().map(decision).collect(),
        groups: Vec::new(),
        coverage: Default::default(),
        holds: Vec::new(),
        due_elsewhere: std::collections::BTreeMap::new(),
        findings: Vec::new(),
    }
}

/// Where a snapshot lies; at home where there is none.
fn place_of(world: &World, id: &str) -> Region {
    let found = world.inventory.snapshots().find(|(_, snapshot)| snapshot.id.as_str() == id);
    found.map_or_else(|| region(HOME), |(place, _)| place.clone())
}

/// The manager's plan that deletes these, in this order.
fn deleting(world: &World, ids: &[&str]) -> Plan {
    plan_of(world, Job::Expire, ids.iter().map(|id| (place_of(world, id), snapshot(id), delete())))
}

/// What the check says of a plan that deletes these.
fn says_with(config: &Config, world: &World, ids: &[&str]) -> Vec<String> {
    let plan = deleting(world, ids);
    let violations = check(&plan, &world.inventory, config);
    assert_eq!(check(&plan.without(&violations), &world.inventory, config), [], "what is left is clean");
    violations.iter().map(ToString::to_string).collect()
}

fn says(world: &World, ids: &[&str]) -> Vec<String> {
    says_with(&Config::default(), world, ids)
}

/// That all of these may go, in this order.
fn may_go(world: &World, ids: &[&str]) {
    assert_eq!(says(world, ids), Vec::<String>::new());
}

/// That this one may not go, by this rule, for a reason that has these words.
fn stays(world: &World, id: &str, rule: Rule, words: &str) {
    stays_with(&Config::default(), world, id, rule, words);
}

fn stays_with(config: &Config, world: &World, id: &str, rule: Rule, words: &str) {
    let said = says_with(config, world, &[id]);
    let is_so = |text: &String| text.contains(&format!(" {rule:?}: {id}")) && text.contains(words);
    assert!(said.iter().any(is_so), "{rule:?}, {words:?}: {said:?}");
}

fn approving(words: &[&str]) -> Config {
    Config { approvals: words.iter().map(|word| word.parse().unwrap()).collect(), ..Config::default() }
}

/// `i-1` lives and has `vol-1`; the newest is of yesterday and plain.
fn living() -> World {
    living_with(&[])
}

fn living_with(tagged: Pairs<'_>) -> World {
    world(NOW).server("i-1", tagged, "vol-1").snapshot(newest())
}

/// Of yesterday, without a record.
fn newest() -> Snap {
    ours("snap-9", "vol-1", "2026-11-21", "2026-11-28")
}

/// One of ours of this day, kept seven days, with a record.
fn made(day: &str, record: &str) -> Snap {
    let delete_on = date(day).saturating_add(jiff::ToSpan::days(7)).to_string();
    let snap = ours(&format!("snap-{day}"), "vol-1", day, &delete_on);
    if record.is_empty() { snap } else { snap.tag("snapwarden:retention", record) }
}
