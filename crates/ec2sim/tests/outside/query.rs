//! What the decoder of EC2's Query protocol owes to any bytes: it understands all of a form, or refuses it.

use snapwarden_core::ids::{AccountId, Region};
use snapwarden_core::tags::Tags;
use snapwarden_ec2sim::building::{Build, VolumeRequest};
use snapwarden_ec2sim::http::decode;
use snapwarden_ec2sim::listing::{Find, Listing};
use snapwarden_ec2sim::{ApiError, Call, Principal, World};

/// One form for each action.
#[allow(dead_code, reason = "the suite begins with them; the fuzz target has seeds of its own")]
pub(crate) const GOOD: &[&str] = &[
    "Action=GetCallerIdentity&Version=2011-06-15",
    "Action=DescribeRegions&AllRegions=true&RegionName.1=eu-west-1&Filter.1.Name=opt-in-status&Filter.1.Value.1=opted-in",
    "Action=DescribeInstances&InstanceId.2=i-1&InstanceId.10=i-2&DryRun=false",
    "Action=DescribeVolumes&MaxResults=1000&NextToken=&Filter.1.Name=tag%3AName&Filter.1.Value.1=a+b%2A&Filter.1.Value.2=",
    "Action=DescribeSnapshots&Owner.1=self&SnapshotId.1=snap-1&SnapshotId.2=&Version=2016-11-15",
    "Action=DescribeImages&ImageId.1=ami-1&Owner.1=123456789012&IncludeDeprecated=true",
    "Action=DescribeTags&Filter.1.Name=resource-id&Filter.1.Value.1=vol-1&MaxResults=5",
    "Action=CreateSnapshot&VolumeId=vol-1&Description=d%26&TagSpecification.1.ResourceType=snapshot\
     &TagSpecification.1.Tag.1.Key=Type&TagSpecification.1.Tag.1.Value=Automated",
    "Action=CreateSnapshots&InstanceSpecification.InstanceId=i-1&InstanceSpecification.ExcludeBootVolume=true\
     &InstanceSpecification.ExcludeDataVolumeId.1=vol-2&Location=regional",
    "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-1&DestinationRegion=us-east-1&Encrypted=TRUE\
     &PresignedUrl=https%3A%2F%2Fx%2F%3FX-Amz-Date%3D1&KmsKeyId=k",
    "Action=DeleteSnapshot&SnapshotId=snap-1&AWSAccessKeyId=k&Signature=s",
    "Action=CreateTags&ResourceId.1=snap-1&ResourceId.2=ami-2&Tag.1.Key=KeepForever&Tag.2.Key=a&Tag.2.Value=%C3%A9",
    "Action=DeleteTags&ResourceId.1=i-1&ResourceId.2=vol-2&Tag.1.Key=a&Tag.2.Key=b&Tag.2.Value=",
    "Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=2&KeyName=k&Placement.AvailabilityZone=us-east-1b\
     &Placement.Tenancy=default&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsdb&BlockDeviceMapping.1.VirtualName=x\
     &BlockDeviceMapping.2.DeviceName=%2Fdev%2Fsdf&BlockDeviceMapping.2.Ebs.VolumeSize=9&BlockDeviceMapping.2.Ebs.Iops=3\
     &TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=a&ClientToken=t",
    "Action=StartInstances&InstanceId.1=i-1",
    "Action=StopInstances&InstanceId.1=i-1&Force=true",
    "Action=TerminateInstances&InstanceId.1=i-1&InstanceId.2=i-2",
    "Action=CreateVolume&AvailabilityZone=us-east-1a&Size=8&VolumeType=gp3&Encrypted=true&SnapshotId=snap-1",
    "Action=AttachVolume&VolumeId=vol-1&InstanceId=i-1&Device=%2Fdev%2Fsdf",
    "Action=DetachVolume&VolumeId=vol-1&Force=true",
    "Action=DeleteVolume&VolumeId=vol-1",
    "Action=CreateImage&InstanceId=i-1&Name=n&NoReboot=true&TagSpecification.1.ResourceType=image\
     &TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b",
    "Action=DeregisterImage&ImageId=ami-1",
];

fn here() -> Region {
    "us-east-1".parse().unwrap()
}

pub(crate) fn read(form: &[u8]) -> Result<Call, ApiError> {
    decode(form, &here())
}

type Pairs = Vec<(String, String)>;

