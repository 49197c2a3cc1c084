//! What a run did: its plan, and what became of each decision.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::Violation;
use crate::decision::{Act, Decision, Finding, Plan, Problem};
use crate::ids::SnapshotId;
use crate::printable::printable;

/// What became of one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It changes nothing: there was nothing to do.
    NothingToDo,
    /// It was carried out.
    Done {
        /// The snapshot that it made, if it made one.
        made: Option<SnapshotId>,
    },
    /// It was to be of a set, and was made alone: a finding says why.
    DoneAlone {
        /// The snapshot.
        made: SnapshotId,
    },
    /// The second look saw something else than the plan, and nothing was done: the next run decides anew.
    Changed(Changed),
    /// Not now: a later run does it.
    Deferred(Deferred),
    /// EC2 said no to a delete, in its words: an AMI, a lock, AWS Backup. The snapshot is kept, and each run asks again.
    Refused(Said),
    /// No answer that says whether it happened: the next run sees.
    Unclear(Said),
    /// It did not happen.
    Failed(Said),
}

/// EC2's code and words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// AWS's code.
    pub code: String,
    /// AWS's words.
    pub message: String,
}

/// What the second look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// The snapshot is not shown any more.
    NotShown,
    /// The snapshot, or its tags, are not what the plan saw.
    Differs,
    /// It carries KeepForever now.
    Pinned,
    /// A copy, or a newer snapshot, that the delete rests on is not what the plan saw.
    SupportGone,
    /// EC2 made the set without this volume.
    NotInSet,
}

/// Why something is left to a later run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferred {
    /// The run's time is over, or the second look that it rests on is too old.
    Deadline,
    /// The run was told to stop.
    Stopped,
    /// EC2 has as many in flight as it takes.
    LimitReached,
    /// The volume's last snapshot was begun less than 15 s ago.
    RateExceeded,
    /// EC2 went on throttling.
    Throttled,
    /// It is not visible yet.
    NotVisibleYet,
    /// EC2 failed the one before it with an answer that this one would get as well.
    SameAnswer,
    /// EC2's answers do not agree on the time.
    TimeInDoubt,
    /// It goes last of its volume, and older ones were not deleted.
    AfterOlder,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |f: &mut fmt::Formatter<'_>, start: &str, said: &Said| {
            write!(f, "{start}: {} ({})", printable(&said.message, 200), printable(&said.code, 60))
        };
        match self {
            Outcome::NothingToDo => f.write_str("nothing to do"),
            Outcome::Done { made: None } => f.write_str("done"),
            Outcome::Done { made: Some(snapshot) } => write!(f, "done: {snapshot}"),
            Outcome::DoneAlone { made } => write!(f, "done: {made}, made alone: not of one moment with the others"),
            Outcome::Changed(changed) => f.write_str(match changed {
                Changed::NotShown => "not done: it is not shown any more",
                Changed::Differs => "not done: it has changed since the plan",
                Changed::Pinned => "not done: it carries KeepForever now",
                Changed::SupportGone => "not done: what it rests on has changed since the plan",
                Changed::NotInSet => "not done: EC2 made the set without it, so it may have been detached",
            }),
            Outcome::Deferred(deferred) => f.write_str(match deferred {
                Deferred::Deadline => "deferred: its time in this run is over",
                Deferred::Stopped => "deferred: the run was told to stop",
                Deferred::LimitReached => "deferred: EC2 has as many in flight as it takes",
                Deferred::RateExceeded => "deferred: the volume's last snapshot is too young",
                Deferred::Throttled => "deferred: EC2 is throttling",
                Deferred::NotVisibleYet => "deferred: it is not visible yet",
                Deferred::SameAnswer => "deferred: it would most likely fail as those before it",
                Deferred::TimeInDoubt => "deferred: EC2's answers do not agree on the time",
                Deferred::AfterOlder => "deferred: it goes after the older ones of its volume, which were not deleted",
            }),
            Outcome::Refused(words) => said(f, "kept, EC2 refuses to delete it", words),
            Outcome::Unclear(words) => said(f, "no clear answer, the next run sees", words),
            Outcome::Failed(words) => said(f, "failed", words),
        }
    }
}

