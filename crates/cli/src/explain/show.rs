//! An explanation as text.

use snapwarden_core::decision::Decision;
use snapwarden_core::printable::quoted;
use snapwarden_core::retention::tiers::Said;

use super::{Explanation, JobView};
use crate::render::{aligned, clean, rank, subject};

/// The explanation, as a person reads it.
pub(super) fn text(explanation: &Explanation) -> String {
    let Explanation { id, region, description, tags, policy, jobs, related } = explanation;
    let mut out = format!("{id} in {region}: {}\n", clean(description));
    let tags: Vec<_> = tags.iter().map(|(key, value)| vec![quoted_key(key), quoted(value)]).collect();
    table(&mut out, "Tags that count:", &tags);
    let policy: Vec<_> =
        policy.iter().map(|line| vec![line.name.to_owned(), line.value.clone(), line.origin.clone()]).collect();
    table(&mut out, "Policy:", &policy);
    for view in jobs {
        job(&mut out, view);
    }
    let related: Vec<_> = related
        .iter()
        .map(|one| {
            let none = one.none.as_ref().map_or_else(String::new, |none| format!("; {none}"));
            vec![one.region.to_string(), one.id.clone(), format!("{}{none}", one.description)]
        })
        .collect();
    table(&mut out, "Belonging to it:", &related);
    out
}

fn quoted_key(key: &str) -> String {
    clean(key)
}

fn table(out: &mut String, heading: &str, rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    out.push_str(&format!("\n{heading}\n"));
    for line in aligned(rows) {
        out.push_str(&format!("  {line}\n"));
    }
}

fn job(out: &mut String, view: &JobView) {
    let heading = format!("plan {}:", view.job.as_str());
    let mut decisions: Vec<_> = view.decisions.iter().collect();
    decisions.sort_by_key(|decision| (rank(&decision.act), &decision.region));
    let rows: Vec<_> = decisions.iter().map(|decision| row(decision)).collect();
    if rows.is_empty() {
        out.push_str(&format!("\n{heading}\n"));
    } else {
        table(out, &heading, &rows);
    }
    tiers(out, &decisions);
    for violation in &view.dropped {
        out.push_str(&format!("  UNSAFE, dropped by the check: {}\n", clean(&violation.to_string())));
    }
    if let Some(none) = &view.none {
        out.push_str(&format!("  nothing: {}\n", clean(none)));
    }
}

/// What each tier says of each snapshot that it was asked about.
fn tiers(out: &mut String, decisions: &[&Decision]) {
    let of_one = |decision: &&Decision| {
        let wants = |said: &Said| if said.wants() { "wants it" } else { "does not want it" };
        let subject = subject(&decision.subject);
        let row = |said: &Said| {
            vec![subject.clone(), said.tier.as_str().to_owned(), wants(said).to_owned(), said.to_string()]
        };
        decision.reason.said().iter().map(row).collect::<Vec<_>>()
    };
    let rows: Vec<_> = decisions.iter().flat_map(of_one).collect();
    table(out, "What each tier says:", &rows);
}

fn row(decision: &Decision) -> Vec<String> {
    vec![
        decision.act.as_str().to_owned(),
        decision.region.to_string(),
        subject(&decision.subject),
        decision.reason.to_string(),
    ]
}
