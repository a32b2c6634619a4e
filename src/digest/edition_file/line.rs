//! One line of a list: an item, a link elsewhere, or words.

use std::ops::Range;

use super::Reading;
use super::addresses::{Addresses, Found};
use super::blocks::{Block, Inline, plain};
use super::emoji;
use super::mistakes::Mistakes;
use super::prose;
use crate::digest::plan::{Entry, Prose, What};
use crate::problem::Problem;

/// What a line says.
pub enum Line<'a> {
    Entry(Entry<'a>),
    /// The item with this id waits for the next letter.
    Later(String),
}

/// The words that make an item wait, in any letter case.
const LATER: [&str; 2] = ["later", "plus tard"];

/// Reads a line's blocks; `None`: what it says is a mistake, which was told.
pub fn read<'a>(
    blocks: &[Block],
    range: Range<usize>,
    reading: &Reading<'_, 'a>,
    addresses: &Addresses<'a>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Line<'a>> {
    let Some((Block::Paragraph { words, .. }, below)) = blocks.split_first() else {
        match blocks.first() {
            Some(Block::Html { text, range }) if !prose::is_comment(text) => mistakes.no_place("HTML", range.clone()),
            Some(Block::Other { what, range }) => mistakes.no_place(what, range.clone()),
            Some(Block::List { range, .. }) => mistakes.no_place("a list", range.clone()),
            Some(Block::Heading { range, .. }) => mistakes.no_place("a heading", range.clone()),
            _ => mistakes.no_words("this line has no words", range),
        }
        return None;
    };
    let below: Vec<&Block> = below.iter().collect();
    let below = prose::of(&below, addresses, mistakes);
    match split_at_link(words) {
        Some(mut split) => {
            if split.range.is_empty() {
                split.range = range;
            }
            with_link(split, below, reading, addresses, mistakes)
        }
        None => {
            let misplaced = misplaced(words);
            let (mark, title) = marked(&squeeze(&plain(words)));
            if title.is_empty() && misplaced.is_empty() {
                mistakes.no_words("this line has no words", range);
            }
            for (what, range) in misplaced {
                mistakes.no_place(what, range);
            }
            if title.is_empty() {
                return None;
            }
            let entry = Entry { what: What::Words, title: Some(title), mark, words: below, reminder: false };
            Some(Line::Entry(entry))
        }
    }
}

/// A line's link, with what stands before and after it.
struct Split {
    before: String,
    url: String,
    /// Empty for an address that is written out.
    title: String,
    after: Vec<Inline>,
    range: Range<usize>,
    /// Pictures and HTML, also in the link.
    misplaced: Vec<(&'static str, Range<usize>)>,
}

fn with_link<'a>(
    split: Split,
    below: Option<Prose>,
    reading: &Reading<'_, 'a>,
    addresses: &Addresses<'a>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Line<'a>> {
    let is_faulty = !split.misplaced.is_empty();
    for (what, range) in split.misplaced {
        mistakes.no_place(what, range);
    }
    let (mut mark, before) = emoji::leading(split.before.trim());
    let mut before = before.trim();
    let mut later = false;
    let word = before.trim_end_matches(|c: char| c.is_whitespace() || ":,—–-".contains(c));
    if LATER.iter().any(|known| word.to_lowercase() == *known) {
        (later, before) = (true, "");
    } else if let Some(rest) = LATER.iter().find_map(|known| after_word(before, known)) {
        // `later 📺 [Title](…)`
        if let (Some(second), "") = emoji::leading(rest) {
            (later, before) = (true, "");
            mark = mark.or(Some(second));
        }
    }
    let Some(url) = addresses.absolute(&split.url) else {
        mistakes.bad_address(&split.url, split.range);
        return None;
    };
    let found = addresses.find(&split.url);
    if later {
        let Found::Item(item) = found else {
            let message = "only an item of this site can wait for the next letter";
            let problem =
                Problem::error("edition-later", message).help("take the line out, and write it in the next edition");
            mistakes.push(problem, split.range);
            return None;
        };
        return Some(Line::Later(item.id.clone()));
    }
    let (rest, last_mark) = after_the_link(split.after);
    let words = prose::join(prose::paragraph(&rest, addresses, mistakes), below);
    let title = squeeze(&split.title);
    let entry = match found {
        Found::Item(item) => {
            let waits = item.held_until.filter(|until| *until > reading.input.now);
            if let Some(until) = waits {
                let until = until.with_timezone(&reading.input.config.site.time_zone).format("%Y-%m-%d %H:%M");
                let message = format!("this item is not published before {until}: its page would not be there");
                let problem = Problem::error("edition-item", message).help("make the line begin with `later`");
                mistakes.push(problem, split.range);
                return None;
            }
            let own = reading.input.renderer.line(item, &item.title);
            let body = reading.input.renderer.render(item);
            let mut entry = Entry::of(item, body);
            if before.is_empty() && (title.is_empty() || title == squeeze(&own)) {
                entry.mark = mark.or(last_mark);
            } else {
                let (own_mark, title) = titled(before, &title);
                entry.mark = mark.or(own_mark).or(last_mark);
                entry.title = Some(title).filter(|title| !title.is_empty());
            }
            entry.reminder = reading.shown.contains(&item.id);
            entry
        }
        Found::Missing | Found::Outside => {
            let (own_mark, title) = titled(before, &title);
            if title.is_empty() {
                mistakes.no_words("this address has no words of its own", split.range);
                return None;
            }
            if matches!(found, Found::Missing) {
                let message = format!("no item has the address {url}: it is shown as any other page");
                let help = "look whether it is misspelled, or its item is gone; `crieur check` names files that are passed over";
                mistakes.push(Problem::warning("edition-item", message).help(help), split.range.clone());
            }
            let mark = mark.or(own_mark).or(last_mark);
            Entry { what: What::Link { url }, title: Some(title), mark, words: None, reminder: false }
        }
    };
    (!is_faulty).then_some(Line::Entry(Entry { words, ..entry }))
}

/// What stands before a link and its words, as one title; an emoji that these begin with is its mark.
fn titled(before: &str, words: &str) -> (Option<String>, String) {
    if before.is_empty() {
        return marked(words);
    }
    (None, squeeze(&format!("{before} {words}")))
}

/// The mark at the start of a text, or at its end, and the rest.
pub fn marked(text: &str) -> (Option<String>, String) {
    match emoji::leading(text) {
        (Some(mark), rest) => (Some(mark), rest.trim().to_string()),
        (None, _) => {
            let (rest, mark) = emoji::trailing(text);
            (mark, rest.trim().to_string())
        }
    }
}

fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let start = text.get(..word.len())?;
    let rest = &text[word.len()..];
    (start.to_lowercase() == word && rest.starts_with(char::is_whitespace)).then(|| rest.trim())
}

