//! Lists of Regions, of a tag and of a function's environment; ids of all kinds.
#![no_main]

#[path = "../../crates/core/tests/common/mod.rs"]
mod common;
#[path = "../../crates/core/tests/outside/regions.rs"]
mod holds;
#[path = "../../crates/lambda/src/outside/settings.rs"]
mod of_settings;
// The lambda crate stands on the AWS SDK; this file of it does not.
#[path = "../../crates/lambda/src/settings.rs"]
mod settings;

libfuzzer_sys::fuzz_target!(|text: &str| {
    holds::holds(text);
    of_settings::holds(text);
});
