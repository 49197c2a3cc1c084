//! Looks at the world: which listings a job needs, page by page, Region by Region side by side.
//!
//! Order matters once. Under `Move` a source disappears from its own Region after its copy stands in the destination.
//! So the own Region is read first and destinations after it: what is already gone here is then already there. Read the
//! other way round, a snapshot on the move would be seen nowhere, and made again.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use futures_util::future::{Either, join, join_all, select};
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{AccountId, Region};
use snapwarden_core::inventory::{Instance, Inventory, Read, RegionInventory, RegionStatus, Snapshot};
use snapwarden_core::managed::Managed;
use snapwarden_core::policy::Offsite;
use snapwarden_core::tags::{self, TagValue};

use crate::cloud::{Action, Cloud, CloudError, Page, Paging, SnapshotQuery};
use crate::pacing::{CallError, Pacer};
use crate::run::{Progress, RunError};

/// Where a job acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// In these Regions.
    Named(Vec<Region>),
    /// In all Regions that the account has enabled.
    AllEnabled {
        /// The Regions that are asked for them, until one answers.
        ask: Vec<Region>,
    },
}

/// Regions that are enabled in every account, by how the names of their partition begin (AWS account management guide, "Enable
/// or disable AWS Regions in your account"; AWS China and GovCloud have these alone). Of other partitions none is known.
const NEVER_DISABLED: [(&str, &[&str]); 6] = [
    ("cn-", &["cn-north-1", "cn-northwest-1"]),
    ("us-gov-", &["us-gov-west-1", "us-gov-east-1"]),
    ("us-iso", &[]),
    ("eu-iso", &[]),
    ("eusc-", &[]),
    ("", &["us-east-1", "us-west-2", "eu-west-1"]),
];

impl Scope {
    /// In all Regions that the account has enabled. `own` is asked for them first; where it is out, some that are enabled in every
    /// account are.
    pub fn all_enabled(own: Region) -> Self {
        let of_partition = NEVER_DISABLED.iter().find(|(begin, _)| own.as_str().starts_with(begin));
        let others = of_partition.into_iter().flat_map(|(_, others)| *others).filter_map(|other| other.parse().ok());
        let others: Vec<Region> = others.filter(|other| *other != own).collect();
        Scope::AllEnabled { ask: [vec![own], others].concat() }
    }

    /// The Regions that are asked who we are and which Regions there are, until one answers.
    pub(crate) fn doors(&self) -> &[Region] {
        match self {
            Scope::Named(regions) => regions,
            Scope::AllEnabled { ask } => ask,
        }
    }
}

/// What was seen, and where the jobs act.
pub struct Collected {
    /// What was seen.
    pub inventory: Inventory,
    /// The Regions of the scope.
    pub regions: Vec<Region>,
}

/// Looks at what `jobs` need to decide in `scope`.
pub async fn collect<C: Cloud>(
    pacer: &Pacer<'_, C>,
    jobs: &[Job],
    scope: &Scope,
    progress: &dyn Progress,
) -> Result<Collected, RunError> {
    let cloud = pacer.cloud();
    let (home, account) = account(pacer, scope.doors()).await?;
    let doors = match scope {
        // It is only asked whether those that are named exist.
        Scope::Named(_) => vec![home],
        Scope::AllEnabled { ask } => [home].into_iter().chain(ask.iter().filter(|door| *door != home)).collect(),
    };
    let enabled = enabled(pacer, doors).await;
    let regions = match (scope, &enabled) {
        (Scope::Named(regions), Read::Whole(enabled)) => match regions.iter().find(|name| !enabled.contains(name)) {
            Some(unknown) => return Err(RunError::UnknownRegion(unknown.clone())),
            None => regions.clone(),
        },
        (Scope::Named(regions), Read::Gap { .. } | Read::NotAsked) => regions.clone(),
        (Scope::AllEnabled { .. }, Read::Whole(enabled)) => enabled.clone(),
        (Scope::AllEnabled { .. }, Read::Gap { why, .. }) => {
            return Err(RunError::NoRegions { region: home.clone(), why: why.clone() });
        }
        (Scope::AllEnabled { .. }, Read::NotAsked) => return Err(RunError::NoRegion),
    };
    let taken_at = cloud.now();
    let mut inventory = Inventory { account, taken_at, enabled, regions: BTreeMap::new() };
    let looker = Looker { pacer, progress, until: pacer.half_time() };
    looker.read(&mut inventory, jobs.iter().flat_map(|job| first_look(*job, &regions)).collect()).await;
    // What is read names Regions that have to be read: each is read once, so this ends.
    let mut is_first = true;
    loop {
        let more: Wanted = jobs.iter().flat_map(|job| named_regions(*job, &inventory, is_first)).collect();
        is_first = false;
        if more.is_empty() {
            break;
        }
        looker.read(&mut inventory, more).await;
    }
    Ok(Collected { inventory, regions })
}

