//! Erasing a person: what is left is the keyed hash of the address, in `erased`, which keeps the address away.
//!
//! The person's rows are deleted. Deliveries, and what was reported on them, stay for their edition's sums, without anything
//! that tells whose they were: no address, no name, nothing that was filled in, no server's words, no Message-ID, and a random
//! number in the place of the person's. What nobody has begun to send is suppressed first, as is what nobody knows the outcome
//! of: it is never sent again. The history's entries stay in the chain, and their key is gone.
//!
//! Promises: one transaction for each address that they had; from its commit on no body starts for that person, and no list takes them in again, unless
//! an operator says so in so many words, or the person confirms anew ([`welcome_again`]). On SQLite what was deleted is
//! overwritten in the file, and the log beside it emptied where nobody else is reading.
//!
//! BUGS: a letter that is being sent at that moment keeps its row until its outcome is known: [`Store::sweep_erased`] cleans
//! it up. Copies elsewhere are not reached: backups, PostgreSQL's dead rows until its next vacuum and its log, a mail server's
//! own log, a CSV file that the address came from.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::daily::Before;
use super::history::{Entry, What};
use super::newsletters::moment;
use super::{Result, Store, StoreError, history, sums};

/// What erasing found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Something was held about this person.
    pub was_known: bool,
    /// Deliveries that name them no more.
    pub deliveries: u64,
    /// Letters on their way, which are cleaned up by [`Store::sweep_erased`].
    pub under_way: u64,
}

/// What holds something about a person, and by which column.
const TABLES: &[&str] = &[
    "DELETE FROM recipients WHERE id = $1",
    "DELETE FROM subscriptions WHERE recipient = $1",
    "DELETE FROM suppressions WHERE recipient = $1",
    "DELETE FROM person_keys WHERE recipient = $1",
];

/// What they asked for on the web before: it must not bring them back. Asked anew, it may.
const ASKED: &[&str] = &[
    "DELETE FROM signups WHERE recipient = $1",
    "DELETE FROM outbox WHERE recipient = $1",
    "DELETE FROM moves WHERE recipient = $1 OR to_recipient = $1",
    "DELETE FROM moved WHERE recipient = $1 OR to_recipient = $1",
];

impl Store {
    /// Erases a person everywhere.
    pub async fn erase(&mut self, recipient: i64, now: DateTime<Utc>) -> Result<Erased> {
        let mut erased = Erased { was_known: false, deliveries: 0, under_way: 0 };
        let mut numbers = self.earlier_addresses(recipient).await?;
        numbers.push(recipient);
        for number in numbers {
            let one = self.erase_number(number, now).await?;
            erased.was_known |= one.was_known;
            erased.deliveries += one.deliveries;
            erased.under_way += one.under_way;
        }
        Ok(erased)
    }

    /// Under one of the addresses that they had.
    async fn erase_number(&mut self, recipient: i64, now: DateTime<Utc>) -> Result<Erased> {
        let mut transaction = self.write().await?;
        let before = Before::of(&mut transaction, recipient).await?;
        sqlx::query("INSERT INTO erased (recipient, at) VALUES ($1, $2) ON CONFLICT (recipient) DO NOTHING")
            .bind(recipient)
            .bind(now.timestamp())
            .execute(&mut *transaction)
            .await?;
        let deliveries = forget_deliveries(&mut transaction, recipient, now).await?;
        let mut deleted = delete(&mut transaction, recipient).await?;
        for text in ASKED {
            deleted += sqlx::query(*text).bind(recipient).execute(&mut *transaction).await?.rows_affected();
        }
        before.count(&mut transaction, now).await?;
        history::append(&mut transaction, &[Entry::new(recipient, What::Erased, "operator", now)]).await?;
        // What an import has committed while we waited for the history's end; and the key, which seals this entry too.
        deleted += delete(&mut transaction, recipient).await? - 1;
        let under_way: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE recipient = $1")
            .bind(recipient)
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.empty_log().await;
        let under_way = under_way.unsigned_abs();
        Ok(Erased { was_known: deleted + deliveries + under_way > 0, deliveries, under_way })
    }

    /// When somebody was erased, if they were and have not come back.
    pub async fn erased_since(&mut self, recipient: i64) -> Result<Option<DateTime<Utc>>> {
        is_erased(&mut self.connection, recipient).await
    }

    /// Cleans up what was being sent to people while they were erased, and what came of it. Tells how many deliveries.
    pub async fn sweep_erased(&mut self, now: DateTime<Utc>) -> Result<u64> {
        let mut transaction = self.write().await?;
        let people: Vec<i64> = sqlx::query_scalar(
            "SELECT e.recipient FROM erased e WHERE EXISTS (SELECT 1 FROM deliveries d WHERE d.recipient = e.recipient)
                OR EXISTS (SELECT 1 FROM returned r WHERE r.recipient = e.recipient) ORDER BY e.recipient",
        )
        .fetch_all(&mut *transaction)
        .await?;
        let mut cleaned = 0;
        for recipient in people {
            cleaned += forget_deliveries(&mut transaction, recipient, now).await?;
        }
        forget_erased(&mut transaction, (0, i64::MAX)).await?;
        transaction.commit().await?;
        if cleaned > 0 {
            self.empty_log().await;
        }
        Ok(cleaned)
    }

