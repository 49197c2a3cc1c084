//! What the manager deletes although something wants it: S3, S6, S7 and S12 of each completed snapshot, and what a
//! person's approvals excuse.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::account::Over;
use super::facts::{Fact, Key, date_of};
use super::line::{Line, Terms, stated_destinations, stated_retention};
use super::record::Record;
use super::stated::Holds;
use super::wanted::Wanted;
use super::{Checker, Delete, Rule};
use crate::approval::{Approval, Approved};
use crate::decision::Decision;
use crate::ids::{Region, SnapshotId};

/// A delete that is wrong unless a person approved it.
struct Waiting<'a> {
    /// Its place in the plan.
    place: usize,
    decision: &'a Decision,
    target: &'a Fact<'a>,
    /// What must be approved: one of these.
    any_of: Vec<Approved>,
    /// The day on which its volume was marked as over here.
    marked: Option<Date>,
    wanted: Wanted,
}

impl<'a> Checker<'a> {
    /// Judges the manager's deletes, volume by volume; gives the volumes.
    pub(super) fn expiry(&mut self) -> Vec<Line<'a>> {
        let decisions = self.decisions();
        let goes = |fact: &Fact<'a>| decisions.contains_key(&fact.key());
        let mut by_volume: BTreeMap<Option<&'a str>, Vec<usize>> = BTreeMap::new();
        for (place, delete) in self.deletes.iter().enumerate().filter(|(_, delete)| delete.target.is_ours) {
            by_volume.entry(delete.target.volume).or_default().push(place);
        }
        let (mut lines, mut joined, mut waiting) = (Vec::new(), BTreeMap::new(), Vec::new());
        for (volume, places) in by_volume {
            let Some(volume) = volume else {
                self.nameless(&places);
                continue;
            };
            let line = Line::of(self.account, vec![volume], goes);
            let together = self.account.joined_with(volume);
            let together = (together.len() > 1)
                .then(|| &*joined.entry(together[0]).or_insert_with(|| Line::of(self.account, together, goes)));
            self.volume(&places, [Some(&line), together].into_iter().flatten().collect(), &mut waiting);
            self.memory(&line, &decisions);
            lines.push(line);
        }
        waiting.sort_by_key(|one: &Waiting<'a>| one.place);
        self.approvals(waiting);
        self.order();
        lines
    }

    fn delete(&self, place: usize) -> (&'a Decision, &'a Fact<'a>) {
        let Delete { decision, target } = &self.deletes[place];
        (decision, target)
    }

    /// S6: copies that name no volume may be the last good ones of any.
    fn nameless(&mut self, places: &[usize]) {
        for place in places {
            let (decision, target) = self.delete(*place);
            let text = format!("{} names no volume: it may be the last good one of any", target.snapshot.id);
            self.add(Rule::S6, decision, text);
        }
    }

    /// The deletes of one volume's snapshots. The first line is the volume's own.
    fn volume(&mut self, places: &[usize], lines: Vec<&Line<'a>>, waiting: &mut Vec<Waiting<'a>>) {
        let mut unknown = Vec::new();
        for line in &lines {
            unknown.extend(line.unread().map(|what| (Rule::S7, format!("not all {what} were read"))));
            let mistyped = line.mistyped().map(|one| format!("a tag of retention of {} cannot be read", one.id));
            unknown.extend(mistyped.map(|why| (Rule::S12, why)));
        }
        let mut unreadable: BTreeMap<&Region, Option<&SnapshotId>> = BTreeMap::new();
        let own = lines[0];
        let newest = self.newest_of_all(own);
        for place in places {
            let (decision, target) = self.delete(*place);
            let id = &target.snapshot.id;
            for (rule, why) in &unknown {
                self.add(*rule, decision, format!("{id}: {why}"));
            }
            let find = || lines.iter().find_map(|line| line.unreadable(target.region)).map(|fact| &fact.snapshot.id);
            if let Some(other) = unreadable.entry(target.region).or_insert_with(find) {
                self.add(
                    Rule::S7,
                    decision,
                    format!("{id}: the record of {other} may say what it is kept for, and cannot be read"),
                );
            }
            self.own_word(decision, target);
            let is_wanted = self.wanted(*place, &lines, waiting);
            if newest.contains(&target.key()) && !is_wanted {
                let text = format!("{id} has the newest data of a volume that lives or may live");
                self.add(Rule::S6, decision, text);
            }
        }
    }

