//! 4b *compose*: from new items to an edition, ready to be frozen and stamped for each recipient.
//!
//! [`scan`] finds in a template what is a recipient's, [`stamp`] says it for one.
//!
//! Promises: the same input gives the same bytes, the time handed in; nothing in a letter tells who opened it.

#[cfg(test)]
pub(crate) mod samples;
pub mod scan;
pub mod stamp;

use serde::{Deserialize, Serialize};

pub use stamp::{Escape, Filler, Piece, StampFields, Stamped};

use crate::problem::Problems;

/// An edition, composed: frozen as it is, then delivered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Composed {
    /// The newsletter's name.
    pub newsletter: String,
    pub number: u64,
    /// What the letter shows, in its order; empty: nothing new, no letter.
    pub items: Vec<AnnouncedItem>,
    /// Every id that counts as announced with it: shown, beyond `max_items`, and a shown one's double.
    pub counted: Vec<String>,
    /// Sets of items, each rendered once.
    pub variants: Vec<Variant>,
    /// Warnings about the letter; not kept.
    #[serde(skip)]
    pub problems: Problems,
}

/// An item as an edition names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedItem {
    pub id: String,
    pub title: String,
    pub url: String,
}

/// One rendering of an edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// The ids shown.
    pub items: Vec<String>,
    pub subject: Stamped,
    pub html: Stamped,
    pub text: Stamped,
    /// BCP 47.
    pub language: String,
}
