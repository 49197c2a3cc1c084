//! From EC2's parameters to a [`Call`]: the actions that the jobs use, and the describes.
//!
//! Names are those of the EC2 API reference's requests. A parameter of EC2's that is not here is refused in the end, by
//! [`Params::end`]; one that makes no difference in this world is listed where it is left out.

use snapwarden_core::ids::Region;
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::{CopyRequest, SetRequest};

use super::build;
use super::params::Params;
use crate::call::{Action, ApiError, Call, PageRequest, ResourceId};
use crate::listing::{Filter, Find, Listing};

pub(super) const BAD_INSTANCE: &str = "InvalidInstanceID.Malformed";
pub(super) const BAD_VOLUME: &str = "InvalidVolumeID.Malformed";
pub(super) const BAD_SNAPSHOT: &str = "InvalidSnapshotID.Malformed";
pub(super) const BAD_IMAGE: &str = "InvalidAMIID.Malformed";

/// The call that a request's form asks for in `region`, read as the endpoint reads it: for whoever holds the decoder to
/// its word. What is no part of the call (signature, `Version`, `DryRun`) is passed over.
pub fn decode(form: &[u8], region: &Region) -> Result<Call, ApiError> {
    let mut params = Params::default();
    params.read(form)?;
    let name = params.required("Action")?;
    let action: Action = name.parse().map_err(|_| params.bad("Action", &name))?;
    params.ignore(&["Version"]);
    params.ignore_signature();
    if action != Action::GetCallerIdentity {
        params.boolean("DryRun")?;
    }
    call(action, params, region)
}

/// Reads the call; every parameter must be understood.
pub(super) fn call(action: Action, mut params: Params, region: &Region) -> Result<Call, ApiError> {
    let call = read(action, &mut params, region)?;
    params.end()?;
    Ok(call)
}

fn read(action: Action, params: &mut Params, region: &Region) -> Result<Call, ApiError> {
    match action {
        Action::GetCallerIdentity => Ok(Call::GetCallerIdentity),
        Action::DescribeRegions => {
            params.ignore(&["AllRegions"]);
            find(params, Listing::Regions, "RegionName")
        }
        Action::DescribeInstances => {
            params.ignore(&["IncludeManagedResources"]);
            find(params, Listing::Instances, "InstanceId")
        }
        Action::DescribeVolumes => {
            params.ignore(&["IncludeManagedResources"]);
            find(params, Listing::Volumes, "VolumeId")
        }
        Action::DescribeSnapshots => find(params, Listing::Snapshots, "SnapshotId"),
        Action::DescribeImages => {
            params.ignore(&["IncludeDeprecated", "IncludeDisabled"]);
            find(params, Listing::Images, "ImageId")
        }
        Action::DescribeTags => find(params, Listing::Tags, ""),
        Action::CreateSnapshot => create_snapshot(params),
        Action::CreateSnapshots => create_snapshots(params),
        Action::CopySnapshot => copy_snapshot(params),
        Action::DeleteSnapshot => Ok(Call::DeleteSnapshot { snapshot: params.id("SnapshotId", BAD_SNAPSHOT)? }),
        Action::CreateTags => Ok(Call::CreateTags { resources: resources(params)?, tags: tags(params)? }),
        Action::DeleteTags => Ok(Call::DeleteTagsWhere { resources: resources(params)?, tags: doomed_tags(params)? }),
        Action::RunInstances | Action::StartInstances | Action::StopInstances | Action::TerminateInstances => {
            build::read(action, params, region).map(Call::Build)
        }
        Action::CreateVolume | Action::AttachVolume | Action::DetachVolume | Action::DeleteVolume => {
            build::read(action, params, region).map(Call::Build)
        }
        Action::CreateImage | Action::DeregisterImage => build::read(action, params, region).map(Call::Build),
    }
}

fn find(params: &mut Params, what: Listing, id_name: &str) -> Result<Call, ApiError> {
    let has_owners = matches!(what, Listing::Snapshots | Listing::Images);
    let has_pages = !matches!(what, Listing::Regions);
    let mut find = Find::all(what);
    if !id_name.is_empty() {
        find.ids = params.texts(id_name)?;
    }
    if has_owners {
        find.owners = params.texts("Owner")?;
    }
    if has_pages {
        find.page = PageRequest { next: params.text("NextToken"), max_results: params.number("MaxResults")? };
    }
    find.filters = params.list("Filter")?.into_iter().map(filter).collect::<Result<_, _>>()?;
    Ok(Call::Find(find))
}

fn filter(mut params: Params) -> Result<Filter, ApiError> {
    let filter = Filter { name: params.required("Name")?, values: params.texts("Value")? };
    params.end().map(|()| filter)
}

