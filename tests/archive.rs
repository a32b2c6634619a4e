//! The archive of letters: who may read it, and what `crieur archive` writes for a site without the web service.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::support::origin::{Origin, crieur};
use crate::support::peer_or_skip;
use crate::support::project::Project;
use crate::support::rules::complaints;
use crate::support::xml;

/// A photograph, as far as packing it goes.
fn photograph() -> Vec<u8> {
    let noise = |x: u32, y: u32| Rgb([(x * 7 + y * 3) as u8, (x * y) as u8, (y * 11) as u8]);
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(480, 240, noise).write_to(&mut bytes, ImageFormat::Jpeg).expect("a picture");
    bytes.into_inner()
}

/// A letter to two people, with a drawing and a photograph.
pub fn project(more: &str) -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            format!(
                "title: La <lettre>\nfrom: La rédaction <lettre@example.org>\nto: recipients\n\
                 leave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\n{more}"
            ),
        )
        .file("people.csv", "email,name\nana@example.org,Ana Exemple\nbo@example.org,Bo Exemple\n")
        .file("posts/dessin.png", include_bytes!("../sample/static/img/atelier.png"))
        .file("posts/photo.jpg", photograph())
        .file("posts/un.md", "---\ntitle: Un & 2 < 3\ndate: 2026-02-01\nimage: { path: dessin.png, alt: Un dessin }\n---\nDu nouveau.\n")
        .file("posts/deux.md", "---\ntitle: Photographie\ndate: 2026-01-31\nimage: photo.jpg\n---\nEncore du nouveau.\n");
    project.at("2026-03-01T08:00:00Z");
    let people = project.join("people.csv");
    project.ok(&["recipients", "import", people.to_str().expect("a path")]);
    project
}

/// Three letters, a week after the other.
pub fn three(project: &mut Project) {
    project.json(&["run"], 0);
    for (day, title) in [("08", "Deuxième"), ("15", "Troisième")] {
        project.write(&format!("posts/{day}.md"), format!("---\ntitle: {title}\ndate: 2026-03-{day}\n---\nTexte.\n"));
        project.at(&format!("2026-03-{day}T08:00:00Z"));
        project.json(&["run"], 0);
    }
}

fn files(folder: &Path) -> BTreeSet<String> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|entry| entry.path().strip_prefix(folder).expect("inside").to_string_lossy().into_owned()).collect()
}

#[test]
fn who_may_read_the_letters_says_what_is_in_them_and_what_stands_on_the_site() {
    const HOSTED: &str = "src=\"https://www.example.org/letters/pictures/";
    const ONLINE: &str = "href=\"https://www.example.org/letters/news-1.html\"";
    const SERVED: &str = "href=\"https://lettre.example.org/archive/news/1/\"";
    const ARCHIVE: &str = "List-Archive: <https://lettre.example.org/archive/news/>";
    let file = "to: file:config/people.csv\n";
    for (more, hosted, leads_to, archive, page) in [
        ("", true, Some(ONLINE), true, Some("canonical")),
        ("archive: public\n", true, Some(ONLINE), true, Some("canonical")),
        ("archive: unlisted\n", true, Some(ONLINE), true, Some("noindex")),
        ("archive: none\n", false, None, false, None),
        (&format!("archive: none\n{file}"), false, None, false, None),
        (file, false, None, false, None),
        (
            &format!("online: letters/{{newsletter}}-{{number}}.html\n{file}"),
            true,
            Some(ONLINE),
            true,
            Some("noindex"),
        ),
        (&format!("archive: public\n{file}"), true, Some(ONLINE), true, Some("canonical")),
        ("online: off\n", false, None, false, None),
        ("online: off\nimages: hosted\n", true, None, false, None),
        ("online: off\narchive: unlisted\n", true, Some(SERVED), true, None),
    ] {
        let mut project = project("");
        let newsletter = project.read("config/newsletters/news.yaml");
        let newsletter = if more.contains("to: ") { newsletter.replace("to: recipients\n", "") } else { newsletter };
        project.write("config/newsletters/news.yaml", newsletter + more);
        project.write("config/people.csv", project.read("people.csv"));
        let config = project.read("config/crieur.yaml") + "web: { url: https://lettre.example.org/ }\n";
        project.write("config/crieur.yaml", config);
        project.at("2026-03-01T08:00:00Z");
        let digest = project.json(&["digest"], 0);
        project.json(&["run"], 0);
        let letter = project.letters("var/outbox").remove(0);
        let parsed = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
        let html = parsed.body_html(0).expect("an HTML part").into_owned();
        assert_eq!(html.contains(HOSTED), hosted, "{more}");
        assert_eq!(html.contains("src=\"cid:"), !hosted, "{more}");
        for address in [ONLINE, SERVED] {
            assert_eq!(html.contains(address), leads_to == Some(address), "{more}: {address}");
        }
        assert_eq!(letter.contains(ARCHIVE), archive, "{more}: {letter}");
        let on_site = project.join("public/letters/news-1.html");
        assert_eq!(on_site.exists(), page.is_some(), "{more}");
        if let Some(said) = page {
            let page = fs::read_to_string(on_site).expect("a page");
            assert_eq!(page.contains("<meta name=\"robots\" content=\"noindex\">"), said == "noindex", "{more}");
            let canonical = "<link rel=\"canonical\" href=\"https://lettre.example.org/archive/news/1/\">";
            assert!(page.contains(canonical), "{more}");
        }
        // What was shown before it was sent says the same of its pictures.
        let shown = fs::read_to_string(project.join("var/digest/news/letter.html")).expect("the letter shown");
        assert_eq!(shown.contains(HOSTED), hosted, "{more}: {digest}");
    }
}

