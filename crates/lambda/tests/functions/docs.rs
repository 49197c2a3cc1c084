//! What docs/operations.md shows of a function's log is what a function logs. `TRYCMD=overwrite` writes it anew, as it does
//! for the command's output.

use serde_json::{Value, json};

use crate::lambda::{Lambda, NOW, ec2, fleet};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
const BEGIN: &str = "```json\n";

/// The line as of the moment when EC2's clock stood still: a run's own end is some milliseconds later.
fn at_once(mut line: Value) -> Value {
    let now: jiff::Timestamp = NOW.parse().unwrap();
    if let Some(ended_at) = line.get_mut("ended_at") {
        *ended_at = json!(now);
    }
    if let Some(stamp) = line.pointer_mut("/_aws/Timestamp") {
        *stamp = json!(now.as_millisecond());
    }
    line
}

#[test]
fn the_log_in_the_documents_is_real() {
    let ec2 = ec2(&fleet(1));
    let creator = Lambda::start("creator", &ec2, &[]);
    creator.invoke("{}").unwrap();
    let logged: String = creator.end().into_iter().map(|line| format!("{}\n", at_once(line))).collect();
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once("```").unwrap();
    if std::env::var("TRYCMD").is_ok_and(|value| value == "overwrite") {
        std::fs::write(PAGE, format!("{before}{BEGIN}{logged}```{after}")).unwrap();
    } else {
        assert_eq!(shown, logged);
    }
}
