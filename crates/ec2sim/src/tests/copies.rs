use super::*;
use crate::faults::KmsOrder;
use crate::snapshots::{KEY_MESSAGE, PRESIGNED_MESSAGE, SOURCE_GONE_MESSAGE};

fn source(world: &mut World) -> SnapshotId {
    let volume = volume(world, "data");
    completed(world, &volume)
}

fn encrypted_source(world: &mut World) -> SnapshotId {
    let new = NewVolume { encrypted: true, ..NewVolume::sized("secret", 10) };
    let volume = world.create_volume(&here(), new).unwrap();
    completed(world, &volume)
}

#[test]
fn a_copy_has_an_arbitrary_volume_and_only_the_tags_of_the_call() {
    let mut world = world();
    let source = source(&mut world);
    world.tag(&here(), &source.clone().into(), "Own", "tag").unwrap();
    let request = CopyRequest { tags: tags(&[("SourceSnapshotId", source.as_str())]), ..copy_request(&source) };
    let call_it = Call::CopySnapshot { request, encrypted: false, presigned: true };
    let id = call(&mut world, &there(), call_it).unwrap().made().remove(0);
    let copy = &world.snapshot(&there(), &id).unwrap().snapshot;
    assert_eq!(copy.volume_id.as_str(), "vol-ffffffff");
    assert_eq!(copy.tags, tags(&[("SourceSnapshotId", source.as_str())]));
    assert_eq!((copy.size_gib, copy.encrypted, copy.start_time), (10, false, world.now()));
}

#[test]
fn a_copy_takes_twice_as_long() {
    let mut world = world();
    let source = source(&mut world);
    let id = copy(&mut world, &source).unwrap();
    world.advance_by(139);
    assert_eq!(state(&world, &there(), &id), Some(SnapshotState::Pending));
    world.advance_by(1);
    assert_eq!(state(&world, &there(), &id), Some(SnapshotState::Completed));
}

#[test]
fn only_a_completed_source_in_the_standard_tier_is_copied() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let pending = create(&mut world, &volume).unwrap();
    assert_eq!(code(copy(&mut world, &pending)), "IncorrectState");
    world.advance_by(100);
    world.set_tier(&here(), &pending, StorageTier::Archive).unwrap();
    assert_eq!(code(copy(&mut world, &pending)), "UnsupportedOperation");
    world.set_tier(&here(), &pending, StorageTier::Standard).unwrap();
    copy(&mut world, &pending).unwrap();
}

#[test]
fn a_source_that_is_not_there_is_not_found() {
    let mut world = world();
    assert_eq!(code(copy(&mut world, &"snap-1".parse().unwrap())), "InvalidSnapshot.NotFound");
    let elsewhere =
        CopyRequest { source_region: "mars-1".parse().unwrap(), ..copy_request(&"snap-1".parse().unwrap()) };
    let call_it = Call::CopySnapshot { request: elsewhere, encrypted: false, presigned: true };
    assert_eq!(code(call(&mut world, &there(), call_it)), "InvalidParameterValue");
}

#[test]
fn twenty_are_in_flight_to_a_destination() {
    let mut world = world();
    let source = source(&mut world);
    for _ in 0..20 {
        copy(&mut world, &source).unwrap();
    }
    let words = "Too many snapshot copies in progress. The limit is 20 for this destination region.";
    assert_eq!(copy(&mut world, &source), Err(ApiError::answer(400, "ResourceLimitExceeded", words)));
    let here_too = Call::CopySnapshot { request: copy_request(&source), encrypted: false, presigned: true };
    call(&mut world, &here(), here_too).unwrap();
    world.advance_by(140);
    copy(&mut world, &source).unwrap();
}

#[test]
fn encryption_is_kept_or_switched_on_and_never_lost() {
    let mut world = world();
    let (plain, secret) = (source(&mut world), encrypted_source(&mut world));
    let of = |world: &mut World, source: &SnapshotId, encrypted| {
        let call_it = Call::CopySnapshot { request: copy_request(source), encrypted, presigned: true };
        let id = call(world, &there(), call_it).unwrap().made().remove(0);
        world.snapshot(&there(), &id).unwrap().snapshot.encrypted
    };
    assert!(of(&mut world, &secret, false));
    assert!(of(&mut world, &plain, true));
    assert!(!of(&mut world, &plain, false));
    world.set_encryption_by_default(&there(), true).unwrap();
    assert!(of(&mut world, &plain, false));
}

#[test]
fn an_encrypted_source_without_its_presigned_url_fails_late() {
    let mut world = world();
    let source = encrypted_source(&mut world);
    let bare = Call::CopySnapshot { request: copy_request(&source), encrypted: false, presigned: false };
    let id = call(&mut world, &there(), bare).unwrap().made().remove(0);
    assert_eq!(state(&world, &there(), &id), Some(SnapshotState::Pending));
    world.advance_by(140);
    assert_eq!(state(&world, &there(), &id), Some(SnapshotState::Error));
    assert_eq!(message(&world, &there(), &id).as_deref(), Some(PRESIGNED_MESSAGE));
}

#[test]
fn a_key_that_cannot_be_used_fails_late_with_kmss_message() {
    for order in [KmsOrder::Destination(there()), KmsOrder::Volume(volume(&mut world(), "data"))] {
        let mut world = world();
        let source = source(&mut world);
        world.break_key(order.clone());
        let failing = copy(&mut world, &source).unwrap();
        world.mend_key(&order);
        let fine = copy(&mut world, &source).unwrap();
        assert_eq!(state(&world, &there(), &failing), Some(SnapshotState::Pending), "silently at first");
        world.advance_by(140);
        assert_eq!(message(&world, &there(), &failing).as_deref(), Some(KEY_MESSAGE));
        assert_eq!(state(&world, &there(), &fine), Some(SnapshotState::Completed));
    }
}

#[test]
fn a_copy_fails_when_its_source_is_deleted_meanwhile() {
    let mut world = world();
    let source = source(&mut world);
    let (id, started) = (copy(&mut world, &source).unwrap(), world.now());
    world.advance_by(30);
    delete(&mut world, &here(), &source).unwrap();
    assert_eq!(state(&world, &there(), &id), Some(SnapshotState::Error));
    assert_eq!(message(&world, &there(), &id).as_deref(), Some(SOURCE_GONE_MESSAGE));
    world.advance_to(started + jiff::SignedDuration::from_secs(500));
    assert_eq!(state(&world, &there(), &id), Some(SnapshotState::Error));
}

#[test]
fn a_completed_copy_outlives_its_source() {
    let mut world = world();
    let source = source(&mut world);
    let id = copy(&mut world, &source).unwrap();
    world.advance_by(140);
    delete(&mut world, &here(), &source).unwrap();
    assert_eq!(state(&world, &there(), &id), Some(SnapshotState::Completed));
}

#[test]
fn copies_that_fail_by_the_seed_have_a_message() {
    let mut world = world();
    let source = source(&mut world);
    world.config.copy_errors = 1_000;
    let id = copy(&mut world, &source).unwrap();
    world.advance_by(140);
    assert_eq!(message(&world, &there(), &id).as_deref(), Some(crate::snapshots::FAILED_MESSAGE));
}
