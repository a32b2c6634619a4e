//! A message as far as returned mail needs it: the fields of its header, and the parts of its first level.
//!
//! `mail-parser` reads fields (folding, encoded words, addresses); the parts are cut here, one level deep and at most
//! [`PARTS`] of them, for what is nested deeper is never looked at: a message within a message within a message costs
//! nothing.
//!
//! Promises: whatever the bytes, no crash, and no more work than a few times their number.

use std::borrow::Cow;

use data_encoding::BASE64;
use mail_parser::{Address, HeaderValue, Message, MessageParser};

/// So many bytes of a header are read; the rest of it is passed over.
const HEADER: usize = 128 * 1024;

/// So many parts are looked at: a report has two or three.
const PARTS: usize = 16;

/// A header with the body that follows it.
pub(super) struct Entity<'a> {
    fields: Option<Message<'static>>,
    pub body: &'a [u8],
}

impl<'a> Entity<'a> {
    pub fn read(bytes: &'a [u8]) -> Entity<'a> {
        let (header, body) = split_header(bytes);
        // With an empty line behind it, without which the parser takes a header for a broken one.
        let header = [header.get(..HEADER).unwrap_or(header), b"\n\n"].concat();
        let fields = MessageParser::default().parse_headers(&header).map(Message::into_owned);
        Entity { fields, body }
    }

    /// What a field says, folding undone, as it is written otherwise; the first of that name.
    pub fn raw(&self, name: &str) -> Option<String> {
        self.all_raw(name).into_iter().next()
    }

    /// The same for every field of that name, in their order.
    pub fn all_raw(&self, name: &str) -> Vec<String> {
        let Some(message) = &self.fields else { return Vec::new() };
        let fields = message.headers_raw().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| unfold(value)).collect()
    }

    /// The subject, its encoded words decoded.
    pub fn subject(&self) -> String {
        self.fields.as_ref().and_then(|message| message.subject()).unwrap_or_default().to_string()
    }

    /// The addresses that a field holds.
    pub fn addresses(&self, name: &str) -> Vec<String> {
        let Some(message) = &self.fields else { return Vec::new() };
        let mut addresses = Vec::new();
        for value in message.header_values(name) {
            if let HeaderValue::Address(list) = value {
                let of_list = |list: &Address<'_>| -> Vec<String> {
                    list.iter().filter_map(|one| one.address()).map(str::to_string).collect()
                };
                addresses.extend(of_list(list));
            }
        }
        if addresses.is_empty() {
            // A field whose form the parser does not know: Delivered-To and its like hold one bare address each.
            let bare = |value: String| value.trim().trim_start_matches('<').trim_end_matches('>').to_string();
            addresses.extend(self.all_raw(name).into_iter().map(bare));
        }
        addresses
    }

    /// `multipart/report`, in lower case; without a field, what RFC 2045 says it is.
    pub fn media_type(&self) -> String {
        let written = self.raw("Content-Type").unwrap_or_default();
        let name = written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if name.is_empty() { "text/plain".to_string() } else { name }
    }

    fn boundary(&self) -> Option<String> {
        let message = self.fields.as_ref()?;
        let content_type = message.header("Content-Type")?.as_content_type()?;
        content_type.attribute("boundary").filter(|boundary| !boundary.is_empty()).map(str::to_string)
    }

    /// The parts of a multipart, what stands before and after them left out.
    pub fn parts(&self) -> Vec<Entity<'a>> {
        let Some(boundary) = self.boundary() else { return Vec::new() };
        cut(self.body, boundary.trim_end().as_bytes()).into_iter().map(Entity::read).collect()
    }

    /// The body, its transfer encoding undone.
    pub fn content(&self) -> Cow<'a, [u8]> {
        let encoding = self.raw("Content-Transfer-Encoding").unwrap_or_default();
        match encoding.trim().to_ascii_lowercase().as_str() {
            "base64" => {
                let letters: Vec<u8> = self.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
                BASE64.decode(&letters).map_or(Cow::Borrowed(self.body), Cow::Owned)
            }
            "quoted-printable" => {
                let decoded = mail_parser::decoders::quoted_printable::quoted_printable_decode(self.body);
                decoded.map_or(Cow::Borrowed(self.body), Cow::Owned)
            }
            _ => Cow::Borrowed(self.body),
        }
    }
}

