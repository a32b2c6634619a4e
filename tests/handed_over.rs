//! An edition composed where the site is, handed over as a file, and sent by a machine that has the list.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::project::{Project, Ran};
use crate::support::smtp::{Act, Peer, Step};

const START: &str = "2026-03-01T08:00:00Z";
const FILE: &str = "public/letters/news-1.edition.json";
const PEOPLE: &str = "email,name\nana@example.org,Ana\nbo@example.org,Bo\n";
/// The width and the height of a picture, and its bytes.
const PICTURE: &[u8] = include_bytes!("../docs/preview.png");

fn newsletter(to: &str, more: &str) -> String {
    format!(
        "title: La lettre\nfrom: La rédaction <lettre@example.org>\nreply_to: contact@example.org\n{to}\n\
         leave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\nsurge: 50\n{more}"
    )
}

fn item(title: &str, date: &str) -> String {
    format!(
        "---\ntitle: {title}\ndate: {date}\nimage: {{ path: image.png, alt: Une page }}\n---\nDu nouveau dans {title}.\n"
    )
}

/// The site, where nobody knows who reads it.
fn site(to: &str, more: &str) -> Project {
    let mut project = Project::new()
        .file("config/newsletters/news.yaml", newsletter(to, more))
        .file("posts/un.md", item("Un", "2026-02-01"))
        .file("posts/deux.md", item("Deux", "2026-02-02"))
        .file("posts/image.png", PICTURE);
    project.at(START);
    project
}

fn composing(more: &str) -> Project {
    site("hand_over: public/letters", more)
}

/// The machine that has the list: a small folder, and not one item.
fn machine(more: &str) -> Project {
    let mut project = Project::new()
        .file("config/newsletters/news.yaml", newsletter("to: file:people.csv", more))
        .file("people.csv", PEOPLE)
        .file("posts/.keep", "");
    project.at(START);
    project
}

fn handed_over(more: &str) -> (Project, String) {
    let project = composing(more);
    let printed = project.json(&["run"], 0);
    let edition = &printed["editions"][0];
    assert_eq!(
        (&edition["state"], &edition["eligible"], &edition["accepted"]),
        (&"done".into(), &1.into(), &1.into())
    );
    assert_eq!(edition["number"], 1);
    let file = project.read(FILE);
    (project, file)
}

fn with_input(project: &Project, arguments: &[&str], input: &[u8]) -> Ran {
    let mut command = project.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("its input").write_all(input).expect("it reads");
    Ran::from(child.wait_with_output().expect("it ends"))
}

#[test]
fn an_edition_is_composed_here_and_sent_there_once() {
    let (site, file) = handed_over("");
    assert!(site.letters("var/outbox").is_empty(), "nothing leaves by mail where nobody is known");
    let machine = machine("").file("in.json", &file);
    let path = machine.join("in.json");
    let path = path.to_str().expect("a path in UTF-8");

    let printed = machine.json(&["send", "--edition", path, "--dry-run"], 0);
    assert_eq!(
        (&printed["editions"][0]["eligible"], &printed["editions"][0]["state"]),
        (&2.into(), &"sending".into())
    );
    assert!(machine.letters("var/outbox").is_empty());

    let printed = machine.json(&["send", "--edition", path], 0);
    let edition = &printed["editions"][0];
    assert_eq!(
        (&edition["newsletter"], &edition["number"], &edition["accepted"]),
        (&"news".into(), &1.into(), &2.into())
    );
    let letters = machine.letters("var/outbox");
    assert_eq!(letters.len(), 2);

    let again = machine.crieur(&["send", "--edition", path, "--wait"]);
    assert_eq!((again.status, again.stderr.contains("news n° 1: was sent before")), (0, true), "{}", again.stderr);
    let ran = with_input(&machine, &["send", "news", "--edition", "-"], file.as_bytes());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    machine.ok(&["run"]);
    assert_eq!(machine.letters("var/outbox"), letters, "nobody gets it twice");

    // What comes next has its own number, and the site hands over nothing twice.
    site.ok(&["run"]);
    assert_eq!(site.read(FILE), file);
    site.write("posts/trois.md", item("Trois", "2026-02-03"));
    site.ok(&["run"]);
    let next = site.read("public/letters/news-2.edition.json");
    assert_eq!(with_input(&machine, &["send", "--edition", "-"], next.as_bytes()).status, 0);
    assert_eq!(machine.letters("var/outbox").len(), 4);
}

#[test]
fn the_letter_is_byte_for_byte_the_one_that_the_machine_would_have_composed() {
    for more in ["", "images: embedded\n", "images: none\ntheme: dsfr\n"] {
        let (_, file) = handed_over(more);
        let machine = machine(more);
        assert_eq!(with_input(&machine, &["send", "--edition", "-"], file.as_bytes()).status, 0);
        // The same machine, with the items and without a memory.
        let direct = site("to: file:people.csv\narchive: public", more).file("people.csv", PEOPLE);
        direct.write("var/keys/key", machine.read("var/keys/key"));
        direct.ok(&["send"]);
        let (mut sent, mut wanted) = (machine.letters("var/outbox"), direct.letters("var/outbox"));
        sent.sort();
        wanted.sort();
        assert_eq!(wanted.len(), 2);
        assert!(sent == wanted, "{more}: {}\n----\n{}", sent[0], wanted[0]);
        assert!(wanted[0].contains("partir@example.org?subject=3Dleave"), "each reader's own way out is in it");
        assert_eq!(wanted[0].contains("Content-ID: <"), more.contains("embedded"));
    }
}

