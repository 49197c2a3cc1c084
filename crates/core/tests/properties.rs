//! What holds of every plan, whatever was seen: small random accounts with gaps, bad tags, strangers and all states.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
mod life;

use std::collections::{BTreeMap, BTreeSet};

use common::*;
use jiff::{SignedDuration, Timestamp, ToSpan};
use life::Life;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use snapwarden_core::check::check;
use snapwarden_core::decision::{Act, Decision, Job, Plan, Reason, Stays, Subject};
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{
    Device, Instance, InstanceState, Inventory, Read, RegionInventory, Snapshot, SnapshotState, StorageTier, Volume,
};
use snapwarden_core::managed::{Managed, is_copy};
use snapwarden_core::plan::plan;
use snapwarden_core::policy::Config;
use snapwarden_core::tags::{Named, TagValue, Tags, delete_on, destinations, of_copy as copy_tags};

const REGIONS: [&str; 3] = [HOME, AWAY, FAR];
/// Where each volume lies, its snapshots and the instances that it hangs on: EC2 knows no other way.
const VOLUME_PLACES: [usize; 5] = [0, 0, 0, 1, 2];
const JOBS: [Job; 3] = [Job::Create, Job::Offsite, Job::Expire];

/// Some of it, by a mask, or all of it, or nothing.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Whole,
    Gap(u16),
    NotAsked,
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        12 => Just(Reading::Whole),
        2 => any::<u16>().prop_map(Reading::Gap),
        1 => Just(Reading::NotAsked),
    ]
}

fn read<T>(items: Vec<T>, reading: Reading) -> Read<T> {
    match reading {
        Reading::Whole => Read::Whole(items),
        Reading::Gap(mask) => Read::Gap { seen: masked(items, mask), why: "RequestExpired".to_owned() },
        Reading::NotAsked => Read::NotAsked,
    }
}

fn masked<T>(items: Vec<T>, mask: u16) -> Vec<T> {
    items.into_iter().enumerate().filter(|(n, _)| mask >> (n % 16) & 1 == 1).map(|(_, item)| item).collect()
}

