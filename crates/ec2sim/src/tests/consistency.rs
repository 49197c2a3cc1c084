use super::*;
use crate::call::ResourceId;

/// Worlds in which changes are seen late, over some seeds.
fn late_worlds() -> impl Iterator<Item = World> {
    (0..30).map(|seed| {
        let mut world = world_of(seed);
        world.config.lag_max_s = 100;
        world
    })
}

#[test]
fn a_new_snapshot_is_unseen_for_a_while_and_cannot_be_tagged() {
    let mut unseen = 0;
    for mut world in late_worlds() {
        let volume = volume(&mut world, "data");
        let id = create(&mut world, &volume).unwrap();
        assert!(world.snapshot(&here(), &id).is_some(), "the truth knows it");
        let tag = Call::CreateTags { resources: vec![id.clone().into()], tags: tags(&[("a", "1")]) };
        let seen = is_listed(&mut world, &here(), &id);
        let tagged = call(&mut world, &here(), tag.clone());
        assert_eq!(tagged.is_ok(), seen);
        if !seen {
            unseen += 1;
            assert_eq!(code(tagged), "InvalidSnapshot.NotFound");
        }
        world.advance_by(100);
        assert!(is_listed(&mut world, &here(), &id), "never longer than the bound");
        call(&mut world, &here(), tag).unwrap();
    }
    assert!(unseen > 20, "{unseen}");
}

#[test]
fn a_changed_tag_is_seen_late() {
    let mut late = 0;
    for mut world in late_worlds() {
        let volume = volume(&mut world, "data");
        let id = completed(&mut world, &volume);
        let has_it = |world: &mut World| listed(world, &here()).iter().any(|snapshot| snapshot.tags.has("KeepForever"));
        world.tag(&here(), &ResourceId::Snapshot(id.clone()), "KeepForever", "").unwrap();
        assert!(world.snapshot(&here(), &id).unwrap().snapshot.tags.keep_forever());
        late += usize::from(!has_it(&mut world));
        world.advance_by(100);
        assert!(has_it(&mut world));
    }
    assert!(late > 20, "{late}");
}

#[test]
fn changes_of_tags_are_never_seen_out_of_order() {
    for mut world in late_worlds() {
        let id = put(&mut world, "snap-1", "123456789012");
        let mut seen = Vec::new();
        for step in 0..30 {
            if step < 10 {
                world.tag(&here(), &id.clone().into(), "step", &format!("{step:02}")).unwrap();
            }
            world.advance_by(7);
            seen.push(listed(&mut world, &here())[0].tags.get("step").unwrap_or_default().to_owned());
        }
        assert!(seen.is_sorted(), "{seen:?}");
        assert_eq!(seen.last().map(String::as_str), Some("09"));
    }
}

#[test]
fn a_deleted_snapshot_may_linger_but_is_gone() {
    let mut lingering = 0;
    for mut world in late_worlds() {
        let volume = volume(&mut world, "data");
        let id = completed(&mut world, &volume);
        delete(&mut world, &here(), &id).unwrap();
        assert!(world.snapshot(&here(), &id).is_none());
        lingering += usize::from(is_listed(&mut world, &here(), &id));
        assert_eq!(code(delete(&mut world, &here(), &id)), "InvalidSnapshot.NotFound");
        assert_eq!(code(copy(&mut world, &id)), "InvalidSnapshot.NotFound");
        world.advance_by(100);
        assert!(!is_listed(&mut world, &here(), &id));
    }
    assert!(lingering > 20, "{lingering}");
}

#[test]
fn switched_off_everything_is_seen_at_once() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = completed(&mut world, &volume);
    assert!(is_listed(&mut world, &here(), &id));
    world.tag(&here(), &id.clone().into(), "a", "1").unwrap();
    assert!(listed(&mut world, &here())[0].tags.has("a"));
    delete(&mut world, &here(), &id).unwrap();
    assert!(!is_listed(&mut world, &here(), &id));
}

#[test]
fn the_bound_is_never_more_than_a_hundred_seconds() {
    for mut world in late_worlds() {
        world.config.lag_max_s = u32::MAX;
        let volume = volume(&mut world, "data");
        let id = create(&mut world, &volume).unwrap();
        world.advance_by(100);
        assert!(is_listed(&mut world, &here(), &id));
    }
}
