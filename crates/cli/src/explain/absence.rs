//! Why a job has no decision about something.

use std::collections::BTreeMap;

use snapwarden_core::decision::{Decision, Job, Subject};
use snapwarden_core::ids::{AccountId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, InstanceState, Snapshot, StorageTier, Volume};
use snapwarden_core::managed::{Managed, NotOurs, is_copy};
use snapwarden_core::policy::{InstancePolicy, Selection, near_backup};
use snapwarden_core::printable::{printable, quoted};
use snapwarden_core::tags::{self, TYPE_AUTOMATED, TagValue, key};

use super::{World, doubt};
use crate::inventory::list;

/// The creator and a snapshot that exists.
pub(super) const CREATE_AND_SNAPSHOTS: &str =
    "it makes snapshots of volumes, and no volume's present slot rests on this one";

/// Every other cause is excluded.
const DROPPED: &str = "the safety check dropped its decision";

/// Snapshots named as examples of one reason.
const EXAMPLES_MAX: usize = 3;

/// The creator and an instance.
pub(super) fn instance(world: &World<'_>, region: &Region, instance: &Instance) -> String {
    let is_shared = |volume: &VolumeId| world.attachments(volume).len() > 1;
    match not_selected(world, region, instance) {
        Some(why) => why,
        None if instance.devices.iter().filter_map(|device| device.volume.as_ref()).all(is_shared) => {
            "it is selected, but the present slot of each of its volumes is that of another selected instance that has it too"
                .to_owned()
        }
        None => DROPPED.to_owned(),
    }
}

/// Why an instance is not selected, if it is not.
pub(super) fn not_selected(world: &World<'_>, region: &Region, instance: &Instance) -> Option<String> {
    let policy = InstancePolicy::of(instance, region, world.inventory, world.config);
    let state = match instance.state {
        InstanceState::ShuttingDown => Some("it is shutting down"),
        InstanceState::Terminated => Some("it is terminated"),
        InstanceState::Pending | InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped => None,
        InstanceState::Unfamiliar => None,
    };
    let tag = match policy.selection {
        Selection::Selected => None,
        Selection::Excluded => Some("it is tagged Backup=No".to_owned()),
        Selection::Untagged => Some(match near_backup(&instance.tags) {
            None => "it has no tag Backup; Backup=Yes would select it".to_owned(),
            Some(key) => format!("it has no tag Backup; {} does not count, the key must be Backup", quoted(key)),
        }),
        Selection::Unreadable(value) => Some(format!("Backup={} is neither Yes nor No", quoted(&value))),
    };
    match (state, tag) {
        (None, None) => None,
        (Some(state), _) => Some(format!("{state}, so its volumes are not backed up")),
        (None, Some(tag)) => Some(format!("not selected: {tag}")),
    }
}

/// Whose a volume is that another selected instance has too.
pub(super) fn shared(world: &World<'_>, volume: &VolumeId, instance: &Instance) -> Option<String> {
    let of_volume = |decision: &&Decision| matches!(&decision.subject, Subject::Volume(id) if id == volume);
    let mut decisions = world.plans.iter().flat_map(|(plan, _)| &plan.decisions);
    let owner = decisions.find(of_volume)?.about.instance.as_ref()?;
    (*owner != instance.id).then(|| format!("its present slot is that of {owner}, which it is attached to as well"))
}

/// The creator and a volume.
pub(super) fn volume(
    world: &World<'_>,
    region: &Region,
    volume: Option<(&Region, &Volume)>,
    attachments: &[(&Region, &Instance, &str)],
) -> String {
    let seen = world.inventory.regions.get(region);
    if attachments.is_empty() {
        return match volume {
            Some(_) => format!(
                "it is attached to no instance, and only volumes of instances tagged Backup=Yes are backed up{}",
                doubt("instances", region, seen.map(|seen| &seen.instances))
            ),
            None => format!(
                "the volume is gone; only its snapshots are left{}",
                doubt("volumes", region, seen.map(|seen| &seen.volumes))
            ),
        };
    }
    let why = |(region, instance, _): &(&Region, &Instance, &str)| {
        let why = not_selected(world, region, instance);
        why.map(|why| format!("attached to {}: {why}", instance.id))
    };
    let whys: Vec<_> = attachments.iter().filter_map(why).collect();
    if whys.is_empty() { DROPPED.to_owned() } else { whys.join("; ") }
}

