//! From tags to policy: what an instance or a snapshot asks for, where each value came from, and what could not be read.
//!
//! What cannot be read errs on the side of keeping (a year, `Copy`, the default schedule), with a finding at every run.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::approval::Approval;
use crate::decision::{Finding, Problem};
use crate::ids::Region;
use crate::inventory::{Instance, Inventory, RegionStatus};
use crate::near;
use crate::retention::{Asked, Retention};
use crate::schedule::{Schedule, Slot};
use crate::tags::{self, Named, OffsiteMode, TagValue, Tags, key};

/// The days that a snapshot is kept where nothing is configured and no tag says otherwise.
pub const RETENTION_DAYS_DEFAULT: u32 = 7;
/// The full days for which a policy stays in force after another took its place.
pub const GRACE_DAYS_DEFAULT: u32 = 7;
/// The days for which a volume's history stays open after the manager first saw that the volume is over.
pub const CLOSING_DAYS_DEFAULT: u32 = 30;

/// The slot that a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotChoice {
    /// That of the minute in which the account is looked at.
    Now,
    /// This one.
    At(Slot),
}

/// Words that name no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a slot as 2026-11-22T03:00Z (UTC, to the minute), or now")]
pub struct SlotChoiceError;

impl FromStr for SlotChoice {
    type Err = SlotChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "now" { Ok(Self::Now) } else { text.parse().map(Self::At).map_err(|_| SlotChoiceError) }
    }
}

/// What no tag says: the defaults, and the wishes of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `RetentionDays` of an instance without the tag.
    pub retention_days: u32,
    /// `BackupSchedule` of an instance without the tag.
    pub schedule: Schedule,
    /// The slot to finish, in place of each schedule's own.
    pub slot: Option<SlotChoice>,
    /// The grace period: for how many full days a policy stays in force after another took its place.
    pub grace_days: u32,
    /// For how many days what there is of a volume that is over is judged as if it were not.
    pub closing_days: u32,
    /// What a person approved: large expiries (S9), and shorter retentions.
    pub approvals: Vec<Approval>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            retention_days: RETENTION_DAYS_DEFAULT,
            schedule: Schedule::default(),
            slot: None,
            grace_days: GRACE_DAYS_DEFAULT,
            closing_days: CLOSING_DAYS_DEFAULT,
            approvals: Vec::new(),
        }
    }
}

/// A value of a policy and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting<T> {
    /// What holds.
    pub value: T,
    /// Why it holds.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The tag says so.
    Tag,
    /// There is no tag: the default.
    Default,
    /// There is a tag that cannot be read; its text.
    Unreadable(String),
}

impl<T> Setting<T> {
    fn of(read: TagValue<T>, default: T, unreadable: T) -> Self {
        match read {
            TagValue::Is(value) => Self { value, origin: Origin::Tag },
            TagValue::Absent => Self { value: default, origin: Origin::Default },
            TagValue::Unreadable(text) => Self { value: unreadable, origin: Origin::Unreadable(text) },
        }
    }
}

/// When the tags of an instance want it backed up.
pub fn schedule(tags: &Tags, config: &Config) -> Setting<Schedule> {
    let read = match tags.get(key::BACKUP_SCHEDULE) {
        None => TagValue::Absent,
        Some(text) => text.parse().map_or_else(|_| TagValue::Unreadable(text.to_owned()), TagValue::Is),
    };
    Setting::of(read, config.schedule.clone(), config.schedule.clone())
}

/// Whether an instance is backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// `Backup=Yes`.
    Selected,
    /// `Backup=No`.
    Excluded,
    /// No such tag.
    Untagged,
    /// The tag says something else; another tool may use it.
    Unreadable(String),
}

/// The key of a tag that says `Yes` and is nearly `Backup`.
pub fn near_backup(tags: &Tags) -> Option<&str> {
    let is_near = |key: &str| key != key::BACKUP && near::nearest(key, [key::BACKUP]).is_some();
    tags.iter().find(|(key, value)| is_near(key) && tags::read_backup(value) == Some(true)).map(|(key, _)| key)
}

/// What an instance's tags ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstancePolicy {
    /// Whether it is backed up.
    pub selection: Selection,
    /// For how many days all of its snapshots are kept.
    pub retention_days: Setting<u32>,
    /// How long they are kept, all of it.
    pub retention: Retention,
    /// The tags that say so, as they were read.
    pub asked: Asked,
    /// When.
    pub schedule: Setting<Schedule>,
    /// Where to, and how.
    pub offsite: Offsite,
    /// The tags that say all that ([`tags::with_predecessors_keys`]).
    pub tags: Tags,
}

