//! `crieur build`: feeds that nobody finds anything wrong with, written only where they changed.

use serde_json::Value;

use crate::support::project::Project;
use crate::support::rules::complaints;
use crate::support::sites;

const FEED: &str = "outputs: { atom: feed.xml, rss: rss.xml, json: feed.json }\n";

fn post(title: &str, date: &str) -> String {
    format!("---\ntitle: {title}\ndate: {date}\n---\nLe corps de {title}.\n")
}

fn changed(built: &Value) -> Vec<&str> {
    let feeds = built["feeds"].as_array().expect("feeds");
    feeds.iter().filter(|feed| feed["changed"] == true).filter_map(|feed| feed["path"].as_str()).collect()
}

#[test]
fn a_second_build_touches_nothing_and_an_edit_only_its_feeds() {
    let project = Project::new()
        .file("feeds/all.yaml", FEED)
        .file("feeds/video.yaml", "outputs: { atom: video.xml }\nselect: { tags: [vidéo] }\n")
        .file("posts/a.md", post("Un", "2024-05-01"))
        .file("posts/b.md", "---\ntitle: Deux\ndate: 2024-05-02\ntags: [vidéo]\n---\nUn film.\n");
    let built = project.json(&["build"], 0);
    let all = ["public/feed.xml", "public/rss.xml", "public/feed.json", "public/video.xml"];
    assert_eq!(changed(&built), all);
    let times = || all.map(|path| std::fs::metadata(project.join(path)).unwrap().modified().unwrap());
    let lock = project.read("feeds/items.lock");
    let before = times();
    assert_eq!(changed(&project.json(&["build"], 0)), [""; 0]);
    assert_eq!(times(), before);
    assert_eq!(project.read("feeds/items.lock"), lock);

    project.write("posts/a.md", post("Un", "2024-05-01") + "Une phrase de plus.\n");
    assert_eq!(changed(&project.json(&["build"], 0)), &all[..3]);
}

#[test]
fn an_edit_alone_moves_no_date() {
    let project = Project::new().file("feeds/all.yaml", FEED).file("posts/a.md", post("Un", "2024-05-01"));
    project.ok(&["build"]);
    let dates =
        |text: String| text.lines().filter(|line| line.contains("updated>")).map(str::to_string).collect::<Vec<_>>();
    let before = dates(project.read("public/feed.xml"));
    project.write("posts/a.md", post("Un", "2024-05-01") + "Une phrase de plus.\n");
    project.ok(&["build"]);
    assert_eq!(dates(project.read("public/feed.xml")), before);
}

#[test]
fn locked_fails_where_an_id_would_be_given_and_writes_nothing() {
    let project = Project::new().file("feeds/all.yaml", FEED).file("posts/a.md", post("Un", "2024-05-01"));
    let built = project.json(&["build", "--locked"], 1);
    assert_eq!(built["problems"][0]["code"], "not-locked", "{built}");
    assert!(!project.join("public").exists() && !project.join("feeds/items.lock").exists());
    project.ok(&["build"]);
    project.ok(&["build", "--locked"]);
    project.write("posts/a.md", post("Un", "2024-05-01") + "Corrigé.\n");
    project.ok(&["build", "--locked"]);
    project.rename("posts/a.md", "posts/b.md");
    project.json(&["build", "--locked"], 1);
}

#[test]
fn one_broken_item_is_named_and_the_others_are_published() {
    let project = Project::new()
        .file("feeds/all.yaml", FEED)
        .file("posts/a.md", post("Un", "2024-05-01"))
        .file("posts/broken.md", "---\ntitle: [\n---\n");
    let built = project.json(&["build"], 1);
    assert_eq!(built["feeds"][0]["entries"], 1);
    assert_eq!(built["problems"][0]["file"], "posts/broken.md", "{built}");
}

#[test]
fn the_feeds_go_where_out_says() {
    let project = Project::new().file("feeds/all.yaml", FEED).file("posts/a.md", post("Un", "2024-05-01"));
    let built = project.json(&["build", "--out", "elsewhere"], 0);
    assert_eq!(built["feeds"][0]["path"], "elsewhere/feed.xml");
    assert!(project.join("elsewhere/feed.xml").exists() && !project.join("public").exists());
}

