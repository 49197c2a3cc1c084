//! What there truly was: what the instances of each volume asked for and when, when a volume was over, what snapshots
//! stated, and what people did to snapshots. No job has such a memory; what they do is held against it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use snapwarden_core::ids::{InstanceId, Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState};

use super::facts::{UNSEEN_S, data_time, everything, is_left_out, is_managed, is_of, moment_of, seconds, volume_of};
use super::policy::{Asked, Record, destinations, has_slip};
use crate::world::World;

/// What was true of a volume for a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    exists: bool,
    is_left_out: bool,
    /// What those instances ask for that have it.
    pub(super) holders: BTreeMap<InstanceId, Asked>,
}

impl State {
    /// Gone, left out, or on instances that are all left out.
    pub(super) fn is_over(&self) -> bool {
        let all_left_out = !self.holders.is_empty() && self.holders.values().all(Asked::is_left_out);
        !self.exists || self.is_left_out || all_left_out
    }
}

/// Where a volume lives, and all its states, each from when on.
#[derive(Debug)]
struct Past {
    home: Region,
    states: Vec<(Timestamp, State)>,
}

impl Past {
    fn becomes(&mut self, from: Timestamp, state: State) {
        match self.states.last_mut() {
            Some((_, last)) if *last == state => {}
            Some((at, last)) if *at == from => *last = state,
            Some(_) | None => self.states.push((from, state)),
        }
    }

    /// The states until a time, each with its end.
    fn until(&self, time: Timestamp) -> impl DoubleEndedIterator<Item = (Timestamp, Timestamp, &State)> {
        let ends = self.states.iter().skip(1).map(|(from, _)| *from).chain([Timestamp::MAX]);
        let all: Vec<_> = self.states.iter().zip(ends).map(|((from, state), end)| (*from, end, state)).collect();
        all.into_iter().filter(move |(from, ..)| *from <= time)
    }
}

/// What an instance asked for of a volume that it had, from when until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tenure<T> {
    pub(super) instance: InstanceId,
    pub(super) from: Timestamp,
    /// [`Timestamp::MAX`] where it still does.
    pub(super) until: Timestamp,
    pub(super) what: T,
}

/// What a snapshot or a copy states.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) snapshot: SnapshotId,
    /// The source: it and its copies are one moment.
    pub(super) moment: SnapshotId,
    pub(super) time: Timestamp,
    pub(super) is_completed: bool,
    /// A run must have seen it as it is.
    pub(super) is_settled: bool,
    pub(super) record: Record,
    pub(super) destinations: BTreeSet<Region>,
    /// Whether it was made while a destination was named that is none: it states the others, and ends nothing.
    pub(super) has_slip: bool,
    /// Its record and its `DestinationRegion`, as written.
    pub(super) written: [Option<String>; 2],
}

impl Statement {
    /// Whether it is a newer one than `other`: it has completed, and is of another moment.
    pub(super) fn takes_place_of(&self, other: &Self) -> bool {
        self.is_completed && self.time > other.time && self.moment != other.moment
    }
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    volumes: BTreeMap<VolumeId, Past>,
    /// When the first look was. What was edited a moment before it, a run need not have seen.
    begun: Option<Timestamp>,
    /// What jobs have deleted, and what people have taken away, as it was.
    deleted: BTreeMap<VolumeId, Vec<Snapshot>>,
    /// Moments of which a person deleted a snapshot, or changed what it states.
    lost: BTreeSet<SnapshotId>,
    /// When a person last did so to one of a volume.
    disturbed: BTreeMap<VolumeId, Timestamp>,
    /// When those runs of the manager began that could see and write everything.
    managers: Vec<Timestamp>,
}

/// The managed snapshots as they are before something happens to them.
pub(super) type Before = BTreeMap<SnapshotId, Snapshot>;

