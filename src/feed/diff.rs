//! What subscribers of a published feed would see if another took its place: new entries, changed ones, entries that are gone,
//! and entries that come back as unread, because their id is another one.
//!
//! Promises: pure; every entry of both feeds is in one list at most; an entry that the limit alone leaves out is told apart
//! from one that is gone; HTML is compared as feed readers keep it: comments, scripts and white space between elements are no
//! change.
//!
//! BUGS: an entry that enters at the end, because one above it went, is told as new; feed readers that remember it
//! show nothing. Two entries with one id are the first of them, as most readers have it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::read::{Published, PublishedEntry};
use crate::body::{Cleaner, tree};
use crate::item::Item;

/// What would change for subscribers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What changes of the feed itself: `id`, `title`, `description`.
    pub about: Vec<&'static str>,
    pub new: Vec<Named>,
    pub changed: Vec<Changed>,
    pub gone: Vec<Named>,
    /// The same items under other ids.
    pub unread: Vec<Unread>,
    /// Still there, and past the feed's limit.
    pub past_limit: Vec<Named>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Named {
    pub id: String,
    pub title: String,
    pub url: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    #[serde(flatten)]
    pub entry: Named,
    /// `title`, `url`, `date`, `updated`, `summary`, `content`, `authors`, `tags`, `enclosure`.
    pub what: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    #[serde(flatten)]
    pub entry: Named,
    /// The id under which subscribers have read it.
    pub was: String,
}

impl Difference {
    pub fn is_none(&self) -> bool {
        *self == Difference::default()
    }

    /// What a feed is to its subscribers that was never published.
    pub fn all_new(now: &Published) -> Difference {
        Difference { new: now.entries.iter().map(named).collect(), ..Difference::default() }
    }
}

/// Compares what is published with what would be. `beyond` are the items that the feed's limit leaves out.
pub fn compare(published: &Published, now: &Published, beyond: &[&Item]) -> Difference {
    let mut difference = Difference { about: about(published, now), ..Difference::default() };
    let before = by_id(published);
    let after = by_id(now);
    let cleaner = Cleaner::new();
    let mut others = Others::of(published.entries.iter().filter(|entry| !after.contains_key(entry.id.as_str())));
    let mut told = HashSet::new();
    for entry in now.entries.iter().filter(|entry| told.insert(entry.id.as_str())) {
        if let Some(old) = before.get(entry.id.as_str()) {
            let what = what_changed(old, entry, &cleaner);
            if !what.is_empty() {
                difference.changed.push(Changed { entry: named(entry), what });
            }
        } else if let Some(old) = others.take(entry) {
            difference.unread.push(Unread { entry: named(entry), was: old.id.clone() });
        } else {
            difference.new.push(named(entry));
        }
    }
    for item in beyond {
        let still = others.take_by(&item.id, &item.url, &item.title, Some(item.published));
        difference.past_limit.extend(still.map(named));
    }
    difference.gone = others.left().map(named).collect();
    difference
}

fn named(entry: &PublishedEntry) -> Named {
    Named { id: entry.id.clone(), title: entry.title.clone(), url: entry.url.clone() }
}

fn by_id(feed: &Published) -> HashMap<&str, &PublishedEntry> {
    // Of two with one id the first counts.
    feed.entries.iter().rev().map(|entry| (entry.id.as_str(), entry)).collect()
}

fn about(published: &Published, now: &Published) -> Vec<&'static str> {
    let ids = published.id.as_ref().zip(now.id.as_ref());
    let changes = [
        ("id", ids.is_some_and(|(old, new)| old != new)),
        ("title", published.title != now.title),
        ("description", published.description != now.description),
    ];
    changes.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
}

fn what_changed(old: &PublishedEntry, new: &PublishedEntry, cleaner: &Cleaner) -> Vec<&'static str> {
    let changes = [
        ("title", old.title != new.title),
        ("url", place(&old.url) != place(&new.url)),
        ("date", old.published != new.published),
        ("updated", old.updated != new.updated),
        ("summary", old.summary != new.summary),
        ("content", old.content != new.content && kept(&old.content, cleaner) != kept(&new.content, cleaner)),
        ("authors", old.authors != new.authors),
        ("tags", old.tags != new.tags),
        ("enclosure", old.enclosure != new.enclosure),
    ];
    changes.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
}

/// What a feed reader keeps of an entry's HTML, on one line.
fn kept(html: &str, cleaner: &Cleaner) -> String {
    let clean = tree::write(&cleaner.clean_html(html));
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("> <", "><").replace("> ", ">").replace(" <", "<")
}

/// Where an address leads, however it is spelled: without its scheme, its anchor, and the slash or the page at its end.
fn place(url: &str) -> &str {
    let url = url.split('#').next().unwrap_or_default();
    let url = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    url.strip_suffix("index.html").unwrap_or(url).trim_end_matches('/')
}

/// Published entries whose id is not there any more, until somebody finds them again under another one.
struct Others<'a> {
    /// In the feed's order; `None`: found.
    entries: Vec<Option<&'a PublishedEntry>>,
}

impl<'a> Others<'a> {
    fn of(entries: impl Iterator<Item = &'a PublishedEntry>) -> Self {
        let mut told = HashSet::new();
        Others { entries: entries.filter(|entry| told.insert(entry.id.as_str())).map(Some).collect() }
    }

