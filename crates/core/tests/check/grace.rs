//! S12: what was asked for until less than seven full days ago, by tags, instances and destinations, is still kept.

use snapwarden_core::inventory::{InstanceState, SnapshotState};

use super::*;

const WEEKS: &str = "days=7 weeks=9";
const GRACE: &str = "for a while yet, it is the first of one of the newest 9 weeks, and nobody approved less";
/// The first of its week, promised nine of them.
const OLD: &str = "snap-2026-11-02";

/// Promised nine weeks until the 14th; the instance asks for none now, and what is made since says so.
fn shortened(since: Snap) -> World {
    living().snapshots([made("2026-11-02", WEEKS), made("2026-11-13", WEEKS), since])
}

/// Of the 15th, and so old.
fn since(at: &str, record: &str) -> Snap {
    made("2026-11-15", record).at(&format!("2026-11-15T{at}Z"))
}

#[test]
fn what_the_newest_states_holds() {
    let stated = living().snapshots([made("2026-11-02", WEEKS), made("2026-11-13", WEEKS)]);
    stays(&stated, OLD, Rule::S3, "the newest 9 weeks");
    may_go(&living().snapshots([made("2026-11-02", ""), made("2026-11-13", "days=7")]), &[OLD]);
    // Wherever it lies, and of what is not completed yet too.
    let copied =
        living().snapshot(made("2026-11-02", "")).region(AWAY).snapshot(copy("snap-c", &made("2026-11-13", WEEKS)));
    stays(&copied, OLD, Rule::S3, "the newest 9 weeks");
    let pending =
        living().snapshots([made("2026-11-02", ""), made("2026-11-13", "days=7"), made("2026-11-22", WEEKS).pending()]);
    stays(&pending, OLD, Rule::S3, "the newest 9 weeks");
    let of_another = living().snapshots([
        made("2026-11-02", ""),
        ours("snap-3", "vol-2", "2026-11-13", "2026-11-20").tag("snapwarden:retention", WEEKS),
    ]);
    may_go(&of_another.volume("vol-2", &[]), &[OLD]);
    for nothing in [SnapshotState::Error, SnapshotState::Recoverable, SnapshotState::Unfamiliar] {
        may_go(&living().snapshots([made("2026-11-02", ""), made("2026-11-13", WEEKS).state(nothing)]), &[OLD]);
    }
}

#[test]
fn until_seven_full_days_after_another_took_its_place() {
    stays(&shortened(since("04:00:01", "days=7")), OLD, Rule::S12, GRACE);
    may_go(&shortened(since("04:00:00", "days=7")), &[OLD]);
    let three = Config { grace_days: 3, ..Config::default() };
    let late = |at: &str| shortened(made("2026-11-19", "days=7").at(at));
    assert_eq!(says_with(&three, &late("2026-11-19T04:00:00Z"), &[OLD]), Vec::<String>::new());
    stays_with(&three, &late("2026-11-19T04:00:01Z"), OLD, Rule::S12, GRACE);
    let none = Config { grace_days: 0, ..Config::default() };
    assert_eq!(says_with(&none, &late("2026-11-22T03:59:59Z"), &[]), Vec::<String>::new());
    let last = shortened(made("2026-11-22", "days=7"));
    assert_eq!(says_with(&none, &last, &[OLD]), Vec::<String>::new());
    // Each of several has its own: the one before counts from the one after it, not from the newest.
    let twice = shortened(since("04:00:00", "days=7 weeks=1")).snapshot(made("2026-11-21", "days=7"));
    may_go(&twice, &[OLD]);
}

#[test]
fn what_states_nothing_or_has_not_completed_takes_no_place() {
    let long_ago = |record: &str| made("2026-11-14", record);
    for nothing in [
        long_ago(""),
        long_ago("days=365 mistyped"),
        long_ago("days=7 weeks=1 mistyped"),
        long_ago("days=7").pending(),
        long_ago("days=7").failed("internal error"),
        long_ago("days=7").tag("aws:dlm:managed", "true"),
    ] {
        stays(&shortened(nothing), OLD, Rule::S3, "the newest 9 weeks");
    }
    may_go(&shortened(long_ago("days=7")), &[OLD]);
}

/// The a1 of the retention page: no edit, no removal and no typo of a tag ends anything at once.
#[test]
fn what_was_never_stated_counts_only_while_it_is_asked_for() {
    let account = |tagged| living_with(tagged).snapshots([made("2026-11-02", "days=7"), made("2026-11-13", "days=7")]);
    stays(&account(&[("RetentionWeeks", "9")]), OLD, Rule::S3, "the newest 9 weeks");
    may_go(&account(&[]), &[OLD]);
}