impl Memory {
    /// Looks at all volumes and instances. What is there at the first look has been so all the time.
    pub(super) fn observe(&mut self, world: &World) {
        let from = if self.begun.is_some() { world.now() } else { Timestamp::MIN };
        self.begun.get_or_insert(world.now());
        let mut seen = BTreeMap::new();
        for region in world.regions() {
            let mut holders: BTreeMap<VolumeId, BTreeMap<InstanceId, Asked>> = BTreeMap::new();
            for record in world.instances(region).filter(|record| record.instance.state.is_backed_up()) {
                let asked = Asked::of(&record.instance.tags, region, world.regions());
                for volume in record.instance.devices.iter().filter_map(|device| device.volume.clone()) {
                    holders.entry(volume).or_default().insert(record.instance.id.clone(), asked.clone());
                }
            }
            for record in world.volumes(region) {
                let id = &record.volume.id;
                let holders = holders.remove(id).unwrap_or_default();
                let state = State { exists: true, is_left_out: is_left_out(&record.volume.tags), holders };
                seen.insert(id.clone(), (region.clone(), state));
            }
        }
        for (_, past) in self.volumes.iter_mut().filter(|(volume, _)| !seen.contains_key(volume)) {
            past.becomes(from, State::default());
        }
        for (volume, (home, state)) in seen {
            let past = self.volumes.entry(volume).or_insert_with(|| Past { home, states: Vec::new() });
            past.becomes(from, state);
        }
    }

    /// A run of the manager that could see and write everything.
    pub(super) fn note_manager(&mut self, begun: Timestamp) {
        self.managers.push(begun);
    }

    /// A job deleted this.
    pub(super) fn note_deleted(&mut self, snapshot: &Snapshot) {
        if let Some(volume) = volume_of(snapshot) {
            self.deleted.entry(volume).or_default().push(snapshot.clone());
        }
    }

    fn is_lost(&self, snapshot: &Snapshot) -> bool {
        self.lost.contains(&moment_of(snapshot))
    }

    /// A person approved that this one went: what it stated went with it.
    pub(super) fn note_approved(&mut self, snapshot: &Snapshot) {
        self.lost.insert(moment_of(snapshot));
    }

    /// All managed snapshots, before a person does something.
    pub(super) fn before(world: &World) -> Before {
        everything(world).filter(|one| is_managed(world, one)).map(|one| (one.id.clone(), one.clone())).collect()
    }

    /// A person has done something to these: where they stated something and do not any more, that is lost.
    pub(super) fn note_people(&mut self, world: &World, before: &Before, touched: &[String]) {
        for (id, was) in before.iter().filter(|(id, _)| touched.iter().any(|touched| touched == id.as_str())) {
            let is = world.regions().find_map(|region| world.snapshot(region, id)).map(|record| &record.snapshot);
            let is = is.filter(|is| is_managed(world, is));
            if is.is_none_or(|is| !says_the_same(is, was)) {
                self.lose(world, was, is.is_none_or(|is| volume_of(is) != volume_of(was)));
            }
        }
    }

    /// A person has deleted this one, which goes when it is no longer pending.
    pub(super) fn note_doomed(&mut self, world: &World, id: &SnapshotId, before: &Before) {
        if let Some(was) = before.get(id) {
            self.lose(world, was, false);
        }
    }

    /// What is gone still took the place of what was before it.
    fn lose(&mut self, world: &World, was: &Snapshot, is_gone: bool) {
        let Some(volume) = volume_of(was) else { return };
        self.lost.insert(moment_of(was));
        if is_gone {
            self.deleted.entry(volume.clone()).or_default().push(was.clone());
        }
        self.disturbed.insert(volume, world.now());
    }

    /// Whether a person has changed what snapshots of a volume state since then.
    pub(super) fn is_disturbed(&self, volume: &VolumeId, since: Timestamp) -> bool {
        self.disturbed.get(volume).is_some_and(|at| *at >= since)
    }

    /// Where a volume lives or lived; none where it was never seen.
    pub(super) fn home(&self, volume: &VolumeId) -> Option<&Region> {
        self.volumes.get(volume).map(|past| &past.home)
    }

    /// The state of a volume; none before it was made, and where it was never seen.
    pub(super) fn at(&self, volume: &VolumeId, time: Timestamp) -> Option<&State> {
        self.volumes.get(volume)?.until(time).next_back().map(|(.., state)| state)
    }

    /// The state of a volume where it is the same since then; none from before the first look.
    pub(super) fn since(&self, volume: &VolumeId, time: Timestamp) -> Option<&State> {
        self.begun.filter(|begun| *begun <= time)?;
        let (_, end, state) = self.volumes.get(volume)?.until(time).next_back()?;
        (end == Timestamp::MAX).then_some(state)
    }

    /// Since when a volume is over at a time: [`Timestamp::MIN`] where it always was. That it was not over in between
    /// counts where the manager could see it, or a snapshot was made.
    pub(super) fn over_since(&self, volume: &VolumeId, time: Timestamp, statements: &[Statement]) -> Option<Timestamp> {
        let Some(past) = self.volumes.get(volume) else { return Some(Timestamp::MIN) };
        let (mut since, mut open_until) = (None, None);
        for (from, end, state) in past.until(time).rev() {
            if state.is_over() {
                open_until = None;
                since = Some(from);
                continue;
            }
            let until = *open_until.get_or_insert(end);
            if since.is_none() || self.is_seen(from, until, statements) {
                return since;
            }
        }
        since
    }

