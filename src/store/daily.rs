//! How many people joined and left each newsletter, by the day: totals that name nobody, and stay when people are erased.
//!
//! Promises: counted in the transaction that changes a subscription, so that joined less gone is what the list grew by; who
//! leaves twice at once is counted once.
//!
//! BUGS: a day is UTC's. What was before a database kept these totals is told from its people as they stood then: who had
//! left and come back is counted as one who never left.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row};

use super::{Result, Store};

/// What changed on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daily {
    pub newsletter: String,
    /// Since 1970-01-01.
    pub day: i64,
    pub joined: i64,
    /// Left, retired, erased.
    pub gone: i64,
}

/// The number of a moment's day.
pub fn day(moment: DateTime<Utc>) -> i64 {
    moment.timestamp().div_euclid(86_400)
}

/// What one person is subscribed to, before a change of it: whoever changes it calls [`Before::of`] first in the
/// transaction, and [`Before::count`] last, but for the history.
pub(super) struct Before {
    recipient: i64,
    subscribed: BTreeSet<String>,
}

impl Before {
    /// Also makes others who change the same wait for this transaction's end.
    pub(super) async fn of(connection: &mut AnyConnection, recipient: i64) -> Result<Before> {
        let rows = sqlx::query(
            "UPDATE subscriptions SET recipient = recipient WHERE recipient = $1 RETURNING newsletter, state",
        )
        .bind(recipient)
        .fetch_all(connection)
        .await?;
        let mut subscribed = BTreeSet::new();
        for row in &rows {
            let state: String = row.try_get(1)?;
            if state == "subscribed" {
                subscribed.insert(row.try_get(0)?);
            }
        }
        Ok(Before { recipient, subscribed })
    }

    /// Counts what became of it.
    pub(super) async fn count(self, connection: &mut AnyConnection, now: DateTime<Utc>) -> Result<()> {
        let after: Vec<String> =
            sqlx::query_scalar("SELECT newsletter FROM subscriptions WHERE recipient = $1 AND state = 'subscribed'")
                .bind(self.recipient)
                .fetch_all(&mut *connection)
                .await?;
        let after = BTreeSet::from_iter(after);
        // In one order for all, so that two who count the same newsletters do not wait for each other.
        for newsletter in self.subscribed.symmetric_difference(&after) {
            let joined = i64::from(after.contains(newsletter));
            count(connection, newsletter, now, joined, 1 - joined).await?;
        }
        Ok(())
    }
}

