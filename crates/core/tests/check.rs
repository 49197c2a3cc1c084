//! Each safety rule catches a plan that breaks it, and what it names does not stay in the plan.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::*;
use snapwarden_core::approval::Approval;
use snapwarden_core::check::{Rule, check};
use snapwarden_core::decision::{Act, CopyRef, Decision, Plan, Subject};
use snapwarden_core::inventory::SnapshotState;
use snapwarden_core::policy::Config;

/// What a hand-broken plan must lead to: `rule` is found at `subject`, whose act goes, and what is left is clean.
fn caught_with(config: &Config, plan: &Plan, world: &World, rule: Rule, subject: &Subject) {
    let violations = check(plan, &world.inventory, config);
    let is_found = violations.iter().any(|v| v.rule == rule && v.subject.as_ref() == Some(subject));
    assert!(is_found, "{rule:?} at {subject:?} in {violations:?}");
    let rest = plan.clone().without(&violations);
    assert!(!rest.decisions.iter().any(|d| d.subject == *subject && d.act.is_change()), "{:?}", rest.decisions);
    assert_eq!(check(&rest, &world.inventory, config), [], "what is left is clean");
}

fn caught(plan: &Plan, world: &World, rule: Rule, subject: &Subject) {
    caught_with(&Config::default(), plan, world, rule, subject);
}

fn snapshot(id: &str) -> Subject {
    Subject::Snapshot(snapshot_id(id))
}

fn source_of(id: &str) -> Subject {
    Subject::Source(snapshot_id(id))
}

fn copy_to(id: &str, destination: &str) -> Subject {
    Subject::Copy(snapshot_id(id), region(destination))
}

fn volume(id: &str) -> Subject {
    Subject::Volume(volume_id(id))
}

/// The plan with another act for a subject.
fn acting(mut plan: Plan, subject: &Subject, act: Act) -> Plan {
    decision_mut(&mut plan, subject).act = act;
    plan
}

fn decision_mut<'p>(plan: &'p mut Plan, subject: &Subject) -> &'p mut Decision {
    plan.decisions.iter_mut().find(|decision| decision.subject == *subject).unwrap()
}

fn delete() -> Act {
    Act::Delete { anchor: None, rests_on: Vec::new() }
}

/// One expired snapshot of a volume that is gone.
fn to_delete(snap: Snap) -> World {
    world(NOW).snapshot(snap)
}

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

fn good_delete() -> Plan {
    let plan = to_delete(expired("snap-1", "vol-1")).expire();
    assert_eq!(of_snapshot(&plan, "snap-1").0, &delete());
    plan
}

fn good_create() -> (World, Plan) {
    let disks = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2")];
    let world = world(NOW).instance("i-1", &[("Backup", "Yes")], &disks).server("i-2", &[], "vol-3");
    let plan = world.create();
    assert_eq!(plan.groups.len(), 2);
    (world, plan)
}

#[test]
fn good_plans_of_the_planners_are_clean() {
    let (world, plan) = good_create();
    assert_eq!(check(&plan, &world.inventory, &Config::default()), []);
    let world = to_delete(expired("snap-1", "vol-1"));
    assert_eq!(check(&world.expire(), &world.inventory, &Config::default()), []);
    let copied = to_remove(&moved(), []);
    assert_eq!(check(&copied.offsite(), &copied.inventory, &Config::default()), []);
    let removed = to_remove(&moved(), [copy("snap-c", &moved())]);
    assert_eq!(check(&removed.offsite(), &removed.inventory, &Config::default()), []);
}

#[test]
fn without_violations_a_plan_stays_as_it_is() {
    let (_, plan) = good_create();
    assert_eq!(plan.clone().without(&[]), plan);
}

#[test]
fn a_violation_reads_as_region_rule_and_text() {
    let world = to_delete(expired("snap-1", "vol-1").tag("KeepForever", ""));
    let violations = check(&good_delete(), &world.inventory, &Config::default());
    assert_eq!(violations[0].to_string(), "us-east-1 S2: snap-1 carries KeepForever");
}

