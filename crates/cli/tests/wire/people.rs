//! What people do beside the jobs: keep, unkeep, doctor, a plan before a run, Ctrl-C.

use std::process::{Child, Command, Output};

use snapwarden_core::decision::{Finding, Problem};
use snapwarden_core::report::{Deferred, Outcome, RunReport};
use snapwarden_core::tags::key;

use crate::server::{AWAY, HOME, Server, fleet};

/// One instance, backed up and copied; the ids of a snapshot and of its copy.
fn copied() -> (Server, String, String) {
    let server = Server::start(&fleet(1));
    let _ = server.run("create", 0, &[]);
    server.advance(3_600);
    let _ = server.run("offsite", 0, &[]);
    server.advance(3_600);
    let world = server.world();
    let (_, copy) = world.snapshots().find(|(region, _)| region.as_str() == AWAY).unwrap();
    let source = copy.tags.get(key::SOURCE_SNAPSHOT_ID).unwrap().to_owned();
    (server, source, copy.id.to_string())
}

fn pinned(server: &Server) -> Vec<String> {
    let world = server.world();
    let pinned = world.snapshots().filter(|(_, snapshot)| snapshot.tags.keep_forever());
    pinned.map(|(region, snapshot)| format!("{region} {}", snapshot.id)).collect()
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let read = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), read(&output.stdout), read(&output.stderr))
}

#[test]
fn keep_pins_a_snapshot_and_its_copies_and_unkeep_lets_both_go() {
    let (server, source, copy) = copied();
    let (code, out, err) = text(&server.output(&["keep", &source, "--reason", "before the upgrade"]));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out.matches("tagged KeepForever=\"before the upgrade\"").count(), 2, "{out}");
    assert!(out.contains(&format!("copy of {source}")), "{out}");
    assert_eq!(pinned(&server), [format!("{AWAY} {copy}"), format!("{HOME} {source}")]);
    let (code, out, _) = text(&server.output(&["keep", &source]));
    assert_eq!((code, out.matches("was kept already").count()), (Some(0), 2), "{out}");
    // A year later neither goes, though all the others do.
    server.advance(365 * 86_400);
    let args = ["--region", HOME, "--region", AWAY];
    let report = server.run("expire", 0, &args);
    let kept: Vec<_> = report.items().filter(|(decision, _)| decision.reason.word() == "KeepForever").collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(pinned(&server).len(), 2);
    let (code, out, _) = text(&server.output(&["unkeep", &source]));
    assert_eq!((code, out.matches("KeepForever taken off").count()), (Some(0), 2), "{out}");
    assert_eq!(pinned(&server), Vec::<String>::new());
}

#[test]
fn a_copy_is_kept_alone_and_found_wherever_it_is() {
    let (server, _, copy) = copied();
    let (code, out, _) = text(&server.output(&["keep", &copy, "--json"]));
    let done: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, done["snapshots"].as_array().unwrap().len()), (Some(0), 1), "{out}");
    assert_eq!(pinned(&server), [format!("{AWAY} {copy}")]);
}

#[test]
fn keep_says_where_it_could_not_look() {
    let (server, source, copy) = copied();
    server.local("region", Some(&format!("{{\"region\": \"{AWAY}\", \"out\": true}}")));
    let (code, out, _) = text(&server.output(&["keep", &source]));
    assert_eq!(code, Some(2), "{out}");
    assert!(out.contains("Not looked at, so a copy there is as it was:\n  eu-central-1: "), "{out}");
    assert_eq!(pinned(&server), [format!("{HOME} {source}")], "{copy} is out of reach");
    let (code, out, err) = text(&server.output(&["keep", &copy]));
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("was found in no Region that could be looked at (not looked at: eu-central-1"), "{err}");
}

#[test]
fn keep_leaves_what_is_not_ours_alone() {
    let fleet = fleet(1)
        + "[[snapshot]]\nregion = \"eu-west-1\"\nid = \"snap-0001\"\nvolume = \"vol-0000a\"\nbegun = \"2d ago\"\n";
    let server = Server::start(&fleet);
    let (code, _, err) = text(&server.output(&["keep", "snap-0001"]));
    assert_eq!(code, Some(1));
    assert!(
        err.contains("not managed, so no job touches it: it has no tag Type=Automated; nothing was changed"),
        "{err}"
    );
    assert_eq!(pinned(&server), Vec::<String>::new());
}

