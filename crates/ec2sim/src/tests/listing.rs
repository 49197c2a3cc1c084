use super::*;

fn twelve(world: &mut World) -> Vec<SnapshotId> {
    (10..22).map(|n| put(world, &format!("snap-{n}"), "123456789012")).collect()
}

fn page(world: &mut World, next: Option<String>, max_results: Option<u32>) -> (Vec<SnapshotId>, Option<String>) {
    let listing = SnapshotListing::Own(PageRequest { next, max_results });
    let reply = call(world, &here(), Call::DescribeSnapshots(listing)).unwrap();
    let Reply::Snapshots(page) = reply else { panic!("{reply:?}") };
    (page.items.into_iter().map(|view| view.snapshot.id).collect(), page.next)
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap() {
    let mut world = world();
    let all = twelve(&mut world);
    let (first, next) = page(&mut world, None, Some(5));
    let (second, more) = page(&mut world, next, Some(5));
    let (third, last) = page(&mut world, more, Some(5));
    assert_eq!((first.len(), second.len(), third.len()), (5, 5, 2));
    assert_eq!([first, second, third].concat(), all, "in order of id");
    assert!(last.unwrap_or_default().is_empty(), "the last page has no token, or an empty one");
}

#[test]
fn the_size_of_a_page_is_moved_into_its_range_and_capped_by_the_world() {
    let mut world = world();
    twelve(&mut world);
    assert_eq!(page(&mut world, None, Some(1)).0.len(), 5);
    assert_eq!(page(&mut world, None, Some(5_000)).0.len(), 12);
    world.config.page_size = 3;
    assert_eq!(page(&mut world, None, None).0.len(), 3);
}

#[test]
fn the_last_page_ends_both_ways_over_the_seeds() {
    let last = |seed| page(&mut world_of(seed), None, Some(5)).1;
    let ends: std::collections::BTreeSet<_> = (0..20).map(last).collect();
    assert_eq!(ends, [None, Some(String::new())].into());
}

#[test]
fn empty_pages_come_with_a_token_and_nothing_is_lost() {
    let mut world = world();
    let all = twelve(&mut world);
    (world.config.page_size, world.config.empty_pages) = (5, 1_000);
    let (items, next) = page(&mut world, None, Some(5));
    assert!(items.is_empty() && next.is_some_and(|token| !token.is_empty()));
    let ids: Vec<_> = listed(&mut world, &here()).into_iter().map(|snapshot| snapshot.id).collect();
    assert_eq!(ids, all);
}

#[test]
fn a_broken_page_fails_for_its_hour_and_is_never_the_first() {
    let mut world = world();
    let all = twelve(&mut world);
    (world.config.page_size, world.config.broken_pages) = (5, 1_000);
    let (first, next) = page(&mut world, None, None);
    assert_eq!(first, all[..5]);
    let listing = Call::DescribeSnapshots(SnapshotListing::Own(PageRequest { next, max_results: None }));
    for _ in 0..6 {
        assert_eq!(code(call(&mut world, &here(), listing.clone())), "Unavailable");
        world.advance_by(30);
    }
    world.config.broken_pages = 500;
    let is_broken = |hour: u32| {
        let mut later = world.clone();
        later.advance_by(hour * 3_600);
        call(&mut later, &here(), listing.clone()).is_err()
    };
    let hours: std::collections::BTreeSet<_> = (1..20).map(is_broken).collect();
    assert_eq!(hours, [false, true].into(), "each hour is drawn anew");
}

#[test]
fn a_token_is_good_for_its_own_action_only() {
    let mut world = world();
    twelve(&mut world);
    let (_, next) = page(&mut world, None, Some(5));
    let volumes = Call::DescribeVolumes(PageRequest { next, max_results: Some(5) });
    assert_eq!(code(call(&mut world, &here(), volumes)), "InvalidParameterValue");
    let made_up = Call::DescribeVolumes(PageRequest { next: Some("snap-1".to_owned()), max_results: None });
    assert_eq!(code(call(&mut world, &here(), made_up)), "InvalidParameterValue");
}

fn by_ids(world: &mut World, ids: Vec<SnapshotId>) -> Result<Vec<SnapshotId>, ApiError> {
    let reply = call(world, &here(), Call::DescribeSnapshots(SnapshotListing::Ids(ids)))?;
    let Reply::Snapshots(page) = reply else { panic!("{reply:?}") };
    Ok(page.items.into_iter().map(|view| view.snapshot.id).collect())
}

#[test]
fn ids_that_are_not_there_are_absent_and_no_error() {
    let mut world = world();
    let all = twelve(&mut world);
    let ids = vec![all[3].clone(), "snap-99".parse().unwrap(), all[1].clone(), all[3].clone()];
    assert_eq!(by_ids(&mut world, ids).unwrap(), [all[1].clone(), all[3].clone()]);
}

#[test]
fn a_filter_takes_two_hundred_values() {
    let mut world = world();
    let ids = |count: usize| (0..count).map(|n| format!("snap-{n}").parse().unwrap()).collect();
    assert_eq!(code(by_ids(&mut world, ids(201))), "FilterLimitExceeded");
    assert!(by_ids(&mut world, ids(200)).unwrap().is_empty());
}

#[test]
fn instances_come_with_their_reservation_and_volumes_with_their_attachments() {
    let mut world = world();
    let shared =
        |name: &str| NewInstance { reservation: Some("r-1".to_owned()), ..NewInstance::named(name, Tags::default()) };
    let (a, b) = (world.run_instance(&here(), shared("a")).unwrap(), world.run_instance(&here(), shared("b")).unwrap());
    let volume = volume(&mut world, "data");
    world.attach_volume(&here(), &volume, &a, "/dev/xvda", true).unwrap();
    let all = PageRequest::default();
    let reply = call(&mut world, &here(), Call::DescribeInstances(all.clone())).unwrap();
    let Reply::Instances(page) = reply else { panic!("{reply:?}") };
    assert_eq!(page.items.len(), 2);
    assert!(page.items.iter().all(|view| view.reservation == "r-1"));
    assert_ne!(a, b);
    let reply = call(&mut world, &here(), Call::DescribeVolumes(all)).unwrap();
    let Reply::Volumes(page) = reply else { panic!("{reply:?}") };
    let attachment = &page.items[0].attachments[0];
    assert_eq!((&attachment.instance, attachment.delete_on_termination), (&a, true));
}

#[test]
fn progress_grows_to_a_hundred() {
    let mut world = world();
    let volume = volume(&mut world, "data");
    create(&mut world, &volume).unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let listing = SnapshotListing::Own(PageRequest::default());
        let reply = call(&mut world, &here(), Call::DescribeSnapshots(listing)).unwrap();
        let Reply::Snapshots(page) = reply else { panic!("{reply:?}") };
        seen.push((page.items[0].progress, page.items[0].completed.is_some()));
        world.advance_by(35);
    }
    assert_eq!(seen, [(0, false), (50, false), (100, true)]);
}

#[test]
fn the_caller_and_the_regions() {
    let mut world = world();
    let account = world.account().clone();
    assert_eq!(call(&mut world, &here(), Call::GetCallerIdentity), Ok(Reply::Account(account)));
    assert_eq!(call(&mut world, &here(), Call::DescribeRegions), Ok(Reply::Regions(vec![there(), here()])));
}
