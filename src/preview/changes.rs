//! What subscribers of the published feeds would see, in Markdown for a pull request.
//!
//! Promises: short: a line a feed, and the entries folded below; in the site's language, French or English; titles are
//! plain words; nobody's address.

use super::markdown::{escaped, folded, linked};
use super::words::Words;
use crate::feed::diff::Difference;
use crate::published::Compared;

/// How many entries of a kind are named.
const NAMED: usize = 20;

/// Formats of one feed that differ in the same way.
pub struct Told<'a> {
    pub name: &'a str,
    /// `Atom`, `RSS`, `JSON`.
    pub formats: Vec<&'static str>,
    pub first: &'a Compared,
}

/// Outputs that differ in the same way, together.
pub fn told(compared: &[Compared]) -> Vec<Told<'_>> {
    let mut all: Vec<Told<'_>> = Vec::new();
    for one in compared {
        let format = match one.format {
            "atom" => "Atom",
            "rss" => "RSS",
            _ => "JSON",
        };
        let same = |told: &&mut Told<'_>| {
            told.name == one.feed && told.first.published == one.published && looks_like(told.first, one)
        };
        match all.iter_mut().find(same) {
            Some(told) => told.formats.push(format),
            None => all.push(Told { name: &one.feed, formats: vec![format], first: one }),
        }
    }
    all
}

/// Only Atom has an id, and RSS no date of the last change.
fn looks_like(one: &Compared, other: &Compared) -> bool {
    let alike = |difference: &Difference| {
        let mut difference = difference.clone();
        difference.about.retain(|what| *what != "id");
        for changed in &mut difference.changed {
            changed.what.retain(|what| *what != "updated");
        }
        difference.changed.retain(|changed| !changed.what.is_empty());
        difference
    };
    alike(&one.difference) == alike(&other.difference)
}

/// The section of a summary; empty where there is no feed.
pub fn markdown(compared: &[Compared], language: &str) -> String {
    let words = Words::of(language);
    let say = |name: &str| words.say(name, &[]);
    if compared.is_empty() {
        return String::new();
    }
    let mut text = format!("## {}\n\n", escaped(&say("diff_title")));
    if compared.iter().all(|one| !one.published) {
        text.push_str(&format!("{}\n", escaped(&say("diff_unpublished"))));
        return text;
    }
    let colon = if words.language == "fr" { "\u{a0}:" } else { ":" };
    let mut details = String::new();
    for told in told(compared) {
        let difference = &told.first.difference;
        let head = format!("**{}** ({})", escaped(told.name), told.formats.join(", "));
        let counted = |name: &str, count: usize| words.say(name, &[("count", &count.to_string())]);
        if !told.first.published {
            text.push_str(&format!("- {head}{colon} {}\n", counted("diff_all_new", difference.new.len())));
            continue;
        }
        let mut parts = Vec::new();
        if !difference.unread.is_empty() {
            parts.push(format!("⚠️ **{}**", counted("diff_unread", difference.unread.len())));
        }
        let counts = [
            ("diff_new", difference.new.len()),
            ("diff_changed", difference.changed.len()),
            ("diff_gone", difference.gone.len()),
            ("diff_past_limit", difference.past_limit.len()),
        ];
        parts.extend(counts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| counted(name, *count)));
        if !difference.about.is_empty() {
            parts.push(words.say("diff_about", &[("what", &spoken(&difference.about, &words))]));
        }
        if parts.is_empty() {
            parts.push(say("diff_nothing"));
        }
        text.push_str(&format!("- {head}{colon} {}\n", parts.join(", ")));
        entries(&mut details, difference, &words);
    }
    if !details.is_empty() {
        text.push_str(&folded(&say("diff_entries"), details.trim_start()));
    }
    text
}

fn spoken(what: &[&str], words: &Words) -> String {
    what.iter().map(|what| words.say(&format!("diff_what_{what}"), &[])).collect::<Vec<_>>().join(", ")
}

fn entries(text: &mut String, difference: &Difference, words: &Words) {
    let named = |title: &str, url: &str| linked(title, url);
    let kinds: [(&str, Vec<String>); 5] = [
        ("diff_unread", difference.unread.iter().map(|one| named(&one.entry.title, &one.entry.url)).collect()),
        ("diff_new", difference.new.iter().map(|one| named(&one.title, &one.url)).collect()),
        ("diff_changed", {
            let changed = difference.changed.iter();
            changed
                .map(|one| format!("{} ({})", named(&one.entry.title, &one.entry.url), spoken(&one.what, words)))
                .collect()
        }),
        ("diff_gone", difference.gone.iter().map(|one| escaped(&one.title)).collect()),
        ("diff_past_limit", difference.past_limit.iter().map(|one| named(&one.title, &one.url)).collect()),
    ];
    for (name, lines) in kinds.iter().filter(|(_, lines)| !lines.is_empty()) {
        let count = lines.len().to_string();
        let block = format!("\n{}\n\n- {}\n", words.say(name, &[("count", &count)]), {
            let mut shown: Vec<&str> = lines.iter().take(NAMED).map(String::as_str).collect();
            shown.extend((lines.len() > NAMED).then_some("…"));
            shown.join("\n- ")
        });
        // Formats that differ in one detail would name the same entries twice.
        if !text.contains(&block) {
            text.push_str(&block);
        }
    }
}
