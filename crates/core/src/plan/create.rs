//! The creator's table: which volumes get a snapshot for their slot now.
//!
//! The slot is on every snapshot from birth. That, and looking at every Region that was read, is what makes a second
//! run of the same slot find the first one's work instead of doing it again (S8).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, ToSpan};

use super::coverage::{Coverages, newest};
use super::{EARLY_MAX, gaps, unfamiliar};
use crate::decision::{About, Act, Consistency, CreateGroup, Decision, Finding, Job, Plan, Problem, Reason, Subject};
use crate::ids::{InstanceId, Region, VolumeId};
use crate::index::Index;
use crate::inventory::{Instance, InstanceState, Inventory, RegionInventory, SnapshotState, Volume, day_of};
use crate::managed::Managed;
use crate::policy::{Config, InstancePolicy, Origin, Selection, Setting, SlotChoice, near_backup};
use crate::retention::Retention;
use crate::schedule::Slot;
use crate::tags::{self, OffsiteMode, TAGS_OF_OURS_MAX, TYPE_AUTOMATED, TagValue, Tags, key};

/// Volumes that one CreateSnapshots can leave out beside the boot volume: "up to 40" (EC2 API, InstanceSpecification).
const EXCLUDE_DATA_MAX: usize = 40;
/// Errored snapshots of one slot after which the tries of a volume come further and further apart.
const FAILURES_AT_ONCE_MAX: usize = 3;
/// A snapshot that is made so long after its slot says so.
const LATE_HOURS: i64 = 6;

/// Which volumes of the selected instances of `regions` get a snapshot now.
pub fn plan_create(inventory: &Inventory, regions: &[Region], config: &Config) -> Plan {
    let mut plan = Plan::new(Job::Create, inventory, regions);
    let index = Index::of(inventory);
    let history = History::of(&index);
    let mut planned = Vec::new();
    let mut coverages = Coverages::of(&index);
    for region in plan.regions.clone() {
        let none = RegionInventory::default();
        let seen = inventory.regions.get(&region).unwrap_or(&none);
        plan.findings.extend(gaps(&region, Some(seen)));
        plan.findings.extend(unfamiliar(&index, &region));
        let selected = select(inventory, &region, seen, config, &mut plan.findings);
        plan.findings.extend(ended(&index, &region, seen));
        let owners = owners(&selected);
        let others = others(seen, &region, inventory, config);
        let volumes: BTreeMap<_, _> = seen.volumes.items().iter().map(|volume| (&volume.id, volume)).collect();
        for Selected { instance, policy, slot } in &selected {
            let one = OneInstance {
                inventory,
                region: &region,
                instance,
                policy,
                slot: *slot,
                volumes: &volumes,
                others: &others,
                history: &history,
            };
            let one_planned = one.plan(&owners, &mut plan.findings);
            let policies = |volume: &VolumeId| one.selected_others_of(volume).into_iter().chain([policy]).collect();
            coverages.add(&one_planned.decisions, policies);
            planned.push(one_planned);
        }
    }
    if planned.is_empty()
        && plan.regions.iter().all(|r| inventory.regions.get(r).is_some_and(|s| s.instances.is_whole()))
    {
        let problem = Problem::NothingSelected { regions: plan.regions.clone() };
        plan.findings.extend(plan.regions.first().map(|region| Finding::new(region, region, problem)));
    }
    // The order of need: never backed up first, then the oldest newest snapshot first.
    planned.sort_by(|a, b| (a.need, &a.instance).cmp(&(b.need, &b.instance)));
    for one in planned {
        plan.decisions.extend(one.decisions);
        plan.groups.extend(one.groups);
    }
    let (coverage, late) = coverages.finish();
    plan.coverage = coverage;
    plan.findings.extend(late);
    plan.finish()
}

/// An instance that is backed up, what its tags ask for, and the slot that is to be done now.
struct Selected<'a> {
    instance: &'a Instance,
    policy: InstancePolicy,
    slot: Slot,
}

