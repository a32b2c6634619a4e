//! Subscribing by the web page: the form, the letter that asks for a confirmation, the page that confirms.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crieur::secrets::Secrets;
use crieur::web::token;

use super::{project, sent, state};
use crate::support::project::Project;
use crate::support::served::{Got, Served};
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    whoever_confirms_is_on_the_list_and_gets_the_next_letter,
    no_answer_tells_who_is_known,
    whoever_moves_to_another_rhythm_is_told_nothing_twice,
    ten_thousand_attempts_send_no_more_letters_than_configured,
}

const ENCODED: &str = "application/x-www-form-urlencoded";

fn secrets(project: &Project) -> Secrets {
    Secrets::load(&project.join("var/keys"), None).expect("a key").expect("a key")
}

/// With which somebody leaves.
pub fn leave_token(project: &Project, address: &str) -> String {
    let secrets = secrets(project);
    crieur::mail::token::leave(&secrets, "news", secrets.recipient_id(address))
}

/// That the form was shown a while ago, as time goes for the project.
fn shown(project: &Project, newsletter: &str, now: &str) -> String {
    let now: chrono::DateTime<chrono::Utc> = now.parse().expect("a time");
    token::form_time(&secrets(project), newsletter, now.timestamp() - 60)
}

fn body(shown: &str, fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("shown", shown);
    form.extend_pairs(fields).finish()
}

const NOW: &str = "2026-03-01T08:00:00Z";

/// Fills in the form.
pub fn subscribe(project: &Project, served: &Served, address: &str) -> Got {
    fill_in(project, served, &[("email", address)])
}

pub fn fill_in(project: &Project, served: &Served, fields: &[(&str, &str)]) -> Got {
    served.post("/subscribe/news", ENCODED, &body(&shown(project, "news", NOW), fields))
}

