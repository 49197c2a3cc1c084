//! What the reader of AWS CLI dumps owes to any bytes: a listing is whole, or it is said not to be.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use snapwarden_core::inventory::{Inventory, Read, RegionInventory, Snapshot};
use snapwarden_core::tags::Tags;
use snapwarden_ec2sim::dump::{self, Dump};

const INSTANCES: &str = "us-east-1/instances.json";
const VOLUMES: &str = "us-east-1/volumes.json";
const SNAPSHOTS: &str = "us-east-1/snapshots.json";

/// A dump with nothing wrong in it.
pub(crate) const GOOD: [(&str, &str); 5] = [
    ("caller-identity.json", r#"{"UserId": "AIDA", "Account": "123456789012"}"#),
    (
        "regions.json",
        r#"{"Regions": [{"RegionName": "us-east-1", "OptInStatus": "opted-in"},
            {"RegionName": "eu-west-1"}, {"RegionName": "ap-east-1", "OptInStatus": "not-opted-in"}]}"#,
    ),
    (
        INSTANCES,
        r#"{"Reservations": [{"ReservationId": "r-1", "Instances": [{"InstanceId": "i-1", "State": {"Name": "running"},
            "RootDeviceName": "/dev/xvda", "Tags": [{"Key": "Backup", "Value": "Yes"}], "BlockDeviceMappings":
            [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-1"}}, {"DeviceName": "/dev/sdb"}]}]}]}"#,
    ),
    (
        VOLUMES,
        r#"{"Volumes": [{"VolumeId": "vol-1", "Size": 8, "VolumeType": "gp3", "Encrypted": true},
            {"VolumeId": "vol-2", "Size": 9, "VolumeType": "st1", "Encrypted": false, "Tags": []}]}"#,
    ),
    (
        SNAPSHOTS,
        r#"{"Snapshots": [{"SnapshotId": "snap-1", "VolumeId": "vol-1", "OwnerId": "123456789012",
            "State": "error", "StateMessage": "KMS", "StartTime": "2026-11-21T03:02:11.000Z", "VolumeSize": 8,
            "Encrypted": false, "StorageTier": "archive", "Tags": [{"Key": "KeepForever", "Value": ""},
            {"Key": "Name", "Value": "a \"b\" \u00fc"}]}], "NextToken": null}"#,
    ),
];

