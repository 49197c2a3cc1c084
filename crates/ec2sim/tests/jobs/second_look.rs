//! What changes between the plan and the call: the second look sees it, and nothing is deleted (S2, S4, S6).
//!
//! The change is made by a `Cloud` that does something to the world right before the first second look.

use std::cell::RefCell;

use jiff::Timestamp;
use snapwarden_core::decision::{Act, Job, Subject};
use snapwarden_core::ids::{AccountId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, Volume};
use snapwarden_core::report::{Changed, Outcome, RunReport};
use snapwarden_core::tags::{Tags, key};
use snapwarden_ec2sim::call::{Action, ResourceId};
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::faults::Faults;
use snapwarden_ec2sim::world::World;
use snapwarden_exec::cloud::{Begun, Calls, Cloud, CloudError, CopyRequest, Page, SetRequest, SnapshotQuery, TimeJump};
use snapwarden_exec::run::{Quiet, run};

use crate::support::{AWAY, HOME, act, instance, offsite_until_done, options, pass, pass_until, region, world};

type Deed<'a> = Box<dyn FnOnce(&mut World) + 'a>;

/// Does `deed` to the world at the first second look.
struct Meddled<'a> {
    sim: &'a Sim,
    deed: RefCell<Option<Deed<'a>>>,
}

impl Cloud for Meddled<'_> {
    fn now(&self) -> Timestamp {
        self.sim.now()
    }
    async fn sleep_until(&self, time: Timestamp) {
        self.sim.sleep_until(time).await;
    }
    fn calls(&self) -> Calls {
        self.sim.calls()
    }
    fn begin(&self) {
        self.sim.begin();
    }
    fn time_jump(&self) -> Option<TimeJump> {
        self.sim.time_jump()
    }
    async fn account(&self, region: &Region) -> Result<AccountId, CloudError> {
        self.sim.account(region).await
    }
    async fn describe_regions(&self, region: &Region) -> Result<Vec<Region>, CloudError> {
        self.sim.describe_regions(region).await
    }
    async fn describe_instances(&self, region: &Region, next: Option<String>) -> Result<Page<Instance>, CloudError> {
        self.sim.describe_instances(region, next).await
    }
    async fn describe_volumes(&self, region: &Region, next: Option<String>) -> Result<Page<Volume>, CloudError> {
        self.sim.describe_volumes(region, next).await
    }
    async fn describe_snapshots(&self, region: &Region, query: SnapshotQuery) -> Result<Page<Snapshot>, CloudError> {
        let is_second_look = matches!(query, SnapshotQuery::Ids(_));
        if is_second_look && let Some(deed) = self.deed.take() {
            self.sim.with(deed);
        }
        self.sim.describe_snapshots(region, query).await
    }
    async fn create_snapshot(
        &self,
        region: &Region,
        volume: &VolumeId,
        description: &str,
        tags: &Tags,
    ) -> Result<Begun, CloudError> {
        self.sim.create_snapshot(region, volume, description, tags).await
    }
    async fn create_snapshots(&self, region: &Region, request: SetRequest) -> Result<Vec<Begun>, CloudError> {
        self.sim.create_snapshots(region, request).await
    }
    async fn copy_snapshot(&self, destination: &Region, request: CopyRequest) -> Result<SnapshotId, CloudError> {
        self.sim.copy_snapshot(destination, request).await
    }
    async fn delete_snapshot(&self, region: &Region, snapshot: &SnapshotId) -> Result<(), CloudError> {
        self.sim.delete_snapshot(region, snapshot).await
    }
    async fn create_tags(&self, region: &Region, snapshots: &[SnapshotId], tags: &Tags) -> Result<(), CloudError> {
        self.sim.create_tags(region, snapshots, tags).await
    }
}

pub(crate) fn meddled<'a>(sim: &'a Sim, which: Job, deed: impl FnOnce(&mut World) + 'a) -> RunReport {
    let cloud = Meddled { sim, deed: RefCell::new(Some(Box::new(deed))) };
    let report = sim.block_on(run(&cloud, &options(which, &[HOME]), &Quiet)).unwrap().unwrap();
    assert!(cloud.deed.into_inner().is_none(), "there was no second look");
    report
}

