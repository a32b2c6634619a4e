//! People, which newsletters each receives, and whom no letter may reach.
//!
//! Promises: nobody who left is revived by an import; leaving takes effect with the commit, and is written down with it
//! ([`history`]).

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row};

use super::daily::Before;
use super::history::{Entry, What};
use super::ledger::LEFT;
use super::moving;
use super::newsletters::moment;
use super::{Result, Store, erase, history};

/// Somebody a letter can go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// The keyed hash of the address.
    pub id: i64,
    /// As it is mailed.
    pub email: String,
    pub name: Option<String>,
    /// JSON: what else the list says of this person.
    pub fields: String,
}

/// Somebody whom a list names, with what it says of them beside what letters show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    pub addressee: Addressee,
    /// Sorted. `None`: the list does not tell, and they keep those that they have.
    pub tags: Option<Vec<String>>,
    /// Sorted names with single spaces, for who is subscribed by this. `None`: everything.
    pub topics: Option<String>,
    /// `None`: the intake's.
    pub basis: Option<Basis>,
    /// The list says that they left.
    pub left: bool,
    /// The list says that no letter may go there, and why: `bounce`, `soft-bounce`, `complaint`.
    pub suppressed: Option<String>,
}

impl From<Addressee> for Newcomer {
    fn from(addressee: Addressee) -> Newcomer {
        Newcomer { addressee, tags: None, topics: None, basis: None, left: false, suppressed: None }
    }
}

/// On what basis people are on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// `consent` or `mission`.
    pub kind: String,
    pub proof: Option<String>,
}

/// An import under way, or one person added by hand.
#[derive(Clone, Debug)]
pub struct Intake {
    pub newsletter: String,
    pub basis: Basis,
    /// Whether this basis also counts for those who are known already; the one that a list names always does.
    pub restates: bool,
    /// Added to the tags of all.
    pub tags: Vec<String>,
    /// Whom the list leaves it open for; as in [`Newcomer::topics`].
    pub topics: Option<String>,
    /// `import` or `add`.
    pub source: &'static str,
    /// Whether somebody who left may come back: a person says so, for one person.
    pub revive: bool,
    /// Whether somebody who was erased may come back: the same, and with a word of its own.
    pub revive_erased: bool,
    pub now: DateTime<Utc>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The import's number: [`Store::retire_missing`] asks for it.
    pub import: i64,
    pub added: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// Left before, and stay so.
    pub left: u64,
    /// Were erased, and are not taken in.
    pub erased: u64,
    /// Not in the file any more (`--sync`).
    pub retired: u64,
}

impl Store {
    /// Somebody leaves a newsletter, or all that they are on, for good. Tells how many.
    pub async fn leave(&mut self, recipient: i64, newsletter: Option<&str>, now: DateTime<Utc>) -> Result<u64> {
        self.take_off(recipient, newsletter, Entry::new(recipient, What::Left, "letter", now)).await
    }

    /// The operator takes somebody off a newsletter, or off all that they are on, for good. Tells from how many.
    pub async fn remove(&mut self, recipient: i64, newsletter: Option<&str>, now: DateTime<Utc>) -> Result<u64> {
        self.take_off(recipient, newsletter, Entry::new(recipient, What::Removed, "operator", now)).await
    }

    async fn take_off(&mut self, recipient: i64, newsletter: Option<&str>, entry: Entry<'_>) -> Result<u64> {
        let now = entry.at;
        let mut transaction = self.write().await?;
        let recipient = moving::current(&mut transaction, recipient).await?;
        let entry = Entry { recipient, ..entry };
        if erase::is_erased(&mut transaction, recipient).await?.is_some() {
            return Ok(0);
        }
        let before = Before::of(&mut transaction, recipient).await?;
        let mut left: Vec<String> = sqlx::query_scalar(
            "UPDATE subscriptions SET state = 'left', since = $1
             WHERE recipient = $2 AND state <> 'left' AND (newsletter = $3 OR CAST($4 AS BIGINT) = 1)
             RETURNING newsletter",
        )
        .bind(now.timestamp())
        .bind(recipient)
        .bind(newsletter.unwrap_or(""))
        .bind(i64::from(newsletter.is_none()))
        .fetch_all(&mut *transaction)
        .await?;
        if let Some(newsletter) = newsletter {
            // Somebody from a CSV file has no row here yet.
            let written: Vec<String> = sqlx::query_scalar(
                "INSERT INTO subscriptions (newsletter, recipient, state, source, import, since)
                 VALUES ($1, $2, 'left', 'leave', 0, $3) ON CONFLICT (newsletter, recipient) DO NOTHING
                 RETURNING newsletter",
            )
            .bind(newsletter)
            .bind(recipient)
            .bind(now.timestamp())
            .fetch_all(&mut *transaction)
            .await?;
            left.extend(written);
        }
        // This is a word of its own: what was left from the page cannot be undone there any more.
        sqlx::query(
            "UPDATE subscriptions SET was = NULL
             WHERE recipient = $1 AND was IS NOT NULL AND (newsletter = $2 OR CAST($3 AS BIGINT) = 1)",
        )
        .bind(recipient)
        .bind(newsletter.unwrap_or(""))
        .bind(i64::from(newsletter.is_none()))
        .execute(&mut *transaction)
        .await?;
        suppress_under_way(&mut transaction, recipient, newsletter, now).await?;
        before.count(&mut transaction, now).await?;
        left.sort_unstable();
        let entries: Vec<Entry<'_>> = left.iter().map(|newsletter| entry.clone().on(newsletter)).collect();
        history::append(&mut transaction, &entries).await?;
        transaction.commit().await?;
        Ok(left.len() as u64)
    }

