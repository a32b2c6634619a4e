//! The SMTP conversation itself: what goes out in one piece, whom TLS believes, how a password is told.

use std::sync::Arc;
use std::time::Duration;

use crieur::config::{Auth, Tls};
use crieur::mail::address::Address;
use crieur::mail::outcome::{Fault, Outcome};
use crieur::mail::smtp::{Envelope, Settings, Smtp, Trust};

use crate::delivery::{route, wait};
use crate::support::authority::Authority;
use crate::support::project::Project;
use crate::support::smtp::{Abilities, Act, PASSWORD, Peer, Step, USER};

fn envelope(recipient: &str, letter: &[u8]) -> Envelope {
    Envelope {
        sender: "b+t@example.org".to_string(),
        recipient: Address::parse(recipient).expect("an address"),
        bytes: letter.len(),
        eight_bit: !letter.is_ascii(),
        id: Some("token".to_string()),
    }
}

fn taken() -> Outcome {
    Outcome::Accepted("250 2.0.0 taken".to_string())
}

/// What was heard, as `command` or, when more came with it, `command +`.
fn heard(peer: &Peer) -> Vec<String> {
    let said = peer.heard().into_iter();
    said.map(|heard| format!("{}{}", heard.line, if heard.more { " +" } else { "" })).collect()
}

#[test]
fn an_envelope_is_one_piece_and_the_next_one_comes_with_the_bodys_end() {
    wait(async {
        let abilities = Abilities::offering(&["PIPELINING", "SIZE 1000000", "DSN", "8BITMIME"]);
        let peer = Peer::able(abilities, |_| Act::Usual);
        let mut settings = route(peer.port);
        settings.hello = Some("lettre.example.org".to_string());
        let mut smtp = Smtp::open(&settings).await.expect("a connection");
        let letter = b"Subject: a\r\n\r\n.\r\n..\xc3\xa9\r\n".to_vec();
        let (first, second) = (envelope("a@example.org", &letter), envelope("b@example.org", &letter));
        assert!(smtp.looks_ahead());
        assert_eq!(smtp.offer(&first).await, Ok(()));
        let sent = smtp.body(letter.clone(), Some(&second)).await;
        assert_eq!((sent.outcome, sent.next), (taken(), Some(Ok(()))));
        let sent = smtp.body(letter.clone(), None).await;
        assert_eq!((sent.outcome, sent.next), (taken(), None));
        smtp.close().await;
        let mail = "MAIL FROM:<b+t@example.org> SIZE=23 BODY=8BITMIME ENVID=token +";
        assert_eq!(
            heard(&peer),
            [
                "EHLO lettre.example.org",
                mail,
                "RCPT TO:<a@example.org> +",
                "DATA",
                mail,
                "RCPT TO:<b@example.org> +",
                "DATA",
                "QUIT"
            ]
        );
        let received = peer.received();
        assert_eq!(received.len(), 2);
        assert!(received.iter().all(|one| one.letter.as_bytes() == letter), "{received:?}");
    });
}

#[test]
fn a_refused_envelope_is_forgotten_in_the_same_piece_as_the_next() {
    wait(async {
        // Behind the refusal, DATA is refused as well.
        let refused = std::sync::Mutex::new(false);
        let peer = Peer::start(move |step| {
            let mut refused = refused.lock().expect("a lock");
            match step {
                Step::Mail(_) => *refused = false,
                Step::Rcpt(to) if to == "no@example.org" => {
                    *refused = true;
                    return Act::Say("550 5.1.1 unknown".to_string());
                }
                Step::Data if *refused => return Act::Say("554 5.5.1 no valid recipients".to_string()),
                _ => {}
            }
            Act::Usual
        });
        let mut smtp = Smtp::open(&route(peer.port)).await.expect("a connection");
        let letter = b"a\r\n".to_vec();
        let refusal = smtp.offer(&envelope("no@example.org", &letter)).await;
        assert_eq!(refusal, Err(Outcome::Refused { reply: "550 5.1.1 unknown".to_string(), suppress: true }));
        assert_eq!(smtp.offer(&envelope("yes@example.org", &letter)).await, Ok(()));
        assert_eq!(smtp.body(letter, None).await.outcome, taken());
        assert!(!smtp.is_broken());
        let all = heard(&peer);
        assert_eq!(all[4..6], ["RSET +", "MAIL FROM:<b+t@example.org> +"], "{all:?}");
        assert_eq!(all.iter().filter(|line| line.starts_with("RSET")).count(), 1, "only where it is needed");
    });
}

