//! Describes: what they show, pages, filters, ids, dry runs.

use crate::client::{AWAY, Server};

#[test]
fn the_account_and_its_regions() {
    let server = Server::start();
    let identity = server.ok("Action=GetCallerIdentity&Version=2011-06-15");
    assert!(identity.body.contains(r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">"#));
    assert_eq!(identity.one("Account"), "123456789012");
    assert_eq!(identity.one("Arn"), "arn:aws:iam::123456789012:root");
    let elsewhere = server.ok_in("us-east-1", "Action=GetCallerIdentity");
    assert_eq!(elsewhere.one("Account"), "123456789012", "STS is asked anywhere");
    let regions = server.ok("Action=DescribeRegions&Version=2016-11-15");
    assert_eq!(regions.all("regionName"), ["eu-central-1", "eu-west-1"]);
    let one = server.ok("Action=DescribeRegions&RegionName.1=eu-west-1&AllRegions=true");
    assert_eq!(one.all("regionEndpoint"), ["ec2.eu-west-1.amazonaws.com"]);
    assert_eq!(server.code("Action=DescribeRegions&RegionName.1=us-east-1").1, "InvalidParameterValue");
}

#[test]
fn an_answer_is_ec2s_and_dated_by_the_world() {
    let server = Server::start();
    let answer = server.ok("Action=DescribeVolumes&Version=2016-11-15");
    assert!(answer.body.starts_with(r#"<?xml version="1.0" encoding="UTF-8"?>"#));
    assert!(answer.body.contains(r#"<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">"#));
    assert_eq!(answer.header("date"), Some("sun, 22 nov 2026 03:00:00 gmt"));
    assert_eq!(answer.header("content-type"), Some("text/xml;charset=utf-8"));
    assert_eq!(answer.header("x-amzn-requestid").unwrap(), answer.one("requestId"));
}

#[test]
fn instances_stand_in_their_reservations() {
    let server = Server::start();
    let answer = server.ok("Action=DescribeInstances");
    assert_eq!(answer.all("reservationId"), ["r-1", "r-2"]);
    assert_eq!(answer.all("instanceId"), ["i-0001", "i-0002", "i-0003"]);
    assert_eq!(answer.all("volumeId"), ["vol-0001", "vol-0002", "vol-0003", "vol-0004"]);
    assert_eq!(answer.all("rootDeviceName"), ["/dev/xvda"; 3]);
    assert!(answer.body.contains("<instanceState><code>80</code><name>stopped</name></instanceState>"));
    assert!(
        answer.body.contains("<key>Name</key><value>web &lt;1&gt; &amp; &quot;co&quot;</value>"),
        "{}",
        answer.body
    );
    assert_eq!(answer.all("deleteOnTermination"), ["true", "false", "true", "true"]);
}

#[test]
fn volumes_and_snapshots_say_what_ec2_says() {
    let server = Server::start();
    let volume = server.ok("Action=DescribeVolumes&VolumeId.1=vol-0002");
    assert_eq!(
        (volume.one("size"), volume.one("volumeType"), volume.one("encrypted")),
        ("100".to_owned(), "st1".to_owned(), "true".to_owned())
    );
    assert_eq!(
        (volume.one("device"), volume.one("availabilityZone")),
        ("/dev/sdf".to_owned(), "eu-west-1a".to_owned())
    );
    let snapshot = server.ok("Action=DescribeSnapshots&SnapshotId.1=snap-0001");
    assert_eq!(snapshot.all("status"), ["completed"]);
    assert_eq!(snapshot.one("startTime"), "2026-11-15T03:00:00.000Z");
    assert_eq!(snapshot.one("progress"), "100%");
    assert_eq!(snapshot.all("key"), ["DeleteOn", "Type"]);
}

#[test]
fn owners_tell_ours_from_what_others_share() {
    let server = Server::start();
    let ids = |form: &str| server.ok(&format!("Action=DescribeSnapshots{form}")).all("snapshotId");
    assert_eq!(ids("").len(), 3);
    assert_eq!(ids("&Owner.1=self"), ["snap-0001", "snap-0002"]);
    assert_eq!(ids("&Owner.1=999999999999"), ["snap-0003"]);
    assert_eq!(ids("&Owner.1=self&Owner.2=999999999999").len(), 3);
    assert!(ids("&Owner.1=amazon").is_empty());
    assert!(server.ok_in(AWAY, "Action=DescribeSnapshots").all("snapshotId").is_empty(), "Regions are apart");
}

#[test]
fn filters_narrow_and_know_wildcards() {
    let server = Server::start();
    let ids = |action: &str, name: &str, values: &[&str]| {
        let values: String = values.iter().enumerate().map(|(n, v)| format!("&Filter.1.Value.{}={v}", n + 1)).collect();
        let answer = server.ok(&format!("Action={action}&Filter.1.Name={name}{values}"));
        [answer.all("instanceId"), answer.all("snapshotId")].concat()
    };
    assert_eq!(ids("DescribeInstances", "tag:Name", &["web*"]), ["i-0001", "i-0002"]);
    assert_eq!(ids("DescribeInstances", "tag:Name", &["web-?", "db"]), ["i-0002", "i-0003"]);
    assert_eq!(ids("DescribeInstances", "tag:Name", &["Web*"]), [""; 0], "case counts");
    assert_eq!(ids("DescribeInstances", "tag-key", &["Backup"]), ["i-0001"]);
    assert_eq!(ids("DescribeInstances", "instance-state-name", &["stopped"]), ["i-0002"]);
    assert_eq!(ids("DescribeInstances", "block-device-mapping.volume-id", &["vol-0004"]), ["i-0003"]);
    assert_eq!(ids("DescribeSnapshots", "description", &[r"weekly+\*"]), ["snap-0001"]);
    assert_eq!(ids("DescribeSnapshots", "start-time", &["2026-11-2*"]), ["snap-0002", "snap-0003"]);
    assert_eq!(ids("DescribeSnapshots", "status", &["pending"]), [""; 0]);
    assert_eq!(ids("DescribeSnapshots", "snapshot-id", &["snap-0002", "snap-9999"]), ["snap-0002"], "no error");
    let two = "Action=DescribeSnapshots&Filter.1.Name=encrypted&Filter.1.Value.1=true\
        &Filter.2.Name=volume-size&Filter.2.Value.1=8";
    assert!(server.ok(two).all("snapshotId").is_empty(), "all filters must fit");
    assert_eq!(
        server.code("Action=DescribeSnapshots&Filter.1.Name=colour&Filter.1.Value.1=red").1,
        "InvalidParameterValue"
    );
    let many: String = (1..=201).map(|n| format!("&Filter.1.Value.{n}=x")).collect();
    assert_eq!(server.code(&format!("Action=DescribeSnapshots&Filter.1.Name=status{many}")).1, "FilterLimitExceeded");
}

#[test]
fn tags_and_volumes_can_be_filtered_too() {
    let server = Server::start();
    let tags = server.ok("Action=DescribeTags&Filter.1.Name=resource-type&Filter.1.Value.1=snapshot");
    assert_eq!(tags.all("resourceId"), ["snap-0001", "snap-0001"]);
    assert_eq!(tags.all("value"), ["2026-11-29", "Automated"]);
    let volumes = server.ok("Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1=i-0001");
    assert_eq!(volumes.all("size"), ["8", "100"]);
}

#[test]
fn pages_make_up_the_whole() {
    let server = Server::with(snapwarden_ec2sim::http::Clock::Stopped, |world| {
        world.config.empty_pages = 400;
        for n in 0..23 {
            let new = snapwarden_ec2sim::NewVolume::sized(&format!("more-{n}"), 1);
            world.create_volume(&"eu-west-1".parse().unwrap(), new).unwrap();
        }
    });
    let whole = server.ok("Action=DescribeVolumes");
    assert_eq!((whole.all("size").len(), whole.all("nextToken").len()), (27, 0), "unpaged, it comes at once");
    let (mut seen, mut pages, mut next) = (Vec::new(), 0, String::new());
    loop {
        let page = server.ok(&format!("Action=DescribeVolumes&MaxResults=5{next}"));
        assert!(page.all("size").len() <= 5);
        seen.extend(page.all("createTime").into_iter().zip(page.all("size")));
        pages += 1;
        match page.all("nextToken").pop().filter(|token| !token.is_empty()) {
            Some(token) => next = format!("&NextToken={token}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 27);
    assert!(pages > 6, "empty pages came between: {pages}");
}

#[test]
fn what_pages_do_not_go_with_is_refused() {
    let server = Server::start();
    for (form, code) in [
        ("Action=DescribeVolumes&MaxResults=4", "InvalidParameterValue"),
        ("Action=DescribeVolumes&MaxResults=-5", "InvalidParameterValue"),
        ("Action=DescribeVolumes&MaxResults=lots", "InvalidParameterValue"),
        ("Action=DescribeVolumes&MaxResults=5&VolumeId.1=vol-0001", "InvalidParameterCombination"),
        ("Action=DescribeVolumes&MaxResults=5&NextToken=nonsense", "InvalidParameterValue"),
        ("Action=DescribeVolumes&VolumeId.1=vol-9999", "InvalidVolume.NotFound"),
        ("Action=DescribeVolumes&VolumeId.1=i-0001", "InvalidVolumeID.Malformed"),
        ("Action=DescribeInstances&InstanceId.1=i-9999", "InvalidInstanceID.NotFound"),
        ("Action=DescribeInstances&InstanceId.1=web-1", "InvalidInstanceID.Malformed"),
        ("Action=DescribeSnapshots&SnapshotId.1=snap-9999", "InvalidSnapshot.NotFound"),
        ("Action=DescribeImages&ImageId.1=ami-9999", "InvalidAMIID.NotFound"),
    ] {
        assert_eq!(server.code(form), (400, code.to_owned()), "{form}");
    }
    server.ok("Action=DescribeVolumes&MaxResults=100000");
}

#[test]
fn a_dry_run_does_nothing_and_says_so() {
    let server = Server::start();
    let create = "Action=CreateSnapshot&VolumeId=vol-0001&DryRun=true";
    assert_eq!(server.code(create), (412, "DryRunOperation".to_owned()));
    server.order("permission", r#"{"action": "CreateSnapshot", "allowed": false}"#);
    assert_eq!(server.code(create), (403, "UnauthorizedOperation".to_owned()));
    assert_eq!(server.code("Action=CreateSnapshot&DryRun=true"), (400, "MissingParameter".to_owned()));
    assert_eq!(server.ok("Action=DescribeSnapshots&DryRun=false").all("snapshotId").len(), 3);
}

#[test]
fn a_presigned_get_is_taken_as_well() {
    let server = Server::start();
    let scope = "X-Amz-Credential=AKIATEST%2F20261122%2Feu-west-1%2Fec2%2Faws4_request&X-Amz-Signature=00";
    let answer = server.request(&format!("GET /?Action=DescribeRegions&{scope} HTTP/1.1")).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}
