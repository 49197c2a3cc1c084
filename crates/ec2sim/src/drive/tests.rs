//! The checkers catch what they are there for: the real jobs run over a seam that lies to them in one way, as a defect in
//! the code that reads would, and the rule that this breaks is the rule that is reported.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use snapwarden_core::check::check;
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{AccountId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, SnapshotState, StorageTier, Volume};
use snapwarden_core::report::{Outcome, RunReport};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::{Begun, Calls, Cloud, CloudError, CopyRequest, Page, SetRequest, SnapshotQuery, TimeJump};
use snapwarden_exec::collect::Scope;
use snapwarden_exec::pacing::{Pacer, Stop};
use snapwarden_exec::run::{Prepared, Quiet, RunError, RunOptions, prepare, run};

use super::calm;
use super::extras;
use super::kinds::{Fired, Kind};
use super::memory::Memory;
use super::process::Process;
use super::rules::Rules;
use super::watch::{Shared, Watch};
use super::{Options, Ran, Road, live, live_over};
use crate::call::{Action, ApiError, Call, PageRequest, Principal, ResourceId};
use crate::face::{Bystander, Sim};
use crate::faults::Faults;
use crate::keys::known;
use crate::people::{NewInstance, NewVolume};
use crate::world::World;

mod promise;

const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";

/// A way in which the seam lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// None.
    Honest,
    /// Everything is ours and overdue.
    AllOurs,
    /// Nothing is pinned.
    NothingPinned,
    /// Everything was due long ago.
    AllDue,
    /// Every copy is ours.
    CopiesOurs,
    /// No copy is pending.
    NoPending,
    /// There are no volumes, and no instances that could have them.
    NoVolumes,
    /// Nothing is to be kept beyond its days.
    NoTiers,
    /// What cannot be read is empty.
    ErrorsAreEmpty,
    /// There are no snapshots.
    NoSnapshots,
    /// There are a thousand more that are not due.
    ManyMore,
    /// It is tomorrow.
    Tomorrow,
    /// Tags at birth are left out.
    NoTags,
    /// Everything is ours.
    Ours,
    /// Copies expire sooner.
    CopiesDueSoon,
    /// What was made once is made again, as if nothing had answered.
    Again,
    /// All answers agree on the time.
    NoJump,
}

struct Lying {
    sim: Sim,
    lie: Lie,
}

impl Lying {
    fn tell(&self, mut snapshot: Snapshot) -> Option<Snapshot> {
        let is_copy = snapshot.tags.has("SourceSnapshotId");
        let tags = &mut snapshot.tags;
        match self.lie {
            Lie::AllOurs => {
                tags.set("Type", "Automated");
                tags.set("DeleteOn", "2026-01-01");
            }
            Lie::NothingPinned => tags.remove("KeepForever"),
            Lie::AllDue => {
                // An older CreatedOn would make it another snapshot's.
                tags.remove("CreatedOn");
                tags.set("DeleteOn", "2026-01-01");
            }
            Lie::CopiesOurs if is_copy => tags.set("Type", "Automated"),
            Lie::Ours => tags.set("Type", "Automated"),
            Lie::CopiesDueSoon if is_copy => tags.set("DeleteOn", "2026-11-23"),
            Lie::NoPending if is_copy && snapshot.state == SnapshotState::Pending => return None,
            Lie::NoSnapshots => return None,
            Lie::NoTiers => tags.remove("snapwarden:retention"),
            Lie::CopiesOurs | Lie::NoPending | Lie::Honest | Lie::NoVolumes | Lie::ErrorsAreEmpty => {}
            Lie::ManyMore | Lie::Tomorrow | Lie::NoTags | Lie::CopiesDueSoon | Lie::Again | Lie::NoJump => {}
        }
        Some(snapshot)
    }

    fn page<T>(&self, page: Result<Page<T>, CloudError>) -> Result<Page<T>, CloudError> {
        match page {
            Err(_) if self.lie == Lie::ErrorsAreEmpty => Ok(Page { items: Vec::new(), next: None }),
            other => other,
        }
    }

    fn born<'t>(&self, tags: &'t Tags, none: &'t Tags) -> &'t Tags {
        if self.lie == Lie::NoTags { none } else { tags }
    }

