//! `crieur digest`: the next letter as it would go, and nothing remembered.

use std::fs;
use std::path::Path;

use crate::support::project::Project;

const NEWSLETTER: &str = "title: La lettre\nfrom: L’équipe <lettre@example.org>\nleave: mailto:contact@example.org\n\
                          backlog: announce\nschedule: each-run\nto: file:people.csv\narchive: unlisted\n";

fn post(title: &str, date: &str) -> String {
    format!("---\ntitle: \"{title}\"\ndate: {date}\n---\n\nDu *texte*.\n")
}

/// A site with two posts and a newsletter.
fn project() -> Project {
    let mut project = Project::new()
        .file("config/newsletters/lettre.yaml", NEWSLETTER)
        .file("people.csv", "email,name\nada@example.org,Ada\nbob@example.org,\n")
        .file("posts/un.md", post("Un", "2026-11-02"))
        .file("posts/deux.md", post("Deux : la suite", "2026-11-20"));
    project.at("2026-11-24T09:00:00Z");
    project
}

/// Every file below a folder with its bytes, but for those of `var/digest`.
fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(one) = folders.pop() {
        for entry in fs::read_dir(one).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.ends_with("var/digest") {
                continue;
            }
            match path.is_dir() {
                true => folders.push(path),
                false => found.push((path.display().to_string(), fs::read(&path).expect("a file"))),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_next_letter_is_shown_and_nothing_is_remembered() {
    let project = project();
    let before = everything(project.path());
    let shown = project.json(&["digest"], 0);
    assert_eq!(everything(project.path()), before);
    let edition = &shown["editions"][0];
    assert_eq!(edition["newsletter"], "lettre");
    assert_eq!(edition["number"], 1);
    assert_eq!(edition["subject"], "La lettre n° 1 : Deux : la suite");
    let item = &edition["items"][0];
    assert_eq!(item["title"], "Deux : la suite");
    assert_eq!(item["url"], "https://www.example.org/posts/deux/");
    assert_eq!(item["id"], "https://www.example.org/posts/deux/");
    assert_eq!(edition["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(edition["problems"], serde_json::json!([]));
    assert_eq!(edition["images"], serde_json::json!([]));
    for (key, file) in [("html_bytes", "letter.html"), ("text_bytes", "letter.txt"), ("letter_bytes", "letter.eml")] {
        let length = project.read(&format!("var/digest/lettre/{file}")).len();
        assert_eq!(edition[key].as_u64(), Some(length as u64), "{key}");
    }
    let report: serde_json::Value =
        serde_json::from_str(&project.read("var/digest/lettre/report.json")).expect("JSON");
    assert_eq!(&report, edition);
    assert_eq!(project.json(&["digest"], 0), shown, "a second time it is the same");
}

#[test]
fn a_shown_letter_opens_in_a_mail_program() {
    let project = project();
    project.ok(&["digest", "lettre", "--out", &project.join("shown").display().to_string()]);
    let bytes = fs::read(project.join("shown/lettre/letter.eml")).expect("a letter");
    let message = mail_parser::MessageParser::default().parse(&bytes).expect("a message");
    assert_eq!(message.subject(), Some("La lettre n° 1 : Deux : la suite"));
    let text = message.body_text(0).expect("a text part").replace("\r\n", "\n");
    assert_eq!(text.trim_end(), project.read("shown/lettre/letter.txt").trim_end());
    let html = message.body_html(0).expect("an HTML part").replace("\r\n", "\n");
    assert_eq!(html.trim_end(), project.read("shown/lettre/letter.html").trim_end());
    assert!(text.contains("Bonjour Prénom Nom,"), "{text}");
}

/// The key that the Message-ID and the way out depend on: there from the start, as from the second letter on.
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

#[test]
fn what_digest_shows_is_what_send_sends() {
    let project = project()
        .file("var/keys/key", KEY)
        .file("people.csv", "email,name\ndestinataire@example.org,Prénom Nom\nbob@example.org,Bob\n");
    project.ok(&["digest"]);
    let shown = project.read("var/digest/lettre/letter.eml");
    project.ok(&["send"]);
    let letters: Vec<String> =
        project.letters("var/outbox").iter().map(|letter| letter.replace("\r\n", "\n")).collect();
    assert_eq!(letters.len(), 2);
    let same = letters.iter().find(|letter| letter.contains("destinataire@example.org")).expect("theirs");
    assert_eq!(same.trim_end(), shown.replace("\r\n", "\n").trim_end());
    let other = letters.iter().find(|letter| letter.contains("bob@example.org")).expect("his");
    let differs = other.lines().zip(same.lines()).filter(|(his, theirs)| his != theirs);
    let differs: Vec<&str> = differs.map(|(his, _)| his).collect();
    assert!((1..=8).contains(&differs.len()), "{differs:#?}");
}

#[test]
fn what_digest_shows_of_a_list_servers_letter_is_what_send_sends() {
    let project = project().file("var/keys/key", KEY).file(
        "config/newsletters/lettre.yaml",
        "title: La lettre\nfrom: l@example.org\nto: list@example.org\nbacklog: announce\n",
    );
    project.ok(&["digest"]);
    let shown = project.read("var/digest/lettre/letter.eml").replace("\r\n", "\n");
    project.ok(&["send"]);
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].replace("\r\n", "\n").trim_end(), shown.trim_end());
    for word in ["List-", "Auto-Submitted", "Bonjour Pr"] {
        assert!(!shown.contains(word), "{word}");
    }
}

#[test]
fn a_letter_an_item_shows_the_oldest_first() {
    let project = project().file("config/newsletters/lettre.yaml", NEWSLETTER.replace("each-run", "each-item"));
    let shown = project.json(&["digest"], 0);
    assert_eq!(shown["editions"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown["editions"][0]["items"][0]["title"], "Un");
}

#[test]
fn nothing_new_is_an_edition_without_items_and_leaves_no_letter() {
    let project = project();
    project.ok(&["digest"]);
    assert!(project.join("var/digest/lettre/letter.eml").exists());
    project.write("config/newsletters/lettre.yaml", NEWSLETTER.replace("announce", "skip"));
    let ran = project.crieur(&["--json", "digest"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing to announce yet"), "{}", ran.stderr);
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(shown["editions"][0]["items"], serde_json::json!([]));
    assert!(!project.join("var/digest/lettre/letter.eml").exists());
}

#[test]
fn a_templates_mistake_is_told_with_its_place_and_ends_with_one() {
    let project = project();
    project.write("mail-templates/digest.txt.hbs", "{{newsletter.title}}\n{{newsletter.titel}}\n");
    let shown = project.json(&["digest"], 1);
    let problem = &shown["editions"][0]["problems"][0];
    assert_eq!(problem["file"], "mail-templates/digest.txt.hbs");
    assert_eq!((problem["line"].as_u64(), problem["column"].as_u64()), (Some(2), Some(1)));
    assert_eq!(shown["editions"][0]["items"], serde_json::json!([]));
}

#[test]
fn check_tries_each_newsletters_letter() {
    let project = project();
    let at = |file: &str, content: &str| {
        project.write(file, content);
        let problems = project.json(&["check"], 1);
        problems["problems"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|problem| problem["severity"] == "error")
            .cloned()
    };
    let problem = at("mail-templates/partials/item.html.hbs", "<tr><td>{{titel}}</td></tr>\n").expect("an error");
    assert_eq!(problem["file"], "mail-templates/partials/item.html.hbs");
    assert_eq!((problem["line"].as_u64(), problem["column"].as_u64()), (Some(1), Some(9)));
    project.remove("mail-templates/partials/item.html.hbs");
    let newsletter = format!("{NEWSLETTER}subject: \"{{{{newsletter.nombre}}}}\"\n");
    let problem = at("config/newsletters/lettre.yaml", &newsletter).expect("an error");
    assert_eq!(problem["file"], "config/newsletters/lettre.yaml");
    assert_eq!(problem["line"].as_u64(), Some(8), "{problem}");
}

#[test]
fn an_unknown_newsletter_is_named_and_ends_with_two() {
    let ran = project().crieur(&["digest", "letter"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("there is: lettre"), "{}", ran.stderr);
}

#[test]
fn the_minumeco_letter_holds_its_videos_once_and_stays_light() {
    let corpora = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora");
    let posts = Path::new(corpora).join("minumeco");
    if !posts.exists() {
        println!("skipped: the corpora are not here");
        return;
    }
    let mut project = Project::new().file(
        "config/newsletters/lettre.yaml",
        NEWSLETTER.replace("to: file:people.csv\n", "max_items: 40\nsurge: 40\n"),
    );
    project.at("2025-01-27T09:00:00Z");
    project.write(
        "config/crieur.yaml",
        project
            .read("config/crieur.yaml")
            .replace("content:\n", "content:\n  static: static\n  variables: { metadata: _data/metadata.json }\n"),
    );
    for folder in ["posts", "_data", "static"] {
        project.copy(&posts.join(folder), folder);
    }
    let shown = project.json(&["digest"], 0);
    let edition = &shown["editions"][0];
    assert!(edition["html_bytes"].as_u64().is_some_and(|bytes| bytes < 80_000), "{}", edition["html_bytes"]);
    let weights = edition["images"].as_array().expect("a list").iter().filter_map(|image| image["bytes"].as_u64());
    assert!(weights.sum::<u64>() <= 300_000, "{}", edition["images"]);
    let html = project.read("var/digest/lettre/letter.html");
    for code in ["{{", "{%", ":::"] {
        assert!(!html.contains(code), "{code}");
    }
    let items = edition["items"].as_array().expect("a list");
    assert!(items.len() >= 25 && items.len() <= 27, "{}", items.len());
    let video = "https://www.dailymotion.com/video/x9368gg";
    assert_eq!(html.matches(&format!("href=\"{video}\"")).count(), 1, "the video of one item");
}
