use super::*;
use crate::call::Action;

#[test]
fn a_snapshot_is_pending_for_as_long_as_its_data_takes() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = create_with(&mut world, &volume, tags(&[("Type", "Automated")])).unwrap();
    world.advance_by(69);
    assert_eq!(state(&world, &here(), &id), Some(SnapshotState::Pending));
    world.advance_by(1);
    let record = world.snapshot(&here(), &id).unwrap();
    assert_eq!(record.snapshot.state, SnapshotState::Completed, "60 s and 1 s for each of 10 GiB");
    assert_eq!(record.snapshot.tags, tags(&[("Type", "Automated")]), "tags from birth");
    assert_eq!(record.snapshot.volume_id, volume);
}

#[test]
fn ids_have_seventeen_digits_and_do_not_depend_on_the_order_of_arrival() {
    let (mut one, mut other) = (world(), world());
    let (a, b) = (volume(&mut one, "a"), volume(&mut one, "b"));
    assert_eq!((a.clone(), b.clone()), (volume(&mut other, "a"), volume(&mut other, "b")));
    let in_one = (create(&mut one, &a).unwrap(), create(&mut one, &b).unwrap());
    let b_first = create(&mut other, &b).unwrap();
    assert_eq!(in_one, (create(&mut other, &a).unwrap(), b_first));
    assert_eq!(in_one.0.as_str().len(), "snap-".len() + 17);
    assert_ne!(in_one.0, in_one.1);
}

#[test]
fn another_seed_or_attempt_gives_another_id() {
    let (mut one, mut other) = (world_of(1), world_of(2));
    let id = "vol-1".parse::<VolumeId>().unwrap();
    for world in [&mut one, &mut other] {
        world.create_volume(&here(), NewVolume { id: Some(id.clone()), ..NewVolume::sized("", 1) }).unwrap();
    }
    let first = create(&mut one, &id).unwrap();
    assert_ne!(first, create(&mut other, &id).unwrap());
    one.advance_by(100);
    assert_ne!(first, create(&mut one, &id).unwrap());
}

#[test]
fn a_volume_that_is_not_there_is_not_found() {
    let mut world = world();
    let error = create(&mut world, &"vol-1".parse().unwrap()).unwrap_err();
    let expected = ApiError::answer(400, "InvalidVolume.NotFound", "The volume 'vol-1' does not exist.");
    assert_eq!(error, expected);
}

#[test]
fn snapshots_of_one_volume_are_fifteen_seconds_apart() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    create(&mut world, &volume).unwrap();
    world.advance_by(14);
    assert_eq!(code(create(&mut world, &volume)), "SnapshotCreationPerVolumeRateExceeded");
    world.advance_by(1);
    create(&mut world, &volume).unwrap();
}

#[test]
fn five_may_be_pending_and_errored_ones_count() {
    let mut world = world();
    world.config.durations.base_s = 100_000;
    let volume = volume(&mut world, "data");
    let first = create(&mut world, &volume).unwrap();
    for _ in 0..4 {
        world.advance_by(15);
        create(&mut world, &volume).unwrap();
    }
    world.advance_by(15);
    let error = create(&mut world, &volume).unwrap_err();
    let words = "Maximum allowed in-progress snapshots for a single volume exceeded.";
    assert_eq!(error, ApiError::answer(400, "ConcurrentSnapshotLimitExceeded", words));
    world.set_snapshot_state(&here(), &first, SnapshotState::Error, Some("broken")).unwrap();
    assert_eq!(code(create(&mut world, &volume)), "ConcurrentSnapshotLimitExceeded");
    world.delete_by_hand(&here(), &first).unwrap();
    create(&mut world, &volume).unwrap();
}

#[test]
fn a_cold_volume_may_have_one_pending() {
    for volume_type in ["st1", "sc1"] {
        let mut world = world();
        let new = NewVolume { volume_type: volume_type.to_owned(), ..NewVolume::sized("cold", 500) };
        let volume = world.create_volume(&here(), new).unwrap();
        create(&mut world, &volume).unwrap();
        world.advance_by(20);
        assert_eq!(code(create(&mut world, &volume)), "ConcurrentSnapshotLimitExceeded");
        world.advance_by(600);
        create(&mut world, &volume).unwrap();
    }
}

