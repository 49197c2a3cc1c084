//! S3 of what an instance's tags want now: days, the first of each of the newest weeks, months and years, the newest ones.

use super::*;

const FIRST: &str = "it is the first of one of the newest";

/// Of these days, without a record, and the newest.
fn plain(tagged: Pairs<'_>, days: &[&str]) -> World {
    living_with(tagged).snapshots(days.iter().map(|day| made(day, "")))
}

#[test]
fn the_first_of_each_of_the_newest_weeks_months_and_years() {
    let weeks = ["2026-11-02", "2026-11-03", "2026-11-10"];
    let months = ["2026-09-01", "2026-09-02", "2026-10-01"];
    let years = ["2024-05-01", "2024-05-02", "2025-02-01"];
    for (key, word, days) in
        [("RetentionWeeks", "weeks", weeks), ("RetentionMonths", "months", months), ("RetentionYears", "years", years)]
    {
        let world = |count: &str| plain(&[(key, count)], &days);
        let first = format!("snap-{}", days[0]);
        stays(&world("3"), &first, Rule::S3, &format!("{FIRST} 3 {word}"));
        may_go(&world("3"), &[&format!("snap-{}", days[1])]);
        may_go(&world("2"), &[&first]);
    }
}

#[test]
fn what_has_no_snapshot_is_no_period_so_that_an_outage_thins_nothing() {
    let world = plain(&[("RetentionWeeks", "2")], &["2026-06-01", "2026-06-02"]);
    stays(&world, "snap-2026-06-01", Rule::S3, "the newest 2 weeks");
    may_go(&world, &["snap-2026-06-02"]);
}

#[test]
fn what_is_not_completed_or_not_ours_is_no_first() {
    for other in [
        made("2026-11-02", "").pending(),
        made("2026-11-02", "").failed("internal error"),
        made("2026-11-02", "").tag("aws:dlm:managed", "true"),
    ] {
        let world = plain(&[("RetentionWeeks", "2")], &["2026-11-03"]).snapshot(other);
        stays(&world, "snap-2026-11-03", Rule::S3, FIRST);
    }
    let pinned = made("2026-11-02", "").tag("KeepForever", "");
    may_go(&plain(&[("RetentionWeeks", "2")], &["2026-11-03"]).snapshot(pinned), &["snap-2026-11-03"]);
}

#[test]
fn the_newest_so_many_stay_whatever_their_age() {
    let world = |count: &str| plain(&[("KeepLast", count)], &["2026-05-01", "2026-06-01"]);
    stays(&world("2"), "snap-2026-06-01", Rule::S3, "it is one of the newest 2");
    may_go(&world("2"), &["snap-2026-05-01"]);
    stays(&world("3"), "snap-2026-05-01", Rule::S3, "it is one of the newest 3");
}

#[test]
fn periods_are_those_of_the_schedules_zone() {
    // Sunday 23:30 in UTC is Monday in Auckland, which is the first of its week there.
    let sunday = ours("snap-1", "vol-1", "2026-11-08", "2026-11-15").at("2026-11-08T23:30:00Z");
    let tags = |schedule: &'static str| [("RetentionWeeks", "9"), ("BackupSchedule", schedule)];
    let account = |schedule| plain(&tags(schedule), &["2026-11-02", "2026-11-10"]).snapshot(sunday.clone());
    stays(&account("daily 12:30 Pacific/Auckland"), "snap-1", Rule::S3, FIRST);
    may_go(&account("daily 12:30 Pacific/Auckland"), &["snap-2026-11-10"]);
    may_go(&account("daily 12:30"), &["snap-1"]);
    stays(&account("daily 12:30"), "snap-2026-11-10", Rule::S3, FIRST);
    may_go(&account("whenever"), &["snap-1"]);
    let config = Config { schedule: "daily 12:30 Pacific/Auckland".parse().unwrap(), ..Config::default() };
    let world = plain(&[("RetentionWeeks", "9")], &["2026-11-02", "2026-11-10"]).snapshot(sunday.clone());
    stays_with(&config, &world, "snap-1", Rule::S3, FIRST);
}

