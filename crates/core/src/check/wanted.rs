//! What may want a snapshot, in the words of a violation.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;

use super::facts::{Key, days_between};

/// What wants a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It is younger.
    Days(u32),
    /// It is the first of one of so many.
    Tier(Tier, u32),
    /// It is among the newest.
    Last(u32),
    /// It is the newest, or the newest that can be restored at once.
    LastGood,
}

/// Periods of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    /// From Monday.
    Weeks,
    Months,
    Years,
}

impl Tier {
    /// A number for the period that a day is in: one more for the one after it.
    pub(super) fn period(self, day: Date) -> i64 {
        match self {
            Tier::Weeks => days_between(jiff::civil::date(1970, 1, 5), day).div_euclid(7),
            Tier::Months => i64::from(day.year()) * 12 + i64::from(day.month()),
            Tier::Years => i64::from(day.year()),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Days(days) => write!(f, "it is kept for {days} days"),
            Wanted::Tier(tier, count) => {
                let word = match tier {
                    Tier::Weeks => "weeks",
                    Tier::Months => "months",
                    Tier::Years => "years",
                };
                write!(f, "it is the first of one of the newest {count} {word}")
            }
            Wanted::Last(count) => write!(f, "it is one of the newest {count}"),
            Wanted::LastGood => f.write_str("it is the last good one here"),
        }
    }
}

/// Of each snapshot that something wants, what that is.
pub(super) type Wants<'a> = BTreeMap<Key<'a>, Wanted>;
