//! The three jobs by ticks: what is done, answered, logged and measured.

use serde_json::{Value, json};

use crate::lambda::{AWAY, HOME, Lambda, advance, ec2, fleet};

/// The lines with this message.
fn said<'l>(log: &'l [Value], message: &str) -> Vec<&'l Value> {
    log.iter().filter(|line| line["message"] == message).collect()
}

/// The lines of metrics.
fn metrics(log: &[Value]) -> Vec<&Value> {
    log.iter().filter(|line| line.get("_aws").is_some()).collect()
}

#[test]
fn a_life_by_ticks() {
    let ec2 = ec2(&fleet(3));
    let creator = Lambda::start("creator", &ec2, &[]);
    let made = creator.invoke("{}").unwrap();
    assert_eq!(made["regions"][HOME]["done"], json!({"create": 6}), "{made}");
    assert_eq!((&made["mode"], &made["exit_code"]), (&json!("apply"), &json!(0)));
    assert_eq!(made["regions"][HOME]["selected"], json!(6));
    assert_eq!(made["regions"][HOME]["never_backed_up"], json!(6));
    assert_eq!(ec2.world().unwrap().snapshots().count(), 6);

    advance(&ec2, 3600);
    let offsiter = Lambda::start("offsiter", &ec2, &[]);
    assert_eq!(offsiter.invoke("{}").unwrap()["regions"][HOME]["done"], json!({"copy": 6}));
    advance(&ec2, 7200);
    let stamped = offsiter.invoke("{}").unwrap();
    assert_eq!(stamped["regions"][HOME]["done"], json!({"stamp": 6}), "{stamped}");

    advance(&ec2, 9 * 24 * 3600);
    let again = creator.invoke("{}").unwrap();
    assert_eq!(again["regions"][HOME]["never_backed_up"], json!(0));
    let age = again["regions"][HOME]["oldest_newest_age_s"].as_i64().unwrap();
    assert_eq!(age / 86_400, 9, "the newest completed one is of the first day");
    advance(&ec2, 3600);
    assert_eq!(offsiter.invoke("{}").unwrap()["regions"][HOME]["done"], json!({"copy": 6}));
    advance(&ec2, 3600);
    let manager = Lambda::start("manager", &ec2, &[]);
    let expired = manager.invoke("{}").unwrap();
    for region in [HOME, AWAY] {
        assert_eq!(expired["regions"][region]["done"], json!({"delete": 6}), "all enabled Regions, unasked: {expired}");
    }
    let log = creator.end();
    let items = said(&log, "item");
    assert_eq!(items.len(), 12);
    assert!(items.iter().all(|line| line["level"] == "INFO" && line["requestId"].is_string()), "{items:?}");
    assert!(items[0]["outcome"].as_str().unwrap().starts_with("done: snap-"), "{}", items[0]);
    assert!(items[0]["reason"].as_str().unwrap().contains("slot 2026-11-22T03:00Z"), "{}", items[0]);
    let lines = metrics(&log);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["Selected"], &lines[0]["Created"], &lines[0]["Region"]),
        (&json!(6), &json!(6), &json!(HOME))
    );
    assert_eq!(lines[1]["OldestNewestSnapshotAge"], json!(age));
    let log = manager.end();
    let regions: Vec<_> = metrics(&log).iter().map(|line| (line["Region"].clone(), line["Deleted"].clone())).collect();
    assert_eq!(regions, [(json!(AWAY), json!(6)), (json!(HOME), json!(6))]);
}