/// The offsiter and a snapshot.
pub(super) fn offsite(world: &World<'_>, region: &Region, snapshot: &Snapshot) -> String {
    if let Some(why) = not_managed(&world.inventory.account, region, snapshot).or_else(|| not_planned(world, region)) {
        return why;
    }
    match tags::source_snapshot(&snapshot.tags) {
        TagValue::Absent => {}
        TagValue::Unreadable(text) => {
            return format!("a copy (SourceSnapshotId={}), and a copy is never copied again", quoted(&text));
        }
        TagValue::Is(source) => return copy(world, &source),
    }
    if !snapshot.is_completed() {
        return format!("{}; only completed snapshots are copied", state(snapshot));
    }
    if snapshot.tier == StorageTier::Archive {
        return "in the archive tier; only snapshots of the standard tier are copied".to_owned();
    }
    if snapshot.tier == StorageTier::Local {
        return "on an Outpost or in a Local Zone, from where EC2 copies nothing to another Region".to_owned();
    }
    "no DestinationRegion, so nothing is copied".to_owned()
}

fn copy(world: &World<'_>, source_id: &SnapshotId) -> String {
    let why = match world.find_snapshot(source_id) {
        Some((_, source)) if is_copy(source) => format!("its source {source_id} is a copy itself"),
        Some((region, source)) => match not_managed(&world.inventory.account, region, source) {
            Some(why) => format!("its source {source_id} in {region} is {why}"),
            None if tags::destinations(&source.tags).is_empty() => {
                format!("its source {source_id} in {region} has no DestinationRegion")
            }
            None if !world.acts_in.contains(region) => {
                format!("its source {source_id} is in {region}, where nothing is planned; {}", world.more)
            }
            None => format!("its source {source_id} in {region} does not name this Region as a destination"),
        },
        None => format!("its source {source_id} was not seen: removed, or in a Region that was not read"),
    };
    format!("a copy, and a copy is never copied again; {why}")
}

/// The manager and a snapshot.
pub(super) fn expire(world: &World<'_>, region: &Region, snapshot: &Snapshot) -> String {
    // A managed snapshot always has the manager's decision where it acts.
    let why = not_managed(&world.inventory.account, region, snapshot).or_else(|| not_planned(world, region));
    why.unwrap_or_else(|| DROPPED.to_owned())
}

/// Why nothing is planned in a Region, if nothing is.
fn not_planned(world: &World<'_>, region: &Region) -> Option<String> {
    let more = world.more;
    (!world.acts_in.contains(region))
        .then(|| format!("nothing is planned in {region}, which was read for copies only; {more}"))
}

/// Why a snapshot is not ours to act on, if it is not (S1).
pub(crate) fn not_managed(account: &AccountId, region: &Region, snapshot: &Snapshot) -> Option<String> {
    let why = match Managed::of(region, snapshot, account).err()? {
        NotOurs::OtherAccount => format!("account {} owns it, not {account}", snapshot.owner),
        NotOurs::OfAws => {
            "Data Lifecycle Manager or AWS Backup manages it (its tags aws:dlm: or aws:backup: say so)".to_owned()
        }
        NotOurs::NotAutomated => match snapshot.tags.get(key::TYPE) {
            None => format!("it has no tag Type={TYPE_AUTOMATED}"),
            Some(text) => format!("its tag Type is {}, not {TYPE_AUTOMATED}", quoted(text)),
        },
        NotOurs::TagsWandered => {
            "its tags are those of another snapshot: CreatedOn or the slot is days away from its start, or it says that \
             it is a copy and EC2 names its volume"
                .to_owned()
        }
    };
    Some(format!("not managed, so no job touches it: {why}"))
}

/// The offsiter or the manager, and all snapshots of something: none has a decision.
pub(super) fn of_all(world: &World<'_>, job: Job, snapshots: &[(&Region, &Snapshot)], whose: &str) -> String {
    let broken: Vec<_> =
        world.regions().filter(|(_, seen)| !seen.snapshots.is_whole()).map(|(region, _)| region).collect();
    let doubt = if broken.is_empty() {
        String::new()
    } else {
        format!(" (the snapshots of {} were not all read, so there may be more)", list(broken))
    };
    if snapshots.is_empty() {
        return format!("no snapshot of {whose} was seen{doubt}");
    }
    let mut whys: BTreeMap<String, Vec<&SnapshotId>> = BTreeMap::new();
    for (region, snapshot) in snapshots {
        let why = match job {
            Job::Offsite => offsite(world, region, snapshot),
            Job::Create | Job::Expire => expire(world, region, snapshot),
        };
        whys.entry(why).or_default().push(&snapshot.id);
    }
    let parts = whys.into_iter().map(|(why, ids)| format!("{}: {why}", examples(&ids)));
    format!("{}{doubt}", parts.collect::<Vec<_>>().join("; "))
}

fn examples(ids: &[&SnapshotId]) -> String {
    let named = list(ids.iter().take(EXAMPLES_MAX));
    match ids.len().saturating_sub(EXAMPLES_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn state(snapshot: &Snapshot) -> String {
    match &snapshot.state_message {
        None => snapshot.state.as_str().to_owned(),
        Some(message) => format!("{} ({})", snapshot.state.as_str(), printable(message, 60)),
    }
}
