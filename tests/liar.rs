//! A mail server that lies at every step: what becomes of the letters is a table, here and in `docs/delivery.md`.
//!
//! Three people, one connection. The lie is told to the second of them, or to a connection. Whatever it is, the ledger
//! balances, nobody is given up for a fault that is not theirs, and once the server is honest everybody has their letter:
//! one, or, where nobody could know, two with the same Message-ID. Each lie is told in three ways: to envelopes that are
//! said at once, by a server that answers 503 behind a refusal; the same by one that goes on as if nothing were; and one
//! command at a time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use crieur::config::Tls;
use crieur::mail::delivery::Ended;
use crieur::mail::smtp::{Patience, Settings, Trust};
use crieur::store::editions::State;

use crate::delivery::{Post, address, beginning, message_id, route, secrets, setting, wait};
use crate::support::authority::Authority;
use crate::support::smtp::{Abilities, Act, PASSWORD, Peer, Step, USER};
use crate::support::stores::Place;

/// How long the client of these tests waits for an answer.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What becomes of the letter that the lie is about, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    GoesOn,
    Later,
    Refused,
    Suppressed,
    Uncertain,
    LaterOrUncertain,
    Waits,
    Held,
}

impl Fate {
    fn words(self) -> &'static str {
        match self {
            Fate::GoesOn => "goes on in the same run: no letter is lost, none twice",
            Fate::Later => "this letter is tried again later; the others go on",
            Fate::Refused => "refused, with the server's words; the address stays",
            Fate::Suppressed => "refused, and the address gets no letter any more",
            Fate::Uncertain => "nobody knows: sent again later under the same Message-ID, or waits for a person",
            Fate::LaterOrUncertain => "tried again later; uncertain if the whole letter had left",
            Fate::Waits => "the edition waits for the next run; it counts as nobody's try",
            Fate::Held => "the edition is held for a person; nobody is refused, all wait",
        }
    }
}

/// Where the lie is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    BodyBegins,
    Body,
}

impl At {
    fn words(self) -> &'static str {
        match self {
            At::Greeting => "greeting",
            At::Ehlo => "EHLO",
            At::StartTls => "STARTTLS",
            At::Auth => "AUTH",
            At::Mail => "MAIL",
            At::Rcpt => "RCPT",
            At::Data => "DATA",
            At::BodyBegins => "the body",
            At::Body => "the body's end",
        }
    }

    fn is(self, step: &Step) -> bool {
        match self {
            At::Greeting => matches!(step, Step::Greeting),
            At::Ehlo => matches!(step, Step::Ehlo),
            At::StartTls => matches!(step, Step::Other(line) if line == "STARTTLS"),
            At::Auth => matches!(step, Step::Other(line) if line.starts_with("AUTH ")),
            At::Mail => matches!(step, Step::Mail(_)),
            At::Rcpt => matches!(step, Step::Rcpt(_)),
            At::Data => matches!(step, Step::Data),
            At::BodyBegins => matches!(step, Step::BodyBegins { .. }),
            At::Body => matches!(step, Step::Body { .. }),
        }
    }

    /// Whether it is said before any letter.
    fn begins(self) -> bool {
        matches!(self, At::Greeting | At::Ehlo | At::StartTls | At::Auth)
    }
}

/// How often it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Always,
    /// At the first of its steps, or where the second letter is: then the server is honest.
    Once,
    /// Whoever the letter is for.
    ToAll,
}

#[derive(Clone)]
struct Lie {
    at: At,
    /// As the table has it.
    server: &'static str,
    acts: Vec<Act>,
    told: Told,
    fate: Fate,
    /// It shows only where commands are said at once.
    together: bool,
}

fn say(words: &str) -> Act {
    Act::Say(words.to_string())
}

fn answers(codes: &[&str]) -> Vec<Act> {
    codes.iter().map(|code| say(&format!("{code} so it is"))).collect()
}

fn lie(at: At, server: &'static str, acts: Vec<Act>, told: Told, fate: Fate) -> Lie {
    Lie { at, server, acts, told, fate, together: false }
}

fn together(at: At, server: &'static str, act: Act, told: Told, fate: Fate) -> Lie {
    Lie { at, server, acts: vec![Act::Together(Box::new(act))], told, fate, together: true }
}

/// The ways in which a server can say nothing, or nothing whole.
fn silences() -> Vec<(&'static str, Vec<Act>)> {
    let long = PATIENCE * 2;
    vec![
        ("closes", vec![Act::Close]),
        (
            "answers half a line and closes",
            vec![Act::SayAndClose("25".into()), Act::SayAndClose("250-ok\r\n25".into())],
        ),
        ("says nothing for longer than it may", vec![Act::Stall(long)]),
        ("trickles bytes and never ends a line", vec![Act::Trickle(long)]),
        ("answers what is no SMTP", vec![say("HTTP/1.1 400 Bad Request"), say("250-a\r\n550 b")]),
        ("answers without an end", vec![Act::SayAndClose("250-on and on\r\n".repeat(8000))]),
    ]
}