/// A tag that is absent as often as each of its values is there.
fn tag(key: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = Option<(String, String)>> {
    let values = values.iter().map(|value| Some((key.to_owned(), (*value).to_owned())));
    select([None].into_iter().chain(values).collect::<Vec<_>>())
}

/// A tag that is there once in `one_in` times.
fn rare(key: &'static str, value: &'static str, one_in: u32) -> impl Strategy<Value = Option<(String, String)>> {
    prop_oneof![one_in - 1 => Just(None), 1 => Just(Some((key.to_owned(), value.to_owned())))]
}

const DESTINATIONS: &[&str] = &[
    "eu-west-1",
    "eu-west-1",
    "us-east-1",
    "us-east-1",
    "us-west-2",
    "us-west-2",
    "eu-west-1 us-west-2",
    "us-east-1,eu-west-1",
    "mars-1",
    "eu-west-1 mars-1",
    "(junk)",
    " , ",
];
const MODES: &[&str] = &["Move", "move", "KeepLatest", "KeepLatest", "Copy", "mirror"];

fn volume(n: usize) -> impl Strategy<Value = Option<(usize, Volume)>> {
    let tags = (
        tag("Backup", &["Yes", "No", "?"]),
        rare("Team", "db", 2),
        rare("keepforever", "", 8),
        tag("snapwarden:was", &["vol-0", "vol-1", "vol-9"]),
    );
    let kind = select(vec!["gp3", "gp3", "st1"]);
    (any::<bool>(), kind, tags).prop_map(move |(exists, kind, tags)| {
        let volume = Volume {
            id: volume_id(&format!("vol-{n}")),
            size_gib: 8,
            volume_type: kind.to_owned(),
            encrypted: false,
            create_time: None,
            tags: [tags.0, tags.1, tags.2, tags.3].into_iter().flatten().collect(),
        };
        exists.then_some((VOLUME_PLACES[n], volume))
    })
}

fn instance(n: usize) -> impl Strategy<Value = (usize, Instance)> {
    let tags = (
        tag("Backup", &["Yes", "Yes", "Yes", "yes", "No", "?"]),
        tag("RetentionDays", &["1", "7", "30", "x", "36500"]),
        tag("DestinationRegion", DESTINATIONS),
        tag("OffsiteMode", MODES),
        tag("BackupSchedule", &["daily 03:00", "daily 23:30", "x"]),
        rare("Name", "db", 2),
    );
    let tiers = (
        tag("RetentionWeeks", &["1", "2", "4", "4w"]),
        tag("RetentionMonths", &["1", "3"]),
        tag("KeepLast", &["1", "2"]),
        rare("DestinationRetentionDays", "2", 4),
        rare("DestinationRetentionWeeks", "3", 4),
    );
    let state = select(vec![
        InstanceState::Running,
        InstanceState::Running,
        InstanceState::Stopped,
        InstanceState::ShuttingDown,
        InstanceState::Terminated,
    ]);
    // Each volume once at most; a device without one is an instance store.
    let devices = prop::collection::vec(prop::option::weighted(0.9, 0..VOLUME_PLACES.len()), 0..4);
    let all = (select(vec![0, 0, 0, 1, 2]), state, devices, tags, any::<bool>(), tiers);
    all.prop_map(move |(place, state, mut devices, tags, has_tiers, tiers)| {
        let mut volumes = BTreeSet::new();
        devices.retain(|device| device.is_none_or(|volume| VOLUME_PLACES[volume] == place && volumes.insert(volume)));
        let device = |(at, volume): (usize, Option<usize>)| Device {
            name: format!("/dev/sd{}", char::from(b'a' + u8::try_from(at).unwrap())),
            volume: volume.map(|volume| volume_id(&format!("vol-{volume}"))),
        };
        let instance = Instance {
            id: format!("i-{n}").parse().unwrap(),
            state,
            root_device: "/dev/sda".to_owned(),
            devices: devices.into_iter().enumerate().map(device).collect(),
            tags: {
                let tiers = [tiers.0, tiers.1, tiers.2, tiers.3, tiers.4].into_iter().filter(|_| has_tiers);
                [tags.0, tags.1, tags.2, tags.3, tags.4, tags.5].into_iter().chain(tiers).flatten().collect()
            },
        };
        (place, instance)
    })
}

fn state() -> impl Strategy<Value = SnapshotState> {
    prop_oneof![
        12 => Just(SnapshotState::Completed),
        3 => Just(SnapshotState::Pending),
        3 => Just(SnapshotState::Error),
        1 => select(vec![SnapshotState::Recoverable, SnapshotState::Recovering, SnapshotState::Unfamiliar]),
    ]
}

/// A time up to 20 days before [`NOW`], seldom an hour after it; often to the hour, so that equal ones occur.
fn about_now() -> impl Strategy<Value = Timestamp> {
    let hours_ago = prop_oneof![6 => 0..12_i64, 6 => (0..20_i64).prop_map(|days| days * 24), 1 => Just(-1)];
    (hours_ago, prop_oneof![Just(0), Just(1), 0..3600_i64])
        .prop_map(|(hours, seconds)| time(NOW).checked_sub(SignedDuration::from_secs(hours * 3600 + seconds)).unwrap())
}

/// Days in tags around [`NOW`], some of them none.
const DAYS: &[&str] =
    &["2026-11-01", "2026-11-08", "2026-11-15", "2026-11-21", "2026-11-22", "2026-11-23", "2026-12-22", "soon", ""];

/// Policies that snapshots record, one of them mangled.
const RECORDS: &[&str] = &[
    "days=1 weeks=2",
    "days=7 weeks=4 months=1 last=2",
    "days=1 last=1 copies: days=2 weeks=3",
    "days=1 copies: days=2",
    "days=1 weeks=2 mistyped",
    "days=365 mistyped",
    "days=1 weeks=two",
];

/// Days of marks: none, empty, one that ends, one that does not yet, one in the future, junk.
const MARKS: &[&str] = &["", "2026-10-01", "2026-10-22", "2026-11-10", "2026-12-01", "soon"];

fn snapshot(n: usize) -> impl Strategy<Value = (usize, Snapshot)> {
    let of_people = (
        rare("KeepForever", "No", 10),
        rare("aws:dlm:managed", "true", 14),
        rare("Team", "db", 3),
        tag("OffsiteSnapshotId", &["snap-0", "eu-west-1:snap-1"]),
    );
    let ours = (
        prop_oneof![12 => Just(Some(("Type".to_owned(), "Automated".to_owned()))), 1 => Just(None)],
        tag("CreatedOn", DAYS),
        tag("DeleteOn", DAYS),
        tag("DestinationRegion", DESTINATIONS),
        tag("OffsiteMode", MODES),
        tag("snapwarden:slot", &[SLOT, SLOT, "2026-11-21T03:00Z", "2026-11-20T03:00Z", "2026-11-12T03:00Z"]),
        rare("DeviceName", "/dev/sda", 2),
        tag("InstanceID", &["i-0", "i-0", "i-1"]),
    );
    let retention = (
        tag("snapwarden:retention", RECORDS),
        tag("snapwarden:closed", MARKS),
        rare("snapwarden:in-use", "2026-11-20", 12),
    );
    let born = 0..8_u8;
    let record =
        (0..VOLUME_PLACES.len(), state(), about_now(), select(vec![8, 8, 8, 9]), any::<bool>(), 0..14_u8, 0..14_u8);
    (record, ours, of_people, retention, born).prop_map(move |(record, ours, people, retention, born)| {
        let (volume, state, start_time, size_gib, encrypted, foreign, archived) = record;
        let tags = [ours.0, ours.1, ours.2, ours.3, ours.4, ours.5, ours.6, ours.7];
        let people = [people.0, people.1, people.2, people.3, retention.0, retention.1, retention.2];
        let mut tags: Tags = tags.into_iter().chain(people).flatten().collect();
        // Most have the tags of their birth.
        if born > 0 {
            let day = start_time.to_string()[..10].to_owned();
            for (key, value) in [("CreatedOn", day.clone()), ("snapwarden:slot", format!("{day}T03:00Z"))] {
                if tags.has(key) {
                    tags.set(key, &value);
                }
            }
        }
        let snapshot = Snapshot {
            id: snapshot_id(&format!("snap-{n}")),
            volume_id: volume_id(&format!("vol-{volume}")),
            owner: if foreign == 0 { "999999999999" } else { ACCOUNT }.parse().unwrap(),
            state,
            state_message: (state == SnapshotState::Error).then(|| "KMS".to_owned()),
            start_time,
            size_gib,
            encrypted,
            tier: if archived == 0 { StorageTier::Archive } else { StorageTier::Standard },
            tags,
        };
        (VOLUME_PLACES[volume], snapshot)
    })
}

/// What becomes of a copy after our call made it: of which source, where, and what else a person or EC2 did to it.
#[derive(Debug, Clone)]
struct CopyRecipe {
    of: usize,
    /// None: in the first destination that its source names.
    place: Option<usize>,
    state: SnapshotState,
    start_time: Timestamp,
    lost_tag: Option<&'static str>,
    delete_on: Option<&'static str>,
    is_other: bool,
}

fn copy_recipe() -> impl Strategy<Value = CopyRecipe> {
    let lost = prop_oneof![
        6 => Just(None),
        3 => select(vec!["Type", "SourceRegion", "SourceStartTime", "VolumeID", "DeleteOn", "Team"]).prop_map(Some),
    ];
    let day = prop_oneof![4 => Just(None), 1 => select(DAYS.to_vec()).prop_map(Some)];
    let place = prop::option::weighted(0.3, 0..3_usize);
    (0..6_usize, place, state(), about_now(), lost, day, 0..12_u8).prop_map(
        |(of, place, state, start_time, lost_tag, delete_on, other)| CopyRecipe {
            of,
            place,
            state,
            start_time,
            lost_tag,
            delete_on,
            is_other: other == 0,
        },
    )
}

impl CopyRecipe {
    fn make(self, n: usize, sources: &[(usize, Snapshot)]) -> Option<(usize, Snapshot)> {
        // EC2 copies nothing that has not completed.
        let never_completed = |s: &Snapshot| matches!(s.state, SnapshotState::Pending | SnapshotState::Error);
        let (home, source) = sources.get(self.of).filter(|(_, source)| !never_completed(source))?;
        let mut tags = copy_tags(&source.id, &region(REGIONS[*home]), source);
        self.lost_tag.into_iter().for_each(|key| tags.remove(key));
        self.delete_on.into_iter().for_each(|day| tags.set("DeleteOn", day));
        let copy = Snapshot {
            id: snapshot_id(&format!("snap-c{n}")),
            volume_id: volume_id("vol-ffffffff"),
            owner: ACCOUNT.parse().unwrap(),
            state: self.state,
            state_message: None,
            // EC2 begins a copy after its source.
            start_time: self.start_time.max(source.start_time),
            size_gib: source.size_gib + u32::from(self.is_other),
            encrypted: source.encrypted,
            tier: StorageTier::Standard,
            tags,
        };
        let names = |place: &usize| {
            destinations(&source.tags).contains(&Named::Region(region(REGIONS[*place]))) && place != home
        };
        let place = self.place.or_else(|| (0..REGIONS.len()).find(names)).unwrap_or(0);
        Some((place, copy))
    }
}

fn of_place<T: Clone>(items: &[(usize, T)], place: usize) -> Vec<T> {
    items.iter().filter(|(at, _)| *at == place).map(|(_, item)| item.clone()).collect()
}

/// A small account.
fn inventory() -> impl Strategy<Value = Inventory> {
    let things = (
        (volume(0), volume(1), volume(2), volume(3), volume(4)),
        (instance(0), instance(1), instance(2)),
        (snapshot(0), snapshot(1), snapshot(2), snapshot(3), snapshot(4), snapshot(5)),
        prop::collection::vec(copy_recipe(), 0..6),
        0..=6_usize,
    );
    let readings = prop::collection::vec((reading(), reading(), reading()), 3);
    let enabled = prop_oneof![8 => Just(Reading::Whole), 1 => any::<u16>().prop_map(Reading::Gap)];
    let unread = prop_oneof![8 => Just(None), 1 => (0..3_usize).prop_map(Some)];
    (things, readings, enabled, unread).prop_map(|(things, readings, enabled, unread)| {
        let (v, i, s, recipes, snapshot_count) = things;
        let volumes: Vec<_> = [v.0, v.1, v.2, v.3, v.4].into_iter().flatten().collect();
        let mut instances = [i.0, i.1, i.2];
        // EC2 lists a volume as long as an instance that goes shows it.
        for (_, instance) in instances.iter_mut().filter(|(_, instance)| !instance.state.is_backed_up()) {
            let is_listed = |id: &VolumeId| volumes.iter().any(|(_, volume)| volume.id == *id);
            instance.devices.retain(|device| device.volume.as_ref().is_none_or(is_listed));
        }
        let mut snapshots = vec![s.0, s.1, s.2, s.3, s.4, s.5];
        snapshots.truncate(snapshot_count);
        let copies: Vec<_> =
            recipes.into_iter().enumerate().filter_map(|(n, recipe)| recipe.make(n, &snapshots)).collect();
        snapshots.extend(copies);
        let regions = REGIONS.iter().enumerate().filter(|(place, _)| unread != Some(*place)).map(|(place, name)| {
            let seen = RegionInventory {
                instances: read(of_place(&instances, place), readings[place].0),
                volumes: read(of_place(&volumes, place), readings[place].1),
                snapshots: read(of_place(&snapshots, place), readings[place].2),
            };
            (region(name), seen)
        });
        Inventory {
            account: ACCOUNT.parse().unwrap(),
            taken_at: time(NOW),
            enabled: read(REGIONS.map(region).to_vec(), enabled),
            regions: regions.collect(),
        }
    })
}

fn all_regions() -> Vec<Region> {
    REGIONS.map(region).to_vec()
}

fn plan_of(job: Job, inventory: &Inventory) -> Plan {
    plan(job, inventory, &all_regions(), &Config::default())
}

fn deleted_set(job: Job, inventory: &Inventory) -> BTreeSet<String> {
    deleted(&plan_of(job, inventory)).into_iter().collect()
}

fn items_mut<T>(read: &mut Read<T>) -> &mut [T] {
    match read {
        Read::Whole(items) | Read::Gap { seen: items, .. } => items,
        Read::NotAsked => &mut [],
    }
}

/// One of the snapshots seen, if there is any.
fn pick(inventory: &mut Inventory, index: prop::sample::Index) -> Option<&mut Snapshot> {
    let mut all: Vec<_> = inventory.regions.values_mut().flat_map(|seen| items_mut(&mut seen.snapshots)).collect();
    if all.is_empty() { None } else { Some(all.swap_remove(index.index(all.len()))) }
}

/// Another order of the same, by a seed.
fn shuffle<T>(items: &mut [T], seed: &mut u64) {
    for end in (1..items.len()).rev() {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(*seed >> 33).unwrap() % (end + 1);
        items.swap(end, other);
    }
}

fn shuffled(inventory: &Inventory, mut seed: u64) -> Inventory {
    let mut other = inventory.clone();
    shuffle(items_mut(&mut other.enabled), &mut seed);
    for seen in other.regions.values_mut() {
        shuffle(items_mut(&mut seen.instances), &mut seed);
        items_mut(&mut seen.instances).iter_mut().for_each(|instance| shuffle(&mut instance.devices, &mut seed));
        shuffle(items_mut(&mut seen.volumes), &mut seed);
        shuffle(items_mut(&mut seen.snapshots), &mut seed);
    }
    other
}

/// Makes a whole listing one that broke off. Says whether it was whole.
fn break_off<T>(listing: &mut Read<T>, mask: u16) -> bool {
    let is_whole = listing.is_whole();
    if is_whole {
        let all = std::mem::replace(listing, Read::NotAsked);
        let items = match all {
            Read::Whole(items) | Read::Gap { seen: items, .. } => items,
            Read::NotAsked => Vec::new(),
        };
        *listing = read(items, Reading::Gap(mask));
    }
    is_whole
}

fn config() -> ProptestConfig {
    // A fixed seed: the same accounts at every run, so that a red build is one that anybody can see again.
    let rng_seed = RngSeed::Fixed(20_261_122);
    ProptestConfig { cases: 1_000, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

fn clean(job: Job, inventory: &Inventory) -> Result<(), TestCaseError> {
    let plan = plan_of(job, inventory);
    let violations = check(&plan, inventory, &Config::default());
    prop_assert!(violations.is_empty(), "{:#?}", violations);
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_subject_has_exactly_one_decision(inventory in inventory()) {
        for job in JOBS {
            let plan = plan_of(job, &inventory);
            let subjects: BTreeSet<_> = plan.decisions.iter().map(|d| (&d.region, &d.subject)).collect();
            prop_assert_eq!(subjects.len(), plan.decisions.len());
        }
    }

    #[test]
    fn every_managed_snapshot_of_an_acted_region_has_a_decision_in_expire_and_no_other_has(inventory in inventory()) {
        let plan = plan_of(Job::Expire, &inventory);
        let decided: BTreeSet<_> = plan.decisions.iter().map(|d| (d.region.clone(), d.subject.clone())).collect();
        let managed: BTreeSet<_> = inventory
            .snapshots()
            .filter(|(region, snapshot)| Managed::of(region, snapshot, &inventory.account).is_ok())
            .map(|(region, snapshot)| (region.clone(), Subject::Snapshot(target(snapshot.id.as_str()))))
            .collect();
        prop_assert_eq!(decided, managed);
    }

    #[test]
    fn check_refuses_to_delete_whatever_retention_keeps(inventory in inventory()) {
        let plan = plan_of(Job::Expire, &inventory);
        let mut passed = let_pass(&plan, &inventory, &Config::default());
        // Of two that hold the same data the check lets either go.
        passed.retain(|subject| !has_twin(&inventory, subject));
        prop_assert_eq!(passed, []);
    }

    #[test]
    fn check_finds_nothing_in_a_creators_plan(inventory in inventory()) {
        clean(Job::Create, &inventory)?;
    }

    #[test]
    fn check_finds_nothing_in_an_offsiters_plan(inventory in inventory()) {
        clean(Job::Offsite, &inventory)?;
    }

    #[test]
    fn check_finds_nothing_in_a_managers_plan(inventory in inventory()) {
        clean(Job::Expire, &inventory)?;
    }

    #[test]
    fn the_order_in_which_ec2_lists_things_changes_no_plan(inventory in inventory(), seed in any::<u64>()) {
        let other = shuffled(&inventory, seed);
        let regions: Vec<_> = all_regions().into_iter().rev().collect();
        for job in JOBS {
            prop_assert_eq!(plan_of(job, &inventory), plan(job, &other, &regions, &Config::default()));
        }
    }

    #[test]
    fn keep_forever_on_any_snapshot_never_adds_a_delete(inventory in inventory(), index in any::<prop::sample::Index>()) {
        let mut pinned = inventory.clone();
        let Some(id) = pick(&mut pinned, index).map(|snapshot| {
            snapshot.tags.set("kEEPfOREVER", "No");
            snapshot.id.to_string()
        }) else { return Ok(()) };
        for job in JOBS {
            let after = deleted_set(job, &pinned);
            prop_assert!(!after.contains(&id));
            prop_assert!(after.is_subset(&deleted_set(job, &inventory)), "{job:?}");
        }
    }

    #[test]
    fn a_listing_that_breaks_off_never_adds_a_delete(
        inventory in inventory(), place in 0..3_usize, listing in 0..4_u8, mask in any::<u16>(),
    ) {
        let mut broken = inventory.clone();
        let broke = match (listing, broken.regions.get_mut(&region(REGIONS[place]))) {
            (0, _) => break_off(&mut broken.enabled, mask),
            (1, Some(seen)) => break_off(&mut seen.volumes, mask),
            (2, Some(seen)) => break_off(&mut seen.instances, mask),
            (_, Some(seen)) => break_off(&mut seen.snapshots, mask),
            (_, None) => false,
        };
        if !broke {
            return Ok(());
        }
        for job in JOBS {
            let before = plan_of(job, &inventory);
            // S5 goes as far as DestinationRegion does: of a copy in the making elsewhere nothing is promised, though
            // where it is seen it is waited for.
            let is_beyond = |id: &str| before.decisions.iter().any(|decision| {
                let Reason::CopyInFlight { copy } = &decision.reason else { return false };
                let seen = inventory.snapshots_in(&decision.region).iter().find(|s| s.id.as_str() == id);
                let names = |s: &Snapshot| {
                    destinations(&s.tags).contains(&Named::Region(copy.region.clone()))
                };
                decision.subject == Subject::Snapshot(target(id)) && !seen.is_some_and(names)
            });
            let before_ids: BTreeSet<_> = deleted(&before).into_iter().collect();
            let added: Vec<_> =
                deleted_set(job, &broken).into_iter().filter(|id| !before_ids.contains(id) && !is_beyond(id)).collect();
            prop_assert!(added.is_empty(), "{job:?} deletes {added:?} too");
        }
    }

    #[test]
    fn a_later_delete_on_never_adds_a_delete(
        inventory in inventory(), index in any::<prop::sample::Index>(), days in 1..400_i64,
    ) {
        let mut later = inventory.clone();
        let Some(is_copy) = pick(&mut later, index).map(|snapshot| {
            if let TagValue::Is(day) = delete_on(&snapshot.tags) {
                snapshot.tags.set("DeleteOn", &day.saturating_add(days.days()).to_string());
            }
            is_copy(snapshot)
        }) else { return Ok(()) };
        prop_assert!(deleted_set(Job::Expire, &later).is_subset(&deleted_set(Job::Expire, &inventory)));
        // A copy that lives as long as its source is what lets the source go (S4).
        prop_assert!(is_copy || deleted_set(Job::Offsite, &later).is_subset(&deleted_set(Job::Offsite, &inventory)));
    }

    #[test]
    fn a_longer_retention_never_makes_delete_on_earlier(inventory in inventory(), days in 30..36_500_u32) {
        let mut longer = inventory.clone();
        for seen in longer.regions.values_mut() {
            for instance in items_mut(&mut seen.instances) {
                let is_short = snapwarden_core::tags::retention_days(&instance.tags).ok().is_some_and(|d| d <= days);
                if is_short {
                    instance.tags.set("RetentionDays", &days.to_string());
                }
            }
        }
        let after = plan_of(Job::Create, &longer);
        for group in plan_of(Job::Create, &inventory).groups {
            for same in after.groups.iter().filter(|other| other.instance == group.instance) {
                let day = |tags: &Tags| delete_on(tags).ok().unwrap();
                prop_assert!(day(&same.tags) >= day(&group.tags));
            }
        }
    }

    #[test]
    fn a_plan_reads_back_from_json_as_it_was(inventory in inventory()) {
        let json = serde_json::to_string(&inventory).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Inventory>(&json).unwrap(), &inventory);
        for job in JOBS {
            let plan = plan_of(job, &inventory);
            let json = serde_json::to_string(&plan).unwrap();
            prop_assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
        }
    }

    #[test]
    fn no_plan_holds_an_act_in_a_region_that_it_does_not_act_in(inventory in inventory(), place in 0..3_usize) {
        let one = region(REGIONS[place]);
        for job in JOBS {
            let plan = plan(job, &inventory, std::slice::from_ref(&one), &Config::default());
            prop_assert!(plan.decisions.iter().all(|decision| decision.region == one));
        }
    }

    #[test]
    fn every_reason_and_finding_is_a_sentence(inventory in inventory()) {
        for job in JOBS {
            let plan = plan_of(job, &inventory);
            let texts = plan.decisions.iter().map(|d| d.reason.to_string()).chain(plan.findings.iter().map(|f| f.to_string()));
            for text in texts {
                prop_assert!(text.len() > 6 && !text.contains('\n') && !text.ends_with(' '), "{text:?}");
            }
        }
    }

    #[test]
    fn no_planner_panics_at_either_end_of_the_calendar(
        inventory in inventory(), ends in prop::collection::vec(0..5_usize, 14), index in any::<prop::sample::Index>(),
    ) {
        let times = [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH, time(NOW), time("9999-12-30T00:00:00Z")];
        let mut odd = inventory;
        odd.taken_at = times[ends[0]];
        if let Some(snapshot) = pick(&mut odd, index) {
            snapshot.tags.set("CreatedOn", "0000-01-01");
            snapshot.tags.set("DeleteOn", "9999-12-31");
            snapshot.tags.set("SourceStartTime", "-009999-01-02T01:59:59Z");
        }
        let all = odd.regions.values_mut().flat_map(|seen| items_mut(&mut seen.snapshots));
        all.zip(ends.iter().skip(1).cycle()).for_each(|(snapshot, end)| snapshot.start_time = times[*end]);
        for job in JOBS {
            let plan = plan_of(job, &odd);
            let _ = check(&plan, &odd, &Config::default());
            prop_assert!(plan.decisions.iter().all(|decision| !decision.reason.to_string().is_empty()));
        }
    }
}

#[test]
fn the_random_accounts_reach_every_act() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut acts = BTreeSet::new();
    for _ in 0..2_000 {
        let inventory = inventory().new_tree(&mut runner).unwrap().current();
        for job in JOBS {
            acts.extend(plan_of(job, &inventory).decisions.iter().map(|decision: &_| decision.act.as_str()));
        }
    }
    // Hold wants more than 25 snapshots, which tests/expire.rs has.
    let wanted = ["add-tags", "copy", "create", "delete", "keep", "mark", "remove-source", "skip", "stamp", "wait"];
    assert_eq!(acts, BTreeSet::from(wanted));
    assert_eq!(Act::Hold.as_str(), "hold");
}

// Lives, and what a person does to them.

/// What an instance asks for.
const POLICIES: &[Pairs<'static>] = &[
    &[("RetentionDays", "1")],
    &[("RetentionDays", "12")],
    &[("RetentionDays", "3"), ("RetentionWeeks", "2")],
    &[("RetentionDays", "1"), ("RetentionMonths", "2")],
    &[("RetentionDays", "1"), ("KeepLast", "3")],
    &[("RetentionDays", "2"), ("DestinationRetentionDays", "5"), ("DestinationRetentionWeeks", "2")],
    &[("RetentionDays", "4"), ("RetentionWeeks", "3"), ("DestinationKeepLast", "2")],
    &[("RetentionDays", "1"), ("RetentionYears", "1"), ("RetentionWeeks", "2")],
    &[],
];
const MISTYPED: Pairs<'static> = &[("RetentionDays", "2"), ("RetentionWeeks", "4w")];
const PLACES: &[Pairs<'static>] = &[
    &[],
    &[("DestinationRegion", AWAY)],
    &[("DestinationRegion", AWAY), ("OffsiteMode", "Copy")],
    &[("DestinationRegion", FAR), ("OffsiteMode", "KeepLatest")],
    &[("DestinationRegion", "eu-west-1 us-west-2"), ("OffsiteMode", "Copy")],
];

/// How it is with the volume for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    BackedUp,
    /// A tag is mistyped.
    Mistyped,
    Detached,
    VolumeNo,
    InstanceNo,
    Untagged,
}

