//! Single faults, and what a run makes of them: nothing twice, nothing hidden, the rest goes on.

use snapwarden_core::decision::{Act, Consistency, Finding, Job, Problem, Reason};
use snapwarden_core::report::{Deferred, Outcome, RunReport};
use snapwarden_core::tags::{Tags, key};
use snapwarden_ec2sim::call::{Action, ApiError, ResourceId};
use snapwarden_ec2sim::face::Sim;
use snapwarden_ec2sim::faults::{Fault, Faults, KmsOrder, Ordered};
use snapwarden_exec::run::{Quiet, RunError, run};

use crate::second_look::only_delete;
use crate::support::{
    AWAY, HOME, act, assert_every_volume_is_backed_up, assert_rules, changes, instance, instance_in, job,
    offsite_until_done, options, pass, pass_until, region, try_job, world,
};

const BOTH: [(&str, &str); 2] = [("Backup", "Yes"), ("DestinationRegion", AWAY)];

#[test]
fn a_reply_lost_after_the_set_was_made_makes_no_second_set() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 3);
    world.order(&region(HOME), Action::CreateSnapshots, None, Ordered::Fault(Fault::LostAfter));
    let sim = Sim::new(world);
    let report = job(&sim, Job::Create);
    assert!(report.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Unclear(_))), "{:?}", report.outcomes);
    assert_eq!(report.exit_code(), 2, "it does not look like success");
    pass(&sim, 3);
    let again = job(&sim, Job::Create);
    assert_eq!(changes(&again), [("add-tags", 3)].into(), "only the late tags were missing");
    assert_rules(&sim.with(|world| world.clone()), "lost reply");
}

#[test]
fn a_throttled_or_never_connected_create_is_tried_again_in_the_same_run() {
    for fault in [Fault::Throttled, Fault::NeverConnected] {
        let mut world = world(1);
        instance(&mut world, "db", &BOTH, 3);
        world.order(&region(HOME), Action::CreateSnapshots, None, Ordered::Fault(fault));
        let sim = Sim::new(world);
        assert_eq!(job(&sim, Job::Create).exit_code(), 0, "{fault:?}");
        assert_every_volume_is_backed_up(&sim.with(|world| world.clone()), "retried");
    }
}

#[test]
fn one_instance_whose_set_is_forbidden_costs_the_others_nothing() {
    let mut world = world(1);
    let all: Vec<_> = (0..20).map(|n| instance(&mut world, &format!("web-{n}"), &BOTH, 2)).collect();
    let forbidden = ApiError::answer(403, "UnauthorizedOperation", "a tag condition");
    world.order(&region(HOME), Action::CreateSnapshots, Some(all[0].as_str()), Ordered::Answer(forbidden));
    let report = job(&Sim::new(world), Job::Create);
    let alone = report.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::DoneAlone { .. })).count();
    assert_eq!((alone, report.calls[HOME]["CreateSnapshots"]), (2, 20));
}

#[test]
fn what_ec2_does_not_find_though_it_lists_it_is_no_failure_and_is_said_in_its_words() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 1);
    let gone = |code: &str| Ordered::Answer(ApiError::answer(400, code, "never heard of it"));
    world.order(&region(HOME), Action::CreateSnapshot, None, gone("InvalidVolume.NotFound"));
    let sim = Sim::new(world);
    let said = |report: &RunReport, place: &str| {
        let is_it = |one: &&Finding| matches!(&one.problem, Problem::NotFound { count: 1, message, .. } if message == "never heard of it");
        assert_eq!((report.findings.iter().filter(is_it).count(), report.exit_code()), (1, 0), "{:?}", report.findings);
        assert_eq!(report.findings.iter().find(is_it).unwrap().region, region(place));
    };
    said(&job(&sim, Job::Create), HOME);
    pass(&sim, 3);
    act(&sim, Job::Create);
    pass(&sim, 30);
    sim.with(|world| world.order(&region(AWAY), Action::CopySnapshot, None, gone("InvalidSnapshot.NotFound")));
    said(&job(&sim, Job::Offsite), AWAY);
}

