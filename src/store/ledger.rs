//! The ledger: one row per edition and recipient, `pending → claimed → sending → accepted | refused | uncertain`, or
//! back to `pending` with the time of the next try; `suppressed` when no body may start for that person.
//!
//! Promises: a row is `sending`, on disk, before its body starts; [`Store::settle`] records any number of outcomes and
//! begins any number of next rows in one commit; nobody who has left is begun. `accepted`, `refused` and `suppressed`
//! are final. Any number of workers claim rows of one edition ([`workers`](super::workers)).

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::bounces::lifted;
use super::newsletters::moment;
use super::{Result, Store, history, sums};

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
    /// The worker's lease is its own: nobody took it for dead and gave its rows away.
    pub employed: bool,
}

impl Store {
    /// Uncertain rows of an edition are to be sent again, each at most twice. Tells how many are.
    pub async fn resend_uncertain(&mut self, edition: i64, now: DateTime<Utc>) -> Result<u64> {
        let resent = sqlx::query(
            "UPDATE deliveries SET state = 'pending', next_try = $1, updated_at = $1
             WHERE edition = $2 AND state = 'uncertain' AND uncertain <= 2 AND email <> ''",
        )
        .bind(now.timestamp())
        .bind(edition)
        .execute(&mut self.connection)
        .await?;
        Ok(resent.rows_affected())
    }

    /// Claims up to `limit` rows whose time has come, in one statement; none whose address is at one of the domains
    /// `but_at`, in lower case.
    pub async fn claim(
        &mut self,
        edition: i64,
        worker: &str,
        now: DateTime<Utc>,
        limit: i64,
        but_at: &[String],
    ) -> Result<Vec<Claimed>> {
        let text = claim_text(but_at.len(), self.skip_locked());
        let mut query =
            sqlx::query(sqlx::AssertSqlSafe(text)).bind(worker).bind(edition).bind(now.timestamp()).bind(limit);
        for domain in but_at {
            query = query.bind(format!("%@{domain}"));
        }
        let rows = query.fetch_all(&mut self.connection).await?;
        rows.iter().map(read_claimed).collect()
    }

    /// How many letters to addresses at a domain (in lower case) are under way, whoever sends them.
    pub async fn under_way_to(&mut self, domain: &str) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE state = 'sending' AND LOWER(email) LIKE $1")
            .bind(format!("%@{domain}"))
            .fetch_one(&mut self.connection)
            .await?)
    }

    /// Reserves `count` slots, `interval` apart, of a pace that all workers of this database keep together. Times are
    /// milliseconds of the wall clock; gives the first slot's, never before `now`.
    pub async fn reserve(&mut self, pace: &str, count: i64, interval: i64, now: i64) -> Result<i64> {
        // A slot a day ahead is no queue but a clock that was set back: begin anew.
        let behind: i64 = sqlx::query_scalar(
            "INSERT INTO paces (name, next_slot) VALUES ($1, CAST($2 AS BIGINT) + CAST($3 AS BIGINT))
             ON CONFLICT (name) DO UPDATE SET next_slot = CAST($3 AS BIGINT) +
                CASE WHEN paces.next_slot < $2 OR paces.next_slot > $2 + 86400000 THEN $2 ELSE paces.next_slot END
             RETURNING next_slot",
        )
        .bind(pace)
        .bind(now)
        .bind(count * interval)
        .fetch_one(&mut self.connection)
        .await?;
        Ok(behind - count * interval)
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
        let free: Vec<i64> = sqlx::query_scalar("DELETE FROM suppressions WHERE edition = $1 RETURNING recipient")
            .bind(edition)
            .fetch_all(&mut *transaction)
            .await?;
        // Whoever was erased since has no address any more.
        sqlx::query(
            "UPDATE deliveries SET state = 'pending', next_try = $1, updated_at = $1
             WHERE edition = $2 AND state = 'refused' AND email <> ''",
        )
        .bind(now.timestamp())
        .bind(edition)
        .execute(&mut *transaction)
        .await?;
        sums::forget(&mut transaction, edition).await?;
        history::append(&mut transaction, &lifted(free, now)).await?;
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

/// The statement that claims rows: the worker is `$1`, the edition `$2`, the time `$3`, the limit `$4`, then the domains.
fn claim_text(domains: usize, skip_locked: &str) -> String {
    let elsewhere: String = (5..).take(domains).map(|place| format!(" AND LOWER(email) NOT LIKE ${place}")).collect();
    // Materialised: a planner that ran the limited part more than once would claim more than the limit.
    format!(
        "WITH due AS MATERIALIZED
            (SELECT recipient FROM deliveries WHERE edition = $2 AND state = 'pending' AND next_try <= $3{elsewhere}
             ORDER BY next_try, recipient LIMIT $4{skip_locked})
         UPDATE deliveries SET state = 'claimed', worker = $1
         WHERE edition = $2 AND state || '' = 'pending' AND recipient IN (SELECT recipient FROM due)
         RETURNING recipient, email, name, fields, variant, attempts, uncertain, first_try"
    )
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

mod settle;
#[cfg(test)]
mod tests;

pub use settle::Desk;
pub(in crate::store) use settle::LEFT;