/// So many snapshots, so many days apart, under these tags.
#[derive(Debug, Clone)]
struct Era {
    policy: usize,
    place: usize,
    state: State,
    days: Vec<u8>,
}

fn era() -> impl Strategy<Value = Era> {
    let state = prop_oneof![
        8 => Just(State::BackedUp),
        1 => select(vec![State::Mistyped, State::Detached, State::VolumeNo, State::InstanceNo, State::Untagged]),
    ];
    let days = prop::collection::vec(select(vec![1, 1, 1, 1, 2, 5, 9]), 1..12);
    (0..POLICIES.len(), 0..PLACES.len(), state, days).prop_map(|(policy, place, state, days)| Era {
        policy,
        place,
        state,
        days,
    })
}

/// What is done to an account.
#[derive(Debug, Clone, Copy)]
enum Edit {
    Typo,
    NoRetention,
    Shorter,
    NoBackupTag,
    InstanceNo,
    VolumeNo,
    Terminated,
    TerminatedWithVolume,
    Detached,
    VolumeLost,
    NoDestination,
    OtherDestination,
    OtherMode,
    ToUnselected,
    ToOther,
    ShorterThere,
}

fn edit() -> impl Strategy<Value = Edit> {
    use Edit as E;
    select(vec![
        E::Typo,
        E::NoRetention,
        E::Shorter,
        E::NoBackupTag,
        E::InstanceNo,
        E::VolumeNo,
        E::Terminated,
        E::TerminatedWithVolume,
        E::Detached,
        E::VolumeLost,
        E::NoDestination,
        E::OtherDestination,
        E::OtherMode,
        E::ToUnselected,
        E::ToOther,
        E::ShorterThere,
    ])
}