#[test]
fn a_delete_whose_reply_was_lost_is_unclear_whatever_keeps_it_from_being_asked_again() {
    let mut world = world(1);
    instance(&mut world, "db", &[("Backup", "Yes"), ("RetentionDays", "1")], 1);
    let sim = Sim::new(world);
    for _ in 0..4 {
        act(&sim, Job::Create);
        pass(&sim, 24 * 60);
    }
    sim.with(|world| {
        world.order(&region(HOME), Action::DeleteSnapshot, None, Ordered::Fault(Fault::LostAfter));
        (0..30)
            .for_each(|_| world.order(&region(HOME), Action::DeleteSnapshot, None, Ordered::Fault(Fault::Throttled)));
    });
    let report = job(&sim, Job::Expire);
    let unclear = report.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Unclear(_))).count();
    assert_eq!((unclear, report.exit_code()), (1, 2), "{:?}", report.outcomes);
}

#[test]
fn without_the_right_to_make_sets_each_volume_is_made_alone_and_asked_for_once() {
    let mut world = world(1);
    for n in 0..20 {
        instance(&mut world, &format!("web-{n}"), &BOTH, 2);
    }
    world.withdraw(None, Action::CreateSnapshots);
    let sim = Sim::new(world);
    let report = job(&sim, Job::Create);
    assert_eq!(report.exit_code(), 0);
    assert_eq!(report.calls[HOME]["CreateSnapshot"], 40);
    // Eight instances are under way at once; none asks after the first answer.
    assert!(report.calls[HOME]["CreateSnapshots"] <= 8, "{:?}", report.calls);
    let said = report.findings.iter().any(|finding| matches!(finding.problem, Problem::SetsNotAllowed { .. }));
    assert!(said, "a person is told that sets are not allowed");
    pass(&sim, 3);
    assert_eq!(changes(&job(&sim, Job::Create)).len(), 0, "made alone, they were born with all their tags");
}

/// What each snapshot at home says of its consistency.
fn consistencies(sim: &Sim) -> Vec<String> {
    let says = |tags: &Tags| tags.get(key::CONSISTENCY).unwrap().to_owned();
    sim.with(|world| world.snapshots(&region(HOME)).map(|record| says(&record.snapshot.tags)).collect())
}

#[test]
fn a_snapshot_says_whether_it_is_of_a_set() {
    for (volumes, says) in [(1, "volume"), (3, "set")] {
        let mut world = world(1);
        instance(&mut world, "db", &BOTH, volumes);
        let sim = Sim::new(world);
        act(&sim, Job::Create);
        assert_eq!(consistencies(&sim), vec![says; volumes]);
    }
}

#[test]
fn a_set_that_ec2_refuses_is_made_volume_by_volume_in_the_same_run() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 3);
    let answer = ApiError::answer(400, "ConcurrentSnapshotLimitExceeded", "Maximum allowed in-progress snapshots");
    world.order(&region(HOME), Action::CreateSnapshots, None, Ordered::Answer(answer));
    let sim = Sim::new(world);
    let report = job(&sim, Job::Create);
    assert_eq!((report.exit_code(), report.calls[HOME]["CreateSnapshot"]), (0, 3));
    assert!(report.findings.iter().any(|finding| matches!(finding.problem, Problem::SetRefused { .. })));
    let said: Vec<_> = report.outcomes.iter().map(ToString::to_string).collect();
    assert!(said.iter().all(|words| words.ends_with(", made alone: not of one moment with the others")), "{said:?}");
    assert_eq!(consistencies(&sim), vec!["volume"; 3]);
}

#[test]
fn at_a_limit_of_the_account_a_set_waits_and_is_not_split() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 3);
    let answer = ApiError::answer(400, "PendingSnapshotLimitExceeded", "Maximum allowed pending snapshots");
    world.order(&region(HOME), Action::CreateSnapshots, None, Ordered::Answer(answer));
    let sim = Sim::new(world);
    let report = job(&sim, Job::Create);
    assert_eq!(report.outcomes, vec![Outcome::Deferred(Deferred::LimitReached); 3]);
    assert_eq!(report.calls[HOME].get("CreateSnapshot"), None, "more snapshots would not help, and would be no set");
    assert_eq!(changes(&job(&sim, Job::Create)), [("create", 3)].into(), "the next run makes the set");
}

#[test]
fn credentials_that_end_say_nothing_about_sets() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 3);
    let answer = ApiError::answer(400, "ExpiredToken", "The security token included in the request is expired");
    world.order(&region(HOME), Action::CreateSnapshots, None, Ordered::Answer(answer));
    let sim = Sim::new(world);
    let report = job(&sim, Job::Create);
    assert_eq!((report.exit_code(), report.calls[HOME].get("CreateSnapshot")), (2, None));
    assert!(!report.findings.iter().any(|one| matches!(one.problem, Problem::SetsNotAllowed { .. })));
}

