//! From a [`Reply`] to EC2's XML. The names are those of the EC2 API reference's responses, of which the world knows
//! only a part: what it does not know is left out, never made up.

use snapwarden_core::ids::{AccountId, Region};
use snapwarden_core::inventory::{InstanceState, StorageTier};
use snapwarden_core::tags::Tags;
use snapwarden_exec::cloud::Page;

use super::xml::Xml;
use crate::building::{Built, StateChange};
use crate::call::{Action, InstanceView, Reply, SnapshotView, VolumeView};
use crate::filters::{endpoint, state_code, time};
use crate::listing::{Found, ImageView, TagView};
use crate::state::Attachment;

const EC2: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What an answer repeats of its request.
pub(super) struct About<'a> {
    pub(super) action: Action,
    pub(super) region: &'a Region,
    pub(super) account: &'a AccountId,
    pub(super) request_id: &'a str,
}

/// The answer to a call that succeeded.
pub(super) fn reply(about: &About<'_>, reply: Reply) -> String {
    let root = format!("{}Response", about.action);
    if let Reply::Account(account) = &reply {
        return identity(&root, account, about.request_id);
    }
    Xml::document(&root, Some(EC2), |xml| {
        xml.text("requestId", about.request_id);
        body(xml, about, reply);
    })
}

/// The answer to a call that failed: EC2's, or STS's.
pub(super) fn error(is_sts: bool, code: &str, message: &str, request_id: &str) -> String {
    let error = |xml: &mut Xml| {
        xml.node("Error", |xml| {
            if is_sts {
                xml.text("Type", "Sender");
            }
            xml.text("Code", code);
            xml.text("Message", message);
        });
    };
    if is_sts {
        return Xml::document("ErrorResponse", Some(STS), |xml| {
            error(xml);
            xml.text("RequestId", request_id);
        });
    }
    Xml::document("Response", None, |xml| {
        xml.node("Errors", error);
        xml.text("RequestID", request_id);
    })
}

