//! How long snapshots are kept: what an instance's tags ask for, and the record of it on each snapshot.
//!
//! `RetentionDays` alone is a promise, written down as `DeleteOn`. Tiers are no date: which snapshot of a week is kept
//! shows only once the others are there. So with any tier, or with wishes of their own for copies, the whole policy is
//! recorded on the snapshot too ([`key::RETENTION`]): it still stands when the instance is gone or its tags are mistyped.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::schedule::Zone;
use crate::tags::{self, RETENTION_DAYS_RANGE, TagValue, Tags, key};

/// The days that a snapshot is kept where a tag of retention is there and cannot be read.
pub const RETENTION_DAYS_UNREADABLE: u32 = 365;

/// How many weeks, months and years have one snapshot each, and how many of the newest stay: 0 for none. A hundred years
/// at most, as with days; the newest 1,000, as Data Lifecycle Manager's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tiers {
    /// One of each of so many weeks, which begin on Mondays.
    pub weeks: u32,
    /// One of each of so many months.
    pub months: u32,
    /// One of each of so many years.
    pub years: u32,
    /// The newest so many, whatever their age.
    pub last: u32,
}

impl Tiers {
    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// How long snapshots of one kind, sources or copies, are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// All of them for so many days.
    pub days: u32,
    /// Some of them for longer.
    pub tiers: Tiers,
}

/// A policy of retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// What holds for snapshots, and for copies where these have no policy of their own.
    pub own: Keep,
    /// What holds for copies instead.
    pub copies: Option<Keep>,
    /// Where weeks, months and years begin.
    pub zone: Zone,
    /// A tag of it could not be read. That is recorded too: what is made meanwhile does not say that less is asked for.
    #[serde(default)]
    pub is_mistyped: bool,
}

impl Retention {
    /// `RetentionDays` alone, for copies too: `DeleteOn` says it all, and nothing is recorded.
    pub fn of_days(days: u32) -> Self {
        let own = Keep { days, tiers: Tiers::default() };
        Self { own, copies: None, zone: Zone::default(), is_mistyped: false }
    }

    /// Whether `DeleteOn` says it all.
    pub fn is_plain(&self) -> bool {
        self.own.tiers.is_none() && self.copies.is_none() && !self.is_mistyped
    }

    /// What holds for a copy, or for a source.
    pub fn keep(&self, is_copy: bool) -> Keep {
        self.copies.filter(|_| is_copy).unwrap_or(self.own)
    }

    /// Whether two policies differ in more than the days of sources, which `DeleteOn` has.
    pub fn has_tiers_of(&self, other: &Self) -> bool {
        let tiers = |policy: &Self| (policy.own.tiers, policy.copies, policy.zone.clone());
        (self.is_plain() && other.is_plain()) || tiers(self) == tiers(other)
    }

    /// About how many days back it reaches: what is longest wins where a volume hangs on several instances.
    pub fn reach_days(&self) -> u32 {
        let Keep { days, tiers } = self.own;
        days.max(tiers.weeks * 7).max(tiers.months * 31).max(tiers.years * 366)
    }
}

/// What a snapshot's tags say of the policy it was made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing: `DeleteOn` says it all.
    Plain,
    /// This.
    Is(Retention),
    /// It is there and cannot be read: what it wants is unknown.
    Unreadable(String),
}

impl Recorded {
    /// Reads [`key::RETENTION`].
    pub fn of(tags: &Tags) -> Self {
        match tags.get(key::RETENTION) {
            None => Recorded::Plain,
            Some(text) => text.parse().map_or_else(|_| Recorded::Unreadable(text.to_owned()), Recorded::Is),
        }
    }

    /// Whether a snapshot that records this says that `policy` is asked for: one that was made while a tag could not be
    /// read says nothing.
    pub fn states(&self, policy: &Retention) -> bool {
        let is_mistyped = matches!(self, Recorded::Is(recorded) if recorded.is_mistyped);
        self.is_of(policy) && !is_mistyped
    }

    /// Whether snapshots that are made under `policy` record this.
    pub fn is_of(&self, policy: &Retention) -> bool {
        match self {
            Recorded::Plain => policy.is_plain(),
            Recorded::Is(recorded) => !policy.is_plain() && recorded.has_tiers_of(policy),
            Recorded::Unreadable(_) => false,
        }
    }
}

/// The `DeleteOn` of a copy whose source records a policy for copies: so many days after the source was made, and not
/// before the source's own where a person has moved that one later. None where the source's own day holds.
pub fn delete_on_of_copy(source: &Tags) -> Option<Date> {
    let Recorded::Is(Retention { own, copies: Some(copies), .. }) = Recorded::of(source) else { return None };
    let (created, delete_on) = (tags::created_on(source).ok()?, tags::delete_on(source).ok()?);
    let after = |days: u32| created.saturating_add(i64::from(days).days());
    let is_moved = delete_on > after(own.days);
    Some(if is_moved { delete_on.max(after(copies.days)) } else { after(copies.days) })
}

/// A number as a tag has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// The tag.
    pub key: &'static str,
    /// What it says.
    pub value: TagValue<u32>,
}

/// The tags of retention: those of snapshots, then those of copies, each in the order days, weeks, months, years, last.
pub const KEYS: [[(&str, RangeInclusive<u32>); 5]; 2] = [
    [
        (key::RETENTION_DAYS, RETENTION_DAYS_RANGE),
        (key::RETENTION_WEEKS, 1..=5_200),
        (key::RETENTION_MONTHS, 1..=1_200),
        (key::RETENTION_YEARS, 1..=100),
        (key::KEEP_LAST, 1..=1_000),
    ],
    [
        (key::DESTINATION_RETENTION_DAYS, RETENTION_DAYS_RANGE),
        (key::DESTINATION_RETENTION_WEEKS, 1..=5_200),
        (key::DESTINATION_RETENTION_MONTHS, 1..=1_200),
        (key::DESTINATION_RETENTION_YEARS, 1..=100),
        (key::DESTINATION_KEEP_LAST, 1..=1_000),
    ],
];

