//! The frozen letter, sent ahead to those who want to see it before everybody does (`preview_to`).
//!
//! Promises: it is the letter that will arrive, but for its recipient, a Message-ID of its own and one header field that
//! says what it is.

use super::frozen::Frozen;
use super::{AnnounceError, pictures};
use crate::config::{Config, Newsletter};
use crate::digest::{StampFields, Variant};
use crate::mail::address::Address;
use crate::mail::delivery::{Setting, signed};
use crate::mail::letter::Prepared;
use crate::mail::outcome::Outcome;
use crate::store::Store;
use crate::store::editions::{Edition, State};

/// Whether somebody should see this edition before it goes, and did not yet.
pub fn wants_preview(newsletter: &Newsletter, edition: &Edition) -> bool {
    !newsletter.preview_to.is_empty()
        && edition.newsletter == newsletter.name
        && matches!(edition.state, State::Composed | State::Sending)
        && edition.previewed.is_none()
        && edition.is_untouched()
}

/// Sends it. Gives each address's outcome; it counts as sent once the server took one of them or refused it.
pub async fn send_ahead(
    store: &mut Store,
    setting: &Setting,
    config: &Config,
    newsletter: &Newsletter,
    edition: &Edition,
) -> Result<Vec<(String, Outcome)>, AnnounceError> {
    let (content, variants) = store.content(edition.id).await?;
    let mut frozen: Frozen = serde_json::from_str(&content)?;
    pictures::fill(store, &mut frozen.composed.pictures).await?;
    let Some(first) = variants.first() else { return Ok(Vec::new()) };
    let variant: Variant = serde_json::from_str(first)?;
    let head = frozen.head(config, Some(newsletter), edition.composed)?;
    let letter = Prepared::carrying(&head, &variant, &frozen.composed.pictures);
    // The same for one freezing, so that a second try is known as such; another one once it is frozen anew.
    let mut items = letter.items.clone();
    items.push(format!("preview {} {}", edition.number, edition.composed.timestamp()));
    let mut carrier = match setting.route.open().await {
        Ok(carrier) => carrier,
        Err(fault) => {
            let failed = |address: &String| (address.clone(), Outcome::Untried(fault.clone()));
            return Ok(newsletter.preview_to.iter().map(failed).collect());
        }
    };
    let mut outcomes = Vec::new();
    let mut told = false;
    for email in &newsletter.preview_to {
        // The configuration's reader has checked it.
        let Ok(address) = Address::parse(email) else { continue };
        let recipient = setting.secrets.recipient_id(email);
        let fields = StampFields {
            email: email.clone(),
            leave_url: head.leave_url(&setting.secrets, recipient),
            ..StampFields::default()
        };
        let message_id = head.message_id(&setting.secrets, &items, recipient);
        let mut bytes = format!("X-Crieur-Preview: {} {}\r\n", edition.newsletter, edition.number).into_bytes();
        bytes.extend(letter.write(&message_id, &fields));
        let outcome = match signed(setting.signer.as_deref(), bytes) {
            Ok(bytes) => carrier.deliver(&head.sender, &address, bytes).await,
            Err(fault) => Outcome::Untried(fault),
        };
        told |= !matches!(outcome, Outcome::Untried(_) | Outcome::Deferred(_));
        outcomes.push((email.clone(), outcome));
    }
    carrier.close().await;
    if told {
        store.mark_previewed(edition.id, setting.clock.now()).await?;
    }
    Ok(outcomes)
}
