//! S10 through the SDK: the clock is the endpoint's, and without it nothing is believed or changed.

use snapwarden_exec::cloud::{ErrorKind, SnapshotQuery};
use snapwarden_exec::pacing::{CallError, Pacer, Stop};

use super::answers;
use super::*;

const OWN: SnapshotQuery = SnapshotQuery::Own { next: None };

fn seconds(aws: &Aws) -> i64 {
    aws.now().as_second()
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[test]
fn now_is_in_every_answer_good_or_bad() {
    let endpoint = Endpoint::default();
    let aws = endpoint.aws();
    assert!(seconds(&aws) < 3_600, "before the first answer nothing can be due");
    for (reply, now) in [
        (
            Reply::error(503, "RequestLimitExceeded").dated(Some("Sun, 22 Nov 2026 10:00:00 GMT")),
            "2026-11-22T10:00:00Z",
        ),
        (Reply::status(403, "").dated(Some("Sun, 22 Nov 2026 11:00:00 GMT")), "2026-11-22T11:00:00Z"),
        (
            Reply::ok(&answers::snapshots(&[], None)).dated(Some("Tue, 01 Jan 2030 00:00:00 GMT")),
            "2030-01-01T00:00:00Z",
        ),
        (
            Reply::ok(&answers::snapshots(&[], None)).dated(Some("Tue, 01 Jan 2019 00:00:00 GMT")),
            "2019-01-01T00:00:00Z",
        ),
    ] {
        aws.begin();
        endpoint.next(reply);
        let _ = run(aws.describe_snapshots(&home(), OWN));
        assert!((0..60).contains(&(seconds(&aws) - at(now))), "{now}");
    }
    assert_eq!(aws.time_jump(), None);
    // Within one run, and whichever Region says so.
    endpoint.next(Reply::ok(&answers::snapshots(&[], None)).dated(Some("Sun, 22 Nov 2026 10:00:00 GMT")));
    let _ = run(aws.describe_snapshots(&region("us-east-1"), OWN));
    assert!((0..60).contains(&(seconds(&aws) - at("2019-01-01T00:00:00Z"))));
    assert_eq!(aws.time_jump().map(|jump| jump.said.as_second()), Some(at("2026-11-22T10:00:00Z")));
}

#[test]
fn without_a_date_no_answer_is_given_out_and_no_change_is_sent() {
    let endpoint = Endpoint::default();
    let aws = endpoint.aws();
    for date in [None, Some("yesterday")] {
        endpoint.next(Reply::ok(&answers::account("123456789012")).dated(date));
        assert_eq!(code(run(aws.account(&home()))), "NoDate");
    }
    endpoint.forget();
    let snapshot = "snap-1".parse().unwrap();
    let error = run(aws.delete_snapshot(&home(), &snapshot)).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, "NoDate"));
    let vector = vectors::named("plain");
    let copy = snapwarden_exec::cloud::CopyRequest {
        source_region: region(&vector.source_region),
        source: snapshot.clone(),
        description: String::new(),
        tags: tags(&[]),
    };
    assert_eq!(code(run(aws.copy_snapshot(&home(), copy))), "NoDate");
    assert!(endpoint.seen().is_empty());

    endpoint.next(Reply::ok(&answers::account("123456789012")));
    run(aws.account(&home())).unwrap();
    endpoint.next(Reply::ok(&answers::done("DeleteSnapshot")).dated(None));
    run(aws.delete_snapshot(&home(), &snapshot)).unwrap();
    assert!(seconds(&aws) >= at("2026-11-22T10:15:30Z"), "one Date is enough: it moves on");
}

/// A jump that is heard in the middle of a call's tries stops it, and every change after it.
#[test]
fn what_is_tried_again_asks_first_whether_the_time_is_in_doubt() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let far = Reply::error(503, "RequestLimitExceeded").dated(Some("Sun, 22 Nov 2028 10:00:00 GMT"));
    endpoint.next(far);
    let pacer = Pacer::new(&aws, None, Stop::default());
    let snapshot = "snap-1".parse().unwrap();
    let home = home();
    let delete = || pacer.call(&home, Action::DeleteSnapshot, async || aws.delete_snapshot(&home, &snapshot).await);
    assert_eq!(run(delete()), Err(CallError::TimeInDoubt));
    assert_eq!(run(delete()), Err(CallError::TimeInDoubt));
    assert_eq!(endpoint.seen().len(), 1, "the first try, which heard of it");
    let jump = aws.time_jump().unwrap();
    assert_eq!(jump.region, home);
}

#[test]
fn a_time_that_has_come_is_not_waited_for() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    run(aws.sleep_until("2026-11-22T10:15:29Z".parse().unwrap()));
    let soon = aws.now() + jiff::SignedDuration::from_millis(5);
    run(aws.sleep_until(soon));
    assert!(aws.now() >= soon);
}
