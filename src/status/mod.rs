//! How things stand, for whoever runs the letters: a page with plots, each with its table.
//!
//! [`Rows`] is what the database says, [`Plots`] what is shown of it: a bar for each edition and each receiving domain
//! ([`bars`]), the subscribers and those who came and went ([`people`]), who reads the feeds ([`feeds`]), all on scales that
//! [`scale`] makes. [`svg`] draws them, [`page`] sets them (`shown`, `tables`) in HTML, [`words`] says it in French or English.
//!
//! Promises: pure but for [`Rows::read`]: the same rows and the same `now` give the same page, byte for byte. No person is on
//! it: receiving domains of fewer than [`bars::FEW`] people stand together. It needs no script and nothing from elsewhere;
//! every plot has a name and its numbers in a table, no state is told by colour alone, and there is light, dark and print.

pub mod bars;
pub mod feeds;
pub mod page;
pub mod people;
mod rows;
pub mod scale;
mod shown;
mod svg;
mod tables;
pub mod words;

pub use page::{Moves, Page, STYLE, page};
pub use rows::{Letter, Rows, Source};
