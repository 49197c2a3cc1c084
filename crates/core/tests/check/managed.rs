//! S1: what is managed; S2: what a person pinned, or reads from.

use snapwarden_core::inventory::SnapshotState;

use super::*;

#[test]
fn s1_a_delete_of_what_is_not_managed_or_was_not_seen() {
    may_go(&living().snapshot(expired("snap-1", "vol-1")), &["snap-1"]);
    for unmanaged in [
        expired("snap-1", "vol-1").owner("999999999999"),
        expired("snap-1", "vol-1").no_tag("Type"),
        expired("snap-1", "vol-1").tag("Type", "Manual"),
        expired("snap-1", "vol-1").tag("aws:dlm:managed", "true"),
        expired("snap-1", "vol-1").tag("aws:backup:source-resource", "x"),
    ] {
        stays(&living().snapshot(unmanaged), "snap-1", Rule::S1, "is not managed");
    }
    stays(&living(), "snap-1", Rule::S1, "was not seen in us-east-1");
    let elsewhere = living().region(AWAY).snapshot(copy("snap-1", &expired("snap-0", "vol-1")));
    let plan = plan_of(&elsewhere, Job::Expire, [(region(HOME), snapshot("snap-1"), delete())]);
    caught(&plan, &elsewhere, Rule::S1, &snapshot("snap-1"));
}

/// A volume that another tool restored from one of our snapshots carries its tags, and so does what is made of it.
#[test]
fn s1_a_delete_of_what_carries_the_tags_of_another_snapshot() {
    let born = ours("snap-1", "vol-1", "2026-10-01", "2026-10-08");
    let wandered = [
        // Days away from its birth by CreatedOn; without one by its slot.
        born.clone().at("2026-11-10T01:00:00Z"),
        born.clone().at("2026-10-02T03:00:01Z").no_tag("CreatedOn"),
        born.clone().at("2026-10-02T03:00:01Z").tag("CreatedOn", "yesterday"),
        // Before the slot that it was made for.
        born.clone().at("2026-09-30T02:59:59Z"),
        // A copy is of EC2's vol-ffffffff, or where an EC2 keeps the volume, of the one that it names.
        born.clone().tag("SourceSnapshotId", "snap-0"),
        born.clone().tag("SourceSnapshotId", "snap-0").tag("VolumeID", "vol-2"),
    ];
    for snap in wandered {
        let said = says(&living().snapshot(snap.clone()), &["snap-1"]);
        assert_eq!(said, ["us-east-1 S1: snap-1 is not managed"], "{snap:?}");
    }
    let near = [
        // A later day is that of its deletion, as the predecessor's stack wrote it.
        born.clone().at("2026-09-29T23:59:59Z").tag("snapwarden:slot", "2026-09-29T23:59Z"),
        born.clone().at("2026-10-02T23:59:59Z"),
        born.clone().at("2026-10-02T03:00:00Z").no_tag("CreatedOn"),
        born.clone().at("2026-09-30T03:00:00Z"),
        born.clone().at("2026-11-10T01:00:00Z").no_tag("CreatedOn").no_tag("snapwarden:slot"),
        // Made later for a slot of long ago, as a person asked.
        born.clone().at("2026-11-10T01:00:00Z").tag("CreatedOn", "2026-11-10").tag("DeleteOn", "2026-11-17"),
        born.clone().tag("SourceSnapshotId", "snap-0").tag("VolumeID", "vol-1"),
        copy("snap-1", &born),
    ];
    for snap in near {
        let said = says(&living().snapshot(snap.clone()), &["snap-1"]);
        assert!(!said.iter().any(|text| text.contains("S1")), "{snap:?}: {said:?}");
    }
}

#[test]
fn s1_a_copy_a_stamp_a_removal_a_mark_and_tags_for_what_is_not_managed() {
    let source = source("snap-1", "vol-1", AWAY);
    let bad = source.clone().tag("aws:dlm:managed", "true");
    let account = |source: &Snap, copies: &[Snap]| {
        world(NOW).snapshot(source.clone()).region(AWAY).snapshots(copies.to_vec()).region(HOME)
    };
    let plan = account(&source, &[]).offsite();
    caught(&plan, &account(&bad, &[]), Rule::S1, &copy_to("snap-1", AWAY));
    let plan = account(&source, &[copy("snap-c", &source)]).offsite();
    caught(&plan, &account(&bad, &[copy("snap-c", &source)]), Rule::S1, &source_of("snap-1"));
    let kept = source.clone().tag("OffsiteMode", "Copy");
    let plan = account(&kept, &[copy("snap-c", &kept)]).offsite();
    caught(&plan, &account(&kept.no_tag("Type"), &[]), Rule::S1, &source_of("snap-1"));
    let lacking = copy("snap-c", &source).no_tag("VolumeID");
    let plan = account(&source, std::slice::from_ref(&lacking)).offsite();
    caught(&plan, &account(&source, &[lacking.owner("999999999999")]), Rule::S1, &copy_to("snap-1", AWAY));
    let made = ours("snap-1", "vol-1", "2026-11-22", "2026-11-29").no_tag("DeviceName");
    let base = world(NOW).server("i-1", &[], "vol-1");
    let plan = base.clone().snapshot(made.clone()).create();
    caught(&plan, &base.snapshot(made.tag("Type", "Manual")), Rule::S1, &volume("vol-1"));
    let gone = world(NOW).snapshot(expired("snap-1", "vol-1").no_tag("Type"));
    let mark = Act::Mark { closed: Some(date("2026-11-22")) };
    let plan = plan_of(&gone, Job::Expire, [(region(HOME), snapshot("snap-1"), mark)]);
    caught(&plan, &gone, Rule::S1, &snapshot("snap-1"));
}

