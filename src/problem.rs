//! What a person must mend: where it is, what is wrong, and how to mend it.
//!
//! Every module that reads what people wrote reports here instead of stopping: a [`Problem`] is a value, all of one
//! run are collected in [`Problems`], and one bad file never stops the others. A problem carries the line that it is
//! about, so that it can be shown like a compiler's message without reading the file again.
//!
//! Promises: lines and columns are counted from 1, in characters, in the *file* (front matter fences and byte order
//! mark included). Does not print: `cli::report` does.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use serde::Serialize;

/// Whether a problem stops what it is about (an item, a feed, a newsletter) or only deserves a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// Where in a file a problem is, with the line itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path as shown to people: relative to the project's folder, with `/`.
    pub file: String,
    /// Line from 1; `None` when the whole file is meant.
    pub line: Option<usize>,
    /// Column from 1, in characters.
    pub column: Option<usize>,
    /// How many characters the caret covers, at least 1.
    pub width: usize,
    /// The line's text, without its line break.
    pub text: Option<String>,
}

impl Place {
    /// The whole of a file.
    pub fn file(file: impl Into<String>) -> Self {
        Place { file: file.into(), line: None, column: None, width: 1, text: None }
    }
}

/// One thing that a person must mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// A stable kebab-case name, for filters and tests: `front-matter-syntax`, `unknown-key`, …
    pub code: &'static str,
    /// What is wrong, in one sentence without a final full stop.
    pub message: String,
    /// What was expected there: the words beside the caret.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Why it matters, to whom; said to those who ask for more.
    pub explanation: Option<String>,
    pub place: Option<Place>,
}

impl Problem {
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Problem {
            severity: Severity::Error,
            code,
            message: message.into(),
            label: None,
            help: None,
            explanation: None,
            place: None,
        }
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Problem { severity: Severity::Warning, ..Problem::error(code, message) }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// A problem about a file as a whole.
    pub fn in_file(self, file: impl Into<String>) -> Self {
        self.at(Place::file(file))
    }
}

impl fmt::Display for Problem {
    /// One line: `posts/a.md:3:7: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:", place.file)?;
            if let (Some(line), column) = (place.line, place.column) {
                write!(f, "{line}:")?;
                if let Some(column) = column {
                    write!(f, "{column}:")?;
                }
            }
            write!(f, " ")?;
        }
        write!(f, "{}", self.message)
    }
}

/// The text of one file with the name that people know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Relative to the project's folder, with `/`.
    pub path: String,
    /// The whole file, decoded, byte order mark removed, line breaks as they were.
    pub text: Text,
}

/// A text, or a part of a longer one that others share.
///
/// Ten thousand texts of 2 kB, each in a piece of memory of its own, cost more to make room for than to read: whoever
/// reads many files puts their texts together.
#[derive(Clone)]
pub struct Text {
    whole: Arc<String>,
    part: Range<usize>,
}

impl Text {
    /// A part of a text; `None` where that is none, or would cut a character.
    pub fn part(whole: &Arc<String>, part: Range<usize>) -> Option<Self> {
        whole.get(part.clone())?;
        Some(Text { whole: whole.clone(), part })
    }

    pub fn as_str(&self) -> &str {
        // `part` and the two below make no other ranges.
        self.whole.get(self.part.clone()).unwrap_or("")
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text { part: 0..text.len(), whole: Arc::new(text) }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text::from(text.to_string())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Source {
    pub fn new(path: impl Into<String>, text: impl Into<Text>) -> Arc<Self> {
        Arc::new(Source { path: path.into(), text: text.into() })
    }

    /// The place of a byte range of the text. A range that starts past the end means the end; one that spans several
    /// lines is cut at the end of its first line.
    pub fn place(&self, range: Range<usize>) -> Place {
        let start = floor_char_boundary(&self.text, range.start);
        let end = floor_char_boundary(&self.text, range.end.max(range.start));
        let line_start = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |i| start + i);
        let line = self.text[..line_start].bytes().filter(|b| *b == b'\n').count() + 1;
        let text = self.text[line_start..line_end].trim_end_matches('\r');
        let column = self.text[line_start..start].chars().count() + 1;
        let width = self.text[start..end.clamp(start, line_end)].trim_end().chars().count().max(1);
        Place { file: self.path.clone(), line: Some(line), column: Some(column), width, text: Some(text.to_string()) }
    }

    /// The place of a line and a column, both from 1, in characters.
    pub fn place_at(&self, line: usize, column: usize) -> Place {
        let text = self.text.lines().nth(line.saturating_sub(1)).unwrap_or("").to_string();
        Place { file: self.path.clone(), line: Some(line), column: Some(column.max(1)), width: 1, text: Some(text) }
    }
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// All problems of one run, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|p| p.severity == Severity::Error)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Sorts by file, line and column, problems without a place last, and drops exact repetitions.
    pub fn sort(&mut self) {
        fn key(p: &Problem) -> (bool, &str, usize, usize) {
            match &p.place {
                Some(place) => (false, &place.file, place.line.unwrap_or(0), place.column.unwrap_or(0)),
                None => (true, "", 0, 0),
            }
        }
        self.0.sort_by(|a, b| key(a).cmp(&key(b)));
        self.0.dedup();
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<T: IntoIterator<Item = Problem>>(iter: T) -> Self {
        Problems(iter.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters_from_one_in_the_file() {
        let source = Source::new("posts/a.md", "---\r\ntitle: é: x\r\n---\r\n");
        let at = source.text.find(": x").expect("in the text");
        let place = source.place(at..at + 1);
        assert_eq!((place.line, place.column, place.width), (Some(2), Some(9), 1));
        assert_eq!(place.text.as_deref(), Some("title: é: x"));
    }

    #[test]
    fn a_range_past_the_end_is_the_end() {
        let place = Source::new("a", "x").place(40..50);
        assert_eq!((place.line, place.column), (Some(1), Some(2)));
    }
}
