//! `run` and `send`, from items to letters in a Maildir: what is announced, when, and what holds it.

use serde_json::Value;

use crate::support::project::Project;

const START: &str = "2026-03-01T08:00:00Z";

fn newsletter(more: &str) -> String {
    format!(
        "title: La lettre\nfrom: La rédaction <lettre@example.org>\nto: file:config/people.csv\narchive: unlisted\n\
         leave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\n{more}"
    )
}

fn item(title: &str, date: &str) -> String {
    format!("---\ntitle: {title}\ndate: {date}\n---\nDu nouveau dans {title}.\n")
}

/// A site with two items, and two people on the list of its newsletter.
fn project(more: &str) -> Project {
    let mut project = Project::new()
        .file("feeds/news.yaml", "title: Actualités\noutputs: { atom: feed.xml }\n")
        .file("config/newsletters/news.yaml", newsletter(more))
        .file("config/people.csv", "email,name\nana@example.org,Ana\nbo@example.org,Bo\n")
        .file("posts/un.md", item("Un", "2026-02-01"))
        .file("posts/deux.md", item("Deux", "2026-02-02"));
    project.at(START);
    project
}

fn edition(printed: &Value, index: usize) -> &Value {
    &printed["editions"][index]
}

/// The letters whose text names a title.
fn naming(project: &Project, title: &str) -> usize {
    let words = format!("Du nouveau dans {title}.");
    project.letters("var/outbox").iter().filter(|letter| text_of(letter).contains(&words)).count()
}

fn text_of(letter: &str) -> String {
    let parsed = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
    parsed.body_text(0).expect("a text part").into_owned()
}

#[test]
fn a_first_run_sends_and_a_second_changes_no_byte_and_sends_nothing() {
    let project = project("");
    let printed = project.json(&["run"], 0);
    let first = edition(&printed, 0);
    assert_eq!((&first["state"], &first["eligible"], &first["accepted"]), (&"done".into(), &2.into(), &2.into()));
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(printed["feeds"][0]["entries"], 2);
    let (feed, lock) = (project.read("public/feed.xml"), project.read("feeds/items.lock"));
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 2);

    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"], Value::Array(vec![]));
    assert_eq!(printed["feeds"][0]["changed"], false);
    assert_eq!((project.read("public/feed.xml"), project.read("feeds/items.lock")), (feed, lock));
    assert_eq!(project.letters("var/outbox"), letters);

    project.write("posts/trois.md", item("Trois", "2026-02-03"));
    project.json(&["run"], 0);
    assert!(project.read("public/feed.xml").contains("Trois"));
    assert_eq!((naming(&project, "Trois"), naming(&project, "Un")), (2, 2));
}

#[test]
fn an_item_renamed_edited_or_back_dated_is_announced_exactly_once() {
    let project = project("");
    project.json(&["run"], 0);
    project.rename("posts/un.md", "posts/autre-nom.md");
    project.json(&["run"], 0);
    project.write("posts/deux.md", item("Deux", "2026-02-02").replace("Du nouveau", "Du vieux"));
    project.json(&["run"], 0);
    assert_eq!(project.letters("var/outbox").len(), 2, "a renamed or edited item is not new");
    project.write("posts/vieux.md", item("Vieux", "2019-01-01"));
    project.json(&["run"], 0);
    assert_eq!(naming(&project, "Vieux"), 2, "a back-dated item is");
    assert_eq!(project.letters("var/outbox").len(), 4);
}

#[test]
fn the_stage_that_builds_writes_nothing_without_a_feed_that_cannot_be_made() {
    let project = project("").file("feeds/other.yaml", "titel: Autres\noutputs: { atom: autres.xml }\n");
    let ran = project.crieur(&["run", "--stage", "build"]);
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("feeds/other.yaml: a feed that cannot be made: nothing is written"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("feeds/other.yaml:1:1"), "{}", ran.stderr);
    assert!(!project.join("public").exists());
    // Where what is published stays, the other feeds go on, and a person is told.
    assert_eq!(project.crieur(&["run"]).status, 1);
    assert!(project.join("public/feed.xml").is_file());
}

