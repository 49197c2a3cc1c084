use super::*;
use crate::config::Config;

#[test]
fn a_set_takes_every_attached_volume() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 3);
    world.add_instance_store(&here(), &id, "/dev/sdz").unwrap();
    let views = create_set(&mut world, set_request(&id)).unwrap();
    let taken: Vec<_> = views.iter().map(|view| view.snapshot.volume_id.clone()).collect();
    assert_eq!(taken, volumes, "the instance store is no EBS volume");
    assert!(views.iter().all(|view| view.snapshot.tags == tags(&[("Type", "Automated")])));
}

#[test]
fn excluded_volumes_stay_out() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 3);
    let request = SetRequest { exclude_boot: true, exclude_data: vec![volumes[2].clone()], ..set_request(&id) };
    let views = create_set(&mut world, request).unwrap();
    assert_eq!(views.len(), 1);
    assert_eq!(views[0].snapshot.volume_id, volumes[1]);
}

#[test]
fn more_than_forty_exclusions_are_refused() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "big", 43);
    let request = |count: usize| SetRequest { exclude_data: volumes[1..=count].to_vec(), ..set_request(&id) };
    assert_eq!(code(create_set(&mut world, request(41))), "InvalidParameterValue");
    assert_eq!(create_set(&mut world, request(40)).unwrap().len(), 3);
}

#[test]
fn the_root_volume_among_the_exclusions_is_refused() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 2);
    let request = SetRequest { exclude_data: vec![volumes[0].clone()], ..set_request(&id) };
    let error = create_set(&mut world, request).unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    assert!(error.to_string().contains("ExcludeBootVolume"), "{error}");
}

#[test]
fn an_instance_without_volumes_is_refused_in_ec2s_words() {
    let mut world = world();
    let (id, _) = instance(&mut world, "empty", 0);
    let words = format!("There are no attached EBS-backed volumes on the instance id ({id}).");
    let refused = ApiError::answer(400, "InvalidParameterValue", words);
    assert_eq!(create_set(&mut world, set_request(&id)), Err(refused));
}

#[test]
fn an_instance_that_is_not_there_is_not_found() {
    let mut world = world();
    assert_eq!(code(create_set(&mut world, set_request(&"i-1".parse().unwrap()))), "InvalidInstanceID.NotFound");
}

#[test]
fn one_volume_at_its_limit_refuses_the_whole_set() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 3);
    create(&mut world, &volumes[1]).unwrap();
    assert_eq!(code(create_set(&mut world, set_request(&id))), "SnapshotCreationPerVolumeRateExceeded");
    assert_eq!(world.snapshots(&here()).count(), 1, "all or none");
}

#[test]
fn a_set_fails_as_a_whole() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 3);
    world.fail_next_snapshot_of(&volumes[2], "lost a replica");
    let views = create_set(&mut world, set_request(&id)).unwrap();
    world.advance_by(70);
    for view in views {
        assert_eq!(state(&world, &here(), &view.snapshot.id), Some(SnapshotState::Error));
        assert_eq!(message(&world, &here(), &view.snapshot.id).as_deref(), Some("lost a replica"));
    }
}

#[test]
fn sets_and_lone_snapshots_fail_by_ratios_of_their_own() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 2);
    let made = |world: &mut World, config: Config| {
        world.config = config;
        let set: Vec<_> =
            create_set(world, set_request(&id)).unwrap().into_iter().map(|view| view.snapshot.id).collect();
        world.advance_by(70);
        let lone = create(world, &volumes[0]).unwrap();
        world.advance_by(70);
        [&set[0], &set[1], &lone].map(|id| state(world, &here(), id) == Some(SnapshotState::Error))
    };
    assert_eq!(made(&mut world, Config { set_errors: 1_000, ..Config::default() }), [true, true, false]);
    assert_eq!(made(&mut world, Config { snapshot_errors: 1_000, ..Config::default() }), [false, false, true]);
}

#[test]
fn a_member_that_fails_while_pending_takes_the_others_with_it() {
    let mut world = world();
    let (id, _) = instance(&mut world, "db", 2);
    let (other, _) = instance(&mut world, "web", 1);
    let views = create_set(&mut world, set_request(&id)).unwrap();
    let unrelated = create_set(&mut world, set_request(&other)).unwrap().remove(0).snapshot.id;
    let at = world.now() + jiff::SignedDuration::from_secs(10);
    world.fail_pending(&here(), &views[0].snapshot.id, at, "gone").unwrap();
    world.advance_by(10);
    assert_eq!(state(&world, &here(), &views[1].snapshot.id), Some(SnapshotState::Error));
    world.advance_by(100);
    assert_eq!(state(&world, &here(), &unrelated), Some(SnapshotState::Completed));
}
