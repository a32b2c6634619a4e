//! What a configuration says only until somebody writes the real thing: the feeds need none of it, and no letter leaves.

use crate::support::project::Project;

#[test]
fn a_placeholder_is_named_with_its_line_and_keeps_letters_back_and_nothing_else() {
    let mut project = Project::new()
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-03-01\n---\nDu nouveau.\n")
        .file("feeds/news.yaml", "outputs: { atom: feed/feed.xml }\n")
        .file(
            "config/newsletters/lettre.yaml",
            "from: La rédaction <lettre@example.org>\nto: liste@lists.invalid\nschedule: each-run\nbacklog: announce\n",
        );
    project.at("2026-03-02T08:00:00Z");
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", config.replace("maildir:var/outbox", "smtp://relay.invalid:587"));

    let named = |said: &serde_json::Value, severity: &str| {
        let problems = said["problems"].as_array().expect("problems").iter();
        let ours: Vec<_> = problems.filter(|problem| problem["code"] == "placeholder").collect();
        assert!(ours.iter().all(|problem| problem["severity"] == severity), "{said:#}");
        ours.iter()
            .map(|problem| format!("{}:{}", problem["file"].as_str().unwrap_or(""), problem["line"]))
            .collect::<Vec<_>>()
    };
    let places = ["config/crieur.yaml:11", "config/newsletters/lettre.yaml:2"];
    assert_eq!(named(&project.json(&["check"], 0), "warning"), places);
    // The letter is due: it is not frozen, the feeds are written, and a person should look.
    let said = project.json(&["run"], 1);
    assert_eq!(
        (named(&said, "error"), &said["editions"]),
        (places.map(String::from).to_vec(), &serde_json::json!([]))
    );
    assert!(project.read("public/feed/feed.xml").contains("/posts/un/"));
    assert_eq!(project.json(&["status"], 0)["editions"], serde_json::json!([]));

    // Written, it goes.
    project.write("config/crieur.yaml", config);
    let letter = project.read("config/newsletters/lettre.yaml");
    project.write("config/newsletters/lettre.yaml", letter.replace("lists.invalid", "lists.example.org"));
    project.json(&["run"], 0);
    assert_eq!(project.letters("var/outbox").len(), 1);
}
