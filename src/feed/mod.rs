//! 4a *syndicate*: one [`Feed`] model, written as Atom, RSS 2.0 and JSON Feed 1.1, which say the same.
//!
//! Promises: the W3C validator finds nothing to say; the same model gives the same bytes.

use chrono::{DateTime, Utc};

use crate::body::Embed;
use crate::config::Person;
use crate::item::{Enclosure, Image};

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
    pub author: Option<Person>,
    /// The newest entry's; the epoch's start of a feed without entries is its site's first moment.
    pub updated: DateTime<Utc>,
    /// Newest first.
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub id: String,
    pub url: String,
    /// Plain text.
    pub title: String,
    /// Plain text.
    pub summary: Option<String>,
    /// `None` with `content: summary`.
    pub content_html: Option<String>,
    pub published: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    pub authors: Vec<Person>,
    pub categories: Vec<String>,
    pub language: Option<String>,
    pub picture: Option<Image>,
    pub enclosure: Option<Enclosure>,
    pub embeds: Vec<Embed>,
}
