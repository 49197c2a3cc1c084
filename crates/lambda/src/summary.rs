//! What a run was, in numbers by Region: the answer of an invocation, the last line of its log, and its metrics.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use snapwarden_core::check::Violation;
use snapwarden_core::decision::{Coverage, Decision, Finding, Job, Plan};
use snapwarden_core::ids::{AccountId, Region};
use snapwarden_core::report::{Deferred, Outcome, RunReport, exit_code_of_plan};

use crate::settings::Mode;

/// Findings that an answer repeats; the log has all of them.
const FINDINGS_MAX: usize = 20;

type Counts = BTreeMap<&'static str, usize>;

/// What a run was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    pub(crate) job: Job,
    pub(crate) mode: &'static str,
    pub(crate) account: AccountId,
    pub(crate) ended_at: Timestamp,
    /// The command's: 0 done · 2 something failed, was unread or was dropped · 3 something is held back.
    pub(crate) exit_code: u8,
    pub(crate) regions: BTreeMap<Region, Numbers>,
    /// What waits for a person's approval, with the words to use.
    pub(crate) held: Vec<String>,
    /// What the safety check dropped from the plan.
    pub(crate) dropped: Vec<String>,
    /// What a person should look at: the first of them.
    pub(crate) findings: Vec<String>,
    pub(crate) findings_in_all: usize,
}

/// The numbers of one Region. An item counts in the Region of its subject: a copy in its source's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Numbers {
    /// Volumes that the creator looks after.
    pub(crate) selected: usize,
    /// Those of them of which no completed snapshot was seen.
    pub(crate) never_backed_up: usize,
    /// Those whose newest completed snapshot is older than their own schedule allows.
    pub(crate) backup_late: usize,
    /// The age of the newest completed snapshot of the volume for which that is longest ago, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oldest_newest_age_s: Option<i64>,
    /// What was going to be done, by act.
    pub(crate) planned: Counts,
    /// What was done, by act.
    pub(crate) done: Counts,
    /// What stays, is skipped or waits, by reason.
    pub(crate) kept: Counts,
    /// What never goes without a person's approval.
    pub(crate) held_back: usize,
    /// What is left to a later run, by why.
    pub(crate) deferred: Counts,
    /// What had changed since the plan.
    pub(crate) changed: usize,
    /// What EC2 refused to delete.
    pub(crate) refused: usize,
    /// What failed, or had no clear answer.
    pub(crate) failed: usize,
    pub(crate) findings: usize,
    /// Tags of retention that cannot be read: while there is one, nothing of its instance's volumes is deleted.
    pub(crate) unreadable_tags: usize,
    /// Calls by action.
    pub(crate) calls: BTreeMap<String, u64>,
}

impl Summary {
    /// Of a run that was carried out.
    pub(crate) fn of_report(report: &RunReport) -> Self {
        let mut summary = Self::new(Mode::Apply, &report.plan, &report.violations, &report.findings, report.ended_at);
        summary.exit_code = report.exit_code();
        for (decision, outcome) in report.items() {
            summary.region(&decision.region).count(decision, outcome);
        }
        summary.count_calls(&report.calls)
    }

    /// Of a plan that is not carried out.
    pub(crate) fn of_plan(plan: &Plan, violations: &[Violation], calls: &Calls, ended_at: Timestamp) -> Self {
        Self::new(Mode::DryRun, plan, violations, &plan.findings, ended_at).count_calls(calls)
    }

    fn new(mode: Mode, plan: &Plan, violations: &[Violation], findings: &[Finding], ended_at: Timestamp) -> Self {
        let mut summary = Self {
            job: plan.job,
            mode: mode.as_str(),
            account: plan.account.clone(),
            ended_at,
            exit_code: exit_code_of_plan(plan, violations),
            regions: plan.regions.iter().map(|region| (region.clone(), Numbers::default())).collect(),
            held: plan.holds.iter().map(ToString::to_string).collect(),
            dropped: violations.iter().map(ToString::to_string).collect(),
            findings: findings.iter().take(FINDINGS_MAX).map(ToString::to_string).collect(),
            findings_in_all: findings.len(),
        };
        for decision in &plan.decisions {
            let numbers = summary.region(&decision.region);
            numbers.held_back += usize::from(decision.is_held_back());
            if decision.act.is_change() {
                *numbers.planned.entry(decision.act.as_str()).or_default() += 1;
            } else {
                *numbers.kept.entry(decision.reason.word()).or_default() += 1;
            }
        }
        for (region, coverage) in &plan.coverage {
            summary.region(region).cover(coverage, plan.taken_at);
        }
        for finding in findings {
            let numbers = summary.region(&finding.region);
            numbers.findings += 1;
            numbers.unreadable_tags += usize::from(finding.problem.is_unreadable_retention());
        }
        summary
    }

    fn region(&mut self, region: &Region) -> &mut Numbers {
        self.regions.entry(region.clone()).or_default()
    }

    fn count_calls(mut self, calls: &Calls) -> Self {
        for (region, by_action) in calls {
            if let Ok(region) = region.parse() {
                self.region(&region).calls = by_action.clone();
            }
        }
        self
    }
}

/// Calls by Region and action, as a report has them.
pub(crate) type Calls = BTreeMap<String, BTreeMap<String, u64>>;

impl Numbers {
    fn count(&mut self, decision: &Decision, outcome: &Outcome) {
        match outcome {
            Outcome::NothingToDo => {}
            Outcome::Done { .. } | Outcome::DoneAlone { .. } => {
                *self.done.entry(decision.act.as_str()).or_default() += 1
            }
            Outcome::Changed(_) => self.changed += 1,
            Outcome::Deferred(why) => *self.deferred.entry(word(*why)).or_default() += 1,
            Outcome::Refused(_) => self.refused += 1,
            Outcome::Unclear(_) | Outcome::Failed(_) => self.failed += 1,
        }
    }

    fn cover(&mut self, coverage: &Coverage, now: Timestamp) {
        self.selected = coverage.volumes;
        self.never_backed_up = coverage.never;
        self.backup_late = coverage.late;
        self.oldest_newest_age_s = coverage.oldest_newest.map(|newest| now.duration_since(newest).as_secs());
    }
}

fn word(why: Deferred) -> &'static str {
    match why {
        Deferred::Deadline => "deadline",
        Deferred::Stopped => "stopped",
        Deferred::LimitReached => "limit reached",
        Deferred::RateExceeded => "rate exceeded",
        Deferred::Throttled => "throttled",
        Deferred::NotVisibleYet => "not visible yet",
        Deferred::SameAnswer => "same answer",
        Deferred::TimeInDoubt => "time in doubt",
        Deferred::AfterOlder => "after older",
    }
}
