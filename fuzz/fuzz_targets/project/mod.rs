//! One project for all runs: its renderer, and its item with another body.

use std::sync::OnceLock;

use crieur::body::Renderer;
use crieur::config::Config;
use crieur::item::{Item, load_all};
use crieur::problem::Source;

const CONFIGURATION: &str = "site: { url: \"https://example.org/\", title: Essai }
content:
  paths: [posts]
  markdown: { html: true, breaks: true, linkify: true, typographer: true, indented_code: false }
  shortcodes: { note: '<div>{{inner}}</div>', hi: '<b>{{args.[0]}}</b>' }
";
const FRONT_MATTER: &str = "---\ntitle: Un essai\ndate: 2026-01-02\nimage: /a.png\nkeys: [x, y]\n---\n";

pub fn with_body(body: &str) -> (Item, &'static Renderer) {
    static PROJECT: OnceLock<(Item, Renderer)> = OnceLock::new();
    let (item, renderer) = PROJECT.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("crieur-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("config")).expect("a folder");
        std::fs::create_dir_all(folder.join("posts")).expect("a folder");
        std::fs::write(folder.join("config/crieur.yaml"), CONFIGURATION).expect("a file");
        std::fs::write(folder.join("posts/a.md"), FRONT_MATTER).expect("a file");
        let (config, _) = Config::read(&folder).unwrap_or_else(|problems| panic!("{problems:?}"));
        let item = load_all(&config, Default::default()).items.pop().expect("an item");
        (item, Renderer::new(&config).0)
    });
    let source = Source::new("posts/a.md", format!("{FRONT_MATTER}{body}"));
    (Item { source, body_start: FRONT_MATTER.len(), ..item.clone() }, renderer)
}