#[test]
fn what_stands_above_the_letter_is_the_machines() {
    let (_, file) = handed_over("");
    let machine = machine("").file(
        "config/newsletters/news.yaml",
        newsletter("to: file:people.csv", "list_id: intranet.example.org\n")
            .replace("La rédaction <lettre@example.org>", "Le ministère <ministere@example.org>")
            .replace("partir@", "depart@"),
    );
    assert_eq!(with_input(&machine, &["send", "--edition", "-"], file.as_bytes()).status, 0);
    let letter = machine.letters("var/outbox").remove(0);
    for wanted in [
        "<ministere@example.org>\n",
        "List-Unsubscribe: <mailto:depart@example.org?subject=leave%20",
        "List-Id: La lettre <intranet.example.org>\n",
        "Auto-Submitted: auto-generated\n",
    ] {
        assert!(letter.contains(wanted), "{wanted}: {letter}");
    }
    assert!(!letter.contains("lettre@example.org") && !letter.contains("partir@"), "{letter}");
}

#[test]
fn the_file_is_the_same_every_time_and_a_lost_one_is_written_again() {
    let (first, file) = handed_over("");
    let (_, same) = handed_over("");
    assert!(file == same, "the same items, the same moment: the same bytes");
    first.remove(FILE);
    first.ok(&["run", "--stage", "build"]);
    assert!(first.read(FILE) == file, "a deployment that was lost loses no edition");
    assert_eq!(first.read("public/letters/editions.txt"), "news-1.edition.json\n");
    for number in 2..=11 {
        first.write(&format!("posts/{number}.md"), item(&format!("N° {number}"), "2026-02-03"));
        first.ok(&["run"]);
    }
    first.ok(&["run", "--stage", "build"]);
    let list = first.read("public/letters/editions.txt");
    let wanted: Vec<String> = (1..=11).map(|number| format!("news-{number}.edition.json")).collect();
    assert_eq!(list.lines().collect::<Vec<_>>(), wanted, "the oldest first");
    let left = std::fs::read_dir(first.join("public/letters")).expect("a folder");
    let names: Vec<String> =
        left.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into()).collect();
    assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
}

#[test]
fn the_list_of_editions_is_there_before_the_first_edition() {
    let site = composing("approve: yes\n");
    site.ok(&["run"]);
    assert_eq!(site.read("public/letters/editions.txt"), "");
    assert!(!site.join(FILE).exists());
}

#[test]
fn nothing_secret_and_nobody_is_in_the_file() {
    let (site, file) = handed_over("preview_to: [chef@example.org]\n");
    let key = site.read("var/keys/key");
    for secret in [key.trim(), "ana@", "bo@", "chef@", "lettre@example.org", "partir@", "machine.invalid", "var/"] {
        assert!(!file.contains(secret), "{secret}");
    }
    // How to write to the newsroom is what every letter says.
    assert!(file.contains("contact@example.org") && file.contains("{{recipient.leave_url}}"));
}

