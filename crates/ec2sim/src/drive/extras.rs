//! S8's second sentence: where runs at once have made one more, a run that finds it done says so, or a person pays for it and
//! never hears of it.

use snapwarden_core::decision::{Decision, Finding, Problem, Reason, Subject};
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState};
use snapwarden_core::report::RunReport;
use snapwarden_core::schedule::Slot;

use super::facts::is_managed;
use super::process::Process;
use super::rules::Rules;
use crate::call::Action;
use crate::world::World;

/// More than one of a slot or of a source.
pub(super) struct Extra {
    pub(super) words: String,
    /// The report names it.
    pub(super) is_said: bool,
}

/// What there is more than once of what a run found done.
pub(super) fn seen(world: &World, rules: &Rules, process: &Process, report: &RunReport) -> Vec<Extra> {
    let look = Look { world, rules, process, findings: &report.findings };
    report.plan.decisions.iter().filter_map(|decision| look.extra(decision)).collect()
}

struct Look<'a> {
    world: &'a World,
    rules: &'a Rules,
    process: &'a Process,
    findings: &'a [Finding],
}

impl Look<'_> {
    fn extra(&self, decision: &Decision) -> Option<Extra> {
        if let (Subject::Volume(volume), Reason::AlreadyDone { slot, .. }) = (&decision.subject, &decision.reason) {
            return self.of_slot(&decision.region, volume, *slot);
        }
        if let (Subject::Copy(source, destination), Reason::Verified { .. }) = (&decision.subject, &decision.reason) {
            return self.of_source(source, destination);
        }
        None
    }

    fn of_slot(&self, region: &Region, volume: &VolumeId, slot: Slot) -> Option<Extra> {
        let text = slot.to_string();
        let is_of_slot = |snapshot: &Snapshot| {
            let is_copy = snapshot.tags.has("SourceSnapshotId");
            !is_copy && snapshot.volume_id == *volume && snapshot.tags.get("snapwarden:slot") == Some(text.as_str())
        };
        let is_said = |problem: &Problem| matches!(problem, Problem::TwoOfOneSlot { .. });
        self.two(region, volume.as_str(), is_of_slot, is_said)
    }

    fn of_source(&self, source: &SnapshotId, destination: &Region) -> Option<Extra> {
        let is_copy = |snapshot: &Snapshot| snapshot.tags.get("SourceSnapshotId") == Some(source.as_str());
        let is_said =
            |problem: &Problem| matches!(problem, Problem::TwoCopies { destination: of, .. } if of == destination);
        self.two(destination, source.as_str(), is_copy, is_said)
    }

    /// Two that fit, both of which the run must have seen.
    fn two(
        &self,
        region: &Region,
        of: &str,
        fits: impl Fn(&Snapshot) -> bool,
        is_said: impl Fn(&Problem) -> bool,
    ) -> Option<Extra> {
        let begun = self.process.begun;
        let here = self.world.snapshots(region).map(|record| &record.snapshot);
        let here = here.filter(|snapshot| snapshot.state != SnapshotState::Error && is_managed(self.world, snapshot));
        let mut two = here.filter(|snapshot| fits(snapshot) && self.rules.is_settled(snapshot, begun));
        let (one, other) = (two.next()?, two.next()?);
        if !self.process.has_read(region, Action::DescribeSnapshots) {
            return None;
        }
        let words = format!("{} and {} of {region} are both of {of}, and the report does not say so", one.id, other.id);
        let is_said = self.findings.iter().any(|finding| finding.id == of && is_said(&finding.problem));
        Some(Extra { words, is_said })
    }
}
