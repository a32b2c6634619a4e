//! `serve --with-schedule`: the service that also builds, sends and tries again.

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{project, state, way_out};
use crate::support::project::{Project, Ran};
use crate::support::served::Served;
use crate::support::smtp::{Act, Peer, Step};
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    it_builds_and_sends_what_is_due_each_minute_and_serves_it_at_once,
    told_to_stop_it_lets_the_letters_under_way_end,
    a_worker_and_a_run_beside_it_send_every_letter_once,
}

fn scheduled(project: &Project) -> Served {
    Served::by(project.command(&["-v", "serve", "--with-schedule"]))
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !is_there() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn it_builds_and_sends_what_is_due_each_minute_and_serves_it_at_once(place: Place) {
    let (mut project, _) = project(&place.line());
    // Fifty seconds into a minute, ten seconds before the other letter's: then it asks for the next run.
    project.write(
        "config/newsletters/other.yaml",
        project.read("config/newsletters/other.yaml").replace("0 9 1 * *", "30 9 1 3 *"),
    );
    project.at("2026-03-01T08:29:48Z");
    let mut served = scheduled(&project);
    wait_for("the first letters", || project.letters("var/outbox").len() == 4);
    assert_eq!(served.get("/feed/feed.xml", &[]).status, 200);
    assert!(!served.get("/feed/feed.xml", &[]).text().contains("Deux"));
    let letters = project.letters("var/outbox");
    assert_eq!(served.one_click(&way_out(&letters, "ana@example.org")).status, 200);
    assert_eq!(state(&project, "ana@example.org", "news"), "left");
    // A run by hand beside it does no harm.
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-03-01\n---\nDeux.\n");
    wait_for("the second letters", || project.letters("var/outbox").len() == 4 + 3 + 2);
    assert!(served.get("/feed/feed.xml", &[]).text().contains("Deux"), "a new build is served at once");
    let said = served.said();
    assert!(!said.contains("@example.org"), "{said}");
    assert_eq!(served.stop(), Some(0));
    let status = project.json(&["status"], 0);
    assert!(status["editions"].as_array().expect("editions").iter().all(|one| one["state"] == "done"), "{status}");
}

fn told_to_stop_it_lets_the_letters_under_way_end(place: Place) {
    let slow = |step: &Step| {
        if matches!(step, Step::Body { .. }) {
            std::thread::sleep(Duration::from_millis(400));
        }
        Act::Usual
    };
    let peer = Peer::start(slow);
    let (project, _) = project(&place.line());
    let list: String = (0..60).map(|number| format!("p{number:02}@example.org,\n")).collect();
    project.write("more.csv", format!("email,name\n{list}"));
    project.ok(&["recipients", "import", project.join("more.csv").to_str().expect("a path")]);
    let config = project.read("config/crieur.yaml");
    let smtp = format!("smtp://127.0.0.1:{}\n  tls: none\n  connections: 2", peer.port);
    project.write("config/crieur.yaml", config.replace("maildir:var/outbox", &smtp));
    let mut served = scheduled(&project);
    wait_for("a letter", || peer.received().len() > 4);
    let began = Instant::now();
    assert_eq!(served.stop(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let received = peer.received().len();
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(peer.received().len(), received, "nobody delivers any more");
    let edition = project.json(&["status"], 0)["editions"][0].clone();
    assert_eq!((&edition["accepted"], &edition["uncertain"]), (&received.into(), &0.into()), "{edition}");
    assert_eq!(edition["pending"], 64 - received);

    // Killed, it takes its run with it: that one ends by itself, and nothing is left uncertain.
    let mut served = scheduled(&project);
    wait_for("more letters", || peer.received().len() > received + 3);
    served.kill();
    wait_for("the run's end", || {
        let edition = project.json(&["status"], 0)["editions"][0].clone();
        let before = peer.received().len();
        std::thread::sleep(Duration::from_millis(1000));
        before == peer.received().len() && edition["accepted"] == before
    });
    let edition = project.json(&["status"], 0)["editions"][0].clone();
    assert_eq!(edition["uncertain"], 0, "{edition}");
    assert!(edition["pending"].as_u64().is_some_and(|pending| pending > 0), "{edition}");

    // The next one goes on where it stopped.
    let mut served = scheduled(&project);
    wait_for("all letters", || peer.received().len() == 64);
    assert_eq!(served.stop(), Some(0));
    let mut people: Vec<String> = peer.received().iter().map(|received| received.recipient.clone()).collect();
    people.sort();
    people.dedup();
    assert_eq!(people.len(), 64, "nobody twice");
}

fn a_worker_and_a_run_beside_it_send_every_letter_once(place: Place) {
    const PEOPLE: usize = 104;
    let slow = |step: &Step| {
        if matches!(step, Step::Body { .. }) {
            std::thread::sleep(Duration::from_millis(15));
        }
        Act::Usual
    };
    let peer = Peer::start(slow);
    let (mut project, _) = project(&place.line());
    let list: String = (4..PEOPLE).map(|number| format!("p{number:03}@example.org,\n")).collect();
    project.write("more.csv", format!("email,name\n{list}"));
    project.ok(&["recipients", "import", project.join("more.csv").to_str().expect("a path")]);
    let config = project.read("config/crieur.yaml");
    let smtp = format!("smtp://127.0.0.1:{}\n  tls: none\n  connections: 4", peer.port);
    project.write("config/crieur.yaml", config.replace("maildir:var/outbox", &smtp));
    // Fifty seconds into a minute: the schedule's next run comes soon.
    project.at("2026-03-01T08:29:50Z");
    let mut served = scheduled(&project);
    let start = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started")
    };
    let ended = |process: Child| {
        let ran = Ran::from(process.wait_with_output().expect("ended"));
        assert_eq!(ran.status, 0, "{}", ran.stderr);
    };
    let worker = start(&["worker"]);
    for edition in 1..=3 {
        // Twice all at once; the third edition is the schedule's next minute's, with the worker beside it.
        if edition < 3 {
            let runs = [start(&["run"]), start(&["run"]), start(&["worker", "--until-done"])];
            runs.into_iter().for_each(&ended);
        }
        wait_for("every letter", || peer.received().len() >= PEOPLE * edition);
        wait_for("the edition's end", || {
            let status = project.json(&["status"], 0);
            let editions = status["editions"].as_array().expect("editions").clone();
            editions.len() == edition
                && editions.iter().all(|one| one["state"] == "done" && one["accepted"] == PEOPLE)
        });
        if edition < 3 {
            let item = format!("---\ntitle: Suite {edition}\ndate: 2026-03-01\n---\nSuite {edition}.\n");
            project.write(&format!("posts/suite-{edition}.md"), item);
        }
    }
    // Whoever would send one more has had the time to.
    std::thread::sleep(Duration::from_secs(1));
    let told = Command::new("kill").args(["-TERM", &worker.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    ended(worker);
    assert_eq!(served.stop(), Some(0));
    let mut letters = HashSet::new();
    for received in peer.received() {
        let of = received.letter.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id: "));
        let of = of.unwrap_or_else(|| panic!("{}", received.letter)).to_string();
        assert!(letters.insert((received.recipient.clone(), of)), "twice to {}", received.recipient);
    }
    assert_eq!(letters.len(), PEOPLE * 3);
    let people: HashSet<&String> = letters.iter().map(|(recipient, _)| recipient).collect();
    assert_eq!(people.len(), PEOPLE);
}
