//! Who fetches the feeds, as programs and services, by the day: totals that name no person and no address.
//!
//! A service that fetches once for many (an aggregator) says how many: of what it said in a day the most counts. Everybody else
//! is counted by fetches. Promises: any number of processes may add to the same day; a day has at most [`MOST`] rows a feed
//! besides those of known services, the rest counts as [`OTHERS`].

use std::collections::HashSet;

use sqlx::Row;

use super::{Result, Store};

/// How many unknown programs a feed has in a day.
pub const MOST: usize = 40;
/// What the rest is called.
pub const OTHERS: &str = "others";

/// What one program, or service, did in a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The path of the feed's file.
    pub feed: String,
    /// Since 1970-01-01, in UTC.
    pub day: i64,
    pub reader: String,
    /// The service's own number of the feed; empty: it says none.
    pub source: String,
    /// The most that it said; 0: it says none.
    pub subscribers: i64,
    pub fetches: i64,
    /// Whether the program is one that we know: there are only so many.
    pub is_known: bool,
}

impl Store {
    /// Adds what was counted, all or nothing.
    pub async fn add_readers(&mut self, counted: &[Reader]) -> Result<()> {
        let mut transaction = self.write().await?;
        let mut there: HashSet<(String, i64, String, String)> = HashSet::new();
        let days: HashSet<i64> = counted.iter().map(|one| one.day).collect();
        for day in days {
            let rows = sqlx::query("SELECT feed, reader, source FROM readers WHERE day = $1")
                .bind(day)
                .fetch_all(&mut *transaction)
                .await?;
            for row in &rows {
                there.insert((row.try_get(0)?, day, row.try_get(1)?, row.try_get(2)?));
            }
        }
        // In one order for all, so that two who add do not wait for each other.
        let mut counted: Vec<&Reader> = counted.iter().collect();
        counted.sort_by_key(|one| (&one.feed, one.day, &one.reader, &one.source));
        let mut rest = Vec::new();
        for one in counted {
            let key = (one.feed.clone(), one.day, one.reader.clone(), one.source.clone());
            let of_the_day = there.iter().filter(|(feed, day, ..)| *feed == one.feed && *day == one.day).count();
            if there.contains(&key) || (one.is_known && of_the_day < 10 * MOST) || of_the_day < MOST {
                there.insert(key);
                add(&mut transaction, one, &one.reader, &one.source, one.subscribers).await?;
            } else {
                rest.push(one);
            }
        }
        for one in rest {
            add(&mut transaction, one, OTHERS, "", 0).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// What is known since a day, oldest first.
    pub async fn readers(&mut self, since: i64) -> Result<Vec<Reader>> {
        let rows = sqlx::query(
            "SELECT feed, day, reader, source, subscribers, fetches FROM readers WHERE day >= $1
             ORDER BY day, feed, reader, source",
        )
        .bind(since)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Reader {
                    feed: row.try_get(0)?,
                    day: row.try_get(1)?,
                    reader: row.try_get(2)?,
                    source: row.try_get(3)?,
                    subscribers: row.try_get(4)?,
                    fetches: row.try_get(5)?,
                    is_known: false,
                })
            })
            .collect()
    }
}

async fn add(
    connection: &mut sqlx::AnyConnection,
    one: &Reader,
    reader: &str,
    source: &str,
    subscribers: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO readers (feed, day, reader, source, subscribers, fetches) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (feed, day, reader, source) DO UPDATE SET fetches = readers.fetches + excluded.fetches,
            subscribers = CASE WHEN excluded.subscribers > readers.subscribers THEN excluded.subscribers
                ELSE readers.subscribers END",
    )
    .bind(&one.feed)
    .bind(one.day)
    .bind(reader)
    .bind(source)
    .bind(subscribers)
    .bind(one.fetches)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Place, on_both_stores, wait};

    fn one(reader: &str, subscribers: i64, fetches: i64) -> Reader {
        Reader {
            feed: "feed.xml".to_string(),
            day: 7,
            reader: reader.to_string(),
            source: String::new(),
            subscribers,
            fetches,
            is_known: false,
        }
    }

    on_both_stores! {
        two_services_add_up_the_most_of_an_aggregator_and_the_sum_of_fetches,
        a_day_has_a_bounded_number_of_unknown_programs,
    }

    fn two_services_add_up_the_most_of_an_aggregator_and_the_sum_of_fetches(place: Place) {
        wait(async {
            let (mut first, mut second) = (place.open().await, place.open().await);
            first.add_readers(&[one("Feedly", 40, 2), one("newsboat", 0, 3)]).await.unwrap();
            second.add_readers(&[one("newsboat", 0, 4), one("Feedly", 42, 1)]).await.unwrap();
            first.add_readers(&[one("Feedly", 41, 1)]).await.unwrap();
            let told = second.readers(7).await.unwrap();
            assert_eq!(told, [one("Feedly", 42, 4), one("newsboat", 0, 7)]);
            assert_eq!(second.readers(8).await.unwrap(), []);
        });
    }

    fn a_day_has_a_bounded_number_of_unknown_programs(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let many: Vec<Reader> = (0..100).map(|n| one(&format!("program-{n:03}"), 5, 1)).collect();
            store.add_readers(&many).await.unwrap();
            store.add_readers(&many).await.unwrap();
            let known = Reader { is_known: true, ..one("Feedly", 9, 1) };
            store.add_readers(&[known]).await.unwrap();
            let told = store.readers(0).await.unwrap();
            assert_eq!(told.len(), MOST + 2);
            assert!(told.contains(&one("Feedly", 9, 1)) && told.contains(&one(OTHERS, 0, 120)), "{told:?}");
            assert!(told.contains(&one("program-000", 5, 2)));
        });
    }
}