/// Waits for the letters that are in the Maildir beyond `before`.
pub fn new_letters(project: &Project, before: usize, expected: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let letters = project.letters("var/outbox");
        if letters.len() >= before + expected {
            assert_eq!(letters.len(), before + expected);
            return letters.into_iter().skip(before).collect();
        }
        assert!(Instant::now() < deadline, "{} of {expected} letters", letters.len() - before);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A letter's subject and its two parts.
pub fn read(letter: &str) -> (String, String, String) {
    let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
    let (text, html) = (message.body_text(0).expect("text"), message.body_html(0).expect("html"));
    (message.subject().unwrap_or_default().to_string(), text.into_owned(), html.into_owned())
}

/// The path of the page that a letter asks to open.
pub fn confirmation(letter: &str) -> String {
    let (_, text, html) = read(letter);
    let token = text.split("/confirm/").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a link");
    assert!(html.contains(&format!("/confirm/{token}\"")), "{html}");
    format!("/confirm/{token}")
}

fn is_on_the_list(got: &Got) {
    assert_eq!(got.status, 200, "{}", got.text());
    assert!(got.text().contains("Vous recevrez «\u{a0}La lettre d’exemple"), "{}", got.text());
    assert_eq!((got.header("location"), got.header("set-cookie")), ("", ""));
}

fn whoever_confirms_is_on_the_list_and_gets_the_next_letter(place: Place) {
    let (project, served) = sent(&place.line());
    // By the form itself, in the time that a person takes, and as a browser sends it that speaks multipart.
    let page = served.get("/subscribe/news", &[]);
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let time = page.between("name=\"shown\" value=\"", "\"");
    std::thread::sleep(Duration::from_millis(2500));
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let multipart =
        [part("shown", &time), part("email", " Eve@EXAMPLE.org "), part("name", "Ève <b>"), "--b--\r\n".into()];
    let got = served.post("/subscribe/news", "multipart/form-data; boundary=b", &multipart.concat());
    assert_eq!(got.status, 200, "{}", got.text());
    assert!(got.text().contains("Regardez votre courrier"), "{}", got.text());

    let letter = new_letters(&project, 4, 1).remove(0);
    for line in [
        "From: =?utf-8?B?TGEgcsOpZGFjdGlvbg==?= <lettre@example.org>",
        "To: Eve@example.org",
        "Auto-Submitted: auto-generated",
        "Content-Language: fr",
    ] {
        assert!(letter.lines().any(|known| known == line), "{line}\n{letter}");
    }
    assert!(!letter.contains("List-"), "{letter}");
    let (subject, text, html) = read(&letter);
    assert_eq!(subject, "Confirmez votre inscription à « La lettre d’exemple »");
    for told in ["Eve@example.org", "dimanche 1er mars 2026", "La lettre d’exemple", "ne faites rien", "Le site"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(
        !text.contains("Ève") && !html.contains("<img"),
        "nothing that somebody else wrote, and no picture: {text}"
    );

    // A scanner.
    let path = confirmation(&letter);
    for method in ["GET", "HEAD", "GET"] {
        let got = served.ask(method, &path, &[], b"");
        assert_eq!(got.status, 200);
        assert_eq!(got.text().matches("<button").count(), usize::from(method == "GET"));
        assert!(!got.text().to_lowercase().contains("@example.org"), "{}", got.text());
    }
    assert_eq!(state(&project, "eve@example.org", "news"), "unknown");
    for _ in 0..2 {
        is_on_the_list(&served.post(&path, ENCODED, ""));
        assert_eq!(state(&project, "eve@example.org", "news"), "subscribed");
    }
    is_on_the_list(&served.get(&path, &[]));
    let listed = project.json(&["recipients", "list"], 0);
    let hers = listed["recipients"].as_array().expect("a list").iter().find(|one| one["email"] == "Eve@example.org");
    let hers = hers.unwrap_or_else(|| panic!("{listed}"));
    assert_eq!((&hers["basis"], &hers["name"]), (&"consent".into(), &"Ève <b>".into()));
    assert!(hers["proof"].as_str().is_some_and(|proof| proof.contains("(2026-03-01T08:00:")), "{hers}");

    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-03-01\n---\nDeux.\n");
    project.ok(&["run"]);
    let letters = new_letters(&project, 5, 5);
    let hers = letters.iter().find(|letter| letter.contains("Eve@example.org")).expect("her letter");
    assert!(read(hers).1.contains("Bonjour Ève <b>"), "{hers}");
    // Whoever leaves is not brought back by the link.
    served.one_click(&super::way_out(&letters, "Eve@example.org"));
    assert_eq!(served.post(&path, ENCODED, "").status, 410);
    assert_eq!(state(&project, "eve@example.org", "news"), "left");
    assert!(!served.said().contains("@example.org") && !served.said().contains("ve@"), "{}", served.said());
}

fn no_answer_tells_who_is_known(place: Place) {
    let more = format!("  confirmations: {{ per_address: 1/d }}\n{}", place.line());
    let (project, served) = sent(&more);
    let letters = project.letters("var/outbox");
    served.one_click(&super::way_out(&letters, "bo@example.org"));
    // What came back, and what was complained of.
    project.ok(&["recipients", "remove", "di@example.org"]);
    let expected = subscribe(&project, &served, "new@example.org").text().replace("new@example.org", "ADDRESS");
    new_letters(&project, 4, 1);
    let mut times = Vec::new();
    for (address, letter) in [
        ("other@example.org", Some("Confirmez")),
        ("ana@example.org", Some("Vous recevez déjà")),
        ("bo@example.org", Some("Confirmez")),
        ("di@example.org", Some("Confirmez")),
        // Flooded: one a day, however it is spelled.
        ("new@example.org", None),
        ("NEW@Example.ORG", None),
        ("n.ew+x@example.org", None),
        ("ana@example.org", None),
    ] {
        let before = project.letters("var/outbox").len();
        let began = Instant::now();
        let got = subscribe(&project, &served, address);
        times.push((address, began.elapsed()));
        assert_eq!((got.status, got.text().replace(address, "ADDRESS")), (200, expected.clone()), "{address}");
        if let Some(subject) = letter {
            let letter = new_letters(&project, before, 1).remove(0);
            let (told, text, html) = read(&letter);
            assert!(told.starts_with(subject), "{address}: {letter}");
            let own = served.url("/manage");
            let leads_there = text.contains(&own) && html.contains(&format!("\"{own}\""));
            assert_eq!(leads_there, subject == "Vous recevez déjà", "{address}: {text}");
        }
    }
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(project.letters("var/outbox").len(), 9);
    for (address, took) in times {
        assert!(took < Duration::from_secs(5), "{address}: {took:?}");
    }
}

fn whoever_moves_to_another_rhythm_is_told_nothing_twice(place: Place) {
    let (project, served) = sent(&place.line());
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-03-01\n---\nDeux.\n");
    project.ok(&["run"]);
    drop(served);
    let weekly = project.read("config/newsletters/news.yaml").replace("La lettre d’exemple", "L’hebdo");
    project.write("config/newsletters/weekly.yaml", weekly);
    let served = Served::of(&project);
    let page = served.get("/subscribe/weekly", &[]).text();
    assert!(page.contains("name=\"instead\" value=\"news\""), "{page}");
    assert!(!page.contains("value=\"other\""), "another selection, and a file's: {page}");
    for (address, instead) in [("ana@example.org", "news"), ("eve@example.org", "other"), ("fay@example.org", "news")]
    {
        let before = project.letters("var/outbox").len();
        let form = body(&shown(&project, "weekly", NOW), &[("email", address), ("instead", instead)]);
        assert_eq!(served.post("/subscribe/weekly", ENCODED, &form).status, 200);
        let letter = new_letters(&project, before, 1).remove(0);
        let replaces = instead == "news";
        assert_eq!(read(&letter).1.contains("Elle remplace «\u{a0}La lettre d’exemple\u{a0}»"), replaces, "{letter}");
        assert_eq!(
            state(&project, "ana@example.org", "news"),
            if address == "ana@example.org" { "subscribed" } else { "left" }
        );
        let got = served.post(&confirmation(&letter), ENCODED, "");
        assert!(got.status == 200 && got.text().contains("L’hebdo"), "{}", got.text());
        assert_eq!(state(&project, address, "weekly"), "subscribed");
    }
    // Who was not on the other one has left nothing.
    assert_eq!(state(&project, "fay@example.org", "news"), "unknown");
    let news = |number: usize| {
        let title = ["Trois", "Quatre"][number];
        project
            .write(&format!("posts/{title}.md"), format!("---\ntitle: {title}\ndate: 2026-03-01\n---\n{title}.\n"));
        let before = project.letters("var/outbox").len();
        project.ok(&["run"]);
        // Three stayed, and three came.
        new_letters(&project, before, 6)
    };
    let titles = |letters: &[String], address: &str| {
        let to = |letter: &&String| letter.lines().any(|line| line.starts_with("To: ") && line.contains(address));
        let text = read(letters.iter().find(to).unwrap_or_else(|| panic!("no letter to {address}"))).1;
        ["Un", "Deux", "Trois", "Quatre"]
            .into_iter()
            .filter(|title| {
                text.contains(&format!("/posts/{title}").to_lowercase()) || text.contains(&format!("/posts/{title}/"))
            })
            .collect::<Vec<_>>()
    };
    let letters = news(0);
    assert_eq!(titles(&letters, "ana@example.org"), ["Trois"]);
    for address in ["eve@example.org", "fay@example.org"] {
        assert_eq!(titles(&letters, address), ["Un", "Deux", "Trois"]);
    }
    assert_eq!(titles(&letters, "bo@example.org"), ["Trois"]);
    let letters = news(1);
    for address in ["ana@example.org", "eve@example.org", "bo@example.org"] {
        assert_eq!(titles(&letters, address), ["Quatre"]);
    }
}

/// Posts `count` forms over a few connections to each service; `of` gives the body and the client's address of each.
fn flood(services: &[&Served], count: usize, of: &(impl Fn(usize) -> (String, IpAddr) + Sync)) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for served in services.iter().flat_map(|served| [served; 3]) {
            let next = &next;
            scope.spawn(move || {
                let mut conversation = served.converse();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let (body, client) = of(number);
                    let client = client.to_string();
                    let headers = [("Content-Type", ENCODED), ("X-Forwarded-For", client.as_str())];
                    let got = conversation.ask("POST", "/subscribe/news", &headers, body.as_bytes());
                    assert_eq!(got.status, 200, "{number}: {}", got.text());
                }
            });
        }
    });
}

