//! The function `manager`: deletes what has expired.

use std::process::ExitCode;

use snapwarden_core::decision::Job;

fn main() -> ExitCode {
    snapwarden_lambda::serve(Job::Expire)
}
