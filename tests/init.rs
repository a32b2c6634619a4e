//! `crieur init`: a site of each generator gets a configuration that works at once.

use std::path::Path;

use crate::support::corpora;
use crate::support::project::Project;

/// A copy of one of the sites beside the tests.
fn site(name: &str) -> Project {
    let project = Project::empty();
    project.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/content/sites").join(name), ".");
    project
}

/// Initialises, checks without any error, builds; gives the feed's entries as `address title`, newest first.
fn entries(project: &Project, feed: &str) -> Vec<String> {
    project.json(&["init"], 0);
    project.json(&["check"], 0);
    project.json(&["build"], 0);
    let feed = project.read(feed);
    let feed = feed_rs::parser::parse(feed.as_bytes()).expect("a feed");
    let line = |entry: &feed_rs::model::Entry| {
        format!("{} {}", entry.links[0].href, entry.title.as_ref().map_or("", |title| title.content.as_str()))
    };
    feed.entries.iter().map(line).collect()
}

/// The lines of the configuration that say something of this site.
fn said(project: &Project, keys: &[&str]) -> Vec<String> {
    let config = project.read("config/crieur.yaml");
    let wanted = |line: &&str| keys.iter().any(|key| line.trim_start().starts_with(&format!("{key}:")));
    config.lines().filter(wanted).map(|line| line.split("  # ").next().unwrap_or(line).trim().to_string()).collect()
}

#[test]
fn an_eleventy_site_works_at_once() {
    let project = site("eleventy");
    assert_eq!(
        entries(&project, "_site/feed/feed.xml"),
        [
            "https://carnet.example.org/actualites/lettre-1/ Lettre #1",
            "https://carnet.example.org/actualites/une-video/ Une vidéo",
            "https://carnet.example.org/actualites/premier/ Premier",
        ]
    );
    let config = project.read("config/crieur.yaml");
    let content =
        config.split("\ncontent:\n").nth(1).and_then(|rest| rest.split("\npublish:").next()).expect("content");
    assert_eq!(
        content,
        r#"  paths: [posts]                       # folders or files with the dated items
  permalink: /actualites/{stem}/       # an item's address: {stem} {slug} {folder} {path} {year} {month} {day}
  # Only the generator knows the shortcodes `year`. Its own list tells it; make it before crieur runs:
  #   mkdir -p var && npx @11ty/eleventy --to=json > var/pages.json
  # built: { manifest: var/pages.json, body: article }
  dates_in: UTC                        # the zone of a date that names none
  future: publish                      # dated ahead: publish | hold (until then) | first-seen (as published)
  ids: permalink                       # permalink | tag (with `tag_date: 2024-01-01`, a day on which the site's name was yours)
  static: [public]                     # what the site serves at its root: pictures and their sizes are read here
  variables: { metadata: _data/metadata.js }  # what bodies may name besides their own front matter
  markdown: { html: true, breaks: true, linkify: true, typographer: true, indented_code: false, quotes: ["«\u00a0", "\u00a0»", "‹\u00a0", "\u00a0›"] }
  shortcodes:                          # Handlebars, by name; arguments as args.[0] and by name, paired ones as inner
    badge: '<strong class="badge">{{args.[0]}}</strong>'
    box: |-
      <blockquote>
      <p><strong>{{args.[0]}}</strong></p>
      {{{inner}}}
      </blockquote>
    # year: ''   # eleventy.config.js computes it: write its HTML here
  unknown_shortcode: warn              # warn (leave it out) | fail
"#
    );
    let newsletter = project.read("config/newsletters/lettre.yaml");
    for line in [
        "title: La lettre d'information\n",
        "from: \"Alix Exemple <alix@example.org>\"\n",
        "\nto: recipients  ",
        "\nleave: mailto:alix@example.org  ",
        "\nschedule: \"0 9 1 * *\"  ",
        "\nbacklog: skip  ",
        "\nselect: { tags: [], not_tags: [Lettre d'information] }\n",
    ] {
        assert!(newsletter.contains(line), "{line:?} is not in\n{newsletter}");
    }
    assert_eq!(project.read(".gitattributes"), "/feeds/items.lock merge=union\n");
    assert_eq!(project.read(".gitignore"), "/var/\n/config/*.csv\n!/config/*.sample.csv\n");
}