/// A cold start is the first invocation of a fresh process; Lambda keeps the process for those that follow.
#[test]
fn a_cold_start_reports_and_the_next_invocation_finds_the_process_warm() {
    let ec2 = ec2(&fleet(1));
    for function in ["creator", "offsiter", "manager"] {
        let process = Lambda::start(function, &ec2, &[]);
        let cold = process.invoke("{}").unwrap();
        assert_eq!((&cold["mode"], &cold["exit_code"]), (&json!("apply"), &json!(0)), "{function}: {cold}");
        let warm = process.invoke(r#"{"dry_run": true}"#).unwrap();
        assert_eq!((&warm["mode"], &warm["exit_code"]), (&json!("dry-run"), &json!(0)), "{function}: {warm}");
        // The log is what this one process wrote.
        let log = process.end();
        let modes: Vec<_> = said(&log, "summary").iter().map(|line| line["mode"].clone()).collect();
        assert_eq!(modes, ["apply", "dry-run"], "{function}");
        let requests: Vec<_> = said(&log, "summary").iter().map(|line| line["requestId"].clone()).collect();
        assert_ne!(requests[0], requests[1], "{function}: each line names its own invocation");
    }
}

#[test]
fn copies_and_removed_sources_are_metrics() {
    let ec2 = ec2(&fleet(3).replace(r#"OffsiteMode = "Copy""#, r#"OffsiteMode = "Move""#));
    Lambda::start("creator", &ec2, &[]).invoke("{}").unwrap();
    let offsiter = Lambda::start("offsiter", &ec2, &[]);
    for done in [json!({"copy": 6}), json!({"remove-source": 6})] {
        advance(&ec2, 7200);
        assert_eq!(offsiter.invoke("{}").unwrap()["regions"][HOME]["done"], done);
    }
    let log = offsiter.end();
    let lines = metrics(&log).into_iter().filter(|line| line["Region"] == HOME);
    let counts: Vec<_> = lines.map(|line| (line["Copied"].clone(), line["Removed"].clone())).collect();
    assert_eq!(counts, [(json!(6), json!(0)), (json!(0), json!(6))]);
    let named = metrics(&log)[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"].to_string();
    assert!(named.contains(r#""Copied""#) && named.contains(r#""Removed""#), "{named}");
}

#[test]
fn nothing_is_changed_until_the_mode_says_so() {
    let ec2 = ec2(&fleet(2));
    for mode in ["dry-run", ""] {
        let creator = Lambda::start("creator", &ec2, &[("SNAPWARDEN_MODE", mode)]);
        let answer = creator.invoke("{}").unwrap();
        assert_eq!(answer["mode"], "dry-run");
        assert_eq!(answer["regions"][HOME]["planned"], json!({"create": 4}));
        assert_eq!(answer["regions"][HOME]["done"], json!({}));
        let refused = creator.invoke(r#"{"dry_run": false}"#).unwrap_err();
        assert_eq!(refused["errorType"], "Snapwarden.BadEvent", "an event does not end a dry run: {refused}");
        let log = creator.end();
        let would: Vec<_> = said(&log, "would do").iter().map(|line| line["subject"].clone()).collect();
        assert_eq!(would.len(), 4, "{would:?}");
        assert_eq!(would[0], json!({"volume": "vol-0000b"}));
        assert_eq!(metrics(&log)[0]["Mode"], "dry-run");
    }
    let creator = Lambda::start("creator", &ec2, &[]);
    assert_eq!(creator.invoke(r#"{"dry_run": true}"#).unwrap()["mode"], "dry-run", "an event asks for one");
    assert_eq!(ec2.world().unwrap().snapshots().count(), 0);
    assert_eq!(creator.invoke("{}").unwrap()["regions"][HOME]["done"], json!({"create": 4}));
}

#[test]
fn a_tick_that_comes_twice_is_too_soon_and_then_finds_its_work_done() {
    let ec2 = ec2(&fleet(2));
    let creator = Lambda::start("creator", &ec2, &[]);
    creator.invoke("{}").unwrap();
    let calls = ec2.local("calls", None).unwrap();
    let soon = creator.invoke("{}").unwrap();
    assert_eq!(soon["too_soon"], true, "{soon}");
    assert!((1..=121).contains(&soon["wait_s"].as_i64().unwrap()), "{soon}");
    let after = ec2.local("calls", None).unwrap();
    let asked = |calls: &Value| -> u64 {
        let calls = calls.as_array().unwrap().iter();
        calls.filter(|call| call["action"] != "GetCallerIdentity").map(|call| call["count"].as_u64().unwrap()).sum()
    };
    assert_eq!(asked(&calls), asked(&after), "nothing but the time was asked for");
    assert_eq!(
        creator.invoke(r#"{"dry_run": true}"#).unwrap()["mode"],
        "dry-run",
        "one that only looks is not held up"
    );
    advance(&ec2, 121);
    let again = creator.invoke("{}").unwrap();
    assert_eq!(again["regions"][HOME]["done"], json!({}));
    assert_eq!(again["regions"][HOME]["kept"], json!({"done": 4}));
    assert_eq!(creator.invoke("{}").unwrap()["regions"][HOME]["kept"], json!({"done": 4}), "nothing was changed since");
    let twin = Lambda::start("creator", &ec2, &[]);
    assert_eq!(twin.invoke("{}").unwrap()["regions"][HOME]["done"], json!({}));
    assert_eq!(ec2.world().unwrap().snapshots().count(), 4);
}

#[test]
fn what_fails_fails_the_invocation_after_its_report() {
    let ec2 = ec2(&fleet(2));
    for action in ["CreateSnapshots", "CreateSnapshot"] {
        ec2.local("permission", Some(&json!({"action": action, "allowed": false}))).unwrap();
    }
    let creator = Lambda::start("creator", &ec2, &[]);
    let failed = creator.invoke("{}").unwrap_err();
    assert_eq!(failed["errorType"], "Snapwarden.ItemsFailed");
    assert!(failed["errorMessage"].as_str().unwrap().starts_with("4 items failed"), "{failed}");
    let log = creator.end();
    let items = said(&log, "item");
    assert_eq!(items.len(), 4);
    for item in items {
        assert_eq!(item["level"], "ERROR");
        assert!(item["outcome"].as_str().unwrap().contains("UnauthorizedOperation"), "{item}");
    }
    assert_eq!(said(&log, "summary")[0]["exit_code"], 2);
    assert_eq!(metrics(&log)[0]["Failed"], 4);
    assert_eq!(said(&log, "failed")[0]["errorType"], "Snapwarden.ItemsFailed");
}

#[test]
fn what_is_held_back_is_answered_with_the_words_to_use_and_goes_when_approved() {
    let ec2 = ec2(&fleet(14));
    let creator = Lambda::start("creator", &ec2, &[]);
    for slot in ["2026-11-20T03:00Z", "2026-11-21T03:00Z", "2026-11-22T03:00Z"] {
        creator.invoke(&json!({ "slot": slot }).to_string()).unwrap();
        advance(&ec2, 3600);
    }
    // Nothing is made any more: 56 of 84 are overdue at once, and the newest of each volume stays.
    advance(&ec2, 40 * 24 * 3600);
    let manager = Lambda::start("manager", &ec2, &[]);
    let dry = manager.invoke(r#"{"dry_run": true}"#).unwrap();
    let held = manager.invoke("{}").unwrap();
    for answer in [&dry, &held] {
        assert_eq!((&answer["exit_code"], &answer["regions"][HOME]["held_back"]), (&json!(3), &json!(56)), "{answer}");
    }
    assert_eq!(ec2.world().unwrap().snapshots().count(), 84);
    let message = held["held"][0].as_str().unwrap();
    let words = message.split("--approve ").nth(1).unwrap();
    assert_eq!(words, format!("{HOME}:2027-01-01:56"), "{message}");
    let approved = manager.invoke(&json!({ "approve": words }).to_string()).unwrap();
    assert_eq!(approved["regions"][HOME]["done"], json!({"delete": 56}), "{approved}");
    assert_eq!((&approved["exit_code"], &approved["regions"][HOME]["held_back"]), (&json!(0), &json!(0)));
    let log = manager.end();
    let said: Vec<_> = said(&log, "held for approval").iter().map(|line| line["level"].clone()).collect();
    assert_eq!(said, ["WARN", "WARN"], "it is no failure");
    let metrics = metrics(&log).into_iter().filter(|line| line["Region"] == HOME);
    let counts: Vec<_> = metrics.map(|line| (line["HeldBack"].clone(), line["Failed"].clone())).collect();
    assert_eq!(counts, [(json!(56), json!(0)), (json!(56), json!(0)), (json!(0), json!(0))]);
}
