//! The letter that nobody arranged, made by the program: sections, series, events, agenda, and one that is urgent.

use std::process::Command;

use serde_json::Value;

use crate::support::peer_or_skip;
use crate::support::project::Project;

const NOW: &str = "2026-12-01T08:00:00Z";
const NEWSLETTER: &str = "title: La lettre\nfrom: L’équipe <lettre@example.org>\nleave: mailto:contact@example.org\n\
                          backlog: announce\nto: file:people.csv\narchive: unlisted\n";

fn post(title: &str, date: &str, more: &str) -> String {
    format!("---\ntitle: \"{title}\"\ndate: {date}\n{more}---\n\nDu *texte*.\n")
}

/// A site with one newsletter and two people on its list.
fn project(more: &str) -> Project {
    let mut project = Project::new()
        .file("config/newsletters/lettre.yaml", format!("{NEWSLETTER}{more}"))
        .file("people.csv", "email,name\nada@example.org,Ada\nbob@example.org,Bob\n");
    project.at(NOW);
    project
}

/// The next letter's titles, HTML and text.
fn digest(project: &Project) -> (Vec<String>, String, String) {
    let shown = project.json(&["digest"], 0);
    let items = shown["editions"][0]["items"].as_array().expect("a list");
    let titles = items.iter().map(|item| item["title"].as_str().expect("a title").to_string()).collect();
    let html = project.read("var/digest/lettre/letter.html").replace("&nbsp;", " ").replace("&#39;", "'");
    (titles, html, project.read("var/digest/lettre/letter.txt").replace('\u{a0}', " "))
}

/// These words stand in the text in this order.
fn in_order(text: &str, words: &[impl AsRef<str>]) {
    let mut rest = text;
    for word in words {
        let word = word.as_ref();
        rest = rest.split_once(word).unwrap_or_else(|| panic!("{word} does not follow in {text}")).1;
    }
}

#[test]
fn sections_order_a_letter_and_a_series_stands_together_in_both_parts() {
    let project = project(
        "schedule: each-run\nsections:\n  - { title: Vidéos, mark: 📺, select: { tags: [vidéo] } }\n  \
         - { title: Vide, select: { tags: [rien] } }\n  - { title: En bref, select: { folder: breves }, show: line }\n",
    )
    .file("posts/libre.md", post("Un article", "2026-11-30", ""))
    .file("posts/breves/b.md", post("Une brève", "2026-11-29", ""))
    .file("posts/annonce.md", post("Une série arrive", "2026-11-01", "tags: [vidéo]\nserie: Référents\n"))
    .file("posts/trois.md", post("Les actions", "2026-11-20", "tags: [Vidéo]\nseries: Référents\nepisode: 3/4\n"))
    .file("posts/autre.md", post("Une autre vidéo", "2026-11-18", "tags: [vidéo]\n"))
    .file("posts/episode-2.md", post("Épisode #2 : les enjeux", "2026-11-15", "tags: [vidéo]\nseries: Référents\n"));
    let (titles, html, text) = digest(&project);
    let order =
        ["Une série arrive", "Épisode #2 : les enjeux", "Les actions", "Une autre vidéo", "Une brève", "Un article"];
    assert_eq!(titles, order);
    let whole = [
        "Vidéos",
        "Une série arrive",
        "Épisode #2 : les enjeux",
        "Les actions",
        "Épisode 3/4 de la série « Référents »",
        "Une autre vidéo",
        "En bref",
        "Une brève",
        "Et aussi",
        "Un article",
    ];
    let body = |text: &str, start: &str| text.split_once(start).expect("its beginning").1.to_string();
    in_order(&body(&html, "Bonjour"), &whole);
    in_order(&body(&text, "Bonjour"), &whole);
    // The text says all that the HTML shows: it has no way to hide a mark, and what a person typed stays.
    assert!(html.contains("<span aria-hidden=\"true\">📺</span>") && text.contains("\n📺 Vidéos\n"), "{text}");
    assert!(!html.contains("Vide<") && !text.contains("Vide\n"));
    for (level, title) in [("h2", "Vidéos"), ("h3", "Les actions"), ("h2", "Et aussi"), ("h3", "Un article")] {
        let heading = html
            .split(&format!("<{level}"))
            .skip(1)
            .any(|rest| rest.split("</h").next().is_some_and(|h| h.contains(title)));
        assert!(heading, "{title} is no {level}");
    }
}