#[test]
fn s1_a_copy_of_what_is_not_completed_or_a_copy_itself() {
    let source = source("snap-1", "vol-1", AWAY);
    let plan = world(NOW).snapshot(source.clone()).offsite();
    let of_ec2 = |mut snap: Snap| {
        snap.0.volume_id = volume_id("vol-ffffffff");
        snap
    };
    for bad in [
        source.clone().pending(),
        source.clone().failed("internal error"),
        source.clone().tag("SourceSnapshotId", "snap-0").tag("VolumeID", "vol-1"),
        source.clone().tag("SourceSnapshotId", "?").tag("VolumeID", "vol-1"),
        of_ec2(source.clone()),
    ] {
        caught(&plan, &world(NOW).snapshot(bad), Rule::S1, &copy_to("snap-1", AWAY));
    }
}

#[test]
fn s2_a_delete_of_what_carries_keep_forever() {
    for key in ["KeepForever", "keepforever", " KEEPFOREVER "] {
        let pinned = expired("snap-1", "vol-1").tag(key, "No");
        let said = says(&living().snapshot(pinned.clone()), &["snap-1"]);
        assert_eq!(said, ["us-east-1 S2: snap-1 carries KeepForever"], "{key}");
        stays(&living().snapshot(pinned.failed("internal error")), "snap-1", Rule::S2, "KeepForever");
        let source = source("snap-1", "vol-1", AWAY);
        let removal = |source: &Snap| {
            world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", source)).region(HOME)
        };
        let plan = removal(&source).offsite();
        caught(&plan, &removal(&source.tag(key, "No")), Rule::S2, &source_of("snap-1"));
    }
}

/// A restore reads from it: for seven full days, and as long as nobody can say since when.
#[test]
fn s2_a_delete_of_what_is_in_use() {
    let using = |value: &str| living().snapshot(expired("snap-1", "vol-1").tag("snapwarden:in-use", value));
    for since in [
        "2026-11-22",
        "2026-11-16",
        "2026-11-15T04:00:01Z",
        "2026-11-21T10:00:00+02:00 vol-5",
        "2026-11-16 by hand",
        "2027-01-01",
        "since Monday",
        "20261101",
        "",
    ] {
        let said = says(&using(since), &["snap-1"]);
        assert_eq!(said, ["us-east-1 S2: snap-1 is in use: a restore reads from it"], "{since:?}");
    }
    for before in ["2026-11-15", "2026-11-15T04:00:00Z", "2026-11-14 by hand", "1969-12-31"] {
        may_go(&using(before), &["snap-1"]);
    }
    let source = source("snap-1", "vol-1", AWAY);
    let copied = |source: &Snap| {
        world(NOW)
            .snapshot(source.clone())
            .region(AWAY)
            .snapshot(copy("snap-c", &source.clone().no_tag("snapwarden:in-use")))
    };
    let plan = copied(&source).offsite();
    caught(&plan, &copied(&source.tag("snapwarden:in-use", "2026-11-22")), Rule::S2, &source_of("snap-1"));
}

/// Only what is completed counts for a volume, and only what is ours: another service's newer one is no reason to let ours go.
#[test]
fn s1_what_is_not_managed_speaks_for_nothing() {
    let good = |id: &str| ours(id, "vol-1", "2026-11-20", "2026-11-27");
    let alone = world(NOW).volume("vol-1", &[]).snapshot(expired("snap-1", "vol-1"));
    let others = [
        good("snap-2").tag("aws:dlm:managed", "true"),
        good("snap-2").tag("aws:backup:source-resource", "x"),
        good("snap-2").owner("999999999999"),
        good("snap-2").no_tag("Type"),
        good("snap-2").at("2026-11-10T03:05:00Z"),
        good("snap-2").pending(),
        good("snap-2").state(SnapshotState::Recovering),
        good("snap-2").failed("internal error"),
    ];
    for other in others {
        let said = says(&alone.clone().snapshot(other.clone()), &["snap-1"]);
        assert_eq!(said, ["us-east-1 S6: snap-1: it is the last good one here"], "{other:?}");
    }
    may_go(&alone.snapshot(good("snap-2")), &["snap-1"]);
}
