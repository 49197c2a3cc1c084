//! The tags of an instance.

use jiff::Timestamp;

use super::schedules::{self, gap};
use super::{Expected, Lint, LintProblem, Severity, Tagged, values};
use crate::ids::Region;
use crate::inventory::{Instance, Inventory};
use crate::near;
use crate::policy::{Config, InstancePolicy, Offsite, Origin, RefusedWhy, Selection};
use crate::retention::{Keep, Tiers};
use crate::schedule::{Schedule, ScheduleError, ScheduleWrong};
use crate::tags::{OffsiteMode, key};

/// The keys that are read on an instance.
pub(super) const KEYS: [&str; 14] = [
    key::BACKUP,
    key::RETENTION_DAYS,
    key::RETENTION_WEEKS,
    key::RETENTION_MONTHS,
    key::RETENTION_YEARS,
    key::KEEP_LAST,
    key::DESTINATION_RETENTION_DAYS,
    key::DESTINATION_RETENTION_WEEKS,
    key::DESTINATION_RETENTION_MONTHS,
    key::DESTINATION_RETENTION_YEARS,
    key::DESTINATION_KEEP_LAST,
    key::DESTINATION_REGION,
    key::OFFSITE_MODE,
    key::BACKUP_SCHEDULE,
];

/// Those that do nothing without a destination.
const OF_DESTINATIONS: [&str; 6] = [
    key::OFFSITE_MODE,
    key::DESTINATION_RETENTION_DAYS,
    key::DESTINATION_RETENTION_WEEKS,
    key::DESTINATION_RETENTION_MONTHS,
    key::DESTINATION_RETENTION_YEARS,
    key::DESTINATION_KEEP_LAST,
];

/// What is to be said of an instance's tags. What they wish for is looked at where it is backed up, or was meant to be.
pub(super) fn lints(instance: &Instance, region: &Region, inventory: &Inventory, config: &Config) -> Vec<Lint> {
    let on = Tagged { region, id: instance.id.as_str(), tags: &instance.tags };
    let policy = InstancePolicy::of(instance, region, inventory, config);
    // Lower-case `backup` is a usual key of others: only with our own word it is most likely ours.
    let says_yes = |value: &str| value.trim().eq_ignore_ascii_case("yes");
    let mut lints = on.near_keys(&KEYS, |ours, value| Severity::error_if(ours != key::BACKUP || says_yes(value)));
    let is_meant = match &policy.selection {
        Selection::Selected => true,
        Selection::Excluded => false,
        Selection::Unreadable(text) => values::yes_or_no(text) == Some(true),
        Selection::Untagged => {
            lints.iter().any(|lint| lint.problem == LintProblem::NearKey { ours: key::BACKUP.to_owned() })
        }
    };
    lints.extend(on.unreadable(key::BACKUP, Expected::InstanceBackup));
    lints.extend(on.misplaced(key::KEEP_FOREVER, "a snapshot"));
    if is_meant {
        lints.extend(not_understood(&on, &policy));
        let on = Tagged { tags: &policy.tags, ..on };
        lints.extend(wishes(&on, &policy, inventory));
    } else if policy.selection == Selection::Untagged {
        lints.extend(not_selected(&on));
    }
    lints
}

/// The predecessor's keys that cannot be read, where ours are not there: nothing else says that nobody reads them.
fn not_understood(on: &Tagged<'_>, policy: &InstancePolicy) -> Vec<Lint> {
    let missed = key::PREDECESSORS.into_iter().filter(|(key, ours)| on.tags.has(key) && !policy.tags.has(ours));
    missed
        .map(|(key, ours)| on.lint(key, Severity::Error, LintProblem::NotUnderstood { ours: ours.to_owned() }))
        .collect()
}

fn not_selected(on: &Tagged<'_>) -> Option<Lint> {
    let mut keys = KEYS.into_iter().filter(|key| on.tags.has(key));
    let first = keys.next()?;
    let others = keys.map(str::to_owned).collect();
    Some(on.lint(first, Severity::Advice, LintProblem::NotSelected { others }))
}

