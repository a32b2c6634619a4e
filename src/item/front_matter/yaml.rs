//! YAML front matter, and what to say when it is not YAML.

use std::ops::Range;

use serde_json::Value;

use super::value::{duplicate_in, from_yaml};
use super::{Data, Format, locate, quick, tabs};
use crate::problem::{Problem, Source};

pub(super) fn read(source: &Source, range: Range<usize>) -> Result<Data, Problem> {
    let text = &source.text[range.clone()];
    if let Some(data) = quick::read(text) {
        return Ok(data);
    }
    if text.contains('\t')
        && let Some(at) = tabs::stray(text)
    {
        let at = range.start + at;
        return Err(Problem::error("front-matter-syntax", "a tab stands where YAML allows only spaces")
            .label("a tab")
            .help("delete it, or write spaces in its place")
            .at(source.place(at..at + 1)));
    }
    if let Some(at) = too_deep(text) {
        let at = range.start + at;
        return Err(Problem::error("front-matter-syntax", "brackets are nested too deep")
            .label("here")
            .help("close them")
            .at(source.place(at..at + 1)));
    }
    match from_yaml(text) {
        Ok(Value::Object(data)) => Ok(data),
        Ok(Value::Null) => Ok(Data::new()),
        Ok(other) => Err(Problem::error("front-matter-syntax", "the front matter is not made of `key: value` lines")
            .label(format!("this is {}", kind(&other)))
            .help("write each thing as `key: value`, with a space after the colon")
            .at(first_line(source, range))),
        Err(error) => Err(explain(source, range, &error)),
    }
}

/// Where brackets are nested deeper than anybody means: the YAML reader's time grows with the square of the depth.
fn too_deep(text: &str) -> Option<usize> {
    const DEEPEST: usize = 400;
    if text.len() < DEEPEST {
        return None;
    }
    let mut depth = 0usize;
    text.bytes().position(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        Value::Number(_) => "a number",
        _ => "a value",
    }
}

fn first_line(source: &Source, range: Range<usize>) -> crate::problem::Place {
    let text = &source.text[range.clone()];
    let skipped = text.len() - text.trim_start().len();
    source.place(range.start + skipped..range.end)
}

fn explain(source: &Source, range: Range<usize>, error: &serde_yaml::Error) -> Problem {
    let text = &source.text[range.clone()];
    let message = error.to_string();
    if let Some(key) = duplicate_in(&message) {
        return locate::duplicate(source, range, key, Format::Yaml);
    }
    if let Some((at, character)) = text.char_indices().find(|(_, c)| forbidden(*c)) {
        let at = range.start + at;
        return Problem::error(
            "front-matter-syntax",
            format!("the front matter holds U+{:04X}, which no text should", u32::from(character)),
        )
        .label("here, though it may be invisible")
        .help("delete this character")
        .at(source.place(at..at + character.len_utf8()));
    }
    let (mut at, wrong_end) = position(text, error);
    if message.contains("could not find expected ':'") {
        // It is said of the line after the one that lacks it.
        let before = text[..at].trim_end_matches(|c| c != '\n').trim_end();
        at = before.rfind('\n').map_or(0, |i| i + 1);
    }
    let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    if let Some(problem) = never_closed(source, &range, line_start) {
        return problem;
    }
    let (message, label, help) = advise(text, line_start, &message);
    let at = range.start + at.min(wrong_end);
    Problem::error("front-matter-syntax", message).label(label).help(help).at(source.place(at..at + 1))
}

/// Where the error is; never past the last line that holds something.
fn position(text: &str, error: &serde_yaml::Error) -> (usize, usize) {
    let end = text.trim_end().len();
    let mut at = match error.location() {
        Some(location) => {
            let line_start: usize =
                text.split_inclusive('\n').take(location.line().saturating_sub(1)).map(str::len).sum();
            let line = &text[line_start..];
            line_start + line.char_indices().nth(location.column().saturating_sub(1)).map_or(line.len(), |(i, _)| i)
        }
        None => 0,
    };
    at = at.min(end);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    (at, end)
}

