//! What a policy will have kept on a day to come: one volume's stream of snapshots, lived through ahead.
//!
//! Snapshots are made at their slots, and the manager looks once a day, at the end of the day in UTC. It asks what
//! [`plan_expire`] asks: whether the days are over, what the tiers of the tags and of the record say, and whether it is
//! the newest; a test holds the two to the same answers. The real manager looks every hour: what is made in the last hour
//! of a day it may find due a day later. Failures, outages to come and approvals are not foreseen.
//!
//! [`plan_expire`]: crate::plan::plan_expire

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;

use crate::ids::{SnapshotId, VolumeId};
use crate::inventory::{Inventory, Lineage, Snapshot, SnapshotState};
use crate::plan::{moment_of, time_of};
use crate::policy::{self, Config};
use crate::retention::{Asked, Keep, Recorded, Retention};
use crate::schedule::{Schedule, Slot};
use crate::tags::{self, Tags};
use crate::tiers::{Point, Said, Tier, judge};

/// What makes a volume's snapshots and keeps them.
#[derive(Debug, Clone)]
pub struct Rules {
    /// When they are made.
    pub schedule: Schedule,
    /// The policy that they are made under.
    pub policy: Retention,
    /// Whether all tags of retention can be read. Where not, what exists stays as it was promised, no more and no less.
    pub is_readable: bool,
    /// Whether it is about copies.
    pub is_copy: bool,
    /// For how many days a shorter retention waits; none where a person approves it at once.
    pub grace_days: Option<u32>,
}

/// All that was made for one slot, or will be. Of several snapshots the one that stays longest stands for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// A snapshot of it; one to come has a made-up id.
    pub snapshot: SnapshotId,
    /// Whether it is still to come.
    pub is_to_come: bool,
    /// Its place in the history: its slot, or the time of its data where that is earlier or there is no slot.
    pub time: Timestamp,
    /// The time of its data, from which its age counts.
    pub made: Timestamp,
    /// The first day on which it may go; none where it never may.
    pub delete_on: Option<Date>,
    /// The age that it must reach.
    pub needs_days: i64,
    /// The policy that it was made under.
    pub recorded: Recorded,
    /// The day on which it goes; none where that is after the preview's last.
    pub goes: Option<Date>,
}

/// What there is of a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// In order of time.
    pub moments: Vec<Moment>,
    /// The times for which there is something, be it of the kind that is asked about or of the other.
    times: BTreeSet<Timestamp>,
}

/// What keeps a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is tagged `KeepForever`, or its `DeleteOn` is not there or cannot be read.
    Forever,
    /// Its record of retention cannot be read.
    UnreadableRecord,
    /// Its days are not over.
    Days,
    /// A tier of the tags.
    Tier(Said),
    /// A tier that it was promised when it was made.
    Promised(Said),
    /// It is the oldest that says since when less is asked for, and others wait for that.
    States,
    /// It is the newest of its volume.
    Newest,
}

impl Why {
    /// The tier, where one keeps it.
    pub fn tier(&self) -> Option<Tier> {
        match self {
            Why::Tier(said) | Why::Promised(said) => Some(said.tier),
            Why::Forever | Why::UnreadableRecord | Why::Days | Why::States | Why::Newest => None,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Forever => f.write_str("KeepForever, or no DeleteOn that can be read"),
            Why::UnreadableRecord => f.write_str("its record of retention cannot be read"),
            Why::Days => f.write_str("its days"),
            Why::Tier(said) => said.fmt(f),
            Why::Promised(said) => write!(f, "promised: {said}"),
            Why::States => f.write_str("says since when less is asked for"),
            Why::Newest => f.write_str("the newest of its volume"),
        }
    }
}

/// How many snapshots there are on a day, and what keeps them. One that is kept by several counts for each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// Their days are not over.
    pub days: usize,
    /// The first of a week.
    pub weeks: usize,
    /// The first of a month.
    pub months: usize,
    /// The first of a year.
    pub years: usize,
    /// Among the newest.
    pub last: usize,
    /// By something else, and by none of these.
    pub others: usize,
    /// The day of the oldest one's data, UTC.
    pub oldest: Option<Date>,
}

