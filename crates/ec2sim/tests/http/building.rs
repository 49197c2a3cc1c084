//! What builds and changes a fleet.

use crate::client::Server;

const RUN: &str = "Action=RunInstances&ImageId=ami-0123&InstanceType=t3.large&MinCount=1&MaxCount=2&KeyName=k\
    &SecurityGroupId.1=sg-1&Placement.AvailabilityZone=eu-west-1b\
    &BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=50\
    &BlockDeviceMapping.1.Ebs.VolumeType=gp3&BlockDeviceMapping.1.Ebs.DeleteOnTermination=false\
    &BlockDeviceMapping.2.DeviceName=/dev/sdb&BlockDeviceMapping.2.VirtualName=ephemeral0\
    &TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Backup&TagSpecification.1.Tag.1.Value=Yes\
    &TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=team&TagSpecification.2.Tag.1.Value=x";

#[test]
fn several_instances_run_in_one_reservation() {
    let server = Server::start();
    let run = server.ok(RUN);
    assert_eq!((run.all("reservationId").len(), run.all("instanceId").len()), (1, 2));
    assert_eq!(run.all("deviceName"), ["/dev/xvda", "/dev/sdf", "/dev/xvda", "/dev/sdf"]);
    assert_eq!(run.all("deleteOnTermination"), ["true", "false", "true", "false"]);
    assert_eq!(run.all("availabilityZone"), ["eu-west-1b"; 2]);
    let first = &run.all("instanceId")[0];
    let look = format!("Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1={first}");
    let volumes = server.ok(&look);
    let mut sizes = volumes.all("size");
    sizes.sort();
    assert_eq!((sizes, volumes.all("key")), (vec!["50".to_owned(), "8".to_owned()], vec!["team".to_owned(); 2]));
    let stop = server.ok(&format!("Action=StopInstances&InstanceId.1={first}"));
    assert_eq!(stop.all("name"), ["stopped", "running"]);
    server.ok(&format!("Action=StartInstances&InstanceId.1={first}"));
    server.ok(&format!("Action=TerminateInstances&InstanceId.1={first}"));
    assert!(server.ok(&look).all("size").is_empty());
    let free = server.ok("Action=DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1=available");
    assert_eq!(free.all("size"), ["50"], "the root volume went, the other one stayed");
    assert_eq!(server.code(&format!("Action=StartInstances&InstanceId.1={first}")).1, "IncorrectInstanceState");
}

#[test]
fn a_client_token_makes_nothing_twice() {
    let server = Server::start();
    let run = || server.ok(&format!("{RUN}&ClientToken=t1")).all("instanceId");
    assert_eq!(run(), run());
    let volume = || server.ok("Action=CreateVolume&AvailabilityZone=eu-west-1a&Size=1&ClientToken=t1").one("volumeId");
    assert_eq!(volume(), volume());
    let other = server.ok("Action=CreateVolume&AvailabilityZone=eu-west-1a&Size=1&ClientToken=t2").one("volumeId");
    assert_ne!(volume(), other);
}

#[test]
fn a_volume_lives() {
    let server = Server::start();
    let made =
        server.ok("Action=CreateVolume&AvailabilityZone=eu-west-1a&SnapshotId=snap-0002&VolumeType=io2&Iops=100");
    assert_eq!((made.one("size"), made.one("encrypted")), ("100".to_owned(), "true".to_owned()));
    let id = made.one("volumeId");
    let attach = |instance: &str, device: &str| {
        format!("Action=AttachVolume&VolumeId={id}&InstanceId={instance}&Device={device}")
    };
    assert_eq!(server.code(&attach("i-0001", "/dev/xvda")).1, "InvalidParameterValue", "the device is taken");
    assert_eq!(server.ok(&attach("i-0001", "/dev/sdh")).one("status"), "attached");
    assert_eq!(server.code(&attach("i-0001", "/dev/sdi")).1, "VolumeInUse");
    server.ok(&attach("i-0003", "/dev/sdh"));
    assert_eq!(server.code(&format!("Action=DeleteVolume&VolumeId={id}")).1, "VolumeInUse");
    assert_eq!(server.ok(&format!("Action=DetachVolume&VolumeId={id}&InstanceId=i-0001")).one("status"), "detached");
    server.ok(&format!("Action=DetachVolume&VolumeId={id}&Force=true"));
    assert_eq!(server.code(&format!("Action=DetachVolume&VolumeId={id}")).1, "IncorrectState");
    assert_eq!(server.code("Action=DetachVolume&VolumeId=vol-0001").1, "OperationNotPermitted");
    server.ok(&format!("Action=DeleteVolume&VolumeId={id}"));
    assert_eq!(server.code(&format!("Action=DeleteVolume&VolumeId={id}")).1, "InvalidVolume.NotFound");
}

