//! The lint of a composed letter: what its readers would stumble over, said to the person who writes it.
//!
//! 1. [`Letter`] is a letter as one recipient gets it, as texts; `look` reads its HTML once: `page` its
//!    elements with their places, `css` its styles.
//! 2. Each check gives [`Finding`]s: `features` (what mail programs do not do: the table `clients.yaml`), `contrast`,
//!    `structure` (headings, languages, tables, pictures), `links`, `addresses` (what could tell who reads), `parts`
//!    (the subject, and both parts against each other).
//! 3. `words` puts a finding in French or English: what it is, what to do, and why it matters to whom.
//! 4. [`weight`] says what a letter weighs, item by item, and what that means for the climate.
//!
//! Promises: pure but for one look whether a file that the site serves exists; the same letter gives the same findings, in
//! the order of its text; what the letter does on purpose for programs that can do more is not found fault with.
//!
//! BUGS: it reads, it does not render: a text that overlaps another, or a picture that says what no text says, escapes
//! it. Contrast is computed over plain grounds, not over pictures.

mod addresses;
mod clients;
mod colour;
mod contrast;
mod css;
mod features;
mod links;
mod look;
mod page;
mod parts;
mod structure;
#[cfg(test)]
mod tests;
mod variant;
pub mod weight;
mod words;

use std::collections::HashSet;
use std::ops::Range;

use url::Url;

use self::look::Look;

use crate::config::Config;
use crate::problem::{Place, Problem, Problems, Severity, Source};

pub use variant::of_variant;

/// A letter as one recipient gets it.
pub struct Letter<'a> {
    /// The newsletter's name: its letter is shown as `NAME/letter.html` and `NAME/letter.txt`.
    pub newsletter: &'a str,
    /// The newsletter's file, relative to the project.
    pub newsletter_file: &'a str,
    pub html: &'a str,
    pub text: &'a str,
    pub subject: &'a str,
    /// BCP 47, the letter's.
    pub language: &'a str,
    /// What it announces, in its order.
    pub items: &'a [LetterItem<'a>],
    pub site: &'a Url,
    /// Addresses of pictures that were written with the letter.
    pub pictures: &'a [&'a str],
    /// The way out, as this recipient's letter names it; `None`: a list server sees to it.
    pub way_out: Option<&'a str>,
    /// One person's letter: its way out is theirs alone.
    pub personal: bool,
    /// Of the recipient: no address may hold it.
    pub recipient: &'a str,
    /// What its HTML may weigh, in bytes.
    pub budget: usize,
}

/// An item as the letter names it.
#[derive(Clone, Copy, Debug)]
pub struct LetterItem<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub url: &'a str,
    /// Relative to the project, where it has one.
    pub file: Option<&'a str>,
}

/// What a check found, before it is put in words.
struct Finding {
    code: &'static str,
    place: At,
    /// What the words name.
    values: Vec<(&'static str, String)>,
}

/// Where something was found.
enum At {
    /// Bytes of the HTML part.
    Html(Range<usize>),
    /// Bytes of the text part.
    Text(Range<usize>),
    /// A file of the project.
    File(String),
}

impl Finding {
    fn new(code: &'static str, place: At) -> Finding {
        Finding { code, place, values: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Finding {
        self.values.push((name, value.into()));
        self
    }
}

/// Every code: errors are what must not leave.
pub const CODES: [(&str, Severity); 43] = [
    ("letter-address-data", Severity::Warning),
    ("letter-address-http", Severity::Warning),
    ("letter-address-missing", Severity::Warning),
    ("letter-address-relative", Severity::Warning),
    ("letter-address-script", Severity::Error),
    ("letter-anchor", Severity::Warning),
    ("letter-attribute", Severity::Warning),
    ("letter-clipped", Severity::Warning),
    ("letter-contrast", Severity::Warning),
    ("letter-contrast-dark", Severity::Warning),
    ("letter-direction", Severity::Warning),
    ("letter-element", Severity::Warning),
    ("letter-foreign-load", Severity::Warning),
    ("letter-heading-main", Severity::Warning),
    ("letter-heading-step", Severity::Warning),
    ("letter-invisible", Severity::Warning),
    ("letter-item-missing", Severity::Error),
    ("letter-item-order", Severity::Warning),
    ("letter-language", Severity::Warning),
    ("letter-language-outer", Severity::Warning),
    ("letter-link-address", Severity::Warning),
    ("letter-link-empty", Severity::Warning),
    ("letter-link-same", Severity::Warning),
    ("letter-link-vague", Severity::Warning),
    ("letter-no-way-out", Severity::Error),
    ("letter-other-language", Severity::Warning),
    ("letter-picture-alt", Severity::Warning),
    ("letter-picture-size", Severity::Warning),
    ("letter-small-text", Severity::Warning),
    ("letter-style", Severity::Warning),
    ("letter-style-rule", Severity::Warning),
    ("letter-subject-capitals", Severity::Warning),
    ("letter-subject-emoji", Severity::Warning),
    ("letter-subject-empty", Severity::Error),
    ("letter-subject-long", Severity::Warning),
    ("letter-table-border", Severity::Warning),
    ("letter-table-depth", Severity::Warning),
    ("letter-table-grid", Severity::Warning),
    ("letter-table-role", Severity::Warning),
    ("letter-template-code", Severity::Warning),
    ("letter-token", Severity::Error),
    ("letter-tracker", Severity::Error),
    ("letter-tracking-link", Severity::Warning),
];

/// A tag can be long: its start is enough to find it.
const POINTED_AT: usize = 48;

/// Everything that is wrong with a letter, in the order of its text.
pub fn lint(letter: &Letter<'_>, config: &Config) -> Problems {
    let look = Look::at(letter, config);
    let words = words::Words::of(letter.language);
    let mut findings = Vec::new();
    features::check(&look, &words, &mut findings);
    contrast::check(&look, &words, &mut findings);
    structure::check(&look, &mut findings);
    links::check(&look, &mut findings);
    addresses::check(&look, &mut findings);
    parts::check(&look, &words, &mut findings);
    let html = Source::new(format!("{}/letter.html", letter.newsletter), letter.html);
    let text = Source::new(format!("{}/letter.txt", letter.newsletter), letter.text);
    let mut problems = Problems::new();
    let mut said: HashSet<(&str, String)> = HashSet::new();
    let short = |place: Place| Place { width: place.width.min(POINTED_AT), ..place };
    let at = |place: &At| match place {
        At::Html(range) => short(html.place(range.clone())),
        At::Text(range) => short(text.place(range.clone())),
        At::File(file) => Place::file(file.as_str()),
    };
    findings.sort_by_key(|finding| match &finding.place {
        At::File(_) => (0, 0),
        At::Html(range) => (1, range.start),
        At::Text(range) => (2, range.start),
    });
    for finding in &findings {
        let said_of = words.say(finding.code, &finding.values);
        // The same thing a second time, of another place, is one thing to mend.
        if !said.insert((finding.code, said_of.message.clone())) {
            continue;
        }
        problems.push(Problem {
            severity: severity(finding.code),
            code: finding.code,
            message: said_of.message,
            label: None,
            help: Some(said_of.help),
            explanation: Some(said_of.why),
            place: Some(at(&finding.place)),
        });
    }
    problems
}

fn severity(code: &str) -> Severity {
    CODES.iter().find(|(known, _)| *known == code).map_or(Severity::Warning, |(_, severity)| *severity)
}
