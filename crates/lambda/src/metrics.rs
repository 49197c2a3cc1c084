//! CloudWatch's metrics, written as log lines in its embedded metric format (CloudWatch user guide, "Embedded metric
//! format specification"): nothing is called, and no permission but that to log is needed.
//!
//! One line for each Region in which there was anything to count. Each metric is billed by its name and dimensions, so
//! the two families with a name for every reason and every EC2 action are fields of the same line, which the log can be
//! asked for, and metrics only where `SNAPWARDEN_METRICS=all`.

use serde_json::{Map, Value, json};
use snapwarden_core::ids::Region;

use crate::summary::{Numbers, Summary};

/// The namespace of all metrics.
const NAMESPACE: &str = "Snapwarden";
/// Metrics that one line may name (embedded metric format specification).
const METRICS_PER_LINE_MAX: usize = 100;

/// The lines of a run's metrics.
pub(crate) fn lines(summary: &Summary, function: &str, all: bool) -> Vec<Value> {
    let counted = |numbers: &Numbers| *numbers != Numbers { calls: numbers.calls.clone(), ..Numbers::default() };
    let mut regions: Vec<_> = summary.regions.iter().filter(|(_, numbers)| counted(numbers)).collect();
    if regions.is_empty() {
        // Nothing anywhere is said too: silence is what the alarms listen for.
        regions.extend(summary.regions.first_key_value());
    }
    regions.into_iter().map(|(region, numbers)| line(summary, function, region, numbers, all)).collect()
}

fn line(summary: &Summary, function: &str, region: &Region, numbers: &Numbers, all: bool) -> Value {
    let done = |act: &str| numbers.done.get(act).copied().unwrap_or(0);
    let mut metrics = vec![
        ("Selected", json!(numbers.selected), "Count"),
        ("NeverBackedUp", json!(numbers.never_backed_up), "Count"),
        ("BackupLate", json!(numbers.backup_late), "Count"),
        ("Created", json!(done("create")), "Count"),
        ("Copied", json!(done("copy")), "Count"),
        ("Removed", json!(done("remove-source")), "Count"),
        ("Deleted", json!(done("delete")), "Count"),
        ("Deferred", json!(numbers.deferred.values().sum::<usize>()), "Count"),
        ("Failed", json!(numbers.failed), "Count"),
        ("Refused", json!(numbers.refused), "Count"),
        ("Findings", json!(numbers.findings), "Count"),
        ("UnreadableRetentionTags", json!(numbers.unreadable_tags), "Count"),
        ("HeldBack", json!(numbers.held_back), "Count"),
    ];
    if let Some(age) = numbers.oldest_newest_age_s {
        metrics.push(("OldestNewestSnapshotAge", json!(age), "Seconds"));
    }
    let mut named: Vec<_> = metrics.iter().map(|(name, _, unit)| json!({"Name": name, "Unit": unit})).collect();
    let mut fields: Map<String, Value> = metrics.into_iter().map(|(name, value, _)| (name.to_owned(), value)).collect();
    let kept = numbers.kept.iter().map(|(reason, count)| (name_of("Kept", reason), json!(count)));
    let calls = numbers.calls.iter().map(|(action, count)| (name_of("Calls", action), json!(count)));
    for (name, value) in kept.chain(calls) {
        if all && named.len() < METRICS_PER_LINE_MAX {
            named.push(json!({"Name": name, "Unit": "Count"}));
        }
        fields.insert(name, value);
    }
    fields.insert("Function".to_owned(), json!(function));
    fields.insert("Region".to_owned(), json!(region));
    fields.insert("Mode".to_owned(), json!(summary.mode));
    let directive =
        json!({"Namespace": NAMESPACE, "Dimensions": [["Function"], ["Function", "Region"]], "Metrics": named});
    fields.insert(
        "_aws".to_owned(),
        json!({"Timestamp": summary.ended_at.as_millisecond(), "CloudWatchMetrics": [directive]}),
    );
    Value::Object(fields)
}