fn forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}')
}

/// A text or a list that opens and never closes: the parser notices a line or more after it began, and people look for it
/// where it began.
fn never_closed(source: &Source, range: &Range<usize>, line_start: usize) -> Option<Problem> {
    let text = &source.text[range.clone()];
    let before = text[..line_start].trim_end();
    for start in [line_start, before.rfind('\n').map_or(0, |at| at + 1)] {
        let line = text[start..].lines().next().unwrap_or("");
        let Some((key, value)) = line.split_once(':') else { continue };
        let opened = start + key.len() + 1 + (value.len() - value.trim_start().len());
        let (key, value) = (key.trim(), value.trim());
        let (what, open, close) = match value.chars().next() {
            Some('"') => ("text", '"', '"'),
            Some('\'') => ("text", '\'', '\''),
            Some('[') => ("list", '[', ']'),
            Some('{') => ("map", '{', '}'),
            _ => continue,
        };
        if !value[1..].contains(close) {
            let at = range.start + opened;
            return Some(
                Problem::error(
                    "front-matter-syntax",
                    format!("the {what} after `{key}` opens a {open} that is not closed"),
                )
                .label("opened here")
                .help(format!("close it: {key}: {value}{close}"))
                .at(source.place(at..at + 1)),
            );
        }
    }
    None
}

/// Message, label and help, for what people get wrong most.
fn advise(text: &str, line_start: usize, message: &str) -> (String, String, String) {
    let line = text[line_start..].lines().next().unwrap_or("");
    // A quoted text that goes on, or never ends, is often reported a line or more after it began.
    let before = text[..line_start].trim_end();
    let lines = [line, before.rsplit('\n').next().unwrap_or("")];
    for candidate in lines {
        let Some((key, value)) = candidate.split_once(':') else { continue };
        let (key, value) = (key.trim_end(), value.trim());
        if value.starts_with('"') || value.starts_with('\'') {
            let quote = &value[..1];
            let inner = &value[1..];
            let closed = inner.find(quote);
            if closed.is_some_and(|at| !inner[at + 1..].trim_start().starts_with('#') && at + 1 < inner.len()) {
                return (
                    format!("the text after `{}` goes on after its closing {quote}", key.trim()),
                    "not expected after the closing quote".to_string(),
                    format!("quote the whole value: {key}: {}", quoted(value)),
                );
            }
        }
    }
    if message.contains("mapping values are not allowed")
        && let Some((key, value)) = line.split_once(':')
    {
        return (
            "a value that holds a colon and a space must stand between quotes".to_string(),
            "this starts a second `key: value` on the line".to_string(),
            format!("quote the value: {}: {}", key.trim_end(), quoted(value.trim())),
        );
    }
    if let Some((key, value)) = line.split_once(':')
        && let Some(first) = value.trim().chars().next()
        && "@`%&*!|>{}[],?".contains(first)
    {
        return (
            format!("a value cannot begin with `{first}` like this"),
            "not expected here".to_string(),
            format!("quote the value: {}: {}", key.trim_end(), quoted(value.trim())),
        );
    }
    if !line.trim().is_empty() && !line.contains(':') && !line.trim_start().starts_with(['-', '#']) {
        return (
            "this line is no `key: value`".to_string(),
            "a `:` was expected".to_string(),
            "write `key: value`; indent the line if it goes on with the value before it".to_string(),
        );
    }
    let words = message.split(" at line ").next().unwrap_or("").trim_end_matches([',', ' ']);
    (
        format!("the front matter is not valid YAML: {words}"),
        "the reading stopped here".to_string(),
        "look at the quotes and the indentation of this line and of the one before it".to_string(),
    )
}

/// A text as YAML takes it whatever it holds, with what quotes it has kept.
fn quoted(value: &str) -> String {
    if value.contains('"') {
        format!("'{}'", value.replace('\'', "''"))
    } else {
        format!("\"{}\"", value.replace('\\', "\\\\"))
    }
}
