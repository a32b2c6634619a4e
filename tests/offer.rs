//! `draft --offer`: the next edition's file on a branch of the repository's remote, for an editor to rearrange and to merge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::offering::{BRANCH, FILE, Offering, git, post};
use crate::support::project::Ran;

/// Everything of a checkout that a person sees of it.
fn standing(folder: &Path) -> (String, String, String) {
    let branches = git(folder, &["for-each-ref", "refs/heads"]);
    (git(folder, &["status", "--porcelain"]), git(folder, &["ls-files", "--stage"]), branches)
}

#[test]
fn a_new_branch_holds_the_draft_on_top_of_what_is_checked_out_and_nothing_here_changes() {
    let offering = Offering::new();
    offering.project.write("posts/un.md", post("Le un, en chantier", 2));
    git(offering.project.path(), &["add", "posts/un.md"]);
    offering.project.write("posts/un.md", post("Le un", 2));
    let before = standing(offering.project.path());
    let offered = offering.offer("opened");
    assert_eq!(
        offered,
        json!({
            "newsletter": "lettre", "number": 1, "path": FILE, "state": "opened", "branch": BRANCH,
            "title": "La lettre n° 1 : Le deux",
            "items": [
                { "id": "https://www.example.org/posts/deux/", "title": "Le deux" },
                { "id": "https://www.example.org/posts/un/", "title": "Le un" },
            ],
            "problems": [],
        })
    );
    assert_eq!(standing(offering.project.path()), before);
    assert_eq!(offering.branches(), [BRANCH, "main"]);
    assert_eq!(git(offering.remote.path(), &["diff", "--name-only", "main", BRANCH]), FILE);
    assert_eq!(offering.tip(&format!("{BRANCH}^")), offering.tip("main"));
    let subject = git(offering.remote.path(), &["log", "-1", "--format=%s", BRANCH]);
    assert_eq!(subject, "La lettre n° 1 : Le deux");
    insta::assert_snapshot!("an_offered_draft", offering.on(BRANCH));
}

#[test]
fn what_came_in_stands_in_its_place_while_nobody_has_touched_the_offer() {
    let offering = Offering::new();
    offering.offer("opened");
    let first = offering.tip(BRANCH);
    offering.offer("unchanged");
    assert_eq!(offering.tip(BRANCH), first);
    offering.write_post("trois", "Le trois", 9);
    let offered = offering.offer("refreshed");
    assert_eq!(offered["items"], json!([{ "id": "https://www.example.org/posts/trois/", "title": "Le trois" }]));
    assert_eq!(offered["title"], "La lettre n° 1 : Le trois");
    assert_eq!(offering.tip(&format!("{BRANCH}^")), first, "a commit on the branch's own tip");
    let text = offering.on(BRANCH);
    assert!(text.contains("\n- [Le trois]") && !text.contains("plus tard ["), "{text}");
    offering.offer("unchanged");
    // A title that is mended is mended there, and what is taken away is not offered any more.
    offering.write_post("trois", "Le troisième", 9);
    let words = offering.project.ok(&["draft", "lettre", "--offer"]);
    assert_eq!(words, "crieur/lettre-1: editions/lettre-1.md follows what was changed on the site\n");
    offering.project.remove("posts/deux.md");
    offering.write_post("quatre", "Le quatre", 12);
    offering.offer("refreshed");
    let text = offering.on(BRANCH);
    assert!(text.contains("- [Le quatre]") && text.contains("- [Le troisième]"), "{text}");
    assert!(!text.contains("Le deux") && !text.contains("plus tard ["), "{text}");
    offering.offer("unchanged");
}