/// The live instances tagged `Backup=Yes`, by id.
fn select<'a>(
    inventory: &Inventory,
    region: &Region,
    seen: &'a RegionInventory,
    config: &Config,
    findings: &mut Vec<Finding>,
) -> Vec<Selected<'a>> {
    let mut selected = Vec::new();
    for instance in seen.instances.items().iter().filter(|instance| instance.state.is_backed_up()) {
        let policy = InstancePolicy::of(instance, region, inventory, config);
        match &policy.selection {
            Selection::Selected => {
                findings.extend(policy.findings(region, instance.id.as_str()));
                let slot = match config.slot {
                    Some(SlotChoice::At(slot)) => slot,
                    Some(SlotChoice::Now) => Slot::containing(inventory.taken_at),
                    None => policy.schedule.value.slot_at(inventory.taken_at),
                };
                selected.push(Selected { instance, policy, slot });
            }
            Selection::Unreadable(value) => {
                findings.push(Finding::new(region, &instance.id, Problem::BackupUnreadable { value: value.clone() }));
            }
            Selection::Untagged => {
                let key = near_backup(&instance.tags).map(str::to_owned);
                let problem = key.map(|key| Problem::BackupKeyMistyped { key });
                findings.extend(problem.map(|problem| Finding::new(region, &instance.id, problem)));
            }
            Selection::Excluded => {}
        }
    }
    selected.sort_by(|a, b| a.instance.id.cmp(&b.instance.id));
    selected
}

/// The finding that counts volumes that were backed up and that no instance tagged `Backup=Yes` has now. What is tagged
/// `Backup=No`, or hangs on an instance that is, was left out on purpose.
fn ended(index: &Index<'_>, region: &Region, seen: &RegionInventory) -> Option<Finding> {
    if !seen.instances.is_whole() {
        return None;
    }
    let is_left = |volume: &&Volume| {
        let holders: Vec<_> = index.holders(&volume.id).map(|(_, one)| tags::backup(&one.tags).ok()).collect();
        let is_meant = !holders.is_empty() && holders.iter().all(|backup| *backup == Some(false));
        tags::backup(&volume.tags) != TagValue::Is(false) && !is_meant && !holders.contains(&Some(true))
    };
    let last = |volume: &Volume| {
        let all = index.of_volume(&volume.id).filter(|one| one.is_completed());
        Some((all.map(Managed::taken).max()?, volume.id.clone()))
    };
    let ended: Vec<_> = seen.volumes.items().iter().filter(is_left).filter_map(last).collect();
    let (until, example) = ended.iter().max()?.clone();
    let problem = Problem::BackupEnded { volumes: ended.len(), example, until: day_of(until) };
    Some(Finding::new(region, region, problem))
}

/// Whose a volume is that hangs on several selected instances: that whose slot came last, so that the slots of all are done;
/// of equals, that with the longest retention.
fn owners<'a>(selected: &[Selected<'a>]) -> BTreeMap<&'a VolumeId, &'a InstanceId> {
    let mut owners: BTreeMap<&VolumeId, (Slot, u32, &InstanceId)> = BTreeMap::new();
    for Selected { instance, policy, slot } in selected {
        for volume in instance.devices.iter().filter_map(|device| device.volume.as_ref()) {
            let one = (*slot, policy.retention.reach_days(), &instance.id);
            let owner = owners.entry(volume).or_insert(one);
            if (one.0, one.1) > (owner.0, owner.1) {
                *owner = one;
            }
        }
    }
    owners.into_iter().map(|(volume, (_, _, instance))| (volume, instance)).collect()
}

/// What live instances ask for, by the volumes that they have: of a volume that several have, all count.
type Others = BTreeMap<VolumeId, Vec<(InstanceId, InstancePolicy)>>;

fn others(seen: &RegionInventory, region: &Region, inventory: &Inventory, config: &Config) -> Others {
    let mut others = Others::new();
    for instance in seen.instances.items().iter().filter(|instance| instance.state.is_backed_up()) {
        for volume in instance.devices.iter().filter_map(|device| device.volume.clone()) {
            let policy = InstancePolicy::of(instance, region, inventory, config);
            others.entry(volume).or_default().push((instance.id.clone(), policy));
        }
    }
    others.retain(|_, instances| instances.len() > 1);
    others
}

