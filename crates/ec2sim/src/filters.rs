//! EC2's filters: which names a listing knows, and which values fit.
//!
//! A name that a listing does not know is an error and never a filter that fits everything: whoever deletes what a
//! filter found must not be handed the whole account.

use jiff::Timestamp;
use snapwarden_core::ids::{AccountId, Region};
use snapwarden_core::inventory::InstanceState;
use snapwarden_core::tags::Tags;

use crate::call::{ApiError, InstanceView, SnapshotView, VolumeView};
use crate::limits::{FILTER_LENGTH_MAX, FILTER_VALUES_MAX, FILTERS_MAX};
use crate::listing::{Filter, ImageView, TagView};

/// Where a listing is made, and for whom.
pub(crate) struct Place<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a Region,
}

/// Something that can be filtered (EC2 API reference, each describe's own list of filters; those that concern what the
/// world does not hold are left out).
pub(crate) trait Filtered {
    /// The names of its filters, those of tags aside.
    const NAMES: &'static [&'static str];
    /// What a filter is compared with: any of these.
    fn values(&self, name: &str, place: &Place<'_>) -> Vec<String>;
    /// Its tags, for the filters `tag:KEY` and `tag-key`; none where these do not exist.
    fn tags(&self) -> Option<&Tags>;
    /// Whether it has the filters of tags.
    const HAS_TAGS: bool = true;
}

/// A time as EC2 writes it.
pub(crate) fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// The code of an instance's state (EC2 API reference, InstanceState).
pub(crate) fn state_code(state: InstanceState) -> u16 {
    match state {
        InstanceState::Pending => 0,
        InstanceState::Running => 16,
        InstanceState::ShuttingDown => 32,
        InstanceState::Terminated => 48,
        InstanceState::Stopping => 64,
        InstanceState::Stopped => 80,
        // EC2 has none.
        InstanceState::Unfamiliar => 255,
    }
}

/// Whether EC2 takes these filters for this listing.
pub(crate) fn check<T: Filtered>(filters: &[Filter]) -> Result<(), ApiError> {
    if filters.len() > FILTERS_MAX {
        let message = format!("The maximum number of {FILTERS_MAX} filters was exceeded.");
        return Err(ApiError::refused("FilterLimitExceeded", message));
    }
    if filters.iter().map(|filter| filter.values.len()).sum::<usize>() > FILTER_VALUES_MAX {
        let message = format!("The maximum number of {FILTER_VALUES_MAX} filter values was exceeded.");
        return Err(ApiError::refused("FilterLimitExceeded", message));
    }
    filters.iter().try_for_each(|filter| {
        let of_tags = T::HAS_TAGS && (is_of_tags(&filter.name) || filter.name == "tag-key");
        if !of_tags && !T::NAMES.contains(&filter.name.as_str()) {
            return Err(ApiError::bad_value(format!("The filter '{}' is invalid", filter.name)));
        }
        if filter.values.is_empty() {
            return Err(ApiError::bad_value(format!("The filter '{}' has no values", filter.name)));
        }
        if filter.values.iter().any(|value| value.chars().count() > FILTER_LENGTH_MAX) {
            let message = format!("A value of the filter '{}' is longer than {FILTER_LENGTH_MAX}", filter.name);
            return Err(ApiError::bad_value(message));
        }
        Ok(())
    })
}

fn is_of_tags(name: &str) -> bool {
    name.len() > "tag:".len() && name.starts_with("tag:")
}

/// Whether all filters fit.
pub(crate) fn fits<T: Filtered>(filters: &[Filter], item: &T, place: &Place<'_>) -> bool {
    filters.iter().all(|filter| {
        let values = values_of(item, &filter.name, place);
        values.iter().any(|value| filter.values.iter().any(|pattern| matches(pattern, value)))
    })
}

fn values_of<T: Filtered>(item: &T, name: &str, place: &Place<'_>) -> Vec<String> {
    let tags = || item.tags().into_iter().flat_map(Tags::iter);
    match name.strip_prefix("tag:") {
        Some(key) => tags().filter(|(k, _)| *k == key).map(|(_, value)| value.to_owned()).collect(),
        None if T::HAS_TAGS && name == "tag-key" => tags().map(|(key, _)| key.to_owned()).collect(),
        None => item.values(name, place),
    }
}

/// One piece of a pattern.
#[derive(Clone, Copy, PartialEq)]
enum Piece {
    Char(char),
    One,
    Any,
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut chars = pattern.chars();
    let mut pieces = Vec::new();
    while let Some(next) = chars.next() {
        pieces.push(match next {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Char(chars.next().unwrap_or('\\')),
            other => Piece::Char(other),
        });
    }
    pieces
}

