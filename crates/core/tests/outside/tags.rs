//! What every reader of tags owes to any text: to read it as what it says, or to say that it cannot. Doubt keeps.

use snapwarden_core::check::check;
use snapwarden_core::decision::{Act, Job, Plan, Reason};
use snapwarden_core::inventory::Inventory;
use snapwarden_core::managed::{self, Due, Managed};
use snapwarden_core::plan::plan;
use snapwarden_core::policy::Config;
use snapwarden_core::retention::RETENTION_DAYS_UNREADABLE;
use snapwarden_core::tags::{self, OffsiteMode, TagValue, Tags, key};

use crate::common::{AWAY, HOME, NOW, bare, deleted, expired, is_mark, of_snapshot, ours, region, time, world};

const TODAY: &str = "2026-11-22";

/// What holds of `text` as the value of any tag, and as a key.
pub(crate) fn holds(text: &str) {
    days_are_read_as_they_stand(text);
    words_are_read(text);
    ids_are_read_as_they_stand(text);
    a_key_is_whose_it_says(text);
    delete_on_decides_only_where_it_is_a_day(text);
    created_on_protects_only_where_it_is_a_day(text);
    retention_that_is_not_understood_is_long(text);
    // Many keys, three jobs: one key a text, or a fuzzer would see few texts.
    let sum = text.bytes().map(usize::from).sum::<usize>();
    no_key_breaks_a_plan(key::ALL[sum % key::ALL.len()], text);
}

fn one(key: &str, text: &str) -> Tags {
    [(key, text)].into_iter().collect()
}

/// By its letters alone: four digits, a month, a day that the month has.
fn is_day(text: &str) -> bool {
    let [year @ .., b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return false };
    if year.len() != 4 || !year.iter().chain([m1, m2, d1, d2]).all(u8::is_ascii_digit) {
        return false;
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (number(year), number(&[*m1, *m2]), number(&[*d1, *d2]));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=last).contains(&day)
}

fn days_are_read_as_they_stand(text: &str) {
    let said = text.trim();
    for (key, read) in [(key::DELETE_ON, tags::delete_on as fn(&Tags) -> _), (key::CREATED_ON, tags::created_on)] {
        match read(&one(key, text)) {
            TagValue::Is(day) => assert_eq!((day.to_string().as_str(), is_day(said)), (said, true)),
            TagValue::Unreadable(as_written) => assert_eq!((as_written.as_str(), is_day(said)), (said, false)),
            TagValue::Absent => panic!("{key} is there"),
        }
    }
}

fn words_are_read(text: &str) {
    let said = text.trim();
    let is = |word: &str| said.eq_ignore_ascii_case(word);
    let unreadable = said.to_owned();

    let bare = text.trim_matches(is_mark);
    let expected = match (bare.eq_ignore_ascii_case("Yes"), is("No")) {
        (true, _) => TagValue::Is(true),
        (_, true) => TagValue::Is(false),
        _ => TagValue::Unreadable(unreadable.clone()),
    };
    assert_eq!(tags::backup(&one(key::BACKUP, text)), expected);

    let modes = [OffsiteMode::Move, OffsiteMode::KeepLatest, OffsiteMode::Copy];
    let mode = modes.into_iter().find(|mode| is(mode.as_str()));
    let expected = mode.map_or(TagValue::Unreadable(unreadable.clone()), TagValue::Is);
    assert_eq!(tags::offsite_mode(&one(key::OFFSITE_MODE, text)), expected);

    let expected = retention(said).map_or(TagValue::Unreadable(unreadable), TagValue::Is);
    assert_eq!(tags::retention_days(&one(key::RETENTION_DAYS, text)), expected);
}

/// The days that a text in digits says; none where they are out of range.
fn retention(said: &str) -> Option<u32> {
    let significant = said.trim_start_matches('0');
    let is_number = significant.len() <= 5 && said.bytes().all(|b| b.is_ascii_digit());
    significant.parse().ok().filter(|days| is_number && (1..=36_500).contains(days))
}

fn ids_are_read_as_they_stand(text: &str) {
    let said = text.trim();
    let is_id = |text: &str, prefix: &str| {
        let rest = text.strip_prefix(prefix).unwrap_or_default();
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        text.len() <= 64 && !rest.is_empty() && rest.chars().all(letters)
    };
    let source = match tags::source_snapshot(&one(key::SOURCE_SNAPSHOT_ID, text)) {
        TagValue::Is(id) => Some(id.to_string()),
        TagValue::Unreadable(as_written) => {
            assert_eq!(as_written, said);
            None
        }
        TagValue::Absent => panic!("it is there"),
    };
    assert_eq!(source, is_id(said, "snap-").then(|| said.to_owned()));
    let volume = tags::volume_id(&one(key::VOLUME_ID, text)).map(|id| id.to_string());
    assert_eq!(volume, is_id(said, "vol-").then(|| said.to_owned()));
    match tags::source_region(&one(key::SOURCE_REGION, text)) {
        TagValue::Is(region) => assert_eq!(region.as_str(), said),
        TagValue::Unreadable(as_written) => assert_eq!(as_written, said),
        TagValue::Absent => panic!("it is there"),
    }
    // What is a copy stays one, however its tag reads: a copy is never a source.
    assert!(managed::is_copy(&bare("snap-1", "vol-1").tag(key::SOURCE_SNAPSHOT_ID, text).0));

    if let Some(at) = tags::source_start_time(&one(key::SOURCE_START_TIME, text)) {
        assert_eq!(tags::source_start_time(&one(key::SOURCE_START_TIME, &at.to_string())), Some(at));
    }

    let stamps = tags::stamps(&one(key::OFFSITE_SNAPSHOT_ID, text));
    let words: Vec<String> = stamps.iter().map(|(region, snapshot)| format!("{region}:{snapshot}")).collect();
    assert!(words.iter().all(|word| said.split_whitespace().any(|written| written == word)), "{words:?} in {said:?}");
    assert_eq!(tags::stamps(&one(key::OFFSITE_SNAPSHOT_ID, &words.join(" "))), stamps);
}

