//! Delivering a frozen edition over SMTP, whatever the server does: the ledger balances and nobody is missed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use crieur::announce::{Frozen, deliver_frozen};
use crieur::config::{OnUncertain, Tls};
use crieur::digest::{Composed, Piece, Stamped, Variant};
use crieur::mail::clock::Clock;
use crieur::mail::delivery::{Ended, Setting};
use crieur::mail::letter::{Head, List, WayOut};
use crieur::mail::smtp::{Patience, Settings};
use crieur::mail::transport::Route;
use crieur::secrets::Secrets;
use crieur::store::editions::{Counts, Edition, State};
use crieur::store::freeze::{Audience, NewEdition};
use crieur::store::recipients::Addressee;
use crieur::store::{Database, Store};

use crate::support::smtp::{Act, Peer, Step};
use crate::support::stores::{Place, on_both_stores};

pub(crate) fn secrets() -> Secrets {
    Secrets::from_bytes([9; 32])
}

pub(crate) fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_355_600, 0).expect("a moment")
}

pub(crate) fn route(port: u16) -> Settings {
    Settings {
        tls: Tls::None,
        patience: Patience {
            connect: Duration::from_secs(2),
            command: Duration::from_millis(700),
            body: Duration::from_millis(700),
        },
        ..Settings::new("127.0.0.1", port)
    }
}

/// Where a test opens a database before it answers: on a busy machine that takes its time.
fn patient(port: u16) -> Settings {
    let minute = Duration::from_secs(60);
    Settings { patience: Patience { connect: minute, command: minute, body: minute }, ..route(port) }
}

pub(crate) fn setting(settings: Settings, connections: usize, now: DateTime<Utc>) -> Setting {
    Setting {
        route: Route::Smtp(settings),
        secrets: secrets(),
        connections,
        limits: Default::default(),
        signer: None,
        clock: Clock::starting(now),
        stop: Default::default(),
    }
}

/// A newsletter's first edition, frozen for so many people, and what the tests do with it.
pub(crate) struct Post {
    _folder: tempfile::TempDir,
    database: Database,
    pub(crate) store: Store,
    number: i64,
}

impl Post {
    pub(crate) async fn new(place: &Place, people: usize) -> Post {
        Post::to(place, (0..people).map(address).collect()).await
    }

    pub(crate) async fn to(place: &Place, people: Vec<String>) -> Post {
        let folder = tempfile::tempdir().expect("a folder");
        let database = place.fresh(folder.path());
        let mut store = Store::open(&database).await.expect("a store");
        freeze_for(&mut store, people).await;
        Post { _folder: folder, database, store, number: 1 }
    }

    pub(crate) async fn edition(&mut self) -> Edition {
        self.store.edition("news", self.number).await.expect("a readable store").expect("an edition")
    }

    pub(crate) async fn counts(&mut self) -> Counts {
        let counts = self.edition().await.counts;
        assert!(counts.balance(), "{counts:?}");
        counts
    }

    pub(crate) async fn deliver(&mut self, setting: &Setting) -> Ended {
        let edition = self.edition().await;
        deliver_frozen(&mut self.store, setting, &config(), None, &edition, &mut |_| {}).await.expect("a delivery")
    }
}

pub(crate) fn address(number: usize) -> String {
    format!("p{number:04}@example.org")
}