    /// SQLite's log holds pages as they were; whoever reads at this moment keeps it, and then the next one empties it.
    async fn empty_log(&mut self) {
        if !self.is_postgres() {
            let _busy = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await;
        }
    }
}

/// Somebody who was erased may be taken in again: they have confirmed anew, or an operator said so. Inside whatever transaction
/// subscribes them.
pub async fn welcome_again(connection: &mut AnyConnection, recipient: i64) -> Result<bool> {
    let erased = sqlx::query("DELETE FROM erased WHERE recipient = $1").bind(recipient).execute(connection).await?;
    Ok(erased.rows_affected() > 0)
}

/// When somebody was erased.
pub(super) async fn is_erased(connection: &mut AnyConnection, recipient: i64) -> Result<Option<DateTime<Utc>>> {
    let at: Option<i64> = sqlx::query_scalar("SELECT at FROM erased WHERE recipient = $1")
        .bind(recipient)
        .fetch_optional(connection)
        .await?;
    Ok(at.map(moment))
}

/// Deletes what was written of people after they were erased, by whoever had begun before: of those with numbers from the first
/// to the second.
pub(super) async fn forget_erased(connection: &mut AnyConnection, (first, last): (i64, i64)) -> Result<()> {
    let people: Vec<i64> = sqlx::query_scalar(
        "SELECT e.recipient FROM erased e WHERE e.recipient BETWEEN $1 AND $2
            AND (EXISTS (SELECT 1 FROM recipients t WHERE t.id = e.recipient)
            OR EXISTS (SELECT 1 FROM subscriptions t WHERE t.recipient = e.recipient)
            OR EXISTS (SELECT 1 FROM suppressions t WHERE t.recipient = e.recipient)
            OR EXISTS (SELECT 1 FROM person_keys t WHERE t.recipient = e.recipient)) ORDER BY e.recipient",
    )
    .bind(first)
    .bind(last)
    .fetch_all(&mut *connection)
    .await?;
    for recipient in people {
        delete(connection, recipient).await?;
    }
    Ok(())
}

async fn delete(connection: &mut AnyConnection, recipient: i64) -> Result<u64> {
    let mut deleted = 0;
    for text in TABLES {
        deleted += sqlx::query(*text).bind(recipient).execute(&mut *connection).await?.rows_affected();
    }
    Ok(deleted)
}

/// Takes whatever tells whose they were from somebody's deliveries, but for what is being sent now. Tells how many.
async fn forget_deliveries(connection: &mut AnyConnection, recipient: i64, now: DateTime<Utc>) -> Result<u64> {
    // Nobody knows whether an uncertain one arrived: it must not hold up its edition, for nobody can ask any more.
    sqlx::query(
        "UPDATE deliveries SET state = 'suppressed', updated_at = $1, worker = NULL
         WHERE recipient = $2 AND state IN ('pending', 'claimed', 'uncertain')",
    )
    .bind(now.timestamp())
    .bind(recipient)
    .execute(&mut *connection)
    .await?;
    let editions: Vec<i64> = sqlx::query_scalar(
        "SELECT edition FROM deliveries WHERE recipient = $1 AND state <> 'sending'
         UNION SELECT edition FROM returned r WHERE recipient = $1 AND NOT EXISTS
            (SELECT 1 FROM deliveries d WHERE d.edition = r.edition AND d.recipient = $1 AND d.state = 'sending')
         ORDER BY 1",
    )
    .bind(recipient)
    .fetch_all(&mut *connection)
    .await?;
    let mut forgotten = 0;
    for edition in editions {
        let somebody = random()?;
        forgotten += sqlx::query(
            "UPDATE deliveries SET recipient = $1, email = '', name = NULL, fields = '{}', reply = NULL, message_id = NULL
             WHERE edition = $2 AND recipient = $3 AND state <> 'sending'",
        )
        .bind(somebody)
        .bind(edition)
        .bind(recipient)
        .execute(&mut *connection)
        .await?
        .rows_affected();
        forget_reports(connection, edition, recipient, somebody).await?;
        sums::forget(connection, edition).await?;
    }
    Ok(forgotten)
}

/// What was reported on one delivery stays for its edition's sums.
async fn forget_reports(connection: &mut AnyConnection, edition: i64, recipient: i64, somebody: i64) -> Result<()> {
    let marks: Vec<String> = sqlx::query_scalar("SELECT mark FROM returned WHERE edition = $1 AND recipient = $2")
        .bind(edition)
        .bind(recipient)
        .fetch_all(&mut *connection)
        .await?;
    for mark in marks {
        sqlx::query("UPDATE returned SET recipient = $1, words = '', mark = $2 WHERE mark = $3")
            .bind(somebody)
            .bind(random()?.to_string())
            .bind(mark)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A number that is nobody's.
fn random() -> Result<i64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Content(error.to_string()))?;
    Ok(i64::from_be_bytes(bytes) & i64::MAX)
}

#[cfg(test)]
mod tests;
