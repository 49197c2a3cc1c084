//! `snapwarden demo`: two weeks of a small made-up account, lived through by the real jobs on the embedded EC2.
//!
//! Nothing here decides anything. It moves the clock from tick to tick, does what people do on the days of the story,
//! and counts what the jobs report.

mod story;
mod summary;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::decision::{Act, Decision, Job, Problem};
use snapwarden_core::ids::Region;
use snapwarden_core::report::RunReport;
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::world::World;
use snapwarden_exec::collect::Scope;
use snapwarden_exec::run::{Quiet, RunOptions, run as run_job};

use crate::output;

pub(crate) const FLEET: &str = include_str!("fleet.toml");
const START: &str = "2026-11-01T00:00:00Z";
const DAYS: i64 = 14;
/// Every id and every duration of the demo comes from it.
const SEED: u64 = 2026;

/// Runs the demo; what comes back is the exit code.
pub(crate) fn run() -> anyhow::Result<u8> {
    output::print(&live()?)?;
    Ok(0)
}

/// The whole text: always the same.
fn live() -> anyhow::Result<String> {
    let start: Timestamp = START.parse().context("the demo's first day")?;
    let world = World::from_toml(SEED, start, FLEET).context("the demo's fleet")?;
    let (said, gone, manager) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
    let mut demo = Demo { sim: Sim::new(world), start, said, gone, manager };
    let mut text = summary::opening(&demo.sim);
    for day in 0..DAYS {
        text.push_str(&demo.day(day)?);
    }
    text.push_str(&summary::closing(&demo.sim, &demo.manager, &demo.gone));
    Ok(text)
}

/// Why something is gone, whose it was, and how often: one line of the summary.
type Gone = BTreeMap<(Way, String, String), usize>;

/// The two ways in which a snapshot goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Deleted,
    Removed,
}

struct Demo {
    sim: Sim,
    start: Timestamp,
    /// Findings that were printed already: each is said once.
    said: BTreeSet<String>,
    gone: Gone,
    /// The manager's first run that deleted something, and its last run.
    manager: Vec<RunReport>,
}

/// What a day's runs did.
#[derive(Default)]
struct Day {
    counts: BTreeMap<&'static str, usize>,
    news: Vec<String>,
}

impl Demo {
    /// Lives through one day: the creator every 15 minutes, the offsiter every 10, the manager every hour.
    fn day(&mut self, day: i64) -> anyhow::Result<String> {
        let midnight = self.start + SignedDuration::from_hours(24 * day);
        let mut today = Day::default();
        today.news.extend(self.sim.with(|world| story::morning(world, day)).context("the story of the demo")?);
        for minute in (0..24 * 60).step_by(5) {
            let time = midnight + SignedDuration::from_mins(minute);
            self.sim.with(|world| world.advance_to(time));
            if minute % 15 == 0 {
                self.run(Job::Create, &mut today)?;
            }
            if minute % 10 == 5 {
                self.run(Job::Offsite, &mut today)?;
            }
            if minute % 60 == 50 {
                self.run(Job::Expire, &mut today)?;
            }
        }
        Ok(summary::of_day(midnight, &today))
    }

    fn run(&mut self, job: Job, today: &mut Day) -> anyhow::Result<()> {
        let regions: Vec<Region> = self.sim.with(|world| world.regions().cloned().collect());
        let options = RunOptions::new(job, Scope::Named(regions));
        let report = self.sim.block_on(run_job(&self.sim, &options, &Quiet)).context("the demo was stopped")??;
        self.count(&report, today);
        if job == Job::Expire {
            self.keep(report);
        }
        Ok(())
    }

    fn keep(&mut self, report: RunReport) {
        let deleted = report.items().any(|(decision, _)| decision.act.is_change());
        match self.manager.len() {
            0 if deleted => self.manager.push(report),
            0 => {}
            _ => {
                self.manager.truncate(1);
                self.manager.push(report);
            }
        }
    }

    fn count(&mut self, report: &RunReport, today: &mut Day) {
        for (decision, outcome) in report.items() {
            if outcome.is_done() {
                *today.counts.entry(decision.act.as_str()).or_default() += 1;
                self.remember(decision);
            }
        }
        for finding in &report.findings {
            let (name, passing) = (finding.id.clone(), is_passing(&finding.problem));
            let kind = format!("{name} {:?}", std::mem::discriminant(&finding.problem));
            if !passing && self.said.insert(kind) {
                today.news.push(finding.to_string());
            }
        }
    }

    fn remember(&mut self, decision: &Decision) {
        let how = match decision.act {
            Act::Delete { .. } => Way::Deleted,
            Act::RemoveSource { .. } => Way::Removed,
            Act::Create { .. } | Act::AddTags { .. } | Act::Copy { .. } | Act::Stamp { .. } => return,
            Act::Mark { .. } | Act::Hold | Act::Keep | Act::Skip | Act::Wait => return,
        };
        let name = decision.about.name.clone().unwrap_or_default();
        let key = (how, format!("{} {name}", decision.region), decision.reason.word().to_owned());
        *self.gone.entry(key).or_default() += 1;
    }
}

/// Findings that only say that a later run goes on.
fn is_passing(problem: &Problem) -> bool {
    matches!(problem, Problem::LateTagsPending { .. })
}
