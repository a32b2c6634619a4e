//! Items that the generator made no page of: none is published, and each reason is said once.
//!
//! An item that was published before and that a list lacks is left out as well: its page is not in the site that was
//! built, and a link to it would lead nowhere. Its id and its address stay in the lock for the day when it comes back.
//! Where a list lacks all items, or most of those that were published, the list itself is wrong: nothing goes on then.

use std::collections::HashMap;

use super::{Built, how_to_make};
use crate::config;
use crate::item::Item;
use crate::item::lock::Lock;
use crate::problem::{Problem, Problems};

/// A content file that is an item by its front matter, and has no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbuilt {
    pub path: String,
    pub why: Why,
}

/// Why an item has no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// `permalink: false`, in whatever way it was computed.
    NoAddress,
    /// The list calls it a draft.
    Draft,
    /// Its date has not come, or has passed, for Hugo.
    NotNow,
    /// The list does not know the file.
    Unknown {
        /// The file was written after the list.
        newer: bool,
    },
    /// No page stands at this address in the folder of built pages.
    NoPage(String),
    /// Its address is another site's.
    Elsewhere(String),
}

impl Why {
    /// In a few words, for those who ask why a file was passed over.
    pub fn words(&self) -> String {
        match self {
            Why::NoAddress => "the generator gives it no address".to_string(),
            Why::Draft => "a draft, says the generator".to_string(),
            Why::NotNow => "not yet, or no longer, built: its date".to_string(),
            Why::Unknown { .. } => "the generator made no page of it".to_string(),
            Why::NoPage(address) => format!("there is no page for {address}"),
            Why::Elsewhere(address) => format!("its page is at {address}, which is not the site's"),
        }
    }
}

/// What there is to say of items without a page.
#[derive(Debug, Default)]
pub struct Said {
    pub problems: Problems,
    /// What the generator decided: a sentence for each of its reasons.
    pub words: Vec<String>,
}

/// The fewest items that make a list suspicious by being missing.
const SUSPICIOUS: usize = 3;

/// Judges the items that have no page; `Err`: the list or the folder cannot be the site's.
pub fn judge(
    built: &Built,
    config: &config::Built,
    unbuilt: &[Unbuilt],
    items: &[Item],
    lock: &Lock,
) -> Result<Said, Problem> {
    let of = |wanted: fn(&Why) -> bool| unbuilt.iter().filter(|one| wanted(&one.why)).collect::<Vec<&Unbuilt>>();
    let manifest = &built.manifest;
    let missing = of(|why| matches!(why, Why::Unknown { .. } | Why::NoPage(_)));
    let elsewhere = of(|why| matches!(why, Why::Elsewhere(_)));
    let again = how_to_make(manifest);
    if items.is_empty() && !elsewhere.is_empty() {
        return Err(foreign(built, &elsewhere).at(config.place.clone()));
    }
    if items.is_empty() && !missing.is_empty() {
        let problem = match &missing[0].why {
            Why::NoPage(address) => Problem::error(
                "manifest",
                format!("no page of the items is in `{manifest}`: {} would be at {address}", missing[0].path),
            )
            .help("build the site first, and see that site.url and content.permalink say where its pages are"),
            _ => Problem::error(
                "manifest",
                format!("`{manifest}` knows none of the items: not {}, for one", missing[0].path),
            )
            .help(format!("{again}, in the site's own folder, and name that file")),
        };
        return Err(problem.at(config.place.clone()));
    }
    let rows: HashMap<&str, &str> = lock
        .rows()
        .iter()
        .filter(|row| row.gone.is_none())
        .map(|row| (row.path.as_str(), row.url.as_str()))
        .collect();
    let (lost, new): (Vec<&Unbuilt>, Vec<&Unbuilt>) =
        missing.into_iter().partition(|one| rows.contains_key(one.path.as_str()));
    let kept = items.iter().filter(|item| rows.contains_key(item.path())).count();
    if lost.len() >= SUSPICIOUS && lost.len() > kept {
        let message = format!(
            "`{manifest}` lacks {} of the {} items that were published: {}",
            lost.len(),
            lost.len() + kept,
            named(&lost)
        );
        let help = format!("{again}; items that are meant to go can be named in content.exclude");
        return Err(Problem::error("manifest", message).help(help).at(config.place.clone()));
    }

    let mut said = Said::default();
    for one in &lost {
        let at = rows.get(one.path.as_str()).copied().unwrap_or_default();
        let message = format!("this item was published at {at}, and is not in `{manifest}` any more: it is left out");
        let help = format!("{again}; if it has another page now, it keeps its id there");
        said.problems.push(Problem::warning("not-built", message).help(help).in_file(&one.path));
    }
    if !new.is_empty() {
        let (what, are) = count(new.len());
        let message = format!("{what} without a page in `{manifest}` {are} not published: {}", named(&new));
        let newer = new.iter().any(|one| matches!(one.why, Why::Unknown { newer: true }));
        let help = match newer {
            true => format!("the list is older than the file: {again}"),
            false => format!(
                "{again}, unless {are} not meant to be there",
                are = if new.len() == 1 { "it is" } else { "they are" }
            ),
        };
        said.problems.push(Problem::warning("not-built", message).help(help).at(config.place.clone()));
    }
    if !elsewhere.is_empty() {
        said.problems.push(foreign(built, &elsewhere).at(config.place.clone()));
    }
    for (wanted, reason) in [
        (of(|why| *why == Why::NoAddress), "the generator gives no address (`permalink: false`)"),
        (of(|why| *why == Why::Draft), "the generator lists as a draft"),
        (of(|why| *why == Why::NotNow), "Hugo builds only later, or no longer (its date)"),
    ] {
        if !wanted.is_empty() {
            let (what, are) = count(wanted.len());
            said.words.push(format!("{what} that {reason} {are} not published: {}", named(&wanted)));
        }
    }
    Ok(said)
}

fn foreign(built: &Built, elsewhere: &[&Unbuilt]) -> Problem {
    let address = match elsewhere.first().map(|one| &one.why) {
        Some(Why::Elsewhere(address)) => address.as_str(),
        _ => "",
    };
    let (what, are) = count(elsewhere.len());
    let message = format!(
        "{what} {are} not at the site's address in `{}`: {} is at {address}, and site.url is {}",
        built.manifest,
        elsewhere.first().map_or("", |one| one.path.as_str()),
        built.site
    );
    Problem::error("manifest", message)
        .help("build the site as it is published (for Hugo: with its own baseURL), or correct site.url")
}

fn count(number: usize) -> (String, &'static str) {
    if number == 1 { ("1 item".to_string(), "is") } else { (format!("{number} items"), "are") }
}

/// The first few paths, and how many more there are.
fn named(all: &[&Unbuilt]) -> String {
    const FEW: usize = 3;
    let mut names: Vec<&str> = all.iter().take(FEW).map(|one| one.path.as_str()).collect();
    let more = format!("{} more", all.len().saturating_sub(FEW));
    if all.len() > FEW {
        names.push(&more);
    }
    names.join(", ")
}
