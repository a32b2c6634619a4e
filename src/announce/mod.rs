//! 5b *announce*: a newsletter's way from *is it due?* to *delivered*.
//!
//! 0. [`press`] composes the next letters, for whoever wants to see or send them.
//! 1. [`next`] decides: not due, nothing new, held by a brake, waiting for its pages, its file or a person, or to be sent;
//!    and freezes the edition with its list. [`tend`] sees to what is frozen ahead of its time.
//! 2. [`send_ahead`] shows the frozen letter to those who want to see it before everybody does.
//! 3. [`deliver_frozen`] delivers what is frozen and not done: a new edition, or one of an earlier run that goes on.
//! 4. [`write_page`] puts the letter where everybody may read it, before it leaves.
//! 5. [`send_test`] sends a copy that nothing remembers.
//! 6. A [`Parcel`] is an edition as a file: made where nobody's address is known, sent from where the list is.
//!
//! Promises: an edition that waits never delays the next newsletter; nothing is announced twice by itself, whatever date it
//! bears; nothing new is no letter, and the moment counts as considered.

mod ahead;
pub mod choice;
mod drafting;
mod freezing;
mod frozen;
mod hand_over;
mod next;
mod online;
mod pages;
mod parcel;
mod pictures;
pub mod press;
pub mod readers;
pub mod sheet;
mod stand_in;
mod test_copy;
mod waiting;

pub use ahead::{send_ahead, wants_preview};
pub use drafting::{Drafted, There, draft, offer};
pub use freezing::Scene;
pub use frozen::{Frozen, deliver_frozen};
pub use hand_over::{TakenIn, take_in, write_handed_over};
pub use next::{Asked, Next, Wait, next};
pub use online::{Page, write_events, write_page, write_pages};
pub use pages::undeployed;
pub use parcel::{Parcel, ParcelError};
pub use pictures::{write_kept_pictures, write_pictures};
pub use press::Known;
pub use stand_in::stand_in;
pub use test_copy::{send_copies, send_test};
pub use waiting::{Tended, tend};

use crate::body::Renderer;
use crate::config::Config;
use crate::digest::Templates;
use crate::item::Item;
use crate::store::StoreError;

/// What all newsletters of one project are made of.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    pub config: &'a Config,
    /// Identified.
    pub items: &'a [Item],
    pub renderer: &'a Renderer,
    pub templates: &'a Templates,
}

#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("an edition's frozen content cannot be read: {0}")]
    Content(#[from] serde_json::Error),
    #[error("nobody says who sends it: its newsletter's file is gone from config/newsletters")]
    Headless,
    #[error("{path} cannot be written: {error}")]
    Publish { path: String, error: std::io::Error },
}
