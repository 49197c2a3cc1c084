//! What people, other tools and AWS itself do to the account meanwhile, between two calls or in the middle of a run.

use jiff::Timestamp;
use snapwarden_core::ids::{InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState, StorageTier};
use snapwarden_core::tags::{Tags, key};
use snapwarden_exec::cloud::CopyRequest;

use super::draw::Draw;
use super::kinds::Kind;
use super::setting::{self, NONSENSE};
use super::{edits, moves};
use crate::call::{Action, ResourceId};
use crate::faults::{Faults, KmsOrder};
use crate::keys;
use crate::limits::COPIES_IN_FLIGHT_MAX;
use crate::world::World;

/// The kinds of trouble that people and AWS make, for as long as a life lasts, and on how many days of a thousand.
pub(super) const KINDS: [(Kind, u16); 36] = [
    (Kind::Pin, 100),
    (Kind::Exclude, 100),
    (Kind::Replace, 100),
    (Kind::Reattach, 100),
    (Kind::MangledTags, 100),
    (Kind::Retiered, 100),
    (Kind::MangledSnapshot, 100),
    (Kind::CopyDeleted, 100),
    (Kind::Archived, 100),
    (Kind::CopyRetagged, 100),
    (Kind::CopyPinned, 100),
    (Kind::ByHand, 100),
    (Kind::CopiesByHand, 100),
    (Kind::Image, 100),
    (Kind::Key, 100),
    (Kind::RegionOut, 100),
    (Kind::Permission, 100),
    (Kind::Burst, 100),
    (Kind::Typo, 100),
    (Kind::TagRemoved, 100),
    (Kind::Shortened, 60),
    (Kind::Flips, 400),
    (Kind::Redirected, 100),
    (Kind::Unselected, 60),
    (Kind::LeftOut, 60),
    (Kind::Terminated, 30),
    (Kind::Detached, 60),
    (Kind::Recycled, 60),
    (Kind::Daily, 900),
    (Kind::Unmarkable, 60),
    (Kind::InUse, 60),
    (Kind::OddRecord, 100),
    (Kind::SickRegion, 100),
    (Kind::RightGone, 100),
    (Kind::Stuck, 100),
    (Kind::Tomorrow, 60),
];

/// Something that was begun and ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Passing {
    Region(Region),
    Permission(Action),
    Key(KmsOrder),
    Burst,
    Sick(Region),
    RightIn(Region, Action),
    /// The manager may not write tags.
    Unmarkable,
    /// What was deleted while pending goes when it ends.
    Gone(SnapshotId),
    /// A person undoes what was done to tags: each with its value before, none where there was none.
    Tags(Region, ResourceId, Vec<(String, Option<String>)>),
    /// A person brings a volume back from the Recycle Bin, and attaches it, if that instance still lives.
    Recycled(Region, VolumeId, Option<InstanceId>),
    /// A person attaches a volume, if that instance still lives.
    Detached(Region, VolumeId, InstanceId),
}

impl Passing {
    /// Whether it does something only to those who meet it meanwhile.
    pub(super) fn is_met(&self) -> bool {
        match self {
            Passing::Region(_) | Passing::Permission(_) | Passing::Key(_) | Passing::Burst => true,
            Passing::Sick(_) | Passing::RightIn(..) => true,
            Passing::Unmarkable
            | Passing::Gone(_)
            | Passing::Tags(..)
            | Passing::Recycled(..)
            | Passing::Detached(..) => false,
        }
    }
}

/// What happened, in words, and the ids whose truth a job may not have seen yet.
pub(super) struct Happened {
    pub(super) words: String,
    pub(super) touched: Vec<String>,
    /// Until when it lasts, where it passes.
    pub(super) passes: Option<(Timestamp, Passing)>,
}

impl Happened {
    pub(super) fn to(id: impl ToString, words: String) -> Option<Self> {
        Some(Self { words, touched: vec![id.to_string()], passes: None })
    }
}

