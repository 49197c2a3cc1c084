//! A fleet, a clock and the rules, for the tests beside this file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::decision::{About, Act, Decision, Job, Reason, Subject};
use snapwarden_core::ids::{InstanceId, Region, SnapshotId};
use snapwarden_core::inventory::SnapshotState;
use snapwarden_core::managed::volume_of;
use snapwarden_core::report::RunReport;
use snapwarden_core::tags::{Tags, key, source_snapshot};
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::people::{NewInstance, NewVolume};
use snapwarden_ec2sim::world::World;
use snapwarden_ec2sim::{Policy, Principal};
use snapwarden_exec::cloud::Cloud;
use snapwarden_exec::collect::Scope;
use snapwarden_exec::execute::execute;
use snapwarden_exec::pacing::{Pacer, Stop};
use snapwarden_exec::run::{Prepared, Quiet, RunError, RunOptions, calls_since, prepare, run};

pub(crate) const NOW: &str = "2026-11-22T03:00:00Z";
pub(crate) const HOME: &str = "us-east-1";
pub(crate) const AWAY: &str = "eu-west-1";
pub(crate) const FAR: &str = "us-west-2";

pub(crate) fn region(name: &str) -> Region {
    name.parse().unwrap()
}

pub(crate) fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().copied().collect()
}

/// An empty account of three Regions at [`NOW`].
pub(crate) fn world(seed: u64) -> World {
    let regions = [HOME, AWAY, FAR].map(region);
    World::new(seed, NOW.parse().unwrap(), "123456789012".parse().unwrap(), regions)
}

/// An instance at [`HOME`] with `volumes` volumes of 10 GiB, the first of them its root.
pub(crate) fn instance(world: &mut World, name: &str, pairs: &[(&str, &str)], volumes: usize) -> InstanceId {
    instance_in(world, HOME, name, pairs, volumes)
}

/// The same anywhere.
pub(crate) fn instance_in(
    world: &mut World,
    place: &str,
    name: &str,
    pairs: &[(&str, &str)],
    volumes: usize,
) -> InstanceId {
    let home = region(place);
    let mut all = tags(pairs);
    all.set("Name", name);
    let id = world.run_instance(&home, NewInstance::named(name, all)).unwrap();
    for n in 0..volumes {
        let volume = world.create_volume(&home, NewVolume::sized(&format!("{name}-{n}"), 10)).unwrap();
        let device = if n == 0 { "/dev/xvda".to_owned() } else { format!("/dev/sd{}", (b'e' + n as u8) as char) };
        world.attach_volume(&home, &volume, &id, &device, n == 0).unwrap();
    }
    id
}

pub(crate) fn options(job: Job, regions: &[&str]) -> RunOptions {
    let regions = regions.iter().map(|name| region(name)).collect();
    RunOptions::new(job, Scope::Named(regions))
}

/// The policy document that is deployed for a job's function.
pub(crate) fn document(job: Job) -> &'static str {
    match job {
        Job::Create => include_str!("../../../../deploy/policies/creator.json"),
        Job::Offsite => include_str!("../../../../deploy/policies/offsiter.json"),
        Job::Expire => include_str!("../../../../deploy/policies/manager.json"),
    }
}

/// A caller with these policies.
pub(crate) fn with_policies(sim: &Sim, documents: &[impl AsRef<str>]) -> Sim {
    let account = sim.with(|world| world.account().clone());
    let policy = Some(Policy::of_documents(documents).unwrap());
    sim.with_principal(Principal { policy, ..Principal::of(account) })
}

/// Runs a job where the instances are; the manager in the destinations too. None: killed. The whole suite is run under
/// the very policies that are deployed.
pub(crate) fn try_job(sim: &Sim, job: Job) -> Option<Result<RunReport, RunError>> {
    try_job_as(sim, job, document(job))
}

/// The same under another policy document.
pub(crate) fn try_job_as(sim: &Sim, job: Job, document: &str) -> Option<Result<RunReport, RunError>> {
    let sim = &with_policies(sim, &[document]);
    let regions: &[&str] = match job {
        Job::Create | Job::Offsite => &[HOME],
        Job::Expire => &[HOME, AWAY, FAR],
    };
    let options = options(job, regions);
    sim.block_on(run(sim, &options, &Quiet))
}

/// What becomes of a manager's plan, made by hand, that writes these marks at home and does nothing else.
pub(crate) fn write_marks(sim: &Sim, document: &str, marks: &[(SnapshotId, Option<Date>)]) -> RunReport {
    let marks = marks.iter().map(|(id, closed)| decision(id, Act::Mark { closed: *closed }));
    carry_out(&with_policies(sim, &[document]), marks.collect(), None)
}

/// What becomes of a manager's plan that deletes these at home, resting on nothing, and has so many seconds.
pub(crate) fn delete_within(sim: &Sim, ids: &[SnapshotId], seconds: i64) -> RunReport {
    let deletes = ids.iter().map(|id| decision(id, Act::Delete { anchor: None, rests_on: Vec::new() }));
    carry_out(sim, deletes.collect(), Some(seconds))
}

