//! What builds and changes a fleet by call: instances, volumes and AMIs, for whoever wants to try a policy on his own.
//!
//! Everything here happens at once: an instance that is run is running, a volume that is made is available. Only
//! snapshots take time in this world. Networks, keys and prices do not exist, and no AMI need be there to run from.

use std::collections::BTreeSet;

use snapwarden_core::ids::{ImageId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{InstanceState, SnapshotState};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::SetRequest;

use crate::call::{Action, ApiError, InstanceView, Reply, VolumeView};
use crate::keys;
use crate::people::{NewInstance, NewVolume};
use crate::state::{Attachment, ImageRecord, InstanceRecord, Machine, TagLag};
use crate::tagging::check_new_tags;
use crate::world::{Context, Effect, World};

/// Instances in one call, at most (EC2 developer guide, ec2-api-throttling: RunInstances' bucket of resources).
const INSTANCES_AT_ONCE_MAX: u32 = 1_000;
/// GiB in a volume, at most (EBS user guide, ebs-volume-types: io2 and gp3 64 TiB).
const VOLUME_GIB_MAX: u32 = 65_536;
/// EC2's volume types (EBS user guide, ebs-volume-types).
const VOLUME_TYPES: [&str; 7] = ["gp3", "gp2", "io2", "io1", "st1", "sc1", "standard"];
/// GiB of a root volume of which nobody said anything. AMIs differ; this is what Amazon Linux has.
const ROOT_GIB: u32 = 8;
const ROOT_DEVICE: &str = "/dev/xvda";

/// A device that a new instance gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// As the instance will see it.
    pub name: String,
    /// None for an instance store.
    pub volume: Option<VolumeRequest>,
    /// Whether the volume vanishes with the instance.
    pub delete_on_termination: bool,
}

/// A volume to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRequest {
    /// In GiB; none takes the snapshot's.
    pub size_gib: Option<u32>,
    /// What it is filled from.
    pub snapshot: Option<SnapshotId>,
    /// `gp3`, `st1` …
    pub volume_type: String,
    /// Whether it is encrypted; one from an encrypted snapshot always is.
    pub encrypted: bool,
    /// The letter of its availability zone.
    pub zone: char,
    /// Its tags.
    pub tags: Tags,
}

/// Instances to run, all in one reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// From which AMI. One that is in the world gives its devices.
    pub image: ImageId,
    /// How many: at least, at most. Here it is always the most.
    pub count: (u32, u32),
    /// `t3.micro` …
    pub instance_type: String,
    /// The letter of the availability zone.
    pub zone: char,
    /// The devices, those of the AMI aside.
    pub devices: Vec<DeviceRequest>,
    /// The tags of each instance.
    pub tags: Tags,
    /// The tags of each volume.
    pub volume_tags: Tags,
}

/// A call that builds or changes a fleet. A client token makes the second call with it answer as the first did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "AWS's own names")]
pub enum Build {
    RunInstances { request: RunRequest, token: Option<String> },
    StartInstances(Vec<InstanceId>),
    StopInstances(Vec<InstanceId>),
    TerminateInstances(Vec<InstanceId>),
    CreateVolume { request: VolumeRequest, token: Option<String> },
    AttachVolume { volume: VolumeId, instance: InstanceId, device: String },
    DetachVolume { volume: VolumeId, instance: Option<InstanceId>, device: Option<String> },
    DeleteVolume(VolumeId),
    CreateImage { instance: InstanceId, name: String, description: String, tags: Tags, snapshot_tags: Tags },
    DeregisterImage(ImageId),
}

/// An instance that went from one state into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// Which.
    pub instance: InstanceId,
    /// What it was.
    pub from: InstanceState,
    /// What it is.
    pub to: InstanceState,
}

/// What such a call answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Built {
    Run { reservation: String, instances: Vec<InstanceView> },
    Changed(Vec<StateChange>),
    Volume(VolumeView),
    Attached { volume: VolumeView, attachment: Attachment },
    Detached { volume: VolumeView, attachment: Attachment },
    VolumeDeleted,
    Image { image: ImageId, snapshots: Vec<SnapshotId> },
    ImageDeregistered,
}

