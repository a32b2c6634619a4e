//! A real Sympa as the list server: what crieur sends to a list's address reaches the list's members, once, with the list's
//! own fields above it.

use std::sync::atomic::{AtomicBool, Ordering};

use crieur::mail::dkim::Key;

use crate::support::corpora;
use crate::support::dkim::Letters;
use crate::support::letters;
use crate::support::project::Project;
use crate::support::smtp::{Act, Peer, Received, Step};
use crate::support::sympa::{Passed, Sympa};

const RSA: &str = include_str!("../src/mail/dkim/test-keys/rsa.pem");
const MEMBERS: [&str; 3] = ["ana@example.org", "bo@example.org", "chloe@example.org"];
const PICTURE: &[u8] = include_bytes!("../docs/preview.png");

fn item(title: &str, date: &str) -> String {
    format!(
        "---\ntitle: {title}\ndate: {date}\nimage: {{ path: image.png, alt: Une page }}\n---\nDu nouveau à Valexemple.\n"
    )
}

/// A site that signs its letters, carries their pictures in them and knows nobody.
fn site(list: &str, peer: &Peer) -> Project {
    let config = Project::new().read("config/crieur.yaml").replace(
        "maildir:var/outbox",
        &format!(
            "smtp://127.0.0.1:{}\n  tls: none\n  dkim: {{ domain: example.org, selector: c1, key: var/dkim.pem }}",
            peer.port
        ),
    );
    let mut project = Project::new()
        .file("config/crieur.yaml", config)
        .file(
            "config/newsletters/lettre.yaml",
            format!(
                "title: La lettre de l’été\nfrom: La rédaction <lettre@example.org>\nreply_to: contact@example.org\n\
                 to: {list}@lists.example.org\nleave: list\nschedule: each-run\nbacklog: announce\nimages: embedded\n"
            ),
        )
        .file("posts/un.md", item("Un été à Valexemple", "2026-02-01"))
        .file("posts/image.png", PICTURE)
        .file("var/dkim.pem", RSA);
    let only_mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(project.join("var/dkim.pem"), only_mine).expect("a mode");
    project.at("2026-03-01T08:00:00Z");
    project
}

/// Every value of a field, unfolded.
fn values(letter: &str, name: &str) -> Vec<String> {
    let head = letter.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ");
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_string()).collect()
}

fn value(letter: &str, name: &str) -> String {
    let mut values = values(letter, name);
    assert_eq!(values.len(), 1, "{name}: {letter}");
    values.remove(0)
}

/// Whether a message is one of the newsroom's, and not one of the list server's own.
fn ours(passed: &Passed) -> bool {
    values(&passed.letter, "Message-ID").iter().any(|id| id.ends_with("@example.org>"))
}

fn body(letter: &str) -> &str {
    letter.split_once("\n\n").expect("a body").1
}

/// What its parts say, however they are wrapped and encoded.
fn contents(letter: &str) -> Vec<Vec<u8>> {
    let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a message");
    let parts = message.parts.iter().filter(|part| !part.is_multipart());
    let content = |part: &mail_parser::MessagePart| match part.is_text() {
        true => String::from_utf8_lossy(part.contents()).replace("\r\n", "\n").into_bytes(),
        false => part.contents().to_vec(),
    };
    parts.map(content).collect()
}

fn only(received: Vec<Received>) -> Received {
    assert_eq!(received.len(), 1);
    received.into_iter().next().expect("a letter")
}

