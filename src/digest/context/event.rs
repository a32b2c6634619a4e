//! What templates may name of an event.

use serde_json::{Value, json};

use super::entry::{in_a_sentence, speech};
use crate::digest::{ComposeInput, calendar};
use crate::item::{Item, Moment};

/// What an agenda says of an event.
pub fn agenda_line(input: &ComposeInput<'_>, item: &Item) -> Value {
    let title = input.renderer.line(item, &item.title);
    let mut value = speech(input, item, &title);
    value["event"] = event(input, item, &in_a_sentence(&title, value["isolate"] != "")).into();
    value["title"] = Value::from(title);
    value["url"] = Value::from(item.url.clone());
    value
}

/// When and where an event is, for readers and for their calendars; `called` is its title among other words.
pub fn event(input: &ComposeInput<'_>, item: &Item, called: &str) -> Option<Value> {
    let (language, zone) = (&*input.templates.language, input.config.site.time_zone);
    let words = |name: &str| language.text(name, &[("title", called.to_string())]);
    item.event.as_ref().map(|event| {
        let place = event.place.as_deref().map(|place| input.renderer.line(item, place));
        let online = event.online.then(|| language.text("online", &[]));
        let past = event.is_past(zone, input.now);
        json!({
            "when": language.when(event, zone),
            "place": match (place, online) {
                (Some(place), Some(online)) => Some(format!("{place} · {online}")),
                (place, online) => place.or(online),
            },
            "past": past,
            "start": iso(event.start),
            "end": event.end.map(iso),
            // Where people take part from where they are.
            "join_url": event.join.as_ref().filter(|_| !past),
            "join_words": words("join"),
            // The file that a calendar takes.
            "ics_url": calendar::address(input.config, item).filter(|_| !past),
            "ics_words": words("to_calendar"),
        })
    })
}

/// For machines: `2026-03-19`, or the instant.
fn iso(moment: Moment) -> String {
    match moment {
        Moment::Day(day) => day.to_string(),
        Moment::At(instant) => instant.to_rfc3339(),
    }
}
