//! A preview as text.

use jiff::civil::Date;
use snapwarden_core::preview::Counts;
use snapwarden_core::schedule::Slot;

use super::{Kept, Listing, MovedRow, Page, Row, View, words};
use crate::inventory::{Seen, list};
use crate::render::{aligned, clean};

/// The heads of the columns of counts.
pub(super) const HEADS: [&str; 9] =
    ["AT THE END OF", "WHEN", "SNAPSHOTS", "DAYS", "WEEKS", "MONTHS", "YEARS", "LAST", "OTHERS"];

/// The preview, as a person reads it.
pub(super) fn text(page: &Page) -> String {
    let mut out = format!("{}\n", page.heading);
    for view in &page.variants {
        out.push('\n');
        if page.variants.len() > 1 {
            out += &format!("{}:\n", clean(&view.name));
        }
        out += &of_view(view, page);
    }
    if page.variants.len() > 1 {
        out += &moved(page);
    }
    for note in &page.notes {
        out += &format!("\nNote: {}\n", clean(note));
    }
    out
}

fn of_view(view: &View, page: &Page) -> String {
    let View { days, keeps, schedule, next, made_now, on, .. } = view;
    let mut rows = vec![[&HEADS[..], &["OLDEST"]].concat().iter().map(ToString::to_string).collect()];
    rows.extend(days.iter().map(cells));
    let mut out = table(&rows);
    out += &format!("\n  policy:   {keeps}\n  schedule: {schedule}; next {}\n", list(next));
    if let Some(slot) = made_now {
        out += &format!("  at once:  a snapshot for {slot}, which has none yet\n");
    }
    on.iter().for_each(|listing| out += &of_day(listing, page.until));
    out
}

/// The row of a day.
pub(super) fn cells(row: &Row) -> Vec<String> {
    let Row { day, when, counts } = row;
    let Counts { total, days, weeks, months, years, last, others, oldest } = counts;
    let numbers = [total, days, weeks, months, years, last, others];
    let numbers = numbers.map(|number| if *number == 0 { "-".to_owned() } else { number.to_string() });
    let oldest = oldest.map_or_else(|| "-".to_owned(), |day| day.to_string());
    [vec![day.to_string(), (*when).to_owned()], numbers.to_vec(), vec![oldest]].concat()
}

fn of_day(listing: &Listing, until: Date) -> String {
    let Listing { day, snapshots } = listing;
    if snapshots.is_empty() {
        return format!("\n  At the end of {day} there is none.\n");
    }
    let head = ["SNAPSHOT", "VOLUME", "SLOT", "AGE", "GOES", "KEPT BY"];
    let row = |kept: &Kept| {
        vec![
            kept.snapshot.as_ref().map_or_else(|| "to come".to_owned(), ToString::to_string),
            kept.volume.as_ref().map_or_else(String::new, ToString::to_string),
            kept.slot.to_string(),
            words::count(kept.age_days, "day"),
            day_or_later(kept.goes, until),
            kept.kept_by.join("; "),
        ]
    };
    let rows: Vec<_> = [head.map(str::to_owned).to_vec()].into_iter().chain(snapshots.iter().map(row)).collect();
    format!("\n  At the end of {day}:\n{}", table(&rows))
}

fn day_or_later(day: Option<Date>, until: Date) -> String {
    day.map_or_else(|| format!("after {until}"), |day| day.to_string())
}

/// What becomes of the snapshots that exist.
fn moved(page: &Page) -> String {
    if page.existing == 0 {
        return String::new();
    }
    let sum = |is_lost| page.moved.iter().filter(|row| row.is_lost == is_lost).map(|row| row.snapshots).sum::<usize>();
    let (earlier, later) = (sum(true), sum(false));
    let existing = words::count(page.existing, "snapshot");
    let mut out = format!("\nOf the {existing} that exist, {earlier} would go earlier and {later} later");
    if page.moved.is_empty() {
        return out + ".\n";
    }
    let grace = if earlier > 0 {
        ". What is shorter takes effect after the days of grace, from\nthe first snapshot made under it, or at once where a \
         person approves it"
    } else {
        ""
    };
    out += &format!("{grace}:\n\n");
    let head = ["SLOT", "SNAPSHOTS", "GOES AS IT IS", "CHANGED", "APPROVED AT ONCE"];
    let row = |row: &MovedRow| {
        let days = [row.as_is, row.changed, row.approved].map(|day| day_or_later(day, page.until));
        [vec![row.slot.to_string(), row.snapshots.to_string()], days.to_vec()].concat()
    };
    let rows: Vec<_> = [head.map(str::to_owned).to_vec()].into_iter().chain(page.moved.iter().map(row)).collect();
    out + &table(&rows)
}

/// A row for each instance, and their sum.
pub(super) fn all(pages: &[Page], seen: &Seen) -> String {
    let as_of = Slot::containing(seen.inventory.taken_at);
    let regions = list(&seen.regions);
    if pages.is_empty() {
        return format!("No selected instance with a volume was seen in {regions}, as of {as_of}.\n");
    }
    let days: Vec<_> = pages[0].variants[0].days.iter().map(|row| row.day.to_string()).collect();
    let mut rows = vec![[vec!["INSTANCE".to_owned(), "VOLUMES".to_owned()], days, vec!["POLICY".to_owned()]].concat()];
    let mut sums = vec![0; rows[0].len() - 2];
    for page in pages {
        let view = &page.variants[0];
        let numbers: Vec<_> = [page.volumes].into_iter().chain(view.days.iter().map(|row| row.counts.total)).collect();
        sums.iter_mut().zip(&numbers).for_each(|(sum, number)| *sum += number);
        let numbers = numbers.iter().map(usize::to_string).collect();
        rows.push([vec![page.name.clone()], numbers, vec![format!("{}; {}", view.keeps, view.schedule)]].concat());
    }
    let sums = sums.iter().map(usize::to_string).collect();
    rows.push([vec!["all".to_owned()], sums, vec![String::new()]].concat());
    format!("Snapshots at the end of each day, of {regions}, as of {as_of}\n\n{}", table(&rows))
}

fn table(rows: &[Vec<String>]) -> String {
    aligned(rows).into_iter().map(|line| format!("  {line}\n")).collect()
}