#[test]
fn that_sets_are_not_allowed_is_known_of_one_region_alone() {
    let mut world = world(1);
    for place in [HOME, AWAY] {
        instance_in(&mut world, place, place, &[("Backup", "Yes")], 2);
    }
    world.withdraw(Some(&region(AWAY)), Action::CreateSnapshots);
    let sim = Sim::new(world);
    let report = sim.block_on(run(&sim, &options(Job::Create, &[HOME, AWAY]), &Quiet)).unwrap().unwrap();
    assert_eq!((report.calls[AWAY]["CreateSnapshot"], report.calls[HOME].get("CreateSnapshot")), (2, None));
    let said = report.findings.iter().filter(|one| matches!(one.problem, Problem::SetsNotAllowed { .. }));
    assert_eq!(said.map(|one| one.region.as_str()).collect::<Vec<_>>(), [AWAY]);
}

#[test]
fn after_a_failed_set_the_volumes_are_made_alone_and_the_fourth_try_is_not_made() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 2);
    let volume = world.volumes(&region(HOME)).next().unwrap().volume.id.clone();
    world.fail_next_snapshot_of(&volume, "the volume is ill");
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    for _ in 0..2 {
        pass(&sim, 15);
        sim.with(|world| world.fail_next_snapshot_of(&volume, "the volume is ill"));
        let report = job(&sim, Job::Create);
        let how = report.plan.decisions.iter().filter(|d| d.act.is_change()).map(|d| &d.reason);
        for reason in how {
            let Reason::SlotDue { consistency, .. } = reason else { panic!("{reason:?}") };
            assert_eq!(*consistency, Consistency::FailedBefore);
        }
    }
    pass(&sim, 15);
    let report = job(&sim, Job::Create);
    assert_eq!(changes(&report).len(), 0);
    assert!(report.findings.iter().any(|finding| finding.problem == Problem::FailingVolume { failed: 3 }));
}

#[test]
fn a_snapshot_of_an_ami_is_kept_in_ec2s_words_and_is_no_failure() {
    let mut world = world(1);
    instance(&mut world, "db", &[("Backup", "Yes")], 1);
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass(&sim, 10);
    let first = sim.with(|w| w.snapshots(&region(HOME)).next().unwrap().snapshot.id.clone());
    sim.with(|world| world.create_image(&region(HOME), None, [first.clone()]).unwrap());
    pass_until(&sim, "2026-11-28T04:00:00Z");
    act(&sim, Job::Create);
    pass_until(&sim, "2026-11-29T12:00:00Z");
    let report = job(&sim, Job::Expire);
    let (id, outcome) = only_delete(&report);
    assert_eq!(id, &first);
    let words = outcome.to_string();
    assert!(words.starts_with("kept, EC2 refuses to delete it: The snapshot snap-"), "{words}");
    assert!(words.contains("is currently in use by ami-") && words.ends_with("(InvalidSnapshot.InUse)"), "{words}");
    assert_eq!((report.exit_code(), report.findings.as_slice()), (0, [].as_slice()));
}

#[test]
fn a_copy_that_fails_by_kms_is_tried_again_later_and_its_source_stays() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 1);
    world.break_key(KmsOrder::Destination(region(AWAY)));
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass(&sim, 10);
    act(&sim, Job::Offsite);
    pass(&sim, 30);
    let report = job(&sim, Job::Offsite);
    let why: Vec<_> = report.plan.decisions.iter().map(|d| d.reason.to_string()).collect();
    let failing = "1 copy failed, the last with \"Given key ID is not accessible\"";
    assert!(why.iter().any(|why| why.starts_with(failing)), "{why:?}");
    assert!(report.findings.iter().any(|f| f.to_string().contains("see that the role may use that key there")));
    assert_eq!(sim.with(|w| w.snapshots(&region(HOME)).count()), 1, "the source is still here");
    sim.with(|world| world.mend_key(&KmsOrder::Destination(region(AWAY))));
    pass(&sim, 60);
    offsite_until_done(&sim);
    assert_every_volume_is_backed_up(&sim.with(|world| world.clone()), "kms");
    assert_eq!(sim.with(|w| w.snapshots(&region(HOME)).count()), 0, "moved, once the key was mended");
}

