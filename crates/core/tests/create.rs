//! The creator's table, row by row, and the sentences beside it; and what docs/tags.md says of an instance's tags.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::*;
use snapwarden_core::decision::{Act, Consistency, Coverage, CreateGroup, Plan, Problem, Reason, Subject};
use snapwarden_core::inventory::{Device, InstanceState, SnapshotState};
use snapwarden_core::policy::{Config, RefusedWhy, SlotChoice};

fn due_for(consistency: Consistency) -> Reason {
    Reason::SlotDue { slot: slot(SLOT), late_hours: None, newest: None, consistency, kept_here_for: None }
}

fn late(device: &str) -> Act {
    Act::Create { late_tags: tags(&[("DeviceName", device)]) }
}

fn done(id: &str, place: &str) -> Reason {
    Reason::AlreadyDone { slot: slot(SLOT), snapshot: snapshot_id(id), region: region(place) }
}

/// One of ours of this slot.
fn of_slot(id: &str, volume: &str) -> Snap {
    ours(id, volume, "2026-11-22", "2026-11-29")
}

fn group<'p>(plan: &'p Plan, instance: &str) -> &'p CreateGroup {
    plan.groups.iter().find(|group| group.instance.as_str() == instance).unwrap()
}

fn volumes_of(group: &CreateGroup) -> Vec<&str> {
    group.volumes.iter().map(|volume| volume.as_str()).collect()
}

fn two_volumes() -> World {
    world(NOW).instance("i-1", &[("Backup", "Yes")], &[("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2")])
}

// Which instances.

#[test]
fn a_newly_tagged_instance_is_backed_up_at_the_next_look() {
    let plan = world(NOW).server("i-1", &[], "vol-1").create();
    assert_eq!(of_volume(&plan, "vol-1"), (&late("/dev/xvda"), &due_for(Consistency::OneVolume)));
    assert!(plan.findings.is_empty());
}

#[test]
fn a_stopped_instance_counts_and_one_that_is_going_or_gone_does_not() {
    let counts = [
        (InstanceState::Pending, 1),
        (InstanceState::Running, 1),
        (InstanceState::Stopping, 1),
        (InstanceState::Stopped, 1),
        (InstanceState::ShuttingDown, 0),
        (InstanceState::Terminated, 0),
    ];
    for (state, count) in counts {
        let plan = world(NOW).server("i-1", &[], "vol-1").with_instance("i-1", |i| i.state = state).create();
        assert_eq!(plan.decisions.len(), count, "{state:?}");
    }
}

#[test]
fn an_instance_tagged_no_or_not_at_all_is_left_alone_without_a_finding() {
    let other = world(NOW).server("i-9", &[], "vol-9");
    for tagged in [&[][..], &[("Backup", "No")], &[("Backup", " nO ")], &[("backup", "daily")]] {
        let plan = other.clone().instance("i-1", tagged, &[("/dev/xvda", "vol-1")]).create();
        assert_eq!(plan.decisions.len(), 1, "{tagged:?}");
        assert!(plan.findings.is_empty(), "{tagged:?}");
    }
}

#[test]
fn anything_else_in_backup_does_not_select_and_a_finding_says_so() {
    let plan = world(NOW).instance("i-1", &[("Backup", "nightly")], &[("/dev/xvda", "vol-1")]).create();
    assert!(plan.decisions.is_empty());
    assert_eq!(problems(&plan, "i-1"), [Problem::BackupUnreadable { value: "nightly".to_owned() }]);
    assert_eq!(
        problems(&plan, "i-1")[0].to_string(),
        "Backup=\"nightly\" does not select it. Tag it Yes to back it up, or take the tag away: then what there is stays. \
         With No all that there is of its volumes ends after some weeks"
    );
}

#[test]
fn a_run_that_selects_nothing_says_so() {
    let plan = world(NOW).create();
    assert_eq!(problems(&plan, HOME), [Problem::NothingSelected { regions: vec![region(HOME)] }]);
    let plan = world(NOW).instances_gap().create();
    assert!(matches!(&problems(&plan, HOME)[..], [Problem::NotRead { what, .. }] if what == "instances"));
}

// The rows.

#[test]
fn a_volume_tagged_no_is_skipped() {
    let plan = world(NOW).volume("vol-1", &[("Backup", " no")]).server("i-1", &[], "vol-1").create();
    assert_eq!(of_volume(&plan, "vol-1"), (&Act::Skip, &Reason::ExcludedByTag));
    assert!(plan.groups.is_empty());
}

#[test]
fn yes_on_a_volume_changes_nothing_and_anything_else_is_a_finding_and_does_not_leave_it_out() {
    let plan = world(NOW).volume("vol-1", &[("Backup", "Yes")]).server("i-1", &[], "vol-1").create();
    assert_eq!(of_volume(&plan, "vol-1").1, &due_for(Consistency::OneVolume));
    assert!(plan.findings.is_empty());
    let plan = world(NOW).volume("vol-1", &[("Backup", "never")]).server("i-1", &[], "vol-1").create();
    assert_eq!(of_volume(&plan, "vol-1").1, &due_for(Consistency::OneVolume));
    assert_eq!(problems(&plan, "vol-1"), [Problem::VolumeBackupUnreadable { value: "never".to_owned() }]);
}

#[test]
fn a_device_that_is_no_ebs_volume_is_skipped() {
    let plan = world(NOW).instance("i-1", &[("Backup", "Yes")], &[("/dev/xvda", "vol-1"), ("/dev/sdb", "")]).create();
    let subject = Subject::Device("i-1".parse().unwrap(), "/dev/sdb".to_owned());
    assert_eq!((&decision(&plan, &subject).act, &decision(&plan, &subject).reason), (&Act::Skip, &Reason::NotEbs));
    assert_eq!(group(&plan, "i-1").consistency, Consistency::OneVolume);
}

#[test]
fn backup_no_comes_before_everything_that_was_made() {
    let plan = world(NOW)
        .volume("vol-1", &[("Backup", "No")])
        .server("i-1", &[], "vol-1")
        .snapshot(of_slot("snap-1", "vol-1").no_tag("DeviceName"))
        .create();
    assert_eq!(of_volume(&plan, "vol-1"), (&Act::Skip, &Reason::ExcludedByTag));
}

#[test]
fn one_of_this_slot_without_device_name_gets_its_late_tags() {
    let plan = world(NOW)
        .volume("vol-1", &[("CostCenter", "7"), ("Team", "db")])
        .server("i-1", &[], "vol-1")
        .snapshot(of_slot("snap-1", "vol-1").no_tag("DeviceName").tag("Team", "edited").pending())
        .create();
    let wanted = Act::AddTags {
        region: region(HOME),
        snapshot: target("snap-1"),
        tags: tags(&[("CostCenter", "7"), ("DeviceName", "/dev/xvda")]),
    };
    let reason = Reason::LateTags { slot: slot(SLOT), snapshot: snapshot_id("snap-1") };
    assert_eq!(of_volume(&plan, "vol-1"), (&wanted, &reason));
    assert_eq!(
        reason.to_string(),
        "snap-1 of slot 2026-11-22T03:00Z lacks DeviceName: the run that made it stopped before its late tags"
    );
}

#[test]
fn an_older_slots_snapshot_or_a_copy_without_device_name_is_not_repaired_here() {
    let plan = world(NOW)
        .server("i-1", &[], "vol-1")
        .snapshot(ours("snap-1", "vol-1", "2026-11-21", "2026-11-28").no_tag("DeviceName"))
        .create();
    assert!(matches!(of_volume(&plan, "vol-1").0, Act::Create { .. }));
    let made = of_slot("snap-1", "vol-1").no_tag("DeviceName");
    let plan = world(NOW)
        .server("i-1", &[("DestinationRegion", AWAY)], "vol-1")
        .region(AWAY)
        .snapshot(copy("snap-c", &made))
        .create();
    assert_eq!(of_volume(&plan, "vol-1"), (&Act::Skip, &done("snap-c", AWAY)));
}

#[test]
fn a_pending_or_completed_one_of_this_slot_is_the_slots_work_done() {
    for state in [SnapshotState::Pending, SnapshotState::Completed] {
        let plan = world(NOW).server("i-1", &[], "vol-1").snapshot(of_slot("snap-1", "vol-1").state(state)).create();
        assert_eq!(of_volume(&plan, "vol-1"), (&Act::Skip, &done("snap-1", HOME)), "{state:?}");
    }
    assert_eq!(done("snap-1", HOME).to_string(), "slot 2026-11-22T03:00Z is done: snap-1 in us-east-1");
}

