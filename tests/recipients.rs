//! The people of a newsletter: added, imported, listed, exported, removed.

use crate::support::project::Project;

fn project() -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: N\nfrom: lettre@example.org\nto: recipients\nleave: mailto:partir@example.org\n\
             schedule: each-run\nbacklog: announce\n",
        )
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n");
    project.at("2026-03-01T08:00:00Z");
    project
}

fn import(project: &Project, content: &str, more: &[&str], status: i32) -> serde_json::Value {
    project.write("people.csv", content);
    let path = project.join("people.csv");
    let mut arguments = vec!["recipients", "import", path.to_str().expect("a path")];
    arguments.extend_from_slice(more);
    project.json(&arguments, status)
}

fn states(project: &Project) -> Vec<(String, String)> {
    let printed = project.json(&["recipients", "list"], 0);
    let listed = printed["recipients"].as_array().expect("a list");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_string();
    listed.iter().map(|one| (text(&one["email"]), text(&one["state"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(email, state)| (email.to_string(), state.to_string())).collect()
}

#[test]
fn bad_rows_are_reported_with_their_line_and_the_good_ones_are_taken() {
    let project = project();
    let printed =
        import(&project, "\u{feff}email;name\nana@example.org;Ana\nbo at example.org;Bo\ncy@example.org;\n", &[], 1);
    assert_eq!(printed["added"], 2);
    let problem = &printed["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["line"], &problem["column"]),
        (&"list-address".into(), &3.into(), &1.into())
    );
    assert_eq!(states(&project), pairs(&[("ana@example.org", "subscribed"), ("cy@example.org", "subscribed")]));
}

#[test]
fn sync_adds_updates_and_retires_and_no_import_revives_someone_who_left() {
    let project = project();
    import(&project, "email,name\nana@example.org,Ana\nbo@example.org,Bo\ncy@example.org,Cy\n", &[], 0);
    project.ok(&["recipients", "remove", "bo@example.org"]);
    let printed =
        import(&project, "email,name\nana@example.org,Ana B\nbo@example.org,Bo\ndi@example.org,Di\n", &["--sync"], 0);
    let sums =
        ["added", "updated", "unchanged", "left", "retired"].map(|key| printed[key].as_u64().expect("a number"));
    assert_eq!(sums, [1, 1, 0, 1, 1]);
    let expected = [
        ("ana@example.org", "subscribed"),
        ("bo@example.org", "left"),
        ("cy@example.org", "retired"),
        ("di@example.org", "subscribed"),
    ];
    assert_eq!(states(&project), pairs(&expected));
    let refused = project.crieur(&["recipients", "add", "bo@example.org"]);
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("--again"), "{}", refused.stderr);
    project.ok(&["recipients", "add", "bo@example.org", "--again"]);
    import(&project, "email\nANA@example.org\n", &[], 0);
    assert_eq!(states(&project).len(), 4, "an address in other letters is the same person");
}

#[test]
fn nobody_is_retired_by_a_file_with_errors() {
    let project = project();
    import(&project, "email\nana@example.org\nbo@example.org\n", &[], 0);
    let printed = import(&project, "email\nana@example.org\nbo@@example\n", &["--sync"], 1);
    assert_eq!(printed["retired"], 0);
}

#[test]
fn consent_needs_its_proof() {
    let project = project();
    let ran = project.crieur(&["recipients", "add", "ana@example.org", "--basis", "consent"]);
    assert_eq!(ran.status, 2);
    project.ok(&["recipients", "add", "ana@example.org", "--basis", "consent", "--proof", "form of 2026-01-01"]);
    let listed = project.json(&["recipients", "list"], 0);
    assert_eq!(
        (&listed["recipients"][0]["basis"], &listed["recipients"][0]["proof"]),
        (&"consent".into(), &"form of 2026-01-01".into())
    );
}

#[test]
fn letters_go_to_whoever_is_on_the_list_and_an_empty_list_keeps_the_items_new() {
    let project = project();
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 0);
    assert!(ran.stderr.contains("recipients import"), "{}", ran.stderr);
    import(&project, "email,name,ville\nana@example.org,\"Ana \"\"la\"\" <fée>\",Lyon\nbo@example.org,,\n", &[], 0);
    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"][0]["accepted"], 2);
    let letters = project.letters("var/outbox");
    assert!(letters.iter().any(|letter| letter.contains("\nTo: \"Ana \\\"la\\\" <fée>\" <ana@example.org>\n")
        || letter.contains("\nTo: =?utf-8?B?")));
    let exported = project.ok(&["recipients", "export"]);
    assert!(exported.starts_with("email,name,newsletter,state,"), "{exported}");
    assert!(exported.contains("bo@example.org,,news,subscribed,mission,"), "{exported}");
    assert!(exported.contains("Lyon"), "{exported}");
}

#[test]
fn a_list_can_be_exported_and_imported_again() {
    let project = project();
    import(&project, "email,name\nana@example.org,Ana\n", &[], 0);
    let out = project.join("out.csv");
    project.ok(&["recipients", "export", "--out", out.to_str().expect("a path")]);
    let printed = import(&project, &project.read("out.csv"), &[], 0);
    assert_eq!(printed["added"], 0);
}

#[test]
fn whoever_has_read_enough_may_go() {
    let project = project();
    let people: String = (0..5000).map(|number| format!("person{number}@example.org,Person\n")).collect();
    import(&project, &format!("email,name\n{people}"), &[], 0);
    for arguments in [&["recipients", "export"][..], &["recipients", "list"], &["--json", "recipients", "list"]] {
        let mut command = project.command(arguments);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        // Nobody reads a byte.
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
