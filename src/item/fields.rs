//! From a document of front matter to an item's fields: each key under every generator's spelling.
//!
//! The file's own keys come before what its folders hand down; tags add up. Upper and lower case, `_` and `-` in keys
//! make no difference (`pubDate`, `pub_date`). A value of an unusual type is a warning and counts as absent.

use chrono_tz::Tz;
use serde_json::Value;

use super::Data;
use super::dates::{self, Dated};
use super::front_matter::{Format, place_of};
use super::plain::{one_line, plain};
use crate::config::Person;
use crate::problem::{Place, Problem, Source};

/// The keys of the date, of which the first that says something counts.
const DATES: &[&str] = &[
    "date",
    "publisheddate",
    "pubdate",
    "publishdate",
    "datepublished",
    "publishedat",
    "publishedon",
    "published",
    "created",
    "createdat",
];
const UPDATED: &[&str] = &[
    "updated",
    "lastmod",
    "modified",
    "updateddate",
    "lastmodified",
    "lastmodifiedat",
    "updatedat",
    "lastupdated",
    "datemodified",
    "moddate",
];

/// A file's front matter with what it inherits, to be asked key by key.
pub struct Fields<'a> {
    pub own: &'a Data,
    pub inherited: &'a Data,
    pub format: Format,
    pub source: &'a Source,
    pub zone: Tz,
    pub problems: Vec<Problem>,
}

/// A key found: as it is written, its value, and whether the file itself says it.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    pub key: &'a str,
    pub value: &'a Value,
    pub own: bool,
}