/// Four events, one of them over, and an article.
fn with_events(more: &str) -> Project {
    project(more)
        .file("posts/article.md", post("Un article", "2026-11-30", ""))
        .file(
            "posts/atelier.md",
            post(
                "Atelier, réparation ; suite",
                "2026-11-20",
                "start: 2026-12-03 09:30\nend: 2026-12-03 12:00\nplace: Salle des fêtes, Valexemple\n\
                 inscription: https://www.example.org/inscription/\n",
            ),
        )
        .file("posts/salon.md", post("Salon", "2026-11-10", "start: 2026-12-30\nend: 2026-12-31\nonline: true\n"))
        .file("posts/ete.md", post("Pique-nique", "2026-11-09", "start: 2027-07-02T12:00:00+02:00\n"))
        .file("posts/hier.md", post("Soirée", "2026-11-08", "start: 2026-11-30 18:00\n"))
}

/// Each event as Python's icalendar reads it.
const PYTHON: &str = r#"
import json, sys, icalendar
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        calendar = icalendar.Calendar.from_ical(file.read())
    [event] = calendar.walk("VEVENT")
    end = event.get("DTEND")
    print(json.dumps({
        "uid": str(event["UID"]), "summary": str(event["SUMMARY"]), "where": str(event.get("LOCATION", "")),
        "start": event["DTSTART"].dt.isoformat(), "end": end.dt.isoformat() if end else None,
        "url": str(event["URL"]), "stamp": event["DTSTAMP"].dt.isoformat(), "about": str(event["DESCRIPTION"]),
        "errors": [str(error) for error in event.errors + calendar.errors],
        "required": all(key in calendar for key in ("VERSION", "PRODID")),
    }))
"#;