fn ten_thousand_attempts_send_no_more_letters_than_configured(place: Place) {
    const ATTEMPTS: usize = 10_000;
    let more = format!(
        "  trusted_proxies: [127.0.0.1]\n  confirmations: {{ per_address: 3/d, per_network: 20/h, per_newsletter: 30/h }}\n{}",
        place.line()
    );
    let (project, mut one) = sent(&more);
    let mut two = Served::by(project.command(&["serve", "--listen", "127.0.0.1:0"]));
    let shown = shown(&project, "news", NOW);
    let began = Instant::now();
    // On one address, from as many networks.
    let spellings = ["victim@example.org", "VICTIM@Example.org", "vic.tim+1@example.org", "victim+two@example.org"];
    let networks = |number: usize| {
        let client = format!("2001:db8:{:x}:{:x}::{:x}", number / 7, number % 7, number + 1);
        (body(&shown, &[("email", spellings[number % 4])]), client.parse().expect("an address"))
    };
    flood(&[&one, &two], ATTEMPTS, &networks);
    new_letters(&project, 4, 3);
    // From one network, on as many addresses.
    let addresses = |number: usize| {
        let client = format!("2001:db8:ffff:1:{:x}::1", number + 1);
        (body(&shown, &[("email", &format!("p{number}@example.org"))]), client.parse().expect("an address"))
    };
    flood(&[&one, &two], ATTEMPTS, &addresses);
    new_letters(&project, 7, 20);
    // From as many networks on as many addresses: the newsletter's own limit.
    let both = |number: usize| (addresses(number + ATTEMPTS).0, networks(number).1);
    flood(&[&one, &two], 500, &both);
    new_letters(&project, 27, 7);
    println!("{} attempts took {:?}", 2 * ATTEMPTS + 500, began.elapsed());
    // Nothing is left to be sent.
    assert_eq!((one.stop(), two.stop()), (Some(0), Some(0)));
    let _again = Served::of(&project);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(project.letters("var/outbox").len(), 34);
    // Whoever comes past the proxy, and says who they are, is the same as before.
    let said = one.said();
    assert!(!said.contains("@example.org"), "{said}");
}

