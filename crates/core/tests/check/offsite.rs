//! S4: what the offsiter removes has a true copy in every destination, kept at least as long; S5: copies in the making.

use snapwarden_core::decision::CopyRef;
use snapwarden_core::inventory::SnapshotState;

use super::*;

/// A source under Move and its verified copy.
fn to_remove(source: &Snap, copies: impl IntoIterator<Item = Snap>) -> World {
    world(NOW).snapshot(source.clone()).region(AWAY).snapshots(copies).region(HOME)
}

fn moved() -> Snap {
    source("snap-1", "vol-1", AWAY)
}

fn good_removal() -> Plan {
    let plan = to_remove(&moved(), [copy("snap-c", &moved())]).offsite();
    assert!(matches!(of_source(&plan, "snap-1").0, Act::RemoveSource { .. }));
    plan
}

#[test]
fn s4_a_removal_without_a_true_copy() {
    let good = copy("snap-c", &moved());
    for untrue in [
        good.clone().pending(),
        good.clone().failed("KMS"),
        good.clone().size(9),
        good.clone().owner("999999999999"),
        good.clone().tag("SourceSnapshotId", "snap-2"),
        good.clone().no_tag("SourceSnapshotId"),
        good.clone().no_tag("Type"),
        good.no_tag("InstanceID"),
        copy("snap-d", &moved()),
    ] {
        caught(&good_removal(), &to_remove(&moved(), [untrue]), Rule::S4, &source_of("snap-1"));
    }
    let encrypted = moved().encrypted();
    let world = to_remove(&encrypted, [copy("snap-c", &moved())]);
    caught(&good_removal(), &world, Rule::S4, &source_of("snap-1"));
}

/// A copy call has room for 50 tags, with those that say whose copy it is.
#[test]
fn s4_a_copy_may_lack_tags_only_where_there_was_no_room_for_all() {
    for (count, is_clean) in [(45, false), (46, true)] {
        let mut full = moved();
        for n in full.0.tags.len()..count {
            full = full.tag(&format!("Filler{n}"), "x");
        }
        let world = to_remove(&full, [copy("snap-c", &full).no_tag("Filler30")]);
        if is_clean {
            clean(&good_removal(), &world);
        } else {
            caught(&good_removal(), &world, Rule::S4, &source_of("snap-1"));
        }
    }
}

#[test]
fn s4_a_removal_that_does_not_name_a_copy_in_every_destination() {
    for named in ["eu-west-1 us-west-2", "eu-west-1,mars-1", "EU-WEST-1 (junk)", "us-west-2"] {
        let source = moved().tag("DestinationRegion", named);
        let world = to_remove(&source, [copy("snap-c", &source)]);
        caught(&good_removal(), &world, Rule::S4, &source_of("snap-1"));
    }
    let world = to_remove(&moved(), [copy("snap-c", &moved())]);
    let plan = acting(good_removal(), &source_of("snap-1"), Act::RemoveSource { copies: Vec::new(), newest: None });
    caught(&plan, &world, Rule::S4, &source_of("snap-1"));
    let elsewhere = CopyRef { region: region(FAR), snapshot: snapshot_id("snap-c") };
    let act = Act::RemoveSource { copies: vec![elsewhere], newest: None };
    caught(&acting(good_removal(), &source_of("snap-1"), act), &world, Rule::S4, &source_of("snap-1"));
}

#[test]
fn s4_a_removal_of_a_copy_of_what_is_not_completed_or_of_what_has_no_day() {
    for bad in [
        moved().tag("SourceSnapshotId", "snap-0").tag("VolumeID", "vol-1"),
        moved().pending(),
        moved().no_tag("DeleteOn"),
        moved().tag("DeleteOn", "never"),
    ] {
        let world = to_remove(&bad, [copy("snap-c", &moved())]);
        caught(&good_removal(), &world, Rule::S4, &source_of("snap-1"));
    }
}

/// The manager would judge such a copy by that time.
#[test]
fn s4_a_removal_for_a_copy_that_says_its_data_is_older() {
    for (time, is_proof) in [("2026-11-21T03:05:00Z", true), ("2020-01-01T00:00:00Z", false), ("once", true)] {
        let world = to_remove(&moved(), [copy("snap-c", &moved()).tag("SourceStartTime", time)]);
        if is_proof {
            clean(&good_removal(), &world);
        } else {
            caught(&good_removal(), &world, Rule::S4, &source_of("snap-1"));
        }
    }
}

