//! How the world behaves: sizes, durations, lateness, and how often something goes wrong.

use std::collections::BTreeMap;

use snapwarden_core::ids::Region;

use crate::faults::Faults;
use crate::limits;

/// How long a snapshot is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durations {
    /// Seconds for any snapshot.
    pub base_s: u32,
    /// Seconds more for each GiB.
    pub per_gib_s: u32,
    /// A copy takes so many times as long.
    pub copy_factor: u32,
}

impl Durations {
    pub(crate) fn seconds(&self, size_gib: u32, is_copy: bool) -> i64 {
        let once = i64::from(self.base_s) + i64::from(self.per_gib_s) * i64::from(size_gib);
        once * if is_copy { i64::from(self.copy_factor) } else { 1 }
    }
}

/// How the world behaves; may be changed at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Items on a page, at most.
    pub page_size: usize,
    /// Pages with nothing on them although more follow, in thousandths.
    pub empty_pages: u16,
    /// Pages after a listing's first that fail for an hour, however often they are asked for, in thousandths.
    pub broken_pages: u16,
    /// Request rates are limited.
    pub rate_limits: bool,
    /// Snapshots in a Region, at most.
    pub snapshots_max: usize,
    /// Eventual consistency: seconds that a change may stay unseen, at most 100; 0 shows everything at once.
    pub lag_max_s: u32,
    /// How long snapshots and copies are pending.
    pub durations: Durations,
    /// Snapshots made alone that fail in the end, in thousandths.
    pub snapshot_errors: u16,
    /// Sets that fail in the end, each as a whole, in thousandths.
    pub set_errors: u16,
    /// Copies that fail in the end, in thousandths.
    pub copy_errors: u16,
    /// Calls that go wrong.
    pub faults: Faults,
    /// Regions in which others go wrong.
    pub faults_in: BTreeMap<Region, Faults>,
}

impl Config {
    /// The calls that go wrong in a Region.
    pub fn faults_of(&self, region: &Region) -> Faults {
        self.faults_in.get(region).copied().unwrap_or(self.faults)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            page_size: 1_000,
            empty_pages: 0,
            broken_pages: 0,
            rate_limits: true,
            snapshots_max: limits::SNAPSHOTS_PER_REGION_MAX,
            lag_max_s: 0,
            durations: Durations { base_s: 60, per_gib_s: 1, copy_factor: 2 },
            snapshot_errors: 0,
            set_errors: 0,
            copy_errors: 0,
            faults: Faults::default(),
            faults_in: BTreeMap::new(),
        }
    }
}

/// The longest that eventual consistency may hide something: the design counts on two minutes between runs.
pub(crate) const LAG_MAX_S: u32 = 100;
