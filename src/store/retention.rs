//! What is not kept for ever: deliveries become totals of their edition after the time configured, those who did not confirm
//! in time are forgotten, and what is left of people who were erased while a letter went out is cleaned up.
//!
//! Promises: an edition's sums stay what they were; it stays done (or cancelled), with its items announced, and is never sent
//! again. What is under way is left alone. Nobody waits long: an edition's rows are deleted in parts, and what was begun is
//! ended the next time.
//!
//! BUGS: who was on the list of an edition, and what became of the letter to them, is not known once it is reduced.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Row;

use super::turn::Turn;
use super::{Result, Store, bounces};

/// How many deliveries are deleted at a time.
const PART: i64 = 5000;

/// How long what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// After an edition's end. `None`: for ever.
    pub deliveries: Option<TimeDelta>,
    /// Who asked to be subscribed and did not confirm. `None`: for ever.
    pub unconfirmed: Option<TimeDelta>,
}

/// What was not kept any longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Editions reduced to totals.
    pub editions: u64,
    /// Their deliveries.
    pub deliveries: u64,
    /// Deliveries of people who were erased meanwhile.
    pub erased: u64,
    /// People who did not confirm.
    pub unconfirmed: u64,
}

impl Store {
    /// Forgets what is older than it is to be kept.
    pub async fn retain(&mut self, now: DateTime<Utc>, keep: Keep) -> Result<Retained> {
        let mut retained = Retained::default();
        if self.is_branch() {
            return Ok(retained);
        }
        retained.erased = self.sweep_erased(now).await?;
        if let Some(time) = keep.unconfirmed {
            retained.unconfirmed = self.forget_unconfirmed(now - time).await?;
        }
        self.sum_up_done().await?;
        // Whoever was at this before may have been stopped.
        let begun: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM editions e WHERE reduced_at IS NOT NULL
                AND EXISTS (SELECT 1 FROM deliveries d WHERE d.edition = e.id)",
        )
        .fetch_all(&mut self.connection)
        .await?;
        for edition in begun {
            self.delete_deliveries(edition).await?;
        }
        if let Some(time) = keep.deliveries {
            let editions: Vec<i64> = sqlx::query_scalar(
                "SELECT id FROM editions WHERE state IN ('done', 'cancelled') AND reduced_at IS NULL
                    AND COALESCE(finished_at, composed_at) < $1 ORDER BY id",
            )
            .bind((now - time).timestamp())
            .fetch_all(&mut self.connection)
            .await?;
            for edition in editions {
                if let Some(deliveries) = self.reduce(edition, now).await? {
                    retained.editions += 1;
                    retained.deliveries += deliveries;
                }
            }
        }
        Ok(retained)
    }

    /// `None`: it is reduced already, or not at its end.
    async fn reduce(&mut self, edition: i64, now: DateTime<Utc>) -> Result<Option<u64>> {
        self.sum_up(edition).await?;
        let mut transaction = self.write().await?;
        let mine = sqlx::query(
            "UPDATE editions SET reduced_at = $1 WHERE id = $2 AND reduced_at IS NULL AND summed = 1
                AND state IN ('done', 'cancelled')
                AND NOT EXISTS (SELECT 1 FROM deliveries WHERE edition = $2 AND state IN ('claimed', 'sending'))",
        )
        .bind(now.timestamp())
        .bind(edition)
        .execute(&mut *transaction)
        .await?;
        if mine.rows_affected() == 0 {
            return Ok(None);
        }
        let sums = bounces::sums(&mut transaction, edition).await?;
        sqlx::query(
            "INSERT INTO returned_totals (edition, returned, hard, policy, complaints) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(edition)
        .bind(sums.returned)
        .bind(sums.hard)
        .bind(sums.policy)
        .bind(sums.complaints)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM returned WHERE edition = $1").bind(edition).execute(&mut *transaction).await?;
        transaction.commit().await?;
        self.delete_deliveries(edition).await.map(Some)
    }

    /// Of an edition that is reduced, in parts.
    async fn delete_deliveries(&mut self, edition: i64) -> Result<u64> {
        let mut turn = Turn::default();
        let mut all = 0;
        loop {
            turn.give_way(self).await?;
            let deleted = sqlx::query(
                "DELETE FROM deliveries WHERE edition = $1 AND recipient IN
                    (SELECT recipient FROM deliveries WHERE edition = $1 ORDER BY recipient LIMIT $2)",
            )
            .bind(edition)
            .bind(PART)
            .execute(&mut self.connection)
            .await?
            .rows_affected();
            turn.ends();
            all += deleted;
            if deleted == 0 {
                break;
            }
        }
        turn.over(self).await?;
        Ok(all)
    }
}

/// Letters of an edition by variant, state and receiving domain, once it is reduced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    pub variant: i64,
    pub state: String,
    pub domain: String,
    pub letters: i64,
    pub twice: i64,
}

