//! What templates may name of one entry: an item, a link elsewhere, or a line of words.
//!
//! Every key is there for each of them, `null` (or an empty list) where there is nothing to say.

use serde_json::{Value, json};

use super::words::{capitalised, cut_at_word};
use super::{event, picture, prose, start};
use crate::body::{Body, Embed};
use crate::digest::ComposeInput;
use crate::digest::language::{self, Language};
use crate::digest::plan::{Entry, What};
use crate::item::Item;

/// A summary's longest form, in characters, when it is the author's own, and when it is taken from the body.
const SUMMARY_OWN: usize = 400;
const SUMMARY_OF_BODY: usize = 240;
/// A title in the words of a link.
const LINK: usize = 40;

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
    }
    if value["title"].as_str().is_none_or(str::is_empty) {
        value["title"] = Value::from(language.text("untitled", &[]));
    }
    value
}

fn item_of(input: &ComposeInput<'_>, item: &Item, body: &Body, with_picture: bool) -> Value {
    let zone = input.config.site.time_zone;
    let (language, tag) = (&*input.templates.language, input.templates.language_tag.as_str());
    // A day that was read in a zone is that day only in this zone.
    let date_zone = if item.date_only { input.config.content.dates_in } else { zone };
    let date = item.published.with_timezone(&date_zone).date_naive();
    let own = item.summary.as_deref().map(|summary| input.renderer.line(item, summary)).filter(|s| !s.is_empty());
    let summary = match own {
        Some(own) => cut_at_word(&own, SUMMARY_OWN),
        None => body.summary(SUMMARY_OF_BODY),
    };
    let title = input.renderer.line(item, &item.title);
    let series = item.series.as_deref().map(|series| input.renderer.line(item, series));
    let series_line = series.as_ref().map(|series| match &item.episode {
        Some(episode) => language.text("episode", &[("episode", episode.clone()), ("series", series.clone())]),
        None => language.text("series", &[("series", series.clone())]),
    });
    let embeds = &body.embeds;
    let player = match embeds.as_slice() {
        [embed] => player(embed, &title, language),
        _ => Value::Null,
    };
    // Many sites say what an item is by a tag.
    let kinds = item.kind.iter().chain(&item.tags);
    let label = kinds.filter_map(|kind| language.kind(kind)).next();
    let other_language = item.language.as_deref().filter(|own| language::primary(own) != language::primary(tag));
    json!({
        "kind": "item",
        "id": item.id,
        "title": title,
        "url": item.url,
        "summary": (!summary.is_empty()).then_some(summary),
        "date": capitalised(&language.date(date)),
        "date_iso": date.to_string(),
        "image": item.image.as_ref().filter(|_| with_picture).map(picture::image),
        "type": item.kind,
        "label": label,
        "series": series,
        "episode": item.episode,
        "series_line": series_line,
        "embeds": embeds.iter().map(|embed| json!({ "url": embed.url, "title": embed.title })).collect::<Vec<_>>(),
        "player": player,
        "tags": item.tags,
        "authors": item.authors.iter().map(|author| author.name.clone()).collect::<Vec<_>>(),
        "event": event::event(input, item),
        "lang": other_language,
        "direction": language::direction(other_language.unwrap_or(tag)),
        "start": start(other_language.unwrap_or(tag)),
    })
}

/// A link that says where it leads, on its own: there may be many of them.
fn player(embed: &Embed, title: &str, language: &Language) -> Value {
    let host = embed.url.parse::<url::Url>().ok().and_then(|url| url.host_str().map(str::to_string));
    let host = host.unwrap_or_default().trim_start_matches("www.").to_string();
    let title = cut_at_word(title, LINK);
    let words = if is_sound(embed) { "listen" } else { "watch" };
    json!({ "url": embed.url, "title": embed.title, "words": language.text(words, &[("host", host), ("title", title)]) })
}

fn is_sound(embed: &Embed) -> bool {
    ["acast.com", "spotify.com", "soundcloud.com"].iter().any(|host| embed.url.contains(host))
}
