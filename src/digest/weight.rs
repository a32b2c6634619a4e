//! What a letter weighs, and when that is too much.
//!
//! Gmail cuts an HTML part at about 102 kB and hides the end of the letter, the way out with it.

use serde::Serialize;

use super::{Composed, Escape, ShownPicture, StampFields, Variant};

/// Of an HTML part's budget (`weight.html`), this much is kept for what stamps say of a recipient, in bytes.
pub const STAMPS_ROOM: usize = 2_000;

/// Bytes by part, as one recipient gets them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Weight {
    pub html_bytes: usize,
    pub text_bytes: usize,
    /// The whole letter, encoded, header included.
    pub letter_bytes: usize,
}

impl Weight {
    /// Weighs a variant for one recipient, whose whole letter is `letter`.
    pub fn of(variant: &Variant, fields: &StampFields, letter: &[u8]) -> Self {
        Weight {
            html_bytes: variant.html.fill(fields, Escape::Html).len(),
            text_bytes: variant.text.fill(fields, Escape::None).len(),
            letter_bytes: letter.len(),
        }
    }
}

/// A picture that the letter shows; `bytes` if its file is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Picture {
    pub url: String,
    pub bytes: Option<u64>,
}

/// The pictures that a letter shows, in its order.
pub fn pictures(composed: &Composed) -> Vec<Picture> {
    let one = |picture: &ShownPicture| Picture { url: picture.url.clone(), bytes: Some(picture.bytes) };
    composed.pictures.iter().map(one).collect()
}
