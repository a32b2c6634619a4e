//! A relay that refuses everybody, and one that is down: what a person sees, and that nobody is lost for it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::posted::{address, edition, to_people};
use crate::support::project::Project;
use crate::support::smtp::{Act, Peer, Step};

const PEOPLE: usize = 30;
const EHLO: &str = "250-double.example.org\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME";

/// Refused by everybody, it is held and says so; mended and resumed, everybody gets it.
fn held_then_resumed(project: &Project, peer: &Peer, words: &str) {
    let run = |password: &str| {
        let ran = project.command(&["run"]).env("CRIEUR_SMTP_PASSWORD", password).output().expect("it runs");
        (ran.status.code().unwrap_or(-1), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    let (status, said) = run("wrong");
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("held") && said.contains(words), "{said}");
    assert!(said.contains("crieur resume news 1"), "it says what to do: {said}");
    let now = edition(project, 0);
    assert_eq!((&now["state"], &now["pending"]), (&Value::from("held"), &Value::from(PEOPLE)), "{now}");
    assert_eq!((&now["refused"], &now["suppressed"]), (&Value::from(0), &Value::from(0)), "{now}");
    let shown = project.crieur(&["status"]);
    assert_eq!(shown.status, 1);
    assert!(shown.stdout.contains(words) && shown.stdout.contains("crieur resume news 1"), "{}", shown.stdout);
    for person in 0..PEOPLE {
        let explained = project.json(&["explain", &address(person)], 0);
        assert_eq!(explained["suppressed"], Value::Null, "{explained}");
        assert_eq!(explained["editions"][0]["state"], "pending", "{explained}");
    }
    // Held, nothing goes on by itself.
    let tried = peer.connections();
    run("wrong");
    assert_eq!(peer.connections(), tried);

    peer.order(|step| match step {
        Step::Ehlo => Act::Say(EHLO.to_string()),
        Step::Other(line) if line.to_uppercase().starts_with("AUTH") => Act::Say("235 2.7.0 welcome".to_string()),
        _ => Act::Usual,
    });
    project.ok(&["resume", "news", "1"]);
    let (status, said) = run("right");
    assert_eq!(status, 0, "{said}");
    let now = edition(project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("done"), &Value::from(PEOPLE)), "{now}");
    assert_eq!(peer.received().len(), PEOPLE);
}

fn project_for(peer: &Peer, mail: &str) -> Project {
    to_people(&format!("smtp://127.0.0.1:{}", peer.port), PEOPLE, mail, "")
}

#[test]
fn a_relay_that_refuses_every_recipient_by_policy_holds_the_edition_and_suppresses_nobody() {
    let peer = Peer::start(|step| match step {
        Step::Rcpt(_) => Act::Say("550 5.7.1 relaying denied".to_string()),
        _ => Act::Usual,
    });
    held_then_resumed(&project_for(&peer, ""), &peer, "relaying denied");
}

#[test]
fn a_relay_that_refuses_every_sender_holds_the_edition_and_suppresses_nobody() {
    let peer = Peer::start(|step| match step {
        Step::Mail(_) => Act::Say("554 5.7.1 this network is on a list".to_string()),
        _ => Act::Usual,
    });
    held_then_resumed(&project_for(&peer, ""), &peer, "this network is on a list");
}

#[test]
fn a_wrong_password_holds_the_edition_and_suppresses_nobody() {
    let peer = Peer::start(|step| match step {
        Step::Ehlo => Act::Say(EHLO.to_string()),
        Step::Other(line) if line.to_uppercase().starts_with("AUTH") => {
            Act::Say("535 5.7.8 authentication failed".to_string())
        }
        _ => Act::Usual,
    });
    let project = project_for(&peer, "  user: lettre\n");
    held_then_resumed(&project, &peer, "authentication failed");
}

/// Two newsletters over one relay, and a feed.
fn two_newsletters(port: u16) -> Project {
    let project = to_people(&format!("smtp://127.0.0.1:{port}"), 3, "", "");
    let other = project.read("config/newsletters/news.yaml").replace("to: recipients", "to: file:people.csv");
    project.write("config/newsletters/other.yaml", other);
    project.write("feeds/news.yaml", "title: Actualités\noutputs: { atom: feed.xml }\n");
    project
}

#[test]
fn while_the_relay_is_down_both_editions_wait_and_say_so_and_the_feeds_are_written() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    let project = two_newsletters(closed);
    let began = Instant::now();
    let ran = project.crieur(&["run"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(ran.status, 0, "waiting is nothing to wake a person for: {}", ran.stderr);
    for name in ["news n° 1", "other n° 1"] {
        assert!(ran.stderr.contains(&format!("{name}: waits for the mail server")), "{}", ran.stderr);
    }
    assert!(project.read("public/feed.xml").contains("Un"));
    for index in [0, 1] {
        let now = edition(&project, index);
        assert_eq!((&now["state"], &now["pending"]), (&Value::from("sending"), &Value::from(3)), "{now}");
    }
    // A day later it is.
    let tomorrow = (chrono::Utc::now() + chrono::TimeDelta::hours(25)).to_rfc3339();
    let ran = project.crieur(&["--now", &tomorrow, "run"]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    for name in ["news n° 1, frozen on ", "other n° 1, frozen on "] {
        assert!(
            ran.stderr.contains(name)
                && ran.stderr.contains("cannot leave: ")
                && ran.stderr.contains("config/crieur.yaml:"),
            "{}",
            ran.stderr
        );
    }
    // It is there again: the next run goes on with both.
    let peer = Peer::start(|_| Act::Usual);
    let config = project.read("config/crieur.yaml").replace(&closed.to_string(), &peer.port.to_string());
    project.write("config/crieur.yaml", config);
    project.ok(&["run"]);
    assert_eq!(peer.received().len(), 6);
}

#[test]
fn a_relay_that_goes_away_in_the_middle_keeps_whom_it_has_not_got_for_the_next_run() {
    let peer = Peer::start(|_| Act::Usual);
    let seen = peer.clone();
    peer.order(move |step| match step {
        Step::Greeting | Step::Mail(_) if seen.received().len() >= 10 => {
            Act::SayAndClose("421 4.3.2 going down\r\n".to_string())
        }
        _ => Act::Usual,
    });
    let project = project_for(&peer, "  connections: 2\n");
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("waits for the mail server") && ran.stderr.contains("going down"), "{}", ran.stderr);
    let reached = peer.received().len();
    let now = edition(&project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("sending"), &Value::from(reached)), "{now}");
    peer.order(|_| Act::Usual);
    project.ok(&["run"]);
    assert_eq!(edition(&project, 0)["state"], "done");
    assert_eq!(peer.received().len(), PEOPLE, "each exactly once");
}