// Form.

#[test]
fn form_two_decisions_about_one_subject() {
    let mut plan = good_delete();
    plan.decisions.push(plan.decisions[0].clone());
    caught(&plan, &to_delete(expired("snap-1", "vol-1")), Rule::Form, &snapshot("snap-1"));
}

#[test]
fn form_an_act_that_is_not_this_jobs() {
    for job in [snapwarden_core::decision::Job::Create, snapwarden_core::decision::Job::Offsite] {
        let plan = Plan { job, ..good_delete() };
        caught(&plan, &to_delete(expired("snap-1", "vol-1")), Rule::Form, &snapshot("snap-1"));
    }
    let plan = Plan { job: snapwarden_core::decision::Job::Expire, ..good_removal() };
    let world = to_remove(&moved(), [copy("snap-c", &moved())]);
    caught(&plan, &world, Rule::Form, &source_of("snap-1"));
    let (world, plan) = good_create();
    let plan = Plan { job: snapwarden_core::decision::Job::Expire, ..plan };
    caught(&plan, &world, Rule::Form, &volume("vol-1"));
}

#[test]
fn form_a_region_that_is_not_this_runs() {
    let plan = Plan { regions: vec![region(FAR)], ..good_delete() };
    caught(&plan, &to_delete(expired("snap-1", "vol-1")), Rule::Form, &snapshot("snap-1"));
}

#[test]
fn form_an_act_that_does_not_fit_its_subject() {
    let world = to_remove(&moved(), [copy("snap-c", &moved())]);
    let plan = acting(good_removal(), &source_of("snap-1"), Act::Copy { tags: moved().0.tags, encrypted: false });
    caught(&plan, &world, Rule::Form, &source_of("snap-1"));
    let plan = acting(good_removal(), &copy_to("snap-1", AWAY), Act::Stamp { value: String::new() });
    caught(&plan, &world, Rule::Form, &copy_to("snap-1", AWAY));
    let remove = Act::RemoveSource { copies: vec![copy_ref("eu-west-1:snap-c")], newest: None };
    let plan = acting(good_removal(), &copy_to("snap-1", AWAY), remove);
    caught(&plan, &world, Rule::Form, &copy_to("snap-1", AWAY));
}

#[test]
fn form_a_create_that_belongs_to_no_group() {
    let (world, mut plan) = good_create();
    plan.groups.retain(|group| group.instance.as_str() != "i-2");
    caught(&plan, &world, Rule::Form, &volume("vol-3"));
}

#[test]
fn a_bad_create_takes_its_whole_instance_with_it_and_leaves_the_others() {
    let (world, plan) = good_create();
    let world = world.snapshot(ours("snap-1", "vol-1", "2026-11-22", "2026-11-29"));
    let violations = check(&plan, &world.inventory, &Config::default());
    let rest = plan.without(&violations);
    let left: Vec<_> = rest.decisions.iter().map(|decision| decision.subject.clone()).collect();
    assert_eq!(left, [volume("vol-3")]);
    assert_eq!(rest.groups.len(), 1);
}

// S1.

#[test]
fn s1_a_delete_of_what_is_not_managed_or_was_not_seen() {
    for unmanaged in [
        expired("snap-1", "vol-1").owner("999999999999"),
        expired("snap-1", "vol-1").no_tag("Type"),
        expired("snap-1", "vol-1").tag("Type", "Manual"),
        expired("snap-1", "vol-1").tag("aws:dlm:managed", "true"),
        expired("snap-1", "vol-1").tag("aws:backup:source-resource", "x"),
        expired("snap-2", "vol-1"),
    ] {
        caught(&good_delete(), &to_delete(unmanaged), Rule::S1, &snapshot("snap-1"));
    }
}

