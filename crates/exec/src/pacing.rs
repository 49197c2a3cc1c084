//! When a call may go out, and whether it may go out again.
//!
//! AWS counts calls in a token bucket per action, account and Region, and other tools of the account drink from the
//! same buckets. So the sizes below are where a run starts, and every throttle answer makes it slower.
//!
//! What may be tried again is decided by what the answer proves. CreateSnapshot, CreateSnapshots and CopySnapshot have
//! no client token: a second try after a lost reply makes a second snapshot. They are tried again only where nothing
//! was made for certain. Reads, deletes and tag writes may be repeated.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::ids::Region;

use crate::cloud::{Action, Cloud, CloudError, ErrorKind, NO_ANSWER};

/// Tries of one call, the first included.
const TRIES_MAX: u32 = 6;
/// Tries of the call that a run begins with, and of a listing that is not answered. A wrong endpoint is said within seconds; the
/// next tick looks again.
const FIRST_TRIES_MAX: u32 = 3;
/// The pause after the first throttle answer; it doubles with each.
const PAUSE_MS: i64 = 1_000;
/// The longest pause.
const PAUSE_MS_MAX: i64 = 20_000;
/// The slowest that a bucket gets: one call in four seconds.
const RATE_MILLI_MIN: i64 = 250;
/// While a call waits for its turn, or a read for its answer, it is looked this often whether the run was told to stop.
const STOP_LOOK_MS: i64 = 1_000;

/// A call that was not made, or did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The run's time is over, or what the call rests on is too old. A change was not sent, a read is not waited for.
    #[error("the run's time is over")]
    Deadline,
    /// The run was told to stop. A change was not sent, a read is not waited for.
    #[error("the run was told to stop")]
    Stopped,
    /// EC2's answers disagree about the time, so nothing is changed any more: nothing was sent.
    #[error("EC2's answers disagree about the time")]
    TimeInDoubt,
    /// EC2's answer, or that there was none.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

/// The documented size and refill per second of an action's bucket (EC2 developer guide, ec2-api-throttling; actions
/// without a row of their own have the default of their category).
fn bucket_of(action: Action) -> (i64, i64) {
    match action {
        Action::DescribeInstances | Action::DescribeVolumes | Action::DescribeSnapshots => (100, 20),
        Action::DescribeRegions | Action::GetCallerIdentity => (100, 20),
        Action::CreateSnapshot | Action::CreateSnapshots | Action::DeleteSnapshot => (100, 5),
        Action::CreateTags => (100, 10),
        Action::CopySnapshot => (50, 5),
    }
}

/// Whether a second try of `action` can do harm after an answer of this kind.
fn may_try_again(action: Action, kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Throttled | ErrorKind::Unavailable => true,
        ErrorKind::Ambiguous => match action {
            Action::CreateSnapshot | Action::CreateSnapshots | Action::CopySnapshot => false,
            Action::GetCallerIdentity | Action::DescribeRegions | Action::DescribeInstances => true,
            Action::DescribeVolumes | Action::DescribeSnapshots => true,
            Action::DeleteSnapshot | Action::CreateTags => true,
        },
        ErrorKind::RateExceeded | ErrorKind::VolumeLimitReached | ErrorKind::LimitReached => false,
        // A tag on a snapshot that was made a second ago: EC2 may not see it yet.
        ErrorKind::NotFound => action == Action::CreateTags,
        ErrorKind::Refused | ErrorKind::Unauthorized | ErrorKind::Invalid | ErrorKind::Unknown => false,
    }
}

/// A token bucket, counted in thousandths of a call so that no floating point is needed.
#[derive(Debug)]
struct Bucket {
    milli: i64,
    size_milli: i64,
    rate_milli: i64,
    rate_milli_max: i64,
    at: Timestamp,
    shrunk_at: Option<Timestamp>,
}

impl Bucket {
    fn full(action: Action, now: Timestamp) -> Self {
        let (size, rate) = bucket_of(action);
        let (size_milli, rate_milli) = (size * 1_000, rate * 1_000);
        Bucket { milli: size_milli, size_milli, rate_milli, rate_milli_max: rate_milli, at: now, shrunk_at: None }
    }

    fn refill(&mut self, now: Timestamp) {
        let passed_ms = (now.as_millisecond() - self.at.as_millisecond()).max(0);
        self.milli = (self.milli + passed_ms.saturating_mul(self.rate_milli) / 1_000).min(self.size_milli);
        self.at = self.at.max(now);
    }

