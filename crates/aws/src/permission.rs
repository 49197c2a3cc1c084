//! What the credentials may do, asked by dry run: EC2 checks the permission and does nothing.
//!
//! A dry run is the job's own request with `DryRun` on it, on a thing that exists: policies have conditions on tags and
//! resources, and a made-up id would be refused where ours is not.

use aws_sdk_ec2::types::{InstanceSpecification, Tag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use snapwarden_core::ids::{InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::tags::{TYPE_AUTOMATED, Tags, key};
use snapwarden_exec::cloud::{CloudError, CopyRequest, ErrorKind};

use crate::client::Aws;
use crate::errors::{cloud_error, own};
use crate::seam::tags_from_birth;

/// A request to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "AWS's own names, and what each acts on")]
pub enum Probe {
    DescribeRegions,
    DescribeInstances,
    DescribeVolumes,
    DescribeSnapshots,
    CreateSnapshot {
        volume: VolumeId,
    },
    CreateSnapshots {
        instance: InstanceId,
    },
    CopySnapshot {
        source_region: Region,
        source: SnapshotId,
    },
    DeleteSnapshot {
        snapshot: SnapshotId,
    },
    CreateTags {
        snapshot: SnapshotId,
    },
    /// The one tag that the manager writes.
    MarkClosed {
        snapshot: SnapshotId,
    },
    DeleteTags {
        snapshot: SnapshotId,
    },
}

impl Aws {
    /// Whether `probe` would be allowed in `region`. An endpoint that carries it out has not understood the question:
    /// that is an error too ([`NOT_A_DRY_RUN`]), and nothing that changes anything should be asked there.
    pub async fn is_allowed(&self, region: &Region, probe: &Probe) -> Result<(), CloudError> {
        let ec2 = self.clients(region).ec2;
        let ours: Tags = [(key::TYPE, TYPE_AUTOMATED)].into_iter().collect();
        let born = tags_from_birth(&ours);
        match probe {
            Probe::DescribeRegions => answer(ec2.describe_regions().dry_run(true).send().await),
            Probe::DescribeInstances => answer(ec2.describe_instances().dry_run(true).send().await),
            Probe::DescribeVolumes => answer(ec2.describe_volumes().dry_run(true).send().await),
            Probe::DescribeSnapshots => answer(ec2.describe_snapshots().owner_ids("self").dry_run(true).send().await),
            Probe::CreateSnapshot { volume } => {
                let call = ec2.create_snapshot().volume_id(volume.as_str()).set_tag_specifications(born);
                answer(call.dry_run(true).send().await)
            }
            Probe::CreateSnapshots { instance } => {
                let volumes = InstanceSpecification::builder().instance_id(instance.as_str()).build();
                let call = ec2.create_snapshots().instance_specification(volumes).set_tag_specifications(born);
                answer(call.dry_run(true).send().await)
            }
            Probe::CopySnapshot { source_region, source } => {
                let (source_region, source, description) = (source_region.clone(), source.clone(), String::new());
                let request = CopyRequest { source_region, source, description, tags: ours };
                told(self.copy(region, request, Some(true)).await)
            }
            Probe::DeleteSnapshot { snapshot } => {
                answer(ec2.delete_snapshot().snapshot_id(snapshot.as_str()).dry_run(true).send().await)
            }
            Probe::CreateTags { snapshot } => {
                let tag = Tag::builder().key(key::DEVICE_NAME).value("/dev/xvda").build();
                answer(ec2.create_tags().resources(snapshot.as_str()).tags(tag).dry_run(true).send().await)
            }
            Probe::MarkClosed { snapshot } => {
                // Empty: no mark, even where it is carried out.
                let tag = Tag::builder().key(key::CLOSED).value("").build();
                answer(ec2.create_tags().resources(snapshot.as_str()).tags(tag).dry_run(true).send().await)
            }
            Probe::DeleteTags { snapshot } => {
                let tag = Tag::builder().key(key::KEEP_FOREVER).build();
                answer(ec2.delete_tags().resources(snapshot.as_str()).tags(tag).dry_run(true).send().await)
            }
        }
    }
}

/// The code of a request that was carried out although it was a dry run.
pub const NOT_A_DRY_RUN: &str = "NotADryRun";

fn answer<T, E>(answer: Result<T, SdkError<E, HttpResponse>>) -> Result<(), CloudError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    told(answer.map_err(|error| cloud_error(&error)))
}

fn told<T>(answer: Result<T, CloudError>) -> Result<(), CloudError> {
    match answer {
        Err(error) if error.code == "DryRunOperation" => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(own(ErrorKind::Unknown, NOT_A_DRY_RUN, "the endpoint does not know dry runs")),
    }
}
