//! Reads a feed that was published, whoever wrote it: Atom, RSS 2.0 or JSON Feed, told apart by what they hold.
//!
//! Promises: any bytes give a feed or the reason why not, never a crash; our own feeds come back as they were written; an
//! entry has an id as feed readers give it one: its own, else its address, else its title.
//!
//! BUGS: reads UTF-8 alone. Of Atom's `xml:base` nothing is known: relative addresses are the feed's own. RSS tells no reader
//! when an entry was last changed: its day stands for that. RSS 0.9 and 1.0 are read as far as the reader in use goes.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;
use url::Url;

use crate::body::Cleaner;
use crate::body::tree::text_content;

/// A published feed, as feed readers see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Of a feed in Atom.
    pub id: Option<String>,
    pub title: String,
    pub description: String,
    /// In the feed's order.
    pub entries: Vec<PublishedEntry>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishedEntry {
    pub id: String,
    pub url: String,
    pub title: String,
    /// The day that readers show; that of the last change where it is the only one.
    pub published: Option<DateTime<Utc>>,
    pub updated: Option<DateTime<Utc>>,
    pub summary: String,
    /// HTML, as it was written.
    pub content: String,
    /// Names; the feed's where the entry has none.
    pub authors: Vec<String>,
    pub tags: Vec<String>,
    /// Address of the first.
    pub enclosure: Option<String>,
}

/// Reads a feed. `address` is where it is published: relative addresses start there. Err: why it is none.
pub fn read(bytes: &[u8], address: &Url) -> Result<Published, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not in UTF-8".to_string())?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let cleaner = Cleaner::new();
    let mut feed = if text.starts_with('{') {
        of_json(text)?
    } else {
        match (atom_syndication::Feed::from_str(text), rss::Channel::from_str(text)) {
            (Ok(feed), _) => of_atom(feed, &cleaner),
            (Err(_), Ok(channel)) => of_rss(channel, &cleaner),
            (Err(error), Err(rss::Error::InvalidStartTag)) => return Err(error.to_string()),
            (Err(_), Err(error)) => return Err(error.to_string()),
        }
    };
    for entry in &mut feed.entries {
        for part in [&mut entry.title, &mut entry.summary] {
            *part = one_line(part);
        }
        if let Ok(url) = address.join(entry.url.trim()) {
            entry.url = url.into();
        }
        entry.id = entry.id.trim().to_string();
        if entry.id.is_empty() {
            entry.id = if entry.url.is_empty() { entry.title.clone() } else { entry.url.clone() };
        }
        entry.published = entry.published.or(entry.updated);
        entry.updated = entry.updated.or(entry.published);
    }
    feed.title = one_line(&feed.title);
    feed.description = one_line(&feed.description);
    Ok(feed)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn of_atom(feed: atom_syndication::Feed, cleaner: &Cleaner) -> Published {
    let of_feed: Vec<String> = feed.authors.iter().map(|person| person.name.clone()).collect();
    let entries = feed.entries.into_iter().map(|entry| {
        let link =
            |relation: &str| entry.links.iter().find(|link| link.rel == relation).map(|link| link.href.clone());
        let own: Vec<String> = entry.authors.iter().map(|person| person.name.clone()).collect();
        // What the reader in use gives to an entry that says nothing.
        let updated = Some(entry.updated.to_utc()).filter(|updated| *updated != DateTime::UNIX_EPOCH);
        PublishedEntry {
            url: link("alternate").or_else(|| entry.links.first().map(|link| link.href.clone())).unwrap_or_default(),
            enclosure: link("enclosure"),
            title: plain(&entry.title, cleaner),
            published: entry.published.map(|moment| moment.to_utc()),
            updated,
            summary: entry.summary.as_ref().map(|text| plain(text, cleaner)).unwrap_or_default(),
            content: entry.content.as_ref().map(content).unwrap_or_default(),
            authors: if own.is_empty() { of_feed.clone() } else { own },
            tags: entry.categories.iter().map(|category| category.term.clone()).collect(),
            id: entry.id,
        }
    });
    Published {
        entries: entries.collect(),
        title: plain(&feed.title, cleaner),
        description: feed.subtitle.as_ref().map(|text| plain(text, cleaner)).unwrap_or_default(),
        id: Some(feed.id),
    }
}

/// A text of Atom as plain words.
fn plain(text: &atom_syndication::Text, cleaner: &Cleaner) -> String {
    match text.r#type {
        atom_syndication::TextType::Text => text.value.clone(),
        _ => text_content(&cleaner.clean_html(&text.value)),
    }
}

/// A content of Atom as HTML.
fn content(content: &atom_syndication::Content) -> String {
    let value = content.value.clone().unwrap_or_default();
    match content.content_type.as_deref() {
        Some("html" | "xhtml" | "text/html") => value,
        _ => value.replace('&', "&amp;").replace('<', "&lt;"),
    }
}

fn of_rss(channel: rss::Channel, cleaner: &Cleaner) -> Published {
    let creators = |extension: Option<&rss::extension::dublincore::DublinCoreExtension>| {
        extension.map(|extension| extension.creators.clone()).unwrap_or_default()
    };
    let of_feed = creators(channel.dublin_core_ext.as_ref());
    let entries = channel.items.into_iter().map(|item| {
        let mut authors = creators(item.dublin_core_ext.as_ref());
        authors.extend(item.author.clone().filter(|_| authors.is_empty()));
        let guid = item.guid.as_ref();
        let page = guid.filter(|guid| guid.permalink).map(|guid| guid.value.clone());
        let description = item.description.clone().unwrap_or_default();
        PublishedEntry {
            id: guid.map(|guid| guid.value.clone()).unwrap_or_default(),
            url: item.link.clone().or(page).unwrap_or_default(),
            title: item.title.unwrap_or_default(),
            published: item.pub_date.as_deref().and_then(moment),
            updated: None,
            summary: text_content(&cleaner.clean_html(&description)),
            content: item.content.unwrap_or(description),
            authors: if authors.is_empty() { of_feed.clone() } else { authors },
            tags: item.categories.into_iter().map(|category| category.name).collect(),
            enclosure: item.enclosure.map(|enclosure| enclosure.url),
        }
    });
    Published {
        id: None,
        entries: entries.collect(),
        title: channel.title,
        description: text_content(&cleaner.clean_html(&channel.description)),
    }
}

