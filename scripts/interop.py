"""boto3 and the AWS CLI against `snapwarden ec2 serve`: run by scripts/interop, which names the command's program.

Each test has a server of its own, whose clock is stopped, so nothing here waits and nothing depends on the day.
"""

import datetime
import fcntl
import http.client
import json
import os
import pathlib
import pty
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import unittest
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, WaiterError

import dump

SNAPWARDEN = os.path.abspath(sys.argv.pop(1))
NOW = "2026-11-22T03:00:00+00:00"
HOME, AWAY = "eu-west-1", "eu-central-1"
ODD = "a=b&c <d> \"e\" 'f' + % ü €\t*"
VOLUMES = [dump.volume("vol-0001", 8), dump.volume("vol-0002", 100, encrypted=True), dump.volume("vol-0003", 8)]
INSTANCES = [
    dump.instance("i-0001", {"/dev/xvda": "vol-0001", "/dev/sdf": "vol-0002"}, {"Name": "web-1", "Backup": "Yes"}),
    dump.instance("i-0002", {"/dev/xvda": "vol-0003"}, {"Name": "web-2"}),
]
SNAPSHOTS = [
    dump.snapshot(
        f"snap-1{number:03}",
        VOLUMES[number % 2],
        datetime.datetime.fromisoformat(NOW) - datetime.timedelta(days=number + 1),
        {"Type": "Automated", "Number": str(number)},
    )
    for number in range(23)
]
# Nothing of the machine's own settings may count.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAINTEROP",
    "AWS_SECRET_ACCESS_KEY": "not-checked",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": HOME,
    "AWS_PAGER": "",
    "NO_PROXY": "127.0.0.1",
}
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(ENVIRONMENT)


