//! The words and shapes of the branch's files: JSON with an element a line, lists with tabs, and texts without addresses.
//!
//! Promises: [`fold`] gives back every byte of the JSON that [`spread`] was given, if that had no space between its parts.

/// JSON with an element a line, so that a change shows as a change of lines.
pub fn spread(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 4);
    let mut depth = 0;
    let mut parts = Parts::new(json);
    while let Some(part) = parts.next() {
        match part {
            "{" | "[" => {
                out.push_str(part);
                if matches!(parts.peek(), Some("}" | "]")) {
                    out.push_str(parts.next().unwrap_or_default());
                } else {
                    depth += 1;
                    begin_line(&mut out, depth);
                }
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                begin_line(&mut out, depth);
                out.push_str(part);
            }
            "," => {
                out.push(',');
                begin_line(&mut out, depth);
            }
            ":" => out.push_str(": "),
            other => out.push_str(other),
        }
    }
    out.push('\n');
    out
}

/// JSON without the space that [`spread`] put between its parts.
pub fn fold(text: &str) -> String {
    let mut parts = Parts::new(text);
    let mut out = String::with_capacity(text.len());
    while let Some(part) = parts.next() {
        out.push_str(part);
    }
    out
}

fn begin_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', depth));
}

/// The parts of a JSON text, without the space between them.
struct Parts<'a> {
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn new(text: &'a str) -> Parts<'a> {
        Parts { rest: text.trim_start() }
    }

    fn length(&self) -> usize {
        let bytes = self.rest.as_bytes();
        match bytes.first() {
            None => 0,
            Some(b'"') => {
                let mut at = 1;
                while let Some(byte) = bytes.get(at) {
                    match byte {
                        b'\\' => at += 2,
                        b'"' => return at + 1,
                        _ => at += 1,
                    }
                }
                // No end: the rest is one part, and whoever reads it as JSON says so.
                bytes.len()
            }
            Some(b'{' | b'}' | b'[' | b']' | b',' | b':') => 1,
            Some(_) => {
                self.rest.find(|c: char| c.is_ascii_whitespace() || "{}[],:\"".contains(c)).unwrap_or(self.rest.len())
            }
        }
    }

    fn peek(&self) -> Option<&'a str> {
        let length = self.length();
        (length > 0).then(|| &self.rest[..length])
    }

    fn next(&mut self) -> Option<&'a str> {
        let part = self.peek()?;
        self.rest = self.rest[part.len()..].trim_start();
        Some(part)
    }
}

/// A field of a list whose fields stand between tabs, one row a line.
pub fn field(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

/// What [`field`] was given.
pub fn unfield(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, if c == '\\' { characters.next() } else { None }) {
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some(other)) => out.push(other),
            (c, _) => out.push(c),
        }
    }
    out
}

/// What stands for an address.
const HIDDEN: &str = "(an address)";

/// The text with each mail address replaced: a server's words repeat whom they are about.
pub fn without_addresses(text: &str) -> String {
    let local = |c: char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let domain = |c: char| c.is_alphanumeric() || ".-[]:".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let start = before.len() - before.chars().rev().take_while(|c| local(*c)).map(char::len_utf8).sum::<usize>();
        let length: usize = after.chars().take_while(|c| domain(*c)).map(char::len_utf8).sum();
        let length = after[..length].trim_end_matches(['.', ':', '-', ']']).len();
        let is_one = start < before.len() && after[..length].contains(char::is_alphanumeric);
        out.push_str(if is_one { &before[..start] } else { before });
        out.push_str(if is_one { HIDDEN } else { "@" });
        rest = if is_one { &after[length..] } else { after };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_element_a_line_and_back() {
        let json = r#"{"a":[1,-2.5e3,true,null],"b":{},"c":[],"d":"x: {\"y\"}, [z]\\","é":[{"f":"g"}]}"#;
        let spread = spread(json);
        assert_eq!(spread.lines().nth(1), Some(" \"a\": ["));
        assert_eq!(spread.lines().nth(2), Some("  1,"));
        assert!(spread.contains("\n \"b\": {},\n \"c\": [],\n"), "{spread}");
        assert_eq!(fold(&spread), json);
    }

    #[test]
    fn addresses_go_and_what_is_none_stays() {
        assert_eq!(
            without_addresses("550 5.1.1 <liste@lists.example.org>: no such user"),
            "550 5.1.1 <(an address)>: no such user"
        );
        assert_eq!(without_addresses("to a.b+c@x.example.org, é@ü.example."), "to (an address), (an address).");
        assert_eq!(without_addresses("npx @11ty/eleventy at 9 @ noon @"), "npx @11ty/eleventy at 9 @ noon @");
    }

    proptest! {
        #[test]
        fn any_value_comes_back(text in "\\PC*", number in any::<f64>(), names in prop::collection::vec("\\PC{0,4}", 0..5)) {
            let value = serde_json::json!({ "t": text, "n": number, "l": names, "o": { "x": [[], {}] } });
            let json = value.to_string();
            prop_assert_eq!(fold(&spread(&json)), json);
            prop_assert_eq!(unfield(&field(&text)), text);
        }

        #[test]
        fn no_text_is_too_odd_to_look_for_addresses_in(text in "\\PC*") {
            let _ = (without_addresses(&text), fold(&text), spread(&text), unfield(&text));
        }
    }
}
