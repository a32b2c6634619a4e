//! From a file's bytes to text: UTF-8 with or without byte order mark, UTF-16 with one.
//!
//! Promises: anything else is a [`Problem`] that names the first byte that could not be read, its offset, its line and
//! its column. Line breaks stay as they were, but a file that knows only the old lone CR gets LF in their place, so
//! that everybody after this module finds its lines.
//!
//! Does not guess at other encodings: a guess that is wrong once is a wrong letter to everybody.

use crate::problem::{Place, Problem};

/// Decodes the whole of a file and adds its text to another.
pub fn decode_onto(bytes: &[u8], path: &str, onto: &mut String) -> Result<(), Problem> {
    let marked = matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0xEF, 0xBB, 0xBF, ..]);
    match simdutf8::basic::from_utf8(bytes) {
        // What nearly every file is; all else takes the longer way.
        Ok(text) if !marked && !bytes.contains(&0) && !bytes.contains(&b'\r') => onto.push_str(text),
        _ => onto.push_str(&decode(bytes, path)?),
    }
    Ok(())
}

/// Decodes the whole of a file; `path` is the name that people know it by.
pub fn decode(bytes: &[u8], path: &str) -> Result<String, Problem> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes, path),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes, path),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest, 3, path),
        _ => utf8(bytes, 0, path),
    }
    .map(with_line_feeds)
}

fn utf8(bytes: &[u8], skipped: usize, path: &str) -> Result<String, Problem> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => Ok(text.to_string()),
        Ok(_) => Err(problem(bytes, bytes.iter().position(|byte| *byte == 0).unwrap_or(0), skipped, path)),
        Err(error) => Err(problem(bytes, error.valid_up_to(), skipped, path)),
    }
}

fn problem(bytes: &[u8], at: usize, skipped: usize, path: &str) -> Problem {
    let byte = bytes.get(at).copied().unwrap_or(0);
    let before = String::from_utf8_lossy(&bytes[..at]);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let end = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| at + i);
    let rest = String::from_utf8_lossy(&bytes[at..end]);
    let text = format!("{}{}", &before[line_start..], rest.trim_end_matches('\r')).replace('\0', "\u{FFFD}");
    let help = if byte == 0 {
        "save the file as UTF-8; it may be UTF-16 without a byte order mark".to_string()
    } else {
        // Latin-1 and Windows-1252 are what such files nearly always are; naming the letter lets people check.
        format!("save the file as UTF-8; in Windows-1252, which it may be in, this byte is “{}”", char::from(byte))
    };
    Problem::error("encoding", format!("byte 0x{byte:02X} at offset {} is not UTF-8 text", at + skipped))
        .label("this byte")
        .help(if (0x80..0xA0).contains(&byte) { "save the file as UTF-8".to_string() } else { help })
        .at(Place {
            file: path.to_string(),
            line: Some(before.bytes().filter(|b| *b == b'\n').count() + 1),
            column: Some(before[line_start..].chars().count() + 1),
            width: 1,
            text: Some(text),
        })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, path: &str) -> Result<String, Problem> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len());
    let mut offset = 2;
    let mut wrong = None;
    for decoded in char::decode_utf16(units) {
        match decoded {
            Ok('\0') | Err(_) => {
                wrong = Some(offset);
                break;
            }
            Ok(character) => {
                text.push(character);
                offset += character.len_utf16() * 2;
            }
        }
    }
    if wrong.is_none() && bytes.len() % 2 == 1 {
        wrong = Some(bytes.len() + 1);
    }
    let Some(offset) = wrong else { return Ok(text) };
    let byte = bytes.get(offset - 2).copied().unwrap_or(0);
    let line_start = text.rfind('\n').map_or(0, |i| i + 1);
    Err(Problem::error("encoding", format!("byte 0x{byte:02X} at offset {offset} is not UTF-16 text"))
        .label("after this")
        .help("save the file as UTF-8")
        .at(Place {
            file: path.to_string(),
            line: Some(text.bytes().filter(|b| *b == b'\n').count() + 1),
            column: Some(text[line_start..].chars().count() + 1),
            width: 1,
            text: Some(text[line_start..].to_string()),
        }))
}

fn with_line_feeds(text: String) -> String {
    if text.contains('\r') && !text.contains('\n') { text.replace('\r', "\n") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_and_utf16_with_or_without_a_mark_are_the_same_text() {
        let text = "---\ntitle: Été 🎉\n---\n";
        let mut marked = vec![0xEF, 0xBB, 0xBF];
        marked.extend_from_slice(text.as_bytes());
        let mut little = vec![0xFF, 0xFE];
        let mut big = vec![0xFE, 0xFF];
        for unit in text.encode_utf16() {
            little.extend(unit.to_le_bytes());
            big.extend(unit.to_be_bytes());
        }
        for bytes in [text.as_bytes().to_vec(), marked, little, big] {
            assert_eq!(decode(&bytes, "a.md").as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_byte_that_is_not_utf8_is_named_with_its_offset_line_and_column() {
        let problem = decode(b"---\ntitle: caf\xE9 noir\n---\n", "posts/a.md").unwrap_err();
        assert_eq!(problem.message, "byte 0xE9 at offset 14 is not UTF-8 text");
        let place = problem.place.unwrap();
        assert_eq!((place.line, place.column), (Some(2), Some(11)));
        assert_eq!(place.text.as_deref(), Some("title: caf\u{FFFD} noir"));
        assert!(problem.help.unwrap().contains('é'));
    }

    #[test]
    fn utf16_without_a_mark_and_broken_utf16_are_problems() {
        let bare: Vec<u8> = "---".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&bare, "a").unwrap_err().message, "byte 0x00 at offset 1 is not UTF-8 text");
        let lone = [0xFF, 0xFE, b'a', 0, 0x00, 0xD8, b'b', 0];
        assert_eq!(decode(&lone, "a").unwrap_err().message, "byte 0x00 at offset 4 is not UTF-16 text");
        assert_eq!(
            decode(&[0xFE, 0xFF, 0, b'a', 7], "a").unwrap_err().message,
            "byte 0x07 at offset 4 is not UTF-16 text"
        );
    }

    #[test]
    fn lone_carriage_returns_become_line_feeds_and_crlf_stays() {
        assert_eq!(decode(b"a\rb", "a").as_deref(), Ok("a\nb"));
        assert_eq!(decode(b"a\r\nb", "a").as_deref(), Ok("a\r\nb"));
    }
}