impl Counts {
    /// Counts these.
    pub fn of<'a>(kept: impl IntoIterator<Item = &'a (&'a Moment, Vec<Why>)>) -> Self {
        let mut counts = Self::default();
        for (moment, whys) in kept {
            let is_by = |tier| whys.iter().any(|why| why.tier() == Some(tier));
            counts.total += 1;
            counts.days += usize::from(whys.contains(&Why::Days));
            counts.weeks += usize::from(is_by(Tier::Week));
            counts.months += usize::from(is_by(Tier::Month));
            counts.years += usize::from(is_by(Tier::Year));
            counts.last += usize::from(is_by(Tier::Last));
            counts.others += usize::from(whys.iter().all(|why| *why != Why::Days && why.tier().is_none()));
            let day = day_of(moment.made);
            counts.oldest = Some(counts.oldest.map_or(day, |oldest| oldest.min(day)));
        }
        counts
    }
}

impl Rules {
    /// Those of an instance with these tags, or of its copies.
    pub fn of(tags: &Tags, is_copy: bool, config: &Config) -> Self {
        let schedule = policy::schedule(tags, config).value;
        let asked = Asked::of(tags);
        Self {
            policy: asked.retention(config.retention_days, schedule.zone()),
            schedule,
            is_readable: asked.is_readable(),
            is_copy,
            grace_days: Some(config.grace_days),
        }
    }

    /// What holds for what it is about.
    pub fn keep(&self) -> Keep {
        self.policy.keep(self.is_copy)
    }

    /// The snapshots that are made from `now` to the end of `until`. A slot that has begun and that `history` lacks is
    /// made up for at once, as the creator does.
    fn to_come(&self, history: &History, now: Timestamp, until: Date) -> Vec<Moment> {
        let begun = self.schedule.slot_at(now);
        let first = (!history.times.contains(&begun.time())).then_some((begun, now));
        let rest = self.schedule.slots_after(now).map(|slot| (slot, slot.time()));
        let slots = first.into_iter().chain(rest.take_while(|(_, made)| *made <= end_of(until)));
        slots.enumerate().filter_map(|(n, (slot, made))| self.born(n, slot, made)).collect()
    }

    fn born(&self, n: usize, slot: Slot, made: Timestamp) -> Option<Moment> {
        let days = i64::from(self.keep().days);
        Some(Moment {
            snapshot: format!("snap-{n:017x}").parse().ok()?,
            is_to_come: true,
            time: slot.time(),
            made,
            delete_on: Some(day_of(made).saturating_add(days.days())),
            needs_days: days,
            recorded: if self.policy.is_plain() { Recorded::Plain } else { Recorded::Is(self.policy.clone()) },
            goes: None,
        })
    }

    /// What keeps each of those that are there at `now`. Nothing: it goes.
    fn whys(&self, there: &[&Moment], now: Timestamp) -> Vec<Vec<Why>> {
        let mut whys: Vec<Vec<Why>> =
            there.iter().map(|moment| self.of_itself(moment, now).into_iter().collect()).collect();
        if self.is_readable {
            for (whys, said) in whys.iter_mut().zip(self.judged(&self.policy, there, |_| true)) {
                whys.extend(said.into_iter().filter(Said::wants).map(Why::Tier));
            }
        }
        let mut waits = false;
        for record in self.promises(there, now) {
            let said = self.judged(record, there, |moment| moment.recorded.is_of(record));
            for ((moment, whys), said) in there.iter().zip(&mut whys).zip(said) {
                let is_of_it = matches!(&moment.recorded, Recorded::Is(of) if of == record);
                let more = said.into_iter().filter(|said| is_of_it && said.wants());
                let more: Vec<_> = more.collect();
                waits |= whys.is_empty() && !more.is_empty() && !record.has_tiers_of(&self.policy);
                let more = more.into_iter();
                let more: Vec<_> = more.filter(|said| !whys.contains(&Why::Tier(said.clone()))).collect();
                whys.extend(more.into_iter().map(Why::Promised));
            }
        }
        let states = self.stating(there).last().map(|oldest| oldest.snapshot.clone());
        for (_, whys) in there.iter().zip(&mut whys).filter(|(moment, whys)| {
            waits && self.is_readable && whys.is_empty() && Some(&moment.snapshot) == states.as_ref()
        }) {
            whys.push(Why::States);
        }
        let newest = (0..there.len()).max_by_key(|n| (there[*n].made, &there[*n].snapshot));
        whys.iter_mut().enumerate().filter(|(n, whys)| Some(*n) == newest && whys.is_empty()).for_each(|(_, whys)| {
            whys.push(Why::Newest);
        });
        whys
    }

