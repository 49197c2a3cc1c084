//! The Cloud seam over the world, directly: fast and deterministic, and the driver that moves the world's clock.
//!
//! [`Sim::block_on`] runs one future on one thread. When the future can go no further it moves the clock to the earliest
//! timer that somebody waits for, and wakes him; so a simulated week passes in no time, and always in the same order.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Wake, Waker};

use jiff::{SignedDuration, Timestamp};
use snapwarden_core::ids::{AccountId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Instance, Snapshot, Volume};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::{Begun, Calls, Cloud, CloudError, CopyRequest, Page, SetRequest, SnapshotQuery, TimeJump};

use crate::call::{ApiError, Call, PageRequest, Principal, Reply, SnapshotListing, SnapshotView};
use crate::world::World;

/// Items a page that the seam asks for: EC2's most.
const PAGE_SIZE: u32 = 1_000;

/// Who waits for what time. The number keeps timers of the same time in the order in which they were set.
#[derive(Debug, Default)]
struct Timers {
    set: u64,
    waiting: BTreeMap<(Timestamp, u64), Waker>,
}

/// Somebody beside the caller: lets things happen in the middle of a run, and watches what the caller does and sees.
pub trait Bystander {
    /// A call is about to reach the world.
    fn before(&mut self, world: &mut World, region: &Region, call: &Call);
    /// It has; its caller sees this, unless it was killed. The world's log says what was truly done.
    fn after(&mut self, world: &mut World, region: &Region, call: &Call, seen: &Result<Reply, ApiError>);
}

/// The seam over a world. Clones share the world and its timers.
#[derive(Clone)]
pub struct Sim {
    world: Rc<RefCell<World>>,
    timers: Rc<RefCell<Timers>>,
    principal: Principal,
    latency: SignedDuration,
    /// A Region whose calls take longer.
    slow: Option<(Region, SignedDuration)>,
    bystander: Option<Rc<RefCell<dyn Bystander>>>,
    jump: Option<Rc<Jump>>,
}

/// An answer's time that is not believed.
#[derive(Debug)]
pub(crate) struct Jump {
    told: TimeJump,
    /// Answers until then.
    answers_left: Cell<u64>,
    since: Cell<Option<Timestamp>>,
}

impl Jump {
    fn count(&self, now: Timestamp) {
        let left = self.answers_left.get();
        self.answers_left.set(left.saturating_sub(1));
        if left <= 1 && self.since.get().is_none() {
            self.since.set(Some(now));
        }
    }

    /// From when on a call that arrives was sent while the time was in doubt; none while it is not.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.since.get()
    }
}

impl Sim {
    /// A caller who may do everything; a call takes 50 ms.
    pub fn new(world: World) -> Self {
        let principal = Principal::of(world.account().clone());
        let (world, timers) = (Rc::new(RefCell::new(world)), Rc::default());
        let latency = SignedDuration::from_millis(50);
        Self { world, timers, principal, latency, slow: None, bystander: None, jump: None }
    }

    /// The same world, for a process that somebody watches.
    pub fn with_bystander(&self, bystander: Rc<RefCell<dyn Bystander>>) -> Self {
        Self { bystander: Some(bystander), ..self.clone() }
    }

    /// The same world, for another caller.
    pub fn with_principal(&self, principal: Principal) -> Self {
        Self { principal, ..self.clone() }
    }

    /// The same world, with calls that take so long.
    pub fn with_latency_ms(&self, latency_ms: u32) -> Self {
        Self { latency: SignedDuration::from_millis(i64::from(latency_ms)), ..self.clone() }
    }

    /// The same world, with calls that take so long in one Region, which answers them all.
    pub fn with_slow_region(&self, region: &Region, latency_ms: u32) -> Self {
        Self { slow: Some((region.clone(), SignedDuration::from_millis(i64::from(latency_ms)))), ..self.clone() }
    }

    /// The same world, for a run in which the time of its `nth` answer is not believed, or from its start where that is 0.
    pub fn with_time_jump(&self, said: Timestamp, nth: u64) -> Self {
        let expected = self.with(|world| world.now());
        let since = Cell::new((nth == 0).then_some(expected));
        let region = self.with(|world| world.regions().next().cloned());
        let told = region.map(|region| TimeJump { region, said, expected });
        let jump = told.map(|told| Rc::new(Jump { told, answers_left: Cell::new(nth), since }));
        Self { jump, ..self.clone() }
    }

    pub(crate) fn jump(&self) -> Option<Rc<Jump>> {
        self.jump.clone()
    }