/// Two snapshots of one volume here, the older one due.
pub(crate) fn one_due() -> (Sim, SnapshotId, SnapshotId) {
    let mut world = world(3);
    instance(&mut world, "db", &[("Backup", "Yes")], 1);
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass_until(&sim, "2026-11-28T04:00:00Z");
    act(&sim, Job::Create);
    pass_until(&sim, "2026-11-29T12:00:00Z");
    let mut all: Vec<_> = sim
        .with(|world| world.snapshots(&region(HOME)).map(|r| (r.snapshot.start_time, r.snapshot.id.clone())).collect());
    all.sort();
    (sim, all[0].1.clone(), all[1].1.clone())
}

pub(crate) fn only_delete(report: &RunReport) -> (&SnapshotId, &Outcome) {
    let mut deletes = report.items().filter_map(|(decision, outcome)| match (&decision.act, &decision.subject) {
        (Act::Delete { .. }, Subject::Snapshot(id)) | (Act::RemoveSource { .. }, Subject::Source(id)) => {
            Some((&**id, outcome))
        }
        _ => None,
    });
    let one = deletes.next().expect("a delete was planned");
    assert!(deletes.next().is_none());
    one
}

pub(crate) fn exists(sim: &Sim, name: &str, id: &SnapshotId) -> bool {
    sim.with(|world| world.snapshot(&region(name), id).is_some())
}

#[test]
fn without_any_change_the_due_one_goes() {
    let (sim, old, new) = one_due();
    let report = meddled(&sim, Job::Expire, |_| {});
    assert_eq!(only_delete(&report), (&old, &Outcome::Done { made: None }));
    assert!(!exists(&sim, HOME, &old) && exists(&sim, HOME, &new));
}

#[test]
fn keep_forever_set_between_the_plan_and_the_call_is_seen() {
    let (sim, old, _) = one_due();
    let id = ResourceId::Snapshot(old.clone());
    let report = meddled(&sim, Job::Expire, |world| world.tag(&region(HOME), &id, "keepFOREVER", "").unwrap());
    assert_eq!(only_delete(&report), (&old, &Outcome::Changed(Changed::Pinned)));
    assert_eq!(report.exit_code(), 0);
    assert!(exists(&sim, HOME, &old));
}

#[test]
fn delete_on_moved_between_the_plan_and_the_call_is_seen() {
    let (sim, old, _) = one_due();
    let id = ResourceId::Snapshot(old.clone());
    let report =
        meddled(&sim, Job::Expire, |world| world.tag(&region(HOME), &id, key::DELETE_ON, "2030-01-01").unwrap());
    assert_eq!(only_delete(&report), (&old, &Outcome::Changed(Changed::Differs)));
    assert!(exists(&sim, HOME, &old));
}

#[test]
fn the_newer_snapshot_deleted_by_hand_saves_the_older_one() {
    let (sim, old, new) = one_due();
    let report = meddled(&sim, Job::Expire, |world| world.delete_by_hand(&region(HOME), &new).unwrap());
    assert_eq!(only_delete(&report), (&old, &Outcome::Changed(Changed::SupportGone)));
    assert!(exists(&sim, HOME, &old), "it is the last good one now");
}

#[test]
fn one_deleted_by_hand_meanwhile_is_not_deleted_again() {
    let (sim, old, _) = one_due();
    let report = meddled(&sim, Job::Expire, |world| world.delete_by_hand(&region(HOME), &old).unwrap());
    assert_eq!(only_delete(&report), (&old, &Outcome::Changed(Changed::NotShown)));
    let said = report.findings.iter().map(ToString::to_string).find(|said| said.contains("did not find")).unwrap();
    assert!(said.contains(&format!("1, such as {old} (the second look before its delete did not show it)")), "{said}");
}

#[test]
fn a_second_look_that_fails_deletes_nothing() {
    let (sim, old, _) = one_due();
    let report = meddled(&sim, Job::Expire, |world| world.set_out(&region(HOME), true).unwrap());
    assert!(matches!(only_delete(&report), (id, Outcome::Failed(_)) if *id == old), "{:?}", report.outcomes);
    assert_eq!(report.exit_code(), 2, "it does not look like success");
    assert!(exists(&sim, HOME, &old));
}