#[test]
fn a_letter_reaches_the_members_of_a_list_once_with_the_lists_fields() {
    const TEST: &str = "a_letter_reaches_the_members_of_a_list_once_with_the_lists_fields";
    let Some(sympa) = Sympa::start(TEST) else { return };
    sympa.list("lettre", "lettre@example.org", "s/^send .*/send newsletter/; /^custom_subject/d", "", &MEMBERS);
    // The mail server takes the first letter, and the connection ends before it says so: nobody knows.
    let cut = AtomicBool::new(false);
    let peer = Peer::start(move |step| match step {
        Step::Body { .. } if !cut.swap(true, Ordering::SeqCst) => Act::TakeAndClose,
        _ => Act::Usual,
    });
    let mut project = site("lettre", &peer);
    project.crieur(&["run"]);
    project.at("2026-03-01T09:00:00Z").json(&["run"], 0);
    assert_eq!(project.json(&["status"], 0)["editions"][0]["state"], "done");
    let received = peer.received();
    assert_eq!(received.len(), 2, "it was sent again");
    for copy in &received {
        assert_eq!(copy.recipient, "lettre@lists.example.org");
        sympa.receive(&copy.recipient, &copy.sender, &copy.letter);
    }
    sympa.wait_for("Found known Message-ID", 1);
    let passed = sympa.passed(ours, 1).remove(0);
    let mut recipients = passed.recipients.clone();
    recipients.sort();
    assert_eq!(recipients, MEMBERS, "each member once, of two copies");
    assert_eq!(passed.sender, "lettre-owner@lists.example.org", "what comes back goes to the list server");

    let sent = received[0].letter.replace("\r\n", "\n");
    for name in ["From", "Reply-To", "To", "Subject", "Date", "Message-ID", "DKIM-Signature", "Content-Type"] {
        assert_eq!(value(&passed.letter, name), value(&sent, name), "{name}");
    }
    assert!(body(&passed.letter) == body(&sent), "its text, its HTML and its pictures are those that were sent");
    assert!(sent.contains("Content-ID: <"), "there are pictures");
    for (name, wanted) in [
        ("List-Id", "<lettre.lists.example.org>"),
        ("List-Unsubscribe", "mailto:sympa@lists.example.org?subject=SIG%20lettre"),
        ("List-Subscribe", "mailto:sympa@lists.example.org?subject=SUB%20lettre"),
        ("List-Help", "mailto:sympa@lists.example.org?subject=HELP"),
        ("List-Post", "<mailto:lettre@lists.example.org>"),
        ("List-Owner", "<mailto:lettre-request@lists.example.org>"),
        ("List-Archive", "https://lists.example.org/sympa/arc/lettre"),
        ("Sender", "lettre-request@lists.example.org"),
        ("X-Loop", "lettre@lists.example.org"),
    ] {
        let value = value(&passed.letter, name);
        assert!(value.contains(wanted), "{name}: {value}");
        assert!(values(&sent, name).is_empty(), "{name} is the list server's to write");
    }
    let key = Key::from_pem(RSA.as_bytes()).expect("a key");
    let mut signed = Letters::new(&[("c1._domainkey.example.org".to_string(), key.record())]);
    let name = signed.add(passed.letter.as_bytes());
    for said in [signed.opendkim(TEST), signed.dkimpy(TEST)].into_iter().flatten() {
        assert_eq!(said[&name], ["pass"], "the newsroom's signature holds behind the list");
    }

    // The next one is a letter of its own.
    project.write("posts/deux.md", item("Deux", "2026-03-02"));
    project.at("2026-03-02T09:00:00Z").json(&["run"], 0);
    let next = peer.received().remove(2);
    sympa.receive(&next.recipient, &next.sender, &next.letter);
    let passed = sympa.passed(ours, 2);
    assert!(passed.iter().all(|passed| passed.recipients.len() == 3));
    // No complaint, no question whether it may go.
    let back = |passed: &Passed| passed.recipients.iter().any(|to| to == "lettre@example.org");
    assert!(!sympa.all().iter().any(back), "{:#?}", sympa.all());
}

#[test]
fn the_letters_of_real_sites_come_through_as_they_were_sent() {
    const TEST: &str = "the_letters_of_real_sites_come_through_as_they_were_sent";
    let Some(sympa) = Sympa::start(TEST) else { return };
    sympa.list("lettre", "lettre@example.org", "s/^send .*/send newsletter/; /^custom_subject/d", "", &MEMBERS);
    let mut projects = vec![letters::sample("plain"), letters::traps("dsfr")];
    if corpora().is_some() {
        projects.extend([letters::mini_series("plain"), letters::minumeco_2026("dsfr")]);
    }
    let mut sent = Vec::new();
    for project in &projects {
        for entry in std::fs::read_dir(project.join("config/newsletters")).expect("a folder").flatten() {
            let text = std::fs::read_to_string(entry.path()).expect("a newsletter");
            let to_a_list = |line: &str| match line.split(':').next() {
                Some("from") => "from: La rédaction <lettre@example.org>\n".to_string(),
                Some("to") => "to: lettre@lists.example.org\n".to_string(),
                Some("leave") => "leave: list\n".to_string(),
                _ => format!("{line}\n"),
            };
            std::fs::write(entry.path(), text.lines().map(to_a_list).collect::<String>()).expect("a newsletter");
        }
        project.json(&["run"], 0);
        let letters = project.letters("var/outbox");
        assert_eq!(letters.len(), 1, "one letter, to the list");
        sent.extend(letters);
    }
    for letter in &sent {
        sympa.receive("lettre@lists.example.org", "lettre@example.org", letter);
    }
    let passed = sympa.passed(ours, projects.len());
    for letter in &sent {
        let id = value(letter, "Message-ID");
        let mut same = passed.iter().filter(|passed| value(&passed.letter, "Message-ID") == id);
        let passed = same.next().unwrap_or_else(|| panic!("{id} did not come"));
        assert!(same.next().is_none() && passed.recipients.len() == 3);
        assert_eq!(value(&passed.letter, "Subject"), value(letter, "Subject"));
        assert!(body(&passed.letter) == body(letter), "{letter}");
    }
}

