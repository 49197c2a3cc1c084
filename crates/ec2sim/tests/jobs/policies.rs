//! The policies that are deployed: enough for the jobs, and for nothing that a job must not do.
//!
//! The whole suite runs under them (support.rs). Here each statement is shown to be needed, and what must be refused is
//! asked for directly, past every rule of ours: the policy alone has to say no.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use serde_json::Value;
use snapwarden_core::decision::{Job, Problem};
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::report::Outcome;
use snapwarden_core::tags::Tags;
use snapwarden_ec2sim::call::{Call, PageRequest, ResourceId, SnapshotListing};
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::{NewInstance, NewVolume, Policy, Principal, World};
use snapwarden_exec::cloud::{CopyRequest, SetRequest};

use crate::support::{
    AWAY, HOME, act, assert_every_volume_is_backed_up, document, instance, pass, region, tags, try_job_as, without,
    world, write_marks,
};

/// The role of the system that ours replaces.
const PREDECESSOR: &str = include_str!("../../../../testdata/predecessor-role.json");

/// A job under a policy: whether EC2 refused it anything, or let it not even look.
fn is_refused(sim: &Sim, job: Job, document: &str) -> bool {
    match try_job_as(sim, job, document).unwrap() {
        Err(_) => true,
        Ok(report) => {
            let refused = |outcome: &Outcome| outcome.to_string().contains("UnauthorizedOperation");
            // A set that is not allowed is made volume by volume, and said.
            let said = report
                .findings
                .iter()
                .any(|finding| matches!(finding.problem, Problem::SetsNotAllowed { .. } | Problem::NotRead { .. }));
            said || report.outcomes.iter().any(refused) || job == Job::Expire && may_not_mark(sim, document)
        }
    }
}

/// Whether the manager is refused a mark on what is left at home.
fn may_not_mark(sim: &Sim, document: &str) -> bool {
    let left: Vec<_> = sim.with(|world| {
        world.snapshots(&region(HOME)).map(|record| (record.snapshot.id.clone(), Some(date(2026, 11, 22)))).collect()
    });
    assert!(!left.is_empty());
    write_marks(sim, document, &left).outcomes.iter().any(Outcome::is_failure)
}

/// A world in which every job has everything to do that it ever does.
fn busy() -> Sim {
    let mut world = world(1);
    let moved = [("Backup", "Yes"), ("DestinationRegion", AWAY), ("RetentionDays", "2")];
    let copied = [&moved[..], &[("OffsiteMode", "Copy")]].concat();
    instance(&mut world, "moved", &moved, 4);
    instance(&mut world, "copied", &copied, 1);
    Sim::new(world)
}

/// The busy world, at the moment before `job` does all that it may.
fn before(job: Job) -> Sim {
    let sim = busy();
    match job {
        Job::Create => {
            // A set whose late tags were lost, of an instance that has a volume more by now.
            act(&sim, Job::Create);
            pass(&sim, 60);
            sim.with(|world| {
                let made: Vec<_> = world.snapshots(&region(HOME)).map(|record| record.snapshot.id.clone()).collect();
                for snapshot in made {
                    world.untag(&region(HOME), &snapshot.into(), "DeviceName").unwrap();
                }
                for name in ["new", "alone"] {
                    instance(world, name, &[("Backup", "Yes")], if name == "new" { 2 } else { 1 });
                }
            });
        }
        Job::Offsite => {
            act(&sim, Job::Create);
            pass(&sim, 60);
            act(&sim, Job::Offsite);
            pass(&sim, 180);
            sim.with(|world| {
                let (home, away) = (region(HOME), region(AWAY));
                let moved = world.snapshots(&home).filter(|record| !record.snapshot.tags.has("OffsiteMode"));
                let sources: Vec<_> = moved.map(|record| record.snapshot.id.clone()).collect();
                let pinned = &sources[0];
                world.tag(&home, &pinned.clone().into(), "KeepForever", "yes").unwrap();
                let copies: Vec<_> = world.snapshots(&away).map(|record| record.snapshot.clone()).collect();
                let copy_of = |id: &SnapshotId| {
                    let is_copy = |tags: &Tags| tags.get("SourceSnapshotId") == Some(id.as_str());
                    copies.iter().find(|copy| is_copy(&copy.tags)).unwrap().id.clone()
                };
                // A copy whose tags a person spoilt, and one that is gone.
                let spoilt = copy_of(&sources[1]);
                world.untag(&away, &spoilt.into(), "DeviceName").unwrap();
                world.delete_by_hand(&away, &copy_of(&sources[2])).unwrap();
            });
        }
        Job::Expire => {
            for _ in 0..3 {
                act(&sim, Job::Create);
                pass(&sim, 24 * 60);
            }
            pass(&sim, 30 * 24 * 60);
        }
    }
    sim
}