fn wishes(on: &Tagged<'_>, policy: &InstancePolicy, inventory: &Inventory) -> Vec<Lint> {
    let mut lints: Vec<_> = values::numbers().filter_map(|(key, expected)| on.unreadable(key, expected)).collect();
    lints.extend(on.unreadable(key::OFFSITE_MODE, Expected::Mode));
    lints.extend(schedule(on, policy));
    lints.extend(destinations(on, inventory));
    let is_longer_here = policy.asked.is_readable() && policy.retention.wants_more_of_sources();
    lints.extend(offsite(on, &policy.offsite, is_longer_here));
    if policy.asked.is_readable() && !matches!(policy.schedule.origin, Origin::Unreadable(_)) {
        lints.extend(retention(on, policy, inventory.taken_at));
    }
    lints
}

fn schedule(on: &Tagged<'_>, policy: &InstancePolicy) -> Option<Lint> {
    let text = on.tags.get(key::BACKUP_SCHEDULE)?;
    let ScheduleError { text: part, why } = text.parse::<Schedule>().err()?;
    let holds = policy.schedule.value.to_string();
    let part = Some(part).filter(|part| part != text);
    let problem = match why {
        ScheduleWrong::Never => LintProblem::NeverFires { part, holds },
        ScheduleWrong::Form
        | ScheduleWrong::Time
        | ScheduleWrong::Hours
        | ScheduleWrong::Weekday
        | ScheduleWrong::Day
        | ScheduleWrong::Zone
        | ScheduleWrong::Abbreviation
        | ScheduleWrong::Cron(_) => {
            LintProblem::NoSchedule { part, why: why.to_string(), holds, meant: schedules::meant(text) }
        }
    };
    Some(on.lint(key::BACKUP_SCHEDULE, Severity::Error, problem))
}

/// What is wrong with the destinations of an instance, or of a snapshot that has them from one.
pub(super) fn destinations(on: &Tagged<'_>, inventory: &Inventory) -> Vec<Lint> {
    if let Some(lint) = on.unreadable(key::DESTINATION_REGION, Expected::Destinations) {
        return vec![lint];
    }
    let lint = |problem| on.lint(key::DESTINATION_REGION, Severity::Error, problem);
    let nearest = |name: &str| {
        let usable = inventory.enabled.items().iter().filter(|region| *region != on.region);
        near::nearest(name, usable.map(Region::as_str)).and_then(|name| name.parse().ok())
    };
    let offsite = Offsite::of(on.tags, Some(on.region), inventory);
    let whole = on.tags.get(key::DESTINATION_REGION).unwrap_or_default();
    if offsite.destinations.is_empty()
        && offsite.refused.len() > 1
        && let Some(region) = nearest(whole)
    {
        // `eu west 1` is one name with two slips, not three names.
        return vec![lint(LintProblem::NoRegion { name: whole.to_owned(), nearest: Some(region) })];
    }
    let has_junk = offsite.refused.iter().any(|refused| refused.why == RefusedWhy::NotThere);
    if let Some(meant) = separated(whole, inventory).filter(|_| has_junk) {
        return vec![lint(LintProblem::Separators { meant })];
    }
    let refused = offsite.refused.into_iter().map(|refused| match refused.why {
        RefusedWhy::OwnRegion => lint(LintProblem::OwnRegion),
        RefusedWhy::NotThere => {
            let nearest = nearest(&refused.text);
            lint(LintProblem::NoRegion { name: refused.text, nearest })
        }
    });
    refused.collect()
}

/// The Regions that a text names with anything between them, where it names nothing else: `us-west-2;eu-west-1`.
fn separated(text: &str, inventory: &Inventory) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').map(str::to_ascii_lowercase);
    let words: Vec<_> = words.filter(|word| !word.is_empty() && word != "and").collect();
    let is_enabled = |word: &String| inventory.enabled.items().iter().any(|region| region.as_str() == word);
    (!words.is_empty() && words.iter().all(is_enabled)).then(|| words.join(" "))
}

