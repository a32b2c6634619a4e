//! What a form brings: `application/x-www-form-urlencoded` and `multipart/form-data` (RFC 7578), read into names and values.
//!
//! Promises: whatever the bytes, a form is read: what is not UTF-8 is replaced, what is broken or too much is left out. A value
//! holds no control characters but line feeds, and no more than [`VALUE`] bytes; there are no more than [`FIELDS`].
//!
//! BUGS: files that are sent are read as if they were text.

use mail_parser::{MessageParser, MimeHeaders};

/// More fields than our forms have.
const FIELDS: usize = 128;
/// Of a name, in bytes: longer ones are none of ours.
const NAME: usize = 64;
/// Of a value, in bytes: the rest is cut away.
const VALUE: usize = 4096;

/// What a form brought, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads a body of this media type (the header field's value); of another it brings nothing.
    pub fn read(media_type: &str, body: &[u8]) -> Form {
        let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut form = Form::default();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => {
                for (name, value) in url::form_urlencoded::parse(body) {
                    form.add(&name, &value);
                }
            }
            "multipart/form-data" => form.read_parts(media_type, body),
            _ => {}
        }
        form
    }

    /// Each part of a multipart body is a part of a message with this header (RFC 2046).
    fn read_parts(&mut self, media_type: &str, body: &[u8]) {
        if media_type.chars().any(char::is_control) {
            return;
        }
        let message = [b"Content-Type: ", media_type.as_bytes(), b"\r\n\r\n", body].concat();
        let Some(message) = MessageParser::new().parse(&message) else { return };
        for part in &message.parts {
            let named = part.content_disposition().filter(|disposition| disposition.c_type == "form-data");
            let Some(name) = named.and_then(|disposition| disposition.attribute("name")) else { continue };
            self.add(name, &String::from_utf8_lossy(part.contents()));
        }
    }

    fn add(&mut self, name: &str, value: &str) {
        if self.fields.len() < FIELDS && name.len() <= NAME {
            self.fields.push((name.to_string(), text(value)));
        }
    }

    /// The first value of this name; empty: there is none.
    pub fn get(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// All values of this name, as of checkboxes.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }
}

/// Line ends are line feeds, other control characters are gone, and what is too long is cut between two characters.
fn text(value: &str) -> String {
    let cut = value.floor_char_boundary(VALUE);
    let value = value[..cut].replace("\r\n", "\n").replace('\r', "\n");
    value.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENCODED: &str = "application/x-www-form-urlencoded";

    fn multipart(fields: &[(&str, &str)]) -> (String, String) {
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!("--b0und\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
        }
        ("multipart/form-data; boundary=b0und".to_string(), format!("{body}--b0und--\r\n"))
    }

    #[test]
    fn both_kinds_of_body_bring_the_same() {
        let fields = [("email", "ana@example.org"), ("topic", "a b"), ("topic", "é\nü"), ("empty", "")];
        let (media_type, body) = multipart(&fields);
        let of_parts = Form::read(&media_type, body.as_bytes());
        let encoded = "email=ana%40example.org&topic=a+b&topic=%C3%A9%0D%0A%C3%BC&empty=";
        let form = Form::read("Application/X-WWW-Form-urlencoded; charset=UTF-8", encoded.as_bytes());
        assert_eq!(form, of_parts);
        assert_eq!(form.get("email"), "ana@example.org");
        assert_eq!(form.all("topic").collect::<Vec<_>>(), ["a b", "é\nü"]);
        assert!(form.has("empty") && !form.has("absent"));
        assert_eq!((form.get("empty"), form.get("absent")), ("", ""));
    }

    #[test]
    fn what_is_broken_too_much_or_of_another_kind_is_left_out() {
        let form = Form::read(ENCODED, b"a=%ff%00%1b\xffx&b=%zz&=c&&d");
        assert_eq!(form.get("a"), "\u{fffd}\u{fffd}x");
        assert_eq!((form.get("b"), form.has("d")), ("%zz", true));
        assert_eq!(Form::read("text/plain", b"a=b"), Form::default());
        assert_eq!(Form::read("multipart/form-data", b"--x\r\n\r\na\r\n--x--"), Form::default());
        let long = format!("a={}&{}=x", "é".repeat(5000), "n".repeat(65));
        let form = Form::read(ENCODED, long.as_bytes());
        assert_eq!((form.get("a").len(), form.fields.len()), (VALUE, 1));
        assert_eq!(Form::read(ENCODED, "a=b&".repeat(5000).as_bytes()).fields.len(), FIELDS);
        // Cut in the middle, and parts within parts.
        let (media_type, body) = multipart(&[("a", "b"), ("c", "d")]);
        for cut in 0..body.len() {
            assert!(Form::read(&media_type, &body.as_bytes()[..cut]).fields.len() <= 2);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_within_the_bounds(
            body in proptest::collection::vec(any::<u8>(), 0..2000),
            media_type in "(application/x-www-form-urlencoded|multipart/form-data; boundary=[a-z-]{0,4}|[ -~]{0,40})",
        ) {
            let form = Form::read(&media_type, &body);
            prop_assert!(form.fields.len() <= FIELDS);
            for (name, value) in &form.fields {
                prop_assert!(name.len() <= NAME && value.len() <= VALUE);
                prop_assert!(!value.chars().any(|c| c.is_control() && c != '\n'));
            }
        }

        #[test]
        fn what_was_written_is_read(fields in proptest::collection::vec(("[a-z]{1,8}", "\\PC{0,60}"), 0..10)) {
            let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
            let form = Form::read(ENCODED, encoded.as_bytes());
            prop_assert_eq!(&form.fields, &fields);
            let borrowed: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let (media_type, body) = multipart(&borrowed);
            prop_assert_eq!(&Form::read(&media_type, body.as_bytes()).fields, &fields);
        }
    }
}
