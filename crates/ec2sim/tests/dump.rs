//! Dumps as they come: a whole fleet, and everything that goes wrong when one is made by hand.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use snapwarden_core::ids::Region;
use snapwarden_core::inventory::{Instance, InstanceState, Read, Snapshot, SnapshotState, StorageTier, Volume};
use snapwarden_core::managed::Managed;
use snapwarden_ec2sim::dump::{self, Dump, DumpError};

const IDENTITY: &str = r#"{"UserId": "AIDA", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/x"}"#;
const REGIONS: &str = r#"{"Regions": [{"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"}]}"#;
const SNAP: &str = r#"{"SnapshotId": "snap-1", "VolumeId": "vol-1", "OwnerId": "123456789012", "State": "completed",
    "StartTime": "2026-11-21T03:02:11.000Z", "VolumeSize": 8, "Encrypted": false,
    "Tags": [{"Key": "Type", "Value": "Automated"}, {"Key": "Name", "Value": "a \"b\" \u00fc"}]}"#;
const VOLUME: &str = r#"{"VolumeId": "vol-1", "Size": 8, "VolumeType": "gp3", "Encrypted": true}"#;
const INSTANCE: &str = r#"{"InstanceId": "i-1", "State": {"Code": 16, "Name": "running"}, "RootDeviceName": "/dev/xvda",
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-1"}}, {"DeviceName": "/dev/sdb"}]}"#;
const MAKE_SNAPSHOTS: &str =
    "make it with `aws ec2 describe-snapshots --owner-ids self --region us-east-1 --output json`";

