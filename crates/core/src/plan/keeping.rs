//! What retention wants of a snapshot whose `DeleteOn` has come: the manager's question beside the date.
//!
//! Two policies speak of each snapshot: the tags that its instance has now, and what the snapshot records. What either
//! wants is kept. So a longer retention takes effect at once; a shorter one does when it has been stated for the days of
//! grace by an unbroken run of the volume's newest snapshots, which record it, or when a person approves. No other memory
//! is needed than the snapshots themselves, and one that is gone or mistyped never shortens anything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Due, due, homes};
use crate::decision::{CopyRef, KeptBy};
use crate::ids::{InstanceId, Region, SnapshotId, VolumeId};
use crate::inventory::{Inventory, Lineage, RegionStatus, SECONDS_PER_DAY, Snapshot};
use crate::policy::{Config, InstancePolicy, Offsite};
use crate::retention::{Recorded, Retention};
use crate::schedule::Slot;
use crate::tags::{self, key};
use crate::tiers::{Point, Said, Verdict, judge};

/// What retention wants of a snapshot.
pub(super) enum Wish {
    /// Nothing: this is what its tiers say.
    Nothing(Vec<Said>),
    /// It stays.
    Stays { by: KeptBy, said: Vec<Said> },
    /// It stays until the shorter retention of its instance takes effect; none where that day is not known.
    Shorter { instance: InstanceId, from: Option<Date>, said: Vec<Said> },
    /// It stays while a shorter retention of this instance waits: it is the oldest that says since when less is asked for.
    States(InstanceId),
    /// What it wants is unknown: these Regions' instances were not all read.
    Unread(Vec<Region>),
    /// Its record cannot be read.
    Unreadable(String),
    /// It has tiers, and names no volume.
    NoHistory,
}

/// Snapshots for which a person approved the shorter retention of their instance.
pub(super) type Released<'a> = BTreeSet<&'a SnapshotId>;

/// The instances and histories that retention is judged by.
pub(super) struct Keeping<'a> {
    inventory: &'a Inventory,
    grace: SignedDuration,
    alive: BTreeMap<&'a InstanceId, Alive<'a>>,
    /// Whose a volume is, by attachment: of several instances, that with the longest retention.
    owners: BTreeMap<&'a VolumeId, &'a InstanceId>,
    lines: BTreeMap<VolumeId, Line<'a>>,
}

/// A live instance.
struct Alive<'a> {
    region: &'a Region,
    /// What its tags ask for; none where they cannot be read.
    asked: Option<Retention>,
    destinations: Vec<Region>,
}

/// What the instance behind a snapshot asks for now.
enum Present<'a> {
    /// This instance, this.
    Is(&'a InstanceId, &'a Alive<'a>),
    /// There is no such instance.
    Gone,
    /// It may be in one of these Regions.
    Unread(Vec<Region>),
}

/// The history of a volume: what has completed of it, in all Regions that were read, in order of time.
struct Line<'a> {
    members: Vec<Member<'a>>,
    /// What the tiers say of each, by who asks.
    answers: BTreeMap<Asks, BTreeMap<&'a SnapshotId, Vec<Said>>>,
}

struct Member<'a> {
    region: &'a Region,
    snapshot: &'a Snapshot,
    recorded: Recorded,
    /// What its instance asks for now, where that is there and can be read.
    present: Option<Retention>,
    time: Timestamp,
}

/// A policy that asks about a volume's history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asks {
    policy: String,
    is_copy: bool,
    by_record: bool,
}

impl<'a> Keeping<'a> {
    pub(super) fn of(inventory: &'a Inventory, config: &Config) -> Self {
        let mut alive = BTreeMap::new();
        let mut owners: BTreeMap<_, (u32, Reverse<&InstanceId>)> = BTreeMap::new();
        for (region, seen) in &inventory.regions {
            for instance in seen.instances.items().iter().filter(|instance| instance.state.is_backed_up()) {
                let policy = InstancePolicy::of(instance, region, inventory, config);
                let claim = (policy.retention.reach_days(), Reverse(&instance.id));
                for volume in instance.devices.iter().filter_map(|device| device.volume.as_ref()) {
                    let best = owners.entry(volume).or_insert(claim);
                    *best = claim.max(*best);
                }
                let asked = policy.asked.is_readable().then_some(policy.retention);
                alive.insert(&instance.id, Alive { region, asked, destinations: policy.offsite.destinations });
            }
        }
        let owners = owners.into_iter().map(|(volume, (_, Reverse(instance)))| (volume, instance)).collect();
        let grace = SignedDuration::from_secs(i64::from(config.grace_days) * SECONDS_PER_DAY);
        let mut keeping = Keeping { inventory, grace, alive, owners, lines: BTreeMap::new() };
        keeping.lines = keeping.lines();
        keeping
    }