/// The table.
fn lies() -> Vec<Lie> {
    use Told::{Always, Once, ToAll};
    let mut lies = Vec::new();
    for (server, acts) in silences() {
        for (at, fate) in [
            (At::Greeting, Fate::Waits),
            (At::Ehlo, Fate::Waits),
            (At::StartTls, Fate::Waits),
            (At::Auth, Fate::Waits),
            (At::Rcpt, Fate::Later),
            (At::Data, Fate::Later),
        ] {
            lies.push(lie(at, server, acts.clone(), Always, fate));
        }
        lies.push(lie(At::Mail, server, acts.clone(), Once, Fate::GoesOn));
        if server != "closes" {
            lies.push(lie(At::Body, server, acts, Always, Fate::Uncertain));
        }
    }
    for at in [At::Greeting, At::Ehlo, At::StartTls, At::Auth, At::Mail] {
        lies.push(lie(at, "answers 421, 450 or 452", answers(&["421", "450", "452"]), Once, Fate::GoesOn));
        lies.push(lie(at, "answers 550, 552 or 554", answers(&["550", "552", "554"]), Always, Fate::Held));
    }
    for at in [At::Rcpt, At::Data, At::Body] {
        lies.push(lie(at, "answers 421, 450 or 452", answers(&["421", "450", "452"]), Always, Fate::Later));
        lies.push(lie(
            at,
            "answers 421 and closes",
            vec![Act::SayAndClose("421 4.3.2 going down\r\n".into())],
            Always,
            Fate::Later,
        ));
    }
    for at in [At::Data, At::Body] {
        lies.push(lie(at, "answers 550, 552 or 554", answers(&["550 5.1.1", "552", "554"]), Always, Fate::Refused));
    }
    lies.extend([
        lie(At::Greeting, "takes its time", vec![Act::Late(PATIENCE / 3)], Always, Fate::GoesOn),
        lie(At::Ehlo, "answers 500 or 502: it knows HELO only", answers(&["500", "502"]), Always, Fate::GoesOn),
        lie(
            At::Ehlo,
            "takes no letter of this size (SIZE)",
            vec![say("250-double.example.org\r\n250 SIZE 100")],
            Always,
            Fate::Held,
        ),
        lie(
            At::StartTls,
            "answers 220, then closes",
            vec![Act::SayAndClose("220 go\r\n".into())],
            Always,
            Fate::Waits,
        ),
        lie(
            At::StartTls,
            "answers 220 and injects answers before TLS",
            vec![say("220 go\r\n250-double\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok")],
            Always,
            Fate::Waits,
        ),
        lie(At::Auth, "refuses the password (535)", vec![say("535 5.7.8 no")], Always, Fate::Held),
        lie(At::Mail, "takes its time", vec![Act::Late(PATIENCE / 3)], Always, Fate::GoesOn),
        lie(
            At::Rcpt,
            "answers 550 or 550 5.1.1",
            vec![say("550"), say("550 5.1.1 unknown"), say("550 no such user")],
            Always,
            Fate::Suppressed,
        ),
        lie(At::Rcpt, "answers 550 5.7.1, 552 or 554", answers(&["550 5.7.1", "552", "554"]), Always, Fate::Refused),
        lie(At::Rcpt, "answers 251", vec![say("251 elsewhere")], Always, Fate::GoesOn),
        lie(At::Rcpt, "answers 354", vec![say("354 go on")], Always, Fate::Later),
        lie(At::Data, "answers 250 in place of 354", vec![say("250 ok")], Always, Fate::Later),
        lie(
            At::Data,
            "answers 354 and, before the body, 250",
            vec![say("354 go on\r\n250 2.0.0 taken")],
            Always,
            Fate::Later,
        ),
        lie(At::Data, "takes its time", vec![Act::Late(PATIENCE / 3)], Always, Fate::GoesOn),
        lie(At::BodyBegins, "closes when the body should come", vec![Act::Close], Always, Fate::LaterOrUncertain),
        lie(At::BodyBegins, "closes before the final dot", vec![Act::ReadAndClose], Always, Fate::Uncertain),
        lie(At::Body, "closes behind the final dot", vec![Act::TakeAndClose, Act::Close], Always, Fate::Uncertain),
        lie(At::Body, "answers 354 once more", vec![say("354 go on")], Always, Fate::Uncertain),
        lie(At::Body, "takes its time", vec![Act::Late(PATIENCE / 3)], Always, Fate::GoesOn),
        lie(
            At::Body,
            "takes the letter and closes each time",
            vec![Act::SayAndClose("250 2.0.0 taken\r\n".into())],
            ToAll,
            Fate::GoesOn,
        ),
        together(
            At::Mail,
            "offers PIPELINING, and answers the first command only",
            Act::SayAndForget("250 2.1.0 ok".into()),
            ToAll,
            Fate::GoesOn,
        ),
        together(
            At::Rcpt,
            "offers PIPELINING, and drops what comes behind RCPT",
            Act::SayAndForget("250 2.1.5 ok".into()),
            ToAll,
            Fate::GoesOn,
        ),
        together(At::Mail, "offers PIPELINING, and closes on it", Act::Close, ToAll, Fate::GoesOn),
        together(
            At::Mail,
            "offers PIPELINING, and answers 501 to it",
            say("501 5.5.2 one command a line"),
            ToAll,
            Fate::GoesOn,
        ),
        together(
            At::Rcpt,
            "offers PIPELINING, and answers 503 to it",
            say("503 5.5.1 one at a time"),
            ToAll,
            Fate::GoesOn,
        ),
        together(
            At::Rcpt,
            "offers PIPELINING, and mixes up the answers",
            say("354 go on\r\n250 2.1.5 ok"),
            ToAll,
            Fate::GoesOn,
        ),
        together(
            At::Body,
            "takes the letter, and drops the envelope that came with its end",
            Act::SayAndForget("250 2.0.0 taken".into()),
            ToAll,
            Fate::GoesOn,
        ),
        together(
            At::Body,
            "takes the letter, and answers half of what came with its end",
            Act::SayAndClose("250 2.0.0 taken\r\n250 2.1.0 ok\r\n250".into()),
            ToAll,
            Fate::GoesOn,
        ),
    ]);
    lies
}