/// A dump in a folder of its own, gone when dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("dump-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    /// One Region with an instance, a volume and a snapshot; nothing wrong with it.
    fn good() -> Self {
        Self::empty()
            .with("caller-identity.json", IDENTITY)
            .with("regions.json", REGIONS)
            .with("us-east-1/instances.json", format!(r#"{{"Reservations": [{{"Instances": [{INSTANCE}]}}]}}"#))
            .with("us-east-1/volumes.json", format!(r#"{{"Volumes": [{VOLUME}]}}"#))
            .with("us-east-1/snapshots.json", format!(r#"{{"Snapshots": [{SNAP}]}}"#))
    }

    fn with(self, file: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn with_snapshots(self, records: &str) -> Self {
        self.with("us-east-1/snapshots.json", format!(r#"{{"Snapshots": [{records}]}}"#))
    }

    fn without(self, file: &str) -> Self {
        fs::remove_file(self.0.join(file)).unwrap();
        self
    }

    fn try_read(&self) -> Result<Dump, DumpError> {
        dump::read(&self.0, now(), None, &[])
    }

    fn read(&self) -> Dump {
        self.try_read().unwrap()
    }

    fn error(&self) -> String {
        self.try_read().unwrap_err().to_string().replace(self.0.to_str().unwrap(), "DIR")
    }
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn sentences(dump: &Dump) -> Vec<String> {
    dump.troubles.iter().map(ToString::to_string).collect()
}

fn snapshots(dump: &Dump) -> &Read<Snapshot> {
    &dump.inventory.regions[&region("us-east-1")].snapshots
}

fn volumes(dump: &Dump) -> &Read<Volume> {
    &dump.inventory.regions[&region("us-east-1")].volumes
}

fn instances(dump: &Dump) -> &Read<Instance> {
    &dump.inventory.regions[&region("us-east-1")].instances
}

fn why<T>(read: &Read<T>) -> &str {
    match read {
        Read::Gap { why, .. } => why,
        Read::Whole(_) | Read::NotAsked => panic!("not a gap"),
    }
}

/// One trouble, which is also the reason of the gap in the snapshots; how many of them were seen.
#[track_caller]
fn assert_broken(folder: &Folder, sentence: &str) -> usize {
    let dump = folder.read();
    assert_eq!(sentences(&dump), [sentence]);
    assert_eq!(why(snapshots(&dump)), sentence);
    assert!(volumes(&dump).is_whole() && instances(&dump).is_whole(), "the others go on");
    snapshots(&dump).items().len()
}

/// One record that is left out, beside a good one that stays.
#[track_caller]
fn assert_left_out(change: (&str, &str), sentence: &str) {
    let bad = SNAP.replace("snap-1", "snap-2").replacen(change.0, change.1, 1);
    assert_ne!(bad, SNAP.replace("snap-1", "snap-2"));
    let dump = Folder::good().with_snapshots(&format!("{bad}, {SNAP}")).read();
    assert_eq!(sentences(&dump), [format!("us-east-1/snapshots.json: {sentence}; left out")]);
    assert_eq!(snapshots(&dump).items().len(), 1);
    assert_eq!(why(snapshots(&dump)), "us-east-1/snapshots.json: records left out or listed twice: 1");
}

#[test]
fn the_fleet_is_read_whole_and_without_trouble() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fleet");
    let dump = dump::read(&dir, now(), None, &[]).unwrap();
    assert_eq!(sentences(&dump), [""; 0]);
    let inventory = &dump.inventory;
    assert_eq!((inventory.account.as_str(), inventory.taken_at), ("123456789012", now()));
    assert!(inventory.enabled.is_whole());
    assert!(inventory.enabled.items().contains(&region("eu-west-1")));
    assert!(!inventory.enabled.items().contains(&region("ap-east-1")), "not opted in");
    let counts: Vec<_> = inventory
        .regions
        .iter()
        .map(|(name, seen)| {
            assert!(seen.instances.is_whole() && seen.volumes.is_whole() && seen.snapshots.is_whole());
            let counts = [seen.instances.items().len(), seen.volumes.items().len(), seen.snapshots.items().len()];
            (name.as_str(), counts)
        })
        .collect();
    assert_eq!(counts, [("eu-west-1", [0, 0, 52]), ("us-east-1", [21, 46, 156])]);
    let first = &instances(&dump).items()[0];
    assert_eq!(
        (first.state, first.root_device.as_str(), first.devices.len()),
        (InstanceState::Running, "/dev/sda1", 2)
    );
    assert_eq!(first.tags.get("RetentionDays"), Some("7"));
    assert_eq!(instances(&dump).items().iter().filter(|one| !one.state.is_backed_up()).count(), 1);
    let managed = inventory.snapshots().filter_map(|(region, snap)| Managed::of(region, snap, &inventory.account).ok());
    let copies = managed.filter(|one| one.is_copy()).count();
    assert!(copies > 0, "{copies}");
    assert_eq!(volumes(&dump).items().iter().filter(|volume| volume.encrypted).count(), 7);
}

#[test]
fn all_instances_of_a_reservation_count() {
    let six: Vec<_> = (0..6).map(|i| INSTANCE.replace("i-1", &format!("i-{i}"))).collect();
    let text = format!(
        r#"{{"Reservations": [{{"Instances": [{}]}}, {{"Instances": []}}, {{"Instances": [{}]}}]}}"#,
        six.join(","),
        INSTANCE.replace("i-1", "i-9")
    );
    let dump = Folder::good().with("us-east-1/instances.json", text).read();
    assert!(instances(&dump).is_whole());
    let ids: Vec<_> = instances(&dump).items().iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["i-0", "i-1", "i-2", "i-3", "i-4", "i-5", "i-9"]);
    let devices = &instances(&dump).items()[0].devices;
    assert_eq!(devices[0].volume.as_ref().unwrap().as_str(), "vol-1");
    assert_eq!((devices[1].name.as_str(), &devices[1].volume), ("/dev/sdb", &None), "an instance store");
}

#[test]
fn optional_fields_may_be_absent_and_times_have_two_spellings() {
    let dump = Folder::good().read();
    assert_eq!(sentences(&dump), [""; 0]);
    let snap = &snapshots(&dump).items()[0];
    assert_eq!((snap.tier, &snap.state_message), (StorageTier::Standard, &None));
    assert_eq!(snap.start_time, "2026-11-21T03:02:11Z".parse().unwrap());
    assert_eq!(snap.tags.get("Name"), Some("a \"b\" ü"));
    assert!(volumes(&dump).items()[0].tags.is_empty());

    let other = SNAP
        .replace("11.000Z", "11+00:00")
        .replace("\"completed\"", "\"resting\", \"StateMessage\": \"Given key ID is not accessible\"")
        .replace("\"VolumeSize\"", "\"StorageTier\": \"archive\", \"VolumeSize\"");
    let dump = Folder::good().with_snapshots(&other).read();
    assert!(snapshots(&dump).is_whole());
    let snap = &snapshots(&dump).items()[0];
    assert_eq!((snap.tier, snap.state), (StorageTier::Archive, SnapshotState::Unfamiliar));
    assert_eq!(snap.state_message.as_deref(), Some("Given key ID is not accessible"));
    assert_eq!(snap.start_time, "2026-11-21T03:02:11Z".parse().unwrap());
}

#[test]
fn snapshots_of_others_stay_in_the_list() {
    let dump = Folder::good().with_snapshots(&SNAP.replace("123456789012", "999999999999")).read();
    assert!(dump.troubles.is_empty());
    assert_eq!(snapshots(&dump).items()[0].owner.as_str(), "999999999999");
}

#[test]
fn a_missing_file_is_a_gap() {
    let folder = Folder::good().without("us-east-1/snapshots.json");
    assert_broken(&folder, &format!("us-east-1/snapshots.json: no such file; {MAKE_SNAPSHOTS}"));
    let dump = Folder::good().without("us-east-1/volumes.json").without("us-east-1/instances.json").read();
    assert_eq!(
        sentences(&dump),
        [
            "us-east-1/instances.json: no such file; \
             make it with `aws ec2 describe-instances --region us-east-1 --output json`",
            "us-east-1/volumes.json: no such file; \
             make it with `aws ec2 describe-volumes --region us-east-1 --output json`",
        ]
    );
    assert!(!volumes(&dump).is_whole() && !instances(&dump).is_whole() && snapshots(&dump).is_whole());
}

#[test]
fn a_file_that_is_no_listing_is_a_gap_that_says_what_it_is() {
    let file = "us-east-1/snapshots.json";
    let cases: &[(&[u8], &str)] = &[
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"SNAPSHOTS\tfalse\n", "it is not JSON (expected value at line 1 column 1)"),
        (b"\xff\xfe{\0", "the file breaks off (EOF while parsing an object at line 1 column 1)"),
        (br#"{"Volumes": []}"#, "it holds \"Volumes\" where \"Snapshots\" is expected"),
        (b"{}", "it holds nothing where \"Snapshots\" is expected"),
        (
            b"[]",
            "it is not what the command prints \
             (invalid type: sequence, expected an object with \"Snapshots\" at line 1 column 1)",
        ),
        (
            br#"{"Snapshots": null}"#,
            "it is not what the command prints (invalid type: null, expected a list at line 1 column 18)",
        ),
        (
            br#"{"Snapshots": [], "Snapshots": []}"#,
            "it is not what the command prints (\"Snapshots\" is there twice at line 1 column 30)",
        ),
        (br#"{"Snapshots": []} {"Snapshots": []}"#, "it is not JSON (trailing characters at line 1 column 19)"),
        (br#"{"Snapshots": ["#, "the file breaks off (EOF while parsing a list at line 1 column 15)"),
    ];
    for (text, what) in cases {
        let folder = Folder::good().with(file, text);
        assert_eq!(assert_broken(&folder, &format!("{file}: {what}; {MAKE_SNAPSHOTS}")), 0);
    }
}

#[test]
fn a_folder_where_a_file_should_be_is_a_gap() {
    let folder = Folder::good().without("us-east-1/snapshots.json").with("us-east-1/snapshots.json/x", "");
    assert_broken(&folder, &format!("us-east-1/snapshots.json: it is not a file; {MAKE_SNAPSHOTS}"));
}

#[test]
fn utf_16_with_a_byte_order_mark_is_read_as_utf_8_is() {
    let text = format!(r#"{{"Snapshots": [{}]}}"#, SNAP.replace("snap-1", "snap-7"));
    let of = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        mark.iter().copied().chain(text.encode_utf16().flat_map(bytes)).collect()
    };
    for bytes in [of(b"\xff\xfe", u16::to_le_bytes), of(b"\xfe\xff", u16::to_be_bytes)] {
        let folder = Folder::good();
        fs::write(folder.0.join("us-east-1/snapshots.json"), &bytes).unwrap();
        let dump = folder.read();
        assert_eq!((sentences(&dump), snapshots(&dump).items()[0].id.as_str()), (Vec::new(), "snap-7"));
        fs::write(folder.0.join("us-east-1/snapshots.json"), &bytes[..bytes.len() - 7]).unwrap();
        assert!(!snapshots(&folder.read()).is_whole());
    }
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let text = format!("\u{feff}{{\"Snapshots\": [{SNAP}]}}");
    let dump = Folder::good().with("us-east-1/snapshots.json", text).read();
    assert!(dump.troubles.is_empty() && snapshots(&dump).is_whole());
}

#[test]
fn nesting_without_end_is_refused_not_followed() {
    for opening in ["[", "{\"a\":"] {
        let text = format!(r#"{{"Snapshots": [{{"Tags": {}"#, opening.repeat(100_000));
        let dump = Folder::good().with("us-east-1/snapshots.json", text).read();
        assert!(sentences(&dump)[0].contains("it is not JSON (recursion limit exceeded"), "{:?}", dump.troubles);
    }
}

#[test]
fn a_dump_that_was_cut_by_max_items_is_a_gap() {
    let text = format!(r#"{{"NextToken": "eyJ", "Snapshots": [{SNAP}]}}"#);
    let folder = Folder::good().with("us-east-1/snapshots.json", text);
    let sentence = "us-east-1/snapshots.json: the dump ends early: it was made with --max-items; leave that option out";
    assert_eq!(assert_broken(&folder, sentence), 1);
    for none in ["null", "\"\""] {
        let text = format!(r#"{{"Snapshots": [{SNAP}], "NextToken": {none}}}"#);
        assert!(snapshots(&Folder::good().with("us-east-1/snapshots.json", text).read()).is_whole());
    }
}

#[test]
fn no_truncation_is_taken_for_a_shorter_list() {
    let other = SNAP.replace("snap-1", "snap-2");
    let text = format!(r#"{{"Snapshots": [{SNAP}, {other}], "ResponseMetadata": {{"RetryAttempts": 0}}}}"#);
    let folder = Folder::good();
    let mut seen_before = 0;
    for length in 0..text.len() {
        fs::write(folder.0.join("us-east-1/snapshots.json"), &text.as_bytes()[..length]).unwrap();
        let dump = folder.read();
        assert_eq!(dump.troubles.len(), 1, "{length}");
        assert!(!snapshots(&dump).is_whole(), "{length}");
        let seen = snapshots(&dump).items().len();
        assert!(seen == seen_before || seen == seen_before + 1, "complete records are kept: {length}");
        seen_before = seen;
    }
    assert_eq!(seen_before, 2);
    fs::write(folder.0.join("us-east-1/snapshots.json"), &text).unwrap();
    assert!(snapshots(&folder.read()).is_whole());
}

#[test]
fn truncated_instances_and_regions_are_gaps_too() {
    let folder = Folder::good();
    for file in ["us-east-1/instances.json", "us-east-1/volumes.json", "regions.json"] {
        let path = folder.0.join(file);
        let text = fs::read(&path).unwrap();
        for length in 0..text.len() {
            fs::write(&path, &text[..length]).unwrap();
            let dump = folder.read();
            let whole = [
                instances(&dump).is_whole(),
                volumes(&dump).is_whole(),
                snapshots(&dump).is_whole(),
                dump.inventory.enabled.is_whole(),
            ];
            assert_eq!(whole.iter().filter(|whole| !**whole).count(), 1, "{file} {length}");
            assert_eq!(dump.inventory.enabled.items(), [region("us-east-1")]);
        }
        fs::write(&path, &text).unwrap();
    }
}

#[test]
fn junk_in_any_byte_never_panics() {
    let text = format!(r#"{{"Snapshots": [{SNAP}]}}"#);
    let folder = Folder::good();
    for i in 0..text.len() {
        for junk in [b'"', b'}', b'[', 0, 0xff, 0x1b] {
            let mut bytes = text.clone().into_bytes();
            bytes[i] = junk;
            fs::write(folder.0.join("us-east-1/snapshots.json"), &bytes).unwrap();
            let dump = folder.read();
            assert_eq!(dump.troubles.is_empty(), snapshots(&dump).is_whole(), "{i} {junk}");
            assert!(sentences(&dump).iter().all(|text| !text.contains(char::is_control)), "{i} {junk}");
        }
    }
}

#[test]
fn a_snapshot_without_a_needed_field_is_left_out_and_the_list_is_in_doubt() {
    for (field, with) in [
        ("VolumeId", "snap-2: no VolumeId"),
        ("OwnerId", "snap-2: no OwnerId"),
        ("State", "snap-2: no State"),
        ("StartTime", "snap-2: no StartTime"),
        ("VolumeSize", "snap-2: no VolumeSize"),
        ("Encrypted", "snap-2: no Encrypted"),
        ("SnapshotId", "record 1: no SnapshotId"),
    ] {
        assert_left_out((&format!("\"{field}\""), "\"Else\""), with);
    }
}

#[test]
fn a_snapshot_with_an_unreadable_field_is_left_out() {
    assert_left_out(("2026-11-21T", "yesterday, "), "snap-2: StartTime \"yesterday, 03:02:11.000Z\" is not a time");
    assert_left_out(("8,", "-8,"), "snap-2: VolumeSize is not a size in GiB");
    assert_left_out(("8,", "4294967296,"), "snap-2: VolumeSize is not a size in GiB");
    assert_left_out(("false", "\"no\""), "snap-2: Encrypted is not true or false");
    assert_left_out(("\"completed\"", "7"), "snap-2: State is not a text");
    assert_left_out(
        ("\"vol-1\"", "\"i-1\""),
        "snap-2: VolumeId \"i-1\" is not a volume's id (like vol-0123456789abcdef0)",
    );
    assert_left_out(("\"Key\"", "\"key\""), "snap-2: no Key of a tag");
    assert_left_out(("\"Tags\": [", "\"Tags\": {}, \"Else\": ["), "snap-2: Tags is not a list");
    assert_left_out(
        ("\"snap-2\"", "\"snap-\\u001b[2J\\n\""),
        "snap-\\u{1b}[2J\\u{a}: SnapshotId \"snap-\\u{1b}[2J\\n\" is not a snapshot's id (like snap-0123456789abcdef0)",
    );
}

#[test]
fn volumes_and_instances_are_as_strict() {
    for (file, text, sentence) in [
        ("volumes", VOLUME.replace("\"Size\"", "\"Else\""), "vol-1: no Size; left out"),
        ("volumes", VOLUME.replace("VolumeType", "Else"), "vol-1: no VolumeType; left out"),
        ("volumes", VOLUME.replace("Encrypted", "Else"), "vol-1: no Encrypted; left out"),
        ("instances", INSTANCE.replace("State", "Else"), "i-1: no State; left out"),
        ("instances", INSTANCE.replace("BlockDeviceMappings", "Else"), "i-1: no BlockDeviceMappings; left out"),
        ("instances", INSTANCE.replace("VolumeId", "Else"), "i-1: no VolumeId; left out"),
        ("instances", INSTANCE.replace("DeviceName\": \"/dev/sdb", "Else\": \""), "i-1: no DeviceName; left out"),
        ("instances", INSTANCE.replace("InstanceId", "Else"), "record 1: no InstanceId; left out"),
    ] {
        let text = match file {
            "volumes" => format!(r#"{{"Volumes": [{text}]}}"#),
            _ => format!(r#"{{"Reservations": [{{"ReservationId": "r-1", "Instances": [{text}]}}]}}"#),
        };
        let dump = Folder::good().with(&format!("us-east-1/{file}.json"), text).read();
        assert_eq!(sentences(&dump), [format!("us-east-1/{file}.json: {sentence}")]);
        assert_eq!((volumes(&dump).is_whole(), instances(&dump).is_whole()), (file != "volumes", file == "volumes"));
    }
    let rootless = INSTANCE.replace("RootDeviceName", "Else");
    let text = format!(r#"{{"Reservations": [{{"Instances": [{rootless}]}}, {{"ReservationId": "r-2"}}]}}"#);
    let dump = Folder::good().with("us-east-1/instances.json", text).read();
    assert_eq!(sentences(&dump), ["us-east-1/instances.json: r-2: no Instances; left out"]);
    assert_eq!(instances(&dump).items()[0].root_device, "");
}

#[test]
fn of_two_records_with_one_id_the_first_stays() {
    let dump = Folder::good().with_snapshots(&format!("{SNAP}, {}", SNAP.replace("vol-1", "vol-2"))).read();
    assert_eq!(sentences(&dump), ["us-east-1/snapshots.json: snap-1: it is listed twice; the first one counts"]);
    assert_eq!(why(snapshots(&dump)), "us-east-1/snapshots.json: records left out or listed twice: 1");
    let ids: Vec<_> = snapshots(&dump).items().iter().map(|snap| snap.volume_id.as_str()).collect();
    assert_eq!(ids, ["vol-1"]);
}

#[test]
fn a_file_of_bad_records_does_not_flood_the_troubles() {
    let dump = Folder::good().with_snapshots(&["{}"; 1000].join(",")).read();
    assert_eq!(dump.troubles.len(), 51);
    assert_eq!(sentences(&dump)[49], "us-east-1/snapshots.json: record 50: no SnapshotId; left out");
    assert_eq!(sentences(&dump)[50], "us-east-1/snapshots.json: 950 more records left out or listed twice");
    assert_eq!(why(snapshots(&dump)), "us-east-1/snapshots.json: records left out or listed twice: 1000");
}

#[test]
fn an_error_is_cut_however_long_the_text_behind_it() {
    let text = format!(r#"{{"Snapshots": "{}"}}"#, "x\\u001b".repeat(100_000));
    let dump = Folder::good().with("us-east-1/snapshots.json", text).read();
    assert!(sentences(&dump)[0].len() < 600, "{}", sentences(&dump)[0].len());
}

#[test]
fn the_same_dump_in_two_regions_is_in_doubt_in_both() {
    let folder = Folder::good()
        .with("regions.json", r#"{"Regions": [{"RegionName": "us-east-1"}, {"RegionName": "eu-west-1"}]}"#)
        .with("eu-west-1/instances.json", r#"{"Reservations": []}"#)
        .with("eu-west-1/volumes.json", r#"{"Volumes": []}"#)
        .with("eu-west-1/snapshots.json", format!(r#"{{"Snapshots": [{SNAP}]}}"#));
    let dump = folder.read();
    let sentence = "us-east-1/snapshots.json: snap-1: it is in eu-west-1/snapshots.json too: one of them is another \
                    Region's (was --region left out?); neither counts as whole";
    assert_eq!(sentences(&dump), [sentence]);
    assert!(dump.inventory.enabled.is_whole(), "a list without OptInStatus is of enabled Regions");
    for name in ["eu-west-1", "us-east-1"] {
        let seen = &dump.inventory.regions[&region(name)];
        assert_eq!(why(&seen.snapshots), sentence);
        assert_eq!(seen.snapshots.items().len(), 1);
        assert!(seen.volumes.is_whole());
    }
}

#[test]
fn without_regions_json_the_folders_are_what_is_known() {
    let dump = Folder::good().without("regions.json").read();
    let sentence = "regions.json: no such file; make it with `aws ec2 describe-regions --all-regions --output json`";
    assert_eq!(sentences(&dump), [sentence]);
    assert_eq!(dump.inventory.enabled, Read::Gap { seen: vec![region("us-east-1")], why: sentence.into() });
}

#[test]
fn regions_are_enabled_by_their_opt_in_status() {
    let text = r#"{"Regions": [{"RegionName": "us-east-1"}, {"RegionName": "af-south-1", "OptInStatus": "opted-in"},
        {"RegionName": "ap-east-1", "OptInStatus": "not-opted-in"}]}"#;
    let dump = Folder::good().with("regions.json", text).read();
    assert_eq!(dump.inventory.enabled, Read::Whole(vec![region("us-east-1"), region("af-south-1")]));

    let dump = Folder::good().with("regions.json", text.replace("not-opted-in", "opting-in")).read();
    let all = ["us-east-1", "af-south-1", "ap-east-1"].map(region).to_vec();
    assert_eq!(dump.inventory.enabled, Read::Whole(all), "reading a Region of an unfamiliar status will tell");
}

#[test]
fn words_that_ec2_did_not_have_are_kept_as_unfamiliar() {
    let deep = SNAP.replace("\"VolumeSize\"", "\"StorageTier\": \"deep\", \"VolumeSize\"");
    let text = format!(r#"{{"Reservations": [{{"Instances": [{}]}}]}}"#, INSTANCE.replace("running", "dreaming"));
    let dump = Folder::good().with_snapshots(&deep).with("us-east-1/instances.json", text).read();
    assert_eq!(sentences(&dump), Vec::<String>::new());
    assert!(snapshots(&dump).is_whole() && instances(&dump).is_whole());
    assert_eq!(snapshots(&dump).items()[0].state, SnapshotState::Unfamiliar);
    let state = instances(&dump).items()[0].state;
    assert_eq!((state, state.is_backed_up()), (InstanceState::Unfamiliar, true));
}

#[test]
fn of_another_tools_snapshots_one_that_cannot_be_read_costs_itself_alone() {
    let odd = r#"{"SnapshotId": "snap-2", "State": "completed", "Tags": [{"Key": "Owner", "Value": "x"}]}"#;
    let dump = Folder::good().with_snapshots(&format!("{SNAP}, {odd}")).read();
    let said = "us-east-1/snapshots.json: snap-2: not Snapwarden's, no StartTime; left out";
    assert_eq!(sentences(&dump), [said]);
    assert!(snapshots(&dump).is_whole());
    let key = |key| format!(r#"{{"Key": "{key}""#);
    for (tag, value) in
        [(key("Type"), "Automated"), (key("SourceSnapshotId"), "snap-1"), ("{\"Key\": 7".to_owned(), "x")]
    {
        let odd = odd.replace(&key("Owner"), &tag).replace("\"x\"", &format!("\"{value}\""));
        assert!(!snapshots(&Folder::good().with_snapshots(&odd).read()).is_whole(), "{odd}");
    }
}

#[test]
fn a_list_of_regions_that_lacks_a_folders_region_is_in_doubt() {
    let dump = Folder::good().with("regions.json", r#"{"Regions": []}"#).read();
    let sentence = "regions.json: us-east-1: the dump has its folder, but the list does not have it as enabled, \
                    so the list is in doubt; make it again with `aws ec2 describe-regions --all-regions --output json`";
    assert_eq!(sentences(&dump), [sentence]);
    assert_eq!(why(&dump.inventory.enabled), sentence);
}

#[test]
fn a_region_that_was_asked_for_and_has_no_folder_is_missed() {
    let folder = Folder::good();
    let only = [region("eu-west-3"), region("us-east-1"), region("eu-west-3")];
    let dump = dump::read(&folder.0, now(), None, &only).unwrap();
    assert_eq!(sentences(&dump), ["no folder eu-west-3 in the dump: nothing of that Region is planned"]);
    assert!(!dump.inventory.regions.contains_key(&region("eu-west-3")));
    let dump = dump::read(&folder.0, now(), None, &[region("eu-west-3")]).unwrap();
    assert!(dump.inventory.regions.contains_key(&region("us-east-1")), "all are read");
}

#[test]
fn what_is_not_read_but_seems_to_be_meant_is_said() {
    let dump = Folder::good()
        .with("README.md", "about this dump")
        .with("notes/todo.txt", "")
        .with("eu-wset-1/snapshots.json", "{}")
        .with("snapshots.json", "{}")
        .with("eu-west-1", "a file")
        .with("us-east-1/snapshots-2.json", "{}")
        .with("us-east-1/images.json", "{}")
        .read();
    assert_eq!(
        sentences(&dump),
        [
            "eu-west-1: it has the name of a Region but is not a folder; ignored",
            "eu-wset-1: the folder holds listings, but its name is not that of a Region; ignored",
            "snapshots.json: it stands outside the folders of the Regions; ignored, move it into the folder of its Region",
            "us-east-1/snapshots-2.json: not read: a Region's files are instances.json, volumes.json and snapshots.json",
        ]
    );
    assert_eq!(dump.inventory.regions.len(), 1);
}

#[test]
fn a_dump_that_leaves_nothing_to_plan_is_an_error() {
    let folder = Folder::empty();
    assert_eq!(
        folder.error(),
        "no folder of a Region, such as us-east-1, in DIR; \
         make one a Region, with its instances.json, volumes.json and snapshots.json"
    );
    fs::remove_dir(&folder.0).unwrap();
    assert_eq!(
        folder.error(),
        "the dump DIR cannot be read (entity not found); \
         name the folder that holds one folder a Region, such as us-east-1"
    );
}

#[test]
fn somebody_must_say_whose_account_it_is() {
    let whole = |why: &str| {
        format!(
            "whose account the dump is of is not known (caller-identity.json: {why}); \
             make caller-identity.json with `aws sts get-caller-identity --output json`, or name the account (--account)"
        )
    };
    let folder = Folder::good().without("caller-identity.json");
    assert_eq!(folder.error(), whole("no such file"));
    let given = dump::read(&folder.0, now(), Some("210987654321".parse().unwrap()), &[]).unwrap();
    assert_eq!((given.inventory.account.as_str(), given.troubles.len()), ("210987654321", 0));

    let folder = folder.with("caller-identity.json", "{}");
    assert_eq!(folder.error(), whole("it is not what the command prints (no Account)"));
    let given = dump::read(&folder.0, now(), Some("210987654321".parse().unwrap()), &[]).unwrap();
    assert_eq!(
        sentences(&given),
        ["caller-identity.json: it is not what the command prints (no Account); \
          make it with `aws sts get-caller-identity --output json`"]
    );
}

#[test]
fn two_accounts_are_one_too_many() {
    let folder = Folder::good();
    assert!(dump::read(&folder.0, now(), Some("123456789012".parse().unwrap()), &[]).is_ok());
    let error = dump::read(&folder.0, now(), Some("210987654321".parse().unwrap()), &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the dump is of account 123456789012 (see caller-identity.json), but 210987654321 was named; \
         name 123456789012, or another dump"
    );
}

#[test]
fn sixty_thousand_snapshots_are_read() {
    let folder = Folder::good();
    let mut file = std::io::BufWriter::new(fs::File::create(folder.0.join("us-east-1/snapshots.json")).unwrap());
    file.write_all(b"{\"Snapshots\": [").unwrap();
    for i in 0..60_000 {
        let mut id = String::new();
        write!(id, "snap-{i:017x}").unwrap();
        let comma = if i == 0 { "" } else { "," };
        write!(file, "{comma}\n{}", SNAP.replace("snap-1", &id)).unwrap();
    }
    file.write_all(b"]}").unwrap();
    file.into_inner().unwrap();
    let dump = folder.read();
    assert!(dump.troubles.is_empty() && snapshots(&dump).is_whole());
    assert_eq!(snapshots(&dump).items().len(), 60_000);
}

#[test]
fn what_is_no_record_costs_itself_and_not_those_behind_it() {
    let dump = Folder::good().with_snapshots(&format!("\"str\", 7, {SNAP}")).read();
    let said = sentences(&dump);
    assert_eq!(said[0], "us-east-1/snapshots.json: record 1: not an object; left out");
    assert_eq!((said.len(), snapshots(&dump).items().len(), snapshots(&dump).is_whole()), (2, 1, false));
}

#[test]
fn a_list_in_the_place_of_an_object_is_no_record_whose_fields_go_by_their_places() {
    let volume = r#"["vol-1", 8, "gp3", true, null]"#;
    let dump = Folder::good().with("us-east-1/volumes.json", format!(r#"{{"Volumes": [{volume}]}}"#)).read();
    assert_eq!(sentences(&dump), ["us-east-1/volumes.json: record 1: not an object; left out"]);
    assert_eq!(volumes(&dump).items(), []);

    for reservations in
        [format!(r#"["r-1", [{INSTANCE}]]"#), r#"{"Instances": [["i-2", {"Name": "running"}, "", [], null]]}"#.into()]
    {
        let text = format!(r#"{{"Reservations": [{reservations}]}}"#);
        let dump = Folder::good().with("us-east-1/instances.json", text).read();
        assert_eq!(sentences(&dump), ["us-east-1/instances.json: record 1: not an object; left out"]);
        assert_eq!(instances(&dump).items(), []);
    }

    let error = Folder::good().with("caller-identity.json", r#"["123456789012"]"#).error();
    assert!(error.contains("it is not what the command prints"), "{error}");
}

#[test]
fn a_key_that_stands_twice_among_the_tags_leaves_the_record_out() {
    let twice = SNAP.replace("\"Key\": \"Name\"", "\"Key\": \"Type\"");
    let dump = Folder::good().with_snapshots(&twice).read();
    assert_eq!(sentences(&dump), ["us-east-1/snapshots.json: snap-1: Tags has \"Type\" twice; left out"]);
}

#[test]
fn a_list_without_attached_volumes_is_not_the_whole_list() {
    let dump = Folder::good().with("us-east-1/volumes.json", r#"{"Volumes": []}"#).read();
    assert!(!volumes(&dump).is_whole());
    assert_eq!(
        sentences(&dump),
        ["us-east-1/volumes.json: vol-1: 1 attached volumes are not in it; make it again, without --filters, with \
          `aws ec2 describe-volumes --region us-east-1 --output json`"]
    );
}

#[test]
fn a_region_that_tags_name_and_the_dump_lacks_is_said_once() {
    let regions = REGIONS.replace("]}", r#", {"RegionName": "eu-west-1", "OptInStatus": "opted-in"}]}"#);
    let away =
        SNAP.replace("\"Key\": \"Name\"", "\"Key\": \"SourceRegion\", \"Value\": \"eu-west-1\"}, {\"Key\": \"Name\"");
    let dump = Folder::good().with("regions.json", regions).with_snapshots(&away).read();
    let sentence = "no folder eu-west-1 in the dump, though tags name that Region: what rests on it is kept, or waits";
    assert_eq!(sentences(&dump), [sentence]);
}
