//! `run create` killed by SIGKILL a hundred times, each time followed by a second run of the same slot (S8, S11).

use std::collections::BTreeMap;

use snapwarden_core::inventory::Inventory;
use snapwarden_core::report::Outcome;
use snapwarden_core::tags::{TYPE_AUTOMATED, key};

use crate::server::{HOME, Server, fleet};

const INSTANCES: usize = 12;
const KILLS: u64 = 100;
/// GetCallerIdentity, DescribeRegions, four listings, one CreateSnapshots an instance, one CreateTags a device name.
const CALLS: u64 = 2 + 4 + INSTANCES as u64 + 3;

#[test]
fn a_killed_run_leaves_nothing_that_the_next_one_does_not_finish() {
    let (mut killed, mut half_done, mut untagged) = (0, 0, 0);
    for n in 0..KILLS {
        let server = Server::start(&fleet(INSTANCES));
        // Every moment of the run in turn, in an order of no pattern, so that a slow machine reaches them all.
        let calls = (n * 37) % (CALLS + 1);
        let output = server.start_and(&["run", "create"], calls, |child| child.kill().unwrap());
        killed += u64::from(output.status.code().is_none());
        let after_kill = made(&server.world());
        half_done += u64::from((1..3 * INSTANCES).contains(&after_kill.values().map(Vec::len).sum()));
        untagged += u64::from(after_kill.values().flatten().any(|has_device| !has_device));
        let report = server.run("create", 0, &[]);
        assert!(report.violations.is_empty() && report.findings.is_empty(), "kill at {calls}: {report:?}");
        let made = made(&server.world());
        assert_eq!(made.len(), 3 * INSTANCES, "kill at {calls}: a volume without its snapshot");
        for (volume, snapshots) in made {
            assert_eq!(snapshots, [true], "kill at {calls}: {volume} has one snapshot, with its device's name");
        }
        let third = server.run("create", 0, &[]);
        assert!(third.outcomes.iter().all(|outcome| *outcome == Outcome::NothingToDo), "kill at {calls}: {third:?}");
    }
    assert!(killed >= KILLS / 2, "{killed} of {KILLS} runs were killed before their end");
    assert!(half_done >= 10, "{half_done} of them with some snapshots made and some not");
    assert!(untagged >= 10, "{untagged} of them with snapshots that still lacked their late tags");
}

/// The snapshots of each volume: whether each has its device's name. That all are owned from birth is asserted.
fn made(world: &Inventory) -> BTreeMap<String, Vec<bool>> {
    let mut made: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for (region, snapshot) in world.snapshots() {
        assert_eq!((region.as_str(), snapshot.tags.get(key::TYPE)), (HOME, Some(TYPE_AUTOMATED)), "{snapshot:?}");
        assert_eq!(snapshot.tags.get(key::SLOT), Some("2026-11-22T03:00Z"), "{snapshot:?}");
        let volume = snapshot.volume_id.to_string();
        made.entry(volume).or_default().push(snapshot.tags.get(key::DEVICE_NAME).is_some());
    }
    made
}
