//! Signed letters, verified by opendkim and by Python's dkimpy.

use crieur::mail::dkim::{DomainKey, Key, Signer};

use crate::support::dkim::{Letters, with_crlf};
use crate::support::project::Project;

const RSA: &str = include_str!("../src/mail/dkim/test-keys/rsa.pem");
const ED25519: &str = include_str!("../src/mail/dkim/test-keys/ed25519.pem");

fn signer(keys: &[(&str, &str)]) -> Signer {
    let keys = keys.iter().map(|(selector, pem)| DomainKey {
        domain: "example.org".to_string(),
        selector: selector.to_string(),
        key: Key::from_pem(pem.as_bytes()).expect("a key"),
    });
    Signer::new(keys.collect())
}

fn records(signer: &Signer) -> Vec<(String, String)> {
    signer.keys().iter().map(|key| (key.record_name(), key.key.record())).collect()
}

/// Names as people have them, one for each letter.
fn name(number: usize) -> String {
    const FIRST: [&str; 8] = ["Zoé", "Anaïs", "Élodie", "Ðorđe", "Ľubomír", "Søren", "Иван", "李明"];
    const LAST: [&str; 5] = ["d’Été", "Müller-Ålund", "Ñuñez  y  Íñigo", "O’Brien", "Lœuillet"];
    format!("{} {} {number}", FIRST[number % FIRST.len()], LAST[number % LAST.len()])
}

/// The letters that the program leaves in a Maildir for so many people, as they travel.
fn letters(count: usize) -> Vec<Vec<u8>> {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: La lettre d’été\nfrom: La rédaction <lettre@example.org>\nto: file:config/people.csv\n\
             leave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\n\
             subject: \"{{recipient.name}}, {{edition.headline}}\"\n",
        )
        .file(
            "posts/un.md",
            "---\ntitle: L’été\ndate: 2026-02-01\n---\n.Un point, puis  l’été.\n\n    du code  serré \n\nFrom là-bas.\n",
        );
    let people: String = (0..count).map(|number| format!("p{number}@example.org,{}\n", name(number))).collect();
    project.write("config/people.csv", format!("email,name\n{people}"));
    project.at("2026-03-01T08:00:00Z").ok(&["run"]);
    let letters: Vec<Vec<u8>> =
        project.letters("var/outbox").iter().map(|letter| with_crlf(letter.as_bytes())).collect();
    assert_eq!(letters.len(), count);
    letters
}

#[test]
fn a_thousand_letters_to_accented_names_are_verified_by_others_with_both_kinds_of_key() {
    const TEST: &str = "a_thousand_letters_to_accented_names_are_verified_by_others_with_both_kinds_of_key";
    let signer = signer(&[("rsa", RSA), ("ed", ED25519)]);
    let mut verified = Letters::new(&records(&signer));
    for letter in letters(1000) {
        let signed = [signer.sign(&letter).expect("signed").as_bytes(), &letter].concat();
        verified.add(&signed);
    }
    for said in [verified.opendkim(TEST), verified.dkimpy(TEST)].into_iter().flatten() {
        for (letter, signatures) in said {
            assert_eq!(signatures, ["pass", "pass"], "{letter}");
        }
    }
}

#[test]
fn each_kind_alone_is_verified_and_a_change_of_one_byte_is_not() {
    const TEST: &str = "each_kind_alone_is_verified_and_a_change_of_one_byte_is_not";
    let letter = letters(1).remove(0);
    for key in [("rsa", RSA), ("ed", ED25519)] {
        let signer = signer(&[key]);
        let signed = String::from_utf8(letter.clone()).expect("ASCII");
        let signed = signer.sign(&letter).expect("signed") + &signed;
        let mut verified = Letters::new(&records(&signer));
        let right = verified.add(signed.as_bytes());
        let added = |field: &str| signed.replacen("\r\nDate: ", &format!("\r\n{field}\r\nDate: "), 1);
        let changed = [
            signed.replacen("Un point", "Un  poing", 1),
            signed.replacen("\r\nSubject: ", "\r\nSubject: x", 1),
            signed.replacen("?subject=3Dleave", "?subject=3Dlearn", 1),
            signed.replacen("<mailto:partir@", "<mailto:Partir@", 1),
            added("From: other@example.org"),
            added("Subject: other"),
            added("Content-Type: text/html"),
            added("List-Unsubscribe: <https://elsewhere.example.org/>"),
            format!("{signed}more\r\n"),
        ];
        let wrong: Vec<String> = changed
            .iter()
            .filter(|letter| **letter != signed)
            .map(|letter| verified.add(letter.as_bytes()))
            .collect();
        assert!(wrong.len() >= 8, "{signed}");
        for said in [verified.opendkim(TEST), verified.dkimpy(TEST)].into_iter().flatten() {
            assert_eq!(said[&right], ["pass"]);
            for name in &wrong {
                assert!(said[name].len() == 1 && said[name] != ["pass"], "{name}: {:?}", said[name]);
            }
        }
    }
}