/// Freezes the first edition for these addresses.
pub(crate) async fn freeze_for(store: &mut Store, people: Vec<String>) {
    let text = |before: &str, after: &str| {
        Stamped(vec![
            Piece::Text(before.to_string()),
            Piece::Stamp("{{recipient.email}}".to_string()),
            Piece::Text(after.to_string()),
        ])
    };
    let variant = Variant {
        items: vec!["one".to_string()],
        subject: Stamped(vec![Piece::Text("La lettre d’été".to_string())]),
        html: text("<html><body><p>Bonjour ", "</p>\n.dot</body></html>\n"),
        text: text("Bonjour ", ",\n.dot\n"),
        language: "fr".to_string(),
    };
    let head = Head {
        newsletter: "news".to_string(),
        from_name: Some("La rédaction".to_string()),
        from: "lettre@example.org".to_string(),
        reply_to: None,
        sender: "bounces@example.org".to_string(),
        sender_tokens: true,
        date: "Sun, 01 Mar 2026 10:00:00 +0100".to_string(),
        list: Some(List {
            title: "Les nouvelles".to_string(),
            id: "news.example.org".to_string(),
            owner: "contact@example.org".to_string(),
            archive: None,
            way_out: WayOut::Mailto("leave@example.org".to_string()),
        }),
    };
    let composed = Composed { variants: vec![variant], ..Composed::default() };
    let (content, variants) = Frozen { head: Some(head), composed, hand_over: None }.to_json().expect("JSON");
    let edition = NewEdition {
        newsletter: "news".to_string(),
        number: 1,
        state: State::Sending,
        reason: None,
        items: vec!["one".to_string()],
        counted: vec!["one".to_string()],
        declined: Vec::new(),
        content,
        variants,
        shares: Vec::new(),
        pictures: Vec::new(),
        pictures_until: beginning(),
        composed: beginning(),
        send_at: None,
        considered: beginning(),
    };
    let mut list: Vec<Addressee> = people
        .into_iter()
        .map(|email| Addressee { id: secrets().recipient_id(&email), email, name: None, fields: "{}".to_string() })
        .collect();
    store
        .freeze(&edition, Audience::These(&mut || std::mem::take(&mut list)))
        .await
        .expect("frozen")
        .expect("people");
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

pub(crate) fn message_id(letter: &str) -> &str {
    letter.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("a Message-ID")
}

on_both_stores! {
    everybody_gets_exactly_one_letter_over_several_connections,
    a_greylisted_recipient_never_holds_up_the_others_and_is_tried_again,
    a_server_that_is_down_loses_nothing_and_holds_nothing,
    a_fault_of_ours_never_empties_the_list,
    a_mailbox_that_does_not_exist_is_suppressed_and_other_refusals_are_not,
    an_answer_that_was_cut_off_is_sent_again_under_the_same_message_id,
    an_uncertain_delivery_waits_for_a_person_where_they_asked_for_it,
    a_server_that_asks_for_patience_is_given_it,
    a_connection_that_breaks_before_the_body_defers_one_letter_and_is_renewed,
    no_body_starts_before_the_last_outcome_is_on_disk,
    somebody_who_leaves_during_the_delivery_gets_no_letter_any_more,
    a_person_stops_an_edition_in_the_middle_and_it_goes_on_when_they_resume,
    where_tls_is_required_no_letter_and_no_password_goes_without_it,
    an_address_beyond_ascii_goes_only_where_the_server_says_that_it_takes_it,
    letters_keep_to_the_rate,
}

fn everybody_gets_exactly_one_letter_over_several_connections(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 150).await;
        let peer = Peer::start(|_| Act::Usual);
        assert_eq!(post.deliver(&setting(route(peer.port), 4, beginning())).await, Ended::Tried);
        let counts = post.counts().await;
        assert_eq!((counts.eligible, counts.accepted), (150, 150));
        assert_eq!(post.edition().await.state, State::Done);
        let mut times: HashMap<String, usize> = HashMap::new();
        for received in peer.received() {
            *times.entry(received.recipient.clone()).or_default() += 1;
            assert!(received.letter.contains(&format!("To: {}\r\n", received.recipient)));
            assert!(received.sender.starts_with("bounces+") && received.sender.ends_with("@example.org"));
            assert!(received.letter.contains("=2Edot"), "{}", received.letter);
        }
        assert_eq!(times.len(), 150);
        assert!(times.values().all(|times| *times == 1));
        assert_eq!(peer.connections(), 4, "connections are reused");
        assert_eq!(post.deliver(&setting(route(peer.port), 4, beginning())).await, Ended::Tried);
        assert_eq!(peer.received().len(), 150, "once more sends nothing twice");
    });
}

