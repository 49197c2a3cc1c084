//! What a list of Regions owes to any text, and an id of any kind.

use std::fmt::Display;
use std::str::FromStr;

use snapwarden_core::ids::{AccountId, IdError, ImageId, InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::policy::{Offsite, RefusedWhy};
use snapwarden_core::tags::{Named, OffsiteMode, Tags, destinations, key};

use crate::common::{AWAY, FAR, HOME, NOW, is_mark, region, world};

/// What holds of `text` as a list of Regions, and as an id.
pub(crate) fn holds(text: &str) {
    every_word_is_named_once_and_in_order(text);
    every_destination_is_used_or_refused(text);
    an_id_prints_as_it_was_read::<Region>(text, "");
    an_id_prints_as_it_was_read::<AccountId>(text, "");
    an_id_prints_as_it_was_read::<InstanceId>(text, "i-");
    an_id_prints_as_it_was_read::<VolumeId>(text, "vol-");
    an_id_prints_as_it_was_read::<SnapshotId>(text, "snap-");
    an_id_prints_as_it_was_read::<ImageId>(text, "ami-");
}

fn tagged(text: &str) -> Tags {
    [(key::DESTINATION_REGION, text)].into_iter().collect()
}

/// Each once, in their order; Regions' names in small letters.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in text.split(|c| is_mark(c) || c == ',').filter(|word| !word.is_empty()) {
        let small = word.to_ascii_lowercase();
        let word = if small.parse::<Region>().is_ok() { small } else { word.to_owned() };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.is_empty() && !text.trim().is_empty() {
        words.push(text.trim().to_owned());
    }
    words
}

fn every_word_is_named_once_and_in_order(text: &str) {
    let named = destinations(&tagged(text));
    let as_written: Vec<String> = named
        .iter()
        .map(|one| match one {
            Named::Region(region) => region.to_string(),
            Named::Junk(junk) => {
                assert!(junk.to_ascii_lowercase().parse::<Region>().is_err(), "{junk:?} could be a Region");
                junk.clone()
            }
        })
        .collect();
    assert_eq!(as_written, words(text));
    assert_eq!(destinations(&tagged(&as_written.join(", "))), named);
}

fn every_destination_is_used_or_refused(text: &str) {
    let inventory = world(NOW).inventory;
    let offsite = Offsite::of(&tagged(text), Some(&region(HOME)), &inventory);
    let mut expected_refused = Vec::new();
    let mut expected_used = Vec::new();
    for word in words(text) {
        match word.as_str() {
            HOME => expected_refused.push((word, RefusedWhy::OwnRegion)),
            AWAY | FAR => expected_used.push(region(&word)),
            _ => expected_refused.push((word, RefusedWhy::NotThere)),
        }
    }
    let refused: Vec<_> = offsite.refused.iter().map(|one| (one.text.clone(), one.why)).collect();
    assert_eq!((&offsite.destinations, &refused), (&expected_used, &expected_refused));
    // Where a destination is refused the source stays.
    assert_eq!(offsite.mode(), if refused.is_empty() { OffsiteMode::Move } else { OffsiteMode::Copy });
    for finding in offsite.findings(&region(HOME), "i-1") {
        assert!(!finding.to_string().contains(char::is_control), "{finding}");
    }
}

fn an_id_prints_as_it_was_read<T: FromStr<Err = IdError> + Display>(text: &str, prefix: &str) {
    match text.parse::<T>() {
        Ok(id) => {
            assert_eq!(id.to_string(), text);
            assert!(text.len() > prefix.len() && text.len() <= 64 && text.starts_with(prefix), "{text:?}");
            assert!(text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{text:?}");
        }
        Err(error) => assert!(text.starts_with(&error.text) && !error.to_string().contains(char::is_control)),
    }
}