    /// Looks into the world, or changes it.
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.borrow_mut())
    }

    /// Runs a future to its end; none where the calling process was killed, or waits for what never comes.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut driven = pin!(self.drive(future, || false));
        // It wakes itself: what it drives waits for the world's clock alone.
        match driven.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => unreachable!("nothing is waited for but the world's clock"),
        }
    }

    /// The same for a future that waits for something else as well, as for a socket: while `is_busy`, time stands still.
    pub async fn drive<T>(&self, future: impl Future<Output = T>, is_busy: impl Fn() -> bool) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|context| {
            let flag = Arc::new(Flag { woken: AtomicBool::new(true), outer: context.waker().clone() });
            let waker = Waker::from(Arc::clone(&flag));
            loop {
                while flag.woken.swap(false, Ordering::Relaxed) {
                    let polled = future.as_mut().poll(&mut std::task::Context::from_waker(&waker));
                    if self.with(|world| world.is_killed()) {
                        return Poll::Ready(None);
                    }
                    if let Poll::Ready(result) = polled {
                        return Poll::Ready(Some(result));
                    }
                }
                if is_busy() {
                    return Poll::Pending;
                }
                if self.wake_earliest().is_none() {
                    return Poll::Ready(None);
                }
            }
        })
        .await
    }

    /// Moves the clock to the earliest timer and wakes all that wait for that time; none where nobody waits.
    fn wake_earliest(&self) -> Option<()> {
        let earliest = self.timers.borrow().waiting.first_key_value().map(|(key, _)| key.0)?;
        let now = self.with(|world| {
            world.advance_to(earliest);
            world.now()
        });
        loop {
            let mut timers = self.timers.borrow_mut();
            match timers.waiting.first_key_value() {
                Some(((time, _), _)) if *time <= now => {}
                _ => return Some(()),
            }
            let woken = timers.waiting.pop_first();
            // A waker may set or drop timers: it runs without the borrow.
            drop(timers);
            if let Some((_, waker)) = woken {
                waker.wake();
            }
        }
    }

    fn sleep(&self, until: Timestamp) -> Sleep {
        Sleep { world: Rc::clone(&self.world), timers: Rc::clone(&self.timers), until, number: None }
    }

    /// Waits for as long as a call is on its way.
    pub async fn travel(&self, region: &Region) {
        let slow = self.slow.as_ref().filter(|(slow, _)| slow == region);
        let latency = slow.map_or(self.latency, |(_, latency)| *latency);
        if !latency.is_zero() {
            let arrives = self.now().checked_add(latency).unwrap_or(Timestamp::MAX);
            self.sleep(arrives).await;
        }
    }

    async fn ask(&self, region: &Region, call: Call) -> Result<Reply, CloudError> {
        self.travel(region).await;
        let result = self.arrive(region, call);
        if let Some(jump) = &self.jump {
            // A call that was on its way by then arrives all the same.
            jump.count(self.with(|world| world.now()) + self.latency);
        }
        if self.with(|world| world.is_killed()) {
            std::future::pending::<()>().await;
        }
        result.map_err(cloud_error)
    }

    /// The call reaches the world, at once.
    pub(crate) fn arrive(&self, region: &Region, call: Call) -> Result<Reply, ApiError> {
        let world = &mut self.world.borrow_mut();
        let Some(bystander) = &self.bystander else { return world.call(&self.principal, region, call) };
        let mut bystander = bystander.borrow_mut();
        bystander.before(world, region, &call);
        let result = world.call(&self.principal, region, call.clone());
        bystander.after(world, region, &call, &result);
        result
    }

    /// Who calls.
    #[cfg(feature = "http")]
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }
}

/// Set when the future wants to be polled; whoever polls the driver is told too.
struct Flag {
    woken: AtomicBool,
    outer: Waker,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.outer.wake_by_ref();
    }
}

/// Waits for a time of the world.
struct Sleep {
    world: Rc<RefCell<World>>,
    timers: Rc<RefCell<Timers>>,
    until: Timestamp,
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<()> {
        if self.world.borrow().now() >= self.until {
            return Poll::Ready(());
        }
        let timers = Rc::clone(&self.timers);
        let mut timers = timers.borrow_mut();
        let number = *self.number.get_or_insert_with(|| {
            timers.set += 1;
            timers.set
        });
        timers.waiting.insert((self.until, number), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    /// Nobody waits any longer: the clock must not stop at this time.
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.timers.borrow_mut().waiting.remove(&(self.until, number));
        }
    }
}

fn cloud_error(error: ApiError) -> CloudError {
    match error {
        ApiError::Answer { status, code, message } => CloudError::of_answer(&code, status, &message),
        ApiError::NeverConnected(message) => CloudError::never_connected(message),
        ApiError::NoAnswer(message) => CloudError::no_answer(message),
    }
}