/// What exists of each volume.
struct History<'i, 'a> {
    index: &'i Index<'a>,
    /// Pending and errored snapshots by volume, whoever made them: they count against the volume's limit.
    unfinished: BTreeMap<&'a VolumeId, usize>,
}

impl<'i, 'a> History<'i, 'a> {
    fn of(index: &'i Index<'a>) -> Self {
        let mut unfinished: BTreeMap<_, usize> = BTreeMap::new();
        for (_, snapshot) in index.inventory.snapshots() {
            let is_unfinished = matches!(snapshot.state, SnapshotState::Pending | SnapshotState::Error);
            let is_source = snapshot.owner == index.inventory.account && !snapshot.tags.has(key::SOURCE_SNAPSHOT_ID);
            if is_unfinished && is_source {
                *unfinished.entry(&snapshot.volume_id).or_default() += 1;
            }
        }
        History { index, unfinished }
    }

    /// What is ours of `slot`, in every Region that was read. One that was begun before the slot holds no data of it: a clock
    /// was wrong when it was made.
    fn of_slot(&self, volume: &VolumeId, slot: Slot) -> impl Iterator<Item = &'i Managed<'a>> {
        let least = slot.time().saturating_sub(EARLY_MAX).unwrap_or(slot.time());
        self.index.of_volume(volume).filter(move |one| one.slot() == Some(slot) && one.raw().start_time >= least)
    }
}

/// One instance's decisions, and how much it needs them.
struct Planned {
    /// The oldest newest snapshot of the volumes to make; none where one was never backed up, which sorts first.
    need: (bool, Option<Timestamp>),
    instance: InstanceId,
    decisions: Vec<Decision>,
    groups: Vec<CreateGroup>,
}

/// All that the decisions about one instance rest on.
struct OneInstance<'a> {
    inventory: &'a Inventory,
    region: &'a Region,
    instance: &'a Instance,
    policy: &'a InstancePolicy,
    slot: Slot,
    volumes: &'a BTreeMap<&'a VolumeId, &'a Volume>,
    others: &'a Others,
    history: &'a History<'a, 'a>,
}

