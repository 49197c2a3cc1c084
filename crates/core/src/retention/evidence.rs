//! What stays because others need it: it says what is in force, or since when, or it has the mark of a volume that is over.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::judgement::{Judged, Keeper, Row, With, is_fixed};
use super::lineage::Lineage;
use super::policy::Retention;
use crate::decision::Evidence;
use crate::ids::SnapshotId;
use crate::managed::Managed;
use crate::tags::TagValue;

/// An older one that stays, or that only a person let go: an approval lets go what it names, and nothing that rests on that.
pub(super) struct Older<'i, 'a> {
    pub(super) snapshot: &'i Managed<'a>,
    pub(super) goes: bool,
}

/// What stays because others need it.
pub(super) struct EvidenceOf<'h, 'i, 'a> {
    lineages: &'h [Lineage<'i, 'a>],
    grace: BTreeMap<&'h SnapshotId, Date>,
    /// The volume's own, and those of all that belong together with it.
    memories: Vec<Memory<'h>>,
    /// What there is of the volumes that belong together with this one: each is judged in its own table.
    joined: Vec<&'i Managed<'a>>,
    /// What keeps those too that are not due: asked seldom.
    judged: OnceCell<Vec<Judged<'h, 'i, 'a>>>,
}

/// What in a lineage says which policies are in force, and since when.
struct Memory<'h> {
    newest: Vec<(&'h Retention, &'h SnapshotId)>,
    changes: BTreeMap<&'h SnapshotId, Timestamp>,
    /// Whether it is of others as well: then these need it, too.
    is_joined: bool,
}

impl<'h> Memory<'h> {
    fn of(lineage: &'h Lineage<'_, '_>, is_joined: bool) -> Self {
        let mut changes: BTreeMap<&SnapshotId, Timestamp> = BTreeMap::new();
        for (taken, moment) in lineage.changes() {
            let latest = changes.entry(moment).or_insert(taken);
            *latest = taken.max(*latest);
        }
        Self { newest: lineage.newest_moments(), changes, is_joined }
    }
}

impl<'h, 'i, 'a> EvidenceOf<'h, 'i, 'a> {
    pub(super) fn new(lineages: &'h [Lineage<'i, 'a>]) -> Self {
        let mut grace: BTreeMap<&SnapshotId, Date> = BTreeMap::new();
        for lineage in lineages {
            for (moment, until) in lineage.grace_moments() {
                let latest = grace.entry(moment).or_insert(until);
                *latest = until.max(*latest);
            }
        }
        let memories = lineages.iter().enumerate().map(|(n, lineage)| Memory::of(lineage, n > 0)).collect();
        let own: BTreeSet<_> = lineages[0].members.iter().map(|one| one.moment()).collect();
        let all = lineages.iter().skip(1).flat_map(|lineage| &lineage.members).copied();
        let joined = all.filter(|one| !own.contains(one.moment())).collect();
        Self { lineages, grace, memories, joined, judged: OnceCell::new() }
    }

    /// Why `snapshot`, of this lineage, stays; none where nothing needs it. `older`: those that stay, or that only a
    /// person let go.
    pub(super) fn of(
        &self,
        snapshot: &Managed<'a>,
        lineage: &Lineage<'i, 'a>,
        rows: &[Row<'i, 'a>],
        older: &[Older<'_, '_>],
        released: &BTreeSet<&SnapshotId>,
    ) -> Option<Evidence> {
        let moment = snapshot.moment();
        if let Some(until) = self.grace.get(moment) {
            return Some(Evidence::OfGrace { until: *until });
        }
        let keeps_another = |policy: &Retention, is_joined: bool| {
            let keeps = |keeper: &Keeper| keeper.is_of(policy);
            // What never goes by itself counts too: once its pin is off, or its tags are mended, it is judged as any other.
            let others = || rows.iter().filter(|row| row.snapshot.moment() != moment);
            let is_kept =
                |one: &Managed<'a>| self.judged().iter().any(|judged| judged.keepers(one).0.iter().any(&keeps));
            others().filter_map(|row| row.kept_by(released)).flatten().any(&keeps)
                || others().filter(|row| !row.is_judged()).any(|row| is_kept(row.snapshot))
                || (is_joined && self.joined.iter().any(|one| is_kept(one)))
        };
        let states = |memory: &Memory<'_>| {
            memory.newest.iter().any(|(policy, of)| *of == moment && keeps_another(policy, memory.is_joined))
        };
        if self.memories.iter().any(states) {
            return Some(Evidence::OfPolicy);
        }
        let dates = |memory: &Memory<'_>| {
            // What never goes by itself needs no date.
            let is_dated = |one: &&Managed<'_>| memory.is_joined && !is_fixed(one, lineage.now);
            let joined = self.joined.iter().copied().filter(is_dated);
            let mut all = joined.chain(older.iter().map(|one| one.snapshot));
            memory.changes.get(moment).is_some_and(|taken| all.any(|one| one.taken() < *taken))
        };
        if self.memories.iter().any(dates) {
            return Some(Evidence::OfChange);
        }
        // The newest of a closed history goes last: it carries the mark, and without it the next run would mark another.
        let mut here = lineage.members.iter().filter(|one| one.region() == snapshot.region());
        let is_newest = here.next_back().is_some_and(|one| one.id() == snapshot.id());
        let is_last = is_newest || matches!(snapshot.closed(), TagValue::Is(_));
        // A person who let it go let go what they read together with it.
        let is_released = released.contains(snapshot.id());
        let mut here = older.iter().filter(|one| one.snapshot.region() == snapshot.region());
        let is_older_here = here.any(|one| !(is_released && one.goes));
        (is_last && is_older_here).then_some(Evidence::OfClosing)
    }

    /// Each policy in force with the newest moment that states it.
    pub(super) fn newest(&self) -> impl Iterator<Item = &(&'h Retention, &'h SnapshotId)> {
        self.memories.iter().flat_map(|memory| &memory.newest)
    }

    fn judged(&self) -> &[Judged<'h, 'i, 'a>] {
        self.judged.get_or_init(|| self.lineages.iter().map(|lineage| Judged::of(lineage, With::ALL)).collect())
    }
}
