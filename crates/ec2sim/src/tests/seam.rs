use super::*;
use crate::call::Action;
use crate::face::Sim;
use crate::faults::{Fault, Ordered};
use crate::world::Stop;
use jiff::SignedDuration;
use snapwarden_exec::cloud::{self, Cloud, ErrorKind, SnapshotQuery};
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Joins futures as FuturesUnordered does: each has its own waker and is polled only when that was woken.
struct Woken {
    flag: AtomicBool,
    parent: Waker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.flag.store(true, Ordering::Relaxed);
        self.parent.wake_by_ref();
    }
}

async fn join(mut futures: Vec<Pin<Box<dyn Future<Output = ()> + '_>>>) -> usize {
    let mut wakers: Vec<Option<Arc<Woken>>> = futures.iter().map(|_| None).collect();
    let (mut done, mut polls) = (vec![false; futures.len()], 0);
    poll_fn(|context| {
        for (n, future) in futures.iter_mut().enumerate() {
            let woken = wakers[n].get_or_insert_with(|| {
                Arc::new(Woken { flag: AtomicBool::new(true), parent: context.waker().clone() })
            });
            if !done[n] && woken.flag.swap(false, Ordering::Relaxed) {
                polls += 1;
                let waker = Waker::from(Arc::clone(woken));
                done[n] = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
            }
        }
        if done.iter().all(|done| *done) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    polls
}

#[test]
fn many_sleepers_wake_in_the_order_of_their_times() {
    let (sim, woken) = (Sim::new(world()), RefCell::new(Vec::new()));
    let start = sim.now();
    let sleepers = (0..1_000_i64).map(|n| {
        let (sim, woken) = (&sim, &woken);
        let seconds = (n * 7_919) % 500;
        let sleep = async move {
            sim.sleep_until(start + SignedDuration::from_secs(seconds)).await;
            assert_eq!(sim.now(), start + SignedDuration::from_secs(seconds));
            woken.borrow_mut().push((seconds, n));
        };
        Box::pin(sleep) as Pin<Box<dyn Future<Output = ()>>>
    });
    let polls = sim.block_on(join(sleepers.collect())).unwrap();
    let woken = woken.into_inner();
    assert!(woken.is_sorted(), "by time, and at one time as they were set");
    assert_eq!(woken.len(), 1_000);
    assert!(polls <= 2_000, "{polls}: nobody is polled who was not woken");
    assert_eq!(sim.now(), start + SignedDuration::from_secs(499));
}

#[test]
fn a_call_takes_its_latency() {
    let sim = Sim::new(world());
    let start = sim.now();
    let account = sim.block_on(sim.account(&here())).unwrap();
    assert_eq!(account.unwrap().as_str(), "123456789012");
    assert_eq!(sim.now(), start + SignedDuration::from_millis(50));
    let quick = sim.with_latency_ms(0);
    quick.block_on(quick.account(&here())).unwrap().unwrap();
    assert_eq!(sim.now(), start + SignedDuration::from_millis(50));
}

#[test]
fn a_sleep_into_the_past_returns_at_once() {
    let sim = Sim::new(world());
    let start = sim.now();
    sim.block_on(sim.sleep_until(start - SignedDuration::from_hours(1))).unwrap();
    assert_eq!(sim.now(), start);
}

#[test]
fn who_stops_waiting_does_not_move_the_clock() {
    let sim = Sim::new(world());
    let start = sim.now();
    let result = sim.block_on(async {
        let mut late = Box::pin(sim.sleep_until(start + SignedDuration::from_hours(9)));
        poll_fn(|context| Poll::Ready(late.as_mut().poll(context).is_pending())).await;
        drop(late);
        sim.sleep_until(start + SignedDuration::from_secs(1)).await;
        std::future::pending::<()>().await;
    });
    assert_eq!(result, None, "nothing will ever wake it");
    assert_eq!(sim.now(), start + SignedDuration::from_secs(1));
}

#[test]
fn a_killed_process_never_returns_although_others_wait() {
    let sim = Sim::new(world());
    sim.with(|world| world.set_stop(Some(Stop { at_call: 0, effect: true })));
    let start = sim.now();
    let reached = RefCell::new(Vec::new());
    let calls = Box::pin(async {
        let _ = sim.account(&here()).await;
        reached.borrow_mut().push("the call returned");
    }) as Pin<Box<dyn Future<Output = ()>>>;
    let sleeper = Box::pin(async {
        sim.sleep_until(start + SignedDuration::from_hours(1)).await;
        reached.borrow_mut().push("the sleeper woke");
    }) as Pin<Box<dyn Future<Output = ()>>>;
    assert_eq!(sim.block_on(join(vec![calls, sleeper])), None);
    assert!(reached.borrow().is_empty(), "{reached:?}");
    assert_eq!(sim.with(|world| world.log().len()), 1);
    sim.with(|world| world.set_stop(None));
    assert!(sim.block_on(sim.account(&here())).unwrap().is_ok(), "the next process lives");
}

#[test]
fn the_whole_seam_works() {
    let mut world = world();
    let (id, volumes) = instance(&mut world, "db", 2);
    let sim = Sim::new(world);
    let run = async {
        assert_eq!(sim.describe_regions(&here()).await.unwrap(), [there(), here()]);
        assert_eq!(sim.describe_instances(&here(), None).await.unwrap().items[0].id, id);
        assert_eq!(sim.describe_volumes(&here(), None).await.unwrap().items.len(), 2);
        let set = sim.create_snapshots(&here(), set_request(&id)).await.unwrap();
        assert_eq!(set.len(), 2);
        sim.sleep_until(sim.now() + SignedDuration::from_hours(1)).await;
        let one = sim.create_snapshot(&here(), &volumes[0], "x", &tags(&[("a", "1")])).await.unwrap();
        assert_eq!(one.volume, volumes[0]);
        sim.create_tags(&here(), std::slice::from_ref(&one.snapshot), &tags(&[("b", "2")])).await.unwrap();
        let copy = sim.copy_snapshot(&there(), copy_request(&set[0].snapshot)).await.unwrap();
        sim.sleep_until(sim.now() + SignedDuration::from_hours(1)).await;
        let ids = SnapshotQuery::Ids(vec![copy.clone()]);
        assert!(sim.describe_snapshots(&there(), ids).await.unwrap().items[0].is_completed());
        sim.delete_snapshot(&here(), &set[0].snapshot).await.unwrap();
        let all = sim.describe_snapshots(&here(), SnapshotQuery::Own { next: None }).await.unwrap();
        assert_eq!(all.items.len(), 2);
    };
    sim.block_on(run).unwrap();
    assert_eq!(sim.calls()[&(here(), cloud::Action::CreateSnapshots)], 1);
    assert_eq!(sim.calls().values().sum::<u64>(), 10);
}

#[test]
fn an_encrypted_source_is_copied_with_its_presigned_url() {
    let mut world = world();
    let new = NewVolume { encrypted: true, ..NewVolume::sized("secret", 10) };
    let volume = world.create_volume(&here(), new).unwrap();
    let source = completed(&mut world, &volume);
    let sim = Sim::new(world);
    let copy = sim.block_on(sim.copy_snapshot(&there(), copy_request(&source))).unwrap().unwrap();
    sim.with(|world| world.advance_by(140));
    assert_eq!(sim.with(|world| state(world, &there(), &copy)), Some(SnapshotState::Completed));
}

#[test]
fn errors_become_what_the_jobs_know_of_them() {
    let sim = Sim::new(world());
    let kind = |fault| {
        sim.with(|world| world.order(&here(), Action::DeleteSnapshot, None, Ordered::Fault(fault)));
        sim.block_on(sim.delete_snapshot(&here(), &"snap-1".parse().unwrap())).unwrap().unwrap_err().kind
    };
    assert_eq!(kind(Fault::Throttled), ErrorKind::Throttled);
    assert_eq!(kind(Fault::NeverConnected), ErrorKind::Unavailable);
    assert_eq!(kind(Fault::ErrorBefore), ErrorKind::Ambiguous);
    assert_eq!(kind(Fault::LostAfter), ErrorKind::Ambiguous);
    let plain = sim.block_on(sim.delete_snapshot(&here(), &"snap-1".parse().unwrap())).unwrap();
    assert_eq!(plain.unwrap_err().kind, ErrorKind::NotFound);
    let mut nobody = Principal::of("123456789012".parse().unwrap());
    nobody.deny.extend(Action::ALL);
    let nobody = sim.with_principal(nobody);
    assert_eq!(nobody.block_on(nobody.account(&here())).unwrap().unwrap_err().kind, ErrorKind::Unauthorized);
}
