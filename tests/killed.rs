//! `kill -9` in the middle of a delivery into a real receiver, again and again: nobody is missed, the ledger balances at every
//! start, and who got a letter twice got it under one Message-ID and stands in the ledger as one who may have.
//!
//! `CRIEUR_TEST_KILLS` says how often (a few dozen unless it is set), `CRIEUR_TEST_SEED` repeats a run's moments.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crieur::secrets::Secrets;
use crieur::store::Store;
use crieur::store::database::Database;
use serde_json::Value;

use crate::support::posted::{by_person, edition, to_people};
use crate::support::postfix::Postfix;
use crate::support::postgres;
use crate::support::project::Project;
use crate::support::random::Random;

const PEOPLE: usize = 5000;
const CONNECTIONS: usize = 8;

/// The processes that deliver, killed and started anew.
struct Senders<'a> {
    project: &'a Project,
    arguments: &'a [&'a str],
    running: Vec<Child>,
    kills: usize,
}

impl Senders<'_> {
    fn start(&self) -> Child {
        let mut command = self.project.command(self.arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
    }

    /// Kills one of them, and counts it if it was still at work.
    fn kill(&mut self, which: usize) {
        self.running[which].kill().expect("killed");
        // One that had ended by itself has a status of its own.
        self.kills += usize::from(self.running[which].wait().expect("ended").code().is_none());
    }

    fn wait(&mut self) {
        for sender in &mut self.running {
            sender.wait().expect("ended");
        }
    }
}

impl Drop for Senders<'_> {
    fn drop(&mut self) {
        for sender in &mut self.running {
            let _ = sender.kill();
            let _ = sender.wait();
        }
    }
}

/// So many processes deliver; one of them is killed at random moments, all over the delivery, and started anew. `kept` gives what
/// the receiver has.
fn kill_and_count(
    test: &str,
    project: &Project,
    arguments: &[&str],
    at_once: usize,
    people: usize,
    kept: impl Fn() -> Vec<(String, String)>,
) {
    let kills: usize = std::env::var("CRIEUR_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let mut random = Random::seeded(test);
    project.ok(&["run"]);
    project.ok(&["approve", "news", "1"]);
    let began = Instant::now();
    let mut senders = Senders { project, arguments, running: Vec::new(), kills: 0 };
    senders.running = (0..at_once).map(|_| senders.start()).collect();
    // At most how long one lives; it follows how far the delivery has come, so that the kills are spread all over it.
    let mut window = 0.3;
    while senders.kills < kills {
        std::thread::sleep(Duration::from_secs_f64(window * random.fraction()));
        let which = random.below(at_once);
        senders.kill(which);
        let edition = edition(project, 0);
        assert_eq!(edition["eligible"], people, "frozen whole");
        if edition["state"] == "done" {
            break;
        }
        let far = 1.0 - edition["pending"].as_f64().expect("a number") / people as f64;
        let ahead = far > senders.kills as f64 / kills as f64;
        window = (window * if ahead { 0.85 } else { 1.18 }).clamp(0.05, 3.0);
        senders.running[which] = senders.start();
    }
    senders.wait();
    let kills_done = senders.kills;
    finish(project, arguments, people);
    // A quick machine is through before that many.
    assert!(kills_done * 5 >= kills.min(30), "it was over after {kills_done} kills");
    let twice = check(project, &kept(), people, kills_done);
    println!(
        "{test}: {kills_done} kills in {:.0} s: missed 0, twice {twice} (allowed {})",
        began.elapsed().as_secs_f64(),
        kills_done * CONNECTIONS
    );
}

/// Lets the delivery end. Whoever was cut off too often waits for a person, who says: send it again.
fn finish(project: &Project, arguments: &[&str], people: usize) {
    for _ in 0..4 {
        let edition = edition(project, 0);
        if edition["state"] == "done" {
            break;
        }
        if edition["uncertain"] != 0 {
            project.ok(&["resolve", "news", "1", "--resend"]);
        }
        project.crieur(arguments);
    }
    let edition = edition(project, 0);
    assert_eq!((&edition["state"], &edition["accepted"]), (&Value::from("done"), &Value::from(people)), "{edition}");
}

/// Everybody got it. Those who got it twice did so under one Message-ID, are at most a connection's worth a kill, and stand in the
/// ledger as cut off at least as often as they got one too many. Gives how many letters were too many.
fn check(project: &Project, letters: &[(String, String)], people: usize, kills: usize) -> usize {
    let got = by_person(letters);
    assert_eq!(got.len(), people, "missed: {}", people - got.len());
    let twice = letters.len() - people;
    assert!(twice <= kills * CONNECTIONS, "{twice} letters too many after {kills} kills");
    let secrets = Secrets::load_or_create(&project.join("var/keys"), None).expect("the key");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (config, _) = crieur::config::Config::read(project.path()).expect("a configuration");
        let database = Database::of(&config).expect("a database");
        let mut store = Store::open(&database).await.expect("a store");
        for (person, ids) in got.iter().filter(|(_, ids)| ids.len() > 1) {
            assert!(ids.iter().all(|id| id == &ids[0]), "{person}: {ids:?}");
            let explained = store.explain(secrets.recipient_id(person)).await.expect("readable");
            let delivery = explained[0].2.as_ref().expect("a delivery");
            let cut_off = usize::try_from(delivery.uncertain).expect("a number");
            assert!(cut_off >= ids.len() - 1, "{person} got it {} times, the ledger says: {delivery:?}", ids.len());
        }
    });
    let mut ids: Vec<&str> = got.values().map(|ids| ids[0]).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), people, "a Message-ID is one person's");
    twice
}

