//! Finds template code in a body: `{{ … }}`, `{% … %}`, `{{< … >}}`, `{{% … %}}`, `{# … #}`.
//!
//! Code that the author shows is left alone, but for `{% raw %}` in it, which the site's generator takes away there too.
//!
//! Promises: time grows with the text's length; a piece of template code is at most [`LONGEST`] bytes long, what does
//! not close within them is text (and the guard's business).

use std::ops::Range;

/// The longest piece of template code, in bytes.
const LONGEST: usize = 4096;

/// Who spells it this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `{% name "a" %}`: Eleventy, Jekyll; Zola's with parentheses.
    Tag,
    /// `{{< name a >}}` and `{{% name a %}}`: Hugo.
    Hugo,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'t> {
    Text,
    /// `{{ code }}`.
    Output(&'t str),
    /// `{% name arguments %}` and Hugo's.
    Tag {
        style: Style,
        name: &'t str,
        arguments: &'t str,
        closes: bool,
        is_whole: bool,
    },
    /// What is between `{% raw %}` and `{% endraw %}`, to be shown as it is.
    Raw(Range<usize>),
    /// Left out without a word: a comment, or `{% raw %}` in code.
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    pub kind: Kind<'t>,
    /// In the text that was scanned.
    pub range: Range<usize>,
    /// `{%-`: white space before it goes.
    pub trims_before: bool,
    /// `-%}`: white space after it goes.
    pub trims_after: bool,
}

pub fn scan<'t>(text: &'t str, code: &[Range<usize>]) -> Vec<Token<'t>> {
    Scanner { text, code, code_index: 0, tokens: Vec::new(), written: 0 }.scan()
}

struct Scanner<'t, 'c> {
    text: &'t str,
    code: &'c [Range<usize>],
    code_index: usize,
    tokens: Vec<Token<'t>>,
    /// Up to here the text is in tokens.
    written: usize,
}

