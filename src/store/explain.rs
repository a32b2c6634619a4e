//! What a person asks of the ledger, and says about it: why somebody did or did not get an edition, and what became of a
//! delivery that was cut off.

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::newsletters::moment;
use super::{Result, Store};

/// The state of a delivery of which nothing is known any more but what the edition's totals say, if it was one at all.
pub const NOT_KEPT: &str = "not kept";

/// One delivery, as `explain` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub newsletter: String,
    pub number: i64,
    pub edition_state: String,
    pub state: String,
    pub attempts: i64,
    pub uncertain: i64,
    pub next_try: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    pub reply: Option<String>,
    pub message_id: Option<String>,
}

impl Store {
    /// A person's word on an uncertain delivery: it was sent, or it is to be sent again. Tells whether it was uncertain.
    pub async fn resolve(&mut self, edition: i64, recipient: i64, sent: bool, now: DateTime<Utc>) -> Result<bool> {
        let (state, reply) =
            if sent { ("accepted", "a person said: sent") } else { ("pending", "a person said: send it again") };
        let resolved = sqlx::query(
            "UPDATE deliveries SET state = $1, reply = $2, next_try = $3, updated_at = $3
             WHERE edition = $4 AND recipient = $5 AND state = 'uncertain'",
        )
        .bind(state)
        .bind(reply)
        .bind(now.timestamp())
        .bind(edition)
        .bind(recipient)
        .execute(&mut self.connection)
        .await?;
        Ok(resolved.rows_affected() > 0)
    }

    /// The people of an edition whose deliveries stand in `state`: number and address, by address.
    pub async fn deliveries_in(&mut self, edition: i64, state: &str) -> Result<Vec<(i64, String)>> {
        let rows =
            sqlx::query("SELECT recipient, email FROM deliveries WHERE edition = $1 AND state = $2 AND email <> '' ORDER BY email")
                .bind(edition)
                .bind(state)
                .fetch_all(&mut self.connection)
                .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// The editions in which nothing is of the topics that somebody chooses now: newsletter, number, the topics.
    pub async fn nothing_in(&mut self, recipient: i64) -> Result<Vec<(String, i64, String)>> {
        let rows = sqlx::query(
            "SELECT e.newsletter, e.number, h.topics FROM editions e
             JOIN shares h ON h.edition = e.id AND h.variant < 0
             JOIN subscriptions s ON s.newsletter = e.newsletter AND s.recipient = $1 AND s.topics = h.topics
             ORDER BY e.composed_at, e.id",
        )
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
    }

    /// What became of each edition for one person, oldest first; `None` as the delivery: they were not on its list.
    pub async fn explain(&mut self, recipient: i64) -> Result<Vec<(String, i64, Option<Explained>)>> {
        let rows = sqlx::query(
            "SELECT e.newsletter, e.number, e.state, d.state, COALESCE(d.attempts, 0), COALESCE(d.uncertain, 0),
                COALESCE(d.next_try, 0), COALESCE(d.updated_at, COALESCE(e.reduced_at, 0)), d.reply, d.message_id,
                CASE WHEN e.reduced_at IS NULL THEN 0 ELSE 1 END
             FROM editions e LEFT JOIN deliveries d ON d.edition = e.id AND d.recipient = $1
             ORDER BY e.composed_at, e.id",
        )
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                let (newsletter, number): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
                let state: Option<String> = row.try_get(3)?;
                let reduced: i64 = row.try_get(10)?;
                let state = state.or((reduced == 1).then(|| NOT_KEPT.to_string()));
                let explained = match state {
                    None => None,
                    Some(state) => Some(Explained {
                        newsletter: newsletter.clone(),
                        number,
                        edition_state: row.try_get(2)?,
                        state,
                        attempts: row.try_get(4)?,
                        uncertain: row.try_get(5)?,
                        next_try: moment(row.try_get(6)?),
                        updated: moment(row.try_get(7)?),
                        reply: row.try_get(8)?,
                        message_id: row.try_get(9)?,
                    }),
                };
                Ok((newsletter, number, explained))
            })
            .collect()
    }
}
