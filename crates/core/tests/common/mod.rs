//! A small world for tests, in the fewest words: what is not said is usual.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "shared by several test binaries; the names say it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use jiff::Timestamp;
use jiff::civil::Date;
use snapwarden_core::check::{Rule, check};
use snapwarden_core::decision::{Act, CopyRef, Decision, Plan, Problem, Reason, Subject};
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{
    Device, Instance, InstanceState, Inventory, Read, RegionInventory, Snapshot, SnapshotState, StorageTier, Volume,
};
use snapwarden_core::managed::Target;
use snapwarden_core::plan::{plan_create, plan_expire, plan_offsite};
use snapwarden_core::policy::Config;
use snapwarden_core::schedule::Slot;
use snapwarden_core::tags::Tags;

pub const ACCOUNT: &str = "123456789012";
/// Where instances run.
pub const HOME: &str = "us-east-1";
/// Where copies go.
pub const AWAY: &str = "eu-west-1";
/// A second place where copies go.
pub const FAR: &str = "us-west-2";
/// An hour after today's slot of the default schedule.
pub const NOW: &str = "2026-11-22T04:00:00Z";
pub const SLOT: &str = "2026-11-22T03:00Z";

pub type Pairs<'a> = &'a [(&'a str, &'a str)];

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn slot(text: &str) -> Slot {
    text.parse().unwrap()
}

pub fn region(text: &str) -> Region {
    text.parse().unwrap()
}

pub fn snapshot_id(text: &str) -> SnapshotId {
    text.parse().unwrap()
}

/// The target of an act in a plan that is read back: that it is ours is for the plan's maker to know, and for the check.
pub fn target(text: &str) -> Target {
    serde_json::from_value(text.into()).unwrap()
}

pub fn volume_id(text: &str) -> VolumeId {
    text.parse().unwrap()
}

pub fn tags(pairs: Pairs<'_>) -> Tags {
    pairs.iter().copied().collect()
}

/// `eu-west-1:snap-1`.
pub fn copy_ref(text: &str) -> CopyRef {
    let (place, id) = text.split_once(':').unwrap();
    CopyRef { region: region(place), snapshot: snapshot_id(id) }
}

/// What was seen, built Region by Region: `region` says where the next things lie.
#[derive(Clone)]
pub struct World {
    pub inventory: Inventory,
    here: Region,
}

/// An account at `now` with [`HOME`], [`AWAY`] and [`FAR`] enabled, read and empty; things lie at [`HOME`].
pub fn world(now: &str) -> World {
    let inventory = Inventory {
        account: ACCOUNT.parse().unwrap(),
        taken_at: time(now),
        enabled: Read::Whole(Vec::new()),
        regions: Default::default(),
    };
    World { inventory, here: region(HOME) }.region(AWAY).region(FAR).region(HOME)
}

fn items<T>(read: &mut Read<T>) -> &mut Vec<T> {
    match read {
        Read::Whole(items) | Read::Gap { seen: items, .. } => items,
        Read::NotAsked => panic!("not asked"),
    }
}

fn gap<T>(read: &mut Read<T>) {
    let seen = std::mem::take(items(read));
    *read = Read::Gap { seen, why: "RequestExpired".to_owned() };
}

impl World {
    /// What follows lies in this Region, which is enabled and read.
    pub fn region(mut self, name: &str) -> Self {
        self.here = region(name);
        let enabled = items(&mut self.inventory.enabled);
        if !enabled.contains(&self.here) {
            enabled.push(self.here.clone());
        }
        let empty = || RegionInventory {
            instances: Read::Whole(Vec::new()),
            volumes: Read::Whole(Vec::new()),
            snapshots: Read::Whole(Vec::new()),
        };
        self.inventory.regions.entry(self.here.clone()).or_insert_with(empty);
        self
    }

    pub fn here(&mut self) -> &mut RegionInventory {
        self.inventory.regions.get_mut(&self.here).unwrap()
    }

