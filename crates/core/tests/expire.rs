//! The manager's table, row by row, and the sentences beside it; what is due (docs/safety.md, S3); and S9.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::*;
use snapwarden_core::approval::Approval;
use snapwarden_core::check::check;
use snapwarden_core::decision::{
    Act, Amount, Expiry, FailedCause, Newer, Over, Plan, Problem, Reason, Stays, Subject, Unread,
};
use snapwarden_core::inventory::SnapshotState;
use snapwarden_core::policy::Config;

const DELETE: Act = Act::Delete { anchor: None, rests_on: Vec::new() };

/// The volume is there, and nothing but this of it.
fn plan_of(snapshot: Snap) -> Plan {
    world(NOW).volume("vol-1", &[]).snapshot(snapshot).expire()
}

/// The same, and at `now` a newer one has been made.
fn beside_newer(now: &str, snapshot: Snap) -> Plan {
    let newer = bare("snap-n", "vol-1").at(now).tag("Type", "Automated").tag("DeleteOn", "2030-01-01");
    world(now).volume("vol-1", &[]).snapshots([snapshot, newer]).expire()
}

/// One of ours that is due, of a volume that was seen to be over so long ago that the closing days have passed.
fn over(id: &str, volume: &str) -> Snap {
    ours(id, volume, "2026-09-01", "2026-09-08").tag("snapwarden:closed", "2026-10-01")
}

/// Of [`over`], where the volume is gone.
fn gone() -> Reason {
    Reason::Expired(gone_expiry())
}

fn gone_expiry() -> Expiry {
    let stays = Stays::Over(Over::VolumeGone, date("2026-10-01"));
    Expiry { delete_on: date("2026-09-08"), overdue_days: 75, age_days: 82, ..expiry(stays) }
}

/// Of [`expired`].
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

/// The mark of a volume that is over, as the first run that sees it writes it.
fn mark(volume: &str, over: Over) -> (Act, Reason) {
    let (volume, until) = (volume_id(volume), date("2026-12-23"));
    (Act::Mark { closed: Some(date("2026-11-22")) }, Reason::VolumeOver { volume, over, until })
}

fn unread(unread: &[Unread]) -> Reason {
    Reason::HistoryUnread { unread: unread.to_vec() }
}

fn newer(id: &str, of: &str) -> (Act, Reason) {
    let newer = Newer { snapshot: snapshot_id(id), of: time(of) };
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
    let trimmed = over("snap-1", "vol-1").tag("Type", " Automated ").tag("aws:cloudformation:stack-id", "x");
    assert_eq!(of_snapshot(&world(NOW).snapshot(trimmed).expire(), "snap-1"), (&DELETE, &gone()));
}

#[test]
fn the_manager_deletes_copies_and_sources_alike() {
    let source = over("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let plan = world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", &source)).expire();
    assert_eq!(deleted(&plan), ["snap-c", "snap-1"]);
    assert_eq!(of_snapshot(&plan, "snap-c").1, &gone());
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
fn where_errored_ones_fill_the_volumes_limit_all_but_the_first_and_the_last_go_after_one_hour() {
    let failed = |n: usize, start: &str| {
        ours(&format!("snap-{n}"), "vol-1", "2026-11-22", "2026-11-29").at(start).failed("internal error")
    };
    let with = |n: usize, start: &str| world(NOW).volume("vol-1", &[]).snapshots((1..=n).map(|n| failed(n, start)));
    let since = time("2026-11-22T03:00:00Z");
    let reason =
        Reason::Failed { message: "internal error".to_owned(), since, kept_hours: 1, cause: FailedCause::FillsLimit };
    let full = with(5, "2026-11-22T03:00:00Z").expire();
    for between in ["snap-2", "snap-3", "snap-4"] {
        assert_eq!(of_snapshot(&full, between), (&DELETE, &reason));
    }
    for memory in ["snap-1", "snap-5"] {
        let row = of_snapshot(&full, memory);
        assert!(matches!(row, (Act::Keep, Reason::FailureMemory { .. })), "the creator counts its pauses from it");
    }
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
    assert_eq!(reason.to_string(), "failed (\"KMS\"); kept as evidence of the failure until 2026-11-22T04:00Z");
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
            let said = problems(&plan, HOME);
            if state == SnapshotState::Unfamiliar {
                let some = Amount { snapshots: 1, gib: 8 };
                assert_eq!(said, [Problem::Unfamiliar { some, example: "snap-1".parse().unwrap() }]);
            } else {
                let some = Amount { snapshots: 1, gib: 8 };
                assert_eq!(said, [Problem::PendingLong { some, example: "snap-1".parse().unwrap() }]);
            }
        }
    }
}

