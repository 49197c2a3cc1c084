//! What days and ticks have in store. Each kind of trouble draws from a stream of its own, and anew for each occasion: what
//! one kind draws, or does not draw because it is off or nothing came of it, shifts nothing for the others.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use jiff::Timestamp;
use jiff::civil::Date;
use snapwarden_core::decision::Job;

use super::draw::Draw;
use super::facts::day;
use super::kinds::Kind;
use super::people;
use super::setting::Ticks;
use crate::keys;
use crate::world::Stop;

pub(super) const DAY_S: i64 = 86_400;

/// A tick of a job: the how manieth of which day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick {
    pub(super) job: Job,
    day: Date,
    number: i64,
}

impl Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.job.as_str(), self.number, self.day)
    }
}

/// What happens on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// People or AWS do something: now, or at this call of the next run.
    People { kind: Kind, at_call: Option<u64> },
    /// A tick, on time or hours late.
    Tick { tick: Tick, is_late: bool },
}

/// What befalls a tick, should it come to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InStore {
    /// The other two jobs run at once with it.
    pub(super) is_beside: bool,
    /// The job runs twice at once.
    pub(super) overlaps: bool,
    /// It is killed at this call, before it takes effect.
    killed_before: Option<u64>,
    /// It is killed at this call, after it took effect.
    killed_after: Option<u64>,
    /// It has so many seconds.
    pub(super) deadline_s: Option<i64>,
    /// EC2's answers to it do not agree on the time, after so many.
    pub(super) doubts_after: Option<u64>,
    /// A person approves this many deletes that a grace period keeps.
    pub(super) approved: Option<usize>,
    /// The job runs once more right after it.
    pub(super) is_doubled: bool,
}

impl InStore {
    /// The kill that comes about: of two the first.
    pub(super) fn stop(&self) -> Option<Stop> {
        let before = self.killed_before.map(|at_call| Stop { at_call, effect: false });
        before.or(self.killed_after.map(|at_call| Stop { at_call, effect: true }))
    }
}

/// What is drawn for the days of a life.
#[derive(Debug, Clone)]
pub(super) struct Days {
    pub(super) seed: u64,
    pub(super) kinds: BTreeSet<Kind>,
    pub(super) ticks: Ticks,
}

impl Days {
    /// The stream of a purpose on one occasion.
    pub(super) fn draw(&self, purpose: &str, occasion: impl Display) -> Draw {
        Draw::new(self.seed, &format!("{purpose}: {occasion}"))
    }

    /// The stream of a kind of trouble, where it is on and comes about, as so many times in a thousand.
    fn drawn(&self, kind: Kind, occasion: impl Display, per_mille: u16) -> Option<Draw> {
        let mut draw = self.draw(kind.as_str(), occasion);
        let comes_about = draw.chance(per_mille);
        (comes_about && self.kinds.contains(&kind)).then_some(draw)
    }

    /// From this day on there are no ticks for so many days.
    pub(super) fn outage(&self, midnight: Timestamp) -> Option<i64> {
        self.drawn(Kind::Outage, day(midnight), 40).map(|mut draw| draw.between(1, 5))
    }

    /// What the people of a day do, and its ticks, in the order of their times.
    pub(super) fn steps(&self, midnight: Timestamp) -> Vec<(Timestamp, Step)> {
        let Ticks { creator, offsiter, manager } = self.ticks;
        let mut steps = Vec::new();
        for (job, count) in [(Job::Create, creator), (Job::Offsite, offsiter), (Job::Expire, manager)] {
            let ticks = (0..count).map(|number| Tick { job, day: day(midnight), number });
            steps.extend(ticks.map(|tick| self.tick(midnight, tick, DAY_S / count)));
        }
        steps.extend(people::KINDS.into_iter().filter_map(|(kind, often)| self.people(midnight, kind, often)));
        steps.sort();
        steps
    }

    fn tick(&self, midnight: Timestamp, tick: Tick, apart_s: i64) -> (Timestamp, Step) {
        let on_time_s = tick.number * apart_s + self.draw("tick", tick).between(0, apart_s / 2);
        let late = self.drawn(Kind::Late, tick, 100);
        let (is_late, late_s) = (late.is_some(), late.map_or(0, |mut draw| draw.between(600, 6 * 3_600)));
        let at = keys::later(midnight, (on_time_s + late_s).min(DAY_S - 1));
        (at, Step::Tick { tick, is_late })
    }

    fn people(&self, midnight: Timestamp, kind: Kind, per_mille: u16) -> Option<(Timestamp, Step)> {
        let at_s = self.drawn(kind, day(midnight), per_mille)?.between(0, DAY_S - 1);
        let mid_run = self.drawn(Kind::MidRun, format!("{kind} on {}", day(midnight)), 500);
        let at_call = mid_run.and_then(|mut draw| u64::try_from(draw.below(40)).ok());
        Some((keys::later(midnight, at_s), Step::People { kind, at_call }))
    }

    /// The stream of what a kind does exactly, on a day.
    pub(super) fn happening(&self, kind: Kind, midnight: Timestamp) -> Draw {
        self.draw("happening", format!("{kind} on {}", day(midnight)))
    }