    /// A running instance that boots from `/dev/xvda`; volumes that are not there yet are made, of the usual kind. A
    /// device with an empty volume is an instance store.
    pub fn instance(mut self, id: &str, tagged: Pairs<'_>, devices: Pairs<'_>) -> Self {
        for (_, volume) in devices.iter().filter(|(_, volume)| !volume.is_empty()) {
            let is_there = items(&mut self.here().volumes).iter().any(|v| v.id.as_str() == *volume);
            if !is_there {
                self = self.volume(volume, &[]);
            }
        }
        let device = |(name, volume): &(&str, &str)| Device { name: (*name).to_owned(), volume: volume.parse().ok() };
        let instance = Instance {
            id: id.parse().unwrap(),
            state: InstanceState::Running,
            root_device: "/dev/xvda".to_owned(),
            devices: devices.iter().map(device).collect(),
            tags: tags(tagged),
        };
        items(&mut self.here().instances).push(instance);
        self
    }

    /// The same, selected, with one volume.
    pub fn server(self, id: &str, tagged: Pairs<'_>, volume: &str) -> Self {
        let tagged: Vec<_> = [("Backup", "Yes")].into_iter().chain(tagged.iter().copied()).collect();
        self.instance(id, &tagged, &[("/dev/xvda", volume)])
    }

    pub fn with_instance(mut self, id: &str, change: impl FnOnce(&mut Instance)) -> Self {
        change(items(&mut self.here().instances).iter_mut().find(|i| i.id.as_str() == id).unwrap());
        self
    }

    pub fn volume(mut self, id: &str, tagged: Pairs<'_>) -> Self {
        let volume = Volume {
            id: volume_id(id),
            size_gib: 8,
            volume_type: "gp3".to_owned(),
            encrypted: false,
            create_time: None,
            tags: tags(tagged),
        };
        items(&mut self.here().volumes).push(volume);
        self
    }

    pub fn with_volume(mut self, id: &str, change: impl FnOnce(&mut Volume)) -> Self {
        change(items(&mut self.here().volumes).iter_mut().find(|v| v.id.as_str() == id).unwrap());
        self
    }

    pub fn without_volume(mut self, id: &str) -> Self {
        items(&mut self.here().volumes).retain(|v| v.id.as_str() != id);
        self
    }

    pub fn snapshot(mut self, snapshot: Snap) -> Self {
        items(&mut self.here().snapshots).push(snapshot.0);
        self
    }

    pub fn snapshots(self, snapshots: impl IntoIterator<Item = Snap>) -> Self {
        snapshots.into_iter().fold(self, World::snapshot)
    }

    /// Changes a snapshot, wherever it lies.
    pub fn with_snapshot(mut self, id: &str, change: impl FnOnce(&mut Snapshot)) -> Self {
        let mut all = self.inventory.regions.values_mut().flat_map(|seen| items(&mut seen.snapshots));
        change(all.find(|snapshot| snapshot.id.as_str() == id).unwrap());
        self
    }

    /// The same account, looked at then.
    pub fn later(mut self, now: &str) -> Self {
        self.inventory.taken_at = time(now);
        self
    }

    pub fn without_snapshots(mut self, goes: impl Fn(&str) -> bool) -> Self {
        for seen in self.inventory.regions.values_mut() {
            items(&mut seen.snapshots).retain(|snapshot| !goes(snapshot.id.as_str()));
        }
        self
    }

    /// The list of this Region's snapshots broke off after those that are there.
    pub fn snapshots_gap(mut self) -> Self {
        gap(&mut self.here().snapshots);
        self
    }

    pub fn volumes_gap(mut self) -> Self {
        gap(&mut self.here().volumes);
        self
    }

    pub fn instances_gap(mut self) -> Self {
        gap(&mut self.here().instances);
        self
    }

    /// Nobody read this Region, though the account can use it.
    pub fn unread(mut self, name: &str) -> Self {
        self.inventory.regions.remove(&region(name));
        self
    }

    /// The list of Regions could not be read at all.
    pub fn regions_unknown(mut self) -> Self {
        self.inventory.enabled = Read::Gap { seen: Vec::new(), why: "UnauthorizedOperation".to_owned() };
        self
    }

