//! Plans and reports as text: a table, the totals, what is held, what a person should look at.
//!
//! Nothing here asks a clock or a terminal: the same plan gives the same text. Every cell and line goes through
//! `printable`, so that no tag can forge a row.

mod totals;

use std::fmt::Display;
use std::io::Write;

use snapwarden_core::check::Violation;
use snapwarden_core::decision::{About, Act, Decision, Finding, Hold, Job, Plan, Problem, Subject};
use snapwarden_core::ids::Region;
use snapwarden_core::printable::printable;
use snapwarden_core::report::{Outcome, RunReport};
use snapwarden_core::schedule::Slot;
use tabwriter::TabWriter;

use crate::inventory::list;

/// Characters of an instance's name in a table.
const NAME_LENGTH_MAX: usize = 32;

/// How a plan is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Without the rows of what is kept or skipped.
    pub(crate) only_changes: bool,
}

/// A plan, without what `violations` dropped from it.
pub(crate) fn plan(plan: &Plan, violations: &[Violation], options: Options) -> String {
    let items: Vec<_> = plan.decisions.iter().map(|decision| (decision, None)).collect();
    let total = totals::of_plan(plan, options);
    assemble(plan, &items, &total, &plan.findings, violations, options)
}

/// What a run did.
pub(crate) fn report(report: &RunReport, options: Options) -> String {
    let items: Vec<_> = report.items().map(|(decision, outcome)| (decision, Some(outcome))).collect();
    let total = totals::of_report(report, options);
    assemble(&report.plan, &items, &total, &report.findings, &report.violations, options)
}

/// A decision, and for a report what became of it.
type Item<'a> = (&'a Decision, Option<&'a Outcome>);