fn a_greylisted_recipient_never_holds_up_the_others_and_is_tried_again(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 10).await;
        let peer = Peer::start(|step| match step {
            Step::Rcpt(to) if to == &address(3) => Act::Say("450 4.2.0 greylisted, come back".to_string()),
            _ => Act::Usual,
        });
        assert_eq!(post.deliver(&setting(route(peer.port), 1, beginning())).await, Ended::Tried);
        let counts = post.counts().await;
        assert_eq!((counts.accepted, counts.pending, counts.deferred), (9, 1, 1));
        let next = counts.next_try.expect("a next try") - beginning();
        assert!((60..70).contains(&next.num_seconds()), "{next}");
        peer.order(|_| Act::Usual);
        post.deliver(&setting(route(peer.port), 1, beginning() + TimeDelta::seconds(30))).await;
        assert_eq!(post.counts().await.accepted, 9, "not before its time");
        post.deliver(&setting(route(peer.port), 1, beginning() + TimeDelta::seconds(90))).await;
        assert_eq!(post.counts().await.accepted, 10);
        assert_eq!(post.edition().await.state, State::Done);
    });
}

fn a_server_that_is_down_loses_nothing_and_holds_nothing(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 10).await;
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
        let ended = post.deliver(&setting(route(closed), 4, beginning())).await;
        assert!(matches!(ended, Ended::Waits(words) if words.contains("refused")));
        let counts = post.counts().await;
        assert_eq!((counts.pending, counts.deferred), (10, 0));
        assert_eq!(post.edition().await.state, State::Sending);
    });
}

fn a_fault_of_ours_never_empties_the_list(place: Place) {
    for (name, orders) in [
        ("MAIL", |step: &Step| match step {
            Step::Mail(_) => Act::Say("554 5.7.1 your network is blocked".to_string()),
            _ => Act::Usual,
        }),
        ("EHLO", |step: &Step| match step {
            Step::Ehlo => Act::Say("550 5.7.1 go away".to_string()),
            _ => Act::Usual,
        }),
        ("greeting", |step: &Step| match step {
            Step::Greeting => Act::SayAndClose("554 no service here\r\n".to_string()),
            _ => Act::Usual,
        }),
        ("every RCPT, by policy", |step: &Step| match step {
            Step::Rcpt(_) => Act::Say("550 5.7.1 relaying denied".to_string()),
            _ => Act::Usual,
        }),
        ("every RCPT, whatever it says", |step: &Step| match step {
            Step::Rcpt(_) => Act::Say("550 5.1.1 no such user".to_string()),
            _ => Act::Usual,
        }),
        ("every body", |step: &Step| match step {
            Step::Body { .. } => Act::Say("554 5.6.0 we do not like it".to_string()),
            _ => Act::Usual,
        }),
    ] as [(&str, fn(&Step) -> Act); 6]
    {
        wait(async {
            let mut post = Post::new(&place, 30).await;
            let peer = Peer::start(orders);
            let ended = post.deliver(&setting(route(peer.port), 2, beginning())).await;
            assert!(matches!(ended, Ended::Held(_)), "{name}: {ended:?}");
            let counts = post.counts().await;
            assert_eq!((counts.pending, counts.refused, counts.suppressed), (30, 0, 0), "{name}");
            assert_eq!(post.edition().await.state, State::Held, "{name}");
            for number in 0..30 {
                let id = secrets().recipient_id(&address(number));
                assert_eq!(post.store.suppression(id).await.expect("readable"), None, "{name}");
            }
            // Mended, and a person resumes.
            peer.order(|_| Act::Usual);
            let edition = post.edition().await;
            let moved = post.store.move_edition(edition.id, &[State::Held], State::Sending, None).await;
            assert!(moved.expect("writable"));
            post.deliver(&setting(route(peer.port), 2, beginning() + TimeDelta::seconds(5))).await;
            assert_eq!(post.counts().await.accepted, 30, "{name}");
        });
    }
}

