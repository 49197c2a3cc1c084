//! S12, asked of made-up pasts: whether a snapshot may be deleted now. No job has a part in it: a process is shown
//! everything, and its delete is judged.

use jiff::ToSpan;
use jiff::civil::Date;
use snapwarden_core::approval::{Approval, Approved};
use snapwarden_core::ids::InstanceId;

use super::*;
use crate::call::SnapshotListing;
use crate::drive::Broken;
use crate::keys::later;

const DAY_S: i64 = 86_400;
/// The first of a month that only a policy of months wants.
const OLD: &str = "snap-0d00000000000001";

/// What that policy records, and what is recorded without it.
const MONTHS: &str = "days=1 months=12";
const PLAIN: &str = "days=1";

/// One volume of one instance, and its past.
struct Past {
    stage: Stage,
    instance: InstanceId,
    volume: VolumeId,
}

impl Past {
    fn new(pairs: &[(&str, &str)]) -> Self {
        let world = world(pairs);
        let home = region(HOME);
        let instance = world.instances(&home).next().unwrap().instance.id.clone();
        let volume = world.volumes(&home).next().unwrap().volume.id.clone();
        Self { stage: Stage::new(world), instance, volume }
    }

    /// Two firsts of months and three of the last days, under a day and twelve months.
    fn months() -> Self {
        Self::with(&[("RetentionMonths", "12")], MONTHS)
    }

    /// The same under other tags, with what they record.
    fn with(pairs: &[(&str, &str)], record: &str) -> Self {
        let past = Self::new(&[&[("RetentionDays", "1")], pairs].concat());
        let days = ["2026-09-01", "2026-10-01", "2026-11-19", "2026-11-20", "2026-11-21"];
        for (id, day) in [OLD, "snap-0d2", "snap-0d3", "snap-0d4", "snap-0d5"].into_iter().zip(days) {
            past.made(id, day, record);
        }
        past
    }

    /// A snapshot of a day, with its record.
    fn made(&self, id: &str, day: &str, record: &str) -> &Self {
        let mut made = snapshot(id, self.volume.as_str(), &[]);
        made.tags = self.born(day, record).into_iter().collect();
        made.start_time = known(&format!("{day}T03:00:00Z"));
        self.stage.sim.with(|world| world.put_snapshot(&region(HOME), made, None, "").unwrap());
        self
    }

