//! What people do to instances and volumes: they replace and terminate instances, move, detach, delete and bring back
//! volumes.

use snapwarden_core::ids::{InstanceId, Region, VolumeId};
use snapwarden_core::inventory::Instance;
use snapwarden_core::tags::key;

use super::draw::Draw;
use super::people::{self, Happened, Passing, any_instance, any_volume, minute};
use super::setting;
use crate::world::World;

/// An instance goes, and another one with other tags comes. What does not go with it is attached to the new one.
pub(super) fn replace(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, id, tags) = any_instance(world, draw)?;
    let left = volumes_of(world, &region, &id);
    world.terminate_instance(&region, &id).ok()?;
    let name = format!("{}-again", tags.get(key::NAME).unwrap_or("web"));
    let new = setting::new_instance(world, draw, &region, &name).ok()?;
    for (n, volume) in left.iter().enumerate() {
        // The root volume went with the instance.
        let _ = world.attach_volume(&region, volume, &new, &format!("/dev/sdm{n}"), false);
    }
    let mut touched: Vec<_> = left.iter().map(VolumeId::to_string).collect();
    touched.extend([id.to_string(), new.to_string()]);
    Some(Happened { words: format!("{id} of {region} is terminated, {new} takes its place"), touched, passes: None })
}

/// A volume goes from one instance to another.
pub(super) fn reattach(world: &mut World, draw: &mut Draw, region: &Region) -> Option<Happened> {
    let living = living(world, region);
    if living.len() < 2 {
        return None;
    }
    let (from, to) = (draw.pick(&living).clone(), draw.pick(&living).clone());
    let data: Vec<_> =
        from.devices.iter().filter(|d| d.name != from.root_device).filter_map(|d| d.volume.clone()).collect();
    let volume = data.first().filter(|_| from.id != to.id)?;
    world.detach_volume(region, volume, &from.id).ok()?;
    let device = format!("/dev/sdp{}", draw.below(1_000));
    world.attach_volume(region, volume, &to.id, &device, false).ok()?;
    let words = format!("{volume} of {region} goes from {} to {}", from.id, to.id);
    Some(Happened { words, touched: vec![volume.to_string(), from.id.to_string(), to.id.to_string()], passes: None })
}

/// An instance goes, and sometimes all its volumes; nothing takes its place.
pub(super) fn terminate(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, id, _) = any_instance(world, draw)?;
    let volumes = volumes_of(world, &region, &id);
    world.terminate_instance(&region, &id).ok()?;
    let takes_all = draw.chance(500);
    for volume in volumes.iter().filter(|_| takes_all) {
        // The root volume went with the instance.
        let _ = world.delete_volume(&region, volume);
    }
    let mut touched: Vec<_> = volumes.iter().map(VolumeId::to_string).collect();
    touched.push(id.to_string());
    let what = if takes_all { "with all its volumes" } else { "with what goes with it" };
    Some(Happened { words: format!("{id} of {region} is terminated, {what}"), touched, passes: None })
}

/// A volume is detached, and later attached to some instance, or never.
pub(super) fn detach(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, volume, _) = any_volume(world, draw)?;
    let from = holder(world, &region, &volume)?;
    world.detach_volume(&region, &volume, &from).ok()?;
    let to = draw.pick(&living(world, &region)).id.clone();
    let until = people::days(draw, world, 1, 12);
    let passes = draw.chance(600).then(|| (until, Passing::Detached(region.clone(), volume.clone(), to)));
    let words = format!("{volume} of {region} is detached from {from}");
    Some(Happened { words, touched: vec![volume.to_string(), from.to_string()], passes })
}

/// A volume is attached to an instance, where that still lives.
pub(super) fn attach(world: &mut World, region: &Region, volume: &VolumeId, to: &InstanceId) -> (String, Vec<String>) {
    let is_there = living(world, region).iter().any(|instance| instance.id == *to);
    let device = format!("/dev/sdq{}", world.now().as_second() % 100_000);
    if !is_there || world.attach_volume(region, volume, to, &device, false).is_err() {
        return (format!("{volume} of {region} is attached to nothing: {to} is gone"), Vec::new());
    }
    (format!("{volume} of {region} is attached to {to}"), vec![volume.to_string(), to.to_string()])
}

/// A volume is deleted, and brought back some days later.
pub(super) fn recycle(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let (region, volume, _) = any_volume(world, draw)?;
    let from = holder(world, &region, &volume);
    if let Some(from) = &from {
        world.detach_volume(&region, &volume, from).ok()?;
    }
    world.delete_volume(&region, &volume).ok()?;
    let until = people::days(draw, world, 1, 20);
    let to = from.clone().filter(|_| draw.chance(500));
    let passing = Passing::Recycled(region.clone(), volume.clone(), to);
    let words = format!("{volume} of {region} is deleted, and in the Recycle Bin until {}", minute(until));
    let touched = [Some(volume.to_string()), from.map(|from| from.to_string())].into_iter().flatten().collect();
    Some(Happened { words, touched, passes: Some((until, passing)) })
}

/// A volume comes back from the Recycle Bin.
pub(super) fn bring_back(
    world: &mut World,
    region: &Region,
    volume: &VolumeId,
    to: Option<&InstanceId>,
) -> (String, Vec<String>) {
    if world.restore_volume(region, volume).is_err() {
        return (format!("{volume} of {region} is not in the Recycle Bin any more"), Vec::new());
    }
    let (mut words, mut touched) = (format!("{volume} of {region} is back"), vec![volume.to_string()]);
    if let Some(to) = to {
        let (attached, more) = attach(world, region, volume, to);
        words = format!("{words}; {attached}");
        touched.extend(more);
    }
    (words, touched)
}

/// The name that instances of the fleet have whose instances live a day.
pub(super) const DAILY: &str = "fleet";

/// The fleet's instance goes with all its volumes, and a new one with the same tags comes.
pub(super) fn replace_daily(world: &mut World, draw: &mut Draw) -> Option<Happened> {
    let regions: Vec<Region> = world.regions().cloned().collect();
    let is_of_fleet = |instance: &Instance| instance.tags.get(key::NAME) == Some(DAILY);
    let mut all = regions.iter().flat_map(|region| living(world, region).into_iter().map(move |one| (region, one)));
    let (region, old) = all.find(|(_, instance)| is_of_fleet(instance))?;
    drop(all);
    let volumes = volumes_of(world, region, &old.id);
    world.terminate_instance(region, &old.id).ok()?;
    for volume in &volumes {
        // The root volume went with the instance.
        let _ = world.delete_volume(region, volume);
    }
    let new = setting::tagged_instance(world, draw, region, DAILY, old.tags).ok()?;
    let mut touched: Vec<_> = volumes.iter().map(VolumeId::to_string).collect();
    touched.extend([old.id.to_string(), new.to_string()]);
    let words = format!("{} of {region} is terminated with its volumes, and {new} takes its place", old.id);
    Some(Happened { words, touched, passes: None })
}

fn volumes_of(world: &World, region: &Region, id: &InstanceId) -> Vec<VolumeId> {
    let instance = world.instance(region, id).map(|record| &record.instance);
    instance.into_iter().flat_map(|instance| &instance.devices).filter_map(|d| d.volume.clone()).collect()
}

fn living(world: &World, region: &Region) -> Vec<Instance> {
    let living = world.instances(region).filter(|record| record.instance.state.is_backed_up());
    living.map(|record| record.instance.clone()).collect()
}

fn holder(world: &World, region: &Region, volume: &VolumeId) -> Option<InstanceId> {
    world.volume(region, volume)?.attachments.first().map(|attachment| attachment.instance.clone())
}