    /// Whether somebody is known here, by any newsletter or delivery.
    pub async fn knows(&mut self, recipient: i64) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT recipient FROM subscriptions WHERE recipient = $1
             UNION SELECT recipient FROM deliveries WHERE recipient = $1 LIMIT 1",
        )
        .bind(recipient)
        .fetch_optional(&mut self.connection)
        .await?;
        Ok(found.is_some())
    }

    /// How many people a newsletter would go to now.
    pub async fn count_subscribed(&mut self, newsletter: &str) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM subscriptions WHERE newsletter = $1 AND state = 'subscribed'")
            .bind(newsletter)
            .fetch_one(&mut self.connection)
            .await?)
    }

    /// How somebody stands with each newsletter: its name, the state, since when.
    pub async fn standing(&mut self, recipient: i64) -> Result<Vec<(String, String, DateTime<Utc>)>> {
        let rows = sqlx::query(
            "SELECT newsletter, state, since FROM subscriptions WHERE recipient = $1 ORDER BY newsletter",
        )
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, moment(row.try_get(2)?)))).collect()
    }

    /// Why no letter may reach somebody: the reason, the server's words, since when.
    pub async fn suppression(&mut self, recipient: i64) -> Result<Option<(String, Option<String>, DateTime<Utc>)>> {
        let row = sqlx::query("SELECT reason, reply, at FROM suppressions WHERE recipient = $1")
            .bind(recipient)
            .fetch_optional(&mut self.connection)
            .await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?, moment(row.try_get(2)?)))).transpose()
    }
}

/// No body starts for that person from the commit on: a worker that is about to begin one waits for it, or has begun.
pub(super) async fn suppress_under_way(
    connection: &mut AnyConnection,
    recipient: i64,
    newsletter: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "UPDATE deliveries SET state = 'suppressed', updated_at = $1, worker = NULL, reply = $2
         WHERE recipient = $3 AND state IN ('pending', 'claimed')
           AND edition IN (SELECT id FROM editions WHERE state <> 'cancelled'
                AND (newsletter = $4 OR CAST($5 AS BIGINT) = 1))",
    )
    .bind(now.timestamp())
    .bind(LEFT)
    .bind(recipient)
    .bind(newsletter.unwrap_or(""))
    .bind(i64::from(newsletter.is_none()))
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::store::tests::{Place, on_both_stores, wait};

    pub(crate) fn person(id: i64) -> Addressee {
        Addressee { id, email: format!("p{id:07}@example.org"), name: None, fields: "{}".to_string() }
    }

    pub(crate) fn intake() -> Intake {
        Intake {
            newsletter: "a".to_string(),
            basis: Basis { kind: "mission".to_string(), proof: None },
            restates: false,
            tags: Vec::new(),
            topics: None,
            source: "import",
            revive: false,
            revive_erased: false,
            now: moment(1000),
        }
    }

    pub(crate) async fn take(store: &mut Store, sync: bool, people: Vec<Addressee>) -> Taken {
        let mut people = Some(people);
        let mut taken = store.take_in(&intake(), || people.take().unwrap_or_default()).await.unwrap();
        if sync {
            taken.retired = store.retire_missing(&intake(), taken.import).await.unwrap();
        }
        Taken { import: 0, ..taken }
    }

    on_both_stores! {
        an_import_adds_updates_and_retires_but_revives_nobody_who_left,
        the_last_word_on_an_address_given_twice_counts,
        somebody_unknown_who_leaves_stays_away,
    }

    fn an_import_adds_updates_and_retires_but_revives_nobody_who_left(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let taken = take(&mut store, false, (0..1300).map(person).collect()).await;
            assert_eq!(taken, Taken { added: 1300, ..Taken::default() });

            assert_eq!(store.leave(7, Some("a"), moment(2000)).await.unwrap(), 1);
            assert_eq!(store.leave(7, Some("a"), moment(2000)).await.unwrap(), 0);

            let named = Addressee { name: Some("Ana".to_string()), ..person(3) };
            let taken = take(&mut store, true, vec![person(1), named, person(7), person(9000)]).await;
            assert_eq!(
                taken,
                Taken { added: 1, updated: 1, unchanged: 1, left: 1, retired: 1297, erased: 0, import: 0 }
            );
            assert_eq!(store.count_subscribed("a").await.unwrap(), 3);

            let taken = take(&mut store, true, (0..1300).map(person).collect()).await;
            assert_eq!((taken.left, taken.retired), (1, 1));
            assert_eq!(store.count_subscribed("a").await.unwrap(), 1299);
        });
    }

    fn the_last_word_on_an_address_given_twice_counts(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let named = |name: &str| Addressee { name: Some(name.to_string()), ..person(3) };
            let taken = take(&mut store, false, vec![named("first"), named("second")]).await;
            assert_eq!(taken.added, 1);
            let listed = store.list_recipients(Some("a")).await.unwrap();
            assert_eq!(listed.len(), 1);
            assert_eq!(listed[0].addressee.name.as_deref(), Some("second"));
        });
    }

    fn somebody_unknown_who_leaves_stays_away(place: Place) {
        wait(async {
            let mut store = place.open().await;
            assert_eq!(store.leave(5, Some("a"), moment(1)).await.unwrap(), 1);
            let taken = take(&mut store, false, vec![person(5)]).await;
            assert_eq!(taken, Taken { left: 1, ..Taken::default() });
        });
    }
}