impl Built {
    /// The snapshots that were made.
    pub(crate) fn made(&self) -> Vec<SnapshotId> {
        match self {
            Built::Image { snapshots, .. } => snapshots.clone(),
            Built::Run { .. } | Built::Changed(_) | Built::Volume(_) | Built::VolumeDeleted => Vec::new(),
            Built::Attached { .. } | Built::Detached { .. } | Built::ImageDeregistered => Vec::new(),
        }
    }
}

impl Build {
    /// Its action.
    pub fn action(&self) -> Action {
        match self {
            Build::RunInstances { .. } => Action::RunInstances,
            Build::StartInstances(_) => Action::StartInstances,
            Build::StopInstances(_) => Action::StopInstances,
            Build::TerminateInstances(_) => Action::TerminateInstances,
            Build::CreateVolume { .. } => Action::CreateVolume,
            Build::AttachVolume { .. } => Action::AttachVolume,
            Build::DetachVolume { .. } => Action::DetachVolume,
            Build::DeleteVolume(_) => Action::DeleteVolume,
            Build::CreateImage { .. } => Action::CreateImage,
            Build::DeregisterImage(_) => Action::DeregisterImage,
        }
    }

    /// The ids that it is about.
    pub(crate) fn subjects(&self) -> Vec<String> {
        match self {
            Build::RunInstances { request, .. } => vec![request.image.to_string()],
            Build::StartInstances(ids) | Build::StopInstances(ids) | Build::TerminateInstances(ids) => {
                ids.iter().map(InstanceId::to_string).collect()
            }
            Build::CreateVolume { request, .. } => request.snapshot.iter().map(SnapshotId::to_string).collect(),
            Build::AttachVolume { volume, instance, .. } => vec![volume.to_string(), instance.to_string()],
            Build::DetachVolume { volume, .. } | Build::DeleteVolume(volume) => vec![volume.to_string()],
            Build::CreateImage { instance, .. } => vec![instance.to_string()],
            Build::DeregisterImage(image) => vec![image.to_string()],
        }
    }

    fn token(&self) -> Option<&String> {
        match self {
            Build::RunInstances { token, .. } | Build::CreateVolume { token, .. } => token.as_ref(),
            Build::StartInstances(_) | Build::StopInstances(_) | Build::TerminateInstances(_) => None,
            Build::AttachVolume { .. } | Build::DetachVolume { .. } | Build::DeleteVolume(_) => None,
            Build::CreateImage { .. } | Build::DeregisterImage(_) => None,
        }
    }
}

impl World {
    pub(crate) fn build(&mut self, context: &Context<'_>, build: Build) -> Result<Effect, ApiError> {
        let token = build.token().map(|token| (context.region.clone(), build.action(), token.clone()));
        if let Some(built) = token.as_ref().and_then(|token| self.tokens.get(token)) {
            return Ok(Reply::Built(built.clone()).into());
        }
        let region = context.region;
        let built = match build {
            Build::RunInstances { request, .. } => self.run_instances(region, request)?,
            Build::StartInstances(ids) => self.change_states(region, &ids, InstanceState::Running)?,
            Build::StopInstances(ids) => self.change_states(region, &ids, InstanceState::Stopped)?,
            Build::TerminateInstances(ids) => self.change_states(region, &ids, InstanceState::Terminated)?,
            Build::CreateVolume { request, .. } => {
                let id = self.make_volume(region, "volume", request)?;
                Built::Volume(self.volume_view(region, &id)?)
            }
            Build::AttachVolume { volume, instance, device } => self.attach(region, &volume, &instance, &device)?,
            Build::DetachVolume { volume, instance, device } => {
                self.detach(region, &volume, instance.as_ref(), device.as_deref())?
            }
            Build::DeleteVolume(volume) => {
                self.delete_volume(region, &volume)?;
                Built::VolumeDeleted
            }
            Build::CreateImage { instance, name, description, tags, snapshot_tags } => {
                self.image_of(context, &instance, (name, description), tags, snapshot_tags)?
            }
            Build::DeregisterImage(image) => {
                self.deregister_image(region, &image)?;
                Built::ImageDeregistered
            }
        };
        if let Some(token) = token {
            self.tokens.insert(token, built.clone());
        }
        Ok(Reply::Built(built).into())
    }

