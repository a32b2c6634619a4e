//! People with every kind of name and address that a list may hold: what can be sent arrives whole, and what can't be is
//! refused with its line.

use std::collections::HashMap;

use crieur::digest::{Escape, Piece, StampFields, Stamped, Variant};
use crieur::mail::letter::{Head, List, Prepared, WayOut};
use mail_parser::{Address, MessageParser};

use crate::support::dkim::{Letters, with_crlf};
use crate::support::postfix::Postfix;
use crate::support::project::Project;

const RSA: &str = include_str!("../src/mail/dkim/test-keys/rsa.pem");
const ED25519: &str = include_str!("../src/mail/dkim/test-keys/ed25519.pem");

/// Names that try something.
fn hostile(number: usize) -> String {
    let long = "très long ".repeat(200);
    let names = [
        "a\r\nBcc: victim@example.org",
        "a\r\n\r\n<p>body</p>",
        "a\nSubject: other",
        "\0nul\0",
        "\"quotes\" \"",
        "back\\slash \\",
        "<script>alert(1)</script>",
        "& &amp; &lt;",
        "'; DROP TABLE deliveries; --",
        "{{recipient.email}} {{{x}}} {{#if",
        "🎉 👩‍👩‍👧‍👦 é",
        "שלום \u{202e}rtl\u{202c} \u{200f}marks",
        "مرحبا \u{2066}isolate\u{2069}",
        "=?utf-8?B?eA==?=",
        "=?utf-8?Q?x?= and more",
        "a, b; c: d",
        "a@b <c@d.example.org>",
        ".",
        "..\r\n.\r\n",
        "From here",
        "\u{2028}line\u{2029}paragraph\u{85}next",
        "two  spaces   and\ttab",
        "=20=3D=",
        "--=_boundary",
        long.as_str(),
        "Zoé",
        "",
    ];
    match names[number % names.len()] {
        "" => String::new(),
        name => format!("{name} {number}"),
    }
}

/// Addresses that are right, however odd; each is somebody else's.
fn odd(number: usize) -> String {
    match number % 10 {
        0 => format!("{}{number:04}@example.org", "l".repeat(60)),
        1 => format!("p{number}@préfecture.example.org"),
        2 => format!("\"a b {number}\"@example.org"),
        3 => format!("\"a@b.{number}\"@example.org"),
        4 => format!("p+tag+{number}@example.org"),
        5 => format!("o'neill/x=y!{number}@example.org"),
        6 => format!("é{number}@example.org"),
        7 => format!("a.b-c_d{number}@EXAMPLE.org"),
        8 => format!("p{number}@{}.example.org", "d".repeat(63)),
        _ => format!("p{number}@example.org"),
    }
}

/// What is left of a name: each control character and line separator is a space, none at its ends.
fn cleaned(name: &str) -> String {
    let cleaned: String =
        name.chars().map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c }).collect();
    cleaned.trim().to_string()
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

fn project(transport: &str) -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: La lettre\nfrom: La rédaction <lettre@example.org>\nreply_to: contact@example.org\n\
             to: file:config/people.csv\narchive: unlisted\nleave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\n\
             subject: \"{{#if recipient.name}}Pour {{recipient.name}} : {{/if}}{{edition.headline}}\"\n",
        )
        .file("posts/un.md", "---\ntitle: L’été\ndate: 2026-02-01\n---\nUn point.\n")
        .file("keys/rsa.pem", RSA)
        .file("keys/ed.pem", ED25519);
    for key in ["keys/rsa.pem", "keys/ed.pem"] {
        private(&project, key);
    }
    let config = project.read("config/crieur.yaml").replace("  transport: maildir:var/outbox\n", "");
    let dkim = "  dkim:\n    - { domain: example.org, selector: rsa, key: keys/rsa.pem }\n    \
                - { domain: example.org, selector: ed, key: keys/ed.pem }\n";
    project.write("config/crieur.yaml", format!("{config}  transport: {transport}\n  tls: none\n{dkim}"));
    project.at("2026-03-01T08:00:00Z");
    project
}

fn private(project: &Project, path: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(project.join(path), std::fs::Permissions::from_mode(0o600)).expect("permissions");
}