    /// Whether a call goes out once more, and not so soon that EC2 refuses it.
    async fn calls_again(&self) -> bool {
        if self.lie != Lie::Again {
            return false;
        }
        self.sim.sleep_until(self.sim.now() + SignedDuration::from_secs(16)).await;
        true
    }

    fn shift(&self) -> SignedDuration {
        SignedDuration::from_hours(if self.lie == Lie::Tomorrow { 24 } else { 0 })
    }
}

impl Cloud for Lying {
    fn now(&self) -> Timestamp {
        self.sim.now() + self.shift()
    }

    async fn sleep_until(&self, time: Timestamp) {
        self.sim.sleep_until(time - self.shift()).await;
    }

    fn calls(&self) -> Calls {
        self.sim.calls()
    }

    fn begin(&self) {
        self.sim.begin();
    }

    fn time_jump(&self) -> Option<TimeJump> {
        self.sim.time_jump().filter(|_| self.lie != Lie::NoJump)
    }

    async fn account(&self, region: &Region) -> Result<AccountId, CloudError> {
        self.sim.account(region).await
    }

    async fn describe_regions(&self, region: &Region) -> Result<Vec<Region>, CloudError> {
        self.sim.describe_regions(region).await
    }

    async fn describe_instances(&self, region: &Region, next: Option<String>) -> Result<Page<Instance>, CloudError> {
        let mut page = self.page(self.sim.describe_instances(region, next).await)?;
        if self.lie == Lie::NoVolumes {
            page.items.clear();
        }
        if self.lie == Lie::NoTiers {
            page.items.iter_mut().for_each(|instance| instance.tags.remove("RetentionWeeks"));
        }
        Ok(page)
    }

    async fn describe_volumes(&self, region: &Region, next: Option<String>) -> Result<Page<Volume>, CloudError> {
        let mut page = self.page(self.sim.describe_volumes(region, next).await)?;
        if self.lie == Lie::NoVolumes {
            page.items.clear();
        }
        Ok(page)
    }

    async fn describe_snapshots(&self, region: &Region, query: SnapshotQuery) -> Result<Page<Snapshot>, CloudError> {
        let is_listing = matches!(query, SnapshotQuery::Own { .. });
        let page = self.page(self.sim.describe_snapshots(region, query).await)?;
        let mut items: Vec<_> = page.items.into_iter().filter_map(|snapshot| self.tell(snapshot)).collect();
        if self.lie == Lie::ManyMore && is_listing {
            items.extend((0..1_000).map(|n| {
                snapshot(&format!("snap-{n:017x}"), "vol-1", &[("Type", "Automated"), ("DeleteOn", "2099-01-01")])
            }));
        }
        Ok(Page { items, next: page.next })
    }

    async fn create_snapshot(
        &self,
        region: &Region,
        volume: &VolumeId,
        text: &str,
        tags: &Tags,
    ) -> Result<Begun, CloudError> {
        let none = Tags::default();
        let begun = self.sim.create_snapshot(region, volume, text, self.born(tags, &none)).await?;
        if self.calls_again().await {
            return self.sim.create_snapshot(region, volume, text, tags).await;
        }
        Ok(begun)
    }

    async fn create_snapshots(&self, region: &Region, mut request: SetRequest) -> Result<Vec<Begun>, CloudError> {
        request.tags = self.born(&request.tags, &Tags::default()).clone();
        self.sim.create_snapshots(region, request).await
    }

    async fn copy_snapshot(&self, destination: &Region, mut request: CopyRequest) -> Result<SnapshotId, CloudError> {
        request.tags = self.born(&request.tags, &Tags::default()).clone();
        let copy = self.sim.copy_snapshot(destination, request.clone()).await?;
        if self.calls_again().await { self.sim.copy_snapshot(destination, request).await } else { Ok(copy) }
    }

    async fn delete_snapshot(&self, region: &Region, snapshot: &SnapshotId) -> Result<(), CloudError> {
        self.sim.delete_snapshot(region, snapshot).await
    }

    async fn create_tags(&self, region: &Region, snapshots: &[SnapshotId], tags: &Tags) -> Result<(), CloudError> {
        self.sim.create_tags(region, snapshots, tags).await
    }
}

fn region(name: &str) -> Region {
    known(name)
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().copied().collect()
}

