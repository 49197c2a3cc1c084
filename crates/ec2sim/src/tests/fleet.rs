use super::*;
use crate::fleet::FleetError;
use snapwarden_core::inventory::InstanceState;

const HEAD: &str = "account = \"123456789012\"\nregions = [\"eu-west-1\", \"eu-central-1\"]\n";

const FLEET: &str = r#"
[[volume]]
region = "eu-west-1"
name = "shared"
size_gib = 20

[[instance]]
region = "eu-west-1"
name = "web-1"
reservation = "r-1"
state = "stopped"
tags = { Backup = "Yes" }
volumes = [
  { device = "/dev/xvda", size_gib = 8 },
  { device = "/dev/sdf", id = "vol-0f", size_gib = 500, type = "st1", encrypted = true, tags = { Backup = "No" } },
  { device = "/dev/sdg", attach = "shared" },
  { device = "/dev/sdb", instance_store = true },
]

[[snapshot]]
region = "eu-west-1"
name = "last week"
volume = "vol-0f"
begun = "7d ago"
tags = { Type = "Automated" }

[[snapshot]]
region = "eu-central-1"
name = "its copy"
begun = "2026-11-16T00:00:00Z"
copy_of = { region = "eu-west-1", snapshot = "last week" }
state = "pending"

[[image]]
region = "eu-west-1"
id = "ami-1"
snapshots = ["last week"]
"#;

fn load(text: &str) -> Result<World, FleetError> {
    World::from_toml(7, NOW.parse().unwrap(), &format!("{HEAD}{text}"))
}

/// What is wrong, and where.
fn error(text: &str) -> String {
    load(text).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_fleet_loads() {
    let mut world = load(FLEET).unwrap();
    let record = world.instances(&here()).next().unwrap().clone();
    assert_eq!((record.instance.state, record.reservation.as_str()), (InstanceState::Stopped, "r-1"));
    assert_eq!(record.instance.tags, tags(&[("Backup", "Yes"), ("Name", "web-1")]));
    assert_eq!((record.instance.devices.len(), record.instance.root_device.as_str()), (4, "/dev/xvda"));
    let cold = world.volume(&here(), &"vol-0f".parse().unwrap()).unwrap();
    assert_eq!((cold.volume.size_gib, cold.volume.encrypted, cold.volume.pending_max()), (500, true, 1));
    let going = world.volumes(&here()).filter(|v| v.attachments.iter().any(|a| a.delete_on_termination)).count();
    assert_eq!(going, 1, "the root goes with its instance");

    let source = world.snapshots(&here()).next().unwrap().snapshot.clone();
    assert_eq!((source.size_gib, source.encrypted, source.state), (500, true, SnapshotState::Completed));
    assert_eq!(source.start_time, "2026-11-15T03:00:00Z".parse().unwrap());
    assert_eq!(code(delete(&mut world, &here(), &source.id)), "InvalidSnapshot.InUse");
    let copy = world.snapshots(&there()).next().unwrap().clone();
    assert_eq!((copy.snapshot.volume_id.as_str(), copy.snapshot.size_gib), ("vol-ffffffff", 500));
    assert_eq!(copy.copy_of, Some((here(), source.id)));
    world.advance_by(1_120);
    assert_eq!(state(&world, &there(), &copy.snapshot.id), Some(SnapshotState::Completed));
}

#[test]
fn ids_come_from_the_seed_and_the_name() {
    let ids = |seed| {
        let world = World::from_toml(seed, NOW.parse().unwrap(), &format!("{HEAD}{FLEET}")).unwrap();
        world.truth()
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
}

#[test]
fn the_format_in_the_documentation_loads() {
    let documented: String = include_str!("../fleet.rs")
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//!").to_owned() + "\n")
        .collect();
    // There the shared volume comes after the instance, for reading.
    let world = World::from_toml(7, NOW.parse().unwrap(), &documented).unwrap();
    assert_eq!(world.snapshots(&here()).count(), 1);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let cases = [
        ("[[instance]]\nregion = \"eu-west-1\"\nnmae = \"x\"\n", 5, "nmae"),
        ("[[volume]]\nregion = \"eu-west-1\"\nid = \"snap-1\"\nsize_gib = 1\n", 5, "a volume's id"),
        ("[[volume]]\nregion = \"eu-west-1\"\nsize_gib = 1\n", 3, "needs a name or an id"),
        ("[[instance]]\nregion = \"mars-1\"\nname = \"x\"\n", 3, "mars-1"),
        ("[[instance]]\nname = \"x\"\n", 3, "region"),
        ("[[volume]]\nregion = \"eu-west-1\"\nname = \"a\"\nsize_gib = \"big\"\n", 6, "size_gib = \"big\""),
        ("[[image]]\nregion = \"eu-west-1\"\nsnapshots = [\"nothing\"]\n", 3, "nothing"),
        ("[[snapshot]]\nregion = \"eu-west-1\"\nname = \"a\"\nbegun = \"soon\"\nvolume = \"vol-1\"\n", 3, "begun"),
        ("[[snapshot]]\nregion = \"eu-west-1\"\nname = \"a\"\nbegun = \"1d ago\"\nvolume = \"vol-1\"\n", 3, "size_gib"),
        ("[[snapshot]]\nregion = \"eu-west-1\"\nname = \"a\"\nbegun = \"1d ago\"\n", 3, "`volume` or `copy_of`"),
        ("[[instance]\n", 3, "["),
    ];
    for (text, line, names) in cases {
        let error = error(text);
        assert!(error.starts_with(&format!("line {line}: ")), "{error}");
        assert!(error.contains(names), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn the_same_thing_twice_is_an_error() {
    let volume = "[[volume]]\nregion = \"eu-west-1\"\nname = \"a\"\nid = \"vol-1\"\nsize_gib = 1\n";
    assert_eq!(error(&format!("{volume}{volume}")), "line 8: volume \"a\" is there twice in eu-west-1");
    let other = volume.replace("\"a\"", "\"b\"");
    assert_eq!(error(&format!("{volume}{other}")), "line 8: volume \"vol-1\" is there twice in eu-west-1");
}

#[test]
fn a_device_is_made_attached_or_a_store_but_one_of_them() {
    let device = |device: &str| {
        format!(
            "[[instance]]\nregion = \"eu-west-1\"\nname = \"x\"\nvolumes = [\n  {{ device = \"/dev/sda\"{device} }},\n]\n"
        )
    };
    assert!(error(&device("")).starts_with("line 7: volume \"x:/dev/sda\" needs"));
    assert!(error(&device(", size_gib = 1, attach = \"y\"")).contains("both `attach` and `size_gib`"));
    assert!(error(&device(", attach = \"y\"")).contains("there is no volume \"y\""));
}
