//! What can be asked of the world, and what it answers: EC2's actions as types.

use std::collections::BTreeSet;

use jiff::Timestamp;
use snapwarden_core::ids::{AccountId, ImageId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, Volume};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::{CopyRequest, Page, SetRequest};

pub use crate::action::Action;
use crate::building::{Build, Built};
use crate::listing::{Find, Found};
use crate::policy::Policy;
use crate::state::{Attachment, Machine};

/// Who calls.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The account that the credentials belong to.
    pub account: AccountId,
    /// What is not allowed, whatever its policy says.
    pub deny: BTreeSet<Action>,
    /// What its policy allows; none allows everything.
    pub policy: Option<Policy>,
}

impl Principal {
    /// One that may do everything.
    pub fn of(account: AccountId) -> Self {
        Self { account, deny: BTreeSet::new(), policy: None }
    }
}

/// Something that carries tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ResourceId {
    Instance(InstanceId),
    Volume(VolumeId),
    Snapshot(SnapshotId),
    Image(ImageId),
}

impl ResourceId {
    /// The id as AWS writes it.
    pub fn as_str(&self) -> &str {
        match self {
            ResourceId::Instance(id) => id.as_str(),
            ResourceId::Volume(id) => id.as_str(),
            ResourceId::Snapshot(id) => id.as_str(),
            ResourceId::Image(id) => id.as_str(),
        }
    }

    /// EC2's word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            ResourceId::Instance(_) => "instance",
            ResourceId::Volume(_) => "volume",
            ResourceId::Snapshot(_) => "snapshot",
            ResourceId::Image(_) => "image",
        }
    }
}

impl From<InstanceId> for ResourceId {
    fn from(id: InstanceId) -> Self {
        ResourceId::Instance(id)
    }
}

impl From<VolumeId> for ResourceId {
    fn from(id: VolumeId) -> Self {
        ResourceId::Volume(id)
    }
}

impl From<SnapshotId> for ResourceId {
    fn from(id: SnapshotId) -> Self {
        ResourceId::Snapshot(id)
    }
}

impl From<ImageId> for ResourceId {
    fn from(id: ImageId) -> Self {
        ResourceId::Image(id)
    }
}

/// Which page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// The token of the page before; none, or an empty text, asks for the first.
    pub next: Option<String>,
    /// Items a page, 5 to 1,000; what lies outside is moved to the nearer end.
    pub max_results: Option<u32>,
}

/// Which snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotListing {
    /// All that the caller's account owns, a page at a time.
    Own(PageRequest),
    /// Those of these that the caller's account owns, by the filter `snapshot-id`.
    Ids(Vec<SnapshotId>),
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "AWS's own names")]
pub enum Call {
    GetCallerIdentity,
    DescribeRegions,
    DescribeInstances(PageRequest),
    DescribeVolumes(PageRequest),
    DescribeSnapshots(SnapshotListing),
    CreateSnapshot {
        volume: VolumeId,
        description: String,
        tags: Tags,
    },
    CreateSnapshots(SetRequest),
    /// Asked of the destination.
    CopySnapshot {
        request: CopyRequest,
        /// Encrypts the copy of an unencrypted source.
        encrypted: bool,
        /// Carries a presigned URL. The copy of an encrypted source fails later without it.
        presigned: bool,
    },
    DeleteSnapshot {
        snapshot: SnapshotId,
    },
    CreateTags {
        resources: Vec<ResourceId>,
        tags: Tags,
    },
    /// Takes the keys away, whatever their values.
    DeleteTags {
        resources: Vec<ResourceId>,
        keys: Vec<String>,
    },
    /// DeleteTags as EC2 has it: a tag goes only where its value fits, and with no tag named all go that are not AWS's.
    DeleteTagsWhere {
        resources: Vec<ResourceId>,
        tags: Vec<(String, Option<String>)>,
    },
    /// A describe with all that EC2 can be asked: ids, filters, owners. The other describes are what the jobs ask.
    Find(Find),
    /// What builds and changes a fleet.
    Build(Build),
}

impl Call {
    /// Its action.
    pub fn action(&self) -> Action {
        match self {
            Call::GetCallerIdentity => Action::GetCallerIdentity,
            Call::DescribeRegions => Action::DescribeRegions,
            Call::DescribeInstances(_) => Action::DescribeInstances,
            Call::DescribeVolumes(_) => Action::DescribeVolumes,
            Call::DescribeSnapshots(_) => Action::DescribeSnapshots,
            Call::CreateSnapshot { .. } => Action::CreateSnapshot,
            Call::CreateSnapshots(_) => Action::CreateSnapshots,
            Call::CopySnapshot { .. } => Action::CopySnapshot,
            Call::DeleteSnapshot { .. } => Action::DeleteSnapshot,
            Call::CreateTags { .. } => Action::CreateTags,
            Call::DeleteTags { .. } | Call::DeleteTagsWhere { .. } => Action::DeleteTags,
            Call::Find(find) => find.action(),
            Call::Build(build) => build.action(),
        }
    }

    /// The ids that it is about; of a copy its source's, of a listing none.
    pub fn subjects(&self) -> Vec<String> {
        match self {
            Call::GetCallerIdentity | Call::DescribeRegions => Vec::new(),
            Call::DescribeInstances(_) | Call::DescribeVolumes(_) => Vec::new(),
            Call::DescribeSnapshots(SnapshotListing::Own(_)) => Vec::new(),
            Call::DescribeSnapshots(SnapshotListing::Ids(ids)) => ids.iter().map(SnapshotId::to_string).collect(),
            Call::CreateSnapshot { volume, .. } => vec![volume.to_string()],
            Call::CreateSnapshots(request) => vec![request.instance.to_string()],
            Call::CopySnapshot { request, .. } => vec![request.source.to_string()],
            Call::DeleteSnapshot { snapshot } => vec![snapshot.to_string()],
            Call::CreateTags { resources, .. }
            | Call::DeleteTags { resources, .. }
            | Call::DeleteTagsWhere { resources, .. } => resources.iter().map(|id| id.as_str().to_owned()).collect(),
            Call::Find(find) => find.subjects(),
            Call::Build(build) => build.subjects(),
        }
    }

