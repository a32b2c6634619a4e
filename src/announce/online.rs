//! A letter's page on the site: what *read online* leads to, and what a forwarded letter shows to whoever opens it.
//!
//! Promises: the page is the letter as it was frozen, with nothing of a recipient in it: no name, no token, no way out
//! that is somebody's; it is there before the first letter leaves, and every build writes it again. A letter that nobody
//! got has no page.
//!
//! BUGS: the file is written under `publish.out`; that it is served is the deployment's matter.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::frozen::Frozen;
use super::{AnnounceError, Material};
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
pub async fn write_page(store: &mut Store, edition: &Edition, out: &Path) -> Result<Option<Page>, AnnounceError> {
    let (content, variants) = store.content(edition.id).await?;
    let frozen: Frozen = serde_json::from_str(&content)?;
    let Some(first) = variants.first() else { return Ok(None) };
    let variant: Variant = serde_json::from_str(first)?;
    write(&frozen.composed, &variant, out)
}

/// Writes the page of every edition that is being sent or was, and was composed since `since`.
pub async fn write_pages(store: &mut Store, since: DateTime<Utc>, out: &Path) -> Result<Vec<Page>, AnnounceError> {
    let mut pages = Vec::new();
    for edition in store.editions().await? {
        if matches!(edition.state, State::Sending | State::Done) && edition.composed >= since {
            pages.extend(write_page(store, &edition, out).await?);
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

fn write(composed: &Composed, variant: &Variant, out: &Path) -> Result<Option<Page>, AnnounceError> {
    let Some(path) = &composed.online else { return Ok(None) };
    let file = out.join(path);
    let mut html = variant.html.fill(&StampFields::default(), Escape::Html);
    // A page shows from the site what its letter carried.
    for picture in &composed.pictures {
        html = html.replace(&format!("\"cid:{}\"", picture.content_id), &format!("\"{}\"", picture.url));
    }
    let changed = publish::write_if_changed(&file, html.as_bytes())
        .map_err(|error| AnnounceError::Publish { path: path.clone(), error })?;
    Ok(Some(Page { path: PathBuf::from(path), changed }))
}