#[test]
fn nothing_rests_on_what_is_of_a_time_that_has_not_come() {
    let old = || expired("snap-1", "vol-1");
    for (start, goes) in
        [("2026-11-22T04:04:59Z", true), ("2026-11-22T04:05:01Z", false), ("2027-11-22T03:05:00Z", false)]
    {
        let newer =
            ours("snap-2", "vol-1", "2026-11-22", "2026-11-29").at(start).no_tag("CreatedOn").no_tag("snapwarden:slot");
        let plan = world("2026-11-22T04:00:00Z").server("i-1", &[], "vol-1").snapshots([old(), newer]).expire();
        assert_eq!(deleted(&plan), if goes { vec!["snap-1"] } else { vec![] }, "{start}");
        if !goes {
            assert_eq!(of_snapshot(&plan, "snap-2"), (&Act::Keep, &Reason::FromTheFuture { at: time(start) }));
            assert!(matches!(of_snapshot(&plan, "snap-1").1, Reason::LastGood { .. }));
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
    let source = over("snap-1", "vol-1").tag("DestinationRegion", AWAY);
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
    let source = over("snap-1", "vol-1").tag("DestinationRegion", "us-west-2 eu-west-1");
    let reason = unread(&[Unread::Snapshots(region(AWAY))]);
    for world in [
        world(NOW).snapshot(source.clone()).unread(AWAY),
        world(NOW).snapshot(source.clone()).region(AWAY).snapshots_gap(),
    ] {
        assert_eq!(of_snapshot(&world.expire(), "snap-1"), (&Act::Keep, &reason));
    }
}

#[test]
fn a_destination_that_does_not_exist_does_not_keep_a_source_but_an_unknown_one_does() {
    let source = over("snap-1", "vol-1").tag("DestinationRegion", "mars-1");
    let base = world(NOW).snapshot(source);
    assert_eq!(of_snapshot(&base.expire(), "snap-1"), (&DELETE, &gone()));
    let reason = unread(&[Unread::Snapshots(region("mars-1"))]);
    assert_eq!(of_snapshot(&base.regions_unknown().expire(), "snap-1"), (&Act::Keep, &reason));
}

#[test]
fn the_newest_completed_one_here_of_a_volume_that_exists_is_kept() {
    let plan = world(NOW).volume("vol-1", &[]).snapshot(expired("snap-1", "vol-1")).expire();
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &last_good("vol-1")));
    assert_eq!(last_good("vol-1").to_string(), "DeleteOn has come; kept: the last good one here of vol-1");
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
fn what_is_left_of_a_volume_that_is_over_is_marked_judged_as_open_for_30_days_and_then_goes() {
    let young = ours("snap-2", "vol-1", "2026-11-02", "2026-11-09");
    let base = |now: &str| world(now).snapshot(expired("snap-1", "vol-1"));
    // As in a history that is open: the older one goes, the newest stays, and carries the mark.
    let plan = base(NOW).snapshot(young.clone()).expire();
    let (act, reason) = newer("snap-2", "2026-11-02T03:05:00Z");
    assert_eq!(of_snapshot(&plan, "snap-1"), (&act, &reason));
    let (act, reason) = mark("vol-1", Over::VolumeGone);
    assert_eq!(of_snapshot(&plan, "snap-2"), (&act, &reason));
    assert_eq!(reason.to_string(), "its volume is gone: kept as before until 2026-12-23, then deleted step by step");
    let marked = young.tag("snapwarden:closed", "2026-11-22");
    let plan = world("2026-12-22T23:59:00Z").snapshot(marked.clone()).expire();
    let (delete_on, until) = (date("2026-11-09"), date("2026-12-23"));
    let reason = Reason::KeptForClosing { delete_on, until, wanted: None };
    assert_eq!(of_snapshot(&plan, "snap-2"), (&Act::Keep, &reason));
    assert_eq!(
        reason.to_string(),
        "DeleteOn 2026-11-09 has come; its volume is gone or Backup=No: until 2026-12-23 kept as the last good one here"
    );
    let plan = world("2026-12-23T00:00:00Z").snapshot(marked).expire();
    let (act, reason) = of_snapshot(&plan, "snap-2");
    assert_eq!(act, &DELETE);
    assert_eq!(
        reason.to_string(),
        "DeleteOn 2026-11-09, 44 days ago; 50 days old; its volume is gone, since 2026-11-22"
    );
}

#[test]
fn a_volume_tagged_no_and_one_of_instances_tagged_no_alone_are_over() {
    for value in ["No", " nO "] {
        let plan = world(NOW).volume("vol-1", &[("Backup", value)]).snapshot(expired("snap-1", "vol-1")).expire();
        let (act, reason) = mark("vol-1", Over::VolumeExcluded);
        assert_eq!(of_snapshot(&plan, "snap-1"), (&act, &reason));
    }
    for value in ["maybe", "", "Yes"] {
        let plan = world(NOW).volume("vol-1", &[("Backup", value)]).snapshot(expired("snap-1", "vol-1")).expire();
        assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &last_good("vol-1")), "{value}");
    }
    let excluded = |id: &str, world: World| world.instance(id, &[("Backup", "no")], &[("/dev/xvda", "vol-1")]);
    let both = excluded("i-2", excluded("i-1", world(NOW))).snapshot(expired("snap-1", "vol-1"));
    let (act, reason) = mark("vol-1", Over::InstancesExcluded);
    assert_eq!(of_snapshot(&both.expire(), "snap-1"), (&act, &reason));
    assert!(
        reason
            .to_string()
            .starts_with("its volume is attached to instances tagged Backup=No only: kept as before until 2026-12-23")
    );
    let one_says_nothing = both.with_instance("i-2", |instance| instance.tags.remove("Backup"));
    assert_eq!(of_snapshot(&one_says_nothing.expire(), "snap-1"), (&Act::Keep, &last_good("vol-1")));
}

