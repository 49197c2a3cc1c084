//! What people write where tags are: on instances, volumes and snapshots. Much of it is undone some days later.

use snapwarden_core::ids::{InstanceId, Region};
use snapwarden_core::tags::{Tags, key};

use super::draw::Draw;
use super::people::{self, Happened, Passing, any_instance, any_snapshot, any_volume};
use crate::call::ResourceId;
use crate::keys;
use crate::world::World;

/// The tags that say how long snapshots and copies are kept.
const RETENTION: [&str; 10] = [
    key::RETENTION_DAYS,
    key::RETENTION_WEEKS,
    key::RETENTION_MONTHS,
    key::RETENTION_YEARS,
    key::KEEP_LAST,
    key::DESTINATION_RETENTION_DAYS,
    key::DESTINATION_RETENTION_WEEKS,
    key::DESTINATION_RETENTION_MONTHS,
    key::DESTINATION_RETENTION_YEARS,
    key::DESTINATION_KEEP_LAST,
];
/// What the tag of a flipping retention alternates between.
const FLIPS: [&str; 2] = ["8", "1"];

/// One tag of a resource to be changed.
struct Edit {
    region: Region,
    resource: ResourceId,
    key: &'static str,
    before: Option<String>,
}

impl Edit {
    fn of(region: Region, resource: impl Into<ResourceId>, tags: &Tags, key: &'static str) -> Self {
        Self { region, resource: resource.into(), key, before: tags.get(key).map(str::to_owned) }
    }

    /// Writes a value, or takes the tag away. So many times in a thousand it is undone after so many days.
    fn make(
        self,
        world: &mut World,
        draw: &mut Draw,
        value: Option<&str>,
        (undone, least, most): (u16, i64, i64),
    ) -> Option<Happened> {
        let (region, resource) = (&self.region, &self.resource);
        match value {
            Some(value) => world.tag(region, resource, self.key, value).ok()?,
            None => world.untag(region, resource, self.key).ok()?,
        }
        let (until, is_undone) = (people::days(draw, world, least, most), draw.chance(undone));
        let id = resource.as_str().to_owned();
        let words = match value {
            Some(value) => format!("{id} of {region} gets {}={value:?}", self.key),
            None => format!("{id} of {region} loses its {}", self.key),
        };
        let before = vec![(self.key.to_owned(), self.before)];
        let passes = is_undone.then_some((until, Passing::Tags(self.region, self.resource, before)));
        Some(Happened { words, touched: vec![id], passes })
    }
}

/// Tags become what they were.
pub(super) fn undo(
    world: &mut World,
    region: &Region,
    resource: &ResourceId,
    before: &[(String, Option<String>)],
) -> (String, Vec<String>) {
    let mut words = format!("{} of {region} is as it was:", resource.as_str());
    for (key, value) in before {
        // It may be gone.
        let _ = match value {
            Some(value) => world.tag(region, resource, key, value),
            None => world.untag(region, resource, key),
        };
        words += &format!(" {key}={value:?}");
    }
    (words, vec![resource.as_str().to_owned()])
}

/// A tag of retention, or the destination, gets a value that cannot be read.
pub(super) fn mistype(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, id, tags) = any_instance(world, draw)?;
    let key = any_key(draw, &tags, true);
    let was = tags.get(key).unwrap_or("4").to_owned();
    let words = if key == key::DESTINATION_REGION {
        vec!["eu-wset-1".to_owned(), "eu_west_1".to_owned(), format!("{was};eu-west-1")]
    } else {
        let odd = ["", "seven", "99999", "-1", "4.5", "0"].map(str::to_owned);
        let near = ["{} months", "{}d", "o{}", "{}y", "{} weeks", "+{}"].map(|form| form.replace("{}", &was));
        odd.into_iter().chain(near).collect()
    };
    let value = draw.pick(&words).clone();
    Edit::of(region, id, &tags, key).make(world, draw, Some(&value), (600, 1, 12))
}

/// A tag of retention, or the destination, is taken away.
pub(super) fn take_away(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, id, tags) = any_instance(world, draw)?;
    let key = any_key(draw, &tags, false);
    tags.has(key).then(|| Edit::of(region, id, &tags, key))?.make(world, draw, None, (600, 1, 12))
}

/// A number of a retention becomes smaller.
pub(super) fn shorten(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, id, tags) = any_instance(world, draw)?;
    let numbers: Vec<_> = RETENTION.into_iter().filter_map(|key| Some((key, tags.get(key)?.parse().ok()?))).collect();
    let longer: Vec<(&str, u32)> = numbers.into_iter().filter(|(_, number)| *number > 1).collect();
    if longer.is_empty() {
        return None;
    }
    let (key, number) = *draw.pick(&longer);
    let value = (number / 3).max(1).to_string();
    Edit::of(region, id, &tags, key).make(world, draw, Some(&value), (200, 1, 12))
}