impl Store {
    /// What is left of a reduced edition's deliveries.
    pub async fn totals(&mut self, edition: i64) -> Result<Vec<Total>> {
        let rows = sqlx::query(
            "SELECT variant, state, domain, letters, twice FROM totals WHERE edition = $1
             ORDER BY variant, state, domain",
        )
        .bind(edition)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Total {
                    variant: row.try_get(0)?,
                    state: row.try_get(1)?,
                    domain: row.try_get(2)?,
                    letters: row.try_get(3)?,
                    twice: row.try_get(4)?,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::editions::State;
    use crate::store::explain::NOT_KEPT;
    use crate::store::freeze::Audience;
    use crate::store::freeze::tests::edition;
    use crate::store::newsletters::moment;
    use crate::store::recipients::tests::{person, take};
    use crate::store::tests::{Place, on_both_stores, wait};

    const DAY: i64 = 86_400;

    on_both_stores! {
        old_editions_are_reduced_to_totals_that_say_the_same,
        what_is_not_at_its_end_is_left_alone,
    }

    fn old_editions_are_reduced_to_totals_that_say_the_same(place: Place) {
        wait(async {
            let mut store = place.open().await;
            store.start_newsletter("a", &[], moment(100)).await.unwrap();
            take(&mut store, false, (0..10).map(person).collect()).await;
            let id = store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap();
            for text in [
                "UPDATE deliveries SET state = 'accepted', uncertain = 1, attempts = 2 WHERE recipient < 7",
                "UPDATE deliveries SET state = 'refused', email = 'somebody@Example.NET' WHERE recipient = 7",
                "UPDATE deliveries SET state = 'suppressed' WHERE recipient > 7",
                "UPDATE editions SET state = 'done', finished_at = 5000",
                "INSERT INTO returned (mark, edition, recipient, kind, policy, lifted, words, at)
                 VALUES ('m', 1, 3, 'hard', 0, 0, 'unknown', 6000), ('n', 1, 3, 'complaint', 0, 0, '', 6000)",
            ] {
                sqlx::query(text).execute(&mut store.connection).await.unwrap();
            }
            let before = store.counts(id).await.unwrap();
            assert_eq!((before.eligible, before.accepted, before.reports.hard), (10, 7, 1));
            let mut replies = store.replies(moment(0)).await.unwrap();
            assert_eq!((replies.len(), replies[0].accepted, replies[0].returned), (2, 7, 1));
            replies[0].returned = 0;
            let keep = Keep { deliveries: Some(TimeDelta::days(400)), ..Keep::default() };
            assert_eq!(store.retain(moment(400 * DAY), keep).await.unwrap(), Retained::default());
            let later = moment(400 * DAY + 5001);
            assert_eq!(store.retain(later, Keep::default()).await.unwrap(), Retained::default());
            let retained = store.retain(later, keep).await.unwrap();
            assert_eq!(retained, Retained { editions: 1, deliveries: 10, ..Retained::default() });
            assert_eq!(store.retain(later, keep).await.unwrap(), Retained::default(), "once");

            assert_eq!(store.counts(id).await.unwrap(), before);
            assert_eq!(store.replies(moment(0)).await.unwrap(), replies);
            let total = |state: &str, domain: &str, letters, twice| Total {
                variant: 0,
                state: state.to_string(),
                domain: domain.to_string(),
                letters,
                twice,
            };
            assert_eq!(
                store.totals(id).await.unwrap(),
                [
                    total("accepted", "example.org", 7, 7),
                    total("refused", "example.net", 1, 0),
                    total("suppressed", "example.org", 2, 0),
                ]
            );
            let explained = store.explain(3).await.unwrap();
            let explained = explained[0].2.as_ref().unwrap();
            assert_eq!((explained.state.as_str(), explained.updated), (NOT_KEPT, later));
            assert_eq!(store.editions().await.unwrap()[0].state, State::Done);
            assert_eq!(store.next_number("a", 1).await.unwrap(), 2);
            assert_eq!(store.announced("a").await.unwrap().len(), 2, "nothing is new again");
            assert!(!store.refreeze(id, &edition(1), Audience::Subscribed).await.unwrap());
        });
    }

    fn what_is_not_at_its_end_is_left_alone(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, (0..3).map(person).collect()).await;
            store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap();
            let keep = Keep { deliveries: Some(TimeDelta::days(1)), ..Keep::default() };
            assert_eq!(store.retain(moment(400 * DAY), keep).await.unwrap(), Retained::default());
            for text in [
                "UPDATE editions SET state = 'cancelled'",
                "UPDATE deliveries SET state = 'sending' WHERE recipient = 1",
            ] {
                sqlx::query(text).execute(&mut store.connection).await.unwrap();
            }
            assert_eq!(store.retain(moment(400 * DAY), keep).await.unwrap(), Retained::default());
            sqlx::query("UPDATE deliveries SET state = 'accepted' WHERE recipient = 1")
                .execute(&mut store.connection)
                .await
                .unwrap();
            assert_eq!(store.retain(moment(400 * DAY), keep).await.unwrap().deliveries, 3);
            let counts = store.counts(1).await.unwrap();
            assert_eq!((counts.eligible, counts.accepted, counts.pending), (3, 1, 2));
            assert!(counts.balance());
        });
    }
}