#[test]
fn events_to_come_are_files_that_calendars_read() {
    let name = "events_to_come_are_files_that_calendars_read";
    let project = with_events("schedule: each-run\n");
    project.ok(&["build"]);
    let folder = project.join("public/letters/events");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let stems: Vec<String> =
        files.iter().map(|file| file.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    assert_eq!(stems.len(), 3, "to come alone: {stems:?}");
    let before: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).expect("a file")).collect();
    for bytes in &before {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        assert!(text.ends_with("END:VCALENDAR\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
    }
    // Later, and once an item is renamed: the same files.
    project.rename("posts/atelier.md", "posts/atelier-reparation.md");
    let mut later = project;
    later.at("2026-12-02T08:00:00Z");
    later.ok(&["build"]);
    let after: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).expect("a file")).collect();
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 3);
    let uid = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes).split("\r\n").find(|line| line.starts_with("UID")).map(str::to_string)
    };
    assert_eq!(
        before.iter().map(|file| uid(file)).collect::<Vec<_>>(),
        after.iter().map(|file| uid(file)).collect::<Vec<_>>()
    );
    assert_eq!(before[1..], after[1..], "what nobody touched is the same to the byte");

    let present =
        Command::new("python3").args(["-c", "import icalendar"]).output().is_ok_and(|out| out.status.success());
    if !peer_or_skip(name, "icalendar (PyPI)", present) {
        return;
    }
    let out = Command::new("python3").args(["-c", PYTHON]).args(&files).output().expect("python3");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let read: Vec<Value> =
        String::from_utf8_lossy(&out.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<[&str; 4]> = read
        .iter()
        .map(|event| ["summary", "where", "start", "end"].map(|key| event[key].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        told,
        [
            [
                "Atelier, réparation ; suite",
                "Salle des fêtes, Valexemple",
                "2026-12-03T09:30:00+00:00",
                "2026-12-03T12:00:00+00:00"
            ],
            ["Pique-nique", "", "2027-07-02T10:00:00+00:00", ""],
            ["Salon", "", "2026-12-30", "2027-01-01"],
        ]
    );
    for event in &read {
        assert_eq!((&event["errors"], &event["required"]), (&serde_json::json!([]), &Value::Bool(true)), "{event}");
    }
    assert_eq!(read[0]["uid"], "https://www.example.org/posts/atelier/");
    assert!(read[0]["about"].as_str().is_some_and(|about| about.contains("https://www.example.org/inscription/")));
}

#[test]
fn a_letter_says_what_when_and_where_to_register_and_what_else_is_to_come() {
    let project = with_events("schedule: each-run\n");
    let (_, html, text) = digest(&project);
    in_order(
        &text,
        &[
            "Un article",
            "Atelier, réparation ; suite",
            "Quand : jeudi 3 décembre 2026 de 10 h 30 à 13 h",
            "Où : Salle des fêtes, Valexemple",
            "S’inscrire à « Atelier, réparation ; suite » :\nhttps://www.example.org/inscription/",
            "Ajouter « Atelier, réparation ; suite » à votre agenda :\nhttps://www.example.org/letters/events/atelier-",
            "Quand : du mercredi 30 décembre 2026 au jeudi 31 décembre 2026\nOù : En ligne",
            "A eu lieu : lundi 30 novembre 2026 à 19 h",
            "Agenda",
            "- jeudi 3 décembre 2026",
            "- du mercredi 30 décembre 2026",
            "- vendredi 2 juillet 2027 à 12 h",
        ],
    );
    let agenda = text.split_once("\nAgenda\n").expect("an agenda").1;
    assert!(!agenda.contains("Soirée"), "{agenda}");
    // Every address of the one part is in the other, and each calendar's file is there once it is built.
    project.ok(&["build"]);
    let addresses = text.split_whitespace().filter(|word| word.contains("/letters/events/"));
    let addresses: Vec<&str> = addresses.collect();
    assert_eq!(addresses.len(), 3, "{text}");
    for address in addresses {
        assert!(html.contains(&format!("href=\"{address}\"")), "{address}");
        let path = address.strip_prefix("https://www.example.org/").expect("the site's");
        assert!(project.join(&format!("public/{path}")).exists(), "{path}");
    }
    assert!(html.contains("href=\"https://www.example.org/inscription/\""));
    let again = digest(&project);
    assert_eq!((html, text), (again.1, again.2), "the same bytes twice");
}

#[test]
fn the_agenda_tells_again_what_was_announced_before() {
    let mut project = with_events("schedule: each-run\n");
    project.ok(&["run"]);
    project.write("posts/nouveau.md", post("Du nouveau", "2026-12-04", ""));
    project.at("2026-12-04T08:00:00Z");
    let (titles, html, text) = digest(&project);
    assert_eq!(titles, ["Du nouveau"]);
    in_order(&text, &["Du nouveau", "Agenda", "Salon", "Pique-nique"]);
    assert!(!text.contains("Atelier") && !html.contains("Atelier"), "it is over: {text}");
    project.write("config/newsletters/lettre.yaml", format!("{NEWSLETTER}schedule: each-run\nagenda: no\n"));
    assert!(!digest(&project).2.contains("Agenda"));
}

fn numbers(printed: &Value) -> Vec<(u64, String, usize)> {
    let editions = printed["editions"].as_array().expect("a list");
    let told = editions.iter().map(|edition| {
        let items = edition["items"].as_array().map_or(0, Vec::len);
        (edition["number"].as_u64().unwrap_or(0), edition["state"].as_str().unwrap_or("").to_string(), items)
    });
    told.collect()
}

const MONTHLY: &str = "schedule: \"0 9 1 * *\"\nurgent: 3d\n";

#[test]
fn an_event_that_cannot_wait_has_a_short_letter_out_of_turn_once() {
    let mut project = with_events(MONTHLY);
    // The first run after the first of the month: nothing is due until January.
    project.at("2026-12-01T09:00:00Z");
    assert_eq!(numbers(&project.json(&["run"], 0)), [(1, "done".to_string(), 1)]);
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 2);
    let message = mail_parser::MessageParser::default().parse(letters[0].as_bytes()).expect("a letter");
    assert_eq!(message.subject(), Some("Bientôt : Atelier, réparation ; suite"));
    let text = message.body_text(0).expect("a text part");
    assert!(
        text.contains("avant notre prochaine lettre") && text.contains("https://www.example.org/inscription/"),
        "{text}"
    );
    assert!(!text.contains("Un article") && !text.contains("Salon"), "{text}");
    assert_eq!(std::fs::read_dir(project.join("public/letters/events")).expect("a folder").count(), 3);

    for now in ["2026-12-01T09:05:00Z", "2026-12-03T07:00:00Z"] {
        project.at(now);
        assert_eq!(numbers(&project.json(&["run"], 0)), []);
    }
    assert_eq!(project.letters("var/outbox").len(), 2, "once");
    // The regular letter comes in its turn, has the next number, and leaves out what was announced.
    project.at("2027-01-01T08:00:00Z");
    assert_eq!(numbers(&project.json(&["run"], 0)), [(2, "done".to_string(), 4)]);
}

