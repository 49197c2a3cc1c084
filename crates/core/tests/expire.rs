//! The manager's table, row by row, and the sentences beside it; what is due (section 2); and S9.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::*;
use snapwarden_core::approval::Approval;
use snapwarden_core::decision::{Act, Expiry, FailedCause, Newer, Problem, Reason, Stays, Subject};
use snapwarden_core::inventory::SnapshotState;
use snapwarden_core::policy::Config;

const DELETE: Act = Act::Delete { anchor: None, rests_on: Vec::new() };

fn plan_of(snapshot: Snap) -> snapwarden_core::decision::Plan {
    world(NOW).snapshot(snapshot).expire()
}

/// Of a volume that is gone: nothing newer stays.
fn gone() -> Reason {
    Reason::Expired(expiry(Stays::VolumeGone))
}

/// Of a volume that is tagged `Backup=No`.
fn excluded() -> Reason {
    Reason::Expired(expiry(Stays::VolumeExcluded))
}

fn expiry(stays: Stays) -> Expiry {
    Expiry {
        delete_on: date("2026-11-08"),
        overdue_days: 14,
        age_days: 21,
        stays,
        uncopied: Vec::new(),
        said: Vec::new(),
    }
}

fn newer(id: &str, of: &str) -> (Act, Reason) {
    let newer = Newer { snapshot: snapshot_id(id), of: time(of), same_volume: true };
    (Act::Delete { anchor: Some(snapshot_id(id)), rests_on: Vec::new() }, Reason::Expired(expiry(Stays::Newer(newer))))
}

fn last_good(volume: &str) -> Reason {
    Reason::LastGood { volume: Some(volume_id(volume)) }
}

// Managed.

#[test]
fn nothing_unmanaged_has_a_decision() {
    let unmanaged = [
        expired("snap-1", "vol-1").owner("999999999999"),
        expired("snap-1", "vol-1").no_tag("Type"),
        expired("snap-1", "vol-1").tag("Type", "automated"),
        expired("snap-1", "vol-1").tag("Type", "Manual"),
        expired("snap-1", "vol-1").tag("aws:dlm:managed", "true"),
        expired("snap-1", "vol-1").tag("aws:backup:source-resource", "arn"),
        expired("snap-1", "vol-1").no_tag("Type").tag("type", "Automated"),
    ];
    for snapshot in unmanaged {
        assert!(plan_of(snapshot.clone()).decisions.is_empty(), "{:?}", snapshot.0);
    }
    let trimmed = expired("snap-1", "vol-1").tag("Type", " Automated ").tag("aws:cloudformation:stack-id", "x");
    assert_eq!(of_snapshot(&plan_of(trimmed), "snap-1"), (&DELETE, &gone()));
}

#[test]
fn the_manager_only_deletes_and_keeps_also_copies_and_sources() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let plan = world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", &source)).expire();
    assert_eq!(deleted(&plan), ["snap-c", "snap-1"]);
}

// The rows.

#[test]
fn keep_forever_in_any_letter_case_and_with_any_value_comes_first() {
    for (key, value) in [("KeepForever", "Yes"), ("keepforever", ""), ("KEEPFOREVER", "No"), (" KeepForever", "x")] {
        for snapshot in [
            expired("snap-1", "vol-1"),
            expired("snap-1", "vol-1").failed("internal error"),
            expired("snap-1", "vol-1").pending(),
            expired("snap-1", "vol-1").no_tag("DeleteOn"),
        ] {
            let plan = plan_of(snapshot.tag(key, value));
            assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &Reason::KeepForever), "{key}={value}");
        }
    }
    assert_eq!(Reason::KeepForever.to_string(), "tagged KeepForever: no job ever deletes it");
}

#[test]
fn an_errored_one_goes_when_a_later_one_of_its_volume_has_completed() {
    let failed =
        ours("snap-1", "vol-1", "2026-11-22", "2026-11-29").at("2026-11-22T03:00:00Z").failed("internal error");
    let later = ours("snap-2", "vol-1", "2026-11-22", "2026-11-29").at("2026-11-22T03:00:01Z");
    let plan = world(NOW).snapshots([failed.clone(), later.clone()]).expire();
    let since = time("2026-11-22T03:00:00Z");
    let reason =
        Reason::Failed { message: "internal error".to_owned(), since, kept_hours: 24, cause: FailedCause::Replaced };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&DELETE, &reason));
    assert_eq!(
        reason.to_string(),
        "failed (\"internal error\"), begun 2026-11-22T03:00Z, and a good one has completed since"
    );
    for no_better in [
        later.clone().at("2026-11-22T03:00:00Z"),
        later.clone().pending(),
        later.clone().owner("999999999999"),
        ours("snap-2", "vol-2", "2026-11-22", "2026-11-29"),
    ] {
        let plan = world(NOW).snapshots([failed.clone(), no_better]).expire();
        assert!(matches!(of_snapshot(&plan, "snap-1"), (Act::Keep, Reason::FailureMemory { .. })));
    }
}

