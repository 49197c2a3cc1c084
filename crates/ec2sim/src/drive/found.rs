//! What broke a rule.

use snapwarden_core::approval::Approved;

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// `S1` to `S12`; `liveness`; `check`, where the jobs' own checker dropped something from a plan.
    pub rule: &'static str,
    /// What happened.
    pub words: String,
}

/// What is wrong with a call, and the approvals of which it needs one.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) broken: Vec<Broken>,
    pub(super) spends: Vec<Approved>,
}

impl Found {
    pub(super) fn add(&mut self, rule: &'static str, words: String) {
        self.broken.push(Broken { rule, words });
    }

    pub(super) fn unless(&mut self, holds: bool, rule: &'static str, words: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, words());
        }
    }
}
