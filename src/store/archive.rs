//! What an archive of letters needs: which editions went out, and which of their pictures are kept.
//!
//! Promises: an edition that is being sent or was is there; one that waits, is held or was given up is not.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::newsletters::moment;
use super::{Result, Store, places};

/// An edition that went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentEdition {
    pub id: i64,
    pub number: i64,
    pub composed: DateTime<Utc>,
}

impl Store {
    /// A newsletter's editions that are being sent or were, by number.
    pub async fn sent_editions(&mut self, newsletter: &str) -> Result<Vec<SentEdition>> {
        let rows = sqlx::query(
            "SELECT id, number, composed_at FROM editions
             WHERE newsletter = $1 AND state IN ('sending', 'done') ORDER BY number",
        )
        .bind(newsletter)
        .fetch_all(&mut self.connection)
        .await?;
        let read = |row: &sqlx::any::AnyRow| {
            Ok(SentEdition { id: row.try_get(0)?, number: row.try_get(1)?, composed: moment(row.try_get(2)?) })
        };
        rows.iter().map(read).collect()
    }

    /// Those of these pictures that are kept.
    pub async fn kept_of(&mut self, names: &[String]) -> Result<BTreeSet<String>> {
        let mut kept = BTreeSet::new();
        for batch in names.chunks(super::ROWS) {
            let text = format!("SELECT name FROM pictures WHERE name IN {}", places(1, batch.len(), 0));
            let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(text));
            for name in batch {
                query = query.bind(name);
            }
            let found: Vec<String> = query.fetch_all(&mut self.connection).await?;
            kept.extend(found);
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::editions::State;
    use crate::store::freeze::tests::edition;
    use crate::store::freeze::{Audience, NewEdition};
    use crate::store::pictures::KeptPicture;
    use crate::store::recipients::tests::{person, take};
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        what_went_out_is_told_by_number_and_nothing_else,
        the_pictures_that_are_kept_are_told_from_those_that_went,
    }

    fn what_went_out_is_told_by_number_and_nothing_else(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1)]).await;
            let mut ids = Vec::new();
            for (number, state) in
                [(3, State::Done), (1, State::Sending), (2, State::Held), (4, State::Composed), (5, State::Cancelled)]
            {
                let items = vec![format!("item {number}")];
                let new = NewEdition {
                    composed: moment(1000 * number),
                    items: items.clone(),
                    counted: items,
                    ..edition(number)
                };
                let id = store.freeze(&new, Audience::Subscribed).await.unwrap().unwrap();
                store.move_edition(id, &[State::Sending], state, None).await.unwrap();
                ids.push(id);
            }
            let sent = store.sent_editions("a").await.unwrap();
            let told: Vec<_> = sent.iter().map(|one| (one.id, one.number, one.composed)).collect();
            assert_eq!(told, [(ids[1], 1, moment(1000)), (ids[0], 3, moment(3000))]);
            assert!(store.sent_editions("b").await.unwrap().is_empty());
        });
    }

    fn the_pictures_that_are_kept_are_told_from_those_that_went(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let picture =
                |name: &str| KeptPicture { name: name.into(), media_type: "image/png".into(), content: vec![1] };
            store.keep_pictures(&[picture("a.png"), picture("b.jpg")], moment(5000)).await.unwrap();
            let names = ["b.jpg", "c.png", "a.png"].map(String::from);
            let kept = store.kept_of(&names).await.unwrap();
            assert_eq!(kept.into_iter().collect::<Vec<_>>(), ["a.png", "b.jpg"]);
            assert!(store.kept_of(&[]).await.unwrap().is_empty());
        });
    }
}
