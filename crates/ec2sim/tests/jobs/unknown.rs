//! An error code that nobody here knows, at each call that a delete rests on: it proves nothing, so nothing is deleted,
//! and a person is told.

use std::cell::RefCell;
use std::rc::Rc;

use snapwarden_core::decision::{Job, Problem};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::report::{Outcome, RunReport, Said};
use snapwarden_ec2sim::call::{Action, ApiError, Call, Reply};
use snapwarden_ec2sim::face::{Bystander, Sim};
use snapwarden_ec2sim::faults::Ordered;
use snapwarden_ec2sim::world::World;

use crate::second_look::{exists, one_due, one_to_remove, only_delete};
use crate::support::{AWAY, HOME, act, changes, instance, job, pass, pass_until, region, world};

const CODE: &str = "NeverHeardOf";

fn unknown() -> Ordered {
    Ordered::Answer(ApiError::answer(400, CODE, "words that nobody has seen"))
}

fn said() -> Said {
    Said { code: CODE.to_owned(), message: "words that nobody has seen".to_owned() }
}

/// Orders the answer for one page of a listing, and counts the pages that are asked for.
struct OnPage {
    region: Region,
    action: Action,
    page: usize,
    asked: usize,
}

impl Bystander for OnPage {
    fn before(&mut self, world: &mut World, region: &Region, call: &Call) {
        if *region == self.region && call.action() == self.action && call.subjects().is_empty() {
            if self.asked == self.page {
                world.order(region, self.action, None, unknown());
            }
            self.asked += 1;
        }
    }

    fn after(&mut self, _: &mut World, _: &Region, _: &Call, _: &Result<Reply, ApiError>) {}
}

/// Runs a job to which a page, counted from 0, is answered so. None where the listing has no such page.
fn job_with(sim: &Sim, which: Job, at: &str, action: Action, page: usize) -> Option<RunReport> {
    let bystander = Rc::new(RefCell::new(OnPage { region: region(at), action, page, asked: 0 }));
    let report = job(&sim.with_bystander(bystander.clone()), which);
    let asked = bystander.borrow().asked;
    (asked > page).then_some(report)
}

/// That the answer on any page of the listing keeps all that `which` deletes without it. How often it was given.
fn assert_no_page_leads_to_a_delete(before: &World, which: Job, at: &str, action: Action) -> usize {
    let count = |sim: &Sim| sim.with(|world| world.truth().snapshots().count());
    let whole = Sim::new(before.clone());
    let there = count(&whole);
    act(&whole, which);
    assert!(count(&whole) < there, "without it something is deleted");
    let mut pages = 0;
    loop {
        let sim = Sim::new(before.clone());
        let Some(report) = job_with(&sim, which, at, action, pages) else { return pages };
        assert_eq!(changes(&report), [].into(), "{which:?}, page {pages} of {action:?}");
        assert_eq!(count(&sim), there, "{which:?}, page {pages} of {action:?}");
        assert!(told(&report), "{which:?}, page {pages} of {action:?}: {:?}", report.findings);
        pages += 1;
    }
}

/// Whether a person is told that something could not be read, in EC2's words where that is where the job acts.
fn told(report: &RunReport) -> bool {
    let is_own = |problem: &Problem| matches!(problem, Problem::NotRead { why, .. } if why.contains(CODE));
    let is_away = |problem: &Problem| *problem == Problem::DestinationUnread { destination: region(AWAY) };
    let has = |what: &dyn Fn(&Problem) -> bool| report.findings.iter().any(|finding| what(&finding.problem));
    has(&is_away) || has(&is_own) && report.exit_code() == 2
}

/// Seven volumes that live, and one that is gone: of the eight snapshots, all due, its one alone may go.
fn one_volume_gone() -> World {
    let mut world = world(6);
    for n in 0..7 {
        instance(&mut world, &format!("db-{n}"), &[("Backup", "Yes")], 1);
    }
    let gone = instance(&mut world, "gone", &[("Backup", "Yes")], 1);
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    sim.with(|world| world.terminate_instance(&region(HOME), &gone).unwrap());
    pass_until(&sim, "2026-11-30T12:00:00Z");
    // Marked, and the 30 days have passed.
    act(&sim, Job::Expire);
    pass_until(&sim, "2027-01-02T12:00:00Z");
    sim.with(|world| world.clone())
}

#[test]
fn on_a_page_of_the_managers_listings_it_keeps_everything() {
    let mut world = one_volume_gone();
    world.config.page_size = 5;
    for action in [Action::DescribeVolumes, Action::DescribeSnapshots] {
        assert_eq!(assert_no_page_leads_to_a_delete(&world, Job::Expire, HOME, action), 2, "{action:?}");
    }
}

#[test]
fn on_a_page_of_a_destination_it_keeps_every_source() {
    let mut world = world(6);
    for n in 0..7 {
        instance(&mut world, &format!("db-{n}"), &[("Backup", "Yes"), ("DestinationRegion", AWAY)], 1);
    }
    world.config.page_size = 5;
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass(&sim, 10);
    act(&sim, Job::Offsite);
    pass(&sim, 30);
    let world = sim.with(|world| world.clone());
    assert_eq!(assert_no_page_leads_to_a_delete(&world, Job::Offsite, AWAY, Action::DescribeSnapshots), 2);
}

fn assert_the_look_fails(sim: &Sim, which: Job, id: &SnapshotId) {
    let report = job(sim, which);
    assert_eq!(only_delete(&report), (id, &Outcome::Failed(said())));
    assert_eq!(report.exit_code(), 2, "it does not look like success");
    assert_eq!(report.calls[HOME].get("DeleteSnapshot"), None, "it was not even asked for");
    assert!(exists(sim, HOME, id));
}

#[test]
fn at_the_second_look_it_deletes_nothing() {
    let (sim, old, new) = one_due();
    for looked_at in [&old, &new] {
        sim.with(|world| {
            world.order(&region(HOME), Action::DescribeSnapshots, Some(looked_at.as_str()), unknown());
        });
        assert_the_look_fails(&sim, Job::Expire, &old);
    }
    let (sim, source, copy) = one_to_remove("Move");
    for (name, looked_at) in [(HOME, &source), (AWAY, &copy)] {
        sim.with(|world| {
            world.order(&region(name), Action::DescribeSnapshots, Some(looked_at.as_str()), unknown());
        });
        assert_the_look_fails(&sim, Job::Offsite, &source);
    }
}

fn assert_failed(sim: &Sim, which: Job, id: &SnapshotId) {
    sim.with(|world| world.order(&region(HOME), Action::DeleteSnapshot, Some(id.as_str()), unknown()));
    let report = job(sim, which);
    assert_eq!(only_delete(&report), (id, &Outcome::Failed(said())));
    assert_eq!(report.calls[HOME]["DeleteSnapshot"], 1, "it is not tried again");
    assert_eq!(report.exit_code(), 2, "it does not look like success");
    assert!(exists(sim, HOME, id));
}

#[test]
fn as_the_answer_to_a_delete_it_is_a_failure_in_ec2s_words() {
    let (sim, old, _) = one_due();
    assert_failed(&sim, Job::Expire, &old);
    let (sim, source, _) = one_to_remove("Move");
    assert_failed(&sim, Job::Offsite, &source);
}
