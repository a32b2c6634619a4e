//! What links say: each must make sense alone, as screen readers list them.

use std::collections::HashMap;

use super::look::{Look, excerpt, is_invisible};
use super::{At, Finding};

/// Words that say nothing of where a link leads, in lower case.
const VAGUE: [&str; 36] = [
    "ici",
    "cliquez ici",
    "cliquer ici",
    "clic ici",
    "cliquez",
    "lien",
    "ce lien",
    "suivez ce lien",
    "par ici",
    "là",
    "lire",
    "lire la suite",
    "la suite",
    "suite",
    "en savoir plus",
    "savoir plus",
    "plus",
    "plus d'infos",
    "voir",
    "voir plus",
    "détails",
    "here",
    "click here",
    "click",
    "link",
    "this link",
    "this",
    "more",
    "read",
    "read more",
    "learn more",
    "see more",
    "more info",
    "details",
    "continue",
    "go",
];

pub fn check(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let mut targets: HashMap<String, String> = HashMap::new();
    for (id, node, element) in look.seen() {
        let Some(href) = element.value("href").filter(|_| element.name == "a").map(str::trim) else { continue };
        let text = look.page.text_of(id);
        let text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = text.to_lowercase().replace('’', "'");
        let said = said.trim_matches(|c: char| !c.is_alphanumeric());
        let place = || At::Html(node.range.clone());
        if said.is_empty() {
            findings.push(Finding::new("letter-link-empty", place()).with("address", excerpt(href)));
        } else if VAGUE.contains(&said) {
            findings.push(Finding::new("letter-link-vague", place()).with("text", text));
        } else if ["http://", "https://", "www."].iter().any(|start| said.starts_with(start)) {
            findings.push(Finding::new("letter-link-address", place()).with("text", excerpt(&text)));
        } else {
            match targets.get(said) {
                Some(other) if other != href => {
                    findings.push(Finding::new("letter-link-same", place()).with("text", excerpt(&text)));
                }
                Some(_) => {}
                None => {
                    targets.insert(said.to_string(), href.to_string());
                }
            }
        }
    }
}