#[test]
fn five_hundred_letters_to_hostile_names_and_odd_addresses_arrive_whole_and_signed() {
    const TEST: &str = "five_hundred_letters_to_hostile_names_and_odd_addresses_arrive_whole_and_signed";
    let long = "d".repeat(63);
    let domains = format!("virtual_mailbox_domains = example.org xn--prfecture-c4a.example.org {long}.example.org\n");
    let Some(postfix) = Postfix::start(TEST, &domains) else { return };
    let project = project(&format!("smtp://127.0.0.1:{}", postfix.port));
    let people: Vec<(String, String)> = (0..500).map(|number| (odd(number), hostile(number))).collect();
    let rows: String = people.iter().map(|(email, name)| format!("{},{}\n", quoted(email), quoted(name))).collect();
    project.write("config/people.csv", format!("email,name\n{rows}"));
    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"][0]["accepted"], 500, "{printed}");
    assert_eq!(printed["editions"][0]["state"], "done");

    let letters = postfix.letters(500);
    assert_eq!(letters.len(), 500);
    let mut expected: HashMap<String, String> = people
        .into_iter()
        .map(|(email, name)| {
            let (local, domain) = email.rsplit_once('@').expect("an address");
            let domain = domain.to_lowercase().replace("préfecture", "xn--prfecture-c4a");
            (format!("{local}@{domain}"), cleaned(&name))
        })
        .collect();
    let key = |selector: &str, value: &str| (format!("{selector}._domainkey.example.org"), value.trim().to_string());
    let mut verified = Letters::new(&[
        key("rsa", &format!("v=DKIM1; k=rsa; p={}", include_str!("../src/mail/dkim/test-keys/rsa.pub"))),
        key("ed", &format!("v=DKIM1; k=ed25519; p={}", include_str!("../src/mail/dkim/test-keys/ed25519.pub"))),
    ]);
    for letter in &letters {
        let read = MessageParser::default().parse(letter).expect("a letter");
        let envelope = read.header_raw("X-Original-To").expect("what Postfix was told").trim().to_string();
        let name =
            expected.remove(&envelope).unwrap_or_else(|| panic!("{envelope:?} is nobody, or was written to twice"));
        let to = match read.to() {
            Some(Address::List(list)) if list.len() == 1 => list[0].clone(),
            other => panic!("{envelope}: {other:?}"),
        };
        assert_eq!(to.name().unwrap_or(""), name, "{envelope}");
        assert_eq!(to.address().map(str::to_string), Some(envelope.clone()));
        let greeting = if name.is_empty() { "Bonjour,".to_string() } else { format!("Bonjour {name},") };
        let subject = if name.is_empty() { "L’été".to_string() } else { format!("Pour {name} : L’été") };
        assert_eq!(read.subject(), Some(subject.as_str()), "{envelope}");
        let text = read.body_text(0).expect("a text");
        assert!(text.lines().any(|line| line == greeting), "{envelope}: {greeting:?}\n{text}");
        let html = read.parts.iter().filter(|part| part.is_text_html()).count();
        let shown = read.body_html(0).expect("HTML");
        assert!(
            html == 1 && shown.contains(&escaped(&greeting).replace("Bonjour,", "Bonjour")),
            "{envelope}\n{shown}"
        );
        let names: Vec<&str> = read.headers().iter().map(|header| header.name()).collect();
        let ours: Vec<&str> = names.iter().copied().skip_while(|name| *name != "DKIM-Signature").collect();
        assert_eq!(
            ours,
            [
                "DKIM-Signature",
                "DKIM-Signature",
                "Date",
                "From",
                "Reply-To",
                "To",
                "Subject",
                "Message-ID",
                "List-ID",
                "List-Owner",
                "List-Help",
                "List-Post",
                "List-Unsubscribe",
                "Auto-Submitted",
                "Content-Language",
                "MIME-Version",
                "Content-Type",
            ],
            "{envelope}"
        );
        let theirs = ["Return-Path", "X-Original-To", "Delivered-To", "Received"];
        assert!(names.iter().take(names.len() - ours.len()).all(|name| theirs.contains(name)), "{names:?}");
        verified.add(&with_crlf(&without_envelope(letter)));
    }
    assert!(expected.is_empty(), "nobody wrote to {expected:?}");
    for said in [verified.opendkim(TEST), verified.dkimpy(TEST)].into_iter().flatten() {
        for (letter, signatures) in said {
            assert_eq!(signatures, ["pass", "pass"], "{letter}");
        }
    }
}

/// A letter without what Postfix writes above it in a mailbox: a verifier reads it as it came over the wire.
fn without_envelope(letter: &[u8]) -> Vec<u8> {
    let at = letter.windows(15).position(|bytes| bytes == b"DKIM-Signature:").expect("a signature");
    letter[at..].to_vec()
}

