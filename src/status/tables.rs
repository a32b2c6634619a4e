//! The numbers of the plots, as tables.

use serde::Serialize;

use super::bars::{Domain, Kind, Sums};
use super::feeds::Readers;
use super::people::{OverTime, Step};
use super::svg::date;
use super::words::Words;
use crate::store::editions::Edition;

/// A table: of each row the first cell names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    pub caption: String,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// The names of what can become of a letter.
fn kinds(words: &Words) -> impl Iterator<Item = String> {
    Kind::ALL.into_iter().map(|kind| words.say(&format!("kind_{}", kind.name()), &[]))
}

/// An empty place is quicker to pass over than a zero.
fn cell(words: &Words, number: i64) -> String {
    if number == 0 { "–".to_string() } else { words.number(number) }
}

fn sums(words: &Words, sums: &Sums) -> Vec<String> {
    Kind::ALL.into_iter().map(|kind| cell(words, sums.get(kind))).collect()
}

/// Editions, newest first.
pub fn editions(caption: String, editions: &[&Edition], zone: chrono_tz::Tz, words: &Words) -> Table {
    let mut head = vec![words.say("edition", &[]), words.say("composed", &[]), words.say("eligible", &[])];
    head.extend(kinds(words));
    head.extend([words.say("returned", &[]), words.say("complaints", &[])]);
    let row = |edition: &&Edition| {
        let counts = &edition.counts;
        let mut row = vec![
            words.say("number", &[("number", &edition.number.to_string())]),
            words.date(edition.composed.with_timezone(&zone).date_naive()),
            cell(words, counts.eligible),
        ];
        row.extend(sums(words, &Sums::from(counts)));
        row.extend([cell(words, counts.reports.returned), cell(words, counts.reports.complaints)]);
        row
    };
    Table { caption, head, rows: editions.iter().map(row).collect() }
}

/// Weeks or months, newest first.
pub fn people(caption: String, told: &OverTime, words: &Words) -> Table {
    let (first, name): (_, fn(&Words, chrono::NaiveDate) -> String) = match told.step {
        Step::Week => ("week", |words, start| words.date(start)),
        Step::Month => ("month", |words, start| words.month_and_year(start)),
    };
    let head = [first, "joined", "gone", "subscribers"].map(|name| words.say(name, &[])).to_vec();
    let row = |period: &super::people::Period| {
        vec![
            name(words, period.start),
            cell(words, period.joined),
            cell(words, period.gone),
            words.number(period.level),
        ]
    };
    Table { caption, head, rows: told.periods.iter().rev().map(row).collect() }
}

/// Receiving domains.
pub fn domains(caption: String, domains: &[Domain], words: &Words) -> Table {
    let mut head = vec![words.say("domain", &[]), words.say("letters", &[])];
    head.extend(kinds(words));
    head.push(words.say("returned", &[]));
    let row = |domain: &Domain| {
        let mut row = vec![domain_name(domain, words), cell(words, domain.sums.all())];
        row.extend(sums(words, &domain.sums));
        row.push(cell(words, domain.returned));
        row
    };
    Table { caption, head, rows: domains.iter().map(row).collect() }
}

/// A domain, or how many stand together.
pub fn domain_name(domain: &Domain, words: &Words) -> String {
    domain.name.clone().unwrap_or_else(|| words.count("other_domains", i64::try_from(domain.domains).unwrap_or(0)))
}

/// The programs that read a feed, and its days, newest first.
pub fn readers(captions: [String; 2], told: &Readers, words: &Words) -> [Table; 2] {
    let [programs, days] = captions;
    let program = |one: &super::feeds::Program| {
        vec![program_name(&one.name, words), cell(words, one.subscribers), cell(words, one.fetches)]
    };
    let day = |one: &super::feeds::Day| {
        vec![words.date(date(one.day)), cell(words, one.subscribers), cell(words, one.fetches)]
    };
    [
        Table {
            caption: programs,
            head: ["program", "reported", "fetches_lately"].map(|name| words.say(name, &[])).to_vec(),
            rows: told.programs.iter().map(program).collect(),
        },
        Table {
            caption: days,
            head: ["day", "reported", "fetches"].map(|name| words.say(name, &[])).to_vec(),
            rows: told.days.iter().rev().map(day).collect(),
        },
    ]
}

/// A program's name, or what stands for those without one.
pub fn program_name(name: &str, words: &Words) -> String {
    match name {
        "others" => words.say("program_others", &[]),
        "browsers" => words.say("program_browsers", &[]),
        name => name.to_string(),
    }
}
