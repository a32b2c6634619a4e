use serde_json::json;

use super::*;
use crate::item::load::tests::config;
use crate::problem::Source;

/// The address of `posts/<below>` with this front matter, and the warnings.
fn at(permalink: &str, below: &str, own: Value) -> (String, Vec<String>) {
    spelled(permalink, below, own, Format::Yaml)
}

fn spelled(permalink: &str, below: &str, own: Value, format: Format) -> (String, Vec<String>) {
    let mut config = config(std::path::Path::new("/nowhere"), "");
    config.content.permalink = permalink.to_string();
    let source = Source { path: format!("posts/{below}"), text: "---\n---\n".into() };
    let (own, inherited) =
        (own.as_object().unwrap().clone(), json!({ "permalink": "/all-the-same/" }).as_object().unwrap().clone());
    let mut fields = Fields {
        own: &own,
        inherited: &inherited,
        format,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        problems: Vec::new(),
    };
    let published = "2024-07-24T22:00:00Z".parse().unwrap();
    let url = address(&config, &mut fields, &Names::of(below, "posts"), published);
    (url.replace("https://example.org", ""), fields.problems.iter().map(|problem| problem.message.clone()).collect())
}

fn plain(permalink: &str, below: &str, own: Value) -> String {
    let (url, warnings) = at(permalink, below, own);
    assert_eq!(warnings, [] as [&str; 0]);
    url
}

#[test]
fn places_are_filled_in() {
    let own = || json!({});
    assert_eq!(plain("/posts/{stem}/", "2024-07-25-title.md", own()), "/posts/2024-07-25-title/");
    assert_eq!(plain("/posts/{slug}/", "2024-07-25-title.md", own()), "/posts/title/");
    assert_eq!(plain("/posts/{slug}/", "2024-07-25.md", own()), "/posts/2024-07-25/");
    assert_eq!(
        plain("/{year}/{month}/{day}/{slug}.html", "title.md", own()),
        "/2024/07/25/title.html",
        "in the content's zone"
    );
    assert_eq!(plain("/{folder}/{stem}/", "a/b/title.md", own()), "/a/b/title/");
    assert_eq!(plain("/{folder}/{stem}/", "title.md", own()), "/title/");
    assert_eq!(plain("/posts/{slug}/", "title.md", json!({ "slug": "other" })), "/posts/other/");
}

#[test]
fn a_file_that_is_called_like_its_folder_is_its_page() {
    for (below, address) in [
        ("a/title/title.md", "/blog/a/title/"),
        ("2024-07-25-title/2024-07-25-title.md", "/blog/2024-07-25-title/"),
        ("title/other.md", "/blog/title/other/"),
        ("title/index.md", "/blog/title/"),
        ("title.md", "/blog/title/"),
    ] {
        assert_eq!(plain("/blog/{path}/", below, json!({})), address, "{below}");
    }
}

#[test]
fn a_page_bundle_takes_its_folders_name() {
    assert_eq!(plain("/{folder}/{slug}/", "a/2024-07-25-title/index.md", json!({})), "/a/title/");
    assert_eq!(plain("/{folder}/{stem}/", "title/index.fr.md", json!({})), "/title/");
}

#[test]
fn what_the_file_says_counts_when_it_is_plain() {
    assert_eq!(
        plain("/{stem}/", "a.md", json!({ "permalink": "/2015/05/21/tockingtime/" })),
        "/2015/05/21/tockingtime/"
    );
    assert_eq!(plain("/{stem}/", "a.md", json!({ "permalink": "/x/index.html" })), "/x/");
    assert_eq!(plain("/{stem}/", "a.md", json!({ "permalink": "/:year/:month/:title.html" })), "/2024/07/a.html");
    assert_eq!(plain("/{stem}/", "2024-07-25-a.md", json!({ "permalink": "/n/{{ page.fileSlug }}/" })), "/n/a/");
    assert_eq!(plain("/{stem}/", "a.md", json!({ "permalink": "pretty" })), "/a/");
    assert_eq!(plain("/{stem}/", "a.md", json!({ "url": "x/y" })), "/x/y");
    assert_eq!(plain("/{stem}/", "a.md", json!({ "url": "https://example.org/whole/" })), "/whole/");
    assert_eq!(plain("/{stem}/", "a.md", json!({ "url": "https://elsewhere.example.org/" })), "/a/");
    assert_eq!(plain("/{stem}/", "a.md", json!({ "path": "files/a.pdf" })), "/a/");
    assert_eq!(spelled("/{stem}/", "a.md", json!({ "path": "2024/07/25/x" }), Format::Toml).0, "/2024/07/25/x/");
}

#[test]
fn what_cannot_be_told_is_a_warning_and_the_configuration_counts() {
    for (own, why) in [
        (json!({ "permalink": "/{{ title | slug }}/" }), "holds template code"),
        (json!({ "permalink": "/:categories/:title/" }), "holds a place that is not known"),
        (json!({ "permalink": { "build": "/x/" } }), "is not a text"),
    ] {
        let (url, warnings) = at("/{stem}/", "a.md", own);
        assert_eq!(url, "/a/");
        assert_eq!(warnings, [format!("`permalink` {why}: the address is made by `content.permalink`")]);
    }
}

#[test]
fn addresses_are_percent_encoded_and_stay_one_part() {
    assert_eq!(plain("/{stem}/", "été à 100% #1?.md", json!({})), "/%C3%A9t%C3%A9%20%C3%A0%20100%25%20%231%3F/");
    assert_eq!(plain("/{folder}/{stem}/", "semaine NumEco/a.md", json!({})), "/semaine%20NumEco/a/");
    assert_eq!(plain("/{stem}/", "a\\b.md", json!({})), "/a%5Cb/");
}
