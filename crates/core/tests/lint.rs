//! What `lint` says of tags, a case for each kind of problem, and what it must not say.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::ops::Range;

use common::*;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use snapwarden_core::ids::Region;
use snapwarden_core::lint::{Lint, LintProblem, Severity, lint, unread};
use snapwarden_core::policy::Config;
use snapwarden_core::tags::key;

fn lints(world: &World) -> Vec<Lint> {
    let regions: Vec<Region> = world.inventory.regions.keys().cloned().collect();
    lint(&world.inventory, &regions, &Config::default())
}

/// Each as `error` or `advice` and its sentence, without its place.
fn said(world: &World) -> Vec<String> {
    let severity = |lint: &Lint| match lint.severity {
        Severity::Error => "error",
        Severity::Advice => "advice",
    };
    lints(world).iter().map(|lint| format!("{} {} {} {}", severity(lint), lint.id, lint.tag(), lint.problem)).collect()
}

/// What is said of a selected instance with these tags.
fn of_server(tagged: Pairs<'_>) -> Vec<String> {
    said(&world(NOW).server("i-1", tagged, "vol-1"))
}

fn of_instance(tagged: Pairs<'_>) -> Vec<String> {
    said(&world(NOW).instance("i-1", tagged, &[]))
}

/// What is said of one of ours.
fn of_ours(change: impl FnOnce(Snap) -> Snap) -> Vec<String> {
    said(&world(NOW).snapshot(change(ours("snap-1", "vol-1", "2026-11-21", "2026-11-28"))))
}

const NO_NUMBER: &str = "is not a whole number from 1 to 36500: new snapshots are kept at least a year, and nothing of its volumes is deleted";
const NEAR: &str = "is not a key of Snapwarden (keys are case-sensitive)";

#[test]
fn a_clean_account_gives_no_alarm() {
    let home = ours("snap-1", "vol-1", "2026-11-21", "2026-11-28")
        .tag("DestinationRegion", AWAY)
        .tag("OffsiteMode", "KeepLatest")
        .tag("Name", "db")
        .tag("snapwarden:retention", "days=7 weeks=8")
        .tag("OffsiteSnapshotId", "eu-west-1:snap-2 snap-3")
        .tag("KeepForever", "before the upgrade");
    let away = copy("snap-2", &home).tag("DestinationRegion", AWAY);
    let account = world(NOW)
        .server(
            "i-1",
            &[
                ("RetentionDays", "7"),
                ("Name", "db"),
                ("name", "x"),
                ("Type", "web"),
                ("Env", "prod"),
                ("aws:autoscaling:groupName", "web"),
            ],
            "vol-1",
        )
        .server(
            "i-2",
            &[
                ("DestinationRegion", "eu-west-1, us-west-2"),
                ("OffsiteMode", "copy"),
                ("RetentionDays", "7"),
                ("RetentionWeeks", "8"),
                ("KeepLast", "3"),
                ("DestinationRetentionDays", "30"),
                ("BackupSchedule", "daily 03:00 Europe/Berlin"),
                ("Retention", "7y"),
                ("RetentionDate", "2027-01-01"),
            ],
            "vol-2",
        )
        .instance("i-3", &[("Backup", "No"), ("RetentionDays", "7d")], &[])
        .instance("i-4", &[("backup", "daily"), ("Backups", "nightly"), ("Lockup", "Yes")], &[])
        .server("i-5", &[("RetentionDays", "7d")], "vol-5")
        .with_instance("i-5", |gone| gone.state = snapwarden_core::inventory::InstanceState::Terminated)
        .volume("vol-3", &[("Backup", "yes"), ("Name", "data")])
        .snapshot(home)
        .snapshot(bare("snap-9", "vol-9").tag("DeleteOn", "soon").tag("CreatedBy", "x").tag("Type", "manual"))
        .region(AWAY)
        .snapshot(away);
    assert_eq!(said(&account), [""; 0]);
    assert_eq!(unread(&account.inventory, &[region(HOME), region(AWAY)]), []);
}

