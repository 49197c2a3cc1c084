//! What EC2 refuses to delete, run after run, takes nobody else's time, and nothing that has to go after it goes before.
//!
//! Most plans are made by hand: what is tested here is in which order they are carried out.

use snapwarden_core::decision::{Job, Subject};
use snapwarden_core::ids::SnapshotId;
use snapwarden_core::report::{Deferred, Outcome};
use snapwarden_ec2sim::NewVolume;
use snapwarden_ec2sim::call::{Action, ApiError};
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::faults::{Fault, Ordered};
use snapwarden_ec2sim::state::SnapshotRecord;

use crate::support::{HOME, act, delete_within, instance, job, pass, region, tags, world};

/// Seconds in which EC2 takes some two hundred deletes.
const SECONDS: i64 = 20;

/// Snapshots of ours with this DeleteOn, `refused` of them of images, then `free` others.
fn snapshots(delete_on: &str, refused: usize, free: usize) -> (Sim, Vec<SnapshotId>) {
    let mut world = world(1);
    let home = region(HOME);
    let volume = world.create_volume(&home, NewVolume::sized("v", 1)).unwrap();
    let mut snapshot = |n: usize| {
        world.advance_by(60);
        let made = world.snapshot_by_hand(&home, &volume, &tags(&[("Type", "Automated"), ("DeleteOn", delete_on)]));
        let id = made.unwrap();
        world.advance_by(600);
        if n < refused {
            world.create_image(&home, None, [id.clone()]).unwrap();
        }
        id
    };
    let made = (0..refused + free).map(&mut snapshot).collect();
    (Sim::new(world), made)
}

fn count(outcomes: &[Outcome], is: impl Fn(&Outcome) -> bool) -> usize {
    outcomes.iter().filter(|outcome| is(outcome)).count()
}

#[test]
fn hundreds_of_refusals_of_old_leave_what_can_go_its_turn_within_some_runs() {
    let (sim, mut all) = snapshots("2026-11-01", 600, 20);
    let (mut gone, mut runs) = (0, 0);
    while gone < 20 {
        runs += 1;
        assert!(runs <= 12, "{gone} of 20 went in 12 runs, which came to 2,400 of 620");
        let report = delete_within(&sim, &all, SECONDS);
        let is_done = |outcome: &Outcome| matches!(outcome, Outcome::Done { .. });
        gone += count(&report.outcomes, is_done);
        let refused = count(&report.outcomes, |outcome| matches!(outcome, Outcome::Refused(_)));
        assert!(refused < 300, "{refused} refusals: the time of the run is over before all are asked");
        let left = all.into_iter().zip(&report.outcomes).filter(|(_, outcome)| !is_done(outcome)).map(|(id, _)| id);
        all = left.collect();
        pass(&sim, 60);
    }
}

#[test]
fn what_came_due_lately_goes_before_what_has_been_overdue_for_long() {
    let (sim, mut all) = snapshots("2026-11-01", 300, 0);
    let late = sim.with(|world| {
        let volume = world.volumes(&region(HOME)).next().unwrap().volume.id.clone();
        let day = world.now().to_string()[..10].to_owned();
        world.advance_by(60);
        let made = world.snapshot_by_hand(&region(HOME), &volume, &tags(&[("Type", "Automated"), ("DeleteOn", &day)]));
        world.advance_by(600);
        made.unwrap()
    });
    all.push(late);
    let report = delete_within(&sim, &all, SECONDS);
    assert_eq!(report.outcomes.last(), Some(&Outcome::Done { made: None }), "the last of the plan, and due today");
}

#[test]
fn of_a_volume_that_is_over_the_newest_goes_only_when_all_older_ones_are_gone() {
    let waits = Outcome::Deferred(Deferred::AfterOlder);
    let cases = [
        (Ordered::Answer(ApiError::answer(400, "SomethingNew", "no")), &waits),
        (Ordered::Fault(Fault::LostBefore), &waits),
        // An AMI may use it for years.
        (
            Ordered::Answer(ApiError::answer(400, "InvalidSnapshot.InUse", "in use by ami-1")),
            &Outcome::Done { made: None },
        ),
    ];
    for (answer, expected) in cases {
        let mut world = world(1);
        let id = instance(&mut world, "db", &[("Backup", "Yes"), ("RetentionDays", "7")], 1);
        let sim = Sim::new(world);
        for _ in 0..4 {
            act(&sim, Job::Create);
            pass(&sim, 24 * 60);
        }
        sim.with(|world| world.terminate_instance(&region(HOME), &id).unwrap());
        pass(&sim, 60);
        act(&sim, Job::Expire);
        pass(&sim, 40 * 24 * 60);
        let left = || {
            let here = region(HOME);
            let id_of = |one: &SnapshotRecord| (one.snapshot.start_time, one.snapshot.id.clone());
            let mut all: Vec<_> = sim.with(|world| world.snapshots(&here).map(id_of).collect());
            all.sort();
            all.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
        };
        let before = left();
        for _ in 0..6 {
            let older = Some(before[0].as_str());
            sim.with(|world| world.order(&region(HOME), Action::DeleteSnapshot, older, answer.clone()));
        }
        let report = job(&sim, Job::Expire);
        let is_newest = |subject: &Subject| matches!(subject, Subject::Snapshot(id) if **id == before[3]);
        let of_newest = report.items().find(|(one, _)| is_newest(&one.subject));
        assert_eq!(of_newest.unwrap().1, expected);
        assert_eq!((left().contains(&before[3]), left().contains(&before[1])), (*expected == waits, false));
    }
    assert_eq!(waits.to_string(), "deferred: it goes after the older ones of its volume, which were not deleted");
}
