//! The actions that the world knows, by AWS's own names.

use std::fmt;
use std::str::FromStr;

use snapwarden_exec::cloud;

/// Names the actions once: the enum, the list of all and the text cannot come apart.
macro_rules! actions {
    ($($name:ident),+ $(,)?) => {
        /// The actions that the world knows: those of the seam, what people call besides, and what builds a fleet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "AWS's own names")]
        pub enum Action {
            $($name),+
        }

        impl Action {
            /// Every action.
            pub const ALL: [Action; [$(Action::$name),+].len()] = [$(Action::$name),+];

            /// AWS's name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Action::$name => stringify!($name)),+
                }
            }
        }
    };
}

actions!(
    GetCallerIdentity,
    DescribeRegions,
    DescribeInstances,
    DescribeVolumes,
    DescribeSnapshots,
    CreateSnapshot,
    CreateSnapshots,
    CopySnapshot,
    DeleteSnapshot,
    CreateTags,
    DeleteTags,
    DescribeImages,
    DescribeTags,
    RunInstances,
    StartInstances,
    StopInstances,
    TerminateInstances,
    CreateVolume,
    AttachVolume,
    DetachVolume,
    DeleteVolume,
    CreateImage,
    DeregisterImage,
);

impl Action {
    /// The seam's name for it; the jobs never call the others.
    pub fn of_the_seam(self) -> Option<cloud::Action> {
        match self {
            Action::GetCallerIdentity => Some(cloud::Action::GetCallerIdentity),
            Action::DescribeRegions => Some(cloud::Action::DescribeRegions),
            Action::DescribeInstances => Some(cloud::Action::DescribeInstances),
            Action::DescribeVolumes => Some(cloud::Action::DescribeVolumes),
            Action::DescribeSnapshots => Some(cloud::Action::DescribeSnapshots),
            Action::CreateSnapshot => Some(cloud::Action::CreateSnapshot),
            Action::CreateSnapshots => Some(cloud::Action::CreateSnapshots),
            Action::CopySnapshot => Some(cloud::Action::CopySnapshot),
            Action::DeleteSnapshot => Some(cloud::Action::DeleteSnapshot),
            Action::CreateTags => Some(cloud::Action::CreateTags),
            Action::DeleteTags | Action::DescribeImages | Action::DescribeTags => None,
            Action::RunInstances | Action::StartInstances | Action::StopInstances => None,
            Action::TerminateInstances | Action::CreateVolume | Action::AttachVolume => None,
            Action::DetachVolume | Action::DeleteVolume | Action::CreateImage | Action::DeregisterImage => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is no action's here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such action here")]
pub struct NoSuchAction;

impl FromStr for Action {
    type Err = NoSuchAction;

    fn from_str(name: &str) -> Result<Self, NoSuchAction> {
        Action::ALL.into_iter().find(|action| action.as_str() == name).ok_or(NoSuchAction)
    }
}
