//! What makes, tags and deletes: the parameters on the wire, and that each is one request.

use snapwarden_exec::cloud::{Begun, ErrorKind, SetRequest};

use super::answers;
use super::endpoint::Seen;
use super::*;

fn begun(snapshot: &str, volume: &str) -> Begun {
    Begun { snapshot: snapshot.parse().unwrap(), volume: volume.parse().unwrap() }
}

fn set(exclude_boot: bool, exclude_data: &[&str]) -> SetRequest {
    SetRequest {
        instance: "i-1".parse().unwrap(),
        exclude_boot,
        exclude_data: exclude_data.iter().map(|id| id.parse().unwrap()).collect(),
        description: "Made by snapwarden".to_owned(),
        tags: tags(&[("Type", "Automated"), ("Ünï", "a+b &=%")]),
    }
}

/// All parameters but those that every request has.
fn rest(seen: &Seen) -> Vec<(String, String)> {
    seen.params().into_iter().filter(|(name, _)| name != "Version").collect()
}

fn owned<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_snapshot_has_its_tags_from_birth() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    endpoint.next(Reply::ok(&answers::created("snap-1", "vol-1")));
    let tags = tags(&[("Type", "Automated"), ("DeleteOn", "2026-11-29")]);
    let made = run(aws.create_snapshot(&home(), &"vol-1".parse().unwrap(), "Made by snapwarden", &tags));
    assert_eq!(made, Ok(begun("snap-1", "vol-1")));
    let expected = [
        ("Action", "CreateSnapshot"),
        ("Description", "Made by snapwarden"),
        ("TagSpecification.1.ResourceType", "snapshot"),
        ("TagSpecification.1.Tag.1.Key", "DeleteOn"),
        ("TagSpecification.1.Tag.1.Value", "2026-11-29"),
        ("TagSpecification.1.Tag.2.Key", "Type"),
        ("TagSpecification.1.Tag.2.Value", "Automated"),
        ("VolumeId", "vol-1"),
    ];
    assert_eq!(rest(&endpoint.only_request()), owned(expected));
    assert_eq!(counted(&aws, Action::CreateSnapshot), 1);
}

#[test]
fn a_set_leaves_out_what_it_is_told_to() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    endpoint.next(Reply::ok(&answers::created_set(&[("snap-1", "vol-1"), ("snap-2", "vol-2")])));
    let made = run(aws.create_snapshots(&home(), set(true, &["vol-8", "vol-9"])));
    assert_eq!(made, Ok(vec![begun("snap-1", "vol-1"), begun("snap-2", "vol-2")]));
    let expected = [
        ("Action", "CreateSnapshots"),
        ("Description", "Made by snapwarden"),
        ("InstanceSpecification.ExcludeBootVolume", "true"),
        ("InstanceSpecification.ExcludeDataVolumeId.1", "vol-8"),
        ("InstanceSpecification.ExcludeDataVolumeId.2", "vol-9"),
        ("InstanceSpecification.InstanceId", "i-1"),
        ("TagSpecification.1.ResourceType", "snapshot"),
        ("TagSpecification.1.Tag.1.Key", "Type"),
        ("TagSpecification.1.Tag.1.Value", "Automated"),
        ("TagSpecification.1.Tag.2.Key", "Ünï"),
        ("TagSpecification.1.Tag.2.Value", "a+b &=%"),
    ];
    assert_eq!(rest(&endpoint.only_request()), owned(expected));

    endpoint.forget();
    endpoint.next(Reply::ok(&answers::created_set(&[("snap-1", "vol-1")])));
    run(aws.create_snapshots(&home(), set(false, &[]))).unwrap();
    let params = endpoint.only_request().params();
    assert!(!params.keys().any(|name| name.contains("Exclude")), "{params:?}");
}

#[test]
fn a_delete_and_tags_are_one_request_each() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    endpoint.next(Reply::ok(&answers::done("DeleteSnapshot")));
    run(aws.delete_snapshot(&home(), &"snap-1".parse().unwrap())).unwrap();
    assert_eq!(rest(&endpoint.only_request()), owned([("Action", "DeleteSnapshot"), ("SnapshotId", "snap-1")]));

    endpoint.forget();
    endpoint.next(Reply::ok(&answers::done("CreateTags")));
    let ids = ["snap-1", "snap-2"].map(|id| id.parse().unwrap());
    run(aws.create_tags(&home(), &ids, &tags(&[("OffsiteSnapshotId", "us-east-1:snap-3")]))).unwrap();
    let expected = [
        ("Action", "CreateTags"),
        ("ResourceId.1", "snap-1"),
        ("ResourceId.2", "snap-2"),
        ("Tag.1.Key", "OffsiteSnapshotId"),
        ("Tag.1.Value", "us-east-1:snap-3"),
    ];
    assert_eq!(rest(&endpoint.only_request()), owned(expected));
    assert_eq!((counted(&aws, Action::DeleteSnapshot), counted(&aws, Action::CreateTags)), (1, 1));
}

/// It was made, and what was made is not known: that is no failure that could be tried again.
#[test]
fn a_create_whose_answer_cannot_be_read_may_have_happened() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let volume = "vol-1".parse().unwrap();
    let whole = answers::created("snap-1", "vol-1");
    for broken in [whole.replace("snap-1", "ami-1"), whole[..whole.len() - 9].to_owned(), String::new()] {
        endpoint.next(Reply::ok(&broken));
        let error = run(aws.create_snapshot(&home(), &volume, "", &tags(&[]))).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Ambiguous, "UnreadableAnswer"), "{error}");
    }
    endpoint.next(Reply::ok(&answers::created_set(&[("snap-1", "vol-1"), ("snap-2", "")])));
    assert_eq!(run(aws.create_snapshots(&home(), set(false, &[]))).unwrap_err().kind, ErrorKind::Ambiguous);
    endpoint.next(Reply::ok("<CreateSnapshotsResponse/>"));
    assert_eq!(run(aws.create_snapshots(&home(), set(false, &[]))).unwrap_err().kind, ErrorKind::Ambiguous);
}

#[test]
fn every_region_has_its_own_endpoint_and_count() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    for name in ["us-east-1", "cn-north-1", "us-east-1"] {
        endpoint.next(Reply::ok(&answers::done("DeleteSnapshot")));
        run(aws.delete_snapshot(&region(name), &"snap-1".parse().unwrap())).unwrap();
    }
    let uris: Vec<_> = endpoint.seen().into_iter().map(|seen| seen.uri).collect();
    let china = "https://ec2.cn-north-1.amazonaws.com.cn/";
    assert_eq!(uris, ["https://ec2.us-east-1.amazonaws.com/", china, "https://ec2.us-east-1.amazonaws.com/"]);
    assert!(endpoint.seen()[1].headers["authorization"].contains("/cn-north-1/ec2/aws4_request"));
    assert_eq!(aws.calls()[&(region("us-east-1"), Action::DeleteSnapshot)], 2);
    assert_eq!(aws.calls()[&(region("cn-north-1"), Action::DeleteSnapshot)], 1);
}