fn carry_out(sim: &Sim, decisions: Vec<Decision>, seconds: Option<i64>) -> RunReport {
    let deadline = seconds.map(|seconds| sim.with(|world| world.now()) + SignedDuration::from_secs(seconds));
    let pacer = Pacer::new(sim, deadline, Stop::default());
    let carried_out = async {
        let Prepared { inventory, mut plan, .. } =
            prepare(&pacer, &options(Job::Expire, &[HOME]), &Quiet).await.expect("started");
        plan.decisions = decisions;
        let before = sim.calls();
        let (outcomes, findings) = execute(&pacer, &plan, &inventory, &Quiet).await;
        let calls = calls_since(&before, &sim.calls());
        RunReport { plan, outcomes, violations: Vec::new(), findings, calls, ended_at: sim.now() }
    };
    sim.block_on(carried_out).expect("not killed")
}

fn decision(id: &SnapshotId, act: Act) -> Decision {
    // Planners alone name targets; a plan that is read back has them too.
    let target = serde_json::from_value(serde_json::json!(id)).expect("an id is a target's text");
    let (subject, reason) = (Subject::Snapshot(target), Reason::LastGood { volume: None });
    Decision { region: region(HOME), subject, about: About::default(), act, reason }
}

/// A policy document without one of its statements.
pub(crate) fn without(document: &str, sid: &str) -> String {
    let mut document: serde_json::Value = serde_json::from_str(document).unwrap();
    let statements = document["Statement"].as_array_mut().unwrap();
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != sid);
    assert_eq!(statements.len(), before - 1, "{sid}");
    document.to_string()
}

pub(crate) fn job(sim: &Sim, job: Job) -> RunReport {
    let report = try_job(sim, job).expect("not killed").expect("started");
    assert_eq!(report.violations, [], "check found something in a plan of our own");
    report
}

/// A run whose report is not what the test is about.
pub(crate) fn act(sim: &Sim, which: Job) {
    let _ = job(sim, which);
}

pub(crate) fn pass(sim: &Sim, minutes: i64) {
    sim.with(|world| {
        let time = world.now() + SignedDuration::from_mins(minutes);
        world.advance_to(time);
    });
}

pub(crate) fn pass_until(sim: &Sim, time: &str) {
    let time: Timestamp = time.parse().unwrap();
    sim.with(|world| world.advance_to(time));
}

/// The changes of a report's plan, by the act's word.
pub(crate) fn changes(report: &RunReport) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for decision in report.plan.decisions.iter().filter(|decision| decision.act.is_change()) {
        *counts.entry(decision.act.as_str()).or_insert(0) += 1;
    }
    counts
}

/// Offsiter runs until two in a row have nothing to do.
pub(crate) fn offsite_until_done(sim: &Sim) {
    let mut idle = 0;
    for _ in 0..200 {
        let report = job(sim, Job::Offsite);
        let waits = report.plan.decisions.iter().any(|decision| decision.act == Act::Wait);
        idle = if changes(&report).is_empty() && !waits { idle + 1 } else { 0 };
        if idle == 2 {
            return;
        }
        pass(sim, 10);
    }
    panic!("the offsiter does not come to an end");
}

/// What holds of any world that only the jobs have written in (S8, S11).
pub(crate) fn assert_rules(world: &World, context: &str) {
    let truth = world.truth();
    let mut slots: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    // Born while a destination could not be read: the slot's other one may be there (docs/safety.md, "What S8 rests on").
    let mut kept_here = BTreeSet::new();
    let mut copies: BTreeMap<_, usize> = BTreeMap::new();
    for (region, snapshot) in truth.snapshots() {
        for wanted in [key::TYPE, key::CREATED_ON, key::DELETE_ON, key::INSTANCE_ID, key::SLOT] {
            assert!(snapshot.tags.has(wanted), "{context}: {} was born without {wanted}", snapshot.id);
        }
        if snapshot.state == SnapshotState::Error {
            continue;
        }
        let source = source_snapshot(&snapshot.tags).ok();
        let Some(volume) = volume_of(snapshot) else { panic!("{context}: {} names no volume", snapshot.id) };
        let slot = snapshot.tags.get(key::SLOT).unwrap().to_owned();
        if snapshot.tags.get(key::OFFSITE_MODE) == Some("KeepLatest") {
            kept_here.insert((volume.clone(), slot.clone()));
        }
        slots.entry((volume, slot)).or_default().insert(source.clone().unwrap_or_else(|| snapshot.id.clone()));
        if let Some(source) = source {
            *copies.entry((source, region.clone())).or_default() += 1;
        }
    }
    for (of, made) in slots {
        let (most, (volume, slot)) = (if kept_here.contains(&of) { 2 } else { 1 }, of);
        assert!(made.len() <= most, "{context}: {volume} has {made:?} for slot {slot}");
    }
    for ((source, region), count) in copies {
        assert_eq!(count, 1, "{context}: {source} has {count} copies in {region}");
    }
}

/// The volumes of selected instances that have something restorable or in the making, anywhere.
pub(crate) fn assert_every_volume_is_backed_up(world: &World, context: &str) {
    let truth = world.truth();
    let held: BTreeSet<_> = truth
        .snapshots()
        .filter(|(_, snapshot)| snapshot.state != SnapshotState::Error)
        .filter_map(|(_, snapshot)| volume_of(snapshot))
        .collect();
    for seen in truth.regions.values() {
        for volume in seen.volumes.items() {
            assert!(held.contains(&volume.id), "{context}: {} has nothing", volume.id);
        }
    }
}
