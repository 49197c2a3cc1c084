//! A small fleet written by hand, as TOML: for the demo, for tests, for trying a policy.
//!
//! ```toml
//! account = "123456789012"
//! regions = ["eu-west-1", "eu-central-1"]
//!
//! [[instance]]
//! region = "eu-west-1"
//! name = "web-1"                   # unique in its Region; becomes the tag Name unless `tags` has one
//! # id = "i-0123456789abcdef0"     # otherwise derived from the seed and the name; so are all ids
//! # reservation = "r-1"            # the same one in several instances puts them into one reservation
//! # state = "running"              # or stopped, pending, stopping, shutting-down, terminated
//! # root_device = "/dev/xvda"      # otherwise the first volume's device
//! tags = { Backup = "Yes", RetentionDays = "7" }
//! volumes = [
//!   { device = "/dev/xvda", size_gib = 8 },   # named "web-1:/dev/xvda" by the other tables
//!   { device = "/dev/sdf", size_gib = 500, type = "st1", encrypted = true, tags = { Backup = "No" } },
//!   { device = "/dev/sdg", attach = "shared" },         # a [[volume]], or a volume of an instance above
//!   { device = "/dev/sdb", instance_store = true },
//! ]                                # delete_on_termination = true unless said otherwise for the root, false for others
//!
//! [[volume]]                       # one that no instance brings with it
//! region = "eu-west-1"
//! name = "shared"
//! size_gib = 20
//!
//! [[snapshot]]
//! region = "eu-west-1"
//! name = "last week"               # or `id`
//! volume = "web-1:/dev/xvda"       # a volume's name or id; one that is not there any more needs `size_gib`
//! begun = "7d ago"                 # or 90m ago, 3h ago, "2026-11-22T03:00:00Z"
//! # state = "completed"            # or pending, error, recoverable, recovering; state_message, encrypted, tier,
//! # description = "..."            # owner as EC2 has them
//! # copy_of = { region = "eu-central-1", snapshot = "their name" }   # one written above this, or an id
//! tags = { Type = "Automated", DeleteOn = "2026-11-29" }
//!
//! [[image]]
//! region = "eu-west-1"
//! # id = "ami-0123456789abcdef0"
//! snapshots = ["last week"]
//! ```
//!
//! All that is wrong is an error with its line: a fleet that loads in part would prove the wrong thing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use snapwarden_core::ids::{AccountId, ImageId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{InstanceState, Snapshot, SnapshotState, StorageTier, Volume};
use snapwarden_core::tags::{Tags, key};
use toml::Spanned;

use crate::call::ApiError;
use crate::keys;
use crate::people::{NewInstance, NewVolume};
use crate::snapshots::VOLUME_OF_COPIES;
use crate::world::World;