/// The account, and the first Region that says so: one Region that is out does not stop the work in the others.
pub(crate) async fn account<'r, C: Cloud>(
    pacer: &Pacer<'_, C>,
    regions: &'r [Region],
) -> Result<(&'r Region, AccountId), RunError> {
    let cloud = pacer.cloud();
    let ask = async |region: &Region| {
        pacer.call(region, Action::GetCallerIdentity, async || cloud.account(region).await).await
    };
    ask_until_one_answers(pacer, regions.iter().collect(), ask).await.map_err(|first| match first {
        None => RunError::NoRegion,
        Some((region, error)) => RunError::NoAccount { region: region.clone(), why: error.to_string() },
    })
}

/// The Regions of the account, as one of `doors` says.
async fn enabled<C: Cloud>(pacer: &Pacer<'_, C>, doors: Vec<&Region>) -> Read<Region> {
    let cloud = pacer.cloud();
    let ask = async |region: &Region| {
        pacer.call(region, Action::DescribeRegions, async || cloud.describe_regions(region).await).await
    };
    match ask_until_one_answers(pacer, doors, ask).await {
        // A run in all of them would act nowhere, and call it a success.
        Ok((_, regions)) if regions.is_empty() => gap("the answer names none"),
        Ok((_, regions)) => Read::Whole(regions),
        Err(None) => gap("there is none to ask"),
        Err(Some((_, error))) => gap(&error.to_string()),
    }
}

fn gap<T>(why: &str) -> Read<T> {
    Read::Gap { seen: Vec::new(), why: why.to_owned() }
}

/// Half of the time that a Region is waited for while there is another to ask. It is waited for twice: EC2's clock may be set in the
/// first half, which is over then.
const HALF_PATIENCE_SECONDS: i64 = 5;

/// Asks one Region after the other until one answers; else what the first of them said. Those that were not waited for any longer
/// may only be slow: where no other answers, the first of them is asked again, and waited for.
async fn ask_until_one_answers<'r, C: Cloud, T>(
    pacer: &Pacer<'_, C>,
    regions: Vec<&'r Region>,
    ask: impl AsyncFn(&Region) -> Result<T, CallError>,
) -> Result<(&'r Region, T), Option<(&'r Region, CallError)>> {
    let (mut first, mut slow, is_only_one) = (None, None, regions.len() == 1);
    for region in regions {
        let answer = match select(pin!(ask(region)), pin!(patience(pacer.cloud(), is_only_one))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                slow.get_or_insert(region);
                continue;
            }
        };
        match answer {
            Ok(answer) => return Ok((region, answer)),
            Err(error) => _ = first.get_or_insert((region, error)),
        }
    }
    match slow {
        None => Err(first),
        Some(region) => ask(region).await.map(|answer| (region, answer)).map_err(|error| Some((region, error))),
    }
}

async fn patience<C: Cloud>(cloud: &C, is_endless: bool) {
    if is_endless {
        return std::future::pending().await;
    }
    for _ in 0..2 {
        let until = cloud.now().saturating_add(SignedDuration::from_secs(HALF_PATIENCE_SECONDS));
        cloud.sleep_until(until.unwrap_or(Timestamp::MAX)).await;
    }
}

/// A listing that a job needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Listing {
    Instances,
    Volumes,
    Snapshots,
}

type Wanted = BTreeSet<(Region, Listing)>;

fn first_look(job: Job, regions: &[Region]) -> Wanted {
    let listings: &[Listing] = match job {
        Job::Create => &[Listing::Instances, Listing::Volumes, Listing::Snapshots],
        Job::Offsite => &[Listing::Snapshots],
        // Instances: what their tags want kept beyond DeleteOn.
        Job::Expire => &[Listing::Instances, Listing::Volumes, Listing::Snapshots],
    };
    regions.iter().flat_map(|region| listings.iter().map(move |listing| (region.clone(), *listing))).collect()
}

