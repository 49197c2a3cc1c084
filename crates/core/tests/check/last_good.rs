//! S6: the last good one stays, and the deletes go in their order; S7: what was not read leads to no delete.

use super::*;

const LAST: &str = "it is the last good one here";

/// One that has expired, of a volume that lives in itself, held by no instance.
fn alone() -> World {
    world(NOW).volume("vol-1", &[]).snapshot(expired("snap-1", "vol-1"))
}

#[test]
fn s6_a_delete_of_the_last_good_one_of_a_living_volume() {
    stays(&alone(), "snap-1", Rule::S6, LAST);
    let odd = world(NOW).volume("vol-1", &[("Backup", "?")]).snapshot(expired("snap-1", "vol-1"));
    stays(&odd, "snap-1", Rule::S6, LAST);
    let attached = world(NOW).snapshot(expired("snap-1", "vol-1")).instance("i-1", &[], &[("/dev/xvda", "vol-1")]);
    stays(&attached.without_volume("vol-1"), "snap-1", Rule::S6, LAST);
    may_go(&alone().snapshot(newest()), &["snap-1"]);
}

#[test]
fn s6_a_newer_one_of_another_volume_or_region_is_no_reason() {
    stays(&alone().snapshot(ours("snap-9", "vol-2", "2026-11-21", "2026-11-28")), "snap-1", Rule::S6, LAST);
    let elsewhere = alone().region(AWAY).snapshot(copy("snap-c", &newest()));
    stays(&elsewhere, "snap-1", Rule::S6, LAST);
    let here = alone().snapshot(copy("snap-c", &newest()));
    may_go(&here, &["snap-1"]);
}

/// An archived one takes a day or three to restore.
#[test]
fn s6_the_newest_that_is_not_archived_stays_too() {
    let archived = alone().snapshot(newest().archived());
    stays(&archived, "snap-1", Rule::S6, LAST);
    let both = archived.snapshot(ours("snap-8", "vol-1", "2026-11-20", "2026-11-27"));
    may_go(&both, &["snap-1"]);
    let newest_archived = world(NOW)
        .volume("vol-1", &[])
        .snapshots([ours("snap-0", "vol-1", "2026-10-01", "2026-10-08"), expired("snap-1", "vol-1").archived()]);
    stays(&newest_archived, "snap-1", Rule::S6, LAST);
    stays(&newest_archived, "snap-0", Rule::S6, LAST);
}

#[test]
fn s6_a_delete_of_the_newest_for_the_sake_of_a_copy_that_lies_about_its_age() {
    let younger = ours("snap-2", "vol-1", "2026-11-02", "2026-11-09");
    let lying = copy("snap-c1", &expired("snap-1", "vol-1")).tag("SourceStartTime", "2099-01-01T00:00:00Z");
    let tagged = [("DestinationRegion", AWAY)];
    let world = world(NOW).server("i-1", &tagged, "vol-1").region(AWAY);
    let world = world.snapshots([lying, copy("snap-c2", &younger)]);
    stays(&world, "snap-c2", Rule::S6, LAST);
    may_go(&world, &["snap-c1"]);
}

#[test]
fn s6_of_two_that_hold_the_data_of_one_second_either_may_go() {
    let world = alone().snapshot(expired("snap-2", "vol-1"));
    may_go(&world, &["snap-1"]);
    may_go(&world, &["snap-2"]);
    let said = says(&world, &["snap-1", "snap-2"]);
    assert_eq!(
        said,
        [
            "us-east-1 S6: snap-1 has the newest data of a volume that lives or may live",
            "us-east-1 S6: snap-2: it is the last good one here"
        ]
    );
}

#[test]
fn s6_a_delete_of_all_of_a_living_volumes_at_once() {
    let world = alone().snapshot(ours("snap-2", "vol-1", "2026-11-02", "2026-11-09"));
    assert_eq!(says(&world, &["snap-1", "snap-2"]), ["us-east-1 S6: snap-2: it is the last good one here"]);
}

