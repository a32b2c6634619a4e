//! Newsletters: when each was first seen, up to which moment it was considered, and what it has announced.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;

use super::{ROWS, Result, Store, places};

/// What the database knows of a newsletter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Scheduled moments up to here were seen to.
    pub considered: DateTime<Utc>,
    /// Its next edition waits for pages since then.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Why its next edition must be held.
    pub brake: Option<String>,
}

/// How an item came to count as announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Shown in an edition.
    Announced,
    /// Named by count in an edition.
    Counted,
    /// There before the newsletter began.
    Backlog,
    /// A person gave its edition up.
    Declined,
}

impl How {
    /// A word of the table.
    fn parse(word: &str) -> How {
        match word {
            "counted" => How::Counted,
            "backlog" => How::Backlog,
            "declined" => How::Declined,
            _ => How::Announced,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            How::Announced => "announced",
            How::Counted => "counted",
            How::Backlog => "backlog",
            How::Declined => "declined",
        }
    }
}

/// When and how an item came to count as announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    pub how: How,
    /// The number of its edition, if one announced it.
    pub number: Option<i64>,
    pub at: DateTime<Utc>,
}

impl Store {
    /// What is known of a newsletter, or `None` when it was never seen.
    pub async fn newsletter(&mut self, name: &str) -> Result<Option<Memory>> {
        let row = sqlx::query("SELECT considered_at, waiting_since, brake FROM newsletters WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut self.connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let waiting_since: Option<i64> = row.try_get(1)?;
        Ok(Some(Memory {
            considered: moment(row.try_get(0)?),
            waiting_since: waiting_since.map(moment),
            brake: row.try_get(2)?,
        }))
    }

    /// Records a newsletter's start; what is in `backlog` counts as announced. Does nothing when it was seen before.
    pub async fn start_newsletter(&mut self, name: &str, backlog: &[String], now: DateTime<Utc>) -> Result<()> {
        let mut transaction = self.write().await?;
        let inserted = sqlx::query(
            "INSERT INTO newsletters (name, started_at, considered_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(now.timestamp())
        .bind(now.timestamp())
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() > 0 {
            announce(&mut transaction, name, backlog, How::Backlog, None, now).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The ids that a newsletter must not announce again.
    pub async fn announced(&mut self, newsletter: &str) -> Result<HashSet<String>> {
        let ids: Vec<String> = sqlx::query_scalar("SELECT item FROM announced WHERE newsletter = $1")
            .bind(newsletter)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(ids.into_iter().collect())
    }

    /// The ids that an edition of this newsletter showed, but for one edition's.
    pub async fn shown(&mut self, newsletter: &str, but: Option<i64>) -> Result<HashSet<String>> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT item FROM announced WHERE newsletter = $1 AND how = 'announced' AND COALESCE(edition, 0) <> $2",
        )
        .bind(newsletter)
        .bind(but.unwrap_or(-1))
        .fetch_all(&mut self.connection)
        .await?;
        Ok(ids.into_iter().collect())
    }

    /// The ids that a newsletter must not announce again for another reason than this edition.
    pub async fn announced_but_by(&mut self, newsletter: &str, edition: i64) -> Result<HashSet<String>> {
        let ids: Vec<String> =
            sqlx::query_scalar("SELECT item FROM announced WHERE newsletter = $1 AND COALESCE(edition, 0) <> $2")
                .bind(newsletter)
                .bind(edition)
                .fetch_all(&mut self.connection)
                .await?;
        Ok(ids.into_iter().collect())
    }

    /// A person crossed these out, and no edition is left to say so.
    pub async fn decline(&mut self, newsletter: &str, items: &[String], now: DateTime<Utc>) -> Result<()> {
        let mut transaction = self.write().await?;
        announce(&mut transaction, newsletter, items, How::Declined, None, now).await?;
        Ok(transaction.commit().await?)
    }

    /// How each id that a newsletter must not announce again came to that.
    pub async fn announcements(&mut self, newsletter: &str) -> Result<HashMap<String, Announcement>> {
        let rows = sqlx::query(
            "SELECT a.item, a.how, a.at, e.number FROM announced a LEFT JOIN editions e ON e.id = a.edition
             WHERE a.newsletter = $1",
        )
        .bind(newsletter)
        .fetch_all(&mut self.connection)
        .await?;
        let mut announcements = HashMap::with_capacity(rows.len());
        for row in rows {
            let how: String = row.try_get(1)?;
            let announcement =
                Announcement { how: How::parse(&how), number: row.try_get(3)?, at: moment(row.try_get(2)?) };
            announcements.insert(row.try_get(0)?, announcement);
        }
        Ok(announcements)
    }

    /// Scheduled moments up to `moment` were seen to. Never goes back.
    pub async fn consider(&mut self, newsletter: &str, moment: DateTime<Utc>) -> Result<()> {
        sqlx::query(
            "UPDATE newsletters SET considered_at = $1, waiting_since = NULL WHERE name = $2 AND considered_at <= $1",
        )
        .bind(moment.timestamp())
        .bind(newsletter)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// The next edition waits for pages; tells since when.
    pub async fn wait_for_pages(&mut self, newsletter: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
        let since: i64 = sqlx::query_scalar(
            "UPDATE newsletters SET waiting_since = COALESCE(waiting_since, $1) WHERE name = $2 RETURNING waiting_since",
        )
        .bind(now.timestamp())
        .bind(newsletter)
        .fetch_one(&mut self.connection)
        .await?;
        Ok(moment(since))
    }

    /// The next edition of every newsletter must be held, for `reason`.
    pub async fn brake_all(&mut self, reason: &str) -> Result<()> {
        sqlx::query("UPDATE newsletters SET brake = $1").bind(reason).execute(&mut self.connection).await?;
        Ok(())
    }
}

/// Records that `items` count as announced; those that already do stay as they are.
pub(super) async fn announce(
    connection: &mut AnyConnection,
    newsletter: &str,
    items: &[String],
    how: How,
    edition: Option<i64>,
    now: DateTime<Utc>,
) -> Result<()> {
    for batch in items.chunks(ROWS) {
        let text = format!(
            "INSERT INTO announced (newsletter, item, how, edition, at) VALUES {}
             ON CONFLICT (newsletter, item) DO NOTHING",
            places(batch.len(), 5, 0)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for item in batch {
            query = query.bind(newsletter).bind(item).bind(how.as_str()).bind(edition).bind(now.timestamp());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// A moment from its Unix seconds; one that no calendar holds becomes 1970.
pub(super) fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        a_newsletter_starts_once_and_its_backlog_counts_as_announced,
        the_considered_moment_never_goes_back_and_ends_the_waiting,
    }

    fn a_newsletter_starts_once_and_its_backlog_counts_as_announced(place: Place) {
        wait(async {
            let mut store = place.open().await;
            assert_eq!(store.newsletter("a").await.unwrap(), None);
            let backlog: Vec<String> = (0..1200).map(|n| format!("item {n}")).collect();
            store.start_newsletter("a", &backlog, moment(100)).await.unwrap();
            store.start_newsletter("a", &["late".to_string()], moment(200)).await.unwrap();
            assert_eq!(store.announced("a").await.unwrap(), backlog.into_iter().collect());
            assert_eq!(store.newsletter("a").await.unwrap().unwrap().considered, moment(100));
            assert!(store.announced("b").await.unwrap().is_empty());
            let one = &store.announcements("a").await.unwrap()["item 7"];
            assert_eq!(*one, Announcement { how: How::Backlog, number: None, at: moment(100) });
        });
    }

    fn the_considered_moment_never_goes_back_and_ends_the_waiting(place: Place) {
        wait(async {
            let mut store = place.open().await;
            store.start_newsletter("a", &[], moment(100)).await.unwrap();
            assert_eq!(store.wait_for_pages("a", moment(110)).await.unwrap(), moment(110));
            assert_eq!(store.wait_for_pages("a", moment(120)).await.unwrap(), moment(110));
            store.consider("a", moment(150)).await.unwrap();
            store.consider("a", moment(140)).await.unwrap();
            let memory = store.newsletter("a").await.unwrap().unwrap();
            assert_eq!(memory, Memory { considered: moment(150), waiting_since: None, brake: None });
        });
    }
}
