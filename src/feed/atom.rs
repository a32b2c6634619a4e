//! The model as Atom (RFC 4287), with Media RSS beside it.
//!
//! Titles and summaries are plain `text` (the model saw to it that nothing in them looks like markup), content is `html`.
//! An entry in another language than its feed's says so on each of its texts.

use std::collections::BTreeMap;

use atom_syndication as atom;

use super::media;
use super::{Entry, Feed};
use crate::config::Person;

/// Of RFC 5005.
const HISTORY: &str = "http://purl.org/syndication/history/1.0";

/// The feed's bytes.
pub fn write(feed: &Feed) -> String {
    let written = super::in_pieces(&feed.entries, "</feed>\n", |entries| document(feed, entries));
    match feed.history.is_archive {
        // The crate writes such elements behind the entries. The text's first `<generator` is the element: texts have no `<`.
        true => written.replacen("<generator", "<fh:archive/>\n<generator", 1),
        false => written,
    }
}

/// The feed with some of its entries.
fn document(feed: &Feed, entries: &[Entry]) -> String {
    let mut links = Vec::new();
    links.extend(feed.atom_url.as_ref().map(|url| link(url, "self", Some("application/atom+xml"))));
    links.push(link(&feed.home_url, "alternate", Some("text/html")));
    for (url, relation) in [(&feed.history.current_url, "current"), (&feed.history.previous_url, "prev-archive")] {
        links.extend(url.as_ref().map(|url| link(url, relation, Some("application/atom+xml"))));
    }
    links.extend(feed.hubs.iter().map(|hub| link(hub, "hub", None)));
    let document = atom::Feed {
        title: text(&feed.title, None),
        id: feed.id.clone(),
        updated: feed.updated.fixed_offset(),
        authors: vec![person(&feed.author)],
        generator: Some(atom::Generator { value: "crieur".into(), ..atom::Generator::default() }),
        links,
        subtitle: feed.description.as_ref().map(|description| text(description, None)),
        entries: entries.iter().map(|own| entry(own, &feed.language)).collect(),
        namespaces: namespaces(feed),
        lang: Some(feed.language.clone()),
        ..atom::Feed::default()
    };
    // A line an element, and no indentation: a change shows as a change of lines, and weighs little.
    let settings = atom::WriteConfig { write_document_declaration: false, indent_size: Some(0) };
    let start = b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_vec();
    // Writing to memory does not fail; were it to, an empty text would be noticed by the first reader of it.
    let bytes = document.write_with_config(start, settings).unwrap_or_default();
    let mut written = String::from_utf8(bytes).unwrap_or_default();
    written.push('\n');
    written
}

fn namespaces(feed: &Feed) -> BTreeMap<String, String> {
    let mut namespaces = BTreeMap::from([("media".to_string(), media::NAMESPACE.to_string())]);
    if feed.history.is_archive {
        namespaces.insert("fh".to_string(), HISTORY.to_string());
    }
    namespaces
}

fn entry(entry: &Entry, feed_language: &str) -> atom::Entry {
    let language = entry.language.as_ref().filter(|own| *own != feed_language);
    let mut links = vec![link(&entry.url, "alternate", Some("text/html"))];
    links.extend(entry.enclosure.as_ref().map(|enclosure| atom::Link {
        length: Some(enclosure.bytes.to_string()),
        ..link(&enclosure.url, "enclosure", Some(&enclosure.media_type))
    }));
    atom::Entry {
        title: text(&entry.title, language),
        id: entry.id.clone(),
        updated: entry.updated.fixed_offset(),
        authors: entry.authors.iter().map(person).collect(),
        categories: entry
            .categories
            .iter()
            .map(|category| atom::Category { term: category.clone(), ..atom::Category::default() })
            .collect(),
        links,
        published: Some(entry.published.fixed_offset()),
        summary: entry.summary.as_ref().map(|summary| text(summary, language)),
        content: entry.content_html.as_ref().map(|html| atom::Content {
            value: Some(html.to_string()),
            content_type: Some("html".into()),
            lang: language.cloned(),
            ..atom::Content::default()
        }),
        extensions: extensions(entry),
        ..atom::Entry::default()
    }
}

fn text(plain: &str, language: Option<&String>) -> atom::Text {
    atom::Text { value: plain.to_string(), lang: language.cloned(), ..atom::Text::default() }
}

fn person(person: &Person) -> atom::Person {
    atom::Person {
        name: person.name.clone(),
        email: person.email.clone(),
        uri: person.url.clone(),
        ..atom::Person::default()
    }
}

fn link(url: &str, relation: &str, media_type: Option<&str>) -> atom::Link {
    atom::Link {
        href: url.to_string(),
        rel: relation.to_string(),
        mime_type: media_type.map(str::to_string),
        ..atom::Link::default()
    }
}

fn extensions(entry: &Entry) -> atom::extension::ExtensionMap {
    let mut elements: BTreeMap<String, Vec<atom::extension::Extension>> = BTreeMap::new();
    for element in media::elements(entry) {
        let description = element.description.map(|value| atom::extension::Extension {
            name: "media:description".into(),
            value: Some(value),
            attrs: BTreeMap::from([("type".into(), "plain".into())]),
            ..Default::default()
        });
        elements.entry(element.name.to_string()).or_default().push(atom::extension::Extension {
            name: format!("media:{}", element.name),
            attrs: element.attributes,
            children: description.map(|one| ("description".to_string(), vec![one])).into_iter().collect(),
            ..Default::default()
        });
    }
    if elements.is_empty() { BTreeMap::new() } else { BTreeMap::from([("media".to_string(), elements)]) }
}
