//! The seam's ten calls, each one request. What goes out and what comes back, and nothing else.

use std::time::SystemTime;

use aws_sdk_ec2::types::{Filter, InstanceSpecification, ResourceType, Tag, TagSpecification};
use jiff::Timestamp;
use snapwarden_core::ids::{AccountId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, Volume};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::{
    Action, Begun, Calls, Cloud, CloudError, CopyRequest, ErrorKind, Page, Paging, SetRequest, SnapshotQuery, TimeJump,
};

use crate::client::Aws;
use crate::copying::Presigner;
use crate::errors::{own, unreadable, unreadable_record};
use crate::records;

/// Records on a page, at most (EC2 API reference, MaxResults). Without it EC2 does not page, and has a smaller bucket.
const PAGE_MAX: i32 = 1_000;
/// The owner that stands for the account of the credentials. Without it EC2 lists everybody's public snapshots.
const OWN: &str = "self";

impl Cloud for Aws {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep_until(&self, time: Timestamp) {
        self.clock.sleep_until(time).await;
    }

    fn calls(&self) -> Calls {
        self.calls_made()
    }

    fn begin(&self) {
        self.clock.begin();
    }

    fn time_jump(&self) -> Option<TimeJump> {
        self.clock.jump()
    }

    async fn account(&self, region: &Region) -> Result<AccountId, CloudError> {
        let call = self.clients(region).sts.get_caller_identity().send();
        let answer = self.read(region, Action::GetCallerIdentity, call).await?;
        records::id(answer.account(), "Account").map_err(unreadable_record)
    }

    async fn describe_regions(&self, region: &Region) -> Result<Vec<Region>, CloudError> {
        let call = self.clients(region).ec2.describe_regions().send();
        let answer = self.read(region, Action::DescribeRegions, call).await?;
        let regions = records::list(answer.regions, "regionInfo", |raw| raw.region_name(), records::region)?;
        Ok(regions.into_iter().flatten().collect())
    }

    async fn describe_instances(&self, region: &Region, next: Option<String>) -> Result<Page<Instance>, CloudError> {
        let call = self.clients(region).ec2.describe_instances().max_results(PAGE_MAX).set_next_token(token(next));
        let answer = self.read(region, Action::DescribeInstances, call.send()).await?;
        Ok(Page { items: records::instances(answer.reservations)?, next: token(answer.next_token) })
    }

    async fn describe_volumes(&self, region: &Region, next: Option<String>) -> Result<Page<Volume>, CloudError> {
        let call = self.clients(region).ec2.describe_volumes().max_results(PAGE_MAX).set_next_token(token(next));
        let answer = self.read(region, Action::DescribeVolumes, call.send()).await?;
        let items = records::list(answer.volumes, "volumeSet", |raw| raw.volume_id(), records::volume)?;
        Ok(Page { items, next: token(answer.next_token) })
    }

    async fn describe_snapshots(&self, region: &Region, query: SnapshotQuery) -> Result<Page<Snapshot>, CloudError> {
        match query {
            SnapshotQuery::Own { next } => self.snapshots_page(region, None, next).await,
            SnapshotQuery::Ids(ids) => self.snapshots_by_id(region, &ids).await,
        }
    }

    async fn create_snapshot(
        &self,
        region: &Region,
        volume: &VolumeId,
        description: &str,
        tags: &Tags,
    ) -> Result<Begun, CloudError> {
        let ec2 = self.clients(region).ec2;
        let call = ec2.create_snapshot().volume_id(volume.as_str()).description(description);
        let call = call.set_tag_specifications(tags_from_birth(tags)).send();
        let answer = self.write(region, Action::CreateSnapshot, call).await?;
        records::begun(answer.snapshot_id(), answer.volume_id()).map_err(unreadable)
    }

    async fn create_snapshots(&self, region: &Region, request: SetRequest) -> Result<Vec<Begun>, CloudError> {
        let SetRequest { instance, exclude_boot, exclude_data, description, tags } = request;
        let left_out: Vec<_> = exclude_data.into_iter().map(String::from).collect();
        let volumes = InstanceSpecification::builder()
            .instance_id(instance)
            .set_exclude_boot_volume(exclude_boot.then_some(true))
            .set_exclude_data_volume_ids((!left_out.is_empty()).then_some(left_out))
            .build();
        let ec2 = self.clients(region).ec2;
        let call = ec2.create_snapshots().instance_specification(volumes).description(description);
        let call = call.set_tag_specifications(tags_from_birth(&tags)).send();
        let answer = self.write(region, Action::CreateSnapshots, call).await?;
        let made = answer.snapshots.filter(|made| !made.is_empty());
        let made = made.ok_or_else(|| unreadable("the answer has no snapshot in a snapshotSet"))?;
        let begun = made.iter().map(|raw| records::begun(raw.snapshot_id(), raw.volume_id()));
        begun.collect::<Result<_, _>>().map_err(unreadable)
    }

