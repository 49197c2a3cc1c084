//! Schedules, slots and approvals.
#![no_main]

#[path = "../../crates/core/tests/common/mod.rs"]
mod common;
#[path = "../../crates/core/tests/outside/schedule.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|text: &str| holds::holds(text));
