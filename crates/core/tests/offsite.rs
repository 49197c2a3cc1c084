//! The offsiter's table, row by row, and the sentences beside it; and what docs/tags.md says of a snapshot's own tags.

mod common;

use common::*;
use snapwarden_core::decision::{Act, Amount, Problem, Reason, Subject};
use snapwarden_core::inventory::{SnapshotState, StorageTier};
use snapwarden_core::policy::RefusedWhy;
use snapwarden_core::tags::{OffsiteMode, of_copy as copy_tags};

fn one(destinations: &str) -> Snap {
    source("snap-1", "vol-1", destinations)
}

fn mode(source: Snap, mode: &str) -> Snap {
    source.tag("OffsiteMode", mode)
}

/// A source at home and what lies in [`AWAY`].
fn pair(source: &Snap, away: impl IntoIterator<Item = Snap>) -> World {
    world(NOW).snapshot(source.clone()).region(AWAY).snapshots(away).region(HOME)
}

fn verified(text: &str) -> Reason {
    Reason::Verified { copy: copy_ref(text) }
}

fn not_yet(missing: &[&str]) -> Reason {
    Reason::NotYetOffsite { missing: missing.iter().map(|name| region(name)).collect() }
}

fn remove(copies: &[&str], newest: Option<&str>) -> Act {
    Act::RemoveSource { copies: copies.iter().map(|c| copy_ref(c)).collect(), newest: newest.map(snapshot_id) }
}

fn copies_verified(mode: OffsiteMode, copies: &[&str]) -> Reason {
    Reason::CopiesVerified { mode, copies: copies.iter().map(|c| copy_ref(c)).collect() }
}

fn copy_act(source: &Snap) -> Act {
    Act::Copy { tags: copy_tags(&source.0.id, &region(HOME), &source.0), encrypted: source.0.encrypted }
}

// Which snapshots are sources.

#[test]
fn sources_are_managed_completed_in_the_standard_tier_no_copies_and_have_a_destination() {
    let not_sources = [
        one(AWAY).owner("999999999999"),
        one(AWAY).tag("Type", "automated"),
        one(AWAY).no_tag("Type"),
        one(AWAY).tag("aws:dlm:lifecycle-policy-id", "policy-1"),
        one(AWAY).tag("aws:backup:source-resource", "vol-1"),
        one(AWAY).pending(),
        one(AWAY).failed("internal error"),
        one(AWAY).state(SnapshotState::Recovering),
        one(AWAY).state(SnapshotState::Recoverable),
        one(AWAY).state(SnapshotState::Unfamiliar),
        one(AWAY).archived(),
        one(AWAY).tag("SourceSnapshotId", "snap-0"),
        one(AWAY).tag("SourceSnapshotId", "?"),
        one(AWAY).no_tag("DestinationRegion"),
    ];
    assert_eq!(one(AWAY).0.tier, StorageTier::Standard);
    assert_eq!(pair(&one(AWAY), []).offsite().decisions.len(), 2);
    for snapshot in not_sources {
        let plan = pair(&snapshot, []).offsite();
        assert!(plan.decisions.is_empty(), "{:?}", snapshot.0);
    }
}

// The rows.

#[test]
fn a_sets_snapshot_without_device_name_waits_until_it_is_six_hours_old() {
    let young = one(AWAY).no_tag("DeviceName").at("2026-11-21T22:00:01Z");
    let plan = pair(&young, []).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Wait, &Reason::TagsPending));
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &not_yet(&[AWAY])));
    let old = young.clone().at("2026-11-21T22:00:00Z");
    assert_eq!(of_copy(&pair(&old, []).offsite(), "snap-1", AWAY), (&copy_act(&old), &Reason::NoCopy));
    let predecessors = young.no_tag("snapwarden:slot");
    assert_eq!(of_copy(&pair(&predecessors, []).offsite(), "snap-1", AWAY).1, &Reason::NoCopy);
}

#[test]
fn waiting_for_tags_comes_before_everything_that_is_seen_there() {
    let young = one(AWAY).no_tag("DeviceName").at("2026-11-22T03:59:00Z");
    let plan = pair(&young, [copy("snap-c", &young)]).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Wait, &Reason::TagsPending));
}

#[test]
fn a_due_source_without_a_copy_is_not_copied_any_more() {
    let due = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let plan = pair(&due, []).offsite();
    let reason = Reason::SourceDue { delete_on: date("2026-11-08") };
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &reason));
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Skip, &reason));
    assert_eq!(problems(&plan, "snap-1"), [Problem::SourceDue]);
    assert_eq!(
        reason.to_string(),
        "DeleteOn 2026-11-08 has come, or comes within the hour, and there is no copy: it would be born expired"
    );
}

#[test]
fn a_due_source_with_errored_copies_only_is_not_copied_any_more_either() {
    let due = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let plan = pair(&due, [copy("snap-c", &due).failed("KMS")]).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY).1, &Reason::SourceDue { delete_on: date("2026-11-08") });
    assert_eq!(problems(&plan, "snap-1"), [Problem::SourceDue]);
}