#[test]
fn a_number_that_cannot_be_read_comes_with_the_one_that_was_meant() {
    let case = |key, value| of_server(&[(key, value)]);
    assert_eq!(case("RetentionDays", "7d"), [format!("error i-1 RetentionDays=\"7d\" {NO_NUMBER}; did you mean 7?")]);
    assert_eq!(case("RetentionDays", "0"), [format!("error i-1 RetentionDays=\"0\" {NO_NUMBER}")]);
    assert_eq!(case("RetentionDays", "40000 days"), [format!("error i-1 RetentionDays=\"40000 days\" {NO_NUMBER}")]);
    assert_eq!(
        case("RetentionWeeks", "4 weeks"),
        [
            "error i-1 RetentionWeeks=\"4 weeks\" is not a whole number from 1 to 5200: new snapshots are kept at least a year, and nothing of its volumes is deleted; did you mean 4?"
        ]
    );
    assert_eq!(case("KeepLast", "all").len(), 1);
}

#[test]
fn backup_is_an_error_only_where_something_else_happens_than_was_meant() {
    let says = |severity: &str, value: &str, meant: &str| {
        format!("{severity} i-1 Backup=\"{value}\" is neither Yes nor No, so the instance is not backed up{meant}")
    };
    for value in ["True", "1", "Ja"] {
        assert_eq!(of_instance(&[("Backup", value)]), [says("error", value, "; did you mean Yes?")]);
    }
    for value in ["false", "0"] {
        assert_eq!(of_instance(&[("Backup", value)]), [says("advice", value, "; did you mean No?")]);
    }
    assert_eq!(of_instance(&[("Backup", "daily")]), [says("advice", "daily", "")]);
    let of_volume = |value| said(&world(NOW).volume("vol-1", &[("Backup", value)]));
    let says = "vol-1 Backup=\"false\" is neither Yes nor No, so the volume is backed up; did you mean No?";
    assert_eq!(of_volume("false"), [format!("error {says}")]);
    assert_eq!(of_volume("true"), [format!("advice {}", says.replace("false", "true").replace("mean No", "mean Yes"))]);
}

#[test]
fn what_an_instance_wishes_for_is_looked_at_where_it_was_meant_to_be_backed_up() {
    let wish = ("RetentionDays", "7d");
    let is_read = |tagged: Pairs<'_>| of_instance(tagged).iter().any(|said| said.contains("did you mean 7?"));
    assert!(is_read(&[("Backup", "Yes"), wish]));
    assert!(is_read(&[("Backup", "true"), wish]));
    assert!(is_read(&[("backup", "Yes"), wish]));
    assert!(!is_read(&[("Backup", "No"), wish]));
    assert!(!is_read(&[("Backup", "daily"), wish]));
    assert!(!is_read(&[wish]));
}

#[test]
fn a_mode_that_cannot_be_read_comes_with_the_nearest() {
    let case = |value| of_server(&[("DestinationRegion", AWAY), ("OffsiteMode", value)]);
    let says = |value: &str, meant: &str| {
        let why = "is none of Move, KeepLatest, Copy, so sources stay, as with Copy";
        format!("error i-1 OffsiteMode=\"{value}\" {why}{meant}")
    };
    assert_eq!(case("keep-latest"), [says("keep-latest", "; did you mean KeepLatest?")]);
    assert_eq!(case("moves"), [says("moves", "; did you mean Move?")]);
    assert_eq!(case("mirror"), [says("mirror", "")]);
}

#[test]
fn a_schedule_that_cannot_be_read_says_why_and_what_was_meant() {
    let case = |value| of_server(&[("BackupSchedule", value)]);
    assert_eq!(
        case("daily 3:00"),
        [
            "error i-1 BackupSchedule=\"daily 3:00\" is no schedule, so \"daily 03:00\" holds: write the time as 03:00. Did \
          you mean \"daily 03:00\"?"
        ]
    );
    assert_eq!(
        case("daily 03:00; daily 15:00 Europe/Berln"),
        [
            "error i-1 BackupSchedule=\"daily 03:00; daily 15:00 Europe/Berln\" is no schedule, so \"daily 03:00\" holds: in \
          \"daily 15:00 Europe/Berln\", no time zone has this name; write one such as Europe/Berlin. Did you mean \"daily \
          03:00; daily 15:00 Europe/Berlin\"?"
        ]
    );
    assert_eq!(
        case("every 30m"),
        [
            "error i-1 BackupSchedule=\"every 30m\" is no schedule, so \"daily 03:00\" holds: write every 1h, 2h, 3h, 4h, 6h, \
          8h, 12h or 24h"
        ]
    );
}

