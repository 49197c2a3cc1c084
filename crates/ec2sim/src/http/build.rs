//! From EC2's parameters to a [`Build`]: what builds and changes a fleet.

use snapwarden_core::ids::Region;

use super::params::Params;
use super::read::{BAD_IMAGE, BAD_INSTANCE, BAD_SNAPSHOT, BAD_VOLUME, tags_from_birth};
use crate::building::{Build, DeviceRequest, RunRequest, VolumeRequest};
use crate::call::{Action, ApiError};
use crate::state::FIRST_ZONE;

/// What RunInstances may say besides: this world has no networks, keys, processors or prices.
const NOT_OF_THIS_WORLD: [&str; 19] = [
    "AdditionalInfo",
    "CpuOptions",
    "CreditSpecification",
    "DisableApiStop",
    "DisableApiTermination",
    "EbsOptimized",
    "IamInstanceProfile",
    "InstanceInitiatedShutdownBehavior",
    "KeyName",
    "MaintenanceOptions",
    "MetadataOptions",
    "Monitoring",
    "NetworkInterface",
    "PrivateDnsNameOptions",
    "PrivateIpAddress",
    "SecurityGroup",
    "SecurityGroupId",
    "SubnetId",
    "UserData",
];
/// The volume type where nobody names one (EC2 API reference, CreateVolume; RunInstances has that of the AMI).
const VOLUME_TYPE: &str = "gp2";
/// What may be said of a volume that makes no difference here.
const NOT_OF_VOLUMES: [&str; 5] = ["Iops", "KmsKeyId", "MultiAttachEnabled", "Throughput", "VolumeInitializationRate"];

/// Reads the call.
pub(super) fn read(action: Action, params: &mut Params, region: &Region) -> Result<Build, ApiError> {
    match action {
        Action::RunInstances => run_instances(params, region),
        Action::StartInstances => {
            params.ignore(&["AdditionalInfo"]);
            Ok(Build::StartInstances(params.ids("InstanceId", BAD_INSTANCE)?))
        }
        Action::StopInstances => {
            params.ignore(&["Force", "SkipOsShutdown"]);
            Ok(Build::StopInstances(params.ids("InstanceId", BAD_INSTANCE)?))
        }
        Action::TerminateInstances => {
            params.ignore(&["Force", "SkipOsShutdown"]);
            Ok(Build::TerminateInstances(params.ids("InstanceId", BAD_INSTANCE)?))
        }
        Action::CreateVolume => create_volume(params, region),
        Action::AttachVolume => Ok(Build::AttachVolume {
            volume: params.id("VolumeId", BAD_VOLUME)?,
            instance: params.id("InstanceId", BAD_INSTANCE)?,
            device: params.required("Device")?,
        }),
        Action::DetachVolume => detach_volume(params),
        Action::DeleteVolume => Ok(Build::DeleteVolume(params.id("VolumeId", BAD_VOLUME)?)),
        Action::CreateImage => create_image(params),
        Action::DeregisterImage => Ok(Build::DeregisterImage(params.id("ImageId", BAD_IMAGE)?)),
        Action::GetCallerIdentity | Action::DescribeRegions | Action::DescribeInstances | Action::DescribeVolumes => {
            Err(not_of_a_fleet(action))
        }
        Action::DescribeSnapshots | Action::DescribeImages | Action::DescribeTags => Err(not_of_a_fleet(action)),
        Action::CreateSnapshot | Action::CreateSnapshots | Action::CopySnapshot => Err(not_of_a_fleet(action)),
        Action::DeleteSnapshot | Action::CreateTags | Action::DeleteTags => Err(not_of_a_fleet(action)),
    }
}

fn not_of_a_fleet(action: Action) -> ApiError {
    ApiError::answer(500, "InternalError", format!("{action} does not build a fleet"))
}

