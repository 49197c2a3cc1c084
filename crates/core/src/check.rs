//! The safety rules once more, in other words, over a finished plan.
//!
//! A planner that errs must not be believed because it is the planner. This module shares no helper with the planners:
//! it reads the plan and the inventory from the other end (from the target of each act back to what would have to be
//! true). What it finds is dropped from the plan and fails the run; the rest goes on. It is also the oracle of the
//! property tests.

mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::approval::{Approval, Approved};
use crate::decision::{Act, CopyRef, Decision, Job, Plan, Subject};
use crate::ids::{Region, SnapshotId, VolumeId};
use crate::inventory::{Inventory, Read, Snapshot, SnapshotState};
use crate::policy::Config;
use crate::tags::Tags;
use kept::{Against, Kept};

/// A safety rule of docs/safety.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// Every subject has one decision, and a job does only what is its own.
    Form,
    /// Nothing unmanaged is deleted, copied or retagged.
    S1,
    /// What has `KeepForever` is not deleted.
    S2,
    /// Nothing restorable is deleted before it is due.
    S3,
    /// A source goes only when every destination holds its true copy.
    S4,
    /// The source of a copy in the making stays.
    S5,
    /// The last good snapshot of a living volume in a Region stays.
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
    let (seen, copies, latest) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut checker = Checker { plan, inventory, seen, copies, latest, found: Vec::new() };
    for (region, snapshot) in inventory.snapshots() {
        checker.seen.insert((region, &snapshot.id), snapshot);
        checker.note_latest(region, snapshot);
        if let Some(source) = source_of(snapshot) {
            checker.copies.entry(source).or_default().push((region, snapshot));
        }
    }
    checker.form();
    checker.targets();
    checker.retention(config);
    checker.last_good();
    checker.creates();
    checker.copies();
    checker.breaker(config);
    checker.found.sort();
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

/// When a snapshot was begun, and which.
type Begun<'a> = (jiff::Timestamp, &'a SnapshotId);

struct Checker<'a> {
    plan: &'a Plan,
    inventory: &'a Inventory,
    seen: BTreeMap<(&'a Region, &'a SnapshotId), &'a Snapshot>,
    /// Everything that names a source, by what it names.
    copies: BTreeMap<&'a str, Vec<(&'a Region, &'a Snapshot)>>,
    /// The two latest completed snapshots of ours of each volume in its own Region.
    latest: BTreeMap<(&'a Region, &'a VolumeId), [Option<Begun<'a>>; 2]>,
    found: Vec<Violation>,
}

/// A tag's value without the white space around it.
fn value<'t>(tags: &'t Tags, wanted: &str) -> Option<&'t str> {
    tags.get(wanted)
}

fn is_pinned(tags: &Tags) -> bool {
    tags.iter().any(|(key, _)| key.trim().eq_ignore_ascii_case("KeepForever"))
}

fn source_of(snapshot: &Snapshot) -> Option<&str> {
    value(&snapshot.tags, "SourceSnapshotId")
}

/// The volume whose data a snapshot holds, as text; copies that name none share one.
fn volume_of(snapshot: &Snapshot) -> String {
    match source_of(snapshot) {
        None => snapshot.volume_id.to_string(),
        Some(_) => value(&snapshot.tags, "VolumeID")
            .and_then(|text| text.parse::<VolumeId>().ok())
            .map_or_else(String::new, |volume| volume.to_string()),
    }
}

/// The time of the data in a snapshot.
fn data_time(snapshot: &Snapshot) -> jiff::Timestamp {
    let of_source = source_of(snapshot).and_then(|_| value(&snapshot.tags, "SourceStartTime"));
    let own = snapshot.start_time;
    match of_source.and_then(|text| text.parse::<jiff::Timestamp>().ok()) {
        Some(of_source) if of_source <= own => of_source,
        // A copy cannot be older than its source.
        Some(_) | None => own,
    }
}

fn day(tags: &Tags, key: &str) -> Option<jiff::civil::Date> {
    value(tags, key).filter(|text| text.len() == 10).and_then(|text| text.parse().ok())
}

