//! What is said in words of a reading: why items are where they are, when a letter leaves, why there is none.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::reading::{Desk, Letters, Which};
use super::words::Words;
use crate::announce::choice::{Choice, Fate};
use crate::announce::sheet::path;
use crate::config::{Approve, Newsletter, Schedule};
use crate::digest::edition_file::Release;
use crate::item::event::{Event, Moment};
use crate::schedule::Due;
use crate::selection::Refusal;
use crate::store::newsletters::How;

/// A moment in the letters' words, in the site's zone; a whole day without its hour.
fn moment(desk: &Desk, moment: DateTime<Utc>) -> String {
    let event = Event { start: Moment::At(moment), end: None, place: None, online: false, join: None };
    desk.project.templates.language.when(&event, desk.config().site.time_zone)
}

fn day(desk: &Desk, moment: DateTime<Utc>) -> String {
    desk.project.templates.language.date(moment.with_timezone(&desk.config().site.time_zone).date_naive())
}

/// When the next letter leaves; `None`: it does not.
pub fn leaves(desk: &Desk, newsletter: &Newsletter, letters: &Letters, words: &Words) -> Option<String> {
    if newsletter.approve == Approve::File {
        return Some(match letters.file.as_ref().map(|file| file.release) {
            None => words.say("leaves_with_file", &[("path", &path(&newsletter.name, letters.remembered.number))]),
            Some(Release::No) => words.say("leaves_when_released", &[]),
            Some(Release::At(at)) if at > desk.now() => words.say("leaves", &[("when", &moment(desk, at))]),
            Some(Release::At(_) | Release::Now) => words.say("leaves_next_run", &[]),
        });
    }
    match (&newsletter.schedule, &letters.due) {
        (Schedule::Manual, _) => Some(words.say("leaves_by_hand", &[])),
        (_, Due::Now { .. }) => Some(words.say("leaves_next_run", &[])),
        (_, Due::Later { next: Some(next) }) => Some(words.say("leaves", &[("when", &moment(desk, *next))])),
        (_, Due::Later { next: None }) => None,
    }
}

/// Why there is no letter: a title, and what to know.
pub fn nothing(desk: &Desk, letters: &Letters, words: &Words) -> (String, String) {
    let begins = letters.choices.iter().any(|choice| choice.fate == Fate::Before);
    if begins {
        return (words.say("nothing_yet", &[]), words.say("nothing_yet_help", &[]));
    }
    let help = words.say("nothing_help", &[]);
    let announced = letters.remembered.announced.iter().flat_map(|announced| announced.values());
    let last = announced.filter(|one| one.how != How::Backlog).map(|one| one.at).max();
    match last.or(letters.remembered.considered) {
        Some(last) => (words.say("nothing_since", &[("when", &day(desk, last))]), help),
        None => (words.say("nothing", &[]), help),
    }
}

/// The items in groups: those of this letter, those that wait, and the others.
pub fn groups(
    desk: &Desk,
    newsletter: &Newsletter,
    letters: &Letters,
    which: Which,
    letter: usize,
    words: &Words,
    limit: usize,
) -> Value {
    if which == Which::All {
        let sheet = desk.sheets(newsletter, letters, which).as_ref().ok().and_then(|sheets| sheets.first());
        let items = sheet.map(|sheet| sheet.composed.items.as_slice()).unwrap_or_default();
        let rows: Vec<Value> = items
            .iter()
            .map(|item| json!({ "title": item.title, "why": words.say("why_all", &[]), "path": null, "url": item.url }))
            .collect();
        return json!([{ "title": words.say("group_shown", &[]), "count": rows.len(), "rows": rows, "open": true, "mark": "in" }]);
    }
    let order = [
        ("group_shown", "in"),
        ("group_later", "wait"),
        ("group_waits", "wait"),
        ("group_counted", "out"),
        ("group_declined", "out"),
        ("group_past", "out"),
        ("group_unselected", "out"),
        ("group_passed", "out"),
    ];
    let mut groups = Vec::new();
    for (name, mark) in order {
        let chosen: Vec<&Choice> = letters.choices.iter().filter(|choice| group_of(choice, letter) == name).collect();
        if chosen.is_empty() && name != "group_shown" {
            continue;
        }
        let rows: Vec<Value> = chosen
            .iter()
            .take(limit)
            .map(|choice| {
                json!({
                    "title": choice.title,
                    "why": why(desk, newsletter, letters, choice, words),
                    "path": if choice.id.is_empty() { Value::Null } else { json!(choice.path) },
                    "date": choice.published.map(|published| day(desk, published)),
                })
            })
            .collect();
        groups.push(json!({
            "id": name, "title": words.say(name, &[]), "count": chosen.len(), "rows": rows, "mark": mark,
            "open": matches!(name, "group_shown" | "group_waits" | "group_later" | "group_counted" | "group_declined"),
        }));
    }
    json!(groups)
}

fn group_of(choice: &Choice, letter: usize) -> &'static str {
    match &choice.fate {
        Fate::Shown | Fate::Repeated if choice.letter == Some(letter) => "group_shown",
        Fate::Shown | Fate::Repeated => "group_later",
        Fate::Beyond | Fate::Double => "group_counted",
        Fate::Declined => "group_declined",
        Fate::Held(_) | Fate::Later => "group_waits",
        Fate::Before | Fate::Past(_) => "group_past",
        Fate::NotSelected(_) => "group_unselected",
        Fate::PassedOver(_) => "group_passed",
    }
}

/// Why an item is where it is.
pub fn why(desk: &Desk, newsletter: &Newsletter, letters: &Letters, choice: &Choice, words: &Words) -> String {
    let say = |name: &str| words.say(name, &[]);
    match &choice.fate {
        Fate::Shown => say("why_shown"),
        Fate::Repeated => say("why_repeated"),
        Fate::Beyond => words.say("why_beyond", &[("max", &newsletter.max_items.to_string())]),
        Fate::Double => say("why_double"),
        Fate::Declined => say("why_declined"),
        Fate::Held(until) => {
            let when = if choice.date_only { day(desk, *until) } else { moment(desk, *until) };
            words.say("why_held", &[("when", &when)])
        }
        Fate::Later => match &letters.file {
            Some(file) => words.say("why_offered", &[("path", &file.path)]),
            None => say("why_later"),
        },
        Fate::Before => say("why_before"),
        Fate::Past(past) => {
            let number = past.number.map_or_else(|| "–".to_string(), |number| number.to_string());
            let name = match past.how {
                How::Announced => "why_announced",
                How::Counted => "why_counted",
                How::Backlog => "why_backlog",
                How::Declined => "why_declined_past",
            };
            words.say(name, &[("when", &day(desk, past.at)), ("number", &number)])
        }
        Fate::NotSelected(refusal) => say(match refusal {
            Refusal::Tags => "why_tags",
            Refusal::NotTags => "why_not_tags",
            Refusal::Series => "why_series",
            Refusal::Kind => "why_kind",
            Refusal::Language => "why_language",
            Refusal::Folder => "why_folder",
            Refusal::NotFolders => "why_not_folders",
        }),
        Fate::PassedOver(reason) => match reason.as_str() {
            "a README" => say("passed_readme"),
            "no front matter" => say("passed_front_matter"),
            reason if reason.contains("index page") => say("passed_index"),
            reason if reason.starts_with("a draft") => say("passed_draft"),
            reason => reason.to_string(),
        },
    }
}
