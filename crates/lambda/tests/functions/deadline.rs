//! The end of an invocation's time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use snapwarden_ec2sim::http::{Background, Clock};

use crate::lambda::{HOME, Lambda, advance, ec2, ec2_with, fleet};

fn snapshots_by_volume(ec2: &Background) -> BTreeMap<String, usize> {
    let mut volumes = BTreeMap::new();
    for (_, snapshot) in ec2.world().unwrap().snapshots() {
        *volumes.entry(snapshot.volume_id.to_string()).or_default() += 1;
    }
    volumes
}

#[test]
fn a_tick_of_eight_seconds_on_1000_instances_stops_clean_and_the_next_ones_finish_the_slot() {
    // The deadline is kept by EC2's clock, which must go on for it to come.
    let ec2 = ec2_with(Clock::Running, &fleet(1_000));
    let creator = Lambda::start("creator", &ec2, &[]);
    let first = creator.invoke_within("{}", Duration::from_secs(8)).unwrap();
    let numbers = &first["regions"][HOME];
    let done = numbers["done"]["create"].as_u64().unwrap();
    let left = numbers["deferred"]["deadline"].as_u64().unwrap();
    assert!(done > 0 && left > 0 && done + left == 2_000, "{numbers}");
    assert_eq!(first["exit_code"], 0, "what is left is no failure");
    assert_eq!(snapshots_by_volume(&ec2).len() as u64, done, "what was made is what was reported");
    let mut ticks = 1;
    while snapshots_by_volume(&ec2).len() < 2_000 {
        // As long as the schedule leaves between two ticks.
        advance(&ec2, 900);
        ticks += 1;
        assert!(ticks < 100, "{} volumes after {ticks} ticks", snapshots_by_volume(&ec2).len());
        let next = creator.invoke_within("{}", Duration::from_secs(8)).unwrap();
        assert_eq!(next["exit_code"], 0, "{}", next["regions"]);
    }
    advance(&ec2, 900);
    assert_eq!(creator.invoke("{}").unwrap()["regions"][HOME]["done"], json!({}));
    assert!(snapshots_by_volume(&ec2).values().all(|count| *count == 1), "none twice");
}

#[test]
fn a_deadline_in_1970_is_not_believed_and_said() {
    let ec2 = ec2(&fleet(1));
    let creator = Lambda::start("creator", &ec2, &[]);
    let made = creator.invoke_until("{}", 0).unwrap();
    assert_eq!(made["regions"][HOME]["done"], json!({"create": 2}));
    let log = creator.end();
    let warned =
        log.iter().any(|line| line["level"] == "WARN" && line["message"].as_str().unwrap().contains("not believed"));
    assert!(warned, "{log:?}");
}

#[test]
fn a_run_that_hangs_is_given_up_before_lambda_kills_it() {
    let ec2 = ec2(&fleet(1));
    // A server that takes connections and never answers: its own listener, so that the EC2 is not in the way.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", deaf.local_addr().unwrap());
    let creator = Lambda::start("creator", &ec2, &[("AWS_ENDPOINT_URL", url.as_str())]);
    let failed = creator.invoke_within("{}", Duration::from_secs(2)).unwrap_err();
    assert_eq!(failed["errorType"], "Snapwarden.OutOfTime");
}
