//! `crieur check`: everything is read, every problem is named, nothing is written.

use std::collections::BTreeSet;

use crate::support::project::Project;

const FEED: &str = "outputs: { atom: feed.xml }\n";

fn files(project: &Project) -> BTreeSet<String> {
    let walk = walkdir::WalkDir::new(project.path()).into_iter().flatten();
    walk.map(|entry| entry.path().display().to_string()).collect()
}

#[test]
fn a_sound_project_has_no_problem_and_nothing_is_written() {
    let project = Project::new()
        .file("posts/a.md", "---\ntitle: A\ndate: 2026-01-05\n---\nText.\n")
        .file("feeds/news.yaml", FEED);
    let before = files(&project);
    let ran = project.crieur(&["check"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "1 item, 1 feed, 0 newsletters: no problem\n", "")
    );
    assert_eq!(project.json(&["check"], 0), serde_json::json!({ "problems": [] }));
    assert_eq!(files(&project), before);
}

#[test]
fn every_problem_of_every_file_is_named_in_one_run() {
    let project = Project::new()
        .file("posts/a.md", "---\ntitle: A\ndate: someday\n---\nText.\n")
        .file("posts/b.md", "---\ntitle: B\ndate: 2026-01-05\n---\nText.\n")
        .file("feeds/news.yaml", "outputs: { atom: ../feed.xml }\n")
        .file("config/newsletters/people.yaml", "from: A <a@example.org>\nto: file:people.csv\nleave: list\n")
        .file("mail-templates/digest.txt.hbs", "{{#if x}}\nno end\n");
    let problems = project.json(&["check"], 1);
    let named: Vec<(&str, &str, Option<u64>)> = problems["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|p| (p["file"].as_str().unwrap_or(""), p["severity"].as_str().unwrap_or(""), p["line"].as_u64()))
        .collect();
    assert_eq!(
        named,
        [
            ("config/newsletters/people.yaml", "error", Some(3)),
            ("feeds/news.yaml", "error", Some(1)),
            ("mail-templates/digest.txt.hbs", "error", named[2].2),
            ("posts/a.md", "error", Some(3)),
        ]
    );
}

#[test]
fn a_configuration_that_cannot_be_used_is_exit_2_with_its_problems() {
    let project = Project::empty().file("config/crieur.yaml", "site:\n  title: A\n");
    let problems = project.json(&["check"], 2);
    let messages: Vec<&str> =
        problems["problems"].as_array().expect("a list").iter().filter_map(|p| p["message"].as_str()).collect();
    assert_eq!(messages, ["`site.url` is missing", "`content.paths` is missing"]);
    let ran = project.crieur(&["check", "--format", "github"]);
    assert_eq!(ran.status, 2);
    assert!(
        ran.stdout
            .starts_with("::error file=config/crieur.yaml,line=1,col=1,title=missing-key::`site.url` is missing"),
        "{}",
        ran.stdout
    );
}

#[test]
fn warnings_count_only_when_they_are_denied() {
    let project = Project::new()
        .file("posts/a.md", "---\ntitle: A\ndate: 2026-01-05\n---\nText.\n")
        .file("config/newsletters/a.yaml", "to: list@example.org\n");
    let problems = project.json(&["check"], 0);
    assert_eq!(problems["problems"][0]["severity"], "warning");
    assert_eq!(project.crieur(&["check", "--deny-warnings"]).status, 1);
}

#[test]
fn a_template_that_cannot_say_what_it_names_is_found_before_a_letter_is_due() {
    let project = Project::new()
        .file("posts/a.md", "---\ntitle: A\ndate: 2026-01-05\n---\nText.\n")
        .file("config/newsletters/a.yaml", "from: A <a@example.org>\nto: list@example.org\n")
        .file("mail-templates/digest.txt.hbs", "Hello.\n{{nothing.here}}\n");
    let problems = project.json(&["check"], 1);
    let places: Vec<(&str, Option<u64>)> = problems["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|problem| (problem["file"].as_str().unwrap_or(""), problem["line"].as_u64()))
        .collect();
    assert_eq!(places, [("mail-templates/digest.txt.hbs", Some(2))]);
}