    /// What has the newest data of a volume, wherever it is, where the volume is not known to be over and all of it goes.
    fn newest_of_all(&self, line: &Line<'a>) -> BTreeSet<Key<'a>> {
        let newest = line.completed().map(|member| member.second).max();
        let all: Vec<_> = line.completed().filter(|member| Some(member.second) == newest).collect();
        let is_lost = line.over != Over::Yes && all.iter().all(|member| member.goes);
        all.into_iter().filter(|_| is_lost).map(|member| member.fact.key()).collect()
    }

    /// S3 of what a snapshot says itself, or its source.
    fn own_word(&mut self, decision: &Decision, target: &Fact<'a>) {
        let id = &target.snapshot.id;
        if target.record() == Record::Unreadable {
            self.add(Rule::S3, decision, format!("{id}: its record of retention cannot be read"));
        }
        let source = target.source().and_then(|text| text.parse::<SnapshotId>().ok());
        let source = source.filter(|_| target.is_copy).and_then(|source| self.source_of(target, &source));
        let Some(source) = source else { return };
        if source.is_pinned() {
            self.add(Rule::S3, decision, format!("{id}: its source {} carries KeepForever", source.snapshot.id));
        }
        if source.is_ours && source.delete_on().is_none() {
            self.add(
                Rule::S3,
                decision,
                format!("{id}: its source {} has no DeleteOn that can be read", source.snapshot.id),
            );
        }
        if let Some(day) = passed_on(source).filter(|day| *day > date_of(self.account.inventory.taken_at)) {
            let text = format!("{id}: its source {} is kept so that copies go on {day}", source.snapshot.id);
            self.add(Rule::S3, decision, text);
        }
    }

    /// A copy's source, where it says that it lies, or anywhere.
    fn source_of(&self, copy: &Fact<'_>, source: &SnapshotId) -> Option<&'a Fact<'a>> {
        match copy.source_region() {
            Some(region) => self.account.get(&region, source),
            None => self.account.inventory.regions.keys().find_map(|region| self.account.get(region, source)),
        }
    }

    /// S12: the newest that states what the grace period holds up stays as long.
    fn memory(&mut self, line: &Line<'a>, decisions: &BTreeMap<Key<'a>, &'a Decision>) {
        for member in line.completed() {
            let Some(decision) = decisions.get(&member.fact.key()) else { continue };
            let retention = stated_retention(member).and_then(|text| line.retention.memory_of(&text, member.second));
            let destinations = line.destinations.memory_of(&stated_destinations(line.account, member).0, member.second);
            if [retention, destinations].contains(&Some(Holds::Grace)) {
                let text = format!("{} is the newest that states what is in its grace period", member.fact.snapshot.id);
                self.add(Rule::S12, decision, text);
            }
        }
    }

    /// S3, S6 and S12 of what policies want, now or for a while yet. Says whether they want it whatever is approved.
    fn wanted(&mut self, place: usize, lines: &[&Line<'a>], waiting: &mut Vec<Waiting<'a>>) -> bool {
        let (decision, target) = self.delete(place);
        let on = |grace, closing| lines.iter().find_map(|line| line.wanted(target.key(), Terms { grace, closing }));
        let Some(wanted) = on(true, true) else { return false };
        if let Some(always) = on(false, false) {
            let rule = if always == Wanted::LastGood { Rule::S6 } else { Rule::S3 };
            self.add(rule, decision, format!("{}: {always}", target.snapshot.id));
            return true;
        }
        let instance = lines[0].instance().and_then(|id| id.parse().ok()).map(Approved::Instance);
        let closed = Approved::Closed(target.region.clone());
        let mut any_of = Vec::new();
        // What two approvals would be needed for is let go by neither.
        if on(false, true).is_none() {
            any_of.extend(instance);
        }
        if on(true, false).is_none() {
            any_of.push(closed);
        }
        let over = lines.iter().filter(|line| line.over == Over::Yes);
        let marked: Option<Vec<_>> = over.map(|line| line.closed(target.region)).collect();
        let marked = marked.and_then(|days| days.into_iter().max());
        waiting.push(Waiting { place, decision, target, any_of, marked, wanted });
        false
    }

    /// S12: what only the grace period or the closing days keep goes when a person approved it, in the plan's order
    /// and no more than that person read.
    fn approvals(&mut self, waiting: Vec<Waiting<'a>>) {
        let mut used: BTreeMap<Approved, usize> = BTreeMap::new();
        for Waiting { decision, target, any_of, marked, wanted, .. } in waiting {
            let approvals = &self.account.config.approvals;
            let is_covered = |what: &Approved| {
                let find = |approval: &&Approval| approval.what == *what;
                let left = |approval: &Approval| used.get(what).copied().unwrap_or(0) < approval.count;
                let is_known = |approval: &Approval| {
                    let is_marked = marked.is_some_and(|day| day < approval.day);
                    let is_due = target.delete_on().is_some_and(|day| day <= approval.day);
                    is_due && (is_marked || !matches!(what, Approved::Closed(_)))
                };
                approvals.iter().find(find).is_some_and(|approval| left(approval) && is_known(approval))
            };
            match any_of.iter().find(|what| is_covered(what)) {
                Some(what) => *used.entry(what.clone()).or_default() += 1,
                None => {
                    let id = &target.snapshot.id;
                    self.add(Rule::S12, decision, format!("{id}: for a while yet, {wanted}, and nobody approved less"));
                }
            }
        }
    }

    /// S6: the deletes of one volume's snapshots in one Region go oldest first, so that a run that stops leaves the newest.
    fn order(&mut self) {
        let mut oldest_to_come: BTreeMap<(&Region, Option<&str>), i64> = BTreeMap::new();
        for place in (0..self.deletes.len()).rev() {
            let (decision, target) = self.delete(place);
            let to_come = oldest_to_come.entry((target.region, target.volume)).or_insert(target.second());
            if target.second() > *to_come {
                self.add(Rule::S6, decision, format!("{} goes before an older one of its volume", target.snapshot.id));
            } else {
                *to_come = target.second();
            }
        }
    }
}

/// The DeleteOn that a source passes on to its copies; none where it has none.
fn passed_on(source: &Fact<'_>) -> Option<Date> {
    let delete_on = source.delete_on()?;
    let (Record::Is(policy), Some(created)) = (source.record(), source.created_on()) else { return Some(delete_on) };
    let Some(copies) = policy.copies else { return Some(delete_on) };
    let after = |days: u32| created.checked_add(i64::from(days).days()).unwrap_or(Date::MAX);
    let is_moved_later = delete_on > after(policy.own[0]);
    Some(if is_moved_later { delete_on.max(after(copies[0])) } else { after(copies[0]) })
}