#[test]
fn addresses_that_cannot_be_are_refused_at_import_each_with_its_line() {
    let project = Project::new().file(
        "config/newsletters/news.yaml",
        "title: La lettre\nfrom: La rédaction <lettre@example.org>\nleave: mailto:partir@example.org\nschedule: manual\n",
    );
    let too_long = format!("{}@example.org", "l".repeat(65));
    let label = format!("a@{}.org", "d".repeat(64));
    let domain = format!("a@{}org", "dddddddddd.".repeat(24));
    let wrong = [
        "plain",
        "@example.org",
        "a@",
        "a b@example.org",
        "a..b@example.org",
        ".a@example.org",
        "a.@example.org",
        "a@b@example.org",
        "a@exa mple.org",
        "a@example..org",
        "a@-.%41",
        "a@[192.0.2.1]",
        "a@192.0.2.1",
        "<a@example.org>",
        "Ana <ana@example.org>",
        "a,b@example.org",
        "a;b@example.org",
        "\"a@example.org",
        "\"a\"b@example.org",
        "a\r\nBcc: b@example.org",
        "a\nb@example.org",
        "a\0@example.org",
        "a@example.org\r\nRCPT TO:<b@example.org>",
        &too_long,
        &label,
        &domain,
        "a@example.org b@example.org",
        "",
    ];
    let mut list = "name,email\nAna,ana@example.org\n".to_string();
    let mut lines = Vec::new();
    for address in wrong {
        lines.push(list.matches('\n').count() + 1);
        list.push_str(&format!("x,{}\n", quoted(address)));
    }
    list.push_str("Bo,bo@example.org\n");
    project.write("people.csv", &list);
    let path = project.join("people.csv");
    let printed = project.json(&["recipients", "import", path.to_str().expect("a path")], 1);
    assert_eq!(printed["added"], 2, "{printed}");
    let problems = printed["problems"].as_array().expect("a list");
    let found: Vec<_> = problems.iter().map(|problem| problem["line"].as_u64()).collect();
    let lines: Vec<_> = lines.into_iter().map(|line| u64::try_from(line).ok()).collect();
    assert_eq!(found, lines, "{problems:#?}");
    for problem in problems {
        assert_eq!((&problem["severity"], &problem["code"]), (&"error".into(), &"list-address".into()), "{problem}");
        assert!(problem["file"].as_str().is_some_and(|file| file.ends_with("people.csv")), "{problem}");
    }
}

fn head() -> Head {
    Head {
        newsletter: "news".to_string(),
        from_name: Some("Zoé".to_string()),
        from: "lettre@example.org".to_string(),
        reply_to: None,
        sender: "lettre@example.org".to_string(),
        sender_tokens: false,
        date: "Sun, 01 Mar 2026 10:00:00 +0100".to_string(),
        list: Some(List {
            title: "La lettre".to_string(),
            id: "news.example.org".to_string(),
            owner: "contact@example.org".to_string(),
            archive: None,
            way_out: WayOut::Web("https://lettre.example.org/".to_string()),
        }),
    }
}

/// A part of a letter: words and stamps, in any order.
fn pieces() -> impl proptest::strategy::Strategy<Value = Stamped> {
    use proptest::prelude::*;
    let stamps = [
        "{{recipient.name}}",
        "{{recipient.email}}",
        "{{recipient.town}}",
        "{{#if recipient.name}}« {{recipient.name}} »{{else}}vous{{/if}}",
        "{{#if recipient.town}}à {{recipient.town}}, {{recipient.name}}{{/if}}",
        "{{#unless recipient.name}}personne{{/unless}}",
    ];
    let piece = prop_oneof![
        "[ \t\n.=Fromé🎉a-c<&]{0,60}".prop_map(Piece::Text),
        proptest::sample::select(stamps.to_vec()).prop_map(|stamp| Piece::Stamp(stamp.to_string())),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(Stamped)
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
    #[test]
    fn a_letter_written_once_says_to_each_what_its_template_says(
        text in pieces(), html in pieces(), subject in pieces(),
        people in proptest::collection::vec(("\\PC{0,40}|[\r\n\0\"<&é]{0,9}", "[a-zé ']{0,12}"), 1..5)
    ) {
        let variant =
            Variant { items: vec!["a".to_string()], subject, html, text, language: "fr".to_string() };
        // One for all of them.
        let letter = Prepared::new(&head(), &variant);
        for (name, town) in people {
            let mut fields = StampFields {
                name: Some(name).filter(|name| !name.is_empty()),
                email: "ana@example.org".to_string(),
                ..StampFields::default()
            };
            fields.extra.insert("town".to_string(), town);
            let written = letter.write("<id@example.org>", &fields);
            let read = MessageParser::default().parse(&written).expect("a letter");
            let part = |number: usize| String::from_utf8_lossy(read.parts[number].contents()).replace("\r\n", "\n").trim_end_matches('\n').to_string();
            let said = |part: &Stamped, escape| part.fill(&fields, escape).replace("\r\n", "\n").trim_end_matches('\n').to_string();
            let (text, html) = (said(&variant.text, Escape::None), said(&variant.html, Escape::Html));
            proptest::prop_assert_eq!(part(1), text);
            proptest::prop_assert_eq!(part(2), html);
            proptest::prop_assert!(written.is_ascii());
            for line in written.split(|byte| *byte == b'\n') {
                proptest::prop_assert!(line.len() <= 998 && !line.starts_with(b"."));
            }
        }
    }
}