fn create_snapshot(params: &mut Params) -> Result<Call, ApiError> {
    regional_only(params)?;
    Ok(Call::CreateSnapshot {
        volume: params.id("VolumeId", BAD_VOLUME)?,
        description: params.text("Description").unwrap_or_default(),
        tags: tags_from_birth(params, ["snapshot"])?.0,
    })
}

fn create_snapshots(params: &mut Params) -> Result<Call, ApiError> {
    regional_only(params)?;
    let mut which = params.structure("InstanceSpecification");
    let request = SetRequest {
        instance: which.id("InstanceId", BAD_INSTANCE)?,
        exclude_boot: which.boolean("ExcludeBootVolume")?.unwrap_or(false),
        exclude_data: which.ids("ExcludeDataVolumeId", BAD_VOLUME)?,
        description: params.text("Description").unwrap_or_default(),
        tags: tags_from_birth(params, ["snapshot"])?.0,
    };
    which.end()?;
    Ok(Call::CreateSnapshots(request))
}

/// Snapshots of Local Zones do not exist here.
fn regional_only(params: &mut Params) -> Result<(), ApiError> {
    match params.text("Location") {
        Some(other) if other != "regional" => Err(params.bad("Location", &other)),
        Some(_) | None => Ok(()),
    }
}

fn copy_snapshot(params: &mut Params) -> Result<Call, ApiError> {
    // The destination is the Region that is asked, which the presigned URL's DestinationRegion only repeats; keys are
    // not told apart here.
    params.ignore(&["DestinationRegion", "KmsKeyId"]);
    let source_region = params.required("SourceRegion")?;
    let request = CopyRequest {
        source_region: source_region.parse().map_err(|_| params.bad("SourceRegion", &source_region))?,
        source: params.id("SourceSnapshotId", BAD_SNAPSHOT)?,
        description: params.text("Description").unwrap_or_default(),
        tags: tags_from_birth(params, ["snapshot"])?.0,
    };
    let encrypted = params.boolean("Encrypted")?.unwrap_or(false);
    let presigned = params.text("PresignedUrl").is_some_and(|url| !url.is_empty());
    Ok(Call::CopySnapshot { request, encrypted, presigned })
}

fn resources(params: &mut Params) -> Result<Vec<ResourceId>, ApiError> {
    params.texts("ResourceId")?.iter().map(|text| resource(text)).collect()
}

fn resource(text: &str) -> Result<ResourceId, ApiError> {
    let instance = text.parse().ok().map(ResourceId::Instance);
    let volume = || text.parse().ok().map(ResourceId::Volume);
    let snapshot = || text.parse().ok().map(ResourceId::Snapshot);
    let image = || text.parse().ok().map(ResourceId::Image);
    let found = instance.or_else(volume).or_else(snapshot).or_else(image);
    found.ok_or_else(|| ApiError::malformed("InvalidID", text))
}

/// `Tag.N.Key` and `Tag.N.Value`.
fn tags(params: &mut Params) -> Result<Tags, ApiError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for mut tag in params.list("Tag")? {
        let (key, value) = (tag.required("Key")?, tag.text("Value").unwrap_or_default());
        tag.end()?;
        if pairs.iter().any(|(other, _)| *other == key) {
            return Err(ApiError::bad_value(format!("Duplicate tag key '{key}' specified.")));
        }
        pairs.push((key, value));
    }
    // Collected, not set one by one: a value that is too long must not be cut, but refused.
    Ok(pairs.into_iter().collect())
}

fn doomed_tags(params: &mut Params) -> Result<Vec<(String, Option<String>)>, ApiError> {
    let tag = |mut tag: Params| {
        let pair = (tag.required("Key")?, tag.text("Value"));
        tag.end().map(|()| pair)
    };
    params.list("Tag")?.into_iter().map(tag).collect()
}

/// What `TagSpecification` says of up to two kinds of resources.
pub(super) fn tags_from_birth<const N: usize>(params: &mut Params, kinds: [&str; N]) -> Result<(Tags, Tags), ApiError> {
    let mut given: Vec<(String, Tags)> = Vec::new();
    for mut specification in params.list("TagSpecification")? {
        let kind = specification.required("ResourceType")?;
        if !kinds.contains(&kind.as_str()) || given.iter().any(|(other, _)| *other == kind) {
            return Err(specification.bad("ResourceType", &kind));
        }
        given.push((kind, tags(&mut specification)?));
        specification.end()?;
    }
    let mut of = |place: usize| {
        let kind = kinds.get(place)?;
        let found = given.iter().position(|(other, _)| other == kind)?;
        Some(given.remove(found).1)
    };
    Ok((of(0).unwrap_or_default(), of(1).unwrap_or_default()))
}
