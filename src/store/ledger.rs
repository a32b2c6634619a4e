//! The ledger: one row per edition and recipient, `pending → claimed → sending → accepted | refused | uncertain`, or
//! back to `pending` with the time of the next try; `suppressed` when no body may start for that person.
//!
//! Promises: a row is `sending`, on disk, before its body starts; [`Store::settle`] records any number of outcomes and
//! begins any number of next rows in one commit; nobody who has left is begun. `accepted`, `refused` and `suppressed`
//! are final.
//!
//! BUGS: one process at a time delivers (its caller holds a file's lock), so that whatever is claimed when it starts
//! belongs to a dead one.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::newsletters::moment;
use super::{Result, Store};

/// A row of the ledger that this process has claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub recipient: i64,
    pub email: String,
    pub name: Option<String>,
    /// JSON.
    pub fields: String,
    pub variant: i64,
    /// How often a try was begun before this one.
    pub attempts: i64,
    /// How often the outcome of a try stayed unknown.
    pub uncertain: i64,
    pub first_try: Option<DateTime<Utc>>,
}

/// The outcome of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub recipient: i64,
    pub email: String,
    pub verdict: Verdict,
    /// The server's words, or ours.
    pub reply: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    /// With `suppress`, the address exists no more: no letter goes there again.
    Refused {
        suppress: bool,
    },
    /// Tried again later.
    Deferred {
        next_try: DateTime<Utc>,
    },
    /// Nobody knows; with a time, it is sent again then.
    Uncertain {
        next_try: Option<DateTime<Utc>>,
    },
    /// The try never reached the recipient: it does not count.
    Untried {
        next_try: DateTime<Utc>,
    },
}

/// A row that a connection wants to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    pub recipient: i64,
    pub connection: i64,
    pub message_id: String,
}

/// What a commit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// For each [`Begin`]: whether its body may start. No: that person left, or was suppressed, meanwhile.
    pub begun: Vec<bool>,
    /// The edition is still to be sent: nobody has stopped or cancelled it.
    pub going_on: bool,
}

impl Store {
    /// What a dead process had claimed is free again; what it was sending is uncertain. Tells how many are.
    pub async fn recover(&mut self, now: DateTime<Utc>) -> Result<u64> {
        let mut transaction = self.write().await?;
        sqlx::query("UPDATE deliveries SET state = 'pending', worker = NULL WHERE state = 'claimed'")
            .execute(&mut *transaction)
            .await?;
        let uncertain = sqlx::query(
            "UPDATE deliveries SET state = 'uncertain', uncertain = uncertain + 1, worker = NULL, connection = NULL,
                updated_at = $1, reply = 'the program stopped before the server answered'
             WHERE state = 'sending'",
        )
        .bind(now.timestamp())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(uncertain.rows_affected())
    }

    /// Uncertain rows of an edition are to be sent again, each at most twice. Tells how many are.
    pub async fn resend_uncertain(&mut self, edition: i64, now: DateTime<Utc>) -> Result<u64> {
        let resent = sqlx::query(
            "UPDATE deliveries SET state = 'pending', next_try = $1, updated_at = $1
             WHERE edition = $2 AND state = 'uncertain' AND uncertain <= 2",
        )
        .bind(now.timestamp())
        .bind(edition)
        .execute(&mut self.connection)
        .await?;
        Ok(resent.rows_affected())
    }

