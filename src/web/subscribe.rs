//! `/subscribe`, the newsletters that anybody can be on, and `/subscribe/NEWSLETTER`, the form.
//!
//! No captcha: a field that only robots fill in, a signed token of when the form was shown, and [`limits`]. Whoever sends it
//! sooner than a person can, or a day later, sees it again with what they typed.
//!
//! Promises: the answer to a form that is filled in rightly is the same page, after the same work (one transaction that ends
//! on the disk), whether the address is known, subscribed, given up or flooded, and whether the mail server works: the letter is
//! made and sent afterwards ([`posting`](super::posting)). What somebody typed stands on their own page alone: nothing of it goes into a
//! letter but the address it goes to.
//!
//! BUGS: a token of time can be used again for a day; the limits hold all the same.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::form::Form;
use super::leave::{About, broken};
use super::routes::Posted;
use super::{Service, confirm, home, limits, token};
use crate::config::Newsletter;
use crate::mail::address::Address;
use crate::store::signups::{Letters, Signup};

/// No person fills it in sooner.
const QUICK: TimeDelta = TimeDelta::seconds(2);
/// A form that was shown longer ago is shown again.
const STALE: TimeDelta = TimeDelta::days(1);
/// Of a name, in characters.
const NAME: usize = 100;
/// The field that no person sees.
const TRAP: &str = "website";

/// What was typed.
#[derive(Debug, Default)]
struct Typed {
    email: String,
    name: String,
    /// Those that the newsletter has.
    topics: Vec<String>,
    /// A newsletter that this one is to replace.
    instead_of: Option<String>,
}

/// What is wrong with a field, by its id and the name of the words.
type Wrong = (&'static str, &'static str);

/// The newsletters.
pub async fn list(service: &Arc<Service>) -> Answer {
    let about = About::site(service);
    let letters = service.home.open(service).await;
    let line = if letters.is_empty() { "subscribe_none" } else { "subscribe_list_what" };
    let heading = json!({ "title": about.say("home_letters", &[]), "all": letters });
    let mut answered = about.page(
        StatusCode::OK,
        json!({
            "hidden": false, "title": about.say("subscribe_list_title", &[]), "lines": [about.say(line, &[])],
            "letters": (!letters.is_empty()).then_some(heading),
        }),
    );
    answered.headers_mut().remove("x-robots-tag");
    answered
}

/// A newsletter's form.
pub async fn form(service: &Arc<Service>, name: &str) -> Answer {
    let Some(newsletter) = open(service, name) else { return answer::nothing_here() };
    let typed = Typed { topics: names(newsletter), ..Typed::default() };
    let shown = token::form_time(&service.secrets, &newsletter.name, service.clock.now().timestamp());
    page(service, newsletter, StatusCode::OK, &typed, &shown, &[])
}

/// Takes a form.
pub async fn ask(service: &Arc<Service>, name: &str, posted: &Posted<'_>) -> Answer {
    let Some(newsletter) = open(service, name) else { return answer::nothing_here() };
    let (form, now) = (posted.form(), service.clock.now());
    let typed = read(service, newsletter, &form);
    if !form.get(TRAP).is_empty() {
        // A robot may think that it worked.
        return on_its_way(service, newsletter, &typed);
    }
    let (shown, too_soon_or_late) = age(service, newsletter, form.get("shown"), now);
    let (address, mut wrong) = checked(newsletter, &typed);
    wrong.extend(too_soon_or_late.filter(|_| wrong.is_empty()));
    let Some(address) = address.filter(|_| wrong.is_empty()) else {
        return page(service, newsletter, StatusCode::UNPROCESSABLE_ENTITY, &typed, &shown, &wrong);
    };
    let client = posted.client(service);
    let limits = limits::of(service, &newsletter.name, &address, client);
    let Ok(id) = random() else { return broken(service, &super::stores::NoAnswer::TooLate) };
    let signup = signup(service, newsletter, &typed, &address, limits::network(service, client), now);
    let asked = service
        .stores
        .with(move |store| {
            let (signup, limits) = (signup.clone(), limits.clone());
            Box::pin(async move {
                let expires = now + confirm::WHILE;
                let letters = Letters { id, confirm: confirm::KIND, expires, already: confirm::SUBSCRIBED };
                store.ask_to_join(&signup, &letters, &limits).await
            })
        })
        .await;
    if let Err(error) = asked {
        return broken(service, &error);
    }
    service.posting.wake();
    on_its_way(service, newsletter, &typed)
}

/// A newsletter that anybody can be on.
pub fn open<'a>(service: &'a Service, name: &str) -> Option<&'a Newsletter> {
    service.config.newsletters.iter().find(|known| known.name == name && known.subscribe)
}

/// The path of a newsletter's form.
pub fn path(service: &Service, newsletter: &Newsletter) -> String {
    format!("{}subscribe/{}", service.base(), home::encoded(&newsletter.name))
}