/// Why a restorable snapshot may not go yet, if so.
fn too_early(snapshot: &Snapshot, now: jiff::Timestamp) -> Option<String> {
    let Some(delete_on) = day(&snapshot.tags, "DeleteOn") else {
        return Some("has no readable DeleteOn".to_owned());
    };
    let midnight = match delete_on.to_zoned(TimeZone::UTC) {
        Ok(zoned) => zoned.timestamp(),
        Err(error) => return Some(error.to_string()),
    };
    if now < midnight {
        return Some(format!("DeleteOn {delete_on} lies ahead"));
    }
    let created = day(&snapshot.tags, "CreatedOn").and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    let promised_seconds = created.map_or(0, |created| midnight.as_second() - created.timestamp().as_second());
    let lived = now.duration_since(data_time(snapshot));
    let young = created_is_readable(&snapshot.tags) && lived < jiff::SignedDuration::from_secs(promised_seconds);
    young.then(|| format!("is {lived:#} old and was promised {promised_seconds} s"))
}

fn created_is_readable(tags: &Tags) -> bool {
    day(tags, "CreatedOn").is_some()
}

/// How a copy differs from what its source's copy call makes, if it does.
fn untrue(source: &Snapshot, copy: &Snapshot) -> Option<String> {
    if copy.state != SnapshotState::Completed {
        return Some("it is not completed".to_owned());
    }
    if source_of(copy) != Some(source.id.as_str()) {
        return Some("it is of another source".to_owned());
    }
    if copy.owner != source.owner {
        return Some("it has another owner".to_owned());
    }
    if copy.size_gib != source.size_gib || (source.encrypted && !copy.encrypted) {
        return Some("its size or encryption differs".to_owned());
    }
    let room = source.tags.len() < 46;
    let lacks = |key: &str| room && !["DeleteOn", "OffsiteSnapshotId"].contains(&key) && !key.starts_with("aws:");
    let mut keys = source.tags.iter().map(|(key, _)| key).filter(|key| lacks(key));
    let missing = keys.find(|key| value(&copy.tags, key).is_none() && key.to_lowercase() != "keepforever");
    missing.map(|key| format!("it lacks the tag {}", crate::printable::printable(key, 60)))
}

impl<'a> Checker<'a> {
    fn add(&mut self, rule: Rule, decision: &Decision, text: impl fmt::Display) {
        let (region, subject) = (decision.region.clone(), Some(decision.subject.clone()));
        self.found.push(Violation { rule, region, subject, text: text.to_string() });
    }

