//! Progress on stderr, where that is a terminal, and the plan of what would be deleted, wherever it goes.

use std::cell::RefCell;
use std::collections::BTreeMap;

use indicatif::{ProgressBar, ProgressStyle};
use snapwarden_core::check::Violation;
use snapwarden_core::decision::{Act, Decision, Plan};
use snapwarden_core::ids::Region;
use snapwarden_core::report::Outcome;
use snapwarden_exec::cloud::Action;
use snapwarden_exec::run::Progress;

use crate::{output, render};

/// A progress bar; nothing is drawn where stderr is no terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
    listed: RefCell<BTreeMap<(Region, Action), usize>>,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_message("asking AWS");
        bar.tick();
        Self { bar, listed: RefCell::default() }
    }

    /// Takes it off the screen.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Says something beside it.
    pub(crate) fn warn(&self, line: &str) {
        self.bar.suspend(|| output::warn(line));
    }
}

impl Progress for Bar {
    fn listed(&self, region: &Region, action: Action, count: usize) {
        let mut listed = self.listed.borrow_mut();
        listed.insert((region.clone(), action), count);
        self.bar.set_message(format!("reading {region}: {} records in all", listed.values().sum::<usize>()));
        self.bar.tick();
    }

    /// Anything that deletes shows its plan first: what is done cannot be undone.
    fn planned(&self, plan: &Plan, violations: &[Violation]) {
        let deletes = |decision: &Decision| matches!(decision.act, Act::Delete { .. } | Act::RemoveSource { .. });
        if plan.decisions.iter().any(deletes) {
            let text = render::plan(plan, violations, render::Options { only_changes: true });
            self.bar.suspend(|| text.lines().for_each(output::note));
        }
        let changes = plan.decisions.iter().filter(|decision| decision.act.is_change()).count();
        self.bar.set_length(changes as u64);
        // The template is a constant; the style of before is good enough should it not be read.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            self.bar.set_style(style);
        }
        self.bar.set_message("carried out");
    }

    fn finished(&self, decision: &Decision, _: &Outcome) {
        if decision.act.is_change() {
            self.bar.inc(1);
        }
    }
}
