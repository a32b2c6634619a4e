//! `/manage`, where anybody asks for a link, and `/manage/TOKEN`, the page that the mailed link opens for half an hour: topics,
//! newsletters, the address, everything that is held, and erasing it.
//!
//! A GET shows, for mail scanners fetch every link; a POST does one thing and is answered with what stands now. The token stands
//! in the form's address: no cookie is there that another site could use.
//!
//! Promises: the answer to whoever asks for a link is the same, after the same work, whether the address is known or not; the
//! letter goes to the address as it is kept. The page masks the address. After an erasing, or a change of address, the token gives nothing
//! any more.
//!
//! BUGS: whoever has the mailbox has the link: so has whoever it is forwarded to, for what is left of the half hour.

mod erasing;
mod shown;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hyper::StatusCode;
use hyper::header;
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::form::Form;
use super::leave::{About, broken, unknown};
use super::posting::Said;
use super::routes::Posted;
use super::stores::NoAnswer;
use super::words::Words;
use super::{Service, confirm, home, limits, moving, subscribe, token};
use crate::config::Newsletter;
use crate::digest::notice;
use crate::mail::address::Address;
use crate::store::managing::Person;
use crate::store::outbox::Waiting;
use crate::store::signups::{Confirmed, Signup};

pub use erasing::{ask_to_erase, erase};
use shown::page;

/// How long a link is good.
pub const WHILE: TimeDelta = TimeDelta::minutes(30);
/// The letter with the link.
pub const KIND: &str = "manage";
/// Stands for a newsletter's name in limits and counts: no newsletter is called so.
pub const NAME: &str = "/manage";
/// The field that no person sees.
const TRAP: &str = "website";
/// The button that asks for a link.
const ASK: &str = "manage_ask_button";
const SUBSCRIBED: &str = "subscribed";

/// Whom a token names, for as long as it is good.
struct Named {
    recipient: i64,
    until: DateTime<Utc>,
}

/// The form that asks for a link.
pub fn form(service: &Arc<Service>) -> Answer {
    asking(service, StatusCode::OK, "manage_ask_title", "manage_ask_what", None)
}

/// Mails a link, if the address is known.
pub async fn ask(service: &Arc<Service>, posted: &Posted<'_>) -> Answer {
    let (form, now) = (posted.form(), service.clock.now());
    let typed = form.get("email").split_whitespace().collect::<Vec<_>>().join(" ");
    if !form.get(TRAP).is_empty() {
        return on_its_way(service, &typed);
    }
    let Some(address) = address(&typed) else {
        let error = if typed.is_empty() { "error_email_missing" } else { "error_email_wrong" };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return asking(service, status, "manage_ask_title", "manage_ask_what", Some((&typed, error)));
    };
    let Some(first) = service.config.newsletters.iter().find(|one| !one.to.knows_nobody()) else {
        return on_its_way(service, &typed);
    };
    let limits = limits::of(service, NAME, &address, posted.client(service));
    let Ok(id) = subscribe::random() else { return broken(service, &NoAnswer::TooLate) };
    let email = address.to_string();
    let letter = Waiting {
        id,
        newsletter: first.name.clone(),
        kind: KIND.to_string(),
        recipient: service.secrets.recipient_id(&email),
        email,
        name: None,
        details: "{}".to_string(),
        asked: now,
        expires: now + WHILE,
        attempts: 0,
    };
    let names: Vec<String> = service.config.newsletters.iter().map(|one| one.name.clone()).collect();
    let asked = service
        .stores
        .with(move |store| {
            let (letter, names, limits) = (letter.clone(), names.clone(), limits.clone());
            Box::pin(async move { store.ask_to_manage(&letter, &names, &limits).await })
        })
        .await;
    if let Err(error) = asked {
        return broken(service, &error);
    }
    service.posting.wake();
    on_its_way(service, &typed)
}

/// What the letter with the link says.
pub fn letter<'a>(service: &'a Service, newsletter: &'a Newsletter, letter: &Waiting) -> Option<Said<'a>> {
    let about = About::site(service);
    let url = service.config.web.url.as_ref()?;
    let token = token::manage(&service.secrets, letter.recipient, letter.asked.timestamp());
    let until = about.moment(letter.asked + WHILE);
    let button = notice::Button {
        url: format!("{url}manage/{token}"),
        words: about.say("mail_manage_button", &[]),
        copy: about.say("mail_copy", &[]),
    };
    let site = service.config.site.title.as_str();
    let words = notice::Words {
        subject: about.say("mail_manage_subject", &[("site", site)]),
        preheader: about.say("mail_manage_preheader", &[]),
        title: about.say("mail_manage_title", &[]),
        lines: vec![about.say("mail_manage_what", &[("site", site), ("until", &until)])],
        button: Some(button),
        after: vec![about.say("mail_manage_ignore", &[])],
        ..confirm::frame(service, &about, newsletter)
    };
    Some(Said { words, from: newsletter.confirm_from.as_ref() })
}

