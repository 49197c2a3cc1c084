//! Who stands beside a process: lets things happen in the middle of its run, counts the faults that it meets, and holds
//! what it does against the rules.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{Region, SnapshotId};

use super::draw::Draw;
use super::facts::is_pinned;
use super::found::Found;
use super::kinds::{Fired, Kind};
use super::memory::Memory;
use super::people::{self, Passing};
use super::process::Process;
use super::rules::Rules;
use super::seen::{Listed, is_describe};
use crate::call::{ApiError, Call, Reply};
use crate::face::Bystander;
use crate::faults::{Faults, UNAVAILABLE};
use crate::world::{Entry, Outcome, World};

/// What all processes of a life share.
pub(super) struct Shared {
    pub(super) rules: Rules,
    pub(super) fired: Fired,
    /// What has happened, and when, since it was last written down.
    pub(super) news: Vec<(Timestamp, String)>,
    /// What is to happen in the middle of this run: at which of its calls, and what.
    pub(super) agenda: Vec<(u64, Kind, Draw)>,
    pub(super) passing: Vec<(Timestamp, Passing)>,
    pub(super) usual: Faults,
    /// The last call of each job.
    pub(super) last_call: BTreeMap<Job, Timestamp>,
}

impl Shared {
    pub(super) fn count(&mut self, kind: Kind) {
        *self.fired.entry(kind).or_default() += 1;
    }

    /// Something of `kind` happens now, if there is anything that it can happen to.
    pub(super) fn happen(&mut self, world: &mut World, kind: Kind, mut draw: Draw) {
        let before = Memory::before(world);
        let Some(happened) = people::happen(world, &mut draw, kind, self.usual) else { return };
        let memory = &mut self.rules.memory;
        memory.observe(world);
        memory.note_people(world, &before, &happened.touched);
        if let Some((_, Passing::Gone(id))) = &happened.passes {
            memory.note_doomed(world, id, &before);
        }
        // What lasts counts when a call, or a copy, meets it.
        if !happened.passes.as_ref().is_some_and(|(_, passing)| passing.is_met()) {
            self.count(kind);
        }
        for id in &happened.touched {
            self.rules.touch(id, world.now());
        }
        self.news.push((world.now(), happened.words));
        self.passing.extend(happened.passes);
    }

    /// Ends what has passed.
    pub(super) fn let_pass(&mut self, world: &mut World) {
        let now = world.now();
        let (over, still): (Vec<_>, Vec<_>) = self.passing.drain(..).partition(|(until, _)| *until <= now);
        self.passing = still;
        for (until, passing) in over {
            let is_double = self.passing.iter().any(|(_, other)| *other == passing);
            if !is_double {
                let before = Memory::before(world);
                let (words, touched) = people::pass(world, &passing, self.usual);
                self.rules.memory.observe(world);
                self.rules.memory.note_people(world, &before, &touched);
                // What went by itself went when its time came.
                let at = if matches!(passing, Passing::Gone(_)) { until } else { now };
                touched.iter().for_each(|id| self.rules.touch(id, at));
                self.news.push((now, words));
            }
        }
    }
}

/// Stands beside one process.
pub(super) struct Watch {
    pub(super) shared: Rc<RefCell<Shared>>,
    pub(super) process: Process,
    calls: u64,
    verdict: Found,
    logged: usize,
}

impl Watch {
    pub(super) fn new(shared: Rc<RefCell<Shared>>, process: Process) -> Self {
        Self { shared, process, calls: 0, verdict: Found::default(), logged: 0 }
    }
}

impl Bystander for Watch {
    fn before(&mut self, world: &mut World, region: &Region, call: &Call) {
        let mut shared = self.shared.borrow_mut();
        shared.let_pass(world);
        let calls = self.calls;
        let (due, later): (Vec<_>, Vec<_>) = shared.agenda.drain(..).partition(|(at, ..)| *at <= calls);
        shared.agenda = later;
        for (_, kind, draw) in due {
            shared.count(Kind::MidRun);
            shared.happen(world, kind, draw);
        }
        self.calls += 1;
        self.logged = world.log().len();
        self.verdict = shared.rules.judge(world, &self.process, region, call);
    }

