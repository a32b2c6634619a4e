//! The front matter that nearly everybody writes, read without a YAML parser: `key: value` lines, with texts, whole
//! numbers, true and false, and lists of texts. Most files hold nothing else.
//!
//! Promises: it gives what the YAML parser gives, or nothing (a property test holds it); whatever it is not sure of, a
//! mistake above all, it leaves to the parser, which explains it.

use serde_json::Value;

use super::Data;

/// Reads a block of plain front matter; `None`: it is not that plain.
pub(super) fn read(text: &str) -> Option<Data> {
    if !is_plain(text) {
        return None;
    }
    // Room at once: a map that grows leaves holes, 10,000 times.
    let mut data = Data::with_capacity(8);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let length = line.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
        let (key, rest) = line.split_at(length);
        if !is_key(key) || data.contains_key(key) {
            return None;
        }
        let value = rest.strip_prefix(':')?;
        if !value.is_empty() && !value.starts_with(' ') {
            return None;
        }
        let value = value.trim_matches(' ');
        let value = if value.is_empty() {
            let mut values = Vec::new();
            let mut indent = None;
            while let Some((depth, element)) = lines.peek().and_then(|line| list_element(line)) {
                if *indent.get_or_insert(depth) != depth {
                    return None;
                }
                values.push(scalar(element)?);
                lines.next();
            }
            if indent.is_some() { Value::Array(values) } else { Value::Null }
        } else if let Some(list) = value.strip_prefix('[') {
            flow_list(list.strip_suffix(']')?)?
        } else {
            scalar(value)?
        };
        // An indented line goes on with the value, in ways that the parser knows.
        if lines.peek().is_some_and(|next| next.starts_with([' ', '-'])) {
            return None;
        }
        data.insert(key.to_string(), value);
    }
    Some(data)
}

/// Whether YAML takes every character for what it is: no control character, no line break of its own.
fn is_plain(text: &str) -> bool {
    let mut rare = false;
    for byte in text.bytes() {
        if (byte < b' ' && byte != b'\n') || byte == 0x7F {
            return false;
        }
        // What begins so in UTF-8 may be one of those below.
        rare |= matches!(byte, 0xC2 | 0xE2 | 0xEF);
    }
    !rare
        || !text.chars().any(|c| {
            matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        })
}

fn is_key(key: &str) -> bool {
    key.len() < 100 && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !has_meaning(key)
}

/// Words that are no texts in some version of YAML.
fn has_meaning(word: &str) -> bool {
    const WORDS: [&str; 13] =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "infinity", "nan", "~"];
    let begins = word.bytes().next().is_some_and(|first| b"tfnyoi~TFNYOI".contains(&first));
    begins && word.len() <= 8 && WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn list_element(line: &str) -> Option<(usize, &str)> {
    let trimmed = line.trim_start_matches(' ');
    let element = trimmed.strip_prefix("- ")?.trim_matches(' ');
    Some((line.len() - trimmed.len(), element))
}

fn flow_list(inside: &str) -> Option<Value> {
    if inside.trim_matches(' ').is_empty() {
        return Some(Value::Array(Vec::new()));
    }
    if inside.contains(['[', ']', '{', '}', ':', '#', '\\']) {
        return None;
    }
    let values: Option<Vec<Value>> = inside.split(',').map(|element| scalar(element.trim_matches(' '))).collect();
    values.map(Value::Array)
}

fn scalar(text: &str) -> Option<Value> {
    let first = *text.as_bytes().first()?;
    if first == b'"' || first == b'\'' {
        let inside = text.get(1..text.len().checked_sub(1)?)?;
        let closed = text.len() >= 2 && text.as_bytes().last() == Some(&first);
        return (closed && !inside.contains([char::from(first), '\\'])).then(|| Value::from(inside));
    }
    let begins = first.is_ascii_alphanumeric()
        || first == b'/'
        || first >= 0x80
        || text.starts_with("./")
        || text.starts_with("../");
    if !begins || text.ends_with(':') || text.as_bytes().windows(2).any(|two| two == b": " || two == b" #") {
        return None;
    }
    if first.is_ascii_digit() {
        return number_or_date(text);
    }
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ if has_meaning(text) => None,
        _ => Some(Value::from(text)),
    }
}

/// What begins with a digit: a small whole number, a day, or what no number could hold.
fn number_or_date(text: &str) -> Option<Value> {
    let bytes = text.as_bytes();
    if bytes.iter().all(u8::is_ascii_digit) {
        let plain = bytes.len() <= 9 && (bytes.len() == 1 || bytes[0] != b'0');
        return plain.then(|| text.parse::<u64>().ok().map(Value::from)).flatten();
    }
    let is_day = bytes.len() == 10
        && bytes.iter().enumerate().all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
    let no_number = text.contains([' ', ':', '/', ',', '\'', '(']) || !text.is_ascii();
    (is_day || no_number).then(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::value::from_yaml;
    use super::*;

    #[test]
    fn plain_front_matter_is_read() {
        let text = "title: \"One: two\"\ndescription: Été, it's 100% fine\ndate: 2006-01-01T00:00:22Z\nday: 2024-07-25\nimage: ./a b.jpg\n\
                    # remark\nepisode: 3\ndraft: false\ntags:\n  - a\n  - 'b c'\nauthors:\n- x\nnothing:\nflow: [a, \"b\"]\nempty: []\n";
        let expected = json!({ "title": "One: two", "description": "Été, it's 100% fine", "date": "2006-01-01T00:00:22Z", "day": "2024-07-25",
            "image": "./a b.jpg", "episode": 3, "draft": false, "tags": ["a", "b c"], "authors": ["x"], "nothing": null, "flow": ["a", "b"], "empty": [] });
        assert_eq!(read(text).map(Value::Object), Some(expected));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        /// Whatever is read here, the YAML parser reads the same.
        #[test]
        fn what_is_read_quickly_is_what_yaml_says(lines in proptest::collection::vec(
            "((title|a|b-c|d_e|yes|null|f1):?( |  )?|  ?- ?|- |# |  )(\"[a :#'é,-]{0,6}\"|'[a :#\",]{0,5}'|[a-z0-9 :#,'\"/.é«+~_xeEoT-]{0,9}|\\[[a ,'\"0-9.-]{0,8}\\]|[0-9]{1,4}(-[0-9]{1,2}){0,2}|[0-9]{0,2}\\.?[0-9]e?[0-9]?|\\.{1,2}/a?|0x1f|0o7|1_0|true|Null|\\.inf|NaN|&a|\\*a|!t a|\\||>|@|%|\\{\\}|<<)?( |:| #x)?", 0..6,
        )) {
            let text = lines.join("\n");
            if let Some(data) = read(&text) {
                let yaml = from_yaml(&text);
                let expected = match yaml {
                    Ok(Value::Null) => Some(Value::Object(Data::new())),
                    Ok(value) => Some(value),
                    Err(_) => None,
                };
                prop_assert_eq!(Some(Value::Object(data)), expected, "{}", text);
            }
        }

        #[test]
        fn any_text_is_read_as_yaml_reads_it(text in "(a: (\\PC|[\u{0}-\u{ff}\u{2028}\u{feff}]){0,8}\n?){0,3}") {
            if let Some(data) = read(&text) {
                prop_assert_eq!(Some(Value::Object(data)), from_yaml(&text).ok().map(|value| if value.is_null() { Value::Object(Data::new()) } else { value }));
            }
        }
    }
}