#[test]
fn an_errored_one_is_remembered_for_24_hours() {
    let failed = |start: &str| ours("snap-1", "vol-1", "2026-11-21", "2026-11-28").at(start).failed("internal error");
    let plan = plan_of(failed("2026-11-21T04:00:01Z"));
    let reason = Reason::FailureMemory { message: "internal error".to_owned(), until: time("2026-11-22T04:00:01Z") };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
    let plan = plan_of(failed("2026-11-21T04:00:00Z"));
    let since = time("2026-11-21T04:00:00Z");
    let reason =
        Reason::Failed { message: "internal error".to_owned(), since, kept_hours: 24, cause: FailedCause::Old };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&DELETE, &reason), "though its DeleteOn lies ahead");
}

#[test]
fn where_errored_ones_fill_the_volumes_limit_they_go_after_one_hour() {
    let failed = |n: usize, start: &str| {
        ours(&format!("snap-{n}"), "vol-1", "2026-11-22", "2026-11-29").at(start).failed("internal error")
    };
    let with = |n: usize, start: &str| world(NOW).volume("vol-1", &[]).snapshots((1..=n).map(|n| failed(n, start)));
    let since = time("2026-11-22T03:00:00Z");
    let reason =
        Reason::Failed { message: "internal error".to_owned(), since, kept_hours: 1, cause: FailedCause::FillsLimit };
    assert_eq!(of_snapshot(&with(5, "2026-11-22T03:00:00Z").expire(), "snap-1"), (&DELETE, &reason));
    for few in [with(5, "2026-11-22T03:00:01Z"), with(4, "2026-11-22T03:00:00Z")] {
        assert!(matches!(of_snapshot(&few.expire(), "snap-1"), (Act::Keep, Reason::FailureMemory { .. })));
    }
    let cold = with(1, "2026-11-22T03:00:00Z").with_volume("vol-1", |v| v.volume_type = "sc1".to_owned());
    assert_eq!(of_snapshot(&cold.expire(), "snap-1"), (&DELETE, &reason));
}

#[test]
fn an_errored_copy_goes_when_another_of_its_source_has_completed_here() {
    let source = source("snap-1", "vol-1", AWAY);
    let failed = copy("snap-c1", &source).failed("KMS").at("2026-11-22T02:00:00Z");
    let plan = world(NOW).region(AWAY).snapshots([failed.clone(), copy("snap-c2", &source)]).expire();
    let since = time("2026-11-22T02:00:00Z");
    let reason = Reason::Failed { message: "KMS".to_owned(), since, kept_hours: 168, cause: FailedCause::Replaced };
    assert_eq!(of_snapshot(&plan, "snap-c1"), (&DELETE, &reason));
    let elsewhere =
        world(NOW).region(AWAY).snapshot(failed.clone()).region(FAR).snapshot(copy("snap-c2", &source)).expire();
    assert!(matches!(of_snapshot(&elsewhere, "snap-c1").1, Reason::FailureMemory { .. }));
    let of_another = copy("snap-c2", &common::source("snap-2", "vol-1", AWAY).at("2026-11-22T03:30:00Z"));
    let plan = world(NOW).region(AWAY).snapshots([failed, of_another]).expire();
    assert!(matches!(of_snapshot(&plan, "snap-c1").1, Reason::FailureMemory { .. }), "a later one does not count");
}

#[test]
fn an_errored_copy_is_remembered_for_seven_days() {
    let source = source("snap-1", "vol-1", AWAY);
    let plan_at =
        |start: &str| world(NOW).region(AWAY).snapshot(copy("snap-c", &source).failed("KMS").at(start)).expire();
    let until = time("2026-11-22T04:00:01Z");
    let reason = Reason::FailureMemory { message: "KMS".to_owned(), until };
    assert_eq!(of_snapshot(&plan_at("2026-11-15T04:00:01Z"), "snap-c"), (&Act::Keep, &reason));
    assert_eq!(reason.to_string(), "failed (\"KMS\"); kept as the memory of it until 2026-11-22T04:00Z");
    let since = time("2026-11-15T04:00:00Z");
    let reason = Reason::Failed { message: "KMS".to_owned(), since, kept_hours: 168, cause: FailedCause::Old };
    assert_eq!(of_snapshot(&plan_at("2026-11-15T04:00:00Z"), "snap-c"), (&DELETE, &reason));
}

