//! `/confirm/TOKEN`, the page that a confirmation's letter names, and what the letters about subscribing say.
//!
//! A GET shows one button and changes nothing, for mail scanners fetch every link; only a POST confirms.
//!
//! Promises: a POST is answered with 200 only when the person is on the list, on disk, and again when it is sent twice; a
//! token that is not ours is answered in one way, whoever it seems to name. Pages mask the address. The letters hold nothing that
//! whoever filled in the form could have written but the address, so that nobody writes to others through them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hyper::StatusCode;
use serde_json::json;

use super::answer::Answer;
use super::leave::{About, broken, unknown};
use super::posting::Said;
use super::stores::NoAnswer;
use super::{Service, subscribe, token};
use crate::config::Newsletter;
use crate::digest::notice::{Button, Words};
use crate::store::outbox::Waiting;
use crate::store::signups::Confirmed;

/// How long a subscription can be confirmed. Deleting what was not is `retention.unconfirmed`'s.
pub const WHILE: TimeDelta = TimeDelta::days(7);
/// The letter with the link.
pub const KIND: &str = "confirm";
/// The letter that says that there is nothing to confirm.
pub const SUBSCRIBED: &str = "subscribed";
/// What confirming does.
const JOIN: &str = "join";

/// Whom a token names, of what, and when they asked.
struct Named {
    newsletter: String,
    recipient: i64,
    asked: DateTime<Utc>,
}

/// The page with the button.
pub async fn ask(service: &Arc<Service>, token: &str) -> Answer {
    let Some(named) = who(service, token) else { return unknown(service) };
    let Named { newsletter, recipient, asked } = named;
    let name = newsletter.clone();
    let looked = service
        .stores
        .with(move |store| {
            let name = name.clone();
            Box::pin(async move {
                Ok((store.signup(&name, recipient, asked).await?, store.is_subscribed(&name, recipient).await?))
            })
        })
        .await;
    let (signup, subscribed) = match looked {
        Ok(looked) => looked,
        Err(error) => return broken(service, &error),
    };
    let about = About::of(service, &newsletter);
    let signup = match signup {
        Some(signup) if service.clock.now() < asked + WHILE => signup,
        _ if subscribed => return is_on_the_list(service, &about, &newsletter),
        _ => return too_late(service, &about, &newsletter),
    };
    let mut lines = about.line_with("confirm_who", Some(&signup.email));
    let known = service.config.newsletters.iter().find(|known| known.name == newsletter);
    if let (Some(topics), Some(known)) = (&signup.topics, known) {
        let chosen = known.topics.iter().filter(|topic| topics.split(' ').any(|name| name == topic.name));
        let titles: Vec<&str> = chosen.map(|topic| topic.title.as_str()).collect();
        if !titles.is_empty() {
            lines.push(about.say("confirm_topics", &[("topics", &titles.join(", "))]));
        }
    }
    lines.extend(instead(&about, signup.instead_of.as_deref()));
    lines.push(about.say("confirm_what", &[]));
    about.page(
        StatusCode::OK,
        json!({
            "over": about.say("confirm_over", &[]), "title": about.say("confirm_title", &[]), "lines": lines,
            "form": {
                "action": format!("{}confirm/{token}", service.base()), "button": about.say("confirm_button", &[]),
                "one_click": false,
            },
        }),
    )
}

/// Confirms.
pub async fn confirm(service: &Arc<Service>, token: &str) -> Answer {
    let Some(named) = who(service, token) else { return unknown(service) };
    let Named { newsletter, recipient, asked } = named;
    let (now, working, name) = (service.clock.now(), service.clone(), newsletter.clone());
    let in_time = now < asked + WHILE;
    // On its own: whoever hangs up has confirmed all the same.
    let task = tokio::spawn(async move {
        let confirming = working.stores.with(move |store| {
            let name = name.clone();
            Box::pin(async move {
                if in_time {
                    return store.confirm(&name, recipient, asked, now).await;
                }
                let subscribed = store.is_subscribed(&name, recipient).await?;
                Ok(if subscribed { Confirmed::Subscribed } else { Confirmed::Gone })
            })
        });
        confirming.await
    });
    let confirmed = match task.await {
        Ok(Ok(confirmed)) => confirmed,
        Ok(Err(error)) => return broken(service, &error),
        Err(_) => return broken(service, &NoAnswer::TooLate),
    };
    let about = About::of(service, &newsletter);
    match confirmed {
        Confirmed::Subscribed => is_on_the_list(service, &about, &newsletter),
        Confirmed::Gone => too_late(service, &about, &newsletter),
        Confirmed::Complained => {
            let lines = [about.say("confirm_not_here_what", &[])];
            about.page(StatusCode::GONE, json!({ "title": about.say("confirm_not_here_title", &[]), "lines": lines }))
        }
    }
}

/// Whom a token names: of a newsletter that is configured no more, nobody.
fn who(service: &Service, token: &str) -> Option<Named> {
    let names = service.config.newsletters.iter().map(|newsletter| newsletter.name.as_str());
    let (newsletter, recipient, asked) = token::read_confirm(&service.secrets, JOIN, names, token)?;
    Some(Named { newsletter: newsletter.to_string(), recipient, asked: DateTime::from_timestamp(asked, 0)? })
}

