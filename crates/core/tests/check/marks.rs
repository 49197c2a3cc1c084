//! S12 of volumes that are over: for thirty days after the mark they are judged as open; and the mark itself.

use snapwarden_core::check::check;

use super::*;

const LAST: &str = "for a while yet, it is the last good one here";
const TODAY: &str = "2026-11-22";

/// Of the first of October, long due, with a mark.
fn marked(day: &str) -> Snap {
    ours("snap-1", "vol-1", "2026-10-01", "2026-10-08").tag("snapwarden:closed", day)
}

/// The volume is gone, and nobody has it.
fn gone(day: &str) -> World {
    world(NOW).snapshot(marked(day))
}

#[test]
fn a_volume_that_is_gone_keeps_its_last_good_one_until_thirty_days_after_the_mark() {
    stays(&world(NOW).snapshot(ours("snap-1", "vol-1", "2026-10-01", "2026-10-08")), "snap-1", Rule::S12, LAST);
    stays(&gone("2026-10-23"), "snap-1", Rule::S12, LAST);
    may_go(&gone("2026-10-22"), &["snap-1"]);
    may_go(&gone("2026-10-01"), &["snap-1"]);
    let ten = Config { closing_days: 10, ..Config::default() };
    stays_with(&ten, &gone("2026-11-12"), "snap-1", Rule::S12, LAST);
    assert_eq!(says_with(&ten, &gone("2026-11-11"), &["snap-1"]), Vec::<String>::new());
    let never = Config { closing_days: u32::MAX, ..Config::default() };
    stays_with(&never, &gone("2026-10-01"), "snap-1", Rule::S12, LAST);
}

#[test]
fn a_mark_counts_from_the_day_of_the_newest_data_up_to_today() {
    for none in ["", "2026-09-30", "2027-10-22", "2026-11-23", "yes", "2026-10-22T00:00:00Z", "0000-00-00"] {
        stays(&gone(none), "snap-1", Rule::S12, LAST);
    }
    // Wherever the newest data is; on whichever snapshot here the mark is.
    let copied = |day: &str| {
        gone("2026-10-22").region(AWAY).snapshot(copy("snap-c", &ours("snap-0", "vol-1", day, "2026-11-09")))
    };
    may_go(&copied("2026-10-22"), &["snap-1"]);
    stays(&copied("2026-10-23"), "snap-1", Rule::S12, LAST);
    let pending = gone("2026-10-22").snapshot(ours("snap-2", "vol-1", "2026-11-02", "2026-11-09").pending());
    may_go(&pending, &["snap-1"]);
    let older = gone("2026-11-22")
        .snapshot(ours("snap-0", "vol-1", "2026-09-01", "2026-09-08").tag("snapwarden:closed", "2026-10-10"));
    stays(&older, "snap-1", Rule::S12, LAST);
    let older =
        gone("").snapshot(ours("snap-0", "vol-1", "2026-09-01", "2026-09-08").tag("snapwarden:closed", "2026-10-10"));
    may_go(&older, &["snap-0", "snap-1"]);
    // Each Region has its own.
    let there = |copy: Snap| gone("2026-10-22").region(AWAY).snapshot(copy);
    let of = copy("snap-c", &ours("snap-0", "vol-1", "2026-10-01", "2026-10-08"));
    stays(&there(of.clone()), "snap-c", Rule::S12, LAST);
    may_go(&there(of.tag("snapwarden:closed", "2026-10-22")), &["snap-1", "snap-c"]);
}