#[test]
fn under_move_a_copy_of_one_in_a_destination_is_the_slots_work_done() {
    let made = of_slot("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    for state in [SnapshotState::Pending, SnapshotState::Completed] {
        let plan = world(NOW)
            .server("i-1", &[("DestinationRegion", AWAY)], "vol-1")
            .region(AWAY)
            .snapshot(copy("snap-c", &made).state(state))
            .create();
        assert_eq!(of_volume(&plan, "vol-1"), (&Act::Skip, &done("snap-c", AWAY)), "{state:?}");
    }
}

#[test]
fn what_another_service_or_another_account_made_is_not_our_slots_work() {
    let others = [
        of_slot("snap-1", "vol-1").owner("999999999999"),
        of_slot("snap-1", "vol-1").tag("aws:backup:source-resource", "x"),
        of_slot("snap-1", "vol-1").tag("Type", "Manual"),
        of_slot("snap-1", "vol-1").failed("internal error"),
    ];
    for other in others {
        let plan = world(NOW).server("i-1", &[], "vol-1").snapshot(other.clone()).create();
        assert!(matches!(of_volume(&plan, "vol-1").0, Act::Create { .. }), "{other:?}", other = other.0);
    }
}

#[test]
fn two_snapshots_of_one_slot_are_a_finding_and_a_source_and_its_copy_count_once() {
    let (one, two) = (of_slot("snap-1", "vol-1"), of_slot("snap-2", "vol-1"));
    let base = world(NOW).server("i-1", &[("DestinationRegion", AWAY)], "vol-1").snapshot(one.clone());
    let plan = base.clone().region(AWAY).snapshot(copy("snap-c1", &one)).create();
    assert!(plan.findings.is_empty());
    let plan = base.snapshot(two).create();
    assert_eq!(of_volume(&plan, "vol-1"), (&Act::Skip, &done("snap-1", HOME)));
    let snapshots = vec![snapshot_id("snap-1"), snapshot_id("snap-2")];
    assert_eq!(problems(&plan, "vol-1"), [Problem::TwoOfOneSlot { slot: slot(SLOT), snapshots }]);
}

#[test]
fn under_move_with_an_unread_destination_a_young_slot_is_made_and_stays_here_as_keep_latest() {
    let plan = world("2026-11-22T03:59:59Z")
        .server("i-1", &[("DestinationRegion", AWAY)], "vol-1")
        .region(AWAY)
        .snapshots_gap()
        .create();
    let reason = Reason::SlotDue {
        slot: slot(SLOT),
        late_hours: None,
        newest: None,
        consistency: Consistency::OneVolume,
        kept_here_for: Some(region(AWAY)),
    };
    assert_eq!(of_volume(&plan, "vol-1"), (&late("/dev/xvda"), &reason));
    assert_eq!(group(&plan, "i-1").tags.get("OffsiteMode"), Some("KeepLatest"));
    assert_eq!(problems(&plan, "vol-1"), [Problem::DestinationUnread { destination: region(AWAY) }]);
    assert_eq!(
        reason.to_string(),
        "slot 2026-11-22T03:00Z; no older one was read; one volume; stays here as KeepLatest, since eu-west-1 \
         cannot be read now"
    );
}

#[test]
fn under_move_an_unread_destination_stops_no_backup_however_old_the_slot_is() {
    for now in [NOW, "2026-11-23T02:59:59Z"] {
        let plan = world(now).server("i-1", &[("DestinationRegion", AWAY)], "vol-1").unread(AWAY).create();
        let (act, reason) = of_volume(&plan, "vol-1");
        assert_eq!(act, &late("/dev/xvda"), "{now}");
        assert!(reason.to_string().ends_with("stays here as KeepLatest, since eu-west-1 cannot be read now"), "{now}");
        assert_eq!(group(&plan, "i-1").tags.get("OffsiteMode"), Some("KeepLatest"), "{now}");
        assert_eq!(problems(&plan, "vol-1"), [Problem::DestinationUnread { destination: region(AWAY) }], "{now}");
    }
}

#[test]
fn only_under_move_does_an_unread_destination_matter_to_the_creator() {
    for mode in ["KeepLatest", "Copy", "mirror"] {
        let tagged = [("DestinationRegion", AWAY), ("OffsiteMode", mode)];
        let plan = world(NOW).server("i-1", &tagged, "vol-1").unread(AWAY).create();
        assert!(matches!(of_volume(&plan, "vol-1").0, Act::Create { .. }), "{mode}");
        assert!(problems(&plan, "vol-1").is_empty(), "{mode}");
    }
}

/// The account once snapshots of this slot have failed that were begun at these times.
fn failed_at(times: &[&str]) -> World {
    let failed = |(n, at): (usize, &&str)| of_slot(&format!("snap-{n}"), "vol-1").failed("internal error").at(at);
    world(NOW).server("i-1", &[], "vol-1").snapshots(times.iter().enumerate().map(failed))
}

#[test]
fn after_three_errored_ones_of_this_slot_the_tries_come_further_apart() {
    let at = |minutes: &[u32]| -> Vec<String> {
        minutes.iter().map(|minute| format!("2026-11-22T{:02}:{:02}:00Z", 3 + minute / 60, minute % 60)).collect()
    };
    let after = |minutes: &[u32]| failed_at(&at(minutes).iter().map(String::as_str).collect::<Vec<_>>());
    let two = after(&[0, 15]).create();
    assert_eq!(of_volume(&two, "vol-1"), (&late("/dev/xvda"), &due_for(Consistency::FailedBefore)));
    // An hour, then as long again as since the first one; where the manager has deleted those in between, the same.
    let tries: [(&[u32], &str); 5] = [
        (&[0, 15, 30], "2026-11-22T04:30:00Z"),
        (&[0, 15, 30, 90], "2026-11-22T06:00:00Z"),
        (&[0, 90], "2026-11-22T06:00:00Z"),
        (&[0, 180], "2026-11-22T09:00:00Z"),
        (&[0, 15, 30, 90, 180], "2026-11-22T09:00:00Z"),
    ];
    for (minutes, retry_at) in tries {
        let plan = after(minutes).create();
        let reason = Reason::FailingVolume { slot: slot(SLOT), failed: minutes.len(), retry_at: time(retry_at) };
        assert_eq!(of_volume(&plan, "vol-1"), (&Act::Wait, &reason));
        assert_eq!(problems(&plan, "vol-1"), [Problem::FailingVolume { failed: minutes.len() }]);
    }
    let plan = after(&[0, 15, 30]).later("2026-11-22T04:30:00Z").create();
    assert_eq!(of_volume(&plan, "vol-1"), (&late("/dev/xvda"), &due_for(Consistency::FailedBefore)));
    assert_eq!(problems(&plan, "vol-1"), [Problem::FailingVolume { failed: 3 }], "it is said until one completes");
    let alone =
        failed_at(&["2026-11-22T03:30:00Z"]).with_volume("vol-1", |volume| volume.volume_type = "st1".to_owned());
    assert_eq!(problems(&alone.create(), "vol-1"), [Problem::FailingVolume { failed: 1 }], "its limit is one");
    let reason = Reason::FailingVolume { slot: slot(SLOT), failed: 3, retry_at: time("2026-11-22T04:30:00Z") };
    let words = "3 snapshots of slot 2026-11-22T03:00Z failed; tried again after 2026-11-22T04:30Z";
    assert_eq!(reason.to_string(), words);
}

#[test]
fn a_volume_with_five_pending_or_errored_ones_waits_it_alone() {
    let others = |n: usize| {
        let pending = (1..n).map(|n| bare(&format!("snap-{n}"), "vol-1").pending());
        pending.chain([bare("snap-e", "vol-1").failed("internal error")]).collect::<Vec<_>>()
    };
    let four = two_volumes().snapshots(others(4)).create();
    assert_eq!(of_volume(&four, "vol-1").1, &due_for(Consistency::Set));
    let plan = two_volumes().snapshots(others(5)).create();
    let reason = Reason::PendingLimit { pending: 5, limit: 5 };
    assert_eq!(of_volume(&plan, "vol-1"), (&Act::Wait, &reason));
    assert_eq!(of_volume(&plan, "vol-2"), (&late("/dev/sdf"), &due_for(Consistency::OneVolume)));
    assert_eq!(reason.to_string(), "5 pending or failed snapshots of a limit of 5; it waits until they are fewer");
}

