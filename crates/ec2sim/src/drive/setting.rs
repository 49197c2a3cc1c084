//! What one life is set in: an account, its fleet, how EC2 behaves there, and how often the jobs run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use snapwarden_core::ids::{AccountId, InstanceId, Region, VolumeId};
use snapwarden_core::tags::{Tags, key};

use super::draw::Draw;
use super::kinds::Kind;
use super::moves::DAILY;
use super::past;
use crate::call::ApiError;
use crate::config::Durations;
use crate::faults::Faults;
use crate::keys;
use crate::people::{NewInstance, NewVolume};
use crate::world::World;

/// The Regions that a life may have; the first is where most instances are.
const REGIONS: [&str; 4] = ["us-east-1", "eu-west-1", "eu-central-1", "ap-south-1"];
/// First days of lives: far from both of the days below.
const USUAL_STARTS: [&str; 2] = ["2026-09-06T00:00:00Z", "2027-06-01T00:00:00Z"];
/// Before the end of a year.
const YEAR_END_START: &str = "2027-12-20T00:00:00Z";
/// Before a leap day.
const LEAP_DAY_START: &str = "2028-02-10T00:00:00Z";
/// Words that a person has written where something else belongs.
pub(super) const NONSENSE: [&str; 6] = ["", "7d", "tomorrow", "-1", "none", "ja"];

/// How often each job runs in a day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticks {
    pub(super) creator: i64,
    pub(super) offsiter: i64,
    pub(super) manager: i64,
}

/// What one life is set in.
pub(super) struct Setting {
    pub(super) world: World,
    pub(super) kinds: BTreeSet<Kind>,
    pub(super) ticks: Ticks,
    /// Milliseconds that a call takes.
    pub(super) latency_ms: u32,
    /// The faults that this life's EC2 has on a usual day.
    pub(super) faults: Faults,
}

impl Setting {
    /// The setting of `seed`, with these kinds of trouble and no others.
    pub(super) fn of(seed: u64, kinds: BTreeSet<Kind>, large: bool) -> Result<Self, ApiError> {
        let regions: Vec<Region> =
            REGIONS[..drawn(seed, "regions", &[2, 3, 4])].iter().map(|r| keys::known(r)).collect();
        let account: AccountId = keys::known("123456789012");
        let mut world = World::new(seed, start(seed, &kinds), account, regions.iter().cloned());
        let faults = faults(seed, &kinds);
        configure(&mut world, seed, &kinds, faults);
        let often = |job: &str| drawn(seed, &format!("ticks of the {job}"), &[2, 2, 2, 4]);
        let manager = drawn(seed, "ticks of the manager", &[1, 2]);
        let ticks = Ticks { creator: often("creator"), offsiter: often("offsiter"), manager };
        let latency_ms = drawn(seed, "latency", &[1, 50, 400]);
        let mut fleet = Draw::new(seed, "fleet");
        let instances = if large { 60 } else { fleet.between(1, 8) };
        for n in 0..instances {
            let region = if fleet.chance(700) { regions[0].clone() } else { fleet.pick(&regions).clone() };
            let name = format!("web-{n}");
            let id = new_instance(&mut world, &mut fleet, &region, &name)?;
            let mut mangled = Draw::new(seed, &format!("mangled tags of {name}"));
            if kinds.contains(&Kind::MangledTags) && mangled.chance(300) {
                let (key, value) = mangled_tag(&mut mangled);
                world.tag(&region, &id.into(), key, value)?;
            }
        }
        if kinds.contains(&Kind::Daily) {
            let mut draw = Draw::new(seed, "fleet of a day");
            let mut tags = instance_tags(&mut draw, &regions, DAILY);
            tags.set(key::BACKUP, "Yes");
            tagged_instance(&mut world, &mut draw, &regions[0], DAILY, tags)?;
        }
        if kinds.contains(&Kind::Predecessor) {
            past::predecessor(&mut world, &mut Draw::new(seed, "predecessor"))?;
        }
        if kinds.contains(&Kind::LongHistory) {
            past::months(&mut world, &mut Draw::new(seed, "long history"))?;
        }
        Ok(Self { world, kinds, ticks, latency_ms, faults })
    }
}

