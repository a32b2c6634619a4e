//! The words, dates and spaces of a letter's language: `config/languages/*.yaml`.
//!
//! Promises: dates are in the language's own form (`mardi 24 novembre 2026`, `1er décembre`), in a stated zone,
//! whatever the machine's; French marks never start a line.
//!
//! BUGS: a plural is told by a list of the numbers that go with the singular. French and English need no more.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::Value;

use crate::item::Event;

/// The files compiled in, by primary language.
pub const BUILT_IN: [(&str, &str); 2] =
    [("fr", include_str!("../../config/languages/fr.yaml")), ("en", include_str!("../../config/languages/en.yaml"))];

/// One language, as its file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    singular: Vec<u64>,
    typography: Typography,
    /// From Monday.
    weekdays: [String; 7],
    months: [String; 12],
    first_of_month: String,
    date: String,
    month_of_year: String,
    time: String,
    whole_hour: String,
    kinds: BTreeMap<String, String>,
    texts: BTreeMap<String, Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Typography {
    French,
    Plain,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Always(String),
    ByCount { one: String, other: String },
}

impl Language {
    /// A text with its places filled in; `count` chooses between singular and plural. `None`: there is no such text.
    pub fn say(&self, name: &str, values: &[(&str, String)]) -> Option<String> {
        let text = match self.texts.get(name)? {
            Text::Always(text) => text,
            Text::ByCount { one, other } => {
                let count =
                    values.iter().find(|(name, _)| *name == "count").and_then(|(_, value)| value.parse().ok());
                if count.is_some_and(|count: u64| self.singular.contains(&count)) { one } else { other }
            }
        };
        Some(self.typeset(&fill(text, values)))
    }

    /// A text that the program itself needs; each language's file has it, which a test holds.
    pub fn text(&self, name: &str, values: &[(&str, String)]) -> String {
        self.say(name, values).unwrap_or_default()
    }

    /// What this language calls an item's `type`.
    pub fn kind(&self, kind: &str) -> Option<&str> {
        self.kinds.get(&kind.to_lowercase()).map(String::as_str)
    }

    /// `mardi 24 novembre 2026`
    pub fn date(&self, date: NaiveDate) -> String {
        let weekday = &self.weekdays[date.weekday().num_days_from_monday() as usize];
        let day = if date.day() == 1 { self.first_of_month.clone() } else { date.day().to_string() };
        let values = [("weekday", weekday.clone()), ("day", day), ("month", self.month(date)), year(date)];
        fill(&self.date, &values)
    }

    /// `novembre 2026`
    pub fn month_of_year(&self, date: NaiveDate) -> String {
        fill(&self.month_of_year, &[("month", self.month(date)), year(date)])
    }

    fn month(&self, date: NaiveDate) -> String {
        self.months[date.month0() as usize].clone()
    }

    fn time(&self, time: NaiveTime) -> String {
        let form = if time.minute() == 0 { &self.whole_hour } else { &self.time };
        fill(form, &[("hour", time.hour().to_string()), ("minute", format!("{:02}", time.minute()))])
    }

    /// When an event is, in words: its day, its days, or its hours, in this zone. Midnight is no hour: it means a day.
    pub fn when(&self, event: &Event, zone: Tz) -> String {
        let start = event.start.with_timezone(&zone).naive_local();
        let end = event.end.map(|end| end.with_timezone(&zone).naive_local());
        let has_hour = start.time() != NaiveTime::MIN;
        match end.filter(|end| *end > start) {
            Some(end) if end.date() != start.date() => {
                let values = [("start", self.date(start.date())), ("end", self.date(end.date()))];
                self.text("days", &values)
            }
            Some(end) if has_hour => {
                let values = [
                    ("date", self.date(start.date())),
                    ("start", self.time(start.time())),
                    ("end", self.time(end.time())),
                ];
                self.text("from_to", &values)
            }
            _ if has_hour => {
                self.text("at_time", &[("date", self.date(start.date())), ("time", self.time(start.time()))])
            }
            _ => self.text("on_day", &[("date", self.date(start.date()))]),
        }
    }

    /// The text with the spaces that the language's typography wants.
    pub fn typeset(&self, text: &str) -> String {
        match self.typography {
            Typography::French => french_spaces(text),
            Typography::Plain => text.to_string(),
        }
    }
}

/// An event that is over is not announced as one to come. One that names no end is over when its day is.
pub fn is_past(event: &Event, zone: Tz, now: DateTime<Utc>) -> bool {
    match event.end {
        Some(end) => end < now,
        None => event.start.with_timezone(&zone).date_naive() < now.with_timezone(&zone).date_naive(),
    }
}

