//! Tiers lived through: the jobs, with copies and sources removed, and the second look at what a delete rests on.

use std::collections::BTreeMap;

use snapwarden_core::decision::{Job, Problem, Reason};
use snapwarden_core::report::{Changed, Outcome};
use snapwarden_core::tags::key;
use snapwarden_ec2sim::call::ResourceId;
use snapwarden_ec2sim::face::Sim;

use crate::second_look::{exists, meddled};
use crate::support::{AWAY, HOME, act, changes, instance, job, offsite_until_done, pass_until, region, world};

/// An instance with one volume, and a daily snapshot and its copies from the 22nd of November until this day of the year.
fn lived(pairs: &[(&str, &str)], days: i64) -> Sim {
    let mut world = world(6);
    instance(&mut world, "db", pairs, 1);
    let sim = Sim::new(world);
    for day in 0..days {
        let at = jiff::civil::date(2026, 11, 22).saturating_add(jiff::ToSpan::days(day));
        pass_until(&sim, &format!("{at}T03:05:00Z"));
        act(&sim, Job::Create);
        pass_until(&sim, &format!("{at}T04:00:00Z"));
        if pairs.iter().any(|(key, _)| *key == "DestinationRegion") {
            offsite_until_done(&sim);
        }
        pass_until(&sim, &format!("{at}T20:00:00Z"));
        act(&sim, Job::Expire);
    }
    sim
}

/// The slots, without their times, of what there is in a Region.
fn slots(sim: &Sim, place: &str) -> Vec<String> {
    let place = region(place);
    let mut slots: Vec<_> = sim.with(|world| {
        world.snapshots(&place).map(|record| record.snapshot.tags.get(key::SLOT).unwrap()[..10].to_owned()).collect()
    });
    slots.sort();
    slots
}

const WEEKS: &[(&str, &str)] = &[("Backup", "Yes"), ("RetentionDays", "2"), ("RetentionWeeks", "3")];

#[test]
fn under_move_the_copies_are_thinned_as_the_sources_would_have_been() {
    let moved = [WEEKS, &[("DestinationRegion", AWAY)]].concat();
    let (here, offsite) = (lived(WEEKS, 30), lived(&moved, 30));
    // Weeks begin on Monday: the 7th, the 14th and the 21st of December; the 20th is the last of three days.
    let kept = ["2026-12-07", "2026-12-14", "2026-12-20", "2026-12-21"];
    assert_eq!(slots(&here, HOME), kept);
    assert_eq!((slots(&offsite, HOME), slots(&offsite, AWAY)), (Vec::new(), kept.map(str::to_owned).to_vec()));
}

#[test]
fn copies_may_be_kept_longer_than_their_sources() {
    let longer = [
        ("Backup", "Yes"),
        ("RetentionDays", "2"),
        ("DestinationRegion", AWAY),
        ("OffsiteMode", "Copy"),
        ("DestinationRetentionDays", "4"),
        ("DestinationRetentionWeeks", "3"),
    ];
    let sim = lived(&longer, 30);
    assert_eq!(slots(&sim, HOME), ["2026-12-20", "2026-12-21"]);
    let copies = ["2026-12-07", "2026-12-14", "2026-12-18", "2026-12-19", "2026-12-20", "2026-12-21"];
    assert_eq!(slots(&sim, AWAY), copies);
}

#[test]
fn a_terminated_instances_snapshots_are_marked_judged_as_open_for_30_days_and_then_end() {
    let sim = lived(WEEKS, 30);
    sim.with(|world| {
        let id = world.instances(&region(HOME)).next().unwrap().instance.id.clone();
        world.terminate_instance(&region(HOME), &id).unwrap();
    });
    pass_until(&sim, "2027-06-01T20:00:00Z");
    let report = job(&sim, Job::Expire);
    // The 20th was kept for its days only.
    assert_eq!(changes(&report), [("delete", 1), ("mark", 1)].into());
    assert!(report.items().any(|(decision, _)| matches!(decision.reason, Reason::VolumeOver { .. })));
    assert_eq!(slots(&sim, HOME), ["2026-12-07", "2026-12-14", "2026-12-21"]);
    pass_until(&sim, "2027-06-30T20:00:00Z");
    let report = job(&sim, Job::Expire);
    assert_eq!(changes(&report), [].into(), "the mark is written once");
    assert!(report.findings.iter().any(|f| matches!(f.problem, Problem::ClosingHolds { .. })), "{:?}", report.findings);
    pass_until(&sim, "2027-07-02T20:00:00Z");
    let report = job(&sim, Job::Expire);
    assert_eq!(changes(&report), [("delete", 3)].into());
    assert_eq!(slots(&sim, HOME), [""; 0]);
}

#[test]
fn the_first_of_a_week_deleted_by_hand_saves_the_one_that_was_to_go_for_it() {
    let sim = lived(WEEKS, 11);
    // The 1st of December goes next, since the 30th of November is the first of its week.
    pass_until(&sim, "2026-12-03T20:00:00Z");
    let first = sim.with(|world| {
        let record = world
            .snapshots(&region(HOME))
            .find(|record| record.snapshot.tags.get(key::SLOT) == Some("2026-11-30T03:00Z"));
        record.unwrap().snapshot.id.clone()
    });
    let report = meddled(&sim, Job::Expire, |world| world.delete_by_hand(&region(HOME), &first).unwrap());
    let outcomes: BTreeMap<_, _> =
        report.items().filter(|(d, _)| d.act.is_change()).map(|(d, o)| (d.reason.to_string(), o)).collect();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    let (reason, outcome) = outcomes.iter().next().unwrap();
    assert!(reason.ends_with(&format!("{first} is the first of week 2026-W49")), "{reason}");
    assert_eq!(**outcome, Outcome::Changed(Changed::SupportGone));
    let report = job(&sim, Job::Expire);
    assert!(report.items().all(|(decision, _)| !decision.act.is_change()), "it is the first of its week now");
}

#[test]
fn tags_set_back_in_time_lose_nothing() {
    let sim = lived(WEEKS, 30);
    let before = slots(&sim, HOME);
    let id = sim.with(|world| ResourceId::from(world.instances(&region(HOME)).next().unwrap().instance.id.clone()));
    sim.with(|world| world.tag(&region(HOME), &id, key::RETENTION_WEEKS, "1").unwrap());
    pass_until(&sim, "2026-12-22T03:05:00Z");
    act(&sim, Job::Create);
    pass_until(&sim, "2026-12-22T20:00:00Z");
    let report = job(&sim, Job::Expire);
    let waits = report.items().filter(|(decision, _)| matches!(decision.reason, Reason::KeptInGrace { .. })).count();
    assert_eq!(waits, 2, "two weeks wait");
    sim.with(|world| world.tag(&region(HOME), &id, key::RETENTION_WEEKS, "3").unwrap());
    act(&sim, Job::Expire);
    assert!(before[..2].iter().all(|slot| slots(&sim, HOME).contains(slot)));
    assert!(exists(&sim, HOME, &sim.with(|world| world.snapshots(&region(HOME)).next().unwrap().snapshot.id.clone())));
}
