//! S8 and S11 of what is created and copied.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::facts::{Fact, is_pinned};
use super::{Checker, Rule};
use crate::decision::{Act, CreateGroup, Subject};
use crate::inventory::SnapshotState;
use crate::schedule::Slot;
use crate::tags::Tags;

impl<'a> Checker<'a> {
    pub(super) fn births(&mut self) {
        self.creates();
        self.copies();
    }

    /// S8 and S11 of what is created.
    fn creates(&mut self) {
        let made = self.slots_made();
        let creates = self.plan.decisions.iter().filter(|decision| matches!(decision.act, Act::Create { .. }));
        let planned: BTreeMap<_, _> =
            creates.filter_map(|decision| Some((decision.about.volume.as_ref()?, decision))).collect();
        let mut grouped = BTreeSet::new();
        for group in &self.plan.groups {
            let slot = group.slot.to_string();
            for volume in &group.volumes {
                let Some(decision) = planned.get(volume) else { continue };
                let exists = made.contains(&(volume.as_str(), slot.as_str()));
                let is_second = !grouped.insert(volume);
                if exists || is_second || group.exclude_data.contains(volume) {
                    self.add(Rule::S8, decision, format!("{volume} has or gets another snapshot of slot {slot}"));
                }
                if !self.account.are_snapshots_read(&group.region) {
                    self.add(Rule::S8, decision, format!("{volume}: whether slot {slot} is done was not read"));
                }
                for why in born_wrong(group) {
                    self.add(Rule::S11, decision, format!("{volume}: born {why}"));
                }
                if group.tags.has("snapwarden:closed") {
                    self.add(Rule::S12, decision, format!("{volume}: born with the mark of a volume that is over"));
                }
            }
        }
        for (volume, decision) in planned {
            if !grouped.contains(volume) {
                self.add(Rule::Form, decision, format!("{volume} is to be made and belongs to no group"));
            }
        }
    }

    /// The volumes and slots of which there is one of ours that has not failed; none that was begun minutes before its slot.
    fn slots_made(&self) -> BTreeSet<(&'a str, &'a str)> {
        let account = self.account;
        let all = account.volumes().flat_map(|volume| account.snapshots_of(volume));
        let good = all.filter(|fact| fact.snapshot.state != SnapshotState::Error);
        let made = |fact: &&Fact<'a>| {
            Some((fact.volume?, fact.snapshot.tags.get("snapwarden:slot")?, fact.snapshot.start_time))
        };
        let is_of_it = |slot: &str, begun: Timestamp| {
            slot.parse::<Slot>().is_ok_and(|slot| slot.time().duration_since(begun) <= SignedDuration::from_mins(10))
        };
        let made = good.filter_map(made).filter(|(_, slot, begun)| is_of_it(slot, *begun));
        made.map(|(volume, slot, _)| (volume, slot)).collect()
    }

    /// S8 and S11 of what is copied.
    fn copies(&mut self) {
        let mut planned = BTreeSet::new();
        for decision in &self.plan.decisions {
            let (Act::Copy { tags, .. }, Subject::Copy(source, destination)) = (&decision.act, &decision.subject)
            else {
                continue;
            };
            let is_there = |state| state != SnapshotState::Error;
            let mut copies = self.account.copies_of(source).iter();
            let exists = copies.any(|copy| copy.region == destination && is_there(copy.snapshot.state));
            if exists || !self.account.are_snapshots_read(destination) || !planned.insert((source, destination)) {
                self.add(Rule::S8, decision, format!("{source} has, gets or may have another copy in {destination}"));
            }
            let seen = self.account.get(&decision.region, source);
            if seen.is_some_and(|source| !source.is_completed() || source.is_copy) {
                self.add(Rule::S1, decision, format!("{source} is not completed, or a copy itself"));
            }
            if !has_identity(tags, source.as_str(), decision.region.as_str()) {
                self.add(Rule::S11, decision, format!("{source}: its copy would be born without its identity"));
            }
            if tags.has("snapwarden:closed") {
                self.add(
                    Rule::S12,
                    decision,
                    format!("{source}: its copy would carry the mark of a volume that is over"),
                );
            }
        }
    }
}

/// What is wrong with the tags that the snapshots of a group are born with.
fn born_wrong(group: &CreateGroup) -> Vec<String> {
    let lacks = |key: &&str| group.tags.get(key).is_none_or(str::is_empty);
    let keys = ["CreatedOn", "DeleteOn", "InstanceID", "snapwarden:slot"].into_iter().filter(lacks);
    let mut wrong: Vec<_> = keys.map(|key| format!("without {key}")).collect();
    if group.tags.get("Type") != Some("Automated") || is_pinned(&group.tags) {
        wrong.push("without our Type, or pinned".to_owned());
    }
    wrong
}

/// Whether a copy's tags say that it is ours, and of what it is a copy.
fn has_identity(tags: &Tags, source: &str, region: &str) -> bool {
    tags.get("Type") == Some("Automated")
        && tags.get("SourceSnapshotId") == Some(source)
        && tags.get("SourceRegion") == Some(region)
        && ["SourceStartTime", "VolumeID"].iter().all(|key| tags.get(key).is_some())
        && tags.len() <= 50
}