    pub fn create(&self) -> Plan {
        self.create_with(&Config::default())
    }

    pub fn create_with(&self, config: &Config) -> Plan {
        plan_create(&self.inventory, &[region(HOME)], config)
    }

    pub fn offsite(&self) -> Plan {
        plan_offsite(&self.inventory, &[region(HOME)])
    }

    /// In all Regions that were read, as the manager's function does.
    pub fn expire(&self) -> Plan {
        self.expire_with(&Config::default())
    }

    pub fn expire_with(&self, config: &Config) -> Plan {
        let regions: Vec<_> = self.inventory.regions.keys().cloned().collect();
        plan_expire(&self.inventory, &regions, config)
    }
}

/// A snapshot in the making.
#[derive(Debug, Clone)]
pub struct Snap(pub Snapshot);

/// A completed snapshot of this account without tags: 8 GiB, not encrypted, in the standard tier, begun at [`NOW`]'s day.
pub fn bare(id: &str, volume: &str) -> Snap {
    Snap(Snapshot {
        id: snapshot_id(id),
        volume_id: volume_id(volume),
        owner: ACCOUNT.parse().unwrap(),
        state: SnapshotState::Completed,
        state_message: None,
        start_time: time("2026-11-22T03:05:00Z"),
        size_gib: 8,
        encrypted: false,
        tier: StorageTier::Standard,
        tags: Tags::default(),
    })
}

/// One of ours, of `i-1`, begun at 03:05 on `created` for that day's slot and kept until `delete_on`.
pub fn ours(id: &str, volume: &str, created: &str, delete_on: &str) -> Snap {
    bare(id, volume)
        .at(&format!("{created}T03:05:00Z"))
        .tag("Type", "Automated")
        .tag("CreatedOn", created)
        .tag("DeleteOn", delete_on)
        .tag("InstanceID", "i-1")
        .tag("DeviceName", "/dev/xvda")
        .tag("snapwarden:slot", &format!("{created}T03:00Z"))
}

/// One of ours that was kept 7 days and is long due.
pub fn expired(id: &str, volume: &str) -> Snap {
    ours(id, volume, "2026-11-01", "2026-11-08")
}

/// One of ours of yesterday, to be copied to `destinations`.
pub fn source(id: &str, volume: &str, destinations: &str) -> Snap {
    ours(id, volume, "2026-11-21", "2026-11-28").tag("DestinationRegion", destinations)
}

/// The completed copy that our call makes of `source`, begun an hour after it.
pub fn copy(id: &str, source: &Snap) -> Snap {
    let of = &source.0;
    let mut copy = source.clone().no_tag("OffsiteSnapshotId");
    copy.0.id = snapshot_id(id);
    copy.0.volume_id = volume_id("vol-ffffffff");
    copy.0.start_time = Timestamp::from_second(of.start_time.as_second() + 3600).unwrap();
    copy.tag("SourceSnapshotId", of.id.as_str())
        .tag("SourceRegion", HOME)
        .tag("SourceStartTime", &of.start_time.to_string())
        .tag("VolumeID", of.volume_id.as_str())
        .state(SnapshotState::Completed)
}

impl Snap {
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.0.tags.set(key, value);
        self
    }

    pub fn no_tag(mut self, key: &str) -> Self {
        self.0.tags.remove(key);
        self
    }

    pub fn at(mut self, start: &str) -> Self {
        self.0.start_time = time(start);
        self
    }

    pub fn state(mut self, state: SnapshotState) -> Self {
        self.0.state = state;
        self
    }

    pub fn pending(self) -> Self {
        self.state(SnapshotState::Pending)
    }

    pub fn failed(mut self, message: &str) -> Self {
        self.0.state_message = Some(message.to_owned());
        self.state(SnapshotState::Error)
    }

    pub fn encrypted(mut self) -> Self {
        self.0.encrypted = true;
        self
    }

    pub fn size(mut self, gib: u32) -> Self {
        self.0.size_gib = gib;
        self
    }

    pub fn owner(mut self, account: &str) -> Self {
        self.0.owner = account.parse().unwrap();
        self
    }

    pub fn archived(mut self) -> Self {
        self.0.tier = StorageTier::Archive;
        self
    }
}

