//! Sites that their own generators build: addresses and bodies are those of the pages that Eleventy and Hugo made.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::project::Project;
use crate::support::{has_program, peer_or_skip};

const NOW: &str = "2026-11-24T12:00:00Z";

/// A project whose `content` says `built` and nothing of addresses.
fn project(url: &str, content: &str, out: &str) -> Project {
    let mut project = Project::empty()
        .file(
            "config/crieur.yaml",
            format!(
                "site: {{ url: {url}, title: Le site, language: fr, time_zone: Europe/Paris }}\ncontent:\n{content}\
                 publish: {{ out: {out} }}\nmail: {{ transport: 'maildir:var/outbox' }}\n"
            ),
        )
        .file("feeds/news.yaml", "outputs: { json: feed/feed.json }\nlimit: all\n");
    project.at(NOW);
    project
}

/// Address and body of each entry of the feed, in the order of the addresses.
fn entries(project: &Project, out: &str) -> Vec<(String, String)> {
    let feed: Value = serde_json::from_str(&project.read(&format!("{out}/feed/feed.json"))).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or("").to_string();
    let items = feed["items"].as_array().expect("items");
    let mut entries: Vec<_> = items.iter().map(|item| (text(&item["url"]), text(&item["content_html"]))).collect();
    entries.sort();
    entries
}

