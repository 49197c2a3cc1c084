//! S12: what dates a change stays as long as what was promised before it; S6: of a closed history the newest goes last.

use super::*;

const DATES: &str = "it states since when another policy or other destinations are asked for";
const MEMORY: &str = "is the newest that states what is in its grace period";

fn short(day: &str, record: &str, delete_on: &str) -> Snap {
    made(day, record).tag("DeleteOn", delete_on)
}

#[test]
fn the_newest_that_states_what_is_in_its_grace_period_stays_approved_or_not() {
    let account = |since: &str| {
        let told = short("2026-11-10", "days=1 last=1", "2026-11-11");
        let newest = made("2026-11-16", "days=7").at(since).tag("snapwarden:slot", "2026-11-15T03:00Z");
        living().snapshots([told, newest])
    };
    let id = "snap-2026-11-10";
    let approved = approving(&["i-1:2026-11-22:9", "us-east-1:closed:2026-11-22:9"]);
    for config in [Config::default(), approved] {
        stays_with(&config, &account("2026-11-15T04:00:01Z"), id, Rule::S12, MEMORY);
    }
    may_go(&account("2026-11-15T04:00:00Z"), &[id]);
    // The newest one only; and every copy of it.
    let before = |day: &str| short(day, "days=1 last=1", "2026-11-11");
    may_go(&account("2026-11-15T04:00:01Z").snapshot(before("2026-11-09")), &["snap-2026-11-09"]);
    let copied = account("2026-11-15T04:00:01Z").region(AWAY).snapshot(copy("snap-c", &before("2026-11-10")));
    stays(&copied, "snap-c", Rule::S12, MEMORY);
    let older = account("2026-11-15T04:00:01Z").region(AWAY).snapshot(copy("snap-c", &before("2026-11-09")));
    may_go(&older, &["snap-c"]);
}

#[test]
fn a_change_stays_as_long_as_anything_older_does() {
    // Another policy since the 3rd; the one before it was promised longer by hand.
    let change = short("2026-11-03", "days=1", "2026-11-04");
    let older = |delete_on: &str| short("2026-10-20", "days=1 weeks=1", delete_on);
    let account =
        |older: Snap| living().snapshots([older, change.clone(), short("2026-11-05", "days=1", "2026-11-06")]);
    let id = "snap-2026-11-03";
    stays(&account(older("2027-10-20")), id, Rule::S12, DATES);
    may_go(&account(older("2027-10-20")), &["snap-2026-11-05"]);
    may_go(&account(older("2026-10-21")), &["snap-2026-10-20", id]);
    stays(&account(older("2026-10-21")), id, Rule::S12, DATES);
    // What stays because another rule refuses its delete counts too.
    let both = says(&account(older("2027-10-20")), &["snap-2026-10-20", id]);
    assert_eq!(
        both,
        [
            "us-east-1 S3: snap-2026-10-20 is kept until 2027-10-20, its DeleteOn".to_owned(),
            format!("us-east-1 S12: {id}: {DATES}")
        ]
    );
    // What is pinned needs no date; what is older in another Region does.
    may_go(&account(older("2026-10-21").tag("KeepForever", "")), &[id]);
    let elsewhere = living().snapshots([change.clone(), short("2026-11-05", "days=1", "2026-11-06")]);
    may_go(&elsewhere, &[id]);
    let copied = elsewhere.region(AWAY).snapshot(copy("snap-c", &older("2027-10-20")));
    stays(&copied, id, Rule::S12, DATES);
}

