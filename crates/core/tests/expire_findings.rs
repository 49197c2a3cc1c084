//! What the manager says of snapshots that stay past their day: each finding, its sentence and its count.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::*;
use snapwarden_core::approval::Approval;
use snapwarden_core::decision::{Act, Plan, Problem, Reason};
use snapwarden_core::policy::Config;

/// The findings about an id, as they are said.
fn said(plan: &Plan, id: &str) -> Vec<String> {
    problems(plan, id).iter().map(Problem::to_string).collect()
}

/// Its findings, those alone of which `is_it` holds, as they are said.
fn only(plan: &Plan, is_it: fn(&Problem) -> bool) -> Vec<String> {
    plan.findings.iter().filter(|finding| is_it(&finding.problem)).map(ToString::to_string).collect()
}

/// A volume with a newest that is not due and two that are, of an instance with these tags.
fn server(tagged: Pairs<'_>) -> World {
    world(NOW).server("i-1", tagged, "vol-1").snapshots([
        ours("snap-1", "vol-1", "2026-11-01", "2026-11-08").size(100),
        ours("snap-2", "vol-1", "2026-11-02", "2026-11-09"),
        ours("snap-3", "vol-1", "2026-11-21", "2026-11-28"),
    ])
}

#[test]
fn a_clean_account_has_no_finding() {
    let plan = server(&[]).expire();
    assert_eq!((deleted(&plan), plan.findings.len()), (vec!["snap-1".to_owned(), "snap-2".to_owned()], 0));
}

#[test]
fn a_copy_whose_created_on_is_far_before_its_day_stays_for_ever_and_that_is_said() {
    let edited = |created: &str| {
        let source = ours("snap-1", "vol-1", "2026-11-01", "2026-11-08");
        let copy = copy("snap-c", &source).tag("CreatedOn", created);
        server(&[]).region(AWAY).snapshot(copy).expire()
    };
    assert_eq!(
        said(&edited("2026-01-01"), "snap-c"),
        ["DeleteOn=2026-11-08 has come, but CreatedOn=2026-01-01 says that it was promised more days than it is old. \
          Correct CreatedOn to the day on which it was made"]
    );
    assert_eq!(said(&edited("2026-10-31"), "snap-c"), [""; 0]);
}

#[test]
fn an_approval_that_lets_nothing_go_is_said() {
    let config = |words: &[&str]| {
        let approvals = words.iter().map(|text| text.parse::<Approval>().unwrap()).collect();
        Config { approvals, ..Config::default() }
    };
    let all = ["i-9:2026-11-22:9", "us-east-1:closed:2026-11-22:2", "us-east-1:2026-11-22:9", "eu-west-1:2026-11-22:9"];
    let plan = server(&[]).expire_with(&config(&all));
    assert_eq!(plan.findings.len(), 4);
    assert_eq!(
        said(&plan, "i-9:2026-11-22:9"),
        [
            "--approve i-9:2026-11-22:9 lets nothing go: nothing waits for these words now. Make a plan to see the words of today"
        ]
    );
}

/// Case a1-typo.
#[test]
fn while_a_tag_cannot_be_read_each_run_says_how_many_wait_for_it() {
    let plan = server(&[("RetentionMonths", "24 months"), ("KeepLast", "all")]).expire();
    assert!(deleted(&plan).is_empty());
    assert_eq!(
        said(&plan, "i-1"),
        [
            "KeepLast=\"all\" cannot be read, so nothing of its volumes is deleted; 2 snapshots are waiting. Correct the tag",
            "RetentionMonths=\"24 months\" cannot be read, so nothing of its volumes is deleted; 2 snapshots are waiting. \
             Correct the tag",
        ]
    );
    let instance = "i-1".parse().unwrap();
    let reason = Reason::Mistyped { instance, key: "RetentionMonths".to_owned() };
    assert_eq!(of_snapshot(&plan, "snap-1"), (&Act::Keep, &reason));
    assert_eq!(reason.to_string(), "DeleteOn has come; kept while RetentionMonths of i-1 cannot be read");
    // The tags of sources come first.
    let plan = server(&[("DestinationRetentionDays", "3d")]).expire();
    assert_eq!(said(&plan, "i-1").len(), 1);
    assert!(
        plan.findings[0].to_string().starts_with("us-east-1 i-1: DestinationRetentionDays=\"3d\" cannot be read, ")
    );
}