fn run(command: &mut Command) -> Vec<u8> {
    let out = command.output().expect("the program starts");
    assert!(out.status.success(), "{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// Eleventy's own program, when it is there.
fn eleventy(test: &str) -> Option<PathBuf> {
    let modules = std::env::var_os("CRIEUR_TEST_NODE_MODULES").map(PathBuf::from);
    let program = modules.map(|modules| modules.join("@11ty/eleventy/cmd.cjs")).filter(|program| program.is_file());
    let present = program.is_some() && has_program("node", "--version");
    peer_or_skip(test, "@11ty/eleventy (npm)", present).then_some(program).flatten()
}

const POST: &str = "<!doctype html><html lang=fr><head><link rel=canonical href=\"https://www.example.org/carnet{{ page.url }}\"></head><body>\
    <a class=\"skip-link\" href=\"#main\">Aller au contenu</a><main id=main><article><h1>{{ title }}</h1>\
    <div class=\"content\"><nav>Sommaire</nav>{{ content | safe }}<button class=copy>Copier</button></div></article></main></body></html>";

fn eleventy_site(content: &str) -> Project {
    project("https://www.example.org/carnet/", content, "_site")
        .file(
            "eleventy.config.js",
            "module.exports = function (c) {\n  console.log('Une ligne de la configuration');\n\
             c.addShortcode('note', (x) => `<aside class=\"note\">${x.split('').reverse().join('')}</aside>`);\n\
             c.addPairedShortcode('box', (inner, n) => `<blockquote>${inner.trim()} ${2 * n}</blockquote>`);\n\
             return { pathPrefix: '/carnet/' };\n};\n",
        )
        .file("_includes/post.njk", POST)
        .file(
            "posts/posts.11tydata.js",
            "module.exports = { layout: 'post.njk', tags: 'posts', permalink: (d) => d.hidden ? false : \
             `/n/${d.page.date.getUTCFullYear()}/${d.page.fileSlug.length}-${d.page.fileSlug}/` };\n",
        )
        .file(
            "posts/un.md",
            "---\ntitle: Un\ndate: 2026-11-20\n---\nBonjour *à tous* {% note \"salut\" %}, [voisin](../../../b/).\n\n{% box 21 %}Encadré{% endbox %}\n",
        )
        .file("posts/2026-11-21-deux.md", "---\ntitle: Deux\ndate: 2026-11-21\n---\nUn autre.\n")
        .file("posts/sans.md", "---\ntitle: Sans\ndate: 2026-11-22\nhidden: true\n---\nPas de page.\n")
        .file("index.njk", "<p>Accueil</p>")
}

#[test]
fn what_eleventy_computes_is_where_and_what_the_feed_says() {
    let Some(program) = eleventy("what_eleventy_computes_is_where_and_what_the_feed_says") else { return };
    let project = eleventy_site(
        "  paths: [posts]\n  dates_in: UTC\n  built: { manifest: var/pages.json, body: article .content }\n",
    );
    let eleventy =
        |arguments: &[&str]| run(Command::new("node").arg(&program).args(arguments).current_dir(project.path()));
    project.write("var/pages.json", eleventy(&["--to=json"]));
    eleventy(&["--quiet"]);
    let ran = project.crieur(&["build"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("is not published: posts/sans.md") && !ran.stderr.contains("warning"),
        "{}",
        ran.stderr
    );
    let listed = entries(&project, "_site");
    let un = "<p>Bonjour <em>à tous</em> </p><aside class=\"note\">tulas</aside>, <a href=\"https://www.example.org/carnet/b/\">voisin</a>.<p></p>\n\
              <blockquote>Encadré 42</blockquote>\n";
    let seen: Vec<(&str, &str)> = listed.iter().map(|(url, body)| (url.as_str(), body.as_str())).collect();
    assert_eq!(seen[0].0, "https://www.example.org/carnet/n/2026/2-un/");
    assert_eq!(seen[1], ("https://www.example.org/carnet/n/2026/4-deux/", "<p>Un autre.</p>\n"));
    let plain = |html: &str| html.replace("<p></p>", "").replace(['\n', ' '], "");
    assert_eq!(plain(seen[0].1).replace("</p><aside", "<aside"), plain(un).replace("</p><aside", "<aside"));
    for (url, _) in &listed {
        let below = url.strip_prefix("https://www.example.org/carnet/").expect("under the site");
        assert!(project.join(&format!("_site/{below}index.html")).is_file(), "{url} is no page of the site");
    }

    // The pages themselves say the same, found by their addresses, when the pattern is the right one.
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", config.replace("manifest: var/pages.json", "manifest: _site"));
    let said = project.crieur(&["check"]).stderr;
    assert!(said.contains("no page of the items is in `_site`"), "{said}");
    let config = project.read("config/crieur.yaml");
    project.write(
        "config/crieur.yaml",
        config.replace("dates_in: UTC", "dates_in: UTC\n  permalink: /n/{year}/2-{stem}/"),
    );
    project.json(&["build"], 0);
    assert_eq!(entries(&project, "_site"), listed[..1]);
}

#[test]
fn what_eleventy_has_not_built_yet_is_said() {
    let Some(program) = eleventy("what_eleventy_has_not_built_yet_is_said") else { return };
    let project = eleventy_site(
        "  paths: [posts]\n  dates_in: UTC\n  built: { manifest: var/pages.json, body: article .content }\n",
    );
    project.write(
        "var/pages.json",
        run(Command::new("node").arg(&program).arg("--to=json").current_dir(project.path())),
    );
    project.json(&["build"], 0);
    project.write("posts/trois.md", "---\ntitle: Trois\ndate: 2026-11-23\n---\nNeuf.\n");
    project.write("posts/un.md", "---\ntitle: Un\ndate: 2026-11-20\n---\nRécrit.\n");
    let said = project.json(&["check"], 0);
    let messages: Vec<&str> = said["problems"]
        .as_array()
        .expect("problems")
        .iter()
        .filter_map(|problem| problem["message"].as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "1 item without a page in `var/pages.json` is not published: posts/trois.md",
            "`var/pages.json` was made before the last change of posts/un.md",
        ]
    );
}

fn hugo_site(content: &str) -> Project {
    project("https://www.example.org/blog/", content, "public")
        .file(
            "hugo.toml",
            "baseURL = 'https://www.example.org/blog/'\ntitle = 'H'\ndisableKinds = ['taxonomy', 'term', 'RSS']\n\
             [permalinks]\nposts = '/:year/:yearday/:title/'\n[markup.highlight]\nlineNos = true\n\
             [outputFormats.pages]\nmediaType = 'application/json'\nbaseName = 'pages'\nisPlainText = true\nnotAlternative = true\n\
             [outputs]\nhome = ['HTML', 'pages']\n",
        )
        .file("layouts/_default/single.html", "<html><body><main><article><h1>{{ .Title }}</h1><div class=text>{{ .Content }}</div></article></main></body></html>")
        .file("layouts/_default/list.html", "<html><body>{{ range .Pages }}<p>{{ .Title }}</p>{{ end }}</body></html>")
        .file("layouts/shortcodes/note.html", "<aside>{{ .Get 0 | strings.ToUpper }} {{ add 40 2 }}</aside>")
        // As docs/built.md has it.
        .file("layouts/index.pages.json", template())
        .file("content/posts/un.md", "---\ntitle: \"Un été, bâti\"\ndate: 2026-11-20\n---\nBonjour.\n\n{{< note \"salut\" >}}\n\n```js\nlet a = 1\n```\n")
        .file("content/posts/lot/index.md", "---\ntitle: Un lot\ndate: 2026-11-21\n---\nAvec [un lien](photo.png).\n")
        .file("content/posts/brouillon.md", "---\ntitle: Brouillon\ndate: 2026-11-21\n---\nCaché.\n")
        .file("content/posts/futur.md", "---\ntitle: Futur\ndate: 2036-11-21\n---\nPlus tard.\n")
}

/// The template that the documentation gives to Hugo sites.
fn template() -> String {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/built.md")).expect("docs/built.md");
    let start = docs.find("{{- $pages := slice -}}").expect("the template");
    docs[start..].split("```").next().expect("its end").to_string()
}

const HUGO_UN: &str = "https://www.example.org/blog/2026/324/un-%C3%A9t%C3%A9-b%C3%A2ti/";
const HUGO_LOT: &str = "https://www.example.org/blog/2026/325/un-lot/";

#[test]
fn what_hugo_computes_is_where_and_what_the_feed_says() {
    let test = "what_hugo_computes_is_where_and_what_the_feed_says";
    if !peer_or_skip(test, "hugo", has_program("hugo", "version")) {
        return;
    }
    let mut bodies = Vec::new();
    for (manifest, body) in [("var/pages.csv", "article .text"), ("public/pages.json", "body")] {
        let project = hugo_site(&format!(
            "  paths: [content/posts]\n  dates_in: UTC\n  built: {{ manifest: {manifest}, body: {body} }}\n"
        ));
        run(Command::new("hugo").arg("--quiet").current_dir(project.path()));
        // Hugo calls one a draft when it lists.
        let brouillon = "---\ntitle: Brouillon\ndate: 2026-11-21\ndraft: true\n---\nCaché.\n";
        project.write("content/posts/brouillon.md", brouillon);
        run(Command::new("hugo").args(["--quiet", "--cleanDestinationDir"]).current_dir(project.path()));
        project.write("var/pages.csv", run(Command::new("hugo").args(["list", "all"]).current_dir(project.path())));
        let ran = project.crieur(&["build"]);
        assert_eq!(ran.status, 0, "{manifest}: {}", ran.stderr);
        let why =
            if manifest.ends_with("csv") { "1 item that Hugo builds only later" } else { "1 item without a page" };
        assert!(
            ran.stderr.contains(why) && ran.stderr.contains("content/posts/futur.md"),
            "{manifest}: {}",
            ran.stderr
        );
        let entries = entries(&project, "public");
        let urls: Vec<&str> = entries.iter().map(|(url, _)| url.as_str()).collect();
        assert_eq!(urls, [HUGO_UN, HUGO_LOT], "{manifest}");
        assert!(entries[0].1.contains("<aside>SALUT 42</aside>"), "{}", entries[0].1);
        assert!(!entries[0].1.contains("<h1"), "{}", entries[0].1);
        assert!(
            entries[1].1.contains("href=\"https://www.example.org/blog/2026/325/un-lot/photo.png\""),
            "{}",
            entries[1].1
        );
        bodies.push(entries);
    }
    assert_eq!(bodies[0], bodies[1]);
    let code = bodies[0][0].1.split("<pre").nth(1).expect("code").to_string();
    let text: String = code.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    assert!(text.starts_with("let a = 1\n"), "{text}");
}
