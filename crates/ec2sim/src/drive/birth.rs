//! What is asked of a snapshot that is being made: S11 and S10, and that it states what its instance asks for.

use jiff::Timestamp;
use jiff::civil::Date;
use snapwarden_core::ids::{InstanceId, Region, VolumeId};
use snapwarden_core::tags::Tags;

use super::facts::{OF_ONE_ALONE, UNSEEN_S, day};
use super::found::Found;
use super::policy::{Asked, Record, destinations};
use super::process::Process;
use super::rules::Rules;
use crate::keys;
use crate::world::World;

/// Days for which what is made is kept at least while a tag of retention cannot be read.
const DAYS_UNREADABLE: i64 = 365;

/// Snapshots that are being made of volumes of one instance, and the tags that all of them get.
pub(super) struct Birth<'a> {
    pub(super) rules: &'a Rules,
    pub(super) world: &'a World,
    pub(super) process: &'a Process,
    pub(super) region: &'a Region,
    pub(super) volumes: &'a [VolumeId],
    pub(super) tags: &'a Tags,
}

impl Birth<'_> {
    pub(super) fn judge(&self, found: &mut Found) {
        let Self { world, process, tags, .. } = self;
        found.unless(tags.get("Type") == Some("Automated"), "S11", || {
            "a snapshot is born without Type=Automated".to_owned()
        });
        for key in ["CreatedOn", "DeleteOn", "InstanceID", "snapwarden:slot", "snapwarden:retention"] {
            found.unless(tags.has(key), "S11", || format!("a snapshot is born without {key}"));
        }
        for key in OF_ONE_ALONE {
            found.unless(!tags.has(key), "S11", || format!("a snapshot is born with {key}"));
        }
        let created = self.date("CreatedOn");
        let (first, last) = (day(process.begun), day(world.now()));
        found.unless(created.is_some_and(|day| first <= day && day <= last), "S10", || {
            format!("a snapshot says it was made on {created:?}, and it is {last}")
        });
        let slot = tags.get("snapwarden:slot").and_then(|text| text.replace('Z', ":00Z").parse::<Timestamp>().ok());
        found.unless(slot.is_none_or(|slot| slot <= world.now()), "S10", || "a slot lies in the future".to_owned());
        self.judge_record(found);
    }

    fn date(&self, key: &str) -> Option<Date> {
        self.tags.get(key)?.parse().ok()
    }

    /// What each volume's instances ask for, where that was so for long enough to be seen.
    fn judge_record(&self, found: &mut Found) {
        let known = keys::later(self.process.begun, -UNSEEN_S);
        for volume in self.volumes {
            let Some(state) = self.rules.memory.since(volume, known) else { continue };
            let is_alone = state.holders.len() == 1;
            for (instance, asked) in state.holders.iter().filter(|(_, asked)| asked.is_selected()) {
                self.judge_asked(instance, asked, is_alone, found);
            }
        }
    }

    fn judge_asked(&self, instance: &InstanceId, asked: &Asked, is_alone: bool, found: &mut Found) {
        let text = self.tags.get("snapwarden:retention").unwrap_or_default();
        let named = destinations(self.tags, self.region, self.world.regions());
        found.unless(asked.destinations.is_subset(&named), "S11", || {
            format!("a snapshot is born with destinations {named:?}, and {instance} names {:?}", asked.destinations)
        });
        let days = self.date("CreatedOn").zip(self.date("DeleteOn"));
        let days = days.map_or(0, |(created, until)| i64::from((until - created).get_days()));
        let record = Record::of(self.tags);
        let Some(policy) = &asked.policy else {
            let least = asked.days_meant.max(DAYS_UNREADABLE);
            found.unless(record == Record::Mistyped && days >= least, "S11", || {
                format!(
                    "a snapshot is born with {text:?} and {days} days, and a tag of {instance} cannot be read, which wants \
                     {least}"
                )
            });
            return;
        };
        let is_stated = match &record {
            Record::States(stated) if is_alone => stated == policy && days == i64::from(policy.of_kind(false)[0]),
            Record::States(stated) => stated.covers(policy),
            // Another instance's tag cannot be read.
            Record::Mistyped => !is_alone,
            Record::None | Record::Unreadable => false,
        };
        found.unless(is_stated, "S11", || {
            format!("a snapshot is born with {text:?} and {days} days, and {instance} asks for {:?}", policy.text())
        });
    }
}
