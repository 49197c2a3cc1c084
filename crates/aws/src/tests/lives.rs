//! Simulated lives over the wire: the jobs reach the world through the SDK, a socket, and the HTTP face, and the same rules
//! are checked at every call.
//!
//! Only the pauses are the simulator's: a job that sleeps until tomorrow wakes as soon as nothing is on its way. One call
//! travels at a time, so that a life here goes as the same seed's does without a wire.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::config::SharedHttpClient;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::ids::{AccountId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, Volume};
use snapwarden_core::tags::Tags;
use snapwarden_ec2sim::Sim;
use snapwarden_ec2sim::drive::{Kind, Lived, Options, Ran, Road, live, live_over};
use snapwarden_ec2sim::http::serve_beside;
use snapwarden_exec::cloud::{Begun, Calls, Cloud, CloudError, CopyRequest, Page, SetRequest, SnapshotQuery, TimeJump};
use snapwarden_exec::run::{Quiet, RunOptions, run};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use super::home;
use crate::https::Https;
use crate::{ANSWER_MAX_DEFAULT, Aws};

/// Lives in CI, by seed: with the trace of the same life without a wire, and with every kind of trouble. In the first ones no
/// call is throttled: which of those under way took its turn before such an answer comes, only the wire knows.
const SAME_SEEDS: [u64; 2] = [13, 58];
const OTHER_SEEDS: std::ops::Range<u64> = 21..26;
/// A `Date` counts whole seconds, and may be two behind the clock without setting it back.
const OFF_MAX: SignedDuration = SignedDuration::from_secs(4);
/// By how much the world's clock may go on at once and still be believed by a run whose own clock goes steadily.
const PAUSE_MAX: SignedDuration = SignedDuration::from_secs(30);

/// The SDK and the HTTP face, on a socket of this machine.
struct Wire {
    runtime: Runtime,
}

impl Wire {
    fn new() -> Self {
        Self { runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap() }
    }

    async fn run_all(processes: &[(RunOptions, Sim)]) -> Vec<Ran> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = |n: usize| format!("AKIAPROCESS{n:09}");
        let callers: BTreeMap<_, _> = processes.iter().enumerate().map(|(n, (_, sim))| (key(n), sim.clone())).collect();
        tokio::task::spawn_local(serve_beside(listener, callers));
        let (on_its_way, turn) = (Rc::new(Cell::new(0)), Rc::new(tokio::sync::Mutex::new(())));
        let wired: Vec<_> = processes
            .iter()
            .enumerate()
            .map(|(n, (options, sim))| {
                let aws = aws(&url, &key(n));
                (options, Wired { aws, sim, on_its_way: Rc::clone(&on_its_way), turn: Rc::clone(&turn) })
            })
            .collect();
        let all = join_all(wired.iter().map(|(options, cloud)| run(cloud, options, &Quiet)));
        match processes[0].1.drive(all, || on_its_way.get() > 0).await {
            Some(results) => results.into_iter().map(Some).collect(),
            None => processes.iter().map(|_| None).collect(),
        }
    }
}

impl Road for Wire {
    fn run(&self, processes: &[(RunOptions, Sim)]) -> Vec<Ran> {
        // What is left of the server and of its connections ends with the set.
        LocalSet::new().block_on(&self.runtime, Self::run_all(processes))
    }
}

fn aws(url: &str, key: &str) -> Aws {
    let credentials = Credentials::new(key, "secret", None, None, "test");
    let provider = SharedCredentialsProvider::new(credentials.clone());
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(provider.clone())
        .endpoint_url(url)
        .http_client(SharedHttpClient::new(Https::default()))
        .build();
    Aws::over(&sdk, provider, home(), ANSWER_MAX_DEFAULT).keeping(credentials)
}

/// EC2 by wire, with the world's clock for pauses.
struct Wired<'a> {
    aws: Aws,
    sim: &'a Sim,
    on_its_way: Rc<Cell<usize>>,
    turn: Rc<tokio::sync::Mutex<()>>,
}

/// A call, while it is on its way. A read may be dropped in the middle.
struct OnItsWay<'a>(&'a Cell<usize>);

