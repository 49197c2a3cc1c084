//! `snapwarden doctor`: whether the jobs would get what they need from AWS, asked before a night shows it.
//!
//! Permissions are asked by dry run, which changes nothing; an endpoint that does not know dry runs is asked no further.

use anyhow::Context;
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde::Serialize;
use snapwarden_aws::{Aws, NOT_A_DRY_RUN, Probe};
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{AccountId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::Read;
use snapwarden_core::managed::Managed;
use snapwarden_exec::cloud::{Action, Cloud, CloudError, ErrorKind};
use snapwarden_exec::collect::{Collected, Scope, collect};
use snapwarden_exec::pacing::{Pacer, Stop};
use snapwarden_exec::run::Quiet;

use crate::args::Account;
use crate::{connect, output, render};

/// Something is missing that a job needs.
const EXIT_MISSING: u8 = 2;
/// A machine's clock may be this far off. EC2 refuses signatures that are five minutes old.
const CLOCK_OFF_MAX: SignedDuration = SignedDuration::from_mins(2);
/// A snapshot of nobody, where there is none of ours to ask about.
const NO_SNAPSHOT: &str = "snap-00000000000000000";

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// Not there: something does not work.
    Missing,
    /// Could not be told.
    Unknown,
}

#[derive(Debug, Serialize)]
struct Check {
    /// Where; none where it holds for the whole account.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    what: String,
    state: State,
    /// What was found, and for what is missing, what then does not work.
    detail: String,
}

/// Runs the checks and prints them.
pub(crate) fn run(account: &Account, json: bool) -> anyhow::Result<u8> {
    let checks = connect::block_on(async {
        let (aws, scope) = connect::account(account).await?;
        examine(&aws, scope).await
    })?;
    if json {
        output::print_json(&checks)?;
    } else {
        output::print(&text(&checks))?;
    }
    let is_missing = checks.iter().any(|check| check.state == State::Missing);
    Ok(if is_missing { EXIT_MISSING } else { 0 })
}

fn text(checks: &[Check]) -> String {
    let header = ["STATE", "CHECK", "REGION", "FOUND"].map(str::to_owned).to_vec();
    let rows = checks.iter().map(|check| {
        let state = match check.state {
            State::Ok => "ok",
            State::Missing => "MISSING",
            State::Unknown => "unknown",
        };
        let region = check.region.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        vec![state.to_owned(), check.what.clone(), region, check.detail.clone()]
    });
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    let mut text: String = render::aligned(&rows).into_iter().map(|line| line + "\n").collect();
    let missing = checks.iter().filter(|check| check.state == State::Missing).count();
    text.push_str(&match missing {
        0 => "\nNothing is missing that could be asked about.\n".to_owned(),
        1 => "\n1 thing is missing.\n".to_owned(),
        many => format!("\n{many} things are missing.\n"),
    });
    text.push_str(
        "Not asked: KMS keys. Copies of encrypted snapshots need kms:Decrypt, GenerateDataKey, CreateGrant, DescribeKey.\n",
    );
    text
}

async fn examine(aws: &Aws, scope: Scope) -> anyhow::Result<Vec<Check>> {
    let here = aws.default_region().clone();
    let pacer = Pacer::new(aws, None, Stop::default());
    let mut checks = vec![ok("credentials", "found")];
    let who = pacer.call(&here, Action::GetCallerIdentity, async || aws.account(&here).await).await;
    checks.push(clock(aws.clock_ahead(), who.is_ok()));
    let account = match who {
        Ok(account) => account,
        Err(error) => {
            checks.push(account_wide("account", State::Missing, format!("{error}: no job can start")));
            return Ok(checks);
        }
    };
    checks.push(ok("account", &account.to_string()));
    // What is there to ask about is what the jobs would see. Gaps are told by the dry runs below.
    let collected = collect(&pacer, &[Job::Create, Job::Expire], &scope, &Quiet).await;
    let Collected { inventory, regions } = collected.context("the account could not be looked at")?;
    checks.push(match &inventory.enabled {
        Read::Whole(enabled) => ok("Regions", &format!("{} enabled", enabled.len())),
        Read::Gap { why, .. } => regions_missing(why),
        Read::NotAsked => regions_missing("not asked"),
    });
    let examined = regions.iter().map(|region| {
        let things = Things::of(region, inventory.regions.get(region), &account);
        examine_region(aws, region, things)
    });
    checks.extend(join_all(examined).await.into_iter().flatten());
    Ok(checks)
}

fn ok(what: &str, detail: &str) -> Check {
    account_wide(what, State::Ok, detail.to_owned())
}

fn account_wide(what: &str, state: State, detail: String) -> Check {
    Check { region: None, what: what.to_owned(), state, detail }
}

fn regions_missing(why: &str) -> Check {
    let then = "a DestinationRegion that does not exist is only told by its silence, and --all-regions does not work";
    account_wide("ec2:DescribeRegions", State::Missing, format!("{why}: {then}"))
}

