//! Every feed, read by what people read feeds with: all of them must see the same items.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::http::Server;
use crate::support::sites::{self, Feed, Site};
use crate::support::{has_program, peer_or_skip, xml};

/// Runs `look` on each XML feed of each site.
fn each_feed(mut look: impl FnMut(&Site, &Feed)) {
    let mut seen = 0;
    for site in sites::all() {
        for feed in site.feeds().filter(|feed| feed.format != "json") {
            look(site, feed);
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen} feeds");
}

/// As readers show a title: one line.
fn shown(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_strict_xml_parser_reads_every_feed() {
    each_feed(|site, feed| {
        let root = xml::parse(&feed.text).unwrap_or_else(|error| panic!("{} {}: {error}", site.name, feed.path));
        let (list, entry, id) = match feed.format.as_str() {
            "atom" => (&root, "entry", "id"),
            _ => (root.child("channel").expect("a channel"), "item", "guid"),
        };
        let seen: Vec<(String, String)> = list
            .all(entry)
            .map(|entry| {
                let text = |name| entry.text_of(name).unwrap_or_default().to_string();
                (text(id), text("title"))
            })
            .collect();
        assert_eq!(seen, site.expected(feed), "{} {}", site.name, feed.path);
    });
}

#[test]
fn feed_rs_reads_every_feed_with_the_same_items() {
    for site in sites::all() {
        for feed in site.feeds() {
            let read = feed_rs::parser::parse(feed.text.as_bytes())
                .unwrap_or_else(|error| panic!("{} {}: {error}", site.name, feed.path));
            let seen: Vec<(String, String)> = read
                .entries
                .iter()
                .map(|entry| (entry.id.clone(), shown(&entry.title.as_ref().expect("a title").content)))
                .collect();
            assert_eq!(seen, site.expected(feed), "{} {}", site.name, feed.path);
            if feed.format != "json" && feed.path.starts_with("feed/") {
                let with_content = read.entries.iter().filter(|entry| entry.content.is_some()).count();
                let expected = site.bodies(feed);
                assert_eq!(with_content, expected, "{} {}", site.name, feed.path);
            }
        }
    }
}

/// Prints what Python's feedparser and its XML parser make of the files named.
const PYTHON: &str = r#"
import json, sys, xml.etree.ElementTree
import feedparser
for path in sys.argv[1:]:
    xml.etree.ElementTree.parse(path)
    feed = feedparser.parse(path)
    json.dump({
        "path": path, "bozo": bool(feed.bozo), "why": str(feed.get("bozo_exception", "")),
        "entries": [[entry.id, " ".join(entry.title.split())] for entry in feed.entries],
        "dates": [[list(entry.published_parsed), list(entry.updated_parsed)] for entry in feed.entries],
        "enclosures": [len(entry.enclosures) for entry in feed.entries],
        "self": [link.href for link in feed.feed.links if link.rel == "self"],
    }, sys.stdout)
    print()
"#;

#[test]
fn feedparser_reads_every_feed_without_bozo_and_atom_and_rss_say_the_same() {
    let name = "feedparser_reads_every_feed_without_bozo_and_atom_and_rss_say_the_same";
    let present =
        Command::new("python3").args(["-c", "import feedparser"]).output().is_ok_and(|out| out.status.success());
    if !peer_or_skip(name, "feedparser", present) {
        return;
    }
    let mut said: Vec<(String, Value)> = Vec::new();
    each_feed(|site, feed| {
        let path = site.out.join(&feed.path);
        let out = Command::new("python3").args(["-c", PYTHON]).arg(&path).output().expect("python3");
        assert!(out.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&out.stderr));
        let read: Value = serde_json::from_slice(&out.stdout).expect("JSON");
        assert_eq!(read["bozo"], false, "{}: {}", path.display(), read["why"]);
        let expected: Value =
            site.expected(feed).iter().map(|(id, title)| serde_json::json!([id, shown(title)])).collect();
        assert_eq!(read["entries"], expected, "{}", path.display());
        assert!(read["self"][0].as_str().is_some_and(|own| own.ends_with(&feed.path)), "{}", read["self"]);
        said.push((path.parent().expect("a folder").display().to_string(), read));
    });
    for (folder, read) in &said {
        for (_, other) in said.iter().filter(|(other, _)| other == folder) {
            assert_eq!(read["dates"], other["dates"], "{folder}");
            assert_eq!(read["enclosures"], other["enclosures"], "{folder}");
        }
    }
}

#[test]
fn newsboat_reads_every_feed_with_the_same_items() {
    let name = "newsboat_reads_every_feed_with_the_same_items";
    let present = has_program("newsboat", "--version") && has_program("sqlite3", "--version");
    if !peer_or_skip(name, "newsboat and sqlite3", present) {
        return;
    }
    each_feed(|site, feed| {
        let server = Server::of(&site.out);
        // A cache for each feed: newsboat knows an item by its id alone, and moves it to the last feed that holds it.
        let home = tempfile::TempDir::new().expect("a folder");
        fs::write(home.path().join("urls"), server.url(&feed.path) + "\n").expect("a file");
        fs::write(home.path().join("config"), "max-items 0\n").expect("a file");
        let out = Command::new("newsboat")
            .args(["-C", "config", "-u", "urls", "-c", "cache.db", "-x", "reload"])
            .current_dir(home.path())
            .env("HOME", home.path())
            .env("LC_ALL", "C.UTF-8")
            // A proxy of the machine has no business with this machine.
            .env("no_proxy", "127.0.0.1")
            .output()
            .expect("newsboat");
        assert!(out.status.success(), "{}: {}", site.name, String::from_utf8_lossy(&out.stderr));
        let query = "SELECT json_group_array(json_array(guid, title)) FROM rss_item";
        let out = Command::new("sqlite3").arg(home.path().join("cache.db")).arg(query).output().expect("sqlite3");
        let rows: Vec<(String, String)> = serde_json::from_slice(&out.stdout).expect("JSON");
        // Newsboat sorts by date, and leaves the order of one instant open.
        let sorted = |items: Vec<(String, String)>| {
            let mut items: Vec<(String, String)> = items.into_iter().map(|(id, title)| (id, shown(&title))).collect();
            items.sort();
            items
        };
        assert_eq!(sorted(rows), sorted(site.expected(feed)), "{} {}", site.name, feed.path);
    });
}
