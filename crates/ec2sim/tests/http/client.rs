//! A client of a few lines, and a server to talk to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use snapwarden_ec2sim::World;
use snapwarden_ec2sim::http::{Background, Clock, ServeOptions};

pub(crate) const NOW: &str = "2026-11-22T03:00:00Z";
pub(crate) const HOME: &str = "eu-west-1";
pub(crate) const AWAY: &str = "eu-central-1";

const FLEET: &str = r#"
account = "123456789012"
regions = ["eu-west-1", "eu-central-1"]

[[instance]]
region = "eu-west-1"
id = "i-0001"
name = "web <1> & \"co\""
reservation = "r-1"
tags = { Backup = "Yes" }
volumes = [
  { device = "/dev/xvda", id = "vol-0001", size_gib = 8 },
  { device = "/dev/sdf", id = "vol-0002", size_gib = 100, type = "st1", encrypted = true },
  { device = "/dev/sdb", instance_store = true },
]

[[instance]]
region = "eu-west-1"
id = "i-0002"
name = "web-2"
reservation = "r-1"
state = "stopped"
volumes = [{ device = "/dev/xvda", id = "vol-0003", size_gib = 8, tags = { Backup = "No" } }]

[[instance]]
region = "eu-west-1"
id = "i-0003"
name = "db"
reservation = "r-2"
volumes = [{ device = "/dev/xvda", id = "vol-0004", size_gib = 8 }]

[[snapshot]]
region = "eu-west-1"
id = "snap-0001"
volume = "vol-0001"
begun = "7d ago"
description = "weekly *"
tags = { Type = "Automated", DeleteOn = "2026-11-29" }

[[snapshot]]
region = "eu-west-1"
id = "snap-0002"
volume = "vol-0002"
begun = "1d ago"

[[snapshot]]
region = "eu-west-1"
id = "snap-0003"
volume = "vol-0009"
size_gib = 4
begun = "2d ago"
owner = "999999999999"
"#;

/// Two reservations, four volumes, three snapshots, one of which is another account's.
pub(crate) fn fleet() -> &'static str {
    FLEET
}

/// A server on a port of its own, stopped when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    background: Background,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Clock::Stopped, |_| ())
    }

    pub(crate) fn with(clock: Clock, change: impl FnOnce(&mut World)) -> Self {
        let mut world = World::from_toml(7, NOW.parse().unwrap(), FLEET).unwrap();
        change(&mut world);
        Self::of(world, ServeOptions { clock, ..ServeOptions::default() })
    }

    pub(crate) fn of(world: World, options: ServeOptions) -> Self {
        let background = Background::start(world, options).unwrap();
        Self { address: background.address(), background }
    }

    /// Stops it and takes the world out.
    pub(crate) fn stop(self) -> World {
        self.background.stop().unwrap()
    }

    /// Sends bytes as they are; what came back until the server closed.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    fn send(&self, head: &str, body: &[u8]) -> Option<Answer> {
        let head = format!("{head}\r\nHost: ec2\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        Answer::read(&self.raw(&[head.as_bytes(), body].concat()))
    }

    /// Posts a form, signed for a Region; none where the connection was closed without an answer.
    pub(crate) fn try_post(&self, region: &str, form: &str) -> Option<Answer> {
        let scope = format!("AKIATEST/20261122/{region}/ec2/aws4_request");
        let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00");
        let head = format!(
            "POST / HTTP/1.1\r\nAuthorization: {signature}\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8"
        );
        self.send(&head, form.as_bytes())
    }

    /// The answer to a call at home.
    pub(crate) fn call(&self, form: &str) -> Answer {
        self.try_post(HOME, form).unwrap()
    }

    /// The XML of a call that succeeds.
    pub(crate) fn ok(&self, form: &str) -> Answer {
        self.ok_in(HOME, form)
    }

    pub(crate) fn ok_in(&self, region: &str, form: &str) -> Answer {
        let answer = self.try_post(region, form).unwrap();
        assert_eq!(answer.status, 200, "{form}: {}", answer.body);
        answer
    }

    /// The code of a call that fails, with its status.
    pub(crate) fn code(&self, form: &str) -> (u16, String) {
        let answer = self.call(form);
        assert_ne!(answer.status, 200, "{form}: {}", answer.body);
        (answer.status, answer.one("Code"))
    }

    pub(crate) fn request(&self, head: &str) -> Option<Answer> {
        self.send(head, b"")
    }

    /// A local request.
    pub(crate) fn local(&self, name: &str, body: Option<&str>) -> (u16, serde_json::Value) {
        let (method, body) = body.map_or(("GET", ""), |body| ("POST", body));
        let head = format!("{method} /_snapwarden/{name} HTTP/1.1\r\nContent-Type: application/json");
        let answer = self.send(&head, body.as_bytes()).unwrap();
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// A local request that succeeds.
    pub(crate) fn order(&self, name: &str, body: &str) -> serde_json::Value {
        let (status, value) = self.local(name, Some(body));
        assert_eq!(status, 200, "{name} {body}: {value}");
        value
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Self { status, head: head.to_lowercase(), body: body.to_owned() })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    /// The texts of all nodes of this name, in their order.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let inner = |part: &str| part.split_once(&close).map(|(inner, _)| inner.to_owned());
        self.body.split(&open).skip(1).filter_map(inner).collect()
    }

    pub(crate) fn one(&self, name: &str) -> String {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {}", self.body);
        all[0].clone()
    }
}
