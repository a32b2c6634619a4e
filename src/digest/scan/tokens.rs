//! A template cut into its tags and the words in them.

use std::ops::Range;

use super::recipient_path;

/// One `{{…}}` of a source.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) range: Range<usize>,
    /// Between the braces, marks and `~` included in neither.
    pub(super) inside: Range<usize>,
    /// What the braces hold first: `#`, `^`, `/`, `>`, `&`, `{`, `*`, or nothing.
    pub(super) mark: &'static str,
    pub(super) trims_before: bool,
    pub(super) trims_after: bool,
}

impl Token {
    pub(super) fn words<'a>(&self, source: &'a str) -> Vec<Word<'a>> {
        words(&source[self.inside.clone()])
    }

    pub(super) fn is_open(&self) -> bool {
        self.mark.starts_with('#') || (self.mark == "^" && !self.inside.is_empty())
    }

    pub(super) fn is_else(&self, source: &str) -> bool {
        (self.mark == "^" && self.inside.is_empty())
            || (self.mark.is_empty() && self.words(source).first().is_some_and(|word| word.text == "else"))
    }

    /// The tag as a stamp has it.
    pub(super) fn plain(&self, source: &str) -> String {
        let mut inside = String::new();
        let mut rest = &source[self.inside.clone()];
        for word in self.words(source) {
            if let Some(path) = recipient_path(word.text) {
                let start = word.text.as_ptr() as usize - rest.as_ptr() as usize;
                inside.push_str(&rest[..start]);
                inside.push_str(path);
                rest = &rest[start + word.text.len()..];
            }
        }
        inside.push_str(rest);
        match self.mark {
            "{" => format!("{{{{{{{inside}}}}}}}"),
            mark => format!("{{{{{mark}{inside}}}}}"),
        }
    }
}

/// The tags of a source, comments, raw blocks and escaped ones passed over.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = source[at..].find("{{") {
        let start = at + found;
        if source[..start].ends_with('\\') && !source[..start].ends_with("\\\\") {
            at = start + 2;
            continue;
        }
        if source[start..].starts_with("{{{{") {
            // A raw block: to its end tag, and past that.
            let Some(end) = source[start..].find("{{{{/") else { break };
            at = source[start + end..].find("}}}}").map_or(source.len(), |close| start + end + close + 4);
            continue;
        }
        let mut inside = start + 2;
        let trims_before = source[inside..].starts_with('~');
        inside += usize::from(trims_before);
        if source[inside..].starts_with('!') {
            let close = if source[inside..].starts_with("!--") { "--}}" } else { "}}" };
            // `--~}}` too.
            let end = source[inside..].find(close).or_else(|| source[inside..].find("}}"));
            at = end.map_or(source.len(), |end| inside + end + close.len());
            continue;
        }
        let mark = ["#>", "#*", "#", "^", "/", ">", "&", "{", "*"]
            .into_iter()
            .find(|mark| source[inside..].starts_with(mark))
            .unwrap_or("");
        inside += mark.len();
        let Some(end) = tag_end(source, inside) else { break };
        let mut content_end = end;
        if mark == "{" {
            content_end = source[..content_end].trim_end_matches('~').len();
        }
        let range_end = end + if mark == "{" { 3 } else { 2 };
        let trims_after = source[..end].ends_with('~') || source[..range_end.min(source.len())].ends_with("}~}}");
        let content_end = source[..content_end].trim_end_matches('~').len().max(inside);
        let trimmed_start = content_end - source[inside..content_end].trim_start().len();
        let trimmed_end = trimmed_start + source[trimmed_start..content_end].trim_end().len();
        out.push(Token {
            range: start..range_end.min(source.len()),
            inside: trimmed_start..trimmed_end,
            mark,
            trims_before,
            trims_after,
        });
        at = range_end.min(source.len());
    }
    out
}

/// Where the `}}` of a tag is, strings passed over.
pub(super) fn tag_end(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut quote = None;
    let mut at = from;
    while at + 1 < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(bytes[at]),
            (None, b'}') if bytes[at + 1] == b'}' => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// A word of a tag.
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Right after `(`, or the tag's first: a helper's name, if anything follows it.
    pub(super) leads: bool,
    pub(super) literal: bool,
}

pub(super) fn words(inside: &str) -> Vec<Word<'_>> {
    let mut out = Vec::new();
    let mut leads = true;
    let mut chars = inside.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        match c {
            '(' => leads = true,
            ')' | '=' | '|' | ',' => {}
            c if c.is_whitespace() => {}
            '"' | '\'' => {
                let mut end = inside.len();
                while let Some((at, next)) = chars.next() {
                    if next == '\\' {
                        chars.next();
                    } else if next == c {
                        end = at + 1;
                        break;
                    }
                }
                out.push(Word { text: &inside[start..end], leads: false, literal: true });
                leads = false;
            }
            _ => {
                let mut end = inside.len();
                while let Some((at, next)) = chars.peek().copied() {
                    if next.is_whitespace() || "()=|,\"'".contains(next) {
                        end = at;
                        break;
                    }
                    chars.next();
                }
                let text = &inside[start..end];
                // `name=` names an argument, no value.
                if chars.peek().is_none_or(|(_, next)| *next != '=') {
                    let literal = c.is_ascii_digit() || c == '-' || matches!(text, "true" | "false" | "null");
                    out.push(Word { text, leads, literal });
                }
                leads = false;
            }
        }
    }
    out
}