fn identity(root: &str, account: &AccountId, request_id: &str) -> String {
    Xml::document(root, Some(STS), |xml| {
        xml.node("GetCallerIdentityResult", |xml| {
            xml.text("Arn", format_args!("arn:aws:iam::{account}:root"));
            xml.text("UserId", account);
            xml.text("Account", account);
        });
        xml.node("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    })
}

fn body(xml: &mut Xml, about: &About<'_>, reply: Reply) {
    match reply {
        Reply::Account(account) => xml.text("account", account),
        Reply::Regions(regions) => found(xml, about, Found::Regions(regions)),
        Reply::Instances(page) => found(xml, about, Found::Instances(page)),
        Reply::Volumes(page) => found(xml, about, Found::Volumes(page)),
        Reply::Snapshots(page) => found(xml, about, Found::Snapshots(page)),
        Reply::Found(what) => found(xml, about, what),
        Reply::Begun(view) => snapshot(xml, about, &view, "status"),
        Reply::Set(views) => xml.list("snapshotSet", &views, |xml, view| snapshot(xml, about, view, "state")),
        Reply::Copied { snapshot, tags } => {
            xml.text("snapshotId", snapshot);
            tag_set(xml, &tags);
        }
        Reply::Deleted | Reply::Tagged | Reply::Untagged => xml.text("return", true),
        Reply::Built(what) => built(xml, about, what),
    }
}

fn found(xml: &mut Xml, about: &About<'_>, found: Found) {
    match found {
        Found::Regions(regions) => xml.list("regionInfo", &regions, |xml, region| {
            xml.text("regionName", region);
            xml.text("regionEndpoint", endpoint(region));
            xml.text("optInStatus", "opt-in-not-required");
        }),
        Found::Instances(page) => {
            let all = reservations(&page.items);
            xml.list("reservationSet", &all, |xml, (id, instances)| reservation(xml, about, id, instances));
            next_token(xml, &page);
        }
        Found::Volumes(page) => {
            xml.list("volumeSet", &page.items, |xml, view| volume(xml, about, view));
            next_token(xml, &page);
        }
        Found::Snapshots(page) => {
            xml.list("snapshotSet", &page.items, |xml, view| snapshot(xml, about, view, "status"));
            next_token(xml, &page);
        }
        Found::Images(page) => {
            xml.list("imagesSet", &page.items, |xml, view| image(xml, about, view));
            next_token(xml, &page);
        }
        Found::Tags(page) => {
            xml.list("tagSet", &page.items, tag);
            next_token(xml, &page);
        }
    }
}

fn built(xml: &mut Xml, about: &About<'_>, built: Built) {
    match built {
        Built::Run { reservation: id, instances } => {
            reservation(xml, about, &id, &instances.iter().collect::<Vec<_>>());
        }
        Built::Changed(changes) => xml.list("instancesSet", &changes, state_change),
        Built::Volume(view) => volume(xml, about, &view),
        Built::Attached { volume, attachment: place } => attachment(xml, &volume, &place, "attached"),
        Built::Detached { volume, attachment: place } => attachment(xml, &volume, &place, "detached"),
        Built::Image { image, .. } => xml.text("imageId", image),
        Built::VolumeDeleted | Built::ImageDeregistered => xml.text("return", true),
    }
}

/// None on the last page, or an empty one: EC2 does both.
fn next_token<T>(xml: &mut Xml, page: &Page<T>) {
    if let Some(next) = &page.next {
        xml.text("nextToken", next);
    }
}

fn tag_set(xml: &mut Xml, tags: &Tags) {
    if tags.is_empty() {
        return;
    }
    xml.list("tagSet", tags.iter(), |xml, (key, value)| {
        xml.text("key", key);
        xml.text("value", value);
    });
}

/// DescribeSnapshots calls a snapshot's state `status`, CreateSnapshots calls it `state`.
fn snapshot(xml: &mut Xml, about: &About<'_>, view: &SnapshotView, state_name: &str) {
    let snapshot = &view.snapshot;
    xml.text("snapshotId", &snapshot.id);
    xml.text("volumeId", &snapshot.volume_id);
    xml.text(state_name, snapshot.state.as_str());
    if let Some(message) = &snapshot.state_message {
        xml.text("statusMessage", message);
    }
    xml.text("startTime", time(snapshot.start_time));
    if let Some(completed) = view.completed {
        xml.text("completionTime", time(completed));
    }
    xml.text("progress", format_args!("{}%", view.progress));
    xml.text("ownerId", &snapshot.owner);
    xml.text("volumeSize", snapshot.size_gib);
    xml.text("description", &view.description);
    xml.text("encrypted", snapshot.encrypted);
    xml.text("storageTier", snapshot.tier.as_str());
    if snapshot.tier == StorageTier::Local {
        let (region, account) = (&about.region, &snapshot.owner);
        xml.text("outpostArn", format_args!("arn:aws:outposts:{region}:{account}:outpost/op-0123456789abcdef0"));
    }
    tag_set(xml, &snapshot.tags);
}

fn volume(xml: &mut Xml, about: &About<'_>, view: &VolumeView) {
    xml.text("volumeId", &view.volume.id);
    xml.text("size", view.volume.size_gib);
    xml.text("availabilityZone", format_args!("{}{}", about.region, view.zone));
    xml.text("status", view.status());
    xml.text("createTime", time(view.created));
    xml.list("attachmentSet", &view.attachments, |xml, place| attachment(xml, view, place, "attached"));
    xml.text("volumeType", &view.volume.volume_type);
    xml.text("encrypted", view.volume.encrypted);
    xml.text("multiAttachEnabled", view.attachments.len() > 1);
    tag_set(xml, &view.volume.tags);
}

/// The world does not keep when a volume was attached: it shows the time when it was made.
fn attachment(xml: &mut Xml, view: &VolumeView, attachment: &Attachment, status: &str) {
    xml.text("volumeId", &view.volume.id);
    xml.text("instanceId", &attachment.instance);
    xml.text("device", &attachment.device);
    xml.text("status", status);
    xml.text("attachTime", time(view.created));
    xml.text("deleteOnTermination", attachment.delete_on_termination);
}

/// The instances of a page by reservation, each where its first one stands.
fn reservations(instances: &[InstanceView]) -> Vec<(&str, Vec<&InstanceView>)> {
    let mut all: Vec<(&str, Vec<&InstanceView>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for view in instances {
        let place = *places.entry(view.reservation.as_str()).or_insert(all.len());
        match all.get_mut(place) {
            Some((_, of_it)) => of_it.push(view),
            None => all.push((&view.reservation, vec![view])),
        }
    }
    all
}

fn reservation(xml: &mut Xml, about: &About<'_>, id: &str, instances: &[&InstanceView]) {
    xml.text("reservationId", id);
    xml.text("ownerId", about.account);
    xml.list("groupSet", None::<()>, |_, ()| ());
    xml.list("instancesSet", instances, |xml, view| instance(xml, about, view));
}

fn instance(xml: &mut Xml, about: &About<'_>, view: &InstanceView) {
    let instance = &view.instance;
    xml.text("instanceId", &instance.id);
    xml.text("imageId", &view.machine.image);
    state(xml, "instanceState", instance.state);
    xml.text("instanceType", &view.machine.instance_type);
    xml.text("launchTime", time(view.machine.launched));
    xml.node("placement", |xml| {
        xml.text("availabilityZone", format_args!("{}{}", about.region, view.machine.zone));
        xml.text("tenancy", "default");
    });
    xml.text("architecture", "x86_64");
    xml.text("rootDeviceType", "ebs");
    xml.text("rootDeviceName", &instance.root_device);
    // As in EC2, only EBS volumes are told: an instance store is not.
    let volumes = instance.devices.iter().filter_map(|device| Some((&device.name, device.volume.as_ref()?)));
    xml.list("blockDeviceMapping", volumes, |xml, (name, volume)| {
        xml.text("deviceName", name);
        xml.node("ebs", |xml| {
            xml.text("volumeId", volume);
            xml.text("status", "attached");
            xml.text("attachTime", time(view.machine.launched));
            xml.text("deleteOnTermination", view.goes_with_it.contains(volume));
        });
    });
    tag_set(xml, &instance.tags);
}

fn state(xml: &mut Xml, name: &str, state: InstanceState) {
    xml.node(name, |xml| {
        xml.text("code", state_code(state));
        xml.text("name", state.as_str());
    });
}

fn state_change(xml: &mut Xml, change: &StateChange) {
    xml.text("instanceId", &change.instance);
    state(xml, "currentState", change.to);
    state(xml, "previousState", change.from);
}

fn image(xml: &mut Xml, about: &About<'_>, view: &ImageView) {
    xml.text("imageId", &view.id);
    xml.text("imageState", view.state);
    xml.text("imageOwnerId", about.account);
    xml.text("isPublic", false);
    xml.text("name", &view.name);
    xml.text("description", &view.description);
    xml.text("creationDate", time(view.created));
    xml.text("imageType", "machine");
    xml.text("architecture", "x86_64");
    xml.text("rootDeviceType", "ebs");
    xml.text("rootDeviceName", &view.root_device);
    xml.list("blockDeviceMapping", &view.devices, |xml, device| {
        xml.text("deviceName", &device.name);
        xml.node("ebs", |xml| {
            xml.text("snapshotId", &device.snapshot);
            xml.text("volumeSize", device.size_gib);
            xml.text("encrypted", device.encrypted);
        });
    });
    tag_set(xml, &view.tags);
}

fn tag(xml: &mut Xml, view: &TagView) {
    xml.text("resourceId", view.resource.as_str());
    xml.text("resourceType", view.resource.kind());
    xml.text("key", &view.key);
    xml.text("value", &view.value);
}