impl<'a> Fields<'a> {
    /// The first of the names (in lower case, without `_` and `-`) that has a value, the file's own first.
    pub fn find(&self, names: &[&str]) -> Option<Found<'a>> {
        let within =
            |data: &'a Data, own: bool| {
                names.iter().find_map(|name| {
                    data.iter()
                        .find(|(key, value)| same_key(key, name) && !is_empty(value))
                        .map(|(key, value)| Found { key, value, own })
                })
            };
        within(self.own, true).or_else(|| within(self.inherited, false))
    }

    /// A warning about a value; what is inherited has no place in the file.
    pub fn warn(&mut self, found: Found<'_>, code: &'static str, message: String, help: &str) {
        let problem = Problem::warning(code, message).help(help);
        self.problems.push(self.placed(problem, found));
    }

    fn placed(&self, problem: Problem, found: Found<'_>) -> Problem {
        problem.at(self.place(found))
    }

    /// Where a value stands; what is inherited has no line in the file.
    pub fn place(&self, found: Found<'_>) -> Place {
        if found.own { place_of(self.source, found.key) } else { Place::file(self.source.path.clone()) }
    }

    pub(super) fn unusual(&mut self, found: Found<'_>, expected: &str) {
        let message = format!("`{}` is {}, not {expected}: it is left out", found.key, kind(found.value));
        self.warn(found, "front-matter-value", message, &format!("write {expected}"));
    }

    /// A text or a number, as one line of plain text.
    pub fn text(&mut self, names: &[&str]) -> Option<String> {
        let found = self.find(names)?;
        match scalar(found.value) {
            Some(text) => Some(plain(&text)).filter(|text| !text.is_empty()),
            None => {
                self.unusual(found, "a text");
                None
            }
        }
    }

    /// True when one of the names says yes.
    fn says(&self, name: &str, yes: bool) -> bool {
        self.find(&[name]).is_some_and(|found| truth(found.value) == Some(yes))
    }

    /// Why the item is not published, when its front matter says so.
    pub fn unpublished(&self, now: chrono::DateTime<chrono::Utc>) -> Option<&'static str> {
        let never = |value: &Value| matches!(value, Value::Bool(false)) || value.as_str() == Some("never");
        if self.says("draft", true) {
            return Some("a draft");
        }
        if self.says("published", false) {
            return Some("`published: false`");
        }
        if self.says("eleventyexcludefromcollections", true) {
            return Some("`eleventyExcludeFromCollections: true`");
        }
        if self.says("headless", true) {
            return Some("`headless: true`");
        }
        if self.says("unlisted", true) {
            return Some("`unlisted: true`");
        }
        if self.find(&["permalink"]).is_some_and(|found| found.value == &Value::Bool(false)) {
            return Some("`permalink: false`");
        }
        if self.format == Format::Toml && self.says("render", false) {
            return Some("`render = false`");
        }
        if let Some(Value::Object(build)) = self.find(&["build"]).map(|found| found.value)
            && (build.get("render").is_some_and(never) || build.get("list").is_some_and(never))
        {
            return Some("its `build` options keep it out of lists or off the site");
        }
        if let Some(status) = self.find(&["status"]).and_then(|found| found.value.as_str())
            && ["draft", "hidden", "skip"].iter().any(|word| status.eq_ignore_ascii_case(word))
        {
            return Some("its `status` is not published");
        }
        let expiry = self.find(&["expirydate"]).and_then(|found| scalar(found.value));
        if expiry.and_then(|text| dates::parse(&text, self.zone)).is_some_and(|expires| expires.instant <= now) {
            return Some("its `expiryDate` is past");
        }
        self.find(&["pagination"])
            .is_some_and(|found| found.value.is_object())
            .then_some("a page that lists others (`pagination`)")
    }

    /// The date in the front matter. `Err`: something stands there that is no date.
    pub fn date(&mut self) -> Result<Option<Dated>, Problem> {
        self.dated(DATES)
    }

    /// When the front matter says that the item was updated.
    pub fn updated(&mut self) -> Option<Dated> {
        match self.dated(UPDATED) {
            Ok(dated) => dated,
            Err(problem) => {
                self.problems.push(Problem { severity: crate::problem::Severity::Warning, ..problem });
                None
            }
        }
    }

    pub(super) fn dated(&mut self, names: &[&str]) -> Result<Option<Dated>, Problem> {
        // `published: true` says nothing of the date.
        let Some(found) = names.iter().find_map(|name| self.find(&[name]).filter(|found| !found.value.is_boolean()))
        else {
            return Ok(None);
        };
        let text = scalar(found.value);
        match text.as_deref().and_then(|text| dates::parse(text, self.zone)) {
            Some(dated) => Ok(Some(dated)),
            None => {
                let shown =
                    text.map_or_else(|| kind(found.value).to_string(), |text| format!("“{}”", one_line(&text)));
                let problem = Problem::error("bad-date", format!("`{}` is {shown}, which is no date", found.key))
                    .label("a date was expected")
                    .help("write it as 2024-07-25, or 2024-07-25 14:00 with the time");
                Err(self.placed(problem, found))
            }
        }
    }

    /// Tags and categories: the folder's, then the file's, each once.
    pub fn tags(&mut self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for own in [false, true] {
            let data = if own { self.own } else { self.inherited };
            for name in ["tags", "tag", "categories", "category"] {
                let written = data.iter().find(|(key, value)| same_key(key, name) && !is_empty(value));
                let taxonomy = data.get("taxonomies").and_then(|value| value.get(name)).map(|value| (name, value));
                for (key, value) in written.map(|(key, value)| (key.as_str(), value)).into_iter().chain(taxonomy) {
                    self.add_tags(&mut tags, Found { key, value, own });
                }
            }
        }
        tags
    }

    fn add_tags(&mut self, tags: &mut Vec<String>, found: Found<'_>) {
        let mut add = |text: &str| {
            let tag = plain(text);
            if !tag.is_empty() && !tags.contains(&tag) {
                tags.push(tag);
            }
        };
        let mut unusual = false;
        match found.value {
            Value::String(text) => text.split(',').for_each(&mut add),
            Value::Array(values) => {
                for value in values {
                    match scalar(value) {
                        Some(text) => add(&text),
                        None => unusual |= !value.is_null(),
                    }
                }
            }
            other => match scalar(other) {
                Some(text) => add(&text),
                None => unusual = true,
            },
        }
        if unusual {
            self.unusual(found, "a list of texts");
        }
    }

    pub fn authors(&mut self) -> Vec<Person> {
        let found = self.find(&["authors", "author"]);
        let found = match found {
            Some(found) => found,
            None => match self.own.get("taxonomies").and_then(|value| value.get("authors")) {
                Some(value) => Found { key: "authors", value, own: true },
                None => return Vec::new(),
            },
        };
        let mut people = Vec::new();
        let values = match found.value {
            Value::Array(values) => values.iter().collect(),
            // Pelican's `Authors: A, B`; elsewhere a comma may belong to the name.
            Value::String(text) if self.format == Format::Header && found.own && found.key == "authors" => {
                let separator = if text.contains(';') { ';' } else { ',' };
                return text.split(separator).filter_map(person_in_text).collect();
            }
            other => vec![other],
        };
        let mut unusual = false;
        for value in values {
            match (scalar(value), value) {
                (Some(text), _) => people.extend(person_in_text(&text)),
                (None, Value::Object(map)) => match person_in_map(map) {
                    Some(person) => people.push(person),
                    None => unusual = true,
                },
                _ => unusual |= !value.is_null(),
            }
        }
        if unusual {
            self.unusual(found, "a name, or `name` with `email` and `url`");
        }
        people
    }

    /// `series`: a text, or the first of a list.
    pub fn series(&mut self) -> Option<String> {
        let first = self.find(&["series", "serie"]).map(|found| match found.value {
            Value::Array(values) => values.first().and_then(scalar),
            _ => None,
        });
        match first {
            Some(Some(text)) => Some(plain(&text)).filter(|text| !text.is_empty()),
            _ => self.text(&["series", "serie"]),
        }
    }
}