def as_dict(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


class Interop(unittest.TestCase):
    def setUp(self):
        with tempfile.TemporaryDirectory() as folder:
            dump.write(pathlib.Path(folder), {HOME: (INSTANCES, VOLUMES, SNAPSHOTS), AWAY: ([], [], [])})
            serve = [SNAPWARDEN, "ec2", "serve", "--port", "0", "--fleet", folder, "--clock", "stopped", "--now", NOW]
            self.server = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            # The line comes when the fleet has been read and connections are accepted.
            self.url = self.server.stdout.readline().strip()
        self.addCleanup(self.stop)
        self.ec2 = self.client(HOME)

    def stop(self):
        self.server.terminate()
        self.server.wait(timeout=20)
        self.server.stdout.close()

    def client(self, region, service="ec2", attempts=1):
        config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
        client = boto3.client(service, region_name=region, endpoint_url=self.url, config=config)
        self.addCleanup(client.close)
        return client

    def local(self, what, order=None):
        data = None if order is None else json.dumps(order).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_snapwarden/{what}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def aws(self, *args):
        command = [os.path.join(os.path.dirname(sys.executable), "aws"), *args, "--endpoint-url", self.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr

    def aws_json(self, *args):
        code, out, err = self.aws(*args, "--output", "json")
        self.assertEqual(code, 0, err)
        return json.loads(out) if out.strip() else None

    def code_of(self, call, *args, **kwargs):
        with self.assertRaises(ClientError) as raised:
            call(*args, **kwargs)
        return raised.exception.response["Error"]["Code"]

    def advance(self, seconds):
        self.local("clock", {"advance_seconds": seconds})


class Boto3(Interop):
    def test_who_and_where(self):
        self.assertEqual(self.client(HOME, "sts").get_caller_identity()["Account"], "123456789012")
        regions = self.ec2.describe_regions()["Regions"]
        self.assertEqual([region["RegionName"] for region in regions], [AWAY, HOME])
        headers = self.ec2.describe_regions()["ResponseMetadata"]["HTTPHeaders"]
        self.assertEqual(headers["date"], "Sun, 22 Nov 2026 03:00:00 GMT")

    def test_describe(self):
        reservations = self.ec2.describe_instances()["Reservations"]
        (first,), (second,) = [reservation["Instances"] for reservation in reservations]
        self.assertEqual((first["InstanceId"], second["State"]), ("i-0001", {"Code": 16, "Name": "running"}))
        mapping = {device["DeviceName"]: device["Ebs"] for device in first["BlockDeviceMappings"]}
        self.assertEqual(mapping["/dev/sdf"]["VolumeId"], "vol-0002")
        self.assertIs(mapping["/dev/sdf"]["DeleteOnTermination"], False)
        volume, = self.ec2.describe_volumes(VolumeIds=["vol-0002"])["Volumes"]
        self.assertEqual((volume["Size"], volume["Encrypted"], volume["State"]), (100, True, "in-use"))
        snapshot, = self.ec2.describe_snapshots(SnapshotIds=["snap-1000"])["Snapshots"]
        self.assertEqual(snapshot["StartTime"].isoformat(), "2026-11-21T03:00:00+00:00")
        self.assertEqual((snapshot["State"], snapshot["Progress"]), ("completed", "100%"))
        self.assertEqual(as_dict(snapshot["Tags"]), {"Type": "Automated", "Number": "0"})

    def test_pages_and_filters(self):
        self.local("config", {"empty_pages": 300})
        pages = self.ec2.get_paginator("describe_snapshots").paginate(
            OwnerIds=["self"], PaginationConfig={"PageSize": 5}
        )
        ids = [snapshot["SnapshotId"] for page in pages for snapshot in page["Snapshots"]]
        self.assertEqual(ids, [f"snap-1{number:03}" for number in range(23)])
        filters = [{"Name": "tag:Number", "Values": ["1?"]}, {"Name": "volume-id", "Values": ["vol-0001"]}]
        found = self.ec2.describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
        self.assertEqual([as_dict(one["Tags"])["Number"] for one in found], ["10", "12", "14", "16", "18"])
        tags = self.ec2.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 7})
        self.assertEqual(sum(len(page["Tags"]) for page in tags), 3 + 2 * 23)

    def test_a_snapshot_and_its_waiter(self):
        tags = {"Type": "Automated", "odd": ODD}
        specification = [{"ResourceType": "snapshot", "Tags": dump.pairs(tags)}]
        made = self.ec2.create_snapshot(VolumeId="vol-0001", Description=ODD, TagSpecifications=specification)
        self.assertEqual((made["State"], as_dict(made["Tags"]), made["Description"]), ("pending", tags, ODD))
        waiter, ids = self.ec2.get_waiter("snapshot_completed"), [made["SnapshotId"]]
        with self.assertRaisesRegex(WaiterError, "Max attempts"):
            waiter.wait(SnapshotIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 2})
        polls = []

        def poll(**_):
            polls.append(1)
            self.advance(15)

        self.ec2.meta.events.register("before-call.ec2.DescribeSnapshots", poll)
        waiter.wait(SnapshotIds=ids, WaiterConfig={"Delay": 0})
        self.assertEqual(len(polls), 5, "8 GiB take 68 seconds")

    def test_the_waiter_fails_with_the_snapshot(self):
        self.local("config", {"snapshot_errors": 1000})
        made = self.ec2.create_snapshot(VolumeId="vol-0001")
        self.advance(3600)
        with self.assertRaisesRegex(WaiterError, "terminal failure"):
            self.ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[made["SnapshotId"]])

    def test_a_set(self):
        specification = {"InstanceId": "i-0001", "ExcludeDataVolumeIds": ["vol-0002"]}
        made, = self.ec2.create_snapshots(InstanceSpecification=specification)["Snapshots"]
        self.assertEqual((made["VolumeId"], made["State"], made["VolumeSize"]), ("vol-0001", "pending", 8))

    def test_a_copy_with_botocores_presigned_url(self):
        away = self.client(AWAY)
        tags = [{"ResourceType": "snapshot", "Tags": dump.pairs({"odd": ODD})}]
        source = {"SourceRegion": HOME, "SourceSnapshotId": "snap-1001", "TagSpecifications": tags}
        copy = away.copy_snapshot(**source)
        self.assertEqual(as_dict(copy["Tags"]), {"odd": ODD})
        self.advance(3600)
        shown, = away.describe_snapshots(SnapshotIds=[copy["SnapshotId"]])["Snapshots"]
        self.assertEqual((shown["State"], shown["Encrypted"], shown["VolumeId"]), ("completed", True, "vol-ffffffff"))

    def test_tags(self):
        self.ec2.create_tags(Resources=["snap-1000", "vol-0001"], Tags=dump.pairs({"odd": ODD, "empty": ""}))
        shown = self.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["odd", "empty"]}])["Tags"]
        self.assertEqual({tag["ResourceType"] for tag in shown}, {"snapshot", "volume"})
        self.assertEqual(len(shown), 4)
        self.ec2.delete_tags(Resources=["snap-1000"], Tags=[{"Key": "odd", "Value": "other"}, {"Key": "empty"}])
        shown, = self.ec2.describe_snapshots(SnapshotIds=["snap-1000"])["Snapshots"]
        self.assertEqual(as_dict(shown["Tags"]), {"Type": "Automated", "Number": "0", "odd": ODD})

    def test_a_fleet(self):
        tags = [{"ResourceType": kind, "Tags": dump.pairs({"team": "x"})} for kind in ("instance", "volume")]
        disk = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}
        run = self.ec2.run_instances(
            ImageId="ami-0123", MinCount=3, MaxCount=3, BlockDeviceMappings=[disk], TagSpecifications=tags
        )
        ids = [instance["InstanceId"] for instance in run["Instances"]]
        self.ec2.get_waiter("instance_running").wait(InstanceIds=ids)
        reservation, = self.ec2.describe_instances(InstanceIds=ids)["Reservations"]
        self.assertEqual(reservation["ReservationId"], run["ReservationId"])
        self.assertEqual({instance["InstanceId"] for instance in reservation["Instances"]}, set(ids))
        of_team = [{"Name": "tag:team", "Values": ["x"]}]
        self.assertEqual(len(self.ec2.describe_volumes(Filters=of_team)["Volumes"]), 6)
        self.ec2.stop_instances(InstanceIds=ids)
        self.ec2.get_waiter("instance_stopped").wait(InstanceIds=ids)
        volume = self.ec2.create_volume(AvailabilityZone=f"{HOME}a", Size=5)["VolumeId"]
        self.ec2.get_waiter("volume_available").wait(VolumeIds=[volume])
        self.ec2.attach_volume(VolumeId=volume, InstanceId=ids[0], Device="/dev/sdg")
        self.ec2.get_waiter("volume_in_use").wait(VolumeIds=[volume])
        image = self.ec2.create_image(InstanceId=ids[0], Name="golden")["ImageId"]
        self.advance(3600)
        self.ec2.get_waiter("image_available").wait(ImageIds=[image])
        self.ec2.deregister_image(ImageId=image)
        self.ec2.detach_volume(VolumeId=volume)
        self.ec2.delete_volume(VolumeId=volume)
        self.ec2.get_waiter("volume_deleted").wait(VolumeIds=[volume])
        self.ec2.terminate_instances(InstanceIds=ids)
        self.ec2.get_waiter("instance_terminated").wait(InstanceIds=ids)

    def test_codes(self):
        self.assertEqual(self.code_of(self.ec2.describe_vpcs), "InvalidAction")
        self.assertEqual(self.code_of(self.ec2.create_snapshot, VolumeId="vol-0001", DryRun=True), "DryRunOperation")
        self.assertEqual(self.code_of(self.ec2.delete_snapshot, SnapshotId="snap-9"), "InvalidSnapshot.NotFound")
        self.assertEqual(self.code_of(self.ec2.create_snapshot, VolumeId="vol-9"), "InvalidVolume.NotFound")
        self.ec2.create_snapshot(VolumeId="vol-0003")
        again = self.code_of(self.ec2.create_snapshot, VolumeId="vol-0003")
        self.assertEqual(again, "SnapshotCreationPerVolumeRateExceeded")
        self.local("permission", {"action": "DeleteSnapshot", "allowed": False})
        self.assertEqual(self.code_of(self.ec2.delete_snapshot, SnapshotId="snap-1000"), "UnauthorizedOperation")

    def test_faults_and_botocores_retries(self):
        order = {"region": HOME, "action": "DescribeVolumes"}
        self.local("fault", {**order, "fault": "throttled"})
        self.assertEqual(self.code_of(self.ec2.describe_volumes), "RequestLimitExceeded")
        self.local("fault", {**order, "fault": "lost_before"})
        with self.assertRaises(ConnectionClosedError):
            self.ec2.describe_volumes()
        self.local("fault", {**order, "fault": "lost_before"})
        self.local("fault", {**order, "fault": "error_before"})
        again = self.client(HOME, attempts=3).describe_volumes()
        self.assertEqual(again["ResponseMetadata"]["RetryAttempts"], 2)


