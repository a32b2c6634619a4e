//! What a letter's templates may name.
//!
//! `site`, `newsletter`, `edition`, `sections` with their `entries`, `agenda`, `rest`, `language`, `direction` and, in the
//! two parts, `subject`; the words come by `{{say "NAME"}}`. All of it is plain text but what is named `html`, which is
//! safe HTML; every key is there, `null` where there is nothing to say.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::ComposeInput;
use super::language::{self, Language};
use super::plan::{Entry, Plan, Prose, Show, What};
use super::scan::without_markers;
use crate::body::{Body, Embed};
use crate::config::{Images, Leave};
use crate::item::{Image, Item};

/// A summary's longest form, in characters, when it is the author's own, and when it is taken from the body.
const SUMMARY_OWN: usize = 400;
const SUMMARY_OF_BODY: usize = 240;
const HEADLINE: usize = 60;
const PREHEADER: usize = 110;
/// A title in the words of a link.
const LINK: usize = 40;
/// The box that a picture is fitted into, in CSS pixels: no empty frame is tall when pictures are blocked.
const PICTURE: (u32, u32) = (168, 112);

/// How much of each item is said, when a letter grows too heavy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// All: title, date, summary, picture.
    Full,
    /// Title and date.
    Brief,
}

/// The context of one edition; the items `left_out` have no picture.
pub fn context(input: &ComposeInput<'_>, plan: &Plan<'_>, left_out: &HashSet<String>, fullness: Fullness) -> Value {
    let (site, newsletter) = (&input.config.site, input.newsletter);
    let (language, tag) = (&*input.templates.language, input.templates.language_tag.as_str());
    let local = input.now.with_timezone(&site.time_zone).date_naive();
    let with_pictures = fullness == Fullness::Full && newsletter.images == Images::Hosted;
    let mut under_heading = false;
    let sections: Vec<Value> = plan
        .sections
        .iter()
        .map(|section| {
            // Headings go down step by step: an entry's stands under its section's.
            let depth = if under_heading { section.depth.min(1) } else { 0 };
            under_heading |= section.title.is_some();
            let below = if section.title.is_some() { depth + 1 } else { 0 };
            let entries: Vec<Value> = section
                .entries
                .iter()
                .map(|entry| {
                    let pictured = with_pictures && entry.item().is_some_and(|item| !left_out.contains(&item.id));
                    let mut value = entry_of(input, entry, fullness == Fullness::Brief, pictured);
                    value["heading"] = Value::from(format!("h{}", 2 + below));
                    value
                })
                .collect();
            json!({
                "title": section.title,
                "mark": section.mark,
                "heading": format!("h{}", 2 + depth),
                "cards": section.show == Show::Card && fullness == Fullness::Full,
                "lines": section.show == Show::Line || fullness == Fullness::Brief,
                "note": section.note.as_ref().map(prose),
                "entries": entries,
            })
        })
        .collect();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or("").to_string();
    let shown: Vec<&Value> = sections.iter().filter_map(|section| section["entries"].as_array()).flatten().collect();
    let headline = shown.first().map(|first| text(first, "title")).unwrap_or_default();
    let preheader = match shown.as_slice() {
        [] => String::new(),
        [only] => text(only, "summary"),
        [_, others @ ..] => others.iter().map(|entry| text(entry, "title")).collect::<Vec<_>>().join(" · "),
    };
    let list_mode = newsletter.to.is_list();
    let why = if list_mode { "why_list" } else { "why" };
    let leave_url = match &newsletter.leave {
        Leave::Url(url) => Some(url.clone()),
        Leave::Mailto(address) if list_mode => Some(format!("mailto:{address}")),
        _ => None,
    };
    let contact = newsletter.reply_to.as_deref().unwrap_or(&newsletter.from.address);
    let new = plan.entries().filter(|entry| !entry.reminder).count() + plan.rest;
    let mut context = json!({
        "site": {
            "url": site.url.as_str(),
            "title": site.title,
            "description": site.description,
            "language": site.language,
        },
        "newsletter": {
            "name": newsletter.name,
            "title": newsletter.title,
            "reason": newsletter.reason.clone()
                .unwrap_or_else(|| language.text(why, &[("title", newsletter.title.clone())])),
            "postal_address": newsletter.postal_address.as_deref().unwrap_or("").lines()
                .map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>(),
            "sender": newsletter.from.name.as_deref().unwrap_or(&site.title),
            "contact": bare_address(contact),
            "personal": !list_mode,
            "leave_url": leave_url,
        },
        "edition": {
            "number": plan.number,
            "count": new,
            "date": language.date(local),
            "period": language.month_of_year(local),
            "headline": cut_at_word(&headline, HEADLINE),
            "preheader": cut_at_word(&preheader, PREHEADER),
            "introduction": plan.introduction.as_ref().map(prose),
            "urgent": plan.urgent,
            // Where everybody may read it: holds nothing of a reader.
            "online_url": Value::Null,
        },
        "language": tag,
        "direction": language::direction(tag),
        "start": start(tag),
        "rest": plan.rest,
        "sections": sections,
        "agenda": plan.agenda.iter().map(|item| agenda_line(input, item)).collect::<Vec<_>>(),
        "subject": "",
    });
    tidy(&mut context, language);
    context
}