/// The page.
pub async fn show(service: &Arc<Service>, token: &str) -> Answer {
    match known(service, token).await {
        Ok((named, person)) => page(service, token, &named, &person, None, None),
        Err(refused) => refused,
    }
}

/// Does what a form of the page says.
pub async fn act(service: &Arc<Service>, token: &str, posted: &Posted<'_>) -> Answer {
    let (named, person) = match known(service, token).await {
        Ok(known) => known,
        Err(refused) => return refused,
    };
    let form = posted.form();
    if form.get("do") == "address" {
        let typed = form.get("email").split_whitespace().collect::<Vec<_>>().join(" ");
        let Some(address) = address(&typed) else {
            let error = if typed.is_empty() { "error_email_missing" } else { "error_email_wrong" };
            return page(service, token, &named, &person, None, Some((&typed, error)));
        };
        return match moving::ask(service, named.recipient, &person, &address, posted).await {
            Ok(()) => {
                let said = About::site(service).say("manage_moving", &[("address", &typed)]);
                page(service, token, &named, &person, Some(said), None)
            }
            Err(error) => broken(service, &error),
        };
    }
    let done = match change(service, named.recipient, &person, &form, posted).await {
        Ok(done) => done,
        Err(error) => return broken(service, &error),
    };
    // What stands now.
    match known(service, token).await {
        Ok((named, person)) => page(service, token, &named, &person, done, None),
        Err(refused) => refused,
    }
}

/// One change to a subscription. Gives the words for it; `None`: it asks for nothing that there is.
async fn change(
    service: &Arc<Service>,
    recipient: i64,
    person: &Person,
    form: &Form,
    posted: &Posted<'_>,
) -> Result<Option<String>, NoAnswer> {
    let name = form.get("newsletter").to_string();
    let Some(newsletter) = service.config.newsletters.iter().find(|one| one.name == name) else {
        return Ok(None);
    };
    let words = Words::of(&service.config.site.language);
    let about = About { service, words, title: newsletter.title.clone() };
    let (now, is_on_it) = (service.clock.now(), is_on(person, &name));
    let said = |words: &str| Ok(Some(about.say(words, &[])));
    match form.get("do") {
        "topics" if is_on_it && !newsletter.topics.is_empty() => {
            let Some(topics) = chosen(newsletter, form) else { return said("manage_no_topic") };
            let work = service.stores.with(move |store| {
                let (name, topics) = (name.clone(), topics.clone());
                Box::pin(async move { store.choose(recipient, &name, topics.as_deref(), "page", now).await })
            });
            work.await?;
            said("manage_topics_done")
        }
        "leave" if is_on_it || is_from_file(newsletter) => {
            let work = service.stores.with(move |store| {
                let name = name.clone();
                Box::pin(async move { store.leave_from_page(recipient, &name, now).await })
            });
            work.await?;
            said("manage_left")
        }
        "join" if !is_on_it && newsletter.subscribe => {
            let network = limits::network(service, posted.client(service));
            let mut others = subscribe::others(service, newsletter).filter(|one| is_on(person, &one.name));
            let instead_of = others.find(|one| form.get("instead") == one.name).map(|one| one.name.clone());
            let signup = subscribe::signup_of(service, newsletter, &person.email, network, now);
            let signup = Signup { instead_of, ..signup };
            let work = service.stores.with(move |store| {
                let signup = signup.clone();
                Box::pin(async move { store.join_at_once(&signup).await })
            });
            match work.await? {
                Confirmed::Subscribed => said("manage_joined"),
                Confirmed::Gone | Confirmed::Complained => said("manage_not_joined"),
            }
        }
        _ => Ok(None),
    }
}

/// Everything that is held, as a file.
pub async fn data(service: &Arc<Service>, token: &str) -> Answer {
    let named = match known(service, token).await {
        Ok((named, _)) => named,
        Err(refused) => return refused,
    };
    match service.stores.with(move |store| Box::pin(store.held(named.recipient))).await {
        Ok(held) => {
            let text = serde_json::to_string_pretty(&held).unwrap_or_default() + "\n";
            let mut answered = answer::of(StatusCode::OK, "application/json", text);
            answer::set(&mut answered, header::CONTENT_DISPOSITION, "attachment; filename=\"data.json\"");
            answered
        }
        Err(error) => broken(service, &error),
    }
}