/// Whether a value fits a pattern. It goes back to the last `*` only, so that no pattern takes long.
fn matches(pattern: &str, value: &str) -> bool {
    let (pieces, value): (Vec<Piece>, Vec<char>) = (pieces(pattern), value.chars().collect());
    let (mut piece, mut at) = (0, 0);
    let mut last_any: Option<(usize, usize)> = None;
    while at < value.len() {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                last_any = Some((piece, at));
                piece += 1;
            }
            Some(Piece::One) => (piece, at) = (piece + 1, at + 1),
            Some(Piece::Char(wanted)) if *wanted == value[at] => (piece, at) = (piece + 1, at + 1),
            Some(Piece::Char(_)) | None => {
                let Some((any, from)) = last_any else { return false };
                (piece, at) = (any + 1, from + 1);
                last_any = Some((any, from + 1));
            }
        }
    }
    pieces[piece..].iter().all(|rest| *rest == Piece::Any)
}

fn one(value: impl ToString) -> Vec<String> {
    vec![value.to_string()]
}

impl Filtered for Region {
    const NAMES: &'static [&'static str] = &["endpoint", "opt-in-status", "region-name"];
    const HAS_TAGS: bool = false;

    fn values(&self, name: &str, _: &Place<'_>) -> Vec<String> {
        match name {
            "endpoint" => one(endpoint(self)),
            "opt-in-status" => one("opt-in-not-required"),
            "region-name" => one(self),
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> Option<&Tags> {
        None
    }
}

/// What DescribeRegions says of a Region's endpoint; nothing here is reached by it.
pub(crate) fn endpoint(region: &Region) -> String {
    format!("ec2.{region}.amazonaws.com")
}

impl Filtered for InstanceView {
    const NAMES: &'static [&'static str] = &[
        "availability-zone",
        "block-device-mapping.delete-on-termination",
        "block-device-mapping.device-name",
        "block-device-mapping.volume-id",
        "image-id",
        "instance-id",
        "instance-state-code",
        "instance-state-name",
        "instance-type",
        "launch-time",
        "owner-id",
        "reservation-id",
        "root-device-name",
        "root-device-type",
    ];

    fn values(&self, name: &str, place: &Place<'_>) -> Vec<String> {
        let instance = &self.instance;
        let volumes = || instance.devices.iter().filter_map(|device| device.volume.as_ref());
        match name {
            "availability-zone" => one(format!("{}{}", place.region, self.machine.zone)),
            "block-device-mapping.delete-on-termination" => {
                volumes().map(|volume| self.goes_with_it.contains(volume).to_string()).collect()
            }
            "block-device-mapping.device-name" => instance.devices.iter().map(|device| device.name.clone()).collect(),
            "block-device-mapping.volume-id" => volumes().map(ToString::to_string).collect(),
            "image-id" => one(&self.machine.image),
            "instance-id" => one(&instance.id),
            "instance-state-code" => one(state_code(instance.state)),
            "instance-state-name" => one(instance.state.as_str()),
            "instance-type" => one(&self.machine.instance_type),
            "launch-time" => one(time(self.machine.launched)),
            "owner-id" => one(place.account),
            "reservation-id" => one(&self.reservation),
            "root-device-name" => one(&instance.root_device),
            "root-device-type" => one("ebs"),
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.instance.tags)
    }
}

impl Filtered for VolumeView {
    const NAMES: &'static [&'static str] = &[
        "attachment.delete-on-termination",
        "attachment.device",
        "attachment.instance-id",
        "attachment.status",
        "availability-zone",
        "create-time",
        "encrypted",
        "size",
        "status",
        "volume-id",
        "volume-type",
    ];

    fn values(&self, name: &str, place: &Place<'_>) -> Vec<String> {
        let attachments = self.attachments.iter();
        match name {
            "attachment.delete-on-termination" => attachments.map(|a| a.delete_on_termination.to_string()).collect(),
            "attachment.device" => attachments.map(|a| a.device.clone()).collect(),
            "attachment.instance-id" => attachments.map(|a| a.instance.to_string()).collect(),
            "attachment.status" => attachments.map(|_| "attached".to_owned()).collect(),
            "availability-zone" => one(format!("{}{}", place.region, self.zone)),
            "create-time" => one(time(self.created)),
            "encrypted" => one(self.volume.encrypted),
            "size" => one(self.volume.size_gib),
            "status" => one(self.status()),
            "volume-id" => one(&self.volume.id),
            "volume-type" => one(&self.volume.volume_type),
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.volume.tags)
    }
}

