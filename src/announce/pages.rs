//! Whether an edition's pages and pictures answer yet: a site is often deployed after its items are committed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Material;
use crate::config::is_loopback;
use crate::digest::{Composed, Piece};

/// How long one address may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The addresses that do not answer 200: the items' pages, and the site's pictures that the letter shows. Asked through
/// the environment's proxy where one is set.
pub fn missing(material: Material<'_>, composed: &Composed) -> Vec<String> {
    let site = material.config.site.url.as_str();
    let mut addresses: BTreeSet<String> = composed.items.iter().map(|item| item.url.clone()).collect();
    for variant in &composed.variants {
        for piece in &variant.html.0 {
            if let Piece::Text(html) = piece {
                addresses.extend(pictures(html).into_iter().filter(|address| address.starts_with(site)));
            }
        }
    }
    addresses.into_iter().filter(|address| !answers(address)).collect()
}

fn answers(address: &str) -> bool {
    let mut settings = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
    let host = url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_string)).unwrap_or_default();
    if is_loopback(host.trim_matches(['[', ']'])) {
        // What listens on this machine is not behind a proxy.
        settings = settings.proxy(None);
    }
    let agent: ureq::Agent = settings.build().into();
    match agent.head(address).call() {
        Ok(response) if response.status() == 200 => true,
        // Some servers know no HEAD.
        Ok(_) => agent.get(address).call().is_ok_and(|response| response.status() == 200),
        Err(_) => false,
    }
}

/// The `src` of every picture in HTML of our own making.
fn pictures(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tag in html.split("<img").skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        if let Some(source) = tag.split(" src=\"").nth(1).and_then(|rest| rest.split('"').next()) {
            found.push(source.replace("&amp;", "&"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_with_their_true_addresses() {
        let html =
            "<p>src=\"no\"</p><img alt=\"a\" src=\"https://e.org/a?b&amp;c\" width=\"1\"><img\n src=\"x\"><img alt>";
        assert_eq!(pictures(html), ["https://e.org/a?b&c", "x"]);
    }
}
