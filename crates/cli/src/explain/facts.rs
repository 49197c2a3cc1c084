//! What something is, and what policy holds for it.

use snapwarden_core::ids::Region;
use snapwarden_core::inventory::{Device, Instance, Snapshot, StorageTier, Volume};
use snapwarden_core::managed::{is_copy, taken, volume_of};
use snapwarden_core::policy::{InstancePolicy, Offsite, Origin, RefusedWhy, Selection, Setting};
use snapwarden_core::printable::{printable, quoted};
use snapwarden_core::retention::tiers::{Period, Tier};
use snapwarden_core::retention::{Number, Recorded, meant_days};
use snapwarden_core::schedule::{Schedule, Slot, Zone};
use snapwarden_core::tags::{self, OffsiteMode, TagValue, Tags, key};

use super::{PolicyLine, Related, World, absence, doubt, is_of};
use crate::inventory::list;

/// The tags that Snapwarden reads.
pub(super) fn our_tags(tags: &Tags) -> Tags {
    let ours = |name: &str| {
        let other_services = name.starts_with("aws:dlm:") || name.starts_with("aws:backup:");
        let is_predecessors = key::PREDECESSORS.iter().any(|(theirs, _)| *theirs == name);
        other_services || is_predecessors || key::ALL.iter().any(|key| key.eq_ignore_ascii_case(name.trim()))
    };
    tags.iter().filter(|(name, _)| ours(name)).collect()
}

pub(super) fn instance(instance: &Instance) -> String {
    let name = instance.tags.get(key::NAME).filter(|name| !name.is_empty());
    let name = name.map_or_else(String::new, |name| format!(" {}", quoted(name)));
    let volumes = match instance.devices.iter().filter(|device| device.volume.is_some()).count() {
        1 => "1 volume".to_owned(),
        many => format!("{many} volumes"),
    };
    format!("instance{name}, {}, {volumes}", instance.state.as_str())
}

pub(super) fn volume(
    world: &World<'_>,
    region: &Region,
    volume: Option<&Volume>,
    attachments: &[(&Region, &Instance, &str)],
) -> String {
    let what = match volume {
        Some(volume) => size(volume),
        None if !attachments.is_empty() => "volume that is not in the list of volumes".to_owned(),
        None => {
            let seen = world.inventory.regions.get(region);
            format!("volume that is gone{}", doubt("volumes", region, seen.map(|seen| &seen.volumes)))
        }
    };
    let attached = |(_, instance, device): &(&Region, &Instance, &str)| {
        let name = instance.tags.get(key::NAME).filter(|name| !name.is_empty());
        let name = name.map_or_else(String::new, |name| format!(" {}", quoted(name)));
        format!("attached to {}{name} as {}", instance.id, printable(device, 60))
    };
    match attachments {
        [] => format!("{what}; not attached"),
        some => format!("{what}; {}", list(some.iter().map(attached))),
    }
}

fn size(volume: &Volume) -> String {
    let encrypted = if volume.encrypted { "encrypted" } else { "not encrypted" };
    format!("volume, {} GiB {}, {encrypted}", volume.size_gib, printable(&volume.volume_type, 20))
}

pub(super) fn snapshot(snapshot: &Snapshot) -> String {
    let what = match tags::source_snapshot(&snapshot.tags) {
        TagValue::Absent => "snapshot".to_owned(),
        TagValue::Is(source) => format!("copy of {source}"),
        TagValue::Unreadable(text) => format!("copy of {}", quoted(&text)),
    };
    let volume = volume_of(snapshot).map_or_else(|| "of no named volume".to_owned(), |id| format!("of {id}"));
    let message = snapshot.state_message.as_deref().filter(|text| !text.is_empty());
    let message = message.map_or_else(String::new, |text| format!(" ({})", quoted(text)));
    let tier = match snapshot.tier {
        StorageTier::Standard => "",
        StorageTier::Archive => ", in the archive tier",
        StorageTier::Local => ", on an Outpost or in a Local Zone",
    };
    let encrypted = if snapshot.encrypted { "encrypted" } else { "not encrypted" };
    format!(
        "{what}, {}{message}, {volume}, data of {}, {} GiB, {encrypted}{tier}",
        snapshot.state.as_str(),
        Slot::containing(taken(snapshot)),
        snapshot.size_gib,
    )
}