#[test]
fn what_was_typed_wrongly_is_shown_again_with_the_mistake_at_its_field() {
    let (project, served) = sent("");
    let before = project.letters("var/outbox").len();
    let time = shown(&project, "news", NOW);
    let evil = "\"><script>alert(1)</script>";
    let got = served.post("/subscribe/news", ENCODED, &body(&time, &[("email", evil), ("name", evil)]));
    assert_eq!(got.status, 422);
    let page = got.text();
    assert!(!page.contains("<script"), "{page}");
    for told in [
        "<title>Erreur",
        "<a href=\"#email\">Cette adresse n’est pas complète",
        "id=\"email-error\"",
        "aria-describedby=\"email-hint email-error\" aria-invalid=\"true\"",
        "value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\"",
        "autocomplete=\"email\"",
        "autocomplete=\"name\"",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(page.contains(&time), "who mends a mistake is not too quick");
    let got = served.post("/subscribe/news", ENCODED, &body(&time, &[("email", ""), ("name", &"é".repeat(101))]));
    assert!(got.text().contains("href=\"#email\"") && got.text().contains("href=\"#name\""), "{}", got.text());

    // Too quick: pressing again, a moment later, is enough.
    let time = served.get("/subscribe/news", &[]).between("name=\"shown\" value=\"", "\"");
    let quick = body(&time, &[("email", "eve@example.org"), ("name", "Ève")]);
    let got = served.post("/subscribe/news", ENCODED, &quick);
    assert_eq!(got.status, 422);
    assert!(got.text().contains("un peu rapide") && got.text().contains("value=\"Ève\""), "{}", got.text());
    assert_eq!(got.between("name=\"shown\" value=\"", "\""), time);
    // Too old, of another newsletter, forged, or none at all: shown again, with a new time.
    let day = 86_400 + 120;
    let now: chrono::DateTime<chrono::Utc> = NOW.parse().expect("a time");
    for wrong in [
        token::form_time(&secrets(&project), "news", now.timestamp() - day),
        token::form_time(&secrets(&project), "news", now.timestamp() + day),
        token::form_time(&secrets(&project), "other", now.timestamp() - 60),
        token::form_time(&Secrets::from_bytes([1; 32]), "news", now.timestamp() - 60),
        time[..31].to_string(),
        String::new(),
    ] {
        let got = served.post("/subscribe/news", ENCODED, &body(&wrong, &[("email", "eve@example.org")]));
        assert_eq!(got.status, 422, "{wrong}");
        assert!(got.text().contains("depuis longtemps") && got.text().contains("eve@example.org"), "{}", got.text());
        assert_ne!(got.between("name=\"shown\" value=\"", "\""), wrong);
    }
    // The field that no person sees: the same answer, and no letter.
    let trapped = body(&shown(&project, "news", NOW), &[("email", "bot@example.org"), ("website", "x")]);
    let got = served.post("/subscribe/news", ENCODED, &trapped);
    assert!(got.status == 200 && got.text().contains("Regardez votre courrier"), "{}", got.text());
    // Neither form nor newsletter.
    assert_eq!(served.post("/subscribe/news", "application/json", "{}").status, 422);
    for path in ["/subscribe/other", "/subscribe/absent", "/subscribe/", "/subscribe/news/x"] {
        assert_eq!((served.get(path, &[]).status, served.post(path, ENCODED, "").status), (404, 404), "{path}");
    }
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(project.letters("var/outbox").len(), before);
    let got = served.post("/subscribe/news", ENCODED, &quick);
    assert_eq!(got.status, 200, "{}", got.text());
    new_letters(&project, before, 1);
}

#[test]
fn each_token_of_a_confirmation_gives_what_the_table_says() {
    let (mut project, mut served) = sent("");
    let letters = project.letters("var/outbox");
    for address in ["eve@example.org", "fay@example.org"] {
        subscribe(&project, &served, address);
        std::thread::sleep(Duration::from_millis(300));
    }
    let asked = new_letters(&project, 4, 2);
    let paths: Vec<String> = asked.iter().map(|letter| confirmation(letter)).collect();
    let (eve, fay) = (&paths[0]["/confirm/".len()..], &paths[1]["/confirm/".len()..]);
    assert_eq!(eve.len(), 45);
    let leave = super::way_out(&letters, "ana@example.org");
    let other = if eve.starts_with('a') { "b" } else { "a" };
    let secrets = secrets(&project);
    let id = secrets.recipient_id("eve@example.org");
    let now: chrono::DateTime<chrono::Utc> = NOW.parse().expect("a time");
    let expected = served.get("/confirm/x", &[]);
    for token in [
        String::new(),
        "x".to_string(),
        "a".repeat(45),
        eve[..44].to_string(),
        eve[..20].to_string(),
        format!("{eve}a"),
        format!("{eve}%00"),
        format!("{other}{}", &eve[1..]),
        format!("{}{}", &fay[..13], &eve[13..]),
        leave["/leave/".len()..].to_string(),
        crieur::mail::token::come_back(&secrets, "news", id, now.timestamp()),
        token::confirm(&secrets, "move", "news", id, now.timestamp()),
        token::confirm(&Secrets::from_bytes([1; 32]), "join", "news", id, now.timestamp()),
        token::confirm(&secrets, "join", "absent", id, now.timestamp()),
        shown(&project, "news", NOW),
    ] {
        for got in
            [served.get(&format!("/confirm/{token}"), &[]), served.post(&format!("/confirm/{token}"), ENCODED, "")]
        {
            assert_eq!((got.status, got.text()), (404, expected.text()), "{token}");
        }
    }
    // The same in capitals, or with a query.
    assert_eq!(served.get(&format!("/confirm/{}?utm_source=x", eve.to_uppercase()), &[]).status, 200);
    // One that is signed, and that nobody asked for.
    let unasked = token::confirm(&secrets, "join", "news", id, now.timestamp() - 5000);
    assert_eq!(served.post(&format!("/confirm/{unasked}"), ENCODED, "").status, 410);
    is_on_the_list(&served.post(&paths[1], ENCODED, ""));
    assert_eq!(served.stop(), Some(0));

    // A day before the end, and after it.
    for (moment, status) in [("2026-03-08T07:59:00Z", 200), ("2026-03-08T08:10:00Z", 410)] {
        project.at(moment);
        served = Served::of(&project);
        let got = served.get(&paths[0], &[]);
        assert_eq!(got.status, status, "{}", got.text());
        if status == 410 {
            let got = served.post(&paths[0], ENCODED, "");
            assert_eq!(got.status, 410);
            assert!(
                got.text().contains("ne sert plus") && got.text().contains("href=\"/subscribe/news\""),
                "{}",
                got.text()
            );
            is_on_the_list(&served.post(&paths[1], ENCODED, ""));
        }
        assert_eq!(served.stop(), Some(0));
    }
    assert_eq!(state(&project, "eve@example.org", "news"), "unknown");
    assert_eq!(state(&project, "fay@example.org", "news"), "subscribed");
    // Whoever did not confirm is deleted by now.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let left = runtime.block_on(async {
        let database = crieur::store::Database::Sqlite(project.join("var/crieur.db"));
        let mut store = crieur::store::Store::open(&database).await.expect("a database");
        store.forget_unconfirmed(now + chrono::TimeDelta::days(30)).await.expect("a look")
    });
    assert_eq!(left, 0);
}

