//! Two real sites' content, run through the program as their teams would run it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::corpora;
use crate::support::project::Project;

/// The configuration of the first users' site as of January 2025.
const MINUMECO: &str = r#"
site:
  url: https://ecoresponsable.numerique.gouv.fr/
  title: Numérique écoresponsable
  language: fr
  time_zone: Europe/Paris
content:
  paths: [posts]
  permalink: /posts/{stem}/
  dates_in: UTC
  future: publish
  static: static
  variables: { metadata: _data/metadata.json }
  markdown: { html: true, breaks: true, linkify: true, typographer: true, indented_code: false,
              quotes: ["«\u00a0", "\u00a0»", "‹\u00a0", "\u00a0›"] }
mail:
  transport: maildir:var/outbox
"#;

const FEED: &str = "id: https://ecoresponsable.numerique.gouv.fr/\noutputs: { atom: feed/feed.xml, rss: feed/rss.xml, json: feed/feed.json }\nlimit: all\n";

const EACH_ITEM: &str = "title: La lettre\nfrom: Lettre <lettre@example.org>\nto: liste@example.org\nschedule: each-item\n\
                         leave: list\nbacklog: announce\nsurge: 100\nsubject: \"{{edition.headline}}\"\n";

fn minumeco(corpora: &Path) -> Project {
    let project = Project::empty().file("config/crieur.yaml", MINUMECO).file("feeds/news.yaml", FEED);
    project.copy(&corpora.join("minumeco/_data"), "_data");
    project.copy(&corpora.join("minumeco/static"), "static");
    project
}

struct Published {
    id: String,
    title: String,
    updated: i64,
}

fn published(feed: &[u8]) -> Vec<Published> {
    let feed = feed_rs::parser::parse(feed).expect("a feed that parses");
    feed.entries
        .iter()
        .map(|entry| Published {
            id: entry.id.clone(),
            title: entry.title.as_ref().expect("a title").content.clone(),
            updated: entry.updated.or(entry.published).expect("a date").timestamp(),
        })
        .collect()
}

#[test]
fn the_first_users_feed_keeps_its_ids_order_titles_and_dates() {
    let Some(corpora) = corpora() else {
        println!("skipped: the_first_users_feed_keeps_its_ids_order_titles_and_dates needs the corpora");
        return;
    };
    let project = minumeco(&corpora);
    project.copy(&corpora.join("minumeco/posts"), "posts");
    let built = project.json(&["build"], 0);
    let ours = published(project.read("public/feed/feed.xml").as_bytes());
    let theirs = published(&std::fs::read(corpora.join("minumeco/expected/feed.xml")).expect("the published feed"));
    assert_eq!(theirs.len(), 27);
    let pairs = |list: &[Published]| list.iter().map(|p| (p.id.clone(), p.title.clone())).collect::<Vec<_>>();
    assert_eq!(pairs(&ours), pairs(&theirs));
    for (our, their) in ours.iter().zip(&theirs) {
        // Equal instants get distinct seconds: nothing else may differ.
        assert!(
            (0..60).contains(&(our.updated - their.updated)),
            "{}: {} for {}",
            our.id,
            our.updated,
            their.updated
        );
    }
    let seconds: BTreeSet<i64> = ours.iter().map(|p| p.updated).collect();
    assert_eq!(seconds.len(), 27, "two entries share an instant");
    for feed in built["feeds"].as_array().expect("feeds") {
        assert_eq!((feed["entries"].as_u64(), feed["changed"].as_bool()), (Some(27), Some(true)), "{feed}");
    }
    let again = project.json(&["build"], 0);
    assert!(again["feeds"].as_array().expect("feeds").iter().all(|feed| feed["changed"] == false), "{again}");
}

