"""The jobs against moto, an EC2 that others wrote: run by scripts/interop, which names the command's program.

60 instances with 3 volumes each live the whole life: made in two slots, copied with all tags, sources removed, due copies
expired, with the calls of the budget and no more. moto's clock is the wall's and its snapshots are born completed, so
things are aged by their tags, and slots are named. Every place where moto and EC2, or the embedded EC2, behave
differently and which matters here has a test of its own (Differences).
"""

import datetime
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import boto3
from botocore.config import Config

SNAPWARDEN = os.path.abspath(sys.argv.pop(1))
HOME, AWAY = "eu-west-1", "eu-central-1"
INSTANCES, DEVICES = 60, ["/dev/xvda", "/dev/sdf", "/dev/sdg"]
VOLUMES = INSTANCES * len(DEVICES)
ODD = "a=b&c <d> \"e\" 'f' + % ü €*"
READY_SECONDS_MAX = 60
# Nothing of the machine's own settings may count.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(
    AWS_ACCESS_KEY_ID="AKIAMOTO",
    AWS_SECRET_ACCESS_KEY="not-checked",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    AWS_DEFAULT_REGION=HOME,
    AWS_REGION=HOME,
    NO_PROXY="127.0.0.1",
)


def tags_of(pairs):
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def as_dict(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def day(days_ago):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days_ago)).strftime("%Y-%m-%d")


def slot(hours_ago):
    time_of = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours_ago)
    return time_of.strftime("%Y-%m-%dT%H:%MZ")


