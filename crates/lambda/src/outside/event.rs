//! What the reader of events owes to any JSON: nothing that stands in an event is passed over.

use serde_json::{Value, json};
use snapwarden_core::decision::Job;
use snapwarden_core::policy::SlotChoice;

use crate::event::{EventError, Wish, read};

const FIELDS: [&str; 4] = ["regions", "dry_run", "slot", "approve"];

/// The 300 characters of an event that an error repeats, each escaped (`\u{10ffff}` at the longest), and our words.
const LENGTH_MAX: usize = 300 * 10 + 200;

/// What holds of `text` as an event, of each function. What is not JSON never comes as far.
pub(crate) fn holds(text: &str) {
    let Ok(event) = serde_json::from_str::<Value>(text) else { return };
    for job in [Job::Create, Job::Offsite, Job::Expire] {
        match read(event.clone(), job) {
            Ok(wish) => is_obeyed(&event, &wish, job),
            Err(error) => {
                let said = error.to_string();
                assert!(!said.contains(char::is_control) && said.chars().count() < LENGTH_MAX, "{said:?}");
            }
        }
    }
}

fn is_obeyed(event: &Value, wish: &Wish, job: Job) {
    let fields = event.as_object().unwrap_or_else(|| panic!("{event} is no object"));
    let is_said = |name: &str| fields.contains_key(name);
    let is_tick = event["detail-type"] == "Scheduled Event";
    assert!(
        is_tick || fields.iter().all(|(name, value)| FIELDS.contains(&name.as_str()) && !value.is_null()),
        "{event}"
    );
    assert!(!is_tick || !FIELDS.into_iter().any(is_said), "{event}");

    // Each field that says something is in the wish as it stands, and no other is.
    assert_eq!(json!(wish.dry_run), event["dry_run"], "{event}");
    let regions: Option<Vec<&str>> = wish.regions.as_ref().map(|all| all.iter().map(|one| one.as_str()).collect());
    assert_eq!(json!(regions), event["regions"], "{event}");
    assert_ne!(regions, Some(Vec::new()));
    let slot = wish.slot.map(|slot| match slot {
        SlotChoice::Now => "now".to_owned(),
        SlotChoice::At(slot) => slot.to_string(),
    });
    assert_eq!(json!(slot), event["slot"], "{event}");
    assert!(slot.is_none() || job == Job::Create);
    let written = event["approve"].as_str().unwrap_or_default();
    let words: Vec<_> = written.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    assert_eq!(words.len(), wish.approvals.len(), "{event}");
    for (word, approval) in words.iter().zip(&wish.approvals) {
        assert_eq!(word.parse().as_ref(), Ok(approval));
        assert!(word.starts_with(&format!("{}:{}:", approval.what, approval.day)), "{word}");
    }
    assert!(!is_said("approve") || job == Job::Expire);

    // What was read reads back, and for another function it is refused.
    let approve = wish.approvals.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let approve = (!approve.is_empty()).then_some(approve);
    let mut printed = json!({ "regions": regions, "dry_run": wish.dry_run, "slot": slot, "approve": approve });
    printed.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    assert_eq!(read(printed.clone(), job).as_ref(), Ok(wish));
    if slot.is_some() || approve.is_some() {
        let refused = if slot.is_some() { EventError::SlotElsewhere } else { EventError::ApproveElsewhere };
        assert_eq!(read(printed, Job::Offsite), Err(refused));
    }
}
