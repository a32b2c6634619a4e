//! Single letters that somebody asked for on a page: limited, then kept until they have left.
//!
//! Promises: what limits letters is counted and written in one transaction, one after the other for all who serve one
//! database, so that no more leave than the limits say; a letter is kept until a mail server has taken or refused it, or it is of
//! no use any more; of two who look for letters, one gets each.
//!
//! BUGS: whoever dies between a server's answer and the writing of it sends that letter twice.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AnyConnection, Row};

use super::newsletters::moment;
use super::{Alone, Result, Store, storable};
use crate::config::Rate;

/// What is limited was asked for within this time: no rate has a longer one.
const LONGEST: TimeDelta = TimeDelta::days(1);
/// How many are handed out at once.
const BATCH: i64 = 8;

/// A letter that waits to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Random.
    pub id: i64,
    pub newsletter: String,
    /// What it says.
    pub kind: String,
    pub recipient: i64,
    pub email: String,
    pub name: Option<String>,
    /// JSON: what else it is made from.
    pub details: String,
    pub asked: DateTime<Utc>,
    /// Of no use from then on.
    pub expires: DateTime<Utc>,
    /// How often it was tried before.
    pub attempts: i64,
}

/// So many letters at most for what this names (a keyed hash, say).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub limited: String,
    pub rate: Rate,
}

impl Store {
    /// Keeps a letter to be sent, unless that is more than a limit allows. Tells whether it did; either way something is written,
    /// so that both take as long.
    pub async fn ask_for_letter(&mut self, letter: &Waiting, limits: &[Limit]) -> Result<bool> {
        let mut transaction = self.write_alone(Alone::Asking).await?;
        let may = allows(&mut transaction, limits, letter.asked).await?;
        if may {
            put(&mut transaction, letter).await?;
            count(&mut transaction, limits, letter.asked).await?;
        } else {
            count_unanswered(&mut transaction, &letter.newsletter, letter.asked, true).await?;
        }
        transaction.commit().await?;
        Ok(may)
    }

