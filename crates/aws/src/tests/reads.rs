//! The describes: what is asked, what is taken from the answer, and what is not.

use snapwarden_core::inventory::{InstanceState, SnapshotState, StorageTier};
use snapwarden_exec::cloud::{ErrorKind, Page, SnapshotQuery};

use super::answers::{self, page, snapshot, snapshots};
use super::*;

const OWN: SnapshotQuery = SnapshotQuery::Own { next: None };

fn ids(texts: &[&str]) -> SnapshotQuery {
    SnapshotQuery::Ids(texts.iter().map(|text| text.parse().unwrap()).collect())
}

#[test]
fn the_account_is_stss() {
    let endpoint = Endpoint::default();
    let aws = endpoint.aws();
    endpoint.next(Reply::ok(&answers::account("123456789012")));
    assert_eq!(run(aws.account(&home())).unwrap().as_str(), "123456789012");
    let request = endpoint.only_request();
    assert_eq!(request.get("Action").as_deref(), Some("GetCallerIdentity"));
    assert_eq!(request.uri, "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(counted(&aws, Action::GetCallerIdentity), 1);
}

#[test]
fn own_snapshots_are_asked_for_by_owner_and_page() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    endpoint.next(Reply::ok(&snapshots(&[snapshot("snap-1")], Some("t1"))));
    let page = run(aws.describe_snapshots(&home(), OWN)).unwrap();
    assert_eq!(page.next.as_deref(), Some("t1"));
    let seen = &page.items[0];
    assert_eq!((seen.id.as_str(), seen.volume_id.as_str(), seen.owner.as_str()), ("snap-1", "vol-1", "123456789012"));
    assert_eq!((seen.state, seen.tier, seen.size_gib), (SnapshotState::Completed, StorageTier::Standard, 8));
    assert_eq!((seen.encrypted, seen.state_message.as_deref()), (true, None));
    assert_eq!(seen.start_time, "2026-11-20T03:00:00.123Z".parse().unwrap());
    assert_eq!(seen.tags, tags(&[("Type", "Automated"), ("Empty", "")]));
    let request = endpoint.only_request();
    let asked = ["Action", "Owner.1", "MaxResults", "NextToken", "Filter.1.Name"].map(|name| request.get(name));
    let asked = asked.each_ref().map(Option::as_deref);
    assert_eq!(asked, [Some("DescribeSnapshots"), Some("self"), Some("1000"), None, None]);
    assert_eq!(request.uri, "https://ec2.eu-west-1.amazonaws.com/");
    assert_eq!(counted(&aws, Action::DescribeSnapshots), 1);
}

#[test]
fn an_empty_page_with_a_token_goes_on_and_an_empty_token_ends() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    endpoint.next(Reply::ok(&snapshots(&[], Some("t1"))));
    endpoint.next(Reply::ok(&snapshots(&[snapshot("snap-1")], Some(""))));
    assert_eq!(run(aws.describe_snapshots(&home(), OWN)), Ok(Page { items: vec![], next: Some("t1".into()) }));
    let last = run(aws.describe_snapshots(&home(), SnapshotQuery::Own { next: Some("t1".into()) })).unwrap();
    assert_eq!((last.items.len(), last.next), (1, None));
    assert_eq!(endpoint.seen()[1].get("NextToken").as_deref(), Some("t1"));
}

#[test]
fn ids_are_a_filter_beside_the_owner_and_all_pages_are_followed() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    endpoint.next(Reply::ok(&snapshots(&[], Some("t1"))));
    endpoint.next(Reply::ok(&snapshots(&[snapshot("snap-1")], Some("t2"))));
    endpoint.next(Reply::ok(&snapshots(&[snapshot("snap-2")], None)));
    let page = run(aws.describe_snapshots(&home(), ids(&["snap-1", "snap-2", "snap-3"]))).unwrap();
    assert_eq!((page.items.len(), page.next), (2, None));
    for request in endpoint.seen() {
        let names = ["Owner.1", "Filter.1.Name", "Filter.1.Value.1", "Filter.1.Value.3", "SnapshotId.1"];
        let asked = names.map(|name| request.get(name));
        let asked = asked.each_ref().map(Option::as_deref);
        assert_eq!(asked, [Some("self"), Some("snapshot-id"), Some("snap-1"), Some("snap-3"), None]);
    }
    assert_eq!(counted(&aws, Action::DescribeSnapshots), 3, "every page is a request");
}

#[test]
fn a_second_look_at_nothing_asks_nothing() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    assert_eq!(run(aws.describe_snapshots(&home(), ids(&[]))), Ok(Page { items: vec![], next: None }));
    assert!(endpoint.seen().is_empty(), "an empty filter would list everything");
}

