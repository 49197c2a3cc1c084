//! A run killed at every single call, with and without the reply lost, and run again (S8, S11).
//!
//! CreateSnapshot, CreateSnapshots and CopySnapshot have no client token. What keeps a second run from doing the first
//! one's work again is that the slot, or the source, is in the call that creates, and that the next run looks first.

use snapwarden_core::decision::Job;
use snapwarden_core::inventory::SnapshotState;
use snapwarden_core::tags::key;
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::world::{Stop, World};

use crate::support::{
    AWAY, HOME, act, assert_every_volume_is_backed_up, assert_rules, changes, instance, job, offsite_until_done, pass,
    pass_until, region, try_job, world,
};

/// Sets, a lone volume, each OffsiteMode, two destinations.
fn fleet() -> World {
    let mut world = world(7);
    world.config.lag_max_s = 100;
    let both = format!("{AWAY} us-west-2");
    instance(&mut world, "db", &[("Backup", "Yes"), ("DestinationRegion", AWAY)], 3);
    instance(&mut world, "one", &[("Backup", "Yes"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy")], 1);
    instance(&mut world, "two", &[("Backup", "Yes"), ("DestinationRegion", &both), ("OffsiteMode", "KeepLatest")], 2);
    instance(&mut world, "local", &[("Backup", "Yes")], 2);
    world
}

/// Kills `which` at each of its calls, from the same world, and hands what is left to `then`.
fn at_every_call(before: &World, which: Job, then: impl Fn(&Sim, &str)) {
    let mut killed = 0;
    for effect in [false, true] {
        for at_call in 0.. {
            let sim = Sim::new(before.clone());
            sim.with(|world| world.set_stop(Some(Stop { at_call, effect })));
            let ended = try_job(&sim, which).is_some();
            sim.with(|world| world.set_stop(None));
            let context = format!("{which:?} killed at call {at_call}, effect {effect}");
            assert_rules(&sim.with(|world| world.clone()), &context);
            then(&sim, &context);
            if ended {
                break;
            }
            killed += 1;
        }
    }
    assert!(killed > 10, "only {killed} kills: the stop did not fire");
}

#[test]
fn a_creator_killed_anywhere_is_finished_by_the_next_one() {
    at_every_call(&fleet(), Job::Create, |sim, context| {
        pass(sim, 3);
        act(sim, Job::Create);
        pass(sim, 3);
        act(sim, Job::Create);
        pass(sim, 3);
        assert_eq!(changes(&job(sim, Job::Create)).len(), 0, "{context}: the slot is done");
        let world = sim.with(|world| world.clone());
        assert_rules(&world, context);
        assert_every_volume_is_backed_up(&world, context);
        for (_, snapshot) in world.truth().snapshots() {
            assert!(snapshot.tags.has(key::DEVICE_NAME), "{context}: {} lacks its late tags", snapshot.id);
        }
    });
}

#[test]
fn an_offsiter_killed_while_it_copies_makes_each_copy_once() {
    let sim = Sim::new(fleet());
    act(&sim, Job::Create);
    pass(&sim, 10);
    let before = sim.with(|world| world.clone());
    at_every_call(&before, Job::Offsite, |sim, context| {
        pass(sim, 3);
        offsite_until_done(sim);
        let world = sim.with(|world| world.clone());
        assert_rules(&world, context);
        assert_every_volume_is_backed_up(&world, context);
        let away = world.snapshots(&region(AWAY)).filter(|r| r.snapshot.state == SnapshotState::Completed).count();
        assert_eq!(away, 3 + 1 + 2, "{context}: every source has its copy");
    });
}

#[test]
fn an_offsiter_killed_while_it_removes_loses_nothing() {
    let sim = Sim::new(fleet());
    // The second run adds late tags that EC2 did not take yet in the first.
    for which in [Job::Create, Job::Create, Job::Offsite] {
        act(&sim, which);
        pass(&sim, 10);
    }
    let before = sim.with(|world| world.clone());
    at_every_call(&before, Job::Offsite, |sim, context| {
        assert_every_volume_is_backed_up(&sim.with(|world| world.clone()), context);
        pass(sim, 3);
        offsite_until_done(sim);
        // The creator that runs next finds the slot done, though its sources have moved away.
        assert_eq!(changes(&job(sim, Job::Create)).len(), 0, "{context}");
        let world = sim.with(|world| world.clone());
        assert_rules(&world, context);
        assert_every_volume_is_backed_up(&world, context);
        // `db` moved away, `one` and `two` keep a source, `local` stays.
        assert_eq!(world.snapshots(&region(HOME)).count(), 1 + 2 + 2, "{context}");
    });
}

#[test]
fn a_manager_killed_anywhere_is_finished_by_the_next_one() {
    let sim = Sim::new(fleet());
    for slot in ["2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"] {
        pass_until(&sim, slot);
        for _ in 0..2 {
            act(&sim, Job::Create);
            pass(&sim, 10);
        }
        offsite_until_done(&sim);
    }
    pass_until(&sim, "2026-11-29T12:00:00Z");
    let before = sim.with(|world| world.clone());
    at_every_call(&before, Job::Expire, |sim, context| {
        assert_every_volume_is_backed_up(&sim.with(|world| world.clone()), context);
        pass(sim, 3);
        act(sim, Job::Expire);
        pass(sim, 3);
        assert_eq!(changes(&job(sim, Job::Expire)).len(), 0, "{context}: what is due is gone");
        let world = sim.with(|world| world.clone());
        for (_, snapshot) in world.truth().snapshots() {
            assert_eq!(snapshot.tags.get(key::CREATED_ON), Some("2026-11-23"), "{context}: {}", snapshot.id);
        }
    });
}
