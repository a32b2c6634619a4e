//! The HTML checker of the W3C (vnu) reads the letter.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::browser::{list, node_modules};
use crate::support::{has_program, letters, peer_or_skip};

/// Attributes that the checker calls obsolete, and that Outlook on Windows lays out by: it knows no CSS for them.
const OUTLOOK_ATTRIBUTES: [(&str, &str); 12] = [
    ("align", "table"),
    ("align", "td"),
    ("bgcolor", "table"),
    ("bgcolor", "td"),
    ("bgcolor", "body"),
    ("border", "table"),
    ("cellpadding", "table"),
    ("cellspacing", "table"),
    ("height", "td"),
    ("valign", "td"),
    ("width", "table"),
    ("width", "td"),
];

/// Properties that only Outlook knows.
const OUTLOOK_PROPERTIES: [&str; 4] = ["mso-hide", "mso-line-height-rule", "mso-table-lspace", "mso-table-rspace"];

/// What the checker says of these files, errors and warnings.
pub fn messages(test: &str, files: &[PathBuf]) -> Option<Vec<Value>> {
    let jar = node_modules().map(|modules| modules.join("vnu-jar/build/dist/vnu.jar")).filter(|jar| jar.exists());
    if !peer_or_skip(test, "a Java runtime", has_program("java", "-version"))
        || !peer_or_skip(test, "vnu-jar (npm)", jar.is_some())
    {
        return None;
    }
    let checked =
        Command::new("java").arg("-jar").arg(jar?).args(["--format", "json", "--stdout"]).args(files).output();
    let output = checked.expect("java runs");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    Some(list(&said, "messages").to_vec())
}

fn needed_by_outlook(message: &str) -> bool {
    let obsolete = |(attribute, element): &(&str, &str)| {
        message.starts_with(&format!("The “{attribute}” attribute on the “{element}” element is obsolete."))
    };
    let unknown = |property: &str| message.ends_with(&format!("“{property}”: Property “{property}” doesn't exist."));
    OUTLOOK_ATTRIBUTES.iter().any(obsolete) || OUTLOOK_PROPERTIES.iter().any(|property| unknown(property))
}

#[test]
fn the_html_checker_finds_nothing_in_a_letter_but_what_outlook_needs() {
    let files: Vec<PathBuf> = letters::all().iter().map(|letter| letter.path("html")).collect();
    let Some(messages) = messages("the_html_checker_finds_nothing_in_a_letter_but_what_outlook_needs", &files) else {
        return;
    };
    assert!(!messages.is_empty(), "the tables' attributes at least: was anything read?");
    let mut faults: Vec<String> = messages
        .iter()
        .filter(|message| !needed_by_outlook(message["message"].as_str().unwrap_or_default()))
        .map(|message| {
            format!("{}: {} {}\n  {}", message["url"], message["type"], message["message"], message["extract"])
        })
        .collect();
    faults.sort();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults[..faults.len().min(20)].join("\n"));
}