fn a_mailbox_that_does_not_exist_is_suppressed_and_other_refusals_are_not(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 10).await;
        let peer = Peer::start(|step| match step {
            Step::Rcpt(to) if to == &address(1) => Act::Say("550 5.1.1 unknown".to_string()),
            Step::Rcpt(to) if to == &address(2) => Act::Say("550 5.7.1 policy".to_string()),
            Step::Body { recipient } if recipient == &address(3) => Act::Say("552 5.3.4 too big".to_string()),
            _ => Act::Usual,
        });
        assert_eq!(post.deliver(&setting(route(peer.port), 1, beginning())).await, Ended::Tried);
        let counts = post.counts().await;
        assert_eq!((counts.accepted, counts.refused), (7, 3));
        assert_eq!(post.edition().await.state, State::Done);
        for (number, suppressed) in [(0, false), (1, true), (2, false), (3, false)] {
            let id = secrets().recipient_id(&address(number));
            assert_eq!(post.store.suppression(id).await.expect("readable").is_some(), suppressed, "{number}");
        }
    });
}

fn an_answer_that_was_cut_off_is_sent_again_under_the_same_message_id(place: Place) {
    for act in [Act::TakeAndClose, Act::Stall(Duration::from_millis(1500)), Act::SayAndClose("25".to_string())] {
        wait(async {
            let mut post = Post::new(&place, 3).await;
            let cut = act.clone();
            let peer = Peer::start(move |step| match step {
                Step::Body { recipient } if recipient == &address(1) => cut.clone(),
                _ => Act::Usual,
            });
            post.deliver(&setting(route(peer.port), 1, beginning())).await;
            let counts = post.counts().await;
            assert_eq!((counts.accepted, counts.pending), (2, 1), "{act:?}: the others are not held up");
            peer.order(|_| Act::Usual);
            post.deliver(&setting(route(peer.port), 1, beginning() + TimeDelta::seconds(90))).await;
            assert_eq!(post.counts().await.accepted, 3);
            let letters: Vec<_> = peer.received().into_iter().filter(|one| one.recipient == address(1)).collect();
            let ids: Vec<&str> = letters.iter().map(|one| message_id(&one.letter)).collect();
            assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
            assert_eq!(letters.len(), if matches!(act, Act::TakeAndClose) { 2 } else { 1 });
        });
    }
}

fn an_uncertain_delivery_waits_for_a_person_where_they_asked_for_it(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 2).await;
        let peer = Peer::start(|step| match step {
            Step::Body { recipient } if recipient == &address(1) => Act::TakeAndClose,
            _ => Act::Usual,
        });
        let mut newsletter = sample_newsletter();
        newsletter.on_uncertain = OnUncertain::Hold;
        let edition = post.edition().await;
        let here = setting(route(peer.port), 1, beginning());
        deliver_frozen(&mut post.store, &here, &config(), Some(&newsletter), &edition, &mut |_| {})
            .await
            .expect("a delivery");
        let counts = post.counts().await;
        assert_eq!((counts.accepted, counts.uncertain), (1, 1));
        assert_eq!(post.edition().await.state, State::Sending, "never said to be done before it is");
        let id = secrets().recipient_id(&address(1));
        assert!(post.store.resolve(edition.id, id, true, beginning()).await.expect("writable"));
        assert!(post.store.finish_if_done(edition.id, beginning()).await.expect("writable"));
    });
}

fn config() -> crieur::config::Config {
    let project = crate::support::project::Project::new()
        .file("config/newsletters/news.yaml", "title: N\nfrom: a@example.org\nto: list@example.org\nleave: list\n")
        .file("posts/a.md", "---\ntitle: A\ndate: 2026-01-01\n---\nA\n");
    let (config, _) = crieur::config::Config::read(project.path()).expect("a configuration");
    config
}

fn sample_newsletter() -> crieur::config::Newsletter {
    config().newsletters.into_iter().next().expect("a newsletter")
}