/// What an instance's tags say of retention, as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    own: [Number; 5],
    copies: [Number; 5],
}

impl Asked {
    /// Reads the tags of an instance.
    pub fn of(tags: &Tags) -> Self {
        let [own, copies] =
            KEYS.map(|keys| keys.map(|(key, range)| Number { key, value: tags::number(tags, key, &range) }));
        Self { own, copies }
    }

    /// All of them that are there, those that cannot be read included.
    pub fn tagged(&self) -> impl Iterator<Item = &Number> {
        self.own.iter().chain(&self.copies).filter(|number| number.value != TagValue::Absent)
    }

    /// Whether all that is there can be read.
    pub fn is_readable(&self) -> bool {
        self.tagged().all(|number| matches!(number.value, TagValue::Is(_)))
    }

    /// The policy, with these days where no tag says how many. What cannot be read keeps everything for a year: which
    /// snapshots a mistyped tier wants, nobody can know.
    pub fn retention(&self, days_default: u32, zone: Zone) -> Retention {
        let own = keep(&self.own, days_default);
        let has_copies = self.copies.iter().any(|number| number.value != TagValue::Absent);
        let copies = has_copies.then(|| keep(&self.copies, own.days));
        let is_mistyped = !self.is_readable();
        if own.tiers.is_none() && copies.is_none() {
            return Retention { is_mistyped, ..Retention::of_days(own.days) };
        }
        Retention { own, copies, zone, is_mistyped }
    }
}

fn keep(numbers: &[Number; 5], days_default: u32) -> Keep {
    let number = |number: &Number| match number.value {
        TagValue::Is(count) => count,
        TagValue::Absent | TagValue::Unreadable(_) => 0,
    };
    let [days, weeks, months, years, last] = numbers;
    let is_unreadable = |number: &Number| matches!(number.value, TagValue::Unreadable(_));
    let days = if days.value == TagValue::Absent { days_default } else { number(days) };
    let days = if numbers.iter().any(is_unreadable) {
        // A default longer than that is longer still: doubt never shortens.
        days.max(RETENTION_DAYS_UNREADABLE).max(days_default)
    } else {
        days
    };
    let tiers = Tiers { weeks: number(weeks), months: number(months), years: number(years), last: number(last) };
    Keep { days, tiers }
}

impl fmt::Display for Tiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tiers { weeks, months, years, last } = *self;
        let mut all = [("weeks", weeks), ("months", months), ("years", years), ("last", last)].into_iter();
        all.try_for_each(|(name, count)| if count == 0 { Ok(()) } else { write!(f, " {name}={count}") })
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "days={}{}", self.days, self.tiers)
    }
}

/// As it is recorded: `days=7 weeks=4 zone=Europe/Berlin copies: days=30 months=12`, with `mistyped` behind its own
/// policy where a tag could not be read.
impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.own)?;
        if self.zone != Zone::default() {
            write!(f, " zone={}", self.zone)?;
        }
        if self.is_mistyped {
            write!(f, " {MISTYPED}")?;
        }
        self.copies.map_or(Ok(()), |copies| write!(f, " {COPIES} {copies}"))
    }
}

/// The word behind which the policy of copies stands.
const COPIES: &str = "copies:";
/// The word that says that a tag could not be read.
const MISTYPED: &str = "mistyped";

/// A text that is no record of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no record of retention; it looks like \"days=7 weeks=4 zone=Europe/Berlin copies: days=30\"")]
pub struct RetentionError(pub String);

impl FromStr for Retention {
    type Err = RetentionError;

    fn from_str(text: &str) -> Result<Self, RetentionError> {
        let read = || {
            let (own, copies) = match text.split_once(COPIES) {
                Some((own, copies)) => (own, Some(copies)),
                None => (text, None),
            };
            let (own, is_mistyped) = own.trim_end().strip_suffix(MISTYPED).map_or((own, false), |own| (own, true));
            let mut zone = None;
            let own = read_keep(own, Some(&mut zone))?;
            let copies = match copies {
                Some(copies) => Some(read_keep(copies, None)?),
                None => None,
            };
            Some(Retention { own, copies, zone: zone.unwrap_or_default(), is_mistyped })
        };
        // As it is written and no other way: what a person has made of it is not guessed at.
        read().filter(|read| read.to_string() == text).ok_or_else(|| RetentionError(text.to_owned()))
    }
}

fn read_keep(text: &str, mut zone: Option<&mut Option<Zone>>) -> Option<Keep> {
    let mut keep = Keep { days: 0, tiers: Tiers::default() };
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=')?;
        let place = match name {
            "days" => &mut keep.days,
            "weeks" => &mut keep.tiers.weeks,
            "months" => &mut keep.tiers.months,
            "years" => &mut keep.tiers.years,
            "last" => &mut keep.tiers.last,
            "zone" => {
                **zone.as_mut()? = Some(value.parse().ok()?);
                continue;
            }
            _ => return None,
        };
        let range =
            &KEYS[0].iter().zip(["days", "weeks", "months", "years", "last"]).find(|(_, known)| *known == name)?.0.1;
        *place = tags::read_number(value, range)?;
    }
    Some(keep)
}
