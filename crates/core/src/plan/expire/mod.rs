//! The manager's table: which snapshots go, and which are marked since their volume is over.
//!
//! Retention says what it keeps ([`crate::retention`]). Here is what keeps a snapshot besides, and what a person has to
//! approve. Every row keeps but the last, and that of failed ones. A list that broke off keeps everything that could rest on it (S7).

mod failed;
mod findings;
mod manager;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use self::findings::findings;
pub(super) use self::manager::in_use;
use self::manager::{Manager, Noted, Place};
use self::waiting::Waiting;
use super::gaps;
use crate::approval::{self, Approval, Approved};
use crate::decision::{Act, Amount, Decision, Expiry, Finding, Hold, Job, Plan, Problem, Reason};
use crate::ids::{Region, SnapshotId};
use crate::index::Index;
use crate::inventory::Inventory;
use crate::managed::Managed;
use crate::policy::Config;
use crate::retention::Account;

/// Which managed snapshots of `regions` go.
pub fn plan_expire(inventory: &Inventory, regions: &[Region], config: &Config) -> Plan {
    let mut plan = Plan::new(Job::Expire, inventory, regions);
    for region in &plan.regions {
        plan.findings.extend(gaps(region, inventory.regions.get(region)));
    }
    let index = Index::of(inventory);
    let account = Account::of(&index, config);
    let manager = Manager::of(&index, &account, &plan.regions, config.grace_days);
    let waiting = Waiting::of(&manager);
    let released = waiting.released(config);
    let mut noted = manager.decide_all(&released, &BTreeSet::new());
    let large: Vec<_> = plan.regions.iter().filter(|region| is_large(&in_order(region, &noted))).cloned().collect();
    let mut held: BTreeMap<_, _> = large.iter().flat_map(|region| expired(region, &noted)).collect();
    let mut approved: BTreeSet<_> = large.iter().flat_map(|region| approved(region, &noted, config)).collect();
    while approved.len() < held.len() {
        // What is held is there tomorrow, and what it needs stays with it, approved or not.
        let rest = held.keys().filter(|place| !approved.contains(place)).copied().collect();
        noted = manager.decide_all(&released, &rest);
        let goes: BTreeSet<_> = noted.iter().filter(|one| one.expiry().is_some()).map(Noted::place).collect();
        if approved.is_subset(&goes) {
            break;
        }
        approved.retain(|place| goes.contains(place));
    }
    held.retain(|place, _| !approved.contains(place));
    plan.due_elsewhere = due_elsewhere(&manager);
    plan.findings.extend(findings(&manager, &noted));
    plan.findings.extend(waiting.findings(&released, inventory.today()));
    let of_no_use = config.approvals.iter().filter(|approval| match &approval.what {
        Approved::Region(region) => !large.contains(region),
        Approved::Instance(_) | Approved::Closed(_) => waiting.approved(approval).is_empty(),
    });
    plan.findings.extend(of_no_use.filter_map(|approval| approval_of_nothing(&plan.regions, approval)));
    for region in &plan.regions {
        let (decisions, hold) = with_held(region, inventory.today(), in_order(region, &noted), &held);
        let is_held = |id: &SnapshotId| held.contains_key(&(region, id));
        let is_beside = |approval: &&Approval| waiting.approved(approval).into_iter().any(is_held);
        let beside = config.approvals.iter().filter(is_beside).cloned().collect();
        plan.holds.extend(hold.map(|hold| Hold { beside, ..hold }));
        plan.decisions.extend(decisions);
    }
    plan.finish()
}

/// What is due where this run does not act, but for the newest there of each volume that was seen. Retention may keep some of
/// it.
fn due_elsewhere(manager: &Manager<'_, '_>) -> BTreeMap<Region, Amount> {
    let elsewhere = |one: &&Managed<'_>| !manager.acts_in(one.region()) && one.is_completed();
    let all = || manager.index.managed().iter().filter(elsewhere);
    let mut newest: BTreeMap<_, _> = BTreeMap::new();
    for one in all() {
        let best = newest.entry((one.region(), one.volume())).or_insert(one);
        *best = std::cmp::max_by_key(*best, one, |one| (one.taken(), one.id()));
    }
    let mut amounts: BTreeMap<_, Amount> = BTreeMap::new();
    for one in all().filter(|one| !one.is_pinned() && one.due(manager.index.inventory.taken_at).is_yes()) {
        let is_newest = newest.get(&(one.region(), one.volume())).is_some_and(|newest| newest.id() == one.id());
        let is_there = one.volume().is_none_or(|volume| manager.index.volume(volume).is_some());
        if !(is_newest && is_there) {
            amounts.entry(one.region().clone()).or_default().add(one.raw().size_gib);
        }
    }
    amounts
}