fn offsite(on: &Tagged<'_>, offsite: &Offsite, is_longer_here: bool) -> Vec<Lint> {
    let advice = |key, problem| on.lint(key, Severity::Advice, problem);
    if !on.tags.has(key::DESTINATION_REGION) {
        let idle = OF_DESTINATIONS.into_iter().filter(|key| on.tags.has(key));
        return idle.map(|key| advice(key, LintProblem::NoDestination)).collect();
    }
    if offsite.destinations.is_empty() || offsite.mode() == OffsiteMode::Copy {
        return Vec::new();
    }
    if is_longer_here {
        let shorter = OF_DESTINATIONS.into_iter().filter(|key| *key != key::OFFSITE_MODE).find(|key| on.tags.has(key));
        return shorter.map(|key| on.lint(key, Severity::Error, LintProblem::CopiesShorter)).into_iter().collect();
    }
    if offsite.mode() != OffsiteMode::Move {
        return Vec::new();
    }
    let key = if on.tags.has(key::OFFSITE_MODE) { key::OFFSITE_MODE } else { key::DESTINATION_REGION };
    vec![advice(key, LintProblem::MoveLeavesNothing)]
}

fn retention(on: &Tagged<'_>, policy: &InstancePolicy, now: Timestamp) -> Vec<Lint> {
    let schedule = &policy.schedule.value;
    let [own, copies] = [
        [key::RETENTION_DAYS, key::RETENTION_WEEKS, key::RETENTION_MONTHS, key::RETENTION_YEARS],
        [
            key::DESTINATION_RETENTION_DAYS,
            key::DESTINATION_RETENTION_WEEKS,
            key::DESTINATION_RETENTION_MONTHS,
            key::DESTINATION_RETENTION_YEARS,
        ],
    ];
    let mut lints = kept(on, own, policy.retention.own, schedule, now);
    let tier = own[1..].iter().chain([&key::KEEP_LAST]).find(|key| on.tags.has(key));
    let is_replaced = on.tags.has("aws:autoscaling:groupName");
    lints.extend(tier.filter(|_| is_replaced).map(|key| on.lint(key, Severity::Advice, LintProblem::TiersOfReplaced)));
    if let Some(keep) = policy.retention.copies.filter(|_| !policy.offsite.destinations.is_empty()) {
        lints.extend(kept(on, copies, keep, schedule, now));
    }
    lints
}

/// What is to be said of one kind's retention beside the schedule.
fn kept(on: &Tagged<'_>, keys: [&str; 4], keep: Keep, schedule: &Schedule, now: Timestamp) -> Vec<Lint> {
    let [days, weeks, months, years] = keys;
    let Keep { days: kept_days, tiers } = keep;
    if tiers.is_none() {
        // Without a tag that says so it is the configuration's, which is not looked at here.
        let tagged = [days, key::BACKUP_SCHEDULE].into_iter().find(|key| on.tags.has(key));
        let short = tagged.zip(gap(schedule, now, kept_days));
        let short =
            short.map(|(key, gap)| on.lint(key, Severity::Error, LintProblem::ShortRetention { kept_days, gap }));
        return short.into_iter().collect();
    }
    let Tiers { weeks: of_weeks, months: of_months, years: of_years, last: _ } = tiers;
    let tiers = [(weeks, of_weeks, 7), (months, of_months, 31), (years, of_years, 366)];
    let idle = tiers.into_iter().filter(|(_, count, _)| *count > 0).filter_map(|(key, count, period)| {
        // Periods without a snapshot do not count: a rare schedule reaches further back.
        let period = gap(schedule, now, period).map_or(period, |gap| gap.days.saturating_add(1));
        let reach_days = count.saturating_mul(period);
        (reach_days <= kept_days)
            .then(|| on.lint(key, Severity::Advice, LintProblem::IdleTier { kept_days, reach_days }))
    });
    idle.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_retention_is_one_of_an_instance() {
        let numbers: Vec<_> = values::numbers().map(|(key, _)| key).collect();
        assert!(numbers.iter().all(|key| KEYS.contains(key)));
        assert_eq!(KEYS.len(), numbers.len() + 4);
    }
}
