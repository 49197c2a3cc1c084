//! What one record of a dump says, checked field by field.
//!
//! A field that a decision reads must be there and be understood, or the record is left out: a guess could delete. A word
//! that EC2 did not have when this was written is no reason to: it is kept as one that is not known.
//! Fields are read as any JSON at first, so that an odd one costs its record and not the rest of the file.

use std::str::FromStr;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use snapwarden_core::ids::{IdError, Region, SnapshotId};
use snapwarden_core::inventory::{
    Device, Instance, InstanceState, Read, RegionInventory, Snapshot, SnapshotState, Volume,
};
use snapwarden_core::printable::quoted;
use snapwarden_core::tags::{Tags, are_foreign};

use super::listing::{Listing, Object};

/// Something that a file lists.
pub(super) trait Record: Sized {
    /// An element of the list as the file has it.
    type Raw: DeserializeOwned;
    /// The list's name in the file.
    const KEY: &'static str;

    /// Takes an element into the listing.
    fn read(raw: Self::Raw, listing: &mut Listing<Self>);
}

/// A record that each Region's folder has a file of.
pub(super) trait Listed: Record {
    /// The file's name.
    const FILE: &'static str;
    /// The command that prints it.
    const COMMAND: &'static str;

    fn id(&self) -> &str;
    fn of(region: &RegionInventory) -> &Read<Self>;
    fn of_mut(region: &mut RegionInventory) -> &mut Read<Self>;
}

macro_rules! listed {
    ($name:ident, $field:ident, $file:literal, $command:literal) => {
        impl Listed for $name {
            const FILE: &'static str = $file;
            const COMMAND: &'static str = $command;

            fn id(&self) -> &str {
                self.id.as_str()
            }
            fn of(region: &RegionInventory) -> &Read<Self> {
                &region.$field
            }
            fn of_mut(region: &mut RegionInventory) -> &mut Read<Self> {
                &mut region.$field
            }
        }
    };
}

listed!(Instance, instances, "instances.json", "aws ec2 describe-instances");
listed!(Volume, volumes, "volumes.json", "aws ec2 describe-volumes");
listed!(Snapshot, snapshots, "snapshots.json", "aws ec2 describe-snapshots --owner-ids self");

/// A Region and whether the account can use it.
pub(super) struct OptIn {
    pub(super) region: Region,
    pub(super) enabled: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RawRegion {
    region_name: Value,
    opt_in_status: Value,
}

impl Record for OptIn {
    type Raw = RawRegion;
    const KEY: &'static str = "Regions";