#[test]
fn a_volume_that_is_left_out_is_over_as_well() {
    let account = |volume: Pairs<'_>, first: &'static str, second: &'static str| {
        let world = world(NOW).volume("vol-1", volume).snapshot(marked("2026-10-22"));
        let world = world.instance("i-1", &[("Backup", first)], &[("/dev/xvda", "vol-1")]);
        world.instance("i-2", &[("Backup", second)], &[("/dev/sdf", "vol-1")])
    };
    may_go(&account(&[("Backup", "No")], "Yes", "Yes"), &["snap-1"]);
    may_go(&account(&[("Backup", " nO ")], "Yes", "Yes"), &["snap-1"]);
    may_go(&account(&[], "No", "no"), &["snap-1"]);
    stays(&account(&[], "No", "Yes"), "snap-1", Rule::S6, "the last good one");
    stays(&account(&[], "No", ""), "snap-1", Rule::S6, "the last good one");
    stays(&account(&[("Backup", "Yes")], "Yes", "Yes"), "snap-1", Rule::S6, "the last good one");
    // An instance that is going does not speak for it, and none is none that says No.
    let ending = account(&[], "No", "Yes").with_instance("i-2", |instance| {
        instance.state = snapwarden_core::inventory::InstanceState::ShuttingDown;
    });
    may_go(&ending, &["snap-1"]);
    let detached = world(NOW).volume("vol-1", &[]).snapshot(marked("2026-10-22"));
    stays(&detached, "snap-1", Rule::S6, "the last good one");
    // One that is not listed but that an instance has is not gone.
    let unlisted = world(NOW).snapshot(marked("2026-10-22")).instance("i-1", &[], &[("/dev/xvda", "vol-1")]);
    stays(&unlisted.without_volume("vol-1"), "snap-1", Rule::S6, "the last good one");
}

/// An open history counts the periods that have a snapshot; a closed one those of the calendar, so that it ends.
#[test]
fn when_it_is_closed_tiers_are_of_the_calendar_and_the_newest_so_many_end() {
    let account = |record: &str, day: &str| {
        let old = ours("snap-0", "vol-1", "2026-09-01", "2026-09-08").tag("snapwarden:retention", record);
        gone(day).snapshot(old).snapshots([])
    };
    let with = |record: &str, day: &str| {
        let newest = marked(day).tag("snapwarden:retention", record);
        world(NOW).snapshots([newest, ours("snap-0", "vol-1", "2026-09-01", "2026-09-08")])
    };
    stays(&account("days=7 weeks=2", "2026-11-01"), "snap-0", Rule::S12, "the newest 2 weeks");
    may_go(&account("days=7 weeks=2", "2026-10-01"), &["snap-0", "snap-1"]);
    // The first of October is in week 40, the last of September in week 36, now it is week 47.
    stays(&with("days=7 weeks=8", "2026-10-01"), "snap-1", Rule::S3, "the newest 8 weeks");
    may_go(&with("days=7 weeks=8", "2026-10-01"), &["snap-0"]);
    may_go(&with("days=7 weeks=7", "2026-10-01"), &["snap-0", "snap-1"]);
    stays(&with("days=7 months=3", "2026-10-01"), "snap-0", Rule::S3, "the newest 3 months");
    may_go(&with("days=7 months=2", "2026-10-01"), &["snap-0"]);
    stays(&with("days=7 years=1", "2026-10-01"), "snap-0", Rule::S3, "the newest 1 years");
    stays(&with("days=7 last=2", "2026-11-01"), "snap-0", Rule::S12, "one of the newest 2");
    may_go(&with("days=7 last=2", "2026-10-01"), &["snap-0", "snap-1"]);
    let days = with("days=60 weeks=1", "2026-10-01");
    let old = days.snapshot(made("2026-09-24", "days=7").tag("DeleteOn", "2026-10-01"));
    stays(&old, "snap-2026-09-24", Rule::S3, "it is kept for 60 days");
}

/// Until the thirty days have passed every promise counts, and the instance that is named.
#[test]
fn what_any_snapshot_and_the_named_instance_ask_for_counts_until_the_thirty_days_have_passed() {
    let account = |day: &str| {
        let old = ours("snap-0", "vol-1", "2026-09-01", "2026-09-08").tag("snapwarden:retention", "days=7 weeks=99");
        let plain = ours("snap-2", "vol-1", "2026-09-28", "2026-10-05").tag("snapwarden:retention", "days=7");
        gone(day).snapshots([old, plain])
    };
    stays(&account("2026-11-01"), "snap-0", Rule::S12, "the newest 99 weeks");
    may_go(&account("2026-10-01"), &["snap-0"]);
    let named = |day: &str| {
        let old = ours("snap-0", "vol-1", "2026-09-01", "2026-09-08");
        gone(day).snapshot(old).server("i-1", &[("RetentionWeeks", "99")], "vol-2")
    };
    stays(&named("2026-11-01"), "snap-0", Rule::S12, "the newest 99 weeks");
    may_go(&named("2026-10-01"), &["snap-0"]);
    let odd = |day: &str| {
        gone(day).snapshot(ours("snap-0", "vol-1", "2026-09-01", "2026-09-08").tag("snapwarden:retention", "x"))
    };
    let plain = |id: &str, day: &str| ours(id, "vol-1", day, "2026-09-10").tag("snapwarden:retention", "days=7");
    let since = |day: &str| odd(day).snapshots([plain("snap-2", "2026-09-02"), plain("snap-3", "2026-09-03")]);
    stays(&since("2026-11-01"), "snap-3", Rule::S7, "the record of snap-0");
    may_go(&since("2026-10-01"), &["snap-3"]);
}

