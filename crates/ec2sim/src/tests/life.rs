use super::*;
use crate::call::Action;
use crate::config::Config;
use crate::faults::Faults;
use crate::world::Entry;
use jiff::SignedDuration;
use proptest::prelude::{ProptestConfig, any, proptest};
use snapwarden_core::inventory::{InstanceState, Read};

#[test]
fn time_never_moves_back() {
    let mut world = world();
    let now = world.now();
    world.advance_to(now - SignedDuration::from_hours(1));
    assert_eq!(world.now(), now);
    world.advance_to(now + SignedDuration::from_hours(1));
    assert_eq!(world.now(), now + SignedDuration::from_hours(1));
}

#[test]
fn what_is_due_happens_at_its_own_time() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = create(&mut world, &volume).unwrap();
    let ends = world.now() + SignedDuration::from_secs(70);
    assert_eq!(world.next_event(), Some(ends));
    world.advance_by(86_400);
    assert_eq!(world.snapshot(&here(), &id).unwrap().ends, ends);
    assert_eq!(world.next_event(), None);
}

#[test]
fn terminating_takes_the_mappings_and_the_volumes_that_go_with_it() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 2);
    world.terminate_instance(&here(), &id).unwrap();
    let gone = &world.instance(&here(), &id).unwrap().instance;
    assert_eq!((gone.state, gone.devices.len()), (InstanceState::Terminated, 0));
    assert!(world.volume(&here(), &volumes[0]).is_none(), "the root was to go with it");
    assert!(world.volume(&here(), &volumes[1]).unwrap().attachments.is_empty());
    assert_eq!(code(create_set(&mut world, set_request(&id))), "InvalidParameterValue");
    world.advance_by(3_600);
    assert!(world.instance(&here(), &id).is_none(), "shown for an hour");
}

#[test]
fn volumes_are_attached_detached_and_deleted() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 1);
    let root = &volumes[0];
    assert_eq!(code(world.delete_volume(&here(), root)), "VolumeInUse");
    assert_eq!(code(world.attach_volume(&here(), root, &id, "/dev/xvda", false)), "InvalidParameterValue");
    world.detach_volume(&here(), root, &id).unwrap();
    assert!(world.instance(&here(), &id).unwrap().instance.devices.is_empty());
    world.delete_volume(&here(), root).unwrap();
    assert_eq!(code(create(&mut world, root)), "InvalidVolume.NotFound");
    world.restore_volume(&here(), root).unwrap();
    assert!(world.volume(&here(), root).unwrap().attachments.is_empty());
    assert_eq!(code(world.restore_volume(&here(), root)), "InvalidVolume.NotFound", "it is there already");
    world.attach_volume(&here(), root, &id, "/dev/xvda", true).unwrap();
    world.terminate_instance(&here(), &id).unwrap();
    world.restore_volume(&here(), root).unwrap();
    assert!(create(&mut world, root).is_ok(), "what went with its instance comes back too");
}

#[test]
fn instances_stop_and_start() {
    let mut world = world();
    let (id, _) = instance(&mut world, "db", 1);
    world.stop_instance(&here(), &id).unwrap();
    assert_eq!(world.instance(&here(), &id).unwrap().instance.state, InstanceState::Stopped);
    world.start_instance(&here(), &id).unwrap();
    assert_eq!(world.instance(&here(), &id).unwrap().instance.state, InstanceState::Running);
    assert_eq!(code(world.stop_instance(&here(), &"i-1".parse().unwrap())), "InvalidInstanceID.NotFound");
}

#[test]
fn people_snapshot_copy_and_delete_by_hand() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = world.snapshot_by_hand(&here(), &volume, &Tags::default()).unwrap();
    world.advance_by(70);
    let copy = world.copy_by_hand(&there(), &copy_request(&id)).unwrap();
    world.advance_by(140);
    assert_eq!(state(&world, &there(), &copy), Some(SnapshotState::Completed));
    world.delete_by_hand(&here(), &id).unwrap();
    assert_eq!(state(&world, &here(), &id), None);
    assert!(world.log().is_empty(), "a person is not a caller");
}