    /// The one that is this entry.
    fn take(&mut self, entry: &PublishedEntry) -> Option<&'a PublishedEntry> {
        self.take_by(&entry.id, &entry.url, &entry.title, entry.published)
    }

    /// By its id, else its page, else its title and day.
    fn take_by(
        &mut self,
        id: &str,
        url: &str,
        title: &str,
        date: Option<DateTime<Utc>>,
    ) -> Option<&'a PublishedEntry> {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        // A day's midnight in another zone is still that day.
        let same_day = |other: Option<DateTime<Utc>>| {
            other.zip(date).is_some_and(|(other, date)| (other - date).abs() < TimeDelta::days(1))
        };
        let here: [&dyn Fn(&PublishedEntry) -> bool; 3] =
            [&|other| other.id == id, &|other| !other.url.is_empty() && place(&other.url) == place(url), &|other| {
                !title.is_empty() && other.title == title && same_day(other.published)
            }];
        let at = here.iter().find_map(|is_it| self.entries.iter().position(|other| other.is_some_and(is_it)))?;
        self.entries.get_mut(at).and_then(Option::take)
    }

    fn left(self) -> impl Iterator<Item = &'a PublishedEntry> {
        self.entries.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tests::item;

    fn entry(id: &str, title: &str, day: u32) -> PublishedEntry {
        let published = format!("2026-11-{day:02}T00:00:00Z").parse().ok();
        PublishedEntry {
            id: id.into(),
            url: format!("https://www.example.org/{id}/"),
            title: title.into(),
            published,
            updated: published,
            content: format!("<p>{title}</p>"),
            ..PublishedEntry::default()
        }
    }

    fn feed(entries: Vec<PublishedEntry>) -> Published {
        Published { title: "T".into(), entries, ..Published::default() }
    }

    fn ids(named: &[Named]) -> Vec<&str> {
        named.iter().map(|one| one.id.as_str()).collect()
    }

    #[test]
    fn the_same_feed_is_no_difference() {
        let one = feed(vec![entry("a", "A", 1), entry("b", "B", 2)]);
        assert!(compare(&one, &one.clone(), &[]).is_none());
    }

    #[test]
    fn new_changed_and_gone_are_told_with_what_changed() {
        let mut changed = entry("b", "B, corrigé", 2);
        changed.tags = vec!["x".into()];
        let difference = compare(
            &feed(vec![entry("b", "B", 2), entry("a", "A", 1)]),
            &feed(vec![entry("c", "C", 3), changed]),
            &[],
        );
        assert_eq!(ids(&difference.new), ["c"]);
        assert_eq!(difference.changed[0].what, ["title", "content", "tags"]);
        assert_eq!(ids(&difference.gone), ["a"]);
        assert!(difference.unread.is_empty() && difference.past_limit.is_empty());
    }

    #[test]
    fn another_id_for_the_same_page_or_the_same_title_and_day_comes_back_as_unread() {
        let mut page = entry("tag:b", "Another title", 9);
        page.url = "http://www.example.org/b/index.html#top".into();
        let mut title = entry("new-a", "A", 1);
        title.published = "2026-10-31T23:00:00Z".parse().ok();
        let difference = compare(
            &feed(vec![entry("b", "B", 2), entry("a", "A", 1), entry("c", "C", 3)]),
            &feed(vec![page, title, entry("d", "C", 5)]),
            &[],
        );
        let unread: Vec<_> = difference.unread.iter().map(|one| (one.was.as_str(), one.entry.id.as_str())).collect();
        assert_eq!(unread, [("b", "tag:b"), ("a", "new-a")]);
        assert_eq!((ids(&difference.new), ids(&difference.gone)), (vec!["d"], vec!["c"]));
    }

    #[test]
    fn what_the_limit_leaves_out_is_not_gone() {
        let mut beyond = item("posts/a.md", "A");
        beyond.id = "a".into();
        let difference =
            compare(&feed(vec![entry("b", "B", 2), entry("a", "A", 1)]), &feed(vec![entry("b", "B", 2)]), &[&beyond]);
        assert_eq!((ids(&difference.past_limit), ids(&difference.gone)), (vec!["a"], vec![]));
    }

    #[test]
    fn what_no_reader_keeps_is_no_change() {
        let mut old = entry("a", "A", 1);
        old.content = "<!-- chapô -->\n<div>\n  <p>Un  mot.</p>\n</div><script>1</script>".into();
        let mut new = old.clone();
        new.content = "<div><p>Un mot.</p></div>".into();
        assert!(compare(&feed(vec![old.clone()]), &feed(vec![new.clone()]), &[]).is_none());
        new.content = "<div><p>Un mot de plus.</p></div>".into();
        assert_eq!(compare(&feed(vec![old]), &feed(vec![new]), &[]).changed[0].what, ["content"]);
    }

    #[test]
    fn an_entry_without_a_date_is_new_or_found_by_its_page() {
        let mut old = entry("old", "A", 1);
        let mut new = entry("a", "A", 1);
        (old.url, old.published, new.published) = (new.url.clone(), None, None);
        let difference = compare(&feed(vec![old]), &feed(vec![new]), &[]);
        assert_eq!((difference.unread.len(), difference.new.len(), difference.gone.len()), (1, 0, 0));
    }
}
