//! Makes the model: chooses items, renders their bodies, makes every text fit for all formats.
//!
//! Promises: a body is rendered once however many feeds take its item; items that are held are left out; `updated` comes
//! from the items (their identity keeps equal instants apart) and never from the clock.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};
use rayon::prelude::*;

use super::{Entry, Feed, History, markup, plain};
use crate::body::{Embed, Renderer};
use crate::config::{Config, FeedConfig, FeedContent, Person};
use crate::item::{Enclosure, Image, Item};
use crate::problem::Problems;
use crate::selection;

/// Where an author gave no summary, this many characters of the body stand for it.
const SUMMARY_CHARACTERS: usize = 280;

/// The model of one feed. `items` have their ids.
pub fn build(config: &Config, feed: &FeedConfig, items: &[Item], renderer: &Renderer) -> (Feed, Problems) {
    let chosen = choose(feed, items);
    let (rendered, problems) = render(&[(feed, chosen.clone())], renderer);
    (assemble(config, feed, &chosen, &rendered), problems)
}

/// The models of every feed, in the configuration's order.
pub fn build_all(config: &Config, items: &[Item], renderer: &Renderer) -> (Vec<Feed>, Problems) {
    let chosen: Vec<(&FeedConfig, Vec<&Item>)> =
        config.feeds.iter().map(|feed| (feed, choose(feed, items))).collect();
    let (rendered, problems) = render(&chosen, renderer);
    let feeds = chosen.iter().map(|(feed, chosen)| assemble(config, feed, chosen, &rendered)).collect();
    (feeds, problems)
}

fn choose<'a>(feed: &FeedConfig, items: &'a [Item]) -> Vec<&'a Item> {
    let mut chosen = selected(feed, items);
    chosen.truncate(feed.limit.unwrap_or(usize::MAX));
    chosen
}

/// What a feed would hold but for its limit, newest first.
pub fn beyond<'a>(feed: &FeedConfig, items: &'a [Item]) -> Vec<&'a Item> {
    selected(feed, items).into_iter().skip(feed.limit.unwrap_or(usize::MAX)).collect()
}

fn selected<'a>(feed: &FeedConfig, items: &'a [Item]) -> Vec<&'a Item> {
    let mut chosen: Vec<&Item> =
        items.iter().filter(|item| item.held_until.is_none() && selection::matches(item, &feed.select)).collect();
    selection::newest_first(&mut chosen);
    chosen
}

/// What an item's texts became, whichever feeds take it.
struct Rendered {
    title: String,
    summary: Option<String>,
    /// `None`: no feed asked for it, or there is nothing in it.
    html: Option<Arc<str>>,
    embeds: Vec<Embed>,
}

/// By the item's place in memory: an item is one value, and ids are long.
type RenderedItems = HashMap<*const Item, Rendered>;

fn render(chosen: &[(&FeedConfig, Vec<&Item>)], renderer: &Renderer) -> (RenderedItems, Problems) {
    let mut wanted: Vec<(&Item, bool)> = Vec::new();
    let mut place: HashMap<*const Item, usize> = HashMap::new();
    for (feed, items) in chosen {
        let in_full = feed.content == FeedContent::Full;
        for item in items {
            let at = *place.entry(std::ptr::from_ref(*item)).or_insert_with(|| {
                wanted.push((item, false));
                wanted.len() - 1
            });
            if let Some((_, full)) = wanted.get_mut(at) {
                *full |= in_full;
            }
        }
    }
    let rendered: Vec<(Rendered, Problems)> =
        wanted.par_iter().map(|(item, in_full)| render_item(item, *in_full, renderer)).collect();
    let mut problems = Problems::new();
    let mut by_item = HashMap::with_capacity(wanted.len());
    for ((item, _), (rendered, its_problems)) in wanted.iter().zip(rendered) {
        problems.extend(its_problems);
        by_item.insert(std::ptr::from_ref(*item), rendered);
    }
    (by_item, problems)
}

fn render_item(item: &Item, in_full: bool, renderer: &Renderer) -> (Rendered, Problems) {
    let mut body = renderer.render(item);
    let summary = match item.summary.as_deref().map(|own| plain::line(&renderer.line(item, own))) {
        Some(own) if !own.is_empty() => own,
        _ => plain::line(&body.summary(SUMMARY_CHARACTERS)),
    };
    let html = if in_full {
        markup::fit(&mut body.nodes);
        body.html()
    } else {
        String::new()
    };
    let html = if html.trim().is_empty() { None } else { Some(Arc::from(plain::clean(&html).as_ref())) };
    let rendered = Rendered {
        title: plain::line(&renderer.line(item, &item.title)),
        summary: Some(summary).filter(|summary| !summary.is_empty()),
        html,
        embeds: body.embeds.iter().filter_map(embed).collect(),
    };
    (rendered, body.problems)
}