#[test]
fn s1_a_delete_in_another_region_than_the_snapshots() {
    let world = world(NOW).region(AWAY).snapshot(expired("snap-1", "vol-1"));
    caught(&good_delete(), &world, Rule::S1, &snapshot("snap-1"));
}

#[test]
fn s1_a_copy_a_stamp_a_removal_and_tags_for_what_is_not_managed() {
    let bad = moved().tag("aws:dlm:managed", "true");
    let plan = to_remove(&moved(), []).offsite();
    caught(&plan, &to_remove(&bad, []), Rule::S1, &copy_to("snap-1", AWAY));
    let world = to_remove(&bad, [copy("snap-c", &moved())]);
    caught(&good_removal(), &world, Rule::S1, &source_of("snap-1"));
    let kept = moved().tag("OffsiteMode", "Copy");
    let plan = to_remove(&kept, [copy("snap-c", &kept)]).offsite();
    caught(&plan, &to_remove(&kept.no_tag("Type"), []), Rule::S1, &source_of("snap-1"));
    let lacking = copy("snap-c", &moved()).no_tag("VolumeID");
    let plan = to_remove(&moved(), [lacking.clone()]).offsite();
    let world = to_remove(&moved(), [lacking.owner("999999999999")]);
    caught(&plan, &world, Rule::S1, &copy_to("snap-1", AWAY));
    let made = ours("snap-1", "vol-1", "2026-11-22", "2026-11-29").no_tag("DeviceName");
    let base = common::world(NOW).server("i-1", &[], "vol-1");
    let plan = base.clone().snapshot(made.clone()).create();
    caught(&plan, &base.snapshot(made.tag("Type", "Manual")), Rule::S1, &volume("vol-1"));
}

#[test]
fn s1_a_copy_of_what_is_not_completed_or_a_copy_itself() {
    let plan = to_remove(&moved(), []).offsite();
    for bad in [moved().pending(), moved().failed("internal error"), moved().tag("SourceSnapshotId", "snap-0")] {
        caught(&plan, &to_remove(&bad, []), Rule::S1, &copy_to("snap-1", AWAY));
    }
}

// S2.

#[test]
fn s2_a_delete_of_what_carries_keep_forever() {
    for key in ["KeepForever", "keepforever", " KEEPFOREVER "] {
        let world = to_delete(expired("snap-1", "vol-1").tag(key, "No"));
        caught(&good_delete(), &world, Rule::S2, &snapshot("snap-1"));
        let failed = to_delete(expired("snap-1", "vol-1").tag(key, "No").failed("internal error"));
        caught(&good_delete(), &failed, Rule::S2, &snapshot("snap-1"));
        let pinned = moved().tag(key, "No");
        let world = to_remove(&pinned, [copy("snap-c", &pinned)]);
        caught(&good_removal(), &world, Rule::S2, &source_of("snap-1"));
    }
}

// S3.

#[test]
fn s3_a_delete_of_what_is_not_due_or_not_completed() {
    for early in [
        expired("snap-1", "vol-1").tag("DeleteOn", "2026-11-23"),
        expired("snap-1", "vol-1").tag("DeleteOn", "2026-11-23").no_tag("CreatedOn"),
        expired("snap-1", "vol-1").no_tag("DeleteOn"),
        expired("snap-1", "vol-1").tag("DeleteOn", "soon"),
        expired("snap-1", "vol-1").at("2026-11-15T04:00:01Z"),
        expired("snap-1", "vol-1").pending(),
        expired("snap-1", "vol-1").state(SnapshotState::Recoverable),
        expired("snap-1", "vol-1").state(SnapshotState::Recovering),
        expired("snap-1", "vol-1").state(SnapshotState::Unfamiliar),
        copy("snap-1", &ours("snap-0", "vol-1", "2026-11-16", "2026-11-22").tag("CreatedOn", "2026-11-15")),
    ] {
        caught(&good_delete(), &to_delete(early), Rule::S3, &snapshot("snap-1"));
    }
}

