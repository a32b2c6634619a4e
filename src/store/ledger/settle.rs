//! One commit for many connections: the outcomes that they bring, and the rows that they begin next.
//!
//! Both are rows of one statement, which is a transaction of its own: one message to the thread that holds SQLite, one
//! round trip to PostgreSQL. Its length is rounded up with rows that match nobody, so that few different texts are prepared,
//! and once each. `state || ''` keeps SQLite's planner from the index of the rows under way, and the list of people once more
//! from looking through the whole edition: it would walk through all of them for each of a few that it can find by their key.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row};

use super::super::history::{self, Entry, What};
use super::super::{Result, Store, places, storable};
use super::{Begin, Committed, Settled, Verdict};

/// Who settles what.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub edition: i64,
    pub newsletter: &'a str,
    /// The worker whose rows these are.
    pub worker: &'a str,
    pub now: DateTime<Utc>,
}

impl Store {
    /// One commit: the outcomes of some connections, and the next rows that they begin. A row that is not this worker's
    /// any more is left alone.
    pub async fn settle(&mut self, desk: Desk<'_>, settled: &[Settled], begins: &[Begin]) -> Result<Committed> {
        if settled.is_empty() && begins.is_empty() {
            return Ok(Committed { begun: Vec::new(), going_on: true, employed: true });
        }
        let text = self.text_for(padded(settled.len() + begins.len()));
        let suppress = Verdict::Refused { suppress: true };
        let written = if settled.iter().any(|outcome| outcome.verdict == suppress) {
            let mut transaction = self.write().await?;
            let written = write(&mut transaction, text, desk, settled, begins).await?;
            let mut said = Vec::new();
            for outcome in settled.iter().filter(|outcome| outcome.verdict == suppress) {
                if give_up(&mut transaction, desk, outcome).await? {
                    let entry = Entry::new(outcome.recipient, What::Suppressed, "report", desk.now);
                    said.push(Entry { note: Some("bounce"), ..entry });
                }
            }
            history::append(&mut transaction, &said).await?;
            transaction.commit().await?;
            written
        } else {
            write(&mut self.connection, text, desk, settled, begins).await?
        };
        if begins.is_empty() || written == (settled.len() + begins.len()) as u64 {
            return Ok(Committed { begun: vec![true; begins.len()], going_on: true, employed: true });
        }
        let mut begun = Vec::with_capacity(begins.len());
        for begin in begins {
            begun.push(self.is_begun(desk, begin).await?);
        }
        self.explain_idleness(desk, begins, &begun).await.map(|(going_on, employed)| Committed {
            begun,
            going_on,
            employed,
        })
    }

    /// Whether a row is under way in this worker's hands.
    async fn is_begun(&mut self, desk: Desk<'_>, begin: &Begin) -> Result<bool> {
        let rows: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM deliveries
             WHERE edition = $1 AND recipient = $2 AND worker = $3 AND state || '' = 'sending'",
        )
        .bind(desk.edition)
        .bind(begin.recipient)
        .bind(desk.worker)
        .fetch_one(&mut self.connection)
        .await?;
        Ok(rows > 0)
    }

    /// The statement for so many rows.
    fn text_for(&mut self, rows: usize) -> Arc<str> {
        Arc::clone(self.settle_texts.entry(rows).or_insert_with(|| text(rows).into()))
    }

    /// Why rows were not begun: the edition is not being sent any more, the worker was given up, or those people left. The
    /// last ones' rows become `suppressed`.
    async fn explain_idleness(&mut self, desk: Desk<'_>, begins: &[Begin], begun: &[bool]) -> Result<(bool, bool)> {
        let row = sqlx::query(
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM editions WHERE id = $1 AND state = 'sending') THEN 1 ELSE 0 END,
                CASE WHEN EXISTS (SELECT 1 FROM workers WHERE id = CAST($2 AS BIGINT)) THEN 1 ELSE 0 END",
        )
        .bind(desk.edition)
        .bind(desk.worker)
        .fetch_one(&mut self.connection)
        .await?;
        let (going_on, employed): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if going_on == 1 && employed == 1 {
            for begin in begins.iter().zip(begun).filter(|(_, begun)| !**begun).map(|(begin, _)| begin) {
                sqlx::query(
                    "UPDATE deliveries SET state = 'suppressed', updated_at = $1, worker = NULL, reply = $5
                     WHERE edition = $2 AND recipient = $3 AND state = 'claimed' AND worker = $4",
                )
                .bind(desk.now.timestamp())
                .bind(desk.edition)
                .bind(begin.recipient)
                .bind(desk.worker)
                .bind(LEFT)
                .execute(&mut self.connection)
                .await?;
            }
        }
        Ok((going_on == 1, employed == 1))
    }
}

/// What the ledger says of somebody for whom no body started.
pub(in crate::store) const LEFT: &str = "left, or suppressed, before the letter went out";

/// How many values come before the rows: the edition, the worker, the time, the newsletter.
const BEFORE: usize = 4;
/// How many values a row has.
const COLUMNS: usize = 8;