/// A Region that is no destination has no last good one of its own, but the newest data of a volume stays somewhere.
#[test]
fn s6_the_newest_data_of_a_living_volume_stays_somewhere() {
    let copies = |ids: &[(&str, &str)]| {
        let copies =
            ids.iter().map(|(id, day)| copy(id, &ours("snap-0", "vol-1", day, "2026-11-09"))).collect::<Vec<_>>();
        world(NOW).volume("vol-1", &[]).region(AWAY).snapshots(copies)
    };
    let world = copies(&[("snap-c1", "2026-11-01"), ("snap-c2", "2026-11-02")]);
    may_go(&world, &["snap-c1"]);
    let said = says(&world, &["snap-c1", "snap-c2"]);
    assert_eq!(said, ["eu-west-1 S6: snap-c2 has the newest data of a volume that lives or may live"]);
    let twice = copies(&[("snap-c1", "2026-11-01"), ("snap-c2", "2026-11-02")]);
    let twice = twice.region(FAR).snapshot(copy("snap-c3", &ours("snap-0", "vol-1", "2026-11-02", "2026-11-09")));
    may_go(&twice, &["snap-c1", "snap-c2"]);
    assert_eq!(says(&twice, &["snap-c2", "snap-c3"]).len(), 2);
}

#[test]
fn s6_a_delete_of_the_last_good_copy() {
    let good = copy("snap-1", &expired("snap-0", "vol-1").tag("DestinationRegion", AWAY));
    let living = world(NOW).volume("vol-1", &[]).region(AWAY).snapshot(good.clone());
    stays(&living, "snap-1", Rule::S6, LAST);
    let at = |copy: Snap| world(NOW).region(AWAY).snapshot(copy);
    for unknown in [
        at(good.clone()).unread(HOME),
        at(good.clone().no_tag("SourceRegion")).unread(FAR),
        at(good.clone().no_tag("SourceRegion")).regions_unknown(),
    ] {
        stays(&unknown, "snap-1", Rule::S6, LAST);
    }
}

/// Nobody knows of which volume it is the last: it never goes.
#[test]
fn s6_a_copy_that_names_no_volume() {
    let good = copy("snap-1", &expired("snap-0", "vol-1"));
    for nameless in [
        good.clone().no_tag("VolumeID"),
        good.clone().tag("VolumeID", ""),
        good.clone().tag("VolumeID", "the root disk"),
        good.clone().tag("VolumeID", "vol-ffffffff"),
    ] {
        let world = living().region(AWAY).snapshots([nameless, copy("snap-c9", &newest())]);
        let said = says(&world, &["snap-1"]);
        assert_eq!(said, ["eu-west-1 S6: snap-1 names no volume: it may be the last good one of any"]);
    }
    may_go(&living().region(AWAY).snapshot(good.clone()), &["snap-1"]);
    // The predecessor's copies name their volume, and no source.
    may_go(&living().region(AWAY).snapshot(good.no_tag("SourceSnapshotId").no_tag("SourceRegion")), &["snap-1"]);
}

#[test]
fn s6_the_oldest_goes_first_so_that_a_run_that_stops_leaves_the_newest() {
    let three = ["2026-11-01", "2026-11-02", "2026-11-03"].map(|day| made(day, ""));
    let other = ours("snap-x", "vol-2", "2026-10-01", "2026-10-08");
    let world = living().snapshots(three).volume("vol-2", &[]);
    let world = world.snapshots([other, ours("snap-y", "vol-2", "2026-11-21", "2026-11-28")]);
    may_go(&world, &["snap-2026-11-01", "snap-2026-11-02", "snap-x", "snap-2026-11-03"]);
    let said = says(&world, &["snap-2026-11-02", "snap-2026-11-03", "snap-2026-11-01"]);
    let early = |id| format!("us-east-1 S6: {id} goes before an older one of its volume");
    assert_eq!(said, [early("snap-2026-11-02"), early("snap-2026-11-03")]);
}

// S7.

#[test]
fn s7_a_delete_where_the_regions_snapshots_were_not_all_read() {
    let gap = living().snapshot(expired("snap-1", "vol-1")).snapshots_gap();
    stays(&gap, "snap-1", Rule::S7, "the snapshots of us-east-1 were not all read");
    stays(&gap.with_snapshot_failed(), "snap-1", Rule::S7, "the snapshots of us-east-1 were not all read");
    let source = source("snap-1", "vol-1", AWAY);
    let removal = world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", &source)).region(HOME);
    caught(&removal.offsite(), &removal.snapshots_gap(), Rule::S7, &source_of("snap-1"));
}