#[test]
fn a_due_source_that_carries_keep_forever_or_has_no_readable_day_is_copied() {
    let due = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    for kept in [due.clone().tag("keepFOREVER", "No"), due.clone().no_tag("DeleteOn"), due.tag("DeleteOn", "never")] {
        assert_eq!(of_copy(&pair(&kept, []).offsite(), "snap-1", AWAY), (&copy_act(&kept), &Reason::NoCopy));
    }
}

#[test]
fn a_source_without_a_copy_is_copied_with_its_tags_from_birth() {
    let source = one(AWAY).encrypted();
    let plan = pair(&source, []).offsite();
    let wanted = tags(&[
        ("Type", "Automated"),
        ("CreatedOn", "2026-11-21"),
        ("DeleteOn", "2026-11-28"),
        ("InstanceID", "i-1"),
        ("DeviceName", "/dev/xvda"),
        ("DestinationRegion", AWAY),
        ("snapwarden:slot", "2026-11-21T03:00Z"),
        ("SourceSnapshotId", "snap-1"),
        ("SourceRegion", HOME),
        ("SourceStartTime", "2026-11-21T03:05:00Z"),
        ("VolumeID", "vol-1"),
    ]);
    let act = Act::Copy { tags: wanted, encrypted: true };
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&act, &Reason::NoCopy));
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &not_yet(&[AWAY])));
}

#[test]
fn copies_go_each_volumes_newest_first_then_the_oldest_first() {
    let of_day = |id: &str, volume: &str, day: &str| ours(id, volume, day, "2026-12-24").tag("DestinationRegion", AWAY);
    let plan = world(NOW)
        .snapshots([
            of_day("snap-1", "vol-1", "2026-11-18"),
            of_day("snap-2", "vol-1", "2026-11-19"),
            of_day("snap-3", "vol-1", "2026-11-21"),
            of_day("snap-4", "vol-2", "2026-11-17"),
            of_day("snap-5", "vol-2", "2026-11-20"),
        ])
        .offsite();
    let copied: Vec<_> =
        plan.decisions.iter().filter(|d| matches!(d.act, Act::Copy { .. })).map(|d| &d.subject).collect();
    let wanted: Vec<_> =
        [5, 3, 4, 1, 2].map(|n| Subject::Copy(target(&format!("snap-{n}")), region(AWAY))).into_iter().collect();
    assert_eq!(copied, wanted.iter().collect::<Vec<_>>());
}

#[test]
fn of_the_newest_ones_the_volumes_without_a_copy_come_first_and_then_those_whose_copy_is_the_oldest() {
    let of = |id: &str, volume: &str, day: &str| ours(id, volume, day, "2026-12-24").tag("DestinationRegion", AWAY);
    let copied =
        |id: &str, volume: &str, day: &str| copy(&format!("snap-c{id}"), &of(&format!("snap-0{id}"), volume, day));
    let plan = world(NOW)
        .snapshots((1..=4).map(|n| of(&format!("snap-{n}"), &format!("vol-{n}"), "2026-11-21")))
        .region(AWAY)
        .snapshots([copied("1", "vol-1", "2026-11-20"), copied("2", "vol-2", "2026-11-18")])
        // A newer one of vol-4 is archived: it does not count.
        .snapshots([copied("4", "vol-4", "2026-11-19"), copied("5", "vol-4", "2026-11-20").archived()])
        .offsite();
    let copies: Vec<_> = plan.decisions.iter().filter(|one| matches!(one.act, Act::Copy { .. })).collect();
    let order: Vec<_> = copies.iter().map(|one| &one.subject).collect();
    let wanted: Vec<_> =
        [3, 2, 4, 1].map(|n| Subject::Copy(target(&format!("snap-{n}")), region(AWAY))).into_iter().collect();
    assert_eq!(order, wanted.iter().collect::<Vec<_>>());
}

#[test]
fn archived_sources_without_a_copy_are_counted_for_ec2_copies_none() {
    let archived = |id: &str| ours(id, "vol-1", "2026-11-21", "2026-12-24").tag("DestinationRegion", AWAY).archived();
    let stamped = archived("snap-2").tag("OffsiteSnapshotId", "eu-west-1:snap-9");
    let due = ours("snap-3", "vol-1", "2026-11-01", "2026-11-08").tag("DestinationRegion", AWAY).archived();
    let copied = archived("snap-4");
    let there = world(NOW).snapshots([archived("snap-1"), stamped, due, copied.clone()]).region(AWAY);
    let mut at_hand = copy("snap-c", &copied);
    at_hand.0.tier = StorageTier::Standard;
    let plan = there.clone().snapshot(at_hand).offsite();
    let [said] = problems(&plan, HOME).try_into().unwrap();
    assert_eq!(
        said.to_string(),
        "archived, and without a copy at a destination (like snap-1): 2 snapshots (16 GiB). EC2 copies none from the archive; \
         restore it to the standard tier to have it copied"
    );
    assert!(plan.decisions.is_empty());
    let archived_too = there.clone().snapshot(copy("snap-c", &copied)).offsite();
    assert!(
        problems(&archived_too, HOME)[0].to_string().contains("3 snapshots"),
        "a copy in the archive proves nothing"
    );
    let unread = Problem::DestinationUnread { destination: region(AWAY) };
    assert_eq!(problems(&there.unread(AWAY).offsite(), HOME), [unread], "what is there is not known");
}

