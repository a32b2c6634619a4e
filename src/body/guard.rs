//! The last guard: no template code reaches a reader, outside code that the author shows on purpose.
//!
//! `expand` has replaced or left out what it understood; what is left here is what nobody understood (an unclosed
//! `{{`, a stray `:::`). What the author marked as raw comes here between marks, and is shown as code.

use super::tree::{Element, Node};

/// Stands before template code that is shown on purpose, and after it.
pub const SHOWN: (char, char) = ('\u{e0f0}', '\u{e0f1}');

/// Template code that was taken out, as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found(pub String);

/// The longest template code that is taken out as one, in bytes.
const LONGEST: usize = 1024;

const OPENINGS: [&str; 3] = ["{{", "{%", ":::"];

pub fn has_template_code(text: &str) -> bool {
    find_template_code(text).is_some()
}

/// Where the first template code starts. One scan: what comes next must not cost a look at all that follows.
pub fn find_template_code(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let starts = |at: usize| OPENINGS.iter().any(|opening| bytes[at..].starts_with(opening.as_bytes()));
    (0..bytes.len()).find(|at| matches!(bytes[*at], b'{' | b':') && starts(*at))
}

/// Pushes a piece of text, guarded.
pub fn push_text(text: String, in_code: bool, out: &mut Vec<Node>, leaks: &mut Vec<Found>) {
    if !text.contains(SHOWN.0) && !text.contains(SHOWN.1) {
        let text = if in_code { text } else { without_template_code(text, leaks) };
        if !text.is_empty() {
            out.push(Node::Text(text));
        }
        return;
    }
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (before, after) = rest.split_once(SHOWN.0).unwrap_or((rest, ""));
        push_text(before.replace(SHOWN.1, ""), in_code, out, leaks);
        let (shown, after) = after.split_once(SHOWN.1).unwrap_or((after, ""));
        if !shown.is_empty() {
            let shown = Node::Text(shown.replace([SHOWN.0, SHOWN.1], ""));
            out.push(if in_code { shown } else { Element::new("code").child(shown).into() });
        }
        rest = after;
    }
}

/// An attribute's value, guarded.
pub fn clean_value(value: &str, leaks: &mut Vec<Found>) -> String {
    without_template_code(value.replace([SHOWN.0, SHOWN.1], ""), leaks)
}

/// The text without template code; what was taken out is in `leaks`.
pub fn without_template_code(mut text: String, leaks: &mut Vec<Found>) -> String {
    // Taking one piece out can join two characters that are template code together.
    while has_template_code(&text) {
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(start) = find_template_code(rest) {
            out.push_str(&rest[..start]);
            let code = &rest[start..];
            let length = code_length(code);
            leaks.push(Found(code[..length].to_string()));
            rest = &code[length..];
        }
        out.push_str(rest);
        text = out;
    }
    text
}

/// How much of the text, which starts with template code, is that code.
pub fn code_length(code: &str) -> usize {
    if code.starts_with(":::") {
        return code.len() - code.trim_start_matches(':').len();
    }
    let closing = if code.starts_with("{{") { "}}" } else { "%}" };
    // On the same line, and not far: a text full of openings must not be read to its end for each.
    let mut limit = code.len().min(LONGEST);
    while !code.is_char_boundary(limit) {
        limit -= 1;
    }
    let line = code[..limit].find('\n').unwrap_or(limit);
    match code[2..line.max(2)].find(closing) {
        Some(end) => 2 + end + 2,
        None => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_opens_template_code_is_left() {
        for (text, left) in [
            ("a {{ b }} c", "a  c"),
            ("a {{ b", "a  b"),
            ("{{{", "{"),
            ("{{{ x }}{ y", "{ y"),
            (":::: note", " note"),
            ("{%", ""),
            ("a::b {c}", "a::b {c}"),
        ] {
            assert_eq!(without_template_code(text.to_string(), &mut Vec::new()), left);
        }
    }

    #[test]
    fn what_is_shown_on_purpose_is_code() {
        let mut out = Vec::new();
        push_text("a \u{e0f0}{{ b }}\u{e0f1} c".to_string(), false, &mut out, &mut Vec::new());
        assert_eq!(crate::body::tree::write(&out), "a <code>{{ b }}</code> c");
    }
}
