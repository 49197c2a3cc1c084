//! A Region that throttles, or answers nothing, costs the others nothing: each has a stream of calls of its own.

use jiff::{SignedDuration, Timestamp};
use snapwarden_core::decision::{Act, Finding, Job, Problem};
use snapwarden_core::ids::SnapshotId;
use snapwarden_core::report::{Deferred, Outcome, RunReport};
use snapwarden_core::tags::Tags;
use snapwarden_ec2sim::call::Action;
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::faults::{Fault, Ordered};
use snapwarden_ec2sim::people::NewVolume;
use snapwarden_ec2sim::state::SnapshotRecord;
use snapwarden_ec2sim::world::World;
use snapwarden_exec::collect::Scope;
use snapwarden_exec::run::{Quiet, RunOptions, run};

use crate::second_look::meddled;
use crate::support::{AWAY, FAR, HOME, act, changes, instance, instance_in, options, pass, pass_until, region, world};

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

/// What is read after the Regions themselves has its own time: destinations, here those of each other.
#[test]
fn while_a_third_region_is_slow_those_that_are_well_read_their_destinations() {
    let mut world = world(1);
    instance(&mut world, "home", &[("Backup", "Yes"), ("DestinationRegion", AWAY)], 1);
    instance_in(&mut world, AWAY, "away", &[("Backup", "Yes"), ("DestinationRegion", HOME)], 1);
    for n in 0..20 {
        let volume = world.create_volume(&region(FAR), NewVolume::sized(&format!("far-{n}"), 1)).unwrap();
        world.snapshot_by_hand(&region(FAR), &volume, &Tags::default()).unwrap();
    }
    world.config.page_size = 1;
    let sim = Sim::new(world).with_slow_region(&region(FAR), 2_000);
    let within_a_minute = |job: Job, regions: &[&str]| {
        let mut wish = options(job, regions);
        wish.deadline = Some(sim.with(|world| world.now()) + SignedDuration::from_mins(1));
        let report = sim.block_on(run(&sim, &wish, &Quiet)).unwrap().unwrap();
        pass(&sim, 10);
        (changes(&report), report.exit_code())
    };
    let all = [HOME, AWAY, FAR];
    assert_eq!(within_a_minute(Job::Create, &all), ([("create", 2)].into(), 2));
    assert_eq!(within_a_minute(Job::Offsite, &all), ([("copy", 2)].into(), 2));
    assert_eq!(within_a_minute(Job::Offsite, &all), ([("remove-source", 2)].into(), 2));
    pass_until(&sim, "2026-11-30T12:00:00Z");
    assert_eq!(within_a_minute(Job::Create, &all), ([("create", 2)].into(), 2));
    assert_eq!(within_a_minute(Job::Offsite, &all), ([("copy", 2)].into(), 2));
    assert_eq!(within_a_minute(Job::Expire, &[HOME, FAR]), ([("delete", 1)].into(), 2));
}

/// Neither at the first question, who we are, nor at its listings.
#[test]
fn a_region_that_answers_nothing_is_not_waited_for_while_there_are_others() {
    let mut world = world(1);
    instance(&mut world, "home", &[("Backup", "Yes"), ("DestinationRegion", AWAY)], 1);
    let sim = Sim::new(world).with_slow_region(&region(FAR), 3_600_000);
    let began = sim.with(|world| world.now());
    let scopes = [Scope::Named([FAR, HOME].map(region).to_vec()), Scope::all_enabled(region(FAR))];
    for (scope, (job, did)) in scopes.into_iter().zip([(Job::Create, "create"), (Job::Offsite, "copy")]) {
        let mut wish = RunOptions { scope, ..options(job, &[]) };
        wish.deadline = Some(sim.with(|world| world.now()) + SignedDuration::from_mins(2));
        let report = sim.block_on(run(&sim, &wish, &Quiet)).unwrap().unwrap();
        assert_eq!((changes(&report), report.exit_code()), ([(did, 1)].into(), 2));
        pass(&sim, 10);
    }
    let took = sim.with(|world| world.now()).duration_since(began) - SignedDuration::from_mins(20);
    assert!(took <= SignedDuration::from_mins(3), "{took:#}");
}