/// A completed snapshot of the middle of November.
fn snapshot(id: &str, volume: &str, pairs: &[(&str, &str)]) -> Snapshot {
    Snapshot {
        id: known(id),
        volume_id: known(volume),
        owner: known("123456789012"),
        state: SnapshotState::Completed,
        state_message: None,
        start_time: known("2026-11-15T03:00:00Z"),
        size_gib: 1,
        encrypted: false,
        tier: StorageTier::Standard,
        tags: tags(pairs),
    }
}

/// An account with one selected instance of one volume.
fn world(pairs: &[(&str, &str)]) -> World {
    let mut world = World::new(1, known("2026-11-22T04:00:00Z"), known("123456789012"), [HOME, AWAY].map(region));
    let home = region(HOME);
    let mut all = tags(pairs);
    all.set("Backup", "Yes");
    let id = world.run_instance(&home, NewInstance::named("web", all)).unwrap();
    let volume = world.create_volume(&home, NewVolume::sized("web", 1)).unwrap();
    world.attach_volume(&home, &volume, &id, "/dev/xvda", true).unwrap();
    world
}

/// The same with one snapshot of a volume that is gone.
fn with_orphan(pairs: &[(&str, &str)]) -> World {
    let mut world = world(&[]);
    world.put_snapshot(&region(HOME), snapshot("snap-0a", "vol-0dead", pairs), None, "").unwrap();
    world
}

/// An old snapshot of a volume, marked as closed for more than 30 days.
fn closed(volume: &str, pairs: &[(&str, &str)]) -> Snapshot {
    let mut snapshot = snapshot("snap-0a", volume, pairs);
    snapshot.start_time = known("2026-10-01T03:00:00Z");
    snapshot.tags.set("snapwarden:closed", "2026-10-02");
    snapshot
}

/// A stage with a history of a volume that is gone, which is closed.
fn with_closed(pairs: &[(&str, &str)]) -> Stage {
    let mut world = world(&[]);
    world.put_snapshot(&region(HOME), closed("vol-0dead", pairs), None, "").unwrap();
    Stage::new(world)
}

/// The same with a snapshot and its completed copy.
fn with_a_copy() -> Stage {
    let stage = Stage::new(world(&[("DestinationRegion", AWAY), ("OffsiteMode", "Copy")]));
    stage.run(Job::Create, Lie::Honest);
    stage.hours(1).run(Job::Offsite, Lie::Honest);
    stage.hours(1);
    stage
}

struct Stage {
    sim: Sim,
    shared: Rc<RefCell<Shared>>,
}

impl Stage {
    fn new(world: World) -> Self {
        let shared = Shared {
            rules: Rules::default(),
            fired: BTreeMap::new(),
            news: Vec::new(),
            agenda: Vec::new(),
            passing: Vec::new(),
            usual: Faults::default(),
            last_call: BTreeMap::new(),
        };
        let stage = Self { sim: Sim::new(world), shared: Rc::new(RefCell::new(shared)) };
        stage.look();
        stage
    }

    /// What people have changed is remembered as of now.
    fn look(&self) {
        self.sim.with(|world| self.shared.borrow_mut().rules.memory.observe(world));
    }

    fn run(&self, job: Job, lie: Lie) {
        self.run_by(&self.sim.now().to_string(), job, lie);
    }

    fn run_by(&self, tick: &str, job: Job, lie: Lie) {
        let _ = self.report_by(tick, job, lie);
    }

    /// What a run by this tick reports, and who watched it.
    fn report_by(&self, tick: &str, job: Job, lie: Lie) -> (RunReport, Rc<RefCell<Watch>>) {
        self.look();
        let now = self.sim.now();
        let mut process = Process::new(now.as_second().unsigned_abs(), job, now, tick);
        process.jump = self.sim.jump();
        let watch = Rc::new(RefCell::new(Watch::new(Rc::clone(&self.shared), process)));
        let bystander: Rc<RefCell<dyn Bystander>> = Rc::<RefCell<Watch>>::clone(&watch);
        let cloud = Lying { sim: self.sim.with_bystander(bystander), lie };
        let options = RunOptions::new(job, Scope::Named([HOME, AWAY].map(region).to_vec()));
        let report = self.sim.block_on(run(&cloud, &options, &Quiet)).unwrap().unwrap();
        assert!(report.violations.is_empty(), "the plan is consistent with what was shown: {:?}", report.violations);
        (report, watch)
    }

    fn hours(&self, hours: u32) -> &Self {
        self.sim.with(|world| world.advance_by(hours * 3_600));
        self
    }

