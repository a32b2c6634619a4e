//! `/leave/TOKEN`, the way out that letters name, and `/back/TOKEN`, which undoes it for a while.
//!
//! A GET shows a page with one button and changes nothing: mail scanners fetch every link. A POST does what its address says,
//! whatever its body: the token is all that it takes, be it the button, or a mail provider's one click (RFC 8058).
//!
//! Promises: a POST of a leaving token is answered with 200 whatever was before, and only when the leaving is on disk; it
//! is done whether or not whoever asked waits for the answer. Pages mask the address, for letters are forwarded. A token that
//! is not ours is answered in one way, whoever it seems to name. The token that undoes is given to whoever has just left,
//! in the answer, and to no one who comes later with the letter's.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::{Value, json};

use super::Service;
use super::answer::{self, Answer};
use super::page::Frame;
use super::stores::NoAnswer;
use super::words::Words;
use crate::config::Newsletter;
use crate::digest::language::{BUILT_IN, Language, primary};
use crate::mail::token;

/// How long a leaving can be undone.
pub const WHILE: TimeDelta = TimeDelta::hours(24);
/// How long after it a second POST (a page that is loaded again, a button pressed twice) still gets the token that undoes.
const AT_ONCE: TimeDelta = TimeDelta::minutes(10);

/// Whom a token names, and of what.
struct Named {
    newsletter: String,
    recipient: i64,
}

/// A page on one newsletter.
pub(super) struct About<'a> {
    pub service: &'a Service,
    pub words: Words,
    pub title: String,
}

/// The page with the button that leaves.
pub async fn ask(service: &Arc<Service>, token: &str) -> Answer {
    let named = match who(service, token).await {
        Ok(Some(named)) => named,
        Ok(None) => return unknown(service),
        Err(error) => return broken(service, &error),
    };
    let Named { newsletter, recipient } = named;
    let name = newsletter.clone();
    let looked = service
        .stores
        .with(move |store| {
            let name = name.clone();
            Box::pin(async move { Ok((store.has_left(recipient, &name).await?, store.address_of(recipient).await?)) })
        })
        .await;
    let (has_left, address) = match looked {
        Ok(looked) => looked,
        Err(error) => return broken(service, &error),
    };
    let about = About::of(service, &newsletter);
    if has_left {
        return about.has_left(address.as_deref(), "left_before", None);
    }
    let mut lines = about.line_with("leave_who", address.as_deref());
    lines.push(about.say("leave_what", &[]));
    about.page(
        StatusCode::OK,
        json!({
            "over": about.say("leave_over", &[]), "title": about.say("leave_title", &[]), "lines": lines,
            "form": { "action": format!("{}leave/{token}", service.base()), "button": about.say("leave_button", &[]), "one_click": true },
        }),
    )
}

/// Leaves.
pub async fn leave(service: &Arc<Service>, token: &str) -> Answer {
    let named = match who(service, token).await {
        Ok(Some(named)) => named,
        Ok(None) => return unknown(service),
        Err(error) => return broken(service, &error),
    };
    let Named { newsletter, recipient } = named;
    let now = service.clock.now();
    let (working, name) = (service.clone(), newsletter.clone());
    // On its own: whoever hangs up has asked all the same.
    let task = tokio::spawn(async move {
        let leaving = working.stores.with(move |store| {
            let name = name.clone();
            Box::pin(async move {
                let left = store.leave_from_page(recipient, &name, now).await?;
                // The address is only shown: the leaving is done.
                Ok((left, store.address_of(recipient).await.ok().flatten()))
            })
        });
        leaving.await
    });
    let (left, address) = match task.await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => return broken(service, &error),
        Err(_) => return broken(service, &NoAnswer::TooLate),
    };
    let about = About::of(service, &newsletter);
    let has_just_left = left.can_be_undone && now - left.since < AT_ONCE;
    let back = has_just_left.then(|| {
        let token = token::come_back(&service.secrets, &newsletter, recipient, left.since.timestamp());
        (token, left.since + WHILE)
    });
    about.has_left(address.as_deref(), if has_just_left { "left_who" } else { "left_before" }, back)
}