/// One of these, drawn for this purpose alone.
fn drawn<T: Copy>(seed: u64, purpose: &str, from: &[T]) -> T {
    *Draw::new(seed, purpose).pick(from)
}

/// A life holds one of the two days of the calendar, where they are on.
fn start(seed: u64, kinds: &BTreeSet<Kind>) -> Timestamp {
    let starts = [(Kind::YearEnd, YEAR_END_START), (Kind::LeapDay, LEAP_DAY_START)];
    let on: Vec<_> = starts.into_iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, start)| start).collect();
    keys::known(drawn(seed, "start", if on.is_empty() { &USUAL_STARTS } else { &on }))
}

fn configure(world: &mut World, seed: u64, kinds: &BTreeSet<Kind>, faults: Faults) {
    let ratio = |kind: Kind, from: &[u16]| {
        let drawn = drawn(seed, &format!("ratio of {kind}"), from);
        if kinds.contains(&kind) { drawn } else { 0 }
    };
    let config = &mut world.config;
    config.faults = faults;
    config.lag_max_s = u32::from(ratio(Kind::Stale, &[10, 60, 100]));
    config.page_size = drawn(seed, "page size", &[3, 10, 1_000]);
    config.empty_pages = ratio(Kind::EmptyPage, &[50, 400]);
    config.broken_pages = ratio(Kind::HalfListing, &[2, 5, 20]);
    let base_s = drawn(seed, "duration", &[10, 120, 900]);
    let slow_s = drawn(seed, "slow duration", &[3_600, 6 * 3_600, 20 * 3_600]);
    let base_s = if kinds.contains(&Kind::Slow) { slow_s } else { base_s };
    config.durations = Durations { base_s, per_gib_s: 1, copy_factor: 2 };
    config.snapshot_errors = ratio(Kind::FailedSnapshot, &[10, 60]);
    config.set_errors = ratio(Kind::FailedSet, &[10, 60]);
    config.copy_errors = ratio(Kind::FailedCopy, &[20, 150]);
}

fn faults(seed: u64, kinds: &BTreeSet<Kind>) -> Faults {
    let ratio = |kind: Kind| {
        let drawn = drawn(seed, &format!("ratio of {kind}"), &[3, 10, 40]);
        if kinds.contains(&kind) { drawn } else { 0 }
    };
    Faults {
        throttled: ratio(Kind::Throttled),
        never_connected: ratio(Kind::NeverConnected),
        error_before: ratio(Kind::ErrorBefore),
        error_after: ratio(Kind::ErrorAfter),
        lost_before: ratio(Kind::LostBefore),
        lost_after: ratio(Kind::LostAfter),
    }
}

/// An instance with its volumes, as people make them: most of them selected.
pub(super) fn new_instance(
    world: &mut World,
    draw: &mut Draw,
    region: &Region,
    name: &str,
) -> Result<InstanceId, ApiError> {
    let regions: Vec<Region> = world.regions().cloned().collect();
    let tags = instance_tags(draw, &regions, name);
    tagged_instance(world, draw, region, name, tags)
}

/// An instance with these tags, with its volumes.
pub(super) fn tagged_instance(
    world: &mut World,
    draw: &mut Draw,
    region: &Region,
    name: &str,
    tags: Tags,
) -> Result<InstanceId, ApiError> {
    let id = world.run_instance(region, NewInstance::named(name, tags))?;
    if draw.chance(100) {
        world.add_instance_store(region, &id, "/dev/sdz")?;
    }
    for n in 0..draw.between(1, 3) {
        let volume = new_volume(world, draw, region, &format!("{name}-{n}"))?;
        let device = if n == 0 { "/dev/xvda".to_owned() } else { format!("/dev/sd{n}") };
        world.attach_volume(region, &volume, &id, &device, n == 0)?;
    }
    Ok(id)
}