impl Outcome {
    /// Whether it was carried out.
    pub fn is_done(&self) -> bool {
        matches!(self, Outcome::Done { .. } | Outcome::DoneAlone { .. })
    }

    /// Whether it makes the run one in which some items failed.
    pub fn is_failure(&self) -> bool {
        match self {
            Outcome::Failed(_) | Outcome::Unclear(_) => true,
            Outcome::NothingToDo | Outcome::Done { .. } | Outcome::DoneAlone { .. } => false,
            Outcome::Changed(_) | Outcome::Deferred(_) | Outcome::Refused(_) => false,
        }
    }
}

/// What a run did.
#[must_use = "a report that nobody reads is a backup that silently did not happen"]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// What it was going to do, without what `check` dropped.
    pub plan: Plan,
    /// One per decision of the plan, in its order.
    pub outcomes: Vec<Outcome>,
    /// What `check` dropped, and why.
    pub violations: Vec<Violation>,
    /// What a person should look at: the plan's findings, and what came up on the way.
    pub findings: Vec<Finding>,
    /// Calls by Region and action.
    pub calls: BTreeMap<String, BTreeMap<String, u64>>,
    /// EC2's now when it ended.
    pub ended_at: Timestamp,
}

impl RunReport {
    /// Each decision with what became of it.
    pub fn items(&self) -> impl Iterator<Item = (&Decision, &Outcome)> {
        self.plan.decisions.iter().zip(&self.outcomes)
    }

    /// Whether it was told to stop before it had done all.
    pub fn was_stopped(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding.problem, Problem::Stopped { .. }))
    }

    /// 0 done · [`EXIT_FAILED`] · [`EXIT_HELD_BACK`] (`snapwarden --help`).
    pub fn exit_code(&self) -> u8 {
        if self.outcomes.iter().any(Outcome::is_failure) || self.findings.iter().any(is_in_doubt) {
            EXIT_FAILED
        } else {
            exit_code_of_plan(&self.plan, &self.violations)
        }
    }
}

/// Some items failed, a Region that the run acts in could not all be read, EC2's time was in doubt, or `check` dropped
/// something. What was not seen was not backed up, and that must not look like success. It comes before [`EXIT_HELD_BACK`].
pub const EXIT_FAILED: u8 = 2;
/// Nothing failed, and something never goes without a person's approval.
pub const EXIT_HELD_BACK: u8 = 3;

/// Whether it says that EC2's answers disagree about the time.
fn is_in_doubt(finding: &Finding) -> bool {
    matches!(finding.problem, Problem::TimeInDoubt { .. })
}

/// The exit code of a plan that nothing came of yet, without what `violations` dropped from it.
pub fn exit_code_of_plan(plan: &Plan, violations: &[Violation]) -> u8 {
    let is_unread = |finding: &Finding| matches!(finding.problem, Problem::NotRead { .. });
    if plan.findings.iter().any(|one| is_unread(one) || is_in_doubt(one)) || !violations.is_empty() {
        EXIT_FAILED
    } else if plan.held_back() > 0 {
        EXIT_HELD_BACK
    } else {
        0
    }
}

impl Plan {
    /// How many of its subjects are held back.
    pub fn held_back(&self) -> usize {
        self.decisions.iter().filter(|decision| decision.is_held_back()).count()
    }
}

impl Decision {
    /// Whether it never goes without a person's approval: the one place that says what is held back. Exit codes, answers
    /// and metrics follow it. What waits for the grace period or the closing days goes by itself, and is not held back.
    pub fn is_held_back(&self) -> bool {
        match self.act {
            Act::Hold => true,
            Act::Create { .. } | Act::AddTags { .. } | Act::Copy { .. } | Act::Stamp { .. } => false,
            Act::RemoveSource { .. } | Act::Delete { .. } | Act::Mark { .. } => false,
            Act::Keep | Act::Skip | Act::Wait => false,
        }
    }
}

#[cfg(test)]
mod tests;
