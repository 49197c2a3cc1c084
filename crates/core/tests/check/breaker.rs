//! S9: a large expiry waits for a person.

use snapwarden_core::check::check;

use super::*;

/// Thirty that have expired, each of a volume of its own that has a newer one, which is not managed here.
fn many() -> World {
    let each = |world: World, n: u32| {
        let volume = format!("vol-{n}");
        let newer = ours(&format!("snap-n{n}"), &volume, "2026-11-21", "2026-11-28");
        world.volume(&volume, &[]).snapshots([expired(&format!("snap-{n:02}"), &volume), newer.tag("KeepForever", "")])
    };
    (0..30).fold(world(NOW), each)
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("snap-{n:02}")).collect()
}

fn all_deleted(world: &World) -> Plan {
    let ids = ids(30);
    deleting(world, &ids.iter().map(String::as_str).collect::<Vec<_>>())
}

fn found(plan: &Plan, world: &World, words: &[&str]) -> usize {
    let violations = check(plan, &world.inventory, &approving(words));
    assert!(violations.iter().all(|one| one.rule == Rule::S9), "{violations:?}");
    violations.len()
}

#[test]
fn s9_a_large_expiry_that_nobody_approved() {
    let plan = all_deleted(&many());
    caught(&plan, &many(), Rule::S9, &snapshot("snap-00"));
    let violations = check(&plan, &many().inventory, &Config::default());
    assert_eq!(violations[0].text, "snap-00: one of 30 deletes among 30, not approved");
    let mut held = plan;
    held.decisions.iter_mut().for_each(|decision| decision.act = Act::Hold);
    clean(&held, &many());
    caught(&acting(held, &snapshot("snap-07"), delete()), &many(), Rule::S9, &snapshot("snap-07"));
}

#[test]
fn s9_an_approval_covers_its_region_its_count_and_its_day_only() {
    let plan = all_deleted(&many());
    let found = |words: &str| found(&plan, &many(), &[words]);
    assert_eq!(found("us-east-1:2026-11-22:30"), 0);
    assert_eq!(found("us-east-1:2026-11-22:29"), 1);
    assert_eq!(found("us-east-1:2026-11-08:412"), 0);
    assert_eq!(found("us-east-1:2026-11-07:412"), 30);
    assert_eq!(found("eu-west-1:2026-11-22:412"), 30);
    assert_eq!(found("us-east-1:closed:2026-11-22:412"), 30);
    assert_eq!(found("i-1:2026-11-22:412"), 30);
    caught_with(&approving(&["us-east-1:2026-11-22:10"]), &plan, &many(), Rule::S9, &snapshot("snap-29"));
}

#[test]
fn s9_what_is_not_managed_or_pinned_does_not_hide_a_large_expiry() {
    let other = |n: u32| expired(&format!("snap-x{n}"), "vol-x");
    let unmanaged: [fn(Snap) -> Snap; 6] = [
        |s| s.tag("aws:dlm:managed", ""),
        |s| s.tag("aws:backup:source-resource", ""),
        |s| s.owner("999999999999"),
        |s| s.tag("Type", "Manual"),
        |s| s.at("2026-11-20T03:00:00Z"),
        |s| s.tag("keepforever", "No"),
    ];
    for unmanage in unmanaged {
        let hidden = many().snapshots((0..60).map(|n| unmanage(other(n))));
        caught(&all_deleted(&hidden), &hidden, Rule::S9, &snapshot("snap-00"));
    }
}

#[test]
fn s9_half_of_what_is_managed_goes_unasked_and_one_more_does_not() {
    let kept = |n: u32| ours(&format!("snap-k{n}"), &format!("vol-k{n}"), "2026-11-20", "2026-12-20");
    let half = many().snapshots((0..30).map(kept));
    assert_eq!(found(&all_deleted(&half), &half, &[]), 0);
    let more = many().snapshots((0..29).map(kept));
    assert_eq!(found(&all_deleted(&more), &more, &[]), 30);
}

#[test]
fn s9_twenty_five_go_unasked_and_one_more_does_not() {
    let first = |count: usize| {
        let plan = all_deleted(&many());
        let named = ids(count);
        let is_one = |subject: &Subject| named.iter().any(|id| snapshot(id) == *subject);
        let decisions = plan.decisions.iter().filter(|decision| is_one(&decision.subject)).cloned().collect();
        Plan { decisions, ..plan }
    };
    assert_eq!(found(&first(25), &many(), &[]), 0);
    assert_eq!(found(&first(26), &many(), &[]), 26);
}