#[test]
fn s4_a_removal_under_copy_or_an_unreadable_mode() {
    for mode in ["Copy", "copy", "mirror", ""] {
        let source = moved().tag("OffsiteMode", mode);
        let world = to_remove(&source, [copy("snap-c", &source)]);
        caught(&good_removal(), &world, Rule::S4, &source_of("snap-1"));
    }
}

/// What speaks of one snapshot alone is missing on its copies, and that makes them no worse.
#[test]
fn s4_a_copy_need_not_carry_the_marks_of_its_source() {
    for key in ["OffsiteSnapshotId", "snapwarden:closed"] {
        let marked = moved().tag(key, "2026-11-22");
        clean(&good_removal(), &to_remove(&marked, [copy("snap-c", &moved())]));
    }
    let old = moved().tag("snapwarden:in-use", "2026-11-01");
    clean(&good_removal(), &to_remove(&old, [copy("snap-c", &moved())]));
}

/// A source goes only where its copies are kept as long: in each of days, weeks, months, years and last.
#[test]
fn s4_a_removal_of_what_its_record_keeps_longer_than_its_copies() {
    let account = |record: &str| {
        let source = moved().tag("snapwarden:retention", record);
        to_remove(&source, [copy("snap-c", &source)])
    };
    for fine in [
        "days=7",
        "days=7 weeks=4 months=12 years=3 last=5",
        "days=7 weeks=4 copies: days=7 weeks=4",
        "days=7 copies: days=30 weeks=4 months=1 years=1 last=1",
        "days=7 weeks=4 months=12 years=3 last=5 copies: days=7 weeks=4 months=12 years=3 last=5",
    ] {
        clean(&good_removal(), &account(fine));
    }
    for more in [
        "days=30 copies: days=3",
        "days=7 weeks=4 copies: days=30",
        "days=7 months=4 copies: days=30 months=3",
        "days=7 years=1 copies: days=3650 months=1200",
        "days=7 last=2 copies: days=7 last=1",
        "days=7 mistyped",
        "days=7 mistyped copies: days=30",
        "days=7 weeks=four",
        "",
    ] {
        caught(&good_removal(), &account(more), Rule::S4, &source_of("snap-1"));
    }
    clean(&good_removal(), &to_remove(&moved(), [copy("snap-c", &moved())]));
}

/// A source under KeepLatest, listed before or behind others, and the plan that removes it.
fn removal_of_the_latest(at: &str, others: &[Snap], is_first: bool) -> (World, Plan) {
    let source = common::source("snap-1", "vol-1", AWAY).tag("OffsiteMode", "KeepLatest").at(at);
    let mut listed = others.to_vec();
    listed.insert(if is_first { 0 } else { others.len() }, source.clone());
    let world = world(NOW).snapshots(listed).region(AWAY).snapshot(copy("snap-c", &source));
    let mut plan = world.offsite();
    for decision in &mut plan.decisions {
        decision.act = Act::Keep;
    }
    let copies = vec![CopyRef { region: region(AWAY), snapshot: snapshot_id("snap-c") }];
    let plan = acting(plan, &source_of("snap-1"), Act::RemoveSource { copies, newest: None });
    (world, plan)
}

#[test]
fn s4_a_newer_one_here_lets_the_latest_go_and_what_is_no_newer_good_one_does_not() {
    let (early, late) = ("2026-11-20T03:00:00Z", "2026-11-21T03:00:00Z");
    let other = |id: &str, at: &str| ours(id, "vol-1", &at[..10], "2026-12-20").at(at);
    let older = [other("snap-2", "2026-11-10T03:00:00Z"), other("snap-3", "2026-11-09T03:00:00Z")];
    let with = |one: Snap| [vec![one], older.to_vec()].concat();
    for lasting in [with(other("snap-0", late)), with(other("snap-9", late)), with(other("snap-0", early))] {
        let reversed: Vec<_> = lasting.iter().rev().cloned().collect();
        for (others, is_first) in [(&lasting, true), (&lasting, false), (&reversed, true), (&reversed, false)] {
            let (world, plan) = removal_of_the_latest(early, others, is_first);
            clean(&plan, &world);
        }
    }
    let newer = other("snap-9", late);
    let of_another = ours("snap-9", "vol-2", "2026-11-21", "2026-12-20").at(late);
    for no_good in [
        newer.clone().pending(),
        newer.clone().failed("lost"),
        newer.clone().owner("999999999999"),
        newer.clone().no_tag("Type"),
        newer.clone().at("2026-11-23T03:00:00Z"),
        newer.tag("SourceSnapshotId", "snap-8").tag("VolumeID", "vol-1"),
        of_another,
    ] {
        let (world, plan) = removal_of_the_latest(early, &with(no_good), true);
        caught(&plan, &world, Rule::S4, &source_of("snap-1"));
    }
}

