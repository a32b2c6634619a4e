//! Which items an edition has: what is new, in which order, and what counts as announced with it.
//!
//! Promises: new is what its id says, never its date; everything new at one moment counts with one edition, shown or
//! not, so that nothing is announced twice and nothing is forgotten.
//!
//! BUGS: two items are one entry if they hold the same videos and sounds, all of them; an item beyond the shown ones is
//! not looked at for that, and is counted in the rest.

use super::ComposeInput;
use crate::body::Body;
use crate::item::Item;
use crate::selection;

/// What one letter is made of.
pub struct Edition<'a> {
    /// In the letter's order.
    pub entries: Vec<Entry<'a>>,
    /// How many more new items there are than are shown.
    pub rest: usize,
    /// Ids that count as announced.
    pub counted: Vec<String>,
}

/// An item to be shown, rendered.
pub struct Entry<'a> {
    pub item: &'a Item,
    pub body: Body,
}

/// What is new for this newsletter, newest first: how many there are is what `surge` looks at.
pub fn new_items<'a>(input: &ComposeInput<'a>) -> Vec<&'a Item> {
    let mut items: Vec<&Item> = input
        .items
        .iter()
        .filter(|item| !item.id.is_empty() && !input.known.contains(&item.id))
        .filter(|item| item.held_until.is_none_or(|until| until <= input.now))
        .filter(|item| selection::matches(item, &input.newsletter.select))
        .collect();
    selection::newest_first(&mut items);
    items
}

/// The edition that has everything new; `None`: nothing is.
pub fn edition<'a>(input: &ComposeInput<'a>) -> Option<Edition<'a>> {
    let items = new_items(input);
    let counted: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
    let (mut entries, mut rest): (Vec<Entry>, usize) = (Vec::new(), 0);
    for item in items {
        if entries.len() >= input.newsletter.max_items.max(1) {
            rest += 1;
            continue;
        }
        let body = input.renderer.render(item);
        if !entries.iter().any(|entry| entry.shows(&body)) {
            entries.push(Entry { item, body });
        }
    }
    (!entries.is_empty()).then_some(Edition { entries, rest, counted })
}

/// An edition for each new item, oldest first. An item whose video was in an earlier one counts with that one.
pub fn edition_of_each<'a>(input: &ComposeInput<'a>) -> Vec<Edition<'a>> {
    let mut editions: Vec<Edition> = Vec::new();
    for item in new_items(input).into_iter().rev() {
        let body = input.renderer.render(item);
        let double = editions.iter_mut().find(|edition| edition.entries.iter().any(|entry| entry.shows(&body)));
        match double {
            Some(edition) => edition.counted.push(item.id.clone()),
            None => {
                let counted = vec![item.id.clone()];
                editions.push(Edition { entries: vec![Entry { item, body }], rest: 0, counted });
            }
        }
    }
    editions
}

impl Entry<'_> {
    /// Whether this entry holds all that the other body would embed, and nothing else.
    fn shows(&self, other: &Body) -> bool {
        let addresses = |body: &Body| {
            let mut urls: Vec<String> = body.embeds.iter().map(|embed| embed.url.clone()).collect();
            urls.sort_unstable();
            urls.dedup();
            urls
        };
        !other.embeds.is_empty() && addresses(&self.body) == addresses(other)
    }
}