fn a_key_is_whose_it_says(text: &str) {
    let tags = one(text, "No");
    assert_eq!(tags.keep_forever(), text.trim().eq_ignore_ascii_case("KeepForever"));
    assert_eq!(tags.managed_by_aws(), text.starts_with("aws:dlm:") || text.starts_with("aws:backup:"));
    if tags::may_be_carried(text) {
        let lower = text.trim().to_ascii_lowercase();
        assert!(key::ALL.iter().all(|ours| ours.to_ascii_lowercase() != lower), "{text:?} is of the contract");
        assert!(!lower.is_empty() && !text.to_ascii_lowercase().starts_with("aws:"), "{text:?}");
    }
}

/// Decides, and looks at what was decided as people would.
fn sound_plan(job: Job, inventory: &Inventory) -> Plan {
    let plan = plan(job, inventory, &[region(HOME), region(AWAY)], &Config::default());
    assert_eq!(check(&plan, inventory, &Config::default()), []);
    let reasons = plan.decisions.iter().map(|decision| decision.reason.to_string());
    for said in reasons.chain(plan.findings.iter().map(ToString::to_string)) {
        assert!(!said.contains(char::is_control), "{said:?}");
    }
    plan
}

fn delete_on_decides_only_where_it_is_a_day(text: &str) {
    let old = expired("snap-1", "vol-1").tag(key::DELETE_ON, text);
    // Tags::set cuts what EC2 would not take.
    let said = old.0.tags.get(key::DELETE_ON).unwrap().to_owned();
    let newer = ours("snap-2", "vol-1", "2026-11-21", "2026-11-28");
    let account = world(NOW).volume("vol-1", &[]).snapshots([old.clone(), newer]).inventory;
    let plan = sound_plan(Job::Expire, &account);
    let (act, reason) = of_snapshot(&plan, "snap-1");
    let is_due = is_day(&said) && *said <= *TODAY;
    assert_eq!(deleted(&plan) == ["snap-1"], is_due, "{said:?}: {act:?}, {reason}");
    if !is_day(&said) {
        let (home, inventory) = (region(HOME), &account);
        let old = Managed::of(&home, &old.0, &inventory.account).unwrap();
        assert_eq!(old.due(time(NOW)), Due::Never(Some(said.clone())));
        assert_eq!((act, reason), (&Act::Keep, &Reason::UnreadableDeleteOn { value: Some(said) }));
    }
}

fn created_on_protects_only_where_it_is_a_day(text: &str) {
    let old = expired("snap-1", "vol-1").tag(key::CREATED_ON, text);
    let said = old.0.tags.get(key::CREATED_ON).unwrap().to_owned();
    let newer = ours("snap-2", "vol-1", "2026-11-21", "2026-11-28");
    let account = world(NOW).volume("vol-1", &[]).snapshots([old, newer]).inventory;
    // It is of 2026-11-01. Tags that wander are older than what they lie on: an earlier day was another snapshot's, and
    // then this one is none of ours. A later one is ours: the predecessor's stack wrote the day of deletion.
    let may_go = !is_day(&said) || *said >= *"2026-10-31";
    assert_eq!(deleted(&sound_plan(Job::Expire, &account)) == ["snap-1"], may_go, "{said:?}");
}

fn retention_that_is_not_understood_is_long(text: &str) {
    let account = world(NOW).server("i-1", &[(key::RETENTION_DAYS, text)], "vol-1").inventory;
    let plan = sound_plan(Job::Create, &account);
    let born = &plan.groups[0].tags;
    let (created, goes) = (tags::created_on(born).ok().unwrap(), tags::delete_on(born).ok().unwrap());
    let kept_days = i64::from((goes - created).get_days());
    match retention(text.trim()) {
        Some(days) => assert_eq!(kept_days, i64::from(days)),
        // A year at least, and no less than any number in it: no unit is shorter than a day.
        None => {
            let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
            let largest = runs.map(|run| run.parse().unwrap_or(36_500)).max().unwrap_or(0);
            let least = largest.clamp(i64::from(RETENTION_DAYS_UNREADABLE), 36_500);
            assert!((least..=36_500).contains(&kept_days), "{text:?}: {kept_days}");
        }
    }
}

fn no_key_breaks_a_plan(key: &str, text: &str) {
    let account = world(NOW)
        .server("i-1", &[(key, text), (text, text)], "vol-1")
        .volume("vol-2", &[(key, text), (text, text)])
        .snapshot(expired("snap-1", "vol-1").tag(key, text).tag(text, text))
        .snapshot(ours("snap-2", "vol-1", "2026-11-21", "2026-11-28").tag(key, text))
        .region(AWAY)
        .snapshot(bare("snap-3", "vol-ffffffff").tag(key::SOURCE_SNAPSHOT_ID, "snap-1").tag(key, text))
        .inventory;
    let is_pinned = key == key::KEEP_FOREVER || text.trim().eq_ignore_ascii_case(key::KEEP_FOREVER);
    for job in [Job::Create, Job::Offsite, Job::Expire] {
        let gone = deleted(&sound_plan(job, &account));
        assert!(!is_pinned || !gone.iter().any(|id| id == "snap-1"), "{key}={text:?}: {gone:?}");
    }
}