/// `REGION:closed:DAY:COUNT` ends the thirty days, and nothing else does.
#[test]
fn a_person_may_end_the_thirty_days_in_a_region() {
    let two = || gone("2026-11-01").snapshot(ours("snap-0", "vol-1", "2026-09-01", "2026-09-08"));
    let closed = |words: &str| {
        says_with(
            &approving(&[words]),
            &two().snapshot(ours("snap-2", "vol-2", "2026-10-02", "2026-10-09").tag("snapwarden:closed", "2026-11-02")),
            &["snap-0", "snap-1", "snap-2"],
        )
    };
    assert_eq!(closed("us-east-1:closed:2026-11-22:2"), Vec::<String>::new(), "the last good ones");
    assert_eq!(closed("us-east-1:closed:2026-11-22:1").len(), 1);
    // Of what was marked on that day or later, or is not marked yet, nobody has read.
    assert_eq!(closed("us-east-1:closed:2026-11-03:9").len(), 0);
    assert_eq!(closed("us-east-1:closed:2026-11-02:9").len(), 1);
    // Nor of what was not due.
    let later =
        world(NOW).snapshot(ours("snap-1", "vol-1", "2026-11-01", "2026-11-10").tag("snapwarden:closed", "2026-11-02"));
    let due = |words: &str| says_with(&approving(&[words]), &later, &["snap-1"]).len();
    assert_eq!((due("us-east-1:closed:2026-11-10:9"), due("us-east-1:closed:2026-11-09:9")), (0, 1));
    stays_with(&approving(&["us-east-1:closed:2026-11-22:9"]), &gone(""), "snap-1", Rule::S12, LAST);
    for other in ["eu-west-1:closed:2026-11-22:9", "us-east-1:2026-11-22:9", "i-1:2026-11-22:9"] {
        assert_eq!(closed(other).len(), 2, "{other}");
    }
    // Of two that hold the last good data one is counted.
    let twins = two().snapshot(ours("snap-9", "vol-1", "2026-10-01", "2026-10-08"));
    let twins = |words: &str| says_with(&approving(&[words]), &twins, &["snap-0", "snap-1", "snap-9"]);
    assert_eq!(twins("us-east-1:closed:2026-11-22:1"), Vec::<String>::new());
    assert_eq!(
        twins("us-east-1:closed:2026-10-07:1"),
        [format!("us-east-1 S12: snap-9: {LAST}, and nobody approved less")]
    );
    // What the calendar still wants stays.
    let wanted = world(NOW).snapshot(marked("2026-11-01").tag("snapwarden:retention", "days=7 weeks=8"));
    stays_with(&approving(&["us-east-1:closed:2026-11-22:9"]), &wanted, "snap-1", Rule::S3, "the newest 8 weeks");
    // What would need both words is let go by neither.
    let lost = world(NOW).snapshots([
        ours("snap-0", "vol-1", "2026-11-01", "2026-11-08").tag("snapwarden:retention", "days=7 weeks=9"),
        ours("snap-1", "vol-1", "2026-11-02", "2026-11-09").tag("snapwarden:retention", "days=7 weeks=9"),
        ours("snap-2", "vol-1", "2026-11-20", "2026-11-27")
            .tag("snapwarden:retention", "days=7")
            .tag("snapwarden:closed", "2026-11-20"),
    ]);
    let needs = |words: &[&str]| says_with(&approving(words), &lost, &["snap-0"]).len();
    assert_eq!(needs(&[]), 1);
    assert_eq!(needs(&["i-1:2026-11-22:1"]), 1);
    assert_eq!(needs(&["us-east-1:closed:2026-11-22:1"]), 1);
    assert_eq!(needs(&["i-1:2026-11-22:1", "us-east-1:closed:2026-11-22:1"]), 1);
}

