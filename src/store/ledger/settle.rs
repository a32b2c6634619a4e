//! One commit for many connections: the outcomes that they bring, and the rows that they begin next.
//!
//! Everything is set-based: the outcomes go in as one statement's rows, and so do the rows to begin. On SQLite the whole
//! transaction is one message to the thread that holds the database; on PostgreSQL its statements follow each other.
//! A list's length is rounded up with rows that match nobody, so that few different texts are prepared, and once each.

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row};

use super::super::{Result, Store};
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
        let suppresses = settled.iter().any(|outcome| outcome.verdict == Verdict::Refused { suppress: true });
        let begun = if self.is_postgres() || suppresses {
            let mut transaction = self.write().await?;
            let begun = in_steps(&mut transaction, desk, settled, begins).await?;
            transaction.commit().await?;
            begun
        } else {
            at_once(&mut self.connection, desk, settled, begins).await?
        };
        let begun: Vec<bool> = begins.iter().map(|begin| begun.contains(&begin.recipient)).collect();
        if begun.iter().all(|begun| *begun) {
            return Ok(Committed { begun, going_on: true, employed: true });
        }
        self.explain_idleness(desk, begins, &begun).await.map(|(going_on, employed)| Committed {
            begun,
            going_on,
            employed,
        })
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

/// The whole transaction as one message (SQLite). Gives the recipients whose rows were begun.
async fn at_once(
    connection: &mut AnyConnection,
    desk: Desk<'_>,
    settled: &[Settled],
    begins: &[Begin],
) -> Result<Vec<i64>> {
    let mut arguments = Arguments::default();
    let mut text = "BEGIN IMMEDIATE;\n".to_string();
    if !settled.is_empty() {
        text.push_str(&arguments.record(desk, settled));
        text.push_str(";\n");
    }
    if !begins.is_empty() {
        text.push_str(&arguments.begin(desk, begins));
        text.push_str(";\n");
    }
    text.push_str("COMMIT");
    match arguments.run(text, connection).await {
        Ok(begun) => Ok(begun),
        Err(error) => {
            // Nothing of it stays; what went wrong is what matters.
            let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
            Err(error)
        }
    }
}

/// The same in a transaction that is open.
async fn in_steps(
    connection: &mut AnyConnection,
    desk: Desk<'_>,
    settled: &[Settled],
    begins: &[Begin],
) -> Result<Vec<i64>> {
    if !settled.is_empty() {
        let mut arguments = Arguments::default();
        let text = arguments.record(desk, settled);
        arguments.run(text, connection).await?;
    }
    for outcome in settled.iter().filter(|outcome| outcome.verdict == Verdict::Refused { suppress: true }) {
        sqlx::query(
            "INSERT INTO suppressions (recipient, email, reason, reply, edition, at)
             VALUES ($1, $2, 'bounce', $3, $4, $5) ON CONFLICT (recipient) DO NOTHING",
        )
        .bind(outcome.recipient)
        .bind(&outcome.email)
        .bind(&outcome.reply)
        .bind(desk.edition)
        .bind(desk.now.timestamp())
        .execute(&mut *connection)
        .await?;
    }
    if begins.is_empty() {
        return Ok(Vec::new());
    }
    let mut arguments = Arguments::default();
    let text = arguments.begin(desk, begins);
    arguments.run(text, connection).await
}

/// The values behind a text's numbered places.
#[derive(Default)]
struct Arguments {
    values: Vec<Value>,
}

enum Value {
    Number(i64),
    Text(String),
}

impl Arguments {
    fn number(&mut self, value: i64) -> String {
        self.values.push(Value::Number(value));
        format!("${}", self.values.len())
    }

    fn text(&mut self, value: &str) -> String {
        self.values.push(Value::Text(value.to_string()));
        format!("${}", self.values.len())
    }