/// JSON Feed 1.0 and 1.1.
fn of_json(text: &str) -> Result<Published, String> {
    let feed: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let items = feed["items"].as_array().ok_or("it is JSON without `items`, and no JSON Feed")?;
    let of_feed = people(&feed);
    let entries = items.iter().map(|item| {
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_string();
        let content = match item["content_html"].as_str() {
            Some(html) => html.to_string(),
            // JSON Feed asks for a content: the title or the summary stands in where there is none.
            None if [text("title"), text("summary")].contains(&text("content_text")) => String::new(),
            None => text("content_text").replace('&', "&amp;").replace('<', "&lt;"),
        };
        let own = people(item);
        PublishedEntry {
            // Version 1.1 lets a reader take a number for its text.
            id: item["id"]
                .as_str()
                .map_or_else(|| item["id"].as_u64().map(|n| n.to_string()), |id| Some(id.into()))
                .unwrap_or_default(),
            url: item["url"].as_str().or(item["external_url"].as_str()).unwrap_or_default().to_string(),
            title: text("title"),
            published: moment(&text("date_published")),
            updated: moment(&text("date_modified")),
            summary: text("summary"),
            content,
            authors: if own.is_empty() { of_feed.clone() } else { own },
            tags: item["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).map(String::from).collect(),
            enclosure: item["attachments"][0]["url"].as_str().map(String::from),
        }
    });
    let text = |key: &str| feed[key].as_str().unwrap_or_default().to_string();
    Ok(Published { id: None, entries: entries.collect(), title: text("title"), description: text("description") })
}

/// Names, as version 1.1 (`authors`) or 1.0 (`author`) has them.
fn people(of: &Value) -> Vec<String> {
    let many = of["authors"].as_array().into_iter().flatten();
    let mut names: Vec<String> = many.filter_map(|one| one["name"].as_str()).map(String::from).collect();
    names.extend(of["author"]["name"].as_str().filter(|_| names.is_empty()).map(String::from));
    names
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let parsed = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text));
    parsed.ok().map(|moment| moment.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tests::feed;
    use crate::feed::{atom, json, rss};

    fn address() -> Url {
        Url::parse("https://www.example.org/feed/feed.xml").unwrap()
    }

    #[test]
    fn our_own_feeds_come_back_the_same_in_every_format() {
        let feed = feed();
        let of = |text: String| read(text.as_bytes(), &address()).unwrap();
        let (atom, rss, json) = (of(atom::write(&feed)), of(rss::write(&feed)), of(json::write(&feed)));
        assert_eq!(atom.id.as_deref(), Some(feed.id.as_str()));
        assert_eq!(atom.entries.len(), feed.entries.len());
        for (((atom, rss), json), entry) in
            atom.entries.iter().zip(&rss.entries).zip(&json.entries).zip(&feed.entries)
        {
            for read in [atom, rss, json] {
                assert_eq!((&read.id, &read.url), (&entry.id, &entry.url));
                assert_eq!(read.published, Some(entry.published));
                assert_eq!(read.title, one_line(&entry.title));
            }
            assert_eq!((atom.updated, json.updated), (Some(entry.updated), Some(entry.updated)));
            assert_eq!(atom.content, json.content);
            assert_eq!(atom.tags, json.tags);
            assert_eq!(atom.authors, rss.authors);
        }
    }

    #[test]
    fn other_generators_feeds_are_read_for_what_they_mean() {
        let rss = "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>T</title><link>https://www.example.org/</link>\
                   <description>D</description><item><title>Un</title><link>/un/</link><pubDate>Tue, 24 Nov 2026 09:00:00 +0100\
                   </pubDate><description>&lt;p&gt;A &amp;amp; b&lt;/p&gt;</description></item></channel></rss>";
        let read_rss = read(rss.as_bytes(), &address()).unwrap();
        let entry = &read_rss.entries[0];
        assert_eq!(entry.id, "https://www.example.org/un/");
        assert_eq!((entry.summary.as_str(), entry.content.as_str()), ("A & b", "<p>A &amp; b</p>"));
        assert_eq!(entry.published.unwrap().to_rfc3339(), "2026-11-24T08:00:00+00:00");
        let json = "{\"version\":\"https://jsonfeed.org/version/1\",\"title\":\"T\",\"author\":{\"name\":\"A\"},\
                    \"items\":[{\"id\":7,\"url\":\"un/\",\"content_text\":\"a < b\"}]}";
        let entry = &read(json.as_bytes(), &address()).unwrap().entries[0];
        assert_eq!((entry.id.as_str(), entry.url.as_str()), ("7", "https://www.example.org/feed/un/"));
        assert_eq!((entry.content.as_str(), entry.authors.as_slice()), ("a &lt; b", &["A".to_string()][..]));
    }

    #[test]
    fn what_is_no_feed_says_why() {
        for bytes in
            [&b"<html><body>not here</body></html>"[..], b"", b"{}", b"{\"items\":1}", b"\xff\xfe<", b"<feed>"]
        {
            assert!(!read(bytes, &address()).unwrap_err().is_empty());
        }
    }
}
