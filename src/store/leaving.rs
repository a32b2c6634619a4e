//! Leaving from the web service's page, which can be undone for a while.
//!
//! Promises: leaving takes effect with the commit, and no body starts for that person after it; coming back undoes this
//! very leaving, to what was before, and no other: somebody who left meanwhile by a letter, or was taken off by the operator,
//! stays away.
//!
//! BUGS: an edition that was under way when its person left is not sent to them any more when they come back: the next is.

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::daily::Before;
use super::history::{Entry, What};
use super::moving;
use super::newsletters::moment;
use super::recipients::suppress_under_way;
use super::{Result, Store, erase, history};

/// What leaving found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// When the person left: now, or long ago.
    pub since: DateTime<Utc>,
    /// Left from the page, so that it can be undone.
    pub can_be_undone: bool,
}

impl Store {
    /// Takes somebody off a newsletter, and remembers what was before; whoever has left already stays so.
    pub async fn leave_from_page(&mut self, recipient: i64, newsletter: &str, now: DateTime<Utc>) -> Result<Left> {
        let mut transaction = self.write().await?;
        let recipient = moving::current(&mut transaction, recipient).await?;
        if let Some(since) = erase::is_erased(&mut transaction, recipient).await? {
            return Ok(Left { since, can_be_undone: false });
        }
        let before = Before::of(&mut transaction, recipient).await?;
        let mut changed = 0;
        for text in [
            "UPDATE subscriptions SET was = state, state = 'left', since = $1
             WHERE newsletter = $2 AND recipient = $3 AND state <> 'left'",
            // Somebody from a CSV file has no row here yet.
            "INSERT INTO subscriptions (since, newsletter, recipient, state, source, import, was)
             VALUES ($1, $2, $3, 'left', 'leave', 0, 'absent') ON CONFLICT (newsletter, recipient) DO NOTHING",
        ] {
            let query = sqlx::query(text).bind(now.timestamp()).bind(newsletter).bind(recipient);
            changed += query.execute(&mut *transaction).await?.rows_affected();
        }
        suppress_under_way(&mut transaction, recipient, Some(newsletter), now).await?;
        let row = sqlx::query("SELECT since, was FROM subscriptions WHERE newsletter = $1 AND recipient = $2")
            .bind(newsletter)
            .bind(recipient)
            .fetch_one(&mut *transaction)
            .await?;
        let was: Option<String> = row.try_get(1)?;
        let left = Left { since: moment(row.try_get(0)?), can_be_undone: was.is_some() };
        before.count(&mut transaction, now).await?;
        if changed > 0 {
            let entry = Entry::new(recipient, What::Left, "page", now).on(newsletter);
            history::append(&mut transaction, &[entry]).await?;
        }
        transaction.commit().await?;
        Ok(left)
    }

    /// Undoes the leaving of that moment. Tells whether it stood until now.
    pub async fn come_back(
        &mut self,
        recipient: i64,
        newsletter: &str,
        left: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let mut transaction = self.write().await?;
        let recipient = moving::current(&mut transaction, recipient).await?;
        let before = Before::of(&mut transaction, recipient).await?;
        let mut undone = 0;
        for text in [
            "DELETE FROM subscriptions
             WHERE newsletter = $2 AND recipient = $3 AND state = 'left' AND since = $4 AND was = 'absent'
               AND since <= $1",
            "UPDATE subscriptions SET state = was, was = NULL, since = $1
             WHERE newsletter = $2 AND recipient = $3 AND state = 'left' AND since = $4 AND was <> 'absent'",
        ] {
            let query = sqlx::query(text).bind(now.timestamp()).bind(newsletter).bind(recipient);
            undone += query.bind(left.timestamp()).execute(&mut *transaction).await?.rows_affected();
        }
        before.count(&mut transaction, now).await?;
        if undone > 0 {
            let entry = Entry::new(recipient, What::CameBack, "page", now).on(newsletter);
            history::append(&mut transaction, &[entry]).await?;
        }
        transaction.commit().await?;
        Ok(undone > 0)
    }