#[test]
fn an_inventory_comes_back_as_it_was() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 3);
    world.add_instance_store(&here(), &id, "/dev/sdz").unwrap();
    let done = completed(&mut world, &volumes[0]);
    create(&mut world, &volumes[1]).unwrap();
    copy(&mut world, &done).unwrap();
    let truth = world.truth();
    assert_eq!(World::from_inventory(3, &truth).truth(), truth);
}

#[test]
fn what_an_inventory_shows_as_pending_ends_as_if_begun_now() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = create(&mut world, &volume).unwrap();
    world.advance_by(60);
    let mut loaded = World::from_inventory(3, &world.truth());
    loaded.advance_by(69);
    assert_eq!(state(&loaded, &here(), &id), Some(SnapshotState::Pending));
    loaded.advance_by(1);
    assert_eq!(state(&loaded, &here(), &id), Some(SnapshotState::Completed));
}

#[test]
fn what_an_inventory_has_not_read_cannot_be_described_and_says_why() {
    let mut truth = world().truth();
    let seen = truth.regions.get_mut(&here()).unwrap();
    seen.snapshots = Read::Gap { seen: Vec::new(), why: "snapshots.json breaks off".to_owned() };
    truth.regions.remove(&there());
    truth.enabled = Read::Gap { seen: vec![here(), there()], why: "nobody asked".to_owned() };
    let mut world = World::from_inventory(3, &truth);
    let snapshots = || Call::DescribeSnapshots(SnapshotListing::Own(PageRequest::default()));
    let why = |why: &str| ApiError::NeverConnected(why.to_owned());
    assert_eq!(call(&mut world, &here(), snapshots()), Err(why("snapshots.json breaks off")));
    assert!(call(&mut world, &here(), Call::DescribeVolumes(PageRequest::default())).is_ok());
    assert!(matches!(call(&mut world, &there(), snapshots()), Err(ApiError::NeverConnected(_))));
    assert_eq!(call(&mut world, &here(), Call::DescribeRegions), Err(why("nobody asked")));
}

#[test]
fn a_dump_that_says_the_same_twice_loads_as_once() {
    let mut truth = {
        let mut world = world();
        let (_, volumes) = instance(&mut world, "db", 2);
        completed(&mut world, &volumes[0]);
        world.truth()
    };
    let once = truth.clone();
    let seen = truth.regions.get_mut(&here()).unwrap();
    seen.snapshots = Read::Whole([seen.snapshots.items(), seen.snapshots.items()].concat());
    seen.instances = Read::Whole([seen.instances.items(), seen.instances.items()].concat());
    let world = World::from_inventory(3, &truth);
    assert_eq!(world.truth(), once);
    assert!(world.volumes(&here()).all(|volume| volume.attachments.len() == 1));
}

/// A busy day: everything that can go wrong may.
fn day(seed: u64) -> (Vec<Entry>, snapwarden_core::inventory::Inventory) {
    let mut world = world_of(seed);
    let each = 40;
    let faults = Faults {
        throttled: each,
        never_connected: each,
        error_before: each,
        error_after: each,
        lost_before: each,
        lost_after: each,
    };
    world.config =
        Config { lag_max_s: 100, snapshot_errors: 200, set_errors: 200, copy_errors: 200, faults, ..Config::default() };
    let (id, volumes) = instance(&mut world, "db", 4);
    for hour in 0..24 {
        let _ = create_set(&mut world, set_request(&id));
        let _ = create(&mut world, &volumes[hour % 4]);
        world.advance_by(1_800);
        let ids: Vec<SnapshotId> = world.snapshots(&here()).map(|record| record.snapshot.id.clone()).collect();
        for id in ids.iter().take(3) {
            let _ = copy(&mut world, id);
            let _ = delete(&mut world, &here(), id);
        }
        world.advance_by(1_800);
    }
    let truth = world.truth();
    (world.take_log(), truth)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn one_seed_gives_one_life(seed in any::<u64>()) {
        let (log, truth) = day(seed);
        assert!(log.iter().any(|entry| entry.action == Action::CopySnapshot));
        assert_eq!((log, truth), day(seed));
    }
}

#[test]
fn two_seeds_give_two_lives() {
    assert_ne!(day(1).0, day(2).0);
}
