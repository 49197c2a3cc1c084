//! Words that reasons and findings share.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::Unread;
use crate::ids::Region;
use crate::schedule::Slot;

pub(super) fn days(count: i64) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

/// `47 h`, then `2 days`.
pub(super) fn hours_or_days(hours: i64) -> String {
    if hours < 48 { format!("{hours} h") } else { days(hours / 24) }
}

/// How long ago a day was: `today`, `1 day ago`.
pub(super) fn ago(count: i64) -> String {
    if count == 0 { "today".to_owned() } else { format!("{} ago", days(count)) }
}

pub(super) fn copies(count: usize) -> String {
    if count == 1 { "1 copy".to_owned() } else { format!("{count} copies") }
}

pub(super) fn minute(time: &Timestamp) -> String {
    Slot::containing(*time).to_string()
}

pub(super) fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// The items of a list, or how many where there are many; none is a list of Regions that could not be read.
pub(super) fn count_list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        "Regions that could not be listed".to_owned()
    } else if items.len() <= 3 {
        list(items)
    } else {
        format!("{} and {} more", list(&items[..2]), items.len() - 2)
    }
}

/// What was not read, the listings of a Region together.
pub(super) fn unread_list(unread: &[Unread]) -> String {
    let mut listings: BTreeMap<&Region, Vec<&str>> = BTreeMap::new();
    let mut others = Vec::new();
    for one in unread {
        match one {
            Unread::Volumes(region) => listings.entry(region).or_default().push("volumes"),
            Unread::Instances(region) => listings.entry(region).or_default().push("instances"),
            Unread::Snapshots(region) => listings.entry(region).or_default().push("snapshots"),
            Unread::Regions | Unread::Record(_) | Unread::Mistyped(_) => others.push(one.to_string()),
        }
    }
    let of_region = |(region, what): (&Region, Vec<&str>)| format!("the {} of {region}", what.join(", "));
    let all: Vec<_> = listings.into_iter().map(of_region).chain(others).collect();
    count_list(&all)
}

pub(super) fn snapshots_are(count: usize) -> String {
    match count {
        0 => "no snapshot is".to_owned(),
        1 => "1 snapshot is".to_owned(),
        _ => format!("{count} snapshots are"),
    }
}

pub(super) fn volumes(count: usize) -> String {
    if count == 1 { "1 volume".to_owned() } else { format!("{count} volumes") }
}