    /// The histories of the volumes of which any snapshot has tiers, recorded or asked for.
    fn lines(&self) -> BTreeMap<VolumeId, Line<'a>> {
        let mut members: BTreeMap<VolumeId, Vec<Member<'a>>> = BTreeMap::new();
        for (region, snapshot) in self.inventory.snapshots() {
            let is_ours = snapshot.is_completed() && snapshot.is_managed(&self.inventory.account);
            if let (true, Lineage::Volume(volume)) = (is_ours, snapshot.lineage()) {
                members.entry(volume).or_default().push(self.member(region, snapshot));
            }
        }
        members.retain(|_, members| members.iter().any(Member::has_tiers));
        members.into_iter().map(|(volume, members)| (volume, Line::of(members))).collect()
    }

    fn member(&self, region: &'a Region, snapshot: &'a Snapshot) -> Member<'a> {
        let present = match self.present(region, snapshot) {
            Present::Is(_, alive) => alive.asked.clone(),
            Present::Gone | Present::Unread(_) => None,
        };
        Member { region, snapshot, recorded: Recorded::of(&snapshot.tags), present, time: time_of(snapshot) }
    }

    /// What the instance that a snapshot names asks for, or where that one is gone, the one that has its volume now.
    fn present(&self, region: &Region, snapshot: &Snapshot) -> Present<'_> {
        let named = snapshot.tags.get(key::INSTANCE_ID).and_then(|text| text.parse::<InstanceId>().ok());
        let volume = match snapshot.lineage() {
            Lineage::Volume(volume) => Some(volume),
            Lineage::UnknownVolume => None,
        };
        let owner = volume.and_then(|volume| self.owners.get(&volume).copied());
        let (homes, are_all) = homes(self.inventory, region, snapshot);
        let is_home = |alive: &Alive<'_>| homes.contains(alive.region);
        let alive = |instance| self.alive.get_key_value(instance).filter(|(_, alive)| is_home(alive));
        if let Some((instance, alive)) = named.as_ref().and_then(alive) {
            return Present::Is(instance, alive);
        }
        // A Region that the account does not have holds no instance.
        let is_read = |home: &Region| {
            let seen = self.inventory.regions.get(home);
            seen.is_some_and(|seen| seen.instances.is_whole()) || self.inventory.status(home) == RegionStatus::NotThere
        };
        let unread: Vec<_> = homes.iter().filter(|home| !is_read(home)).cloned().collect();
        if !unread.is_empty() || !are_all {
            return Present::Unread(unread);
        }
        owner.and_then(alive).map_or(Present::Gone, |(instance, alive)| Present::Is(instance, alive))
    }

    /// What retention wants of a snapshot that is due by its date. `released`: those for which a person approved the shorter
    /// one.
    pub(super) fn wish(&self, region: &Region, snapshot: &Snapshot, released: &Released<'_>) -> Wish {
        let recorded = match Recorded::of(&snapshot.tags) {
            Recorded::Plain => None,
            Recorded::Is(recorded) => Some(recorded),
            Recorded::Unreadable(value) => return Wish::Unreadable(value),
        };
        let (instance, alive) = match self.present(region, snapshot) {
            Present::Is(instance, alive) => (Some(instance), Some(alive)),
            Present::Gone => (None, None),
            Present::Unread(unread) => return Wish::Unread(unread),
        };
        let present = alive.and_then(|alive| alive.asked.as_ref());
        let is_copy = snapshot.is_copy();
        let now = self.inventory.taken_at;
        let tiered = present.filter(|policy| !policy.is_plain());
        let is_young = tiered.is_some_and(|policy| snapshot.age_days(now) < i64::from(policy.keep(is_copy).days));
        let line = match snapshot.lineage() {
            Lineage::Volume(volume) => self.lines.get(&volume),
            Lineage::UnknownVolume => {
                let mut policies = recorded.iter().chain(present);
                let has_tiers = policies.any(|policy| !policy.keep(is_copy).tiers.is_none());
                return match instance {
                    _ if has_tiers => Wish::NoHistory,
                    Some(instance) if is_young => Wish::Stays { by: KeptBy::Tags(instance.clone()), said: Vec::new() },
                    Some(_) | None => Wish::Nothing(Vec::new()),
                };
            }
        };
        let answer = |policy: Option<&Retention>, by_record| {
            let said = policy.zip(line).and_then(|(policy, line)| line.answer(policy, snapshot, by_record));
            said.cloned().unwrap_or_default()
        };
        let said = answer(present, false);
        if let (Some(instance), true) = (instance, is_young || said.iter().any(Said::wants)) {
            return Wish::Stays { by: KeptBy::Tags(instance.clone()), said };
        }
        let promised = answer(recorded.as_ref(), true);
        if !promised.iter().any(Said::wants) {
            let states =
                present.zip(line).is_some_and(|(present, line)| self.is_witness(snapshot, present, line, released));
            return match instance.filter(|_| states) {
                Some(instance) => Wish::States(instance.clone()),
                None => Wish::Nothing(if said.is_empty() { promised } else { said }),
            };
        }
        match (instance, present, &recorded) {
            (Some(instance), Some(present), Some(recorded)) if !recorded.has_tiers_of(present) => {
                let destinations = alive.map_or(&[][..], |alive| &alive.destinations);
                let line = line.filter(|line| self.is_read(line, destinations));
                let since = line.and_then(|line| line.stated_since(present));
                let from = since.and_then(|since| since.checked_add(self.grace).ok());
                if released.contains(&snapshot.id) || from.is_some_and(|from| from <= now) {
                    return Wish::Nothing(if said.is_empty() { promised } else { said });
                }
                let from = from.map(|from| from.to_zoned(TimeZone::UTC).date());
                Wish::Shorter { instance: instance.clone(), from, said: promised }
            }
            _ => Wish::Stays { by: KeptBy::Record, said: promised },
        }
    }

    /// Whether `snapshot` is the oldest that states a shorter policy for which others wait. Without it the days of grace
    /// would never be over where snapshots are kept for fewer days.
    fn is_witness(&self, snapshot: &Snapshot, policy: &Retention, line: &Line<'_>, released: &Released<'_>) -> bool {
        let Some(oldest) = line.stating(policy).last() else { return false };
        let is_it = line.stating(policy).any(|one| one.snapshot.id == snapshot.id && one.moment() == oldest.moment());
        let waits = |member: &Member<'_>| {
            let is_promised = match &member.recorded {
                Recorded::Is(recorded) => {
                    line.answer(recorded, member.snapshot, true).is_some_and(|said| said.iter().any(Said::wants))
                }
                Recorded::Plain | Recorded::Unreadable(_) => false,
            };
            is_promised
                && !member.snapshot.tags.keep_forever()
                && matches!(due(member.snapshot, self.inventory.taken_at), Due::Yes { .. })
                && matches!(self.wish(member.region, member.snapshot, released), Wish::Shorter { .. })
        };
        is_it && line.members.iter().any(waits)
    }

    /// Whether all Regions were read in which the newest of a volume's snapshots, which state a policy, can lie.
    fn is_read(&self, line: &Line<'_>, destinations: &[Region]) -> bool {
        let is_whole = |region: &Region| self.inventory.snapshots_whole_in(region);
        let are_read = |member: &Member<'_>| {
            let (homes, are_all) = homes(self.inventory, member.region, member.snapshot);
            let home = homes.first().unwrap_or(member.region);
            let named = Offsite::of(&member.snapshot.tags, home, self.inventory).destinations;
            are_all && homes.iter().chain(&named).all(is_whole)
        };
        destinations.iter().all(is_whole) && line.members.iter().all(are_read)
    }

    /// What the tiers' word rests on where they want nothing: of each first of a period, one that holds it, here where
    /// there is one here.
    pub(super) fn rests_on(&self, region: &Region, snapshot: &Snapshot, said: &[Said]) -> Vec<CopyRef> {
        let Lineage::Volume(volume) = snapshot.lineage() else { return Vec::new() };
        let first = |said: &'_ Said| match &said.verdict {
            Verdict::NotFirst(first) => Some(first.clone()),
            Verdict::Wants | Verdict::Past => None,
        };
        let firsts: BTreeSet<_> = said.iter().filter_map(first).collect();
        let members = self.lines.get(&volume).map_or(&[][..], |line| line.members.as_slice());
        let holder = |first: SnapshotId| {
            let slot = members.iter().find(|member| member.snapshot.id == first).map(Member::moment);
            let mut holds = members.iter().filter(|member| Some(member.moment()) == slot);
            let any = holds.clone().find(|member| member.region == region).or_else(|| holds.next());
            any.map(|member| CopyRef { region: member.region.clone(), snapshot: member.snapshot.id.clone() })
        };
        firsts.into_iter().filter_map(holder).collect()
    }
}

