//! What templates may name of an event.

use serde_json::{Value, json};

use crate::digest::ComposeInput;
use crate::item::{Item, Moment};

/// What an agenda says of an event.
pub fn agenda_line(input: &ComposeInput<'_>, item: &Item) -> Value {
    json!({ "title": input.renderer.line(item, &item.title), "url": item.url, "event": event(input, item) })
}

pub fn event(input: &ComposeInput<'_>, item: &Item) -> Option<Value> {
    let (language, zone) = (&*input.templates.language, input.config.site.time_zone);
    item.event.as_ref().map(|event| {
        let place = event.place.as_deref().map(|place| input.renderer.line(item, place));
        let online = event.online.then(|| language.text("online", &[]));
        json!({
            "when": language.when(event, zone),
            "place": match (place, online) {
                (Some(place), Some(online)) => Some(format!("{place} · {online}")),
                (place, online) => place.or(online),
            },
            "join_url": event.join,
            "past": event.is_past(zone, input.now),
            "start": iso(event.start),
            "end": event.end.map(iso),
            // The file that a calendar takes.
            "ics_url": Value::Null,
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