#[test]
fn a_destination_that_is_out_lets_the_slot_be_made_and_nothing_be_deleted() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 2);
    world.set_out(&region(AWAY), true).unwrap();
    let sim = Sim::new(world);
    let report = job(&sim, Job::Create);
    assert_eq!(changes(&report), [("create", 2)].into(), "the slot is young: it is made, to stay here until seen");
    let modes = sim.with(|w| {
        w.snapshots(&region(HOME))
            .map(|r| r.snapshot.tags.get(key::OFFSITE_MODE).map(str::to_owned))
            .collect::<Vec<_>>()
    });
    assert_eq!(modes, vec![Some("KeepLatest".to_owned()); 2]);
    pass(&sim, 10);
    let report = job(&sim, Job::Offsite);
    assert_eq!(changes(&report).len(), 0);
    assert!(report.plan.decisions.iter().any(|d| matches!(d.reason, Reason::DestinationUnread { .. })));
    pass_until(&sim, "2026-12-20T12:00:00Z");
    let report = sim.block_on(run(&sim, &options(Job::Expire, &[HOME]), &Quiet)).unwrap().unwrap();
    assert_eq!(changes(&report).len(), 0, "due, but what the destination holds is unknown");
    sim.with(|world| world.set_out(&region(AWAY), false).unwrap());
}

#[test]
fn a_home_region_that_is_out_is_a_run_that_could_not_start() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 2);
    world.set_out(&region(HOME), true).unwrap();
    let sim = Sim::new(world);
    let error = try_job(&sim, Job::Create).unwrap().unwrap_err();
    assert!(matches!(error, RunError::NoAccount { .. }), "{error}");
}

#[test]
fn one_region_that_is_out_does_not_stop_the_others() {
    let mut world = world(1);
    instance(&mut world, "db", &[("Backup", "Yes")], 2);
    world.set_out(&region(AWAY), true).unwrap();
    let sim = Sim::new(world);
    let report = sim.block_on(run(&sim, &options(Job::Create, &[AWAY, HOME]), &Quiet)).unwrap().unwrap();
    assert_eq!(changes(&report), [("create", 2)].into());
    let said = |f: &&snapwarden_core::decision::Finding| matches!(f.problem, Problem::NotRead { .. });
    assert_eq!(report.findings.iter().filter(said).count(), 3, "what could not be read of {AWAY} is said");
    assert_eq!(report.exit_code(), 2, "and does not look like success");
}

#[test]
fn a_region_that_does_not_exist_is_named() {
    let sim = Sim::new(world(1));
    let error = sim.block_on(run(&sim, &options(Job::Create, &[HOME, "eu-wset-1"]), &Quiet)).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the Region eu-wset-1 does not exist or is not enabled in this account");
}

#[test]
fn a_deadline_leaves_the_rest_to_the_next_run_and_nothing_is_made_twice() {
    let mut world = world(1);
    for n in 0..300 {
        instance(&mut world, &format!("web-{n}"), &BOTH, 2);
    }
    let sim = Sim::new(world);
    let mut wish = options(Job::Create, &[HOME]);
    wish.deadline = Some(sim.with(|world| world.now()) + jiff::SignedDuration::from_secs(10));
    let report = sim.block_on(run(&sim, &wish, &Quiet)).unwrap().unwrap();
    let deferred = report.outcomes.iter().filter(|o| **o == Outcome::Deferred(Deferred::Deadline)).count();
    assert!(deferred > 100 && deferred < 600, "{deferred} of 600 were left");
    assert_eq!(report.exit_code(), 0, "deferred is not failed");
    assert!(report.ended_at <= wish.deadline.unwrap() + jiff::SignedDuration::from_secs(1));
    for _ in 0..2 {
        pass(&sim, 15);
        act(&sim, Job::Create);
    }
    let world = sim.with(|world| world.clone());
    assert_rules(&world, "deadline");
    assert_every_volume_is_backed_up(&world, "deadline");
}

