//! One run of a job, from looking to the report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use snapwarden_core::check::{Violation, check};
use snapwarden_core::decision::{Decision, Finding, Job, Plan, Problem};
use snapwarden_core::ids::Region;
use snapwarden_core::inventory::Inventory;
use snapwarden_core::plan::plan;
use snapwarden_core::policy::{Config, SlotChoice};
use snapwarden_core::report::{Deferred, Outcome, RunReport};
use snapwarden_core::schedule::Slot;

use crate::cloud::{Action, Calls, Cloud, TimeJump};
use crate::collect::{Collected, Scope, account, collect};
use crate::execute::{calls_in, execute};
use crate::pacing::{Pacer, Stop};

/// What a run is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// Which job.
    pub job: Job,
    /// Where it acts; it reads what its decisions need elsewhere too.
    pub scope: Scope,
    /// Defaults, slot, approvals.
    pub config: Config,
    /// At this time by EC2's clock no more calls go out. Leave room before the real end for the calls in flight.
    pub deadline: Option<Timestamp>,
    /// Tells it to stop before its end.
    pub stop: Stop,
}

impl RunOptions {
    /// A run with the default configuration, to its end.
    pub fn new(job: Job, scope: Scope) -> Self {
        Self { job, scope, config: Config::default(), deadline: None, stop: Stop::default() }
    }
}

/// Why a run could not start. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// No Region to act in.
    #[error("no Region is named; name one with --region")]
    NoRegion,
    /// A Region that the account does not have.
    #[error("the Region {0} does not exist or is not enabled in this account")]
    UnknownRegion(Region),
    /// All Regions were asked for, and which there are is not known.
    #[error("AWS in {region} did not say which Regions are enabled, so name them with --region: {why}")]
    NoRegions {
        /// Where it was asked.
        region: Region,
        /// The answer, or that there was none.
        why: String,
    },
    /// A slot that has not come. A snapshot for it would be taken for one that was made when it came.
    #[error("the slot {slot} is after now ({now}); name a past one, or now")]
    FutureSlot {
        /// The slot.
        slot: Slot,
        /// The minute in which the account was looked at.
        now: Slot,
    },
    /// It was told to stop while it looked.
    #[error("told to stop before anything was changed; the next run decides anew")]
    Stopped,
    /// Who we are is not known.
    #[error("AWS in {region} did not say which account the credentials belong to: {why}")]
    NoAccount {
        /// Where it was asked.
        region: Region,
        /// The answer, or that there was none.
        why: String,
    },
}

/// Hooks for whoever shows progress. They change nothing.
pub trait Progress {
    /// A listing grew to `count` items.
    fn listed(&self, _region: &Region, _action: Action, _count: usize) {}
    /// The plan is made and checked.
    fn planned(&self, _plan: &Plan, _violations: &[Violation]) {}
    /// A decision was carried out, or not.
    fn finished(&self, _decision: &Decision, _outcome: &Outcome) {}
}

/// Shows nothing.
pub struct Quiet;

impl Progress for Quiet {}

/// Asks who we are, for the sake of the answer's time: EC2's now, from which a deadline can be counted. Before the first
/// answer there is none.
pub async fn first_answer<C: Cloud>(cloud: &C, scope: &Scope) -> Result<Timestamp, RunError> {
    cloud.begin();
    let pacer = Pacer::new(cloud, None, Stop::default());
    account(&pacer, scope.doors()).await?;
    Ok(cloud.now())
}

/// What a run would do: looked at, planned and checked. Nothing is changed.
pub struct Prepared {
    /// What was seen.
    pub inventory: Inventory,
    /// What is to be done, without what `check` dropped.
    pub plan: Plan,
    /// What `check` dropped.
    pub violations: Vec<Violation>,
}

