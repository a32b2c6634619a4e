//! Nothing is sent twice that the ledger knows of: two runs at once, a run after all is done, and a database that was put back to
//! an earlier state.

use std::collections::HashMap;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::posted::{address, edition, to_people};
use crate::support::project::Project;
use crate::support::smtp::{Act, Peer, Received, Step};

fn project_for(peer: &Peer, people: usize) -> Project {
    to_people(&format!("smtp://127.0.0.1:{}", peer.port), people, "  connections: 4\n", "")
}

fn header<'a>(letter: &'a str, name: &str) -> &'a str {
    letter.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in {letter}"))
}

/// How often each person got each Message-ID.
fn times(received: &[Received]) -> HashMap<(String, String), usize> {
    let mut times = HashMap::new();
    for one in received {
        *times.entry((one.recipient.clone(), header(&one.letter, "Message-ID: ").to_string())).or_default() += 1;
    }
    times
}

#[test]
fn runs_at_the_same_moment_send_each_letter_once_and_a_run_afterwards_none() {
    const PEOPLE: usize = 150;
    let peer = Peer::start(|step| {
        if matches!(step, Step::Body { .. }) {
            std::thread::sleep(Duration::from_millis(4));
        }
        Act::Usual
    });
    let project = project_for(&peer, PEOPLE);
    let mut passed_over = 0;
    for round in 0..4 {
        project.write(
            &format!("posts/item-{round}.md"),
            format!("---\ntitle: Item {round}\ndate: 2026-02-02\n---\nX.\n"),
        );
        let start =
            || project.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
        let running: Vec<_> = (0..3).map(|_| start()).collect();
        for child in running {
            let output = child.wait_with_output().expect("ended");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{said}");
            passed_over += usize::from(said.contains("at work"));
        }
        // What the last one found at work when it came is done.
        project.ok(&["run"]);
        let now = edition(&project, round);
        assert_eq!((&now["state"], &now["accepted"]), (&Value::from("done"), &Value::from(PEOPLE)), "{now}");
    }
    let times = times(&peer.received());
    assert_eq!(times.len(), 4 * PEOPLE, "each edition to each person");
    assert!(times.values().all(|times| *times == 1), "nothing twice");
    assert!(passed_over > 0, "none of them met another");
    project.ok(&["run"]);
    project.ok(&["send"]);
    assert_eq!(peer.received().len(), 4 * PEOPLE);
}

/// The database as it is now, to be put back later.
fn keep(project: &Project) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(project.join("var")).expect("a folder").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names = names.filter(|name| name.starts_with("crieur.db") && !name.ends_with("lock"));
    names.map(|name| (name.clone(), fs::read(project.join("var").join(&name)).expect("readable"))).collect()
}

fn put_back(project: &Project, kept: &[(String, Vec<u8>)]) {
    for (name, _) in keep(project) {
        project.remove(&format!("var/{name}"));
    }
    for (name, content) in kept {
        project.write(&format!("var/{name}"), content);
    }
}

#[test]
fn a_database_put_back_to_the_middle_of_a_delivery_sends_again_only_what_it_does_not_know_and_under_the_same_message_id()
 {
    const PEOPLE: usize = 60;
    let peer = Peer::start(|_| Act::Usual);
    let seen = peer.clone();
    // The relay goes away after twenty.
    peer.order(move |step| match step {
        Step::Greeting | Step::Mail(_) if seen.received().len() >= 20 => {
            Act::SayAndClose("421 4.3.2 going down\r\n".to_string())
        }
        _ => Act::Usual,
    });
    let project = project_for(&peer, PEOPLE);
    project.crieur(&["run"]);
    let known = peer.received();
    let now = edition(&project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("sending"), &Value::from(known.len())), "{now}");
    let kept = keep(&project);
    peer.order(|_| Act::Usual);
    project.ok(&["run"]);
    assert_eq!(peer.received().len(), PEOPLE);

    put_back(&project, &kept);
    project.ok(&["run"]);
    let now = edition(&project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("done"), &Value::from(PEOPLE)), "{now}");
    let received = peer.received();
    let times = times(&received);
    assert_eq!(times.len(), PEOPLE, "one Message-ID a person, whenever it was sent");
    for ((person, _), times) in &times {
        let knew = known.iter().any(|one| one.recipient == *person);
        assert_eq!(*times, if knew { 1 } else { 2 }, "{person}: the copy knew of it: {knew}");
    }
    let mut dates: Vec<&str> = received.iter().map(|one| header(&one.letter, "Date: ")).collect();
    dates.dedup();
    assert_eq!(dates.len(), 1, "the edition was frozen with its date: {dates:?}");
}

#[test]
fn a_database_put_back_to_before_an_edition_composes_it_again_under_the_same_number_and_message_ids() {
    let peer = Peer::start(|_| Act::Usual);
    let mut project = project_for(&peer, 5);
    project.at("2026-03-01T08:00:00Z").ok(&["run"]);
    let kept = keep(&project);
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-02-02\n---\nDeux.\n");
    project.at("2026-03-02T08:00:00Z").ok(&["run"]);
    assert_eq!(peer.received().len(), 10);

    put_back(&project, &kept);
    project.at("2026-03-03T08:00:00Z").ok(&["run"]);
    let now = edition(&project, 1);
    assert_eq!((&now["number"], &now["accepted"]), (&Value::from(2), &Value::from(5)), "{now}");
    let received = peer.received();
    assert_eq!(received.len(), 15, "of the second edition the copy knows nothing; the first is not sent again");
    let times = times(&received);
    assert_eq!(times.len(), 10, "a reader's mail program sees two copies of one message");
    for person in (0..5).map(address) {
        let letters: Vec<&str> =
            received.iter().filter(|one| one.recipient == person).map(|one| one.letter.as_str()).collect();
        assert_eq!(header(letters[1], "Subject: "), header(letters[2], "Subject: "));
        assert_eq!(header(letters[1], "Message-ID: "), header(letters[2], "Message-ID: "));
    }
}
