//! Liveness: once the faults have stopped, everything comes right within a stated number of ticks.
//!
//! Every due slot has its completed snapshots, every source that is not due its verified copy, everything that is due and
//! unguarded is gone, and the next plans are empty. What a person must mend is said as a finding; a thing that is
//! missing and not even said is what these tests are about.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use snapwarden_core::decision::{Finding, Job, Problem, Subject};
use snapwarden_core::ids::{Region, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, StorageTier};
use snapwarden_core::report::Outcome;
use snapwarden_core::schedule::Schedule;
use snapwarden_core::tags::Tags;

use super::facts::{
    data_time, day, delete_on, has_wandered, is_due, is_left_out, is_managed, is_of, is_pinned, told, volume_of,
};
use super::found::Broken;
use super::life::{How, Life};
use super::memory::Memory;
use super::policy::{Record, destinations};
use super::stay::{self, Stay, Whole, Why};
use crate::keys;
use crate::state::SnapshotRecord;
use crate::world::World;

/// Days of calm within which everything comes right. A copy that has failed often waits for a day, a volume whose
/// snapshots have failed for its next slot, and what was made then takes its time.
const DAYS_MAX: i64 = 9;
/// Ticks of the jobs within which everything comes right: as many as those days have where the jobs only wait, and two rounds
/// more on each of them for each instance: its slots fall due in the calm as well, and what they push out goes.
const TICKS_MAX: usize = 162;
const TICKS_AN_INSTANCE: usize = 54;
/// Between two rounds of the three jobs where something was done: what was begun is completed by then.
const AFTER_CHANGES_S: i64 = 900;
/// Between two rounds where the jobs can only wait.
const WAITING_S: i64 = 4 * 3_600;
/// Rounds in a row that must find nothing to do.
const QUIET_ROUNDS: u32 = 3;

/// Days past DeleteOn after which only a day that is wrong can say that one is too young.
const LATE_DAYS_MAX: i32 = 2;

/// Something that is not as it should be yet.
#[derive(Debug)]
pub(super) struct Pending {
    /// What a finding about it would name.
    ids: Vec<String>,
    /// Regions of which a count is enough.
    places: Vec<Region>,
    /// Whether such a finding is about this.
    tells: fn(&Problem) -> bool,
    words: String,
}

impl Pending {
    /// Of something that a finding must name by its id, whatever it says of it.
    fn by_id(id: impl ToString, words: String) -> Self {
        Self { ids: vec![id.to_string()], places: Vec::new(), tells: |_| true, words }
    }

    /// Of something that a finding of this kind names by its id, or counts in its Region.
    pub(super) fn of(id: impl ToString, region: &Region, tells: fn(&Problem) -> bool, words: String) -> Self {
        Self { places: vec![region.clone()], tells, ..Self::by_id(id, words) }
    }

    /// Of a snapshot that stays, that a finding names, or its volume, or an instance of it; or that is counted there.
    pub(super) fn of_one(whole: &Whole<'_>, region: &Region, snapshot: &Snapshot, why: Why, words: String) -> Self {
        let pending = Self::of(&snapshot.id, region, why.tells(), words).or_of(&whole.volume, &whole.home);
        whole.instances().into_iter().fold(pending, |pending, instance| pending.or_of(instance, &whole.home))
    }

    /// Or that is named by this id, or counted there.
    pub(super) fn or_of(mut self, id: impl ToString, region: &Region) -> Self {
        self.ids.push(id.to_string());
        self.places.push(region.clone());
        self
    }
}

/// Whether a finding names it, or counts it.
pub(super) fn is_said(one: &Pending, findings: &[Finding]) -> bool {
    let is_of_place = |finding: &Finding| one.places.iter().any(|place| finding.id == place.as_str());
    let names = |finding: &Finding| {
        let mut ids = one.ids.iter().filter(|id| !id.is_empty());
        ids.any(|id| *id == finding.id || finding.to_string().contains(id))
    };
    let mut findings = findings.iter().filter(|finding| (one.tells)(&finding.problem));
    findings.any(|finding| is_of_place(finding) || names(finding))
}

