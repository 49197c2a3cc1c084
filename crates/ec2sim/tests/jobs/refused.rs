//! What EC2 refuses to delete, run after run, takes nobody else's time.
//!
//! The plans are made by hand: what is tested here is in which order they are carried out.

use snapwarden_core::ids::SnapshotId;
use snapwarden_core::report::Outcome;
use snapwarden_ec2sim::NewVolume;
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::world::World;

use crate::support::{HOME, delete_within, pass, region, tags, world};

/// Seconds in which EC2 takes some two hundred deletes.
const SECONDS: i64 = 20;

/// A snapshot of ours with this DeleteOn, of the only volume.
fn snapshot(world: &mut World, delete_on: &str) -> SnapshotId {
    let home = region(HOME);
    let volume = world.volumes(&home).next().unwrap().volume.id.clone();
    world.advance_by(60);
    let made = world.snapshot_by_hand(&home, &volume, &tags(&[("Type", "Automated"), ("DeleteOn", delete_on)]));
    world.advance_by(600);
    made.unwrap()
}

/// Snapshots with this DeleteOn, `refused` of them of images, then `free` others, then `late` that are due today. One that is newer
/// than all, and would go last, stays.
fn snapshots(delete_on: &str, refused: usize, free: usize, late: usize) -> (Sim, Vec<SnapshotId>) {
    let mut world = world(1);
    world.create_volume(&region(HOME), NewVolume::sized("v", 1)).unwrap();
    let mut made: Vec<_> = (0..refused + free).map(|_| snapshot(&mut world, delete_on)).collect();
    for id in &made[..refused] {
        world.create_image(&region(HOME), None, [id.clone()]).unwrap();
    }
    let today = world.now().to_string()[..10].to_owned();
    made.extend((0..late).map(|_| snapshot(&mut world, &today)));
    snapshot(&mut world, "2027-11-01");
    (Sim::new(world), made)
}

fn count(outcomes: &[Outcome], is: impl Fn(&Outcome) -> bool) -> usize {
    outcomes.iter().filter(|outcome| is(outcome)).count()
}

#[test]
fn hundreds_of_refusals_of_old_leave_what_can_go_its_turn_within_some_runs() {
    let (sim, mut all) = snapshots("2026-11-01", 600, 20, 0);
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
    let (sim, all) = snapshots("2026-11-01", 300, 0, 1);
    let report = delete_within(&sim, &all, SECONDS);
    assert_eq!(report.outcomes.last(), Some(&Outcome::Done { made: None }), "the last of the plan, and due today");
}
