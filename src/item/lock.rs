//! `feeds/items.lock`: what identity remembers, as text meant for git.
//!
//! A line an item, sorted by id; its parts between tabs: id, path, title, date, body (a hash), then what else there is
//! as `name=value`. In every part `\t`, `\n`, `\r`, `\\` stand for what they stand for elsewhere, and a first `#` is
//! written `\#`: lines that begin with `#` are remarks.
//!
//! Promises: unsorted and doubled lines are read, and the marks of a merge that was not done are passed over; what one
//! side knew and the other did not is kept, as a merge by union needs. Two lines of one id that differ both stay until
//! `identity` sees which one fits the files.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};

use super::BodyHash;
use crate::problem::{Problem, Problems, Source};

/// What is remembered of one item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockRow {
    pub id: String,
    /// Of the file last seen, relative to the project's folder.
    pub path: String,
    pub title: String,
    /// As the item's files say it.
    pub date: DateTime<Utc>,
    /// Of the body last seen.
    pub body: BodyHash,
    /// The address last seen.
    pub url: String,
    /// As the item's files say it.
    pub updated: DateTime<Utc>,
    /// Seconds added to `updated`, so that no two items have the same.
    pub plus: i64,
    /// When an item dated ahead was first seen, with `future: first-seen`.
    pub seen: Option<DateTime<Utc>>,
    /// When its file was found missing.
    pub gone: Option<DateTime<Utc>>,
}

/// The memory of identity, as a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    rows: Vec<LockRow>,
}

const HEADER: &str = "\
# What crieur remembers of each item, so that it keeps its id: commit this file, and do not edit it.
# id, path, title, date, body, and more
";

impl Lock {
    /// The rows, sorted by id; an id may stand in several that differ.
    pub fn rows(&self) -> &[LockRow] {
        &self.rows
    }

    /// The rows, to be changed.
    pub fn into_rows(self) -> Vec<LockRow> {
        self.rows
    }

    pub fn from_rows(mut rows: Vec<LockRow>) -> Self {
        // Stable: of two rows with one id, the first handed in is the one trusted first.
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        let mut first = 0;
        let mut kept = 0;
        // In place: rows of one id stand together, from `first` on, and only those can be the same.
        for at in 0..rows.len() {
            if kept > 0 && rows[kept - 1].id != rows[at].id {
                first = kept;
            }
            if !rows[first..kept].contains(&rows[at]) {
                rows.swap(kept, at);
                kept += 1;
            }
        }
        rows.truncate(kept);
        Lock { rows }
    }

    /// How many items that still have a file it knows.
    pub fn len(&self) -> usize {
        let mut ids: Vec<&str> =
            self.rows.iter().filter(|row| row.gone.is_none()).map(|row| row.id.as_str()).collect();
        ids.dedup();
        ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds what the other knows and this one does not. Where both know an id, this one's word is trusted first.
    pub fn fill_from(&mut self, other: &Lock) {
        // The store's copy of a file that nobody lost says the same.
        if self == other {
            return;
        }
        let rows = std::mem::take(&mut self.rows);
        *self = Lock::from_rows(rows.into_iter().chain(other.rows.iter().cloned()).collect());
    }

    /// Reads the file's text; a line that cannot be read is a problem and is left out.
    pub fn parse(text: &str, path: &str) -> (Lock, Problems) {
        let mut problems = Problems::new();
        let mut rows = Vec::new();
        let mut source = None;
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let merge_mark = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark));
            if line.trim().is_empty() || line.starts_with('#') || merge_mark {
                continue;
            }
            match row(line) {
                Some(row) => rows.push(row),
                None => {
                    let source = source.get_or_insert_with(|| Source { path: path.to_string(), text: text.into() });
                    problems.push(
                        Problem::error(
                            "lock-syntax",
                            "this line of the items' memory cannot be read: its item may get a new id",
                        )
                        .help("take the line back from git")
                        .at(source.place_at(index + 1, 1)),
                    );
                }
            }
        }
        (Lock::from_rows(rows), problems)
    }

    /// The file's text; the same lock gives the same bytes.
    pub fn to_text(&self) -> String {
        let mut text = String::from(HEADER);
        for row in &self.rows {
            let mut parts = vec![
                escape(&row.id),
                escape(&row.path),
                escape(&row.title),
                row.date.to_rfc3339_opts(SecondsFormat::AutoSi, true),
                row.body.to_string(),
            ];
            if parts[0].starts_with('#')
                || ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| parts[0].starts_with(mark))
            {
                parts[0].insert(0, '\\');
            }
            if row.url != row.id {
                parts.push(format!("url={}", escape(&row.url)));
            }
            let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            if row.updated != row.date {
                parts.push(format!("updated={}", moment(row.updated)));
            }
            if row.plus != 0 {
                parts.push(format!("plus={}", row.plus));
            }
            parts.extend(row.seen.map(|at| format!("seen={}", moment(at))));
            parts.extend(row.gone.map(|at| format!("gone={}", moment(at))));
            text.push_str(&parts.join("\t"));
            text.push('\n');
        }
        text
    }
}

fn row(line: &str) -> Option<LockRow> {
    let mut parts = line.split('\t');
    let id = unescape(parts.next()?);
    let path = unescape(parts.next()?);
    let title = unescape(parts.next()?);
    let date = moment(parts.next()?)?;
    let body = BodyHash::read(parts.next()?);
    if id.is_empty() || path.is_empty() {
        return None;
    }
    let mut row =
        LockRow { url: id.clone(), id, path, title, date, body, updated: date, plus: 0, seen: None, gone: None };
    for part in parts {
        match part.split_once('=')? {
            ("url", value) => row.url = unescape(value),
            ("updated", value) => row.updated = moment(value)?,
            ("plus", value) => row.plus = value.parse().ok().filter(|plus| (0..=1_000_000_000).contains(plus))?,
            ("seen", value) => row.seen = Some(moment(value)?),
            ("gone", value) => row.gone = Some(moment(value)?),
            // A later version's word.
            _ => {}
        }
    }
    Some(row)
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    // What lies beyond could be written, but not read back.
    (1..=9999).contains(&at.year()).then_some(at)
}

fn escape(text: &str) -> String {
    if !text.contains(['\\', '\t', '\n', '\r']) {
        return text.to_string();
    }
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
