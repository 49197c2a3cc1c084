//! A month without faults: what exists at its end is what the tags promise, and then the plans are empty.

use std::collections::BTreeMap;

use snapwarden_core::decision::{Act, Job};
use snapwarden_ec2sim::face::Sim;

use crate::support::{AWAY, HOME, assert_rules, changes, instance, job, pass, pass_until, region, world};

#[test]
fn a_month_leaves_what_the_tags_promise_and_three_empty_plans() {
    let mut world = world(11);
    instance(&mut world, "moved", &[("Backup", "Yes"), ("DestinationRegion", AWAY)], 2);
    let latest = [("Backup", "Yes"), ("DestinationRegion", AWAY), ("OffsiteMode", "KeepLatest")];
    instance(&mut world, "latest", &latest, 1);
    let copied = [("Backup", "Yes"), ("DestinationRegion", AWAY), ("OffsiteMode", "Copy"), ("RetentionDays", "10")];
    instance(&mut world, "copied", &copied, 1);
    instance(&mut world, "local", &[("Backup", "Yes"), ("RetentionDays", "3")], 1);
    let sim = Sim::new(world);
    for day in 1..=30 {
        pass_until(&sim, &format!("2026-12-{day:02}T03:00:00Z"));
        for which in [Job::Create, Job::Offsite, Job::Offsite, Job::Offsite, Job::Expire] {
            assert_eq!(job(&sim, which).exit_code(), 0);
            pass(&sim, 10);
        }
        assert_rules(&sim.with(|world| world.clone()), &format!("day {day}"));
    }
    let count = |name: &str| {
        let mut by_instance = BTreeMap::new();
        sim.with(|world| {
            for record in world.snapshots(&region(name)) {
                let name = record.snapshot.tags.get("InstanceName").unwrap().to_owned();
                *by_instance.entry(name).or_insert(0) += 1;
            }
        });
        by_instance
    };
    let of = |pairs: &[(&str, i32)]| pairs.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect::<BTreeMap<_, _>>();
    // Seven days kept: on the 30th at four those of the 24th to the 30th, that of the 23rd went when it was seven full
    // days old.
    assert_eq!(count(HOME), of(&[("latest", 1), ("copied", 10), ("local", 3)]));
    assert_eq!(count(AWAY), of(&[("moved", 14), ("latest", 7), ("copied", 10)]));
    for which in [Job::Create, Job::Offsite, Job::Expire] {
        assert_eq!(changes(&job(&sim, which)).len(), 0, "{which:?} has nothing left to do");
        assert!(!job(&sim, which).plan.decisions.iter().any(|d| matches!(d.act, Act::Wait | Act::Hold)));
    }
}
