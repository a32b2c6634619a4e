//! Bounces that real mail servers make of our letters, read by the command.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::mta::Mta;
use crate::support::postfix::Postfix;
use crate::support::project::Project;

/// A site whose newsletter goes to these people through the server on that port, its letters sent.
fn sent(port: u16, people: &[&str], more: &str) -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: N\nfrom: lettre@example.org\nto: file:config/people.csv\nleave: mailto:partir@example.org\n\
             schedule: each-run\nbacklog: announce\n",
        )
        .file("config/people.csv", format!("email\n{}\n", people.join("\n")))
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n");
    let config = project.read("config/crieur.yaml").replace("  transport: maildir:var/outbox\n", "");
    project.write(
        "config/crieur.yaml",
        format!(
            "{config}  transport: smtp://127.0.0.1:{port}\n  tls: none\n  bounces_to: bounces@example.org\n{more}"
        ),
    );
    project.at("2026-03-01T08:00:00Z");
    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"][0]["accepted"], people.len(), "{printed}");
    project
}

fn read(project: &Project, maildir: &Path) -> Value {
    project.json(&["bounces", "--maildir", maildir.to_str().expect("a path")], 0)
}

fn counts(printed: &Value) -> [u64; 6] {
    ["read", "hard", "soft", "automatic", "ignored", "suppressed"]
        .map(|key| printed[key].as_u64().unwrap_or_else(|| panic!("{key}: {printed}")))
}

/// What `explain` says of somebody: the reason for which they are given up, and what came back.
fn explained(project: &Project, address: &str) -> (Option<String>, Vec<String>) {
    let explained = project.json(&["explain", address], 0);
    let reports = explained["editions"][0]["reports"].as_array().expect("reports").clone();
    let words = |report: &Value| {
        format!("{} {}", report["kind"].as_str().unwrap_or(""), report["reply"].as_str().unwrap_or(""))
    };
    (explained["suppressed"]["reason"].as_str().map(str::to_string), reports.iter().map(words).collect())
}

/// Postfix's settings: whom it sends back, and why.
fn sends_back(more: &str) -> String {
    format!(
        "recipient_delimiter = +\nminimal_backoff_time = 2s\nqueue_run_delay = 2s\nsmtpd_reject_unlisted_recipient = no\ntransport_maps = inline:{{ \
         {{ gone@example.org = error:5.1.1 no such user }}, {{ full@example.org = error:5.2.2 mailbox full }}, \
         {{ policy@example.org = error:5.7.1 refused by policy }}{more} }}"
    )
}

const OF_POSTFIX: &[&str] = &["ana@example.org", "gone@example.org", "full@example.org", "policy@example.org"];

#[test]
fn what_postfix_sends_back_is_read_from_a_maildir() {
    const TEST: &str = "what_postfix_sends_back_is_read_from_a_maildir";
    let Some(postfix) = Postfix::start(TEST, &sends_back("")) else { return };
    // Each time a letter that arrived, and three that came back; what the first site understood lies in `cur` by then, and is
    // not the second one's.
    for (more, new, expected) in [("", 4, [4, 1, 2, 1, 0, 1]), ("  bounce_tokens: no\n", 5, [8, 1, 2, 2, 3, 1])] {
        let project = sent(postfix.port, OF_POSTFIX, more);
        postfix.letters(new);
        let printed = read(&project, &postfix.maildir());
        assert_eq!(counts(&printed), expected, "{printed}");
        let (reason, reports) = explained(&project, "gone@example.org");
        assert_eq!((reason.as_deref(), reports), (Some("bounce"), vec!["hard 5.1.1 no such user".to_string()]));
        assert_eq!(explained(&project, "full@example.org"), (None, vec!["soft 5.2.2 mailbox full".to_string()]));
        assert_eq!(explained(&project, "ana@example.org"), (None, vec![]));
        assert_eq!(project.json(&["status"], 0)["editions"][0]["returned"], 3);
        let again = read(&project, &postfix.maildir());
        assert_eq!((counts(&again)[1..3].to_vec(), again["known"].as_u64()), (vec![0, 0], Some(3)));
    }
}

