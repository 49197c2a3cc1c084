use super::*;
use crate::call::Action;
use crate::faults::{Fault, Faults, Ordered};
use crate::world::{Outcome, Stop};

/// What becomes of a CreateSnapshot under a fault: the error, and whether the snapshot is there.
fn under(fault: Fault) -> (ApiError, bool) {
    let mut world = world();
    let volume = volume(&mut world, "data");
    world.order(&here(), Action::CreateSnapshot, Some(volume.as_str()), Ordered::Fault(fault));
    let error = create(&mut world, &volume).unwrap_err();
    let made = world.snapshots(&here()).count() == 1;
    let entry = world.log().last().unwrap();
    assert_eq!((entry.effect, entry.made.len()), (made, usize::from(made)), "the log knows the truth");
    assert_eq!(entry.outcome, Outcome::Failed(error.clone()));
    (error, made)
}

#[test]
fn every_fault_says_what_a_caller_can_know() {
    let lost = |error: &ApiError| matches!(error, ApiError::NoAnswer(_));
    let (error, made) = under(Fault::Throttled);
    assert_eq!((error, made), (ApiError::answer(503, "RequestLimitExceeded", "Request limit exceeded."), false));
    let (error, made) = under(Fault::NeverConnected);
    assert!(matches!(error, ApiError::NeverConnected(_)) && !made);
    let internal = ApiError::answer(500, "InternalError", "An internal error has occurred");
    assert_eq!(under(Fault::ErrorBefore), (internal.clone(), false));
    assert_eq!(under(Fault::ErrorAfter), (internal, true));
    let (error, made) = under(Fault::LostBefore);
    assert!(lost(&error) && !made);
    let (error, made) = under(Fault::LostAfter);
    assert!(lost(&error) && made);
}

#[test]
fn an_order_hits_the_call_it_names_and_once() {
    let mut world = world();
    let (a, b) = (volume(&mut world, "a"), volume(&mut world, "b"));
    let refusal = ApiError::answer(400, "SnapshotLocked", "no");
    world.order(&here(), Action::CreateSnapshot, Some(b.as_str()), Ordered::Answer(refusal.clone()));
    create(&mut world, &a).unwrap();
    assert_eq!(create(&mut world, &b), Err(refusal));
    create(&mut world, &b).unwrap();
}

#[test]
fn drawn_faults_come_in_about_their_ratio_and_a_retry_draws_anew() {
    let mut world = world();
    world.config.rate_limits = false;
    world.config.faults = Faults { throttled: 300, ..Faults::default() };
    let results: Vec<bool> = (0..1_000).map(|_| call(&mut world, &here(), Call::DescribeRegions).is_err()).collect();
    let failed = results.iter().filter(|failed| **failed).count();
    assert!((250..350).contains(&failed), "{failed}");
    world.config.faults = Faults::default();
    assert!(call(&mut world, &here(), Call::DescribeRegions).is_ok());
}

#[test]
fn draws_do_not_depend_on_the_order_of_arrival() {
    let outcomes = |names: [&str; 2]| {
        let mut world = world();
        world.config.faults = Faults { error_before: 500, ..Faults::default() };
        let volumes: std::collections::BTreeMap<&str, VolumeId> =
            ["a", "b"].into_iter().map(|name| (name, volume(&mut world, name))).collect();
        let mut outcomes = std::collections::BTreeMap::new();
        for _ in 0..10 {
            for name in names {
                outcomes.entry(name.to_owned()).or_insert_with(Vec::new).push(create(&mut world, &volumes[name]));
            }
            world.advance_by(100);
        }
        outcomes
    };
    assert_eq!(outcomes(["a", "b"]), outcomes(["b", "a"]));
}

#[test]
fn a_region_that_is_out_cannot_be_reached_until_it_is_back() {
    let mut world = world();
    world.set_out(&here(), true).unwrap();
    assert!(matches!(call(&mut world, &here(), Call::GetCallerIdentity), Err(ApiError::NeverConnected(_))));
    assert!(call(&mut world, &there(), Call::GetCallerIdentity).is_ok());
    world.set_out(&here(), false).unwrap();
    assert!(call(&mut world, &here(), Call::GetCallerIdentity).is_ok());
    assert!(matches!(
        call(&mut world, &"mars-1".parse().unwrap(), Call::GetCallerIdentity),
        Err(ApiError::NeverConnected(_))
    ));
}