    fn run_instances(&mut self, region: &Region, request: RunRequest) -> Result<Built, ApiError> {
        let (least, most) = request.count;
        if least == 0 || least > most {
            return Err(ApiError::bad_value(format!("Value ({least}) for parameter minCount is invalid.")));
        }
        if most > INSTANCES_AT_ONCE_MAX {
            let message = format!("You have requested more instances ({most}) than {INSTANCES_AT_ONCE_MAX}.");
            return Err(ApiError::refused("InstanceLimitExceeded", message));
        }
        check_new_tags(&request.tags)?;
        let (root, devices) = self.devices_of(region, &request)?;
        let number = self.number_by_hand(region, "reservation", request.image.as_str());
        let reservation = format!("r-{number:017x}");
        let name = request.tags.get("Name").unwrap_or("instance").to_owned();
        let mut instances = Vec::new();
        for _ in 0..most {
            let new = NewInstance {
                reservation: Some(reservation.clone()),
                root_device: root.clone(),
                ..NewInstance::named(&name, request.tags.clone())
            };
            let id = self.run_instance(region, new)?;
            for device in &devices {
                self.add_new_device(region, &id, &name, device)?;
            }
            let (launched, zone, image) = (self.now(), request.zone, request.image.clone());
            let machine = Machine { launched, instance_type: request.instance_type.clone(), image, zone };
            self.instance_record(region, &id)?.machine = machine;
            instances.push(self.instance_view(region, &id)?);
        }
        Ok(Built::Run { reservation, instances })
    }

    /// The root's name and all devices, the root first; every one of them can be made.
    fn devices_of(&self, region: &Region, request: &RunRequest) -> Result<(String, Vec<DeviceRequest>), ApiError> {
        let state = self.state(region)?;
        let image = state.images.get(&request.image);
        let root = image.map_or(ROOT_DEVICE, |image| &image.root_device).to_owned();
        let from_image = image.into_iter().flat_map(|image| &image.devices);
        let mut devices: Vec<DeviceRequest> =
            from_image.map(|(snapshot, name)| device(name, Some(snapshot), *name == root, request)).collect();
        if devices.iter().all(|device| device.name != root) {
            devices.push(device(&root, None, true, request));
        }
        let mut named = BTreeSet::new();
        for own in &request.devices {
            if !named.insert(&own.name) {
                return Err(ApiError::bad_value(format!("The device {} is mapped twice", own.name)));
            }
            match devices.iter_mut().find(|device| device.name == own.name) {
                Some(of_image) => overrule(of_image, own),
                None => devices.push(own.clone()),
            }
        }
        devices.sort_by_key(|device| device.name != root);
        for volume in devices.iter().filter_map(|device| device.volume.as_ref()) {
            self.check_volume(region, volume)?;
        }
        Ok((root, devices))
    }

    fn add_new_device(
        &mut self,
        region: &Region,
        instance: &InstanceId,
        name: &str,
        device: &DeviceRequest,
    ) -> Result<(), ApiError> {
        let Some(volume) = &device.volume else { return self.add_instance_store(region, instance, &device.name) };
        let volume = self.make_volume(region, &format!("{name}:{}", device.name), volume.clone())?;
        self.attach_volume(region, &volume, instance, &device.name, device.delete_on_termination)
    }

    /// The size of a volume, and whether it is encrypted; an error where EC2 would not make it.
    fn check_volume(&self, region: &Region, request: &VolumeRequest) -> Result<(u32, bool), ApiError> {
        check_new_tags(&request.tags)?;
        if !VOLUME_TYPES.contains(&request.volume_type.as_str()) {
            let message = format!("Unsupported volume type '{}' for volume creation.", request.volume_type);
            return Err(ApiError::refused("UnknownVolumeType", message));
        }
        let source = match &request.snapshot {
            Some(id) => Some(&self.snapshot(region, id).ok_or_else(|| ApiError::no_snapshot(id))?.snapshot),
            None => None,
        };
        if let Some(pending) = source.filter(|snapshot| snapshot.state != SnapshotState::Completed) {
            let message = format!("Snapshot is in invalid state - {}", pending.state.as_str());
            return Err(ApiError::refused("IncorrectState", message));
        }
        let least = source.map_or(1, |snapshot| snapshot.size_gib);
        let size_gib = request.size_gib.or(source.map(|snapshot| snapshot.size_gib)).ok_or_else(|| {
            ApiError::refused("MissingParameter", "The request must contain the parameter size or snapshotId")
        })?;
        if size_gib < least || size_gib > VOLUME_GIB_MAX {
            let message = format!("Volume of {size_gib}GiB is not of {least} to {VOLUME_GIB_MAX}GiB.");
            return Err(ApiError::bad_value(message));
        }
        Ok((size_gib, request.encrypted || source.is_some_and(|snapshot| snapshot.encrypted)))
    }