    pub(super) fn in_store(&self, tick: Tick) -> InStore {
        let at_call = |kind| u64::try_from(self.drawn(kind, tick, 80)?.below(25)).ok();
        let doubts_after = self.drawn(Kind::Clock, tick, 60).map(|mut draw| draw.between(-25, 25).max(0));
        InStore {
            is_beside: self.drawn(Kind::Beside, tick, 100).is_some(),
            overlaps: self.drawn(Kind::Overlap, tick, 80).is_some(),
            killed_before: at_call(Kind::KilledBefore),
            killed_after: at_call(Kind::KilledAfter),
            deadline_s: self.drawn(Kind::Deadline, tick, 100).map(|mut draw| draw.between(0, 3)),
            doubts_after: doubts_after.and_then(|nth| nth.try_into().ok()),
            approved: self.drawn(Kind::Approved, tick, 80).map(|mut draw| 1 + draw.below(30)),
            is_doubled: self.drawn(Kind::Doubled, tick, 100).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// All that is drawn for a day.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Drawn {
        outage: Option<i64>,
        people: BTreeMap<Kind, (Timestamp, Option<u64>)>,
        ticks: BTreeMap<Tick, (Timestamp, bool, InStore)>,
    }

    /// Two months of days with these kinds of trouble.
    fn days(kinds: impl IntoIterator<Item = Kind>) -> Vec<Drawn> {
        let ticks = Ticks { creator: 3, offsiter: 2, manager: 2 };
        let all = Days { seed: 7, kinds: kinds.into_iter().collect(), ticks };
        let day = |n| {
            let midnight = keys::later(keys::known("2027-06-01T00:00:00Z"), DAY_S * n);
            let mut drawn = Drawn { outage: all.outage(midnight), people: BTreeMap::new(), ticks: BTreeMap::new() };
            for (at, step) in all.steps(midnight) {
                match step {
                    Step::People { kind, at_call } => {
                        drawn.people.insert(kind, (at, at_call));
                    }
                    Step::Tick { tick, is_late } => {
                        drawn.ticks.insert(tick, (at, is_late, all.in_store(tick)));
                    }
                }
            }
            drawn
        };
        (0..60).map(day).collect()
    }

    /// What is left of a day when what a kind does is taken away; `quiet` is the same day without trouble.
    fn without(kind: Kind, mut day: Drawn, quiet: &Drawn) -> Drawn {
        day.people.remove(&kind);
        day.outage = day.outage.filter(|_| kind != Kind::Outage);
        if kind == Kind::MidRun {
            day.people.values_mut().for_each(|(_, at_call)| *at_call = None);
        }
        for (tick, (at, is_late, in_store)) in &mut day.ticks {
            if kind == Kind::Late {
                (*at, *is_late) = (quiet.ticks[tick].0, false);
            }
            in_store.is_beside &= kind != Kind::Beside;
            in_store.overlaps &= kind != Kind::Overlap;
            in_store.is_doubled &= kind != Kind::Doubled;
            in_store.deadline_s = in_store.deadline_s.filter(|_| kind != Kind::Deadline);
            in_store.doubts_after = in_store.doubts_after.filter(|_| kind != Kind::Clock);
            in_store.approved = in_store.approved.filter(|_| kind != Kind::Approved);
            in_store.killed_before = in_store.killed_before.filter(|_| kind != Kind::KilledBefore);
            in_store.killed_after = in_store.killed_after.filter(|_| kind != Kind::KilledAfter);
        }
        day
    }

    #[test]
    fn a_kind_that_is_off_leaves_the_draws_of_all_others_alone() {
        let (all, quiet) = (days(Kind::ALL), days([]));
        for kind in Kind::ALL {
            let others = days(Kind::ALL.into_iter().filter(|other| *other != kind));
            for ((all, others), quiet) in all.iter().zip(others).zip(&quiet) {
                assert_eq!(without(kind, all.clone(), quiet), others, "{kind}");
            }
        }
    }

    #[test]
    fn what_is_on_comes_about_and_what_is_off_does_not() {
        let comes_about: [fn(&Drawn) -> bool; 11] = [
            |day| day.outage.is_some(),
            |day| !day.people.is_empty(),
            |day| day.people.values().any(|(_, at_call)| at_call.is_some()),
            |day| day.ticks.values().any(|(_, is_late, _)| *is_late),
            |day| day.ticks.values().any(|(.., tick)| tick.is_beside),
            |day| day.ticks.values().any(|(.., tick)| tick.overlaps),
            |day| day.ticks.values().any(|(.., tick)| tick.is_doubled),
            |day| day.ticks.values().any(|(.., tick)| tick.deadline_s.is_some()),
            |day| day.ticks.values().any(|(.., tick)| tick.doubts_after.is_some_and(|nth| nth > 0)),
            |day| day.ticks.values().any(|(.., tick)| tick.stop().is_some_and(|stop| stop.effect)),
            |day| day.ticks.values().any(|(.., tick)| tick.stop().is_some_and(|stop| !stop.effect)),
        ];
        let (all, quiet) = (days(Kind::ALL), days([]));
        for (n, comes_about) in comes_about.into_iter().enumerate() {
            assert!(all.iter().any(comes_about) && !quiet.iter().any(comes_about), "the {n}th");
        }
        assert!(quiet.iter().all(|day| day.ticks.len() == 7));
    }
}
