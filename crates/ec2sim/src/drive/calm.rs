//! Liveness: once the faults have stopped, everything comes right within a stated number of ticks.
//!
//! Every due slot has its completed snapshots, every source that is not due its verified copy, everything that is due and
//! unguarded is gone, and the next plans are empty. What a person must mend is said as a finding; a thing that is
//! missing and not even said is what these tests are about.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan};
use snapwarden_core::decision::{Finding, Job};
use snapwarden_core::ids::{Region, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, SnapshotState, StorageTier};
use snapwarden_core::report::Outcome;
use snapwarden_core::schedule::Schedule;
use snapwarden_core::tags::Tags;

use super::life::{How, Life};
use super::rules::{Broken, data_time, delete_on, is_due, is_left_out, is_managed, is_pinned, volume_of};
use super::tiers;
use crate::keys;
use crate::state::SnapshotRecord;
use crate::world::World;

/// Days of calm within which everything comes right. A copy that has failed often waits for a day, a volume whose
/// snapshots have failed for its next slot, and what was made then takes its time.
const DAYS_MAX: i64 = 9;
/// Ticks of the jobs within which everything comes right: as many as those days have where the jobs only wait, and some more
/// for each instance, since its slots fall due in the calm as well and the next plans are not empty then.
const TICKS_MAX: usize = 162;
const TICKS_AN_INSTANCE: usize = 8;
/// Between two rounds of the three jobs where something was done: what was begun is completed by then.
const AFTER_CHANGES_S: i64 = 900;
/// Between two rounds where the jobs can only wait.
const WAITING_S: i64 = 4 * 3_600;
/// Rounds in a row that must find nothing to do.
const QUIET_ROUNDS: u32 = 3;

/// Something that is not as it should be yet.
#[derive(Debug)]
struct Pending {
    /// What a finding about it would name.
    ids: Vec<String>,
    words: String,
}

/// Stops the faults, and lets the jobs come to an end.
pub(super) fn down(life: &mut Life) {
    life.end_faults();
    life.note("from here on nothing goes wrong");
    let end = keys::later(life.now(), 86_400 * DAYS_MAX);
    let ticks_max = life.sim.with(|world| ticks_max(world));
    let mut quiet = 0;
    while quiet < QUIET_ROUNDS {
        let Some(Round { changes, deferred, findings }) = round(life) else { return };
        let left = life.sim.with(|world| unexplained(world, &findings));
        let ticks = life.lived.calm_ticks;
        if ticks >= ticks_max || life.now() > end {
            let words = match left.first() {
                Some(one) => format!("after {ticks} ticks of calm: {} ({} such)", one.words, left.len()),
                None => format!("after {ticks} ticks of calm the plans still change something"),
            };
            life.breaks(Broken { rule: "liveness", words });
            life.is_over();
            return;
        }
        quiet = if changes == 0 && left.is_empty() { quiet + 1 } else { 0 };
        let pause_s = if quiet > 0 {
            0
        } else if changes > deferred {
            AFTER_CHANGES_S
        } else {
            WAITING_S
        };
        let next = keys::later(life.now(), pause_s);
        life.sim.with(|world| world.advance_to(next));
    }
}

fn ticks_max(world: &World) -> u64 {
    let instances: usize = world.regions().map(|region| world.instances(region).count()).sum();
    u64::try_from(TICKS_MAX + TICKS_AN_INSTANCE * instances).unwrap_or(u64::MAX)
}

/// What became of one run of each job.
#[derive(Debug, Default)]
struct Round {
    /// What their plans change or hold.
    changes: usize,
    /// How much of it has to wait, as for copies in flight.
    deferred: usize,
    findings: Vec<Finding>,
}

/// One run of each job; none where a rule was broken.
fn round(life: &mut Life) -> Option<Round> {
    let mut round = Round::default();
    for job in [Job::Create, Job::Offsite, Job::Expire] {
        life.wait_for(&[job]);
        life.lived.calm_ticks += 1;
        let tick = format!("tick {} of the calm", life.lived.calm_ticks);
        for report in life.run(&[job], &How::by(tick)).into_iter().flatten().flatten() {
            // What EC2 refuses is tried at every run, and said; only a person can change that.
            let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
            let changes = report.items().filter(|(decision, _)| decision.act.is_change());
            let outcomes: Vec<_> = changes.map(|(_, outcome)| outcome).filter(|outcome| !is_refused(outcome)).collect();
            round.changes += outcomes.len() + report.plan.holds.len();
            round.deferred += outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Deferred(_))).count();
            life.approve(&report);
            round.findings.extend(report.findings);
        }
        if life.is_over() {
            return None;
        }
    }
    Some(round)
}

