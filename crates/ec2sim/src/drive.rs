//! The simulator: the real jobs through months of life under faults, from one seed, with the safety rules checked at every
//! call and, once the faults stop, whether everything comes right.
//!
//! A seed draws a setting (fleet, tags, EC2's manners, which kinds of trouble there are) and then lives it: ticks of the
//! three jobs, people who change things between and in the middle of them, processes that are killed. All that looks
//! random is drawn from the seed, a stream for each purpose; one seed gives one life, call by call.

mod birth;
mod calm;
mod day;
mod delete;
mod draw;
mod edits;
mod extras;
mod facts;
mod found;
mod history;
mod kinds;
mod life;
mod memory;
mod moves;
mod past;
mod people;
mod policy;
mod process;
mod promise;
mod rules;
mod seen;
mod setting;
mod stay;
mod tail;
#[cfg(test)]
mod tests;
mod watch;

pub use found::Broken;
pub use kinds::{Fired, Kind, KindError};

use std::collections::BTreeSet;

use futures_util::future::join_all;
use jiff::Timestamp;
use snapwarden_core::report::RunReport;
use snapwarden_exec::run::{Quiet, RunError, RunOptions, run};

use crate::face::Sim;

/// Which life to live.
#[derive(Debug, Clone)]
pub struct Options {
    /// What everything is drawn from.
    pub seed: u64,
    /// How many days, before the faults stop.
    pub days: u32,
    /// The kinds of trouble that there are; none draws them.
    pub kinds: Option<BTreeSet<Kind>>,
    /// A large account.
    pub large: bool,
    /// Whether the life is written down, step by step.
    pub trace: bool,
}

impl Options {
    /// A life of 60 days.
    pub fn of_seed(seed: u64) -> Self {
        Self { seed, days: 60, kinds: None, large: false, trace: false }
    }
}

/// What a life was.
#[derive(Debug, Clone, Default)]
pub struct Lived {
    /// Runs of the jobs.
    pub runs: u64,
    /// Snapshots that the jobs made.
    pub created: u64,
    /// Copies that they made.
    pub copied: u64,
    /// Snapshots that they deleted.
    pub deleted: u64,
    /// How often a run named what there was more than once, as runs at once leave it.
    pub extras: u64,
    /// How often each kind of trouble fired.
    pub fired: Fired,
    /// Ticks that it took, once the faults had stopped, until nothing was left to do.
    pub calm_ticks: u64,
    /// The life, a line a step, where that was asked for.
    pub trace: String,
    /// What went wrong; the life ended there.
    pub trouble: Option<Trouble>,
}

/// Where and how a life went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The step of the trace.
    pub step: u64,
    /// When, by the world's clock.
    pub at: Timestamp,
    /// Which rule, and what happened.
    pub broken: Broken,
}

/// Lives one life.
pub fn live(options: &Options) -> Lived {
    live_over(options, &Direct)
}

/// Lives one life whose jobs reach its world on this road.
pub fn live_over(options: &Options, road: &dyn Road) -> Lived {
    life::live(options, road)
}

/// A run of a job: how it ended; none where its process was killed.
pub type Ran = Option<Result<RunReport, RunError>>;

/// How the jobs of a life reach its world.
pub trait Road {
    /// Runs these at once, each to its end, and drives the world's clock meanwhile.
    fn run(&self, processes: &[(RunOptions, Sim)]) -> Vec<Ran>;
}

/// In this process, without a wire.
struct Direct;

impl Road for Direct {
    fn run(&self, processes: &[(RunOptions, Sim)]) -> Vec<Ran> {
        let Some((_, world)) = processes.first() else { return Vec::new() };
        let all = join_all(processes.iter().map(|(options, sim)| run(sim, options, &Quiet)));
        match world.block_on(all) {
            Some(results) => results.into_iter().map(Some).collect(),
            None => processes.iter().map(|_| None).collect(),
        }
    }
}
