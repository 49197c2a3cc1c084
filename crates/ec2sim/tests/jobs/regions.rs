//! Which Regions the manager reads: all that tags and snapshots name, round by round, wherever it acts.

use std::collections::BTreeMap;

use snapwarden_core::decision::{Job, Problem};
use snapwarden_core::ids::Region;
use snapwarden_core::report::RunReport;
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::people::{NewInstance, NewVolume};
use snapwarden_ec2sim::world::World;
use snapwarden_exec::cloud::CopyRequest;
use snapwarden_exec::run::{Quiet, run};

use crate::support::{AWAY, FAR, HOME, NOW, document, options, region, tags, with_policies};

/// Named by an instance alone that runs in a Region which a copy names.
const LAST: &str = "ap-south-1";
/// Named by nobody.
const NOBODYS: &str = "sa-east-1";

/// A snapshot at home that names [`AWAY`], where a copy names [`FAR`], where an instance names [`LAST`].
fn chain() -> World {
    let regions = [HOME, AWAY, FAR, LAST, NOBODYS].map(region);
    let mut world = World::new(1, NOW.parse().unwrap(), "123456789012".parse().unwrap(), regions);
    let of_ours = |destination: &str| tags(&[("Type", "Automated"), ("DestinationRegion", destination)]);
    let volume =
        |world: &mut World, place: &str| world.create_volume(&region(place), NewVolume::sized("v", 1)).unwrap();
    let here = volume(&mut world, HOME);
    world.snapshot_by_hand(&region(HOME), &here, &of_ours(AWAY)).unwrap();
    let there = volume(&mut world, FAR);
    let source = world.snapshot_by_hand(&region(FAR), &there, &tags(&[])).unwrap();
    world.advance_by(600);
    let of_copy = [
        ("Type", "Automated"),
        ("SourceSnapshotId", source.as_str()),
        ("SourceRegion", FAR),
        ("VolumeID", there.as_str()),
    ];
    let request = CopyRequest {
        source_region: region(FAR),
        source: source.clone(),
        description: String::new(),
        tags: tags(&of_copy),
    };
    world.copy_by_hand(&region(AWAY), &request).unwrap();
    world.run_instance(&region(FAR), NewInstance::named("far", tags(&[("DestinationRegion", LAST)]))).unwrap();
    world.advance_by(600);
    world
}

fn manage(sim: &Sim, regions: &[&str]) -> RunReport {
    let sim = with_policies(sim, &[document(Job::Expire)]);
    sim.block_on(run(&sim, &options(Job::Expire, regions), &Quiet)).unwrap().unwrap()
}

fn calls(report: &RunReport) -> BTreeMap<&str, Vec<(&str, u64)>> {
    report
        .calls
        .iter()
        .map(|(region, calls)| {
            (region.as_str(), calls.iter().map(|(action, count)| (action.as_str(), *count)).collect())
        })
        .collect()
}

#[test]
fn all_regions_that_tags_and_snapshots_name_are_read_once_each_also_where_the_manager_acts_in_one() {
    let sim = Sim::new(chain());
    let report = manage(&sim, &[HOME]);
    assert_eq!(report.plan.regions, [region(HOME)]);
    let all = [("DescribeInstances", 1), ("DescribeSnapshots", 1), ("DescribeVolumes", 1)];
    let at_home = [&all[..1], &[("DescribeRegions", 1)], &all[1..], &[("GetCallerIdentity", 1)]].concat();
    let expected: BTreeMap<&str, Vec<(&str, u64)>> = [
        (HOME, at_home),
        (AWAY, vec![("DescribeSnapshots", 1)]),
        (FAR, all.to_vec()),
        (LAST, vec![("DescribeSnapshots", 1)]),
    ]
    .into();
    assert_eq!(calls(&report), expected);
    assert_eq!((report.exit_code(), report.violations.len()), (0, 0));
}

#[test]
fn where_the_manager_acts_in_all_each_is_read_once() {
    let sim = Sim::new(chain());
    let report = manage(&sim, &[HOME, AWAY, FAR, LAST, NOBODYS]);
    let is_once = |calls: &Vec<(&str, u64)>| calls.iter().all(|(_, count)| *count == 1);
    assert!(calls(&report).values().all(is_once), "{:?}", calls(&report));
    let regions: Vec<&Region> = report.plan.regions.iter().collect();
    assert_eq!(regions.len(), 5);
}

#[test]
fn a_region_that_the_account_does_not_have_is_not_asked() {
    let mut world = chain();
    let here = world.volumes(&region(HOME)).next().unwrap().volume.id.clone();
    world
        .snapshot_by_hand(&region(HOME), &here, &tags(&[("Type", "Automated"), ("DestinationRegion", "mars-1")]))
        .unwrap();
    let report = manage(&Sim::new(world), &[HOME]);
    assert!(!report.calls.contains_key("mars-1"));
    assert_eq!(report.exit_code(), 0);
}

#[test]
fn a_region_that_is_named_and_does_not_answer_makes_the_run_one_that_was_not_whole() {
    let mut world = chain();
    // Due, so that something waits for it.
    let snapshot = world.snapshots(&region(HOME)).next().unwrap().snapshot.id.clone();
    world.tag(&region(HOME), &snapshot.into(), "DeleteOn", "2026-11-01").unwrap();
    world.set_out(&region(AWAY), true).unwrap();
    let report = manage(&Sim::new(world), &[HOME]);
    let is_unread = |problem: &Problem| matches!(problem, Problem::NotRead { what, .. } if what == "snapshots");
    assert!(report.findings.iter().any(|finding| finding.region == region(AWAY) && is_unread(&finding.problem)));
    assert!(report.findings.iter().any(|finding| matches!(finding.problem, Problem::HistoryUnread { .. })));
    assert_eq!(report.exit_code(), 2);
}