/// Lets something of `kind` happen; none where there is nothing that it could happen to.
pub(super) fn happen(world: &mut World, draw: &mut Draw, kind: Kind, usual: Faults) -> Option<Happened> {
    let regions: Vec<Region> = world.regions().cloned().collect();
    let region = draw.pick(&regions).clone();
    let hours = |draw: &mut Draw, world: &World, most| keys::later(world.now(), 3_600 * draw.between(1, most));
    match kind {
        Kind::Pin => {
            let (region, snapshot) = any_snapshot(world, draw, |_| true)?;
            let id = ResourceId::from(snapshot.id.clone());
            if let Some(pin) = snapshot.tags.keep_forever_keys().next() {
                world.untag(&region, &id, pin).ok()?;
                return Happened::to(&snapshot.id, format!("{} of {region} is let go", snapshot.id));
            }
            let pin = *draw.pick(&["KeepForever", "keepforever"]);
            world.tag(&region, &id, pin, "").ok()?;
            Happened::to(&snapshot.id, format!("{} of {region} is pinned", snapshot.id))
        }
        Kind::CopyPinned => {
            let (region, copy) = any_snapshot(world, draw, is_copy)?;
            world.tag(&region, &copy.id.clone().into(), "KeepForever", "yes").ok()?;
            Happened::to(&copy.id, format!("copy {} of {region} is pinned", copy.id))
        }
        Kind::CopyDeleted => {
            let (region, copy) = any_snapshot(world, draw, is_copy)?;
            let ends = world.snapshot(&region, &copy.id)?.ends;
            world.delete_by_hand(&region, &copy.id).ok()?;
            let is_pending = copy.state == SnapshotState::Pending;
            let how = if is_pending { "pending copy" } else { "copy" };
            let words = format!("{how} {} of {region} is deleted by hand", copy.id);
            let passes = is_pending.then(|| (ends, Passing::Gone(copy.id.clone())));
            Some(Happened { words, touched: vec![copy.id.to_string()], passes })
        }
        Kind::Archived => {
            let (region, snapshot) = any_snapshot(world, draw, Snapshot::is_completed)?;
            world.set_tier(&region, &snapshot.id, StorageTier::Archive).ok()?;
            Happened::to(&snapshot.id, format!("{} of {region} is archived", snapshot.id))
        }
        Kind::CopyRetagged => {
            let (region, copy) = any_snapshot(world, draw, is_copy)?;
            let key = *draw.pick(&[key::DEVICE_NAME, key::VOLUME_ID, key::SOURCE_REGION, key::TYPE, "Team"]);
            world.untag(&region, &copy.id.clone().into(), key).ok()?;
            Happened::to(&copy.id, format!("copy {} of {region} loses its {key}", copy.id))
        }
        Kind::MangledSnapshot => {
            let (region, snapshot) = any_snapshot(world, draw, |_| true)?;
            let keys = [
                key::DELETE_ON,
                key::CREATED_ON,
                key::DESTINATION_REGION,
                key::OFFSITE_MODE,
                key::SOURCE_START_TIME,
                key::RETENTION,
            ];
            let (key, value) = (*draw.pick(&keys), *draw.pick(&NONSENSE));
            world.tag(&region, &snapshot.id.clone().into(), key, value).ok()?;
            Happened::to(&snapshot.id, format!("{} of {region} gets {key}={value:?}", snapshot.id))
        }
        Kind::Exclude => {
            let (region, volume, tags) = any_volume(world, draw)?;
            let value = if tags.get(key::BACKUP) == Some("No") { "Yes" } else { "No" };
            world.tag(&region, &volume.clone().into(), key::BACKUP, value).ok()?;
            Happened::to(&volume, format!("{volume} of {region} gets Backup={value}"))
        }
        Kind::Replace => moves::replace(world, draw),
        Kind::Reattach => moves::reattach(world, draw, &region),
        Kind::Terminated => moves::terminate(world, draw),
        Kind::Detached => moves::detach(world, draw),
        Kind::Recycled => moves::recycle(world, draw),
        Kind::Daily => moves::replace_daily(world, draw),
        Kind::Typo => edits::mistype(world, draw),
        Kind::TagRemoved => edits::take_away(world, draw),
        Kind::Shortened => edits::shorten(world, draw),
        Kind::Flips => edits::flip(world),
        Kind::Redirected => edits::redirect(world, draw),
        Kind::Unselected => edits::unselect(world, draw),
        Kind::LeftOut => edits::leave_out(world, draw),
        Kind::InUse => edits::use_for_restore(world, draw),
        Kind::OddRecord => edits::make_odd(world, draw),
        Kind::Tomorrow => edits::write_tomorrow(world, draw),
        Kind::SickRegion => {
            world.config.faults_in.insert(region.clone(), Faults { throttled: 700, ..usual });
            let until = hours(draw, world, 30);
            let words = format!("{region} throttles most calls until {}", minute(until));
            Some(Happened { words, touched: Vec::new(), passes: Some((until, Passing::Sick(region))) })
        }
        Kind::RightGone => {
            let action = *draw.pick(&PERMISSIONS);
            world.withdraw(Some(&region), action);
            let until = keys::later(world.now(), 86_400);
            let words = format!("{action} is withdrawn in {region} until {}", minute(until));
            Some(Happened { words, touched: Vec::new(), passes: Some((until, Passing::RightIn(region, action))) })
        }
        Kind::Stuck => {
            let (region, volume, _) = any_volume(world, draw)?;
            let hours = draw.between(24, 96);
            world.hold_back_next_snapshot_of(&volume, 3_600 * hours);
            Happened::to(&volume, format!("the next snapshot of {volume} of {region} is pending for {hours} h"))
        }
        Kind::Unmarkable => {
            let until = days(draw, world, 2, 6);
            let words = format!("the manager may not write tags until {}", minute(until));
            Some(Happened { words, touched: Vec::new(), passes: Some((until, Passing::Unmarkable)) })
        }
        Kind::MangledTags => {
            let (region, id, mut tags) = any_instance(world, draw)?;
            let name = tags.get(key::NAME).unwrap_or_default().to_owned();
            let (key, value) = setting::mangled_tag(draw);
            tags.set(key, value);
            if draw.chance(500) {
                // Mended: they are written anew.
                tags = setting::instance_tags(draw, &regions, &name);
            }
            for (key, value) in tags.iter() {
                world.tag(&region, &id.clone().into(), key, value).ok()?;
            }
            Happened::to(&id, format!("{id} of {region} is tagged anew"))
        }
        Kind::Retiered => {
            let (region, id, tags) = any_instance(world, draw)?;
            let resource = ResourceId::from(id.clone());
            for key in [key::RETENTION_WEEKS, key::RETENTION_MONTHS, key::RETENTION_YEARS, key::KEEP_LAST] {
                if tags.has(key) && draw.chance(700) {
                    world.untag(&region, &resource, key).ok()?;
                }
            }
            if draw.chance(600) {
                for (key, value) in setting::tiers(draw) {
                    world.tag(&region, &resource, key, value).ok()?;
                }
            }
            Happened::to(&id, format!("{id} of {region} gets another retention"))
        }
        Kind::ByHand => {
            let (region, volume, _) = any_volume(world, draw)?;
            let mut made = 0;
            for _ in 0..5 {
                made += usize::from(world.snapshot_by_hand(&region, &volume, &Tags::default()).is_ok());
                world.advance_by(16);
            }
            Happened::to(&volume, format!("{made} snapshots of {volume} of {region} are made by hand"))
        }
        Kind::CopiesByHand => {
            let (from, source) = any_snapshot(world, draw, Snapshot::is_completed)?;
            let request = CopyRequest {
                source_region: from,
                source: source.id.clone(),
                description: "by hand".to_owned(),
                tags: Tags::default(),
            };
            let made = (0..COPIES_IN_FLIGHT_MAX).filter(|_| world.copy_by_hand(&region, &request).is_ok()).count();
            Happened::to(&source.id, format!("{made} copies of {} to {region} are made by hand", source.id))
        }
        Kind::Image => {
            let (region, snapshot) = any_snapshot(world, draw, Snapshot::is_completed)?;
            let image = world.create_image(&region, None, [snapshot.id.clone()]).ok()?;
            Happened::to(&snapshot.id, format!("{image} is registered on {} of {region}", snapshot.id))
        }
        Kind::Key => {
            let order = KmsOrder::Destination(region.clone());
            world.break_key(order.clone());
            let until = hours(draw, world, 40);
            let words = format!("copies to {region} do not find their key until {}", minute(until));
            Some(Happened { words, touched: Vec::new(), passes: Some((until, Passing::Key(order))) })
        }
        Kind::RegionOut => {
            world.set_out(&region, true).ok()?;
            let until = hours(draw, world, 12);
            let words = format!("{region} is out until {}", minute(until));
            Some(Happened { words, touched: Vec::new(), passes: Some((until, Passing::Region(region))) })
        }
        Kind::Permission => {
            let action = *draw.pick(&PERMISSIONS);
            world.withdraw(None, action);
            let until = keys::later(world.now(), 86_400);
            let words = format!("{action} is withdrawn until {}", minute(until));
            Some(Happened { words, touched: Vec::new(), passes: Some((until, Passing::Permission(action))) })
        }
        Kind::Burst => {
            world.config.faults = Faults { throttled: 700, ..usual };
            let until = hours(draw, world, 6);
            let words = format!("EC2 throttles most calls until {}", minute(until));
            Some(Happened { words, touched: Vec::new(), passes: Some((until, Passing::Burst)) })
        }
        // These happen to calls and to runs.
        Kind::Throttled | Kind::NeverConnected | Kind::ErrorBefore | Kind::ErrorAfter | Kind::LostBefore => None,
        Kind::LostAfter | Kind::HalfListing | Kind::EmptyPage | Kind::Stale | Kind::Slow | Kind::FailedSnapshot => None,
        Kind::FailedSet | Kind::FailedCopy | Kind::KilledBefore | Kind::KilledAfter | Kind::Deadline => None,
        Kind::Late | Kind::Outage | Kind::Doubled | Kind::Overlap | Kind::Beside | Kind::MidRun => None,
        Kind::Predecessor | Kind::LongHistory | Kind::Approved | Kind::LeapDay | Kind::YearEnd | Kind::Clock => None,
    }
}

