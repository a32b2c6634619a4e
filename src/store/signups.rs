//! People who ask to be on a newsletter, and are on it when they confirm (double opt-in).
//!
//! Promises: nothing but a confirmation subscribes anybody here; it is one transaction with what is written into the history,
//! with the end of a suppression for returned letters and of an erasure. A complaint is not ended by it. Of whoever does not confirm,
//! nothing is left in the end ([`Store::forget_unconfirmed`]). What is done for an address takes about as long whether it is known
//! or not, and ends with a commit.
//!
//! Whoever confirms one newsletter in place of another leaves the other in the same transaction, and what its letters told them is
//! left out of the next letter ([`shares`](super::shares)).
//!
//! BUGS: what the new newsletter had announced before they came, and the other had not yet, they miss. A sign-up that was confirmed in one letter ends those of the same person's other letters for that newsletter.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Acquire, Any, AnyConnection, Row, Transaction};

use super::history::{self, Entry, What};
use super::outbox::{self, Limit, Waiting};
use super::recipients::suppress_under_way;
use super::{Alone, Result, Store, daily, storable};

/// The state of a subscription, where it counts.
const SUBSCRIBED: &str = "subscribed";
/// What was received longer ago comes in no letter again anyhow.
const CARRIED: TimeDelta = TimeDelta::days(100);

/// What somebody asks for on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signup {
    pub newsletter: String,
    pub recipient: i64,
    pub email: String,
    pub name: Option<String>,
    /// Sorted names with single spaces; `None`: everything.
    pub topics: Option<String>,
    /// A newsletter that is left by confirming.
    pub instead_of: Option<String>,
    /// The wording that was agreed to, and its version.
    pub consent: String,
    pub consent_version: String,
    /// Keyed hash of the network that it was asked from.
    pub network: String,
    pub asked: DateTime<Utc>,
}

/// The letters that may follow: one of them does, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letters<'a> {
    /// Random.
    pub id: i64,
    /// The kind of the one with a link that confirms, and when that link is of no use any more.
    pub confirm: &'a str,
    pub expires: DateTime<Utc>,
    /// The kind of the one that says that they are subscribed already, and the newsletter that stays so.
    pub already: &'a str,
}

/// What confirming found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// They are on the list: since now, or since they pressed before.
    Subscribed,
    /// There is nothing to confirm: it was too long ago, or they have left since.
    Gone,
    /// They complained of letters: only the operator brings them back.
    Complained,
}

