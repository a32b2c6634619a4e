//! A list of pages, as a site's generator writes it: which source file became which address.
//!
//! - Eleventy's: what `npx @11ty/eleventy --to=json` (or `--to=ndjson`) prints: `inputPath`, `url`, `content`, `rawInput`.
//! - A list of one's own, JSON: `[{ "path": "content/posts/a.md", "permalink": "https://…", "content": "…", "raw": "…" }]`,
//!   of which `path` and `permalink` must be there. A Hugo site writes it through an output format (docs/built.md).
//! - Hugo's: the CSV of `hugo list all`: `path`, `permalink`, `draft`, `publishDate`, `expiryDate`.
//!
//! Which of them a text is, it says itself; lines that a generator printed before its list are passed over.
//!
//! Promises: pure and total: any text is a list or a [`Problem`] at its place. Several pages of one source are one: the
//! first that has an address.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::item::BodyHash;
use crate::item::walk::normalise;
use crate::problem::{Problem, Source};

/// Who wrote a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Eleventy,
    /// JSON in our own shape.
    Own,
    /// `hugo list all`.
    Hugo,
}

/// A list, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    pub kind: Kind,
    /// By the source file's path as the generator knows it, without `./`.
    pub pages: HashMap<String, Page>,
}

/// What became of one source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub address: Address,
    /// The page's HTML, or its body's.
    pub content: Option<String>,
    /// Of the body that the generator read.
    pub raw: Option<BodyHash>,
}

/// Where a page is, if it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// As written.
    At(String),
    /// The generator writes no page (`permalink: false`).
    None,
    Draft,
    /// Hugo lists what it builds only later, or no longer.
    NotNow,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "inputPath")]
    input_path: Option<Value>,
    url: Option<Value>,
    #[serde(rename = "rawInput")]
    raw_input: Option<Value>,
    path: Option<Value>,
    permalink: Option<Value>,
    draft: Option<Value>,
    content: Option<Value>,
    raw: Option<Value>,
}

/// Reads a list; `path` is the name that people know it by.
pub fn parse(text: &str, path: &str, now: DateTime<Utc>) -> Result<List, Problem> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(Problem::error("manifest", "this list of pages is empty: the generator wrote nothing into it")
            .help("run the generator by hand, and see what it says")
            .in_file(path));
    }
    if let Some(start) = start_of_csv(text) {
        return csv(text, start, path, now);
    }
    match start_of_json(text) {
        Some(start) => json(text, start, path),
        None => Err(unknown(text, path)),
    }
}

fn unknown(text: &str, path: &str) -> Problem {
    let source = Source { path: path.to_string(), text: text.lines().next().unwrap_or("").into() };
    let problem = match text.trim_start().starts_with('<') {
        true => Problem::error("manifest", "this is a page, not a list of pages")
            .help("name the folder that holds the built pages as `manifest`, or a list that the generator prints"),
        false => Problem::error("manifest", "this is no list of pages that is known").help(KNOWN),
    };
    problem.at(source.place_at(1, 1))
}

const KNOWN: &str = "it can be what `npx @11ty/eleventy --to=json` prints, what `hugo list all` prints, a JSON list of \
                     `path` and `permalink`, or the folder of the built pages";

/// Where the JSON starts: at once, or behind lines that a generator or its configuration printed.
fn start_of_json(text: &str) -> Option<usize> {
    line_starts(text).find(|start| {
        let line = text[*start..].lines().next().unwrap_or("");
        let signs: String = line.chars().filter(|c| !c.is_whitespace()).take(2).collect();
        matches!(signs.as_str(), "[" | "[]" | "[{" | "{" | "{\"")
    })
}

/// Where the header of a CSV stands.
fn start_of_csv(text: &str) -> Option<usize> {
    line_starts(text).take(20).find(|start| {
        let columns: Vec<&str> = text[*start..].lines().next().unwrap_or("").split(',').map(str::trim).collect();
        columns.contains(&"path") && columns.contains(&"permalink")
    })
}