#[test]
fn s3_on_its_day_and_as_old_as_was_promised_to_the_moment_it_may_go() {
    let of_today = expired("snap-1", "vol-1").tag("DeleteOn", "2026-11-22").tag("CreatedOn", "2026-11-15");
    for (now, made) in [("2026-11-22T00:00:00Z", "2026-11-14T00:00:00Z"), (NOW, "2026-11-15T04:00:00Z")] {
        let world = world(now).snapshot(of_today.clone().at(made));
        let plan = world.expire();
        assert_eq!(of_snapshot(&plan, "snap-1").0, &delete(), "{now}");
        assert_eq!(check(&plan, &world.inventory, &Config::default()), [], "{now}");
    }
}

// S4.

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
            assert_eq!(check(&good_removal(), &world.inventory, &Config::default()), []);
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
        moved().tag("SourceSnapshotId", "snap-0"),
        moved().pending(),
        moved().no_tag("DeleteOn"),
        moved().tag("DeleteOn", "never"),
    ] {
        let world = to_remove(&bad, [copy("snap-c", &moved())]);
        caught(&good_removal(), &world, Rule::S4, &source_of("snap-1"));
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

// S5.

#[test]
fn s5_a_delete_of_the_source_of_a_copy_in_the_making() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    for state in
        [SnapshotState::Pending, SnapshotState::Recoverable, SnapshotState::Recovering, SnapshotState::Unfamiliar]
    {
        let world = to_delete(source.clone()).region(AWAY).snapshot(copy("snap-c", &source).state(state));
        caught(&good_delete(), &world, Rule::S5, &snapshot("snap-1"));
    }
    let second = [copy("snap-c", &moved()), copy("snap-c2", &moved()).pending()];
    caught(&good_removal(), &to_remove(&moved(), second), Rule::S5, &source_of("snap-1"));
}

#[test]
fn s5_a_delete_of_a_source_whose_destination_was_not_read() {
    let source = expired("snap-1", "vol-1").tag("DestinationRegion", AWAY);
    for unread in [to_delete(source.clone()).unread(AWAY), to_delete(source.clone()).region(AWAY).snapshots_gap()] {
        caught(&good_delete(), &unread, Rule::S5, &snapshot("snap-1"));
    }
    for list in ["us-west-2 eu-west-1", "us-west-2,eu-west-1"] {
        let second = to_delete(source.clone().tag("DestinationRegion", list)).region(FAR).unread(AWAY);
        caught(&good_delete(), &second, Rule::S5, &snapshot("snap-1"));
    }
    let unknown = to_delete(source.tag("DestinationRegion", "mars-1")).regions_unknown();
    caught(&good_delete(), &unknown, Rule::S5, &snapshot("snap-1"));
}

// S6.

#[test]
fn s6_a_delete_of_the_last_good_one_of_a_living_volume() {
    let base = to_delete(expired("snap-1", "vol-1"));
    caught(&good_delete(), &base.clone().volume("vol-1", &[]), Rule::S6, &snapshot("snap-1"));
    caught(&good_delete(), &base.clone().volume("vol-1", &[("Backup", "?")]), Rule::S6, &snapshot("snap-1"));
    caught(&good_delete(), &base.clone().volumes_gap(), Rule::S6, &snapshot("snap-1"));
    let with_pending = base.volume("vol-1", &[]).snapshot(expired("snap-2", "vol-1").pending());
    caught(&good_delete(), &with_pending, Rule::S6, &snapshot("snap-1"));
    let attached = to_delete(expired("snap-1", "vol-1")).instance("i-1", &[], &[("/dev/xvda", "vol-1")]);
    caught(&good_delete(), &attached.without_volume("vol-1"), Rule::S6, &snapshot("snap-1"));
}

