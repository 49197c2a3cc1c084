//! What may stay past its day, and what of it must be said: nothing stays for ever in silence.
//!
//! Where docs/retention.md leaves a choice, this one takes the longer: it is asked when all is calm, and only what nothing at
//! all keeps is missed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use snapwarden_core::decision::Problem;
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::inventory::{Snapshot, SnapshotState, StorageTier};

use super::facts::{
    CLOSED, GRACE_DAYS, data_time, day, delete_on, everything, is_due, is_in_use, is_managed, is_of, is_past_closing,
    is_pinned, mark_counts, moment_of, seconds, volume_of,
};
use super::history::{History, How};
use super::memory::{Memory, State, Statement};
use super::policy::{Asked, Policy, Record, named};
use crate::world::World;

/// What becomes of a snapshot whose day has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stay {
    /// It may stay, since this keeps it until something newer or a day lets it go.
    Kept(&'static str),
    /// It may stay for ever, and that must be said.
    Said(Why),
    /// Nothing keeps it.
    Gone,
}

/// Why one may stay for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Pinned,
    NoDay,
    TooYoung,
    Unreadable,
    Nobody,
    OfSource,
    Slip,
    SlipOrSource,
}

impl Why {
    /// Which findings say so.
    pub(super) fn tells(self) -> fn(&Problem) -> bool {
        use Problem as P;
        match self {
            Why::Pinned => |problem| matches!(problem, P::PinnedPastDay { .. }),
            Why::NoDay => |problem| matches!(problem, P::DeleteOnUnreadable { .. }),
            Why::TooYoung => |problem| matches!(problem, P::CreatedOnHolds { .. }),
            Why::Unreadable => |problem| {
                problem.is_unreadable_retention()
                    || matches!(problem, P::RetentionRecordUnreadable { .. } | P::MadeMistyped { .. })
                    || matches!(problem, P::HistoryUnread { .. })
            },
            Why::Nobody => |problem| matches!(problem, P::BackedUpByNobody { .. }),
            Why::OfSource => |problem| matches!(problem, P::SourcesKeep { .. }),
            Why::Slip => |problem| matches!(problem, P::DestinationRefused { .. }),
            Why::SlipOrSource => |problem| matches!(problem, P::DestinationRefused { .. } | P::SourcesKeep { .. }),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::Pinned => "it is pinned",
            Why::NoDay => "its DeleteOn cannot be read",
            Why::TooYoung => "it is younger than its CreatedOn promised",
            Why::Unreadable => "a record or a tag of retention cannot be read",
            Why::Nobody => "its volume is backed up by nobody",
            Why::OfSource => "its source is kept",
            Why::Slip => "its instance names a destination that is none",
            Why::SlipOrSource => "its instance names a destination that is none, or its source is kept",
        })
    }
}

/// All there is of a volume, and what may be in force of it.
pub(super) struct Whole<'w> {
    world: &'w World,
    pub(super) now: Timestamp,
    pub(super) volume: VolumeId,
    pub(super) home: Region,
    pub(super) state: State,
    /// Its completed snapshots and copies.
    pub(super) all: Vec<(&'w Region, &'w Snapshot)>,
    statements: Vec<Statement>,
    policies: Vec<Policy>,
    destinations: BTreeSet<Region>,
    is_over: bool,
    /// The Regions in which a mark of more than 30 days ago says that it is over.
    closed: BTreeSet<Region>,
}

/// The volumes of which there is something.
pub(super) fn wholes<'w>(world: &'w World, memory: &Memory, now: Timestamp) -> Vec<Whole<'w>> {
    let mut all: BTreeMap<VolumeId, Vec<(&Region, &Snapshot)>> = BTreeMap::new();
    for region in world.regions() {
        for snapshot in world.snapshots(region).map(|record| &record.snapshot).filter(|one| is_managed(world, one)) {
            if let Some(volume) = volume_of(snapshot).filter(|_| snapshot.is_completed()) {
                all.entry(volume).or_default().push((region, snapshot));
            }
        }
    }
    all.into_iter().map(|(volume, all)| Whole::new(world, memory, now, volume, all)).collect()
}

