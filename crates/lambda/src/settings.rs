//! What a function is set to, by its environment: the deployment writes it, an event can narrow it.
//!
//! | Variable | Value | Default |
//! |---|---|---|
//! | `SNAPWARDEN_MODE` | `dry-run` or `apply` | `dry-run`: nothing is changed |
//! | `SNAPWARDEN_REGIONS` | Regions, separated by spaces or commas; `all` | manager: `all`; the others: `AWS_REGION` |
//! | `SNAPWARDEN_RETENTION_DAYS` | days | 7 |
//! | `SNAPWARDEN_SCHEDULE` | a schedule | `daily 03:00`, UTC |
//! | `SNAPWARDEN_GRACE_DAYS` | days | 7 |
//! | `SNAPWARDEN_CLOSING_DAYS` | days | 30 |
//! | `SNAPWARDEN_METRICS` | `few` or `all` | `few`: each metric costs money ([`crate::metrics`]) |

use snapwarden_core::decision::Job;
use snapwarden_core::ids::Region;
use snapwarden_core::policy::Config;
use snapwarden_core::printable::quoted;
use snapwarden_core::tags::{read_grace_days, read_retention_days};

const MODE: &str = "SNAPWARDEN_MODE";
const REGIONS: &str = "SNAPWARDEN_REGIONS";
const RETENTION_DAYS: &str = "SNAPWARDEN_RETENTION_DAYS";
const SCHEDULE: &str = "SNAPWARDEN_SCHEDULE";
const GRACE_DAYS: &str = "SNAPWARDEN_GRACE_DAYS";
const CLOSING_DAYS: &str = "SNAPWARDEN_CLOSING_DAYS";
const METRICS: &str = "SNAPWARDEN_METRICS";

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Plans and reports.
    DryRun,
    /// Does it.
    Apply,
}

impl Mode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Mode::DryRun => "dry-run",
            Mode::Apply => "apply",
        }
    }
}

/// Where a function acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the Region in which it runs.
    Own,
    /// In these.
    Named(Vec<Region>),
    /// In all that the account has enabled.
    All,
}

/// What a function is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    pub(crate) place: Place,
    pub(crate) config: Config,
    pub(crate) all_metrics: bool,
}

/// A variable that cannot be read. Guessing what was meant could delete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the function's environment variable {name} is {}: {what}", quoted(value))]
pub(crate) struct SettingError {
    name: &'static str,
    value: String,
    what: String,
}

impl Settings {
    /// Reads them through `get`. An empty value counts as none: a deployment's parameter that was left empty.
    pub(crate) fn read(job: Job, get: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let get = |name| get(name).filter(|value| !value.trim().is_empty());
        let wrong = |name, value: &str, what: &dyn std::fmt::Display| SettingError {
            name,
            value: value.to_owned(),
            what: what.to_string(),
        };
        let mode = match get(MODE).as_deref() {
            None | Some("dry-run") => Mode::DryRun,
            Some("apply") => Mode::Apply,
            Some(other) => return Err(wrong(MODE, other, &"write dry-run or apply")),
        };
        let all_metrics = match get(METRICS).as_deref() {
            None | Some("few") => false,
            Some("all") => true,
            Some(other) => return Err(wrong(METRICS, other, &"write few or all")),
        };
        let place = match (get(REGIONS), job) {
            (None, Job::Expire) => Place::All,
            (None, Job::Create | Job::Offsite) => Place::Own,
            (Some(text), _) if text.trim() == "all" => Place::All,
            (Some(text), _) => {
                let names = text.split([' ', ',']).filter(|name| !name.is_empty());
                let named = names.map(|name| name.parse().map_err(|why| wrong(REGIONS, &text, &why)));
                match named.collect::<Result<Vec<_>, _>>()? {
                    none if none.is_empty() => return Err(wrong(REGIONS, &text, &"it names no Region")),
                    regions => Place::Named(regions),
                }
            }
        };
        let mut config = Config::default();
        if let Some(text) = get(RETENTION_DAYS) {
            config.retention_days =
                read_retention_days(text.trim()).map_err(|why| wrong(RETENTION_DAYS, &text, &why))?;
        }
        if let Some(text) = get(GRACE_DAYS) {
            config.grace_days = read_grace_days(text.trim()).map_err(|why| wrong(GRACE_DAYS, &text, &why))?;
        }
        if let Some(text) = get(CLOSING_DAYS) {
            config.closing_days = read_grace_days(text.trim()).map_err(|why| wrong(CLOSING_DAYS, &text, &why))?;
        }
        if let Some(text) = get(SCHEDULE) {
            config.schedule = text.trim().parse().map_err(|why| wrong(SCHEDULE, &text, &why))?;
        }
        Ok(Self { mode, place, config, all_metrics })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(job: Job, pairs: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::read(job, |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn without_settings_nothing_is_changed_and_the_manager_sees_all_regions() {
        let creator = read(Job::Create, &[]).unwrap();
        assert_eq!((creator.mode, creator.place, creator.all_metrics), (Mode::DryRun, Place::Own, false));
        assert_eq!(creator.config, Config::default());
        assert_eq!(read(Job::Offsite, &[]).unwrap().place, Place::Own);
        assert_eq!(read(Job::Expire, &[]).unwrap().place, Place::All);
        let empty =
            [MODE, REGIONS, RETENTION_DAYS, SCHEDULE, GRACE_DAYS, CLOSING_DAYS, METRICS].map(|name| (name, " "));
        assert_eq!(read(Job::Expire, &empty), read(Job::Expire, &[]));
    }

    #[test]
    fn everything_can_be_set() {
        let pairs = [
            (MODE, "apply"),
            (REGIONS, "eu-west-1, us-east-1"),
            (RETENTION_DAYS, "30"),
            (SCHEDULE, "daily 21:15"),
            (GRACE_DAYS, "0"),
            (CLOSING_DAYS, "60"),
            (METRICS, "all"),
        ];
        let set = read(Job::Expire, &pairs).unwrap();
        assert_eq!(set.mode, Mode::Apply);
        assert_eq!(set.place, Place::Named(vec!["eu-west-1".parse().unwrap(), "us-east-1".parse().unwrap()]));
        assert_eq!((set.config.retention_days, set.config.schedule.to_string()), (30, "daily 21:15".to_owned()));
        assert_eq!((set.config.grace_days, set.config.closing_days), (0, 60));
        assert!(set.all_metrics);
        assert_eq!(read(Job::Create, &[(REGIONS, "all")]).unwrap().place, Place::All);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_name() {
        let wrong = |name, value| read(Job::Create, &[(name, value)]).unwrap_err().to_string();
        assert_eq!(
            wrong(MODE, "Apply"),
            "the function's environment variable SNAPWARDEN_MODE is \"Apply\": write dry-run or apply"
        );
        assert!(wrong(REGIONS, "eu-west-1;us-east-1").contains("SNAPWARDEN_REGIONS"));
        assert!(wrong(REGIONS, ",").contains("names no Region"));
        assert!(wrong(RETENTION_DAYS, "7d").contains("whole number of days from 1 to 36500"));
        for name in [GRACE_DAYS, CLOSING_DAYS] {
            assert!(wrong(name, "366").contains("whole number of days from 0 to 365"));
        }
        assert!(wrong(SCHEDULE, "sometimes").contains("SNAPWARDEN_SCHEDULE"));
        assert!(wrong(METRICS, "yes").contains("few or all"));
    }
}
