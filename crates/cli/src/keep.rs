//! `snapwarden keep` and `unkeep`: the tag that no job deletes, on a snapshot and on all its copies.
//!
//! Copies are looked for in every Region that the account has enabled, by their tag `SourceSnapshotId`, not only where
//! `DestinationRegion` points: that tag may have been another one when they were made. A Region that could not be looked
//! at is said, and the command does not end well: a copy there is not what the person believes it to be.

use std::collections::BTreeSet;

use anyhow::bail;
use futures_util::future::{join, join_all};
use serde::Serialize;
use snapwarden_aws::Aws;
use snapwarden_core::ids::{AccountId, Region, SnapshotId};
use snapwarden_core::inventory::Snapshot;
use snapwarden_core::managed::Managed;
use snapwarden_core::printable::quoted;
use snapwarden_core::tags::{self, TagValue, Tags, key};
use snapwarden_exec::cloud::{Action, Cloud, SnapshotQuery};
use snapwarden_exec::pacing::{CallError, Pacer, Stop};

use crate::args::KeepArgs;
use crate::explain::absence::not_managed;
use crate::inventory::list;
use crate::{connect, output, render};

/// Some snapshots could not be tagged, or some Regions not be looked at.
const EXIT_IN_PART: u8 = 2;

/// What is wanted.
#[derive(Clone, Copy)]
enum Wish<'a> {
    Keep { reason: &'a str },
    Unkeep,
}

/// Pins a snapshot and its copies.
pub(crate) fn keep(args: &KeepArgs, reason: &str) -> anyhow::Result<u8> {
    grant(args, Wish::Keep { reason })
}

/// Takes the pin off again.
pub(crate) fn unkeep(args: &KeepArgs) -> anyhow::Result<u8> {
    grant(args, Wish::Unkeep)
}

fn grant(args: &KeepArgs, wish: Wish<'_>) -> anyhow::Result<u8> {
    let done = connect::block_on(async {
        let aws = connect::load(&args.connection, args.region.as_ref()).await?;
        Keeper { pacer: Pacer::new(&aws, None, Stop::default()), aws: &aws, wish }.work(&args.snapshot).await
    })?;
    if args.json {
        output::print_json(&done)?;
    } else {
        output::print(&done.text(wish))?;
    }
    let in_part = !done.unread.is_empty() || done.snapshots.iter().any(|row| row.failed);
    Ok(if in_part { EXIT_IN_PART } else { 0 })
}

/// What was done.
#[derive(Debug, Serialize)]
struct Done {
    account: AccountId,
    /// The snapshot and its copies.
    snapshots: Vec<Row>,
    /// Where nothing could be looked for, and why.
    unread: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    region: Region,
    snapshot: SnapshotId,
    what: String,
    delete_on: String,
    outcome: String,
    failed: bool,
}

impl Done {
    fn text(&self, wish: Wish<'_>) -> String {
        let what = match wish {
            Wish::Keep { .. } => "Snapshots to keep for ever",
            Wish::Unkeep => "Snapshots that may expire again",
        };
        let header = ["REGION", "SNAPSHOT", "WHAT", "DELETE ON", "OUTCOME"].map(str::to_owned).to_vec();
        let rows = self.snapshots.iter().map(|row| {
            let (region, snapshot) = (row.region.to_string(), row.snapshot.to_string());
            vec![region, snapshot, row.what.clone(), row.delete_on.clone(), row.outcome.clone()]
        });
        let mut text = format!("{what}: account {}\n\n", self.account);
        for line in render::aligned(&std::iter::once(header).chain(rows).collect::<Vec<_>>()) {
            text.push_str(&format!("  {line}\n"));
        }
        if !self.unread.is_empty() {
            text.push_str("\nNot looked at, so a copy there is as it was:\n");
        }
        for unread in &self.unread {
            text.push_str(&format!("  {}\n", render::clean(unread)));
        }
        text
    }
}

struct Keeper<'a> {
    pacer: Pacer<'a, Aws>,
    aws: &'a Aws,
    wish: Wish<'a>,
}

/// A snapshot and where it is.
type Found = (Region, Snapshot);