impl<'w> Whole<'w> {
    fn new(
        world: &'w World,
        memory: &Memory,
        now: Timestamp,
        volume: VolumeId,
        all: Vec<(&'w Region, &'w Snapshot)>,
    ) -> Self {
        let of_copy = |snapshot: &Snapshot| snapshot.tags.get("SourceRegion").and_then(|text| text.parse().ok());
        let named = all.iter().find_map(|(region, snapshot)| {
            if snapshot.tags.has("SourceSnapshotId") { of_copy(snapshot) } else { Some((*region).clone()) }
        });
        let home = memory.home(&volume).cloned().or(named).unwrap_or_else(|| all[0].0.clone());
        let state = memory.at(&volume, now).cloned().unwrap_or_default();
        // A job deleted the others, or a person took them away.
        let is_ours = |one: &Snapshot| is_of(one, &volume) && is_managed(world, one);
        let is_there = |region: &Region, id: &SnapshotId| {
            world.snapshot(region, id).is_some_and(|record| is_ours(&record.snapshot))
        };
        let mut statements = memory.statements(world, &volume, &home, |_| true);
        statements.retain(|one| world.regions().any(|region| is_there(region, &one.snapshot)));
        let is_over = state.is_over();
        let mut whole = Self {
            world,
            now,
            volume,
            home,
            state,
            all,
            statements,
            policies: Vec::new(),
            destinations: BTreeSet::new(),
            is_over,
            closed: BTreeSet::new(),
        };
        whole.closed = whole.past_marks();
        whole.find_in_force();
        whole
    }

    /// The marks that count, each with its Region.
    fn marks(&self) -> impl Iterator<Item = (&'w Region, Date)> {
        let newest = self.all.iter().map(|(_, snapshot)| day(data_time(snapshot))).max();
        let mark = |(region, snapshot): &(&'w Region, &Snapshot)| {
            Some((*region, snapshot.tags.get(CLOSED)?.parse::<Date>().ok()?))
        };
        self.all.iter().filter_map(mark).filter(move |(_, marked)| mark_counts(*marked, newest, day(self.now)))
    }

    fn past_marks(&self) -> BTreeSet<Region> {
        let latest = |region: &Region| self.marks().filter(|(of, _)| *of == region).map(|(_, marked)| marked).max();
        let regions = self.all.iter().map(|(region, _)| *region).filter(|_| self.is_over);
        regions
            .filter(|region| latest(region).is_some_and(|marked| is_past_closing(marked, day(self.now))))
            .cloned()
            .collect()
    }

    fn is_all_closed(&self) -> bool {
        self.all.iter().all(|(region, _)| self.closed.contains(*region))
    }

    fn find_in_force(&mut self) {
        let asked: Vec<Asked> = self.state.holders.values().cloned().chain(self.named()).collect();
        let mut policies: Vec<_> = asked.iter().filter_map(|asked| asked.policy.clone()).collect();
        let mut destinations: BTreeSet<_> = asked.iter().flat_map(|asked| asked.destinations.clone()).collect();
        policies.extend(
            self.stating(|one| one.record.stated().is_some(), |_| true).filter_map(|one| one.record.stated().cloned()),
        );
        destinations.extend(self.stating(|_| true, |one| !one.has_slip).flat_map(|one| one.destinations.clone()));
        (self.policies, self.destinations) = (policies, destinations);
    }

    /// What those instances ask for that its snapshots name, while rule 4 of docs/retention.md holds.
    fn named(&self) -> Vec<Asked> {
        if !self.is_left() {
            return Vec::new();
        }
        let named: BTreeSet<_> = self.all.iter().filter_map(|(_, snapshot)| snapshot.tags.get("InstanceID")).collect();
        let all = self.world.regions().flat_map(|region| self.world.instances(region).map(move |one| (region, one)));
        let named =
            all.filter(|(_, one)| one.instance.state.is_backed_up() && named.contains(one.instance.id.as_str()));
        named.map(|(region, one)| Asked::of(&one.instance.tags, region, self.world.regions())).collect()
    }

    /// Whether what any of its snapshots says is in force: no instance that is backed up has the volume, or the snapshots of
    /// one that has it do not go back for the grace period yet.
    fn is_left(&self) -> bool {
        let since = self.first_of_holder().map(data_time);
        !self.is_all_closed() && since.is_none_or(|since| seconds(since, self.now) < GRACE_DAYS * 86_400)
    }