/// What is wrong with a fleet, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct FleetError {
    /// The line, from 1.
    pub line: usize,
    /// One sentence that names the field or the id.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FleetToml {
    account: AccountId,
    regions: Vec<Region>,
    #[serde(default, rename = "volume")]
    volumes: Vec<Spanned<VolumeToml>>,
    #[serde(default, rename = "instance")]
    instances: Vec<Spanned<InstanceToml>>,
    #[serde(default, rename = "snapshot")]
    snapshots: Vec<Spanned<SnapshotToml>>,
    #[serde(default, rename = "image")]
    images: Vec<Spanned<ImageToml>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InstanceToml {
    region: Region,
    id: Option<InstanceId>,
    name: Option<String>,
    reservation: Option<String>,
    state: Option<InstanceState>,
    root_device: Option<String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    volumes: Vec<Spanned<DeviceToml>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceToml {
    device: String,
    id: Option<VolumeId>,
    size_gib: Option<u32>,
    #[serde(rename = "type")]
    volume_type: Option<String>,
    #[serde(default)]
    encrypted: bool,
    #[serde(default)]
    tags: Tags,
    delete_on_termination: Option<bool>,
    attach: Option<String>,
    #[serde(default)]
    instance_store: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VolumeToml {
    region: Region,
    id: Option<VolumeId>,
    name: Option<String>,
    size_gib: u32,
    #[serde(rename = "type")]
    volume_type: Option<String>,
    #[serde(default)]
    encrypted: bool,
    #[serde(default)]
    tags: Tags,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotToml {
    region: Region,
    id: Option<SnapshotId>,
    name: Option<String>,
    volume: Option<String>,
    begun: String,
    state: Option<SnapshotState>,
    state_message: Option<String>,
    size_gib: Option<u32>,
    encrypted: Option<bool>,
    tier: Option<StorageTier>,
    owner: Option<AccountId>,
    description: Option<String>,
    copy_of: Option<SourceToml>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceToml {
    region: Region,
    snapshot: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageToml {
    region: Region,
    id: Option<ImageId>,
    snapshots: Vec<String>,
}

impl World {
    /// The fleet that `text` describes, at `now`.
    pub fn from_toml(seed: u64, now: Timestamp, text: &str) -> Result<World, FleetError> {
        let fleet: FleetToml = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
        let world = World::new(seed, now, fleet.account, fleet.regions);
        let mut loader =
            Loader { text, world, used: BTreeSet::new(), volumes: BTreeMap::new(), snapshots: BTreeMap::new() };
        for volume in fleet.volumes {
            loader.at(volume.span().start, |loader| loader.volume(volume.into_inner()))?;
        }
        for instance in fleet.instances {
            loader.instance(instance)?;
        }
        for snapshot in fleet.snapshots {
            loader.at(snapshot.span().start, |loader| loader.snapshot(snapshot.into_inner()))?;
        }
        for image in fleet.images {
            loader.at(image.span().start, |loader| loader.image(image.into_inner()))?;
        }
        Ok(loader.world)
    }
}

/// What a table is called in errors and by other tables: a Region and a name or id.
type Named<T> = BTreeMap<(Region, String), T>;

struct Loader<'a> {
    text: &'a str,
    world: World,
    /// Ids and names, each of which may be given once.
    used: BTreeSet<(Region, String)>,
    volumes: Named<VolumeId>,
    snapshots: Named<SnapshotId>,
}

impl Loader<'_> {
    /// Does one table's part; what is wrong with it is at its line.
    fn at<T>(&mut self, offset: usize, act: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, FleetError> {
        act(self).map_err(|what| FleetError { line: line_of(self.text, offset), what })
    }

    /// Refuses what was given before, and Regions that the account does not have.
    fn claim(&mut self, region: &Region, kind: &str, name: &str) -> Result<(), String> {
        if !self.world.regions().any(|known| known == region) {
            return Err(format!("{kind} {name:?} is in {region}, which is not in `regions`"));
        }
        if !self.used.insert((region.clone(), format!("{kind} {name}"))) {
            return Err(format!("{kind} {name:?} is there twice in {region}"));
        }
        Ok(())
    }

    fn volume(&mut self, new: VolumeToml) -> Result<(), String> {
        let id = new.id.as_ref().map(VolumeId::to_string);
        let name = new.name.or(id).ok_or("a volume needs a name or an id")?;
        let new_volume = NewVolume {
            id: new.id,
            name: name.clone(),
            size_gib: new.size_gib,
            volume_type: new.volume_type.unwrap_or_else(|| "gp3".to_owned()),
            encrypted: new.encrypted,
            tags: new.tags,
        };
        self.make_volume(&new.region, &name, new_volume).map(|_| ())
    }

    fn make_volume(&mut self, region: &Region, name: &str, new: NewVolume) -> Result<VolumeId, String> {
        self.claim(region, "volume", name)?;
        if let Some(id) = new.id.as_ref().filter(|id| id.as_str() != name) {
            self.claim(region, "volume", id.as_str())?;
        }
        let id = self.world.create_volume(region, new).map_err(in_words)?;
        self.volumes.insert((region.clone(), name.to_owned()), id.clone());
        self.volumes.insert((region.clone(), id.to_string()), id.clone());
        Ok(id)
    }

    fn instance(&mut self, new: Spanned<InstanceToml>) -> Result<(), FleetError> {
        let offset = new.span().start;
        let InstanceToml { region, id, name, reservation, state, root_device, mut tags, volumes } = new.into_inner();
        if let Some(name) = name.as_ref().filter(|_| !tags.has(key::NAME)) {
            tags.set(key::NAME, name);
        }
        let root = root_device.or_else(|| volumes.first().map(|volume| volume.get_ref().device.clone()));
        let root = root.unwrap_or_else(|| "/dev/xvda".to_owned());
        let name = name.or_else(|| id.as_ref().map(InstanceId::to_string));
        let (name, id) = self.at(offset, |loader| {
            let name = name.ok_or("an instance needs a name or an id")?;
            loader.claim(&region, "instance", &name)?;
            if let Some(id) = id.as_ref().filter(|id| id.as_str() != name) {
                loader.claim(&region, "instance", id.as_str())?;
            }
            let new = NewInstance { id, name: name.clone(), reservation, root_device: root.clone(), tags };
            let id = loader.world.run_instance(&region, new).map_err(in_words)?;
            loader.world.set_instance_state(&region, &id, state.unwrap_or(InstanceState::Running)).map_err(in_words)?;
            Ok((name, id))
        })?;
        for device in volumes {
            self.at(device.span().start, |loader| loader.device(&region, &name, &id, &root, device.into_inner()))?;
        }
        Ok(())
    }

    fn device(
        &mut self,
        region: &Region,
        instance: &str,
        id: &InstanceId,
        root: &str,
        new: DeviceToml,
    ) -> Result<(), String> {
        let device = new.device;
        if new.instance_store {
            return self.world.add_instance_store(region, id, &device).map_err(in_words);
        }
        let name = format!("{instance}:{device}");
        let volume = match (new.attach, new.size_gib) {
            (Some(_), Some(_)) => return Err(format!("volume {name:?} has both `attach` and `size_gib`")),
            (Some(other), None) => {
                let found = self.volumes.get(&(region.clone(), other.clone()));
                found.cloned().ok_or_else(|| format!("volume {name:?}: there is no volume {other:?} in {region}"))?
            }
            (None, None) => return Err(format!("volume {name:?} needs `size_gib`, `attach` or `instance_store`")),
            (None, Some(size_gib)) => {
                let volume_type = new.volume_type.unwrap_or_else(|| "gp3".to_owned());
                let (encrypted, tags) = (new.encrypted, new.tags);
                let new = NewVolume { id: new.id, name: name.clone(), size_gib, volume_type, encrypted, tags };
                self.make_volume(region, &name, new)?
            }
        };
        let goes_with_it = new.delete_on_termination.unwrap_or(device == root);
        self.world.attach_volume(region, &volume, id, &device, goes_with_it).map_err(in_words)
    }

    fn snapshot(&mut self, new: SnapshotToml) -> Result<(), String> {
        let region = new.region;
        let id_text = new.id.as_ref().map(SnapshotId::to_string);
        let name = new.name.or(id_text).ok_or("a snapshot needs a name or an id")?;
        self.claim(&region, "snapshot", &name)?;
        let id = new.id.unwrap_or_else(|| keys::id("snap", self.world.name_number(&region, &name)));
        if self.world.snapshot(&region, &id).is_some() {
            return Err(format!("snapshot {name:?}: {id} is there twice in {region}"));
        }
        let copy_of = match &new.copy_of {
            Some(source) => Some((source.region.clone(), self.find_snapshot(&source.region, &source.snapshot)?)),
            None => None,
        };
        let source = copy_of.as_ref().and_then(|(region, id)| self.world.snapshot(region, id));
        let (source_size, source_encrypted) =
            (source.map(|s| s.snapshot.size_gib), source.map(|s| s.snapshot.encrypted));
        let (volume_id, volume) = self.volume_of_snapshot(&region, &name, new.volume.as_deref(), copy_of.is_some())?;
        let size_gib = new.size_gib.or(volume.as_ref().map(|v| v.size_gib)).or(source_size);
        let snapshot = Snapshot {
            id: id.clone(),
            volume_id,
            owner: new.owner.unwrap_or_else(|| self.world.account().clone()),
            state: new.state.unwrap_or(SnapshotState::Completed),
            state_message: new.state_message,
            start_time: begun(&new.begun, self.world.now()).ok_or_else(|| {
                format!("snapshot {name:?}: `begun` is {:?}, not a time or like \"7d ago\"", new.begun)
            })?,
            size_gib: size_gib
                .ok_or_else(|| format!("snapshot {name:?}: its volume is not there, so it needs `size_gib`"))?,
            encrypted: new.encrypted.or(volume.map(|v| v.encrypted)).or(source_encrypted).unwrap_or(false),
            tier: new.tier.unwrap_or(StorageTier::Standard),
            tags: new.tags,
        };
        self.snapshots.insert((region.clone(), name), id);
        let description = new.description.unwrap_or_default();
        self.world.put_snapshot(&region, snapshot, copy_of, &description).map_err(in_words)
    }

    /// A volume by its name or id; one that is not there (any more) by its id only.
    fn volume_of_snapshot(
        &self,
        region: &Region,
        snapshot: &str,
        volume: Option<&str>,
        is_copy: bool,
    ) -> Result<(VolumeId, Option<Volume>), String> {
        let Some(text) = volume else {
            let arbitrary = is_copy.then(|| (keys::known(VOLUME_OF_COPIES), None));
            return arbitrary.ok_or_else(|| format!("snapshot {snapshot:?} needs `volume` or `copy_of`"));
        };
        if let Some(id) = self.volumes.get(&(region.clone(), text.to_owned())) {
            return Ok((id.clone(), self.world.volume(region, id).map(|record| record.volume.clone())));
        }
        let id = text.parse().map_err(|_| format!("snapshot {snapshot:?}: there is no volume {text:?} in {region}"))?;
        Ok((id, None))
    }

    /// A snapshot by its name, or any by its id.
    fn find_snapshot(&self, region: &Region, text: &str) -> Result<SnapshotId, String> {
        let found = self.snapshots.get(&(region.clone(), text.to_owned())).cloned();
        found.or_else(|| text.parse().ok()).ok_or_else(|| format!("there is no snapshot {text:?} in {region}"))
    }

    fn image(&mut self, new: ImageToml) -> Result<(), String> {
        if let Some(id) = &new.id {
            self.claim(&new.region, "image", id.as_str())?;
        }
        let snapshots: Result<Vec<SnapshotId>, String> =
            new.snapshots.iter().map(|text| self.find_snapshot(&new.region, text)).collect();
        self.world.create_image(&new.region, new.id, snapshots?).map(|_| ()).map_err(in_words)
    }
}

fn in_words(error: ApiError) -> String {
    match error {
        ApiError::Answer { message, .. } => message,
        ApiError::NeverConnected(message) | ApiError::NoAnswer(message) => message,
    }
}

/// RFC 3339, or an age: `90m ago`, `3h ago`, `7d ago`.
fn begun(text: &str, now: Timestamp) -> Option<Timestamp> {
    let Some(age) = text.strip_suffix(" ago") else { return text.parse().ok() };
    let unit_s = match age.chars().last()? {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: i64 = age.get(..age.len() - 1)?.parse().ok().filter(|count| *count >= 0)?;
    Timestamp::from_second(now.as_second().checked_sub(count.checked_mul(unit_s)?)?).ok()
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// What the TOML reader says, with the line that it says it of.
fn unreadable(text: &str, error: &toml::de::Error) -> FleetError {
    let line = error.span().map_or(1, |span| line_of(text, span.start));
    let there: String = text.lines().nth(line - 1).unwrap_or_default().trim().chars().take(80).collect();
    let what = error.message().lines().collect::<Vec<_>>().join(", ");
    FleetError { line, what: format!("{what} (in `{there}`)") }
}