#[test]
fn a_throughput_or_cold_volume_takes_one_pending_snapshot() {
    for kind in ["st1", "sc1"] {
        let plan = world(NOW)
            .server("i-1", &[], "vol-1")
            .with_volume("vol-1", |v| v.volume_type = kind.to_owned())
            .snapshot(bare("snap-1", "vol-1").pending())
            .create();
        let reason = Reason::PendingLimit { pending: 1, limit: 1 };
        assert_eq!(of_volume(&plan, "vol-1"), (&Act::Wait, &reason), "{kind}");
    }
}

#[test]
fn a_volume_of_several_selected_instances_belongs_to_the_longest_retention() {
    let plan = world(NOW)
        .server("i-1", &[("RetentionDays", "7")], "vol-s")
        .server("i-2", &[("RetentionDays", "30")], "vol-s")
        .instance("i-3", &[("RetentionDays", "900")], &[("/dev/xvda", "vol-s")])
        .create();
    let about = &decision(&plan, &Subject::Volume(volume_id("vol-s"))).about;
    assert_eq!(about.instance.as_ref().unwrap().as_str(), "i-2");
    assert_eq!(plan.groups.len(), 1);
    // One that is not selected makes no snapshots, and what its tags say of retention counts.
    assert_eq!(group(&plan, "i-2").tags.get("snapwarden:retention"), Some("days=900"));
    assert_eq!(group(&plan, "i-2").tags.get("DeleteOn"), Some("2029-05-10"));
}

#[test]
fn of_a_volume_of_several_selected_instances_the_slots_of_all_are_done() {
    let at = |now: &str| {
        world(now)
            .server("i-1", &[("BackupSchedule", "daily 03:00"), ("RetentionDays", "30")], "vol-s")
            .server("i-2", &[("BackupSchedule", "daily 15:00")], "vol-s")
            .create()
    };
    for (now, slot, instance) in [
        ("2026-11-22T14:59:00Z", "2026-11-22T03:00Z", "i-1"),
        ("2026-11-22T15:01:00Z", "2026-11-22T15:00Z", "i-2"),
        ("2026-11-23T03:01:00Z", "2026-11-23T03:00Z", "i-1"),
    ] {
        let plan = at(now);
        let group = &plan.groups[0];
        assert_eq!((group.slot.to_string().as_str(), group.instance.as_str()), (slot, instance));
        assert_eq!(group.tags.get("snapwarden:retention"), Some("days=30"), "the longest of all");
    }
}

#[test]
fn what_was_begun_before_its_slot_is_not_of_it() {
    let made = |start: &str| {
        let early = ours("snap-1", "vol-1", "2026-11-22", "2026-11-29").at(start);
        let plan = world("2026-11-22T04:00:00Z").server("i-1", &[], "vol-1").snapshot(early).create();
        of_volume(&plan, "vol-1").0.is_change()
    };
    assert!(made("2026-11-21T04:00:00Z"), "a clock was a day ahead");
    assert!(made("2026-11-22T02:49:59Z"));
    assert!(!made("2026-11-22T02:50:00Z"), "EC2's parts do not agree to the second");
}

#[test]
fn an_instance_in_an_unfamiliar_state_is_backed_up() {
    let world = world(NOW).server("i-1", &[], "vol-1");
    let world = world.with_instance("i-1", |instance| instance.state = InstanceState::Unfamiliar);
    assert_eq!(world.create().groups.len(), 1);
}

#[test]
fn volumes_that_were_left_out_on_purpose_are_not_missed() {
    let moved = |tags: &[(&str, &str)], holder: Option<&[(&str, &str)]>| {
        let world = world(NOW).volume("vol-1", tags).snapshot(ours("snap-1", "vol-1", "2026-11-20", "2026-11-27"));
        let world = match holder {
            Some(tags) => world.instance("i-1", tags, &[("/dev/xvda", "vol-1")]),
            None => world,
        };
        let plan = world.server("i-2", &[], "vol-2").create();
        problems(&plan, HOME)
    };
    let until = date("2026-11-20");
    let ended = [Problem::BackupEnded { volumes: 1, example: volume_id("vol-1"), until }];
    assert_eq!(moved(&[], None), ended);
    assert_eq!(moved(&[], Some(&[])), ended);
    assert_eq!(moved(&[("Backup", "No")], None), []);
    assert_eq!(moved(&[], Some(&[("Backup", "No")])), []);
    let two = world(NOW)
        .instance("i-1", &[("Backup", "No")], &[("/dev/xvda", "vol-1")])
        .instance("i-3", &[], &[("/dev/xvda", "vol-1")])
        .snapshot(ours("snap-1", "vol-1", "2026-11-20", "2026-11-27"));
    assert_eq!(problems(&two.server("i-2", &[], "vol-2").create(), HOME), ended, "one of two did not say so");
    assert_eq!(moved(&[], Some(&[("Backup", "Yes")])), []);
}

#[test]
fn what_another_instance_asks_for_touches_the_shared_volume_alone_and_where_to_copy_only_if_it_is_backed_up() {
    let asks = [("RetentionDays", "3650"), ("DestinationRegion", AWAY)];
    let plan = |other: Pairs<'_>| {
        let world = world(NOW).instance(
            "i-1",
            &[("Backup", "Yes")],
            &[("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-s"), ("/dev/sdg", "vol-2")],
        );
        world.instance("i-9", other, &[("/dev/xvda", "vol-s")]).region(AWAY).create()
    };
    let tags = |plan: &Plan, volume: &str, key: &str| {
        let group = plan.groups.iter().find(|group| group.volumes.contains(&volume_id(volume))).unwrap();
        group.tags.get(key).map(str::to_owned)
    };
    let of = |plan: &Plan, volume: &str| {
        ["snapwarden:retention", "DestinationRegion", "snapwarden:consistency"].map(|key| tags(plan, volume, key))
    };
    let text = |texts: [&str; 3]| texts.map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
    let unselected = plan(&asks);
    assert_eq!(
        of(&unselected, "vol-s"),
        text(["days=3650", "", "volume"]),
        "it is not backed up, so it names no destination"
    );
    for volume in ["vol-1", "vol-2"] {
        assert_eq!(of(&unselected, volume), text(["days=7", "", "set"]), "{volume} hangs on i-1 alone");
    }
    let both = plan(&[&[("Backup", "Yes"), ("BackupSchedule", "weekly sun 03:00")], &asks[..]].concat());
    assert_eq!(of(&both, "vol-s"), text(["days=3650", AWAY, "volume"]));
    assert_eq!(of(&both, "vol-1"), text(["days=7", "", "set"]));
    let typo = plan(&[("Backup", "No"), ("RetentionDays", "7d")]);
    assert!(matches!(problems(&typo, "i-9")[..], [Problem::RetentionUnreadable { .. }]), "nobody else says so");
}

#[test]
fn of_two_instances_the_destination_of_either_that_cannot_be_read_keeps_the_newest_here() {
    let plan = world(NOW)
        .server("i-1", &[], "vol-s")
        .server("i-2", &[("DestinationRegion", AWAY)], "vol-s")
        .unread(AWAY)
        .create();
    assert_eq!(group(&plan, "i-1").tags.get("OffsiteMode"), Some("KeepLatest"));
    let (_, reason) = of_volume(&plan, "vol-s");
    assert!(matches!(reason, Reason::SlotDue { kept_here_for: Some(_), .. }), "{reason}");
    assert_eq!(problems(&plan, "vol-s"), [Problem::DestinationUnread { destination: region(AWAY) }]);
}

/// The record, the day, the destinations and the mode that a snapshot of `vol-s` is born with.
fn born(plan: &Plan) -> [Option<&str>; 4] {
    assert_eq!(plan.groups.len(), 1);
    ["snapwarden:retention", "DeleteOn", "DestinationRegion", "OffsiteMode"].map(|key| plan.groups[0].tags.get(key))
}

#[test]
fn of_several_instances_the_greater_of_each_number_is_recorded() {
    let base = world(NOW)
        .server("i-1", &[("RetentionDays", "7"), ("RetentionWeeks", "8"), ("KeepLast", "2")], "vol-s")
        .server("i-2", &[("RetentionDays", "10"), ("RetentionWeeks", "4"), ("RetentionMonths", "3")], "vol-s");
    let merged = [Some("days=10 weeks=8 months=3 last=2"), Some("2026-12-02"), None, None];
    assert_eq!(born(&base.create()), merged);
    // The zone is that of the longest retention, whose slot it may be.
    let zoned = base.with_instance("i-2", |one| one.tags.set("BackupSchedule", "daily 03:00 Europe/Berlin"));
    let merged = [Some("days=10 weeks=8 months=3 last=2 zone=Europe/Berlin"), Some("2026-12-02"), None, None];
    assert_eq!(born(&zoned.create()), merged);
}