    fn of_the_copy(&self, act: impl FnOnce(&mut World, ResourceId)) {
        self.sim.with(|world| {
            let copy = world.snapshots(&region(AWAY)).next().unwrap().snapshot.id.clone();
            act(world, copy.into());
        });
    }

    fn broken(&self) -> Option<&'static str> {
        self.shared.borrow().rules.broken.as_ref().map(|broken| broken.rule)
    }

    /// The rule that the last run breaks, which an honest one does not.
    fn caught(&self, job: Job, lie: Lie) -> Option<&'static str> {
        assert_eq!(self.broken(), None, "until now all rules were kept");
        let before = self.sim.with(|world| world.clone());
        let honest = Stage::new(before);
        honest.run(job, Lie::Honest);
        assert_eq!(honest.broken(), None, "the code itself breaks no rule here");
        self.run(job, lie);
        self.broken()
    }
}

/// What fires in lives with this trouble alone.
fn lives_of(kind: Kind, seeds: std::ops::Range<u64>) -> Fired {
    let kinds = Some(BTreeSet::from([kind]));
    let lives = seeds.map(|seed| live(&Options { days: 20, kinds: kinds.clone(), ..Options::of_seed(seed) }));
    lives.flat_map(|lived| lived.fired).collect()
}

#[test]
fn a_kind_of_trouble_fires_where_it_is_on_and_no_other_does() {
    for kind in Kind::ALL {
        let fired = lives_of(kind, 1..9);
        let kinds: Vec<_> = fired.into_keys().collect();
        // Things happen in the middle of a run where there are things that happen.
        let expected = if kind == Kind::MidRun { vec![] } else { vec![kind] };
        assert_eq!(kinds, expected);
    }
}

/// A road on which a job is not done as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// No job does anything.
    Idle,
    /// Jobs plan, and act as little.
    OnlyPlans,
    /// A planner decides twice about one thing.
    DecidesTwice,
}

impl Defect {
    async fn job(self, sim: &Sim, options: &RunOptions) -> Result<RunReport, RunError> {
        let pacer = Pacer::new(sim, None, Stop::default());
        let Prepared { inventory, mut plan, .. } = prepare(&pacer, options, &Quiet).await?;
        if self == Defect::DecidesTwice {
            plan.decisions.extend(plan.decisions.first().cloned());
        }
        let violations = check(&plan, &inventory, &options.config);
        let outcomes = plan.decisions.iter().map(|_| Outcome::NothingToDo).collect();
        let (findings, calls) = (plan.findings.clone(), BTreeMap::new());
        Ok(RunReport { plan, outcomes, violations, findings, calls, ended_at: sim.now() })
    }
}

impl Road for Defect {
    fn run(&self, processes: &[(RunOptions, Sim)]) -> Vec<Ran> {
        let run = |(options, sim): &(RunOptions, Sim)| match self {
            Defect::Idle => None,
            Defect::OnlyPlans | Defect::DecidesTwice => sim.block_on(self.job(sim, options)),
        };
        processes.iter().map(run).collect()
    }
}

/// What ends a quiet life on this road.
fn ended_by(defect: Defect) -> (&'static str, String) {
    let options = Options { days: 2, kinds: Some(BTreeSet::new()), ..Options::of_seed(9) };
    assert_eq!(live(&options).trouble, None);
    let broken = live_over(&options, &defect).trouble.unwrap().broken;
    (broken.rule, broken.words)
}

#[test]
fn liveness_ends_a_life_whose_jobs_do_nothing() {
    let (rule, words) = ended_by(Defect::Idle);
    assert_eq!(rule, "liveness");
    assert!(words.starts_with("after 168 ticks") && words.contains("has no completed snapshot of"), "{words}");
}

#[test]
fn liveness_ends_a_life_whose_plans_never_become_empty() {
    let (rule, words) = ended_by(Defect::OnlyPlans);
    assert_eq!(rule, "liveness");
    assert!(words.starts_with("after 216 ticks"), "{words}");
}

#[test]
fn check_ends_a_life_in_which_it_has_to_correct_a_plan() {
    let (rule, words) = ended_by(Defect::DecidesTwice);
    assert_eq!(rule, "check");
    assert!(words.contains("more than one decision about one subject"), "{words}");
}

