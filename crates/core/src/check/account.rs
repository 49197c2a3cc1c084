//! What was seen of an account, indexed once, and what that tells of a volume: where its home is, and whether it is over.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Fact, says_no};
use crate::ids::{Region, SnapshotId, VolumeId};
use crate::inventory::{Instance, InstanceState, Inventory, Read, Volume};
use crate::policy::Config;

/// Whether a volume is over: gone, or left out by a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Yes,
    No,
    /// What would tell was not read.
    Unread,
}

/// The Regions in which a volume can be.
pub(super) enum Home {
    In(BTreeSet<Region>),
    /// Nothing says where: in any that the account can use.
    Anywhere,
}

/// An account, indexed.
pub(super) struct Account<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) config: &'a Config,
    by_id: BTreeMap<(&'a Region, &'a SnapshotId), &'a Fact<'a>>,
    /// Whatever names a source, by what it names.
    copies: BTreeMap<&'a str, Vec<&'a Fact<'a>>>,
    /// Ours, by the volume whose data they hold.
    by_volume: BTreeMap<&'a str, Vec<&'a Fact<'a>>>,
    listed: BTreeMap<&'a str, Vec<(&'a Region, &'a Volume)>>,
    /// The instances that have a volume, in any state.
    attached: BTreeMap<&'a str, Vec<(&'a Region, &'a Instance)>>,
    live: BTreeMap<&'a str, &'a Instance>,
    /// Volumes that were put in the place of others, and these: both ways.
    joined: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Account<'a> {
    pub(super) fn of(facts: &'a [Fact<'a>], inventory: &'a Inventory, config: &'a Config) -> Self {
        let mut account = Self {
            inventory,
            config,
            by_id: BTreeMap::new(),
            copies: BTreeMap::new(),
            by_volume: BTreeMap::new(),
            listed: BTreeMap::new(),
            attached: BTreeMap::new(),
            live: BTreeMap::new(),
            joined: BTreeMap::new(),
        };
        facts.iter().for_each(|fact| account.note_snapshot(fact));
        for (region, seen) in &inventory.regions {
            seen.instances.items().iter().for_each(|instance| account.note_instance(region, instance));
            seen.volumes.items().iter().for_each(|volume| account.note_volume(region, volume));
        }
        account
    }

    fn note_snapshot(&mut self, fact: &'a Fact<'a>) {
        self.by_id.insert((fact.region, &fact.snapshot.id), fact);
        if let Some(source) = fact.source() {
            self.copies.entry(source).or_default().push(fact);
        }
        if let Some(volume) = fact.volume.filter(|_| fact.is_ours) {
            self.by_volume.entry(volume).or_default().push(fact);
        }
    }

    fn note_instance(&mut self, region: &'a Region, instance: &'a Instance) {
        if is_live(instance) {
            self.live.insert(instance.id.as_str(), instance);
        }
        let volumes: BTreeSet<_> = instance.devices.iter().filter_map(|device| device.volume.as_ref()).collect();
        for volume in volumes {
            self.attached.entry(volume.as_str()).or_default().push((region, instance));
        }
    }

    fn note_volume(&mut self, region: &'a Region, volume: &'a Volume) {
        let own = volume.id.as_str();
        self.listed.entry(own).or_default().push((region, volume));
        let was = volume.tags.get("snapwarden:was").filter(|text| text.parse::<VolumeId>().is_ok());
        if let Some(was) = was.filter(|was| *was != own) {
            self.joined.entry(own).or_default().insert(was);
            self.joined.entry(was).or_default().insert(own);
        }
    }

    pub(super) fn get(&self, region: &Region, id: &SnapshotId) -> Option<&'a Fact<'a>> {
        self.by_id.get(&(region, id)).copied()
    }

    /// Everything that says it is a copy of `source`, whoever made it.
    pub(super) fn copies_of(&self, source: &SnapshotId) -> &[&'a Fact<'a>] {
        self.copies.get(source.as_str()).map_or(&[], Vec::as_slice)
    }

    /// Ours of a volume, in any Region and state.
    pub(super) fn snapshots_of(&self, volume: &str) -> &[&'a Fact<'a>] {
        self.by_volume.get(volume).map_or(&[], Vec::as_slice)
    }

    pub(super) fn volumes(&self) -> impl Iterator<Item = &'a str> {
        self.by_volume.keys().copied()
    }

    /// Whether there is anything of a volume.
    pub(super) fn is_seen(&self, volume: &str) -> bool {
        let is_attached = self.attached.contains_key(volume);
        is_attached || self.listed.contains_key(volume) || !self.snapshots_of(volume).is_empty()
    }

    /// Whether a volume is there, by the list of volumes.
    pub(super) fn is_listed(&self, volume: &str) -> bool {
        self.listed.contains_key(volume)
    }

    /// The instances that have a volume now.
    pub(super) fn holders(&self, volume: &str) -> impl Iterator<Item = &'a Instance> {
        let all = self.attached.get(volume).map_or(&[][..], Vec::as_slice);
        all.iter().map(|(_, instance)| *instance).filter(|instance| is_live(instance))
    }

    pub(super) fn live_instance(&self, id: &str) -> Option<&'a Instance> {
        self.live.get(id).copied()
    }

    /// The volumes that `volume` was put in the place of, those that were put in its, and so on; itself among them.
    pub(super) fn joined_with(&self, volume: &'a str) -> Vec<&'a str> {
        let (mut all, mut next) = (BTreeSet::from([volume]), vec![volume]);
        while let Some(one) = next.pop() {
            next.extend(self.joined.get(one).into_iter().flatten().filter(|other| all.insert(other)));
        }
        all.into_iter().collect()
    }

    /// Where a volume is listed or attached; else where its snapshots say that it was.
    pub(super) fn home(&self, volume: &str) -> Home {
        let listed = self.listed.get(volume).into_iter().flatten().map(|(region, _)| (*region).clone());
        let attached = self.attached.get(volume).into_iter().flatten().map(|(region, _)| (*region).clone());
        let mut found: BTreeSet<Region> = listed.chain(attached).collect();
        if found.is_empty() {
            let said = |fact: &&Fact<'a>| if fact.is_copy { fact.source_region() } else { Some(fact.region.clone()) };
            found = self.snapshots_of(volume).iter().filter_map(said).collect();
        }
        if found.is_empty() { Home::Anywhere } else { Home::In(found) }
    }

    /// The Regions of a home in which the account has what `is_read` does not vouch for; none where all is read.
    pub(super) fn unread_home(&self, home: &Home, is_read: impl Fn(&Region) -> bool) -> Option<String> {
        match (home, &self.inventory.enabled) {
            (Home::In(regions), _) => {
                let unread = regions.iter().find(|region| !self.may_exist(region) || !is_read(region));
                unread.map(Region::to_string)
            }
            (Home::Anywhere, Read::Whole(enabled)) => {
                enabled.iter().find(|region| !is_read(region)).map(Region::to_string)
            }
            (Home::Anywhere, Read::Gap { .. } | Read::NotAsked) => {
                Some("the Regions of the account, which could not be listed".to_owned())
            }
        }
    }

    /// Whether the account may have a Region: false only where the list is whole and does not have it.
    pub(super) fn may_exist(&self, region: &Region) -> bool {
        match &self.inventory.enabled {
            Read::Whole(enabled) => enabled.contains(region),
            Read::Gap { .. } | Read::NotAsked => true,
        }
    }

    /// Whether all snapshots of a Region were read.
    pub(super) fn are_snapshots_read(&self, region: &Region) -> bool {
        self.inventory.regions.get(region).is_some_and(|seen| is_whole(&seen.snapshots))
    }

    pub(super) fn are_volumes_read(&self, region: &Region) -> bool {
        self.inventory.regions.get(region).is_some_and(|seen| is_whole(&seen.volumes))
    }

    pub(super) fn are_instances_read(&self, region: &Region) -> bool {
        self.inventory.regions.get(region).is_some_and(|seen| is_whole(&seen.instances))
    }

    /// Whether a volume is over. One known reason is enough; that it is not takes that each is known not to be.
    pub(super) fn over(&self, volume: &str) -> Over {
        let reasons = [self.is_gone(volume), self.is_left_out(volume), self.is_left_out_by_instances(volume)];
        if reasons.contains(&Over::Yes) {
            Over::Yes
        } else if reasons.contains(&Over::Unread) {
            Over::Unread
        } else {
            Over::No
        }
    }

    /// Gone: its home was read whole, it is not listed, and no instance has it.
    fn is_gone(&self, volume: &str) -> Over {
        if self.listed.contains_key(volume) || self.attached.contains_key(volume) {
            return Over::No;
        }
        let is_read = |region: &Region| self.are_volumes_read(region) && self.are_instances_read(region);
        if self.unread_home(&self.home(volume), is_read).is_none() { Over::Yes } else { Over::Unread }
    }

    /// Left out by its own tag.
    fn is_left_out(&self, volume: &str) -> Over {
        match self.listed.get(volume) {
            Some(found) if found.iter().all(|(_, volume)| says_no(&volume.tags)) => Over::Yes,
            Some(_) => Over::No,
            None if self.unread_home(&self.home(volume), |region| self.are_volumes_read(region)).is_none() => Over::No,
            None => Over::Unread,
        }
    }

    /// Left out by every instance that has it, of at least one.
    fn is_left_out_by_instances(&self, volume: &str) -> Over {
        let mut holders = self.holders(volume).peekable();
        let is_held = holders.peek().is_some();
        if !holders.all(|instance| says_no(&instance.tags)) {
            return Over::No;
        }
        match self.unread_home(&self.home(volume), |region| self.are_instances_read(region)) {
            Some(_) => Over::Unread,
            None if is_held => Over::Yes,
            None => Over::No,
        }
    }
}

fn is_live(instance: &Instance) -> bool {
    !matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated)
}

fn is_whole<T>(listing: &Read<T>) -> bool {
    matches!(listing, Read::Whole(_))
}
