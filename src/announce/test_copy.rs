//! A copy of a newsletter's next letter for whoever wants to see it in their own mail program: remembered nowhere.

use super::press::{self, Known};
use super::{AnnounceError, Material};
use crate::config::{Config, Newsletter};
use crate::digest::{Composed, StampFields};
use crate::mail::address::Address;
use crate::mail::delivery::{Setting, signed};
use crate::mail::letter::{Head, Prepared};
use crate::mail::outcome::Outcome;
use crate::problem::Problems;

/// Sends the next letter to these addresses only. Gives each one's outcome; `None`: nothing is new, or it cannot be
/// composed, which `problems` then says.
pub async fn send_test(
    setting: &Setting,
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: i64,
    addresses: &[Address],
    problems: &mut Problems,
) -> Result<Option<Vec<(Address, Outcome)>>, AnnounceError> {
    let now = setting.clock.now();
    let letters = match press::letters(material, newsletter, known, number.unsigned_abs(), now) {
        Ok(letters) => letters,
        Err(found) => {
            problems.extend(found);
            return Ok(None);
        }
    };
    // With a letter an item, the first of them is the next.
    let Some(mut composed) = letters.into_iter().next() else { return Ok(None) };
    problems.extend(std::mem::take(&mut composed.problems));
    if composed.variants.is_empty() {
        return Ok(None);
    }
    Ok(Some(send_copies(setting, material.config, newsletter, &composed, addresses).await))
}

/// Sends this letter to these addresses only, and remembers nothing. Gives each one's outcome.
pub async fn send_copies(
    setting: &Setting,
    config: &Config,
    newsletter: &Newsletter,
    composed: &Composed,
    addresses: &[Address],
) -> Vec<(Address, Outcome)> {
    let now = setting.clock.now();
    let Some(variant) = composed.variants.first() else { return Vec::new() };
    let head = Head::new(config, newsletter, now);
    let letter = Prepared::carrying(&head, variant, &composed.pictures);
    // Its Message-ID is the moment's: a mail program that has seen the real one would hide the copy, or the other way.
    let mut items = letter.items.clone();
    items.push(format!("test {}", now.to_rfc3339()));
    let mut carrier = match setting.route.open().await {
        Ok(carrier) => carrier,
        Err(fault) => {
            let failed = |address: &Address| (address.clone(), Outcome::Untried(fault.clone()));
            return addresses.iter().map(failed).collect();
        }
    };
    let mut outcomes = Vec::new();
    for address in addresses {
        let recipient = setting.secrets.recipient_id(&address.to_string());
        let fields = StampFields {
            name: None,
            email: address.to_string(),
            leave_url: head.leave_url(&setting.secrets, recipient),
            extra: Default::default(),
        };
        let message_id = head.message_id(&setting.secrets, &items, recipient);
        let outcome = match signed(setting.signer.as_deref(), letter.write(&message_id, &fields)) {
            Ok(letter) => carrier.deliver(&head.sender, address, letter).await,
            Err(fault) => Outcome::Untried(fault),
        };
        outcomes.push((address.clone(), outcome));
    }
    carrier.close().await;
    outcomes
}