#[test]
fn nothing_completed_goes_while_a_tag_of_retention_cannot_be_read() {
    let keys = [
        "RetentionDays",
        "RetentionWeeks",
        "RetentionMonths",
        "RetentionYears",
        "KeepLast",
        "DestinationRetentionDays",
        "DestinationRetentionWeeks",
        "DestinationRetentionMonths",
        "DestinationRetentionYears",
        "DestinationKeepLast",
    ];
    let words = "a tag of retention of i-1 cannot be read";
    let old = || ours("snap-1", "vol-1", "2020-11-01", "2020-11-08");
    for key in keys {
        let account = |value: &'static str| living_with(&[(key, value)]).snapshot(old());
        for value in ["24 months", "", "0", "-1", "+1", "1.5", "36501", "1000000000000000000000000000000", "٧"] {
            stays(&account(value), "snap-1", Rule::S12, words);
        }
        may_go(&account(" 001 "), &["snap-1"]);
    }
    let mistyped = living_with(&[("RetentionWeeks", "4w")]);
    may_go(&mistyped.clone().snapshot(old().failed("internal error")), &["snap-1"]);
    stays(&mistyped.clone().region(AWAY).snapshot(copy("snap-1", &old())), "snap-1", Rule::S12, words);
    // Of whoever has the volume, selected or not; and of nobody else.
    let with = |device: &'static str, state: InstanceState| {
        let account = living().snapshot(old()).instance("i-2", &[("KeepLast", "all")], &[("/dev/sdf", device)]);
        account.with_instance("i-2", |instance| instance.state = state)
    };
    stays(&with("vol-1", InstanceState::Stopped), "snap-1", Rule::S12, "of i-2 cannot be read");
    may_go(&with("vol-2", InstanceState::Running), &["snap-1"]);
    may_go(&with("vol-1", InstanceState::ShuttingDown), &["snap-1"]);
}

/// While no instance has the volume all that was ever promised counts, and what the instances ask for that are named.
#[test]
fn while_no_instance_has_the_volume_every_promise_counts() {
    let snaps = || [made("2026-11-02", WEEKS), made("2026-11-10", "days=7"), newest()];
    may_go(&world(NOW).server("i-1", &[], "vol-1").snapshots(snaps()), &[OLD]);
    let detached = || world(NOW).volume("vol-1", &[]).snapshots(snaps());
    stays(&detached(), OLD, Rule::S3, "the newest 9 weeks");
    for state in [InstanceState::ShuttingDown, InstanceState::Terminated] {
        let ending = world(NOW).server("i-1", &[], "vol-1").with_instance("i-1", |instance| instance.state = state);
        stays(&ending.snapshots(snaps()), OLD, Rule::S3, "the newest 9 weeks");
    }
    let plain =
        || world(NOW).volume("vol-1", &[]).snapshots([made("2026-11-02", ""), made("2026-11-10", "days=7"), newest()]);
    may_go(&plain(), &[OLD]);
    let named = plain().server("i-1", &[("RetentionWeeks", "9")], "vol-2");
    stays(&named, OLD, Rule::S3, "the newest 9 weeks");
    let other = plain().server("i-2", &[("RetentionWeeks", "9")], "vol-2");
    may_go(&other, &[OLD]);
    // The records that cannot be read may promise anything.
    let odd =
        detached().snapshot(ours("snap-u", "vol-1", "2026-10-01", "2026-10-08").tag("snapwarden:retention", "weeks"));
    stays(&odd, "snap-2026-11-10", Rule::S7, "the record of snap-u may say what it is kept for, and cannot be read");
}

#[test]
fn nothing_of_a_volume_goes_while_what_it_stated_last_cannot_be_read() {
    let words = "the record of snap-2026-11-15 may say what it is kept for, and cannot be read";
    let account =
        |odd: Snap, others: &[Snap]| living().snapshot(made("2026-11-02", "")).snapshot(odd).snapshots(others.to_vec());
    let odd = || made("2026-11-15", "days=7 weeks=four");
    stays(&account(odd(), &[]), OLD, Rule::S7, words);
    stays(&account(odd().pending(), &[]), OLD, Rule::S7, words);
    may_go(&account(odd().failed("internal error"), &[]), &[OLD]);
    // Or less than seven full days ago.
    let before = |at: &str| made("2026-11-15", "days=7").at(at).tag("DeleteOn", "2026-11-30");
    let odd = || made("2026-11-14", "days=7 weeks=four");
    let words = words.replace("2026-11-15", "2026-11-14");
    stays(&account(odd(), &[before("2026-11-15T04:00:01Z")]), OLD, Rule::S7, &words);
    may_go(&account(odd(), &[before("2026-11-15T04:00:00Z")]), &[OLD]);
    let copied = living().region(AWAY).snapshots([copy("snap-c", &made("2026-11-02", "")), copy("snap-d", &odd())]);
    stays(&copied, "snap-c", Rule::S7, "the record of snap-d");
}

