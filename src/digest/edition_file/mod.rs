//! An edition as a file: Markdown that a person rearranges, read into a [`Plan`], and written from one.
//!
//! 1. `front` reads the front matter: whose it is, when it may go.
//! 2. `blocks` is the Markdown, `parse` makes sections of it, `line` one entry of one line; `addresses` finds the items,
//!    `emoji` the marks, `prose` keeps a person's words.
//! 3. [`write`] writes a draft, and adds to one what came in since.
//!
//! Promises: any text gives an edition and problems, never a crash; a problem has its line; what stands in the file
//! stands in the letter, in that order, or is a problem. Pure: reading the file is somebody else's.
//!
//! BUGS: Markdown's own traps stay: a line of `---` under words makes a heading of them, and a line that begins with
//! four spaces is code.

mod addresses;
mod blocks;
mod emoji;
mod front;
mod line;
mod mistakes;
mod parse;
mod prose;
#[cfg(test)]
mod tests;
pub mod write;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, Utc};

use super::ComposeInput;
use super::plan::Plan;
use crate::problem::{Problems, Source};

/// When an edition may go, as its file says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// A person is at work on it.
    #[default]
    No,
    Now,
    At(DateTime<Utc>),
}

/// What a file is read against.
#[derive(Clone, Copy)]
pub struct Reading<'r, 'a> {
    pub input: &'r ComposeInput<'a>,
    /// Ids that an earlier letter showed: here they are repeats.
    pub shown: &'r HashSet<String>,
    /// When an edition goes whose file names a day alone.
    pub hour: NaiveTime,
}

/// An edition's file, read.
#[derive(Clone, Debug, Default)]
pub struct EditionFile<'a> {
    pub release: Release,
    pub plan: Plan<'a>,
    /// Ids that wait for the next edition.
    pub later: Vec<String>,
    /// Ids that the draft offered: those that stand nowhere else were crossed out.
    pub offered: Vec<String>,
}

impl EditionFile<'_> {
    /// Whether there is a letter in it.
    pub fn has_letter(&self) -> bool {
        self.plan.entries().next().is_some()
    }

    /// Every id that it knows of.
    pub fn mentioned(&self) -> HashSet<&str> {
        let shown = self.plan.items().map(|item| item.id.as_str());
        let others = self.later.iter().chain(&self.offered).map(String::as_str);
        shown.chain(others).chain(self.plan.counted.iter().map(String::as_str)).collect()
    }
}

/// Reads an edition's file. With an error among the problems it must not be sent.
pub fn read<'a>(source: &Arc<Source>, reading: Reading<'_, 'a>) -> (EditionFile<'a>, Problems) {
    parse::read(source, reading)
}
