//! `snapwarden explain`: what becomes of one instance, volume or snapshot, and why.
//!
//! The plans of all three jobs are made as `plan` makes them, and what they say about one id is picked out. Where a job
//! has no decision about it, [`absence`] finds out why.

pub(crate) mod absence;
mod facts;
mod show;

use anyhow::bail;
use serde::Serialize;
use snapwarden_core::check::Violation;
use snapwarden_core::decision::{Decision, Job, Plan, Reason, Subject};
use snapwarden_core::ids::{InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, Inventory, Read, RegionInventory, Snapshot, Volume};
use snapwarden_core::managed::{is_copy, taken, volume_of};
use snapwarden_core::policy::Config;
use snapwarden_core::tags::{self, TagValue, Tags, key};
use snapwarden_exec::run::decide;

use crate::args::{ExplainArgs, Target};
use crate::inventory::{self, Seen, list};
use crate::output;

/// The jobs, in the order of a snapshot's life.
const JOBS: [Job; 3] = [Job::Create, Job::Offsite, Job::Expire];

/// Prints the explanation of an id.
pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<u8> {
    let seen = inventory::look(&JOBS, &args.source, &args.account)?;
    let config = args.config();
    let world = World::of(&seen, &config)?;
    let explanation = match &args.id {
        Target::Instance(id) => instance(&world, id)?,
        Target::Volume(id) => volume(&world, id)?,
        Target::Snapshot(id) => snapshot(&world, id)?,
    };
    if args.json {
        output::print_json(&explanation)?;
    } else {
        output::print(&show::text(&explanation))?;
    }
    Ok(0)
}

/// All that an explanation says.
#[derive(Serialize)]
struct Explanation {
    id: String,
    region: Region,
    /// What it is, in words.
    description: String,
    /// Its tags that Snapwarden reads.
    tags: Tags,
    /// What holds for it.
    policy: Vec<PolicyLine>,
    jobs: Vec<JobView>,
    /// What belongs to it: volumes, snapshots, copies, its source.
    related: Vec<Related>,
}

/// A value and where it came from.
#[derive(Serialize)]
struct PolicyLine {
    name: &'static str,
    value: String,
    origin: String,
}

/// What one job would do.
#[derive(Serialize)]
struct JobView {
    job: Job,
    decisions: Vec<Decision>,
    /// Why there is no decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    none: Option<String>,
    /// What the check dropped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dropped: Vec<Violation>,
}

/// Something that belongs to it.
#[derive(Serialize)]
struct Related {
    region: Region,
    id: String,
    description: String,
    /// Where the jobs have no decision about it: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    none: Option<String>,
}

/// The account and the three plans.
struct World<'a> {
    inventory: &'a Inventory,
    /// Where the jobs act. Other Regions were read for what their decisions need, and nothing is planned there.
    acts_in: &'a [Region],
    /// How more could be seen.
    more: &'static str,
    config: &'a Config,
    plans: Vec<(Plan, Vec<Violation>)>,
}

impl<'a> World<'a> {
    fn of(seen: &'a Seen, config: &'a Config) -> anyhow::Result<Self> {
        let Seen { inventory, regions, more } = seen;
        let plans = JOBS.map(|job| decide(job, inventory, regions, config));
        let plans = plans.into_iter().collect::<Result<_, _>>()?;
        Ok(World { inventory, acts_in: regions, more, config, plans })
    }

    /// What a job does with the subjects that `concerns` picks.
    fn view(&self, job: Job, concerns: impl Fn(&Decision) -> bool, id: &str, none: impl FnOnce() -> String) -> JobView {
        let of_job = self.plans.iter().filter(|(plan, _)| plan.job == job);
        let (mut decisions, mut dropped) = (Vec::new(), Vec::new());
        for (plan, violations) in of_job {
            decisions.extend(plan.decisions.iter().filter(|decision| concerns(decision)).cloned());
            dropped.extend(violations.iter().filter(|violation| names(violation, id)).cloned());
        }
        let none = (decisions.is_empty() && dropped.is_empty()).then(none);
        JobView { job, decisions, none, dropped }
    }

