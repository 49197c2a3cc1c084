//! An embedded EC2 in this process, and the command beside it.

use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use snapwarden_core::inventory::Inventory;
use snapwarden_core::report::RunReport;
use snapwarden_ec2sim::World;
use snapwarden_ec2sim::http::{Background, Clock, ServeOptions};

pub(crate) const NOW: &str = "2026-11-22T04:00:00Z";
pub(crate) const HOME: &str = "eu-west-1";
pub(crate) const AWAY: &str = "eu-central-1";

/// `instances` selected instances of three volumes each, whose snapshots go to another Region.
pub(crate) fn fleet(instances: usize) -> String {
    let mut toml = format!("account = \"123456789012\"\nregions = [\"{HOME}\", \"{AWAY}\", \"us-east-1\"]\n");
    for n in 0..instances {
        toml.push_str(&format!(
            r#"
[[instance]]
region = "{HOME}"
id = "i-{n:04}"
name = "web-{n}"
tags = {{ Backup = "Yes", DestinationRegion = "{AWAY}", OffsiteMode = "Copy" }}
volumes = [
  {{ device = "/dev/xvda", id = "vol-{n:04}a", size_gib = 8 }},
  {{ device = "/dev/sdf", id = "vol-{n:04}b", size_gib = 8 }},
  {{ device = "/dev/sdg", id = "vol-{n:04}c", size_gib = 8 }},
]
"#
        ));
    }
    toml
}

/// A server on a port of its own with a stopped clock; it ends with the test.
pub(crate) struct Server(Background);

impl Server {
    pub(crate) fn start(fleet: &str) -> Self {
        Self::with(World::from_toml(7, NOW.parse().unwrap(), fleet).unwrap())
    }

    pub(crate) fn with(world: World) -> Self {
        let options = ServeOptions { clock: Clock::Stopped, ..ServeOptions::default() };
        Self(Background::start(world, options).unwrap())
    }

    /// A local request: GET without a body, POST with one.
    pub(crate) fn local(&self, name: &str, body: Option<&str>) -> Value {
        let body: Option<Value> = body.map(|body| serde_json::from_str(body).unwrap());
        self.0.local(name, body.as_ref()).unwrap()
    }

    pub(crate) fn advance(&self, seconds: u32) {
        self.local("clock", Some(&format!("{{\"advance_seconds\": {seconds}}}")));
    }

    /// Calls of EC2 and STS seen so far.
    pub(crate) fn calls(&self) -> u64 {
        let calls = self.local("calls", None);
        calls.as_array().unwrap().iter().map(|call| call["count"].as_u64().unwrap()).sum()
    }

    /// Everything as it truly is.
    pub(crate) fn world(&self) -> Inventory {
        self.0.world().unwrap()
    }

    pub(crate) fn snapwarden(&self, args: &[&str]) -> Command {
        snapwarden_at(&self.0.url(), args)
    }

    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.snapwarden(args).output().unwrap()
    }

    /// The report of a job that ends with `code`.
    pub(crate) fn run(&self, job: &str, code: i32, more: &[&str]) -> RunReport {
        let args = [&["run", job, "--json"], more].concat();
        let output = self.output(&args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Starts the command and does `what` once the server has seen `calls` calls more, or the command has ended before.
    pub(crate) fn start_and(&self, args: &[&str], calls: u64, what: impl FnOnce(&mut Child)) -> Output {
        let until = self.calls() + calls;
        let mut child = self.snapwarden(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while self.calls() < until && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        what(&mut child);
        child.wait_with_output().unwrap()
    }
}

/// The command with nothing of this machine's settings.
pub(crate) fn snapwarden_at(endpoint: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snapwarden"));
    command.args(args).env_clear();
    command.envs([("AWS_ACCESS_KEY_ID", "AKIAWIRE"), ("AWS_SECRET_ACCESS_KEY", "not-checked")]);
    command.envs([("AWS_ENDPOINT_URL", endpoint), ("AWS_REGION", HOME), ("AWS_EC2_METADATA_DISABLED", "true")]);
    command.envs([("AWS_CONFIG_FILE", "none"), ("AWS_SHARED_CREDENTIALS_FILE", "none"), ("NO_PROXY", "127.0.0.1")]);
    command
}
