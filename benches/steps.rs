//! The steps of a build, each alone, on items like those of `benches/speed.py`: `cargo bench --bench steps`.

use std::fs;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use crieur::body::Renderer;
use crieur::config::Config;
use crieur::feed::{self, Feed};
use crieur::item::Item;
use crieur::mail::dkim::{DomainKey, Key, Signer};
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

const RSA: &[u8] = include_bytes!("../src/mail/dkim/test-keys/rsa.pem");
const ED25519: &[u8] = include_bytes!("../src/mail/dkim/test-keys/ed25519.pem");

fn key(kind: &str) -> Key {
    Key::from_pem(if kind == "rsa" { RSA } else { ED25519 }).expect("a key")
}

/// A letter of 40 kB: `odd` has two spaces in a row on every other line, so that nothing of it is relaxed as it is.
fn letter(odd: bool) -> Vec<u8> {
    let line = "<p class=3D\"words\">Une phrase avec l=C3=A9cole et le reste de la r=C3=A9union de jeudi=\r\n";
    let mut letter =
        b"Date: Sun, 01 Mar 2026 10:00:00 +0100\r\nFrom: Redaction <lettre@example.org>\r\nTo: ana@example.org\r\n\
        Subject: La lettre\r\nMessage-ID: <0123456789@example.org>\r\nList-Id: <news.example.org>\r\n\
        List-Unsubscribe: <https://lettre.example.org/leave/0123456789>\r\n\
        List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/html\r\n\r\n"
            .to_vec();
    let other = line.replace(" avec ", "  avec ");
    let mut lines = [line, if odd { &other } else { line }].into_iter().cycle();
    while letter.len() < 40_000 {
        letter.extend_from_slice(lines.next().expect("endless").as_bytes());
    }
    letter
}

/// What the library alone needs to sign as much text as a letter's fields.
#[divan::bench(args = ["rsa", "ed25519"])]
fn sign_bare(bencher: Bencher, kind: &str) {
    let key = key(kind);
    bencher.counter(ItemsCount::new(1_usize)).bench(|| key.sign(&[b'a'; 1000]));
}

#[divan::bench(args = ["rsa", "ed25519"])]
fn sign_a_letter(bencher: Bencher, kind: &str) {
    let key = DomainKey { domain: "example.org".to_string(), selector: "c1".to_string(), key: key(kind) };
    let (signer, letter) = (Signer::new(vec![key]), letter(false));
    bencher.counter(ItemsCount::new(1_usize)).bench(|| signer.sign(&letter));
}

/// Canonicalised by hand, line by line.
#[divan::bench]
fn sign_an_odd_letter(bencher: Bencher) {
    let key = DomainKey { domain: "example.org".to_string(), selector: "c1".to_string(), key: key("ed25519") };
    let (signer, letter) = (Signer::new(vec![key]), letter(true));
    bencher.counter(ItemsCount::new(1_usize)).bench(|| signer.sign(&letter));
}
