//! Where a key of a YAML file stands in its text.
//!
//! The YAML parser gives values without positions; this finds them again. It follows a path of keys and indexes through
//! block and flow mappings and sequences, by indentation and by brackets, quotes and comments minded.
//!
//! Promises: never fails; what it cannot follow is answered with the nearest parent that it found.
//!
//! BUGS: anchors and aliases, `? complex` keys and quoted text that goes on at a lower indentation are not followed.

use std::ops::Range;

/// One step down a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
}

impl From<&str> for Step {
    /// Digits are an index: no key of a configuration is a number.
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Step::Key(text.to_string()), Step::Index)
    }
}

/// The byte ranges of a key and of what stands behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub key: Range<usize>,
    /// The value's first line, without its comment; empty when nothing stands there.
    pub value: Range<usize>,
}

/// Finds the place of `path`; an empty path is the start of the document.
pub fn locate(text: &str, path: &[Step]) -> Found {
    let start = document_start(text);
    let mut region = start..text.len();
    let mut found = Found { key: start..start, value: first_line(text, region.clone()) };
    for step in path {
        let next = match step {
            Step::Key(key) => entries(text, region.clone()).into_iter().find(|e| e.name == *key),
            Step::Index(index) => elements(text, region.clone()).into_iter().nth(*index),
        };
        let Some(entry) = next else { break };
        region = entry.value.clone();
        found = Found { key: entry.key, value: first_line(text, entry.value) };
    }
    found
}

struct Entry {
    name: String,
    key: Range<usize>,
    value: Range<usize>,
}

/// Behind a `---` line.
fn document_start(text: &str) -> usize {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if content == "---" {
            return offset + line.len();
        }
        if !(content.is_empty() || content.starts_with('#') || content.starts_with('%')) {
            break;
        }
        offset += line.len();
    }
    0
}

/// Where the first thing that is neither space nor comment starts.
fn content_start(text: &str, region: &Range<usize>) -> Option<usize> {
    let mut offset = region.start;
    while offset < region.end {
        let rest = &text[offset..region.end];
        let first = rest.chars().next()?;
        if first == '#' {
            offset += rest.find('\n').unwrap_or(rest.len());
        } else if first.is_whitespace() {
            offset += first.len_utf8();
        } else {
            return Some(offset);
        }
    }
    None
}

fn first_line(text: &str, region: Range<usize>) -> Range<usize> {
    let Some(start) = content_start(text, &region) else { return region.start..region.start };
    let line = text[start..region.end].lines().next().unwrap_or("");
    start..start + plain_length(line)
}

/// The length of a line without its comment and the space before it.
fn plain_length(line: &str) -> usize {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(q) if c == q && !(q == '"' && before == '\\') => quote = None,
            Some(_) => {}
            None if (c == '"' || c == '\'') && (before.is_whitespace() || "[{,:".contains(before)) => quote = Some(c),
            None if c == '#' && before.is_whitespace() => return line[..at].trim_end().len(),
            None => {}
        }
        before = c;
    }
    line.trim_end().len()
}

fn entries(text: &str, region: Range<usize>) -> Vec<Entry> {
    let Some(start) = content_start(text, &region) else { return Vec::new() };
    if text[start..].starts_with('{') {
        return flow_parts(text, start..region.end).into_iter().filter_map(|part| key_of(text, part)).collect();
    }
    block_parts(text, start, region.end, false).into_iter().filter_map(|part| key_of(text, part)).collect()
}

fn elements(text: &str, region: Range<usize>) -> Vec<Entry> {
    let Some(start) = content_start(text, &region) else { return Vec::new() };
    let parts = if text[start..].starts_with('[') {
        flow_parts(text, start..region.end)
    } else if text[start..].starts_with('-') {
        block_parts(text, start, region.end, true).into_iter().map(|p| (p.start + 1).min(p.end)..p.end).collect()
    } else {
        Vec::new()
    };
    let element = |value: Range<usize>| Entry { name: String::new(), key: first_line(text, value.clone()), value };
    parts.into_iter().map(element).collect()
}

