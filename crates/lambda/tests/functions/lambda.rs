//! What Lambda is to a function: the Runtime API over HTTP, and the process in its environment (Lambda developer guide,
//! "Using the Lambda runtime API").

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use snapwarden_ec2sim::http::{Background, Clock, ServeOptions};
use snapwarden_ec2sim::{Policy, Principal, World};

pub(crate) const NOW: &str = "2026-11-22T04:00:00Z";
pub(crate) const HOME: &str = "eu-west-1";
pub(crate) const AWAY: &str = "eu-central-1";
/// Far more than any answer takes, so that a test that hangs ends.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// Lambda's own longest.
pub(crate) const LONG: Duration = Duration::from_secs(900);

/// `instances` selected instances of two volumes each, whose snapshots are copied to another Region.
pub(crate) fn fleet(instances: usize) -> String {
    let mut toml = format!("account = \"123456789012\"\nregions = [\"{HOME}\", \"{AWAY}\"]\n");
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
]
"#
        ));
    }
    toml
}

/// The policy that is deployed for a function, by the access key with which a test starts it.
const POLICIES: [(&str, &str); 3] = [
    ("AKIACREATOR", include_str!("../../../../deploy/policies/creator.json")),
    ("AKIAOFFSITER", include_str!("../../../../deploy/policies/offsiter.json")),
    ("AKIAMANAGER", include_str!("../../../../deploy/policies/manager.json")),
];

/// An embedded EC2 that knows the functions' roles.
pub(crate) fn ec2_with(clock: Clock, fleet: &str) -> Background {
    let world = World::from_toml(7, NOW.parse().unwrap(), fleet).unwrap();
    let who = |key: &str, world: &World| {
        let document = POLICIES.iter().find(|(of, _)| *of == key).unwrap_or_else(|| panic!("{key} has no role")).1;
        let policy = Some(Policy::of_documents(&[document]).unwrap());
        Ok(Principal { policy, ..Principal::of(world.account().clone()) })
    };
    Background::start(world, ServeOptions { clock, who: Some(Box::new(who)), ..ServeOptions::default() }).unwrap()
}

/// The same with a stopped clock.
pub(crate) fn ec2(fleet: &str) -> Background {
    ec2_with(Clock::Stopped, fleet)
}

pub(crate) fn advance(ec2: &Background, seconds: u32) {
    ec2.local("clock", Some(&serde_json::json!({ "advance_seconds": seconds }))).unwrap();
}

/// An invocation: the deadline in milliseconds since 1970, and the event.
type Invocation = (u64, String);

/// A function's answer: what it answered, or what it failed with.
pub(crate) type Answer = Result<Value, Value>;

/// A function's process and its Lambda.
pub(crate) struct Lambda {
    child: Child,
    invoke: Sender<Invocation>,
    answers: Receiver<Answer>,
    log: Option<JoinHandle<Vec<Value>>>,
}

impl Lambda {
    /// Starts `function` at the given EC2, set to apply; `settings` come on top.
    pub(crate) fn start(function: &str, ec2: &Background, settings: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = listener.local_addr().unwrap();
        let (invoke, invocations) = channel();
        let (send, answers) = channel();
        std::thread::spawn(move || serve(&listener, &invocations, &send));
        let mut child = command(function, &ec2.url(), api).envs(settings.iter().copied()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let log = std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map(Result::unwrap);
            lines.map(|line| serde_json::from_str(&line).expect(&line)).collect()
        });
        Self { child, invoke, answers, log: Some(log) }
    }

    /// Invokes it with the longest deadline that there is.
    pub(crate) fn invoke(&self, event: &str) -> Answer {
        self.invoke_within(event, LONG)
    }

    /// Invokes it with a deadline that far from now.
    pub(crate) fn invoke_within(&self, event: &str, within: Duration) -> Answer {
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + within;
        self.invoke_until(event, u64::try_from(deadline.as_millis()).unwrap())
    }

    pub(crate) fn invoke_until(&self, event: &str, deadline_ms: u64) -> Answer {
        self.invoke.send((deadline_ms, event.to_owned())).unwrap();
        self.answers.recv_timeout(ANSWER_MAX).unwrap()
    }

    /// Ends it, as Lambda does without a word; what it had logged.
    pub(crate) fn end(mut self) -> Vec<Value> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The function's process with what Lambda sets, and nothing of this machine's settings.
fn command(function: &str, ec2: &str, api: SocketAddr) -> Command {
    let program = match function {
        "creator" => env!("CARGO_BIN_EXE_creator"),
        "offsiter" => env!("CARGO_BIN_EXE_offsiter"),
        "manager" => env!("CARGO_BIN_EXE_manager"),
        other => panic!("there is no function {other}"),
    };
    let mut command = Command::new(program);
    command.env_clear().stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.env("AWS_LAMBDA_RUNTIME_API", api.to_string()).env("AWS_LAMBDA_FUNCTION_NAME", function);
    command.envs([("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"), ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")]);
    let key = format!("AKIA{}", function.to_uppercase());
    command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", "not-checked");
    command.envs([("AWS_SESSION_TOKEN", "token"), ("AWS_REGION", HOME), ("AWS_ENDPOINT_URL", ec2)]);
    command.envs([("NO_PROXY", "127.0.0.1"), ("SNAPWARDEN_MODE", "apply")]);
    command
}

/// The Runtime API: one request a connection. It ends when the function's process has.
fn serve(listener: &TcpListener, invocations: &Receiver<Invocation>, answers: &Sender<Answer>) {
    for (n, stream) in listener.incoming().enumerate() {
        let Some((line, body)) = request(stream.unwrap()) else { return };
        let answered = match line.path.rsplit('/').next() {
            Some("next") => {
                let Ok((deadline, event)) = invocations.recv() else { return };
                let headers = format!(
                    "Lambda-Runtime-Aws-Request-Id: request-{n}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
                     Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:{HOME}:123456789012:function:f\r\n"
                );
                answer(&line.stream, "200 OK", &headers, &event)
            }
            Some(end @ ("response" | "error")) => {
                let value = serde_json::from_str(&body).unwrap();
                if answers.send(if end == "response" { Ok(value) } else { Err(value) }).is_err() {
                    return;
                }
                answer(&line.stream, "202 Accepted", "", "{}")
            }
            _ => panic!("the function asks for {}", line.path),
        };
        if answered.is_err() {
            return;
        }
    }
}

struct Line {
    stream: TcpStream,
    path: String,
}

/// A request and its body; none where the process ended before it had sent one.
fn request(stream: TcpStream) -> Option<(Line, String)> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let length = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    Some((Line { stream: reader.into_inner(), path }, String::from_utf8(body).unwrap()))
}

fn answer(mut stream: &TcpStream, status: &str, headers: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(head.as_bytes())
}
