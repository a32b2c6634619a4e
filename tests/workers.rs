//! Several workers share one edition: nobody gets it twice, the limits hold for all together, and one composes.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::postgres::{self, GUARDED};
use crate::support::project::{Project, Ran};
use crate::support::smtp::{Act, Peer, Step};
use crate::support::stores::{Place, on_both_stores};

const PEOPLE: usize = 120;

on_both_stores! {
    three_workers_share_an_edition_and_nobody_gets_it_twice,
    a_worker_that_is_told_to_stop_gives_back_what_it_has_not_begun,
    a_second_run_composes_nothing_while_one_is_at_work,
    what_a_run_does_it_does_on_either_store,
}

fn project(place: &Place, connections: usize) -> Project {
    let mut list = "email,name\n".to_string();
    for number in 0..PEOPLE {
        list.push_str(&format!("p{number:04}@example.org,P {number}\n"));
    }
    let project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: La lettre\nfrom: lettre@example.org\nto: recipients\nleave: mailto:partir@example.org\n\
             schedule: each-run\nbacklog: announce\n",
        )
        .file("people.csv", list)
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n");
    // Nobody listens there yet.
    let config = project.read("config/crieur.yaml").replace("maildir:var/outbox", "smtp://127.0.0.1:9");
    project
        .write("config/crieur.yaml", format!("{config}  tls: none\n  connections: {connections}\n{}", place.line()));
    let list = project.join("people.csv");
    project.ok(&["recipients", "import", list.to_str().expect("a path")]);
    project
}

/// The edition frozen, and nobody served: the mail server is somewhere else from then on.
fn frozen(place: &Place, connections: usize, peer: &Peer) -> Project {
    let project = project(place, connections);
    project.ok(&["run"]);
    let status = project.json(&["status"], 0);
    assert_eq!(status["editions"][0]["pending"], PEOPLE, "{status}");
    let config = project.read("config/crieur.yaml").replace("127.0.0.1:9\n", &format!("127.0.0.1:{}\n", peer.port));
    project.write("config/crieur.yaml", config);
    project
}

fn everybody_has_one(peer: &Peer) {
    let mut people: HashMap<String, usize> = HashMap::new();
    for received in peer.received() {
        *people.entry(received.recipient).or_default() += 1;
    }
    assert_eq!(people.len(), PEOPLE);
    assert!(people.values().all(|count| *count == 1), "{people:?}");
}

fn slow(step: &Step) -> Act {
    if matches!(step, Step::Body { .. }) {
        std::thread::sleep(Duration::from_millis(15));
    }
    Act::Usual
}

fn start(project: &Project, arguments: &[&str]) -> std::process::Child {
    let mut command: Command = project.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started")
}

fn three_workers_share_an_edition_and_nobody_gets_it_twice(place: Place) {
    let peer = Peer::start(slow);
    let project = frozen(&place, 6, &peer);
    let workers: Vec<_> = (0..3).map(|_| start(&project, &["worker", "--until-done", "--json"])).collect();
    for worker in workers {
        let ran = Ran::from(worker.wait_with_output().expect("ended"));
        assert_eq!(ran.status, 0, "{}", ran.stderr);
    }
    everybody_has_one(&peer);
    let status = project.json(&["status"], 0);
    assert_eq!(
        (&status["editions"][0]["state"], &status["editions"][0]["accepted"]),
        (&"done".into(), &PEOPLE.into())
    );
}