/// A source whose copy is verified: the next run of the offsiter removes it.
pub(crate) fn one_to_remove(mode: &str) -> (Sim, SnapshotId, SnapshotId) {
    let mut world = world(4);
    instance(&mut world, "db", &[("Backup", "Yes"), ("DestinationRegion", AWAY), ("OffsiteMode", mode)], 1);
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass(&sim, 10);
    act(&sim, Job::Offsite);
    pass(&sim, 30);
    let first = |name: &str| sim.with(|w| w.snapshots(&region(name)).next().map(|r| r.snapshot.id.clone()));
    let (source, copy) = (first(HOME).unwrap(), first(AWAY).unwrap());
    (sim, source, copy)
}

#[test]
fn a_source_goes_when_nothing_changes() {
    let (sim, source, copy) = one_to_remove("Move");
    let report = meddled(&sim, Job::Offsite, |_| {});
    assert_eq!(only_delete(&report), (&source, &Outcome::Done { made: None }));
    assert!(!exists(&sim, HOME, &source) && exists(&sim, AWAY, &copy));
}

#[test]
fn a_copy_deleted_between_the_plan_and_the_call_saves_its_source() {
    let (sim, source, copy) = one_to_remove("Move");
    let report = meddled(&sim, Job::Offsite, |world| world.delete_by_hand(&region(AWAY), &copy).unwrap());
    assert_eq!(only_delete(&report), (&source, &Outcome::Changed(Changed::SupportGone)));
    assert!(exists(&sim, HOME, &source));
    offsite_until_done(&sim);
    assert!(sim.with(|world| world.snapshots(&region(AWAY)).count() == 1), "it is copied again");
}

#[test]
fn a_source_pinned_between_the_plan_and_the_call_stays() {
    let (sim, source, _) = one_to_remove("Move");
    let id = ResourceId::Snapshot(source.clone());
    let report = meddled(&sim, Job::Offsite, |world| world.tag(&region(HOME), &id, "KeepForever", "No").unwrap());
    assert_eq!(only_delete(&report), (&source, &Outcome::Changed(Changed::Pinned)));
    assert!(exists(&sim, HOME, &source));
}

#[test]
fn a_source_whose_delete_on_is_taken_away_stays() {
    let (sim, source, _) = one_to_remove("Move");
    let id = ResourceId::Snapshot(source.clone());
    let report = meddled(&sim, Job::Offsite, |world| world.untag(&region(HOME), &id, key::DELETE_ON).unwrap());
    assert_eq!(only_delete(&report), (&source, &Outcome::Changed(Changed::Differs)));
    assert!(exists(&sim, HOME, &source));
}

#[test]
fn a_delete_that_waits_too_long_for_its_turn_is_left_to_the_next_run() {
    let mut world = world(5);
    for n in 0..10 {
        instance(&mut world, &format!("db-{n}"), &[("Backup", "Yes")], 20);
    }
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass_until(&sim, "2026-11-28T04:00:00Z");
    act(&sim, Job::Create);
    pass_until(&sim, "2026-11-29T12:00:00Z");
    sim.with(|world| world.take_log());
    // From the second look on EC2 throttles most calls.
    let throttle = |world: &mut World| world.config.faults = Faults { throttled: 700, ..Faults::default() };
    let report = meddled(&sim, Job::Expire, throttle);
    let mut looked_at = None;
    for entry in sim.with(|world| world.take_log()) {
        if entry.action == Action::DescribeSnapshots && entry.effect {
            looked_at = Some(entry.at);
        } else if let (Action::DeleteSnapshot, Some(looked_at)) = (entry.action, looked_at) {
            let age_seconds = entry.at.as_second() - looked_at.as_second();
            assert!(age_seconds <= 60, "a delete went out {age_seconds} s after the last look");
        }
    }
    let done = report.outcomes.iter().filter(|o| matches!(o, Outcome::Done { .. })).count();
    let left = report.outcomes.iter().filter(|o| matches!(o, Outcome::Deferred(_))).count();
    assert!(done > 0 && left > 0, "{done} done, {left} left");
}
