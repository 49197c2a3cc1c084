//! The command `snapwarden`: what the three jobs would do, and why, from what the AWS CLI printed of an account.

mod args;
#[cfg(feature = "aws")]
mod connect;
mod demo;
#[cfg(feature = "aws")]
mod doctor;
mod explain;
mod inventory;
#[cfg(feature = "aws")]
mod keep;
mod lint;
mod output;
mod plan;
mod preview;
#[cfg(feature = "aws")]
mod progress;
mod render;
#[cfg(feature = "aws")]
mod run;
#[cfg(feature = "aws")]
mod serve;
mod simulate;

use std::process::ExitCode;

use args::{Cli, Command};

/// The run could not start.
const EXIT_NOT_STARTED: u8 = 1;
/// The command line cannot be understood (sysexits.h).
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to say more.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 });
        }
    };
    match run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::warn(&format!("{error:#}"));
            ExitCode::from(EXIT_NOT_STARTED)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<u8> {
    match &cli.command {
        Command::Plan { job } => plan::run(job),
        Command::Explain(args) => explain::run(args),
        Command::Lint(args) => lint::run(args),
        Command::Preview(args) => preview::run(args),
        Command::Demo => demo::run(),
        Command::Simulate(args) => simulate::run(args),
        #[cfg(feature = "aws")]
        Command::Run { job } => run::run(job),
        #[cfg(feature = "aws")]
        Command::Keep { args, reason } => keep::keep(args, reason),
        #[cfg(feature = "aws")]
        Command::Unkeep { args } => keep::unkeep(args),
        #[cfg(feature = "aws")]
        Command::Doctor { account, json } => doctor::run(account, *json),
        #[cfg(feature = "aws")]
        Command::Ec2 { what: args::Ec2::Serve(args) } => serve::run(args),
        Command::Completions { shell } => {
            output::print(&args::completions(*shell))?;
            Ok(0)
        }
    }
}