    /// The oldest of its newest ones that are all of instances that have it and are backed up.
    fn first_of_holder(&self) -> Option<&'w Snapshot> {
        let selected = self.state.holders.iter().filter(|(_, asked)| asked.is_selected());
        let selected: BTreeSet<_> = selected.map(|(id, _)| id.to_string()).collect();
        let mut newest: Vec<&Snapshot> = self.all.iter().map(|(_, snapshot)| *snapshot).collect();
        newest.sort_by_key(|snapshot| std::cmp::Reverse(data_time(snapshot)));
        let is_of_one = |snapshot: &Snapshot| snapshot.tags.get("InstanceID").is_some_and(|id| selected.contains(id));
        let mut oldest: Option<&Snapshot> = None;
        for one in newest {
            // An instance that was replaced by one with the same tags.
            let is_like = |next: &Snapshot| {
                let states = Record::of(&one.tags);
                let is_same = states == Record::of(&next.tags) && named(&one.tags) == named(&next.tags);
                states.stated().is_some() && is_same
            };
            if !is_of_one(one) && !oldest.is_some_and(is_like) {
                break;
            }
            oldest = Some(one);
        }
        oldest
    }

    /// The statements that may be in force, of those that count; some of these end others.
    fn stating(
        &self,
        counts: impl Fn(&Statement) -> bool,
        ends: impl Fn(&Statement) -> bool,
    ) -> impl Iterator<Item = &Statement> {
        let all: Vec<_> = self.statements.iter().filter(|one| counts(one)).collect();
        let is_in_force = |one: &Statement| {
            let next = all.iter().find(|other| ends(other) && other.takes_place_of(one));
            self.is_left() || next.is_none_or(|next| seconds(next.time, self.now) < (GRACE_DAYS + 1) * 86_400)
        };
        let in_force: Vec<_> = all.iter().copied().filter(|one| is_in_force(one)).collect();
        in_force.into_iter()
    }

    /// Days after which nothing in force wants anything that there is now, where its history ends.
    pub(super) fn reach_days(&self) -> i64 {
        let stated = self.statements.iter().filter_map(|one| one.record.stated());
        stated.chain(&self.policies).map(Policy::reach_days).max().unwrap_or(0)
    }

    /// The instances that have it, and those that its snapshots name.
    pub(super) fn instances(&self) -> BTreeSet<String> {
        let named = self.all.iter().filter_map(|(_, snapshot)| snapshot.tags.get("InstanceID").map(str::to_owned));
        self.state.holders.keys().map(ToString::to_string).chain(named).collect()
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether the manager has said since when it is over, in each Region.
    pub(super) fn is_marked(&self) -> bool {
        let marked: BTreeSet<_> = self.marks().map(|(region, _)| region).collect();
        self.all.iter().all(|(region, _)| marked.contains(region))
    }

    /// Whether something of it stays past its day that no person pinned.
    pub(super) fn has_due(&self) -> bool {
        self.all.iter().any(|(_, one)| is_due(one, self.now) && !is_pinned(&one.tags))
    }

    /// Whether no instance has it that is backed up, though it is not over.
    pub(super) fn is_left_alone(&self) -> bool {
        !self.is_over && !self.state.holders.values().any(Asked::is_selected)
    }

    /// What becomes of one whose day has come.
    pub(super) fn stay(&self, region: &Region, snapshot: &Snapshot) -> Stay {
        if is_pinned(&snapshot.tags) {
            return Stay::Said(Why::Pinned);
        }
        if delete_on(&snapshot.tags).is_none() {
            return Stay::Said(Why::NoDay);
        }
        if !is_due(snapshot, self.now) {
            return Stay::Said(Why::TooYoung);
        }
        if Record::of(&snapshot.tags) == Record::Unreadable || self.is_unreadable() {
            return Stay::Said(Why::Unreadable);
        }
        match self.kept(region, snapshot) {
            Some(_) if self.is_left_alone() => Stay::Said(Why::Nobody),
            Some(why) => Stay::Kept(why),
            // Then a policy may keep it in a Region that is open for no other reason, whatever its source does.
            None if self.has_slip() && self.has_kept_source(snapshot) => Stay::Said(Why::SlipOrSource),
            None if self.has_slip() => Stay::Said(Why::Slip),
            None if self.has_kept_source(snapshot) => Stay::Said(Why::OfSource),
            None => Stay::Gone,
        }
    }

    /// Whether nobody knows which destinations are meant: those that snapshots name stay in force.
    fn has_slip(&self) -> bool {
        self.state.holders.values().any(|asked| asked.has_slip)
    }

    /// Whether something that would tell cannot be read.
    fn is_unreadable(&self) -> bool {
        let says = |one: &&Statement| !matches!(one.record, Record::None | Record::Mistyped);
        let said: Vec<_> = self.statements.iter().filter(says).collect();
        let is_late = |one: &&&Statement| {
            let next = said.iter().find(|other| other.takes_place_of(one));
            next.is_none_or(|next| seconds(next.time, self.now) < (GRACE_DAYS + 1) * 86_400)
        };
        let named = self.named();
        let is_holder_unread = self.state.holders.values().chain(&named).any(|asked| asked.policy.is_none());
        let is_any_unread = self.is_left() && said.iter().any(|one| one.record == Record::Unreadable);
        let is_late_unread = said.iter().filter(is_late).any(|one| one.record == Record::Unreadable);
        is_holder_unread || is_any_unread || is_late_unread || self.is_slip_left()
    }

    /// Whether the newest was made while a tag could not be read, and its instance does not have the volume any more.
    fn is_slip_left(&self) -> bool {
        let newest = self.all.iter().map(|(_, snapshot)| data_time(snapshot)).max();
        let holds = |id: &str| self.state.holders.keys().any(|holder| holder.as_str() == id);
        let mut newest = self.all.iter().map(|(_, one)| one).filter(|one| Some(data_time(one)) == newest);
        let is_slip = |one: &&Snapshot| {
            Record::of(&one.tags) == Record::Mistyped && !one.tags.get("InstanceID").is_some_and(holds)
        };
        self.is_left() && newest.any(is_slip)
    }

    fn kept(&self, region: &Region, snapshot: &Snapshot) -> Option<&'static str> {
        if self.policies.iter().any(|policy| self.is_wanted(policy, region, snapshot)) {
            return Some("a policy in force wants it");
        }
        if self.is_last(region, snapshot) {
            return Some("it is the last good one, or the last of a closed history");
        }
        if self.is_memory(snapshot) {
            return Some("it says what is in force, or since when");
        }
        if self.is_copied(snapshot) {
            return Some("a copy of it is being made");
        }
        // The last run may have looked a day ago.
        let looked = self.now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(self.now);
        is_in_use(&snapshot.tags, looked).then_some("a restore reads from it")
    }

    fn is_last(&self, region: &Region, snapshot: &Snapshot) -> bool {
        let is_newer =
            |other: &Snapshot| moment_of(other) != moment_of(snapshot) && data_time(other) > data_time(snapshot);
        let is_standard = |other: &Snapshot| other.tier == StorageTier::Standard;
        let mut here = self.all.iter().filter(|(r, _)| *r == region).map(|(_, other)| *other);
        let is_newest_anywhere = !self.all.iter().any(|(_, other)| is_newer(other));
        if !self.is_over && is_newest_anywhere {
            return true;
        }
        if self.is_open(region) && !here.clone().any(|other| is_standard(other) && is_newer(other)) {
            return true;
        }
        // Of a closed one the newest goes last; of a volume that is over what carries the mark stays with any other.
        let has_mark = snapshot.tags.get(CLOSED).is_some_and(|text| !text.is_empty());
        let is_last = !here.clone().any(is_newer);
        here.any(|other| other.id != snapshot.id && (is_last || (self.is_over && has_mark)))
    }

    /// Whether its moment is the newest that states something in force, which keeps another, or states something else than
    /// the one before it, and an older one stays.
    fn is_memory(&self, snapshot: &Snapshot) -> bool {
        let moment = moment_of(snapshot);
        // A copy may have lost the time of its data.
        let times = self.statements.iter().filter(|one| one.moment == moment).map(|one| one.time);
        let time = times.max().unwrap_or_else(|| data_time(snapshot));
        let is_newest = |same: &dyn Fn(&Statement) -> bool| {
            !self.statements.iter().any(|other| other.is_completed && other.time > time && same(other))
        };
        let own: Vec<_> = self.statements.iter().filter(|one| one.moment == moment).collect();
        let others: Vec<_> = self.all.iter().filter(|(_, other)| moment_of(other) != moment).collect();
        let keeps = |policy: &Policy| {
            let wants = |(region, other): &&(&'w Region, &'w Snapshot)| self.is_wanted(policy, region, other);
            self.policies.contains(policy) && others.iter().any(wants)
        };
        let states_in_force = own.iter().any(|one| {
            let policy = one.record.stated().filter(|_| is_newest(&|other| other.written[0] == one.written[0]));
            policy.is_some_and(|policy| keeps(policy) || self.is_late(one, |other| other.record.stated().is_some()))
        });
        let opens =
            |one: &Statement| others.iter().any(|(r, _)| !self.closed.contains(*r) && one.destinations.contains(*r));
        let names_in_force = own.iter().any(|one| {
            let is_late = || self.is_late(one, |_| true) || self.is_late(one, |other| !other.has_slip);
            is_newest(&|other| other.written[1] == one.written[1]) && (opens(one) || is_late())
        });
        let mut before = self.statements.iter().rev().filter(|other| other.time < time && other.moment != moment);
        let differs = |other: &Statement| own.iter().any(|one| one.written != other.written);
        let stating = before.clone().find(|other| other.record.stated().is_some());
        let naming = before.clone().find(|other| !other.has_slip);
        let dates_a_change = before.next().into_iter().chain(stating).chain(naming).any(differs);
        let is_after = |first: &Snapshot| self.all.iter().any(|(_, other)| data_time(other) < data_time(first));
        let is_first = self.first_of_holder().is_some_and(|first| moment_of(first) == moment && is_after(first));
        states_in_force || names_in_force || dates_a_change || is_first
    }

    /// Whether another one has lately taken its place, of those that count.
    fn is_late(&self, one: &Statement, counts: impl Fn(&Statement) -> bool) -> bool {
        let next = self.statements.iter().filter(|other| counts(other)).find(|other| other.takes_place_of(one));
        next.is_some_and(|next| seconds(next.time, self.now) < (GRACE_DAYS + 1) * 86_400)
    }

    fn is_open(&self, region: &Region) -> bool {
        // Of a volume that is over all is judged as open until it is closed.
        !self.closed.contains(region) && (self.is_over || *region == self.home || self.destinations.contains(region))
    }

    /// Whether a policy may want one.
    fn is_wanted(&self, policy: &Policy, region: &Region, snapshot: &Snapshot) -> bool {
        // A copy that does not say where it is from does not show that its source was moved away from here.
        let is_from_here = |one: &Snapshot| one.tags.get("SourceRegion") == Some(self.home.as_str());
        let all = self.all.iter().copied().filter(|(of, one)| *of == region || is_from_here(one));
        let history = History::of(region, &self.home, all);
        [false, true].into_iter().any(|is_split| {
            let how = How { is_open: self.is_open(region), is_split, now: self.now };
            history.wanted(policy, snapshot, how).is_some()
        })
    }

    /// Whether what it is a copy of stays: it is pinned, or is kept until later, though its tags do not make it ours any more;
    /// or it is ours and its day has not come.
    fn has_kept_source(&self, snapshot: &Snapshot) -> bool {
        let source = everything(self.world).find(|other| other.id != snapshot.id && other.id == moment_of(snapshot));
        let is_later = |source: &Snapshot| delete_on(&source.tags).is_some_and(|until| until > day(self.now));
        let is_not_due = |source: &Snapshot| is_managed(self.world, source) && !is_due(source, self.now);
        source.is_some_and(|source| is_pinned(&source.tags) || is_later(source) || is_not_due(source))
    }

    /// Whether a copy of it is pending.
    fn is_copied(&self, snapshot: &Snapshot) -> bool {
        everything(self.world).any(|other| {
            other.state == SnapshotState::Pending
                && moment_of(other) == snapshot.id
                && other.id != snapshot.id
                && is_managed(self.world, other)
        })
    }
}
