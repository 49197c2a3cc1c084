//! The world's time in this face: the only place in the crate where a real clock counts.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// How the world's time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// At the speed of a steady real clock, from the world's time when the server starts.
    Running,
    /// Only by the local request that moves it.
    Stopped,
}

impl Clock {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Clock::Running => "running",
            Clock::Stopped => "stopped",
        }
    }
}

/// What the world's time should be.
#[derive(Debug)]
pub(super) struct Timer {
    pub(super) clock: Clock,
    base: Timestamp,
    since: Instant,
}

impl Timer {
    #[expect(clippy::disallowed_methods, reason = "here a real clock may drive the world's")]
    pub(super) fn new(clock: Clock, now: Timestamp) -> Self {
        Self { clock, base: now, since: Instant::now() }
    }

    /// The time to which the world has to be moved.
    pub(super) fn now(&self) -> Timestamp {
        match self.clock {
            Clock::Stopped => self.base,
            Clock::Running => {
                let passed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
                self.base.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// Goes on from `time`.
    pub(super) fn set(&mut self, time: Timestamp) {
        *self = Self::new(self.clock, time);
    }
}
