//! `kill -9` of the service at any moment, in the midst of people who confirm, leave and come back: what was answered with
//! 200 is there.
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
use crieur::web::token::confirm;

use super::project;
use crate::support::project::Project;
use crate::support::random::Random;
use crate::support::remembered;
use crate::support::served::{self, Got};
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    what_was_answered_with_200_outlives_a_kill_at_any_moment,
}

/// Clients at once, and the people of each who are on the list at first.
const CLIENTS: usize = 4;
const PEOPLE: usize = 25;
/// When everybody else asked to be on it.
const ASKED: &str = "2026-03-01T07:00:00Z";

/// What somebody may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nothing was confirmed.
    Absent,
    Subscribed,
    Left,
    /// Asked, and not answered: it is done, or not.
    Either,
}

/// Somebody who confirms, leaves and comes back.
struct Person {
    recipient: i64,
    leave: String,
    confirm: String,
    back: Option<String>,
    known: Known,
}

/// The people of one client.
struct Client {
    people: Vec<Person>,
    /// Those who have a confirmation's link, and no answer to it.
    asked: Vec<Person>,
}

#[derive(Default)]
struct Counts {
    confirmed: usize,
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

/// One after another confirms, leaves or comes back, until the service is gone.
fn stream(port: u16, client: &mut Client, random: &mut Random, is_over: &AtomicBool) -> Counts {
    let mut counts = Counts::default();
    while !is_over.load(Ordering::Relaxed) {
        if random.below(3) == 0
            && let Some(mut person) = client.asked.pop()
        {
            match post(port, &person.confirm) {
                Answered::With(got) => {
                    assert_eq!(got.status, 200, "{}", got.text());
                    person.known = Known::Subscribed;
                    counts.confirmed += 1;
                    client.people.push(person);
                }
                Answered::Nothing => {
                    person.known = Known::Either;
                    counts.unanswered += 1;
                    // Whoever has no answer presses again.
                    client.asked.push(person);
                }
                Answered::Unasked => {
                    client.asked.push(person);
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            continue;
        }
        let at = random.below(client.people.len());
        let person = &mut client.people[at];
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
            let page = got.text();
            let token = page.split("action=\"/back/").nth(1).and_then(|rest| rest.split('"').next());
            person.back = token.filter(|token| token.len() == 45).map(|token| format!("/back/{token}"));
        }
    }
    counts
}

/// The clients, each with `asking` people who have a confirmation's link.
fn clients(project: &Project, asking: usize) -> Vec<Client> {
    let secrets = Secrets::load(&project.join("var/keys"), None).expect("a key").expect("a key");
    let asked: chrono::DateTime<chrono::Utc> = ASKED.parse().expect("a moment");
    let asked = asked.timestamp();
    let address = |number: usize| format!("k{number:05}@example.org");
    let on_the_list = CLIENTS * PEOPLE;
    let list: String = (0..on_the_list).map(|number| format!("{},\n", address(number))).collect();
    project.write("more.csv", format!("email,name\n{list}"));
    project.ok(&["recipients", "import", project.join("more.csv").to_str().expect("a path")]);
    let mut everybody = (0..).map(|number| {
        let recipient = secrets.recipient_id(&address(number));
        let leave = format!("/leave/{}", token::leave(&secrets, "news", recipient));
        let confirm = format!("/confirm/{}", confirm(&secrets, "join", "news", recipient, asked));
        let known = if number < on_the_list { Known::Subscribed } else { Known::Absent };
        Person { recipient, leave, confirm, back: None, known }
    });
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|_| Client { people: everybody.by_ref().take(PEOPLE).collect(), asked: Vec::new() })
        .collect();
    for client in &mut clients {
        client.asked = everybody.by_ref().take(asking).collect();
    }
    let rows: Vec<String> = (on_the_list..on_the_list + CLIENTS * asking)
        .map(|number| {
            let (address, recipient) = (address(number), secrets.recipient_id(&address(number)));
            format!("('news', {recipient}, {asked}, '{address}', 'Oui', '1', '')")
        })
        .collect();
    for rows in rows.chunks(500) {
        let columns = "newsletter, recipient, asked_at, email, consent, consent_version, network";
        remembered::tell(project, &format!("INSERT INTO signups ({columns}) VALUES {}", rows.join(", ")));
    }
    clients
}

/// Compares what people know with what the database says.
fn check(project: &Project, clients: &[Client], round: usize) {
    let rows = remembered::ask(
        project,
        "SELECT CAST(recipient AS TEXT), state FROM subscriptions WHERE newsletter = 'news'",
    );
    let states: HashMap<i64, String> =
        rows.into_iter().map(|row| (row[0].parse().expect("a number"), row[1].clone())).collect();
    for person in clients.iter().flat_map(|client| client.people.iter().chain(&client.asked)) {
        let state = states.get(&person.recipient).map_or("gone", String::as_str);
        let is_so = match person.known {
            Known::Absent => state == "gone",
            Known::Subscribed => state == "subscribed",
            Known::Left => state == "left",
            Known::Either => matches!(state, "subscribed" | "left" | "gone"),
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
    let kind = if matches!(place, Place::Sqlite) { "SQLite" } else { "PostgreSQL" };
    let mut random = Random::seeded("what_was_answered_with_200_outlives_a_kill_at_any_moment");
    let (project, port) = project(&place.line());
    let mut clients = clients(&project, 2 * kills + 10);
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
            let streams: Vec<_> = clients
                .iter_mut()
                .zip(seeds)
                .map(|(client, seed)| {
                    let is_over = &is_over;
                    scope.spawn(move || stream(port, client, &mut Random::of(seed), is_over))
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
            streams.into_iter().map(|stream| stream.join().expect("a client")).collect()
        });
        for counts in counts {
            all.confirmed += counts.confirmed;
            all.left += counts.left;
            all.came_back += counts.came_back;
            all.unanswered += counts.unanswered;
        }
        check(&project, &clients, round);
    }
    let Counts { confirmed, left, came_back, unanswered } = all;
    assert!(confirmed + left + came_back > kills, "too few were answered: {confirmed}, {left} and {came_back}");
    println!(
        "{kind}: {kills} kills in {:.0} s: {confirmed} confirmations, {left} leavings and {came_back} comings back were answered, \
         and none is lost; {unanswered} requests had no answer",
        began.elapsed().as_secs_f64(),
    );
}
