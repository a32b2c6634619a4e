//! The pictures of letters on the site: written before the first letter leaves, and by every build for as long as they
//! are kept, though the item or its file are gone.
//!
//! Promises: a picture that is there already is not touched; nothing is written for a letter that was never frozen.
//!
//! BUGS: that the files are served is the deployment's matter. What is not kept any more is no longer written, and not
//! removed where it lies.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::AnnounceError;
use crate::config::Config;
use crate::digest::ShownPicture;
use crate::pictures;
use crate::publish;
use crate::store::Store;
use crate::store::pictures::KeptPicture;

/// A letter's pictures, as the store keeps them with it.
pub(super) fn kept(pictures: &[ShownPicture]) -> Vec<KeptPicture> {
    let one = |picture: &ShownPicture| KeptPicture {
        name: picture.name.clone(),
        media_type: picture.media_type.clone(),
        content: picture.content.to_vec(),
    };
    // What another machine's letter shows from the site has no content here.
    pictures.iter().filter(|picture| !picture.content.is_empty()).map(one).collect()
}

/// Gives a frozen letter's pictures their contents again; one that is kept no more stays empty.
pub(super) async fn fill(store: &mut Store, pictures: &mut [ShownPicture]) -> Result<(), AnnounceError> {
    for picture in pictures {
        if let Some(kept) = store.kept_picture(&picture.name).await? {
            picture.content = kept.content.into();
        }
    }
    Ok(())
}

/// Writes every kept picture under `out`. Says how many were not there, or were not the same.
pub async fn write_kept_pictures(
    store: &mut Store,
    config: &Config,
    out: &Path,
    now: DateTime<Utc>,
) -> Result<usize, AnnounceError> {
    let folder = out.join(&config.pictures.folder);
    let mut changed = 0;
    for name in store.kept_pictures(now).await? {
        // The name says what is in it: no need to read the database to compare.
        if std::fs::read(folder.join(&name)).is_ok_and(|content| pictures::is_named(&name, &content)) {
            continue;
        }
        if let Some(picture) = store.kept_picture(&name).await? {
            changed += usize::from(write(&folder, &name, &picture.content)?);
        }
    }
    Ok(changed)
}

/// Writes these pictures in `folder`, for looking at a letter that was not sent yet.
pub fn write_pictures(pictures: &[ShownPicture], folder: &Path) -> Result<(), AnnounceError> {
    for picture in pictures {
        write(folder, &picture.name, &picture.content)?;
    }
    Ok(())
}

fn write(folder: &Path, name: &str, content: &[u8]) -> Result<bool, AnnounceError> {
    let path = folder.join(name);
    publish::write_if_changed(&path, content)
        .map_err(|error| AnnounceError::Publish { path: path.display().to_string(), error })
}