fn statements(document: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(document).unwrap()["Statement"].as_array().unwrap().clone()
}

#[test]
fn each_statement_is_needed() {
    for job in [Job::Create, Job::Offsite, Job::Expire] {
        assert!(!is_refused(&before(job), job, document(job)), "{job:?} as deployed");
        for statement in statements(document(job)) {
            let sid = statement["Sid"].as_str().unwrap();
            let document = without(document(job), sid);
            assert!(is_refused(&before(job), job, &document), "{job:?} works without {sid}");
        }
    }
}

/// Whether the deployed policy of `job` allows a call.
fn allows(job: Job, world: &mut World, place: &str, call: Call) -> bool {
    let policy = Some(Policy::of_documents(&[document(job)]).unwrap());
    let principal = Principal { policy, ..Principal::of(world.account().clone()) };
    match world.call(&principal, &region(place), call) {
        Err(error) if error.code() == Some("UnauthorizedOperation") => false,
        Ok(_) => true,
        Err(error) => panic!("{error}"),
    }
}

/// A volume, and snapshots of it with these tags.
fn with_snapshots(tagged: &[&[(&str, &str)]]) -> (World, VolumeId, Vec<SnapshotId>) {
    let mut world = world(1);
    let home = region(HOME);
    let volume = world.create_volume(&home, NewVolume::sized("v", 1)).unwrap();
    let mut made = Vec::new();
    for pairs in tagged {
        made.push(world.snapshot_by_hand(&home, &volume, &tags(pairs)).unwrap());
        world.advance_by(600);
    }
    (world, volume, made)
}

const OURS: (&str, &str) = ("Type", "Automated");

#[test]
fn what_is_pinned_or_foreign_cannot_be_deleted_by_any_function() {
    let stays: [&[(&str, &str)]; 8] = [
        &[],
        &[("Type", "automated")],
        &[("type", "Manual")],
        &[OURS, ("KeepForever", "Yes")],
        &[OURS, ("KeepForever", "")],
        &[OURS, ("keepforever", "no")],
        &[OURS, ("KEEPFOREVER", "x")],
        &[("KeepForever", "x")],
    ];
    let (world, _, made) = with_snapshots(&stays);
    for job in [Job::Create, Job::Offsite, Job::Expire] {
        for (snapshot, tagged) in made.iter().zip(stays) {
            let delete = Call::DeleteSnapshot { snapshot: snapshot.clone() };
            assert!(!allows(job, &mut world.clone(), HOME, delete), "{job:?}: {tagged:?}");
        }
    }
    for system in ["aws:backup:source-resource", "aws:dlm:lifecycle-policy-id"] {
        let (mut world, _, made) = with_snapshots(&[&[OURS]]);
        world.tag(&region(HOME), &made[0].clone().into(), system, "x").unwrap();
        for job in [Job::Offsite, Job::Expire] {
            let delete = Call::DeleteSnapshot { snapshot: made[0].clone() };
            assert!(!allows(job, &mut world.clone(), HOME, delete), "{job:?}: {system}");
        }
    }
}

#[test]
fn ours_is_deleted_by_whom_it_may_be() {
    let (world, _, made) = with_snapshots(&[&[OURS], &[OURS, ("SourceSnapshotId", "snap-1")]]);
    let can = |job, n: usize| allows(job, &mut world.clone(), HOME, Call::DeleteSnapshot { snapshot: made[n].clone() });
    assert_eq!((can(Job::Create, 0), can(Job::Create, 1)), (false, false));
    assert_eq!((can(Job::Offsite, 0), can(Job::Offsite, 1)), (true, false), "the offsiter never deletes a copy");
    assert_eq!((can(Job::Expire, 0), can(Job::Expire, 1)), (true, true));
}