fn person_in_text(text: &str) -> Option<Person> {
    let text = plain_name(text);
    if let Some((name, rest)) = text.split_once('<')
        && let Some(address) = rest.trim().strip_suffix('>')
        && address.contains('@')
    {
        let name = if name.trim().is_empty() { address } else { name.trim() };
        return Some(Person { name: name.to_string(), email: Some(address.to_string()), url: None });
    }
    (!text.is_empty()).then_some(Person { name: text, email: None, url: None })
}

/// `Name <name@example.org>` is no markup.
fn plain_name(text: &str) -> String {
    if text.contains('@') { one_line(text) } else { plain(text) }
}

fn person_in_map(map: &Data) -> Option<Person> {
    let get = |names: &[&str]| names.iter().find_map(|name| map.get(*name).and_then(Value::as_str)).map(one_line);
    Some(Person {
        name: get(&["name", "title", "nom"]).map(|name| plain(&name)).filter(|name| !name.is_empty())?,
        email: get(&["email", "mail"]),
        url: get(&["url", "uri", "link", "homepage", "website"]),
    })
}

/// A text, a number or a flag as text.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a group of keys",
    }
}

/// Whether a key is a name, case, `_` and `-` apart. The name is in lower case without either.
pub fn same_key(key: &str, name: &str) -> bool {
    // Nearly all pairs differ in their first letter: 300 of them are compared for an item.
    let first = key.as_bytes().first().copied().unwrap_or(0);
    if !matches!(first, b'_' | b'-') && !name.as_bytes().first().is_some_and(|byte| first.eq_ignore_ascii_case(byte))
    {
        return false;
    }
    let mut letters = key.bytes().filter(|b| !matches!(b, b'_' | b'-')).map(|b| b.to_ascii_lowercase());
    name.bytes().all(|byte| letters.next() == Some(byte)) && letters.next().is_none()
}

#[cfg(test)]
#[path = "fields_tests.rs"]
pub(super) mod tests;
