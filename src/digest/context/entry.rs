//! What templates may name of one entry: an item, a link elsewhere, or a line of words.
//!
//! Every key is there for each of them, `null` (or an empty list) where there is nothing to say.

use serde_json::{Value, json};

use super::words::{capitalised, cut_at_word};
use super::{event, picture, prose, start};
use crate::body::tree::{Node, text_content};
use crate::body::{Body, Embed};
use crate::digest::ComposeInput;
use crate::digest::language::{self, Language};
use crate::digest::plan::{Entry, What};
use crate::digest::series::{self, Episode};
use crate::item::Item;

/// A summary's longest form, in characters, when it is the author's own, and when it is taken from the body.
const SUMMARY_OWN: usize = 400;
const SUMMARY_OF_BODY: usize = 240;
/// A title in the words of a link.
const LINK: usize = 80;
/// What is shorter says that it will come, in characters.
const SHORTEST_TRANSCRIPTION: usize = 80;
/// FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE (Unicode's UAX #9).
const ISOLATE: &str = "\u{2068}";
const ISOLATE_END: &str = "\u{2069}";

/// What templates may name of an entry: every key is there, whether it is an item, a link or a line of words.
pub fn entry_of(input: &ComposeInput<'_>, entry: &Entry<'_>, brief: bool, with_picture: bool) -> Value {
    let (language, tag) = (&*input.templates.language, input.templates.language_tag.as_str());
    let mut value = match &entry.what {
        What::Item { item, body } => item_of(input, item, body, with_picture),
        What::Link { url } => {
            let host = url.parse::<url::Url>().ok().and_then(|url| url.host_str().map(str::to_string));
            let host = host.map(|host| host.trim_start_matches("www.").to_string());
            json!({ "kind": "link", "url": url, "host": host })
        }
        What::Words => json!({ "kind": "words" }),
    };
    for key in [
        "id",
        "title",
        "url",
        "host",
        "summary",
        "date",
        "date_iso",
        "image",
        "type",
        "label",
        "series",
        "episode",
        "series_line",
        "player",
        "transcription",
        "register",
        "event",
        "lang",
    ] {
        if value.get(key).is_none() {
            value[key] = Value::Null;
        }
    }
    for key in ["embeds", "tags", "authors"] {
        if value.get(key).is_none() {
            value[key] = json!([]);
        }
    }
    if let Some(title) = &entry.title {
        value["title"] = Value::from(title.clone());
    }
    value["mark"] = Value::from(entry.mark.clone());
    value["words"] = entry.words.as_ref().map(prose).into();
    value["reminder"] = Value::from(entry.reminder);
    if brief || entry.words.is_some() {
        value["summary"] = Value::Null;
    }
    if brief {
        value["words"] = Value::Null;
    }
    if value.get("direction").is_none() {
        value["direction"] = Value::from(language::direction(tag));
        value["start"] = Value::from(start(tag));
        value["isolate"] = Value::from("");
        value["isolate_end"] = Value::from("");
    }
    if value["title"].as_str().is_none_or(str::is_empty) {
        value["title"] = Value::from(language.text("untitled", &[]));
    }
    value
}

fn item_of(input: &ComposeInput<'_>, item: &Item, body: &Body, with_picture: bool) -> Value {
    let zone = input.config.site.time_zone;
    let language = &*input.templates.language;
    // A day that was read in a zone is that day only in this zone.
    let date_zone = if item.date_only { input.config.content.dates_in } else { zone };
    let date = item.published.with_timezone(&date_zone).date_naive();
    let own = item.summary.as_deref().map(|summary| input.renderer.line(item, summary)).filter(|s| !s.is_empty());
    let summary = match own {
        Some(own) => cut_at_word(&own, SUMMARY_OWN),
        None => body.summary(SUMMARY_OF_BODY),
    };
    let title = input.renderer.line(item, &item.title);
    let speech = speech(input, item, &title);
    let called = in_a_sentence(&title, speech["isolate"] != "");
    let link = |url: &Option<String>, words: &str| {
        url.as_ref().map(|url| json!({ "url": url, "words": language.text(words, &[("title", called.clone())]) }))
    };
    let transcription =
        item.transcription.clone().or_else(|| has_transcription(&body.nodes).then(|| item.url.clone()));
    let series = item.series.as_deref().map(|series| input.renderer.line(item, series));
    let episode = series::episode(item);
    let series_line = series.as_ref().map(|series| series_line(language, series, episode.as_ref()));
    let is_over = item.event.as_ref().is_some_and(|event| event.is_past(zone, input.now));
    let embeds = &body.embeds;
    let player = match embeds.as_slice() {
        [embed] => player(embed, &called, language),
        _ => Value::Null,
    };
    // Many sites say what an item is by a tag.
    let kinds = item.kind.iter().chain(&item.tags);
    let label = kinds.filter_map(|kind| language.kind(kind)).next();
    json!({
        "kind": "item",
        "id": item.id,
        "title": title,
        "url": item.url,
        "summary": (!summary.is_empty()).then_some(summary),
        "date": capitalised(&language.date(date)),
        "date_iso": date.to_string(),
        "image": with_picture.then(|| picture::image_of(input, item)),
        "type": item.kind,
        "label": label,
        "series": series,
        "episode": episode.map(|episode| episode.shown),
        "series_line": series_line,
        "embeds": embeds.iter().map(|embed| json!({ "url": embed.url, "title": embed.title })).collect::<Vec<_>>(),
        "player": player,
        "tags": item.tags,
        "authors": item.authors.iter().map(|author| author.name.clone()).collect::<Vec<_>>(),
        "transcription": link(&transcription, "transcription"),
        "register": link(&item.register.clone().filter(|_| !is_over), "register"),
        "event": event::event(input, item, &called),
        "lang": speech["lang"],
        "direction": speech["direction"],
        "start": speech["start"],
        "isolate": speech["isolate"],
        "isolate_end": speech["isolate_end"],
    })
}

