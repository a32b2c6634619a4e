//! What the W3C feed validator looks at, errors and warnings, written down as checks of ours: the validator itself is a
//! web service, and the tests have no network.
//!
//! Of its rules on dates ahead of the present, or before 1990, nothing is here: those are the author's to keep.

use std::collections::BTreeSet;

use html5ever::tendril::TendrilSink;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use super::xml::{self, Element};

/// Everything that the validator would say about a feed, in its own order.
pub fn complaints(text: &str) -> Vec<String> {
    let root = match xml::parse(text) {
        Ok(root) => root,
        Err(error) => return vec![format!("not well-formed: {error}")],
    };
    let mut said = Said::default();
    if let Some(character) = text.chars().find(|c| matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffd}')) {
        said.that(format!("the character {character:?}"));
    }
    match root.name.as_str() {
        "feed" => atom(&root, &mut said),
        "rss" => rss(&root, &mut said),
        other => said.that(format!("a root element {other}")),
    }
    for element in root.descendants().into_iter().filter(|element| element.name.starts_with("media:")) {
        media(element, &mut said);
    }
    said.0
}

#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    fn that(&mut self, words: impl Into<String>) {
        self.0.push(words.into());
    }

    fn unless(&mut self, fine: bool, words: impl FnOnce() -> String) {
        if !fine {
            self.0.push(words());
        }
    }

    fn one(&mut self, parent: &Element, name: &str) {
        let count = parent.all(name).count();
        self.unless(count == 1, || format!("{count} {name} in {}", parent.name));
    }

    fn at_most_one(&mut self, parent: &Element, name: &str) {
        let count = parent.all(name).count();
        self.unless(count <= 1, || format!("{count} {name} in {}", parent.name));
    }
}

fn atom(feed: &Element, said: &mut Said) {
    for name in ["id", "title", "updated"] {
        said.one(feed, name);
    }
    said.unless(feed.attribute("xml:lang").is_some(), || "no language".into());
    let own = feed.all("link").filter(|link| link.attribute("rel") == Some("self")).count();
    said.unless(own == 1, || format!("{own} links to itself"));
    for person in feed.descendants().into_iter().filter(|element| element.name == "author") {
        person_is_fine(person, said);
    }
    for link in feed.descendants().into_iter().filter(|element| element.name == "link") {
        link_is_fine(link, said);
    }
    let mut ids = BTreeSet::new();
    let mut moments = BTreeSet::new();
    for entry in feed.all("entry") {
        for name in ["id", "title", "updated"] {
            said.one(entry, name);
        }
        for name in ["published", "summary", "content"] {
            said.at_most_one(entry, name);
        }
        said.unless(feed.child("author").is_some() || entry.child("author").is_some(), || "nobody wrote it".into());
        let id = entry.text_of("id").unwrap_or_default();
        said.unless(is_address(id), || format!("the id {id}"));
        said.unless(ids.insert(id), || format!("twice the id {id}"));
        let updated = entry.text_of("updated").unwrap_or_default();
        said.unless(moments.insert(updated), || format!("two entries updated at {updated}"));
        for name in ["updated", "published"] {
            if let Some(moment) = entry.text_of(name) {
                said.unless(is_rfc_3339(moment), || format!("{name} {moment}"));
            }
        }
        for name in ["title", "summary"] {
            if let Some(text) = entry.child(name) {
                said.unless(!text.text.trim().is_empty(), || format!("an empty {name}"));
                said.unless(text.attribute("type").unwrap_or("text") == "text", || format!("a typed {name}"));
                no_markup(&text.text, said);
            }
        }
        if let Some(content) = entry.child("content") {
            said.unless(content.attribute("type") == Some("html"), || "content that is not html".into());
            said.unless(!content.text.trim().is_empty(), || "empty content".into());
            html(&content.text, said);
        }
        let alternate = entry.all("link").any(|link| link.attribute("rel") == Some("alternate"));
        said.unless(alternate, || "an entry without its page".into());
        for category in entry.all("category") {
            said.unless(category.attribute("term").is_some_and(|term| !term.is_empty()), || {
                "an empty category".into()
            });
        }
    }
}

