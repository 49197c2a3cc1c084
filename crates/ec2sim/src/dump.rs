//! Reads what the AWS CLI printed of an account, so that a plan can be had without credentials.
//!
//! A dump is made by hand, and hands forget a Region, stop a command or write one file over another. What cannot be read
//! is therefore never taken for what is not there: the listing becomes a [`Read::Gap`], a [`Trouble`] says what is wrong
//! with which file and record, and the rest is read all the same. Only what leaves nothing to plan is a [`DumpError`].
//!
//! The folder holds `caller-identity.json`, `regions.json` and one folder a Region with `instances.json`, `volumes.json`
//! and `snapshots.json`.

mod listing;
mod records;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use snapwarden_core::ids::{AccountId, Region};
use snapwarden_core::inventory::{Instance, Inventory, Read, RegionInventory, RegionStatus, Snapshot, Volume};
use snapwarden_core::managed::Managed;
use snapwarden_core::printable::printable;
use snapwarden_core::tags::{self, TagValue};

use listing::{Broken, Object};
use records::{Listed, OptIn};

/// What was read, and what was wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    /// The account as the dump shows it.
    pub inventory: Inventory,
    /// What could not be read, in the order of the files.
    pub troubles: Vec<Trouble>,
}

/// Something in a dump that could not be read or looks wrong. Fit to print: nothing in it can steer a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The file or folder, relative to the dump; empty where it is about the dump itself.
    pub file: String,
    /// The record's id, where it is about one record that has one.
    pub id: Option<String>,
    /// What is wrong, and what came of it.
    pub text: String,
}

impl Trouble {
    fn new(file: &str, id: Option<&str>, text: &str) -> Self {
        Self { file: printable(file, 200), id: id.map(|id| printable(id, 80)), text: printable(text, 400) }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}: ", self.file)?;
        }
        if let Some(id) = &self.id {
            write!(f, "{id}: ")?;
        }
        f.write_str(&self.text)
    }
}

/// Why there is nothing to plan from.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The folder is missing or closed to us.
    #[error("the dump {dir} cannot be read ({}); name the folder that holds one folder a Region, such as us-east-1", .why.kind())]
    Folder {
        /// The folder that was named.
        dir: String,
        /// The system's words.
        why: io::Error,
    },
    /// There is no Region's folder in it.
    #[error(
        "no folder of a Region, such as us-east-1, in {dir}; \
         make one a Region, with its instances.json, volumes.json and snapshots.json"
    )]
    NoRegion {
        /// The folder that was named.
        dir: String,
    },
    /// Nothing says whose account it is.
    #[error(
        "whose account the dump is of is not known ({why}); make {IDENTITY} with `{IDENTITY_COMMAND}`, or name the account (--account)"
    )]
    NoAccount {
        /// What is wrong with the file that should say it.
        why: Trouble,
    },
    /// It is another account's.
    #[error("the dump is of account {dumped} (see {IDENTITY}), but {given} was named; name {dumped}, or another dump")]
    OtherAccount {
        /// The account that the dump names.
        dumped: AccountId,
        /// The account that was asked for.
        given: AccountId,
    },
}

const IDENTITY: &str = "caller-identity.json";
const IDENTITY_COMMAND: &str = "aws sts get-caller-identity --output json";
const REGIONS: &str = "regions.json";
const LISTINGS: [&str; 3] = [Instance::FILE, Volume::FILE, Snapshot::FILE];
/// The longest caller-identity.json that is read; a true one has about 200 bytes.
const IDENTITY_LENGTH_MAX: u64 = 65_536;

/// Reads the dump in the folder `dir` as an inventory taken at `now`.
///
/// `account` may be given where the dump does not say whose it is; where both say it, they must agree. All Regions of
/// the dump are read, because decisions about one need the others; those in `only` are looked for and missed.
pub fn read(dir: &Path, now: Timestamp, account: Option<AccountId>, only: &[Region]) -> Result<Dump, DumpError> {
    let mut troubles = Vec::new();
    let folders = region_folders(dir, &mut troubles)?;
    let account = whose(dir, account, &mut troubles)?;
    let enabled = enabled(dir, &folders, &mut troubles);
    let mut regions: BTreeMap<_, _> =
        folders.iter().map(|region| (region.clone(), read_region(dir, region, &mut troubles))).collect();
    doubt_twins::<Instance>(&mut regions, &mut troubles);
    doubt_twins::<Volume>(&mut regions, &mut troubles);
    doubt_twins::<Snapshot>(&mut regions, &mut troubles);
    regions.iter_mut().for_each(|(region, seen)| doubt_volumes(region, seen, &mut troubles));
    for region in BTreeSet::from_iter(only).into_iter().filter(|region| !folders.contains(region)) {
        let text = format!("no folder {region} in the dump: nothing of that Region is planned");
        troubles.push(Trouble::new("", None, &text));
    }
    let inventory = Inventory { account, taken_at: now, enabled, regions };
    for region in named_without_folder(&inventory) {
        let text =
            format!("no folder {region} in the dump, though tags name that Region: what rests on it is kept, or waits");
        troubles.push(Trouble::new("", None, &text));
    }
    Ok(Dump { inventory, troubles })
}