    /// Claims up to `limit` rows whose time has come, in one statement.
    pub async fn claim(
        &mut self,
        edition: i64,
        worker: &str,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Claimed>> {
        let rows = sqlx::query(
            "UPDATE deliveries SET state = 'claimed', worker = $1
             WHERE edition = $2 AND recipient IN
                (SELECT recipient FROM deliveries WHERE edition = $2 AND state = 'pending' AND next_try <= $3
                 ORDER BY next_try, recipient LIMIT $4)
             RETURNING recipient, email, name, fields, variant, attempts, uncertain, first_try",
        )
        .bind(worker)
        .bind(edition)
        .bind(now.timestamp())
        .bind(limit)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter().map(read_claimed).collect()
    }

    /// Gives back what was claimed and not begun.
    pub async fn give_back(&mut self, edition: i64, worker: &str) -> Result<()> {
        sqlx::query(
            "UPDATE deliveries SET state = 'pending', worker = NULL
             WHERE edition = $1 AND state = 'claimed' AND worker = $2",
        )
        .bind(edition)
        .bind(worker)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// One commit: the outcomes of some connections, and the next rows that they begin.
    pub async fn settle(
        &mut self,
        edition: i64,
        worker: &str,
        settled: &[Settled],
        begins: &[Begin],
        now: DateTime<Utc>,
    ) -> Result<Committed> {
        let mut transaction = self.write().await?;
        for outcome in settled {
            record(&mut transaction, edition, outcome, now).await?;
        }
        let state: Option<String> = sqlx::query_scalar("SELECT state FROM editions WHERE id = $1")
            .bind(edition)
            .fetch_optional(&mut *transaction)
            .await?;
        let going_on = state.as_deref() == Some("sending");
        let mut begun = Vec::with_capacity(begins.len());
        for row in begins {
            begun.push(going_on && begin(&mut transaction, edition, worker, row, now).await?);
        }
        transaction.commit().await?;
        Ok(Committed { begun, going_on })
    }

    /// Whether the first outcomes may still hold the edition, and then how many letters were accepted and refused.
    pub async fn first_outcomes(&mut self, edition: i64) -> Result<Option<(i64, i64)>> {
        let row = sqlx::query(
            "SELECT e.brakes, (SELECT COUNT(*) FROM deliveries WHERE edition = $1 AND state = 'accepted'),
                (SELECT COUNT(*) FROM deliveries WHERE edition = $1 AND state = 'refused')
             FROM editions e WHERE e.id = $1",
        )
        .bind(edition)
        .fetch_one(&mut self.connection)
        .await?;
        let brakes: i64 = row.try_get(0)?;
        Ok(if brakes == 0 { None } else { Some((row.try_get(1)?, row.try_get(2)?)) })
    }

    /// Whether a delivery of this edition found that a mailbox does not exist.
    pub async fn has_suppressed(&mut self, edition: i64) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar("SELECT recipient FROM suppressions WHERE edition = $1 LIMIT 1")
            .bind(edition)
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(found.is_some())
    }

    /// The refusals were ours to mend: those of this edition are to be tried again, and whom it suppressed is free.
    pub async fn take_refusals_back(&mut self, edition: i64, now: DateTime<Utc>) -> Result<()> {
        let mut transaction = self.write().await?;
        sqlx::query("DELETE FROM suppressions WHERE edition = $1").bind(edition).execute(&mut *transaction).await?;
        sqlx::query(
            "UPDATE deliveries SET state = 'pending', next_try = $1, updated_at = $1
             WHERE edition = $2 AND state = 'refused'",
        )
        .bind(now.timestamp())
        .bind(edition)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// The edition is done when nothing is pending and nothing uncertain. Tells whether it is.
    pub async fn finish_if_done(&mut self, edition: i64, now: DateTime<Utc>) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE editions SET state = 'done', reason = NULL, finished_at = $1
             WHERE id = $2 AND state = 'sending' AND NOT EXISTS
                (SELECT 1 FROM deliveries WHERE edition = $2
                 AND state IN ('pending', 'claimed', 'sending', 'uncertain'))",
        )
        .bind(now.timestamp())
        .bind(edition)
        .execute(&mut self.connection)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

/// Writes one outcome; a row that is not `sending` any more (nobody's but ours to change) is left alone.
async fn record(connection: &mut AnyConnection, edition: i64, settled: &Settled, now: DateTime<Utc>) -> Result<()> {
    let (state, next_try, tries_back, uncertain) = match &settled.verdict {
        Verdict::Accepted => ("accepted", None, 0i64, 0i64),
        Verdict::Refused { .. } => ("refused", None, 0, 0),
        Verdict::Deferred { next_try } => ("pending", Some(next_try), 0, 0),
        Verdict::Uncertain { next_try: None } => ("uncertain", None, 0, 1),
        Verdict::Uncertain { next_try: Some(next_try) } => ("pending", Some(next_try), 0, 1),
        Verdict::Untried { next_try } => ("pending", Some(next_try), 1, 0),
    };
    sqlx::query(
        "UPDATE deliveries SET state = $1, next_try = COALESCE($2, next_try), attempts = attempts - $3,
            uncertain = uncertain + $4, updated_at = $5, reply = $6, worker = NULL, connection = NULL
         WHERE edition = $7 AND recipient = $8 AND state = 'sending'",
    )
    .bind(state)
    .bind(next_try.map(|moment| moment.timestamp()))
    .bind(tries_back)
    .bind(uncertain)
    .bind(now.timestamp())
    .bind(&settled.reply)
    .bind(edition)
    .bind(settled.recipient)
    .execute(&mut *connection)
    .await?;
    if settled.verdict == (Verdict::Refused { suppress: true }) {
        sqlx::query(
            "INSERT INTO suppressions (recipient, email, reason, reply, edition, at)
             VALUES ($1, $2, 'bounce', $3, $4, $5) ON CONFLICT (recipient) DO NOTHING",
        )
        .bind(settled.recipient)
        .bind(&settled.email)
        .bind(&settled.reply)
        .bind(edition)
        .bind(now.timestamp())
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Marks a claimed row `sending`, unless that person left or was suppressed meanwhile: then it is `suppressed`.
async fn begin(
    connection: &mut AnyConnection,
    edition: i64,
    worker: &str,
    row: &Begin,
    now: DateTime<Utc>,
) -> Result<bool> {
    let begun = sqlx::query(
        "UPDATE deliveries SET state = 'sending', connection = $1, message_id = $2, attempts = attempts + 1,
            first_try = COALESCE(first_try, $3), updated_at = $3
         WHERE edition = $4 AND recipient = $5 AND state = 'claimed' AND worker = $6
           AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.recipient = deliveries.recipient)
           AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.recipient = deliveries.recipient
                AND s.newsletter = (SELECT newsletter FROM editions WHERE id = $4) AND s.state <> 'subscribed')",
    )
    .bind(row.connection)
    .bind(&row.message_id)
    .bind(now.timestamp())
    .bind(edition)
    .bind(row.recipient)
    .bind(worker)
    .execute(&mut *connection)
    .await?;
    if begun.rows_affected() > 0 {
        return Ok(true);
    }
    sqlx::query(
        "UPDATE deliveries SET state = 'suppressed', updated_at = $1, worker = NULL,
            reply = 'left, or suppressed, before the letter went out'
         WHERE edition = $2 AND recipient = $3 AND state = 'claimed' AND worker = $4",
    )
    .bind(now.timestamp())
    .bind(edition)
    .bind(row.recipient)
    .bind(worker)
    .execute(connection)
    .await?;
    Ok(false)
}

fn read_claimed(row: &AnyRow) -> Result<Claimed> {
    let first_try: Option<i64> = row.try_get(7)?;
    Ok(Claimed {
        recipient: row.try_get(0)?,
        email: row.try_get(1)?,
        name: row.try_get(2)?,
        fields: row.try_get(3)?,
        variant: row.try_get(4)?,
        attempts: row.try_get(5)?,
        uncertain: row.try_get(6)?,
        first_try: first_try.map(moment),
    })
}

#[cfg(test)]
mod tests;
