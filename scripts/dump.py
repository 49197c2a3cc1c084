"""An account as the AWS CLI prints it, for `snapwarden ec2 serve --fleet`: used by interop.py and functions.py."""

import json

ACCOUNT = "123456789012"


def pairs(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def instance(name, devices, tags):
    """An instance with its volumes by device, the first of them its root."""
    ebs = lambda volume: {"VolumeId": volume, "Status": "attached", "DeleteOnTermination": False}
    mappings = [{"DeviceName": device, "Ebs": ebs(volume)} for device, volume in devices.items()]
    state = {"Code": 16, "Name": "running"}
    return {"InstanceId": name, "State": state, "RootDeviceName": next(iter(devices)), "BlockDeviceMappings": mappings, "Tags": pairs(tags)}


def volume(name, size, tags=None, encrypted=False):
    return {"VolumeId": name, "Size": size, "State": "in-use", "VolumeType": "gp3", "Encrypted": encrypted, "Tags": pairs(tags or {})}


def snapshot(name, of, begun, tags):
    """A completed snapshot of a volume."""
    return {
        "SnapshotId": name,
        "VolumeId": of["VolumeId"],
        "State": "completed",
        "Progress": "100%",
        "StartTime": f"{begun:%Y-%m-%dT%H:%M:%S}+00:00",
        "OwnerId": ACCOUNT,
        "VolumeSize": of["Size"],
        "Encrypted": of["Encrypted"],
        "StorageTier": "standard",
        "Description": "",
        "Tags": pairs(tags),
    }


def write(folder, regions):
    """Writes the dump of an account with these Regions: (instances, volumes, snapshots) of each."""
    names = [{"RegionName": name, "OptInStatus": "opt-in-not-required"} for name in regions]
    put(folder / "caller-identity.json", {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/u", "UserId": "U"})
    put(folder / "regions.json", {"Regions": names})
    for name, (instances, volumes, snapshots) in regions.items():
        put(folder / name / "instances.json", {"Reservations": [{"OwnerId": ACCOUNT, "Instances": instances}]})
        put(folder / name / "volumes.json", {"Volumes": volumes})
        put(folder / name / "snapshots.json", {"Snapshots": snapshots})


def put(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
