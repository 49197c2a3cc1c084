//! A life, day by day: ticks, what people do between them, and what becomes of it all in the end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;

use jiff::Timestamp;
use snapwarden_core::approval::{Approval, Approved};
use snapwarden_core::decision::{Act, Decision, Job, Problem};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::SnapshotState;
use snapwarden_core::report::{Deferred, EXIT_FAILED, Outcome, RunReport};
use snapwarden_exec::collect::Scope;
use snapwarden_exec::run::RunOptions;

use super::day::{DAY_S, Days, Step, Tick};
use super::facts::day;
use super::found::Broken;
use super::kinds::{self, Kind};
use super::memory::Memory;
use super::people;
use super::people::Passing;
use super::process::Process;
use super::rules::Rules;
use super::setting::{Setting, Ticks};
use super::watch::{Shared, Watch};
use super::{Lived, Options, Ran, Road, Trouble, calm, extras, tail};
use crate::call::{Action, Principal};
use crate::face::{Bystander, Sim};
use crate::faults::Faults;
use crate::keys;
use crate::snapshots::KEY_MESSAGE;
use crate::world::{Stop, World};

/// The next run looks so long after the last call of the one before (S8).
const BETWEEN_RUNS_S: i64 = 120;

/// A life that is being lived.
pub(super) struct Life<'r> {
    road: &'r dyn Road,
    pub(super) sim: Sim,
    pub(super) shared: Rc<RefCell<Shared>>,
    pub(super) lived: Lived,
    latency_ms: u32,
    days: Days,
    trace: bool,
    step: u64,
    processes: u64,
    /// What people have approved for the manager's next run.
    approvals: Vec<Approval>,
    failed: BTreeSet<SnapshotId>,
    down_until: Timestamp,
}

/// How a run is started.
#[derive(Debug, Clone, Default)]
pub(super) struct How {
    /// By which tick: what is drawn for its processes is drawn for this.
    tick: String,
    /// Processes that this tick has started before.
    before: usize,
    stop: Option<Stop>,
    deadline_s: Option<i64>,
    doubts_after: Option<u64>,
}

impl How {
    /// By this tick, to its end.
    pub(super) fn by(tick: impl ToString) -> Self {
        Self { tick: tick.to_string(), ..Self::default() }
    }
}

/// A process that is about to run.
struct Started {
    /// Which of which tick's.
    occasion: String,
    options: RunOptions,
    watch: Rc<RefCell<Watch>>,
    sim: Sim,
    /// The Region that throttles, where nothing else lasts.
    sick: Option<Region>,
}

/// Seconds that a run has while a Region throttles.
const SICK_DEADLINE_S: i64 = 900;

pub(super) fn live(options: &Options, road: &dyn Road) -> Lived {
    let kinds = options.kinds.clone().unwrap_or_else(|| kinds::drawn(options.seed));
    let setting = match Setting::of(options.seed, kinds, options.large) {
        Ok(setting) => setting,
        Err(error) => unreachable!("a setting is drawn from what the world takes: {error}"),
    };
    let mut life = Life::new(options, setting, road);
    let start = life.now();
    for n in 0..options.days {
        life.day(keys::later(start, DAY_S * i64::from(n)));
        if life.is_over() {
            return life.lived;
        }
    }
    if calm::down(&mut life) {
        tail::live_on(&mut life);
    }
    life.lived
}