#[test]
fn where_nobody_was_taken_and_the_body_is_asked_for_all_the_same_nothing_goes_but_a_dot() {
    wait(async {
        let peer = Peer::start(|step| match step {
            Step::Rcpt(to) if to == "no@example.org" => Act::Say("550 5.1.1 unknown".to_string()),
            _ => Act::Usual,
        });
        let mut smtp = Smtp::open(&route(peer.port)).await.expect("a connection");
        let letter = b"a\r\n".to_vec();
        assert!(smtp.offer(&envelope("no@example.org", &letter)).await.is_err());
        assert_eq!(
            smtp.deliver("b@example.org", &Address::parse("yes@example.org").expect("it"), letter).await,
            taken()
        );
        let received = peer.received();
        let letters: Vec<_> = received.iter().map(|one| (one.recipient.as_str(), one.letter.as_str())).collect();
        assert_eq!(letters, [("yes@example.org", "a\r\n")]);
        assert_eq!(peer.connections(), 1, "the dot ended what nobody gets");
        // Somebody was taken, though the sender was not: even a dot would be a letter.
        peer.order(|step| match step {
            Step::Mail(_) => Act::Say("451 4.3.0 not you".to_string()),
            _ => Act::Usual,
        });
        let refusal = smtp.offer(&envelope("yes@example.org", b"a\r\n")).await;
        assert_eq!(refusal, Err(Outcome::Untried(Fault::Busy("451 4.3.0 not you".to_string()))));
        assert!(smtp.is_broken());
        drop(smtp);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(peer.received().len(), 1);
    });
}

#[test]
fn a_letter_that_is_withdrawn_is_never_ended() {
    wait(async {
        let peer = Peer::start(|_| Act::Usual);
        let mut smtp = Smtp::open(&route(peer.port)).await.expect("a connection");
        let letter = b"a\r\n".to_vec();
        assert_eq!(smtp.offer(&envelope("a@example.org", &letter)).await, Ok(()));
        smtp.withdraw().await;
        assert!(smtp.is_broken());
        let again = smtp.offer(&envelope("a@example.org", &letter)).await;
        assert!(matches!(again, Err(Outcome::Untried(Fault::Lost(_)))), "{again:?}");
        smtp.close().await;
        std::thread::sleep(Duration::from_millis(50));
        assert!(peer.received().is_empty());
    });
}

#[test]
fn a_letter_whose_end_cannot_have_left_is_not_uncertain() {
    wait(async {
        let peer = Peer::start(|step| match step {
            Step::BodyBegins { .. } => Act::ReadAndClose,
            _ => Act::Usual,
        });
        let mut settings = route(peer.port);
        settings.patience.body = Duration::from_secs(20);
        let mut smtp = Smtp::open(&settings).await.expect("a connection");
        let letter = b"0123456789abcdef\r\n".repeat(2_000_000);
        let sent = smtp.deliver("b@example.org", &Address::parse("a@example.org").expect("it"), letter).await;
        assert!(matches!(sent, Outcome::Deferred(_)), "{sent:?}");
        assert!(smtp.is_broken());
    });
}

#[test]
fn a_server_that_cannot_pipeline_is_remembered_by_all_connections() {
    wait(async {
        let peer = Peer::start(|step| match step {
            Step::Mail(_) => Act::Together(Box::new(Act::SayAndForget("250 ok".to_string()))),
            _ => Act::Usual,
        });
        let settings = route(peer.port);
        let mut first = Smtp::open(&settings).await.expect("a connection");
        let mut second = Smtp::open(&settings).await.expect("a connection");
        let letter = b"a\r\n".to_vec();
        let lost = first.offer(&envelope("a@example.org", &letter)).await;
        assert!(
            matches!(&lost, Err(Outcome::Untried(Fault::Lost(words))) if words.contains("PIPELINING")),
            "{lost:?}"
        );
        assert!(first.is_broken() && !second.looks_ahead());
        assert_eq!(second.offer(&envelope("a@example.org", &letter)).await, Ok(()));
        assert_eq!(second.body(letter.clone(), Some(&envelope("b@example.org", &letter))).await.next, Some(Ok(())));
        assert_eq!(second.body(letter, None).await.outcome, taken());
        assert!(heard(&peer)[4..].iter().all(|line| !line.ends_with('+')), "{:?}", heard(&peer));
    });
}

