//! The command line: what can be asked, and the help that says so.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use jiff::Timestamp;
use snapwarden_core::approval::Approval;
use snapwarden_core::ids::{AccountId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::policy::{Config, SlotChoice};
use snapwarden_core::schedule::Schedule;
use snapwarden_core::tags::{read_grace_days, read_retention_days};
use snapwarden_ec2sim::drive::{Kind, KindError};

use crate::preview::PreviewArgs;

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
  snapwarden doctor
  snapwarden plan expire --all-regions --only-changes
  snapwarden run create --region us-east-1 --slot now
  snapwarden explain vol-0123456789abcdef0 --inventory dump

Exit codes:
  0   done; findings, and what EC2's limits leave to the next run, do not change that
  1   could not start
  2   some items failed, a Region could not all be read, EC2's answers disagreed about the time, the safety check
      dropped something, or lint found an error
  3   something waits for a person's approval, and nothing failed
  64  the command line could not be understood
  130, 143  a run was told to stop (Ctrl-C, SIGTERM) and left something to the next one, whatever else came of it

Environment:
  AWS_*                      credentials, Region, profile, endpoint: those of the AWS CLI
  SNAPWARDEN_RETENTION_DAYS  for instances without the tag RetentionDays (7)
  SNAPWARDEN_SCHEDULE        for instances without the tag BackupSchedule (\"daily 03:00\", UTC)
  SNAPWARDEN_GRACE_DAYS      for which an earlier policy stays in force (7)
  SNAPWARDEN_CLOSING_DAYS    for which what there is of a volume that is over is kept as before (30)";

const LINT_AFTER_HELP: &str = "\
Example:
  snapwarden lint --inventory dump

Exit codes:
  0   nothing to mend, or advice only
  1   could not start
  2   there is an error, or a Region could not all be read
  64  the command line could not be understood";

/// Back up EBS volumes by their tags
///
/// Snapwarden makes snapshots of the volumes of tagged instances, copies them to another Region and deletes them when
/// they have expired. This command says what its three jobs would do with an account, and why, and runs them.
/// Credentials, Region, profile and endpoint are found as the AWS CLI finds them; with --inventory it reads files that
/// the AWS CLI wrote, and needs no credentials.
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
    /// Show which tags do not say what was most likely meant
    ///
    /// Reads every tag of the contract: values that cannot be read, keys that are nearly ours, Regions and schedules that
    /// do not work, retention that keeps nothing. Errors come first, with what was probably meant; then advice, where a
    /// tag works but may not do what is wanted. Nothing is changed.
    #[command(after_help = LINT_AFTER_HELP)]
    Lint(LintArgs),
    /// Show what a policy will have kept, on any day of the next two years
    ///
    /// Lives through two years of a schedule and a retention: how many snapshots there will be, what keeps each, and when
    /// it goes. With --change, what would be if a tag were changed, and what becomes of the snapshots that exist. Nothing
    /// is changed. Days end at midnight in UTC; nothing is taken to fail. docs/retention.md has examples.
    #[command(after_help = "Examples:\n  snapwarden preview i-0123456789abcdef0 --change RetentionMonths=12\n  \
                      snapwarden preview --tag RetentionWeeks=4 --tag \"BackupSchedule=daily 03:00 Europe/Berlin\" --picture 4-weeks.svg")]
    Preview(PreviewArgs),
    /// Run a job now, on AWS
    ///
    /// Looks, plans, checks, acts once per item and reports what became of everything. It may be stopped at any time
    /// (Ctrl-C finishes the changes in flight): the next run takes up what is left. What would be deleted is shown on stderr
    /// before anything is done.
    #[cfg(feature = "aws")]
    #[command(after_help = "Example:\n  snapwarden run create --region eu-west-1 --region us-east-1")]
    Run {
        #[command(subcommand)]
        job: RunJob,
    },
    /// Keep a snapshot and its copies for ever
    ///
    /// Tags them KeepForever, in every Region that the account has enabled: no job deletes them then, whatever their
    /// DeleteOn says.
    #[cfg(feature = "aws")]
    #[command(after_help = "Example:\n  snapwarden keep snap-0123456789abcdef0 --reason \"before the upgrade\"")]
    Keep {
        #[command(flatten)]
        args: KeepArgs,
        /// The tag's value, for those who wonder later
        #[arg(long, value_name = "TEXT", default_value = "Yes", value_parser = reason)]
        reason: String,
    },
    /// Let a snapshot and its copies expire again
    ///
    /// Takes KeepForever off them, in any letter case and in every Region that the account has enabled. What is overdue
    /// is deleted by the next run of expire.
    #[cfg(feature = "aws")]
    #[command(after_help = "Example:\n  snapwarden unkeep snap-0123456789abcdef0")]
    Unkeep {
        #[command(flatten)]
        args: KeepArgs,
    },
    /// Check credentials, Regions, clock and each permission
    ///
    /// Permissions are asked by dry run, on instances and snapshots that are there; nothing is changed. For what is
    /// missing it says what then does not work.
    #[cfg(feature = "aws")]
    #[command(after_help = "Example:\n  snapwarden doctor --region eu-west-1")]
    Doctor {
        #[command(flatten)]
        account: Account,
        /// Print the checks as JSON
        #[arg(long)]
        json: bool,
    },
    /// Watch the three jobs look after an account that exists in memory only
    ///
    /// Needs no credentials and touches no network.
    #[command(after_help = "Example:\n  snapwarden demo")]
    Demo,
    /// Live months of backups under faults, from a seed, and check every safety rule at every call
    ///
    /// Needs no credentials and touches no network. One seed gives one life, call by call. A life in which a rule is
    /// broken ends there, is told, and makes the exit code 2.
    #[command(
        after_help = "Examples:\n  snapwarden simulate --runs 20\n  snapwarden simulate --seed 7 --days 30 --trace\n  snapwarden simulate --seed 7 --faults lost-after,killed-after"
    )]
    Simulate(SimulateArgs),
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
        #[arg(long, value_name = "TIME|now")]
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
    /// Where more than 25 snapshots of a Region, and more than half of its snapshots, would go, they are held until you approve
    /// them with the words that the plan prints. Each run counts anew.
    #[command(after_help = "Example:\n  snapwarden plan expire --inventory dump --approve eu-west-1:2026-11-22:412")]
    Expire {
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        wishes: ExpireWishes,
    },
}