/// The language of an item that is not the letter's, which way it is written, and what keeps its marks to itself in plain
/// text that is written the other way.
pub fn speech(input: &ComposeInput<'_>, item: &Item, title: &str) -> Value {
    let tag = input.templates.language_tag.as_str();
    // Who names no language is told by the letters.
    let own = item.language.as_deref().or_else(|| language::by_letters(title));
    let other = own.filter(|own| language::primary(own) != language::primary(tag));
    let direction = language::direction(other.unwrap_or(tag));
    let other_way = direction != language::direction(tag);
    json!({
        "lang": other,
        "direction": direction,
        "start": start(other.unwrap_or(tag)),
        "isolate": if other_way { ISOLATE } else { "" },
        "isolate_end": if other_way { ISOLATE_END } else { "" },
    })
}

/// `Saison 2, épisode 3 de la série « … »`; of an item whose title says which, the series alone.
fn series_line(language: &Language, series: &str, episode: Option<&Episode>) -> String {
    let named = ("series", series.to_string());
    match episode.filter(|episode| !episode.in_title) {
        Some(Episode { season: Some(season), shown, .. }) => {
            language.text("season_episode", &[("season", season.to_string()), ("episode", shown.clone()), named])
        }
        Some(Episode { shown, .. }) => language.text("episode", &[("episode", shown.clone()), named]),
        None => language.text("series", &[named]),
    }
}

/// Whether a body shows its transcription: a `<details>` that is called so and says more than that it will come.
fn has_transcription(nodes: &[Node]) -> bool {
    nodes.iter().filter_map(Node::element).any(|element| {
        let is_summary = |node: &&Node| node.element().is_some_and(|element| element.name == "summary");
        let called = element.children.iter().find(is_summary).and_then(Node::element);
        let called = called.map(|summary| text_content(&summary.children).trim().to_lowercase());
        let is_one = element.name == "details" && called.is_some_and(|called| called.starts_with("transcri"));
        let rest = || element.children.iter().filter(|node| !is_summary(node)).cloned().collect::<Vec<_>>();
        (is_one && text_content(&rest()).trim().chars().count() >= SHORTEST_TRANSCRIPTION)
            || has_transcription(&element.children)
    })
}

/// A title among words that are read the other way.
pub fn in_a_sentence(title: &str, other_way: bool) -> String {
    let title = cut_at_word(title, LINK);
    if other_way { format!("{ISOLATE}{title}{ISOLATE_END}") } else { title }
}

/// A link that says where it leads, on its own: there may be many of them.
fn player(embed: &Embed, title: &str, language: &Language) -> Value {
    let host = embed.url.parse::<url::Url>().ok().and_then(|url| url.host_str().map(str::to_string));
    let host = host.unwrap_or_default().trim_start_matches("www.").to_string();
    let title = title.to_string();
    let words = if is_sound(embed) { "listen" } else { "watch" };
    json!({ "url": embed.url, "title": embed.title, "words": language.text(words, &[("host", host), ("title", title)]) })
}

pub(super) fn is_sound(embed: &Embed) -> bool {
    ["acast.com", "spotify.com", "soundcloud.com"].iter().any(|host| embed.url.contains(host))
}
