//! A rule that cannot be broken proves nothing: each is shown a world in which it is, and says so.

use snapwarden_core::decision::Job;
use snapwarden_core::ids::SnapshotId;
use snapwarden_core::inventory::{Inventory, Read, Snapshot, SnapshotState};

use super::{Step, broken};
use crate::account::account;
use crate::server::{AWAY, HOME};

/// What is said of a world that `change` has changed.
fn said(job: Job, change: impl Fn(&mut Inventory)) -> Vec<String> {
    let before = account();
    let mut after = account();
    change(&mut after);
    broken(&Step::new(job, &before, &after))
}

fn snapshots<'a>(world: &'a mut Inventory, region: &str) -> &'a mut Vec<Snapshot> {
    match &mut world.regions.get_mut(&region.parse().unwrap()).unwrap().snapshots {
        Read::Whole(snapshots) => snapshots,
        Read::Gap { .. } | Read::NotAsked => unreachable!("this account is all there"),
    }
}

fn take(world: &mut Inventory, region: &str, id: &str) {
    let there = snapshots(world, region);
    let place = there.iter().position(|snapshot| snapshot.id.as_str() == id).unwrap();
    there.remove(place);
}

fn edit(world: &mut Inventory, region: &str, id: &str, edit: impl Fn(&mut Snapshot)) {
    edit(snapshots(world, region).iter_mut().find(|snapshot| snapshot.id.as_str() == id).unwrap());
}

/// Another one like `id`, changed.
fn add(world: &mut Inventory, region: &str, id: &str, change: impl Fn(&mut Snapshot)) {
    let there = snapshots(world, region);
    let mut another = there.iter().find(|snapshot| snapshot.id.as_str() == id).unwrap().clone();
    another.id = "snap-another".parse::<SnapshotId>().unwrap();
    change(&mut another);
    there.push(another);
}

#[test]
fn a_world_that_stays_as_it_is_breaks_no_rule() {
    for job in [Job::Create, Job::Offsite, Job::Expire] {
        assert_eq!(said(job, |_| ()), [""; 0]);
    }
}

#[test]
fn what_each_job_may_do_breaks_no_rule() {
    let removed = said(Job::Offsite, |world| take(world, HOME, "snap-vol-move-a-40"));
    let expired = said(Job::Expire, |world| take(world, HOME, "snap-vol-move-a-40"));
    let last_of_none = said(Job::Expire, |world| take(world, HOME, "snap-left-out"));
    let stamped = said(Job::Offsite, |world| {
        edit(world, HOME, "snap-vol-copy-a-2", |source| source.tags.set("OffsiteSnapshotId", "x"));
    });
    let made = said(Job::Create, |world| {
        add(world, HOME, "snap-vol-move-a-2", |made| made.tags.set("snapwarden:slot", "2026-11-22T03:00Z"));
    });
    assert_eq!([removed, expired, last_of_none, stamped, made].concat(), [""; 0]);
}