#[test]
fn a_file_that_is_not_whole_or_not_ours_sends_nothing_and_says_why() {
    let (_, file) = handed_over("images: embedded\n");
    let machine = machine("");
    let newer = file.replace("\"format\": 1", "\"format\": 2");
    let changed = file.replace("Du nouveau", "Du vieux");
    let cut = &file[..file.len() / 2];
    let other = file.replace("\"newsletter\": \"news\"", "\"newsletter\": \"autre\"");
    assert!(changed != file && newer != file && other != file);
    for (content, status, code, words) in [
        (newer.as_str(), 2, "newer-edition", "format 2"),
        (&changed, 2, "damaged-edition", "its checksum is another one"),
        (&other, 2, "damaged-edition", "its checksum is another one"),
        (cut, 2, "damaged-edition", "EOF while parsing"),
        ("From: x\n\nhello", 2, "no-edition", "no edition that crieur has handed over"),
        ("{\"editions\": []}", 2, "no-edition", "no edition"),
        ("", 2, "no-edition", "no edition"),
    ] {
        let ran = with_input(&machine, &["--json", "send", "--edition", "-"], content.as_bytes());
        assert_eq!(ran.status, status, "{code}: {}", ran.stderr);
        let printed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(printed["problems"][0]["code"], code);
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let ran = with_input(&machine, &["send", "autre", "--edition", "-"], file.as_bytes());
    assert_eq!((ran.status, ran.stderr.contains("this is an edition of news, and autre was to be sent")), (2, true));
    assert_eq!(machine.crieur(&["send", "--edition", "nowhere.json"]).status, 2);
    assert!(machine.letters("var/outbox").is_empty());
    assert!(!machine.join("var").exists(), "not even a database was made");
}

#[test]
fn an_edition_of_a_newsletter_that_is_not_here_or_whose_ways_out_differ_is_not_sent() {
    let (_, file) = handed_over("");
    let refused = |machine: &Project, status: i32, words: &str| {
        let ran = with_input(machine, &["send", "--edition", "-"], file.as_bytes());
        assert_eq!(ran.status, status, "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        assert!(machine.letters("var/outbox").is_empty());
    };
    let elsewhere = machine("");
    elsewhere.rename("config/newsletters/news.yaml", "config/newsletters/autre.yaml");
    refused(&elsewhere, 2, "there is no newsletter \"news\"");
    let list = machine("").file(
        "config/newsletters/news.yaml",
        newsletter("to: liste@example.org", "").replace("mailto:partir@example.org", "list"),
    );
    refused(&list, 1, "a letter to people, and news has none");
    let other_way = machine("").file(
        "config/newsletters/news.yaml",
        newsletter("to: file:people.csv", "").replace("mailto:partir@example.org", "https://example.org/partir"),
    );
    refused(&other_way, 1, "readers leave by an address of each reader's own");
    refused(&machine("").file("people.csv", "email,name\n"), 0, "nobody is on the list of news");
}

#[test]
fn another_content_under_a_number_that_was_sent_is_not_sent() {
    let (_, file) = handed_over("");
    let machine = machine("");
    assert_eq!(with_input(&machine, &["send", "--edition", "-"], file.as_bytes()).status, 0);
    // A site that lost its memory begins at 1 again.
    let other = composing("").file("posts/zero.md", item("Zéro", "2026-01-01"));
    other.ok(&["run"]);
    let ran = with_input(&machine, &["send", "--edition", "-"], other.read(FILE).as_bytes());
    assert_eq!((ran.status, ran.stderr.contains("news n° 1 is here already, with another content")), (1, true));
    assert_eq!(machine.letters("var/outbox").len(), 2);
}

#[test]
fn a_delivery_that_was_cut_short_goes_on_with_the_same_file() {
    let (_, file) = handed_over("");
    let peer = Peer::start(|step| match step {
        Step::Rcpt(line) if line.contains("bo@") => Act::Say("451 4.3.0 later".to_string()),
        _ => Act::Usual,
    });
    let config = Project::new().read("config/crieur.yaml");
    let config = config.replace("maildir:var/outbox", &format!("smtp://127.0.0.1:{}\n  tls: none", peer.port));
    let mut machine = machine("").file("config/crieur.yaml", config);
    let send = |machine: &Project| with_input(machine, &["--json", "send", "--edition", "-"], file.as_bytes());
    let printed: Value = serde_json::from_str(&send(&machine).stdout).expect("JSON");
    let edition = &printed["editions"][0];
    assert_eq!(
        (&edition["accepted"], &edition["deferred"], &edition["state"]),
        (&1.into(), &1.into(), &"sending".into())
    );
    peer.order(|_| Act::Usual);
    machine.at("2026-03-01T08:05:00Z");
    let printed: Value = serde_json::from_str(&send(&machine).stdout).expect("JSON");
    let edition = &printed["editions"][0];
    assert_eq!((&edition["accepted"], &edition["state"]), (&2.into(), &"done".into()));
    let mut to: Vec<String> = peer.received().into_iter().map(|received| received.recipient).collect();
    to.sort();
    assert_eq!(to, ["ana@example.org", "bo@example.org"], "who has it does not get it again");
}

#[test]
fn what_waits_for_a_person_on_the_machine_waits_though_its_items_are_not_here() {
    let (_, file) = handed_over("");
    let machine = machine("approve: yes\npreview_to: [chef@example.org]\n");
    assert_eq!(with_input(&machine, &["send", "--edition", "-"], file.as_bytes()).status, 0);
    assert_eq!(machine.letters("var/outbox").len(), 1, "the preview");
    machine.ok(&["run"]);
    assert_eq!(machine.json(&["status"], 0)["editions"][0]["state"], "composed");
    machine.ok(&["approve", "news", "1"]);
    machine.ok(&["run"]);
    assert_eq!(machine.letters("var/outbox").len(), 3);
}

#[test]
fn a_list_beside_a_hand_over_is_refused_with_its_line() {
    let project = site("to: recipients\nhand_over: public/letters", "");
    let ran = project.crieur(&["check"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("an edition that is handed over has no list here"), "{}", ran.stderr);
    // The machine that sends knows where its web service is: the site need not.
    let web = composing("");
    web.write(
        "config/newsletters/news.yaml",
        newsletter("hand_over: public/letters", "").replace("mailto:partir@example.org", "web"),
    );
    web.json(&["run"], 0);
    assert!(web.read(FILE).contains("{{recipient.leave_url}}"));
}