#[test]
fn what_is_pending_recoverable_recovering_or_unfamiliar_is_kept_also_when_its_day_has_come() {
    for state in
        [SnapshotState::Pending, SnapshotState::Recoverable, SnapshotState::Recovering, SnapshotState::Unfamiliar]
    {
        for snapshot in [expired("snap-1", "vol-1"), expired("snap-1", "vol-1").no_tag("DeleteOn")] {
            let plan = plan_of(snapshot.state(state));
            assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &Reason::NotCompleted { state }));
            assert!(plan.findings.is_empty());
        }
    }
}

#[test]
fn without_a_readable_delete_on_it_is_kept_with_a_finding() {
    for (snapshot, value) in [
        (expired("snap-1", "vol-1").no_tag("DeleteOn"), None),
        (expired("snap-1", "vol-1").tag("DeleteOn", ""), Some("")),
        (expired("snap-1", "vol-1").tag("DeleteOn", "08.11.2026"), Some("08.11.2026")),
        (expired("snap-1", "vol-1").tag("DeleteOn", "2026-02-30"), Some("2026-02-30")),
        (expired("snap-1", "vol-1").no_tag("DeleteOn").tag("deleteon", "2026-11-08"), None),
    ] {
        let value = value.map(str::to_owned);
        let plan = plan_of(snapshot);
        let reason = Reason::UnreadableDeleteOn { value: value.clone() };
        assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
        assert_eq!(problems(&plan, "snap-1"), [Problem::DeleteOnUnreadable { value }]);
    }
    let reason = Reason::UnreadableDeleteOn { value: Some("08.11.2026".to_owned()) };
    assert_eq!(reason.to_string(), "DeleteOn=\"08.11.2026\" is no day (YYYY-MM-DD): kept until it is");
}

#[test]
fn what_is_not_due_is_kept() {
    let plan = plan_of(ours("snap-1", "vol-1", "2026-11-16", "2026-11-23"));
    let reason = Reason::NotDue { delete_on: date("2026-11-23"), age_days: 6, needs_days: 7 };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
    assert_eq!(reason.to_string(), "DeleteOn 2026-11-23: 6 days old, kept for 7 days");
}

#[test]
fn a_source_whose_copy_is_pending_is_kept() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    for state in
        [SnapshotState::Pending, SnapshotState::Recoverable, SnapshotState::Recovering, SnapshotState::Unfamiliar]
    {
        let copying = copy("snap-c", &source).state(state);
        let plan = world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copying).expire();
        let reason = Reason::CopyInFlight { copy: copy_ref("eu-west-1:snap-c") };
        assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason), "{state:?}");
    }
}

#[test]
fn a_source_whose_destination_is_unread_is_kept() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", "us-west-2 eu-west-1");
    let reason = Reason::DestinationUnread { destination: region(AWAY) };
    for world in [
        world(NOW).snapshot(source.clone()).unread(AWAY),
        world(NOW).snapshot(source.clone()).region(AWAY).snapshots_gap(),
    ] {
        assert_eq!(of_snapshot(&world.expire(), "snap-1"), (&Act::Keep, &reason));
    }
}

#[test]
fn a_destination_that_does_not_exist_does_not_keep_a_source_but_an_unknown_one_does() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", "mars-1");
    let base = world(NOW).snapshot(source);
    assert_eq!(of_snapshot(&base.expire(), "snap-1"), (&DELETE, &gone()));
    let reason = Reason::DestinationUnread { destination: region("mars-1") };
    assert_eq!(of_snapshot(&base.regions_unknown().expire(), "snap-1"), (&Act::Keep, &reason));
}

#[test]
fn the_newest_completed_one_here_of_a_volume_that_exists_is_kept() {
    let plan = world(NOW).volume("vol-1", &[]).snapshot(expired("snap-1", "vol-1")).expire();
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &last_good("vol-1")));
    assert_eq!(
        last_good("vol-1").to_string(),
        "expired, but the newest completed one here of vol-1, which still exists"
    );
}

