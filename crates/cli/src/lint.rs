//! `snapwarden lint`: whether the tags of an account say what people meant by them.

use serde::Serialize;
use snapwarden_core::decision::{Finding, Job};
use snapwarden_core::ids::{AccountId, Region};
use snapwarden_core::lint::{Lint, Severity, lint, unread};
use snapwarden_core::schedule::Slot;

use crate::args::LintArgs;
use crate::inventory::{self, Seen, list};
use crate::{output, render};

/// A tag is wrong, or something could not be read.
const EXIT_WRONG: u8 = 2;
/// All listings are wanted, those of destinations too.
const JOBS: [Job; 3] = [Job::Create, Job::Offsite, Job::Expire];

/// All that was found.
#[derive(Serialize)]
struct Found {
    account: AccountId,
    taken_at: Slot,
    regions: Vec<Region>,
    lints: Vec<Said>,
    /// What could not be read.
    unread: Vec<Finding>,
}

/// A lint and its sentence.
#[derive(Serialize)]
struct Said {
    #[serde(flatten)]
    lint: Lint,
    says: String,
}

/// Prints what is wrong with the tags.
pub(crate) fn run(args: &LintArgs) -> anyhow::Result<u8> {
    let Seen { inventory, mut regions, .. } = inventory::look(&JOBS, &args.source, &args.account)?;
    regions.sort();
    regions.dedup();
    let lints = lint(&inventory, &regions, &args.defaults.config());
    let lints = lints.into_iter().map(|lint| Said { says: lint.problem.to_string(), lint }).collect();
    let unread = unread(&inventory, &regions);
    let taken_at = Slot::containing(inventory.taken_at);
    let found = Found { account: inventory.account, taken_at, regions, lints, unread };
    found.unread.iter().for_each(|finding| output::warn(&finding.to_string()));
    if args.json {
        output::print_json(&found)?;
    } else {
        output::print(&text(&found))?;
    }
    let is_wrong = found.count(Severity::Error) > 0 || !found.unread.is_empty();
    Ok(if is_wrong { EXIT_WRONG } else { 0 })
}

impl Found {
    fn count(&self, severity: Severity) -> usize {
        self.lints.iter().filter(|said| said.lint.severity == severity).count()
    }
}

fn text(found: &Found) -> String {
    let Found { account, taken_at, regions, lints, unread } = found;
    let mut text = format!("Tags: account {account}, {}, as of {taken_at}\n\n", list(regions));
    text.push_str(&table(lints));
    let doubt = if unread.is_empty() { "" } else { ", but not everything could be read" };
    if lints.is_empty() {
        text.push_str(&format!("Nothing to mend{doubt}.\n"));
        return text;
    }
    let errors = counted(found.count(Severity::Error), "error", "errors");
    let advice = counted(found.count(Severity::Advice), "piece of advice", "pieces of advice");
    text.push_str(&format!("\n{errors}, {advice}{doubt}\n"));
    text
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Errors first: the lints stand in that order.
fn table(lints: &[Said]) -> String {
    if lints.is_empty() {
        return String::new();
    }
    let header = ["REGION", "ID", "TAG", "WHAT"].map(str::to_owned).to_vec();
    let rows = lints
        .iter()
        .map(|Said { lint, says }| vec![lint.region.to_string(), lint.id.clone(), lint.tag(), says.clone()]);
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    let mut lines = render::aligned(&rows).into_iter();
    let mut table: String = lines.by_ref().take(1).map(|line| format!("  {line}\n")).collect();
    let mut last = None;
    for (line, Said { lint, .. }) in lines.zip(lints) {
        if last != Some(lint.severity) {
            table.push_str(heading(lint.severity));
            last = Some(lint.severity);
        }
        table.push_str(&format!("  {line}\n"));
    }
    table
}

fn heading(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "errors\n",
        Severity::Advice => "advice\n",
    }
}