#[test]
fn a_list_may_mark_the_subject_sign_in_its_own_name_and_add_a_footer() {
    const TEST: &str = "a_list_may_mark_the_subject_sign_in_its_own_name_and_add_a_footer";
    let Some(sympa) = Sympa::start(TEST) else { return };
    sympa.list(
        "interne",
        "lettre@example.org",
        "s/^send .*/send newsletter/",
        "dmarc_protection\nmode all\n\nfooter_type mime",
        &MEMBERS,
    );
    sympa.list_file("interne", "message_footer", "Au pied de la liste\n");
    let peer = Peer::start(|_| Act::Usual);
    let project = site("interne", &peer);
    project.json(&["run"], 0);
    let sent = only(peer.received());
    sympa.receive(&sent.recipient, &sent.sender, &sent.letter);
    let passed = sympa.passed(ours, 1).remove(0);
    assert_eq!(passed.recipients.len(), 3);
    let letter = &passed.letter;
    assert!(value(letter, "From").contains("<interne@lists.example.org>"), "{letter}");
    assert_eq!(value(letter, "Reply-To"), "contact@example.org", "an answer still reaches the newsroom");
    assert!(value(letter, "Subject").starts_with("[interne] "), "{letter}");
    assert_eq!(values(letter, "List-Unsubscribe").len(), 1);
    // The letter is a part of the message now, and the footer stands behind it.
    let contents = contents(letter);
    let (whole, foot) = contents.split_at(contents.len() - 1);
    assert!(whole == self::contents(&sent.letter), "its text, its HTML and its pictures are those that were sent");
    assert_eq!(foot, [b"Au pied de la liste\n"]);
}

#[test]
fn what_the_list_server_drops_is_dropped_here_and_no_letter_of_crieurs_is_like_that() {
    const TEST: &str = "what_the_list_server_drops_is_dropped_here_and_no_letter_of_crieurs_is_like_that";
    let Some(sympa) = Sympa::start(TEST) else { return };
    let newsletter = "s/^send .*/send newsletter/; /^custom_subject/d";
    sympa.list("lettre", "lettre@example.org", newsletter, "", &MEMBERS);
    sympa.list("autre", "autrui@example.org", newsletter, "", &MEMBERS);
    let peer = Peer::start(|_| Act::Usual);
    site("lettre", &peer).json(&["run"], 0);
    let Received { sender, recipient, letter } = only(peer.received());
    let id = value(&letter.replace("\r\n", "\n"), "Message-ID");
    let with =
        |number: u8, field: &str| format!("{field}\n{}", letter.replace(&id, &format!("<{number}@example.org>")));
    // Its answer to a machine would go round for ever: it says nothing.
    sympa.receive(&recipient, &sender, &with(1, "Auto-Submitted: auto-generated"));
    sympa.wait_for("appears to be an auto-reply", 1);
    sympa.receive(&recipient, &sender, &with(2, "X-Loop: lettre@lists.example.org"));
    sympa.wait_for("which would cause a loop (X-Loop", 1);
    sympa.receive(&recipient, &sender, &letter.replace("<lettre@example.org>", "<sympa@example.org>"));
    sympa.wait_for("matches loop_prevention_regex", 1);
    // Who may not send to a list is told.
    sympa.receive("autre@lists.example.org", &sender, &with(3, "X-Test: yes"));
    sympa.passed(|passed| passed.recipients == ["lettre@example.org"], 1);
    // The same letter without any of it.
    sympa.receive(&recipient, &sender, &letter);
    let passed = sympa.passed(ours, 1).remove(0);
    assert_eq!(value(&passed.letter, "Message-ID"), id);
}

#[test]
fn a_sender_that_list_servers_take_for_their_own_is_warned_of() {
    let peer = Peer::start(|_| Act::Usual);
    let project = site("lettre", &peer);
    let check = || project.json(&["check"], 0)["problems"].to_string();
    assert!(!check().contains("list-drops"), "{}", check());
    let newsletter = project.read("config/newsletters/lettre.yaml");
    project.write("config/newsletters/lettre.yaml", newsletter.replace("<lettre@", "<Sympa@"));
    assert!(check().contains("a list server takes what Sympa@ sends for its own"), "{}", check());
}
