//! 4b *compose*: from new items to an edition, ready to be frozen and stamped for each recipient.
//!
//! 1. `automatic` plans what is new, in which order, and what counts as announced; the result is a [`plan::Plan`].
//! 2. `context` puts a plan in words, which [`language`] knows; `template` renders them.
//! 3. `compose` does it all; `wrap` and [`weight`] look after the letter's form.
//! 4. `scan` finds in a template what is a recipient's, [`stamp`] says it for one.
//!
//! Promises: the same input gives the same bytes, the time handed in; nothing in a letter tells who opened it.

mod agenda;
mod automatic;
#[cfg(test)]
mod automatic_tests;
pub mod calendar;
mod compose;
#[cfg(test)]
mod compose_tests;
mod context;
pub mod edition_file;
pub mod language;
mod look;
pub mod notice;
pub mod plan;
#[cfg(test)]
pub(crate) mod samples;
mod scan;
mod series;
pub mod stamp;
pub mod template;
pub mod topics;
pub mod weight;
mod wrap;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use agenda::{agenda, urgent};
pub use automatic::{new_items, plan as plan_of_new, shows as repeats};
pub use compose::{ComposeInput, compose, compose_all, compose_plan, plans};
pub use context::{LOGO, wanted};
pub use stamp::{Escape, Filler, Piece, StampFields, Stamped};
pub use template::Templates;

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
    /// Ids that a person crossed out of it: declined for good.
    #[serde(default)]
    pub declined: Vec<String>,
    /// A short letter out of turn.
    #[serde(default)]
    pub urgent: bool,
    /// Where its page stands, under the site and under what is published; `None`: it has none.
    #[serde(default)]
    pub online: Option<String>,
    /// The pictures that it shows, each once, in its order.
    #[serde(default)]
    pub pictures: Vec<ShownPicture>,
    /// The checksum of the file in which it was handed over to this machine; `None`: composed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<String>,
    /// Sets of items, each rendered once.
    pub variants: Vec<Variant>,
    /// What each choice of topics gets; who made none of these gets the first variant. Not kept here.
    #[serde(skip)]
    pub shares: Vec<Share>,
    /// Warnings about the letter; not kept.
    #[serde(skip)]
    pub problems: Problems,
}

impl Composed {
    /// Takes another rendering in, with what it shows besides.
    pub fn join(&mut self, part: Composed) {
        let Composed { items, pictures, variants, problems, .. } = part;
        let items: Vec<_> = items.into_iter().filter(|item| self.items.iter().all(|one| one.id != item.id)).collect();
        self.items.extend(items);
        for picture in pictures {
            if self.pictures.iter().all(|one| one.name != picture.name) {
                self.pictures.push(picture);
            }
        }
        for problem in problems.0 {
            if !self.problems.iter().any(|one| *one == problem) {
                self.problems.push(problem);
            }
        }
        self.variants.extend(variants);
    }
}

/// What those get who chose the same topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Sorted names with single spaces between them.
    pub topics: String,
    /// `None`: nothing is in it for them, and no letter goes to them.
    pub variant: Option<usize>,
}

/// A picture that a letter shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPicture {
    /// Of its content.
    pub name: String,
    /// Where the site serves it.
    pub url: String,
    /// By which a letter that carries it names it, after `cid:`.
    pub content_id: String,
    pub bytes: u64,
    pub media_type: String,
    /// Kept elsewhere once the edition is frozen.
    #[serde(skip)]
    pub content: Arc<[u8]>,
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
