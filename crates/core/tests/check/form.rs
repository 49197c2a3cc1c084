//! The form of a plan, and whose moment and account it is of (S10).

use snapwarden_core::check::check;
use snapwarden_core::decision::{Act, Job, Plan};
use snapwarden_core::policy::Config;

use super::*;

fn removable() -> World {
    let source = source("snap-1", "vol-1", AWAY);
    world(NOW).snapshot(source.clone()).region(AWAY).snapshot(copy("snap-c", &source)).region(HOME)
}

fn two_instances() -> (World, Plan) {
    let disks = [("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-2")];
    let world = world(NOW).instance("i-1", &[("Backup", "Yes")], &disks).server("i-2", &[], "vol-3");
    let plan = world.create();
    assert_eq!(plan.groups.len(), 2);
    (world, plan)
}

#[test]
fn good_plans_of_the_planners_are_clean() {
    let (world, plan) = two_instances();
    clean(&plan, &world);
    let world = living().snapshot(expired("snap-1", "vol-1"));
    let plan = world.expire();
    assert_eq!(deleted(&plan), ["snap-1"]);
    clean(&plan, &world);
    let world = removable();
    let plan = world.offsite();
    assert_eq!(deleted(&plan), ["snap-1"]);
    clean(&plan, &world);
}

#[test]
fn without_violations_a_plan_stays_as_it_is() {
    let (_, plan) = two_instances();
    assert_eq!(plan.clone().without(&[]), plan);
}

#[test]
fn a_violation_reads_as_region_rule_and_text() {
    let world = living().snapshot(expired("snap-1", "vol-1").tag("KeepForever", ""));
    assert_eq!(says(&world, &["snap-1"]), ["us-east-1 S2: snap-1 carries KeepForever"]);
}

#[test]
fn form_two_decisions_about_one_subject() {
    let world = living().snapshot(expired("snap-1", "vol-1"));
    caught(&deleting(&world, &["snap-1", "snap-1"]), &world, Rule::Form, &snapshot("snap-1"));
}

#[test]
fn form_an_act_that_is_not_this_jobs() {
    let world = living().snapshot(expired("snap-1", "vol-1"));
    for job in [Job::Create, Job::Offsite] {
        for act in [delete(), Act::Mark { closed: None }, Act::Hold] {
            let plan = plan_of(&world, job, [(region(HOME), snapshot("snap-1"), act)]);
            let violations = check(&plan, &world.inventory, &Config::default());
            assert!(violations.iter().any(|one| one.rule == Rule::Form), "{violations:?}");
        }
    }
    let world = removable();
    let plan = Plan { job: Job::Expire, ..world.offsite() };
    caught(&plan, &world, Rule::Form, &source_of("snap-1"));
    let (world, plan) = two_instances();
    let plan = Plan { job: Job::Expire, ..plan };
    caught(&plan, &world, Rule::Form, &volume("vol-1"));
}

/// The manager deletes, and writes the mark of a volume that is over, and nothing else.
#[test]
fn form_the_manager_adds_no_tags() {
    let world = living().snapshot(expired("snap-1", "vol-1"));
    let act = Act::AddTags { region: region(HOME), snapshot: target("snap-1"), tags: tags(&[("Team", "db")]) };
    let plan = plan_of(&world, Job::Expire, [(region(HOME), snapshot("snap-1"), act)]);
    caught(&plan, &world, Rule::Form, &snapshot("snap-1"));
}

#[test]
fn form_a_region_that_is_not_this_runs() {
    let world = living().snapshot(expired("snap-1", "vol-1"));
    let plan = Plan { regions: vec![region(FAR)], ..deleting(&world, &["snap-1"]) };
    caught(&plan, &world, Rule::Form, &snapshot("snap-1"));
}

#[test]
fn form_an_act_that_does_not_fit_its_subject() {
    let world = removable();
    let plan = world.offsite();
    let bad = acting(plan.clone(), &source_of("snap-1"), Act::Copy { tags: Default::default(), encrypted: false });
    caught(&bad, &world, Rule::Form, &source_of("snap-1"));
    let bad = acting(plan.clone(), &copy_to("snap-1", AWAY), Act::Stamp { value: String::new() });
    caught(&bad, &world, Rule::Form, &copy_to("snap-1", AWAY));
    let remove = Act::RemoveSource { copies: vec![copy_ref("eu-west-1:snap-c")], newest: None };
    caught(&acting(plan, &copy_to("snap-1", AWAY), remove), &world, Rule::Form, &copy_to("snap-1", AWAY));
    let mark = Act::Mark { closed: None };
    let plan = plan_of(&world, Job::Expire, [(region(HOME), source_of("snap-1"), mark)]);
    caught(&plan, &world, Rule::Form, &source_of("snap-1"));
}

#[test]
fn form_a_create_that_belongs_to_no_group() {
    let (world, mut plan) = two_instances();
    plan.groups.retain(|group| group.instance.as_str() != "i-2");
    caught(&plan, &world, Rule::Form, &volume("vol-3"));
}

#[test]
fn a_bad_create_takes_its_whole_instance_with_it_and_leaves_the_others() {
    let (world, plan) = two_instances();
    let world = world.snapshot(ours("snap-1", "vol-1", "2026-11-22", "2026-11-29"));
    let violations = check(&plan, &world.inventory, &Config::default());
    let rest = plan.without(&violations);
    let left: Vec<_> = rest.decisions.iter().map(|decision| decision.subject.clone()).collect();
    assert_eq!(left, [volume("vol-3")]);
    assert_eq!(rest.groups.len(), 1);
}

#[test]
fn s10_a_plan_of_another_moment_or_account_loses_every_act() {
    let (world, plan) = two_instances();
    for bad in [
        Plan { taken_at: time("2026-11-22T04:00:01Z"), ..plan.clone() },
        Plan { account: "999999999999".parse().unwrap(), ..plan.clone() },
    ] {
        let violations = check(&bad, &world.inventory, &Config::default());
        assert_eq!(violations.len(), 1);
        assert_eq!((violations[0].rule, &violations[0].subject), (Rule::S10, &None));
        let rest = bad.without(&violations);
        assert!(rest.groups.is_empty() && !rest.decisions.iter().any(|decision| decision.act.is_change()));
    }
    let world = living().snapshot(expired("snap-1", "vol-1"));
    let expiry = Plan { taken_at: time("2027-11-22T04:00:00Z"), ..deleting(&world, &["snap-1"]) };
    let violations = check(&expiry, &world.inventory, &Config::default());
    assert!(deleted(&expiry.without(&violations)).is_empty());
}
