//! `snapwarden run`: a job, once, on AWS.

use std::pin::pin;

use anyhow::Context;
use futures_util::future::{Either, select};
use snapwarden_core::decision::Job;
use snapwarden_core::policy::Config;
use snapwarden_core::report::{Deferred, Outcome, RunReport};
use snapwarden_exec::pacing::Stop;
use snapwarden_exec::run::{RunOptions, run as run_job};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::{RunArgs, RunJob};
use crate::progress::Bar;
use crate::{connect, output, plan, render};

/// Interrupted a second time, as shells count it (128 + SIGINT).
const EXIT_INTERRUPTED: i32 = 130;

/// Runs a job and prints its report.
pub(crate) fn run(job: &RunJob) -> anyhow::Result<u8> {
    let (job, args, config) = match job {
        RunJob::Create { run, defaults, slot } => (Job::Create, run, Config { slot: *slot, ..defaults.config() }),
        RunJob::Offsite { run } => (Job::Offsite, run, Config::default()),
        RunJob::Expire { run, wishes } => (Job::Expire, run, wishes.config()),
    };
    let approvals = config.approvals.clone();
    let report = connect::block_on(carry_out(job, args, config))?;
    plan::warn_of_idle(&approvals, &report.plan.regions);
    show(&report, args)?;
    Ok(report.exit_code())
}

async fn carry_out(job: Job, args: &RunArgs, config: Config) -> anyhow::Result<RunReport> {
    // Asked for first: a Ctrl-C while credentials are looked for must not be lost.
    let mut signals = Signals::listen()?;
    let (aws, scope) = connect::account(&args.account).await?;
    let stop = Stop::default();
    let options = RunOptions { config, stop: stop.clone(), ..RunOptions::new(job, scope) };
    let bar = Bar::new();
    let mut running = pin!(run_job(&aws, &options, &bar));
    loop {
        match select(running.as_mut(), pin!(signals.next())).await {
            Either::Left((report, _)) => {
                bar.finish();
                return Ok(report?);
            }
            Either::Right(_) if stop.is_told() => std::process::exit(EXIT_INTERRUPTED),
            Either::Right(_) => {
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

    async fn next(&mut self) {
        select(pin!(self.interrupt.recv()), pin!(self.terminate.recv())).await;
    }
}

fn show(report: &RunReport, args: &RunArgs) -> anyhow::Result<()> {
    let stopped = report.outcomes.iter().filter(|outcome| **outcome == Outcome::Deferred(Deferred::Stopped)).count();
    if stopped > 0 {
        output::warn(&format!("stopped: {stopped} left to the next run"));
    }
    if args.json {
        plan::warn_of_held(&report.plan, &report.violations);
        return output::print_json(report);
    }
    output::print(&render::report(report, render::Options { only_changes: args.only_changes }))
}
