//! What a snapshot states: the policy that it was made under, written down at its birth as `snapwarden:retention`.
//!
//! The record outlives the tags of the instance, and the instance. It is read as it is written and in no other way: what
//! a person has made of it is not guessed at.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;

use super::policy::{KEYS, Keep, Retention, Tiers};
use crate::schedule::Zone;
use crate::tags::{self, Tags, key};

/// What a snapshot's tags say of the policy it was made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing: it was made by the predecessor, or by a version that recorded no plain days.
    Absent,
    /// This.
    Is(Retention),
    /// It is there and cannot be read: what it wants is unknown.
    Unreadable(String),
}

impl Recorded {
    /// Reads [`key::RETENTION`].
    pub fn of(tags: &Tags) -> Self {
        match tags.get(key::RETENTION) {
            None => Recorded::Absent,
            Some(text) => text.parse().map_or_else(|_| Recorded::Unreadable(text.to_owned()), Recorded::Is),
        }
    }

    /// The policy that it states: none where there is no record, or it was made while a tag could not be read.
    pub fn stated(&self) -> Option<&Retention> {
        match self {
            Recorded::Is(retention) => Some(retention).filter(|retention| !retention.is_mistyped),
            Recorded::Absent | Recorded::Unreadable(_) => None,
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

/// In the order of [`KEYS`].
const WORDS: [&str; 5] = ["days", "weeks", "months", "years", "last"];

fn read_keep(text: &str, mut zone: Option<&mut Option<Zone>>) -> Option<Keep> {
    let mut keep = Keep { days: 0, tiers: Tiers::default() };
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=')?;
        if name == "zone" {
            **zone.as_mut()? = Some(value.parse().ok()?);
            continue;
        }
        let n = WORDS.iter().position(|word| *word == name)?;
        let Tiers { weeks, months, years, last } = &mut keep.tiers;
        *[&mut keep.days, weeks, months, years, last][n] = tags::read_number(value, &KEYS[0][n].1)?;
    }
    Some(keep)
}