/// Stops the faults, and lets the jobs come to an end. Whether all came right.
pub(super) fn down(life: &mut Life) -> bool {
    life.end_faults();
    life.note("from here on nothing goes wrong");
    let end = keys::later(life.now(), 86_400 * DAYS_MAX);
    let ticks_max = life.sim.with(|world| ticks_max(world));
    let mut quiet = 0;
    while quiet < QUIET_ROUNDS {
        let Some(round) = round(life) else { return false };
        let left = life.left(|world, memory| unexplained(world, memory, &round));
        let Round { changes, deferred, reasons, .. } = round;
        quiet = if changes == 0 && left.is_empty() { quiet + 1 } else { 0 };
        let ticks = life.lived.calm_ticks;
        if quiet < QUIET_ROUNDS && (ticks >= ticks_max || life.now() > end) {
            let words = match left.first() {
                Some(one) => {
                    let reason = one.ids.iter().find_map(|id| reasons.get(id)).map_or("nothing", |reason| reason);
                    let others = left.len() - 1;
                    format!("after {ticks} ticks of calm: {} (and {others} more); the plan says: {reason}", one.words)
                }
                None => format!("after {ticks} ticks of calm the plans still change something"),
            };
            life.breaks(Broken { rule: "liveness", words });
            life.is_over();
            return false;
        }
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
    true
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
    /// The snapshots that EC2 refused to delete: they stay for no other reason.
    refused: BTreeSet<String>,
    /// What the manager says of each snapshot.
    reasons: BTreeMap<String, String>,
}

/// One run of each job; none where a rule was broken.
fn round(life: &mut Life) -> Option<Round> {
    let mut round = Round::default();
    for job in [Job::Create, Job::Offsite, Job::Expire] {
        life.wait_for(&[job]);
        life.lived.calm_ticks += 1;
        let tick = format!("tick {} of the calm", life.lived.calm_ticks);
        for report in life.run(&[job], &How::by(tick)).into_iter().flatten().flatten() {
            let changes = report.items().filter(|(decision, _)| decision.act.is_change());
            // What EC2 refuses is tried at every run, and said; only a person can change that.
            let (refused, changes): (Vec<_>, Vec<_>) =
                changes.partition(|(_, outcome)| matches!(outcome, Outcome::Refused(_)));
            round.refused.extend(refused.into_iter().filter_map(|(decision, _)| id_of(&decision.subject)));
            let outcomes: Vec<_> = changes.into_iter().map(|(_, outcome)| outcome).collect();
            round.changes += outcomes.len() + report.plan.holds.len();
            round.deferred += outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Deferred(_))).count();
            life.approve(&report);
            let reasons = report.plan.decisions.iter().map(|one| (id_of(&one.subject), one.reason.to_string()));
            round.reasons.extend(reasons.filter_map(|(id, reason)| Some((id?, reason))));
            round.findings.extend(report.findings);
        }
        if life.is_over() {
            return None;
        }
    }
    Some(round)
}

/// The snapshot that a decision of the manager is about, or a source of the offsiter.
fn id_of(subject: &Subject) -> Option<String> {
    match subject {
        Subject::Snapshot(id) | Subject::Source(id) => Some(id.to_string()),
        Subject::Volume(_) | Subject::Instance(_) | Subject::Device(..) | Subject::Copy(..) => None,
    }
}

/// What is not as it should be, and is not even said.
fn unexplained(world: &World, memory: &Memory, round: &Round) -> Vec<Pending> {
    let is_refused = |one: &Pending| one.ids.iter().any(|id| round.refused.contains(id));
    let is_explained = |one: &Pending| is_refused(one) || is_said(one, &round.findings);
    pending(world, memory).into_iter().filter(|one| !is_explained(one)).collect()
}

/// Everything that is not as it should be, in words.
fn pending(world: &World, memory: &Memory) -> Vec<Pending> {
    let mut found = Vec::new();
    for region in world.regions() {
        for record in world.instances(region) {
            slots(world, region, &record.instance, &mut found);
        }
        for record in world.snapshots(region).filter(|record| is_managed(world, &record.snapshot)) {
            copies(world, region, record, &mut found);
            homeless(world, region, record, &mut found);
        }
        wandered(world, region, &mut found);
    }
    for whole in stay::wholes(world, memory, world.now()) {
        expiry(world, &whole, &mut found);
        closing(&whole, &mut found);
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
            let ids = vec![volume.to_string(), instance.id.to_string()];
            found.push(Pending { ids, ..Pending::by_id("", words) });
        }
    }
}

