//! The days to come, lived through by the real planners.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::{Lived, Scene, end_of};
use crate::decision::{Act, CreateGroup, Decision, Plan, Subject};
use crate::ids::{Region, SnapshotId, VolumeId};
use crate::inventory::{Inventory, Snapshot, SnapshotState, StorageTier, day_of};
use crate::managed::VOLUME_OF_COPIES;
use crate::plan::{plan_create, plan_expire, plan_offsite};
use crate::policy::{self, Config};
use crate::tags::{self, Tags, key};

/// Lives to the end of `until`.
pub(super) fn live(scene: &Scene, until: Date, approves: bool) -> Vec<Lived> {
    let mut life = Life::of(scene, approves);
    let now = scene.inventory.taken_at;
    life.make_up(now);
    let schedules: Vec<_> = scene.backed_up().map(|one| policy::schedule(&one.tags, &scene.config).value).collect();
    let mut slots: Vec<_> =
        schedules.iter().map(|one| one.slots_after(now).map(|slot| slot.time()).peekable()).collect();
    for day in day_of(now).series(1.day()).take_while(|day| *day <= until) {
        let mut made = BTreeSet::new();
        for slots in &mut slots {
            made.extend(std::iter::from_fn(|| slots.next_if(|made| *made <= end_of(day))));
        }
        made.into_iter().for_each(|made| life.make(made));
        life.copy(day);
        life.expire(day);
    }
    life.lived
}

struct Life<'s> {
    scene: &'s Scene,
    approves: bool,
    /// The account as it is now.
    account: Inventory,
    /// The same account without any snapshot.
    empty: Inventory,
    lived: Vec<Lived>,
    /// Places in `lived` of what is there.
    there: BTreeMap<SnapshotId, usize>,
    /// Whether any snapshot names a destination.
    has_destinations: bool,
    /// Whether a source may still have to be copied or removed.
    has_news: bool,
    made: usize,
}

impl<'s> Life<'s> {
    fn of(scene: &'s Scene, approves: bool) -> Self {
        let mut life = Life {
            scene,
            approves,
            account: scene.with_snapshots(scene.inventory.taken_at, []),
            empty: scene.with_snapshots(scene.inventory.taken_at, []),
            lived: Vec::new(),
            there: BTreeMap::new(),
            has_destinations: false,
            has_news: false,
            made: 0,
        };
        for (region, snapshot) in scene.inventory.snapshots() {
            life.add(region, snapshot.clone(), snapshot.start_time, false);
        }
        life
    }

    fn add(&mut self, region: &Region, snapshot: Snapshot, from: Timestamp, is_to_come: bool) {
        self.has_destinations |= snapshot.tags.has(key::DESTINATION_REGION);
        self.has_news = true;
        self.there.insert(snapshot.id.clone(), self.lived.len());
        if let Some(seen) = self.account.regions.get_mut(region) {
            seen.snapshots.push(snapshot.clone());
        }
        self.lived.push(Lived { region: region.clone(), snapshot, is_to_come, from, goes: None });
    }

