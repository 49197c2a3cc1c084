//! One invocation: when it may begin, how long it may take, and what it answers.
//!
//! Lambda kills a function at its deadline, in the middle of whatever it does, and the report is lost. So there are two
//! ends before that one. At the first, no more calls go out ([`Times::calls_left`]); what is in flight has the time of
//! one answer. At the second, the run is given up ([`Times::run_left`]): that is said, and the next tick sees what had
//! happened.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use snapwarden_aws::{Aws, Options, SetupError};
use snapwarden_core::decision::Job;
use snapwarden_core::policy::Config;
use snapwarden_core::report::EXIT_FAILED;
use snapwarden_exec::cloud::Cloud;
use snapwarden_exec::collect::Scope;
use snapwarden_exec::pacing::{Pacer, Stop};
use snapwarden_exec::run::{Prepared, RunError, RunOptions, calls_since, first_answer, prepare, run};

use crate::event::{EventError, Wish, read};
use crate::log::Log;
use crate::metrics;
use crate::settings::{Mode, Place, SettingError, Settings};
use crate::summary::Summary;

/// How long one answer of EC2 may take. Shorter than the command's: it must fit between the last call and the end.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// What is kept free after the last call, where there is as much.
const RESERVE_MAX: Duration = Duration::from_secs(35);
/// What is kept free for the report where the run has to be given up.
const REPORT: Duration = Duration::from_secs(1);
/// What was changed may be unseen for so long (S8: "two minutes after the last call of the one before").
const TOO_SOON: SignedDuration = SignedDuration::from_mins(2);

/// A function, for the life of its process.
pub(crate) struct Function {
    job: Job,
    name: String,
    settings: Result<Settings, SettingError>,
    aws: Result<Aws, SetupError>,
    /// EC2's now after the last run that changed something.
    changed_at: Cell<Option<Timestamp>>,
}

/// Why an invocation fails. The words are fixed: alarms and filters may rest on them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    BadEvent(#[from] EventError),
    #[error(transparent)]
    BadSettings(#[from] SettingError),
    #[error(transparent)]
    NoAws(#[from] SetupError),
    #[error(transparent)]
    NotStarted(#[from] RunError),
    #[error("the event asks for dry_run false, and the function is set to dry run; set SNAPWARDEN_MODE=apply")]
    DryRunOnly,
    #[error("the safety check dropped items of the plan ({dropped}), and they were not done; the log has each")]
    Dropped { dropped: usize },
    #[error("{failed} items failed, and {findings} findings are in the log")]
    ItemsFailed { failed: usize, findings: usize },
    #[error("the run was given up before Lambda's deadline; what it did is in the log, the next tick does the rest")]
    OutOfTime,
}

impl Failure {
    fn word(&self) -> &'static str {
        match self {
            Failure::BadEvent(_) | Failure::DryRunOnly => "Snapwarden.BadEvent",
            Failure::BadSettings(_) => "Snapwarden.BadSettings",
            Failure::NoAws(_) | Failure::NotStarted(_) => "Snapwarden.NotStarted",
            Failure::Dropped { .. } => "Snapwarden.Dropped",
            Failure::ItemsFailed { .. } => "Snapwarden.ItemsFailed",
            Failure::OutOfTime => "Snapwarden.OutOfTime",
        }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Diagnostic { error_type: failure.word().to_owned(), error_message: failure.to_string() }
    }
}

/// What is left of an invocation's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    /// Until the last call goes out.
    calls_left: Duration,
    /// Until the run is given up.
    run_left: Duration,
}

impl Times {
    /// Of an invocation that ends at `deadline_ms`, by the clock that says `now_ms` (both Lambda's, since 1970). None
    /// where that has passed before it began: whoever sends such a deadline (`cargo lambda watch` does) has none.
    fn of(deadline_ms: u64, now_ms: u64) -> Option<Self> {
        let left = Duration::from_millis(deadline_ms.checked_sub(now_ms).filter(|left| *left > 0)?);
        let calls_left = left - RESERVE_MAX.min(left / 4);
        Some(Self { calls_left, run_left: left.saturating_sub(REPORT).max(calls_left) })
    }
}

/// Lambda's own clock, since its deadlines are given by it. Nothing is decided by it (S10).
fn machine_now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