fn a_server_that_asks_for_patience_is_given_it(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 6).await;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let peer = Peer::start(move |step| match step {
            Step::Mail(_) if count.fetch_add(1, Ordering::SeqCst) % 3 == 1 => {
                Act::SayAndClose("421 4.7.0 too fast\r\n".to_string())
            }
            _ => Act::Usual,
        });
        assert_eq!(post.deliver(&setting(route(peer.port), 1, beginning())).await, Ended::Tried);
        let counts = post.counts().await;
        assert_eq!((counts.accepted, counts.refused, counts.deferred), (6, 0, 0));
    });
}

fn a_connection_that_breaks_before_the_body_defers_one_letter_and_is_renewed(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 5).await;
        let peer = Peer::start(|step| match step {
            Step::Rcpt(to) if to == &address(2) => Act::Close,
            _ => Act::Usual,
        });
        assert_eq!(post.deliver(&setting(route(peer.port), 1, beginning())).await, Ended::Tried);
        let counts = post.counts().await;
        assert_eq!((counts.accepted, counts.deferred), (4, 1));
    });
}

fn no_body_starts_before_the_last_outcome_is_on_disk(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 12).await;
        let peer = Peer::start(|_| Act::Usual);
        let (database, seen) = (post.database.clone(), peer.clone());
        peer.order(move |step| {
            if matches!(step, Step::Body { .. }) {
                let accepted = wait(accepted_on_disk(&database));
                assert_eq!(accepted, seen.received().len() as i64);
            }
            Act::Usual
        });
        assert_eq!(post.deliver(&setting(patient(peer.port), 1, beginning())).await, Ended::Tried);
        assert_eq!(post.counts().await.accepted, 12);
    });
}

async fn accepted_on_disk(database: &Database) -> i64 {
    let mut store = Store::open(database).await.expect("a store");
    store.edition("news", 1).await.expect("readable").expect("an edition").counts.accepted
}

fn somebody_who_leaves_during_the_delivery_gets_no_letter_any_more(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 12).await;
        let peer = Peer::start(|_| Act::Usual);
        let database = post.database.clone();
        let left = Arc::new(AtomicUsize::new(0));
        let once = Arc::clone(&left);
        peer.order(move |step| {
            if let Step::Body { recipient } = step
                && once.fetch_add(1, Ordering::SeqCst) == 0
            {
                wait(async {
                    let mut store = Store::open(&database).await.expect("a store");
                    for number in (0..12).filter(|number| &address(*number) != recipient) {
                        let id = secrets().recipient_id(&address(number));
                        store.leave(id, Some("news"), beginning()).await.expect("writable");
                    }
                });
            }
            Act::Usual
        });
        assert_eq!(post.deliver(&setting(patient(peer.port), 1, beginning())).await, Ended::Tried);
        assert_eq!(peer.received().len(), 1);
        let counts = post.counts().await;
        assert_eq!((counts.accepted, counts.suppressed), (1, 11));
        assert_eq!(post.edition().await.state, State::Done);
    });
}

fn a_person_stops_an_edition_in_the_middle_and_it_goes_on_when_they_resume(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 12).await;
        let peer = Peer::start(|_| Act::Usual);
        let (database, seen) = (post.database.clone(), peer.clone());
        peer.order(move |step| {
            if matches!(step, Step::Body { .. }) && seen.received().len() == 3 {
                wait(async {
                    let mut store = Store::open(&database).await.expect("a store");
                    let id = store.edition("news", 1).await.expect("readable").expect("an edition").id;
                    store.move_edition(id, &[State::Sending], State::Held, Some("stopped")).await.expect("writable");
                });
            }
            Act::Usual
        });
        assert_eq!(post.deliver(&setting(patient(peer.port), 1, beginning())).await, Ended::Stopped);
        let counts = post.counts().await;
        assert_eq!((counts.accepted, counts.pending), (4, 8));
        peer.order(|_| Act::Usual);
        let id = post.edition().await.id;
        post.store.move_edition(id, &[State::Held], State::Sending, None).await.expect("writable");
        post.deliver(&setting(patient(peer.port), 2, beginning())).await;
        assert_eq!(post.counts().await.accepted, 12);
        assert_eq!(peer.received().len(), 12);
    });
}

