//! The call budget of ARCHITECTURE.md, on 200 instances with 3 volumes each. Never a describe per snapshot.

use std::collections::BTreeMap;

use snapwarden_core::decision::Job;
use snapwarden_core::report::RunReport;
use snapwarden_core::tags::key;
use snapwarden_ec2sim::face::Sim;

use crate::support::{AWAY, HOME, act, changes, instance, job, offsite_until_done, pass, pass_until, world};

const INSTANCES: usize = 200;
const VOLUMES: usize = 3;

fn fleet(mode: &str) -> Sim {
    let mut world = world(1);
    for n in 0..INSTANCES {
        let tags = [("Backup", "Yes"), ("DestinationRegion", AWAY), ("OffsiteMode", mode)];
        instance(&mut world, &format!("web-{n}"), &tags, VOLUMES);
    }
    Sim::new(world)
}

fn calls(report: &RunReport) -> BTreeMap<(&str, &str), u64> {
    let flat = |(region, calls)| {
        let calls: &BTreeMap<String, u64> = calls;
        let region: &String = region;
        calls.iter().map(move |(action, count)| ((region.as_str(), action.as_str()), *count))
    };
    report.calls.iter().flat_map(flat).collect()
}

#[test]
fn the_creator_makes_one_call_per_set_and_one_per_200_equal_late_tags() {
    let sim = fleet("Move");
    let report = job(&sim, Job::Create);
    assert_eq!(changes(&report), BTreeMap::from([("create", INSTANCES * VOLUMES)]));
    assert_eq!(
        calls(&report),
        BTreeMap::from([
            ((HOME, "GetCallerIdentity"), 1),
            ((HOME, "DescribeRegions"), 1),
            ((HOME, "DescribeInstances"), 1),
            ((HOME, "DescribeVolumes"), 1),
            ((HOME, "DescribeSnapshots"), 1),
            ((AWAY, "DescribeSnapshots"), 1),
            ((HOME, "CreateSnapshots"), 200),
            // Three devices, 200 snapshots each.
            ((HOME, "CreateTags"), 3),
        ])
    );
    pass(&sim, 15);
    let again = job(&sim, Job::Create);
    assert_eq!(changes(&again), BTreeMap::new(), "the slot is done");
    let writes = calls(&again).into_keys().any(|(_, action)| action.starts_with("Create"));
    assert!(!writes, "a second run of the same slot only looks");
}

#[test]
fn the_offsiter_makes_one_call_per_copy_and_one_per_source_removed() {
    let sim = fleet("Move");
    act(&sim, Job::Create);
    pass(&sim, 15);
    sim.with(|world| world.take_log());
    offsite_until_done(&sim);
    let log = sim.with(|world| world.take_log());
    let done = |action: &str| log.iter().filter(|entry| entry.action.as_str() == action && entry.effect).count();
    assert_eq!(done("CopySnapshot"), INSTANCES * VOLUMES);
    assert_eq!(done("DeleteSnapshot"), INSTANCES * VOLUMES);
    assert_eq!(done("CreateTags"), 0, "a copy is born with all its tags");
    // 20 copies are in flight at once: each run that begins some is refused once and stops there.
    let asked = log.iter().filter(|entry| entry.action.as_str() == "CopySnapshot").count();
    let runs = log.iter().filter(|entry| entry.action.as_str() == "GetCallerIdentity").count();
    assert!(asked <= INSTANCES * VOLUMES + runs, "{asked} calls for 600 copies in {runs} runs");
    let looks = log.iter().filter(|entry| entry.action.as_str() == "DescribeSnapshots").count();
    assert!(looks <= runs * 5, "{looks} describes in {runs} runs");
}

#[test]
fn the_manager_makes_one_call_per_delete_and_looks_at_200_ids_a_call() {
    let sim = fleet("Copy");
    act(&sim, Job::Create);
    pass(&sim, 15);
    offsite_until_done(&sim);
    pass_until(&sim, "2026-11-29T03:05:00Z");
    act(&sim, Job::Create);
    pass(&sim, 15);
    offsite_until_done(&sim);
    pass_until(&sim, "2026-11-30T05:00:00Z");
    let report = job(&sim, Job::Expire);
    // 600 sources and 600 copies are due; those of the 29th stay, and are what the deletes rest on.
    assert_eq!(changes(&report), BTreeMap::from([("delete", 2 * INSTANCES * VOLUMES)]));
    let calls = calls(&report);
    for here in [HOME, AWAY] {
        assert_eq!(calls[&(here, "DeleteSnapshot")], 600, "{here}");
        // Two pages of 1,000 and six looks at 100 deletes and 100 anchors.
        assert_eq!(calls[&(here, "DescribeSnapshots")], 2 + 6, "{here}");
        assert_eq!(calls[&(here, "DescribeVolumes")], 1, "{here}");
    }
    pass(&sim, 60);
    assert_eq!(changes(&job(&sim, Job::Expire)), BTreeMap::new());
    let kept = sim.with(|world| world.truth());
    assert!(kept.snapshots().all(|(_, s)| s.tags.get(key::CREATED_ON) == Some("2026-11-29")));
}