#[test]
fn doctor_names_each_permission_and_what_does_not_work_without_it() {
    let (server, ..) = copied();
    let before = server.world();
    let (code, out, err) = text(&server.output(&["doctor"]));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert_eq!(out.matches("eu-west-1  allowed\n").count(), 10, "{out}");
    for (check, then) in [
        ("CreateSnapshots", "each volume is backed up by itself"),
        ("DeleteSnapshot", "nothing expires and no source is removed"),
        ("CopySnapshot", "no copies are made to here"),
        ("DescribeVolumes", "no snapshots are made here"),
        ("CreateTags", "copies are not mended"),
        ("CreateTags of snapwarden:closed", "the manager closes nothing"),
    ] {
        let action = check.split(' ').next().unwrap();
        let order = |allowed| format!("{{\"action\": \"{action}\", \"allowed\": {allowed}}}");
        server.local("permission", Some(&order(false)));
        let (code, out, _) = text(&server.output(&["doctor"]));
        server.local("permission", Some(&order(true)));
        let line = out.lines().find(|line| line.contains(&format!("ec2:{check}  "))).unwrap();
        assert!(code == Some(2) && line.starts_with("MISSING") && line.contains(then), "{out}");
    }
    assert_eq!(server.world(), before, "nothing was changed");
}

#[test]
fn doctor_without_an_account_says_that_no_job_can_start() {
    let server = Server::start(&fleet(1));
    server.local("permission", Some("{\"action\": \"GetCallerIdentity\", \"allowed\": false}"));
    let (code, out, _) = text(&server.output(&["doctor"]));
    assert_eq!(code, Some(2));
    assert!(out.contains("no job can start"), "{out}");
}

#[test]
fn what_would_be_deleted_is_shown_before_anything_is_done() {
    let (server, ..) = copied();
    server.advance(40 * 86_400);
    let _ = server.run("create", 0, &[]);
    server.advance(3_600);
    let (code, out, err) = text(&server.output(&["run", "expire", "--json"]));
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(err.matches("  delete  snap-").count(), 3, "{err}");
    assert!(err.contains("3 to delete"), "{err}");
    let report: RunReport = serde_json::from_str(&out).unwrap();
    assert_eq!(report.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count(), 3);
}

#[test]
fn plan_and_explain_see_an_endpoint_as_run_does() {
    let (server, source, copy) = copied();
    let (code, out, _) = text(&server.output(&["plan", "offsite", "--only-changes"]));
    assert_eq!(code, Some(0));
    assert!(out.contains("3 to stamp") && out.contains(&format!("eu-central-1:{copy}")), "{out}");
    let (code, out, _) = text(&server.output(&["explain", &source]));
    assert_eq!(code, Some(0));
    assert!(out.contains("verified now: ") && out.contains(&copy), "{out}");
    let (_, out, _) = text(&server.output(&["explain", &copy]));
    assert!(
        out.contains("nothing is planned in eu-central-1, which was read for copies only; name its Region"),
        "{out}"
    );
    let (code, _, err) = text(&server.output(&["plan", "create", "--region", HOME, "--region", "eu-north-1"]));
    assert_eq!(code, Some(1));
    assert!(err.contains("the Region eu-north-1 does not exist or is not enabled in this account"), "{err}");
    let (code, out, _) = text(&server.output(&["plan", "expire", "--all-regions"]));
    assert_eq!(code, Some(0));
    assert!(out.starts_with("Snapshots to expire: account 123456789012, eu-central-1, eu-west-1, us-east-1,"), "{out}");
}

pub(crate) fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn ctrl_c_finishes_what_is_in_flight_reports_and_leaves_the_rest() {
    // More instances than calls go out in one burst: however late the signal comes, some still wait for their turn.
    let server = Server::start(&fleet(110));
    let output = server.start_and(&["run", "create", "--json"], 60, |child| send("-INT", child));
    let (code, out, err) = text(&output);
    assert_eq!(code, Some(130), "{err}");
    assert!(err.contains("stopping: what is in flight is finished and reported"), "{err}");
    let report: RunReport = serde_json::from_str(&out).unwrap();
    let done = report.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
    let left = report.outcomes.iter().filter(|outcome| **outcome == Outcome::Deferred(Deferred::Stopped)).count();
    assert!(left > 0 && done + left == 330, "{done} done, {left} left");
    // Late tags are left too.
    let is_stopped = |one: &&Finding| matches!(one.problem, Problem::Stopped { left: all, .. } if all >= left);
    assert_eq!(report.findings.iter().filter(is_stopped).count(), 1, "{:?}", report.findings);
    assert_eq!(report.findings.len(), 1, "one for all that was left: {:?}", report.findings);
    assert_eq!(server.world().snapshots().count(), done, "what was in flight was reported");
    server.advance(60);
    let _ = server.run("create", 0, &[]);
    assert_eq!(server.world().snapshots().count(), 330);
    // What a service manager sends; here soon after the start.
    let output = server.start_and(&["run", "create", "--slot", "now"], 1, |child| send("-TERM", child));
    let (code, _, err) = text(&output);
    assert_eq!(code, Some(143), "{err}");
    assert!(server.world().snapshots().count() < 660, "it left something");
}
