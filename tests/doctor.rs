//! `crieur doctor`: what it finds, and the keys that it makes.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::support::dkim::{Letters, with_crlf};
use crate::support::dns::NameServer;
use crate::support::has_program;
use crate::support::peer_or_skip;
use crate::support::postfix::Postfix;
use crate::support::project::Project;

fn project(mail: &str) -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: La lettre\nfrom: La rédaction <lettre@lettre.example.org>\nto: file:people.csv\n\
             leave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\n",
        )
        .file("people.csv", "email,name\nana@example.org,Ana\nbo@example.org,Bo\n")
        .file("posts/un.md", "---\ntitle: L’été\ndate: 2026-02-01\n---\nUn point.\n");
    // A list outside of any repository: git is asked, and says so.
    let _ = Command::new("git").arg("init").arg("-q").arg(project.path()).status();
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", format!("{config}{mail}"));
    project.at("2026-03-01T08:00:00Z");
    project
}

const DKIM: &str = "  dkim:\n    - { domain: lettre.example.org, selector: c1, key: var/rsa.pem }\n    \
                    - { domain: lettre.example.org, selector: c2, key: var/ed.pem }\n";

fn mode(project: &Project, path: &str) -> u32 {
    std::fs::metadata(project.join(path)).expect("a file").permissions().mode() & 0o777
}