#[test]
fn what_was_there_before_a_newsletter_counts_as_announced() {
    let project = project("").file("config/newsletters/news.yaml", newsletter("").replace("announce", "skip"));
    project.json(&["run"], 0);
    assert!(project.letters("var/outbox").is_empty());
    project.write("posts/trois.md", item("Trois", "2020-01-01"));
    project.json(&["run"], 0);
    assert_eq!((naming(&project, "Trois"), naming(&project, "Un")), (2, 0));
}

#[test]
fn a_personal_letter_has_a_way_to_leave_and_says_that_no_person_sent_it() {
    let project = project("");
    project.ok(&["run"]);
    for letter in project.letters("var/outbox") {
        let parsed = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
        let leave = parsed.header_raw("List-Unsubscribe").expect("a way to leave").trim();
        assert!(leave.starts_with("<mailto:partir@example.org?subject=leave%20"), "{leave}");
        assert_eq!(parsed.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
        assert_eq!(parsed.header_raw("List-Post").map(str::trim), Some("NO"));
        assert!(letter.contains("\nList-Id: La lettre <news.www.example.org>\n"), "{letter}");
        let token = leave.split("%20").nth(1).expect("a token").trim_end_matches('>');
        assert!(text_of(&letter).contains(token), "the text part says how to leave, too");
        let html = parsed.body_html(0).expect("an HTML part");
        assert!(html.len() < 80_000 && html.contains(token));
        assert_eq!(parsed.text_body_count() + parsed.html_body_count(), 2);
    }
}

#[test]
fn a_letter_in_list_mode_carries_no_stamp_and_nothing_that_a_list_server_drops() {
    let project = project("")
        .file("config/newsletters/news.yaml", newsletter("").replace("file:config/people.csv", "liste@example.org"));
    let printed = project.json(&["run"], 0);
    assert_eq!(edition(&printed, 0)["eligible"], 1);
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 1);
    let header = letters[0].split("\n\n").next().expect("a header");
    assert!(header.contains("\nTo: liste@example.org\n"), "{header}");
    assert!(!header.contains("\nList-") && !header.contains("Auto-Submitted"), "{header}");
    assert!(!letters[0].contains("leave%20"));
}

#[test]
fn a_cron_moment_is_seen_to_once_however_often_run_is_called() {
    let mut project =
        project("").file("config/newsletters/news.yaml", newsletter("").replace("each-run", "\"0 9 1 * *\""));
    project.at("2026-02-20T08:00:00Z").ok(&["run"]);
    assert!(project.letters("var/outbox").is_empty(), "not due yet");
    project.at("2026-03-01T07:59:00Z").ok(&["run"]);
    assert!(project.letters("var/outbox").is_empty(), "nine o'clock in Paris is eight in UTC");
    project.at("2026-03-01T08:00:30Z").ok(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), 2);
    project.write("posts/trois.md", item("Trois", "2026-03-01"));
    project.at("2026-03-02T08:00:00Z").ok(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), 2, "the moment was seen to");
    project.at("2026-04-01T07:00:00Z").ok(&["run"]);
    assert_eq!(naming(&project, "Trois"), 2, "nine o'clock in summer");
    project.at("2026-05-01T07:00:00Z").ok(&["run"]);
    project.write("posts/quatre.md", item("Quatre", "2026-05-01"));
    project.at("2026-05-02T07:00:00Z").ok(&["run"]);
    assert_eq!(naming(&project, "Quatre"), 0, "nothing new was no letter, and the moment counts as considered");
}

#[test]
fn each_item_is_a_letter_of_its_own_oldest_first() {
    let project = project("").file("config/newsletters/news.yaml", newsletter("").replace("each-run", "each-item"));
    let printed = project.json(&["run"], 0);
    let numbers: Vec<_> = printed["editions"].as_array().expect("editions").iter().map(|e| &e["number"]).collect();
    assert_eq!(numbers, [1, 2]);
    assert!(edition(&printed, 0)["items"][0].as_str().is_some_and(|id| id.contains("/un/")), "{printed}");
    assert_eq!(project.letters("var/outbox").len(), 4);
}