class AwsCli(Interop):
    def test_list_tag_copy_wait_delete(self):
        self.assertEqual(self.aws_json("sts", "get-caller-identity")["Account"], "123456789012")
        query = "Snapshots[?Tags[?Key=='Number' && Value=='3']].SnapshotId"
        listed = self.aws_json("ec2", "describe-snapshots", "--owner-ids", "self", "--page-size", "5", "--query", query)
        self.assertEqual(listed, ["snap-1003"])
        self.aws_json("ec2", "create-tags", "--resources", "snap-1003", "--tags", "Key=KeepForever,Value=")
        pinned = self.aws_json("ec2", "describe-snapshots", "--filters", "Name=tag-key,Values=Keep*")
        self.assertEqual([snapshot["SnapshotId"] for snapshot in pinned["Snapshots"]], ["snap-1003"])
        copy = self.aws_json(
            "ec2", "copy-snapshot", "--region", AWAY, "--source-region", HOME, "--source-snapshot-id", "snap-1003",
            "--tag-specifications", "ResourceType=snapshot,Tags=[{Key=Type,Value=Automated}]",
        )
        self.advance(3600)
        code, _, err = self.aws("ec2", "wait", "snapshot-completed", "--region", AWAY, "--snapshot-ids", copy["SnapshotId"])
        self.assertEqual(code, 0, err)
        self.aws_json("ec2", "delete-tags", "--resources", "snap-1003", "--tags", "Key=KeepForever")
        self.aws_json("ec2", "delete-snapshot", "--snapshot-id", "snap-1003")
        code, _, err = self.aws("ec2", "delete-snapshot", "--snapshot-id", "snap-1003")
        self.assertNotEqual(code, 0)
        self.assertIn("InvalidSnapshot.NotFound", err)

    def test_create_and_dry_run(self):
        code, _, err = self.aws("ec2", "create-snapshot", "--volume-id", "vol-0001", "--dry-run")
        self.assertNotEqual(code, 0)
        self.assertIn("DryRunOperation", err)
        made = self.aws_json("ec2", "create-snapshots", "--instance-specification", "InstanceId=i-0001")
        self.assertEqual([one["VolumeId"] for one in made["Snapshots"]], ["vol-0001", "vol-0002"])
        table = self.aws("ec2", "describe-volumes", "--output", "table")
        self.assertEqual(table[0], 0)
        self.assertIn("vol-0003", table[1])


