//! The log: one JSON object a line on stdout, as Lambda's JSON log format wants it (`level` and `message` at the top).
//!
//! A change is logged when its outcome is known, not at the end: what a run did is in the log even if Lambda kills it.
//! What stays is counted in the summary and not logged one by one; an account has a hundred thousand snapshots, and the
//! manager looks every hour.

use std::io::Write;

use serde_json::{Value, json};
use snapwarden_core::check::Violation;
use snapwarden_core::decision::{Decision, Finding, Plan};
use snapwarden_core::printable::printable;
use snapwarden_core::report::Outcome;
use snapwarden_exec::run::Progress;

/// Findings that one run logs.
const FINDINGS_MAX: usize = 500;
/// The longest text of a line that is not ours alone. A line of CloudWatch Logs has at most 256 KB.
const TEXT_MAX: usize = 2_000;

/// Writes a line. One that cannot be written is lost: there is nowhere else to say so.
pub(crate) fn line(value: &Value) {
    let mut text = value.to_string();
    text.push('\n');
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A line about what went wrong.
pub(crate) fn error(message: &str, error: &str) {
    line(&json!({"level": "ERROR", "message": message, "error": printable(error, TEXT_MAX)}));
}

/// The lines of one invocation.
pub(crate) struct Log<'a> {
    /// The id that Lambda gave it.
    pub(crate) request_id: &'a str,
}

impl Log<'_> {
    /// A line with the invocation's id.
    pub(crate) fn say(&self, level: &str, message: &str, fields: Value) {
        let mut value = json!({"level": level, "message": message, "requestId": self.request_id});
        if let (Value::Object(all), Value::Object(more)) = (&mut value, fields) {
            all.extend(more);
        }
        line(&value);
    }

    /// What a person should look at.
    pub(crate) fn findings(&self, findings: &[Finding]) {
        for finding in findings.iter().take(FINDINGS_MAX) {
            let (region, id) = (&finding.region, &finding.id);
            self.say("WARN", "finding", json!({"region": region, "id": id, "finding": finding.to_string()}));
        }
        if findings.len() > FINDINGS_MAX {
            self.say("WARN", "more findings", json!({"count": findings.len() - FINDINGS_MAX}));
        }
    }

    /// What would be done, where nothing is done.
    pub(crate) fn would_do(&self, plan: &Plan) {
        for decision in plan.decisions.iter().filter(|decision| decision.act.is_change()) {
            self.say("INFO", "would do", item(decision));
        }
    }
}

fn item(decision: &Decision) -> Value {
    json!({
        "region": decision.region,
        "act": decision.act.as_str(),
        "subject": decision.subject,
        "about": decision.about,
        "reason": decision.reason.to_string(),
    })
}

impl Progress for Log<'_> {
    /// Anything that deletes shows its plan first: here the numbers, since each delete has its own line.
    fn planned(&self, plan: &Plan, violations: &[Violation]) {
        let changes = plan.decisions.iter().filter(|decision| decision.act.is_change()).count();
        let fields = json!({"changes": changes, "decisions": plan.decisions.len(), "regions": plan.regions});
        self.say("INFO", "planned", fields);
        for hold in &plan.holds {
            self.say("WARN", "held for approval", json!({"region": hold.region, "hold": hold.to_string()}));
        }
        for violation in violations {
            self.say("ERROR", "dropped by the safety check", json!({"violation": violation.to_string()}));
        }
    }

    fn finished(&self, decision: &Decision, outcome: &Outcome) {
        let level = match outcome {
            // It is counted in the summary: the next tick comes for it.
            Outcome::NothingToDo | Outcome::Deferred(_) => return,
            Outcome::Done { .. } => "INFO",
            Outcome::DoneAlone { .. } | Outcome::Changed(_) | Outcome::Refused(_) => "WARN",
            Outcome::Unclear(_) | Outcome::Failed(_) => "ERROR",
        };
        let mut fields = item(decision);
        if let Value::Object(fields) = &mut fields {
            fields.insert("outcome".to_owned(), json!(outcome.to_string()));
        }
        self.say(level, "item", fields);
    }
}
