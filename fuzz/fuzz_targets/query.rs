//! The form of a request in EC2's Query protocol.
#![no_main]

#[path = "../../crates/ec2sim/tests/outside/query.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|form: &[u8]| holds::holds(form));
