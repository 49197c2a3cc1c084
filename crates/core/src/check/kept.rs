//! What retention wants of a volume's snapshots, asked the other way round: of each one, why it must stay.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::facts::{Key, full_days};
use super::line::{Line, Member, Need, Terms};
use super::record::Numbers;
use super::wanted::{Tier, Wanted, Wants};
use crate::ids::Region;
use crate::schedule::Zone;

impl<'a> Line<'a> {
    /// What wants a snapshot, on terms.
    pub(super) fn wanted(&self, key: Key<'a>, terms: Terms) -> Option<Wanted> {
        let terms = self.that_matter(terms);
        self.wants[terms.place()].get_or_init(|| self.wants(terms)).get(&key).copied()
    }

    /// What is wanted in all Regions, by all that is in force.
    fn wants(&self, terms: Terms) -> Wants<'a> {
        let mut wants = Wants::new();
        for region in self.regions() {
            let state = self.state(region, terms);
            if state.is_open {
                self.last_good(region, &mut wants);
            }
            self.wanted_here(region, state.is_open, &state.force.need, state.force.need.is_split, &mut wants);
        }
        wants
    }

    /// What one policy wants, in all Regions.
    pub(super) fn wants_of(&self, policy: &Need) -> Wants<'a> {
        let mut wants = Wants::new();
        for region in self.regions() {
            let state = self.state(region, Terms::ALL);
            self.wanted_here(region, state.is_open, policy, state.force.need.is_split, &mut wants);
        }
        wants
    }

    /// The newest here, and the newest in the standard tier. Of several that hold the data of one second, one.
    fn last_good(&self, region: &Region, wants: &mut Wants<'a>) {
        for is_standard in [false, true] {
            let here = self.completed_in(region, |fact| !is_standard || fact.is_standard());
            let newest = here.iter().map(|member| member.second).max();
            let group: Vec<_> = here.iter().filter(|member| Some(member.second) == newest).collect();
            // One of them is enough: the last to go.
            let last = group.last().filter(|_| group.iter().all(|member| member.goes));
            wants.extend(last.map(|member| (member.fact.key(), Wanted::LastGood)));
        }
    }

    fn wanted_here(&self, region: &Region, is_open: bool, need: &Need, is_split: bool, wants: &mut Wants<'a>) {
        let kinds: &[Option<bool>] = if is_split { &[Some(false), Some(true)] } else { &[None] };
        for kind in kinds {
            let here = self.completed_in(region, |fact| kind.is_none_or(|is_copy| fact.is_copy == is_copy));
            if here.is_empty() {
                continue;
            }
            let moved = if *kind == Some(true) { Vec::new() } else { self.moved_away(region) };
            // A copy may have lost the time of its data: the earliest of its moment counts.
            let mut earliest: BTreeMap<&str, i64> = BTreeMap::new();
            for member in here.iter().chain(&moved) {
                let second = earliest.entry(member.moment()).or_insert(member.second);
                *second = member.second.min(*second);
            }
            let second = |member: &Member<'_>| match member.fact.says_data_time() {
                true => member.second,
                false => earliest[member.moment()],
            };
            let mut moments: Vec<_> = here.iter().chain(&moved).map(|member| second(member)).collect();
            moments.sort_unstable();
            moments.dedup();
            let now = self.account.inventory.taken_at;
            let here: Vec<_> = here.into_iter().map(|member| (member, second(member))).collect();
            let named = here.iter().map(|(member, second)| (*second, member.moment()));
            let named = named.chain(moved.iter().map(|member| (second(member), member.moment()))).collect();
            let staying = here.iter().filter(|(member, _)| !member.goes).map(|(_, second)| *second).collect();
            let history = History { staying, here, moments, named, is_open, now };
            for (zone, numbers) in &need.zones {
                history.wanted(zone, numbers[usize::from(*kind == Some(true))], wants);
            }
        }
    }
}

/// What there is of a volume in one Region, of sources, of copies, or of both.
struct History<'l, 'a> {
    /// Each with the second of its data.
    here: Vec<(&'l Member<'a>, i64)>,
    /// The seconds of data of which one here stays.
    staying: BTreeSet<i64>,
    /// The seconds of data, each once, oldest first; what was moved away counts.
    moments: Vec<i64>,
    /// Each with the name of its moment: two volumes that are judged as one may have been snapshotted in the same second.
    named: BTreeSet<(i64, &'l str)>,
    is_open: bool,
    now: Timestamp,
}

impl<'a> History<'_, 'a> {
    fn wanted(&self, zone: &Zone, numbers: Numbers, wants: &mut Wants<'a>) {
        let [days, weeks, months, years, last] = numbers;
        let local_days: Vec<_> = if [weeks, months, years] == [0; 3] {
            Vec::new()
        } else {
            self.moments.iter().map(|second| local_day(zone, *second)).collect()
        };
        for (member, second) in &self.here {
            let has_days = member.has_record() && !member.fact.is_moved(&member.record);
            if has_days && self.now.duration_since(member.fact.data) < full_days(i64::from(days)) {
                wants.entry(member.fact.key()).or_insert(Wanted::Days(days));
            }
            if self.is_open && self.newer(*second) < last as usize && !self.has_twin(member, *second) {
                wants.entry(member.fact.key()).or_insert(Wanted::Last(last));
            }
        }
        for (tier, count) in [(Tier::Weeks, weeks), (Tier::Months, months), (Tier::Years, years)] {
            if count > 0 {
                let current = tier.period(local_day(zone, self.now.as_second()));
                let periods: Vec<_> = local_days.iter().map(|day| tier.period(*day)).collect();
                self.wanted_by_tier(&periods, current, tier, count, wants);
            }
        }
    }

    /// The first of each of the newest periods: in an open history of those that have one, else of the calendar.
    fn wanted_by_tier(&self, of_moments: &[i64], current: i64, tier: Tier, count: u32, wants: &mut Wants<'a>) {
        // The first of a period is one of those that are here.
        let here: BTreeSet<_> = self.here.iter().map(|(_, second)| *second).collect();
        let mut firsts = BTreeMap::new();
        for (period, second) in of_moments.iter().zip(&self.moments).filter(|(_, second)| here.contains(second)) {
            firsts.entry(*period).or_insert(*second);
        }
        let distinct: BTreeSet<_> = of_moments.iter().copied().collect();
        for (member, second) in &self.here {
            let Ok(place) = self.moments.binary_search(second) else { continue };
            let own = of_moments[place];
            let newer = if self.is_open {
                let newer = distinct.range(own + 1..).count();
                i64::try_from(newer).unwrap_or(i64::MAX)
            } else {
                current - own
            };
            let is_first = firsts.get(&own) == Some(second);
            if is_first && newer < i64::from(count) && !self.has_twin(member, *second) {
                wants.entry(member.fact.key()).or_insert(Wanted::Tier(tier, count));
            }
        }
    }

    /// How many moments are newer.
    fn newer(&self, own: i64) -> usize {
        let newer = self.named.range((own + 1, "")..);
        newer.map(|(_, name)| name).collect::<BTreeSet<_>>().len()
    }

    /// Whether another stays here that holds the same data, so that this one may go.
    fn has_twin(&self, member: &Member<'a>, own: i64) -> bool {
        member.goes && self.staying.contains(&own)
    }
}

/// The day that a second lies in, in a zone.
fn local_day(zone: &Zone, second: i64) -> Date {
    let time = Timestamp::from_second(second).unwrap_or_default();
    time.to_zoned(zone.time_zone().clone()).date()
}