#[test]
fn a_schedule_that_never_fires_is_an_error() {
    assert_eq!(
        of_server(&[("BackupSchedule", "0 3 30 2 *")]),
        [
            "error i-1 BackupSchedule=\"0 3 30 2 *\" is no schedule, so \"daily 03:00\" holds: it never fires; \"monthly 31 \
          03:00\" is the last day of every month"
        ]
    );
}

#[test]
fn a_key_that_is_nearly_ours_is_named() {
    for (written, meant, value) in [
        ("RetentionDay", "RetentionDays", "7"),
        ("Retention Days", "RetentionDays", "7"),
        ("retentiondays", "RetentionDays", "7 days"),
        ("DestinationRegions", "DestinationRegion", AWAY),
        ("destination-region", "DestinationRegion", AWAY),
        ("OffSiteMode", "OffsiteMode", "Copy"),
        ("BackupShedule", "BackupSchedule", "hourly"),
        ("Keep_Last", "KeepLast", "3"),
    ] {
        let shown = if written.contains(' ') { format!("\"{written}\"") } else { written.to_owned() };
        assert_eq!(
            of_server(&[(written, value)]),
            [format!("error i-1 {shown}=\"{value}\" {NEAR}; did you mean {meant}?")]
        );
    }
    for key in ["Keep-Forever", "KeepForver", "deleteon", "Delete On"] {
        let snapshot = |snap: Snap| snap.no_tag("DeleteOn").tag(key, "2026-12-01");
        let meant = if key.starts_with('K') { "KeepForever" } else { "DeleteOn" };
        let said = of_ours(snapshot);
        assert!(said.len() == 1 && said[0].ends_with(&format!("did you mean {meant}?")), "{said:?}");
        assert!(said[0].starts_with("error"), "{said:?}");
    }
}

#[test]
fn a_key_near_backup_is_an_error_only_with_our_own_words() {
    let says = |severity: &str, key: &str, value: &str| {
        format!("{severity} i-1 {key}=\"{value}\" {NEAR}; did you mean Backup?")
    };
    assert_eq!(of_instance(&[("backup", "Yes")]), [says("error", "backup", "Yes")]);
    assert_eq!(of_instance(&[("Bakcup", "yes")]), [says("error", "Bakcup", "yes")]);
    assert_eq!(of_instance(&[("backup", "true")]), [says("advice", "backup", "true")]);
    assert_eq!(of_server(&[("backup", "true")]), [""; 0], "the other one is there: this is another tool's");
    let volume = |key, value| said(&world(NOW).volume("vol-1", &[(key, value)]));
    assert!(volume("backup", "No")[0].starts_with("error vol-1 backup=\"No\""));
    assert!(volume("backup", "Yes")[0].starts_with("advice vol-1"));
}

#[test]
fn a_key_near_one_that_is_there_too_counts_only_as_the_same_word() {
    assert_eq!(of_server(&[("RetentionDays", "7"), ("RetentionDay", "30")]), [""; 0]);
    assert_eq!(of_server(&[("RetentionDays", "7"), ("retentiondays", "30")]).len(), 1);
}

#[test]
fn a_pin_on_what_is_not_ours_is_advice() {
    let foreign = |key, value| said(&world(NOW).snapshot(bare("snap-1", "vol-1").tag(key, value)));
    assert_eq!(
        foreign("Keep-Forever", "x"),
        [format!("advice snap-1 Keep-Forever=\"x\" {NEAR}; did you mean KeepForever?")]
    );
    assert!(foreign("KeepForever", "No")[0].starts_with("advice snap-1"));
}

#[test]
fn keep_forever_with_a_no_keeps_all_the_same() {
    let says = |severity: &str, value: &str| {
        format!(
            "{severity} snap-1 keepforever=\"{value}\" keeps it for ever all the same, as any value does; take the tag away \
             if it may expire"
        )
    };
    for value in ["No", "false", "0"] {
        assert_eq!(of_ours(|snap| snap.tag("keepforever", value)), [says("error", value)]);
    }
    assert_eq!(of_ours(|snap| snap.tag("keepforever", " ")), [says("advice", "")]);
    for value in ["Yes", "before the upgrade"] {
        assert_eq!(of_ours(|snap| snap.tag("keepforever", value)), [""; 0]);
    }
}

