//! The model as RSS 2.0 after the RSS Advisory Board's profile, with Atom, Dublin Core, content and Media RSS beside it.
//!
//! `author` would need an e-mail address, so people are `dc:creator`. A `description` is HTML to every reader: a summary
//! goes there escaped. When an item was last changed has no element in RSS: it is Atom's `updated`.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use rss::extension::atom::{AtomExtension, Link};
use rss::extension::dublincore::DublinCoreExtension;
use rss::extension::{Extension, ExtensionMap};

use super::media;
use super::plain;
use super::{Entry, Feed};

/// The feed's bytes.
pub fn write(feed: &Feed) -> String {
    super::in_pieces(&feed.entries, "</channel>\n</rss>\n", |entries| document(feed, entries))
}

/// The feed with some of its entries.
fn document(feed: &Feed, entries: &[Entry]) -> String {
    let link = |url: &str, relation: &str, media_type: Option<&str>| Link {
        href: url.to_string(),
        rel: relation.to_string(),
        mime_type: media_type.map(str::to_string),
        ..Link::default()
    };
    let mut links = Vec::new();
    links.extend(feed.rss_url.as_ref().map(|url| link(url, "self", Some("application/rss+xml"))));
    links.extend(feed.hubs.iter().map(|hub| link(hub, "hub", None)));
    let channel = rss::Channel {
        title: feed.title.clone(),
        link: feed.home_url.clone(),
        description: feed.description.clone().unwrap_or_else(|| feed.title.clone()),
        language: Some(feed.language.clone()),
        last_build_date: (!feed.entries.is_empty()).then(|| date(feed.updated)),
        generator: Some("crieur".into()),
        // The validator then knows that the extensions are there on purpose.
        docs: Some("http://www.rssboard.org/rss-specification".into()),
        atom_ext: Some(AtomExtension { links }),
        dublin_core_ext: Some(DublinCoreExtension {
            creators: vec![feed.author.name.clone()],
            ..DublinCoreExtension::default()
        }),
        items: entries.iter().map(|entry| item(entry, &feed.language)).collect(),
        // All of them, used or not: the beginning is then the same whatever the entries hold.
        namespaces: [("content", "http://purl.org/rss/1.0/modules/content/"), ("media", media::NAMESPACE)]
            .map(|(prefix, address)| (prefix.to_string(), address.to_string()))
            .into(),
        ..rss::Channel::default()
    };
    // Writing to memory does not fail; were it to, an empty text would be noticed by the first reader of it.
    let bytes = channel.pretty_write_to(Vec::new(), b' ', 0).unwrap_or_default();
    let mut written = String::from_utf8(bytes).unwrap_or_default();
    written.push('\n');
    written
}

fn item(entry: &Entry, feed_language: &str) -> rss::Item {
    let language = entry.language.as_ref().filter(|own| *own != feed_language);
    rss::Item {
        title: Some(entry.title.clone()),
        link: Some(entry.url.clone()),
        description: Some(plain::escaped(entry.summary.as_ref().unwrap_or(&entry.title)).into_owned()),
        categories: entry
            .categories
            .iter()
            .map(|category| rss::Category { name: category.clone(), domain: None })
            .collect(),
        enclosure: entry.enclosure.as_ref().map(|enclosure| rss::Enclosure {
            url: enclosure.url.clone(),
            length: enclosure.bytes.to_string(),
            mime_type: enclosure.media_type.clone(),
        }),
        guid: Some(rss::Guid { value: entry.id.clone(), permalink: entry.id == entry.url }),
        pub_date: Some(date(entry.published)),
        content: entry.content_html.as_ref().map(|html| html.to_string()),
        extensions: extensions(entry),
        dublin_core_ext: (!entry.authors.is_empty() || language.is_some()).then(|| DublinCoreExtension {
            creators: entry.authors.iter().map(|author| author.name.clone()).collect(),
            languages: language.cloned().into_iter().collect(),
            ..DublinCoreExtension::default()
        }),
        ..rss::Item::default()
    }
}

/// RFC 822 with a year of four digits, in English and in GMT whatever the machine speaks.
fn date(moment: DateTime<Utc>) -> String {
    moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn extensions(entry: &Entry) -> ExtensionMap {
    let updated = Extension {
        name: "atom:updated".into(),
        value: Some(entry.updated.to_rfc3339_opts(SecondsFormat::Secs, true)),
        ..Extension::default()
    };
    let mut all = BTreeMap::from([("atom".to_string(), BTreeMap::from([("updated".to_string(), vec![updated])]))]);
    for element in media::elements(entry) {
        let description = element.description.map(|value| Extension {
            name: "media:description".into(),
            value: Some(value),
            attrs: BTreeMap::from([("type".into(), "plain".into())]),
            ..Extension::default()
        });
        all.entry("media".to_string()).or_default().entry(element.name.to_string()).or_default().push(Extension {
            name: format!("media:{}", element.name),
            attrs: element.attributes,
            children: description.map(|one| ("description".to_string(), vec![one])).into_iter().collect(),
            ..Extension::default()
        });
    }
    all
}