#[cfg(feature = "aws")]
#[derive(Debug, Subcommand)]
pub(crate) enum RunJob {
    /// Make the snapshots that are due
    ///
    /// For volumes of instances tagged Backup=Yes whose slot, the last time of their schedule, has no snapshot yet.
    #[command(after_help = "Example:\n  snapwarden run create --region us-east-1")]
    Create {
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        defaults: Defaults,
        /// The slot to make snapshots for, in place of each schedule's own: a time (2026-11-22T03:00Z), or now
        #[arg(long, value_name = "TIME|now")]
        slot: Option<SlotChoice>,
    },
    /// Copy snapshots to their DestinationRegion, and remove sources whose copies are proven
    ///
    /// It begins what EC2 takes at once (20 copies in flight per destination); run it again for the rest.
    #[command(after_help = "Example:\n  snapwarden run offsite --region us-east-1 --only-changes")]
    Offsite {
        #[command(flatten)]
        run: RunArgs,
    },
    /// Delete the snapshots that have expired
    ///
    /// Copies expire in the Region they are in: name that too, or --all-regions. Where more than 25 snapshots of a Region, and
    /// more than half of its snapshots, would go, they are held until you approve them with the words that the plan prints. Each
    /// run counts anew.
    #[command(after_help = "Example:\n  snapwarden run expire --all-regions --approve eu-west-1:2026-11-22:412")]
    Expire {
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        wishes: ExpireWishes,
    },
}

#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) account: Account,
    /// Print the whole report as JSON, and nothing else on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out the rows of what is kept or skipped; the totals still count them
    #[arg(long)]
    pub(crate) only_changes: bool,
}

