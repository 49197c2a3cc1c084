//! The planners: from what was seen to what is done. Pure, total, one decision per subject.
//!
//! Each job's table is one function that walks its rows from the top; the first that fits decides.

mod coverage;
mod create;
mod expire;
mod offsite;

pub use create::plan_create;
pub use expire::plan_expire;
pub use offsite::plan_offsite;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::decision::{About, Amount, Finding, Job, Plan, Problem};
use crate::ids::{Region, SnapshotId, VolumeId};
use crate::index::Index;
use crate::inventory::{Inventory, Read, RegionInventory, SnapshotState};
use crate::managed::Managed;
use crate::policy::Config;

/// A snapshot may be begun so long before its slot: EC2's parts do not agree on the time to the second.
const EARLY_MAX: SignedDuration = SignedDuration::from_mins(10);

/// The plan of `job` in `regions`.
pub fn plan(job: Job, inventory: &Inventory, regions: &[Region], config: &Config) -> Plan {
    match job {
        Job::Create => plan_create(inventory, regions, config),
        Job::Offsite => plan_offsite(inventory, regions),
        Job::Expire => plan_expire(inventory, regions, config),
    }
}

impl Plan {
    fn new(job: Job, inventory: &Inventory, regions: &[Region]) -> Self {
        let mut regions = regions.to_vec();
        regions.sort();
        regions.dedup();
        Plan {
            job,
            account: inventory.account.clone(),
            taken_at: inventory.taken_at,
            regions,
            decisions: Vec::new(),
            groups: Vec::new(),
            coverage: BTreeMap::new(),
            holds: Vec::new(),
            due_elsewhere: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// Puts the findings in order, each once.
    fn finish(mut self) -> Self {
        self.findings.sort();
        self.findings.dedup();
        self
    }
}

/// The newest completed snapshot of each volume in its own Region, copies and archived ones left out: EC2 makes no next
/// snapshot incremental on those.
struct NewestHere<'i, 'a>(BTreeMap<(&'a Region, &'i VolumeId), &'i Managed<'a>>);

impl<'i, 'a> NewestHere<'i, 'a> {
    fn of(index: &'i Index<'a>) -> Self {
        let mut newest: BTreeMap<_, &Managed<'_>> = BTreeMap::new();
        for one in index.managed().iter().filter(|one| one.is_completed() && one.is_at_hand() && !one.is_copy()) {
            let Some(volume) = one.volume() else { continue };
            let best = newest.entry((one.region(), volume)).or_insert(one);
            if (one.taken(), one.id()) > (best.taken(), best.id()) {
                *best = one;
            }
        }
        NewestHere(newest)
    }

    /// That of the volume of `source`.
    fn get(&self, source: &Managed<'_>) -> Option<&'i Managed<'a>> {
        self.0.get(&(source.region(), source.volume()?)).copied()
    }

    fn is_newest(&self, source: &Managed<'_>) -> bool {
        self.get(source).is_some_and(|newest| newest.id() == source.id())
    }
}

/// Whom people recognise behind a snapshot.
fn about(snapshot: &Managed<'_>) -> About {
    About {
        instance: snapshot.instance().cloned(),
        name: snapshot.instance_name().map(str::to_owned),
        volume: snapshot.volume().cloned(),
    }
}

/// The findings about the lists of a Region that are not whole.
pub(crate) fn gaps(region: &Region, seen: Option<&RegionInventory>) -> impl Iterator<Item = Finding> {
    let instances = gap(region, "instances", seen.map(|seen| &seen.instances));
    let volumes = gap(region, "volumes", seen.map(|seen| &seen.volumes));
    instances.into_iter().chain(volumes).chain(gap(region, "snapshots", seen.map(|seen| &seen.snapshots)))
}

/// The finding about a listing that is not whole, if it is not.
pub(crate) fn gap<T>(region: &Region, what: &str, listing: Option<&Read<T>>) -> Option<Finding> {
    let why = match listing {
        Some(Read::Whole(_)) => return None,
        Some(Read::Gap { why, .. }) => why.as_str(),
        Some(Read::NotAsked) | None => "not read",
    };
    let problem = Problem::NotRead { what: what.to_owned(), why: why.to_owned() };
    Some(Finding::new(region, region, problem))
}

/// The finding that counts what EC2 describes in words that are not known here.
fn unfamiliar(index: &Index<'_>, region: &Region) -> Option<Finding> {
    let all = index.managed_in(region).filter(|one| one.raw().state == SnapshotState::Unfamiliar);
    let (some, example) = counted(all)?;
    Some(Finding::new(region, region, Problem::Unfamiliar { some, example }))
}

/// How many these are, and the first by its id.
fn counted<'i, 'a: 'i>(all: impl Iterator<Item = &'i Managed<'a>>) -> Option<(Amount, SnapshotId)> {
    let (mut some, mut first) = (Amount::default(), None);
    for one in all {
        some.add(one.raw().size_gib);
        first = Some(first.map_or(one.id(), |first| one.id().min(first)));
    }
    Some((some, first?.clone()))
}

fn later(time: Timestamp, hours: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}
