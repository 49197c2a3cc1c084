//! The planners: from what was seen to what is done. Pure, total, one decision per subject.
//!
//! Each job's table is one function that walks its rows from the top; the first that fits decides.

mod create;
mod expire;
mod keeping;
mod offsite;

pub use create::plan_create;
pub use expire::plan_expire;
pub(crate) use keeping::{moment_of, time_of};
pub use offsite::plan_offsite;

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::decision::{About, Finding, Job, Plan, Problem};
use crate::ids::Region;
use crate::inventory::{Inventory, Lineage, Read, Snapshot};
use crate::policy::Config;
use crate::tags::{self, TagValue, key};

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

/// Whether a snapshot's own day has come. `KeepForever` is asked elsewhere, and before this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// It has.
    Yes {
        /// Its DeleteOn.
        delete_on: Date,
        /// Days since then.
        overdue_days: i64,
        /// Its age.
        age_days: i64,
    },
    /// Not yet: the day lies ahead, or it is younger than its retention.
    NotYet {
        /// Its DeleteOn.
        delete_on: Date,
        /// Its age.
        age_days: i64,
        /// The age that it must reach.
        needs_days: i64,
    },
    /// There is no DeleteOn, or it cannot be read: never.
    Never(Option<String>),
}

/// Whether `snapshot` is due at `now`: `DeleteOn <= today`, and at least `DeleteOn − CreatedOn` full days old. The age
/// counts by the time of its data, so that a copy, or a tag edited by hand, does not shorten what was promised.
pub fn due(snapshot: &Snapshot, now: Timestamp) -> Due {
    let delete_on = match tags::delete_on(&snapshot.tags) {
        TagValue::Is(date) => date,
        TagValue::Absent => return Due::Never(None),
        TagValue::Unreadable(text) => return Due::Never(Some(text)),
    };
    let today = now.to_zoned(TimeZone::UTC).date();
    let age_days = snapshot.age_days(now);
    let needs_days = tags::created_on(&snapshot.tags).ok().map_or(i64::MIN, |created| days_between(created, delete_on));
    if delete_on <= today && age_days >= needs_days {
        Due::Yes { delete_on, overdue_days: days_between(delete_on, today), age_days }
    } else {
        Due::NotYet { delete_on, age_days, needs_days }
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    i64::from((to - from).get_days())
}

/// The newest completed managed snapshot of each volume in each Region. Of all, copies included, it is what S6 protects;
/// of those that are no copies, what `KeepLatest` keeps: EC2 makes no next snapshot incremental on a copy.
struct Newest<'a>(BTreeMap<(&'a Region, Lineage), &'a Snapshot>);

impl<'a> Newest<'a> {
    fn of(inventory: &'a Inventory, counts: impl Fn(&Snapshot) -> bool) -> Self {
        let mut newest: BTreeMap<_, &Snapshot> = BTreeMap::new();
        for (region, snapshot) in inventory.snapshots() {
            if !snapshot.is_managed(&inventory.account) || !snapshot.is_completed() || !counts(snapshot) {
                continue;
            }
            let best = newest.entry((region, snapshot.lineage())).or_insert(snapshot);
            if (snapshot.data_time(), &snapshot.id) > (best.data_time(), &best.id) {
                *best = snapshot;
            }
        }
        Newest(newest)
    }

    fn get<'b>(&'b self, region: &'b Region, lineage: Lineage) -> Option<&'b Snapshot> {
        self.0.get(&(region, lineage)).copied()
    }

    fn is_newest(&self, region: &Region, snapshot: &Snapshot) -> bool {
        self.get(region, snapshot.lineage()).is_some_and(|newest| newest.id == snapshot.id)
    }
}

/// The Regions in which what a snapshot was made of can be, and whether these are all: a source's own, a copy's
/// SourceRegion, or every enabled one where none is recorded.
fn homes(inventory: &Inventory, region: &Region, snapshot: &Snapshot) -> (Vec<Region>, bool) {
    if !snapshot.is_copy() {
        return (vec![region.clone()], true);
    }
    match tags::source_region(&snapshot.tags) {
        TagValue::Is(home) => (vec![home], true),
        TagValue::Absent | TagValue::Unreadable(_) => {
            let mut enabled = inventory.enabled.items().to_vec();
            enabled.sort();
            (enabled, inventory.enabled.is_whole())
        }
    }
}

/// Whom people recognise behind a snapshot.
fn about(snapshot: &Snapshot) -> About {
    About {
        instance: snapshot.tags.get(key::INSTANCE_ID).and_then(|text| text.parse().ok()),
        name: snapshot.tags.get(key::INSTANCE_NAME).filter(|name| !name.is_empty()).map(str::to_owned),
        volume: match snapshot.lineage() {
            Lineage::Volume(volume) => Some(volume),
            Lineage::UnknownVolume => None,
        },
    }
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

fn later(time: Timestamp, hours: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}