    fn regions(&self) -> impl Iterator<Item = (&'a Region, &'a RegionInventory)> + use<'a> {
        self.inventory.regions.iter()
    }

    fn find_snapshot(&self, id: &SnapshotId) -> Option<(&'a Region, &'a Snapshot)> {
        self.inventory.snapshots().find(|(_, snapshot)| snapshot.id == *id)
    }

    fn find_volume(&self, id: &VolumeId) -> Option<(&'a Region, &'a Volume)> {
        self.regions()
            .find_map(|(region, seen)| Some((region, seen.volumes.items().iter().find(|volume| volume.id == *id)?)))
    }

    /// The instances that a volume hangs on, and as what device.
    fn attachments(&self, id: &VolumeId) -> Vec<(&'a Region, &'a Instance, &'a str)> {
        let mut found = Vec::new();
        for (region, seen) in self.regions() {
            for instance in seen.instances.items() {
                let device = instance.devices.iter().find(|device| device.volume.as_ref() == Some(id));
                found.extend(device.map(|device| (region, instance, device.name.as_str())));
            }
        }
        found
    }

    /// The snapshots and copies that `wanted` picks, oldest first, each before its copies.
    fn snapshots_where(&self, wanted: impl Fn(&Snapshot) -> bool) -> Vec<(&'a Region, &'a Snapshot)> {
        let mut found: Vec<_> = self.inventory.snapshots().filter(|(_, snapshot)| wanted(snapshot)).collect();
        found.sort_by_key(|(region, snapshot)| (taken(snapshot), is_copy(snapshot), *region, &snapshot.id));
        found
    }

    fn copies_of(&self, source: &SnapshotId) -> Vec<(&'a Region, &'a Snapshot)> {
        let is_of = |snapshot: &Snapshot| tags::source_snapshot(&snapshot.tags) == TagValue::Is(source.clone());
        self.inventory.snapshots().filter(|(_, snapshot)| is_of(snapshot)).collect()
    }
}

/// Whether a snapshot or copy holds data of any of `volumes`.
fn is_of(snapshot: &Snapshot, volumes: &[VolumeId]) -> bool {
    volume_of(snapshot).is_some_and(|volume| volumes.contains(&volume))
}

fn names_instance(snapshot: &Snapshot, id: &InstanceId) -> bool {
    snapshot.tags.get(key::INSTANCE_ID) == Some(id.as_str())
}

fn names(violation: &Violation, id: &str) -> bool {
    let subject = match &violation.subject {
        None => return true,
        Some(Subject::Volume(volume)) => volume.as_str(),
        Some(Subject::Instance(instance) | Subject::Device(instance, _)) => instance.as_str(),
        Some(Subject::Copy(snapshot, _) | Subject::Source(snapshot) | Subject::Snapshot(snapshot)) => snapshot.as_str(),
    };
    subject == id || violation.text.contains(id)
}

fn instance(world: &World<'_>, id: &InstanceId) -> anyhow::Result<Explanation> {
    let found = world
        .regions()
        .find_map(|(region, seen)| Some((region, seen.instances.items().iter().find(|instance| instance.id == *id)?)));
    let Some((region, instance)) = found else { return gone_instance(world, id) };
    let volumes: Vec<_> = instance.devices.iter().filter_map(|device| device.volume.clone()).collect();
    let snapshots = world.snapshots_where(|snapshot| names_instance(snapshot, id) || is_of(snapshot, &volumes));
    // A volume may have been another instance's before: the snapshot's own tag decides.
    let concerns = |decision: &Decision| match &decision.about.instance {
        Some(of) => of == id,
        None => decision.about.volume.as_ref().is_some_and(|volume| volumes.contains(volume)),
    };
    let of_snapshots = |job| absence::of_all(world, job, &snapshots, "this instance");
    Ok(Explanation {
        id: id.to_string(),
        region: region.clone(),
        description: facts::instance(instance),
        tags: facts::our_tags(&instance.tags),
        policy: facts::instance_policy(world, region, instance),
        jobs: vec![
            world.view(Job::Create, concerns, id.as_str(), || absence::instance(world, region, instance)),
            world.view(Job::Offsite, concerns, id.as_str(), || of_snapshots(Job::Offsite)),
            world.view(Job::Expire, concerns, id.as_str(), || of_snapshots(Job::Expire)),
        ],
        related: instance.devices.iter().map(|device| facts::related_device(world, region, instance, device)).collect(),
    })
}

/// One that is not there any more, by the snapshots that name it.
fn gone_instance(world: &World<'_>, id: &InstanceId) -> anyhow::Result<Explanation> {
    let snapshots = world.snapshots_where(|snapshot| names_instance(snapshot, id));
    let Some((region, _)) = snapshots.first() else {
        bail!(not_found(world, id.as_str(), "instances and snapshots", |seen| {
            seen.instances.is_whole() && seen.snapshots.is_whole()
        }));
    };
    let seen = world.inventory.regions.get(*region);
    let doubt = doubt("instances", region, seen.map(|seen| &seen.instances));
    let concerns = |decision: &Decision| decision.about.instance.as_ref() == Some(id);
    let of_snapshots = |job| absence::of_all(world, job, &snapshots, "this instance");
    Ok(Explanation {
        id: id.to_string(),
        region: (*region).clone(),
        description: format!("instance that is gone{doubt}; its snapshots name it"),
        tags: Tags::default(),
        policy: Vec::new(),
        jobs: vec![
            world.view(Job::Create, concerns, id.as_str(), || "nothing: the instance is gone".to_owned()),
            world.view(Job::Offsite, concerns, id.as_str(), || of_snapshots(Job::Offsite)),
            world.view(Job::Expire, concerns, id.as_str(), || of_snapshots(Job::Expire)),
        ],
        related: snapshots.iter().map(|(region, snapshot)| facts::related_snapshot(world, region, snapshot)).collect(),
    })
}