/// A Region that is no destination any more keeps its last good one for seven full days.
#[test]
fn a_lost_destination_is_in_force_for_the_grace_period() {
    let to = |id: &str, day: &str, destination: &str| {
        let delete_on = date(day).saturating_add(jiff::ToSpan::days(7)).to_string();
        copy(id, &ours("snap-0", "vol-1", day, &delete_on).tag("DestinationRegion", destination))
            .tag("DestinationRegion", destination)
    };
    let account = |since: Snap| {
        let home = world(NOW).server("i-1", &[("DestinationRegion", FAR)], "vol-1");
        home.region(AWAY).snapshot(to("snap-old", "2026-11-01", AWAY)).region(FAR).snapshot(since)
    };
    let old = "snap-old";
    let said = says(&account(to("snap-new", "2026-11-15", FAR).tag("SourceStartTime", "2026-11-15T04:00:01Z")), &[old]);
    assert_eq!(
        said,
        [
            "eu-west-1 S12: snap-old is the newest that states what is in its grace period",
            "eu-west-1 S12: snap-old: for a while yet, it is the last good one here, and nobody approved less"
        ]
    );
    may_go(&account(to("snap-new", "2026-11-15", FAR).tag("SourceStartTime", "2026-11-15T04:00:00Z")), &[old]);
    // As long as an instance names it, or the newest does, it is one.
    let named = account(to("snap-new", "2026-11-10", AWAY));
    stays(&named, old, Rule::S6, "it is the last good one here");
    let words = |words: &str| {
        account(to("snap-new", "2026-11-10", FAR)).instance(
            "i-2",
            &[("DestinationRegion", words)],
            &[("/dev/sdf", "vol-1")],
        )
    };
    stays(&words("mars-1,EU-WEST-1"), old, Rule::S6, "it is the last good one here");
    may_go(&words("mars-1,EU-WEST-3"), &[old]);
    // And while no instance has the volume, of each that its snapshots name.
    let detached = world(NOW).volume("vol-1", &[]).region(AWAY).snapshot(to("snap-old", "2026-11-01", AWAY));
    stays(
        &detached.region(FAR).snapshot(to("snap-new", "2026-11-10", FAR)),
        old,
        Rule::S6,
        "it is the last good one here",
    );
}

// Approvals.

#[test]
fn a_person_may_end_the_grace_period_of_an_instance_for_as_many_and_as_old_ones_as_were_read() {
    let three = ["2026-10-20", "2026-10-27", "2026-11-03"].map(|day| made(day, WEEKS));
    let ids = ["snap-2026-10-20", "snap-2026-10-27", "snap-2026-11-03"];
    let world = living().snapshots(three).snapshots([made("2026-11-17", WEEKS), made("2026-11-18", "days=7")]);
    let left = |words: &[&str]| {
        let said = says_with(&approving(words), &world, &ids);
        ids.into_iter().filter(|id| said.iter().any(|text| text.contains(id))).collect::<Vec<_>>()
    };
    assert_eq!(left(&[]), ids);
    assert_eq!(left(&["i-1:2026-11-22:3"]), [""; 0]);
    assert_eq!(left(&["i-1:2026-11-22:2"]), ["snap-2026-11-03"], "the oldest first, in the order of the plan");
    assert_eq!(left(&["i-1:2026-11-03:9"]), ["snap-2026-11-03"], "up to that DeleteOn");
    for other in ["i-2:2026-11-22:9", "us-east-1:2026-11-22:9", "us-east-1:closed:2026-11-22:9"] {
        assert_eq!(left(&[other]), ids, "{other}");
    }
    // The instance is that of the volume's newest snapshot.
    let moved = world.clone().snapshot(ours("snap-z", "vol-1", "2026-11-22", "2026-11-29").tag("InstanceID", "i-2"));
    for words in ["i-1:2026-11-22:3", "i-2:2026-11-22:3"] {
        let said = says_with(&approving(&[words]), &moved, &ids);
        assert_eq!(said.len(), 3, "made of an instance that does not have it: all that is recorded is in force");
    }
    let nobody = world.snapshot(ours("snap-z", "vol-1", "2026-11-22", "2026-11-29").no_tag("InstanceID"));
    assert_eq!(says_with(&approving(&["i-1:2026-11-22:3"]), &nobody, &ids).len(), 3);
}

#[test]
fn an_approval_ends_no_promise_that_holds_and_nothing_that_was_not_read() {
    let all = approving(&["i-1:2026-11-22:9", "us-east-1:closed:2026-11-22:9", "us-east-1:2026-11-22:9"]);
    let stated = living().snapshots([made("2026-11-02", WEEKS), made("2026-11-13", WEEKS)]);
    stays_with(&all, &stated, OLD, Rule::S3, "the newest 9 weeks");
    let mistyped = living_with(&[("KeepLast", "x")]).snapshot(made("2026-11-02", ""));
    stays_with(&all, &mistyped, OLD, Rule::S12, "cannot be read");
    let early = living().snapshot(made("2026-11-16", ""));
    stays_with(&all, &early, "snap-2026-11-16", Rule::S3, "DeleteOn");
    let unread = living().snapshot(made("2026-11-02", "")).instances_gap();
    stays_with(&all, &unread, OLD, Rule::S7, "not all instances");
}
