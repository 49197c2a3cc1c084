//! A history: what there is of one volume in one Region, and what a policy wants of it, in the words of docs/retention.md
//! and no others.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::inventory::Snapshot;

use super::facts::{data_time, has_time, moment_of, seconds};
use super::policy::{Policy, Record, is_moved};

/// A moment: a snapshot and its copies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    time: Timestamp,
    source: SnapshotId,
    /// Not of a copy that has lost the time of its data.
    has_time: bool,
    is_copy: bool,
    /// Moved away: a copy of it is elsewhere.
    is_away: bool,
}

impl Moment {
    fn of(snapshot: &Snapshot) -> Self {
        let is_copy = snapshot.tags.has("SourceSnapshotId");
        let (time, source) = (data_time(snapshot), moment_of(snapshot));
        Self { time, source, has_time: has_time(snapshot), is_copy, is_away: false }
    }

    /// A copy that has lost the time of its data is of the time that another one of that data says, if any is there.
    fn with_time<'m>(self, all: impl IntoIterator<Item = &'m Moment>) -> Self {
        let of_it = all.into_iter().filter(|one| !self.has_time && one.has_time && one.source == self.source);
        let time = of_it.map(|one| one.time).min().unwrap_or(self.time);
        Self { time, ..self }
    }
}

/// How a history is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct How {
    pub(super) is_open: bool,
    /// Sources and copies are two histories.
    pub(super) is_split: bool,
    pub(super) now: Timestamp,
}

/// The moments of a volume in one Region.
#[derive(Debug)]
pub(super) struct History(Vec<Moment>);

impl History {
    /// Of all completed snapshots and copies of a volume those in `region`. In its home a moment counts as well whose
    /// source was moved away, as long as a copy of it is there.
    pub(super) fn of<'s>(
        region: &Region,
        home: &Region,
        all: impl Iterator<Item = (&'s Region, &'s Snapshot)> + Clone,
    ) -> Self {
        let mut here: BTreeSet<Moment> =
            all.clone().filter(|(r, _)| *r == region).map(|(_, s)| Moment::of(s)).collect();
        if region == home {
            let away = all.filter(|(r, _)| *r != region).map(|(_, s)| Moment {
                is_copy: false,
                is_away: true,
                ..Moment::of(s)
            });
            let moved: Vec<_> = away.filter(|moment| !here.iter().any(|one| one.source == moment.source)).collect();
            here.extend(moved);
        }
        Self(here.iter().map(|one| one.clone().with_time(&here)).collect())
    }

    /// Why a policy wants a snapshot of it; none where it does not.
    pub(super) fn wanted(&self, policy: &Policy, target: &Snapshot, how: How) -> Option<String> {
        let own = Moment::of(target).with_time(&self.0);
        let [days, weeks, months, years, last] = policy.of_kind(own.is_copy);
        let may_be_young = !is_moved(target) && Record::of(&target.tags) != Record::None;
        if may_be_young && seconds(data_time(target), how.now) < i64::from(days) * 86_400 {
            return Some(format!("it is younger than {days} days"));
        }
        let members: Vec<_> = self.0.iter().filter(|one| !how.is_split || one.is_copy == own.is_copy).collect();
        let others = || members.iter().filter(|one| one.source != own.source);
        let newer: BTreeSet<_> = others().filter(|one| one.time > own.time).map(|one| &one.source).collect();
        if how.is_open && newer.len() < usize::try_from(last).unwrap_or(usize::MAX) {
            return Some(format!("it is one of the newest {last}"));
        }
        let day_of = |time: Timestamp| time.to_zoned(policy.zone().time_zone().clone()).date();
        for (tier, count) in [(Tier::Week, weeks), (Tier::Month, months), (Tier::Year, years)] {
            let number = |time: Timestamp| tier.number(day_of(time));
            let period = number(own.time);
            // Of two that a person gave the same time either may be the first.
            let is_earlier = |one: &&&Moment| !one.is_away && number(one.time) == period && one.time <= own.time;
            let is_first = !others().any(|one| is_earlier(&one));
            let later = if how.is_open {
                // Where copies of one moment say two times, each of them is a period that has one.
                let later: BTreeSet<_> =
                    members.iter().map(|one| number(one.time)).filter(|other| *other > period).collect();
                i64::try_from(later.len()).unwrap_or(i64::MAX)
            } else {
                number(how.now) - period
            };
            if is_first && later < i64::from(count) {
                let first = tier.first_day(day_of(own.time));
                return Some(format!("it is the first of the {} of {first}, one of the newest {count}", tier.word()));
            }
        }
        None
    }
}

#[derive(Clone, Copy)]
enum Tier {
    Week,
    Month,
    Year,
}

impl Tier {
    fn word(self) -> &'static str {
        match self {
            Tier::Week => "week",
            Tier::Month => "month",
            Tier::Year => "year",
        }
    }

    fn first_day(self, day: Date) -> Date {
        match self {
            Tier::Week => day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days()),
            Tier::Month => day.first_of_month(),
            Tier::Year => day.first_of_year(),
        }
    }

    /// The period of a day, by its number: each is one more than the one before.
    fn number(self, day: Date) -> i64 {
        match self {
            Tier::Week => i64::from((self.first_day(day) - jiff::civil::date(1970, 1, 5)).get_days()) / 7,
            Tier::Month => i64::from(day.year()) * 12 + i64::from(day.month()),
            Tier::Year => i64::from(day.year()),
        }
    }
}