#[test]
fn an_image_holds_its_snapshots() {
    let server = Server::start();
    let image = server.ok("Action=CreateImage&InstanceId=i-0001&Name=golden&NoReboot=true").one("imageId");
    let look = format!("Action=DescribeImages&ImageId.1={image}&Owner.1=self");
    let shown = server.ok(&look);
    assert_eq!((shown.one("imageState"), shown.all("deviceName").len()), ("pending".to_owned(), 2));
    server.order("clock", r#"{"advance_seconds": 3600}"#);
    assert_eq!(server.ok(&look).one("imageState"), "available");
    let snapshot = shown.all("snapshotId").remove(0);
    let delete = format!("Action=DeleteSnapshot&SnapshotId={snapshot}");
    let refused = server.call(&delete);
    assert_eq!(refused.one("Code"), "InvalidSnapshot.InUse");
    assert!(refused.one("Message").ends_with(&image));
    assert_eq!(server.code("Action=CreateImage&InstanceId=i-0001&Name=golden").1, "InvalidAMIName.Duplicate");
    let run = server.ok(&format!("Action=RunInstances&ImageId={image}&MinCount=1&MaxCount=1"));
    assert_eq!(run.all("deviceName"), ["/dev/xvda", "/dev/sdf"]);
    server.ok(&format!("Action=CreateTags&ResourceId.1={image}&Tag.1.Key=a&Tag.1.Value=b"));
    assert_eq!(server.ok("Action=DescribeImages&Filter.1.Name=tag:a&Filter.1.Value.1=b").one("imageId"), image);
    server.ok(&format!("Action=DeregisterImage&ImageId={image}"));
    server.ok(&delete);
}

#[test]
fn what_ec2_would_not_build_is_refused() {
    let server = Server::start();
    let run = "Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1";
    let volume = "Action=CreateVolume&AvailabilityZone=eu-west-1a";
    for (form, code) in [
        ("Action=RunInstances&ImageId=ami-1&MaxCount=1".to_owned(), "MissingParameter"),
        ("Action=RunInstances&ImageId=ami-1&MinCount=3&MaxCount=1".to_owned(), "InvalidParameterValue"),
        ("Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=4000000000".to_owned(), "InstanceLimitExceeded"),
        (format!("{run}&LaunchTemplate.LaunchTemplateId=lt-1"), "UnknownParameter"),
        (format!("{run}&Placement.AvailabilityZone=us-east-1a"), "InvalidZone.NotFound"),
        (format!("{run}&BlockDeviceMapping.1.DeviceName=/dev/sdf"), "MissingParameter"),
        (format!("{run}&TagSpecification.1.ResourceType=snapshot"), "InvalidParameterValue"),
        (volume.to_owned(), "MissingParameter"),
        ("Action=CreateVolume&Size=1".to_owned(), "MissingParameter"),
        (format!("{volume}&Size=0"), "InvalidParameterValue"),
        (format!("{volume}&Size=65537"), "InvalidParameterValue"),
        (format!("{volume}&Size=1&VolumeType=floppy"), "UnknownVolumeType"),
        (format!("{volume}&SnapshotId=snap-9999"), "InvalidSnapshot.NotFound"),
        (format!("{volume}&Size=99&SnapshotId=snap-0002"), "InvalidParameterValue"),
        ("Action=StopInstances".to_owned(), "MissingParameter"),
        ("Action=StopInstances&InstanceId.1=i-9999".to_owned(), "InvalidInstanceID.NotFound"),
    ] {
        assert_eq!(server.code(&form), (400, code.to_owned()), "{form}");
    }
    assert_eq!(server.ok("Action=DescribeInstances").all("instanceId").len(), 3, "nothing was built");
}