#[test]
fn under_keep_latest_an_archived_one_is_not_the_latest_here() {
    let kept =
        |id: &str, day: &str| mode(ours(id, "vol-1", day, "2026-12-24").tag("DestinationRegion", AWAY), "KeepLatest");
    let (old, new) = (kept("snap-1", "2026-11-20"), kept("snap-2", "2026-11-21").archived());
    let plan = world(NOW).snapshots([old.clone(), new]).region(AWAY).snapshot(copy("snap-c", &old)).offsite();
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Keep, &Reason::NewestHere));
}

#[test]
fn a_pending_copy_is_waited_for_and_after_a_day_is_a_finding() {
    let source = one(AWAY);
    let pending = |start: &str| copy("snap-c", &source).pending().at(start);
    let reason = |start: &str| Reason::CopyPending { copy: copy_ref("eu-west-1:snap-c"), since: time(start) };
    let a_day = "2026-11-21T04:00:00Z";
    let plan = pair(&source, [pending(a_day)]).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Wait, &reason(a_day)));
    assert!(plan.findings.is_empty());
    let more = "2026-11-21T03:59:59Z";
    let plan = pair(&source, [pending(more)]).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Wait, &reason(more)));
    let (copy, since) = (copy_ref("eu-west-1:snap-c"), time(more));
    assert_eq!(problems(&plan, "snap-1"), [Problem::CopyPendingLong { copy, since }]);
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &not_yet(&[AWAY])));
}

#[test]
fn what_is_stored_outside_the_region_is_never_copied_and_said() {
    let mut source = source("snap-1", "vol-1", AWAY);
    source.0.tier = StorageTier::Local;
    let plan = world(NOW).snapshot(source).region(AWAY).offsite();
    assert_eq!(plan.decisions, []);
    let some = Amount { snapshots: 1, gib: 8 };
    assert_eq!(problems(&plan, HOME), [Problem::LocalSources { some, example: "snap-1".parse().unwrap() }]);
    let at = |outpost, zone| StorageTier::Standard.at(outpost, zone);
    assert_eq!(at(Some("arn:aws:outposts:us-east-1:1:outpost/op-1"), None), StorageTier::Local);
    for local in ["us-west-2-lax-1a", "us-east-1-wl1-bos-wlz-1"] {
        assert_eq!(at(None, Some(local)), StorageTier::Local, "{local}");
    }
    for zone in ["us-east-1a", "us-gov-west-1b", ""] {
        assert_eq!(at(Some(""), Some(zone)), StorageTier::Standard, "{zone}");
    }
}

#[test]
fn a_copy_in_an_unfamiliar_or_recovering_state_is_no_proof_and_is_waited_for() {
    for state in [SnapshotState::Recoverable, SnapshotState::Recovering, SnapshotState::Unfamiliar] {
        let source = one(AWAY);
        let plan = pair(&source, [copy("snap-c", &source).state(state)]).offsite();
        assert!(matches!(of_copy(&plan, "snap-1", AWAY), (Act::Wait, Reason::CopyPending { .. })), "{state:?}");
    }
}

#[test]
fn after_n_errored_copies_the_next_try_waits_an_hour_doubled_each_time_at_most_24() {
    for (failed, hours) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 24), (7, 24), (40, 24)] {
        let source = one(AWAY).tag("DeleteOn", "2027-01-01");
        let start = time(NOW).as_second() - hours * 3600;
        let plan_at = |youngest: i64| {
            let all = (0..failed).map(|n| {
                let at = jiff::Timestamp::from_second(youngest - 60 * n).unwrap().to_string();
                copy(&format!("snap-c{n}"), &source).failed(if n == 0 { "KMS" } else { "older" }).at(&at)
            });
            pair(&source, all).offsite()
        };
        let (message, failed) = ("KMS".to_owned(), usize::try_from(failed).unwrap());
        let plan = plan_at(start);
        let reason = Reason::RetryCopy { failed, message: message.clone() };
        assert_eq!(of_copy(&plan, "snap-1", AWAY), (&copy_act(&source), &reason), "{failed}");
        let plan = plan_at(start + 1);
        let retry_at = jiff::Timestamp::from_second(time(NOW).as_second() + 1).unwrap();
        let reason = Reason::CopyFailing { failed, message: message.clone(), retry_at };
        assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Wait, &reason), "{failed}");
        assert_eq!(problems(&plan, "snap-1"), [Problem::CopyFailing { destination: region(AWAY), message }]);
    }
}

#[test]
fn the_errored_copies_stay_and_nothing_of_the_source_goes() {
    let source = one(AWAY);
    let plan = pair(&source, [copy("snap-c", &source).failed("KMS key is disabled")]).offsite();
    assert_eq!(plan.decisions.len(), 2, "one for the copy, one for the source, none about the errored one");
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &not_yet(&[AWAY])));
}