fn new_volume(world: &mut World, draw: &mut Draw, region: &Region, name: &str) -> Result<VolumeId, ApiError> {
    let mut tags = Tags::default();
    if draw.chance(500) {
        tags.set("Team", "shop");
    }
    if draw.chance(60) {
        tags.set(key::BACKUP, "No");
    }
    let new = NewVolume {
        volume_type: (*draw.pick(&["gp3", "gp3", "gp3", "st1"])).to_owned(),
        encrypted: draw.chance(500),
        tags,
        ..NewVolume::sized(name, u32::try_from(draw.between(1, 50)).unwrap_or(1))
    };
    world.create_volume(region, new)
}

pub(super) fn instance_tags(draw: &mut Draw, regions: &[Region], name: &str) -> Tags {
    let mut tags = Tags::default();
    tags.set(key::NAME, name);
    tags.set(key::BACKUP, if draw.chance(900) { "Yes" } else { "No" });
    if draw.chance(700) {
        tags.set(key::RETENTION_DAYS, &draw.pick(&[1, 2, 3, 5, 7, 14]).to_string());
    }
    if draw.chance(600) {
        let mut named = draw.pick(regions).to_string();
        if draw.chance(300) {
            named = format!("{named} {}", draw.pick(regions));
        }
        tags.set(key::DESTINATION_REGION, &named);
    }
    if draw.chance(600) {
        let mode = *draw.pick(&["Move", "KeepLatest", "Copy", "copy"]);
        tags.set(key::OFFSITE_MODE, mode);
    }
    if draw.chance(300) {
        tags.set(key::BACKUP_SCHEDULE, &schedule(draw));
    }
    if draw.chance(400) {
        for (key, value) in tiers(draw) {
            tags.set(key, value);
        }
    }
    tags
}

/// A schedule that is due once or twice a day, or less often.
fn schedule(draw: &mut Draw) -> String {
    let (hour, minute) = (draw.between(0, 23), draw.between(0, 59));
    let zone = *draw.pick(&["", " Europe/Berlin", " America/New_York", " Australia/Lord_Howe"]);
    match draw.below(6) {
        0 => format!("every 12h{zone}"),
        1 => format!("weekly sun {hour:02}:{minute:02}{zone}"),
        2 => format!("monthly 31 {hour:02}:{minute:02}{zone}; weekly wed 02:30{zone}"),
        3 => format!("{minute} {hour} * * MON-FRI{zone}"),
        _ => format!("daily {hour:02}:{minute:02}{zone}"),
    }
}

/// Some tags of tiers.
pub(super) fn tiers(draw: &mut Draw) -> Vec<(&'static str, &'static str)> {
    let all = [
        (key::RETENTION_WEEKS, "2"),
        (key::RETENTION_WEEKS, "4"),
        (key::RETENTION_MONTHS, "1"),
        (key::RETENTION_MONTHS, "3"),
        (key::RETENTION_YEARS, "2"),
        (key::KEEP_LAST, "2"),
        (key::KEEP_LAST, "6"),
        (key::DESTINATION_RETENTION_DAYS, "4"),
        (key::DESTINATION_RETENTION_WEEKS, "3"),
        (key::DESTINATION_KEEP_LAST, "1"),
    ];
    (0..draw.between(1, 3)).map(|_| *draw.pick(&all)).collect()
}

/// One of an instance's tags with nonsense in it.
pub(super) fn mangled_tag(draw: &mut Draw) -> (&'static str, &'static str) {
    let keys = [
        key::BACKUP,
        key::RETENTION_DAYS,
        key::RETENTION_WEEKS,
        key::DESTINATION_REGION,
        key::DESTINATION_RETENTION_DAYS,
        key::OFFSITE_MODE,
        key::BACKUP_SCHEDULE,
    ];
    (*draw.pick(&keys), *draw.pick(&NONSENSE))
}