/// A number that nobody can guess, above 0.
pub(super) fn random() -> Result<i64, getrandom::Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(i64::from_be_bytes(bytes) & i64::MAX)
}

fn names(newsletter: &Newsletter) -> Vec<String> {
    newsletter.topics.iter().map(|topic| topic.name.clone()).collect()
}

/// The other rhythms in which the same comes.
pub(super) fn others<'a>(service: &'a Service, newsletter: &'a Newsletter) -> impl Iterator<Item = &'a Newsletter> {
    let same =
        |other: &&Newsletter| other.subscribe && other.name != newsletter.name && other.select == newsletter.select;
    service.config.newsletters.iter().filter(same)
}

fn read(service: &Service, newsletter: &Newsletter, form: &Form) -> Typed {
    let line = |name: &str| form.get(name).split_whitespace().collect::<Vec<_>>().join(" ");
    let instead_of =
        others(service, newsletter).map(|other| other.name.clone()).find(|name| form.get("instead") == name);
    Typed { email: line("email"), name: line("name"), topics: chosen(newsletter, form), instead_of }
}

fn chosen(newsletter: &Newsletter, form: &Form) -> Vec<String> {
    names(newsletter).into_iter().filter(|name| form.all("topic").any(|chosen| chosen == name)).collect()
}

/// The address, and what must be mended.
fn checked(newsletter: &Newsletter, typed: &Typed) -> (Option<Address>, Vec<Wrong>) {
    let mut wrong = Vec::new();
    let address = Address::parse(&typed.email).ok().filter(|address| address.domain().contains('.'));
    match &address {
        _ if typed.email.is_empty() => wrong.push(("email", "error_email_missing")),
        None => wrong.push(("email", "error_email_wrong")),
        Some(_) => {}
    }
    if typed.name.chars().count() > NAME {
        wrong.push(("name", "error_name_long"));
    }
    if !newsletter.topics.is_empty() && typed.topics.is_empty() {
        wrong.push(("topics", "error_topics_none"));
    }
    (address, wrong)
}

/// The token for the form if it is shown again, and why it must be, if so: whoever was too quick need only press again.
fn age(service: &Service, newsletter: &Newsletter, shown: &str, now: DateTime<Utc>) -> (String, Option<Wrong>) {
    let (secrets, name) = (&service.secrets, &newsletter.name);
    let at = token::read_form_time(secrets, name, shown).and_then(|at| DateTime::from_timestamp(at, 0));
    match at.map(|at| now - at) {
        Some(age) if age < TimeDelta::zero() || age > STALE => {}
        Some(age) if age < QUICK => return (shown.to_string(), Some(("send", "error_quick"))),
        Some(_) => return (shown.to_string(), None),
        None => {}
    }
    (token::form_time(secrets, name, now.timestamp()), Some(("send", "error_stale")))
}

fn signup(
    service: &Service,
    newsletter: &Newsletter,
    typed: &Typed,
    address: &Address,
    network: String,
    now: DateTime<Utc>,
) -> Signup {
    let everything = newsletter.topics.is_empty() || typed.topics.len() == newsletter.topics.len();
    let mut topics = typed.topics.clone();
    topics.sort();
    Signup {
        name: Some(typed.name.clone()).filter(|name| !name.is_empty()),
        topics: (!everything).then(|| topics.join(" ")),
        instead_of: typed.instead_of.clone(),
        ..signup_of(service, newsletter, &address.to_string(), network, now)
    }
}

/// Somebody who asks for all of a newsletter, and agrees to its words.
pub(super) fn signup_of(
    service: &Service,
    newsletter: &Newsletter,
    email: &str,
    network: String,
    now: DateTime<Utc>,
) -> Signup {
    let (consent, consent_version) = consent(service, newsletter);
    Signup {
        newsletter: newsletter.name.clone(),
        recipient: service.secrets.recipient_id(email),
        email: email.to_string(),
        name: None,
        topics: None,
        instead_of: None,
        consent,
        consent_version,
        network,
        asked: now,
    }
}

/// What people agree to, and its version.
pub(super) fn consent(service: &Service, newsletter: &Newsletter) -> (String, String) {
    let about = About::of(service, &newsletter.name);
    let default = || about.say("subscribe_consent", &[("site", &service.config.site.title)]);
    let wording = newsletter.consent.clone().unwrap_or_else(default);
    let hash = || blake3::hash(wording.as_bytes()).to_hex()[..8].to_string();
    let version = newsletter.consent_version.clone().unwrap_or_else(hash);
    (wording, version)
}

