//! A Region that throttles, or answers nothing, costs the others nothing: each has a stream of calls of its own.

use jiff::{SignedDuration, Timestamp};
use snapwarden_core::decision::{Act, Finding, Job, Problem};
use snapwarden_core::report::{Outcome, RunReport};
use snapwarden_ec2sim::call::Action;
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::faults::{Fault, Ordered};
use snapwarden_ec2sim::world::World;
use snapwarden_exec::run::{Quiet, run};

use crate::second_look::meddled;
use crate::support::{AWAY, FAR, HOME, act, instance, instance_in, options, pass, pass_until, region, world};

/// EC2 throttles every call of `action` in `place`.
fn throttle(world: &mut World, place: &str, action: Action) {
    for _ in 0..2_000 {
        world.order(&region(place), action, None, Ordered::Fault(Fault::Throttled));
    }
}

/// Runs `job` in both Regions, and when it began to act.
fn run_in_both(sim: &Sim, job: Job) -> (RunReport, Timestamp) {
    sim.with(|world| world.take_log());
    let mut wish = options(job, &[HOME, AWAY]);
    wish.deadline = Some(sim.with(|world| world.now()) + SignedDuration::from_mins(10));
    let report = sim.block_on(run(sim, &wish, &Quiet)).unwrap().unwrap();
    let began = report.plan.taken_at;
    (report, began)
}

/// Seconds from `began` until the last call of `action` in `place` was answered.
fn last_after(sim: &Sim, place: &str, action: Action, began: Timestamp) -> i64 {
    let log = sim.with(|world| world.log().to_vec());
    let of_it = log.iter().filter(|entry| entry.region == region(place) && entry.action == action && entry.effect);
    of_it.map(|entry| entry.at.as_second() - began.as_second()).max().expect("there was such a call")
}

#[test]
fn sixty_throttled_instances_of_one_region_leave_the_calls_of_another_as_they_were() {
    let mut world = world(1);
    for n in 0..60 {
        instance_in(&mut world, AWAY, &format!("away-{n}"), &[("Backup", "Yes")], 1);
    }
    for n in 0..5 {
        instance(&mut world, &format!("home-{n}"), &[("Backup", "Yes")], 2);
    }
    throttle(&mut world, AWAY, Action::CreateSnapshot);
    let sim = Sim::new(world);
    let (report, began) = run_in_both(&sim, Job::Create);
    let done = |(_, outcome): &(_, &Outcome)| matches!(outcome, Outcome::Done { .. });
    let made = report.items().filter(done).filter(|(decision, _)| decision.region == region(HOME)).count();
    assert_eq!(made, 10, "all of {HOME} are made");
    assert!(last_after(&sim, HOME, Action::CreateSnapshots, began) <= 2);
    let tagged = last_after(&sim, HOME, Action::CreateTags, began);
    assert!(tagged <= 30, "their late tags came after {tagged} s: they waited for {AWAY}");
}

#[test]
fn a_region_that_throttles_its_listings_leaves_half_of_the_time_to_the_others() {
    let mut world = world(1);
    instance_in(&mut world, AWAY, "away", &[("Backup", "Yes")], 1);
    for n in 0..5 {
        instance(&mut world, &format!("home-{n}"), &[("Backup", "Yes")], 1);
    }
    throttle(&mut world, AWAY, Action::DescribeSnapshots);
    let sim = Sim::new(world);
    let began = sim.with(|world| world.now());
    let mut wish = options(Job::Create, &[HOME, AWAY]);
    wish.deadline = Some(began + SignedDuration::from_secs(30));
    let report = sim.block_on(run(&sim, &wish, &Quiet)).unwrap().unwrap();
    let made = report.items().filter(|(decision, outcome)| decision.region == region(HOME) && outcome.is_done());
    assert_eq!(made.count(), 5);
    let unread = |one: &&Finding| matches!(&one.problem, Problem::NotRead { what, .. } if what == "snapshots");
    let said: Vec<_> = report.findings.iter().filter(unread).map(|one| one.region.clone()).collect();
    assert_eq!((said, report.exit_code()), (vec![region(AWAY)], 2));
    let first =
        sim.with(|world| world.log().iter().find(|entry| entry.action == Action::CreateSnapshot).map(|one| one.at));
    let waited = first.unwrap().duration_since(began).as_secs();
    assert!((5..=15).contains(&waited), "the first snapshot came after {waited} s of 30");
}

#[test]
fn sources_whose_copies_can_be_looked_at_are_removed_while_another_destination_throttles() {
    let mut world = world(1);
    for n in 0..3 {
        instance(&mut world, &format!("away-{n}"), &[("Backup", "Yes"), ("DestinationRegion", AWAY)], 1);
        instance(&mut world, &format!("far-{n}"), &[("Backup", "Yes"), ("DestinationRegion", FAR)], 1);
    }
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass(&sim, 10);
    act(&sim, Job::Offsite);
    pass(&sim, 30);
    sim.with(|world| world.take_log());
    let report = meddled(&sim, Job::Offsite, |world| throttle(world, AWAY, Action::DescribeSnapshots));
    let removed = report.items().filter(|(decision, outcome)| {
        matches!(decision.act, Act::RemoveSource { .. }) && matches!(outcome, Outcome::Done { .. })
    });
    assert_eq!(removed.count(), 3, "those that were copied to {FAR}");
    let waited = last_after(&sim, HOME, Action::DeleteSnapshot, report.plan.taken_at);
    assert!(waited <= 2, "they waited {waited} s for {AWAY}");
}

#[test]
fn what_is_due_in_one_region_goes_while_another_one_throttles_the_marks() {
    let mut world = world(1);
    instance(&mut world, "home", &[("Backup", "Yes")], 1);
    let gone = instance_in(&mut world, AWAY, "away", &[("Backup", "Yes")], 1);
    let sim = Sim::new(world);
    let both = |job| drop(run_in_both(&sim, job));
    both(Job::Create);
    pass_until(&sim, "2026-11-28T04:00:00Z");
    both(Job::Create);
    pass_until(&sim, "2026-11-29T12:00:00Z");
    sim.with(|world| {
        world.terminate_instance(&region(AWAY), &gone).unwrap();
        throttle(world, AWAY, Action::CreateTags);
    });
    pass(&sim, 10);
    let (report, began) = run_in_both(&sim, Job::Expire);
    assert!(report.items().any(|(decision, _)| matches!(decision.act, Act::Mark { .. })), "{AWAY} has a mark to write");
    let waited = last_after(&sim, HOME, Action::DeleteSnapshot, began);
    assert!(waited <= 2, "the delete of {HOME} waited {waited} s for {AWAY}");
}