#[test]
fn items_added_one_at_a_time_renamed_edited_or_back_dated_are_announced_exactly_once() {
    let Some(corpora) = corpora() else {
        println!("skipped: items_added_one_at_a_time_… needs the corpora");
        return;
    };
    let mut project = minumeco(&corpora).file("config/newsletters/referents.yaml", EACH_ITEM);
    let posts = corpora.join("minumeco/posts");
    project.write("posts/posts.json", std::fs::read(posts.join("posts.json")).expect("the folder's data"));
    let mut names: Vec<String> = std::fs::read_dir(&posts)
        .expect("the posts")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.sort();
    let mut expected = 0;
    let mut announced: BTreeMap<String, usize> = BTreeMap::new();
    let mut now = chrono::DateTime::parse_from_rfc3339("2025-04-01T08:00:00Z").expect("a moment");
    for (index, name) in names.iter().enumerate() {
        let mut text = std::fs::read_to_string(posts.join(name)).expect("a post");
        expected += usize::from(!text.contains("eleventyExcludeFromCollections: true"));
        if index % 5 == 2 {
            // Back-dated: what is announced is decided by identity, never by date.
            let line = text.lines().find(|line| line.starts_with("date:")).expect("a date").to_string();
            text = text.replacen(&line, "date: 2019-05-01", 1);
        }
        project.write(&format!("posts/{name}"), &text);
        if index % 4 == 3 {
            let earlier = &names[index - 1];
            project.rename(&format!("posts/{earlier}"), &format!("posts/renamed-{earlier}"));
        }
        if index % 3 == 2 {
            let earlier = &names[index - 2];
            for path in [format!("posts/{earlier}"), format!("posts/renamed-{earlier}")] {
                if project.join(&path).exists() {
                    let edited = project.read(&path) + "\n\nUne phrase de plus.\n";
                    project.write(&path, edited);
                }
            }
        }
        now += chrono::Duration::hours(7);
        project.at(&now.to_rfc3339());
        let ran = project.json(&["run"], 0);
        for edition in ran["editions"].as_array().expect("editions") {
            assert_ne!(edition["state"], "held", "{edition}");
        }
    }
    let status = project.json(&["status"], 0);
    for edition in status["editions"].as_array().expect("editions") {
        assert_eq!((&edition["state"], edition["accepted"].as_u64()), (&"done".into(), Some(1)), "{edition}");
        for id in edition["items"].as_array().expect("items") {
            *announced.entry(id.as_str().expect("an id").to_string()).or_default() += 1;
        }
    }
    // Two items with the same video are one entry of a letter: they count, and are not announced again.
    assert!(announced.values().all(|times| *times == 1), "{announced:#?}");
    assert_eq!(announced.len(), expected, "{announced:#?}");
    assert_eq!(project.letters("var/outbox").len(), expected);
}

#[test]
fn ten_years_of_a_blog_are_read_with_one_named_error_and_no_template_code() {
    let Some(corpora) = corpora() else {
        println!("skipped: ten_years_of_a_blog_… needs the corpora");
        return;
    };
    let project = Project::empty()
        .file(
            "config/crieur.yaml",
            "site:\n  url: https://18f.example.org/\n  title: 18F\n  language: en\n  time_zone: America/New_York\n\
             content:\n  paths: [posts]\n  permalink: /{year}/{month}/{day}/{slug}/\n",
        )
        .file("feeds/news.yaml", "outputs: { atom: feed.xml, rss: rss.xml, json: feed.json }\nlimit: all\n");
    project.copy(&corpora.join("18f/posts"), "posts");
    let built = project.json(&["build"], 1);
    let errors: Vec<_> =
        built["problems"].as_array().expect("problems").iter().filter(|p| p["severity"] == "error").collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0]["file"].as_str().is_some_and(|file| file.starts_with("posts/")), "{}", errors[0]);
    assert!(errors[0]["line"].as_u64().is_some_and(|line| line > 1), "{}", errors[0]);
    for path in ["public/feed.xml", "public/rss.xml", "public/feed.json"] {
        assert_eq!(
            feed_rs::parser::parse(project.read(path).as_bytes()).expect("a feed").entries.len(),
            503,
            "{path}"
        );
    }
    let feed: serde_json::Value = serde_json::from_str(&project.read("public/feed.json")).expect("JSON");
    let code = without_code();
    for item in feed["items"].as_array().expect("items") {
        let prose = code(item["content_html"].as_str().expect("content"));
        for sign in ["{{", "{%", ":::"] {
            assert!(!prose.contains(sign), "{}: {sign} in {prose}", item["url"]);
            assert!(!item["title"].as_str().expect("a title").contains(sign));
        }
    }
}