fn assemble(config: &Config, feed: &FeedConfig, chosen: &[&Item], rendered: &RenderedItems) -> Feed {
    let site = &config.site;
    let home_url = plain::address(site.url.as_str()).unwrap_or_default();
    let output = |path: &Option<String>| {
        path.as_deref()
            .and_then(|path| site.url.join(path.trim_start_matches('/')).ok())
            .and_then(|url| plain::address(url.as_str()))
    };
    let (atom_url, rss_url, json_url) =
        (output(&feed.outputs.atom), output(&feed.outputs.rss), output(&feed.outputs.json));
    let own_address = atom_url.as_ref().or(rss_url.as_ref()).or(json_url.as_ref()).unwrap_or(&home_url);
    let id = feed.id.as_ref().map_or_else(|| own_address.clone(), |id| plain::id(id, &home_url));
    let title = plain::line(&feed.title);
    let site_title = plain::line(&site.title);
    let named = |person: &Person| plain::person(person);
    let author =
        site.author.as_ref().and_then(named).unwrap_or_else(|| Person { name: site_title, ..Person::default() });
    let in_full = feed.content == FeedContent::Full;
    let entries: Vec<Entry> = chosen
        .iter()
        .filter_map(|item| {
            rendered.get(&std::ptr::from_ref(*item)).map(|texts| entry(item, texts, in_full, &home_url))
        })
        .collect();
    Feed {
        id,
        title,
        description: feed
            .description
            .as_ref()
            .or(site.description.as_ref())
            .map(|text| plain::line(text))
            .filter(|text| !text.is_empty()),
        language: plain::line(&site.language),
        updated: entries.iter().map(|entry| entry.updated).max().unwrap_or_else(nothing_yet),
        home_url,
        atom_url,
        rss_url,
        json_url,
        history: History::default(),
        hubs: feed.hubs.iter().filter_map(|hub| plain::address(hub)).collect(),
        author,
        entries,
    }
}

/// The `updated` of a feed without entries: fixed, so that its bytes are, and later than the dates that validators
/// think a mistake.
fn nothing_yet() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2000, 1, 1, 0, 0, 0).single().unwrap_or(DateTime::UNIX_EPOCH)
}

fn entry(item: &Item, texts: &Rendered, in_full: bool, home_url: &str) -> Entry {
    let url = plain::address(&item.url).unwrap_or_else(|| home_url.to_string());
    let picture = item.image.as_ref().and_then(picture);
    let own_enclosure = item.enclosure.as_ref().and_then(|own| {
        let url = plain::address(&own.url).filter(|url| url.starts_with("http"))?;
        Some(Enclosure { url, media_type: media_type(&own.media_type)?, bytes: own.bytes })
    });
    let picture_as_enclosure = || {
        let picture = picture.as_ref()?;
        let url = Some(picture.url.clone()).filter(|url| url.starts_with("http"))?;
        Some(Enclosure { url, media_type: picture.media_type.clone()?, bytes: picture.bytes? })
    };
    let mut categories: Vec<String> = Vec::with_capacity(item.tags.len());
    for tag in &item.tags {
        let tag = plain::line(tag);
        if !tag.is_empty() && !categories.contains(&tag) {
            categories.push(tag);
        }
    }
    Entry {
        // An item whose id is its address keeps being told so in RSS: both pass through the same encoding.
        id: if item.id == item.url { url.clone() } else { plain::id(&item.id, home_url) },
        title: if texts.title.is_empty() { url.clone() } else { texts.title.clone() },
        url,
        summary: texts.summary.clone(),
        content_html: texts.html.clone().filter(|_| in_full),
        published: item.published,
        updated: item.updated,
        authors: item.authors.iter().filter_map(plain::person).collect(),
        categories,
        language: item.language.as_deref().map(plain::line).filter(|language| !language.is_empty()),
        enclosure: own_enclosure.or_else(picture_as_enclosure),
        picture,
        embeds: texts.embeds.clone(),
    }
}

fn picture(image: &Image) -> Option<Image> {
    Some(Image {
        url: plain::address(&image.url)?,
        alt: plain::line(&image.alt),
        media_type: image.media_type.as_deref().and_then(media_type),
        ..image.clone()
    })
}

fn embed(embed: &Embed) -> Option<Embed> {
    Some(Embed {
        url: plain::address(&embed.url)?,
        player: plain::address(&embed.player)?,
        title: plain::line(&embed.title),
        thumbnail: embed.thumbnail.as_deref().and_then(plain::address),
    })
}