#[test]
fn a_rearranged_offer_keeps_every_byte_and_gets_what_came_in_as_lines_that_wait() {
    let offering = Offering::new();
    offering.offer("opened");
    let edited = offering.edit(BRANCH, "- [Le un]", "Bonjour   à tous.\n\n* 🎓 [Le UN d’abord]");
    let theirs = offering.tip(BRANCH);
    offering.offer("unchanged");
    offering.write_post("trois", "Le trois", 9);
    offering.offer("refreshed");
    let text = offering.on(BRANCH);
    assert!(text.starts_with(&edited), "{text}");
    assert!(text[edited.len()..].contains("- plus tard [Le trois]"), "{text}");
    assert_eq!(offering.tip(&format!("{BRANCH}^")), theirs);
    offering.offer("unchanged");
    // A second time, and from a clone that knows nothing of the first.
    offering.write_post("quatre", "Le quatre", 12);
    let clone = offering.clone(&["--depth=1"]);
    let ran = offering.offer_from(clone.path());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("crieur/lettre-1: 1 item added to editions/lettre-1.md"), "{}", ran.stdout);
    assert!(offering.on(BRANCH).starts_with(&text));
    assert_eq!(git(clone.path(), &["rev-parse", "--is-shallow-repository"]), "true");
    assert_eq!(git(clone.path(), &["status", "--porcelain"]), "");
}

#[test]
fn a_rearranged_offer_is_known_as_such_where_its_commit_was_amended() {
    let offering = Offering::new();
    offering.offer("opened");
    let clone = offering.clone(&["--branch", BRANCH]);
    let path = clone.path().join(FILE);
    let text = fs::read_to_string(&path).expect("the file").replace("[Le un]", "[Le tout premier]");
    fs::write(&path, &text).expect("a file");
    git(clone.path(), &["commit", "--quiet", "--all", "--amend", "--no-edit"]);
    git(clone.path(), &["push", "--quiet", "--force", "origin", BRANCH]);
    offering.write_post("trois", "Le trois", 9);
    offering.offer("refreshed");
    assert!(offering.on(BRANCH).starts_with(&text));
}

#[test]
fn nothing_new_is_no_branch() {
    let offering = Offering::with("approve: file\nselect: { tags: [rien] }\n");
    let offered = offering.offer("nothing-new");
    assert_eq!((&offered["branch"], &offered["items"]), (&Value::Null, &json!([])));
    assert_eq!(offering.branches(), ["main"]);
    let words = offering.project.ok(&["draft", "lettre", "--offer"]);
    assert_eq!(words, "lettre n° 1: nothing is new, nothing to offer\n");
}

