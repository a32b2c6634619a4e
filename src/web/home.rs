//! `/`: the newsletters with their rhythm and their last letter, the feeds with how to use them, the way to what is held.
//!
//! Promises: made anew every few seconds at most, however often it is asked for; only what anybody may read is told of a
//! newsletter's letters, and one that neither shows its letters nor takes readers is not there; without the database the page is there all the same, without last letters.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use hyper::StatusCode;
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::Service;
use super::answer::{self, Answer};
use super::leave::{date, language_of};
use super::page::Frame;
use super::published::Kind;
use super::words::Words;
use crate::config::{Archive, Audience, Config, Newsletter, Schedule};
use crate::schedule;

/// How long a page that was made serves.
const FRESH: Duration = Duration::from_secs(20);

pub struct Home {
    /// What each newsletter's timetable foresees in a year.
    in_a_year: Vec<Option<usize>>,
    made: Mutex<Option<(Instant, Bytes)>>,
}

impl Home {
    pub fn of(config: &Config, now: DateTime<Utc>) -> Home {
        let in_a_year =
            config.newsletters.iter().map(|one| schedule::in_a_year(one, config.site.time_zone, now)).collect();
        Home { in_a_year, made: Mutex::default() }
    }

    /// How often a newsletter comes, in words.
    pub fn rhythm(&self, service: &Service, words: &Words, newsletter: &Newsletter) -> String {
        let known = service.config.newsletters.iter().position(|known| known.name == newsletter.name);
        let in_a_year = known.and_then(|place| self.in_a_year.get(place).copied().flatten());
        rhythm(words, &newsletter.schedule, in_a_year)
    }

    /// The cards of the newsletters that anybody can subscribe to.
    pub async fn open(&self, service: &Service) -> Vec<Value> {
        let mut letters = Vec::new();
        for (newsletter, in_a_year) in service.config.newsletters.iter().zip(&self.in_a_year) {
            if newsletter.subscribe {
                letters.push(letter(service, newsletter, *in_a_year).await);
            }
        }
        letters
    }

    pub async fn answer(&self, service: &Service) -> Answer {
        let mut made = self.made.lock().await;
        let html = match &*made {
            Some((at, html)) if at.elapsed() < FRESH => html.clone(),
            _ => {
                let html = Bytes::from(self.html(service).await);
                *made = Some((Instant::now(), html.clone()));
                html
            }
        };
        drop(made);
        let mut answered = answer::page(StatusCode::OK, String::new());
        *answered.body_mut() = html.into();
        answer::set(&mut answered, hyper::header::CACHE_CONTROL, "public, max-age=60");
        answered
    }

    async fn html(&self, service: &Service) -> String {
        let config = &service.config;
        let words = Words::of(&config.site.language);
        let mut letters = Vec::new();
        for (newsletter, in_a_year) in
            config.newsletters.iter().zip(&self.in_a_year).filter(|(one, _)| is_listed(one))
        {
            letters.push(letter(service, newsletter, *in_a_year).await);
        }
        let feeds = feeds(config);
        let lines =
            if letters.is_empty() && feeds.is_empty() { vec![words.say("home_nothing", &[])] } else { Vec::new() };
        let parts = json!({
            "hidden": false, "home": true, "title": words.say("home_title", &[("site", &config.site.title)]), "lines": lines,
            "letters": (!letters.is_empty()).then(|| json!({ "title": words.say("home_letters", &[]), "all": letters })),
            "feeds": (!feeds.is_empty()).then(|| json!({
                "title": words.say("home_feeds", &[]), "how": words.say("feeds_how", &[]), "all": feeds,
            })),
            "held": knows_people(config).then(|| json!({
                "title": words.say("manage_data", &[]), "words": words.say("home_held", &[]),
                "address": format!("{}manage", service.base()), "link": words.say("manage_link", &[]),
            })),
        });
        service.page.fill(&Frame { words: &words, site: &config.site.title, base: service.base() }, parts)
    }
}

/// A newsletter whose letters are not everybody's to read, and that takes nobody in, is nobody else's business.
fn is_listed(newsletter: &Newsletter) -> bool {
    newsletter.archive == Archive::Public || newsletter.subscribe
}

/// Whether there is anybody who could see and change what is held about them.
fn knows_people(config: &Config) -> bool {
    config.newsletters.iter().any(|one| one.to == Audience::Recipients)
}