/// `type/subtype` with nothing else in it.
fn media_type(text: &str) -> Option<String> {
    let (kind, subtype) = text.trim().split_once('/')?;
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    (token(kind) && token(subtype)).then(|| format!("{kind}/{subtype}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tests::item;

    fn config(feeds: &[(&str, &str)]) -> Config {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "config/crieur.yaml",
            "site: { url: https://www.example.org/blog/, title: Le site, language: fr }\ncontent: { paths: [posts] }\n",
        );
        for (name, text) in feeds {
            write(&format!("feeds/{name}.yaml"), text);
        }
        std::fs::create_dir_all(folder.path().join("posts")).unwrap();
        let (config, problems) = Config::read(folder.path()).unwrap();
        assert!(!problems.has_errors(), "{problems:?}");
        config
    }

    fn built(config: &Config, items: &[Item]) -> Vec<Feed> {
        build_all(config, items, &Renderer::new(config).0).0
    }

    #[test]
    fn held_items_are_left_out_and_the_limit_counts_the_others() {
        let config = config(&[("news", "outputs: { rss: rss.xml }\nlimit: 2\n")]);
        let mut items = vec![item("posts/a.md", "A"), item("posts/b.md", "B"), item("posts/c.md", "C")];
        items[2].held_until = Some(items[2].published);
        let feeds = built(&config, &items);
        let titles: Vec<&str> = feeds[0].entries.iter().map(|entry| entry.title.as_str()).collect();
        assert_eq!(titles, ["B", "A"]);
    }

    #[test]
    fn a_feed_without_an_id_has_its_own_address() {
        let config = config(&[
            ("a", "outputs: { rss: rss.xml, json: feed.json }\n"),
            ("b", "id: https://www.example.org/\noutputs: { atom: feed/feed.xml }\n"),
        ]);
        let feeds = built(&config, &[]);
        assert_eq!(feeds[0].id, "https://www.example.org/blog/rss.xml");
        assert_eq!(feeds[1].id, "https://www.example.org/");
        assert_eq!(feeds[1].atom_url.as_deref(), Some("https://www.example.org/blog/feed/feed.xml"));
        assert_eq!(feeds[1].updated.to_rfc3339(), "2000-01-01T00:00:00+00:00");
        assert_eq!(feeds[1].author.name, "Le site");
    }

    #[test]
    fn two_feeds_share_one_rendered_body_and_a_summary_feed_holds_none() {
        let outputs = "outputs: { atom: X.xml }\n";
        let config = config(&[
            ("full", &outputs.replace('X', "full")),
            ("more", &outputs.replace('X', "more")),
            ("short", &format!("{}content: summary\n", outputs.replace('X', "short"))),
        ]);
        let feeds = built(&config, &[item("posts/a.md", "A")]);
        let content = |feed: &Feed| feed.entries[0].content_html.clone();
        assert_eq!(content(&feeds[0]).as_deref(), Some("<p>Un corps.</p>\n"));
        assert!(Arc::ptr_eq(&content(&feeds[0]).unwrap(), &content(&feeds[1]).unwrap()));
        assert_eq!(content(&feeds[2]), None);
        assert_eq!(feeds[2].entries[0].summary.as_deref(), Some("Un corps."));
    }

    #[test]
    fn the_picture_is_the_enclosure_only_where_its_size_is_known_and_nothing_else_is_enclosed() {
        let config = config(&[("news", "outputs: { atom: feed.xml }\n")]);
        let mut own = item("posts/a.md", "A");
        own.image = Some(Image {
            url: "https://www.example.org/é.png".into(),
            alt: String::new(),
            file: None,
            bytes: None,
            media_type: Some("image/png".into()),
            width: None,
            height: None,
        });
        let enclosure = |item: &Item| built(&config, std::slice::from_ref(item))[0].entries[0].enclosure.clone();
        assert_eq!(enclosure(&own), None);
        own.image.as_mut().unwrap().bytes = Some(7);
        assert_eq!(enclosure(&own).unwrap().url, "https://www.example.org/%C3%A9.png");
        own.enclosure = Some(Enclosure {
            url: "https://www.example.org/a.mp3".into(),
            media_type: "audio/mpeg".into(),
            bytes: 9,
        });
        assert_eq!(enclosure(&own).unwrap().bytes, 9);
    }

    #[test]
    fn the_feed_is_as_new_as_its_latest_change() {
        let config = config(&[("news", "outputs: { atom: feed.xml }\n")]);
        let (a, mut b) = (item("posts/a.md", "A"), item("posts/b.md", "B"));
        b.published -= chrono::Duration::days(9);
        b.updated = a.updated + chrono::Duration::days(1);
        let feed = &built(&config, &[a, b.clone()])[0];
        assert_eq!(feed.updated, b.updated);
        assert_eq!(feed.entries[0].title, "A");
    }
}