fn run_instances(params: &mut Params, region: &Region) -> Result<Build, ApiError> {
    params.ignore(&NOT_OF_THIS_WORLD);
    let mut placement = params.structure("Placement");
    placement.ignore(&["Tenancy"]);
    let zone = zone(&mut placement, region)?.unwrap_or(FIRST_ZONE);
    placement.end()?;
    let (tags, volume_tags) = tags_from_birth(params, ["instance", "volume"])?;
    let mut devices = Vec::new();
    for mapping in params.list("BlockDeviceMapping")? {
        let mut new = device(mapping, zone)?;
        if let Some(volume) = &mut new.volume {
            volume.tags = volume_tags.clone();
        }
        devices.push(new);
    }
    let (least, most) = (count(params, "MinCount")?, count(params, "MaxCount")?);
    let request = RunRequest {
        image: params.id("ImageId", BAD_IMAGE)?,
        count: (least, most),
        // EC2 API reference, RunInstances: "Default: m1.small".
        instance_type: params.text("InstanceType").unwrap_or_else(|| "m1.small".to_owned()),
        zone,
        devices,
        tags,
        volume_tags,
    };
    Ok(Build::RunInstances { request, token: params.text("ClientToken") })
}

fn count(params: &mut Params, name: &str) -> Result<u32, ApiError> {
    let missing = format!("The request must contain the parameter {name}");
    params.number(name)?.ok_or_else(|| ApiError::refused("MissingParameter", missing))
}

fn device(mut params: Params, zone: char) -> Result<DeviceRequest, ApiError> {
    let name = params.required("DeviceName")?;
    if params.text("VirtualName").is_some() {
        params.end()?;
        return Ok(DeviceRequest { name, volume: None, delete_on_termination: false });
    }
    let mut ebs = params.structure("Ebs");
    params.end()?;
    let delete_on_termination = ebs.boolean("DeleteOnTermination")?.unwrap_or(true);
    let volume = volume(&mut ebs, zone, "VolumeSize")?;
    ebs.end()?;
    Ok(DeviceRequest { name, volume: Some(volume), delete_on_termination })
}

/// What CreateVolume and a block device mapping say of a volume, with one word for its size each.
fn volume(params: &mut Params, zone: char, size: &str) -> Result<VolumeRequest, ApiError> {
    params.ignore(&NOT_OF_VOLUMES);
    let snapshot = params.text("SnapshotId").filter(|text| !text.is_empty());
    let snapshot = snapshot.map(|text| text.parse().map_err(|_| ApiError::malformed(BAD_SNAPSHOT, &text)));
    Ok(VolumeRequest {
        size_gib: params.number(size)?,
        snapshot: snapshot.transpose()?,
        volume_type: params.text("VolumeType").unwrap_or_else(|| VOLUME_TYPE.to_owned()),
        encrypted: params.boolean("Encrypted")?.unwrap_or(false),
        zone,
        tags: Default::default(),
    })
}

fn create_volume(params: &mut Params, region: &Region) -> Result<Build, ApiError> {
    let token = params.text("ClientToken");
    let Some(zone) = zone(params, region)? else {
        let message = "The request must contain the parameter AvailabilityZone";
        return Err(ApiError::refused("MissingParameter", message));
    };
    let tags = tags_from_birth(params, ["volume"])?.0;
    let request = VolumeRequest { tags, ..volume(params, zone, "Size")? };
    Ok(Build::CreateVolume { request, token })
}

/// The letter of `AvailabilityZone`.
fn zone(params: &mut Params, region: &Region) -> Result<Option<char>, ApiError> {
    let Some(text) = params.text("AvailabilityZone") else { return Ok(None) };
    let letter = text.strip_prefix(region.as_str()).and_then(|rest| rest.parse().ok());
    let known = letter.filter(|letter: &char| ('a'..='f').contains(letter));
    let none = || ApiError::refused("InvalidZone.NotFound", format!("The zone '{text}' does not exist."));
    known.ok_or_else(none).map(Some)
}

fn detach_volume(params: &mut Params) -> Result<Build, ApiError> {
    params.ignore(&["Force"]);
    let instance = params.text("InstanceId");
    let instance = instance.map(|text| text.parse().map_err(|_| ApiError::malformed(BAD_INSTANCE, &text)));
    Ok(Build::DetachVolume {
        volume: params.id("VolumeId", BAD_VOLUME)?,
        instance: instance.transpose()?,
        device: params.text("Device"),
    })
}

fn create_image(params: &mut Params) -> Result<Build, ApiError> {
    params.ignore(&["NoReboot"]);
    let (tags, snapshot_tags) = tags_from_birth(params, ["image", "snapshot"])?;
    Ok(Build::CreateImage {
        instance: params.id("InstanceId", BAD_INSTANCE)?,
        name: params.required("Name")?,
        description: params.text("Description").unwrap_or_default(),
        tags,
        snapshot_tags,
    })
}
