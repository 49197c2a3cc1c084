//! The function `offsiter`: copies snapshots to another Region and removes sources whose copies are proven.

use std::process::ExitCode;

use snapwarden_core::decision::Job;

fn main() -> ExitCode {
    snapwarden_lambda::serve(Job::Offsite)
}