/// How envelopes are said, and how a server goes on behind a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Strict,
    Sloppy,
    OneByOne,
}

/// What the server has to remember to lie at the right place.
#[derive(Default)]
struct Memory {
    recipient: String,
    refused: bool,
    letters: usize,
}

/// The server's orders.
fn orders(at: At, told: Told, manner: Manner, act: Act) -> impl Fn(&Step) -> Act + Send + Sync + 'static {
    let memory = Mutex::new(Memory::default());
    let times = AtomicUsize::new(0);
    move |step| {
        let mut memory = memory.lock().expect("a lock");
        match step {
            Step::Mail(_) => {
                memory.refused = false;
                memory.letters += 1;
            }
            Step::Rcpt(recipient) => memory.recipient = recipient.clone(),
            _ => {}
        }
        let about_the_second = match at {
            At::Mail => told == Told::Always || memory.letters == 2,
            _ => at.begins() || memory.recipient == address(1),
        };
        let now = at.is(step) && (told == Told::ToAll || about_the_second);
        if now && (told != Told::Once || times.fetch_add(1, Ordering::SeqCst) == 0) {
            memory.refused |= matches!(&act, Act::Say(words) if words.starts_with(['4', '5']));
            return act.clone();
        }
        if manner == Manner::Strict && memory.refused && matches!(step, Step::Rcpt(_) | Step::Data) {
            return say("503 5.5.1 not now");
        }
        Act::Usual
    }
}

fn settings(at: At, port: u16, authority: &Authority) -> Settings {
    let patience = Patience { connect: PATIENCE, command: PATIENCE, body: PATIENCE };
    let mut settings = Settings { patience, ..route(port) };
    if at == At::StartTls {
        settings.host = "localhost".to_string();
        settings.tls = Tls::Required;
        settings.trust = Arc::new(Trust::file(&authority.roots()).expect("a certificate"));
    }
    if matches!(at, At::StartTls | At::Auth) {
        settings.user = Some((USER.to_string(), PASSWORD.to_string()));
    }
    settings
}