#[test]
fn where_one_of_several_has_days_for_copies_the_others_own_days_stand_for_their_copies() {
    let plan = world(NOW)
        .server(
            "i-1",
            &[("RetentionDays", "7"), ("DestinationRetentionDays", "20"), ("DestinationKeepLast", "1")],
            "vol-s",
        )
        .server("i-2", &[("RetentionDays", "30"), ("RetentionYears", "2")], "vol-s")
        .create();
    assert_eq!(born(&plan)[0], Some("days=30 years=2 copies: days=30 years=2 last=1"));
}

#[test]
fn of_several_instances_all_destinations_count_and_copy_if_any_says_so() {
    let of = |first: Pairs<'_>, second: Pairs<'_>| {
        let world = world(NOW).server("i-1", first, "vol-s").server("i-2", second, "vol-s");
        let plan = world.create();
        let [.., destinations, mode] = born(&plan);
        (destinations.unwrap_or("-").to_owned(), mode.unwrap_or("-").to_owned())
    };
    let pair = |destinations: &str, mode: &str| (destinations.to_owned(), mode.to_owned());
    let away = ("DestinationRegion", "eu-west-1");
    let both = ("DestinationRegion", "us-west-2, eu-west-1");
    assert_eq!(of(&[away], &[both]), pair("eu-west-1 us-west-2", "-"));
    assert_eq!(of(&[], &[away]), pair("eu-west-1", "-"));
    assert_eq!(of(&[away, ("OffsiteMode", "Copy")], &[away]), pair("eu-west-1", "Copy"));
    assert_eq!(of(&[away], &[away, ("OffsiteMode", "copy")]), pair("eu-west-1", "Copy"));
    assert_eq!(
        of(&[away, ("OffsiteMode", "KeepLatest")], &[away, ("OffsiteMode", "Move")]),
        pair("eu-west-1", "KeepLatest")
    );
    assert_eq!(of(&[away], &[away, ("OffsiteMode", "mirror")]), pair("eu-west-1", "Copy"), "in doubt it stays");
}

#[test]
fn what_is_mistyped_on_one_of_several_instances_is_recorded_for_the_volume() {
    let plan = world(NOW)
        .server("i-1", &[("RetentionDays", "7")], "vol-s")
        .server("i-2", &[("RetentionMonths", "24 months")], "vol-s")
        .create();
    assert_eq!(born(&plan)[..2], [Some("days=744 mistyped"), Some("2028-12-05")]);
}

#[test]
fn plain_days_are_recorded_too_those_of_the_configuration_as_well() {
    let record = |tagged: Pairs<'_>, config: &Config| {
        let plan = world(NOW).server("i-1", tagged, "vol-1").create_with(config);
        group(&plan, "i-1").tags.get("snapwarden:retention").unwrap().to_owned()
    };
    assert_eq!(record(&[], &Config::default()), "days=7");
    assert_eq!(record(&[("RetentionDays", "30")], &Config::default()), "days=30");
    assert_eq!(record(&[], &Config { retention_days: 14, ..Config::default() }), "days=14");
    let zoned = [("BackupSchedule", "daily 03:00 Europe/Berlin"), ("RetentionWeeks", "4")];
    assert_eq!(record(&zoned, &Config::default()), "days=7 weeks=4 zone=Europe/Berlin");
}

/// Case a5, and more units.
#[test]
fn a_mistyped_retention_is_never_sooner_than_what_was_most_likely_meant() {
    let born = |key: &str, value: &str| {
        let plan = world(NOW).server("i-1", &[(key, value)], "vol-1").create();
        let tags = &group(&plan, "i-1").tags;
        (tags.get("DeleteOn").unwrap().to_owned(), tags.get("snapwarden:retention").unwrap().to_owned())
    };
    for (key, value, delete_on, record) in [
        ("RetentionDays", "99999", "2126-10-29", "days=36500 mistyped"),
        ("RetentionDays", "36501", "2126-10-29", "days=36500 mistyped"),
        ("RetentionDays", "3650d", "2036-11-19", "days=3650 mistyped"),
        ("RetentionDays", "10y", "2036-11-29", "days=3660 mistyped"),
        ("RetentionDays", "730 days", "2028-11-21", "days=730 mistyped"),
        ("RetentionDays", "104 weeks", "2028-11-19", "days=728 mistyped"),
        ("RetentionDays", "24 months", "2028-12-05", "days=744 mistyped"),
        ("RetentionDays", "two weeks", "2027-11-22", "days=365 mistyped"),
        ("RetentionDays", "30 ", "2026-12-22", "days=30"),
        ("RetentionWeeks", "104w", "2028-11-19", "days=728 mistyped"),
        ("RetentionYears", "10 years", "2036-11-29", "days=3660 mistyped"),
        ("KeepLast", "5000", "2027-11-22", "days=365 mistyped"),
    ] {
        assert_eq!(born(key, value), (delete_on.to_owned(), record.to_owned()), "{key}={value}");
    }
    // Where the tags of copies cannot be read, what they say of sources still counts, and copies are kept as long.
    let (delete_on, record) = born("DestinationRetentionMonths", "12m");
    assert_eq!((delete_on.as_str(), record.as_str()), ("2027-11-29", "days=372 mistyped copies: days=372"));
}

#[test]
fn of_equal_retentions_the_first_id_owns_and_the_others_leave_the_volume_out_of_their_set() {
    let disks = [("/dev/xvda", "vol-a"), ("/dev/sdf", "vol-b"), ("/dev/sdg", "vol-s")];
    let plan = world(NOW)
        .instance("i-2", &[("Backup", "Yes")], &disks)
        .instance("i-1", &[("Backup", "Yes")], &[("/dev/xvda", "vol-c"), ("/dev/sdf", "vol-s")])
        .create();
    assert_eq!(volumes_of(group(&plan, "i-1")), ["vol-s", "vol-c"]);
    let second = group(&plan, "i-2");
    assert_eq!((volumes_of(second), &second.exclude_data), (vec!["vol-b", "vol-a"], &vec![volume_id("vol-s")]));
    assert_eq!(second.consistency, Consistency::Set);
}

// What could not be read.

#[test]
fn where_the_regions_snapshots_are_not_all_read_what_is_not_seen_done_waits() {
    let plan = two_volumes().snapshot(of_slot("snap-1", "vol-1")).snapshots_gap().create();
    assert_eq!(of_volume(&plan, "vol-1"), (&Act::Skip, &done("snap-1", HOME)));
    assert_eq!(of_volume(&plan, "vol-2"), (&Act::Wait, &Reason::SnapshotsUnread));
    assert!(plan.groups.is_empty());
    assert!(matches!(&problems(&plan, HOME)[..], [Problem::NotRead { what, .. }] if what == "snapshots"));
}

#[test]
fn an_attached_volume_that_is_not_listed_waits_it_alone() {
    let lacking = two_volumes().without_volume("vol-2");
    for (plan, finding) in
        [(lacking.clone().create(), vec![Problem::VolumeUnread]), (lacking.volumes_gap().create(), vec![])]
    {
        assert_eq!(of_volume(&plan, "vol-1").1, &due_for(Consistency::OneVolume));
        assert_eq!(of_volume(&plan, "vol-2"), (&Act::Wait, &Reason::VolumeUnread));
        assert_eq!(problems(&plan, "vol-2"), finding, "a list that broke off is said once, not for each volume");
    }
}

// Sets.

#[test]
fn two_volumes_of_which_none_is_made_are_one_set() {
    let plan = two_volumes().create();
    assert_eq!(of_volume(&plan, "vol-1"), (&late("/dev/xvda"), &due_for(Consistency::Set)));
    assert_eq!(of_volume(&plan, "vol-2"), (&late("/dev/sdf"), &due_for(Consistency::Set)));
    let set = group(&plan, "i-1");
    assert_eq!((set.consistency, set.exclude_boot, set.exclude_data.len()), (Consistency::Set, false, 0));
    assert_eq!(set.tags.get("snapwarden:consistency"), Some("set"));
    assert_eq!(
        due_for(Consistency::Set).to_string(),
        "slot 2026-11-22T03:00Z; never backed up by Snapwarden; one crash-consistent set"
    );
}

#[test]
fn a_set_leaves_the_others_out_the_boot_volume_as_such() {
    let disks = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2"), ("/dev/sdg", "vol-3"), ("/dev/sdh", "vol-4")];
    let base = world(NOW).volume("vol-1", &[("Backup", "No")]).volume("vol-4", &[("Backup", "No")]);
    let plan = base.instance("i-1", &[("Backup", "Yes")], &disks).create();
    let set = group(&plan, "i-1");
    assert_eq!(set.consistency, Consistency::Set);
    assert_eq!((set.exclude_boot, &set.exclude_data), (true, &vec![volume_id("vol-4")]));
}

