//! What was there before a life began: snapshots of the predecessor, and months of our own.

use jiff::{SignedDuration, Timestamp, ToSpan};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::{Instance, Snapshot, SnapshotState, StorageTier, Volume};
use snapwarden_core::tags::{Tags, key};

use super::draw::Draw;
use super::facts::day;
use super::policy::{Asked, Policy};
use crate::call::ApiError;
use crate::keys;
use crate::snapshots::VOLUME_OF_COPIES;
use crate::world::World;

/// Instances that have a long history, and snapshots of each of their volumes, at most: lives are many rather than large.
const INSTANCES_MAX: usize = 3;
const SNAPSHOTS_MAX: i64 = 16;

/// What the predecessor left: without slot and CreatedOn, some of it overdue, some of it of volumes that are gone.
pub(super) fn predecessor(world: &mut World, draw: &mut Draw) -> Result<(), ApiError> {
    let (account, now) = (world.account().clone(), world.now());
    for region in world.regions().cloned().collect::<Vec<_>>() {
        let volumes: Vec<_> = world.volumes(&region).map(|record| record.volume.clone()).collect();
        for (n, volume) in volumes.into_iter().enumerate() {
            for days in 1..=draw.between(0, 3) {
                let start_time = now.saturating_sub(SignedDuration::from_hours(24 * days * 3)).unwrap_or(now);
                let delete_on = keys::later(start_time, 86_400 * draw.between(1, 14)).strftime("%Y-%m-%d").to_string();
                let number = keys::hash(draw.between(0, i64::MAX - 1).unsigned_abs(), &["of the predecessor"]);
                let mut tags: Tags =
                    [(key::TYPE, "Automated"), ("InstanceID", "i-0123456789abcdef0")].into_iter().collect();
                if draw.chance(900) {
                    tags.set(key::DELETE_ON, &delete_on);
                }
                if draw.chance(100) {
                    tags.set("keepforever", "");
                }
                let gone = n == 0 && draw.chance(300);
                let snapshot = Snapshot {
                    id: keys::id::<SnapshotId>("snap", number),
                    volume_id: if gone { keys::known("vol-0dead0dead0dead00") } else { volume.id.clone() },
                    owner: account.clone(),
                    state: SnapshotState::Completed,
                    state_message: None,
                    start_time,
                    size_gib: volume.size_gib,
                    encrypted: volume.encrypted,
                    tier: StorageTier::Standard,
                    tags,
                };
                world.put_snapshot(&region, snapshot, None, "Created by the predecessor")?;
            }
        }
    }
    Ok(())
}

/// Months of snapshots of some instances, as their tags have asked for all the time, or for something else before; with
/// copies where there are destinations. Some are of the predecessor, without records.
pub(super) fn months(world: &mut World, draw: &mut Draw) -> Result<(), ApiError> {
    let all = world.regions().flat_map(|region| world.instances(region).map(move |record| (region, record)));
    let all: Vec<_> = all.map(|(region, record)| (region.clone(), record.instance.clone())).collect();
    for (region, instance) in all.into_iter().take(INSTANCES_MAX) {
        let volumes: Vec<_> = instance.devices.iter().filter_map(|device| device.volume.clone()).collect();
        for volume in volumes {
            let Some(volume) = world.volume(&region, &volume).map(|record| record.volume.clone()) else { continue };
            Past { region: &region, instance: &instance, volume: &volume }.put(world, draw)?;
        }
    }
    Ok(())
}

/// A volume whose past is made up.
struct Past<'a> {
    region: &'a Region,
    instance: &'a Instance,
    volume: &'a Volume,
}

