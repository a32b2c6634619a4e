//! Reads `mail.dkim`: `{ domain, selector, key }`, or a list of at most two of them.

use std::path::Path;

use super::Dkim;
use super::reader::{Mapping, Node, Reject, reject};

/// The keys that sign letters; what is wrong with the keys themselves is said by those who read them.
pub fn read(root: &Path, mail: &Mapping<'_>) -> Vec<Dkim> {
    let nodes = mail.list("dkim").unwrap_or_default();
    let mut signatures: Vec<Dkim> = nodes.iter().filter_map(|node| one(root, node)).collect();
    for (index, node) in nodes.iter().enumerate().skip(1) {
        let Some(dkim) = signatures.get(index) else { continue };
        let taken = |other: &Dkim| other.domain == dkim.domain && other.selector == dkim.selector;
        if signatures.iter().take(index).any(taken) {
            let message = format!("two keys have the selector `{}`, and the DNS holds one", dkim.selector);
            node.problem("bad-value", message, "give each key its own selector");
        }
    }
    if let Some(third) = nodes.get(2) {
        let help = "one RSA key, and one Ed25519 key beside it, are all that a receiver looks at";
        third.problem("bad-value", "a letter has two signatures at most", help);
        signatures.truncate(2);
    }
    signatures
}

fn one(root: &Path, node: &Node<'_>) -> Option<Dkim> {
    let dkim = node.mapping();
    dkim.required("domain", "lettre.example.org");
    let domain = dkim.get("domain").and_then(|_| dkim.parsed("domain", domain));
    dkim.required("selector", "c1");
    let selector = dkim.get("selector").and_then(|_| dkim.parsed("selector", selector));
    let key = dkim.required("key", "var/dkim.pem");
    dkim.finish();
    let key = key?;
    Some(Dkim { domain: domain?, selector: selector?, path: root.join(&key), key, place: node.place() })
}

/// A domain as mail knows it: in lower case, by IDNA in ASCII.
fn domain(text: &str) -> Result<String, Reject> {
    let help = "write the domain that the letters come from, for example `lettre.example.org`";
    match url::Host::parse(text) {
        Ok(url::Host::Domain(domain)) if domain.contains('.') && !domain.ends_with('.') => Ok(domain),
        _ => reject(format!("`{text}` is not a domain"), help),
    }
}

/// RFC 6376, section 3.1: labels with dots between them.
fn selector(text: &str) -> Result<String, Reject> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.split('.').all(label) {
        return Ok(text.to_string());
    }
    reject(format!("`{text}` is not a selector"), "write letters, digits and hyphens, for example `c1`")
}