#[test]
fn what_is_denied_or_withdrawn_is_not_authorised() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let refused = ApiError::answer(403, "UnauthorizedOperation", "You are not authorized to perform this operation.");
    let mut principal = Principal::of(world.account().clone());
    principal.deny.insert(Action::DescribeRegions);
    assert_eq!(world.call(&principal, &here(), Call::DescribeRegions), Err(refused.clone()));
    assert!(call(&mut world, &here(), Call::DescribeRegions).is_ok(), "another principal may");

    world.withdraw(Some(&here()), Action::CreateSnapshot);
    assert_eq!(create(&mut world, &volume), Err(refused.clone()));
    world.grant(Some(&here()), Action::CreateSnapshot);
    create(&mut world, &volume).unwrap();
    world.withdraw(None, Action::DescribeRegions);
    assert_eq!(call(&mut world, &there(), Call::DescribeRegions), Err(refused));
}

#[test]
fn a_dry_run_says_whether_the_call_would_be_allowed() {
    let mut world = world();
    let principal = Principal::of(world.account().clone());
    let delete = Call::DeleteSnapshot { snapshot: "snap-1".parse().unwrap() };
    let would = world.dry_run(&principal, &here(), &delete);
    assert!(matches!(&would, ApiError::Answer { status: 412, code, .. } if code == "DryRunOperation"), "{would}");
    world.withdraw(None, Action::DeleteSnapshot);
    assert_eq!(world.dry_run(&principal, &here(), &delete).code(), Some("UnauthorizedOperation"));
}

#[test]
fn the_request_rate_is_limited_by_region_and_action() {
    let mut world = world();
    let delete_one = |world: &mut World, region: &Region| code(delete(world, region, &"snap-1".parse().unwrap()));
    for _ in 0..100 {
        assert_eq!(delete_one(&mut world, &here()), "InvalidSnapshot.NotFound");
    }
    assert_eq!(delete_one(&mut world, &here()), "RequestLimitExceeded");
    assert_eq!(delete_one(&mut world, &there()), "InvalidSnapshot.NotFound");
    world.advance_by(1);
    let passed = (0..10).filter(|_| delete_one(&mut world, &here()) == "InvalidSnapshot.NotFound").count();
    assert_eq!(passed, 5);
    world.config.rate_limits = false;
    assert_eq!(delete_one(&mut world, &here()), "InvalidSnapshot.NotFound");
}

#[test]
fn calls_are_counted_and_logged() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    let id = create(&mut world, &volume).unwrap();
    create(&mut world, &volume).unwrap_err();
    assert_eq!(world.counts()[&(here(), Action::CreateSnapshot)], 2);
    let entry = &world.log()[0];
    assert_eq!((entry.at, &entry.region, entry.action), (world.now(), &here(), Action::CreateSnapshot));
    assert_eq!((&entry.subjects, &entry.made, &entry.outcome), (&vec![volume.to_string()], &vec![id], &Outcome::Done));
    assert!(matches!(&world.log()[1].outcome, Outcome::Failed(error) if error.code().is_some()));
    assert_eq!(world.take_log().len(), 2);
    assert!(world.log().is_empty());
}

#[test]
fn a_kill_happens_at_its_call_with_or_without_its_effect() {
    for effect in [true, false] {
        let mut world = world();
        let volumes: Vec<_> = ["a", "b", "c"].map(|name| volume(&mut world, name)).into();
        world.set_stop(Some(Stop { at_call: 1, effect }));
        create(&mut world, &volumes[0]).unwrap();
        assert!(!world.is_killed());
        assert!(matches!(create(&mut world, &volumes[1]), Err(ApiError::NoAnswer(_))));
        assert!(world.is_killed());
        assert!(matches!(create(&mut world, &volumes[2]), Err(ApiError::NoAnswer(_))), "no further call happens");
        assert_eq!(world.snapshots(&here()).count(), if effect { 2 } else { 1 });
        assert_eq!(world.log().len(), if effect { 2 } else { 1 });
        world.set_stop(None);
        create(&mut world, &volumes[2]).unwrap();
    }
}