#[test]
fn s4_a_removal_of_the_newest_under_keep_latest() {
    let source = common::source("snap-1", "vol-1", AWAY).tag("OffsiteMode", "KeepLatest");
    let world = world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", &source));
    let copies = vec![CopyRef { region: region(AWAY), snapshot: snapshot_id("snap-c") }];
    let subject = source_of("snap-1");
    let plan = acting(world.offsite(), &subject, Act::RemoveSource { copies, newest: None });
    caught(&plan, &world, Rule::S4, &subject);
}

// S5.

/// `vol-1` lives, and its newest snapshot names the destination.
fn away() -> World {
    world(NOW).server("i-1", &[], "vol-1").snapshot(newest().tag("DestinationRegion", AWAY))
}

#[test]
fn s5_a_delete_of_the_source_of_a_copy_in_the_making() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let account = |copy: Snap| away().snapshot(source.clone()).region(AWAY).snapshot(copy).region(HOME);
    for state in
        [SnapshotState::Pending, SnapshotState::Recoverable, SnapshotState::Recovering, SnapshotState::Unfamiliar]
    {
        let world = account(copy("snap-c", &source).state(state));
        stays(&world, "snap-1", Rule::S5, "its copy snap-c in eu-west-1 is in the making");
    }
    may_go(&account(copy("snap-c", &source).failed("KMS")), &["snap-1"]);
    // Whoever makes it, wherever.
    let other = away().snapshot(source.clone()).region(FAR).snapshot(copy("snap-c", &source).no_tag("Type").pending());
    stays(&other, "snap-1", Rule::S5, "its copy snap-c in us-west-2 is in the making");
    let second = [copy("snap-c", &moved()), copy("snap-c2", &moved()).pending()];
    caught(&good_removal(), &to_remove(&moved(), second), Rule::S5, &source_of("snap-1"));
}

#[test]
fn s5_a_delete_of_a_source_whose_destination_was_not_read() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    let account = |source: Snap| away().snapshot(source);
    let words = "whether eu-west-1 is copying it was not read";
    stays(&account(source.clone()).unread(AWAY), "snap-1", Rule::S5, words);
    stays(&account(source.clone()).region(AWAY).snapshots_gap(), "snap-1", Rule::S5, words);
    for list in ["us-west-2 eu-west-1", "us-west-2,eu-west-1"] {
        let second = account(source.clone().tag("DestinationRegion", list)).unread(AWAY);
        stays(&second, "snap-1", Rule::S5, words);
    }
    may_go(&account(source.clone()), &["snap-1"]);
    let unknown = account(source.tag("DestinationRegion", "mars-1"));
    stays(&unknown.regions_unknown(), "snap-1", Rule::S5, "whether mars-1 is copying it was not read");
}

/// A copy that is being copied waits like any other.
#[test]
fn s5_a_delete_of_a_copy_of_which_a_copy_is_in_the_making() {
    let first = copy("snap-1", &expired("snap-0", "vol-1"));
    let second = copy("snap-cc", &first).tag("SourceRegion", AWAY).tag("VolumeID", "vol-1");
    let account = |first: Snap, second: Snap| {
        living().region(AWAY).snapshots([first, copy("snap-c9", &newest())]).region(FAR).snapshot(second).region(HOME)
    };
    let words = "its copy snap-cc in us-west-2 is in the making";
    stays(&account(first.clone(), second.clone().pending()), "snap-1", Rule::S5, words);
    stays(&account(first.clone().failed("KMS"), second.clone().pending()), "snap-1", Rule::S5, words);
    may_go(&account(first.clone(), second.clone()), &["snap-1"]);
    may_go(&account(first, second.failed("KMS")), &["snap-1"]);
}
