//! A hundred runs of each job killed by SIGKILL at random moments, and the same slot run again each time.
//!
//! A moment is a number of calls, drawn from a seed; how far the run gets after the last of them is the machine's affair.
//! The rules are checked on the world itself (rules.rs), and the two runs together must come to the very world that one
//! run makes that nobody kills: whatever was left half-done is seen, finished, and done once.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use snapwarden_core::decision::Job;
use snapwarden_core::inventory::{Inventory, Snapshot};
use snapwarden_core::report::{Outcome, RunReport};
use snapwarden_core::tags::{TYPE_AUTOMATED, key};
use snapwarden_ec2sim::World;

use crate::account::account;
use crate::rules::{Step, broken};
use crate::server::{HOME, NOW, Server, fleet};

/// Runs of each job that die.
const KILLS: u64 = 100;
/// Runs that are started for that, at most: some end before they are killed.
const TRIES_MAX: u64 = 3 * KILLS;
/// The signal's number.
const SIGKILL: i32 = 9;

/// Where the moments come from: CI gives the commit's number (.ci/run), so that each commit has moments of its own.
fn seed() -> u64 {
    std::env::var("SNAPWARDEN_FRESH_SEED").map_or(1, |text| text.parse().expect("SNAPWARDEN_FRESH_SEED is a number"))
}

/// Moments from a seed, by SplitMix64.
struct Moments {
    seed: u64,
    state: u64,
}

impl Moments {
    fn new() -> Self {
        Self { seed: seed(), state: seed() }
    }

    /// A number of calls, `calls` at most.
    fn draw(&mut self, calls: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % (calls + 1)
    }

    /// How to draw the same again.
    fn context(&self, at: u64) -> String {
        format!("SNAPWARDEN_FRESH_SEED={}, killed after {at} calls", self.seed)
    }
}

/// A job, and the world that it is let loose on.
struct Trial {
    job: Job,
    world: World,
}

/// How many runs were started and killed, and what they left.
#[derive(Debug, Default)]
struct Tally {
    tries: u64,
    killed: u64,
    /// Some snapshots or copies made, some not.
    half_made: u64,
    /// Some tags written, or something made, and some tags not yet.
    half_tagged: u64,
    /// Some deleted, some not.
    half_deleted: u64,
}

impl Trial {
    fn server(&self) -> Server {
        Server::with(self.world.clone())
    }

    /// What one run makes of the world that nobody kills, in how many calls, and what it says.
    fn undisturbed(&self) -> (Inventory, u64, RunReport) {
        let server = self.server();
        let report = run(&server, self.job);
        let calls = server.calls();
        let world = server.world();
        assert_holds(self.job, &self.world.truth(), &world, "undisturbed");
        (world, calls, report)
    }

    /// Kills runs until so many have died.
    fn kill(&self, whole: &Inventory, calls: u64) -> Tally {
        let (mut moments, mut tally) = (Moments::new(), Tally::default());
        while tally.killed < KILLS && tally.tries < TRIES_MAX {
            let at = moments.draw(calls);
            self.kill_once(whole, at, &moments.context(at), &mut tally);
        }
        println!("{:?}, seed {}: {tally:?}", self.job, moments.seed);
        assert_eq!(tally.killed, KILLS, "{:?}, seed {}: {tally:?}", self.job, moments.seed);
        tally
    }

    /// Kills a run once the server has seen so many calls, and runs it again.
    fn kill_once(&self, whole: &Inventory, at: u64, context: &str, tally: &mut Tally) {
        let (server, before) = (self.server(), self.world.truth());
        tally.tries += 1;
        tally.killed += u64::from(kill(&server, self.job, at));
        let torn = server.world();
        assert_holds(self.job, &before, &torn, context);
        tally.count(&Step::new(self.job, &before, &torn), &Step::new(self.job, &torn, whole));
        let _ = run(&server, self.job);
        let after = server.world();
        assert_holds(self.job, &torn, &after, context);
        assert_holds(self.job, &before, &after, context);
        assert_same(&after, whole, context);
        assert_nothing_to_do(&run(&server, self.job), context);
        assert_same(&server.world(), whole, context);
    }
}

