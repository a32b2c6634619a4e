//! The feed of a newsletter's letters: an entry each, with what is in it.
//!
//! What does not fit into `feed.xml` is in archives (RFC 5005, section 4): `feed-1.xml` holds the oldest letters, and what an
//! archive holds stays there. An entry's id is a tag (RFC 4151) of the site's host, the letter's day and its number: it stays
//! the same wherever the letter can be read.

use chrono::{DateTime, Utc};

use super::letter::Letter;
use super::sent::Sent;
use super::{IN_A_FEED, Place, below};
use crate::config::{Newsletter, Person};
use crate::feed::{self, Entry, Feed, History};
use crate::store::archive::SentEdition;

/// The document with the newest letters, or an archive, from 1 for the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Current,
    Archive(usize),
}

impl Part {
    /// The part that an address names.
    pub fn of(name: &str) -> Option<Part> {
        if name == "feed.xml" {
            return Some(Part::Current);
        }
        let number = name.strip_prefix("feed-")?.strip_suffix(".xml")?.parse().ok()?;
        let part = Part::Archive(number);
        (number > 0 && part.name() == name).then_some(part)
    }

    pub fn name(self) -> String {
        match self {
            Part::Current => "feed.xml".to_string(),
            Part::Archive(number) => format!("feed-{number}.xml"),
        }
    }

    /// All parts of a feed of so many letters.
    pub fn all(letters: usize) -> impl Iterator<Item = Part> {
        std::iter::once(Part::Current).chain((1..=archives(letters)).map(Part::Archive))
    }

    /// The part before this one.
    fn previous(self, letters: usize) -> Option<Part> {
        let number = match self {
            Part::Current => archives(letters),
            Part::Archive(number) => number - 1,
        };
        (number > 0).then_some(Part::Archive(number))
    }

    /// The letters that it holds, newest first; `None`: there is no such part.
    pub fn letters(self, sent: &Sent) -> Option<Vec<&SentEdition>> {
        let all = &sent.0;
        let held = match self {
            Part::Current => &all[all.len().saturating_sub(IN_A_FEED)..],
            Part::Archive(number) if number > archives(all.len()) => return None,
            Part::Archive(number) => &all[(number - 1) * IN_A_FEED..(number * IN_A_FEED).min(all.len())],
        };
        Some(held.iter().rev().collect())
    }
}

/// How many archives there are: full ones, with all that the newest do not say.
fn archives(letters: usize) -> usize {
    letters.saturating_sub(IN_A_FEED).div_ceil(IN_A_FEED)
}

/// The bytes of a part with these letters.
pub fn write(
    place: &Place<'_>,
    newsletter: &Newsletter,
    sent: &Sent,
    part: Part,
    letters: &[(&SentEdition, Letter)],
) -> String {
    let site = &place.config.site;
    let (folder, moments) = (place.of(newsletter), sent.moments());
    let moment = |edition: &SentEdition| moments.get(&edition.number).copied().unwrap_or(edition.composed);
    let entries: Vec<Entry> =
        letters.iter().map(|(edition, letter)| entry(place, newsletter, edition, letter, moment(edition))).collect();
    let author = newsletter.from.name.as_deref().unwrap_or(&site.title);
    let url = |part: Part| format!("{folder}{}", part.name());
    let feed = Feed {
        id: tag(place, newsletter, sent.0.first(), None),
        title: feed::plain_line(&newsletter.title),
        description: None,
        language: newsletter.select.language.clone().unwrap_or_else(|| site.language.clone()),
        home_url: place.known_as(newsletter),
        atom_url: Some(url(part)),
        rss_url: None,
        json_url: None,
        history: History {
            is_archive: part != Part::Current,
            current_url: (part != Part::Current).then(|| url(Part::Current)),
            previous_url: part.previous(sent.0.len()).map(url),
        },
        hubs: Vec::new(),
        // Nobody's address: robots read feeds.
        author: Person { name: feed::plain_line(author), ..Person::default() },
        // Of an empty feed: fixed, so that its bytes are.
        updated: entries.first().map_or(DateTime::UNIX_EPOCH + chrono::Duration::days(10_957), |first| first.updated),
        entries,
    };
    feed::atom::write(&feed)
}

fn entry(
    place: &Place<'_>,
    newsletter: &Newsletter,
    edition: &SentEdition,
    letter: &Letter,
    moment: DateTime<Utc>,
) -> Entry {
    Entry {
        id: tag(place, newsletter, Some(edition), Some(edition.number)),
        url: place.canonical(newsletter, edition.number),
        title: feed::plain_line(&letter.subject),
        summary: Some(feed::plain_line(&letter.summary)).filter(|summary| !summary.is_empty()),
        content_html: Some(feed::without_forbidden(&letter.content).as_ref().into()),
        published: moment,
        updated: moment,
        authors: Vec::new(),
        categories: Vec::new(),
        language: Some(letter.language.clone()),
        picture: None,
        enclosure: None,
        embeds: Vec::new(),
    }
}

/// RFC 4151; the host was the site's on the day on which that edition went out.
fn tag(place: &Place<'_>, newsletter: &Newsletter, edition: Option<&SentEdition>, number: Option<i64>) -> String {
    let host = place.config.site.url.host_str().unwrap_or("localhost");
    let day = edition.map_or(DateTime::UNIX_EPOCH, |edition| edition.composed).format("%Y-%m-%d");
    let number = number.map_or_else(String::new, |number| number.to_string());
    format!("tag:{host},{day}:letters/{}{number}", below(newsletter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(count: i64) -> Sent {
        Sent((1..=count).map(|number| SentEdition { id: number, number, composed: DateTime::UNIX_EPOCH }).collect())
    }

    #[test]
    fn every_letter_is_in_the_newest_part_or_in_an_archive_and_archives_stay_as_they_are() {
        for count in [0, 1, 20, 21, 39, 40, 41, 60, 61, 100] {
            let sent = sent(count);
            let mut seen = std::collections::BTreeSet::new();
            let (mut part, mut parts) = (Some(Part::Current), 0);
            while let Some(one) = part {
                let letters = one.letters(&sent).unwrap();
                assert!(letters.len() <= IN_A_FEED && letters.windows(2).all(|two| two[0].number > two[1].number));
                seen.extend(letters.iter().map(|letter| letter.number));
                if let Part::Archive(number) = one {
                    assert_eq!(letters.len(), IN_A_FEED, "{count}, {number}: an archive is full");
                }
                part = one.previous(sent.0.len());
                parts += 1;
            }
            assert_eq!(seen.len() as i64, count);
            assert_eq!(Part::all(sent.0.len()).count(), parts);
            assert_eq!(Part::Archive(parts).letters(&sent), None);
        }
    }

    #[test]
    fn a_part_is_known_by_its_own_name_alone() {
        for part in [Part::Current, Part::Archive(1), Part::Archive(12)] {
            assert_eq!(Part::of(&part.name()), Some(part));
        }
        for other in ["feed", "feed-0.xml", "feed-01.xml", "feed-+1.xml", "feed-.xml", "feed--1.xml", "feed-1.xml "] {
            assert_eq!(Part::of(other), None, "{other}");
        }
    }
}