    fn get(&self, region: &Region, id: &SnapshotId) -> Option<&'a Snapshot> {
        self.seen.get(&(region, id)).copied()
    }

    fn note_latest(&mut self, region: &'a Region, snapshot: &'a Snapshot) {
        let ours = snapshot.owner == self.inventory.account && value(&snapshot.tags, "Type") == Some("Automated");
        if !ours || snapshot.state != SnapshotState::Completed || source_of(snapshot).is_some() {
            return;
        }
        let two = self.latest.entry((region, &snapshot.volume_id)).or_default();
        let one = Some((snapshot.start_time, &snapshot.id));
        if one > two[0] {
            *two = [one, two[0]];
        } else if one > two[1] {
            two[1] = one;
        }
    }

    fn copies_of(&self, source: &SnapshotId) -> impl Iterator<Item = (&'a Region, &'a Snapshot)> + use<'a> {
        self.copies.get(source.as_str()).cloned().unwrap_or_default().into_iter()
    }

    fn form(&mut self) {
        let plan = self.plan;
        if plan.taken_at != self.inventory.taken_at || plan.account != self.inventory.account {
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
                Act::Delete { .. } | Act::Hold => plan.job == Job::Expire,
                Act::Keep | Act::Skip | Act::Wait => true,
            };
            if !own || !plan.regions.contains(&decision.region) {
                self.add(Rule::Form, decision, "not this job's act, or not this run's Region");
            }
        }
    }

    /// From the target of each act back to what must be true of it: S1 to S5, S7.
    fn targets(&mut self) {
        for decision in &self.plan.decisions {
            let home = &decision.region;
            match (&decision.act, &decision.subject) {
                (Act::Delete { .. }, Subject::Snapshot(id)) => {
                    if let Some(target) = self.managed(decision, home, id) {
                        self.deletion(decision, target);
                        self.expiry(decision, target);
                    }
                }
                (Act::RemoveSource { copies, .. }, Subject::Source(id)) => {
                    if let Some(target) = self.managed(decision, home, id) {
                        self.deletion(decision, target);
                        self.removal(decision, target, copies);
                    }
                }
                (Act::AddTags { region, snapshot, tags }, _) => {
                    if let Some(target) = self.managed(decision, region, snapshot) {
                        self.tag_write(decision, target, tags);
                    }
                }
                (Act::Stamp { .. }, Subject::Source(id)) | (Act::Copy { .. }, Subject::Copy(id, _)) => {
                    self.managed(decision, home, id);
                }
                (Act::Create { .. }, Subject::Volume(_)) => {}
                (Act::Hold | Act::Keep | Act::Skip | Act::Wait, _) => {}
                (
                    Act::Delete { .. }
                    | Act::RemoveSource { .. }
                    | Act::Stamp { .. }
                    | Act::Copy { .. }
                    | Act::Create { .. },
                    _,
                ) => self.add(Rule::Form, decision, "an act that does not fit its subject"),
            }
        }
    }

    /// S1: the target, if it is there and ours.
    fn managed(&mut self, decision: &Decision, region: &Region, id: &SnapshotId) -> Option<&'a Snapshot> {
        let Some(target) = self.get(region, id) else {
            self.add(Rule::S1, decision, format!("{id} was not seen in {region}"));
            return None;
        };
        let aws = |key: &str| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:");
        let ours = target.owner == self.inventory.account
            && value(&target.tags, "Type") == Some("Automated")
            && !target.tags.iter().any(|(key, _)| aws(key));
        if !ours {
            self.add(Rule::S1, decision, format!("{id} is not managed"));
        }
        ours.then_some(target)
    }

    /// What holds of every delete: S2, S5, S7.
    fn deletion(&mut self, decision: &Decision, target: &Snapshot) {
        let id = &target.id;
        if is_pinned(&target.tags) {
            self.add(Rule::S2, decision, format!("{id} carries KeepForever"));
        }
        let listed = self.inventory.regions.get(&decision.region).map(|seen| &seen.snapshots);
        if !matches!(listed, Some(Read::Whole(_))) {
            self.add(Rule::S7, decision, format!("{id}: the snapshots of {} were not all read", decision.region));
        }
        let finished = |s: &Snapshot| matches!(s.state, SnapshotState::Completed | SnapshotState::Error);
        if let Some((region, copy)) = self.copies_of(id).find(|(_, s)| !finished(s)) {
            self.add(Rule::S5, decision, format!("{id}: its copy {copy} in {region} is in the making", copy = copy.id));
        }
        if target.state == SnapshotState::Completed && source_of(target).is_none() {
            for region in self.named_destinations(target) {
                let listed = self.inventory.regions.get(&region).map(|seen| &seen.snapshots);
                if region != decision.region && !matches!(listed, Some(Read::Whole(_))) {
                    self.add(Rule::S5, decision, format!("{id}: whether {region} is copying it was not read"));
                }
            }
        }
    }

    /// The Regions that a snapshot's DestinationRegion names, but those known not to exist.
    fn named_destinations(&self, snapshot: &Snapshot) -> Vec<Region> {
        let text = value(&snapshot.tags, "DestinationRegion").unwrap_or_default().to_lowercase();
        let words =
            text.split(|c: char| c == ',' || c.is_whitespace()).filter_map(|word| word.trim().parse::<Region>().ok());
        let known = |region: &Region| match &self.inventory.enabled {
            Read::Whole(regions) => regions.contains(region),
            Read::Gap { .. } | Read::NotAsked => true,
        };
        words.filter(known).collect()
    }

    /// S3: what the manager deletes has failed or is due.
    fn expiry(&mut self, decision: &Decision, target: &Snapshot) {
        let refused = match target.state {
            SnapshotState::Error => None,
            SnapshotState::Completed => too_early(target, self.inventory.taken_at),
            SnapshotState::Pending
            | SnapshotState::Recoverable
            | SnapshotState::Recovering
            | SnapshotState::Unfamiliar => Some(format!("is {}", target.state.as_str())),
        };
        if let Some(why) = refused {
            self.add(Rule::S3, decision, format!("{} {why}", target.id));
        }
    }

    /// S3 and S7 of what retention wants beyond DeleteOn: tiers, and longer days, by an instance's tags and by the record.
    fn retention(&mut self, config: &Config) {
        let plan = self.plan;
        let mut kept = None;
        let mut shorter: BTreeMap<String, usize> = BTreeMap::new();
        for decision in plan.decisions.iter().filter(|decision| matches!(decision.act, Act::Delete { .. })) {
            let Subject::Snapshot(id) = &decision.subject else { continue };
            let target = self.get(&decision.region, id).filter(|target| target.state == SnapshotState::Completed);
            let Some(target) = target else { continue };
            let kept = kept.get_or_insert_with(|| Kept::of(self.inventory, config));
            match kept.against(&decision.region, target) {
                None => {}
                Some(Against::Wanted(why)) => self.add(Rule::S3, decision, format!("{id}: {why}")),
                Some(Against::Unread(why)) => self.add(Rule::S7, decision, format!("{id}: {why}")),
                Some(Against::Shorter(instance)) => {
                    let named = |approval: &&Approval| approval.what.to_string() == instance;
                    let approval = config.approvals.iter().find(named);
                    let let_go = shorter.entry(instance.clone()).or_default();
                    *let_go += 1;
                    let delete_on = day(&target.tags, "DeleteOn");
                    if !approval.is_some_and(|approval| *let_go <= approval.count && delete_on <= Some(approval.day)) {
                        let text = format!("{id}: {instance} asks for less than was promised, too short a time ago");
                        self.add(Rule::S3, decision, text);
                    }
                }
            }
        }
    }

    /// S4: what the offsiter removes has its true copy in every Region that its tag names, junk included.
    fn removal(&mut self, decision: &Decision, target: &Snapshot, copies: &[CopyRef]) {
        let id = &target.id;
        if source_of(target).is_some() || target.state != SnapshotState::Completed || copies.is_empty() {
            self.add(Rule::S4, decision, format!("{id} is no completed source with copies"));
        }
        if day(&target.tags, "DeleteOn").is_none() {
            self.add(Rule::S4, decision, format!("{id} has no readable DeleteOn: a person may have kept it"));
        }
        let named = value(&target.tags, "DestinationRegion").unwrap_or_default().to_lowercase();
        for word in named.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()) {
            if !copies.iter().any(|copy| copy.region.as_str() == word) {
                let word = crate::printable::printable(word, 60);
                self.add(Rule::S4, decision, format!("{id}: no copy is named for its destination {word}"));
            }
        }
        for copy in copies {
            let why = match self.get(&copy.region, &copy.snapshot) {
                None => Some("it was not seen".to_owned()),
                Some(seen) => untrue(target, seen),
            };
            if let Some(why) = why {
                self.add(Rule::S4, decision, format!("{id}: {copy} is no true copy, {why}"));
            }
        }
        let mode = value(&target.tags, "OffsiteMode").unwrap_or("Move").to_lowercase();
        if !["move", "keeplatest"].contains(&mode.as_str()) {
            self.add(Rule::S4, decision, format!("{id}: its OffsiteMode lets sources stay"));
        }
        if mode == "keeplatest" {
            self.keeps_latest(decision, target);
        }
    }

    /// Tags are added, never overwritten: people edit them. `DeleteOn` alone may change, and only to a later day (S3).
    fn tag_write(&mut self, decision: &Decision, target: &Snapshot, tags: &Tags) {
        for (key, _) in tags.iter().filter(|(key, _)| value(&target.tags, key).is_some()) {
            let later = key == "DeleteOn" && day(&target.tags, key).is_some_and(|now| day(tags, key) > Some(now));
            if !later {
                let key = crate::printable::printable(key, 60);
                self.add(Rule::S3, decision, format!("{}: its tag {key} would be overwritten", target.id));
            }
        }
    }

    /// Under `KeepLatest` the newest of a volume in its own Region stays.
    fn keeps_latest(&mut self, decision: &Decision, target: &Snapshot) {
        let key = (&decision.region, &target.volume_id);
        let latest = self.latest.get(&key).copied().unwrap_or_default();
        let newer = |(start, id): &Begun<'_>| *start >= target.start_time && **id != target.id;
        if !latest.iter().flatten().any(newer) {
            self.add(Rule::S4, decision, format!("{}: KeepLatest, and no newer one of its volume is here", target.id));
        }
    }

    /// S6: after all the manager's deletes, each living volume still has the newest of what it had in each Region.
    fn last_good(&mut self) {
        let deleted: BTreeMap<_, _> = self
            .plan
            .decisions
            .iter()
            .filter(|decision| matches!(decision.act, Act::Delete { .. }))
            .filter_map(|decision| match &decision.subject {
                Subject::Snapshot(id) => Some(((&decision.region, id), decision)),
                Subject::Volume(_) | Subject::Device(..) | Subject::Copy(..) | Subject::Source(_) => None,
            })
            .collect();
        let good = |s: &Snapshot| s.state == SnapshotState::Completed && s.owner == self.inventory.account;
        let ours = |s: &Snapshot| good(s) && value(&s.tags, "Type") == Some("Automated");
        // Of each volume in each Region: the newest, several where they hold the data of one second.
        let mut best: BTreeMap<(&Region, String), (i64, Vec<&Snapshot>)> = BTreeMap::new();
        for (region, snapshot) in self.inventory.snapshots().filter(|(_, s)| ours(s)) {
            let second = data_time(snapshot).as_second();
            let entry = best.entry((region, volume_of(snapshot))).or_insert((second, Vec::new()));
            if second > entry.0 {
                *entry = (second, Vec::new());
            }
            if second == entry.0 {
                entry.1.push(snapshot);
            }
        }
        let mut lost = Vec::new();
        for ((region, _), (_, newest)) in &best {
            let goes = |s: &&Snapshot| deleted.get(&(*region, &s.id)).copied();
            let stays = newest.iter().any(|s| goes(s).is_none());
            if !stays && !newest.iter().any(|s| self.is_over(region, s)) {
                lost.extend(newest.iter().filter_map(|s| Some((goes(s)?, &s.id))));
            }
        }
        for (decision, id) in lost {
            self.add(Rule::S6, decision, format!("{id} is the last good one of a volume that lives or may live"));
        }
    }

    /// Whether the volume behind a snapshot is known to be gone or left out.
    fn is_over(&self, region: &Region, snapshot: &Snapshot) -> bool {
        let volume = volume_of(snapshot);
        if volume.is_empty() {
            return false;
        }
        let mut volumes = self.inventory.regions.values().flat_map(|seen| seen.volumes.items());
        if let Some(found) = volumes.find(|candidate| candidate.id.as_str() == volume) {
            return value(&found.tags, "Backup").is_some_and(|text| text.to_lowercase() == "no");
        }
        let mut instances = self.inventory.regions.values().flat_map(|seen| seen.instances.items());
        let holds = |device: &crate::inventory::Device| device.volume.as_ref().is_some_and(|id| id.as_str() == volume);
        if instances.any(|instance| instance.devices.iter().any(holds)) {
            return false;
        }
        let read =
            |home: &Region| matches!(self.inventory.regions.get(home).map(|seen| &seen.volumes), Some(Read::Whole(_)));
        match (source_of(snapshot), value(&snapshot.tags, "SourceRegion").and_then(|text| text.parse().ok())) {
            (None, _) => read(region),
            (Some(_), Some(home)) => read(&home),
            (Some(_), None) => match &self.inventory.enabled {
                Read::Whole(enabled) => enabled.iter().all(read),
                Read::Gap { .. } | Read::NotAsked => false,
            },
        }
    }

    /// S8 and S11 of what is created.
    fn creates(&mut self) {
        let mut made = BTreeSet::new();
        for (_, snapshot) in self.inventory.snapshots() {
            let aws = |key: &str| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:");
            let ours = snapshot.owner == self.inventory.account
                && value(&snapshot.tags, "Type") == Some("Automated")
                && !snapshot.tags.iter().any(|(key, _)| aws(key));
            if let (true, Some(slot)) =
                (ours && snapshot.state != SnapshotState::Error, value(&snapshot.tags, "snapwarden:slot"))
            {
                made.insert((volume_of(snapshot), slot.to_owned()));
            }
        }
        let planned: BTreeMap<_, _> = self
            .plan
            .decisions
            .iter()
            .filter(|decision| matches!(decision.act, Act::Create { .. }))
            .filter_map(|decision| decision.about.volume.as_ref().map(|volume| (volume, decision)))
            .collect();
        let mut grouped = BTreeSet::new();
        for group in &self.plan.groups {
            let slot = group.slot.to_string();
            for volume in &group.volumes {
                let Some(decision) = planned.get(volume) else { continue };
                let exists = made.contains(&(volume.to_string(), slot.clone()));
                let is_second = !grouped.insert(volume);
                if exists || is_second || group.exclude_data.contains(volume) {
                    self.add(Rule::S8, decision, format!("{volume} has or gets another snapshot of slot {slot}"));
                }
                let listed = self.inventory.regions.get(&group.region).map(|seen| &seen.snapshots);
                if !matches!(listed, Some(Read::Whole(_))) {
                    self.add(Rule::S8, decision, format!("{volume}: whether slot {slot} is done was not read"));
                }
                for key in ["CreatedOn", "DeleteOn", "InstanceID", "snapwarden:slot"] {
                    if value(&group.tags, key).is_none_or(str::is_empty) {
                        self.add(Rule::S11, decision, format!("{volume}: born without {key}"));
                    }
                }
                if value(&group.tags, "Type") != Some("Automated") || is_pinned(&group.tags) {
                    self.add(Rule::S11, decision, format!("{volume}: born without our Type, or pinned"));
                }
            }
        }
        for (volume, decision) in planned {
            if !grouped.contains(volume) {
                self.add(Rule::Form, decision, format!("{volume} is to be made and belongs to no group"));
            }
        }
    }

    /// S8 and S11 of what is copied.
    fn copies(&mut self) {
        let mut planned = BTreeSet::new();
        for decision in &self.plan.decisions {
            let (Act::Copy { tags, .. }, Subject::Copy(source, destination)) = (&decision.act, &decision.subject)
            else {
                continue;
            };
            let listed = self.inventory.regions.get(destination).map(|seen| &seen.snapshots);
            let whole = matches!(listed, Some(Read::Whole(_)));
            let exists =
                self.copies_of(source).any(|(region, s)| region == destination && s.state != SnapshotState::Error);
            if exists || !whole || !planned.insert((source, destination)) {
                self.add(Rule::S8, decision, format!("{source} has, gets or may have another copy in {destination}"));
            }
            let seen = self.get(&decision.region, source);
            if seen.is_some_and(|s| s.state != SnapshotState::Completed || source_of(s).is_some()) {
                self.add(Rule::S1, decision, format!("{source} is not completed, or a copy itself"));
            }
            let named = value(tags, "SourceSnapshotId") == Some(source.as_str())
                && value(tags, "SourceRegion") == Some(decision.region.as_str())
                && ["SourceStartTime", "VolumeID"].iter().all(|key| value(tags, key).is_some());
            if !named || value(tags, "Type") != Some("Automated") || tags.len() > 50 {
                self.add(Rule::S11, decision, format!("{source}: its copy would be born without its identity"));
            }
        }
    }

    /// S9: counted again.
    fn breaker(&mut self, config: &Config) {
        for region in &self.plan.regions {
            let ours = |s: &&Snapshot| s.owner == self.inventory.account && value(&s.tags, "Type") == Some("Automated");
            let aws = |s: &&Snapshot| {
                s.tags.iter().any(|(key, _)| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:"))
            };
            let managed = self.inventory.snapshots_in(region).iter().filter(ours).filter(|s| !aws(s)).count();
            let restorable: Vec<_> = self
                .plan
                .decisions
                .iter()
                .filter(|d| d.region == *region && matches!(d.act, Act::Delete { .. }))
                .filter_map(|d| match &d.subject {
                    Subject::Snapshot(id) => Some((d, self.get(region, id)?)),
                    Subject::Volume(_) | Subject::Device(..) | Subject::Copy(..) | Subject::Source(_) => None,
                })
                .filter(|(_, s)| s.state == SnapshotState::Completed)
                .collect();
            let held = self.plan.decisions.iter().filter(|d| d.region == *region && d.act == Act::Hold).count();
            let expired = restorable.len() + held;
            if expired <= 25 || expired * 2 <= managed {
                continue;
            }
            let named = |approval: &&Approval| approval.what == Approved::Region(region.clone());
            let approval = config.approvals.iter().find(named);
            for (i, (decision, snapshot)) in restorable.iter().enumerate() {
                let covered = |a: &Approval| i < a.count && day(&snapshot.tags, "DeleteOn").is_some_and(|d| d <= a.day);
                if !approval.is_some_and(covered) {
                    let text = format!("{}: one of {expired} deletes among {managed}, not approved", snapshot.id);
                    self.add(Rule::S9, decision, text);
                }
            }
        }
    }
}
