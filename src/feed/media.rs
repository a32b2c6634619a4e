//! Media RSS, for RSS and Atom alike: the picture, and where a video or a sound plays.
//!
//! The elements stand bare in their entry: a group is for several versions of one thing, and the W3C validator says so.
//! Follows the Media RSS specification 1.5.1.

use std::collections::BTreeMap;

use super::Entry;

pub(super) const NAMESPACE: &str = "http://search.yahoo.com/mrss/";

/// One element of the `media` namespace.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Without its prefix.
    pub name: &'static str,
    pub attributes: BTreeMap<String, String>,
    /// `media:description` inside it: what the picture shows.
    pub description: Option<String>,
}

/// The media elements of an entry, each name once at most.
pub(super) fn elements(entry: &Entry) -> Vec<Element> {
    let mut elements = Vec::new();
    if let Some(picture) = &entry.picture {
        let mut content = element("content", &picture.url);
        content.attributes.insert("medium".into(), "image".into());
        let facts = [
            ("type", picture.media_type.clone()),
            ("fileSize", picture.bytes.filter(|bytes| *bytes > 0).map(|bytes| bytes.to_string())),
            ("width", picture.width.map(|pixels| pixels.to_string())),
            ("height", picture.height.map(|pixels| pixels.to_string())),
        ];
        for (name, fact) in facts {
            if let Some(fact) = fact {
                content.attributes.insert(name.into(), fact);
            }
        }
        content.description = Some(picture.alt.clone()).filter(|alt| !alt.is_empty());
        elements.push(content);
    }
    if let Some(embed) = entry.embeds.first() {
        elements.push(element("player", &embed.player));
    }
    if let Some((url, width, height)) = thumbnail(entry) {
        let mut thumbnail = element("thumbnail", url);
        for (name, pixels) in [("width", width), ("height", height)] {
            if let Some(pixels) = pixels {
                thumbnail.attributes.insert(name.into(), pixels.to_string());
            }
        }
        elements.push(thumbnail);
    }
    elements
}

/// What stands for the entry in a list: its picture, else its first video's.
fn thumbnail(entry: &Entry) -> Option<(&str, Option<u32>, Option<u32>)> {
    let of_picture = entry.picture.as_ref().map(|picture| (picture.url.as_str(), picture.width, picture.height));
    of_picture
        .or_else(|| entry.embeds.iter().find_map(|embed| embed.thumbnail.as_deref()).map(|url| (url, None, None)))
}

fn element(name: &'static str, url: &str) -> Element {
    Element { name, attributes: BTreeMap::from([("url".to_string(), url.to_string())]), description: None }
}