#[test]
fn an_ordered_failure_comes_at_the_end_and_once() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    world.fail_next_snapshot_of(&volume, "the disk is on fire");
    let id = create(&mut world, &volume).unwrap();
    assert_eq!(state(&world, &here(), &id), Some(SnapshotState::Pending));
    world.advance_by(70);
    assert_eq!(state(&world, &here(), &id), Some(SnapshotState::Error));
    assert_eq!(message(&world, &here(), &id).as_deref(), Some("the disk is on fire"));
    completed(&mut world, &volume);
}

#[test]
fn failures_drawn_by_the_seed_have_a_message() {
    let mut world = world();
    world.config.snapshot_errors = 1_000;
    let volume = volume(&mut world, "data");
    let id = create(&mut world, &volume).unwrap();
    world.advance_by(70);
    assert_eq!(message(&world, &here(), &id).as_deref(), Some(crate::snapshots::FAILED_MESSAGE));
}

#[test]
fn a_region_holds_so_many_snapshots() {
    let mut world = world();
    world.config.snapshots_max = 1;
    let (a, b) = (volume(&mut world, "a"), volume(&mut world, "b"));
    create(&mut world, &a).unwrap();
    assert_eq!(code(create(&mut world, &b)), "SnapshotLimitExceeded");
}

#[test]
fn a_deleted_snapshot_is_not_found_again() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = completed(&mut world, &volume);
    delete(&mut world, &here(), &id).unwrap();
    assert_eq!(state(&world, &here(), &id), None);
    assert_eq!(code(delete(&mut world, &here(), &id)), "InvalidSnapshot.NotFound");
    let entry = &world.log()[1];
    assert_eq!((entry.action, entry.deleted.as_ref().map(|s| &s.id)), (Action::DeleteSnapshot, Some(&id)));
}

#[test]
fn a_snapshot_is_not_found_in_another_region() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = completed(&mut world, &volume);
    assert_eq!(code(delete(&mut world, &there(), &id)), "InvalidSnapshot.NotFound");
}

#[test]
fn deleting_a_pending_snapshot_takes_effect_when_it_completes() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = create(&mut world, &volume).unwrap();
    delete(&mut world, &here(), &id).unwrap();
    assert_eq!(state(&world, &here(), &id), Some(SnapshotState::Pending), "the slot stays used meanwhile");
    world.advance_by(70);
    assert_eq!(state(&world, &here(), &id), None);
}

#[test]
fn an_ami_keeps_its_snapshot() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = completed(&mut world, &volume);
    let image = world.create_image(&here(), None, [id.clone()]).unwrap();
    assert_eq!(world.images_on(&here(), &id), std::slice::from_ref(&image));
    let words = format!("The snapshot {id} is currently in use by {image}");
    let refused = ApiError::answer(400, "InvalidSnapshot.InUse", words);
    assert_eq!(delete(&mut world, &here(), &id), Err(refused));
    world.deregister_image(&here(), &image).unwrap();
    delete(&mut world, &here(), &id).unwrap();
}

#[test]
fn what_aws_backup_manages_is_not_deleted() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = completed(&mut world, &volume);
    world.tag(&here(), &id.clone().into(), "aws:backup:source-resource", "x").unwrap();
    let ApiError::Answer { code, message, .. } = delete(&mut world, &here(), &id).unwrap_err() else { panic!() };
    assert_eq!(code, "InvalidParameterValue");
    assert!(message.contains("managed by the AWS Backup service"), "{message}");
}

#[test]
fn another_accounts_snapshot_is_neither_shown_nor_found() {
    let mut world = world();
    let id = put(&mut world, "snap-1", "999999999999");
    assert!(!is_listed(&mut world, &here(), &id));
    assert_eq!(code(delete(&mut world, &here(), &id)), "InvalidSnapshot.NotFound");
}