impl<'a> OnItsWay<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Wired<'_> {
    async fn send<T>(&self, call: impl Future<Output = Result<T, CloudError>>) -> Result<T, CloudError> {
        self.sim.travel(&home()).await;
        let on_its_way = OnItsWay::new(&self.on_its_way);
        let turn = self.turn.lock().await;
        // The world's clock goes by its pauses, and this machine's steady one does not: no answer would be believed.
        if self.aws.now().duration_since(self.sim.now()).abs() > PAUSE_MAX {
            self.aws.begin();
        }
        let sent = self.sim.now();
        let answer = call.await;
        drop(turn);
        drop(on_its_way);
        if answer.is_ok() && self.sim.now().duration_since(sent) <= PAUSE_MAX {
            // S10: what the answers' Date says is the world's time.
            let off = self.aws.now().duration_since(self.sim.now()).abs();
            assert!(off <= OFF_MAX, "EC2's clock is off by {off:#}");
        }
        answer
    }
}

impl Cloud for Wired<'_> {
    fn now(&self) -> Timestamp {
        self.sim.now()
    }

    async fn sleep_until(&self, time: Timestamp) {
        self.sim.sleep_until(time).await;
    }

    fn calls(&self) -> Calls {
        self.sim.calls()
    }

    fn begin(&self) {}

    fn time_jump(&self) -> Option<TimeJump> {
        self.sim.time_jump()
    }

    async fn account(&self, region: &Region) -> Result<AccountId, CloudError> {
        self.send(self.aws.account(region)).await
    }

    async fn describe_regions(&self, region: &Region) -> Result<Vec<Region>, CloudError> {
        self.send(self.aws.describe_regions(region)).await
    }

    async fn describe_instances(&self, region: &Region, next: Option<String>) -> Result<Page<Instance>, CloudError> {
        self.send(self.aws.describe_instances(region, next)).await
    }

    async fn describe_volumes(&self, region: &Region, next: Option<String>) -> Result<Page<Volume>, CloudError> {
        self.send(self.aws.describe_volumes(region, next)).await
    }

    async fn describe_snapshots(&self, region: &Region, query: SnapshotQuery) -> Result<Page<Snapshot>, CloudError> {
        self.send(self.aws.describe_snapshots(region, query)).await
    }

    async fn create_snapshot(
        &self,
        region: &Region,
        volume: &VolumeId,
        description: &str,
        tags: &Tags,
    ) -> Result<Begun, CloudError> {
        self.send(self.aws.create_snapshot(region, volume, description, tags)).await
    }

    async fn create_snapshots(&self, region: &Region, request: SetRequest) -> Result<Vec<Begun>, CloudError> {
        self.send(self.aws.create_snapshots(region, request)).await
    }

    async fn copy_snapshot(&self, destination: &Region, request: CopyRequest) -> Result<SnapshotId, CloudError> {
        self.send(self.aws.copy_snapshot(destination, request)).await
    }

    async fn delete_snapshot(&self, region: &Region, snapshot: &SnapshotId) -> Result<(), CloudError> {
        self.send(self.aws.delete_snapshot(region, snapshot)).await
    }

    async fn create_tags(&self, region: &Region, snapshots: &[SnapshotId], tags: &Tags) -> Result<(), CloudError> {
        self.send(self.aws.create_tags(region, snapshots, tags)).await
    }
}

fn whole(lived: &Lived, options: &Options) {
    assert_eq!(lived.trouble, None, "snapwarden simulate --seed {} --days {} --trace", options.seed, options.days);
    assert!(lived.runs > 100 && lived.created > 0, "{lived:?}");
}

/// What looks otherwise over a wire: a socket tells a connection that was never made from a lost answer only at its own
/// end, and the SDK's second look may come in several pages. Nor has EC2 words for a device of an instance store:
/// the seeds have none.
fn is_the_same(kind: &Kind) -> bool {
    !matches!(kind, Kind::NeverConnected | Kind::RegionOut | Kind::EmptyPage)
}

#[test]
fn a_life_over_the_wire_is_the_life_of_its_seed_call_by_call() {
    let kinds: BTreeSet<Kind> = Kind::ALL.into_iter().filter(is_the_same).collect();
    let wire = Wire::new();
    for seed in SAME_SEEDS {
        let options = Options { days: 20, trace: true, kinds: Some(kinds.clone()), ..Options::of_seed(seed) };
        let (here, there) = (live(&options), live_over(&options, &wire));
        whole(&here, &options);
        assert!(here.trace.contains("a page has 1000 items"), "seed {seed} has small pages");
        for (one, other) in here.trace.lines().zip(there.trace.lines()) {
            assert_eq!(one, other, "seed {seed}");
        }
        assert_eq!(here.trace.len(), there.trace.len(), "seed {seed}");
    }
}

#[test]
fn lives_over_the_wire_break_no_rule_and_come_right() {
    let wire = Wire::new();
    for seed in OTHER_SEEDS {
        let options = Options { days: 20, ..Options::of_seed(seed) };
        whole(&live_over(&options, &wire), &options);
    }
}