#[test]
fn a_completed_copy_of_another_size_type_encryption_or_time_is_a_mismatch_and_nothing_more_is_copied() {
    let source = one(AWAY).encrypted();
    let cases = [
        (copy("snap-c", &source).size(9), "9 GiB instead of 8"),
        (copy("snap-c", &source).archived(), "it is archived"),
        (
            Snap(snapwarden_core::inventory::Snapshot { encrypted: false, ..copy("snap-c", &source).0 }),
            "not encrypted, its source is",
        ),
        (copy("snap-c", &source).no_tag("Type"), "it is not Type=Automated, so it is not ours to rely on"),
        (
            copy("snap-c", &source).tag("SourceStartTime", "2020-01-01T00:00:00Z"),
            "its SourceStartTime is before its source was begun",
        ),
    ];
    for (wrong, difference) in cases {
        let plan = pair(&source, [wrong]).offsite();
        let (copy, difference) = (copy_ref("eu-west-1:snap-c"), difference.to_owned());
        let reason = Reason::CopyMismatch { copy: copy.clone(), difference: difference.clone() };
        assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Wait, &reason));
        assert_eq!(problems(&plan, "snap-1"), [Problem::CopyMismatch { copy, difference }]);
        assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &not_yet(&[AWAY])));
    }
}

#[test]
fn what_another_account_owns_is_no_copy() {
    let source = one(AWAY);
    let plan = pair(&source, [copy("snap-c", &source).owner("999999999999")]).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&copy_act(&source), &Reason::NoCopy));
}

#[test]
fn an_encrypted_copy_of_an_unencrypted_source_is_a_true_copy() {
    let source = one(AWAY);
    let plan = pair(&source, [copy("snap-c", &source).encrypted()]).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &verified("eu-west-1:snap-c")));
}

#[test]
fn a_completed_copy_gets_the_tags_that_it_lacks_and_people_s_edits_stay() {
    let source = one(AWAY).tag("Team", "db");
    let lacking = copy("snap-c", &source).no_tag("VolumeID").no_tag("Team").tag("InstanceID", "edited");
    let plan = pair(&source, [lacking]).offsite();
    let act = Act::AddTags {
        region: region(AWAY),
        snapshot: target("snap-c"),
        tags: tags(&[("Team", "db"), ("VolumeID", "vol-1")]),
    };
    let missing = vec!["Team".to_owned(), "VolumeID".to_owned()];
    let copy = copy_ref("eu-west-1:snap-c");
    let reason = Reason::CopyIncomplete { copy, missing, delete_on_earlier: false };
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&act, &reason));
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &not_yet(&[AWAY])));
    assert_eq!(reason.to_string(), "eu-west-1:snap-c lacks the tags Team, VolumeID");
}

#[test]
fn a_readable_delete_on_of_a_copy_moves_later_and_never_earlier() {
    let source = one(AWAY);
    let plan = pair(&source, [copy("snap-c", &source).tag("DeleteOn", "2026-11-27")]).offsite();
    let later = tags(&[("DeleteOn", "2026-11-28")]);
    let act = Act::AddTags { region: region(AWAY), snapshot: target("snap-c"), tags: later };
    assert_eq!(of_copy(&plan, "snap-1", AWAY).0, &act);
    let plan = pair(&source, [copy("snap-c", &source).tag("DeleteOn", "2027-11-27")]).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &verified("eu-west-1:snap-c")));
}

#[test]
fn a_copy_whose_delete_on_a_person_took_away_or_rewrote_is_verified_and_keeps_it_so() {
    let source = one(AWAY);
    for edited in [copy("snap-c", &source).no_tag("DeleteOn"), copy("snap-c", &source).tag("DeleteOn", "never")] {
        let plan = pair(&source, [edited]).offsite();
        assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &verified("eu-west-1:snap-c")));
    }
}

#[test]
fn a_verified_copy_is_done_for_this_destination() {
    let source = one(AWAY).tag("Team", "db");
    let plan = pair(&source, [copy("snap-c", &source).tag("Team", "edited").tag("more", "tags")]).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &verified("eu-west-1:snap-c")));
    assert_eq!(verified("eu-west-1:snap-c").to_string(), "eu-west-1:snap-c is verified");
}

#[test]
fn the_best_copy_there_decides() {
    let source = one(AWAY);
    let all = [
        copy("snap-bad", &source).size(9).at("2026-11-21T04:01:00Z"),
        copy("snap-err", &source).failed("KMS").at("2026-11-21T04:02:00Z"),
        copy("snap-pen", &source).pending().at("2026-11-21T04:03:00Z"),
        copy("snap-tag", &source).no_tag("VolumeID").at("2026-11-21T04:04:00Z"),
        copy("snap-ver", &source).at("2026-11-21T04:05:00Z"),
    ];
    let decided = |n: usize| of_copy(&pair(&source, all[..n].to_vec()).offsite(), "snap-1", AWAY).1.clone();
    assert!(matches!(decided(2), Reason::CopyMismatch { .. }));
    assert!(matches!(decided(3), Reason::CopyPending { .. }));
    assert!(matches!(decided(4), Reason::CopyIncomplete { .. }));
    assert_eq!(decided(5), verified("eu-west-1:snap-ver"));
}

