//! An edition as one file, for a machine that has the list and not the site: what was frozen of it, without what stands above
//! a letter (who sends it, how to leave) and without anybody's address or key.
//!
//! It is JSON: `crieur: edition`, a format's number, the checksum of what `edition` holds, and that: the newsletter's name, the
//! number, what the letter announces, its variants with their places for a recipient's stamps, and in base64 the pictures that
//! travel in it. What it shows from the site is not in it.
//!
//! Promises: the same frozen edition gives the same bytes; a file that was cut short or changed is told from a whole one; no
//! path in it leads out of a folder.
//!
//! BUGS: the checksum finds damage, not forgery: whoever may write the file says what is sent.

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::frozen::Frozen;
use crate::digest::{Composed, Piece, ShownPicture, Variant};
use crate::mail::letter::{Head, WayOut};
use crate::pictures;

/// What this version writes, and reads.
const FORMAT: u64 = 1;

/// An edition that came in a file.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// When it was composed.
    pub composed_at: DateTime<Utc>,
    /// With its variants, the contents of the pictures that it carries, and the file's checksum.
    pub composed: Composed,
    /// The address by which its text says that readers leave; `None`: each reader's own, a stamp.
    pub way_out: Option<String>,
}

/// Why a file is not an edition that can be sent.
#[derive(Debug, thiserror::Error)]
pub enum ParcelError {
    #[error("this is no edition that crieur has handed over")]
    NotOne,
    #[error("this edition is in format {0}, and this version of crieur reads up to {FORMAT}")]
    Newer(u64),
    #[error("this edition is damaged: {0}")]
    Damaged(String),
}

/// What `edition` holds.
#[derive(Serialize, Deserialize)]
struct Content {
    composed_at: DateTime<Utc>,
    way_out: Option<String>,
    composed: Composed,
    /// Base64, by name.
    pictures: Map<String, Value>,
}

impl Parcel {
    /// The file of a frozen edition, whose pictures have their contents.
    pub fn pack(
        composed_at: DateTime<Utc>,
        head: &Head,
        frozen: &Frozen,
        variants: &[Variant],
    ) -> Result<Vec<u8>, serde_json::Error> {
        let way_out = head.list.as_ref().and_then(|list| match &list.way_out {
            WayOut::Url(url) => Some(url.clone()),
            WayOut::Web(_) | WayOut::Mailto(_) | WayOut::Elsewhere => None,
        });
        let carried = frozen.composed.pictures.iter().filter(|picture| carries(variants, picture));
        let pictures =
            carried.map(|picture| (picture.name.clone(), BASE64.encode(&picture.content).into())).collect();
        let composed = Composed { variants: variants.to_vec(), ..frozen.composed.clone() };
        let content = serde_json::to_value(Content { composed_at, way_out, composed, pictures })?;
        let whole = json!({
            "crieur": "edition", "format": FORMAT, "checksum": checksum(&content)?, "edition": content,
        });
        let mut bytes = serde_json::to_vec_pretty(&whole)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads such a file.
    pub fn read(bytes: &[u8]) -> Result<Parcel, ParcelError> {
        let damaged = |why: String| ParcelError::Damaged(why);
        let mut whole: Value = serde_json::from_slice(bytes).map_err(|error| {
            let starts_so = String::from_utf8_lossy(bytes).trim_start().starts_with("{\n  \"crieur\": \"edition\"");
            if starts_so { damaged(error.to_string()) } else { ParcelError::NotOne }
        })?;
        if whole["crieur"] != "edition" {
            return Err(ParcelError::NotOne);
        }
        match whole["format"].as_u64() {
            Some(FORMAT) => {}
            Some(newer) if newer > FORMAT => return Err(ParcelError::Newer(newer)),
            _ => return Err(damaged("it names no format".to_string())),
        }
        let content = whole["edition"].take();
        let sum = checksum(&content).map_err(|error| damaged(error.to_string()))?;
        if whole["checksum"] != sum.as_str() {
            return Err(damaged("its checksum is another one".to_string()));
        }
        let Content { composed_at, way_out, mut composed, pictures } =
            serde_json::from_value(content).map_err(|error| damaged(error.to_string()))?;
        for picture in &mut composed.pictures {
            let Some(text) = pictures.get(&picture.name).and_then(Value::as_str) else { continue };
            let content = BASE64.decode(text.as_bytes()).map_err(|error| damaged(error.to_string()))?;
            // Its name says what is in it, and is a name: it stands in a folder of pictures.
            if !pictures::is_named(&picture.name, &content) {
                return Err(damaged(format!("{} is not the picture of that name", picture.name)));
            }
            picture.content = content.into();
        }
        if composed.variants.is_empty() || composed.items.is_empty() {
            return Err(damaged("it holds no letter".to_string()));
        }
        // Its page is on the site that composed it.
        composed.online = None;
        composed.handed_over = Some(sum);
        Ok(Parcel { composed_at, composed, way_out })
    }
}

/// Whether a letter carries this picture, in place of showing it from the site.
fn carries(variants: &[Variant], picture: &ShownPicture) -> bool {
    let address = format!("\"cid:{}\"", picture.content_id);
    let mut pieces = variants.iter().flat_map(|variant| &variant.html.0);
    pieces.any(|piece| matches!(piece, Piece::Text(text) if text.contains(&address)))
}

fn checksum(content: &Value) -> Result<String, serde_json::Error> {
    Ok(blake3::hash(&serde_json::to_vec(content)?).to_hex().to_string())
}