/// The retention of the first instance goes to and fro.
pub(super) fn flip(world: &mut World) -> Option<Happened> {
    let (region, id, tags) = first_instance(world)?;
    let value = if tags.get(key::RETENTION_WEEKS) == Some(FLIPS[0]) { FLIPS[1] } else { FLIPS[0] };
    world.tag(&region, &id.clone().into(), key::RETENTION_WEEKS, value).ok()?;
    Happened::to(&id, format!("{id} of {region} gets {}={value:?}", key::RETENTION_WEEKS))
}

/// Copies are to go elsewhere, or nowhere.
pub(super) fn redirect(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, id, tags) = any_instance(world, draw)?;
    let regions: Vec<Region> = world.regions().cloned().collect();
    let to = draw.pick(&regions).to_string();
    let value = (!draw.chance(200)).then_some(to.as_str());
    Edit::of(region, id, &tags, key::DESTINATION_REGION).make(world, draw, value, (800, 1, 14))
}

/// An instance is selected no more.
pub(super) fn unselect(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, id, tags) = any_instance(world, draw)?;
    tags.has(key::BACKUP).then(|| Edit::of(region, id, &tags, key::BACKUP))?.make(world, draw, None, (700, 1, 15))
}

/// A volume is left out for a week.
pub(super) fn leave_out(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, id, tags) = any_volume(world, draw)?;
    Edit::of(region, id, &tags, key::BACKUP).make(world, draw, Some("No"), (1_000, 5, 9))
}

/// A restore says that it reads from a snapshot, until it says so no more.
pub(super) fn use_for_restore(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, snapshot) = any_snapshot(world, draw, |snapshot| snapshot.is_completed())?;
    let now = world.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Edit::of(region, snapshot.id, &snapshot.tags, key::IN_USE).make(world, draw, Some(&now), (500, 1, 9))
}

/// A snapshot's tags are written in another letter case, with huge numbers, or with days that nobody meant.
pub(super) fn make_odd(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    const ODD: [(&str, &str); 20] = [
        (key::RETENTION, "DAYS=7"),
        (key::RETENTION, "Days=7 Weeks=4"),
        (key::RETENTION, "days=99999999999999999999"),
        (key::RETENTION, "days=7 weeks=0"),
        (key::RETENTION, "days=7  weeks=4"),
        (key::RETENTION, "days=7 weeks=4 zone=Mars/Olympus"),
        (key::RETENTION, "weeks=4"),
        (key::CREATED_ON, "1969-12-31"),
        (key::CREATED_ON, "0001-01-01"),
        (key::CREATED_ON, "9999-12-31"),
        (key::DELETE_ON, "1969-12-31"),
        (key::DELETE_ON, "9999-12-31"),
        (key::DELETE_ON, "10000-01-01"),
        (key::DELETE_ON, "0000-01-01"),
        (key::SOURCE_START_TIME, "1960-01-01T00:00:00Z"),
        (key::SOURCE_START_TIME, "9999-12-30T00:00:00Z"),
        (key::SOURCE_START_TIME, "-000001-01-01T00:00:00Z"),
        (key::CLOSED, "1960-01-01"),
        (key::CLOSED, "9999-12-31"),
        (key::CLOSED, "soon"),
    ];
    let (region, snapshot) = any_snapshot(world, draw, |_| true)?;
    let (key, value) = *draw.pick(&ODD);
    world.tag(&region, &snapshot.id.clone().into(), key, value).ok()?;
    Happened::to(&snapshot.id, format!("{} of {region} gets {key}={value:?}", snapshot.id))
}

/// A snapshot's tags get a time that has not come, as a clock that was a day ahead would write it.
pub(super) fn write_tomorrow(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, snapshot) = any_snapshot(world, draw, |_| true)?;
    let tomorrow = keys::later(world.now(), 86_400);
    let day = tomorrow.strftime("%Y-%m-%d").to_string();
    let key = *draw.pick(&[key::CREATED_ON, key::SOURCE_START_TIME, key::CLOSED, key::IN_USE]);
    let value = match key {
        key::SOURCE_START_TIME => tomorrow.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        _ => day,
    };
    let undone = if key == key::IN_USE { 1_000 } else { 0 };
    Edit::of(region, snapshot.id, &snapshot.tags, key).make(world, draw, Some(&value), (undone, 1, 9))
}

/// A tag of retention, or the destination: mostly one that is there.
fn any_key(draw: &mut Draw, tags: &Tags, may_lack: bool) -> &'static str {
    let all: Vec<&'static str> = RETENTION.into_iter().chain([key::DESTINATION_REGION]).collect();
    let there: Vec<&'static str> = all.iter().copied().filter(|key| tags.has(key)).collect();
    let from = if there.is_empty() || (may_lack && draw.chance(300)) { all } else { there };
    draw.pick::<&str>(&from)
}

fn first_instance(world: &World) -> Option<(Region, InstanceId, Tags)> {
    let mut all = world.regions().flat_map(|region| world.instances(region).map(move |record| (region, record)));
    let living = all.find(|(_, record)| record.instance.state.is_backed_up());
    living.map(|(region, record)| (region.clone(), record.instance.id.clone(), record.instance.tags.clone()))
}