impl Tally {
    /// By what the killed run did, and what it left to do.
    fn count(&mut self, done: &Step<'_>, left: &Step<'_>) {
        let (has_made, has_tagged) = (done.made().next().is_some(), done.retagged().next().is_some());
        self.half_made += u64::from(has_made && left.made().next().is_some());
        self.half_tagged += u64::from((has_made || has_tagged) && left.retagged().next().is_some());
        self.half_deleted += u64::from(done.gone().next().is_some() && left.gone().next().is_some());
    }
}

/// Where each job acts: copies expire where they are.
fn scope(job: Job) -> &'static [&'static str] {
    match job {
        Job::Create | Job::Offsite => &[],
        Job::Expire => &["--all-regions"],
    }
}

/// Whether the run was killed before its end.
fn kill(server: &Server, job: Job, at: u64) -> bool {
    let args = [&["run", job.as_str()], scope(job)].concat();
    let output = server.start_and(&args, at, |child| child.kill().unwrap());
    output.status.signal() == Some(SIGKILL)
}

fn run(server: &Server, job: Job) -> RunReport {
    let report = server.run(job.as_str(), 0, scope(job));
    assert!(report.violations.is_empty(), "{report:?}");
    report
}

fn assert_holds(job: Job, before: &Inventory, after: &Inventory, context: &str) {
    let broken = broken(&Step::new(job, before, after));
    assert!(broken.is_empty(), "{job:?}, {context}: {broken:#?}");
}

/// Snapshot by snapshot: two whole worlds in a message help nobody.
fn assert_same(world: &Inventory, whole: &Inventory, context: &str) {
    let listed = |of: &Inventory| of.snapshots().map(|(region, s)| format!("{region} {s:?}")).collect::<BTreeSet<_>>();
    let (is, should) = (listed(world), listed(whole));
    let differ: Vec<_> = is.symmetric_difference(&should).collect();
    assert!(differ.is_empty(), "{context}, not as one run makes it: {differ:#?}");
}

fn assert_nothing_to_do(report: &RunReport, context: &str) {
    let is_idle = report.outcomes.iter().all(|outcome| *outcome == Outcome::NothingToDo);
    assert!(is_idle, "{context}, still something to do: {report:?}");
}

/// That the trial is one of all these, and not of an account in which little happens.
fn assert_has_all(report: &RunReport, reasons: &[&str]) {
    let words: BTreeSet<_> = report.plan.decisions.iter().map(|decision| decision.reason.word()).collect();
    let lacking: Vec<_> = reasons.iter().filter(|reason| !words.contains(**reason)).collect();
    assert!(lacking.is_empty(), "nothing is {lacking:?}, but {words:?}");
}

#[test]
fn a_creator_killed_anywhere_leaves_nothing_that_the_next_one_does_not_finish() {
    const INSTANCES: usize = 12;
    let trial =
        Trial { job: Job::Create, world: World::from_toml(7, NOW.parse().unwrap(), &fleet(INSTANCES)).unwrap() };
    let (whole, calls, report) = trial.undisturbed();
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(whole.snapshots().count(), 3 * INSTANCES);
    for (region, snapshot) in whole.snapshots() {
        let tag = |key| snapshot.tags.get(key);
        assert_eq!((region.as_str(), tag(key::TYPE)), (HOME, Some(TYPE_AUTOMATED)), "{snapshot:?}");
        assert_eq!(tag(key::SLOT), Some("2026-11-22T03:00Z"), "{snapshot:?}");
        assert!(tag(key::DEVICE_NAME).is_some(), "{snapshot:?}");
    }
    let tally = trial.kill(&whole, calls);
    assert!(tally.half_made >= 10 && tally.half_tagged >= 10, "{tally:?}");
}

