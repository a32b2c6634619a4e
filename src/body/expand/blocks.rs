//! Blocks that Markdown does not know: `:::name` containers (markdown-it-container, Pandoc, Docusaurus, VitePress) and
//! `??? note "Title"` details (MkDocs), as the HTML that stands for them.
//!
//! A container ends at a line of as many colons, or more, or with the body; inside it Markdown goes on.

use std::ops::Range;

use super::super::edits::Edit;
use super::super::tree::{escape_text, escape_value};

/// Whether there may be something to do.
pub fn may_hold(text: &str) -> bool {
    text.contains(":::") || text.contains("???")
}

/// What must change, and which of the written lines are HTML of ours is told by `apply`'s caller: all of them are.
pub fn find(text: &str, code: &[Range<usize>]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut open: Vec<Container> = Vec::new();
    let mut details: Vec<Details> = Vec::new();
    let mut code = code.iter().peekable();
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let range = start..start + line.len();
        start += whole.len();
        while code.next_if(|code| code.end <= range.start).is_some() {}
        let in_code =
            code.peek().is_some_and(|code| code.start < range.end.max(range.start + 1) && code.start <= range.start);
        let indent = line.len() - line.trim_start_matches(' ').len();
        if !line.trim().is_empty() {
            while let Some(ended) = details.pop_if(|details| indent < details.indent + 4) {
                edits.push(Edit::new(
                    range.start..range.start,
                    format!("\n{}</details>\n\n", " ".repeat(ended.indent)),
                ));
            }
        }
        // The content of details is written four columns deeper than it is read.
        let dedent = 4 * details.len();
        if dedent > 0 && indent >= dedent {
            edits.push(Edit::new(range.start..range.start + dedent, ""));
        }
        if in_code && details.is_empty() {
            continue;
        }
        let prefix_length = line.len() - line.trim_start_matches([' ', '>']).len();
        let (prefix, said) = line.split_at(prefix_length);
        let prefix = prefix.get(dedent..).unwrap_or("");
        let at = range.start + dedent.min(prefix_length)..range.end;
        if said.starts_with("???") {
            if let Some(opened) = opened_details(said) {
                edits.push(Edit::new(at, format!("{prefix}{opened}\n{prefix}")));
                details.push(Details { indent });
            }
        } else if said.starts_with(":::") {
            let colons = said.len() - said.trim_start_matches(':').len();
            let name = said.trim_matches(':').trim();
            if name.is_empty() {
                if let Some(ended) = open.pop_if(|container| container.colons <= colons) {
                    edits.push(Edit::new(at, format!("{prefix}\n{prefix}</{}>\n{prefix}", ended.element)));
                }
            } else if let Some((element, html)) = container(name, prefix) {
                edits.push(Edit::new(at, format!("{prefix}\n{prefix}{html}\n{prefix}")));
                open.push(Container { colons, element });
            }
        }
    }
    let mut end = String::new();
    end.extend(details.iter().map(|_| "\n\n</details>\n"));
    end.extend(open.iter().rev().map(|container| format!("\n\n</{}>\n", container.element)));
    if !end.is_empty() {
        edits.push(Edit::new(text.len()..text.len(), end));
    }
    edits
}

struct Container {
    colons: usize,
    element: &'static str,
}

struct Details {
    indent: usize,
}

/// `note Title`, `note[Title]`, `{.note #id}`: the element and its HTML.
fn container(said: &str, prefix: &str) -> Option<(&'static str, String)> {
    let (name, title) = match said.strip_prefix('{') {
        Some(inside) => (inside.split([' ', '}']).find(|part| part.starts_with('.'))?.trim_start_matches('.'), ""),
        None => {
            let end = said.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(said.len());
            let (name, rest) = said.split_at(end);
            let rest = rest.split_once('{').map_or(rest, |(before, _)| before).trim();
            (name, rest.trim_matches(['[', ']', '"']).trim())
        }
    };
    if name.is_empty() {
        return None;
    }
    let mut html = String::new();
    if name == "details" {
        html.push_str("<details><summary>");
        escape_text(if title.is_empty() { "…" } else { title }, &mut html);
        html.push_str("</summary>");
        return Some(("details", html));
    }
    html.push_str("<div class=\"");
    escape_value(name, &mut html);
    html.push_str("\">");
    if !title.is_empty() {
        // Markdown in the title is read.
        html.push_str(&format!("\n{prefix}\n{prefix}**{title}**\n{prefix}"));
    }
    Some(("div", html))
}

/// `???+ note "Title"`.
fn opened_details(line: &str) -> Option<String> {
    let rest = line.strip_prefix("???")?;
    let (is_open, rest) = match rest.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.strip_prefix(' ')?.trim();
    let (classes, title) = match rest.split_once('"') {
        Some((classes, title)) => (classes.trim(), title.trim_end_matches('"')),
        None => (rest, ""),
    };
    let is_class = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    if !classes.chars().all(is_class) || (classes.is_empty() && title.is_empty()) {
        return None;
    }
    let mut html = String::from("<details");
    if !classes.is_empty() {
        html.push_str(&format!(" class=\"{classes}\""));
    }
    html.push_str(if is_open { " open=\"\"><summary>" } else { "><summary>" });
    let mut kind: Vec<char> = classes.split(' ').next().unwrap_or("").chars().collect();
    if let Some(first) = kind.first_mut() {
        *first = first.to_uppercase().next().unwrap_or(*first);
    }
    let kind: String = kind.into_iter().collect();
    escape_text(if title.is_empty() { &kind } else { title }, &mut html);
    html.push_str("</summary>");
    Some(html)
}

#[cfg(test)]
mod tests {
    use super::super::super::edits::apply;
    use super::*;

    fn replaced(text: &str) -> String {
        let out = apply(text, &[], &find(text, &[])).0;
        out.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn containers_nest_by_longer_fences() {
        assert_eq!(
            replaced("::::outer\n:::note Un *titre*\na\n:::\n::::\nb"),
            "<div class=\"outer\">|<div class=\"note\">|**Un *titre***|a|</div>|</div>|b"
        );
        assert_eq!(replaced("::: {.a #b}\nx"), "<div class=\"a\">|x|</div>");
        assert_eq!(replaced(":::"), ":::");
    }

    #[test]
    fn details_end_with_their_indent() {
        assert_eq!(
            replaced("???+ note \"Un titre\"\n    a\n\n    b\nc"),
            "<details class=\"note\" open=\"\"><summary>Un titre</summary>|a|b|</details>|c"
        );
        assert_eq!(replaced("???? quoi"), "???? quoi");
    }
}
