//! The event of a function's invocation.
#![no_main]

// The lambda crate stands on the AWS SDK; this file of it does not.
#[path = "../../crates/lambda/src/event.rs"]
mod event;
#[path = "../../crates/lambda/src/outside/event.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|text: &str| holds::holds(text));