/// The statement: a row's values are the recipient, the new state, the next try, the reply, how much more uncertain it is,
/// whether the try does not count, and, where it begins, the connection and the Message-ID. A row that was never begun
/// counts as tried with its outcome; one that was not tried after all has its try back. A row begins only of an edition that
/// is being sent, by a worker that nobody has given up, and for somebody who has neither left nor been suppressed or erased.
pub(super) fn text(rows: usize) -> String {
    let people = (0..rows).map(|row| format!("${}", BEFORE + row * COLUMNS + 1)).collect::<Vec<_>>().join(",");
    let places = places(rows, COLUMNS, BEFORE);
    format!(
        "UPDATE deliveries SET state = v.column2, updated_at = $3, uncertain = deliveries.uncertain + v.column5,
            next_try = CASE WHEN v.column3 < 0 THEN deliveries.next_try ELSE v.column3 END,
            attempts = deliveries.attempts - v.column6 + CASE WHEN deliveries.state = 'claimed' THEN 1 ELSE 0 END,
            first_try = CASE WHEN v.column6 = 0 THEN COALESCE(deliveries.first_try, $3)
                WHEN deliveries.state = 'sending' AND deliveries.attempts < 2 THEN NULL
                ELSE deliveries.first_try END,
            reply = CASE WHEN v.column2 = 'sending' THEN deliveries.reply ELSE v.column4 END,
            worker = CASE WHEN v.column2 = 'sending' THEN deliveries.worker ELSE NULL END,
            connection = CASE WHEN v.column2 = 'sending' THEN v.column7 ELSE NULL END,
            message_id = CASE WHEN v.column2 = 'sending' THEN v.column8 ELSE deliveries.message_id END
         FROM (VALUES {places}) AS v
         WHERE deliveries.edition = $1 AND deliveries.recipient IN ({people}) AND deliveries.recipient = v.column1
           AND deliveries.worker = $2
           AND ((v.column2 <> 'sending' AND deliveries.state || '' IN ('claimed', 'sending'))
             OR (v.column2 = 'sending' AND deliveries.state || '' = 'claimed'
               AND (SELECT e.state FROM editions e WHERE e.id = $1) = 'sending'
               AND (SELECT COUNT(*) FROM workers w WHERE w.id = CAST($2 AS BIGINT)) = 1
               AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.recipient = deliveries.recipient)
               AND NOT EXISTS (SELECT 1 FROM erased z WHERE z.recipient = deliveries.recipient)
               AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.recipient = deliveries.recipient
                    AND s.newsletter = $4 AND s.state <> 'subscribed')))"
    )
}

/// Runs the statement; tells how many rows it changed.
async fn write(
    connection: &mut AnyConnection,
    text: Arc<str>,
    desk: Desk<'_>,
    settled: &[Settled],
    begins: &[Begin],
) -> Result<u64> {
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(desk.edition)
        .bind(desk.worker)
        .bind(desk.now.timestamp())
        .bind(desk.newsletter);
    for outcome in settled {
        let (state, next_try, uncertain, untried) = match &outcome.verdict {
            Verdict::Accepted => ("accepted", None, 0i64, 0i64),
            Verdict::Refused { .. } => ("refused", None, 0, 0),
            Verdict::Deferred { next_try } => ("pending", Some(next_try), 0, 0),
            Verdict::Uncertain { next_try: None } => ("uncertain", None, 1, 0),
            Verdict::Uncertain { next_try: Some(next_try) } => ("pending", Some(next_try), 1, 0),
            Verdict::Untried { next_try } => ("pending", Some(next_try), 0, 1),
        };
        query = query
            .bind(outcome.recipient)
            .bind(state)
            .bind(next_try.map_or(NOT_AGAIN, |moment| moment.timestamp()))
            .bind(storable(&outcome.reply).into_owned())
            .bind(uncertain)
            .bind(untried)
            .bind(0i64)
            .bind("");
    }
    for begin in begins {
        query = query
            .bind(begin.recipient)
            .bind("sending")
            .bind(NOT_AGAIN)
            .bind("")
            .bind(0i64)
            .bind(0i64)
            .bind(begin.connection)
            .bind(begin.message_id.as_str());
    }
    let rows = settled.len() + begins.len();
    for _ in rows..padded(rows) {
        query = query.bind(NOBODY).bind("").bind(NOT_AGAIN).bind("").bind(0i64).bind(0i64).bind(0i64).bind("");
    }
    Ok(query.execute(connection).await?.rows_affected())
}

/// No letter goes to this address again. Tells whether one did until now.
async fn give_up(connection: &mut AnyConnection, desk: Desk<'_>, outcome: &Settled) -> Result<bool> {
    let given_up = sqlx::query(
        "INSERT INTO suppressions (recipient, email, reason, reply, edition, at)
         VALUES ($1, $2, 'bounce', $3, $4, $5) ON CONFLICT (recipient) DO NOTHING",
    )
    .bind(outcome.recipient)
    .bind(&outcome.email)
    .bind(storable(&outcome.reply).into_owned())
    .bind(desk.edition)
    .bind(desk.now.timestamp())
    .execute(connection)
    .await?;
    Ok(given_up.rows_affected() > 0)
}

/// People's numbers are never negative.
const NOBODY: i64 = -1;
/// No moment is.
const NOT_AGAIN: i64 = -1;

/// The next length of list for which a statement is kept.
fn padded(length: usize) -> usize {
    length.next_power_of_two()
}