#[test]
fn a_region_that_cannot_be_used_comes_with_the_nearest_that_can() {
    let case = |value| of_server(&[("DestinationRegion", value), ("OffsiteMode", "Copy")]);
    let says = |value: &str, name: &str, then: &str| {
        let why = "does not exist or is not enabled, so nothing is copied there";
        format!("error i-1 DestinationRegion=\"{value}\" names \"{name}\", which {why}; {then}")
    };
    let away = "did you mean eu-west-1?";
    assert_eq!(case("eu-wset-1"), [says("eu-wset-1", "eu-wset-1", away)]);
    assert_eq!(case("eu-west-1a"), [says("eu-west-1a", "eu-west-1a", away)]);
    assert_eq!(case("EU West 1"), [says("EU West 1", "EU West 1", away)]);
    let none = "write a Region's name, like eu-west-1";
    assert_eq!(case("us-west-2 mars-1"), [says("us-west-2 mars-1", "mars-1", none)]);
    assert_eq!(case("us-esat-1"), [says("us-esat-1", "us-esat-1", none)], "not its own");
    assert_eq!(case(" , "), ["error i-1 DestinationRegion=\",\" names no Region, so nothing is copied"]);
}

#[test]
fn where_the_regions_are_not_known_none_is_doubted_and_that_is_said() {
    let account = world(NOW).regions_unknown().server(
        "i-1",
        &[("DestinationRegion", "mars-1"), ("OffsiteMode", "Copy")],
        "vol-1",
    );
    assert_eq!(said(&account), [""; 0]);
    let unread = unread(&account.inventory, &[region(HOME)]);
    assert_eq!(unread.len(), 1);
    assert!(unread[0].to_string().starts_with("us-east-1: could not list all the account's Regions: Unauthorized"));
}

#[test]
fn the_own_region_is_no_destination() {
    let says = "names its own Region, where nothing is copied to; name another one";
    assert_eq!(
        of_server(&[("DestinationRegion", HOME)]),
        [format!("error i-1 DestinationRegion=\"us-east-1\" {says}")]
    );
    assert_eq!(
        of_ours(|snap| snap.tag("DestinationRegion", HOME)),
        [format!("error snap-1 DestinationRegion=\"us-east-1\" {says}")]
    );
}

#[test]
fn days_that_are_shorter_than_the_schedules_longest_pause_are_an_error() {
    let case = |days, schedule| of_server(&[("RetentionDays", days), ("BackupSchedule", schedule)]);
    assert_eq!(
        case("2", "0 3 * * MON-FRI"),
        [
            "error i-1 RetentionDays=\"2\" means that a snapshot is due after 2 days, before the next is made: none is made for \
          3 days from 2026-11-20T03:00Z to 2026-11-23T03:00Z; keep 3 days or more"
        ]
    );
    assert_eq!(case("3", "0 3 * * MON-FRI"), [""; 0]);
    assert_eq!(case("1", "daily 03:00 Europe/Berlin"), [""; 0], "a day with 25 hours is one day");
    assert_eq!(case("7", "weekly sun 02:00 America/New_York"), [""; 0]);
    let of_default = of_server(&[("BackupSchedule", "monthly 1 03:00")]);
    assert!(
        of_default[0]
            .starts_with("error i-1 BackupSchedule=\"monthly 1 03:00\" means that a snapshot is due after 7 days")
    );
    assert!(of_default[0].ends_with("keep 31 days or more"), "{of_default:?}");
    // Something else keeps one until the next is there.
    let kept = [("RetentionDays", "2"), ("BackupSchedule", "weekly sun 03:00"), ("KeepLast", "2")];
    assert_eq!(of_server(&kept), [""; 0]);
    // The configuration's own business.
    let config = Config { retention_days: 1, schedule: "weekly sun 03:00".parse().unwrap(), ..Config::default() };
    let account = world(NOW).server("i-1", &[], "vol-1");
    assert_eq!(lint(&account.inventory, &[region(HOME)], &config), []);
}