#[test]
fn what_postfix_sends_back_is_piped_into_the_command() {
    const TEST: &str = "what_postfix_sends_back_is_piped_into_the_command";
    let more = ", { bounces@example.org = crieur: }";
    let Some(postfix) = Postfix::start(TEST, &sends_back(more)) else { return };
    let project = sent(postfix.port, &["ana@example.org"], "");
    let shell =
        |script: String| assert!(Command::new("sh").args(["-ec", &script]).status().expect("sh runs").success());
    // Postfix runs nothing as root: the project is that user's.
    shell(format!("chown -R nobody {}", project.path().display()));
    let mut master = fs::read_to_string(postfix.path("conf/master.cf")).expect("master.cf");
    master.push_str(&format!(
        "crieur unix - n n - 1 pipe user=nobody directory=/ argv={} -C {} --now 2026-03-01T08:00:00Z bounces --recipient ${{original_recipient}}\n",
        env!("CARGO_BIN_EXE_crieur"),
        project.path().display()
    ));
    fs::write(postfix.path("conf/master.cf"), master).expect("master.cf");
    shell(format!("postfix -c {} reload 2>/dev/null", postfix.path("conf").display()));
    project.write("config/people.csv", "email\ngone@example.org\n");
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-02-02\n---\nDeux.\n");
    project.json(&["run"], 0);
    shell(format!("chown -R nobody {}", project.path().display()));
    let deadline = Instant::now() + Duration::from_secs(30);
    while !postfix.log().contains("delivered via crieur service") {
        assert!(Instant::now() < deadline, "{}", postfix.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let explained = project.json(&["explain", "gone@example.org"], 0);
    assert_eq!(explained["suppressed"]["reason"], "bounce", "{}", postfix.log());
}

const OF_OTHERS: &[&str] =
    &["ana@example.org", "gone@remote.example.org", "full@remote.example.org", "policy@remote.example.org"];

#[test]
fn what_exim_sends_back_is_read_from_a_maildir() {
    let Some(exim) = Mta::exim("what_exim_sends_back_is_read_from_a_maildir") else { return };
    let mut people = OF_OTHERS.to_vec();
    people.push("nobody@example.org");
    let project = sent(exim.port, &people, "");
    let printed = read(&project, &exim.maildir(5));
    assert_eq!(counts(&printed), [5, 1, 3, 1, 0, 1], "{printed}");
    let (reason, reports) = explained(&project, "gone@remote.example.org");
    assert_eq!((reason.as_deref(), reports), (Some("bounce"), vec!["hard 550 5.1.1 no such user".to_string()]));
    assert_eq!(explained(&project, "full@remote.example.org").1, ["soft 552 5.2.2 mailbox full"]);
    // Its own refusals have no other status, and quote nobody.
    assert_eq!(explained(&project, "nobody@example.org"), (None, vec!["soft 5.0.0".to_string()]));
}

#[test]
fn what_exim_sends_back_is_known_without_a_token() {
    let Some(exim) = Mta::exim("what_exim_sends_back_is_known_without_a_token") else { return };
    let project = sent(exim.port, OF_OTHERS, "  bounce_tokens: no\n");
    let printed = read(&project, &exim.maildir(4));
    assert_eq!(counts(&printed), [4, 1, 2, 1, 0, 1], "{printed}");
}

#[test]
fn what_opensmtpd_sends_back_is_read_from_a_maildir() {
    let Some(smtpd) = Mta::opensmtpd("what_opensmtpd_sends_back_is_read_from_a_maildir") else { return };
    for (more, new, expected) in [("", 4, [4, 0, 3, 1, 0, 0]), ("  bounce_tokens: no\n", 5, [8, 0, 3, 2, 3, 0])] {
        let project = sent(smtpd.port, OF_OTHERS, more);
        let printed = read(&project, &smtpd.maildir(new));
        assert_eq!(counts(&printed), expected, "{printed}");
        // It writes no status but 5.0.0, and quotes nobody.
        assert_eq!(explained(&project, "gone@remote.example.org"), (None, vec!["soft 5.0.0".to_string()]));
    }
}
