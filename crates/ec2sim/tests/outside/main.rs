//! What holds of every text from outside, whoever wrote it. The targets of `fuzz/` ask the same of their own inputs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod dump;
#[path = "../../../core/tests/outside/near.rs"]
mod near;
#[cfg(feature = "http")]
mod query;

use near::{config, near};
use proptest::prelude::*;

/// A folder of its own, gone when dropped.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("outside-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_file_of_a_good_dump_holds_as_it_stands() {
    let folder = Folder::new("good");
    for (which, (_, text)) in dump::GOOD.iter().enumerate() {
        dump::holds(&folder.0, which, text.as_bytes());
    }
}

proptest! {
    // Each case writes and reads some twenty files.
    #![proptest_config(ProptestConfig { cases: 300, ..config() })]

    #[test]
    fn a_file_of_a_dump_is_read_whole_or_said_to_be_a_gap(
        which in 0..dump::GOOD.len(), identity in near(&[dump::GOOD[0].1]), regions in near(&[dump::GOOD[1].1]),
        instances in near(&[dump::GOOD[2].1]), volumes in near(&[dump::GOOD[3].1]), snapshots in near(&[dump::GOOD[4].1]),
    ) {
        let folder = Folder::new("near");
        dump::holds(&folder.0, which, [identity, regions, instances, volumes, snapshots][which].as_bytes());
    }
}

#[cfg(feature = "http")]
proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_form_is_understood_whole_or_refused(form in near(query::GOOD)) {
        query::holds(form.as_bytes());
    }
}

#[test]
#[cfg(feature = "http")]
fn every_good_form_holds_as_it_stands() {
    for form in query::GOOD {
        assert!(query::read(form.as_bytes()).is_ok(), "{form}");
        query::holds(form.as_bytes());
    }
}
