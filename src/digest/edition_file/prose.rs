//! A person's words as HTML and as text.
//!
//! Promises: nothing but `p`, `blockquote`, `br`, `em`, `strong`, `code` and `a` is written, the texts escaped and the
//! addresses absolute web or mail ones.

use super::addresses::Addresses;
use super::blocks::{Block, Inline};
use super::mistakes::Mistakes;
use crate::digest::plan::Prose;
use crate::digest::stamp::escape_html;

/// Paragraphs and quotations as prose; what has no place there is a mistake. `None`: there are no words.
pub fn of(blocks: &[&Block], addresses: &Addresses<'_>, mistakes: &mut Mistakes<'_>) -> Option<Prose> {
    let mut prose = Prose::default();
    for block in blocks {
        write(block, addresses, mistakes, &mut prose);
    }
    (!prose.text.trim().is_empty()).then_some(prose)
}

/// One paragraph.
pub fn paragraph(words: &[Inline], addresses: &Addresses<'_>, mistakes: &mut Mistakes<'_>) -> Option<Prose> {
    let mut prose = Prose::default();
    write_paragraph(words, addresses, mistakes, &mut prose);
    (!prose.text.trim().is_empty()).then_some(prose)
}

/// Two in their order.
pub fn join(first: Option<Prose>, second: Option<Prose>) -> Option<Prose> {
    match (first, second) {
        (Some(first), Some(second)) => Some(Prose {
            html: format!("{}\n{}", first.html, second.html),
            text: format!("{}\n{}", first.text, second.text),
        }),
        (first, second) => first.or(second),
    }
}

fn write(block: &Block, addresses: &Addresses<'_>, mistakes: &mut Mistakes<'_>, prose: &mut Prose) {
    match block {
        Block::Paragraph { words, .. } => write_paragraph(words, addresses, mistakes, prose),
        Block::Quote { blocks, .. } => {
            let mut inner = Prose::default();
            for block in blocks {
                write(block, addresses, mistakes, &mut inner);
            }
            if !inner.text.trim().is_empty() {
                add(prose, &format!("<blockquote>{}</blockquote>", inner.html), &inner.text);
            }
        }
        Block::List { range, .. } => mistakes.no_place("a list", range.clone()),
        Block::Heading { range, .. } => mistakes.no_place("a heading", range.clone()),
        Block::Html { text, range } if is_comment(text) => mistakes.remark_inside(text, range.clone()),
        Block::Html { range, .. } => mistakes.no_place("HTML", range.clone()),
        Block::Other { what, range } => mistakes.no_place(what, range.clone()),
    }
}

fn write_paragraph(words: &[Inline], addresses: &Addresses<'_>, mistakes: &mut Mistakes<'_>, prose: &mut Prose) {
    let (mut html, mut text) = (String::new(), String::new());
    inline(words, addresses, mistakes, &mut html, &mut text);
    if !text.trim().is_empty() {
        add(prose, &format!("<p>{}</p>", html.trim()), text.trim());
    }
}

fn add(prose: &mut Prose, html: &str, text: &str) {
    if !prose.html.is_empty() {
        prose.html.push('\n');
        prose.text.push('\n');
    }
    prose.html.push_str(html);
    prose.text.push_str(text);
}

fn inline(
    words: &[Inline],
    addresses: &Addresses<'_>,
    mistakes: &mut Mistakes<'_>,
    html: &mut String,
    text: &mut String,
) {
    for one in words {
        match one {
            Inline::Text(words) => {
                html.push_str(&escape_html(words));
                text.push_str(words);
            }
            Inline::Code(words) => {
                html.push_str(&format!("<code>{}</code>", escape_html(words)));
                text.push_str(words);
            }
            Inline::Break { hard } => {
                html.push_str(if *hard { "<br>" } else { " " });
                text.push(' ');
            }
            Inline::Emphasis(words) | Inline::Strong(words) => {
                let tag = if matches!(one, Inline::Strong(_)) { "strong" } else { "em" };
                html.push_str(&format!("<{tag}>"));
                inline(words, addresses, mistakes, html, text);
                html.push_str(&format!("</{tag}>"));
            }
            Inline::Link { url, words, range } => match addresses.absolute(url) {
                Some(absolute) => {
                    let before = text.len();
                    html.push_str(&format!("<a href=\"{}\">", escape_html(&absolute)));
                    inline(words, addresses, mistakes, html, text);
                    html.push_str("</a>");
                    let shown = text[before..].trim();
                    if shown.is_empty() {
                        mistakes.no_words("this link has no words", range.clone());
                    } else if shown != absolute && shown != url {
                        let bare = absolute.strip_prefix("mailto:").unwrap_or(&absolute);
                        if shown != bare {
                            text.push_str(&format!(" ({bare})"));
                        }
                    }
                }
                None => mistakes.bad_address(url, range.clone()),
            },
            Inline::Html { text: written, range } if is_comment(written) => {
                mistakes.remark_inside(written, range.clone());
            }
            Inline::Html { range, .. } => mistakes.no_place("HTML", range.clone()),
            Inline::Other { what, range } => mistakes.no_place(what, range.clone()),
        }
    }
}

pub fn is_comment(html: &str) -> bool {
    let html = html.trim();
    html.starts_with("<!--") && html.ends_with("-->") && html.matches("-->").count() == 1
}
