//! Any bytes as a list of people: whoever is read has an address that mail can go to, nobody comes twice, and every
//! problem has its place; imported, too, where columns say tags, topics, basis and proof, and in the order of their numbers the same.
#![no_main]

use std::collections::HashSet;
use std::path::Path;

use crieur::mail::address::Address;
use crieur::people::People;
use crieur::problem::Problems;
use crieur::secrets::Secrets;
use crieur::store::recipients::{Basis, Newcomer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = std::env::temp_dir();
    let name = format!("crieur-fuzz-{}.csv", std::process::id());
    std::fs::write(folder.join(&name), bytes).expect("a file");
    let secrets = Secrets::from_bytes([7; 32]);
    match People::open(&folder, Path::new(&name), &secrets) {
        Ok(mut people) => {
            let mut seen = HashSet::new();
            loop {
                let batch = people.next_batch();
                if batch.is_empty() {
                    break;
                }
                for person in batch {
                    let address = Address::parse(&person.email).expect("an address that was checked");
                    assert_eq!(address.to_string(), person.email);
                    assert!(seen.insert(person.id), "{} comes twice", person.email);
                    assert!(person.name.is_none_or(|name| !name.contains(['\r', '\n', '\0'])));
                }
            }
            assert!(people.problems.iter().all(|problem| problem.place.is_some()));
        }
        Err(problem) => assert!(problem.place.is_some()),
    }
    let Some((mut people, problems)) = imported(&folder, &name, &secrets, false) else { return };
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    for person in &people {
        assert!(person.tags.iter().flatten().all(|tag| is_name(tag)));
        assert!(person.topics.as_ref().is_none_or(|topics| topics == "events"));
        if let Some(basis) = &person.basis {
            assert!(basis.kind == "mission" || basis.proof.is_some() || person.left);
            assert!(basis.proof.as_ref().is_none_or(|proof| !proof.contains(['\r', '\n', '\0'])));
        }
    }
    assert!(problems.iter().all(|problem| problem.place.is_some()));
    let (in_order, same_problems) = imported(&folder, &name, &secrets, true).expect("the same file");
    people.sort_by_key(|person| person.addressee.id);
    assert_eq!(in_order, people);
    // Two in one line, where lines end in a carriage return alone, have no order.
    let told = |problems: &Problems| {
        let mut told: Vec<String> = problems.iter().map(|problem| format!("{problem:?}")).collect();
        told.sort();
        told
    };
    assert_eq!(told(&same_problems), told(&problems));
});

/// All that a list brings where it is imported.
fn imported(folder: &Path, name: &str, secrets: &Secrets, in_order: bool) -> Option<(Vec<Newcomer>, Problems)> {
    let people = People::open(folder, Path::new(name), secrets).ok()?;
    let mission = Basis { kind: "mission".to_string(), proof: None };
    let people = people.for_import("news", vec!["events".to_string()], mission);
    let mut people = if in_order { people.in_order() } else { people };
    let mut all = Vec::new();
    loop {
        let batch = people.next_newcomers();
        if batch.is_empty() {
            return Some((all, people.problems));
        }
        all.extend(batch);
    }
}