    fn make_volume(&mut self, region: &Region, name: &str, request: VolumeRequest) -> Result<VolumeId, ApiError> {
        let (size_gib, encrypted) = self.check_volume(region, &request)?;
        let (volume_type, tags) = (request.volume_type, request.tags);
        let new = NewVolume { id: None, name: name.to_owned(), size_gib, volume_type, encrypted, tags };
        let id = self.create_volume(region, new)?;
        if let Some(record) = self.state_mut(region)?.volumes.get_mut(&id) {
            record.zone = request.zone;
        }
        Ok(id)
    }

    fn change_states(&mut self, region: &Region, ids: &[InstanceId], to: InstanceState) -> Result<Built, ApiError> {
        if ids.is_empty() {
            return Err(ApiError::refused("MissingParameter", "The request must contain the parameter InstanceId"));
        }
        let mut changes: Vec<StateChange> = Vec::new();
        for id in ids {
            let from = self.instance_record(region, id)?.instance.state;
            if from == InstanceState::Terminated && to != from {
                let message = format!("The instance '{id}' is terminated.");
                return Err(ApiError::refused("IncorrectInstanceState", message));
            }
            if changes.iter().all(|change| change.instance != *id) {
                changes.push(StateChange { instance: id.clone(), from, to });
            }
        }
        for change in changes.iter().filter(|change| change.from != to) {
            if to == InstanceState::Terminated {
                self.terminate_instance(region, &change.instance)?;
            } else {
                self.set_instance_state(region, &change.instance, to)?;
            }
        }
        Ok(Built::Changed(changes))
    }

    /// Only io1 and io2 can be shared (EBS user guide, ebs-volumes-multi).
    fn attach(
        &mut self,
        region: &Region,
        volume: &VolumeId,
        instance: &InstanceId,
        device: &str,
    ) -> Result<Built, ApiError> {
        let view = self.volume_view(region, volume)?;
        let can_be_shared = matches!(view.volume.volume_type.as_str(), "io1" | "io2");
        if let Some(attachment) = view.attachments.iter().find(|a| !can_be_shared || a.instance == *instance) {
            let message = format!("{volume} is already attached to an instance ({})", attachment.instance);
            return Err(ApiError::refused("VolumeInUse", message));
        }
        let record = self.instance_record(region, instance)?;
        if !record.instance.state.is_backed_up() {
            let message = format!("Instance '{instance}' is not 'running' or 'stopped'.");
            return Err(ApiError::refused("IncorrectState", message));
        }
        if record.machine.zone != view.zone {
            let message =
                format!("The volume '{volume}' is not in the same availability zone as instance '{instance}'");
            return Err(ApiError::refused("InvalidVolume.ZoneMismatch", message));
        }
        self.attach_volume(region, volume, instance, device, false)?;
        let view = self.volume_view(region, volume)?;
        let attachment =
            Attachment { instance: instance.clone(), device: device.to_owned(), delete_on_termination: false };
        Ok(Built::Attached { volume: view, attachment })
    }

    fn detach(
        &mut self,
        region: &Region,
        volume: &VolumeId,
        instance: Option<&InstanceId>,
        device: Option<&str>,
    ) -> Result<Built, ApiError> {
        let view = self.volume_view(region, volume)?;
        let fits = |a: &&Attachment| {
            instance.is_none_or(|instance| a.instance == *instance) && device.is_none_or(|device| a.device == device)
        };
        let Some(attachment) = view.attachments.iter().find(fits).cloned() else {
            let message = format!("Volume '{volume}' is not attached in this way; it is '{}'.", view.status());
            return Err(ApiError::refused("IncorrectState", message));
        };
        let from = &self.instance_record(region, &attachment.instance)?.instance;
        if from.root_device == attachment.device && from.state == InstanceState::Running {
            let message = format!("Unable to detach root volume '{volume}' from instance '{}'", from.id);
            return Err(ApiError::refused("OperationNotPermitted", message));
        }
        self.detach_volume(region, volume, &attachment.instance)?;
        Ok(Built::Detached { volume: view, attachment })
    }