impl Member<'_> {
    fn has_tiers(&self) -> bool {
        matches!(self.recorded, Recorded::Is(_)) || self.present.as_ref().is_some_and(|policy| !policy.is_plain())
    }

    fn moment(&self) -> String {
        moment_of(self.snapshot)
    }
}

/// The place of a snapshot in its volume's history.
pub(crate) fn time_of(snapshot: &Snapshot) -> Timestamp {
    let slot = snapshot.tags.get(key::SLOT).and_then(|text| text.parse::<Slot>().ok()).map(Slot::time);
    // A slot comes before the data that is taken for it: one that says otherwise is not believed.
    snapshot.data_time().min(slot.unwrap_or(Timestamp::MAX))
}

/// What tells the moments of a history apart: the slot; without one, the source.
pub(crate) fn moment_of(snapshot: &Snapshot) -> String {
    let source = tags::source_snapshot(&snapshot.tags).ok();
    let slot = snapshot.tags.get(key::SLOT).filter(|text| text.parse::<Slot>().is_ok());
    slot.map_or_else(|| source.as_ref().unwrap_or(&snapshot.id).to_string(), str::to_owned)
}

impl<'a> Line<'a> {
    fn of(mut members: Vec<Member<'a>>) -> Self {
        members.sort_by_key(|member| (member.time, member.snapshot.is_copy(), member.snapshot.id.clone()));
        let mut asked: BTreeMap<Asks, Retention> = BTreeMap::new();
        for member in &members {
            let is_copy = member.snapshot.is_copy();
            let mut ask = |policy: &Retention, by_record| {
                asked.insert(Asks::of(policy, is_copy, by_record), policy.clone());
            };
            if let Recorded::Is(recorded) = &member.recorded {
                ask(recorded, true);
            }
            member.present.iter().for_each(|present| ask(present, false));
        }
        let mut line = Line { members, answers: BTreeMap::new() };
        line.answers = asked
            .into_iter()
            .map(|(asks, policy)| {
                let answers = line.judged(&policy, &asks);
                (asks, answers)
            })
            .collect();
        line
    }

