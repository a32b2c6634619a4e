use std::fs;
use std::path::Path;

use super::*;
use crate::config::Config;
use crate::problem::Severity;

/// A site in a folder of its own.
pub(crate) struct Site {
    pub root: tempfile::TempDir,
    pub config: Config,
}

/// A configuration for the content that is in `posts`, as `crieur.yaml` would say it.
pub(crate) fn config(root: &Path, content: &str) -> Config {
    let project = tempfile::tempdir().unwrap();
    fs::create_dir_all(project.path().join("config")).unwrap();
    fs::create_dir_all(project.path().join("posts")).unwrap();
    let yaml = format!(
        "site: {{ url: \"https://example.org/\", title: Essai, time_zone: Europe/Paris }}\ncontent:\n  paths: [posts]\n{content}"
    );
    fs::write(project.path().join("config/crieur.yaml"), yaml).unwrap();
    let (mut config, _) = Config::read(project.path()).expect("a configuration");
    config.root = root.to_path_buf();
    config
}

impl Site {
    pub fn new(content: &str, files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let config = config(root.path(), content);
        let site = Site { root, config };
        for (path, text) in files {
            site.write(path, text);
        }
        site
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn load(&self) -> Loaded {
        load(&self.config, now())
    }
}

pub(crate) fn now() -> DateTime<Utc> {
    "2025-01-27T12:00:00Z".parse().unwrap()
}

fn codes(loaded: &Loaded) -> Vec<(&'static str, String)> {
    loaded.problems.iter().map(|problem| (problem.code, problem.to_string())).collect()
}

fn corpus(name: &str) -> Option<std::path::PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora")).join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the corpora are not here");
    None
}

#[test]
fn the_18f_blog_gives_503_items_and_one_error_that_names_file_and_line() {
    let Some(root) = corpus("18f") else { return };
    let loaded = load(&config(&root, "  permalink: /{year}/{month}/{day}/{slug}/\n"), now());
    assert_eq!((loaded.items.len(), loaded.passed_over.len()), (503, 0));
    let errors: Vec<String> = loaded
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    let file =
        "posts/2016-05-19-content-debt-what-it-is-where-to-find-it-and-how-to-prevent-it-in-the-first-place.md";
    assert_eq!(errors, [format!("{file}:5:9: a tab stands where YAML allows only spaces")]);
    let title =
        |path: &str| loaded.items.iter().find(|item| item.path().contains(path)).map(|item| item.title.clone());
    assert_eq!(
        title("content-design-ada").as_deref(),
        Some("Content design for beta.ada.gov: writing for action and flexibility")
    );
    assert!(
        loaded
            .items
            .iter()
            .all(|item| !item.title.contains(['&', '<']) || item.title.contains("& ") || item.title.contains("M&M"))
    );
    assert!(loaded.items.iter().any(|item| item.url == "https://example.org/2015/05/21/tockingtime/"));
}

#[test]
fn minumeco_gives_its_27_published_items_with_their_addresses_and_pictures() {
    let Some(root) = corpus("minumeco") else { return };
    let loaded = load(&config(&root, "  permalink: /posts/{stem}/\n  dates_in: UTC\n"), now());
    assert_eq!(codes(&loaded), []);
    let passed_over: Vec<(&str, &str)> =
        loaded.passed_over.iter().map(|file| (file.path.as_str(), file.reason.as_str())).collect();
    assert_eq!(passed_over, [("posts/formulaireinscriptionformations.md", "`eleventyExcludeFromCollections: true`")]);
    let expected = fs::read_to_string(root.join("expected/feed.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let mut expected: Vec<(String, String)> = expected["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (
                item["id"].as_str().unwrap().replace("ecoresponsable.numerique.gouv.fr", "example.org"),
                crate::item::plain::plain(item["title"].as_str().unwrap()),
            )
        })
        .collect();
    let mut read: Vec<(String, String)> =
        loaded.items.iter().map(|item| (item.url.clone(), item.title.clone())).collect();
    expected.sort();
    read.sort();
    assert_eq!(read, expected);
    for item in &loaded.items {
        assert_eq!(item.published.to_rfc3339().get(10..), Some("T00:00:00+00:00"), "{}", item.path());
        assert_eq!(item.tags.first().map(String::as_str), Some("posts"));
        assert!(
            item.image.as_ref().is_some_and(|image| image.width.is_some() && image.bytes.is_some()),
            "{}",
            item.path()
        );
    }
}