const OVERDUE: [(&str, &str); 2] = [("Type", "Automated"), ("DeleteOn", "2026-11-16")];

#[test]
fn s1_a_foreign_snapshot_is_deleted() {
    let stage = Stage::new(with_orphan(&[("DeleteOn", "2026-11-16")]));
    assert_eq!(stage.caught(Job::Expire, Lie::AllOurs), Some("S1"));
}

#[test]
fn s1_a_foreign_snapshot_is_copied() {
    let stage =
        Stage::new(with_orphan(&[("DestinationRegion", AWAY), ("DeleteOn", "2026-12-24"), ("DeviceName", "a")]));
    assert_eq!(stage.caught(Job::Offsite, Lie::Ours), Some("S1"));
}

#[test]
fn s1_a_foreign_snapshot_is_tagged() {
    let stage = with_a_copy();
    stage.of_the_copy(|world, copy| {
        world.untag(&region(AWAY), &copy, "Type").unwrap();
        world.untag(&region(AWAY), &copy, "InstanceID").unwrap();
    });
    assert_eq!(stage.caught(Job::Offsite, Lie::CopiesOurs), Some("S1"));
    let mut world = world(&[]);
    let volume = world.volumes(&region(HOME)).next().unwrap().volume.id.clone();
    let mut foreign = snapshot("snap-0a", volume.as_str(), &[("snapwarden:slot", "2026-11-22T03:00Z")]);
    foreign.start_time = known("2026-11-22T03:30:00Z");
    world.put_snapshot(&region(HOME), foreign, None, "").unwrap();
    assert_eq!(Stage::new(world).caught(Job::Create, Lie::Ours), Some("S1"));
}

#[test]
fn s2_a_pinned_snapshot_is_deleted() {
    let stage = with_closed(&[OVERDUE[0], OVERDUE[1], ("KeepForever", "")]);
    assert_eq!(stage.caught(Job::Expire, Lie::NothingPinned), Some("S2"));
}

#[test]
fn s3_a_snapshot_is_deleted_before_its_day() {
    let stage = with_closed(&[OVERDUE[0], ("DeleteOn", "2026-12-24")]);
    assert_eq!(stage.caught(Job::Expire, Lie::AllDue), Some("S3"));
}

#[test]
fn s3_the_day_of_a_copy_is_moved_back() {
    let stage = with_a_copy();
    stage.of_the_copy(|world, copy| world.tag(&region(AWAY), &copy, "DeleteOn", "2026-12-24").unwrap());
    assert_eq!(stage.caught(Job::Offsite, Lie::CopiesDueSoon), Some("S3"));
}

#[test]
fn s4_a_source_is_removed_without_proof() {
    let stage = Stage::new(world(&[("DestinationRegion", AWAY)]));
    stage.run(Job::Create, Lie::Honest);
    stage.hours(1).run(Job::Offsite, Lie::Honest);
    // A newer one: else it is S6 too that is broken, and named first.
    stage.hours(24).run(Job::Create, Lie::Honest);
    stage.hours(1);
    stage.sim.with(|world| {
        let copy = world.snapshots(&region(AWAY)).next().unwrap().snapshot.id.clone();
        world.untag(&region(AWAY), &copy.into(), "Type").unwrap();
    });
    assert_eq!(stage.caught(Job::Offsite, Lie::CopiesOurs), Some("S4"));
}

#[test]
fn s5_a_source_is_deleted_while_its_copy_is_pending() {
    let stage = Stage::new(world(&[("DestinationRegion", AWAY), ("RetentionDays", "1"), ("OffsiteMode", "Copy")]));
    stage.run(Job::Create, Lie::Honest);
    stage.hours(1);
    stage.sim.with(|world| world.config.durations.base_s = 20 * 86_400);
    stage.run(Job::Offsite, Lie::Honest);
    stage.sim.with(|world| world.config.durations.base_s = 60);
    stage.hours(48).run(Job::Create, Lie::Honest);
    stage.hours(1);
    assert_eq!(stage.caught(Job::Expire, Lie::NoPending), Some("S5"));
}

#[test]
fn s6_the_last_good_snapshot_of_a_living_volume_is_deleted() {
    let mut world = world(&[]);
    let volume = world.volumes(&region(HOME)).next().unwrap().volume.id.clone();
    world.put_snapshot(&region(HOME), closed(volume.as_str(), &OVERDUE), None, "").unwrap();
    assert_eq!(Stage::new(world).caught(Job::Expire, Lie::NoVolumes), Some("S6"));
}

