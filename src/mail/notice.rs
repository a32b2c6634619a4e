//! A single letter to somebody who asked for it on a page: no edition, no list.
//!
//! Promises: it goes the way of all letters (`mail.transport`, its TLS and its keys), signed as they are, under the newsletter's
//! envelope sender; it says that no person sent it (RFC 3834), and asks for no answer; it ends within [`PATIENCE`].
//!
//! BUGS: each opens a connection of its own, and the limits of `mail` do not count it: those of pages are far lower.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::address::Address;
use super::delivery::signed;
use super::dkim::{Signer, load};
use super::letter::{Head, Prepared};
use super::outcome::{Fault, Outcome};
use super::transport::{Environment, Route};
use crate::config::{Config, Mailbox, Newsletter};
use crate::digest::{StampFields, Variant};
use crate::secrets::Secrets;

/// How long one may take, from the opening of a connection to its end.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// One letter.
#[derive(Clone, Debug)]
pub struct Notice<'a> {
    pub newsletter: &'a Newsletter,
    /// In place of the newsletter's.
    pub from: Option<&'a Mailbox>,
    pub to: &'a Address,
    pub name: Option<&'a str>,
    pub letter: &'a Variant,
    /// The same for each try: its Message-ID is made from it.
    pub mark: i64,
}

/// Whoever brings single letters on their way.
pub struct Postman {
    route: Route,
    signer: Option<Arc<Signer>>,
}

impl Postman {
    /// The one that the configuration and the environment tell of; the error says what is missing.
    pub fn of(config: &Config) -> Result<Postman, String> {
        let environment = Environment::read()?;
        let route = Route::new(&config.root, &config.mail, &environment)?;
        let signer = load::signer(config)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        Ok(Postman { route, signer: signer.map(Arc::new) })
    }

    /// Sends a letter.
    pub async fn send(&self, config: &Config, secrets: &Secrets, notice: &Notice<'_>, now: DateTime<Utc>) -> Outcome {
        let (sender, letter) = write(config, secrets, notice, now);
        let letter = match signed(self.signer.as_deref(), letter) {
            Ok(letter) => letter,
            Err(fault) => return Outcome::Untried(fault),
        };
        let sending = async {
            let mut carrier = match self.route.open().await {
                Ok(carrier) => carrier,
                Err(fault) => return Outcome::Untried(fault),
            };
            let outcome = carrier.deliver(&sender, notice.to, letter).await;
            carrier.close().await;
            outcome
        };
        match tokio::time::timeout(PATIENCE, sending).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Untried(Fault::Down("the mail server does not answer in time".to_string())),
        }
    }
}

/// The envelope sender and the letter.
fn write(config: &Config, secrets: &Secrets, notice: &Notice<'_>, now: DateTime<Utc>) -> (String, Vec<u8>) {
    let mut head = Head::new(config, notice.newsletter, now);
    head.list = None;
    head.sender_tokens = false;
    if let Some(from) = notice.from {
        let address = Address::parse(&from.address).map_or_else(|_| from.address.clone(), |known| known.to_string());
        if config.mail.bounces_to.is_none() {
            head.sender = address.clone();
        }
        head.from_name = from.name.clone();
        head.from = address;
    }
    let items = [format!("notice {}", notice.mark)];
    let to = notice.to.to_string();
    let message_id = head.message_id(secrets, &items, secrets.recipient_id(&to));
    let fields = StampFields {
        name: notice.name.map(str::to_string).filter(|name| !name.is_empty()),
        email: to,
        ..StampFields::default()
    };
    let letter = Prepared::new(&head, notice.letter).write(&message_id, &fields);
    // What answers by itself answers nobody here.
    let own = b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n";
    (head.sender, [own.as_slice(), &letter].concat())
}