#[test]
fn while_nothing_waits_for_a_mistyped_tag_the_manager_still_says_so() {
    let plan = world(NOW)
        .server("i-1", &[("RetentionDays", "7d")], "vol-1")
        .snapshot(ours("snap-3", "vol-1", "2026-11-21", "2026-11-28"))
        .expire();
    assert_eq!(
        said(&plan, "i-1"),
        [
            "RetentionDays=\"7d\" cannot be read, so nothing of its volumes is deleted; no snapshot is waiting. Correct the \
          tag"
        ]
    );
}

#[test]
fn what_was_made_while_a_tag_could_not_be_read_is_counted_until_a_person_moves_its_day() {
    let guessed = |id: &str, delete_on: &str| {
        ours(id, "vol-1", "2026-11-20", delete_on).tag("snapwarden:retention", "days=365 mistyped")
    };
    let base = world(NOW).server("i-1", &[], "vol-1");
    let plan = base
        .clone()
        .snapshots([
            guessed("snap-1", "2027-11-20").size(100),
            guessed("snap-2", "2027-11-20"),
            guessed("snap-3", "2026-12-20"),
            guessed("snap-4", "2027-11-20").tag("KeepForever", ""),
        ])
        .expire();
    assert_eq!(
        said(&plan, HOME),
        [
            "made while a tag of retention could not be read, and kept a year or longer: 2 snapshots (108 GiB). Move their \
          DeleteOn if that is too long"
        ]
    );
    assert!(base.snapshot(guessed("snap-3", "2026-12-20")).expire().findings.is_empty());
}

#[test]
fn what_waits_since_not_all_was_read_is_counted_with_what_was_not() {
    let base = server(&[("DestinationRegion", AWAY)]);
    let plan = base.clone().unread(AWAY).expire();
    assert_eq!(
        said(&plan, HOME),
        ["2 snapshots (108 GiB) past DeleteOn and kept: could not read the snapshots of \
          eu-west-1"]
    );
    assert_eq!(said(&plan, AWAY), ["could not list all snapshots: not read. Nothing that depends on them was changed"]);
    let plan = base.instances_gap().volumes_gap().expire();
    assert_eq!(
        said(&plan, HOME)[2..],
        ["2 snapshots (108 GiB) past DeleteOn and kept: could not read the volumes, \
          instances of us-east-1"]
    );
}

/// Case 21.
#[test]
fn instances_that_could_not_be_read_are_said_and_make_the_run_one_that_was_not_whole() {
    let plan = server(&[]).instances_gap().expire();
    assert!(deleted(&plan).is_empty());
    assert_eq!(
        said(&plan, HOME)[0],
        "could not list all instances: RequestExpired. Nothing that depends on them was changed"
    );
    assert_eq!(snapwarden_core::report::exit_code_of_plan(&plan, &[]), 2);
}

/// Case c4-home-unread, where the home is no Region of the account.
#[test]
fn what_waits_for_a_region_that_the_account_does_not_have_is_said_and_the_run_was_whole() {
    let source = expired("snap-1", "vol-1");
    let plan = world(NOW).region(AWAY).snapshot(copy("snap-c", &source).tag("SourceRegion", "ap-south-2")).expire();
    assert_eq!(
        said(&plan, AWAY),
        ["1 snapshot (8 GiB) past DeleteOn and kept: could not read the volumes, instances \
          of ap-south-2"]
    );
    assert_eq!(plan.findings.len(), 1);
    assert_eq!(snapwarden_core::report::exit_code_of_plan(&plan, &[]), 0);
}

#[test]
fn a_record_that_would_say_what_is_in_force_and_cannot_be_read_is_said() {
    let plan = world(NOW)
        .server("i-1", &[], "vol-1")
        .snapshots([
            expired("snap-1", "vol-1"),
            ours("snap-2", "vol-1", "2026-11-21", "2026-11-28").tag("snapwarden:retention", "a week"),
        ])
        .expire();
    assert_eq!(
        said(&plan, HOME),
        ["1 snapshot (8 GiB) past DeleteOn and kept: could not read the tag \
          snapwarden:retention of snap-2. Write the policy that was meant in its tag \
          snapwarden:retention, like \"days=7 weeks=4\""]
    );
}