fn rss(rss: &Element, said: &mut Said) {
    said.unless(rss.attribute("version") == Some("2.0"), || "not RSS 2.0".into());
    said.one(rss, "channel");
    let Some(channel) = rss.child("channel") else { return };
    for name in ["title", "link", "description", "language"] {
        said.one(channel, name);
    }
    for name in ["title", "description"] {
        no_markup(channel.text_of(name).unwrap_or_default(), said);
    }
    said.unless(is_address(channel.text_of("link").unwrap_or_default()), || "the channel's link".into());
    let own = channel.all("atom:link").filter(|link| link.attribute("rel") == Some("self")).count();
    said.unless(own == 1, || format!("{own} links to itself"));
    if let Some(date) = channel.text_of("lastBuildDate") {
        said.unless(is_rfc_822(date), || format!("lastBuildDate {date}"));
    }
    let last_of_channel = channel.children.iter().rposition(|child| child.name != "item");
    let first_item = channel.children.iter().position(|child| child.name == "item");
    if let (Some(last), Some(first)) = (last_of_channel, first_item) {
        said.unless(last < first, || "items before the channel's own elements".into());
    }
    for link in channel.descendants().into_iter().filter(|element| element.name == "atom:link") {
        link_is_fine(link, said);
    }
    let mut ids = BTreeSet::new();
    for item in channel.all("item") {
        rss_item(item, &mut ids, said);
    }
}

fn rss_item<'a>(item: &'a Element, ids: &mut BTreeSet<&'a str>, said: &mut Said) {
    for name in ["title", "link", "guid", "pubDate"] {
        said.one(item, name);
    }
    for name in ["description", "content:encoded", "enclosure", "atom:updated", "author", "dc:date"] {
        said.at_most_one(item, name);
    }
    for name in ["author", "dc:date"] {
        said.unless(item.child(name).is_none(), || format!("{name} beside what says the same"));
    }
    let title = item.text_of("title").unwrap_or_default();
    said.unless(!title.trim().is_empty(), || "an empty title".into());
    no_markup(title, said);
    for category in item.all("category") {
        said.unless(!category.text.trim().is_empty(), || "an empty category".into());
        no_markup(&category.text, said);
    }
    let place = |name: &str| item.children.iter().position(|child| child.name == name);
    if let Some(content) = place("content:encoded") {
        let before = place("description").is_some_and(|description| description < content);
        said.unless(before, || "content:encoded before description".into());
    }
    for name in ["description", "content:encoded"] {
        if let Some(text) = item.text_of(name) {
            html(text, said);
        }
    }
    let link = item.text_of("link").unwrap_or_default();
    said.unless(is_address(link), || format!("the link {link}"));
    if let Some(guid) = item.child("guid") {
        let id = guid.text.as_str();
        said.unless(ids.insert(id), || format!("twice the guid {id}"));
        match guid.attribute("isPermaLink") {
            None | Some("true") => {
                said.unless(is_address(id) && id.starts_with("http"), || format!("the guid {id} is no address"));
            }
            Some("false") => {
                let enough = id.len() >= 9 || id.bytes().any(|byte| !byte.is_ascii_digit());
                said.unless(enough, || format!("the guid {id} is not unique enough"));
            }
            Some(other) => said.that(format!("isPermaLink={other}")),
        }
    }
    let date = item.text_of("pubDate").unwrap_or_default();
    said.unless(is_rfc_822(date), || format!("pubDate {date}"));
    if let Some(moment) = item.text_of("atom:updated") {
        said.unless(is_rfc_3339(moment), || format!("atom:updated {moment}"));
    }
    if let Some(enclosure) = item.child("enclosure") {
        let url = enclosure.attribute("url").unwrap_or_default();
        said.unless(is_address(url) && url.starts_with("http"), || format!("the enclosure {url}"));
        let length = enclosure.attribute("length").unwrap_or_default();
        said.unless(length.parse::<u64>().is_ok(), || format!("the length {length}"));
        let media_type = enclosure.attribute("type").unwrap_or_default();
        said.unless(is_media_type(media_type), || format!("the type {media_type}"));
    }
}

fn media(element: &Element, said: &mut Said) {
    match element.name.as_str() {
        "media:content" | "media:thumbnail" | "media:player" => {
            let url = element.attribute("url").unwrap_or_default();
            said.unless(is_address(url), || format!("{} at {url}", element.name));
            for name in ["width", "height", "fileSize"] {
                if let Some(number) = element.attribute(name) {
                    said.unless(number.parse::<u64>().is_ok_and(|n| n > 0), || format!("{name} {number}"));
                }
            }
            if let Some(media_type) = element.attribute("type") {
                said.unless(is_media_type(media_type), || format!("the type {media_type}"));
            }
        }
        "media:description" => no_markup(&element.text, said),
        other => said.that(format!("{other}, which no feed of ours needs")),
    }
}

fn person_is_fine(person: &Element, said: &mut Said) {
    said.unless(person.text_of("name").is_some_and(|name| !name.trim().is_empty()), || "a nameless author".into());
    if let Some(email) = person.text_of("email") {
        said.unless(email.contains('@') && !email.contains([' ', '<']), || format!("the address {email}"));
    }
    if let Some(uri) = person.text_of("uri") {
        said.unless(is_address(uri), || format!("the address {uri}"));
    }
}