/// Of destinations what counts is one that is lost: it is in force for the grace period, and that has a beginning.
#[test]
fn destinations_are_dated_and_remembered_as_well() {
    let to = |day: &str, destinations: &str, delete_on: &str| {
        short(day, "", delete_on).tag("DestinationRegion", destinations)
    };
    let id = "snap-2026-11-03";
    let account = |first: &str, second: &str, third: &str| {
        let newest = newest().tag("DestinationRegion", third);
        let older = to("2026-10-20", first, "2027-10-20");
        world(NOW).server("i-1", &[], "vol-1").snapshots([older, to("2026-11-03", second, "2026-11-04"), newest])
    };
    stays(&account(AWAY, FAR, FAR), id, Rule::S12, DATES);
    stays(&account("eu-west-1 us-west-2", FAR, FAR), id, Rule::S12, DATES);
    stays(&account(AWAY, "", ""), id, Rule::S12, DATES);
    may_go(&account(AWAY, "EU-WEST-1 eu-west-1,(junk)", AWAY), &[id]);
    may_go(&account(AWAY, "us-west-2,eu-west-1", "eu-west-1,us-west-2"), &[id]);
    may_go(&account("", AWAY, AWAY), &[id]);
    stays(&account(AWAY, AWAY, FAR), id, Rule::S12, MEMORY);
    stays(&account(AWAY, AWAY, ""), id, Rule::S12, MEMORY);
    may_go(&account(AWAY, AWAY, "us-west-2 eu-west-1"), &[id]);
}

#[test]
fn the_newest_that_states_a_policy_stays_as_long_as_another_stays_by_it() {
    // Newer ones state nothing: they were made while a tag could not be read.
    let told = |record: &str| short("2026-11-03", record, "2026-11-10");
    let others = [short("2026-11-02", "", "2026-11-09"), made("2026-11-20", "days=365 mistyped")];
    let account = |record: &str, older: Snap| living().snapshots([older, told(record)]).snapshots(others.clone());
    let older = || short("2026-10-20", "", "2026-10-27");
    let id = "snap-2026-11-03";
    let said = says(&account("days=7 months=2", older()), &[id]);
    assert_eq!(said, [format!("us-east-1 S12: {id}: it is the newest that states a policy by which another stays")]);
    let all = ["snap-2026-10-20", "snap-2026-11-02", id];
    may_go(&account("days=1", older()), &all);
    may_go(&account("days=1", older()), &[id]);
    // One that is not due yet will need the policy when it is.
    let said = says(&account("days=1 last=1", older()), &all);
    assert_eq!(said, [format!("us-east-1 S12: {id}: it is the newest that states a policy by which another stays")]);
    // A person may take the pin off, or write the DeleteOn that is missing.
    let fixings: [fn(Snap) -> Snap; 2] = [|snap| snap.tag("KeepForever", ""), |snap| snap.no_tag("DeleteOn")];
    for fixed in fixings {
        let all = |record: &str| {
            let told = told(record);
            living().snapshots([fixed(older()), told, fixed(others[0].clone()), fixed(others[1].clone())])
        };
        let said = says(&all("days=7 months=2"), &[id]);
        assert_eq!(
            said,
            [format!("us-east-1 S12: {id}: it is the newest that states a policy by which another stays")]
        );
        may_go(&all("days=1"), &[id]);
    }
}

#[test]
fn of_a_closed_history_the_newest_goes_last() {
    let newest = ours("snap-2", "vol-1", "2026-09-30", "2026-10-07").tag("snapwarden:closed", "2026-10-01");
    let first = ours("snap-1", "vol-1", "2026-09-01", "2026-09-08");
    let account = |record: &str| {
        let state = |snap: Snap| if record.is_empty() { snap } else { snap.tag("snapwarden:retention", record) };
        world(NOW).snapshots([first.clone(), state(newest.clone())])
    };
    may_go(&account(""), &["snap-1", "snap-2"]);
    may_go(&account(""), &["snap-2"]);
    let said = says(&account("days=7 months=3"), &["snap-2"]);
    assert_eq!(said, ["us-east-1 S12: snap-2: it is the newest that states a policy by which another stays"]);
    // By the tags of an instance that leaves its volume out.
    let asked = |months: &'static str| {
        let tags = [("Backup", "No"), ("RetentionMonths", months)];
        account("").instance("i-1", &tags, &[("/dev/xvda", "vol-1")])
    };
    let said = says(&asked("3"), &["snap-2"]);
    assert_eq!(said, ["us-east-1 S6: snap-2: the newest goes last, and a policy keeps another of its volume here"]);
    may_go(&asked("2"), &["snap-1", "snap-2"]);
}