/// `Kept` and `not due` make `KeptNotDue`.
fn name_of(family: &str, words: &str) -> String {
    let mut name = family.to_owned();
    for word in words.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use snapwarden_core::decision::Job;
    use std::collections::BTreeMap;

    fn summary(regions: &[(&str, Numbers)]) -> Summary {
        Summary {
            job: Job::Create,
            mode: "apply",
            account: "123456789012".parse().unwrap(),
            ended_at: "2026-11-22T04:00:00.5Z".parse().unwrap(),
            exit_code: 0,
            regions: regions.iter().map(|(name, numbers)| (name.parse().unwrap(), numbers.clone())).collect(),
            held: Vec::new(),
            dropped: Vec::new(),
            findings: Vec::new(),
            findings_in_all: 0,
        }
    }

    fn numbers() -> Numbers {
        Numbers {
            selected: 3,
            never_backed_up: 1,
            oldest_newest_age_s: Some(90_000),
            done: BTreeMap::from([("create", 2)]),
            kept: BTreeMap::from([("done", 1)]),
            deferred: BTreeMap::from([("deadline", 2), ("throttled", 1)]),
            failed: 1,
            findings: 4,
            held_back: 5,
            calls: BTreeMap::from([("CreateSnapshots".to_owned(), 2)]),
            ..Numbers::default()
        }
    }

    fn names(line: &Value) -> Vec<&str> {
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        metrics.iter().map(|metric| metric["Name"].as_str().unwrap()).collect()
    }

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let lines = lines(&summary(&[("eu-west-1", numbers())]), "snapwarden-creator", false);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line["_aws"]["Timestamp"], json!(1_795_320_000_500_i64));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Snapwarden");
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Function"], ["Function", "Region"]]));
        for name in names(line) {
            assert!(line[name].is_number(), "{name} is named and has no value: {line}");
        }
        assert_eq!((&line["Function"], &line["Region"]), (&json!("snapwarden-creator"), &json!("eu-west-1")));
        assert_eq!((&line["Created"], &line["Deferred"], &line["Findings"]), (&json!(2), &json!(3), &json!(4)));
        assert_eq!((&line["OldestNewestSnapshotAge"], &line["HeldBack"]), (&json!(90_000), &json!(5)));
        assert_eq!((&line["KeptDone"], &line["CallsCreateSnapshots"]), (&json!(1), &json!(2)), "fields, not metrics");
        assert!(!names(line).contains(&"KeptDone"));
    }

    #[test]
    fn reasons_and_calls_are_metrics_where_all_are_wanted() {
        let lines = lines(&summary(&[("eu-west-1", numbers())]), "f", true);
        assert!(names(&lines[0]).contains(&"KeptDone") && names(&lines[0]).contains(&"CallsCreateSnapshots"));
    }

    #[test]
    fn a_region_without_anything_has_no_line_unless_all_are_so() {
        let looked = Numbers { calls: BTreeMap::from([("DescribeSnapshots".to_owned(), 1)]), ..Numbers::default() };
        let some = summary(&[("eu-west-1", looked.clone()), ("us-east-1", numbers())]);
        let regions: Vec<_> = lines(&some, "f", false).iter().map(|line| line["Region"].clone()).collect();
        assert_eq!(regions, ["us-east-1"]);
        let none = summary(&[("eu-west-1", looked.clone()), ("us-east-1", looked)]);
        let lines = lines(&none, "f", false);
        assert_eq!((lines.len(), &lines[0]["Selected"]), (1, &json!(0)));
        assert!(!names(&lines[0]).contains(&"OldestNewestSnapshotAge"), "there is none");
    }

    #[test]
    fn words_become_names() {
        assert_eq!(name_of("Kept", "not due"), "KeptNotDue");
        assert_eq!(name_of("Kept", "Backup=No"), "KeptBackupNo");
        assert_eq!(name_of("Kept", "KeepForever"), "KeptKeepForever");
        assert_eq!(name_of("Calls", "CopySnapshot"), "CallsCopySnapshot");
    }
}