class Moto(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = tempfile.TemporaryFile()
        program = os.path.join(os.path.dirname(sys.executable), "moto_server")
        # A port that is free now; another process could take it before moto does, and then moto says so.
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        cls.server = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], stdout=cls.log, stderr=cls.log)
        cls.url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                urllib.request.urlopen(f"{cls.url}/moto-api/", timeout=5).close()
                break
            except OSError:
                if time.monotonic() > end or cls.server.poll() is not None:
                    raise
                time.sleep(0.1)

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait(timeout=20)
        cls.log.close()

    def setUp(self):
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=20).close()
        self.ec2, self.away = self.client(HOME), self.client(AWAY)
        self.image = self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]

    def client(self, region):
        client = boto3.client("ec2", region_name=region, endpoint_url=self.url, config=Config(retries={"total_max_attempts": 1}))
        self.addCleanup(client.close)
        return client

    def launch(self, count, tags, devices=DEVICES):
        disks = [{"DeviceName": device, "Ebs": {"VolumeSize": 8}} for device in devices]
        specification = [{"ResourceType": "instance", "Tags": tags_of({"team": "x", **tags})}]
        run = self.ec2.run_instances(
            ImageId=self.image, MinCount=count, MaxCount=count, BlockDeviceMappings=disks, TagSpecifications=specification
        )
        return [instance["InstanceId"] for instance in run["Instances"]]

    def own(self, client):
        """The snapshots that are ours: moto lists everybody's, whoever is asked for."""
        pages = client.get_paginator("describe_snapshots").paginate(OwnerIds=["self"])
        found = [snapshot for page in pages for snapshot in page["Snapshots"]]
        return {one["SnapshotId"]: as_dict(one["Tags"]) for one in found if as_dict(one.get("Tags", [])).get("Type") == "Automated"}

    def snapwarden(self, *args):
        command = [SNAPWARDEN, *args, "--endpoint-url", self.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        return done.returncode, done.stdout, done.stderr

    def run_job(self, *args, code=0):
        returned, out, err = self.snapwarden("run", *args, "--json")
        self.assertEqual(returned, code, err)
        return json.loads(out)


def done(report):
    """Acts that were carried out, counted."""
    acts = {}
    for decision, outcome in zip(report["plan"]["decisions"], report["outcomes"]):
        if isinstance(outcome, dict) and "done" in outcome:
            act = decision["act"]
            name = act if isinstance(act, str) else next(iter(act))
            acts[name] = acts.get(name, 0) + 1
    return acts


class Life(Moto):
    maxDiff = None

    def test_the_whole_life_of_180_volumes_within_the_budget(self):
        started = time.monotonic()
        for group in range(INSTANCES // 3):
            tags = {"Backup": "Yes", "Name": f"web {group} {ODD}", "DestinationRegion": AWAY, "RetentionDays": "7"}
            self.launch(3, tags)
        foreign = {region: self.foreign(client) for region, client in ((HOME, self.ec2), (AWAY, self.away))}
        volumes = [one["VolumeId"] for page in self.ec2.get_paginator("describe_volumes").paginate() for one in page["Volumes"]]
        self.assertEqual(len(volumes), VOLUMES)
        self.ec2.create_tags(Resources=volumes, Tags=tags_of({"team": ODD}))

        looks = {"GetCallerIdentity": 1, "DescribeRegions": 1, "DescribeInstances": 1, "DescribeVolumes": 1}
        # One CreateTags for each device name: 60 snapshots get the same.
        makes = {"CreateSnapshots": INSTANCES, "CreateTags": len(DEVICES)}
        first, second, in_a_week = slot(26), slot(2), day(-7)
        for name in (first, second):
            made = self.run_job("create", "--slot", name)
            self.assertEqual(done(made), {"create": VOLUMES})
            self.assertEqual(made["calls"], {HOME: {**looks, **makes, "DescribeSnapshots": 1}, AWAY: {"DescribeSnapshots": 1}})
            again = self.run_job("create", "--slot", name)
            self.assertEqual(done(again), {})
            self.assertEqual(again["calls"], {HOME: {**looks, "DescribeSnapshots": 1}, AWAY: {"DescribeSnapshots": 1}})
        self.assertEqual(made["findings"], [])
        sources = self.own(self.ec2)
        self.assertEqual(len(sources), 2 * VOLUMES)
        for tags in sources.values():
            self.assertEqual((tags["team"], tags["DestinationRegion"]), (ODD, AWAY))
            self.assertIn(tags["DeleteOn"], (in_a_week, day(-7)), "two days only where midnight has passed meanwhile")
            self.assertIn(tags["DeviceName"], DEVICES)

        copied = self.run_job("offsite")
        self.assertEqual(done(copied), {"copy": 2 * VOLUMES})
        who = {"GetCallerIdentity": 1, "DescribeRegions": 1, "DescribeSnapshots": 1}
        self.assertEqual(copied["calls"], {HOME: who, AWAY: {"DescribeSnapshots": 1, "CopySnapshot": 2 * VOLUMES}})
        copies = self.own(self.away)
        self.assertEqual(len(copies), 2 * VOLUMES)
        for tags in copies.values():
            lineage = {key: tags.pop(key) for key in ("SourceSnapshotId", "SourceRegion", "SourceStartTime", "VolumeID")}
            self.assertEqual(lineage["SourceRegion"], HOME)
            self.assertIn(lineage["VolumeID"], volumes)
            self.assertEqual(tags, sources[lineage["SourceSnapshotId"]], "a copy has all tags of its source")

        removed = self.run_job("offsite")
        self.assertEqual(done(removed), {"remove_source": 2 * VOLUMES})
        # 100 sources and their copies are one second look, one call in each Region.
        second_looks = -(-2 * VOLUMES // 100)
        calls = {HOME: {**who, "DescribeSnapshots": 1 + second_looks, "DeleteSnapshot": 2 * VOLUMES}}
        self.assertEqual(removed["calls"], {**calls, AWAY: {"DescribeSnapshots": 1 + second_looks}})
        self.assertEqual(self.own(self.ec2), {})

        old = [snapshot for snapshot, tags in self.own(self.away).items() if tags["snapwarden:slot"] == first]
        self.assertEqual(len(old), VOLUMES)
        aged = {"CreatedOn": day(9), "DeleteOn": day(2), "SourceStartTime": f"{day(9)}T03:00:00Z"}
        self.away.create_tags(Resources=old, Tags=tags_of(aged))
        self.away.create_tags(Resources=old[:1], Tags=tags_of({"keepforever": ""}))
        expired = self.run_job("expire", "--region", AWAY)
        self.assertEqual(done(expired), {"delete": VOLUMES - 1})
        second_looks = -(-(VOLUMES - 1) // 100)
        deletes = {"DescribeSnapshots": 1 + second_looks, "DeleteSnapshot": VOLUMES - 1}
        # A copy's volume, its instance and the rest of its history lie in its source's Region, which is read as well.
        lives = {"DescribeInstances": 1, "DescribeVolumes": 1}
        self.assertEqual(expired["calls"], {AWAY: {**who, **lives, **deletes}, HOME: {**lives, "DescribeSnapshots": 1}})
        left = self.own(self.away)
        self.assertEqual(len(left), VOLUMES + 1)
        self.assertEqual([snapshot for snapshot in left if snapshot in old], old[:1], "KeepForever is kept")
        self.assertEqual(done(self.run_job("expire", "--region", AWAY)), {})
        for region, client in ((HOME, self.ec2), (AWAY, self.away)):
            self.assertEqual(self.foreign(client), foreign[region], "nothing that is not ours was touched")
        totals = {name: sum(sum(calls.values()) for calls in report["calls"].values()) for name, report in (
            ("a slot made", made), ("two copied", copied), ("their sources removed", removed), ("one expired", expired),
        )}
        took = time.monotonic() - started
        print(f"moto: calls of {INSTANCES} instances x 3 volumes: {totals}; {took:.0f} s, at AWS's rates", flush=True)

    def foreign(self, client):
        pages = client.get_paginator("describe_snapshots").paginate()
        found = [snapshot for page in pages for snapshot in page["Snapshots"]]
        return sorted(one["SnapshotId"] for one in found if as_dict(one.get("Tags", [])).get("Type") != "Automated")

    def test_more_than_half_of_a_region_waits_for_approval(self):
        self.launch(10, {"Backup": "Yes", "Name": "web"})
        for name in (slot(50), slot(26), slot(2)):
            self.run_job("create", "--slot", name)
        made = self.own(self.ec2)
        shown = [one for one in self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] if one["SnapshotId"] in made]
        # moto's times are whole seconds, and two slots may be made in one: then the id says which is newest.
        shown.sort(key=lambda one: (one["StartTime"], one["SnapshotId"]))
        newest = {one["VolumeId"]: one["SnapshotId"] for one in shown}
        old = [snapshot for snapshot in made if snapshot not in newest.values()]
        self.assertEqual((len(made), len(old)), (90, 60))
        # Born now, whatever their tags say: only the age that the tags promise can make them due.
        self.ec2.create_tags(Resources=old, Tags=tags_of({"CreatedOn": day(0), "DeleteOn": day(0)}))
        held = self.run_job("expire", code=3)
        self.assertEqual(done(held), {})
        self.assertEqual(len(self.own(self.ec2)), 90)
        gone = self.run_job("expire", "--approve", f"{HOME}:{day(0)}:60")
        self.assertEqual(done(gone), {"delete": 60})
        self.assertEqual(len(self.own(self.ec2)), 30)

    def test_keep_and_unkeep(self):
        self.launch(1, {"Backup": "Yes", "DestinationRegion": AWAY, "OffsiteMode": "Copy"}, DEVICES[:1])
        self.run_job("create")
        self.run_job("offsite")
        source, = self.own(self.ec2)
        code, out, err = self.snapwarden("keep", source, "--reason", ODD)
        self.assertEqual((code, err), (0, ""), out)
        for client in (self.ec2, self.away):
            (tags,) = self.own(client).values()
            self.assertEqual(tags["KeepForever"], ODD)
        code, out, err = self.snapwarden("unkeep", source)
        self.assertEqual((code, out.count("KeepForever taken off")), (0, 2), err)
        for client in (self.ec2, self.away):
            (tags,) = self.own(client).values()
            self.assertNotIn("KeepForever", tags)

    def test_a_snapshot_that_an_ami_uses_is_refused_and_kept(self):
        image = self.away.register_image(Name="golden")["ImageId"]
        disks = self.away.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]
        used = next(disk["Ebs"]["SnapshotId"] for disk in disks if "Ebs" in disk)
        # moto's snapshot of an image was born now, of a volume that is gone. As a copy it can be older than its closing.
        volume = self.away.describe_snapshots(SnapshotIds=[used])["Snapshots"][0]["VolumeId"]
        lineage = {"SourceSnapshotId": "snap-00000000000000001", "SourceRegion": HOME, "VolumeID": volume}
        due = {"Type": "Automated", "CreatedOn": day(40), "DeleteOn": day(33), "snapwarden:closed": day(32)}
        self.away.create_tags(Resources=[used], Tags=tags_of({**due, **lineage, "SourceStartTime": f"{day(40)}T03:00:00Z"}))
        report = self.run_job("expire", "--region", AWAY)
        (refused,) = [outcome["refused"] for outcome in report["outcomes"] if "refused" in outcome]
        self.assertEqual((refused["code"], report["findings"]), ("InvalidSnapshot.InUse", []))
        self.assertIn(used, self.own(self.away))


class Differences(Moto):
    """Where moto is not EC2. Each says what moto does, so that a new moto that behaves otherwise is noticed."""

    def test_an_excluded_volume_is_made_all_the_same_and_found(self):
        self.launch(1, {"Backup": "Yes"})
        volume = self.ec2.describe_volumes()["Volumes"][1]["VolumeId"]
        self.ec2.create_tags(Resources=[volume], Tags=tags_of({"Backup": "No"}))
        report = self.run_job("create")
        self.assertEqual(done(report), {"create": 2})
        (finding,) = report["findings"]
        self.assertEqual(finding["problem"], {"unexpected_snapshot": {"volume": volume}})
        self.assertEqual(len(self.own(self.ec2)), 3, "EC2 leaves out what ExcludeDataVolumeIds names")

    def test_owners_and_page_sizes_are_not_looked_at(self):
        page = self.ec2.describe_snapshots(OwnerIds=["self"], MaxResults=5)
        self.assertGreater(len(page["Snapshots"]), 1000, "EC2 lists nothing of ours here, five at a time")

    def test_snapshots_are_born_completed_and_any_number_at_once(self):
        self.launch(1, {}, DEVICES[:1])
        volume = self.ec2.describe_volumes()["Volumes"][0]["VolumeId"]
        states = [self.ec2.create_snapshot(VolumeId=volume)["State"] for _ in range(7)]
        self.assertEqual(states, ["completed"] * 7, "EC2: pending, 15 s apart, five at once")

    def test_a_dry_run_of_a_describe_is_answered_and_doctor_asks_no_further(self):
        self.assertIn("Snapshots", self.ec2.describe_snapshots(DryRun=True))
        self.launch(1, {"Backup": "Yes"}, DEVICES[:1])
        self.run_job("create")
        before = self.own(self.ec2)
        code, out, _ = self.snapwarden("doctor")
        self.assertEqual(code, 0, out)
        self.assertIn("the endpoint does not know dry runs (NotADryRun)", out)
        self.assertNotIn("ec2:DeleteSnapshot", out)
        self.assertEqual(self.own(self.ec2), before)

    def test_any_number_of_copies_at_once_and_each_has_its_sources_volume(self):
        self.launch(1, {}, DEVICES[:1])
        volume = self.ec2.describe_volumes()["Volumes"][0]["VolumeId"]
        source = self.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
        for _ in range(25):
            copy = self.away.copy_snapshot(SourceRegion=HOME, SourceSnapshotId=source)["SnapshotId"]
        (shown,) = self.away.describe_snapshots(SnapshotIds=[copy])["Snapshots"]
        self.assertEqual(shown["VolumeId"], volume, "EC2: an arbitrary one")
        shown = self.away.describe_snapshots(Filters=[{"Name": "status", "Values": ["completed"]}])["Snapshots"]
        self.assertGreaterEqual(len(shown), 25, "EC2 takes 20 at once")


if __name__ == "__main__":
    unittest.main()
