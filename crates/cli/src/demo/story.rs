//! What people do, and what AWS does to them, on the days of the demo.

use anyhow::Context;
use snapwarden_core::ids::{InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_ec2sim::call::ResourceId;
use snapwarden_ec2sim::faults::KmsOrder;
use snapwarden_ec2sim::world::World;

/// What happens on the morning of a day, counted from 0, in words.
pub(super) fn morning(world: &mut World, day: i64) -> anyhow::Result<Vec<String>> {
    let home: Region = "eu-west-1".parse()?;
    let other: Region = "us-east-1".parse()?;
    Ok(match day {
        2 => {
            let snapshot = oldest_of(world, &home, "web-1")?;
            world.tag(&home, &ResourceId::Snapshot(snapshot.clone()), "keepforever", "before the upgrade")?;
            vec![format!("a person tags {snapshot} of web-1 keepforever=\"before the upgrade\"")]
        }
        3 => {
            let snapshot = oldest_of(world, &home, "web-2")?;
            let image = world.create_image(&home, None, [snapshot.clone()])?;
            vec![format!("a person registers {image} on {snapshot} of web-2")]
        }
        5 => {
            world.break_key(KmsOrder::Volume(encrypted_volume(world, &home)?));
            vec!["the key of db's encrypted volume is taken away from its copies in eu-central-1".to_owned()]
        }
        6 => {
            world.mend_key(&KmsOrder::Volume(encrypted_volume(world, &home)?));
            vec!["the key is given back".to_owned()]
        }
        7 => {
            world.terminate_instance(&other, &instance(world, &other, "report")?)?;
            vec!["a person terminates report; its volume goes with it".to_owned()]
        }
        _ => Vec::new(),
    })
}

fn oldest_of(world: &World, region: &Region, name: &str) -> anyhow::Result<SnapshotId> {
    let of_name = world.snapshots(region).filter(|record| record.snapshot.tags.get("InstanceName") == Some(name));
    let oldest = of_name.min_by_key(|record| record.snapshot.start_time);
    oldest.map(|record| record.snapshot.id.clone()).with_context(|| format!("{name} has no snapshot"))
}

fn instance(world: &World, region: &Region, name: &str) -> anyhow::Result<InstanceId> {
    let mut of_name = world.instances(region).filter(|record| record.instance.tags.get("Name") == Some(name));
    of_name.next().map(|record| record.instance.id.clone()).with_context(|| format!("there is no instance {name}"))
}

fn encrypted_volume(world: &World, region: &Region) -> anyhow::Result<VolumeId> {
    let mut encrypted = world.volumes(region).filter(|record| record.volume.encrypted);
    encrypted.next().map(|record| record.volume.id.clone()).context("there is no encrypted volume")
}