#[test]
fn what_goes_against_a_rule_is_called_by_its_name() {
    use Job::{Create, Expire, Offsite};
    for (job, id, rule) in [
        (Expire, "snap-foreign", "S1: snap-foreign is gone"),
        (Expire, "snap-vault", "S1: snap-vault is gone"),
        (Offsite, "snap-lifecycle", "S1: snap-lifecycle is gone"),
        (Offsite, "snap-shared", "S1: snap-shared is gone"),
        (Offsite, "snap-pinned", "S2: snap-pinned is gone"),
        (Expire, "snap-pinned", "S2: snap-pinned is gone"),
        (Create, "snap-vol-move-a-40", "S3: snap-vol-move-a-40 is gone"),
        (Expire, "snap-vol-move-a-2", "S3: snap-vol-move-a-2 is gone"),
        (Expire, "snap-young", "S3: snap-young is gone"),
        (Expire, "snap-undated", "S3: snap-undated is gone"),
        (Offsite, "snap-undated", "S4: snap-undated is removed, and its tags"),
        (Offsite, "snap-vol-copy-a-2", "S4: snap-vol-copy-a-2 is removed, and its tags"),
        (Offsite, "snap-vol-latest-a-0", "S4: snap-vol-latest-a-0 is removed, and is its volume's newest"),
        (Offsite, "snap-vol-move-a-1", "S4: snap-vol-move-a-1 is removed, and eu-central-1"),
        (Offsite, "snap-mismatch", "S4: snap-mismatch is removed, and eu-central-1"),
        (Offsite, "snap-partly", "S4: snap-partly is removed, and us-east-1"),
        (Offsite, "snap-junk", "S4: snap-junk is removed, and mars-1"),
        (Offsite, "snap-vol-local-40", "S4: snap-vol-local-40 is removed, and was to be copied nowhere"),
        (Expire, "snap-in-flight", "S5: snap-in-flight is gone"),
        (Expire, "snap-partly", "S5: snap-partly is gone"),
        (Expire, "snap-last", "S6: the newest of vol-last in eu-west-1"),
        (Offsite, "snap-vol-move-a-1", "S6: the newest of vol-move-a in eu-west-1"),
    ] {
        let said = said(job, |world| take(world, HOME, id));
        assert!(said.iter().any(|what| what.starts_with(rule)), "{rule} of {said:?}");
    }
}

#[test]
fn so_is_a_copy_that_goes_and_one_that_is_cut_off() {
    let last = said(Job::Expire, |world| take(world, AWAY, "snap-last-in-eu-central-1"));
    assert_eq!(last, ["S6: the newest of vol-last in eu-central-1 is gone"]);
    let cut = said(Job::Expire, |world| {
        take(world, HOME, "snap-in-flight");
        edit(world, AWAY, "snap-in-flight-in-eu-central-1", |copy| copy.state = SnapshotState::Error);
    });
    assert_eq!(cut, ["S5: snap-in-flight is gone while it was being copied"]);
}

#[test]
fn so_is_what_is_tagged_and_what_is_made() {
    let foreign = said(Job::Offsite, |world| edit(world, HOME, "snap-foreign", |s| s.tags.set("Type", "Automated")));
    assert_eq!(foreign, ["S1: snap-foreign has other tags and is not ours"]);
    let unpinned = said(Job::Expire, |world| edit(world, HOME, "snap-pinned", |s| s.tags.remove("keepforever")));
    assert_eq!(unpinned, ["S2: snap-pinned is pinned no more", "S3: snap-pinned has lost its keepforever"]);
    let sooner = said(Job::Offsite, |world| {
        edit(world, HOME, "snap-vol-copy-a-2", |s| s.tags.set("DeleteOn", "2026-11-22"));
    });
    assert_eq!(sooner, ["S3: snap-vol-copy-a-2 has lost its DeleteOn"]);
    let twice = said(Job::Create, |world| add(world, HOME, "snap-vol-move-a-2", |_| ()));
    assert!(twice.len() == 1 && twice[0].starts_with("S8: "), "{twice:?}");
    let copied_twice = said(Job::Offsite, |world| {
        add(world, AWAY, "snap-vol-move-a-2-in-eu-central-1", |copy| copy.state = SnapshotState::Pending);
    });
    assert!(copied_twice.len() == 1 && copied_twice[0].starts_with("S8: "), "{copied_twice:?}");
    let not_owned = said(Job::Offsite, |world| {
        add(world, AWAY, "snap-vol-move-a-2-in-eu-central-1", |copy| copy.tags.remove("Type"));
    });
    assert_eq!(not_owned, ["S11: snap-another was made without Type"]);
    let of_foreign = said(Job::Offsite, |world| {
        add(world, AWAY, "snap-vol-move-a-2-in-eu-central-1", |copy| copy.tags.set("SourceSnapshotId", "snap-vault"));
    });
    assert!(of_foreign.iter().any(|what| what == "S1: snap-another is a copy of what was not ours"), "{of_foreign:?}");
}
