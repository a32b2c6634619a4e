//! Which items a newsletter's next letters show, which wait and until when, and which are left out: with the reason of
//! each, as data, for whoever explains it to a person.
//!
//! Promises: decides nothing; every item, and every file that was passed over, has one reason.
//!
//! BUGS: an item that counts with a letter without being shown is told to be beyond `max_items` if the letter is full,
//! else to repeat a shown one's video.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::config::{Backlog, Newsletter};
use crate::digest::Composed;
use crate::item::{Item, PassedOver};
use crate::selection::{self, Refusal};
use crate::store::newsletters::Announcement;

/// What becomes of an item in a newsletter's next letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Shown: nobody was told of it yet.
    Shown,
    /// Shown again: a person wanted it.
    Repeated,
    /// Counts as announced with the next letter without being shown: there are more than `max_items`.
    Beyond,
    /// Counts as announced with the next letter without being shown: one that is shown has the same video.
    Double,
    /// A person crosses it out of the next letter, for good.
    Declined,
    /// Dated ahead: waits for this moment.
    Held(DateTime<Utc>),
    /// New, and not in the next letters: it waits for a later one.
    Later,
    /// There before the newsletter begins: no news.
    Before,
    /// Announced, counted or declined earlier.
    Past(Announcement),
    /// Not for this newsletter.
    NotSelected(Refusal),
    /// The file is no item: its reason.
    PassedOver(String),
}

/// One item's fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Empty for a file that was passed over.
    pub id: String,
    /// The file's path for one that was passed over.
    pub title: String,
    pub path: String,
    pub published: Option<DateTime<Utc>>,
    /// Its date names a day, not a time.
    pub date_only: bool,
    /// Which of the next letters it is of, from 0.
    pub letter: Option<usize>,
    pub fate: Fate,
}

/// The fate of every item: those of the letters in their order, then the others, newest first, then files that are no
/// items. `announced`: what the database remembers; `None`: the newsletter was never seen.
pub fn choices(
    newsletter: &Newsletter,
    items: &[Item],
    passed_over: &[PassedOver],
    letters: &[Composed],
    announced: Option<&HashMap<String, Announcement>>,
    now: DateTime<Utc>,
) -> Vec<Choice> {
    let by_id: HashMap<&str, &Item> = items.iter().map(|item| (item.id.as_str(), item)).collect();
    let mut told: HashSet<&str> = HashSet::new();
    let mut found = Vec::with_capacity(items.len() + passed_over.len());
    let past = |id: &str| announced.and_then(|announced| announced.get(id));
    for (number, letter) in letters.iter().enumerate() {
        let of = |item: &Item, title: &str, fate: Fate| Choice {
            id: item.id.clone(),
            title: title.to_string(),
            path: item.path().to_string(),
            published: Some(item.published),
            date_only: item.date_only,
            letter: Some(number),
            fate,
        };
        for shown in &letter.items {
            if let Some(item) = by_id.get(shown.id.as_str())
                && told.insert(&item.id)
            {
                let fate = if past(&item.id).is_some() { Fate::Repeated } else { Fate::Shown };
                found.push(of(item, &shown.title, fate));
            }
        }
        for id in &letter.counted {
            if let Some(item) = by_id.get(id.as_str())
                && told.insert(&item.id)
            {
                let full = letter.items.len() >= newsletter.max_items;
                found.push(of(item, &item.title, if full { Fate::Beyond } else { Fate::Double }));
            }
        }
        for id in &letter.declined {
            if let Some(item) = by_id.get(id.as_str())
                && told.insert(&item.id)
            {
                found.push(of(item, &item.title, Fate::Declined));
            }
        }
    }
    let begins = announced.is_none() && newsletter.backlog == Backlog::Skip;
    let mut others: Vec<&Item> = items.iter().filter(|item| !told.contains(item.id.as_str())).collect();
    selection::newest_first(&mut others);
    for item in others {
        let held = item.held_until.filter(|until| *until > now);
        let fate = match (past(&item.id), selection::refusal(item, &newsletter.select), held) {
            (Some(past), ..) => Fate::Past(past.clone()),
            (None, Some(refusal), _) => Fate::NotSelected(refusal),
            (None, None, Some(until)) => Fate::Held(until),
            (None, None, None) if begins => Fate::Before,
            (None, None, None) => Fate::Later,
        };
        found.push(Choice {
            id: item.id.clone(),
            title: item.title.clone(),
            path: item.path().to_string(),
            published: Some(item.published),
            date_only: item.date_only,
            letter: None,
            fate,
        });
    }
    found.extend(passed_over.iter().map(|file| Choice {
        id: String::new(),
        title: file.path.clone(),
        path: file.path.clone(),
        published: None,
        date_only: false,
        letter: None,
        fate: Fate::PassedOver(file.reason.clone()),
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Select;
    use crate::digest::AnnouncedItem;
    use crate::digest::samples::{item, newsletter};
    use crate::store::newsletters::How;

    fn named(name: &str) -> Item {
        let item = item(name, name, "2026-11-01T00:00:00Z", "");
        Item { id: name.to_string(), ..item }
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    fn composed(shown: &[&str], counted: &[&str]) -> Composed {
        let item = |id: &&str| AnnouncedItem { id: id.to_string(), title: "T".into(), url: "u".into() };
        Composed {
            items: shown.iter().map(item).collect(),
            counted: counted.iter().map(|id| id.to_string()).collect(),
            ..Composed::default()
        }
    }

    #[test]
    fn every_item_and_every_file_passed_over_has_one_reason() {
        let now = at("2026-11-24T09:00:00Z");
        let until = at("2026-12-01T08:00:00Z");
        let mut items: Vec<Item> = ["a", "b", "c", "d", "e", "f"].map(named).into();
        items[3].held_until = Some(until);
        items[4].tags = vec!["interne".to_string()];
        let select = Select { not_tags: vec!["interne".into()], ..Select::default() };
        let newsletter = Newsletter { max_items: 1, select, ..newsletter() };
        let past = Announcement { how: How::Announced, number: Some(3), at: now };
        let announced = HashMap::from([("c".to_string(), past.clone())]);
        let passed_over = [PassedOver { path: "posts/g.md".into(), reason: "a draft".into() }];
        let letters = [composed(&["a"], &["a", "b"])];
        let found = choices(&newsletter, &items, &passed_over, &letters, Some(&announced), now);
        let mut fates: Vec<(&str, &Fate)> = found.iter().map(|choice| (choice.path.as_str(), &choice.fate)).collect();
        fates.sort_by_key(|(path, _)| *path);
        assert_eq!(
            fates,
            [
                ("posts/a.md", &Fate::Shown),
                ("posts/b.md", &Fate::Beyond),
                ("posts/c.md", &Fate::Past(past)),
                ("posts/d.md", &Fate::Held(until)),
                ("posts/e.md", &Fate::NotSelected(Refusal::NotTags)),
                ("posts/f.md", &Fate::Later),
                ("posts/g.md", &Fate::PassedOver("a draft".into())),
            ]
        );
    }

    #[test]
    fn before_the_first_run_of_a_newsletter_that_skips_what_is_there_nothing_waits() {
        let newsletter = Newsletter { backlog: Backlog::Skip, ..newsletter() };
        let found = choices(&newsletter, &[named("a")], &[], &[], None, at("2026-11-24T09:00:00Z"));
        assert_eq!(found[0].fate, Fate::Before);
    }
}
