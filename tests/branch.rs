//! The memory in a branch of the repository: fresh clones that know nothing but it, and what it says to whoever reads it.

use std::fs;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::http;
use crate::support::origin::{LIST, Origin, command, crieur, git, write};
use crate::support::smtp::{Act, Peer, Step};

const MORNING: &str = "2026-03-02T08:00:00Z";
const EVENING: &str = "2026-03-02T18:00:00Z";

fn started(clone: &std::path::Path, now: &str, arguments: &[&str]) -> Child {
    let mut command = command(clone, now, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

fn status(origin: &Origin, now: &str) -> Value {
    let ran = crieur(&origin.editor(), now, &["--json", "status"]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", ran.stdout, ran.stderr))
}

#[test]
fn two_fresh_clones_at_the_same_second_send_one_letter_and_a_third_sends_none() {
    for round in 0..5 {
        let origin = Origin::site("");
        let clones = [origin.clone("one"), origin.clone("two")];
        let running: Vec<Child> = clones.iter().map(|clone| started(clone, MORNING, &["run"])).collect();
        let mut said = String::new();
        for child in running {
            let output = child.wait_with_output().expect("it ends");
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "round {round}: {words}");
            said.push_str(&words);
        }
        assert_eq!(origin.letters().len(), 1, "round {round}: {said}");
        assert!(origin.said("editions/news-1/edition.yaml").contains("state: done"));
        let third = crieur(&origin.clone("three"), EVENING, &["run"]);
        assert_eq!(third.status, 0, "{}", third.stderr);
        assert_eq!(origin.letters().len(), 1);
        // The order in which it was pushed: sending, before its outcome.
        let commits = origin.commits();
        let at = |subject: &str| commits.iter().position(|one| one == subject);
        assert!(at("news n° 1: sending") < at("news n° 1: accepted"), "{commits:?}");
        // A run that had nothing to say said nothing.
        assert_eq!(origin.commits(), commits);
        for clone in &clones {
            assert_eq!(git(clone, &["status", "--porcelain", "--", ":!public"]), "", "the checked-out files");
        }
    }
}

#[test]
fn who_is_overtaken_says_so_and_ends_well() {
    // The peer keeps the first run busy until the second one has looked.
    let peer = Peer::start(|step| match step {
        Step::Ehlo => Act::Late(std::time::Duration::from_millis(2500)),
        _ => Act::Usual,
    });
    let origin = Origin::site("");
    origin.configure(&format!("smtp://127.0.0.1:{}", peer.port), "");
    origin.commit("A relay");
    let first = started(&origin.clone("one"), MORNING, &["run"]);
    while origin_has_no(&origin, "sending") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let second = crieur(&origin.clone("two"), MORNING, &["run"]);
    assert_eq!(second.status, 0, "{}", second.stderr);
    assert!(second.stderr.contains("news n° 1: another run is sending it"), "{}", second.stderr);
    let first = first.wait_with_output().expect("it ends");
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(peer.received().len(), 1);
}

fn origin_has_no(origin: &Origin, state: &str) -> bool {
    let bare = origin.path().join("origin.git");
    let shown = std::process::Command::new("git")
        .args(["show", "crieur:editions/news-1/edition.yaml"])
        .current_dir(bare)
        .output()
        .expect("git");
    !String::from_utf8_lossy(&shown.stdout).contains(&format!("  state: {state}"))
}

#[test]
fn a_relay_that_is_down_delays_the_letter_and_loses_nothing() {
    let down = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = down.local_addr().expect("an address").port();
    drop(down);
    let origin = Origin::site("");
    origin.configure(&format!("smtp://127.0.0.1:{port}"), "");
    origin.commit("A relay that is down");
    let ran = crieur(&origin.clone("one"), MORNING, &["run"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("waits for the mail server"), "{}", ran.stderr);
    let text = origin.said("editions/news-1/edition.yaml");
    assert!(text.contains("state: pending") && text.contains("attempts: 0"), "{text}");
    origin.configure(&format!("maildir:{}", origin.path().join("list").display()), "");
    origin.commit("A relay that is up");
    let ran = crieur(&origin.clone("two"), EVENING, &["run"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(origin.letters().len(), 1);
}

#[test]
fn nobodys_address_is_in_the_branch_the_logs_or_the_pages() {
    // The relay repeats whom it refuses, as they do.
    let peer = Peer::start(|step| match step {
        Step::Rcpt(..) => {
            Act::Say(format!("450 4.2.1 <{LIST}>: mailbox busy, write to postmaster@letters.example.org"))
        }
        _ => Act::Usual,
    });
    let origin = Origin::site("preview_to: [relecture@letters.example.org]\n");
    origin.configure(
        &format!("smtp://127.0.0.1:{}", peer.port),
        "  user: compte@letters.example.org\n  bounces_to: retours@letters.example.org\n",
    );
    origin.commit("A relay");
    let mut logs = String::new();
    let clone = origin.clone("one");
    for (now, arguments) in [
        (MORNING, &["-v", "run"][..]),
        (MORNING, &["-v", "--json", "run", "--stage", "build"]),
        (EVENING, &["-v", "--json", "run", "--stage", "send"]),
        (EVENING, &["status"]),
        (EVENING, &["--json", "status"]),
        (EVENING, &["-v", "stop", "news", "1"]),
        (EVENING, &["-v", "resume", "news", "1"]),
        (EVENING, &["-v", "send", "news"]),
    ] {
        let output =
            command(&clone, now, arguments).env("CRIEUR_SMTP_PASSWORD", "geheim-1234").output().expect("it ran");
        logs.push_str(&String::from_utf8_lossy(&output.stdout));
        logs.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    assert!(logs.contains("mailbox busy") || logs.contains("pending"), "it was tried: {logs}");
    let mut pages = String::new();
    let mut folders = vec![clone.join("public")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("what was published").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                pages.push_str(&String::from_utf8_lossy(&fs::read(&entry).expect("a page")));
            }
        }
    }
    assert!(pages.contains("Du nouveau"), "there are pages");
    // The letter itself says to all its readers where to write to; that stands on its page too, and nowhere else.
    assert!(pages.contains("question@letters.example.org"));
    assert!(!logs.contains("letters.example.org"), "{logs}");
    let history = origin.history();
    assert!(history.contains("editions/news-1/edition.yaml"), "there is a history");
    for secret in
        [LIST, "lists.example.org", "compte@", "relecture@", "retours@", "lettre@", "postmaster@", "geheim-1234"]
    {
        for (name, text) in [("the branch", &history), ("the logs", &logs), ("the pages", &pages)] {
            let line = text.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{name} hold {secret}: {}", line.unwrap_or_default());
        }
    }
}

#[test]
fn a_letter_to_people_is_refused_with_the_reason_and_so_are_commands_about_people() {
    let origin = Origin::site("");
    let clone = origin.clone("one");
    for arguments in [&["recipients", "list"][..], &["bounces", "--maildir", "returned"], &["worker", "--until-done"]]
    {
        let ran = crieur(&clone, MORNING, arguments);
        assert_eq!(ran.status, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("the memory is the branch crieur"), "{}", ran.stderr);
    }
    for to in ["recipients", "file:config/people.csv"] {
        write(
            &clone,
            "config/newsletters/news.yaml",
            &format!("from: lettre@example.org\nto: {to}\nschedule: each-run\n"),
        );
        let ran = crieur(&clone, MORNING, &["run"]);
        assert_eq!(ran.status, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("[no-people]") || ran.stderr.contains("knows nobody"), "{}", ran.stderr);
        assert!(ran.stderr.contains("config/newsletters/news.yaml:2:5"), "{}", ran.stderr);
    }
}

#[test]
fn without_a_remote_what_looks_works_and_what_sends_says_why_not() {
    let origin = Origin::site("");
    let clone = origin.clone("one");
    git(&clone, &["remote", "set-url", "origin", "file:///nowhere.git"]);
    let ran = crieur(&clone, MORNING, &["run"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("git ls-remote"), "{}", ran.stderr);
    for arguments in [&["build"][..], &["check"], &["digest"]] {
        let ran = crieur(&clone, MORNING, arguments);
        assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("the branch crieur cannot be asked"), "{}", ran.stderr);
    }
    git(&clone, &["remote", "remove", "origin"]);
    let ran = crieur(&clone, MORNING, &["run"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("no remote to keep a branch in"), "{}", ran.stderr);
    for arguments in [&["build"][..], &["check"], &["digest"]] {
        let ran = crieur(&clone, MORNING, arguments);
        assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.stderr);
    }
    assert!(!clone.join("feeds/items.lock").exists(), "the branch is the memory");
}

#[test]
fn ids_are_kept_in_the_branch_when_nobody_commits_them() {
    let origin = Origin::site("");
    crieur(&origin.clone("one"), MORNING, &["run"]);
    let before = origin.said("items.lock");
    assert!(before.contains("https://www.example.org/posts/un/"), "{before}");
    // Moved: its id, and so what was announced, stays.
    git(&origin.editor(), &["mv", "posts/un.md", "posts/premier.md"]);
    origin.commit("Another name");
    let clone = origin.clone("two");
    let ran = crieur(&clone, EVENING, &["run"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(origin.letters().len(), 1, "{}", ran.stderr);
    let after = origin.said("items.lock");
    assert!(after.contains("https://www.example.org/posts/un/\t") && after.contains("posts/premier.md"), "{after}");
    let feed = fs::read_to_string(clone.join("public/feed/feed.xml")).expect("a feed");
    assert!(feed.contains("<id>https://www.example.org/posts/un/</id>"), "{feed}");
}

#[test]
fn a_letter_frozen_before_the_deployment_leaves_once_its_pages_answer() {
    let site = tempfile::tempdir().expect("a folder");
    let server = http::Server::of(site.path());
    let origin = Origin::site("wait_for_pages: 24h\n");
    let config = origin.editor().join("config/crieur.yaml");
    let text = fs::read_to_string(&config).expect("the configuration");
    fs::write(&config, text.replace("https://www.example.org/", &server.url(""))).expect("written");
    origin.commit("Where the site is");
    let clone = origin.clone("one");
    let ran = crieur(&clone, MORNING, &["run", "--stage", "build"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let page = fs::read_to_string(clone.join("public/letters/news-1.html")).expect("the letter's page");
    assert!(page.contains("Du nouveau"), "{page}");
    // The deployment fails: the letter waits, and says for what.
    let ran = crieur(&clone, MORNING, &["run", "--stage", "send"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("waits for pages that do not answer yet"), "{}", ran.stderr);
    assert!(ran.stderr.contains("/letters/news-1.html") && ran.stderr.contains("/posts/un/"), "{}", ran.stderr);
    assert!(origin.letters().is_empty());
    // The next job builds the same letter anew, and the deployment works.
    let clone = origin.clone("two");
    crieur(&clone, EVENING, &["run", "--stage", "build"]);
    assert_eq!(fs::read_to_string(clone.join("public/letters/news-1.html")).expect("the page"), page);
    write(site.path(), "letters/news-1.html", &page);
    write(site.path(), "posts/un/index.html", "<p>Du nouveau");
    let ran = crieur(&clone, EVENING, &["run", "--stage", "send"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(origin.letters().len(), 1, "{}", ran.stderr);
    let status = status(&origin, EVENING);
    assert_eq!(status["editions"][0]["state"], "done", "{status}");
}

#[test]
fn pages_that_never_answer_hold_the_letter_and_say_which() {
    let site = tempfile::tempdir().expect("a folder");
    let server = http::Server::of(site.path());
    let origin = Origin::site("wait_for_pages: 6h\n");
    let config = origin.editor().join("config/crieur.yaml");
    let text = fs::read_to_string(&config).expect("the configuration");
    fs::write(&config, text.replace("https://www.example.org/", &server.url(""))).expect("written");
    origin.commit("Where the site is");
    crieur(&origin.clone("one"), MORNING, &["run", "--stage", "build"]);
    let ran = crieur(&origin.clone("two"), EVENING, &["run", "--stage", "send"]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("/posts/un/") && ran.stderr.contains("did not answer in time"), "{}", ran.stderr);
    assert!(origin.letters().is_empty());
    assert!(origin.said("editions/news-1/edition.yaml").contains("state: held"));
}

#[test]
fn drafts_are_offered_beside_the_memory_whatever_its_branch_is_called() {
    for (memory, offer) in [("crieur", "crieur-news-1"), ("crieur/state", "crieur/news-1")] {
        let origin = Origin::site("approve: file\n");
        let config = origin.editor().join("config/crieur.yaml");
        let text = fs::read_to_string(&config).expect("the configuration");
        fs::write(&config, text.replace("git:crieur", &format!("git:{memory}"))).expect("written");
        origin.commit("Another branch");
        let clone = origin.clone("one");
        for arguments in [&["run"][..], &["draft", "news", "--offer"]] {
            let ran = crieur(&clone, MORNING, arguments);
            assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.stderr);
        }
        let branches = git(&origin.path().join("origin.git"), &["branch", "--format=%(refname:short)"]);
        for branch in [memory, offer, "main"] {
            assert!(branches.lines().any(|line| line == branch), "{branch}: {branches}");
        }
        // Merged, it is the approval.
        git(&origin.editor(), &["fetch", "--quiet", "origin"]);
        git(&origin.editor(), &["merge", "--quiet", &format!("origin/{offer}")]);
        origin.commit("Merged");
        let ran = crieur(&origin.clone("two"), EVENING, &["run"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert_eq!(origin.letters().len(), 1, "{}", ran.stderr);
    }
}

/// A hook of the repository: the push is refused as long as `refuse` counts it.
fn refusing(origin: &Origin, refuse: &str) {
    let bare = origin.path().join("origin.git");
    let hook = bare.join("hooks/pre-receive");
    fs::write(
        &hook,
        format!("#!/bin/sh\necho x >> pushes\nn=$(wc -l < pushes)\nif {refuse}; then echo 'the forge is out of order' >&2; exit 1; fi\n"),
    )
    .expect("a hook");
    #[cfg(unix)]
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
}

#[test]
fn where_sending_cannot_be_pushed_no_byte_leaves() {
    let origin = Origin::site("");
    refusing(&origin, "true");
    let ran = crieur(&origin.clone("one"), MORNING, &["run"]);
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("the forge is out of order"), "{}", ran.stderr);
    assert!(origin.letters().is_empty());
}

#[test]
fn an_outcome_that_is_refused_is_pushed_again() {
    let origin = Origin::site("");
    // The first push says that it is being sent; a command tries three times before it gives up for a while.
    refusing(&origin, "[ $n -gt 1 ] && [ $n -lt 6 ]");
    let ran = crieur(&origin.clone("one"), MORNING, &["run"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(origin.letters().len(), 1);
    assert!(origin.said("editions/news-1/edition.yaml").contains("  state: accepted"));
    let pushes = fs::read_to_string(origin.path().join("origin.git/pushes")).expect("the pushes");
    assert_eq!(pushes.lines().count(), 6);
}
