//! Finds the stamps of a template: the smallest block or helper that names `recipient`.
//!
//! [`Stamps::mark`] rewrites a template's source so that each tag of a stamp writes a marker instead, one private
//! character, and leaves all else to Handlebars. The template is then rendered, and its styles inlined, as if there
//! were no recipients; [`Stamps::split`] cuts the result at the markers and puts the tags' sources back. So what
//! stands inside a stamp's block and does not name `recipient` (`{{#if recipient.name}}… {{site.title}}{{/if}}`) is
//! rendered once for everybody.
//!
//! Promises: an item's text that holds `{{recipient.name}}`, or a marker, never becomes a stamp: it comes in after the
//! template was scanned, [`without_markers`], and a brace inside a stamp's block is written as a value.
//!
//! BUGS: a partial can't be given a recipient's value (`{{> x name=recipient.name}}`), and a condition can't mix
//! `recipient` with anything else; both are refused. A stamp's block can't start or end between the cells of a table:
//! HTML has no place for text there, and the order of the markers, which is checked, would tell.

mod tokens;

use std::ops::Range;

use super::stamp::{Piece, Stamped};
use tokens::{Token, Word, tokens};

/// The first marker: plane 16, where no font of icons lives.
const FIRST: u32 = 0x10_F000;
/// As many as that plane holds before its noncharacters.
const MOST: usize = 0xFF0;

/// The stamps of all files of one letter's part; a marker is its tag's place in it.
#[derive(Debug, Default)]
pub struct Stamps {
    tags: Vec<Tag>,
}

#[derive(Debug)]
struct Tag {
    kind: Kind,
    /// As it stands in a stamp: no `~`, `recipient` without `../`.
    source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Single,
    Open,
    Else,
    Close,
}

/// A template's source with markers.
#[derive(Debug)]
pub struct Marked {
    pub text: String,
    /// Where what follows a marker stood: an offset in `text`, and in the source.
    moved: Vec<(usize, usize)>,
}

impl Marked {
    /// The source's offset of a line and a column of `text`, both from 1.
    pub fn source_offset(&self, line: usize, column: usize) -> usize {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let along = self.text[start..].char_indices().nth(column.saturating_sub(1)).map_or(0, |(at, _)| at);
        let at = start + along;
        let (marked, source) = self.moved.iter().rev().find(|(marked, _)| *marked <= at).copied().unwrap_or((0, 0));
        source + (at - marked)
    }
}

/// Why a template can't be used, and where in its source.
#[derive(Debug, PartialEq, Eq)]
pub struct ScanError {
    pub range: Range<usize>,
    pub message: String,
}

/// `text` without the characters that are markers.
pub fn without_markers(text: &str) -> String {
    text.chars().filter(|c| marker_index(*c).is_none()).collect()
}

fn marker_index(c: char) -> Option<usize> {
    (c as u32).checked_sub(FIRST).map(|index| index as usize).filter(|index| *index < MOST)
}

impl Stamps {
    /// The source with each stamp's tags replaced by markers. The source is one that Handlebars compiles.
    pub fn mark(&mut self, source: &str) -> Result<Marked, ScanError> {
        let tokens = tokens(source);
        let stamped = stamp_tags(source, &tokens)?;
        let mut out = String::with_capacity(source.len());
        let mut moved = vec![(0, 0)];
        let mut written = 0;
        for (token, kind) in tokens.iter().zip(stamped) {
            let Some(kind) = kind else { continue };
            if self.tags.len() == MOST {
                return Err(ScanError { range: token.range.clone(), message: "a letter has too many stamps".into() });
            }
            let marker = char::from_u32(FIRST + self.tags.len() as u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            self.tags.push(Tag { kind, source: token.plain(source) });
            let mut range = token.range.clone();
            // A block's tag alone on its line takes the line with it, as Handlebars does it.
            if kind != Kind::Single
                && let Some(line) = alone_on_line(source, &range)
            {
                range = line;
            }
            out.push_str(without_markers(&source[written..range.start.max(written)]).as_str());
            if token.trims_before {
                out.truncate(out.trim_end().len());
            }
            out.push(marker);
            written = range.end;
            if token.trims_after {
                written = source.len() - source[written..].trim_start().len();
            }
            moved.push((out.len(), written));
        }
        out.push_str(&without_markers(&source[written.min(source.len())..]));
        Ok(Marked { text: out, moved })
    }

    /// The markers of a rendered text, in order: the same before and after styles were inlined, or markup was moved.
    pub fn markers(rendered: &str) -> Vec<usize> {
        rendered.chars().filter_map(marker_index).collect()
    }

    /// The rendered text, cut at its markers. `None`: a block was torn, its opening and its end are not in order.
    pub fn split(&self, rendered: &str) -> Option<Stamped> {
        let mut out = Stamped::default();
        // The block being read: its source so far, and how deep we are in it.
        let mut block = String::new();
        let mut depth = 0usize;
        let mut text_start = 0;
        for (at, c) in rendered.char_indices() {
            let Some(tag) = marker_index(c).and_then(|index| self.tags.get(index)) else { continue };
            let text = &rendered[text_start..at];
            text_start = at + c.len_utf8();
            match (depth, tag.kind) {
                (0, Kind::Else | Kind::Close) => return None,
                (0, kind) => {
                    out.push_text(text);
                    block = tag.source.clone();
                    match kind {
                        Kind::Single => out.0.push(Piece::Stamp(std::mem::take(&mut block))),
                        _ => {
                            block.push_str(NOTHING);
                            depth = 1;
                        }
                    }
                }
                (_, kind) => {
                    push_literal(&mut block, text);
                    block.push_str(&tag.source);
                    match kind {
                        Kind::Open => depth += 1,
                        Kind::Close => depth -= 1,
                        Kind::Else | Kind::Single => {}
                    }
                    if depth == 0 {
                        out.0.push(Piece::Stamp(std::mem::take(&mut block)));
                    } else if kind != Kind::Single {
                        block.push_str(NOTHING);
                    }
                }
            }
        }
        if depth > 0 {
            return None;
        }
        out.push_text(&rendered[text_start..]);
        Some(out)
    }
}

/// After a block's tag in a stamp: the line was taken when the template was scanned, Handlebars must not take another.
const NOTHING: &str = "{{{literal.nothing}}}";

/// Text of a stamp's block, so that Handlebars writes it as it is.
fn push_literal(block: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '{' => block.push_str("{{{literal.brace}}}"),
            '\\' => block.push_str("{{{literal.backslash}}}"),
            _ => block.push(c),
        }
    }
}