    fn is_seen(&self, from: Timestamp, until: Timestamp, statements: &[Statement]) -> bool {
        let is_in = |time: Timestamp| from <= time && time < until;
        let is_made = |one: &Statement| one.is_completed && is_in(one.time);
        let is_between =
            |begun: &Timestamp| is_in(*begun) && seconds(from, *begun) > UNSEEN_S && seconds(*begun, until) > UNSEEN_S;
        self.managers.iter().any(is_between) || statements.iter().any(is_made)
    }

    /// What each instance that ever had a volume asked for, as `read` has it. Where that cannot be read, what it asked for
    /// before goes on.
    pub(super) fn tenures<T: Clone + PartialEq>(
        &self,
        volume: &VolumeId,
        read: impl Fn(&Asked) -> Option<T>,
    ) -> Vec<Tenure<T>> {
        let mut open: BTreeMap<&InstanceId, Tenure<T>> = BTreeMap::new();
        let mut all = Vec::new();
        for (from, _, state) in self.volumes.get(volume).into_iter().flat_map(|past| past.until(Timestamp::MAX)) {
            let goes_on = |instance: &InstanceId, tenure: &Tenure<T>| {
                let asked = state.holders.get(instance);
                asked.is_some_and(|asked| read(asked).is_none_or(|what| what == tenure.what))
            };
            let (still, over): (BTreeMap<_, _>, BTreeMap<_, _>) =
                open.into_iter().partition(|(instance, tenure)| goes_on(instance, tenure));
            all.extend(over.into_values().map(|tenure| Tenure { until: from, ..tenure }));
            open = still;
            for (instance, asked) in &state.holders {
                if let Some(what) = read(asked).filter(|_| !open.contains_key(instance)) {
                    let tenure = Tenure { instance: instance.clone(), from, until: Timestamp::MAX, what };
                    open.insert(instance, tenure);
                }
            }
        }
        all.extend(open.into_values());
        all
    }

    /// What the snapshots of a volume state, and stated when jobs deleted them; oldest first.
    pub(super) fn statements(
        &self,
        world: &World,
        volume: &VolumeId,
        home: &Region,
        is_settled: impl Fn(&Snapshot) -> bool,
    ) -> Vec<Statement> {
        let there = everything(world).filter(|snapshot| is_of(snapshot, volume) && is_managed(world, snapshot));
        let there = there.map(|snapshot| (snapshot, false));
        let deleted = self.deleted.get(volume).into_iter().flatten();
        let deleted = deleted.filter(|snapshot| is_managed(world, snapshot)).map(|one| (one, self.is_lost(one)));
        let counts = |(snapshot, _): &(&Snapshot, bool)| {
            matches!(snapshot.state, SnapshotState::Completed | SnapshotState::Pending)
        };
        let statement = |(snapshot, is_lost): (&Snapshot, bool)| Statement {
            snapshot: snapshot.id.clone(),
            moment: moment_of(snapshot),
            time: data_time(snapshot),
            is_completed: snapshot.is_completed(),
            // What is lost states nothing any more, and took the place of what was before it.
            is_settled: !is_lost && is_settled(snapshot),
            record: Record::of(&snapshot.tags),
            destinations: destinations(&snapshot.tags, home, world.regions()),
            has_slip: has_slip(&snapshot.tags, home, world.regions()),
            written: written(snapshot),
        };
        let mut all: Vec<_> = there.chain(deleted).filter(counts).map(statement).collect();
        all.sort_by(|a, b| (a.time, &a.moment).cmp(&(b.time, &b.moment)));
        all
    }
}

/// Its record and its `DestinationRegion`, as written.
pub(super) fn written(snapshot: &Snapshot) -> [Option<String>; 2] {
    ["snapwarden:retention", "DestinationRegion"].map(|key| snapshot.tags.get(key).map(str::to_owned))
}

/// Whether two looks at one snapshot tell the same of a policy.
fn says_the_same(a: &Snapshot, b: &Snapshot) -> bool {
    let named = |one: &Snapshot| one.tags.get("DestinationRegion").map(str::to_owned);
    let said = |one: &Snapshot| (volume_of(one), moment_of(one), data_time(one), named(one), Record::of(&one.tags));
    said(a) == said(b)
}