#[test]
fn s6_a_delete_of_the_newest_for_the_sake_of_a_copy_that_lies_about_its_age() {
    let younger = ours("snap-2", "vol-1", "2026-11-02", "2026-11-09");
    let lying = copy("snap-c1", &expired("snap-1", "vol-1")).tag("SourceStartTime", "2099-01-01T00:00:00Z");
    let world = world(NOW).volume("vol-1", &[]).region(AWAY).snapshots([lying, copy("snap-c2", &younger)]);
    let mut plan = world.expire();
    for decision in &mut plan.decisions {
        decision.act = if decision.subject == snapshot("snap-c2") { delete() } else { Act::Keep };
    }
    caught(&plan, &world, Rule::S6, &snapshot("snap-c2"));
}

#[test]
fn s6_of_two_that_hold_the_data_of_one_second_either_may_go() {
    let two = [expired("snap-1", "vol-1"), expired("snap-2", "vol-1")];
    for listed in [two.clone(), [two[1].clone(), two[0].clone()]] {
        let world = world(NOW).volume("vol-1", &[]).snapshots(listed);
        let plan = world.expire();
        assert_eq!(deleted(&plan).len(), 1);
        assert_eq!(check(&plan, &world.inventory, &Config::default()), []);
    }
}

#[test]
fn s6_a_delete_of_all_of_a_living_volumes_at_once() {
    let both = [expired("snap-1", "vol-1"), ours("snap-2", "vol-1", "2026-11-02", "2026-11-09")];
    let gone = world(NOW).snapshots(both.clone());
    let plan = gone.expire();
    assert_eq!(deleted(&plan).len(), 2);
    let living = gone.volume("vol-1", &[]);
    let violations = check(&plan, &living.inventory, &Config::default());
    assert_eq!(violations.len(), 1, "{violations:?}");
    caught(&plan, &living, Rule::S6, &snapshot("snap-2"));
}

#[test]
fn s6_a_delete_of_the_last_good_copy() {
    let good = copy("snap-1", &expired("snap-0", "vol-1"));
    let at = |copy: Snap| world(NOW).region(AWAY).snapshot(copy);
    let plan = at(good.clone()).expire();
    assert_eq!(deleted(&plan), ["snap-1"]);
    let mut living = at(good.clone()).region(HOME).volume("vol-1", &[]);
    caught(&plan, &living, Rule::S6, &snapshot("snap-1"));
    living = at(good.clone()).unread(HOME);
    caught(&plan, &living, Rule::S6, &snapshot("snap-1"));
    living = at(good.clone().no_tag("SourceRegion")).unread(FAR);
    caught(&plan, &living, Rule::S6, &snapshot("snap-1"));
    living = at(good.clone().no_tag("SourceRegion")).regions_unknown();
    caught(&plan, &living, Rule::S6, &snapshot("snap-1"));
    caught(&plan, &at(good.no_tag("VolumeID")), Rule::S6, &snapshot("snap-1"));
}

// S7.

#[test]
fn s7_a_delete_where_the_regions_snapshots_were_not_all_read() {
    let gap = to_delete(expired("snap-1", "vol-1")).snapshots_gap();
    caught(&good_delete(), &gap, Rule::S7, &snapshot("snap-1"));
    let gap = to_remove(&moved(), [copy("snap-c", &moved())]).snapshots_gap();
    caught(&good_removal(), &gap, Rule::S7, &source_of("snap-1"));
}

// S8.

#[test]
fn s8_a_second_snapshot_of_one_volume_and_slot() {
    let (world, plan) = good_create();
    let made = ours("snap-1", "vol-3", "2026-11-22", "2026-11-29");
    for other in [made.clone(), made.clone().pending()] {
        caught(&plan, &world.clone().snapshot(other), Rule::S8, &volume("vol-3"));
    }
    let copied = world.clone().region(AWAY).snapshot(copy("snap-c", &made));
    caught(&plan, &copied, Rule::S8, &volume("vol-3"));
    let failed = world.clone().snapshot(made.failed("internal error"));
    assert_eq!(check(&plan, &failed.inventory, &Config::default()), [], "an errored one is no second one");
    let mut twice = plan.clone();
    let again = twice.groups[1].clone();
    twice.groups.push(again);
    caught(&twice, &world, Rule::S8, &volume("vol-3"));
}