    /// A crash-consistent set of the instance's volumes, and an AMI on it.
    fn image_of(
        &mut self,
        context: &Context<'_>,
        instance: &InstanceId,
        (name, description): (String, String),
        tags: Tags,
        snapshot_tags: Tags,
    ) -> Result<Built, ApiError> {
        check_new_tags(&tags)?;
        if self.state(context.region)?.images.values().any(|image| image.name == name) {
            let message = format!("AMI name {name} is already in use");
            return Err(ApiError::refused("InvalidAMIName.Duplicate", message));
        }
        let image: ImageId = keys::id("ami", self.number_by_hand(context.region, "image", instance.as_str()));
        let record = self.instance_record(context.region, instance)?.instance.clone();
        let request = SetRequest {
            instance: instance.clone(),
            exclude_boot: false,
            exclude_data: Vec::new(),
            description: format!("Created by CreateImage({instance}) for {image}"),
            tags: snapshot_tags,
        };
        let Reply::Set(views) = self.create_snapshots(context, &request)?.reply else {
            unreachable!("a set is answered by its members")
        };
        let device_of = |volume: &VolumeId| {
            let device = record.devices.iter().find(|device| device.volume.as_ref() == Some(volume));
            device.map_or_else(String::new, |device| device.name.clone())
        };
        let devices = views.iter().map(|view| (view.snapshot.id.clone(), device_of(&view.snapshot.volume_id)));
        let (created, root_device, lag) = (self.now(), record.root_device.clone(), TagLag::default());
        let record = ImageRecord { name, description, created, root_device, devices: devices.collect(), tags, lag };
        self.state_mut(context.region)?.images.insert(image.clone(), record);
        Ok(Built::Image { image, snapshots: views.into_iter().map(|view| view.snapshot.id).collect() })
    }

    fn instance_record(&mut self, region: &Region, id: &InstanceId) -> Result<&mut InstanceRecord, ApiError> {
        self.state_mut(region)?.instances.get_mut(id).ok_or_else(|| ApiError::no_instance(id))
    }

    fn instance_view(&self, region: &Region, id: &InstanceId) -> Result<InstanceView, ApiError> {
        let state = self.state(region)?;
        let record = state.instances.get(id).ok_or_else(|| ApiError::no_instance(id))?;
        Ok(record.view(&state.volumes, self.now()))
    }

    fn volume_view(&self, region: &Region, id: &VolumeId) -> Result<VolumeView, ApiError> {
        let record = self.volume(region, id).ok_or_else(|| ApiError::no_volume(id))?;
        Ok(record.view(self.now()))
    }
}

/// A device of an AMI, or the root of which nobody said anything.
fn device(name: &str, snapshot: Option<&SnapshotId>, goes_with_it: bool, request: &RunRequest) -> DeviceRequest {
    let volume = VolumeRequest {
        size_gib: snapshot.is_none().then_some(ROOT_GIB),
        snapshot: snapshot.cloned(),
        volume_type: "gp3".to_owned(),
        encrypted: false,
        zone: request.zone,
        tags: request.volume_tags.clone(),
    };
    DeviceRequest { name: name.to_owned(), volume: Some(volume), delete_on_termination: goes_with_it }
}

/// What a request says of a device that the AMI brings, too.
fn overrule(of_image: &mut DeviceRequest, own: &DeviceRequest) {
    let inherited = of_image.volume.take();
    of_image.clone_from(own);
    if let (Some(volume), Some(inherited)) = (&mut of_image.volume, inherited)
        && volume.snapshot.is_none()
    {
        volume.size_gib = volume.size_gib.or(inherited.size_gib);
        volume.snapshot = inherited.snapshot;
    }
}