#[test]
fn where_the_own_region_is_out_another_one_says_which_regions_there_are() {
    let mut world = world(1);
    instance(&mut world, "db", &[("Backup", "Yes")], 2);
    world.set_out(&region(AWAY), true).unwrap();
    let sim = Sim::new(world);
    let all = |own: &str| RunOptions { scope: Scope::all_enabled(region(own)), ..options(Job::Create, &[]) };
    let report = sim.block_on(run(&sim, &all(AWAY), &Quiet)).unwrap().unwrap();
    assert_eq!(changes(&report), [("create", 2)].into());
    assert_eq!(report.exit_code(), 2, "what could not be read of {AWAY} is said");
    // EC2 alone may be out where the own Region still says who we are.
    sim.with(|world| world.set_out(&region(AWAY), false).unwrap());
    sim.with(|world| world.withdraw(Some(&region(AWAY)), Action::DescribeRegions));
    pass_until(&sim, "2026-11-23T04:00:00Z");
    let report = sim.block_on(run(&sim, &all(AWAY), &Quiet)).unwrap().unwrap();
    assert_eq!(changes(&report), [("create", 2)].into());
    // Where none answers, what the own Region said is said.
    for out in [HOME, AWAY, "us-west-2"] {
        sim.with(|world| world.set_out(&region(out), true).unwrap());
    }
    let error = sim.block_on(run(&sim, &all(AWAY), &Quiet)).unwrap().unwrap_err();
    assert!(error.to_string().starts_with("AWS in eu-west-1 did not say which account"), "{error}");
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

/// No copy of these snapshots is ever answered, in no run.
fn never_answered(sim: &Sim, sources: &[SnapshotId]) {
    for source in sources {
        for _ in 0..50 {
            let lost = Ordered::Fault(Fault::LostBefore);
            sim.with(|world| world.order(&region(FAR), Action::CopySnapshot, Some(source.as_str()), lost));
        }
    }
}

/// The snapshots of a Region, oldest first.
fn sources(sim: &Sim, place: &str) -> Vec<SnapshotId> {
    let place = region(place);
    let time_and_id = |one: &SnapshotRecord| (one.snapshot.start_time, one.snapshot.id.clone());
    let mut all: Vec<_> = sim.with(|world| world.snapshots(&place).map(time_and_id).collect());
    all.sort();
    all.into_iter().map(|(_, id)| id).collect()
}

#[test]
fn a_source_region_whose_copies_are_not_answered_costs_those_of_another_nothing() {
    let mut world = world(1);
    for n in 0..6 {
        instance_in(&mut world, AWAY, &format!("away-{n}"), &[("Backup", "Yes"), ("DestinationRegion", FAR)], 1);
        instance(&mut world, &format!("home-{n}"), &[("Backup", "Yes"), ("DestinationRegion", FAR)], 1);
    }
    let sim = Sim::new(world);
    drop(run_in_both(&sim, Job::Create));
    pass(&sim, 10);
    never_answered(&sim, &sources(&sim, AWAY));
    let (report, _) = run_in_both(&sim, Job::Offsite);
    let of = |place: &str, is: fn(&Outcome) -> bool| {
        report.items().filter(|(one, outcome)| one.region == region(place) && is(outcome)).count()
    };
    assert_eq!(of(HOME, Outcome::is_done), 6);
    assert_eq!(of(AWAY, |outcome| matches!(outcome, Outcome::Unclear(_))), 4, "then the others are left");
    assert_eq!(of(AWAY, |outcome| *outcome == Outcome::Deferred(Deferred::SameAnswer)), 2);
    // Where a destination answers for none, it is asked twice for each further Region.
    pass(&sim, 60);
    never_answered(&sim, &sources(&sim, HOME));
    let again = Sim::new(sim.with(|world| world.clone()));
    pass_until(&again, "2026-11-23T12:00:00Z");
    drop(run_in_both(&again, Job::Create));
    pass(&again, 10);
    let all = [sources(&again, HOME), sources(&again, AWAY)].concat();
    never_answered(&again, &all);
    let (report, _) = run_in_both(&again, Job::Offsite);
    let unclear = report.items().filter(|(_, outcome)| matches!(outcome, Outcome::Unclear(_))).count();
    assert_eq!(unclear, 6);
}

#[test]
fn the_first_three_of_the_order_that_are_never_answered_do_not_starve_the_others() {
    let mut world = world(1);
    for n in 0..8 {
        instance(&mut world, &format!("home-{n}"), &[("Backup", "Yes"), ("DestinationRegion", FAR)], 1);
    }
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass(&sim, 10);
    let all = sources(&sim, HOME);
    never_answered(&sim, &all[..3]);
    let (report, _) = run_in_both(&sim, Job::Offsite);
    assert_eq!(report.items().filter(|(_, outcome)| outcome.is_done()).count(), 5);
    assert_eq!(report.exit_code(), 2);
}