/// Takes out of a page what its author shows as code on purpose.
fn without_code() -> impl Fn(&str) -> String {
    |html: &str| {
        let mut prose = String::new();
        let mut rest = html;
        while let Some(start) = ["<pre", "<code"].iter().filter_map(|tag| rest.find(tag)).min() {
            prose.push_str(&rest[..start]);
            let end = if rest[start..].starts_with("<pre") { "</pre>" } else { "</code>" };
            rest = rest[start..].find(end).map_or("", |at| &rest[start + at + end.len()..]);
        }
        prose + rest
    }
}

/// The first users' site of 2026 as its folders stand around the posts; its own posts' data file is not in the corpus.
fn eleventy_site(project: &Project, input: &str, corpora: &Path) {
    let folder = |path: &str| if input.is_empty() { path.to_string() } else { format!("{input}/{path}") };
    project.write(
        "eleventy.config.js",
        format!(
            "module.exports = function (eleventyConfig) {{\n  eleventyConfig.addPassthroughCopy(\"public\");\n  \
             eleventyConfig.addShortcode(\"dailymotion\", (id) => `<iframe src=\"https://geo.dailymotion.com/player.html?video=${{id}}\"></iframe>`);\n  \
             return {{ dir: {{ input: \"{}\", output: \"_site\" }} }};\n}};\n",
            if input.is_empty() { "." } else { input }
        ),
    );
    project.write("package.json", "{\"devDependencies\": {\"@11ty/eleventy\": \"^3.0.0\"}}\n");
    project.write(
        &folder("_data/metadata.js"),
        "module.exports = {\n  title: \"Numérique écoresponsable\",\n  url: \"https://ecoresponsable.numerique.gouv.fr/\",\n  \
         language: \"fr\",\n  description: \"La mission\",\n  build: function () { return 1; },\n};\n",
    );
    project.write(
        &folder("posts/posts.11tydata.js"),
        "module.exports = {\n  tags: [\"posts\"],\n  layout: \"layouts/post.njk\",\n  permalink: function (data) {\n    \
         return `/actualites/${this.slugify(data.page.fileSlug)}/`;\n  },\n};\n",
    );
    project.copy(&corpora.join("minumeco-2026/posts"), &folder("posts"));
}

#[test]
fn a_site_of_2026_works_after_init_without_an_edit() {
    let Some(corpora) = corpora() else {
        println!("skipped: a_site_of_2026_works_after_init_without_an_edit needs the corpora");
        return;
    };
    for input in ["", "content"] {
        let project = Project::empty();
        eleventy_site(&project, input, &corpora);
        project.ok(&["init"]);
        let built = project.json(&["build"], 0);
        let warnings: Vec<String> = built["problems"]
            .as_array()
            .expect("problems")
            .iter()
            .map(|p| format!("{} {}", p["code"], p["message"]))
            .filter(|text| text.contains("image") || text.contains("shortcode"))
            .collect();
        assert!(warnings.is_empty(), "{warnings:#?}");
        let path = built["feeds"]
            .as_array()
            .expect("feeds")
            .iter()
            .find(|feed| feed["format"] == "json")
            .and_then(|feed| feed["path"].as_str())
            .expect("a JSON feed")
            .to_string();
        let feed: serde_json::Value = serde_json::from_str(&project.read(&path)).expect("JSON");
        let items = feed["items"].as_array().expect("items");
        assert_eq!(items.len(), 15, "under {input:?}");
        let mut videos = 0;
        for item in items {
            let html = item["content_html"].as_str().expect("content");
            for sign in ["{{", "{%", ":::", "<iframe"] {
                assert!(!html.contains(sign), "{}: {sign}", item["url"]);
            }
            assert!(item["url"].as_str().is_some_and(|url| url.contains("/actualites/")), "{}", item["url"]);
            assert!(item["image"].as_str().is_some_and(|url| url.starts_with("https://")), "{}", item["url"]);
            let picture = &item["attachments"][0];
            // One post names a picture that the corpus does not bring.
            let brought = !item["url"].as_str().is_some_and(|url| url.contains("econumia19mars"));
            assert_eq!(picture["size_in_bytes"].as_u64().is_some_and(|size| size > 0), brought, "{}", item["url"]);
            if let Some(at) = html.find("<figure data-embed=\"https://www.dailymotion.com/video/") {
                videos += 1;
                assert!(html[at..].contains("<a href=\"https://www.dailymotion.com/video/"), "{html}");
            }
        }
        assert_eq!(videos, 8, "under {input:?}");
        project.ok(&["check"]);
    }
}