/// The one decision about a subject, wherever it lies.
pub fn decision<'p>(plan: &'p Plan, subject: &Subject) -> &'p Decision {
    let found: Vec<_> = plan.decisions.iter().filter(|decision| decision.subject == *subject).collect();
    assert_eq!(found.len(), 1, "decisions about {subject:?} in {:#?}", plan.decisions);
    found[0]
}

fn act_and_reason<'p>(plan: &'p Plan, subject: &Subject) -> (&'p Act, &'p Reason) {
    let decision = decision(plan, subject);
    (&decision.act, &decision.reason)
}

/// What the creator does with a volume, and why.
pub fn of_volume<'p>(plan: &'p Plan, id: &str) -> (&'p Act, &'p Reason) {
    act_and_reason(plan, &Subject::Volume(volume_id(id)))
}

/// What the offsiter does with a source in a destination, and why.
pub fn of_copy<'p>(plan: &'p Plan, id: &str, destination: &str) -> (&'p Act, &'p Reason) {
    act_and_reason(plan, &Subject::Copy(target(id), region(destination)))
}

/// What the offsiter does with a source itself, and why.
pub fn of_source<'p>(plan: &'p Plan, id: &str) -> (&'p Act, &'p Reason) {
    act_and_reason(plan, &Subject::Source(target(id)))
}

/// What the manager does with a snapshot, and why.
pub fn of_snapshot<'p>(plan: &'p Plan, id: &str) -> (&'p Act, &'p Reason) {
    act_and_reason(plan, &Subject::Snapshot(target(id)))
}

/// The snapshots that the manager deletes, in its order.
/// The check, asked the other way round: deletes what retention alone keeps in this plan, all of it, and gives what the
/// check let pass.
pub fn let_pass(plan: &Plan, inventory: &Inventory, config: &Config) -> Vec<Subject> {
    let mut bad = plan.clone();
    let is_kept = |decision: &&mut Decision| {
        matches!(
            decision.reason,
            Reason::KeptByPolicy { .. }
                | Reason::KeptForClosing { .. }
                | Reason::UnreadableRetention { .. }
                | Reason::NoVolume
                | Reason::Mistyped { .. }
                | Reason::HistoryUnread { .. }
                | Reason::LastGood { .. }
                | Reason::NewestData { .. }
        )
    };
    let forced: Vec<_> = bad.decisions.iter_mut().filter(is_kept).collect();
    let forced: Vec<_> = forced
        .into_iter()
        .map(|decision| {
            decision.act = Act::Delete { anchor: None, rests_on: Vec::new() };
            (decision.region.clone(), decision.subject.clone())
        })
        .collect();
    let violations = check(&bad, inventory, config);
    let is_refused = |(region, subject): &(Region, Subject)| {
        let mut about = violations.iter().filter(|one| one.region == *region && one.subject.as_ref() == Some(subject));
        about.any(|one| matches!(one.rule, Rule::S3 | Rule::S6 | Rule::S7 | Rule::S12))
    };
    forced.into_iter().filter(|one| !is_refused(one)).map(|(_, subject)| subject).collect()
}

pub fn deleted(plan: &Plan) -> Vec<String> {
    let ids = plan.decisions.iter().filter_map(|decision| match (&decision.act, &decision.subject) {
        (Act::Delete { .. } | Act::RemoveSource { .. }, Subject::Snapshot(id) | Subject::Source(id)) => Some(id),
        _ => None,
    });
    ids.map(ToString::to_string).collect()
}

/// The findings about an id.
pub fn problems(plan: &Plan, id: &str) -> Vec<Problem> {
    plan.findings.iter().filter(|finding| finding.id == id).map(|finding| finding.problem.clone()).collect()
}

/// Whether a character means nothing around a word: white space, quotes, marks outside ASCII.
pub fn is_mark(c: char) -> bool {
    c.is_whitespace() || "\"'".contains(c) || !(c.is_ascii() || c.is_alphanumeric())
}
