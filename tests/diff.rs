//! `crieur diff`: what subscribers of the published feeds would see, against a folder, the site, and another generator's feeds.

use std::fs;

use serde_json::Value;

use crate::support::corpora;
use crate::support::http::Server;
use crate::support::project::Project;

const FEED: &str = "outputs: { atom: feed/feed.xml, rss: feed/rss.xml, json: feed/feed.json }\nlimit: 3\n";

fn post(title: &str, date: &str) -> String {
    format!("---\ntitle: {title}\ndate: {date}\n---\nLe corps de {title}.\n")
}

/// A site whose feeds are published: three of its four posts.
fn published() -> Project {
    let mut project = Project::new().file("feeds/news.yaml", FEED);
    for (stem, day) in [("un", 1), ("deux", 2), ("trois", 3), ("quatre", 4)] {
        project.write(&format!("posts/{stem}.md"), post(&format!("Le {stem}"), &format!("2026-11-{day:02}")));
    }
    project.at("2026-11-24T09:00:00Z");
    project.ok(&["build"]);
    project
}

fn titles<'a>(feed: &'a Value, kind: &str) -> Vec<&'a str> {
    feed[kind].as_array().expect(kind).iter().filter_map(|entry| entry["title"].as_str()).collect()
}

/// Every file below a folder with its bytes.
fn everything(project: &Project) -> Vec<(String, Vec<u8>)> {
    let files = walkdir::WalkDir::new(project.path()).sort_by_file_name().into_iter().flatten();
    let files = files.filter(|entry| entry.file_type().is_file());
    files.map(|entry| (entry.path().display().to_string(), fs::read(entry.path()).expect("a file"))).collect()
}

#[test]
fn what_was_just_published_is_no_difference() {
    let project = published();
    let told = project.json(&["diff"], 0);
    let feeds = told["feeds"].as_array().expect("feeds");
    let formats: Vec<_> = feeds.iter().map(|feed| (feed["format"].as_str(), feed["path"].as_str())).collect();
    let expected =
        [("atom", "public/feed/feed.xml"), ("rss", "public/feed/rss.xml"), ("json", "public/feed/feed.json")];
    assert_eq!(formats, expected.map(|(format, path)| (Some(format), Some(path))));
    for feed in feeds {
        for kind in ["about", "new", "changed", "gone", "unread", "past_limit"] {
            assert_eq!(feed[kind].as_array().map(Vec::len), Some(0), "{kind} of {feed}");
        }
    }
    assert_eq!(project.ok(&["diff"]), "news (Atom, RSS, JSON)\n  nothing changes for its subscribers\n");
}

#[test]
fn new_changed_gone_and_what_passes_the_limit_are_told_and_nothing_is_written() {
    let project = published();
    project.write("posts/cinq.md", post("Le cinq", "2026-11-05"));
    project.write("posts/trois.md", post("Le trois, corrigé", "2026-11-03"));
    let before = everything(&project);
    let told = project.json(&["diff"], 0);
    for feed in told["feeds"].as_array().expect("feeds") {
        assert_eq!(titles(feed, "new"), ["Le cinq"]);
        assert_eq!(titles(feed, "changed"), ["Le trois, corrigé"]);
        assert_eq!(feed["changed"][0]["what"], serde_json::json!(["title", "summary", "content"]));
        assert_eq!(feed["new"][0]["url"], "https://www.example.org/posts/cinq/");
        assert_eq!(titles(feed, "past_limit"), ["Le deux"]);
        assert!(titles(feed, "gone").is_empty() && titles(feed, "unread").is_empty());
    }
    assert_eq!(
        project.ok(&["diff"]),
        "news (Atom, RSS, JSON)\n  1 new\n    + Le cinq\n  1 changed\n    ~ Le trois, corrigé  title, summary, content\n  \
         1 past the feed's limit, as entries go that grow old\n    . Le deux\n"
    );
    assert_eq!(everything(&project), before);
    project.remove("posts/quatre.md");
    let told = project.json(&["diff"], 0);
    assert_eq!(titles(&told["feeds"][0], "gone"), ["Le quatre"]);
}

#[test]
fn a_renamed_file_changes_an_address_and_a_lost_memory_brings_entries_back_as_unread() {
    let project = published();
    project.rename("posts/quatre.md", "posts/fini.md");
    let told = project.json(&["diff"], 0);
    assert_eq!(told["feeds"][0]["changed"][0]["what"], serde_json::json!(["url"]));
    assert!(titles(&told["feeds"][0], "unread").is_empty());
    project.remove("feeds/items.lock");
    let told = project.json(&["diff"], 0);
    let feed = &told["feeds"][0];
    assert_eq!(titles(feed, "unread"), ["Le quatre"]);
    assert_eq!(feed["unread"][0]["was"], "https://www.example.org/posts/quatre/");
    let words = project.ok(&["diff"]);
    assert!(
        words.contains("1 coming back as unread: their id is another one\n    ! Le quatre  was https://"),
        "{words}"
    );
}