#[test]
fn a_permission_withdrawn_in_the_middle_fails_items_and_says_so() {
    let mut world = world(1);
    instance(&mut world, "db", &[("Backup", "Yes")], 1);
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass_until(&sim, "2026-11-28T04:00:00Z");
    act(&sim, Job::Create);
    pass_until(&sim, "2026-11-29T12:00:00Z");
    sim.with(|world| world.withdraw(None, Action::DeleteSnapshot));
    let report = job(&sim, Job::Expire);
    assert_eq!(report.exit_code(), 2);
    let failed = report.items().find(|(decision, _)| matches!(decision.act, Act::Delete { .. })).unwrap().1.to_string();
    assert!(failed.contains("You are not authorized to perform this operation."), "{failed}");
}

#[test]
fn under_many_faults_at_once_nothing_is_doubled_and_in_the_end_all_is_done() {
    for seed in 0..12 {
        let mut world = world(seed);
        world.config.lag_max_s = 100;
        world.config.page_size = 5;
        world.config.empty_pages = 100;
        world.config.broken_pages = 30;
        (world.config.snapshot_errors, world.config.set_errors) = (100, 100);
        world.config.copy_errors = 150;
        let faults =
            Faults { throttled: 40, never_connected: 20, error_before: 20, error_after: 20, ..Faults::default() };
        world.config.faults = Faults { lost_before: 15, lost_after: 25, ..faults };
        for n in 0..5 {
            instance(&mut world, &format!("db-{n}"), &BOTH, 3);
        }
        let sim = Sim::new(world);
        for _ in 0..30 {
            for which in [Job::Create, Job::Offsite, Job::Expire] {
                if let Some(Ok(report)) = try_job(&sim, which) {
                    assert_eq!(report.violations, []);
                }
                assert_rules(&sim.with(|world| world.clone()), &format!("seed {seed}"));
                pass(&sim, 5);
            }
        }
        sim.with(|world| {
            world.config.faults = Faults::default();
            (world.config.broken_pages, world.config.set_errors) = (0, 0);
            (world.config.snapshot_errors, world.config.copy_errors) = (0, 0);
        });
        pass_until(&sim, "2026-11-23T03:00:00Z");
        act(&sim, Job::Create);
        pass(&sim, 60);
        offsite_until_done(&sim);
        let world = sim.with(|world| world.clone());
        assert_rules(&world, &format!("seed {seed}, after the faults"));
        assert_every_volume_is_backed_up(&world, &format!("seed {seed}, after the faults"));
        // Those that were born while the destination could not be read stay as their volume's newest here.
        let is_left = |tags: &Tags| tags.get(key::OFFSITE_MODE) != Some("KeepLatest");
        let home = region(HOME);
        let left = world.snapshots(&home).filter(|r| r.snapshot.is_completed() && is_left(&r.snapshot.tags));
        assert_eq!(left.count(), 0, "seed {seed}: every source has moved");
    }
}

#[test]
fn a_snapshot_that_a_person_pins_is_in_no_plan_of_any_job() {
    let mut world = world(1);
    instance(&mut world, "db", &BOTH, 1);
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass(&sim, 10);
    let source = sim.with(|w| w.snapshots(&region(HOME)).next().unwrap().snapshot.id.clone());
    let id = ResourceId::Snapshot(source);
    sim.with(|world| world.tag(&region(HOME), &id, "KEEPFOREVER", "").unwrap());
    offsite_until_done(&sim);
    pass_until(&sim, "2028-01-01T00:00:00Z");
    act(&sim, Job::Offsite);
    act(&sim, Job::Expire);
    let left = sim.with(|w| w.snapshots(&region(HOME)).count() + w.snapshots(&region(AWAY)).count());
    assert_eq!(left, 2, "the source, and its copy which carries the pin too");
}

#[test]
fn a_permission_to_list_that_is_missing_does_not_look_like_success() {
    for action in [Action::DescribeInstances, Action::DescribeVolumes, Action::DescribeSnapshots] {
        let mut world = world(1);
        instance(&mut world, "db", &[("Backup", "Yes")], 2);
        world.withdraw(None, action);
        let report = job(&Sim::new(world), Job::Create);
        assert_eq!((changes(&report).len(), report.exit_code()), (0, 2), "{action:?}");
    }
}