#[test]
fn days_of_copies_are_held_against_the_schedule_too() {
    let tagged = [
        ("BackupSchedule", "weekly sun 03:00"),
        ("DestinationRegion", AWAY),
        ("DestinationRetentionDays", "3"),
        ("OffsiteMode", "Copy"),
        ("RetentionDays", "7"),
    ];
    let said = of_server(&tagged);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("error i-1 DestinationRetentionDays=\"3\" means that a snapshot is due after 3 days"));
}

#[test]
fn a_tier_within_the_days_is_advice() {
    let case = |days, key, count| of_server(&[("RetentionDays", days), (key, count)]);
    let says = |key: &str, count: &str, reach: u32, days: u32| {
        format!(
            "advice i-1 {key}=\"{count}\" keeps nothing that is not kept anyway: it reaches back {reach} days, and \
             everything is kept for {days}; raise it, or keep everything for fewer days"
        )
    };
    assert_eq!(case("30", "RetentionWeeks", "1"), [says("RetentionWeeks", "1", 7, 30)]);
    assert_eq!(case("28", "RetentionWeeks", "4"), [says("RetentionWeeks", "4", 28, 28)]);
    assert_eq!(case("27", "RetentionWeeks", "4"), [""; 0]);
    assert_eq!(case("400", "RetentionYears", "1"), [says("RetentionYears", "1", 366, 400)]);
    assert_eq!(case("365", "KeepLast", "1"), [""; 0], "that one is for outages");
    // Four weeks that have a snapshot are four months here.
    let rare = [("RetentionDays", "60"), ("RetentionWeeks", "4"), ("BackupSchedule", "monthly 1 03:00")];
    assert_eq!(of_server(&rare), [""; 0]);
}

#[test]
fn a_move_that_makes_each_next_snapshot_a_full_one_is_advice() {
    let says = "deletes the local snapshot after copying (OffsiteMode=Move, the default), so every new snapshot is a full one; OffsiteMode=KeepLatest avoids this";
    assert_eq!(
        of_server(&[("DestinationRegion", AWAY)]),
        [format!("advice i-1 DestinationRegion=\"eu-west-1\" {says}")]
    );
    let moved = [("DestinationRegion", AWAY), ("OffsiteMode", "move")];
    assert_eq!(of_server(&moved), [format!("advice i-1 OffsiteMode=\"move\" {says}")]);
    // A destination that cannot be used makes it a Copy: only that is said.
    assert_eq!(of_server(&[("DestinationRegion", "eu-west-1 mars-1")]).len(), 1);
}

#[test]
fn copies_that_are_kept_for_less_than_their_sources_are_an_error_where_sources_are_to_go() {
    let case = |mode: &str, more: Pairs<'_>| {
        let tagged = [&[("DestinationRegion", AWAY), ("OffsiteMode", mode)], more].concat();
        of_server(&tagged)
    };
    let says = "keeps copies for less than their sources, so sources are not removed after copying; keep copies as long, or write OffsiteMode=Copy";
    let shorter = [("RetentionDays", "30"), ("DestinationRetentionDays", "3")];
    for mode in ["Move", "KeepLatest"] {
        assert_eq!(case(mode, &shorter), [format!("error i-1 DestinationRetentionDays=\"3\" {says}")]);
    }
    assert_eq!(case("Copy", &shorter), [""; 0]);
    assert_eq!(
        case("KeepLatest", &[("RetentionWeeks", "8"), ("DestinationRetentionMonths", "3")]),
        [format!("error i-1 DestinationRetentionMonths=\"3\" {says}")],
        "in one of the numbers"
    );
    for as_long in [
        &[("RetentionDays", "7"), ("DestinationRetentionDays", "7")][..],
        &[("RetentionDays", "7"), ("DestinationRetentionDays", "30"), ("DestinationRetentionWeeks", "8")],
        &[("RetentionDays", "7"), ("RetentionWeeks", "8")],
    ] {
        assert_eq!(case("KeepLatest", as_long), [""; 0], "{as_long:?}");
    }
    // What cannot be read is said, and nothing is concluded from it.
    let said = case("KeepLatest", &[("RetentionDays", "30"), ("DestinationRetentionDays", "3d")]);
    assert!(said.len() == 1 && said[0].contains("did you mean 3?"), "{said:?}");
}

