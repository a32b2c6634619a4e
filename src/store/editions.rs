//! Editions: where each stands, what its letter is made of, and the sums of its ledger. [`freeze`](super::freeze) makes
//! them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::newsletters::moment;
use super::{Result, Store};

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
    /// A composed one goes by itself then.
    pub send_at: Option<DateTime<Utc>>,
    /// When its preview left.
    pub previewed: Option<DateTime<Utc>>,
    pub counts: Counts,
}

impl Edition {
    /// Whether nobody has it, or may have it.
    pub fn is_untouched(&self) -> bool {
        let counts = &self.counts;
        counts.accepted + counts.refused + counts.uncertain + counts.deferred == 0
    }
}

/// What is left to do of an edition that is being sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    pub newsletter: String,
    /// When the first of the rows that nobody has may be tried.
    pub due: Option<DateTime<Utc>>,
    /// Workers have rows of it.
    pub under_way: bool,
    /// The outcome of some is unknown.
    pub uncertain: bool,
}

/// What [`read_edition`] reads.
const COLUMNS: &str = "id, newsletter, number, state, reason, items, composed_at, send_at, previewed_at";

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
    /// What was reported of the accepted ones since.
    pub reports: super::bounces::Sums,
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

    /// All editions with their sums, oldest first.
    pub async fn editions(&mut self) -> Result<Vec<Edition>> {
        let text = format!("SELECT {COLUMNS} FROM editions ORDER BY composed_at, id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut self.connection).await?;
        self.with_counts(&rows).await
    }

    /// All editions, oldest first; the sums of those that `known` tells are not counted again.
    pub async fn editions_again(&mut self, known: &HashMap<i64, Counts>) -> Result<Vec<Edition>> {
        let text = format!("SELECT {COLUMNS} FROM editions ORDER BY composed_at, id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut self.connection).await?;
        let mut editions = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut edition = read_edition(row)?;
            edition.counts = match known.get(&edition.id) {
                Some(counts) => counts.clone(),
                None => self.counts(edition.id).await?,
            };
            editions.push(edition);
        }
        Ok(editions)
    }

    /// The editions that are neither done nor cancelled, with their sums, oldest first.
    pub async fn open_editions(&mut self) -> Result<Vec<Edition>> {
        let text = format!(
            "SELECT {COLUMNS} FROM editions WHERE state NOT IN ('done', 'cancelled') ORDER BY composed_at, id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut self.connection).await?;
        self.with_counts(&rows).await
    }

    /// What is left to do, oldest first: told by the small indexes, whatever the ledger's length.
    pub async fn sending(&mut self) -> Result<Vec<Sending>> {
        let rows = sqlx::query(
            "SELECT newsletter,
                (SELECT MIN(next_try) FROM deliveries WHERE edition = e.id AND state = 'pending'),
                CASE WHEN EXISTS (SELECT 1 FROM deliveries
                    WHERE edition = e.id AND state IN ('claimed', 'sending')) THEN 1 ELSE 0 END,
                CASE WHEN EXISTS (SELECT 1 FROM deliveries
                    WHERE edition = e.id AND state = 'uncertain') THEN 1 ELSE 0 END
             FROM editions e WHERE state = 'sending' ORDER BY composed_at, id",
        )
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                let due: Option<i64> = row.try_get(1)?;
                let (under_way, uncertain): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
                Ok(Sending {
                    newsletter: row.try_get(0)?,
                    due: due.map(moment),
                    under_way: under_way == 1,
                    uncertain: uncertain == 1,
                })
            })
            .collect()
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
        let text = format!("SELECT {COLUMNS} FROM editions WHERE newsletter = $1 AND number = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(text))
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

    /// A composed edition goes by itself then; `None`: when a person says so. `reason`: what it waits for.
    pub async fn schedule_edition(
        &mut self,
        edition: i64,
        send_at: Option<DateTime<Utc>>,
        reason: Option<&str>,
    ) -> Result<()> {
        sqlx::query("UPDATE editions SET send_at = $1, reason = $2 WHERE id = $3 AND state = 'composed'")
            .bind(send_at.map(|moment| moment.timestamp()))
            .bind(reason)
            .bind(edition)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// The preview of this freezing of an edition has left.
    pub async fn mark_previewed(&mut self, edition: i64, now: DateTime<Utc>) -> Result<()> {
        sqlx::query("UPDATE editions SET previewed_at = $1 WHERE id = $2")
            .bind(now.timestamp())
            .bind(edition)
            .execute(&mut self.connection)
            .await?;
        Ok(())
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

/// The sums of an edition's ledger, inside whatever transaction is open.
pub(super) async fn counts(connection: &mut AnyConnection, edition: i64) -> Result<Counts> {
    // What is summed up need not be counted.
    let summed: Option<i64> = sqlx::query_scalar("SELECT summed FROM editions WHERE id = $1")
        .bind(edition)
        .fetch_optional(&mut *connection)
        .await?;
    let rows = match summed {
        Some(1) => Vec::new(),
        _ => sqlx::query(
            "SELECT state, COUNT(*), CAST(SUM(CASE WHEN attempts > 0 THEN 1 ELSE 0 END) AS BIGINT), MIN(next_try),
                    MIN(CASE WHEN attempts > 0 THEN next_try ELSE NULL END)
                 FROM deliveries WHERE edition = $1 GROUP BY state",
        )
        .bind(edition)
        .fetch_all(&mut *connection)
        .await?,
    };
    let totals =
        sqlx::query("SELECT state, CAST(SUM(letters) AS BIGINT) FROM totals WHERE edition = $1 GROUP BY state")
            .bind(edition)
            .fetch_all(&mut *connection)
            .await?;
    let reports = super::bounces::sums(connection, edition).await?;
    let mut counts = Counts { reports, ..Counts::default() };
    for row in &rows {
        let (state, number, tried, first): (String, i64, i64, i64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        add(&mut counts, &state, number);
        if state == "pending" {
            counts.deferred += tried;
            counts.due = Some(moment(first));
            counts.next_try = row.try_get::<Option<i64>, _>(4)?.map(moment);
        }
    }
    for row in &totals {
        let (state, number): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        add(&mut counts, &state, number);
    }
    Ok(counts)
}

fn add(counts: &mut Counts, state: &str, number: i64) {
    counts.eligible += number;
    match state {
        "accepted" => counts.accepted += number,
        "refused" => counts.refused += number,
        "suppressed" => counts.suppressed += number,
        "uncertain" => counts.uncertain += number,
        _ => counts.pending += number,
    }
}

fn read_edition(row: &AnyRow) -> Result<Edition> {
    let (state, items): (String, String) = (row.try_get(3)?, row.try_get(5)?);
    let (send_at, previewed): (Option<i64>, Option<i64>) = (row.try_get(7)?, row.try_get(8)?);
    Ok(Edition {
        id: row.try_get(0)?,
        newsletter: row.try_get(1)?,
        number: row.try_get(2)?,
        state: State::parse(&state),
        reason: row.try_get(4)?,
        items: serde_json::from_str(&items)?,
        composed: moment(row.try_get(6)?),
        send_at: send_at.map(moment),
        previewed: previewed.map(moment),
        counts: Counts::default(),
    })
}