#[test]
fn minumeco_2026_gives_its_15_items_and_every_picture_that_is_there_with_its_size() {
    let Some(root) = corpus("minumeco-2026") else { return };
    let loaded = load(&config(&root, "  permalink: /actualites/{stem}/\n  dates_in: UTC\n"), now());
    assert_eq!(loaded.items.len(), 15);
    // One picture that a post names is not in the corpus: it stands on the site alone.
    let lacking = "posts/actus/semaine NumEco 2026/econumia19mars.md";
    let problems = codes(&loaded);
    assert_eq!(problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["missing-file"]);
    assert!(problems[0].1.starts_with(lacking), "{}", problems[0].1);
    for item in loaded.items.iter().filter(|item| item.path() != lacking) {
        let image = item.image.as_ref().expect("a picture");
        assert!(
            image.width > Some(100) && image.height > Some(100) && image.bytes > Some(1000),
            "{}: {image:?}",
            item.path()
        );
        assert!(image.media_type.as_deref().is_some_and(|kind| kind.starts_with("image/")), "{image:?}");
    }
}

#[test]
fn every_file_is_an_item_or_is_passed_over_with_a_reason_or_is_a_problem() {
    let site = Site::new(
        "  permalink: /{folder}/{stem}/\n",
        &[
            ("posts/good.md", "---\ntitle: Good\ndate: 2024-07-25\n---\nBody\n"),
            ("posts/bundle/index.md", "---\ntitle: Bundle\ndate: 2024-07-25\n---\n"),
            ("posts/2024-07-25-named/index.md", "---\ntitle: Named\n---\n"),
            ("posts/2024/07/26/spelled.md", "---\ntitle: Spelled\n---\n"),
            ("posts/zola.md", "+++\ntitle = 'Zola'\npath = '2024/07/27/zola'\n+++\n"),
            ("posts/pelican.markdown", "Title: Pelican\nDate: 2024-07-25\n\nBody\n"),
            ("posts/_index.md", "---\ntitle: [broken\n---\n"),
            ("posts/index.md", "---\ntitle: All\ndate: 2024-07-25\n---\n"),
            ("posts/topic/index.md", "---\ntitle: Topic\n---\n"),
            ("posts/README.md", "---\ntitle: x\n"),
            ("posts/notes.md", "# Notes\n"),
            ("posts/draft.md", "---\ntitle: Draft\ndraft: true\n---\n"),
            ("posts/_drafts/later.md", "---\ntitle: Later\n---\n"),
            ("posts/late.md", "\n---\ntitle: x\n---\n"),
            ("posts/broken.md", "---\ntitle: a: b\n---\n"),
            ("posts/untitled.md", "---\nlayout: post\ndate: 2024-07-25\n---\n"),
            ("posts/undated.md", "---\ntitle: No date\n---\n"),
            ("posts/neither.md", "---\nlayout: x\n---\n"),
            ("posts/baddate.md", "---\ntitle: x\ndate: 31/12/2024\n---\n"),
            ("posts/style.css", "---\ntitle: x"),
        ],
    );
    site.write("posts/latin.md", b"---\ntitle: \xe9t\xe9\n---\n");
    let mut utf16 = vec![0xFF, 0xFE];
    utf16.extend("---\r\ntitle: Wide\r\ndate: 2024-07-25\r\n---\r\nBody".encode_utf16().flat_map(u16::to_le_bytes));
    site.write("posts/utf16.md", utf16);
    let loaded = site.load();
    let items: Vec<(&str, &str)> =
        loaded.items.iter().map(|item| (item.path(), item.url.trim_start_matches("https://example.org"))).collect();
    assert_eq!(
        items,
        [
            ("posts/2024-07-25-named/index.md", "/2024-07-25-named/"),
            ("posts/2024/07/26/spelled.md", "/2024/07/26/spelled/"),
            ("posts/bundle/index.md", "/bundle/"),
            ("posts/good.md", "/good/"),
            ("posts/pelican.markdown", "/pelican/"),
            ("posts/utf16.md", "/utf16/"),
            ("posts/zola.md", "/2024/07/27/zola/"),
        ]
    );
    assert_eq!(loaded.items[5].body(), "Body");
    let passed_over: Vec<(&str, &str)> =
        loaded.passed_over.iter().map(|file| (file.path.as_str(), file.reason.as_str())).collect();
    assert_eq!(
        passed_over,
        [
            ("posts/README.md", "a README"),
            ("posts/_drafts/later.md", "a draft: it is in a folder of drafts"),
            ("posts/_index.md", "a folder's index page"),
            ("posts/draft.md", "a draft"),
            ("posts/index.md", "the index page of a content folder"),
            ("posts/notes.md", "no front matter"),
            ("posts/topic/index.md", "an index page without a date"),
        ]
    );
    let problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "posts/baddate.md:3:7: `date` is “31/12/2024”, which is no date",
            "posts/broken.md:2:9: a value that holds a colon and a space must stand between quotes",
            "posts/late.md:2:1: the front matter does not begin on the first line: no generator reads it, and the file is passed over",
            "posts/latin.md:2:8: byte 0xE9 at offset 11 is not UTF-8 text",
            "posts/neither.md:1:1: this item has no title",
            "posts/neither.md:1:1: this item has no date, neither in its front matter nor in its name or folder",
            "posts/undated.md:1:1: this item has no date, neither in its front matter nor in its name or folder",
            "posts/untitled.md:1:1: this item has no title",
        ]
    );
    assert!(loaded.problems.iter().all(|problem| problem.help.is_some()));
}

