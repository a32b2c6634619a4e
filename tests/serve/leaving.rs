//! Leaving by the web page and by one click.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{project, sent, state, way_out};
use crate::support::project::{Project, Ran};
use crate::support::served::{Got, Served};
use crate::support::smtp::{Act, Peer, Step};
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    each_way_to_leave_takes_effect_at_once_and_a_get_changes_nothing,
    leaving_can_be_undone_for_a_while_by_whoever_left,
    whoever_leaves_in_the_middle_of_a_delivery_gets_no_letter,
}

/// The answer to whoever left: a page, and no detour.
pub fn is_out(got: &Got) {
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!((got.header("location"), got.header("set-cookie")), ("", ""));
    assert_eq!(got.header("cache-control"), "no-store");
    assert!(got.text().contains("Vous ne recevrez plus"), "{}", got.text());
}

fn each_way_to_leave_takes_effect_at_once_and_a_get_changes_nothing(place: Place) {
    let (project, served) = sent(&place.line());
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 4);
    let path = |name: &str| way_out(&letters, &format!("{name}@example.org"));

    for letter in &letters {
        // As a scanner does, which fetches every link and never sends a form.
        for (method, headers) in [("GET", &[][..]), ("HEAD", &[]), ("GET", &[("Sec-Purpose", "prefetch")])] {
            let address = letter.lines().find_map(|line| line.strip_prefix("To: ")).expect("a recipient");
            let address = address.rsplit(['<', ' ']).next().expect("one").trim_end_matches('>').to_string();
            let got = served.ask(method, &way_out(&letters, &address), headers, b"");
            assert_eq!(got.status, 200);
            assert_eq!(got.text().matches("<button").count(), usize::from(method == "GET"));
            assert!(!got.text().contains("@example.org"), "{}", got.text());
        }
    }
    for name in ["ana", "bo", "cy", "di"] {
        assert_eq!(state(&project, &format!("{name}@example.org"), "news"), "subscribed");
    }
    let asked = served.get(&path("ana"), &[]);
    assert!(
        asked.text().contains("a…\u{2060}@e…\u{2060}.org") && asked.text().contains("La lettre d’exemple"),
        "{}",
        asked.text()
    );
    assert_eq!(asked.header("x-robots-tag"), "noindex, nofollow");

    is_out(&served.one_click(&path("ana")));
    assert_eq!(state(&project, "ana@example.org", "news"), "left");
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    is_out(&served.post(&path("bo"), "multipart/form-data; boundary=b", multipart));
    assert_eq!(state(&project, "bo@example.org", "news"), "left");
    // The button's form, to where the page sends it.
    let page = served.get(&path("cy"), &[]);
    let action = page.between("<form method=\"post\" action=\"", "\"");
    assert!(page.text().contains("name=\"List-Unsubscribe\" value=\"One-Click\""));
    is_out(&served.one_click(&action));
    assert_eq!(state(&project, "cy@example.org", "news"), "left");
    is_out(&served.post(&path("di"), "text/plain", ""));
    assert_eq!(state(&project, "di@example.org", "news"), "left");
    assert_eq!(state(&project, "ana@example.org", "other"), "unknown", "the other list is another matter");

    // Whatever was before: the same answer in status, and nothing happens twice.
    for _ in 0..3 {
        is_out(&served.one_click(&path("ana")));
    }
    assert!(served.get(&path("ana"), &[]).text().contains("est déjà retirée"));
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-03-01\n---\nDeux.\n");
    let ran = project.crieur(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), 4, "{}", ran.stderr);
}

fn back(got: &Got) -> Option<String> {
    got.text().contains("/back/").then(|| got.between("action=\"/back/", "\"")).map(|token| format!("/back/{token}"))
}

