//! A small writer of XML: nodes, texts, lists as EC2 writes them.

use std::fmt::Display;

/// Whether XML 1.0 can carry a character at all, escaped or not.
pub(super) fn can_carry(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// A document in the making.
#[derive(Debug)]
pub(super) struct Xml(String);

impl Xml {
    /// A document with one root, in a namespace where there is one.
    pub(super) fn document(root: &str, namespace: Option<&str>, inner: impl FnOnce(&mut Xml)) -> String {
        let mut xml = Xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<".to_owned());
        xml.0.push_str(root);
        if let Some(namespace) = namespace {
            xml.0.push_str(" xmlns=\"");
            xml.escaped(namespace);
            xml.0.push('"');
        }
        xml.0.push('>');
        inner(&mut xml);
        xml.close(root);
        xml.0
    }

    /// A node with others in it.
    pub(super) fn node(&mut self, name: &str, inner: impl FnOnce(&mut Xml)) {
        self.open(name);
        inner(self);
        self.close(name);
    }

    /// A node with a text.
    pub(super) fn text(&mut self, name: &str, text: impl Display) {
        self.open(name);
        self.escaped(&text.to_string());
        self.close(name);
    }

    /// EC2's lists: a node with an `<item>` each.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Xml, T),
    ) {
        self.open(name);
        for one in items {
            self.node("item", |xml| item(xml, one));
        }
        self.close(name);
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// Text of tags and dumps is anybody's. A carriage return would be read back as a line feed if it stood there plain.
    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#13;"),
                c if can_carry(c) => self.0.push(c),
                _ => self.0.push(char::REPLACEMENT_CHARACTER),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let written = Xml::document("a", Some("urn:x"), |xml| xml.text("b", "</b>&\"\r\0é"));
        assert!(written.ends_with("<a xmlns=\"urn:x\"><b>&lt;/b&gt;&amp;&quot;&#13;\u{fffd}é</b></a>"), "{written}");
    }
}
