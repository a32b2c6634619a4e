//! Titles and summaries as plain text: entities decoded, tags taken out, one line, no character that XML forbids.
//!
//! Follows the HTML standard's parsing for texts that hold `&` or `<`; any other text only has its spaces put right.
//!
//! BUGS: what merely looks like a tag (`Vec<T>`) is taken for one, as in the page's own title.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// The plain text of a line that may hold HTML.
pub fn plain(text: &str) -> String {
    if text.bytes().any(|b| matches!(b, b'&' | b'<')) { one_line(&without_markup(text)) } else { one_line(text) }
}

/// White space runs become one space, control characters and what XML forbids go.
pub fn one_line(text: &str) -> String {
    if is_one_line(text) {
        return text.trim_matches(' ').to_string();
    }
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // No-break spaces are the author's typography: they stay.
            ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                if !line.ends_with(' ') {
                    line.push(' ');
                }
            }
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{FFFE}' | '\u{FFFF}' => {}
            other => line.push(other),
        }
    }
    line.trim_matches(' ').to_string()
}

/// Whether there is nothing to put right but spaces at the ends; most texts are told by their bytes alone.
fn is_one_line(text: &str) -> bool {
    let mut before = 0;
    let mut rare = false;
    for byte in text.bytes() {
        if byte < b' ' || byte == 0x7F || (byte == b' ' && before == b' ') {
            return false;
        }
        // What begins so in UTF-8 may be a control character, a line separator or no character.
        rare |= matches!(byte, 0xC2 | 0xE2 | 0xEF);
        before = byte;
    }
    !rare
        || !text.chars().any(|c| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{FFFE}' | '\u{FFFF}'))
}

fn without_markup(text: &str) -> String {
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let dom = parse_fragment(RcDom::default(), ParseOpts::default(), context, Vec::new(), false).one(text);
    let mut out = String::with_capacity(text.len());
    // Without recursion: a title may be nested as deep as it is long.
    let mut open: Vec<Handle> = vec![dom.document.clone()];
    while let Some(node) = open.pop() {
        match &node.data {
            NodeData::Text { contents } => out.push_str(&contents.borrow()),
            NodeData::Element { name, .. } if matches!(&*name.local, "script" | "style" | "template") => continue,
            NodeData::Element { name, .. } if matches!(&*name.local, "br" | "p" | "div" | "li") => out.push(' '),
            _ => {}
        }
        open.extend(node.children.borrow().iter().rev().cloned());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_and_tags_become_plain_text() {
        for (written, read) in [
            ("a better &ldquo;front door&rdquo;", "a better “front door”"),
            ("for action <em>and</em> flexibility", "for action and flexibility"),
            ("AT&T & co", "AT&T & co"),
            ("a < b &lt; c", "a < b < c"),
            ("one<br>two", "one two"),
            ("x<script>alert(1)</script>y", "xy"),
            ("&#8; &#xFFFF;&nbsp;", "\u{a0}"),
        ] {
            assert_eq!(plain(written), read, "{written}");
        }
    }

    #[test]
    fn a_line_is_one_line_of_what_xml_allows() {
        assert_eq!(one_line("  a\n\tb \u{8}c\u{FFFE}  d "), "a b c d");
        assert_eq!(one_line("«\u{a0}déjà\u{a0}» 🎉"), "«\u{a0}déjà\u{a0}» 🎉");
    }

    #[test]
    fn deep_nesting_does_not_overflow() {
        let text = format!("{}x", "<b>".repeat(20_000));
        assert_eq!(plain(&text), "x");
    }
}