/// Looks, plans and checks.
pub async fn prepare<C: Cloud>(
    pacer: &Pacer<'_, C>,
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<Prepared, RunError> {
    let collected = collect(pacer, &[options.job], &options.scope, progress).await;
    if options.stop.is_told() {
        return Err(RunError::Stopped);
    }
    let Collected { inventory, regions } = collected?;
    let (mut plan, violations) = decide(options.job, &inventory, &regions, &options.config)?;
    plan.findings.extend(time_in_doubt(pacer.cloud()));
    progress.planned(&plan, &violations);
    Ok(Prepared { inventory, plan, violations })
}

/// Plans and checks: the plan without what `check` dropped, and what that was.
pub fn decide(
    job: Job,
    inventory: &Inventory,
    regions: &[Region],
    config: &Config,
) -> Result<(Plan, Vec<Violation>), RunError> {
    let now = Slot::containing(inventory.taken_at);
    match config.slot {
        Some(SlotChoice::At(slot)) if slot > now => return Err(RunError::FutureSlot { slot, now }),
        Some(SlotChoice::At(_) | SlotChoice::Now) | None => {}
    }
    let plan = plan(job, inventory, regions, config);
    let violations = check(&plan, inventory, config);
    Ok((plan.without(&violations), violations))
}

/// Looks, plans, checks, acts once per item, and reports.
pub async fn run<C: Cloud>(cloud: &C, options: &RunOptions, progress: &dyn Progress) -> Result<RunReport, RunError> {
    let before = cloud.calls();
    let pacer = Pacer::new(cloud, options.deadline, options.stop.clone());
    let Prepared { inventory, mut plan, violations } = prepare(&pacer, options, progress).await?;
    let (outcomes, more_findings) = execute(&pacer, &plan, &inventory, progress).await;
    let mut findings = plan.findings.clone();
    findings.extend(more_findings);
    let stopped = stopped(&plan, &outcomes, &mut findings);
    findings.extend(stopped);
    findings.extend(time_in_doubt(cloud));
    findings.extend(not_begun(&mut plan, &outcomes));
    findings.sort();
    findings.dedup();
    let calls = calls_since(&before, &cloud.calls());
    Ok(RunReport { plan, outcomes, violations, findings, calls, ended_at: cloud.now() })
}

/// One finding for all that was left since the run was told to stop, late tags included.
fn stopped(plan: &Plan, outcomes: &[Outcome], findings: &mut Vec<Finding>) -> Option<Finding> {
    let is_stopped = Outcome::Deferred(Deferred::Stopped);
    let untagged = Problem::LateTagsPending { why: is_stopped.to_string() };
    let mut left: Vec<_> = findings.extract_if(.., |one| one.problem == untagged).map(|one| one.region).collect();
    let stopped = plan.decisions.iter().zip(outcomes).filter(|(_, outcome)| **outcome == is_stopped);
    left.extend(stopped.map(|(decision, _)| calls_in(decision).clone()));
    let regions: Vec<_> = BTreeSet::from_iter(&left).into_iter().cloned().collect();
    let region = regions.first()?.clone();
    Some(Finding::new(&region, &region, Problem::Stopped { left: left.len(), regions }))
}

/// That nothing is changed any more, since EC2's answers disagree about the time.
fn time_in_doubt<C: Cloud>(cloud: &C) -> Option<Finding> {
    let TimeJump { region, said, expected } = cloud.time_jump()?;
    Some(Finding::new(&region, &region, Problem::TimeInDoubt { said, expected }))
}

/// Counts the backups that were late and that this run did not begin either, whatever came in between, and says so.
fn not_begun(plan: &mut Plan, outcomes: &[Outcome]) -> Vec<Finding> {
    let begun = plan.decisions.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_done());
    let begun: BTreeSet<_> = begun.filter_map(|(decision, _)| decision.about.volume.clone()).collect();
    let mut findings = Vec::new();
    for (region, coverage) in &mut plan.coverage {
        coverage.late_unless_begun.retain(|volume| !begun.contains(volume));
        let volumes = coverage.late_unless_begun.len();
        coverage.late += volumes;
        let example = coverage.late_unless_begun.first().cloned();
        let problem = example.map(|example| Problem::BackupNotBegun { volumes, example });
        findings.extend(problem.map(|problem| Finding::new(region, region, problem)));
    }
    findings
}

/// The calls made between two counts, by Region and action, as a report has them.
pub fn calls_since(before: &Calls, after: &Calls) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut calls: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (key @ (region, action), count) in after {
        let new = count - before.get(key).copied().unwrap_or(0);
        if new > 0 {
            calls.entry(region.to_string()).or_default().insert(action.to_string(), new);
        }
    }
    calls
}