#[test]
fn a_hugo_site_works_at_once() {
    let project = site("hugo");
    assert_eq!(
        entries(&project, "public/feed/feed.xml"),
        ["https://hugo.example.org/2025/number-two/ Second", "https://hugo.example.org/2025/first/ First"]
    );
    assert_eq!(
        said(&project, &["url", "title", "time_zone", "author", "paths", "figure-of", "note"]),
        [
            "url: https://hugo.example.org/",
            "title: Hugo's example",
            "time_zone: Europe/London",
            "author: { name: Sam Sample, email: sam@example.org }",
            "paths: [content/posts]",
            "figure-of: '<figure><img src=\"{{src}}\" alt=\"\">{{#if caption}}<figcaption>{{caption}}</figcaption>{{/if}}</figure>'",
            "note: '<aside>{{{inner}}}</aside>'",
        ]
    );
}

/// The lines of the configuration around `built`.
fn proposed(project: &Project) -> String {
    project.json(&["init"], 0);
    let config = project.read("config/crieur.yaml");
    let lines: Vec<&str> = config.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("  # built:")).expect("a line");
    lines[at.saturating_sub(2)..=at].join("\n")
}

#[test]
fn what_only_the_generator_knows_is_proposed_to_be_taken_from_it() {
    let eleventy = Project::empty()
        .file(
            "eleventy.config.js",
            "module.exports = (c) => { c.addShortcode(\"note\", (x) => x.toUpperCase()); };\n",
        )
        .file("posts/posts.11tydata.js", "module.exports = { permalink: (d) => slug(d) };\n")
        .file("_includes/base.njk", "<html lang=\"fr\"><body><main>{{ content | safe }}</main></body></html>")
        .file(
            "_includes/post.njk",
            "<article><h1>{{ title }}</h1><div class=\"prose\">{{ content | safe }}</div></article>",
        )
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-11-20\n---\n{% note \"a\" %}\n");
    assert_eq!(
        proposed(&eleventy),
        "  # Only the generator knows the posts' permalink, which is computed, and the shortcodes `note`. Its own list tells it; make it before crieur runs:\n  \
         #   mkdir -p var && npx @11ty/eleventy --to=json > var/pages.json\n  \
         # built: { manifest: var/pages.json, body: article .prose }"
    );
    let hugo = Project::empty()
        .file(
            "hugo.toml",
            "baseURL = \"https://hugo.example.org/\"\n[permalinks]\nposts = \"/:year/:yearday/:title/\"\n",
        )
        .file("layouts/_default/single.html", "<main><div class='text'>{{ .Content }}</div></main>")
        .file("content/posts/un.md", "---\ntitle: Un\ndate: 2026-11-20\n---\n{{< note \"a\" >}}{{< youtube x >}}\n");
    assert_eq!(
        proposed(&hugo),
        "  # Only the generator knows the permalink `/:year/:yearday/:title/`, and the shortcodes `note`. Its own list tells it; make it before crieur runs:\n  \
         #   mkdir -p var && hugo && hugo list all > var/pages.csv\n  \
         # built: { manifest: var/pages.csv, body: main .text }"
    );
    // As a comment it changes nothing yet; taken up as it stands, it is what the configuration takes.
    for project in [eleventy, hugo] {
        let config = project.read("config/crieur.yaml");
        project.write("config/crieur.yaml", config.replace("  # built:", "  built:"));
        let ran = project.crieur(&["check"]);
        assert!(ran.stderr.contains("the site was not built here"), "{}", ran.stderr);
    }
}

#[test]
fn a_jekyll_site_works_at_once() {
    let project = site("jekyll");
    assert_eq!(entries(&project, "_site/feed/feed.xml"), ["https://jekyll.example.org/blog/2025/03/01/first/ First"]);
    assert_eq!(
        said(&project, &["description", "dates_in", "paths", "permalink", "static"]),
        [
            "description: A made-up site",
            "paths: [_posts]",
            "permalink: /{year}/{month}/{day}/{slug}/",
            "dates_in: America/New_York",
            "static: [\".\"]",
        ]
    );
}

