//! All that there is of a volume, and the policies that are in force for it (docs/retention.md). Where a volume was put in
//! the place of another, the two are judged as one, too.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::account::{Account, Home, Over};
use super::facts::{self, Fact, date_of, days_between};
use super::record::{Numbers, Policy, Record, asked, recorded};
use super::stated::{Statement, Statements};
use super::wanted::Wants;
use crate::ids::{Region, SnapshotId};
use crate::inventory::Instance;
use crate::schedule::Zone;

/// A snapshot of ours that has completed or is going to.
pub(super) struct Member<'a> {
    pub(super) fact: &'a Fact<'a>,
    pub(super) record: Record,
    pub(super) second: i64,
    /// Whether the plan deletes it.
    pub(super) goes: bool,
    /// Whether nothing but a policy keeps it: it is due, and not pinned.
    pub(super) is_due: bool,
}

impl<'a> Member<'a> {
    /// Whether it says what it was promised, so that longer days hold for it.
    pub(super) fn has_record(&self) -> bool {
        matches!(self.record, Record::Is(_))
    }

    /// What it has in common with what is copied from the same snapshot, and with that.
    pub(super) fn moment(&self) -> &'a str {
        self.fact.source().unwrap_or(self.fact.snapshot.id.as_str())
    }

    /// Whether only a person can let it go: it is pinned, or has no day or no record that can be read.
    pub(super) fn is_for_ever(&self) -> bool {
        self.fact.is_pinned() || self.fact.delete_on().is_none() || self.record == Record::Unreadable
    }
}

/// What a judgement takes into account, beside what always counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Terms {
    /// The policies that others took the place of, too short a time ago.
    pub(super) grace: bool,
    /// The days for which what there is of a volume that is over is judged as open.
    pub(super) closing: bool,
}

impl Terms {
    pub(super) const ALL: Self = Self { grace: true, closing: true };

    pub(super) fn place(self) -> usize {
        usize::from(self.grace) * 2 + usize::from(self.closing)
    }
}

/// How a history is judged, the volume's in one Region.
pub(super) struct State<'l> {
    pub(super) is_open: bool,
    pub(super) force: &'l Force,
}

/// What is in force for a volume.
pub(super) struct Force {
    pub(super) need: Need,
    pub(super) destinations: BTreeSet<Region>,
}

/// What policies want together: of each zone the greatest of each number, of sources and of copies.
pub(super) struct Need {
    pub(super) zones: Vec<(Zone, [Numbers; 2])>,
    /// Whether copies have a part of their own anywhere: sources and copies are two histories then.
    pub(super) is_split: bool,
}

impl Need {
    pub(super) fn of(policies: &[Policy]) -> Self {
        let mut zones: Vec<(Zone, [Numbers; 2])> = Vec::new();
        for policy in policies {
            let numbers = [policy.of_kind(false), policy.of_kind(true)];
            let Some((_, most)) = zones.iter_mut().find(|(zone, _)| *zone == policy.zone) else {
                zones.push((policy.zone.clone(), numbers));
                continue;
            };
            for (most, number) in most.iter_mut().flatten().zip(numbers.into_iter().flatten()) {
                *most = number.max(*most);
            }
        }
        Self { zones, is_split: policies.iter().any(|policy| policy.copies.is_some()) }
    }
}

/// A volume, or several that are judged as one.
pub(super) struct Line<'a> {
    pub(super) account: &'a Account<'a>,
    /// Oldest data first.
    pub(super) members: Vec<Member<'a>>,
    pub(super) over: Over,
    pub(super) retention: Statements,
    pub(super) destinations: Statements,
    homes: Vec<Home>,
    /// The instances that have it now.
    holders: Vec<&'a Instance>,
    adopted: OnceCell<Option<Timestamp>>,
    /// With and without grace, with and without rule 4.
    forces: [OnceCell<Force>; 4],
    /// By [`Terms::place`].
    pub(super) wants: [OnceCell<Wants<'a>>; 4],
}

