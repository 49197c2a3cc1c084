//! What the AWS CLI printed of an account: the first byte says which file of a good dump the rest takes the place of.
#![no_main]

#[path = "../../crates/ec2sim/tests/outside/dump.rs"]
mod holds;

use std::path::PathBuf;
use std::sync::LazyLock;

/// One folder a process.
static FOLDER: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("snapwarden-fuzz-dump-{}", std::process::id())));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some((which, text)) = data.split_first() {
        holds::holds(&FOLDER, usize::from(*which), text);
    }
});