/// A header up to its empty line, which belongs to it, and what follows.
fn split_header(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        start += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return bytes.split_at(start);
        }
    }
    (bytes, &[])
}

/// The bytes between the lines that are the boundary (RFC 2046, section 5.1.1). A multipart that breaks off ends there.
fn cut<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let (mut begun, mut position) = (None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let mark = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)).map(<[u8]>::trim_ascii_end);
        if let Some(rest @ (b"" | b"--")) = mark {
            if let Some(begun) = begun.take() {
                parts.push(body.get(begun..position).unwrap_or_default());
            }
            if rest == b"--" || parts.len() == PARTS {
                return parts;
            }
            begun = Some(position + line.len());
        }
        position += line.len();
    }
    parts.extend(begun.and_then(|begun| body.get(begun..)));
    parts
}

/// A field's value on one line.
pub(super) fn unfold(value: &str) -> String {
    value.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Groups of fields with an empty line between them, as a delivery's status is written: names in lower case.
pub(super) fn field_groups(text: &str) -> Vec<Vec<(String, String)>> {
    let mut groups: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            if groups.last().is_some_and(|group| !group.is_empty()) {
                groups.push(Vec::new());
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = groups.last_mut().and_then(|group| group.last_mut()) {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let (Some((name, value)), Some(group)) = (line.split_once(':'), groups.last_mut()) {
            group.push((name.trim().to_ascii_lowercase(), value.trim().to_string()));
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// The first value of that name in a group.
pub(super) fn field<'a>(group: &'a [(String, String)], name: &str) -> Option<&'a str> {
    group.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_at_their_boundary_alone() {
        let text = b"Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"a b\"\r\n\r\npreamble\r\n\
            --a b\r\n\r\none --a b\r\n--a bc\r\n--a b  \r\nContent-Type: Text/X; y=z\r\n\r\ntwo\r\n--a b--\r\n--a b\r\nno\r\n";
        let entity = Entity::read(text);
        assert_eq!(entity.media_type(), "multipart/report");
        let parts = entity.parts();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].body, b"one --a b\r\n--a bc\r\n");
        assert_eq!((parts[1].media_type().as_str(), parts[1].body), ("text/x", b"two\r\n".as_slice()));
    }

    #[test]
    fn a_body_that_breaks_off_is_read_as_far_as_it_goes() {
        let parts = Entity::read(b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhalf").parts();
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].body, b"half");
    }

    #[test]
    fn encodings_are_undone() {
        let entity = Entity::read(b"Content-Transfer-Encoding: BASE64\n\nQWN0aW9u\nOiBmYWls\n");
        assert_eq!(&*entity.content(), b"Action: fail");
        let entity = Entity::read(b"Content-Transfer-Encoding: quoted-printable\n\na=3Db=\nc");
        assert_eq!(&*entity.content(), b"a=bc");
    }

    #[test]
    fn fields_are_found_folded_encoded_and_repeated() {
        let entity = Entity::read(
            b"Subject: =?utf-8?Q?Re:_le?=\n =?utf-8?Q?ave_x?=\nDelivered-To: a@example.org\nDelivered-To: <b@example.org>\n\
              To: \"A, B\" <c@example.org>,\n d@example.org\nAuto-Submitted:\n  auto-replied\n\n",
        );
        assert_eq!(entity.subject(), "Re: leave x");
        assert_eq!(entity.addresses("Delivered-To"), ["a@example.org", "b@example.org"]);
        assert_eq!(entity.addresses("To"), ["c@example.org", "d@example.org"]);
        assert_eq!(entity.raw("auto-submitted").as_deref(), Some("auto-replied"));
    }

    #[test]
    fn groups_of_fields_are_kept_apart() {
        let groups = field_groups(
            "Reporting-MTA: dns; a\r\n\r\n\r\nAction: failed\r\nDiagnostic-Code: smtp; 550\r\n  more\r\n\r\n",
        );
        assert_eq!(groups.len(), 2);
        assert_eq!(field(&groups[1], "diagnostic-code"), Some("smtp; 550 more"));
    }
}
