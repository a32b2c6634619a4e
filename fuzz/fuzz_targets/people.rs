//! Any bytes as a list of people: whoever is read has an address that mail can go to, nobody comes twice, and every
//! problem has its place.
#![no_main]

use std::collections::HashSet;
use std::path::Path;

use crieur::mail::address::Address;
use crieur::people::People;
use crieur::secrets::Secrets;
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
});