/// The enabled Regions that tags of our snapshots and of selected instances name, and that the dump does not have.
fn named_without_folder(inventory: &Inventory) -> BTreeSet<Region> {
    let managed = inventory.snapshots().filter(|(region, one)| Managed::of(region, one, &inventory.account).is_ok());
    let instances = inventory.regions.values().flat_map(|seen| seen.instances.items());
    let selected = instances.filter(|instance| tags::backup(&instance.tags) == TagValue::Is(true));
    let mut named = BTreeSet::new();
    for tags in managed.map(|(_, snapshot)| &snapshot.tags).chain(selected.map(|instance| &instance.tags)) {
        named.extend(tags::source_region(tags).ok());
        named.extend(tags::named_regions(tags));
    }
    named
        .retain(|region| !inventory.regions.contains_key(region) && inventory.status(region) != RegionStatus::NotThere);
    named
}

/// Instances show volumes that the list of volumes lacks: it was made with a filter, or of another moment, and a volume
/// that is absent from it is not gone.
fn doubt_volumes(region: &Region, seen: &mut RegionInventory, troubles: &mut Vec<Trouble>) {
    let listed: BTreeSet<_> = seen.volumes.items().iter().map(|volume| &volume.id).collect();
    let attached = seen.instances.items().iter().flat_map(|instance| &instance.devices);
    let missing: BTreeSet<_> =
        attached.filter_map(|device| device.volume.as_ref()).filter(|volume| !listed.contains(volume)).collect();
    let Some(first) = missing.first().map(ToString::to_string) else { return };
    if !seen.volumes.is_whole() {
        return;
    }
    let text = format!(
        "{} attached volumes are not in it; make it again, without --filters, with `{} --region {region} --output json`",
        missing.len(),
        Volume::COMMAND
    );
    let trouble = Trouble::new(&file_of::<Volume>(region), Some(&first), &text);
    make_gap(&mut seen.volumes, &trouble.to_string());
    troubles.push(trouble);
}