#[test]
fn a_set_leaves_out_a_volume_at_its_limit() {
    let disks = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2"), ("/dev/sdg", "vol-3")];
    let plan = world(NOW)
        .instance("i-1", &[("Backup", "Yes")], &disks)
        .snapshots((1..=5).map(|n| bare(&format!("snap-{n}"), "vol-2").pending()))
        .create();
    let set = group(&plan, "i-1");
    assert_eq!((set.consistency, &set.exclude_data), (Consistency::Set, &vec![volume_id("vol-2")]));
}

#[test]
fn where_some_are_made_already_the_rest_is_made_per_volume() {
    let plan = two_volumes().snapshot(of_slot("snap-1", "vol-1")).create();
    assert_eq!(of_volume(&plan, "vol-1").1, &done("snap-1", HOME));
    assert_eq!(of_volume(&plan, "vol-2"), (&late("/dev/sdf"), &due_for(Consistency::PartlyMade)));
    assert_eq!(Consistency::PartlyMade.to_string(), "consistent per volume only: others of this slot exist already");
}

#[test]
fn one_to_repair_counts_as_made() {
    let disks = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2"), ("/dev/sdg", "vol-3")];
    let plan = world(NOW)
        .instance("i-1", &[("Backup", "Yes")], &disks)
        .snapshot(of_slot("snap-1", "vol-1").no_tag("DeviceName"))
        .create();
    assert!(matches!(of_volume(&plan, "vol-1").0, Act::AddTags { .. }));
    assert_eq!(of_volume(&plan, "vol-2").1, &due_for(Consistency::PartlyMade));
    assert_eq!(volumes_of(group(&plan, "i-1")), ["vol-2", "vol-3"]);
}

#[test]
fn an_errored_one_of_this_slot_on_any_volume_makes_the_rest_per_volume() {
    let plan = two_volumes().snapshot(of_slot("snap-1", "vol-1").failed("internal error")).create();
    assert_eq!(of_volume(&plan, "vol-1").1, &due_for(Consistency::FailedBefore));
    assert_eq!(of_volume(&plan, "vol-2").1, &due_for(Consistency::FailedBefore));
}

#[test]
fn an_errored_one_of_an_older_slot_does_not_break_the_set() {
    let old = ours("snap-1", "vol-1", "2026-11-21", "2026-11-28").failed("internal error");
    assert_eq!(group(&two_volumes().snapshot(old).create(), "i-1").consistency, Consistency::Set);
}

#[test]
fn more_than_40_data_volumes_to_leave_out_make_it_per_volume() {
    let plan_of = |left_out: usize| {
        let names: Vec<_> = (0..left_out).map(|n| (format!("/dev/sd{n:02}"), format!("vol-no{n}"))).collect();
        let mut disks = vec![("/dev/xvda", "vol-1"), ("/dev/xvdz", "vol-2")];
        disks.extend(names.iter().map(|(device, volume)| (device.as_str(), volume.as_str())));
        let base = names.iter().fold(world(NOW), |world, (_, volume)| world.volume(volume, &[("Backup", "No")]));
        base.instance("i-1", &[("Backup", "Yes")], &disks).create()
    };
    assert_eq!(group(&plan_of(40), "i-1").consistency, Consistency::Set);
    assert_eq!(group(&plan_of(41), "i-1").consistency, Consistency::TooManyExcluded);
}

// The order.

#[test]
fn instances_go_in_the_order_of_need() {
    let plan = world(NOW)
        .server("i-1", &[], "vol-1")
        .server("i-2", &[], "vol-2")
        .server("i-3", &[], "vol-3")
        .server("i-4", &[], "vol-4")
        .snapshots([
            ours("snap-1", "vol-1", "2026-11-21", "2026-11-28"),
            ours("snap-2", "vol-2", "2026-11-19", "2026-11-26"),
            ours("snap-22", "vol-2", "2026-11-20", "2026-11-27"),
            of_slot("snap-4", "vol-4"),
            ours("snap-3", "vol-3", "2026-11-21", "2026-11-28").pending(),
        ])
        .create();
    let order: Vec<_> = plan.groups.iter().map(|group| group.instance.as_str()).collect();
    assert_eq!(order, ["i-3", "i-2", "i-1"], "never, two days ago, yesterday; done ones have no group");
    let order: Vec<_> = plan.decisions.iter().map(|d| d.about.instance.as_ref().unwrap().as_str()).collect();
    assert_eq!(order, ["i-3", "i-2", "i-1", "i-4"]);
    assert_eq!(
        of_volume(&plan, "vol-2").1.to_string(),
        "slot 2026-11-22T03:00Z; its newest is of 2026-11-20T03:05Z; one volume"
    );
}

#[test]
fn the_newest_counts_by_the_time_of_its_data_copies_included() {
    let moved = ours("snap-1", "vol-1", "2026-11-21", "2026-11-28");
    let plan = world(NOW).server("i-1", &[], "vol-1").region(AWAY).snapshot(copy("snap-c", &moved)).create();
    let newest = Some(time("2026-11-21T03:05:00Z"));
    let (consistency, kept_here_for) = (Consistency::OneVolume, None);
    assert_eq!(
        of_volume(&plan, "vol-1").1,
        &Reason::SlotDue { slot: slot(SLOT), late_hours: None, newest, consistency, kept_here_for }
    );
}

// The slot.

#[test]
fn a_slot_before_todays_time_is_yesterdays() {
    let plan = world("2026-11-22T02:59:59Z")
        .server("i-1", &[], "vol-1")
        .snapshot(ours("snap-1", "vol-1", "2026-11-21", "2026-11-28"))
        .create();
    let reason =
        Reason::AlreadyDone { slot: slot("2026-11-21T03:00Z"), snapshot: snapshot_id("snap-1"), region: region(HOME) };
    assert_eq!(of_volume(&plan, "vol-1"), (&Act::Skip, &reason));
}

#[test]
fn the_instances_own_schedule_makes_the_slot_and_an_unreadable_one_the_default_with_a_finding() {
    let plan = world(NOW).server("i-1", &[("BackupSchedule", "daily 23:30")], "vol-1").create();
    assert_eq!(group(&plan, "i-1").slot, slot("2026-11-21T23:30Z"));
    let plan = world(NOW).server("i-1", &[("BackupSchedule", "sometimes")], "vol-1").create();
    assert_eq!(group(&plan, "i-1").slot, slot(SLOT));
    let (value, default) = ("sometimes".to_owned(), "daily 03:00".to_owned());
    assert_eq!(problems(&plan, "i-1"), [Problem::ScheduleUnreadable { value, default }]);
}

#[test]
fn a_slot_given_on_the_command_line_overrides_every_schedule() {
    let config = Config { slot: Some(SlotChoice::At(slot("2026-11-22T03:47Z"))), ..Config::default() };
    let plan = world(NOW)
        .server("i-1", &[("BackupSchedule", "daily 23:30")], "vol-1")
        .server("i-2", &[], "vol-2")
        .snapshot(of_slot("snap-2", "vol-2"))
        .create_with(&config);
    assert_eq!(group(&plan, "i-1").slot, slot("2026-11-22T03:47Z"));
    assert_eq!(group(&plan, "i-2").tags.get("snapwarden:slot"), Some("2026-11-22T03:47Z"));
}

// Tags at birth.

#[test]
fn every_snapshot_is_born_with_its_owner_its_days_its_lineage_and_its_slot() {
    let plan = world(NOW).server("i-1", &[("Name", "db"), ("Team", "ops")], "vol-1").create();
    let born = tags(&[
        ("Type", "Automated"),
        ("CreatedOn", "2026-11-22"),
        ("DeleteOn", "2026-11-29"),
        ("InstanceID", "i-1"),
        ("InstanceName", "db"),
        ("Name", "db 2026-11-22T03:00Z"),
        ("snapwarden:consistency", "volume"),
        ("snapwarden:retention", "days=7"),
        ("snapwarden:slot", SLOT),
    ]);
    assert_eq!(group(&plan, "i-1").tags, born);
}

#[test]
fn without_a_name_the_instances_id_stands_in_the_name() {
    let plan = world(NOW).server("i-1", &[("Name", " ")], "vol-1").create();
    assert_eq!(group(&plan, "i-1").tags.get("Name"), Some("i-1 2026-11-22T03:00Z"));
    assert!(!group(&plan, "i-1").tags.has("InstanceName"));
}