/// `recipient…`, however it was reached; `None` for any other path.
fn recipient_path(word: &str) -> Option<&str> {
    let mut path = word;
    while let Some(rest) =
        ["../", "./", "this.", "this/", "@root.", "@root/"].iter().find_map(|prefix| path.strip_prefix(prefix))
    {
        path = rest;
    }
    let rest = path.strip_prefix("recipient")?;
    (rest.is_empty() || rest.starts_with(['.', '/', '['])).then_some(path)
}

/// For each token its part in a stamp, if it has one.
fn stamp_tags(source: &str, tokens: &[Token]) -> Result<Vec<Option<Kind>>, ScanError> {
    struct Block {
        /// The places of the tags that make it: its opening, its else's.
        tags: Vec<usize>,
        stamp: bool,
        /// It changes what names mean (`with`, `each`): all inside is a recipient's.
        deep: bool,
    }
    let mut kinds: Vec<Option<Kind>> = vec![None; tokens.len()];
    let mut blocks: Vec<Block> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let words = token.words(source);
        let names = words.iter().any(|word| recipient_path(word.text).is_some() && !word.literal);
        let error = |message: &str| Err(ScanError { range: token.range.clone(), message: message.to_string() });
        let within = blocks.iter().any(|block| block.deep && block.stamp);
        if names && matches!(token.mark, ">" | "#>" | "*" | "#*") {
            return error("a partial can't be given a recipient's value: write the stamp in the partial itself");
        }
        if within && matches!(token.mark, ">" | "#>") {
            return error("a partial can't stand in a block about a recipient");
        }
        if names && !within {
            let helper = words.len() > 1;
            let deep = words.first().is_some_and(|first| matches!(first.text, "with" | "each"));
            let own = |word: &&Word| {
                word.literal
                    || recipient_path(word.text).is_some()
                    || (word.leads && helper)
                    || matches!(word.text, "else" | "if" | "unless" | "as")
            };
            let mixed = if deep { None } else { words.iter().find(|word| !own(word)) };
            if let Some(word) = mixed {
                return error(&format!(
                    "`{}` can't stand with `recipient` in one tag: nest two conditions",
                    word.text
                ));
            }
        }
        if token.is_open() {
            let name = words.first().map_or("", |word| word.text);
            let deep = token.mark == "#" && !matches!(name, "if" | "unless");
            blocks.push(Block { tags: vec![index], stamp: names || within, deep: deep && (names || within) });
        } else if token.is_else(source) {
            if let Some(block) = blocks.last_mut() {
                block.tags.push(index);
                if names && !block.stamp {
                    let opening = tokens[block.tags[0]].range.clone();
                    let message = "a block can't ask about `recipient` only in its `else`: nest two blocks".into();
                    return Err(ScanError { range: opening, message });
                }
                if block.stamp && !names && words.len() > 1 && !within {
                    return error("an `else if` of a block about `recipient` can only ask about `recipient`");
                }
            }
        } else if token.mark == "/" {
            if let Some(block) = blocks.pop()
                && block.stamp
            {
                for (place, tag) in block.tags.iter().enumerate() {
                    kinds[*tag] = Some(if place == 0 { Kind::Open } else { Kind::Else });
                }
                kinds[index] = Some(Kind::Close);
            }
        } else if names || within {
            kinds[index] = Some(Kind::Single);
        }
    }
    Ok(kinds)
}

/// The whole line of a tag that stands alone on it, its line break included.
fn alone_on_line(source: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let start = source[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = source[range.end..].find('\n').map_or(source.len(), |at| range.end + at + 1);
    let blank = |text: &str| text.chars().all(char::is_whitespace);
    (blank(&source[start..range.start]) && blank(&source[range.end..end])).then_some(start..end)
}

#[cfg(test)]
mod tests;
