//! `/move/TOKEN`, the page that confirms another address: a letter goes there, a POST from its link moves everything, and the
//! earlier address is told.
//!
//! A GET shows one button and changes nothing, for mail scanners fetch every link.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hyper::StatusCode;
use serde_json::json;

use super::answer::Answer;
use super::leave::{About, broken, unknown};
use super::posting::Said;
use super::routes::Posted;
use super::stores::NoAnswer;
use super::{Service, confirm, limits, manage, subscribe, token};
use crate::config::Newsletter;
use crate::digest::notice;
use crate::mail::address::Address;
use crate::store::managing::Person;
use crate::store::moving::Moved;
use crate::store::outbox::Waiting;

/// How long a new address can be confirmed.
pub const WHILE: TimeDelta = TimeDelta::days(1);
/// The letter to the new address.
pub const KIND: &str = "move";
/// The letter to the earlier one, once it is done.
pub const TOLD: &str = "moved";

/// Mails a link to the new address. Tells nothing of whether anybody has it.
pub(super) async fn ask(
    service: &Arc<Service>,
    recipient: i64,
    person: &Person,
    address: &Address,
    posted: &Posted<'_>,
) -> Result<(), NoAnswer> {
    let now = service.clock.now();
    let email = address.to_string();
    let to = service.secrets.recipient_id(&email);
    let Some(newsletter) = newsletter_of(service, person) else { return Ok(()) };
    if to == recipient {
        return Ok(());
    }
    let limits = limits::of(service, manage::NAME, address, posted.client(service));
    let id = subscribe::random().map_err(|_| NoAnswer::TooLate)?;
    // By whom it was asked for stands in the letter's token.
    let details = json!({ "of": recipient.to_string() }).to_string();
    let newsletter = newsletter.name.clone();
    let letter = letter_to((id, to), email, newsletter, KIND, details, now);
    service
        .stores
        .with(move |store| {
            let (letter, limits) = (letter.clone(), limits.clone());
            Box::pin(async move { store.ask_to_move(recipient, &letter, &limits).await })
        })
        .await?;
    service.posting.wake();
    Ok(())
}

/// The page with the button.
pub async fn show(service: &Arc<Service>, token: &str) -> Answer {
    let Some((recipient, to, asked)) = read(service, token) else { return unknown(service) };
    let looked = service
        .stores
        .with(move |store| {
            Box::pin(async move {
                Ok((store.move_asked(recipient, to, asked).await?, store.has_moved(recipient, to).await?))
            })
        })
        .await;
    let (email, has_moved) = match looked {
        Ok(looked) => looked,
        Err(error) => return broken(service, &error),
    };
    let about = About::site(service);
    let Some(email) = email.filter(|_| service.clock.now() < asked + WHILE) else {
        return if has_moved { done(&about) } else { too_late(service, &about) };
    };
    let mut lines = about.line_with("move_who", Some(&email));
    lines.push(about.say("move_what", &[]));
    about.page(
        StatusCode::OK,
        json!({
            "over": about.say("manage_over", &[]), "title": about.say("move_title", &[]), "lines": lines,
            "form": {
                "action": format!("{}move/{token}", service.base()), "button": about.say("move_button", &[]),
                "one_click": false,
            },
        }),
    )
}

/// Moves.
pub async fn act(service: &Arc<Service>, token: &str) -> Answer {
    let Some((recipient, to, asked)) = read(service, token) else { return unknown(service) };
    let about = About::site(service);
    let now = service.clock.now();
    let in_time = now < asked + WHILE;
    let Ok(id) = subscribe::random() else { return broken(service, &NoAnswer::TooLate) };
    let working = service.clone();
    // On its own: whoever hangs up has confirmed all the same.
    let task = tokio::spawn(async move {
        let person = working.stores.with(move |store| Box::pin(store.person(recipient))).await?;
        let newsletter = person.as_ref().and_then(|person| newsletter_of(&working, person));
        let newsletter = newsletter.map(|one| one.name.clone()).unwrap_or_default();
        // Its address is the one that is kept by then.
        let told = letter_to((id, recipient), String::new(), newsletter, TOLD, "{}".to_string(), now);
        let moving = working.stores.with(move |store| {
            let told = told.clone();
            Box::pin(async move {
                if in_time {
                    return store.move_person((recipient, to), asked, &told, now).await;
                }
                Ok(if store.has_moved(recipient, to).await? { Moved::Done } else { Moved::Gone })
            })
        });
        moving.await
    });
    match task.await {
        Ok(Ok(Moved::Done)) => {
            service.posting.wake();
            done(&about)
        }
        Ok(Ok(Moved::Gone)) => too_late(service, &about),
        Ok(Ok(Moved::Complained)) => {
            let lines = [about.say("confirm_not_here_what", &[])];
            about.page(StatusCode::GONE, json!({ "title": about.say("move_not_here_title", &[]), "lines": lines }))
        }
        Ok(Err(error)) => broken(service, &error),
        Err(_) => broken(service, &NoAnswer::TooLate),
    }
}