#[test]
fn nothing_is_made_but_by_whom_it_may_be_and_nothing_unowned() {
    let (mut world, volume, made) = with_snapshots(&[&[OURS]]);
    let id = world.run_instance(&region(HOME), NewInstance::named("i", Tags::default())).unwrap();
    world.attach_volume(&region(HOME), &volume, &id, "/dev/xvda", true).unwrap();
    let one = |pairs: &[(&str, &str)]| Call::CreateSnapshot {
        volume: volume.clone(),
        description: String::new(),
        tags: tags(pairs),
    };
    let set = |pairs: &[(&str, &str)]| {
        Call::CreateSnapshots(SetRequest {
            instance: id.clone(),
            exclude_boot: false,
            exclude_data: Vec::new(),
            description: String::new(),
            tags: tags(pairs),
        })
    };
    let copy = |pairs: &[(&str, &str)]| Call::CopySnapshot {
        request: CopyRequest {
            source_region: region(HOME),
            source: made[0].clone(),
            description: String::new(),
            tags: tags(pairs),
        },
        encrypted: false,
        presigned: true,
    };
    let allows = |job, place, call| allows(job, &mut world.clone(), place, call);
    assert!(allows(Job::Create, HOME, one(&[OURS])) && allows(Job::Create, HOME, set(&[OURS])));
    assert!(!allows(Job::Create, HOME, one(&[])), "unowned");
    assert!(!allows(Job::Create, HOME, set(&[("Type", "Manual")])), "unowned");
    assert!(!allows(Job::Create, HOME, one(&[OURS, ("KeepForever", "x")])), "a bill that nobody expects");
    assert!(!allows(Job::Create, HOME, set(&[OURS, ("keepForever", "x")])));
    assert!(!allows(Job::Create, AWAY, copy(&[OURS])));
    assert!(allows(Job::Offsite, AWAY, copy(&[OURS, ("KeepForever", "x")])), "a pin is copied");
    for job in [Job::Offsite, Job::Expire] {
        assert!(!allows(job, HOME, one(&[OURS])) && !allows(job, HOME, set(&[OURS])), "{job:?}");
    }
    assert!(!allows(Job::Expire, AWAY, copy(&[OURS])));
}

#[test]
fn tags_are_written_on_ours_alone_and_never_those_that_decide() {
    let copy = [OURS, ("SourceSnapshotId", "snap-1")];
    let (world, volume, made) = with_snapshots(&[&[OURS], &copy, &[]]);
    let writes = |job, resource: ResourceId, key: &str| {
        let call = Call::CreateTags { resources: vec![resource], tags: tags(&[(key, "x")]) };
        allows(job, &mut world.clone(), HOME, call)
    };
    let on = |n: usize| ResourceId::from(made[n].clone());
    for job in [Job::Create, Job::Offsite, Job::Expire] {
        assert!(!writes(job, on(2), "DeviceName"), "{job:?}: a snapshot that is not ours");
        assert!(!writes(job, volume.clone().into(), "DeviceName"), "{job:?}: a volume");
        for key in ["Type", "type"] {
            assert!(!writes(job, on(0), key) && !writes(job, on(1), key), "{job:?}: {key}");
        }
        for key in ["DeleteOn", "deleteon", "KeepForever"] {
            assert!(!writes(job, on(0), key), "{job:?}: {key} on a source");
        }
    }
    assert!(writes(Job::Create, on(0), "DeviceName") && writes(Job::Offsite, on(0), "OffsiteSnapshotId"));
    assert!(!writes(Job::Create, on(1), "DeleteOn") && !writes(Job::Create, on(1), "KeepForever"));
    assert!(writes(Job::Offsite, on(1), "DeleteOn") && writes(Job::Offsite, on(1), "KeepForever"));
    assert!(!writes(Job::Expire, on(0), "DeviceName") && !writes(Job::Expire, on(1), "DeviceName"));
    let mixed = Call::CreateTags { resources: vec![on(0), on(2)], tags: tags(&[("DeviceName", "x")]) };
    assert!(!allows(Job::Create, &mut world.clone(), HOME, mixed), "one that is not ours among them");
    let keys = tags(&[("DeviceName", "x"), ("KeepForever", "x")]);
    let mixed = Call::CreateTags { resources: vec![on(0)], tags: keys };
    assert!(!allows(Job::Create, &mut world.clone(), HOME, mixed), "one key that decides among them");
}

