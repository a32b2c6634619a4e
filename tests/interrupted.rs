//! A build that is killed at any moment leaves each feed whole: the old one or the new one.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::project::Project;
use crate::support::xml;

const ITEMS: usize = 120;
const KILLS: u32 = 20;

fn site(title: &str) -> String {
    format!(
        "site: {{ url: https://www.example.org/, title: {title}, language: fr }}\ncontent: {{ paths: [posts] }}\n\
         mail: {{ transport: 'maildir:var/outbox' }}\n"
    )
}

#[test]
fn a_build_that_is_killed_leaves_each_feed_whole() {
    let project = Project::new();
    for feed in ["un", "deux", "trois"] {
        let outputs = format!(
            "outputs: {{ atom: {feed}/feed.xml, rss: {feed}/rss.xml, json: {feed}/feed.json }}\nlimit: all\n"
        );
        project.write(&format!("feeds/{feed}.yaml"), outputs);
    }
    for item in 0..ITEMS {
        let body = "Un paragraphe *long*, avec [un lien](autre/), et la suite.\n\n".repeat(10);
        project.write(
            &format!("posts/item-{item:04}.md"),
            format!("---\ntitle: Item {item}\ndate: 2024-01-{:02}\n---\n{body}", item % 28 + 1),
        );
    }
    project.write("config/crieur.yaml", site("Numéro 0"));
    let started = Instant::now();
    project.ok(&["build"]);
    let whole = started.elapsed();

    let (mut old, mut new) = (0, 0);
    for round in 1..=KILLS {
        // Every file changes, so that every file may be caught while it is written.
        let title = format!("Numéro {round}");
        project.write("config/crieur.yaml", site(&title));
        let mut child =
            project.command(&["build"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        // From half of a build to a little more than all of it: it writes at the end.
        thread::sleep(whole * (KILLS + 2 * round) / (2 * KILLS) + Duration::from_millis(u64::from(round * 7 % 5)));
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        for feed in ["un", "deux", "trois"] {
            for file in ["feed.xml", "rss.xml"] {
                let text = project.read(&format!("public/{feed}/{file}"));
                let root = xml::parse(&text).unwrap_or_else(|error| panic!("round {round}, {feed}/{file}: {error}"));
                let list = root.child("channel").unwrap_or(&root);
                let entries = list.children.iter().filter(|child| ["entry", "item"].contains(&child.name.as_str()));
                assert_eq!(entries.count(), ITEMS, "round {round}, {feed}/{file}");
            }
            let json: serde_json::Value =
                serde_json::from_str(&project.read(&format!("public/{feed}/feed.json"))).expect("whole JSON");
            assert_eq!(json["items"].as_array().map(Vec::len), Some(ITEMS));
            let is_new = project.read(&format!("public/{feed}/feed.xml")).contains(&title);
            *(if is_new { &mut new } else { &mut old }) += 1;
        }
    }
    println!("{old} feeds were the old ones, {new} the new ones");

    project.write("config/crieur.yaml", site("Le dernier"));
    project.ok(&["build"]);
    for feed in ["un", "deux", "trois"] {
        let left: Vec<_> =
            fs::read_dir(project.join(&format!("public/{feed}"))).expect("a folder").flatten().collect();
        assert_eq!(left.len(), 3, "{left:?}");
    }
}
