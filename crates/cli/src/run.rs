//! `snapwarden run`: a job, once, on AWS.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::{Either, select};
use snapwarden_core::decision::Job;
use snapwarden_core::policy::Config;
use snapwarden_core::report::{EXIT_FAILED, RunReport};
use snapwarden_exec::pacing::Stop;
use snapwarden_exec::run::{RunError, RunOptions, run as run_job};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::{RunArgs, RunJob};
use crate::progress::Bar;
use crate::{connect, output, plan, render};

/// Told to stop by Ctrl-C, or by a service manager: as shells count it, 128 and the signal's number.
const EXIT_INTERRUPTED: u8 = 130;
const EXIT_TERMINATED: u8 = 143;
/// A second signal so soon after the first is the same one.
const AGAIN_MIN: Duration = Duration::from_secs(1);

/// Runs a job and prints its report.
pub(crate) fn run(job: &RunJob) -> anyhow::Result<u8> {
    let (job, args, config) = match job {
        RunJob::Create { run, defaults, slot } => (Job::Create, run, Config { slot: *slot, ..defaults.config() }),
        RunJob::Offsite { run } => (Job::Offsite, run, Config::default()),
        RunJob::Expire { run, wishes } => (Job::Expire, run, wishes.config()),
    };
    let approvals = config.approvals.clone();
    let (report, signal) = connect::block_on(carry_out(job, args, config))?;
    let report = match (report, signal) {
        (Err(error @ RunError::Stopped), Some(exit_code)) => {
            output::warn(&error.to_string());
            return Ok(exit_code);
        }
        (report, _) => report?,
    };
    plan::warn_of_idle(&approvals, &report.plan.regions);
    if let Err(error) = show(&report, args) {
        // What was done is done: 1 would say that nothing was.
        output::warn(&format!("{error:#}"));
        return Ok(EXIT_FAILED);
    }
    Ok(signal.filter(|_| report.was_stopped()).unwrap_or_else(|| report.exit_code()))
}

/// The report, and the exit code of the signal that came.
async fn carry_out(
    job: Job,
    args: &RunArgs,
    config: Config,
) -> anyhow::Result<(Result<RunReport, RunError>, Option<u8>)> {
    // Asked for first: a Ctrl-C while credentials are looked for must not be lost.
    let mut signals = Signals::listen()?;
    // Some sources of credentials start a program that may never end; nothing was asked of AWS yet.
    let (aws, scope) = match select(pin!(connect::account(&args.account)), pin!(signals.next())).await {
        Either::Left((account, _)) => account?,
        Either::Right((exit_code, _)) => std::process::exit(exit_code.into()),
    };
    let stop = Stop::default();
    let options = RunOptions { config, stop: stop.clone(), ..RunOptions::new(job, scope) };
    let bar = Bar::new();
    let mut running = pin!(run_job(&aws, &options, &bar));
    let (mut signal, mut told) = (None, None::<Instant>);
    loop {
        match select(running.as_mut(), pin!(signals.next())).await {
            Either::Left((report, _)) => {
                bar.finish();
                return Ok((report, signal));
            }
            // `timeout` sends its signal twice, to the command and to its group.
            Either::Right(_) if told.is_some_and(|at| at.elapsed() < AGAIN_MIN) => {}
            Either::Right((exit_code, _)) if stop.is_told() => std::process::exit(exit_code.into()),
            Either::Right((exit_code, _)) => {
                (signal, told) = (Some(exit_code), Some(Instant::now()));
                stop.stop();
                bar.warn("stopping: what is in flight is finished and reported; once more ends it at once");
            }
        }
    }
}

/// Ctrl-C, and what a service manager sends.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals could not be listened to");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// The exit code of the next one.
    async fn next(&mut self) -> u8 {
        match select(pin!(self.interrupt.recv()), pin!(self.terminate.recv())).await {
            Either::Left(_) => EXIT_INTERRUPTED,
            Either::Right(_) => EXIT_TERMINATED,
        }
    }
}

fn show(report: &RunReport, args: &RunArgs) -> anyhow::Result<()> {
    if args.json {
        plan::warn_of_held(&report.plan, &report.violations);
        return output::print_json(report);
    }
    output::print(&render::report(report, render::Options { only_changes: args.only_changes }))
}