#[test]
fn tiers_of_what_an_auto_scaling_group_replaces_are_advice() {
    let of_group = |more: Pairs<'_>| of_server(&[&[("aws:autoscaling:groupName", "web")], more].concat());
    let says = "is counted for each volume by itself: the instance is of an Auto Scaling group, and each replaced volume leaves a snapshot in every tier; use RetentionDays alone, or back up volumes that outlive their instances";
    for (key, count) in [("RetentionWeeks", "8"), ("RetentionMonths", "3"), ("RetentionYears", "1"), ("KeepLast", "3")]
    {
        assert_eq!(of_group(&[(key, count)]), [format!("advice i-1 {key}=\"{count}\" {says}")]);
    }
    assert_eq!(of_group(&[("RetentionMonths", "3"), ("RetentionWeeks", "8")]).len(), 1, "once");
    assert_eq!(of_group(&[("RetentionDays", "30")]), [""; 0]);
}

/// Case 28.
#[test]
fn a_snapshot_with_the_tags_of_another_one_is_an_error() {
    let says = "error snap-1 Type=\"Automated\" says that Snapwarden made this snapshot, and its other tags are those of \
                another one: it is kept for ever; take Type off it, and off the volume that it is of";
    assert_eq!(of_ours(|snap| snap.at("2026-11-25T00:00:00Z")), [says]);
    assert_eq!(of_ours(|snap| snap.tag("SourceSnapshotId", "snap-0").tag("VolumeID", "vol-9")), [says]);
    assert_eq!(of_ours(|snap| snap.at("2026-11-22T00:00:00Z")), [""; 0], "a run may cross midnight");
}

#[test]
fn what_speaks_of_copies_does_nothing_without_a_destination() {
    let says = "does nothing without a DestinationRegion; name one, or take the tag away";
    assert_eq!(
        of_server(&[("DestinationRetentionDays", "30"), ("OffsiteMode", "Copy")]),
        [
            format!("advice i-1 DestinationRetentionDays=\"30\" {says}"),
            format!("advice i-1 OffsiteMode=\"Copy\" {says}"),
        ]
    );
}

#[test]
fn tags_of_ours_on_an_instance_that_is_not_selected_are_advice() {
    assert_eq!(
        of_instance(&[("RetentionDays", "30"), ("BackupSchedule", "hourly"), ("Name", "db")]),
        ["advice i-1 RetentionDays=\"30\" does nothing (nor does BackupSchedule): the instance has no Backup; tag it \
          Backup=Yes to have it backed up"]
    );
}

#[test]
fn a_tag_in_the_wrong_place_is_advice() {
    let volume = world(NOW).volume("vol-1", &[("RetentionDays", "7"), ("KeepForever", "Yes")]);
    assert_eq!(
        said(&volume),
        [
            "advice vol-1 KeepForever=\"Yes\" does nothing here: it is read on a snapshot",
            "advice vol-1 RetentionDays=\"7\" does nothing here: it is read on an instance",
        ]
    );
    assert_eq!(of_ours(|snap| snap.tag("RetentionDays", "7")).len(), 1);
    assert_eq!(of_server(&[("KeepForever", "Yes")]).len(), 1);
}

#[test]
fn what_we_write_on_a_snapshot_and_cannot_read_again_is_an_error() {
    for (key, value, says) in [
        ("DeleteOn", "2026/11/28", "is no day (YYYY-MM-DD), so it is kept for ever; did you mean 2026-11-28?"),
        ("DeleteOn", "tomorrow", "is no day (YYYY-MM-DD), so it is kept for ever"),
        (
            "CreatedOn",
            "2026-1-2",
            "is no day (YYYY-MM-DD), so DeleteOn alone says when it goes; did you mean 2026-01-02?",
        ),
        (
            "snapwarden:retention",
            "7 days",
            "is no record of retention (like days=7 weeks=4), so it is kept until that is mended",
        ),
        (
            "snapwarden:slot",
            "2026-11-21T03:00:00Z",
            "is no slot (like 2026-11-22T03:00Z), so it stands for none; did you mean 2026-11-21T03:00Z?",
        ),
        ("InstanceID", "db", "is no instance's id, so no instance's tags count for it"),
        ("OffsiteMode", "Kopy", "is none of Move, KeepLatest, Copy, so sources stay, as with Copy; did you mean Copy?"),
        (
            "OffsiteSnapshotId",
            "eu-west-1=snap-2",
            "has words that are no verified copies (like eu-west-1:snap-0123456789abcdef0), and prove nothing",
        ),
    ] {
        assert_eq!(of_ours(|snap| snap.tag(key, value)), [format!("error snap-1 {key}=\"{value}\" {says}")]);
    }
    let of_copy = |key: &str| {
        let source = ours("snap-1", "vol-1", "2026-11-21", "2026-11-28");
        said(&world(NOW).region(AWAY).snapshot(copy("snap-2", &source).tag(key, "?")))
    };
    for (key, says) in [
        ("SourceSnapshotId", "is no snapshot's id, so nobody knows what it is a copy of"),
        ("SourceRegion", "is no Region's name, so its volume is looked for in every Region"),
        ("SourceStartTime", "is no time (like 2026-11-22T03:05:00Z), so its age counts from when it was copied"),
        ("VolumeID", "is no volume's id, so nobody knows whose history it belongs to"),
    ] {
        assert_eq!(of_copy(key), [format!("error snap-2 {key}=\"?\" {says}")]);
    }
}

