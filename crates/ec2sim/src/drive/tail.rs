//! After the calm: the manager lives on alone until the history of each volume that is over has had its time, and then that
//! history must be empty.

use std::collections::BTreeSet;

use jiff::Timestamp;
use snapwarden_core::decision::{Finding, Job};
use snapwarden_core::ids::VolumeId;
use snapwarden_core::inventory::{Snapshot, SnapshotState};

use super::calm::{Pending, is_said};
use super::facts::{day, delete_on, everything, is_due, is_managed, is_pinned, told, volume_of};
use super::found::Broken;
use super::life::{How, Life};
use super::memory::Memory;
use super::stay::{self, Stay, Whole, Why};
use crate::keys;
use crate::world::World;

/// Volumes whose policies reach further than this are left out: nobody waits for years.
const REACH_DAYS_MAX: i64 = 95;
/// After a policy's reach and the latest DeleteOn a history is empty so many days later, and one for the next run.
const AFTER_DAYS: i64 = 37 + 1;
/// Between two runs.
const APART_DAYS: i64 = 6;
/// Runs at the end: the last one of a history goes last, and what a person must approve goes one run later.
const LAST_RUNS: usize = 4;

/// Lives on until the volumes that are over have had their time.
pub(super) fn live_on(life: &mut Life) {
    let ends = life.left(ends);
    let Some(end) = ends.iter().map(|(_, end)| *end).max() else { return };
    life.note(&format!("the manager lives on until {} for {} volumes that are over", day(end), ends.len()));
    let volumes = ends.into_iter().map(|(volume, _)| volume).collect();
    let mut runs_left = LAST_RUNS;
    while runs_left > 0 {
        let next = keys::later(life.now(), if life.now() < end { APART_DAYS * 86_400 } else { 3_600 });
        life.sim.with(|world| world.advance_to(next));
        let Some(findings) = run(life) else { return };
        if life.now() < end {
            continue;
        }
        runs_left -= 1;
        if runs_left == 0
            && let Some(words) = life.left(|world, memory| left(world, memory, &volumes, &findings))
        {
            life.breaks(Broken { rule: "liveness", words });
            life.is_over();
        }
    }
}

/// One run of the manager: its findings; none where a rule was broken.
fn run(life: &mut Life) -> Option<Vec<Finding>> {
    let tick = format!("after the calm, at {}", life.now());
    let mut findings = Vec::new();
    for report in life.run(&[Job::Expire], &How::by(tick)).into_iter().flatten().flatten() {
        life.approve(&report);
        findings.extend(report.findings);
    }
    (!life.is_over()).then_some(findings)
}

/// The volumes that are over, each with the time at which its history must be empty, where that is not too far away.
fn ends(world: &World, memory: &Memory) -> Vec<(VolumeId, Timestamp)> {
    let now = world.now();
    let latest = keys::later(now, REACH_DAYS_MAX * 86_400);
    let end = |whole: &Whole<'_>| {
        let days = whole.all.iter().filter_map(|(_, snapshot)| delete_on(&snapshot.tags)).max();
        let day = days.unwrap_or(day(now)).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let end = keys::later(now, whole.reach_days() * 86_400).max(day);
        (end <= latest).then(|| (whole.volume.clone(), keys::later(end, AFTER_DAYS * 86_400)))
    };
    // EC2 deletes nothing that an image is made of, and a mark that went before is written anew.
    let is_of_image =
        |whole: &Whole<'_>| whole.all.iter().any(|(region, one)| !world.images_on(region, &one.id).is_empty());
    // What is still being copied is marked when it has completed.
    let pending: BTreeSet<_> = everything(world)
        .filter(|one| one.state == SnapshotState::Pending && is_managed(world, one))
        .filter_map(volume_of)
        .collect();
    let wholes = stay::wholes(world, memory, now);
    let over = wholes.iter().filter(|whole| whole.is_over() && !pending.contains(&whole.volume) && !is_of_image(whole));
    over.filter_map(end).collect()
}

/// What is still there of one of these volumes and may not be, in words.
fn left(world: &World, memory: &Memory, volumes: &BTreeSet<VolumeId>, findings: &[Finding]) -> Option<String> {
    let wholes = stay::wholes(world, memory, world.now());
    wholes.iter().filter(|whole| volumes.contains(&whole.volume)).find_map(|whole| left_of(whole, findings))
}

fn left_of(whole: &Whole<'_>, findings: &[Finding]) -> Option<String> {
    let volume = &whole.volume;
    // What a person pinned without a day is past none.
    let pinned = |snapshot: &Snapshot| is_pinned(&snapshot.tags) && delete_on(&snapshot.tags).is_none();
    let all: Vec<_> = whole
        .all
        .iter()
        .filter(|(_, one)| !pinned(one))
        .map(|(region, one)| (*region, *one, whole.stay(region, one)))
        .collect();
    let has_reason = all.iter().any(|(_, _, stay)| matches!(stay, Stay::Said(_)));
    all.iter().find_map(|(region, snapshot, stay)| {
        let id = &snapshot.id;
        match stay {
            Stay::Said(why) => {
                let is_no_matter = match why {
                    // The creator and the offsiter say that, which do not run any more.
                    Why::Slip | Why::SlipOrSource => true,
                    Why::Pinned => !is_due(snapshot, whole.now),
                    Why::NoDay | Why::TooYoung | Why::Unreadable | Why::Nobody | Why::OfSource => false,
                };
                let one = Pending::of_one(whole, region, snapshot, *why, String::new());
                let is_unsaid = !is_no_matter && !is_said(&one, findings);
                is_unsaid.then(|| format!("{id} of {region} stays for ever, since {why}, and nothing says so"))
            }
            Stay::Kept(why) => (!has_reason).then(|| {
                let others = all.iter().map(|(region, one, stay)| format!("{} of {region}, {stay:?}", told(one)));
                let others: Vec<_> = others.collect();
                format!(
                    "{volume} is over for longer than anything reaches, and {id} of {region} is still there: {why}; all: {}",
                    others.join("; ")
                )
            }),
            Stay::Gone => {
                Some(format!("{volume} is over for longer than anything reaches, and {id} of {region} is still there"))
            }
        }
    })
}
