//! 1 *read*: from files to dated, identified [`Item`]s.
//!
//! [`load::load`] walks the content folders and reads each file on its own: decoding, front matter (`front_matter`),
//! what its folders hand down (`inherit`), its date (`dates`), its address (`permalink`). [`identity`] then gives each
//! item the one id that it keeps for life, and remembers it in its [`identity::Lock`].
//!
//! Promises: any file gives an item, a reason for passing it over, or a problem, never a crash; one bad file never
//! stops the others; every bad file is named.

mod body_hash;
pub mod built;
pub mod dates;
pub mod decode;
pub mod event;
mod event_fields;
mod fields;
pub mod front_matter;
pub mod identity;
mod images;
mod inherit;
pub mod load;
mod lock;
pub mod object_literal;
mod permalink;
pub mod plain;
mod walk;

pub use body_hash::BodyHash;
pub use event::{Event, Moment};
pub use load::{Loaded, PassedOver, load as load_all};

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::config::Person;
use crate::problem::Source;

/// Front matter and what it inherits, as one document: keys as written.
pub type Data = Map<String, Value>;

/// One news item, as its files say.
#[derive(Clone, Debug)]
pub struct Item {
    /// For life. Until `identity` has given it: what the front matter's `id` says, else empty.
    pub id: String,
    /// The file, decoded.
    pub source: Arc<Source>,
    /// Byte offset in `source.text` at which the body starts.
    pub body_start: usize,
    /// Of the body: what identity knows it by.
    pub body_hash: BodyHash,
    /// HTML that the site's generator made of the body, where it is taken from there.
    pub built_body: Option<Arc<str>>,
    /// Absolute address of the item's page.
    pub url: String,
    /// Plain text, one line, no markup, no character that XML forbids.
    pub title: String,
    /// Plain text, one line: the author's own description.
    pub summary: Option<String>,
    pub published: DateTime<Utc>,
    /// The date named a day, not a time.
    pub date_only: bool,
    /// The front matter's own word, else `published`; `identity` makes equal ones distinct.
    pub updated: DateTime<Utc>,
    /// Of the folder and of the file, added up, in order, without repetition.
    pub tags: Vec<String>,
    pub authors: Vec<Person>,
    pub image: Option<Image>,
    pub language: Option<String>,
    pub series: Option<String>,
    pub episode: Option<String>,
    /// `type` (an article, a video, …), as written.
    pub kind: Option<String>,
    pub enclosure: Option<Enclosure>,
    /// Only items with a `start` are events.
    pub event: Option<Event>,
    /// The absolute address where people register.
    pub register: Option<String>,
    /// The absolute address where the transcription is, when the front matter says that there is one.
    pub transcription: Option<String>,
    /// Dated ahead of `now`, and `content.future` is `hold`: not announced before this moment.
    pub held_until: Option<DateTime<Utc>>,
    /// What the item's folders hand down, shared by their items.
    pub inherited: Arc<Data>,
}

impl Item {
    /// Path of the file relative to the project's folder, with `/`.
    pub fn path(&self) -> &str {
        &self.source.path
    }

    /// The body's text, template code and Markdown as written.
    pub fn body(&self) -> &str {
        &self.source.text[self.body_start..]
    }
}

/// An item's picture, found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Absolute address.
    pub url: String,
    /// Empty: decoration.
    pub alt: String,
    /// The file that the site serves there, relative to the project's folder, when it was found.
    pub file: Option<String>,
    /// Size in bytes, when the file was found.
    pub bytes: Option<u64>,
    /// Media type, by the file's content, else by its ending.
    pub media_type: Option<String>,
    /// In pixels.
    pub width: Option<u32>,
    pub height: Option<u32>,
}

/// A file that belongs to the item: a sound, say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosure {
    pub url: String,
    pub media_type: String,
    pub bytes: u64,
}
