//! How letters may leave: `mail.rate`, `mail.letters_per_connection` and `mail.domains`.

use std::collections::BTreeMap;

use super::reader::{Mapping, Node};
use super::{DomainLimit, Limits, values};

/// Reads the limits among the keys of `mail`.
pub fn read(mail: &Mapping<'_>) -> Limits {
    let per_connection = mail.number("letters_per_connection", 1);
    let mut domains = BTreeMap::new();
    for (name, node) in mail.section("domains").named() {
        if let Some(domain) = domain(&name, &node) {
            domains.insert(domain, limit(&node));
        }
    }
    Limits {
        rate: mail.parsed("rate", values::rate),
        letters_per_connection: per_connection.map(|number| u32::try_from(number).unwrap_or(u32::MAX)),
        domains,
    }
}

/// A domain as addresses in the database write it: ASCII, in lower case.
fn domain(name: &str, node: &Node<'_>) -> Option<String> {
    match url::Host::parse(name) {
        Ok(url::Host::Domain(domain)) if domain.contains('.') => Some(domain),
        _ => {
            let help = "write what stands behind the @ of the addresses that are meant: `example.org`";
            node.problem("bad-value", format!("`{name}` is no domain"), help);
            None
        }
    }
}

fn limit(node: &Node<'_>) -> DomainLimit {
    let keys = node.mapping();
    let connections = keys.number("connections", 1).map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    let rate = keys.parsed("rate", values::rate);
    keys.finish();
    DomainLimit { connections, rate }
}