/// Counts people who joined and who are gone. Late in its transaction, for whoever counts the same newsletter waits; only the
/// history is written later.
pub(super) async fn count(
    connection: &mut AnyConnection,
    newsletter: &str,
    now: DateTime<Utc>,
    joined: i64,
    gone: i64,
) -> Result<()> {
    if (joined, gone) == (0, 0) {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO daily (newsletter, day, joined, gone) VALUES ($1, $2, $3, $4)
         ON CONFLICT (newsletter, day) DO UPDATE SET joined = daily.joined + excluded.joined,
            gone = daily.gone + excluded.gone",
    )
    .bind(newsletter)
    .bind(day(now))
    .bind(joined)
    .bind(gone)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// All days on which a list changed, oldest first.
    pub async fn daily(&mut self) -> Result<Vec<Daily>> {
        let rows = sqlx::query("SELECT newsletter, day, joined, gone FROM daily ORDER BY day, newsletter")
            .fetch_all(&mut self.connection)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Daily {
                    newsletter: row.try_get(0)?,
                    day: row.try_get(1)?,
                    joined: row.try_get(2)?,
                    gone: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// How many have asked to be on each newsletter and have not confirmed; and how often nothing left in answer to a form, for
    /// limits or for a complaint, since 400 days.
    pub async fn asking(&mut self) -> Result<(Vec<(String, i64)>, Vec<(String, i64)>)> {
        let mut both = Vec::new();
        for text in [
            "SELECT newsletter, COUNT(*) FROM signups GROUP BY newsletter ORDER BY newsletter",
            "SELECT newsletter, CAST(SUM(count) AS BIGINT) FROM unanswered GROUP BY newsletter ORDER BY newsletter",
        ] {
            let rows = sqlx::query(text).fetch_all(&mut self.connection).await?;
            let read = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
            both.push(read.collect::<Result<Vec<(String, i64)>>>()?);
        }
        let unanswered = both.pop().unwrap_or_default();
        Ok((both.pop().unwrap_or_default(), unanswered))
    }

    /// How many are subscribed to each newsletter now.
    pub async fn subscribed(&mut self) -> Result<Vec<(String, i64)>> {
        let rows = sqlx::query(
            "SELECT newsletter, COUNT(*) FROM subscriptions WHERE state = 'subscribed' GROUP BY newsletter ORDER BY newsletter",
        )
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::newsletters::moment;
    use crate::store::recipients::tests::{intake, person, take};
    use crate::store::tests::{Place, on_both_stores, wait};

    const DAY: i64 = 86_400;

    fn on(day: i64, joined: i64, gone: i64) -> Daily {
        Daily { newsletter: "a".to_string(), day, joined, gone }
    }

    on_both_stores! {
        who_comes_and_goes_is_counted_by_the_day_once,
        what_was_before_the_totals_is_told_from_the_people,
    }

    fn who_comes_and_goes_is_counted_by_the_day_once(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, (0..10).map(person).collect()).await;
            take(&mut store, false, (0..10).map(person).collect()).await;
            assert_eq!(store.daily().await.unwrap(), [on(0, 10, 0)]);
            // By a letter, twice; from the page, twice, and back; somebody unknown.
            store.leave(1, Some("a"), moment(DAY)).await.unwrap();
            store.leave(1, None, moment(DAY)).await.unwrap();
            let left = store.leave_from_page(2, "a", moment(DAY + 5)).await.unwrap();
            store.leave_from_page(2, "a", moment(DAY + 6)).await.unwrap();
            store.leave_from_page(3, "a", moment(DAY + 7)).await.unwrap();
            store.leave(99, Some("a"), moment(DAY)).await.unwrap();
            store.leave_from_page(98, "a", moment(DAY)).await.unwrap();
            assert_eq!(store.daily().await.unwrap(), [on(0, 10, 0), on(1, 0, 3)]);
            assert!(store.come_back(2, "a", left.since, moment(2 * DAY)).await.unwrap());
            assert_eq!(store.daily().await.unwrap()[2], on(2, 1, 0));
            // The next list names four of them, and somebody new; another brings back who was retired.
            let intake = |day| crate::store::recipients::Intake { now: moment(day * DAY), ..intake() };
            let mut people = Some([4, 5, 6, 7, 50].map(person).to_vec());
            let taken = store.take_in(&intake(3), || people.take().unwrap_or_default()).await.unwrap();
            store.retire_missing(&intake(3), taken.import).await.unwrap();
            let mut people = Some([8, 1].map(person).to_vec());
            store.take_in(&intake(4), || people.take().unwrap_or_default()).await.unwrap();
            assert_eq!(store.daily().await.unwrap()[3..], [on(3, 1, 4), on(4, 1, 0)]);
            let grown: i64 = store.daily().await.unwrap().iter().map(|day| day.joined - day.gone).sum();
            assert_eq!(store.subscribed().await.unwrap(), [("a".to_string(), grown)]);
        });
    }

    fn what_was_before_the_totals_is_told_from_the_people(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, (0..5).map(person).collect()).await;
            store.leave(1, Some("a"), moment(9 * DAY)).await.unwrap();
            store.leave(77, Some("a"), moment(9 * DAY)).await.unwrap();
            let told = store.daily().await.unwrap();
            assert_eq!(told, [on(0, 5, 0), on(9, 0, 1)]);
            sqlx::raw_sql("DROP TABLE daily; DROP TABLE readers").execute(&mut store.connection).await.unwrap();
            let migration = include_str!("migrations/0012_readers.sql");
            sqlx::raw_sql(migration).execute(&mut store.connection).await.unwrap();
            assert_eq!(store.daily().await.unwrap(), told);
        });
    }
}
