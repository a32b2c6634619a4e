//! What came back after a server had accepted it, beside the ledger, whose rows stay as they are: `accepted` is final.
//!
//! A report that names no mailbox, or a complaint, suppresses its address for all newsletters at once. Any other failure
//! does when it is the last of [`IN_A_ROW`] letters in a row that came back, the first and the last of them at least
//! [`OVER`] apart: letters of different editions, with none in between that arrived. A letter is thought to have arrived when
//! nothing came back for [`SILENCE`], as long as servers try.
//!
//! Promises: a report read twice counts once; when much of an edition comes back refused by policy
//! ([`Sums::refused_by_policy`]), which is ours to mend, those returns suppress nobody, those told before included.
//!
//! BUGS: a suppression that a report caused knows no edition, so that taking an edition's refusals back does not lift it.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::history::{Entry, What};
use super::newsletters::moment;
use super::{Result, Store, history};

/// So many letters in a row must come back for lesser reasons before an address is given up.
const IN_A_ROW: usize = 5;

/// Over at least so long.
const OVER: TimeDelta = TimeDelta::days(10);

/// Servers give up within five days.
const SILENCE: TimeDelta = TimeDelta::days(5);

/// A report on one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    pub edition: i64,
    pub recipient: i64,
    /// `hard`, `soft`, `delayed`, `arrived`, `complaint`, `feedback`.
    pub kind: &'static str,
    /// Refused by policy (5.7.x).
    pub policy: bool,
    /// The server's words.
    pub words: String,
    /// The same for each copy of the report.
    pub mark: String,
    /// No: a list server's address, which no report takes off.
    pub may_suppress: bool,
}

/// What noting a report did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It was read before.
    Known,
    /// The address is suppressed since.
    Suppressed,
    Counted,
}

/// A delivery that a report names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub edition: i64,
    pub recipient: i64,
    pub newsletter: String,
    pub email: String,
}

/// One report, as `explain` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub newsletter: String,
    pub number: i64,
    pub kind: String,
    pub words: String,
    pub at: DateTime<Utc>,
}

/// How many letters of an edition were reported on, by what the reports said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Came back, whatever the reason.
    pub returned: i64,
    /// Of these: the mailbox does not exist.
    pub hard: i64,
    /// Of these: refused by policy.
    pub policy: i64,
    pub complaints: i64,
}

impl Sums {
    /// Whether so many letters of an edition came back refused by policy that the reason lies with us: more than a fifth of
    /// at least 20.
    pub fn refused_by_policy(&self, accepted: i64) -> bool {
        accepted >= 20 && self.policy * 5 > accepted
    }
}

impl Store {
    /// The delivery of an edition to somebody.
    pub async fn sent(&mut self, edition: i64, recipient: i64) -> Result<Option<Sent>> {
        let row = sqlx::query(
            "SELECT d.edition, d.recipient, e.newsletter, d.email
             FROM deliveries d JOIN editions e ON e.id = d.edition WHERE d.edition = $1 AND d.recipient = $2",
        )
        .bind(edition)
        .bind(recipient)
        .fetch_optional(&mut self.connection)
        .await?;
        row.as_ref().map(read_sent).transpose()
    }

    /// The latest delivery to somebody under a Message-ID.
    pub async fn sent_as(&mut self, message_id: &str, recipient: i64) -> Result<Option<Sent>> {
        let row = sqlx::query(
            "SELECT d.edition, d.recipient, e.newsletter, d.email
             FROM deliveries d JOIN editions e ON e.id = d.edition
             WHERE d.recipient = $1 AND d.message_id = $2 ORDER BY d.edition DESC LIMIT 1",
        )
        .bind(recipient)
        .bind(message_id)
        .fetch_optional(&mut self.connection)
        .await?;
        row.as_ref().map(read_sent).transpose()
    }