fn form<'a>(pairs: impl IntoIterator<Item = &'a (String, String)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// What holds of any form.
pub(crate) fn holds(bytes: &[u8]) {
    let call = match read(bytes) {
        Ok(call) => call,
        Err(ApiError::Answer { status, code, message }) => {
            assert!(status == 400 && !code.is_empty() && !message.is_empty(), "{status} {code} {message}");
            return;
        }
        Err(error @ (ApiError::NeverConnected(_) | ApiError::NoAnswer(_))) => panic!("{error}: nothing was asked"),
    };
    // As a decoder without our strictness has it.
    let pairs: Pairs = form_urlencoded::parse(bytes).into_owned().collect();
    assert_eq!(read(form(&pairs).as_bytes()), Ok(call.clone()), "another spelling of {pairs:?}");
    assert_eq!(read(form(pairs.iter().rev()).as_bytes()), Ok(call.clone()), "the order means nothing: {pairs:?}");

    let more = |name: &str| {
        let again = (name.to_owned(), "1".to_owned());
        read(form(pairs.iter().chain([&again])).as_bytes()).map_err(|error| error.code().map(str::to_owned))
    };
    assert_eq!(more("Colour"), Err(Some("UnknownParameter".to_owned())), "{pairs:?}");
    for (name, _) in &pairs {
        assert_eq!(more(name), Err(Some("InvalidQueryParameter".to_owned())), "{name} twice");
    }
    assert!(pairs.contains(&("Action".to_owned(), call.action().as_str().to_owned())), "{pairs:?}");

    let printed = printed(&call);
    assert_eq!(read(form(&printed).as_bytes()), Ok(call.clone()), "{printed:?}");
    no_id_is_empty(&call);
}

/// A describe has its ids as texts, and the world looks at them.
fn no_id_is_empty(call: &Call) {
    let has_empty = |ids: &[String]| ids.iter().any(String::is_empty);
    let Call::Find(find) = call else { return assert!(!has_empty(&call.subjects()), "{call:?}") };
    if has_empty(&find.ids) {
        let account: AccountId = "123456789012".parse().unwrap();
        let now = "2026-11-22T03:00:00Z".parse().unwrap();
        let mut world = World::new(1, now, account.clone(), [here()]);
        assert!(world.call(&Principal::of(account), &here(), call.clone()).is_err(), "{call:?}");
    }
}

/// The parameters of a call, in EC2's words.
fn printed(call: &Call) -> Pairs {
    let mut to = Printed(vec![("Action".to_owned(), call.action().as_str().to_owned())]);
    match call {
        Call::GetCallerIdentity => {}
        Call::Find(find) => to.find(find),
        Call::CreateSnapshot { volume, description, tags } => {
            to.put("VolumeId", volume);
            to.put("Description", description);
            to.born("TagSpecification.1", "snapshot", tags);
        }
        Call::CreateSnapshots(request) => {
            to.put("InstanceSpecification.InstanceId", &request.instance);
            to.put("InstanceSpecification.ExcludeBootVolume", request.exclude_boot);
            to.list("InstanceSpecification.ExcludeDataVolumeId", &request.exclude_data);
            to.put("Description", &request.description);
            to.born("TagSpecification.1", "snapshot", &request.tags);
        }
        Call::CopySnapshot { request, encrypted, presigned } => {
            to.put("SourceRegion", &request.source_region);
            to.put("SourceSnapshotId", &request.source);
            to.put("Description", &request.description);
            to.born("TagSpecification.1", "snapshot", &request.tags);
            to.put("Encrypted", encrypted);
            to.put("PresignedUrl", if *presigned { "https://ec2/" } else { "" });
        }
        Call::DeleteSnapshot { snapshot } => to.put("SnapshotId", snapshot),
        Call::CreateTags { resources, tags } => {
            to.list("ResourceId", resources.iter().map(|id| id.as_str()));
            to.tags("", tags);
        }
        Call::DeleteTagsWhere { resources, tags } => {
            to.list("ResourceId", resources.iter().map(|id| id.as_str()));
            for (n, (key, value)) in (1..).zip(tags) {
                to.put(&format!("Tag.{n}.Key"), key);
                value.iter().for_each(|value| to.put(&format!("Tag.{n}.Value"), value));
            }
        }
        Call::Build(build) => to.build(build),
        Call::DescribeRegions | Call::DescribeInstances(_) | Call::DescribeVolumes(_) | Call::DescribeSnapshots(_) => {
            panic!("{call:?} is what the jobs ask, not what a form asks")
        }
        Call::DeleteTags { .. } => panic!("{call:?} is what people ask of the world, not what a form asks"),
    }
    to.0
}

