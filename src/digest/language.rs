//! The words, dates and spaces of a letter's language: `config/languages/*.yaml`.
//!
//! Promises: dates are in the language's own form (`mardi 24 novembre 2026`, `1er décembre`), in a stated zone,
//! whatever the machine's; French marks never start a line.
//!
//! BUGS: a plural is told by a list of the numbers that go with the singular. French and English need no more.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::Value;

use crate::item::event::after;
use crate::item::{Event, Moment};

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

    /// When an event is, in words: its day, its days, or its hours, in this zone.
    pub fn when(&self, event: &Event, zone: Tz) -> String {
        let start = (event.start.day(zone), self.hour(event.start, zone));
        let end = event.end.map(|end| (end.day(zone), self.hour(end, zone)));
        let date = |day| ("date", self.date(day));
        let (first, last) = (("start", self.date(start.0)), |day| ("end", self.date(day)));
        match (start, end) {
            ((day, None), Some((end, _))) if end > day => self.text("days", &[first, last(end)]),
            ((day, None), _) => self.text("on_day", &[date(day)]),
            ((day, Some(from)), Some((end, Some(to)))) if end == day && from != to => {
                self.text("from_to", &[date(day), ("start", from), ("end", to)])
            }
            // An evening that ends at midnight is of one day.
            ((day, Some(from)), Some((end, Some(_)))) if self.is_midnight(event.end, zone) && end == after(day) => {
                self.text("from_to", &[date(day), ("start", from), ("end", self.text("midnight", &[]))])
            }
            ((day, Some(from)), Some((end, Some(to)))) if end > day => {
                self.text("hours_and_days", &[first, ("start_time", from), last(end), ("end_time", to)])
            }
            ((day, Some(from)), Some((end, None))) if end > day => {
                self.text("hour_and_days", &[first, ("start_time", from), last(end)])
            }
            ((day, Some(from)), _) => self.text("at_time", &[date(day), ("time", from)]),
        }
    }

    /// The hour in words; a day has none.
    fn hour(&self, moment: Moment, zone: Tz) -> Option<String> {
        match moment {
            Moment::Day(_) => None,
            Moment::At(instant) => Some(self.time(instant.with_timezone(&zone).time())),
        }
    }

    fn is_midnight(&self, moment: Option<Moment>, zone: Tz) -> bool {
        matches!(moment, Some(Moment::At(instant)) if instant.with_timezone(&zone).time() == NaiveTime::MIN)
    }

    /// The text with the spaces that the language's typography wants.
    pub fn typeset(&self, text: &str) -> String {
        match self.typography {
            Typography::French => french_spaces(text),
            Typography::Plain => text.to_string(),
        }
    }
}

/// `rtl` or `ltr`, by the primary language.
pub fn direction(language: &str) -> &'static str {
    match primary(language).as_str() {
        "ar" | "dv" | "fa" | "he" | "ps" | "sd" | "ug" | "ur" | "yi" => "rtl",
        _ => "ltr",
    }
}

/// The language that a text's first letter is most often of, where its letters are written from right to left.
pub fn by_letters(text: &str) -> Option<&'static str> {
    match text.chars().find(|c| c.is_alphabetic())? {
        '\u{590}'..='\u{5ff}' | '\u{fb1d}'..='\u{fb4f}' => Some("he"),
        '\u{600}'..='\u{6ff}'
        | '\u{750}'..='\u{77f}'
        | '\u{8a0}'..='\u{8ff}'
        | '\u{fb50}'..='\u{fdff}'
        | '\u{fe70}'..='\u{feff}' => Some("ar"),
        _ => None,
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
        let moment = |text: &str| match text.contains('T') {
            true => Moment::At(text.parse().expect("a time")),
            false => Moment::Day(text.parse().expect("a day")),
        };
        Event { start: moment(start), end: end.map(moment), place: None, online: false, join: None }
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
        let (french, english) = (built_in("fr"), built_in("en"));
        for (start, end, in_french, in_english) in [
            ("2026-12-01", None, "mardi 1er décembre 2026", "Tuesday 1 December 2026"),
            ("2026-12-01", Some("2026-12-01"), "mardi 1er décembre 2026", "Tuesday 1 December 2026"),
            (
                "2026-12-01",
                Some("2026-12-03"),
                "du mardi 1er décembre 2026 au jeudi 3 décembre 2026",
                "Tuesday 1 December 2026 to Thursday 3 December 2026",
            ),
            ("2026-12-01T09:00:00Z", None, "mardi 1er décembre 2026 à 10 h", "Tuesday 1 December 2026 at 10:00"),
            (
                "2026-07-02T08:30:00Z",
                Some("2026-07-02T10:00:00Z"),
                "jeudi 2 juillet 2026 de 10 h 30 à 12 h",
                "Thursday 2 July 2026 from 10:30 to 12:00",
            ),
            // Across midnight, to midnight, over several days, and to a day.
            (
                "2026-12-01T19:00:00Z",
                Some("2026-12-02T01:00:00Z"),
                "du mardi 1er décembre 2026 à 20 h au mercredi 2 décembre 2026 à 2 h",
                "from Tuesday 1 December 2026 at 20:00 to Wednesday 2 December 2026 at 2:00",
            ),
            (
                "2026-12-01T19:00:00Z",
                Some("2026-12-01T23:00:00Z"),
                "mardi 1er décembre 2026 de 20 h à minuit",
                "Tuesday 1 December 2026 from 20:00 to midnight",
            ),
            (
                "2026-12-01T08:30:00Z",
                Some("2026-12-03"),
                "du mardi 1er décembre 2026 à 9 h 30 au jeudi 3 décembre 2026",
                "from Tuesday 1 December 2026 at 9:30 to Thursday 3 December 2026",
            ),
            // Clocks go back in the night: the hours are those that clocks show.
            (
                "2026-10-24T20:00:00Z",
                Some("2026-10-25T08:00:00Z"),
                "du samedi 24 octobre 2026 à 22 h au dimanche 25 octobre 2026 à 9 h",
                "from Saturday 24 October 2026 at 22:00 to Sunday 25 October 2026 at 9:00",
            ),
            (
                "2026-12-01T09:00:00Z",
                Some("2026-12-01"),
                "mardi 1er décembre 2026 à 10 h",
                "Tuesday 1 December 2026 at 10:00",
            ),
        ] {
            let event = event(start, end);
            assert_eq!(french.when(&event, Paris).replace('\u{a0}', " "), in_french);
            assert_eq!(english.when(&event, Paris).replace('\u{a0}', " "), in_english);
        }
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
