//! Rewrites the lines that pulldown-cmark reads otherwise than markdown-it with the same options.
//!
//! - Indented code switched off: an indented block is a paragraph. Its first line loses the indent and gets a mark, so
//!   that what it says (`- a`, say) starts nothing.
//! - Bare addresses: markdown-it sees `https://…` before it sees the `_` or `*` in it. It is put in angle brackets.
//! - Raw HTML switched off: `<` is a character like any other. It is escaped where it would start raw HTML.
//!
//! All are done where a parse shows that they are needed; most bodies need neither and are not parsed for it.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::linkify;
use crate::body::edits::{self, Edit};
use crate::config::MarkdownOptions;

/// What starts a line that was indented code: white space to Markdown, and no indent.
pub const MARK: char = '\u{2029}';

/// Rewriting one block can show another one; more rounds than this are never needed by what people write.
const ROUNDS: usize = 6;

pub struct Prepared {
    pub text: String,
    pub trusted: Vec<Range<usize>>,
}

/// The text to parse instead of `text`, if another one is needed.
pub fn prepare(text: &str, trusted: &[Range<usize>], options: &MarkdownOptions) -> Option<Prepared> {
    let may_hold_code = !options.indented_code && has_indent(text);
    let may_hold_html = !options.html && text.contains('<');
    let may_hold_addresses = options.linkify && text.contains("://") && !marked_addresses(text).is_empty();
    if !may_hold_code && !may_hold_html && !may_hold_addresses {
        return None;
    }
    let mut prepared: Option<Prepared> = None;
    for _ in 0..ROUNDS {
        let (text, trusted) = prepared.as_ref().map_or((text, trusted), |p| (p.text.as_str(), p.trusted.as_slice()));
        let edits = find_edits(text, trusted, options);
        if edits.is_empty() {
            break;
        }
        let (text, trusted) = edits::apply(text, trusted, &edits);
        prepared = Some(Prepared { text, trusted });
    }
    prepared
}

/// Bare addresses that hold a character which means something to Markdown.
fn marked_addresses(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut position = 0;
    while let Some(at) = text[position..].find("://").map(|at| position + at) {
        position = at + 3;
        let scheme = text[..at].len() - text[..at].trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
        let start = at - scheme;
        let before = &text[..start];
        if before.ends_with(['<', '"', '\'', '=']) || before.ends_with("](") || before.ends_with("]: ") {
            continue;
        }
        if let Some(length) = linkify::address_length(&text[start..]) {
            // A star at the very end closes what was opened before the address.
            let length = text[start..start + length].trim_end_matches('*').len();
            position = (start + length).max(position);
            if text[start..start + length].contains(['*', '_', '~', '`', '[', '\\']) {
                found.push(start..start + length);
            }
        }
    }
    found
}

fn has_indent(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches(['>', ' ']);
        line.starts_with('\t')
    }) || text.starts_with("    ")
        || text.contains("\n    ")
        || text.contains("     ")
        || text.contains('\t')
}

fn find_edits(text: &str, trusted: &[Range<usize>], options: &MarkdownOptions) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut in_indented = false;
    let mut in_code = false;
    let mut links = 0usize;
    let addresses = if options.linkify { marked_addresses(text) } else { Vec::new() };
    let mut addresses = addresses.into_iter().peekable();
    let mut after_blank = true;
    let is_trusted = |range: &Range<usize>| trusted.iter().any(|t| t.start <= range.start && range.end <= t.end);
    for (event, range) in Parser::new_ext(text, super::extensions()).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) if !options.indented_code => {
                in_indented = true;
                after_blank = true;
            }
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => {
                in_indented = false;
                in_code = false;
            }
            Event::Text(line) if in_indented => {
                let blank = line.trim().is_empty();
                if after_blank && !blank {
                    edits.push(dedent(text, range));
                }
                after_blank = blank || line.ends_with("\n\n");
            }
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => links += 1,
            Event::End(TagEnd::Link | TagEnd::Image) => links = links.saturating_sub(1),
            Event::Text(_) if addresses.peek().is_some() => {
                while addresses.next_if(|address| address.start < range.start).is_some() {}
                while let Some(address) = addresses.next_if(|address| address.start < range.end) {
                    if links == 0 && !in_code {
                        edits.push(Edit::new(address.start..address.start, "<"));
                        edits.push(Edit::new(address.end..address.end, ">"));
                    }
                }
            }
            Event::Html(_) | Event::InlineHtml(_) if !options.html && !is_trusted(&range) => {
                let start = range.start + leading_blanks(&text[range.clone()]);
                if text[start..].starts_with('<') {
                    edits.push(Edit::new(start..start, "\\"));
                }
            }
            _ => {}
        }
    }
    edits.sort_by_key(|edit| edit.range.start);
    edits.dedup_by(|later, earlier| later.range.start < earlier.range.end || later.range == earlier.range);
    edits
}

/// Takes one level of code's indent from the line whose code starts at `range`, and the rest of its indent.
fn dedent(text: &str, range: Range<usize>) -> Edit {
    let before = &text.as_bytes()[..range.start];
    let start = if before.ends_with(b"\t") {
        range.start - 1
    } else {
        range.start - before.iter().rev().take(4).take_while(|byte| **byte == b' ').count()
    };
    let end = range.start + leading_blanks(&text[range.start..]);
    Edit::new(start..end, "\u{2029}")
}

fn leading_blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}