#[test]
fn more_new_items_than_surge_hold_the_edition_until_a_person_says_so() {
    for (word, letters) in [("resume", 2), ("cancel", 0)] {
        let project = project("surge: 2\n").file("posts/trois.md", item("Trois", "2026-02-03"));
        let printed = project.json(&["run"], 1);
        assert_eq!(edition(&printed, 0)["state"], "held");
        assert!(project.letters("var/outbox").is_empty());
        assert!(project.read("public/feed.xml").contains("Trois"), "the feeds do not wait");
        project.write("posts/quatre.md", item("Quatre", "2026-02-04"));
        project.json(&["run"], 1);
        assert_eq!(project.letters("var/outbox").len(), 2, "what comes next is not held up");
        project.ok(&[word, "news", "1"]);
        project.json(&["run"], 0);
        assert_eq!(naming(&project, "Trois"), letters, "{word}");
        project.json(&["run"], 0);
        assert_eq!(naming(&project, "Quatre"), 2);
    }
}

#[test]
fn a_migration_that_moves_the_addresses_holds_what_comes_next() {
    let project = project("");
    project.json(&["run"], 0);
    let config = project.read("config/crieur.yaml").replace("/posts/{stem}/", "/articles/{stem}.html");
    project.write("config/crieur.yaml", config);
    project.write("posts/trois.md", item("Trois", "2026-02-03"));
    let printed = project.json(&["run"], 1);
    assert_eq!(edition(&printed, 0)["state"], "held");
    assert_eq!(naming(&project, "Trois"), 0);
    project.ok(&["resume", "news", "2"]);
    project.json(&["run"], 0);
    assert_eq!(naming(&project, "Trois"), 2);
}

#[test]
fn an_edition_that_needs_approval_waits_for_it() {
    let project = project("approve: yes\n");
    let printed = project.json(&["run"], 0);
    assert_eq!((&edition(&printed, 0)["state"], &edition(&printed, 0)["pending"]), (&"composed".into(), &2.into()));
    project.ok(&["run"]);
    assert!(project.letters("var/outbox").is_empty());
    assert!(project.ok(&["status"]).contains("crieur approve news 1"));
    project.ok(&["approve", "news", "1"]);
    assert_eq!(project.crieur(&["approve", "news", "1"]).status, 2, "once is enough");
    project.ok(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), 2);
}

#[test]
fn a_stopped_edition_stays_so_and_a_cancelled_one_can_give_its_items_back() {
    let project = project("approve: yes\n");
    project.ok(&["run"]);
    project.ok(&["stop", "news", "1"]);
    project.json(&["status"], 1);
    project.ok(&["cancel", "news", "1", "--release"]);
    let printed = project.json(&["run"], 0);
    let editions: Vec<_> =
        printed["editions"].as_array().expect("editions").iter().map(|e| (&e["number"], &e["state"])).collect();
    assert_eq!(editions, [(&Value::from(2), &Value::from("composed"))], "the items are new again");
    let refused = project.crieur(&["resume", "news", "1"]);
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("cancelled"), "{}", refused.stderr);
}

#[test]
fn two_runs_at_once_send_nothing_twice_and_the_second_says_so() {
    let project = project("");
    project.ok(&["status"]);
    let lock = std::fs::File::create(project.join("var/crieur.db.lock")).expect("a lock");
    lock.lock().expect("locked");
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 0);
    assert!(ran.stderr.contains("another run is at work"), "{}", ran.stderr);
    assert!(project.letters("var/outbox").is_empty());
    lock.unlock().expect("unlocked");
    let both: Vec<_> = (0..2).map(|_| project.command(&["run"]).spawn().expect("started")).collect();
    for mut one in both {
        assert!(one.wait().expect("ended").success());
    }
    assert_eq!(project.letters("var/outbox").len(), 2);
}

