//! EC2's now (S10): from the `Date` header of its answers, good or bad, moved on by this machine's steady clock.
//!
//! This machine's date is never looked at. Before the first answer the clock stands at 1970 and moves on from there:
//! enough to pause by, and nothing can be due by it. Nothing is decided by it either, because `client` gives out no
//! answer and sends no change while EC2's time is not known. So a deadline is set after the first answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_ec2::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::ids::Region;
use snapwarden_exec::cloud::TimeJump;

/// The answers of one run may be so far apart: by so much the clock may use up the time of a run in all Regions, or be late for a
/// slot. Further apart, one of them is of a cache, a proxy or a broken endpoint.
const APART_MAX: SignedDuration = SignedDuration::from_mins(2);
/// The clock may be set while somebody sleeps by it: it is looked at this often.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// EC2's clock.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    heard: Option<Heard>,
    /// What this run has heard; none before its first answer, which is believed.
    run: Option<Run>,
    jump: Option<TimeJump>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    first: Heard,
    /// How far the answers were from the first one, moved on: from the least to the most.
    least: SignedDuration,
    most: SignedDuration,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    date: Timestamp,
    at: Instant,
}

impl Heard {
    /// By the steady clock.
    fn moved_on(&self, at: Instant) -> Timestamp {
        let passed = SignedDuration::try_from(at.saturating_duration_since(self.at)).unwrap_or(SignedDuration::MAX);
        self.date.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), state: Mutex::default() }
    }

    /// Whether EC2 has said what time it is.
    pub(crate) fn is_set(&self) -> bool {
        self.heard().is_some()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now_at(Instant::now())
    }

    fn now_at(&self, at: Instant) -> Timestamp {
        self.heard().unwrap_or(Heard { date: Timestamp::UNIX_EPOCH, at: self.started }).moved_on(at)
    }

    /// See [`snapwarden_exec::cloud::Cloud::begin`].
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        (state.run, state.jump) = (None, None);
    }

    pub(crate) fn jump(&self) -> Option<TimeJump> {
        self.state().jump.clone()
    }

    /// Takes the date of an answer that came at `at`. Within a run it never goes back: a look would hold for longer than it does,
    /// and whoever waits for a time would wait for longer.
    fn hear(&self, region: &Region, date: Timestamp, at: Instant) {
        let (now, mut state) = (self.now_at(at), self.state());
        let heard = Heard { date, at };
        let Some(run) = &mut state.run else {
            let none = SignedDuration::ZERO;
            (state.heard, state.run) = (Some(heard), Some(Run { first: heard, least: none, most: none }));
            return;
        };
        let by_first = run.first.moved_on(at);
        let off = date.duration_since(by_first);
        let furthest = if off < run.least { run.most } else { run.least };
        if off.saturating_sub(furthest).abs() > APART_MAX {
            let expected = by_first.saturating_add(furthest).unwrap_or(by_first);
            state.jump.get_or_insert_with(|| TimeJump { region: region.clone(), said: date, expected });
            return;
        }
        (run.least, run.most) = (run.least.min(off), run.most.max(off));
        if date > now {
            state.heard = Some(heard);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) -> Option<Heard> {
        self.state().heard
    }

    /// Returns when it is `time` by this clock; never later than it looked at first, should the clock be set back.
    pub(crate) async fn sleep_until(&self, time: Timestamp) {
        let Some(longest) = self.left_at(time, Instant::now()) else { return };
        let begun = Instant::now();
        while let (Some(left), Some(rest)) =
            (self.left_at(time, Instant::now()), longest.checked_sub(begun.elapsed()).filter(|rest| !rest.is_zero()))
        {
            tokio::time::sleep(left.min(rest).min(SLEEP_MAX)).await;
        }
    }

    /// What is left until `time`; none where it has come.
    fn left_at(&self, time: Timestamp, at: Instant) -> Option<Duration> {
        Duration::try_from(time.duration_since(self.now_at(at))).ok().filter(|left| !left.is_zero())
    }
}

/// Reads the clock off every answer.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) clock: Arc<Clock>,
    pub(crate) region: Region,
}

impl Intercept for Listener {
    fn name(&self) -> &'static str {
        "Listener"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date").and_then(read_date) {
            self.clock.hear(&self.region, date, Instant::now());
        }
        Ok(())
    }
}