    /// Notes a report, and suppresses the address where the report, or what came back before it, says so.
    pub async fn note_returned(&mut self, report: &Returned, email: &str, now: DateTime<Utc>) -> Result<Noted> {
        let mut transaction = self.write().await?;
        let written = sqlx::query(
            "INSERT INTO returned (mark, edition, recipient, kind, policy, lifted, words, at)
             VALUES ($1, $2, $3, $4, $5, 0, $6, $7) ON CONFLICT (mark) DO NOTHING",
        )
        .bind(&report.mark)
        .bind(report.edition)
        .bind(report.recipient)
        .bind(report.kind)
        .bind(i64::from(report.policy))
        .bind(&report.words)
        .bind(now.timestamp())
        .execute(&mut *transaction)
        .await?;
        if written.rows_affected() == 0 {
            return Ok(Noted::Known);
        }
        let mut said = Vec::new();
        if report.policy && is_ours_to_mend(&mut transaction, report.edition).await? {
            said = forgive(&mut transaction, report.edition, now).await?;
        }
        let reason = match report.kind {
            _ if !report.may_suppress => None,
            "hard" => Some("bounce"),
            "complaint" => Some("complaint"),
            "soft" if is_worn_out(&mut transaction, report.recipient, now).await? => Some("soft-bounce"),
            _ => None,
        };
        let mut noted = Noted::Counted;
        if let Some(reason) = reason {
            // A complaint is the stronger word: it stays when the mailbox is there again.
            let suppressed = sqlx::query(
                "INSERT INTO suppressions (recipient, email, reason, reply, edition, at)
                 VALUES ($1, $2, $3, $4, NULL, $5)
                 ON CONFLICT (recipient) DO UPDATE SET reason = excluded.reason, reply = excluded.reply,
                    edition = NULL, at = excluded.at
                 WHERE excluded.reason = 'complaint' AND suppressions.reason <> 'complaint'",
            )
            .bind(report.recipient)
            .bind(email)
            .bind(reason)
            .bind(&report.words)
            .bind(now.timestamp())
            .execute(&mut *transaction)
            .await?;
            if suppressed.rows_affected() > 0 {
                noted = Noted::Suppressed;
                let entry = Entry::new(report.recipient, What::Suppressed, "report", now);
                said.push(Entry { note: Some(reason), ..entry });
            }
        }
        history::append(&mut transaction, &said).await?;
        transaction.commit().await?;
        Ok(noted)
    }

    /// A person brings an address back: letters go there again, and what came back before counts no more. Tells whether it
    /// was suppressed.
    pub async fn lift_suppression(&mut self, recipient: i64, now: DateTime<Utc>) -> Result<bool> {
        let mut transaction = self.write().await?;
        let lifted = sqlx::query("DELETE FROM suppressions WHERE recipient = $1")
            .bind(recipient)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE returned SET lifted = 1 WHERE recipient = $1")
            .bind(recipient)
            .execute(&mut *transaction)
            .await?;
        if lifted.rows_affected() > 0 {
            let entry = Entry::new(recipient, What::Lifted, "operator", now);
            history::append(&mut transaction, &[entry]).await?;
        }
        transaction.commit().await?;
        Ok(lifted.rows_affected() > 0)
    }

    /// What was reported on somebody's letters, oldest first.
    pub async fn told(&mut self, recipient: i64) -> Result<Vec<Told>> {
        let rows = sqlx::query(
            "SELECT e.newsletter, e.number, r.kind, r.words, r.at FROM returned r JOIN editions e ON e.id = r.edition
             WHERE r.recipient = $1 OR r.recipient IN (SELECT recipient FROM moved WHERE to_recipient = $1)
             ORDER BY r.at, e.id, r.mark",
        )
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Told {
                    newsletter: row.try_get(0)?,
                    number: row.try_get(1)?,
                    kind: row.try_get(2)?,
                    words: row.try_get(3)?,
                    at: moment(row.try_get(4)?),
                })
            })
            .collect()
    }
}

fn read_sent(row: &AnyRow) -> Result<Sent> {
    Ok(Sent {
        edition: row.try_get(0)?,
        recipient: row.try_get(1)?,
        newsletter: row.try_get(2)?,
        email: row.try_get(3)?,
    })
}

/// The sums of what was reported on an edition: a letter counts once, however many reports name it. Of one whose deliveries
/// are totals, what was reported before stands in sums, too.
pub(super) async fn sums(connection: &mut AnyConnection, edition: i64) -> Result<Sums> {
    let rows = sqlx::query(
        "SELECT COUNT(DISTINCT CASE WHEN kind IN ('hard', 'soft') THEN recipient ELSE NULL END),
            COUNT(DISTINCT CASE WHEN kind = 'hard' THEN recipient ELSE NULL END),
            COUNT(DISTINCT CASE WHEN kind = 'soft' AND policy = 1 THEN recipient ELSE NULL END),
            COUNT(DISTINCT CASE WHEN kind = 'complaint' THEN recipient ELSE NULL END)
         FROM returned WHERE edition = $1
         UNION ALL SELECT returned, hard, policy, complaints FROM returned_totals WHERE edition = $1",
    )
    .bind(edition)
    .fetch_all(connection)
    .await?;
    let mut sums = Sums::default();
    for row in &rows {
        sums.returned += row.try_get::<i64, _>(0)?;
        sums.hard += row.try_get::<i64, _>(1)?;
        sums.policy += row.try_get::<i64, _>(2)?;
        sums.complaints += row.try_get::<i64, _>(3)?;
    }
    Ok(sums)
}