#[test]
fn titles_full_of_html_show_as_text_in_pages_and_letters() {
    let (project, _) = project("");
    let evil = "<script>alert(1)</script>{{recipient.email}}&amp;";
    let news = project.read("config/newsletters/news.yaml").replace("La lettre d’exemple", &format!("'{evil}'"));
    project.write(
        "config/newsletters/news.yaml",
        format!("{news}confirm_from: Inscriptions <inscriptions@example.org>\nconsent: <b>Oui</b>\n"),
    );
    let config = project.read("config/crieur.yaml").replace("title: Le site", &format!("title: '{evil}'"));
    project.write("config/crieur.yaml", config);
    let served = Served::of(&project);
    for path in ["/", "/subscribe", "/subscribe/news"] {
        let page = served.get(path, &[]).text();
        assert!(
            !page.contains("<script")
                && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;{{recipient.email}}&amp;amp;"),
            "{page}"
        );
    }
    let page = served.get("/subscribe/news", &[]).text();
    assert!(page.contains("&lt;b&gt;Oui&lt;/b&gt;"), "{page}");
    let got = subscribe(&project, &served, "eve@example.org");
    assert!(!got.text().contains("<script"), "{}", got.text());
    let letter = new_letters(&project, 0, 1).remove(0);
    assert!(letter.contains("\nFrom: Inscriptions <inscriptions@example.org>\n"), "{letter}");
    let (subject, text, html) = read(&letter);
    assert!(subject.contains(evil) && text.contains(evil), "{subject}\n{text}");
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    let got = served.post(&confirmation(&letter), ENCODED, "");
    assert!(got.status == 200 && !got.text().contains("<script"), "{}", got.text());
}