    async fn copy_snapshot(&self, destination: &Region, request: CopyRequest) -> Result<SnapshotId, CloudError> {
        self.copy(destination, request, None).await
    }

    async fn delete_snapshot(&self, region: &Region, snapshot: &SnapshotId) -> Result<(), CloudError> {
        let call = self.clients(region).ec2.delete_snapshot().snapshot_id(snapshot.as_str()).send();
        self.write(region, Action::DeleteSnapshot, call).await.map(drop)
    }

    async fn create_tags(&self, region: &Region, snapshots: &[SnapshotId], tags: &Tags) -> Result<(), CloudError> {
        let ids = snapshots.iter().map(ToString::to_string).collect();
        let call = self.clients(region).ec2.create_tags().set_resources(Some(ids)).set_tags(Some(sdk_tags(tags)));
        self.write(region, Action::CreateTags, call.send()).await.map(drop)
    }
}

impl Aws {
    /// A copy, or with `dry_run` the question whether it is allowed.
    pub(crate) async fn copy(
        &self,
        destination: &Region,
        request: CopyRequest,
        dry_run: Option<bool>,
    ) -> Result<SnapshotId, CloudError> {
        self.time_is_known(ErrorKind::Invalid)?;
        let CopyRequest { source_region, source, description, tags } = request;
        let now = self.clock.now();
        let presigner = Presigner {
            credentials: self.credentials(now).await?,
            time: SystemTime::from(now),
            source: source_region.clone(),
            destination: destination.clone(),
        };
        let ec2 = self.clients(destination).ec2;
        let call = ec2.copy_snapshot().source_region(source_region).source_snapshot_id(source).description(description);
        let call = call
            .set_dry_run(dry_run)
            .set_tag_specifications(tags_from_birth(&tags))
            .customize()
            .interceptor(presigner)
            .send();
        let answer = self.write(destination, Action::CopySnapshot, call).await?;
        records::id(answer.snapshot_id(), "snapshotId").map_err(unreadable)
    }

    async fn snapshots_page(
        &self,
        region: &Region,
        filter: Option<Filter>,
        next: Option<String>,
    ) -> Result<Page<Snapshot>, CloudError> {
        let call = self.clients(region).ec2.describe_snapshots().owner_ids(OWN).max_results(PAGE_MAX);
        let call = call.set_filters(filter.map(|filter| vec![filter])).set_next_token(token(next)).send();
        let answer = self.read(region, Action::DescribeSnapshots, call).await?;
        Ok(Page { items: records::snapshots(answer.snapshots)?, next: token(answer.next_token) })
    }

    /// All pages as one: EC2 may put fewer on a page than were asked for, and the seam has no token for these. Nothing
    /// asked is nothing found: an empty filter would list everything.
    async fn snapshots_by_id(&self, region: &Region, ids: &[SnapshotId]) -> Result<Page<Snapshot>, CloudError> {
        if ids.is_empty() {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let values = ids.iter().map(ToString::to_string).collect();
        Ok(Page { items: self.snapshots_where(region, "snapshot-id", values).await?, next: None })
    }

    /// Our own snapshots that a filter picks, on all pages.
    pub(crate) async fn snapshots_where(
        &self,
        region: &Region,
        filter: &str,
        values: Vec<String>,
    ) -> Result<Vec<Snapshot>, CloudError> {
        let filter = Filter::builder().name(filter).set_values(Some(values)).build();
        let (mut items, mut paging, mut next) = (Vec::new(), Paging::default(), None);
        loop {
            let page = self.snapshots_page(region, Some(filter.clone()), next).await?;
            let following = paging.next(page.items.first().map(|one| one.id.clone()), page.next);
            items.extend(page.items);
            next = following.map_err(|why| own(ErrorKind::Unknown, "NoEnd", why))?;
            if next.is_none() {
                return Ok(items);
            }
        }
    }
}

/// A page token; an empty one, which EC2 really sends, is none.
fn token(token: Option<String>) -> Option<String> {
    token.filter(|token| !token.is_empty())
}

/// Tags that a snapshot has from birth (S11): EC2 makes the snapshot with them or not at all.
pub(crate) fn tags_from_birth(tags: &Tags) -> Option<Vec<TagSpecification>> {
    let specification =
        TagSpecification::builder().resource_type(ResourceType::Snapshot).set_tags(Some(sdk_tags(tags))).build();
    (!tags.is_empty()).then(|| vec![specification])
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
