//! `/manage`: a link by mail, and what its page does: topics, newsletters, another address, everything that is held, erasing.

use std::time::Duration;

use crieur::secrets::Secrets;
use crieur::web::token;

use super::joining::new_letters;
use super::{project, sent, state};
use crate::support::project::Project;
use crate::support::served::{Got, Served};
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    a_mailed_link_opens_a_page_that_does_what_its_forms_say,
    an_address_changes_when_the_new_one_confirms,
    whoever_erases_themselves_is_gone_and_their_link_with_them,
    no_answer_tells_who_is_known_and_few_links_leave,
}

const ENCODED: &str = "application/x-www-form-urlencoded";
const TOPICS: &str = "topics:\n  - { name: evenements, title: Événements, select: { tags: [événement] } }\n  \
                      - { name: videos, title: Vidéos et <sons>, select: { tags: [vidéo] } }\n";

fn secrets(project: &Project) -> Secrets {
    Secrets::load(&project.join("var/keys"), None).expect("a key").expect("a key")
}

fn body(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The path below `start` that a letter's text names.
pub fn link(letter: &str, start: &str) -> String {
    let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
    let text = message.body_text(0).expect("text").into_owned();
    let token = text.split(start).nth(1).and_then(|rest| rest.split_whitespace().next());
    format!("{start}{}", token.unwrap_or_else(|| panic!("no link in {text}")))
}

fn to(letter: &str) -> String {
    let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
    message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("an address").to_string()
}

/// Asks for a link, and reads it in the letter.
pub fn asked(project: &Project, served: &Served, address: &str) -> String {
    let before = project.letters("var/outbox").len();
    let got = served.post("/manage", ENCODED, &body(&[("email", address)]));
    assert_eq!(got.status, 200, "{}", got.text());
    let letter = new_letters(project, before, 1).remove(0);
    assert!(!letter.contains("List-Unsubscribe"), "{letter}");
    link(&letter, "/manage/")
}

/// Asks on that page for another address, and reads the link in the letter to it.
pub fn asked_to_move(project: &Project, served: &Served, path: &str, address: &str) -> String {
    let before = project.letters("var/outbox").len();
    let got = served.post(path, ENCODED, &body(&[("do", "address"), ("email", address)]));
    assert_eq!(got.status, 200, "{}", got.text());
    let letter = new_letters(project, before, 1).remove(0);
    assert_eq!(to(&letter), address);
    link(&letter, "/move/")
}

fn page(got: Got) -> String {
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!((got.header("location"), got.header("set-cookie")), ("", ""));
    assert_eq!((got.header("cache-control"), got.header("referrer-policy")), ("no-store", "no-referrer"));
    got.text()
}

/// The service with a newsletter of two topics and another one that anybody can be on, its letters sent.
fn with_topics(more: &str) -> (Project, Served) {
    let (project, _) = project(more);
    project.write("config/newsletters/news.yaml", project.read("config/newsletters/news.yaml") + TOPICS);
    project.write(
        "config/newsletters/monthly.yaml",
        "title: Le mois\nfrom: lettre@example.org\nto: recipients\nleave: web\nschedule: 0 9 1 * *\n",
    );
    project.write(
        "config/newsletters/films.yaml",
        "title: Les films\nfrom: lettre@example.org\nto: recipients\nleave: web\nselect: { tags: [vidéo] }\n",
    );
    let served = Served::of(&project);
    let ran = project.crieur(&["run"]);
    assert_eq!((ran.status, project.letters("var/outbox").len()), (0, 4), "{}\n{}", ran.stdout, ran.stderr);
    (project, served)
}

fn a_mailed_link_opens_a_page_that_does_what_its_forms_say(place: Place) {
    let (project, served) = with_topics(&place.line());
    let path = asked(&project, &served, "Ana@example.org");
    // A scanner fetches every link that it finds, on the page too.
    for path in [&path, &format!("{path}/data.json")] {
        for method in ["GET", "HEAD"] {
            assert_eq!(served.ask(method, path, &[], b"").status, 200);
        }
    }
    let shown = page(served.get(&path, &[]));
    assert!(shown.contains("a…\u{2060}@e…\u{2060}.org") && !shown.contains("ana@"), "masked: {shown}");
    assert!(shown.contains("Vidéos et &lt;sons&gt;") && shown.matches(" checked").count() == 2, "{shown}");
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");

    let act = |fields: &[(&str, &str)]| page(served.post(&path, ENCODED, &body(fields)));
    let shown = act(&[("do", "topics"), ("newsletter", "news"), ("topic", "videos"), ("topic", "made-up")]);
    assert!(shown.contains("sont enregistrés") && shown.matches(" checked").count() == 1, "{shown}");
    let shown = act(&[("do", "topics"), ("newsletter", "news")]);
    assert!(shown.contains("Gardez au moins un sujet") && shown.matches(" checked").count() == 1, "{shown}");
    let shown = act(&[("do", "join"), ("newsletter", "monthly")]);
    assert!(shown.contains("Vous recevrez"), "{shown}");
    assert_eq!(state(&project, "ana@example.org", "monthly"), "subscribed");
    let shown = act(&[("do", "leave"), ("newsletter", "monthly")]);
    assert!(shown.contains("Vous ne recevrez plus"), "{shown}");
    assert_eq!(state(&project, "ana@example.org", "monthly"), "left");
    // Only another rhythm of the same takes its place.
    assert!(shown.contains("name=\"instead\" value=\"news\""), "{shown}");
    assert_eq!(shown.matches("name=\"instead\"").count(), 1, "{shown}");
    act(&[("do", "join"), ("newsletter", "films"), ("instead", "news")]);
    assert_eq!(state(&project, "ana@example.org", "films"), "subscribed");
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");
    let shown = act(&[("do", "join"), ("newsletter", "monthly"), ("instead", "news")]);
    assert!(shown.contains("Vous recevrez"), "{shown}");
    assert_eq!(state(&project, "ana@example.org", "monthly"), "subscribed");
    assert_eq!(state(&project, "ana@example.org", "news"), "left");
    for fields in [&[("do", "join"), ("newsletter", "other")][..], &[("do", "sing"), ("newsletter", "news")], &[]] {
        act(fields);
    }
    assert_eq!(state(&project, "ana@example.org", "other"), "unknown", "nobody joins a list in a file");

    let got = served.get(&format!("{path}/data.json"), &[]);
    assert_eq!(got.header("content-type"), "application/json");
    assert!(got.header("content-disposition").starts_with("attachment"));
    let held: serde_json::Value = serde_json::from_str(&page(got)).expect("JSON");
    assert_eq!(held["person"][0]["address"], "ana@example.org");
    assert_eq!(held["person"][0]["basis"], "consent");
    assert_eq!(held["deliveries"][0]["newsletter"], "news");
    assert_eq!(held["subscriptions"].as_array().map(Vec::len), Some(3));
    let said: Vec<_> = held["history"].as_array().expect("entries").iter().map(|one| one["what"].clone()).collect();
    for what in ["topics", "confirmed", "left"] {
        assert!(said.contains(&what.into()), "{what}: {said:?}");
    }
}

fn an_address_changes_when_the_new_one_confirms(place: Place) {
    let (project, served) = with_topics(&place.line());
    let leave = super::way_out(&project.letters("var/outbox"), "ana@example.org");
    let path = asked(&project, &served, "ana@example.org");
    let wrong = page(served.post(&path, ENCODED, &body(&[("do", "address"), ("email", "ana")])));
    assert!(wrong.contains("error"), "{wrong}");
    let before = project.letters("var/outbox").len();
    let shown = page(served.post(&path, ENCODED, &body(&[("do", "address"), ("email", "neuve@example.org")])));
    assert!(shown.contains("elle est en chemin"), "{shown}");
    let letter = new_letters(&project, before, 1).remove(0);
    assert_eq!(to(&letter), "neuve@example.org");
    let confirm = link(&letter, "/move/");
    let shown = page(served.get(&confirm, &[]));
    assert!(shown.contains("n…\u{2060}@e…\u{2060}.org") && !shown.contains("neuve@"), "{shown}");
    assert_eq!(state(&project, "neuve@example.org", "news"), "unknown", "a GET moves nothing");
    for _ in 0..2 {
        let shown = page(served.post(&confirm, ENCODED, ""));
        assert!(shown.contains("Vos lettres viennent à cette adresse"), "{shown}");
        assert_eq!(state(&project, "neuve@example.org", "news"), "subscribed");
        assert_eq!(state(&project, "ana@example.org", "news"), "unknown");
    }
    let told = new_letters(&project, before + 1, 1).remove(0);
    assert_eq!(to(&told), "ana@example.org");
    assert!(!told.contains("neuve@"), "the earlier address is not told the new one");
    assert_eq!(served.get(&path, &[]).status, 410, "the link was the earlier address's");
    // A link of an earlier letter takes the person off, under their new address.
    assert_eq!(served.one_click(&leave).status, 200);
    assert_eq!(state(&project, "neuve@example.org", "news"), "left");
    let path = asked(&project, &served, "neuve@example.org");
    let held: serde_json::Value =
        serde_json::from_str(&page(served.get(&format!("{path}/data.json"), &[]))).expect("JSON");
    assert_eq!(held["deliveries"][0]["address"], "ana@example.org", "what went to the earlier address is held too");
}

#[test]
fn the_first_page_leads_there_where_the_database_has_people() {
    let (project, _) = project("");
    let config = project.read("config/crieur.yaml");
    for (language, words) in [("fr", "Gérer vos abonnements"), ("en", "Manage your subscriptions")] {
        project.write("config/crieur.yaml", config.replace("language: fr", &format!("language: {language}")));
        let home = page_anybody_may_keep(Served::of(&project).get("/", &[]));
        let link = home.between("<h2 id=\"held\">", "</section>");
        assert!(link.contains(&format!("href=\"/manage\">{words}</a>")), "{link}");
    }
    // Of a list in a file it holds nobody.
    project.remove("config/newsletters/news.yaml");
    let home = page_anybody_may_keep(Served::of(&project).get("/", &[]));
    assert!(!home.text().contains("/manage"), "{}", home.text());
}

fn page_anybody_may_keep(got: Got) -> Got {
    assert_eq!((got.status, got.header("cache-control")), (200, "public, max-age=60"), "{}", got.text());
    got
}

fn whoever_erases_themselves_is_gone_and_their_link_with_them(place: Place) {
    let (project, served) = with_topics(&place.line());
    let path = asked(&project, &served, "ana@example.org");
    let erase = format!("{path}/erase");
    let shown = page(served.get(&erase, &[]));
    assert!(shown.contains("Effacer toutes vos données") && !shown.contains("ana@"), "{shown}");
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed", "a GET erases nothing");
    let shown = page(served.post(&erase, ENCODED, ""));
    assert!(shown.contains("Vos données sont effacées"), "{shown}");
    assert_eq!(state(&project, "ana@example.org", "news"), "unknown");
    for (method, path) in [("GET", &path), ("POST", &path), ("POST", &erase)] {
        assert_eq!(served.ask(method, path, &[], b"").status, 410, "{method} {path}");
    }
    assert_eq!(served.get(&format!("{path}/data.json"), &[]).status, 410);
}

fn no_answer_tells_who_is_known_and_few_links_leave(place: Place) {
    let (project, served) = sent(&place.line());
    let ask = |address: &str| {
        let got = served.post("/manage", ENCODED, &body(&[("email", address)]));
        (got.status, got.text().replace(address, "ADDRESS"))
    };
    assert_eq!(ask("bo@example.org"), ask("nobody@example.org"));
    for _ in 0..30 {
        assert_eq!(ask("cy@example.org").0, 200);
    }
    std::thread::sleep(Duration::from_secs(3));
    let letters = project.letters("var/outbox").len() - 4;
    assert!((2..=11).contains(&letters), "{letters} links");
    assert_eq!(served.post("/manage", ENCODED, &body(&[("email", "x")])).status, 422);
    let trapped = served.post("/manage", ENCODED, &body(&[("email", "di@example.org"), ("website", "x")]));
    assert_eq!(trapped.status, 200);
}

#[test]
fn what_each_token_gives_is_as_the_table_says() {
    let (project, served) = sent("");
    let secrets = secrets(&project);
    let now = "2026-03-01T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().expect("a time").timestamp();
    let ana = secrets.recipient_id("ana@example.org");
    let good = token::manage(&secrets, ana, now);
    let other = Secrets::from_bytes([9; 32]);
    let mixed =
        format!("{}{}", &good[..20], &token::manage(&secrets, secrets.recipient_id("bo@example.org"), now)[20..]);
    let moving = token::moving(&secrets, ana, secrets.recipient_id("new@example.org"), now);
    for (path, status) in [
        (format!("/manage/{good}"), 200),
        (format!("/manage/{}", good.to_uppercase()), 200),
        (format!("/manage/{good}?utm_source=x"), 200),
        (format!("/manage/{}", token::manage(&secrets, ana, now - 29 * 60)), 200),
        (format!("/manage/{}", token::manage(&secrets, ana, now - 31 * 60)), 410),
        (format!("/manage/{}", token::manage(&secrets, secrets.recipient_id("nobody@example.org"), now)), 410),
        (format!("/manage/{}", &good[..good.len() - 1]), 404),
        (format!("/manage/{good}a"), 404),
        (format!("/manage/{mixed}"), 404),
        (format!("/manage/{}", token::manage(&other, ana, now)), 404),
        (format!("/manage/{}", crieur::mail::token::leave(&secrets, "news", ana)), 404),
        (format!("/manage/{}", crieur::mail::token::come_back(&secrets, "news", ana, now)), 404),
        (format!("/manage/{moving}"), 404),
        (format!("/move/{moving}"), 410),
        (format!("/move/{good}"), 404),
        (format!("/move/{}", &moving[..moving.len() - 1]), 404),
        (format!("/move/{}", token::moving(&other, ana, 5, now)), 404),
        (format!("/leave/{good}"), 404),
    ] {
        for method in ["GET", "POST"] {
            let got = served.ask(method, &path, &[], b"");
            assert_eq!(got.status, status, "{method} {path}: {}", got.text());
        }
        if status != 200 && path.starts_with("/manage") {
            let (path, _) = path.split_once('?').unwrap_or((&path, ""));
            assert_eq!(served.get(&format!("{path}/data.json"), &[]).status, status, "{path}/data.json");
        }
    }
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");
}
