//! An event as a file that a calendar takes: iCalendar (RFC 5545), one `VEVENT`.
//!
//! Promises: the same item gives the same bytes, whatever the clock says. Its UID is the item's id, so that a calendar that
//! takes the file again changes the event instead of adding one; SEQUENCE grows with the front matter's `updated`. Hours
//! are instants in UTC, right in every zone and season; days are dates, the end exclusive. Lines are folded at 75 octets,
//! never inside a character; control characters are gone.
//!
//! BUGS: no METHOD, which would need an organiser's address: the file is published, it invites nobody. No alarm: that is
//! the reader's. Without `updated` in the front matter, a changed hour keeps its SEQUENCE.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::body::Renderer;
use crate::config::Config;
use crate::item::event::after;
use crate::item::{Event, Item, Moment};

/// Where the files lie, under `publish.out` and the site's address.
pub const FOLDER: &str = "letters/events";
/// The longest readable part of a file's name.
const NAME: usize = 60;

/// An event's file: its path under `publish.out`, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarFile {
    pub path: String,
    pub text: String,
}

/// The files of these items' events, those that are over left out.
pub fn files(config: &Config, renderer: &Renderer, items: &[Item], now: DateTime<Utc>) -> Vec<CalendarFile> {
    let zone = config.site.time_zone;
    items
        .iter()
        .filter(|item| !item.id.is_empty() && item.held_until.is_none_or(|until| until <= now))
        .filter_map(|item| Some((item, item.event.as_ref()?)))
        .filter(|(_, event)| !event.is_past(zone, now))
        .map(|(item, event)| CalendarFile { path: path(item), text: write(item, event, renderer, zone) })
        .collect()
}

/// The path of an item's file: told by its id, so that it stays when the item is renamed or edited.
pub fn path(item: &Item) -> String {
    let last = item.id.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or("");
    let mut name = String::new();
    for c in last.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
        if name.len() >= NAME {
            break;
        }
    }
    let name = name.trim_end_matches('-');
    let hash = blake3::hash(item.id.as_bytes()).to_hex();
    format!("{FOLDER}/{}{}{}.ics", name, if name.is_empty() { "" } else { "-" }, &hash[..8])
}

/// The absolute address of an item's file.
pub fn address(config: &Config, item: &Item) -> Option<String> {
    config.site.url.join(&path(item)).ok().map(String::from)
}

fn write(item: &Item, event: &Event, renderer: &Renderer, zone: Tz) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| fold(&format!("{name}:{value}"), &mut out);
    let summary = item.summary.as_deref().map(|summary| renderer.line(item, summary));
    let mut description: Vec<&str> = summary.iter().map(String::as_str).collect();
    description.extend([item.url.as_str()]);
    description.extend(item.register.as_deref());
    description.extend(event.join.as_deref());
    let place = event.place.as_deref().map(|place| renderer.line(item, place)).or_else(|| event.join.clone());
    let changed = item.updated.max(item.published);
    let sequence = (changed - item.published).num_minutes().clamp(0, i64::from(i32::MAX));

    line("BEGIN", "VCALENDAR");
    line("VERSION", "2.0");
    line("PRODID", "-//crieur//crieur//FR");
    line("CALSCALE", "GREGORIAN");
    line("BEGIN", "VEVENT");
    line("UID", &escaped(&item.id));
    line("DTSTAMP", &instant(changed));
    line("LAST-MODIFIED", &instant(changed));
    line("SEQUENCE", &sequence.to_string());
    match span(event, zone) {
        Span::Days { first, after } => {
            line("DTSTART;VALUE=DATE", &day(first));
            line("DTEND;VALUE=DATE", &day(after));
            line("TRANSP", "TRANSPARENT");
        }
        Span::Hours { start, end } => {
            line("DTSTART", &instant(start));
            if let Some(end) = end {
                line("DTEND", &instant(end));
            }
        }
    }
    line("SUMMARY", &escaped(&renderer.line(item, &item.title)));
    line("DESCRIPTION", &escaped(&description.join("\n")));
    if let Some(place) = place {
        line("LOCATION", &escaped(&place));
    }
    // A URI is no text: it is not escaped.
    line("URL", &item.url.chars().filter(|c| !c.is_control()).collect::<String>());
    line("END", "VEVENT");
    line("END", "VCALENDAR");
    out
}

enum Span {
    /// From a day up to, but without, another.
    Days {
        first: NaiveDate,
        after: NaiveDate,
    },
    Hours {
        start: DateTime<Utc>,
        end: Option<DateTime<Utc>>,
    },
}