#[test]
fn what_is_ours_but_for_a_letter_is_an_error() {
    let says = "is not Automated, so the snapshot is nobody's and stays for ever; did you mean Automated?";
    assert_eq!(of_ours(|snap| snap.tag("Type", "automated")), [format!("error snap-1 Type=\"automated\" {says}")]);
    assert_eq!(of_ours(|snap| snap.tag("Type", "automated").no_tag("DeleteOn")), [""; 0], "anybody's");
    assert_eq!(of_ours(|snap| snap.tag("Type", "automated").tag("aws:backup:source-resource", "x")), [""; 0]);
}

#[test]
fn only_the_regions_that_were_asked_for_are_looked_at_errors_first_and_each_thing_once() {
    let account = world(NOW)
        .instance("i-9", &[("Backup", "daily")], &[])
        .region(AWAY)
        .instance("i-2", &[("Backup", "true")], &[])
        .instance("i-1", &[("Backup", "true")], &[]);
    let ids = |regions: &[Region]| -> Vec<String> {
        let lints = lint(&account.inventory, regions, &Config::default());
        lints.into_iter().map(|lint| lint.id).collect()
    };
    assert_eq!(ids(&[region(HOME), region(AWAY), region(AWAY)]), ["i-1", "i-2", "i-9"]);
    assert_eq!(ids(&[region(HOME)]), ["i-9"]);
    assert_eq!(ids(&[region(FAR)]), [""; 0]);
}

#[test]
fn a_listing_that_broke_off_is_said_and_the_rest_is_looked_at() {
    let account = world(NOW).server("i-1", &[("RetentionDays", "7d")], "vol-1").snapshots_gap().unread(FAR);
    assert_eq!(said(&account).len(), 1);
    let unread = unread(&account.inventory, &[region(HOME), region(FAR)]);
    let said: Vec<_> = unread.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "us-east-1: could not list all snapshots: RequestExpired. Nothing that depends on them was changed",
            "us-west-2: could not list all instances: not read. Nothing that depends on them was changed",
            "us-west-2: could not list all volumes: not read. Nothing that depends on them was changed",
            "us-west-2: could not list all snapshots: not read. Nothing that depends on them was changed",
        ]
    );
}

#[test]
fn a_lint_says_where_it_is_and_reads_back_from_json() {
    let lints = lints(&world(NOW).server("i-1", &[("RetentionDays", "7d")], "vol-1"));
    let expected = format!("us-east-1 i-1: RetentionDays=\"7d\" {NO_NUMBER}; did you mean 7?");
    assert_eq!(lints[0].to_string(), expected);
    let json = serde_json::to_string(&lints).unwrap();
    assert!(
        json.starts_with(r#"[{"severity":"error","region":"us-east-1","id":"i-1","key":"RetentionDays""#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Vec<Lint>>(&json).unwrap(), lints);
}

/// Keys of ours, some with a letter too many, and anybody's.
fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(&key::ALL[..]).prop_map(str::to_owned),
        2 => select(&key::ALL[..]).prop_map(|key| format!("{key}s")),
        2 => select(&key::ALL[..]).prop_map(str::to_lowercase),
        1 => any::<String>(),
    ]
}

