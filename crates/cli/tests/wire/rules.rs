//! The rules of docs/safety.md for somebody outside, who knows what there was before a run and what there is after it.
//!
//! Whether the run came to its end, and what it meant to do, is of no interest here. Nothing is shared with the
//! planners, nor with the checker, but the records themselves. S7 and S10 cannot be seen from here: they speak of what a
//! run was shown; S9 needs a person.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::{Inventory, Snapshot, SnapshotState};
use snapwarden_core::tags::Tags;

type Place<'a> = (&'a Region, &'a SnapshotId);
type Rule = fn(&Step<'_>) -> Vec<String>;

const RULES: [(&str, Rule); 8] = [
    ("S1", leaves_alone_what_is_not_ours),
    ("S2", keeps_what_is_pinned),
    ("S3", keeps_what_was_promised),
    ("S4", removes_only_what_is_proven),
    ("S5", keeps_what_is_being_copied),
    ("S6", keeps_the_newest),
    ("S8", makes_nothing_twice),
    ("S11", owns_from_birth),
];

/// What `job` did: all that it leaves behind of the world before.
pub(crate) struct Step<'a> {
    job: Job,
    before: &'a Inventory,
    after: &'a Inventory,
    was: BTreeMap<Place<'a>, &'a Snapshot>,
    is: BTreeMap<Place<'a>, &'a Snapshot>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(job: Job, before: &'a Inventory, after: &'a Inventory) -> Self {
        Self { job, before, after, was: by_place(before), is: by_place(after) }
    }

    pub(crate) fn gone(&self) -> impl Iterator<Item = (&'a Region, &'a Snapshot)> {
        let gone = self.was.iter().filter(|(place, _)| !self.is.contains_key(*place));
        gone.map(|((region, _), snapshot)| (*region, *snapshot))
    }

    pub(crate) fn made(&self) -> impl Iterator<Item = (&'a Region, &'a Snapshot)> {
        let made = self.is.iter().filter(|(place, _)| !self.was.contains_key(*place));
        made.map(|((region, _), snapshot)| (*region, *snapshot))
    }

    /// Those whose tags are not what they were, as they were and as they are.
    pub(crate) fn retagged(&self) -> impl Iterator<Item = (&'a Snapshot, &'a Snapshot)> {
        let both = self.was.iter().filter_map(|(place, was)| Some((*was, *self.is.get(place)?)));
        both.filter(|(was, is)| was.tags != is.tags)
    }

    fn is_ours(&self, snapshot: &Snapshot) -> bool {
        let of_aws = |(key, _): (&str, &str)| key.starts_with("aws:dlm:") || key.starts_with("aws:backup:");
        let is_automated = snapshot.tags.get("Type") == Some("Automated");
        snapshot.owner == self.before.account && is_automated && !snapshot.tags.iter().any(of_aws)
    }

    /// Ours, and it can be restored from.
    fn is_good(&self, snapshot: &Snapshot) -> bool {
        self.is_ours(snapshot) && snapshot.state == SnapshotState::Completed
    }
}

fn by_place(world: &Inventory) -> BTreeMap<Place<'_>, &Snapshot> {
    world.snapshots().map(|(region, snapshot)| ((region, &snapshot.id), snapshot)).collect()
}

/// Every rule that is broken, by its name, with the snapshot.
pub(crate) fn broken(step: &Step<'_>) -> Vec<String> {
    let each = RULES.iter().flat_map(|(name, rule)| rule(step).into_iter().map(move |what| format!("{name}: {what}")));
    each.collect()
}

