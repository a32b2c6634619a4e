//! `kill -9` in the middle of a delivery, again and again: nobody is missed, the ledger balances at every start, and who
//! got a letter twice got it under one Message-ID.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;

use crate::support::project::Project;
use crate::support::smtp::{Act, Peer, Step};

const PEOPLE: usize = 400;
const CONNECTIONS: usize = 4;

fn project(transport: &str) -> Project {
    let mut list = "email,name\n".to_string();
    for number in 0..PEOPLE {
        list.push_str(&format!("p{number}@example.org,P {number}\n"));
    }
    let project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: La lettre\nfrom: lettre@example.org\nto: file:config/people.csv\n\
             leave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\n",
        )
        .file("config/people.csv", list)
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n");
    let config = project.read("config/crieur.yaml").replace("maildir:var/outbox", transport);
    project.write("config/crieur.yaml", format!("{config}  tls: none\n  connections: {CONNECTIONS}\n"));
    project
}

/// Runs and kills it, at moments that differ, until an edition is done. Gives how often it was killed.
fn kill_until_done(project: &Project) -> usize {
    let mut kills = 0;
    // Times that are all over a delivery's, in no order.
    for round in 0usize.. {
        let time = Duration::from_millis(40 + (round as u64 * 61) % 190);
        let mut running = project.command(&["run"]).stderr(Stdio::null()).spawn().expect("started");
        std::thread::sleep(time);
        running.kill().expect("killed");
        kills += usize::from(!running.wait().expect("ended").success());
        let status = status(project);
        if let Some(edition) = status["editions"].get(0) {
            let of = |key: &str| edition[key].as_u64().expect("a number");
            let sum = of("accepted") + of("refused") + of("suppressed") + of("uncertain") + of("pending");
            assert_eq!(of("eligible"), PEOPLE as u64, "frozen whole or not at all");
            assert_eq!(of("eligible"), sum, "{edition}");
            if edition["state"] == "done" {
                return kills;
            }
        }
        if round >= 20 {
            break;
        }
    }
    project.crieur(&["run"]);
    // Whoever was cut off three times waits for a person, who says: send it again.
    if status(project)["editions"][0]["uncertain"] != 0 {
        project.ok(&["resolve", "news", "1", "--resend"]);
        project.ok(&["run"]);
    }
    assert_eq!(status(project)["editions"][0]["state"], "done");
    kills
}

/// Where the editions stand; something uncertain makes it end with 1.
fn status(project: &Project) -> serde_json::Value {
    let ran = project.crieur(&["status", "--json"]);
    assert!(ran.status == 0 || ran.status == 1, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// Everybody got it; at most a connection's worth of people a kill got it twice, and those under one Message-ID.
fn check(letters: &[String], kills: usize) {
    let field = |letter: &str, name: &str| {
        letter.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_string()
    };
    let mut people: HashMap<String, Vec<String>> = HashMap::new();
    for letter in letters {
        people.entry(field(letter, "To: ")).or_default().push(field(letter, "Message-ID: "));
    }
    assert_eq!(people.len(), PEOPLE, "missed: {}", PEOPLE - people.len());
    let twice = letters.len() - PEOPLE;
    assert!(twice <= kills * CONNECTIONS, "{twice} letters too many after {kills} kills");
    for (person, ids) in people {
        assert!(ids.iter().all(|id| *id == ids[0]), "{person}: {ids:?}");
    }
}

#[test]
fn killed_at_any_moment_over_smtp_nobody_is_missed() {
    let peer = Peer::start(|step| {
        if matches!(step, Step::Body { .. }) {
            // As long as a server needs to keep a letter.
            std::thread::sleep(Duration::from_millis(3));
        }
        Act::Usual
    });
    let project = project(&format!("smtp://127.0.0.1:{}", peer.port));
    let kills = kill_until_done(&project);
    let letters: Vec<String> = peer.received().into_iter().map(|received| received.letter).collect();
    check(&letters, kills);
    assert!(kills >= 2, "it was over before it was killed");
}

#[test]
fn killed_at_any_moment_into_a_maildir_nobody_is_missed() {
    let project = project("maildir:var/outbox");
    let kills = kill_until_done(&project);
    check(&project.letters("var/outbox"), kills);
}
