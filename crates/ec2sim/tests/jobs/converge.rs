//! Drawn fleets: after a job has run, its next plan is empty; and a longer retention never deletes more.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use snapwarden_core::decision::Job;
use snapwarden_core::tags::key;
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::world::World;

use crate::support::{AWAY, FAR, HOME, act, assert_rules, changes, instance, job, offsite_until_done, pass, world};

/// One instance, drawn.
#[derive(Debug, Clone)]
struct Drawn {
    backup: &'static str,
    retention: &'static str,
    destination: String,
    mode: &'static str,
    volumes: usize,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let backup = prop_oneof![8 => Just("Yes"), 1 => Just("no"), 1 => Just("daily")];
    let retention = prop_oneof![Just("1"), Just("2"), Just("3"), Just("7"), Just("7d"), Just("")];
    let destination = prop_oneof![
        Just(String::new()),
        Just(AWAY.to_owned()),
        Just(format!("{AWAY},{FAR}")),
        Just(HOME.to_owned()),
        Just(format!("{AWAY} eu-wset-1")),
    ];
    let mode = prop_oneof![Just("Move"), Just("KeepLatest"), Just("copy"), Just("mirror")];
    (backup, retention, destination, mode, 1..4_usize).prop_map(|(backup, retention, destination, mode, volumes)| {
        Drawn { backup, retention, destination, mode, volumes }
    })
}

fn fleet(seed: u64, instances: &[Drawn], retention: Option<&str>) -> World {
    let mut world = world(seed);
    for (n, one) in instances.iter().enumerate() {
        let retention = retention.unwrap_or(one.retention);
        let tags = [
            (key::BACKUP, one.backup),
            (key::RETENTION_DAYS, retention),
            (key::DESTINATION_REGION, one.destination.as_str()),
            (key::OFFSITE_MODE, one.mode),
        ];
        instance(&mut world, &format!("web-{n}"), &tags, one.volumes);
    }
    world
}

/// Lives through `days` days, and says which data the manager deleted where: volume, slot, Region.
fn live(sim: &Sim, days: usize) -> BTreeSet<(String, String, String)> {
    let mut deleted = BTreeSet::new();
    for _ in 0..days {
        for which in [Job::Create, Job::Offsite, Job::Offsite, Job::Expire] {
            sim.with(|world| world.take_log());
            act(sim, which);
            if which == Job::Expire {
                deleted.extend(sim.with(|world| world.take_log()).into_iter().filter_map(|entry| {
                    let gone = entry.deleted?;
                    let volume = gone.tags.get(key::VOLUME_ID).unwrap_or(gone.volume_id.as_str()).to_owned();
                    Some((volume, gone.tags.get(key::SLOT)?.to_owned(), entry.region.to_string()))
                }));
            }
            pass(sim, 30);
        }
        pass(sim, 22 * 60);
    }
    deleted
}

/// The same cases every time.
fn cases() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(20_261_122);
    ProptestConfig { cases: 48, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn after_a_run_the_next_plan_is_empty(
        instances in proptest::collection::vec(drawn(), 1..5),
        days in 1..6_usize,
        seed in 0..1_000_u64,
    ) {
        let sim = Sim::new(fleet(seed, &instances, None));
        live(&sim, days);
        act(&sim, Job::Create);
        pass(&sim, 60);
        offsite_until_done(&sim);
        act(&sim, Job::Expire);
        pass(&sim, 3);
        for which in [Job::Create, Job::Offsite, Job::Expire] {
            let report = job(&sim, which);
            prop_assert!(changes(&report).is_empty(), "{which:?}: {:?}", changes(&report));
        }
        assert_rules(&sim.with(|world| world.clone()), "drawn");
    }

    #[test]
    fn a_longer_retention_never_deletes_more(
        instances in proptest::collection::vec(drawn(), 1..4),
        (short, longer) in (1..4_u32, 1..5_u32),
        days in 2..8_usize,
        seed in 0..1_000_u64,
    ) {
        let sim = |days: u32| Sim::new(fleet(seed, &instances, Some(&days.to_string())));
        let (few, many) = (live(&sim(short + longer), days), live(&sim(short), days));
        prop_assert!(few.is_subset(&many), "{:?}", few.difference(&many).collect::<Vec<_>>());
    }
}