#[test]
fn of_two_copies_the_older_verified_one_counts_and_a_finding_names_both() {
    let source = one(AWAY);
    let two =
        [copy("snap-c1", &source).at("2026-11-21T06:00:00Z"), copy("snap-c2", &source).at("2026-11-21T05:00:00Z")];
    let plan = pair(&source, two).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &verified("eu-west-1:snap-c2")));
    assert_eq!(of_source(&plan, "snap-1").0, &remove(&["eu-west-1:snap-c2"], None));
    let copies = vec![snapshot_id("snap-c2"), snapshot_id("snap-c1")];
    assert_eq!(problems(&plan, "snap-1"), [Problem::TwoCopies { destination: region(AWAY), copies }]);
}

#[test]
fn a_copy_elsewhere_or_of_another_source_is_no_copy_here() {
    let source = one(AWAY);
    let plan = pair(&source, [copy("snap-c", &source).tag("SourceSnapshotId", "snap-2")])
        .region(FAR)
        .snapshot(copy("snap-d", &source))
        .offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY).1, &Reason::NoCopy);
}

#[test]
fn a_destination_that_was_not_all_read_is_waited_for() {
    let source = one(AWAY);
    let reason = Reason::DestinationUnread { destination: region(AWAY) };
    for world in [pair(&source, [copy("snap-c", &source)]).region(AWAY).snapshots_gap(), pair(&source, []).unread(AWAY)]
    {
        let plan = world.offsite();
        assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Wait, &reason));
        assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &not_yet(&[AWAY])));
        assert_eq!(problems(&plan, "snap-1"), [Problem::DestinationUnread { destination: region(AWAY) }]);
    }
}

// The source: Copy.

#[test]
fn under_copy_each_verified_destination_is_stamped_and_the_source_stays() {
    let source = mode(one("eu-west-1 us-west-2"), "Copy");
    let half = pair(&source, [copy("snap-c", &source)]);
    let plan = half.offsite();
    let reason = Reason::NewlyVerified { copies: vec![copy_ref("eu-west-1:snap-c")] };
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Stamp { value: "eu-west-1:snap-c".to_owned() }, &reason));
    let plan = half.region(FAR).snapshot(copy("snap-d", &source)).offsite();
    let value = "eu-west-1:snap-c us-west-2:snap-d".to_owned();
    assert_eq!(of_source(&plan, "snap-1").0, &Act::Stamp { value });
}

#[test]
fn under_copy_a_stamped_destination_stays_done_after_its_copy_has_expired() {
    let source = mode(one("eu-west-1 us-west-2"), "Copy").tag("OffsiteSnapshotId", "eu-west-1:snap-c");
    let plan = pair(&source, []).region(FAR).snapshot(copy("snap-d", &source)).offsite();
    let reason = Reason::Stamped { copy: copy_ref("eu-west-1:snap-c") };
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &reason));
    let value = "eu-west-1:snap-c us-west-2:snap-d".to_owned();
    assert_eq!(of_source(&plan, "snap-1").0, &Act::Stamp { value }, "what was written is kept");
}

#[test]
fn under_copy_where_everything_is_stamped_the_source_is_kept() {
    let source = mode(one(AWAY), "Copy").tag("OffsiteSnapshotId", "eu-west-1:snap-c");
    let plan = pair(&source, []).offsite();
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Keep, &Reason::KeptByMode));
}

#[test]
fn a_stamp_that_does_not_fit_into_a_tag_is_a_finding() {
    let long: String = (0..9).map(|n| format!("xx-region-{n}:snap-0123456789abcdef0 ")).collect();
    let source = mode(one(AWAY), "Copy").tag("OffsiteSnapshotId", long.trim());
    let plan = pair(&source, [copy("snap-c", &source)]).offsite();
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Keep, &Reason::KeptByMode));
    assert_eq!(problems(&plan, "snap-1"), [Problem::StampFull]);
}

#[test]
fn an_unreadable_mode_is_copy_with_a_finding() {
    let source = mode(one(AWAY), "mirror");
    let plan = pair(&source, [copy("snap-c", &source)]).offsite();
    assert!(matches!(of_source(&plan, "snap-1").0, Act::Stamp { .. }));
    assert_eq!(problems(&plan, "i-1"), [Problem::ModeUnreadable { value: "mirror".to_owned() }]);
}

// The source: Move and KeepLatest.

/// Case a28.
#[test]
fn a_source_stays_as_long_as_its_record_wants_more_of_sources_than_of_copies() {
    for how in ["Move", "KeepLatest"] {
        let of = |record: &str| {
            let source = mode(one(AWAY), how).tag("snapwarden:retention", record);
            let newer = ours("snap-2", "vol-1", "2026-11-22", "2026-11-29");
            let plan = pair(&source, [copy("snap-c", &source).tag("DeleteOn", "2027-11-21")]).snapshot(newer).offsite();
            of_source(&plan, "snap-1").1.clone()
        };
        for longer in [
            "days=30 copies: days=3",
            "days=7 weeks=1 copies: days=7",
            "days=7 months=2 copies: days=30 months=1",
            "days=7 years=1 copies: days=400",
            "days=7 last=1 copies: days=400",
            // What was meant is not known.
            "days=365 mistyped",
            "days=365 mistyped copies: days=400",
            "for a week",
        ] {
            assert_eq!(of(longer), Reason::SourceKeptLonger, "{how}: {longer}");
        }
        for no_longer in ["days=7", "days=7 weeks=4", "days=3 copies: days=30", "days=7 last=2 copies: days=7 last=2"] {
            assert!(matches!(of(no_longer), Reason::CopiesVerified { .. }), "{how}: {no_longer}");
        }
    }
    assert_eq!(
        Reason::SourceKeptLonger.to_string(),
        "its own policy keeps snapshots here for longer than copies, so it stays to that"
    );
}