#[test]
fn s8_what_another_service_manages_is_no_first_one() {
    let (world, plan) = good_create();
    let other = ours("snap-1", "vol-3", "2026-11-22", "2026-11-29").tag("aws:dlm:managed", "true");
    assert_eq!(check(&plan, &world.snapshot(other).inventory, &Config::default()), []);
}

#[test]
fn s8_a_create_where_the_regions_snapshots_were_not_all_read() {
    let (world, plan) = good_create();
    caught(&plan, &world.snapshots_gap(), Rule::S8, &volume("vol-1"));
}

#[test]
fn s8_a_volume_that_is_left_out_of_its_own_set() {
    let (world, mut plan) = good_create();
    plan.groups[0].exclude_data.push(volume_id("vol-2"));
    caught(&plan, &world, Rule::S8, &volume("vol-2"));
}

#[test]
fn s8_a_second_copy_of_one_source_in_one_destination() {
    let plan = to_remove(&moved(), []).offsite();
    for other in [copy("snap-c", &moved()), copy("snap-c", &moved()).pending(), copy("snap-c", &moved()).size(9)] {
        caught(&plan, &to_remove(&moved(), [other]), Rule::S8, &copy_to("snap-1", AWAY));
    }
    let failed = to_remove(&moved(), [copy("snap-c", &moved()).failed("KMS")]);
    assert_eq!(check(&plan, &failed.inventory, &Config::default()), []);
    let mut twice = plan.clone();
    twice.decisions.push(decision(&plan, &copy_to("snap-1", AWAY)).clone());
    caught(&twice, &to_remove(&moved(), []), Rule::S8, &copy_to("snap-1", AWAY));
}

#[test]
fn s8_a_copy_to_a_destination_that_was_not_read() {
    let plan = to_remove(&moved(), []).offsite();
    caught(&plan, &to_remove(&moved(), []).unread(AWAY), Rule::S8, &copy_to("snap-1", AWAY));
    let gap = to_remove(&moved(), []).region(AWAY).snapshots_gap();
    caught(&plan, &gap, Rule::S8, &copy_to("snap-1", AWAY));
}

// S9.

fn many() -> World {
    world(NOW).snapshots((0..30).map(|n| expired(&format!("snap-{n:02}"), &format!("vol-{n}"))))
}

/// All deleted, whatever the planner held.
fn all_deleted(world: &World) -> Plan {
    let mut plan = world.expire();
    plan.decisions.iter_mut().for_each(|decision| decision.act = delete());
    plan
}

#[test]
fn s9_a_large_expiry_that_nobody_approved() {
    caught(&all_deleted(&many()), &many(), Rule::S9, &snapshot("snap-00"));
    let held = many().expire();
    assert_eq!(check(&held, &many().inventory, &Config::default()), []);
    let one_slips = acting(held, &snapshot("snap-07"), delete());
    caught(&one_slips, &many(), Rule::S9, &snapshot("snap-07"));
}

#[test]
fn s9_an_approval_covers_its_region_its_count_and_its_day_only() {
    let plan = all_deleted(&many());
    let found = |words: &str| {
        let config = Config { approvals: vec![words.parse::<Approval>().unwrap()], ..Config::default() };
        check(&plan, &many().inventory, &config).iter().filter(|v| v.rule == Rule::S9).count()
    };
    assert_eq!(found("us-east-1:2026-11-22:30"), 0);
    assert_eq!(found("us-east-1:2026-11-22:29"), 1);
    assert_eq!(found("us-east-1:2026-11-08:412"), 0);
    assert_eq!(found("us-east-1:2026-11-07:412"), 30);
    assert_eq!(found("eu-west-1:2026-11-22:412"), 30);
    let config = Config { approvals: vec!["us-east-1:2026-11-22:10".parse().unwrap()], ..Config::default() };
    caught_with(&config, &plan, &many(), Rule::S9, &snapshot("snap-29"));
}

