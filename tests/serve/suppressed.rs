//! Whoever gets no letter: given up because letters came back, after a complaint, erased. What the pages say then, and what brings
//! letters back.

use std::time::Duration;

use crieur::mail::token;
use crieur::secrets::Secrets;

use super::joining::{confirmation, new_letters, read, subscribe};
use super::managing::{asked, asked_to_move};
use super::{sent, state, way_out};
use crate::support::project::Project;
use crate::support::served::Served;
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    no_page_tells_a_stranger_who_gets_no_letter,
    whoever_was_given_up_comes_back_by_confirming,
    whoever_complained_comes_back_through_the_operator_alone,
    whoever_was_erased_comes_back_by_confirming,
}

const FORM: &str = "application/x-www-form-urlencoded";

fn started(place: &Place) -> (Project, Served) {
    let (project, served) = sent(&place.line());
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", config.replace("\nweb:", "\n  bounces_to: bounces@example.org\nweb:"));
    (project, served)
}

/// Somebody's letter comes back, or is complained of.
fn reported(project: &Project, address: &str, part: &str, fields: &str) {
    let secrets = Secrets::load(&project.join("var/keys"), None).expect("a key").expect("a key");
    let token = token::bounce(&secrets, 1, secrets.recipient_id(address));
    let fields = fields.replace("ADDRESS", address).replace("TOKEN", &token);
    let report = format!(
        "From: MAILER-DAEMON@mx.example.org\nTo: bounces+{token}@example.org\nSubject: A report\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type={part}; boundary=b\n\n--b\n\nA report.\n--b\n\
         Content-Type: message/{part}\n\n{fields}\n\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\nx\n--b--\n"
    );
    project.write(&format!("mail/new/{part}-{address}"), report);
    let maildir = project.join("mail");
    let printed = project.json(&["bounces", "--maildir", maildir.to_str().expect("a path")], 0);
    assert_eq!(printed["suppressed"], 1, "{printed}");
}

fn came_back(project: &Project, address: &str) {
    let fields =
        "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; ADDRESS\nAction: failed\nStatus: 5.1.1";
    reported(project, address, "delivery-status", fields);
    assert_eq!(suppressed(project, address), "bounce");
}

fn complained(project: &Project, address: &str) {
    let fields = "Feedback-Type: abuse\nVersion: 1\nOriginal-Mail-From: <bounces+TOKEN@example.org>";
    reported(project, address, "feedback-report", fields);
    assert_eq!(suppressed(project, address), "complaint");
}

fn suppressed(project: &Project, address: &str) -> String {
    let explained = project.json(&["explain", address], 0);
    explained["suppressed"]["reason"].as_str().unwrap_or("no").to_string()
}

/// Whom the letters of the project are to, from one on.
fn addressees(project: &Project, before: usize) -> Vec<String> {
    let to = |letter: &String| {
        let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
        message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("an address").to_string()
    };
    let mut people: Vec<String> = project.letters("var/outbox").iter().skip(before).map(to).collect();
    people.sort();
    people
}

/// A new item, and whom its letters go to.
fn next_letters(project: &Project, title: &str) -> Vec<String> {
    let before = project.letters("var/outbox").len();
    project.write(&format!("posts/{title}.md"), format!("---\ntitle: {title}\ndate: 2026-03-01\n---\n{title}.\n"));
    project.ok(&["run"]);
    addressees(project, before)
}