async fn is_ours_to_mend(connection: &mut AnyConnection, edition: i64) -> Result<bool> {
    let sums = sums(&mut *connection, edition).await?;
    // Few came back: the ledger, which may be long, need not be counted.
    if sums.policy < 5 {
        return Ok(false);
    }
    let accepted: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE edition = $1 AND state = 'accepted'")
            .bind(edition)
            .fetch_one(connection)
            .await?;
    Ok(sums.refused_by_policy(accepted))
}

/// Whoever was given up after a row of returns that ended with this edition's refusal is free again. Gives what is to be
/// written down.
async fn forgive(connection: &mut AnyConnection, edition: i64, now: DateTime<Utc>) -> Result<Vec<Entry<'static>>> {
    let people: Vec<i64> = sqlx::query_scalar(
        "DELETE FROM suppressions WHERE reason = 'soft-bounce' AND recipient IN
            (SELECT recipient FROM returned WHERE edition = $1 AND kind = 'soft' AND policy = 1) RETURNING recipient",
    )
    .bind(edition)
    .fetch_all(connection)
    .await?;
    Ok(lifted(people, now))
}

/// That people's addresses are not given up any more, for it was our fault.
pub(super) fn lifted(mut people: Vec<i64>, now: DateTime<Utc>) -> Vec<Entry<'static>> {
    people.sort_unstable();
    people.into_iter().map(|recipient| Entry::new(recipient, What::Lifted, "report", now)).collect()
}

/// One letter to somebody, as [`in_a_row`] looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Letter {
    accepted: DateTime<Utc>,
    came_back: bool,
}

/// Whether the last letters to somebody all came back, for long enough. Newest first.
fn in_a_row(letters: &[Letter], now: DateTime<Utc>) -> bool {
    let told = |letter: &&Letter| letter.came_back || now - letter.accepted >= SILENCE;
    let row: Vec<&Letter> = letters.iter().filter(told).take_while(|letter| letter.came_back).collect();
    match (row.first(), row.last()) {
        (Some(last), Some(first)) => row.len() >= IN_A_ROW && last.accepted - first.accepted >= OVER,
        _ => false,
    }
}

async fn is_worn_out(connection: &mut AnyConnection, recipient: i64, now: DateTime<Utc>) -> Result<bool> {
    // However many letters a day: a row of ten days and a few days of silence are in it.
    let rows = sqlx::query(
        "SELECT d.edition, d.updated_at,
            (SELECT COUNT(*) FROM returned r WHERE r.edition = d.edition AND r.recipient = d.recipient
                AND r.kind IN ('hard', 'soft') AND r.lifted = 0),
            (SELECT COUNT(*) FROM returned r WHERE r.edition = d.edition AND r.recipient = d.recipient
                AND r.kind IN ('hard', 'soft') AND r.lifted = 0 AND r.policy = 1)
         FROM deliveries d WHERE d.recipient = $1 AND d.state IN ('accepted', 'uncertain')
         ORDER BY d.updated_at DESC, d.edition DESC LIMIT 500",
    )
    .bind(recipient)
    .fetch_all(&mut *connection)
    .await?;
    let mut letters = Vec::with_capacity(rows.len());
    for row in &rows {
        let (edition, accepted, returns, policy): (i64, i64, i64, i64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        letters.push((edition, Letter { accepted: moment(accepted), came_back: returns > 0 }, policy > 0));
    }
    let all: Vec<Letter> = letters.iter().map(|(_, letter, _)| *letter).collect();
    if !in_a_row(&all, now) {
        return Ok(false);
    }
    // Refusals that are ours to mend say nothing of the mailbox, neither way.
    let mut without = Vec::with_capacity(letters.len());
    for (edition, letter, policy) in letters {
        if !policy || !is_ours_to_mend(&mut *connection, edition).await? {
            without.push(letter);
        }
    }
    Ok(in_a_row(&without, now))
}

#[cfg(test)]
mod tests;