/// What is needed elsewhere, by what was read: destinations, and the Regions in which copies' volumes and instances live.
/// The manager reads all Regions that tags and snapshots name: what lies there may ask for more.
fn named_regions(job: Job, inventory: &Inventory, is_first: bool) -> Wanted {
    let mut wanted = Wanted::new();
    match job {
        Job::Create => wanted.extend(destinations_of_instances(inventory, true)),
        Job::Offsite => {
            let sources = managed(inventory).into_iter().filter(|one| !one.is_copy());
            wanted.extend(sources.flat_map(|one| destinations(inventory, one.region(), &one.raw().tags)));
        }
        Job::Expire => {
            wanted.extend(destinations_of_instances(inventory, false));
            for one in managed(inventory) {
                let of_it = one.destinations().iter().chain(one.home());
                wanted.extend(of_it.map(|region| (region.clone(), Listing::Snapshots)));
                wanted.extend(homes(inventory, &one));
            }
            // A Region that does not exist cannot be read: it stays unread.
            wanted.retain(|(region, _)| inventory.status(region) != RegionStatus::NotThere);
        }
    }
    let known = |region: &Region, listing: Listing| {
        inventory.regions.get(region).is_some_and(|seen| match listing {
            Listing::Instances => seen.instances != Read::NotAsked,
            Listing::Volumes => seen.volumes != Read::NotAsked,
            Listing::Snapshots => seen.snapshots != Read::NotAsked,
        })
    };
    // The creator reads a destination after the own Region even where it acts in both: see the head of this file. One that could
    // not be read is not waited for twice.
    let is_whole = |region: &Region| inventory.regions.get(region).is_some_and(|seen| seen.snapshots.is_whole());
    let reads_again = |region: &Region| job == Job::Create && is_first && is_whole(region);
    wanted.retain(|(region, listing)| reads_again(region) || !known(region, *listing));
    wanted
}

fn managed(inventory: &Inventory) -> Vec<Managed<'_>> {
    let all = inventory.snapshots();
    all.filter_map(|(region, snapshot)| Managed::of(region, snapshot, &inventory.account).ok()).collect()
}

/// The destinations that instances name: selected ones, or all that live.
fn destinations_of_instances(inventory: &Inventory, selected: bool) -> Vec<(Region, Listing)> {
    let is_asked = |instance: &&Instance| {
        instance.state.is_backed_up() && (!selected || tags::backup(&instance.tags) == TagValue::Is(true))
    };
    let of_region = |(region, seen): (&Region, &RegionInventory)| -> Vec<(Region, Listing)> {
        let instances = seen.instances.items().iter().filter(is_asked);
        let of_instance =
            |instance: &Instance| destinations(inventory, region, &tags::with_predecessors_keys(&instance.tags));
        instances.flat_map(of_instance).collect()
    };
    inventory.regions.iter().flat_map(of_region).collect()
}

fn destinations(inventory: &Inventory, own: &Region, tags: &tags::Tags) -> Vec<(Region, Listing)> {
    let destinations = Offsite::of(tags, Some(own), inventory).destinations;
    destinations.into_iter().map(|region| (region, Listing::Snapshots)).collect()
}

/// The Regions in which a snapshot's volume, and its instance, can be.
fn homes(inventory: &Inventory, one: &Managed<'_>) -> Vec<(Region, Listing)> {
    let homes = match one.home() {
        Some(home) => vec![home.clone()],
        None => inventory.enabled.items().to_vec(),
    };
    let listings = [Listing::Instances, Listing::Volumes];
    homes.into_iter().flat_map(|region| listings.map(|listing| (region.clone(), listing))).collect()
}

/// A listing that was read again. Where that broke off, what the first time showed is still something that was seen.
fn seen_again(first: &Read<Snapshot>, again: Read<Snapshot>) -> Read<Snapshot> {
    let Read::Gap { seen, why } = again else { return again };
    let all = first.items().iter().cloned().chain(seen).map(|one| (one.id.clone(), one));
    Read::Gap { seen: BTreeMap::from_iter(all).into_values().collect(), why }
}

