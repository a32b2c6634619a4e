//! The history of consent: for each person, what was said of their subscriptions, when, by whom, on what basis and with what
//! proof. It grows and is never changed.
//!
//! Each entry is sealed (ChaCha20-Poly1305) with a random key of its person's own, which lies in a table apart: whoever is
//! erased loses the key, and nobody reads their entries again. All entries together are one chain: the hash of an entry
//! (BLAKE3) covers the hash before it, its place, its person's number and what is sealed. It needs no key to be followed, so
//! that it still holds when keys are gone. How far it goes is also written apart: an end that was cut off shows.
//!
//! The entries of an import's part are a *strand* of their own, tied into the chain by one entry at the part's end, so that it
//! does not keep those waiting who confirm or leave meanwhile: whoever adds to the chain locks its end until their
//! commit. [`append`] is therefore the last thing that a transaction does.
//!
//! Promises: an entry is in the database exactly when the change is that it tells of (they are one transaction); [`verify`](Store::verify_history)
//! names the first entry that was changed, taken out or put in between.
//!
//! BUGS: whoever can write all of the database can make a new chain from any entry on, for the hashes have no key; only a head
//! that was noted elsewhere shows this ([`Head`]). Who can read all of it can open every entry: the keys are there. What was
//! before the history was kept is not in it.

mod chain;
mod sealed;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};

use super::{Places, ROWS, Result, Store, StoreError};
use chain::Chain;
pub(super) use chain::Strand;
pub use chain::{Fault, Head, Verified};
use sealed::Keys;

/// One thing that happened to a person's subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry<'a> {
    /// Whose it is; not sealed.
    #[serde(skip)]
    pub recipient: i64,
    #[serde(serialize_with = "as_seconds")]
    pub at: DateTime<Utc>,
    pub what: What,
    /// Who said so: `letter`, `page`, `operator`, `import`, `report`, `web`.
    pub source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newsletter: Option<&'a str>,
    /// `consent` or `mission`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<&'a str>,
    /// The version of the text that they consented to, and its wording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wording: Option<&'a str>,
    /// Which topics they take from now on: names with single spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<&'a str>,
    /// Whatever else there is to say: why an address was given up, where it moved to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// An operator added the person.
    Added,
    Imported,
    /// The person asked to be subscribed, and has not confirmed yet.
    Asked,
    Confirmed,
    Left,
    /// The person undid their leaving.
    CameBack,
    /// An operator took the person off.
    Removed,
    /// Not on the list that an import brought.
    Retired,
    /// Other topics.
    Topics,
    /// Another address.
    Moved,
    /// On another basis, or with another proof.
    Basis,
    /// No letter goes there any more: it came back, or its reader complained.
    Suppressed,
    /// Letters go there again.
    Lifted,
    Erased,
}

impl<'a> Entry<'a> {
    /// An entry that says no more than this.
    pub fn new(recipient: i64, what: What, source: &'a str, at: DateTime<Utc>) -> Entry<'a> {
        Entry {
            recipient,
            at,
            what,
            source,
            newsletter: None,
            basis: None,
            proof: None,
            consent_version: None,
            wording: None,
            topics: None,
            note: None,
        }
    }

    /// The same, about one newsletter.
    pub fn on(self, newsletter: &'a str) -> Entry<'a> {
        Entry { newsletter: Some(newsletter), ..self }
    }
}

/// An entry read back: the fields of [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    #[serde(with = "chrono::serde::ts_seconds")]
    pub at: DateTime<Utc>,
    pub what: What,
    pub source: String,
    #[serde(default)]
    pub newsletter: Option<String>,
    #[serde(default)]
    pub basis: Option<String>,
    #[serde(default)]
    pub proof: Option<String>,
    #[serde(default)]
    pub consent_version: Option<String>,
    #[serde(default)]
    pub wording: Option<String>,
    #[serde(default)]
    pub topics: Option<String>,
    #[serde(default)]
    pub note: Option<String>,
}

/// An entry with its place in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// 0: the chain itself.
    pub strand: i64,
    pub sequence: i64,
    /// `None`: it was sealed with a key that is gone.
    pub said: Option<Said>,
}

/// Adds entries to the chain, in the order given. The last thing of a transaction: from here to its commit nobody else adds any.
pub async fn append(connection: &mut AnyConnection, entries: &[Entry<'_>]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut keys = Keys::of(connection, true, entries).await?;
    while !keys.write(connection, true).await? {
        keys = Keys::of(connection, true, entries).await?;
    }
    let mut chain = Chain::lock(connection, entries.len()).await?;
    for some in entries.chunks(ROWS) {
        let rows = chain.seal(some, &keys)?;
        chain.write(connection, Places::new(true), &rows).await?;
    }
    chain.unlock(connection).await
}

impl Store {
    /// What the history says of somebody, oldest first.
    pub async fn history_of(&mut self, recipient: i64) -> Result<Vec<Remembered>> {
        let key = sealed::key_of(&mut self.connection, recipient).await?;
        // An import's entries stand where their strand was tied.
        let rows = sqlx::query(
            "SELECT h.strand, h.sequence, h.sealed,
                CASE WHEN h.strand = 0 THEN h.sequence
                    ELSE (SELECT MIN(t.sequence) FROM history t WHERE t.recipient = -h.strand) END
             FROM history h WHERE h.recipient = $1 ORDER BY 4, 2",
        )
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in &rows {
            let (strand, sequence, text): (i64, i64, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let said = match &key {
                Some(key) => key.open(strand, sequence, recipient, &text),
                None => None,
            };
            let said = said.map(|said| serde_json::from_slice(&said)).transpose()?;
            all.push(Remembered { strand, sequence, said });
        }
        Ok(all)
    }
}

fn as_seconds<S: serde::Serializer>(moment: &DateTime<Utc>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_i64(moment.timestamp())
}

fn content(error: impl std::fmt::Display) -> StoreError {
    StoreError::Content(error.to_string())
}