fn leaving_can_be_undone_for_a_while_by_whoever_left(place: Place) {
    let (mut project, mut served) = sent(&place.line());
    let letters = project.letters("var/outbox");
    let (ana, bo) = (way_out(&letters, "ana@example.org"), way_out(&letters, "bo@example.org"));
    let undo = back(&served.one_click(&ana)).expect("a way back");
    assert_eq!(back(&served.one_click(&ana)), Some(undo.clone()), "a page that is loaded again");
    assert_eq!(served.get(&undo, &[]).text().matches("<button").count(), 1);
    assert_eq!(state(&project, "ana@example.org", "news"), "left", "a GET changes nothing");
    for _ in 0..2 {
        let got = served.post(&undo, "application/x-www-form-urlencoded", "");
        assert_eq!(got.status, 200);
        assert!(got.text().contains("Vous recevez à nouveau"), "{}", got.text());
        assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");
    }
    // What was left by a person's own later word stays.
    let undo = back(&served.one_click(&ana)).expect("a way back");
    project.ok(&["recipients", "remove", "ana@example.org"]);
    assert_eq!(served.post(&undo, "text/plain", "").status, 410);
    assert_eq!(state(&project, "ana@example.org", "news"), "left");

    let undo = back(&served.one_click(&bo)).expect("a way back");
    assert_eq!(served.stop(), Some(0));
    project.at("2026-03-01T08:30:00Z");
    served = Served::of(&project);
    assert_eq!(back(&served.one_click(&bo)), None, "the letter's token cannot come back, whoever has it later");
    assert_eq!(served.get(&undo, &[]).status, 200);
    assert_eq!(served.stop(), Some(0));
    project.at("2026-03-02T08:30:00Z");
    served = Served::of(&project);
    for got in [served.get(&undo, &[]), served.post(&undo, "text/plain", "")] {
        assert_eq!(got.status, 410);
        assert!(got.text().contains("trop tard"), "{}", got.text());
    }
    assert_eq!(state(&project, "bo@example.org", "news"), "left");
}

#[test]
fn people_of_a_file_leave_and_come_back_too() {
    let (mut project, _) = project("");
    project.at("2026-03-01T07:00:00Z");
    let served = Served::of(&project);
    project.ok(&["run"]);
    project.write("posts/zwei.md", "---\ntitle: Zwei\ndate: 2026-03-20\n---\nZwei.\n");
    project.at("2026-04-01T08:00:00Z");
    project.ok(&["run"]);
    let letters: Vec<String> =
        project.letters("var/outbox").into_iter().filter(|letter| letter.contains("zoe@example.org")).collect();
    let zoe = way_out(&letters, "zoe@example.org");
    let got = served.one_click(&zoe);
    is_out(&got);
    assert!(got.text().contains("L’autre &lt;lettre&gt;"), "{}", got.text());
    assert_eq!(state(&project, "zoe@example.org", "other"), "left");
    served.post(&back(&got).expect("a way back"), "text/plain", "");
    assert_eq!(state(&project, "zoe@example.org", "other"), "unknown", "the file alone says again who she is");
}

#[test]
fn each_wrong_token_gives_what_the_table_says() {
    let (project, served) = sent("");
    let letters = project.letters("var/outbox");
    let (ana, bo) = (way_out(&letters, "ana@example.org"), way_out(&letters, "bo@example.org"));
    let (ana, bo) = (ana.trim_start_matches("/leave/"), bo.trim_start_matches("/leave/"));
    let undo = back(&served.one_click(&format!("/leave/{bo}"))).expect("a way back");
    let undo = undo.trim_start_matches("/back/");
    let other_letter = ana.chars().next().map(|c| if c == 'a' { "b" } else { "a" }).expect("a letter");
    let forged = format!("{other_letter}{}", &ana[1..]);
    let swapped = format!("{}{}", &bo[..13], &ana[13..]);
    let wrong = [
        String::new(),
        "x".to_string(),
        "a".repeat(32),
        ana[..31].to_string(),
        ana[..16].to_string(),
        format!("{ana}a"),
        format!("{ana}."),
        format!("{ana}/"),
        format!("{ana}%00"),
        forged,
        swapped,
        undo.to_string(),
        "é".repeat(16),
        "%ff".to_string(),
        "..".to_string(),
    ];
    let expected = served.get("/leave/x", &[]);
    assert!(expected.text().contains("n’est pas entière"), "{}", expected.text());
    for token in &wrong {
        for got in [served.get(&format!("/leave/{token}"), &[]), served.one_click(&format!("/leave/{token}"))] {
            assert_eq!((got.status, got.text()), (404, expected.text()), "{token}");
        }
    }
    assert_eq!(served.one_click("/leave").status, 405);
    for token in [ana, "x", &undo[..44], &"a".repeat(45)] {
        for got in
            [served.get(&format!("/back/{token}"), &[]), served.post(&format!("/back/{token}"), "text/plain", "")]
        {
            assert_eq!(got.status, 410, "{token}");
        }
    }
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");

    // What mail programs do to an address changes nothing; nor does a newsletter's end.
    assert_eq!(served.get(&format!("/leave/{}", ana.to_uppercase()), &[]).status, 200);
    assert_eq!(served.get(&format!("/leave/{ana}?utm_source=x"), &[]).status, 200);
    drop(served);
    project.remove("config/newsletters/news.yaml");
    let served = Served::of(&project);
    is_out(&served.one_click(&format!("/leave/{ana}")));
    assert_eq!(state(&project, "ana@example.org", "news"), "left");

    // Another key, with a database of its own: it knows no letter of ours.
    let (stranger, _) = super::project("");
    let other = Served::of(&stranger);
    assert_eq!(other.one_click(&format!("/leave/{ana}")).status, 404);
}

