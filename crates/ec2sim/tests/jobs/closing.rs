//! The end of a volume that is over: what goes last of it.

use snapwarden_core::decision::{Job, Subject};
use snapwarden_core::report::{Deferred, Outcome};
use snapwarden_ec2sim::NewVolume;
use snapwarden_ec2sim::call::{Action, ApiError};
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::faults::{Fault, Ordered};
use snapwarden_ec2sim::state::SnapshotRecord;

use crate::support::{HOME, act, delete_within, instance, job, pass, region, tags, world};

#[test]
fn the_newest_of_a_volume_that_is_over_waits_for_older_ones_whose_delete_failed_and_not_for_refused_ones() {
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

/// Where copies do not go to any more there is no mark; and a mark may be on an older one.
#[test]
fn the_newest_goes_last_with_a_mark_or_without_and_after_the_one_that_has_it() {
    for marked in [None, Some(1)] {
        let mut world = world(1);
        let home = region(HOME);
        let volume = world.create_volume(&home, NewVolume::sized("v", 1)).unwrap();
        let ids = [0, 1, 2].map(|n| {
            let day = if Some(n) == marked { "2026-10-01" } else { "" };
            let ours = [("Type", "Automated"), ("DeleteOn", "2026-10-01"), ("snapwarden:closed", day)];
            world.advance_by(600);
            world.snapshot_by_hand(&home, &volume, &tags(&ours)).unwrap()
        });
        world.advance_by(600);
        let failure = Ordered::Answer(ApiError::answer(400, "SomethingNew", "no"));
        world.order(&home, Action::DeleteSnapshot, Some(ids[marked.unwrap_or(0)].as_str()), failure);
        let outcomes = delete_within(&Sim::new(world), &ids, 60).outcomes;
        assert!(outcomes[1 - marked.unwrap_or(0)].is_done(), "{outcomes:?}");
        assert_eq!(outcomes[2], Outcome::Deferred(Deferred::AfterOlder));
    }
}
