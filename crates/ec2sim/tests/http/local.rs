//! The local requests beside the protocol.

use serde_json::json;
use snapwarden_ec2sim::http::Clock;

use crate::client::{AWAY, HOME, NOW, Server};

#[test]
fn a_stopped_clock_moves_by_order_and_never_back() {
    let server = Server::start();
    let (_, clock) = server.local("clock", None);
    assert_eq!(clock, json!({ "now": NOW, "clock": "stopped", "next_event": null }));
    server.ok("Action=CreateSnapshot&VolumeId=vol-0001");
    assert_eq!(server.local("clock", None).1["next_event"], "2026-11-22T03:01:08Z");
    let to = server.order("clock", r#"{"to": "2026-11-23T00:00:00Z"}"#);
    assert_eq!(to["now"], "2026-11-23T00:00:00Z");
    for body in ["{}", r#"{"to": "2026-11-22T00:00:00Z"}"#, r#"{"advance_seconds": -1}"#, r#"{"seconds": 1}"#, "", "[]"]
    {
        let (status, answer) = server.local("clock", Some(body));
        assert_eq!(status, 400, "{body}");
        assert!(answer["error"].is_string());
    }
    assert_eq!(server.ok("Action=DescribeRegions").header("date"), Some("mon, 23 nov 2026 00:00:00 gmt"));
}

#[test]
fn a_running_clock_goes_on_by_itself() {
    let server = Server::with(Clock::Running, |_| ());
    let now = || server.local("clock", None).1["now"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let first = now();
    assert!(first >= NOW.parse().unwrap());
    server.order("clock", r#"{"advance_seconds": 86400}"#);
    let second = now();
    assert!(second.as_second() - first.as_second() >= 86_400, "{first} {second}");
    assert!(now() > second);
}

#[test]
fn faults_are_ordered_for_the_next_calls() {
    let server = Server::start();
    let order = |fault: &str| {
        server.order(
            "fault",
            &format!(r#"{{"region": "{HOME}", "action": "CreateSnapshot", "subject": "vol-0004", {fault}}}"#),
        )
    };
    let create = "Action=CreateSnapshot&VolumeId=vol-0004";
    let made = || {
        server.ok("Action=DescribeSnapshots&Filter.1.Name=volume-id&Filter.1.Value.1=vol-0004").all("snapshotId").len()
    };
    order(r#""fault": "throttled""#);
    assert_eq!(server.code(create), (503, "RequestLimitExceeded".to_owned()));
    order(r#""fault": "error_before""#);
    assert_eq!(server.code(create), (500, "InternalError".to_owned()));
    order(r#""fault": "lost_before""#);
    assert!(server.try_post(HOME, create).is_none());
    order(r#""answer": {"status": 400, "code": "SnapshotLocked", "message": "no <b>"}"#);
    assert_eq!(server.call(create).one("Message"), "no &lt;b&gt;");
    assert_eq!(made(), 0);
    order(r#""fault": "lost_after""#);
    assert!(server.try_post(HOME, create).is_none());
    assert_eq!(made(), 1, "it happened, though nobody was told");
}

#[test]
fn keys_regions_permissions_and_config_can_be_switched() {
    let server = Server::start();
    server.order("key", &format!(r#"{{"region": "{AWAY}", "broken": true}}"#));
    server.order("config", r#"{"base_s": 1, "per_gib_s": 0, "page_size": 5}"#);
    let copy = format!("Action=CopySnapshot&SourceRegion={HOME}&SourceSnapshotId=snap-0001");
    server.ok_in(AWAY, &copy);
    server.order("clock", r#"{"advance_seconds": 2}"#);
    assert_eq!(server.ok_in(AWAY, "Action=DescribeSnapshots").one("statusMessage"), "Given key ID is not accessible");
    server.order("permission", r#"{"action": "DescribeSnapshots", "region": "eu-west-1", "allowed": false}"#);
    assert_eq!(server.code("Action=DescribeSnapshots"), (403, "UnauthorizedOperation".to_owned()));
    server.ok_in(AWAY, "Action=DescribeSnapshots");
    server.order("permission", r#"{"action": "DescribeSnapshots", "region": "eu-west-1", "allowed": true}"#);
    server.ok("Action=DescribeSnapshots");
}

#[test]
fn the_truth_and_the_calls_can_be_read() {
    let server = Server::start();
    server.ok("Action=DescribeVolumes");
    server.ok("Action=DescribeVolumes");
    assert_eq!(server.local("calls", None).1, json!([{ "region": HOME, "action": "DescribeVolumes", "count": 2 }]));
    let (_, world) = server.local("world", None);
    let truth = server.stop().truth();
    assert_eq!(serde_json::from_value::<snapwarden_core::inventory::Inventory>(world).unwrap(), truth);
}

#[test]
fn odd_local_requests_are_refused() {
    let server = Server::start();
    assert_eq!(server.local("nothing", None).0, 404);
    assert_eq!(server.local("config", None).0, 405);
    assert_eq!(server.local("world", Some("{}")).0, 405);
    for (name, body) in [
        ("region", r#"{"region": "us-east-1", "out": true}"#),
        ("region", r#"{"region": "eu-west-1", "gone": true}"#),
        ("key", r#"{"broken": true}"#),
        ("permission", r#"{"action": "DescribeVpcs", "allowed": true}"#),
        ("fault", r#"{"region": "eu-west-1", "action": "DescribeVolumes"}"#),
        (
            "fault",
            r#"{"region": "eu-west-1", "action": "DescribeVolumes", "answer": {"status": 200, "code": "", "message": ""}}"#,
        ),
        ("config", r#"{"page_size": -1}"#),
    ] {
        assert_eq!(server.local(name, Some(body)).0, 400, "{name} {body}");
    }
    let plain = server.request("POST /_snapwarden/clock HTTP/1.1\r\nContent-Type: text/plain").unwrap();
    assert_eq!(plain.status, 415, "no web page can send this");
}