#[test]
fn s12_what_a_tier_wants_is_deleted() {
    for is_terminated in [false, true] {
        let stage = Stage::new(world(&[("RetentionDays", "1"), ("RetentionWeeks", "3")]));
        for _ in 0..3 {
            stage.run(Job::Create, Lie::Honest);
            stage.hours(24);
        }
        if is_terminated {
            stage.sim.with(|world| {
                let home = region(HOME);
                let id = world.instances(&home).next().map(|record| record.instance.id.clone());
                world.terminate_instance(&home, &id.unwrap()).unwrap();
            });
        }
        stage.hours(48);
        assert_eq!(stage.caught(Job::Expire, Lie::NoTiers), Some("S12"), "by its record, where the instance is gone");
    }
}

#[test]
fn s7_something_is_deleted_past_a_listing_that_broke_off() {
    let stage = Stage::new(world(&[("DestinationRegion", AWAY), ("RetentionDays", "1"), ("OffsiteMode", "Copy")]));
    stage.run(Job::Create, Lie::Honest);
    stage.hours(24).run(Job::Create, Lie::Honest);
    stage.hours(1);
    stage.sim.with(|world| world.set_out(&region(AWAY), true).unwrap());
    assert_eq!(stage.caught(Job::Expire, Lie::ErrorsAreEmpty), Some("S7"));
}

#[test]
fn a_listing_counts_as_it_was_read_last() {
    let stage = Stage::new(world(&[]));
    let (home, call) = (region(HOME), Call::DescribeVolumes(PageRequest::default()));
    let mut process = Process::new(1, Job::Create, stage.sim.now(), "tick");
    stage.sim.with(|world| {
        let whole = world.call(&Principal::of(world.account().clone()), &home, call.clone());
        process.see(world, &home, &call, &whole);
        assert!(process.has_read(&home, Action::DescribeVolumes));
        process.see(world, &home, &call, &Err(ApiError::NoAnswer(String::new())));
        assert!(!process.has_read(&home, Action::DescribeVolumes), "the jobs take the second for what they know");
    });
}

#[test]
fn s8_a_slot_is_made_twice_and_a_copy_too() {
    let stage = Stage::new(world(&[("DestinationRegion", AWAY), ("OffsiteMode", "Copy")]));
    stage.run(Job::Create, Lie::Honest);
    stage.hours(1);
    assert_eq!(stage.caught(Job::Create, Lie::NoSnapshots), Some("S8"));
    let stage = Stage::new(world(&[("DestinationRegion", AWAY), ("OffsiteMode", "Copy")]));
    stage.run(Job::Create, Lie::Honest);
    stage.sim.with(|world| world.config.durations.base_s = 86_400);
    stage.hours(1).run(Job::Offsite, Lie::Honest);
    stage.hours(1);
    assert_eq!(stage.caught(Job::Offsite, Lie::NoPending), Some("S8"));
}

#[test]
fn s8_one_run_makes_two_whoever_runs_beside_it() {
    let new = || Stage::new(world(&[("DestinationRegion", AWAY), ("OffsiteMode", "Copy")]));
    let broken = |stage: &Stage, job: Job, lie: Lie| {
        stage.run_by("one tick", job, Lie::Honest);
        assert_eq!(stage.broken(), None);
        stage.sim.with(|world| world.advance_by(20));
        stage.run_by("one tick", job, lie);
        stage.broken()
    };
    assert_eq!(broken(&new(), Job::Create, Lie::NoSnapshots), None, "one each");
    assert_eq!(new().caught(Job::Create, Lie::Again), Some("S8"));
    // Copies that fail at once are no live ones, and still a run makes one.
    for errors in [0, 1_000] {
        let stage = new();
        stage.run(Job::Create, Lie::Honest);
        stage.hours(1).sim.with(|world| {
            (world.config.durations.base_s, world.config.durations.per_gib_s) = (1, 1);
            world.config.copy_errors = errors;
        });
        assert_eq!(stage.caught(Job::Offsite, Lie::Again), Some("S8"));
    }
}