#[test]
fn with_a_newer_completed_one_here_the_expired_one_goes() {
    let young = ours("snap-2", "vol-1", "2026-11-21", "2026-11-28");
    let base = world(NOW).volume("vol-1", &[]).snapshot(expired("snap-1", "vol-1"));
    let plan = base.clone().snapshot(young.clone()).expire();
    let (act, reason) = newer("snap-2", "2026-11-21T03:05:00Z");
    assert_eq!(of_snapshot(&plan, "snap-1"), (&act, &reason));
    assert_eq!(
        reason.to_string(),
        "DeleteOn 2026-11-08, 14 days ago; 21 days old; newer here: snap-2 of 2026-11-21T03:05Z"
    );
    for no_anchor in [
        young.clone().pending(),
        young.clone().failed("internal error"),
        young.clone().owner("999999999999"),
        young.clone().no_tag("Type"),
        ours("snap-2", "vol-2", "2026-11-21", "2026-11-28"),
    ] {
        let plan = base.clone().snapshot(no_anchor).expire();
        assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &last_good("vol-1")));
    }
    let plan = base.region(AWAY).snapshot(copy("snap-c", &young)).expire();
    assert_eq!(of_snapshot(&plan, "snap-1").1, &last_good("vol-1"), "a copy elsewhere is no last good one here");
}

#[test]
fn of_a_volume_that_is_gone_or_left_out_everything_expired_goes() {
    let plan = plan_of(expired("snap-1", "vol-1"));
    assert_eq!(of_snapshot(&plan, "snap-1"), (&DELETE, &gone()));
    assert_eq!(gone().to_string(), "DeleteOn 2026-11-08, 14 days ago; 21 days old; its volume is gone");
    for value in ["No", " nO "] {
        let plan = world(NOW).volume("vol-1", &[("Backup", value)]).snapshot(expired("snap-1", "vol-1")).expire();
        assert_eq!(of_snapshot(&plan, "snap-1"), (&DELETE, &excluded()));
    }
    let plan = world(NOW).volume("vol-1", &[("Backup", "maybe")]).snapshot(expired("snap-1", "vol-1")).expire();
    assert_eq!(of_snapshot(&plan, "snap-1").1, &last_good("vol-1"));
}

#[test]
fn where_the_volumes_were_not_all_read_the_newest_is_kept() {
    let plan = world(NOW).volumes_gap().snapshot(expired("snap-1", "vol-1")).expire();
    let reason = Reason::SourceRegionUnread { unread: vec![region(HOME)] };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
}

#[test]
fn a_copys_volume_is_looked_up_in_its_source_region() {
    let old = copy("snap-c", &expired("snap-1", "vol-1"));
    let plan = world(NOW).volume("vol-1", &[]).region(AWAY).snapshot(old.clone()).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &last_good("vol-1")));
    let plan = world(NOW).volume("vol-1", &[("Backup", "No")]).region(AWAY).snapshot(old.clone()).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&DELETE, &excluded()));
    let plan = world(NOW).region(FAR).volumes_gap().region(AWAY).snapshot(old.clone()).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&DELETE, &gone()), "only its SourceRegion matters");
    let plan = world(NOW).volumes_gap().region(AWAY).snapshot(old.clone()).expire();
    let reason = Reason::SourceRegionUnread { unread: vec![region(HOME)] };
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &reason));
    let plan = world(NOW).unread(HOME).region(AWAY).snapshot(old).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &reason));
    assert_eq!(
        reason.to_string(),
        "expired, but whether its volume still exists is unknown: the volumes of us-east-1 were not all read"
    );
}

#[test]
fn where_a_copy_records_no_source_region_the_volume_is_looked_up_in_every_enabled_one() {
    let old = copy("snap-c", &expired("snap-1", "vol-1")).no_tag("SourceRegion");
    let base = world(NOW).region(AWAY).snapshot(old);
    assert_eq!(of_snapshot(&base.expire(), "snap-c"), (&DELETE, &gone()));
    let plan = base.clone().region(FAR).volume("vol-1", &[]).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &last_good("vol-1")));
    let plan = base.clone().unread(FAR).expire();
    let reason = Reason::SourceRegionUnread { unread: vec![region(FAR)] };
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &reason));
    let plan = base.regions_unknown().expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &Reason::SourceRegionUnread { unread: vec![] }));
}

