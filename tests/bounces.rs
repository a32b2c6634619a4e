//! Returned mail through the command: from standard input as a mail server hands it over, and from a Maildir.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::project::{Project, Ran};

/// A site whose letters went to three people, with `more` in its mail settings. The letters lie in `var/outbox`.
pub fn sent(more: &str) -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: N\nfrom: lettre@example.org\nto: recipients\nleave: mailto:partir@example.org\n\
             schedule: each-run\nbacklog: announce\n",
        )
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n")
        .file("people.csv", "email,name\nana@example.org,Ana\nbo@example.org,Bo\ncy@example.org,\n");
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", format!("{config}{more}"));
    project.at("2026-03-01T08:00:00Z");
    let people = project.join("people.csv");
    project.ok(&["recipients", "import", people.to_str().expect("a path")]);
    project.ok(&["run"]);
    project
}

/// Hands a message over as a mail server does.
fn hand_over(project: &Project, message: &str, recipient: Option<&str>, arguments: &[&str]) -> Ran {
    let mut command = project.command(arguments);
    command.env_remove("ORIGINAL_RECIPIENT");
    if let Some(recipient) = recipient {
        command.env("ORIGINAL_RECIPIENT", recipient);
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("its input").write_all(message.as_bytes()).expect("it reads all");
    Ran::from(child.wait_with_output().expect("it ends"))
}

/// The header of the letter to somebody.
fn letter_to(project: &Project, address: &str) -> String {
    let letters = project.letters("var/outbox");
    let letter =
        letters.into_iter().find(|letter| letter.lines().any(|l| l.starts_with("To: ") && l.contains(address)));
    letter.expect("a letter").split("\n\n").next().expect("a header").to_string()
}

/// A report of a server that returns the letter with this header, by its Message-ID alone.
fn report(letter: &str, id: &str, fields: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nTo: bounces@example.org\nMessage-ID: <{id}@mx.example.org>\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n\
         Final-Recipient: rfc822; x@example.org\n{fields}\n\n--b\nContent-Type: text/rfc822-headers\n\n{letter}\n\n--b--\n"
    )
}

fn count(printed: &Value, keys: &[&str]) -> Vec<u64> {
    keys.iter().map(|key| printed[key].as_u64().unwrap_or_else(|| panic!("{key}: {printed}"))).collect()
}

const HARD: &str = "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user";

#[test]
fn a_message_on_standard_input_is_always_taken_ours_or_not() {
    let project = sent("  bounces_to: bounces@example.org\n  bounce_tokens: no\n");
    let ana = letter_to(&project, "ana@example.org");
    let hard = report(&ana, "1", HARD);
    let ran = hand_over(&project, &hard, Some("bounces@example.org"), &["-v", "bounces"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""));
    assert_eq!(ran.stderr, "a…@example.org: hard 5.1.1, given up\n1 read: 1 hard; 1 address given up\n");
    let again = hand_over(&project, &hard, None, &["--json", "bounces"]);
    let printed: Value = serde_json::from_str(&again.stdout).expect("JSON");
    assert_eq!(count(&printed, &["read", "hard", "known", "suppressed"]), [1, 0, 1, 0]);
    for message in ["", "\n\n", "garbage\0\u{fffd}", "From: ana@example.org\nSubject: bonjour\n\nbonjour\n"] {
        assert_eq!(hand_over(&project, message, None, &["bounces"]).status, 0, "{message:?}");
    }
    let big = format!("{}{}", report(&letter_to(&project, "bo@"), "2", HARD), "x".repeat(20 << 20));
    assert_eq!(
        hand_over(&project, &big, None, &["-v", "bounces"]).stderr.lines().next(),
        Some("b…@example.org: hard 5.1.1, given up")
    );

    let status = project.json(&["status"], 0);
    let edition = &status["editions"][0];
    assert_eq!(
        count(edition, &["eligible", "accepted", "refused", "suppressed", "returned", "complaints"]),
        [3, 3, 0, 0, 2, 0]
    );
    assert!(project.ok(&["status"]).contains("2 of the accepted came back, 2 because there is no such mailbox"));
    let explained = project.ok(&["explain", "ana@example.org"]);
    assert!(explained.contains("    returned: 550 5.1.1 no such user, on 2026-03-01 09:00:00\n"), "{explained}");
    assert!(
        explained.contains("  suppressed since 2026-03-01 09:00:00 (bounce): 550 5.1.1 no such user\n"),
        "{explained}"
    );

    // For what comes next: one of three is left, until a person brings another back.
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-03-01\n---\nDeux.\n");
    project.ok(&["recipients", "add", "bo@example.org", "--again"]);
    let printed = project.json(&["run"], 0);
    let second = &printed["editions"].as_array().expect("editions").last().expect("one")["suppressed"];
    assert_eq!((second, project.letters("var/outbox").len()), (&1.into(), 5));
}