    fn read(raw: RawRegion, listing: &mut Listing<Self>) {
        listing.add(&raw.region_name, region(&raw));
    }
}

fn region(raw: &RawRegion) -> Result<OptIn, String> {
    let region = id(&raw.region_name, "RegionName")?;
    // Without --all-regions, older commands list the enabled ones and do not say so.
    let enabled = optional_text(&raw.opt_in_status, "OptInStatus")? != Some("not-opted-in");
    Ok(OptIn { region, enabled })
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RawReservation {
    reservation_id: Value,
    instances: Option<Vec<Object<RawInstance>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawInstance {
    instance_id: Value,
    state: Value,
    root_device_name: Value,
    block_device_mappings: Value,
    tags: Value,
}

impl Record for Instance {
    type Raw = RawReservation;
    const KEY: &'static str = "Reservations";

    fn read(raw: RawReservation, listing: &mut Listing<Self>) {
        match raw.instances {
            None => listing.add(&raw.reservation_id, Err("no Instances".to_owned())),
            Some(instances) => instances.iter().for_each(|Object(raw)| listing.add(&raw.instance_id, instance(raw))),
        }
    }
}

fn instance(raw: &RawInstance) -> Result<Instance, String> {
    let id = id(&raw.instance_id, "InstanceId")?;
    let state = InstanceState::of_word(text(raw.state.get("Name").unwrap_or(&Value::Null), "State")?);
    let root_device = optional_text(&raw.root_device_name, "RootDeviceName")?.unwrap_or_default().to_owned();
    let devices =
        list(&raw.block_device_mappings, "BlockDeviceMappings")?.iter().map(device).collect::<Result<_, _>>()?;
    Ok(Instance { id, state, root_device, devices, tags: tags(&raw.tags)? })
}

fn device(raw: &Value) -> Result<Device, String> {
    let name = text(raw.get("DeviceName").unwrap_or(&Value::Null), "DeviceName")?.to_owned();
    let volume = match raw.get("Ebs") {
        None | Some(Value::Null) => None,
        Some(ebs) => Some(id(ebs.get("VolumeId").unwrap_or(&Value::Null), "VolumeId")?),
    };
    Ok(Device { name, volume })
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RawVolume {
    volume_id: Value,
    size: Value,
    volume_type: Value,
    encrypted: Value,
    create_time: Value,
    tags: Value,
}

impl Record for Volume {
    type Raw = RawVolume;
    const KEY: &'static str = "Volumes";

    fn read(raw: RawVolume, listing: &mut Listing<Self>) {
        listing.add(&raw.volume_id, volume(&raw));
    }
}

fn volume(raw: &RawVolume) -> Result<Volume, String> {
    Ok(Volume {
        id: id(&raw.volume_id, "VolumeId")?,
        size_gib: gib(&raw.size, "Size")?,
        volume_type: text(&raw.volume_type, "VolumeType")?.to_owned(),
        encrypted: flag(&raw.encrypted, "Encrypted")?,
        create_time: time(&raw.create_time, "CreateTime").ok(),
        tags: tags(&raw.tags)?,
    })
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RawSnapshot {
    snapshot_id: Value,
    volume_id: Value,
    owner_id: Value,
    state: Value,
    state_message: Value,
    start_time: Value,
    volume_size: Value,
    encrypted: Value,
    storage_tier: Value,
    outpost_arn: Value,
    availability_zone: Value,
    tags: Value,
}

impl Record for Snapshot {
    type Raw = RawSnapshot;
    const KEY: &'static str = "Snapshots";

    fn read(raw: RawSnapshot, listing: &mut Listing<Self>) {
        match snapshot(&raw) {
            Err(why) if is_foreign(&raw) => listing.pass_over(&raw.snapshot_id, &why),
            read => listing.add(&raw.snapshot_id, read),
        }
    }
}

fn is_foreign(raw: &RawSnapshot) -> bool {
    id::<SnapshotId>(&raw.snapshot_id, "SnapshotId").is_ok() && tags(&raw.tags).is_ok_and(|tags| are_foreign(&tags))
}

fn snapshot(raw: &RawSnapshot) -> Result<Snapshot, String> {
    let id_read = id(&raw.snapshot_id, "SnapshotId")?;
    let tier = optional_text(&raw.storage_tier, "StorageTier")?;
    let (state, tier) = SnapshotState::with_tier(text(&raw.state, "State")?, tier);
    let start_time = time(&raw.start_time, "StartTime")?;
    Ok(Snapshot {
        id: id_read,
        volume_id: id(&raw.volume_id, "VolumeId")?,
        owner: id(&raw.owner_id, "OwnerId")?,
        state,
        state_message: raw.state_message.as_str().filter(|text| !text.is_empty()).map(str::to_owned),
        start_time,
        size_gib: gib(&raw.volume_size, "VolumeSize")?,
        encrypted: flag(&raw.encrypted, "Encrypted")?,
        tier: tier.at(
            optional_text(&raw.outpost_arn, "OutpostArn")?,
            optional_text(&raw.availability_zone, "AvailabilityZone")?,
        ),
        tags: tags(&raw.tags)?,
    })
}

/// What is wrong with a field that does not hold `expected`.
fn wrong(value: &Value, field: &str, expected: &str) -> String {
    if value.is_null() { format!("no {field}") } else { format!("{field} is not {expected}") }
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| wrong(value, field, "a text"))
}

fn optional_text<'a>(value: &'a Value, field: &str) -> Result<Option<&'a str>, String> {
    if value.is_null() { Ok(None) } else { text(value, field).map(Some) }
}

fn time(value: &Value, field: &str) -> Result<Timestamp, String> {
    let text = text(value, field)?;
    text.parse().map_err(|_| format!("{field} {} is not a time", quoted(text)))
}

fn flag(value: &Value, field: &str) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| wrong(value, field, "true or false"))
}

fn gib(value: &Value, field: &str) -> Result<u32, String> {
    value.as_u64().and_then(|gib| gib.try_into().ok()).ok_or_else(|| wrong(value, field, "a size in GiB"))
}

fn list<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| wrong(value, field, "a list"))
}

/// An id of any kind, checked for its shape.
pub(super) fn id<T: FromStr<Err = IdError>>(value: &Value, field: &str) -> Result<T, String> {
    text(value, field)?.parse().map_err(|error| format!("{field} {error}"))
}

/// Tags that are not there are none; those that are must all be understood, for one of them may be `KeepForever`.
fn tags(value: &Value) -> Result<Tags, String> {
    if value.is_null() {
        return Ok(Tags::default());
    }
    let mut tags = Tags::default();
    for tag in list(value, "Tags")? {
        let key = text(tag.get("Key").unwrap_or(&Value::Null), "Key of a tag")?;
        let value = optional_text(tag.get("Value").unwrap_or(&Value::Null), "Value of a tag")?;
        // What could not be decoded may have been `KeepForever`.
        if key.contains(char::REPLACEMENT_CHARACTER) {
            return Err(format!("Tags has a key with characters that cannot be read, {}", quoted(key)));
        }
        // EC2 has one value a key. Which of two was meant, nobody knows.
        if tags.has(key) {
            return Err(format!("Tags has {} twice", quoted(key)));
        }
        tags.set(key, value.unwrap_or_default());
    }
    Ok(tags)
}
