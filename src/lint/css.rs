//! Just enough CSS to know what a letter's styles say: declarations, rules with the at-rules around them, selectors.
//!
//! BUGS: a selector with a pseudo-class, or with what is not known here, matches nothing.

use std::ops::Range;

use super::page::{Element, Page};

/// `name: value`, with where it stands in the text that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// In lower case.
    pub name: String,
    /// In lower case but for what stands in quotes and parentheses, without `!important`.
    pub value: String,
    pub important: bool,
    pub range: Range<usize>,
}

/// A rule of a style sheet.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The at-rules around it (`@media …`), outermost first, in lower case; of an at-rule without a block, itself.
    pub within: Vec<String>,
    /// Empty for an at-rule without selectors: `@import`, `@font-face`.
    pub selectors: String,
    pub declarations: Vec<Declaration>,
    pub range: Range<usize>,
}

impl Rule {
    /// Whether it holds in a program that shows letters on a dark ground.
    pub fn is_for_dark(&self) -> bool {
        self.within.iter().any(|at| at.replace(' ', "").contains("prefers-color-scheme:dark"))
    }
}

/// The declarations of a `style` attribute or of a rule's block; `offset` is where `text` stands.
pub fn declarations(text: &str, offset: usize) -> Vec<Declaration> {
    let text = without_comments(text);
    let mut found = Vec::new();
    let mut start = 0;
    for end in ends(&text, ';').into_iter().chain([text.len()]) {
        let piece = &text[start..end];
        if let Some((name, value)) = piece.split_once(':') {
            let lead = name.len() - name.trim_start().len();
            let (value, important) = match value.rfind('!') {
                Some(mark) if value[mark + 1..].trim().eq_ignore_ascii_case("important") => (&value[..mark], true),
                _ => (value, false),
            };
            found.push(Declaration {
                name: name.trim().to_ascii_lowercase(),
                value: lower(value.trim()),
                important,
                range: offset + start + lead..offset + start + piece.trim_end().len(),
            });
        }
        start = (end + 1).min(text.len());
    }
    found
}

