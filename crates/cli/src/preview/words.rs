//! Policies in words.

use std::fmt::Display;

use snapwarden_core::policy::{InstancePolicy, Selection};
use snapwarden_core::preview::Rules;
use snapwarden_core::retention::Keep;
use snapwarden_core::tags::OffsiteMode;

use crate::inventory::list;

/// What is kept, in one sentence.
pub(super) fn policy(rules: &Rules) -> String {
    let Keep { days, tiers } = rules.keep();
    let periods = [(tiers.weeks, "week"), (tiers.months, "month"), (tiers.years, "year")];
    let periods: Vec<_> = periods.into_iter().filter(|(n, _)| *n > 0).map(|(n, name)| count(n, name)).collect();
    let mut text = format!("keep all for {}", count(days, "day"));
    if !periods.is_empty() {
        let zone = &rules.policy.zone;
        text +=
            &format!(", then the first of each of the newest {} that have one, as days are in {zone}", and(&periods));
    }
    if tiers.last > 0 {
        text += &format!(", and always the newest {}", tiers.last);
    }
    text
}

/// `4 weeks`.
pub(super) fn count<N: Display + PartialEq + From<u8>>(n: N, name: &str) -> String {
    let many = if n == N::from(1) { "" } else { "s" };
    format!("{n} {name}{many}")
}

fn and(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", list(first)),
        words => list(words),
    }
}

/// What a reader should know of an instance beside the numbers.
pub(super) fn notes(policy: &InstancePolicy, of_copies: bool, is_apart: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let unselected = match &policy.selection {
        Selection::Selected => None,
        Selection::Excluded => Some("it is tagged Backup=No"),
        Selection::Untagged => Some("it has no tag Backup"),
        Selection::Unreadable(_) => Some("its tag Backup is neither Yes nor No"),
    };
    notes.extend(
        unselected.map(|why| format!("nothing is made of it now, since {why}; this is what would be with Backup=Yes")),
    );
    let offsite = &policy.offsite;
    let destinations = list(&offsite.destinations);
    match (offsite.destinations.is_empty(), of_copies) {
        (true, true) => notes.push("no copies are made: it has no DestinationRegion that can be used".to_owned()),
        (true, false) => {}
        (false, true) => {
            notes.push(format!("these are the copies in {destinations}; where there are several Regions, in each"))
        }
        (false, false) => notes.extend(sources(offsite.mode(), &destinations, is_apart)),
    }
    notes
}

/// What becomes of sources that are copied.
fn sources(mode: OffsiteMode, destinations: &str, is_apart: bool) -> Option<String> {
    let stays = match mode {
        OffsiteMode::Move => "its copy alone stays",
        OffsiteMode::KeepLatest => "its copy alone stays, but for the newest",
        OffsiteMode::Copy => return is_apart.then(|| "copies are kept otherwise: see --copies".to_owned()),
    };
    let rest = if is_apart { "and is kept otherwise: see --copies" } else { "for as long as is shown" };
    Some(format!("a snapshot goes once it is copied to {destinations}; {stays}, {rest}"))
}
