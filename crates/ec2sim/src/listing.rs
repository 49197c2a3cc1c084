//! The describes with all that EC2 can be asked: ids, owners, filters with wildcards, pages.
//!
//! The jobs ask for less ([`crate::Call::DescribeSnapshots`] and its like); people, the AWS CLI and boto3 ask for this.
//! Both go through the same pages, so a listing that both can ask for is the same, page by page, for one seed.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::Timestamp;
use snapwarden_core::ids::{AccountId, ImageId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::SnapshotState;
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::Page;

use crate::call::{Action, ApiError, InstanceView, PageRequest, Reply, ResourceId, SnapshotView, VolumeView};
use crate::filters::{self, Filtered, Place};
use crate::limits::{IDS_MAX, PAGE_SIZE_RANGE};
use crate::state::{ImageRecord, RegionState, SnapshotRecord};
use crate::world::{Context, Effect, World};

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Listing {
    Regions,
    Instances,
    Volumes,
    Snapshots,
    Images,
    Tags,
}

/// A filter: one of its values must fit. `*` stands for any text, `?` for one character, `\` takes their meaning away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// EC2's name of it, such as `tag:Type`.
    pub name: String,
    /// Any of these.
    pub values: Vec<String>,
}

/// A describe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// What is listed.
    pub what: Listing,
    /// These and no others; all must be there.
    pub ids: Vec<String>,
    /// Of snapshots and AMIs: whose. `self`, or account numbers. None asks for everything that is to be seen.
    pub owners: Vec<String>,
    /// All of these must fit.
    pub filters: Vec<Filter>,
    /// Without a size everything comes at once, and a token counts for nothing (EC2 API reference, Query-Requests).
    pub page: PageRequest,
}

impl Find {
    /// Everything of a kind.
    pub fn all(what: Listing) -> Self {
        Self { what, ids: Vec::new(), owners: Vec::new(), filters: Vec::new(), page: PageRequest::default() }
    }

    /// Its action.
    pub fn action(&self) -> Action {
        match self.what {
            Listing::Regions => Action::DescribeRegions,
            Listing::Instances => Action::DescribeInstances,
            Listing::Volumes => Action::DescribeVolumes,
            Listing::Snapshots => Action::DescribeSnapshots,
            Listing::Images => Action::DescribeImages,
            Listing::Tags => Action::DescribeTags,
        }
    }

    /// The ids that it is about, be they given as such or as the filter that the seam uses.
    pub(crate) fn subjects(&self) -> Vec<String> {
        let by_filter = self.filters.iter().filter(|filter| filter.name == "snapshot-id");
        self.ids.iter().chain(by_filter.flat_map(|filter| &filter.values)).cloned().collect()
    }

    fn owned_by(&self, owner: &AccountId, caller: &AccountId) -> bool {
        let is = |asked: &String| asked == owner.as_str() || (asked == "self" && owner == caller);
        self.owners.is_empty() || self.owners.iter().any(is)
    }
}

/// An AMI as DescribeImages shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageView {
    /// Its id.
    pub id: ImageId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// When it was registered.
    pub created: Timestamp,
    /// `pending` until its snapshots are completed, `failed` where one is in error, else `available`.
    pub state: &'static str,
    /// The device that its instances boot from.
    pub root_device: String,
    /// What it stands on.
    pub devices: Vec<ImageDevice>,
    /// Its tags.
    pub tags: Tags,
}

/// A device of an AMI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDevice {
    /// As the instance will see it.
    pub name: String,
    /// What it is filled from.
    pub snapshot: SnapshotId,
    /// In GiB.
    pub size_gib: u32,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// A tag as DescribeTags shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagView {
    /// What carries it.
    pub resource: ResourceId,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// What a describe found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as what is listed")]
pub enum Found {
    Regions(Vec<Region>),
    Instances(Page<InstanceView>),
    Volumes(Page<VolumeView>),
    Snapshots(Page<SnapshotView>),
    Images(Page<ImageView>),
    Tags(Page<TagView>),
}