    fn born(&self, day: &str, record: &str) -> Vec<(String, String)> {
        let days: i64 = record.split(['=', ' ']).nth(1).map_or(1, |days| days.parse().unwrap());
        let until = day.parse::<Date>().unwrap().saturating_add(days.days()).to_string();
        let of_it = [("CreatedOn", day), ("DeleteOn", &until), ("snapwarden:retention", record)];
        let all = of_it.into_iter().chain([("Type", "Automated"), ("InstanceID", self.instance.as_str())]);
        let all = all.filter(|(_, value)| !value.is_empty());
        all.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// A copy of a snapshot of ours, in the other Region.
    fn copied(&self, id: &str, of: &str) -> &Self {
        self.stage.sim.with(|world| {
            let source = world.snapshot(&region(HOME), &known(of)).unwrap().snapshot.clone();
            let mut copy = snapshot(id, "vol-ffffffff", &[]);
            copy.start_time = later(source.start_time, 3_600);
            copy.tags = source.tags.clone();
            copy.tags.set("SourceSnapshotId", of);
            copy.tags.set("SourceRegion", HOME);
            copy.tags.set("SourceStartTime", &source.start_time.to_string());
            copy.tags.set("VolumeID", self.volume.as_str());
            let of = Some((region(HOME), known(of)));
            world.put_snapshot(&region(AWAY), copy, of, "").unwrap();
        });
        self
    }

    /// People do something, and half an hour passes.
    fn people(&self, act: impl FnOnce(&mut World)) -> &Self {
        let shared = &mut self.stage.shared.borrow_mut();
        self.stage.sim.with(|world| {
            let before = Memory::before(world);
            act(world);
            shared.rules.memory.observe(world);
            let touched: Vec<_> = before.keys().map(ToString::to_string).collect();
            shared.rules.memory.note_people(world, &before, &touched);
            world.advance_by(1_800);
        });
        self
    }

    fn tag(&self, key: &str, value: &str) -> &Self {
        self.people(|world| world.tag(&region(HOME), &self.instance.clone().into(), key, value).unwrap())
    }

    fn untag(&self, key: &str) -> &Self {
        self.people(|world| world.untag(&region(HOME), &self.instance.clone().into(), key).unwrap())
    }

    fn tag_volume(&self, key: &str, value: &str) -> &Self {
        self.people(|world| world.tag(&region(HOME), &self.volume.clone().into(), key, value).unwrap())
    }

    fn tag_snapshot(&self, id: &str, key: &str, value: &str) -> &Self {
        self.people(|world| {
            let id: SnapshotId = known(id);
            let all = [HOME, AWAY].map(region);
            let place = all.iter().find(|place| world.snapshot(place, &id).is_some()).unwrap();
            world.tag(place, &id.into(), key, value).unwrap();
        })
    }

    fn passes(&self, seconds: i64) -> &Self {
        self.stage.sim.with(|world| world.advance_to(later(world.now(), seconds)));
        self
    }

    /// A snapshot is made now, by a job, with this record.
    fn makes(&self, id: &str, record: &str) -> &Self {
        let now = self.stage.sim.now();
        let day = now.strftime("%Y-%m-%d").to_string();
        let mut made = snapshot(id, self.volume.as_str(), &[]);
        made.tags = self.born(&day, record).into_iter().collect();
        made.start_time = now;
        self.stage.sim.with(|world| world.put_snapshot(&region(HOME), made, None, "").unwrap());
        self
    }

    /// A process that begins now and is shown everything.
    fn process(&self, approvals: &[Approval]) -> Process {
        let mut process = Process::new(1, Job::Expire, self.stage.sim.now(), "tick");
        process.approvals = approvals.to_vec();
        self.stage.sim.with(|world| {
            let principal = Principal::of(world.account().clone());
            for place in [HOME, AWAY].map(region) {
                let page = PageRequest::default();
                for call in [
                    Call::DescribeInstances(page.clone()),
                    Call::DescribeVolumes(page.clone()),
                    Call::DescribeSnapshots(SnapshotListing::Own(page.clone())),
                ] {
                    let seen = world.call(&principal, &place, call.clone());
                    process.see(world, &place, &call, &seen);
                }
            }
        });
        process
    }

    /// What a delete that this process makes now would break first.
    fn judged(&self, id: &str, process: &mut Process) -> Option<(&'static str, String)> {
        self.all_judged(id, process).into_iter().next().map(|broken| (broken.rule, broken.words))
    }

    fn all_judged(&self, id: &str, process: &mut Process) -> Vec<Broken> {
        let shared = self.stage.shared.borrow();
        let id: SnapshotId = known(id);
        let found = self.stage.sim.with(|world| {
            let all = [HOME, AWAY].map(region);
            let place = all.iter().find(|place| world.snapshot(place, &id).is_some()).unwrap();
            shared.rules.judge(world, process, place, &Call::DeleteSnapshot { snapshot: id.clone() })
        });
        process.spend(found.spends);
        found.broken
    }

    /// What deleting it now would break; nothing where it may go.
    fn broken(&self, id: &str) -> Option<(&'static str, String)> {
        self.judged(id, &mut self.process(&[]))
    }

    fn approved(&self, id: &str, what: Approved) -> Option<(&'static str, String)> {
        let approval = Approval { what, day: known("2026-12-31"), count: 1 };
        self.judged(id, &mut self.process(&[approval]))
    }

    #[track_caller]
    fn stays(&self, id: &str, why: &str) -> &Self {
        let broken = self.broken(id);
        let is_why = broken.as_ref().is_some_and(|(rule, words)| *rule == "S12" && words.contains(why));
        assert!(is_why, "{id} stays since {why}: {broken:?}");
        self
    }

    /// A job deletes it, whatever that breaks.
    fn deletes(&self, id: &str, principal: &Principal) -> &Self {
        let mut process = self.process(&[]);
        let mut shared = self.stage.shared.borrow_mut();
        self.stage.sim.with(|world| {
            let (home, id) = (region(HOME), known(id));
            let deleted = world.snapshot(&home, &id).unwrap().snapshot.clone();
            world.call(principal, &home, Call::DeleteSnapshot { snapshot: id }).unwrap();
            shared.rules.note_deleted(world, &mut process, &home, &deleted);
            world.advance_by(1_800);
        });
        self
    }

    #[track_caller]
    fn is_last(&self, id: &str) -> &Self {
        let broken = self.broken(id);
        assert_eq!(broken.as_ref().map(|(rule, _)| *rule), Some("S6"), "{id} is the last good one: {broken:?}");
        self
    }

    #[track_caller]
    fn goes(&self, id: &str) -> &Self {
        assert_eq!(self.broken(id), None, "{id} may go");
        self
    }
}

#[test]
fn what_no_policy_wants_goes_and_what_one_wants_stays() {
    let past = Past::months();
    past.stays(OLD, "first of the month of 2026-09-01").goes("snap-0d4");
    past.stays("snap-0d3", "first of the month of 2026-11-01").is_last("snap-0d5");
}

#[test]
fn while_a_tag_of_retention_cannot_be_read_nothing_goes() {
    for key in ["RetentionMonths", "DestinationKeepLast"] {
        let past = Past::months();
        past.goes("snap-0d4").tag(key, "12 months");
        past.stays("snap-0d4", "cannot be read").stays(OLD, "cannot be read");
        past.passes(40 * DAY_S).stays("snap-0d4", "cannot be read");
        past.untag(key).goes("snap-0d4");
    }
}

#[test]
fn what_is_taken_away_stays_for_seven_days_after_a_snapshot_is_made_without_it() {
    let past = Past::months();
    past.untag("RetentionMonths").stays(OLD, MONTHS);
    past.passes(9 * DAY_S).stays(OLD, "states it");
    past.makes("snap-0d6", PLAIN).passes(7 * DAY_S - 60).stays(OLD, "states it");
    past.passes(120).goes(OLD).goes("snap-0d2");
}

#[test]
fn what_a_job_has_deleted_is_not_forgotten() {
    let past = Past::new(&[("RetentionDays", "1"), ("RetentionMonths", "12")]);
    past.made(OLD, "2026-09-01", PLAIN).made("snap-0d2", "2026-11-20", MONTHS).made("snap-0d3", "2026-11-21", MONTHS);
    past.untag("RetentionMonths").makes("snap-0d4", PLAIN).passes(3 * DAY_S);
    for id in ["snap-0d2", "snap-0d3"] {
        past.deletes(id, &Principal::of(known("123456789012")));
    }
    past.stays(OLD, MONTHS);
    past.passes(4 * DAY_S).goes(OLD);
}

#[test]
fn what_a_person_has_deleted_is_lost() {
    let past = Past::new(&[("RetentionDays", "1")]);
    past.made(OLD, "2026-09-01", PLAIN).made("snap-0d2", "2026-11-20", MONTHS).made("snap-0d3", "2026-11-21", PLAIN);
    past.stays(OLD, "snap-0d2 states it");
    past.people(|world| world.delete_by_hand(&region(HOME), &known("snap-0d2")).unwrap()).goes(OLD);
}

#[test]
fn what_a_job_deleted_states_nothing_again_once_a_person_deletes_the_newer_one() {
    let past = Past::new(&[("RetentionDays", "1")]);
    past.made(OLD, "2026-09-01", PLAIN).made("snap-0d1", "2026-09-03", PLAIN).made("snap-0d2", "2026-09-10", MONTHS);
    past.made("snap-0d3", "2026-11-21", MONTHS);
    past.deletes("snap-0d2", &Principal::of(known("123456789012")));
    past.stays(OLD, "snap-0d3 states it");
    past.people(|world| world.delete_by_hand(&region(HOME), &known("snap-0d3")).unwrap()).passes(DAY_S).goes(OLD);
}

#[test]
fn a_retention_that_flips_is_in_force_all_the_time() {
    let past = Past::months();
    let shorter = "days=1 months=1";
    for n in 0..5 {
        past.tag("RetentionMonths", "1").makes(&format!("snap-0e{n}"), shorter).passes(DAY_S).stays(OLD, "months=12");
        past.tag("RetentionMonths", "12")
            .makes(&format!("snap-0f{n}"), MONTHS)
            .passes(2 * DAY_S)
            .stays(OLD, "months=12");
    }
    past.tag("RetentionMonths", "1").makes("snap-0c", shorter).passes(8 * DAY_S).goes(OLD);
    // What nobody made a snapshot under counts as long as it is there.
    past.tag("RetentionMonths", "12").stays(OLD, "asks for it").tag("RetentionMonths", "1").goes(OLD);
}

#[test]
fn longer_counts_at_once() {
    let past = Past::new(&[("RetentionDays", "1")]);
    past.made(OLD, "2026-11-01", PLAIN).made("snap-0d2", "2026-11-18", PLAIN).makes("snap-0d3", PLAIN).passes(DAY_S);
    past.goes(OLD).goes("snap-0d2").tag("RetentionDays", "30").stays(OLD, "younger than 30 days");
    past.stays("snap-0d2", "younger than 30 days").untag("RetentionDays").tag("RetentionWeeks", "1");
    past.goes(OLD).stays("snap-0d2", "younger than 7 days").tag("RetentionDays", "1");
    past.stays("snap-0d2", "first of the week of 2026-11-16");
}

#[test]
fn what_a_person_writes_on_a_snapshot_counts_at_once() {
    let past = Past::new(&[("RetentionDays", "30")]);
    let record = "days=30";
    past.made(OLD, "2026-10-10", "").made("snap-0d2", "2026-11-05", record).made("snap-0d3", "2026-11-21", record);
    past.goes(OLD).tag_snapshot("snap-0d2", "DeleteOn", "2026-11-20").goes("snap-0d2");
    past.tag_snapshot("snap-0d2", "snapwarden:in-use", "2026-11-20T00:00:00Z");
    assert_eq!(past.broken("snap-0d2").map(|(rule, _)| rule), Some("S2"), "a restore reads from it");
    past.passes(6 * DAY_S).goes("snap-0d2");
}

#[test]
fn a_volume_that_is_lost_is_judged_as_open_for_thirty_days() {
    let past = Past::with(&[("RetentionMonths", "12"), ("KeepLast", "3")], "days=1 months=12 last=3");
    past.people(|world| world.terminate_instance(&region(HOME), &past.instance).unwrap());
    past.stays(OLD, "months=12").stays("snap-0d4", "newest 3").stays("snap-0d5", "newest 3");
    past.tag_snapshot("snap-0d5", "snapwarden:closed", "2026-11-22");
    past.passes(30 * DAY_S - 7_200).stays("snap-0d4", "newest 3").stays("snap-0d5", "newest 3");
    past.passes(3_600).stays("snap-0d4", "no mark says since when").passes(DAY_S).goes("snap-0d4");
    past.stays(OLD, "first of the month").stays("snap-0d5", "a closed history in which snap-0d00000000000001");
}

#[test]
fn a_closed_history_ends_by_the_calendar_and_the_newest_goes_last() {
    let past = Past::new(&[("RetentionDays", "1"), ("RetentionMonths", "2")]);
    let record = "days=1 months=2";
    past.made(OLD, "2026-05-01", record).made("snap-0d2", "2026-11-02", record).made("snap-0d3", "2026-11-21", record);
    past.people(|world| world.terminate_instance(&region(HOME), &past.instance).unwrap());
    past.tag_snapshot("snap-0d3", "snapwarden:closed", "2026-11-22");
    past.passes(29 * DAY_S).stays("snap-0d2", "states it");
    past.passes(2 * DAY_S).goes(OLD).stays("snap-0d2", "states it").stays("snap-0d3", "still wanted");
    past.passes(10 * DAY_S).goes("snap-0d2").goes("snap-0d3");
}

#[test]
fn without_a_mark_nothing_is_closed() {
    let past = Past::new(&[]);
    let gone = snapshot(OLD, "vol-0dead", &OVERDUE);
    past.stage.sim.with(|world| world.put_snapshot(&region(HOME), gone, None, "").unwrap());
    past.stays(OLD, "no mark says since when").tag_snapshot(OLD, "snapwarden:closed", "2026-11-22");
    past.passes(30 * DAY_S).stays(OLD, "no mark").passes(DAY_S).goes(OLD);
    for odd in ["2026-11-01", "2199-01-01", "soon", ""] {
        past.tag_snapshot(OLD, "snapwarden:closed", odd).stays(OLD, "no mark says since when");
    }
}

#[test]
fn a_volume_that_comes_back_is_open_and_its_days_begin_anew_where_anybody_could_see_it() {
    for is_seen in [true, false] {
        let past = Past::months();
        past.tag_volume("Backup", "No").tag_snapshot("snap-0d5", "snapwarden:closed", "2026-11-22");
        past.passes(25 * DAY_S).is_last("snap-0d5").tag_volume("Backup", "Yes").passes(DAY_S);
        if is_seen {
            past.stage.shared.borrow_mut().rules.memory.note_manager(past.stage.sim.now());
        }
        past.passes(DAY_S).tag_volume("Backup", "No").passes(10 * DAY_S).goes("snap-0d4");
        if is_seen {
            past.is_last("snap-0d5").passes(15 * DAY_S).is_last("snap-0d5");
        } else {
            past.stays("snap-0d5", "a closed history");
        }
    }
}

#[test]
fn a_volume_from_the_recycle_bin_is_the_one_it_was() {
    let past = Past::months();
    past.people(|world| {
        world.detach_volume(&region(HOME), &past.volume, &past.instance).unwrap();
        world.delete_volume(&region(HOME), &past.volume).unwrap();
    });
    past.tag_snapshot("snap-0d5", "snapwarden:closed", "2026-11-22").passes(40 * DAY_S).stays("snap-0d5", "closed");
    past.people(|world| world.restore_volume(&region(HOME), &past.volume).unwrap()).is_last("snap-0d5");
}

#[test]
fn a_detached_volume_keeps_what_is_stated() {
    let past = Past::months();
    past.people(|world| world.detach_volume(&region(HOME), &past.volume, &past.instance).unwrap());
    past.passes(300 * DAY_S).stays(OLD, "states it").is_last("snap-0d5").goes("snap-0d4");
}

#[test]
fn a_region_stays_open_for_seven_days_after_it_was_a_destination() {
    let past = Past::with(&[("RetentionMonths", "12"), ("DestinationRegion", AWAY)], MONTHS);
    past.tag_snapshot("snap-0d5", "DestinationRegion", AWAY);
    past.copied("snap-0c1", OLD).copied("snap-0c3", "snap-0d4").copied("snap-0c2", "snap-0d5");
    past.is_last("snap-0c2").untag("DestinationRegion").passes(8 * DAY_S).is_last("snap-0c2");
    past.makes("snap-0d6", MONTHS).passes(7 * DAY_S - 60).is_last("snap-0c2").passes(120);
    // Now it is closed, and ends by the calendar.
    past.stays("snap-0c2", "snap-0c1 is still wanted").stays("snap-0c1", "first of the month of 2026-09-01");
    past.passes(366 * DAY_S).goes("snap-0c1").goes("snap-0c2");
}

#[test]
fn what_was_moved_away_is_no_first_where_it_was() {
    let past = Past::with(&[("RetentionMonths", "12"), ("DestinationRegion", AWAY)], MONTHS);
    past.made("snap-0d6", "2026-09-02", MONTHS).copied("snap-0c1", OLD).goes("snap-0d6");
    past.deletes(OLD, &Principal::of(known("123456789012"))).stays("snap-0c1", MONTHS);
    past.stays("snap-0d6", "first of the month of 2026-09-01");
}

#[test]
fn an_approval_lets_go_what_it_names_and_no_more() {
    let past = Past::months();
    let (instance, home) = (Approved::Instance(past.instance.clone()), region(HOME));
    past.untag("RetentionMonths").makes("snap-0d6", PLAIN).passes(DAY_S).stays(OLD, MONTHS);
    for other in [Approved::Instance(known("i-0other")), Approved::Region(home.clone()), Approved::Closed(home.clone())]
    {
        assert_ne!(past.approved(OLD, other), None);
    }
    assert_eq!(past.approved(OLD, instance.clone()), None);
    let approval = Approval { what: instance.clone(), day: known("2026-12-31"), count: 1 };
    let mut process = past.process(std::slice::from_ref(&approval));
    assert_eq!(past.judged(OLD, &mut process), None);
    assert_ne!(past.judged("snap-0d2", &mut process), None, "one was approved");
    let mut process = past.process(&[Approval { day: known("2026-09-01"), ..approval }]);
    assert_ne!(past.judged(OLD, &mut process), None, "its DeleteOn is one day later");
    let past = Past::with(&[("RetentionMonths", "12"), ("KeepLast", "5")], "days=1 months=12 last=5");
    past.people(|world| world.terminate_instance(&region(HOME), &past.instance).unwrap());
    assert_ne!(past.approved("snap-0d4", Approved::Instance(past.instance.clone())), None);
    assert_ne!(past.approved("snap-0d4", Approved::Closed(home.clone())), None, "no run has marked it yet");
    past.tag_snapshot("snap-0d5", "snapwarden:closed", "2026-11-22");
    assert_eq!(past.approved("snap-0d4", Approved::Closed(home)), None, "tiers by the calendar do not want it");
    assert_ne!(past.approved(OLD, Approved::Closed(region(HOME))), None, "and they want this one");
}

#[test]
fn the_archive_is_no_last_good_one() {
    let past = Past::months();
    let archive = |id: &str| {
        past.people(|world| world.set_tier(&region(HOME), &known(id), StorageTier::Archive).unwrap());
    };
    past.goes("snap-0d4");
    archive("snap-0d5");
    past.is_last("snap-0d4").is_last("snap-0d5");
}

#[test]
fn while_the_newest_record_cannot_be_read_nothing_goes() {
    let past = Past::months();
    past.goes("snap-0d4").tag_snapshot("snap-0d5", "snapwarden:retention", "DAYS=1");
    past.stays("snap-0d4", "the record of snap-0d5 cannot be read").makes("snap-0d6", MONTHS);
    past.passes(7 * DAY_S - 60).stays("snap-0d4", "the record of snap-0d5 cannot be read").passes(120).goes("snap-0d4");
    past.tag_snapshot("snap-0d4", "snapwarden:retention", "DAYS=1");
    assert_eq!(past.broken("snap-0d4").map(|(rule, _)| rule), Some("S3"), "and what it wants itself, nobody knows");
}

#[test]
fn what_names_no_volume_stays() {
    let past = Past::months();
    past.copied("snap-0c1", "snap-0d3").copied("snap-0c2", "snap-0d4").copied("snap-0c3", "snap-0d5").goes("snap-0c2");
    past.people(|world| world.untag(&region(AWAY), &ResourceId::Snapshot(known("snap-0c2")), "VolumeID").unwrap());
    past.stays("snap-0c2", "names no volume");
}

#[test]
fn nothing_goes_while_a_list_that_would_tell_was_not_read_whole() {
    let past = Past::with(&[("RetentionMonths", "12"), ("DestinationRegion", AWAY)], MONTHS);
    past.goes("snap-0d4").people(|_| ());
    for (place, call) in [
        (HOME, Call::DescribeInstances(PageRequest::default())),
        (HOME, Call::DescribeVolumes(PageRequest::default())),
        (AWAY, Call::DescribeSnapshots(SnapshotListing::Own(PageRequest::default()))),
    ] {
        let mut process = past.process(&[]);
        let unread = Err(ApiError::NoAnswer(String::new()));
        past.stage.sim.with(|world| process.see(world, &region(place), &call, &unread));
        assert_eq!(past.judged("snap-0d4", &mut process).map(|(rule, _)| rule), Some("S7"), "{place} {call:?}");
    }
}

#[test]
fn the_manager_writes_marks_on_what_is_over_and_nothing_else() {
    let past = Past::months();
    past.people(|_| ());
    let written = |job: Job, pairs: &[(&str, &str)]| {
        let mut process = past.process(&[]);
        process.job = job;
        let call = Call::CreateTags { resources: vec![ResourceId::Snapshot(known(OLD))], tags: tags(pairs) };
        let shared = past.stage.shared.borrow();
        let found = past.stage.sim.with(|world| shared.rules.judge(world, &process, &region(HOME), &call));
        found.broken.into_iter().next().map(|broken| broken.rule)
    };
    let mark = ("snapwarden:closed", "2026-11-22");
    assert_eq!(written(Job::Expire, &[mark]), Some("S12"), "it lives");
    assert_eq!(written(Job::Expire, &[("snapwarden:closed", "")]), None);
    past.tag_volume("Backup", "No");
    assert_eq!(written(Job::Expire, &[mark]), None);
    assert_eq!(written(Job::Expire, &[("snapwarden:closed", "")]), Some("S12"));
    assert_eq!(written(Job::Expire, &[("snapwarden:closed", "2026-10-22")]), Some("S12"));
    assert_eq!(written(Job::Expire, &[mark, ("Team", "shop")]), Some("S1"));
    assert_eq!(written(Job::Expire, &[("DeleteOn", "2027-01-01")]), Some("S1"));
    assert_eq!(written(Job::Offsite, &[mark]), Some("S1"));
    assert_eq!(written(Job::Offsite, &[("DeleteOn", "2027-01-01")]), None);
}

#[test]
fn s4_a_source_is_removed_whose_copies_stay_for_less() {
    let past = Past::new(&[("DestinationRegion", AWAY)]);
    let removed = |record: &str| {
        past.tag_snapshot(OLD, "snapwarden:retention", record);
        let mut process = past.process(&[]);
        process.job = Job::Offsite;
        let broken = past.all_judged(OLD, &mut process).into_iter();
        broken.filter(|broken| broken.words.contains("wants more of it")).map(|broken| broken.rule).next()
    };
    past.made(OLD, "2026-11-20", PLAIN);
    assert_eq!(removed("days=30 copies: days=3"), Some("S4"));
    assert_eq!(removed("days=3 last=2 copies: days=30"), Some("S4"));
    assert_eq!(removed("days=365 mistyped"), Some("S4"));
    assert_eq!(removed("DAYS=3"), Some("S4"));
    assert_eq!(removed("days=3 last=2 copies: days=3 weeks=4 last=2"), None);
}
