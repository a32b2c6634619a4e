//! Whether an edition's pages and pictures answer yet: a site is often deployed after its items are committed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::frozen::Frozen;
use super::{AnnounceError, Material};
use ureq::tls::{RootCerts, TlsConfig};

use crate::config::{Config, is_loopback};
use crate::digest::Composed;
use crate::store::Store;
use crate::store::editions::Edition;

/// How long one address may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The addresses that do not answer 200: the items' pages, and their pictures on the site. Asked through
/// the environment's proxy where one is set.
pub fn missing(material: Material<'_>, composed: &Composed) -> Vec<String> {
    let site = material.config.site.url.as_str();
    let mut addresses: BTreeSet<String> = composed.items.iter().map(|item| item.url.clone()).collect();
    for item in material.items.iter().filter(|item| composed.items.iter().any(|shown| shown.id == item.id)) {
        // Its smaller copy in the letter is ours to publish.
        addresses
            .extend(item.image.iter().map(|image| image.url.clone()).filter(|address| address.starts_with(site)));
    }
    addresses.into_iter().filter(|address| !answers(address)).collect()
}

/// The addresses of a frozen letter that do not answer 200: its items' pages, its own page, and the pictures that it shows.
pub async fn undeployed(store: &mut Store, config: &Config, edition: &Edition) -> Result<Vec<String>, AnnounceError> {
    let (content, _) = store.content(edition.id).await?;
    let Composed { items, online, pictures, .. } = serde_json::from_str::<Frozen>(&content)?.composed;
    let mut addresses: BTreeSet<String> = items.into_iter().map(|item| item.url).collect();
    addresses.extend(online.and_then(|path| config.site.url.join(&path).ok()).map(String::from));
    addresses.extend(pictures.into_iter().map(|picture| picture.url));
    // The questions block this thread; nothing else is under way on it.
    Ok(addresses.into_iter().filter(|address| !answers(address)).collect())
}

fn answers(address: &str) -> bool {
    let mut settings = ureq::Agent::config_builder()
        // Whom the system trusts: the authority of an administration, or of a proxy that opens TLS, is not in a built-in list.
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false);
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