impl World {
    pub(crate) fn find(&self, context: &Context<'_>, find: &Find) -> Result<Effect, ApiError> {
        check_request(find)?;
        let state = self.state(context.region)?;
        let found = match find.what {
            Listing::Regions => Found::Regions(self.find_regions(context, find)?),
            Listing::Instances => Found::Instances(self.find_instances(context, find, state)?),
            Listing::Volumes => Found::Volumes(self.find_volumes(context, find, state)?),
            Listing::Snapshots => Found::Snapshots(self.find_snapshots(context, find, state)?),
            Listing::Images => Found::Images(self.find_images(context, find, state)?),
            Listing::Tags => Found::Tags(self.find_tags(context, find, state)?),
        };
        Ok(Reply::Found(found).into())
    }

    fn find_regions(&self, context: &Context<'_>, find: &Find) -> Result<Vec<Region>, ApiError> {
        filters::check::<Region>(&find.filters)?;
        let is_known = |name: &String| self.regions.keys().any(|region| region.as_str() == name);
        if let Some(unknown) = find.ids.iter().find(|name| !is_known(name)) {
            return Err(ApiError::bad_value(format!("Invalid region provided: {unknown}")));
        }
        let place = place(context);
        let asked = |region: &&Region| find.ids.is_empty() || find.ids.iter().any(|name| name == region.as_str());
        let fits = |region: &&Region| filters::fits(&find.filters, *region, &place);
        Ok(self.regions.keys().filter(asked).filter(fits).cloned().collect())
    }

    fn find_instances(
        &self,
        context: &Context<'_>,
        find: &Find,
        state: &RegionState,
    ) -> Result<Page<InstanceView>, ApiError> {
        let ids = ids::<InstanceId>(find, "InvalidInstanceID.Malformed")?;
        if let Some(missing) = ids.iter().find(|id| !state.instances.contains_key(id)) {
            return Err(ApiError::no_instance(missing));
        }
        let show = |id: &InstanceId, record: &crate::state::InstanceRecord| {
            let asked = ids.is_empty() || ids.contains(id);
            asked.then(|| record.view(&state.volumes, self.now()))
        };
        self.found(context, find, &state.instances, show)
    }

    fn find_volumes(
        &self,
        context: &Context<'_>,
        find: &Find,
        state: &RegionState,
    ) -> Result<Page<VolumeView>, ApiError> {
        let ids = ids::<VolumeId>(find, "InvalidVolumeID.Malformed")?;
        if let Some(missing) = ids.iter().find(|id| !state.volumes.contains_key(id)) {
            return Err(ApiError::no_volume(missing));
        }
        let show = |id: &VolumeId, record: &crate::state::VolumeRecord| {
            let asked = ids.is_empty() || ids.contains(id);
            asked.then(|| record.view(self.now()))
        };
        self.found(context, find, &state.volumes, show)
    }

    /// Snapshots of others that are in the world are those that they share, or public ones.
    fn find_snapshots(
        &self,
        context: &Context<'_>,
        find: &Find,
        state: &RegionState,
    ) -> Result<Page<SnapshotView>, ApiError> {
        let now = self.now();
        let ids = ids::<SnapshotId>(find, "InvalidSnapshotID.Malformed")?;
        let is_shown = |id: &SnapshotId| state.snapshots.get(id).is_some_and(|record| record.is_visible(now));
        if let Some(missing) = ids.iter().find(|id| !is_shown(id)) {
            return Err(ApiError::no_snapshot(missing));
        }
        let show = |id: &SnapshotId, record: &SnapshotRecord| {
            let owned = find.owned_by(&record.snapshot.owner, context.owner);
            let asked = ids.is_empty() || ids.contains(id);
            (asked && owned && record.is_visible(now)).then(|| record.view(now))
        };
        self.found(context, find, &state.snapshots, show)
    }

    fn find_images(
        &self,
        context: &Context<'_>,
        find: &Find,
        state: &RegionState,
    ) -> Result<Page<ImageView>, ApiError> {
        let ids = ids::<ImageId>(find, "InvalidAMIID.Malformed")?;
        if let Some(missing) = ids.iter().find(|id| !state.images.contains_key(id)) {
            return Err(ApiError::no_image(missing));
        }
        let show = |id: &ImageId, record: &ImageRecord| {
            let asked = ids.is_empty() || ids.contains(id);
            let owned = find.owned_by(&self.account, context.owner);
            (asked && owned).then(|| image_view(id, record, state, self.now()))
        };
        self.found(context, find, &state.images, show)
    }

    fn find_tags(&self, context: &Context<'_>, find: &Find, state: &RegionState) -> Result<Page<TagView>, ApiError> {
        let tags = all_tags(context.owner, state, self.now());
        self.found(context, find, &tags, |_, tag| Some(tag.clone()))
    }

