//! Where a key stands in the file: looked for only when there is something to say about it.

use std::ops::Range;

use super::{Format, find};
use crate::problem::{Place, Problem, Source};

/// The place of a top-level key's value, else of the key, else of the first line.
pub fn place_of(source: &Source, key: &str) -> Place {
    let found = find(source).ok().flatten().and_then(|block| {
        let text = &source.text[block.range.clone()];
        let (line, _) = keys(text, key, block.format).into_iter().min_by_key(|(_, indent)| *indent)?;
        Some(value_range(text, line, key, block.range.start))
    });
    source.place(found.unwrap_or(0..source.text.lines().next().unwrap_or("").len().max(1)))
}

/// The range of what follows the key on its line, or of the line when nothing does.
fn value_range(text: &str, line: Range<usize>, key: &str, base: usize) -> Range<usize> {
    let content = text[line.clone()].trim_end().trim_end_matches(',');
    let after_key = content.find(key).map_or(0, |at| at + key.len());
    let value = content[after_key..]
        .find([':', '='])
        .map(|at| after_key + at + 1)
        .map(|at| at + content[at..].len() - content[at..].trim_start().len())
        .filter(|at| *at < content.len());
    let start = value.unwrap_or(content.len() - content.trim_start().len());
    base + line.start + start..base + line.start + content.len()
}

/// The lines that begin with the key, with their indentation.
fn keys(text: &str, key: &str, format: Format) -> Vec<(Range<usize>, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start().trim_start_matches("- ").trim_start();
        let unquoted = trimmed.trim_start_matches(['"', '\'']);
        let same = match unquoted.get(..key.len()) {
            Some(start) if format == Format::Header => start.eq_ignore_ascii_case(key),
            Some(start) => start == key,
            None => false,
        };
        if same && !key.is_empty() {
            let rest = unquoted[key.len()..].trim_start_matches(['"', '\'']).trim_start();
            if rest.starts_with([':', '=']) {
                found.push((at..at + line.len(), line.len() - trimmed.len()));
            }
        }
        at += line.len();
    }
    found
}

/// The same key twice in one map: the second one's line.
pub(super) fn duplicate(source: &Source, block: Range<usize>, key: &str, format: Format) -> Problem {
    let lines = keys(&source.text[block.clone()], key, format);
    // The first two at one depth; a deeper map in between does not count.
    let second = lines.iter().enumerate().find_map(|(index, (line, indent))| {
        lines[..index].iter().any(|(_, other)| other == indent).then(|| line.clone())
    });
    let mut problem =
        Problem::error("front-matter-duplicate-key", format!("the key `{key}` stands twice in the front matter"))
            .help("keep one of the two");
    if let Some(line) = second {
        let start = block.start + line.start;
        let indent = source.text[start..].len() - source.text[start..].trim_start().len();
        problem = problem.label("the second one").at(source.place(start + indent..start + indent + key.len()));
        if let Some((first, _)) = lines.first() {
            let number = source.text[..block.start + first.start].bytes().filter(|b| *b == b'\n').count() + 1;
            problem = problem.help(format!("keep one of the two; the first one is on line {number}"));
        }
    } else {
        problem = problem.at(source.place(block));
    }
    problem
}
