"""The functions as they are packaged, under `cargo lambda watch --only-lambda-apis`: run by scripts/functions.

They run as Lambda would start them, against the embedded EC2 and against moto, and `cargo lambda invoke` gets their report
back. CI's tests of every case are in crates/lambda/tests; these show that what is deployed is what was tested.

    functions.py SNAPWARDEN              the tests
    functions.py SNAPWARDEN --measure    time until ready, time of a tick and peak memory, with as many snapshots
"""

import datetime
import http.server
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
import zipfile

import boto3
from botocore.config import Config

import dump

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SNAPWARDEN = pathlib.Path(sys.argv.pop(1)).resolve()
FUNCTIONS = ["creator", "offsiter", "manager"]
HOME, AWAY = "eu-west-1", "eu-central-1"
READY_SECONDS_MAX = 60
# Nothing of the machine's own settings may count.
for name in [name for name in os.environ if name.startswith(("AWS_", "CARGO_LAMBDA_"))]:
    del os.environ[name]
os.environ["NO_PROXY"] = "127.0.0.1,localhost"


def free_port():
    """A port that is free now; another process could take it first, and then the server that wanted it says so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port, process):
    end = time.monotonic() + READY_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end or process.poll() is not None:
                raise
            time.sleep(0.05)


class Processes:
    """What has been started, and ends with the test."""

    def __init__(self):
        self.all, self.log = [], tempfile.TemporaryFile()

    def start(self, arguments, **more):
        process = subprocess.Popen([str(one) for one in arguments], stderr=self.log, **{"stdout": self.log, **more})
        self.all.append(process)
        return process

    def end(self):
        for process in self.all:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.log.close()

    def embedded_ec2(self, *arguments, clock="stopped"):
        serve = [SNAPWARDEN, "ec2", "serve", "--port", "0", "--clock", clock, "--now", "2026-11-22T04:00Z", *arguments]
        process = self.start(serve, stdout=subprocess.PIPE, text=True)
        return re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline()).group(0)

    def moto(self):
        port = free_port()
        wait_for(port, self.start([pathlib.Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", port]))
        return f"http://127.0.0.1:{port}"

    def function(self, name, folder, runtime_api, ec2, **settings):
        """A function as Lambda starts it, in its own environment and no other."""
        environment = {
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_ACCESS_KEY_ID": "AKIAFUNCTION",
            "AWS_SECRET_ACCESS_KEY": "not-checked",
            "AWS_REGION": HOME,
            "AWS_ENDPOINT_URL": ec2,
            "NO_PROXY": "127.0.0.1,localhost",
            **settings,
        }
        return self.start([folder / name / "bootstrap"], env=environment)


def unpacked(folder):
    for name in FUNCTIONS:
        with zipfile.ZipFile(TARGET / "package" / "x86_64" / f"{name}.zip") as archive:
            archive.extract("bootstrap", folder / name)
        (folder / name / "bootstrap").chmod(0o755)
    return folder


class UnderCargoLambda(unittest.TestCase):
    def setUp(self):
        self.processes = Processes()
        self.addCleanup(self.processes.end)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = unpacked(pathlib.Path(folder.name))
        self.port = free_port()
        watch = ["cargo-lambda", "lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", self.port]
        wait_for(self.port, self.processes.start(watch, cwd=ROOT / "crates" / "lambda"))

    def start(self, name, ec2, **settings):
        self.processes.function(name, self.folder, f"http://127.0.0.1:{self.port}/.rt/{name}", ec2, **settings)

    def invoke(self, name, event):
        command = ["cargo-lambda", "lambda", "invoke", name, "--invoke-address", "127.0.0.1", "--invoke-port", str(self.port)]
        done = subprocess.run([*command, "--data-ascii", json.dumps(event)], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def report(self, name, event):
        code, text = self.invoke(name, event)
        self.assertEqual(code, 0, text)
        return json.loads(text)

    def test_on_the_embedded_ec2(self):
        ec2 = self.processes.embedded_ec2()
        for name in FUNCTIONS:
            self.start(name, ec2, SNAPWARDEN_MODE="apply")
        made = self.report("creator", {})
        self.assertEqual((made["mode"], made["exit_code"]), ("apply", 0))
        self.assertEqual(made["regions"][HOME]["done"], {"create": 7})
        move(ec2, 3600)
        copied = self.report("offsiter", {})
        self.assertEqual(copied["regions"][HOME]["done"]["copy"], 4, copied)
        move(ec2, 7200)
        removed = self.report("offsiter", {})
        self.assertEqual(removed["regions"][HOME]["done"], {"remove-source": 3}, removed)
        self.assertEqual(removed["regions"][HOME]["kept"]["newest here"], 1)
        kept = self.report("manager", {"dry_run": True})
        self.assertEqual(set(kept["regions"]), {HOME, AWAY, "us-east-1"}, "all enabled Regions")
        code, text = self.invoke("creator", {"dryrun": True})
        self.assertNotEqual(code, 0)
        self.assertIn("Snapwarden.BadEvent", text)
        self.assertIn("dryrun", text)

    def test_a_new_function_is_in_dry_run(self):
        ec2 = self.processes.embedded_ec2()
        self.start("creator", ec2)
        looked = self.report("creator", {})
        self.assertEqual((looked["mode"], looked["regions"][HOME]["planned"]), ("dry-run", {"create": 7}))
        self.assertEqual(looked["regions"][HOME]["done"], {})

    def test_on_moto(self):
        url = self.processes.moto()
        credentials = {"aws_access_key_id": "AKIAMOTO", "aws_secret_access_key": "not-checked"}
        client = lambda region: boto3.client("ec2", region_name=region, endpoint_url=url, config=Config(retries={"total_max_attempts": 1}), **credentials)
        home = client(HOME)
        tags = [{"Key": "Backup", "Value": "Yes"}, {"Key": "DestinationRegion", "Value": AWAY}, {"Key": "OffsiteMode", "Value": "Copy"}]
        home.run_instances(ImageId="ami-12c6146b", MinCount=3, MaxCount=3, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}])
        for name in FUNCTIONS:
            self.start(name, url, SNAPWARDEN_MODE="apply", SNAPWARDEN_REGIONS=HOME)
        self.assertEqual(self.report("creator", {"slot": "now"})["regions"][HOME]["done"], {"create": 3})
        self.assertEqual(self.report("offsiter", {})["regions"][HOME]["done"], {"copy": 3})
        self.assertIs(self.report("offsiter", {})["too_soon"], True, "two minutes have not passed")
        mine = client(AWAY).describe_snapshots(Filters=[{"Name": "tag:Type", "Values": ["Automated"]}])["Snapshots"]
        self.assertEqual(len(mine), 3)
        self.assertEqual(self.report("manager", {})["regions"][HOME]["kept"], {"not due": 3})


def move(ec2, seconds):
    """Moves the embedded EC2's clock."""
    body = json.dumps({"advance_seconds": seconds}).encode()
    request = urllib.request.Request(f"{ec2}/_snapwarden/clock", data=body, headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).close()


