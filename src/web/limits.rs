//! How many letters a form may send, and to whom they count: an address, a network, a newsletter.
//!
//! Promises: the database holds keyed hashes alone, another one for each purpose, and none longer than a day; all who serve it
//! count together.
//!
//! BUGS: whoever has many networks, or an IPv6 network larger than one household's, is held by the newsletter's limit alone.

use std::net::IpAddr;

use super::Service;
use super::client;
use crate::mail::address::Address;
use crate::store::outbox::Limit;

/// What limits a letter to an address that somebody at `client` asked for.
pub fn of(service: &Service, newsletter: &str, address: &Address, client: IpAddr) -> Vec<Limit> {
    let rates = &service.config.web.confirmations;
    vec![
        Limit { limited: hash(service, "address", &mailbox(address)), rate: rates.per_address },
        Limit { limited: network(service, client), rate: rates.per_network },
        Limit { limited: hash(service, "newsletter", newsletter), rate: rates.per_newsletter },
    ]
}

/// What stands for the network of whoever asks.
pub fn network(service: &Service, client: IpAddr) -> String {
    hash(service, "network", &client::network(client).to_string())
}

fn hash(service: &Service, what: &str, value: &str) -> String {
    service.secrets.hash("limit", &[what.as_bytes(), value.as_bytes()]).to_hex()[..32].to_string()
}

/// The mailbox behind an address, as far as one can guess: in small letters, without `+detail`, and without dots, which large
/// services do not read. Two people who share one here share its limit, and nothing else.
fn mailbox(address: &Address) -> String {
    let address = address.to_string().to_lowercase();
    let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
    let plain = local.split('+').next().filter(|plain| !plain.is_empty()).unwrap_or(local);
    format!("{}@{domain}", plain.replace('.', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_mailbox_count_together() {
        let mailbox = |text: &str| mailbox(&Address::parse(text).unwrap());
        for spelling in ["Ana.Exemple@EXAMPLE.org", "anaexemple+1@example.org", " a.naexemple+x+y@example.ORG "] {
            assert_eq!(mailbox(spelling), "anaexemple@example.org");
        }
        assert_eq!(mailbox("a@préfecture.example.org"), mailbox("A@xn--prfecture-c4a.example.org"));
        assert_eq!(mailbox("+x@example.org"), "+x@example.org");
        assert_ne!(mailbox("a@example.org"), mailbox("b@example.org"));
        assert_ne!(mailbox("a@example.org"), mailbox("a@www.example.org"));
    }
}
