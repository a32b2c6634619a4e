//! A letter: RFC 5322 fields, then text and HTML as alternatives (RFC 2046), written once per variant with places for
//! the recipient's stamps.
//!
//! A *personal* letter names its list (RFC 2919, RFC 2369), says that no person sent it (RFC 3834) and how to leave: a
//! letter to an address with a signed token in its subject, or one click (RFC 8058). A letter in *list mode* carries none
//! of that and no stamp: the list server adds its own, and some drop what says that it is automatic.
//!
//! Pictures that travel in the letter stand beside the HTML in a `multipart/related` (RFC 2387), each under its Content-ID
//! (RFC 2392) and `inline`, so that no program lists them as attached files.
//!
//! Promises: the same edition, recipient and key give the same bytes, Message-ID included; no value can start a field
//! ([`header`](super::header)); both bodies and the pictures are encoded a single time ([`quoted_printable`](super::quoted_printable)).

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::header::Header;
use super::quoted_printable::encode_piece;
use super::token;
use crate::config::{Config, Leave, Newsletter};
use crate::digest::{Escape, Filler, Piece, ShownPicture, StampFields, Stamped, Variant};
use crate::secrets::Secrets;

/// How many bytes a line of base64 holds: 76 characters, the most that RFC 2045 allows.
const BASE64_LINE: usize = 57;

/// What stands above the letters of one edition; frozen with it, so that a letter sent again is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub newsletter: String,
    pub from_name: Option<String>,
    pub from: String,
    pub reply_to: Option<String>,
    /// The envelope sender.
    pub sender: String,
    /// The envelope sender carries each delivery's token.
    pub sender_tokens: bool,
    /// As RFC 5322 writes it, in the site's zone.
    pub date: String,
    /// `None`: list mode.
    pub list: Option<List>,
}

/// What a personal letter says of its list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    pub title: String,
    pub id: String,
    /// To whom a reader can write.
    pub owner: String,
    pub way_out: WayOut,
}

/// The way out of a personal letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WayOut {
    /// The web service, whose address ends in `/`.
    Web(String),
    Mailto(String),
    Url(String),
    /// Somebody else's: the letter's own text says it.
    Elsewhere,
}

impl Head {
    /// The head of an edition composed `now`.
    pub fn new(config: &Config, newsletter: &Newsletter, now: DateTime<Utc>) -> Head {
        let from = in_ascii(&newsletter.from.address);
        let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain).to_string();
        let reply_to = newsletter.reply_to.as_deref().map(in_ascii);
        let way_out = match &newsletter.leave {
            Leave::Web => match &config.web.url {
                Some(url) => WayOut::Web(url.to_string()),
                None => WayOut::Elsewhere,
            },
            Leave::Mailto(address) => WayOut::Mailto(in_ascii(address)),
            Leave::Url(url) => WayOut::Url(url.clone()),
            Leave::List => WayOut::Elsewhere,
        };
        let list = (!newsletter.to.is_list()).then(|| List {
            title: newsletter.title.clone(),
            id: newsletter.list_id.clone().unwrap_or_else(|| format!("{}.{domain}", newsletter.name)),
            owner: reply_to.clone().unwrap_or_else(|| from.clone()),
            way_out,
        });
        Head {
            newsletter: newsletter.name.clone(),
            from_name: newsletter.from.name.clone(),
            reply_to,
            sender: config.mail.bounces_to.as_deref().map_or_else(|| from.clone(), in_ascii),
            sender_tokens: config.mail.bounces_to.is_some() && list.is_some(),
            from,
            date: now.with_timezone(&config.site.time_zone).format("%a, %d %b %Y %H:%M:%S %z").to_string(),
            list,
        }
    }

    /// The address that takes this recipient off the list.
    pub fn leave_url(&self, secrets: &Secrets, recipient: i64) -> Option<String> {
        let token = || token::leave(secrets, &self.newsletter, recipient);
        match &self.list.as_ref()?.way_out {
            WayOut::Web(url) => Some(format!("{url}leave/{}", token())),
            WayOut::Mailto(address) => Some(format!("mailto:{address}?subject=leave%20{}", token())),
            WayOut::Url(url) => Some(url.clone()),
            WayOut::Elsewhere => None,
        }
    }

    /// The keyed hash of newsletter, sorted item ids and recipient, at the sender's domain.
    pub fn message_id(&self, secrets: &Secrets, items: &[String], recipient: i64) -> String {
        let mut items: Vec<&[u8]> = items.iter().map(String::as_bytes).collect();
        items.sort_unstable();
        let recipient = recipient.to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![self.newsletter.as_bytes()];
        parts.extend(items);
        parts.push(&recipient);
        let hash = secrets.hash("message-id", &parts).to_hex();
        let domain = self.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        format!("<{}@{domain}>", &hash[..40])
    }
}

