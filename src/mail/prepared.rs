//! A letter as it goes over the wire: RFC 5322 fields, then text and HTML as alternatives (RFC 2046), written once per
//! variant with places for what is one recipient's.
//!
//! Pictures that travel in the letter stand beside the HTML in a `multipart/related` (RFC 2387), each under its Content-ID
//! (RFC 2392) and `inline`, so that no program lists them as attached files.
//!
//! Promises: everything that is the same for all recipients, fields included, is written and encoded a single time; the
//! same edition, recipient and key give the same bytes; no value can start a field ([`header`](super::header)); no line
//! begins with a dot, so that SMTP has nothing to stuff ([`quoted_printable`](super::quoted_printable)).

use data_encoding::BASE64;

use super::header::Header;
use super::letter::{Head, WayOut};
use super::quoted_printable::encode_piece;
use crate::digest::{Escape, Filler, Piece, ShownPicture, StampFields, Stamped, Variant};

/// How many bytes a line of base64 holds: 76 characters, the most that RFC 2045 allows.
const BASE64_LINE: usize = 57;
/// About what one recipient's fields and stamps take.
const OWN: usize = 1024;

/// A variant's letter, written once, with its stamps compiled once.
pub struct Prepared {
    /// Ids of the items that it shows.
    pub items: Vec<String>,
    subject: Stamped,
    /// Whether the web service takes the one click of RFC 8058.
    one_click: bool,
    parts: Vec<Part>,
    /// About how long a letter is.
    bytes: usize,
    /// For the subject and the text part.
    plain: Filler,
    marked: Filler,
}

/// A piece of a letter.
#[derive(Clone, Debug)]
enum Part {
    Fixed(Vec<u8>),
    /// A stamp's source.
    Stamp(String, Escape),
    Own(Own),
}

/// A header field that is one recipient's.
#[derive(Clone, Copy, Debug)]
enum Own {
    To,
    Subject,
    MessageId,
    Leave,
}

impl Prepared {
    /// A letter whose pictures, if any, stand on the site.
    pub fn new(head: &Head, variant: &Variant) -> Prepared {
        Prepared::carrying(head, variant, &[])
    }

    /// A letter that carries those of `pictures` that its HTML names as `cid:`.
    pub fn carrying(head: &Head, variant: &Variant, pictures: &[ShownPicture]) -> Prepared {
        let text = encode(&variant.text, Escape::None);
        let html = encode(&variant.html, Escape::Html);
        let mut hasher = blake3::Hasher::new();
        for part in text.iter().chain(&html) {
            if let Part::Fixed(bytes) = part {
                hasher.update(bytes);
            }
        }
        // Quoted-printable writes every = as =3D, and base64 knows no _: no line of a body can be this.
        let boundary = format!("=_{}", &hasher.finalize().to_hex()[..32]);
        let related = related(&boundary);
        let carried = pictures.iter().filter(|picture| !picture.content.is_empty() && names(&variant.html, picture));
        let pictures = attached(carried, &related);

        let mut parts = fields(head, variant, &boundary);
        parts.push(fixed(opening(&boundary, "text/plain; charset=utf-8")));
        parts.extend(text);
        if pictures.is_empty() {
            parts.push(fixed(opening(&boundary, "text/html; charset=utf-8")));
            parts.extend(html);
        } else {
            parts.push(fixed(format!(
                "\r\n--{boundary}\r\nContent-Type: multipart/related; type=\"text/html\"; boundary=\"{related}\"\r\n"
            )));
            parts.push(fixed(opening(&related, "text/html; charset=utf-8")));
            parts.extend(html);
            parts.push(Part::Fixed(pictures));
        }
        parts.push(fixed(format!("\r\n--{boundary}--\r\n")));
        let parts = joined(parts);
        let lengths = parts.iter().map(|part| if let Part::Fixed(bytes) = part { bytes.len() } else { 64 });
        Prepared {
            items: variant.items.clone(),
            subject: variant.subject.clone(),
            one_click: head.list.as_ref().is_some_and(|list| matches!(list.way_out, WayOut::Web(_))),
            bytes: lengths.sum::<usize>() + OWN,
            parts,
            plain: Filler::new(&[&variant.subject, &variant.text], Escape::None),
            marked: Filler::new(&[&variant.html], Escape::Html),
        }
    }