    /// A page of those records that are shown and fit every filter.
    fn found<K: Ord + FromStr + ToString, R, T: Filtered>(
        &self,
        context: &Context<'_>,
        find: &Find,
        records: &BTreeMap<K, R>,
        show: impl Fn(&K, &R) -> Option<T>,
    ) -> Result<Page<T>, ApiError> {
        filters::check::<T>(&find.filters)?;
        let place = place(context);
        let show = |id: &K, record: &R| show(id, record).filter(|view| filters::fits(&find.filters, view, &place));
        if find.page.max_results.is_some() {
            return self.page(context, find.action(), &find.page, records, show);
        }
        let items = records.iter().filter_map(|(id, record)| show(id, record)).collect();
        Ok(Page { items, next: None })
    }
}

fn place<'a>(context: &Context<'a>) -> Place<'a> {
    Place { account: context.owner, region: context.region }
}

/// What EC2 asks of a describe, whatever is listed.
fn check_request(find: &Find) -> Result<(), ApiError> {
    if find.ids.len() > IDS_MAX {
        return Err(ApiError::bad_value(format!("At most {IDS_MAX} ids can be named in one request.")));
    }
    let Some(max_results) = find.page.max_results else { return Ok(()) };
    if !find.ids.is_empty() {
        let message = "A list of ids cannot be used with the parameter maxResults";
        return Err(ApiError::refused("InvalidParameterCombination", message));
    }
    let (least, _) = PAGE_SIZE_RANGE;
    if max_results < least {
        let message =
            format!("Value ( {max_results} ) for parameter maxResults is invalid. It must be {least} or more.");
        return Err(ApiError::bad_value(message));
    }
    Ok(())
}

fn ids<T: FromStr>(find: &Find, malformed: &str) -> Result<Vec<T>, ApiError> {
    let id = |text: &String| text.parse().map_err(|_| ApiError::malformed(malformed, text));
    find.ids.iter().map(id).collect()
}

fn image_view(id: &ImageId, record: &ImageRecord, state: &RegionState, now: Timestamp) -> ImageView {
    let on = |snapshot: &SnapshotId| state.living(snapshot).map(|record| &record.snapshot);
    let device = |(snapshot, name): (&SnapshotId, &String)| ImageDevice {
        name: name.clone(),
        snapshot: snapshot.clone(),
        size_gib: on(snapshot).map_or(0, |snapshot| snapshot.size_gib),
        encrypted: on(snapshot).is_some_and(|snapshot| snapshot.encrypted),
    };
    let any = |wanted| record.devices.keys().any(|snapshot| on(snapshot).is_some_and(|s| s.state == wanted));
    let is_failed = any(SnapshotState::Error);
    ImageView {
        id: id.clone(),
        name: record.name.clone(),
        description: record.description.clone(),
        created: record.created,
        state: if is_failed {
            "failed"
        } else if any(SnapshotState::Pending) {
            "pending"
        } else {
            "available"
        },
        root_device: record.root_device.clone(),
        devices: record.devices.iter().map(device).collect(),
        tags: record.lag.shown(&record.tags, now).clone(),
    }
}

/// Every tag of a Region, as describes show it, by resource and key.
fn all_tags(owner: &AccountId, state: &RegionState, now: Timestamp) -> BTreeMap<String, TagView> {
    let mut all = BTreeMap::new();
    let mut add = |resource: ResourceId, tags: &Tags| {
        for (key, value) in tags.iter() {
            let view = TagView { resource: resource.clone(), key: key.to_owned(), value: value.to_owned() };
            all.insert(format!("{} {key}", resource.as_str()), view);
        }
    };
    for (id, record) in &state.instances {
        add(id.clone().into(), record.lag.shown(&record.instance.tags, now));
    }
    for (id, record) in &state.volumes {
        add(id.clone().into(), record.lag.shown(&record.volume.tags, now));
    }
    for (id, record) in state.snapshots.iter().filter(|(_, r)| r.snapshot.owner == *owner && r.is_visible(now)) {
        add(id.clone().into(), record.lag.shown(&record.snapshot.tags, now));
    }
    for (id, record) in &state.images {
        add(id.clone().into(), record.lag.shown(&record.tags, now));
    }
    all
}