#[test]
fn a_mark_ends_when_its_volume_is_not_over_any_more() {
    let plan = plan_of(expired("snap-1", "vol-1").tag("snapwarden:closed", "2026-11-20"));
    let reason = Reason::VolumeBack { volume: volume_id("vol-1") };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Mark { closed: None }, &reason));
    assert_eq!(reason.to_string(), "its volume is there again, or no longer Backup=No: snapwarden:closed is emptied");
    // An empty one is none, and what could not be read ends nothing.
    let emptied = plan_of(expired("snap-1", "vol-1").tag("snapwarden:closed", ""));
    assert_eq!(of_snapshot(&emptied, "snap-1"), (&Act::Keep, &last_good("vol-1")));
    let marked = expired("snap-1", "vol-1").tag("snapwarden:closed", "2026-11-20");
    let plan = world(NOW).volume("vol-1", &[]).volumes_gap().snapshot(marked).expire();
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &unread(&[Unread::Volumes(region(HOME))])));
}

#[test]
fn a_mark_that_cannot_be_believed_counts_as_none() {
    // Before the newest data, in the future, no day.
    for day in ["2026-10-31", "2026-11-23", "soon"] {
        let plan = world(NOW).snapshot(expired("snap-1", "vol-1").tag("snapwarden:closed", day)).expire();
        let (act, reason) = mark("vol-1", Over::VolumeGone);
        assert_eq!(of_snapshot(&plan, "snap-1"), (&act, &reason), "{day}");
    }
}

#[test]
fn where_the_volumes_were_not_all_read_the_newest_is_kept() {
    let plan = world(NOW).volumes_gap().snapshot(expired("snap-1", "vol-1")).expire();
    let reason = unread(&[Unread::Volumes(region(HOME))]);
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
}

#[test]
fn a_copys_volume_is_looked_up_in_its_source_region() {
    let old = copy("snap-c", &expired("snap-1", "vol-1"));
    let plan = world(NOW).volume("vol-1", &[]).region(AWAY).snapshot(old.clone()).expire();
    let newest = Reason::NewestData { volume: volume_id("vol-1") };
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &newest));
    assert_eq!(newest.to_string(), "DeleteOn has come; kept: the newest data of vol-1");
    let plan = world(NOW).volume("vol-1", &[("Backup", "No")]).region(AWAY).snapshot(old.clone()).expire();
    let (act, reason) = mark("vol-1", Over::VolumeExcluded);
    assert_eq!(of_snapshot(&plan, "snap-c"), (&act, &reason));
    let plan = world(NOW).region(FAR).volumes_gap().region(AWAY).snapshot(old.clone()).expire();
    let (act, reason) = mark("vol-1", Over::VolumeGone);
    assert_eq!(of_snapshot(&plan, "snap-c"), (&act, &reason), "only its SourceRegion matters");
    let plan = world(NOW).volumes_gap().region(AWAY).snapshot(old.clone()).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &unread(&[Unread::Volumes(region(HOME))])));
    let plan = world(NOW).unread(HOME).region(AWAY).snapshot(old).expire();
    let reason = unread(&[Unread::Volumes, Unread::Instances, Unread::Snapshots].map(|of| of(region(HOME))));
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &reason));
    assert_eq!(
        reason.to_string(),
        "DeleteOn has come; kept: the volumes, instances, snapshots of us-east-1 could not be read"
    );
}

#[test]
fn where_a_copy_records_no_source_region_the_volume_is_looked_up_in_every_enabled_one() {
    let old = copy("snap-c", &expired("snap-1", "vol-1")).no_tag("SourceRegion");
    let base = world(NOW).region(AWAY).snapshot(old);
    let (act, reason) = mark("vol-1", Over::VolumeGone);
    assert_eq!(of_snapshot(&base.expire(), "snap-c"), (&act, &reason));
    let plan = base.clone().region(FAR).volume("vol-1", &[]).expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &Reason::NewestData { volume: volume_id("vol-1") }));
    let plan = base.clone().unread(FAR).expire();
    let reason = unread(&[Unread::Volumes, Unread::Instances, Unread::Snapshots].map(|of| of(region(FAR))));
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &reason));
    let plan = base.regions_unknown().expire();
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &unread(&[Unread::Regions])));
}

