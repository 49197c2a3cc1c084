//! What an invocation asks for. An event comes from a schedule, a person, or anybody who may invoke the function: a
//! field that is not known is an error that names it, since a misspelt `dry_run` must not change anything.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use snapwarden_core::approval::Approval;
use snapwarden_core::decision::Job;
use snapwarden_core::ids::Region;
use snapwarden_core::policy::SlotChoice;
use snapwarden_core::printable::printable;

/// The longest text of an event that is repeated in an error.
const SAID_MAX: usize = 300;

/// What one invocation asks for. A tick asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Where to act, in place of the setting.
    pub(crate) regions: Option<Vec<Region>>,
    /// Plan and report, and change nothing. It can only be asked for; a function in dry run stays in it.
    pub(crate) dry_run: Option<bool>,
    /// The creator's: the slot to finish.
    pub(crate) slot: Option<SlotChoice>,
    /// The manager's: what a person approved.
    pub(crate) approvals: Vec<Approval>,
}

/// An event that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EventError {
    #[error("the event could not be read: {0}; it takes regions, dry_run, slot (creator) and approve (manager)")]
    Unreadable(String),
    #[error("the event's slot is for the creator only")]
    SlotElsewhere,
    #[error("the event's approve is for the manager only")]
    ApproveElsewhere,
    #[error("the event's regions is empty; leave it out to act where the function is set to")]
    NoRegions,
    #[error("the event's {field} cannot be read: {why}")]
    Bad { field: &'static str, why: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default, deserialize_with = "said")]
    regions: Option<Vec<Region>>,
    #[serde(default, deserialize_with = "said")]
    dry_run: Option<bool>,
    #[serde(default, deserialize_with = "said")]
    slot: Option<String>,
    #[serde(default, deserialize_with = "said")]
    approve: Option<String>,
}

/// A field that is there says something: `null`, what a template makes of a variable that is not set, is an error.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

/// Reads the event of an invocation of `job`.
pub(crate) fn read(event: Value, job: Job) -> Result<Wish, EventError> {
    if is_tick(&event) {
        return Ok(Wish::default());
    }
    if !event.is_object() {
        return Err(EventError::Unreadable("it is not a JSON object".to_owned()));
    }
    let raw: Raw =
        serde_json::from_value(event).map_err(|e| EventError::Unreadable(printable(&e.to_string(), SAID_MAX)))?;
    let slot = raw.slot.map(|text| text.parse().map_err(|why| bad("slot", &why))).transpose()?;
    let words = raw.approve.iter().flat_map(|text| text.split([' ', ',']).filter(|word| !word.is_empty()));
    let approvals: Vec<_> =
        words.map(|word| word.parse().map_err(|why| bad("approve", &why))).collect::<Result<_, _>>()?;
    if slot.is_some() && job != Job::Create {
        return Err(EventError::SlotElsewhere);
    }
    if raw.approve.is_some() && job != Job::Expire {
        return Err(EventError::ApproveElsewhere);
    }
    if raw.regions.as_ref().is_some_and(Vec::is_empty) {
        return Err(EventError::NoRegions);
    }
    Ok(Wish { regions: raw.regions, dry_run: raw.dry_run, slot, approvals })
}

fn bad(field: &'static str, why: &dyn std::error::Error) -> EventError {
    EventError::Bad { field, why: printable(&why.to_string(), SAID_MAX) }
}

/// The fields of an event of EventBridge (EventBridge user guide, "Event structure").
const FIELDS_OF_TICK: [&str; 9] =
    ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"];