fn volume(world: &World<'_>, id: &VolumeId) -> anyhow::Result<Explanation> {
    let (volume, attachments) = (world.find_volume(id), world.attachments(id));
    let snapshots = world.snapshots_where(|snapshot| is_of(snapshot, std::slice::from_ref(id)));
    let region = volume
        .map(|(region, _)| region)
        .or_else(|| attachments.first().map(|(region, ..)| *region))
        .or_else(|| snapshots.first().map(|(region, _)| *region));
    let Some(region) = region else {
        bail!(not_found(world, id.as_str(), "volumes, attachments and snapshots", |seen| {
            seen.volumes.is_whole() && seen.instances.is_whole() && seen.snapshots.is_whole()
        }));
    };
    let concerns = |decision: &Decision| decision.about.volume.as_ref() == Some(id);
    let of_snapshots = |job| absence::of_all(world, job, &snapshots, "this volume");
    Ok(Explanation {
        id: id.to_string(),
        region: region.clone(),
        description: facts::volume(world, region, volume.map(|(_, volume)| volume), &attachments),
        tags: volume.map(|(_, volume)| facts::our_tags(&volume.tags)).unwrap_or_default(),
        policy: facts::volume_policy(world, &attachments),
        jobs: vec![
            world.view(Job::Create, concerns, id.as_str(), || absence::volume(world, region, volume, &attachments)),
            world.view(Job::Offsite, concerns, id.as_str(), || of_snapshots(Job::Offsite)),
            world.view(Job::Expire, concerns, id.as_str(), || of_snapshots(Job::Expire)),
        ],
        related: snapshots.iter().map(|(region, snapshot)| facts::related_snapshot(world, region, snapshot)).collect(),
    })
}

fn snapshot(world: &World<'_>, id: &SnapshotId) -> anyhow::Result<Explanation> {
    let Some((region, snapshot)) = world.find_snapshot(id) else {
        bail!(not_found(world, id.as_str(), "snapshots", |seen| seen.snapshots.is_whole()));
    };
    let source_id = tags::source_snapshot(&snapshot.tags).ok();
    let source = source_id.as_ref().and_then(|source| world.find_snapshot(source));
    let made = |decision: &Decision| {
        matches!(&decision.reason,
            Reason::AlreadyDone { snapshot, .. } | Reason::LateTags { snapshot, .. } if snapshot == id)
    };
    let offsite = |decision: &Decision| match &decision.subject {
        Subject::Source(of) => **of == *id,
        // Of a copy, its source's decision about this Region is what concerns it.
        Subject::Copy(of, to) => **of == *id || (source_id.as_ref() == Some(&**of) && to == region),
        Subject::Volume(_) | Subject::Instance(_) | Subject::Device(..) | Subject::Snapshot(_) => false,
    };
    let expire = |decision: &Decision| matches!(&decision.subject, Subject::Snapshot(of) if **of == *id);
    let mut related: Vec<_> = world.copies_of(id);
    related.extend(source);
    Ok(Explanation {
        id: id.to_string(),
        region: region.clone(),
        description: facts::snapshot(snapshot),
        tags: facts::our_tags(&snapshot.tags),
        policy: facts::snapshot_policy(world, region, snapshot),
        jobs: vec![
            world.view(Job::Create, made, id.as_str(), || absence::CREATE_AND_SNAPSHOTS.to_owned()),
            world.view(Job::Offsite, offsite, id.as_str(), || absence::offsite(world, region, snapshot)),
            world.view(Job::Expire, expire, id.as_str(), || absence::expire(world, region, snapshot)),
        ],
        related: related.iter().map(|(region, snapshot)| facts::related_snapshot(world, region, snapshot)).collect(),
    })
}

/// What was searched, and where it may lie unseen.
fn not_found(world: &World<'_>, id: &str, what: &str, is_whole: impl Fn(&RegionInventory) -> bool) -> String {
    let broken: Vec<_> = world.regions().filter(|(_, seen)| !is_whole(seen)).map(|(region, _)| region).collect();
    let searched = list(world.inventory.regions.keys());
    let gaps = if broken.is_empty() {
        "which were read whole".to_owned()
    } else {
        format!("of which those of {} were not all read, so it may be there", list(broken))
    };
    let more = world.more;
    format!("{id} was not found: searched the {what} of {searched}, {gaps}; check the id, or {more}")
}

/// ` (…)` where a listing is not whole: absence is not proven then.
fn doubt<T>(what: &str, region: &Region, listing: Option<&Read<T>>) -> String {
    if listing.is_some_and(Read::is_whole) {
        String::new()
    } else {
        format!(" (the {what} of {region} were not all read, so this may be wrong)")
    }
}
