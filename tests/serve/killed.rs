//! `kill -9` of the service at any moment, in the midst of people who leave and come back: what was answered with 200 is
//! there.
//!
//! `CRIEUR_TEST_KILLS` says how often (20 unless it is set), `CRIEUR_TEST_SEED` repeats a run's moments.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crieur::mail::token;
use crieur::secrets::Secrets;

use super::project;
use crate::support::project::Project;
use crate::support::random::Random;
use crate::support::remembered;
use crate::support::served::{self, Got};
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    what_was_answered_with_200_outlives_a_kill_at_any_moment,
}

/// Clients at once, and the people of each.
const CLIENTS: usize = 4;
const PEOPLE: usize = 25;

/// What somebody may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Subscribed,
    Left,
    /// Asked, and not answered: it is done, or not.
    Either,
}

/// Somebody who leaves and comes back.
struct Person {
    recipient: i64,
    leave: String,
    back: Option<String>,
    known: Known,
}

#[derive(Default)]
struct Counts {
    left: usize,
    came_back: usize,
    unanswered: usize,
}

enum Answered {
    With(Got),
    /// It was asked, and went away before it answered.
    Nothing,
    /// Nobody was there to ask.
    Unasked,
}

fn post(port: u16, path: &str) -> Answered {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return Answered::Unasked };
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a bound");
    let body = "List-Unsubscribe=One-Click";
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(request.as_bytes());
    // Its first line is the answer, however much of the page arrives.
    match served::read(stream) {
        got if got.status == 0 => Answered::Nothing,
        got => Answered::With(got),
    }
}

/// One after another leaves or comes back, until the service is gone.
fn stream(port: u16, people: &mut [Person], random: &mut Random, is_over: &AtomicBool) -> Counts {
    let mut counts = Counts::default();
    while !is_over.load(Ordering::Relaxed) {
        let at = random.below(people.len());
        let person = &mut people[at];
        let back = person.back.take().filter(|_| person.known == Known::Left);
        let got = match post(port, back.as_deref().unwrap_or(&person.leave)) {
            Answered::With(got) => got,
            Answered::Nothing => {
                // Who has left, and leaves again, knows what they knew.
                if person.known != Known::Left || back.is_some() {
                    person.known = Known::Either;
                }
                counts.unanswered += 1;
                continue;
            }
            Answered::Unasked => {
                person.back = back;
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
        };
        assert_eq!(got.status, 200, "{}", got.text());
        if back.is_some() {
            person.known = Known::Subscribed;
            counts.came_back += 1;
        } else {
            person.known = Known::Left;
            counts.left += 1;
            let token = got
                .text()
                .split("action=\"/back/")
                .nth(1)
                .and_then(|rest| rest.split('"').next().map(str::to_string));
            person.back = token.filter(|token| token.len() == 45).map(|token| format!("/back/{token}"));
        }
    }
    counts
}

fn people(project: &Project) -> Vec<Vec<Person>> {
    let count = CLIENTS * PEOPLE;
    let list: String = (0..count).map(|number| format!("k{number:03}@example.org,\n")).collect();
    project.write("more.csv", format!("email,name\n{list}"));
    project.ok(&["recipients", "import", project.join("more.csv").to_str().expect("a path")]);
    let secrets = Secrets::load(&project.join("var/keys"), None).expect("a key").expect("a key");
    let mut people = (0..count).map(|number| {
        let recipient = secrets.recipient_id(&format!("k{number:03}@example.org"));
        let leave = format!("/leave/{}", token::leave(&secrets, "news", recipient));
        Person { recipient, leave, back: None, known: Known::Subscribed }
    });
    (0..CLIENTS).map(|_| people.by_ref().take(PEOPLE).collect()).collect()
}

/// Compares what people know with what the database says.
fn check(project: &Project, people: &[Vec<Person>], round: usize) {
    let rows = remembered::ask(
        project,
        "SELECT CAST(recipient AS TEXT), state FROM subscriptions WHERE newsletter = 'news'",
    );
    let states: HashMap<i64, String> =
        rows.into_iter().map(|row| (row[0].parse().expect("a number"), row[1].clone())).collect();
    for person in people.iter().flatten() {
        let state = states.get(&person.recipient).map_or("gone", String::as_str);
        let is_so = match person.known {
            Known::Subscribed => state == "subscribed",
            Known::Left => state == "left",
            Known::Either => matches!(state, "subscribed" | "left"),
        };
        assert!(is_so, "round {round}: {} was told {:?}, and is {state}", person.recipient, person.known);
    }
}

fn start(project: &Project) -> Child {
    let mut command = project.command(&["--quiet", "serve"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
}

fn wait_until_it_answers(port: u16) {
    let began = Instant::now();
    while !matches!(post(port, "/leave/x"), Answered::With(_)) {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not answer");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn what_was_answered_with_200_outlives_a_kill_at_any_moment(place: Place) {
    let kills: usize = std::env::var("CRIEUR_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut random = Random::seeded("what_was_answered_with_200_outlives_a_kill_at_any_moment");
    let (project, port) = project(&place.line());
    let mut people = people(&project);
    let began = Instant::now();
    let mut first = start(&project);
    wait_until_it_answers(port);
    let whole = began.elapsed();
    first.kill().expect("killed");
    first.wait().expect("ended");
    let mut all = Counts::default();
    for round in 1..=kills {
        let mut service = start(&project);
        let is_over = AtomicBool::new(false);
        let counts: Vec<Counts> = std::thread::scope(|scope| {
            let seeds: Vec<u64> = (0..CLIENTS).map(|_| random.next()).collect();
            let clients: Vec<_> = people
                .iter_mut()
                .zip(seeds)
                .map(|(people, seed)| {
                    let is_over = &is_over;
                    scope.spawn(move || stream(port, people, &mut Random::of(seed), is_over))
                })
                .collect();
            // One in eight at its start, the others at work.
            if random.below(8) == 0 {
                std::thread::sleep(whole.mul_f64(random.fraction()));
            } else {
                wait_until_it_answers(port);
                std::thread::sleep(Duration::from_millis(250).mul_f64(random.fraction()));
            }
            service.kill().expect("killed");
            service.wait().expect("ended");
            is_over.store(true, Ordering::Relaxed);
            clients.into_iter().map(|client| client.join().expect("a client")).collect()
        });
        for counts in counts {
            all.left += counts.left;
            all.came_back += counts.came_back;
            all.unanswered += counts.unanswered;
        }
        check(&project, &people, round);
    }
    assert!(all.left + all.came_back > kills, "too few were answered: {} and {}", all.left, all.came_back);
    println!(
        "{kills} kills in {:.0} s: {} leavings and {} comings back were answered and none is lost; {} requests had no answer",
        began.elapsed().as_secs_f64(),
        all.left,
        all.came_back,
        all.unanswered
    );
}