trait Failed {
    fn with_snapshot_failed(self) -> Self;
}

impl Failed for World {
    fn with_snapshot_failed(mut self) -> Self {
        let home = self.inventory.regions.get_mut(&region(HOME)).unwrap();
        let snapwarden_core::inventory::Read::Gap { seen, .. } = &mut home.snapshots else { panic!("no gap") };
        seen.iter_mut().for_each(|one| one.state = snapwarden_core::inventory::SnapshotState::Error);
        self
    }
}

/// The volumes and the instances of a volume's home tell what is asked for it, wherever its snapshots are.
#[test]
fn s7_a_delete_where_a_volumes_home_was_not_all_read() {
    let copied = |world: World| {
        let of = expired("snap-0", "vol-1");
        world.region(AWAY).snapshots([copy("snap-1", &of), copy("snap-c9", &newest())]).region(HOME)
    };
    may_go(&copied(living()), &["snap-1"]);
    for (unread, words) in [
        (copied(living()).instances_gap(), "not all instances of us-east-1 were read"),
        (copied(living()).volumes_gap(), "not all volumes of us-east-1 were read"),
        (copied(living()).snapshots_gap(), "not all snapshots of us-east-1 were read"),
        (copied(world(NOW)).unread(HOME), "not all instances of us-east-1 were read"),
    ] {
        stays(&unread, "snap-1", Rule::S7, words);
    }
    // A home that the account does not have counts as unread.
    let mars = world(NOW).region(AWAY).snapshots([
        copy("snap-1", &expired("snap-0", "vol-7")).tag("SourceRegion", "mars-1"),
        copy("snap-2", &ours("snap-0", "vol-7", "2026-11-21", "2026-11-28")).tag("SourceRegion", "mars-1"),
    ]);
    stays(&mars, "snap-1", Rule::S7, "not all instances of mars-1 were read");
    // Where nothing says where its home is, it may be anywhere that the account can use.
    let lost = |world: World| {
        let lost = |id: &str, of: &Snap| copy(id, of).no_tag("SourceRegion");
        world.region(AWAY).snapshots([lost("snap-1", &expired("snap-0", "vol-1")), lost("snap-c9", &newest())])
    };
    may_go(&lost(living()), &["snap-1"]);
    stays(&lost(world(NOW)).unread(FAR), "snap-1", Rule::S7, "not all instances of us-west-2 were read");
    let unlisted = lost(world(NOW)).regions_unknown();
    stays(&unlisted, "snap-1", Rule::S7, "which could not be listed were read");
}

/// Newer snapshots, and so what is in force, may lie in any Region that its tags or its snapshots name.
#[test]
fn s7_a_delete_where_a_region_that_may_hold_newer_ones_was_not_read() {
    let words = "not all snapshots of us-west-2 were read";
    let base = || living().snapshot(expired("snap-1", "vol-1"));
    may_go(&base().unread(FAR), &["snap-1"]);
    let asked = living_with(&[("DestinationRegion", "eu-west-1, US-WEST-2")]).snapshot(expired("snap-1", "vol-1"));
    may_go(&asked, &["snap-1"]);
    stays(&asked.clone().unread(FAR), "snap-1", Rule::S7, words);
    stays(&asked.region(FAR).snapshots_gap(), "snap-1", Rule::S7, words);
    let named = base().snapshot(made("2026-11-20", "").tag("DestinationRegion", FAR));
    stays(&named.unread(FAR), "snap-1", Rule::S7, words);
    let from = base().region(AWAY).snapshot(copy("snap-c", &newest()).tag("SourceRegion", FAR));
    stays(&from.unread(FAR), "snap-1", Rule::S7, words);
    // One that the account does not have holds no snapshots; whether it has it may be unknown.
    let mars = || base().snapshot(made("2026-11-20", "").tag("DestinationRegion", "mars-1"));
    may_go(&mars(), &["snap-1"]);
    stays(&mars().regions_unknown(), "snap-1", Rule::S7, "not all snapshots of mars-1 were read");
}
