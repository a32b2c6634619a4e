//! The letter that nobody arranged: what is new, in which order, and what counts as announced with it.
//!
//! The newest items are taken, `max_items` of them in all; each goes into the first of the newsletter's `sections` whose
//! `select` takes it. What none takes stands last, under a heading of the language's own (*Et aussi*): under none, and
//! first, it would be heard as a section beside the others. A section without items vanishes. Within a section the newest
//! stands first, but a series' episodes stand together in their order, at the place of the newest ([`series`]).
//!
//! Promises: new is what its id says, never its date; everything new at one moment counts with one edition, shown or
//! not, so that nothing is announced twice and nothing is forgotten.
//!
//! BUGS: two items are one entry if they hold the same videos and sounds, all of them; an item beyond the shown ones is
//! not looked at for that, and is counted in the rest.

use super::ComposeInput;
use super::agenda::agenda_of;
use super::plan::{Entry, Plan, Section, Show};
use super::series;
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
    plan_of(input, &|_| true)
}

/// The same of what is new and `takes` tells.
pub fn plan_of<'a>(input: &ComposeInput<'a>, takes: &dyn Fn(&Item) -> bool) -> Option<Plan<'a>> {
    let items: Vec<&Item> = new_items(input).into_iter().filter(|item| takes(item)).collect();
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
    if entries.is_empty() {
        return None;
    }
    let sections = in_sections(input, entries);
    let (agenda, agenda_rest) = agenda_of(input, &sections, takes);
    Some(Plan {
        number: input.number,
        sections,
        agenda,
        agenda_rest,
        rest,
        counted,
        gathered: true,
        ..Plan::default()
    })
}

/// The newsletter's sections that have an entry, and the one of all that they leave.
fn in_sections<'a>(input: &ComposeInput<'a>, entries: Vec<Entry<'a>>) -> Vec<Section<'a>> {
    let configured = &input.newsletter.sections;
    let mut sections: Vec<Section<'a>> = configured
        .iter()
        .map(|section| Section {
            title: section.title.clone(),
            mark: section.mark.clone(),
            show: if section.lines { Show::Line } else { Show::Card },
            ..Section::default()
        })
        .collect();
    let mut left = Section::default();
    for entry in entries {
        let place = entry
            .item()
            .and_then(|item| configured.iter().position(|section| selection::matches(item, &section.select)));
        match place.and_then(|place| sections.get_mut(place)) {
            Some(section) => section.entries.push(entry),
            None => left.entries.push(entry),
        }
    }
    sections.retain(|section| !section.entries.is_empty());
    if sections.iter().any(|section| section.title.is_some()) {
        left.title = Some(input.templates.language.text("also", &[]));
    }
    if !left.entries.is_empty() {
        sections.push(left);
    }
    for section in &mut sections {
        section.entries = series::together(std::mem::take(&mut section.entries), |entry| entry.item());
    }
    sections
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
                let sections = vec![Section { entries: vec![Entry::of(item, body)], ..Section::default() }];
                plans.push(Plan { number, sections, counted: vec![item.id.clone()], ..Plan::default() });
            }
        }
    }
    plans
}

/// Whether this entry holds all that the other body would embed, and nothing else.
pub fn shows(entry: &Entry<'_>, other: &Body) -> bool {
    let addresses = |body: &Body| {
        let mut urls: Vec<String> = body.embeds.iter().map(|embed| embed.url.clone()).collect();
        urls.sort_unstable();
        urls.dedup();
        urls
    };
    !other.embeds.is_empty() && entry.body().is_some_and(|body| addresses(body) == addresses(other))
}