/// What holds for an instance.
pub(super) fn instance_policy(world: &World<'_>, region: &Region, instance: &Instance) -> Vec<PolicyLine> {
    let policy = InstancePolicy::of(instance, region, world.inventory, world.config);
    let selected = match &policy.selection {
        Selection::Selected if instance.state.is_backed_up() => "yes",
        Selection::Selected | Selection::Excluded | Selection::Untagged | Selection::Unreadable(_) => "no",
    };
    let selection = match &policy.selection {
        Selection::Selected if !instance.state.is_backed_up() => {
            format!("tag Backup, but it is {}", instance.state.as_str())
        }
        Selection::Selected | Selection::Excluded => "tag Backup".to_owned(),
        Selection::Untagged => "no tag Backup".to_owned(),
        Selection::Unreadable(text) => unreadable(key::BACKUP, text),
    };
    // While another tag cannot be read, new ones are kept for longer: its own line says so.
    let of_tag = policy.asked.tagged().find(|number| number.key == key::RETENTION_DAYS).map(|number| &number.value);
    let days = match of_tag {
        Some(TagValue::Is(days)) => &Setting { value: *days, ..policy.retention_days.clone() },
        Some(TagValue::Unreadable(_)) => &policy.retention_days,
        Some(TagValue::Absent) | None => {
            &Setting { value: world.config.retention_days, ..policy.retention_days.clone() }
        }
    };
    let slot = policy.schedule.value.slot_at(world.inventory.taken_at);
    let next = policy.schedule.value.slots_after(world.inventory.taken_at).take(NEXT_SLOTS);
    let mut lines = vec![
        PolicyLine { name: "backed up", value: selected.to_owned(), origin: selection },
        setting("kept for", days, key::RETENTION_DAYS, |days| {
            if *days == 1 { "1 day".into() } else { format!("{days} days") }
        }),
    ];
    lines.extend(policy.asked.tagged().filter(|number| number.key != key::RETENTION_DAYS).map(tier));
    lines.extend([
        setting("schedule", &policy.schedule, key::BACKUP_SCHEDULE, schedule_words),
        PolicyLine { name: "slot", value: slot.to_string(), origin: "the schedule's last time".to_owned() },
        PolicyLine { name: "next", value: list(next), origin: "the schedule's next times".to_owned() },
    ]);
    lines.extend(offsite(&policy.offsite));
    for key in [key::RETENTION_DAYS, key::DESTINATION_REGION, key::OFFSITE_MODE] {
        let written = tags::written_key(&instance.tags, key);
        let is_of_it = |line: &&mut PolicyLine| written != key && line.origin.contains(&format!("tag {key}"));
        lines.iter_mut().filter(is_of_it).for_each(|line| line.origin = line.origin.replace(key, written));
    }
    lines
}

/// How many of a schedule's next times are shown.
const NEXT_SLOTS: usize = 3;

/// A schedule, with its zone where it names none.
fn schedule_words(schedule: &Schedule) -> String {
    let text = schedule.to_string();
    if schedule.zone() == Zone::default() && !text.contains(';') { format!("{text} UTC") } else { text }
}

/// A tier, or the days of copies.
fn tier(number: &Number) -> PolicyLine {
    let (name, unit) = match number.key {
        key::RETENTION_WEEKS => ("one a week for", " weeks"),
        key::RETENTION_MONTHS => ("one a month for", " months"),
        key::RETENTION_YEARS => ("one a year for", " years"),
        key::KEEP_LAST => ("newest kept", ""),
        key::DESTINATION_RETENTION_DAYS => ("copies kept for", " days"),
        key::DESTINATION_RETENTION_WEEKS => ("copies, one a week for", " weeks"),
        key::DESTINATION_RETENTION_MONTHS => ("copies, one a month for", " months"),
        key::DESTINATION_RETENTION_YEARS => ("copies, one a year for", " years"),
        key::DESTINATION_KEEP_LAST => ("copies, newest kept", ""),
        other => (other, ""),
    };
    let (value, origin) = match &number.value {
        TagValue::Is(count) => (format!("{count}{unit}"), format!("tag {}", number.key)),
        TagValue::Absent => ("none".to_owned(), format!("no tag {}", number.key)),
        TagValue::Unreadable(text) => (
            format!("new ones kept for {} days, none deleted", meant_days(number.key, text)),
            unreadable(number.key, text),
        ),
    };
    PolicyLine { name, value, origin }
}

/// What holds for a volume: what holds for the instances that it hangs on.
pub(super) fn volume_policy(world: &World<'_>, attachments: &[(&Region, &Instance, &str)]) -> Vec<PolicyLine> {
    let mut lines = Vec::new();
    for (region, instance, _) in attachments {
        lines.push(PolicyLine { name: "of instance", value: instance.id.to_string(), origin: "attached".to_owned() });
        lines.extend(instance_policy(world, region, instance));
    }
    lines
}