    /// The page of a listing that is asked for.
    pub(crate) fn page(&self) -> Option<&PageRequest> {
        match self {
            Call::DescribeInstances(page) | Call::DescribeVolumes(page) => Some(page),
            Call::DescribeSnapshots(SnapshotListing::Own(page)) => Some(page),
            Call::DescribeSnapshots(SnapshotListing::Ids(_)) | Call::GetCallerIdentity | Call::DescribeRegions => None,
            Call::CreateSnapshot { .. } | Call::CreateSnapshots(_) | Call::CopySnapshot { .. } => None,
            Call::DeleteSnapshot { .. } | Call::CreateTags { .. } | Call::DeleteTags { .. } => None,
            Call::Find(find) => Some(&find.page),
            Call::DeleteTagsWhere { .. } | Call::Build(_) => None,
        }
    }

    /// Whether it is a describe without filter and without paging, which has a smaller bucket of its own.
    pub(crate) fn is_bare(&self) -> bool {
        let is_unpaged = |page: &PageRequest| page.next.is_none() && page.max_results.is_none();
        let narrowed = matches!(self, Call::Find(find) if !find.ids.is_empty() || !find.filters.is_empty());
        self.page().is_some_and(is_unpaged) && !narrowed
    }
}

/// An instance as DescribeInstances shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceView {
    /// The instance.
    pub instance: Instance,
    /// Its reservation's id; several instances may share one.
    pub reservation: String,
    /// What only RunInstances and DescribeInstances speak of.
    pub machine: Machine,
    /// The volumes that vanish with it.
    pub goes_with_it: BTreeSet<VolumeId>,
}

/// A volume as DescribeVolumes shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeView {
    /// The volume.
    pub volume: Volume,
    /// What it is attached to.
    pub attachments: Vec<Attachment>,
    /// When it was made.
    pub created: Timestamp,
    /// The letter of its availability zone.
    pub zone: char,
}

/// A snapshot as DescribeSnapshots shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotView {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Its description.
    pub description: String,
    /// Per cent.
    pub progress: u8,
    /// When it was completed.
    pub completed: Option<Timestamp>,
}

/// What a call that succeeded answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the calls")]
pub enum Reply {
    Account(AccountId),
    Regions(Vec<Region>),
    Instances(Page<InstanceView>),
    Volumes(Page<VolumeView>),
    Snapshots(Page<SnapshotView>),
    Begun(SnapshotView),
    Set(Vec<SnapshotView>),
    Copied { snapshot: SnapshotId, tags: Tags },
    Deleted,
    Tagged,
    Untagged,
    Found(Found),
    Built(Built),
}

impl Reply {
    /// The snapshots that the call made.
    pub fn made(&self) -> Vec<SnapshotId> {
        match self {
            Reply::Begun(view) => vec![view.snapshot.id.clone()],
            Reply::Set(views) => views.iter().map(|view| view.snapshot.id.clone()).collect(),
            Reply::Copied { snapshot, .. } => vec![snapshot.clone()],
            Reply::Account(_) | Reply::Regions(_) | Reply::Instances(_) | Reply::Volumes(_) => Vec::new(),
            Reply::Snapshots(_) | Reply::Deleted | Reply::Tagged | Reply::Untagged => Vec::new(),
            Reply::Found(_) => Vec::new(),
            Reply::Built(built) => built.made(),
        }
    }
}

/// A call that did not succeed, as its caller sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// EC2 answered with an error.
    #[error("{message} ({code}, status {status})")]
    Answer {
        /// HTTP's status.
        status: u16,
        /// AWS's code.
        code: String,
        /// AWS's words.
        message: String,
    },
    /// The endpoint was not reached: nothing was sent.
    #[error("never connected: {0}")]
    NeverConnected(String),
    /// The request may have left; no answer came.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

impl ApiError {
    /// EC2 does not take the request: status 400.
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::answer(400, code, message)
    }

    /// EC2 answers with an error.
    pub fn answer(status: u16, code: &str, message: impl Into<String>) -> Self {
        ApiError::Answer { status, code: code.to_owned(), message: message.into() }
    }

    /// AWS's code, where there was an answer.
    pub fn code(&self) -> Option<&str> {
        match self {
            ApiError::Answer { code, .. } => Some(code),
            ApiError::NeverConnected(_) | ApiError::NoAnswer(_) => None,
        }
    }

    pub(crate) fn no_volume(id: &VolumeId) -> Self {
        Self::refused("InvalidVolume.NotFound", format!("The volume '{id}' does not exist."))
    }

    pub(crate) fn no_instance(id: &InstanceId) -> Self {
        Self::refused("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))
    }

    pub(crate) fn no_snapshot(id: &SnapshotId) -> Self {
        Self::refused("InvalidSnapshot.NotFound", format!("The snapshot '{id}' does not exist."))
    }

    pub(crate) fn no_image(id: &ImageId) -> Self {
        Self::refused("InvalidAMIID.NotFound", format!("The image id '[{id}]' does not exist"))
    }

    pub(crate) fn malformed(code: &str, id: &str) -> Self {
        Self::refused(code, format!("Invalid id: {:?}", id.chars().take(80).collect::<String>()))
    }

    pub(crate) fn bad_value(message: impl Into<String>) -> Self {
        Self::refused("InvalidParameterValue", message)
    }
}