fn no_page_tells_a_stranger_who_gets_no_letter(place: Place) {
    let (project, served) = started(&place);
    came_back(&project, "bo@example.org");
    complained(&project, "cy@example.org");
    project.ok(&["recipients", "erase", "di@example.org", "--yes"]);
    let own = asked(&project, &served, "ana@example.org");
    let everybody = ["nobody", "bo", "cy", "di"].map(|name| format!("{name}@example.org"));
    type Asking<'a> = &'a dyn Fn(&str) -> (u16, String);
    let asking: [(Asking<'_>, &[&str]); 3] = [
        (
            &|address| {
                let got = subscribe(&project, &served, address);
                (got.status, got.text())
            },
            &["bo@example.org", "di@example.org", "nobody@example.org"],
        ),
        (
            &|address| {
                let got = served.post("/manage", FORM, &format!("email={address}"));
                (got.status, got.text())
            },
            &["bo@example.org"],
        ),
        // Somebody else's page asks for these addresses to be theirs.
        (
            &|address| {
                let got = served.post(&own, FORM, &format!("do=address&email={address}"));
                (got.status, got.text())
            },
            &["bo@example.org", "di@example.org", "nobody@example.org"],
        ),
    ];
    for (ask, letters_to) in asking {
        let before = project.letters("var/outbox").len();
        let said: Vec<(u16, String)> = everybody
            .iter()
            .map(|address| {
                let (status, text) = ask(address);
                (status, text.replace(address, "ADDRESS"))
            })
            .collect();
        assert_eq!(said[0].0, 200);
        assert!(said.iter().all(|one| one == &said[0]), "{said:?}");
        new_letters(&project, before, letters_to.len());
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(addressees(&project, before), letters_to);
    }
}

fn whoever_was_given_up_comes_back_by_confirming(place: Place) {
    let (project, served) = started(&place);
    came_back(&project, "bo@example.org");
    assert_eq!(next_letters(&project, "Deux"), ["ana@example.org", "cy@example.org", "di@example.org"]);
    // Their own page says it to them, for it is they who read it.
    let own = asked(&project, &served, "bo@example.org");
    assert!(served.get(&own, &[]).text().contains("sont revenues"));
    let before = project.letters("var/outbox").len();
    assert_eq!(subscribe(&project, &served, "bo@example.org").status, 200);
    let letter = new_letters(&project, before, 1).remove(0);
    assert!(read(&letter).0.starts_with("Confirmez"), "{letter}");
    let path = confirmation(&letter);
    assert_eq!(served.get(&path, &[]).status, 200);
    assert_eq!(suppressed(&project, "bo@example.org"), "bounce", "a GET brings nobody back");
    for _ in 0..2 {
        let got = served.post(&path, FORM, "");
        assert!(got.status == 200 && got.text().contains("Vous recevrez"), "{}", got.text());
        assert_eq!(suppressed(&project, "bo@example.org"), "no");
    }
    assert!(!served.get(&own, &[]).text().contains("sont revenues"));
    assert!(next_letters(&project, "Trois").contains(&"bo@example.org".to_string()));
}

fn whoever_complained_comes_back_through_the_operator_alone(place: Place) {
    let (project, served) = started(&place);
    let leave = way_out(&project.letters("var/outbox"), "cy@example.org");
    assert_eq!(served.one_click(&leave).status, 200);
    let before = project.letters("var/outbox").len();
    assert_eq!(subscribe(&project, &served, "cy@example.org").status, 200);
    let path = confirmation(&new_letters(&project, before, 1)[0]);
    let own = asked(&project, &served, "cy@example.org");
    let ana = asked(&project, &served, "ana@example.org");
    let there = asked_to_move(&project, &served, &ana, "cy@example.org");
    // What they asked for before is of no use after it.
    complained(&project, "cy@example.org");
    assert_eq!(served.get(&path, &[]).status, 200);
    for path in [&path, &there] {
        let got = served.post(path, FORM, "");
        assert_eq!(got.status, 410, "{path}");
        assert!(got.text().contains("signalée comme indésirable") && !got.text().contains("cy@"), "{}", got.text());
    }
    assert!(served.get(&own, &[]).text().contains("signalée comme indésirable"));
    let got = served.post(&own, FORM, "do=join&newsletter=news");
    assert!(got.status == 200 && got.text().contains("Cela ne se fait pas par cette page"), "{}", got.text());
    assert_eq!(state(&project, "cy@example.org", "news"), "left");
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");
    assert_eq!(suppressed(&project, "cy@example.org"), "complaint");

    project.ok(&["recipients", "add", "cy@example.org", "--again"]);
    assert_eq!(
        (suppressed(&project, "cy@example.org"), state(&project, "cy@example.org", "news")),
        ("no".into(), "subscribed".into())
    );
    let got = served.get(&own, &[]);
    assert!(got.status == 200 && !got.text().contains("indésirable"), "{}", got.text());
    assert!(next_letters(&project, "Deux").contains(&"cy@example.org".to_string()));
}

fn whoever_was_erased_comes_back_by_confirming(place: Place) {
    let (project, served) = started(&place);
    // By the operator, and by themselves; one has asked for another newsletter's letters meanwhile.
    let own = asked(&project, &served, "di@example.org");
    let before = project.letters("var/outbox").len();
    assert_eq!(subscribe(&project, &served, "eve@example.org").status, 200);
    let never = confirmation(&new_letters(&project, before, 1)[0]);
    assert_eq!(served.post(&format!("{own}/erase"), FORM, "").status, 200);
    project.ok(&["recipients", "erase", "eve@example.org", "--yes"]);
    let erased = |address: &str| !project.json(&["explain", address], 0)["erased"].is_null();
    assert!(erased("di@example.org") && erased("eve@example.org"));
    assert_eq!(served.get(&own, &[]).status, 410);
    assert_eq!(served.post(&never, FORM, "").status, 410, "what they asked for before is erased too");
    // No list brings them back.
    let people = project.join("people.csv");
    project.ok(&["recipients", "import", people.to_str().expect("a path")]);
    assert_eq!(state(&project, "di@example.org", "news"), "unknown");
    for address in ["di@example.org", "eve@example.org"] {
        let before = project.letters("var/outbox").len();
        assert_eq!(subscribe(&project, &served, address).status, 200);
        let letter = new_letters(&project, before, 1).remove(0);
        assert!(read(&letter).0.starts_with("Confirmez"), "{letter}");
        let path = confirmation(&letter);
        assert_eq!(served.get(&path, &[]).status, 200);
        assert!(erased(address), "a GET brings nobody back");
        assert_eq!(served.post(&path, FORM, "").status, 200);
        assert_eq!((erased(address), state(&project, address, "news")), (false, "subscribed".into()));
    }
    let letters = next_letters(&project, "Deux");
    assert_eq!(letters, ["ana", "bo", "cy", "di", "eve"].map(|name| format!("{name}@example.org")));
}