    /// Takes one call out, on credit where there is none, and says when it may go out. Credit is what keeps callers in
    /// the order in which they asked.
    fn take(&mut self, now: Timestamp) -> Timestamp {
        self.refill(now);
        self.milli -= 1_000;
        let wait_ms = if self.milli >= 0 { 0 } else { (-self.milli * 1_000 + self.rate_milli - 1) / self.rate_milli };
        plus_ms(now, wait_ms)
    }

    fn give_back(&mut self) {
        self.milli = (self.milli + 1_000).min(self.size_milli);
    }

    /// The answers to calls that left together are one answer: eight of them do not halve the rate eight times.
    fn throttled(&mut self, now: Timestamp) {
        if self.shrunk_at.is_none_or(|at| now.as_millisecond() - at.as_millisecond() >= PAUSE_MS) {
            self.rate_milli = (self.rate_milli / 2).max(RATE_MILLI_MIN);
            self.shrunk_at = Some(now);
        }
        self.milli = self.milli.min(0);
    }

    fn succeeded(&mut self) {
        self.rate_milli = (self.rate_milli + self.rate_milli_max / 50).min(self.rate_milli_max);
    }
}

/// A listing that is not answered is waited for as long as an answer may take, and the plan of all Regions waits with it.
fn tries_max(action: Action, error: &CloudError) -> u32 {
    let is_unanswered = !action.is_change() && error.code == NO_ANSWER;
    if action == Action::GetCallerIdentity || is_unanswered { FIRST_TRIES_MAX } else { TRIES_MAX }
}

/// Tells a run to stop (Ctrl-C): changes in flight are finished, nothing more goes out, and the run reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stop(Rc<Cell<bool>>);

impl Stop {
    /// From now on.
    pub fn stop(&self) {
        self.0.set(true);
    }

    /// Whether it was told.
    pub fn is_told(&self) -> bool {
        self.0.get()
    }
}

/// Lets the calls of one run out in time.
pub struct Pacer<'c, C> {
    cloud: &'c C,
    deadline: Option<Timestamp>,
    stop: Stop,
    buckets: RefCell<BTreeMap<(Region, Action), Bucket>>,
}

impl<'c, C: Cloud> Pacer<'c, C> {
    /// A pacer with full buckets; at `deadline`, or once told to stop, it lets no more calls out.
    pub fn new(cloud: &'c C, deadline: Option<Timestamp>, stop: Stop) -> Self {
        Self { cloud, deadline, stop, buckets: RefCell::default() }
    }

    /// When half of the time that the run has left is over; never where it has no end.
    pub fn half_time(&self) -> Timestamp {
        let now = self.cloud.now();
        let left = self.deadline.map(|deadline| deadline.duration_since(now) / 2);
        left.map_or(Timestamp::MAX, |left| now.saturating_add(left).unwrap_or(Timestamp::MAX))
    }

