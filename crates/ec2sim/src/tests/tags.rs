use super::*;
use crate::call::ResourceId;

fn tag(world: &mut World, ids: &[&SnapshotId], tags: Tags) -> Result<Reply, ApiError> {
    let resources = ids.iter().map(|id| ResourceId::Snapshot((*id).clone())).collect();
    call(world, &here(), Call::CreateTags { resources, tags })
}

fn tags_of(world: &World, id: &SnapshotId) -> Tags {
    world.snapshot(&here(), id).unwrap().snapshot.tags.clone()
}

fn snapshot(world: &mut World, name: &str) -> SnapshotId {
    let volume = volume(world, name);
    completed(world, &volume)
}

#[test]
fn tags_are_added_and_overwritten() {
    let mut world = world();
    let id = snapshot(&mut world, "a");
    tag(&mut world, &[&id], tags(&[("a", "1"), ("b", "1")])).unwrap();
    tag(&mut world, &[&id], tags(&[("b", "2")])).unwrap();
    assert_eq!(tags_of(&world, &id), tags(&[("a", "1"), ("b", "2")]));
}

#[test]
fn one_unknown_id_and_none_is_tagged() {
    let mut world = world();
    let id = snapshot(&mut world, "a");
    let error = tag(&mut world, &[&id, &"snap-1".parse().unwrap()], tags(&[("a", "1")])).unwrap_err();
    assert_eq!(error, ApiError::answer(400, "InvalidSnapshot.NotFound", "The snapshot 'snap-1' does not exist."));
    assert!(tags_of(&world, &id).is_empty());
}

#[test]
fn more_than_a_thousand_resources_are_refused() {
    let mut world = world();
    let id = snapshot(&mut world, "a");
    assert_eq!(code(tag(&mut world, &vec![&id; 1_001], tags(&[("a", "1")]))), "InvalidParameterValue");
    tag(&mut world, &vec![&id; 1_000], tags(&[("a", "1")])).unwrap();
}

#[test]
fn fifty_tags_and_awss_own_do_not_count() {
    let mut world = world();
    let (full, empty) = (snapshot(&mut world, "a"), snapshot(&mut world, "b"));
    world.tag(&here(), &full.clone().into(), "aws:dlm:x", "1").unwrap();
    tag(&mut world, &[&full], many_tags(50)).unwrap();
    assert_eq!(code(tag(&mut world, &[&empty, &full], tags(&[("more", "1")]))), "TagLimitExceeded");
    assert!(tags_of(&world, &empty).is_empty(), "all or none");
    tag(&mut world, &[&full], tags(&[("key-0", "another value")])).unwrap();
}

#[test]
fn the_limits_hold_at_birth_too() {
    let mut world = world();
    let volume = volume(&mut world, "a");
    assert_eq!(code(create_with(&mut world, &volume, many_tags(51))), "TagLimitExceeded");
    assert_eq!(code(create_with(&mut world, &volume, tags(&[("aws:x", "1")]))), "InvalidParameterValue");
    assert_eq!(world.snapshots(&here()).count(), 0);
    create_with(&mut world, &volume, many_tags(50)).unwrap();
}

#[test]
fn reserved_empty_and_long_keys_and_long_values_are_refused() {
    let mut world = world();
    let id = snapshot(&mut world, "a");
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    for (key, value) in [("aws:x", "1"), ("AWS:x", "1"), ("", "1"), (&long_key, "1"), ("key", &long_value)] {
        assert_eq!(code(tag(&mut world, &[&id], tags(&[(key, value)]))), "InvalidParameterValue", "{key}");
    }
    assert_eq!(code(tag(&mut world, &[&id], Tags::default())), "MissingParameter");
    assert_eq!(code(tag(&mut world, &[], tags(&[("a", "1")]))), "MissingParameter");
}

#[test]
fn tags_are_taken_away() {
    let mut world = world();
    let id = snapshot(&mut world, "a");
    tag(&mut world, &[&id], tags(&[("a", "1"), ("b", "1")])).unwrap();
    let untag = |keys: &[&str]| Call::DeleteTags {
        resources: vec![id.clone().into()],
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
    };
    call(&mut world, &here(), untag(&["a", "was never there"])).unwrap();
    assert_eq!(tags_of(&world, &id), tags(&[("b", "1")]));
    assert_eq!(code(call(&mut world, &here(), untag(&["aws:dlm:x"]))), "InvalidParameterValue");
}

#[test]
fn instances_and_volumes_are_tagged_too() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 1);
    let resources = vec![id.clone().into(), volumes[0].clone().into()];
    call(&mut world, &here(), Call::CreateTags { resources, tags: tags(&[("Backup", "Yes")]) }).unwrap();
    assert!(world.instance(&here(), &id).unwrap().instance.tags.has("Backup"));
    assert!(world.volume(&here(), &volumes[0]).unwrap().volume.tags.has("Backup"));
    let unknown = vec!["vol-1".parse::<VolumeId>().unwrap().into()];
    let error = call(&mut world, &here(), Call::CreateTags { resources: unknown, tags: tags(&[("a", "1")]) });
    assert_eq!(code(error), "InvalidVolume.NotFound");
}
