//! The demo in words: what there is at the start, a line or two a day, and at the end what exists and what is gone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use snapwarden_core::decision::Subject;
use snapwarden_core::inventory::Snapshot;
use snapwarden_core::managed::taken;
use snapwarden_core::printable::printable;
use snapwarden_core::report::{Outcome, RunReport};
use snapwarden_core::tags::key;
use snapwarden_ec2sim::face::Sim;

use super::{Day, Gone, Way};
use crate::render::{self, aligned};

/// What the account is made of.
pub(super) fn opening(sim: &Sim) -> String {
    let (instances, volumes, regions) = sim.with(|world| {
        let regions: Vec<_> = world.regions().cloned().collect();
        let instances: usize = regions.iter().map(|region| world.instances(region).count()).sum();
        let volumes: usize = regions.iter().map(|region| world.volumes(region).count()).sum();
        (instances, volumes, regions.len())
    });
    format!(
        "A made-up account: {instances} instances with {volumes} volumes in {regions} Regions, on the embedded EC2.\n\
         Two weeks of it: the creator looks every 15 minutes, the offsiter every 10, the manager every hour.\n\n"
    )
}

/// One line of counts, and one for each thing that happened.
pub(super) fn of_day(midnight: Timestamp, day: &Day) -> String {
    let words = [
        ("create", "created"),
        ("copy", "copied"),
        ("remove-source", "sources removed"),
        ("stamp", "stamped"),
        ("delete", "deleted"),
    ];
    let counts = words.iter().filter_map(|(act, word)| Some(format!("{} {word}", day.counts.get(act)?)));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let mut text = format!("{}  {}\n", midnight.strftime("%a %Y-%m-%d"), counts);
    for line in &day.news {
        text.push_str(&format!("    {}\n", printable(line, 220)));
    }
    text
}

/// The manager's first deletes as its report has them; what exists at the end, by Region and instance, with what the
/// manager's last run said of it; then what is gone, and why.
pub(super) fn closing(sim: &Sim, manager: &[RunReport], gone: &Gone) -> String {
    let mut text = String::new();
    if let Some(first) = manager.first() {
        text.push_str("\nThe manager's first run that deleted something, as it reported it:\n\n");
        text.push_str(&render::report(first, render::Options { only_changes: true }));
    }
    let truth = sim.with(|world| world.truth());
    let mut rows =
        vec![["REGION", "INSTANCE", "SNAPSHOTS", "OLDEST", "NEWEST", "KEPT BECAUSE"].map(str::to_owned).to_vec()];
    let mut held: BTreeMap<_, Vec<&Snapshot>> = BTreeMap::new();
    for (region, snapshot) in truth.snapshots() {
        let name = snapshot.tags.get(key::INSTANCE_NAME).unwrap_or_default();
        held.entry((region, name)).or_default().push(snapshot);
    }
    for ((region, name), snapshots) in held {
        let day = |time: Option<Timestamp>| time.map(|time| time.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        let times = || snapshots.iter().map(|snapshot| taken(snapshot));
        let why = manager.last().map(|last| kept_because(last, &snapshots)).unwrap_or_default();
        rows.push(vec![
            region.to_string(),
            name.to_owned(),
            snapshots.len().to_string(),
            day(times().min()),
            day(times().max()),
            why,
        ]);
    }
    text += &format!("\nWhat exists at the end of {}:\n\n", truth.taken_at.strftime("%Y-%m-%d"));
    text.extend(aligned(&rows).into_iter().map(|line| line + "\n"));
    text.push_str("\nWhat is gone, and why:\n\n");
    let mut rows = vec![["WAS IN", "INSTANCE", "SNAPSHOTS", "WHY"].map(str::to_owned).to_vec()];
    for ((way, place, why), count) in gone {
        let (region, name) = place.split_once(' ').unwrap_or((place, ""));
        let why = match way {
            Way::Deleted => format!("deleted: {why}"),
            Way::Removed => format!("source removed: {why}"),
        };
        rows.push(vec![region.to_owned(), name.to_owned(), count.to_string(), why]);
    }
    text.extend(aligned(&rows).into_iter().map(|line| line + "\n"));
    text
}

/// The manager's reasons for these snapshots, counted: `5 not due, 1 KeepForever`.
fn kept_because(last: &RunReport, snapshots: &[&Snapshot]) -> String {
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for (decision, outcome) in last.items() {
        let is_about = |snapshot: &&Snapshot| matches!(&decision.subject, Subject::Snapshot(id) if **id == snapshot.id);
        if snapshots.iter().any(is_about) {
            let word = if matches!(outcome, Outcome::Refused(_)) { "EC2 refuses" } else { decision.reason.word() };
            *words.entry(word).or_default() += 1;
        }
    }
    words.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}
