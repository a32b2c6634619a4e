//! The front matter of an edition's file: whose it is, when it may go, its subject.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::{Reading, Release};
use crate::digest::plan::Show;
use crate::item::front_matter::{self, Format, place_of};
use crate::problem::{Problem, Problems, Source};

const KEYS: [&str; 5] = ["newsletter", "number", "send", "subject", "show"];

/// What the front matter says.
#[derive(Debug, Default)]
pub struct Front {
    pub release: Release,
    pub subject: Option<String>,
    pub show: Show,
    pub body_start: usize,
}

pub fn read(source: &Source, reading: &Reading<'_, '_>, problems: &mut Problems) -> Front {
    let found = match front_matter::read(source) {
        Ok(found) => found.filter(|found| found.format == Format::Yaml && source.text.starts_with("---")),
        Err(problem) => {
            // Nothing tells where the body starts: there is no use in more mistakes.
            problems.push(problem);
            return Front { body_start: source.text.len(), ..Front::default() };
        }
    };
    let Some(found) = found else {
        let message = "this edition does not say whose it is: it has no front matter";
        let help = format!(
            "begin it with\n---\nnewsletter: {}\nnumber: {}\nsend: no\n---",
            reading.input.newsletter.name, reading.input.number
        );
        problems.push(Problem::error("edition-front-matter", message).help(help).at(source.place(0..0)));
        return Front::default();
    };
    let mut front = Front { body_start: found.body_start, ..Front::default() };
    let mut wrong = |key: &str, message: String, help: String| {
        problems.push(Problem::error("edition-front-matter", message).help(help).at(place_of(source, key)));
    };
    let (name, number) = (&reading.input.newsletter.name, reading.input.number);
    match found.data.get("newsletter") {
        Some(value) if plain(value) == *name => {}
        Some(value) => {
            let message = format!("this is an edition of `{}`, and its file is one of `{name}`", plain(value));
            wrong("newsletter", message, format!("write `newsletter: {name}`, or give the file the other's name"));
        }
        None => wrong(
            "newsletter",
            "it does not say of which newsletter it is".into(),
            format!("add `newsletter: {name}`"),
        ),
    }
    match found.data.get("number") {
        Some(value) if plain(value) == number.to_string() => {}
        Some(value) => {
            let message = format!("this is edition `{}`, and its file is that of n° {number}", plain(value));
            wrong("number", message, format!("write `number: {number}`, or give the file the other's name"));
        }
        None => wrong("number", "it does not say which number it has".into(), format!("add `number: {number}`")),
    }
    let zone = reading.input.config.site.time_zone;
    match found.data.get("send") {
        None => wrong(
            "send",
            "it does not say when it may go".into(),
            "add `send: no`, `send: now` or `send: 2026-12-01 09:00`".into(),
        ),
        Some(value) => match release(value, reading.hour, zone) {
            None => {
                let message = format!("`{}` is no moment to send at", plain(value));
                // Not `no`: somebody wanted it to go, and has to look.
                front.release = Release::Now;
                let help = "write `no`, `now`, a day as `2026-12-01`, or a moment as `2026-12-01 09:00`";
                wrong("send", message, help.into());
            }
            Some(release) => {
                front.release = release;
                if let Release::At(moment) = release
                    && moment < reading.input.now - Duration::days(1)
                {
                    let message =
                        format!("`{}` is past: an edition that was forgotten does not go by itself", plain(value));
                    wrong("send", message, "write the day on which it shall go, or `now`".into());
                }
            }
        },
    }
    match found.data.get("subject") {
        None | Some(Value::Null) => {}
        Some(Value::Array(_) | Value::Object(_)) => {
            wrong(
                "subject",
                "a subject is one line of text".into(),
                "put it between quotes: `subject: \"…\"`".into(),
            );
        }
        Some(value) if plain(value).contains("{{") => {
            let message = "this subject goes out as it stands, and `{{` is a template's";
            wrong("subject", message.into(), "write the words themselves, or take the line out".into());
        }
        Some(value) => front.subject = Some(one_line(&plain(value))).filter(|subject| !subject.is_empty()),
    }
    match found.data.get("show").map(plain).as_deref() {
        None | Some("card") => {}
        Some("line") => front.show = Show::Line,
        Some(other) => wrong("show", format!("`show` cannot be `{other}`"), "write `card` or `line`".into()),
    }
    for key in found.data.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let message = format!("an edition knows no key `{key}`");
        let problem = Problem::error("unknown-key", message)
            .help(format!("it knows {}", KEYS.map(|key| format!("`{key}`")).join(", ")));
        problems.push(problem.at(key_place(source, key)));
    }
    front
}

/// A value as it would be written.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_string(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn key_place(source: &Source, key: &str) -> crate::problem::Place {
    let mut at = 0;
    for line in source.text.split_inclusive('\n') {
        if line.trim_start().starts_with(key) {
            let start = at + line.len() - line.trim_start().len();
            return source.place(start..start + key.len());
        }
        at += line.len();
    }
    place_of(source, key)
}

/// `no`, `now`, a day (at `hour`) or a moment of the site's zone; a moment that names its zone is in that one.
fn release(value: &Value, hour: NaiveTime, zone: Tz) -> Option<Release> {
    let text = match value {
        Value::Bool(false) => return Some(Release::No),
        Value::String(text) => text.trim().to_lowercase(),
        _ => return None,
    };
    match text.as_str() {
        "no" | "non" => return Some(Release::No),
        "now" | "maintenant" => return Some(Release::Now),
        _ => {}
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(&text.replacen(' ', "t", 1).to_uppercase()) {
        return Some(Release::At(moment.with_timezone(&Utc)));
    }
    let local = match NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        Ok(day) => day.and_time(hour),
        Err(_) => {
            let forms =
                ["%Y-%m-%d %H:%M", "%Y-%m-%dt%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dt%H:%M:%S", "%Y-%m-%d %Hh%M"];
            forms.iter().find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok())?
        }
    };
    // An hour that does not exist, on the day when clocks go forward, is the one after it.
    let moment = local.and_local_timezone(zone).earliest();
    let moment = moment.or_else(|| (local + Duration::hours(1)).and_local_timezone(zone).earliest())?;
    Some(Release::At(moment.with_timezone(&Utc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_the_sites_zone() {
        let read = |text: &str| {
            let nine = NaiveTime::from_hms_opt(9, 0, 0).expect("an hour");
            release(&Value::String(text.into()), nine, chrono_tz::Europe::Paris)
        };
        let at = |text: &str| Some(Release::At(text.parse().expect("a moment")));
        assert_eq!(read("no"), Some(Release::No));
        assert_eq!(read("Now"), Some(Release::Now));
        assert_eq!(read("2026-12-01"), at("2026-12-01T08:00:00Z"));
        assert_eq!(read("2026-07-01 10:30"), at("2026-07-01T08:30:00Z"));
        assert_eq!(read("2026-07-01T10:30:00Z"), at("2026-07-01T10:30:00Z"));
        assert_eq!(read("2026-07-01 10:30:00+02:00"), at("2026-07-01T08:30:00Z"));
        assert_eq!(read("2026-03-29 02:30"), at("2026-03-29T01:30:00Z"), "an hour that does not exist");
        for text in ["", "yes", "demain", "2026-13-01", "2026-02-30", "12/01/2026", "9:00"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
