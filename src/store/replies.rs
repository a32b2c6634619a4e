//! What the receiving domains answered, in sums: of deliveries as they stand, or as they stood when they became totals, and of
//! what came back since.
//!
//! BUGS: of deliveries that are totals, what came back is known by edition, not by domain.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::sums::DOMAIN;
use super::{Result, Store};

/// What became of the letters to one receiving domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// In lower case; empty: not known any more.
    pub domain: String,
    /// To how many people.
    pub people: i64,
    pub accepted: i64,
    pub refused: i64,
    pub suppressed: i64,
    pub uncertain: i64,
    /// Put off by the server, to be tried again.
    pub deferred: i64,
    /// Not tried yet.
    pub waiting: i64,
    /// Of the accepted: came back since.
    pub returned: i64,
}

impl Store {
    /// By receiving domain, of the editions composed since a moment: most letters first.
    pub async fn replies(&mut self, since: DateTime<Utc>) -> Result<Vec<Replies>> {
        let sum = |what: &str| format!("CAST(SUM(CASE WHEN {what} THEN 1 ELSE 0 END) AS BIGINT)");
        let text = format!(
            "SELECT domain, COUNT(DISTINCT recipient), {}, {}, {}, {}, {}, {}
             FROM (SELECT {DOMAIN} AS domain, recipient, state, attempts FROM deliveries
                   WHERE edition IN (SELECT id FROM editions WHERE composed_at >= $1 AND state <> 'cancelled' AND summed = 0)) AS d
             GROUP BY domain ORDER BY COUNT(*) DESC, domain",
            sum("state = 'accepted'"),
            sum("state = 'refused'"),
            sum("state = 'suppressed'"),
            sum("state = 'uncertain'"),
            sum("state = 'pending' AND attempts > 0"),
            sum("state = 'claimed' OR state = 'sending' OR (state = 'pending' AND attempts = 0)"),
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(text)).bind(since.timestamp()).fetch_all(&mut self.connection).await?;
        let mut replies = Vec::with_capacity(rows.len());
        for row in &rows {
            replies.push(Replies {
                domain: row.try_get(0)?,
                people: row.try_get(1)?,
                accepted: row.try_get(2)?,
                refused: row.try_get(3)?,
                suppressed: row.try_get(4)?,
                uncertain: row.try_get(5)?,
                deferred: row.try_get(6)?,
                waiting: row.try_get(7)?,
                returned: 0,
            });
        }
        let text = format!(
            "SELECT domain, COUNT(*) FROM (
                SELECT DISTINCT {DOMAIN} AS domain, d.edition, d.recipient FROM returned r
                JOIN deliveries d ON d.edition = r.edition AND d.recipient = r.recipient
                WHERE r.kind IN ('hard', 'soft')
                  AND d.edition IN (SELECT id FROM editions WHERE composed_at >= $1 AND state <> 'cancelled')) AS b
             GROUP BY domain"
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(text)).bind(since.timestamp()).fetch_all(&mut self.connection).await?;
        let mut returned = HashMap::new();
        for row in &rows {
            let (domain, count): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            returned.insert(domain, count);
        }
        self.add_totals(since, &mut replies).await?;
        for one in &mut replies {
            one.returned = returned.get(&one.domain).copied().unwrap_or(0);
        }
        Ok(replies)
    }

    /// Adds what is summed up.
    async fn add_totals(&mut self, since: DateTime<Utc>, replies: &mut Vec<Replies>) -> Result<()> {
        let rows = sqlx::query(
            "SELECT domain, state, CAST(SUM(letters) AS BIGINT), edition FROM totals
             WHERE edition IN (SELECT id FROM editions WHERE composed_at >= $1 AND state <> 'cancelled')
             GROUP BY domain, state, edition ORDER BY domain, edition",
        )
        .bind(since.timestamp())
        .fetch_all(&mut self.connection)
        .await?;
        let mut places: HashMap<String, usize> =
            replies.iter().enumerate().map(|(index, one)| (one.domain.clone(), index)).collect();
        let mut people: HashMap<(String, i64), i64> = HashMap::new();
        for row in &rows {
            let (domain, state, letters, edition): (String, String, i64, i64) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
            let index = *places.entry(domain.clone()).or_insert_with(|| {
                replies.push(Replies { domain: domain.clone(), ..Replies::default() });
                replies.len() - 1
            });
            let Some(one) = replies.get_mut(index) else { continue };
            match state.as_str() {
                "accepted" => one.accepted += letters,
                "refused" => one.refused += letters,
                "suppressed" => one.suppressed += letters,
                "uncertain" => one.uncertain += letters,
                _ => one.waiting += letters,
            }
            // Who they were is not told: as many at least as one of these editions went to.
            let listed = people.entry((domain, edition)).or_default();
            *listed += letters;
            one.people = one.people.max(*listed);
        }
        if !rows.is_empty() {
            let letters = |one: &Replies| {
                one.accepted + one.refused + one.suppressed + one.uncertain + one.deferred + one.waiting
            };
            replies.sort_by(|a, b| letters(b).cmp(&letters(a)).then_with(|| a.domain.cmp(&b.domain)));
        }
        Ok(())
    }

    /// How many addresses no letter may reach, by the reason.
    pub async fn suppressed(&mut self) -> Result<Vec<(String, i64)>> {
        let rows = sqlx::query("SELECT reason, COUNT(*) FROM suppressions GROUP BY reason ORDER BY reason")
            .fetch_all(&mut self.connection)
            .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::newsletters::moment;
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        letters_are_summed_by_what_follows_the_last_at_sign,
    }

    fn letters_are_summed_by_what_follows_the_last_at_sign(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let mut text = String::new();
            for (id, composed) in [(1, 50), (2, 100), (3, 110)] {
                text.push_str(&format!(
                    "INSERT INTO editions (id, newsletter, number, state, brakes, items, content, composed_at)
                     VALUES ({id}, 'a', {id}, 'sending', 0, '[]', '', {composed});"
                ));
            }
            for (edition, recipient, email, state, attempts) in [
                (1, 1, "a@old.example.org", "accepted", 1),
                (2, 1, "a@Big.example.org", "accepted", 1),
                (2, 2, "\"x@y\"@big.example.org", "pending", 1),
                (2, 3, "c@big.example.org", "claimed", 0),
                (3, 1, "a@big.example.org", "refused", 1),
                (3, 4, "d@small.example.org", "uncertain", 2),
                (3, 5, "e@small.example.org", "suppressed", 0),
                (3, 6, "f@small.example.org", "accepted", 1),
            ] {
                text.push_str(&format!(
                    "INSERT INTO deliveries (edition, recipient, email, fields, variant, state, attempts, uncertain, next_try, updated_at)
                     VALUES ({edition}, {recipient}, '{email}', '', 0, '{state}', {attempts}, 0, 0, 0);"
                ));
            }
            for (mark, edition, recipient, kind) in [("a", 2, 1, "hard"), ("b", 2, 1, "soft"), ("c", 3, 6, "delayed")]
            {
                text.push_str(&format!(
                    "INSERT INTO returned (mark, edition, recipient, kind, policy, lifted, words, at)
                     VALUES ('{mark}', {edition}, {recipient}, '{kind}', 0, 0, '', 0);"
                ));
            }
            sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut store.connection).await.unwrap();
            let big = Replies {
                domain: "big.example.org".to_string(),
                people: 3,
                accepted: 1,
                refused: 1,
                deferred: 1,
                waiting: 1,
                returned: 1,
                ..Replies::default()
            };
            let small = Replies {
                domain: "small.example.org".to_string(),
                people: 3,
                accepted: 1,
                suppressed: 1,
                uncertain: 1,
                ..Replies::default()
            };
            assert_eq!(store.replies(moment(100)).await.unwrap(), [big, small]);
            assert_eq!(store.replies(moment(200)).await.unwrap(), []);
            assert_eq!(store.suppressed().await.unwrap(), []);
        });
    }
}
