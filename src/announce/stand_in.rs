//! To whom a letter goes that is only shown.

use crate::config::{Audience, Newsletter};
use crate::digest::{StampFields, Variant, language};
use crate::mail::letter::Head;
use crate::secrets::Secrets;

/// The list's address, or somebody who does not exist.
pub fn stand_in(newsletter: &Newsletter, head: &Head, variant: &Variant, secrets: &Secrets) -> StampFields {
    let (name, email) = match &newsletter.to {
        Audience::Address(address) => (None, address.as_str()),
        _ if language::primary(&variant.language) == "fr" => (Some("Prénom Nom"), "destinataire@example.org"),
        _ => (Some("First Last"), "recipient@example.org"),
    };
    StampFields {
        name: name.map(str::to_string),
        email: email.to_string(),
        leave_url: head.leave_url(secrets, secrets.recipient_id(email)),
        ..StampFields::default()
    }
}
