//! The three jobs as AWS Lambda functions: a tick comes in, one run is made, a report goes out.
//!
//! A tick carries nothing. The slot comes from the schedule and EC2's clock, so a late tick does what an early one would
//! have done, and one that comes twice finds its work done. Three things keep it so:
//!
//! - **Time.** A run takes no new work when its time runs out, and reports before Lambda kills it. What is left is the
//!   next tick's (module `invoke`).
//! - **Too soon.** What a run has just made may not be visible yet. A tick within two minutes of this process's last
//!   changing call does nothing (S8 of docs/safety.md).
//! - **Dry run.** Nothing is changed until `SNAPWARDEN_MODE=apply`, whatever an event says (module `settings`).
//!
//! Reports go to the log, line by line as things happen (module `log`), and to CloudWatch's metrics with them (module
//! `metrics`).

mod event;
mod invoke;
mod log;
mod metrics;
#[cfg(test)]
mod outside;
mod settings;
mod summary;

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use snapwarden_core::decision::Job;

use crate::invoke::Function;

/// The command line could not be understood, as `snapwarden` says it.
const EXIT_USAGE: u8 = 64;

/// Answers Lambda's invocations for `job`, until Lambda ends the process.
pub fn serve(job: Job) -> ExitCode {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        let job = job.as_str();
        eprintln!(
            "this is an AWS Lambda function: deploy it (docs/deploy.md), or use the command: snapwarden run {job}"
        );
        return ExitCode::from(EXIT_USAGE);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            let function = Function::new(job).await;
            let handler = |event: LambdaEvent<Value>| function.invoke(event);
            Runtime::new(service_fn(handler)).run().await
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error("the Lambda runtime ended", &error.to_string());
            ExitCode::FAILURE
        }
    }
}
