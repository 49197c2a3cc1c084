//! The function `creator`: makes the snapshots that are due.

use std::process::ExitCode;

use snapwarden_core::decision::Job;

fn main() -> ExitCode {
    snapwarden_lambda::serve(Job::Create)
}
