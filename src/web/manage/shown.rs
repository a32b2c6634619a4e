//! What the page of `/manage/TOKEN` shows: a card for each newsletter, the address, what is held, the way to erasing it.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{Named, SUBSCRIBED, errors, field, filled, is_on, path};
use crate::config::Newsletter;
use crate::store::managing::{Person, Subscription};
use crate::web::answer::Answer;
use crate::web::leave::{About, date, language_of};
use crate::web::words::Words;
use crate::web::{Service, subscribe};

/// The page, with what was just done.
pub(super) fn page(
    service: &Service,
    token: &str,
    named: &Named,
    person: &Person,
    done: Option<String>,
    wrong: Option<(&str, &str)>,
) -> Answer {
    let about = About::site(service);
    let action = path(service, token);
    let mut lines = about.line_with("manage_who", Some(&person.email));
    lines.push(about.say("manage_until", &[("until", &about.moment(named.until))]));
    lines.extend(person.suppressed.as_deref().map(|reason| about.say(given_up(reason), &[])));
    let (own, others): (Vec<&Newsletter>, Vec<&Newsletter>) =
        service.config.newsletters.iter().partition(|one| is_on(person, &one.name));
    let cards: Vec<Value> =
        own.into_iter().chain(others).filter_map(|one| card(service, one, person, &action)).collect();
    let parts = json!({
        "heading": about.say("manage_title", &[]), "status": done, "lines": lines,
        "errors": wrong.map(|(_, error)| errors(&about, error)),
        "newsletters": { "title": about.say("manage_newsletters", &[]), "all": cards, "none": about.say("manage_none", &[]) },
        "address": {
            "title": about.say("manage_address", &[]), "words": about.say("manage_address_what", &[]),
            "form": field(&about, &action, "manage_address_button", wrong),
        },
        "data": {
            "title": about.say("manage_data", &[]), "words": about.say("manage_data_what", &[]),
            "address": format!("{action}/data.json"), "link": about.say("manage_data_link", &[]),
        },
        "erase": {
            "title": about.say("manage_erase", &[]), "words": about.say("manage_erase_what", &[]),
            "address": format!("{action}/erase"), "link": about.say("manage_erase_link", &[]),
        },
    });
    filled(&about, StatusCode::OK, "manage_title", wrong.is_some(), parts)
}

/// What is said of why no letter goes there: its owner reads it, and nobody else.
fn given_up(reason: &str) -> &'static str {
    if reason == "complaint" { "confirm_not_here_what" } else { "manage_given_up" }
}

/// A newsletter that they are on, or can be on.
fn card(service: &Service, newsletter: &Newsletter, person: &Person, action: &str) -> Option<Value> {
    let own = person.subscriptions.iter().find(|one| one.newsletter == newsletter.name);
    let is_on_it = own.is_some_and(|one| one.state == SUBSCRIBED);
    if own.is_none() && !newsletter.subscribe {
        return None;
    }
    let site = Words::of(&service.config.site.language);
    let about = About { service, words: site, title: newsletter.title.clone() };
    let day = |one: &Subscription| {
        let day = one.since.with_timezone(&service.config.site.time_zone).date_naive();
        date(about.words.language, day)
    };
    let state = match own {
        Some(one) if is_on_it => about.say("manage_on", &[("date", &day(one))]),
        Some(one) if one.state == "left" => about.say("manage_off", &[("date", &day(one))]),
        _ => about.say("manage_never", &[]),
    };
    let topics = (is_on_it && !newsletter.topics.is_empty()).then(|| topics(&about, newsletter, own, action));
    let one_of = |what: &str, words: String, consent: Option<String>, instead: Option<&str>| {
        json!({
            "action": action, "do": what, "newsletter": newsletter.name, "words": words, "consent": consent,
            "instead": instead,
        })
    };
    let mut actions = Vec::new();
    if is_on_it {
        actions.push(one_of("leave", about.say("manage_leave", &[]), None, None));
    } else if newsletter.subscribe {
        let consent = subscribe::consent(service, newsletter).0;
        actions.push(one_of("join", about.say("manage_join", &[]), Some(consent), None));
        // Another rhythm in place of the one that they have.
        for other in subscribe::others(service, newsletter).filter(|one| is_on(person, &one.name)) {
            let words = about.say("manage_instead", &[("other", &other.title)]);
            actions.push(one_of("join", words, None, Some(&other.name)));
        }
    }
    let rhythm = service.home.rhythm(service, &about.words, newsletter);
    Some(json!({
        "language": Words::of(language_of(service, newsletter)).language, "title": newsletter.title, "rhythm": rhythm,
        "state": state, "topics": topics, "actions": actions,
    }))
}

fn topics(about: &About<'_>, newsletter: &Newsletter, own: Option<&Subscription>, action: &str) -> Value {
    let chosen = own.and_then(|one| one.topics.as_deref());
    let takes = |name: &str| {
        // A choice of which nothing is left is none.
        let known = |topics: &str| newsletter.topics.iter().any(|one| topics.split(' ').any(|own| own == one.name));
        chosen.filter(|topics| known(topics)).is_none_or(|topics| topics.split(' ').any(|own| own == name))
    };
    let all: Vec<Value> = newsletter
        .topics
        .iter()
        .map(|topic| json!({ "name": topic.name, "title": topic.title, "checked": takes(&topic.name) }))
        .collect();
    json!({
        "action": action, "newsletter": newsletter.name, "label": about.say("manage_topics", &[]),
        "hint": about.say("subscribe_topics_hint", &[]), "button": about.say("manage_topics_button", &[]), "all": all,
    })
}