#[test]
fn copies_without_a_volume_id_count_as_one_living_volume() {
    let of = |id: &str, day: &str| copy(id, &ours(&format!("{id}0"), "vol-1", day, "2026-11-10")).no_tag("VolumeID");
    let plan = world(NOW).region(AWAY).snapshots([of("snap-a", "2026-11-02"), of("snap-b", "2026-11-03")]).expire();
    assert_eq!(of_snapshot(&plan, "snap-b"), (&Act::Keep, &Reason::LastGood { volume: None }));
    assert_eq!(
        of_snapshot(&plan, "snap-a").0,
        &Act::Delete { anchor: Some(snapshot_id("snap-b")), rests_on: Vec::new() }
    );
}

#[test]
fn a_copys_volume_is_its_volume_id_tag_and_never_the_volume_that_ec2_shows() {
    let old = copy("snap-c", &expired("snap-1", "vol-1"));
    let plan = world(NOW).volume("vol-ffffffff", &[]).region(AWAY).snapshot(old).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&DELETE, &gone()));
}

#[test]
fn an_unreadable_source_snapshot_id_makes_a_copy_too() {
    let odd = expired("snap-1", "vol-1").tag("SourceSnapshotId", "?");
    let plan = plan_of(odd);
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &Reason::LastGood { volume: None }));
}

#[test]
fn deletes_go_oldest_first_and_before_what_stays() {
    let plan = world(NOW)
        .snapshots([
            ours("snap-1", "vol-1", "2026-11-03", "2026-11-10"),
            ours("snap-2", "vol-1", "2026-11-21", "2026-11-28"),
            ours("snap-3", "vol-1", "2026-11-01", "2026-11-08"),
            ours("snap-4", "vol-1", "2026-11-01", "2026-11-10"),
        ])
        .expire();
    assert_eq!(deleted(&plan), ["snap-3", "snap-4", "snap-1"]);
    assert_eq!(plan.decisions.len(), 4);
    assert!(!plan.decisions[3].act.is_change());
}

// Due.

/// Seed 5171 of the simulator.
#[test]
fn a_moment_less_than_the_days_that_were_promised_is_too_early() {
    let young = expired("snap-1", "vol-1").at("2026-11-15T12:00:00.900Z");
    let young = young.tag("CreatedOn", "2026-11-15").tag("DeleteOn", "2026-11-22");
    let plan = world("2026-11-22T12:00:00.100Z").snapshot(young.clone()).expire();
    let reason = Reason::NotDue { delete_on: date("2026-11-22"), age_days: 6, needs_days: 7 };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
    let plan = world("2026-11-22T12:00:00.900Z").snapshot(young).expire();
    assert_eq!(of_snapshot(&plan, "snap-1").0, &DELETE);
}

#[test]
fn due_on_the_day_itself_and_on_every_day_after_it() {
    for (now, overdue) in [("2026-11-08T03:05:00Z", 0), ("2026-11-09T00:00:00Z", 1), ("2027-11-08T12:00:00Z", 365)] {
        let plan = world(now).snapshot(expired("snap-1", "vol-1")).expire();
        assert!(
            matches!(of_snapshot(&plan, "snap-1"), (Act::Delete { .. }, Reason::Expired(expiry)) if expiry.overdue_days == overdue),
            "{now}"
        );
    }
    let plan = world("2026-11-07T23:59:59Z").snapshot(expired("snap-1", "vol-1")).expire();
    assert_eq!(of_snapshot(&plan, "snap-1").0, &Act::Keep);
}

#[test]
fn on_its_day_it_stays_until_it_is_as_many_full_days_old_as_was_promised() {
    let plan_at = |now: &str| world(now).snapshot(expired("snap-1", "vol-1")).expire();
    let plan = plan_at("2026-11-08T03:04:59Z");
    let reason = Reason::NotDue { delete_on: date("2026-11-08"), age_days: 6, needs_days: 7 };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
    assert!(matches!(of_snapshot(&plan_at("2026-11-08T03:05:00Z"), "snap-1").0, Act::Delete { .. }));
}

#[test]
fn a_day_moved_into_the_past_by_hand_shortens_the_promise_with_it() {
    let plan = plan_of(ours("snap-1", "vol-1", "2026-11-20", "2026-11-21"));
    assert!(matches!(of_snapshot(&plan, "snap-1").1, Reason::Expired(Expiry { age_days: 2, overdue_days: 1, .. })));
}