#[test]
fn a_token_that_comes_twice_ends_the_second_look() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    for _ in 0..2 {
        endpoint.next(Reply::ok(&snapshots(&[], Some("t1"))));
    }
    assert_eq!(code(run(aws.describe_snapshots(&home(), ids(&["snap-1"])))), "NoEnd");
}

#[test]
fn pages_that_show_nothing_new_end_the_second_look() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    for n in 0..13 {
        let one = snapshot(["snap-1", "snap-2"][n % 2]);
        endpoint.next(Reply::ok(&snapshots(&[one], Some(&format!("t{n}")))));
    }
    assert_eq!(code(run(aws.describe_snapshots(&home(), ids(&["snap-1"])))), "NoEnd");
    assert_eq!(counted(&aws, Action::DescribeSnapshots), 12, "ten that begin as one before them");
    endpoint.forget();
    for n in 0..1_001 {
        endpoint.next(Reply::ok(&snapshots(&[], Some(&format!("t{n}")))));
    }
    assert_eq!(code(run(aws.describe_snapshots(&home(), ids(&["snap-1"])))), "NoEnd");
}

#[test]
fn every_instance_of_every_reservation_is_read() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let items = [answers::reservation("r-1", &["i-1", "i-2"]), answers::reservation("r-2", &["i-3"])];
    endpoint.next(Reply::ok(&page("DescribeInstances", "reservationSet", &items, Some("t1"))));
    let page = run(aws.describe_instances(&home(), None)).unwrap();
    let ids: Vec<_> = page.items.iter().map(|instance| instance.id.as_str()).collect();
    assert_eq!((ids, page.next.as_deref()), (vec!["i-1", "i-2", "i-3"], Some("t1")));
    let first = &page.items[0];
    assert_eq!((first.state, first.root_device.as_str()), (InstanceState::Running, "/dev/xvda"));
    let devices: Vec<_> = first.devices.iter().map(|device| device.volume.as_ref().map(|id| id.as_str())).collect();
    assert_eq!(devices, [Some("vol-1"), None], "an instance store has no volume");
    assert_eq!(first.tags, tags(&[("Backup", "Yes")]));
    assert_eq!(endpoint.only_request().get("MaxResults").as_deref(), Some("1000"));
}

#[test]
fn volumes_are_read() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    endpoint.next(Reply::ok(&page("DescribeVolumes", "volumeSet", &[answers::volume("vol-1")], None)));
    let page = run(aws.describe_volumes(&home(), Some("t0".into()))).unwrap();
    let volume = &page.items[0];
    assert_eq!((volume.id.as_str(), volume.size_gib, volume.volume_type.as_str()), ("vol-1", 100, "st1"));
    assert_eq!((volume.encrypted, &volume.tags), (false, &tags(&[("Backup", "No")])));
    assert_eq!(endpoint.only_request().get("NextToken").as_deref(), Some("t0"));
}

#[test]
fn regions_that_are_not_opted_in_are_not_there() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let region = |name, status: &str| format!("<regionName>{name}</regionName>{status}");
    let items = [
        region("eu-west-1", "<optInStatus>opt-in-not-required</optInStatus>"),
        region("me-south-1", "<optInStatus>not-opted-in</optInStatus>"),
        region("af-south-1", "<optInStatus>opted-in</optInStatus>"),
        region("us-east-1", ""),
    ];
    endpoint.next(Reply::ok(&page("DescribeRegions", "regionInfo", &items, None)));
    let regions = run(aws.describe_regions(&home())).unwrap();
    assert_eq!(regions, ["eu-west-1", "af-south-1", "us-east-1"].map(region_of));
}

fn region_of(name: &str) -> Region {
    region(name)
}

/// A record without a field that is needed: an error that names both, never a shorter list.
#[test]
fn a_record_that_cannot_be_read_is_an_error_and_names_what() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let bad = |cut: &str, put: &str| {
        let broken = snapshot("snap-2").replace(cut, put);
        assert_ne!(broken, snapshot("snap-2"), "{cut}");
        endpoint.next(Reply::ok(&snapshots(&[snapshot("snap-1"), broken], None)));
        let error = run(aws.describe_snapshots(&home(), OWN)).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unknown, "UnreadableRecord"), "{error}");
        error.message
    };
    for (cut, put, said) in [
        ("<snapshotId>snap-2</snapshotId>", "", "a record without an id: no snapshotId"),
        ("<volumeId>vol-1</volumeId>", "", "snap-2: no volumeId"),
        ("<status>completed</status>", "", "snap-2: no status"),
        ("<startTime>2026-11-20T03:00:00.123Z</startTime>", "", "snap-2: no startTime"),
        ("<ownerId>123456789012</ownerId>", "", "snap-2: no ownerId"),
        ("<volumeSize>8</volumeSize>", "", "snap-2: no volumeSize"),
        ("<volumeSize>8</volumeSize>", "<volumeSize>-8</volumeSize>", "snap-2: volumeSize is not a size in GiB"),
        ("<encrypted>true</encrypted>", "", "snap-2: no encrypted"),
        ("<key>Type</key>", "", "snap-2: no key of a tag"),
    ] {
        assert_eq!(bad(cut, put), said);
    }
    assert!(bad("snap-2", "snap-\u{202e}X").starts_with("snap-\\u{202e}X: snapshotId"), "it is fit to be printed");
}