#[test]
fn s9_unmanaged_ones_do_not_hide_a_large_expiry() {
    let other = |n: u32| expired(&format!("snap-x{n}"), "vol-x");
    let unmanaged: [fn(Snap) -> Snap; 4] = [
        |s| s.tag("aws:dlm:managed", ""),
        |s| s.tag("aws:backup:source-resource", ""),
        |s| s.owner("999999999999"),
        |s| s.tag("Type", "Manual"),
    ];
    for unmanage in unmanaged {
        let hidden = many().snapshots((0..60).map(|n| unmanage(other(n))));
        caught(&all_deleted(&hidden), &hidden, Rule::S9, &snapshot("snap-00"));
    }
}

#[test]
fn s9_half_of_what_is_managed_goes_unasked_and_one_more_does_not() {
    let kept = |n: u32| ours(&format!("snap-k{n}"), &format!("vol-k{n}"), "2026-11-20", "2026-12-20");
    let half = many().snapshots((0..30).map(kept));
    let plan = half.expire();
    assert_eq!((deleted(&plan).len(), check(&plan, &half.inventory, &Config::default())), (30, Vec::new()));
    let more = many().snapshots((0..29).map(kept));
    let mut plan = more.expire();
    let held = plan.decisions.iter_mut().filter(|decision| decision.act == Act::Hold);
    held.for_each(|decision| decision.act = delete());
    caught(&plan, &more, Rule::S9, &snapshot("snap-00"));
}

// S10.

#[test]
fn s10_a_plan_of_another_moment_or_account_loses_every_act() {
    let (world, plan) = good_create();
    for bad in [
        Plan { taken_at: time("2026-11-22T04:00:01Z"), ..plan.clone() },
        Plan { account: "999999999999".parse().unwrap(), ..plan.clone() },
    ] {
        let violations = check(&bad, &world.inventory, &Config::default());
        assert_eq!(violations.len(), 1);
        assert_eq!((violations[0].rule, &violations[0].subject), (Rule::S10, &None));
        let rest = bad.without(&violations);
        assert!(rest.groups.is_empty() && !rest.decisions.iter().any(|decision| decision.act.is_change()));
    }
    let expiry = Plan { taken_at: time("2027-11-22T04:00:00Z"), ..good_delete() };
    let violations = check(&expiry, &to_delete(expired("snap-1", "vol-1")).inventory, &Config::default());
    assert!(deleted(&expiry.without(&violations)).is_empty());
}

// S11.

#[test]
fn s11_a_snapshot_born_without_its_ownership_tags_or_pinned() {
    let (world, plan) = good_create();
    for key in ["Type", "CreatedOn", "DeleteOn", "InstanceID", "snapwarden:slot"] {
        let mut bad = plan.clone();
        bad.groups[0].tags.remove(key);
        caught(&bad, &world, Rule::S11, &volume("vol-1"));
    }
    let mut bad = plan.clone();
    bad.groups[0].tags.set("keepforever", "");
    caught(&bad, &world, Rule::S11, &volume("vol-1"));
    let mut bad = plan;
    bad.groups[0].tags.set("Type", "Manual");
    caught(&bad, &world, Rule::S11, &volume("vol-2"));
}

