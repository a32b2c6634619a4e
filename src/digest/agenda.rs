//! The events to come: a letter's agenda, and those that cannot wait for the next letter.

use chrono::{DateTime, Duration, Utc};

use super::ComposeInput;
use super::automatic::new_items;
use super::context::words::cut_at_word;
use super::plan::{Entry, Plan, Section};
use crate::item::{Event, Item, Moment};
use crate::selection;

/// The events that an agenda lists; the others are counted.
const LONGEST: usize = 10;
/// A headline's longest form, in characters.
const HEADLINE: usize = 60;

/// What is to come for this newsletter, announced before or not, soonest first, and how many more there are than are
/// listed. What the letter shows is listed again: an agenda that lacked the main event would be odd. It is left out where
/// it would only say once more what the letter is about.
pub fn agenda<'a>(input: &ComposeInput<'a>, sections: &[Section<'a>]) -> (Vec<&'a Item>, usize) {
    agenda_of(input, sections, &|_| true)
}

/// The same of the events that `takes` tells.
pub fn agenda_of<'a>(
    input: &ComposeInput<'a>,
    sections: &[Section<'a>],
    takes: &dyn Fn(&Item) -> bool,
) -> (Vec<&'a Item>, usize) {
    if !input.newsletter.agenda {
        return (Vec::new(), 0);
    }
    let zone = input.config.site.time_zone;
    let mut events: Vec<(&Event, &Item)> = input
        .items
        .iter()
        .filter_map(|item| Some((item.event.as_ref()?, item)))
        .filter(|(event, _)| !event.is_past(zone, input.now))
        .filter(|(_, item)| !item.id.is_empty() && item.held_until.is_none_or(|until| until <= input.now))
        .filter(|(_, item)| selection::matches(item, &input.newsletter.select) && takes(item))
        .collect();
    events.sort_by_key(|(event, item)| (event.begins(zone), event.over(zone), item.path()));
    let shown: Vec<&str> = sections
        .iter()
        .flat_map(|section| &section.entries)
        .filter_map(|entry| Some(entry.item()?.id.as_str()))
        .collect();
    let says_more = events.iter().any(|(_, item)| !shown.contains(&item.id.as_str()));
    let is_an_overview = events.len() > 1 && shown.len() > events.len();
    if !says_more && !is_an_overview {
        return (Vec::new(), 0);
    }
    let rest = events.len().saturating_sub(LONGEST);
    (events.into_iter().take(LONGEST).map(|(_, item)| item).collect(), rest)
}

/// A short letter out of turn for the new events that begin within `soon` and would be over before `next`, the next
/// letter's moment where one is known. `None`: there is no such event.
///
/// An event that has begun is not urgent any more, but for one of whole days that begins today. One that names no end is
/// over when it has begun: whoever learns of it then is too late.
pub fn urgent<'a>(input: &ComposeInput<'a>, soon: Duration, next: Option<DateTime<Utc>>) -> Option<Plan<'a>> {
    let zone = input.config.site.time_zone;
    let today = input.now.with_timezone(&zone).date_naive();
    let is_urgent = |event: &Event| {
        let begins = event.begins(zone);
        let is_to_come = begins > input.now || event.start == Moment::Day(today);
        let over = match (event.start, event.end) {
            (Moment::At(_), None) => begins,
            _ => event.over(zone),
        };
        is_to_come && begins <= input.now + soon && next.is_none_or(|next| over <= next)
    };
    let mut events: Vec<(&Event, &Item)> = new_items(input)
        .into_iter()
        .filter_map(|item| Some((item.event.as_ref()?, item)))
        .filter(|(event, _)| is_urgent(event))
        .collect();
    events.sort_by_key(|(event, item)| (event.begins(zone), item.path()));
    let (_, first) = events.first()?;
    let subject = urgent_subject(input, first);
    let entries = events.iter().map(|(_, item)| Entry::of(item, input.renderer.render(item))).collect();
    Some(Plan {
        number: input.number,
        subject: Some(subject),
        sections: vec![Section { entries, ..Section::default() }],
        counted: events.iter().map(|(_, item)| item.id.clone()).collect(),
        urgent: true,
        ..Plan::default()
    })
}

/// The subject of a letter out of turn that begins with this event.
pub fn urgent_subject(input: &ComposeInput<'_>, first: &Item) -> String {
    let title = cut_at_word(&input.renderer.line(first, &first.title), HEADLINE);
    input.templates.language.text("urgent_subject", &[("title", title)])
}
