//! S9: a large expiry waits for a person.

use super::{Checker, Rule};
use crate::approval::{Approval, Approved};
use crate::decision::Act;

impl<'a> Checker<'a> {
    /// S9: counted again, of what is managed and not pinned.
    pub(super) fn breaker(&mut self) {
        let inventory = self.account.inventory;
        for region in &self.plan.regions {
            let here = inventory.snapshots_in(region).iter().filter_map(|seen| self.account.get(region, &seen.id));
            let managed = here.filter(|fact| fact.is_ours && !fact.is_pinned()).count();
            let going: Vec<_> = self.deletes.iter().filter(|one| one.decision.region == *region).collect();
            let held = self.plan.decisions.iter().filter(|d| d.region == *region && d.act == Act::Hold).count();
            let expired = going.len() + held;
            if expired <= 25 || expired * 2 <= managed {
                continue;
            }
            let is_of_it = |approval: &&Approval| approval.what == Approved::Region(region.clone());
            let approval = self.account.config.approvals.iter().find(is_of_it);
            let is_covered = |n: usize, approval: &Approval| {
                n < approval.count && going[n].target.delete_on().is_some_and(|day| day <= approval.day)
            };
            let refused = (0..going.len()).filter(|n| !approval.is_some_and(|approval| is_covered(*n, approval)));
            let refused: Vec<_> = refused.map(|n| (going[n].decision, &going[n].target.snapshot.id)).collect();
            for (decision, id) in refused {
                self.add(Rule::S9, decision, format!("{id}: one of {expired} deletes among {managed}, not approved"));
            }
        }
    }
}