// The mark itself.

fn marking(world: &World, closed: Option<&str>) -> Plan {
    let act = Act::Mark { closed: closed.map(date) };
    plan_of(world, Job::Expire, [(place_of(world, "snap-1"), snapshot("snap-1"), act)])
}

fn why_not(world: &World, closed: Option<&str>) -> Option<String> {
    let plan = marking(world, closed);
    let violations = check(&plan, &world.inventory, &Config::default());
    assert!(violations.len() <= 1, "{violations:?}");
    violations.first().map(|one| {
        caught(&plan, world, Rule::S12, &snapshot("snap-1"));
        one.text.strip_prefix("snap-1 is not to be marked: ").unwrap().to_owned()
    })
}

#[test]
fn a_mark_says_today_and_of_a_volume_that_is_known_to_be_over() {
    let old = || ours("snap-1", "vol-1", "2026-10-01", "2026-10-08");
    let lives = "its volume is not over";
    let unknown = "whether its volume is over was not read";
    for over in [
        world(NOW).snapshot(old()),
        world(NOW).snapshot(old()).volume("vol-1", &[("Backup", "No")]),
        world(NOW).snapshot(old()).volume("vol-1", &[("Backup", "No")]).instances_gap(),
        world(NOW).snapshot(old()).instance("i-1", &[("Backup", "no")], &[("/dev/xvda", "vol-1")]),
        world(NOW).region(AWAY).snapshot(copy("snap-1", &old())),
    ] {
        assert_eq!(why_not(&over, Some(TODAY)), None);
        assert_eq!(why_not(&over, Some("2026-11-21")).as_deref(), Some("the day is not today"));
        assert_eq!(why_not(&over, Some("2026-11-23")).as_deref(), Some("the day is not today"));
        assert_eq!(why_not(&over, None).as_deref(), Some("its volume is over"));
    }
    for living in [
        world(NOW).snapshot(old()).volume("vol-1", &[]),
        world(NOW).snapshot(old()).server("i-1", &[], "vol-1"),
        world(NOW).snapshot(old()).server("i-1", &[], "vol-1").instances_gap(),
        world(NOW).snapshot(old()).server("i-1", &[], "vol-1").without_volume("vol-1"),
        world(NOW)
            .server("i-1", &[], "vol-1")
            .region(AWAY)
            .snapshot(copy("snap-1", &old()).no_tag("SourceRegion"))
            .unread(FAR),
    ] {
        assert_eq!(why_not(&living, Some(TODAY)).as_deref(), Some(lives));
        assert_eq!(why_not(&living, None), None);
    }
    for unread in [
        world(NOW).snapshot(old()).volumes_gap(),
        world(NOW).snapshot(old()).instances_gap(),
        world(NOW).snapshot(old()).volume("vol-1", &[]).instances_gap(),
        world(NOW).region(AWAY).snapshot(copy("snap-1", &old())).unread(HOME),
        world(NOW).region(AWAY).snapshot(copy("snap-1", &old()).tag("SourceRegion", "mars-1")),
        world(NOW).region(AWAY).snapshot(copy("snap-1", &old()).no_tag("SourceRegion")).unread(FAR),
        world(NOW).region(AWAY).snapshot(copy("snap-1", &old()).no_tag("VolumeID")),
    ] {
        assert_eq!(why_not(&unread, Some(TODAY)).as_deref(), Some(unknown));
        assert_eq!(why_not(&unread, None).as_deref(), Some(unknown));
    }
    for bad in [old().pending(), old().failed("internal error")] {
        assert_eq!(why_not(&world(NOW).snapshot(bad), Some(TODAY)).as_deref(), Some("it has not completed"));
    }
}
