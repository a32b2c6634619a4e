//! 4a *syndicate*: one [`Feed`] model, written as Atom, RSS 2.0 and JSON Feed 1.1, which say the same.
//!
//! `build` makes the model: it chooses, renders, and makes every text fit for all three formats. `atom`, `rss` and
//! `json` each map it onto their format and decide nothing else, so that what one says the others say. `read` takes what was
//! published back, whoever wrote it, and `diff` says what subscribers would see of the difference.
//!
//! Promises: the W3C validator finds nothing to say (its rules are checked over every trap by `tests/feeds.rs`); the same model gives the same
//! bytes; an edit of a body alone moves no date.

pub mod atom;
pub mod diff;
pub mod json;
pub mod read;
pub mod rss;

mod build;
mod markup;
mod media;
mod plain;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::body::Embed;
use crate::config::Person;
use crate::item::{Enclosure, Image};

pub use build::{beyond, build, build_all};
pub use plain::{clean as without_forbidden, line as plain_line};

/// How many entries an XML writer takes at a time: their model in the writer's crate then stays in the processor's cache.
const PIECE: usize = 64;

/// A document of all entries from a writer of documents of some of them, by all processors. `end` is what every such
/// document ends with; up to its first entry it is always the same.
fn in_pieces(entries: &[Entry], end: &str, write: impl Fn(&[Entry]) -> String + Sync) -> String {
    let mut document = write(&[]);
    document.truncate(document.len() - end.len());
    let head = document.len();
    let pieces: Vec<String> = entries.par_chunks(PIECE).map(&write).collect();
    document.reserve_exact(pieces.iter().map(|piece| piece.len() - head).sum());
    for piece in pieces {
        document.push_str(&piece[head..piece.len() - end.len()]);
    }
    document.push_str(end);
    document
}

/// A feed, ready to be written in any format. Text holds no character that XML forbids.
#[derive(Clone, Debug)]
pub struct Feed {
    pub id: String,
    pub title: String,
    pub description: Option<String>,
    pub language: String,
    pub home_url: String,
    /// Absolute addresses of the outputs that exist.
    pub atom_url: Option<String>,
    pub rss_url: Option<String>,
    pub json_url: Option<String>,
    pub hubs: Vec<String>,
    pub history: History,
    /// Who answers for entries that name nobody.
    pub author: Person,
    /// The latest entry's; a fixed moment where there is none, so that an empty feed stays the same bytes.
    pub updated: DateTime<Utc>,
    /// Newest first.
    pub entries: Vec<Entry>,
}

/// How a feed that does not hold everything leads to the rest (RFC 5005, section 4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Its entries stay as they are: `fh:archive`.
    pub is_archive: bool,
    /// The document with the newest entries, where this is not the one.
    pub current_url: Option<String>,
    /// The archive with the entries before these.
    pub previous_url: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub id: String,
    pub url: String,
    /// Plain text.
    pub title: String,
    /// Plain text.
    pub summary: Option<String>,
    /// `None` with `content: summary`, and for an empty body. Shared by the feeds that take the item.
    pub content_html: Option<Arc<str>>,
    pub published: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    pub authors: Vec<Person>,
    pub categories: Vec<String>,
    pub language: Option<String>,
    pub picture: Option<Image>,
    /// The front matter's; else the picture, where its size is known. Never more than one.
    pub enclosure: Option<Enclosure>,
    pub embeds: Vec<Embed>,
}