#[test]
fn the_longest_name_leaves_room_for_the_slot() {
    let long = "n".repeat(256);
    let of_slot = world(NOW).server("i-1", &[("Name", &long)], "vol-1");
    for (now, end) in
        [(NOW, " 2026-11-22T03:00Z"), ("2026-11-22T23:00:00Z", " 2026-11-22T03:00Z, made 2026-11-22T23:00Z")]
    {
        let plan = of_slot.clone().later(now).create();
        let name = group(&plan, "i-1").tags.get("Name").unwrap();
        assert!(name.ends_with(end) && name.chars().count() <= 256, "{name}");
    }
}

#[test]
fn a_snapshot_that_is_made_long_after_its_slot_says_so_in_its_name_and_its_reason() {
    let tagged = [("Name", "db"), ("BackupSchedule", "monthly 1 03:00")];
    let made = |now: &str| {
        let plan = world(now).server("i-1", &tagged, "vol-1").create();
        (group(&plan, "i-1").tags.get("Name").unwrap().to_owned(), of_volume(&plan, "vol-1").1.to_string())
    };
    let (name, reason) = made("2026-11-01T08:59:00Z");
    assert_eq!(name, "db 2026-11-01T03:00Z");
    assert_eq!(reason, "slot 2026-11-01T03:00Z; never backed up by Snapwarden; one volume");
    let (name, reason) = made("2026-11-01T09:00:00Z");
    assert_eq!(name, "db 2026-11-01T03:00Z, made 2026-11-01T09:00Z");
    assert_eq!(reason, "slot 2026-11-01T03:00Z, 6 h ago; never backed up by Snapwarden; one volume");
    let (name, reason) = made("2026-11-20T04:00:00Z");
    assert_eq!(name, "db 2026-11-01T03:00Z, made 2026-11-20T04:00Z");
    assert_eq!(reason, "slot 2026-11-01T03:00Z, 19 days ago; never backed up by Snapwarden; one volume");
}

#[test]
fn destination_and_mode_are_carried_where_they_are_set() {
    let plan =
        world(NOW).server("i-1", &[("DestinationRegion", AWAY), ("OffsiteMode", "keeplatest")], "vol-1").create();
    assert_eq!(group(&plan, "i-1").tags.get("DestinationRegion"), Some(AWAY));
    assert_eq!(group(&plan, "i-1").tags.get("OffsiteMode"), Some("KeepLatest"));
    let plan = world(NOW).server("i-1", &[], "vol-1").create();
    assert!(!group(&plan, "i-1").tags.has("DestinationRegion"));
    assert!(!group(&plan, "i-1").tags.has("OffsiteMode"));
}

#[test]
fn created_on_is_ec2s_today_also_for_a_slot_of_yesterday() {
    let plan = world("2026-11-22T02:00:00Z").server("i-1", &[], "vol-1").create();
    let group = group(&plan, "i-1");
    assert_eq!(group.slot, slot("2026-11-21T03:00Z"));
    assert_eq!((group.tags.get("CreatedOn"), group.tags.get("DeleteOn")), (Some("2026-11-22"), Some("2026-11-29")));
}

#[test]
fn retention_days_counts_from_created_on_and_without_the_tag_the_configured_default_does() {
    let delete_on = |tagged: Pairs<'_>, config: &Config| {
        let plan = world(NOW).server("i-1", tagged, "vol-1").create_with(config);
        group(&plan, "i-1").tags.get("DeleteOn").unwrap().to_owned()
    };
    let usual = Config::default();
    assert_eq!(delete_on(&[], &usual), "2026-11-29");
    assert_eq!(delete_on(&[("RetentionDays", " 1 ")], &usual), "2026-11-23");
    assert_eq!(delete_on(&[("RetentionDays", "36500")], &usual), "2126-10-29");
    assert_eq!(delete_on(&[], &Config { retention_days: 14, ..Config::default() }), "2026-12-06");
}

#[test]
fn unreadable_retention_days_become_365_with_a_finding_at_every_run() {
    let base = world(NOW).server("i-1", &[("RetentionDays", "a week")], "vol-1");
    let finding =
        [Problem::RetentionUnreadable { key: "RetentionDays".to_owned(), value: "a week".to_owned(), days: 365 }];
    let plan = base.create();
    assert_eq!(group(&plan, "i-1").tags.get("DeleteOn"), Some("2027-11-22"));
    assert_eq!(problems(&plan, "i-1"), finding);
    let plan = base.snapshot(of_slot("snap-1", "vol-1")).create();
    assert_eq!(problems(&plan, "i-1"), finding, "also where there is nothing to do");
    assert_eq!(
        finding[0].to_string(),
        "RetentionDays=\"a week\" is not a number that it can be. Until it is fixed, new snapshots are kept for 365 days, \
         and nothing of its volumes is deleted"
    );
}

#[test]
fn an_unreadable_retention_never_shortens_a_longer_default() {
    let config = Config { retention_days: 730, ..Config::default() };
    let plan = world(NOW).server("i-1", &[("RetentionDays", "?")], "vol-1").create_with(&config);
    assert_eq!(group(&plan, "i-1").tags.get("DeleteOn"), Some("2028-11-21"));
}

#[test]
fn an_unreadable_mode_becomes_copy_with_a_finding() {
    let plan = world(NOW).server("i-1", &[("DestinationRegion", AWAY), ("OffsiteMode", "mirror")], "vol-1").create();
    assert_eq!(group(&plan, "i-1").tags.get("OffsiteMode"), Some("Copy"));
    assert_eq!(problems(&plan, "i-1"), [Problem::ModeUnreadable { value: "mirror".to_owned() }]);
}

#[test]
fn a_destination_that_cannot_be_used_is_a_finding_and_the_only_one_makes_it_local() {
    let refused = |text: &str, named: &str, why, local| {
        let plan = world(NOW).server("i-1", &[("DestinationRegion", named)], "vol-1").create();
        assert!(matches!(of_volume(&plan, "vol-1").0, Act::Create { .. }), "{named}");
        assert_eq!(problems(&plan, "i-1"), [Problem::DestinationRefused { text: text.to_owned(), why, local }]);
    };
    refused("mars-north-1", "mars-north-1", RefusedWhy::NotThere, true);
    refused("mars-north-1", &format!("{AWAY},mars-north-1"), RefusedWhy::NotThere, false);
    refused("(here)", "(here)", RefusedWhy::NotThere, true);
    refused(HOME, HOME, RefusedWhy::OwnRegion, true);
    refused(HOME, &format!("{HOME} {AWAY}"), RefusedWhy::OwnRegion, false);
}

#[test]
fn with_an_unusable_destination_the_mode_is_copy_so_that_an_unread_other_one_does_not_matter() {
    let plan = world(NOW).server("i-1", &[("DestinationRegion", "eu-west-1 mars-1")], "vol-1").unread(AWAY).create();
    assert!(matches!(of_volume(&plan, "vol-1").0, Act::Create { .. }));
}

#[test]
fn where_the_list_of_regions_is_unread_a_region_that_answers_is_valid_and_another_one_unread() {
    let plan = world(NOW).server("i-1", &[("DestinationRegion", AWAY)], "vol-1").regions_unknown().create();
    assert!(matches!(of_volume(&plan, "vol-1").0, Act::Create { .. }));
    assert!(problems(&plan, "i-1").is_empty());
    let plan = world(NOW).server("i-1", &[("DestinationRegion", "mars-1")], "vol-1").regions_unknown().create();
    let unread = Problem::DestinationUnread { destination: region("mars-1") };
    assert_eq!(problems(&plan, "vol-1"), [unread], "unread, never local");
    assert!(problems(&plan, "i-1").is_empty());
}

// Tags of the volume.

#[test]
fn the_volumes_own_tags_are_carried_but_no_key_of_the_contract_in_any_letter_case_and_none_of_awss() {
    let contract = [
        "Backup",
        "RetentionDays",
        "DestinationRegion",
        "OffsiteMode",
        "BackupSchedule",
        "KeepForever",
        "Type",
        "CreatedOn",
        "DeleteOn",
        "InstanceID",
        "InstanceName",
        "Name",
        "snapwarden:slot",
        "DeviceName",
        "SourceSnapshotId",
        "SourceRegion",
        "SourceStartTime",
        "VolumeID",
        "OffsiteSnapshotId",
        "snapwarden:retention",
        "snapwarden:closed",
        "snapwarden:in-use",
        "snapwarden:was",
    ];
    let mut tagged = vec![("CostCenter".to_owned(), "7".to_owned()), ("aws:ec2:x".to_owned(), "y".to_owned())];
    for key in contract {
        for spelt in [key.to_owned(), key.to_lowercase(), key.to_uppercase(), format!(" {key} ")] {
            tagged.push((spelt, "Yes".to_owned()));
        }
    }
    let plan =
        world(NOW).server("i-1", &[], "vol-1").with_volume("vol-1", |v| v.tags = tagged.into_iter().collect()).create();
    let late_tags = tags(&[("CostCenter", "7"), ("DeviceName", "/dev/xvda")]);
    assert_eq!(of_volume(&plan, "vol-1").0, &Act::Create { late_tags });
}