#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct KeepArgs {
    /// The snapshot; it is found in whichever Region it is
    pub(crate) snapshot: SnapshotId,
    /// The Region that is asked which Regions there are [default: as the AWS CLI has it]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<Region>,
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which Regions of which account.
#[derive(Debug, Args)]
pub(crate) struct Account {
    /// Where the job acts; can be given several times [default: every Region of the dump; on AWS the Region of your
    /// settings]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<Region>,
    /// Act in every Region that the account has enabled
    #[cfg(feature = "aws")]
    #[arg(long, conflicts_with = "region")]
    pub(crate) all_regions: bool,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// How AWS is reached. What is not given is found as the AWS CLI finds it.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// The profile of your AWS settings [default: AWS_PROFILE, or the keys in the environment]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Another endpoint than AWS's own, such as that of snapwarden ec2 serve
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// How many seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) read_timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) account: Account,
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
    pub(crate) account: Account,
    #[command(flatten)]
    defaults: Defaults,
    #[command(flatten)]
    waits: Waits,
    /// Print the explanation as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl ExplainArgs {
    /// The configuration of the three jobs.
    pub(crate) fn config(&self) -> Config {
        self.waits.apply(self.defaults.config())
    }
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(flatten)]
    pub(crate) defaults: Defaults,
    /// Print what was found as JSON, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is looked at, and when.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// Look at what the AWS CLI printed into this folder (see snapwarden --help), not at AWS
    #[arg(long, value_name = "DIR")]
    #[cfg_attr(not(feature = "aws"), arg(required = true))]
    #[cfg_attr(feature = "aws", arg(conflicts_with_all = ["all_regions", "profile", "endpoint_url"]))]
    pub(crate) inventory: Option<PathBuf>,
    /// The account, where the dump does not say it
    #[arg(long = "account", value_name = "ID", requires = "inventory")]
    pub(crate) account_id: Option<AccountId>,
    /// With --inventory: the time to decide at, such as 2026-11-22T04:00Z [default: this machine's clock]
    #[arg(long, value_name = "TIME", value_parser = time, requires = "inventory")]
    pub(crate) now: Option<Timestamp>,
}

/// What holds where no tag says otherwise.
#[derive(Debug, Args)]
pub(crate) struct Defaults {
    /// Keep the snapshots of instances without RetentionDays for this many days
    #[arg(long, value_name = "DAYS", env = "SNAPWARDEN_RETENTION_DAYS", hide_env_values = true, default_value = "7", value_parser = read_retention_days)]
    retention_days: u32,
    /// Back up instances without BackupSchedule by this one (see docs/schedules.md)
    #[arg(
        long,
        value_name = "SCHEDULE",
        env = "SNAPWARDEN_SCHEDULE",
        hide_env_values = true,
        default_value = "daily 03:00"
    )]
    schedule: Schedule,
}

/// For how long an edit of a tag, or the loss of a volume, deletes nothing.
#[derive(Debug, Args)]
pub(crate) struct Waits {
    /// Keep an earlier policy in force for so many days after a snapshot was made under another
    #[arg(long, value_name = "DAYS", env = "SNAPWARDEN_GRACE_DAYS", hide_env_values = true, default_value = "7", value_parser = read_grace_days)]
    grace_days: u32,
    /// Keep what there is of a volume that is gone or tagged Backup=No as before for so many days
    #[arg(long, value_name = "DAYS", env = "SNAPWARDEN_CLOSING_DAYS", hide_env_values = true, default_value = "30", value_parser = read_grace_days)]
    closing_days: u32,
}

impl Waits {
    /// The same configuration with these days.
    pub(crate) fn apply(&self, config: Config) -> Config {
        Config { grace_days: self.grace_days, closing_days: self.closing_days, ..config }
    }
}