#[test]
fn each_region_keeps_its_own_first() {
    let tags = [("RetentionWeeks", "4"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy")];
    let here = ["2026-11-02", "2026-11-03"].map(|day| made(day, ""));
    let there = copy("snap-c", &here[1]);
    let world = living_with(&tags).snapshots(here).region(AWAY).snapshots([there, copy("snap-c9", &newest())]);
    may_go(&world, &["snap-2026-11-03"]);
    stays(&world, "snap-2026-11-02", Rule::S3, FIRST);
    let said = says(&world, &["snap-c"]);
    assert_eq!(said, ["eu-west-1 S3: snap-c: it is the first of one of the newest 4 weeks"], "its own first");
}

/// Under `Move` the history at home counts what was moved away, as long as a copy of it is there.
#[test]
fn what_was_moved_away_counts_at_home_and_only_there() {
    let moved = made("2026-11-10", "");
    let tags = [("RetentionWeeks", "2")];
    let account = |copy: Snap| plain(&tags, &["2026-11-03"]).region(AWAY).snapshot(copy).region(FAR);
    let good = copy("snap-c", &moved);
    may_go(&account(good.clone()), &["snap-2026-11-03"]);
    for other in [
        good.clone().pending(),
        good.clone().failed("KMS"),
        good.clone().tag("SourceRegion", FAR),
        good.clone().tag("VolumeID", "vol-2"),
        good.clone().no_tag("SourceSnapshotId"),
        good.clone().tag("SourceSnapshotId", "snap-9"),
    ] {
        stays(&account(other.clone()), "snap-2026-11-03", Rule::S3, FIRST);
    }
    // It takes a place, and is no first where one of its week is here.
    stays(&account(copy("snap-c", &made("2026-11-02", ""))), "snap-2026-11-03", Rule::S3, FIRST);
    // It takes a place among the newest, too.
    let newer = copy("snap-c", &made("2026-11-20", ""));
    let last = |copy: Snap| plain(&[("KeepLast", "2")], &["2026-11-03"]).region(AWAY).snapshot(copy);
    may_go(&last(newer.clone()), &["snap-2026-11-03"]);
    stays(&last(newer.tag("SourceRegion", FAR)), "snap-2026-11-03", Rule::S3, "one of the newest 2");
}

#[test]
fn with_a_part_for_copies_sources_and_copies_are_two_histories() {
    let tags = [("DestinationRetentionWeeks", "4"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy")];
    let sources = ["2026-11-02", "2026-11-03"].map(|day| made(day, ""));
    let copies = [copy("snap-c2", &sources[0]), copy("snap-c3", &sources[1])];
    // A copy that lies at home, by hand, is of the copies.
    let at_home = copy("snap-h", &sources[1]).tag("SourceSnapshotId", "snap-2026-11-03");
    let world = living_with(&tags).snapshots(sources).snapshot(at_home).region(AWAY).snapshots(copies);
    let world = world.snapshot(copy("snap-c9", &newest()));
    may_go(&world, &["snap-2026-11-02", "snap-2026-11-03", "snap-c3"]);
    stays(&world, "snap-c2", Rule::S3, "the newest 4 weeks");
    stays(&world, "snap-h", Rule::S3, "the newest 4 weeks");
    let one = living_with(&[("RetentionWeeks", "4"), ("DestinationRegion", AWAY)]);
    let one = one.snapshots(["2026-11-02", "2026-11-03"].map(|day| made(day, "")));
    may_go(&one.snapshot(copy("snap-h", &made("2026-11-03", ""))), &["snap-h"]);
}

/// A copy that lost the time of its data, or has one that cannot be, is of the week of its twin and of none of its own.
#[test]
fn a_copy_that_does_not_say_when_its_data_was_written_is_of_the_time_of_its_twin() {
    let [first, second] = ["2026-11-01", "2026-11-02"].map(|day| made(day, ""));
    let twin = copy("snap-twin", &second).at("2026-11-10T04:00:00Z");
    let account = |twin: Snap| {
        let world = living_with(&[("RetentionWeeks", "2"), ("DestinationRegion", AWAY)]).region(AWAY);
        world.snapshots([copy("snap-c1", &first), copy("snap-c2", &second), twin])
    };
    for lost in [
        twin.clone(),
        twin.clone().no_tag("SourceStartTime"),
        twin.clone().tag("SourceStartTime", "long ago"),
        twin.clone().tag("SourceStartTime", "2026-11-10T04:00:01Z"),
    ] {
        stays(&account(lost), "snap-c1", Rule::S3, FIRST);
    }
    // A time that can be is believed.
    for said in ["2026-11-09T00:00:00Z", "2026-11-10T04:00:00Z"] {
        may_go(&account(twin.clone().tag("SourceStartTime", said)), &["snap-c1"]);
    }
}

#[test]
fn of_two_that_hold_the_data_of_one_second_either_may_go_and_not_both() {
    let two = ["snap-1", "snap-2"].map(|id| ours(id, "vol-1", "2026-11-02", "2026-11-09"));
    for tags in [("RetentionWeeks", "4"), ("KeepLast", "2")] {
        let world = living_with(&[tags]).snapshots(two.clone());
        may_go(&world, &["snap-1"]);
        may_go(&world, &["snap-2"]);
        assert_eq!(says(&world, &["snap-1", "snap-2"]).len(), 2, "{tags:?}");
    }
}

#[test]
fn longer_days_take_effect_at_once_on_what_has_its_word_to_keep() {
    // Promised seven days, ten days ago; the instance asks for more now.
    let account = |tagged: Pairs<'_>, snap: Snap| living_with(tagged).snapshot(snap);
    let old = made("2026-11-12", "days=7").at("2026-11-12T04:00:00Z");
    let id = "snap-2026-11-12";
    stays(&account(&[("RetentionDays", "11")], old.clone()), id, Rule::S3, "it is kept for 11 days");
    may_go(&account(&[("RetentionDays", "10")], old.clone()), &[id]);
    let younger = old.clone().at("2026-11-12T04:00:01Z");
    stays(&account(&[("RetentionDays", "10")], younger), id, Rule::S3, "it is kept for 10 days");
    // Without a record the promise is its DeleteOn, and so it is where a person moved that.
    may_go(&account(&[("RetentionDays", "99")], old.clone().no_tag("snapwarden:retention")), &[id]);
    may_go(&account(&[("RetentionDays", "99")], old.clone().tag("DeleteOn", "2026-11-20")), &[id]);
    let mistyped = old.tag("snapwarden:retention", "days=365 mistyped").tag("DeleteOn", "2026-11-20");
    stays(&account(&[("RetentionDays", "99")], mistyped), id, Rule::S3, "it is kept for 99 days");
}

#[test]
fn longer_days_of_copies_hold_for_copies() {
    let tags = [("DestinationRetentionDays", "30"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy")];
    let source = made("2026-11-12", "days=7 copies: days=3");
    let account = |day: &str| {
        let copy = copy("snap-c", &source).tag("DeleteOn", day);
        living_with(&tags).snapshot(source.clone()).region(AWAY).snapshots([copy, copy_of_newest()]).region(HOME)
    };
    may_go(&account("2026-11-15"), &["snap-2026-11-12"]);
    stays(&account("2026-11-15"), "snap-c", Rule::S3, "it is kept for 30 days");
    may_go(&account("2026-11-19"), &["snap-c"]);
}

fn copy_of_newest() -> Snap {
    copy("snap-c9", &newest())
}

/// Of several instances all count, selected or not; of one that is not selected only the tags that are there.
#[test]
fn whose_tags_count() {
    let old = made("2026-11-12", "days=3").tag("DeleteOn", "2026-11-15");
    let id = "snap-2026-11-12";
    let ten_days = Config { retention_days: 11, ..Config::default() };
    let with = |selected: &'static str, tagged: Pairs<'_>| {
        let tagged: Vec<_> = [("Backup", selected)].into_iter().chain(tagged.iter().copied()).collect();
        world(NOW).instance("i-1", &tagged, &[("/dev/xvda", "vol-1")]).snapshots([newest(), old.clone()])
    };
    for selected in ["Yes", "yES"] {
        stays_with(&ten_days, &with(selected, &[]), id, Rule::S3, "it is kept for 11 days");
    }
    for unselected in ["maybe", ""] {
        assert_eq!(says_with(&ten_days, &with(unselected, &[]), &[id]), Vec::<String>::new(), "no default");
        let asks = with(unselected, &[("RetentionWeeks", "9")]);
        stays_with(&ten_days, &asks, id, Rule::S3, "the newest 9 weeks");
        let asks = with(unselected, &[("RetentionDays", "12")]);
        stays_with(&ten_days, &asks, id, Rule::S3, "it is kept for 12 days");
    }
    let two = |second: Pairs<'_>| {
        let first = living_with(&[("RetentionDays", "3")]).snapshot(old.clone());
        first.instance("i-2", second, &[("/dev/sdf", "vol-1")])
    };
    may_go(&two(&[]), &[id]);
    stays(&two(&[("RetentionMonths", "2")]), id, Rule::S3, "the newest 2 months");
    let gone = two(&[("RetentionMonths", "2")]).with_instance("i-2", |instance| {
        instance.state = snapwarden_core::inventory::InstanceState::Terminated;
    });
    may_go(&gone, &[id]);
    let other = living_with(&[("RetentionDays", "3")]).snapshot(old.clone());
    may_go(&other.instance("i-2", &[("RetentionMonths", "2")], &[("/dev/sdf", "vol-2")]), &[id]);
}