fn here(life: &mut Life) -> &mut RegionInventory {
    life.inventory.regions.get_mut(&region(HOME)).unwrap()
}

fn first_instance(life: &mut Life) -> &mut Instance {
    items_mut(&mut here(life).instances).iter_mut().find(|one| one.id.as_str() == "i-1").unwrap()
}

fn first_volume(life: &mut Life) -> Option<&mut Volume> {
    items_mut(&mut here(life).volumes).iter_mut().find(|one| one.id.as_str() == "vol-1")
}

fn without_retention(tags: &Tags) -> Tags {
    tags.iter().filter(|(key, _)| !key.contains("Retention") && !key.contains("KeepLast")).collect()
}

/// Takes the first volume off i-1.
fn detach(life: &mut Life) {
    first_instance(life).devices.retain(|device| device.volume.as_ref().is_none_or(|one| one.as_str() != "vol-1"));
}

fn attach(life: &mut Life) {
    let device = Device { name: "/dev/xvda".to_owned(), volume: Some(volume_id("vol-1")) };
    let instance = first_instance(life);
    if !instance.devices.contains(&device) {
        instance.devices.push(device);
    }
}

fn lose_volume(life: &mut Life) {
    detach(life);
    if let Read::Whole(volumes) = &mut here(life).volumes {
        volumes.retain(|volume| volume.id.as_str() != "vol-1");
    }
}