fn secure(port: u16, trust: Trust) -> Settings {
    let mut settings = Settings { tls: Tls::Required, trust: Arc::new(trust), ..route(port) };
    settings.host = "localhost".to_string();
    settings.user = Some((USER.to_string(), PASSWORD.to_string()));
    settings
}

#[test]
fn a_server_is_believed_by_its_name_and_its_authority_alone() {
    wait(async {
        let authority = Authority::new();
        let known = || Trust::file(&authority.roots()).expect("a certificate");
        for implicit in [false, true] {
            for (name, trust, believed) in [
                ("localhost", known(), true),
                ("other.example.org", known(), false),
                ("localhost", Trust::system(), false),
                ("localhost", Trust::file(&Authority::new().roots()).expect("a certificate"), false),
            ] {
                let mut abilities = Abilities::offering(&["AUTH PLAIN"]);
                abilities.tls = Some(authority.server(name));
                abilities.implicit = implicit;
                let peer = Peer::able(abilities, |_| Act::Usual);
                let mut settings = secure(peer.port, trust);
                settings.implicit_tls = implicit;
                let opened = Smtp::open(&settings).await;
                assert_eq!(opened.is_ok(), believed, "{name} {implicit}");
                let heard = peer.heard();
                assert!(
                    heard.iter().all(|one| one.secure || one.line == "STARTTLS" || one.line.starts_with("EHLO")),
                    "{heard:?}"
                );
                match opened {
                    Ok(smtp) => smtp.close().await,
                    Err(fault) => assert!(matches!(&fault, Fault::Down(words) if words.contains("TLS")), "{fault:?}"),
                }
            }
        }
    });
}

#[test]
fn a_later_connection_takes_up_the_tls_of_an_earlier_one() {
    wait(async {
        let authority = Authority::new();
        let mut abilities = Abilities::offering(&["PIPELINING", "AUTH PLAIN"]);
        abilities.tls = Some(authority.server("localhost"));
        let peer = Peer::able(abilities, |_| Act::Usual);
        let settings = secure(peer.port, Trust::file(&authority.roots()).expect("a certificate"));
        for connection in 0..3 {
            let mut smtp = Smtp::open(&settings.clone()).await.expect("a connection");
            let anybody = Address::parse("a@example.org").expect("an address");
            assert_eq!(smtp.deliver("b@example.org", &anybody, b"a\r\n".to_vec()).await, taken());
            smtp.close().await;
            assert_eq!(peer.resumed(), connection);
        }
    });
}

#[test]
fn opportunistic_tls_takes_any_certificate_and_goes_on_without_where_there_is_none() {
    wait(async {
        let authority = Authority::new();
        let letter = b"a\r\n".to_vec();
        let anybody = Address::parse("a@example.org").expect("an address");
        for (offered, order, secured) in [
            (true, Act::Usual, true),
            (false, Act::Usual, false),
            (true, Act::Say("454 4.7.0 no TLS today".to_string()), false),
            (true, Act::SayAndClose("220 go\r\n".to_string()), false),
        ] {
            let tls = offered.then(|| authority.server("other.example.org"));
            let abilities = Abilities { tls, ..Abilities::default() };
            let told = order.clone();
            let peer = Peer::able(abilities, move |step| match step {
                Step::Other(line) if line == "STARTTLS" => told.clone(),
                _ => Act::Usual,
            });
            let mut settings = secure(peer.port, Trust::system());
            settings.tls = Tls::Opportunistic;
            settings.user = None;
            let mut smtp = Smtp::open(&settings).await.expect("a connection");
            assert_eq!(smtp.deliver("b@example.org", &anybody, letter.clone()).await, taken());
            smtp.close().await;
            let said = peer.heard();
            let mail = said.iter().find(|one| one.line.starts_with("MAIL")).expect("a letter");
            assert_eq!(mail.secure, secured, "{order:?}");
        }
    });
}