impl Function {
    /// Reads the settings and finds the credentials. What is wrong with them is said at each invocation.
    pub(crate) async fn new(job: Job) -> Self {
        let settings = Settings::read(job, |name| std::env::var(name).ok());
        let aws = Aws::load(Options { answer_max: ANSWER_MAX, ..Options::default() }).await;
        let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| job.as_str().to_owned());
        Self { job, name, settings, aws, changed_at: Cell::new(None) }
    }

    /// Makes one run and answers with its summary.
    pub(crate) async fn invoke(&self, event: LambdaEvent<Value>) -> Result<Value, Failure> {
        let log = Log { request_id: &event.context.request_id };
        let times = Times::of(event.context.deadline, machine_now_ms());
        if times.is_none() {
            log.say("WARN", "the deadline has passed before the start and is not believed", json!({}));
        }
        let answer = match times {
            None => self.answer(event.payload, &log, None).await,
            Some(times) => {
                let answer = self.answer(event.payload, &log, Some(times.calls_left));
                tokio::time::timeout(times.run_left, answer).await.unwrap_or(Err(Failure::OutOfTime))
            }
        };
        if let Err(failure) = &answer {
            log.say("ERROR", "failed", json!({"errorType": failure.word(), "error": failure.to_string()}));
        }
        answer
    }

    async fn answer(&self, event: Value, log: &Log<'_>, calls_left: Option<Duration>) -> Result<Value, Failure> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let aws = self.aws.as_ref().map_err(Clone::clone)?;
        let wish = read(event, self.job)?;
        let mode = mode(settings.mode, wish.dry_run)?;
        let options = self.options(settings, &wish, aws);
        let asked = tokio::time::Instant::now();
        let now = first_answer(aws, &options.scope).await?;
        let deadline = calls_left.and_then(|left| {
            let left = SignedDuration::try_from(left.saturating_sub(asked.elapsed())).ok()?;
            now.checked_add(left).ok()
        });
        let options = RunOptions { deadline, ..options };
        let summary = match mode {
            Mode::DryRun => self.dry_run(aws, &options, log).await?,
            Mode::Apply => match self.changed_at.get().and_then(|changed_at| too_soon(changed_at, now)) {
                Some(answer) => {
                    log.say("INFO", "too soon", answer.clone());
                    return Ok(answer);
                }
                None => self.apply(aws, &options, log).await?,
            },
        };
        for line in metrics::lines(&summary, &self.name, settings.all_metrics) {
            crate::log::line(&line);
        }
        let answer = json!(summary);
        log.say("INFO", "summary", answer.clone());
        failure(&summary).map_or(Ok(answer), Err)
    }

    fn options(&self, settings: &Settings, wish: &Wish, aws: &Aws) -> RunOptions {
        let own = aws.default_region().clone();
        let scope = match (&wish.regions, &settings.place) {
            (Some(regions), _) | (None, Place::Named(regions)) => Scope::Named(regions.clone()),
            (None, Place::Own) => Scope::Named(vec![own]),
            (None, Place::All) => Scope::all_enabled(own),
        };
        let config = Config { slot: wish.slot, approvals: wish.approvals.clone(), ..settings.config.clone() };
        RunOptions { config, ..RunOptions::new(self.job, scope) }
    }

    async fn dry_run(&self, aws: &Aws, options: &RunOptions, log: &Log<'_>) -> Result<Summary, RunError> {
        let before = aws.calls();
        let pacer = Pacer::new(aws, options.deadline, Stop::default());
        let Prepared { plan, violations, .. } = prepare(&pacer, options, log).await?;
        log.would_do(&plan);
        log.findings(&plan.findings);
        Ok(Summary::of_plan(&plan, &violations, &calls_since(&before, &aws.calls()), aws.now()))
    }

    async fn apply(&self, aws: &Aws, options: &RunOptions, log: &Log<'_>) -> Result<Summary, RunError> {
        let _noted = NoteChanges { function: self, aws, before: changes(aws) };
        let report = run(aws, options, log).await?;
        log.findings(&report.findings);
        Ok(Summary::of_report(&report))
    }
}

/// The answer where what a run has changed may not be visible yet. The next one's first answer may be dated a little before it, in
/// whole seconds and by another Region; one that is older proves nothing, and would keep all runs from starting.
fn too_soon(changed_at: Timestamp, now: Timestamp) -> Option<Value> {
    let age = now.duration_since(changed_at);
    let is_soon = (-TOO_SOON..TOO_SOON).contains(&age);
    is_soon.then(|| json!({"too_soon": true, "wait_s": (TOO_SOON - age).as_secs() + 1}))
}

/// Why a run fails its invocation, if it does. What waits for a person's approval is a metric, and no failure.
fn failure(summary: &Summary) -> Option<Failure> {
    if summary.exit_code != EXIT_FAILED {
        return None;
    }
    if !summary.dropped.is_empty() {
        return Some(Failure::Dropped { dropped: summary.dropped.len() });
    }
    let failed = summary.regions.values().map(|numbers| numbers.failed).sum();
    Some(Failure::ItemsFailed { failed, findings: summary.findings_in_all })
}