/// What holds of a good dump in `dir` with `bytes` in the place of one of its files.
pub(crate) fn holds(dir: &Path, which: usize, bytes: &[u8]) {
    let (file, _) = GOOD[which % GOOD.len()];
    fs::create_dir_all(dir.join("us-east-1")).unwrap();
    for (other, text) in GOOD {
        fs::write(dir.join(other), if other == file { bytes } else { text.as_bytes() }).unwrap();
    }
    let dump = match dump::read(dir, now(), None, &[]) {
        Ok(dump) => dump,
        Err(error) => {
            assert_eq!(file, GOOD[0].0, "{error}: every other file is a gap");
            assert!(is_printable(&error.to_string()), "{error}");
            return;
        }
    };
    what_is_not_whole_is_said(&dump);
    if let Some(text) = json_of(bytes) {
        what_is_whole_has_every_record(&dump, file, &text);
    } else {
        assert!(!is_whole(&dump.inventory, file), "{file} is not JSON");
    }
    if is_whole(&dump.inventory, file) {
        fs::write(dir.join(file), &bytes.trim_ascii_end()[..bytes.trim_ascii_end().len() - 1]).unwrap();
        let cut = dump::read(dir, now(), None, &[]);
        assert!(cut.is_ok_and(|cut| !is_whole(&cut.inventory, file)), "{file} breaks off");
    }
    let again = printed(dir, &dump.inventory);
    assert_eq!(seen(&again.inventory), seen(&dump.inventory));
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn is_printable(text: &str) -> bool {
    // What is repeated is cut before it is escaped, and an escape has ten characters at most.
    !text.contains(char::is_control) && text.chars().count() < 10_000
}

/// As a reader without our types reads it.
fn json_of(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()
}

fn here(inventory: &Inventory) -> &RegionInventory {
    let regions: Vec<_> = inventory.regions.values().collect();
    assert_eq!(regions.len(), 1);
    regions[0]
}

/// Whether a file was read as all there is; of caller-identity.json, never.
fn is_whole(inventory: &Inventory, file: &str) -> bool {
    match file {
        INSTANCES => here(inventory).instances.is_whole(),
        VOLUMES => here(inventory).volumes.is_whole(),
        SNAPSHOTS => here(inventory).snapshots.is_whole(),
        "regions.json" => inventory.enabled.is_whole(),
        _ => false,
    }
}

fn what_is_not_whole_is_said(dump: &Dump) {
    for (file, _) in &GOOD[1..] {
        let is_said = dump.troubles.iter().any(|trouble| trouble.file == *file && !is_of_others(trouble));
        assert_eq!(is_whole(&dump.inventory, file), !is_said, "{file}: {:?}", dump.troubles);
    }
    for trouble in &dump.troubles {
        assert!(is_printable(&trouble.to_string()), "{trouble}");
    }
}

/// Whether it is about another tool's snapshot, without which the listing is whole.
fn is_of_others(trouble: &dump::Trouble) -> bool {
    trouble.text.starts_with("not Snapwarden's, ")
}

fn what_is_whole_has_every_record(dump: &Dump, file: &str, text: &Value) {
    let inventory = &dump.inventory;
    let count = |list: &Value| list.as_array().map_or(0, Vec::len);
    let seen = here(inventory);
    let (read, written) = match file {
        INSTANCES => {
            let reservations = text["Reservations"].as_array().into_iter().flatten();
            (seen.instances.items().len(), reservations.map(|one| count(&one["Instances"])).sum())
        }
        VOLUMES => (seen.volumes.items().len(), count(&text["Volumes"])),
        SNAPSHOTS => {
            let of_others = dump.troubles.iter().filter(|trouble| is_of_others(trouble)).count();
            (seen.snapshots.items().len() + of_others, count(&text["Snapshots"]))
        }
        "regions.json" => {
            let regions = text["Regions"].as_array().into_iter().flatten();
            let enabled = regions.filter(|region| region["OptInStatus"] != "not-opted-in").count();
            (inventory.enabled.items().len(), enabled)
        }
        _ => return assert_eq!(text["Account"], inventory.account.as_str()),
    };
    // Of a list in which a Region's folder stands and the Region does not, the folders are what is known.
    assert!(read <= written || !is_whole(inventory, file), "{file}: {read} of {written}");
    assert!(read == written || !is_whole(inventory, file), "{file}: {read} of {written}, and whole");
}

/// The records, be their listings whole or not.
fn seen(inventory: &Inventory) -> Inventory {
    fn whole<T: Clone>(read: &Read<T>) -> Read<T> {
        Read::Whole(read.items().to_vec())
    }
    let mut all = inventory.clone();
    all.enabled = whole(&all.enabled);
    for seen in all.regions.values_mut() {
        *seen = RegionInventory {
            instances: whole(&seen.instances),
            volumes: whole(&seen.volumes),
            snapshots: whole(&seen.snapshots),
        };
    }
    all
}

/// The records as the AWS CLI prints them, read again.
fn printed(dir: &Path, inventory: &Inventory) -> Dump {
    let seen = here(inventory);
    let instances = seen.instances.items().iter().map(|instance| {
        let device = |device: &snapwarden_core::inventory::Device| match &device.volume {
            Some(volume) => json!({ "DeviceName": device.name, "Ebs": { "VolumeId": volume } }),
            None => json!({ "DeviceName": device.name }),
        };
        json!({
            "InstanceId": instance.id,
            "State": { "Name": instance.state.as_str() },
            "RootDeviceName": instance.root_device,
            "BlockDeviceMappings": instance.devices.iter().map(device).collect::<Vec<_>>(),
            "Tags": tags(&instance.tags),
        })
    });
    let volumes = seen.volumes.items().iter().map(|volume| {
        json!({
            "VolumeId": volume.id,
            "Size": volume.size_gib,
            "VolumeType": volume.volume_type,
            "Encrypted": volume.encrypted,
            "Tags": tags(&volume.tags),
        })
    });
    let regions = inventory.enabled.items().iter().map(|region| json!({ "RegionName": region }));
    let files = [
        json!({ "Account": inventory.account }),
        json!({ "Regions": regions.collect::<Vec<_>>() }),
        json!({ "Reservations": [{ "Instances": instances.collect::<Vec<_>>() }] }),
        json!({ "Volumes": volumes.collect::<Vec<_>>() }),
        json!({ "Snapshots": seen.snapshots.items().iter().map(snapshot).collect::<Vec<_>>() }),
    ];
    for ((file, _), json) in GOOD.iter().zip(files) {
        fs::write(dir.join(file), json.to_string()).unwrap();
    }
    dump::read(dir, now(), None, &[]).unwrap()
}

fn snapshot(snapshot: &Snapshot) -> Value {
    json!({
        "SnapshotId": snapshot.id,
        "VolumeId": snapshot.volume_id,
        "OwnerId": snapshot.owner,
        "State": snapshot.state.as_str(),
        "StateMessage": snapshot.state_message,
        "StartTime": snapshot.start_time.to_string(),
        "VolumeSize": snapshot.size_gib,
        "Encrypted": snapshot.encrypted,
        "StorageTier": snapshot.tier.as_str(),
        "Tags": tags(&snapshot.tags),
    })
}

fn tags(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}
