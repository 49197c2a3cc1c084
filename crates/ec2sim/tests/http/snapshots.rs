//! What the jobs do, over the wire: snapshots, sets, copies, deletes, tags.

use crate::client::{AWAY, HOME, Server};

const TAGGED: &str = "&TagSpecification.1.ResourceType=snapshot\
    &TagSpecification.1.Tag.1.Key=Type&TagSpecification.1.Tag.1.Value=Automated\
    &TagSpecification.1.Tag.2.Key=a%3Db%26c&TagSpecification.1.Tag.2.Value=%E2%82%AC+%3C%3E%22%27";

#[test]
fn a_snapshot_is_pending_until_the_clock_has_moved() {
    let server = Server::start();
    let made = server.ok(&format!("Action=CreateSnapshot&VolumeId=vol-0001&Description=a+b{TAGGED}"));
    assert_eq!((made.one("status"), made.one("volumeSize")), ("pending".to_owned(), "8".to_owned()));
    assert_eq!(made.all("value"), ["Automated", "€ &lt;&gt;&quot;'"]);
    let look = format!("Action=DescribeSnapshots&SnapshotId.1={}", made.one("snapshotId"));
    assert_eq!(server.ok(&look).one("status"), "pending");
    server.order("clock", r#"{"advance_seconds": 67}"#);
    assert_eq!(server.ok(&look).one("status"), "pending");
    server.order("clock", r#"{"advance_seconds": 1}"#);
    let done = server.ok(&look);
    assert_eq!(
        (done.one("status"), done.one("completionTime")),
        ("completed".to_owned(), "2026-11-22T03:01:08.000Z".to_owned())
    );
    assert_eq!(done.one("description"), "a b");
}

#[test]
fn a_set_takes_an_instances_volumes() {
    let server = Server::start();
    let set = |more: &str| format!("Action=CreateSnapshots&InstanceSpecification.InstanceId=i-0001{more}{TAGGED}");
    let made = server.ok(&set(""));
    assert_eq!(made.all("volumeId"), ["vol-0001", "vol-0002"]);
    assert_eq!(made.all("state"), ["pending"; 2]);
    server.order("clock", r#"{"advance_seconds": 3600}"#);
    let data = server.ok(&set("&InstanceSpecification.ExcludeBootVolume=true"));
    assert_eq!(data.all("volumeId"), ["vol-0002"]);
    server.order("clock", r#"{"advance_seconds": 3600}"#);
    let boot = server.ok(&set("&InstanceSpecification.ExcludeDataVolumeId.1=vol-0002"));
    assert_eq!(boot.all("volumeId"), ["vol-0001"]);
    let root = set("&InstanceSpecification.ExcludeDataVolumeId.1=vol-0001");
    assert_eq!(server.code(&root), (400, "InvalidParameterValue".to_owned()));
    assert_eq!(server.code("Action=CreateSnapshots"), (400, "MissingParameter".to_owned()));
}

#[test]
fn a_copy_is_asked_of_its_destination() {
    let server = Server::start();
    let copy = |more: &str| format!("Action=CopySnapshot&SourceRegion={HOME}&DestinationRegion={AWAY}{more}{TAGGED}");
    let made = server.ok_in(AWAY, &copy("&SourceSnapshotId=snap-0001&Description=d&Encrypted=false"));
    assert_eq!(made.all("key"), ["Type", "a=b&amp;c"]);
    let encrypted = server.ok_in(AWAY, &copy("&SourceSnapshotId=snap-0002&PresignedUrl=https%3A%2F%2Fx"));
    let unsigned = server.ok_in(AWAY, &copy("&SourceSnapshotId=snap-0002"));
    server.order("clock", r#"{"advance_seconds": 3600}"#);
    let state = |made: &crate::client::Answer| {
        server.ok_in(AWAY, &format!("Action=DescribeSnapshots&SnapshotId.1={}", made.one("snapshotId"))).one("status")
    };
    assert_eq!((state(&made), state(&encrypted)), ("completed".to_owned(), "completed".to_owned()));
    assert_eq!(state(&unsigned), "error", "an encrypted source wants its presigned URL");
    let all = server.ok_in(AWAY, "Action=DescribeSnapshots");
    assert_eq!(all.all("statusMessage").len(), 1);
    assert_eq!(all.all("volumeId"), ["vol-ffffffff"; 3]);
}

#[test]
fn deletes_answer_and_refuse_as_ec2_does() {
    let server = Server::start();
    assert_eq!(server.ok("Action=DeleteSnapshot&SnapshotId=snap-0001").one("return"), "true");
    assert_eq!(server.code("Action=DeleteSnapshot&SnapshotId=snap-0001"), (400, "InvalidSnapshot.NotFound".to_owned()));
    assert_eq!(server.code("Action=DeleteSnapshot&SnapshotId=snap-0003").1, "InvalidSnapshot.NotFound", "another's");
    assert_eq!(server.code("Action=DeleteSnapshot&SnapshotId=SNAP-1").1, "InvalidSnapshotID.Malformed");
}

#[test]
fn the_limits_of_the_world_come_through() {
    let server = Server::start();
    let create = "Action=CreateSnapshot&VolumeId=vol-0001";
    server.ok(create);
    assert_eq!(server.code(create).1, "SnapshotCreationPerVolumeRateExceeded");
    for _ in 0..48 {
        server.code(create);
    }
    let throttled = (0..60).map(|_| server.code(create)).find(|(_, code)| code == "RequestLimitExceeded");
    assert_eq!(throttled, Some((503, "RequestLimitExceeded".to_owned())));
}

#[test]
fn tags_are_set_all_or_none_and_taken_away_by_value() {
    let server = Server::start();
    let keys = || server.ok("Action=DescribeTags&Filter.1.Name=resource-id&Filter.1.Value.1=snap-0002").all("key");
    let set = "Action=CreateTags&ResourceId.1=snap-0002&Tag.1.Key=a&Tag.1.Value=1&Tag.2.Key=b";
    assert_eq!(server.ok(set).one("return"), "true");
    assert_eq!(server.code(&format!("{set}&Tag.3.Key=c&ResourceId.2=snap-9999")).1, "InvalidSnapshot.NotFound");
    assert_eq!(keys(), ["a", "b"]);
    for (form, code) in [
        ("Action=CreateTags&ResourceId.1=snap-0002", "MissingParameter"),
        ("Action=CreateTags&Tag.1.Key=a", "MissingParameter"),
        ("Action=CreateTags&ResourceId.1=thing-1&Tag.1.Key=a", "InvalidID"),
        ("Action=CreateTags&ResourceId.1=snap-0002&Tag.1.Key=aws:x", "InvalidParameterValue"),
        ("Action=CreateTags&ResourceId.1=snap-0002&Tag.1.Key=a&Tag.2.Key=a", "InvalidParameterValue"),
        ("Action=CreateTags&ResourceId.1=snap-0002&Tag.1.Value=a", "MissingParameter"),
    ] {
        assert_eq!(server.code(form), (400, code.to_owned()), "{form}");
    }
    let long = format!("Action=CreateTags&ResourceId.1=snap-0002&Tag.1.Key=a&Tag.1.Value={}", "v".repeat(257));
    assert_eq!(server.code(&long).1, "InvalidParameterValue", "refused, not cut");
    let many: String = (0..49).map(|n| format!("&Tag.{}.Key=k{n}", n + 1)).collect();
    assert_eq!(server.code(&format!("Action=CreateTags&ResourceId.1=snap-0002{many}")).1, "TagLimitExceeded");
    server.ok("Action=DeleteTags&ResourceId.1=snap-0002&Tag.1.Key=a&Tag.1.Value=2&Tag.2.Key=b");
    assert_eq!(keys(), ["a"]);
    server.ok("Action=DeleteTags&ResourceId.1=snap-0002");
    assert!(keys().is_empty());
}
