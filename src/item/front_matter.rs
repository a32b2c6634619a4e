//! Front matter: YAML between `---`, TOML between `+++`, JSON in `{ }`, and Pelican's header lines without fences.
//!
//! A fence may name its language, as Eleventy lets it: `---json`, `---toml`, `---js` (an object literal, read key by
//! key). Everything becomes one JSON-shaped document with its keys as written.
//!
//! Promises: no text panics; a problem has its line and column in the *file*; the same key twice is an error that
//! names the second one's line.
//!
//! BUGS: Org's `#+title:` lines and reStructuredText's `:title:` lines are not read.

mod header;
mod locate;
mod others;
mod quick;
mod tabs;
mod value;
mod yaml;

use std::ops::Range;

use super::Data;
use crate::problem::{Problem, Source};

pub use locate::place_of;
pub use value::from_yaml;

/// How a file spells its front matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Toml,
    Json,
    /// A JavaScript object literal.
    Script,
    /// `Title: …` lines up to the first empty one; every value is text, keys are in lower case.
    Header,
}

/// Front matter found, not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub format: Format,
    /// The bytes of the file's text that hold it, without the fences.
    pub range: Range<usize>,
    /// Where the body starts.
    pub body_start: usize,
}

/// Front matter, read.
#[derive(Clone, Debug)]
pub struct FrontMatter {
    pub data: Data,
    pub format: Format,
    pub body_start: usize,
    /// Warnings only: what was passed over in it.
    pub warnings: Vec<Problem>,
}

/// Finds and reads a file's front matter; `Ok(None)` when it has none.
pub fn read(source: &Source) -> Result<Option<FrontMatter>, Problem> {
    let Some(block) = find(source)? else { return Ok(None) };
    let mut warnings = Vec::new();
    let data = match block.format {
        Format::Yaml => yaml::read(source, block.range.clone())?,
        Format::Toml => others::toml(source, block.range.clone())?,
        Format::Json => others::json(source, block.range.clone())?,
        Format::Script => others::script(source, block.range.clone(), &mut warnings)?,
        Format::Header => header::read(&source.text[block.range.clone()]),
    };
    Ok(Some(FrontMatter { data, format: block.format, body_start: block.body_start, warnings }))
}

/// Finds a file's front matter without reading it.
pub fn find(source: &Source) -> Result<Option<Block>, Problem> {
    let text = source.text.as_str();
    let first = text.lines().next().unwrap_or("");
    if let Some(language) = first.strip_prefix("---") {
        let format = match language.trim() {
            "" | "yaml" | "yml" => Format::Yaml,
            "json" => Format::Json,
            "toml" => Format::Toml,
            "js" | "javascript" => Format::Script,
            _ => return Ok(None),
        };
        return fenced(source, format, "---").map(Some);
    }
    if first.trim_end() == "+++" {
        return fenced(source, Format::Toml, "+++").map(Some);
    }
    if text.starts_with('{') && matches!(text[1..].trim_start().as_bytes().first(), Some(b'"' | b'}')) {
        return Ok(Some(others::find_json(source)));
    }
    Ok(header::find(text))
}

fn fenced(source: &Source, format: Format, fence: &str) -> Result<Block, Problem> {
    let text = source.text.as_str();
    let start = text.find('\n').map_or(text.len(), |i| i + 1);
    let mut at = start;
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |i| at + i + 1);
        let line = text[at..end].trim_end();
        if line == fence || (line == "..." && fence == "---" && format == Format::Yaml) {
            return Ok(Block { format, range: start..at, body_start: end });
        }
        at = end;
    }
    Err(Problem::error(
        "front-matter-unterminated",
        format!("the front matter is never closed: there is no second `{fence}` line"),
    )
    .label("opened here")
    .help(format!("put a line with only `{fence}` between the front matter and the text"))
    .at(source.place(0..fence.len())))
}

#[cfg(test)]
#[path = "front_matter_tests.rs"]
mod tests;