impl OneInstance<'_> {
    fn plan(&self, owners: &BTreeMap<&VolumeId, &InstanceId>, findings: &mut Vec<Finding>) -> Planned {
        let mut devices = self.instance.devices.clone();
        devices.sort();
        // One volume is one subject, on however many devices a listing shows it.
        let mut shown = BTreeSet::new();
        devices.retain(|device| device.volume.as_ref().is_none_or(|volume| shown.insert(volume.clone())));
        let mut decisions = Vec::new();
        if devices.iter().all(|device| device.volume.is_none()) {
            decisions.push(self.without_volume(findings));
        }
        for device in &devices {
            match &device.volume {
                None => {
                    let subject = Subject::Device(self.instance.id.clone(), device.name.clone());
                    decisions.push(self.decision(subject, None, Act::Skip, Reason::NotEbs));
                }
                Some(volume) if owners.get(volume) == Some(&&self.instance.id) => {
                    decisions.push(self.decide(volume, &device.name, findings));
                }
                // It belongs to another instance, whose decision it is.
                Some(_) => {}
            }
        }
        let groups = self.groups(&mut decisions);
        let newest =
            groups.iter().flat_map(|group| &group.volumes).map(|volume| newest(self.history.index, volume)).min();
        Planned { need: (groups.is_empty(), newest.flatten()), instance: self.instance.id.clone(), decisions, groups }
    }

    /// An instance without any EBS volume: one that is starting may get some yet.
    fn without_volume(&self, findings: &mut Vec<Finding>) -> Decision {
        if self.instance.state != InstanceState::Pending {
            findings.push(Finding::new(self.region, &self.instance.id, Problem::NoEbsVolume));
        }
        let subject = Subject::Instance(self.instance.id.clone());
        self.decision(subject, None, Act::Skip, Reason::NoEbsVolume)
    }

    fn decision(&self, subject: Subject, volume: Option<&VolumeId>, act: Act, reason: Reason) -> Decision {
        let name = self.instance.tags.get(key::NAME).filter(|name| !name.is_empty()).map(str::to_owned);
        let about = About { instance: Some(self.instance.id.clone()), name, volume: volume.cloned() };
        Decision { region: self.region.clone(), subject, about, act, reason }
    }

    fn decide(&self, id: &VolumeId, device: &str, findings: &mut Vec<Finding>) -> Decision {
        // What one that is not backed up asks for counts as well, and nobody else says that it cannot be read.
        for (other, policy) in self.others_of(id).into_iter().filter(|(_, one)| one.selection != Selection::Selected) {
            let problems = policy.retention_problems().into_iter();
            findings.extend(problems.map(|problem| Finding::new(self.region, other, problem)));
        }
        let (act, reason) = self.rows(id, device, findings);
        self.decision(Subject::Volume(id.clone()), Some(id), act, reason)
    }

    /// The creator's table, row by row.
    fn rows(&self, id: &VolumeId, device: &str, findings: &mut Vec<Finding>) -> (Act, Reason) {
        let slot = self.slot;
        let mut find = |problem| findings.push(Finding::new(self.region, id, problem));
        let Some(volume) = self.volumes.get(id) else {
            // Where the list itself broke off, that is said once, and not for each volume.
            if self.inventory.regions.get(self.region).is_some_and(|seen| seen.volumes.is_whole()) {
                find(Problem::VolumeUnread);
            }
            return (Act::Wait, Reason::VolumeUnread);
        };
        match tags::backup(&volume.tags) {
            TagValue::Is(false) => return (Act::Skip, Reason::ExcludedByTag),
            TagValue::Unreadable(value) => find(Problem::VolumeBackupUnreadable { value }),
            TagValue::Is(true) | TagValue::Absent => {}
        }
        let made = self.made(id);
        if let Some(problem) = two_of_one_slot(slot, &made) {
            find(problem);
        }
        let has_device = |one: &Managed<'_>| one.raw().tags.has(key::DEVICE_NAME);
        let untagged = made.iter().find(|one| one.region() == self.region && !one.is_copy() && !has_device(one));
        if let Some(one) = untagged {
            let (tags, dropped) = repair_tags(&one.raw().tags, device, volume);
            if !dropped.is_empty() {
                find(Problem::TagsDropped { keys: dropped });
            }
            let act = Act::AddTags { region: one.region().clone(), snapshot: one.target(), tags };
            return (act, Reason::LateTags { slot, snapshot: one.id().clone() });
        }
        if let Some(one) = made.first() {
            let (snapshot, region) = (one.id().clone(), one.region().clone());
            return (Act::Skip, Reason::AlreadyDone { slot, snapshot, region });
        }
        if !self.inventory.snapshots_whole_in(self.region) {
            return (Act::Wait, Reason::SnapshotsUnread);
        }
        let unread = self.unread_destination(id);
        if let Some(destination) = unread {
            find(Problem::DestinationUnread { destination: destination.clone() });
        }
        let failures = self.failures(id);
        if let Some(retry_at) = retry_at(&failures, volume.pending_max()) {
            let failed = failures.len();
            find(Problem::FailingVolume { failed });
            if self.inventory.taken_at < retry_at {
                return (Act::Wait, Reason::FailingVolume { slot, failed, retry_at });
            }
        }
        let (pending, limit) = (self.history.unfinished.get(id).copied().unwrap_or(0), volume.pending_max());
        if pending >= limit {
            if self.slot_age_hours() >= 1 {
                find(Problem::PendingLimit { pending, limit });
            }
            return (Act::Wait, Reason::PendingLimit { pending, limit });
        }
        let (late_tags, dropped) = late_tags(&self.birth_tags(id), device, volume);
        if !dropped.is_empty() {
            find(Problem::TagsDropped { keys: dropped });
        }
        let newest = newest(self.history.index, id);
        let consistency = Consistency::OneVolume;
        let (late_hours, kept_here_for) = (self.late_hours(), unread.cloned());
        (Act::Create { late_tags }, Reason::SlotDue { slot, late_hours, newest, consistency, kept_here_for })
    }

    /// What exists of this slot and did not fail, here first. Copies count wherever they were seen and whatever the mode
    /// is now: under `Move` they are all that is left, and the tag may have been changed since.
    fn made(&self, id: &VolumeId) -> Vec<&Managed<'_>> {
        let of_slot = self.history.of_slot(id, self.slot);
        let mut made: Vec<_> = of_slot.filter(|one| one.raw().state != SnapshotState::Error).collect();
        made.sort_by_key(|one| (one.region() != self.region, one.is_copy(), one.id()));
        made
    }

    /// When the snapshots of this slot were begun that failed, in order.
    fn failures(&self, id: &VolumeId) -> Vec<Timestamp> {
        let failed = |one: &&Managed<'_>| one.raw().state == SnapshotState::Error && !one.is_copy();
        let of_slot = self.history.of_slot(id, self.slot).filter(|one| one.region() == self.region);
        let mut begun: Vec<_> = of_slot.filter(failed).map(|one| one.raw().start_time).collect();
        begun.sort();
        begun
    }

    /// Under `Move` the slot's only trace may lie in a destination: one that cannot be read leaves that open. One snapshot too
    /// many is better than none.
    fn unread_destination(&self, volume: &VolumeId) -> Option<&Region> {
        let others = self.selected_others_of(volume).into_iter().map(|policy| &policy.offsite);
        let all: Vec<_> = others.chain([&self.policy.offsite]).collect();
        if all.iter().any(|offsite| offsite.mode() != OffsiteMode::Move) {
            return None;
        }
        let mut destinations = all.into_iter().flat_map(|offsite| &offsite.destinations);
        destinations.find(|region| !self.inventory.snapshots_whole_in(region))
    }

    fn slot_age_hours(&self) -> i64 {
        self.inventory.taken_at.duration_since(self.slot.time()).as_hours()
    }

    /// How long ago the slot was, where that is long: of an instance that was tagged since, or a slot whose snapshot a person
    /// deleted.
    fn late_hours(&self) -> Option<i64> {
        Some(self.slot_age_hours()).filter(|hours| *hours >= LATE_HOURS)
    }

    /// What this instance asks for, and others that have the volume: the greater of each number.
    fn retention(&self, volume: &VolumeId) -> Retention {
        let others = self.others_of(volume);
        let selected = others.iter().filter(|(_, policy)| policy.selection == Selection::Selected);
        let all = selected.map(|(id, policy)| (id, policy)).chain([(&self.instance.id, self.policy)]);
        // The zone is that of the longest retention, so that the record does not depend on whose slot this is.
        let longest = all.max_by_key(|(id, policy)| (policy.retention.reach_days(), Reverse(*id)));
        let mut retention = longest.map_or(self.policy, |(_, policy)| policy).retention.merged(&self.policy.retention);
        for (_, policy) in others {
            retention = policy.wanted().map_or(retention.clone(), |wanted| retention.merged(&wanted));
        }
        retention
    }

    fn others_of(&self, volume: &VolumeId) -> Vec<&(InstanceId, InstancePolicy)> {
        let all = self.others.get(volume).into_iter().flatten();
        all.filter(|(id, ..)| *id != self.instance.id).collect()
    }

    /// Those of them that are backed up: the tags of others say how long to keep, and nothing else.
    fn selected_others_of(&self, volume: &VolumeId) -> Vec<&InstancePolicy> {
        let others = self.others_of(volume).into_iter().map(|(_, policy)| policy);
        others.filter(|policy| policy.selection == Selection::Selected).collect()
    }

    /// The tags that the snapshot of this volume and slot is born with (S11).
    fn birth_tags(&self, volume: &VolumeId) -> Tags {
        let created = self.inventory.today();
        let retention = self.retention(volume);
        let days = retention.own.days.min(*tags::RETENTION_DAYS_RANGE.end());
        let delete = created.saturating_add(i64::from(days).days());
        let mut tags = Tags::default();
        tags.set(key::TYPE, TYPE_AUTOMATED);
        tags.set(key::CREATED_ON, &created.to_string());
        tags.set(key::DELETE_ON, &delete.to_string());
        tags.set(key::INSTANCE_ID, self.instance.id.as_str());
        tags.set(key::SLOT, &self.slot.to_string());
        tags.set(key::RETENTION, &retention.to_string());
        tags.set(key::CONSISTENCY, tags::OF_VOLUME);
        let name = self.instance.tags.get(key::NAME).filter(|name| !name.is_empty());
        if let Some(name) = name {
            tags.set(key::INSTANCE_NAME, name);
        }
        let name: String = name.unwrap_or(self.instance.id.as_str()).chars().take(200).collect();
        let made = self.late_hours().map(|_| format!(", made {}", Slot::containing(self.inventory.taken_at)));
        tags.set(key::NAME, &format!("{name} {}{}", self.slot, made.unwrap_or_default()));
        self.offsite_tags(volume, &mut tags);
        tags
    }

    /// Of the instance's mode and of those of others the one that keeps the most.
    fn mode(&self, volume: &VolumeId) -> Setting<OffsiteMode> {
        let all = self.selected_others_of(volume).into_iter().map(|policy| &policy.offsite.mode);
        all.fold(self.policy.offsite.mode.clone(), |most, one| if one.value > most.value { one.clone() } else { most })
    }

    /// Where to, and how: all destinations that any of the instances names, and the mode that keeps the most.
    fn offsite_tags(&self, volume: &VolumeId, tags: &mut Tags) {
        let mut destinations = self.policy.tags.get(key::DESTINATION_REGION).unwrap_or_default().to_owned();
        let mode = self.mode(volume);
        for policy in self.selected_others_of(volume) {
            let named = |tags: &Tags| tags::destinations(tags);
            let known = named(&[(key::DESTINATION_REGION, destinations.as_str())].into_iter().collect());
            let more = named(&policy.tags).into_iter().filter(|one| !known.contains(one));
            destinations.extend(more.map(|one| format!(" {one}")));
        }
        let destinations = destinations.trim();
        if !destinations.is_empty() {
            tags.set(key::DESTINATION_REGION, destinations);
        }
        if self.unread_destination(volume).is_some() {
            tags.set(key::OFFSITE_MODE, OffsiteMode::KeepLatest.as_str());
        } else if mode.origin != Origin::Default {
            tags.set(key::OFFSITE_MODE, mode.value.as_str());
        }
    }

    /// Binds the volumes to make together: those that get the same tags at birth. One that another instance has too may
    /// get others, and is made apart.
    fn groups(&self, decisions: &mut [Decision]) -> Vec<CreateGroup> {
        let own: Vec<_> = decisions.iter().filter_map(|one| one.about.volume.clone()).collect();
        let made = decisions.iter().filter(|one| matches!(one.act, Act::Create { .. }));
        let mut by_tags: BTreeMap<Tags, Vec<VolumeId>> = BTreeMap::new();
        for volume in made.filter_map(|one| one.about.volume.clone()) {
            by_tags.entry(self.birth_tags(&volume)).or_default().push(volume);
        }
        by_tags.into_iter().map(|(tags, volumes)| self.group(tags, volumes, &own, decisions)).collect()
    }

    /// A group, with how its volumes hang together written into their reasons. `own`: all that are the instance's.
    fn group(
        &self,
        mut tags: Tags,
        volumes: Vec<VolumeId>,
        own: &[VolumeId],
        decisions: &mut [Decision],
    ) -> CreateGroup {
        let all = || self.instance.devices.iter().filter_map(|device| Some((&device.name, device.volume.as_ref()?)));
        let excluded = || all().filter(|(_, volume)| !volumes.contains(volume));
        let exclude_boot = excluded().any(|(device, _)| *device == self.instance.root_device);
        let mut exclude_data: Vec<_> =
            excluded().filter(|(device, _)| **device != self.instance.root_device).map(|(_, v)| v.clone()).collect();
        exclude_data.sort();
        let consistency = if own.iter().any(|volume| !self.failures(volume).is_empty()) {
            Consistency::FailedBefore
        } else if own.iter().any(|volume| !self.made(volume).is_empty()) {
            Consistency::PartlyMade
        } else if volumes.len() == 1 {
            Consistency::OneVolume
        } else if exclude_data.len() > EXCLUDE_DATA_MAX {
            Consistency::TooManyExcluded
        } else {
            Consistency::Set
        };
        for decision in decisions {
            if let Reason::SlotDue { consistency: how, .. } = &mut decision.reason
                && decision.about.volume.as_ref().is_some_and(|volume| volumes.contains(volume))
            {
                *how = consistency;
            }
        }
        if consistency == Consistency::Set {
            tags.set(key::CONSISTENCY, tags::OF_SET);
        }
        CreateGroup {
            region: self.region.clone(),
            instance: self.instance.id.clone(),
            slot: self.slot,
            tags,
            consistency,
            volumes,
            exclude_boot,
            exclude_data,
        }
    }
}