/// Whom a token names, or the answer to a token that gives nothing.
async fn known(service: &Arc<Service>, token: &str) -> Result<(Named, Person), Answer> {
    let read = token::read_manage(&service.secrets, token);
    let Some((recipient, asked)) = read.and_then(|(one, at)| Some((one, DateTime::from_timestamp(at, 0)?))) else {
        return Err(unknown(service));
    };
    let named = Named { recipient, until: asked + WHILE };
    if service.clock.now() >= named.until {
        return Err(too_late(service));
    }
    match service.stores.with(move |store| Box::pin(store.person(recipient))).await {
        Ok(Some(person)) => Ok((named, person)),
        // Erased, or moved to another address.
        Ok(None) => Err(too_late(service)),
        Err(error) => Err(broken(service, &error)),
    }
}

fn too_late(service: &Arc<Service>) -> Answer {
    asking(service, StatusCode::GONE, "manage_late_title", "manage_late_what", None)
}

fn address(typed: &str) -> Option<Address> {
    Address::parse(typed).ok().filter(|address| address.domain().contains('.'))
}

fn is_on(person: &Person, newsletter: &str) -> bool {
    person.subscriptions.iter().any(|one| one.newsletter == newsletter && one.state == SUBSCRIBED)
}

fn is_from_file(newsletter: &Newsletter) -> bool {
    matches!(newsletter.to, crate::config::Audience::File(_))
}

/// The choice that a form makes, as the database keeps it; `None`: none of the topics.
fn chosen(newsletter: &Newsletter, form: &Form) -> Option<Option<String>> {
    let names = newsletter.topics.iter().map(|topic| topic.name.as_str());
    let mut chosen: Vec<&str> = names.filter(|name| form.all("topic").any(|one| one == *name)).collect();
    chosen.sort_unstable();
    match chosen.len() {
        0 => None,
        all if all == newsletter.topics.len() => Some(None),
        _ => Some(Some(chosen.join(" "))),
    }
}

fn path(service: &Service, token: &str) -> String {
    format!("{}manage/{}", service.base(), home::encoded(token))
}

/// The form that asks for a link, under these words; with what was typed and why it cannot be.
fn asking(service: &Service, status: StatusCode, title: &str, line: &str, wrong: Option<(&str, &str)>) -> Answer {
    let about = About::site(service);
    let parts = json!({
        "heading": about.say(title, &[]), "lines": [about.say(line, &[])],
        "errors": wrong.map(|(_, error)| errors(&about, error)),
        "ask": field(&about, &format!("{}manage", service.base()), ASK, wrong),
        "trap": { "name": TRAP, "label": about.say("subscribe_trap", &[]) },
        "next": about.say("manage_ask_next", &[]),
    });
    filled(&about, status, title, wrong.is_some(), parts)
}

fn on_its_way(service: &Service, typed: &str) -> Answer {
    let about = About::site(service);
    let lines = [about.say("manage_asked_what", &[("address", typed)]), about.say("manage_asked_next", &[])];
    let title = about.say("asked_title", &[]);
    about.page(StatusCode::OK, json!({ "over": about.say("manage_over", &[]), "title": title, "lines": lines }))
}

fn errors(about: &About<'_>, error: &str) -> Value {
    json!({ "title": about.say("error_title", &[]), "all": [{ "field": "email", "words": about.say(error, &[]) }] })
}

/// A form with one address.
fn field(about: &About<'_>, action: &str, button: &str, wrong: Option<(&str, &str)>) -> Value {
    let label = if button == ASK { "subscribe_email" } else { "manage_new_address" };
    json!({
        "action": action, "button": about.say(button, &[]), "label": about.say(label, &[]),
        "hint": about.say("subscribe_email_hint", &[]), "value": wrong.map_or("", |(typed, _)| typed),
        "error": wrong.map(|(_, error)| about.say(error, &[])),
    })
}

fn filled(about: &About<'_>, status: StatusCode, title: &str, wrong: bool, parts: Value) -> Answer {
    let title = about.say(title, &[]);
    let shown = if wrong { about.say("error_page", &[("title", &title)]) } else { title };
    let mut all = json!({
        "title": shown, "over": about.say("manage_over", &[]), "heading": "", "status": null, "errors": null,
        "lines": [], "ask": null, "trap": null, "next": null, "newsletters": null, "address": null, "data": null,
        "erase": null,
    });
    if let (Some(all), Value::Object(parts)) = (all.as_object_mut(), parts) {
        all.extend(parts);
    }
    about.page_of("manage", status, all)
}