/// A variant's letter, encoded once, with its stamps compiled once.
pub struct Prepared {
    head: Head,
    /// Ids of the items that it shows.
    pub items: Vec<String>,
    language: String,
    subject: Stamped,
    boundary: String,
    text: Vec<Part>,
    html: Vec<Part>,
    /// The pictures' parts, written.
    pictures: Vec<u8>,
    /// About how long a letter is.
    bytes: usize,
    /// For the subject and the text part.
    plain: Filler,
    marked: Filler,
}

/// A piece of a body.
#[derive(Clone, Debug)]
enum Part {
    Encoded(Vec<u8>),
    /// The stamp's source.
    Stamp(String),
}

impl Prepared {
    /// A letter whose pictures, if any, stand on the site.
    pub fn new(head: &Head, variant: &Variant) -> Prepared {
        Prepared::carrying(head, variant, &[])
    }

    /// A letter that carries those of `pictures` that its HTML names as `cid:`.
    pub fn carrying(head: &Head, variant: &Variant, pictures: &[ShownPicture]) -> Prepared {
        let text = encode(&variant.text);
        let html = encode(&variant.html);
        let mut hasher = blake3::Hasher::new();
        for part in text.iter().chain(&html) {
            if let Part::Encoded(bytes) = part {
                hasher.update(bytes);
            }
        }
        // Quoted-printable writes every = as =3D, and base64 knows no _: no line of a body can be this.
        let boundary = format!("=_{}", &hasher.finalize().to_hex()[..32]);
        let carried = pictures.iter().filter(|picture| !picture.content.is_empty() && names(&variant.html, picture));
        let pictures = attached(carried, &related(&boundary));
        let encoded =
            text.iter().chain(&html).map(|part| if let Part::Encoded(bytes) = part { bytes.len() } else { 64 });
        let bytes = encoded.sum::<usize>() + pictures.len() + 1024;
        Prepared {
            head: head.clone(),
            items: variant.items.clone(),
            language: variant.language.clone(),
            subject: variant.subject.clone(),
            boundary,
            text,
            html,
            pictures,
            bytes,
            plain: Filler::new(&[&variant.subject, &variant.text], Escape::None),
            marked: Filler::new(&[&variant.html], Escape::Html),
        }
    }

    /// The letter to one recipient: lines end in CRLF.
    pub fn write(&self, message_id: &str, fields: &StampFields) -> Vec<u8> {
        let mut out = self.fields(message_id, fields).as_str().as_bytes().to_vec();
        out.reserve(self.bytes);
        let boundary = &self.boundary;
        open_part(&mut out, boundary, "text/plain; charset=utf-8");
        write_body(&mut out, &self.text, &self.plain, fields);
        if self.pictures.is_empty() {
            open_part(&mut out, boundary, "text/html; charset=utf-8");
            write_body(&mut out, &self.html, &self.marked, fields);
        } else {
            let related = related(boundary);
            let opening = format!(
                "\r\n--{boundary}\r\nContent-Type: multipart/related; type=\"text/html\"; boundary=\"{related}\"\r\n"
            );
            out.extend_from_slice(opening.as_bytes());
            open_part(&mut out, &related, "text/html; charset=utf-8");
            write_body(&mut out, &self.html, &self.marked, fields);
            out.extend_from_slice(&self.pictures);
        }
        out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        out
    }