#[test]
fn an_item_waits_until_its_page_answers_and_a_person_looks_when_it_never_does() {
    let mut project = project("wait_for_pages: 24h\n");
    let site = crate::support::pages::serve(|path| path.starts_with("/posts/un/"));
    let config = project.read("config/crieur.yaml").replace("https://www.example.org/", &site);
    project.write("config/crieur.yaml", config);
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("posts/deux/") && !ran.stderr.contains("posts/un/ "), "{}", ran.stderr);
    assert!(project.letters("var/outbox").is_empty());
    assert!(project.read("public/feed.xml").contains("Deux"), "the feeds do not wait");
    project.remove("posts/deux.md");
    project.at("2026-03-01T09:00:00Z").ok(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), 2);
    project.write("posts/trois.md", item("Trois", "2026-03-01"));
    project.at("2026-03-01T10:00:00Z").ok(&["run"]);
    let printed = project.at("2026-03-02T11:00:00Z").json(&["run"], 1);
    assert_eq!(edition(&printed, 0)["state"], "held");
    assert!(edition(&printed, 0)["reason"].as_str().is_some_and(|reason| reason.contains("posts/trois/")));
}

#[test]
fn letters_to_people_do_not_leave_without_a_way_out_that_works() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
    let project = project("");
    project.write("config/newsletters/news.yaml", newsletter("").replace("mailto:partir@example.org", "web"));
    let config = project.read("config/crieur.yaml") + &format!("web:\n  url: http://127.0.0.1:{closed}/\n");
    project.write("config/crieur.yaml", config);
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("no-way-out"), "{}", ran.stderr);
    assert!(project.letters("var/outbox").is_empty());
    let served = crate::support::pages::serve(|_| true);
    let config = project.read("config/crieur.yaml").replace(&format!("http://127.0.0.1:{closed}/"), &served);
    project.write("config/crieur.yaml", config);
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    // It answers, and is not `crieur serve`.
    assert!(ran.stderr.contains("does not say that it is this project's service"), "{}", ran.stderr);
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 2, "nothing was lost by the refusal");
    assert!(letters[0].contains("\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"));
    assert!(letters[0].contains(&format!("\nList-Unsubscribe: <{served}leave/")), "{}", letters[0]);
}

#[test]
fn a_list_of_people_that_git_tracks_is_refused() {
    let project = project("");
    for arguments in [vec!["init", "-q"], vec!["add", "config/people.csv"]] {
        let mut git = std::process::Command::new("git");
        assert!(git.arg("-C").arg(project.path()).args(arguments).status().expect("git").success());
    }
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("people-in-git"), "{}", ran.stderr);
    assert!(project.letters("var/outbox").is_empty());
}

#[test]
fn another_key_is_refused() {
    let project = project("");
    project.ok(&["run"]);
    project.write("var/keys/key", format!("{}\n", "ab".repeat(32)));
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("another key"), "{}", ran.stderr);
}

#[test]
fn a_test_copy_and_a_dry_run_are_remembered_nowhere() {
    let project = project("");
    let printed = project.json(&["send", "news", "--dry-run"], 0);
    assert_eq!((&edition(&printed, 0)["number"], &edition(&printed, 0)["eligible"]), (&1.into(), &2.into()));
    assert!(project.letters("var/outbox").is_empty());
    project.ok(&["send", "news", "--test", "moi@example.org"]);
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains("\nTo: moi@example.org\n"));
    assert_eq!(project.json(&["status"], 0)["editions"], Value::Array(vec![]));
    let printed = project.json(&["send", "news"], 0);
    assert_eq!((&edition(&printed, 0)["number"], &edition(&printed, 0)["accepted"]), (&1.into(), &2.into()));
}