/// What holds for a snapshot: what its own tags say.
pub(super) fn snapshot_policy(world: &World<'_>, region: &Region, snapshot: &Snapshot) -> Vec<PolicyLine> {
    let tags = &snapshot.tags;
    let mut lines = Vec::new();
    if tags.keep_forever() {
        lines.push(PolicyLine { name: "pinned", value: "yes".to_owned(), origin: "tag KeepForever".to_owned() });
    }
    lines.push(date("made on", key::CREATED_ON, tags::created_on(tags), "unknown"));
    lines.push(date("may go on", key::DELETE_ON, tags::delete_on(tags), "never"));
    if let Some(slot) = tags.get(key::SLOT) {
        lines.push(PolicyLine { name: "slot", value: printable(slot, 60), origin: format!("tag {}", key::SLOT) });
    }
    match Recorded::of(tags) {
        Recorded::Absent => {}
        Recorded::Is(retention) => {
            let slot = tags.get(key::SLOT).and_then(|text| text.parse().ok()).map(Slot::time);
            let time = slot.unwrap_or(taken(snapshot)).min(taken(snapshot));
            let periods = [Tier::Week, Tier::Month, Tier::Year].map(|tier| Period::of(tier, time, &retention.zone));
            let origin = format!("counted in {}", retention.zone);
            let value = list(periods.into_iter().flatten());
            lines.push(PolicyLine { name: "periods", value, origin });
            let origin = format!("tag {}", key::RETENTION);
            lines.push(PolicyLine { name: "retention", value: retention.to_string(), origin });
        }
        Recorded::Unreadable(text) => {
            let (value, origin) = ("kept until it can be read".to_owned(), unreadable(key::RETENTION, &text));
            lines.push(PolicyLine { name: "retention", value, origin });
        }
    }
    if !is_copy(snapshot) {
        lines.extend(offsite(&Offsite::of(tags, Some(region), world.inventory)));
    }
    lines
}

fn date(name: &'static str, key: &str, read: TagValue<jiff::civil::Date>, otherwise: &str) -> PolicyLine {
    let (value, origin) = match read {
        TagValue::Is(date) => (date.to_string(), format!("tag {key}")),
        TagValue::Absent => (otherwise.to_owned(), format!("no tag {key}")),
        TagValue::Unreadable(text) => (otherwise.to_owned(), unreadable(key, &text)),
    };
    PolicyLine { name, value, origin }
}

fn setting<T>(name: &'static str, setting: &Setting<T>, key: &str, text: impl Fn(&T) -> String) -> PolicyLine {
    let origin = match &setting.origin {
        Origin::Tag => format!("tag {key}"),
        Origin::Default => format!("default, no tag {key}"),
        Origin::Unreadable(text) => unreadable(key, text),
    };
    PolicyLine { name, value: text(&setting.value), origin }
}

fn unreadable(key: &str, text: &str) -> String {
    format!("tag {key}={} cannot be read", quoted(text))
}

fn offsite(offsite: &Offsite) -> Vec<PolicyLine> {
    let tag = || format!("tag {}", key::DESTINATION_REGION);
    if offsite.destinations.is_empty() && offsite.refused.is_empty() {
        let origin = format!("no tag {}", key::DESTINATION_REGION);
        return vec![PolicyLine { name: "copied to", value: "nowhere".to_owned(), origin }];
    }
    let mut lines = Vec::new();
    if !offsite.destinations.is_empty() {
        lines.push(PolicyLine { name: "copied to", value: list(&offsite.destinations), origin: tag() });
    }
    for refused in &offsite.refused {
        let why = match refused.why {
            RefusedWhy::NotThere => "does not exist or is not enabled",
            RefusedWhy::OwnRegion => "is its own Region",
        };
        let origin = format!("{}; it {why}", tag());
        lines.push(PolicyLine { name: "not copied to", value: quoted(&refused.text), origin });
    }
    let mut mode = setting("source", &offsite.mode, key::OFFSITE_MODE, |_| mode_words(offsite.mode()));
    if !offsite.refused.is_empty() {
        mode.origin = "a destination is refused".to_owned();
    }
    lines.push(mode);
    lines
}

fn mode_words(mode: OffsiteMode) -> String {
    match mode {
        OffsiteMode::Move => "removed once its copies are verified (Move)",
        OffsiteMode::KeepLatest => "the newest stays, others go once their copies are verified (KeepLatest)",
        OffsiteMode::Copy => "stays to its own DeleteOn (Copy)",
    }
    .to_owned()
}

/// One device of an instance.
pub(super) fn related_device(world: &World<'_>, region: &Region, instance: &Instance, device: &Device) -> Related {
    let name = printable(&device.name, 60);
    let Some(id) = &device.volume else {
        let description = "not an EBS volume".to_owned();
        return Related { region: region.clone(), id: name, description, none: None };
    };
    let found = world.find_volume(id).map(|(_, volume)| volume);
    let what = found.map_or_else(|| "volume, not in the list of volumes".to_owned(), size);
    let snapshots = match world.snapshots_where(|snapshot| is_of(snapshot, std::slice::from_ref(id))).len() {
        1 => "1 snapshot or copy".to_owned(),
        many => format!("{many} snapshots and copies"),
    };
    Related {
        region: region.clone(),
        id: id.to_string(),
        description: format!("{name}: {what}; {snapshots}"),
        none: absence::not_selected(world, region, instance).or_else(|| absence::shared(world, id, instance)),
    }
}

/// A snapshot, copy or source.
pub(super) fn related_snapshot(world: &World<'_>, region: &Region, snapshot: &Snapshot) -> Related {
    Related {
        region: region.clone(),
        id: snapshot.id.to_string(),
        description: self::snapshot(snapshot),
        none: absence::not_managed(&world.inventory.account, region, snapshot),
    }
}