    fn fields(&self, message_id: &str, to: &StampFields) -> Header {
        let head = &self.head;
        let mut header = Header::default();
        header.raw("Date", &head.date);
        header.named("From", head.from_name.as_deref(), &head.from);
        if let Some(reply_to) = &head.reply_to {
            header.raw("Reply-To", reply_to);
        }
        header.named("To", to.name.as_deref(), &to.email);
        let subject = self.subject.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Stamp(source) => self.plain.stamp(source, to),
        });
        header.text("Subject", &subject.collect::<String>());
        header.raw("Message-ID", message_id);
        if let Some(list) = &head.list {
            header.named("List-Id", Some(&list.title), &list.id);
            header.raw("List-Owner", &format!("<mailto:{}>", list.owner));
            header.raw("List-Help", &format!("<mailto:{}?subject=help>", list.owner));
            header.raw("List-Post", "NO");
            if let Some(leave) = &to.leave_url {
                header.raw("List-Unsubscribe", &format!("<{leave}>"));
                if matches!(list.way_out, WayOut::Web(_)) {
                    header.raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
                }
            }
            header.raw("Auto-Submitted", "auto-generated");
        }
        header.raw("Content-Language", &self.language);
        header.raw("MIME-Version", "1.0");
        header.raw("Content-Type", &format!("multipart/alternative; boundary=\"{}\"", self.boundary));
        header
    }
}

/// An address with its domain as mail knows it (IDNA). The configuration was checked: what is no address stays.
fn in_ascii(address: &str) -> String {
    Address::parse(address).map_or_else(|_| address.to_string(), |address| address.to_string())
}

/// The boundary between the HTML and its pictures.
fn related(boundary: &str) -> String {
    format!("{boundary}=r")
}

fn open_part(out: &mut Vec<u8>, boundary: &str, content_type: &str) {
    let opening = format!(
        "\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    );
    out.extend_from_slice(opening.as_bytes());
}

fn write_body(out: &mut Vec<u8>, parts: &[Part], filler: &Filler, fields: &StampFields) {
    for part in parts {
        match part {
            Part::Encoded(bytes) => out.extend_from_slice(bytes),
            Part::Stamp(stamp) => encode_piece(&filler.stamp(stamp, fields), out),
        }
    }
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
fn encode(body: &Stamped) -> Vec<Part> {
    let mut parts = Vec::with_capacity(body.0.len() + 1);
    for piece in &body.0 {
        match piece {
            Piece::Text(text) => {
                let mut encoded = Vec::with_capacity(text.len() + text.len() / 8);
                encode_piece(text, &mut encoded);
                parts.push(Part::Encoded(encoded));
            }
            Piece::Stamp(source) => parts.push(Part::Stamp(source.clone())),
        }
    }
    if !matches!(body.0.last(), Some(Piece::Text(text)) if text.ends_with('\n')) {
        parts.push(Part::Encoded(b"\r\n".to_vec()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use mail_parser::MimeHeaders;

    use super::*;

    fn head() -> Head {
        Head {
            newsletter: "news".to_string(),
            from_name: Some("Zoé".to_string()),
            from: "lettre@example.org".to_string(),
            reply_to: Some("contact@example.org".to_string()),
            sender: "lettre@example.org".to_string(),
            sender_tokens: false,
            date: "Sun, 01 Mar 2026 10:00:00 +0100".to_string(),
            list: Some(List {
                title: "La lettre".to_string(),
                id: "news.example.org".to_string(),
                owner: "contact@example.org".to_string(),
                way_out: WayOut::Web("https://lettre.example.org/".to_string()),
            }),
        }
    }

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
        assert!(letter.len() - body <= prepared.bytes, "{} {}", letter.len() - body, prepared.bytes);
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
            assert_eq!(letter.split("\r\n\r\n").next().unwrap().lines().count(), 16, "{letter}");
        }
    }

    #[test]
    fn the_message_id_is_the_items_whatever_their_order_and_differs_by_person_newsletter_and_key() {
        let (head, secrets) = (head(), Secrets::from_bytes([2; 32]));
        let items = |ids: &[&str]| ids.iter().map(|id| id.to_string()).collect::<Vec<_>>();
        let id = head.message_id(&secrets, &items(&["a", "b"]), 5);
        assert_eq!(id, head.message_id(&secrets, &items(&["b", "a"]), 5));
        assert!(id.starts_with('<') && id.ends_with("@example.org>") && id.len() < 76);
        let other = Head { newsletter: "other".to_string(), ..head.clone() };
        for different in [
            head.message_id(&secrets, &items(&["a", "b"]), 6),
            head.message_id(&secrets, &items(&["ab"]), 5),
            head.message_id(&Secrets::from_bytes([3; 32]), &items(&["a", "b"]), 5),
            other.message_id(&secrets, &items(&["a", "b"]), 5),
        ] {
            assert_ne!(different, id);
        }
    }
}
