//! Results go to stdout, trouble to stderr. A reader that has seen enough (`| head`) closes the pipe: that is no error.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use serde::Serialize;

/// Writes a result.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the result could not be written"),
    }
}

/// Writes one line of trouble. Where stderr is closed there is nobody left to tell.
pub(crate) fn warn(line: &str) {
    let _ = writeln!(io::stderr().lock(), "snapwarden: {line}");
}

/// Writes one line beside the result, as it is.
#[cfg(feature = "aws")]
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes a result as JSON, with everything escaped that could steer a terminal.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(value).context("the result could not be written as JSON")?;
    print(&format!("{}\n", escape(&json)))
}

/// serde_json escapes the control characters of ASCII. The others can stand in strings only, so they are escaped there.
fn escape(json: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && !c.is_ascii_control())
            || matches!(c, '\u{7f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
    };
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_reads_back_the_same_and_steers_no_terminal() {
        let text = "a\u{9b}2Jb\u{202e}c\u{7f}d\u{1b}e 東京\n";
        let json = escape(&serde_json::to_string(text).unwrap());
        assert_eq!(json, r#""a\u009b2Jb\u202ec\u007fd\u001be 東京\n""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
