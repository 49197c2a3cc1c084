//! The tags of a snapshot.

use super::{Expected, Lint, LintProblem, Severity, Tagged, instance, is_keep_forever, values};
use crate::ids::Region;
use crate::inventory::{Inventory, Snapshot};
use crate::managed::{Managed, NotOurs};
use crate::tags::{TYPE_AUTOMATED, key};

/// What we write on a snapshot and read again.
const WRITTEN: [(&str, Expected); 8] = [
    (key::DELETE_ON, Expected::DeleteOn),
    (key::CREATED_ON, Expected::CreatedOn),
    (key::RETENTION, Expected::Record),
    (key::SLOT, Expected::Slot),
    (key::INSTANCE_ID, Expected::Instance),
    (key::OFFSITE_MODE, Expected::Mode),
    (key::OFFSITE_SNAPSHOT_ID, Expected::Stamps),
    (key::IN_USE, Expected::InUse),
];

/// What we write on a copy and read again.
const WRITTEN_ON_COPIES: [(&str, Expected); 4] = [
    (key::SOURCE_SNAPSHOT_ID, Expected::SourceSnapshot),
    (key::SOURCE_REGION, Expected::SourceRegion),
    (key::SOURCE_START_TIME, Expected::SourceStartTime),
    (key::VOLUME_ID, Expected::SourceVolume),
];

/// What is to be said of a snapshot's tags. On one that is not ours nothing but a pin is looked at: the other keys are
/// anybody's.
pub(super) fn lints(snapshot: &Snapshot, region: &Region, inventory: &Inventory) -> Vec<Lint> {
    let on = Tagged { region, id: snapshot.id.as_str(), tags: &snapshot.tags };
    let managed = Managed::of(region, snapshot, &inventory.account);
    let is_managed = managed.is_ok();
    // One that is not ours stays, pinned or not.
    let severity = Severity::error_if(is_managed);
    let mut lints = pins(&on, severity);
    match managed {
        Ok(managed) => {
            lints.extend(on.near_keys(&[key::KEEP_FOREVER, key::DELETE_ON, key::IN_USE], |_, _| severity));
            lints.extend(of_managed(&on, &managed, inventory));
        }
        Err(why) => {
            lints.extend(on.near_keys(&[key::KEEP_FOREVER], |_, _| severity));
            lints.extend(nearly_ours(&on));
            lints.extend(
                (why == NotOurs::TagsWandered).then(|| on.lint(key::TYPE, Severity::Error, LintProblem::TagsWandered)),
            );
        }
    }
    lints
}

/// Any value pins. `No` was meant to do the opposite; an empty one may be what the console made of a deliberate pin.
fn pins(on: &Tagged<'_>, severity: Severity) -> Vec<Lint> {
    let pins = on.tags.iter().filter(|(key, _)| is_keep_forever(key));
    let doubtful = pins.filter_map(|(key, value)| {
        let severity = match values::yes_or_no(value) {
            Some(true) => return None,
            Some(false) => severity,
            None if value.trim().is_empty() => Severity::Advice,
            None => return None,
        };
        Some(on.lint(key, severity, LintProblem::KeepsAllTheSame))
    });
    doubtful.collect()
}

fn of_managed(on: &Tagged<'_>, snapshot: &Managed<'_>, inventory: &Inventory) -> Vec<Lint> {
    let of_copies = WRITTEN_ON_COPIES.into_iter().filter(|_| snapshot.is_copy());
    let written = WRITTEN.into_iter().chain(of_copies);
    let mut lints: Vec<_> = written.filter_map(|(key, expected)| on.unreadable(key, expected)).collect();
    // A copy has its source's, and is never copied on.
    if !snapshot.is_copy() {
        lints.extend(instance::destinations(on, inventory));
    }
    lints.extend(values::numbers().filter_map(|(key, _)| on.misplaced(key, "an instance")));
    lints
}

/// `Type=automated` on what has a `DeleteOn`: ours, but for a letter.
fn nearly_ours(on: &Tagged<'_>) -> Option<Lint> {
    let is_near = |text: &str| text.eq_ignore_ascii_case(TYPE_AUTOMATED);
    let is_ours =
        on.tags.has(key::DELETE_ON) && !on.tags.managed_by_aws() && on.tags.get(key::TYPE).is_some_and(is_near);
    is_ours.then(|| on.unreadable(key::TYPE, Expected::Automated)).flatten()
}
