//! Days of an account, lived through the real planners: what they plan happens at once.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "shared by several test binaries; the names say it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use snapwarden_core::decision::{Act, Plan, Subject};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::{Inventory, Read, Snapshot, SnapshotState, StorageTier};
use snapwarden_core::managed::VOLUME_OF_COPIES;
use snapwarden_core::plan::{plan_create, plan_expire, plan_offsite};
use snapwarden_core::policy::Config;
use snapwarden_core::tags::Tags;

/// An account, and what went of it when.
#[derive(Clone)]
pub struct Life {
    pub inventory: Inventory,
    pub config: Config,
    pub gone: BTreeMap<SnapshotId, Timestamp>,
    /// Whether a person approves what is held because it is much (S9).
    pub approves: bool,
}

impl Life {
    pub fn new(inventory: Inventory) -> Self {
        Self { inventory, config: Config::default(), gone: BTreeMap::new(), approves: false }
    }

    pub fn at(&mut self, now: Timestamp) -> &mut Self {
        self.inventory.taken_at = now;
        self
    }

    fn regions(&self) -> Vec<Region> {
        self.inventory.regions.keys().cloned().collect()
    }

    /// The creator; what it makes completes at once.
    pub fn create(&mut self) -> Plan {
        let plan = plan_create(&self.inventory, &self.regions(), &self.config);
        for group in &plan.groups {
            for volume in &group.volumes {
                let late = plan.decisions.iter().find(|one| one.subject == Subject::Volume(volume.clone())).unwrap();
                let Act::Create { late_tags } = &late.act else { panic!("{late:?}") };
                let mut tags = group.tags.clone();
                late_tags.iter().for_each(|(key, value)| tags.set(key, value));
                let id = format!("snap-{}-{}", &volume.as_str()[4..], self.inventory.taken_at.as_second());
                let made = completed(&id, volume.as_str(), self.inventory.taken_at, tags, &self.inventory);
                self.add(&group.region, made);
            }
        }
        plan
    }

    /// The offsiter, until it has nothing more to do; copies complete at once.
    pub fn offsite(&mut self) {
        for _ in 0..4 {
            let plan = plan_offsite(&self.inventory, &self.regions());
            let changes = plan.decisions.iter().filter(|decision| decision.act.is_change());
            if changes.map(|decision| self.carry_out(decision.act.clone(), &decision.region, &decision.subject)).count()
                == 0
            {
                break;
            }
        }
    }

    /// The manager.
    pub fn expire(&mut self) -> Plan {
        let mut plan = plan_expire(&self.inventory, &self.regions(), &self.config);
        if self.approves && !plan.holds.is_empty() {
            let approvals = plan.holds.iter().map(|hold| hold.approval.clone()).collect();
            let config = Config { approvals, ..self.config.clone() };
            plan = plan_expire(&self.inventory, &self.regions(), &config);
        }
        for decision in &plan.decisions {
            self.carry_out(decision.act.clone(), &decision.region, &decision.subject);
        }
        plan
    }

    /// All three jobs.
    pub fn live(&mut self, now: Timestamp) -> Plan {
        let _ = self.at(now).create();
        self.offsite();
        self.expire()
    }

    fn carry_out(&mut self, act: Act, region: &Region, subject: &Subject) {
        match (act, subject) {
            (Act::Copy { tags, .. }, Subject::Copy(source, destination)) => {
                let id = format!("{source}-{destination}");
                let copy = completed(&id, VOLUME_OF_COPIES, self.inventory.taken_at, tags, &self.inventory);
                self.add(destination, copy);
            }
            (Act::AddTags { region, snapshot, tags }, _) => {
                let found = self.find(&region, &snapshot);
                tags.iter().for_each(|(key, value)| found.tags.set(key, value));
            }
            (Act::Stamp { value }, Subject::Source(id)) => self.find(region, id).tags.set("OffsiteSnapshotId", &value),
            (Act::Mark { closed }, Subject::Snapshot(id)) => {
                let value = closed.map(|day| day.to_string()).unwrap_or_default();
                self.find(region, id).tags.set("snapwarden:closed", &value);
            }
            (Act::RemoveSource { .. } | Act::Delete { .. }, Subject::Source(id) | Subject::Snapshot(id)) => {
                self.gone.insert((**id).clone(), self.inventory.taken_at);
                snapshots(&mut self.inventory, region).retain(|one| one.id != **id);
            }
            _ => {}
        }
    }

    fn find(&mut self, region: &Region, id: &SnapshotId) -> &mut Snapshot {
        snapshots(&mut self.inventory, region).iter_mut().find(|one| one.id == *id).unwrap()
    }

    pub fn add(&mut self, region: &Region, snapshot: Snapshot) {
        snapshots(&mut self.inventory, region).push(snapshot);
    }

    /// The ids of all that is there.
    pub fn ids(&self) -> Vec<SnapshotId> {
        self.inventory.snapshots().map(|(_, one)| one.id.clone()).collect()
    }

    pub fn has(&self, id: &str) -> bool {
        self.inventory.snapshots().any(|(_, one)| one.id.as_str() == id)
    }
}

fn snapshots<'i>(inventory: &'i mut Inventory, region: &Region) -> &'i mut Vec<Snapshot> {
    match &mut inventory.regions.get_mut(region).unwrap().snapshots {
        Read::Whole(items) | Read::Gap { seen: items, .. } => items,
        Read::NotAsked => panic!("{region} was not read"),
    }
}

/// A snapshot of 8 GiB in the standard tier, not encrypted.
fn completed(id: &str, volume: &str, start_time: Timestamp, tags: Tags, inventory: &Inventory) -> Snapshot {
    Snapshot {
        id: id.parse().unwrap(),
        volume_id: volume.parse().unwrap(),
        owner: inventory.account.clone(),
        state: SnapshotState::Completed,
        state_message: None,
        start_time,
        size_gib: 8,
        encrypted: false,
        tier: StorageTier::Standard,
        tags,
    }
}
