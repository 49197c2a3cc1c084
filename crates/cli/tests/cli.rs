//! The command as its users see it: what it prints where, and with what exit code.
//!
//! `TRYCMD=overwrite cargo test -p snapwarden-cli --test cli` records the console anew; read the difference as the
//! person on call would.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that unwraps fails loudly, helpers included")]

use std::path::Path;
use std::process::{Command, Stdio};

use snapwarden_core::decision::Plan;

/// Every case runs in the root of the workspace, so that no path of a machine is in any output.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// No settings of this machine's, and no question to a metadata service, which is not on loopback.
const NO_SETTINGS: [(&str, &str); 3] =
    [("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_CONFIG_FILE", "none"), ("AWS_SHARED_CREDENTIALS_FILE", "none")];

fn snapwarden(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snapwarden"));
    command.args(args).current_dir(root());
    command.env_remove("SNAPWARDEN_RETENTION_DAYS").env_remove("SNAPWARDEN_SCHEDULE");
    command.env_remove("SNAPWARDEN_GRACE_DAYS");
    command
}

#[test]
fn the_console_is_as_recorded() {
    std::env::set_current_dir(root()).unwrap();
    let cases = trycmd::TestCases::new();
    cases.register_bin("snapwarden", Path::new(env!("CARGO_BIN_EXE_snapwarden")));
    cases.case("crates/cli/tests/cmd/*.trycmd");
    for name in ["cli", "retention", "schedules", "simulation", "tags"] {
        cases.case(format!("docs/{name}.md"));
    }
    cases.case("docs/upgrade-from-aws-ebs-snapshots-lambda.md");
    for (name, value) in NO_SETTINGS {
        cases.env(name, value);
    }
    if !cfg!(feature = "aws") {
        cases.skip("docs/cli.md").skip("crates/cli/tests/cmd/aws.trycmd");
    }
}

/// The README's part on AWS runs on the embedded EC2, as it says.
#[cfg(feature = "aws")]
#[test]
fn the_readme_is_real() {
    use snapwarden_ec2sim::World;
    use snapwarden_ec2sim::http::{Background, Clock, ServeOptions};

    std::env::set_current_dir(root()).unwrap();
    let now = "2026-11-22T04:00:00Z".parse().unwrap();
    let world = World::from_toml(1, now, include_str!("../src/demo/fleet.toml")).unwrap();
    let options = ServeOptions { clock: Clock::Stopped, ..ServeOptions::default() };
    let server = Background::start(world, options).unwrap();
    // Its cases run when it is dropped, before the server is.
    let cases = trycmd::TestCases::new();
    cases.register_bin("snapwarden", Path::new(env!("CARGO_BIN_EXE_snapwarden")));
    cases.case("README.md");
    cases.env("AWS_ENDPOINT_URL", server.url()).env("NO_PROXY", "127.0.0.1");
    cases.env("AWS_ACCESS_KEY_ID", "AKIAREADME").env("AWS_SECRET_ACCESS_KEY", "not-checked");
    for (name, value) in NO_SETTINGS {
        cases.env(name, value);
    }
}

#[test]
fn the_json_of_a_plan_is_the_plan_and_comes_out_the_same_twice() {
    for job in ["create", "offsite", "expire"] {
        let args = ["plan", job, "--inventory", "testdata/fleet", "--now", "2026-11-22T04:00Z", "--json"];
        let output = snapwarden(&args).output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
        let plan: Plan = serde_json::from_slice(&output.stdout).unwrap();
        assert!(!plan.decisions.is_empty());
        let again = serde_json::to_string_pretty(&plan).unwrap() + "\n";
        assert_eq!(again, String::from_utf8(output.stdout.clone()).unwrap());
        assert_eq!(snapwarden(&args).output().unwrap().stdout, output.stdout);
    }
}