/// Case c6.
#[test]
fn copies_that_do_not_say_of_which_volume_are_counted_once_a_region() {
    let of = |id: &str, day: &str, delete_on: &str| {
        copy(id, &ours(&format!("{id}0"), "vol-1", day, delete_on)).no_tag("VolumeID").size(20)
    };
    let plan = world(NOW)
        .region(AWAY)
        .snapshots([
            of("snap-a", "2026-11-02", "2026-11-10"),
            of("snap-b", "2026-11-03", "2026-11-10"),
            of("snap-c", "2026-11-20", "2026-11-27"),
        ])
        .expire();
    assert_eq!(
        said(&plan, AWAY),
        [
            "copies that do not say of which volume: 2 snapshots (40 GiB) past DeleteOn and kept, in doubt whose they are. \
          Tag each with VolumeID (and SourceRegion), or delete it by hand"
        ]
    );
    assert!(deleted(&plan).is_empty());
}

#[test]
fn what_is_pinned_past_its_day_is_counted_once_a_region() {
    let pinned = |id: &str| expired(id, "vol-1").tag("keepforever", "No").size(50);
    let young = ours("snap-3", "vol-1", "2026-11-21", "2026-11-28").tag("KeepForever", "");
    let plan = server(&[]).without_snapshots(|_| true).snapshots([pinned("snap-1"), pinned("snap-2"), young]).expire();
    assert_eq!(said(&plan, HOME), ["past DeleteOn and pinned by KeepForever: 2 snapshots (100 GiB)"]);
}

/// Case 09.
#[test]
fn volumes_that_nobody_backs_up_any_more_are_said_with_the_day() {
    let of = |id: &str, volume: &str, day: &str, delete_on: &str| ours(id, volume, day, delete_on).size(10);
    let base = world(NOW)
        .volume("vol-1", &[])
        .instance("i-2", &[], &[("/dev/xvda", "vol-2")])
        .server("i-3", &[], "vol-3")
        .snapshots([
            of("snap-11", "vol-1", "2026-10-01", "2026-10-08"),
            of("snap-12", "vol-1", "2026-11-03", "2026-11-10"),
            of("snap-21", "vol-2", "2026-10-20", "2026-10-27"),
            of("snap-31", "vol-3", "2026-10-01", "2026-10-08"),
        ]);
    let plan = base.clone().expire();
    // Of each the newest stays; the older one of vol-1 goes.
    assert_eq!(deleted(&plan), ["snap-11"]);
    assert_eq!(
        said(&plan, HOME),
        [
            "2 volumes that no instance backs up now (like vol-2), the first since 2026-10-20: 2 snapshots (20 GiB) past \
          DeleteOn and kept. Attach the volume to an instance tagged Backup=Yes, or tag it Backup=No to let them go"
        ]
    );
    let one = base.with_instance("i-2", |instance| instance.tags.set("Backup", "Yes")).expire();
    assert!(
        said(&one, HOME)[0]
            .starts_with("1 volume that no instance backs up now (like vol-1), the first since 2026-11-03")
    );
    assert_eq!(said(&one, HOME).len(), 1);
}

#[test]
fn what_is_not_due_or_over_is_not_said_to_be_backed_up_by_nobody() {
    let young = ours("snap-1", "vol-1", "2026-11-20", "2026-11-27");
    assert!(world(NOW).volume("vol-1", &[]).snapshot(young).expire().findings.is_empty());
    let is_it = |problem: &Problem| matches!(problem, Problem::BackedUpByNobody { .. });
    let over = world(NOW).volume("vol-1", &[("Backup", "No")]).snapshot(expired("snap-1", "vol-1"));
    assert!(only(&over.expire(), is_it).is_empty());
}