#[test]
fn future_items_follow_the_configured_rule() {
    let ahead = ("posts/ahead.md", "---\ntitle: Ahead\ndate: 2025-03-12\n---\n");
    for (rule, held) in [("publish", false), ("hold", true), ("first-seen", false)] {
        let item = Site::new(&format!("  future: {rule}\n"), &[ahead]).load().items.remove(0);
        assert_eq!(item.held_until.is_some(), held, "{rule}");
        assert_eq!(item.published.to_rfc3339(), "2025-03-11T23:00:00+00:00");
    }
}

#[test]
fn a_file_that_cannot_be_read_does_not_stop_the_others() {
    let site = Site::new("", &[("posts/good.md", "---\ntitle: Good\ndate: 2024-07-25\n---\n")]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", site.root.path().join("posts/dangling.md")).unwrap();
    let loaded = site.load();
    assert_eq!(loaded.items.len(), 1);
    assert_eq!(codes(&loaded), [("broken-link", "posts/dangling.md: this link leads to no file".to_string())]);
}

#[test]
fn a_language_in_the_files_name_is_the_items() {
    let good = "---\ntitle: Good\ndate: 2024-07-25\n---\n";
    let items = Site::new("", &[("posts/a.fr.md", good), ("posts/b/index.en.md", good), ("posts/node.js.md", good)])
        .load()
        .items;
    let languages: Vec<Option<&str>> = items.iter().map(|item| item.language.as_deref()).collect();
    assert_eq!(languages, [Some("fr"), Some("en"), None]);
}

#[test]
fn files_larger_than_the_buffer_are_read_whole() {
    let body = "x".repeat(300_000);
    let site = Site::new(
        "",
        &[
            ("posts/a.md", &format!("---\ntitle: Big\ndate: 2024-07-25\n---\n{body}")),
            ("posts/b.md", "---\ntitle: B\ndate: 2024-07-25\n---\nb"),
        ],
    );
    let items = site.load().items;
    assert_eq!((items[0].body().len(), items[1].body()), (300_000, "b"));
}
