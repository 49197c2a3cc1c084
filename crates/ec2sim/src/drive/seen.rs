//! What a process asks and is shown, by either face: the seam asks for what a job wants, the wire says the same with
//! EC2's own filters.

use snapwarden_exec::cloud::Page;

use crate::call::{Call, InstanceView, Reply, SnapshotListing, SnapshotView, VolumeView};
use crate::listing::Found;

/// A page that was shown.
pub(super) enum Listed<'a> {
    Snapshots(&'a Page<SnapshotView>),
    Volumes(&'a Page<VolumeView>),
    Instances(&'a Page<InstanceView>),
}

impl<'a> Listed<'a> {
    pub(super) fn of(reply: &'a Reply) -> Option<Self> {
        match reply {
            Reply::Snapshots(page) | Reply::Found(Found::Snapshots(page)) => Some(Self::Snapshots(page)),
            Reply::Volumes(page) | Reply::Found(Found::Volumes(page)) => Some(Self::Volumes(page)),
            Reply::Instances(page) | Reply::Found(Found::Instances(page)) => Some(Self::Instances(page)),
            Reply::Found(Found::Regions(_) | Found::Images(_) | Found::Tags(_)) => None,
            Reply::Account(_) | Reply::Regions(_) | Reply::Begun(_) | Reply::Set(_) | Reply::Copied { .. } => None,
            Reply::Deleted | Reply::Tagged | Reply::Untagged | Reply::Built(_) => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Snapshots(page) => page.items.is_empty(),
            Self::Volumes(page) => page.items.is_empty(),
            Self::Instances(page) => page.items.is_empty(),
        }
    }

    /// Whether nothing follows it.
    pub(super) fn is_last(&self) -> bool {
        let next = match self {
            Self::Snapshots(page) => &page.next,
            Self::Volumes(page) => &page.next,
            Self::Instances(page) => &page.next,
        };
        next.as_deref().is_none_or(str::is_empty)
    }
}

/// Whether a call only asks.
pub(super) fn is_describe(call: &Call) -> bool {
    match call {
        Call::GetCallerIdentity | Call::DescribeRegions | Call::DescribeInstances(_) => true,
        Call::DescribeVolumes(_) | Call::DescribeSnapshots(_) | Call::Find(_) => true,
        Call::CreateSnapshot { .. } | Call::CreateSnapshots(_) | Call::CopySnapshot { .. } => false,
        Call::DeleteSnapshot { .. } | Call::CreateTags { .. } => false,
        Call::DeleteTags { .. } | Call::DeleteTagsWhere { .. } | Call::Build(_) => false,
    }
}

/// Whether a describe is for everything of its kind, and not for some by their ids.
pub(super) fn is_listing(call: &Call) -> bool {
    let by_id = matches!(call, Call::DescribeSnapshots(SnapshotListing::Ids(_)))
        || matches!(call, Call::Find(find) if !find.ids.is_empty() || !find.filters.is_empty());
    is_describe(call) && !by_id
}