/// The rules of a style sheet that stands at `offset`.
pub fn rules(text: &str, offset: usize) -> Vec<Rule> {
    let text = without_comments(text);
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut within: Vec<String> = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b';' => {
                let prelude = text[start..at].trim();
                if prelude.starts_with('@') {
                    let lead = text[start..at].len() - text[start..at].trim_start().len();
                    found.push(Rule {
                        within: within.iter().cloned().chain([prelude.to_ascii_lowercase()]).collect(),
                        selectors: String::new(),
                        declarations: Vec::new(),
                        range: offset + start + lead..offset + at,
                    });
                }
                start = at + 1;
            }
            b'}' => {
                within.pop();
                start = at + 1;
            }
            b'{' => {
                let lead = text[start..at].len() - text[start..at].trim_start().len();
                let prelude = text[start..at].trim().to_string();
                let block = at + 1;
                let holds_rules = ["@media", "@supports", "@layer", "@container", "@-moz-document", "@scope"]
                    .iter()
                    .any(|name| prelude.to_ascii_lowercase().starts_with(name));
                if holds_rules {
                    within.push(prelude.to_ascii_lowercase());
                    start = block;
                } else {
                    let length = block_length(&text[block..]);
                    let mut around = within.clone();
                    let selectors = if prelude.starts_with('@') {
                        around.push(prelude.to_ascii_lowercase());
                        String::new()
                    } else {
                        prelude
                    };
                    found.push(Rule {
                        within: around,
                        selectors,
                        declarations: declarations(&text[block..block + length], offset + block),
                        range: offset + start + lead..offset + at,
                    });
                    at = block + length;
                    start = (at + 1).min(text.len());
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// How long a block is, up to its `}`.
fn block_length(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Where `mark` stands outside of quotes and parentheses.
fn ends(text: &str, mark: char) -> Vec<usize> {
    let (mut found, mut quote, mut depth) = (Vec::new(), None, 0usize);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, c) if c == mark && depth == 0 => found.push(at),
            _ => {}
        }
    }
    found
}

/// Comments as spaces: every place stays where it is.
fn without_comments(text: &str) -> String {
    let mut out = text.to_string();
    while let Some(start) = out.find("/*") {
        let end = out[start + 2..].find("*/").map_or(out.len(), |n| start + 2 + n + 2);
        out.replace_range(start..end, &" ".repeat(end - start));
    }
    out
}

/// In lower case, but for what stands in quotes and in `url(…)`.
fn lower(value: &str) -> String {
    if value.contains(['"', '\'']) || value.to_ascii_lowercase().contains("url(") {
        return value.to_string();
    }
    value.to_ascii_lowercase()
}

/// The addresses of a value's `url(…)`.
pub fn addresses(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.to_ascii_lowercase().find("url(") {
        rest = &rest[at + 4..];
        let end = rest.find(')').unwrap_or(rest.len());
        found.push(rest[..end].trim().trim_matches(['"', '\'']).to_string());
        rest = &rest[end..];
    }
    found
}

/// How strongly one of these selectors holds for an element, if one does: numbers of ids, of classes, of names.
pub fn matches(selectors: &str, page: &Page<'_>, id: usize) -> Option<(usize, usize, usize)> {
    let mut start = 0;
    let mut best = None;
    for end in ends(selectors, ',').into_iter().chain([selectors.len()]) {
        best = best.max(match_one(selectors[start..end].trim(), page, id));
        start = (end + 1).min(selectors.len());
    }
    best
}

fn match_one(selector: &str, page: &Page<'_>, id: usize) -> Option<(usize, usize, usize)> {
    let mut weight = (0, 0, 0);
    let spaced = selector.replace('>', " > ");
    let mut parts = spaced.split_ascii_whitespace().rev().peekable();
    let own = page.element(id)?;
    let first = parts.next()?;
    add(&mut weight, compound(first, own)?);
    let mut around = page.around(id);
    while let Some(part) = parts.next() {
        let direct = part == ">";
        let part = if direct { parts.next()? } else { part };
        loop {
            let (_, element) = around.next()?;
            match compound(part, element) {
                Some(more) => {
                    add(&mut weight, more);
                    break;
                }
                None if direct => return None,
                None => {}
            }
        }
    }
    Some(weight)
}

fn add(weight: &mut (usize, usize, usize), more: (usize, usize, usize)) {
    *weight = (weight.0 + more.0, weight.1 + more.1, weight.2 + more.2);
}

/// `td.a.b#c[lang=fr]` against one element.
fn compound(selector: &str, element: &Element) -> Option<(usize, usize, usize)> {
    let mut weight = (0, 0, 0);
    let name_end = selector.find(['.', '#', '[', ':']).unwrap_or(selector.len());
    let name = &selector[..name_end];
    if name != "*" && !name.is_empty() {
        if !name.eq_ignore_ascii_case(&element.name) {
            return None;
        }
        weight.2 += 1;
    }
    let mut rest = &selector[name_end..];
    while let Some(mark) = rest.chars().next() {
        rest = &rest[mark.len_utf8()..];
        let length = match mark {
            '[' => rest.find(']')?,
            _ => rest.find(['.', '#', '[', ':']).unwrap_or(rest.len()),
        };
        let word = &rest[..length];
        match mark {
            '.' if element.classes().any(|class| class == word) => weight.1 += 1,
            '#' if element.value("id") == Some(word) => weight.0 += 1,
            '[' => {
                let (name, value) = match word.split_once('=') {
                    Some((name, value)) => (name, Some(value.trim_matches(['"', '\'']))),
                    None => (word, None),
                };
                let own = element.value(name.trim_end_matches(['~', '|', '^', '$', '*']))?;
                if value.is_some_and(|value| own != value) {
                    return None;
                }
                weight.1 += 1;
            }
            _ => return None,
        }
        rest = &rest[length + usize::from(mark == '[')..];
    }
    Some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_have_their_places() {
        let text = "Color: RED; background:url(\"a;b.png\") ; /* x: y; */ margin: 0 !important";
        let told: Vec<(String, String, bool, &str)> =
            declarations(text, 0).into_iter().map(|d| (d.name, d.value, d.important, &text[d.range])).collect();
        assert_eq!(
            told,
            [
                ("color".into(), "red".into(), false, "Color: RED"),
                ("background".into(), "url(\"a;b.png\")".into(), false, "background:url(\"a;b.png\")"),
                ("margin".into(), "0".into(), true, "margin: 0 !important"),
            ]
        );
        assert_eq!(addresses("url( 'a.png' ), URL(b.png)"), ["a.png", "b.png"]);
    }

    #[test]
    fn rules_know_the_at_rules_around_them() {
        let sheet = "@import 'x.css'; a, .b { color: red } @media (prefers-color-scheme:  dark) { .c { color: blue; } } \
                     @font-face { src: url(f.woff) } .d{}";
        let told: Vec<(Vec<String>, String, usize, bool)> = rules(sheet, 0)
            .into_iter()
            .map(|r| {
                let dark = r.is_for_dark();
                (r.within, r.selectors, r.declarations.len(), dark)
            })
            .collect();
        assert_eq!(
            told,
            [
                (vec!["@import 'x.css'".to_string()], String::new(), 0, false),
                (vec![], "a, .b".to_string(), 1, false),
                (vec!["@media (prefers-color-scheme:  dark)".to_string()], ".c".to_string(), 1, true),
                (vec!["@font-face".to_string()], String::new(), 1, false),
                (vec![], ".d".to_string(), 0, false),
            ]
        );
    }

    #[test]
    fn selectors_match_by_name_class_id_and_what_is_around() {
        let page = Page::read("<table class=\"a b\"><tr><td id=c lang=fr><a class=link>x</a></td></tr></table>");
        let link = page.elements().find(|(_, _, e)| e.name == "a").map(|(id, ..)| id).expect("a link");
        for (selector, expected) in [
            ("a", Some((0, 0, 1))),
            (".link", Some((0, 1, 0))),
            ("p, .a.b a.link", Some((0, 3, 1))),
            ("#c > a", Some((1, 0, 1))),
            ("table > a", None),
            ("td[lang=\"fr\"] a", Some((0, 1, 2))),
            ("[data-ogsc] a", None),
            ("a:hover", None),
            ("", None),
        ] {
            assert_eq!(matches(selector, &page, link), expected, "{selector}");
        }
    }
}
