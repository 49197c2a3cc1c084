//! Small accounts that the product once got wrong, as far as the check alone can judge them: what must not go is deleted
//! by force, and after the grace period it may go.

use super::*;

/// `i-1` is `db` and has `vol-1`; snapshots are of five seconds past three.
fn of(id: &str, day: &str, delete_on: &str) -> Snap {
    ours(id, "vol-1", day, delete_on).at(&format!("{day}T03:00:05Z"))
}

fn recorded(snap: Snap, record: &str) -> Snap {
    snap.tag("snapwarden:retention", record)
}

/// Of each month of the year its first, from before anything was recorded; and one of the 22nd of November.
fn a1(now: &str, tagged: Pairs<'_>) -> World {
    let first = |month: u32| {
        let day = date(&format!("2026-{month:02}-01"));
        let delete_on = day.saturating_add(jiff::ToSpan::days(30));
        of(&format!("snap-{month:02}"), &day.to_string(), &delete_on.to_string())
    };
    let newest = recorded(of("snap-99", "2026-11-22", "2026-12-22"), "days=30 months=24");
    let all: Vec<_> = [("RetentionDays", "30")].into_iter().chain(tagged.iter().copied()).collect();
    world(now).server("i-1", &all, "vol-1").snapshots((1..=10).map(first)).snapshot(newest)
}

fn monthly() -> Vec<String> {
    (1..=10).map(|month| format!("snap-{month:02}")).collect()
}