    /// The letter to one recipient: lines end in CRLF.
    pub fn write(&self, message_id: &str, to: &StampFields) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes);
        let mut seen = None;
        for part in &self.parts {
            match part {
                Part::Fixed(bytes) => out.extend_from_slice(bytes),
                Part::Stamp(source, Escape::None) => {
                    encode_piece(&self.plain.stamp_of(source, to, &mut seen), &mut out)
                }
                Part::Stamp(source, Escape::Html) => {
                    encode_piece(&self.marked.stamp_of(source, to, &mut seen), &mut out)
                }
                Part::Own(field) => self.write_own(*field, message_id, to, &mut out),
            }
        }
        out
    }

    fn write_own(&self, field: Own, message_id: &str, to: &StampFields, out: &mut Vec<u8>) {
        let mut header = Header::default();
        match field {
            Own::To => header.named("To", to.name.as_deref(), &to.email),
            Own::Subject => header.text("Subject", &self.plain.fill(&self.subject, to)),
            Own::MessageId => header.raw("Message-ID", message_id),
            Own::Leave => {
                if let Some(leave) = &to.leave_url {
                    header.raw("List-Unsubscribe", &format!("<{leave}>"));
                    if self.one_click {
                        header.raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
                    }
                }
            }
        }
        out.extend_from_slice(header.as_str().as_bytes());
    }
}

/// The letter's fields, up to the empty line before its parts.
fn fields(head: &Head, variant: &Variant, boundary: &str) -> Vec<Part> {
    let mut header = Header::default();
    header.raw("Date", &head.date);
    header.named("From", head.from_name.as_deref(), &head.from);
    if let Some(reply_to) = &head.reply_to {
        header.raw("Reply-To", reply_to);
    }
    let mut parts = vec![fixed(header.as_str()), Part::Own(Own::To)];
    let mut header = Header::default();
    if variant.subject.stamps().next().is_some() {
        parts.push(Part::Own(Own::Subject));
    } else {
        header.text("Subject", &variant.subject.fill(&StampFields::default(), Escape::None));
    }
    parts.extend([fixed(header.as_str()), Part::Own(Own::MessageId)]);
    let mut header = Header::default();
    if let Some(list) = &head.list {
        header.named("List-Id", Some(&list.title), &list.id);
        header.raw("List-Owner", &format!("<mailto:{}>", list.owner));
        header.raw("List-Help", &format!("<mailto:{}?subject=help>", list.owner));
        header.raw("List-Post", "NO");
        if let Some(archive) = &list.archive {
            header.raw("List-Archive", &format!("<{archive}>"));
        }
        parts.extend([fixed(header.as_str()), Part::Own(Own::Leave)]);
        header = Header::default();
        header.raw("Auto-Submitted", "auto-generated");
    }
    header.raw("Content-Language", &variant.language);
    header.raw("MIME-Version", "1.0");
    header.raw("Content-Type", &format!("multipart/alternative; boundary=\"{boundary}\""));
    parts.push(fixed(header.as_str()));
    parts
}

fn fixed(text: impl AsRef<str>) -> Part {
    Part::Fixed(text.as_ref().as_bytes().to_vec())
}

/// Neighbours that are the same for everybody become one.
fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Part::Fixed(last)), Part::Fixed(bytes)) => last.extend_from_slice(&bytes),
            (_, part) => joined.push(part),
        }
    }
    joined
}

/// The boundary between the HTML and its pictures.
fn related(boundary: &str) -> String {
    format!("{boundary}=r")
}