fn is_on_the_list(service: &Service, about: &About<'_>, newsletter: &str) -> Answer {
    let known = service.config.newsletters.iter().find(|known| known.name == newsletter);
    let rhythm = known.map(|known| service.home.rhythm(service, &about.words, known)).unwrap_or_default();
    let lines = [about.say("confirmed_when", &[("rhythm", &rhythm)]), about.say("confirmed_leave", &[])];
    let title = about.say("confirmed_title", &[]);
    about.page(StatusCode::OK, json!({ "over": about.say("confirm_over", &[]), "title": title, "lines": lines }))
}

/// Expired, or nothing to confirm any more.
fn too_late(service: &Service, about: &About<'_>, newsletter: &str) -> Answer {
    let lines = [about.say("confirm_late_what", &[])];
    let link = subscribe::open(service, newsletter).map(|newsletter| {
        json!({ "address": subscribe::path(service, newsletter), "words": about.say("confirm_again", &[]) })
    });
    about.page(
        StatusCode::GONE,
        json!({ "over": about.say("confirm_over", &[]), "title": about.say("confirm_late_title", &[]), "lines": lines, "link": link }),
    )
}

/// What becomes of the newsletter that this one replaces.
fn instead(about: &About<'_>, other: Option<&str>) -> Option<String> {
    let known = about.service.config.newsletters.iter().find(|known| Some(known.name.as_str()) == other)?;
    Some(about.say("confirm_instead", &[("other", &known.title)]))
}

/// What the letter says that asks for a confirmation.
pub fn letter<'a>(service: &'a Service, newsletter: &'a Newsletter, letter: &Waiting) -> Option<Said<'a>> {
    let about = About::of(service, &newsletter.name);
    let url = service.config.web.url.as_ref()?;
    let token = token::confirm(&service.secrets, JOIN, &newsletter.name, letter.recipient, letter.asked.timestamp());
    let button = Button {
        url: format!("{url}confirm/{token}"),
        words: about.say("confirm_button", &[]),
        copy: about.say("mail_copy", &[]),
    };
    let details: serde_json::Value = serde_json::from_str(&letter.details).unwrap_or_default();
    let mut lines = vec![asked(&about, newsletter, letter)];
    lines.extend(instead(&about, details["instead_of"].as_str()));
    lines.push(about.say("mail_confirm_what", &[]));
    let words = Words {
        subject: about.say("mail_confirm_subject", &[]),
        preheader: about.say("mail_confirm_preheader", &[]),
        title: about.say("mail_confirm_title", &[]),
        lines,
        button: Some(button),
        after: vec![about.say("mail_confirm_ignore", &[])],
        ..frame(service, &about, newsletter)
    };
    Some(Said { words, from: newsletter.confirm_from.as_ref() })
}

/// What the letter says to whoever is subscribed already: without it, they would wait for one that never comes.
pub fn already<'a>(service: &'a Service, newsletter: &'a Newsletter, letter: &Waiting) -> Option<Said<'a>> {
    let about = About::of(service, &newsletter.name);
    let url = service.config.web.url.as_ref()?;
    let button = Button {
        url: format!("{url}manage"),
        words: about.say("manage_link", &[]),
        copy: about.say("mail_copy", &[]),
    };
    let contact = newsletter.reply_to.as_deref().unwrap_or(&newsletter.from.address);
    let words = Words {
        subject: about.say("mail_already_subject", &[]),
        preheader: about.say("mail_already_preheader", &[]),
        title: about.say("mail_already_title", &[]),
        lines: vec![
            asked(&about, newsletter, letter),
            about.say("mail_already_what", &[]),
            about.say("mail_already_manage", &[]),
        ],
        button: Some(button),
        after: vec![about.say("mail_already_missing", &[("contact", contact)])],
        ..frame(service, &about, newsletter)
    };
    Some(Said { words, from: newsletter.confirm_from.as_ref() })
}

/// Who asked for what, and when.
fn asked(about: &About<'_>, newsletter: &Newsletter, letter: &Waiting) -> String {
    let moment = about.moment(letter.asked);
    let values = [
        ("newsletter", newsletter.title.as_str()),
        ("site", &about.service.config.site.title),
        ("moment", &moment),
        ("address", &letter.email),
    ];
    about.say("mail_asked", &values)
}

/// What all letters about a page's form have.
pub(super) fn frame(service: &Service, about: &About<'_>, newsletter: &Newsletter) -> Words {
    let sender = newsletter.from.name.as_deref().unwrap_or(&service.config.site.title);
    let url = service.config.web.url.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut foot = vec![about.say("mail_foot", &[("sender", sender), ("url", &url)])];
    let postal = newsletter.postal_address.as_deref().unwrap_or("").lines().map(str::trim);
    foot.extend(postal.filter(|line| !line.is_empty()).map(str::to_string));
    Words {
        language: about.words.language.to_string(),
        foot,
        colon: about.say("mail_colon", &[]),
        ..Words::default()
    }
}