/// Case 28.
#[test]
fn snapshots_with_the_tags_of_another_one_are_counted_once_a_region() {
    let wandered = |id: &str| expired(id, "vol-1").at("2026-11-20T00:00:00Z").size(30);
    let base = world(NOW).volume("vol-1", &[]).snapshots([wandered("snap-2"), wandered("snap-1")]);
    let plan = base.clone().expire();
    assert!(plan.decisions.is_empty());
    assert_eq!(
        said(&plan, HOME),
        [
            "snapshots with the tags of another one (like snap-1), so not Snapwarden's: 2 snapshots (60 GiB). Take Type off \
          them, and off the volume that they are of"
        ]
    );
    let elsewhere = snapwarden_core::plan::plan_expire(&base.inventory, &[region(AWAY)], &Config::default());
    assert!(elsewhere.findings.is_empty());
}

#[test]
fn what_cannot_be_read_on_one_snapshot_is_said_of_it() {
    let plan = world(NOW)
        .server("i-1", &[], "vol-1")
        .snapshots([
            ours("snap-1", "vol-1", "2026-10-01", "2026-10-08").tag("DeleteOn", "soon"),
            ours("snap-2", "vol-1", "2026-10-02", "2026-10-09").tag("snapwarden:retention", "a week"),
            ours("snap-3", "vol-1", "2026-10-03", "2026-10-10").tag("snapwarden:in-use", "since Monday"),
            ours("snap-4", "vol-1", "2026-11-14", "2026-11-28").tag("snapwarden:retention", "days=7"),
        ])
        .expire();
    assert_eq!(said(&plan, "snap-1"), ["DeleteOn=\"soon\" is no day, so it is kept for ever; write it as YYYY-MM-DD"]);
    assert_eq!(
        said(&plan, "snap-2"),
        [
            "snapwarden:retention=\"a week\" cannot be read, so it is kept until that is mended. Write the policy that was \
             meant, like \"days=7 weeks=4\", or take the tag off"
        ]
    );
    assert_eq!(
        said(&plan, "snap-3"),
        [
            "snapwarden:in-use=\"since Monday\" cannot be read, so the snapshot is kept; take the tag off if no restore reads \
          from it"
        ]
    );
    assert_eq!(plan.findings.len(), 3);
}

fn config(words: &str) -> Config {
    Config { approvals: vec![words.parse::<Approval>().unwrap()], ..Config::default() }
}

#[test]
fn what_only_the_grace_period_keeps_is_counted_with_the_words_that_let_it_go() {
    let of = |id: &str, day: &str, record: &str| {
        let delete_on = date(day).checked_add(jiff::Span::new().days(7)).unwrap().to_string();
        ours(id, "vol-1", day, &delete_on).tag("snapwarden:retention", record).size(10)
    };
    let before = "days=7 months=6";
    let base = world(NOW).server("i-1", &[], "vol-1").snapshots([
        of("snap-1", "2026-09-01", before),
        of("snap-2", "2026-10-01", before),
        of("snap-3", "2026-11-01", before),
        of("snap-4", "2026-11-20", before),
        of("snap-5", "2026-11-21", "days=7"),
    ]);
    let plan = base.expire();
    assert!(deleted(&plan).is_empty());
    assert_eq!(
        said(&plan, "i-1"),
        [
            "less is kept of its volumes now than before: 3 snapshots (30 GiB) kept by the earlier policy until 2026-11-28 \
          (grace period). Give it the earlier tags to keep them; to delete them now, run expire with --approve i-1:2026-11-22:3"
        ]
    );
    assert_eq!(
        of_snapshot(&plan, "snap-1").1.to_string(),
        "DeleteOn 2026-09-08 has come; until 2026-11-28 (grace period) kept as first of month 2026-09 (3 of 6), by the earlier tags"
    );
    // The oldest first, not more than was read, and the rest is said again.
    let some = base.expire_with(&config("i-1:2026-11-22:2"));
    assert_eq!(deleted(&some), ["snap-1", "snap-2"]);
    assert!(said(&some, "i-1")[0].ends_with("--approve i-1:2026-11-22:1"));
    let before = base.expire_with(&config("i-1:2026-11-20:9"));
    assert_eq!(deleted(&before), [""; 0], "nobody can have read it before it began");
    let all = base.expire_with(&config("i-1:2026-11-22:3"));
    assert_eq!((deleted(&all).len(), said(&all, "i-1").len()), (3, 0));
    // Words for something else let nothing go.
    for other in ["i-2:2026-11-22:9", "us-east-1:2026-11-22:9", "us-east-1:closed:2026-11-22:9"] {
        assert!(deleted(&base.expire_with(&config(other))).is_empty(), "{other}");
    }
}

