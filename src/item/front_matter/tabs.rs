//! Tabs outside quotes, which some YAML parsers take and others refuse: refused here, so that the site's generator and
//! we never read two different things.

/// The first tab that stands where YAML wants spaces: not in quotes, in a comment, in a block text (`|`, `>`), or alone
/// on its line.
pub(super) fn stray(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut block: Option<usize> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let at = start;
        start += line.len();
        if content.trim().is_empty() {
            continue;
        }
        let indent = content.len() - content.trim_start_matches(' ').len();
        if quote.is_none() && block.is_some_and(|outer| indent > outer) {
            continue;
        }
        block = None;
        if let Some(tab) = scan(content, &mut quote) {
            return Some(at + tab);
        }
        if quote.is_none() && opens_block(content) {
            block = Some(indent);
        }
    }
    None
}

fn scan(line: &str, quote: &mut Option<u8>) -> Option<usize> {
    let bytes = line.as_bytes();
    let mut before = b' ';
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match *quote {
            Some(b'"') if byte == b'\\' => at += 1,
            Some(open) if byte == open => *quote = None,
            Some(_) => {}
            None => match byte {
                b'\t' => return Some(at),
                b'#' if before == b' ' => return None,
                // Elsewhere a quote is an apostrophe.
                b'"' | b'\'' if matches!(before, b' ' | b'[' | b'{' | b',') && starts_a_value(&bytes[..at]) => {
                    *quote = Some(byte)
                }
                _ => {}
            },
        }
        before = byte;
        at += 1;
    }
    None
}

/// Whether what stands before a quote leaves it at a value's or a key's beginning.
fn starts_a_value(before: &[u8]) -> bool {
    let trimmed = before.trim_ascii_end();
    trimmed.is_empty() || matches!(trimmed.last(), Some(b':' | b'-' | b'[' | b'{' | b',' | b'?'))
}

/// Whether a line ends in `|` or `>`, with its marks.
fn opens_block(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let marks = line.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    marks.strip_suffix(['|', '>']).is_some_and(|rest| rest.ends_with([' ', ':', '-']))
}

#[cfg(test)]
mod tests {
    use super::stray;

    #[test]
    fn only_tabs_where_spaces_belong_are_stray() {
        assert_eq!(stray("authors:\n- melody\t\t\n"), Some(17));
        assert_eq!(stray("a:\tb\n"), Some(2));
        assert_eq!(stray("a:\n\tb: c\n"), Some(3));
        for fine in [
            "a: \"x\ty\"\nb: 'x\ty'\n",
            "a: b # c\td\n",
            "a: |\n  x\ty\n\n  z\t\nb: c\n",
            "a: >-\n  x\ty\n",
            "a: \"two\n  lines\there\"\n",
            "a: b\n\t\nc: d\n",
            "[\"a\tb\", 'c\td']\n",
        ] {
            assert_eq!(stray(fine), None, "{fine:?}");
        }
        assert_eq!(stray("a: it's\tit\n"), Some(7));
    }
}
