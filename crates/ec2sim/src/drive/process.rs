//! One run, as far as the rules must know it: what it was shown, and what a person approved.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::Date;
use snapwarden_core::approval::{Approval, Approved};
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::Snapshot;
use snapwarden_exec::cloud::Page;

use super::facts::{is_managed, is_pinned};
use super::seen::{Listed, is_listing};
use crate::call::{Action, ApiError, Call, Reply, SnapshotView};
use crate::face::Jump;
use crate::world::World;

/// One run, as far as the rules must know it.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) number: u64,
    pub(super) job: Job,
    pub(super) begun: Timestamp,
    /// By which tick: runs of one job by one tick overlap, or two minutes do not lie between them (S8).
    pub(super) tick: String,
    /// Where the answers to it do not agree on the time, from one of them on (S10).
    pub(super) jump: Option<Rc<Jump>>,
    /// What a person has approved (S9, S12).
    pub(super) approvals: Vec<Approval>,
    /// Of each delete that needed an approval those that allowed it (S12).
    spent: Vec<Vec<Approved>>,
    /// Each snapshot as it was last shown to it, and when.
    shown: BTreeMap<(Region, SnapshotId), (Timestamp, Snapshot)>,
    /// Listings that were read to their end, when they were last read.
    whole: BTreeSet<(Region, Action)>,
    /// Managed snapshots that nobody pinned, as its listing of a Region has shown.
    pub(super) listed: BTreeMap<Region, BTreeSet<SnapshotId>>,
    pub(super) expired: BTreeMap<Region, usize>,
}

impl Process {
    pub(super) fn new(number: u64, job: Job, begun: Timestamp, tick: &str) -> Self {
        Self {
            number,
            job,
            begun,
            tick: tick.to_owned(),
            jump: None,
            approvals: Vec::new(),
            spent: Vec::new(),
            shown: BTreeMap::new(),
            whole: BTreeSet::new(),
            listed: BTreeMap::new(),
            expired: BTreeMap::new(),
        }
    }

    pub(super) fn doubts_since(&self) -> Option<Timestamp> {
        self.jump.as_ref()?.since()
    }

    /// Whether a person has approved that this one goes, and of how many more such.
    pub(super) fn may_spend(&self, what: &Approved, delete_on: Option<Date>) -> bool {
        let approval = self.approvals.iter().find(|approval| approval.what == *what);
        let is_of_day = approval.is_some_and(|approval| delete_on.is_some_and(|day| day <= approval.day));
        let one_more = std::slice::from_ref(what);
        let deletes: Vec<_> = self.spent.iter().map(Vec::as_slice).chain([one_more]).collect();
        let mut counted = BTreeMap::new();
        is_of_day && (0..deletes.len()).all(|n| self.count_one(n, &deletes, &mut counted, &mut BTreeSet::new()))
    }

    /// Counts a delete by one of the approvals that allow it, none by more than it says; others are counted anew for it. Which
    /// one counts a delete that two allow, the process decides.
    fn count_one<'d>(
        &self,
        n: usize,
        deletes: &[&'d [Approved]],
        counted: &mut BTreeMap<&'d Approved, Vec<usize>>,
        tried: &mut BTreeSet<&'d Approved>,
    ) -> bool {
        for what in deletes[n] {
            if !tried.insert(what) {
                continue;
            }
            let most =
                self.approvals.iter().find(|approval| approval.what == *what).map_or(0, |approval| approval.count);
            let there = counted.entry(what).or_default().clone();
            if there.len() < most {
                counted.entry(what).or_default().push(n);
                return true;
            }
            let other = there.into_iter().position(|other| self.count_one(other, deletes, counted, tried));
            if let Some(place) = other {
                counted.entry(what).or_default()[place] = n;
                return true;
            }
        }
        false
    }

    /// A delete took effect that needed one of these approvals; none where it needed none.
    pub(super) fn spend(&mut self, approvals: Vec<Approved>) {
        self.spent.extend(Some(approvals).filter(|approvals| !approvals.is_empty()));
    }

    /// All snapshots as they were last shown to it.
    pub(super) fn all_shown(&self) -> impl Iterator<Item = (&Region, Timestamp, &Snapshot)> + Clone {
        self.shown.iter().map(|((region, _), (at, snapshot))| (region, *at, snapshot))
    }

    pub(super) fn as_shown(&self, region: &Region, id: &SnapshotId) -> Option<&Snapshot> {
        self.shown.get(&(region.clone(), id.clone())).map(|(_, snapshot)| snapshot)
    }

    pub(super) fn has_read(&self, region: &Region, action: Action) -> bool {
        self.whole.contains(&(region.clone(), action))
    }

    /// Notes what an answer shows. A listing that is read once more counts as it was read then: so the jobs take it.
    pub(super) fn see(&mut self, world: &World, region: &Region, call: &Call, seen: &Result<Reply, ApiError>) {
        let listed = seen.as_ref().ok().and_then(Listed::of);
        if is_listing(call) {
            let listing = (region.clone(), call.action());
            if listed.as_ref().is_some_and(Listed::is_last) {
                self.whole.insert(listing);
            } else {
                self.whole.remove(&listing);
            }
        }
        match listed {
            None | Some(Listed::Instances(_) | Listed::Volumes(_)) => {}
            Some(Listed::Snapshots(page)) => self.see_snapshots(world, region, is_listing(call), page),
        }
    }

    fn see_snapshots(&mut self, world: &World, region: &Region, is_listing: bool, page: &Page<SnapshotView>) {
        for view in &page.items {
            let snapshot = view.snapshot.clone();
            if is_listing && is_managed(world, &snapshot) && !is_pinned(&snapshot.tags) {
                self.listed.entry(region.clone()).or_default().insert(snapshot.id.clone());
            }
            self.shown.insert((region.clone(), snapshot.id.clone()), (world.now(), snapshot));
        }
    }
}
