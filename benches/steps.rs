//! The steps of a build, each alone, on items like those of `benches/speed.py`: `cargo bench --bench steps`.

use std::fs;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use crieur::body::Renderer;
use crieur::config::Config;
use crieur::feed::{self, Feed};
use crieur::item::Item;
use crieur::project::Project;
use divan::Bencher;
use divan::counter::ItemsCount;
use tempfile::TempDir;

const ITEMS: usize = 500;

/// A site of `ITEMS` items of 2 kB, in a folder that stays as long as the program.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write(
        "config/crieur.yaml",
        "site: { url: https://www.example.org/, title: Le site, language: fr }\ncontent: { paths: [posts] }\n\
         mail: { transport: 'maildir:var/outbox' }\n",
    );
    write("feeds/news.yaml", "outputs: { atom: feed.xml, rss: rss.xml, json: feed.json }\nlimit: all\n");
    let paragraph =
        "Une phrase **en gras**, avec [un lien](../autre/), l'école & « le reste » de la réunion. ".repeat(5);
    for number in 0..ITEMS {
        let body = format!(
            "# Un titre\n\n{paragraph}\n\n![photo](images/{number}.jpg)\n\n- un\n- deux\n\n{paragraph}\n\n> cité\n\n{paragraph}\n"
        );
        let text = format!(
            "---\ntitle: \"Item {number}\"\ndescription: Un résumé\ndate: 2024-01-{:02}T08:00:00Z\ntags:\n  - un\n---\n\n{body}",
            number % 28 + 1
        );
        write(&format!("posts/item-{number:04}.md"), &text);
    }
    folder
});

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_764_000_000, 0).expect("a moment")
}

fn project() -> Project {
    Project::read(FOLDER.path(), now(), None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn built(project: &Project) -> Feed {
    feed::build_all(&project.config, &project.items, &project.renderer).0.remove(0)
}

fn main() {
    divan::main();
}

#[divan::bench]
fn read_and_identify(bencher: Bencher) {
    let (config, _) = Config::read(FOLDER.path()).expect("a configuration");
    bencher.counter(ItemsCount::new(ITEMS)).bench(|| crieur::item::load::load(&config, now()));
}

#[divan::bench]
fn render_a_body(bencher: Bencher) {
    let project = project();
    let (renderer, item): (&Renderer, &Item) = (&project.renderer, &project.items[0]);
    bencher.counter(ItemsCount::new(1_usize)).bench(|| renderer.render(item).html());
}

#[divan::bench]
fn make_the_model(bencher: Bencher) {
    let project = project();
    bencher.counter(ItemsCount::new(ITEMS)).bench(|| built(&project));
}

#[divan::bench(args = ["atom", "rss", "json"])]
fn write(bencher: Bencher, format: &str) {
    let feed = built(&project());
    let writer: fn(&Feed) -> String = match format {
        "atom" => feed::atom::write,
        "rss" => feed::rss::write,
        _ => feed::json::write,
    };
    bencher.counter(ItemsCount::new(ITEMS)).bench(|| writer(&feed));
}
