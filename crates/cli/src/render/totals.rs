//! The line below the table: how many of what.

use snapwarden_core::decision::{Act, Consistency, Decision, Job, Plan, Reason, Subject};
use snapwarden_core::report::{Outcome, RunReport};

use super::{Options, is_quiet, rank};

/// The totals of a plan: `3 to delete, 41 kept, 2 waiting`.
pub(super) fn of_plan(plan: &Plan, options: Options) -> String {
    let primary = match plan.job {
        Job::Create => (2, "to create"),
        Job::Offsite => (3, "to copy"),
        Job::Expire => (0, "to delete"),
    };
    let mut counts = Counts::default();
    counts.add(primary.0, Words::same(primary.1), 0);
    for decision in &plan.decisions {
        counts.add(order(decision), planned(plan.job, decision, options), 1);
    }
    let sets = plan.groups.iter().filter(|group| group.consistency == Consistency::Set);
    let (sets, of_sets) = sets.fold((0, 0), |(sets, volumes), group| (sets + 1, volumes + group.volumes.len()));
    counts.sentence(|words, count| match words == "to create" && sets > 0 {
        false => String::new(),
        true if of_sets == count => format!(" in {}", sets_of(sets)),
        true => format!(" ({of_sets} of them in {})", sets_of(sets)),
    })
}

/// The totals of a run: `3 deleted, 1 refused by EC2, 41 kept`.
pub(super) fn of_report(report: &RunReport, options: Options) -> String {
    let mut counts = Counts::default();
    for (decision, outcome) in report.items() {
        match done(decision, outcome) {
            Some((order, words)) => counts.add(order, words, 1),
            None => counts.add(20 + order(decision), planned(report.plan.job, decision, options), 1),
        }
    }
    counts.sentence(|_, _| String::new())
}

fn sets_of(sets: usize) -> String {
    if sets == 1 { "1 set".to_owned() } else { format!("{sets} sets") }
}

/// What follows a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Words {
    one: &'static str,
    many: &'static str,
    /// The rows are not in the table.
    hidden: bool,
}

impl Words {
    fn same(words: &'static str) -> Self {
        Self { one: words, many: words, hidden: false }
    }

    fn of(one: &'static str, many: &'static str) -> Self {
        Self { one, many, hidden: false }
    }
}

/// Numbers of one kind each, in the order of their rank.
#[derive(Default)]
struct Counts(Vec<(usize, Words, usize)>);

impl Counts {
    fn add(&mut self, order: usize, words: Words, count: usize) {
        match self.0.iter_mut().find(|(_, known, _)| *known == words) {
            Some((_, _, sum)) => *sum += count,
            None => self.0.push((order, words, count)),
        }
    }

    fn sentence(mut self, detail: impl Fn(&str, usize) -> String) -> String {
        self.0.sort_by_key(|(order, words, _)| (*order, words.one));
        let part = |(_, words, count): &(usize, Words, usize)| {
            let text = if *count == 1 { words.one } else { words.many };
            let hidden = if words.hidden { " (not shown)" } else { "" };
            format!("{count} {text}{}{hidden}", detail(text, *count))
        };
        self.0.iter().map(part).collect::<Vec<_>>().join(", ")
    }
}

fn order(decision: &Decision) -> usize {
    rank(&decision.act)
}

fn planned(job: Job, decision: &Decision, options: Options) -> Words {
    let source = matches!(decision.subject, Subject::Source(_));
    let words = match &decision.act {
        Act::Delete { .. } => Words::same("to delete"),
        Act::RemoveSource { .. } => Words::of("source to remove", "sources to remove"),
        Act::Create { .. } => Words::same("to create"),
        Act::Copy { .. } => Words::same("to copy"),
        Act::AddTags { .. } => Words::same("to tag"),
        Act::Stamp { .. } => Words::same("to stamp"),
        Act::Mark { .. } => Words::same("to mark"),
        Act::Hold => Words::same("held"),
        Act::Wait if source => Words::of("source waiting for its copies", "sources waiting for their copies"),
        Act::Wait if job == Job::Offsite => Words::of("copy waiting", "copies waiting"),
        Act::Wait => Words::same("waiting"),
        Act::Keep if source => Words::of("source kept", "sources kept"),
        Act::Keep => Words::same("kept"),
        Act::Skip => skipped(&decision.reason),
    };
    Words { hidden: options.only_changes && is_quiet(&decision.act), ..words }
}

fn skipped(reason: &Reason) -> Words {
    if matches!(reason, Reason::Verified { .. } | Reason::Stamped { .. }) {
        Words::of("copy done", "copies done")
    } else if matches!(reason, Reason::AlreadyDone { .. }) {
        Words::same("already done")
    } else {
        Words::same("skipped")
    }
}

/// What became of a change; none where nothing was to be done.
fn done(decision: &Decision, outcome: &Outcome) -> Option<(usize, Words)> {
    let words = match outcome {
        Outcome::NothingToDo => return None,
        Outcome::Done { .. } | Outcome::DoneAlone { .. } => {
            return Some((order(decision), carried_out(&decision.act)?));
        }
        Outcome::Failed(_) => (10, "failed"),
        Outcome::Unclear(_) => (11, "without a clear answer"),
        Outcome::Refused(_) => (12, "refused by EC2"),
        Outcome::Changed(_) => (13, "not done, changed since the plan"),
        Outcome::Deferred(_) => (14, "deferred"),
    };
    Some((words.0, Words::same(words.1)))
}

fn carried_out(act: &Act) -> Option<Words> {
    match act {
        Act::Delete { .. } => Some(Words::same("deleted")),
        Act::RemoveSource { .. } => Some(Words::of("source removed", "sources removed")),
        Act::Create { .. } => Some(Words::same("created")),
        Act::Copy { .. } => Some(Words::same("copied")),
        Act::AddTags { .. } => Some(Words::same("tagged")),
        Act::Stamp { .. } => Some(Words::same("stamped")),
        Act::Mark { .. } => Some(Words::same("marked")),
        Act::Hold | Act::Keep | Act::Skip | Act::Wait => None,
    }
}