fn attach_to(life: &mut Life, tagged: Pairs<'_>) {
    detach(life);
    let other = world(NOW).instance("i-9", tagged, &[("/dev/xvda", "vol-1")]);
    let instance = other.inventory.regions[&region(HOME)].instances.items()[0].clone();
    if let Read::Whole(instances) = &mut here(life).instances {
        instances.retain(|one| one.id.as_str() != "i-9");
        instances.push(instance);
    }
}

impl Edit {
    fn make(self, life: &mut Life) {
        let set = |life: &mut Life, key: &str, value: &str| first_instance(life).tags.set(key, value);
        match self {
            Edit::Typo => set(life, "RetentionDays", "7 days"),
            Edit::NoRetention => first_instance(life).tags = without_retention(&first_instance(life).tags),
            Edit::Shorter => {
                first_instance(life).tags = without_retention(&first_instance(life).tags);
                set(life, "RetentionDays", "1");
            }
            Edit::NoBackupTag => first_instance(life).tags.remove("Backup"),
            Edit::InstanceNo => set(life, "Backup", "No"),
            Edit::VolumeNo => first_volume(life).into_iter().for_each(|volume| volume.tags.set("Backup", "No")),
            Edit::Terminated => first_instance(life).state = InstanceState::Terminated,
            Edit::TerminatedWithVolume => {
                first_instance(life).state = InstanceState::Terminated;
                lose_volume(life);
            }
            Edit::Detached => detach(life),
            Edit::VolumeLost => lose_volume(life),
            Edit::NoDestination => first_instance(life).tags.remove("DestinationRegion"),
            // One that never was any: else new copies push out what is there.
            Edit::OtherDestination => set(life, "DestinationRegion", NEW),
            Edit::OtherMode => set(life, "OffsiteMode", "KeepLatest"),
            Edit::ToUnselected => attach_to(life, &[]),
            Edit::ToOther => attach_to(life, &[("Backup", "Yes"), ("RetentionDays", "1")]),
            Edit::ShorterThere => set(life, "DestinationRetentionDays", "1"),
        }
    }
}

