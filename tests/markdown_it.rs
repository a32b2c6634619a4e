//! Our Markdown beside the real markdown-it, which the first users' site is written with.
//!
//! `CRIEUR_TEST_NODE_MODULES` names a folder of node modules that holds `markdown-it`; without it these tests are
//! skipped by name.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use chrono::DateTime;
use crieur::body::Renderer;
use crieur::config::Config;
use crieur::item::{Item, load_all};
use crieur::problem::Source;
use serde_json::{Value, json};

use crate::bodies::outline;
use crate::support::peer_or_skip;
use crate::support::project::Project;

const SNIPPETS: &str = include_str!("support/markdown_snippets.txt");

struct Peer {
    modules: PathBuf,
    item: Item,
    renderer: Renderer,
    options: Value,
}

impl Peer {
    fn new(test: &str, options: Value) -> Option<Peer> {
        let modules = std::env::var_os("CRIEUR_TEST_NODE_MODULES").map(PathBuf::from);
        if !peer_or_skip(test, "markdown-it", modules.as_ref().is_some_and(|m| m.join("markdown-it").is_dir())) {
            return None;
        }
        let project = Project::empty();
        let content = json!({ "paths": ["posts"], "markdown": options });
        project.write(
            "config/crieur.yaml",
            format!("site: {{ url: https://example.org/, title: Essai }}\ncontent: {content}\n"),
        );
        project.write("posts/a.md", "---\ntitle: Un essai\ndate: 2026-01-02\n---\n");
        let (config, problems) = Config::read(project.path()).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert!(problems.is_empty(), "{problems:?}");
        let item = load_all(&config, DateTime::default()).items.pop().expect("an item");
        Some(Peer { modules: modules.expect("a folder"), item, renderer: Renderer::new(&config).0, options })
    }

    /// What each makes of each text, as outlines of the cleaned trees: ours, theirs.
    fn compare(&self, texts: &[String]) -> Vec<(String, String)> {
        let cases: Vec<Value> = texts.iter().map(|text| json!({ "text": text, "options": self.options })).collect();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/markdown_it.cjs");
        let mut node = Command::new("node")
            .args([script.as_ref(), self.modules.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let mut input = node.stdin.take().expect("an input");
        let cases = Value::from(cases).to_string();
        let writer = std::thread::spawn(move || input.write_all(cases.as_bytes()));
        let output = node.wait_with_output().expect("an output");
        writer.join().expect("a thread").expect("written");
        let theirs: Vec<String> = serde_json::from_slice(&output.stdout).expect("a list of texts");
        assert_eq!(theirs.len(), texts.len());
        let pair = |(text, theirs): (&String, String)| {
            let item = Item { source: Source::new("posts/a.md", text.as_str()), body_start: 0, ..self.item.clone() };
            let ours = self.renderer.render(&item);
            (outline(&ours.nodes), outline(&self.renderer.render_html(&item, &theirs).nodes))
        };
        texts.iter().zip(theirs).map(pair).collect()
    }

    fn assert_same(&self, texts: &[String]) {
        self.assert_nearly_same(texts, 0);
    }

    /// At most `allowed` in a hundred differ.
    fn assert_nearly_same(&self, texts: &[String], allowed: usize) {
        let pairs = self.compare(texts);
        let differing: Vec<_> = texts.iter().zip(&pairs).filter(|(_, (ours, theirs))| ours != theirs).collect();
        for (text, (ours, theirs)) in differing.iter().take(show()) {
            println!("---- {text:?}\nours:\n{ours}theirs:\n{theirs}");
        }
        assert!(differing.len() * 100 <= texts.len() * allowed, "{} of {} differ", differing.len(), texts.len());
    }
}

fn show() -> usize {
    std::env::var("CRIEUR_TEST_SHOW").ok().and_then(|count| count.parse().ok()).unwrap_or(5)
}

fn snippets() -> Vec<String> {
    SNIPPETS.split("\n====\n").map(str::to_string).collect()
}

fn site() -> Value {
    json!({ "html": true, "breaks": true, "linkify": true, "typographer": true, "indented_code": false,
            "quotes": ["«\u{a0}", "\u{a0}»", "‹\u{a0}", "\u{a0}›"] })
}

fn plain() -> Value {
    json!({ "html": false, "breaks": false, "linkify": false, "typographer": false, "indented_code": true,
            "quotes": ["“", "”", "‘", "’"] })
}

#[test]
fn what_the_first_users_write_reads_as_with_markdown_it() {
    let Some(peer) = Peer::new("what_the_first_users_write_reads_as_with_markdown_it", site()) else { return };
    peer.assert_same(&snippets());
}

#[test]
fn without_html_and_with_indented_code_it_reads_as_with_markdown_it() {
    let Some(peer) = Peer::new("without_html_and_with_indented_code_it_reads_as_with_markdown_it", plain()) else {
        return;
    };
    peer.assert_same(&snippets());
}

/// Words thrown together: what nobody would think of.
fn thrown(count: usize, pieces: &[&str], mut seed: u64) -> Vec<String> {
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((seed >> 33) as usize) % below
    };
    let mut one = || (0..2 + next(9)).map(|_| pieces[next(pieces.len())]).collect::<String>();
    (0..count).map(|_| one()).collect()
}

// What still differs among thrown words: addresses glued to what stands before them (markdown-it has a second rule for
// these), and backslashes inside addresses.
#[test]
fn quotes_dashes_and_bare_addresses_read_as_with_markdown_it() {
    let Some(peer) = Peer::new("quotes_dashes_and_bare_addresses_read_as_with_markdown_it", site()) else { return };
    let pieces = [
        "\"",
        "'",
        "a",
        "é",
        " ",
        " ",
        "*",
        "**",
        "`x`",
        "--",
        "---",
        "...",
        "(c)",
        "(tm",
        ")",
        ".",
        ",",
        "!",
        "?",
        "??",
        "1",
        "-",
        "+-",
        "&quot;",
        "\\\"",
        "\n",
        "<b>",
        "</b>",
        "[a](b)",
        "…",
        "€",
        "😀",
        "\u{a0}",
        "www.example.com",
        "https://a.example.org/b_(c)",
        "b@example.fr",
        "example.com",
        "/x",
        ":80",
        "//",
        "_",
        "~~",
        "![i\"](j)",
        "«",
        "»",
        ";",
        "mailto:",
        "<a href=\"x\">",
        "</a>",
        "#h",
    ];
    peer.assert_nearly_same(&thrown(3000, &pieces, 1), 3);
}

#[test]
fn blocks_read_as_with_markdown_it() {
    let pieces = [
        "- ",
        "* ",
        "1. ",
        "2) ",
        "> ",
        "    ",
        "  ",
        "\t",
        "# ",
        "\n",
        "\n",
        "\n\n",
        "a",
        "b",
        "c\n",
        "```\n",
        "***\n",
        "| a | b |\n",
        "|---|---|\n",
        "<div>\n",
        "</div>\n",
        "<!-- x -->\n",
        "[r]: /u\n",
        "[r]",
        "---\n",
        "===\n",
        "`",
        "  \n",
        "<p>",
        "</p>\n",
        "<b>",
        "\\\n",
    ];
    let texts = thrown(3000, &pieces, 2);
    for options in [site(), plain()] {
        let Some(peer) = Peer::new("blocks_read_as_with_markdown_it", options) else { return };
        peer.assert_nearly_same(&texts, 3);
    }
}