#[test]
fn a_mail_server_that_is_down_changes_no_answer_and_gets_the_letter_later() {
    let (mut project, mut served) = sent("");
    let expected = subscribe(&project, &served, "eve@example.org").text();
    new_letters(&project, 4, 1);
    assert_eq!(served.stop(), Some(0));
    let config = project.read("config/crieur.yaml");
    let port = crate::support::served::free_port();
    let down = format!("smtp://127.0.0.1:{port}\n  tls: none");
    project.write("config/crieur.yaml", config.replace("maildir:var/outbox", &down));
    served = Served::of(&project);
    let got = subscribe(&project, &served, "fay@example.org");
    assert_eq!((got.status, got.text()), (200, expected.replace("eve@example.org", "fay@example.org")));
    let deadline = Instant::now() + Duration::from_secs(30);
    while !served.said().contains("news: a letter that a page promised waits") {
        assert!(Instant::now() < deadline, "{}", served.said());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!served.said().contains("fay"), "{}", served.said());
    assert_eq!(served.stop(), Some(0));
    project.write("config/crieur.yaml", config);
    project.at("2026-03-01T08:30:00Z");
    served = Served::of(&project);
    let letter = new_letters(&project, 5, 1).remove(0);
    assert!(letter.contains("To: fay@example.org"), "{letter}");
    is_on_the_list(&served.post(&confirmation(&letter), ENCODED, ""));
}

#[test]
fn the_newsletters_that_anybody_can_be_on_are_listed() {
    let (project, served) = sent("");
    let page = served.get("/subscribe", &[]).text();
    assert!(page.contains("href=\"/subscribe/news\"") && !page.contains("L’autre"), "{page}");
    assert!(
        served
            .get("/", &[])
            .text()
            .contains("<a href=\"/subscribe/news\">S’inscrire à «\u{a0}La lettre d’exemple\u{a0}»</a>")
    );
    assert!(served.get("/robots.txt", &[]).text().contains("Disallow: /confirm/"));
    drop(served);
    let news = project.read("config/newsletters/news.yaml");
    project.write("config/newsletters/news.yaml", format!("{news}subscribe: none\n"));
    let served = Served::of(&project);
    assert_eq!(served.get("/subscribe/news", &[]).status, 404);
    assert!(served.get("/subscribe", &[]).text().contains("Aucune lettre"));
    assert!(!served.get("/", &[]).text().contains("/subscribe"));
}