#[test]
fn one_that_is_younger_than_its_tags_say_stays() {
    let plan = plan_of(expired("snap-1", "vol-1").at("2026-11-16T00:00:00Z"));
    let reason = Reason::NotDue { delete_on: date("2026-11-08"), age_days: 6, needs_days: 7 };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
}

#[test]
fn a_copys_age_counts_from_its_sources_start_time() {
    let late_copy = copy("snap-c", &expired("snap-1", "vol-1")).at("2026-11-20T00:00:00Z");
    let plan = world(NOW).region(AWAY).snapshot(late_copy.clone()).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&DELETE, &gone()));
    for without in [late_copy.clone().no_tag("SourceStartTime"), late_copy.tag("SourceStartTime", "yesterday")] {
        let plan = world(NOW).region(AWAY).snapshot(without).expire();
        let reason = Reason::NotDue { delete_on: date("2026-11-08"), age_days: 2, needs_days: 7 };
        assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &reason));
    }
}

#[test]
fn source_start_time_on_what_is_no_copy_is_not_believed() {
    let young = expired("snap-1", "vol-1").at("2026-11-21T00:00:00Z").tag("SourceStartTime", "2026-01-01T00:00:00Z");
    assert!(matches!(of_snapshot(&plan_of(young), "snap-1").1, Reason::NotDue { .. }));
}

#[test]
fn without_a_readable_created_on_the_date_alone_decides() {
    let young = expired("snap-1", "vol-1").at("2026-11-21T00:00:00Z");
    for snapshot in [young.clone().no_tag("CreatedOn"), young.tag("CreatedOn", "?")] {
        assert!(matches!(of_snapshot(&plan_of(snapshot), "snap-1").1, Reason::Expired(Expiry { age_days: 1, .. })));
    }
}

#[test]
fn a_newest_one_counts_by_the_time_of_its_data() {
    let (older, younger) = (expired("snap-1", "vol-1"), ours("snap-2", "vol-1", "2026-11-02", "2026-11-09"));
    let copied_late = copy("snap-c1", &older).at("2026-11-20T00:00:00Z");
    let plan =
        world(NOW).volume("vol-1", &[]).region(AWAY).snapshots([copied_late, copy("snap-c2", &younger)]).expire();
    assert_eq!(of_snapshot(&plan, "snap-c2").1, &last_good("vol-1"));
    let (act, reason) = newer("snap-c2", "2026-11-02T03:05:00Z");
    assert_eq!(of_snapshot(&plan, "snap-c1"), (&act, &reason));
}

// Gaps.

#[test]
fn where_the_regions_snapshots_were_not_all_read_nothing_goes() {
    let failed = ours("snap-3", "vol-3", "2026-11-01", "2026-11-08").failed("internal error");
    let plan = world(NOW).snapshots([expired("snap-1", "vol-1"), failed]).snapshots_gap().expire();
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &Reason::RegionUnread));
    assert_eq!(of_snapshot(&plan, "snap-3"), (&Act::Keep, &Reason::RegionUnread));
    let what = |problem: &Problem| matches!(problem, Problem::NotRead { what, .. } if what == "snapshots");
    assert!(problems(&plan, HOME).iter().any(what));
}

#[test]
fn a_region_in_which_nothing_acts_has_no_decisions_and_is_still_asked() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let base = world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", &source).pending());
    let plan = snapwarden_core::plan::plan_expire(&base.inventory, &[region(HOME)], &Config::default());
    assert_eq!(plan.decisions.len(), 1);
    assert!(matches!(of_snapshot(&plan, "snap-1").1, Reason::CopyInFlight { .. }));
}

#[test]
fn of_two_copies_in_the_making_the_same_one_is_named_in_whatever_order_they_come() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let two = [copy("snap-c1", &source).pending(), copy("snap-c2", &source).pending()];
    let base = world(NOW).snapshot(source).region(AWAY);
    let reversed = two.iter().rev().cloned().collect::<Vec<_>>();
    let plan = base.clone().snapshots(two).expire();
    assert_eq!(plan, base.snapshots(reversed).expire());
    let named = of_snapshot(&plan, "snap-1").1.to_string();
    assert!(named.contains("snap-c1"), "{named}");
}

#[test]
fn an_instances_empty_name_is_no_name() {
    let named = |name| {
        let plan = plan_of(expired("snap-1", "vol-1").tag("InstanceName", name));
        decision(&plan, &Subject::Snapshot(snapshot_id("snap-1"))).about.name.clone()
    };
    assert_eq!((named("web"), named("")), (Some("web".to_owned()), None));
}

