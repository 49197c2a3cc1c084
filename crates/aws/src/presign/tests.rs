//! Against botocore's own URLs (testdata/presigned, written by scripts/presigned-vectors).

use std::collections::BTreeMap;

use super::*;
use crate::tests::vectors::{self, Vector};

/// A URL as its endpoint and its parameters.
pub(crate) fn parsed(url: &str) -> (String, BTreeMap<String, String>) {
    let (endpoint, query) = url.split_once('?').unwrap();
    (endpoint.to_owned(), form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

fn ours(vector: &Vector) -> String {
    let (endpoint, theirs) = parsed(&vector.presigned_url);
    let params: Vec<_> = theirs.into_iter().filter(|(name, _)| !name.starts_with("X-Amz-")).collect();
    url(&vector.credentials(), vector.time.into(), &endpoint, &vector.source_region, &params).unwrap()
}

#[test]
fn it_equals_botocores_signature_included() {
    for (name, vector) in vectors::all() {
        assert_eq!(parsed(&ours(&vector)), parsed(&vector.presigned_url), "{name}");
    }
}

#[test]
fn it_can_be_used_for_an_hour_and_names_the_source_region() {
    let vector = vectors::named("session-token");
    let (_, params) = parsed(&ours(&vector));
    assert_eq!(params["X-Amz-Expires"], "3600");
    assert_eq!(params["X-Amz-Credential"], "AKIDEXAMPLE/20261122/eu-west-1/ec2/aws4_request");
    assert_eq!(Some(&params["X-Amz-Security-Token"]), vector.session_token.as_ref());
    assert_eq!(params["DestinationRegion"], "eu-central-1");
}

#[test]
fn the_signature_hangs_on_all_that_is_signed() {
    let vector = vectors::named("plain");
    let signature = |vector: &Vector| parsed(&ours(vector)).1["X-Amz-Signature"].clone();
    let right = signature(&vector);
    let other_time = Vector { time: "2026-11-22T10:15:31Z".parse().unwrap(), ..vector.clone() };
    let other_region = Vector { source_region: "eu-west-2".to_owned(), ..vector.clone() };
    let other_key = Vector { secret_access_key: "other".to_owned(), ..vector.clone() };
    let other_source = Vector { presigned_url: vector.presigned_url.replace("snap-0", "snap-1"), ..vector };
    for other in [other_time, other_region, other_key, other_source] {
        assert_ne!(signature(&other), right);
    }
}

#[test]
fn every_character_but_the_unreserved_is_escaped() {
    assert_eq!(escaped("aZ09-._~"), "aZ09-._~");
    assert_eq!(escaped(" +/%=&*ü\n"), "%20%2B%2F%25%3D%26%2A%C3%BC%0A");
}
