//! Approvals: words that a person types to let deletes go that wait for a person.
//!
//! `eu-west-1:2026-11-22:412` names what the plan printed: the Region whose large expiry was held (S9), the day up to
//! which DeleteOn may lie, and how many. `i-0123456789abcdef0:2026-11-22:5` lets go what only the grace period keeps of an
//! instance, `eu-west-1:closed:2026-11-22:5` what only the closing days keep in a Region. An approval cannot let go more
//! than the person read, however the account has changed since, and none of the three stands for another.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, Region};

/// Deletes of expired snapshots in one Region that no approval is asked for.
pub const DELETES_UNAPPROVED_MAX: usize = 25;

/// Whether `expired` deletes among `managed` snapshots of a Region want a person's approval: more than 25, and more
/// than half.
pub fn is_needed(expired: usize, managed: usize) -> bool {
    expired > DELETES_UNAPPROVED_MAX && expired * 2 > managed
}

/// What an approval is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approved {
    /// The held expiry of a Region (S9).
    Region(Region),
    /// What only the grace period keeps of an instance's snapshots, in all Regions that the run acts in.
    Instance(InstanceId),
    /// What only the closing days keep in a Region, of volumes that are over.
    Closed(Region),
}

impl fmt::Display for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Approved::Region(region) => region.fmt(f),
            Approved::Instance(instance) => instance.fmt(f),
            Approved::Closed(region) => write!(f, "{region}:closed"),
        }
    }
}

/// A person's word that up to `count` snapshots of `what` with a DeleteOn not after `day` may go, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Approval {
    /// Of what.
    pub what: Approved,
    /// The day of the plan, UTC. Nothing goes whose `DeleteOn` comes after it. Nor goes what began to wait on it or later: its
    /// grace period, or the mark that its volume is over.
    pub day: Date,
    /// How many at most.
    pub count: usize,
}

impl Approval {
    /// The one that is about `what`.
    pub fn find<'a>(approvals: &'a [Approval], what: &Approved) -> Option<&'a Approval> {
        approvals.iter().find(|approval| approval.what == *what)
    }
}

/// A text that is not an approval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an approval; copy it from the plan, it looks like eu-west-1:2026-11-22:412, i-0abc:2026-11-22:5 or \
     eu-west-1:closed:2026-11-22:5"
)]
pub struct ApprovalError(pub String);

impl FromStr for Approval {
    type Err = ApprovalError;
    fn from_str(text: &str) -> Result<Self, ApprovalError> {
        let read = || {
            let parts: Vec<_> = text.split(':').collect();
            let (what, is_closed, day, count) = match parts[..] {
                [what, day, count] => (what, false, day, count),
                [what, "closed", day, count] => (what, true, day, count),
                _ => return None,
            };
            let digits = count.bytes().all(|b| b.is_ascii_digit());
            if day.len() != 10 || !digits {
                return None;
            }
            let what = match what.parse() {
                Ok(_) if is_closed => return None,
                Ok(instance) => Approved::Instance(instance),
                Err(_) if is_closed => Approved::Closed(what.parse().ok()?),
                Err(_) => Approved::Region(what.parse().ok()?),
            };
            Some(Approval { what, day: day.parse().ok()?, count: count.parse().ok()? })
        };
        read().ok_or_else(|| ApprovalError(text.to_owned()))
    }
}

impl TryFrom<String> for Approval {
    type Error = ApprovalError;
    fn try_from(text: String) -> Result<Self, ApprovalError> {
        text.parse()
    }
}

impl From<Approval> for String {
    fn from(approval: Approval) -> String {
        approval.to_string()
    }
}

impl fmt::Display for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.what, self.day, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_reads_back_what_it_prints_and_refuses_the_rest() {
        for text in ["eu-west-1:2026-11-22:412", "i-1:2026-11-22:5", "eu-west-1:closed:2026-11-22:5"] {
            let approval = text.parse::<Approval>().unwrap();
            assert_eq!((approval.to_string(), String::from(approval)), (text.to_owned(), text.to_owned()));
        }
        for bad in [
            "",
            "eu-west-1",
            "eu-west-1:2026-11-22",
            "eu-west-1:2026-11-22:-1",
            "eu-west-1:22:4",
            "all",
            "a:b:c:d",
            "i-1:closed:2026-11-22:5",
        ] {
            assert_eq!(bad.parse::<Approval>(), Err(ApprovalError(bad.into())));
        }
    }

    #[test]
    fn it_takes_both_more_than_25_and_more_than_half() {
        assert!(!is_needed(25, 25));
        assert!(is_needed(26, 51));
        assert!(!is_needed(26, 52));
    }
}
