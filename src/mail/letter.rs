//! A letter: RFC 5322 fields, then text and HTML as alternatives (RFC 2046), written once per variant with places for
//! the recipient's stamps.
//!
//! A *personal* letter names its list (RFC 2919, RFC 2369), says that no person sent it (RFC 3834) and how to leave: a
//! letter to an address with a signed token in its subject, or one click (RFC 8058). A letter in *list mode* carries none
//! of that and no stamp: the list server adds its own, and some drop what says that it is automatic.
//!
//! Promises: the same edition, recipient and key give the same bytes, Message-ID included; no value can start a field
//! ([`header`](super::header)); both bodies are encoded a single time ([`quoted_printable`](super::quoted_printable)).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::header::Header;
use super::quoted_printable::encode_piece;
use super::token;
use crate::config::{Config, Leave, Newsletter};
use crate::digest::{Escape, Piece, StampFields, Stamped, Variant};
use crate::secrets::Secrets;

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
        let from = newsletter.from.address.clone();
        let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain).to_string();
        let way_out = match &newsletter.leave {
            Leave::Web => match &config.web.url {
                Some(url) => WayOut::Web(url.to_string()),
                None => WayOut::Elsewhere,
            },
            Leave::Mailto(address) => WayOut::Mailto(address.clone()),
            Leave::Url(url) => WayOut::Url(url.clone()),
            Leave::List => WayOut::Elsewhere,
        };
        let list = (!newsletter.to.is_list()).then(|| List {
            title: newsletter.title.clone(),
            id: newsletter.list_id.clone().unwrap_or_else(|| format!("{}.{domain}", newsletter.name)),
            owner: newsletter.reply_to.clone().unwrap_or_else(|| from.clone()),
            way_out,
        });
        Head {
            newsletter: newsletter.name.clone(),
            from_name: newsletter.from.name.clone(),
            reply_to: newsletter.reply_to.clone(),
            sender: config.mail.bounces_to.clone().unwrap_or_else(|| from.clone()),
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

/// A variant's letter, encoded once.
#[derive(Clone, Debug)]
pub struct Prepared {
    head: Head,
    /// Ids of the items that it shows.
    pub items: Vec<String>,
    language: String,
    subject: Stamped,
    boundary: String,
    text: Vec<Part>,
    html: Vec<Part>,
}

/// A piece of a body.
#[derive(Clone, Debug)]
enum Part {
    Encoded(Vec<u8>),
    Stamp(Stamped),
}

impl Prepared {
    pub fn new(head: &Head, variant: &Variant) -> Prepared {
        let text = encode(&variant.text);
        let html = encode(&variant.html);
        let mut hasher = blake3::Hasher::new();
        for part in text.iter().chain(&html) {
            if let Part::Encoded(bytes) = part {
                hasher.update(bytes);
            }
        }
        // Quoted-printable writes every = as =3D: no line of a body can be this.
        let boundary = format!("=_{}", &hasher.finalize().to_hex()[..32]);
        Prepared {
            head: head.clone(),
            items: variant.items.clone(),
            language: variant.language.clone(),
            subject: variant.subject.clone(),
            boundary,
            text,
            html,
        }
    }

    /// The letter to one recipient: lines end in CRLF.
    pub fn write(&self, message_id: &str, fields: &StampFields) -> Vec<u8> {
        let mut out = self.fields(message_id, fields).as_str().as_bytes().to_vec();
        for (media_type, parts, escape) in
            [("text/plain", &self.text, Escape::None), ("text/html", &self.html, Escape::Html)]
        {
            let opening = format!(
                "\r\n--{}\r\nContent-Type: {media_type}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
                self.boundary
            );
            out.extend_from_slice(opening.as_bytes());
            for part in parts {
                match part {
                    Part::Encoded(bytes) => out.extend_from_slice(bytes),
                    Part::Stamp(stamp) => encode_piece(&stamp.fill(fields, escape), &mut out),
                }
            }
        }
        out.extend_from_slice(format!("\r\n--{}--\r\n", self.boundary).as_bytes());
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
        header.text("Subject", &self.subject.fill(to, Escape::None));
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
            Piece::Stamp(_) => parts.push(Part::Stamp(Stamped(vec![piece.clone()]))),
        }
    }
    if !matches!(body.0.last(), Some(Piece::Text(text)) if text.ends_with('\n')) {
        parts.push(Part::Encoded(b"\r\n".to_vec()));
    }
    parts
}