#[test]
fn copies_without_a_volume_id_are_kept_in_doubt_whose_they_are() {
    let of = |id: &str, day: &str| copy(id, &ours(&format!("{id}0"), "vol-1", day, "2026-11-10")).no_tag("VolumeID");
    let plan = world(NOW).region(AWAY).snapshots([of("snap-a", "2026-11-02"), of("snap-b", "2026-11-03")]).expire();
    for id in ["snap-a", "snap-b"] {
        assert_eq!(of_snapshot(&plan, id), (&Act::Keep, &Reason::NoVolume));
    }
    assert_eq!(Reason::NoVolume.to_string(), "DeleteOn has come; kept: it is a copy that does not say of which volume");
}

#[test]
fn a_copys_volume_is_its_volume_id_tag_and_never_the_volume_that_ec2_shows() {
    let old = copy("snap-c", &expired("snap-1", "vol-1"));
    let plan = world(NOW).volume("vol-ffffffff", &[]).region(AWAY).snapshot(old).expire();
    let (act, reason) = mark("vol-1", Over::VolumeGone);
    assert_eq!(of_snapshot(&plan, "snap-c"), (&act, &reason));
}

#[test]
fn an_unreadable_source_snapshot_id_makes_a_copy_too() {
    let odd = |volume: &str| plan_of(expired("snap-1", volume).tag("SourceSnapshotId", "?"));
    assert_eq!(of_snapshot(&odd("vol-ffffffff"), "snap-1"), (&Act::Keep, &Reason::NoVolume));
    assert!(odd("vol-1").decisions.is_empty(), "EC2 says that it is no copy: its tags are another one's");
}

#[test]
fn deletes_go_oldest_first_and_before_what_stays() {
    let plan = world(NOW)
        .volume("vol-1", &[])
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
    let young = young.tag("snapwarden:slot", "2026-11-15T12:00Z");
    let plan = beside_newer("2026-11-22T12:00:00.100Z", young.clone());
    let reason = Reason::NotDue { delete_on: date("2026-11-22"), age_days: 6, needs_days: 7 };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
    let plan = beside_newer("2026-11-22T12:00:00.900Z", young);
    assert!(matches!(of_snapshot(&plan, "snap-1").0, Act::Delete { .. }));
}

#[test]
fn due_on_the_day_itself_and_on_every_day_after_it() {
    for (now, overdue) in [("2026-11-08T03:05:00Z", 0), ("2026-11-09T00:00:00Z", 1), ("2027-11-08T12:00:00Z", 365)] {
        let plan = beside_newer(now, expired("snap-1", "vol-1"));
        assert!(
            matches!(of_snapshot(&plan, "snap-1"), (Act::Delete { .. }, Reason::Expired(expiry)) if expiry.overdue_days == overdue),
            "{now}"
        );
    }
    let plan = beside_newer("2026-11-07T23:59:59Z", expired("snap-1", "vol-1"));
    assert_eq!(of_snapshot(&plan, "snap-1").0, &Act::Keep);
}

#[test]
fn on_its_day_it_stays_until_it_is_as_many_full_days_old_as_was_promised() {
    let plan_at = |now: &str| beside_newer(now, expired("snap-1", "vol-1"));
    let plan = plan_at("2026-11-08T03:04:59Z");
    let reason = Reason::NotDue { delete_on: date("2026-11-08"), age_days: 6, needs_days: 7 };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
    assert!(matches!(of_snapshot(&plan_at("2026-11-08T03:05:00Z"), "snap-1").0, Act::Delete { .. }));
}

#[test]
fn a_day_moved_into_the_past_by_hand_shortens_the_promise_with_it() {
    let plan = beside_newer(NOW, ours("snap-1", "vol-1", "2026-11-20", "2026-11-21"));
    assert!(matches!(of_snapshot(&plan, "snap-1").1, Reason::Expired(Expiry { age_days: 2, overdue_days: 1, .. })));
}

#[test]
fn one_that_is_younger_than_its_tags_say_stays() {
    let young = ours("snap-1", "vol-1", "2026-11-15", "2026-11-22").at("2026-11-16T00:00:00Z");
    let plan = beside_newer(NOW, young);
    let reason = Reason::NotDue { delete_on: date("2026-11-22"), age_days: 6, needs_days: 7 };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
}