impl<'t> Scanner<'t, '_> {
    fn scan(mut self) -> Vec<Token<'t>> {
        let mut position = 0;
        while let Some(found) = self.text[position..].find('{') {
            let start = position + found;
            position = match self.token_at(start) {
                Some(token) => {
                    let end = token.range.end;
                    self.push(token);
                    end
                }
                None => start + 1,
            };
        }
        self.text_until(self.text.len());
        self.tokens
    }

    fn push(&mut self, token: Token<'t>) {
        self.text_until(token.range.start);
        self.written = token.range.end;
        self.tokens.push(token);
    }

    fn text_until(&mut self, end: usize) {
        if self.written < end {
            let range = self.written..end;
            self.tokens.push(Token { kind: Kind::Text, range, trims_before: false, trims_after: false });
        }
    }

    fn is_code(&mut self, position: usize) -> bool {
        while self.code.get(self.code_index).is_some_and(|range| range.end <= position) {
            self.code_index += 1;
        }
        self.code.get(self.code_index).is_some_and(|range| range.contains(&position))
    }

    fn token_at(&mut self, start: usize) -> Option<Token<'t>> {
        let rest = &self.text[start..];
        let kind = rest.as_bytes().get(1)?;
        let in_code = matches!(kind, b'{' | b'%') && self.is_code(start);
        match kind {
            b'%' => {
                let (inside, end) = close(rest, 2, "%}")?;
                let (code, trims_before, trims_after) = trimmed(inside);
                let (name, arguments) = split_name(code);
                let range = start..start + end;
                let is_raw = matches!(name, "raw" | "verbatim" | "endraw" | "endverbatim");
                if in_code {
                    let kind = Kind::Nothing;
                    return is_raw.then_some(Token { kind, range, trims_before: false, trims_after: false });
                }
                if matches!(name, "raw" | "verbatim" | "comment")
                    && let Some((inside, after)) = self.raw_until(range.end, name)
                {
                    let kind = if name == "comment" { Kind::Nothing } else { Kind::Raw(inside) };
                    return Some(Token { kind, range: start..after, trims_before, trims_after: false });
                }
                if name == "#" || name.is_empty() && code.starts_with('#') {
                    return Some(Token { kind: Kind::Nothing, range, trims_before, trims_after });
                }
                let closes = name.len() > 3 && name.starts_with("end") || name == "end";
                let kind = Kind::Tag { style: Style::Tag, name, arguments, closes, is_whole: false };
                Some(Token { kind, range, trims_before, trims_after })
            }
            b'{' if in_code => None,
            b'{' => {
                for (opening, closing) in [("{{<", ">}}"), ("{{%", "%}}")] {
                    if rest.starts_with(opening) {
                        let (inside, end) = close(rest, 3, closing)?;
                        return Some(hugo(start, end, inside, rest));
                    }
                }
                let (inside, end) = close(rest, 2, "}}")?;
                let range = start..start + end;
                let (code, trims_before, trims_after) = trimmed(inside);
                let kind = if code.starts_with("/*") { Kind::Nothing } else { Kind::Output(code) };
                Some(Token { kind, range, trims_before, trims_after })
            }
            b'#' => {
                // `{#name}` gives a heading its name; a comment has a blank.
                let comments = rest[2..].starts_with([' ', '-', '\n']);
                let (_, end) = comments.then(|| close(rest, 2, "#}")).flatten().filter(|_| !self.is_code(start))?;
                Some(Token {
                    kind: Kind::Nothing,
                    range: start..start + end,
                    trims_before: false,
                    trims_after: false,
                })
            }
            _ => None,
        }
    }

    /// What lies between here and the tag that ends `name`, and where that tag ends.
    fn raw_until(&self, from: usize, name: &str) -> Option<(Range<usize>, usize)> {
        let ending = format!("end{name}");
        let mut position = from;
        while let Some(found) = self.text[position..].find(&ending) {
            let at = position + found;
            let before = self.text[from..at].trim_end_matches(['-', ' ', '\t', '\n']);
            let after = self.text[at + ending.len()..].trim_start_matches(['-', ' ', '\t', '\n']);
            if before.ends_with("{%") && after.starts_with("%}") {
                let inside = from..from + before.len() - 2;
                return Some((inside, self.text.len() - after.len() + 2));
            }
            position = at + ending.len();
        }
        None
    }
}

/// The text from `skip` to the closing mark, and where the mark ends. Marks in quotation marks don't count, unless
/// there is none other.
fn close<'t>(text: &'t str, skip: usize, closing: &str) -> Option<(&'t str, usize)> {
    let mut limit = text.len().min(LONGEST);
    while !text.is_char_boundary(limit) {
        limit -= 1;
    }
    let window = &text[..limit];
    let plain = window.get(skip..)?.find(closing)? + skip;
    let mut quote = None;
    let mut found = plain;
    if window[skip..plain].contains(['"', '\'', '`']) {
        for (index, byte) in window.bytes().enumerate().skip(skip) {
            match (quote, byte) {
                (None, b'"' | b'\'' | b'`') => quote = Some(byte),
                (Some(open), byte) if open == byte => quote = None,
                (None, _) if window.as_bytes()[index..].starts_with(closing.as_bytes()) => {
                    found = index;
                    break;
                }
                _ => {}
            }
        }
    }
    Some((&window[skip..found], found + closing.len()))
}

fn trimmed(inside: &str) -> (&str, bool, bool) {
    let (inside, before) = match inside.strip_prefix(['-', '~']) {
        Some(inside) => (inside, true),
        None => (inside.strip_prefix('+').unwrap_or(inside), false),
    };
    let (inside, after) = match inside.strip_suffix(['-', '~']) {
        Some(inside) => (inside, true),
        None => (inside, false),
    };
    (inside.trim(), before, after)
}

fn split_name(code: &str) -> (&str, &str) {
    let end = code.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))).unwrap_or(code.len());
    (&code[..end], code[end..].trim())
}

