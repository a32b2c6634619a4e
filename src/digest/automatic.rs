//! The letter that nobody arranged: what is new, in which order, and what counts as announced with it.
//!
//! Promises: new is what its id says, never its date; everything new at one moment counts with one edition, shown or
//! not, so that nothing is announced twice and nothing is forgotten.
//!
//! BUGS: two items are one entry if they hold the same videos and sounds, all of them; an item beyond the shown ones is
//! not looked at for that, and is counted in the rest.

use super::ComposeInput;
use super::plan::{Entry, Plan, Section};
use crate::body::Body;
use crate::item::Item;
use crate::selection;

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

/// The plan that has everything new; `None`: nothing is.
pub fn plan<'a>(input: &ComposeInput<'a>) -> Option<Plan<'a>> {
    let items = new_items(input);
    let counted: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
    let (mut entries, mut rest): (Vec<Entry>, usize) = (Vec::new(), 0);
    for item in items {
        if entries.len() >= input.newsletter.max_items.max(1) {
            rest += 1;
            continue;
        }
        let body = input.renderer.render(item);
        if !entries.iter().any(|entry| shows(entry, &body)) {
            entries.push(Entry::of(item, body));
        }
    }
    (!entries.is_empty()).then(|| of(input.number, entries, rest, counted))
}

/// A plan for each new item, oldest first, numbered from `input.number`. An item whose video was in an earlier one counts
/// with that one.
pub fn plan_of_each<'a>(input: &ComposeInput<'a>) -> Vec<Plan<'a>> {
    let mut plans: Vec<Plan> = Vec::new();
    for item in new_items(input).into_iter().rev() {
        let body = input.renderer.render(item);
        match plans.iter_mut().find(|plan| plan.entries().any(|entry| shows(entry, &body))) {
            Some(plan) => plan.counted.push(item.id.clone()),
            None => {
                let number = input.number + plans.len() as u64;
                plans.push(of(number, vec![Entry::of(item, body)], 0, vec![item.id.clone()]));
            }
        }
    }
    plans
}

fn of(number: u64, entries: Vec<Entry<'_>>, rest: usize, counted: Vec<String>) -> Plan<'_> {
    let sections = vec![Section { entries, ..Section::default() }];
    Plan { number, sections, rest, counted, ..Plan::default() }
}

/// Whether this entry holds all that the other body would embed, and nothing else.
pub(super) fn shows(entry: &Entry<'_>, other: &Body) -> bool {
    let addresses = |body: &Body| {
        let mut urls: Vec<String> = body.embeds.iter().map(|embed| embed.url.clone()).collect();
        urls.sort_unstable();
        urls.dedup();
        urls
    };
    !other.embeds.is_empty() && entry.body().is_some_and(|body| addresses(body) == addresses(other))
}