fn refused(world: &World, ids: &[String]) -> Vec<String> {
    let said = says(world, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    ids.iter().filter(|id| said.iter().any(|text| text.contains(*id))).cloned().collect()
}

#[test]
fn a1_a_tag_that_is_right_mistyped_removed_or_shorter_deletes_nothing_at_once() {
    for tagged in
        [&[("RetentionMonths", "24")][..], &[("RetentionMonths", "24 months")], &[], &[("RetentionMonths", "2")]]
    {
        assert_eq!(refused(&a1(NOW, tagged), &monthly()), monthly(), "{tagged:?}");
    }
}

#[test]
fn a1_a_tag_that_is_removed_or_shorter_takes_effect_seven_full_days_after_a_snapshot_was_made_under_it() {
    let since = |now: &str, tagged, record| {
        a1(now, tagged).snapshot(recorded(of("snap-z", "2026-11-23", "2026-12-23"), record))
    };
    let (before, after) = ("2026-11-30T03:00:04Z", "2026-11-30T03:00:05Z");
    assert_eq!(refused(&since(before, &[], "days=30"), &monthly()), monthly());
    assert_eq!(refused(&since(after, &[], "days=30"), &monthly()), [""; 0]);
    let two = [("RetentionMonths", "2")];
    assert_eq!(refused(&since(before, &two, "days=30 months=2"), &monthly()), monthly());
    assert_eq!(refused(&since(after, &two, "days=30 months=2"), &monthly()), ["snap-10"], "October and November");
    // A mistyped one never does.
    let typo = [("RetentionMonths", "24 months")];
    assert_eq!(refused(&since(after, &typo, "days=3650 mistyped"), &monthly()), monthly());
}

/// One snapshot of the month here and one copy there, then the instance and its volume are lost.
#[test]
fn a3_the_only_backup_of_a_lost_volume_stays_for_thirty_days_in_each_region() {
    let source = ours("snap-a", "vol-1", "2026-11-01", "2026-11-08")
        .at("2026-11-01T04:30:05Z")
        .tag("snapwarden:slot", "2026-11-01T04:30Z")
        .tag("DestinationRegion", AWAY)
        .tag("OffsiteMode", "Copy");
    let account = |now: &str, marked: Option<&str>| {
        let mark = |snap: Snap| marked.iter().fold(snap, |snap, day| snap.tag("snapwarden:closed", day));
        world(now).snapshot(mark(source.clone())).region(AWAY).snapshot(mark(copy("snap-c", &source)))
    };
    let both = ["snap-a", "snap-c"].map(str::to_owned);
    let tags = [("BackupSchedule", "monthly 1 04:30"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy")];
    let alive = world(NOW)
        .server("i-1", &tags, "vol-1")
        .snapshot(source.clone())
        .region(AWAY)
        .snapshot(copy("snap-c", &source));
    assert_eq!(refused(&alive, &both), both);
    assert_eq!(refused(&account(NOW, None), &both), both);
    assert_eq!(refused(&account("2026-12-22T23:59:59Z", Some("2026-11-22")), &both), both);
    may_go(&account("2026-12-23T00:00:00Z", Some("2026-11-22")), &["snap-a", "snap-c"]);
}

#[test]
fn a4_of_two_destinations_each_keeps_its_own_first_of_the_month() {
    let record = "days=2 copies: days=7 months=12";
    let there = |id: &str, day: &str| {
        let delete_on = date(day).saturating_add(jiff::ToSpan::days(7)).to_string();
        let source =
            recorded(of(&format!("{id}-s"), day, &delete_on), record).tag("DestinationRegion", "eu-west-1 us-west-2");
        copy(id, &source)
    };
    let tags = [
        ("RetentionDays", "2"),
        ("DestinationRegion", "eu-west-1 us-west-2"),
        ("DestinationRetentionDays", "7"),
        ("DestinationRetentionMonths", "12"),
    ];
    // One missed the copy of the first of September.
    let world = world(NOW)
        .server("i-1", &tags, "vol-1")
        .region(AWAY)
        .snapshots([there("snap-w1", "2026-09-01"), there("snap-w2", "2026-09-02"), there("snap-w3", "2026-11-03")])
        .region(FAR)
        .snapshots([there("snap-c2", "2026-09-02"), there("snap-c3", "2026-09-03"), there("snap-c4", "2026-11-03")]);
    may_go(&world, &["snap-w2", "snap-c3"]);
    stays(&world, "snap-w1", Rule::S3, "the newest 12 months");
    stays(&world, "snap-c2", Rule::S3, "the newest 12 months");
}

#[test]
fn a28_a_source_stays_where_its_copies_go_sooner() {
    let source =
        recorded(of("snap-a0", "2026-11-22", "2026-12-22"), "days=30 copies: days=3").tag("DestinationRegion", AWAY);
    let world =
        living().snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c0", &source).tag("DeleteOn", "2026-11-25"));
    let act = Act::RemoveSource { copies: vec![copy_ref("eu-west-1:snap-c0")], newest: None };
    let plan = plan_of(&world, Job::Offsite, [(region(HOME), source_of("snap-a0"), act)]);
    caught(&plan, &world, Rule::S4, &source_of("snap-a0"));
}

/// The volume was replaced two years ago; the instance lives and asks for tiers.
#[test]
fn c1_what_there_is_of_a_volume_that_was_replaced_ends_thirty_days_after_it_is_marked() {
    let record = "days=7 months=12 last=5";
    let account = |now: &str, mark: Option<&str>| {
        let old = |month: u32| {
            let day = format!("2024-{month:02}-01");
            let snap = ours(&format!("snap-{month:02}"), "vol-old", &day, &format!("2024-{month:02}-08"));
            let marked = mark.filter(|_| month == 12);
            recorded(marked.iter().fold(snap, |snap, day| snap.tag("snapwarden:closed", day)), record)
        };
        let tags = [("RetentionDays", "7"), ("RetentionMonths", "12"), ("KeepLast", "5")];
        let new = recorded(ours("snap-90", "vol-new", "2026-11-22", "2026-11-29"), record);
        world(now).server("i-1", &tags, "vol-new").snapshots((1..=12).map(old)).snapshot(new)
    };
    let all: Vec<_> = (1..=12).map(|month| format!("snap-{month:02}")).collect();
    assert_eq!(refused(&account(NOW, None), &all), all);
    assert_eq!(refused(&account("2026-12-22T04:00:00Z", Some("2026-11-22")), &all), all);
    assert_eq!(refused(&account("2026-12-23T04:00:00Z", Some("2026-11-22")), &all), [""; 0]);
}

#[test]
fn c2_what_there_is_of_a_volume_that_is_left_out_ends_too() {
    let account = |now: &str, mark: Option<&str>| {
        let snap = |n: u32, day: &str, delete_on: &str| {
            recorded(ours(&format!("snap-0{n}"), "vol-2", day, delete_on), "days=7 last=3")
        };
        let newest = snap(3, "2025-11-22", "2025-11-29");
        let newest = mark.iter().fold(newest, |snap, day| snap.tag("snapwarden:closed", day));
        let older = [
            snap(0, "2025-11-19", "2025-11-26"),
            snap(1, "2025-11-20", "2025-11-27"),
            snap(2, "2025-11-21", "2025-11-28"),
        ];
        let disks = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2")];
        let left_out = world(now).volume("vol-2", &[("Backup", "No")]);
        left_out.instance("i-1", &[("Backup", "Yes"), ("KeepLast", "3")], &disks).snapshots(older).snapshot(newest)
    };
    let all = ["snap-00", "snap-01", "snap-02", "snap-03"].map(str::to_owned);
    assert_eq!(refused(&account(NOW, None), &all), all[1..]);
    assert_eq!(refused(&account("2026-12-22T04:00:00Z", Some("2026-11-22")), &all), all[1..]);
    assert_eq!(refused(&account("2026-12-23T04:00:00Z", Some("2026-11-22")), &all), [""; 0]);
}

#[test]
fn c3_the_last_copy_in_an_old_destination_goes_when_that_is_out_of_force_for_seven_full_days() {
    let to = |id: &str, day: &str, delete_on: &str, destination: &str| {
        copy(id, &of("snap-gone", day, delete_on).tag("DestinationRegion", destination))
    };
    let account = |now: &str| {
        let home = world(now).server("i-1", &[("RetentionDays", "7"), ("DestinationRegion", FAR)], "vol-1");
        let home = home.region(AWAY).snapshot(to("snap-old", "2024-11-22", "2024-11-29", AWAY));
        home.region(FAR).snapshot(to("snap-new", "2026-11-22", "2026-11-29", FAR))
    };
    stays(&account(NOW), "snap-old", Rule::S12, "the last good one");
    stays(&account("2026-11-29T03:00:04Z"), "snap-old", Rule::S12, "the last good one");
    may_go(&account("2026-11-29T03:00:05Z"), &["snap-old"]);
}

#[test]
fn c4_copies_go_where_their_home_is_read_and_stay_where_it_is_not() {
    let copies = ["2026-10-19", "2026-10-20", "2026-10-21", "2026-10-22"].into_iter().enumerate().map(|(n, day)| {
        let delete_on = date(day).saturating_add(jiff::ToSpan::days(7)).to_string();
        copy(&format!("snap-0{n}"), &of(&format!("snap-gone{n}"), day, &delete_on).tag("DestinationRegion", AWAY))
    });
    let account = world(NOW).server("i-1", &[], "vol-1").region(AWAY).snapshots(copies);
    let all = ["snap-00", "snap-01", "snap-02", "snap-03"].map(str::to_owned);
    assert_eq!(refused(&account, &all), all[3..]);
    assert_eq!(refused(&account.unread(HOME), &all), all);
}

#[test]
fn c6_copies_that_name_no_volume_stay() {
    let copies = ["2026-01-01", "2026-02-01", "2026-03-01"].map(|day| {
        copy(&format!("snap-{day}"), &recorded(of("snap-g", day, "2026-03-08"), "days=7 last=2")).no_tag("VolumeID")
    });
    let account = world(NOW).server("i-1", &[("KeepLast", "2")], "vol-1").region(AWAY).snapshots(copies);
    stays(&account, "snap-2026-01-01", Rule::S6, "names no volume");
}

#[test]
fn f11_a_copy_that_is_being_copied_by_hand_waits() {
    let first = |id: &str, day: &str, delete_on: &str| copy(id, &of("snap-g", day, delete_on));
    let due = first("snap-c1", "2026-11-01", "2026-11-08");
    let by_hand = due.clone().tag("SourceSnapshotId", "snap-c1").tag("SourceRegion", AWAY).at("2026-11-22T03:59:00Z");
    let mut by_hand = by_hand.pending();
    by_hand.0.id = snapshot_id("snap-cc");
    let account = |by_hand: Snap| {
        let home = world(NOW).server("i-1", &[], "vol-1").region(AWAY);
        home.snapshots([due.clone(), first("snap-c2", "2026-11-20", "2026-11-27")]).region(FAR).snapshot(by_hand)
    };
    let said = says(&account(by_hand.clone()), &["snap-c1"]);
    assert_eq!(said, ["eu-west-1 S5: snap-c1: its copy snap-cc in us-west-2 is in the making"]);
    may_go(&account(by_hand.state(snapwarden_core::inventory::SnapshotState::Completed)), &["snap-c1"]);
}

#[test]
fn o6_a_copy_whose_source_was_moved_or_pinned_after_it_was_verified_stays() {
    let source = |id: &str, day: &str, delete_on: &str| {
        of(id, day, delete_on)
            .tag("DestinationRegion", AWAY)
            .tag("OffsiteMode", "Copy")
            .tag("OffsiteSnapshotId", "eu-west-1:snap-c")
    };
    let first = source("snap-a0", "2026-11-13", "2026-11-20");
    let second = source("snap-a1", "2026-11-14", "2026-11-21");
    let third = source("snap-a9", "2026-11-22", "2026-11-29");
    let copies = [copy("snap-c0", &first), copy("snap-c1", &second), copy("snap-c9", &third)];
    let tags = [("RetentionDays", "7"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy")];
    let account = |first: Snap, second: Snap| {
        let home = world(NOW).server("i-1", &tags, "vol-1").snapshots([first, second, third.clone()]);
        home.region(AWAY).snapshots(copies.clone())
    };
    may_go(&account(first.clone(), second.clone()), &["snap-c0", "snap-c1"]);
    let now = account(first.tag("DeleteOn", "2027-11-13"), second.tag("KeepForever", "legal hold"));
    stays(&now, "snap-c0", Rule::S3, "copies go on 2027-11-13");
    stays(&now, "snap-c1", Rule::S3, "its source snap-a1 carries KeepForever");
}

/// The predecessor's creator copied with the volume's name and no source; EC2 says vol-ffffffff.
#[test]
fn copies_that_name_a_volume_and_no_source_are_of_that_volume() {
    let by_creator = |id: &str, volume: &str, day: &str| {
        let delete_on = date(day).saturating_add(jiff::ToSpan::days(7)).to_string();
        let copy = ours(id, "vol-ffffffff", day, &delete_on).at(&format!("{day}T03:01:00Z"));
        copy.tag("VolumeID", volume).no_tag("snapwarden:slot")
    };
    let copies = || {
        [
            by_creator("snap-c1", "vol-1", "2026-11-01"),
            by_creator("snap-c2", "vol-1", "2026-11-02"),
            by_creator("snap-c3", "vol-2", "2026-11-02"),
        ]
    };
    let home = || world(NOW).server("i-1", &[], "vol-1").server("i-2", &[], "vol-2");
    let account = home().region(AWAY).snapshots(copies());
    may_go(&account, &["snap-c1"]);
    stays(&account, "snap-c2", Rule::S6, "the newest data of a volume");
    stays(&account, "snap-c3", Rule::S6, "the newest data of a volume");
    let nameless = home().region(AWAY).snapshots(copies().map(|snap| snap.no_tag("VolumeID")));
    stays(&nameless, "snap-c1", Rule::S6, "names no volume");
}

/// A newer one of Data Lifecycle Manager's is no reason to let the last good one of ours go, though it says that it is.
#[test]
fn the_last_good_one_stays_beside_a_newer_one_of_another_service() {
    let of_dlm = ours("snap-2", "vol-1", "2026-11-21", "2026-11-28").tag("aws:dlm:lifecycle-policy-id", "policy-1");
    let world = world(NOW).server("i-1", &[], "vol-1").snapshots([expired("snap-1", "vol-1"), of_dlm]);
    stays(&world, "snap-1", Rule::S6, "the last good one");
}

/// A volume restored by another tool carries our tags, and what that tool and a person make of it does too.
#[test]
fn tags_that_wandered_make_a_snapshot_none_of_ours() {
    let wandered = |id: &str, at: &str| ours(id, "vol-r", "2026-10-01", "2026-10-08").at(at).tag("InstanceID", "i-old");
    let world = world(NOW).instance("i-1", &[], &[("/dev/xvda", "vol-r")]).snapshots([
        wandered("snap-v1", "2026-11-10T01:00:00Z"),
        wandered("snap-v2", "2026-11-20T01:00:00Z"),
        wandered("snap-m", "2026-11-11T01:00:00Z"),
    ]);
    for id in ["snap-v1", "snap-v2", "snap-m"] {
        stays(&world, id, Rule::S1, "is not managed");
    }
}
