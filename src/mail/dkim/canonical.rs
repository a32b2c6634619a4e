//! The *relaxed* forms of RFC 6376, sections 3.4.2 and 3.4.4: what a signature is really about, so that a server which
//! folds a field anew or drops a space at a line's end breaks nothing.
//!
//! Our bodies' lines are nearly always relaxed as they are: a quick look tells, and then their bytes are hashed in place.

/// A letter's fields, each with its lines' ends, and its body.
pub struct Taken<'a> {
    pub fields: Vec<&'a [u8]>,
    pub body: &'a [u8],
}

/// Takes a letter apart, whose lines end in CRLF.
pub fn take(letter: &[u8]) -> Taken<'_> {
    let mut fields: Vec<&[u8]> = Vec::with_capacity(24);
    let mut rest = letter;
    while !rest.is_empty() {
        if let Some(body) = rest.strip_prefix(b"\r\n") {
            return Taken { fields, body };
        }
        let (field, behind) = rest.split_at(field_length(rest));
        fields.push(field);
        rest = behind;
    }
    Taken { fields, body: b"" }
}

/// How long the first field is, its folded lines and its end included.
fn field_length(text: &[u8]) -> usize {
    let mut searched = 0;
    while let Some(end) = text.get(searched..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
        searched += end + 1;
        if !matches!(text.get(searched), Some(b' ' | b'\t')) {
            return searched;
        }
    }
    text.len()
}

/// The name of a field, as it is written.
pub fn name(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == b':').unwrap_or(field.len());
    field.get(..end).unwrap_or_default().trim_ascii_end()
}

/// Appends a field's relaxed form, without its line's end.
pub fn relaxed_field(field: &[u8], out: &mut Vec<u8>) {
    let name = name(field);
    out.extend(name.iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let colon = field.iter().position(|byte| *byte == b':').map_or(field.len(), |colon| colon + 1);
    let mut space = false;
    let start = out.len();
    for byte in field.get(colon..).unwrap_or_default() {
        match byte {
            b'\r' | b'\n' => {}
            b' ' | b'\t' => space = true,
            other => {
                if space && out.len() > start {
                    out.push(b' ');
                }
                space = false;
                out.push(*other);
            }
        }
    }
}

/// Hands out a body's relaxed form, in as many pieces as it takes.
pub fn relaxed_body(body: &[u8], mut piece: impl FnMut(&[u8])) {
    let body = without_empty_lines_behind(body);
    if body.is_empty() {
        return;
    }
    // Long enough for the quick look to pay, short enough that one odd line does not cost the whole letter.
    const STRETCH: usize = 2048;
    let mut start = 0;
    while start < body.len() {
        let mut end = (start + STRETCH).min(body.len());
        // A stretch ends behind a line: no space on one side of its end can belong to one on the other.
        while end < body.len() && body.get(end - 1) != Some(&b'\n') {
            end += 1;
        }
        let stretch = body.get(start..end).unwrap_or_default();
        if is_relaxed(stretch) {
            piece(stretch)
        } else {
            relax(stretch, &mut piece)
        }
        start = end;
    }
    if !body.ends_with(b"\r\n") {
        piece(b"\r\n");
    }
}

/// The body up to the end of its last line that says something; a line of spaces says nothing.
fn without_empty_lines_behind(body: &[u8]) -> &[u8] {
    let last = body.iter().rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    let Some(last) = last else { return b"" };
    let behind = body.get(last + 1..).unwrap_or_default();
    let line_end = behind.windows(2).position(|two| two == b"\r\n").map_or(behind.len(), |at| at + 2);
    body.get(..last + 1 + line_end).unwrap_or(body)
}

/// Whether there is no tab, no two spaces in a row and no space before a line's end: many bytes at a time.
fn is_relaxed(stretch: &[u8]) -> bool {
    let next = stretch.get(1..).unwrap_or_default();
    let odd = stretch.iter().zip(next).fold(0u8, |odd, (byte, next)| {
        let space = u8::from(*byte == b' ');
        let before_end = u8::from(*next == b' ') | u8::from(*next == b'\r');
        odd | u8::from(*byte == b'\t') | (space & before_end)
    });
    odd == 0 && !matches!(stretch.last(), Some(b' ' | b'\t'))
}

/// The relaxed form of whole lines.
fn relax(stretch: &[u8], piece: &mut impl FnMut(&[u8])) {
    let mut out = Vec::with_capacity(stretch.len());
    let mut space = false;
    for (index, byte) in stretch.iter().enumerate() {
        let line_end = *byte == b'\r' && stretch.get(index + 1) == Some(&b'\n');
        match byte {
            b' ' | b'\t' => space = true,
            other => {
                if space && !line_end {
                    out.push(b' ');
                }
                space = false;
                out.push(*other);
            }
        }
    }
    piece(&out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> String {
        let mut out = Vec::new();
        relaxed_body(text.as_bytes(), |piece| out.extend_from_slice(piece));
        String::from_utf8(out).unwrap()
    }

    /// RFC 6376's sentences, one after the other, without a thought for speed.
    fn slowly(text: &str) -> String {
        let mut lines: Vec<String> = text
            .split("\r\n")
            .map(|line| {
                let mut out = String::new();
                for c in line.chars() {
                    match c {
                        ' ' | '\t' if out.ends_with(' ') => {}
                        ' ' | '\t' => out.push(' '),
                        c => out.push(c),
                    }
                }
                out.trim_end_matches(' ').to_string()
            })
            .collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines.iter().map(|line| format!("{line}\r\n")).collect()
    }

    #[test]
    fn the_standards_example_is_read_as_it_says() {
        // RFC 6376, section 3.4.5.
        let letter = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let taken = take(letter);
        let mut fields = Vec::new();
        for field in &taken.fields {
            relaxed_field(field, &mut fields);
            fields.extend_from_slice(b"\r\n");
        }
        assert_eq!(String::from_utf8(fields).unwrap(), "a:X\r\nb:Y Z\r\n");
        assert_eq!(body(std::str::from_utf8(taken.body).unwrap()), " C\r\nD E\r\n");
    }

    #[test]
    fn a_body_of_nothing_is_nothing_and_the_last_line_ends() {
        for empty in ["", "\r\n", "\r\n\r\n", "  \r\n\t\r\n", " "] {
            assert_eq!(body(empty), "", "{empty:?}");
        }
        for (written, relaxed) in
            [("a", "a\r\n"), ("a  ", "a\r\n"), ("a \r\n \r\n", "a\r\n"), ("a\r\n\r\nb", "a\r\n\r\nb\r\n")]
        {
            assert_eq!(body(written), relaxed, "{written:?}");
        }
    }

    #[test]
    fn a_letter_without_a_body_is_all_fields() {
        let taken = take(b"A: b\r\n c\r\nD: e\r\n");
        assert_eq!(taken.fields, [b"A: b\r\n c\r\n".as_slice(), b"D: e\r\n"]);
        assert!(taken.body.is_empty());
        assert!(take(b"").fields.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn the_quick_way_and_the_slow_way_agree(lines in proptest::collection::vec("[a .=\t]{0,70}", 0..120), end in "[ \t]{0,2}") {
            let text = lines.join("\r\n") + &end;
            assert_eq!(body(&text), slowly(&text));
        }

        #[test]
        fn what_is_relaxed_stays_as_it_is(lines in proptest::collection::vec("([a-z=.]{1,9} ){0,7}[a-z]{1,9}", 1..120)) {
            let text = lines.join("\r\n") + "\r\n";
            assert!(is_relaxed(text.as_bytes()));
            assert_eq!(body(&text), text);
        }
    }
}