/// The decisions of a Region: what changes first, and the oldest data first.
fn in_order<'n, 'i, 'a>(region: &Region, noted: &'n [Noted<'i, 'a>]) -> Vec<&'n Noted<'i, 'a>> {
    let mut all: Vec<_> = noted.iter().filter(|one| one.snapshot.region() == region).collect();
    all.sort_by_key(|one| (!one.decision.act.is_change(), one.snapshot.taken(), one.snapshot.id()));
    all
}

/// Those that could be deleted, so not the pinned ones.
fn unpinned(all: &[&Noted<'_, '_>]) -> usize {
    all.iter().filter(|one| !one.snapshot.is_pinned()).count()
}

/// Whether so much of a Region expires that a person must approve it.
fn is_large(all: &[&Noted<'_, '_>]) -> bool {
    approval::is_needed(all.iter().filter(|one| one.expiry().is_some()).count(), unpinned(all))
}

/// What has expired in a Region.
fn expired<'a>(region: &Region, noted: &[Noted<'_, 'a>]) -> Vec<(Place<'a>, Expiry)> {
    let all = in_order(region, noted).into_iter();
    all.filter_map(|one| Some((one.place(), one.expiry()?.clone()))).collect()
}

/// S9: the deletes that a person approved, oldest first. Once one of a volume is not approved, no newer one of it is.
fn approved<'a>(region: &Region, noted: &[Noted<'_, 'a>], config: &Config) -> Vec<Place<'a>> {
    let Some(approval) = Approval::find(&config.approvals, &Approved::Region(region.clone())) else {
        return Vec::new();
    };
    let (mut approved, mut volumes) = (Vec::new(), BTreeSet::new());
    for one in in_order(region, noted) {
        let Some(expiry) = one.expiry() else { continue };
        let volume = one.snapshot.volume();
        if expiry.delete_on <= approval.day && approved.len() < approval.count && !volumes.contains(&volume) {
            approved.push(one.place());
        } else {
            volumes.insert(volume);
        }
    }
    approved
}

/// A person approved what does not wait: they should know, since the words may be of another day.
fn approval_of_nothing(regions: &[Region], approval: &Approval) -> Option<Finding> {
    let named = match &approval.what {
        Approved::Region(region) | Approved::Closed(region) => regions.iter().find(|one| *one == region),
        Approved::Instance(_) => None,
    };
    let problem = Problem::ApprovalOfNothing { approval: approval.clone() };
    Some(Finding::new(named.or(regions.first())?, approval, problem))
}

/// The decisions of a Region, with what is held of them, and the words that let it go.
fn with_held(
    region: &Region,
    today: Date,
    all: Vec<&Noted<'_, '_>>,
    held: &BTreeMap<Place<'_>, Expiry>,
) -> (Vec<Decision>, Option<Hold>) {
    let managed = unpinned(&all);
    let (mut waiting, mut approved) = (0, 0);
    let decide = |one: &Noted<'_, '_>| {
        let mut decision = one.decision.clone();
        if let Some(expiry) = held.get(&one.place()) {
            waiting += 1;
            (decision.act, decision.reason) = (Act::Hold, Reason::HeldForApproval(expiry.clone()));
        } else if one.expiry().is_some() {
            approved += 1;
        }
        decision
    };
    let decisions = all.into_iter().map(decide).collect();
    let expired = waiting + approved;
    let approval = Approval { what: Approved::Region(region.clone()), day: today, count: expired };
    let hold = Hold { region: region.clone(), expired, managed, approved, approval, beside: Vec::new() };
    (decisions, (waiting > 0).then_some(hold))
}
