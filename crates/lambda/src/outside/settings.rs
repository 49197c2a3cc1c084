//! What a function's environment owes to any text: it is what it says, or an error that names the variable.

use snapwarden_core::decision::Job;
use snapwarden_core::policy::Config;

use crate::settings::{Mode, Place, Settings};

/// What holds of `text` in each variable.
pub(crate) fn holds(text: &str) {
    let set = |name: &'static str| {
        let read = Settings::read(Job::Create, |asked| (asked == name).then(|| text.to_owned()));
        if let Err(error) = &read {
            let said = error.to_string();
            assert!(said.contains(name) && !said.contains(char::is_control), "{said:?}");
        }
        read.ok()
    };
    let said = text.trim();
    let is_empty = said.is_empty();
    let defaults = Settings { mode: Mode::DryRun, place: Place::Own, config: Config::default(), all_metrics: false };
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();

    // Only the one word applies anything.
    let mode = set("SNAPWARDEN_MODE");
    assert_eq!(mode.is_some(), is_empty || text == "apply" || text == "dry-run");
    if let Some(set) = mode {
        let mode = if text == "apply" { Mode::Apply } else { Mode::DryRun };
        assert_eq!((set.mode.as_str(), set), (mode.as_str(), Settings { mode, ..defaults.clone() }));
    }
    if let Some(set) = set("SNAPWARDEN_REGIONS") {
        assert_eq!(Settings { place: Place::Own, ..set.clone() }, defaults);
        match set.place {
            Place::Own => assert!(is_empty, "{text:?}"),
            Place::All => assert_eq!(said, "all"),
            Place::Named(regions) => {
                let names: Vec<&str> = regions.iter().map(|region| region.as_str()).collect();
                assert_eq!(names, words);
                assert!(!names.is_empty() && said != "all");
            }
        }
    }
    if let Some(set) = set("SNAPWARDEN_RETENTION_DAYS") {
        let days = set.config.retention_days;
        assert!((1..=36_500).contains(&days) && (is_empty || said.parse() == Ok(days)), "{text:?}: {days}");
    }
    if let Some(set) = set("SNAPWARDEN_SCHEDULE") {
        let schedule = set.config.schedule;
        let words: Vec<String> = said.split_whitespace().map(str::to_ascii_lowercase).collect();
        assert!(is_empty || words.join(" ") == schedule.to_string(), "{text:?}: {schedule}");
    }
    if let Some(set) = set("SNAPWARDEN_METRICS") {
        assert!(is_empty || matches!((text, set.all_metrics), ("all", true) | ("few", false)), "{text:?}");
    }
}