#[test]
fn send_ignores_the_schedule_and_manual_newsletters_wait_for_it() {
    let project = project("").file("config/newsletters/news.yaml", newsletter("").replace("each-run", "manual"));
    project.ok(&["run"]);
    assert!(project.letters("var/outbox").is_empty());
    project.ok(&["send", "news"]);
    assert_eq!(project.letters("var/outbox").len(), 2);
    let unknown = project.crieur(&["send", "lettre"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("news"), "{}", unknown.stderr);
}

#[test]
fn the_message_id_of_an_edition_stays_when_the_database_is_lost() {
    let project = project("");
    project.ok(&["run"]);
    let ids = |project: &Project| {
        let mut ids: Vec<String> = project
            .letters("var/outbox")
            .iter()
            .filter_map(|letter| letter.lines().find(|line| line.starts_with("Message-ID: ")).map(str::to_string))
            .collect();
        ids.sort();
        ids
    };
    let first = ids(&project);
    for file in ["var/crieur.db", "var/crieur.db-wal", "var/crieur.db-shm"] {
        let _ = std::fs::remove_file(project.join(file));
    }
    std::fs::remove_dir_all(project.join("var/outbox")).expect("removed");
    project.ok(&["run"]);
    assert_eq!((ids(&project), first.len()), (first.clone(), 2));
}

#[test]
fn explain_tells_what_became_of_each_edition_for_an_address() {
    let project = project("");
    project.ok(&["run"]);
    let printed = project.json(&["explain", "ana@example.org"], 0);
    assert_eq!(printed["editions"][0]["state"], "accepted");
    assert!(printed["editions"][0]["message_id"].as_str().is_some_and(|id| id.ends_with("@example.org>")));
    assert!(project.ok(&["explain", "ana@example.org"]).contains("news n° 1: accepted at 2026-03-01 09:00:0"));
    assert!(project.ok(&["explain", "autre@example.org"]).contains("was not on its list"));
}

#[test]
fn a_person_resolves_what_was_cut_off() {
    use crate::support::smtp::{Act, Peer, Step};
    let peer = Peer::start(|step| match step {
        Step::Body { recipient } if recipient == "bo@example.org" => Act::TakeAndClose,
        _ => Act::Usual,
    });
    let project = project("on_uncertain: hold\n");
    let config = project.read("config/crieur.yaml");
    let transport = format!("smtp://127.0.0.1:{}\n  tls: none", peer.port);
    project.write("config/crieur.yaml", config.replace("maildir:var/outbox", &transport));
    let printed = project.json(&["run"], 1);
    assert_eq!((&edition(&printed, 0)["state"], &edition(&printed, 0)["uncertain"]), (&"sending".into(), &1.into()));
    assert_eq!(project.crieur(&["resolve", "news", "1"]).status, 2, "sent, or to be sent again?");
    assert_eq!(project.crieur(&["resolve", "news", "1", "ana@example.org", "--sent"]).status, 2);
    project.ok(&["resolve", "news", "1", "bo@example.org", "--resend"]);
    peer.order(|_| Act::Usual);
    let printed = project.json(&["run"], 0);
    assert_eq!((&edition(&printed, 0)["state"], &edition(&printed, 0)["accepted"]), (&"done".into(), &2.into()));
    let ids: Vec<String> = peer
        .received()
        .iter()
        .filter(|one| one.recipient == "bo@example.org")
        .filter_map(|one| one.letter.lines().find(|line| line.starts_with("Message-ID: ")).map(str::to_string))
        .collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
}

#[test]
fn a_memory_file_that_is_reset_by_each_checkout_makes_no_second_migration() {
    let project = project("");
    project.ok(&["run"]);
    let committed = project.read("feeds/items.lock");
    project.rename("posts/un.md", "posts/premier.md");
    project.rename("posts/deux.md", "posts/second.md");
    project.write("posts/trois.md", item("Trois", "2026-02-03"));
    project.json(&["run"], 1);
    project.ok(&["resume", "news", "2"]);
    project.ok(&["run"]);
    project.write("feeds/items.lock", committed);
    project.write("posts/quatre.md", item("Quatre", "2026-02-04"));
    project.json(&["run"], 0);
    assert_eq!((naming(&project, "Trois"), naming(&project, "Quatre"), naming(&project, "Un")), (2, 2, 2));
}

#[test]
fn pages_are_asked_for_through_the_environments_proxy() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let proxy = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut asked = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(&stream), &mut asked).expect("a request");
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 502 no\r\ncontent-length: 0\r\n\r\n").expect("an answer");
        asked
    });
    let project = Project::new().file("posts/a.md", "---\ntitle: A\ndate: 2024-01-01\n---\nText.\n").file(
        "config/newsletters/list.yaml",
        "from: l@example.org\nto: list@example.org\nschedule: each-run\nbacklog: announce\nwait_for_pages: 24h\n",
    );
    let ran = project.command(&["run"]).env("HTTPS_PROXY", format!("http://{address}")).output().expect("it runs");
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(proxy.join().expect("the proxy").starts_with("CONNECT www.example.org:443 "));
    assert!(project.letters("var/outbox").is_empty(), "a page that did not answer was announced");
}
