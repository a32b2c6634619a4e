//! The tree as plain text, for a letter's text part and for summaries.
//!
//! Headings are underlined (first and second rank) or stand alone, lists keep their marks and numbers, quotes get `> `,
//! tables a line a row, links their address in brackets after their text, pictures their alternative text, embeds their
//! title and address. Lines are as long as their paragraph: whoever sends them wraps them.
//!
//! BUGS: a table's cells are separated by ` | `, not set in columns.

use super::tree::{Element, Node, is_block, text_content};

/// The whole text; blocks are separated by an empty line, and the last line ends in a line break unless all is empty.
pub fn write(nodes: &[Node]) -> String {
    let mut blocks = Vec::new();
    write_blocks(nodes, &mut blocks);
    let mut out = blocks.join("\n\n");
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The first sentences, in one line, cut at a word with `…` so that it has at most `max_chars` characters. Headings,
/// code, tables, pictures and embeds are left out as long as there is anything else.
pub fn summary(nodes: &[Node], max_chars: usize) -> String {
    let mut prose = String::new();
    gather_prose(nodes, max_chars.saturating_mul(4), &mut prose);
    let mut words = one_line(&prose);
    if words.is_empty() {
        words = one_line(&text_content(nodes));
    }
    cut(&words, max_chars)
}

/// `text` with at most `max_chars` characters, cut at a word with `…`.
pub fn cut(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_string();
    }
    let Some(room) = max_chars.checked_sub(1) else { return String::new() };
    let end = text.char_indices().nth(room).map_or(text.len(), |(index, _)| index);
    let next_is_space = text[end..].starts_with(' ');
    let kept = &text[..end];
    let kept = match kept.rfind(' ') {
        Some(space) if !next_is_space => &kept[..space],
        _ => kept,
    };
    let kept =
        kept.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '(' | '«' | '–' | '-'));
    format!("{kept}…")
}

fn one_line(text: &str) -> String {
    text.split([' ', '\n', '\t', '\r']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn gather_prose(nodes: &[Node], enough: usize, out: &mut String) {
    for node in nodes {
        if out.len() > enough {
            return;
        }
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Element(element) => match element.name.as_str() {
                "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "table" | "figure" | "img" | "summary"
                | "video" | "audio" => {}
                "sup" if element.attribute("class") == Some("footnote-ref") => {}
                "section" if element.attribute("class") == Some("footnotes") => {}
                "br" => out.push(' '),
                name => {
                    gather_prose(&element.children, enough, out);
                    if is_block(name) {
                        out.push(' ');
                    }
                }
            },
        }
    }
}

fn write_blocks(nodes: &[Node], blocks: &mut Vec<String>) {
    let mut line: Vec<&Node> = Vec::new();
    for node in nodes {
        match node {
            Node::Element(element) if is_block(&element.name) || is_media(element) || holds_block(element) => {
                close_line(&mut line, blocks);
                write_block(element, blocks);
            }
            node => line.push(node),
        }
    }
    close_line(&mut line, blocks);
}

fn is_media(element: &Element) -> bool {
    matches!(element.name.as_str(), "video" | "audio")
}

fn holds_block(element: &Element) -> bool {
    element.children.iter().filter_map(Node::element).any(|child| is_block(&child.name) || holds_block(child))
}

fn close_line(line: &mut Vec<&Node>, blocks: &mut Vec<String>) {
    let mut out = String::new();
    for node in line.drain(..) {
        write_inline(node, &mut out);
    }
    push_block(tidy(&out), blocks);
}

fn push_block(text: String, blocks: &mut Vec<String>) {
    if !text.is_empty() {
        blocks.push(text);
    }
}

fn write_block(element: &Element, blocks: &mut Vec<String>) {
    match element.name.as_str() {
        "h1" | "h2" => {
            let title = inline(&element.children);
            if !title.is_empty() {
                let width = title.lines().map(|line| line.chars().count()).max().unwrap_or(0).min(72);
                let rule = if element.name == "h1" { "=" } else { "-" };
                blocks.push(format!("{title}\n{}", rule.repeat(width)));
            }
        }
        "ul" | "ol" => push_block(list(element), blocks),
        "blockquote" => push_block(prefixed(&write_inner(&element.children), "> ", "> "), blocks),
        "pre" => {
            let code = text_content(&element.children);
            push_block(prefixed(code.trim_matches('\n'), "    ", "    "), blocks);
        }
        "hr" => blocks.push("* * *".to_string()),
        "table" => push_block(table(element), blocks),
        "figure" if element.attribute("data-embed").is_some() => {
            let title = element.children.iter().filter_map(Node::element).find(|e| e.name == "figcaption");
            let title = title.map(|caption| one_line(&text_content(&caption.children))).unwrap_or_default();
            let address = element.attribute("data-embed").unwrap_or("");
            push_block(format!("{title}\n{address}").trim().to_string(), blocks);
        }
        "video" | "audio" => {
            let source = element.attribute("src").map(str::to_string).or_else(|| {
                let source = element.children.iter().filter_map(Node::element).find(|e| e.name == "source")?;
                source.attribute("src").map(str::to_string)
            });
            push_block(source.unwrap_or_else(|| inline(&element.children)), blocks);
        }
        "dd" => push_block(prefixed(&write_inner(&element.children), "    ", "    "), blocks),
        _ => write_blocks(&element.children, blocks),
    }
}

/// Blocks in blocks: as `write`, without the last line break.
fn write_inner(nodes: &[Node]) -> String {
    let mut blocks = Vec::new();
    write_blocks(nodes, &mut blocks);
    blocks.join("\n\n")
}

fn list(element: &Element) -> String {
    let first = element.attribute("start").and_then(|start| start.parse::<i32>().ok()).map_or(1, i64::from);
    let mut items = Vec::new();
    let mut is_loose = false;
    for (number, item) in (first..).zip(element.children.iter().filter_map(Node::element)) {
        let mark = if element.name == "ol" { format!("{number}. ") } else { "- ".to_string() };
        let indent = " ".repeat(mark.chars().count());
        // A list inside follows its item's line at once; paragraphs stay apart.
        let mut text = String::new();
        let mut blocks = Vec::new();
        let has_paragraphs = item.children.iter().filter_map(Node::element).filter(|e| e.name == "p").count() > 1;
        is_loose |= has_paragraphs;
        write_blocks(&item.children, &mut blocks);
        for (index, block) in blocks.iter().enumerate() {
            if index > 0 {
                text.push_str(if has_paragraphs { "\n\n" } else { "\n" });
            }
            text.push_str(block);
        }
        items.push(prefixed(&text, &mark, &indent));
    }
    items.retain(|item| !item.trim().is_empty());
    items.join(if is_loose { "\n\n" } else { "\n" })
}

fn table(element: &Element) -> String {
    let mut rows = Vec::new();
    gather_rows(element, &mut rows);
    rows.join("\n")
}

fn gather_rows(element: &Element, rows: &mut Vec<String>) {
    for child in element.children.iter().filter_map(Node::element) {
        match child.name.as_str() {
            "tr" => {
                let cells: Vec<String> = child
                    .children
                    .iter()
                    .filter_map(Node::element)
                    .map(|cell| one_line(&write_inner(&cell.children)))
                    .collect();
                let row = cells.join(" | ");
                let is_head = child.children.iter().filter_map(Node::element).all(|cell| cell.name == "th");
                let rule = "-".repeat(row.chars().count().min(72));
                rows.push(row);
                if is_head && rows.len() == 1 {
                    rows.push(rule);
                }
            }
            "caption" => rows.push(inline(&child.children)),
            _ => gather_rows(child, rows),
        }
    }
}

/// Every line with a prefix, the first with its own; empty lines get none beyond what shows.
fn prefixed(text: &str, first: &str, other: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let prefix = if index == 0 { first } else { other };
        out.push_str(if line.is_empty() { prefix.trim_end() } else { prefix });
        out.push_str(line);
    }
    out
}

