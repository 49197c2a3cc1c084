//! The manager's marks of volumes that are over: in few calls, on ours alone, and said where they cannot be written.
//!
//! The plans are made by hand: what is tested here is what becomes of them.

use jiff::civil::{Date, date};
use snapwarden_core::decision::{Act, Job, Problem};
use snapwarden_core::ids::SnapshotId;
use snapwarden_core::report::{Changed, Deferred, Outcome, RunReport};
use snapwarden_core::tags::key;
use snapwarden_ec2sim::NewVolume;
use snapwarden_ec2sim::face::Sim;

use crate::support::{HOME, document, instance, job, pass, region, tags, without, world, write_marks};

const DONE: Outcome = Outcome::Done { made: None };
const DAY: Date = date(2026, 11, 22);

/// An account with `count` snapshots of ours, of one volume.
fn snapshots(count: usize) -> (Sim, Vec<SnapshotId>) {
    let mut world = world(1);
    let home = region(HOME);
    let volume = world.create_volume(&home, NewVolume::sized("v", 1)).unwrap();
    let mut snapshot = || {
        world.advance_by(600);
        world.snapshot_by_hand(&home, &volume, &tags(&[("Type", "Automated")])).unwrap()
    };
    let made = (0..count).map(|_| snapshot()).collect();
    world.advance_by(3600);
    (Sim::new(world), made)
}

/// What each snapshot's mark says.
fn marks(sim: &Sim, of: &[SnapshotId]) -> Vec<Option<String>> {
    sim.with(|world| {
        let mark = |id| world.snapshot(&region(HOME), id).unwrap().snapshot.tags.get(key::CLOSED).map(str::to_owned);
        of.iter().map(mark).collect()
    })
}

fn all(ids: &[SnapshotId], closed: Option<Date>) -> Vec<(SnapshotId, Option<Date>)> {
    ids.iter().map(|id| (id.clone(), closed)).collect()
}

/// The only calls that changed anything.
fn tag_calls(report: &RunReport) -> u64 {
    let calls: Vec<_> = report.calls.values().flatten().collect();
    assert!(calls.iter().all(|(action, _)| *action == "CreateTags"), "{calls:?}");
    calls.iter().map(|(_, count)| *count).sum()
}

#[test]
fn marks_of_many_snapshots_go_in_one_call() {
    let (sim, made) = snapshots(150);
    let report = write_marks(&sim, document(Job::Expire), &all(&made, Some(DAY)));
    assert_eq!(report.outcomes, vec![DONE; 150]);
    assert_eq!((tag_calls(&report), report.exit_code(), report.findings.len()), (1, 0, 0));
    assert_eq!(marks(&sim, &made), vec![Some("2026-11-22".to_owned()); 150]);
}

#[test]
fn each_day_is_a_call_and_emptying_is_another() {
    let (sim, made) = snapshots(6);
    let (days, emptied) = made.split_at(4);
    let report = write_marks(&sim, document(Job::Expire), &all(emptied, Some(DAY)));
    assert_eq!(tag_calls(&report), 1);
    let plan = [all(&days[..2], Some(DAY)), all(&days[2..], Some(date(2026, 11, 21))), all(emptied, None)].concat();
    let report = write_marks(&sim, document(Job::Expire), &plan);
    assert_eq!((tag_calls(&report), report.exit_code()), (3, 0));
    let said: Vec<_> = marks(&sim, &made).into_iter().map(Option::unwrap).collect();
    assert_eq!(said, ["2026-11-22", "2026-11-22", "2026-11-21", "2026-11-21", "", ""]);
}

#[test]
fn without_the_right_nothing_is_marked_or_deleted_and_one_finding_says_so() {
    let (sim, made) = snapshots(450);
    let before = sim.with(|world| world.truth().regions);
    let report = write_marks(&sim, &without(document(Job::Expire), "MarkClosed"), &all(&made, Some(DAY)));
    assert_eq!((tag_calls(&report), report.exit_code()), (3, 2), "200 in a call, and it does not look like success");
    for outcome in &report.outcomes {
        assert!(matches!(outcome, Outcome::Failed(said) if said.code == "UnauthorizedOperation"), "{outcome}");
    }
    let [finding] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
    assert!(matches!(finding.problem, Problem::MarkNotWritten { snapshots: 450, .. }), "{finding}");
    let text = finding.to_string();
    assert!(
        text.starts_with(HOME) && text.contains("ec2:CreateTags") && text.contains("docs/permissions.md"),
        "{text}"
    );
    assert!(sim.with(|world| world.truth().regions == before), "nothing is marked, and nothing is deleted");
}

