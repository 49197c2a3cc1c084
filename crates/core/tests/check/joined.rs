//! A volume that was put in the place of another: the two are judged as one as well, which only ever keeps more.

use super::*;

/// `vol-2` was put in the place of `vol-1`, which is gone and closed long ago; `i-1` has it and asks for a year.
fn restored(was: Pairs<'_>) -> World {
    let tags = [("Backup", "Yes"), ("RetentionMonths", "12"), ("KeepLast", "3")];
    let closed = ours("snap-8", "vol-1", "2026-09-08", "2026-09-15").tag("snapwarden:closed", "2026-09-20");
    world(NOW)
        .volume("vol-2", was)
        .instance("i-1", &tags, &[("/dev/xvda", "vol-2")])
        .snapshots([ours("snap-1", "vol-1", "2025-12-01", "2025-12-08"), closed])
        .snapshot(ours("snap-9", "vol-2", "2026-11-21", "2026-11-28").tag("InstanceID", "i-1"))
}

#[test]
fn what_is_wanted_of_both_together_stays() {
    may_go(&restored(&[]), &["snap-1", "snap-8"]);
    let joined = restored(&[("snapwarden:was", " vol-1 ")]);
    stays(&joined, "snap-1", Rule::S3, "one of the newest 3");
    stays(&joined, "snap-8", Rule::S3, "one of the newest 3");
    let many = joined
        .snapshots(["2026-11-19", "2026-11-20"].map(|day| ours(&format!("snap-{day}"), "vol-2", day, "2026-11-30")));
    stays(&many, "snap-8", Rule::S3, "the newest 12 months");
    for junk in ["vol-2", "vol-", "the old one", "vol-3"] {
        may_go(&restored(&[("snapwarden:was", junk)]), &["snap-1", "snap-8"]);
    }
}

/// Until the new one is backed up, what there is of the old one is all that there is.
#[test]
fn the_last_good_one_of_the_old_volume_stays_until_the_new_one_has_one() {
    let account = |was: Pairs<'_>| {
        let closed = ours("snap-8", "vol-1", "2026-09-08", "2026-09-15").tag("snapwarden:closed", "2026-09-20");
        world(NOW).volume("vol-2", was).instance("i-1", &[], &[("/dev/xvda", "vol-2")]).snapshot(closed)
    };
    may_go(&account(&[]), &["snap-8"]);
    stays(&account(&[("snapwarden:was", "vol-1")]), "snap-8", Rule::S6, "the last good one");
}

#[test]
fn what_the_separate_judgement_keeps_stays() {
    // Three newer ones of the old volume push nothing out of the new one's.
    let old =
        ["2026-11-19", "2026-11-20", "2026-11-22"].map(|day| ours(&format!("snap-{day}"), "vol-1", day, "2026-11-30"));
    let world = restored(&[("snapwarden:was", "vol-1")]).snapshots(old);
    let world = world.snapshot(ours("snap-2", "vol-2", "2026-11-02", "2026-11-09"));
    stays(&world, "snap-2", Rule::S3, "one of the newest 3");
}

#[test]
fn what_cannot_be_read_of_either_keeps_both() {
    let mistyped =
        restored(&[("snapwarden:was", "vol-1")]).with_instance("i-1", |instance| instance.tags.set("KeepLast", "x"));
    stays(&mistyped, "snap-1", Rule::S12, "a tag of retention of i-1 cannot be read");
    let unread = restored(&[("snapwarden:was", "vol-1")])
        .with_instance("i-1", |instance| instance.tags.set("DestinationRegion", FAR));
    stays(&unread.unread(FAR), "snap-1", Rule::S7, "not all snapshots of us-west-2 were read");
}

/// A chain, and one that goes round.
#[test]
fn all_that_were_put_in_each_others_place_are_one() {
    let chain = |was_of_0: &'static str| {
        restored(&[("snapwarden:was", "vol-1")])
            .volume("vol-1", &[("snapwarden:was", "vol-0"), ("Backup", "No")])
            .volume("vol-0", &[("snapwarden:was", was_of_0), ("Backup", "No")])
            .snapshot(ours("snap-0", "vol-0", "2026-08-20", "2026-08-27").tag("snapwarden:closed", "2026-08-30"))
    };
    for was in ["", "vol-2"] {
        stays(&chain(was), "snap-0", Rule::S3, "one of the newest 3");
    }
}
