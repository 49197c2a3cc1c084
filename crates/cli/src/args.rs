//! The command line: what can be asked, and the help that says so.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use jiff::Timestamp;
use snapwarden_core::approval::Approval;
use snapwarden_core::ids::{AccountId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::policy::Config;
use snapwarden_core::schedule::{Schedule, Slot};
use snapwarden_core::tags::RETENTION_DAYS_RANGE;

const AFTER_HELP: &str = "\
Make a dump, with one folder for each Region R:
  export AWS_DEFAULT_OUTPUT=json
  mkdir -p dump/R
  aws sts get-caller-identity            > dump/caller-identity.json
  aws ec2 describe-regions --all-regions > dump/regions.json
  aws ec2 describe-instances --region R  > dump/R/instances.json
  aws ec2 describe-volumes --region R    > dump/R/volumes.json
  aws ec2 describe-snapshots --region R --owner-ids self > dump/R/snapshots.json

Examples:
  snapwarden plan expire --inventory dump --only-changes
  snapwarden plan create --inventory dump --region us-east-1 --slot now
  snapwarden explain vol-0123456789abcdef0 --inventory dump

Exit codes:
  0   done; findings do not change that
  1   could not start, or the safety check or a missing approval held something back
  2   some items failed
  64  the command line could not be understood

Environment:
  SNAPWARDEN_RETENTION_DAYS  for instances without the tag RetentionDays (7)
  SNAPWARDEN_SCHEDULE        for instances without the tag BackupSchedule (\"daily 03:00\", UTC)";

/// Back up EBS volumes by their tags
///
/// Snapwarden makes snapshots of the volumes of tagged instances, copies them to another Region and deletes them when
/// they have expired. This command says what its three jobs would do with an account, and why. It reads files that the
/// AWS CLI wrote, changes nothing and needs no credentials.
#[derive(Debug, Parser)]
#[command(name = "snapwarden", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a job would do, with the reason for everything
    ///
    /// One row per volume, copy or snapshot: what would be done with it and why. Then the totals, what is held until a
    /// person approves it, and what a person should look at. Nothing is changed.
    #[command(after_help = "Example:\n  snapwarden plan expire --inventory dump --only-changes")]
    Plan {
        #[command(subcommand)]
        job: PlanJob,
    },
    /// Explain what becomes of one instance, volume or snapshot
    ///
    /// Shows what it is, the policy that holds for it and where each value came from, and what each of the three jobs
    /// would do with it now. Where a job does nothing with it, it says why.
    #[command(after_help = "Example:\n  snapwarden explain i-0123456789abcdef0 --inventory dump")]
    Explain(ExplainArgs),
    /// Watch the three jobs look after an account that exists in memory only
    ///
    /// Needs no credentials and touches no network.
    #[command(after_help = "Example:\n  snapwarden demo")]
    Demo,
    /// Run an EC2 of our own, on this machine only
    #[cfg(feature = "aws")]
    Ec2 {
        #[command(subcommand)]
        what: Ec2,
    },
    /// Print the completions of a shell
    ///
    /// Write them to where your shell looks for them.
    #[command(
        after_help = "Example:\n  snapwarden completions bash > ~/.local/share/bash-completion/completions/snapwarden"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[cfg(feature = "aws")]
#[derive(Debug, Subcommand)]
pub(crate) enum Ec2 {
    /// Serve the embedded EC2 as an endpoint on loopback
    ///
    /// The AWS CLI, boto3 and the AWS SDK talk to it as they talk to EC2, with any credentials. It prints its address on
    /// stdout. Nothing leaves this machine, and nothing is kept when it ends.
    #[command(
        after_help = "Example:\n  snapwarden ec2 serve --port 4599 --clock stopped --now 2026-11-22T04:00Z &\n  \
                            aws ec2 describe-snapshots --owner-ids self --endpoint-url http://127.0.0.1:4599 --region eu-west-1"
    )]
    Serve(ServeArgs),
}

#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The port; 0 takes one that is free
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// What is in it: the made-up account of the demo, or the folder of a dump (see snapwarden --help)
    #[arg(long, default_value = "sample", value_name = "sample|DIR")]
    pub(crate) fleet: String,
    /// Whether its time runs, or stands until it is moved (POST /_snapwarden/clock)
    #[arg(long, value_enum, default_value_t = ServeClock::Running)]
    pub(crate) clock: ServeClock,
    /// The time at which it begins, such as 2026-11-22T04:00Z [default: this machine's clock]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<Timestamp>,
    /// What its ids are drawn from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// How the embedded EC2's time goes.