    /// Writes tags on one that is there.
    fn tag<'t>(&mut self, id: &SnapshotId, tags: impl IntoIterator<Item = (&'t str, &'t str)>) {
        let Some(lived) = self.there.get(id).and_then(|n| self.lived.get_mut(*n)) else { return };
        for (key, value) in tags {
            lived.snapshot.tags.set(key, value);
        }
        let seen = self.account.regions.get_mut(&lived.region).and_then(|seen| seen.snapshots.items_mut());
        if let Some(one) = seen.into_iter().flatten().find(|one| one.id == *id) {
            one.tags = lived.snapshot.tags.clone();
        }
    }

    fn remove(&mut self, id: &SnapshotId, day: Date) {
        let Some(lived) = self.there.remove(id).and_then(|n| self.lived.get_mut(n)) else { return };
        lived.goes = Some(day);
        let seen = self.account.regions.get_mut(&lived.region).and_then(|seen| seen.snapshots.items_mut());
        if let Some(all) = seen {
            all.retain(|one| one.id != *id);
        }
    }

    fn id(&mut self) -> Option<SnapshotId> {
        self.made += 1;
        format!("snap-to-come-{:09}", self.made).parse().ok()
    }

    /// A slot that has begun and that nothing was made for is made up for at once, as the creator does.
    fn make_up(&mut self, now: Timestamp) {
        self.account.taken_at = now;
        let plan = plan_create(&self.account, std::slice::from_ref(&self.scene.home), &self.config());
        plan.groups.iter().for_each(|group| self.carry_out_group(&plan, group, now));
    }

    /// Makes the snapshots of a slot that begins now. What there is already is of other slots, so it is not looked at.
    fn make(&mut self, now: Timestamp) {
        self.empty.taken_at = now;
        let plan = plan_create(&self.empty, std::slice::from_ref(&self.scene.home), &self.config());
        let groups = plan.groups.iter().filter(|group| group.slot.time() == now);
        groups.for_each(|group| self.carry_out_group(&plan, group, now));
    }

    fn config(&self) -> Config {
        Config { slot: None, ..self.scene.config.clone() }
    }

    fn carry_out_group(&mut self, plan: &Plan, group: &CreateGroup, now: Timestamp) {
        for volume in group.volumes.iter().filter(|volume| self.scene.volumes().contains(volume)) {
            self.born(plan, group, volume, now);
        }
    }

    fn born(&mut self, plan: &Plan, group: &CreateGroup, volume: &VolumeId, now: Timestamp) {
        let mut tags = group.tags.clone();
        let of_it = |decision: &&Decision| decision.about.volume.as_ref() == Some(volume);
        if let Some(Act::Create { late_tags }) = plan.decisions.iter().find(of_it).map(|decision| &decision.act) {
            late_tags.iter().for_each(|(key, value)| tags.set(key, value));
        }
        let Some(id) = self.id() else { return };
        let snapshot = self.snapshot(id, volume.clone(), tags, now);
        self.add(&group.region, snapshot, now, true);
    }

    fn snapshot(&self, id: SnapshotId, volume_id: VolumeId, tags: Tags, start_time: Timestamp) -> Snapshot {
        Snapshot {
            id,
            volume_id,
            owner: self.scene.inventory.account.clone(),
            state: SnapshotState::Completed,
            state_message: None,
            start_time,
            size_gib: 8,
            encrypted: false,
            tier: StorageTier::Standard,
            tags,
        }
    }

    /// The offsiter, until it finds nothing more to do: copies are made, then proven, then sources go.
    fn copy(&mut self, day: Date) {
        while std::mem::take(&mut self.has_news) && self.has_destinations {
            self.account.taken_at = end_of(day);
            let plan = plan_offsite(&self.account, std::slice::from_ref(&self.scene.home));
            for decision in &plan.decisions {
                self.has_news |= self.carry_out(decision, day);
            }
        }
    }

    /// Whether the offsiter may have more to do afterwards.
    fn carry_out(&mut self, decision: &Decision, day: Date) -> bool {
        match &decision.act {
            Act::Copy { tags, .. } => {
                let Subject::Copy(source, destination) = &decision.subject else { return false };
                let Some(source) = self.there.get(source).map(|n| self.lived[*n].snapshot.clone()) else {
                    return false;
                };
                let (Some(id), Ok(volume)) = (self.id(), VOLUME_OF_COPIES.parse()) else { return false };
                let copy = Snapshot { id, volume_id: volume, tags: tags.clone(), ..source };
                let from = copy.start_time;
                self.add(destination, copy, from, true);
                true
            }
            Act::AddTags { snapshot, tags, .. } => {
                self.tag(snapshot, tags.iter());
                true
            }
            Act::Stamp { value } => {
                let Subject::Source(source) = &decision.subject else { return false };
                self.tag(source, [(key::OFFSITE_SNAPSHOT_ID, value.as_str())]);
                false
            }
            Act::RemoveSource { .. } => {
                let Subject::Source(source) = &decision.subject else { return false };
                self.remove(source, day);
                false
            }
            Act::Create { .. } | Act::Delete { .. } | Act::Mark { .. } => false,
            Act::Hold | Act::Keep | Act::Skip | Act::Wait => false,
        }
    }

    /// The manager, and a person who approves what it holds. Where no DeleteOn has come there is nothing that it could
    /// delete, but at its first run it may have tags to write.
    fn expire(&mut self, day: Date) {
        let has_come = |n: &usize| tags::delete_on(&self.lived[*n].snapshot.tags).ok().is_some_and(|on| on <= day);
        if day > day_of(self.scene.inventory.taken_at) && !self.there.values().any(has_come) {
            return;
        }
        self.account.taken_at = end_of(day);
        let regions: Vec<_> = self.account.regions.keys().cloned().collect();
        let mut config = self.scene.config.clone();
        let mut plan = plan_expire(&self.account, &regions, &config);
        if self.approves {
            let asked: Vec<_> = plan.findings.iter().filter_map(|one| one.problem.approval().cloned()).collect();
            if !asked.is_empty() {
                config.approvals.extend(asked);
                plan = plan_expire(&self.account, &regions, &config);
            }
        }
        if !plan.holds.is_empty() {
            config.approvals.extend(plan.holds.iter().map(|hold| hold.approval.clone()));
            plan = plan_expire(&self.account, &regions, &config);
        }
        for decision in &plan.decisions {
            let Subject::Snapshot(id) = &decision.subject else { continue };
            match &decision.act {
                Act::Delete { .. } => {
                    self.remove(id, day);
                    self.has_news = true;
                }
                Act::Mark { closed } => {
                    let value = closed.map(|day| day.to_string()).unwrap_or_default();
                    self.tag(id, [(key::CLOSED, value.as_str())]);
                }
                Act::Hold | Act::Keep | Act::Skip | Act::Wait => {}
                Act::Create { .. } | Act::AddTags { .. } | Act::Copy { .. } | Act::Stamp { .. } => {}
                Act::RemoveSource { .. } => {}
            }
        }
    }
}
