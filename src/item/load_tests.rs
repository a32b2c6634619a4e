use std::fs;
use std::path::Path;

use super::*;
use crate::config::Config;
use crate::problem::Severity;

/// A site in a folder of its own.
#[allow(dead_code)]
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

#[allow(dead_code)]
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
