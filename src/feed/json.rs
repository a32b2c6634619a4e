//! The model as JSON Feed 1.1 (jsonfeed.org/version/1.1).
//!
//! `content_html` where there is content; else `content_text`, for an item must have one of the two.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{Entry, Feed};
use crate::config::Person;

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    language: &'a str,
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'a>>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Hub<'a> {
    r#type: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    url: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    date_published: String,
    date_modified: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'a>>,
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a str,
    mime_type: &'a str,
    size_in_bytes: u64,
}

/// The feed's bytes.
pub fn write(feed: &Feed) -> String {
    let document = Document {
        version: "https://jsonfeed.org/version/1.1",
        title: &feed.title,
        home_page_url: &feed.home_url,
        feed_url: feed.json_url.as_deref(),
        description: feed.description.as_deref(),
        language: &feed.language,
        authors: vec![author(&feed.author)],
        hubs: feed.hubs.iter().map(|url| Hub { r#type: "WebSub", url }).collect(),
        items: feed.entries.iter().map(item).collect(),
    };
    // Structs of texts and numbers always have a JSON form; were that to fail, an empty text would be noticed at once.
    let bodies: usize =
        feed.entries.iter().filter_map(|entry| entry.content_html.as_ref()).map(|html| html.len()).sum();
    let mut written = Vec::with_capacity(bodies + bodies / 8 + feed.entries.len() * 1024);
    if serde_json::to_writer_pretty(&mut written, &document).is_err() {
        written.clear();
    }
    written.push(b'\n');
    String::from_utf8(written).unwrap_or_default()
}

fn item(entry: &Entry) -> Item<'_> {
    let of_embed = || entry.embeds.iter().find_map(|embed| embed.thumbnail.as_deref());
    Item {
        id: &entry.id,
        url: &entry.url,
        title: &entry.title,
        content_html: entry.content_html.as_deref(),
        content_text: match entry.content_html {
            Some(_) => None,
            None => Some(entry.summary.as_deref().unwrap_or(&entry.title)),
        },
        summary: entry.summary.as_deref(),
        image: entry.picture.as_ref().map(|picture| picture.url.as_str()).or_else(of_embed),
        date_published: date(entry.published),
        date_modified: date(entry.updated),
        authors: entry.authors.iter().map(author).collect(),
        tags: &entry.categories,
        language: entry.language.as_deref(),
        attachments: entry
            .enclosure
            .iter()
            .map(|enclosure| Attachment {
                url: &enclosure.url,
                mime_type: &enclosure.media_type,
                size_in_bytes: enclosure.bytes,
            })
            .collect(),
    }
}

/// An author's address is a page, or else a `mailto:`.
fn author(person: &Person) -> Author<'_> {
    let mail = || person.email.as_ref().map(|email| format!("mailto:{email}"));
    Author { name: &person.name, url: person.url.clone().or_else(mail) }
}

fn date(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
