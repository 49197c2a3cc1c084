//! Tiers: which moments of a history are kept beyond their days, and what each tier says of each of them.
//!
//! One stream of snapshots is promoted, never a second one taken. In an open history a tier looks at the periods that have
//! a completed snapshot, newest first, and keeps the first snapshot of each of its N: an outage thins nothing, and since the
//! first of a period is settled when the period begins, what is kept today is what tomorrow needs. A later choice (the
//! last of a week, say) would change with every new snapshot. In a closed history nothing new ever comes, so there the
//! newest N periods are those of the calendar, and it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::policy::Tiers;
use crate::ids::SnapshotId;
use crate::schedule::Zone;

/// A moment of a volume's history: a snapshot and its copies, where they hold data of one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The time of its data.
    pub time: Timestamp,
    /// The moment's name. Two points with one name (a person changed the time of a copy) count once.
    pub snapshot: SnapshotId,
    /// The snapshots of it that are in the history; none of what was moved away.
    pub of_it: Vec<SnapshotId>,
}

/// Which periods are the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newest {
    /// Those that have a snapshot: of an open history.
    WithSnapshot,
    /// Those of the calendar, up to that of this time; and of no snapshots: of a closed history.
    OfCalendar(Timestamp),
}

/// A tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// One of each week.
    Week,
    /// One of each month.
    Month,
    /// One of each year.
    Year,
    /// The newest.
    Last,
}

impl Tier {
    /// All of them.
    pub const ALL: [Tier; 4] = [Tier::Week, Tier::Month, Tier::Year, Tier::Last];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Week => "week",
            Tier::Month => "month",
            Tier::Year => "year",
            Tier::Last => "last",
        }
    }

    fn count(self, tiers: Tiers) -> u32 {
        match self {
            Tier::Week => tiers.weeks,
            Tier::Month => tiers.months,
            Tier::Year => tiers.years,
            Tier::Last => tiers.last,
        }
    }
}

/// A week, a month or a year: its year, and its number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Period {
    /// Of which tier.
    pub tier: Tier,
    /// For a week, the year that has its Thursday (ISO 8601).
    pub year: i16,
    /// The week's or month's; 0 for a year.
    pub number: i8,
}

impl Period {
    /// The period of `tier` that `time` lies in; none for the newest, which have none.
    pub fn of(tier: Tier, time: Timestamp, zone: &Zone) -> Option<Self> {
        Self::on(tier, date_of(time, zone))
    }

    /// Periods from this one to that of `date`; negative where it lies after that.
    fn periods_until(self, date: Date) -> i64 {
        let months = |year: i16, month: i8| i64::from(year) * 12 + i64::from(month);
        match self.tier {
            Tier::Week => {
                let monday = jiff::civil::ISOWeekDate::new(self.year, self.number, Weekday::Monday).map(Date::from);
                monday.map_or(0, |monday| i64::from((date - monday).get_days()).div_euclid(7))
            }
            Tier::Month => months(date.year(), date.month()) - months(self.year, self.number),
            Tier::Year => i64::from(date.year()) - i64::from(self.year),
            Tier::Last => 0,
        }
    }

    fn on(tier: Tier, date: Date) -> Option<Self> {
        let (year, number) = match tier {
            Tier::Week => (date.iso_week_date().year(), date.iso_week_date().week()),
            Tier::Month => (date.year(), date.month()),
            Tier::Year => (date.year(), 0),
            Tier::Last => return None,
        };
        Some(Self { tier, year, number })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Period { tier, year, number } = self;
        match tier {
            Tier::Week => write!(f, "{year}-W{number:02}"),
            Tier::Month => write!(f, "{year}-{number:02}"),
            Tier::Year | Tier::Last => write!(f, "{year}"),
        }
    }
}

fn date_of(time: Timestamp, zone: &Zone) -> Date {
    time.to_zoned(zone.time_zone().clone()).date()
}

/// What one tier says of one point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Which tier.
    pub tier: Tier,
    /// How many periods, or snapshots, it keeps.
    pub of: u32,
    /// The point's period; none for the newest.
    pub period: Option<Period>,
    /// The place of that period among those that have a snapshot, or of the point among all: 1 is the newest. In a closed
    /// history that of the calendar, up to today.
    pub place: usize,
    /// Whether it wants the point.
    pub verdict: TierVerdict,
}