#[test]
fn at_most_45_tags_ours_first_the_rest_in_a_fixed_order_and_what_is_dropped_is_a_finding() {
    let keys: Vec<_> = (0..50).map(|n| format!("k{n:02}")).collect();
    let plan = world(NOW)
        .server("i-1", &[("Name", "db")], "vol-1")
        .with_volume("vol-1", |v| v.tags = keys.iter().rev().map(|key| (key.as_str(), "x")).collect())
        .create();
    let Act::Create { late_tags } = of_volume(&plan, "vol-1").0 else { panic!("no create") };
    let born = &group(&plan, "i-1").tags;
    assert_eq!(born.len() + late_tags.len(), 45);
    assert!(late_tags.has("DeviceName") && late_tags.has("k00") && late_tags.has("k34") && !late_tags.has("k35"));
    assert_eq!(problems(&plan, "vol-1"), [Problem::TagsDropped { keys: keys[35..].to_vec() }]);
}

#[test]
fn the_plan_is_the_same_whatever_the_order_of_the_devices() {
    let disks = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2"), ("/dev/sdg", "vol-3"), ("/dev/sdh", "vol-4")];
    let base = |disks: Pairs<'_>| {
        let excluded = world(NOW).volume("vol-3", &[("Backup", "No")]).volume("vol-4", &[("Backup", "No")]);
        excluded.volume("vol-1", &[]).volume("vol-2", &[]).instance("i-1", &[("Backup", "Yes")], disks)
    };
    let reversed: Vec<_> = disks.iter().rev().copied().collect();
    assert_eq!(base(&disks).create(), base(&reversed).create());
}

#[test]
fn a_volume_that_is_attached_to_an_instance_that_goes_belongs_to_the_other_one() {
    let plan = world(NOW)
        .server("i-1", &[("RetentionDays", "30")], "vol-1")
        .with_instance("i-1", |i| i.state = InstanceState::ShuttingDown)
        .server("i-2", &[], "vol-2")
        .with_instance("i-2", |i| {
            i.devices.push(Device { name: "/dev/sdf".to_owned(), volume: Some(volume_id("vol-1")) });
        })
        .create();
    assert_eq!(volumes_of(group(&plan, "i-2")), ["vol-1", "vol-2"]);
}

// How well what is looked after is covered.

#[test]
fn coverage_counts_what_was_never_backed_up_and_the_volume_whose_newest_is_oldest() {
    let devices = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2"), ("/dev/sdg", "vol-3"), ("/dev/sdh", "vol-4")];
    let plan = world(NOW)
        .instance("i-1", &[("Backup", "Yes")], &devices)
        .with_volume("vol-4", |volume| volume.tags = tags(&[("Backup", "No")]))
        .snapshot(ours("snap-1", "vol-1", "2026-11-19", "2026-11-29").at("2026-11-19T03:05:00Z"))
        .snapshot(ours("snap-2", "vol-1", "2026-11-20", "2026-11-29").at("2026-11-20T03:05:00Z"))
        .snapshot(ours("snap-3", "vol-2", "2026-11-21", "2026-11-29").at("2026-11-21T03:05:00Z"))
        .snapshot(ours("snap-4", "vol-1", "2026-11-22", "2026-11-29").state(SnapshotState::Pending))
        .create();
    let oldest_newest = Some(time("2026-11-20T03:05:00Z"));
    let here = Coverage { volumes: 3, never: 1, oldest_newest, late: 0, late_unless_begun: Vec::new() };
    assert_eq!(plan.coverage, [(region(HOME), here)].into(), "Backup=No does not count, nor does what is pending");
}

#[test]
fn while_the_first_try_may_take_its_time_nothing_is_late_and_a_try_that_failed_excuses_nothing() {
    let begun = |id: &str, start: &str| ours(id, "vol-1", "2026-11-22", "2026-11-29").at(start).pending();
    let weekly = |tries: &[Snap], now: &str| {
        let world = world(now).server("i-1", &[("BackupSchedule", "weekly mon 03:00")], "vol-1");
        lateness(&world.snapshots(tries.iter().cloned()).create())
    };
    let first = begun("snap-1", "2026-11-22T04:00:00Z");
    assert_eq!(weekly(std::slice::from_ref(&first), "2026-11-22T04:15:00Z"), None, "tagged a moment ago");
    assert_eq!(
        weekly(std::slice::from_ref(&first), "2026-11-22T10:30:00Z"),
        Some((1, 6 * 24 + 1)),
        "it takes too long"
    );
    let failed = ours("snap-0", "vol-1", "2026-11-22", "2026-11-29").at("2026-11-22T03:00:00Z").failed("x");
    assert!(weekly(&[failed, first], "2026-11-22T04:15:00Z").is_some());
    // Changed from weekly to hourly: the newest is of the week before.
    let old = ours("snap-0", "vol-1", "2026-11-16", "2026-11-29").at("2026-11-16T03:00:05Z");
    let hourly = |tries: &[Snap]| {
        let world = world("2026-11-22T04:15:00Z").server("i-1", &[("BackupSchedule", "hourly")], "vol-1");
        lateness(&world.snapshot(old.clone()).snapshots(tries.iter().cloned()).create())
    };
    assert_eq!(hourly(&[begun("snap-1", "2026-11-22T04:00:00Z")]), None);
    assert!(hourly(&[begun("snap-1", "2026-11-21T04:00:00Z")]).is_some(), "pending for a day");
}

#[test]
fn what_was_begun_a_moment_before_its_slot_is_of_it_and_a_volume_of_two_is_late_by_either_schedule() {
    let early = ours("snap-1", "vol-1", "2026-11-22", "2026-11-29").at("2026-11-22T02:59:59Z");
    let weekly = [("BackupSchedule", "weekly sun 03:00")];
    let at = |now: &str| lateness(&world(now).server("i-1", &weekly, "vol-1").snapshot(early.clone()).create());
    assert_eq!(at("2026-11-28T04:00:00Z"), None);
    let daily = [("BackupSchedule", "daily 03:00"), ("RetentionDays", "3")];
    let two = |now: &str| {
        let world = world(now).server("i-1", &weekly, "vol-1").server("i-2", &daily, "vol-1");
        let plan = world.snapshot(early.clone()).create();
        plan.coverage[&region(HOME)].late_unless_begun.len()
    };
    assert_eq!(two("2026-11-23T08:00:00Z"), 0);
    assert_eq!(two("2026-11-25T02:00:00Z"), 1, "missing since the 23rd");
    assert_eq!(two("2026-11-29T04:00:00Z"), 1, "also when it is the weekly one's turn");
}

/// How late the backup of vol-1 is said to be, in hours, and how many volumes in all.
fn lateness(plan: &Plan) -> Option<(usize, i64)> {
    let found = problems(plan, HOME).into_iter().find_map(|problem| {
        let Problem::BackupLate { volumes, late_hours, .. } = problem else { return None };
        Some((volumes, late_hours))
    });
    assert_eq!(plan.coverage[&region(HOME)].late, found.map_or(0, |(volumes, _)| volumes), "the metric says the same");
    found
}

/// An instance whose volume has a completed snapshot of the 20th, 03:05, and one begun five minutes later that is pending.
fn of_the_20th(tagged: &[(&str, &str)]) -> World {
    let newest = ours("snap-1", "vol-1", "2026-11-20", "2026-11-29").at("2026-11-20T03:05:00Z");
    let tried = ours("snap-t", "vol-1", "2026-11-20", "2026-11-29").at("2026-11-20T03:10:00Z").pending();
    world(NOW).server("i-1", tagged, "vol-1").snapshots([newest, tried])
}