#[test]
fn words_that_ec2_did_not_have_are_kept_as_unfamiliar() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let odd = snapshot("snap-1").replace("completed", "hibernating").replace("standard", "archive");
    endpoint.next(Reply::ok(&snapshots(&[odd], None)));
    let page = run(aws.describe_snapshots(&home(), OWN)).unwrap();
    assert_eq!((page.items[0].state, page.items[0].tier), (SnapshotState::Unfamiliar, StorageTier::Archive));

    endpoint.next(Reply::ok(&snapshots(&[snapshot("snap-1").replace("standard", "glacier")], None)));
    let page = run(aws.describe_snapshots(&home(), OWN)).unwrap();
    assert_eq!(page.items[0].state, SnapshotState::Unfamiliar);

    let odd = answers::reservation("r-1", &["i-1"]).replace("running", "levitating");
    endpoint.next(Reply::ok(&answers::page("DescribeInstances", "reservationSet", &[odd], None)));
    let page = run(aws.describe_instances(&home(), None)).unwrap();
    assert_eq!(page.items[0].state, InstanceState::Unfamiliar);
}

#[test]
fn of_another_tools_snapshots_one_that_cannot_be_read_costs_itself_alone() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let odd = snapshot("snap-2").replace("<volumeSize>8</volumeSize>", "");
    endpoint.next(Reply::ok(&snapshots(&[snapshot("snap-1"), odd.replace("Automated", "Manual")], None)));
    let page = run(aws.describe_snapshots(&home(), OWN)).unwrap();
    assert_eq!(page.items.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["snap-1"]);
    endpoint.next(Reply::ok(&snapshots(&[odd.replace("<key>Type</key>", "<key>SourceSnapshotId</key>")], None)));
    assert!(run(aws.describe_snapshots(&home(), OWN)).is_err(), "it says that it is a copy");
}

#[test]
fn instances_without_what_is_needed_are_errors() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    let whole = answers::reservation("r-1", &["i-1"]);
    let begin = whole.find("<blockDeviceMapping>").unwrap();
    let end = whole.find("</blockDeviceMapping>").unwrap() + "</blockDeviceMapping>".len();
    for (broken, said) in [
        ("<reservationId>r-1</reservationId>".to_owned(), "r-1: no instancesSet"),
        (whole.replace(&whole[begin..end], ""), "i-1: no blockDeviceMapping"),
        (whole.replace("<volumeId>vol-1</volumeId>", ""), "i-1: no volumeId"),
        (whole.replace("<deviceName>/dev/sdb</deviceName>", ""), "i-1: no deviceName"),
        (whole.replace("<name>running</name>", ""), "i-1: no instanceState"),
    ] {
        endpoint.next(Reply::ok(&page("DescribeInstances", "reservationSet", &[broken], None)));
        assert_eq!(run(aws.describe_instances(&home(), None)).unwrap_err().message, said);
    }
}

/// The SDK takes a list that is not there for an empty one, and half an answer for a short one.
#[test]
fn half_an_answer_is_no_short_list() {
    let endpoint = Endpoint::default();
    let aws = ready(&endpoint);
    endpoint.next(Reply::ok("<DescribeSnapshotsResponse><requestId>r</requestId></DescribeSnapshotsResponse>"));
    let error = run(aws.describe_snapshots(&home(), OWN)).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Unknown, "the answer has no snapshotSet"));

    let whole = snapshots(&[snapshot("snap-1"), snapshot("snap-2")], Some("t1"));
    let after_the_first = whole.find("</item><item><snapshotId>snap-2").unwrap() + "</item>".len();
    let spoilt = whole.replace("<description/>", "<description>\u{1}</description>");
    for broken in [&whole[..after_the_first], &whole[..whole.len() - 2], "", "not XML", spoilt.as_str()] {
        endpoint.next(Reply::ok(broken));
        let error = run(aws.describe_snapshots(&home(), OWN)).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Ambiguous, "UnreadableAnswer"), "{broken}: {error}");
    }
    endpoint.next(Reply::ok(&page("DescribeVolumes", "volumeSet", &[], None)));
    assert!(run(aws.describe_snapshots(&home(), OWN)).is_err(), "the answer to another question");
}