/// `rtl` or `ltr`, by the primary language.
pub fn direction(language: &str) -> &'static str {
    match primary(language).as_str() {
        "ar" | "dv" | "fa" | "he" | "ps" | "sd" | "ug" | "ur" | "yi" => "rtl",
        _ => "ltr",
    }
}

/// `fr` of `fr-CA`.
pub fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or("").to_lowercase()
}

fn year(date: NaiveDate) -> (&'static str, String) {
    ("year", date.year().to_string())
}

/// `{name}` becomes its value; a value's own braces are left alone.
fn fill(text: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let value = rest[start..].find('}').and_then(|end| {
            let name = &rest[start + 1..start + end];
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (value, start + end + 1))
        });
        match value {
            Some((value, after)) => {
                out.push_str(&rest[..start]);
                out.push_str(value);
                rest = &rest[after..];
            }
            None => {
                out.push_str(&rest[..=start]);
                rest = &rest[start + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Spaces that never break a line where French wants them; a space that the author did not write is not added.
fn french_spaces(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (index, c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|at| chars.get(at));
        let next = chars.get(index + 1);
        let holds = *c == ' '
            && (next.is_some_and(|next| ";:!?»%€".contains(*next))
                || before.is_some_and(|before| "«°".contains(*before)));
        out.push(if holds { '\u{a0}' } else { *c });
    }
    out
}

/// A project's words over the built-in ones, key by key.
pub fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(known) if known.is_object() && value.is_object() => merge(known, value),
                    _ => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono_tz::Europe::Paris;

    use super::*;

    pub(crate) fn built_in(name: &str) -> Language {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).expect("built in");
        serde_yaml::from_str(text).expect("a good file")
    }

    fn event(start: &str, end: Option<&str>) -> Event {
        let at = |time: &str| time.parse().expect("a time");
        Event { start: at(start), end: end.map(at), place: None }
    }

    #[test]
    fn dates_are_in_the_languages_own_form() {
        let day = |d| NaiveDate::from_ymd_opt(2026, 12, d).expect("a day");
        assert_eq!(built_in("fr").date(day(1)), "mardi 1er décembre 2026");
        assert_eq!(built_in("fr").date(day(24)), "jeudi 24 décembre 2026");
        assert_eq!(built_in("fr").month_of_year(day(24)), "décembre 2026");
        assert_eq!(built_in("en").date(day(1)), "Tuesday 1 December 2026");
    }

    #[test]
    fn an_event_is_told_by_its_hours_its_day_or_its_days() {
        let french = built_in("fr");
        let told = |start, end| french.when(&event(start, end), Paris);
        assert_eq!(told("2026-12-01T09:00:00Z", None), "mardi 1er décembre 2026 à 10\u{a0}h");
        let hours = told("2026-07-02T08:30:00Z", Some("2026-07-02T10:00:00Z"));
        assert_eq!(hours, "jeudi 2 juillet 2026 de 10\u{a0}h\u{a0}30 à 12\u{a0}h");
        assert_eq!(told("2026-11-30T23:00:00Z", None), "mardi 1er décembre 2026");
        let days = told("2026-11-30T23:00:00Z", Some("2026-12-02T23:00:00Z"));
        assert_eq!(days, "du mardi 1er décembre 2026 au jeudi 3 décembre 2026");
    }

    #[test]
    fn an_event_is_past_when_it_is_over_and_not_before() {
        let now = "2026-12-01T12:00:00Z".parse().expect("a time");
        assert!(!is_past(&event("2026-12-01T09:00:00Z", None), Paris, now), "its day is not over");
        assert!(is_past(&event("2026-11-30T09:00:00Z", None), Paris, now));
        assert!(is_past(&event("2026-12-01T09:00:00Z", Some("2026-12-01T11:00:00Z")), Paris, now));
        assert!(!is_past(&event("2026-11-30T09:00:00Z", Some("2026-12-02T11:00:00Z")), Paris, now));
    }

    #[test]
    fn french_marks_never_start_a_line() {
        let typeset = built_in("fr").typeset("Lettre n° 7 : « quoi » ? à 10:30, 20 % !");
        assert_eq!(typeset, "Lettre n°\u{a0}7\u{a0}: «\u{a0}quoi\u{a0}»\u{a0}? à 10:30, 20\u{a0}%\u{a0}!");
    }

    #[test]
    fn singular_and_plural_follow_the_language() {
        let intro = |language: &str, count: &str| {
            built_in(language).text("rest", &[("count", count.into()), ("site", "X {count}".into())])
        };
        assert_eq!(intro("fr", "1"), "Et une autre nouveauté, à lire sur X {count}");
        assert_eq!(intro("en", "2"), "And 2 more, to read at X {count}");
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let (french, english) = (built_in("fr"), built_in("en"));
        assert_eq!(french.texts.keys().collect::<Vec<_>>(), english.texts.keys().collect::<Vec<_>>());
    }
}