    /// What keeps a snapshot whatever else there is.
    fn of_itself(&self, moment: &Moment, now: Timestamp) -> Option<Why> {
        let Some(delete_on) = moment.delete_on else { return Some(Why::Forever) };
        let age_days = now.duration_since(moment.made).as_hours() / 24;
        let is_due = delete_on <= day_of(now) && age_days >= moment.needs_days;
        let asks_longer = self.is_readable && !self.policy.is_plain() && age_days < i64::from(self.keep().days);
        if !is_due || asks_longer {
            return Some(Why::Days);
        }
        matches!(moment.recorded, Recorded::Unreadable(_)).then_some(Why::UnreadableRecord)
    }

    fn judged(&self, policy: &Retention, there: &[&Moment], stands: impl Fn(&Moment) -> bool) -> Vec<Vec<Said>> {
        let point =
            |moment: &&Moment| Point { time: moment.time, snapshot: moment.snapshot.clone(), stands: stands(moment) };
        judge(policy.keep(self.is_copy).tiers, &policy.zone, &there.iter().map(point).collect::<Vec<_>>())
    }

    /// The policies that snapshots record and that still count: not those that the tags make shorter, once that has
    /// taken effect, and not the tags' own where all record it.
    fn promises<'a>(&self, there: &[&'a Moment], now: Timestamp) -> Vec<&'a Retention> {
        let mut promises: Vec<&Retention> = Vec::new();
        for moment in there {
            if let Recorded::Is(record) = &moment.recorded
                && !promises.contains(&record)
            {
                promises.push(record);
            }
        }
        let is_stated = self.is_readable && self.is_stated(there, now);
        let all_record_it = self.is_readable && there.iter().all(|moment| moment.recorded.is_of(&self.policy));
        promises.retain(|record| if record.has_tiers_of(&self.policy) { !all_record_it } else { !is_stated });
        promises
    }

    /// The unbroken run of newest snapshots that record the policy, the newest first.
    fn stating<'m>(&self, there: &[&'m Moment]) -> impl Iterator<Item = &'m Moment> {
        there.iter().rev().copied().take_while(|moment| moment.recorded.states(&self.policy))
    }

    /// Whether the policy has been stated for the days of grace, by an unbroken run of the newest snapshots.
    fn is_stated(&self, there: &[&Moment], now: Timestamp) -> bool {
        let Some(days) = self.grace_days else { return true };
        let grace = SignedDuration::from_hours(24 * i64::from(days));
        let from = self.stating(there).map(|moment| moment.made).min().and_then(|since| since.checked_add(grace).ok());
        from.is_some_and(|from| from <= now)
    }
}

/// What becomes of a volume's snapshots, those that exist and those to come.
#[derive(Debug, Clone)]
pub struct Preview {
    rules: Rules,
    /// In order of time.
    moments: Vec<Moment>,
}

impl Preview {
    /// Lives through the days from `now` to `until`.
    pub fn of(rules: &Rules, history: &History, now: Timestamp, until: Date) -> Self {
        let mut moments = [&history.moments[..], &rules.to_come(history, now, until)].concat();
        moments.sort_by(in_order);
        let (mut there, mut next) = (Vec::new(), 0);
        for day in day_of(now).series(1.day()).take_while(|day| *day <= until) {
            let now = end_of(day);
            // Those to come stand behind the history, each at the time it is made.
            while moments.get(next).is_some_and(|moment| moment.made <= now) {
                there.push(next);
                next += 1;
            }
            let is_kept = kept(rules, &moments, &there, now);
            for n in there.iter().zip(&is_kept).filter(|(_, is_kept)| !**is_kept).map(|(n, _)| *n) {
                moments[n].goes = Some(day);
            }
            there.retain(|n| moments[*n].goes.is_none());
        }
        Self { rules: rules.clone(), moments }
    }

    /// All that was and will be, in order of time.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// What there is at the end of `day`, in order of time, and what keeps it.
    pub fn on(&self, day: Date) -> Vec<(&Moment, Vec<Why>)> {
        let now = end_of(day);
        let is_there = |moment: &&Moment| moment.made <= now && moment.goes.is_none_or(|goes| goes > day);
        let there: Vec<_> = self.moments.iter().filter(is_there).collect();
        let whys = self.rules.whys(&there, now);
        there.into_iter().zip(whys).collect()
    }
}

