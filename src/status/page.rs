//! The page: the plots with their tables, in HTML.

use chrono::TimeDelta;
use handlebars::Handlebars;
use serde_json::{Value, json};

use super::bars::Kind;
use super::rows::Rows;
use super::shown::Shown;
use super::svg;
use super::words::Words;
use crate::store::editions::{Edition, State};

/// What the page's plots look like; below the styles of all pages.
pub const STYLE: &str = include_str!("status.css");
/// The styles of all pages.
const BASE: &str = include_str!("../web/pages/page.css");
/// How often a page is made anew while letters leave, and while all that is left waits for another try, in seconds.
const QUICK: u32 = 5;
const SLOW: u32 = 60;

/// The page, without what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub language: &'static str,
    pub title: String,
    /// HTML, for the main part.
    pub content: String,
    /// In so many seconds there is more to see; `None`: nothing is under way.
    pub refresh: Option<u32>,
}

impl Page {
    /// The whole page as one file, which needs no other. It does not move.
    pub fn as_file(&self, site: &str) -> String {
        let parts = json!({
            "language": self.language, "title": self.title, "site": site, "content": self.content,
            "style": format!("{BASE}{STYLE}"),
        });
        fill(include_str!("file.html.hbs"), &parts)
    }
}

/// Whether the page is made anew while letters leave: whoever reads it slowly can stop that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// As long as something is under way.
    ByItself,
    /// Not until whoever reads it says so.
    Stopped,
    /// Never: it is a file.
    Never,
}

/// Makes the page.
pub fn page(rows: &Rows, moves: Moves) -> Page {
    let words = Words::of(&rows.language);
    let under_way = refresh(rows);
    let refresh = under_way.filter(|_| moves == Moves::ByItself);
    let shown = Shown { rows, words: &words, today: rows.now.with_timezone(&rows.zone).date_naive() };
    let parts = json!({
        "w": words.texts(),
        "made": words.say("made", &[("moment", &words.moment(rows.now, rows.zone)), ("zone", rows.zone.name())]),
        "moving": under_way.map(|seconds| match moves {
            Moves::ByItself => json!({
                "words": words.say("moving", &[("seconds", &seconds.to_string())]), "to": "?still", "other": words.say("stop", &[]),
            }),
            Moves::Stopped => json!({ "words": words.say("stopped", &[]), "to": "?", "other": words.say("move", &[]) }),
            Moves::Never => json!({ "words": words.say("stopped", &[]), "to": null, "other": null }),
        }),
        "under_way": shown.under_way(),
        "attention": shown.attention(),
        "tiles": rows.letters.iter().map(|letter| shown.tile(letter)).collect::<Vec<_>>(),
        "patterns": svg::patterns(),
        "legend": Kind::ALL.map(|kind| json!({
            "swatch": svg::swatch(kind.name()), "name": words.say(&format!("kind_{}", kind.name()), &[]),
            "means": words.say(&format!("means_{}", kind.name()), &[]),
        })),
        "editions": shown.editions(),
        "people": shown.people(),
        "replies": shown.replies(),
        "suppressed": shown.suppressed(),
        "feeds": shown.feeds(),
    });
    Page {
        language: words.language,
        title: words.say("title", &[]),
        content: fill(include_str!("page.html.hbs"), &parts),
        refresh,
    }
}

/// Whether there is more to see soon.
fn refresh(rows: &Rows) -> Option<u32> {
    let is_sending = |edition: &&Edition| edition.state == State::Sending && edition.counts.pending > 0;
    let sending: Vec<&Edition> = rows.editions.iter().filter(is_sending).collect();
    let soon = |edition: &&Edition| {
        let due = edition.counts.due.is_none_or(|due| due <= rows.now + TimeDelta::seconds(i64::from(SLOW)));
        due || edition.counts.pending > edition.counts.deferred
    };
    match sending.iter().any(soon) {
        true => Some(QUICK),
        false if sending.is_empty() => None,
        false => Some(SLOW),
    }
}

fn fill(template: &str, parts: &Value) -> String {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    // All are compiled in, and rendered by the tests.
    let partial = registry.register_partial("table", include_str!("table.html.hbs"));
    debug_assert!(partial.is_ok(), "{partial:?}");
    let filled = registry.render_template(template, parts);
    debug_assert!(filled.is_ok(), "{filled:?}");
    filled.unwrap_or_default()
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