impl InstancePolicy {
    /// Reads an instance's tags.
    pub fn of(instance: &Instance, region: &Region, inventory: &Inventory, config: &Config) -> Self {
        let tags = &tags::with_predecessors_keys(&instance.tags);
        let schedule = schedule(tags, config);
        let asked = Asked::of(tags);
        let retention = asked.retention(config.retention_days, schedule.value.zone());
        let days = retention.own.days;
        Self {
            selection: match tags::backup(tags) {
                TagValue::Is(true) => Selection::Selected,
                TagValue::Is(false) => Selection::Excluded,
                TagValue::Absent => Selection::Untagged,
                TagValue::Unreadable(text) => Selection::Unreadable(text),
            },
            retention_days: Setting { value: days, ..Setting::of(tags::retention_days(tags), days, days) },
            retention,
            asked,
            schedule,
            offsite: Offsite::of(tags, Some(region), inventory),
            tags: tags.clone(),
        }
    }

    /// The policy that its tags ask for: of one that is not backed up only what tags say that are there, and no default.
    pub fn wanted(&self) -> Option<Retention> {
        if self.selection == Selection::Selected {
            return Some(self.retention.clone());
        }
        let has_any = self.asked.tagged().next().is_some();
        has_any.then(|| self.asked.retention(0, self.schedule.value.zone()))
    }

    /// What could not be read, as findings about `id`.
    pub fn findings(&self, region: &Region, id: &str) -> Vec<Finding> {
        let mut problems = self.retention_problems();
        if let Origin::Unreadable(value) = &self.schedule.origin {
            let default = self.schedule.value.to_string();
            problems.push(Problem::ScheduleUnreadable { value: value.clone(), default });
        }
        let mut findings: Vec<_> = problems.into_iter().map(|problem| Finding::new(region, id, problem)).collect();
        findings.extend(self.offsite.findings(region, id));
        findings
    }
}

impl InstancePolicy {
    pub(crate) fn retention_problems(&self) -> Vec<Problem> {
        let problem = |(key, value): (&str, &str)| Problem::RetentionUnreadable {
            key: key.to_owned(),
            value: value.to_owned(),
            days: self.retention.own.days,
        };
        self.asked.unreadable().map(problem).collect()
    }
}

/// Where snapshots are copied to, and what becomes of the source: read from an instance's tags for what will be, from a
/// snapshot's own tags for what is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offsite {
    /// The destinations that can be used, in the tag's order.
    pub destinations: Vec<Region>,
    /// Those that cannot.
    pub refused: Vec<RefusedDestination>,
    /// As tagged.
    pub mode: Setting<OffsiteMode>,
}

/// A destination that nothing is copied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedDestination {
    /// As the tag has it.
    pub text: String,
    /// Why not.
    pub why: RefusedWhy,
}

/// Why a destination cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedWhy {
    /// It does not exist, or the account has not enabled it.
    NotThere,
    /// It is the snapshot's own Region.
    OwnRegion,
}

impl Offsite {
    /// Reads `DestinationRegion` and `OffsiteMode` of what is in `own`; None: nothing says where that is.
    pub fn of(tags: &Tags, own: Option<&Region>, inventory: &Inventory) -> Self {
        let (mut destinations, mut refused) = (Vec::new(), Vec::new());
        for named in tags::destinations(tags) {
            let (text, why) = match named {
                Named::Junk(text) => (text, RefusedWhy::NotThere),
                Named::Region(region) if Some(&region) == own => (region.into(), RefusedWhy::OwnRegion),
                Named::Region(region) => match inventory.status(&region) {
                    RegionStatus::Enabled | RegionStatus::Unknown => {
                        destinations.push(region);
                        continue;
                    }
                    RegionStatus::NotThere => (region.into(), RefusedWhy::NotThere),
                },
            };
            refused.push(RefusedDestination { text, why });
        }
        let mode = Setting::of(tags::offsite_mode(tags), OffsiteMode::Move, OffsiteMode::Copy);
        Self { destinations, refused, mode }
    }

    /// The mode that holds: where a destination is refused the source stays, as in `Copy`.
    pub fn mode(&self) -> OffsiteMode {
        if self.refused.is_empty() { self.mode.value } else { OffsiteMode::Copy }
    }

    /// What could not be read, as findings about `id`.
    pub fn findings(&self, region: &Region, id: &str) -> Vec<Finding> {
        let mut problems = Vec::new();
        if let Origin::Unreadable(value) = &self.mode.origin {
            problems.push(Problem::ModeUnreadable { value: value.clone() });
        }
        let local = self.destinations.is_empty();
        problems.extend(self.refused.iter().map(|refused| Problem::DestinationRefused {
            text: refused.text.clone(),
            why: refused.why,
            local,
        }));
        problems.into_iter().map(|problem| Finding::new(region, id, problem)).collect()
    }
}
