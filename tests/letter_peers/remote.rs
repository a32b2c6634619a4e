//! Nothing remote in a letter could tell who opened it, nor when.

use std::collections::BTreeSet;

use serde_json::json;
use url::Url;

use crate::support::browser::{Browser, Look, list};
use crate::support::letters::{self, Letter};

#[test]
fn a_letter_asks_for_its_sites_pictures_and_for_nothing_else() {
    let Some(mut browser) = Browser::start("a_letter_asks_for_its_sites_pictures_and_for_nothing_else") else {
        return;
    };
    let mut asked = 0;
    for letter in letters::all() {
        for dark in [false, true] {
            let seen = browser.look(&Look::at(&letter.path("html")).dark(dark).pictures(&letter.sites));
            assert_eq!(seen["cookies"], json!([]));
            assert_eq!(seen["geometry"]["scripts"], 0);
            let requests = list(&seen, "requests");
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
            let sources: BTreeSet<String> =
                list(&seen["geometry"], "images").iter().map(|image| text(&image["src"])).collect();
            let addresses: BTreeSet<String> = requests.iter().map(|request| text(&request["url"])).collect();
            assert_eq!(addresses, sources, "{}: all that is asked for is a picture's address", letter.name);
            for request in requests {
                asked += 1;
                assert_eq!((&request["type"], &request["method"]), (&json!("image"), &json!("GET")), "{request}");
                assert!(request["cookie"].is_null(), "{request}");
                let address = text(&request["url"]);
                assert!(address.starts_with(letter.site()), "{address}");
                let url = Url::parse(&address).expect("an address");
                assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty(), "{address}");
            }
        }
    }
    assert!(asked > 20, "only {asked} were asked for");
}

#[test]
fn a_letter_without_pictures_or_with_its_own_asks_for_nothing_at_all() {
    let Some(mut browser) = Browser::start("a_letter_without_pictures_or_with_its_own_asks_for_nothing_at_all")
    else {
        return;
    };
    for theme in letters::THEMES {
        for images in ["none", "embedded"] {
            let project = letters::sample(theme);
            let newsletter = project.read("config/newsletters/referents.yaml");
            assert!(newsletter.contains("images: hosted"));
            let newsletter = newsletter.replace("images: hosted", &format!("images: {images}"));
            project.write("config/newsletters/referents.yaml", newsletter);
            let letter: Letter = letters::compose(&format!("sample-{images}"), theme, project);
            let seen = browser.look(&Look::at(&letter.path("html")).pictures(&letter.sites));
            let remote: Vec<_> = list(&seen, "requests")
                .iter()
                .filter(|request| !request["url"].as_str().unwrap_or_default().starts_with("cid:"))
                .collect();
            assert!(remote.is_empty(), "{theme}, images: {images}: {remote:?}");
            let pictures = list(&seen["geometry"], "images").len();
            assert_eq!(pictures > 0, images == "embedded", "{theme}, images: {images}: {pictures} pictures");
        }
    }
}

/// The HTML part of each letter in the outbox, with its recipient's address.
fn sent(theme: &str) -> Vec<(String, String)> {
    let project = letters::sample(theme);
    let people = "email,name\nada@example.org,Ada Exemple\nbob@example.org,Bob Échantillon\n";
    project.write("config/people.sample.csv", people);
    project.ok(&["run"]);
    project
        .letters("var/outbox")
        .iter()
        .map(|letter| {
            let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a message");
            let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("a recipient");
            (to.to_string(), message.body_html(0).expect("an HTML part").into_owned())
        })
        .collect()
}

#[test]
fn the_letters_of_two_people_differ_in_their_name_and_their_way_out_only() {
    for theme in letters::THEMES {
        let letters = sent(theme);
        assert_eq!(letters.len(), 2);
        let without_stamps = |(to, html): &(String, String)| {
            let name = if to.starts_with("ada") { "Ada Exemple" } else { "Bob Échantillon" };
            assert_eq!(html.matches(name).count(), 1, "{theme}: the name of {to}, once");
            assert!(!html.contains(to.as_str()), "{theme}: the address of {to} is not in the letter");
            let mut rest = html.replace(name, "NAME").replace("Bonjour NAME,", "Bonjour,");
            // The way out is the one address that is theirs: a letter to the team that names their token.
            let start = rest.find("?subject=").expect("a way out") + "?subject=".len();
            let end = start + rest[start..].find('"').expect("its end");
            rest.replace_range(start..end, "TOKEN");
            rest
        };
        assert_eq!(without_stamps(&letters[0]), without_stamps(&letters[1]), "{theme}");
    }
}