impl<'r> Life<'r> {
    fn new(options: &Options, setting: Setting, road: &'r dyn Road) -> Self {
        let mut lived = Lived::default();
        let start = setting.world.now();
        let end = keys::later(start, DAY_S * i64::from(options.days));
        count_calendar(&mut lived, start, end);
        for kind in [Kind::Predecessor, Kind::LongHistory].into_iter().filter(|kind| setting.kinds.contains(kind)) {
            lived.fired.insert(kind, 1);
        }
        let shared = Shared {
            rules: Rules::default(),
            fired: lived.fired.clone(),
            news: Vec::new(),
            agenda: Vec::new(),
            passing: Vec::new(),
            usual: setting.faults,
            last_call: BTreeMap::new(),
        };
        let mut life = Self {
            road,
            sim: Sim::new(setting.world).with_latency_ms(setting.latency_ms),
            shared: Rc::new(RefCell::new(shared)),
            lived,
            latency_ms: setting.latency_ms,
            days: Days { seed: options.seed, kinds: setting.kinds, ticks: setting.ticks },
            trace: options.trace,
            step: 0,
            processes: 0,
            approvals: Vec::new(),
            failed: BTreeSet::new(),
            down_until: start,
        };
        life.sim.with(|world| life.shared.borrow_mut().rules.memory.observe(world));
        life.say_setting(options);
        life
    }

