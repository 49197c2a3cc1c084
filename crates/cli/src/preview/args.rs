//! The command line of `snapwarden preview`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use jiff::civil::Date;
use snapwarden_core::ids::{AccountId, InstanceId};
use snapwarden_core::policy::Config;
use snapwarden_core::retention::KEYS;
use snapwarden_core::schedule::Schedule;
use snapwarden_core::tags::{Tags, key, read_number};

use crate::args::{Account, Defaults, Source, Waits, time};
use crate::inventory::list;

/// Arguments of `preview`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["instance", "tag", "all"]).required(true))]
#[command(group = ArgGroup::new("offline").args(["inventory", "tag"]))]
pub(crate) struct PreviewArgs {
    /// An instance (i-…): what its tags ask for, and what there is of its volumes
    #[arg(value_name = "ID")]
    pub(crate) instance: Option<InstanceId>,
    /// No instance, but a volume without a history under this tag; can be given several times. Needs no account
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "region")]
    pub(crate) tag: Vec<Pair>,
    /// Every selected instance, a row each
    #[arg(long, conflicts_with_all = ["change", "on", "picture"])]
    pub(crate) all: bool,
    /// Compare with what would be if this tag were changed now, or taken away (KEY=); can be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) change: Vec<Pair>,
    /// List what there is at the end of this day, and what keeps it; can be given several times
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) on: Vec<Date>,
    /// Show what holds for copies (the tags Destination…)
    #[arg(long)]
    pub(crate) copies: bool,
    /// Draw it into this file, .svg or .html: a row for each month, a mark for each snapshot
    #[arg(long, value_name = "FILE", value_parser = picture)]
    pub(crate) picture: Option<PathBuf>,
    /// Look at what the AWS CLI printed into this folder (see snapwarden --help), not at AWS
    #[arg(long, value_name = "DIR")]
    #[cfg_attr(not(feature = "aws"), arg(required_unless_present = "tag"))]
    #[cfg_attr(feature = "aws", arg(conflicts_with_all = ["all_regions", "profile", "endpoint_url"]))]
    inventory: Option<PathBuf>,
    /// The account, where the dump does not say it
    #[arg(long = "account", value_name = "ID", requires = "inventory")]
    account_id: Option<AccountId>,
    /// With --inventory or --tag: the time to begin at, such as 2026-11-22T04:00Z [default: this machine's clock]
    #[arg(long, value_name = "TIME", value_parser = time, requires = "offline")]
    pub(crate) now: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(flatten)]
    defaults: Defaults,
    #[command(flatten)]
    waits: Waits,
    /// Print it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl PreviewArgs {
    /// The configuration.
    pub(crate) fn config(&self) -> Config {
        self.waits.apply(self.defaults.config())
    }

    /// What is looked at, and when.
    pub(crate) fn source(&self) -> Source {
        Source { inventory: self.inventory.clone(), account_id: self.account_id.clone(), now: self.now }
    }

    /// The tag that is given twice, and by which option.
    pub(crate) fn twice(&self) -> Option<(&'static str, &'static str)> {
        let twice = |pairs: &[Pair]| {
            let mut seen = BTreeSet::new();
            pairs.iter().map(|pair| pair.key).find(|key| !seen.insert(*key))
        };
        let of = |option, pairs| Some((option, twice(pairs)?));
        of("--tag", &self.tag).or_else(|| of("--change", &self.change))
    }
}

/// A tag of an instance that can be read, or with an empty value one that is taken away.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    key: &'static str,
    value: String,
}

impl Pair {
    /// Sets it, or takes it away.
    pub(crate) fn apply(&self, tags: &mut Tags) {
        if self.value.is_empty() {
            tags.remove(self.key);
        } else {
            tags.set(self.key, &self.value);
        }
    }
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.value.is_empty() { write!(f, "no {}", self.key) } else { write!(f, "{}={}", self.key, self.value) }
    }
}

impl std::str::FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
        let value = value.trim().to_owned();
        if name == key::BACKUP_SCHEDULE {
            let read = if value.is_empty() { Ok(()) } else { value.parse::<Schedule>().map(|_| ()) };
            return read.map(|()| Self { key: key::BACKUP_SCHEDULE, value }).map_err(|error| error.to_string());
        }
        let Some((key, range)) = KEYS.iter().flatten().find(|(key, _)| *key == name) else {
            let keys = list(KEYS.iter().flatten().map(|(key, _)| *key));
            return Err(format!("no tag of this name counts here; there are {}, {keys}", key::BACKUP_SCHEDULE));
        };
        if !value.is_empty() && read_number(&value, range).is_none() {
            return Err(format!("write a whole number from {} to {}", range.start(), range.end()));
        }
        Ok(Self { key, value })
    }
}

fn date(text: &str) -> Result<Date, String> {
    let error = || "write a day as 2026-11-22".to_owned();
    text.parse().ok().filter(|_| text.len() == 10).ok_or_else(error)
}

fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let is_known = path.extension().is_some_and(|ending| ending == "svg" || ending == "html");
    if is_known { Ok(path) } else { Err("name a file that ends in .svg or .html".to_owned()) }
}