fn hugo<'t>(start: usize, end: usize, inside: &'t str, rest: &'t str) -> Token<'t> {
    let range = start..start + end;
    let code = inside.trim();
    let kind = if let Some(shown) = code.strip_prefix("/*").and_then(|code| code.strip_suffix("*/")) {
        // `{{</* name */>}}` is how Hugo's own documentation shows a shortcode.
        let _ = (shown, rest);
        Kind::Raw(range.clone())
    } else {
        let (code, closes) = match code.strip_prefix('/') {
            Some(code) => (code.trim(), true),
            None => (code, false),
        };
        let (code, is_whole) = match code.strip_suffix('/') {
            Some(code) => (code.trim(), true),
            None => (code, false),
        };
        let (name, arguments) = split_name(code);
        Kind::Tag { style: Style::Hugo, name, arguments, closes, is_whole }
    };
    Token { kind, range, trims_before: false, trims_after: false }
}

/// For each token, the one that closes it, when there is one.
pub fn partners(tokens: &[Token]) -> Vec<Option<usize>> {
    use std::collections::HashMap;
    let mut partners = vec![None; tokens.len()];
    // Open tags, innermost last, and where each name stands among them.
    let mut open: Vec<usize> = Vec::new();
    let mut by_name: HashMap<(bool, &str), Vec<usize>> = HashMap::new();
    // Zola's `{% end %}` closes whatever was called with parentheses.
    let mut calls: Vec<usize> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let Kind::Tag { style, name, arguments, closes, is_whole } = &token.kind else { continue };
        let is_hugo = *style == Style::Hugo;
        if !closes {
            if !is_whole {
                by_name.entry((is_hugo, name)).or_default().push(open.len());
                if arguments.starts_with('(') {
                    calls.push(open.len());
                }
                open.push(index);
            }
            continue;
        }
        let depth = if !is_hugo && *name == "end" {
            calls.iter().rev().copied().find(|depth| *depth < open.len())
        } else {
            let opened = if is_hugo { name } else { &name[3..] };
            by_name.get(&(is_hugo, opened)).and_then(|depths| depths.last()).copied()
        };
        let Some(depth) = depth else { continue };
        partners[open[depth]] = Some(index);
        // What was opened inside and not closed has no partner.
        for opened in open.drain(depth..) {
            if let Kind::Tag { style, name, .. } = &tokens[opened].kind
                && let Some(depths) = by_name.get_mut(&(*style == Style::Hugo, name))
            {
                depths.pop();
            }
        }
        while calls.last().is_some_and(|call| *call >= depth) {
            calls.pop();
        }
    }
    partners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind<'_>> {
        scan(text, &[]).into_iter().map(|token| token.kind).filter(|kind| *kind != Kind::Text).collect()
    }

    #[test]
    fn marks_in_quotes_do_not_close() {
        assert_eq!(kinds("a {{ \"}}\" | x }} b"), [Kind::Output("\"}}\" | x")]);
        assert_eq!(kinds("{{ it's }} {{ b }}"), [Kind::Output("it's"), Kind::Output("b")]);
        assert_eq!(kinds("{{ a"), []);
    }

    #[test]
    fn raw_ends_at_its_own_end() {
        assert_eq!(kinds("{% raw %}{{{% endraw %} x }}"), [Kind::Raw(9..11)]);
        assert_eq!(kinds("{%raw%} {{ a }} endraw {%- endraw -%}"), [Kind::Raw(7..23)]);
    }

    #[test]
    fn names_and_arguments_are_told_apart() {
        let tag = |style, name, arguments, closes| Kind::Tag { style, name, arguments, closes, is_whole: false };
        assert_eq!(kinds("{%- dailymotion \"x\" -%}"), [tag(Style::Tag, "dailymotion", "\"x\"", false)]);
        assert_eq!(kinds("{% endnote %}"), [tag(Style::Tag, "endnote", "", true)]);
        assert_eq!(
            kinds("{{< note a=\"b\" >}}x{{< /note >}}"),
            [tag(Style::Hugo, "note", "a=\"b\"", false), tag(Style::Hugo, "note", "", true)]
        );
        assert_eq!(kinds("{% note(a=1) %}"), [tag(Style::Tag, "note", "(a=1)", false)]);
    }
}