#[test]
fn keys_that_contradict_each_other_are_told_and_the_closed_one_holds() {
    for (more, told) in [
        ("archive: none\nonline: letters/{newsletter}-{number}.html\n", "no page of a letter is written"),
        ("archive: none\nimages: hosted\n", "travel in it"),
    ] {
        let project = project(more);
        let check = project.json(&["check"], 0);
        let problems = check["problems"].to_string();
        assert!(problems.contains("\"archive\"") && problems.contains(told), "{problems}");
        project.json(&["run"], 0);
        let letter = project.letters("var/outbox").remove(0);
        assert!(letter.contains("Content-ID") && !project.join("public/letters/news-1.html").exists());
    }
    let wrong = project("");
    let newsletter = wrong.read("config/newsletters/news.yaml");
    wrong.write("config/newsletters/news.yaml", newsletter + "archive: private\n");
    let wrong = wrong.crieur(&["check"]);
    assert!(wrong.stdout.contains("unlisted") || wrong.stderr.contains("unlisted"), "{}", wrong.stderr);
}

#[test]
fn the_export_shows_every_letter_that_went_out_and_nothing_of_a_recipient() {
    let mut project = project("");
    three(&mut project);
    let told = project.json(&["archive"], 0);
    assert_eq!(
        told["newsletters"],
        json!([{ "newsletter": "news", "letters": 3, "url": "https://www.example.org/archive/news/" }])
    );
    let folder = project.join("public/archive");
    let files = files(&folder);
    for file in ["index.html", "archive.css", "letter.css", "archive.svg", "news/index.html", "news/feed.xml"] {
        assert!(files.contains(file), "{file}: {files:?}");
    }
    for file in files.iter().filter(|file| file.ends_with("html") || file.ends_with("xml")) {
        let text = fs::read_to_string(folder.join(file)).expect("a page");
        for secret in ["Ana", "Bo Exemple", "ana@", "bo@", "partir@", "leave%20", "cid:", "<script", "2 < 3"] {
            assert!(!text.contains(secret), "{file} holds {secret}");
        }
    }

    let index = project.read("public/archive/index.html");
    assert!(index.contains("<a href=\"news/\">La &lt;lettre&gt;</a>") && index.contains("3 lettres"), "{index}");
    let list = project.read("public/archive/news/index.html");
    for told in [
        "<h1>La &lt;lettre&gt;</h1>",
        "<link rel=\"canonical\" href=\"https://www.example.org/archive/news/\">",
        "<link rel=\"alternate\" type=\"application/atom+xml\" title=\"La &lt;lettre&gt;\" href=\"feed.xml\">",
        "<time datetime=\"2026-03-15\">dimanche 15 mars 2026</time>",
        "<a href=\"3/\">La &lt;lettre&gt; n° 3 : Troisième</a>",
        "Un &amp; 2 &lt; 3 · Photographie",
    ] {
        assert!(list.contains(told), "{told}: {list}");
    }
    assert!(list.find("href=\"3/\"") < list.find("href=\"1/\""), "the latest first");

    let page = |number: usize| project.read(&format!("public/archive/news/{number}/index.html"));
    let (first, second, third) = (page(1), page(2), page(3));
    assert!(first.contains("<link rel=\"next\" href=\"../2/\">") && !first.contains("rel=\"prev\""));
    assert!(
        second.contains("<link rel=\"prev\" href=\"../1/\">")
            && second.contains("<link rel=\"next\" href=\"../3/\">")
    );
    assert!(third.contains("<link rel=\"prev\" href=\"../2/\">") && !third.contains("rel=\"next\""));
    // The page that letters lead to is the one to be found, where no service shows the archive.
    assert!(first.contains("<link rel=\"canonical\" href=\"https://www.example.org/letters/news-1.html\">"));
    assert!(first.contains("<html lang=\"fr\">") && first.contains("<a href=\"https://www.example.org/\">"));
    assert!(first.contains("Bonjour,") && first.contains("Du nouveau."), "{first}");
    assert!(!first.contains("Lire cette lettre en ligne") && !first.contains("<!--"), "{first}");
    assert_eq!((first.matches("<h1").count(), first.matches("<main").count()), (1, 1));

    // The drawing as WebP, which is smaller, and the photograph as it was.
    let beside: Vec<&String> =
        files.iter().filter(|file| file.starts_with("news/1/") && !file.ends_with("html")).collect();
    assert_eq!(beside.len(), 3, "{beside:?}");
    let of = |ending: &str| *beside.iter().find(|file| file.ends_with(ending)).expect(ending);
    let name = |file: &str| file.rsplit('/').next().expect("a name").to_string();
    let (webp, png, jpg) = (of(".webp"), of(".png"), of(".jpg"));
    assert!(fs::metadata(folder.join(webp)).expect("it").len() < fs::metadata(folder.join(png)).expect("it").len());
    let pixels = |file: &str| image::open(folder.join(file)).expect("a picture").into_rgb8();
    assert_eq!(pixels(webp), pixels(png));
    let shown = format!("<picture><source type=\"image/webp\" srcset=\"{}\"><img ", name(webp));
    assert!(first.contains(&shown) && first.contains(&format!("src=\"{}\"", name(png))), "{first}");
    assert!(first.contains(&format!("src=\"{}\"", name(jpg))), "{first}");
}