    /// What a policy says of each member of its kind. Where copies have a policy of their own, they and the sources are
    /// two histories: what is kept of one does not make up for the other.
    fn judged(&self, policy: &Retention, asks: &Asks) -> BTreeMap<&'a SnapshotId, Vec<Said>> {
        let is_of_kind = |member: &&Member<'_>| policy.copies.is_none() || member.snapshot.is_copy() == asks.is_copy;
        let mut moments: BTreeMap<String, usize> = BTreeMap::new();
        let mut points: Vec<Point> = Vec::new();
        let mut places = Vec::new();
        for member in self.members.iter().filter(is_of_kind) {
            let stands = if asks.by_record {
                member.recorded.is_of(policy)
            } else {
                member.present.as_ref().is_some_and(|present| present.has_tiers_of(policy))
            };
            let place = *moments.entry(member.moment()).or_insert(points.len());
            match points.get_mut(place) {
                Some(point) => point.stands |= stands,
                None => points.push(Point { time: member.time, snapshot: member.snapshot.id.clone(), stands }),
            }
            places.push((&member.snapshot.id, place));
        }
        let said = judge(policy.keep(asks.is_copy).tiers, &policy.zone, &points);
        places.into_iter().filter_map(|(id, place)| Some((id, said.get(place)?.clone()))).collect()
    }

    fn answer(&self, policy: &Retention, snapshot: &Snapshot, by_record: bool) -> Option<&Vec<Said>> {
        self.answers.get(&Asks::of(policy, snapshot.is_copy(), by_record))?.get(&snapshot.id)
    }

    /// Since when a policy is stated: the oldest of the unbroken run of newest ones that record it.
    fn stated_since(&self, policy: &Retention) -> Option<Timestamp> {
        self.stating(policy).map(|member| member.snapshot.data_time()).min()
    }

    fn stating(&self, policy: &Retention) -> impl Iterator<Item = &Member<'a>> {
        self.members.iter().rev().take_while(|member| member.recorded.states(policy))
    }
}

impl Asks {
    fn of(policy: &Retention, is_copy: bool, by_record: bool) -> Self {
        Self { policy: policy.to_string(), is_copy, by_record }
    }
}