const NEW: &str = "ap-south-1";
const DAWN: &str = "2026-08-01T03:05:00Z";

/// Lives through the eras, the last of which is one of backups. The second volume is always backed up; with `is_shared`
/// another instance has the first one too.
fn lived(eras: &[Era], is_shared: bool) -> Life {
    let devices = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2")];
    let mut account = world(DAWN).region(NEW).region(HOME).instance("i-1", &[], &devices);
    if is_shared {
        account = account.server("i-2", &[("KeepLast", "2")], "vol-1");
    }
    let mut life = Life::new(account.inventory);
    let mut now = time(DAWN);
    let (mut policy, mut place) = (0, 0);
    for (n, era) in eras.iter().enumerate() {
        let is_last = n + 1 == eras.len();
        let state = if n == 0 || is_last { State::BackedUp } else { era.state };
        if state == State::BackedUp {
            (policy, place) = (era.policy, era.place);
        }
        let asked = if state == State::Mistyped { MISTYPED } else { POLICIES[policy] };
        let tagged = match state {
            State::BackedUp | State::Mistyped | State::Detached | State::VolumeNo => Some(("Backup", "Yes")),
            State::InstanceNo => Some(("Backup", "No")),
            State::Untagged => None,
        };
        first_instance(&mut life).tags = asked.iter().chain(PLACES[place]).copied().chain(tagged).collect();
        if state == State::Detached {
            detach(&mut life)
        } else {
            attach(&mut life)
        }
        let volume = first_volume(&mut life).unwrap();
        if state == State::VolumeNo {
            volume.tags.set("Backup", "No")
        } else {
            volume.tags.remove("Backup")
        }
        for days in &era.days {
            now += SignedDuration::from_hours(24 * i64::from(*days));
            let _ = life.live(now);
        }
    }
    life
}