#[test]
fn an_export_touches_what_changed_and_removes_what_was_its_own_alone() {
    let mut project = project("");
    project.json(&["run"], 0);
    let first = project.json(&["archive"], 0);
    assert_eq!((&first["changed"], &first["removed"]), (&first["files"], &json!(0)));
    let again = project.json(&["archive"], 0);
    assert_eq!((&again["changed"], &again["removed"], &again["files"]), (&json!(0), &json!(0), &first["files"]));
    // A next letter: its page, the one before it, the lists, and the feed.
    project.write("posts/trois.md", "---\ntitle: Trois\ndate: 2026-03-07\n---\nTexte.\n");
    project.at("2026-03-08T08:00:00Z");
    project.json(&["run"], 0);
    project.write("public/archive/news/2/notes.txt", "somebody else's");
    let next = project.json(&["archive", "news"], 0);
    assert_eq!((&next["changed"], &next["removed"]), (&json!(4), &json!(0)), "{next}");
    assert_eq!(project.json(&["archive"], 0)["changed"], json!(1), "the list of all newsletters");

    // Closed: nothing of it stays that crieur wrote.
    let newsletter = project.read("config/newsletters/news.yaml");
    project.write("config/newsletters/news.yaml", newsletter + "archive: none\n");
    let closed = project.json(&["archive"], 0);
    assert_eq!(closed["newsletters"], json!([]));
    assert!(closed["problems"].to_string().contains("nobody is to read"), "{closed}");
    let left = files(&project.join("public/archive"));
    let expected = [".crieur-archive", "archive.css", "archive.svg", "index.html", "letter.css", "news/2/notes.txt"];
    assert_eq!(left.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(!project.read("public/archive/index.html").contains("La &lt;lettre&gt;"));
    // A list of what is ours that somebody wrote into leads nowhere else.
    project.write("secret.txt", "x");
    project.write(
        "public/archive/.crieur-archive",
        "../../secret.txt\n/etc/hostname\n.crieur-archive\nnews/2/../2/notes.txt\n",
    );
    assert_eq!(project.json(&["archive"], 0)["removed"], json!(0));
    assert!(project.join("secret.txt").exists() && project.join("public/archive/news/2/notes.txt").exists());
}

#[test]
fn what_did_not_go_out_is_not_there_and_what_is_unlisted_is_in_no_list() {
    let mut project = project("archive: unlisted\n");
    three(&mut project);
    let waiting = project.read("config/newsletters/news.yaml");
    project.write("config/newsletters/news.yaml", format!("{waiting}approve: yes\n"));
    project.write("posts/quatre.md", "---\ntitle: Quatre\ndate: 2026-03-21\n---\nTexte.\n");
    project.at("2026-03-22T08:00:00Z");
    project.json(&["run"], 0);
    let told = project.json(&["archive", "news", "--out", "elsewhere", "--url", "https://a.example.org/lettres"], 0);
    assert_eq!(told["newsletters"][0]["letters"], 3);
    assert_eq!(told["newsletters"][0]["url"], "https://a.example.org/lettres/news/");
    assert!(!project.join("elsewhere/news/4").exists() && !project.join("elsewhere/index.html").exists());
    for page in ["index.html", "1/index.html"] {
        let page = project.read(&format!("elsewhere/news/{page}"));
        assert!(page.contains("<meta name=\"robots\" content=\"noindex\">"), "{page}");
    }
    assert!(project.read("elsewhere/news/feed.xml").contains("href=\"https://a.example.org/lettres/news/feed.xml\""));
    assert!(!project.read("elsewhere/news/index.html").contains("autres lettres"));
    project.json(&["archive"], 0);
    assert!(!project.read("public/archive/index.html").contains("news/"));
    // It is approved, and given up before anybody has it.
    project.ok(&["cancel", "news", "4"]);
    project.json(&["archive"], 0);
    assert!(!project.join("public/archive/news/4").exists());
    let unknown = project.crieur(&["archive", "other"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("news"), "{}", unknown.stderr);
}

/// Prints what Python's feedparser makes of the files named.
const PYTHON: &str = r#"
import json, sys
import feedparser
for path in sys.argv[1:]:
    feed = feedparser.parse(path)
    print(json.dumps({
        "bozo": bool(feed.bozo), "why": str(feed.get("bozo_exception", "")),
        "ids": [entry.id for entry in feed.entries], "links": [entry.link for entry in feed.entries],
        "dates": [entry.updated for entry in feed.entries],
        "previous": [link.href for link in feed.feed.links if link.rel == "prev-archive"],
        "content": [entry.content[0].value for entry in feed.entries],
    }))
"#;

#[test]
fn a_long_archive_is_paged_and_its_feed_leads_to_every_letter() {
    let mut project = project("");
    let newsletter = project.read("config/newsletters/news.yaml");
    let newsletter = newsletter.replace("schedule: each-run\n", "schedule: each-item\nsurge: 100\n");
    project.write("config/newsletters/news.yaml", newsletter);
    for number in 0..43 {
        let text = format!("---\ntitle: Nouvelle {number}\ndate: 2026-01-01\n---\n## Un intertitre\n\nTexte.\n");
        project.write(&format!("posts/n{number}.md"), text);
    }
    project.at("2026-03-01T08:00:00Z");
    project.json(&["run"], 0);
    let told = project.json(&["archive"], 0);
    assert_eq!(told["newsletters"][0]["letters"], 45);
    let (first, second) =
        (project.read("public/archive/news/index.html"), project.read("public/archive/news/page-2/index.html"));
    assert!(!project.join("public/archive/news/page-3").exists());
    assert_eq!((first.matches("<time").count(), second.matches("<time").count()), (30, 15));
    assert!(first.contains("<link rel=\"next\" href=\"page-2/\">") && first.contains("Page 1 sur 2"), "{first}");
    assert!(second.contains("<link rel=\"prev\" href=\"../\">") && second.contains("<a href=\"../1/\">"), "{second}");
    assert!(second.contains("href=\"https://www.example.org/archive/news/page-2/\""), "{second}");

    let parts =
        ["feed.xml", "feed-2.xml", "feed-1.xml"].map(|part| project.read(&format!("public/archive/news/{part}")));
    let mut ids = BTreeSet::new();
    for (index, text) in parts.iter().enumerate() {
        assert_eq!(complaints(text), Vec::<String>::new(), "{text}");
        let root = xml::parse(text).expect("XML");
        assert_eq!(root.all("entry").count(), 20);
        ids.extend(root.all("entry").map(|entry| entry.text_of("id").unwrap_or_default().to_string()));
        assert_eq!(text.contains("<fh:archive/>"), index > 0);
        assert_eq!(text.contains("rel=\"current\""), index > 0);
        let previous = ["news/feed-2.xml", "news/feed-1.xml"].get(index);
        assert_eq!(text.contains("rel=\"prev-archive\""), previous.is_some());
        assert!(
            previous.is_none_or(|previous| text.contains(&format!("{previous}\" rel=\"prev-archive\""))),
            "{text}"
        );
    }
    assert_eq!(ids.len(), 45);
    assert!(ids.contains("tag:www.example.org,2026-03-01:letters/news/45"), "{ids:?}");
    // One more letter: what is in an archive stays as it is, to the byte.
    project.write("posts/fin.md", "---\ntitle: Fin\ndate: 2026-03-08\n---\nTexte.\n");
    project.at("2026-03-08T08:00:00Z");
    project.json(&["run"], 0);
    project.json(&["archive"], 0);
    assert_eq!(project.read("public/archive/news/feed-1.xml"), parts[2]);

    let present =
        Command::new("python3").args(["-c", "import feedparser"]).output().is_ok_and(|out| out.status.success());
    if !peer_or_skip("a_long_archive_is_paged_and_its_feed_leads_to_every_letter", "feedparser", present) {
        return;
    }
    let paths =
        ["feed.xml", "feed-2.xml", "feed-1.xml"].map(|part| project.join(&format!("public/archive/news/{part}")));
    let out = Command::new("python3").args(["-c", PYTHON]).args(&paths).output().expect("python3");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let read: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(read.len(), 3, "{}", String::from_utf8_lossy(&out.stderr));
    let mut seen = BTreeSet::new();
    for one in &read {
        assert_eq!(one["bozo"], false, "{}", one["why"]);
        let ids = one["ids"].as_array().expect("ids");
        seen.extend(ids.iter().map(|id| id.as_str().unwrap_or_default().to_string()));
        let dates: BTreeSet<String> = one["dates"].as_array().expect("dates").iter().map(Value::to_string).collect();
        assert_eq!(dates.len(), 20, "a moment of its own for each");
        let content = one["content"][0].as_str().expect("content");
        assert!(content.contains("<h2>") && !content.contains("style=") && !content.contains("<table"), "{content}");
    }
    assert_eq!(seen.len(), 46);
    assert_eq!(read[0]["links"][0], "https://www.example.org/letters/news-46.html");
}

#[test]
fn a_memory_in_a_branch_gives_the_same_archive_to_a_fresh_clone() {
    let origin = Origin::site("");
    let ran = crieur(&origin.clone("one"), "2026-03-02T08:00:00Z", &["run"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let clone = origin.clone("two");
    let before = origin.commits();
    let ran = crieur(&clone, "2026-03-02T18:00:00Z", &["archive"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("news: 1 letter, at "), "{}", ran.stdout);
    let page = fs::read_to_string(clone.join("public/archive/news/1/index.html")).expect("a page");
    assert!(page.contains("<h1") && page.contains("</html>"));
    assert_eq!(origin.commits(), before, "looking changes nothing");
}
