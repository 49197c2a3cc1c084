//! The two faces meet one EC2: the same calls, with all of its bad days, end in the same way and leave the same world.

use snapwarden_core::ids::Region;
use snapwarden_core::tags::Tags;
use snapwarden_ec2sim::http::{Clock, ServeOptions};
use snapwarden_ec2sim::{ApiError, Call, Config, Faults, PageRequest, Principal, ResourceId, SnapshotListing, World};
use snapwarden_exec::cloud::{CopyRequest, SetRequest};

use crate::client::{AWAY, HOME, NOW, Server, fleet};

/// A call in both tongues, and where it is made.
fn calls() -> Vec<(&'static str, &'static str, Call)> {
    let page = || PageRequest { next: None, max_results: Some(1_000) };
    let ids = ["snap-0002", "snap-0001"].map(|id| id.parse().unwrap()).to_vec();
    let snapshot = || "snap-0001".parse().unwrap();
    let copy = CopyRequest {
        source_region: HOME.parse().unwrap(),
        source: snapshot(),
        description: String::new(),
        tags: Tags::default(),
    };
    let set = SetRequest {
        instance: "i-0001".parse().unwrap(),
        exclude_boot: true,
        exclude_data: Vec::new(),
        description: String::new(),
        tags: Tags::default(),
    };
    let create =
        Call::CreateSnapshot { volume: "vol-0004".parse().unwrap(), description: String::new(), tags: Tags::default() };
    let tag = Call::CreateTags {
        resources: vec![ResourceId::Snapshot(snapshot())],
        tags: [("a", "b")].into_iter().collect(),
    };
    let by_ids = "Action=DescribeSnapshots&Owner.1=self&Filter.1.Name=snapshot-id\
        &Filter.1.Value.1=snap-0002&Filter.1.Value.2=snap-0001";
    let copying = "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-0001&PresignedUrl=x";
    vec![
        (HOME, "Action=GetCallerIdentity", Call::GetCallerIdentity),
        (HOME, "Action=DescribeRegions", Call::DescribeRegions),
        (HOME, "Action=DescribeInstances&MaxResults=1000", Call::DescribeInstances(page())),
        (HOME, "Action=DescribeVolumes&MaxResults=1000", Call::DescribeVolumes(page())),
        (
            HOME,
            "Action=DescribeSnapshots&Owner.1=self&MaxResults=1000",
            Call::DescribeSnapshots(SnapshotListing::Own(page())),
        ),
        (HOME, by_ids, Call::DescribeSnapshots(SnapshotListing::Ids(ids))),
        (HOME, "Action=CreateSnapshot&VolumeId=vol-0004", create),
        (
            HOME,
            "Action=CreateSnapshots&InstanceSpecification.InstanceId=i-0001&InstanceSpecification.ExcludeBootVolume=true",
            Call::CreateSnapshots(set),
        ),
        (AWAY, copying, Call::CopySnapshot { request: copy, encrypted: false, presigned: true }),
        (HOME, "Action=CreateTags&ResourceId.1=snap-0001&Tag.1.Key=a&Tag.1.Value=b", tag),
        (
            HOME,
            "Action=DeleteSnapshot&SnapshotId=snap-0002",
            Call::DeleteSnapshot { snapshot: "snap-0002".parse().unwrap() },
        ),
    ]
}

fn bad_days() -> Config {
    let often = 60;
    Config {
        page_size: 2,
        empty_pages: 200,
        broken_pages: 200,
        lag_max_s: 60,
        snapshot_errors: 200,
        set_errors: 200,
        copy_errors: 200,
        faults: Faults {
            throttled: often,
            never_connected: often,
            error_before: often,
            error_after: often,
            lost_before: often,
            lost_after: often,
        },
        ..Config::default()
    }
}

/// How a call ended, in words that both faces have: over a socket, never connected and no answer look alike.
fn ending<T>(result: Result<T, ApiError>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(ApiError::Answer { status, code, .. }) => format!("{status} {code}"),
        Err(ApiError::NeverConnected(_) | ApiError::NoAnswer(_)) => "closed".to_owned(),
    }
}

#[test]
fn the_same_calls_end_in_the_same_way() {
    for seed in 0..6 {
        let mut world = World::from_toml(seed, NOW.parse().unwrap(), fleet()).unwrap();
        world.config = bad_days();
        let server = Server::of(world.clone(), ServeOptions { clock: Clock::Stopped, ..ServeOptions::default() });
        let principal = Principal::of(world.account().clone());
        let mut endings = std::collections::BTreeSet::new();
        for round in 0..6 {
            for (region, form, call) in calls() {
                let place: Region = region.parse().unwrap();
                let expected = ending(world.call(&principal, &place, call));
                let seen = match server.try_post(region, form) {
                    None => "closed".to_owned(),
                    Some(answer) if answer.status == 200 => "done".to_owned(),
                    Some(answer) => format!("{} {}", answer.status, answer.one("Code")),
                };
                assert_eq!(seen, expected, "seed {seed}, round {round}: {form}");
                endings.insert(seen);
                world.advance_by(7);
                server.order("clock", r#"{"advance_seconds": 7}"#);
            }
        }
        assert!(endings.len() >= 5, "{endings:?}");
        assert_eq!(server.stop().truth(), world.truth(), "seed {seed}");
    }
}
