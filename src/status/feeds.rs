//! Who reads a feed: subscribers as the services report them, and fetches by everybody else.
//!
//! A service that fetched nothing on a day has not lost its people: what it said last counts for [`CARRIED`] days more.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;
use crate::store::readers::Reader;

/// So many days a service's word holds.
pub const CARRIED: i64 = 3;
/// Over so many days, today included, a program's fetches are told.
pub const LATELY: i64 = 7;

/// One day of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// Since 1970-01-01.
    pub day: i64,
    /// That services report.
    pub subscribers: i64,
    /// By programs that fetch for one reader each, as far as one can tell.
    pub fetches: i64,
}

/// A service or a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub name: String,
    /// 0: it says none.
    pub subscribers: i64,
    /// Of the last [`LATELY`] days.
    pub fetches: i64,
}

/// A feed's readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readers {
    pub title: String,
    /// Without a gap, oldest first, the last one under way.
    pub days: Vec<Day>,
    /// Most subscribers first, then most fetches.
    pub programs: Vec<Program>,
}

/// The readers of one feed, whatever the form in which they fetch it; `None`: nobody did.
pub fn readers(feed: &Source, rows: &[Reader], today: i64) -> Option<Readers> {
    let rows: Vec<&Reader> = rows.iter().filter(|row| feed.paths.contains(&row.feed) && row.day <= today).collect();
    let first = rows.iter().map(|row| row.day).min()?;
    // What each service said of each of its lists, by day.
    let mut said: BTreeMap<(&str, &str, &str), BTreeMap<i64, i64>> = BTreeMap::new();
    let mut fetches: BTreeMap<i64, i64> = BTreeMap::new();
    for row in &rows {
        if row.subscribers > 0 {
            said.entry((&row.feed, &row.reader, &row.source)).or_default().insert(row.day, row.subscribers);
        } else {
            *fetches.entry(row.day).or_default() += row.fetches;
        }
    }
    let on = |days: &BTreeMap<i64, i64>, day: i64| {
        days.range(day - CARRIED..=day).next_back().map_or(0, |(_, subscribers)| *subscribers)
    };
    let days = (first..=today)
        .map(|day| Day {
            day,
            subscribers: said.values().map(|days| on(days, day)).sum(),
            fetches: fetches.get(&day).copied().unwrap_or(0),
        })
        .collect();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.reader.as_str()).collect();
    let program = |name: &str| Program {
        name: name.to_string(),
        subscribers: said.iter().filter(|((_, of, _), _)| *of == name).map(|(_, days)| on(days, today)).sum(),
        fetches: rows
            .iter()
            .filter(|row| row.reader == name && row.day > today - LATELY)
            .map(|row| row.fetches)
            .sum(),
    };
    let mut programs: Vec<Program> = names.into_iter().map(program).collect();
    programs.retain(|program| program.subscribers > 0 || program.fetches > 0);
    programs.sort_by_key(|program| std::cmp::Reverse((program.subscribers, program.fetches)));
    Some(Readers { title: feed.title.clone(), days, programs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(feed: &str, day: i64, reader: &str, source: &str, subscribers: i64, fetches: i64) -> Reader {
        let (feed, reader, source) = (feed.to_string(), reader.to_string(), source.to_string());
        Reader { feed, day, reader, source, subscribers, fetches, is_known: true }
    }

    #[test]
    fn services_are_added_up_over_forms_and_lists_and_their_word_holds_a_few_days() {
        let feed = Source {
            name: "all".to_string(),
            title: "All".to_string(),
            paths: vec!["feed.xml".to_string(), "feed.json".to_string()],
        };
        let rows = [
            row("feed.xml", 10, "Feedly", "1", 40, 3),
            row("feed.xml", 10, "Feedly", "2", 2, 3),
            row("feed.json", 10, "Feedbin", "", 5, 1),
            row("feed.xml", 10, "newsboat", "", 0, 7),
            row("feed.xml", 12, "Feedly", "1", 41, 3),
            row("feed.json", 12, "newsboat", "", 0, 2),
            row("other.xml", 12, "Feedly", "", 900, 1),
        ];
        let told = readers(&feed, &rows, 14).unwrap();
        let days: Vec<(i64, i64)> = told.days.iter().map(|day| (day.subscribers, day.fetches)).collect();
        assert_eq!(days, [(47, 7), (47, 0), (48, 2), (48, 0), (41, 0)]);
        let programs: Vec<_> =
            told.programs.iter().map(|one| (one.name.as_str(), one.subscribers, one.fetches)).collect();
        assert_eq!(programs, [("Feedly", 41, 9), ("newsboat", 0, 9), ("Feedbin", 0, 1)]);
        assert_eq!(readers(&feed, &rows[6..], 14), None);
    }
}