fn findings(printed: &Value) -> Vec<(String, String, String)> {
    let checks = printed["checks"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or("").to_string();
    checks.map(|check| (text(&check["subject"]), text(&check["state"]), text(&check["message"]))).collect()
}

#[test]
fn an_installation_that_can_send_is_told_so() {
    let project = project("");
    let printed = project.json(&["doctor"], 0);
    let found = findings(&printed);
    let has = |subject: &str, words: &str| {
        found.iter().any(|(about, state, message)| about == subject && state == "ok" && message.contains(words))
    };
    assert!(has("key", "none yet"), "{found:?}");
    assert!(has("dkim", "left to the mail server"), "{found:?}");
    assert!(has("mail server", "Maildir var/outbox"), "{found:?}");
    assert!(has("newsletter news", "its letter can be written"), "{found:?}");
    assert!(has("newsletter news", "readers can leave: mailto:partir@example.org"), "{found:?}");
    assert!(has("newsletter news", "2 addresses in people.csv"), "{found:?}");
    assert_eq!(printed["records"], serde_json::json!([]));
    assert!(!project.join("var/keys").exists(), "it makes nothing");
    let words = project.ok(&["doctor"]);
    assert!(words.contains("ok      mail server: none: letters stay in the Maildir var/outbox\n"), "{words}");
}

#[test]
fn what_would_keep_letters_from_leaving_is_an_error() {
    let project = project(DKIM);
    project.write("people.csv", "email\nana@example.org\nbo at example.org\n");
    project.write("mail-templates/digest.txt.hbs", "{{nothing.here}}\n");
    let config = project.read("config/crieur.yaml").replace("maildir:var/outbox", "smtp://127.0.0.1:1");
    project.write("config/crieur.yaml", config);
    let dns = NameServer::start(&[]);
    let mut command = project.command(&["--json", "doctor"]);
    let found = findings(&judged(command.env("CRIEUR_DNS", dns.address()), 1));
    let errors: Vec<_> = found.iter().filter(|(_, state, _)| state == "error").collect();
    let has =
        |subject: &str, words: &str| errors.iter().any(|(about, _, said)| about == subject && said.contains(words));
    assert!(has("dkim", "there is no key to sign letters with: var/rsa.pem does not exist"), "{errors:?}");
    assert!(has("mail server", "127.0.0.1:1: Connection refused"), "{errors:?}");
    assert!(has("newsletter news", "people.csv:3:1: \"bo at example.org\" is no address"), "{errors:?}");
    assert!(has("newsletter news", "mail-templates/digest.txt.hbs"), "{errors:?}");
    // `check`, which may run where no key belongs, only warns of it.
    let checked = project.crieur(&["--json", "check"]);
    let checked: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    let of_key = checked["problems"].as_array().expect("a list").iter().find(|one| one["code"] == "no-dkim-key");
    let of_key = of_key.expect("a problem");
    assert_eq!(
        (&of_key["severity"], &of_key["file"], &of_key["line"]),
        (&"warning".into(), &"config/crieur.yaml".into(), &13.into())
    );
}

#[test]
fn keys_are_made_where_the_configuration_says_and_never_overwritten() {
    let project = project(DKIM);
    let printed = project.json(&["doctor", "--new-dkim-key"], 0);
    let made: Vec<_> =
        printed["made"].as_array().expect("a list").iter().map(|one| (&one["key"], &one["kind"])).collect();
    assert_eq!(made, [(&"var/rsa.pem".into(), &"rsa".into()), (&"var/ed.pem".into(), &"ed25519".into())]);
    assert_eq!((mode(&project, "var/rsa.pem"), mode(&project, "var/ed.pem")), (0o600, 0o600));
    let record = &printed["records"][0];
    assert_eq!(record["name"], "c1._domainkey.lettre.example.org");
    let strings: Vec<&str> =
        record["strings"].as_array().expect("strings").iter().filter_map(Value::as_str).collect();
    assert!(strings.len() == 2 && strings.iter().all(|string| string.len() <= 255));
    assert_eq!(record["value"], strings.concat());
    assert!(strings[0].starts_with("v=DKIM1; k=rsa; p=MIIB"), "{strings:?}");
    let before = (project.read("var/rsa.pem"), project.read("var/ed.pem"));
    let again = project.crieur(&["doctor", "--new-dkim-key", "rsa"]);
    assert_eq!(again.status, 1);
    assert!(again.stderr.contains("a key is never overwritten"), "{}", again.stderr);
    assert_eq!((project.read("var/rsa.pem"), project.read("var/ed.pem")), before);
    // With both there, all is well, and the records are told again.
    let printed = project.json(&["doctor"], 0);
    let of_dkim: Vec<_> = findings(&printed).into_iter().filter(|(subject, ..)| subject == "dkim").collect();
    assert_eq!(of_dkim.len(), 2);
    assert_eq!(of_dkim[0].2, "var/rsa.pem signs for lettre.example.org (rsa of 2048 bits)");
    assert_eq!(printed["records"][0]["value"], strings.concat());
    let zone = project.ok(&["doctor"]);
    assert!(zone.contains("c1._domainkey.lettre.example.org. IN TXT ( \"v=DKIM1; k=rsa; p=MIIB"), "{zone}");
    // Others who may read a key make it useless.
    std::fs::set_permissions(project.join("var/ed.pem"), std::fs::Permissions::from_mode(0o644)).expect("a mode");
    let found = findings(&project.json(&["doctor"], 1));
    assert!(found.iter().any(|(_, state, said)| state == "error" && said.contains("(mode 644)")), "{found:?}");
    let sent = project.crieur(&["run"]);
    assert_eq!(sent.status, 2, "what should be signed does not leave without\n{}", sent.stderr);
    assert!(sent.stderr.contains("config/crieur.yaml:14:7"), "{}", sent.stderr);
}

#[test]
fn a_key_that_is_not_configured_comes_with_what_to_write() {
    let project = project("");
    let printed = project.json(&["doctor", "--new-dkim-key", "ed25519"], 0);
    assert_eq!(printed["made"][0]["key"], "var/dkim-c202603e.pem");
    assert_eq!(printed["records"][0]["name"], "c202603e._domainkey.lettre.example.org");
    let configuration = printed["configuration"].as_str().expect("words");
    assert_eq!(
        configuration,
        "  dkim: { domain: lettre.example.org, selector: c202603e, key: var/dkim-c202603e.pem }"
    );
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", format!("{config}{configuration}\n"));
    project.json(&["doctor"], 0);
    // What opendkim reads from the record that was printed verifies what the key has signed.
    project.ok(&["run"]);
    const TEST: &str = "a_key_that_is_not_configured_comes_with_what_to_write";
    let record = &printed["records"][0];
    let text = |key: &str| record[key].as_str().expect("a text").to_string();
    let mut letters = Letters::new(&[(text("name"), text("value"))]);
    for letter in project.letters("var/outbox") {
        letters.add(&with_crlf(letter.as_bytes()));
    }
    assert_eq!(letters.len(), 2);
    for said in [letters.opendkim(TEST), letters.dkimpy(TEST)].into_iter().flatten() {
        assert!(said.values().all(|signatures| signatures == &["pass"]), "{said:?}");
    }
}

#[test]
fn openssl_reads_the_keys_that_are_made() {
    const TEST: &str = "openssl_reads_the_keys_that_are_made";
    if !peer_or_skip(TEST, "openssl", has_program("openssl", "version")) {
        return;
    }
    let project = project(DKIM);
    let printed = project.json(&["doctor", "--new-dkim-key"], 0);
    for (index, path) in ["var/rsa.pem", "var/ed.pem"].into_iter().enumerate() {
        let mut command = Command::new("openssl");
        command.args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(project.join(path));
        let out = command.output().expect("openssl runs");
        assert!(out.status.success(), "{path}: {}", String::from_utf8_lossy(&out.stderr));
        // RFC 8463: the 32 octets alone.
        let public = if index == 0 { &out.stdout[..] } else { &out.stdout[out.stdout.len() - 32..] };
        let value = printed["records"][index]["value"].as_str().expect("a value");
        assert_eq!(value.split("p=").nth(1), Some(data_encoding::BASE64.encode(public).as_str()), "{path}");
    }
}

#[test]
fn a_real_mail_server_is_looked_at() {
    const TEST: &str = "a_real_mail_server_is_looked_at";
    let Some(postfix) = Postfix::start(TEST, "") else { return };
    let project = project("");
    let dns = NameServer::start(&[]);
    let doctor = |project: &Project| {
        let mut command = project.command(&["--json", "doctor"]);
        command.env("CRIEUR_DNS", dns.address());
        command
    };
    let config = project.read("config/crieur.yaml");
    let with = |transport: &str, tls: &str| {
        let config = config.replace("maildir:var/outbox", &format!("{transport}\n  tls: {tls}"));
        project.write("config/crieur.yaml", config);
    };
    with(&format!("smtp://127.0.0.1:{}", postfix.port), "none");
    let found = findings(&judged(&mut doctor(&project), 0));
    let server: Vec<_> = found.iter().filter(|(subject, ..)| subject == "mail server").collect();
    assert_eq!(server.len(), 2, "{server:?}");
    assert!(server[0].2.contains("answers as mx.example.org, and offers PIPELINING, SIZE"), "{server:?}");
    assert!(server[1].2.ends_with("a connection for letters opens, and no user is named"), "{server:?}");
    // An authority that nobody knows.
    with(&format!("smtp://localhost:{}", postfix.port), "required");
    let found = findings(&judged(&mut doctor(&project), 1));
    assert!(found.iter().any(|(subject, state, _)| subject == "mail server" && state == "error"), "{found:?}");
    with(&format!("smtps://localhost:{}", postfix.tls_port), "required");
    judged(doctor(&project).env("SSL_CERT_FILE", postfix.path("ca.pem")), 0);
}

/// Runs a command that prints JSON, and expects this exit status.
fn judged(command: &mut Command, status: i32) -> Value {
    let ran = command.output().expect("it runs");
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!(ran.status.code(), Some(status), "{out}\n{err}");
    serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}\n{err}"))
}