    fn say_setting(&mut self, options: &Options) {
        let kinds: Vec<_> = self.days.kinds.iter().map(|kind| kind.as_str()).collect();
        let (instances, volumes, config) = self.sim.with(|world| {
            let regions: Vec<_> = world.regions().cloned().collect();
            let instances: usize = regions.iter().map(|region| world.instances(region).count()).sum();
            let volumes: usize = regions.iter().map(|region| world.volumes(region).count()).sum();
            (instances, volumes, world.config.clone())
        });
        let Ticks { creator, offsiter, manager } = self.days.ticks;
        self.note(&format!(
            "seed {}, {} day{}; {instances} instances, {volumes} volumes; a day has {creator} ticks of the creator, \
             {offsiter} of the offsiter, {manager} of the manager; a call takes {} ms, a describe may be {} s late, a page \
             has {} items, a snapshot takes {} s; trouble: {}",
            options.seed,
            options.days,
            if options.days == 1 { "" } else { "s" },
            self.latency_ms,
            config.lag_max_s,
            config.page_size,
            config.durations.base_s,
            if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }
        ));
    }

    pub(super) fn now(&self) -> Timestamp {
        self.sim.with(|world| world.now())
    }

    /// Writes a step down, after what has happened until then.
    pub(super) fn note(&mut self, words: &str) {
        let news = std::mem::take(&mut self.shared.borrow_mut().news);
        for (at, words) in news {
            self.write(at, &words);
        }
        self.write(self.now(), words);
    }

    fn write(&mut self, at: Timestamp, words: &str) {
        self.step += 1;
        if self.trace {
            // Writing to a String cannot fail.
            let _ = writeln!(self.lived.trace, "{:05} {} {words}", self.step, at.strftime("%Y-%m-%dT%H:%M:%SZ"));
        }
    }

    /// Whether a rule was broken; then it is written down, and the life ends.
    pub(super) fn is_over(&mut self) -> bool {
        let broken = self.shared.borrow().rules.broken.clone();
        if let Some(broken) = broken
            && self.lived.trouble.is_none()
        {
            self.note(&format!("{} is broken: {}", broken.rule, broken.words));
            self.lived.trouble = Some(Trouble { step: self.step, at: self.now(), broken });
        }
        self.lived.fired = self.shared.borrow().fired.clone();
        self.lived.trouble.is_some()
    }

    /// Looks at the world and at what there truly was.
    pub(super) fn left<T>(&self, look: impl FnOnce(&World, &Memory) -> T) -> T {
        let shared = self.shared.borrow();
        self.sim.with(|world| look(world, &shared.rules.memory))
    }

    pub(super) fn breaks(&mut self, broken: Broken) {
        self.shared.borrow_mut().rules.breaks(broken.rule, broken.words);
    }

    fn is_on(&self, kind: Kind) -> bool {
        self.days.kinds.contains(&kind)
    }

    fn count(&mut self, kind: Kind) {
        self.shared.borrow_mut().count(kind);
    }

    /// One day: what the people of the day do, and the ticks.
    fn day(&mut self, midnight: Timestamp) {
        self.maybe_outage(midnight);
        for (at, step) in self.days.steps(midnight) {
            self.sim.with(|world| world.advance_to(at));
            self.let_pass();
            match step {
                Step::People { kind, at_call } => self.people(kind, at_call, midnight),
                Step::Tick { tick, is_late } if at >= self.down_until => {
                    if is_late {
                        self.count(Kind::Late);
                    }
                    self.tick(tick);
                }
                Step::Tick { .. } => {}
            }
            if self.is_over() {
                return;
            }
        }
        self.sim.with(|world| world.advance_to(keys::later(midnight, DAY_S)));
        self.count_failed();
    }

    fn let_pass(&mut self) {
        let shared = Rc::clone(&self.shared);
        self.sim.with(|world| shared.borrow_mut().let_pass(world));
    }

    fn maybe_outage(&mut self, midnight: Timestamp) {
        if let Some(days) = self.days.outage(midnight).filter(|_| midnight >= self.down_until) {
            self.down_until = keys::later(midnight, DAY_S * days);
            self.count(Kind::Outage);
            self.note(&format!("no ticks for {days} days"));
        }
    }

    /// Something happens now, or in the middle of the next run.
    fn people(&mut self, kind: Kind, at_call: Option<u64>, midnight: Timestamp) {
        let draw = self.days.happening(kind, midnight);
        let shared = Rc::clone(&self.shared);
        match at_call {
            Some(call) => shared.borrow_mut().agenda.push((call, kind, draw)),
            None => self.sim.with(|world| shared.borrow_mut().happen(world, kind, draw)),
        }
    }

    /// A tick of a job, with what may befall it.
    fn tick(&mut self, tick: Tick) {
        let (job, in_store) = (tick.job, self.days.in_store(tick));
        if let Some(count) = in_store.approved.filter(|_| job == Job::Expire) {
            self.approve_grace(count);
        }
        if in_store.is_beside {
            self.count(Kind::Beside);
            self.wait_for(&[Job::Create, Job::Offsite, Job::Expire]);
            self.run(&[Job::Create, Job::Offsite, Job::Expire], &How::by(tick));
            return;
        }
        self.wait_for(&[job]);
        if in_store.overlaps {
            self.count(Kind::Overlap);
            self.run(&[job, job], &How::by(tick));
            return;
        }
        // Time enough for a Region that is well, while another one throttles.
        let deadline_s = in_store.deadline_s.or(self.sick_alone().map(|_| SICK_DEADLINE_S));
        let (stop, doubts_after) = (in_store.stop(), in_store.doubts_after);
        self.run(&[job], &How { stop, deadline_s, doubts_after, ..How::by(tick) });
        if in_store.is_doubled {
            self.count(Kind::Doubled);
            self.run(&[job], &How { before: 1, ..How::by(tick) });
        }
    }

    /// A person has read what only a grace period keeps, and lets so much of it go at the manager's next run.
    fn approve_grace(&mut self, count: usize) {
        self.count(Kind::Approved);
        let day = day(self.now());
        let what: Vec<_> = self.sim.with(|world| {
            let regions = world.regions().cloned().collect::<Vec<_>>();
            let instances = regions.iter().flat_map(|region| world.instances(region));
            let instances: Vec<_> = instances.map(|record| Approved::Instance(record.instance.id.clone())).collect();
            instances.into_iter().chain(regions.into_iter().map(Approved::Closed)).collect()
        });
        self.approvals.retain(|approval| !what.contains(&approval.what));
        self.approvals.extend(what.into_iter().map(|what| Approval { what, day, count }));
        self.note(&format!("a person approves {count} deletes of what only a grace period keeps, of each"));
    }

    /// Two minutes lie between the last call of a job and its next look.
    pub(super) fn wait_for(&mut self, jobs: &[Job]) {
        let last = jobs.iter().filter_map(|job| self.shared.borrow().last_call.get(job).copied()).max();
        if let Some(last) = last {
            self.sim.with(|world| world.advance_to(keys::later(last, BETWEEN_RUNS_S)));
        }
    }

    /// Runs jobs at once, and writes down what became of them.
    pub(super) fn run(&mut self, jobs: &[Job], how: &How) -> Vec<Ran> {
        let started: Vec<_> = jobs.iter().enumerate().map(|(n, job)| self.start(*job, how.before + n, how)).collect();
        let all: Vec<_> = started.iter().map(|process| (process.options.clone(), process.sim.clone())).collect();
        if let Some(stop) = how.stop {
            self.sim.with(|world| world.set_stop(Some(stop)));
        }
        let ran = self.road.run(&all);
        self.sim.with(|world| {
            world.set_stop(None);
            world.take_log();
        });
        self.shared.borrow_mut().agenda.clear();
        if let Some(stop) = how.stop
            && ran.iter().any(Option::is_none)
        {
            self.count(if stop.effect { Kind::KilledAfter } else { Kind::KilledBefore });
        }
        for (process, result) in started.iter().zip(&ran) {
            self.report(process, result);
        }
        ran
    }

    fn start(&mut self, job: Job, nth: usize, how: &How) -> Started {
        self.processes += 1;
        let (now, occasion) = (self.now(), format!("{}, process {nth}", how.tick));
        let regions: Vec<Region> = self.sim.with(|world| world.regions().cloned().collect());
        let scope = if self.days.draw("scope", &occasion).chance(500) {
            Scope::Named(regions)
        } else {
            Scope::AllEnabled { ask: vec![regions[0].clone()] }
        };
        let mut options = RunOptions::new(job, scope);
        options.deadline = how.deadline_s.map(|left| keys::later(now, left));
        let mut process = Process::new(self.processes, job, now, &how.tick);
        if job == Job::Expire {
            options.config.approvals = std::mem::take(&mut self.approvals);
            process.approvals.clone_from(&options.config.approvals);
        }
        let watch = Rc::new(RefCell::new(Watch::new(Rc::clone(&self.shared), process)));
        let bystander: Rc<RefCell<dyn Bystander>> = Rc::<RefCell<Watch>>::clone(&watch);
        let mut sim = self.sim.with_bystander(bystander);
        let may_not_mark = self.shared.borrow().passing.iter().any(|(_, passing)| *passing == Passing::Unmarkable);
        if job == Job::Expire && may_not_mark {
            let account = self.sim.with(|world| world.account().clone());
            sim = sim.with_principal(Principal { deny: [Action::CreateTags].into(), ..Principal::of(account) });
        }
        if let Some(nth) = how.doubts_after {
            sim = sim.with_time_jump(keys::later(now, 86_400), nth);
            watch.borrow_mut().process.jump = sim.jump();
        }
        Started { occasion, options, watch, sim, sick: self.sick_alone() }
    }

    /// The Region that throttles most calls, where nothing else lasts that keeps calls from being done.
    fn sick_alone(&self) -> Option<Region> {
        let shared = self.shared.borrow();
        let mut lasting = shared.passing.iter().map(|(_, passing)| passing).filter(|passing| passing.is_met());
        match (lasting.next(), lasting.next()) {
            (Some(Passing::Sick(region)), None) => Some(region.clone()),
            _ => None,
        }
    }

    /// A Region that throttles costs the others nothing: with time enough, what they were to do was done or asked for.
    fn check_liveness_elsewhere(&mut self, process: &Started, report: &RunReport) {
        let (Some(sick), Some(deadline)) = (&process.sick, process.options.deadline) else { return };
        let has_time = deadline >= keys::later(process.watch.borrow().process.begun, SICK_DEADLINE_S);
        // A run that ends before its time has left what its second look was too old for.
        if !has_time || process.options.job == Job::Offsite || report.ended_at < keys::later(deadline, -60) {
            return;
        }
        let rests_elsewhere = |act: &Act| {
            let Act::Delete { rests_on, .. } = act else { return false };
            rests_on.iter().any(|copy| copy.region == *sick)
        };
        let waits = |(one, outcome): &(&Decision, &Outcome)| {
            one.region != *sick && !rests_elsewhere(&one.act) && **outcome == Outcome::Deferred(Deferred::Deadline)
        };
        if let Some((waiting, _)) = report.items().find(waits) {
            let words = format!("{:?} of {} had no time, while {sick} throttled", waiting.subject, waiting.region);
            self.breaks(Broken { rule: "liveness", words });
        }
    }

    fn report(&mut self, process: &Started, ran: &Ran) {
        self.lived.runs += 1;
        let words = match ran {
            None => "killed".to_owned(),
            Some(Err(error)) => format!("not started: {error}"),
            Some(Ok(report)) => {
                self.take_in(process, report);
                summary(report)
            }
        };
        self.note(&format!("{} {words}", process.options.job.as_str()));
    }

    fn take_in(&mut self, process: &Started, report: &RunReport) {
        if let Some(violation) = report.violations.first() {
            self.breaks(Broken { rule: "check", words: violation.to_string() });
        }
        if process.watch.borrow().process.doubts_since().is_some() {
            self.count(Kind::Clock);
            let is_said = report.findings.iter().any(|one| matches!(one.problem, Problem::TimeInDoubt { .. }));
            if !is_said || report.exit_code() != EXIT_FAILED {
                let words = "the time is in doubt, and the run does not say so".to_owned();
                self.breaks(Broken { rule: "S10", words });
            }
        }
        self.check_liveness_elsewhere(process, report);
        self.name_extras(process, report);
        self.remember(process, report);
        for (decision, outcome) in report.items() {
            // Or what EC2's throttling would have made too late.
            let is_late = matches!(outcome, Outcome::Deferred(Deferred::Deadline));
            if is_late && process.options.deadline.is_some() {
                self.count(Kind::Deadline);
            }
            if !outcome.is_done() {
                continue;
            }
            match decision.act {
                Act::Create { .. } => self.lived.created += 1,
                Act::Copy { .. } => self.lived.copied += 1,
                Act::Delete { .. } | Act::RemoveSource { .. } => self.lived.deleted += 1,
                Act::AddTags { .. } | Act::Stamp { .. } | Act::Mark { .. } => {}
                Act::Hold | Act::Keep | Act::Skip | Act::Wait => {}
            }
        }
        // A person reads the plan and approves it, some time or other.
        if self.days.draw("approval", &process.occasion).chance(500) {
            self.approve(report);
        }
    }

    /// S8: what there is more than once is named by whoever finds it done.
    fn name_extras(&mut self, process: &Started, report: &RunReport) {
        let extras = {
            let (shared, watch) = (self.shared.borrow(), process.watch.borrow());
            self.sim.with(|world| extras::seen(world, &shared.rules, &watch.process, report))
        };
        for extra in extras {
            if extra.is_said {
                self.lived.extras += 1;
            } else {
                self.breaks(Broken { rule: "S8", words: extra.words });
            }
        }
    }

    /// A run of the manager that has read everything, and of which nothing failed, has seen what was over and what not.
    fn remember(&mut self, process: &Started, report: &RunReport) {
        let process = &process.watch.borrow().process;
        let regions: Vec<Region> = self.sim.with(|world| world.regions().cloned().collect());
        let lists = [Action::DescribeInstances, Action::DescribeVolumes, Action::DescribeSnapshots];
        let has_read = regions.iter().all(|region| lists.iter().all(|list| process.has_read(region, *list)));
        let is_done = |outcome: &Outcome| outcome.is_done() || *outcome == Outcome::NothingToDo;
        if process.job == Job::Expire && has_read && report.outcomes.iter().all(is_done) {
            self.shared.borrow_mut().rules.memory.note_manager(process.begun);
        }
    }

    /// What a plan holds is let go at the manager's next run.
    pub(super) fn approve(&mut self, report: &RunReport) {
        for approval in report.plan.holds.iter().map(|hold| &hold.approval) {
            self.approvals.retain(|other| other.what != approval.what);
            self.approvals.push(approval.clone());
        }
    }

    /// Counts what has failed since the last look.
    fn count_failed(&mut self) {
        let (mut kinds, slow) = (Vec::new(), self.is_on(Kind::Slow));
        let failed = &mut self.failed;
        self.sim.with(|world| {
            for region in world.regions() {
                for record in world.snapshots(region) {
                    if slow && record.snapshot.state == SnapshotState::Pending {
                        kinds.push(Kind::Slow);
                    }
                    // A set fails once, whatever it holds.
                    let what = record.set.as_ref().unwrap_or(&record.snapshot.id);
                    if record.snapshot.state != SnapshotState::Error || !failed.insert(what.clone()) {
                        continue;
                    }
                    kinds.push(match (&record.copy_of, record.snapshot.state_message.as_deref()) {
                        (Some(_), Some(KEY_MESSAGE)) => Kind::Key,
                        (Some(_), _) => Kind::FailedCopy,
                        (None, _) if record.set.is_some() => Kind::FailedSet,
                        (None, _) => Kind::FailedSnapshot,
                    });
                }
            }
        });
        kinds.into_iter().for_each(|kind| self.count(kind));
    }

    /// From now on nothing goes wrong.
    pub(super) fn end_faults(&mut self) {
        let mut shared = self.shared.borrow_mut();
        shared.usual = Faults::default();
        shared.agenda.clear();
        let is_gone = |passing: &Passing| matches!(passing, Passing::Gone(_));
        let (still, passing) = shared.passing.drain(..).partition(|(_, passing)| is_gone(passing));
        shared.passing = still;
        let passing: Vec<(Timestamp, Passing)> = passing;
        self.sim.with(|world| {
            for (_, passing) in &passing {
                let before = Memory::before(world);
                let (words, touched) = people::pass(world, passing, Faults::default());
                shared.rules.memory.observe(world);
                shared.rules.memory.note_people(world, &before, &touched);
                touched.iter().for_each(|id| shared.rules.touch(id, world.now()));
                shared.news.push((world.now(), words));
            }
            world.config.faults = Faults::default();
            (world.config.broken_pages, world.config.set_errors) = (0, 0);
            (world.config.snapshot_errors, world.config.copy_errors) = (0, 0);
            // What is begun now is soon done, or a large account, of which some slot falls due at any hour, is never still.
            world.config.durations.base_s = world.config.durations.base_s.min(60);
        });
    }
}

