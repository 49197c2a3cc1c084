//! S8: one snapshot per volume and slot, one copy per source and destination; S11: whose they are, from birth.

use snapwarden_core::check::check;

use super::*;

fn good_create() -> (World, Plan) {
    let disks = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2")];
    let world = world(NOW).instance("i-1", &[("Backup", "Yes")], &disks).server("i-2", &[], "vol-3");
    let plan = world.create();
    assert_eq!(plan.groups.len(), 2);
    (world, plan)
}

fn moved() -> Snap {
    source("snap-1", "vol-1", AWAY)
}

fn to_copy(source: &Snap, copies: impl IntoIterator<Item = Snap>) -> World {
    world(NOW).snapshot(source.clone()).region(AWAY).snapshots(copies).region(HOME)
}

#[test]
fn s8_a_second_snapshot_of_one_volume_and_slot() {
    let (world, plan) = good_create();
    let made = ours("snap-1", "vol-3", "2026-11-22", "2026-11-29");
    for other in [made.clone(), made.clone().pending()] {
        caught(&plan, &world.clone().snapshot(other), Rule::S8, &volume("vol-3"));
    }
    let copied = world.clone().region(AWAY).snapshot(copy("snap-c", &made));
    caught(&plan, &copied, Rule::S8, &volume("vol-3"));
    let failed = world.clone().snapshot(made.failed("internal error"));
    assert_eq!(check(&plan, &failed.inventory, &Config::default()), [], "an errored one is no second one");
    let mut twice = plan.clone();
    let again = twice.groups[1].clone();
    twice.groups.push(again);
    caught(&twice, &world, Rule::S8, &volume("vol-3"));
}

#[test]
fn s8_what_another_service_manages_is_no_first_one() {
    let (world, plan) = good_create();
    let other = ours("snap-1", "vol-3", "2026-11-22", "2026-11-29").tag("aws:dlm:managed", "true");
    assert_eq!(check(&plan, &world.snapshot(other).inventory, &Config::default()), []);
}

/// A volume that another tool restored carries our tags on: what it makes of it is no snapshot of the slot.
#[test]
fn s8_what_carries_the_tags_of_another_snapshot_is_no_first_one() {
    let (world, plan) = good_create();
    let other = ours("snap-1", "vol-3", "2026-11-22", "2026-11-29").tag("CreatedOn", "2026-11-20");
    clean(&plan, &world.snapshot(other));
}

#[test]
fn s8_a_create_where_the_regions_snapshots_were_not_all_read() {
    let (world, plan) = good_create();
    caught(&plan, &world.snapshots_gap(), Rule::S8, &volume("vol-1"));
}

#[test]
fn s8_a_volume_that_is_left_out_of_its_own_set() {
    let (world, mut plan) = good_create();
    plan.groups[0].exclude_data.push(volume_id("vol-2"));
    caught(&plan, &world, Rule::S8, &volume("vol-2"));
}

#[test]
fn s8_a_second_copy_of_one_source_in_one_destination() {
    let plan = to_copy(&moved(), []).offsite();
    for other in [copy("snap-c", &moved()), copy("snap-c", &moved()).pending(), copy("snap-c", &moved()).size(9)] {
        caught(&plan, &to_copy(&moved(), [other]), Rule::S8, &copy_to("snap-1", AWAY));
    }
    let failed = to_copy(&moved(), [copy("snap-c", &moved()).failed("KMS")]);
    assert_eq!(check(&plan, &failed.inventory, &Config::default()), []);
    let mut twice = plan.clone();
    twice.decisions.push(decision(&plan, &copy_to("snap-1", AWAY)).clone());
    caught(&twice, &to_copy(&moved(), []), Rule::S8, &copy_to("snap-1", AWAY));
}

#[test]
fn s8_a_copy_to_a_destination_that_was_not_read() {
    let plan = to_copy(&moved(), []).offsite();
    caught(&plan, &to_copy(&moved(), []).unread(AWAY), Rule::S8, &copy_to("snap-1", AWAY));
    let gap = to_copy(&moved(), []).region(AWAY).snapshots_gap();
    caught(&plan, &gap, Rule::S8, &copy_to("snap-1", AWAY));
}

#[test]
fn s11_a_snapshot_born_without_its_ownership_tags_or_pinned() {
    let (world, plan) = good_create();
    for key in ["Type", "CreatedOn", "DeleteOn", "InstanceID", "snapwarden:slot"] {
        let mut bad = plan.clone();
        bad.groups[0].tags.remove(key);
        caught(&bad, &world, Rule::S11, &volume("vol-1"));
    }
    let mut bad = plan.clone();
    bad.groups[0].tags.set("keepforever", "");
    caught(&bad, &world, Rule::S11, &volume("vol-1"));
    let mut bad = plan;
    bad.groups[0].tags.set("Type", "Manual");
    caught(&bad, &world, Rule::S11, &volume("vol-2"));
}

#[test]
fn s11_a_copy_born_without_its_identity() {
    let world = to_copy(&moved(), []);
    let plan = world.offsite();
    let Act::Copy { tags: good, .. } = of_copy(&plan, "snap-1", AWAY).0.clone() else { panic!("no copy") };
    for key in ["Type", "SourceSnapshotId", "SourceRegion", "SourceStartTime", "VolumeID"] {
        let mut tags = good.clone();
        tags.remove(key);
        let bad = acting(plan.clone(), &copy_to("snap-1", AWAY), Act::Copy { tags, encrypted: false });
        caught(&bad, &world, Rule::S11, &copy_to("snap-1", AWAY));
    }
    for (key, value) in [("SourceSnapshotId", "snap-2"), ("SourceRegion", AWAY), ("Type", "Manual")] {
        let mut tags = good.clone();
        tags.set(key, value);
        let bad = acting(plan.clone(), &copy_to("snap-1", AWAY), Act::Copy { tags, encrypted: false });
        caught(&bad, &world, Rule::S11, &copy_to("snap-1", AWAY));
    }
    let mut tags = good;
    for n in tags.len()..50 {
        tags.set(&format!("k{n}"), "x");
    }
    let full = acting(plan.clone(), &copy_to("snap-1", AWAY), Act::Copy { tags: tags.clone(), encrypted: false });
    assert_eq!(check(&full, &world.inventory, &Config::default()), [], "EC2 takes 50");
    tags.set("k50", "x");
    let bad = acting(plan, &copy_to("snap-1", AWAY), Act::Copy { tags, encrypted: false });
    caught(&bad, &world, Rule::S11, &copy_to("snap-1", AWAY));
}

#[test]
fn s12_nothing_is_born_with_the_mark_of_a_volume_that_is_over() {
    let (world, plan) = good_create();
    let mut bad = plan;
    bad.groups[0].tags.set("snapwarden:closed", "");
    caught(&bad, &world, Rule::S12, &volume("vol-1"));
    let world = to_copy(&moved(), []);
    let plan = world.offsite();
    let Act::Copy { mut tags, encrypted } = of_copy(&plan, "snap-1", AWAY).0.clone() else { panic!("no copy") };
    tags.set("snapwarden:closed", "2026-11-22");
    let bad = acting(plan, &copy_to("snap-1", AWAY), Act::Copy { tags, encrypted });
    caught(&bad, &world, Rule::S12, &copy_to("snap-1", AWAY));
}
