//! A person's hand on a delivery that is under way, from another process: leaving, `stop`, `resume`, `cancel`, `resolve`.

use std::collections::HashMap;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::posted::{address, edition, to_people};
use crate::support::project::Project;
use crate::support::smtp::{Act, Peer, Step};

const CONNECTIONS: usize = 8;

/// A receiver that needs a while for each letter.
fn slow(time: Duration) -> Peer {
    Peer::start(move |step| {
        if matches!(step, Step::Body { .. }) {
            std::thread::sleep(time);
        }
        Act::Usual
    })
}

fn project_for(peer: &Peer, people: usize, newsletter: &str) -> Project {
    let mail = format!("  connections: {CONNECTIONS}\n");
    to_people(&format!("smtp://127.0.0.1:{}", peer.port), people, &mail, newsletter)
}

/// A delivery under way, once so many bodies have begun.
fn under_way(project: &Project, peer: &Peer, begun: usize) -> Child {
    let mut command = project.command(&["run", "--stage", "send"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
    let deadline = Instant::now() + Duration::from_secs(60);
    while peer.begun().len() < begun {
        assert!(Instant::now() < deadline, "only {} bodies began", peer.begun().len());
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn ended(child: Child) -> (i32, String) {
    let output = child.wait_with_output().expect("it ends");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn once_leaving_was_answered_no_body_starts_for_that_person() {
    const PEOPLE: usize = 240;
    let peer = slow(Duration::from_millis(150));
    let project = project_for(&peer, PEOPLE, "");
    let delivery = under_way(&project, &peer, 12);
    // Whoever has not begun yet leaves, one after the other, as long as letters go out.
    let mut left: HashMap<String, Instant> = HashMap::new();
    for person in (0..PEOPLE).map(address) {
        // On a slow machine fewer: letters must still go out when the last one has left.
        if left.len() == 25 || peer.begun().len() > PEOPLE / 2 {
            break;
        }
        if peer.begun().iter().all(|(begun, _)| *begun != person) {
            project.ok(&["recipients", "remove", &person]);
            left.insert(person, Instant::now());
        }
    }
    assert!(left.len() >= 2, "it was over before they left");
    let last_answer = left.values().max().copied().expect("somebody left");
    let (status, said) = ended(delivery);
    assert_eq!(status, 0, "{said}");
    let begun = peer.begun();
    assert!(begun.iter().filter(|(_, at)| *at > last_answer).count() >= CONNECTIONS, "it was over before they left");
    let mut while_answering = 0;
    for (person, at) in &begun {
        if let Some(answered) = left.get(person) {
            assert!(at < answered, "{person} left, and a body began {:?} later", *at - *answered);
            while_answering += 1;
        }
    }
    let now = edition(&project, 0);
    assert_eq!(now["state"], "done", "{now}");
    assert_eq!(now["suppressed"], left.len() - while_answering, "{now}");
    assert_eq!(begun.len(), PEOPLE - left.len() + while_answering, "and everybody else got theirs, once");
    println!(
        "{} left during the delivery, {while_answering} of them while their own body was on its way",
        left.len()
    );
    let (person, _) = left.iter().find(|(person, _)| begun.iter().all(|(one, _)| one != *person)).expect("one");
    let explained = project.json(&["explain", person], 0);
    assert_eq!(explained["editions"][0]["state"], "suppressed", "{explained}");
}

#[test]
fn once_a_stop_was_answered_no_body_starts_and_resume_reaches_the_others_exactly_once() {
    const PEOPLE: usize = 120;
    let peer = slow(Duration::from_millis(100));
    let project = project_for(&peer, PEOPLE, "");
    let delivery = under_way(&project, &peer, 10);
    project.ok(&["stop", "news", "1"]);
    let answered = Instant::now();
    let (status, said) = ended(delivery);
    assert_eq!(status, 1, "a person has something to decide: {said}");
    assert!(said.contains("stopped"), "{said}");
    let begun = peer.begun();
    assert!(begun.iter().all(|(_, at)| *at < answered), "a body began after the stop was answered");
    assert!(begun.len() < PEOPLE);
    let now = edition(&project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("held"), &Value::from(begun.len())), "{now}");
    project.ok(&["resume", "news", "1"]);
    project.ok(&["run"]);
    assert_eq!(edition(&project, 0)["state"], "done");
    assert_eq!(peer.received().len(), PEOPLE);
}

#[test]
fn once_a_cancel_was_answered_no_body_starts_and_the_edition_is_over() {
    const PEOPLE: usize = 120;
    let peer = slow(Duration::from_millis(100));
    let project = project_for(&peer, PEOPLE, "");
    let delivery = under_way(&project, &peer, 10);
    project.ok(&["cancel", "news", "1"]);
    let answered = Instant::now();
    let (status, said) = ended(delivery);
    assert_eq!(status, 0, "{said}");
    let begun = peer.begun().len();
    assert!(peer.begun().iter().all(|(_, at)| *at < answered), "a body began after the cancel was answered");
    assert!(begun < PEOPLE);
    project.ok(&["run"]);
    let now = edition(&project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("cancelled"), &Value::from(begun)), "{now}");
    assert_eq!(peer.received().len(), begun, "and it stays so");
}

#[test]
fn an_uncertain_delivery_is_resolved_while_the_others_go_on() {
    const PEOPLE: usize = 60;
    let cut = Arc::new(AtomicBool::new(false));
    let once = Arc::clone(&cut);
    let peer = Peer::start(move |step| match step {
        Step::Body { recipient } if *recipient == address(3) && !once.swap(true, Ordering::SeqCst) => {
            Act::TakeAndClose
        }
        Step::Body { .. } => {
            std::thread::sleep(Duration::from_millis(200));
            Act::Usual
        }
        _ => Act::Usual,
    });
    let project = project_for(&peer, PEOPLE, "on_uncertain: hold\n");
    let config = project.read("config/crieur.yaml").replace("connections: 8", "connections: 2");
    project.write("config/crieur.yaml", config);
    let delivery = under_way(&project, &peer, 3);
    let deadline = Instant::now() + Duration::from_secs(30);
    while edition(&project, 0)["uncertain"] == 0 {
        assert!(Instant::now() < deadline, "nothing became uncertain");
    }
    project.ok(&["resolve", "news", "1", &address(3), "--sent"]);
    let now = edition(&project, 0);
    assert_eq!((&now["uncertain"], &now["state"]), (&Value::from(0), &Value::from("sending")), "{now}");
    let (status, said) = ended(delivery);
    assert_eq!(status, 0, "{said}");
    let now = edition(&project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("done"), &Value::from(PEOPLE)), "{now}");
    assert_eq!(peer.received().len(), PEOPLE, "nothing was sent again");
    let explained = project.json(&["explain", &address(3)], 0);
    assert_eq!(explained["editions"][0]["state"], "accepted");
    assert!(explained["editions"][0]["reply"].as_str().is_some_and(|reply| reply.contains("a person said")));
}
