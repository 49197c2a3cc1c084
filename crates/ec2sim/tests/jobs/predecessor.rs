//! What the predecessor did wrong with the lists that EC2 gives, held against the jobs as they run: it read one page, and
//! one instance of each reservation.

use snapwarden_core::decision::Job;
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::world::World;

use crate::support::{NOW, act, assert_every_volume_is_backed_up, changes, job, pass};

/// Seven instances of one reservation, and five alone.
fn fleet() -> World {
    let mut text = "account = \"123456789012\"\nregions = [\"us-east-1\"]\n".to_owned();
    for n in 0..12 {
        let reservation = if n < 7 { "r-1".to_owned() } else { format!("r-alone-{n}") };
        text += &format!(
            "[[instance]]\nregion = \"us-east-1\"\nname = \"web-{n}\"\nreservation = \"{reservation}\"\n\
             tags = {{ Backup = \"Yes\", RetentionDays = \"1\" }}\n\
             volumes = [{{ device = \"/dev/xvda\", size_gib = 8 }}, {{ device = \"/dev/sdf\", size_gib = 8 }}]\n"
        );
    }
    World::from_toml(1, NOW.parse().unwrap(), &text).unwrap()
}

#[test]
fn every_instance_of_every_reservation_on_every_page_is_backed_up_and_every_page_is_expired() {
    let mut world = fleet();
    world.config.page_size = 5;
    world.config.empty_pages = 300;
    let sim = Sim::new(world);
    let report = job(&sim, Job::Create);
    assert_eq!(changes(&report), [("create", 24)].into());
    for listing in ["DescribeInstances", "DescribeVolumes"] {
        assert!(report.calls["us-east-1"][listing] > 1, "{listing} has several pages");
    }
    assert_every_volume_is_backed_up(&sim.with(|world| world.clone()), "paged");
    pass(&sim, 24 * 60);
    act(&sim, Job::Create);
    pass(&sim, 60);
    let report = sim.block_on(snapwarden_exec::run::run(
        &sim,
        &crate::support::options(Job::Expire, &["us-east-1"]),
        &snapwarden_exec::run::Quiet,
    ));
    assert_eq!(changes(&report.unwrap().unwrap()), [("delete", 24)].into());
}
