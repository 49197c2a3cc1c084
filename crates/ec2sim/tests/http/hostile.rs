//! What no client should send, and what the world does not answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use snapwarden_ec2sim::http::{Clock, ServeError, ServeOptions, serve};
use snapwarden_ec2sim::{Action, ApiError, Principal, World};

use crate::client::{Answer, NOW, Server};

#[test]
fn every_odd_request_gets_an_error_of_ec2s() {
    let server = Server::start();
    for (form, code) in [
        ("", "MissingAction"),
        ("Action=", "InvalidAction"),
        ("Action=DescribeVpcs&Version=2016-11-15", "InvalidAction"),
        ("Action=describevolumes", "InvalidAction"),
        ("Action=%3Cscript%3E", "InvalidAction"),
        ("Action=DescribeVolumes&Action=DeleteVolume", "InvalidQueryParameter"),
        ("Action=DescribeVolumes&VolumeId.1=%", "MalformedQueryString"),
        ("Action=DescribeVolumes&VolumeId.1=%c3%28", "MalformedQueryString"),
        ("Action=DescribeVolumes&VolumeId.1=%00", "InvalidCharacter"),
        ("Action=DescribeVolumes&VolumeId.0=vol-0001", "InvalidQueryParameter"),
        ("Action=DescribeVolumes&VolumeId.99999999999999999999=vol-0001", "InvalidQueryParameter"),
        ("Action=DescribeVolumes&VolumeId.1.x=vol-0001", "MissingParameter"),
        ("Action=DescribeVolumes&Colour=red", "UnknownParameter"),
        ("Action=DescribeVolumes&DryRun=perhaps", "InvalidParameterValue"),
        ("Action=DescribeVolumes&Filter.1.Value.1=x", "MissingParameter"),
        ("Action=DescribeVolumes&Filter.1.Name=size", "InvalidParameterValue"),
        ("Action=CopySnapshot&SourceRegion=Mars+1&SourceSnapshotId=snap-0001", "InvalidParameterValue"),
        ("Action=CopySnapshot&SourceRegion=mars-1&SourceSnapshotId=snap-0001", "InvalidParameterValue"),
        ("Action=CreateSnapshot&VolumeId=vol-0001&Location=local", "InvalidParameterValue"),
    ] {
        let answer = server.call(form);
        assert_eq!((answer.status, answer.one("Code").as_str()), (400, code), "{form}: {}", answer.body);
        let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>";
        assert!(answer.body.starts_with(start), "{}", answer.body);
        assert_eq!(answer.one("RequestID").len(), 36);
    }
    assert_eq!(server.ok("Action=DescribeVolumes&VolumeId.7=vol-0003&VolumeId.2=vol-0001").all("size").len(), 2);
}

#[test]
fn a_name_is_written_back_as_text() {
    let answer = Server::start().call("Action=%3C%2FMessage%3E%26%1b");
    assert_eq!(answer.one("Code"), "InvalidCharacter");
    let answer = Server::start().call("Action=%3C%2FMessage%3E%26");
    assert!(answer.one("Message").contains("&lt;/Message&gt;&amp;"), "{}", answer.body);
}

#[test]
fn a_body_that_is_too_long_is_refused() {
    let answer = Server::start().call(&format!("Action=DescribeVolumes&X={}", "x".repeat(1 << 20)));
    assert_eq!((answer.status, answer.one("Code").as_str()), (400, "InvalidRequest"));
}

#[test]
fn ten_thousand_parameters_are_too_many() {
    let many: String = (1..=10_001).map(|n| format!("&VolumeId.{n}=vol-1")).collect();
    assert_eq!(Server::start().code(&format!("Action=DescribeVolumes{many}")).1, "MalformedQueryString");
    let ids: String = (1..=1_001).map(|n| format!("&VolumeId.{n}=vol-1")).collect();
    assert_eq!(Server::start().code(&format!("Action=DescribeVolumes{ids}")).1, "InvalidParameterValue");
}