/// What is not as it should be, and is not even said.
fn unexplained(world: &World, findings: &[Finding]) -> Vec<Pending> {
    let is_said = |one: &Pending| {
        let names = |finding: &Finding| {
            one.ids.contains(&finding.id) || one.ids.iter().any(|id| finding.to_string().contains(id))
        };
        findings.iter().any(names)
    };
    pending(world).into_iter().filter(|one| !is_said(one)).collect()
}

/// Everything that is not as it should be, in words.
fn pending(world: &World) -> Vec<Pending> {
    let mut found = Vec::new();
    for region in world.regions() {
        for record in world.instances(region) {
            slots(world, region, &record.instance, &mut found);
        }
        for record in world.snapshots(region).filter(|record| is_managed(world, &record.snapshot)) {
            copies(world, region, record, &mut found);
            expiry(world, region, record, &mut found);
        }
    }
    found
}

/// Each volume of a selected instance has a completed snapshot of the present slot, here or at its destinations.
fn slots(world: &World, region: &Region, instance: &Instance, found: &mut Vec<Pending>) {
    let is_yes = |tags: &Tags| tags.get("Backup").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
    if !is_yes(&instance.tags) || !instance.state.is_backed_up() {
        return;
    }
    for volume in instance.devices.iter().filter_map(|device| device.volume.as_ref()) {
        let Some(record) = world.volume(region, volume).filter(|record| !is_left_out(&record.volume.tags)) else {
            continue;
        };
        let owners = record
            .attachments
            .iter()
            .filter(|a| world.instance(region, &a.instance).is_some_and(|other| is_yes(&other.instance.tags)));
        let slots: BTreeSet<String> = owners
            .filter_map(|a| world.instance(region, &a.instance))
            .map(|owner| slot(&owner.instance.tags, world.now()))
            .collect();
        let is_done =
            world.regions().any(|place| world.snapshots(place).any(|r| holds(world, &r.snapshot, volume, &slots)));
        if !is_done {
            let words = format!("{volume} of {} in {region} has no completed snapshot of {slots:?}", instance.id);
            found.push(Pending { ids: vec![volume.to_string(), instance.id.to_string()], words });
        }
    }
}

fn holds(world: &World, snapshot: &Snapshot, volume: &VolumeId, slots: &BTreeSet<String>) -> bool {
    snapshot.is_completed()
        && is_managed(world, snapshot)
        && volume_of(snapshot).as_ref() == Some(volume)
        && snapshot.tags.get("snapwarden:slot").is_some_and(|slot| slots.contains(slot))
}

/// The present slot of an instance: by its own schedule, or by the default's where that cannot be read.
fn slot(tags: &Tags, now: Timestamp) -> String {
    let own = tags.get("BackupSchedule").and_then(|text| text.parse::<Schedule>().ok());
    own.unwrap_or_default().slot_at(now).to_string()
}

/// Each source that is not due has its verified copy at each destination, or was stamped.
fn copies(world: &World, region: &Region, record: &SnapshotRecord, found: &mut Vec<Pending>) {
    let source = &record.snapshot;
    let is_source =
        !source.tags.has("SourceSnapshotId") && source.is_completed() && source.tier == StorageTier::Standard;
    let soon = keys::later(world.now(), 3_600);
    let days = tiers::recorded(source).ok().flatten().map_or(i64::MAX / 86_400, |policy| i64::from(policy.days(true)));
    let is_past = soon.duration_since(data_time(source)).as_secs() >= days * 86_400;
    if !is_source || is_due(source, soon) || is_past {
        return;
    }
    let words =
        source.tags.get("DestinationRegion").unwrap_or_default().split([' ', ',']).filter(|word| !word.is_empty());
    for destination in words.filter_map(|word| world.regions().find(|known| known.as_str() == word)) {
        if destination == region
            || source.tags.get("OffsiteSnapshotId").is_some_and(|stamp| stamp.contains(destination.as_str()))
        {
            continue;
        }
        let copied = world.snapshots(destination).any(|copy| {
            let copy = &copy.snapshot;
            copy.is_completed() && copy.tags.get("SourceSnapshotId") == Some(source.id.as_str())
        });
        if !copied {
            let instance = source.tags.get("InstanceID").unwrap_or_default().to_owned();
            let words = format!("{} of {region} has no copy in {destination}", source.id);
            found.push(Pending { ids: vec![source.id.to_string(), instance], words });
        }
    }
}

