//! The creator's acts: sets and lone snapshots, then late tags.
//!
//! Everything that identifies a snapshot is in the call that makes it (S11). What cannot be, because the snapshots of a
//! set share their tags at birth, follows in one CreateTags for all snapshots that get the same; a run that is killed
//! before it leaves work that the next one sees and does.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures_util::future::join_all;
use snapwarden_core::decision::{Act, Consistency, CreateGroup, Finding, Problem};
use snapwarden_core::ids::{Region, SnapshotId, VolumeId};
use snapwarden_core::report::{Changed, Deferred, Outcome, Said};
use snapwarden_core::tags::{self, Tags, key};

use super::{Executor, Item, TAGGED_PER_CALL_MAX, in_turn, is_about_some, outcome_of, said};
use crate::cloud::{Action, Begun, Cloud, CloudError, ErrorKind, SetRequest};
use crate::pacing::CallError;

/// Refused sets of a Region, and none made, after which no more are asked for in a run.
const SETS_REFUSED_MAX: usize = 3;

/// A snapshot that wants late tags, and the decision that waits for them, if one does.
type Late<'a> = (SnapshotId, Option<Item<'a>>);

pub(super) async fn in_region<C: Cloud>(executor: &Executor<'_, '_, C>, region: &Region) {
    let (made, refused) = (Cell::new(0), Cell::new(0));
    let creator = Creator { executor, region, sets_made: made, sets_refused: refused, late: RefCell::default() };
    let mut volumes: BTreeMap<&VolumeId, (Item<'_>, &Tags)> = BTreeMap::new();
    for item in executor.items_in(region) {
        match &item.1.act {
            Act::Create { late_tags } => {
                volumes.extend(item.1.about.volume.as_ref().map(|volume| (volume, (item, late_tags))));
            }
            Act::AddTags { snapshot, tags, .. } => creator.later(tags, (**snapshot).clone(), Some(item)),
            Act::Copy { .. } | Act::Stamp { .. } | Act::RemoveSource { .. } | Act::Delete { .. } => {}
            Act::Mark { .. } | Act::Hold | Act::Keep | Act::Skip | Act::Wait => {}
        }
    }
    let groups = executor.plan.groups.iter().filter(|group| group.region == *region).map(|group| {
        let todo: Vec<_> = group.volumes.iter().filter_map(|volume| Some((volume, *volumes.get(volume)?))).collect();
        creator.group(group, todo)
    });
    in_turn(groups).await;
    creator.tag().await;
}

struct Creator<'e, 'a, 'c, C> {
    executor: &'e Executor<'a, 'c, C>,
    region: &'e Region,
    sets_made: Cell<usize>,
    /// Those that got `UnauthorizedOperation`. The predecessor's role has no CreateSnapshots, and asking again does not help; but a
    /// policy may forbid it of one instance alone.
    sets_refused: Cell<usize>,
    late: RefCell<BTreeMap<Tags, Vec<Late<'a>>>>,
}

type Todo<'a> = Vec<(&'a VolumeId, (Item<'a>, &'a Tags))>;

impl<'a, C: Cloud> Creator<'_, 'a, '_, C> {
    fn later(&self, tags: &Tags, snapshot: SnapshotId, item: Option<Item<'a>>) {
        self.late.borrow_mut().entry(tags.clone()).or_default().push((snapshot, item));
    }

    async fn group(&self, group: &'a CreateGroup, todo: Todo<'a>) {
        let may_be_made = self.sets_made.get() > 0 || self.sets_refused.get() < SETS_REFUSED_MAX;
        if group.consistency == Consistency::Set && may_be_made && self.set(group, &todo).await {
            return;
        }
        let region = self.region;
        let singles = todo.into_iter().map(|(volume, (item, late_tags))| async move {
            let mut tags = group.tags.clone();
            tags.set(key::CONSISTENCY, tags::OF_VOLUME);
            for (key, value) in late_tags.iter() {
                tags.set(key, value);
            }
            let cloud = self.executor.pacer.cloud();
            let description = description(group);
            let request = async || cloud.create_snapshot(region, volume, &description, &tags).await;
            let outcome = match self.executor.pacer.call(region, Action::CreateSnapshot, request).await {
                Ok(begun) if group.consistency == Consistency::Set => Outcome::DoneAlone { made: begun.snapshot },
                Ok(begun) => Outcome::Done { made: Some(begun.snapshot) },
                Err(error) => self.executor.made_nothing(region, volume.as_str(), error),
            };
            self.executor.settle(item, outcome);
        });
        join_all(singles).await;
    }