#[test]
fn the_validators_rules_find_nothing_in_any_feed() {
    let mut looked_at = 0;
    for site in sites::all() {
        for feed in site.feeds().filter(|feed| feed.format != "json") {
            let said = complaints(&feed.text);
            assert!(said.is_empty(), "{} {}:\n{}", site.name, feed.path, said.join("\n"));
            looked_at += 1;
        }
    }
    assert!(looked_at >= 6, "{looked_at} feeds");
}

#[test]
fn the_rules_see_what_is_wrong() {
    let feed = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>a&lt;/b&gt;</title><entry><id>1</id><title>\u{85}</title>\
                <content type=\"html\">&lt;iframe src=\"/x\"&gt;</content></entry></feed>";
    let said = complaints(feed).join("\n");
    for fault in
        ["0 id in feed", "the id 1", "iframe", "not absolute", "u{85}", "no language", "an entry without its page"]
    {
        assert!(said.contains(fault), "{fault} is not in:\n{said}");
    }
    assert!(complaints("<feed>\u{8}</feed>")[0].starts_with("not well-formed"));
    assert!(complaints("<feed>&nbsp;</feed>")[0].starts_with("not well-formed"));
    assert!(complaints("<feed><a></feed>")[0].starts_with("not well-formed"));
}

#[test]
fn every_json_feed_keeps_to_version_1_1() {
    for site in sites::all() {
        for feed in site.feeds().filter(|feed| feed.format == "json") {
            let json: Value = serde_json::from_str(&feed.text).expect("JSON");
            assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
            for key in ["title", "home_page_url", "feed_url", "language"] {
                assert!(json[key].as_str().is_some_and(|text| !text.is_empty()), "{} {key}", site.name);
            }
            assert!(json["authors"][0]["name"].is_string());
            for item in json["items"].as_array().expect("items") {
                assert!(item["id"].is_string() && item["url"].is_string() && item["title"].is_string(), "{item}");
                assert!(item["content_html"].is_string() != item["content_text"].is_string(), "{item}");
                for key in ["date_published", "date_modified"] {
                    let date = item[key].as_str().unwrap_or_default();
                    assert!(chrono::DateTime::parse_from_rfc3339(date).is_ok(), "{item}");
                }
                assert!(item.get("author").is_none());
            }
        }
    }
}

#[test]
fn the_first_users_feed_says_what_it_said_in_every_format() {
    let Some(corpora) = crate::support::corpora() else {
        println!("skipped: the_first_users_feed_says_what_it_said_in_every_format needs the corpora");
        return;
    };
    let theirs: Value = serde_json::from_str(
        &std::fs::read_to_string(corpora.join("minumeco/expected/feed.json")).expect("the published feed"),
    )
    .expect("JSON");
    let theirs: Vec<String> = theirs["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| words(item["content_html"].as_str().unwrap_or_default()))
        .collect();
    let site = sites::all().iter().find(|site| site.name == "minumeco").expect("the site");
    for feed in site.feeds() {
        let read = feed_rs::parser::parse(feed.text.as_bytes()).expect("a feed");
        let ours: Vec<String> = read
            .entries
            .iter()
            .map(|entry| {
                words(entry.content.as_ref().and_then(|content| content.body.as_deref()).unwrap_or_default())
            })
            .collect();
        assert_eq!(ours.len(), 27);
        for (index, (our, their)) in ours.iter().zip(&theirs).enumerate() {
            assert_eq!(our, their, "{} {}", feed.path, read.entries[index].id);
        }
    }
}

/// The words of a body as a reader sees them, what stands for a frame left out.
fn words(html: &str) -> String {
    use html5ever::tendril::TendrilSink;
    use markup5ever_rcdom::{Handle, NodeData, RcDom};
    fn walk(node: &Handle, text: &mut String) {
        match &node.data {
            NodeData::Text { contents } => text.push_str(&contents.borrow()),
            NodeData::Element { name, attrs, .. } => {
                let framed = attrs.borrow().iter().any(|attribute| &*attribute.name.local == "data-embed");
                if framed || ["iframe", "script", "style"].contains(&&*name.local) {
                    return;
                }
                text.push(' ');
            }
            _ => {}
        }
        for child in node.children.borrow().iter() {
            walk(child, text);
        }
    }
    let context = html5ever::QualName::new(None, html5ever::ns!(html), html5ever::local_name!("body"));
    let dom = html5ever::parse_fragment(RcDom::default(), Default::default(), context, vec![], false).one(html);
    let mut text = String::new();
    walk(&dom.document, &mut text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
