//! Tiers: which moments of a volume's history are kept beyond their days, and what each tier says of each of them.
//!
//! One stream of snapshots is promoted, never a second one taken. A tier looks at the periods that have a completed
//! snapshot, newest first, and keeps the first snapshot of each of its N: an outage thins nothing, and since the first of
//! a period is settled when the period begins, what is kept today is what tomorrow needs. A later choice (the last of a
//! week, say) would change with every new snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::SnapshotId;
use crate::retention::Tiers;
use crate::schedule::Zone;

/// A moment of a volume's history: all that was made for one slot, copies included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Its slot, or the time of its data where that is earlier or there is no slot.
    pub time: Timestamp,
    /// A snapshot of it, to name it by.
    pub snapshot: SnapshotId,
    /// Whether it may be the first of its period. One that may not still makes its period one that has a snapshot: a
    /// policy of the past rests on no snapshot that was never promised to stay as long.
    pub stands: bool,
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
    /// The place of that period among those that have a snapshot, or of the point among all: 1 is the newest.
    pub place: usize,
    /// Whether it wants the point.
    pub verdict: Verdict,
}

/// Whether a tier wants a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
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
        self.verdict == Verdict::Wants
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Said { tier, of, period, place, verdict } = self;
        let name = tier.as_str();
        match (period, verdict) {
            (Some(period), Verdict::Wants) => write!(f, "first of {name} {period} ({place} of {of})"),
            (Some(period), Verdict::NotFirst(first)) => write!(f, "{first} is the first of {name} {period}"),
            (Some(period), Verdict::Past) => write!(f, "{name} {period} is past the newest {of}"),
            (None, Verdict::Wants) => write!(f, "{place} of the newest {of}"),
            (None, Verdict::NotFirst(_) | Verdict::Past) => write!(f, "not among the newest {of}"),
        }
    }
}

/// What each tier says of each point of a history, which stands in order of time. The answers stand in the same order,
/// and each has one for each tier that there is.
pub fn judge(tiers: Tiers, zone: &Zone, history: &[Point]) -> Vec<Vec<Said>> {
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
        let periods: Vec<_> = dates.iter().map(|date| Period::on(tier, *date)).collect();
        let mut first: BTreeMap<_, &Point> = BTreeMap::new();
        for (point, period) in history.iter().zip(&periods).filter(|(point, _)| point.stands) {
            first.entry(*period).or_insert(point);
        }
        let mut newer = BTreeSet::new();
        for (n, (point, period)) in history.iter().zip(&periods).enumerate().rev() {
            newer.insert(*period);
            let place = if tier == Tier::Last { history.len() - n } else { newer.len() };
            let is_past = u32::try_from(place).unwrap_or(u32::MAX) > of;
            let verdict = match first.get(period).filter(|first| tier != Tier::Last && first.snapshot != point.snapshot)
            {
                _ if is_past => Verdict::Past,
                Some(first) => Verdict::NotFirst(first.snapshot.clone()),
                None => Verdict::Wants,
            };
            answers[n].push(Said { tier, of, period: *period, place, verdict });
        }
    }
    answers
}