#[test]
fn a_source_that_a_restore_reads_from_stays() {
    let used = one(AWAY).tag("snapwarden:in-use", "2026-11-16");
    let plan = pair(&used, [copy("snap-c", &used)]).offsite();
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Keep, &Reason::InUse { since: Some(date("2026-11-16")) }));
    let long_ago = one(AWAY).tag("snapwarden:in-use", "2026-11-14");
    let plan = pair(&long_ago, [copy("snap-c", &long_ago)]).offsite();
    assert_eq!(of_source(&plan, "snap-1").0, &remove(&["eu-west-1:snap-c"], None));
}

#[test]
fn under_move_the_source_goes_when_every_destination_holds_a_verified_copy_now() {
    for source in [one("eu-west-1,us-west-2"), mode(one("eu-west-1,us-west-2"), " mOVE ")] {
        let half = pair(&source, [copy("snap-c", &source)]);
        assert_eq!(of_source(&half.offsite(), "snap-1"), (&Act::Wait, &not_yet(&[FAR])));
        let plan = half.region(FAR).snapshot(copy("snap-d", &source)).offsite();
        let copies = ["eu-west-1:snap-c", "us-west-2:snap-d"];
        let reason = copies_verified(OffsiteMode::Move, &copies);
        assert_eq!(of_source(&plan, "snap-1"), (&remove(&copies, None), &reason));
    }
    assert_eq!(
        copies_verified(OffsiteMode::Move, &["eu-west-1:snap-c", "us-west-2:snap-d"]).to_string(),
        "OffsiteMode Move: verified in every destination (eu-west-1:snap-c, us-west-2:snap-d)"
    );
}

#[test]
fn under_keep_latest_the_newest_completed_one_of_the_volume_stays_and_the_others_go() {
    let (old, new) = (mode(one(AWAY), "KeepLatest"), mode(source("snap-2", "vol-1", AWAY), "KeepLatest"));
    let new = new.at("2026-11-22T03:05:00Z");
    let plan = pair(&old, [copy("snap-c1", &old), copy("snap-c2", &new)]).snapshot(new).offsite();
    let reason = copies_verified(OffsiteMode::KeepLatest, &["eu-west-1:snap-c1"]);
    assert_eq!(of_source(&plan, "snap-1"), (&remove(&["eu-west-1:snap-c1"], Some("snap-2")), &reason));
    assert_eq!(of_source(&plan, "snap-2"), (&Act::Keep, &Reason::NewestHere));
}

#[test]
fn under_keep_latest_a_newer_one_that_is_pending_or_failed_or_of_another_volume_does_not_count() {
    let old = mode(one(AWAY), "KeepLatest");
    let newer = ours("snap-2", "vol-1", "2026-11-22", "2026-11-29");
    for other in [
        newer.clone().pending(),
        newer.clone().failed("internal error"),
        newer.clone().owner("999999999999"),
        newer.no_tag("Type"),
        ours("snap-2", "vol-2", "2026-11-22", "2026-11-29"),
    ] {
        let plan = pair(&old, [copy("snap-c1", &old)]).snapshot(other).offsite();
        assert_eq!(of_source(&plan, "snap-1"), (&Act::Keep, &Reason::NewestHere));
    }
}

#[test]
fn a_stamp_never_counts_for_move_and_keep_latest() {
    for how in ["Move", "KeepLatest"] {
        let source = mode(one(AWAY), how).tag("OffsiteSnapshotId", "eu-west-1:snap-c");
        let newer = ours("snap-2", "vol-1", "2026-11-22", "2026-11-29");
        let plan = pair(&source, []).snapshot(newer).offsite();
        assert_eq!(of_copy(&plan, "snap-1", AWAY).1, &Reason::NoCopy, "{how}");
        assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &not_yet(&[AWAY])), "{how}");
    }
}

#[test]
fn a_due_source_under_move_goes_too_once_it_is_verified() {
    let due = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let plan = pair(&due, [copy("snap-c", &due)]).offsite();
    assert_eq!(of_source(&plan, "snap-1").0, &remove(&["eu-west-1:snap-c"], None));
}

#[test]
fn keep_forever_on_the_source_keeps_it_under_move_and_keep_latest() {
    for how in ["Move", "KeepLatest"] {
        for key in ["KeepForever", "KEEPFOREVER"] {
            let source = mode(one(AWAY), how).tag(key, "No");
            let newer = ours("snap-2", "vol-1", "2026-11-22", "2026-11-29");
            let plan = pair(&source, [copy("snap-c", &source)]).snapshot(newer).offsite();
            assert_eq!(of_copy(&plan, "snap-1", AWAY).1, &verified("eu-west-1:snap-c"));
            assert_eq!(of_source(&plan, "snap-1"), (&Act::Keep, &Reason::KeepForever));
        }
    }
}