    /// The statement that writes outcomes. A row that was never begun counts as tried with its outcome; one that was not
    /// tried after all has its try back.
    fn record(&mut self, desk: Desk<'_>, settled: &[Settled]) -> String {
        let (edition, worker) = (self.number(desk.edition), self.text(desk.worker));
        let now = self.number(desk.now.timestamp());
        let mut rows = Vec::with_capacity(padded(settled.len()));
        for outcome in settled {
            let (state, next_try, uncertain, untried) = match &outcome.verdict {
                Verdict::Accepted => ("accepted", None, 0, 0),
                Verdict::Refused { .. } => ("refused", None, 0, 0),
                Verdict::Deferred { next_try } => ("pending", Some(next_try), 0, 0),
                Verdict::Uncertain { next_try: None } => ("uncertain", None, 1, 0),
                Verdict::Uncertain { next_try: Some(next_try) } => ("pending", Some(next_try), 1, 0),
                Verdict::Untried { next_try } => ("pending", Some(next_try), 0, 1),
            };
            rows.push([
                self.number(outcome.recipient),
                self.text(state),
                self.number(next_try.map_or(NOT_AGAIN, |moment| moment.timestamp())),
                self.text(&outcome.reply),
                self.number(uncertain),
                self.number(untried),
            ]);
        }
        for _ in settled.len()..padded(settled.len()) {
            rows.push([
                self.number(NOBODY),
                self.text(""),
                self.number(NOT_AGAIN),
                self.text(""),
                self.number(0),
                self.number(0),
            ]);
        }
        let rows = values(&rows);
        format!(
            "UPDATE deliveries SET state = v.column2, reply = v.column4, updated_at = {now}, worker = NULL,
                connection = NULL, uncertain = deliveries.uncertain + v.column5,
                next_try = CASE WHEN v.column3 < 0 THEN deliveries.next_try ELSE v.column3 END,
                attempts = deliveries.attempts - v.column6 + CASE WHEN deliveries.state = 'claimed' THEN 1 ELSE 0 END,
                first_try = CASE WHEN v.column6 = 0 THEN COALESCE(deliveries.first_try, {now})
                    WHEN deliveries.state = 'sending' AND deliveries.attempts < 2 THEN NULL
                    ELSE deliveries.first_try END
             FROM (VALUES {rows}) AS v
             WHERE deliveries.edition = {edition} AND deliveries.recipient = v.column1
               AND deliveries.worker = {worker} AND deliveries.state IN ('claimed', 'sending')"
        )
    }

    /// The statement that begins claimed rows: of an edition that is being sent, by a worker that nobody has given up, and
    /// for people who have neither left nor been suppressed.
    fn begin(&mut self, desk: Desk<'_>, begins: &[Begin]) -> String {
        let (edition, worker) = (self.number(desk.edition), self.text(desk.worker));
        let (now, newsletter) = (self.number(desk.now.timestamp()), self.text(desk.newsletter));
        let mut rows = Vec::with_capacity(padded(begins.len()));
        for begin in begins {
            rows.push([self.number(begin.recipient), self.number(begin.connection), self.text(&begin.message_id)]);
        }
        for _ in begins.len()..padded(begins.len()) {
            rows.push([self.number(NOBODY), self.number(0), self.text("")]);
        }
        let rows = values(&rows);
        format!(
            "UPDATE deliveries SET state = 'sending', connection = v.column2, message_id = v.column3,
                attempts = deliveries.attempts + 1, first_try = COALESCE(deliveries.first_try, {now}), updated_at = {now}
             FROM (VALUES {rows}) AS v
             WHERE deliveries.edition = {edition} AND deliveries.recipient = v.column1
               AND deliveries.state = 'claimed' AND deliveries.worker = {worker}
               AND EXISTS (SELECT 1 FROM editions e WHERE e.id = {edition} AND e.state = 'sending')
               AND EXISTS (SELECT 1 FROM workers w WHERE w.id = CAST({worker} AS BIGINT))
               AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.recipient = deliveries.recipient)
               AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.recipient = deliveries.recipient
                    AND s.newsletter = {newsletter} AND s.state <> 'subscribed')
             RETURNING recipient"
        )
    }

    /// Runs a text; gives the first column of whatever rows it returns.
    async fn run(self, text: String, connection: &mut AnyConnection) -> Result<Vec<i64>> {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for value in self.values {
            query = match value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
            };
        }
        let rows = query.fetch_all(connection).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

/// People's numbers are never negative.
const NOBODY: i64 = -1;
/// No moment is.
const NOT_AGAIN: i64 = -1;

/// The next length of list for which a statement is kept.
fn padded(length: usize) -> usize {
    length.next_power_of_two()
}

fn values<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    rows.iter().map(|row| format!("({})", row.join(","))).collect::<Vec<_>>().join(",")
}