/// Whether `name` is built like a Region's: letters, a direction, a number.
fn has_region_shape(name: &str) -> bool {
    const DIRECTIONS: [&str; 9] =
        ["north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest", "central"];
    let mut parts = name.rsplit('-');
    let number = parts.next().is_some_and(|part| matches!(part.as_bytes(), [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9']));
    let direction = parts.next().is_some_and(|part| DIRECTIONS.contains(&part));
    let letters: Vec<&str> = parts.collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    number && direction && !letters.is_empty() && letters.iter().all(is_word)
}

/// The names in a folder, sorted so that troubles always come in one order.
fn names(dir: &Path) -> io::Result<BTreeSet<String>> {
    std::fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// The Regions that have a folder. What seems to be meant for one but is not read is a trouble.
fn region_folders(dir: &Path, troubles: &mut Vec<Trouble>) -> Result<BTreeSet<Region>, DumpError> {
    let shown = || printable(&dir.to_string_lossy(), 200);
    let mut folders = BTreeSet::new();
    for name in names(dir).map_err(|why| DumpError::Folder { dir: shown(), why })? {
        let path = dir.join(&name);
        let ignored = match name.parse::<Region>() {
            Ok(region) if has_region_shape(&name) => {
                if path.is_dir() {
                    folders.insert(region);
                    continue;
                }
                "it has the name of a Region but is not a folder; ignored"
            }
            Ok(_) | Err(_) if path.is_dir() && LISTINGS.iter().any(|file| path.join(file).exists()) => {
                "the folder holds listings, but its name is not that of a Region; ignored"
            }
            Ok(_) | Err(_) if is_like_a_listing(&name) => {
                "it stands outside the folders of the Regions; ignored, move it into the folder of its Region"
            }
            Ok(_) | Err(_) => continue,
        };
        troubles.push(Trouble::new(&name, None, ignored));
    }
    if folders.is_empty() { Err(DumpError::NoRegion { dir: shown() }) } else { Ok(folders) }
}

/// Whether a file seems to be meant as a listing: `snapshots.json`, `snapshots-2.json`.
fn is_like_a_listing(name: &str) -> bool {
    name.ends_with(".json") && ["instances", "volumes", "snapshots"].iter().any(|kind| name.starts_with(kind))
}

/// The dump's account.
fn whose(dir: &Path, given: Option<AccountId>, troubles: &mut Vec<Trouble>) -> Result<AccountId, DumpError> {
    match (identity(dir), given) {
        (Ok(dumped), Some(given)) if dumped != given => Err(DumpError::OtherAccount { dumped, given }),
        (Ok(dumped), _) => Ok(dumped),
        (Err(broken), Some(given)) => {
            if !matches!(broken, Broken::Missing) {
                troubles.push(Trouble::new(IDENTITY, None, &broken.sentence(IDENTITY_COMMAND)));
            }
            Ok(given)
        }
        (Err(broken), None) => Err(DumpError::NoAccount { why: Trouble::new(IDENTITY, None, &broken.to_string()) }),
    }
}

fn identity(dir: &Path) -> Result<AccountId, Broken> {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Raw {
        account: serde_json::Value,
    }
    let reader = listing::open(&dir.join(IDENTITY))?.take(IDENTITY_LENGTH_MAX);
    let Object::<Raw>(raw) = serde_json::from_reader(reader).map_err(Broken::from)?;
    records::id(&raw.account, "Account").map_err(Broken::Odd)
}

/// The Regions that the account can use. A Region with a folder was read, so a list without it is in doubt.
fn enabled(dir: &Path, folders: &BTreeSet<Region>, troubles: &mut Vec<Trouble>) -> Read<Region> {
    let read = listing::read::<OptIn>(dir, REGIONS, "aws ec2 describe-regions --all-regions --output json", troubles);
    let (listed, mut why) = match read {
        Read::Whole(listed) => (listed, None),
        Read::Gap { seen, why } => (seen, Some(why)),
        Read::NotAsked => return Read::NotAsked,
    };
    let mut seen: Vec<Region> = listed.into_iter().filter(|one| one.enabled).map(|one| one.region).collect();
    if why.is_none() {
        for region in folders.iter().filter(|region| !seen.contains(region)) {
            let text = "the dump has its folder, but the list does not have it as enabled, so the list is in doubt; \
                        make it again with `aws ec2 describe-regions --all-regions --output json`";
            let trouble = Trouble::new(REGIONS, Some(region.as_str()), text);
            why.get_or_insert_with(|| trouble.to_string());
            troubles.push(trouble);
        }
    } else if seen.is_empty() {
        seen.extend(folders.iter().cloned());
    }
    match why {
        None => Read::Whole(seen),
        Some(why) => Read::Gap { seen, why },
    }
}

fn read_region(dir: &Path, region: &Region, troubles: &mut Vec<Trouble>) -> RegionInventory {
    for name in names(&dir.join(region.as_str())).unwrap_or_default() {
        if is_like_a_listing(&name) && !LISTINGS.contains(&name.as_str()) {
            let text = "not read: a Region's files are instances.json, volumes.json and snapshots.json";
            troubles.push(Trouble::new(&format!("{region}/{name}"), None, text));
        }
    }
    RegionInventory {
        instances: read_listing(dir, region, troubles),
        volumes: read_listing(dir, region, troubles),
        snapshots: read_listing(dir, region, troubles),
    }
}

fn read_listing<T: Listed>(dir: &Path, region: &Region, troubles: &mut Vec<Trouble>) -> Read<T> {
    let command = format!("{} --region {region} --output json", T::COMMAND);
    listing::read(dir, &file_of::<T>(region), &command, troubles)
}

fn file_of<T: Listed>(region: &Region) -> String {
    format!("{region}/{}", T::FILE)
}

/// An id is in one Region only: where two list the same, one folder holds another Region's dump (a forgotten
/// `--region`), nobody knows which, and neither listing counts as whole.
fn doubt_twins<T: Listed>(regions: &mut BTreeMap<Region, RegionInventory>, troubles: &mut Vec<Trouble>) {
    let mut homes: HashMap<&str, &Region> = HashMap::new();
    let mut twins: BTreeMap<(Region, Region), String> = BTreeMap::new();
    for (region, seen) in regions.iter() {
        for id in T::of(seen).items().iter().map(T::id) {
            let home = *homes.entry(id).or_insert(region);
            if home != region {
                twins.entry((home.clone(), region.clone())).or_insert_with(|| id.to_owned());
            }
        }
    }
    for ((one, other), id) in twins {
        let text = format!(
            "it is in {} too: one of them is another Region's (was --region left out?); neither counts as whole",
            file_of::<T>(&one)
        );
        let trouble = Trouble::new(&file_of::<T>(&other), Some(&id), &text);
        for region in [one, other] {
            if let Some(seen) = regions.get_mut(&region) {
                make_gap(T::of_mut(seen), &trouble.to_string());
            }
        }
        troubles.push(trouble);
    }
}

fn make_gap<T>(read: &mut Read<T>, why: &str) {
    if let Read::Whole(items) = read {
        *read = Read::Gap { seen: std::mem::take(items), why: why.to_owned() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regions_name_is_letters_a_direction_and_a_number() {
        for name in ["eu-west-1", "us-gov-east-1", "cn-north-1", "il-central-1", "eusc-de-east-1", "ap-southeast-12"] {
            assert!(has_region_shape(name), "{name}");
        }
        for name in ["", "notes", "west-1", "-west-1", "eu-west", "eu-west-", "eu-west-0", "eu-west-1a", "EU-west-1"] {
            assert!(!has_region_shape(name), "{name}");
        }
        assert!(!has_region_shape("eu-wset-1") && !has_region_shape("eu--west-1") && !has_region_shape("my-notes-1"));
    }
}
