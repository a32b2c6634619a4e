//! A letter's page on the site: what *read online* leads to, and what a forwarded letter shows to whoever opens it.
//!
//! Promises: the page is the letter as it was frozen, with nothing of a recipient in it: no name, no token, no way out
//! that is somebody's; it is there before the first letter leaves, and every build writes it again. A letter that nobody
//! got has no page, and none of a newsletter whose archive is nobody's to read. A page that the web service's archive shows as
//! well names that one as the one to be found; one that is only for those who have its address asks not to be found.
//!
//! BUGS: the file is written under `publish.out`; that it is served is the deployment's matter. A page that was written before
//! its newsletter said `archive: none` stays where it lies.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::frozen::Frozen;
use super::{AnnounceError, Material};
use crate::config::{Archive, Config, Newsletter};
use crate::digest::{Composed, Escape, StampFields, Variant, calendar};
use crate::publish;
use crate::store::Store;
use crate::store::editions::{Edition, State};

/// A page that was written, or was there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Under the folder that is published.
    pub path: PathBuf,
    pub changed: bool,
}

/// Writes the page of one edition under `out`; `None`: its newsletter has none.
pub async fn write_page(
    store: &mut Store,
    config: &Config,
    edition: &Edition,
    out: &Path,
) -> Result<Option<Page>, AnnounceError> {
    let newsletter = config.newsletters.iter().find(|newsletter| newsletter.name == edition.newsletter);
    if newsletter.is_some_and(|newsletter| newsletter.archive == Archive::None) {
        return Ok(None);
    }
    let (content, variants) = store.content(edition.id).await?;
    let frozen: Frozen = serde_json::from_str(&content)?;
    let Some(first) = variants.first() else { return Ok(None) };
    let variant: Variant = serde_json::from_str(first)?;
    let more = newsletter.map(|newsletter| for_search_engines(config, newsletter, frozen.composed.number));
    write(&frozen.composed, &variant, &more.unwrap_or_default(), out)
}

/// Writes the page of every edition that is being sent or was, and was composed since `since`.
pub async fn write_pages(
    store: &mut Store,
    config: &Config,
    since: DateTime<Utc>,
    out: &Path,
) -> Result<Vec<Page>, AnnounceError> {
    let mut pages = Vec::new();
    for edition in store.editions().await? {
        if matches!(edition.state, State::Sending | State::Done) && edition.composed >= since {
            pages.extend(write_page(store, config, &edition, out).await?);
        }
    }
    Ok(pages)
}

/// Writes the calendar's file of each event to come under `out`: letters link to them.
pub fn write_events(material: Material<'_>, now: DateTime<Utc>, out: &Path) -> Result<(), AnnounceError> {
    for file in calendar::files(material.config, material.renderer, material.items, now) {
        publish::write_if_changed(&out.join(&file.path), file.text.as_bytes())
            .map_err(|error| AnnounceError::Publish { path: file.path, error })?;
    }
    Ok(())
}

/// What stands in the head of a letter's page on the site.
fn for_search_engines(config: &Config, newsletter: &Newsletter, number: u64) -> String {
    let mut head = String::new();
    if newsletter.archive == Archive::Unlisted {
        head.push_str("<meta name=\"robots\" content=\"noindex\">\n");
    }
    let archive = newsletter.archive_url(&config.web);
    if let Some(url) = archive.and_then(|archive| archive.join(&format!("{number}/")).ok()) {
        // An address holds no quote, and ours no ampersand.
        head.push_str(&format!("<link rel=\"canonical\" href=\"{url}\">\n"));
    }
    head
}

fn write(composed: &Composed, variant: &Variant, more: &str, out: &Path) -> Result<Option<Page>, AnnounceError> {
    let Some(path) = &composed.online else { return Ok(None) };
    let file = out.join(path);
    let mut html = variant.html.fill(&StampFields::default(), Escape::Html);
    if !more.is_empty() {
        html = html.replacen("</head>", &format!("{more}</head>"), 1);
    }
    // A page shows from the site what its letter carried.
    for picture in &composed.pictures {
        html = html.replace(&format!("\"cid:{}\"", picture.content_id), &format!("\"{}\"", picture.url));
    }
    let changed = publish::write_if_changed(&file, html.as_bytes())
        .map_err(|error| AnnounceError::Publish { path: path.clone(), error })?;
    Ok(Some(Page { path: PathBuf::from(path), changed }))
}
