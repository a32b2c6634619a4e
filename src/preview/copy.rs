//! *Send me this*: the letter that the page shows, through the configured transport, to one address. Nothing remembers it.

use std::sync::Arc;

use super::reading::{Desk, Which};
use super::words::Words;
use crate::announce;
use crate::mail::address::Address;
use crate::mail::clock::Clock;
use crate::mail::delivery::Setting;
use crate::mail::dkim::load;
use crate::mail::outcome::Outcome;
use crate::mail::transport::{Environment, Route};
use crate::secrets::Secrets;

/// What became of it, in words.
pub struct Told {
    pub sent: bool,
    pub words: String,
}

/// Sends one letter to one address. The key is made where there is none: the copy's way out must be one that works.
pub async fn send(desk: &Desk, newsletter: &str, which: Which, letter: usize, address: &str, clock: Clock) -> Told {
    let words = Words::of(&desk.config().site.language);
    let not = |words: String| Told { sent: false, words };
    let Ok(to) = Address::parse(address.trim()) else {
        return not(words.say("copy_not_an_address", &[("address", address.trim())]));
    };
    let found = desk.newsletter(newsletter);
    let sheet = found.and_then(|(newsletter, letters)| {
        let sheet = desk.sheets(newsletter, letters, which).as_ref().ok()?.get(letter)?;
        Some((newsletter, &sheet.composed))
    });
    let Some((newsletter, composed)) = sheet else { return not(words.say("copy_nothing", &[])) };
    let failed = |reply: &str| not(words.say("copy_failed", &[("address", &to.to_string()), ("reply", reply)]));
    let setting = match setting(desk, clock) {
        Ok(setting) => setting,
        Err(reply) => return failed(&reply),
    };
    let outcomes =
        announce::send_copies(&setting, desk.config(), newsletter, composed, std::slice::from_ref(&to)).await;
    match outcomes.first().map(|(_, outcome)| outcome) {
        Some(Outcome::Accepted(_)) => {
            Told { sent: true, words: words.say("copy_accepted", &[("address", &to.to_string())]) }
        }
        Some(Outcome::Refused { reply, .. } | Outcome::Deferred(reply) | Outcome::Unknown(reply)) => failed(reply),
        Some(Outcome::Untried(fault)) => failed(fault.words()),
        None => failed(""),
    }
}

fn setting(desk: &Desk, clock: Clock) -> Result<Setting, String> {
    let config = desk.config();
    let environment = Environment::read()?;
    let route = Route::new(&config.root, &config.mail, &environment)?;
    let secrets = Secrets::of(config).map_err(|error| error.to_string())?;
    if desk.memory.key.as_ref().is_some_and(|known| *known != secrets.fingerprint()) {
        return Err(crate::store::StoreError::OtherKey.to_string());
    }
    let signer = load::signer(config)
        .map_err(|problems| problems.0.first().map_or(String::new(), |one| one.message.clone()))?;
    Ok(Setting {
        route,
        secrets,
        connections: 1,
        limits: Default::default(),
        signer: signer.map(Arc::new),
        clock,
        stop: Default::default(),
    })
}
