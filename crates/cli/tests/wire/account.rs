//! An account in which each job has something to do, and each rule something that it guards.
//!
//! What is guarded is as tempting as can be: overdue, with a newer snapshot of its volume, and with a copy that is
//! verified, so that nothing but the one rule keeps it.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::ids::{AccountId, Region};
use snapwarden_core::inventory::{
    Device, Instance, InstanceState, Inventory, Read, RegionInventory, Snapshot, SnapshotState, StorageTier, Volume,
};
use snapwarden_core::tags::Tags;

use crate::server::{AWAY, HOME, NOW};

const FAR: &str = "us-east-1";
const ACCOUNT: &str = "123456789012";
/// A volume that does not exist any more.
const GONE: &str = "vol-gone";
const RETENTION_DAYS: i64 = 30;
/// So old is what is due.
const OLD: i64 = 40;

/// Some forty snapshots of five instances whose snapshots live as usual, and of three with everything that is not usual.
pub(crate) fn account() -> Inventory {
    let mut account = Account::empty();
    account.usual();
    account.guarded();
    account.half_way();
    account.ends();
    account.0
}

struct Account(Inventory);

/// What makes a snapshot one that no job touches.
type Guard = fn(&mut Snapshot);

impl Account {
    fn empty() -> Self {
        let regions = [HOME, AWAY, FAR].map(region);
        let empty = || RegionInventory {
            instances: Read::Whole(Vec::new()),
            volumes: Read::Whole(Vec::new()),
            snapshots: Read::Whole(Vec::new()),
        };
        Self(Inventory {
            account: ACCOUNT.parse().unwrap(),
            taken_at: now(),
            enabled: Read::Whole(regions.to_vec()),
            regions: regions.map(|region| (region, empty())).into(),
        })
    }

    fn put(&mut self, at: &str, snapshot: Snapshot) {
        listed(&mut self.0.regions.get_mut(&region(at)).unwrap().snapshots).push(snapshot);
    }

    /// A source with a verified copy in each of `copied_to`.
    fn put_with_copies(&mut self, source: Snapshot, copied_to: &[&str]) {
        for to in copied_to {
            self.put(to, copy(&source, to));
        }
        self.put(HOME, source);
    }

    /// An instance that is backed up, and its volumes.
    fn instance(&mut self, name: &str, tags: &[(&str, &str)], volumes: &[&str]) {
        let home = self.0.regions.get_mut(&region(HOME)).unwrap();
        let mut devices = Vec::new();
        for (volume, letter) in volumes.iter().zip('a'..) {
            devices.push(Device { name: format!("/dev/xvd{letter}"), volume: Some(volume.parse().unwrap()) });
            listed(&mut home.volumes).push(Volume {
                id: volume.parse().unwrap(),
                size_gib: 8,
                volume_type: "gp3".to_owned(),
                encrypted: false,
                create_time: None,
                tags: Tags::default(),
            });
        }
        let all = [("Name", name), ("Backup", "Yes"), ("RetentionDays", "2")].into_iter().chain(tags.iter().copied());
        listed(&mut home.instances).push(Instance {
            id: format!("i-{name}").parse().unwrap(),
            state: InstanceState::Running,
            root_device: "/dev/xvda".to_owned(),
            devices,
            tags: all.collect(),
        });
    }

