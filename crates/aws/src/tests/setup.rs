//! Credentials, Region and endpoint as the AWS CLI finds them. Each case runs this test program again with an
//! environment of its own: a process's environment cannot be changed safely once it has threads.

use std::net::TcpListener;
use std::process::Command;
use std::thread;

use super::wire::{answer, request};
use super::*;
use crate::{Options, SetupError};

/// What the child does: loads with the options in `TEST_OPTIONS`, asks for the account, says what it found.
#[test]
#[ignore = "started by the tests below, with an environment of its own"]
fn child() {
    let given = |name: &str| std::env::var(format!("TEST_{name}")).ok();
    let options = Options {
        profile: given("PROFILE"),
        endpoint_url: given("ENDPOINT_URL"),
        region: given("REGION").map(|name| region(&name)),
        ..Options::default()
    };
    let said = run(async {
        match Aws::load(options).await {
            Ok(aws) => match aws.account(aws.default_region()).await {
                Ok(account) => format!("{account} in {}", aws.default_region()),
                Err(error) => format!("no account: {error}"),
            },
            Err(error) => error.to_string(),
        }
    });
    println!("<<{said}>>");
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")];

/// Runs [`child`] with these variables and no others.
fn said(variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::setup::child", "--ignored", "--nocapture"])
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent/config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = text.split_once("<<").and_then(|(_, rest)| rest.split_once(">>"));
    said.unwrap_or_else(|| panic!("{text} {}", String::from_utf8_lossy(&output.stderr))).0.to_owned()
}

/// An STS on loopback for one request; it says for which Region that was signed, and with whose key.
fn sts() -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let done = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let asked = request(&mut stream);
        answer(&mut stream, &answers::account("123456789012"));
        let scope = asked.split_once("Credential=").and_then(|(_, rest)| rest.split_once(',')).unwrap().0;
        let mut parts: Vec<_> = scope.split('/').collect();
        parts.remove(1);
        parts.join(" ")
    });
    (address, done)
}

#[test]
fn without_credentials_it_says_so() {
    let said = said(&[("AWS_REGION", "eu-west-1")]);
    assert!(said.starts_with("no AWS credentials were found ("), "{said}");
}

#[test]
fn without_a_region_it_says_so() {
    assert_eq!(said(&KEYS), SetupError::NoRegion.to_string());
}

#[test]
fn a_region_and_an_endpoint_are_looked_at() {
    let bad_region = said(&[KEYS[0], KEYS[1], ("AWS_REGION", "eu west 1")]);
    assert_eq!(bad_region, "the Region that was found \"eu west 1\" is not a Region's name (like eu-west-1)");
    let bad_endpoint = said(&[KEYS[0], KEYS[1], ("TEST_ENDPOINT_URL", "localhost:1")]);
    assert!(bad_endpoint.starts_with("the endpoint \"localhost:1\" is not a URL"), "{bad_endpoint}");
}

#[test]
fn a_profile_that_is_not_there_is_named() {
    let said = said(&[("TEST_PROFILE", "nobody"), ("TEST_REGION", "eu-west-1")]);
    assert!(said.starts_with("no AWS credentials were found (") && said.contains("nobody"), "{said}");
}

#[test]
fn endpoint_and_region_come_from_the_environment_and_flags_win() {
    for (variables, scope) in [
        ([("AWS_ENDPOINT_URL", "@"), ("AWS_REGION", "eu-west-1")], "AKIDEXAMPLE eu-west-1 sts aws4_request"),
        ([("AWS_ENDPOINT_URL_STS", "@"), ("AWS_REGION", "us-west-2")], "AKIDEXAMPLE us-west-2 sts aws4_request"),
        ([("TEST_ENDPOINT_URL", "@"), ("AWS_DEFAULT_REGION", "us-west-2")], "AKIDEXAMPLE us-west-2 sts aws4_request"),
    ] {
        let (address, done) = sts();
        let mut variables = variables.map(|(name, value)| (name, if value == "@" { address.as_str() } else { value }));
        variables.sort();
        let said = said(&[&KEYS[..], &variables].concat());
        assert!(said.starts_with("123456789012 in "), "{said}");
        assert_eq!(done.join().unwrap(), scope);
    }
    let (address, done) = sts();
    let dead = "http://127.0.0.1:1";
    let variables = [("AWS_ENDPOINT_URL", dead), ("AWS_REGION", "xx-nowhere-1")];
    let flags = [("TEST_ENDPOINT_URL", address.as_str()), ("TEST_REGION", "eu-central-1")];
    assert_eq!(said(&[&KEYS[..], &variables, &flags].concat()), "123456789012 in eu-central-1");
    assert_eq!(done.join().unwrap(), "AKIDEXAMPLE eu-central-1 sts aws4_request");
}

#[test]
fn a_profile_has_keys_region_and_endpoint() {
    let (address, done) = sts();
    let folder = std::env::temp_dir().join(format!("snapwarden-aws-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let config = folder.join("config");
    let text = format!(
        "[profile office]\nregion = sa-east-1\nendpoint_url = {address}\naws_access_key_id = AKIDOFFICE\n\
         aws_secret_access_key = secret\n"
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    assert_eq!(said(&[("AWS_CONFIG_FILE", config), ("TEST_PROFILE", "office")]), "123456789012 in sa-east-1");
    assert_eq!(done.join().unwrap(), "AKIDOFFICE sa-east-1 sts aws4_request");

    let (address, done) = sts();
    let variables = [("AWS_CONFIG_FILE", config), ("TEST_PROFILE", "office"), ("TEST_ENDPOINT_URL", &address)];
    assert_eq!(said(&[&KEYS[..], &variables].concat()), "123456789012 in sa-east-1");
    assert!(done.join().unwrap().starts_with("AKIDOFFICE "), "the profile's keys, not the environment's");

    let nobody = said(&[("AWS_CONFIG_FILE", config), ("TEST_PROFILE", "nobody"), ("TEST_REGION", "eu-west-1")]);
    assert!(nobody.starts_with("no AWS credentials were found (") && nobody.contains("nobody"), "{nobody}");
    std::fs::remove_dir_all(&folder).unwrap();
}
