//! What holds of every text from outside, whoever wrote it. The targets of `fuzz/` ask the same of their own inputs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod near;
mod regions;
mod schedule;
mod tags;

use near::{config, near};
use proptest::prelude::*;

const DAYS: &[&str] = &[
    "2026-11-08",
    "2026-11-22",
    "2026-11-23",
    "2028-02-29",
    "0000-01-01",
    "9999-12-31",
    "20261122",
    "-000001-01-01",
    "2026-11-22T03:00:00Z",
];
const WORDS: &[&str] = &["Yes", "No", "Move", "KeepLatest", "Copy", "Automated", "KeepForever", "aws:dlm:managed"];
const NUMBERS: &[&str] = &["1", "7", "30", "007", "365", "36500", "36501", "4294967296"];
const IDS: &[&str] = &[
    "snap-0123456789abcdef0",
    "vol-ffffffff",
    "eu-west-1",
    "eu-west-1:snap-1 us-west-2:snap-2",
    "2026-11-01T03:05:00Z",
    "2026-11-01T03:05:00.000000001+14:00",
];
const REGIONS: &[&str] = &[
    "us-east-1",
    "eu-west-1, us-west-2",
    "EU-WEST-1 eu-west-1",
    "mars-1 eu-west-1",
    "us-east-1,us-west-2,(junk)",
    "i-0123456789abcdef0",
    "ami-1",
    "123456789012",
];
const TIMES: &[&str] = &[
    "daily 03:00",
    "Daily  23:59",
    "hourly",
    "every 6h Asia/Kolkata",
    "weekly sunday 02:00; daily 00:30 Europe/Berlin;",
    "monthly 31 04:30 America/Santiago",
    "monthly 30 00:00 utc",
    "*/15 3-5 * * MON-FRI Australia/Lord_Howe",
    "0 0 29 2 *",
    "0 0 30 2 *",
    "5 4 L,15W * sun#3",
    "hourly Africa/Monrovia",
    "0,30 2,14 31 10,mar fri-sat America/Nuuk",
    "2026-11-22T03:00Z",
    "0000-01-01T00:00Z",
    "9999-12-30T23:59Z",
    "now",
    "eu-west-1:2026-11-22:412",
    "us-east-1:20261122:7",
    "i-0123456789abcdef0:2026-11-22:5",
    "days=7 weeks=4 months=12 years=3 last=5 zone=Europe/Berlin mistyped copies: days=30 last=2",
    "days=1",
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_tags_value_is_read_as_what_it_says_or_said_to_be_unreadable(
        text in prop_oneof![4 => near(DAYS), 1 => near(WORDS), 1 => near(NUMBERS), 1 => near(IDS)],
    ) {
        tags::holds(&text);
    }

    #[test]
    fn a_list_of_regions_is_read_word_by_word(text in near(REGIONS)) {
        regions::holds(&text);
    }

    #[test]
    fn schedules_slots_and_approvals_are_read_as_they_print(text in near(TIMES)) {
        schedule::holds(&text);
    }
}

#[test]
fn every_good_text_holds_as_it_stands() {
    for text in [DAYS, WORDS, NUMBERS, IDS, REGIONS, TIMES].concat() {
        tags::holds(text);
        regions::holds(text);
        schedule::holds(text);
    }
}