fn a_worker_that_is_told_to_stop_gives_back_what_it_has_not_begun(place: Place) {
    let peer = Peer::start(slow);
    let project = frozen(&place, 2, &peer);
    let worker = start(&project, &["worker"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while peer.received().len() < 5 {
        assert!(Instant::now() < deadline, "no letter came");
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = Command::new("kill").args(["-TERM", &worker.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let ran = Ran::from(worker.wait_with_output().expect("ended"));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let edition = project.json(&["status"], 0)["editions"][0].clone();
    let received = peer.received().len();
    assert!(received < PEOPLE, "it was over before it was told");
    assert_eq!(edition["accepted"], received, "{edition}");
    assert_eq!((&edition["uncertain"], &edition["pending"]), (&0.into(), &(PEOPLE - received).into()), "{edition}");
    project.ok(&["worker", "--until-done"]);
    everybody_has_one(&peer);
}

fn a_second_run_composes_nothing_while_one_is_at_work(place: Place) {
    let peer = Peer::start(slow);
    let project = frozen(&place, 1, &peer);
    let first = start(&project, &["run"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while peer.received().is_empty() {
        assert!(Instant::now() < deadline, "no letter came");
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = project.crieur(&["run"]);
    assert_eq!(second.status, 0, "{}", second.stderr);
    assert!(second.stderr.contains("another run is at work here"), "{}", second.stderr);
    let first = Ran::from(first.wait_with_output().expect("ended"));
    assert_eq!(first.status, 0, "{}", first.stderr);
    everybody_has_one(&peer);
}

/// The commands that look into the memory and change it, one after the other.
fn what_a_run_does_it_does_on_either_store(place: Place) {
    let peer = Peer::start(|step| match step {
        Step::Rcpt(to) if to.starts_with("p0007") => Act::Say("550 5.1.1 unknown".to_string()),
        _ => Act::Usual,
    });
    let project = frozen(&place, 4, &peer);
    project.ok(&["recipients", "remove", "p0003@example.org"]);
    project.ok(&["stop", "news", "1"]);
    assert_eq!(project.json(&["run"], 1)["editions"][0]["state"], "held");
    project.ok(&["resume", "news", "1"]);
    let printed = project.json(&["run"], 0);
    let edition = &printed["editions"][0];
    assert_eq!((&edition["state"], &edition["accepted"]), (&"done".into(), &(PEOPLE - 2).into()), "{edition}");
    assert_eq!((&edition["refused"], &edition["suppressed"]), (&1.into(), &1.into()), "{edition}");
    assert!(project.ok(&["explain", "p0007@example.org"]).contains("5.1.1"));
    assert!(project.ok(&["explain", "p0003@example.org"]).contains("left"));
    assert!(project.ok(&["recipients", "list"]).contains("p0007@example.org"));
    assert_eq!(project.ok(&["recipients", "export"]).lines().count(), PEOPLE + 1);
    let list = project.join("people.csv");
    let taken = project.json(&["recipients", "import", list.to_str().expect("a path"), "--sync"], 0);
    assert_eq!((&taken["unchanged"], &taken["left"]), (&(PEOPLE - 1).into(), &1.into()), "{taken}");
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-02-02\n---\nDeux.\n");
    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"][0]["number"], 2);
    assert_eq!(printed["editions"][0]["suppressed"], 1, "{printed}");
    assert_eq!(printed["editions"][0]["eligible"], PEOPLE - 1, "{printed}");
    project.ok(&["digest"]);
    project.ok(&["build"]);
    assert_eq!(project.json(&["run"], 0)["editions"], serde_json::json!([]));
}

#[test]
fn a_servers_password_comes_from_the_environment_and_is_never_shown() {
    let test = "a_servers_password_comes_from_the_environment_and_is_never_shown";
    let Some((port, name)) = postgres::guarded_database(test) else { return };
    let project = Project::new();
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", format!("{config}database: postgres://{GUARDED}@127.0.0.1:{port}/{name}\n"));
    let refused = project.command(&["status"]).env("CRIEUR_DATABASE_PASSWORD", "wrong word").output();
    let refused = Ran::from(refused.expect("the program starts"));
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("password") && !refused.stderr.contains("wrong word"), "{}", refused.stderr);
    project.write("password", format!("{}\n", postgres::PASSWORD));
    let taken = project.command(&["status"]).env("CRIEUR_DATABASE_PASSWORD_FILE", project.join("password")).output();
    let taken = Ran::from(taken.expect("the program starts"));
    assert_eq!(taken.status, 0, "{}", taken.stderr);
}

#[test]
fn a_database_that_is_not_there_ends_with_2_and_says_which() {
    let project = Project::new();
    let config = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", format!("{config}database: postgres://crieur:secret@127.0.0.1:9/news\n"));
    let ran = project.crieur(&["worker"]);
    assert_eq!(ran.status, 2);
    assert!(
        ran.stderr.contains("postgres://crieur@127.0.0.1:9/news") && !ran.stderr.contains("secret"),
        "{}",
        ran.stderr
    );
}
