//! What only the grace period or the closing days keep: a finding names it with the words that let it go, and here is what
//! they let go.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::manager::Manager;
use crate::approval::{Approval, Approved};
use crate::decision::{Amount, Finding, Problem};
use crate::ids::SnapshotId;
use crate::managed::Managed;
use crate::policy::Config;
use crate::retention::{Table, Verdict};
use crate::tags::TagValue;

/// What a person's approval of the grace period or of the closing days would let go, by the approval.
#[derive(Default)]
pub(super) struct Waiting<'i>(BTreeMap<Approved, Vec<One<'i>>>);

#[derive(Clone, Copy)]
struct One<'i> {
    snapshot: &'i Managed<'i>,
    /// The day from which on a plan may have named it: an approval of an earlier day is not about it.
    since: Date,
    until: Date,
    /// Whether it goes once that is approved: false for one that dates others, which stay.
    goes: bool,
}

impl<'i> Waiting<'i> {
    /// Snapshots that only the grace period, or only the closing days, keep.
    pub(super) fn of<'a>(manager: &'i Manager<'i, 'a>) -> Self {
        let none = (BTreeSet::new(), BTreeSet::new());
        let mut waiting = Waiting::default();
        for table in manager.tables.values() {
            let mut of_it: BTreeMap<Approved, Vec<One<'i>>> = BTreeMap::new();
            for (snapshot, verdict, _) in table.settle(&manager.settling(&none.0, &none.1)) {
                if let Some((what, one)) = one_of(manager, table, snapshot, &verdict) {
                    of_it.entry(what).or_default().push(one);
                }
            }
            for (what, all) in of_it {
                let released = all.iter().map(|one| one.snapshot.id()).collect();
                let settled = table.settle(&manager.settling(&released, &none.1));
                let goes = settled.iter().filter(|(_, verdict, _)| *verdict == Verdict::Goes).map(|(one, ..)| one.id());
                let goes: BTreeSet<_> = goes.collect();
                // What began to wait today may have done so after the plan that a person has read.
                let is_known = |one: &One<'_>| one.since <= manager.index.inventory.today();
                let goes = |one: &One<'_>| is_known(one) && goes.contains(one.snapshot.id());
                let all = all.into_iter().map(|one| One { goes: goes(&one), ..one });
                waiting.0.entry(what).or_default().extend(all);
            }
        }
        waiting.0.values_mut().for_each(|all| all.sort_by_key(|one| (one.snapshot.taken(), one.snapshot.id())));
        waiting
    }

    /// What the approvals of this run let go: the oldest first, not more than was read.
    pub(super) fn released(&self, config: &Config) -> BTreeSet<&'i SnapshotId> {
        let approvals = self.0.keys().filter_map(|what| Approval::find(&config.approvals, what));
        approvals.flat_map(|approval| self.approved(approval)).collect()
    }

    pub(super) fn approved(&self, approval: &Approval) -> Vec<&'i SnapshotId> {
        let all = self.0.get(&approval.what).into_iter().flatten();
        let all = all.filter(|one| one.goes && one.since <= approval.day);
        all.take(approval.count).map(|one| one.snapshot.id()).collect()
    }

    pub(super) fn findings(&self, released: &BTreeSet<&SnapshotId>, today: Date) -> Vec<Finding> {
        let finding = |(what, all): (&Approved, &Vec<One<'i>>)| {
            let left: Vec<_> = all.iter().filter(|one| !released.contains(one.snapshot.id())).collect();
            let first = left.first()?;
            let mut some = Amount::default();
            left.iter().for_each(|one| some.add(one.snapshot.raw().size_gib));
            let count = left.iter().filter(|one| one.goes).count();
            let approval = Approval { what: what.clone(), day: today, count };
            let until = left.iter().map(|one| one.until);
            Some(match what {
                Approved::Instance(instance) => {
                    let (until, last) = (until.clone().min().unwrap_or(today), until.max().unwrap_or(today));
                    Finding::new(first.snapshot.region(), instance, Problem::GraceHolds { some, until, last, approval })
                }
                Approved::Closed(region) | Approved::Region(region) => {
                    let until = until.min().unwrap_or(today);
                    Finding::new(region, region, Problem::ClosingHolds { some, until, approval })
                }
            })
        };
        self.0.iter().filter_map(finding).collect()
    }
}

/// A snapshot that only the grace period or the closing days keep, with the approval that it waits for.
fn one_of<'i, 'a>(
    manager: &'i Manager<'i, 'a>,
    table: &Table<'i, 'a>,
    snapshot: &'i Managed<'a>,
    verdict: &Verdict,
) -> Option<(Approved, One<'i>)> {
    let region = snapshot.region();
    let TagValue::Is(delete_on) = *snapshot.delete_on() else { return None };
    let (what, since, until) = match *verdict {
        Verdict::Grace(_, until) => {
            let began = until.saturating_sub(i64::from(manager.grace_days).days());
            (Approved::Instance(table.instance()?.clone()), began.tomorrow().ok()?, until)
        }
        Verdict::Closing(_, until) => {
            // What has no mark yet became over after the plan that a person has read, or on its day.
            let since = table.closing_since(region)?.tomorrow().ok()?;
            let since = Some(since).filter(|since| *since <= manager.index.inventory.today())?;
            (Approved::Closed(region.clone()), since, until)
        }
        Verdict::OfItself
        | Verdict::Unread(_)
        | Verdict::Mistyped(..)
        | Verdict::Kept(_)
        | Verdict::Evidence(_)
        | Verdict::Goes => return None,
    };
    let is_of_this_run = manager.acts_in(region) && manager.guard(snapshot).is_none();
    is_of_this_run.then_some((what, One { snapshot, since: delete_on.max(since), until, goes: false }))
}