/// What is due and unguarded is gone.
fn expiry(world: &World, region: &Region, record: &SnapshotRecord, found: &mut Vec<Pending>) {
    let snapshot = &record.snapshot;
    // What has come due within a day may be waiting for the next tick.
    let yesterday = world.now().checked_sub(24.hours()).unwrap_or(world.now());
    let is_over = snapshot.state == SnapshotState::Completed && is_due(snapshot, yesterday);
    if !is_over || is_pinned(&snapshot.tags) || delete_on(&snapshot.tags).is_none() || is_last(world, region, snapshot)
    {
        return;
    }
    if is_wanted(world, snapshot, yesterday) {
        return;
    }
    let words = format!("{} of {region} is due since {:?} and still there", snapshot.id, delete_on(&snapshot.tags));
    found.push(Pending { ids: vec![snapshot.id.to_string()], words });
}

/// Whether retention may want it beyond its DeleteOn: by its record, or by the tags of an instance that speaks for it. What
/// waits for a shorter retention, and what nobody can judge, counts as wanted.
fn is_wanted(world: &World, snapshot: &Snapshot, now: Timestamp) -> bool {
    let Ok(record) = tiers::recorded(snapshot) else { return true };
    let instances = tiers::instances(world, snapshot);
    let asked = instances.iter().filter_map(|instance| tiers::asked(&instance.tags)).filter(|asked| !asked.is_plain());
    let asked: Vec<_> = asked.collect();
    let volume = volume_of(snapshot);
    if volume.is_none() {
        return record.is_some() || !asked.is_empty();
    }
    let is_of_it = |other: &&Snapshot| other.is_completed() && is_managed(world, other) && volume_of(other) == volume;
    let all = world.regions().flat_map(|region| world.snapshots(region)).map(|record| &record.snapshot);
    let history: Vec<_> = all.filter(is_of_it).collect();
    let instance = snapshot.tags.get("InstanceID");
    let by_record = |one: &Snapshot, record: &tiers::Policy| {
        let stands =
            |other: &Snapshot| tiers::recorded(other).is_ok_and(|own| own.is_some_and(|own| own.is_as(record)));
        tiers::wants(record, one, &history, stands)
    };
    let by_tags = |asked: &tiers::Policy| {
        let days = i64::from(asked.days(snapshot.tags.has("SourceSnapshotId")));
        now.duration_since(data_time(snapshot)).as_hours() < days * 24
            || tiers::wants(asked, snapshot, &history, |other| other.tags.get("InstanceID") == instance)
    };
    // The oldest that states a shorter retention stays while what records another, and is wanted by that, waits.
    let is_other = |other: &&&Snapshot| match (tiers::recorded(other), &record) {
        (Ok(Some(other)), Some(record)) => !other.is_as(record),
        (other, record) => other.as_ref() != Ok(record),
    };
    let waits =
        |other: &&Snapshot| tiers::recorded(other).is_ok_and(|own| own.is_some_and(|own| by_record(other, &own)));
    let own = tiers::moment(snapshot);
    let before = history.iter().map(|other| tiers::moment(other)).filter(|time| *time < own).max();
    let mut at_hand = history.iter().filter(|other| [Some(own), before].contains(&Some(tiers::moment(other))));
    let is_oldest = before.is_none() || at_hand.any(|other| is_other(&other));
    let states = is_oldest && history.iter().filter(is_other).any(waits);
    states || record.as_ref().is_some_and(|record| by_record(snapshot, record)) || asked.iter().any(by_tags)
}

/// Whether it is the newest completed one here of a volume that lives and is not left out.
fn is_last(world: &World, region: &Region, snapshot: &Snapshot) -> bool {
    let volume = volume_of(snapshot);
    let lives = match &volume {
        None => true,
        Some(volume) => world.regions().any(|home| {
            let record = world.volume(home, volume);
            record.is_some_and(|r| !is_left_out(&r.volume.tags))
        }),
    };
    let is_newer = |other: &Snapshot| {
        other.is_completed()
            && is_managed(world, other)
            && volume_of(other) == volume
            && (data_time(other), &other.id) > (data_time(snapshot), &snapshot.id)
    };
    lives && !world.snapshots(region).any(|record| is_newer(&record.snapshot))
}

/// Everything that is not as it should be, in words alone.
#[cfg(test)]
pub(super) fn missing(world: &World) -> Vec<String> {
    pending(world).into_iter().map(|one| one.words).collect()
}