/// So many days from now.
pub(super) fn days(draw: &mut Draw, world: &World, least: i64, most: i64) -> Timestamp {
    keys::later(world.now(), 3_600 * draw.between(24 * least, 24 * most))
}

const PERMISSIONS: [Action; 9] = [
    Action::DescribeRegions,
    Action::DescribeInstances,
    Action::DescribeVolumes,
    Action::DescribeSnapshots,
    Action::CreateSnapshot,
    Action::CreateSnapshots,
    Action::CopySnapshot,
    Action::DeleteSnapshot,
    Action::CreateTags,
];

/// Ends what passes: what happens then, and the ids whose truth a job may not have seen yet.
pub(super) fn pass(world: &mut World, passing: &Passing, usual: Faults) -> (String, Vec<String>) {
    let words = match passing {
        Passing::Region(region) => {
            // The Region is there: it was taken out before.
            let _ = world.set_out(region, false);
            format!("{region} is back")
        }
        Passing::Permission(action) => {
            world.grant(None, *action);
            format!("{action} is allowed again")
        }
        Passing::Key(order) => {
            world.mend_key(order);
            "the key is found again".to_owned()
        }
        Passing::Sick(region) => {
            world.config.faults_in.remove(region);
            format!("{region} throttles no more")
        }
        Passing::RightIn(region, action) => {
            world.grant(Some(region), *action);
            format!("{action} is allowed again in {region}")
        }
        Passing::Unmarkable => "the manager may write tags again".to_owned(),
        Passing::Gone(id) => {
            return (format!("{id}, deleted while it was pending, has ended and is gone"), vec![id.to_string()]);
        }
        Passing::Burst => {
            world.config.faults = usual;
            "EC2 throttles no more".to_owned()
        }
        Passing::Tags(region, resource, before) => return edits::undo(world, region, resource, before),
        Passing::Recycled(region, volume, to) => return moves::bring_back(world, region, volume, to.as_ref()),
        Passing::Detached(region, volume, to) => return moves::attach(world, region, volume, to),
    };
    (words, Vec::new())
}