/// Tells one lie, and looks at what became of the letters.
async fn tell(lie: &Lie, act: &Act, manner: Manner, authority: &Authority) {
    let name = format!("{:?} {:?} {manner:?}, {}", lie.at, act, lie.server).chars().take(150).collect::<String>();
    let mut abilities = Abilities::offering(match manner {
        Manner::OneByOne => &["8BITMIME", "AUTH PLAIN"],
        _ => &["PIPELINING", "8BITMIME", "AUTH PLAIN"],
    });
    if lie.at == At::StartTls {
        abilities.tls = Some(authority.server("localhost"));
    }
    let peer = Peer::able(abilities, orders(lie.at, lie.told, manner, act.clone()));
    let mut post = Post::new(&Place::sqlite(), 3).await;
    let here = |now| setting(settings(lie.at, peer.port, authority), 1, now);
    let ended = post.deliver(&here(beginning())).await;
    let counts = post.counts().await;
    let id = secrets().recipient_id(&address(1));
    let reply = reply_to(&mut post, id).await;
    let uncertain = reply.starts_with("no answer after the letter");
    let expected = match lie.fate {
        Fate::GoesOn => (ended == Ended::Tried, counts.accepted == 3),
        Fate::Later => (ended == Ended::Tried, counts.accepted == 2 && counts.deferred == 1 && !uncertain),
        Fate::Uncertain => (ended == Ended::Tried, counts.accepted == 2 && counts.deferred == 1 && uncertain),
        Fate::LaterOrUncertain => (ended == Ended::Tried, counts.accepted == 2 && counts.deferred == 1),
        Fate::Refused | Fate::Suppressed => (ended == Ended::Tried, counts.accepted == 2 && counts.refused == 1),
        Fate::Waits => (matches!(ended, Ended::Waits(_)), counts.pending == 3 && counts.deferred == 0),
        Fate::Held => (matches!(ended, Ended::Held(_)), counts.pending == 3 && counts.refused == 0),
    };
    assert_eq!(expected, (true, true), "{name}: {ended:?}, {counts:?}, {reply}");
    for number in 0..3 {
        let given_up = post.store.suppression(secrets().recipient_id(&address(number))).await.expect("readable");
        assert_eq!(given_up.is_some(), lie.fate == Fate::Suppressed && number == 1, "{name}: {number}");
    }
    if lie.at == At::StartTls && lie.fate != Fate::GoesOn {
        let heard = peer.heard();
        assert!(heard.iter().all(|one| one.line.starts_with("EHLO") || one.line == "STARTTLS"), "{name}: {heard:?}");
    }

    // The server is honest from now on, and a person has looked at what was held.
    peer.order(|_| Act::Usual);
    if lie.fate == Fate::Held {
        let edition = post.edition().await;
        let moved = post.store.move_edition(edition.id, &[State::Held], State::Sending, None).await;
        assert!(moved.expect("writable"), "{name}");
    }
    post.deliver(&here(beginning() + TimeDelta::hours(2))).await;
    let counts = post.counts().await;
    let refused = matches!(lie.fate, Fate::Refused | Fate::Suppressed);
    assert_eq!((counts.accepted, counts.refused), if refused { (2, 1) } else { (3, 0) }, "{name}: {counts:?}");
    assert_eq!(post.edition().await.state, State::Done, "{name}");
    for number in 0..3 {
        let letters: Vec<_> = peer.received().into_iter().filter(|one| one.recipient == address(number)).collect();
        let ids: BTreeSet<_> = letters.iter().map(|one| message_id(&one.letter)).collect();
        let wanted = match (number, uncertain, refused) {
            (1, true, _) => 1..=2,
            (1, _, true) => 0..=0,
            _ => 1..=1,
        };
        assert!(wanted.contains(&letters.len()), "{name}: {} letters to {number}", letters.len());
        assert!(ids.len() <= 1, "{name}: {ids:?}");
    }
}

async fn reply_to(post: &mut Post, recipient: i64) -> String {
    let explained = post.store.explain(recipient).await.expect("readable");
    explained.into_iter().find_map(|(_, _, explained)| explained?.reply).unwrap_or_default()
}

#[test]
fn whatever_a_server_does_nobody_is_missed_and_nobody_is_given_up_for_it() {
    let authority = Authority::new();
    let mut cases = Vec::new();
    for lie in lies() {
        let manners: &[Manner] = match (lie.together, lie.at.begins()) {
            (true, _) => &[Manner::Strict],
            (false, true) => &[Manner::OneByOne],
            (false, false) => &[Manner::Strict, Manner::Sloppy, Manner::OneByOne],
        };
        for manner in manners {
            cases.extend(lie.acts.iter().map(|act| (lie.clone(), act.clone(), *manner)));
        }
    }
    assert!(cases.len() > 150, "{}", cases.len());
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((lie, act, manner)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let told = std::panic::AssertUnwindSafe(|| wait(tell(lie, act, *manner, &authority)));
                    if let Err(panic) = std::panic::catch_unwind(told) {
                        let words = panic.downcast_ref::<String>().cloned();
                        wrong.lock().expect("a lock").push(words.unwrap_or_else(|| format!("{:?}", lie.server)));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("a lock");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_table_in_the_docs_is_the_one_that_is_tested() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/delivery.md")).expect("the page");
    let mut rows: Vec<String> =
        lies().iter().map(|lie| format!("| {} | {} | {} |", lie.at.words(), lie.server, lie.fate.words())).collect();
    let steps = ["greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "the body", "the body's end"];
    let place = |row: &String| steps.iter().position(|step| row.starts_with(&format!("| {step} |")));
    rows.sort_by_key(place);
    let written: Vec<&str> = docs.lines().filter(|line| place(&line.to_string()).is_some()).collect();
    assert_eq!(written, rows, "write the table anew:\n{}\n", rows.join("\n"));
}
