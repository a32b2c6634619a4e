//! DKIM (RFC 6376, RFC 8301, RFC 8463): the fields that stand before a letter and say which domain answers for it.
//!
//! [`Signer::sign`] writes a `DKIM-Signature` for each key, RSA, Ed25519 or both, of a letter whose lines end in CRLF: relaxed
//! in header and body ([`canonical`]), over the whole body (no `l=`), for as long as the key stands in the DNS (no `x=`).
//! `t=` is the letter's own Date. [`key`] reads and makes keys, [`load`] takes them from the configuration.
//!
//! What is signed: every field of ours. Those of [`SEALED`] are named once more than they stand in the letter, so that a
//! signature breaks when another is added: a second From, Subject or Content-Type would be shown instead of ours, and a
//! second List-Unsubscribe would send those who want to leave somewhere else. Reply-To, Cc and Sender are sealed where they
//! are absent, too. In list mode (no List-Id of ours) only From is sealed: a list server adds the rest rightly.
//!
//! Promises: pure, without a clock: the same letter and key give the same bytes (both algorithms are deterministic); no
//! line is longer than 78 characters, but for a domain or selector that is.
//!
//! BUGS: a list server that adds a footer or a subject's prefix breaks the signature, as every one; then the server's own is what counts.

mod canonical;
pub mod key;
pub mod load;
#[cfg(test)]
mod tests;

use chrono::DateTime;
use data_encoding::BASE64;
use ring::digest::{Context, SHA256};

use canonical::{Taken, name, relaxed_body, relaxed_field, take};
pub use key::{Key, Kind};

/// Fields that are signed, in the order in which they are named; an addition of another breaks the signature.
const SEALED: [&str; 13] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];
/// Fields that are signed where they stand; so is every other `List-`.
const SIGNED: [&str; 3] = ["Auto-Submitted", "Content-Language", "In-Reply-To"];

/// The longest line of a signature.
const LINE: usize = 78;

/// A letter could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the letter could not be signed: no random bytes, or a damaged key")]
pub struct Unsigned;

/// One domain's key.
pub struct DomainKey {
    /// `d=`
    pub domain: String,
    /// `s=`: the record stands at `SELECTOR._domainkey.DOMAIN`.
    pub selector: String,
    pub key: Key,
}

impl DomainKey {
    /// Where its record stands in the DNS.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }
}

/// Signs letters, with every key that it has.
pub struct Signer {
    keys: Vec<DomainKey>,
}

impl Signer {
    pub fn new(keys: Vec<DomainKey>) -> Signer {
        Signer { keys }
    }

    pub fn keys(&self) -> &[DomainKey] {
        &self.keys
    }

    /// The `DKIM-Signature` fields to put before this letter, whose lines end in CRLF; they end in CRLF themselves.
    pub fn sign(&self, letter: &[u8]) -> Result<String, Unsigned> {
        let Taken { fields, body } = take(letter);
        let mut hash = Context::new(&SHA256);
        relaxed_body(body, |piece| hash.update(piece));
        let body_hash = BASE64.encode(hash.finish().as_ref());
        let mut time = None;
        let mut names = String::new();
        let mut signed = Vec::with_capacity(2048);
        for listed in listed(&fields) {
            if !names.is_empty() {
                names.push(':');
            }
            names.push_str(listed.name);
            // What is named and not there is signed as absent.
            if let Some(field) = listed.field {
                if listed.name == "Date" {
                    time = date(field);
                }
                relaxed_field(field, &mut signed);
                signed.extend_from_slice(b"\r\n");
            }
        }
        let mut out = String::with_capacity(1024 * self.keys.len());
        for DomainKey { domain, selector, key } in &self.keys {
            let mut field = Folded::new("DKIM-Signature: v=1;");
            field.word(&format!("a={};", key.algorithm()));
            field.word("c=relaxed/relaxed;");
            field.word(&format!("d={domain};"));
            field.word(&format!("s={selector};"));
            if let Some(time) = time {
                field.word(&format!("t={time};"));
            }
            field.list(&format!("h={names};"));
            field.word(&format!("bh={body_hash};"));
            field.word("b=");
            let mut text = signed.clone();
            relaxed_field(field.text.as_bytes(), &mut text);
            let signature = key.sign(&text).ok_or(Unsigned)?;
            field.long(&BASE64.encode(&signature));
            out.push_str(&field.text);
            out.push_str("\r\n");
        }
        Ok(out)
    }
}

/// A name in `h=`, and the field that it stands for.
struct Listed<'a> {
    name: &'a str,
    field: Option<&'a [u8]>,
}

/// The fields to sign, in the order of their names in `h=`. A name's second mention means the field above the first one
/// (RFC 6376, section 5.4.2), or that there is none.
fn listed<'a>(fields: &[&'a [u8]]) -> Vec<Listed<'a>> {
    let of = |wanted: &str| -> Vec<&'a [u8]> {
        fields.iter().rev().copied().filter(|field| name(field).eq_ignore_ascii_case(wanted.as_bytes())).collect()
    };
    let personal = !of("List-Id").is_empty();
    let mut listed = Vec::with_capacity(fields.len() + SEALED.len());
    for name in SEALED {
        let found = of(name);
        let seal = if name.starts_with("List-") { personal && !found.is_empty() } else { personal || name == "From" };
        listed.extend(found.into_iter().map(|field| Listed { name, field: Some(field) }));
        if seal {
            listed.push(Listed { name, field: None });
        }
    }
    for name in SIGNED {
        listed.extend(of(name).into_iter().map(|field| Listed { name, field: Some(field) }));
    }
    for field in fields.iter().rev() {
        let Ok(name) = std::str::from_utf8(name(field)) else { continue };
        let ours = SEALED.iter().any(|sealed| sealed.eq_ignore_ascii_case(name));
        if name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("List-")) && !ours {
            listed.push(Listed { name, field: Some(field) });
        }
    }
    listed
}

/// A Date field's moment, as `t=` writes it.
fn date(field: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(field).ok()?;
    let (_, value) = text.split_once(':')?;
    // A moment before 1970 is no moment that `t=` can write.
    DateTime::parse_from_rfc2822(value.trim()).ok().map(|date| date.timestamp()).filter(|time| *time >= 0)
}

/// A field that is folded as it grows.
struct Folded {
    text: String,
    column: usize,
}

impl Folded {
    fn new(start: &str) -> Folded {
        Folded { text: start.to_string(), column: start.len() }
    }

    fn line(&mut self) {
        self.text.push_str("\r\n ");
        self.column = 1;
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.len();
    }

    /// What must not be broken, behind a space or on a new line.
    fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() > LINE {
            self.line()
        } else {
            self.add(" ")
        }
        self.add(word);
    }

    /// What may be broken behind each colon.
    fn list(&mut self, list: &str) {
        for (index, part) in list.split_inclusive(':').enumerate() {
            match index {
                0 => self.word(part),
                _ => {
                    if self.column + part.len() > LINE {
                        self.line();
                    }
                    self.add(part);
                }
            }
        }
    }

    /// What may be broken anywhere.
    fn long(&mut self, mut text: &str) {
        while !text.is_empty() {
            if self.column >= LINE {
                self.line();
            }
            let (here, behind) = text.split_at(text.len().min(LINE - self.column));
            self.add(here);
            text = behind;
        }
    }
}