fn line_starts(text: &str) -> impl Iterator<Item = usize> + '_ {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1))
}

fn json(text: &str, start: usize, path: &str) -> Result<List, Problem> {
    let json = &text[start..];
    let rows: Result<Vec<Row>, serde_json::Error> = if json.trim_start().starts_with('[') {
        serde_json::from_str(json)
    } else {
        serde_json::Deserializer::from_str(json).into_iter::<Row>().collect()
    };
    let rows = rows.map_err(|error| {
        let before = text[..start].matches('\n').count();
        let source = Source { path: path.to_string(), text: text.into() };
        let mut place = source.place_at(before + error.line().max(1), error.column().max(1));
        // A list may stand on one line, which nobody wants to see whole.
        place.text = place.text.filter(|line| line.len() < 300);
        Problem::error("manifest", format!("this list of pages cannot be read: {error}"))
            .label("here")
            .help("write it again; the generator, its configuration and its plugins must print nothing else there")
            .at(place)
    })?;
    let mut list = List { kind: Kind::Own, pages: HashMap::with_capacity(rows.len()) };
    let found_any = !rows.is_empty();
    for row in rows {
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let body = |raw: Option<Value>| text(raw).map(|raw| BodyHash::of(&raw));
        if let Some(source) = text(row.input_path) {
            list.kind = Kind::Eleventy;
            let address = text(row.url).map_or(Address::None, Address::At);
            list.add(&source, Page { address, content: text(row.content), raw: body(row.raw_input) });
        } else if let Some(source) = text(row.path) {
            let address = match (row.draft, text(row.permalink)) {
                (Some(Value::Bool(true)), _) => Address::Draft,
                (_, Some(permalink)) => Address::At(permalink),
                (_, None) => Address::None,
            };
            list.add(&source, Page { address, content: text(row.content), raw: body(row.raw) });
        }
    }
    if found_any && list.pages.is_empty() {
        return Err(Problem::error("manifest", "no entry of this list says which file its page is made of")
            .help(KNOWN)
            .in_file(path));
    }
    Ok(list)
}

fn csv(text: &str, start: usize, path: &str, now: DateTime<Utc>) -> Result<List, Problem> {
    let lines_before = text[..start].matches('\n').count();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(&text.as_bytes()[start..]);
    let wrong = |error: csv::Error| {
        let line = error.position().map_or(1, |position| position.line() as usize);
        let source = Source { path: path.to_string(), text: text.into() };
        Problem::error(
            "manifest",
            "this list of pages cannot be read: a line has more or fewer columns than the first",
        )
        .help("write it again: `hugo list all` prints one line a page")
        .at(source.place_at(lines_before + line, 1))
    };
    let headers = reader.headers().map_err(wrong)?.clone();
    let column = |name: &str| headers.iter().position(|header| header.eq_ignore_ascii_case(name));
    let columns = ["path", "permalink", "draft", "publishDate", "expiryDate"].map(column);
    let mut list = List { kind: Kind::Hugo, pages: HashMap::new() };
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let [source, permalink, draft, from, until] =
            columns.map(|column| column.and_then(|column| record.get(column)).unwrap_or("").trim());
        let moment = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc());
        // Hugo writes the year 1 where there is no such date.
        let over = moment(until).is_some_and(|until| until <= now && until.timestamp() > 0);
        let address = match () {
            () if draft == "true" => Address::Draft,
            () if over || moment(from).is_some_and(|from| from > now) => Address::NotNow,
            () if permalink.is_empty() => Address::None,
            () => Address::At(permalink.to_string()),
        };
        if !source.is_empty() {
            list.add(source, Page { address, content: None, raw: None });
        }
    }
    Ok(list)
}

impl List {
    fn add(&mut self, source: &str, page: Page) {
        let source = normalise(&source.replace('\\', "/"));
        let known = self.pages.entry(source).or_insert_with(|| page.clone());
        if !matches!(known.address, Address::At(_)) {
            *known = page;
        }
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
