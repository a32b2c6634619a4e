//! What a letter's templates may name.
//!
//! `site`, `newsletter`, `edition`, `items`, `rest`, `language`, `direction` and, in the two parts, `subject`; the words
//! come by `{{say "NAME"}}`. All of it is plain text; every key is there, `null` where there is nothing to say.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::ComposeInput;
use super::edition::{Edition, Entry};
use super::language::{self, Language};
use super::scan::without_markers;
use crate::body::Embed;
use crate::config::{Images, Leave};
use crate::item::Image;

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

/// The context of one edition, shown up to `shown` entries; those `left_out` have no picture.
pub fn context(
    input: &ComposeInput<'_>,
    edition: &Edition<'_>,
    left_out: &HashSet<String>,
    fullness: Fullness,
    shown: usize,
) -> Value {
    let (site, newsletter) = (&input.config.site, input.newsletter);
    let (language, tag) = (&*input.templates.language, input.templates.language_tag.as_str());
    let local = input.now.with_timezone(&site.time_zone).date_naive();
    let with_picture = |entry: &Entry| {
        fullness == Fullness::Full && input.newsletter.images == Images::Hosted && !left_out.contains(&entry.item.id)
    };
    let items: Vec<Value> = edition
        .entries
        .iter()
        .take(shown)
        .map(|entry| item(input, entry, fullness == Fullness::Brief, with_picture(entry)))
        .collect();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or("").to_string();
    let headline = items.first().map(|first| text(first, "title")).unwrap_or_default();
    let preheader = match items.len() {
        0 | 1 => items.first().map(|first| text(first, "summary")).unwrap_or_default(),
        _ => items.iter().skip(1).map(|item| text(item, "title")).collect::<Vec<_>>().join(" · "),
    };
    let list_mode = newsletter.to.is_list();
    let why = if list_mode { "why_list" } else { "why" };
    let leave_url = match &newsletter.leave {
        Leave::Url(url) => Some(url.clone()),
        Leave::Mailto(address) if list_mode => Some(format!("mailto:{address}")),
        _ => None,
    };
    let contact = newsletter.reply_to.as_deref().unwrap_or(&newsletter.from.address);
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
            "number": input.number,
            "count": edition.entries.len() + edition.rest,
            "date": language.date(local),
            "period": language.month_of_year(local),
            "headline": cut_at_word(&headline, HEADLINE),
            "preheader": cut_at_word(&preheader, PREHEADER),
        },
        "language": tag,
        "direction": language::direction(tag),
        "start": start(tag),
        "rest": edition.rest + edition.entries.len().saturating_sub(shown),
        "items": items,
        "subject": "",
    });
    tidy(&mut context, language);
    context
}

fn item(input: &ComposeInput<'_>, entry: &Entry<'_>, brief: bool, with_picture: bool) -> Value {
    let (item, zone) = (entry.item, input.config.site.time_zone);
    let (language, tag) = (&*input.templates.language, input.templates.language_tag.as_str());
    // A day that was read in a zone is that day only in this zone.
    let date_zone = if item.date_only { input.config.content.dates_in } else { zone };
    let date = item.published.with_timezone(&date_zone).date_naive();
    let own = item.summary.as_deref().map(|summary| input.renderer.line(item, summary)).filter(|s| !s.is_empty());
    let summary = match own {
        Some(own) => cut_at_word(&own, SUMMARY_OWN),
        None => entry.body.summary(SUMMARY_OF_BODY),
    };
    let title = input.renderer.line(item, &item.title);
    let event = item.event.as_ref().map(|event| {
        json!({
            "when": language.when(event, zone),
            "place": event.place.as_deref().map(|place| input.renderer.line(item, place)),
            "past": language::is_past(event, zone, input.now),
            "start": event.start.to_rfc3339(),
            "end": event.end.map(|end| end.to_rfc3339()),
        })
    });
    let series = item.series.as_deref().map(|series| input.renderer.line(item, series));
    let series_line = series.as_ref().map(|series| match &item.episode {
        Some(episode) => language.text("episode", &[("episode", episode.clone()), ("series", series.clone())]),
        None => language.text("series", &[("series", series.clone())]),
    });
    let embeds = &entry.body.embeds;
    let player = match embeds.as_slice() {
        [embed] => player(embed, &title, language),
        _ => Value::Null,
    };
    // Many sites say what an item is by a tag.
    let kinds = item.kind.iter().chain(&item.tags);
    let label = kinds.filter_map(|kind| language.kind(kind)).next();
    let other_language = item.language.as_deref().filter(|own| language::primary(own) != language::primary(tag));
    json!({
        "id": item.id,
        "title": if title.is_empty() { language.text("untitled", &[]) } else { title },
        "url": item.url,
        "summary": (!brief && !summary.is_empty()).then_some(summary),
        "date": capitalised(&language.date(date)),
        "date_iso": date.to_string(),
        "image": item.image.as_ref().filter(|_| with_picture).map(image),
        "kind": item.kind,
        "label": label,
        "series": series,
        "episode": item.episode,
        "series_line": series_line,
        "embeds": embeds.iter().map(|embed| json!({ "url": embed.url, "title": embed.title })).collect::<Vec<_>>(),
        "player": player,
        "tags": item.tags,
        "authors": item.authors.iter().map(|author| author.name.clone()).collect::<Vec<_>>(),
        "event": event,
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
