//! Every rule of the world, one behaviour a test: codes and reasons, not only success.

mod consistency;
mod copies;
mod faults;
mod fleet;
mod life;
mod listing;
mod seam;
mod sets;
mod snapshots;
mod tags;

use jiff::Timestamp;
use snapwarden_core::ids::{InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState, StorageTier};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::{CopyRequest, SetRequest};

use crate::call::{ApiError, Call, PageRequest, Principal, Reply, SnapshotListing, SnapshotView};
use crate::people::{NewInstance, NewVolume};
use crate::world::World;

/// When every test begins.
pub(crate) const NOW: &str = "2026-11-22T03:00:00Z";

pub(crate) fn here() -> Region {
    "eu-west-1".parse().unwrap()
}

pub(crate) fn there() -> Region {
    "eu-central-1".parse().unwrap()
}

pub(crate) fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().copied().collect()
}

pub(crate) fn many_tags(count: usize) -> Tags {
    (0..count).map(|n| (format!("key-{n}"), "value")).collect()
}

pub(crate) fn world() -> World {
    world_of(7)
}

pub(crate) fn world_of(seed: u64) -> World {
    let now: Timestamp = NOW.parse().unwrap();
    World::new(seed, now, "123456789012".parse().unwrap(), [here(), there()])
}

pub(crate) fn call(world: &mut World, region: &Region, call: Call) -> Result<Reply, ApiError> {
    let principal = Principal::of(world.account().clone());
    world.call(&principal, region, call)
}

/// The code of a refusal.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code().unwrap().to_owned()
}

pub(crate) fn volume(world: &mut World, name: &str) -> VolumeId {
    world.create_volume(&here(), NewVolume::sized(name, 10)).unwrap()
}

/// An instance with so many volumes, the first of which is its root.
pub(crate) fn instance(world: &mut World, name: &str, volumes: usize) -> (InstanceId, Vec<VolumeId>) {
    let id = world.run_instance(&here(), NewInstance::named(name, Tags::default())).unwrap();
    let attach = |n: usize| {
        let volume = volume(world, &format!("{name}-{n}"));
        let device = if n == 0 { "/dev/xvda".to_owned() } else { format!("/dev/sd{n}") };
        world.attach_volume(&here(), &volume, &id, &device, n == 0).unwrap();
        volume
    };
    let volumes = (0..volumes).map(attach).collect();
    (id, volumes)
}

pub(crate) fn create(world: &mut World, volume: &VolumeId) -> Result<SnapshotId, ApiError> {
    create_with(world, volume, Tags::default())
}

pub(crate) fn create_with(world: &mut World, volume: &VolumeId, tags: Tags) -> Result<SnapshotId, ApiError> {
    let create = Call::CreateSnapshot { volume: volume.clone(), description: String::new(), tags };
    Ok(call(world, &here(), create)?.made().remove(0))
}

/// A snapshot that is completed.
pub(crate) fn completed(world: &mut World, volume: &VolumeId) -> SnapshotId {
    let id = create(world, volume).unwrap();
    world.advance_by(3_600);
    assert_eq!(state(world, &here(), &id), Some(SnapshotState::Completed));
    id
}

pub(crate) fn set_request(instance: &InstanceId) -> SetRequest {
    SetRequest {
        instance: instance.clone(),
        exclude_boot: false,
        exclude_data: Vec::new(),
        description: "a set".to_owned(),
        tags: tags(&[("Type", "Automated")]),
    }
}

pub(crate) fn create_set(world: &mut World, request: SetRequest) -> Result<Vec<SnapshotView>, ApiError> {
    let reply = call(world, &here(), Call::CreateSnapshots(request))?;
    let Reply::Set(views) = reply else { panic!("{reply:?}") };
    Ok(views)
}

pub(crate) fn copy_request(source: &SnapshotId) -> CopyRequest {
    CopyRequest { source_region: here(), source: source.clone(), description: String::new(), tags: Tags::default() }
}

pub(crate) fn copy(world: &mut World, source: &SnapshotId) -> Result<SnapshotId, ApiError> {
    let copy = Call::CopySnapshot { request: copy_request(source), encrypted: false, presigned: true };
    Ok(call(world, &there(), copy)?.made().remove(0))
}

pub(crate) fn delete(world: &mut World, region: &Region, snapshot: &SnapshotId) -> Result<Reply, ApiError> {
    call(world, region, Call::DeleteSnapshot { snapshot: snapshot.clone() })
}

pub(crate) fn state(world: &World, region: &Region, id: &SnapshotId) -> Option<SnapshotState> {
    world.snapshot(region, id).map(|record| record.snapshot.state)
}

pub(crate) fn message(world: &World, region: &Region, id: &SnapshotId) -> Option<String> {
    world.snapshot(region, id)?.snapshot.state_message.clone()
}

/// What DescribeSnapshots shows, on however many pages.
pub(crate) fn listed(world: &mut World, region: &Region) -> Vec<Snapshot> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let page = PageRequest { next, max_results: Some(1_000) };
        let reply = call(world, region, Call::DescribeSnapshots(SnapshotListing::Own(page))).unwrap();
        let Reply::Snapshots(page) = reply else { panic!("{reply:?}") };
        all.extend(page.items.into_iter().map(|view| view.snapshot));
        next = page.next.filter(|token| !token.is_empty());
        if next.is_none() {
            return all;
        }
    }
}

pub(crate) fn is_listed(world: &mut World, region: &Region, id: &SnapshotId) -> bool {
    listed(world, region).iter().any(|snapshot| snapshot.id == *id)
}

/// Puts a completed snapshot under a given id.
pub(crate) fn put(world: &mut World, id: &str, owner: &str) -> SnapshotId {
    let snapshot = Snapshot {
        id: id.parse().unwrap(),
        volume_id: "vol-1".parse().unwrap(),
        owner: owner.parse().unwrap(),
        state: SnapshotState::Completed,
        state_message: None,
        start_time: world.now(),
        size_gib: 1,
        encrypted: false,
        tier: StorageTier::Standard,
        tags: Tags::default(),
    };
    world.put_snapshot(&here(), snapshot, None, "").unwrap();
    id.parse().unwrap()
}