#[test]
fn no_letter_leaves_before_the_service_answers_with_the_projects_key() {
    let (project, port) = project("");
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("nobody can leave at"), "{}", ran.stderr);
    let (other, _) = super::project("");
    let listen = format!("127.0.0.1:{port}");
    let stranger = Served::by(other.command(&["serve", "--listen", &listen]));
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("another key"), "{}", ran.stderr);
    assert!(project.letters("var/outbox").is_empty());
    drop(stranger);
    let _served = Served::of(&project);
    project.ok(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), 4);
    let doctor = project.crieur(&["doctor"]);
    assert!(doctor.stdout.contains(&format!("readers can leave: http://127.0.0.1:{port}")), "{}", doctor.stdout);
}

fn whoever_leaves_in_the_middle_of_a_delivery_gets_no_letter(place: Place) {
    in_the_middle_of_a_delivery(place, |served, _, path| served.one_click(path));
}

/// While letters are being sent, people `leave`, each by its number and the path of its way out: none of them gets one.
pub fn in_the_middle_of_a_delivery(place: Place, leave: impl Fn(&Served, usize, &str) -> Got) {
    const PEOPLE: usize = 60;
    let slow = |step: &Step| {
        if matches!(step, Step::Body { .. }) {
            std::thread::sleep(Duration::from_millis(60));
        }
        Act::Usual
    };
    let peer = Peer::start(slow);
    let (project, _) = project(&place.line());
    let mut list = "email,name\n".to_string();
    for number in 0..PEOPLE {
        list.push_str(&format!("p{number:04}@example.org,P {number}\n"));
    }
    project.write("more.csv", list);
    project.ok(&["recipients", "import", project.join("more.csv").to_str().expect("a path")]);
    let config = project.read("config/crieur.yaml");
    let smtp = format!("smtp://127.0.0.1:{}\n  tls: none\n  connections: 1", peer.port);
    project.write("config/crieur.yaml", config.replace("maildir:var/outbox", &smtp));
    let served = Served::of(&project);
    let tokens = tokens_of(&project, PEOPLE);
    let mut command = project.command(&["run"]);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    while peer.received().len() < 5 {
        assert!(Instant::now() < deadline, "no letter arrives");
        std::thread::sleep(Duration::from_millis(5));
    }
    // From the far end of the queue, until the delivery comes near.
    let mut left = Vec::new();
    for (address, token) in &tokens {
        if peer.received().len() + left.len() + 8 > PEOPLE {
            break;
        }
        is_out(&leave(&served, left.len(), &format!("/leave/{token}")));
        left.push(address);
    }
    let ran = Ran::from(run.wait_with_output().expect("it ends"));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(left.len() > 5, "only {} could leave in time", left.len());
    let received = peer.received();
    for address in &left {
        assert!(!received.iter().any(|received| received.recipient == **address), "{address} left, and got it");
        assert_eq!(state(&project, address, "news"), "left");
    }
    let status = project.json(&["status"], 0);
    let edition = &status["editions"][0];
    assert_eq!(edition["suppressed"], left.len(), "{status}");
    assert_eq!(edition["accepted"], received.len(), "{status}");
    assert_eq!(received.len() + left.len(), PEOPLE + 4);
}

/// The tokens of people without a letter yet, by the key: what will stand in theirs. Those come last whose number is
/// greatest.
fn tokens_of(project: &Project, people: usize) -> Vec<(String, String)> {
    let secrets = crieur::secrets::Secrets::load(&project.join("var/keys"), None).expect("a key").expect("a key");
    let mut addresses: Vec<String> = (0..people).map(|number| format!("p{number:04}@example.org")).collect();
    addresses.sort_by_key(|address| std::cmp::Reverse(secrets.recipient_id(address)));
    let with_token = |address: String| {
        let token = crieur::mail::token::leave(&secrets, "news", secrets.recipient_id(&address));
        (address, token)
    };
    addresses.into_iter().map(with_token).collect()
}
