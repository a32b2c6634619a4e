//! A letter's page on the site: *read online*.

use crate::support::project::Project;

const PAGE: &str = "public/letters/news-1.html";

fn project(more: &str) -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            format!(
                "title: La lettre\nfrom: La rédaction <lettre@example.org>\nto: file:config/people.csv\narchive: unlisted\n\
                 leave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\n{more}"
            ),
        )
        .file("config/people.csv", "email,name\nana@example.org,Ana Exemple\nbo@example.org,Bo Exemple\n")
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nDu nouveau.\n");
    project.at("2026-03-01T08:00:00Z");
    project
}

fn html_of(letter: &str) -> String {
    let parsed = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
    parsed.body_html(0).expect("an HTML part").into_owned()
}

#[test]
fn read_online_leads_everybody_to_one_page_that_holds_nothing_of_a_reader() {
    let project = project("");
    project.json(&["run"], 0);
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 2);
    let address = "href=\"https://www.example.org/letters/news-1.html\"";
    for letter in &letters {
        assert!(html_of(letter).contains(address));
    }
    let page = project.read(PAGE);
    assert!(page.contains("Du nouveau.") && page.contains("Bonjour,"), "{page}");
    for secret in ["Ana", "Bo Exemple", "ana@", "bo@", "partir@", "mailto:partir"] {
        assert!(!page.contains(secret), "the page holds {secret}");
    }
}

#[test]
fn every_build_writes_the_page_again_though_the_item_is_gone_and_touches_it_only_then() {
    let project = project("");
    project.json(&["run"], 0);
    let page = project.read(PAGE);
    let written = std::fs::metadata(project.join(PAGE)).and_then(|file| file.modified()).expect("a time");
    project.json(&["build"], 0);
    assert_eq!(std::fs::metadata(project.join(PAGE)).and_then(|file| file.modified()).expect("a time"), written);
    project.remove(PAGE);
    project.remove("posts/un.md");
    project.crieur(&["build"]);
    assert_eq!(project.read(PAGE), page);
}

#[test]
fn a_letter_that_nobody_got_has_no_page() {
    let project = project("approve: yes\n");
    project.json(&["run"], 0);
    project.json(&["build"], 0);
    assert!(!project.join(PAGE).exists());
    project.crieur(&["approve", "news", "1"]);
    project.json(&["run"], 0);
    assert!(project.join(PAGE).exists());
}

#[test]
fn a_newsletter_may_have_no_pages_and_its_letters_name_none() {
    let project = project("online: off\n");
    project.json(&["run"], 0);
    assert!(!html_of(&project.letters("var/outbox")[0]).contains("letters/"));
    assert!(!project.join("public/letters").exists());
}

#[test]
fn an_address_that_all_letters_would_share_is_refused() {
    let project = project("online: lettre.html\n");
    let ran = project.crieur(&["check"]);
    assert_ne!(ran.status, 0);
    assert!(ran.stderr.contains("{number}") || ran.stdout.contains("{number}"), "{}{}", ran.stdout, ran.stderr);
}
