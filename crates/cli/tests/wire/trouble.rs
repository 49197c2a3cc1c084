//! Nobody there, nobody answers, nobody lets us: what is said, within which calls, and that nothing is lost.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use snapwarden_core::report::RunReport;

use crate::people::send;
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

/// A program that gives out credentials, and never does: a signal ends the wait for it.
#[test]
fn a_run_that_waits_for_its_credentials_ends_at_a_signal() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("credentials");
    drop(std::fs::remove_dir_all(&dir));
    std::fs::create_dir_all(&dir).unwrap();
    let [begun, end, config] = ["begun", "end", "config"].map(|name| dir.join(name));
    assert!(Command::new("mkfifo").arg(&end).status().unwrap().success());
    // Open for both: opening waits for nobody, and the program ends when this is closed.
    let _end = File::options().read(true).write(true).open(&end).unwrap();
    let program = format!("sh -c 'echo > {} && cat {}'", begun.display(), end.display());
    std::fs::write(&config, format!("[profile slow]\ncredential_process = {program}\n")).unwrap();
    let mut command = snapwarden_at("http://127.0.0.1:9", &["run", "create", "--profile", "slow"]);
    for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env_remove(key);
    }
    let mut child = command.env("AWS_CONFIG_FILE", &config).spawn().unwrap();
    while !begun.exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it asked for credentials");
        std::thread::yield_now();
    }
    send("-TERM", &child);
    assert_eq!(child.wait().unwrap().code(), Some(143));
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

/// Of 40 instances the first eight get their snapshots, then whatever makes some is answered with `code`.
fn broken_in_the_middle(server: &Server, status: u16, code: &str) {
    let break_it = |action: &str, subject: String| {
        let answer = format!(r#"{{"status": {status}, "code": "{code}", "message": "No longer."}}"#);
        let call = format!(r#""region": "{HOME}", "action": "{action}", "subject": "{subject}""#);
        server.local("fault", Some(&format!(r#"{{{call}, "answer": {answer}}}"#)));
    };
    for n in 8..40 {
        break_it("CreateSnapshots", format!("i-{n:04}"));
        ["a", "b", "c"].iter().for_each(|volume| break_it("CreateSnapshot", format!("vol-{n:04}{volume}")));
    }
    let report = server.run("create", 2, &[]);
    let failed = report.outcomes.iter().filter(|outcome| outcome.to_string().contains(code)).count();
    assert_eq!((failed, done(&report)), (96, 24), "{report:?}");
    assert_eq!(server.world().snapshots().count(), 24);
}

fn done(report: &RunReport) -> usize {
    report.outcomes.iter().filter(|outcome| outcome.is_done()).count()
}

#[test]
fn a_permission_that_goes_in_the_middle_of_a_run_fails_what_is_left_and_nothing_is_made_twice() {
    let server = Server::start(&fleet(40));
    broken_in_the_middle(&server, 403, "UnauthorizedOperation");
    assert_eq!(done(&server.run("create", 0, &[])), 96);
    assert_eq!(server.world().snapshots().count(), 120);
}

#[test]
fn a_token_that_expires_in_the_middle_of_a_run_fails_what_is_left_in_awss_words() {
    broken_in_the_middle(&Server::start(&fleet(40)), 400, "RequestExpired");
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