fn read_date(text: &str) -> Option<Timestamp> {
    let date = DateTime::from_str(text, Format::HttpDate).ok()?;
    Timestamp::from_second(date.secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn here() -> Region {
        "us-east-1".parse().unwrap()
    }

    fn after(clock: &Clock, ms: u64) -> Instant {
        clock.started + Duration::from_millis(ms)
    }

    #[test]
    fn before_the_first_answer_nothing_can_be_due() {
        let clock = Clock::new();
        assert!(!clock.is_set());
        assert_eq!(clock.now_at(after(&clock, 1_500)), time("1970-01-01T00:00:01.5Z"));
    }

    #[test]
    fn it_moves_on_steadily_from_the_last_date() {
        let clock = Clock::new();
        clock.hear(&here(), time("2026-11-22T10:00:00Z"), after(&clock, 500));
        assert!(clock.is_set());
        assert_eq!(clock.now_at(after(&clock, 2_750)), time("2026-11-22T10:00:02.25Z"));
        clock.hear(&here(), time("2026-11-22T10:00:03Z"), after(&clock, 2_750));
        assert_eq!(clock.now_at(after(&clock, 2_750)), time("2026-11-22T10:00:03Z"));
    }

    #[test]
    fn within_a_run_it_never_goes_back() {
        let clock = Clock::new();
        clock.hear(&here(), time("2026-11-22T10:00:00Z"), after(&clock, 0));
        clock.hear(&here(), time("2026-11-22T10:00:00Z"), after(&clock, 900));
        assert_eq!(clock.now_at(after(&clock, 900)), time("2026-11-22T10:00:00.9Z"));
        clock.hear(&here(), time("2026-11-22T09:59:30Z"), after(&clock, 900));
        assert_eq!(clock.now_at(after(&clock, 900)), time("2026-11-22T10:00:00.9Z"));
        clock.hear(&here(), time("2026-11-22T10:01:00Z"), after(&clock, 900));
        assert_eq!(clock.now_at(after(&clock, 900)), time("2026-11-22T10:01:00Z"));
        assert_eq!(clock.jump(), None);
    }

    #[test]
    fn within_a_run_answers_that_are_more_than_two_minutes_apart_are_a_jump_whatever_the_first_said() {
        let clock = Clock::new();
        for said in ["10:00:00", "09:58:30", "10:00:30", "10:00:31"] {
            assert_eq!(clock.jump(), None);
            clock.hear(&here(), time(&format!("2026-11-22T{said}Z")), after(&clock, 0));
        }
        let (said, expected) = (time("2026-11-22T10:00:31Z"), time("2026-11-22T09:58:30Z"));
        assert_eq!(clock.jump(), Some(TimeJump { region: here(), said, expected }), "the one that is furthest off");
    }

    #[test]
    fn within_a_run_a_jump_is_not_believed_and_a_new_run_believes_its_first_answer() {
        for far in ["2026-11-22T10:02:02Z", "2026-11-22T09:57:59Z", "2030-01-01T00:00:00Z", "2019-01-01T00:00:00Z"] {
            let clock = Clock::new();
            clock.hear(&here(), time("2026-11-22T10:00:00Z"), after(&clock, 0));
            clock.hear(&here(), time(far), after(&clock, 500));
            let jump = TimeJump { region: here(), said: time(far), expected: time("2026-11-22T10:00:00.5Z") };
            assert_eq!(clock.jump(), Some(jump.clone()), "{far}");
            assert_eq!(clock.now_at(after(&clock, 500)), time("2026-11-22T10:00:00.5Z"), "{far}");
            clock.hear(&here(), time("2026-11-22T10:00:02Z"), after(&clock, 1_500));
            assert_eq!(clock.jump(), Some(jump), "what was once in doubt stays so in this run");
            clock.begin();
            clock.hear(&here(), time(far), after(&clock, 2_000));
            assert_eq!((clock.jump(), clock.now_at(after(&clock, 2_000))), (None, time(far)));
        }
    }

    #[test]
    fn what_is_left_is_counted_by_it() {
        let clock = Clock::new();
        clock.hear(&here(), time("2026-11-22T10:00:00Z"), after(&clock, 0));
        let left = |text, ms| clock.left_at(time(text), after(&clock, ms));
        assert_eq!(left("2026-11-22T10:00:15Z", 5_000), Some(Duration::from_secs(10)));
        assert_eq!(left("2026-11-22T10:00:05Z", 5_000), None);
        assert_eq!(left("2026-11-22T09:00:00Z", 5_000), None);
    }

    #[test]
    fn only_an_http_date_is_a_date() {
        assert_eq!(read_date("Sun, 22 Nov 2026 10:00:00 GMT"), Some(time("2026-11-22T10:00:00Z")));
        for bad in ["", "2026-11-22T10:00:00Z", "1795341600", "Sun, 99 Nov 2026 10:00:00 GMT", "\u{7f}"] {
            assert_eq!(read_date(bad), None, "{bad:?}");
        }
    }
}