fn into_postfix(test: &str, database: Option<String>, arguments: &[&str], at_once: usize) {
    let Some(postfix) = Postfix::start_keeping(test) else { return };
    let database = database.map(|address| format!("database: {address}\n")).unwrap_or_default();
    let mail = format!("  connections: {CONNECTIONS}\n{database}");
    let project = to_people(&format!("smtp://127.0.0.1:{}", postfix.port), PEOPLE, &mail, "approve: yes\n");
    kill_and_count(test, &project, arguments, at_once, PEOPLE, || postfix.kept());
}

const RUN: &[&str] = &["run", "--stage", "send"];
const WORKER: &[&str] = &["worker", "--until-done"];

#[test]
fn a_run_that_is_killed_at_random_moments_misses_nobody() {
    into_postfix("a_run_that_is_killed_at_random_moments_misses_nobody", None, RUN, 1);
}

#[test]
fn three_workers_of_one_file_of_which_one_is_killed_at_random_moments_miss_nobody() {
    const TEST: &str = "three_workers_of_one_file_of_which_one_is_killed_at_random_moments_miss_nobody";
    into_postfix(TEST, None, WORKER, 3);
}

#[test]
fn a_worker_on_a_database_server_that_is_killed_at_random_moments_misses_nobody() {
    const TEST: &str = "a_worker_on_a_database_server_that_is_killed_at_random_moments_misses_nobody";
    if let Some(database) = postgres::database(TEST) {
        into_postfix(TEST, Some(database), WORKER, 1);
    }
}

#[test]
fn three_workers_on_a_database_server_of_which_one_is_killed_at_random_moments_miss_nobody() {
    const TEST: &str = "three_workers_on_a_database_server_of_which_one_is_killed_at_random_moments_miss_nobody";
    if let Some(database) = postgres::database(TEST) {
        into_postfix(TEST, Some(database), WORKER, 3);
    }
}

#[test]
fn a_run_into_a_maildir_that_is_killed_at_random_moments_misses_nobody() {
    const TEST: &str = "a_run_into_a_maildir_that_is_killed_at_random_moments_misses_nobody";
    let project = to_people("maildir:var/outbox", 3000, "", "approve: yes\n");
    kill_and_count(TEST, &project, RUN, 1, 3000, || {
        let field = |letter: &str, name: &str| {
            letter.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_string()
        };
        // `Zoé 7 <p7@example.org>`, whatever the encoding of its words.
        let person = |to: String| to.split(['<', '>']).nth(1).expect("an address").to_string();
        let letters = project.letters("var/outbox");
        letters.iter().map(|letter| (person(field(letter, "To: ")), field(letter, "Message-ID: "))).collect()
    });
}