#[cfg(feature = "aws")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ServeClock {
    Running,
    Stopped,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanJob {
    /// Show which volumes get a snapshot now
    ///
    /// Volumes of instances tagged Backup=Yes whose slot, the last time of their schedule, has no snapshot yet.
    #[command(after_help = "Example:\n  snapwarden plan create --inventory dump --region us-east-1")]
    Create {
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        defaults: Defaults,
        /// The slot to make snapshots for, in place of each schedule's own: a time (2026-11-22T03:00Z), or now
        #[arg(long, value_name = "TIME|now", value_parser = slot)]
        slot: Option<SlotChoice>,
    },
    /// Show which snapshots are copied to another Region, and which sources may go
    ///
    /// A source is removed only when every Region that its DestinationRegion names holds its verified copy.
    #[command(after_help = "Example:\n  snapwarden plan offsite --inventory dump --only-changes")]
    Offsite {
        #[command(flatten)]
        plan: PlanArgs,
    },
    /// Show which snapshots have expired and go
    ///
    /// A Region in which more than 25 snapshots and more than half of them would go is held until you approve it with
    /// the words that the plan prints.
    #[command(after_help = "Example:\n  snapwarden plan expire --inventory dump --approve eu-west-1:2026-11-22:412")]
    Expire {
        #[command(flatten)]
        plan: PlanArgs,
        /// Let a held expiry go: the words that the plan printed, REGION:DAY:COUNT. One per Region
        #[arg(long, value_name = "WORDS")]
        approve: Vec<Approval>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Where the job acts; can be given several times [default: every Region of the dump]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<Region>,
    /// Print the whole plan as JSON, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out the rows of what is kept or skipped; the totals still count them
    #[arg(long)]
    pub(crate) only_changes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// An instance (i-…), a volume (vol-…) or a snapshot (snap-…)
    #[arg(value_parser = target)]
    pub(crate) id: Target,
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) defaults: Defaults,
    /// Print the explanation as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is looked at, and when.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The folder with what the AWS CLI printed (see snapwarden --help)
    #[arg(long, value_name = "DIR")]
    pub(crate) inventory: PathBuf,
    /// The account, where the dump does not say it
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<AccountId>,
    /// The time to decide at, such as 2026-11-22T04:00Z [default: this machine's clock]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<Timestamp>,
}

/// What holds where no tag says otherwise.
#[derive(Debug, Args)]
pub(crate) struct Defaults {
    /// Keep the snapshots of instances without RetentionDays for this many days
    #[arg(long, value_name = "DAYS", env = "SNAPWARDEN_RETENTION_DAYS", hide_env_values = true, default_value = "7", value_parser = retention_days)]
    retention_days: u32,
    /// Back up instances without BackupSchedule at this time (UTC)
    #[arg(
        long,
        value_name = "SCHEDULE",
        env = "SNAPWARDEN_SCHEDULE",
        hide_env_values = true,
        default_value = "daily 03:00"
    )]
    schedule: Schedule,
}

impl Defaults {
    /// The configuration of a run without further wishes.
    pub(crate) fn config(&self) -> Config {
        Config { retention_days: self.retention_days, schedule: self.schedule.clone(), ..Config::default() }
    }
}

/// The slot that a person asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SlotChoice {
    /// That of the current minute.
    Now,
    /// This one.
    At(Slot),
}

/// What is to be explained.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// An instance.
    Instance(InstanceId),
    /// A volume.
    Volume(VolumeId),
    /// A snapshot.
    Snapshot(SnapshotId),
}

impl Cli {
    /// Reads this process's command line.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        let cli = Self::try_parse()?;
        if let Command::Plan { job: PlanJob::Expire { approve, .. } } = &cli.command {
            let mut regions = BTreeSet::new();
            if let Some(second) = approve.iter().find(|approval| !regions.insert(&approval.region)) {
                let text = format!("--approve names {} twice; give one approval per Region", second.region);
                return Err(Self::command().error(ErrorKind::ValueValidation, text));
            }
        }
        Ok(cli)
    }
}

/// The completions of `shell`.
pub(crate) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "snapwarden", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write a time with its zone, such as 2026-11-22T04:00Z".to_owned())
}

fn slot(text: &str) -> Result<SlotChoice, String> {
    if text == "now" {
        return Ok(SlotChoice::Now);
    }
    text.parse()
        .map(SlotChoice::At)
        .map_err(|_| "write a slot as 2026-11-22T03:00Z (UTC, to the minute), or now".to_owned())
}

fn retention_days(text: &str) -> Result<u32, String> {
    let (least, most) = (RETENTION_DAYS_RANGE.start(), RETENTION_DAYS_RANGE.end());
    let days = text.parse().ok().filter(|days| RETENTION_DAYS_RANGE.contains(days));
    days.ok_or_else(|| format!("write a whole number of days from {least} to {most}"))
}

fn target(text: &str) -> Result<Target, String> {
    if let Ok(id) = text.parse() {
        return Ok(Target::Instance(id));
    }
    if let Ok(id) = text.parse() {
        return Ok(Target::Volume(id));
    }
    let id = text.parse().map(Target::Snapshot);
    id.map_err(|_| "name an instance (i-…), a volume (vol-…) or a snapshot (snap-…)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_defaults_in_the_help_are_those_of_core() {
        let cli = Cli::try_parse_from(["snapwarden", "explain", "i-1", "--inventory", "dump"]).unwrap();
        let Command::Explain(args) = cli.command else { panic!("{cli:?}") };
        assert_eq!(args.defaults.config(), Config::default());
    }
}
