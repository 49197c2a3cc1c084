//! What a policy will have kept on a day to come: an instance's snapshots, lived through ahead.
//!
//! Nothing is judged here. A made-up account ([`Scene`]) has the instance, its volumes and what there is of them; the real
//! planners make, copy, remove and delete in it, day by day, and their answers are shown. Snapshots are made at their
//! slots; the offsiter and the manager look at the end of each day in UTC. The real ones look every hour: what is made in
//! the last hour of a day they may find due a day later. Failures and outages to come are not foreseen, and a person
//! approves what waits for an approval of a Region.

mod life;
mod scene;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

pub use self::scene::Scene;
use crate::decision::Evidence;
use crate::ids::{Region, SnapshotId, VolumeId};
use crate::index::Index;
use crate::inventory::{Inventory, Snapshot, day_of};
use crate::managed::{Due, Managed};
use crate::policy::{self, Config};
use crate::retention::tiers::{Said, Tier};
use crate::retention::{Account, Keeper, Table, Verdict, Wanted};
use crate::retention::{Asked, By, Keep, Recorded, Retention};
use crate::schedule::{Schedule, Slot};
use crate::tags::Tags;

/// What an instance's tags ask for, to be put in words.
#[derive(Debug, Clone)]
pub struct Rules {
    /// When snapshots are made.
    pub schedule: Schedule,
    /// The policy that they are made under.
    pub policy: Retention,
    /// Whether it is about copies.
    pub is_copy: bool,
}

impl Rules {
    /// Those of an instance with these tags, or of its copies.
    pub fn of(tags: &Tags, is_copy: bool, config: &Config) -> Self {
        let schedule = policy::schedule(tags, config).value;
        let policy = Asked::of(tags).retention(config.retention_days, schedule.zone());
        Self { policy, schedule, is_copy }
    }

    /// How long snapshots of its kind are kept.
    pub fn keep(&self) -> Keep {
        self.policy.keep(self.is_copy)
    }
}

/// A snapshot of a volume and its copies, that are there or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Of which volume.
    pub volume: VolumeId,
    /// A snapshot of it; one to come has a made-up id.
    pub snapshot: SnapshotId,
    /// Whether it is still to come.
    pub is_to_come: bool,
    /// Its slot, to show it by; without one, the time of its data.
    pub slot: Slot,
    /// The time of its data, from which its age counts.
    pub made: Timestamp,
    /// The day on which the last of it goes; none where that is after the preview's last.
    pub goes: Option<Date>,
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
    /// A tier of the instance's tags.
    Tier(Said),
    /// A tier of another policy in force: of an earlier one in its grace period, say.
    OtherTier(By, Said),
    /// It is the last good one where it lies, or the newest of its volume.
    Newest,
    /// Times are counted from it.
    Evidence(Evidence),
    /// A tag of retention cannot be read, so nothing is deleted.
    Mistyped,
    /// Only the closing days keep it, until this day.
    Closing(Date),
    /// Its copies have not taken its place yet, or something else than retention keeps it.
    Other,
}