#[test]
fn unread_regions_are_named_in_the_same_order_in_whatever_order_they_are_listed() {
    let old = copy("snap-c", &expired("snap-1", "vol-1")).no_tag("SourceRegion");
    let base = world(NOW).unread(FAR).unread(HOME).region(AWAY).snapshot(old);
    let mut other = base.clone();
    if let snapwarden_core::inventory::Read::Whole(enabled) = &mut other.inventory.enabled {
        enabled.reverse();
    }
    assert_eq!(base.expire(), other.expire());
}

#[test]
fn an_anchor_is_never_itself_deleted_in_the_same_plan() {
    // The same volume, which is gone from its Region: one copy says which that is, the older one does not, and another
    // Region could not be read.
    let old = copy("snap-a", &expired("snap-1", "vol-1")).no_tag("SourceRegion");
    let new = copy("snap-b", &ours("snap-2", "vol-1", "2026-11-02", "2026-11-09"));
    let plan = world(NOW).region(FAR).volumes_gap().region(AWAY).snapshots([old, new]).expire();
    let gone = deleted(&plan);
    for decision in &plan.decisions {
        if let Act::Delete { anchor: Some(anchor), .. } = &decision.act {
            assert!(!gone.contains(&anchor.to_string()), "{anchor}");
        }
    }
}

// S9.

/// `due` expired ones of volumes that are gone, each a day younger than the one before, and `kept` young ones.
fn many(due: usize, kept: usize) -> World {
    let due = (0..due).map(|n| {
        let created = date("2026-11-01").checked_sub(jiff::Span::new().days(n as i64)).unwrap();
        let delete_on = created.checked_add(jiff::Span::new().days(7)).unwrap();
        ours(&format!("snap-d{n:02}"), &format!("vol-d{n}"), &created.to_string(), &delete_on.to_string())
    });
    let kept = (0..kept).map(|n| ours(&format!("snap-k{n}"), &format!("vol-k{n}"), "2026-11-21", "2026-11-28"));
    world(NOW).snapshots(due).snapshots(kept)
}

fn held(plan: &snapwarden_core::decision::Plan) -> usize {
    plan.decisions.iter().filter(|decision| decision.act == Act::Hold).count()
}

fn approved(words: &[&str]) -> Config {
    let approvals = words.iter().map(|text| text.parse::<Approval>().unwrap()).collect();
    Config { approvals, ..Config::default() }
}

#[test]
fn more_than_25_that_are_more_than_half_are_all_held_and_the_plan_prints_the_words() {
    let plan = many(26, 25).expire();
    assert_eq!((deleted(&plan).len(), held(&plan)), (0, 26));
    let reason = Reason::HeldForApproval(expiry(Stays::VolumeGone));
    assert_eq!(of_snapshot(&plan, "snap-d00"), (&Act::Hold, &reason));
    assert_eq!(plan.holds.len(), 1);
    assert_eq!(
        plan.holds[0].to_string(),
        "us-east-1: 26 of 51 managed snapshots would be deleted at once; none is approved, so all of them are held. If \
         they may go, run again with --approve us-east-1:2026-11-22:26"
    );
}

#[test]
fn twenty_five_or_half_are_not_held() {
    for (due, kept) in [(25, 0), (26, 26), (60, 60)] {
        let plan = many(due, kept).expire();
        assert_eq!((deleted(&plan).len(), held(&plan), plan.holds.len()), (due, 0, 0));
    }
}

#[test]
fn each_region_is_counted_by_itself() {
    let away = many(25, 0).inventory.regions.remove(&region(HOME)).unwrap();
    let mut both = many(26, 0);
    both.inventory.regions.insert(region(AWAY), away);
    let plan = both.expire();
    assert_eq!((deleted(&plan).len(), held(&plan)), (25, 26));
    assert_eq!(plan.holds[0].region, region(HOME));
}

#[test]
fn failed_ones_neither_count_nor_wait() {
    let failed = (0..40).map(|n| expired(&format!("snap-f{n}"), &format!("vol-f{n}")).failed("internal error"));
    let plan = many(25, 0).snapshots(failed.clone()).expire();
    assert_eq!((deleted(&plan).len(), held(&plan)), (65, 0));
    let plan = many(60, 0).snapshots(failed).expire();
    assert_eq!((deleted(&plan).len(), held(&plan)), (40, 60));
}

