//! One project for all runs: its renderer, and its item with another body.

use std::sync::OnceLock;

use crieur::body::Renderer;
use crieur::item::Item;
use crieur::problem::Source;
use crieur::project::Project;

const CONFIGURATION: &str = "site: { url: \"https://example.org/\", title: Essai }
content:
  paths: [posts]
  markdown: { html: true, breaks: true, linkify: true, typographer: true, indented_code: false }
  shortcodes: { note: '<div>{{inner}}</div>', hi: '<b>{{args.[0]}}</b>' }
";
const NEWSLETTER: &str =
    "title: Essai\nfrom: essai@example.org\nlist_id: essai.example.org\nto: list@example.org\nleave: list\n";
const FRONT_MATTER: &str = "---\ntitle: Un essai\ndate: 2026-01-02\nimage: /a.png\nkeys: [x, y]\n---\n";

/// The project, with one item and one newsletter.
pub fn project() -> &'static Project {
    static PROJECT: OnceLock<Project> = OnceLock::new();
    PROJECT.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("crieur-fuzz-{}", std::process::id()));
        let files = [
            ("config/crieur.yaml", CONFIGURATION),
            ("config/newsletters/letter.yaml", NEWSLETTER),
            ("posts/a.md", FRONT_MATTER),
        ];
        for (path, text) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        Project::read(&folder, Default::default(), None).unwrap_or_else(|problems| panic!("{problems:?}"))
    })
}

/// Its item, with another body.
#[allow(dead_code, reason = "not every target asks")]
pub fn with_body(body: &str) -> (Item, &'static Renderer) {
    let project = project();
    let source = Source::new("posts/a.md", format!("{FRONT_MATTER}{body}"));
    (Item { source, body_start: FRONT_MATTER.len(), ..project.items[0].clone() }, &project.renderer)
}