impl Why {
    /// The tier, where one keeps it.
    pub fn tier(&self) -> Option<Tier> {
        match self {
            Why::Tier(said) | Why::OtherTier(_, said) => Some(said.tier),
            Why::Forever | Why::UnreadableRecord | Why::Days | Why::Newest => None,
            Why::Evidence(_) | Why::Mistyped | Why::Closing(_) | Why::Other => None,
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
            Why::OtherTier(By::Grace { until, .. }, said) => write!(f, "until {until}: {said}"),
            Why::OtherTier(By::Named(instance), said) => write!(f, "tags of {instance}: {said}"),
            Why::OtherTier(_, said) => write!(f, "recorded policy: {said}"),
            Why::Newest => f.write_str("the newest of its volume"),
            Why::Evidence(evidence) => evidence.fmt(f),
            Why::Mistyped => f.write_str("a retention tag cannot be read"),
            Why::Closing(until) => write!(f, "its volume is over: until {until}"),
            Why::Other => f.write_str("something else than retention"),
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

/// A snapshot of the made-up account, from when it is there until when.
#[derive(Debug, Clone)]
struct Lived {
    region: Region,
    snapshot: Snapshot,
    is_to_come: bool,
    /// From when on it is there.
    from: Timestamp,
    goes: Option<Date>,
}

/// What becomes of an instance's snapshots, those that exist and those to come.
pub struct Preview {
    scene: Scene,
    lived: Vec<Lived>,
    /// None: snapshots and their copies together.
    of_copies: Option<bool>,
    moments: BTreeMap<Key, Moment>,
}

/// The volume, the time of the data, and the snapshot that the copies are of.
type Key = (VolumeId, Timestamp, SnapshotId);

impl Preview {
    /// Lives through the days to `until`. `of_copies`: where sources and copies are kept by policies of their own, which of
    /// the two is shown. `approves`: a person approves at once what only the grace period keeps.
    pub fn of(scene: &Scene, until: Date, of_copies: Option<bool>, approves: bool) -> Self {
        let lived = life::live(scene, until, approves);
        let mut preview = Self { scene: scene.clone(), lived, of_copies, moments: BTreeMap::new() };
        preview.moments = preview.find_moments();
        preview
    }

    /// All that was and will be, volume by volume in order of time.
    pub fn moments(&self) -> impl Iterator<Item = &Moment> {
        self.moments.values()
    }

    fn find_moments(&self) -> BTreeMap<Key, Moment> {
        let mut moments: BTreeMap<Key, Moment> = BTreeMap::new();
        for lived in &self.lived {
            let Some((key, moment)) = self.moment(lived) else { continue };
            let all = moments.entry(key).or_insert_with(|| moment.clone());
            all.goes = all.goes.zip(moment.goes).map(|(a, b)| a.max(b));
        }
        moments
    }

    fn moment(&self, lived: &Lived) -> Option<(Key, Moment)> {
        let one = Managed::of(&lived.region, &lived.snapshot, &self.scene.inventory.account).ok()?;
        if self.of_copies.is_some_and(|of_copies| of_copies != one.is_copy()) {
            return None;
        }
        let volume = one.volume()?.clone();
        let moment = Moment {
            volume: volume.clone(),
            snapshot: one.id().clone(),
            is_to_come: lived.is_to_come,
            slot: one.slot().unwrap_or(Slot::containing(one.taken())),
            made: one.taken(),
            goes: lived.goes,
        };
        Some(((volume, one.taken(), one.moment().clone()), moment))
    }

    /// What there is at the end of `day`, and what keeps it.
    pub fn on(&self, day: Date) -> Vec<(&Moment, Vec<Why>)> {
        let inventory = self.inventory_on(day);
        let index = Index::of(&inventory);
        let account = Account::of(&index, &self.scene.config);
        let mut whys: BTreeMap<Key, Vec<Why>> = BTreeMap::new();
        for volume in self.scene.volumes() {
            let table = Table::of_all(&account, volume);
            for (one, verdict, keepers) in table.all_keepers() {
                if self.of_copies.is_none_or(|of_copies| of_copies == one.is_copy()) {
                    let of_moment = whys.entry((volume.clone(), one.taken(), one.moment().clone())).or_default();
                    for why in whys_of(one, &verdict, &keepers, inventory.taken_at) {
                        if !of_moment.contains(&why) {
                            of_moment.push(why);
                        }
                    }
                }
            }
        }
        let find = |(key, whys): (Key, Vec<Why>)| Some((self.moments.get(&key)?, without_the_plain(whys)));
        whys.into_iter().filter_map(find).collect()
    }

    fn inventory_on(&self, day: Date) -> Inventory {
        let end = end_of(day);
        let is_there = |lived: &&Lived| lived.from <= end && lived.goes.is_none_or(|goes| goes > day);
        let all = self.lived.iter().filter(is_there).map(|lived| (lived.region.clone(), lived.snapshot.clone()));
        self.scene.with_snapshots(end, all)
    }
}

/// Why a snapshot stays, for a reader.
fn whys_of(one: &Managed<'_>, verdict: &Verdict, keepers: &[Keeper], now: Timestamp) -> Vec<Why> {
    let mut whys = Vec::new();
    if one.is_pinned() || matches!(one.due(now), Due::Never(_)) {
        whys.push(Why::Forever);
    } else if matches!(one.recorded(), Recorded::Unreadable(_)) {
        whys.push(Why::UnreadableRecord);
    } else if !one.due(now).is_yes() {
        whys.push(Why::Days);
    }
    for keeper in keepers {
        whys.push(match keeper {
            Keeper::Policy { wanted: Wanted::Days(_), .. } => Why::Days,
            Keeper::Policy { by: By::Tags(_), wanted: Wanted::Tier(said), .. } => Why::Tier(said.clone()),
            Keeper::Policy { by, wanted: Wanted::Tier(said), .. } => Why::OtherTier(by.clone(), said.clone()),
            Keeper::LastGood | Keeper::NewestData => Why::Newest,
        });
    }
    match verdict {
        Verdict::Evidence(evidence) => whys.push(Why::Evidence(evidence.clone())),
        Verdict::Mistyped(..) => whys.push(Why::Mistyped),
        Verdict::Closing(_, until) => whys.push(Why::Closing(*until)),
        Verdict::Unread(_) | Verdict::Goes => whys.push(Why::Other),
        Verdict::OfItself | Verdict::Kept(_) | Verdict::Grace(..) => {}
    }
    whys
}

/// Leaves out what goes without saying: a tier that says the same for another policy, and that it is the newest.
fn without_the_plain(mut all: Vec<Why>) -> Vec<Why> {
    let mut seen = BTreeSet::new();
    let is_first = |why: &Why| match why {
        Why::Tier(said) => seen.insert((said.tier, said.period)),
        Why::OtherTier(_, said) => seen.insert((said.tier, said.period)),
        Why::Forever | Why::UnreadableRecord | Why::Days | Why::Newest => true,
        Why::Evidence(_) | Why::Mistyped | Why::Closing(_) | Why::Other => true,
    };
    all.sort_by_key(|why| matches!(why, Why::OtherTier(..)));
    all.retain(is_first);
    if all.len() > 1 {
        all.retain(|why| !matches!(why, Why::Newest));
    }
    all
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
    let existing = as_is.moments.iter().filter(|(_, moment)| !moment.is_to_come);
    let all = existing.map(|(key, moment)| {
        let goes = |preview: &Preview| preview.moments.get(key).and_then(|moment| moment.goes);
        Moved { moment, as_is: moment.goes, changed: goes(changed), approved: goes(approved) }
    });
    all.filter(|moved| moved.changed != moved.as_is || moved.approved != moved.as_is).collect()
}

/// The last moment of `day`, UTC.
fn end_of(day: Date) -> Timestamp {
    let end = day.at(23, 59, 59, 999_999_999).to_zoned(TimeZone::UTC);
    end.map_or(Timestamp::MAX, |end| end.timestamp())
}