#[test]
fn a_snapshot_that_is_gone_since_the_plan_does_not_cost_the_others_their_mark() {
    let (sim, made) = snapshots(3);
    sim.with(|world| world.delete_by_hand(&region(HOME), &made[1]).unwrap());
    sim.with(|world| world.advance_by(3600));
    let report = write_marks(&sim, document(Job::Expire), &all(&made, Some(DAY)));
    assert_eq!(report.outcomes, [DONE, Outcome::Changed(Changed::NotShown), DONE]);
    assert_eq!((report.exit_code(), report.findings.as_slice()), (0, [].as_slice()), "nobody has anything to do");
    let left = [made[0].clone(), made[2].clone()];
    assert_eq!(marks(&sim, &left), vec![Some("2026-11-22".to_owned()); 2]);
}

#[test]
fn a_snapshot_with_no_room_for_a_mark_is_said_and_does_not_cost_the_others_theirs() {
    let (sim, made) = snapshots(3);
    sim.with(|world| {
        for n in 0..49 {
            world.tag(&region(HOME), &made[1].clone().into(), &format!("key-{n}"), "x").unwrap();
        }
    });
    let report = write_marks(&sim, document(Job::Expire), &all(&made, Some(DAY)));
    assert!(matches!(&report.outcomes[..], [DONE, Outcome::Failed(said), DONE] if said.code == "TagLimitExceeded"));
    let [finding] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
    assert!(matches!(finding.problem, Problem::MarkNotWritten { snapshots: 1, .. }), "{finding}");
    let mark = Some("2026-11-22".to_owned());
    assert_eq!((marks(&sim, &made), report.exit_code()), (vec![mark.clone(), None, mark], 2));
}

#[test]
fn where_the_time_is_in_doubt_nothing_is_deleted_or_marked_and_the_run_says_so() {
    let mut world = world(3);
    let _ = instance(&mut world, "web", &[("Backup", "Yes"), ("RetentionDays", "1")], 1);
    let gone = instance(&mut world, "gone", &[("Backup", "Yes"), ("RetentionDays", "1")], 1);
    let sim = Sim::new(world);
    for _ in 0..5 {
        let _ = job(&sim, Job::Create);
        pass(&sim, 24 * 60);
    }
    let volumes = sim.with(|world| {
        let volumes: Vec<_> = world.volumes(&region(HOME)).map(|one| one.volume.id.clone()).collect();
        world.terminate_instance(&region(HOME), &gone).unwrap();
        volumes
    });
    assert_eq!(volumes.len(), 2);
    let doubting = sim.with_time_jump("2030-01-01T00:00:00Z".parse().unwrap(), 0);
    let report = job(&doubting, Job::Expire);
    let changes = |report: &RunReport| report.items().filter(|(one, _)| one.act.is_change()).count();
    let doubted = |outcome: &Outcome| *outcome == Outcome::Deferred(Deferred::TimeInDoubt);
    assert!(report.items().any(|(one, _)| matches!(one.act, Act::Delete { .. })), "{:?}", report.plan.decisions);
    assert!(report.items().any(|(one, _)| matches!(one.act, Act::Mark { .. })));
    assert!(report.items().filter(|(one, _)| one.act.is_change()).all(|(_, outcome)| doubted(outcome)));
    assert_eq!(report.findings.iter().filter(|one| matches!(one.problem, Problem::TimeInDoubt { .. })).count(), 1);
    assert_eq!(report.exit_code(), 2);
    // The next run, whose answers agree, does it.
    let again = job(&sim, Job::Expire);
    assert_eq!((changes(&again), again.exit_code()), (changes(&report), 0));
    assert!(again.items().filter(|(one, _)| one.act.is_change()).all(|(_, outcome)| outcome.is_done()));
}
