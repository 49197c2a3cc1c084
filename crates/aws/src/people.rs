//! What people ask for beside the jobs: all copies of a snapshot, and a tag taken off again. No job does either.

use aws_sdk_ec2::types::Tag;
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::Snapshot;
use snapwarden_core::tags::key;
use snapwarden_exec::cloud::{CloudError, ErrorKind};

use crate::client::Aws;
use crate::errors::cloud_error;

impl Aws {
    /// The copies of `source` that this account has in `region`, by their tag `SourceSnapshotId`.
    pub async fn copies_of(&self, region: &Region, source: &SnapshotId) -> Result<Vec<Snapshot>, CloudError> {
        let filter = format!("tag:{}", key::SOURCE_SNAPSHOT_ID);
        self.snapshots_where(region, &filter, vec![source.to_string()]).await
    }

    /// Takes a tag off a snapshot, by its key as it is written there. That it is not there is success.
    pub async fn delete_tag(&self, region: &Region, snapshot: &SnapshotId, key: &str) -> Result<(), CloudError> {
        self.time_is_known(ErrorKind::Invalid)?;
        let ec2 = self.clients(region).ec2;
        let call = ec2.delete_tags().resources(snapshot.as_str()).tags(Tag::builder().key(key).build());
        call.send().await.map(drop).map_err(|error| cloud_error(&error))
    }
}