impl VolumeView {
    /// EC2's word for its state.
    pub(crate) fn status(&self) -> &'static str {
        if self.attachments.is_empty() { "available" } else { "in-use" }
    }
}

impl Filtered for SnapshotView {
    const NAMES: &'static [&'static str] = &[
        "description",
        "encrypted",
        "owner-alias",
        "owner-id",
        "progress",
        "snapshot-id",
        "start-time",
        "status",
        "storage-tier",
        "volume-id",
        "volume-size",
    ];

    fn values(&self, name: &str, _: &Place<'_>) -> Vec<String> {
        let snapshot = &self.snapshot;
        match name {
            "description" => one(&self.description),
            "encrypted" => one(snapshot.encrypted),
            "owner-id" => one(&snapshot.owner),
            "progress" => one(format!("{}%", self.progress)),
            "snapshot-id" => one(&snapshot.id),
            "start-time" => one(time(snapshot.start_time)),
            "status" => one(snapshot.state.as_str()),
            "storage-tier" => one(snapshot.tier.as_str()),
            "volume-id" => one(&snapshot.volume_id),
            "volume-size" => one(snapshot.size_gib),
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.snapshot.tags)
    }
}

impl Filtered for ImageView {
    const NAMES: &'static [&'static str] = &[
        "block-device-mapping.device-name",
        "block-device-mapping.snapshot-id",
        "description",
        "image-id",
        "is-public",
        "name",
        "owner-id",
        "root-device-name",
        "root-device-type",
        "state",
    ];

    fn values(&self, name: &str, place: &Place<'_>) -> Vec<String> {
        match name {
            "block-device-mapping.device-name" => self.devices.iter().map(|device| device.name.clone()).collect(),
            "block-device-mapping.snapshot-id" => self.devices.iter().map(|d| d.snapshot.to_string()).collect(),
            "description" => one(&self.description),
            "image-id" => one(&self.id),
            "is-public" => one(false),
            "name" => one(&self.name),
            "owner-id" => one(place.account),
            "root-device-name" => one(&self.root_device),
            "root-device-type" => one("ebs"),
            "state" => one(self.state),
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }
}

impl Filtered for TagView {
    const NAMES: &'static [&'static str] = &["key", "resource-id", "resource-type", "value"];
    const HAS_TAGS: bool = false;

    fn values(&self, name: &str, _: &Place<'_>) -> Vec<String> {
        match name {
            "key" => one(&self.key),
            "resource-id" => one(self.resource.as_str()),
            "resource-type" => one(self.resource.kind()),
            "value" => one(&self.value),
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> Option<&Tags> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_text_and_a_backslash_takes_that_away() {
        for (pattern, value) in [
            ("", ""),
            ("*", ""),
            ("*", "anything"),
            ("a*", "a"),
            ("*prod*", "my-production"),
            ("?at", "cat"),
            ("a*b*c", "a-b-b-c"),
            (r"\*", "*"),
            (r"50\?", "50?"),
            (r"a\\b", r"a\b"),
            (r"end\", r"end\"),
            ("ä?", "äö"),
        ] {
            assert!(matches(pattern, value), "{pattern:?} fits {value:?}");
        }
        for (pattern, value) in
            [("", "a"), ("a", ""), ("?", ""), ("a*", "ba"), ("Yes", "yes"), (r"\*", "a"), ("a*b", "a-b-c"), ("a?", "a")]
        {
            assert!(!matches(pattern, value), "{pattern:?} does not fit {value:?}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        let (pattern, value) = ("*a".repeat(127), "a".repeat(126) + &"b".repeat(10_000));
        assert!(!matches(&pattern, &value));
    }

    #[test]
    fn a_filter_that_is_not_known_is_refused() {
        let filter = |name: &str, values: usize| Filter { name: name.to_owned(), values: vec!["x".to_owned(); values] };
        let code = |filters: &[Filter]| check::<SnapshotView>(filters).unwrap_err().code().unwrap().to_owned();
        assert_eq!(code(&[filter("snapshot-ids", 1)]), "InvalidParameterValue");
        assert_eq!(code(&[filter("tag:", 1)]), "InvalidParameterValue");
        assert_eq!(code(&[filter("status", 0)]), "InvalidParameterValue");
        assert_eq!(code(&[filter("status", 201)]), "FilterLimitExceeded");
        assert_eq!(code(&vec![filter("status", 1); 51]), "FilterLimitExceeded");
        check::<SnapshotView>(&[filter("tag:Type", 100), filter("tag-key", 100)]).unwrap();
    }
}