#[test]
fn under_copy_the_stamp_is_written_whatever_keeps_the_source_since_it_deletes_nothing() {
    let source = mode(one(AWAY), "Copy");
    for source in [source.clone().tag("KeepForever", ""), source.no_tag("DeleteOn")] {
        let plan = pair(&source, [copy("snap-c", &source)]).offsite();
        assert_eq!(of_source(&plan, "snap-1").0, &Act::Stamp { value: "eu-west-1:snap-c".to_owned() });
    }
}

#[test]
fn no_readable_delete_on_on_the_source_keeps_it_with_a_finding() {
    let cases = [(one(AWAY).no_tag("DeleteOn"), None), (one(AWAY).tag("DeleteOn", "?"), Some("?".to_owned()))];
    for (source, value) in cases {
        let plan = pair(&source, [copy("snap-c", &source)]).offsite();
        let reason = Reason::UnreadableDeleteOn { value: value.clone() };
        assert_eq!(of_source(&plan, "snap-1"), (&Act::Keep, &reason));
        assert_eq!(problems(&plan, "snap-1"), [Problem::DeleteOnUnreadable { value }]);
    }
}

// Destinations.

#[test]
fn with_an_unusable_destination_the_others_are_copied_to_and_the_source_stays_as_in_copy() {
    for (bad, why) in [("mars-1", RefusedWhy::NotThere), ("(no)", RefusedWhy::NotThere), (HOME, RefusedWhy::OwnRegion)]
    {
        let source = one(&format!("{AWAY} {bad}"));
        let plan = pair(&source, []).offsite();
        assert_eq!(of_copy(&plan, "snap-1", AWAY).1, &Reason::NoCopy);
        let refused = Problem::DestinationRefused { text: bad.to_owned(), why, local: false };
        assert_eq!(problems(&plan, "i-1"), [refused]);
        let plan = pair(&source, [copy("snap-c", &source)]).offsite();
        assert_eq!(of_source(&plan, "snap-1").0, &Act::Stamp { value: "eu-west-1:snap-c".to_owned() });
    }
}

#[test]
fn with_unusable_destinations_only_the_snapshot_is_a_local_one() {
    let plan = pair(&one("mars-1"), []).offsite();
    assert_eq!(plan.decisions.len(), 1);
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Keep, &Reason::NoDestination { refused: vec!["mars-1".to_owned()] }));
    let refused = Problem::DestinationRefused { text: "mars-1".to_owned(), why: RefusedWhy::NotThere, local: true };
    assert_eq!(problems(&plan, "i-1"), [refused]);
}

#[test]
fn where_the_list_of_regions_is_unread_a_region_that_answers_is_valid_and_another_one_is_unread() {
    let source = one(AWAY);
    let plan = pair(&source, [copy("snap-c", &source)]).regions_unknown().offsite();
    assert_eq!(of_source(&plan, "snap-1").0, &remove(&["eu-west-1:snap-c"], None));
    let source = one("eu-west-1 mars-1");
    let plan = pair(&source, [copy("snap-c", &source)]).regions_unknown().offsite();
    let unread = Reason::DestinationUnread { destination: region("mars-1") };
    assert_eq!(of_copy(&plan, "snap-1", "mars-1"), (&Act::Wait, &unread));
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &not_yet(&["mars-1"])));
}

// A copy's tags.

#[test]
fn a_copys_tags_are_all_but_the_stamp_and_awss_own_plus_the_four() {
    let source = one(AWAY)
        .tag("OffsiteSnapshotId", "us-west-2:snap-9")
        .tag("aws:cloudformation:stack-name", "x")
        .tag("VolumeID", "vol-wrong")
        .tag("Keepforever", "Yes");
    let got = copy_tags(&source.0.id, &region(HOME), &source.0);
    let wanted = copy("snap-c", &source).no_tag("aws:cloudformation:stack-name").0.tags;
    assert_eq!(got, wanted);
    assert_eq!(got.get("VolumeID"), Some("vol-1"));
}

#[test]
fn a_copys_tags_leave_one_of_50_free_the_contracts_first() {
    let many = (0..60).fold(one(AWAY).tag("KEEPFOREVER", ""), |source, n| source.tag(&format!("A{n:02}"), "x"));
    let got = copy_tags(&many.0.id, &region(HOME), &many.0);
    assert_eq!(got.len(), 49, "the manager's mark has its place");
    for key in ["KEEPFOREVER", "Type", "DeleteOn", "CreatedOn", "snapwarden:slot", "SourceSnapshotId", "VolumeID"] {
        assert!(got.has(key), "{key}");
    }
    assert!(got.has("A00") && !got.has("A59"));
    let plan =
        pair(&many, [copy("snap-c", &Snap(snapwarden_core::inventory::Snapshot { tags: got, ..many.0.clone() }))]);
    assert_eq!(of_copy(&plan.offsite(), "snap-1", AWAY).1, &verified("eu-west-1:snap-c"));
}

