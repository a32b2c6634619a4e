//! Another address for the same person: asked for on a page, confirmed at the new address.
//!
//! Promises: nothing moves before the confirmation; it is one transaction with what the history says. Letters that nobody has
//! begun to send go to the new address, each once; links of earlier letters go on working for the same person.
//!
//! BUGS: what was sent to the earlier address stays under it in the ledger, and the history's entries under its number: both
//! are found by [`earlier_addresses`](Store::earlier_addresses).

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row};

use super::daily::Before;
use super::history::{self, Entry, What};
use super::outbox::{self, Limit, Waiting};
use super::{Alone, Result, Store};

/// What confirming found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Letters go to the new address: since now, or since the button was pressed before.
    Done,
    /// There is nothing to move any more.
    Gone,
    /// A letter to the new address was reported as spam: only the operator brings it back.
    Complained,
}

impl Store {
    /// Keeps what somebody asks for, with the letter to the new address, as far as limits allow.
    pub async fn ask_to_move(&mut self, recipient: i64, letter: &Waiting, limits: &[Limit]) -> Result<()> {
        let mut transaction = self.write_alone(Alone::Asking).await?;
        let may = outbox::allows(&mut transaction, limits, letter.asked).await?;
        let complained = has_complained(&mut transaction, letter.recipient).await?;
        let leaves = may && !complained;
        if leaves {
            sqlx::query(
                "INSERT INTO moves (recipient, to_recipient, asked_at, email) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (recipient, to_recipient, asked_at) DO NOTHING",
            )
            .bind(recipient)
            .bind(letter.recipient)
            .bind(letter.asked.timestamp())
            .bind(&letter.email)
            .execute(&mut *transaction)
            .await?;
            outbox::put(&mut transaction, letter).await?;
            outbox::count(&mut transaction, limits, letter.asked).await?;
        }
        outbox::count_unanswered(&mut transaction, &letter.newsletter, letter.asked, !leaves).await?;
        Ok(transaction.commit().await?)
    }

    /// The new address that was asked for then, as long as it is not confirmed.
    pub async fn move_asked(&mut self, recipient: i64, to: i64, asked: DateTime<Utc>) -> Result<Option<String>> {
        email_of(&mut self.connection, recipient, to, asked).await
    }

    /// Whether somebody moved there, and is there still.
    pub async fn has_moved(&mut self, recipient: i64, to: i64) -> Result<bool> {
        Ok(current(&mut self.connection, recipient).await? == to)
    }

    /// Moves everything to the address that was asked for then. `told` goes to the earlier address.
    pub async fn move_person(
        &mut self,
        (recipient, to): (i64, i64),
        asked: DateTime<Utc>,
        told: &Waiting,
        now: DateTime<Utc>,
    ) -> Result<Moved> {
        let mut transaction = self.write().await?;
        let Some(email) = email_of(&mut transaction, recipient, to, asked).await? else {
            let there = current(&mut transaction, recipient).await? == to;
            return Ok(if there { Moved::Done } else { Moved::Gone });
        };
        if has_complained(&mut transaction, to).await? {
            return Ok(Moved::Complained);
        }
        let (before, before_there) =
            (Before::of(&mut transaction, recipient).await?, Before::of(&mut transaction, to).await?);
        // Whoever deletes it is the one who moves: another who is at the same waits, and finds it gone.
        let mine = sqlx::query("DELETE FROM moves WHERE recipient = $1 AND to_recipient = $2 AND asked_at = $3")
            .bind(recipient)
            .bind(to)
            .bind(asked.timestamp())
            .execute(&mut *transaction)
            .await?;
        let row = sqlx::query("SELECT email, basis, proof FROM recipients WHERE id = $1")
            .bind(recipient)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row.filter(|_| mine.rows_affected() > 0) else {
            let there = current(&mut transaction, recipient).await? == to;
            return Ok(if there { Moved::Done } else { Moved::Gone });
        };
        let (old, basis, proof): (String, String, Option<String>) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        move_rows(&mut transaction, (recipient, to), &email, now).await?;
        outbox::put(&mut transaction, &Waiting { email: old.clone(), ..told.clone() }).await?;
        before.count(&mut transaction, now).await?;
        before_there.count(&mut transaction, now).await?;
        let said = |recipient, note| Entry {
            note: Some(note),
            basis: Some(&basis),
            proof: proof.as_deref(),
            ..Entry::new(recipient, What::Moved, "page", now)
        };
        history::append(&mut transaction, &[said(recipient, "to another address"), said(to, &old)]).await?;
        transaction.commit().await?;
        Ok(Moved::Done)
    }

    /// The numbers of the addresses that somebody had before.
    pub async fn earlier_addresses(&mut self, recipient: i64) -> Result<Vec<i64>> {
        Ok(sqlx::query_scalar("SELECT recipient FROM moved WHERE to_recipient = $1 ORDER BY at, recipient")
            .bind(recipient)
            .fetch_all(&mut self.connection)
            .await?)
    }
}

