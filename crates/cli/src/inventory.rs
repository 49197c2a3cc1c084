//! Loads the dump that a command looks at, and says on stderr what is wrong with it.

use anyhow::bail;
use jiff::Timestamp;
use snapwarden_core::ids::Region;
use snapwarden_core::inventory::Inventory;
use snapwarden_core::schedule::Slot;
use snapwarden_ec2sim::dump;

use crate::args::Source;
use crate::output::warn;

/// Reads the dump as it is at the given time, or at this machine's.
pub(crate) fn load(source: &Source) -> anyhow::Result<Inventory> {
    let now = source.now.unwrap_or_else(Timestamp::now);
    let dump = dump::read(&source.inventory, now, source.account.clone(), &[])?;
    if source.now.is_none() {
        warn(&format!("now is {}, from this machine; --now sets another", Slot::containing(now)));
    }
    for trouble in &dump.troubles {
        warn(&trouble.to_string());
    }
    Ok(dump.inventory)
}

/// The Regions to plan for: those named, or all of the dump. One that the dump does not have is most likely a slip of
/// the fingers, and a plan without it would look like good news.
pub(crate) fn regions(inventory: &Inventory, named: &[Region]) -> anyhow::Result<Vec<Region>> {
    if let Some(missing) = named.iter().find(|region| !inventory.regions.contains_key(region)) {
        bail!("the dump has no folder {missing}; it has {}", list(inventory.regions.keys()));
    }
    Ok(if named.is_empty() { inventory.regions.keys().cloned().collect() } else { named.to_vec() })
}

/// Names with commas between them.
pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
