//! What a letter weighs, and when that is too much.
//!
//! Gmail cuts an HTML part at about 102 kB and hides the end of the letter, the way out with it.

use serde::Serialize;

use super::stamp::escape_html;
use super::{Escape, StampFields, Variant};
use crate::item::Item;

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

/// The pictures that a variant shows, in its order.
pub fn pictures(variant: &Variant, items: &[Item]) -> Vec<Picture> {
    let html = variant.html.fill(&StampFields::default(), Escape::Html);
    let images = variant.items.iter().filter_map(|id| items.iter().find(|item| item.id == *id)?.image.as_ref());
    let mut pictures: Vec<Picture> = Vec::new();
    for image in images.filter(|image| html.contains(&format!("src=\"{}\"", escape_html(&image.url)))) {
        if !pictures.iter().any(|picture| picture.url == image.url) {
            pictures.push(Picture { url: image.url.clone(), bytes: image.bytes });
        }
    }
    pictures
}