impl Store {
    /// Somebody asks to be on a newsletter: keeps it until they confirm, with the letter by which they can, as far as limits allow.
    /// Nothing tells which of all that it did.
    pub async fn ask_to_join(&mut self, signup: &Signup, letters: &Letters<'_>, limits: &[Limit]) -> Result<()> {
        let mut transaction = self.write_alone(Alone::Asking).await?;
        let may = outbox::allows(&mut transaction, limits, signup.asked).await?;
        let state = state(&mut transaction, &signup.newsletter, signup.recipient).await?;
        let suppressed = suppressed(&mut transaction, signup.recipient).await?;
        let kind = match (suppressed.as_deref(), state.as_deref()) {
            (Some("complaint"), _) => None,
            (None, Some(SUBSCRIBED)) => Some(letters.already),
            _ => Some(letters.confirm),
        };
        let sent = kind.filter(|_| may);
        let letter = Waiting {
            id: letters.id,
            newsletter: signup.newsletter.clone(),
            kind: kind.unwrap_or(letters.confirm).to_string(),
            recipient: signup.recipient,
            email: signup.email.clone(),
            name: None,
            details: serde_json::json!({ "instead_of": signup.instead_of }).to_string(),
            asked: signup.asked,
            expires: letters.expires,
            attempts: 0,
        };
        // The same is written for everybody, and taken back where it must not stay: so it takes as long.
        let mut part = transaction.begin().await?;
        keep(&mut part, signup).await?;
        end(part, sent == Some(letters.confirm)).await?;
        let mut part = transaction.begin().await?;
        outbox::put(&mut part, &letter).await?;
        outbox::count(&mut part, limits, signup.asked).await?;
        end(part, sent.is_some()).await?;
        outbox::count_unanswered(&mut transaction, &signup.newsletter, signup.asked, sent.is_none()).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What was asked for then, as long as it is not confirmed.
    pub async fn signup(&mut self, newsletter: &str, recipient: i64, asked: DateTime<Utc>) -> Result<Option<Signup>> {
        let row = sqlx::query(
            "SELECT email, name, topics, instead_of, consent, consent_version, network
             FROM signups WHERE newsletter = $1 AND recipient = $2 AND asked_at = $3",
        )
        .bind(newsletter)
        .bind(recipient)
        .bind(asked.timestamp())
        .fetch_optional(&mut self.connection)
        .await?;
        row.map(|row| {
            Ok(Signup {
                newsletter: newsletter.to_string(),
                recipient,
                email: row.try_get(0)?,
                name: row.try_get(1)?,
                topics: row.try_get(2)?,
                instead_of: row.try_get(3)?,
                consent: row.try_get(4)?,
                consent_version: row.try_get(5)?,
                network: row.try_get(6)?,
                asked,
            })
        })
        .transpose()
    }

    /// Whether somebody is subscribed to a newsletter.
    pub async fn is_subscribed(&mut self, newsletter: &str, recipient: i64) -> Result<bool> {
        Ok(state(&mut self.connection, newsletter, recipient).await?.as_deref() == Some(SUBSCRIBED))
    }

    /// Confirms what was asked for then.
    pub async fn confirm(
        &mut self,
        newsletter: &str,
        recipient: i64,
        asked: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Confirmed> {
        let Some(signup) = self.signup(newsletter, recipient, asked).await? else {
            // Pressed twice, or in another of their letters.
            let subscribed = self.is_subscribed(newsletter, recipient).await?;
            return Ok(if subscribed { Confirmed::Subscribed } else { Confirmed::Gone });
        };
        let mut transaction = self.write().await?;
        if suppressed(&mut transaction, recipient).await?.as_deref() == Some("complaint") {
            return Ok(Confirmed::Complained);
        }
        let before = daily::Before::of(&mut transaction, recipient).await?;
        // Whoever deletes it is the one who confirms: another who is at the same waits, and finds it gone.
        let mine = sqlx::query("DELETE FROM signups WHERE newsletter = $1 AND recipient = $2 AND asked_at = $3")
            .bind(newsletter)
            .bind(recipient)
            .bind(asked.timestamp())
            .execute(&mut *transaction)
            .await?;
        if mine.rows_affected() == 0 {
            let subscribed = state(&mut transaction, newsletter, recipient).await?.as_deref() == Some(SUBSCRIBED);
            return Ok(if subscribed { Confirmed::Subscribed } else { Confirmed::Gone });
        }
        let proof = format!("{} ({})", signup.consent_version, asked.format("%Y-%m-%dT%H:%M:%SZ"));
        write_person(&mut transaction, &signup, &proof, now).await?;
        let carried = replace(&mut transaction, &signup, now).await?;
        subscribe(&mut transaction, &signup, carried.as_deref(), now).await?;
        let lifted = lift(&mut transaction, recipient).await?;
        for text in [
            "DELETE FROM erased WHERE recipient = $1",
            "DELETE FROM signups WHERE recipient = $1 AND newsletter = $2",
            "DELETE FROM outbox WHERE recipient = $1 AND newsletter = $2 AND kind = 'confirm'",
        ] {
            let query = sqlx::query(text).bind(recipient);
            let query = if text.contains("$2") { query.bind(newsletter) } else { query };
            query.execute(&mut *transaction).await?;
        }
        before.count(&mut transaction, now).await?;
        remember(&mut transaction, &signup, &proof, (lifted, carried.is_some()), now).await?;
        transaction.commit().await?;
        Ok(Confirmed::Subscribed)
    }

    /// Deletes who asked before that moment and has not confirmed: their addresses, and the letters to them that have not left.
    /// Tells how many.
    pub async fn forget_unconfirmed(&mut self, before: DateTime<Utc>) -> Result<u64> {
        let mut transaction = self.write().await?;
        let gone = sqlx::query("DELETE FROM signups WHERE asked_at <= $1")
            .bind(before.timestamp())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM moves WHERE asked_at <= $1")
            .bind(before.timestamp())
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM outbox WHERE asked_at <= $1")
            .bind(before.timestamp())
            .execute(&mut *transaction)
            .await?;
        let day = daily::day(before) - TimeDelta::days(400).num_days();
        sqlx::query("DELETE FROM unanswered WHERE day < $1").bind(day).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(gone.rows_affected())
    }
}

/// Ends a part of a transaction: it stays, or is taken back.
pub(super) async fn end(part: Transaction<'_, Any>, stays: bool) -> Result<()> {
    let ended = if stays { part.commit().await } else { part.rollback().await };
    Ok(ended?)
}

async fn state(connection: &mut AnyConnection, newsletter: &str, recipient: i64) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT state FROM subscriptions WHERE newsletter = $1 AND recipient = $2")
        .bind(newsletter)
        .bind(recipient)
        .fetch_optional(connection)
        .await?)
}

/// Why no letter may reach somebody.
pub(super) async fn suppressed(connection: &mut AnyConnection, recipient: i64) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT reason FROM suppressions WHERE recipient = $1")
        .bind(recipient)
        .fetch_optional(connection)
        .await?)
}

pub(super) async fn keep(connection: &mut AnyConnection, signup: &Signup) -> Result<()> {
    sqlx::query(
        "INSERT INTO signups (newsletter, recipient, asked_at, email, name, topics, instead_of, consent, consent_version, network)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (newsletter, recipient, asked_at) DO UPDATE SET email = excluded.email, name = excluded.name,
            topics = excluded.topics, instead_of = excluded.instead_of, consent = excluded.consent,
            consent_version = excluded.consent_version, network = excluded.network",
    )
    .bind(&signup.newsletter)
    .bind(signup.recipient)
    .bind(signup.asked.timestamp())
    .bind(&signup.email)
    .bind(signup.name.as_deref().map(|name| storable(name).into_owned()))
    .bind(signup.topics.as_deref())
    .bind(signup.instead_of.as_deref())
    .bind(&signup.consent)
    .bind(&signup.consent_version)
    .bind(&signup.network)
    .execute(connection)
    .await?;
    Ok(())
}

