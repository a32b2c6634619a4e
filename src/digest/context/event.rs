//! What templates may name of an event.

use serde_json::{Value, json};

use crate::digest::ComposeInput;
use crate::digest::language;
use crate::item::Item;

/// What an agenda says of an event.
pub fn agenda_line(input: &ComposeInput<'_>, item: &Item) -> Value {
    json!({ "title": input.renderer.line(item, &item.title), "url": item.url, "event": event(input, item) })
}

pub fn event(input: &ComposeInput<'_>, item: &Item) -> Option<Value> {
    let (language, zone) = (&*input.templates.language, input.config.site.time_zone);
    item.event.as_ref().map(|event| {
        json!({
            "when": language.when(event, zone),
            "place": event.place.as_deref().map(|place| input.renderer.line(item, place)),
            "past": language::is_past(event, zone, input.now),
            "start": event.start.to_rfc3339(),
            "end": event.end.map(|end| end.to_rfc3339()),
            // The file that a calendar takes.
            "ics_url": Value::Null,
        })
    })
}