/// The page with the button that comes back: shown where the form's address is opened by itself.
pub async fn ask_back(service: &Arc<Service>, token: &str) -> Answer {
    let named = match who_comes_back(service, token).await {
        Ok(Some((named, _))) => named,
        Ok(None) => return too_late(service),
        Err(error) => return broken(service, &error),
    };
    let about = About::of(service, &named.newsletter);
    about.page(
        StatusCode::OK,
        json!({
            "over": about.say("back_over", &[]), "title": about.say("back_title", &[]), "lines": [],
            "form": { "action": format!("{}back/{token}", service.base()), "button": about.say("back_button", &[]), "one_click": false },
        }),
    )
}

/// Comes back.
pub async fn come_back(service: &Arc<Service>, token: &str) -> Answer {
    let (Named { newsletter, recipient }, since) = match who_comes_back(service, token).await {
        Ok(Some(named)) => named,
        Ok(None) => return too_late(service),
        Err(error) => return broken(service, &error),
    };
    let (now, name) = (service.clock.now(), newsletter.clone());
    let done = service
        .stores
        .with(move |store| {
            let name = name.clone();
            Box::pin(async move {
                let back = store.come_back(recipient, &name, since, now).await?;
                // Pressed twice: it stands as it should.
                Ok(back || !store.has_left(recipient, &name).await?)
            })
        })
        .await;
    match done {
        Ok(true) => {
            let about = About::of(service, &newsletter);
            let lines = [about.say("back_done_what", &[])];
            about.page(
                StatusCode::OK,
                json!({ "over": about.say("back_over", &[]), "title": about.say("back_done_title", &[]), "lines": lines }),
            )
        }
        Ok(false) => too_late(service),
        Err(error) => broken(service, &error),
    }
}

/// Whom a leaving token names. Those of newsletters that are configured no more are still known.
async fn who(service: &Service, token: &str) -> Result<Option<Named>, NoAnswer> {
    let read = |names: &[String]| {
        let names = names.iter().map(String::as_str);
        let found = token::read_leave(&service.secrets, names, token);
        found.map(|(newsletter, recipient)| Named { newsletter: newsletter.to_string(), recipient })
    };
    match read(&configured(service)) {
        Some(named) => Ok(Some(named)),
        None => Ok(read(&earlier(service, token).await?)),
    }
}

/// Whose leaving a token undoes, and when that was; nobody's when it is too late.
async fn who_comes_back(service: &Service, token: &str) -> Result<Option<(Named, DateTime<Utc>)>, NoAnswer> {
    let read = |names: &[String]| {
        let names = names.iter().map(String::as_str);
        let (newsletter, recipient, left) = token::read_come_back(&service.secrets, names, token)?;
        Some((Named { newsletter: newsletter.to_string(), recipient }, DateTime::from_timestamp(left, 0)?))
    };
    let found = match read(&configured(service)) {
        Some(found) => Some(found),
        None => read(&earlier(service, token).await?),
    };
    Ok(found.filter(|(_, left)| service.clock.now() < *left + WHILE))
}

fn configured(service: &Service) -> Vec<String> {
    service.config.newsletters.iter().map(|newsletter| newsletter.name.clone()).collect()
}

/// The newsletters that the database knows; nothing that is no token at all has it asked.
async fn earlier(service: &Service, token: &str) -> Result<Vec<String>, NoAnswer> {
    if !(32..=45).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(Vec::new());
    }
    service.stores.with(|store| Box::pin(store.newsletter_names())).await
}

/// A token that is not ours, whatever it seems to be.
pub(super) fn unknown(service: &Service) -> Answer {
    let about = About::site(service);
    let lines = [about.say("unknown_what", &[])];
    about.page(StatusCode::NOT_FOUND, json!({ "title": about.say("unknown_title", &[]), "lines": lines }))
}

fn too_late(service: &Service) -> Answer {
    let about = About::site(service);
    let lines = [about.say("back_late_what", &[])];
    about.page(StatusCode::GONE, json!({ "title": about.say("back_late_title", &[]), "lines": lines }))
}

/// The database does not answer: the operator is told why, the reader that nothing was changed.
pub(super) fn broken(service: &Service, error: &NoAnswer) -> Answer {
    (service.log)(&format!("a reader could not be served: {error}"));
    let about = About::site(service);
    let lines = [about.say("broken_what", &[])];
    let mut answered = about
        .page(StatusCode::SERVICE_UNAVAILABLE, json!({ "title": about.say("broken_title", &[]), "lines": lines }));
    answer::set(&mut answered, hyper::header::RETRY_AFTER, "60");
    answered
}

