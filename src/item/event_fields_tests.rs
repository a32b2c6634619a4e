use serde_json::json;

use super::super::fields::tests::{read, with};
use super::*;
use crate::item::front_matter::Format;

const PAGE: &str = "https://site.example.org/posts/a/";

fn event(own: Value) -> Option<Event> {
    read(own, |fields| fields.event(chrono_tz::Europe::Paris, PAGE))
}

fn moment(text: &str) -> Moment {
    match text.contains('T') {
        true => Moment::At(text.parse().unwrap()),
        false => Moment::Day(text.parse().unwrap()),
    }
}

#[test]
fn only_a_start_makes_an_event() {
    assert_eq!(event(json!({ "date": "2024-07-25", "end": "2024-07-26" })), None);
    let event = event(json!({ "start": "2024-07-25 10:00", "end": "2024-07-25 12:00", "lieu": "Hall" })).unwrap();
    assert_eq!(event.start, moment("2024-07-25T10:00:00Z"));
    assert_eq!(event.end, Some(moment("2024-07-25T12:00:00Z")));
    assert_eq!((event.place.as_deref(), event.online, event.join), (Some("Hall"), false, None));
}

#[test]
fn an_event_of_days_is_told_from_one_of_hours() {
    for (start, end, as_start, as_end) in [
        ("2024-07-25", None, "2024-07-25", None),
        ("2024-07-25T00:00:00Z", None, "2024-07-25", None),
        ("2024-07-25T00:00:00+02:00", None, "2024-07-25", None),
        ("2024-07-25", Some("2024-07-26"), "2024-07-25", Some("2024-07-26")),
        ("2024-07-25T00:00:00Z", Some("2024-07-26T00:00:00Z"), "2024-07-25", Some("2024-07-26")),
        ("2024-07-25T00:00:00Z", Some("2024-07-25T02:00:00Z"), "2024-07-25T00:00:00Z", Some("2024-07-25T02:00:00Z")),
        ("2024-07-25 09:30", Some("2024-07-26"), "2024-07-25T09:30:00Z", Some("2024-07-26")),
        ("2024-07-25 20:00", Some("2024-07-26 00:00"), "2024-07-25T20:00:00Z", Some("2024-07-26T00:00:00Z")),
    ] {
        let event = event(json!({ "start": start, "end": end })).unwrap();
        assert_eq!((event.start, event.end), (moment(as_start), as_end.map(moment)), "{start} {end:?}");
    }
}

#[test]
fn an_end_before_the_start_is_left_out_and_said() {
    let (event, warnings) =
        with(json!({ "start": "2024-07-25", "end": "2024-07-24" }), json!({}), Format::Yaml, |fields| {
            fields.event(Tz::UTC, PAGE)
        });
    assert_eq!(event.unwrap().end, None);
    assert_eq!(warnings, ["`end` is before the start: it is left out"]);
}

#[test]
fn an_event_may_be_online_and_at_a_place() {
    let found = |more: Value| {
        let mut own = json!({ "start": "2024-07-25" });
        own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let event = event(own).unwrap();
        (event.place, event.online, event.join)
    };
    let url = || Some("https://visio.example.org/a".to_string());
    assert_eq!(found(json!({ "place": "https://visio.example.org/a" })), (None, true, url()));
    assert_eq!(found(json!({ "place": "En ligne" })), (None, true, None));
    assert_eq!(
        found(json!({ "place": "Hall", "online": "https://visio.example.org/a" })),
        (Some("Hall".into()), true, url())
    );
    assert_eq!(found(json!({ "place": "Hall", "visio": true })), (Some("Hall".into()), true, None));
    assert_eq!(found(json!({ "place": "Hall", "online": false })), (Some("Hall".into()), false, None));
}

#[test]
fn registration_and_transcription_are_addresses_that_a_reader_can_open() {
    let register = |value: &str| read(json!({ "inscription": value }), |fields| fields.register(PAGE));
    assert_eq!(register("https://a.example.org/?b").as_deref(), Some("https://a.example.org/?b"));
    assert_eq!(register("/inscription/").as_deref(), Some("https://site.example.org/inscription/"));
    assert_eq!(register("contact@example.org").as_deref(), Some("mailto:contact@example.org"));
    let (none, warnings) =
        with(json!({ "registration": "javascript:alert(1)" }), json!({}), Format::Yaml, |fields| {
            fields.register(PAGE)
        });
    assert_eq!((none, warnings.len()), (None, 1));
    let transcription = |value: Value| read(json!({ "transcription": value }), |fields| fields.transcription(PAGE));
    assert_eq!(transcription(json!(true)).as_deref(), Some(PAGE));
    assert_eq!(transcription(json!("Bonjour à vous. Aujourd'hui…")).as_deref(), Some(PAGE));
    assert_eq!(transcription(json!("./texte.pdf")).as_deref(), Some("https://site.example.org/posts/a/texte.pdf"));
    assert_eq!(transcription(json!(false)), None);
}