fn assemble(
    plan: &Plan,
    items: &[Item<'_>],
    total: &str,
    findings: &[Finding],
    violations: &[Violation],
    options: Options,
) -> String {
    let mut out = String::new();
    out.push_str(&heading(plan));
    let table = table(plan.job, items, options);
    if !table.is_empty() {
        out.push('\n');
        out.push_str(&table);
    }
    out.push('\n');
    if items.is_empty() && violations.is_empty() {
        line(&mut out, "", nothing(plan));
    } else {
        line(&mut out, "", total);
    }
    for (region, some) in &plan.due_elsewhere {
        line(
            &mut out,
            "",
            format!("Due in {region}, where this run does not act: up to {some}; to act there too: --region {region}"),
        );
    }
    section(&mut out, "Held until you approve it:", &plan.holds, Hold::to_string);
    section(&mut out, "Findings:", findings, Finding::to_string);
    let unsafe_heading = "UNSAFE: the safety check found errors in this plan and dropped what they concern. Do not act \
                          on it by hand, and report this:";
    section(&mut out, unsafe_heading, violations, Violation::to_string);
    out
}

fn heading(plan: &Plan) -> String {
    let what = match plan.job {
        Job::Create => "Snapshots to make",
        Job::Offsite => "Snapshots to copy offsite",
        Job::Expire => "Snapshots to expire",
    };
    let now = Slot::containing(plan.taken_at);
    format!("{what}: account {}, {}, as of {now}\n", plan.account, list(&plan.regions))
}

fn nothing(plan: &Plan) -> String {
    let regions = list(&plan.regions);
    let what = match plan.job {
        Job::Create => "no selected instance with a volume",
        Job::Offsite => "no snapshot to copy (completed, ours, with a DestinationRegion, no copy itself)",
        Job::Expire => "no snapshot of ours",
    };
    let is_gap = |finding: &Finding| matches!(finding.problem, Problem::NotRead { .. });
    let doubt = if plan.findings.iter().any(is_gap) { ", but not everything could be read" } else { "" };
    format!("Nothing to decide: {what} was seen in {regions}{doubt}.")
}

fn section<T>(out: &mut String, heading: &str, items: &[T], text: impl Fn(&T) -> String) {
    if items.is_empty() {
        return;
    }
    out.push('\n');
    line(out, "", heading);
    for item in items {
        line(out, "  ", text(item));
    }
}

/// One line, whatever `text` holds.
fn line(out: &mut String, indent: &str, text: impl Display) {
    out.push_str(indent);
    out.push_str(&clean(&text.to_string()));
    out.push('\n');
}

/// Fit for one line of output: nothing that steers a terminal, nothing that looks like a column's edge.
pub(crate) fn clean(text: &str) -> String {
    printable(text, usize::MAX).split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Changes first, then what waits, then what stays; the order of the plan within each.
fn table(job: Job, items: &[Item<'_>], options: Options) -> String {
    let mut shown: Vec<_> =
        items.iter().filter(|(decision, _)| !(options.only_changes && is_quiet(&decision.act))).collect();
    shown.sort_by_key(|(decision, _)| (&decision.region, rank(&decision.act)));
    let mut rows = Vec::with_capacity(shown.len() + 1);
    if let Some((_, outcome)) = shown.first() {
        rows.push(header(job, outcome.is_some()));
    }
    rows.extend(shown.iter().map(|(decision, outcome)| row(job, decision, *outcome)));
    let mut lines = aligned(&rows).into_iter();
    let mut out = String::new();
    for header in lines.by_ref().take(1) {
        out.push_str(&format!("  {header}\n"));
    }
    let mut region: Option<&Region> = None;
    for (text, (decision, _)) in lines.zip(&shown) {
        if region != Some(&decision.region) {
            out.push_str(&format!("{}\n", decision.region));
            region = Some(&decision.region);
        }
        out.push_str(&format!("  {text}\n"));
    }
    out
}

/// Whether a row says that nothing happens.
fn is_quiet(act: &Act) -> bool {
    match act {
        Act::Keep | Act::Skip => true,
        Act::Hold | Act::Wait => false,
        Act::Create { .. } | Act::AddTags { .. } | Act::Copy { .. } => false,
        Act::Stamp { .. } | Act::RemoveSource { .. } | Act::Delete { .. } | Act::Mark { .. } => false,
    }
}

/// The order in which a reader wants the acts: what cannot be undone comes first.
pub(crate) fn rank(act: &Act) -> usize {
    match act {
        Act::Delete { .. } => 0,
        Act::RemoveSource { .. } => 1,
        Act::Create { .. } => 2,
        Act::Copy { .. } => 3,
        Act::AddTags { .. } => 4,
        Act::Stamp { .. } => 5,
        Act::Mark { .. } => 6,
        Act::Hold => 7,
        Act::Wait => 8,
        Act::Keep => 9,
        Act::Skip => 10,
    }
}

fn header(job: Job, with_outcome: bool) -> Vec<String> {
    let mut cells = vec!["ACT"];
    match job {
        Job::Create => {}
        Job::Offsite | Job::Expire => cells.push("SNAPSHOT"),
    }
    cells.extend(["VOLUME", "INSTANCE"]);
    if with_outcome {
        cells.push("OUTCOME");
    }
    cells.push("REASON");
    cells.into_iter().map(str::to_owned).collect()
}

fn row(job: Job, decision: &Decision, outcome: Option<&Outcome>) -> Vec<String> {
    let mut cells = vec![decision.act.as_str().to_owned(), subject(&decision.subject)];
    match job {
        // The creator's subjects are volumes.
        Job::Create => {}
        Job::Offsite | Job::Expire => {
            cells.push(decision.about.volume.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string));
        }
    }
    cells.push(instance(&decision.about));
    let is_held = decision.act == Act::Hold;
    cells.extend(outcome.map(|outcome| if is_held { "waits for approval".to_owned() } else { outcome.to_string() }));
    cells.push(decision.reason.to_string());
    cells
}

/// A decision's subject as a table shows it.
pub(crate) fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Volume(volume) => volume.to_string(),
        Subject::Instance(_) => "-".to_owned(),
        Subject::Device(_, device) => device.clone(),
        Subject::Copy(snapshot, destination) => format!("{snapshot} → {destination}"),
        Subject::Source(snapshot) | Subject::Snapshot(snapshot) => snapshot.to_string(),
    }
}

fn instance(about: &About) -> String {
    let name = about.name.as_deref().map(|name| printable(name, NAME_LENGTH_MAX));
    match (name, &about.instance) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (Some(name), None) => name,
        (None, Some(id)) => id.to_string(),
        (None, None) => "-".to_owned(),
    }
}

/// `rows` in columns, one line each.
pub(crate) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let cell = |text: &String| Some(clean(text)).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
    let joined = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join("\t");
    let plain: Vec<_> = rows.iter().map(joined).collect();
    let mut writer = TabWriter::new(Vec::new());
    let written = plain.iter().try_for_each(|line| writeln!(writer, "{line}")).and_then(|()| writer.flush());
    match (written, writer.into_inner()) {
        (Ok(()), Ok(bytes)) => String::from_utf8_lossy(&bytes).lines().map(|line| line.trim_end().to_owned()).collect(),
        // Writing to memory does not fail; if it did, a crooked table is better than none.
        (Err(_), _) | (_, Err(_)) => plain,
    }
}

#[cfg(test)]
mod tests;