struct Looker<'a, 'c, C> {
    pacer: &'a Pacer<'c, C>,
    progress: &'a dyn Progress,
    /// What is not listed by then is a gap: a Region that throttles its listings leaves the others time to act in.
    until: Timestamp,
}

impl<C: Cloud> Looker<'_, '_, C> {
    /// When this round of listings ends: two thirds of the time that looking still has. What is read after it, such as
    /// destinations, has the rest, also where one Region took all of its own.
    fn round_ends(&self) -> Timestamp {
        let now = self.pacer.cloud().now();
        if self.until == Timestamp::MAX {
            return self.until;
        }
        now.saturating_add(self.until.duration_since(now) / 3 * 2).unwrap_or(self.until)
    }

    /// Reads the listings, all Regions side by side, into `inventory`.
    async fn read(&self, inventory: &mut Inventory, wanted: Wanted) {
        let by = self.round_ends();
        let regions: BTreeSet<_> = wanted.iter().map(|(region, _)| region.clone()).collect();
        let reads = regions.into_iter().map(|region| {
            let listings = wanted.iter().filter(|(of, _)| *of == region).map(|(_, listing)| *listing).collect();
            async move {
                let seen = self.read_region(&region, by, listings).await;
                (region, seen)
            }
        });
        for (region, seen) in join_all(reads).await {
            let known = inventory.regions.entry(region).or_default();
            if seen.instances != Read::NotAsked {
                known.instances = seen.instances;
            }
            if seen.volumes != Read::NotAsked {
                known.volumes = seen.volumes;
            }
            if seen.snapshots != Read::NotAsked {
                known.snapshots = seen_again(&known.snapshots, seen.snapshots);
            }
        }
    }

    async fn read_region(&self, region: &Region, by: Timestamp, listings: BTreeSet<Listing>) -> RegionInventory {
        let has = |listing| listings.contains(&listing);
        let cloud = self.pacer.cloud();
        let instances = async {
            let page = async |next| cloud.describe_instances(region, next).await;
            self.list(has(Listing::Instances), region, by, Action::DescribeInstances, page, |instance| {
                instance.id.clone()
            })
            .await
        };
        let volumes = async {
            let page = async |next| cloud.describe_volumes(region, next).await;
            self.list(has(Listing::Volumes), region, by, Action::DescribeVolumes, page, |volume| volume.id.clone())
                .await
        };
        let snapshots = async {
            let page = async |next| cloud.describe_snapshots(region, SnapshotQuery::Own { next }).await;
            self.list(has(Listing::Snapshots), region, by, Action::DescribeSnapshots, page, |snapshot| {
                snapshot.id.clone()
            })
            .await
        };
        let ((instances, volumes), snapshots) = join(join(instances, volumes), snapshots).await;
        RegionInventory { instances, volumes, snapshots }
    }

    /// All pages of one listing. A page may be empty although more follow. What breaks off is a gap, never a short list.
    async fn list<T, K: Ord>(
        &self,
        wanted: bool,
        region: &Region,
        by: Timestamp,
        action: Action,
        page: impl AsyncFn(Option<String>) -> Result<Page<T>, CloudError>,
        id: impl Fn(&T) -> K,
    ) -> Read<T> {
        if !wanted {
            return Read::NotAsked;
        }
        let (mut items, mut paging, mut next) = (Vec::new(), Paging::default(), None);
        let why = loop {
            let answer = self.pacer.call_by(region, action, by, async || page(next.clone()).await).await;
            let Page { items: more, next: token } = match answer {
                Ok(page) => page,
                Err(CallError::Deadline) => {
                    break Some("not listed in the time that looking has".to_owned());
                }
                Err(error @ (CallError::Stopped | CallError::TimeInDoubt | CallError::Cloud(_))) => {
                    break Some(error.to_string());
                }
            };
            let following = paging.next(more.first().map(&id), token);
            items.extend(more);
            self.progress.listed(region, action, items.len());
            match following {
                Ok(None) => break None,
                Ok(more) => next = more,
                Err(why) => break Some(why.to_owned()),
            }
        };
        // A listing that changes between its pages may show a thing twice.
        items.sort_by_cached_key(|item| id(item));
        items.dedup_by(|a, b| id(a) == id(b));
        match why {
            None => Read::Whole(items),
            Some(why) => Read::Gap { seen: items, why },
        }
    }
}
