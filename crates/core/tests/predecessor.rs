//! What aws-ebs-snapshots-lambda and its forks got wrong: each defect, and what is right.

mod common;

use common::*;
use snapwarden_core::decision::{Act, Consistency, Problem, Reason};
use snapwarden_core::inventory::{Snapshot, SnapshotState};

/// A snapshot as EC2 answers it, tags in this order.
fn with_tags_in_order(pairs: Pairs<'_>) -> Snap {
    let snapshot = expired("snap-1", "vol-1");
    Snap(Snapshot { tags: tags(pairs), ..snapshot.0 })
}

#[test]
fn its_manager_let_the_last_tag_decide_here_keep_forever_counts_in_any_position_and_letter_case() {
    for key in ["KeepForever", "keepforever", "KEEPFOREVER", "keepForever"] {
        let mut pairs =
            vec![("Type", "Automated"), ("CreatedOn", "2026-11-01"), ("DeleteOn", "2026-11-08"), ("Name", "db")];
        pairs.push((key, "Yes"));
        for _ in 0..pairs.len() {
            pairs.rotate_left(1);
            let plan = world(NOW).volume("vol-1", &[]).snapshot(with_tags_in_order(&pairs)).expire();
            assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &Reason::KeepForever), "{pairs:?}");
        }
    }
}

#[test]
fn its_manager_deleted_on_the_very_day_only_here_what_is_overdue_by_many_days_is_due() {
    for (now, overdue_days) in
        [("2026-11-09T04:00:00Z", 1), ("2026-11-22T04:00:00Z", 14), ("2031-11-08T04:00:00Z", 1826)]
    {
        let newer = bare("snap-2", "vol-1").at(now).tag("Type", "Automated");
        let plan = world(now).volume("vol-1", &[]).snapshots([expired("snap-1", "vol-1"), newer]).expire();
        let (act, reason) = of_snapshot(&plan, "snap-1");
        assert_eq!(act, &Act::Delete { anchor: Some(snapshot_id("snap-2")), rests_on: Vec::new() });
        assert!(matches!(reason, Reason::Expired(expiry) if expiry.overdue_days == overdue_days), "{reason}");
    }
}

#[test]
fn its_creator_read_one_instance_of_each_reservation_here_every_instance_counts() {
    let base = (0..7).fold(world(NOW), |world, n| world.server(&format!("i-{n}"), &[], &format!("vol-{n}")));
    let plan = base.create();
    assert_eq!(plan.groups.len(), 7);
    assert_eq!(plan.decisions.iter().filter(|decision| matches!(decision.act, Act::Create { .. })).count(), 7);
}

#[test]
fn its_creator_let_tags_pile_up_here_no_tag_of_one_volume_stands_on_anothers_snapshot() {
    let disks = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2"), ("/dev/sdg", "vol-3")];
    let plan = world(NOW)
        .volume("vol-1", &[("Team", "one"), ("Only", "1")])
        .volume("vol-2", &[("Team", "two")])
        .instance("i-1", &[("Backup", "Yes"), ("Name", "db")], &disks)
        .create();
    let late = |pairs: Pairs<'_>| Act::Create { late_tags: tags(pairs) };
    let one = late(&[("DeviceName", "/dev/xvda"), ("Only", "1"), ("Team", "one")]);
    assert_eq!(of_volume(&plan, "vol-1").0, &one);
    assert_eq!(of_volume(&plan, "vol-2").0, &late(&[("DeviceName", "/dev/sdf"), ("Team", "two")]));
    assert_eq!(of_volume(&plan, "vol-3").0, &late(&[("DeviceName", "/dev/sdg")]));
    assert_eq!(plan.groups[0].consistency, Consistency::Set);
    for key in ["Team", "Only", "DeviceName", "VolumeID"] {
        assert!(!plan.groups[0].tags.has(key), "{key} is of one volume");
    }
}