#[test]
fn what_the_dns_says_of_the_sender_is_looked_at() {
    let project = project(DKIM);
    let made = project.json(&["doctor", "--new-dkim-key"], 0);
    let config = project.read("config/crieur.yaml").replace("maildir:var/outbox", "\"sendmail:\"");
    project.write("config/crieur.yaml", config);
    let sendmail = project.join("sendmail");
    std::fs::write(&sendmail, "").expect("a file");
    let value = |index: usize| made["records"][index]["value"].as_str().expect("a record").to_string();
    let look = |records: &[(&str, String)], status| {
        let dns = NameServer::start(records);
        let mut command = project.command(&["--json", "doctor"]);
        command.env("CRIEUR_DNS", dns.address()).env("CRIEUR_SENDMAIL", &sendmail);
        let found = findings(&judged(&mut command, status));
        found.into_iter().filter(|(subject, ..)| subject.starts_with("dns ")).collect::<Vec<_>>()
    };
    let names = ["c1._domainkey.lettre.example.org", "c2._domainkey.lettre.example.org"];
    let right = look(
        &[
            (names[0], value(0)),
            (names[1], value(1)),
            ("lettre.example.org", "v=spf1 mx -all".to_string()),
            ("_dmarc.example.org", "v=DMARC1; p=none".to_string()),
        ],
        0,
    );
    let expected = [
        ("dns c1._domainkey.lettre.example.org", "ok", "the DNS holds it"),
        ("dns c2._domainkey.lettre.example.org", "ok", "the DNS holds it"),
        ("dns lettre.example.org", "ok", "v=spf1 mx -all"),
        ("dns _dmarc.example.org", "ok", "v=DMARC1; p=none"),
    ];
    let expected: Vec<_> = expected.iter().map(|(a, b, c)| (a.to_string(), b.to_string(), c.to_string())).collect();
    assert_eq!(right, expected);
    // The keys changed places, and nothing else is there.
    let wrong = look(&[(names[0], value(1))], 1);
    let states: Vec<_> = wrong.iter().map(|(_, state, _)| state.as_str()).collect();
    assert_eq!(states, ["error", "error", "warning", "warning"], "{wrong:?}");
    assert!(wrong[0].2.contains("another key") && wrong[1].2.contains("does not hold"), "{wrong:?}");
    assert!(wrong[2].2.contains("no SPF") && wrong[3].2.contains("no DMARC"), "{wrong:?}");
}

#[test]
fn a_dns_that_cannot_be_asked_is_a_warning() {
    let project = project("");
    let config = project.read("config/crieur.yaml").replace("maildir:var/outbox", "\"sendmail:\"");
    project.write("config/crieur.yaml", config);
    let mut command = project.command(&["--json", "doctor"]);
    let printed = judged(command.env("CRIEUR_DNS", "127.0.0.1:1").env("CRIEUR_SENDMAIL", "/bin/true"), 0);
    let found = findings(&printed);
    assert!(found.iter().any(|(subject, state, _)| subject == "dns" && state == "warning"), "{found:?}");
}
