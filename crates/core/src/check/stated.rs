//! What the snapshots of a volume state, one after the other, and what of it still holds: what the newest states, and
//! what was the newest until less than the grace period ago.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::facts::full_days;

/// One snapshot's statement. Equal texts state the same.
pub(super) struct Statement {
    pub(super) data: Timestamp,
    pub(super) is_completed: bool,
    /// Made while a destination was named that is none: it ends nothing.
    pub(super) is_slip: bool,
    pub(super) text: String,
}

impl Statement {
    fn takes_place(&self) -> bool {
        self.is_completed && !self.is_slip
    }
}

/// Why a statement holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Nothing newer states anything else.
    Newest,
    /// Only what is being made states it: it has no memory yet but that.
    Pending,
    /// Another took its place, too short a time ago.
    Grace,
}

/// Whether the second of two statements leaves out something of the first.
pub(super) type Loses = fn(&str, &str) -> bool;

/// The statements of one volume: of retention, or of destinations.
pub(super) struct Statements {
    loses: Loses,
    holding: BTreeMap<String, Holds>,
    /// The second of data of the newest completed snapshot that states each.
    newest: BTreeMap<String, i64>,
    /// What leaves out something that the moment before it states.
    changes: BTreeSet<(i64, String)>,
}

impl Statements {
    /// In any order. The grace period is counted from the data of what took a statement's place. What is not completed
    /// yet takes no place, nor does a slip.
    pub(super) fn of(mut all: Vec<Statement>, loses: Loses, now: Timestamp, grace_days: u32) -> Self {
        all.sort_by_key(|one| one.data);
        let (holding, newest, changes) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut statements = Self { loses, holding, newest, changes };
        let mut replaced_at: Option<Timestamp> = None;
        for moment in all.chunk_by(|a, b| a.data.as_second() == b.data.as_second()).rev() {
            let holds = match replaced_at {
                None => Some(Holds::Newest),
                Some(at) => (now.duration_since(at) < full_days(i64::from(grace_days))).then_some(Holds::Grace),
            };
            for one in moment {
                if let Some(holds) = holds {
                    let is_pending = holds == Holds::Newest && !one.is_completed;
                    let holds = if is_pending { Holds::Pending } else { holds };
                    let known = statements.holding.entry(one.text.clone()).or_insert(holds);
                    *known = if holds == Holds::Newest { holds } else { *known };
                }
                if one.is_completed {
                    statements.newest.entry(one.text.clone()).or_insert(one.data.as_second());
                }
            }
            replaced_at = moment.iter().find(|one| one.takes_place()).map(|one| one.data).or(replaced_at);
        }
        // Each moment that takes a place, against all since the one before it.
        let completed: Vec<_> = all.iter().filter(|one| one.is_completed).collect();
        let mut before: Vec<&[&Statement]> = Vec::new();
        for after in completed.chunk_by(|a, b| a.data.as_second() == b.data.as_second()) {
            if after.iter().any(|one| one.takes_place()) {
                let is_change = |one: &&&Statement| {
                    before.iter().any(|moment| moment.iter().all(|other| loses(&other.text, &one.text)))
                };
                let new = after.iter().filter(is_change).map(|one| (one.data.as_second(), one.text.clone()));
                statements.changes.extend(new.collect::<Vec<_>>());
                before.clear();
            }
            before.push(after);
        }
        // Before the last change that is older than the grace period, nothing holds any more.
        let is_past = |second: i64| now.as_second() - second >= i64::from(grace_days) * 86_400;
        let last = statements.changes.iter().map(|(second, _)| *second).filter(|second| is_past(*second)).max();
        statements.changes.retain(|(second, _)| !is_past(*second) || Some(*second) == last);
        statements
    }

    /// What holds, with or without what only the grace period holds up.
    pub(super) fn holding(&self, with_grace: bool) -> impl Iterator<Item = &str> {
        let wanted = move |holds: Holds| with_grace || holds != Holds::Grace;
        self.holding.iter().filter(move |(_, holds)| wanted(**holds)).map(|(text, _)| text.as_str())
    }

    /// Whether anything holds for the grace period alone.
    pub(super) fn has_grace(&self) -> bool {
        self.holding.values().any(|holds| *holds == Holds::Grace)
    }

    /// Why a statement holds, for the newest completed snapshot that states it, and for no other; nor for one of which
    /// nothing is left out by now.
    pub(super) fn memory_of(&self, text: &str, second: i64) -> Option<Holds> {
        let is_newest = self.is_newest(text, second);
        let is_lost = || self.holding(false).all(|newest| (self.loses)(text, newest));
        match self.holding.get(text).filter(|_| is_newest)? {
            Holds::Newest => Some(Holds::Newest),
            Holds::Pending => None,
            Holds::Grace => is_lost().then_some(Holds::Grace),
        }
    }

    /// Whether the newest completed snapshot that states it is of this second.
    pub(super) fn is_newest(&self, text: &str, second: i64) -> bool {
        self.newest.get(text) == Some(&second)
    }

    /// Whether a snapshot leaves out something of what came before it.
    pub(super) fn is_change(&self, text: &str, second: i64) -> bool {
        self.changes.contains(&(second, text.to_owned()))
    }
}