fn count_calendar(lived: &mut Lived, start: Timestamp, end: Timestamp) {
    let (first, last) = (day(start), day(end));
    if first.year() != last.year() {
        lived.fired.insert(Kind::YearEnd, 1);
    }
    let leap = jiff::civil::date(2028, 2, 29);
    if first <= leap && leap <= last {
        lived.fired.insert(Kind::LeapDay, 1);
    }
}

/// A run in a line: what was done, what was not and why, and its calls.
fn summary(report: &RunReport) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (decision, outcome) in report.items().filter(|(decision, _)| decision.act.is_change()) {
        let how = match outcome {
            Outcome::NothingToDo => continue,
            Outcome::Done { .. } | Outcome::DoneAlone { .. } => "done".to_owned(),
            Outcome::Refused(said) => format!("refused by EC2 ({})", said.code),
            Outcome::Unclear(said) => format!("without a clear answer ({})", said.code),
            Outcome::Failed(said) => format!("failed ({})", said.code),
            Outcome::Changed(_) | Outcome::Deferred(_) => outcome.to_string(),
        };
        let what = format!("{} {how}", decision.act.as_str());
        *counts.entry(what).or_default() += 1;
    }
    let kept = report.plan.decisions.iter().filter(|decision| !decision.act.is_change()).count();
    let calls: u64 = report.calls.values().flat_map(BTreeMap::values).sum();
    let mut words: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    words.push(format!("{kept} stay or wait, {} findings, {calls} calls", report.findings.len()));
    words.join(", ")
}