fn page_request(next: Option<String>) -> PageRequest {
    PageRequest { next, max_results: Some(PAGE_SIZE) }
}

fn page_of<V, T>(page: Page<V>, item: impl FnMut(V) -> T) -> Page<T> {
    Page { items: page.items.into_iter().map(item).collect(), next: page.next }
}

fn begun(view: SnapshotView) -> Begun {
    Begun { snapshot: view.snapshot.id, volume: view.snapshot.volume_id }
}

/// The world answers every call with its own reply.
macro_rules! reply {
    ($pattern:pat = $reply:expr) => {
        let $pattern = $reply else { unreachable!("a call is answered by its own reply") };
    };
}

impl Cloud for Sim {
    fn now(&self) -> Timestamp {
        self.world.borrow().now()
    }

    async fn sleep_until(&self, time: Timestamp) {
        self.sleep(time).await;
    }

    fn calls(&self) -> Calls {
        let world = self.world.borrow();
        let of_the_seam =
            |(region, action): &(Region, crate::call::Action)| Some((region.clone(), action.of_the_seam()?));
        world.counts().iter().filter_map(|(key, count)| Some((of_the_seam(key)?, *count))).collect()
    }

    fn begin(&self) {}

    fn time_jump(&self) -> Option<TimeJump> {
        let jump = self.jump.as_ref().filter(|jump| jump.since().is_some());
        jump.map(|jump| jump.told.clone())
    }

    async fn account(&self, region: &Region) -> Result<AccountId, CloudError> {
        reply!(Reply::Account(account) = self.ask(region, Call::GetCallerIdentity).await?);
        Ok(account)
    }

    async fn describe_regions(&self, region: &Region) -> Result<Vec<Region>, CloudError> {
        reply!(Reply::Regions(regions) = self.ask(region, Call::DescribeRegions).await?);
        Ok(regions)
    }

    async fn describe_instances(&self, region: &Region, next: Option<String>) -> Result<Page<Instance>, CloudError> {
        reply!(Reply::Instances(page) = self.ask(region, Call::DescribeInstances(page_request(next))).await?);
        Ok(page_of(page, |view| view.instance))
    }

    async fn describe_volumes(&self, region: &Region, next: Option<String>) -> Result<Page<Volume>, CloudError> {
        reply!(Reply::Volumes(page) = self.ask(region, Call::DescribeVolumes(page_request(next))).await?);
        Ok(page_of(page, |view| view.volume))
    }

    async fn describe_snapshots(&self, region: &Region, query: SnapshotQuery) -> Result<Page<Snapshot>, CloudError> {
        let listing = match query {
            SnapshotQuery::Own { next } => SnapshotListing::Own(page_request(next)),
            SnapshotQuery::Ids(ids) => SnapshotListing::Ids(ids),
        };
        reply!(Reply::Snapshots(page) = self.ask(region, Call::DescribeSnapshots(listing)).await?);
        Ok(page_of(page, |view| view.snapshot))
    }

    async fn create_snapshot(
        &self,
        region: &Region,
        volume: &VolumeId,
        description: &str,
        tags: &Tags,
    ) -> Result<Begun, CloudError> {
        let (volume, description, tags) = (volume.clone(), description.to_owned(), tags.clone());
        reply!(Reply::Begun(view) = self.ask(region, Call::CreateSnapshot { volume, description, tags }).await?);
        Ok(begun(view))
    }

    async fn create_snapshots(&self, region: &Region, request: SetRequest) -> Result<Vec<Begun>, CloudError> {
        reply!(Reply::Set(views) = self.ask(region, Call::CreateSnapshots(request)).await?);
        Ok(views.into_iter().map(begun).collect())
    }

    async fn copy_snapshot(&self, destination: &Region, request: CopyRequest) -> Result<SnapshotId, CloudError> {
        let call = Call::CopySnapshot { request, encrypted: false, presigned: true };
        reply!(Reply::Copied { snapshot, .. } = self.ask(destination, call).await?);
        Ok(snapshot)
    }

    async fn delete_snapshot(&self, region: &Region, snapshot: &SnapshotId) -> Result<(), CloudError> {
        let call = Call::DeleteSnapshot { snapshot: snapshot.clone() };
        reply!(Reply::Deleted = self.ask(region, call).await?);
        Ok(())
    }

    async fn create_tags(&self, region: &Region, snapshots: &[SnapshotId], tags: &Tags) -> Result<(), CloudError> {
        let resources = snapshots.iter().cloned().map(Into::into).collect();
        reply!(Reply::Tagged = self.ask(region, Call::CreateTags { resources, tags: tags.clone() }).await?);
        Ok(())
    }
}