fn opening(boundary: &str, content_type: &str) -> String {
    format!("\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
}

/// Whether this HTML shows the picture as one that its letter carries.
fn names(html: &Stamped, picture: &ShownPicture) -> bool {
    let address = format!("\"cid:{}\"", picture.content_id);
    html.0.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(&address)))
}

/// The pictures' parts and the end of what relates to the HTML; empty: no picture travels in the letter.
fn attached<'a>(pictures: impl Iterator<Item = &'a ShownPicture>, boundary: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for picture in pictures {
        let ShownPicture { name, content_id, media_type, content, .. } = picture;
        let opening = format!(
            "\r\n--{boundary}\r\nContent-Type: {media_type}; name=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\
             Content-ID: <{content_id}>\r\nContent-Disposition: inline; filename=\"{name}\"\r\n\r\n"
        );
        out.extend_from_slice(opening.as_bytes());
        for line in content.chunks(BASE64_LINE) {
            out.extend_from_slice(BASE64.encode(line).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    if !out.is_empty() {
        out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    }
    out
}

/// Encodes a body's texts, and leaves its stamps in their places. The body ends with a line's end.
fn encode(body: &Stamped, escape: Escape) -> Vec<Part> {
    let mut parts = Vec::with_capacity(body.0.len() + 1);
    for piece in &body.0 {
        match piece {
            Piece::Text(text) => {
                let mut encoded = Vec::with_capacity(text.len() + text.len() / 8);
                encode_piece(text, &mut encoded);
                parts.push(Part::Fixed(encoded));
            }
            Piece::Stamp(source) => parts.push(Part::Stamp(source.clone(), escape)),
        }
    }
    if !matches!(body.0.last(), Some(Piece::Text(text)) if text.ends_with('\n')) {
        parts.push(Part::Fixed(b"\r\n".to_vec()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use mail_parser::MimeHeaders;

    use super::super::letter::tests::head;
    use super::super::token;
    use super::*;
    use crate::secrets::Secrets;

    fn variant() -> Variant {
        let stamp = || Piece::Stamp("{{recipient.name}}".to_string());
        let text = |text: &str| Piece::Text(text.to_string());
        Variant {
            items: vec!["b".to_string(), "a".to_string()],
            subject: Stamped(vec![text("Pour "), stamp(), text(" & vous")]),
            html: Stamped(vec![text("<p>Bonjour "), stamp(), text(".</p>")]),
            text: Stamped(vec![text("Bonjour "), stamp(), text(",\n\nà bientôt")]),
            language: "fr".to_string(),
        }
    }

    fn write(head: &Head, name: &str) -> String {
        let secrets = Secrets::from_bytes([2; 32]);
        let fields = StampFields {
            name: Some(name.to_string()),
            email: "ana@example.org".to_string(),
            leave_url: head.leave_url(&secrets, 5),
            extra: Default::default(),
        };
        let letter = Prepared::new(head, &variant()).write("<id@example.org>", &fields);
        String::from_utf8(letter).unwrap()
    }

    #[test]
    fn a_whole_letter_reads_like_this() {
        assert_eq!(
            write(&head(), "Ana <3"),
            "Date: Sun, 01 Mar 2026 10:00:00 +0100\r\n\
             From: =?utf-8?B?Wm/DqQ==?= <lettre@example.org>\r\n\
             Reply-To: contact@example.org\r\n\
             To: \"Ana <3\" <ana@example.org>\r\n\
             Subject: Pour Ana <3 & vous\r\n\
             Message-ID: <id@example.org>\r\n\
             List-Id: La lettre <news.example.org>\r\n\
             List-Owner: <mailto:contact@example.org>\r\n\
             List-Help: <mailto:contact@example.org?subject=help>\r\n\
             List-Post: NO\r\n\
             List-Archive: <https://lettre.example.org/archive/news/>\r\n\
             List-Unsubscribe: <https://lettre.example.org/leave/TOKEN>\r\n\
             List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
             Auto-Submitted: auto-generated\r\n\
             Content-Language: fr\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative; boundary=\"BOUNDARY\"\r\n\
             \r\n\
             --BOUNDARY\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\
             \r\n\
             Bonjour=20=\r\n\
             Ana <3=\r\n\
             ,\r\n\
             \r\n\
             =C3=A0 bient=C3=B4t=\r\n\
             \r\n\
             \r\n\
             --BOUNDARY\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\
             \r\n\
             <p>Bonjour=20=\r\n\
             Ana &lt;3=\r\n\
             =2E</p>=\r\n\
             \r\n\
             \r\n\
             --BOUNDARY--\r\n"
                .replace("BOUNDARY", &boundary(&write(&head(), "x")))
                .replace("TOKEN", &token::leave(&Secrets::from_bytes([2; 32]), "news", 5))
        );
    }

    fn boundary(letter: &str) -> String {
        letter.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_string()
    }

    #[test]
    fn pictures_travel_beside_the_html_under_their_content_ids() {
        let content: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let picture = |name: &str| ShownPicture {
            name: name.to_string(),
            url: format!("https://www.example.org/letters/pictures/{name}"),
            content_id: format!("{name}@www.example.org"),
            bytes: 1000,
            media_type: "image/png".to_string(),
            content: content.as_slice().into(),
        };
        let pictures = ["a.png", "b.png", "not-shown.png"].map(picture);
        let html = "<img src=\"cid:a.png@www.example.org\"><img src=\"cid:b.png@www.example.org\">";
        let variant = Variant { html: Stamped::text(html), ..variant() };
        let prepared = Prepared::carrying(&head(), &variant, &pictures);
        let letter = prepared.write("<id@example.org>", &StampFields::default());
        let body = letter.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        assert!(letter.len() <= prepared.bytes, "{} {}", letter.len(), prepared.bytes);
        assert!(letter[body..].split(|b| *b == b'\n').all(|line| line.len() <= 120));
        assert!(
            !String::from_utf8_lossy(&Prepared::new(&head(), &variant).write("<i>", &StampFields::default()))
                .contains("related")
        );
        let read = mail_parser::MessageParser::default().parse(&letter).unwrap();
        assert_eq!(read.body_text(0).unwrap().trim_end(), "Bonjour ,\r\n\r\nà bientôt");
        assert!(read.body_html(0).unwrap().contains("cid:a.png@www.example.org"));
        let found: Vec<_> = read.parts.iter().filter(|part| part.content_id().is_some()).collect();
        assert_eq!(found.len(), 2);
        for (part, name) in found.into_iter().zip(["a.png", "b.png"]) {
            assert_eq!(part.content_id(), Some(format!("{name}@www.example.org").as_str()));
            assert_eq!(part.attachment_name(), Some(name));
            assert!(part.content_disposition().unwrap().is_inline());
            assert_eq!(part.contents(), content);
        }
    }

    #[test]
    fn a_letter_in_list_mode_has_no_field_of_a_list_and_no_way_out_of_ours() {
        let head = Head { list: None, ..head() };
        assert_eq!(head.leave_url(&Secrets::from_bytes([2; 32]), 5), None);
        let letter = write(&head, "x");
        assert!(!letter.contains("List-") && !letter.contains("Auto-Submitted"), "{letter}");
    }

    #[test]
    fn no_name_can_start_a_field_or_a_part() {
        let plain = write(&head(), "x");
        for name in ["a\r\nBcc: v@example.org", "a\n\n<p>", "\0", &format!("\r\n--{}\r\n", boundary(&plain))] {
            let letter = write(&head(), name);
            let count = |text: &str| letter.matches(text).count();
            assert_eq!((count("\r\nBcc:"), count("\r\n--=_"), count("\0")), (0, 3, 0), "{letter}");
            assert_eq!(letter.split("\r\n\r\n").next().unwrap().lines().count(), 17, "{letter}");
        }
    }
}
