//! Editions: frozen with their variants and their list in one transaction, and where each stands.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::newsletters::{How, announce, moment};
use super::recipients::Addressee;
use super::{ROWS, Result, Store, places};

/// Where an edition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for a person's word.
    Composed,
    Sending,
    Done,
    /// A person should look.
    Held,
    Cancelled,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Composed => "composed",
            State::Sending => "sending",
            State::Done => "done",
            State::Held => "held",
            State::Cancelled => "cancelled",
        }
    }

    fn parse(text: &str) -> State {
        match text {
            "composed" => State::Composed,
            "sending" => State::Sending,
            "done" => State::Done,
            "cancelled" => State::Cancelled,
            _ => State::Held,
        }
    }
}

/// An edition about to be frozen.
#[derive(Clone, Debug)]
pub struct NewEdition {
    pub newsletter: String,
    pub number: i64,
    pub state: State,
    /// Why it is held, or what it waits for.
    pub reason: Option<String>,
    /// Ids, as shown.
    pub items: Vec<String>,
    /// Every id that counts as announced with it.
    pub counted: Vec<String>,
    /// JSON.
    pub content: String,
    /// JSON, each.
    pub variants: Vec<String>,
    pub composed: DateTime<Utc>,
    /// The newsletter's moments up to here are seen to with it.
    pub considered: DateTime<Utc>,
}

/// Who an edition goes to.
pub enum Audience<'a> {
    /// Whoever is subscribed to its newsletter.
    Subscribed,
    /// These, in batches until an empty one; who left its newsletter is taken out.
    These(&'a mut dyn FnMut() -> Vec<Addressee>),
}

/// An edition and the sums of its ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    pub id: i64,
    pub newsletter: String,
    pub number: i64,
    pub state: State,
    pub reason: Option<String>,
    pub items: Vec<String>,
    pub composed: DateTime<Utc>,
    pub counts: Counts,
}

/// The sums of an edition's ledger: `eligible` is the sum of the five that follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub eligible: i64,
    pub accepted: i64,
    pub refused: i64,
    pub suppressed: i64,
    pub uncertain: i64,
    /// Under way ones included.
    pub pending: i64,
    /// Of the pending ones: tried before, waiting for their next try.
    pub deferred: i64,
    /// When the first of the pending ones may be tried.
    pub due: Option<DateTime<Utc>>,
    /// When the first of the deferred ones may be tried again.
    pub next_try: Option<DateTime<Utc>>,
}

impl Counts {
    /// Whether every row of the ledger is counted in exactly one sum.
    pub fn balance(&self) -> bool {
        self.eligible == self.accepted + self.refused + self.suppressed + self.uncertain + self.pending
    }
}

impl Store {
    /// The number of a newsletter's next edition.
    pub async fn next_number(&mut self, newsletter: &str, first: i64) -> Result<i64> {
        let last: Option<i64> = sqlx::query_scalar("SELECT MAX(number) FROM editions WHERE newsletter = $1")
            .bind(newsletter)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(last.map_or(first, |last| (last + 1).max(first)))
    }