#[test]
fn the_manager_writes_the_mark_on_ours_and_nothing_else_anywhere() {
    let copy = [OURS, ("SourceSnapshotId", "snap-1")];
    let (mut world, volume, made) = with_snapshots(&[&[OURS], &copy, &[], &[("Type", "Manual")]]);
    let run = world.run_instance(&region(HOME), NewInstance::named("i", tags(&[OURS]))).unwrap();
    world.tag(&region(HOME), &volume.clone().into(), "Type", "Automated").unwrap();
    let on = |n: usize| ResourceId::from(made[n].clone());
    let writes = |job, resources: &[ResourceId], pairs: &[(&str, &str)]| {
        let call = Call::CreateTags { resources: resources.to_vec(), tags: tags(pairs) };
        allows(job, &mut world.clone(), HOME, call)
    };
    let mark = ("snapwarden:closed", "2026-11-22");
    let manager = |resources: &[ResourceId], pairs: &[(&str, &str)]| writes(Job::Expire, resources, pairs);
    assert!(manager(&[on(0), on(1)], &[mark]), "a source and a copy");
    assert!(manager(&[on(0)], &[("snapwarden:closed", "")]), "a volume that is not over any more");
    for key in ["Snapwarden:Closed", "snapwarden:slot", "snapwarden:retention", "DeleteOn", "KeepForever", "Type", "x"]
    {
        assert!(!manager(&[on(0)], &[(key, "x")]), "{key}");
        assert!(!manager(&[on(0)], &[mark, (key, "x")]), "{key} beside it");
    }
    for (resource, what) in [
        (on(2), "a snapshot of nobody"),
        (on(3), "a foreign one"),
        (volume.into(), "a volume"),
        (run.into(), "an instance"),
    ] {
        assert!(!manager(std::slice::from_ref(&resource), &[mark]), "{what}");
        assert!(!manager(&[on(0), resource], &[mark]), "{what} among ours");
    }
    for job in [Job::Create, Job::Offsite] {
        assert!(!writes(job, &[on(0)], &[mark]) && !writes(job, &[on(1)], &[mark]), "{job:?}");
    }
}

#[test]
fn with_the_predecessors_role_everything_works_one_snapshot_at_a_time() {
    let sim = busy();
    let work = |job| {
        let report = try_job_as(&sim, job, PREDECESSOR).unwrap().unwrap();
        assert_eq!(report.exit_code(), 0, "{job:?}: {report:?}");
        report
    };
    let made = work(Job::Create);
    assert_eq!(made.calls[HOME]["CreateSnapshot"], 5);
    assert!(made.findings.iter().any(|finding| matches!(finding.problem, Problem::SetsNotAllowed { .. })));
    sim.with(|world| assert_every_volume_is_backed_up(world, "one by one"));
    for _ in 0..4 {
        pass(&sim, 180);
        let _ = work(Job::Offsite);
    }
    sim.with(|world| {
        assert_eq!((world.snapshots(&region(HOME)).count(), world.snapshots(&region(AWAY)).count()), (1, 5))
    });
    pass(&sim, 24 * 60);
    let _ = work(Job::Create);
    pass(&sim, 10 * 24 * 60);
    let _ = work(Job::Expire);
    sim.with(|world| assert_eq!(world.snapshots(&region(HOME)).count(), 5, "only the newest of each volume stays"));
}

/// The resources of each action are AWS's own (scripts/deploy.py compares the file with what cfn-lint ships).
#[test]
fn every_call_needs_permissions_on_the_resources_that_aws_names() {
    let (mut world, volume, made) = with_snapshots(&[&[OURS]]);
    let id = world.run_instance(&region(HOME), NewInstance::named("i", Tags::default())).unwrap();
    world.attach_volume(&region(HOME), &volume, &id, "/dev/xvda", true).unwrap();
    let (none, ours, text) = (PageRequest::default(), tags(&[OURS]), String::new);
    let snapshot = made[0].clone();
    let request =
        CopyRequest { source_region: region(HOME), source: snapshot.clone(), description: text(), tags: ours.clone() };
    let set = SetRequest {
        instance: id,
        exclude_boot: false,
        exclude_data: Vec::new(),
        description: text(),
        tags: ours.clone(),
    };
    let calls = [
        Call::DescribeRegions,
        Call::DescribeInstances(none.clone()),
        Call::DescribeVolumes(none.clone()),
        Call::DescribeSnapshots(SnapshotListing::Own(none)),
        Call::CreateSnapshot { volume, description: text(), tags: ours.clone() },
        Call::CreateSnapshots(set),
        Call::CopySnapshot { request, encrypted: false, presigned: true },
        Call::DeleteSnapshot { snapshot: snapshot.clone() },
        Call::CreateTags { resources: vec![snapshot.into()], tags: ours },
    ];
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for call in calls {
        let place: Region = if matches!(call, Call::CopySnapshot { .. }) { region(AWAY) } else { region(HOME) };
        for need in world.needs(&place, &call) {
            let action = need.action.strip_prefix("ec2:").unwrap().to_owned();
            kinds.entry(action).or_default().extend(need.kind.map(str::to_owned));
        }
    }
    let published: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_str(include_str!("../../../../testdata/ec2-resources.json")).unwrap();
    assert_eq!(kinds, published);
}