#[test]
fn a_mail_server_is_told_to_try_again_when_we_cannot_read() {
    let project = sent("");
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", format!("{config}wrong: key\n"));
    let ran = hand_over(&project, "Subject: x\n\nx", None, &["bounces"]);
    assert_eq!(ran.status, 75);
    assert!(ran.stderr.contains("wrong"), "{}", ran.stderr);
    project.write("config/crieur.yaml", config);
    project.rename("var/crieur.db", "var/elsewhere.db");
    std::fs::create_dir(project.join("var/crieur.db")).expect("a folder in its place");
    assert_eq!(hand_over(&project, "Subject: x\n\nx", None, &["bounces"]).status, 75);
    // To a person it is what it is for every command.
    project.write("mail/new/1", "Subject: x\n\nx");
    let maildir = project.join("mail");
    assert_eq!(project.crieur(&["bounces", "--maildir", maildir.to_str().expect("a path")]).status, 2);
}

#[test]
fn a_maildir_is_read_once_and_what_is_not_ours_stays_as_it_is() {
    let project = sent("  bounces_to: bounces@example.org\n  bounce_tokens: no\n");
    let header = |address: &str| letter_to(&project, address);
    let leave = header("cy@example.org");
    let token = leave.split("subject=leave%20").nth(1).expect("a way out").split('>').next().expect("its token");
    let soft = "Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 full";
    let delayed = "Action: delayed\nStatus: 4.4.1";
    project.write("mail/new/1", report(&header("ana@example.org"), "1", HARD));
    project.write("mail/new/2", report(&header("bo@example.org"), "2", soft));
    project.write("mail/cur/3:2,R", report(&header("bo@example.org"), "3", delayed));
    project
        .write("mail/new/4", format!("From: cy@example.org\nTo: partir@example.org\nSubject: Re: leave {token}\n\n"));
    let untouched = [
        ("mail/new/5", "Auto-Submitted: auto-replied\nSubject: absent\n\n5.1.1\n".to_string()),
        ("mail/cur/6:2,F", "From: bo@example.org\nSubject: unsubscribe\n\nunsubscribe\n".to_string()),
        ("mail/new/7", report("Message-ID: <x@elsewhere.example.org>\nTo: ana@example.org", "7", HARD)),
    ];
    for (path, content) in &untouched {
        project.write(path, content);
    }
    let maildir = project.join("mail");
    let arguments = ["bounces", "--maildir", maildir.to_str().expect("a path")];
    let printed = project.json(&arguments, 0);
    let keys =
        ["read", "hard", "soft", "delayed", "complaints", "left", "automatic", "ignored", "known", "suppressed"];
    assert_eq!(count(&printed, &keys), [7, 1, 1, 1, 0, 1, 1, 2, 0, 1]);
    assert_eq!(printed["problems"], Value::Array(vec![]));
    let names = |folder: &str| {
        let entries = std::fs::read_dir(maildir.join(folder)).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names("new"), ["5", "7"]);
    assert_eq!(names("cur"), ["1:2,S", "2:2,S", "3:2,RS", "4:2,S", "6:2,F"]);
    for (path, content) in &untouched {
        assert_eq!(project.read(path), *content);
    }
    let printed = project.json(&arguments, 0);
    assert_eq!(count(&printed, &keys), [7, 0, 0, 0, 0, 0, 1, 2, 4, 0]);
    let explained = project.json(&["explain", "cy@example.org"], 0);
    assert_eq!(explained["newsletters"][0]["state"], "left");
    let reports = project.json(&["explain", "bo@example.org"], 0)["editions"][0]["reports"].clone();
    let kinds: Vec<&str> =
        reports.as_array().expect("reports").iter().map(|r| r["kind"].as_str().expect("text")).collect();
    assert_eq!(kinds.len(), 2);
    assert!(kinds.contains(&"soft") && kinds.contains(&"delayed"), "{reports}");
}

#[test]
fn a_bounce_address_that_its_token_makes_too_long_is_refused() {
    let project = Project::new().file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n");
    let config = project.read("config/crieur.yaml");
    let long = format!("{config}  bounces_to: {}@example.org\n", "b".repeat(25));
    project.write("config/crieur.yaml", &long);
    let ran = project.crieur(&["check"]);
    assert_eq!(ran.status, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("bounce_tokens: no"), "{}{}", ran.stdout, ran.stderr);
    project.write("config/crieur.yaml", format!("{long}  bounce_tokens: no\n"));
    project.ok(&["check"]);
}