/// What holds for deletes where no tag says otherwise.
#[derive(Debug, Args)]
pub(crate) struct ExpireWishes {
    #[command(flatten)]
    pub(crate) defaults: Defaults,
    #[command(flatten)]
    waits: Waits,
    /// Let go now what waits: the words that the plan printed, REGION:DAY:COUNT for a held expiry, INSTANCE:DAY:COUNT
    /// for the grace period, REGION:closed:DAY:COUNT for the closing days. One for each
    #[arg(long, value_name = "WORDS")]
    pub(crate) approve: Vec<Approval>,
}

impl ExpireWishes {
    /// The configuration of a run.
    pub(crate) fn config(&self) -> Config {
        Config { approvals: self.approve.clone(), ..self.waits.apply(self.defaults.config()) }
    }
}

impl Defaults {
    /// The configuration of a run without further wishes.
    pub(crate) fn config(&self) -> Config {
        Config { retention_days: self.retention_days, schedule: self.schedule.clone(), ..Config::default() }
    }
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
        let mut named = BTreeSet::new();
        if let Some(second) = cli.command.approvals().iter().find(|approval| !named.insert(&approval.what)) {
            let text = format!("--approve names {} twice; give one approval for each", second.what);
            return Err(Self::command().error(ErrorKind::ValueValidation, text));
        }
        if let Command::Preview(args) = &cli.command
            && let Some((option, key)) = args.twice()
        {
            let text = format!("{option} names {key} twice");
            return Err(Self::command().error(ErrorKind::ValueValidation, text));
        }
        Ok(cli)
    }
}

impl Command {
    fn approvals(&self) -> &[Approval] {
        if let Command::Plan { job: PlanJob::Expire { wishes, .. } } = self {
            return &wishes.approve;
        }
        #[cfg(feature = "aws")]
        if let Command::Run { job: RunJob::Expire { wishes, .. } } = self {
            return &wishes.approve;
        }
        &[]
    }
}

/// The completions of `shell`.
pub(crate) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "snapwarden", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// A time on the command line.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write a time with its zone, such as 2026-11-22T04:00Z".to_owned())
}

#[cfg(feature = "aws")]
fn reason(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= 256 && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| "write at most 256 characters on one line (EC2's limit of a tag)".to_owned())
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

    #[cfg(feature = "aws")]
    #[test]
    fn the_page_of_the_command_has_every_command() {
        fn walk(command: &clap::Command, name: &str, page: &str) {
            assert!(page.contains(&format!("$ {name} --help\n")), "docs/cli.md lacks {name}");
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                walk(sub, &format!("{name} {}", sub.get_name()), page);
            }
        }
        walk(&Cli::command(), "snapwarden", include_str!("../../../docs/cli.md"));
    }

    #[test]
    fn the_defaults_in_the_help_are_those_of_core() {
        let cli = Cli::try_parse_from(["snapwarden", "explain", "i-1", "--inventory", "dump"]).unwrap();
        let Command::Explain(args) = cli.command else { panic!("{cli:?}") };
        assert_eq!(args.config(), Config::default());
    }
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// What the life is drawn from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Days until the faults stop
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_660))]
    pub(crate) days: u32,
    /// Lives to live: this seed and those after it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) runs: u64,
    /// The kinds of trouble that there are: none, all, or some separated by commas [default: drawn from the seed]
    #[arg(long, value_name = "none|all|KIND,…", value_parser = faults)]
    pub(crate) faults: Option<Faults>,
    /// A large account: 60 instances
    #[arg(long)]
    pub(crate) large: bool,
    /// Write the life down, a line for each run and each thing that happens
    #[arg(long)]
    pub(crate) trace: bool,
    /// As JSON
    #[arg(long, conflicts_with = "trace")]
    pub(crate) json: bool,
}

/// The kinds of trouble that there are.
#[derive(Debug, Clone)]
pub(crate) struct Faults(pub(crate) BTreeSet<Kind>);

fn faults(text: &str) -> Result<Faults, KindError> {
    Ok(Faults(match text {
        "none" => BTreeSet::new(),
        "all" => Kind::ALL.into_iter().collect(),
        words => words.split(',').map(|word| word.trim().parse()).collect::<Result<_, _>>()?,
    }))
}