    /// Hands out letters that are due, those first that wait longest; for so long they are nobody else's.
    pub async fn take_letters(&mut self, now: DateTime<Utc>, while_tried: TimeDelta) -> Result<Vec<Waiting>> {
        let text = format!(
            "UPDATE outbox SET next_try = $1, attempts = attempts + 1
             WHERE id IN (SELECT id FROM outbox WHERE next_try <= $2 ORDER BY next_try, id LIMIT {BATCH}{})
             RETURNING id, newsletter, kind, recipient, email, name, details, asked_at, expires_at, attempts",
            self.skip_locked()
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind((now + while_tried).timestamp())
            .bind(now.timestamp())
            .fetch_all(&mut self.connection)
            .await?;
        rows.iter()
            .map(|row| {
                let attempts: i64 = row.try_get(9)?;
                Ok(Waiting {
                    id: row.try_get(0)?,
                    newsletter: row.try_get(1)?,
                    kind: row.try_get(2)?,
                    recipient: row.try_get(3)?,
                    email: row.try_get(4)?,
                    name: row.try_get(5)?,
                    details: row.try_get(6)?,
                    asked: moment(row.try_get(7)?),
                    expires: moment(row.try_get(8)?),
                    attempts: attempts - 1,
                })
            })
            .collect()
    }

    /// When the next letter is due, if one waits.
    pub async fn next_letter(&mut self) -> Result<Option<DateTime<Utc>>> {
        let next: Option<i64> =
            sqlx::query_scalar("SELECT MIN(next_try) FROM outbox").fetch_one(&mut self.connection).await?;
        Ok(next.map(moment))
    }

    /// A letter that has left, or never will.
    pub async fn forget_letter(&mut self, id: i64) -> Result<()> {
        sqlx::query("DELETE FROM outbox WHERE id = $1").bind(id).execute(&mut self.connection).await?;
        Ok(())
    }

    /// A letter that is tried again then.
    pub async fn postpone_letter(&mut self, id: i64, until: DateTime<Utc>) -> Result<()> {
        let query = sqlx::query("UPDATE outbox SET next_try = $1 WHERE id = $2").bind(until.timestamp()).bind(id);
        query.execute(&mut self.connection).await?;
        Ok(())
    }
}

/// Whether one more letter is within all limits.
pub(super) async fn allows(connection: &mut AnyConnection, limits: &[Limit], now: DateTime<Utc>) -> Result<bool> {
    let old = (now - LONGEST).timestamp();
    sqlx::query("DELETE FROM letters_asked WHERE at <= $1").bind(old).execute(&mut *connection).await?;
    let mut may = true;
    // All are asked, whatever the first says: it takes as long.
    for Limit { limited, rate } in limits {
        let per = TimeDelta::from_std(rate.per).unwrap_or(LONGEST).min(LONGEST);
        let asked: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM letters_asked WHERE limited = $1 AND at > $2")
            .bind(limited)
            .bind((now - per).timestamp())
            .fetch_one(&mut *connection)
            .await?;
        may &= asked < i64::from(rate.count);
    }
    Ok(may)
}

/// Counts a letter that is to leave.
pub(super) async fn count(connection: &mut AnyConnection, limits: &[Limit], now: DateTime<Utc>) -> Result<()> {
    for Limit { limited, .. } in limits {
        let query = sqlx::query("INSERT INTO letters_asked (limited, at) VALUES ($1, $2)").bind(limited);
        query.bind(now.timestamp()).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Counts a form, if no letter answers it; something is written either way.
pub(super) async fn count_unanswered(
    connection: &mut AnyConnection,
    newsletter: &str,
    now: DateTime<Utc>,
    unanswered: bool,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO unanswered (day, newsletter, count) VALUES ($1, $2, $3)
         ON CONFLICT (day, newsletter) DO UPDATE SET count = unanswered.count + excluded.count",
    )
    .bind(now.timestamp().div_euclid(86_400))
    .bind(newsletter)
    .bind(i64::from(unanswered))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn put(connection: &mut AnyConnection, letter: &Waiting) -> Result<()> {
    sqlx::query(
        "INSERT INTO outbox (id, newsletter, kind, recipient, email, name, details, asked_at, expires_at, next_try, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(letter.id)
    .bind(&letter.newsletter)
    .bind(&letter.kind)
    .bind(letter.recipient)
    .bind(&letter.email)
    .bind(letter.name.as_deref().map(|name| storable(name).into_owned()))
    .bind(&letter.details)
    .bind(letter.asked.timestamp())
    .bind(letter.expires.timestamp())
    .bind(letter.asked.timestamp())
    .bind(letter.attempts)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::store::tests::{Place, on_both_stores, wait};
    use std::time::Duration;

    /// To somebody who asked at that moment.
    pub(crate) fn letter(recipient: i64, at: i64) -> Waiting {
        Waiting {
            id: at * 100 + recipient,
            newsletter: "a".to_string(),
            kind: "confirm".to_string(),
            recipient,
            email: format!("p{recipient}@example.org"),
            name: Some("Ana".to_string()),
            details: "{}".to_string(),
            asked: moment(at),
            expires: moment(at + 1000),
            attempts: 0,
        }
    }

    pub(crate) fn limit(limited: &str, count: u32, seconds: u64) -> Limit {
        Limit { limited: limited.to_string(), rate: Rate { count, per: Duration::from_secs(seconds) } }
    }

    on_both_stores! {
        no_more_letters_are_kept_than_each_limit_allows,
        a_letter_is_handed_out_once_and_again_when_its_time_is_over,
    }

    fn no_more_letters_are_kept_than_each_limit_allows(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let limits = [limit("address", 2, 3600), limit("network", 3, 60)];
            let mut may = Vec::new();
            for (id, at) in [(1, 0), (2, 10), (3, 20), (4, 3599), (5, 3601), (6, 3602)] {
                may.push(store.ask_for_letter(&letter(id, at), &limits).await.unwrap());
            }
            assert_eq!(may, [true, true, false, false, true, false]);
            // Another address in the same network.
            let limits = [limit("other", 9, 3600), limit("network", 3, 60)];
            let mut may = Vec::new();
            for id in 7..11 {
                may.push(store.ask_for_letter(&letter(id, 3610), &limits).await.unwrap());
            }
            assert_eq!(may, [true, true, false, false]);
        });
    }

    fn a_letter_is_handed_out_once_and_again_when_its_time_is_over(place: Place) {
        wait(async {
            let (mut store, mut other) = (place.open().await, place.open().await);
            for id in 1..=3 {
                assert!(store.ask_for_letter(&letter(id, 100), &[]).await.unwrap());
            }
            let minute = TimeDelta::minutes(1);
            let mut taken = store.take_letters(moment(100), minute).await.unwrap();
            taken.sort_by_key(|letter| letter.id);
            assert_eq!(taken, [letter(1, 100), letter(2, 100), letter(3, 100)]);
            assert!(other.take_letters(moment(150), minute).await.unwrap().is_empty());
            let [first, second, third] = [1, 2, 3].map(|recipient| letter(recipient, 100).id);
            store.forget_letter(first).await.unwrap();
            store.postpone_letter(second, moment(500)).await.unwrap();
            assert_eq!(store.next_letter().await.unwrap(), Some(moment(160)));
            let again = other.take_letters(moment(160), minute).await.unwrap();
            assert_eq!(again.iter().map(|letter| (letter.id, letter.attempts)).collect::<Vec<_>>(), [(third, 1)]);
            store.forget_letter(third).await.unwrap();
            assert_eq!(store.take_letters(moment(500), minute).await.unwrap()[0].id, second);
            store.forget_letter(second).await.unwrap();
            assert_eq!(store.next_letter().await.unwrap(), None);
        });
    }
}
