//! The page's words, numbers and dates, in French or English.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

/// One language's.
#[derive(Clone, Debug)]
pub struct Words {
    /// BCP 47, the page's.
    pub language: &'static str,
    texts: BTreeMap<String, String>,
}

impl Words {
    pub fn of(language: &str) -> Words {
        let is_french = language.split('-').next().is_some_and(|primary| primary.eq_ignore_ascii_case("fr"));
        let (language, text) =
            if is_french { ("fr", include_str!("fr.yaml")) } else { ("en", include_str!("en.yaml")) };
        // Both are read in the tests.
        Words { language, texts: serde_yaml::from_str(text).unwrap_or_default() }
    }

    /// All texts, for the template.
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.texts
    }

    /// A text with its `{places}` filled.
    pub fn say(&self, name: &str, values: &[(&str, &str)]) -> String {
        let text = self.texts.get(name).map_or("", String::as_str);
        debug_assert!(!text.is_empty(), "{name}");
        fill(text, values)
    }

    /// A text about so many: `NAME_one` where the language has a word for it.
    pub fn count(&self, name: &str, count: i64) -> String {
        // French counts nothing as one.
        let is_one = count == 1 || (count == 0 && self.language == "fr");
        let name = if is_one { format!("{name}_one") } else { name.to_string() };
        self.say(&name, &[("count", &self.number(count))])
    }

    /// `12 345` or `12,345`, which no line parts.
    pub fn number(&self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(if self.language == "fr" { '\u{202f}' } else { ',' });
            }
            text.push(digit);
        }
        if number < 0 { format!("−{text}") } else { text }
    }

    /// `99,2 %`: never 100 where it is less, never 0 where it is more.
    pub fn percent(&self, part: i64, all: i64) -> String {
        let thousandths = if all == 0 { 0 } else { (part * 1000 + all / 2) / all };
        let bounded = if part < all { thousandths.min(999) } else { thousandths };
        let bounded = if part > 0 { bounded.max(1) } else { bounded };
        let (whole, tenth) = (bounded / 10, bounded % 10);
        match (self.language, tenth) {
            ("fr", 0) => format!("{whole}\u{a0}%"),
            ("fr", _) => format!("{whole},{tenth}\u{a0}%"),
            (_, 0) => format!("{whole}%"),
            _ => format!("{whole}.{tenth}%"),
        }
    }

    /// `nov.`
    pub fn month(&self, day: NaiveDate) -> String {
        let months = self.texts.get("months").map_or("", String::as_str);
        months.split(' ').nth(day.month0() as usize).unwrap_or_default().to_string()
    }

    /// `1er nov. 2026`, `1 Nov 2026`.
    pub fn date(&self, day: NaiveDate) -> String {
        let number = if self.language == "fr" && day.day() == 1 { "1er".into() } else { day.day().to_string() };
        format!("{number}\u{a0}{}\u{a0}{}", self.month(day), day.year())
    }

    /// `nov. 2026`
    pub fn month_and_year(&self, day: NaiveDate) -> String {
        format!("{}\u{a0}{}", self.month(day), day.year())
    }

    /// The date and the time of day in a zone.
    pub fn moment(&self, moment: DateTime<Utc>, zone: Tz) -> String {
        let there = moment.with_timezone(&zone);
        let time = there.format("%H:%M").to_string();
        self.say("moment", &[("date", &self.date(there.date_naive())), ("time", &time)])
    }
}

/// A text with its `{places}` filled, from left to right: a value's own braces are left alone.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        said.push_str(before);
        let (place, after) = after.split_once('}').unwrap_or((after, ""));
        said.push_str(values.iter().find(|(name, _)| *name == place).map_or("", |(_, value)| value));
        rest = after;
    }
    said + rest
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two languages have the same texts, each with the same places.
    pub(crate) fn say_the_same(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) {
        assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        let places = |text: &str| {
            let braces = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
            let mut places: Vec<String> = braces.map(|(name, _)| name.to_string()).collect();
            places.sort();
            places
        };
        for (name, text) in one {
            assert_eq!(places(text), places(&other[name]), "{name}");
        }
    }

    #[test]
    fn both_languages_say_the_same_things_with_the_same_places() {
        let (french, english) = (Words::of("fr-CA"), Words::of("de"));
        assert!(french.texts.len() > 60);
        say_the_same(&french.texts, &english.texts);
        assert_eq!(french.texts["months"].split(' ').count(), 12);
        assert_eq!(english.texts["months"].split(' ').count(), 12);
    }

    #[test]
    fn numbers_shares_and_dates_are_written_as_the_language_does() {
        let (french, english) = (Words::of("fr"), Words::of("en"));
        assert_eq!(
            (french.number(1_234_567), english.number(1_234_567)),
            ("1\u{202f}234\u{202f}567".into(), "1,234,567".into())
        );
        assert_eq!((english.number(999), english.number(-1000)), ("999".into(), "−1,000".into()));
        assert_eq!((french.percent(993, 1000), english.percent(993, 1000)), ("99,3\u{a0}%".into(), "99.3%".into()));
        assert_eq!(
            (english.percent(999_999, 1_000_000), english.percent(1, 1_000_000)),
            ("99.9%".into(), "0.1%".into())
        );
        assert_eq!(
            (english.percent(5, 5), english.percent(0, 5), english.percent(0, 0)),
            ("100%".into(), "0%".into(), "0%".into())
        );
        let day: NaiveDate = "2026-11-01".parse().unwrap();
        assert_eq!(
            (french.date(day), english.date(day)),
            ("1er\u{a0}nov.\u{a0}2026".into(), "1\u{a0}Nov\u{a0}2026".into())
        );
    }
}