#[test]
fn a_request_that_nobody_signed_is_refused() {
    let server = Server::start();
    let code = |head: &str| {
        let answer = server.request(head).unwrap();
        (answer.status, answer.one("Code"))
    };
    let get = "GET /?Action=DescribeRegions HTTP/1.1";
    assert_eq!(code(get), (403, "MissingAuthenticationToken".to_owned()));
    for header in [
        "Basic xyz",
        "AWS4-HMAC-SHA256 x",
        "AWS4-HMAC-SHA256 Credential=a/b/c",
        "AWS4-HMAC-SHA256 Credential=/d/r/s/aws4_request",
    ] {
        assert_eq!(code(&format!("{get}\r\nAuthorization: {header}")).1, "IncompleteSignature", "{header}");
    }
    assert_eq!(code("PUT / HTTP/1.1").1, "InvalidRequest");
    assert_eq!(code("GET /latest/meta-data HTTP/1.1").1, "InvalidRequest");
}

#[test]
fn an_sts_error_is_stss() {
    let server = Server::start();
    server.order("permission", r#"{"action": "GetCallerIdentity", "allowed": false}"#);
    let answer = server.call("Action=GetCallerIdentity");
    assert_eq!(answer.status, 403);
    assert!(
        answer
            .body
            .contains("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>")
    );
}

#[test]
fn what_is_no_http_harms_nobody() {
    let server = Server::start();
    for bytes in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET",
        b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\nAction",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let _hangs = TcpStream::connect(server.address).unwrap();
    server.ok("Action=DescribeRegions");
}

#[test]
fn a_region_that_does_not_answer_closes_the_connection() {
    let server = Server::start();
    assert!(server.try_post("us-east-1", "Action=DescribeVolumes").is_none(), "no such Region");
    server.order("region", r#"{"region": "eu-west-1", "out": true}"#);
    assert!(server.try_post("eu-west-1", "Action=DescribeVolumes").is_none());
    assert!(server.try_post("eu-west-1", "Action=DescribeVolumes&DryRun=true").is_none());
    server.ok_in("eu-central-1", "Action=DescribeVolumes");
    server.order("region", r#"{"region": "eu-west-1", "out": false}"#);
    server.ok("Action=DescribeVolumes");
}

#[test]
fn one_connection_carries_many_requests() {
    let server = Server::start();
    let form = "Action=DescribeRegions";
    let signature = "AWS4-HMAC-SHA256 Credential=AKIA/20261122/eu-west-1/ec2/aws4_request, Signature=0";
    let one = |end| {
        format!(
            "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {signature}\r\nContent-Length: {}\r\nConnection: {end}\r\n\r\n{form}",
            form.len()
        )
    };
    let all = server.raw(format!("{}{}", one("keep-alive"), one("close")).as_bytes());
    let answer = Answer::read(&all).unwrap();
    assert_eq!(answer.body.matches("<DescribeRegionsResponse").count(), 2);
}

#[test]
fn only_loopback_is_served() {
    let world = World::new(1, NOW.parse().unwrap(), "123456789012".parse().unwrap(), []);
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let options = ServeOptions { address: address.parse().unwrap(), ..ServeOptions::default() };
        assert!(matches!(serve(world.clone(), options), Err(ServeError::NotLoopback(_))), "{address}");
    }
    let taken = Server::start();
    let options = ServeOptions { address: taken.address, ..ServeOptions::default() };
    assert!(matches!(serve(world, options), Err(ServeError::Listen(..))));
}

#[test]
fn an_access_key_may_name_who_calls() {
    let mut world =
        World::new(1, NOW.parse().unwrap(), "123456789012".parse().unwrap(), ["eu-west-1".parse().unwrap()]);
    world.config.rate_limits = false;
    let who = |key: &str, world: &World| match key {
        "AKIATEST" => {
            Ok(Principal { deny: [Action::DescribeVolumes].into(), ..Principal::of(world.account().clone()) })
        }
        _ => Err(ApiError::answer(401, "AuthFailure", "unknown key")),
    };
    let options = ServeOptions { clock: Clock::Stopped, who: Some(Box::new(who)), ..ServeOptions::default() };
    let server = Server::of(world, options);
    server.ok("Action=DescribeInstances");
    assert_eq!(server.code("Action=DescribeVolumes"), (403, "UnauthorizedOperation".to_owned()));
    let scope = "Credential=AKIAOTHER/d/eu-west-1/ec2/aws4_request";
    let head = &format!("GET /?Action=DescribeRegions HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 {scope}");
    assert_eq!(server.request(head).unwrap().one("Code"), "AuthFailure");
}
