//! Whether the tags of an account say what people meant by them.
//!
//! The jobs read a tag as it stands, and in doubt keep. Here it is asked what was meant: a key that is nearly ours is read
//! by no job, and nobody hears of it before the backup is missed. Nothing here decides anything.
//!
//! An [`Severity::Error`] is a tag that most likely does something else than its writer thinks. What other tools may have
//! written for themselves, and what works but could be better, is [`Severity::Advice`].

mod instance;
mod says;
mod schedules;
mod snapshot;
mod values;

pub use schedules::Gap;
pub use values::Expected;

use serde::{Deserialize, Serialize};

use crate::decision::{Finding, Problem};
use crate::ids::{Region, VolumeId};
use crate::inventory::{Inventory, Read, RegionInventory, Snapshot, Volume};
use crate::near;
use crate::plan::gaps;
use crate::policy::Config;
use crate::tags::{self, TagValue, Tags, key};

/// Something about a tag that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lint {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub region: Region,
    /// The instance, volume or snapshot that carries the tag.
    pub id: String,
    /// The tag's key, as it is written.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What is wrong with it.
    pub problem: LintProblem,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It most likely does something else than was meant.
    Error,
    /// It does what it says, and that may not be what is wanted.
    Advice,
}

/// What is wrong with a tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the sentences in says.rs say each")]
pub enum LintProblem {
    Unreadable { expected: Expected, meant: Option<String> },
    NoSchedule { part: Option<String>, why: String, holds: String, meant: Option<String> },
    NeverFires { part: Option<String>, holds: String },
    NearKey { ours: String },
    NotUnderstood { ours: String },
    NoRegion { name: String, nearest: Option<Region> },
    OwnRegion,
    Separators { meant: String },
    KeepsAllTheSame,
    ShortRetention { kept_days: u32, gap: Gap },
    IdleTier { kept_days: u32, reach_days: u32 },
    MoveLeavesNothing,
    CopiesShorter,
    TiersOfReplaced,
    TagsWandered,
    NoDestination,
    NothingOfVolume,
    NotSelected { others: Vec<String> },
    Misplaced { belongs_on: String },
}

/// What is to be said of the tags in `regions`: errors first, each thing once, always in one order.
pub fn lint(inventory: &Inventory, regions: &[Region], config: &Config) -> Vec<Lint> {
    let seen = inventory.regions.iter().filter(|(region, _)| regions.contains(region));
    let mut lints: Vec<_> = seen.flat_map(|(region, seen)| of_region(inventory, region, seen, config)).collect();
    lints.sort();
    lints.dedup();
    lints
}

/// What could not be read of what [`lint`] looks at: silence about it is no good news.
pub fn unread(inventory: &Inventory, regions: &[Region]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let (Read::Gap { why, .. }, Some(region)) = (&inventory.enabled, regions.first()) {
        let problem = Problem::NotRead { what: "the account's Regions".to_owned(), why: why.clone() };
        findings.push(Finding::new(region, region, problem));
    }
    for region in regions {
        findings.extend(gaps(region, inventory.regions.get(region)));
    }
    findings
}

fn of_region(inventory: &Inventory, region: &Region, seen: &RegionInventory, config: &Config) -> Vec<Lint> {
    let live = seen.instances.items().iter().filter(|instance| instance.state.is_backed_up());
    let instances = live.flat_map(|one| instance::lints(one, region, inventory, config));
    let volumes = seen.volumes.items().iter().flat_map(|one| of_volume(one, region, inventory));
    let snapshots = seen.snapshots.items().iter().flat_map(|one| snapshot::lints(one, region, inventory));
    instances.chain(volumes).chain(snapshots).collect()
}

fn of_volume(volume: &Volume, region: &Region, inventory: &Inventory) -> Vec<Lint> {
    let on = Tagged { region, id: volume.id.as_str(), tags: &volume.tags };
    let says_no = |value: &str| value.trim().eq_ignore_ascii_case("no");
    let mut lints =
        on.near_keys(&[key::BACKUP, key::WAS], |meant, value| Severity::error_if(meant == key::WAS || says_no(value)));
    lints.extend(on.unreadable(key::BACKUP, Expected::VolumeBackup));
    lints.extend(on.unreadable(key::WAS, Expected::ReplacedVolume));
    let is_unknown = tags::was(&volume.tags).is_some_and(|was| is_nothing_of(&was, inventory));
    lints.extend(is_unknown.then(|| on.lint(key::WAS, Severity::Error, LintProblem::NothingOfVolume)));
    let of_instances = instance::KEYS.into_iter().filter(|key| *key != key::BACKUP);
    lints.extend(of_instances.filter_map(|key| on.misplaced(key, "an instance")));
    lints.extend(on.misplaced(key::KEEP_FOREVER, "a snapshot"));
    lints
}