impl<'a> Line<'a> {
    pub(super) fn of(account: &'a Account<'a>, volumes: Vec<&'a str>, goes: impl Fn(&Fact<'a>) -> bool) -> Self {
        // Of a volume that another one was put in the place of nothing may be left.
        let is_seen = |volume: &&&'a str| volumes.len() == 1 || account.is_seen(volume);
        let facts = volumes.iter().flat_map(|volume| account.snapshots_of(volume)).filter(|fact| fact.states());
        let now = account.inventory.taken_at;
        let member = |fact: &&'a Fact<'a>| Member {
            fact,
            record: fact.record(),
            second: fact.second(),
            goes: goes(fact),
            is_due: !fact.is_pinned() && fact.too_early(now).is_none(),
        };
        let mut members: Vec<_> = facts.map(member).collect();
        members.sort_by_key(|member| (member.second, member.fact.is_copy, &member.fact.snapshot.id));
        let grace = account.config.grace_days;
        let stated = |loses, said: &dyn Fn(&Member<'a>) -> Option<(String, bool)>| {
            let of = |member: &Member<'a>| {
                let (data, is_completed) = (member.fact.data, member.fact.is_completed());
                said(member).map(|(text, is_slip)| Statement { data, is_completed, is_slip, text })
            };
            Statements::of(members.iter().filter_map(of).collect(), loses, now, grace)
        };
        Self {
            account,
            over: over(account, &volumes, &members),
            retention: stated(|one, other| one != other, &|member| Some((stated_retention(member)?, false))),
            destinations: stated(loses_destination, &|member| Some(stated_destinations(account, member))),
            homes: volumes.iter().filter(is_seen).map(|volume| account.home(volume)).collect(),
            holders: volumes.iter().flat_map(|volume| account.holders(volume)).collect(),
            adopted: OnceCell::new(),
            forces: Default::default(),
            wants: Default::default(),
            members,
        }
    }

    pub(super) fn completed(&self) -> impl DoubleEndedIterator<Item = &Member<'a>> {
        self.members.iter().filter(|member| member.fact.is_completed())
    }

    /// The Regions that hold any of it.
    pub(super) fn regions(&self) -> BTreeSet<&'a Region> {
        self.members.iter().map(|member| member.fact.region).collect()
    }

    /// The terms without what makes no difference here.
    pub(super) fn that_matter(&self, terms: Terms) -> Terms {
        let has_grace = self.retention.has_grace() || self.destinations.has_grace() || self.is_adopted();
        Terms { grace: terms.grace || !has_grace, closing: terms.closing || self.over != Over::Yes }
    }

    /// How what lies in a Region is judged.
    pub(super) fn state(&self, region: &Region, terms: Terms) -> State<'_> {
        let is_past = self.is_past(region) || (self.over == Over::Yes && !terms.closing);
        let force = self.force(terms.grace, self.is_left() && !is_past);
        let is_open = match self.over {
            Over::Yes => !is_past,
            Over::No => self.is_home(region) || force.destinations.contains(region),
            Over::Unread => true,
        };
        State { is_open, force }
    }

    pub(super) fn is_home(&self, region: &Region) -> bool {
        let is_in = |home: &Home| matches!(home, Home::In(regions) if regions.contains(region));
        self.homes.iter().any(is_in)
    }

    /// Whether it is over, and the closing days have passed in a Region: the marks of all its volumes are older.
    fn is_past(&self, region: &Region) -> bool {
        let (now, days) = (date_of(self.account.inventory.taken_at), i64::from(self.account.config.closing_days));
        self.over == Over::Yes && self.closed(region).is_some_and(|day| days_between(day, now) > days)
    }

    /// The latest day on which one of its volumes was marked, where each was: in a Region, or anywhere if none of it lies there.
    pub(super) fn closed(&self, region: &Region) -> Option<Date> {
        let volumes: BTreeSet<_> = self.completed().filter_map(|one| one.fact.volume).collect();
        let mut latest = None;
        for volume in volumes {
            let mut of_it = self.completed().map(|one| one.fact).filter(|fact| fact.volume == Some(volume));
            let day = if of_it.any(|fact| fact.region == region) {
                self.mark(volume, region)
            } else {
                self.regions().into_iter().filter_map(|other| self.mark(volume, other)).max()
            };
            latest = latest.max(Some(day?));
        }
        latest
    }

    /// The day on which a volume's history here was marked as closed. A mark counts from the day of the volume's newest
    /// data on, wherever that is, and up to today.
    pub(super) fn mark(&self, volume: &str, region: &Region) -> Option<Date> {
        let of_volume = || self.completed().map(|one| one.fact).filter(|fact| fact.volume == Some(volume));
        let newest = of_volume().map(Fact::data_day).max();
        let marks = of_volume().filter(|fact| fact.region == region);
        let days = marks.filter_map(|fact| facts::day(&fact.snapshot.tags, "snapwarden:closed"));
        days.filter(|day| *day <= date_of(self.account.inventory.taken_at) && Some(*day) >= newest).max()
    }

    fn force(&self, with_grace: bool, is_left: bool) -> &Force {
        let place = usize::from(with_grace) * 2 + usize::from(is_left);
        self.forces[place].get_or_init(|| self.force_of(with_grace, is_left))
    }

    fn force_of(&self, with_grace: bool, is_left: bool) -> Force {
        let config = self.account.config;
        let mut policies: Vec<Policy> = self.retention.holding(with_grace).filter_map(recorded).collect();
        let mut destinations: BTreeSet<Region> = self
            .destinations
            .holding(with_grace)
            .flat_map(|text| text.split(' ').filter_map(|word| word.parse().ok()))
            .collect();
        let mut instances = self.holders.clone();
        if is_left && (with_grace || !self.is_adopted()) {
            let said: BTreeSet<_> = self.members.iter().filter_map(stated_retention).collect();
            policies.extend(said.iter().filter_map(|text| recorded(text)));
            destinations.extend(self.members.iter().flat_map(|member| facts::destinations(&member.fact.snapshot.tags)));
            instances.extend(self.named_instances());
        }
        for instance in instances {
            policies.extend(asked(&instance.tags, config));
            destinations.extend(facts::destinations_of_instance(&instance.tags));
        }
        Force { need: Need::of(&policies), destinations }
    }

    /// Rule 4 of docs/retention.md: no instance that is backed up has the volume, or its snapshots do not go back for the grace
    /// period yet.
    pub(super) fn is_left(&self) -> bool {
        let days = facts::full_days(i64::from(self.account.config.grace_days));
        self.adopted().is_none_or(|oldest| self.account.inventory.taken_at.duration_since(oldest) < days)
    }

    /// Whether rule 4 holds, and ends with the grace period.
    fn is_adopted(&self) -> bool {
        self.is_left() && self.adopted().is_some()
    }

    /// Whether a policy that a snapshot states is in force for what lies in a Region: of a volume that is over not every one
    /// is, once the closing days have passed there.
    pub(super) fn states_in(&self, text: &str, region: &Region) -> bool {
        !self.is_past(region) || self.retention.holding(true).any(|holding| holding == text)
    }

    /// Since when all its newest snapshots are of an instance that has it and is backed up.
    fn adopted(&self) -> Option<Timestamp> {
        *self.adopted.get_or_init(|| self.find_adopted())
    }

    fn find_adopted(&self) -> Option<Timestamp> {
        let is_yes = |one: &&&Instance| facts::says_yes(&one.tags);
        let ids: BTreeSet<&str> = self.holders.iter().filter(is_yes).map(|one| one.id.as_str()).collect();
        let is_of_one =
            |member: &Member<'_>| member.fact.snapshot.tags.get("InstanceID").is_some_and(|id| ids.contains(id));
        let written = |member: &Member<'_>| {
            let named: BTreeSet<_> = facts::destinations(&member.fact.snapshot.tags).collect();
            Some((stated_retention(member).filter(|_| member.has_record())?, named))
        };
        let mut oldest: Option<&Member<'a>> = None;
        for member in self.completed().rev() {
            // One that was replaced by one with the same tags.
            let is_like = |next: &Member<'_>| written(member).is_some_and(|of_it| written(next) == Some(of_it));
            if !is_of_one(member) && !oldest.is_some_and(is_like) {
                break;
            }
            oldest = Some(member);
        }
        oldest.map(|oldest| oldest.fact.data)
    }

    /// The instances that its snapshots name and that are there.
    fn named_instances(&self) -> impl Iterator<Item = &'a Instance> {
        let named = self.members.iter().filter_map(|member| member.fact.snapshot.tags.get("InstanceID"));
        let named: BTreeSet<_> = named.collect();
        named.into_iter().filter_map(|id| self.account.live_instance(id))
    }

    /// The instance that an approval names for this volume: that of its newest snapshot.
    pub(super) fn instance(&self) -> Option<&'a str> {
        self.completed().next_back().and_then(|newest| newest.fact.snapshot.tags.get("InstanceID"))
    }

    /// A tag of retention that cannot be read, of an instance that has it, or, while none has, of one that its snapshots
    /// name: the instance.
    pub(super) fn mistyped(&self) -> Option<&'a Instance> {
        let is_past = self.over == Over::Yes && self.regions().into_iter().all(|region| self.is_past(region));
        let named = self.named_instances().filter(|_| self.is_left() && !is_past);
        let mut all = self.holders.iter().copied().chain(named);
        all.find(|instance| asked(&instance.tags, self.account.config).is_none())
    }

    /// What was not read and would tell of this volume, if anything.
    pub(super) fn unread(&self) -> Option<String> {
        let account = self.account;
        let homes = self.homes.iter();
        let of_home = homes.flat_map(|home| {
            let instances = account.unread_home(home, |region| account.are_instances_read(region));
            let volumes = account.unread_home(home, |region| account.are_volumes_read(region));
            let snapshots = account.unread_home(home, |region| account.are_snapshots_read(region));
            let named = [(instances, "instances"), (volumes, "volumes"), (snapshots, "snapshots")];
            named.into_iter().filter_map(|(region, what)| Some(format!("{what} of {}", region?)))
        });
        let asking = self.holders.iter().copied().chain(self.named_instances());
        let mut named: BTreeSet<Region> = asking.flat_map(|one| facts::destinations_of_instance(&one.tags)).collect();
        let is_silent = |member: &Member<'_>| {
            member.record == Record::Absent && facts::destinations(&member.fact.snapshot.tags).next().is_none()
        };
        // No instance and no snapshot says where there are others of it.
        if self.holders.is_empty() && self.named_instances().next().is_none() && self.members.iter().all(is_silent) {
            named.extend(account.inventory.regions.keys().cloned());
        }
        for fact in self.members.iter().map(|member| member.fact) {
            named.insert(fact.region.clone());
            named.extend(facts::destinations(&fact.snapshot.tags).chain(fact.source_region()));
        }
        let is_unread = |region: &&Region| account.may_exist(region) && !account.are_snapshots_read(region);
        let of_named = named.iter().find(is_unread).map(|region| format!("snapshots of {region}"));
        of_home.chain(of_named).next()
    }

    /// A record that cannot be read and that may say what is in force: the snapshot.
    pub(super) fn unreadable(&self, region: &Region) -> Option<&'a Fact<'a>> {
        let is_left = self.is_left() && !self.is_past(region);
        let holding: BTreeSet<_> = self.retention.holding(true).collect();
        let counts =
            |member: &&Member<'a>| is_left || stated_retention(member).is_some_and(|text| holding.contains(&*text));
        let mut all = self.members.iter().filter(|member| member.record == Record::Unreadable);
        // Made while a tag could not be read, and whose tag that was does not tell any more.
        let is_mistyped = |member: &&Member<'a>| matches!(&member.record, Record::Is(policy) if policy.is_mistyped);
        let has_it = |member: &Member<'_>| {
            let id = member.fact.snapshot.tags.get("InstanceID");
            self.holders.iter().any(|holder| Some(holder.id.as_str()) == id)
        };
        let newest = self.completed().next_back().filter(is_mistyped);
        let newest = newest.filter(|member| is_left && !has_it(member));
        all.find(counts).or(newest).map(|member| member.fact)
    }

    /// What was copied away from a Region that is its home: the completed copies elsewhere of which the source is not here.
    pub(super) fn moved_away(&self, region: &Region) -> Vec<&Member<'a>> {
        if !self.is_home(region) {
            return Vec::new();
        }
        let here = self.completed_in(region, |_| true);
        let here: BTreeSet<_> = here.into_iter().map(|one| one.fact.snapshot.id.as_str()).collect();
        let is_away = |fact: &Fact<'_>| {
            let source = fact.source().filter(|text| text.parse::<SnapshotId>().is_ok());
            fact.region != region
                && fact.source_region().as_ref() == Some(region)
                && source.is_some_and(|source| !here.contains(source))
        };
        self.completed().filter(|member| is_away(member.fact)).collect()
    }

    /// The completed ones here, by what `is_in` says of them.
    pub(super) fn completed_in(&self, region: &Region, is_in: impl Fn(&Fact<'a>) -> bool) -> Vec<&Member<'a>> {
        self.completed().filter(|member| member.fact.region == region && is_in(member.fact)).collect()
    }
}

/// The record of a snapshot, as a statement: none where it has none, or was made while a tag could not be read.
pub(super) fn stated_retention(member: &Member<'_>) -> Option<String> {
    match &member.record {
        Record::Is(policy) if policy.is_mistyped => None,
        Record::Absent => None,
        Record::Is(_) | Record::Unreadable => member.fact.snapshot.tags.get("snapwarden:retention").map(str::to_owned),
    }
}

/// The destinations of a snapshot, as a statement: those that are other Regions of the account. And whether it names anything
/// else.
pub(super) fn stated_destinations(account: &Account<'_>, member: &Member<'_>) -> (String, bool) {
    let fact = member.fact;
    let home = if fact.is_copy { fact.source_region() } else { Some(fact.region.clone()) };
    let words = facts::destination_words(&fact.snapshot.tags);
    let good = |word: &String| {
        let region: Region = word.parse().ok()?;
        (home.as_ref() != Some(&region) && account.may_exist(&region)).then(|| region.to_string())
    };
    let named: BTreeSet<_> = words.iter().filter_map(good).collect();
    let is_slip = words.iter().any(|word| good(word).is_none());
    (named.into_iter().collect::<Vec<_>>().join(" "), is_slip)
}

/// Whether a Region of the first statement is not in the second.
fn loses_destination(one: &str, other: &str) -> bool {
    let others: BTreeSet<_> = other.split(' ').collect();
    one.split(' ').any(|region| !region.is_empty() && !others.contains(region))
}

/// Several volumes are over when each is, and each that is there has a completed snapshot that a mark can lie on.
fn over(account: &Account<'_>, volumes: &[&str], members: &[Member<'_>]) -> Over {
    let has_any =
        |volume: &str| members.iter().any(|member| member.fact.is_completed() && member.fact.volume == Some(volume));
    if volumes.len() > 1 && volumes.iter().any(|volume| account.is_listed(volume) && !has_any(volume)) {
        return Over::No;
    }
    let each: Vec<_> = volumes.iter().map(|volume| account.over(volume)).collect();
    if each.contains(&Over::No) {
        Over::No
    } else if each.contains(&Over::Unread) {
        Over::Unread
    } else {
        Over::Yes
    }
}