fn leaves_alone_what_is_not_ours(step: &Step<'_>) -> Vec<String> {
    let gone = step.gone().filter(|(_, snapshot)| !step.is_ours(snapshot));
    let retagged = step.retagged().filter(|(was, _)| !step.is_ours(was));
    let sources = |copy: &Snapshot| {
        let named = copy.tags.get("SourceSnapshotId");
        named.is_some_and(|id| step.was.values().any(|was| was.id.as_str() == id && step.is_ours(was)))
    };
    let made = step.made().filter(|(_, snapshot)| is_copy(snapshot) && !sources(snapshot));
    let mut found: Vec<_> = gone.map(|(_, snapshot)| format!("{} is gone and was not ours", snapshot.id)).collect();
    found.extend(retagged.map(|(was, _)| format!("{} has other tags and is not ours", was.id)));
    found.extend(made.map(|(_, snapshot)| format!("{} is a copy of what was not ours", snapshot.id)));
    for (region, seen) in &step.before.regions {
        let now = step.after.regions.get(region);
        if !now.is_some_and(|now| now.instances == seen.instances && now.volumes == seen.volumes) {
            found.push(format!("{region} has other instances or volumes"));
        }
    }
    found
}

fn keeps_what_is_pinned(step: &Step<'_>) -> Vec<String> {
    let gone = step.gone().filter(|(_, snapshot)| is_pinned(&snapshot.tags));
    let let_go = step.retagged().filter(|(was, is)| is_pinned(&was.tags) && !is_pinned(&is.tags));
    let gone = gone.map(|(_, snapshot)| format!("{} is gone and was pinned", snapshot.id));
    gone.chain(let_go.map(|(was, _)| format!("{} is pinned no more", was.id))).collect()
}

/// Until its day, and the tags that say so, or that a person wrote.
fn keeps_what_was_promised(step: &Step<'_>) -> Vec<String> {
    let may_go = |snapshot: &Snapshot| match (step.job, snapshot.state) {
        (Job::Create, _) => false,
        // S4 has its own conditions for these.
        (Job::Offsite, _) | (Job::Expire, SnapshotState::Error) => true,
        (Job::Expire, SnapshotState::Completed) => is_due(snapshot, step.after.taken_at),
        (Job::Expire, SnapshotState::Pending | SnapshotState::Recoverable) => false,
        (Job::Expire, SnapshotState::Recovering | SnapshotState::Unfamiliar) => false,
    };
    let early = step.gone().filter(|(_, snapshot)| !may_go(snapshot));
    let mut found: Vec<_> = early.map(|(_, snapshot)| format!("{} is gone before its day", snapshot.id)).collect();
    for (was, is) in step.retagged() {
        let stays = |(key, value): &(&str, &str)| match *key {
            "OffsiteSnapshotId" => is.tags.has(key),
            "DeleteOn" => date(&is.tags, key) >= date(&was.tags, key),
            _ => is.tags.get(key) == Some(value.trim()),
        };
        let lost = was.tags.iter().filter(|tag| !stays(tag));
        found.extend(lost.map(|(key, _)| format!("{} has lost its {key}", was.id)));
    }
    found
}