fn link_is_fine(link: &Element, said: &mut Said) {
    let href = link.attribute("href").unwrap_or_default();
    said.unless(is_address(href), || format!("the link {href}"));
    let relation = link.attribute("rel").unwrap_or("alternate");
    // Those of RFC 4287, WebSub, and RFC 5005.
    let known = ["self", "alternate", "hub", "enclosure", "current", "prev-archive"];
    said.unless(known.contains(&relation), || format!("rel={relation}"));
    if let Some(media_type) = link.attribute("type") {
        said.unless(is_media_type(media_type), || format!("the type {media_type}"));
        if relation == "self" {
            let known = ["application/atom+xml", "application/rss+xml"].contains(&media_type);
            said.unless(known, || format!("itself as {media_type}"));
        }
    }
}

/// Plain text that the validator, or a reader that guesses, would take for HTML.
fn no_markup(text: &str, said: &mut Said) {
    let after = |sign: char| {
        text.match_indices(sign).filter_map(|(at, _)| text[at + 1..].chars().next().map(|next| (at, next)))
    };
    if after('<').any(|(_, next)| next == '/' || next.is_ascii_alphabetic()) {
        said.that(format!("markup in {text:?}"));
    }
    for (at, _) in text.match_indices('&') {
        let name: String =
            text[at + 1..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '#')).collect();
        let closed = text[at + 1 + name.len()..].starts_with(';');
        let numeric = name.chars().any(|c| !c.is_alphabetic());
        if !name.is_empty() && (closed || numeric) {
            said.that(format!("a character reference in {text:?}"));
        }
    }
}

/// Elements that readers keep; the validator warns of the others.
const ELEMENTS: &str = "a abbr address article aside audio b bdi bdo blockquote br caption center cite code col colgroup data dd \
    del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li \
    main mark nav ol p picture pre q rp rt ruby s samp section small source span strike strong sub summary \
    sup table tbody td tfoot th thead time tr track tt u ul var video wbr";

const ATTRIBUTES: &str = "abbr align alt border cellpadding cellspacing cite class clear color cols colspan datetime default dir \
    headers height href hreflang id kind label lang loading loop media muted name open poster preload rel \
    reversed rows rowspan scope sizes span src srclang srcset start style summary target title translate type \
    valign value width";

fn html(text: &str, said: &mut Said) {
    let context = html5ever::QualName::new(None, html5ever::ns!(html), html5ever::local_name!("body"));
    let dom = html5ever::parse_fragment(RcDom::default(), Default::default(), context, vec![], false).one(text);
    walk(&dom.document, said);
}

fn walk(node: &Handle, said: &mut Said) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let element = name.local.to_string();
        said.unless(element == "html" || ELEMENTS.split(' ').any(|known| known == element), || {
            format!("<{element}> in content")
        });
        for attribute in attrs.borrow().iter() {
            let (name, value) = (attribute.name.local.to_string(), attribute.value.to_string());
            let known = ATTRIBUTES.split(' ').any(|known| known == name) || name.starts_with("data-");
            said.unless(known, || format!("{element} {name}={value:?} in content"));
            match name.as_str() {
                "href" | "src" | "poster" | "cite" | "data-embed" | "data-src" => {
                    let scheme = value.split(':').next().unwrap_or_default();
                    let fine = value.contains(':') && !["javascript", "vbscript", "file"].contains(&scheme);
                    said.unless(fine, || format!("{element} {name}={value:?} is not absolute"));
                }
                "srcset" => {
                    for candidate in value.split(", ") {
                        said.unless(candidate.contains("://"), || format!("srcset {candidate:?} is not absolute"));
                    }
                }
                "style" => {
                    let lower = value.to_lowercase();
                    let fine = !["url(", "position", "expression", "@"].iter().any(|word| lower.contains(word));
                    said.unless(fine, || format!("style={value:?}"));
                }
                _ => {}
            }
        }
    }
    for child in node.children.borrow().iter() {
        walk(child, said);
    }
}

/// RFC 3986 with a scheme: nothing that must be encoded stands bare.
fn is_address(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b";/?:@&=+$.-_!~*'()%,#".contains(&byte);
    let scheme = text.split(':').next().unwrap_or_default();
    text.contains(':')
        && !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && text.bytes().all(known)
}

fn is_media_type(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && !b"()<>,;:\\\"/[]?=".contains(&b))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| part(kind) && part(subtype))
}

fn is_rfc_3339(text: &str) -> bool {
    text.contains('T') && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

/// Weekday, two-digit or one-digit day, four-digit year, seconds, and GMT.
fn is_rfc_822(text: &str) -> bool {
    chrono::NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT").is_ok()
}