#[test]
fn what_is_merged_is_not_offered_again_be_the_checkout_older_than_the_merge() {
    let offering = Offering::new();
    // It begins, and waits for its file.
    offering.project.ok(&["run"]);
    offering.publish_quietly();
    offering.offer("opened");
    let old = offering.clone(&["--depth=1"]);
    git(offering.remote.path(), &["update-ref", "refs/heads/main", BRANCH]);
    git(offering.remote.path(), &["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    let ran = offering.offer_from(old.path());
    assert_eq!((ran.status, &*ran.stdout), (0, "editions/lettre-1.md: merged, and goes when its `send` says so\n"));
    git(offering.project.path(), &["pull", "--quiet", "origin", "main"]);
    offering.write_post("trois", "Le trois", 9);
    assert_eq!(offering.offer("merged")["branch"], Value::Null);
    assert_eq!(offering.branches(), ["main"]);
    // It goes as merged, and the next one is offered with what it did not have.
    offering.project.ok(&["run"]);
    assert_eq!(offering.project.letters("var/outbox").len(), 1);
    let offered = offering.offer("opened");
    assert_eq!((&offered["branch"], &offered["items"][0]["title"]), (&json!("crieur/lettre-2"), &json!("Le trois")));
    assert_eq!(offered["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_offer_that_is_overtaken_begins_again_on_what_is_there() {
    let offering = Offering::new();
    offering.offer("opened");
    offering.write_post("trois", "Le trois", 9);
    // While it pushes, an editor's commit arrives.
    let branch = format!("refs/heads/{BRANCH}");
    let edited = offering.edit(BRANCH, "- [Le un]", "- [Le un, mieux]");
    let theirs = offering.tip(BRANCH);
    git(offering.remote.path(), &["update-ref", &branch, &format!("{theirs}^")]);
    offering.hook(
        "pre-receive",
        &format!(
            "#!/bin/sh\ntest -e done && exit 0\ntouch done\nunset GIT_QUARANTINE_PATH\ngit update-ref {branch} {theirs}\nexit 1\n"
        ),
    );
    offering.offer("refreshed");
    let text = offering.on(BRANCH);
    assert!(text.starts_with(&edited) && text.contains("plus tard [Le trois]"), "{text}");
    assert_eq!(offering.tip(&format!("{BRANCH}^")), theirs);
}

#[test]
fn the_forge_is_told_with_the_push_and_an_editors_title_stays() {
    let offering = Offering::new();
    offering.hook(
        "pre-receive",
        "#!/bin/sh\necho \"push\" >> options\nfor at in 0 1 2; do eval echo \"\\\"\\${GIT_PUSH_OPTION_$at-}\\\"\" >> options; done\n",
    );
    let offer = [
        "draft",
        "lettre",
        "--offer",
        "--push-option",
        "merge_request.create",
        "--push-option",
        "merge_request.title={title}",
        "--push-option",
        "merge_request.label={branch}",
    ];
    let told = |offering: &Offering| {
        let path: PathBuf = offering.remote.path().join("options");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        text.lines().filter(|line| !line.is_empty()).map(String::from).collect::<Vec<_>>()
    };
    offering.project.ok(&offer);
    let label = "merge_request.label=crieur/lettre-1";
    let title = "merge_request.title=La lettre n° 1 : Le deux";
    assert_eq!(told(&offering), ["push", "merge_request.create", title, label]);
    offering.project.ok(&offer);
    assert_eq!(told(&offering), [""; 0], "nothing is pushed");
    offering.write_post("trois", "Le trois", 9);
    told(&offering);
    offering.project.ok(&offer);
    assert_eq!(told(&offering), ["push", "merge_request.create", label]);
}

#[test]
fn the_steps_that_follow_in_a_workflow_are_told() {
    let offering = Offering::new();
    let output = offering.remote.path().join("output");
    let mut offer = offering.project.command(&["draft", "lettre", "--offer"]);
    assert!(offer.env("GITHUB_OUTPUT", &output).output().expect("the program").status.success());
    let told = fs::read_to_string(&output).expect("the outputs");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "branch=crieur/lettre-1");
    assert_eq!(lines[1], "title=La lettre n° 1 : Le deux");
    assert!(
        lines[2].starts_with("body=La prochaine lettre") && lines[2].contains("`editions/lettre-1.md`"),
        "{told}"
    );
    assert_eq!(lines[3..], ["state=opened"]);
}

#[test]
fn an_offer_with_a_mistake_stays_as_it_is_and_says_where() {
    let offering = Offering::new();
    offering.offer("opened");
    let edited = offering.edit(BRANCH, "send: now", "send: demain");
    offering.write_post("trois", "Le trois", 9);
    let offered = offering.project.json(&["draft", "lettre", "--offer"], 1);
    assert_eq!((&offered["state"], &offered["problems"][0]["file"]), (&json!("mistakes"), &json!(FILE)));
    assert_eq!(offered["problems"][0]["line"], 4);
    assert_eq!(offering.on(BRANCH), edited);
    let ran = offering.project.crieur(&["draft", "lettre", "--offer"]);
    assert!(ran.stderr.contains("crieur/lettre-1: nothing is added while its editions/lettre-1.md has mistakes"));
}

#[test]
fn an_offer_whose_file_was_taken_away_is_not_made_again() {
    let offering = Offering::new();
    offering.offer("opened");
    let clone = offering.clone(&["--branch", BRANCH]);
    git(clone.path(), &["rm", "--quiet", FILE]);
    git(clone.path(), &["commit", "--quiet", "--message", "Non"]);
    git(clone.path(), &["push", "--quiet", "origin", BRANCH]);
    offering.write_post("trois", "Le trois", 9);
    offering.offer("unchanged");
    let words = offering.project.ok(&["draft", "lettre", "--offer"]);
    assert!(words.contains("somebody took editions/lettre-1.md away: delete the branch"), "{words}");
}

#[test]
fn what_stands_in_the_way_of_an_offer_is_said() {
    let offering = Offering::new();
    offering.project.ok(&["draft", "lettre"]);
    let ran = offering.project.crieur(&["draft", "lettre", "--offer"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("editions/lettre-1.md") && ran.stderr.contains("in no commit"), "{}", ran.stderr);
    assert_eq!(offering.branches(), ["main"]);
    offering.project.remove(FILE);

    offering.hook("pre-receive", "#!/bin/sh\necho 'you may not push here' >&2\nexit 1\n");
    let ran = offering.project.crieur(&["draft", "lettre", "--offer"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("the branch crieur/lettre-1 cannot be pushed"), "{}", ran.stderr);
    assert!(ran.stderr.contains("you may not push here"), "{}", ran.stderr);

    fs::remove_file(offering.remote.path().join("hooks/pre-receive")).expect("the hook");
    git(offering.remote.path(), &["branch", "crieur", "main"]);
    let ran = offering.project.crieur(&["draft", "lettre", "--offer"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("git has no branch crieur/lettre-1 beside one called crieur"), "{}", ran.stderr);

    git(offering.project.path(), &["remote", "remove", "origin"]);
    let ran = offering.project.crieur(&["draft", "lettre", "--offer"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("has no remote"), "{}", ran.stderr);
}

#[test]
fn two_that_offer_at_once_make_one_branch() {
    let offering = Offering::new();
    let clones = [offering.clone(&["--depth=1"]), offering.clone(&["--depth=1"])];
    let running: Vec<_> = clones
        .iter()
        .zip(["2026-10-20T09:00:00Z", "2026-10-20T09:00:01Z"])
        .map(|(clone, now)| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_crieur"));
            command.current_dir(clone.path()).args(["--json", "--now", now, "draft", "lettre", "--offer"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().expect("the program starts")
        })
        .collect();
    let mut states: Vec<String> = running
        .into_iter()
        .map(|child| {
            let ran = Ran::from(child.wait_with_output().expect("the program ends"));
            assert_eq!(ran.status, 0, "{}", ran.stderr);
            let offered: Value = serde_json::from_str(&ran.stdout).expect("JSON");
            offered["state"].as_str().unwrap_or_default().to_string()
        })
        .collect();
    states.sort();
    assert_eq!(states, ["opened", "unchanged"]);
    assert_eq!(offering.branches(), [BRANCH, "main"]);
    assert_eq!(offering.tip(&format!("{BRANCH}^")), offering.tip("main"));
}

#[test]
fn a_project_in_a_folder_of_the_repository_is_offered_there() {
    let offering = Offering::new();
    let clone = offering.clone(&[]);
    let inside = clone.path().join("lettres");
    fs::create_dir(&inside).expect("a folder");
    for name in ["config", "posts"] {
        git(clone.path(), &["mv", name, "lettres"]);
    }
    git(clone.path(), &["commit", "--quiet", "--message", "Move"]);
    git(clone.path(), &["push", "--quiet", "origin", "HEAD:main"]);
    let ran = offering.offer_from(&inside);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(git(offering.remote.path(), &["diff", "--name-only", "main", BRANCH]), format!("lettres/{FILE}"));
    assert_eq!(offering.offer_from(&inside).stdout, "crieur/lettre-1: nothing came in since\n");
}
