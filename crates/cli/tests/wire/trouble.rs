//! Nobody there, nobody answers, nobody lets us: what is said, within which calls, and that nothing is lost.

use std::net::TcpListener;
use std::process::Output;

use snapwarden_core::report::{Outcome, RunReport};

use crate::server::{AWAY, HOME, Server, fleet, snapwarden_at};

fn fails_with(output: &Output, words: &str) {
    let err = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true), "{output:?}");
    assert!(err.contains(words), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn a_refused_connection_is_said_with_the_region() {
    // A port that was free a moment ago, and that nobody listens at.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = snapwarden_at(&format!("http://{address}"), &["run", "create"]).output().unwrap();
    fails_with(&output, "AWS in eu-west-1 did not say which account the credentials belong to");
    fails_with(&output, "NeverConnected");
}

#[test]
fn a_peer_that_hangs_is_given_up_after_the_time_that_was_named() {
    // Connections are taken by the system and never read.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let args = ["run", "create", "--read-timeout", "1"];
    fails_with(&snapwarden_at(&format!("http://{address}"), &args).output().unwrap(), "NoAnswer");
    listener.set_nonblocking(true).unwrap();
    let mut connections = 0;
    while listener.accept().is_ok() {
        connections += 1;
    }
    assert_eq!(connections, 3, "the first call is tried three times");
}

#[test]
fn an_expired_token_is_said_in_awss_words_and_not_tried_again() {
    let server = Server::start(&fleet(1));
    let answer = r#"{"status": 400, "code": "ExpiredToken", "message": "The security token included in the request is expired"}"#;
    let order = format!(r#"{{"region": "{HOME}", "action": "GetCallerIdentity", "answer": {answer}, "count": 9}}"#);
    server.local("fault", Some(&order));
    let output = server.output(&["run", "expire"]);
    fails_with(&output, "The security token included in the request is expired (ExpiredToken)");
    assert_eq!(server.calls(), 1);
}

/// What makes snapshots.
const MAKERS: [&str; 2] = ["CreateSnapshots", "CreateSnapshot"];

/// Lets a run begin and breaks what makes snapshots: what is left fails with `code`. How much that was.
fn broken_in_the_middle(server: &Server, code: &str, break_it: impl Fn(&str)) -> usize {
    let output =
        server.start_and(&["run", "create", "--json"], 8, |_| MAKERS.iter().for_each(|action| break_it(action)));
    let report: RunReport = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2));
    let failed = report.outcomes.iter().filter(|outcome| outcome.to_string().contains(code)).count();
    let done = report.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
    assert!(failed > 0 && failed + done == 120, "{failed} failed, {done} done");
    assert_eq!(server.world().snapshots().count(), done);
    failed
}

#[test]
fn a_permission_that_goes_in_the_middle_of_a_run_fails_what_is_left_and_nothing_is_made_twice() {
    let server = Server::start(&fleet(40));
    let set = |action: &str, allowed: bool| {
        server.local("permission", Some(&format!(r#"{{"action": "{action}", "allowed": {allowed}}}"#)));
    };
    let failed = broken_in_the_middle(&server, "UnauthorizedOperation", |action| set(action, false));
    MAKERS.iter().for_each(|action| set(action, true));
    let again = server.run("create", 0, &[]);
    assert_eq!(again.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count(), failed);
    assert_eq!(server.world().snapshots().count(), 120);
}

#[test]
fn a_token_that_expires_in_the_middle_of_a_run_fails_what_is_left_in_awss_words() {
    let server = Server::start(&fleet(40));
    broken_in_the_middle(&server, "RequestExpired", |action| {
        let answer = r#"{"status": 400, "code": "RequestExpired", "message": "Request has expired."}"#;
        let order = format!(r#"{{"region": "{HOME}", "action": "{action}", "answer": {answer}, "count": 500}}"#);
        server.local("fault", Some(&order));
    });
}

#[test]
fn a_region_that_is_out_is_a_run_that_did_not_go_well() {
    let server = Server::start(&fleet(1));
    server.local("region", Some(&format!("{{\"region\": \"{AWAY}\", \"out\": true}}")));
    let report = server.run("expire", 2, &["--region", HOME, "--region", AWAY]);
    assert!(report.findings.iter().any(|finding| finding.to_string().contains(AWAY)), "{report:?}");
}

#[test]
fn without_a_region_nothing_starts() {
    let server = Server::start(&fleet(1));
    let mut command = server.snapwarden(&["run", "create"]);
    let output = command.env_remove("AWS_REGION").output().unwrap();
    fails_with(&output, "no AWS Region was found; name one with --region");
    assert_eq!(server.calls(), 0);
}

#[test]
fn all_regions_without_their_list_is_no_run() {
    let server = Server::start(&fleet(1));
    server.local("permission", Some("{\"action\": \"DescribeRegions\", \"allowed\": false}"));
    let output = server.output(&["run", "expire", "--all-regions"]);
    fails_with(&output, "AWS in eu-west-1 did not say which Regions are enabled, so name them with --region");
}