#[test]
fn what_was_made_days_after_its_tags_say_has_those_of_another_one_and_is_none_of_ours() {
    for snapshot in [
        expired("snap-1", "vol-1").at("2026-11-03T00:00:00Z"),
        expired("snap-1", "vol-1").at("2026-10-30T23:59:00Z"),
        expired("snap-1", "vol-1").no_tag("CreatedOn").at("2026-11-03T00:00:00Z"),
        expired("snap-1", "vol-1").tag("snapwarden:slot", "2026-11-03T03:00Z"),
    ] {
        assert!(plan_of(snapshot.clone()).decisions.is_empty(), "{:?}", snapshot.0);
    }
    // A run may cross midnight, and a slot may be made up for days later.
    for snapshot in [
        expired("snap-1", "vol-1").at("2026-11-02T23:59:00Z"),
        expired("snap-1", "vol-1").tag("snapwarden:slot", "2026-10-25T03:00Z"),
        expired("snap-1", "vol-1").no_tag("CreatedOn").no_tag("snapwarden:slot").at("2026-11-20T00:00:00Z"),
    ] {
        assert_eq!(plan_of(snapshot.clone()).decisions.len(), 1, "{:?}", snapshot.0);
    }
}

#[test]
fn a_copys_age_counts_from_its_sources_start_time() {
    let late_copy = copy("snap-c", &expired("snap-1", "vol-1")).at("2026-11-20T00:00:00Z");
    let newest = ours("snap-n", "vol-1", "2026-11-21", "2026-11-28");
    let base = world(NOW).volume("vol-1", &[]).snapshot(newest).region(AWAY);
    let plan = base.clone().snapshot(late_copy.clone()).expire();
    let newest = copy_ref("us-east-1:snap-n");
    let act = Act::Delete { anchor: None, rests_on: vec![newest.clone()] };
    let reason = Reason::Expired(expiry(Stays::NoDestination(newest)));
    assert_eq!(of_snapshot(&plan, "snap-c"), (&act, &reason));
    assert_eq!(
        reason.to_string(),
        "DeleteOn 2026-11-08, 14 days ago; 21 days old; no copies come to this Region any more; its volume's newest is \
         us-east-1:snap-n"
    );
    for without in [late_copy.clone().no_tag("SourceStartTime"), late_copy.tag("SourceStartTime", "yesterday")] {
        let plan = base.clone().snapshot(without).expire();
        let reason = Reason::NotDue { delete_on: date("2026-11-08"), age_days: 2, needs_days: 7 };
        assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &reason));
    }
}

#[test]
fn source_start_time_on_what_is_no_copy_is_not_believed() {
    let young = ours("snap-1", "vol-1", "2026-11-16", "2026-11-22").tag("SourceStartTime", "2026-01-01T00:00:00Z");
    let young = young.tag("CreatedOn", "2026-11-15");
    assert!(matches!(of_snapshot(&beside_newer(NOW, young), "snap-1").1, Reason::NotDue { age_days: 6, .. }));
}

#[test]
fn without_a_readable_created_on_the_date_alone_decides() {
    let young = expired("snap-1", "vol-1").no_tag("snapwarden:slot").at("2026-11-21T00:00:00Z");
    for snapshot in [young.clone().no_tag("CreatedOn"), young.tag("CreatedOn", "?")] {
        let plan = beside_newer(NOW, snapshot);
        assert!(matches!(of_snapshot(&plan, "snap-1").1, Reason::Expired(Expiry { age_days: 1, .. })));
    }
}

#[test]
fn a_newest_one_counts_by_the_time_of_its_data() {
    let to_away = |snap: Snap| snap.tag("DestinationRegion", AWAY);
    let older = to_away(expired("snap-1", "vol-1"));
    let younger = to_away(ours("snap-2", "vol-1", "2026-11-02", "2026-11-09"));
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
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &unread(&[Unread::Snapshots(region(HOME))])));
    assert_eq!(of_snapshot(&plan, "snap-3"), (&Act::Keep, &Reason::RegionUnread));
    let what = |problem: &Problem| matches!(problem, Problem::NotRead { what, .. } if what == "snapshots");
    assert!(problems(&plan, HOME).iter().any(what));
}

#[test]
fn a_region_in_which_nothing_acts_has_no_decisions_and_is_still_asked() {
    let source = over("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let base = world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", &source).pending());
    let plan = snapwarden_core::plan::plan_expire(&base.inventory, &[region(HOME)], &Config::default());
    assert_eq!(plan.decisions.len(), 1);
    assert!(matches!(of_snapshot(&plan, "snap-1").1, Reason::CopyInFlight { .. }));
}

