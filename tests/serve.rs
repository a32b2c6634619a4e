//! `crieur serve`: what it serves, how people join and leave, and what it bears.

mod archive;
mod bounds;
mod explained;
mod files;
mod importing;
mod joining;
mod journey;
mod keys;
mod killed;
mod leaving;
mod managing;
mod pages;
mod peers;
mod reload;
mod scanner;
mod schedule;
mod status;
mod stranger;
mod suppressed;
mod two;

use crate::support::project::Project;
use crate::support::served::{self, Served};

/// A site with a feed in three formats and a letter to four people, from which the web service lets them leave; the letters
/// are to lie in `var/outbox`. The service's port, where it is to listen.
pub fn project(more: &str) -> (Project, u16) {
    let port = served::free_port();
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: La lettre d’exemple\nfrom: La rédaction <lettre@example.org>\nto: recipients\nleave: web\nschedule: each-run\n\
             backlog: announce\n",
        )
        .file(
            "config/newsletters/other.yaml",
            "title: L’autre <lettre>\nfrom: lettre@example.org\nto: file:config/other.csv\nleave: web\nschedule: 0 9 1 * *\n\
             online: off\n",
        )
        .file("config/other.csv", "email,name\nana@example.org,Ana\nzoe@example.org,Zoé\n")
        .file(
            "feeds/site.yaml",
            "title: Tout <le> site\noutputs: { atom: feed/feed.xml, rss: feed/rss.xml, json: feed/feed.json }\n",
        )
        .file("people.csv", "email,name\nana@example.org,Ana\nbo@example.org,Bo\ncy@example.org,\ndi@example.org,Di\n")
        .file("posts/un.md", format!("---\ntitle: Un\ndate: 2026-02-01\n---\n{}\n", "Du nouveau, é. ".repeat(200)));
    let config = project.read("config/crieur.yaml");
    let web = format!("web:\n  listen: 127.0.0.1:{port}\n  url: http://127.0.0.1:{port}/\n");
    project.write("config/crieur.yaml", format!("{config}{web}{more}"));
    project.at("2026-03-01T08:00:00Z");
    let people = project.join("people.csv");
    project.ok(&["recipients", "import", people.to_str().expect("a path")]);
    (project, port)
}

/// The same, with the service running and the letters sent.
pub fn sent(more: &str) -> (Project, Served) {
    let (project, _) = project(more);
    let served = Served::of(&project);
    let ran = project.crieur(&["run"]);
    assert_eq!((ran.status, project.letters("var/outbox").len()), (0, 4), "{}\n{}", ran.stdout, ran.stderr);
    (project, served)
}

/// The path of the way out of the letter to somebody.
pub fn way_out(letters: &[String], address: &str) -> String {
    let letter =
        letters.iter().find(|letter| letter.lines().any(|line| line.starts_with("To: ") && line.contains(address)));
    let letter = letter.unwrap_or_else(|| panic!("no letter to {address}")).replace("\n ", " ");
    let field = letter.lines().find(|line| line.starts_with("List-Unsubscribe: ")).expect("a way out").to_string();
    assert!(letter.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
    let token = field.split("/leave/").nth(1).and_then(|rest| rest.split('>').next()).expect("a token");
    format!("/leave/{token}")
}

/// How somebody stands with a newsletter.
pub fn state(project: &Project, address: &str, newsletter: &str) -> String {
    let explained = project.json(&["explain", address], 0);
    let newsletters = explained["newsletters"].as_array().cloned().unwrap_or_default();
    let one = newsletters.into_iter().find(|one| one["newsletter"] == newsletter);
    one.map_or_else(|| "unknown".to_string(), |one| one["state"].as_str().expect("a state").to_string())
}