#[test]
fn the_site_itself_can_be_asked() {
    let project = published();
    let site = Server::of(&project.join("public"));
    project.write("posts/cinq.md", post("Le cinq", "2026-11-05"));
    fs::remove_file(project.join("public/feed/rss.xml")).expect("a feed that is not published");
    project.write("public/feed/feed.json", "<html>");
    let told = project.json(&["diff", "--against", &site.url("")], 1);
    let feeds = told["feeds"].as_array().expect("feeds");
    assert_eq!(feeds.len(), 2, "{told}");
    assert_eq!((feeds[0]["published"].as_bool(), titles(&feeds[0], "new")), (Some(true), vec!["Le cinq"]));
    assert_eq!(feeds[0]["path"], site.url("feed/feed.xml"));
    assert_eq!((feeds[1]["published"].as_bool(), titles(&feeds[1], "new").len()), (Some(false), 3));
    assert_eq!(told["problems"][0]["code"], "published-feed");
    assert_eq!(told["problems"][0]["file"], site.url("feed/feed.json"));
    drop(site);
    let ran = project.crieur(&["diff", "--against", "http://127.0.0.1:1/"]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot be compared"), "{}", ran.stderr);
}

#[test]
fn a_pull_request_reads_it_in_the_sites_language() {
    let project = published();
    project.write("posts/cinq.md", post("Le [cinq] de ada@example.org", "2026-11-05"));
    let expected = "## Flux\n\n- **news** (Atom, RSS, JSON)\u{a0}: 1 nouvelle, 1 au-delà de la limite\n\n\
                    <details><summary>Quelles entrées</summary>\n\n1 nouvelle\n\n\
                    - [Le \\[cinq\\] de …\\@…](<https://www.example.org/posts/cinq/>)\n\n1 au-delà de la limite\n\n\
                    - [Le deux](<https://www.example.org/posts/deux/>)\n\n</details>\n";
    assert_eq!(project.ok(&["diff", "--markdown"]), expected);
    assert_eq!(project.ok(&["diff", "--format", "markdown"]), expected);
    fs::remove_dir_all(project.join("public")).expect("what was published");
    assert_eq!(project.ok(&["diff", "--markdown"]), "## Flux\n\nRien n’est encore publié à quoi comparer.\n");
    assert!(project.ok(&["diff"]).contains("not published in public: 3 entries, all new"));
}

/// The real site's own feeds, written by its generator.
#[test]
fn switching_from_another_generator_says_which_entries_come_back() {
    let Some(corpora) = corpora() else {
        println!("skipped: switching_from_another_generator_says_which_entries_come_back needs the corpora");
        return;
    };
    let config = |ids: &str| {
        format!(
            "site: {{ url: https://ecoresponsable.numerique.gouv.fr/, title: Numérique écoresponsable, language: fr, time_zone: Europe/Paris }}\n\
             content:\n  paths: [posts]\n  permalink: /posts/{{stem}}/\n  dates_in: UTC\n  static: static\n  \
             variables: {{ metadata: _data/metadata.json }}\n{ids}"
        )
    };
    let mut project = Project::empty()
        .file("config/crieur.yaml", config(""))
        .file("feeds/news.yaml", "outputs: { atom: feed/feed.xml, json: feed/feed.json }\nlimit: all\n");
    project.copy(&corpora.join("minumeco"), ".");
    project.at("2026-11-24T12:00:00Z");
    for name in ["feed.xml", "feed.json"] {
        project.write(&format!("published/feed/{name}"), project.read(&format!("expected/{name}")));
    }
    let told = project.json(&["diff", "--against", "published"], 0);
    for feed in told["feeds"].as_array().expect("feeds") {
        assert_eq!(titles(feed, "unread"), [""; 0], "{}", feed["format"]);
        assert_eq!(titles(feed, "gone"), [""; 0], "{}", feed["format"]);
        assert_eq!(titles(feed, "new"), [""; 0], "{}", feed["format"]);
    }
    // Other ids: every entry of 27 comes back, and is found again.
    project.write("config/crieur.yaml", config("  ids: tag\n  tag_date: 2025-01-01\n"));
    let told = project.json(&["diff", "--against", "published"], 0);
    for feed in told["feeds"].as_array().expect("feeds") {
        assert_eq!(titles(feed, "unread").len(), 27, "{}", feed["format"]);
        assert!(titles(feed, "gone").is_empty() && titles(feed, "new").is_empty());
        assert!(feed["unread"][0]["was"].as_str().expect("an id").starts_with("https://"));
        assert!(feed["unread"][0]["id"].as_str().expect("an id").starts_with("tag:"));
    }
}
