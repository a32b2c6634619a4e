//! Another key: what tokens of the old one give, and where the new one must be before letters leave.

use std::os::unix::fs::PermissionsExt;

use crieur::mail::token;
use crieur::secrets::Secrets;

use super::joining::{confirmation, new_letters, subscribe};
use super::{managing, project, sent, state, way_out};
use crate::support::project::Project;
use crate::support::served::{self, Served};

fn secrets(project: &Project) -> Secrets {
    Secrets::load(&project.join("var/keys"), None).expect("a key").expect("a key")
}

fn mode(project: &Project) -> u32 {
    std::fs::metadata(project.join("var/keys/key")).expect("a file").permissions().mode() & 0o777
}

#[test]
fn a_new_key_is_added_behind_the_others_and_its_mode_is_looked_at() {
    let project = Project::new().file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n");
    let made = project.crieur(&["doctor", "--new-key"]);
    assert!(made.stderr.contains("made ") && made.stderr.contains("kill -HUP"), "{}", made.stderr);
    let first = project.read("var/keys/key");
    let printed = project.json(&["doctor", "--new-key"], 0);
    assert_eq!(printed["keys"], 2);
    let both = project.read("var/keys/key");
    assert!(both.starts_with(&first) && both.lines().count() == 2, "{both}");
    assert_eq!(mode(&project), 0o600);
    let codes = |project: &Project, status: i32| {
        let printed = project.json(&["check"], status);
        let problems = printed["problems"].as_array().expect("problems").clone();
        let open = problems.into_iter().filter(|problem| problem["code"] == "key-open");
        open.map(|problem| problem["severity"].as_str().expect("a word").to_string()).collect::<Vec<_>>()
    };
    for (mode, status, expected) in
        [(0o600, 0, &[][..]), (0o640, 0, &["warning"]), (0o660, 1, &["error"]), (0o644, 1, &["error"])]
    {
        std::fs::set_permissions(project.join("var/keys/key"), std::fs::Permissions::from_mode(mode))
            .expect("a mode");
        assert_eq!(codes(&project, status), expected, "{mode:o}");
    }
    assert!(project.crieur(&["doctor"]).stdout.contains("chmod 600"));
    project.ok(&["doctor", "--new-key"]);
    assert_eq!(mode(&project), 0o600);
    // A file that somebody broke is told by its line, and left as it is.
    project.write("var/keys/key", format!("{first}nonsense\n"));
    let ran = project.crieur(&["doctor", "--new-key"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("key:2 does not hold a key"), "{}", ran.stderr);
    assert!(project.read("var/keys/key").ends_with("nonsense\n"));
}

#[test]
fn tokens_of_an_old_key_give_what_the_table_says() {
    let (project, mut served) = sent("");
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", config.replace("\nweb:", "\n  bounces_to: bounces@example.org\nweb:"));
    let letters = project.letters("var/outbox");
    let path = |name: &str| way_out(&letters, &format!("{name}@example.org"));
    let undo = served.one_click(&path("bo")).between("action=\"", "\"");
    assert!(undo.starts_with("/back/"), "{undo}");
    let old = secrets(&project);
    let form = served.get("/subscribe/news", &[]);
    let status = |project: &Project| {
        let told = project.json(&["status", "--token"], 0);
        format!("/status/{}", told["token"].as_str().expect("a token"))
    };
    let operator = status(&project);
    assert_eq!(served.get(&operator, &[]).status, 200);
    assert_eq!(subscribe(&project, &served, "eve@example.org").status, 200);
    let asked = confirmation(&new_letters(&project, 4, 1)[0]);
    let own = managing::asked(&project, &served, "di@example.org");
    let there = managing::asked_to_move(&project, &served, &own, "di.new@example.org");
    let held = [own.clone(), format!("{own}/data.json"), format!("{own}/erase"), there];
    for path in &held {
        assert_eq!(served.get(path, &[]).status, 200, "{path}");
    }
    project.ok(&["doctor", "--new-key"]);
    served.reload();
    served.says("read anew");

    // What letters bear is read for ever.
    assert_eq!(served.get(&path("ana"), &[]).status, 200);
    let left = served.one_click(&path("ana"));
    assert_eq!((left.status, state(&project, "ana@example.org", "news").as_str()), (200, "left"));
    let returned = format!(
        "From: MAILER-DAEMON@mx.example.org\nTo: bounces+{}@example.org\nSubject: Undelivered\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n\
         Final-Recipient: rfc822; cy@example.org\nAction: failed\nStatus: 5.1.1\n\n--b--\n",
        token::bounce(&old, 1, old.recipient_id("cy@example.org"))
    );
    project.write("mail/new/1", returned);
    let maildir = project.join("mail");
    let printed = project.json(&["bounces", "--maildir", maildir.to_str().expect("a path")], 0);
    assert_eq!(printed["suppressed"], 1, "{printed}");
    // What lives for a short while is not: a page made now is, and so is a letter.
    for got in [served.get(&asked, &[]), served.post(&asked, "text/plain", "")] {
        assert_eq!(got.status, 404);
    }
    assert_eq!(state(&project, "eve@example.org", "news"), "unknown");
    for path in &held {
        let fields = "do=leave&newsletter=news";
        for got in [served.get(path, &[]), served.post(path, "application/x-www-form-urlencoded", fields)] {
            assert_eq!(got.status, 404, "{path}");
            let text = got.text();
            assert!(!text.contains("example.org</") && !text.contains("@e…"), "it names nobody: {text}");
        }
    }
    assert_eq!(state(&project, "di@example.org", "news"), "subscribed");
    assert_eq!(state(&project, "di.new@example.org", "news"), "unknown");
    // Another link of each is good, though what was asked for before stands.
    let own = managing::asked(&project, &served, "di@example.org");
    let there = managing::asked_to_move(&project, &served, &own, "di.newer@example.org");
    assert_eq!((served.get(&own, &[]).status, served.get(&there, &[]).status), (200, 200));
    assert_eq!(served.get(&operator, &[]).status, 404);
    assert_eq!(served.get(&operator.replace("status", "metrics"), &[]).status, 404);
    assert_eq!(served.get(&status(&project), &[]).status, 200);
    let time = form.between("name=\"shown\" value=\"", "\"");
    let fields = format!("shown={time}&email=eve%40example.org");
    assert_eq!(served.post("/subscribe/news", "application/x-www-form-urlencoded", &fields).status, 422);
    assert_eq!(subscribe(&project, &served, "eve@example.org").status, 200);
    let asked = confirmation(&new_letters(&project, 9, 1)[0]);
    assert_eq!(served.post(&asked, "text/plain", "").status, 200);
    assert_eq!(state(&project, "eve@example.org", "news"), "subscribed");
    for got in [served.get(&undo, &[]), served.post(&undo, "text/plain", "")] {
        assert_eq!(got.status, 410);
    }
    assert_eq!(state(&project, "bo@example.org", "news"), "left");
    let undo = left.between("action=\"", "\"");
    assert_eq!(served.post(&undo, "text/plain", "").status, 200);
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");

    // The next letter is signed by the new key, and its way out works as well.
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-03-01\n---\nDeux.\n");
    project.ok(&["run"]);
    let second: Vec<String> = project
        .letters("var/outbox")
        .into_iter()
        .filter(|letter| letter.contains("List-Unsubscribe: "))
        .skip(4)
        .collect();
    let ana = way_out(&second, "ana@example.org");
    assert_ne!(ana, path("ana"));
    assert_eq!(served.one_click(&ana).status, 200);
    assert_eq!(state(&project, "ana@example.org", "news"), "left");

    // A key that is revoked reads nothing any more, and people stay who they are.
    let revoked = project.read("var/keys/key").replacen('\n', " revoked\n", 1);
    project.write("var/keys/key", revoked);
    assert_eq!(served.stop(), Some(0));
    let served = Served::of(&project);
    for got in [served.get(&path("di"), &[]), served.one_click(&path("di"))] {
        assert_eq!(got.status, 404);
    }
    assert_eq!(state(&project, "di@example.org", "news"), "subscribed");
    assert_eq!(served.one_click(&way_out(&second, "di@example.org")).status, 200);
    assert_eq!(state(&project, "di@example.org", "news"), "left");
}

#[test]
fn no_letter_leaves_before_the_service_has_the_newest_key() {
    let (project, _) = project("");
    let elsewhere = project.join("elsewhere");
    project.ok(&["status"]);
    std::fs::copy(project.join("var/keys/key"), &elsewhere).expect("a copy for another machine");
    let serve = || {
        let mut command = project.command(&["-v", "serve"]);
        command.env("CRIEUR_KEYS_FILE", &elsewhere);
        Served::by(command)
    };
    let mut served = serve();
    project.ok(&["doctor", "--new-key"]);
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("lacks the newest key") && ran.stderr.contains("copy this machine"),
        "{}",
        ran.stderr
    );
    assert!(project.letters("var/outbox").is_empty());
    std::fs::copy(project.join("var/keys/key"), &elsewhere).expect("the newest");
    assert_eq!(served.stop(), Some(0));
    let served = serve();
    // A machine that sends and has not the new key yet may: what it signs is read.
    let older: String = project.read("var/keys/key").lines().take(1).map(|line| format!("{line}\n")).collect();
    project.write("var/keys/key", older);
    project.ok(&["run"]);
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 4);
    assert_eq!(served.one_click(&way_out(&letters, "ana@example.org")).status, 200);
}

#[test]
fn letters_that_were_frozen_before_wait_for_the_service_to_have_the_key_that_signs_them() {
    let (project, _) = project("");
    let served = Served::of(&project);
    let config = project.read("config/crieur.yaml");
    let nobody = format!("smtp://127.0.0.1:{}\n  tls: none", served::free_port());
    project.write("config/crieur.yaml", config.replace("maildir:var/outbox", &nobody));
    let ran = project.crieur(&["run"]);
    assert_eq!(project.json(&["status"], 0)["editions"][0]["pending"], 4, "{}", ran.stderr);
    project.write("config/crieur.yaml", config);
    project.ok(&["doctor", "--new-key"]);
    for arguments in [&["run"][..], &["send", "news"], &["run"]] {
        let ran = project.crieur(arguments);
        assert_eq!(ran.status, 1, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("news n° 1: waits: ") && ran.stderr.contains("lacks the newest key"),
            "{}",
            ran.stderr
        );
    }
    assert!(project.letters("var/outbox").is_empty());
    served.reload();
    served.says("read anew");
    project.ok(&["run"]);
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 4);
    assert_eq!(served.one_click(&way_out(&letters, "ana@example.org")).status, 200);
    assert_eq!(state(&project, "ana@example.org", "news"), "left");
}