fn holds(world: &World, snapshot: &Snapshot, volume: &VolumeId, slots: &BTreeSet<String>) -> bool {
    snapshot.is_completed()
        && is_of(snapshot, volume)
        && is_managed(world, snapshot)
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
    let days = match Record::of(&source.tags) {
        Record::States(policy) => i64::from(policy.of_kind(true)[0]),
        Record::None | Record::Mistyped | Record::Unreadable => i64::MAX / 86_400,
    };
    let is_past = soon.duration_since(data_time(source)).as_secs() >= days * 86_400;
    if !is_source || is_due(source, soon) || is_past {
        return;
    }
    for destination in &destinations(&source.tags, region, world.regions()) {
        if source.tags.get("OffsiteSnapshotId").is_some_and(|stamp| stamp.contains(destination.as_str())) {
            continue;
        }
        let copied = world.snapshots(destination).any(|copy| {
            let copy = &copy.snapshot;
            copy.is_completed() && copy.tags.get("SourceSnapshotId") == Some(source.id.as_str())
        });
        if !copied {
            let instance = source.tags.get("InstanceID").unwrap_or_default().to_owned();
            let words = format!("{} of {region} has no copy in {destination}", source.id);
            let ids = vec![source.id.to_string(), instance];
            found.push(Pending { ids, ..Pending::by_id("", words) });
        }
    }
}

/// What is due and unguarded is gone, and what stays for ever is said.
fn expiry(world: &World, whole: &Whole<'_>, found: &mut Vec<Pending>) {
    // What has come due within a day may be waiting for the next tick.
    let yesterday = world.now().checked_sub(24.hours()).unwrap_or(world.now());
    for (region, snapshot) in &whole.all {
        // What a person pinned is not asked whether its days are right, and is past no day where it has none.
        let is_pinned = is_pinned(&snapshot.tags);
        let is_late = |on: Date| (day(yesterday) - on).get_days() > LATE_DAYS_MAX;
        let is_past = match delete_on(&snapshot.tags) {
            None => !is_pinned,
            Some(on) => is_due(snapshot, yesterday) || (!is_pinned && is_late(on)),
        };
        if !is_past {
            continue;
        }
        let (id, on) = (&snapshot.id, delete_on(&snapshot.tags));
        found.push(match whole.stay(region, snapshot) {
            Stay::Kept(_) => continue,
            // EC2 refuses it. Its record may keep it for a grace period again and again (docs/retention.md, "Known limits").
            Stay::Gone if !world.images_on(region, id).is_empty() => continue,
            Stay::Gone => {
                let words = format!("{} of {region} is due since {on:?} and still there", told(snapshot));
                Pending::by_id(id, words)
            }
            Stay::Said(why) => {
                let words = format!("{id} of {region} stays past {on:?}, since {why}, and nothing says so");
                Pending::of_one(whole, region, snapshot, why, words)
            }
        });
    }
}

/// A copy that names no volume stays, and that is said.
fn homeless(world: &World, region: &Region, record: &SnapshotRecord, found: &mut Vec<Pending>) {
    let copy = &record.snapshot;
    if copy.is_completed() && volume_of(copy).is_none() && is_due(copy, world.now()) {
        let words = format!("{} of {region} stays, since it names no volume, and nothing says so", copy.id);
        let tells = |problem: &Problem| {
            use Problem as P;
            matches!(problem, P::NoVolume { .. } | P::PinnedPastDay { .. } | P::RetentionRecordUnreadable { .. })
        };
        found.push(Pending::of(&copy.id, region, tells, words));
    }
}

/// What has another one's tags is not ours and stays, and that is said.
fn wandered(world: &World, region: &Region, found: &mut Vec<Pending>) {
    let mut all = world.snapshots(region).map(|record| &record.snapshot);
    if let Some(one) = all.find(|one| has_wandered(world, one)) {
        let words = format!("{} of {region} has the tags of another one, and nothing says so", one.id);
        found.push(Pending::of(&one.id, region, |problem| matches!(problem, Problem::TagsWandered { .. }), words));
    }
}

/// A volume that is over is marked, and one that nobody backs up any more is named.
fn closing(whole: &Whole<'_>, found: &mut Vec<Pending>) {
    let volume = &whole.volume;
    let (words, tells): (_, fn(&Problem) -> bool) = if whole.is_over() && !whole.is_marked() {
        (format!("{volume} is over, and no snapshot of it is marked"), is_of_marks)
    } else if whole.is_left_alone() && whole.has_due() {
        (format!("{volume} is backed up by nobody any more, and nothing says so"), Why::Nobody.tells())
    } else {
        return;
    };
    let pending = Pending::of(volume, &whole.home, tells, words);
    found.push(whole.all.iter().fold(pending, |pending, (region, snapshot)| pending.or_of(&snapshot.id, region)));
}

/// What may keep a mark from being written.
fn is_of_marks(problem: &Problem) -> bool {
    use Problem as P;
    matches!(problem, P::MarkNotWritten { .. } | P::HistoryUnread { .. } | P::NotRead { .. })
}

/// Everything that is not as it should be, in words alone.
#[cfg(test)]
pub(super) fn missing(world: &World, memory: &Memory) -> Vec<String> {
    pending(world, memory).into_iter().map(|one| one.words).collect()
}