fn where_tls_is_required_no_letter_and_no_password_goes_without_it(place: Place) {
    wait(async {
        for (offer, injected) in [(false, false), (true, false), (true, true)] {
            let mut post = Post::new(&place, 3).await;
            let said = Arc::new(std::sync::Mutex::new(Vec::new()));
            let heard = Arc::clone(&said);
            let peer = Peer::start(move |step| {
                heard.lock().expect("a lock").push(format!("{step:?}"));
                match step {
                    Step::Ehlo if offer => Act::Say("250-double\r\n250-AUTH PLAIN\r\n250 STARTTLS".to_string()),
                    Step::Other(line) if line == "STARTTLS" && injected => {
                        // What an attacker adds in the clear must not be read as an answer inside TLS.
                        Act::Say("220 go\r\n250-double\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok".to_string())
                    }
                    Step::Other(line) if line == "STARTTLS" => Act::Say("454 no TLS today".to_string()),
                    _ => Act::Usual,
                }
            });
            let mut settings = route(peer.port);
            settings.tls = Tls::Required;
            settings.user = Some(("user".to_string(), "secret".to_string()));
            let ended = post.deliver(&setting(settings, 1, beginning())).await;
            assert_eq!(matches!(ended, Ended::Held(_)), !offer, "{ended:?}");
            assert!(matches!(ended, Ended::Held(_) | Ended::Waits(_)), "{ended:?}");
            let said = said.lock().expect("a lock").join("\n");
            assert!(!said.contains("AUTH") && !said.contains("Mail"), "{said}");
            assert_eq!(post.counts().await.pending, 3);
        }
    });
}

fn an_address_beyond_ascii_goes_only_where_the_server_says_that_it_takes_it(place: Place) {
    wait(async {
        for offered in [false, true] {
            let mut post = Post::new(&place, 1).await;
            let (content, variants) = post.store.content(1).await.expect("readable");
            let edition = NewEdition {
                newsletter: "news".to_string(),
                number: 2,
                state: State::Sending,
                reason: None,
                items: vec![],
                counted: vec![],
                declined: Vec::new(),
                content,
                variants,
                shares: Vec::new(),
                pictures: Vec::new(),
                pictures_until: beginning(),
                composed: beginning(),
                send_at: None,
                considered: beginning(),
            };
            let person =
                |id, email: &str| Addressee { id, email: email.to_string(), name: None, fields: "{}".to_string() };
            let mut list = vec![person(7, "é@example.org"), person(8, "a@xn--exmple-cua.example")];
            post.store.freeze(&edition, Audience::These(&mut || std::mem::take(&mut list))).await.expect("frozen");
            post.number = 2;
            let peer = Peer::start(move |step| match step {
                Step::Ehlo if offered => Act::Say("250-double\r\n250-8BITMIME\r\n250 SMTPUTF8".to_string()),
                _ => Act::Usual,
            });
            post.deliver(&setting(route(peer.port), 1, beginning())).await;
            let counts = post.counts().await;
            assert_eq!((counts.accepted, counts.refused), if offered { (2, 0) } else { (1, 1) });
            let mut reached: Vec<String> = peer.received().into_iter().map(|one| one.recipient).collect();
            reached.sort();
            let all = ["a@xn--exmple-cua.example", "é@example.org"];
            assert_eq!(reached, all[..if offered { 2 } else { 1 }]);
        }
    });
}

fn letters_keep_to_the_rate(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 8).await;
        let peer = Peer::start(|_| Act::Usual);
        let mut limited = setting(route(peer.port), 4, beginning());
        limited.limits.rate = Some(crieur::config::Rate { count: 20, per: Duration::from_secs(1) });
        let began = std::time::Instant::now();
        post.deliver(&limited).await;
        assert_eq!(post.counts().await.accepted, 8);
        assert!(began.elapsed() >= Duration::from_millis(350), "seven pauses of 50 ms: {:?}", began.elapsed());
    });
}
