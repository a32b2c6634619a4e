//! What a shown letter weighs for the whole list, for the report and in one line.

use super::Remembered;
use crate::announce::readers;
use crate::config::{Audience, Newsletter};
use crate::digest::Composed;
use crate::lint::LetterItem;
use crate::lint::weight::{self, Report, Weighed};
use crate::project::Project;
use crate::secrets::Secrets;

/// How many people a newsletter goes to; of a list server's, or another machine's, nobody here knows: it counts as one.
pub fn people(project: &Project, newsletter: &Newsletter, remembered: &Remembered, secrets: &Secrets) -> u64 {
    match &newsletter.to {
        Audience::Recipients => remembered.people(newsletter).unwrap_or(0),
        Audience::Address(_) | Audience::HandOver(_) => 1,
        Audience::File(_) => readers::count_in_file(&project.config, newsletter, secrets, &[]),
    }
}

pub fn report(composed: &Composed, html: &str, text: &str, letter: &[u8], recipients: u64) -> Report {
    let items: Vec<LetterItem<'_>> = composed
        .items
        .iter()
        .filter(|item| composed.variants.first().is_none_or(|whole| whole.items.contains(&item.id)))
        .map(|item| LetterItem { id: &item.id, title: &item.title, url: &item.url, file: None })
        .collect();
    // A picture that the letter carries is weighed with it, and asks for nothing.
    let named = composed.pictures.iter().filter(|picture| html.contains(&picture.url));
    let pictures: Vec<(&str, Option<u64>)> = named.map(|picture| (&*picture.url, Some(picture.bytes))).collect();
    weight::report(&Weighed { html, text, letter, items: &items, pictures: &pictures, recipients })
}

/// `4 requests; about 0.01 g CO2e a letter, 3.4 g for 320 people (…)`
pub fn in_words(report: &Report) -> String {
    let carbon = &report.carbon;
    let grams = |grams: f64| if grams < 1000.0 { format!("{grams} g") } else { format!("{} kg", grams / 1000.0) };
    let plural = |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    format!(
        "{}; about {} CO2e a letter, {} for {} ({})",
        plural(report.requests as u64, "request", "requests"),
        grams(carbon.grams_per_letter),
        grams(carbon.grams),
        plural(carbon.recipients, "recipient", "recipients"),
        weight::MODEL,
    )
}
