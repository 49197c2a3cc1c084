//! Whatever tags say, the check answers, and what it cannot read keeps.

use snapwarden_core::check::check;
use snapwarden_core::tags::key;

use super::*;

/// Hostile, and long past or far ahead.
fn texts() -> Vec<String> {
    let digits = "9".repeat(10_000);
    let texts = [
        "",
        " ",
        "0",
        "1",
        "-1",
        "4294967296",
        "999999999999999999999999999999",
        "0000-01-01",
        "0001-01-01",
        "1969-12-31",
        "9999-12-31",
        "10000-01-01",
        "-009999-01-01T00:00:00Z",
        "9999-12-30T22:00:00.999999999Z",
        "+2026-11-1",
        "2026-02-30",
        "٢٠٢٦-١١-٢٢",
        "days=999999999999999999999999999999",
        "days=36500 zone=Pacific/Apia copies: days=36500 years=100",
        "snap-1",
        "vol-ffffffff",
        "mars-1",
        "=",
        "copies:",
        "\u{0}",
        "\u{feff}Yes",
        "é",
    ];
    texts.into_iter().map(str::to_owned).chain([digits]).collect()
}

#[test]
fn no_text_in_any_tag_breaks_the_check() {
    for key in key::ALL {
        for text in texts() {
            let tagged = [(key, text.as_str())];
            // `Snap::tag` cuts what EC2 would not take; a dump does not.
            let long = |mut snap: Snap| {
                let tags = snap
                    .0
                    .tags
                    .iter()
                    .filter(|(other, _)| *other != key)
                    .map(|(key, value)| (key.to_owned(), value.to_owned()));
                snap.0.tags = tags.chain([(key.to_owned(), text.clone())]).collect();
                snap
            };
            let old = expired("snap-1", "vol-1");
            let account = world(NOW)
                .server("i-1", &tagged, "vol-1")
                .volume("vol-2", &tagged)
                .snapshots([long(old.clone()), newest(), long(ours("snap-2", "vol-2", "2026-11-01", "2026-11-08"))])
                .region(AWAY)
                .snapshots([long(copy("snap-c", &old)), copy("snap-c9", &newest())]);
            let all = ["snap-1", "snap-9", "snap-2", "snap-c", "snap-c9"];
            let violations = check(&deleting(&account, &all), &account.inventory, &Config::default());
            let kept = |id: &str| violations.iter().any(|one| one.subject == Some(snapshot(id)));
            assert!(kept("snap-9") && kept("snap-c9"), "{key}={text:?}: {violations:?}");
        }
    }
}

/// Times at the ends of what there is, in a zone far from UTC.
#[test]
fn no_time_breaks_the_check() {
    let ends = [jiff::Timestamp::MIN, jiff::Timestamp::MAX];
    for now in ends.into_iter().chain([time(NOW)]) {
        for begun in ends {
            let tagged = [
                ("RetentionWeeks", "5200"),
                ("RetentionMonths", "1200"),
                ("RetentionYears", "100"),
                ("BackupSchedule", "daily 03:00 Pacific/Kiritimati"),
            ];
            let mut old = expired("snap-1", "vol-1").no_tag("CreatedOn").no_tag("snapwarden:slot");
            old.0.start_time = begun;
            let record = "days=36500 zone=Pacific/Pago_Pago copies: days=36500 weeks=5200";
            let mut account = living_with(&tagged).snapshot(old.tag("snapwarden:retention", record));
            account =
                account.region(AWAY).snapshot(copy("snap-c", &newest()).tag("SourceStartTime", &begun.to_string()));
            account.inventory.taken_at = now;
            let _ = check(&deleting(&account, &["snap-1", "snap-9", "snap-c"]), &account.inventory, &Config::default());
        }
    }
}