class RuntimeApi:
    """A Lambda Runtime API that notes when it is asked for the first event, and gives one."""

    def __init__(self):
        self.asked, self.answered, self.answer = threading.Event(), threading.Event(), None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if outer.asked.is_set():
                    threading.Event().wait()
                outer.ready_at = time.perf_counter()
                outer.asked.set()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "request")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 900) * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def do_POST(self):
                outer.answer = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"
                self.send_response(202)
                self.end_headers()
                outer.answered.set()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


def one_tick(processes, name, folder, ec2, **settings):
    """Seconds until the function asked for its first event, seconds of the tick, its peak memory in MiB, and its answer."""
    api = RuntimeApi()
    begun = time.perf_counter()
    process = processes.function(name, folder, api.address, ec2, **settings)
    assert api.asked.wait(READY_SECONDS_MAX)
    assert api.answered.wait(600)
    took = time.perf_counter() - api.ready_at
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024
    process.kill()
    api.server.shutdown()
    return api.ready_at - begun, took, peak, json.loads(api.answer)


def write_fleet(folder, snapshots):
    """An account with so many snapshots in one Region, ten a volume, one volume an instance, ours, with a dozen tags each."""
    now = datetime.datetime(2026, 11, 22, 3, tzinfo=datetime.timezone.utc)
    team = {"Team": "shop", "CostCentre": "4711"}
    made, volumes, instances = [], [], []
    for n in range(snapshots // 10):
        name = f"i-{n:017x}"
        volume = dump.volume(f"vol-{n:017x}", 8, team, encrypted=True)
        tags = {"Name": f"web-{n}", "Backup": "Yes", "RetentionDays": "30", **team}
        instances.append(dump.instance(name, {"/dev/xvda": volume["VolumeId"]}, tags))
        volumes.append(volume)
        for days in range(10):
            at = now - datetime.timedelta(days=days)
            own = {
                "Type": "Automated",
                "CreatedOn": at.strftime("%Y-%m-%d"),
                "DeleteOn": (at + datetime.timedelta(days=30)).strftime("%Y-%m-%d"),
                "InstanceID": name,
                "InstanceName": f"web-{n}",
                "Name": f"web-{n} {at:%Y-%m-%dT%H:%MZ}",
                "snapwarden:slot": f"{at:%Y-%m-%dT%H:%MZ}",
                "DeviceName": "/dev/xvda",
                **team,
            }
            made.append(dump.snapshot(f"snap-{n * 10 + days:017x}", volume, at, own))
    dump.write(folder, {HOME: (instances, volumes, made), AWAY: ([], [], [])})


def measure(counts):
    processes = Processes()
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        unpacked(folder)
        small = processes.embedded_ec2()
        ready = [one_tick(processes, "creator", folder, small)[0] for _ in range(20)]
        print(f"{platform.machine()}; ready after ms: median {statistics.median(ready) * 1000:.1f}, longest {max(ready) * 1000:.1f} of 20 starts")
        for count in counts:
            fleet = folder / f"fleet-{count}"
            write_fleet(fleet, count)
            ec2 = processes.embedded_ec2("--fleet", fleet, clock="running")
            for name in FUNCTIONS:
                _, took, peak, answer = one_tick(processes, name, folder, ec2, SNAPWARDEN_REGIONS=HOME)
                assert answer["exit_code"] == 0, answer
                print(f"{count:7} snapshots  {name:8}  tick {took:6.2f} s  peak {peak:6.1f} MiB  {sum(answer['regions'][HOME]['kept'].values())} kept or waiting")
            for process in processes.all:
                process.kill()
    finally:
        processes.end()
        shutil.rmtree(folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure([int(one) for one in sys.argv[2:]] or [0, 10_000, 100_000])
    else:
        unittest.main()