    fn after(&mut self, world: &mut World, region: &Region, call: &Call, seen: &Result<Reply, ApiError>) {
        let mut shared = self.shared.borrow_mut();
        shared.last_call.insert(self.process.job, world.now());
        let entry = world.log().get(self.logged..).and_then(|new| new.last()).cloned();
        let effect = entry.as_ref().is_some_and(|entry| entry.effect);
        if !world.is_killed() {
            let kinds = match seen {
                Ok(reply) => shown(world, region, reply),
                Err(error) => met(world, region, call, error, effect, &shared.passing).into_iter().collect(),
            };
            kinds.into_iter().for_each(|kind| shared.count(kind));
        }
        if effect {
            if let Call::CreateTags { resources, tags } = call
                && (is_pinned(tags) || tags.has("VolumeID"))
            {
                // The offsiter gives a copy what it lacks; the manager may have looked a moment before.
                resources.iter().for_each(|id| shared.rules.touch(id.as_str(), world.now()));
            }
            let Found { broken, spends } = std::mem::take(&mut self.verdict);
            if let Some(deleted) =
                entry.as_ref().and_then(|entry| entry.deleted.as_ref()).filter(|_| !spends.is_empty())
            {
                shared.rules.memory.note_approved(deleted);
            }
            self.process.spend(spends);
            for broken in broken {
                let words = format!("{} ({} run {})", broken.words, self.process.job.as_str(), self.process.number);
                shared.rules.breaks(broken.rule, words);
            }
        }
        if let Some(entry) = entry {
            if !entry.subjects.is_empty() && !is_describe(call) {
                shared.news.push((entry.at, in_words(&self.process, &entry)));
            }
            shared.rules.note_made(world, &self.process, region, &entry.made);
            if let Some(deleted) = &entry.deleted {
                shared.rules.note_deleted(world, &mut self.process, region, deleted);
            }
        }
        if !world.is_killed() {
            self.process.see(world, region, call, seen);
        }
    }
}

/// A call that changes something, for the trace: whose, what, how its caller saw it end, and what it truly did.
fn in_words(process: &Process, entry: &Entry) -> String {
    let made: Vec<_> = entry.made.iter().map(SnapshotId::as_str).collect();
    let outcome = match &entry.outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Failed(error) if entry.effect => format!("{error}, and it was done"),
        Outcome::Failed(error) => error.to_string(),
        Outcome::Killed if entry.effect => "killed after it".to_owned(),
        Outcome::Killed => "killed before it".to_owned(),
    };
    let made = if made.is_empty() { String::new() } else { format!(" -> {}", made.join(" ")) };
    let (job, number) = (process.job.as_str(), process.number);
    format!("  {job} run {number}: {} {} {}{made}: {outcome}", entry.region, entry.action, entry.subjects.join(" "))
}

/// The kind of trouble that a call has met.
fn met(
    world: &World,
    region: &Region,
    call: &Call,
    error: &ApiError,
    effect: bool,
    passing: &[(Timestamp, Passing)],
) -> Option<Kind> {
    let faults = world.config.faults_of(region);
    let passes = |what: Passing| passing.iter().any(|(_, passing)| *passing == what);
    let is_on = |ratio: u16, kind| (ratio > 0).then_some(kind);
    match error {
        ApiError::NeverConnected(_) if world.is_out(region) => Some(Kind::RegionOut),
        ApiError::NeverConnected(_) => Some(Kind::NeverConnected),
        ApiError::NoAnswer(_) if effect => Some(Kind::LostAfter),
        // Or it would have been refused, and the answer was lost.
        ApiError::NoAnswer(_) => is_on(faults.lost_before, Kind::LostBefore),
        ApiError::Answer { code, .. } => match code.as_str() {
            "InternalError" if effect => Some(Kind::ErrorAfter),
            "InternalError" => is_on(faults.error_before, Kind::ErrorBefore),
            UNAVAILABLE => Some(Kind::HalfListing),
            "UnauthorizedOperation" => {
                let is_everywhere = passes(Passing::Permission(call.action()));
                let is_here = passes(Passing::RightIn(region.clone(), call.action()));
                is_everywhere.then_some(Kind::Permission).or(is_here.then_some(Kind::RightGone))
            }
            "RequestLimitExceeded" if passes(Passing::Sick(region.clone())) => Some(Kind::SickRegion),
            "RequestLimitExceeded" if passes(Passing::Burst) => Some(Kind::Burst),
            // Or runs at once have emptied a bucket.
            "RequestLimitExceeded" => is_on(faults.throttled, Kind::Throttled),
            _ => None,
        },
    }
}

/// What a reply hides.
fn shown(world: &World, region: &Region, reply: &Reply) -> Vec<Kind> {
    let mut kinds = Vec::new();
    let listed = Listed::of(reply);
    if listed.as_ref().is_some_and(|listed| listed.is_empty() && !listed.is_last()) {
        kinds.push(Kind::EmptyPage);
    }
    if let Some(Listed::Snapshots(page)) = listed {
        let is_stale = page.items.iter().any(|view| {
            let truth = world.snapshot(region, &view.snapshot.id);
            truth.is_none_or(|truth| truth.snapshot.tags != view.snapshot.tags)
        });
        if is_stale {
            kinds.push(Kind::Stale);
        }
    }
    kinds
}