impl Keeper<'_> {
    async fn work(&self, id: &SnapshotId) -> anyhow::Result<Done> {
        let here = self.aws.default_region();
        let account = self.pacer.call(here, Action::GetCallerIdentity, async || self.aws.account(here).await).await?;
        let (family, unread) = self.family(here, id).await;
        let Some((region, snapshot)) = family.iter().find(|(_, snapshot)| snapshot.id == *id) else {
            let seen = "in no Region that could be looked at";
            let gaps = if unread.is_empty() { String::new() } else { format!(" (not looked at: {})", list(&unread)) };
            bail!("{id} was found {seen}{gaps}; check the id and the account ({account})");
        };
        if let Some(why) = not_managed(&account, region, snapshot) {
            bail!("{id} in {region}: {why}; nothing was changed");
        }
        let ours = family.iter().filter(|(region, snapshot)| Managed::of(region, snapshot, &account).is_ok());
        let snapshots = join_all(ours.map(|(region, snapshot)| self.tag(region, snapshot))).await;
        Ok(Done { account, snapshots, unread })
    }

    /// The snapshot first, then its copies, and the Regions that could not be looked at.
    async fn family(&self, here: &Region, id: &SnapshotId) -> (Vec<Found>, Vec<String>) {
        let regions = self.pacer.call(here, Action::DescribeRegions, async || self.aws.describe_regions(here).await);
        let (regions, mut unread) = match regions.await {
            Ok(regions) => (regions, Vec::new()),
            Err(error) => self.regions_without_a_list(here, id, &error).await,
        };
        let (mut itself, mut copies) = (Vec::new(), Vec::new());
        let looks = regions.iter().map(|region| async move { (region, self.look(region, id).await) });
        for (region, found) in join_all(looks).await {
            match found {
                Ok((own, its_copies)) => {
                    itself.extend(own.into_iter().map(|snapshot| (region.clone(), snapshot)));
                    copies.extend(its_copies.into_iter().map(|snapshot| (region.clone(), snapshot)));
                }
                Err(error) => unread.push(format!("{region}: {error}")),
            }
        }
        itself.extend(copies);
        (itself, unread)
    }

    /// Without the list of Regions: this one, and those that the snapshot names.
    async fn regions_without_a_list(
        &self,
        here: &Region,
        id: &SnapshotId,
        error: &CallError,
    ) -> (Vec<Region>, Vec<String>) {
        let mut regions = BTreeSet::from([here.clone()]);
        if let Ok((own, _)) = self.look(here, id).await {
            regions.extend(own.iter().flat_map(|snapshot| tags::named_regions(&snapshot.tags)));
        }
        let unread = format!("all Regions but {}: {error}", list(&regions));
        (regions.into_iter().collect(), vec![unread])
    }

    /// The snapshot and its copies in one Region.
    async fn look(&self, region: &Region, id: &SnapshotId) -> Result<(Vec<Snapshot>, Vec<Snapshot>), CallError> {
        let own = async || self.aws.describe_snapshots(region, SnapshotQuery::Ids(vec![id.clone()])).await;
        let copies = async || self.aws.copies_of(region, id).await;
        let own = self.pacer.call(region, Action::DescribeSnapshots, own);
        let copies = self.pacer.call(region, Action::DescribeSnapshots, copies);
        let (own, copies) = join(own, copies).await;
        Ok((own?.items, copies?))
    }

    async fn tag(&self, region: &Region, snapshot: &Snapshot) -> Row {
        let done = match self.wish {
            Wish::Keep { reason } => self.pin(region, snapshot, reason).await,
            Wish::Unkeep => self.unpin(region, snapshot).await,
        };
        let what = match tags::source_snapshot(&snapshot.tags) {
            TagValue::Is(source) => format!("copy of {source}"),
            TagValue::Absent | TagValue::Unreadable(_) => "snapshot".to_owned(),
        };
        Row {
            region: region.clone(),
            snapshot: snapshot.id.clone(),
            what,
            delete_on: snapshot.tags.get(key::DELETE_ON).unwrap_or("-").to_owned(),
            failed: done.is_err(),
            outcome: done.unwrap_or_else(|error| format!("failed: {error}")),
        }
    }

    async fn pin(&self, region: &Region, snapshot: &Snapshot, reason: &str) -> Result<String, CallError> {
        if snapshot.tags.keep_forever() {
            return Ok("was kept already".to_owned());
        }
        let tags: Tags = [(key::KEEP_FOREVER, reason)].into_iter().collect();
        let ids = std::slice::from_ref(&snapshot.id);
        let write = async || self.aws.create_tags(region, ids, &tags).await;
        self.pacer.call(region, Action::CreateTags, write).await?;
        Ok(format!("tagged KeepForever={}", quoted(reason)))
    }

    async fn unpin(&self, region: &Region, snapshot: &Snapshot) -> Result<String, CallError> {
        let pins: Vec<_> = snapshot.tags.keep_forever_keys().collect();
        for key in &pins {
            self.aws.delete_tag(region, &snapshot.id, key).await?;
        }
        Ok(if pins.is_empty() { "was not kept".to_owned() } else { format!("{} taken off", list(pins)) })
    }
}