fn prose(prose: &Prose) -> Value {
    json!({ "html": prose.html, "text": prose.text })
}

/// What an agenda says of an event.
fn agenda_line(input: &ComposeInput<'_>, item: &Item) -> Value {
    json!({ "title": input.renderer.line(item, &item.title), "url": item.url, "event": event(input, item) })
}

fn event(input: &ComposeInput<'_>, item: &Item) -> Option<Value> {
    let (language, zone) = (&*input.templates.language, input.config.site.time_zone);
    item.event.as_ref().map(|event| {
        json!({
            "when": language.when(event, zone),
            "place": event.place.as_deref().map(|place| input.renderer.line(item, place)),
            "past": language::is_past(event, zone, input.now),
            "start": event.start.to_rfc3339(),
            "end": event.end.map(|end| end.to_rfc3339()),
            // The file that a calendar takes.
            "ics_url": Value::Null,
        })
    })
}

/// What templates may name of an entry: every key is there, whether it is an item, a link or a line of words.
fn entry_of(input: &ComposeInput<'_>, entry: &Entry<'_>, brief: bool, with_picture: bool) -> Value {
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
        "image": item.image.as_ref().filter(|_| with_picture).map(image),
        "type": item.kind,
        "label": label,
        "series": series,
        "episode": item.episode,
        "series_line": series_line,
        "embeds": embeds.iter().map(|embed| json!({ "url": embed.url, "title": embed.title })).collect::<Vec<_>>(),
        "player": player,
        "tags": item.tags,
        "authors": item.authors.iter().map(|author| author.name.clone()).collect::<Vec<_>>(),
        "event": event(input, item),
        "lang": other_language,
        "direction": language::direction(other_language.unwrap_or(tag)),
        "start": start(other_language.unwrap_or(tag)),
    })
}

/// The side on which lines start.
fn start(language: &str) -> &'static str {
    if language::direction(language) == "rtl" { "right" } else { "left" }
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

/// Formats that a mail program can be trusted with; Outlook on Windows shows WebP's alternative text.
pub fn is_mailable(image: &Image) -> bool {
    matches!(image.media_type.as_deref(), None | Some("image/jpeg" | "image/png" | "image/gif" | "image/webp"))
}

fn image(image: &Image) -> Value {
    let (most_wide, most_high) = PICTURE;
    let shown = match (image.width, image.height) {
        (Some(width), Some(height)) if width > 0 && height > 0 => {
            let by_height = u64::from(most_high) * u64::from(width) / u64::from(height);
            let shown = u64::from(most_wide.min(width)).min(by_height).max(1);
            Some((shown, (shown * u64::from(height)).div_ceil(u64::from(width)).max(1)))
        }
        _ => None,
    };
    json!({
        "url": image.url,
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
        "shown_width": shown.map_or(Some(u64::from(most_wide)), |(width, _)| Some(width)),
        "shown_height": shown.map(|(_, height)| height),
    })
}

/// At most `most` characters, cut between words and marked with `…`; a single long word is cut anywhere.
pub fn cut_at_word(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    let start: String = text.chars().take(most.saturating_sub(1)).collect();
    let next_is_space = text.chars().nth(most.saturating_sub(1)).is_some_and(char::is_whitespace);
    let cut = match start.rfind(char::is_whitespace) {
        Some(space) if !next_is_space => &start[..space],
        _ => &start,
    };
    format!("{}…", cut.trim_end_matches(|c: char| c.is_whitespace() || ",;:–—-".contains(c)))
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// `a@b` of `Name <a@b>`.
fn bare_address(mailbox: &str) -> &str {
    match mailbox.rsplit_once('<') {
        Some((_, address)) => address.trim_end_matches('>').trim(),
        None => mailbox.trim(),
    }
}

/// Every text without what only templates may hold, and with its language's spaces.
fn tidy(value: &mut Value, language: &Language) {
    match value {
        Value::String(text) => *text = language.typeset(&without_markers(text)),
        Value::Array(values) => values.iter_mut().for_each(|value| tidy(value, language)),
        Value::Object(map) => map.values_mut().for_each(|value| tidy(value, language)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_is_cut_between_words() {
        assert_eq!(cut_at_word("court", 60), "court");
        assert_eq!(cut_at_word("un deux trois", 8), "un deux…");
        assert_eq!(cut_at_word("un deux, trois", 9), "un deux…");
        assert_eq!(cut_at_word("anticonstitutionnellement", 10), "anticonst…");
    }

    #[test]
    fn a_picture_is_fitted_into_its_box_and_keeps_its_form() {
        let shown = |width, height| {
            let value = image(&Image {
                url: "https://site.example.org/a.png".into(),
                alt: String::new(),
                file: None,
                bytes: None,
                media_type: None,
                width: Some(width),
                height: Some(height),
            });
            (value["shown_width"].as_u64(), value["shown_height"].as_u64())
        };
        assert_eq!(shown(1600, 900), (Some(168), Some(95)));
        assert_eq!(shown(500, 1000), (Some(56), Some(112)));
        assert_eq!(shown(100, 50), (Some(100), Some(50)));
    }
}
