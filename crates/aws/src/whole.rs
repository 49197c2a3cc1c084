//! Whether an answer is whole.
//!
//! The SDK's reader takes broken XML as far as it goes and says nothing: an answer that is cut off in the middle, or
//! that has one bad character in a tag, becomes a shorter list. What is absent from a list may be deleted elsewhere, so
//! every good answer is looked through first, and one that is not whole is an error.

use aws_sdk_ec2::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use snapwarden_core::printable::printable;
use xmlparser::{ElementEnd, Token, Tokenizer};

/// An answer that is not one whole XML document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not whole: {0}")]
pub(crate) struct NotWhole(String);

/// How the name of every answer ends, after its action's: `DeleteSnapshotResponse`.
const ANSWER: &str = "Response";

/// Looks through every good answer.
#[derive(Debug)]
pub(crate) struct Checker;

impl Intercept for Checker {
    fn name(&self) -> &'static str {
        "Checker"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let action = config.load::<Metadata>().ok_or_else(|| NotWhole("nobody knows to what".to_owned()))?;
        let response = context.response();
        // An error says more by itself.
        if !response.status().is_success() || context.output_or_error().is_err() {
            return Ok(());
        }
        let body = response.body().bytes().ok_or_else(|| NotWhole("its body was not read".to_owned()))?;
        let text = std::str::from_utf8(body).map_err(|error| NotWhole(error.to_string()))?;
        Ok(check(text, action.name())?)
    }
}

/// Whether `text` is one XML element, closed, with everything in it closed, the answer to `action` by its name, and none that says
/// that it was not done.
#[allow(clippy::wildcard_enum_match_arm, reason = "text, comments and the like open and close nothing")]
fn check(text: &str, action: &str) -> Result<(), NotWhole> {
    let mut open: Vec<&str> = Vec::new();
    let (mut roots, mut root) = (0, "");
    for token in Tokenizer::from(text) {
        match token.map_err(|error| NotWhole(error.to_string()))? {
            Token::ElementStart { local, .. } => {
                if open.is_empty() {
                    (roots, root) = (roots + 1, local.as_str());
                }
                open.push(local.as_str());
            }
            Token::ElementEnd { end: ElementEnd::Close(_, local), .. } => {
                let opened = open.pop();
                if opened != Some(local.as_str()) {
                    return Err(NotWhole(format!("</{local}> closes nothing")));
                }
            }
            Token::Text { text } if open[..] == [root, "return"] && text.trim() != "true" => {
                return Err(NotWhole(format!("it says that it was not done: {}", printable(&text, 40))));
            }
            Token::ElementEnd { end: ElementEnd::Empty, .. } => {
                open.pop();
            }
            _ => {}
        }
    }
    match open.last() {
        Some(local) => Err(NotWhole(format!("<{local}> is not closed"))),
        None if roots == 1 && root.strip_suffix(ANSWER) == Some(action) => Ok(()),
        None if roots == 1 => Err(NotWhole(format!("<{}> is no answer to {action}", printable(root, 40)))),
        None => Err(NotWhole(format!("{roots} documents in it"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<AResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><set><item><id>1</id><empty/></item></set><return>true</return></AResponse>
"#;

    #[test]
    fn a_whole_answer_is_taken_and_no_cut_of_it_is() {
        check(GOOD, "A").unwrap();
        let end = GOOD.trim_end().len();
        for cut in 0..end {
            assert!(check(&GOOD[..cut], "A").is_err(), "{}", &GOOD[..cut]);
        }
    }

    #[test]
    fn what_says_nothing_of_the_call_is_no_answer() {
        for other in [
            "<html><p>Maintenance</p></html>",
            "<Response><Errors/></Response>",
            "<BResponse><return>true</return></BResponse>",
            "<AResponse><return>false</return></AResponse>",
        ] {
            assert!(check(other, "A").is_err(), "{other:?}");
        }
        check("<AResponse><set><return>false</return></set></AResponse>", "A").unwrap();
    }

    #[test]
    fn what_the_sdk_would_skip_is_an_error() {
        for broken in
            ["<A><B></A>", "<A></A><A/>", "</A>", "<A>\u{1}</A>", "<A><B/></A", "<A><b c=></A>", "no XML", " "]
        {
            assert!(check(broken, "A").is_err(), "{broken:?}");
        }
    }
}