/// Whether neither a volume is there nor a snapshot or copy of it, as far as all was read.
fn is_nothing_of(volume: &VolumeId, inventory: &Inventory) -> bool {
    let is_of = |one: &Snapshot| one.volume_id == *volume || one.tags.get(key::VOLUME_ID) == Some(volume.as_str());
    inventory.regions.values().all(|seen| {
        let is_read = seen.volumes.is_whole() && seen.snapshots.is_whole();
        let is_there = seen.volumes.items().iter().any(|one| one.id == *volume);
        is_read && !is_there && !seen.snapshots.items().iter().any(is_of)
    })
}

impl Severity {
    fn error_if(condition: bool) -> Self {
        if condition { Severity::Error } else { Severity::Advice }
    }
}

/// Something with tags, and where it is.
#[derive(Clone, Copy)]
struct Tagged<'a> {
    region: &'a Region,
    id: &'a str,
    tags: &'a Tags,
}

impl Tagged<'_> {
    fn lint(&self, key: &str, severity: Severity, problem: LintProblem) -> Lint {
        Lint {
            severity,
            region: self.region.clone(),
            id: self.id.to_owned(),
            key: key.to_owned(),
            value: self.tags.get(key).unwrap_or_default().to_owned(),
            problem,
        }
    }

    fn unreadable(&self, key: &str, expected: Expected) -> Option<Lint> {
        let text = self.tags.get(key)?;
        Some(self.lint(key, expected.severity(text), expected.wrong_with(key, text)?))
    }

    fn misplaced(&self, key: &str, belongs_on: &str) -> Option<Lint> {
        let problem = LintProblem::Misplaced { belongs_on: belongs_on.to_owned() };
        self.tags.has(key).then(|| self.lint(key, Severity::Advice, problem))
    }

    /// Keys that are nearly one of `ours`. Where that one is there too, only another way of writing it counts; and what
    /// would be no value of ours was meant for something else.
    fn near_keys(&self, ours: &[&'static str], severity: impl Fn(&str, &str) -> Severity) -> Vec<Lint> {
        let is_predecessors = |key: &str| key::PREDECESSORS.iter().any(|(theirs, _)| *theirs == key);
        let is_strange = |key: &str| !key::ALL.contains(&key) && !is_predecessors(key) && !is_keep_forever(key);
        let strange = self.tags.iter().filter(|(key, _)| is_strange(key));
        let understood = tags::with_predecessors_keys(self.tags);
        let near = strange.filter_map(|(written, value)| {
            let meant = near::nearest(written, ours).copied().or_else(|| self.of_others(written))?;
            let is_same_word = meant != key::BACKUP && near::squeezed(written) == near::squeezed(meant);
            let may_be_meant = is_same_word || !understood.has(meant);
            (may_be_meant && values::is_of(meant, value.trim()))
                .then(|| self.lint(written, severity(meant, value), LintProblem::NearKey { ours: meant.to_owned() }))
        });
        near.collect()
    }

    /// The key of ours that means what one of another tool's does, on an instance that is backed up; `BackupTag` on any.
    fn of_others(&self, written: &str) -> Option<&'static str> {
        let is_selected = tags::backup(self.tags) == TagValue::Is(true);
        match near::squeezed(written).as_str() {
            "backuptag" | "autobackup" | "ebsbackup" => Some(key::BACKUP),
            _ if !is_selected => None,
            "retention" | "retentionperiod" | "backupretention" | "snapshotretention" => Some(key::RETENTION_DAYS),
            "copyregion" | "backupregion" | "snapshotregion" | "drregion" => Some(key::DESTINATION_REGION),
            "schedule" | "snapshotschedule" | "backuptime" => Some(key::BACKUP_SCHEDULE),
            _ => None,
        }
    }
}

/// It counts in any letter case.
fn is_keep_forever(key: &str) -> bool {
    key.trim().eq_ignore_ascii_case(key::KEEP_FOREVER)
}
