//! What a command looks at: the dump of an account, or the account itself.

use std::path::Path;

use anyhow::bail;
use jiff::Timestamp;
use snapwarden_core::decision::Job;
use snapwarden_core::ids::{AccountId, Region};
use snapwarden_core::inventory::Inventory;
use snapwarden_core::schedule::Slot;
use snapwarden_ec2sim::dump;

use crate::args::{Account, Source};
use crate::output::warn;

/// An account as it was seen.
pub(crate) struct Seen {
    /// What was seen.
    pub(crate) inventory: Inventory,
    /// The Regions to plan for.
    pub(crate) regions: Vec<Region>,
    /// How more of it could be seen.
    pub(crate) more: &'static str,
}

/// Looks at what `jobs` need.
pub(crate) fn look(jobs: &[Job], source: &Source, account: &Account) -> anyhow::Result<Seen> {
    match &source.inventory {
        Some(folder) => of_dump(folder, source, account),
        #[cfg(feature = "aws")]
        None => crate::connect::look(jobs, account),
        #[cfg(not(feature = "aws"))]
        None => bail!("{jobs:?}: this build does not speak to AWS; name a dump with --inventory"),
    }
}

/// Reads the dump as it is at the given time, or at this machine's.
fn of_dump(folder: &Path, source: &Source, account: &Account) -> anyhow::Result<Seen> {
    let now = source.now.unwrap_or_else(Timestamp::now);
    let inventory = read_dump(folder, now, source.account_id.clone())?;
    if source.now.is_none() {
        warn_of_clock(now);
    }
    let regions = regions(&inventory, &account.region)?;
    Ok(Seen { inventory, regions, more: "dump its Region too" })
}

/// Says that the time is this machine's.
pub(crate) fn warn_of_clock(now: Timestamp) {
    warn(&format!("now is {}, from this machine; --now sets another", Slot::containing(now)));
}

/// Reads a dump, and says what is wrong with it.
pub(crate) fn read_dump(folder: &Path, now: Timestamp, account: Option<AccountId>) -> anyhow::Result<Inventory> {
    let dump = dump::read(folder, now, account, &[])?;
    for trouble in &dump.troubles {
        warn(&trouble.to_string());
    }
    Ok(dump.inventory)
}

/// The Regions to plan for: those named, or all of the dump. One that the dump does not have is most likely a slip of
/// the fingers, and a plan without it would look like good news.
fn regions(inventory: &Inventory, named: &[Region]) -> anyhow::Result<Vec<Region>> {
    if let Some(missing) = named.iter().find(|region| !inventory.regions.contains_key(region)) {
        bail!("the dump has no folder {missing}; it has {}", list(inventory.regions.keys()));
    }
    Ok(if named.is_empty() { inventory.regions.keys().cloned().collect() } else { named.to_vec() })
}

/// Names with commas between them.
pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