fn any_value() -> impl Strategy<Value = String> {
    const VALUES: [&str; 16] = [
        "Yes",
        "true",
        "7",
        "7d",
        "",
        "eu-west-1",
        "us-east-1, mars-1",
        "Move",
        "Automated",
        "2026-11-22",
        "2026/11/22",
        "daily 3:00",
        "weekly 02:00 Berlin",
        "0 0 29 2 *",
        "*/5 * * * *",
        "days=7",
    ];
    prop_oneof![4 => select(&VALUES[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn any_tags(count: Range<usize>) -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((any_key(), any_value()), count)
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_the_tags_the_lints_are_in_order_and_say_no_control_character(
        of_instance in any_tags(0..8), of_volume in any_tags(0..4), of_snapshot in any_tags(0..8),
    ) {
        fn pairs(tags: &[(String, String)]) -> Vec<(&str, &str)> {
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
        }
        let snap = |id| of_snapshot.iter().fold(ours(id, "vol-1", "2026-11-21", "2026-11-28"), |snap, (key, value)| {
            snap.tag(key, value)
        });
        let account = world(NOW)
            .server("i-1", &pairs(&of_instance), "vol-1")
            .instance("i-2", &pairs(&of_instance), &[])
            .volume("vol-2", &pairs(&of_volume))
            .snapshot(snap("snap-1"))
            .region(AWAY)
            .snapshot(snap("snap-2").tag("SourceSnapshotId", "snap-1"));
        let lints = lints(&account);
        for lint in &lints {
            let said = lint.to_string();
            prop_assert!(!said.contains(char::is_control) && said.chars().count() < 1_000, "{said:?}");
        }
        let mut sorted = lints.clone();
        sorted.sort();
        sorted.dedup();
        prop_assert_eq!(&sorted, &lints);
        // What was meant is something that is read.
        for lint in lints {
            if let (key::BACKUP_SCHEDULE, LintProblem::NoSchedule { meant: Some(meant), .. }) = (&*lint.key, lint.problem) {
                prop_assert!(meant.parse::<snapwarden_core::schedule::Schedule>().is_ok(), "{meant}");
            }
        }
    }
}

#[test]
fn what_replaced_a_volume_must_name_it() {
    let of_volume = |key: &str, value: &str| {
        let older = ours("snap-1", "vol-1", "2026-11-21", "2026-11-28");
        said(&world(NOW).volume("vol-2", &[(key, value)]).snapshot(older))
    };
    assert_eq!(of_volume("snapwarden:was", "vol-1"), [""; 0]);
    assert_eq!(
        of_volume("snapwarden:was", "vol-1, vol-8"),
        [
            "error vol-2 snapwarden:was=\"vol-1, vol-8\" is no volume's id, so the snapshots of the volume that this one \
          replaced are no longer kept for it"
        ]
    );
    assert_eq!(
        of_volume("snapwarden:was", "vol-7"),
        ["error vol-2 snapwarden:was=\"vol-7\" names a volume that does not exist and has no snapshots; if the id is \
          mistyped, the snapshots of the right volume are no longer kept for this one"]
    );
    for key in ["snapwarden:Was", "Snapwarden:was", "snapwarden-was"] {
        assert_eq!(
            of_volume(key, "vol-1"),
            [format!("error vol-2 {key}=\"vol-1\" {NEAR}; did you mean snapwarden:was?")]
        );
    }
}

#[test]
fn what_a_restore_reads_from_must_say_since_when() {
    let of = |key: &'static str, value: &'static str| of_ours(|snap| snap.tag(key, value));
    for value in ["2026-11-22", "2026-11-22T03:05:00Z"] {
        assert_eq!(of("snapwarden:in-use", value), [""; 0]);
    }
    assert_eq!(
        of("snapwarden:in-use", "yes"),
        [
            "error snap-1 snapwarden:in-use=\"yes\" is no day or time (like 2026-11-22T03:05:00Z), so the snapshot is kept until \
          the tag can be read"
        ]
    );
    for key in ["snapwarden:inuse", "Snapwarden:In-Use"] {
        assert_eq!(
            of(key, "2026-11-22"),
            [format!("error snap-1 {key}=\"2026-11-22\" {NEAR}; did you mean snapwarden:in-use?")]
        );
    }
}