fn inline(nodes: &[Node]) -> String {
    let mut out = String::new();
    for node in nodes {
        write_inline(node, &mut out);
    }
    tidy(&out)
}

/// A line break that is meant; all other white space is one space.
const BREAK: char = '\u{b}';

fn write_inline(node: &Node, out: &mut String) {
    let element = match node {
        Node::Text(text) => return out.push_str(text),
        Node::Element(element) => element,
    };
    match element.name.as_str() {
        "br" => out.push(BREAK),
        "img" => out.push_str(element.attribute("alt").unwrap_or("")),
        "a" if element.attribute("class") == Some("footnote-backref") => {}
        "sup" if element.attribute("class") == Some("footnote-ref") => out.push_str(&text_content(&element.children)),
        "a" => {
            let start = out.len();
            for child in &element.children {
                write_inline(child, out);
            }
            let shown = out[start..].trim();
            let Some(href) = element.attribute("href").filter(|href| !says_the_same(shown, href)) else { return };
            if shown.is_empty() {
                out.push_str(href);
            } else {
                out.truncate(out.trim_end().len());
                out.push_str(&format!(" ({href})"));
            }
        }
        "q" => {
            out.push('"');
            element.children.iter().for_each(|child| write_inline(child, out));
            out.push('"');
        }
        _ => element.children.iter().for_each(|child| write_inline(child, out)),
    }
}

/// A link whose text is its address already.
fn says_the_same(shown: &str, href: &str) -> bool {
    let bare = |address: &str| {
        let address = address.strip_prefix("mailto:").unwrap_or(address);
        let address = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")).unwrap_or(address);
        address.trim_end_matches('/').to_string()
    };
    bare(shown) == bare(href)
}

/// White space as HTML reads it; no-break spaces stay.
fn tidy(text: &str) -> String {
    text.split(BREAK).map(one_line).collect::<Vec<_>>().join("\n").trim_matches('\n').to_string()
}
