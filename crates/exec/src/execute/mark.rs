//! The manager's marks: `snapwarden:closed`, written on the newest snapshot of each history whose volume is over.
//!
//! A mark deletes nothing by itself: what it starts are the days for which the history is still judged as open. So it needs
//! no second look. Where it cannot be written the history stays open, and a finding says so.

use std::collections::BTreeMap;

use jiff::civil::Date;
use snapwarden_core::decision::{Act, Finding, Problem, Subject};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::report::Outcome;
use snapwarden_core::tags::{Tags, key};

use super::{Executor, Item, TAGGED_PER_CALL_MAX, became, in_turn, is_about_some};
use crate::cloud::Cloud;

type Marked<'a> = (Item<'a>, &'a SnapshotId);

pub(super) async fn in_region<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region) {
    let mut marks: BTreeMap<Option<Date>, Vec<Marked<'_>>> = BTreeMap::new();
    for item in executor.items_in(region) {
        if let (Act::Mark { closed }, Subject::Snapshot(snapshot)) = (&item.1.act, &item.1.subject) {
            marks.entry(*closed).or_default().push((item, snapshot));
        }
    }
    let calls = marks.iter().flat_map(|(closed, marked)| {
        marked.chunks(TAGGED_PER_CALL_MAX).map(move |batch| write(executor, region, *closed, batch))
    });
    in_turn(calls).await;
    say_what_is_missing(executor, region, marks.values().flatten());
}

/// One finding for all marks of the Region that EC2 refused with the same code.
fn say_what_is_missing<'a, C: Cloud>(
    executor: &Executor<'_, '_, C>,
    region: &Region,
    marked: impl Iterator<Item = &'a Marked<'a>>,
) {
    let mut missing: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for ((place, _), _) in marked {
        if let Some(outcome @ (Outcome::Failed(said) | Outcome::Unclear(said))) = executor.outcomes.borrow().get(*place)
        {
            let first = || (outcome.to_string(), 0);
            missing.entry(said.code.clone()).or_insert_with(first).1 += 1;
        }
    }
    for (why, snapshots) in missing.into_values() {
        executor.find(Finding::new(region, region, Problem::MarkNotWritten { why, snapshots }));
    }
}

/// One call for all of `batch`; one each where EC2 takes offence at some of them.
async fn write<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region, closed: Option<Date>, batch: &[Marked<'_>]) {
    let value = closed.map(|day| day.to_string()).unwrap_or_default();
    let tags: Tags = [(key::CLOSED, value)].into_iter().collect();
    let ids: Vec<_> = batch.iter().map(|(_, id)| (*id).clone()).collect();
    match executor.create_tags(region, &ids, &tags).await {
        Err(error) if batch.len() > 1 && is_about_some(&error) => {
            for (item, id) in batch {
                let written = executor.create_tags(region, std::slice::from_ref(id), &tags).await;
                executor.settle(*item, became(written));
            }
        }
        written => {
            let outcome = became(written);
            batch.iter().for_each(|(item, _)| executor.settle(*item, outcome.clone()));
        }
    }
}