fn span(event: &Event, zone: Tz) -> Span {
    match (event.start, event.end) {
        (Moment::Day(first), end) => {
            let last = end.map_or(first, |end| end.day(zone)).max(first);
            Span::Days { first, after: after(last) }
        }
        (Moment::At(start), end) => {
            let end = end.map(|end| end.over(zone)).filter(|end| *end > start);
            // A day's end, of an event that begins at an hour of that same day, is no hour to write down.
            let same_day = matches!(event.end, Some(Moment::Day(day)) if day == event.start.day(zone));
            Span::Hours { start, end: end.filter(|_| !same_day) }
        }
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

fn day(day: NaiveDate) -> String {
    day.format("%Y%m%d").to_string()
}

/// RFC 5545, 3.3.11.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A content line in pieces of at most 75 octets (RFC 5545, 3.1).
fn fold(line: &str, out: &mut String) {
    let mut width = 0;
    for c in line.chars() {
        if width + c.len_utf8() > 75 {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::samples::{config, event, item};

    const NOW: &str = "2026-12-01T08:00:00Z";

    fn file(item: &Item) -> Option<CalendarFile> {
        let config = config();
        let (renderer, _) = Renderer::new(&config);
        files(&config, &renderer, std::slice::from_ref(item), NOW.parse().expect("a time")).pop()
    }

    fn happening(start: &str, end: Option<&str>) -> Item {
        let mut item = item("atelier", "Atelier", "2026-11-02T00:00:00Z", "");
        item.event = Some(Event { end: end.map(|end| event(end).start), ..event(start) });
        item
    }

    #[test]
    fn an_event_is_written_whole_and_always_the_same() {
        let mut item = happening("2026-12-03T09:00:00Z", Some("2026-12-03T11:30:00Z"));
        item.title = "Réparer, ensemble ; et \\ après".into();
        item.summary = Some("Une matinée\u{7} pour réparer ce qui peut l’être, avec des bénévoles patients.".into());
        item.register = Some("https://site.example.org/inscription?a,b".into());
        item.updated = "2026-11-02T00:02:00Z".parse().expect("a time");
        if let Some(event) = &mut item.event {
            event.place = Some("Salle des fêtes, Valexemple".into());
        }
        let file = file(&item).expect("to come");
        assert_eq!(
            file.path,
            format!("letters/events/atelier-{}.ics", &blake3::hash(item.id.as_bytes()).to_hex()[..8])
        );
        let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//crieur//crieur//FR\r\nCALSCALE:GREGORIAN\r\n\
            BEGIN:VEVENT\r\nUID:https://site.example.org/posts/atelier/\r\nDTSTAMP:20261102T000200Z\r\n\
            LAST-MODIFIED:20261102T000200Z\r\nSEQUENCE:2\r\nDTSTART:20261203T090000Z\r\nDTEND:20261203T113000Z\r\n\
            SUMMARY:Réparer\\, ensemble \\; et \\\\ après\r\n\
            DESCRIPTION:Une matinée pour réparer ce qui peut l’être\\, avec des bé\r\n névoles patients.\\nhttps://site.example.org/posts/atelier/\\nhttps://site.\r\n example.org/inscription?a\\,b\r\n\
            LOCATION:Salle des fêtes\\, Valexemple\r\nURL:https://site.example.org/posts/atelier/\r\n\
            END:VEVENT\r\nEND:VCALENDAR\r\n";
        assert_eq!(file.text, expected);
        assert!(file.text.split("\r\n").all(|line| line.len() <= 75), "{}", file.text);
    }

    #[test]
    fn days_are_dates_with_an_exclusive_end() {
        let dates = |start: &str, end| {
            let text = file(&happening(start, end)).expect("to come").text;
            let lines = text.split("\r\n").filter(|line| line.starts_with("DT") && !line.starts_with("DTSTAMP"));
            lines.map(str::to_string).collect::<Vec<_>>()
        };
        assert_eq!(dates("2026-12-03", None), ["DTSTART;VALUE=DATE:20261203", "DTEND;VALUE=DATE:20261204"]);
        let over_a_year = dates("2026-12-30", Some("2026-12-31"));
        assert_eq!(over_a_year, ["DTSTART;VALUE=DATE:20261230", "DTEND;VALUE=DATE:20270101"]);
        assert_eq!(dates("2026-12-03T09:00:00Z", None), ["DTSTART:20261203T090000Z"]);
        let to_a_day = dates("2026-12-03T09:00:00Z", Some("2026-12-04"));
        assert_eq!(to_a_day, ["DTSTART:20261203T090000Z", "DTEND:20261204T230000Z"]);
    }

    #[test]
    fn what_is_over_or_held_has_no_file() {
        assert_eq!(file(&happening("2026-11-30", None)), None);
        assert!(file(&happening("2026-11-28", Some("2026-12-01"))).is_some());
        let mut held = happening("2026-12-03", None);
        held.held_until = Some("2026-12-02T00:00:00Z".parse().expect("a time"));
        assert_eq!(file(&held), None);
    }

    #[test]
    fn a_files_name_is_told_by_the_id_whatever_it_holds() {
        let mut item = happening("2026-12-03", None);
        for (id, start) in [
            ("tag:site.example.org,2024-01-01:/posts/Été 2026/", "letters/events/t-2026-"),
            ("https://site.example.org/", "letters/events/site-example-org-"),
            ("///", "letters/events/"),
        ] {
            item.id = id.into();
            let path = path(&item);
            assert!(path.starts_with(start) && path.len() == start.len() + 12, "{path}");
        }
    }
}
