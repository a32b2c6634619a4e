//! A letter's pictures once it is sent: on the site for as long as was promised, or in the letter itself.

use std::fs;
use std::io::Cursor;
use std::process::Command;

use image::{ImageFormat, Rgb, RgbImage};
use mail_parser::{MessageParser, MimeHeaders};
use serde_json::Value;

use crate::support::project::Project;
use crate::support::{has_program, peer_or_skip};

const FOLDER: &str = "public/letters/pictures";

/// A site with one item that has a picture, and a newsletter of its own kind.
fn project(more: &str) -> Project {
    let soft = RgbImage::from_fn(1600, 900, |x, y| Rgb([(x / 7) as u8, (y / 4) as u8, ((x + y) / 10) as u8]));
    let mut picture = Cursor::new(Vec::new());
    soft.write_to(&mut picture, ImageFormat::Jpeg).expect("a picture");
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            format!(
                "title: La lettre\nfrom: La rédaction <lettre@example.org>\nto: liste@example.org\nleave: list\n\
                 schedule: each-run\nbacklog: announce\n{more}"
            ),
        )
        .file("posts/photo.jpg", picture.into_inner())
        .file(
            "posts/a.md",
            "---\ntitle: Avec image\ndate: 2026-02-04\nimage: { path: photo.jpg, alt: Une photo }\n---\nA.\n",
        );
    project.at("2026-03-01T08:00:00Z");
    project
}

/// The names of the pictures on the site.
fn on_site(project: &Project) -> Vec<String> {
    let Ok(entries) = fs::read_dir(project.join(FOLDER)) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What remains when the item and its picture are taken away, and the site is made anew.
fn forget_item_and_site(project: &Project) {
    project.remove("posts/a.md");
    project.remove("posts/photo.jpg");
    project.write("posts/b.md", "---\ntitle: Autre\ndate: 2026-02-05\n---\nB.\n");
    fs::remove_dir_all(project.join("public")).expect("a site");
    let _ = fs::remove_dir_all(project.join("var/pictures"));
}

fn only_letter(project: &Project) -> String {
    let mut letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 1);
    letters.remove(0)
}

fn html(letter: &str) -> String {
    let read = MessageParser::default().parse(letter.as_bytes()).expect("a letter");
    read.body_html(0).expect("an HTML part").into_owned()
}

#[test]
fn the_pictures_of_a_sent_letter_stay_though_item_and_file_are_gone() {
    let mut project = project("");
    project.ok(&["run"]);
    let names = on_site(&project);
    let [name] = &names[..] else { panic!("{names:?}") };
    assert!(
        html(&only_letter(&project)).contains(&format!("src=\"https://www.example.org/letters/pictures/{name}\""))
    );
    let content = fs::read(project.join(FOLDER).join(name)).expect("the picture");
    let hash = &blake3::hash(&content).to_hex()[..24];
    assert_eq!(name.split('.').next(), Some(hash));

    forget_item_and_site(&project);
    project.ok(&["build"]);
    assert_eq!(fs::read(project.join(FOLDER).join(name)).expect("the picture, again"), content);

    // A build touches nothing that is as it should be, and mends what is not.
    let modified = || fs::metadata(project.join(FOLDER).join(name)).and_then(|file| file.modified()).expect("a time");
    let before = modified();
    project.ok(&["build"]);
    assert_eq!(modified(), before);
    fs::write(project.join(FOLDER).join(name), &content[..content.len() / 2]).expect("a torn file");
    project.ok(&["build"]);
    assert_eq!(fs::read(project.join(FOLDER).join(name)).expect("the picture, mended"), content);

    // The promise ends after two years, unless something else was agreed.
    fs::remove_dir_all(project.join("public")).expect("a site");
    project.at("2028-02-28T08:00:00Z").ok(&["build"]);
    assert_eq!(on_site(&project), names);
    fs::remove_dir_all(project.join("public")).expect("a site");
    project.at("2028-03-02T08:00:00Z").ok(&["build"]);
    assert_eq!(on_site(&project), Vec::<String>::new());
}

#[test]
fn how_long_and_where_they_stay_can_be_said() {
    let mut project = project("");
    let config = project.read("config/crieur.yaml") + "pictures: { folder: lettres/img, keep: 30d }\n";
    project.write("config/crieur.yaml", config);
    project.ok(&["run"]);
    let entries = |project: &Project| fs::read_dir(project.join("public/lettres/img")).map_or(0, Iterator::count);
    assert_eq!(entries(&project), 1);
    assert!(html(&only_letter(&project)).contains("src=\"https://www.example.org/lettres/img/"));
    forget_item_and_site(&project);
    project.at("2026-04-05T08:00:00Z").ok(&["build"]);
    assert_eq!(entries(&project), 0);
}