/// Finds the first link, in emphasis too; an address that is written out is one.
fn split_at_link(words: &[Inline]) -> Option<Split> {
    for (index, inline) in words.iter().enumerate() {
        let found = match inline {
            Inline::Link { url, words, range } => {
                let title = plain(words);
                let written_out = title.trim() == url.trim() || format!("mailto:{}", title.trim()) == *url;
                Some(Split {
                    before: String::new(),
                    url: url.clone(),
                    title: if written_out { String::new() } else { title },
                    after: Vec::new(),
                    range: range.clone(),
                    misplaced: misplaced(words),
                })
            }
            Inline::Emphasis(words) | Inline::Strong(words) => split_at_link(words),
            Inline::Text(text) => split_at_bare_address(text),
            _ => None,
        };
        if let Some(mut split) = found {
            let before = &words[..index];
            split.before = format!("{}{}", plain(before), split.before);
            split.misplaced.extend(misplaced(before));
            split.after.extend(words[index + 1..].iter().cloned());
            return Some(split);
        }
    }
    None
}

/// An address in the middle of words. It has no place of its own: the words' pieces are not counted.
fn split_at_bare_address(text: &str) -> Option<Split> {
    let start = ["https://", "http://"].iter().filter_map(|scheme| text.find(scheme)).min()?;
    let end =
        text[start..].find(|c: char| c.is_whitespace() || "<>\"«»".contains(c)).map_or(text.len(), |at| start + at);
    let url = text[start..end].trim_end_matches(|c: char| ".,;:!?)…".contains(c));
    Some(Split {
        before: text[..start].to_string(),
        url: url.to_string(),
        title: String::new(),
        after: vec![Inline::Text(text[start + url.len()..].to_string())],
        range: 0..0,
        misplaced: Vec::new(),
    })
}

pub fn misplaced(words: &[Inline]) -> Vec<(&'static str, Range<usize>)> {
    let mut found = Vec::new();
    for inline in words {
        match inline {
            Inline::Other { what, range } => found.push((*what, range.clone())),
            Inline::Html { text, range } if !prose::is_comment(text) => found.push(("HTML", range.clone())),
            Inline::Emphasis(words) | Inline::Strong(words) | Inline::Link { words, .. } => {
                found.extend(misplaced(words))
            }
            _ => {}
        }
    }
    found
}

/// What stands after a link: without the sign that parts it, and an emoji on its own as a mark.
fn after_the_link(mut words: Vec<Inline>) -> (Vec<Inline>, Option<String>) {
    while matches!(words.first(), Some(Inline::Break { .. })) {
        words.remove(0);
    }
    if let Some(Inline::Text(text)) = words.first_mut() {
        let start = text.trim_start();
        let after = start.trim_start_matches([':', ',', ';', '—', '–', '-', '.']);
        *text = if after.len() < start.len() { after.trim_start() } else { start }.to_string();
        if text.is_empty() {
            words.remove(0);
            while matches!(words.first(), Some(Inline::Break { .. })) {
                words.remove(0);
            }
        }
    }
    let text = squeeze(&plain(&words));
    match emoji::leading(&text) {
        (Some(mark), "") => (Vec::new(), Some(mark)),
        _ if text.chars().any(char::is_alphanumeric) => (words, None),
        _ if words.iter().any(|inline| !matches!(inline, Inline::Text(_) | Inline::Break { .. })) => (words, None),
        _ => (Vec::new(), None),
    }
}

pub fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
