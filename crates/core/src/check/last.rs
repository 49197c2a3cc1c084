//! What must stay because something else stays: decided when all other rules have refused what they refuse.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Key;
use super::line::{Line, Member, Need, Terms, stated_destinations, stated_retention};
use super::record::recorded;
use super::stated::Holds;
use super::wanted::Wants;
use super::{Checker, Rule};

/// What stays of one volume: of its completed ones those that the plan does not delete, or not any more.
struct Staying<'l, 'a> {
    line: &'l Line<'a>,
    refused: BTreeSet<Key<'a>>,
    /// What each policy wants that the newest that states it is the memory of.
    of_policies: BTreeMap<String, Wants<'a>>,
}

impl<'a> Checker<'a> {
    pub(super) fn what_stays(&mut self, lines: &[Line<'a>]) {
        let refused = self.refused();
        let decisions = self.decisions();
        for line in lines {
            let own = line.completed().map(|member| member.fact.key()).filter(|key| refused.contains(key)).collect();
            let staying = Staying::of(line, own);
            for (key, rule, why) in staying.all_refused() {
                if let Some(decision) = decisions.get(&key) {
                    self.add(rule, decision, format!("{}: {why}", key.1));
                }
            }
        }
    }
}

impl<'l, 'a> Staying<'l, 'a> {
    fn of(line: &'l Line<'a>, refused: BTreeSet<Key<'a>>) -> Self {
        let mut of_policies = BTreeMap::new();
        for text in line.completed().filter(|member| member.goes).filter_map(|member| memory(line, member)) {
            of_policies.entry(text).or_insert_with_key(|text| line.wants_of(&Need::of(recorded(text).as_slice())));
        }
        Self { line, refused, of_policies }
    }

    /// Refuses until nothing more follows: each that stays may hold others. Oldest first, one pass is nearly always all.
    fn all_refused(mut self) -> Vec<(Key<'a>, Rule, &'static str)> {
        let mut all = Vec::new();
        loop {
            let found = self.pass();
            if found.is_empty() {
                return all;
            }
            all.extend(found);
        }
    }

    fn pass(&mut self) -> Vec<(Key<'a>, Rule, &'static str)> {
        let mut found = Vec::new();
        let mut has_older = false;
        let completed: Vec<_> = self.line.completed().collect();
        let last = self.held_last(&completed);
        for moment in completed.chunk_by(|a, b| a.second == b.second) {
            for member in moment.iter().filter(|member| !self.stays(member)).copied().collect::<Vec<_>>() {
                let why = if has_older && self.is_change(member) {
                    Some((Rule::S12, "it states since when another policy or other destinations are asked for"))
                } else if self.keeps_another(member, &completed) {
                    Some((Rule::S12, "it is the newest that states a policy by which another stays"))
                } else if last.contains(&member.fact.key()) {
                    Some((Rule::S6, "the newest goes last, and a policy keeps another of its volume here"))
                } else {
                    None
                };
                if let Some((rule, why)) = why {
                    self.refused.insert(member.fact.key());
                    found.push((member.fact.key(), rule, why));
                }
            }
            has_older |= moment.iter().any(|member| self.stays(member) && !member.is_for_ever());
        }
        found
    }

    fn stays(&self, member: &Member<'a>) -> bool {
        !member.goes || self.refused.contains(&member.fact.key())
    }

    fn is_change(&self, member: &Member<'a>) -> bool {
        let (retention, (destinations, _)) = (stated_retention(member), stated_destinations(self.line.account, member));
        retention.is_some_and(|text| self.line.retention.is_change(&text, member.second))
            || self.line.destinations.is_change(&destinations, member.second)
    }

    /// Whether it is the memory of a policy by which another stays, or may stay when its day has come.
    fn keeps_another(&self, member: &Member<'a>, completed: &[&Member<'a>]) -> bool {
        let Some(text) = memory(self.line, member) else { return false };
        let Some(wants) = self.of_policies.get(&text) else { return false };
        let is_kept = |other: &&Member<'a>| {
            let is_another = other.second != member.second && other.moment() != member.moment();
            let is_in_force = || self.line.states_in(&text, other.fact.region);
            is_another && self.stays(other) && wants.contains_key(&other.fact.key()) && is_in_force()
        };
        completed.iter().any(is_kept)
    }

    /// The newest of each Region of which all goes while a policy keeps another there.
    fn held_last(&self, completed: &[&Member<'a>]) -> BTreeSet<Key<'a>> {
        let mut held = BTreeSet::new();
        for region in self.line.regions() {
            let here = || completed.iter().copied().filter(|member| member.fact.region == region);
            let newest = here().map(|member| member.second).max();
            let is_kept = |one: &Member<'a>| {
                let is_older = Some(one.second) != newest;
                is_older
                    && one.is_due
                    && !one.is_for_ever()
                    && self.stays(one)
                    && self.line.wanted(one.fact.key(), Terms::ALL).is_some()
            };
            let is_lost = !here().any(|member| Some(member.second) == newest && self.stays(member));
            if is_lost && here().any(is_kept) {
                let group = here().filter(|member| Some(member.second) == newest);
                held.extend(group.map(|member| member.fact.key()));
            }
        }
        held
    }
}

/// The policy of which a snapshot is the memory, as the newest of its volume that states one: its text. While nobody backs the
/// volume up, all that its snapshots state is in force, and so each policy has such a memory.
fn memory(line: &Line<'_>, member: &Member<'_>) -> Option<String> {
    let text = stated_retention(member)?;
    let is_memory = if line.is_left() {
        line.retention.is_newest(&text, member.second)
    } else {
        line.retention.memory_of(&text, member.second) == Some(Holds::Newest)
    };
    is_memory.then_some(text)
}
