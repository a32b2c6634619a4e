//! TOML, JSON and JavaScript front matter.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;

use super::value::{Node, duplicate_in};
use super::{Block, Data, Format, locate};
use crate::item::object_literal;
use crate::problem::{Problem, Severity, Source};

pub(super) fn toml(source: &Source, range: Range<usize>) -> Result<Data, Problem> {
    let text = &source.text[range.clone()];
    text.parse::<toml::Table>()
        .map(|table| table.into_iter().map(|(key, value)| (key, plain(value))).collect())
        .map_err(|error| {
            let at = error.span().unwrap_or(0..1);
            let message = error.message();
            if message.contains("duplicate") {
                let key = text.get(at.clone()).unwrap_or("").trim_matches(['"', '\'']);
                let shown = key.lines().next().unwrap_or("").trim();
                return Problem::error(
                    "front-matter-duplicate-key",
                    format!("the key `{shown}` stands twice in the front matter"),
                )
                .label("the second one")
                .help("keep one of the two")
                .at(source.place(range.start + at.start..range.start + at.end));
            }
            Problem::error(
                "front-matter-syntax",
                format!("the front matter is not valid TOML: {}", message.lines().next().unwrap_or("")),
            )
            .label("the reading stopped here")
            .help("texts stand between quotes (title = \"…\"), lists in [ ], dates bare (2024-07-25)")
            .at(source.place(range.start + at.start..range.start + at.end.max(at.start + 1)))
        })
}

fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => {
            serde_json::Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
        }
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(values) => Value::Array(values.into_iter().map(plain).collect()),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, plain(value))).collect())
        }
    }
}

/// JSON front matter ends where its object does; a broken one reaches to the end of the text, to be explained.
pub(super) fn find_json(source: &Source) -> Block {
    let mut stream = serde_json::Deserializer::from_str(&source.text).into_iter::<serde::de::IgnoredAny>();
    let end = match stream.next() {
        Some(Ok(_)) => stream.byte_offset(),
        _ => source.text.len(),
    };
    let rest = &source.text[end..];
    let line_end = rest.find('\n').map_or(rest.len(), |i| i + 1);
    let body_start = if rest[..line_end].trim().is_empty() { end + line_end } else { end };
    Block { format: Format::Json, range: 0..end, body_start }
}

pub(super) fn json(source: &Source, range: Range<usize>) -> Result<Data, Problem> {
    let text = &source.text[range.clone()];
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let error = match Node::deserialize(&mut deserializer) {
        Ok(Node(Value::Object(data))) => return Ok(data),
        Ok(_) => {
            return Err(Problem::error("front-matter-syntax", "the front matter is not a JSON object")
                .help("write it as { \"title\": \"…\", \"date\": \"…\" }")
                .at(source.place(range)));
        }
        Err(error) => error,
    };
    let message = error.to_string();
    if let Some(key) = duplicate_in(&message) {
        return Err(locate::duplicate(source, range, key, Format::Json));
    }
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = range.start + (line_start + error.column().saturating_sub(1)).min(text.trim_end().len());
    let words = message.split(" at line ").next().unwrap_or("");
    let help = if words.contains("trailing comma") {
        "delete the comma before the closing bracket"
    } else if error.is_eof() {
        "close every { and [ and every quote"
    } else {
        "look at the commas and the quotes just before"
    };
    Err(Problem::error("front-matter-syntax", format!("the front matter is not valid JSON: {words}"))
        .label("the reading stopped here")
        .help(help)
        .at(source.place(at..at + 1)))
}

pub(super) fn script(source: &Source, range: Range<usize>, warnings: &mut Vec<Problem>) -> Result<Data, Problem> {
    let literal = object_literal::read_expression(source, range.clone())
        .map_err(|problem| Problem { severity: Severity::Error, ..problem })?;
    warnings.extend(literal.warnings);
    match literal.value {
        Value::Object(data) => Ok(data),
        _ => Err(Problem::error("front-matter-syntax", "the front matter is not a JavaScript object")
            .help("write it as { title: \"…\", date: \"…\" }")
            .at(source.place(range))),
    }
}
