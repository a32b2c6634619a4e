//! What a configuration says only until somebody writes the real thing: addresses whose names end in `.invalid`, which are
//! nobody's (RFC 2606) and which `crieur init` writes where only a person knows better.
//!
//! Everything works with them but sending: the feeds, drafts, and letters to look at. Nothing is frozen, so nothing is lost.

use super::{Audience, Config, Newsletter, Transport, place_of};
use crate::problem::{Problem, Problems};

/// Whose letter cannot leave yet, and why. As errors: whoever is about to send must not.
pub fn check(config: &Config, newsletter: &Newsletter) -> Problems {
    let mut problems = Vec::new();
    // Another machine knows the list, and sends.
    if matches!(newsletter.to, Audience::HandOver(_)) {
        return Problems::new();
    }
    if let Audience::Address(address) = &newsletter.to
        && is_nobodys(address.rsplit('@').next().unwrap_or_default())
    {
        let place = place_of(&config.root, &newsletter.file, &["to"]);
        let message =
            format!("`{address}` is nobody's address: no letter leaves before the list's own is written here");
        problems.push(
            Problem::error("placeholder", message)
                .help("write `to: ADDRESS`, the list's at its list server")
                .at(place),
        );
    }
    if let Transport::Smtp { host, .. } | Transport::Smtps { host, .. } = &config.mail.transport
        && is_nobodys(host)
    {
        let place = place_of(&config.root, "config/crieur.yaml", &["mail", "transport"]);
        let message = format!("there is no mail server `{host}`: no letter leaves before yours is written here");
        problems
            .push(Problem::error("placeholder", message).help("for example `transport: smtp://HOST:587`").at(place));
    }
    problems.into_iter().collect()
}

fn is_nobodys(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "invalid" || host.ends_with(".invalid")
}
