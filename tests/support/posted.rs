//! An edition that people in the database are to get, and where it stands: what the tests of deliveries begin with.

use std::collections::HashMap;

use serde_json::Value;

use super::project::Project;

pub fn address(number: usize) -> String {
    format!("p{number}@example.org")
}

/// A site whose newsletter `news` has so many people in the database, and one item to announce. `mail` is added to the mail section
/// (with its indent), `newsletter` to the newsletter.
pub fn to_people(transport: &str, people: usize, mail: &str, newsletter: &str) -> Project {
    let mut list = "email,name\n".to_string();
    for number in 0..people {
        list.push_str(&format!("{},Zoé {number}\n", address(number)));
    }
    let project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            format!(
                "title: La lettre\nfrom: lettre@example.org\nto: recipients\nleave: mailto:partir@example.org\n\
                 schedule: each-run\nbacklog: announce\nonline: off\n{newsletter}"
            ),
        )
        .file("people.csv", list)
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-02-01\n---\nUn.\n");
    let config = project.read("config/crieur.yaml").replace("maildir:var/outbox", transport);
    project.write("config/crieur.yaml", format!("{config}  tls: none\n{mail}"));
    project.ok(&["recipients", "import", "-q", &project.join("people.csv").to_string_lossy()]);
    project
}

/// Where an edition stands, at any moment; its ledger balances. Something uncertain, or held, makes the command end with 1.
pub fn edition(project: &Project, index: usize) -> Value {
    let ran = project.crieur(&["status", "--json"]);
    assert!(ran.status == 0 || ran.status == 1, "{}", ran.stderr);
    let status: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let edition = status["editions"][index].clone();
    assert_balanced(&edition);
    edition
}

pub fn assert_balanced(edition: &Value) {
    let of = |key: &str| edition[key].as_u64().unwrap_or_else(|| panic!("no {key} in {edition}"));
    let sum = of("accepted") + of("refused") + of("suppressed") + of("uncertain") + of("pending");
    assert_eq!(of("eligible"), sum, "{edition}");
}

/// What each person got: the Message-IDs, by address.
pub fn by_person(letters: &[(String, String)]) -> HashMap<&str, Vec<&str>> {
    let mut people: HashMap<&str, Vec<&str>> = HashMap::new();
    for (recipient, message_id) in letters {
        people.entry(recipient).or_default().push(message_id);
    }
    people
}