    /// Each mode, and none: what is overdue and what is not, copied, and what has still to be copied.
    fn usual(&mut self) {
        let both = format!("{AWAY} {FAR}");
        for (name, to, mode) in
            [("move", AWAY, "Move"), ("both", &both, "Move"), ("latest", AWAY, "KeepLatest"), ("copy", AWAY, "Copy")]
        {
            let volumes = ["a", "b"].map(|letter| format!("vol-{name}-{letter}"));
            self.instance(name, &[("DestinationRegion", to), ("OffsiteMode", mode)], &[&volumes[0], &volumes[1]]);
            let copied_to: Vec<_> = to.split(' ').collect();
            for volume in volumes {
                for days in [OLD, 2] {
                    self.put_with_copies(source(&format!("{volume}-{days}"), &volume, days, to, mode), &copied_to);
                }
                self.put(HOME, source(&format!("{volume}-1"), &volume, 1, to, mode));
                if mode == "KeepLatest" {
                    self.newest(&volume, volume.ends_with('a'));
                }
            }
        }
        self.instance("local", &[], &["vol-local"]);
        for days in [OLD, 2] {
            self.put(HOME, local(&format!("vol-local-{days}"), "vol-local", days));
        }
        self.put(HOME, Snapshot { state: SnapshotState::Error, ..local("failed-old", "vol-local", 3) });
    }

    /// The newest of a volume, which stays under `KeepLatest`; a torn copy has not got all of its tags.
    fn newest(&mut self, volume: &str, is_torn: bool) {
        let newest = source(&format!("{volume}-0"), volume, 0, AWAY, "KeepLatest");
        let mut copy = copy(&newest, AWAY);
        if is_torn {
            copy.tags.remove("DeviceName");
        }
        self.put(AWAY, copy);
        self.put(HOME, newest);
    }

    /// What is not ours, or what a person keeps (S1, S2).
    fn guarded(&mut self) {
        let volume = "vol-guarded";
        self.instance("guarded", &[], &[volume]);
        let guards: [(&str, Guard); 6] = [
            ("pinned", |snapshot| snapshot.tags.set("keepforever", "No")),
            ("undated", |snapshot| snapshot.tags.remove("DeleteOn")),
            ("foreign", |snapshot| snapshot.tags.remove("Type")),
            ("vault", |snapshot| snapshot.tags.set("aws:backup:source-resource", "vault")),
            ("lifecycle", |snapshot| snapshot.tags.set("aws:dlm:managed", "true")),
            ("shared", |snapshot| snapshot.owner = "999999999999".parse::<AccountId>().unwrap()),
        ];
        for ((id, guard), days) in guards.into_iter().zip(OLD..) {
            let mut source = source(id, volume, days, AWAY, "Move");
            guard(&mut source);
            self.put_with_copies(source, &[AWAY]);
        }
        self.put(HOME, local("guarded-newest", volume, 1));
    }

    /// What is on its way, or does not get there (S3 to S5).
    fn half_way(&mut self) {
        let volume = "vol-half";
        self.instance("half", &[("DestinationRegion", AWAY)], &[volume]);
        let (both, junk) = (format!("{AWAY} {FAR}"), format!("{AWAY} mars-1"));
        let in_flight = source("in-flight", volume, OLD, AWAY, "Move");
        self.put(AWAY, pending(copy(&in_flight, AWAY)));
        self.put(HOME, in_flight);
        let partly = source("partly", volume, OLD + 1, &both, "Move");
        self.put(FAR, pending(copy(&partly, FAR)));
        self.put_with_copies(partly, &[AWAY]);
        self.put(HOME, source("never-copied", volume, OLD + 2, AWAY, "Move"));
        self.put_with_copies(source("junk", volume, 5, &junk, "Move"), &[AWAY]);
        let mismatch = source("mismatch", volume, 3, AWAY, "Move");
        self.put(AWAY, Snapshot { size_gib: 9, ..copy(&mismatch, AWAY) });
        self.put(HOME, mismatch);
        let retry = source("retry", volume, 4, AWAY, "Move");
        self.put(AWAY, Snapshot { state: SnapshotState::Error, ..copy(&retry, AWAY) });
        self.put(HOME, retry);
        // One whose copy a person has deleted: its stamp says that there was one.
        let mut alone = source("alone", volume, 6, AWAY, "Copy");
        alone.tags.set("OffsiteSnapshotId", &format!("{AWAY}:{}", copy(&alone, AWAY).id));
        self.put(HOME, alone);
        // Its day has come, and it is an hour short of the two days that it was promised.
        let mut young = local("young", volume, 2);
        young.tags.set("DeleteOn", &day(0).to_string());
        young.start_time = now() - SignedDuration::from_hours(47);
        self.put(HOME, young);
    }