#[test]
fn its_creator_died_of_one_bad_tag_here_one_unreadable_tag_does_not_stop_the_plan() {
    let plan = world(NOW)
        .server("i-1", &[("RetentionDays", "7 days"), ("BackupSchedule", "x"), ("OffsiteMode", "y")], "vol-1")
        .server("i-2", &[], "vol-2")
        .create();
    assert_eq!(plan.groups.len(), 2);
    assert_eq!(problems(&plan, "i-1").len(), 3);
    assert!(problems(&plan, "i-2").is_empty());
}

#[test]
fn its_manager_died_of_one_bad_tag_here_the_others_still_expire() {
    let bad = expired("snap-1", "vol-2").tag("DeleteOn", "soon").tag("CreatedOn", "?");
    let newer = ours("snap-3", "vol-2", "2026-11-21", "2026-11-28");
    let plan = world(NOW).volume("vol-2", &[]).snapshots([bad, expired("snap-2", "vol-2"), newer]).expire();
    assert_eq!(deleted(&plan), ["snap-2"]);
    assert_eq!(problems(&plan, "snap-1"), [Problem::DeleteOnUnreadable { value: Some("soon".to_owned()) }]);
}

#[test]
fn its_copier_copied_pending_snapshots_here_none_is_ever_copied() {
    for state in [SnapshotState::Pending, SnapshotState::Error, SnapshotState::Recovering, SnapshotState::Unfamiliar] {
        let plan = world(NOW).snapshot(source("snap-1", "vol-1", AWAY).state(state)).offsite();
        assert!(plan.decisions.is_empty(), "{state:?}");
    }
}

#[test]
fn its_offsiter_tagged_the_copy_in_a_second_call_here_a_copy_is_born_with_its_tags() {
    let plan = world(NOW).snapshot(source("snap-1", "vol-1", AWAY)).offsite();
    let Act::Copy { tags, .. } = of_copy(&plan, "snap-1", AWAY).0 else { panic!("no copy") };
    for key in ["Type", "CreatedOn", "DeleteOn", "SourceSnapshotId", "SourceRegion", "SourceStartTime", "VolumeID"] {
        assert!(tags.has(key), "{key}");
    }
}

#[test]
fn its_offsiter_noted_the_copy_when_it_started_here_a_bare_offsite_snapshot_id_proves_nothing() {
    for mode in ["Move", "KeepLatest", "Copy"] {
        let noted = source("snap-1", "vol-1", AWAY).tag("OffsiteMode", mode).tag("OffsiteSnapshotId", "snap-c");
        let plan = world(NOW).snapshot(noted.clone()).offsite();
        assert_eq!(of_copy(&plan, "snap-1", AWAY).1, &Reason::NoCopy, "{mode}");
        assert!(deleted(&plan).is_empty(), "{mode}");
        let failed = copy("snap-c", &noted).failed("KMS");
        let plan = world(NOW).snapshot(noted).region(AWAY).snapshot(failed).offsite();
        assert!(matches!(of_copy(&plan, "snap-1", AWAY).1, Reason::RetryCopy { .. }), "{mode}");
        assert!(deleted(&plan).is_empty(), "{mode}");
    }
}

#[test]
fn its_offsiter_left_copies_without_our_four_tags_here_their_volume_is_the_one_that_they_name() {
    // The fork's copies carry SourceSnapshotId and VolumeID only.
    let old = expired("snap-c", "vol-ffffffff").tag("SourceSnapshotId", "snap-1").tag("VolumeID", "vol-1");
    let plan = world(NOW).volume("vol-1", &[]).region(AWAY).snapshot(old).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &Reason::NewestData { volume: volume_id("vol-1") }));
}

#[test]
fn its_stacks_created_on_was_the_day_of_deletion_and_such_a_snapshot_is_ours_all_the_same() {
    let odd = ours("snap-1", "vol-1", "2026-11-01", "2026-11-08").tag("CreatedOn", "2026-11-08");
    let newer = ours("snap-2", "vol-1", "2026-11-21", "2026-11-28");
    let plan = world(NOW).volume("vol-1", &[]).snapshots([odd, newer]).expire();
    assert_eq!(deleted(&plan), ["snap-1"], "its date alone decides");
}