struct Printed(Pairs);

impl Printed {
    fn put(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    fn maybe(&mut self, name: &str, value: Option<impl ToString>) {
        value.into_iter().for_each(|value| self.put(name, value));
    }

    fn list(&mut self, name: &str, values: impl IntoIterator<Item = impl ToString>) {
        (1..).zip(values).for_each(|(n, value)| self.put(&format!("{name}.{n}"), value));
    }

    fn tags(&mut self, before: &str, tags: &Tags) {
        for (n, (key, value)) in (1..).zip(tags.iter()) {
            self.put(&format!("{before}Tag.{n}.Key"), key);
            self.put(&format!("{before}Tag.{n}.Value"), value);
        }
    }

    fn born(&mut self, place: &str, kind: &str, tags: &Tags) {
        self.put(&format!("{place}.ResourceType"), kind);
        self.tags(&format!("{place}."), tags);
    }

    fn find(&mut self, find: &Find) {
        let ids = match find.what {
            Listing::Regions => "RegionName",
            Listing::Instances => "InstanceId",
            Listing::Volumes => "VolumeId",
            Listing::Snapshots => "SnapshotId",
            Listing::Images => "ImageId",
            Listing::Tags => "ResourceId",
        };
        self.list(ids, &find.ids);
        self.list("Owner", &find.owners);
        for (n, filter) in (1..).zip(&find.filters) {
            self.put(&format!("Filter.{n}.Name"), &filter.name);
            self.list(&format!("Filter.{n}.Value"), &filter.values);
        }
        self.maybe("NextToken", find.page.next.as_ref());
        self.maybe("MaxResults", find.page.max_results);
    }

    fn volume(&mut self, before: &str, size: &str, volume: &VolumeRequest) {
        self.maybe(&format!("{before}{size}"), volume.size_gib);
        self.maybe(&format!("{before}SnapshotId"), volume.snapshot.as_ref());
        self.put(&format!("{before}VolumeType"), &volume.volume_type);
        self.put(&format!("{before}Encrypted"), volume.encrypted);
    }

    fn build(&mut self, build: &Build) {
        match build {
            Build::RunInstances { request, token } => {
                self.put("ImageId", &request.image);
                self.put("MinCount", request.count.0);
                self.put("MaxCount", request.count.1);
                self.put("InstanceType", &request.instance_type);
                self.put("Placement.AvailabilityZone", format!("{}{}", here(), request.zone));
                for (n, device) in (1..).zip(&request.devices) {
                    let place = format!("BlockDeviceMapping.{n}");
                    self.put(&format!("{place}.DeviceName"), &device.name);
                    match &device.volume {
                        None => self.put(&format!("{place}.VirtualName"), "ephemeral0"),
                        Some(volume) => {
                            self.put(&format!("{place}.Ebs.DeleteOnTermination"), device.delete_on_termination);
                            self.volume(&format!("{place}.Ebs."), "VolumeSize", volume);
                        }
                    }
                }
                self.born("TagSpecification.1", "instance", &request.tags);
                self.born("TagSpecification.2", "volume", &request.volume_tags);
                self.maybe("ClientToken", token.as_ref());
            }
            Build::StartInstances(ids) | Build::StopInstances(ids) | Build::TerminateInstances(ids) => {
                self.list("InstanceId", ids);
            }
            Build::CreateVolume { request, token } => {
                self.put("AvailabilityZone", format!("{}{}", here(), request.zone));
                self.volume("", "Size", request);
                self.born("TagSpecification.1", "volume", &request.tags);
                self.maybe("ClientToken", token.as_ref());
            }
            Build::AttachVolume { volume, instance, device } => {
                self.put("VolumeId", volume);
                self.put("InstanceId", instance);
                self.put("Device", device);
            }
            Build::DetachVolume { volume, instance, device } => {
                self.put("VolumeId", volume);
                self.maybe("InstanceId", instance.as_ref());
                self.maybe("Device", device.as_ref());
            }
            Build::DeleteVolume(volume) => self.put("VolumeId", volume),
            Build::CreateImage { instance, name, description, tags, snapshot_tags } => {
                self.put("InstanceId", instance);
                self.put("Name", name);
                self.put("Description", description);
                self.born("TagSpecification.1", "image", tags);
                self.born("TagSpecification.2", "snapshot", snapshot_tags);
            }
            Build::DeregisterImage(image) => self.put("ImageId", image),
        }
    }
}
