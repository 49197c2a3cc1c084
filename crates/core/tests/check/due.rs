//! S3 of one snapshot's own words: its day, its record, its source; and what other jobs may write on it.

use snapwarden_core::inventory::SnapshotState;

use super::*;

#[test]
fn s3_a_delete_of_what_is_not_due_or_not_completed() {
    let old = || expired("snap-1", "vol-1");
    let of_today = ours("snap-1", "vol-1", "2026-11-15", "2026-11-22");
    for (early, words) in [
        (old().tag("DeleteOn", "2026-11-23"), "is kept until 2026-11-23, its DeleteOn"),
        (old().tag("DeleteOn", "2026-11-23").no_tag("CreatedOn"), "is kept until 2026-11-23"),
        (old().no_tag("DeleteOn"), "has no readable DeleteOn"),
        (old().tag("DeleteOn", "soon"), "has no readable DeleteOn"),
        (old().tag("DeleteOn", "2026-11-8"), "has no readable DeleteOn"),
        (old().tag("DeleteOn", "20261108"), "has no readable DeleteOn"),
        (of_today.clone().at("2026-11-15T04:00:01Z"), "is not 7 full days old, as it was promised"),
        (old().pending(), "is pending"),
        (old().state(SnapshotState::Recoverable), "is recoverable"),
        (old().state(SnapshotState::Recovering), "is recovering"),
        (old().state(SnapshotState::Unfamiliar), "is in a state or a storage tier that is not known here"),
    ] {
        stays(&living().snapshot(early), "snap-1", Rule::S3, words);
    }
    may_go(&living().snapshot(old().tag("DeleteOn", "2026-11-22")), &["snap-1"]);
    may_go(&living().snapshot(of_today.clone().at("2026-11-15T04:00:00Z")), &["snap-1"]);
    may_go(&living().snapshot(of_today.at("2026-11-15T04:00:01Z").no_tag("CreatedOn")), &["snap-1"]);
    may_go(&living().snapshot(old().tag("DeleteOn", "0001-01-01")), &["snap-1"]);
}

/// A copy is as old as its data, where it says so and can be.
#[test]
fn s3_a_copy_is_as_old_as_its_source() {
    let source = ours("snap-0", "vol-1", "2026-11-15", "2026-11-22").at("2026-11-15T04:00:00Z");
    let good = copy("snap-1", &source);
    let with = |copy: Snap| living().region(AWAY).snapshot(copy);
    may_go(&with(good.clone()), &["snap-1"]);
    for young in [
        good.clone().tag("SourceStartTime", "2026-11-15T04:00:01Z"),
        good.clone().no_tag("SourceStartTime"),
        good.clone().tag("SourceStartTime", "long ago"),
        good.tag("SourceStartTime", "2026-11-15T05:00:01Z"),
    ] {
        stays(&with(young), "snap-1", Rule::S3, "is not 7 full days old");
    }
}

#[test]
fn what_failed_goes_whatever_its_day_says() {
    let failed = made("2026-11-21", "days=7 weeks=x").failed("internal error").tag("DeleteOn", "never");
    may_go(&world(NOW).snapshot(failed), &["snap-2026-11-21"]);
}

#[test]
fn s3_a_record_that_cannot_be_read_keeps_its_snapshot() {
    let good = [
        "days=7",
        "days=7 weeks=4 months=12 years=3 last=5 zone=Europe/Berlin mistyped copies: days=30 months=12",
        "days=36500 weeks=5200 months=1200 years=100 last=1000",
        "days=7 copies: days=1",
        "days=7 mistyped",
    ];
    let bad = [
        "",
        "7",
        "days=0",
        "days=07",
        "days=+7",
        "days=7 ",
        "days=7  weeks=4",
        "days=36501",
        "days=7 weeks=5201",
        "days=7 months=1201",
        "days=7 years=101",
        "days=7 last=1001",
        "weeks=4",
        "days=7 weeks=0",
        "weeks=4 days=7",
        "days=7 days=8",
        "days=7 hours=4",
        "days=7 zone=UTC",
        "days=7 zone=europe/berlin",
        "days=7 zone=Mars/Olympus",
        "zone=Europe/Berlin",
        "days=7 mistyped zone=Europe/Berlin",
        "days=7 mistyped mistyped",
        "days=7 miss",
        "days=7 copies:",
        "days=7 copies: weeks=4",
        "days=7 copies: days=1 mistyped",
        "days=7 copies: days=1 copies: days=1",
        "days=7 weeks=99999999999999999999999999999999",
        "days=7 weeks=٤",
    ];
    // Newer ones that state something else, long enough ago, so that its own record alone is at stake.
    let after = |record: &str| {
        let since = ["2026-11-02", "2026-11-13"].map(|day| made(day, "days=7"));
        living().snapshots(since).snapshot(expired("snap-1", "vol-1").tag("snapwarden:retention", record))
    };
    for record in good {
        may_go(&after(record), &["snap-1"]);
    }
    for record in bad.into_iter().filter(|record| *record != "days=7 ") {
        let said = says(&after(record), &["snap-1"]);
        assert_eq!(said, ["us-east-1 S3: snap-1: its record of retention cannot be read"], "{record:?}");
    }
    may_go(&after("days=7 "), &["snap-1"]);
}