pub(super) fn any_snapshot(
    world: &World,
    draw: &mut Draw,
    fits: impl Fn(&Snapshot) -> bool,
) -> Option<(Region, Snapshot)> {
    let mut found = Vec::new();
    for region in world.regions() {
        let here = world.snapshots(region).map(|record| &record.snapshot);
        let here = here.filter(|s| s.state != SnapshotState::Error && s.tags.get(key::TYPE).is_some() && fits(s));
        found.extend(here.map(|snapshot| (region.clone(), snapshot.id.clone())));
    }
    if found.is_empty() {
        return None;
    }
    let (region, id): (Region, SnapshotId) = draw.pick(&found).clone();
    let snapshot = world.snapshot(&region, &id)?.snapshot.clone();
    Some((region, snapshot))
}

pub(super) fn any_volume(world: &World, draw: &mut Draw) -> Option<(Region, VolumeId, Tags)> {
    let found: Vec<_> = world
        .regions()
        .flat_map(|region| {
            world.volumes(region).map(move |r| (region.clone(), r.volume.id.clone(), r.volume.tags.clone()))
        })
        .collect();
    (!found.is_empty()).then(|| draw.pick(&found).clone())
}

pub(super) fn any_instance(world: &World, draw: &mut Draw) -> Option<(Region, InstanceId, Tags)> {
    let mut found = Vec::new();
    for region in world.regions() {
        let living = world.instances(region).filter(|record| record.instance.state.is_backed_up());
        found.extend(living.map(|record| (region.clone(), record.instance.id.clone(), record.instance.tags.clone())));
    }
    (!found.is_empty()).then(|| draw.pick(&found).clone())
}

pub(super) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

fn is_copy(snapshot: &Snapshot) -> bool {
    snapshot.tags.has(key::SOURCE_SNAPSHOT_ID)
}