    /// Whether somebody has left a newsletter.
    pub async fn has_left(&mut self, recipient: i64, newsletter: &str) -> Result<bool> {
        let recipient = moving::current(&mut self.connection, recipient).await?;
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT recipient FROM subscriptions WHERE newsletter = $1 AND recipient = $2 AND state = 'left'",
        )
        .bind(newsletter)
        .bind(recipient)
        .fetch_optional(&mut self.connection)
        .await?;
        Ok(found.is_some())
    }

    /// The address behind a number, from the people or from the last letter to it.
    pub async fn address_of(&mut self, recipient: i64) -> Result<Option<String>> {
        let recipient = moving::current(&mut self.connection, recipient).await?;
        let known: Option<String> = sqlx::query_scalar("SELECT email FROM recipients WHERE id = $1")
            .bind(recipient)
            .fetch_optional(&mut self.connection)
            .await?;
        if known.is_some() {
            return Ok(known);
        }
        Ok(sqlx::query_scalar("SELECT email FROM deliveries WHERE recipient = $1 ORDER BY edition DESC LIMIT 1")
            .bind(recipient)
            .fetch_optional(&mut self.connection)
            .await?)
    }

    /// The newsletters that the database knows, those that no configuration names any more included.
    pub async fn newsletter_names(&mut self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("SELECT name FROM newsletters ORDER BY name").fetch_all(&mut self.connection).await?)
    }

    /// The last edition of a newsletter that is being sent or was: its number, and when it was composed.
    pub async fn last_letter(&mut self, newsletter: &str) -> Result<Option<(i64, DateTime<Utc>)>> {
        let row = sqlx::query(
            "SELECT number, composed_at FROM editions WHERE newsletter = $1 AND state IN ('sending', 'done')
             ORDER BY number DESC LIMIT 1",
        )
        .bind(newsletter)
        .fetch_optional(&mut self.connection)
        .await?;
        row.map(|row| Ok((row.try_get(0)?, moment(row.try_get(1)?)))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::recipients::tests::{person, take};
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        leaving_from_the_page_can_be_undone_to_what_was_before,
        what_was_left_otherwise_meanwhile_cannot_be_undone,
    }

    fn leaving_from_the_page_can_be_undone_to_what_was_before(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1), person(2)]).await;
            take(&mut store, true, vec![person(1)]).await;
            // 1 is subscribed, 2 retired, 3 known to a file alone.
            for (recipient, before) in [(1, Some("subscribed")), (2, Some("retired")), (3, None)] {
                let left = store.leave_from_page(recipient, "a", moment(100)).await.unwrap();
                assert_eq!(left, Left { since: moment(100), can_be_undone: true });
                assert!(store.has_left(recipient, "a").await.unwrap());
                let again = store.leave_from_page(recipient, "a", moment(200)).await.unwrap();
                assert_eq!(again, left, "the first leaving counts");
                assert!(!store.come_back(recipient, "a", moment(200), moment(300)).await.unwrap());
                assert!(!store.come_back(recipient, "b", moment(100), moment(300)).await.unwrap());
                assert!(store.come_back(recipient, "a", moment(100), moment(300)).await.unwrap());
                assert!(!store.come_back(recipient, "a", moment(100), moment(300)).await.unwrap(), "once");
                let standing = store.standing(recipient).await.unwrap();
                assert_eq!(standing.first().map(|(_, state, _)| state.as_str()), before);
            }
            assert_eq!(store.count_subscribed("a").await.unwrap(), 1);
            assert_eq!(store.address_of(1).await.unwrap().as_deref(), Some("p0000001@example.org"));
            assert_eq!(store.address_of(9).await.unwrap(), None);
        });
    }

    fn what_was_left_otherwise_meanwhile_cannot_be_undone(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1)]).await;
            store.leave_from_page(1, "a", moment(100)).await.unwrap();
            assert_eq!(store.leave(1, Some("a"), moment(100)).await.unwrap(), 0);
            assert!(!store.come_back(1, "a", moment(100), moment(110)).await.unwrap());
            let left = store.leave_from_page(1, "a", moment(120)).await.unwrap();
            assert_eq!(left, Left { since: moment(100), can_be_undone: false });
        });
    }
}