#[test]
fn a_password_is_told_by_each_mechanism_and_never_shown() {
    wait(async {
        let authority = Authority::new();
        for (offered, auth, command) in [
            ("AUTH LOGIN PLAIN", Auth::Auto, "AUTH PLAIN"),
            ("AUTH LOGIN", Auth::Auto, "AUTH LOGIN"),
            ("AUTH PLAIN LOGIN", Auth::Login, "AUTH LOGIN"),
            ("AUTH PLAIN LOGIN XOAUTH2", Auth::Xoauth2, "AUTH XOAUTH2"),
            ("AUTH PLAIN", Auth::Plain, "AUTH PLAIN"),
        ] {
            let mut abilities = Abilities::offering(&[offered]);
            abilities.tls = Some(authority.server("localhost"));
            let peer = Peer::able(abilities, |_| Act::Usual);
            let trust = Trust::file(&authority.roots()).expect("a certificate");
            let mut settings = secure(peer.port, trust);
            settings.auth = auth;
            Smtp::open(&settings).await.expect("a connection").close().await;
            let said = peer.heard();
            assert!(said.iter().any(|one| one.secure && one.line.starts_with(command)), "{said:?}");
            // The wrong one: a fault of ours, without the password in it.
            for wrong in ["incorrect mule", &"a very long token ".repeat(60)] {
                settings.user = Some((USER.to_string(), wrong.to_string()));
                let fault = Smtp::open(&settings).await.err().expect("refused");
                assert_eq!(fault, Fault::Ours("535 5.7.8 no".to_string()), "{auth:?}");
            }
        }
        // A server that repeats what it was told.
        let peer = Peer::able(Abilities::offering(&["AUTH PLAIN"]), |step| match step {
            Step::Other(line) if line.starts_with("AUTH") => Act::Say(format!("535 what is {line}?")),
            _ => Act::Usual,
        });
        let mut settings = route(peer.port);
        settings.user = Some((USER.to_string(), PASSWORD.to_string()));
        let fault = Smtp::open(&settings).await.err();
        assert_eq!(fault, Some(Fault::Ours("535 what is AUTH PLAIN …?".to_string())));
        settings.auth = Auth::Login;
        let fault = Smtp::open(&settings).await.err();
        assert!(matches!(&fault, Some(Fault::Ours(words)) if words.contains("AUTH LOGIN")), "{fault:?}");
    });
}

#[test]
fn the_configuration_names_the_authority_the_mechanism_and_our_name() {
    let authority = Authority::new();
    let mut abilities = Abilities::offering(&["PIPELINING", "AUTH PLAIN XOAUTH2"]);
    abilities.tls = Some(authority.server("localhost"));
    let peer = Peer::able(abilities, |_| Act::Usual);
    let project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: La lettre\nfrom: lettre@example.org\nto: file:config/people.csv\n\
             leave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\n",
        )
        .file("config/people.csv", "email\nana@example.org\nbo@example.org\n")
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n")
        .file("config/roots.pem", std::fs::read_to_string(authority.roots()).expect("a certificate"));
    let transport = format!(
        "smtp://localhost:{}\n  user: {USER}\n  auth: xoauth2\n  hello: lettre.example.org\n  roots: config/roots.pem",
        peer.port
    );
    let config = project.read("config/crieur.yaml").replace("maildir:var/outbox", &transport);
    project.write("config/crieur.yaml", config);
    let ran = project.command(&["run"]).env("CRIEUR_SMTP_PASSWORD", PASSWORD).output().expect("it runs");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{said}");
    assert_eq!(peer.received().len(), 2);
    let heard = peer.heard();
    assert!(heard.iter().any(|one| one.secure && one.line.starts_with("AUTH XOAUTH2 ")), "{heard:?}");
    assert!(heard.iter().filter(|one| one.line.starts_with("EHLO")).all(|one| one.line == "EHLO lettre.example.org"));
    project.write("config/roots.pem", "no certificate\n");
    let ran = project.command(&["send", "news"]).env("CRIEUR_SMTP_PASSWORD", PASSWORD).output().expect("it runs");
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("mail.roots"), "{}", String::from_utf8_lossy(&ran.stderr));
}