#[test]
fn an_offsiter_killed_anywhere_leaves_nothing_that_the_next_one_does_not_finish() {
    let trial = Trial { job: Job::Offsite, world: World::from_inventory(7, &account()) };
    let (whole, calls, report) = trial.undisturbed();
    let reasons = [
        ["no copy", "copy incomplete", "copy tried again", "newly verified", "copies verified"].as_slice(),
        &["verified", "copy pending", "not yet offsite", "copy mismatch", "source due", "stamped"],
        &["newest here", "KeepForever", "no readable DeleteOn", "OffsiteMode Copy"],
    ];
    assert_has_all(&report, &reasons.concat());
    let tally = trial.kill(&whole, calls);
    assert!(tally.half_made >= 10, "{tally:?}");
    assert!(tally.half_tagged >= 10 && tally.half_deleted >= 10, "{tally:?}");
}

#[test]
fn a_manager_killed_anywhere_leaves_nothing_that_the_next_one_does_not_finish() {
    let trial = Trial { job: Job::Expire, world: World::from_inventory(7, &account()) };
    let (whole, calls, report) = trial.undisturbed();
    let reasons = ["expired", "failed", "not due", "copy in flight", "last good", "failure memory", "not completed"];
    assert_has_all(&report, &[&reasons[..], &["KeepForever", "no readable DeleteOn"]].concat());
    let tally = trial.kill(&whole, calls);
    assert!(tally.half_deleted >= 10, "{tally:?}");
}

/// A week in which every run is killed, and run again two minutes later: what one job leaves half-done the next one sees.
#[test]
fn a_week_of_killed_runs_breaks_no_rule_and_is_caught_up_with() {
    let server = Server::with(World::from_inventory(7, &account()));
    let (mut moments, mut killed) = (Moments::new(), 0);
    for n in 0..7 * 3 {
        let job = [Job::Create, Job::Offsite, Job::Expire][n % 3];
        let before = server.world();
        let at = moments.draw(25);
        killed += u64::from(kill(&server, job, at));
        let torn = server.world();
        assert_holds(job, &before, &torn, &format!("kill {n}, {}", moments.context(at)));
        server.advance(120);
        let before = server.world();
        let _ = run(&server, job);
        assert_holds(job, &before, &server.world(), &format!("after kill {n}, {}", moments.context(at)));
        let hours = if job == Job::Expire { 20 } else { 2 };
        server.advance(hours * 3_600);
    }
    assert!(killed >= 10, "only {killed} runs were killed, seed {}", moments.seed);
    catch_up(&server);
    assert_all_backed_up(&server.world());
}

/// Lets each job do all that there is to do: copies take some minutes, and their sources go after them.
fn catch_up(server: &Server) {
    for job in [Job::Create, Job::Offsite, Job::Offsite, Job::Expire] {
        let before = server.world();
        let _ = run(server, job);
        assert_holds(job, &before, &server.world(), "catching up");
        server.advance(600);
    }
    for job in [Job::Create, Job::Offsite, Job::Expire] {
        assert_nothing_to_do(&run(server, job), "caught up");
    }
}

/// Each volume that is to be backed up has the snapshots of its last two slots, wherever they are.
fn assert_all_backed_up(world: &Inventory) {
    let slots = ["2026-11-28T03:00Z", "2026-11-29T03:00Z"];
    let home = &world.regions[&HOME.parse().unwrap()];
    let volumes = home.volumes.items().iter().filter(|volume| !volume.tags.has(key::BACKUP));
    let wanted = volumes.flat_map(|volume| slots.map(|slot| (volume.id.to_string(), slot.to_owned())));
    let has = |snapshot: &Snapshot| {
        let volume = snapshot.tags.get(key::VOLUME_ID).unwrap_or(snapshot.volume_id.as_str());
        let slot = snapshot.tags.get(key::SLOT).filter(|_| snapshot.is_completed());
        (volume.to_owned(), slot.unwrap_or_default().to_owned())
    };
    let there: BTreeSet<_> = world.snapshots().map(|(_, snapshot)| has(snapshot)).collect();
    let lacking: Vec<_> = wanted.filter(|one| !there.contains(one)).collect();
    assert!(lacking.is_empty(), "without a snapshot: {lacking:?}");
}