/// What EventBridge and its Scheduler send when the schedule names no input of its own. One into which somebody wrote a
/// wish, however it is spelt, is none: passing over its `dry_run` would change what was only to be looked at.
fn is_tick(event: &Value) -> bool {
    let text = |key| event.get(key).and_then(Value::as_str);
    let is_plain = event.as_object().is_some_and(|all| all.keys().all(|key| FIELDS_OF_TICK.contains(&key.as_str())));
    let is_scheduled = text("detail-type") == Some("Scheduled Event");
    is_plain && is_scheduled && matches!(text("source"), Some("aws.events" | "aws.scheduler"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wrong(event: Value, job: Job) -> String {
        read(event, job).unwrap_err().to_string()
    }

    #[test]
    fn a_tick_asks_for_nothing() {
        let scheduler = json!({"version": "0", "id": "x", "detail-type": "Scheduled Event", "source": "aws.scheduler",
            "account": "123456789012", "time": "2026-11-22T03:00:00Z", "region": "eu-west-1", "resources": [], "detail": "{}"});
        let rule = json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}});
        for tick in [json!({}), scheduler, rule] {
            assert_eq!(read(tick, Job::Expire), Ok(Wish::default()));
        }
    }

    #[test]
    fn a_tick_with_a_wish_in_it_is_refused_not_run_without_the_wish() {
        for (field, value) in [
            ("dry_run", json!(true)),
            ("dryRun", json!(true)),
            ("regions", json!(["eu-west-1"])),
            ("slot", json!("now")),
            ("approve", json!("eu-west-1:2026-11-22:412")),
        ] {
            let tick = json!({"detail-type": "Scheduled Event", "source": "aws.events", field: value});
            assert!(wrong(tick, Job::Create).contains("unknown field `detail-type`"), "{field}");
        }
    }

    #[test]
    fn what_is_null_is_refused_not_taken_for_not_asked() {
        for field in ["dry_run", "regions", "slot", "approve"] {
            assert!(wrong(json!({field: null}), Job::Create).contains("invalid type: null"), "{field}");
        }
    }

    #[test]
    fn all_fields_are_read() {
        let event = json!({"regions": ["eu-west-1", "us-east-1"], "dry_run": true, "slot": "2026-11-22T03:00Z"});
        let wish = read(event, Job::Create).unwrap();
        assert_eq!(wish.regions, Some(vec!["eu-west-1".parse().unwrap(), "us-east-1".parse().unwrap()]));
        assert_eq!(wish.dry_run, Some(true));
        assert_eq!(wish.slot, Some(SlotChoice::At("2026-11-22T03:00Z".parse().unwrap())));
        let event = json!({"approve": "eu-west-1:2026-11-22:412, us-east-1:2026-11-22:30"});
        let approvals = read(event, Job::Expire).unwrap().approvals;
        let words: Vec<_> = approvals.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["eu-west-1:2026-11-22:412", "us-east-1:2026-11-22:30"]);
    }

    #[test]
    fn a_field_that_is_not_known_is_an_error_that_names_it() {
        assert!(wrong(json!({"dryrun": true}), Job::Expire).contains("unknown field `dryrun`"));
        assert!(wrong(json!({"Regions": []}), Job::Create).contains("unknown field `Regions`"));
        let hostile = wrong(json!({"\u{1b}[2J\n{\"level\":\"INFO\"}": 1}), Job::Create);
        assert!(hostile.chars().all(|c| !c.is_control()), "{hostile:?}");
        assert!(wrong(json!({"x".repeat(100_000): 1}), Job::Create).len() < 600);
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_field() {
        assert!(
            wrong(json!({"slot": "yesterday"}), Job::Create)
                .contains("the event's slot cannot be read: write a slot as")
        );
        assert!(wrong(json!({"approve": "all"}), Job::Expire).contains("the event's approve cannot be read"));
        assert!(wrong(json!({"regions": "eu-west-1"}), Job::Create).contains("expected a sequence"));
        assert!(wrong(json!({"regions": ["EU; rm"]}), Job::Create).contains("the event could not be read"));
        assert!(wrong(json!({"dry_run": "yes"}), Job::Create).contains("expected a boolean"));
        for event in [json!(null), json!([]), json!("now"), json!(3)] {
            assert!(wrong(event, Job::Create).contains("not a JSON object"));
        }
    }

    #[test]
    fn a_wish_for_another_function_is_refused() {
        assert_eq!(read(json!({"slot": "now"}), Job::Offsite), Err(EventError::SlotElsewhere));
        assert_eq!(read(json!({"approve": ""}), Job::Create), Err(EventError::ApproveElsewhere));
        assert_eq!(read(json!({"regions": []}), Job::Create), Err(EventError::NoRegions));
    }
}
