//! What stands above a letter: who sends it, on whose behalf, and how to leave. [`Prepared`] writes the letter itself.
//!
//! A *personal* letter names its list (RFC 2919, RFC 2369), says that no person sent it (RFC 3834) and how to leave: a
//! letter to an address with a signed token in its subject, or one click (RFC 8058). A letter in *list mode* carries none
//! of that and no stamp: the list server adds its own, and some drop what says that it is automatic.
//!
//! Promises: the same edition, recipient and key give the same Message-ID and the same way out.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::token;
use crate::config::{Config, Leave, Newsletter};
use crate::secrets::Secrets;

pub use super::prepared::Prepared;

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
    /// Where its letters can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
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
            archive: newsletter.archive_url(&config.web).map(String::from),
            way_out,
        });
        Head {
            newsletter: newsletter.name.clone(),
            from_name: newsletter.from.name.clone(),
            reply_to,
            sender: config.mail.bounces_to.as_deref().map_or_else(|| from.clone(), in_ascii),
            sender_tokens: config.mail.bounces_to.is_some() && config.mail.bounce_tokens && list.is_some(),
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

/// An address with its domain as mail knows it (IDNA). The configuration was checked: what is no address stays.
fn in_ascii(address: &str) -> String {
    Address::parse(address).map_or_else(|_| address.to_string(), |address| address.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn head() -> Head {
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
                archive: Some("https://lettre.example.org/archive/news/".to_string()),
                way_out: WayOut::Web("https://lettre.example.org/".to_string()),
            }),
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
