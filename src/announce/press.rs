//! The next letters of a newsletter, composed: what `run`, `send`, `digest`, `check`, `preview` and a test copy all show
//! is made here, so that they cannot differ.
//!
//! Promises: nothing is remembered; the same state and `now` give the same bytes.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::Material;
use crate::config::Newsletter;
use crate::digest::{self, ComposeInput, Composed};
use crate::item::Item;
use crate::problem::Problems;
use crate::selection::{matches, newest_first};

/// How many items a letter is tried with.
const TRIED: usize = 3;

/// What a newsletter must not announce by itself any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Announced, counted, declined, or there before the newsletter began.
    pub ids: HashSet<String>,
}

impl From<HashSet<String>> for Known {
    fn from(ids: HashSet<String>) -> Known {
        Known { ids }
    }
}

/// Every letter of what is new, in the order in which they go and numbered from `number`: none, one, or with `each-item`
/// one an item. None is without an item.
pub fn letters(
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: u64,
    now: DateTime<Utc>,
) -> Result<Vec<Composed>, Problems> {
    let input = input(material, newsletter, known, number, now);
    digest::plans(&input).iter().map(|plan| digest::compose_plan(&input, plan)).collect()
}

/// How many items are new: what `surge` looks at.
pub fn count_new(material: Material<'_>, newsletter: &Newsletter, known: &Known, now: DateTime<Utc>) -> usize {
    digest::new_items(&input(material, newsletter, known, newsletter.first_number, now)).len()
}

/// The letter of a newsletter's newest items, announced or not: what its templates cannot say is found when they say it.
pub fn trial(material: Material<'_>, newsletter: &Newsletter, now: DateTime<Utc>) -> Result<Composed, Problems> {
    let mut newest: Vec<&Item> = material.items.iter().filter(|item| matches(item, &newsletter.select)).collect();
    newest_first(&mut newest);
    let items: Vec<Item> = newest.into_iter().take(TRIED).cloned().collect();
    let material = Material { items: &items, ..material };
    digest::compose(&input(material, newsletter, &Known::default(), newsletter.first_number, now))
}

fn input<'a>(
    material: Material<'a>,
    newsletter: &'a Newsletter,
    known: &'a Known,
    number: u64,
    now: DateTime<Utc>,
) -> ComposeInput<'a> {
    let Material { config, items, renderer, templates } = material;
    ComposeInput { config, newsletter, items, renderer, templates, known: &known.ids, number, now }
}