/// The parts of a block mapping or sequence: each from its first character to the next one's.
fn block_parts(text: &str, start: usize, end: usize, sequence: bool) -> Vec<Range<usize>> {
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let indent = text[line_start..start].chars().count();
    let mut starts = vec![start];
    let mut offset = text[start..end].find('\n').map_or(end, |i| start + i + 1);
    let mut stop = end;
    while offset < end {
        let line_end = text[offset..end].find('\n').map_or(end, |i| offset + i + 1);
        let line = &text[offset..line_end];
        let content = line.trim_start_matches(' ');
        let depth = line.len() - content.len();
        let blank = content.trim().is_empty() || content.starts_with('#');
        if !blank && depth < indent {
            stop = offset;
            break;
        }
        // A sequence may stand at the indentation of its own key.
        let dash = content.starts_with("- ") || content.trim_end() == "-";
        if !blank && depth == indent && dash == sequence {
            starts.push(offset + depth);
        } else if !blank && depth == indent && sequence {
            stop = offset;
            break;
        }
        offset = line_end;
    }
    starts.push(stop);
    starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// The parts between the brackets of a flow mapping or sequence, at their own depth.
fn flow_parts(text: &str, region: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut depth = 0;
    let mut quote = None;
    let mut before = ' ';
    let mut part = region.start + 1;
    for (at, c) in text[region.clone()].char_indices() {
        let at = region.start + at;
        match quote {
            Some(q) if c == q && !(q == '"' && before == '\\') => quote = None,
            Some(_) => {}
            None => match c {
                '"' | '\'' if before.is_whitespace() || "[{,:".contains(before) => quote = Some(c),
                '[' | '{' => depth += 1,
                ']' | '}' => {
                    depth -= 1;
                    if depth == 0 {
                        parts.push(part..at);
                        return parts;
                    }
                }
                ',' if depth == 1 => {
                    parts.push(part..at);
                    part = at + 1;
                }
                _ => {}
            },
        }
        before = c;
    }
    parts.push(part..region.end);
    parts
}

/// Reads `key: value` at the start of a part.
fn key_of(text: &str, part: Range<usize>) -> Option<Entry> {
    let start = content_start(text, &part)?;
    let rest = &text[start..part.end];
    let (name, length) = match rest.chars().next()? {
        quote @ ('"' | '\'') => {
            let close = rest[1..].find(quote)?;
            (rest[1..1 + close].to_string(), close + 2)
        }
        _ => {
            let mut colons = rest.match_indices(':').map(|(at, _)| at);
            let colon = colons.find(|at| rest[at + 1..].chars().next().is_none_or(char::is_whitespace))?;
            (rest[..colon].trim_end().to_string(), rest[..colon].trim_end().len())
        }
    };
    let colon = rest[length..].find(':')?;
    Some(Entry { name, key: start..start + length, value: start + length + colon + 1..part.end })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# top\nsite:\n  url: https://example.org/  # the address\n  author: { name: \"A, B: c\", email: x@example.org }\ncontent:\n  paths:\n  - posts\n  - news\n  quotes: [\"«\", '»', x]\n  shortcodes:\n    a: |\n      url: no\n    b: yes\nmail: {}\n";

    fn at(path: &str) -> (&'static str, &'static str) {
        let steps: Vec<Step> = path.split('.').map(Step::from).collect();
        let found = locate(TEXT, &steps);
        (&TEXT[found.key], &TEXT[found.value])
    }

    #[test]
    fn keys_of_block_and_flow_mappings_are_found() {
        assert_eq!(at("site.url"), ("url", "https://example.org/"));
        assert_eq!(at("site.author.name"), ("name", "\"A, B: c\""));
        assert_eq!(at("site.author.email"), ("email", "x@example.org"));
        assert_eq!(at("content.paths.1"), ("news", "news"));
        assert_eq!(at("content.quotes.1"), ("'»'", "'»'"));
        assert_eq!(at("content.shortcodes.b"), ("b", "yes"));
        assert_eq!(at("mail"), ("mail", "{}"));
    }

    #[test]
    fn what_is_not_there_is_answered_with_its_parent() {
        assert_eq!(at("content.markdown.html").0, "content");
        assert_eq!(at("content.shortcodes.a.url").0, "a");
        assert_eq!(at("nothing").0, "");
    }

    #[test]
    fn any_text_is_survived() {
        for text in ["", "{", "a: [", "- - -", "'", "a:\n\tb: 1", "{a: 'b", "é: «", "---", "? a\n: b"] {
            for path in [vec![Step::Key("a".into()), Step::Key("b".into())], vec![Step::Index(1)], vec![]] {
                let found = locate(text, &path);
                assert!(text.get(found.key).is_some() && text.get(found.value).is_some(), "{text:?}");
            }
        }
    }
}
