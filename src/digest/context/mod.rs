//! What a letter's templates may name.
//!
//! `site`, `newsletter`, `edition`, `sections` with their `entries`, `agenda` and `agenda_rest`, `rest`, `language`,
//! `direction` and, in the two parts, `subject`; the words come by `{{say "NAME"}}`, or stand beside an address as `words`
//! that make sense alone.
//!
//! | of | keys |
//! | --- | --- |
//! | `edition` | `number count date period headline preheader intro introduction{html,text} urgent online_url` |
//! | a section | `title mark heading cards lines note{html,text} entries` |
//! | an entry | `kind` (`item`, `link`, `words`) `id title mark heading url host summary words{html,text} reminder date date_iso image type label series episode series_line embeds player{url,title,words} transcription{url,words} register{url,words} event tags authors lang direction start isolate isolate_end` |
//! | an event | `when place past start end join_url join_words ics_url ics_words` |
//! | `agenda` | of each: `title url event lang direction start isolate isolate_end` |
//!
//! `isolate` and `isolate_end` go around the title in plain text: empty, or what keeps right-to-left marks where they belong.
//! All of it is plain text but what is named `html`, which is
//! safe HTML; every key is there, `null` where there is nothing to say.

mod entry;
mod event;
mod picture;
pub mod words;

use serde_json::{Value, json};

use super::ComposeInput;
use super::language::{self, Language};
use super::plan::{Plan, Prose, Show};
use super::scan::without_markers;
use crate::config::{Images, Leave};
use words::{capitalised, cut_at_word};

pub use picture::{LOGO, logo_of, wanted};

const HEADLINE: usize = 60;
const PREHEADER: usize = 110;

/// How much of each item is said, when a letter grows too heavy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// All: title, date, summary, picture.
    Full,
    /// Title and date.
    Brief,
}

/// The context of one edition.
pub fn context(input: &ComposeInput<'_>, plan: &Plan<'_>, fullness: Fullness) -> Value {
    let (site, newsletter) = (&input.config.site, input.newsletter);
    let (language, tag) = (&*input.templates.language, input.templates.language_tag.as_str());
    let local = input.now.with_timezone(&site.time_zone).date_naive();
    let with_pictures = fullness == Fullness::Full && newsletter.images != Images::None;
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
                    let pictured = with_pictures && section.show == Show::Card;
                    let mut value = entry::entry_of(input, entry, fullness == Fullness::Brief, pictured);
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
    let headline = shown.first().map(|first| language.typeset(&text(first, "title"))).unwrap_or_default();
    let headline = cut_at_word(&headline, HEADLINE);
    let said = plan.subject.as_deref().unwrap_or(&headline);
    let preheader = preheader(&shown, said, language);
    let list_mode = newsletter.to.is_list();
    let why = if list_mode { "why_list" } else { "why" };
    let leave_url = match &newsletter.leave {
        Leave::Url(url) => Some(url.clone()),
        Leave::Mailto(address) if list_mode => Some(format!("mailto:{address}")),
        _ => None,
    };
    let contact = newsletter.reply_to.as_deref().unwrap_or(&newsletter.from.address);
    let new = plan.entries().filter(|entry| !entry.reminder).count() + plan.rest;
    let named_site = ("site", site.title.clone());
    let intro = match new {
        _ if plan.urgent => language.text("intro_urgent", &[named_site]),
        0 => language.text("intro_again", &[named_site]),
        _ => language.text("intro", &[("count", new.to_string()), named_site]),
    };
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
            "headline": headline,
            "preheader": preheader,
            "intro": intro,
            "introduction": plan.introduction.as_ref().map(prose),
            "urgent": plan.urgent,
            // Where everybody may read it: holds nothing of a reader.
            "online_url": newsletter.read_online(&site.url, &input.config.web, plan.number).map(String::from),
        },
        "language": tag,
        "direction": language::direction(tag),
        "start": start(tag),
        "rest": plan.rest,
        "sections": sections,
        "agenda": plan.agenda.iter().map(|item| event::agenda_line(input, item)).collect::<Vec<_>>(),
        "agenda_rest": plan.agenda_rest,
        "subject": "",
    });
    tidy(&mut context, language);
    context
}

/// What a list of letters shows after the subject: what that does not say, from the first entries on. An event says when
/// and where it is, the others say what they are, and where there is room the first says more.
fn preheader(shown: &[&Value], subject: &str, language: &Language) -> String {
    let mut parts: Vec<String> = Vec::new();
    let text = |value: &Value| value.as_str().map(|text| language.typeset(text)).unwrap_or_default();
    let said = language.typeset(subject);
    for entry in shown {
        let title = text(&entry["title"]);
        let start = title.chars().take(HEADLINE / 2).collect::<String>();
        if !said.contains(&start) {
            parts.push(title);
        } else if entry["event"]["past"] == Value::Bool(false) {
            parts.push(capitalised(&text(&entry["event"]["when"])));
            parts.push(text(&entry["event"]["place"]));
        }
    }
    let length = |parts: &[String]| parts.iter().map(|part| part.chars().count() + 3).sum::<usize>();
    if length(&parts) < PREHEADER / 2 {
        parts.extend(shown.first().map(|first| text(&first["summary"])));
    }
    parts.retain(|part| !part.is_empty());
    cut_at_word(&parts.join(" · "), PREHEADER)
}

fn prose(prose: &Prose) -> Value {
    json!({ "html": prose.html, "text": prose.text })
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

/// The side on which lines start.
fn start(language: &str) -> &'static str {
    if language::direction(language) == "rtl" { "right" } else { "left" }
}
