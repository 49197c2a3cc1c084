//! The readers of tags: what they take, and what they make of what they cannot take.
#![no_main]

#[path = "../../crates/core/tests/common/mod.rs"]
mod common;
#[path = "../../crates/core/tests/outside/tags.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|text: &str| holds::holds(text));
