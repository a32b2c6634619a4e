//! What the columns of an imported list say beside address, name and fields.

use std::collections::{BTreeSet, HashMap};

use crate::mail::header::one_line;
use crate::problem::Problem;
use crate::store::recipients::Basis;

/// What the columns of a list that is imported may also say: `tags`, `topics`, `basis`, `proof`; and what else stands in a
/// list that `recipients export` wrote.
#[derive(Debug)]
pub(super) struct Columns {
    /// The newsletter that people join; an exported list's rows of others are passed over.
    newsletter: String,
    /// The names of its topics.
    topics: Vec<String>,
    /// On what basis are those of whom a row tells none.
    basis: Basis,
    /// Which column is which.
    places: HashMap<&'static str, usize>,
}

/// Read apart from the fields that templates may use.
const SPECIAL: [&str; 4] = ["tags", "topics", "basis", "proof"];
/// With these, a list is one that was exported.
const EXPORTED: [&str; 5] = ["newsletter", "state", "added", "suppressed", "fields"];

/// What the columns of a row say.
#[derive(Default)]
pub(super) struct Said {
    pub tags: Option<Vec<String>>,
    pub topics: Option<String>,
    pub basis: Option<Basis>,
    pub left: bool,
    pub suppressed: Option<String>,
    pub fields: serde_json::Map<String, serde_json::Value>,
}

impl Columns {
    /// Takes the columns that mean something out of a list's others.
    pub fn taken_from(
        others: &mut Vec<(usize, String)>,
        newsletter: &str,
        topics: Vec<String>,
        basis: Basis,
    ) -> Columns {
        let named = |columns: &[(usize, String)], name: &str| {
            columns.iter().find(|(_, column)| column.eq_ignore_ascii_case(name)).map(|(index, _)| *index)
        };
        let mut places = HashMap::new();
        let exported = EXPORTED.iter().all(|name| named(others, name).is_some());
        for name in SPECIAL.iter().chain(if exported { &EXPORTED[..] } else { &[] }) {
            if let Some(index) = named(others, name) {
                places.insert(*name, index);
                others.retain(|(other, _)| *other != index);
            }
        }
        Columns { newsletter: newsletter.to_string(), topics, basis, places }
    }

    /// A column's text, if the list has it.
    fn text<'a>(&self, texts: &[&'a str], name: &str) -> Option<&'a str> {
        texts.get(*self.places.get(name)?).copied()
    }

    /// An exported list tells of other newsletters too, and of people who were taken off with a list.
    pub fn passes_over(&self, texts: &[&str]) -> bool {
        self.text(texts, "newsletter").is_some_and(|name| !name.is_empty() && name != self.newsletter)
            || self.text(texts, "state") == Some("retired")
    }

    /// The error is the problem, and the column that has it.
    pub fn read(&self, texts: &[&str]) -> Result<Said, (Box<Problem>, usize)> {
        let place = |name| self.places.get(name).copied().unwrap_or_default();
        let wrong = |name, code, message: String, help: String| {
            Err((Box::new(Problem::error(code, message).help(help)), place(name)))
        };
        let tags = match self.text(texts, "tags").map(names) {
            None => None,
            Some(Ok(tags)) => Some(tags),
            Some(Err(name)) => {
                let help = "a tag is made of a-z, 0-9 and -; between two stands a space".to_string();
                return wrong("tags", "list-tag", format!("{name:?} is no tag"), help);
            }
        };
        let topics = match self.text(texts, "topics").map(names) {
            None => Vec::new(),
            Some(Ok(topics)) => topics,
            Some(Err(name)) => vec![name],
        };
        if let Some(topic) = topics.iter().find(|topic| !self.topics.contains(topic)) {
            let help = match self.topics.as_slice() {
                [] => format!("{} has no topics: leave this field empty", self.newsletter),
                topics => format!("its topics are {}; an empty field takes all", topics.join(", ")),
            };
            return wrong("topics", "list-topic", format!("{} has no topic {topic:?}", self.newsletter), help);
        }
        let state = self.text(texts, "state").unwrap_or("subscribed");
        if !matches!(state, "" | "subscribed" | "left") {
            let help = "write subscribed or left, or remove the row".to_string();
            return wrong("state", "list-state", format!("{state:?} is no state"), help);
        }
        let fields = match self.text(texts, "fields").filter(|text| !text.is_empty()).map(serde_json::from_str) {
            None => serde_json::Map::new(),
            Some(Ok(serde_json::Value::Object(fields))) => fields,
            Some(_) => {
                let help = "leave it empty, or write it as `crieur recipients export` does".to_string();
                return wrong("fields", "list-fields", "these fields are no JSON object".to_string(), help);
            }
        };
        let suppressed = match self.text(texts, "suppressed") {
            None | Some("" | "0") => None,
            Some(reason @ ("soft-bounce" | "complaint")) => Some(reason.to_string()),
            Some(_) => Some("bounce".to_string()),
        };
        let topics = if topics.is_empty() { None } else { Some(topics.join(" ")) };
        Ok(Said { tags, topics, basis: self.basis(texts, state)?, left: state == "left", suppressed, fields })
    }

    /// A proof alone is that of a consent; a consent needs one.
    fn basis(&self, texts: &[&str], state: &str) -> Result<Option<Basis>, (Box<Problem>, usize)> {
        let stated = self.text(texts, "basis").unwrap_or("");
        let proof = self.text(texts, "proof").map(one_line).filter(|proof| !proof.is_empty());
        let place = |name| self.places.get(name).copied().unwrap_or_default();
        let kind = match (stated, &proof) {
            ("consent" | "mission", _) => stated,
            ("", Some(_)) => "consent",
            ("", None) => self.basis.kind.as_str(),
            _ => {
                let problem = Problem::error("list-basis", format!("{stated:?} is no basis"));
                return Err((Box::new(problem.help("write consent or mission, or leave it empty")), place("basis")));
            }
        };
        let proof = proof.or_else(|| self.basis.proof.clone().filter(|_| self.basis.kind == kind));
        if kind == "consent" && proof.is_none() && state != "left" {
            let problem = Problem::error("list-proof", "this person's consent has no proof");
            let help = "say in a column `proof`, or with --proof, where it is recorded: a form, a date, a file";
            return Err((Box::new(problem.help(help)), place(if stated.is_empty() { "proof" } else { "basis" })));
        }
        let told = !stated.is_empty() || self.text(texts, "proof").is_some_and(|proof| !proof.is_empty());
        Ok(told.then(|| Basis { kind: kind.to_string(), proof }))
    }
}

/// Names with spaces, commas, semicolons or bars between them: sorted, each once. The error is one that is none.
pub fn names(text: &str) -> Result<Vec<String>, String> {
    let mut names = BTreeSet::new();
    for name in text.split([' ', ',', ';', '|']).filter(|name| !name.is_empty()) {
        let name = name.to_ascii_lowercase();
        if name.len() > 64 || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(name);
        }
        names.insert(name);
    }
    Ok(names.into_iter().collect())
}
