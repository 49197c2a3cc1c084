//! What holds of every text from outside, whoever wrote it. The targets of `fuzz/` ask the same of their own inputs.

mod event;
#[path = "../../core/tests/outside/near.rs"]
mod near;
mod settings;

use near::{config, near};
use proptest::prelude::*;

const EVENTS: &[&str] = &[
    r#"{"regions": ["eu-west-1", "us-east-1"], "dry_run": true, "slot": "2026-11-22T03:00Z"}"#,
    r#"{"regions": ["eu-west-1"], "dry_run": false, "approve": "eu-west-1:2026-11-22:412, us-east-1:2026-11-22:30"}"#,
    r#"{"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}, "dry_run": true}"#,
    r#"{"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "region": "eu-west-1"}"#,
    r#"{"slot": "now"}"#,
    r#"{"approve": "", "regions": null}"#,
    "{}",
];
const VALUES: &[&str] =
    &["apply", "dry-run", "all", "few", "eu-west-1, us-east-1", "30", "36500", "daily 03:00", " daily 21:15 "];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_event_is_obeyed_or_refused(text in near(EVENTS)) {
        event::holds(&text);
    }

    #[test]
    fn a_setting_is_what_it_says_or_an_error_with_its_name(text in near(VALUES)) {
        settings::holds(&text);
    }
}

#[test]
fn every_good_text_holds_as_it_stands() {
    EVENTS.iter().for_each(|text| event::holds(text));
    VALUES.iter().for_each(|text| settings::holds(text));
}
