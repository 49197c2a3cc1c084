//! The SDK's records as `core`'s compact ones, checked field by field.
//!
//! The SDK takes every field as optional and every list that is missing as empty. A field that a decision reads must be
//! there and be understood: a guess could delete, and a record that is left out would make the list shorter. So one bad
//! record is an error that names it, and the listing that it is on becomes a gap. Only another tool's snapshot may be
//! left out, and a word that EC2 did not have when this was written is no error. The rules are those of the simulated
//! EC2's dumps.

use std::str::FromStr;

use aws_sdk_ec2::types::{self, InstanceBlockDeviceMapping, Reservation, Tag};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use snapwarden_core::ids::{IdError, Region, SnapshotId};
use snapwarden_core::inventory::{Device, Instance, InstanceState, Snapshot, SnapshotState, Volume};
use snapwarden_core::printable::printable;
use snapwarden_core::tags::{Tags, are_foreign};
use snapwarden_exec::cloud::{Begun, CloudError};

use crate::errors::unreadable_record;

/// What is wrong with a record.
type Wrong = String;

/// A list of an answer: every record must be understood, and the list itself must be there.
pub(crate) fn list<R, T>(
    records: Option<Vec<R>>,
    field: &str,
    name: impl Fn(&R) -> Option<&str>,
    read: impl Fn(&R) -> Result<T, Wrong>,
) -> Result<Vec<T>, CloudError> {
    let records = records.ok_or_else(|| unreadable_record(format!("the answer has no {field}")))?;
    let named = |record: &R, wrong: Wrong| {
        let name = name(record).map_or_else(|| "a record without an id".to_owned(), |name| printable(name, 40));
        unreadable_record(format!("{name}: {wrong}"))
    };
    records.iter().map(|record| read(record).map_err(|wrong| named(record, wrong))).collect()
}

/// The instances of every reservation.
pub(crate) fn instances(reservations: Option<Vec<Reservation>>) -> Result<Vec<Instance>, CloudError> {
    let each = list(reservations, "reservationSet", Reservation::reservation_id, |reservation| {
        reservation.instances.clone().ok_or_else(|| none("instancesSet"))
    })?;
    each.into_iter()
        .map(|instances| list(Some(instances), "instancesSet", types::Instance::instance_id, instance))
        .collect::<Result<Vec<_>, _>>()
        .map(|each| each.into_iter().flatten().collect())
}

fn instance(raw: &types::Instance) -> Result<Instance, Wrong> {
    let id = id(raw.instance_id(), "instanceId")?;
    let state = raw.state().and_then(types::InstanceState::name).map(types::InstanceStateName::as_str);
    let state = InstanceState::of_word(needed(state, "instanceState")?);
    let devices = raw.block_device_mappings.as_deref();
    Ok(Instance {
        id,
        state,
        root_device: raw.root_device_name().unwrap_or_default().to_owned(),
        devices: needed(devices, "blockDeviceMapping")?.iter().map(device).collect::<Result<_, _>>()?,
        tags: tags(raw.tags())?,
    })
}

fn device(raw: &InstanceBlockDeviceMapping) -> Result<Device, Wrong> {
    let name = needed(raw.device_name(), "deviceName")?.to_owned();
    let volume = raw.ebs().map(|ebs| id(ebs.volume_id(), "volumeId")).transpose()?;
    Ok(Device { name, volume })
}

/// A volume.
pub(crate) fn volume(raw: &types::Volume) -> Result<Volume, Wrong> {
    Ok(Volume {
        id: id(raw.volume_id(), "volumeId")?,
        size_gib: gib(raw.size(), "size")?,
        volume_type: needed(raw.volume_type(), "volumeType")?.as_str().to_owned(),
        encrypted: needed(raw.encrypted(), "encrypted")?,
        create_time: raw.create_time().and_then(|raw| time(raw).ok()),
        tags: tags(raw.tags())?,
    })
}

/// The snapshots of an answer. Of another tool's one that cannot be read costs itself alone.
pub(crate) fn snapshots(records: Option<Vec<types::Snapshot>>) -> Result<Vec<Snapshot>, CloudError> {
    let read = |raw: &types::Snapshot| match snapshot(raw) {
        Err(_) if is_foreign(raw) => Ok(None),
        read => read.map(Some),
    };
    let each = list(records, "snapshotSet", types::Snapshot::snapshot_id, read)?;
    Ok(each.into_iter().flatten().collect())
}

fn is_foreign(raw: &types::Snapshot) -> bool {
    let is_named = id::<SnapshotId>(raw.snapshot_id(), "snapshotId").is_ok();
    is_named && tags(raw.tags()).is_ok_and(|tags| are_foreign(&tags))
}

fn snapshot(raw: &types::Snapshot) -> Result<Snapshot, Wrong> {
    let tier = raw.storage_tier().map(types::StorageTier::as_str);
    let (state, tier) = SnapshotState::with_tier(needed(raw.state(), "status")?.as_str(), tier);
    Ok(Snapshot {
        id: id(raw.snapshot_id(), "snapshotId")?,
        volume_id: id(raw.volume_id(), "volumeId")?,
        owner: id(raw.owner_id(), "ownerId")?,
        state,
        state_message: raw.state_message().filter(|text| !text.is_empty()).map(str::to_owned),
        start_time: time(needed(raw.start_time(), "startTime")?)?,
        size_gib: gib(raw.volume_size(), "volumeSize")?,
        encrypted: needed(raw.encrypted(), "encrypted")?,
        tier: tier.at(raw.outpost_arn(), raw.availability_zone()),
        tags: tags(raw.tags())?,
    })
}

/// A Region, if the account can use it. One whose status is not known here may be: reading it will tell.
pub(crate) fn region(raw: &types::Region) -> Result<Option<Region>, Wrong> {
    let region = id(raw.region_name(), "regionName")?;
    Ok((raw.opt_in_status() != Some("not-opted-in")).then_some(region))
}

/// A snapshot that was just begun.
pub(crate) fn begun(snapshot: Option<&str>, volume: Option<&str>) -> Result<Begun, Wrong> {
    Ok(Begun { snapshot: id(snapshot, "snapshotId")?, volume: id(volume, "volumeId")? })
}

/// An id of any kind, checked for its shape.
pub(crate) fn id<T: FromStr<Err = IdError>>(text: Option<&str>, field: &str) -> Result<T, Wrong> {
    needed(text, field)?.parse().map_err(|error| format!("{field} {error}"))
}

fn needed<T>(value: Option<T>, field: &str) -> Result<T, Wrong> {
    value.ok_or_else(|| none(field))
}

fn none(field: &str) -> Wrong {
    format!("no {field}")
}

fn gib(size: Option<i32>, field: &str) -> Result<u32, Wrong> {
    needed(size, field)?.try_into().map_err(|_| format!("{field} is not a size in GiB"))
}

fn time(time: &DateTime) -> Result<Timestamp, Wrong> {
    let nanos = i32::try_from(time.subsec_nanos()).unwrap_or_default();
    Timestamp::new(time.secs(), nanos).map_err(|_| "startTime is not a time".to_owned())
}

/// Tags that are not there are none; those that are must all be understood, for one of them may be `KeepForever`.
fn tags(raw: &[Tag]) -> Result<Tags, Wrong> {
    raw.iter().map(|tag| Ok((needed(tag.key(), "key of a tag")?, tag.value().unwrap_or_default()))).collect()
}