fn removes_only_what_is_proven(step: &Step<'_>) -> Vec<String> {
    if step.job != Job::Offsite {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (region, source) in step.gone() {
        let mode = source.tags.get("OffsiteMode").unwrap_or("Move").to_lowercase();
        let newer = |(place, other): (&Place<'_>, &&Snapshot)| {
            place.0 == region && step.is_good(other) && volume(other) == volume(source) && time(other) >= time(source)
        };
        if is_copy(source) || !step.is_good(source) {
            found.push(format!("{} is removed and is no good source", source.id));
        }
        if !["move", "keeplatest"].contains(&&*mode) || date(&source.tags, "DeleteOn").is_none() {
            found.push(format!("{} is removed, and its tags let it stay", source.id));
        }
        if mode == "keeplatest" && !step.is.iter().any(newer) {
            found.push(format!("{} is removed, and is its volume's newest", source.id));
        }
        let destinations: Vec<_> = destinations(source).collect();
        let unproven = destinations.iter().filter(|to| !is_proven(step, region, source, to));
        found.extend(unproven.map(|to| format!("{} is removed, and {to} holds no true copy of it", source.id)));
        if destinations.is_empty() {
            found.push(format!("{} is removed, and was to be copied nowhere", source.id));
        }
    }
    found
}

fn is_proven(step: &Step<'_>, region: &Region, source: &Snapshot, to: &str) -> bool {
    let is_true = |copy: &Snapshot| {
        let carried = |key: &str| key == "OffsiteSnapshotId" || key.starts_with("aws:") || copy.tags.has(key);
        step.is_good(copy)
            && copy.tags.get("SourceSnapshotId") == Some(source.id.as_str())
            && copy.tags.get("SourceRegion") == Some(region.as_str())
            && volume(copy) == volume(source)
            && time(copy) == time(source)
            && (copy.size_gib, copy.encrypted) == (source.size_gib, source.encrypted)
            && date(&copy.tags, "DeleteOn") >= date(&source.tags, "DeleteOn")
            && source.tags.iter().all(|(key, _)| carried(key))
    };
    step.is.iter().any(|((region, _), copy)| region.as_str() == to && is_true(copy))
}

fn keeps_what_is_being_copied(step: &Step<'_>) -> Vec<String> {
    let is_cut = |source: &Snapshot| {
        let copies = step.is.iter().filter(|(_, copy)| copy.tags.get("SourceSnapshotId") == Some(source.id.as_str()));
        let mut unfinished = copies.filter(|(_, copy)| copy.state != SnapshotState::Completed);
        // EC2 fails a copy whose source goes away: one that had failed before is another matter.
        unfinished.any(|(place, _)| step.was.get(place).is_none_or(|was| was.state != SnapshotState::Error))
    };
    let cut = step.gone().filter(|(_, snapshot)| !is_copy(snapshot) && is_cut(snapshot));
    cut.map(|(_, snapshot)| format!("{} is gone while it was being copied", snapshot.id)).collect()
}

/// Of each living volume, in its Region and where its copies come. What the offsiter moves must be somewhere else.
fn keeps_the_newest(step: &Step<'_>) -> Vec<String> {
    let mut newest: BTreeMap<_, Timestamp> = BTreeMap::new();
    for ((region, _), snapshot) in step.was.iter().filter(|(_, snapshot)| step.is_good(snapshot)) {
        let best = newest.entry((*region, volume(snapshot))).or_insert(time(snapshot));
        *best = time(snapshot).max(*best);
    }
    let stays = |home: &Region, of: &str, newest: Timestamp| {
        let mut here = step.is.iter().filter(|((region, _), _)| step.job == Job::Offsite || *region == home);
        here.any(|(_, snapshot)| step.is_good(snapshot) && volume(snapshot) == of && time(snapshot) >= newest)
    };
    let is_asked = |region: &Region, of: &str| lives(step.before, of) && takes_new_ones(step, region, of);
    let lost = newest.iter().filter(|((region, of), newest)| is_asked(region, of) && !stays(region, of, **newest));
    lost.map(|((region, of), _)| format!("the newest of {of} in {region} is gone")).collect()
}

/// Whether a volume is there, or one of its snapshots names that Region which is not eight days older than its newest.
fn takes_new_ones(step: &Step<'_>, region: &Region, of: &str) -> bool {
    let is_home = step.before.regions.get(region).is_some_and(|seen| {
        let mut volumes = seen.volumes.items().iter();
        volumes.any(|volume| volume.id.as_str() == of)
    });
    let all = || step.was.values().filter(|snapshot| step.is_good(snapshot) && volume(snapshot) == of);
    let newest = all().map(|snapshot| time(snapshot)).max();
    let names = |snapshot: &Snapshot| {
        let words = snapshot.tags.get("DestinationRegion").unwrap_or_default();
        words.split([' ', ',']).any(|word| word == region.as_str())
    };
    let is_late =
        |snapshot: &Snapshot| newest.is_some_and(|newest| newest.duration_since(time(snapshot)).as_hours() < 192);
    of.is_empty() || is_home || all().any(|snapshot| names(snapshot) && is_late(snapshot))
}

/// Whether a volume counts: one that no copy names does.
fn lives(world: &Inventory, volume: &str) -> bool {
    let mut volumes = world.regions.values().flat_map(|seen| seen.volumes.items());
    let found = volumes.find(|candidate| candidate.id.as_str() == volume);
    let is_out = |tags: &Tags| tags.get("Backup").is_some_and(|value| value.eq_ignore_ascii_case("no"));
    volume.is_empty() || found.is_some_and(|found| !is_out(&found.tags))
}

fn makes_nothing_twice(step: &Step<'_>) -> Vec<String> {
    let mut living: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for ((region, id), snapshot) in &step.is {
        if snapshot.state == SnapshotState::Error || !step.is_ours(snapshot) {
            continue;
        }
        let of = match snapshot.tags.get("SourceSnapshotId") {
            Some(source) => format!("copy of {source}"),
            None => match snapshot.tags.get("snapwarden:slot") {
                Some(slot) => format!("{} of {slot}", snapshot.volume_id),
                None => continue,
            },
        };
        living.entry((*region, of)).or_default().push(id.as_str());
    }
    let twice = living.iter().filter(|(_, ids)| ids.len() > 1);
    twice.map(|((region, of), ids)| format!("{} in {region} are each the {of}", ids.join(" and "))).collect()
}

fn owns_from_birth(step: &Step<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (_, made) in step.made() {
        let source = step.was.values().find(|was| made.tags.get("SourceSnapshotId") == Some(was.id.as_str()));
        let mut keys = BTreeSet::from(["Type", "InstanceID", "CreatedOn", "snapwarden:slot"]);
        match source {
            None => keys.extend(["DeleteOn"]),
            Some(source) => {
                keys.extend(["SourceRegion", "SourceStartTime", "VolumeID"]);
                let own = source.tags.iter().map(|(key, _)| key);
                keys.extend(own.filter(|key| *key != "OffsiteSnapshotId" && !key.starts_with("aws:")));
            }
        }
        let lacking = keys.iter().filter(|key| !made.tags.has(key));
        found.extend(lacking.map(|key| format!("{} was made without {key}", made.id)));
    }
    found
}

fn is_copy(snapshot: &Snapshot) -> bool {
    snapshot.tags.has("SourceSnapshotId")
}

fn is_pinned(tags: &Tags) -> bool {
    tags.iter().any(|(key, _)| key.trim().eq_ignore_ascii_case("KeepForever"))
}

fn destinations(source: &Snapshot) -> impl Iterator<Item = &str> {
    let named = source.tags.get("DestinationRegion").unwrap_or_default();
    named.split([' ', ',']).filter(|word| !word.is_empty())
}

/// The volume whose data it holds; nothing for a copy that does not say.
fn volume(snapshot: &Snapshot) -> &str {
    if is_copy(snapshot) { snapshot.tags.get("VolumeID").unwrap_or_default() } else { snapshot.volume_id.as_str() }
}

/// The time of the data that it holds.
fn time(snapshot: &Snapshot) -> Timestamp {
    let named = snapshot.tags.get("SourceStartTime").filter(|_| is_copy(snapshot));
    named.and_then(|text| text.parse().ok()).unwrap_or(snapshot.start_time)
}

fn date(tags: &Tags, key: &str) -> Option<Date> {
    tags.get(key).and_then(|text| text.parse().ok())
}

/// Its day has come, and it is as many full days old as it was promised.
fn is_due(snapshot: &Snapshot, now: Timestamp) -> bool {
    let Some(delete_on) = date(&snapshot.tags, "DeleteOn") else { return false };
    let promised = date(&snapshot.tags, "CreatedOn").map_or(0, |created| i64::from((delete_on - created).get_days()));
    delete_on <= now.to_zoned(TimeZone::UTC).date() && now.duration_since(time(snapshot)).as_hours() >= 24 * promised
}