#[test]
fn a_zola_site_works_at_once() {
    let project = site("zola");
    assert_eq!(entries(&project, "public/feed/feed.xml"), ["https://zola.example.org/blog/first/ First"]);
    assert_eq!(
        said(&project, &["permalink", "clip"]),
        [
            "permalink: /blog/{folder}/{slug}/",
            "clip: '<iframe src=\"https://video.example.org/embed/{{id}}\"{{#if title}} title=\"{{title}}\"{{/if}}></iframe>'",
        ]
    );
}

#[test]
fn a_pelican_site_works_at_once() {
    let project = site("pelican");
    assert_eq!(
        entries(&project, "output/feed/feed.xml"),
        ["https://pelican.example.org/posts/2025/tout-premier/ Premier"]
    );
    assert_eq!(
        said(&project, &["paths", "exclude", "language"]),
        ["language: fr", "paths: [content]", "exclude: [content/pages]"]
    );
}

#[test]
fn a_folder_of_plain_files_works_and_says_what_it_does_not_tell() {
    let project = site("plain");
    let said = project.json(&["init"], 0);
    assert_eq!(said["generator"], "plain files");
    assert_eq!(said["notes"][0], "the site's address is not known: write it as site.url");
    assert_eq!(project.json(&["check"], 0), serde_json::json!({ "problems": [] }));
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let project = site("zola")
        .file("config/crieur.yaml", "mine\n")
        .file("feeds/own.yaml", "title: Mine\n")
        .file(".gitignore", "/public/\n/var/");
    let first = project.json(&["init"], 0);
    assert_eq!(first["added_to"], serde_json::json!([".gitignore"]));
    assert_eq!(project.read("config/crieur.yaml"), "mine\n");
    assert_eq!(project.read(".gitignore"), "/public/\n/var/\n/config/*.csv\n!/config/*.sample.csv\n");
    assert!(!project.join("feeds/news.yaml").exists());
    let second = project.json(&["init"], 0);
    assert_eq!((&second["written"], &second["added_to"]), (&serde_json::json!([]), &serde_json::json!([])));
}

#[test]
fn the_first_users_site_of_2026_works_after_init_with_no_edit() {
    let Some(corpora) = corpora() else {
        println!("skipped: the_first_users_site_of_2026_works_after_init_with_no_edit needs the corpora");
        return;
    };
    let project = site("eleventy");
    std::fs::remove_dir_all(project.join("posts")).expect("the sample's own posts");
    let data = std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/content/sites/eleventy/posts/posts.11tydata.js"),
    );
    project.write("posts/posts.11tydata.js", data.expect("the data file"));
    project.copy(&corpora.join("minumeco-2026/posts"), "posts");
    let entries = entries(&project, "_site/feed/feed.xml");
    assert_eq!(entries.len(), 15, "{entries:#?}");
    assert!(entries.iter().all(|entry| entry.starts_with("https://carnet.example.org/actualites/")), "{entries:#?}");
    let feed = project.read("_site/feed/feed.xml");
    for code in ["{{", "{%", "{{&lt;", ":::"] {
        assert!(!feed.contains(code), "{code} is in the feed");
    }
    let newsletter = project.read("config/newsletters/lettre.yaml");
    assert!(newsletter.contains("not_tags: [Lettre d'information]"), "{newsletter}");
}

#[test]
fn the_first_users_site_of_2025_is_known_by_its_data_files() {
    let Some(corpora) = corpora() else {
        println!("skipped: the_first_users_site_of_2025_is_known_by_its_data_files needs the corpora");
        return;
    };
    let project = Project::empty();
    for folder in ["posts", "_data", "static"] {
        project.copy(&corpora.join("minumeco").join(folder), folder);
    }
    let entries = entries(&project, "_site/feed/feed.xml");
    assert_eq!(entries.len(), 20, "{entries:#?}");
    assert!(
        entries.iter().all(|entry| entry.starts_with("https://ecoresponsable.numerique.gouv.fr/posts/")),
        "{entries:#?}"
    );
    assert_eq!(
        said(&project, &["title", "language", "variables", "static"]),
        [
            "title: Numérique écoresponsable",
            "language: fr",
            "static: [static]",
            "variables: { metadata: _data/metadata.json }",
        ]
    );
}