/// Who a number is now: the one that its person moved to, if they did and nobody else has the address.
pub(super) async fn current(connection: &mut AnyConnection, recipient: i64) -> Result<i64> {
    let moved: Option<i64> = sqlx::query_scalar(
        "SELECT to_recipient FROM moved WHERE recipient = $1
            AND NOT EXISTS (SELECT 1 FROM recipients WHERE id = $1)",
    )
    .bind(recipient)
    .fetch_optional(connection)
    .await?;
    Ok(moved.unwrap_or(recipient))
}

async fn email_of(
    connection: &mut AnyConnection,
    recipient: i64,
    to: i64,
    asked: DateTime<Utc>,
) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT email FROM moves WHERE recipient = $1 AND to_recipient = $2 AND asked_at = $3")
        .bind(recipient)
        .bind(to)
        .bind(asked.timestamp())
        .fetch_optional(connection)
        .await?)
}

pub(super) async fn has_complained(connection: &mut AnyConnection, recipient: i64) -> Result<bool> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT recipient FROM suppressions WHERE recipient = $1 AND reason = 'complaint'")
            .bind(recipient)
            .fetch_optional(connection)
            .await?;
    Ok(found.is_some())
}

async fn move_rows(
    connection: &mut AnyConnection,
    (recipient, to): (i64, i64),
    email: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    // Whoever is there already keeps what is said of them.
    sqlx::query(
        "INSERT INTO recipients (id, email, name, fields, basis, proof, tags, added_at, updated_at)
         SELECT CAST($1 AS BIGINT), $2, name, fields, basis, proof, tags, added_at, CAST($3 AS BIGINT)
         FROM recipients WHERE id = $4 ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at",
    )
    .bind(to)
    .bind(email)
    .bind(now.timestamp())
    .bind(recipient)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE subscriptions SET state = 'subscribed', was = NULL, since = $1,
            topics = (SELECT o.topics FROM subscriptions o
                WHERE o.recipient = $2 AND o.newsletter = subscriptions.newsletter)
         WHERE recipient = $3 AND state <> 'subscribed' AND newsletter IN
            (SELECT newsletter FROM subscriptions WHERE recipient = $2 AND state = 'subscribed')",
    )
    .bind(now.timestamp())
    .bind(recipient)
    .bind(to)
    .execute(&mut *connection)
    .await?;
    for text in [
        "DELETE FROM subscriptions WHERE recipient = $1 AND newsletter IN
            (SELECT newsletter FROM subscriptions WHERE recipient = $2)",
        "UPDATE subscriptions SET recipient = $2 WHERE recipient = $1",
        "UPDATE moved SET to_recipient = $2 WHERE to_recipient = $1",
    ] {
        sqlx::query(text).bind(recipient).bind(to).execute(&mut *connection).await?;
    }
    sqlx::query(
        "UPDATE deliveries SET recipient = $1, email = $2 WHERE recipient = $3 AND state = 'pending'
            AND NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.edition = deliveries.edition AND o.recipient = $1)",
    )
    .bind(to)
    .bind(email)
    .bind(recipient)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE deliveries SET state = 'suppressed', updated_at = $1, reply = 'the letter goes to another address'
         WHERE recipient = $2 AND state = 'pending'",
    )
    .bind(now.timestamp())
    .bind(recipient)
    .execute(&mut *connection)
    .await?;
    for text in [
        "DELETE FROM moved WHERE recipient = $1",
        "DELETE FROM erased WHERE recipient = $1",
        // The letter to confirm by has arrived there.
        "DELETE FROM suppressions WHERE recipient = $1",
    ] {
        sqlx::query(text).bind(to).execute(&mut *connection).await?;
    }
    for text in [
        "DELETE FROM recipients WHERE id = $1",
        "DELETE FROM suppressions WHERE recipient = $1 AND reason <> 'complaint'",
        "DELETE FROM signups WHERE recipient = $1",
        "DELETE FROM moves WHERE recipient = $1",
        "DELETE FROM outbox WHERE recipient = $1",
    ] {
        sqlx::query(text).bind(recipient).execute(&mut *connection).await?;
    }
    sqlx::query("INSERT INTO moved (recipient, to_recipient, at) VALUES ($1, $2, $3)")
        .bind(recipient)
        .bind(to)
        .bind(now.timestamp())
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::freeze::Audience;
    use crate::store::freeze::tests::edition;
    use crate::store::newsletters::moment;
    use crate::store::outbox::tests::letter;
    use crate::store::recipients::tests::{person, take};
    use crate::store::signups::tests::signup;
    use crate::store::signups::{Confirmed, Signup};
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        everything_moves_once_when_it_is_confirmed,
        whoever_was_there_already_stays_one_person,
        whoever_takes_another_rhythm_is_not_told_again_what_came_to_the_earlier_address,
    }

    /// To the earlier address, at that moment.
    fn told(recipient: i64, at: i64) -> Waiting {
        Waiting { kind: "moved".to_string(), ..letter(recipient, at) }
    }

    fn everything_moves_once_when_it_is_confirmed(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1), person(2)]).await;
            store.choose(1, "a", Some("x"), "page", moment(150)).await.unwrap();
            let first = store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap();
            store.ask_to_move(1, &letter(11, 200), &[]).await.unwrap();
            assert_eq!(store.move_asked(1, 11, moment(200)).await.unwrap().as_deref(), Some("p11@example.org"));
            assert!(store.is_subscribed("a", 1).await.unwrap() && !store.is_subscribed("a", 11).await.unwrap());
            for (to, asked, expected) in
                [(11, 201, Moved::Gone), (12, 200, Moved::Gone), (11, 200, Moved::Done), (11, 200, Moved::Done)]
            {
                let moved = store.move_person((1, to), moment(asked), &told(1, 7), moment(300)).await.unwrap();
                assert_eq!(moved, expected, "{to} {asked}");
            }
            assert!(!store.is_subscribed("a", 1).await.unwrap() && store.is_subscribed("a", 11).await.unwrap());
            assert_eq!(store.choices("a", &Default::default()).await.unwrap(), [("x".to_string(), 1)]);
            let pending = store.deliveries_in(first, "pending").await.unwrap();
            assert_eq!(pending.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 11]);
            assert!(store.counts(first).await.unwrap().balance());
            assert_eq!(store.earlier_addresses(11).await.unwrap(), [1]);
            let letters: Vec<String> = store
                .take_letters(moment(9000), chrono::TimeDelta::days(1))
                .await
                .unwrap()
                .into_iter()
                .map(|letter| format!("{} {}", letter.kind, letter.email))
                .collect();
            assert!(letters.contains(&"moved p0000001@example.org".to_string()), "{letters:?}");
            // The link of an earlier letter.
            assert_eq!(store.address_of(1).await.unwrap().as_deref(), Some("p11@example.org"));
            store.leave_from_page(1, "a", moment(400)).await.unwrap();
            assert!(store.has_left(11, "a").await.unwrap() && store.has_left(1, "a").await.unwrap());
            assert!(store.come_back(1, "a", moment(400), moment(410)).await.unwrap());
            // On to a third, and back to the first.
            for (from, to, asked) in [(11, 21, 500), (21, 1, 600)] {
                store.ask_to_move(from, &letter(to, asked), &[]).await.unwrap();
                let moved = store
                    .move_person((from, to), moment(asked), &told(from, asked + 1), moment(asked + 10))
                    .await
                    .unwrap();
                assert_eq!(moved, Moved::Done);
            }
            assert!(store.is_subscribed("a", 1).await.unwrap());
            assert_eq!(store.earlier_addresses(1).await.unwrap(), [11, 21]);
            let said: Vec<_> = store.history_of(11).await.unwrap().into_iter().filter_map(|one| one.said).collect();
            assert_eq!(said.iter().filter(|said| said.what == What::Moved).count(), 2);
        });
    }

    fn whoever_was_there_already_stays_one_person(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1), person(2)]).await;
            let first = store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap();
            store.ask_to_move(1, &letter(2, 200), &[]).await.unwrap();
            let moved = store.move_person((1, 2), moment(200), &told(1, 7), moment(300)).await.unwrap();
            assert_eq!(moved, Moved::Done);
            assert_eq!(store.count_subscribed("a").await.unwrap(), 1);
            let counts = store.counts(first).await.unwrap();
            assert_eq!((counts.eligible, counts.pending, counts.suppressed), (2, 1, 1), "one letter, not two");
        });
    }

    fn whoever_takes_another_rhythm_is_not_told_again_what_came_to_the_earlier_address(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1), person(2)]).await;
            let first = store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap();
            sqlx::query("UPDATE deliveries SET state = 'accepted'").execute(&mut store.connection).await.unwrap();
            store.ask_to_move(1, &letter(11, 6000), &[]).await.unwrap();
            let moved = store.move_person((1, 11), moment(6000), &told(1, 6001), moment(6010)).await.unwrap();
            assert_eq!(moved, Moved::Done);
            let instead =
                Signup { newsletter: "b".to_string(), instead_of: Some("a".to_string()), ..signup(11, 7000) };
            assert_eq!(store.join_at_once(&instead).await.unwrap(), Confirmed::Subscribed);
            let choices = store.choices("b", &Default::default()).await.unwrap();
            assert_eq!(choices, [(format!("!{first}.0"), 1)]);
        });
    }
}