impl Past<'_> {
    fn put(&self, world: &mut World, draw: &mut Draw) -> Result<(), ApiError> {
        let regions: Vec<Region> = world.regions().cloned().collect();
        let asked = Asked::of(&self.instance.tags, self.region, regions.iter());
        let before = Asked::of(&self.before(draw), self.region, regions.iter());
        let has_records = !draw.chance(200);
        let apart_days = *draw.pick(&[1, 3, 7, 7, 10, 25]);
        let changed_days = draw.between(0, apart_days * SNAPSHOTS_MAX);
        let mode = self.instance.tags.get(key::OFFSITE_MODE).unwrap_or("Move").to_ascii_lowercase();
        for n in 1..=draw.between(3, SNAPSHOTS_MAX) {
            let age_s = n * apart_days * 86_400 + draw.between(0, 7_200);
            let made = world.now().saturating_sub(SignedDuration::from_secs(age_s)).unwrap_or(Timestamp::MIN);
            let policy = if n * apart_days > changed_days { &before.policy } else { &asked.policy };
            let policy = policy.as_ref().filter(|_| has_records);
            let source = self.snapshot(world, draw, made, self.tags(policy, made));
            let is_moved = mode == "move" && !asked.destinations.is_empty() && has_records;
            if !is_moved {
                world.put_snapshot(self.region, source.clone(), None, "made before this life")?;
            }
            for destination in asked.destinations.iter().filter(|_| has_records) {
                let copy = self.copy(world, draw, &source, policy);
                let of = Some((self.region.clone(), source.id.clone()));
                world.put_snapshot(destination, copy, of, "copied before this life")?;
            }
        }
        Ok(())
    }

    /// What the instance's tags were, before they were changed.
    fn before(&self, draw: &mut Draw) -> Tags {
        let mut tags = self.instance.tags.clone();
        let more = [(key::RETENTION_DAYS, "30"), (key::RETENTION_MONTHS, "12"), (key::RETENTION_WEEKS, "8")];
        let (key, value) = *draw.pick(&more);
        if draw.chance(500) {
            tags.set(key, value);
        }
        tags
    }

    fn snapshot(&self, world: &World, draw: &mut Draw, start_time: Timestamp, tags: Tags) -> Snapshot {
        let number = keys::hash(draw.between(0, i64::MAX - 1).unsigned_abs(), &["of the past"]);
        Snapshot {
            id: keys::id::<SnapshotId>("snap", number),
            volume_id: self.volume.id.clone(),
            owner: world.account().clone(),
            state: SnapshotState::Completed,
            state_message: None,
            start_time,
            size_gib: self.volume.size_gib,
            encrypted: self.volume.encrypted,
            tier: StorageTier::Standard,
            tags,
        }
    }

    fn tags(&self, policy: Option<&Policy>, made: Timestamp) -> Tags {
        let mut tags: Tags =
            [(key::TYPE, "Automated"), (key::INSTANCE_ID, self.instance.id.as_str())].into_iter().collect();
        for key in [key::DESTINATION_REGION, key::OFFSITE_MODE] {
            if let Some(value) = self.instance.tags.get(key).filter(|value| !value.is_empty()) {
                tags.set(key, value);
            }
        }
        let days = policy.map_or(7, |policy| policy.of_kind(false)[0]);
        tags.set(key::DELETE_ON, &delete_on(made, days));
        let Some(policy) = policy else { return tags };
        tags.set(key::CREATED_ON, &day(made).to_string());
        tags.set(key::SLOT, &made.strftime("%Y-%m-%dT%H:%MZ").to_string());
        tags.set(key::RETENTION, &policy.text());
        tags.set(key::DEVICE_NAME, "/dev/xvda");
        tags
    }

    fn copy(&self, world: &World, draw: &mut Draw, source: &Snapshot, policy: Option<&Policy>) -> Snapshot {
        let mut tags = source.tags.clone();
        tags.set(key::SOURCE_SNAPSHOT_ID, source.id.as_str());
        tags.set(key::SOURCE_REGION, self.region.as_str());
        tags.set(key::SOURCE_START_TIME, &source.start_time.to_string());
        tags.set(key::VOLUME_ID, source.volume_id.as_str());
        if let Some(policy) = policy {
            tags.set(key::DELETE_ON, &delete_on(source.start_time, policy.of_kind(true)[0]));
        }
        let begun = keys::later(source.start_time, 3_600);
        Snapshot { volume_id: keys::known(VOLUME_OF_COPIES), ..self.snapshot(world, draw, begun, tags) }
    }
}

fn delete_on(made: Timestamp, days: u32) -> String {
    day(made).saturating_add(i64::from(days).days()).to_string()
}
