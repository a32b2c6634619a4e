use serde_json::json;

use super::*;
use crate::problem::Severity;

/// What is made of a document, `inherited` handed down, and the warnings' messages.
pub(in crate::item) fn with<T>(
    own: Value,
    inherited: Value,
    format: Format,
    make: impl FnOnce(&mut Fields<'_>) -> T,
) -> (T, Vec<String>) {
    let (Value::Object(own), Value::Object(inherited)) = (own, inherited) else { panic!("objects") };
    let source = Source { path: "posts/a.md".to_string(), text: "---\n---\n".into() };
    let mut fields =
        Fields { own: &own, inherited: &inherited, format, source: &source, zone: Tz::UTC, problems: Vec::new() };
    let made = make(&mut fields);
    assert!(fields.problems.iter().all(|problem| problem.severity == Severity::Warning));
    (made, fields.problems.iter().map(|problem| problem.message.clone()).collect())
}

pub(in crate::item) fn read<T>(own: Value, make: impl FnOnce(&mut Fields<'_>) -> T) -> T {
    let (made, warnings) = with(own, json!({}), Format::Yaml, make);
    assert_eq!(warnings, [] as [&str; 0]);
    made
}

#[test]
fn a_date_is_read_under_every_generators_key() {
    for key in [
        "date",
        "Date",
        "publishedDate",
        "pubDate",
        "publishDate",
        "published_at",
        "created",
        "date-published",
        "published",
    ] {
        let dated = read(json!({ key: "2024-07-25" }), |fields| fields.date()).unwrap();
        assert!(dated.is_some_and(|dated| dated.date_only), "{key}");
    }
    for key in ["updated", "lastmod", "modified", "last_modified_at", "updatedDate"] {
        assert!(read(json!({ key: "2024-07-25" }), |fields| fields.updated()).is_some(), "{key}");
    }
    assert_eq!(read(json!({ "published": true, "date": null }), |fields| fields.date()), Ok(None));
    let problem = read(json!({ "date": "soon" }), |fields| fields.date()).unwrap_err();
    assert_eq!(problem.message, "`date` is “soon”, which is no date");
}

#[test]
fn unpublished_items_say_why() {
    let now = "2025-01-01T00:00:00Z".parse().unwrap();
    let reason = |own: Value| with(own, json!({}), Format::Yaml, |fields| fields.unpublished(now)).0;
    for own in [
        json!({ "draft": true }),
        json!({ "draft": "yes" }),
        json!({ "published": false }),
        json!({ "eleventyExcludeFromCollections": true }),
        json!({ "permalink": false }),
        json!({ "headless": true }),
        json!({ "_build": { "list": "never" } }),
        json!({ "build": { "render": false } }),
        json!({ "status": "Draft" }),
        json!({ "expiryDate": "2024-12-31" }),
        json!({ "pagination": { "data": "x" } }),
    ] {
        assert!(reason(own.clone()).is_some(), "{own}");
    }
    for own in [
        json!({}),
        json!({ "draft": false }),
        json!({ "published": "2024-07-25" }),
        json!({ "expiryDate": "2025-12-31" }),
        json!({ "status": "published" }),
    ] {
        assert_eq!(reason(own.clone()), None, "{own}");
    }
    let inherited =
        with(json!({ "draft": false }), json!({ "draft": true }), Format::Yaml, |fields| fields.unpublished(now));
    assert_eq!(inherited.0, None, "the file's own word counts");
}

#[test]
fn tags_and_categories_of_folder_and_file_add_up() {
    let (tags, warnings) = with(
        json!({ "tags": ["b", "a", null, 3], "categories": "C, D", "taxonomies": { "tags": ["e"] } }),
        json!({ "tags": ["posts", "a"] }),
        Format::Yaml,
        |fields| fields.tags(),
    );
    assert_eq!(tags, ["posts", "a", "b", "3", "e", "C", "D"]);
    assert_eq!(warnings, [] as [&str; 0]);
    let (tags, warnings) =
        with(json!({ "tags": ["a", { "b": 1 }] }), json!({}), Format::Yaml, |fields| fields.tags());
    assert_eq!(tags, ["a"]);
    assert_eq!(warnings, ["`tags` is a list, not a list of texts: it is left out"]);
}

#[test]
fn authors_are_names_lists_or_maps() {
    let person = |name: &str, email: Option<&str>, url: Option<&str>| Person {
        name: name.to_string(),
        email: email.map(str::to_string),
        url: url.map(str::to_string),
    };
    assert_eq!(read(json!({ "author": "Doe, Jane" }), |f| f.authors()), [person("Doe, Jane", None, None)]);
    assert_eq!(
        read(json!({ "author": "Jane <jane@example.org>" }), |f| f.authors()),
        [person("Jane", Some("jane@example.org"), None)]
    );
    assert_eq!(
        read(
            json!({ "authors": ["A &amp; B", { "name": "C", "email": "c@example.org", "link": "https://example.org/c" }, null] }),
            |f| f.authors()
        ),
        [person("A & B", None, None), person("C", Some("c@example.org"), Some("https://example.org/c"))]
    );
    assert_eq!(with(json!({ "authors": "A, B" }), json!({}), Format::Header, |f| f.authors()).0.len(), 2);
    assert_eq!(read(json!({ "taxonomies": { "authors": ["Z"] } }), |f| f.authors()), [person("Z", None, None)]);
    assert_eq!(with(json!({ "author": { "x": 1 } }), json!({}), Format::Yaml, |f| f.authors()).1.len(), 1);
}

#[test]
fn texts_are_plain_and_unusual_values_are_warnings() {
    assert_eq!(
        read(json!({ "Title": " A &ldquo;b&rdquo;\n<em>c</em> " }), |f| f.text(&["title"])).as_deref(),
        Some("A “b” c")
    );
    assert_eq!(read(json!({ "title": 2024 }), |f| f.text(&["title"])).as_deref(), Some("2024"));
    assert_eq!(read(json!({ "series": ["S", "T"] }), |f| f.series()).as_deref(), Some("S"));
    assert_eq!(read(json!({ "serie": "S" }), |f| f.series()).as_deref(), Some("S"));
    let (text, warnings) =
        with(json!({ "description": ["a"] }), json!({}), Format::Yaml, |f| f.text(&["description"]));
    assert_eq!((text, warnings), (None, vec!["`description` is a list, not a text: it is left out".to_string()]));
}