#[test]
fn a_volume_whose_limit_is_filled_by_others_is_a_finding_once_the_slot_is_an_hour_old() {
    let mut world = world(1);
    instance(&mut world, "db", &[("Backup", "Yes")], 1);
    let volume = world.volumes(&region(HOME)).next().unwrap().volume.id.clone();
    for _ in 0..5 {
        world.fail_next_snapshot_of(&volume, "made by hand");
        world.snapshot_by_hand(&region(HOME), &volume, &crate::support::tags(&[])).unwrap();
        world.advance_by(120);
    }
    let sim = Sim::new(world);
    let said = |report: &snapwarden_core::report::RunReport| {
        report.findings.iter().any(|f| f.problem == Problem::PendingLimit { pending: 5, limit: 5 })
    };
    let early = job(&sim, Job::Create);
    assert!(early.plan.decisions.iter().any(|d| matches!(d.reason, Reason::PendingLimit { .. })));
    assert!(!said(&early), "it may pass by itself");
    pass(&sim, 60);
    assert!(said(&job(&sim, Job::Create)));
}

#[test]
fn late_tags_that_were_not_written_are_a_finding_until_they_are() {
    let mut world = world(1);
    instance(&mut world, "db", &[("Backup", "Yes")], 2);
    world.withdraw(None, Action::CreateTags);
    let sim = Sim::new(world);
    let report = job(&sim, Job::Create);
    let pending = report.findings.iter().filter(|f| matches!(f.problem, Problem::LateTagsPending { .. })).count();
    assert_eq!((pending, report.exit_code()), (2, 0), "the snapshots are made; what they lack is said");
    sim.with(|world| world.grant(None, Action::CreateTags));
    pass(&sim, 3);
    assert_eq!(changes(&job(&sim, Job::Create)), [("add-tags", 2)].into());
}

#[test]
fn a_destination_that_dies_is_asked_once_and_does_not_hold_up_the_others() {
    let mut world = world(1);
    for n in 0..10 {
        instance(&mut world, &format!("db-{n}"), &BOTH, 1);
    }
    let sim = Sim::new(world);
    act(&sim, Job::Create);
    pass(&sim, 10);
    sim.with(|world| {
        for _ in 0..6 {
            world.order(&region(AWAY), Action::CopySnapshot, None, Ordered::Fault(Fault::NeverConnected));
        }
    });
    let report = job(&sim, Job::Offsite);
    assert_eq!(report.calls[AWAY]["CopySnapshot"], 6, "six tries of the first, none of the others");
    let deferred = report.outcomes.iter().filter(|o| **o == Outcome::Deferred(Deferred::SameAnswer)).count();
    assert_eq!((deferred, report.exit_code()), (9, 2));
}

#[test]
fn a_backup_that_is_late_and_cannot_be_begun_either_is_said_and_one_that_is_begun_is_not() {
    let mut world = world(1);
    instance(&mut world, "db", &[("Backup", "Yes")], 1);
    let sim = Sim::new(world);
    pass_until(&sim, "2026-11-22T10:00:00Z");
    let limit = ApiError::answer(400, "PendingSnapshotLimitExceeded", "Maximum allowed pending snapshots");
    sim.with(|world| world.order(&region(HOME), Action::CreateSnapshot, None, Ordered::Answer(limit)));
    let report = job(&sim, Job::Create);
    let said: Vec<_> = report.findings.iter().map(|finding| finding.problem.to_string()).collect();
    let words = "backups that are late, and that this run could not begin: 1 volume, such as vol-";
    assert!(said.len() == 1 && said[0].starts_with(words), "{said:?}");
    assert_eq!(report.plan.coverage[&region(HOME)].late, 1);
    let report = job(&sim, Job::Create);
    assert_eq!((changes(&report), report.findings.len()), ([("create", 1)].into(), 0));
    assert_eq!(report.plan.coverage[&region(HOME)].late, 0);
}

#[test]
fn a_snapshot_that_takes_no_more_tags_does_not_cost_the_others_their_late_tags() {
    let mut world = world(1);
    for n in 0..3 {
        instance(&mut world, &format!("db-{n}"), &BOTH, 2);
    }
    let sim = Sim::new(world);
    let full = ApiError::answer(400, "TagLimitExceeded", "The maximum number of tags is 50");
    // Once for each three that get equal tags, and once for the first of them alone.
    sim.with(|world| {
        (0..3).for_each(|_| world.order(&region(HOME), Action::CreateTags, None, Ordered::Answer(full.clone())))
    });
    let report = job(&sim, Job::Create);
    let pending = report.findings.iter().filter(|one| matches!(one.problem, Problem::LateTagsPending { .. }));
    assert_eq!(pending.count(), 1, "{:?}", report.findings);
}
