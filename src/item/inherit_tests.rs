use serde_json::json;

use super::*;
use crate::item::load::Loaded;
use crate::item::load::tests::Site;

const ITEM: &str = "---\ntitle: A\ndate: 2024-07-25\ntags: own\n---\n";

fn load(files: &[(&str, &str)]) -> Loaded {
    Site::new("", files).load()
}

#[test]
fn eleventys_data_files_hand_down_and_the_nearest_word_counts() {
    let loaded = load(&[
        (
            "posts/posts.json",
            r#"{ "tags": ["posts"], "lang": "fr", "author": "Outer", "image": { "alt": "x", "path": "https://example.org/o.png" } }"#,
        ),
        (
            "posts/sub/sub.11tydata.js",
            "module.exports = { tags: 'sub', author: 'Inner', permalink: (data) => data.x, image: { path: \"https://example.org/i.png\" } }",
        ),
        ("posts/sub/a.md", ITEM),
        ("posts/sub/a.11tydata.json", r#"{ "tags": ["file"] }"#),
        ("posts/b.md", ITEM),
    ]);
    let item = &loaded.items[1];
    assert_eq!(item.tags, ["posts", "sub", "file", "own"]);
    assert_eq!(item.language.as_deref(), Some("fr"));
    assert_eq!(item.authors[0].name, "Inner");
    let image = item.image.as_ref().unwrap();
    assert_eq!((image.url.as_str(), image.alt.as_str()), ("https://example.org/i.png", "x"));
    assert_eq!(item.data()["tags"], json!(["posts", "sub", "file", "own"]));
    assert_eq!(item.data()["image"], json!({ "alt": "x", "path": "https://example.org/i.png" }));
    assert_eq!(loaded.items[0].tags, ["posts", "own"]);
    assert_eq!(loaded.problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().len(), 1);
    assert!(
        loaded.problems.0[0].to_string().starts_with("posts/sub/sub.11tydata.js:1:61: `permalink` is a function"),
        "{}",
        loaded.problems.0[0]
    );
}

#[test]
fn hugos_cascades_hand_down_to_pages() {
    let loaded = load(&[
        (
            "posts/_index.md",
            "---\ntitle: News\ncascade:\n  - type: article\n    params: { series: S }\n  - _target: { kind: section }\n    lang: de\n---\n",
        ),
        ("posts/a.md", ITEM),
        ("posts/sub/_index.md", "+++\n[cascade]\ntype = 'video'\n+++\n"),
        ("posts/sub/b.md", ITEM),
    ]);
    let said: Vec<_> = loaded
        .items
        .iter()
        .map(|item| (item.kind.as_deref(), item.series.as_deref(), item.language.as_deref()))
        .collect();
    assert_eq!(said, [(Some("article"), Some("S"), None), (Some("video"), Some("S"), None)]);
    assert_eq!(loaded.passed_over.len(), 2);
}

#[test]
fn jekylls_defaults_hand_down_where_their_scope_says() {
    let loaded = load(&[
        (
            "_config.yml",
            "title: x\ndefaults:\n  - scope: { path: '' }\n    values: { author: All, lang: fr }\n  - scope: { path: posts/en, type: posts }\n    values: { lang: en }\n  - scope: { path: 'posts/*/sub' }\n    values: { type: deep }\n",
        ),
        ("posts/a.md", ITEM),
        ("posts/en/_posts/2024-07-25-b.md", ITEM),
        ("posts/en/sub/c.md", ITEM),
    ]);
    let said: Vec<_> = loaded
        .items
        .iter()
        .map(|item| (item.authors[0].name.as_str(), item.language.as_deref(), item.kind.as_deref()))
        .collect();
    assert_eq!(said, [("All", Some("fr"), None), ("All", Some("en"), None), ("All", Some("fr"), Some("deep"))]);
}

#[test]
fn a_broken_data_file_is_named_and_the_items_are_read() {
    let loaded = load(&[("posts/posts.json", "{ \"a\": 1,\n }"), ("posts/a.md", ITEM)]);
    assert_eq!(loaded.items.len(), 1);
    assert!(
        loaded.problems.0[0].to_string().starts_with("posts/posts.json:2:2: this data file is not valid JSON"),
        "{}",
        loaded.problems.0[0]
    );
}

#[test]
fn patterns_match_from_the_beginning_up_to_a_slash() {
    for (pattern, path, expected) in [
        ("posts/*/sub", "posts/en/sub/a.md", true),
        ("posts/*", "posts/a.md", true),
        ("posts/*/sub", "posts/en/other/a.md", false),
        ("*", "a.md", true),
        ("po", "posts/a.md", false),
    ] {
        assert_eq!(glob(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
    }
}