/// Whether a tier wants a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierVerdict {
    /// It does.
    Wants,
    /// It does not: this one is the first of the period.
    NotFirst(SnapshotId),
    /// It does not: there are so many newer ones.
    Past,
}

impl Said {
    /// Whether the tier wants the point.
    pub fn wants(&self) -> bool {
        self.verdict == TierVerdict::Wants
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Said { tier, of, period, place, verdict } = self;
        let name = tier.as_str();
        match (period, verdict) {
            (Some(period), TierVerdict::Wants) => write!(f, "first of {name} {period} ({place} of {of})"),
            (Some(period), TierVerdict::NotFirst(first)) => write!(f, "{first} is the first of {name} {period}"),
            (Some(period), TierVerdict::Past) => write!(f, "{name} {period} is past the newest {of}"),
            (None, TierVerdict::Wants) => write!(f, "{place} of the newest {of}"),
            (None, TierVerdict::NotFirst(_) | TierVerdict::Past) => write!(f, "not among the newest {of}"),
        }
    }
}

/// What each tier says of each point of a history, which stands in order of time. The answers stand in the same order,
/// and each has one for each tier that there is.
pub fn judge(tiers: Tiers, zone: &Zone, history: &[Point], newest: Newest) -> Vec<Vec<Said>> {
    let mut answers = vec![Vec::new(); history.len()];
    if tiers.is_none() {
        return answers;
    }
    // Once for all tiers: that takes longest.
    let dates: Vec<_> = history.iter().map(|point| date_of(point.time, zone)).collect();
    for tier in Tier::ALL {
        let of = tier.count(tiers);
        if of == 0 {
            continue;
        }
        match newest {
            Newest::WithSnapshot => judge_tier(tier, of, history, &dates, None, &mut answers),
            // Nothing would ever push the newest of a closed history out.
            Newest::OfCalendar(_) if tier == Tier::Last => {}
            Newest::OfCalendar(now) => {
                judge_tier(tier, of, history, &dates, Some(date_of(now, zone)), &mut answers);
            }
        }
    }
    answers
}

/// `today`: of a closed history, whose periods are counted on the calendar.
fn judge_tier(tier: Tier, of: u32, history: &[Point], dates: &[Date], today: Option<Date>, answers: &mut [Vec<Said>]) {
    let periods: Vec<_> = dates.iter().map(|date| Period::on(tier, *date)).collect();
    let first = firsts(history, &periods);
    let (mut newer, mut newer_periods) = (BTreeSet::new(), BTreeSet::new());
    for (n, (point, period)) in history.iter().zip(&periods).enumerate().rev() {
        newer.insert(&point.snapshot);
        newer_periods.insert(*period);
        let place = match (today, tier) {
            (Some(today), _) => {
                let until = period.map_or(0, |period| period.periods_until(today));
                usize::try_from(until.max(0)).unwrap_or(usize::MAX).saturating_add(1)
            }
            (None, Tier::Last) => newer.len(),
            (None, Tier::Week | Tier::Month | Tier::Year) => newer_periods.len(),
        };
        let first = first.get(period).filter(|_| tier != Tier::Last).copied();
        answers[n].push(said(tier, of, *period, place, first, point));
    }
}

fn firsts<'p>(history: &'p [Point], periods: &[Option<Period>]) -> BTreeMap<Option<Period>, &'p Point> {
    let mut first: BTreeMap<_, &Point> = BTreeMap::new();
    for (point, period) in history.iter().zip(periods) {
        let known = first.entry(*period).or_insert(point);
        // What was moved away is no first where one is here: an edit may have kept its copy for longer.
        if known.of_it.is_empty() && !point.of_it.is_empty() {
            *known = point;
        }
    }
    first
}

fn said(tier: Tier, of: u32, period: Option<Period>, place: usize, first: Option<&Point>, point: &Point) -> Said {
    let is_past = u32::try_from(place).unwrap_or(u32::MAX) > of;
    let verdict = match first.filter(|first| first.snapshot != point.snapshot) {
        _ if is_past => TierVerdict::Past,
        Some(first) => TierVerdict::NotFirst(first.snapshot.clone()),
        None => TierVerdict::Wants,
    };
    Said { tier, of, period, place, verdict }
}