/// When a volume is tried again whose snapshots of a slot were begun then and failed; none where it may be at once. As long
/// again as has passed between the first failure and the last, an hour at least and a day at most: so the failed ones in
/// between can go, which count against the volume's limit (plan/expire/failed.rs).
fn retry_at(failures: &[Timestamp], limit: usize) -> Option<Timestamp> {
    let (first, last) = (failures.first()?, failures.last()?);
    let (least, most) = (SignedDuration::from_hours(1), SignedDuration::from_hours(24));
    let span = last.duration_since(*first);
    let is_often = failures.len() >= FAILURES_AT_ONCE_MAX.min(limit) || span >= least;
    is_often.then(|| last.saturating_add(span.clamp(least, most)).unwrap_or(Timestamp::MAX))
}

/// More than one snapshot of one volume and slot, a source and its copies counted once (S8 says when that can happen).
fn two_of_one_slot(slot: Slot, made: &[&Managed<'_>]) -> Option<Problem> {
    let mut snapshots: Vec<_> = made.iter().map(|one| one.source().unwrap_or(one.id()).clone()).collect();
    snapshots.sort();
    snapshots.dedup();
    (snapshots.len() > 1).then_some(Problem::TwoOfOneSlot { slot, snapshots })
}

/// The tags of one volume's snapshot alone, and the keys of the volume's that found no place beside `birth`.
fn late_tags(birth: &Tags, device: &str, volume: &Volume) -> (Tags, Vec<String>) {
    let mut tags = Tags::default();
    tags.set(key::DEVICE_NAME, device);
    let mut dropped = Vec::new();
    for (key, value) in volume.tags.iter().filter(|(key, _)| tags::may_be_carried(key)) {
        if birth.len() + tags.len() < TAGS_OF_OURS_MAX {
            tags.set(key, value);
        } else {
            dropped.push(key.to_owned());
        }
    }
    (tags, dropped)
}

/// The late tags that a snapshot with `tags` still lacks. What is there is not overwritten: people edit tags.
fn repair_tags(tags: &Tags, device: &str, volume: &Volume) -> (Tags, Vec<String>) {
    let mut rest = volume.clone();
    for (key, _) in tags.iter() {
        rest.tags.remove(key);
    }
    late_tags(tags, device, &rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_a_day_at_most() {
        let begun = ["2026-11-20T03:00:00Z", "2026-11-22T03:00:00Z"].map(|text| text.parse().unwrap());
        assert_eq!(retry_at(&begun, 5), Some("2026-11-23T03:00:00Z".parse().unwrap()));
        assert_eq!(retry_at(&begun[..1], 5), None);
    }
}
