//! 2 *render*: from an item's body to safe HTML and plain text, both from one tree.
//!
//! `expand` replaces template code, `markdown` makes the tree, `embed` and `clean` make it fit to be read elsewhere,
//! `text` writes it as plain text.
//!
//! Promises: every address absolute; no script, no tracker, no frame, no character that XML forbids; no template code
//! outside code that the author shows on purpose. Titles, summaries and bodies alike.

pub mod built;
mod clean;
mod edits;
mod embed;
mod expand;
mod finish;
mod guard;
pub mod markdown;
mod renderer;
pub mod text;
pub mod tree;

pub use clean::Cleaner;
pub use renderer::Renderer;

use crate::problem::Problems;

/// A body, rendered.
#[derive(Clone, Debug, Default)]
pub struct Body {
    pub nodes: Vec<tree::Node>,
    /// Videos and sounds, in the order in which they stand.
    pub embeds: Vec<Embed>,
    /// What was left out, or could not be.
    pub problems: Problems,
}

/// A video or a sound that stands elsewhere; in the tree it is a `<figure data-embed="ADDRESS">`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embed {
    /// The page that a person opens, canonical: two items with the same one are one entry in a letter.
    pub url: String,
    /// What a player loads.
    pub player: String,
    pub title: String,
    /// Its picture's address, where one can be told without asking anybody.
    pub thumbnail: Option<String>,
}

impl Body {
    /// Safe HTML, for a feed or a letter.
    pub fn html(&self) -> String {
        tree::write(&self.nodes)
    }

    /// Plain text, a line a paragraph.
    pub fn text(&self) -> String {
        text::write(&self.nodes)
    }

    /// The first sentences in one line of at most `max_chars` characters, cut at a word with `…`.
    pub fn summary(&self, max_chars: usize) -> String {
        text::summary(&self.nodes, max_chars)
    }
}