#[test]
fn of_two_copies_in_the_making_the_same_one_is_named_in_whatever_order_they_come() {
    let source = over("snap-1", "vol-1").tag("DestinationRegion", AWAY);
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
        decision(&plan, &Subject::Snapshot(target("snap-1"))).about.name.clone()
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

/// `due` expired ones of volumes that are over, each a day younger than the one before, and `kept` young ones of
/// volumes that are there.
fn many(due: usize, kept: usize) -> World {
    let due = (0..due).map(|n| {
        let created = date("2026-09-01").checked_sub(jiff::Span::new().days(n as i64)).unwrap();
        let delete_on = created.checked_add(jiff::Span::new().days(7)).unwrap();
        ours(&format!("snap-d{n:02}"), &format!("vol-d{n}"), &created.to_string(), &delete_on.to_string())
            .tag("snapwarden:closed", "2026-10-01")
    });
    let world = (0..kept).fold(world(NOW), |world, n| world.volume(&format!("vol-k{n}"), &[]));
    let kept = (0..kept).map(|n| ours(&format!("snap-k{n}"), &format!("vol-k{n}"), "2026-11-21", "2026-11-28"));
    world.snapshots(due).snapshots(kept)
}

fn held(plan: &Plan) -> usize {
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
    let reason = Reason::HeldForApproval(gone_expiry());
    assert_eq!(of_snapshot(&plan, "snap-d00"), (&Act::Hold, &reason));
    assert_eq!(plan.holds.len(), 1);
    assert_eq!(
        plan.holds[0].to_string(),
        "us-east-1: 26 of 51 managed snapshots would be deleted at once; none is approved, so all of them are held. If \
         they may go, run expire with --approve us-east-1:2026-11-22:26"
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
    let first = "us-east-1: 30 of 30 managed snapshots would be deleted at once; 10 are approved, 20 are held. ";
    let next = "The next run deletes the rest without words, since it counts anew: pin what shall stay. ";
    let words = "If all may go, run expire with --approve us-east-1:2026-11-22:30";
    assert_eq!(plan.holds[0].to_string(), [first, next, words].concat());
    let more = many(60, 0).expire_with(&approved(&["us-east-1:2026-11-22:10"]));
    let held = "us-east-1: 60 of 60 managed snapshots would be deleted at once; 10 are approved, 50 are held. ";
    assert_eq!(more.holds[0].to_string(), [held, &words.replace(":30", ":60")].concat());
}

#[test]
fn what_other_words_let_go_and_a_mass_expiry_holds_needs_both_and_does_not_go_by_itself() {
    // Thirty that an earlier policy keeps for a few days more.
    let of = |day: &str, record: &str| {
        let next = (date(day).tomorrow().unwrap()).to_string();
        ours(&format!("snap-{day}"), "vol-1", day, &next).tag("snapwarden:retention", record)
    };
    let old = (1..=30).map(|n| of(&format!("2026-09-{n:02}"), "days=1 last=60"));
    let newest = ["2026-11-20", "2026-11-21"].map(|day| of(day, "days=1"));
    let account = world(NOW).server("i-1", &[("RetentionDays", "1")], "vol-1").snapshots(old).snapshots(newest);
    let words = |plan: &Plan| plan.holds[0].to_string();
    let instance = "i-1:2026-11-22:29";
    let held = account.expire_with(&approved(&[instance]));
    assert!(
        words(&held).ends_with("run expire with --approve us-east-1:2026-11-22:29 --approve i-1:2026-11-22:29"),
        "{}",
        words(&held)
    );
    let part = account.expire_with(&approved(&[instance, "us-east-1:2026-11-22:9"]));
    assert_eq!(deleted(&part).len(), 9);
    assert!(!words(&part).contains("without words"), "{}", words(&part));
    assert_eq!(deleted(&account.expire_with(&approved(&[instance, "us-east-1:2026-11-22:29"]))).len(), 29);
}

/// Of a volume that nothing keeps 27 snapshots but the newest; the one of the 14th dates a change of tags.
fn with_a_change() -> World {
    let made = |n: u32| {
        let (day, delete_on) = (format!("2026-10-{n:02}"), format!("2026-10-{:02}", n + 1));
        let record = if n < 14 { "days=1 last=1" } else { "days=1" };
        ours(&format!("snap-{n:02}"), "vol-1", &day, &delete_on).tag("snapwarden:retention", record)
    };
    let newest = ours("snap-new", "vol-1", "2026-11-21", "2026-11-28").tag("snapwarden:retention", "days=1");
    world(NOW)
        .server("i-1", &[("Backup", "Yes"), ("RetentionDays", "1")], "vol-1")
        .snapshots((1..28).map(made))
        .snapshot(newest)
}

#[test]
fn an_approval_lets_go_what_the_plan_held_and_nothing_that_it_kept() {
    let world = with_a_change();
    let plan = world.expire();
    assert_eq!((held(&plan), deleted(&plan).len()), (27, 0));
    assert_eq!(plan.holds[0].approval.to_string(), "us-east-1:2026-11-22:27");
    let approve = |words: &str| world.expire_with(&approved(&[words]));
    assert_eq!(deleted(&approve("us-east-1:2026-11-22:27")).len(), 27);
    // The oldest of it: none older is left that the one of the 14th would date.
    for count in [26, 20] {
        let plan = approve(&format!("us-east-1:2026-11-22:{count}"));
        let oldest: Vec<_> = (1..=count).map(|n| format!("snap-{n:02}")).collect();
        assert_eq!(deleted(&plan), oldest);
        assert_eq!((plan.holds[0].expired, plan.holds[0].approved), (27, count));
    }
}

#[test]
fn what_a_held_one_rests_on_is_held_with_it() {
    // The mark of a volume that is gone lies on the older one: without it the closing days would begin again.
    let marked = ours("snap-a", "vol-1", "2026-08-01", "2026-08-08").tag("snapwarden:closed", "2026-08-02");
    let newest = ours("snap-b", "vol-1", "2026-08-02", "2026-08-09");
    let world = many(30, 0).snapshots([marked, newest]);
    let plan = world.expire();
    assert_eq!((held(&plan), deleted(&plan).len()), (32, 0));
    let approve = |words: &str| deleted(&world.expire_with(&approved(&[words])));
    assert_eq!(approve("us-east-1:2026-11-22:32").len(), 32);
    assert_eq!(approve("us-east-1:2026-11-22:2"), ["snap-a", "snap-b"]);
    assert_eq!(approve("us-east-1:2026-11-22:1"), [""; 0]);
    assert_eq!(approve("us-east-1:2026-11-22:31").len(), 31);
}

#[test]
fn an_approval_lets_go_only_what_was_to_go_by_its_day() {
    let plan = many(30, 0).expire_with(&approved(&["us-east-1:2026-08-14:412"]));
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
    let source = over("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let base = world(NOW).snapshot(source.clone()).region(AWAY);
    let reason = |plan: &Plan| of_snapshot(plan, "snap-1").1.to_string();
    assert!(reason(&base.clone().expire()).ends_with("; NO COPY in eu-west-1"));
    assert!(!reason(&base.clone().snapshot(copy("snap-c", &source)).expire()).contains("NO COPY"));
    let stamped = world(NOW).snapshot(source.tag("OffsiteSnapshotId", "eu-west-1:snap-c")).region(AWAY).expire();
    assert!(!reason(&stamped).contains("NO COPY"), "verified once, and expired since");
}

#[test]
fn a_copy_that_says_its_data_is_younger_than_itself_is_not_believed() {
    let to_away = |snap: Snap| snap.tag("DestinationRegion", AWAY);
    let older = to_away(expired("snap-1", "vol-1"));
    let younger = to_away(ours("snap-2", "vol-1", "2026-11-02", "2026-11-09"));
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
    let reason = |world: World| of_snapshot(&world.snapshot(over("snap-1", "vol-1")).expire(), "snap-1").1.to_string();
    assert!(reason(world(NOW)).ends_with("its volume is gone, since 2026-10-01"));
    let excluded = world(NOW).volume("vol-1", &[("Backup", "No")]);
    assert!(reason(excluded).ends_with("its volume is tagged Backup=No, since 2026-10-01"));
}

// S9 counts what could be deleted.

#[test]
fn what_is_pinned_is_not_among_the_managed_of_which_half_may_go() {
    let pinned = |n: usize| ours(&format!("snap-p{n}"), "vol-p", "2026-11-21", "2026-11-28").tag("KeepForever", "");
    let beside = many(400, 0).volume("vol-p", &[]).snapshots((0..400).map(pinned)).expire();
    assert_eq!((deleted(&beside).len(), held(&beside)), (0, 400));
    assert_eq!((beside.holds[0].expired, beside.holds[0].managed), (400, 400));
    // Beside as many that may go some day they are no more than half.
    let plan = many(400, 400).expire();
    assert_eq!((deleted(&plan).len(), held(&plan)), (400, 0));
}

// What a copy is copied to, and what it was copied from.

/// Case f11.
#[test]
fn a_failed_copy_that_is_itself_being_copied_waits() {
    let source = source("snap-1", "vol-1", AWAY);
    let failed = copy("snap-c", &source).failed("KMS").at("2026-11-01T00:00:00Z");
    let base = world(NOW).region(AWAY).snapshot(failed.clone());
    assert!(matches!(of_snapshot(&base.expire(), "snap-c").0, Act::Delete { .. }));
    let by_hand = bare("snap-h", "vol-ffffffff").tag("SourceSnapshotId", "snap-c");
    let world = base.region(FAR).snapshot(by_hand.clone().pending());
    let plan = world.expire();
    let reason = Reason::CopyInFlight { copy: copy_ref("us-west-2:snap-h") };
    assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &reason));
    assert_eq!(reason.to_string(), "stays: us-west-2:snap-h is still being copied from it");
    assert_eq!(check(&plan, &world.inventory, &Config::default()), []);
}

#[test]
fn a_completed_copy_that_is_being_copied_on_waits_too() {
    let source = over("snap-1", "vol-1");
    let by_hand = bare("snap-h", "vol-ffffffff").tag("SourceSnapshotId", "snap-c").pending();
    let world = world(NOW).region(AWAY).snapshot(copy("snap-c", &source)).region(FAR).snapshot(by_hand);
    let reason = Reason::CopyInFlight { copy: copy_ref("us-west-2:snap-h") };
    assert_eq!(of_snapshot(&world.expire(), "snap-c"), (&Act::Keep, &reason));
}

/// Case o6, before the offsiter has passed it on.
#[test]
fn a_copy_stays_while_its_source_is_pinned_or_not_due() {
    let source = over("snap-1", "vol-1");
    let reason = |source: &Snap, delete_on: Option<&str>| {
        let base = world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", &over("snap-1", "vol-1")));
        let plan = base.expire();
        let stays = Reason::SourceStays { source: copy_ref("us-east-1:snap-1"), delete_on: delete_on.map(date) };
        assert_eq!(of_snapshot(&plan, "snap-c"), (&Act::Keep, &stays), "{:?}", source.0.tags);
        stays.to_string()
    };
    assert_eq!(
        reason(&source.clone().tag("keepforever", "No"), None),
        "DeleteOn has come; kept: its source us-east-1:snap-1 is kept for ever"
    );
    assert_eq!(
        reason(&source.clone().tag("DeleteOn", "2027-11-08"), Some("2027-11-08")),
        "DeleteOn has come; kept until 2027-11-08, since its source us-east-1:snap-1 is"
    );
    reason(&source.clone().no_tag("DeleteOn"), None);
    reason(&source.clone().tag("DeleteOn", "never"), None);
    reason(&source.clone().tag("DeleteOn", "2026-11-23"), Some("2026-11-23"));
    // Also where the source's own tags do not make it ours any more: it lost its Type, or has the tags of another one.
    reason(&source.clone().tag("KeepForever", "").no_tag("Type"), None);
    reason(&source.clone().tag("DeleteOn", "2027-11-08").tag("CreatedOn", "0001-01-01"), Some("2027-11-08"));
    let lost = world(NOW).snapshot(source.clone().tag("KeepForever", "").no_tag("Type")).region(AWAY);
    let plan = lost.snapshot(copy("snap-c", &over("snap-1", "vol-1"))).expire();
    assert_eq!(
        problems(&plan, AWAY)[0].to_string(),
        "copies past DeleteOn that stay as their sources do, such as that of us-east-1:snap-1: 1 snapshot (8 GiB). Each goes \
         when its source is not pinned, and the source's DeleteOn has come"
    );
    let by_hand = world(NOW).snapshot(source.clone().no_tag("Type").no_tag("DeleteOn")).region(AWAY);
    assert_eq!(of_snapshot(&by_hand.snapshot(copy("snap-c", &source)).expire(), "snap-c"), (&DELETE, &gone()));
    // A source that is due itself, or is not there, keeps nothing.
    for world in [world(NOW).snapshot(source.clone().tag("DeleteOn", "2026-11-22")), world(NOW)] {
        let plan = world.region(AWAY).snapshot(copy("snap-c", &source)).expire();
        assert_eq!(of_snapshot(&plan, "snap-c"), (&DELETE, &gone()));
    }
}

#[test]
fn where_copies_have_days_of_their_own_a_copys_day_is_by_those() {
    let kept_longer = |snap: Snap| snap.tag("snapwarden:retention", "days=60 copies: days=7");
    let made = kept_longer(ours("snap-1", "vol-1", "2026-10-01", "2026-11-30"));
    let away = copy("snap-c", &made).tag("DeleteOn", "2026-10-08").tag("snapwarden:closed", "2026-10-02");
    let there = |source: Snap| world(NOW).snapshot(source).region(AWAY).snapshot(away.clone()).expire();
    // Its source is not due: that is no news, since copies go earlier.
    assert!(matches!(of_snapshot(&there(made.clone()), "snap-c").1, Reason::Expired(_)));
    let moved = there(made.tag("DeleteOn", "2027-01-01"));
    let delete_on = Some(date("2027-01-01"));
    assert_eq!(
        of_snapshot(&moved, "snap-c").1,
        &Reason::SourceStays { source: copy_ref("us-east-1:snap-1"), delete_on }
    );
}

#[test]
fn one_that_a_restore_reads_from_stays_for_seven_full_days() {
    let used = |since: &str| world(NOW).snapshot(over("snap-1", "vol-1").tag("snapwarden:in-use", since)).expire();
    for (since, day) in [("2026-11-16", "2026-11-16"), ("2026-11-15T04:00:01Z", "2026-11-15")] {
        let reason = Reason::InUse { since: Some(date(day)) };
        assert_eq!(of_snapshot(&used(since), "snap-1"), (&Act::Keep, &reason), "{since}");
    }
    for since in ["2026-11-15", "2026-11-15T04:00:00Z"] {
        assert_eq!(of_snapshot(&used(since), "snap-1"), (&DELETE, &gone()), "{since}");
    }
    let plan = used("since Monday");
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &Reason::InUse { since: None }));
    assert_eq!(
        Reason::InUse { since: None }.to_string(),
        "kept: snapwarden:in-use cannot be read, or lies in the future"
    );
    assert_eq!(
        Reason::InUse { since: Some(date("2026-11-16")) }.to_string(),
        "kept: a restore reads from it since 2026-11-16"
    );
}
