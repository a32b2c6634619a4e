//! A letter's HTML as a frame of the page shows it: pictures from this machine or none, light or dark.
//!
//! Promises: nothing is asked of any other machine; all else stays as the letter has it.
//!
//! BUGS: dark is what a client does that follows `prefers-color-scheme`; what those that invert colours do is not shown.

use super::pictures::Pictures;

/// Which of the four showings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Showing {
    pub dark: bool,
    pub pictures: bool,
}

pub const SHOWINGS: [Showing; 4] = [
    Showing { dark: false, pictures: true },
    Showing { dark: false, pictures: false },
    Showing { dark: true, pictures: true },
    Showing { dark: true, pictures: false },
];

impl Showing {
    /// As an address names it: `light-with`.
    pub fn name(self) -> String {
        let (light, with) =
            (if self.dark { "dark" } else { "light" }, if self.pictures { "with" } else { "without" });
        format!("{light}-{with}")
    }

    pub fn parse(name: &str) -> Option<Showing> {
        SHOWINGS.into_iter().find(|showing| showing.name() == name)
    }
}

/// What a picture that is not shown has for an address: as broken as a blocked one, so that its alternative text stands.
const BLOCKED: &str = "data:,";

/// A letter's HTML for one showing. `up` leads from the frame's address to the page's folder.
pub fn letter(html: &str, showing: Showing, pictures: &Pictures, up: &str) -> String {
    let html = with_pictures(html, |address| match showing.pictures {
        true => pictures.name(address).map(|name| format!("{up}picture/{name}")),
        false => None,
    });
    let html = in_scheme(&html, showing.dark);
    let scheme = if showing.dark { "dark" } else { "light" };
    // The letter's own `color-scheme` would follow the person's machine.
    let head = format!("<base target=\"_blank\"><style>:root {{ color-scheme: {scheme} !important; }}</style>");
    match html.find("<head>") {
        Some(at) => {
            let (before, after) = html.split_at(at + "<head>".len());
            [before, &head, after].concat()
        }
        None => head + &html,
    }
}

/// `prefers-color-scheme` answered here instead of by the machine; the rest of each query stays as it is.
fn in_scheme(html: &str, dark: bool) -> String {
    const TRUE: &str = "(min-width: 0px)";
    const FALSE: &str = "(max-width: 0px)";
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find("(prefers-color-scheme") {
        let Some(end) = rest[at..].find(')').map(|end| at + end + 1) else { break };
        out.push_str(&rest[..at]);
        let asked = rest[at..end].trim_end_matches(')').rsplit(':').next().unwrap_or_default().trim();
        out.push_str(if (asked == "dark") == dark { TRUE } else { FALSE });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// HTML with the address of every picture replaced; where there is none, the picture is as good as blocked. `srcset` goes,
/// and a film's `poster` is handled as a picture.
pub fn with_pictures(html: &str, mut resolve: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((at, name)) = next_tag(rest) {
        let end = tag_end(&rest[at..]).map_or(rest.len(), |end| at + end);
        out.push_str(&rest[..at + 1 + name.len()]);
        attributes(&rest[at + 1 + name.len()..end], |attribute, value, written| {
            let address = match (name, attribute) {
                ("source", _) | ("img", "srcset") => return,
                ("img", "src") | ("video", "poster") => value,
                _ => return out.push_str(written),
            };
            let shown = resolve(&address.replace("&amp;", "&")).unwrap_or_else(|| BLOCKED.to_string());
            out.push_str(&format!(" {attribute}=\"{shown}\""));
        });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Where the next tag stands that may show a picture, and its name.
fn next_tag(html: &str) -> Option<(usize, &'static str)> {
    let mut from = 0;
    while let Some(at) = html[from..].find('<').map(|at| from + at) {
        let after = &html[at + 1..];
        for name in ["img", "video", "source"] {
            let is_it = after.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            if is_it && after[name.len()..].starts_with([' ', '\n', '\t', '\r', '>', '/']) {
                return Some((at, name));
            }
        }
        from = at + 1;
    }
    None
}

/// Where a tag ends: behind its `>`, quotes respected.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Every attribute of a tag's inside with its value and as it is written, the space before it included; what stands behind
/// the last one comes last, without a name.
fn attributes<'a>(inside: &'a str, mut each: impl FnMut(&str, &'a str, &'a str)) {
    let mut rest = inside;
    loop {
        let start = rest.len() - rest.trim_start().len();
        let name_end =
            rest[start..].find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).map(|n| start + n);
        let Some(name_end) = name_end.filter(|end| *end > start) else { break };
        let name = rest[start..name_end].to_ascii_lowercase();
        let (value, end) = match rest[name_end..].strip_prefix('=') {
            Some(after) => match after.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let close = after[1..].find(quote).map_or(after.len(), |at| at + 1);
                    (&after[1.min(close)..close], name_end + 1 + (close + 1).min(after.len()))
                }
                _ => {
                    let close = after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len());
                    (&after[..close], name_end + 1 + close)
                }
            },
            None => ("", name_end),
        };
        each(&name, value, &rest[..end]);
        rest = &rest[end..];
    }
    each("", "", rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_shown_from_here_or_blocked_and_all_else_stays() {
        let html = "<p title=\"<img src='no'>\">a</p><img alt=\"x > y\" src=\"https://e.org/a?b&amp;c\" srcset=\"z 2x\" \
                    width=\"1\"><IMG src='u' /><imgx src=\"k\"><video poster=\"p\" controls>";
        let mut asked = Vec::new();
        let shown = with_pictures(html, |address| {
            asked.push(address.to_string());
            address.starts_with("https").then(|| "picture/1".to_string())
        });
        // The first is text of an attribute, where it does no harm.
        assert_eq!(asked[1..], ["https://e.org/a?b&c", "u", "p"]);
        assert!(
            shown.ends_with(
                "<img alt=\"x > y\" src=\"picture/1\" width=\"1\"><IMG src=\"data:,\" /><imgx src=\"k\">\
                 <video poster=\"data:,\" controls>"
            ),
            "{shown}"
        );
    }

    #[test]
    fn the_scheme_is_answered_here_and_the_rest_of_a_query_stays() {
        let html = "@media (prefers-color-scheme: dark) and (max-width: 9px) { a } @media (prefers-color-scheme:light) { b }";
        let dark = "@media (min-width: 0px) and (max-width: 9px) { a } @media (max-width: 0px) { b }";
        let light = "@media (max-width: 0px) and (max-width: 9px) { a } @media (min-width: 0px) { b }";
        assert_eq!(in_scheme(html, true), dark);
        assert_eq!(in_scheme(html, false), light);
        assert_eq!(in_scheme("(prefers-color-scheme: dark", true), "(prefers-color-scheme: dark");
    }
}
