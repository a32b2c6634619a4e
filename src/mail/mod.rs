//! 5b *deliver*: an edition's letters, one to each recipient, each exactly once as far as SMTP can promise it.
//!
//! [`letter`] writes a letter (fields by [`header`], bodies by [`quoted_printable`]); [`transport`] hands it over, to a
//! [`maildir`], [`sendmail`], [`smtp`], or in one file to another machine ([`hand_over`]); [`outcome`] says what the answer means and [`retry`] when to try again;
//! [`delivery`] is the one place where letters and the ledger meet. [`dkim`] signs them. [`token`] makes what travels in
//! letters; [`way_out`] tells whether readers can leave at all. [`bounce`] tells what a message that came back means, and
//! [`mailbox`] is where such messages lie.

pub mod address;
pub mod bounce;
mod brakes;
mod carry;
pub mod clock;
pub mod delivery;
pub mod dkim;
pub mod dns;
pub mod hand_over;
pub mod header;
mod job;
mod judge;
mod keeper;
pub mod letter;
pub mod mailbox;
pub mod maildir;
pub mod notice;
pub mod outcome;
mod pace;
mod prepared;
pub mod quoted_printable;
pub mod retry;
pub mod sendmail;
pub mod smtp;
pub mod token;
pub mod transport;
pub mod way_out;
pub mod wire;