#[test]
fn a_backup_is_late_where_the_slot_after_the_newest_completed_one_has_long_passed() {
    // The slot of the 21st, 03:00, and six hours for its data.
    for (now, late) in [("09:00:00", None), ("09:00:01", Some((1, 0))), ("15:30:00", Some((1, 6)))] {
        assert_eq!(lateness(&of_the_20th(&[]).later(&format!("2026-11-21T{now}Z")).create()), late, "{now}");
    }
    let plan = of_the_20th(&[]).create();
    let [late] = problems(&plan, HOME).try_into().unwrap();
    assert_eq!(
        late.to_string(),
        "backups that are late: 1 volume, the most vol-1, by 19 h; its newest completed one is of 2026-11-20T03:05Z. Look at \
         its snapshots that are pending or failed; snapwarden plan create has a reason for each volume"
    );
}

#[test]
fn each_schedule_says_itself_when_a_backup_is_late() {
    let late = |schedule: &str, now: &str| {
        lateness(&of_the_20th(&[("BackupSchedule", schedule)]).later(now).create()).map(|(_, hours)| hours)
    };
    assert_eq!(late("0 3 * * 5", NOW), None, "weekly, on Fridays: the 20th was one");
    assert_eq!(late("0 3 * * 5", "2026-11-27T09:00:00Z"), None);
    assert_eq!(late("0 3 * * 5", "2026-11-27T12:00:00Z"), Some(3));
    assert_eq!(late("0 3 * * 1-5", NOW), None, "on workdays: nothing on Saturdays and Sundays");
    assert_eq!(late("0 * * * *", "2026-11-20T12:00:00Z"), Some(2), "hourly: the slot of 04:00, and six hours");
}

#[test]
fn what_a_volume_may_take_grows_with_its_size() {
    let sized = |gib| of_the_20th(&[]).with_volume("vol-1", |volume| volume.size_gib = gib).create();
    assert_eq!(lateness(&sized(249)), Some((1, 19)));
    assert_eq!(lateness(&sized(1_000)), Some((1, 15)));
    assert_eq!(lateness(&sized(16_384)), None, "65 hours more");
}

#[test]
fn what_stays_pending_or_fails_or_waits_is_late_all_the_same() {
    let pending = |id: &str, day: &str| ours(id, "vol-1", day, "2026-11-29").at(&format!("{day}T03:05:00Z")).pending();
    let of_days = [pending("snap-2", "2026-11-21"), pending("snap-3", "2026-11-22")];
    let plan = of_the_20th(&[]).snapshots(of_days.clone()).create();
    assert_eq!(of_volume(&plan, "vol-1"), (&Act::Skip, &done("snap-3", HOME)), "the slot has its snapshot");
    assert_eq!(lateness(&plan), Some((1, 19)), "and no backup");
    let plan = world(NOW).server("i-1", &[], "vol-1").snapshots(of_days).create();
    assert_eq!(lateness(&plan), Some((1, 18)), "none has completed: from the first try on");
    let failed = ours("snap-2", "vol-1", "2026-11-21", "2026-11-29").at("2026-11-21T03:05:00Z").failed("no disk");
    assert_eq!(lateness(&of_the_20th(&[]).snapshot(failed).create()), Some((1, 19)));
    assert_eq!(lateness(&of_the_20th(&[]).without_volume("vol-1").create()), Some((1, 19)), "it is not listed");
}

#[test]
fn of_a_volume_whose_newest_may_not_have_been_read_nothing_is_counted() {
    let moved = [("DestinationRegion", AWAY), ("OffsiteMode", "Move")];
    let newest = ours("snap-1", "vol-1", "2026-11-20", "2026-11-29");
    let account = || world(NOW).server("i-1", &moved, "vol-1").snapshot(newest.clone()).server("i-2", &moved, "vol-2");
    let counted = |world: World| {
        let here = &world.create().coverage[&region(HOME)];
        (here.volumes, here.never, here.oldest_newest.is_some())
    };
    assert_eq!(counted(account()), (2, 1, true));
    assert_eq!(counted(account().snapshots_gap()), (2, 0, false));
    let unread = account().unread(AWAY);
    assert_eq!(counted(unread.clone()), (2, 0, false));
    let says = |id: &str| of_volume(&unread.create(), id).1.to_string();
    assert!(says("vol-1").contains("the newest that was read is of 2026-11-20T03:05Z"), "{}", says("vol-1"));
    assert!(says("vol-2").contains("no older one was read"), "{}", says("vol-2"));
}

/// As where one run a day, soon after the slot, finds the account at its limit each time.
#[test]
fn a_volume_that_was_never_tried_is_late_once_a_slot_is_so_long_ago_if_it_was_there_by_then() {
    let is_late_by = |schedule: &str, made: Option<&str>| {
        let world = world(NOW).server("i-1", &[("BackupSchedule", schedule)], "vol-1");
        let plan = world.with_volume("vol-1", |volume| volume.create_time = made.map(time)).create();
        plan.coverage[&region(HOME)].late_unless_begun == [volume_id("vol-1")]
    };
    let is_late = |made: Option<&str>| is_late_by("daily 03:00", made);
    assert!(is_late_by("30 * * * *", Some("2026-11-21T21:30:00Z")), "the slot of 21:30 was so long ago");
    assert!(!is_late_by("30 * * * *", Some("2026-11-21T21:30:01Z")));
    assert!(is_late(Some("2026-11-21T03:00:00Z")));
    assert!(!is_late(Some("2026-11-21T03:00:01Z")), "it was not there");
    assert!(!is_late(None), "nobody says since when it is there");
}

#[test]
fn what_this_run_is_the_first_to_try_is_late_only_where_it_is_not_begun() {
    let newest = ours("snap-1", "vol-1", "2026-11-20", "2026-11-29").at("2026-11-20T03:05:00Z");
    let after_an_outage = world(NOW).server("i-1", &[], "vol-1").snapshot(newest);
    let tagged_now = world(NOW).server("i-1", &[("BackupSchedule", "0 3 * * 5")], "vol-1");
    for first in [after_an_outage, tagged_now] {
        let plan = first.create();
        assert!(matches!(of_volume(&plan, "vol-1").0, Act::Create { .. }));
        assert_eq!(lateness(&plan), None);
        assert_eq!(plan.coverage[&region(HOME)].late_unless_begun, [volume_id("vol-1")]);
    }
}

#[test]
fn what_waits_at_every_run_is_late_from_its_present_slot_on_though_it_was_never_tried() {
    let foreign = bare("snap-f", "vol-1").at("2026-11-01T03:05:00Z").pending();
    let full = world(NOW)
        .server("i-1", &[], "vol-1")
        .with_volume("vol-1", |volume| volume.volume_type = "st1".to_owned())
        .snapshot(foreign);
    let at = |now: &str| {
        let plan = full.clone().later(now).create();
        assert_eq!(of_volume(&plan, "vol-1").0, &Act::Wait);
        lateness(&plan)
    };
    assert_eq!(at("2026-11-22T09:00:00Z"), None);
    assert_eq!(at("2026-11-22T10:00:00Z"), Some((1, 1)));
}

#[test]
fn under_copy_and_keep_latest_an_unread_destination_hides_no_late_backup() {
    for mode in ["Copy", "KeepLatest"] {
        let tagged = [("DestinationRegion", AWAY), ("OffsiteMode", mode)];
        assert_eq!(lateness(&of_the_20th(&tagged).unread(AWAY).create()), Some((1, 19)), "{mode}");
    }
}

#[test]
fn of_two_instances_the_mode_that_keeps_the_most_holds_also_where_a_destination_cannot_be_read() {
    let shared = world(NOW)
        .server("i-1", &[("DestinationRegion", AWAY), ("RetentionDays", "30")], "vol-1")
        .server("i-2", &[("DestinationRegion", AWAY), ("OffsiteMode", "Copy")], "vol-2")
        .with_instance("i-2", |i| {
            i.devices.push(Device { name: "/dev/sdf".to_owned(), volume: Some(volume_id("vol-1")) });
        })
        .unread(AWAY);
    let plan = shared.create();
    assert_eq!(group(&plan, "i-1").tags.get("OffsiteMode"), Some("Copy"));
    let (_, reason) = of_volume(&plan, "vol-1");
    assert!(matches!(reason, Reason::SlotDue { kept_here_for: None, .. }), "Copy keeps it anyway: {reason}");
}

#[test]
fn what_is_left_out_or_could_not_all_be_read_is_not_late() {
    let left_out = of_the_20th(&[]).with_volume("vol-1", |volume| volume.tags = tags(&[("Backup", "No")]));
    assert!(left_out.create().coverage.is_empty());
    let away = of_the_20th(&[("DestinationRegion", AWAY)]);
    assert_eq!(lateness(&away.clone().region(AWAY).create()), Some((1, 19)));
    assert_eq!(lateness(&away.unread(AWAY).create()), None, "a newer one may be there");
}
