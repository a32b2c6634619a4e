//! The pages: the list of newsletters, a newsletter's list of letters, and a letter.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::letter::Letter;
use super::sent::{Neighbours, Sent};
use super::{LISTED, Place, below};
use crate::config::{Archive, Newsletter};
use crate::digest::language::direction;
use crate::store::archive::SentEdition;
use crate::web::leave::date;
use crate::web::page::Frame;
use crate::web::words::Words;

/// What a list says of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub number: i64,
    pub composed: DateTime<Utc>,
    pub subject: String,
    /// The titles of what it shows.
    pub headline: String,
    /// BCP 47.
    pub language: String,
}

/// The language of a newsletter's pages.
fn language<'a>(place: &'a Place<'_>, newsletter: &'a Newsletter) -> &'a str {
    newsletter.select.language.as_deref().unwrap_or(&place.config.site.language)
}

fn day(place: &Place<'_>, moment: DateTime<Utc>) -> chrono::NaiveDate {
    moment.with_timezone(&place.config.site.time_zone).date_naive()
}

/// Where the site's name leads, from a page that lies so deep below the archive's root.
fn home(place: &Place<'_>, depth: usize) -> String {
    place.home.clone().unwrap_or_else(|| "../".repeat(depth + 1))
}

fn count(words: &Words, letters: usize) -> String {
    match letters {
        1 => words.say("archive_one", &[]),
        letters => words.say("archive_many", &[("count", &letters.to_string())]),
    }
}

/// The list of newsletters, with what went out of each.
pub fn index(place: &Place<'_>, newsletters: &[(&Newsletter, Sent)]) -> String {
    let site = &place.config.site;
    let words = Words::of(&site.language);
    let all: Vec<Value> = newsletters
        .iter()
        .map(|(newsletter, sent)| {
            let own = Words::of(language(place, newsletter));
            let last = sent.last().map(|last| {
                let (number, date) = (last.number.to_string(), date(own.language, day(place, last.composed)));
                own.say("last_letter", &[("number", &number), ("date", &date)])
            });
            json!({
                "language": own.language, "direction": null, "title": newsletter.title, "address": below(newsletter),
                "date": null, "day": null, "over": count(&own, sent.0.len()), "about": last,
            })
        })
        .collect();
    let title = words.say("archive_title", &[("site", &site.title)]);
    let parts = json!({
        "title": title, "description": title, "hidden": false, "canonical": index_address(place), "up": "",
        "home": home(place, 0), "letters": all, "empty": words.say("archive_nothing", &[]),
    });
    fill(place, &words, "archive", parts)
}

/// The address by which search engines are to know the list of newsletters.
fn index_address(place: &Place<'_>) -> String {
    let service = place.config.web.url.as_ref().and_then(|url| url.join("archive/").ok());
    service.unwrap_or_else(|| place.root.clone()).to_string()
}

/// How many pages a list of so many letters has.
pub fn pages(letters: usize) -> usize {
    letters.div_ceil(LISTED).max(1)
}

/// The letters of a list's page, newest first; `None`: there is no such page. Pages are counted from 1.
pub fn on_page(sent: &Sent, page: usize) -> Option<Vec<&SentEdition>> {
    let first = page.checked_sub(1)?.checked_mul(LISTED)?;
    (page <= pages(sent.0.len())).then(|| sent.0.iter().rev().skip(first).take(LISTED).collect())
}

/// The folder of a list's page below the newsletter's.
pub fn page_path(page: usize) -> String {
    if page == 1 { String::new() } else { format!("page-{page}/") }
}

/// A page of a newsletter's list.
pub fn list(place: &Place<'_>, newsletter: &Newsletter, sent: &Sent, page: usize, lines: &[Line]) -> String {
    let words = Words::of(language(place, newsletter));
    // From here to the newsletter's folder.
    let to_folder = if page == 1 { "" } else { "../" };
    let all: Vec<Value> = lines
        .iter()
        .map(|line| {
            let day = day(place, line.composed);
            json!({
                "language": line.language, "direction": direction(&line.language), "title": line.subject,
                "address": format!("{to_folder}{}/", line.number),
                "over": words.say("archive_number", &[("number", &line.number.to_string())]),
                "date": date(words.language, day), "day": day.to_string(), "about": line.headline,
            })
        })
        .collect();
    let turn = |to: usize, name: &str| {
        // The folder itself is `./`.
        let address = format!("{to_folder}{}", page_path(to));
        let address = if address.is_empty() { "./".to_string() } else { address };
        json!({ "address": address, "words": words.say(name, &[]) })
    };
    let last = pages(sent.0.len());
    let parts = json!({
        "title": newsletter.title,
        "over": (last > 1).then(|| words.say("archive_page", &[("page", &page.to_string()), ("pages", &last.to_string())])),
        "description": words.say("archive_what", &[("newsletter", &newsletter.title), ("site", &place.config.site.title)]),
        "hidden": newsletter.archive == Archive::Unlisted,
        "canonical": format!("{}{}", place.known_as(newsletter), page_path(page)),
        "up": format!("{to_folder}../"), "home": home(place, if page == 1 { 1 } else { 2 }),
        "lead": count(&words, sent.0.len()),
        "listed": (newsletter.archive == Archive::Public).then(|| words.say("archive_others", &[])),
        "feed": format!("{to_folder}feed.xml"), "feed_title": newsletter.title, "feed_words": words.say("archive_feed", &[]),
        "letters": all, "empty": words.say("archive_nothing", &[]), "turns": words.say("archive_turns", &[]),
        "newer": (page > 1).then(|| turn(page - 1, "archive_newer")),
        "older": (page < last).then(|| turn(page + 1, "archive_older")),
    });
    fill(place, &words, "archive", parts)
}

/// A letter's page.
pub fn letter(
    place: &Place<'_>,
    newsletter: &Newsletter,
    edition: &SentEdition,
    near: Neighbours,
    letter: &Letter,
) -> String {
    let words = Words::of(language(place, newsletter));
    let day = day(place, edition.composed);
    let beside = |number: Option<i64>, name: &str| {
        number.map(|number| {
            let said = words.say("archive_number", &[("number", &number.to_string())]);
            json!({ "address": format!("../{number}/"), "words": words.say(name, &[]), "number": said })
        })
    };
    let parts = json!({
        "title": letter.subject, "description": letter.summary, "hidden": newsletter.archive == Archive::Unlisted,
        "canonical": place.canonical(newsletter, edition.number), "up": "../../", "home": home(place, 2),
        "newsletter": newsletter.title, "feed": "../feed.xml",
        "number": words.say("archive_number", &[("number", &edition.number.to_string())]),
        "date": date(words.language, day), "day": day.to_string(),
        "previous": beside(near.previous, "archive_previous"), "next": beside(near.next, "archive_next"),
        "all": words.say("archive_all", &[]), "navigation": words.say("archive_navigation", &[]),
        "on": words.say("archive_on", &[]),
        "letter": {
            "language": letter.language, "direction": direction(&letter.language), "styles": letter.styles,
            "class": letter.class, "style": letter.style, "html": letter.html,
        },
    });
    fill(place, &words, "edition", parts)
}

fn fill(place: &Place<'_>, words: &Words, template: &str, parts: Value) -> String {
    let frame = Frame { words, site: &place.config.site.title, base: "" };
    let defaults = json!({
        "over": null, "lead": null, "listed": null, "feed": null, "feed_title": "", "feed_words": "", "newer": null,
        "older": null, "turns": "", "description": "",
    });
    place.page.fill_in(template, &frame, defaults, parts)
}