    /// The last one of a volume that lives, and of two that do not count any more (S6).
    fn ends(&mut self) {
        self.instance("idle", &[("DestinationRegion", AWAY), ("OffsiteMode", "Copy")], &["vol-last", "vol-left-out"]);
        let volumes = listed(&mut self.0.regions.get_mut(&region(HOME)).unwrap().volumes);
        let left_out = volumes.iter_mut().find(|volume| volume.id.as_str() == "vol-left-out").unwrap();
        left_out.tags.set("Backup", "No");
        let mut last = source("last", "vol-last", OLD, AWAY, "Copy");
        last.tags.set("OffsiteSnapshotId", &format!("{AWAY}:{}", copy(&last, AWAY).id));
        self.put_with_copies(last, &[AWAY]);
        self.put(HOME, Snapshot { state: SnapshotState::Error, ..local("failed-now", "vol-last", 0) });
        self.put(HOME, local("left-out", "vol-left-out", OLD));
        for days in [OLD, 2] {
            self.put(HOME, local(&format!("{GONE}-{days}"), GONE, days));
        }
    }
}

fn listed<T>(read: &mut Read<T>) -> &mut Vec<T> {
    match read {
        Read::Whole(items) => items,
        Read::Gap { .. } | Read::NotAsked => unreachable!("this account is all there"),
    }
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// The day so many days ago.
fn day(days: i64) -> Date {
    (now() - SignedDuration::from_hours(24 * days)).to_zoned(TimeZone::UTC).date()
}

/// A completed snapshot of the slot of that day, as the creator leaves it.
fn local(id: &str, volume: &str, days: i64) -> Snapshot {
    let slot = format!("{}T03:00Z", day(days));
    let (created, delete) = (day(days).to_string(), day(days - RETENTION_DAYS).to_string());
    let tags = [
        ("Type", "Automated"),
        ("CreatedOn", &created),
        ("DeleteOn", &delete),
        ("InstanceID", "i-whose"),
        ("snapwarden:slot", &slot),
        ("DeviceName", "/dev/xvda"),
    ];
    Snapshot {
        id: format!("snap-{id}").parse().unwrap(),
        volume_id: volume.parse().unwrap(),
        owner: ACCOUNT.parse().unwrap(),
        state: SnapshotState::Completed,
        state_message: None,
        start_time: now() - SignedDuration::from_hours(24 * days + 1),
        size_gib: 8,
        encrypted: false,
        tier: StorageTier::Standard,
        tags: tags.into_iter().collect(),
    }
}

/// The same with destinations.
fn source(id: &str, volume: &str, days: i64, to: &str, mode: &str) -> Snapshot {
    let mut source = local(id, volume, days);
    source.tags.set("DestinationRegion", to);
    source.tags.set("OffsiteMode", mode);
    source
}

/// A true copy of `source`, as the offsiter makes it.
fn copy(source: &Snapshot, to: &str) -> Snapshot {
    let own = source.tags.iter().filter(|(key, _)| *key != "OffsiteSnapshotId" && !key.starts_with("aws:"));
    let mut tags: Tags = own.collect();
    tags.set("SourceSnapshotId", source.id.as_str());
    tags.set("SourceRegion", HOME);
    tags.set("SourceStartTime", &source.start_time.to_string());
    tags.set("VolumeID", source.volume_id.as_str());
    Snapshot {
        id: format!("{}-in-{to}", source.id).parse().unwrap(),
        volume_id: "vol-ffffffff".parse().unwrap(),
        start_time: source.start_time + SignedDuration::from_mins(10),
        tags,
        ..source.clone()
    }
}

/// The same while EC2 is still at it.
fn pending(copy: Snapshot) -> Snapshot {
    Snapshot { state: SnapshotState::Pending, start_time: now() - SignedDuration::from_mins(1), ..copy }
}
