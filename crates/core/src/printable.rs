//! Text from outside, made fit for a terminal and a log line.
//!
//! Anybody who may tag an instance may put an escape sequence into a tag. What is printed goes through here, so that
//! no tag can move the cursor, forge a line of a plan or hide a row.

/// `text` with control characters, line breaks and direction marks escaped, cut to `length_max` characters.
pub fn printable(text: &str, length_max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.chars().enumerate() {
        if i == length_max {
            out.push('…');
            break;
        }
        let direction_or_invisible =
            matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || direction_or_invisible {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// `text` in double quotes, escaped and cut to 60 characters: how a tag's value stands in a sentence.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text, 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_cannot_steer_the_terminal_or_forge_a_line() {
        assert_eq!(printable("a\u{1b}[2J\nb\u{202e}c", 60), "a\\u{1b}[2J\\u{a}b\\u{202e}c");
        assert_eq!(quoted(&"x".repeat(100)), format!("\"{}…\"", "x".repeat(60)));
        assert_eq!(printable("Zürich 東京", 60), "Zürich 東京");
    }
}