/// Whether each of those that are there stays.
fn kept(rules: &Rules, moments: &[Moment], there: &[usize], now: Timestamp) -> Vec<bool> {
    let there: Vec<_> = there.iter().map(|n| &moments[*n]).collect();
    // Tiers are asked about what is due only, and to ask them takes longest.
    if there.iter().all(|moment| rules.of_itself(moment, now).is_some()) {
        return vec![true; there.len()];
    }
    rules.whys(&there, now).iter().map(|whys| !whys.is_empty()).collect()
}

/// A snapshot that exists and goes on another day when tags are changed. No day: after the last of the preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved<'a> {
    /// The snapshot.
    pub moment: &'a Moment,
    /// When it goes if nothing is changed.
    pub as_is: Option<Date>,
    /// When it goes if tags are changed now.
    pub changed: Option<Date>,
    /// The same, where a person approves at once what waits.
    pub approved: Option<Date>,
}

impl Moved<'_> {
    /// Whether it goes earlier, with an approval or without.
    pub fn is_lost(&self) -> bool {
        let day = |goes: Option<Date>| goes.unwrap_or(Date::MAX);
        day(self.approved).min(day(self.changed)) < day(self.as_is)
    }
}

/// Which of the snapshots that exist go on another day.
pub fn moved<'a>(as_is: &'a Preview, changed: &Preview, approved: &Preview) -> Vec<Moved<'a>> {
    let days = |preview: &Preview| -> BTreeMap<SnapshotId, Option<Date>> {
        let existing = preview.moments.iter().filter(|moment| !moment.is_to_come);
        existing.map(|moment| (moment.snapshot.clone(), moment.goes)).collect()
    };
    let (changed, approved) = (days(changed), days(approved));
    let existing = as_is.moments.iter().filter(|moment| !moment.is_to_come);
    let all = existing.map(|moment| {
        let day = |days: &BTreeMap<SnapshotId, Option<Date>>| days.get(&moment.snapshot).copied().flatten();
        Moved { moment, as_is: moment.goes, changed: day(&changed), approved: day(&approved) }
    });
    all.filter(|moved| moved.changed != moved.as_is || moved.approved != moved.as_is).collect()
}

/// The history of a volume in all Regions that were read, as the tiers see it. Where copies have a policy of their own,
/// `of_copies` says whose history it is.
pub fn history(inventory: &Inventory, volume: &VolumeId, of_copies: Option<bool>) -> History {
    let is_of_it = |snapshot: &&Snapshot| {
        // One that is pending will most likely have completed by the end of the day.
        matches!(snapshot.state, SnapshotState::Completed | SnapshotState::Pending)
            && snapshot.is_managed(&inventory.account)
            && snapshot.lineage() == Lineage::Volume(volume.clone())
    };
    let all: Vec<_> = inventory.snapshots().map(|(_, snapshot)| snapshot).filter(is_of_it).collect();
    let mut moments: BTreeMap<String, Moment> = BTreeMap::new();
    for snapshot in all.iter().filter(|snapshot| of_copies.is_none_or(|of_copies| snapshot.is_copy() == of_copies)) {
        let moment = moment(snapshot);
        let stays_until = |moment: &Moment| (moment.delete_on.unwrap_or(Date::MAX), moment.needs_days);
        let longest = moments.entry(moment_of(snapshot)).or_insert_with(|| moment.clone());
        if stays_until(&moment) > stays_until(longest) {
            *longest = moment;
        }
    }
    let mut moments: Vec<_> = moments.into_values().collect();
    moments.sort_by(in_order);
    History { moments, times: all.into_iter().map(time_of).collect() }
}

fn in_order(a: &Moment, b: &Moment) -> Ordering {
    (a.time, &a.snapshot).cmp(&(b.time, &b.snapshot))
}

fn moment(snapshot: &Snapshot) -> Moment {
    let delete_on = tags::delete_on(&snapshot.tags).ok();
    let days = tags::created_on(&snapshot.tags).ok().zip(delete_on).map(|(from, to)| (to - from).get_days());
    Moment {
        snapshot: snapshot.id.clone(),
        is_to_come: false,
        time: time_of(snapshot),
        made: snapshot.data_time(),
        delete_on: delete_on.filter(|_| !snapshot.tags.keep_forever()),
        needs_days: days.map_or(i64::MIN, i64::from),
        recorded: Recorded::of(&snapshot.tags),
        goes: None,
    }
}

/// The day of `time`, UTC.
pub fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The last moment of `day`, UTC.
fn end_of(day: Date) -> Timestamp {
    let end = day.at(23, 59, 59, 999_999_999).to_zoned(TimeZone::UTC);
    end.map_or(Timestamp::MAX, |end| end.timestamp())
}
