//! Header fields (RFC 5322, RFC 2047): values become fields here, and nowhere else.
//!
//! Promises: no character of a value can begin a field or end the header (each control character becomes a space); an
//! encoded word is at most 75 characters long and cuts no character in two; a line that holds one is at most 76 long,
//! any other at most 998.

/// The longest line with an encoded word.
const ENCODED_LINE: usize = 76;
/// Where plain text is folded, when a space allows it.
const FOLD: usize = 76;
/// A word longer than this is encoded, so that it can be folded.
const LONGEST_WORD: usize = 700;

/// A value on one line: every control character and line separator is a space.
pub fn one_line(value: &str) -> String {
    let cleaned: String =
        value.chars().map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c }).collect();
    cleaned.trim().to_string()
}

/// A header under construction.
#[derive(Clone, Debug, Default)]
pub struct Header {
    text: String,
}

impl Header {
    /// A field whose value has its form already: an address, a token, a date.
    pub fn raw(&mut self, name: &str, value: &str) {
        self.text.push_str(&format!("{name}: {}\r\n", one_line(value)));
    }

    /// A field of free text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        self.text.push_str(": ");
        let value = one_line(value);
        write_text(&mut self.text, name.len() + 2, &value);
        self.text.push_str("\r\n");
    }

    /// A field of a name and, in angle brackets, an address or an identifier.
    pub fn named(&mut self, field: &str, name: Option<&str>, inside: &str) {
        let (name, inside) = (name.map(one_line).unwrap_or_default(), one_line(inside));
        self.text.push_str(field);
        self.text.push_str(": ");
        if name.is_empty() && inside.starts_with('"') {
            // A quoted local part alone is taken for a name by some who read it.
            self.text.push_str(&format!("<{inside}>"));
        } else if name.is_empty() {
            self.text.push_str(&inside);
        } else {
            let column = write_phrase(&mut self.text, field.len() + 2, &name);
            self.text.push_str(if column + inside.len() + 3 > FOLD { "\r\n <" } else { " <" });
            self.text.push_str(&inside);
            self.text.push('>');
        }
        self.text.push_str("\r\n");
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn is_plain(value: &str) -> bool {
    value.is_ascii() && !value.contains("=?") && value.split(' ').all(|word| word.len() <= LONGEST_WORD)
}

/// Free text: plain and folded at spaces, or encoded. Gives the column behind it.
fn write_text(out: &mut String, mut column: usize, value: &str) -> usize {
    if !is_plain(value) {
        return write_encoded(out, column, value);
    }
    for (index, word) in value.split(' ').enumerate() {
        // An empty word (two spaces in a row) never stands alone on a line.
        if index > 0 && column + 1 + word.len() > FOLD && !word.is_empty() {
            out.push_str("\r\n ");
            column = 1;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    column
}

/// A display name: as it is, in quotes, or encoded.
fn write_phrase(out: &mut String, column: usize, name: &str) -> usize {
    if !is_plain(name) || name.len() > FOLD - 10 {
        return write_encoded(out, column, name);
    }
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~ ".contains(c);
    let before = out.len();
    if name.chars().all(atom) {
        out.push_str(name);
    } else {
        out.push_str(&format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")));
    }
    column + out.len() - before
}

/// Encoded words, each on its line.
fn write_encoded(out: &mut String, mut column: usize, value: &str) -> usize {
    const OPEN: &str = "=?utf-8?B?";
    const CLOSE: &str = "?=";
    let mut word = String::new();
    let mut room = octets_that_fit(column, OPEN.len() + CLOSE.len());
    let mut write = |word: &str, last: bool, column: &mut usize| {
        let encoded = data_encoding::BASE64.encode(word.as_bytes());
        out.push_str(&format!("{OPEN}{encoded}{CLOSE}"));
        *column += OPEN.len() + encoded.len() + CLOSE.len();
        if !last {
            out.push_str("\r\n ");
            *column = 1;
        }
    };
    for c in value.chars() {
        if word.len() + c.len_utf8() > room && !word.is_empty() {
            write(&word, false, &mut column);
            word.clear();
            room = octets_that_fit(column, OPEN.len() + CLOSE.len());
        }
        word.push(c);
    }
    write(&word, true, &mut column);
    column
}

/// How many octets an encoded word may carry that starts in `column`: base64 makes four characters of three.
fn octets_that_fit(column: usize, frame: usize) -> usize {
    let characters = ENCODED_LINE.saturating_sub(column).min(75).saturating_sub(frame);
    (characters / 4 * 3).max(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(value: &str) -> String {
        let mut header = Header::default();
        header.text("Subject", value);
        header.as_str().to_string()
    }

    fn read(header: &str) -> String {
        let message = format!("{header}\r\nbody");
        let parsed = mail_parser::MessageParser::default().parse(message.as_bytes()).unwrap();
        parsed.subject().unwrap_or_default().to_string()
    }

    #[test]
    fn no_value_can_start_a_header() {
        let hostile = "a\r\nBcc: victim@example.org\r\n\r\nbody\0\u{2028}x";
        let mut header = Header::default();
        header.text("Subject", hostile);
        header.raw("List-Id", hostile);
        header.named("From", Some(hostile), "a@example.org");
        header.named("To", Some(&format!("é{hostile}")), "a@example.org");
        for line in header.as_str().split("\r\n").filter(|line| !line.is_empty()) {
            let starts_right = ["Subject: ", "List-Id: ", "From: ", "To: ", " "].iter().any(|s| line.starts_with(s));
            assert!(starts_right, "{line:?}");
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
        }
        assert_eq!(header.as_str().matches("\r\n\r\n").count(), 0);
    }

    #[test]
    fn any_text_survives_its_encoding_in_lines_that_are_short_enough() {
        let long = "Numérique écoresponsable : l’été des référents — ".repeat(20);
        for value in [
            "plain",
            "Éditorial",
            long.as_str(),
            "🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉",
            "=?utf-8?B?bm8=?= is shown",
            "two  spaces and a long line of plain words that has to be folded somewhere, twice even, for it never ends",
        ] {
            let header = subject(value);
            for line in header.split("\r\n") {
                assert!(line.len() <= 78, "{} {line:?}", line.len());
            }
            assert_eq!(read(&header), value.trim());
        }
        assert_eq!(read(&subject(&"x".repeat(3000))), "x".repeat(3000));
        assert!(subject(&"x".repeat(3000)).split("\r\n").all(|line| line.len() <= 998));
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_text_its_field_stays_one_and_reads_back(value in "\\PC{0,200}") {
            let header = subject(&value);
            for (index, line) in header.trim_end_matches("\r\n").split("\r\n").enumerate() {
                assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']));
                assert!(if index == 0 { line.starts_with("Subject: ") } else { line.starts_with(' ') }, "{line:?}");
            }
            assert_eq!(read(&header).trim(), one_line(&value).trim());
        }
    }

    #[test]
    fn a_name_is_written_so_that_it_is_read_back() {
        for name in ["Ana", "Ana, \"la\" \\ fée", "Zoé <x>", "M. Dupont", "a@b", &"Très long nom ".repeat(12)] {
            let mut header = Header::default();
            header.named("To", Some(name), "ana@example.org");
            let message = format!("{}\r\nbody", header.as_str());
            let parsed = mail_parser::MessageParser::default().parse(message.as_bytes()).unwrap();
            let to = parsed.to().unwrap().first().unwrap();
            assert_eq!((to.name(), to.address()), (Some(name.trim()), Some("ana@example.org")), "{message}");
        }
    }
}