/// A newsletter's card: its letters are on it where anybody may read them.
async fn letter(service: &Service, newsletter: &Newsletter, in_a_year: Option<usize>) -> Value {
    let words = Words::of(language_of(service, newsletter));
    let last = match newsletter.archive {
        Archive::Public => last_letter(service, newsletter, &words).await,
        Archive::Unlisted | Archive::None => None,
    };
    json!({
        "language": words.language, "title": newsletter.title, "rhythm": rhythm(&words, &newsletter.schedule, in_a_year),
        "last": last.as_ref().map(|(said, _)| said), "address": last.as_ref().map(|(_, address)| address),
        "archive": last.as_ref().map(|_| json!({
            "address": format!("{}{}", service.base(), newsletter.archive_path()),
            "words": words.say("archive_read", &[]),
        })),
        "subscribe": newsletter.subscribe.then(|| json!({
            "address": format!("{}subscribe/{}", service.base(), encoded(&newsletter.name)),
            "words": words.say("subscribe_to", &[("newsletter", &newsletter.title)]),
        })),
    })
}

/// What is said of the last letter, and its address.
async fn last_letter(service: &Service, newsletter: &Newsletter, words: &Words) -> Option<(String, String)> {
    let name = newsletter.name.clone();
    let looked = service
        .stores
        .with(move |store| {
            let name = name.clone();
            Box::pin(async move { store.last_letter(&name).await })
        })
        .await;
    if let Err(error) = &looked {
        (service.log)(&format!("the last letters cannot be told: {error}"));
    }
    let (number, composed) = looked.ok().flatten()?;
    let day = composed.with_timezone(&service.config.site.time_zone).date_naive();
    let said = words.say("last_letter", &[("number", &number.to_string()), ("date", &date(words.language, day))]);
    Some((said, format!("{}{}{number}/", service.base(), newsletter.archive_path())))
}

/// A path, so that a browser asks for it and for nothing else.
pub(super) fn encoded(path: &str) -> String {
    const PLAIN: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(path, PLAIN).to_string()
}

/// How often a letter comes, in words.
fn rhythm(words: &Words, schedule: &Schedule, in_a_year: Option<usize>) -> String {
    let name = match (schedule, in_a_year) {
        (Schedule::EachItem, _) => "rhythm_item",
        (Schedule::EachRun, _) => "rhythm_run",
        (Schedule::Manual, _) | (Schedule::Cron(_), None | Some(0)) => "rhythm_manual",
        (Schedule::Cron(_), Some(times)) => match times {
            1 => "rhythm_once",
            4 => "rhythm_quarter",
            11..=13 => "rhythm_month",
            23..=27 => "rhythm_fortnight",
            51..=54 => "rhythm_week",
            240..=270 => "rhythm_workday",
            360.. => "rhythm_day",
            _ => "rhythm_year",
        },
    };
    words.say(name, &[("count", &in_a_year.unwrap_or(0).to_string())])
}

/// The feeds with their addresses: the site's, which each feed names as its own.
fn feeds(config: &Config) -> Vec<Value> {
    let outputs = |feed: &crate::config::FeedConfig| -> Vec<Value> {
        [
            (&feed.outputs.atom, "Atom", Kind::Atom),
            (&feed.outputs.rss, "RSS", Kind::Rss),
            (&feed.outputs.json, "JSON Feed", Kind::Json),
        ]
        .into_iter()
        .filter_map(|(path, format, kind)| {
            let address = config.site.url.join(path.as_deref()?.trim_start_matches('/')).ok()?;
            let media_type = kind.media_type().split(';').next();
            Some(json!({ "format": format, "address": address.to_string(), "media_type": media_type }))
        })
        .collect()
    };
    let one = |feed| json!({ "title": feed_title(feed), "description": feed.description, "outputs": outputs(feed) });
    config.feeds.iter().map(one).collect()
}

fn feed_title(feed: &crate::config::FeedConfig) -> &str {
    if feed.title.is_empty() { &feed.name } else { &feed.title }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rhythm_is_said_in_words() {
        let words = Words::of("en");
        let cron = || Schedule::Cron("0 9 1 * *".to_string());
        for (schedule, in_a_year, said) in [
            (cron(), Some(12), "Every month"),
            (cron(), Some(53), "Every week"),
            (cron(), Some(261), "On working days"),
            (cron(), Some(400), "Every day"),
            (cron(), Some(6), "6 times a year"),
            (cron(), Some(0), "From time to time"),
            (Schedule::EachItem, None, "With each piece of news"),
            (Schedule::EachRun, None, "As soon as"),
            (Schedule::Manual, None, "From time to time"),
        ] {
            let rhythm = rhythm(&words, &schedule, in_a_year);
            assert!(rhythm.starts_with(said), "{rhythm}");
        }
    }

    #[test]
    fn a_path_in_a_link_asks_for_nothing_else() {
        assert_eq!(encoded("lettres/é?#%.html"), "lettres/%C3%A9%3F%23%25.html");
    }
}
