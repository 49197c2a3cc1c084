//! What the lineages of an account rest on: what each live instance asks for, and which volumes were put in the place of
//! others.

use std::collections::{BTreeMap, BTreeSet};

use super::policy::Retention;
use crate::ids::{InstanceId, Region, VolumeId};
use crate::index::Index;
use crate::inventory::Instance;
use crate::policy::{Config, InstancePolicy, Selection};
use crate::tags;

/// A live instance, and what its tags ask for.
pub(super) struct Asking<'a> {
    pub(super) instance: &'a Instance,
    /// None where a tag of retention cannot be read, or where it is not backed up and has no such tag.
    pub(super) wanted: Option<Retention>,
    /// The key of the first tag of retention that cannot be read.
    pub(super) mistyped: Option<&'static str>,
    pub(super) destinations: BTreeSet<Region>,
    /// Whether it names a destination that cannot be used: a slip, and nobody knows what was meant.
    pub(super) has_slip: bool,
    pub(super) selection: Selection,
}

impl<'a> Asking<'a> {
    fn of(region: &'a Region, instance: &'a Instance, index: &Index<'a>, config: &Config) -> Self {
        let policy = InstancePolicy::of(instance, region, index.inventory, config);
        let mistyped = policy.asked.unreadable().next().map(|(key, _)| key);
        let wanted = policy.wanted().filter(|_| mistyped.is_none());
        let destinations = tags::named_regions(&policy.tags);
        let has_slip = !policy.offsite.refused.is_empty();
        Asking { instance, wanted, mistyped, destinations, has_slip, selection: policy.selection }
    }
}

/// What all lineages of an account rest on.
pub(crate) struct Account<'i, 'a> {
    pub(super) index: &'i Index<'a>,
    pub(super) config: &'i Config,
    pub(super) asking: BTreeMap<&'a InstanceId, Asking<'a>>,
    /// Volumes that were put in the place of others, and those others, each with all that belong together.
    pub(super) joined: BTreeMap<VolumeId, Vec<VolumeId>>,
}

impl<'i, 'a> Account<'i, 'a> {
    pub(crate) fn of(index: &'i Index<'a>, config: &'i Config) -> Self {
        let asking = index.instances().map(|(region, one)| (&one.id, Asking::of(region, one, index, config))).collect();
        Account { index, config, asking, joined: joined(index) }
    }
}

fn joined(index: &Index<'_>) -> BTreeMap<VolumeId, Vec<VolumeId>> {
    let mut joined: BTreeMap<VolumeId, Vec<VolumeId>> = BTreeMap::new();
    for volume in index.volumes() {
        let Some(was) = tags::was(&volume.tags).filter(|was| *was != volume.id) else { continue };
        let mut all = joined.get(&volume.id).cloned().unwrap_or_else(|| vec![volume.id.clone()]);
        all.extend(joined.get(&was).cloned().unwrap_or_else(|| vec![was]));
        all.sort();
        all.dedup();
        for one in &all {
            joined.insert(one.clone(), all.clone());
        }
    }
    joined
}