fn clock(ahead: Option<SignedDuration>, is_taken: bool) -> Check {
    let Some(ahead) = ahead else {
        let then = "no answer had a Date header, and without EC2's time nothing is decided";
        return account_wide("clock", State::Missing, then.to_owned());
    };
    let seconds = ahead.as_secs().abs();
    let way = if ahead.is_negative() { "behind" } else { "ahead of" };
    let (state, then) = if ahead.abs() <= CLOCK_OFF_MAX {
        (State::Ok, "")
    } else if is_taken {
        (State::Unknown, "; AWS refuses signatures that are five minutes off, and this endpoint took one")
    } else {
        (State::Missing, "; AWS refuses signatures that are five minutes off, so set this machine's clock")
    };
    account_wide("clock", state, format!("this machine's is {seconds} s {way} EC2's{then}"))
}

/// What there is in a Region to ask about.
struct Things {
    instance: Option<InstanceId>,
    volume: Option<VolumeId>,
    snapshot: Option<SnapshotId>,
}

impl Things {
    fn of(region: &Region, seen: Option<&snapwarden_core::inventory::RegionInventory>, account: &AccountId) -> Self {
        let Some(seen) = seen else { return Self { instance: None, volume: None, snapshot: None } };
        let instance = seen.instances.items().iter().find(|instance| instance.state.is_backed_up());
        let ours = |snapshot: &&snapwarden_core::inventory::Snapshot| {
            Managed::of(region, snapshot, account).is_ok() && snapshot.is_completed() && !snapshot.tags.keep_forever()
        };
        Self {
            instance: instance.map(|instance| instance.id.clone()),
            volume: seen.volumes.items().first().map(|volume| volume.id.clone()),
            snapshot: seen.snapshots.items().iter().find(ours).map(|snapshot| snapshot.id.clone()),
        }
    }
}

async fn examine_region(aws: &Aws, region: &Region, things: Things) -> Vec<Check> {
    let mut checks = Vec::new();
    for (action, probe, then) in questions(region, things) {
        let Some(probe) = probe else {
            let detail = "there is nothing here to ask about".to_owned();
            checks.push(Check { region: Some(region.clone()), what: named(action), state: State::Unknown, detail });
            continue;
        };
        let answer = aws.is_allowed(region, &probe).await;
        let is_end = answer.as_ref().is_err_and(|error| error.code == NOT_A_DRY_RUN);
        checks.push(judge(region, action, answer, then));
        if is_end {
            break;
        }
    }
    checks
}

fn named(action: &str) -> String {
    format!("ec2:{action}")
}

fn judge(region: &Region, action: &str, answer: Result<(), CloudError>, then: &str) -> Check {
    let (state, detail) = match answer {
        Ok(()) => (State::Ok, "allowed".to_owned()),
        Err(error) => match error.kind {
            ErrorKind::Unauthorized => (State::Missing, format!("{}: {then}", error.code)),
            // Permission is checked before what the request is about.
            ErrorKind::NotFound | ErrorKind::Refused => (State::Ok, "allowed, as far as can be told here".to_owned()),
            ErrorKind::Throttled
            | ErrorKind::RateExceeded
            | ErrorKind::VolumeLimitReached
            | ErrorKind::LimitReached
            | ErrorKind::Invalid
            | ErrorKind::Unavailable
            | ErrorKind::Ambiguous
            | ErrorKind::Unknown => (State::Unknown, error.to_string()),
        },
    };
    Check { region: Some(region.clone()), what: named(action), state, detail }
}

/// What is asked in a Region, in this order, and what does not work without it. First what changes nothing even on an
/// endpoint that does not know dry runs.
fn questions(region: &Region, things: Things) -> Vec<(&'static str, Option<Probe>, &'static str)> {
    let Things { instance, volume, snapshot } = things;
    let of_ours = |probe: fn(SnapshotId) -> Probe| {
        let snapshot = snapshot.clone().or_else(|| NO_SNAPSHOT.parse().ok());
        snapshot.map(probe)
    };
    let copy = snapshot.clone().map(|source| Probe::CopySnapshot { source_region: region.clone(), source });
    vec![
        ("DescribeSnapshots", Some(Probe::DescribeSnapshots), "no job does anything here"),
        ("DescribeInstances", Some(Probe::DescribeInstances), "no snapshots are made here, and nothing expires"),
        ("DescribeVolumes", Some(Probe::DescribeVolumes), "no snapshots are made here, and no last good one expires"),
        (
            "CreateSnapshot",
            volume.map(|volume| Probe::CreateSnapshot { volume }),
            "volumes are not backed up one by one; it needs ec2:CreateTags on new snapshots too",
        ),
        (
            "CreateSnapshots",
            instance.map(|instance| Probe::CreateSnapshots { instance }),
            "each volume is backed up by itself, not consistent with the others of its instance",
        ),
        ("CopySnapshot", copy, "no copies are made to here; it needs ec2:CreateTags on new snapshots too"),
        (
            "CreateTags",
            of_ours(|snapshot| Probe::CreateTags { snapshot }),
            "snapshots of a set lack DeviceName and their volume's tags, copies are not mended, keep does not work",
        ),
        (
            "CreateTags of snapwarden:closed",
            of_ours(|snapshot| Probe::MarkClosed { snapshot }),
            "the manager closes nothing: the last snapshots of volumes that are gone stay, with a finding",
        ),
        (
            "DeleteTags",
            of_ours(|snapshot| Probe::DeleteTags { snapshot }),
            "unkeep does not work; the jobs do not need it",
        ),
        (
            "DeleteSnapshot",
            of_ours(|snapshot| Probe::DeleteSnapshot { snapshot }),
            "nothing expires and no source is removed after its copy",
        ),
    ]
}