/// What the letter to the new address says.
pub fn letter<'a>(service: &'a Service, newsletter: &'a Newsletter, letter: &Waiting) -> Option<Said<'a>> {
    let about = About::site(service);
    let url = service.config.web.url.as_ref()?;
    let details: serde_json::Value = serde_json::from_str(&letter.details).ok()?;
    let recipient: i64 = details["of"].as_str()?.parse().ok()?;
    let token = token::moving(&service.secrets, recipient, letter.recipient, letter.asked.timestamp());
    let site = service.config.site.title.as_str();
    let button = notice::Button {
        url: format!("{url}move/{token}"),
        words: about.say("move_button", &[]),
        copy: about.say("mail_copy", &[]),
    };
    let words = notice::Words {
        subject: about.say("mail_move_subject", &[("site", site)]),
        preheader: about.say("mail_move_preheader", &[]),
        title: about.say("mail_move_title", &[]),
        lines: vec![about.say("mail_move_what", &[("site", site), ("address", &letter.email)])],
        button: Some(button),
        after: vec![about.say("mail_move_ignore", &[])],
        ..confirm::frame(service, &about, newsletter)
    };
    Some(Said { words, from: newsletter.confirm_from.as_ref() })
}

/// What the letter to the earlier address says.
pub fn told<'a>(service: &'a Service, newsletter: &'a Newsletter, letter: &Waiting) -> Option<Said<'a>> {
    let about = About::site(service);
    let contact = newsletter.reply_to.as_deref().unwrap_or(&newsletter.from.address);
    let site = service.config.site.title.as_str();
    let words = notice::Words {
        subject: about.say("mail_moved_subject", &[("site", site)]),
        preheader: about.say("mail_moved_preheader", &[]),
        title: about.say("mail_moved_title", &[]),
        lines: vec![about.say("mail_moved_what", &[("site", site), ("address", &letter.email)])],
        after: vec![about.say("mail_moved_ignore", &[("contact", contact)])],
        ..confirm::frame(service, &about, newsletter)
    };
    Some(Said { words, from: newsletter.confirm_from.as_ref() })
}

fn read(service: &Service, token: &str) -> Option<(i64, i64, DateTime<Utc>)> {
    let (recipient, to, asked) = token::read_moving(&service.secrets, token)?;
    Some((recipient, to, DateTime::from_timestamp(asked, 0)?))
}

/// The newsletter that letters about their address come from: one that they are on, else the first to people.
fn newsletter_of<'a>(service: &'a Service, person: &Person) -> Option<&'a Newsletter> {
    let all = &service.config.newsletters;
    let own = all.iter().find(|one| person.subscriptions.iter().any(|own| own.newsletter == one.name));
    own.or_else(|| all.iter().find(|one| !one.to.knows_nobody()))
}

fn letter_to(
    (id, recipient): (i64, i64),
    email: String,
    newsletter: String,
    kind: &str,
    details: String,
    now: DateTime<Utc>,
) -> Waiting {
    let expires = now + WHILE;
    Waiting {
        id,
        newsletter,
        kind: kind.to_string(),
        recipient,
        email,
        name: None,
        details,
        asked: now,
        expires,
        attempts: 0,
    }
}

fn done(about: &About<'_>) -> Answer {
    let lines = [about.say("moved_what", &[])];
    let title = about.say("moved_title", &[]);
    about.page(StatusCode::OK, json!({ "over": about.say("manage_over", &[]), "title": title, "lines": lines }))
}

fn too_late(service: &Service, about: &About<'_>) -> Answer {
    let lines = [about.say("move_late_what", &[])];
    let link = json!({ "address": format!("{}manage", service.base()), "words": about.say("manage_link", &[]) });
    about.page(
        StatusCode::GONE,
        json!({ "over": about.say("manage_over", &[]), "title": about.say("move_late_title", &[]), "lines": lines, "link": link }),
    )
}