#[test]
fn s11_a_copy_born_without_its_identity() {
    let world = to_remove(&moved(), []);
    let plan = world.offsite();
    let Act::Copy { tags: good, .. } = of_copy(&plan, "snap-1", AWAY).0.clone() else { panic!("no copy") };
    for key in ["Type", "SourceSnapshotId", "SourceRegion", "SourceStartTime", "VolumeID"] {
        let mut tags = good.clone();
        tags.remove(key);
        let bad = acting(plan.clone(), &copy_to("snap-1", AWAY), Act::Copy { tags, encrypted: false });
        caught(&bad, &world, Rule::S11, &copy_to("snap-1", AWAY));
    }
    for (key, value) in [("SourceSnapshotId", "snap-2"), ("SourceRegion", AWAY), ("Type", "Manual")] {
        let mut tags = good.clone();
        tags.set(key, value);
        let bad = acting(plan.clone(), &copy_to("snap-1", AWAY), Act::Copy { tags, encrypted: false });
        caught(&bad, &world, Rule::S11, &copy_to("snap-1", AWAY));
    }
    let mut tags = good;
    for n in tags.len()..50 {
        tags.set(&format!("k{n}"), "x");
    }
    let full = acting(plan.clone(), &copy_to("snap-1", AWAY), Act::Copy { tags: tags.clone(), encrypted: false });
    assert_eq!(check(&full, &world.inventory, &Config::default()), [], "EC2 takes 50");
    tags.set("k50", "x");
    let bad = acting(plan, &copy_to("snap-1", AWAY), Act::Copy { tags, encrypted: false });
    caught(&bad, &world, Rule::S11, &copy_to("snap-1", AWAY));
}

#[test]
fn s3_tags_that_would_overwrite_what_is_there_or_move_delete_on_earlier() {
    let source = common::source("snap-1", "vol-1", AWAY).tag("Team", "db");
    let lacking = copy("snap-c", &source).no_tag("Team");
    let world = world(NOW).snapshot(source).region(AWAY).snapshot(lacking);
    let plan = world.offsite();
    let subject = copy_to("snap-1", AWAY);
    assert_eq!(check(&plan, &world.inventory, &Config::default()), []);
    for (key, value) in
        [("DeleteOn", "2026-11-27"), ("DeleteOn", "2026-11-28"), ("DeleteOn", "never"), ("InstanceID", "i-2")]
    {
        let tags = tags(&[(key, value)]);
        let act = Act::AddTags { region: region(AWAY), snapshot: snapshot_id("snap-c"), tags };
        caught(&acting(plan.clone(), &subject, act), &world, Rule::S3, &subject);
    }
    let later = tags(&[("DeleteOn", "2026-11-30")]);
    let act = Act::AddTags { region: region(AWAY), snapshot: snapshot_id("snap-c"), tags: later };
    assert_eq!(check(&acting(plan, &subject, act), &world.inventory, &Config::default()), []);
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
    let other = |id: &str, at: &str| ours(id, "vol-1", "2026-11-20", "2026-12-20").at(at);
    let older = [other("snap-2", "2026-11-10T03:00:00Z"), other("snap-3", "2026-11-09T03:00:00Z")];
    let with = |one: Snap| [vec![one], older.to_vec()].concat();
    for lasting in [with(other("snap-0", late)), with(other("snap-9", late)), with(other("snap-0", early))] {
        let reversed: Vec<_> = lasting.iter().rev().cloned().collect();
        for (others, is_first) in [(&lasting, true), (&lasting, false), (&reversed, true), (&reversed, false)] {
            let (world, plan) = removal_of_the_latest(early, others, is_first);
            assert_eq!(check(&plan, &world.inventory, &Config::default()), [], "{others:?}");
        }
    }
    let newer = other("snap-9", late);
    let of_another = ours("snap-9", "vol-2", "2026-11-20", "2026-12-20").at(late);
    for no_good in [
        newer.clone().pending(),
        newer.clone().failed("lost"),
        newer.clone().owner("999999999999"),
        newer.clone().no_tag("Type"),
        newer.tag("SourceSnapshotId", "snap-8"),
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