#[test]
fn an_explanation_is_valid_json() {
    for id in ["i-28ddb3ad8128e5221", "vol-f95c1ce1182d16bcb", "snap-36b348709ac96e88b"] {
        let args = ["explain", id, "--inventory", "testdata/fleet", "--now", "2026-11-22T04:00Z", "--json"];
        let output = snapwarden(&args).output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["id"], id);
        assert_eq!(json["jobs"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn everything_that_was_seen_can_be_explained_and_every_job_says_something() {
    for dump in ["testdata/fleet", "crates/cli/tests/dumps/corners"] {
        for id in ids(&root().join(dump)) {
            let args = ["explain", &id, "--inventory", dump, "--now", "2026-11-22T04:00Z", "--json"];
            let output = snapwarden(&args).output().unwrap();
            let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let jobs = json["jobs"].as_array().unwrap_or_else(|| panic!("{id}: {output:?}"));
            for job in jobs {
                let decided = !job["decisions"].as_array().unwrap().is_empty();
                let why = job["none"].as_str().unwrap_or_default();
                assert_eq!(decided, why.is_empty(), "{id}: {job}");
                assert!(!why.contains("safety check"), "{id}: {job}");
            }
        }
    }
}

/// The ids of the instances, volumes and snapshots of a dump.
fn ids(dump: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    for region in ["eu-west-1", "us-east-1"] {
        for (file, key) in [("instances", "InstanceId"), ("volumes", "VolumeId"), ("snapshots", "SnapshotId")] {
            let text = std::fs::read_to_string(dump.join(region).join(file).with_extension("json")).unwrap();
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            let lists = json.as_object().unwrap().values().filter_map(|list| list.as_array());
            let flat =
                lists.flatten().flat_map(|one| one["Instances"].as_array().cloned().unwrap_or(vec![one.clone()]));
            ids.extend(flat.filter_map(|one| one[key].as_str().map(str::to_owned)));
        }
    }
    // Some of each are enough: the foreign snapshots of AMIs are all alike.
    ids.into_iter()
        .enumerate()
        .filter(|(i, id)| !id.starts_with("snap-") || id.len() < 10 || i % 7 == 0)
        .map(|(_, id)| id)
        .collect()
}

/// The pictures of docs/retention.md, and what draws them.
const PICTURES: [(&str, &[&str]); 4] = [
    ("7-days.svg", &["--tag", "RetentionDays=7"]),
    (
        "7-days-4-weeks-12-months-3-years.svg",
        &[
            "--tag",
            "RetentionDays=7",
            "--tag",
            "RetentionWeeks=4",
            "--tag",
            "RetentionMonths=12",
            "--tag",
            "RetentionYears=3",
        ],
    ),
    ("keep-last.svg", &["--tag", "BackupSchedule=monthly 1 04:30", "--tag", "RetentionDays=7", "--tag", "KeepLast=6"]),
    (
        "change.svg",
        &[
            "i-0d000000000000001",
            "--inventory",
            "testdata/tiers",
            "--change",
            "RetentionWeeks=2",
            "--change",
            "RetentionMonths=12",
        ],
    ),
];

/// `TRYCMD=overwrite` draws them anew: look at them before you commit.
#[test]
fn the_pictures_are_what_the_command_draws() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (name, args) in PICTURES {
        let there = root().join("docs/pictures").join(name);
        let drawn = draw(&folder.join(name), args);
        if std::env::var("TRYCMD").is_ok_and(|wish| wish == "overwrite") {
            std::fs::write(&there, &drawn).unwrap();
        }
        assert!(std::fs::read_to_string(&there).unwrap() == drawn, "docs/pictures/{name} is out of date");
        let document = std::fs::read_to_string(root().join("docs/retention.md")).unwrap();
        assert!(document.contains(&format!("(pictures/{name})")), "docs/retention.md lacks {name}");
    }
}

/// What `preview` draws into `file`.
fn draw(file: &Path, args: &[&str]) -> String {
    let args = [&["preview", "--now", "2026-11-22T04:00Z", "--picture", file.to_str().unwrap()], args].concat();
    let output = snapwarden(&args).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn a_picture_loads_nothing_and_no_tag_breaks_out_of_it() {
    for (dump, id) in [("crates/cli/tests/dumps/hostile", "i-1"), ("testdata/tiers", "i-0d000000000000001")] {
        for name in ["some.svg", "some.html"] {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            let args = ["preview", id, "--inventory", dump, "--now", "2026-11-22T04:00Z", "--picture"];
            let output = snapwarden(&args).arg(&file).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let drawn = std::fs::read_to_string(&file).unwrap();
            let outside = ["<script", "href", "url(", "@import", "onload", "src="];
            assert!(!outside.iter().any(|word| drawn.contains(word)), "{id} {name}");
            assert!(drawn.contains(&format!("<title>{id}")) && drawn.contains(" now, as of "), "{id} {name}");
            // Every element that is opened is closed, and nothing else opens one.
            let known = ["svg", "title", "style", "rect", "text", "line", "html", "head", "body", "table", "caption"];
            let known = known.iter().chain(&["tr", "th", "td", "meta", "!doctype"]);
            let opened = drawn.split('<').skip(1).map(|rest| rest.trim_start_matches('/'));
            let names = opened.map(|rest| &rest[..rest.find(|c: char| !c.is_alphabetic() && c != '!').unwrap()]);
            let known: Vec<_> = known.collect();
            names.for_each(|name| assert!(known.contains(&&name), "{id}: {name}"));
        }
    }
}

#[test]
fn a_preview_is_valid_json() {
    let now = ["--now", "2026-11-22T04:00Z", "--json"];
    let args = ["preview", "i-0d000000000000001", "--inventory", "testdata/tiers", "--change", "RetentionWeeks=2"];
    let output = snapwarden(&[&args[..], &["--on", "2026-11-29"], &now].concat()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["instance"], "i-0d000000000000001");
    assert_eq!(json["variants"][0]["days"][0]["total"], 14);
    assert_eq!(json["variants"][0]["on"][0]["snapshots"][0]["kept_by"][0], "first of week 2026-W41 (8 of 8)");
    assert_eq!(json["moved"].as_array().unwrap().len(), 8);
    let output =
        snapwarden(&[&["preview", "--all", "--inventory", "testdata/tiers"], &now[..]].concat()).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 4);
}

#[test]
fn what_lint_finds_in_a_fleet_is_in_the_json_with_its_sentence() {
    let args = ["lint", "--inventory", "testdata/fleet", "--now", "2026-11-22T04:00Z", "--json"];
    let output = snapwarden(&args).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(2), Vec::new()));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["unread"], serde_json::json!([]));
    let said: Vec<String> = found["lints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lint| ["severity", "id", "key", "value"].map(|field| lint[field].as_str().unwrap()).join(" "))
        .collect();
    let of_move = |said: &&String| said.ends_with("DestinationRegion eu-west-1");
    assert_eq!(said.iter().filter(of_move).count(), 7, "each instance that moves: {said:#?}");
    let others: Vec<_> = said.iter().filter(|said| !of_move(said)).collect();
    assert_eq!(
        others,
        [
            "error i-5b689a3ff9379ad0e DestinationRegion eu-wset-1",
            "error i-bd338555cf8255bc9 RetentionDays 7d",
            "error snap-61952b518f2e66174 KeepForever No",
            "error snap-b21216836bcc0b616 DeleteOn tomorrow",
            "advice i-04449779e7447e174 Backup daily",
            "advice snap-26adf6988c27de020 KeepForever ",
        ]
    );
    let says = found["lints"][1]["says"].as_str().unwrap();
    assert!(says.ends_with("; did you mean 7?"), "{says}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let args = ["plan", "expire", "--inventory", "testdata/fleet", "--now", "2026-11-22T04:00Z"];
    let mut child = snapwarden(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn nothing_printed_steers_a_terminal() {
    let dump = "crates/cli/tests/dumps/hostile";
    let now = ["--now", "2026-11-22T04:00Z"];
    let whats: [&[&str]; 8] = [
        &["plan", "create"],
        &["plan", "offsite"],
        &["plan", "expire"],
        &["explain", "i-1"],
        &["explain", "snap-2"],
        &["lint"],
        &["preview", "i-1"],
        &["preview", "--all"],
    ];
    for what in whats {
        for format in [None, Some("--json")] {
            let args: Vec<_> = what.iter().copied().chain(["--inventory", dump]).chain(now).chain(format).collect();
            let output = snapwarden(&args).output().unwrap();
            let all = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let steers = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{202e}');
            assert!(!all.contains(steers), "{args:?}: {all:?}");
            assert!(all.lines().all(|line| !line.trim_start().starts_with("All is well")), "{args:?}: {all}");
        }
    }
}

#[test]
fn without_a_time_this_machines_is_used_and_said() {
    let output = snapwarden(&["plan", "expire", "--inventory", "crates/cli/tests/dumps/empty"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr.starts_with("snapwarden: now is 2"), "{stderr}");
    assert!(stderr.ends_with("Z, from this machine; --now sets another\n"), "{stderr}");
}

#[test]
fn a_preview_of_tags_begins_at_this_machines_time_and_says_so() {
    let output = snapwarden(&["preview", "--tag", "KeepLast=3"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr.starts_with("snapwarden: now is 2") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn every_shell_has_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = snapwarden(&["completions", shell]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8(output.stdout).unwrap().contains("explain"), "{shell}");
    }
}

#[test]
fn every_file_that_a_document_names_is_there() {
    for document in
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/retention.md", "docs/safety.md", "docs/tags.md"]
    {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for name in text.split('`').skip(1).step_by(2).filter(|word| word.ends_with(".rs") && word.contains('/')) {
            for name in braces(name) {
                let there = root().join("crates").join(&name).exists() || root().join(&name).exists();
                assert!(there, "{document} names {name}");
            }
        }
        for name in text.split_whitespace().filter(|word| word.starts_with("docs/") && word.contains(".md")) {
            let name = &name[..name.find(".md").unwrap() + 3];
            assert!(root().join(name).exists(), "{document} names {name}");
        }
    }
}

/// `a/{b,c}.rs` as `a/b.rs` and `a/c.rs`.
fn braces(name: &str) -> Vec<String> {
    match name.split_once('{').and_then(|(start, rest)| Some((start, rest.split_once('}')?))) {
        Some((start, (middle, end))) => middle.split(',').map(|one| format!("{start}{one}{end}")).collect(),
        None => vec![name.to_owned()],
    }
}

#[cfg(feature = "aws")]
#[test]
fn the_embedded_ec2_serves_on_loopback_from_the_time_that_was_named() {
    use std::io::{BufRead, BufReader, Read, Write};
    let args = ["ec2", "serve", "--clock", "stopped", "--now", "2026-11-22T04:00Z"];
    let mut server = snapwarden(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://127.0.0.1:").expect("an address on loopback");
    let mut client = std::net::TcpStream::connect(format!("127.0.0.1:{address}")).unwrap();
    client.write_all(b"GET /_snapwarden/clock HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(answer.contains(r#""now":"2026-11-22T04:00:00Z""#), "{answer}");
}