#[test]
fn an_urgent_letter_waits_for_a_person_where_others_do() {
    let mut project = with_events(&format!("{MONTHLY}approve: yes\n"));
    project.at("2026-12-01T09:00:00Z");
    assert_eq!(numbers(&project.json(&["run"], 0)), [(1, "composed".to_string(), 1)]);
    assert_eq!(project.letters("var/outbox").len(), 0);

    let mut surging = with_events(&format!("{MONTHLY}surge: 2\n"));
    surging.at("2026-12-01T09:00:00Z");
    assert_eq!(numbers(&surging.json(&["run"], 1)), [(1, "held".to_string(), 1)]);

    let mut filed = with_events(&format!("{MONTHLY}approve: file\n"));
    filed.at("2026-12-01T09:00:00Z");
    let ran = filed.json(&["run"], 0);
    assert_eq!(numbers(&ran), []);
    let told = ran["problems"].as_array().expect("a list").iter().find(|problem| problem["code"] == "urgent-event");
    assert!(told.is_some_and(|told| told["help"].as_str().is_some_and(|help| help.contains("send: now"))), "{ran}");
}

#[test]
fn letters_of_few_and_many_items_are_whole_and_light() {
    for count in [0, 1, 3, 20, 200] {
        let project = project("schedule: each-run\nmax_items: 200\nsurge: 200\n");
        project.write("posts/.keep", "");
        let long = "Un titre « long » (et même très) ".repeat(9);
        for n in 0..count {
            let title = if n % 5 == 0 { format!("{n} {}", long.trim()) } else { format!("Titre {n}") };
            let body = if n % 3 == 0 { String::new() } else { "Du texte. ".repeat(40) };
            project.write(
                &format!("posts/p{n}.md"),
                format!("---\ntitle: \"{title}\"\ndate: 2026-11-30\n---\n{body}\n"),
            );
        }
        let shown = project.json(&["digest"], 0);
        let edition = &shown["editions"][0];
        let items = edition["items"].as_array().expect("a list");
        assert_eq!(items.len(), count);
        if count == 0 {
            assert!(!project.join("var/digest/lettre/letter.eml").exists());
            continue;
        }
        assert!(
            edition["html_bytes"].as_u64().is_some_and(|bytes| bytes <= 80_000),
            "{count}: {}",
            edition["html_bytes"]
        );
        let (html, text) =
            (project.read("var/digest/lettre/letter.html"), project.read("var/digest/lettre/letter.txt"));
        for item in items {
            let url = item["url"].as_str().expect("an address");
            assert!(html.contains(&format!("href=\"{url}\"")), "{url}");
            assert!(text.lines().any(|line| line.trim() == url), "{url}");
        }
        let subject = edition["subject"].as_str().expect("a subject");
        assert!(subject.chars().count() <= "La lettre n° 1 : ".chars().count() + 60, "{subject}");
        assert!(!subject.contains('\u{a0}'), "{subject}");
    }
}

#[test]
fn arabic_and_hebrew_items_keep_their_direction_in_a_french_letter() {
    let project = project("schedule: each-run\n")
        .file("posts/ar.md", "---\ntitle: \"مرحبا، بالعالم!\"\ndate: 2026-11-30\nlang: ar\n---\n\nنص قصير.\n")
        .file("posts/he.md", "---\ntitle: \"שלום (עולם)\"\ndate: 2026-11-29\n---\n\nטקסט קצר.\n")
        .file("posts/fr.md", post("En français", "2026-11-28", ""));
    let (_, html, text) = digest(&project);
    for (language, title) in [("ar", "مرحبا، بالعالم!"), ("he", "שלום (עולם)")] {
        assert!(html.contains(&format!("lang=\"{language}\" dir=\"rtl\"")), "{language}: {html}");
        assert!(text.lines().any(|line| line == format!("\u{2068}{title}\u{2069}")), "{text}");
    }
    assert!(text.contains("\nEn français\n"));
}
