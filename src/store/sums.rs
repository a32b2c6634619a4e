//! How the deliveries of an edition that is done stand, in sums by variant, state and receiving domain: `totals`, which are
//! read in place of a long ledger.
//!
//! Promises: they are those of the deliveries, whether these are still kept or not. Whatever changes a delivery of an edition that is
//! done ([`forget`]) has them made anew, by [`Store::sum_up_done`].

use sqlx::{AnyConnection, Row};

use super::{Places, ROWS, Result, Store};

/// What follows the last `@` of `email`, in the one way that both databases know.
pub const DOMAIN: &str = "LOWER(SUBSTR(email, LENGTH(RTRIM(email, REPLACE(email, '@', ''))) + 1))";

impl Store {
    /// Sums up the editions that are done and have no sums yet.
    pub async fn sum_up_done(&mut self) -> Result<()> {
        let editions: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM editions WHERE summed = 0 AND state = 'done' ORDER BY id")
                .fetch_all(&mut self.connection)
                .await?;
        for edition in editions {
            self.sum_up(edition).await?;
        }
        Ok(())
    }

    /// Sums up an edition that is at its end. What takes long is read before the transaction, so that nobody waits.
    pub(super) async fn sum_up(&mut self, edition: i64) -> Result<()> {
        let before = erased(&mut self.connection).await?;
        let text = format!(
            "SELECT variant, state, domain, COUNT(*), CAST(SUM(uncertain) AS BIGINT)
             FROM (SELECT variant, state, {DOMAIN} AS domain, uncertain FROM deliveries WHERE edition = $1) AS d
             GROUP BY variant, state, domain"
        );
        let sums = sqlx::query(sqlx::AssertSqlSafe(text)).bind(edition).fetch_all(&mut self.connection).await?;
        let mut transaction = self.write().await?;
        let mine = sqlx::query(
            "UPDATE editions SET summed = 1 WHERE id = $1 AND summed = 0 AND state IN ('done', 'cancelled')
                AND NOT EXISTS (SELECT 1 FROM deliveries WHERE edition = $1 AND state IN ('claimed', 'sending'))",
        )
        .bind(edition)
        .execute(&mut *transaction)
        .await?;
        // Who was erased meanwhile must not be counted under a domain of their own.
        if mine.rows_affected() == 0 || erased(&mut transaction).await? != before {
            return Ok(());
        }
        for sums in sums.chunks(ROWS) {
            let text = format!(
                "INSERT INTO totals (edition, variant, state, domain, letters, twice) VALUES {}",
                Places::new(true).rows(sums.len(), 6)
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
            for row in sums {
                let (variant, state, domain): (i64, String, String) =
                    (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                let (letters, twice): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
                query = query.bind(edition).bind(variant).bind(state).bind(domain).bind(letters).bind(twice);
            }
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// Before or behind a change of an edition's deliveries, in its transaction: its sums count no more.
pub(super) async fn forget(connection: &mut AnyConnection, edition: i64) -> Result<()> {
    let forgotten = sqlx::query("UPDATE editions SET summed = 0 WHERE id = $1 AND summed = 1 AND reduced_at IS NULL")
        .bind(edition)
        .execute(&mut *connection)
        .await?;
    if forgotten.rows_affected() > 0 {
        sqlx::query("DELETE FROM totals WHERE edition = $1").bind(edition).execute(connection).await?;
    }
    Ok(())
}

/// How many people are erased, and since when.
async fn erased(connection: &mut AnyConnection) -> Result<(i64, i64)> {
    let row = sqlx::query("SELECT COUNT(*), COALESCE(MAX(at), 0) FROM erased").fetch_one(connection).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::freeze::Audience;
    use crate::store::freeze::tests::edition;
    use crate::store::newsletters::moment;
    use crate::store::recipients::tests::{person, take};
    use crate::store::retention::Keep;
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        sums_say_what_the_deliveries_say,
        sums_are_made_anew_when_a_delivery_changes,
    }

    async fn run(store: &mut Store, texts: &[&'static str]) {
        for text in texts {
            sqlx::query(*text).execute(&mut store.connection).await.unwrap();
        }
    }

    /// An edition that is done: of ten letters seven were accepted, one of them came back, one was refused.
    async fn done(place: &Place) -> (Store, i64) {
        let mut store = place.open().await;
        store.start_newsletter("a", &[], moment(100)).await.unwrap();
        take(&mut store, false, (0..10).map(person).collect()).await;
        let id = store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap();
        let texts = [
            "UPDATE deliveries SET state = 'accepted', uncertain = 1, attempts = 2 WHERE recipient < 7",
            "UPDATE deliveries SET state = 'refused', email = 'somebody@Example.NET' WHERE recipient = 7",
            "UPDATE deliveries SET state = 'suppressed' WHERE recipient > 7",
            "UPDATE editions SET state = 'done', finished_at = 5000",
            "INSERT INTO returned (mark, edition, recipient, kind, policy, lifted, words, at)
             VALUES ('m', 1, 3, 'hard', 0, 0, 'unknown', 6000)",
        ];
        run(&mut store, &texts).await;
        (store, id)
    }

    fn sums_say_what_the_deliveries_say(place: Place) {
        wait(async {
            let (mut store, id) = done(&place).await;
            let (counts, replies) = (store.counts(id).await.unwrap(), store.replies(moment(0)).await.unwrap());
            assert_eq!((counts.accepted, replies[0].accepted, replies[0].returned), (7, 7, 1));
            store.retain(moment(7000), Keep::default()).await.unwrap();
            assert_eq!(store.totals(id).await.unwrap().len(), 3);
            assert_eq!(store.counts(id).await.unwrap(), counts);
            assert_eq!(store.replies(moment(0)).await.unwrap(), replies);
            // They are read, and the deliveries are not.
            run(&mut store, &["UPDATE deliveries SET state = 'pending' WHERE recipient = 1"]).await;
            assert_eq!(store.counts(id).await.unwrap(), counts);
            // Somebody was stopped who was deleting the deliveries of a reduced edition.
            run(&mut store, &["UPDATE editions SET reduced_at = 8000"]).await;
            store.retain(moment(9000), Keep::default()).await.unwrap();
            let left: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM deliveries").fetch_one(&mut store.connection).await.unwrap();
            assert_eq!(left, 0);
        });
    }

    fn sums_are_made_anew_when_a_delivery_changes(place: Place) {
        wait(async {
            let (mut store, id) = done(&place).await;
            store.sum_up_done().await.unwrap();
            store.erase(3, moment(6000)).await.unwrap();
            let summed = |store: Store| async move {
                let mut store = store;
                store.sum_up_done().await.unwrap();
                let totals = store.totals(id).await.unwrap();
                let told = totals.into_iter().map(|one| (one.state, one.domain, one.letters)).collect::<Vec<_>>();
                (store, told)
            };
            assert_eq!(store.totals(id).await.unwrap(), []);
            let (mut store, told) = summed(store).await;
            let row = |state: &str, domain: &str, letters| (state.to_string(), domain.to_string(), letters);
            let refused = row("refused", "example.net", 1);
            let suppressed = row("suppressed", "example.org", 2);
            let accepted = [row("accepted", "", 1), row("accepted", "example.org", 6)];
            assert_eq!(told, [&accepted[..], &[refused, suppressed.clone()]].concat());
            store.take_refusals_back(id, moment(7000)).await.unwrap();
            let counts = store.counts(id).await.unwrap();
            assert_eq!((counts.pending, counts.refused), (1, 0));
            let (_, told) = summed(store).await;
            assert_eq!(told, [&accepted[..], &[row("pending", "example.net", 1), suppressed]].concat());
        });
    }
}
