//! Header lines without fences, as Pelican and MultiMarkdown have them: `Title: …` up to the first empty line, longer
//! values going on in indented lines.

use serde_json::Value;

use super::{Block, Data, Format};

/// Only a text that says its title or its date this way has such a header: any other may begin with a word and a colon.
pub(super) fn find(text: &str) -> Option<Block> {
    let mut at = 0;
    let mut known = false;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.trim().is_empty() {
            break;
        }
        match key_and_value(line) {
            Some((key, _)) => known |= ["title", "date"].iter().any(|name| key.eq_ignore_ascii_case(name)),
            None if number > 0 && line.starts_with([' ', '\t']) => {}
            None => return None,
        }
        at += line.len();
    }
    known.then(|| {
        let empty = text[at..].find('\n').map_or(text.len() - at, |i| i + 1);
        Block { format: Format::Header, range: 0..at, body_start: at + empty }
    })
}

pub(super) fn read(text: &str) -> Data {
    let mut data = Data::new();
    let mut last = String::new();
    for line in text.lines() {
        if let Some((key, value)) = key_and_value(line) {
            last = key.to_ascii_lowercase();
            // Said twice, the values add up, as Python-Markdown has it.
            append(&mut data, &last, value);
        } else {
            append(&mut data, &last, line.trim());
        }
    }
    data
}

fn append(data: &mut Data, key: &str, value: &str) {
    match data.get_mut(key) {
        Some(Value::String(text)) => {
            if !text.is_empty() && !value.is_empty() {
                text.push(' ');
            }
            text.push_str(value);
        }
        _ => {
            data.insert(key.to_string(), Value::String(value.to_string()));
        }
    }
}

fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let valid = key.bytes().next()?.is_ascii_alphabetic()
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && (value.is_empty() || value.starts_with(char::is_whitespace));
    valid.then(|| (key, value.trim()))
}