fn mode(set: Mode, dry_run: Option<bool>) -> Result<Mode, Failure> {
    match (set, dry_run) {
        (Mode::DryRun, Some(false)) => Err(Failure::DryRunOnly),
        (Mode::DryRun, None | Some(true)) | (Mode::Apply, Some(true)) => Ok(Mode::DryRun),
        (Mode::Apply, None | Some(false)) => Ok(Mode::Apply),
    }
}

/// Calls so far that changed something.
fn changes(aws: &Aws) -> u64 {
    aws.calls().iter().filter(|((_, action), _)| action.is_change()).map(|(_, count)| count).sum()
}

/// Notes when a run has changed something, also where it is given up in the middle.
struct NoteChanges<'a> {
    function: &'a Function,
    aws: &'a Aws,
    before: u64,
}

impl Drop for NoteChanges<'_> {
    fn drop(&mut self) {
        if changes(self.aws) > self.before {
            self.function.changed_at.set(Some(self.aws.now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use snapwarden_core::check::{Rule, Violation};
    use snapwarden_core::decision::Plan;

    use super::*;

    const NOW_MS: u64 = 1_795_320_000_000;

    #[test]
    fn a_run_within_two_minutes_of_a_change_is_too_soon_and_one_whose_time_is_long_before_it_is_not() {
        let changed_at: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let wait =
            |now: &str| too_soon(changed_at, now.parse().unwrap()).map(|answer| answer["wait_s"].as_i64().unwrap());
        assert_eq!(wait("2026-11-22T03:00:00Z"), Some(TOO_SOON.as_secs() + 1));
        assert_eq!(wait("2026-11-22T03:01:59Z"), Some(2));
        assert_eq!(wait("2026-11-22T03:02:00Z"), None);
        assert_eq!(wait("2026-11-22T02:59:59Z"), Some(TOO_SOON.as_secs() + 2));
        for before in ["2026-11-12T04:00:00Z", "2026-11-22T02:57:59Z"] {
            assert_eq!(wait(before), None, "{before}");
        }
    }

    fn times(left_ms: u64) -> (u64, u64) {
        let times = Times::of(NOW_MS + left_ms, NOW_MS).unwrap();
        (times.calls_left.as_millis() as u64, times.run_left.as_millis() as u64)
    }

    #[test]
    fn a_run_ends_in_time_for_its_report() {
        assert_eq!(times(720_000), (685_000, 719_000), "one answer fits between the last call and the end");
        assert_eq!(times(10_000), (7_500, 9_000));
        assert_eq!(times(1_000), (750, 750));
        assert_eq!(times(1), (0, 0), "there is no time, and nothing is negative");
        assert!(RESERVE_MAX > ANSWER_MAX + REPORT);
    }

    #[test]
    fn a_deadline_that_has_passed_before_the_start_is_not_believed() {
        assert_eq!(Times::of(NOW_MS, NOW_MS), None);
        assert_eq!(Times::of(0, NOW_MS), None, "1970");
        assert!(Times::of(u64::MAX, NOW_MS).is_some());
    }

    /// An empty plan of which the check dropped `violations`.
    fn summary(violations: &[Violation]) -> Summary {
        let plan = json!({
            "job": "expire", "account": "123456789012", "taken_at": "2026-11-22T04:00:00Z",
            "regions": ["us-east-1"], "decisions": [], "findings": [],
        });
        let plan: Plan = serde_json::from_value(plan).unwrap();
        Summary::of_plan(&plan, violations, &Default::default(), plan.taken_at)
    }

    #[test]
    fn what_the_safety_check_dropped_fails_the_invocation_by_a_word_of_its_own() {
        let region = "us-east-1".parse().unwrap();
        let dropped = Violation { rule: Rule::S2, region, subject: None, text: "snap-1 is pinned".to_owned() };
        let failed = failure(&summary(&[dropped])).unwrap();
        assert_eq!((failed.word(), failed.to_string().contains("(1)")), ("Snapwarden.Dropped", true), "{failed}");
        assert!(failure(&summary(&[])).is_none());
    }

    #[test]
    fn an_event_can_ask_for_a_dry_run_and_never_for_the_end_of_one() {
        assert_eq!(mode(Mode::DryRun, None).unwrap(), Mode::DryRun);
        assert_eq!(mode(Mode::Apply, Some(true)).unwrap(), Mode::DryRun);
        assert_eq!(mode(Mode::Apply, None).unwrap(), Mode::Apply);
        assert_eq!(mode(Mode::Apply, Some(false)).unwrap(), Mode::Apply);
        assert_eq!(mode(Mode::DryRun, Some(false)).unwrap_err().word(), "Snapwarden.BadEvent");
    }
}
