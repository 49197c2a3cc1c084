//! CopySnapshot: its PresignedUrl is botocore's, made from the very parameters that are sent.

use std::collections::BTreeMap;

use snapwarden_exec::cloud::CopyRequest;

use super::vectors::Vector;
use super::*;
use crate::presign;
use crate::presign::tests::parsed;

fn request(vector: &Vector) -> CopyRequest {
    CopyRequest {
        source_region: region(&vector.source_region),
        source: vector.source.parse().unwrap(),
        description: vector.description.clone(),
        tags: vector.tags.clone().into_iter().collect(),
    }
}

fn copied_as(vector: &Vector) -> super::endpoint::Seen {
    let endpoint = Endpoint::default();
    let aws = endpoint.aws_with(vector.credentials(), vector.own_endpoint.as_deref(), &vector.settings);
    endpoint.next(Reply::ok(&answers::account("123456789012")));
    run(aws.account(&home())).unwrap();
    endpoint.forget();
    endpoint.next(Reply::ok(&answers::copied("snap-9")));
    let copy = run(aws.copy_snapshot(&region(&vector.destination_region), request(vector)));
    assert_eq!(copy.unwrap().as_str(), "snap-9");
    assert_eq!(aws.calls()[&(region(&vector.destination_region), Action::CopySnapshot)], 1);
    endpoint.only_request()
}

/// What hangs on the moment.
fn without_signature(mut params: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for name in ["X-Amz-Date", "X-Amz-Signature"] {
        assert!(params.remove(name).is_some(), "{name}");
    }
    params
}

#[test]
fn what_is_sent_is_what_botocore_sends() {
    for (name, vector) in vectors::all() {
        let seen = copied_as(&vector);
        assert_eq!(seen.uri, vector.sent_to, "{name}");
        assert_eq!(seen.headers["content-length"], seen.body.len().to_string(), "{name}");
        let mut sent = seen.params();
        let url = sent.remove("PresignedUrl").unwrap();
        assert_eq!(sent, vector.sent, "{name}");
        let ((ours_at, ours), (theirs_at, theirs)) = (parsed(&url), parsed(&vector.presigned_url));
        assert_eq!(ours_at, theirs_at, "{name}");
        assert_eq!(without_signature(ours), without_signature(theirs), "{name}");
    }
}

/// The time is EC2's, and the signature is that of the time, which botocore's vectors have proved for their own.
#[test]
fn it_is_signed_at_ec2s_time() {
    let vector = vectors::named("odd-tags");
    let url = copied_as(&vector).get("PresignedUrl").unwrap();
    let (endpoint, params) = parsed(&url);
    assert!(params["X-Amz-Date"].starts_with("20261122T1015"), "{}", params["X-Amz-Date"]);
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &params["X-Amz-Date"]).unwrap();
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    let signed: Vec<_> = params.into_iter().filter(|(name, _)| !name.starts_with("X-Amz-")).collect();
    let again = presign::url(&vector.credentials(), time.into(), &endpoint, &vector.source_region, &signed).unwrap();
    assert_eq!(parsed(&again), parsed(&url));
}

/// The destination is asked with the destination's signature, and the source's Region stands in the URL alone.
#[test]
fn the_request_itself_is_signed_for_the_destination() {
    let vector = vectors::named("plain");
    let authorization = copied_as(&vector).headers["authorization"].clone();
    assert!(authorization.contains("/us-east-1/ec2/aws4_request"), "{authorization}");
}
