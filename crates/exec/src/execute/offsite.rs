//! The offsiter's acts: tags mended, copies begun, stamps written, then proven sources removed.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use snapwarden_core::decision::{Act, CopyRef, Subject};
use snapwarden_core::ids::{Region, SnapshotId};
use snapwarden_core::report::{Changed, Deferred, Outcome};
use snapwarden_core::tags::{Tags, key};

use super::look::{IDS_PER_LOOK_MAX, Wanted};
use super::{CONCURRENCY, Executor, Item, outcome_of};
use crate::cloud::{Action, Cloud, CopyRequest};

pub(super) async fn execute<C: Cloud>(executor: &Executor<'_, '_, C>) {
    add_tags(executor).await;
    copy(executor).await;
    stamp(executor).await;
    remove(executor).await;
}

/// Mends the tags of copies. Looked at again first: a person may have moved DeleteOn later than we would.
async fn add_tags<C: Cloud>(executor: &Executor<'_, '_, C>) {
    let todo: Vec<(Item<'_>, &Region, &SnapshotId, &Tags)> = executor
        .items()
        .filter_map(|item| {
            let Act::AddTags { region, snapshot, tags } = &item.1.act else { return None };
            Some((item, region, &**snapshot, tags))
        })
        .collect();
    for batch in todo.chunks(IDS_PER_LOOK_MAX / 2) {
        let mut wanted = Wanted::new();
        for (_, region, snapshot, _) in batch {
            wanted.entry((*region).clone()).or_default().insert((*snapshot).clone());
        }
        let looked = executor.look(&wanted).await;
        let calls = batch.iter().map(|&(item, region, snapshot, tags)| {
            let looked = &looked;
            async move {
                let outcome = match executor.support_gone(looked, region, snapshot) {
                    Some(Outcome::Changed(_)) => Outcome::Changed(Changed::Differs),
                    Some(outcome) => outcome,
                    None => {
                        let ids = std::slice::from_ref(snapshot);
                        let written = executor.create_tags_by(region, ids, tags, looked.holds_until).await;
                        written.map_or_else(outcome_of, |()| Outcome::Done { made: None })
                    }
                };
                executor.settle(item, outcome);
            }
        });
        stream::iter(calls).buffer_unordered(CONCURRENCY).collect::<Vec<()>>().await;
    }
}

/// Begins the copies: destinations side by side, each in the plan's order until EC2 takes no more.
async fn copy<C: Cloud>(executor: &Executor<'_, '_, C>) {
    let mut by_destination: BTreeMap<&Region, Vec<(Item<'_>, &SnapshotId, &Tags)>> = BTreeMap::new();
    for item in executor.items() {
        if let (Act::Copy { tags, .. }, Subject::Copy(source, destination)) = (&item.1.act, &item.1.subject) {
            by_destination.entry(destination).or_default().push((item, source, tags));
        }
    }
    let destinations = by_destination.into_iter().map(|(destination, copies)| async move {
        let mut is_full = false;
        for (item, source, tags) in copies {
            if is_full {
                executor.settle(item, Outcome::Deferred(Deferred::LimitReached));
                continue;
            }
            let outcome = copy_one(executor, destination, &item.1.region, source, tags).await;
            is_full = takes_no_more(&outcome);
            executor.settle(item, outcome);
        }
    });
    join_all(destinations).await;
}

/// Whether a destination that answered one copy so would answer the next one so too.
fn takes_no_more(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Deferred(deferred) => *deferred == Deferred::LimitReached,
        Outcome::Failed(said) => ["NeverConnected", "SnapshotLimitExceeded"].contains(&said.code.as_str()),
        Outcome::NothingToDo | Outcome::Done { .. } | Outcome::Changed(_) => false,
        Outcome::Refused(_) | Outcome::Unclear(_) => false,
    }
}

async fn copy_one<C: Cloud>(
    executor: &Executor<'_, '_, C>,
    destination: &Region,
    source_region: &Region,
    source: &SnapshotId,
    tags: &Tags,
) -> Outcome {
    let description = format!("Snapwarden: copy of {source} from {source_region}");
    let cloud = executor.pacer.cloud();
    let request = async || {
        let request = CopyRequest {
            source_region: source_region.clone(),
            source: source.clone(),
            description: description.clone(),
            tags: tags.clone(),
        };
        cloud.copy_snapshot(destination, request).await
    };
    match executor.pacer.call(destination, Action::CopySnapshot, request).await {
        Ok(snapshot) => Outcome::Done { made: Some(snapshot) },
        Err(error) => outcome_of(error),
    }
}

async fn stamp<C: Cloud>(executor: &Executor<'_, '_, C>) {
    let stamps = executor.items().filter_map(|item| match (&item.1.act, &item.1.subject) {
        (Act::Stamp { value }, Subject::Source(snapshot)) => Some((item, value, snapshot)),
        _ => None,
    });
    let calls = stamps.map(|(item, value, snapshot)| async move {
        let tags: Tags = [(key::OFFSITE_SNAPSHOT_ID, value.as_str())].into_iter().collect();
        let outcome = match executor.create_tags(&item.1.region, std::slice::from_ref(snapshot), &tags).await {
            Ok(()) => Outcome::Done { made: None },
            Err(error) => outcome_of(error),
        };
        executor.settle(item, outcome);
    });
    stream::iter(calls).buffer_unordered(CONCURRENCY).collect::<Vec<()>>().await;
}

struct Removal<'a> {
    item: Item<'a>,
    snapshot: &'a SnapshotId,
    copies: &'a [CopyRef],
    newest: Option<&'a SnapshotId>,
}

/// S4: every copy and the source once more, then the delete.
async fn remove<C: Cloud>(executor: &Executor<'_, '_, C>) {
    let removals: Vec<_> = executor
        .items()
        .filter_map(|item| match (&item.1.act, &item.1.subject) {
            (Act::RemoveSource { copies, newest }, Subject::Source(snapshot)) => {
                Some(Removal { item, snapshot, copies, newest: newest.as_ref() })
            }
            _ => None,
        })
        .collect();
    for batch in removals.chunks(IDS_PER_LOOK_MAX / 2) {
        let mut wanted = Wanted::new();
        for removal in batch {
            let here = wanted.entry(removal.item.1.region.clone()).or_default();
            here.insert(removal.snapshot.clone());
            here.extend(removal.newest.cloned());
            for copy in removal.copies {
                wanted.entry(copy.region.clone()).or_default().insert(copy.snapshot.clone());
            }
        }
        let looked = executor.look(&wanted).await;
        let calls = batch.iter().map(|removal| {
            let region = &removal.item.1.region;
            let newest = removal.newest.map(|newest| (region, newest));
            let copies = removal.copies.iter().map(|copy| (&copy.region, &copy.snapshot));
            let gone = |(region, support)| executor.support_gone(&looked, region, support);
            let changed = executor.changed(&looked, region, removal.snapshot);
            let forbidden = changed.or_else(|| newest.into_iter().chain(copies).find_map(gone));
            executor.delete_unless(forbidden, removal.item, region, removal.snapshot, looked.holds_until)
        });
        stream::iter(calls).buffer_unordered(CONCURRENCY).collect::<Vec<()>>().await;
    }
}