#[test]
fn what_only_the_closing_days_keep_is_counted_with_the_words_that_let_it_go() {
    let of = |id: &str, volume: &str, day: &str, closed: &str| {
        let delete_on = date(day).checked_add(jiff::Span::new().days(7)).unwrap().to_string();
        let snap = ours(id, volume, day, &delete_on).tag("snapwarden:retention", "days=7 weeks=2").size(10);
        if closed.is_empty() { snap } else { snap.tag("snapwarden:closed", closed) }
    };
    let base = world(NOW).snapshots([
        of("snap-11", "vol-1", "2026-09-28", ""),
        of("snap-12", "vol-1", "2026-10-05", "2026-11-01"),
        of("snap-21", "vol-2", "2026-10-05", "2026-11-10"),
    ]);
    let plan = base.expire();
    assert!(deleted(&plan).is_empty());
    assert_eq!(
        said(&plan, HOME),
        [
            "volumes gone or tagged Backup=No: 3 snapshots (30 GiB) kept only for the closing days, the first until 2026-12-02. To delete \
          them now, run expire with --approve us-east-1:closed:2026-11-22:3"
        ]
    );
    assert_eq!(
        of_snapshot(&plan, "snap-11").1.to_string(),
        "DeleteOn 2026-10-05 has come; its volume is gone or Backup=No: until 2026-12-02 kept as first of week 2026-W40 (2 of 2)"
    );
    let all = base.expire_with(&config("us-east-1:closed:2026-11-22:3"));
    assert_eq!((deleted(&all).len(), said(&all, HOME).len()), (3, 0));
    // The word for a mass expiry never ends them, nor does one for an instance or for another Region.
    for other in ["us-east-1:2026-11-22:9", "i-1:2026-11-22:9", "eu-west-1:closed:2026-11-22:9"] {
        assert!(deleted(&base.expire_with(&config(other))).is_empty(), "{other}");
    }
}

#[test]
fn the_word_for_the_closing_days_never_lets_a_mass_expiry_go() {
    let due = |n: usize| {
        ours(&format!("snap-{n}"), &format!("vol-{n}"), "2026-09-01", "2026-09-08")
            .tag("snapwarden:closed", "2026-10-01")
    };
    let base = world(NOW).snapshots((0..30).map(due));
    for (words, gone) in [("us-east-1:closed:2026-11-22:99", 0), ("us-east-1:2026-11-22:99", 30)] {
        assert_eq!(deleted(&base.expire_with(&config(words))).len(), gone, "{words}");
    }
}

#[test]
fn the_fleet_whose_volumes_live_a_day_has_one_finding_a_region() {
    let of = |record: &'static str| {
        move |n: usize| {
            let snap = ours(&format!("snap-{n}"), &format!("vol-{n}"), "2026-11-01", "2026-11-08").size(10);
            snap.tag("snapwarden:retention", record).tag("snapwarden:closed", "2026-11-02")
        }
    };
    let plan = world(NOW).snapshots((0..300).map(of("days=7"))).expire();
    assert_eq!(plan.findings.len(), 1);
    assert_eq!(
        said(&plan, HOME),
        [
            "volumes gone or tagged Backup=No: 300 snapshots (3000 GiB) kept only for the closing days, the first until 2026-12-03. To \
          delete them now, run expire with --approve us-east-1:closed:2026-11-22:300"
        ]
    );
    // Its tiers go on for months, by the calendar.
    let plan = world(NOW).snapshots((0..300).map(of("days=7 months=12"))).expire();
    assert_eq!(plan.findings.len(), 1);
    assert_eq!(
        said(&plan, HOME),
        [
            "volumes gone or tagged Backup=No: 300 snapshots (3000 GiB) of 300 volumes, such as vol-0, kept by the policies in \
             force. They go as time goes on, and nothing is to be done; snapwarden explain vol-0 shows what keeps each"
        ]
    );
    assert_eq!(
        of_snapshot(&plan, "snap-0").1.to_string(),
        "DeleteOn 2026-11-08 has come; kept as first of month 2026-11 (1 of 12), by the policy recorded on snap-0, the newest"
    );
}