impl<'a> About<'a> {
    pub fn of(service: &'a Service, newsletter: &str) -> About<'a> {
        let known = service.config.newsletters.iter().find(|known| known.name == newsletter);
        let language = known.map_or(service.config.site.language.as_str(), |known| language_of(service, known));
        let title = known.map_or(newsletter, |known| known.title.as_str()).to_string();
        About { service, words: Words::of(language), title }
    }

    pub fn site(service: &'a Service) -> About<'a> {
        About { service, words: Words::of(&service.config.site.language), title: String::new() }
    }

    pub fn say(&self, name: &str, values: &[(&str, &str)]) -> String {
        let mut all = vec![("newsletter", self.title.as_str())];
        all.extend_from_slice(values);
        self.words.say(name, &all)
    }

    /// A line that names the address, where it is known.
    pub fn line_with(&self, name: &str, address: Option<&str>) -> Vec<String> {
        address.map(|address| self.say(name, &[("address", &masked(address))])).into_iter().collect()
    }

    fn has_left(&self, address: Option<&str>, who: &str, back: Option<(String, DateTime<Utc>)>) -> Answer {
        let mut lines = self.line_with(who, address);
        lines.push(self.say("left_what", &[]));
        let aside = back.map(|(token, until)| {
            json!({
                "title": self.say("left_mistake", &[]), "words": self.say("back_until", &[("until", &self.moment(until))]),
                "action": format!("{}back/{token}", self.service.base()), "button": self.say("back_button", &[]),
            })
        });
        let parts = json!({
            "over": self.say("leave_over", &[]), "title": self.say("left_title", &[]), "lines": lines, "aside": aside,
            "link": { "address": format!("{}manage", self.service.base()), "words": self.say("manage_link", &[]) },
        });
        self.page(StatusCode::OK, parts)
    }

    /// A day and an hour, in the site's zone.
    pub fn moment(&self, moment: DateTime<Utc>) -> String {
        let moment = moment.with_timezone(&self.service.config.site.time_zone);
        format!("{}, {}", date(self.words.language, moment.date_naive()), moment.format("%H:%M"))
    }

    /// A plain page.
    pub fn page(&self, status: StatusCode, parts: Value) -> Answer {
        let page = self.service.page.fill(&self.frame(), parts);
        self.hidden(status, page)
    }

    /// A page of a template of its own.
    pub fn page_of(&self, template: &str, status: StatusCode, parts: Value) -> Answer {
        let page = self.service.page.fill_in(template, &self.frame(), json!({}), parts);
        self.hidden(status, page)
    }

    fn frame(&self) -> Frame<'_> {
        Frame { words: &self.words, site: &self.service.config.site.title, base: self.service.base() }
    }

    fn hidden(&self, status: StatusCode, page: String) -> Answer {
        let mut answered = answer::page(status, page);
        answer::set(&mut answered, HeaderName::from_static("x-robots-tag"), "noindex, nofollow");
        answered
    }
}

/// A newsletter's own language, or the site's.
pub fn language_of<'a>(service: &'a Service, newsletter: &'a Newsletter) -> &'a str {
    newsletter.select.language.as_deref().unwrap_or(&service.config.site.language)
}

/// A date in words.
pub fn date(language: &str, day: chrono::NaiveDate) -> String {
    let (_, text) = BUILT_IN.iter().find(|(name, _)| *name == primary(language)).unwrap_or(&BUILT_IN[1]);
    // Both files are read in the tests.
    serde_yaml::from_str::<Language>(text).map_or_else(|_| day.to_string(), |language| language.date(day))
}

/// `a…@e….org`: enough for its owner, and for no one else.
fn masked(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return "…".to_string() };
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let ending = domain.rsplit_once('.').map_or("", |(_, ending)| ending);
    // Joined: no line ends within it.
    format!("{}…\u{2060}@{}…\u{2060}.{ending}", first(local), first(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_masked_but_for_what_its_owner_knows_it_by() {
        assert_eq!(masked("ana.exemple@famille-exemple.example.org"), "a…\u{2060}@f…\u{2060}.org");
        assert_eq!(masked("é@ü.fr"), "é…\u{2060}@ü…\u{2060}.fr");
        assert_eq!(masked("nonsense"), "…");
    }

    #[test]
    fn days_are_said_in_the_pages_language() {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        assert_eq!(date("fr", day), "mardi 1er décembre 2026");
        assert!(date("en", day).contains("December"));
        assert_eq!(date("de", day), date("en", day));
    }
}