fn page(
    service: &Service,
    newsletter: &Newsletter,
    status: StatusCode,
    typed: &Typed,
    shown: &str,
    wrong: &[Wrong],
) -> Answer {
    let about = About::of(service, &newsletter.name);
    let say = |name: &str| about.say(name, &[]);
    let error = |field: &str| wrong.iter().find(|(id, _)| *id == field).map(|(_, words)| say(words));
    let field = |id: &str, value: &str| {
        json!({
            "label": say(&format!("subscribe_{id}")), "hint": say(&format!("subscribe_{id}_hint")), "value": value,
            "error": error(id),
        })
    };
    let topic = |topic: &crate::config::Topic| json!({ "name": topic.name, "title": topic.title, "checked": typed.topics.contains(&topic.name) });
    let topics: Vec<Value> = newsletter.topics.iter().map(topic).collect();
    let instead = |other: &Newsletter| {
        let rhythm = service.home.rhythm(service, &about.words, other);
        let words = about.say("subscribe_instead_one", &[("other", &other.title), ("rhythm", &rhythm)]);
        json!({ "name": other.name, "words": words, "checked": typed.instead_of.as_deref() == Some(&other.name) })
    };
    let instead: Vec<Value> = others(service, newsletter).map(instead).collect();
    let errors: Vec<Value> = wrong.iter().map(|(id, words)| json!({ "field": id, "words": say(words) })).collect();
    let title = say("subscribe_title");
    let heading = title.clone();
    let title = if wrong.is_empty() { title } else { about.say("error_page", &[("title", &title)]) };
    let rhythm = service.home.rhythm(service, &about.words, newsletter);
    let mut answered = about.page_of(
        "subscribe",
        status,
        json!({
            "hidden": false, "title": title, "heading": heading, "over": say("subscribe_over"),
            "lines": [about.say("subscribe_rhythm", &[("rhythm", &rhythm)])],
            "errors": (!errors.is_empty()).then(|| json!({ "title": say("error_title"), "all": errors })),
            "action": path(service, newsletter), "shown": shown, "trap": { "name": TRAP, "label": say("subscribe_trap") },
            "email": field("email", &typed.email), "name": field("name", &typed.name),
            "topics": (!topics.is_empty()).then(|| json!({
                "label": say("subscribe_topics"), "hint": say("subscribe_topics_hint"), "all": topics, "error": error("topics"),
            })),
            "instead": (!instead.is_empty()).then(|| json!({
                "label": say("subscribe_instead"), "hint": say("subscribe_instead_hint"), "all": instead,
                "none": { "words": say("subscribe_instead_none"), "checked": typed.instead_of.is_none() },
            })),
            "consent": consent(service, newsletter).0, "button": say("subscribe_button"), "next": say("subscribe_next"),
        }),
    );
    answered.headers_mut().remove("x-robots-tag");
    answered
}

/// The one answer to whoever has filled it in rightly.
fn on_its_way(service: &Service, newsletter: &Newsletter, typed: &Typed) -> Answer {
    let about = About::of(service, &newsletter.name);
    let lines = [
        about.say("asked_what", &[("address", &typed.email)]),
        about.say("asked_next", &[]),
        about.say("asked_missing", &[]),
    ];
    let title = about.say("asked_title", &[]);
    about.page(StatusCode::OK, json!({ "over": about.say("subscribe_over", &[]), "title": title, "lines": lines }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Select, Topic};
    use crate::digest::samples;

    #[test]
    fn an_address_must_be_one_that_a_letter_can_go_to() {
        let newsletter = samples::newsletter();
        for (email, wrong) in [
            ("ana@example.org", &[][..]),
            ("", &[("email", "error_email_missing")]),
            ("ana", &[("email", "error_email_wrong")]),
            ("ana@localhost", &[("email", "error_email_wrong")]),
            ("ana@example.org\nBcc: x@example.org", &[("email", "error_email_wrong")]),
            ("a@example.org, b@example.org", &[("email", "error_email_wrong")]),
        ] {
            let typed = Typed { email: email.to_string(), ..Typed::default() };
            assert_eq!(checked(&newsletter, &typed).1, wrong, "{email}");
        }
        let typed = Typed { email: "a@example.org".to_string(), name: "é".repeat(101), ..Typed::default() };
        assert_eq!(checked(&newsletter, &typed).1, [("name", "error_name_long")]);
    }

    #[test]
    fn whoever_may_choose_chooses_something() {
        let topic = Topic { name: "a".to_string(), title: "A".to_string(), select: Select::default() };
        let newsletter = Newsletter { topics: vec![topic], ..samples::newsletter() };
        let read = |body: &str| {
            let form = Form::read("application/x-www-form-urlencoded", body.as_bytes());
            let topics = chosen(&newsletter, &form);
            Typed { email: form.get("email").to_string(), topics, ..Typed::default() }
        };
        let some = read("email=a%40example.org&topic=a&topic=b");
        assert_eq!((some.topics.as_slice(), checked(&newsletter, &some).1.len()), (&["a".to_string()][..], 0));
        let nothing = read("email=a%40example.org&topic=b");
        assert_eq!(checked(&newsletter, &nothing).1, [("topics", "error_topics_none")]);
    }
}
