//! What one letter says, in its order: made by itself (`automatic`), or by a person, in an edition's file.
//!
//! A plan names items and holds people's words; how it looks is the templates' matter, what it weighs is `compose`'s.

use crate::body::Body;
use crate::item::Item;

/// One letter, planned.
#[derive(Clone, Debug, Default)]
pub struct Plan<'a> {
    pub number: u64,
    /// A person's own subject; else the newsletter's template makes one.
    pub subject: Option<String>,
    pub introduction: Option<Prose>,
    /// In the letter's order; one of them at least has an entry.
    pub sections: Vec<Section<'a>>,
    /// Events that are still to come, soonest first, announced before or not.
    pub agenda: Vec<&'a Item>,
    /// How many more events are to come than the agenda lists.
    pub agenda_rest: usize,
    /// How many more new items there are than are shown.
    pub rest: usize,
    /// Ids that count as announced with this letter: shown, beyond `max_items`, and doubles of shown ones.
    pub counted: Vec<String>,
    /// Ids that a person crossed out: never announced by themselves any more.
    pub declined: Vec<String>,
    /// A short letter out of turn, for events that would be over before the next one.
    pub urgent: bool,
    /// It is all that is new, and nobody arranged it.
    pub gathered: bool,
}

/// A person's words: from Markdown, safe, every address absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prose {
    pub html: String,
    /// A line a paragraph.
    pub text: String,
}

/// Entries under a heading of their own, or under none.
#[derive(Clone, Debug, Default)]
pub struct Section<'a> {
    pub title: Option<String>,
    /// An emoji before the title, hidden from screen readers.
    pub mark: Option<String>,
    pub show: Show,
    /// 0: a heading of the letter's second level; 1: one that stands under the last of those.
    pub depth: u8,
    /// What stands between the heading and its entries.
    pub note: Option<Prose>,
    pub entries: Vec<Entry<'a>>,
}

/// How much of an entry is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Title, date, summary, picture.
    #[default]
    Card,
    /// The title in one line, and when it is.
    Line,
}

/// One entry of a letter.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    pub what: What<'a>,
    /// A person's title for it, plain text; always there if it is no item.
    pub title: Option<String>,
    /// An emoji before the title, hidden from screen readers.
    pub mark: Option<String>,
    /// A person's words in the place of the item's summary.
    pub words: Option<Prose>,
    /// It was in an earlier letter, and a person wanted it again.
    pub reminder: bool,
}

/// What an entry leads to.
#[derive(Clone, Debug)]
pub enum What<'a> {
    /// An item of the site, rendered.
    Item { item: &'a Item, body: Box<Body> },
    /// An address elsewhere.
    Link { url: String },
    /// Nothing: a line of words.
    Words,
}

impl<'a> Plan<'a> {
    /// Every entry, in the letter's order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.sections.iter().flat_map(|section| &section.entries)
    }

    /// The items that it shows, in its order; an agenda's are not among them.
    pub fn items(&self) -> impl Iterator<Item = &'a Item> {
        self.entries().filter_map(Entry::item)
    }
}

impl<'a> Entry<'a> {
    /// An item, as it speaks for itself.
    pub fn of(item: &'a Item, body: Body) -> Entry<'a> {
        Entry {
            what: What::Item { item, body: Box::new(body) },
            title: None,
            mark: None,
            words: None,
            reminder: false,
        }
    }

    pub fn item(&self) -> Option<&'a Item> {
        match &self.what {
            What::Item { item, .. } => Some(item),
            _ => None,
        }
    }

    pub fn body(&self) -> Option<&Body> {
        match &self.what {
            What::Item { body, .. } => Some(body),
            _ => None,
        }
    }
}