/// Seven days, with the jobs once a day; the manager also an hour after, and in the last second. Its plans.
fn a_week(life: &mut Life, from: Timestamp) -> Vec<Plan> {
    let mut plans = vec![life.at(from + SignedDuration::from_hours(1)).expire()];
    plans.extend((1..=7).map(|day| life.live(from + SignedDuration::from_hours(24 * day - 7))));
    plans.push(life.at(from + SignedDuration::from_secs(7 * 86_400 - 1)).expire());
    plans
}

/// What `edited` deletes of `there` and `without` keeps; but what newer ones push out here, that only the last good one or a
/// date was.
fn sooner(edited: &Plan, without: &Plan, there: &BTreeSet<SnapshotId>) -> Vec<String> {
    let kept: BTreeMap<_, _> = without
        .decisions
        .iter()
        .filter(|one| !matches!(one.act, Act::Delete { .. } | Act::Hold))
        .map(|one| (&one.subject, &one.reason))
        .collect();
    let is_sooner = |one: &&Decision| {
        let (Subject::Snapshot(id), Act::Delete { .. }) = (&one.subject, &one.act) else { return false };
        let Some(kept) = kept.get(&one.subject).filter(|_| there.contains(id)) else { return false };
        let is_pushed = matches!(&one.reason, Reason::Expired(expiry) if matches!(expiry.stays, Stays::Newer(_)));
        let is_last =
            matches!(kept, Reason::LastGood { .. } | Reason::NewestData { .. } | Reason::KeptAsEvidence { .. });
        !(is_pushed && is_last)
    };
    let all = edited.decisions.iter().filter(is_sooner);
    all.map(|one| format!("{:?}: {}; without the edit: {}", one.subject, one.reason, kept[&one.subject])).collect()
}

fn lives() -> ProptestConfig {
    ProptestConfig { cases: 250, ..config() }
}