#[test]
fn what_speaks_of_one_snapshot_alone_is_neither_copied_nor_compared() {
    let source = one(AWAY).tag("snapwarden:closed", "2026-11-21").tag("snapwarden:in-use", "2026-11-21");
    let got = copy_tags(&source.0.id, &region(HOME), &source.0);
    assert!(!got.has("snapwarden:closed") && !got.has("snapwarden:in-use"));
    // A copy that has no mark, or one of its own, is as good as any.
    let made = copy("snap-c", &one(AWAY));
    for copy in [made.clone(), made.tag("snapwarden:closed", "2025-01-01").tag("snapwarden:in-use", "x")] {
        let plan = pair(&source, [copy]).offsite();
        assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &verified("eu-west-1:snap-c")));
    }
    let marked = copy("snap-c", &one(AWAY)).tag("snapwarden:closed", "2026-11-20");
    let plan = pair(&one(AWAY), [marked]).offsite();
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &verified("eu-west-1:snap-c")));
}

#[test]
fn a_copys_tags_do_not_depend_on_the_sources_state_or_on_the_inventory() {
    let source = one(AWAY);
    let of = |snap: &Snap| copy_tags(&snap.0.id, &region(HOME), &snap.0);
    assert_eq!(of(&source), of(&source.clone().pending().size(99).encrypted().archived()));
    assert_eq!(of(&source), of(&source.clone().tag("OffsiteSnapshotId", "eu-west-1:snap-c")));
}

// Safety beside the table.

#[test]
fn a_source_stays_while_a_second_copy_of_it_is_pending_in_a_destination() {
    let source = one(AWAY);
    let plan = pair(&source, [copy("snap-c1", &source), copy("snap-c2", &source).pending()]).offsite();
    assert!(matches!(of_source(&plan, "snap-1").0, Act::Keep | Act::Wait), "{:?}", of_source(&plan, "snap-1"));
}

#[test]
fn a_source_stays_where_its_own_region_was_not_all_read() {
    let source = one(AWAY);
    let plan = pair(&source, [copy("snap-c", &source)]).snapshots_gap().offsite();
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Wait, &Reason::RegionUnread));
}

#[test]
fn destinations_pasted_with_other_white_space_are_read_the_same_by_planner_and_check() {
    let source = one(&format!("{AWAY}\u{a0}{AWAY}"));
    let world = world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", &source));
    let plan = world.offsite();
    assert!(matches!(of_source(&plan, "snap-1").0, Act::RemoveSource { .. }));
    let config = snapwarden_core::policy::Config::default();
    assert_eq!(snapwarden_core::check::check(&plan, &world.inventory, &config), []);
}

#[test]
fn under_copy_what_a_person_keeps_is_said_to_be_kept_by_a_person() {
    let source = mode(one(AWAY), "Copy").tag("OffsiteSnapshotId", "eu-west-1:snap-c");
    let reason = |source: Snap| of_source(&pair(&source, []).offsite(), "snap-1").1.clone();
    assert_eq!(reason(source.clone()), Reason::KeptByMode);
    assert_eq!(reason(source.clone().tag("KeepForever", "")), Reason::KeepForever);
    assert_eq!(reason(source.no_tag("DeleteOn")), Reason::UnreadableDeleteOn { value: None });
}

#[test]
fn a_copy_in_the_volumes_own_region_is_not_the_latest_that_keep_latest_keeps() {
    let kept = source("snap-1", "vol-1", AWAY).tag("OffsiteMode", "KeepLatest");
    let elsewhere = source("snap-2", "vol-1", HOME).at("2026-11-21T09:00:00Z");
    let back = copy("snap-b", &elsewhere);
    let plan = world(NOW).snapshots([kept.clone(), back]).region(AWAY).snapshot(copy("snap-c", &kept)).offsite();
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Keep, &Reason::NewestHere));
}

#[test]
fn a_copy_is_not_begun_that_would_be_born_expired_by_days_of_its_own_and_its_source_stays() {
    // Three days old, and copies are kept for two.
    let late = ours("snap-1", "vol-1", "2026-11-19", "2026-12-19").tag("DestinationRegion", AWAY);
    let plan = world(NOW).snapshot(late.clone().tag("snapwarden:retention", "days=30 copies: days=2")).offsite();
    let reason = Reason::SourceDue { delete_on: date("2026-11-21") };
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &reason));
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Skip, &reason));
    let plan = world(NOW).snapshot(late.tag("snapwarden:retention", "days=30 copies: days=4")).offsite();
    assert!(matches!(of_copy(&plan, "snap-1", AWAY).0, Act::Copy { .. }));
}

#[test]
fn what_a_tier_keeps_beyond_its_day_is_not_copied_any_more_and_stays() {
    let kept = ours("snap-1", "vol-1", "2026-11-02", "2026-11-09").tag("snapwarden:retention", "days=7 weeks=8");
    let plan = world(NOW).snapshot(kept.tag("DestinationRegion", AWAY)).offsite();
    let reason = Reason::SourceDue { delete_on: date("2026-11-09") };
    assert_eq!(of_copy(&plan, "snap-1", AWAY), (&Act::Skip, &reason));
    assert_eq!(of_source(&plan, "snap-1"), (&Act::Skip, &reason));
    assert_eq!(problems(&plan, "snap-1"), [Problem::SourceDue]);
}