#[test]
fn unmanaged_ones_do_not_count_among_the_managed() {
    let foreign = (0..40).map(|n| bare(&format!("snap-f{n}"), "vol-f"));
    assert_eq!(held(&many(26, 0).snapshots(foreign).expire()), 26);
}

#[test]
fn the_printed_words_let_them_all_go() {
    let words = many(30, 0).expire().holds[0].approval.to_string();
    let plan = many(30, 0).expire_with(&approved(&[&words]));
    assert_eq!((deleted(&plan).len(), held(&plan), plan.holds.len()), (30, 0, 0));
}

#[test]
fn an_approval_lets_go_the_oldest_up_to_its_count() {
    let plan = many(30, 0).expire_with(&approved(&["us-east-1:2026-11-22:10"]));
    let oldest: Vec<_> = (20..30).rev().map(|n| format!("snap-d{n}")).collect();
    assert_eq!((deleted(&plan), held(&plan)), (oldest, 20));
    assert_eq!((plan.holds[0].expired, plan.holds[0].approved), (30, 10));
    assert_eq!(plan.holds[0].approval.to_string(), "us-east-1:2026-11-22:30");
}

#[test]
fn an_approval_lets_go_only_what_was_to_go_by_its_day() {
    let plan = many(30, 0).expire_with(&approved(&["us-east-1:2026-10-14:412"]));
    let oldest: Vec<_> = (25..30).rev().map(|n| format!("snap-d{n}")).collect();
    assert_eq!((deleted(&plan), held(&plan)), (oldest, 25));
}

#[test]
fn an_approval_of_another_region_lets_nothing_go() {
    let plan = many(30, 0).expire_with(&approved(&["eu-west-1:2026-11-22:412"]));
    assert_eq!((deleted(&plan).len(), held(&plan)), (0, 30));
}

#[test]
fn an_approval_never_lets_go_what_is_kept() {
    let plan = many(30, 2).expire_with(&approved(&["us-east-1:2027-11-22:412"]));
    assert_eq!((deleted(&plan).len(), held(&plan)), (30, 0));
    assert!(matches!(of_snapshot(&plan, "snap-k0").1, Reason::NotDue { .. }));
}

#[test]
fn a_source_that_never_got_its_copy_says_so_before_it_goes() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let base = world(NOW).snapshot(source.clone()).region(AWAY);
    let reason = |plan: &snapwarden_core::decision::Plan| of_snapshot(plan, "snap-1").1.to_string();
    assert!(reason(&base.clone().expire()).ends_with("; NO COPY in eu-west-1"));
    assert!(!reason(&base.clone().snapshot(copy("snap-c", &source)).expire()).contains("NO COPY"));
    let stamped = world(NOW).snapshot(source.tag("OffsiteSnapshotId", "eu-west-1:snap-c")).region(AWAY).expire();
    assert!(!reason(&stamped).contains("NO COPY"), "verified once, and expired since");
}

#[test]
fn a_copy_that_says_its_data_is_younger_than_itself_is_not_believed() {
    let (older, younger) = (expired("snap-1", "vol-1"), ours("snap-2", "vol-1", "2026-11-02", "2026-11-09"));
    let lying = copy("snap-c1", &older).tag("SourceStartTime", "2099-01-01T00:00:00Z");
    let world = world(NOW).volume("vol-1", &[]).region(AWAY).snapshots([lying, copy("snap-c2", &younger)]);
    let plan = world.expire();
    assert_eq!(of_snapshot(&plan, "snap-c2").1, &last_good("vol-1"), "S6: the true newest stays");
    assert_eq!(deleted(&plan), ["snap-c1"]);
}

#[test]
fn a_volume_that_an_instance_still_has_is_not_gone_though_the_list_lacks_it() {
    let attached = world(NOW).instance("i-1", &[("Backup", "Yes")], &[("/dev/xvda", "vol-1")]).without_volume("vol-1");
    let plan = attached.snapshot(expired("snap-1", "vol-1")).expire();
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &last_good("vol-1")));
}

#[test]
fn the_reason_tells_a_volume_that_is_gone_from_one_that_is_left_out() {
    let gone = plan_of(expired("snap-1", "vol-1"));
    assert!(of_snapshot(&gone, "snap-1").1.to_string().ends_with("its volume is gone"));
    let excluded = world(NOW).volume("vol-1", &[("Backup", "No")]).snapshot(expired("snap-1", "vol-1")).expire();
    assert!(of_snapshot(&excluded, "snap-1").1.to_string().ends_with("its volume is tagged Backup=No"));
}