proptest! {
    #![proptest_config(lives())]

    /// S12: what goes within seven full days of an edit would have gone without it.
    #[test]
    fn no_edit_makes_anything_go_sooner_than_seven_full_days_after_it(
        eras in prop::collection::vec(era(), 1..5),
        edits in prop::collection::vec(edit(), 1..3),
        is_shared in prop::bool::weighted(0.2),
    ) {
        let mut without = lived(&eras, is_shared);
        let from = without.inventory.taken_at + SignedDuration::from_hours(7);
        let there: BTreeSet<_> = without.ids().into_iter().collect();
        let mut edited = without.clone();
        edits.iter().for_each(|edit| edit.make(&mut edited));
        for (edited, without) in a_week(&mut edited, from).iter().zip(&a_week(&mut without, from)) {
            let sooner = sooner(edited, without, &there);
            prop_assert!(sooner.is_empty(), "{}: {:#?}", edited.taken_at, sooner);
        }
    }

    #[test]
    fn more_of_each_number_is_at_once(
        eras in prop::collection::vec(era(), 1..4), more in prop::collection::vec(0..4_u32, 10),
    ) {
        let life = lived(&eras, false);
        let mut longer = life.clone();
        let tags = first_instance(&mut longer).tags.clone();
        for (n, (key, _)) in snapwarden_core::retention::KEYS.iter().flatten().enumerate() {
            let now = tags.get(key).map(|text| text.parse::<u32>().unwrap());
            // No days are the default, or those of snapshots.
            let number = now.unwrap_or(if key.ends_with("Days") { 30 } else { 0 }) + more[n];
            if more[n] > 0 && (now.is_some() || !key.starts_with("Dest")) {
                first_instance(&mut longer).tags.set(key, &number.to_string());
            }
        }
        let after = deleted_set(Job::Expire, &longer.inventory);
        prop_assert!(after.is_subset(&deleted_set(Job::Expire, &life.inventory)));
    }

    #[test]
    fn after_a_run_the_next_one_has_nothing_to_do(
        eras in prop::collection::vec(era(), 1..4), edit in edit(), days in 0..60_i64,
    ) {
        let mut life = lived(&eras, false);
        edit.make(&mut life);
        // Where no instance has the volume, all that its snapshots record is in force: fewer of them may ask for less.
        if !here(&mut life).instances.items().iter().any(|one| one.state.is_backed_up() && one.devices.len() == 2) {
            return Ok(());
        }
        let now = life.inventory.taken_at + SignedDuration::from_hours(24 * days);
        let _ = life.at(now).expire();
        let again = life.expire();
        let changes: Vec<_> = again.decisions.iter().filter(|decision| decision.act.is_change()).collect();
        prop_assert!(changes.is_empty(), "{:?}", changes);
    }

    #[test]
    fn what_is_joined_with_another_history_only_keeps_more(
        eras in prop::collection::vec(era(), 1..5), edit in edit(), days in 0..90_i64, is_second in any::<bool>(),
    ) {
        let mut life = lived(&eras, false);
        edit.make(&mut life);
        let _ = a_week(&mut life, time(DAWN) + SignedDuration::from_hours(24 * 200));
        let now = life.inventory.taken_at + SignedDuration::from_hours(24 * days);
        life.at(now);
        let mut joined = life.clone();
        let (of, was) = if is_second { ("vol-2", "vol-1") } else { ("vol-1", "vol-2") };
        for volume in items_mut(&mut here(&mut joined).volumes).iter_mut().filter(|volume| volume.id.as_str() == of) {
            volume.tags.set("snapwarden:was", was);
        }
        let after = deleted_set(Job::Expire, &joined.inventory);
        prop_assert!(after.is_subset(&deleted_set(Job::Expire, &life.inventory)));
    }

    /// Nothing stays for ever: a volume that is over ends when its policies' reach and the closing days have passed.
    #[test]
    fn what_is_over_comes_to_an_end(eras in prop::collection::vec(era(), 1..5)) {
        let mut life = lived(&eras, false);
        Edit::TerminatedWithVolume.make(&mut life);
        lose(&mut life, "vol-2");
        let over = life.inventory.taken_at;
        life.approves = true;
        // The longest that any of the policies says is a year; what was made while a tag was mistyped stays a year too.
        for days in [1_i64, 20, 37, 60, 100, 200, 366, 400, 410] {
            let _ = life.at(over + SignedDuration::from_hours(24 * days)).expire();
        }
        prop_assert_eq!(life.ids(), Vec::<SnapshotId>::new());
    }
}

fn lose(life: &mut Life, id: &str) {
    if let Read::Whole(volumes) = &mut here(life).volumes {
        volumes.retain(|volume| volume.id.as_str() != id);
    }
}

/// Texts of the kind that tags have when somebody errs or tries something.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "0",
    "-1",
    "00000000000000000007",
    "1000000000000000000000000000000",
    "999999999999999999999999999999",
    "18446744073709551616 years",
    "1969-12-31",
    "0000-01-01",
    "-009999-01-02",
    "9999-12-31",
    "10000-01-01",
    "2026-02-30",
    "2026-11-22T03:00Z",
    "-009999-01-02T01:59:59Z",
    "9999-12-30T22:00:00Z",
    "yES",
    "no",
    "vol-0",
    "snap-0",
    "i-0",
    "eu-west-1:snap-0",
    "days=36500 weeks=5200 months=1200 years=100 last=1000",
    "days=36500 mistyped copies: days=36500 years=100",
    "days=4294967296",
    "e\u{301}\u{200b}\u{202e}",
    "daily 24:61 Mars/Base",
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_text_in_any_tag_makes_a_planner_panic_or_say_nothing(
        inventory in inventory(),
        edits in prop::collection::vec((0..3_u8, any::<prop::sample::Index>(), 0..36_usize, select(HOSTILE), 0..3_u8), 1..8),
        now in select(vec![NOW, "-000300-01-01T00:00:00Z", "9999-12-30T21:00:00Z", "1969-12-31T23:59:59Z"]),
    ) {
        let mut odd = inventory;
        odd.taken_at = time(now);
        for (what, index, key, text, case) in edits {
            let keys = snapwarden_core::tags::key::ALL;
            let key = match case {
                0 => keys[key % keys.len()].to_uppercase(),
                _ => keys[key % keys.len()].to_owned(),
            };
            let mut all: Vec<&mut Tags> = Vec::new();
            for seen in odd.regions.values_mut() {
                match what {
                    0 => all.extend(items_mut(&mut seen.instances).iter_mut().map(|one| &mut one.tags)),
                    1 => all.extend(items_mut(&mut seen.volumes).iter_mut().map(|one| &mut one.tags)),
                    _ => all.extend(items_mut(&mut seen.snapshots).iter_mut().map(|one| &mut one.tags)),
                }
            }
            if !all.is_empty() {
                let n = index.index(all.len());
                all[n].set(&key, text);
            }
        }
        for job in JOBS {
            let plan = plan_of(job, &odd);
            prop_assert!(plan.decisions.iter().all(|decision| !decision.reason.to_string().is_empty()));
            prop_assert!(plan.findings.iter().all(|finding| !finding.to_string().is_empty()));
            let _ = check(&plan, &odd, &Config::default());
        }
    }
}

/// Whether another one in its Region holds the same data of the same volume, or is of the same moment.
fn has_twin(inventory: &Inventory, subject: &Subject) -> bool {
    let Subject::Snapshot(id) = subject else { return false };
    let all: Vec<_> = inventory
        .snapshots()
        .filter_map(|(region, snapshot)| Managed::of(region, snapshot, &inventory.account).ok())
        .collect();
    let Some(own) = all.iter().find(|one| *one.id() == **id) else { return false };
    let is_twin = |one: &&Managed<'_>| {
        let is_same = one.taken().as_second() == own.taken().as_second() || one.moment() == own.moment();
        is_same && one.id() != own.id() && one.region() == own.region() && one.volume() == own.volume()
    };
    all.iter().any(|one| is_twin(&one))
}