    /// One set. False where EC2 refused it in a way that leaves one call per volume to try, in this same run.
    async fn set(&self, group: &'a CreateGroup, todo: &Todo<'a>) -> bool {
        let cloud = self.executor.pacer.cloud();
        let request = async || {
            let request = SetRequest {
                instance: group.instance.clone(),
                exclude_boot: group.exclude_boot,
                exclude_data: group.exclude_data.clone(),
                description: description(group),
                tags: group.tags.clone(),
            };
            cloud.create_snapshots(self.region, request).await
        };
        match self.executor.pacer.call(self.region, Action::CreateSnapshots, request).await {
            Ok(begun) => {
                self.sets_made.set(self.sets_made.get() + 1);
                self.made(todo, begun);
            }
            Err(CallError::Cloud(error)) if self.is_refusal(group, &error) => return false,
            Err(error) => {
                let outcome = self.executor.made_nothing(self.region, group.instance.as_str(), error);
                todo.iter().for_each(|(_, (item, _))| self.executor.settle(*item, outcome.clone()));
            }
        }
        true
    }

    fn made(&self, todo: &Todo<'a>, begun: Vec<Begun>) {
        let mut begun: BTreeMap<_, _> = begun.into_iter().map(|begun| (begun.volume, begun.snapshot)).collect();
        for (volume, (item, late_tags)) in todo {
            let outcome = match begun.remove(*volume) {
                Some(snapshot) => {
                    self.later(late_tags, snapshot.clone(), None);
                    Outcome::Done { made: Some(snapshot) }
                }
                None => Outcome::Changed(Changed::NotInSet),
            };
            self.executor.settle(*item, outcome);
        }
        for (volume, snapshot) in begun {
            let problem = Problem::UnexpectedSnapshot { volume };
            self.executor.find(Finding::new(self.region, snapshot, problem));
        }
    }

    fn is_refusal(&self, group: &CreateGroup, error: &CloudError) -> bool {
        let Said { code, message } = said(error);
        match error.kind {
            ErrorKind::Unauthorized if code == "UnauthorizedOperation" => {
                self.sets_refused.set(self.sets_refused.get() + 1);
                let problem = Problem::SetsNotAllowed { message };
                self.executor.find(Finding::new(self.region, "CreateSnapshots", problem));
                true
            }
            // What is wrong with one of its volumes costs the others nothing.
            ErrorKind::Invalid | ErrorKind::VolumeLimitReached => {
                let problem = Problem::SetRefused { code, message };
                self.executor.find(Finding::new(self.region, &group.instance, problem));
                true
            }
            ErrorKind::Throttled | ErrorKind::RateExceeded | ErrorKind::LimitReached | ErrorKind::NotFound => false,
            ErrorKind::Refused | ErrorKind::Unauthorized | ErrorKind::Unavailable => false,
            ErrorKind::Ambiguous | ErrorKind::Unknown => false,
        }
    }

    /// The late tags of this run's sets, and the repairs of earlier ones.
    async fn tag(&self) {
        let late = self.late.take();
        let calls = late
            .iter()
            .flat_map(|(tags, late)| late.chunks(TAGGED_PER_CALL_MAX).map(move |batch| self.tag_batch(tags, batch)));
        in_turn(calls).await;
    }

    /// One call for all of `batch`; one each where EC2 takes offence at some of them.
    async fn tag_batch(&self, tags: &Tags, batch: &[Late<'a>]) {
        let ids: Vec<_> = batch.iter().map(|(snapshot, _)| snapshot.clone()).collect();
        let tagged = self.executor.create_tags(self.region, &ids, tags).await;
        if batch.len() > 1 && tagged.as_ref().is_err_and(is_about_some) {
            for (id, one) in ids.iter().zip(batch.chunks(1)) {
                let tagged = self.executor.create_tags(self.region, std::slice::from_ref(id), tags).await;
                self.settle_tagged(one, tagged);
            }
            return;
        }
        self.settle_tagged(batch, tagged);
    }

    fn settle_tagged(&self, batch: &[Late<'a>], tagged: Result<(), CallError>) {
        let outcome = match tagged {
            Ok(()) => Outcome::Done { made: None },
            Err(CallError::Cloud(error)) if error.kind == ErrorKind::NotFound => {
                Outcome::Deferred(Deferred::NotVisibleYet)
            }
            Err(error) => outcome_of(error),
        };
        for (snapshot, item) in batch {
            match item {
                Some(item) => self.executor.settle(*item, outcome.clone()),
                // Its own item is done, the snapshot is made. That it is not yet whole is said all the same.
                None if outcome != (Outcome::Done { made: None }) => {
                    let problem = Problem::LateTagsPending { why: outcome.to_string() };
                    self.executor.find(Finding::new(self.region, snapshot, problem));
                }
                None => {}
            }
        }
    }
}

fn description(group: &CreateGroup) -> String {
    format!("Snapwarden: {} {}", group.instance, group.slot)
}