    /// The seam behind it.
    pub fn cloud(&self) -> &'c C {
        self.cloud
    }

    /// Makes one call when its bucket allows, and again while that is safe and helps.
    pub async fn call<T>(
        &self,
        region: &Region,
        action: Action,
        request: impl AsyncFn() -> Result<T, CloudError>,
    ) -> Result<T, CallError> {
        self.call_by(region, action, Timestamp::MAX, request).await
    }

    /// The same, but nothing is sent at `by` or after it, and no read is waited for: what the call rests on is too old then.
    pub async fn call_by<T>(
        &self,
        region: &Region,
        action: Action,
        by: Timestamp,
        request: impl AsyncFn() -> Result<T, CloudError>,
    ) -> Result<T, CallError> {
        let mut unclear = None;
        // Boxed: each job is one future of all that it waits for, and the compiler does not look into it endlessly deep.
        let answer = Box::pin(self.tries(region, action, by, request, &mut unclear)).await;
        // What may have happened stays so, whatever keeps it from being asked again.
        answer.map_err(|error| unclear.map_or(error, CallError::Cloud))
    }

    /// The tries of one call. `unclear`: the error of a change that may have happened all the same.
    async fn tries<T>(
        &self,
        region: &Region,
        action: Action,
        by: Timestamp,
        request: impl AsyncFn() -> Result<T, CloudError>,
        unclear: &mut Option<CloudError>,
    ) -> Result<T, CallError> {
        let by = self.deadline.map_or(by, |deadline| deadline.min(by));
        let mut tried = 0;
        loop {
            self.wait_for_turn(region, action, by).await?;
            if action.is_change() && self.cloud.time_jump().is_some() {
                return Err(CallError::TimeInDoubt);
            }
            let answer = if action.is_change() {
                request().await
            } else {
                // What is only read is not waited for once its time is over, or the run is told to stop. What is there by then is
                // taken.
                match select(pin!(request()), pin!(self.pause_until(plus_ms(by, 1)))).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right((ended, _)) => return Err(ended.err().unwrap_or(CallError::Deadline)),
                }
            };
            let error = match answer {
                Ok(answer) => {
                    self.with_bucket(region, action, Bucket::succeeded);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if error.kind == ErrorKind::Throttled {
                let now = self.cloud.now();
                self.with_bucket(region, action, |bucket| bucket.throttled(now));
            }
            tried += 1;
            match error.kind {
                ErrorKind::Ambiguous if action.is_change() => *unclear = Some(error.clone()),
                ErrorKind::Ambiguous | ErrorKind::Throttled | ErrorKind::Unavailable => {}
                // The answer is about what is there now, whatever came of the try before.
                ErrorKind::RateExceeded
                | ErrorKind::VolumeLimitReached
                | ErrorKind::LimitReached
                | ErrorKind::NotFound
                | ErrorKind::Refused
                | ErrorKind::Unauthorized
                | ErrorKind::Invalid
                | ErrorKind::Unknown => *unclear = None,
            }
            if tried >= tries_max(action, &error) || !may_try_again(action, error.kind) {
                return Err(CallError::Cloud(error));
            }
            let pause_ms = (PAUSE_MS << tried.min(16)).min(PAUSE_MS_MAX) / 2;
            let until = plus_ms(self.cloud.now(), pause_ms);
            if until >= by {
                return Err(CallError::Cloud(error));
            }
            self.pause_until(until).await?;
        }
    }

    async fn wait_for_turn(&self, region: &Region, action: Action, by: Timestamp) -> Result<(), CallError> {
        let now = self.cloud.now();
        if self.stop.is_told() {
            return Err(CallError::Stopped);
        }
        if now >= by {
            return Err(CallError::Deadline);
        }
        let turn = self.with_bucket(region, action, |bucket| bucket.take(now));
        if turn >= by {
            self.with_bucket(region, action, Bucket::give_back);
            return Err(CallError::Deadline);
        }
        self.pause_until(turn).await
    }

    async fn pause_until(&self, time: Timestamp) -> Result<(), CallError> {
        loop {
            let now = self.cloud.now();
            if self.stop.is_told() {
                return Err(CallError::Stopped);
            }
            if now >= time {
                return Ok(());
            }
            self.cloud.sleep_until(time.min(plus_ms(now, STOP_LOOK_MS))).await;
        }
    }

    fn with_bucket<T>(&self, region: &Region, action: Action, f: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.buckets.borrow_mut();
        let now = self.cloud.now();
        f(buckets.entry((region.clone(), action)).or_insert_with(|| Bucket::full(action, now)))
    }
}

fn plus_ms(time: Timestamp, ms: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_millis(ms)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn a_burst_goes_out_at_once_and_the_rest_at_the_refill_rate() {
        let mut bucket = Bucket::full(Action::DeleteSnapshot, at(0));
        let turns: Vec<_> = (0..110).map(|_| bucket.take(at(0)).as_millisecond()).collect();
        assert!(turns[..100].iter().all(|turn| *turn == 0));
        assert_eq!(&turns[100..103], &[200, 400, 600], "5 a second: one every 200 ms");
    }

    #[test]
    fn a_throttle_answer_halves_the_rate_and_success_gives_it_back_slowly() {
        let mut bucket = Bucket::full(Action::DeleteSnapshot, at(0));
        for ms in [0, 10, 999] {
            bucket.throttled(at(ms));
            assert_eq!((bucket.rate_milli, bucket.milli), (2_500, 0), "one burst of answers is one answer");
        }
        for second in 1..20 {
            bucket.throttled(at(second * 1_000));
        }
        assert_eq!(bucket.rate_milli, RATE_MILLI_MIN);
        for _ in 0..100 {
            bucket.succeeded();
        }
        assert_eq!(bucket.rate_milli, 5_000);
    }

    #[test]
    fn what_makes_something_is_never_tried_again_after_no_answer() {
        for action in [Action::CreateSnapshot, Action::CreateSnapshots, Action::CopySnapshot] {
            assert!(!may_try_again(action, ErrorKind::Ambiguous), "{action}");
            assert!(may_try_again(action, ErrorKind::Throttled), "{action}");
            assert!(may_try_again(action, ErrorKind::Unavailable), "{action}");
            assert!(!may_try_again(action, ErrorKind::RateExceeded), "{action}");
            assert!(!may_try_again(action, ErrorKind::Unknown), "{action}");
        }
        assert!(may_try_again(Action::DeleteSnapshot, ErrorKind::Ambiguous));
    }
}