/// What a person moved or pinned on a source holds for its copies.
#[test]
fn s3_a_copy_whose_source_is_pinned_or_not_due() {
    let source = expired("snap-0", "vol-1");
    let account = |source: &Snap, of: &Snap| {
        living().snapshot(source.clone()).region(AWAY).snapshot(copy("snap-1", of)).region(HOME)
    };
    may_go(&account(&source, &source), &["snap-1"]);
    let pinned = source.clone().tag("keepforever", "legal hold");
    stays(&account(&pinned, &source), "snap-1", Rule::S3, "its source snap-0 carries KeepForever");
    let moved = source.clone().tag("DeleteOn", "2026-11-23");
    stays(&account(&moved, &source), "snap-1", Rule::S3, "its source snap-0 is kept so that copies go on 2026-11-23");
    let kept = source.clone().no_tag("DeleteOn");
    stays(&account(&kept, &source), "snap-1", Rule::S3, "its source snap-0 has no DeleteOn that can be read");
    may_go(&account(&kept.no_tag("Type"), &source), &["snap-1"]);
    // The source is looked for where the copy says that it lies, or anywhere.
    let nowhere = |of: Snap| living().snapshot(pinned.clone()).region(AWAY).snapshot(of).region(HOME);
    stays(&nowhere(copy("snap-1", &source).no_tag("SourceRegion")), "snap-1", Rule::S3, "carries KeepForever");
    may_go(&nowhere(copy("snap-1", &source).tag("SourceRegion", FAR)), &["snap-1"]);
}

#[test]
fn s3_a_copy_with_days_of_its_own_goes_by_these_and_by_what_a_person_moved_later() {
    // Of 20 days ago, kept 30 days here and `copies` there.
    let source = |copies: &str, delete_on: &str| {
        let record = format!("days=30 copies: days={copies}");
        ours("snap-0", "vol-1", "2026-11-02", delete_on).tag("snapwarden:retention", &record)
    };
    let account = |source: &Snap, day: &str| {
        let copy = copy("snap-1", source).tag("DeleteOn", day);
        let newer =
            ours("snap-8", "vol-1", "2026-11-03", "2026-11-10").tag("snapwarden:retention", "days=1 copies: days=1");
        let newer_copy = copy_of_newest();
        living().snapshots([source.clone(), newer]).region(AWAY).snapshots([copy, newer_copy]).region(HOME)
    };
    may_go(&account(&source("20", "2026-12-02"), "2026-11-22"), &["snap-1"]);
    let longer = account(&source("21", "2026-12-02"), "2026-11-22");
    stays(&longer, "snap-1", Rule::S3, "copies go on 2026-11-23");
    let moved = account(&source("20", "2027-06-01"), "2026-11-22");
    stays(&moved, "snap-1", Rule::S3, "copies go on 2027-06-01");
    let undated = account(&source("20", "2026-12-02").no_tag("CreatedOn"), "2026-11-22");
    stays(&undated, "snap-1", Rule::S3, "copies go on 2026-12-02");
}

fn copy_of_newest() -> Snap {
    copy("snap-c9", &newest())
}

#[test]
fn s3_tags_that_would_overwrite_what_is_there_or_move_delete_on_earlier() {
    let source = source("snap-1", "vol-1", AWAY).tag("Team", "db");
    let account = |copy: Snap| world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy);
    let lacking = account(copy("snap-c", &source).no_tag("Team"));
    let plan = lacking.offsite();
    let subject = copy_to("snap-1", AWAY);
    clean(&plan, &lacking);
    let adding = |key: &str, value: &str| {
        let act = Act::AddTags { region: region(AWAY), snapshot: target("snap-c"), tags: tags(&[(key, value)]) };
        acting(plan.clone(), &subject, act)
    };
    for (key, value) in
        [("DeleteOn", "2026-11-27"), ("DeleteOn", "2026-11-28"), ("DeleteOn", "never"), ("InstanceID", "i-2")]
    {
        caught(&adding(key, value), &lacking, Rule::S3, &subject);
    }
    clean(&adding("DeleteOn", "2026-11-30"), &lacking);
    clean(&adding("KeepForever", "legal hold"), &lacking);
    // Taking DeleteOn away is how a person keeps a snapshot: nobody writes it again.
    let kept = account(copy("snap-c", &source).no_tag("Team").no_tag("DeleteOn"));
    caught(&adding("DeleteOn", "2026-11-30"), &kept, Rule::S3, &subject);
    caught(&adding("snapwarden:closed", "2026-11-22"), &lacking, Rule::S12, &subject);
}
