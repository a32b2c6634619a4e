//! What went out, as the store has it: a newsletter's editions, and what a letter is made of.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::announce::Frozen;
use crate::digest::{Composed, Variant};
use crate::store::archive::SentEdition;
use crate::store::{Result, Store};

/// A newsletter's editions that went out, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent(pub Vec<SentEdition>);

/// An edition's place among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbours {
    pub previous: Option<i64>,
    pub next: Option<i64>,
}

impl Sent {
    pub async fn read(store: &mut Store, newsletter: &str) -> Result<Sent> {
        Ok(Sent(store.sent_editions(newsletter).await?))
    }

    pub fn find(&self, number: i64) -> Option<(&SentEdition, Neighbours)> {
        let at = self.0.binary_search_by_key(&number, |edition| edition.number).ok()?;
        let number = |at: usize| self.0.get(at).map(|edition| edition.number);
        Some((&self.0[at], Neighbours { previous: at.checked_sub(1).and_then(number), next: number(at + 1) }))
    }

    pub fn last(&self) -> Option<&SentEdition> {
        self.0.last()
    }

    /// The moment of each edition, by number: later than that of the one before it, though they were composed at once.
    pub fn moments(&self) -> BTreeMap<i64, DateTime<Utc>> {
        let mut moments = BTreeMap::new();
        let mut last = None;
        for edition in &self.0 {
            let after = last.map(|last: DateTime<Utc>| last + TimeDelta::seconds(1));
            let moment = after.map_or(edition.composed, |after| after.max(edition.composed));
            moments.insert(edition.number, moment);
            last = Some(moment);
        }
        moments
    }
}

/// What a letter is made of.
pub struct Source {
    pub edition: SentEdition,
    pub composed: Composed,
    /// The one that says most, where readers chose what they get.
    pub variant: Variant,
    /// Its pictures' contents, as far as they are kept and were asked for; empty: kept, and not asked for.
    pub kept: BTreeMap<String, Vec<u8>>,
}

impl Source {
    /// `None`: it holds no letter. With the contents of its pictures, or without.
    pub async fn read(store: &mut Store, edition: &SentEdition, with_pictures: bool) -> Result<Option<Source>> {
        let (content, variants) = store.content(edition.id).await?;
        let composed = serde_json::from_str::<Frozen>(&content)?.composed;
        let mut best: Option<Variant> = None;
        for text in &variants {
            let variant: Variant = serde_json::from_str(text)?;
            if best.as_ref().is_none_or(|best| variant.items.len() > best.items.len()) {
                best = Some(variant);
            }
        }
        let Some(variant) = best else { return Ok(None) };
        let names: Vec<String> = composed.pictures.iter().map(|picture| picture.name.clone()).collect();
        let mut kept: BTreeMap<String, Vec<u8>> =
            store.kept_of(&names).await?.into_iter().map(|name| (name, Vec::new())).collect();
        if with_pictures {
            for (name, content) in &mut kept {
                if let Some(picture) = store.kept_picture(name).await? {
                    *content = picture.content;
                }
            }
        }
        Ok(Some(Source { edition: edition.clone(), composed, variant, kept }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edition(number: i64, seconds: i64) -> SentEdition {
        SentEdition { id: number, number, composed: DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds) }
    }

    #[test]
    fn an_edition_knows_its_neighbours_though_numbers_are_missing() {
        let sent = Sent(vec![edition(1, 0), edition(4, 9), edition(5, 9)]);
        let of = |number| sent.find(number).map(|(_, near)| (near.previous, near.next));
        assert_eq!(of(1), Some((None, Some(4))));
        assert_eq!(of(4), Some((Some(1), Some(5))));
        assert_eq!(of(5), Some((Some(4), None)));
        assert_eq!(of(2), None);
    }

    #[test]
    fn editions_of_one_moment_have_moments_of_their_own() {
        let sent = Sent(vec![edition(1, 10), edition(2, 10), edition(3, 10), edition(4, 40)]);
        let seconds: Vec<i64> = sent.moments().values().map(DateTime::timestamp).collect();
        assert_eq!(seconds, [10, 11, 12, 40]);
    }
}