#[test]
fn s8_after_two_runs_at_once_a_third_of_the_slot_is_one_too_many() {
    let stage = Stage::new(world(&[]));
    stage.run_by("one tick", Job::Create, Lie::Honest);
    stage.sim.with(|world| world.advance_by(20));
    stage.run_by("one tick", Job::Create, Lie::NoSnapshots);
    stage.hours(1);
    assert_eq!(stage.caught(Job::Create, Lie::NoSnapshots), Some("S8"));
}

#[test]
fn s8_what_runs_at_once_made_twice_is_named_by_a_later_one() {
    let stage = Stage::new(world(&[("DestinationRegion", AWAY), ("OffsiteMode", "KeepLatest")]));
    for (job, lie) in [(Job::Create, Lie::NoSnapshots), (Job::Offsite, Lie::NoPending)] {
        stage.run_by("one tick", job, Lie::Honest);
        stage.sim.with(|world| world.advance_by(20));
        stage.run_by("one tick", job, lie);
        let (mut report, watch) = stage.hours(1).report_by("later", job, Lie::Honest);
        assert_eq!(stage.broken(), None);
        let is_said = |report: &RunReport| -> BTreeSet<bool> {
            let (shared, watch) = (stage.shared.borrow(), watch.borrow());
            let extras = stage.sim.with(|world| extras::seen(world, &shared.rules, &watch.process, report));
            extras.into_iter().map(|extra| extra.is_said).collect()
        };
        assert_eq!(is_said(&report), [true].into());
        report.findings.clear();
        assert_eq!(is_said(&report), [false].into(), "a run that says nothing of it is caught");
    }
}

#[test]
fn s9_most_of_a_region_is_deleted_and_nobody_was_asked() {
    let mut world = world(&[]);
    for n in 0..30 {
        let id = format!("snap-{:017x}", 0xff_0000 + n);
        world.put_snapshot(&region(HOME), snapshot(&id, "vol-0dead", &OVERDUE), None, "").unwrap();
    }
    assert_eq!(Stage::new(world).caught(Job::Expire, Lie::ManyMore), Some("S9"));
}

#[test]
fn s10_another_clock_than_ec2s_counts() {
    assert_eq!(Stage::new(world(&[])).caught(Job::Create, Lie::Tomorrow), Some("S10"));
}

#[test]
fn s10_something_is_changed_while_the_answers_disagree_about_the_time() {
    let broken = |nth, lie| {
        let mut stage = Stage::new(world(&[]));
        stage.sim = stage.sim.with_time_jump(known("2026-12-24T00:00:00Z"), nth);
        stage.run(Job::Create, lie);
        stage.broken()
    };
    for nth in [0, 2] {
        assert_eq!(broken(nth, Lie::Honest), None, "the {nth}th answer");
        assert_eq!(broken(nth, Lie::NoJump), Some("S10"), "the {nth}th answer");
    }
    assert_eq!(broken(50, Lie::NoJump), None, "the run is over by then");
}

#[test]
fn s11_a_snapshot_is_born_without_its_tags() {
    assert_eq!(Stage::new(world(&[])).caught(Job::Create, Lie::NoTags), Some("S11"));
}

#[test]
fn liveness_what_is_missing_is_said_in_words_and_what_is_done_is_not() {
    let stage = Stage::new(world(&[("DestinationRegion", AWAY), ("OffsiteMode", "Copy"), ("RetentionDays", "1")]));
    let missing = |stage: &Stage| {
        let shared = stage.shared.borrow();
        stage.sim.with(|world| calm::missing(world, &shared.rules.memory))
    };
    let words = missing(&stage);
    assert!(words.len() == 1 && words[0].contains("has no completed snapshot of"), "{words:?}");
    stage.run(Job::Create, Lie::Honest);
    stage.hours(1);
    let words = missing(&stage);
    assert!(words.len() == 1 && words[0].contains("has no copy in eu-west-1"), "{words:?}");
    stage.run(Job::Offsite, Lie::Honest);
    stage.hours(1);
    assert_eq!(missing(&stage), Vec::<String>::new());
    stage.hours(24).run(Job::Create, Lie::Honest);
    stage.hours(24).run(Job::Create, Lie::Honest);
    stage.hours(1).run(Job::Offsite, Lie::Honest);
    stage.hours(1);
    let words = missing(&stage);
    let overdue = words.iter().filter(|words| words.contains("is due since") && words.contains("and still there"));
    assert_eq!((words.len(), overdue.count()), (2, 2), "the first day's source and copy: {words:?}");
}