#[test]
fn they_are_there_before_the_first_letter_leaves() {
    let project = project("");
    // Nobody listens there: the letter is frozen, and waits.
    let config = project.read("config/crieur.yaml").replace("maildir:var/outbox", "smtp://127.0.0.1:9\n  tls: none");
    project.write("config/crieur.yaml", config);
    let run = project.json(&["run"], 0);
    assert_eq!(run["editions"][0]["accepted"], 0, "{run}");
    assert_eq!(run["editions"][0]["pending"], 1, "{run}");
    assert_eq!(on_site(&project).len(), 1);
}

#[test]
fn looking_at_a_letter_publishes_no_picture() {
    let project = project("");
    project.ok(&["digest"]);
    project.ok(&["send", "news", "--dry-run"]);
    project.ok(&["build"]);
    assert_eq!(on_site(&project), Vec::<String>::new());
    assert_eq!(fs::read_dir(project.join("var/digest/news/pictures")).expect("pictures to look at").count(), 1);
}

#[test]
fn embedded_pictures_travel_in_the_letter_and_its_page_shows_them_from_the_site() {
    let mut project = project("images: embedded\nonline: lettres/{newsletter}-{number}.html\n");
    let shown = project.json(&["digest"], 0);
    project.ok(&["run"]);
    let letter = only_letter(&project);
    let read = MessageParser::default().parse(letter.as_bytes()).expect("a letter");
    assert!(letter.contains("Content-Type: multipart/related; type=\"text/html\"; boundary="));
    let pictures: Vec<_> = read.parts.iter().filter(|part| part.content_id().is_some()).collect();
    let [picture] = &pictures[..] else { panic!("{} pictures", pictures.len()) };
    let (id, name) = (picture.content_id().expect("an id"), picture.attachment_name().expect("a name"));
    assert_eq!(id, format!("{name}@www.example.org"));
    assert!(picture.content_disposition().is_some_and(|disposition| disposition.is_inline()));
    let hash = &blake3::hash(picture.contents()).to_hex()[..24];
    assert_eq!(name.split('.').next(), Some(hash));
    let html = html(&letter);
    assert!(html.contains(&format!("src=\"cid:{id}\"")) && !html.contains("src=\"http"));
    assert_eq!(shown["editions"][0]["images"][0]["bytes"], picture.contents().len());

    let page = project.read("public/lettres/news-1.html");
    assert!(
        page.contains(&format!("src=\"https://www.example.org/letters/pictures/{name}\"")) && !page.contains("cid:")
    );
    assert_eq!(on_site(&project), [name]);

    // Python's own reader sees the same.
    if peer_or_skip("embedded_pictures_travel_in_the_letter", "python3", has_program("python3", "--version")) {
        project.write("letter.eml", &letter);
        let script = "import email, email.policy, hashlib, json, sys\n\
                      m = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)\n\
                      print(json.dumps({'defects': [str(d) for p in m.walk() for d in p.defects],\n\
                      'types': [p.get_content_type() for p in m.walk()],\n\
                      'attached': [p.get_filename() for p in m.iter_attachments()],\n\
                      'html': m.get_body(('html',)).get_content(), 'related': m.get_body(('related',)).get_content_type(),\n\
                      'pictures': {p['Content-ID']: len(p.get_content()) for p in m.walk() if p['Content-ID']}}))";
        let out =
            Command::new("python3").args(["-c", script]).arg(project.join("letter.eml")).output().expect("python3");
        let told: Value = serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out.stderr)));
        assert_eq!(told["defects"], serde_json::json!([]), "{told}");
        assert_eq!(
            told["types"],
            serde_json::json!([
                "multipart/alternative",
                "text/plain",
                "multipart/related",
                "text/html",
                if name.ends_with("png") { "image/png" } else { "image/jpeg" }
            ])
        );
        assert_eq!(told["pictures"], serde_json::json!({ format!("<{id}>"): picture.contents().len() }));
        assert!(told["html"].as_str().is_some_and(|html| html.contains("cid:")));
    }

    // Frozen with it: an item that goes, and a try that comes late, change nothing.
    forget_item_and_site(&project);
    project.at("2026-03-02T08:00:00Z").ok(&["build"]);
    assert_eq!(on_site(&project), [name]);
}

#[test]
fn a_letter_that_is_tried_again_later_carries_the_same_pictures() {
    let mut project = project("images: embedded\n");
    let good = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", good.replace("maildir:var/outbox", "smtp://127.0.0.1:9\n  tls: none"));
    project.ok(&["run"]);
    project.remove("posts/photo.jpg");
    let _ = fs::remove_dir_all(project.join("var/pictures"));
    project.write("config/crieur.yaml", good);
    project.at("2026-03-01T10:00:00Z").ok(&["run", "--stage", "send"]);
    let letter = only_letter(&project);
    let read = MessageParser::default().parse(letter.as_bytes()).expect("a letter");
    assert_eq!(read.parts.iter().filter(|part| part.content_id().is_some()).count(), 1);
}

#[test]
fn a_letter_without_pictures_publishes_and_carries_none() {
    let project = project("images: none\n");
    project.ok(&["run"]);
    let letter = only_letter(&project);
    assert!(!html(&letter).contains("<img") && !letter.contains("multipart/related"));
    assert_eq!(on_site(&project), Vec::<String>::new());
}
