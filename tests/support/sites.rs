//! The sites whose feeds the tests look at: one with every trap, and the real ones where the machine has them. Each is
//! built once for all tests.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{corpora, project::Project};

pub struct Site {
    pub name: &'static str,
    /// What `build` wrote.
    pub out: PathBuf,
    feeds: Vec<Feed>,
}

#[derive(Clone)]
pub struct Feed {
    pub format: String,
    /// Relative to `out`.
    pub path: String,
    pub text: String,
}

impl Site {
    pub fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.feeds.iter()
    }

    /// How many entries of the JSON feed beside `feed` have a body.
    pub fn bodies(&self, feed: &Feed) -> usize {
        let json = self.json_beside(feed);
        json["items"].as_array().expect("items").iter().filter(|item| item["content_html"].is_string()).count()
    }

    /// Id and title of each entry of the JSON feed beside `feed`: what every other reader must see too.
    pub fn expected(&self, feed: &Feed) -> Vec<(String, String)> {
        let json = self.json_beside(feed);
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_string();
        json["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| (text(&item["id"]), text(&item["title"])))
            .collect()
    }

    fn json_beside(&self, feed: &Feed) -> serde_json::Value {
        let path = Path::new(&feed.path).parent().expect("a folder").join("feed.json");
        let json = self.feeds.iter().find(|other| Path::new(&other.path) == path).expect("a JSON feed beside it");
        serde_json::from_str(&json.text).expect("JSON")
    }
}

const FEED: &str = "outputs: { atom: feed/feed.xml, rss: feed/rss.xml, json: feed/feed.json }\nlimit: all\n";

const MINUMECO: &str = "site: { url: https://ecoresponsable.numerique.gouv.fr/, title: Numérique écoresponsable, language: fr, time_zone: Europe/Paris }\n\
     content:\n  paths: [posts]\n  permalink: PERMALINK\n  dates_in: UTC\n  static: static\n  variables: { metadata: _data/metadata.json }\n  \
     markdown: { html: true, breaks: true, linkify: true, typographer: true, indented_code: false, \
     quotes: [\"«\\u00a0\", \"\\u00a0»\", \"‹\\u00a0\", \"\\u00a0›\"] }\nmail: { transport: 'maildir:var/outbox' }\n";

const EIGHTEEN_F: &str = "site: { url: https://18f.gsa.gov/, title: 18F, language: en, time_zone: America/New_York }\n\
     content: { paths: [posts], permalink: '/{year}/{month}/{day}/{slug}/' }\nmail: { transport: 'maildir:var/outbox' }\n";

/// Every site, built.
pub fn all() -> &'static [Site] {
    static BUILT: OnceLock<Vec<Site>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut sites = vec![build("traps", traps())];
        let Some(corpora) = corpora() else {
            println!("skipped: the feeds of the corpora, which are not here");
            return sites;
        };
        let real = |folder: &str, config: &str| {
            let project = Project::empty().file("config/crieur.yaml", config).file("feeds/news.yaml", FEED);
            project.copy(&corpora.join(folder), ".");
            project
        };
        let old = MINUMECO.replace("PERMALINK", "/posts/{stem}/");
        let new = MINUMECO
            .replace("PERMALINK", "/actualites/{stem}/")
            .replace("  variables: { metadata: _data/metadata.json }\n", "")
            .replace("  static: static\n", "");
        sites.push(build("minumeco", real("minumeco", &old)));
        sites.push(build("minumeco-2026", real("minumeco-2026", &new)));
        sites.push(build("18f", real("18f", EIGHTEEN_F)));
        sites
    })
}

fn traps() -> Project {
    let project = Project::empty();
    project.copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/content/valid")), ".");
    let mut body = String::from("---\ntitle: Un mégaoctet\ndate: 2024-02-03\n---\n");
    while body.len() < 1_000_000 {
        body.push_str("Un paragraphe *long*, avec [un lien](autre/), du `code` & `]]>`, et « le reste ».\n\n");
    }
    project.write("posts/one-megabyte.md", body);
    project
}

fn build(name: &'static str, mut project: Project) -> Site {
    project.at("2026-11-24T12:00:00Z");
    let ran = project.crieur(&["--json", "build"]);
    let built: serde_json::Value = serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{name}: {error}\n{}\n{}", ran.stdout, ran.stderr));
    // The project's folder goes away; the feeds stay until the next run of the tests.
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("feeds").join(name);
    let _ = std::fs::remove_dir_all(&out);
    let feeds = built["feeds"]
        .as_array()
        .expect("feeds")
        .iter()
        .map(|feed| {
            let path = feed["path"].as_str().expect("a path");
            let text = project.read(path);
            let path = path.strip_prefix("public/").expect("under public").to_string();
            std::fs::create_dir_all(out.join(&path).parent().expect("a folder")).expect("a folder");
            std::fs::write(out.join(&path), &text).expect("a file");
            Feed { format: feed["format"].as_str().expect("a format").to_string(), path, text }
        })
        .collect();
    Site { name, out, feeds }
}
