//! What comes in wrong: events, settings, an EC2 that is not there. Each has its fixed word.

use serde_json::json;

use crate::lambda::{AWAY, HOME, Lambda, advance, ec2, fleet};

#[test]
fn an_event_that_is_not_ours_changes_nothing_and_is_named() {
    let ec2 = ec2(&fleet(1));
    let creator = Lambda::start("creator", &ec2, &[]);
    for (event, words) in [
        (r#"{"dryrun": true}"#, "unknown field `dryrun`"),
        (r#"{"regions": []}"#, "leave it out"),
        (r#"{"regions": ["nowhere"]}"#, "the event could not be read"),
        (r#"{"approve": "eu-west-1:2026-11-22:412"}"#, "for the manager only"),
        (r#"{"slot": "soon"}"#, "the event's slot cannot be read"),
        (r#"{"Records": [{"eventSource": "aws:s3"}]}"#, "unknown field `Records`"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
    ] {
        let failed = creator.invoke(event).unwrap_err();
        assert_eq!(failed["errorType"], "Snapwarden.BadEvent", "{event}: {failed}");
        assert!(failed["errorMessage"].as_str().unwrap().contains(words), "{event}: {failed}");
    }
    assert_eq!(ec2.local("calls", None).unwrap(), json!([]), "EC2 was not asked");
    assert_eq!(creator.invoke("{}").unwrap()["regions"][HOME]["done"], json!({"create": 2}), "the next one is served");
}

#[test]
fn an_event_names_regions_and_slot() {
    let ec2 = ec2(&fleet(1));
    let creator = Lambda::start("creator", &ec2, &[]);
    let away = creator.invoke(&json!({"regions": [AWAY]}).to_string()).unwrap();
    assert_eq!(away["regions"].as_object().unwrap().keys().collect::<Vec<_>>(), [AWAY]);
    assert_eq!(away["findings_in_all"], 1, "nothing is selected there: {away}");
    let failed = creator.invoke(r#"{"slot": "2026-11-23T03:00Z"}"#).unwrap_err();
    assert_eq!(failed["errorType"], "Snapwarden.NotStarted");
    assert!(failed["errorMessage"].as_str().unwrap().contains("is after now"), "{failed}");
    creator.invoke(r#"{"slot": "2026-11-21T03:00Z"}"#).unwrap();
    let slots: Vec<_> =
        ec2.world().unwrap().snapshots().map(|(_, s)| s.tags.get("snapwarden:slot").map(str::to_owned)).collect();
    assert_eq!(slots, vec![Some("2026-11-21T03:00Z".to_owned()); 2]);
    advance(&ec2, 121);
    let failed = creator.invoke(&json!({"regions": [HOME, "eu-north-1"]}).to_string()).unwrap_err();
    assert_eq!(failed["errorType"], "Snapwarden.NotStarted");
    assert!(failed["errorMessage"].as_str().unwrap().contains("eu-north-1 does not exist or is not enabled"));
}

#[test]
fn a_setting_that_cannot_be_read_stops_every_invocation() {
    let ec2 = ec2(&fleet(1));
    for (name, value) in
        [("SNAPWARDEN_MODE", "yes"), ("SNAPWARDEN_RETENTION_DAYS", "7d"), ("SNAPWARDEN_REGIONS", "here")]
    {
        let creator = Lambda::start("creator", &ec2, &[(name, value)]);
        let failed = creator.invoke("{}").unwrap_err();
        assert_eq!(failed["errorType"], "Snapwarden.BadSettings");
        assert!(failed["errorMessage"].as_str().unwrap().contains(name), "{failed}");
    }
    assert_eq!(ec2.world().unwrap().snapshots().count(), 0);
}

#[test]
fn the_regions_of_a_function_are_a_setting() {
    let ec2 = ec2(&fleet(1));
    let places = format!("{HOME}, {AWAY}");
    let creator = Lambda::start("creator", &ec2, &[("SNAPWARDEN_REGIONS", places.as_str())]);
    let made = creator.invoke("{}").unwrap();
    assert_eq!(made["regions"].as_object().unwrap().len(), 2, "{made}");
}

#[test]
fn an_ec2_that_does_not_know_us_is_a_run_that_did_not_start() {
    let ec2 = ec2(&fleet(1));
    let answer =
        json!({"status": 401, "code": "AuthFailure", "message": "AWS was not able to validate the credentials"});
    let order = json!({"region": HOME, "action": "GetCallerIdentity", "answer": answer, "count": 9});
    ec2.local("fault", Some(&order)).unwrap();
    let creator = Lambda::start("creator", &ec2, &[]);
    let failed = creator.invoke("{}").unwrap_err();
    assert_eq!(failed["errorType"], "Snapwarden.NotStarted");
    assert!(failed["errorMessage"].as_str().unwrap().contains("AuthFailure"), "{failed}");
}

#[test]
fn outside_of_lambda_it_says_what_it_is() {
    for function in [env!("CARGO_BIN_EXE_creator"), env!("CARGO_BIN_EXE_offsiter"), env!("CARGO_BIN_EXE_manager")] {
        let output = std::process::Command::new(function).env_clear().output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        assert!(String::from_utf8(output.stderr).unwrap().contains("this is an AWS Lambda function"));
    }
}