class Hostile(Interop):
    """What no client of AWS's sends. It gets an error in EC2's XML, changes nothing, and the next one is served."""

    SIGNED = {"Authorization": f"AWS4-HMAC-SHA256 Credential=AKIA/20261122/{HOME}/ec2/aws4_request, Signature=0"}
    FORM = {"Content-Type": "application/x-www-form-urlencoded", **SIGNED}

    def setUp(self):
        super().setUp()
        self.before = self.local("world")
        self.addCleanup(self.still_answers)

    def still_answers(self):
        self.assertEqual(self.local("world"), self.before, "nothing has changed")
        self.assertEqual(len(self.ec2.describe_regions()["Regions"]), 2)

    def code_in(self, text):
        """The code of an error as EC2 writes it."""
        root = xml.etree.ElementTree.fromstring(text)
        self.assertEqual([root.tag, *(child.tag for child in root)], ["Response", "Errors", "RequestID"])
        (error,) = root.find("Errors")
        self.assertEqual([child.tag for child in error], ["Code", "Message"])
        return error.findtext("Code")

    def code_of_body(self, body, headers=FORM):
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(urllib.request.Request(self.url, data=body, headers=headers), timeout=20)
        with raised.exception as answer:
            self.assertEqual((answer.status, answer.headers.get_content_type()), (400, "text/xml"))
            return self.code_in(answer.read())

    def test_not_a_form(self):
        for kind, body in [
            ("application/json", b'{"Action": "DeleteSnapshot", "SnapshotId": "snap-1000"}'),
            ("application/xml", b"<DeleteSnapshot><SnapshotId>snap-1000</SnapshotId></DeleteSnapshot>"),
            ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="Action"\r\n\r\nDeleteSnapshot\r\n--x--\r\n'),
            ("application/x-www-form-urlencoded", b""),
        ]:
            self.assertEqual(self.code_of_body(body, {"Content-Type": kind, **self.SIGNED}), "MissingAction", kind)
        self.assertEqual(self.code_of_body(b"Action=DeleteSnapshot&SnapshotId=\xff\xfe"), "MalformedQueryString")

    def test_huge(self):
        start = b"Action=DeleteSnapshot&SnapshotId=snap-1000&X="
        self.assertEqual(self.code_of_body(start.ljust((1 << 20) + 1, b"x")), "InvalidRequest")
        many = "".join(f"&SnapshotId.{number}=snap-1000" for number in range(1, 20_000))
        self.assertEqual(self.code_of_body(f"Action=DescribeSnapshots{many}".encode()), "MalformedQueryString")

    def test_deep(self):
        deep = ".1" * 100_000
        self.assertEqual(self.code_of_body(f"Action=DescribeSnapshots&SnapshotId{deep}=snap-1000".encode()), "MissingParameter")
        self.assertEqual(self.code_of_body(f"Action=DescribeSnapshots&{'Filter.' * 100_000}=x".encode()), "InvalidQueryParameter")
        with self.assertRaises(urllib.error.HTTPError) as raised:
            self.local("fault", json.loads("[" * 500 + "]" * 500))
        with raised.exception as answer:
            self.assertEqual(answer.status, 400)
            self.assertIn("error", json.load(answer))

    def test_parameters_twice(self):
        for body in [
            "Action=DescribeSnapshots&Action=DeleteSnapshot&SnapshotId=snap-1000",
            "Action=DeleteSnapshot&SnapshotId=snap-1000&SnapshotId=snap-1001",
            "Action=DescribeSnapshots&SnapshotId.1=snap-1000&SnapshotId.1=snap-1001",
        ]:
            self.assertEqual(self.code_of_body(body.encode()), "InvalidQueryParameter", body)
        url, body = f"{self.url}/?Action=DescribeSnapshots", b"Action=DeleteSnapshot&SnapshotId=snap-1000"
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(urllib.request.Request(url, data=body, headers=self.FORM), timeout=20)
        with raised.exception as answer:
            self.assertEqual(self.code_in(answer.read()), "InvalidQueryParameter", "one in the URL, one in the form")

    def send(self, length, body):
        """Sends a body under a length that need not be its own."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=20)
        self.addCleanup(connection.close)
        connection.putrequest("POST", "/")
        for name, value in {**self.FORM, "Content-Length": length}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection

    def test_a_length_that_is_not_the_bodys(self):
        body = b"Action=DeleteSnapshot&SnapshotId=snap-1000"
        answer = self.send(len("Action=Delete"), body).getresponse()
        self.assertEqual((answer.status, self.code_in(answer.read())), (400, "InvalidAction"), "the rest is not read")
        unfinished = self.send(len(body) + 1, body)
        unfinished.sock.shutdown(socket.SHUT_WR)
        with self.assertRaises(http.client.RemoteDisconnected):
            unfinished.getresponse()
        for length in ("-1", "many", "1, 2", str(1 << 70)):
            self.assertEqual(self.send(length, b"").getresponse().status, 400, f"{length} is no length")


class Progress(Interop):
    """What `snapwarden run` shows of its progress: a bar on a terminal, and none on a pipe."""

    WORDS = "carried out"

    def run_create(self, stderr):
        environment = {**os.environ, "AWS_ENDPOINT_URL": self.url, "AWS_REGION": HOME, "TERM": "xterm"}
        command = [SNAPWARDEN, "run", "create"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, env=environment)

    def test_a_bar_on_a_terminal(self):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        with self.run_create(theirs) as running:
            os.close(theirs)
            shown = read_to_the_end(ours)
            self.assertIn("2 created", running.stdout.read().decode())
        self.assertEqual(running.returncode, 0, shown)
        self.assertIn("asking AWS", shown)
        self.assertRegex(shown, rf"\x1b\[.*█+ 2/2 {self.WORDS}", "the bar, drawn over itself")
        last = shown.rsplit(self.WORDS, 1)[1]
        self.assertRegex(last, r"\x1b\[2K", "it is taken off the screen")

    def test_none_on_a_pipe(self):
        with self.run_create(subprocess.PIPE) as running:
            out, err = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 0, err)
        self.assertEqual(err, b"")
        self.assertNotIn(b"\x1b", out)
        self.assertNotIn(self.WORDS.encode(), out)


def read_to_the_end(terminal):
    """All that a terminal was given. Its end, when nobody holds the other side any more, is an error on Linux."""
    shown = b""
    with open(terminal, "rb", buffering=0) as reader:
        try:
            while some := reader.read(4096):
                shown += some
        except OSError:
            pass
    return shown.decode()


if __name__ == "__main__":
    unittest.main()
