//! The safety rules once more, in other words, over a finished plan.
//!
//! A planner that errs must not be believed because it is the planner. This room shares the parsers of ids, slots,
//! schedules, zones and approvals with the planners, and no rule: it reads the plan and the raw tags from the other end,
//! from the target of each act back to what would have to be true.
//! What it finds is dropped from the plan and fails the run; the rest goes on. It is also the oracle of the property
//! tests.
//!
//! `facts` and `record` say what tags mean, `account` what was seen of a volume, `line` and `stated` which policies are in
//! force for it, `kept` what these want, in the words of `wanted`. `acts`, `births`, `breaker`, `expiry` and `last` are the
//! rules.

mod account;
mod acts;
mod births;
mod breaker;
mod expiry;
mod facts;
mod kept;
mod last;
mod line;
mod record;
mod stated;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decision::{Act, Decision, Job, Plan, Subject};
use crate::ids::Region;
use crate::inventory::Inventory;
use crate::policy::Config;
use account::Account;
use facts::{Fact, Key};

/// A safety rule of docs/safety.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// Every subject has one decision, and a job does only what is its own.
    Form,
    /// Nothing unmanaged is deleted, copied or retagged.
    S1,
    /// What has `KeepForever`, or is in use, is not deleted.
    S2,
    /// Nothing restorable is deleted before it is due, or while a policy wants it.
    S3,
    /// A source goes only when every destination holds its true copy, which is kept at least as long.
    S4,
    /// The source of a copy in the making stays.
    S5,
    /// The last good snapshot of a living volume stays.
    S6,
    /// What was not read whole leads to no delete.
    S7,
    /// One snapshot per volume and slot, one live copy per source and destination.
    S8,
    /// A large expiry has a person's approval.
    S9,
    /// Now is the inventory's now.
    S10,
    /// Ownership tags from birth.
    S11,
    /// What tags, instances, volumes and destinations asked for is kept for the grace period after they are gone.
    S12,
}

/// What in a plan breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The Region of the decision.
    pub region: Region,
    /// The subject whose decision is dropped; none where the whole plan is at fault.
    pub subject: Option<Subject>,
    /// What is wrong, with the id.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.region, self.rule, self.text)
    }
}

/// What in `plan` breaks a safety rule, given what was seen and what a person approved.
pub fn check(plan: &Plan, inventory: &Inventory, config: &Config) -> Vec<Violation> {
    let fact = |(region, snapshot)| Fact::of(inventory, region, snapshot);
    let facts: Vec<_> = inventory.snapshots().map(fact).collect();
    let account = Account::of(&facts, inventory, config);
    let mut checker = Checker::of(plan, &account);
    checker.form();
    checker.acts();
    checker.births();
    let lines = checker.expiry();
    checker.breaker();
    // The last, since what stays depends on what the others refuse.
    checker.what_stays(&lines);
    checker.found.sort();
    checker.found.dedup();
    checker.found
}

impl Plan {
    /// Takes out what `violations` name: a decision, with its whole instance where it is a create; everything that
    /// changes anything, where the plan itself is at fault.
    pub fn without(mut self, violations: &[Violation]) -> Self {
        let all = violations.iter().any(|violation| violation.subject.is_none());
        let named: BTreeSet<_> =
            violations.iter().filter_map(|v| v.subject.as_ref().map(|subject| (&v.region, subject))).collect();
        let bad_groups: BTreeSet<_> = self
            .decisions
            .iter()
            .filter(|d| matches!(d.act, Act::Create { .. }) && named.contains(&(&d.region, &d.subject)))
            .filter_map(|d| d.about.instance.clone())
            .collect();
        let in_bad_group = |d: &Decision| {
            matches!(d.act, Act::Create { .. }) && d.about.instance.as_ref().is_some_and(|i| bad_groups.contains(i))
        };
        self.decisions
            .retain(|d| !(named.contains(&(&d.region, &d.subject)) || in_bad_group(d) || (all && d.act.is_change())));
        self.groups.retain(|group| !all && !bad_groups.contains(&group.instance));
        self
    }
}

/// A delete of the manager's that costs something: its target has completed.
struct Delete<'a> {
    decision: &'a Decision,
    target: &'a Fact<'a>,
}

struct Checker<'a> {
    plan: &'a Plan,
    account: &'a Account<'a>,
    /// In the plan's order.
    deletes: Vec<Delete<'a>>,
    found: Vec<Violation>,
}

impl<'a> Checker<'a> {
    fn of(plan: &'a Plan, account: &'a Account<'a>) -> Self {
        let delete = |decision: &'a Decision| {
            let (Act::Delete { .. }, Subject::Snapshot(id)) = (&decision.act, &decision.subject) else { return None };
            let target = account.get(&decision.region, id).filter(|target| target.is_completed())?;
            Some(Delete { decision, target })
        };
        Self { plan, account, deletes: plan.decisions.iter().filter_map(delete).collect(), found: Vec::new() }
    }

    fn add(&mut self, rule: Rule, decision: &Decision, text: impl fmt::Display) {
        let (region, subject) = (decision.region.clone(), Some(decision.subject.clone()));
        self.found.push(Violation { rule, region, subject, text: text.to_string() });
    }

    /// The completed snapshots that the plan deletes, and by which decision.
    fn decisions(&self) -> BTreeMap<Key<'a>, &'a Decision> {
        self.deletes.iter().map(|delete| (delete.target.key(), delete.decision)).collect()
    }

    /// Those of them that a rule refuses.
    fn refused(&self) -> BTreeSet<Key<'a>> {
        let named: BTreeSet<_> =
            self.found.iter().filter_map(|one| Some((&one.region, one.subject.as_ref()?))).collect();
        let is_named = |delete: &&Delete<'a>| named.contains(&(&delete.decision.region, &delete.decision.subject));
        self.deletes.iter().filter(is_named).map(|delete| delete.target.key()).collect()
    }

    fn form(&mut self) {
        let plan = self.plan;
        if plan.taken_at != self.account.inventory.taken_at || plan.account != self.account.inventory.account {
            let region = plan.regions.first().cloned();
            let text = "the plan is of another moment or account than its inventory".to_owned();
            self.found.extend(region.map(|region| Violation { rule: Rule::S10, region, subject: None, text }));
        }
        let mut subjects = BTreeSet::new();
        for decision in &plan.decisions {
            if !subjects.insert((&decision.region, &decision.subject)) {
                self.add(Rule::Form, decision, "more than one decision about one subject");
            }
            let own = match decision.act {
                Act::Create { .. } => plan.job == Job::Create,
                Act::AddTags { .. } => plan.job != Job::Expire,
                Act::Copy { .. } | Act::Stamp { .. } | Act::RemoveSource { .. } => plan.job == Job::Offsite,
                Act::Delete { .. } | Act::Mark { .. } | Act::Hold => plan.job == Job::Expire,
                Act::Keep | Act::Skip | Act::Wait => true,
            };
            if !own || !plan.regions.contains(&decision.region) {
                self.add(Rule::Form, decision, "not this job's act, or not this run's Region");
            }
        }
    }
}