    /// Freezes an edition with its list: all of it, or nothing. Gives its id, or `None` when there is nobody to send to
    /// (and then nothing is remembered).
    pub async fn freeze(&mut self, edition: &NewEdition, audience: Audience<'_>) -> Result<Option<i64>> {
        let mut transaction = self.write().await?;
        let last: Option<i64> =
            sqlx::query_scalar("SELECT MAX(id) FROM editions").fetch_one(&mut *transaction).await?;
        let id = last.unwrap_or(0) + 1;
        write_edition(&mut transaction, id, edition).await?;
        match audience {
            Audience::Subscribed => list_subscribed(&mut transaction, id, edition).await?,
            Audience::These(next) => list_these(&mut transaction, id, edition, next).await?,
        }
        let listed: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE edition = $1")
            .bind(id)
            .fetch_one(&mut *transaction)
            .await?;
        if listed == 0 {
            transaction.rollback().await?;
            return Ok(None);
        }
        sqlx::query(
            "UPDATE deliveries SET state = 'suppressed', reply = 'the address is suppressed'
             WHERE edition = $1 AND EXISTS
                (SELECT 1 FROM suppressions s WHERE s.recipient = deliveries.recipient)",
        )
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        let name = &edition.newsletter;
        announce(&mut transaction, name, &edition.items, How::Announced, Some(id), edition.composed).await?;
        announce(&mut transaction, name, &edition.counted, How::Counted, Some(id), edition.composed).await?;
        sqlx::query(
            "UPDATE newsletters SET considered_at = CASE WHEN considered_at < $1 THEN $1 ELSE considered_at END,
                waiting_since = NULL, brake = NULL
             WHERE name = $2",
        )
        .bind(edition.considered.timestamp())
        .bind(name)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Some(id))
    }

    /// All editions with their sums, oldest first.
    pub async fn editions(&mut self) -> Result<Vec<Edition>> {
        let rows = sqlx::query(
            "SELECT id, newsletter, number, state, reason, items, composed_at FROM editions ORDER BY composed_at, id",
        )
        .fetch_all(&mut self.connection)
        .await?;
        self.with_counts(&rows).await
    }

    /// The editions that are neither done nor cancelled, with their sums, oldest first.
    pub async fn open_editions(&mut self) -> Result<Vec<Edition>> {
        let rows = sqlx::query(
            "SELECT id, newsletter, number, state, reason, items, composed_at FROM editions
             WHERE state NOT IN ('done', 'cancelled') ORDER BY composed_at, id",
        )
        .fetch_all(&mut self.connection)
        .await?;
        self.with_counts(&rows).await
    }

    async fn with_counts(&mut self, rows: &[AnyRow]) -> Result<Vec<Edition>> {
        let mut editions = Vec::with_capacity(rows.len());
        for row in rows {
            let mut edition = read_edition(row)?;
            edition.counts = self.counts(edition.id).await?;
            editions.push(edition);
        }
        Ok(editions)
    }

    /// One edition by its newsletter and number.
    pub async fn edition(&mut self, newsletter: &str, number: i64) -> Result<Option<Edition>> {
        let row = sqlx::query(
            "SELECT id, newsletter, number, state, reason, items, composed_at FROM editions
             WHERE newsletter = $1 AND number = $2",
        )
        .bind(newsletter)
        .bind(number)
        .fetch_optional(&mut self.connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut edition = read_edition(&row)?;
        edition.counts = self.counts(edition.id).await?;
        Ok(Some(edition))
    }

    /// What an edition's letter is made of: its content and its variants, in order, all JSON.
    pub async fn content(&mut self, edition: i64) -> Result<(String, Vec<String>)> {
        let content = sqlx::query_scalar("SELECT content FROM editions WHERE id = $1")
            .bind(edition)
            .fetch_one(&mut self.connection)
            .await?;
        let variants = sqlx::query_scalar("SELECT content FROM variants WHERE edition = $1 ORDER BY variant")
            .bind(edition)
            .fetch_all(&mut self.connection)
            .await?;
        Ok((content, variants))
    }

    /// The sums of an edition's ledger.
    pub async fn counts(&mut self, edition: i64) -> Result<Counts> {
        counts(&mut self.connection, edition).await
    }

    /// Moves an edition from one of `from` to `to`; tells whether it stood there.
    pub async fn move_edition(
        &mut self,
        edition: i64,
        from: &[State],
        to: State,
        reason: Option<&str>,
    ) -> Result<bool> {
        let from: Vec<String> = from.iter().map(|state| format!("'{}'", state.as_str())).collect();
        let text =
            format!("UPDATE editions SET state = $1, reason = $2 WHERE id = $3 AND state IN ({})", from.join(","));
        let moved = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(to.as_str())
            .bind(reason)
            .bind(edition)
            .execute(&mut self.connection)
            .await?;
        Ok(moved.rows_affected() > 0)
    }

    /// A person has looked: the first outcomes do not hold this edition again.
    pub async fn release_brakes(&mut self, edition: i64) -> Result<()> {
        sqlx::query("UPDATE editions SET brakes = 0 WHERE id = $1")
            .bind(edition)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// A cancelled edition's items: declined for good, or new again.
    pub async fn settle_items(&mut self, edition: i64, new_again: bool) -> Result<()> {
        let text = if new_again {
            "DELETE FROM announced WHERE edition = $1"
        } else {
            "UPDATE announced SET how = 'declined' WHERE edition = $1"
        };
        sqlx::query(text).bind(edition).execute(&mut self.connection).await?;
        Ok(())
    }
}

async fn write_edition(connection: &mut AnyConnection, id: i64, edition: &NewEdition) -> Result<()> {
    sqlx::query(
        "INSERT INTO editions (id, newsletter, number, state, reason, brakes, items, content, composed_at)
         VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8)",
    )
    .bind(id)
    .bind(&edition.newsletter)
    .bind(edition.number)
    .bind(edition.state.as_str())
    .bind(edition.reason.as_deref())
    .bind(serde_json::to_string(&edition.items)?)
    .bind(&edition.content)
    .bind(edition.composed.timestamp())
    .execute(&mut *connection)
    .await?;
    for (variant, content) in (0i64..).zip(&edition.variants) {
        sqlx::query("INSERT INTO variants (edition, variant, content) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(variant)
            .bind(content)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn list_subscribed(connection: &mut AnyConnection, id: i64, edition: &NewEdition) -> Result<()> {
    sqlx::query(
        "INSERT INTO deliveries (edition, recipient, email, name, fields, variant, state, attempts, uncertain,
            next_try, updated_at)
         SELECT CAST($1 AS BIGINT), r.id, r.email, r.name, r.fields, 0, 'pending', 0, 0,
            CAST($2 AS BIGINT), CAST($2 AS BIGINT)
         FROM recipients r JOIN subscriptions s ON s.recipient = r.id
         WHERE s.newsletter = $3 AND s.state = 'subscribed'",
    )
    .bind(id)
    .bind(edition.composed.timestamp())
    .bind(&edition.newsletter)
    .execute(connection)
    .await?;
    Ok(())
}

async fn list_these(
    connection: &mut AnyConnection,
    id: i64,
    edition: &NewEdition,
    next: &mut dyn FnMut() -> Vec<Addressee>,
) -> Result<()> {
    loop {
        let people = next();
        if people.is_empty() {
            break;
        }
        for batch in people.chunks(ROWS) {
            let text = format!(
                "INSERT INTO deliveries (edition, recipient, email, name, fields, variant, state, attempts,
                    uncertain, next_try, updated_at) VALUES {} ON CONFLICT (edition, recipient) DO NOTHING",
                places(batch.len(), 11, 0)
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
            for person in batch {
                query = query
                    .bind(id)
                    .bind(person.id)
                    .bind(&person.email)
                    .bind(person.name.as_deref())
                    .bind(&person.fields)
                    .bind(0i64)
                    .bind("pending")
                    .bind(0i64)
                    .bind(0i64)
                    .bind(edition.composed.timestamp())
                    .bind(edition.composed.timestamp());
            }
            query.execute(&mut *connection).await?;
        }
    }
    sqlx::query(
        "DELETE FROM deliveries WHERE edition = $1 AND EXISTS
            (SELECT 1 FROM subscriptions s
             WHERE s.newsletter = $2 AND s.recipient = deliveries.recipient AND s.state = 'left')",
    )
    .bind(id)
    .bind(&edition.newsletter)
    .execute(connection)
    .await?;
    Ok(())
}

/// The sums of an edition's ledger, inside whatever transaction is open.
pub(super) async fn counts(connection: &mut AnyConnection, edition: i64) -> Result<Counts> {
    let rows = sqlx::query(
        "SELECT state, COUNT(*), CAST(SUM(CASE WHEN attempts > 0 THEN 1 ELSE 0 END) AS BIGINT), MIN(next_try),
                MIN(CASE WHEN attempts > 0 THEN next_try ELSE NULL END)
         FROM deliveries WHERE edition = $1 GROUP BY state",
    )
    .bind(edition)
    .fetch_all(connection)
    .await?;
    let mut counts = Counts::default();
    for row in &rows {
        let (state, number, tried, first): (String, i64, i64, i64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        counts.eligible += number;
        match state.as_str() {
            "accepted" => counts.accepted += number,
            "refused" => counts.refused += number,
            "suppressed" => counts.suppressed += number,
            "uncertain" => counts.uncertain += number,
            "pending" => {
                counts.pending += number;
                counts.deferred += tried;
                counts.due = Some(moment(first));
                counts.next_try = row.try_get::<Option<i64>, _>(4)?.map(moment);
            }
            _ => counts.pending += number,
        }
    }
    Ok(counts)
}

fn read_edition(row: &AnyRow) -> Result<Edition> {
    let (state, items): (String, String) = (row.try_get(3)?, row.try_get(5)?);
    Ok(Edition {
        id: row.try_get(0)?,
        newsletter: row.try_get(1)?,
        number: row.try_get(2)?,
        state: State::parse(&state),
        reason: row.try_get(4)?,
        items: serde_json::from_str(&items)?,
        composed: moment(row.try_get(6)?),
        counts: Counts::default(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::store::recipients::tests::{person, take};
    use crate::store::tests::{empty, wait};

    pub(crate) fn edition(number: i64) -> NewEdition {
        NewEdition {
            newsletter: "a".to_string(),
            number,
            state: State::Sending,
            reason: None,
            items: vec!["one".to_string()],
            counted: vec!["one".to_string(), "two".to_string()],
            content: "{}".to_string(),
            variants: vec!["\"v\"".to_string()],
            composed: moment(5000),
            considered: moment(4000),
        }
    }

    #[test]
    fn an_edition_is_frozen_with_its_list_and_its_items_count_as_announced() {
        wait(async {
            let (_folder, mut store) = empty().await;
            store.start_newsletter("a", &[], moment(100)).await.unwrap();
            take(&mut store, false, (0..1001).map(person).collect()).await;
            store.leave(3, Some("a"), moment(1)).await.unwrap();
            let id = store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap();
            let counts = store.counts(id).await.unwrap();
            assert_eq!((counts.eligible, counts.pending), (1000, 1000));
            assert!(counts.balance());
            assert_eq!(store.announced("a").await.unwrap().len(), 2);
            assert_eq!(store.newsletter("a").await.unwrap().unwrap().considered, moment(4000));
            assert_eq!(store.next_number("a", 1).await.unwrap(), 2);
            assert_eq!(store.next_number("a", 40).await.unwrap(), 40);
            assert_eq!(store.content(id).await.unwrap(), ("{}".to_string(), vec!["\"v\"".to_string()]));
        });
    }

    #[test]
    fn people_of_a_file_are_listed_once_and_those_who_left_are_not() {
        wait(async {
            let (_folder, mut store) = empty().await;
            store.leave(2, Some("a"), moment(1)).await.unwrap();
            let mut people = Some(vec![person(1), person(2), person(1), person(4)]);
            let mut next = || people.take().unwrap_or_default();
            let id = store.freeze(&edition(1), Audience::These(&mut next)).await.unwrap().unwrap();
            assert_eq!(store.counts(id).await.unwrap().eligible, 2);
        });
    }

    #[test]
    fn an_edition_for_nobody_is_not_remembered() {
        wait(async {
            let (_folder, mut store) = empty().await;
            assert_eq!(store.freeze(&edition(1), Audience::Subscribed).await.unwrap(), None);
            assert!(store.editions().await.unwrap().is_empty());
            assert!(store.announced("a").await.unwrap().is_empty());
        });
    }
}