/// Consent is the basis from now on, whatever it was.
async fn write_person(
    connection: &mut AnyConnection,
    signup: &Signup,
    proof: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO recipients (id, email, name, fields, basis, proof, added_at, updated_at)
         VALUES ($1, $2, $3, '{}', 'consent', $4, $5, $5)
         ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = COALESCE(excluded.name, recipients.name),
            basis = excluded.basis, proof = excluded.proof, updated_at = excluded.updated_at",
    )
    .bind(signup.recipient)
    .bind(&signup.email)
    .bind(signup.name.as_deref())
    .bind(proof)
    .bind(now.timestamp())
    .execute(connection)
    .await?;
    Ok(())
}

/// Leaves the newsletter that this one replaces. Gives the editions of it that they got; `None`: they were not on it.
async fn replace(connection: &mut AnyConnection, signup: &Signup, now: DateTime<Utc>) -> Result<Option<String>> {
    let Some(other) = &signup.instead_of else { return Ok(None) };
    let left = sqlx::query(
        "UPDATE subscriptions SET state = 'left', since = $1, was = NULL
         WHERE newsletter = $2 AND recipient = $3 AND state = 'subscribed'",
    )
    .bind(now.timestamp())
    .bind(other)
    .bind(signup.recipient)
    .execute(&mut *connection)
    .await?;
    if left.rows_affected() == 0 {
        return Ok(None);
    }
    suppress_under_way(connection, signup.recipient, Some(other), now).await?;
    let rows = sqlx::query(
        "SELECT d.edition, d.variant FROM deliveries d JOIN editions e ON e.id = d.edition
         WHERE (d.recipient = $1 OR d.recipient IN (SELECT recipient FROM moved WHERE to_recipient = $1))
            AND e.newsletter = $2 AND e.composed_at > $3 AND d.state IN ('accepted', 'sending', 'uncertain') ORDER BY d.edition",
    )
    .bind(signup.recipient)
    .bind(other)
    .bind((now - CARRIED).timestamp())
    .fetch_all(connection)
    .await?;
    let mut editions = Vec::with_capacity(rows.len());
    for row in &rows {
        let (edition, variant): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        editions.push(format!("{edition}.{variant}"));
    }
    Ok(Some(format!("!{}", editions.join(","))))
}

async fn subscribe(
    connection: &mut AnyConnection,
    signup: &Signup,
    carried: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO subscriptions (newsletter, recipient, state, source, import, since, topics, carried)
         VALUES ($1, $2, 'subscribed', 'web', 0, $3, $4, $5)
         ON CONFLICT (newsletter, recipient) DO UPDATE SET state = 'subscribed', source = 'web', was = NULL,
            since = CASE WHEN subscriptions.state = 'subscribed' THEN subscriptions.since ELSE excluded.since END,
            topics = excluded.topics, carried = excluded.carried",
    )
    .bind(&signup.newsletter)
    .bind(signup.recipient)
    .bind(now.timestamp())
    .bind(signup.topics.as_deref())
    .bind(carried)
    .execute(connection)
    .await?;
    Ok(())
}

/// Letters arrive there again: this one did. Tells whether the address had been given up.
async fn lift(connection: &mut AnyConnection, recipient: i64) -> Result<bool> {
    let lifted = sqlx::query("DELETE FROM suppressions WHERE recipient = $1 AND reason <> 'complaint'")
        .bind(recipient)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE returned SET lifted = 1 WHERE recipient = $1").bind(recipient).execute(connection).await?;
    Ok(lifted.rows_affected() > 0)
}

async fn remember(
    connection: &mut AnyConnection,
    signup: &Signup,
    proof: &str,
    (lifted, replaced): (bool, bool),
    now: DateTime<Utc>,
) -> Result<()> {
    let said = |what, at| Entry::new(signup.recipient, what, "page", at).on(&signup.newsletter);
    let mut entries = vec![
        said(What::Asked, signup.asked),
        Entry {
            basis: Some("consent"),
            proof: Some(proof),
            consent_version: Some(&signup.consent_version),
            wording: Some(&signup.consent),
            topics: signup.topics.as_deref(),
            ..said(What::Confirmed, now)
        },
    ];
    if let Some(other) = signup.instead_of.as_deref().filter(|_| replaced) {
        let note = Some(signup.newsletter.as_str());
        entries.push(Entry { note, ..Entry::new(signup.recipient, What::Left, "page", now).on(other) });
    }
    if lifted {
        entries.push(Entry::new(signup.recipient, What::Lifted, "page", now));
    }
    history::append(connection, &entries).await
}

#[cfg(test)]
pub(super) mod tests;
