//! Entries sealed for one person each, and the keys.

use std::collections::HashMap;

use data_encoding::BASE64URL_NOPAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sqlx::{AnyConnection, Row};

use super::{Entry, content};
use crate::store::{Places, Result};

/// Of a key, in bytes.
const KEY: usize = 32;

/// What seals one person's entries.
pub struct Key(LessSafeKey);

impl Key {
    fn read(text: &str) -> Result<Key> {
        Key::new(&BASE64URL_NOPAD.decode(text.as_bytes()).map_err(content)?)
    }

    fn new(bytes: &[u8]) -> Result<Key> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).map_err(|_| content("a person's key is none"))?;
        Ok(Key(LessSafeKey::new(key)))
    }

    /// The entry's text in its place: the nonce, what is sealed, and its tag.
    pub fn seal(&self, strand: i64, sequence: i64, entry: &Entry<'_>, nonce: [u8; NONCE_LEN]) -> Result<String> {
        let mut text = serde_json::to_vec(entry)?;
        let bound = Aad::from(place(strand, sequence, entry.recipient));
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut text)
            .map_err(|_| content("an entry of the history cannot be sealed"))?;
        Ok(BASE64URL_NOPAD.encode(&[nonce.as_slice(), &text].concat()))
    }

    /// `None`: it was not sealed with this key, or not for this place.
    pub fn open(&self, strand: i64, sequence: i64, recipient: i64, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let bound = Aad::from(place(strand, sequence, recipient));
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), bound, &mut text).ok()?;
        Some(opened.to_vec())
    }
}

/// Where an entry stands, and whose it is: bound to what is sealed, so that it opens nowhere else.
fn place(strand: i64, sequence: i64, recipient: i64) -> [u8; 24] {
    let mut bytes = [0; 24];
    for (part, number) in bytes.chunks_exact_mut(8).zip([strand, sequence, recipient]) {
        part.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// The keys of those whose entries are to be sealed.
pub struct Keys {
    all: HashMap<i64, Key>,
    /// Of who has none yet, in this order: not written.
    fresh: Vec<(i64, String)>,
}

impl Keys {
    /// Reads the keys that there are, up to a statement's worth; who has none yet gets one.
    pub async fn of(connection: &mut AnyConnection, numbered: bool, entries: &[Entry<'_>]) -> Result<Keys> {
        let mut people: Vec<i64> = entries.iter().map(|entry| entry.recipient).collect();
        people.sort_unstable();
        people.dedup();
        let mut all = HashMap::with_capacity(people.len());
        read_keys(connection, numbered, &people, &mut all).await?;
        let without: Vec<i64> = people.into_iter().filter(|person| !all.contains_key(person)).collect();
        let mut bytes = vec![0; without.len() * KEY];
        getrandom::fill(&mut bytes).map_err(content)?;
        let mut fresh = Vec::with_capacity(without.len());
        for (recipient, bytes) in without.into_iter().zip(bytes.chunks(KEY)) {
            all.insert(recipient, Key::new(bytes)?);
            fresh.push((recipient, BASE64URL_NOPAD.encode(bytes)));
        }
        Ok(Keys { all, fresh })
    }

    pub fn get(&self, recipient: i64) -> Result<&Key> {
        self.all.get(&recipient).ok_or_else(|| content("a person's key is missing"))
    }

    /// Writes those that are fresh. `false`: on PostgreSQL, somebody else has just given one of these people another key;
    /// [`Keys::of`] finds it.
    pub async fn write(&self, connection: &mut AnyConnection, numbered: bool) -> Result<bool> {
        if self.fresh.is_empty() {
            return Ok(true);
        }
        let text = format!(
            "INSERT INTO person_keys (recipient, secret) VALUES {} ON CONFLICT (recipient) DO NOTHING",
            Places::new(numbered).rows(self.fresh.len(), 2)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for (recipient, secret) in &self.fresh {
            query = query.bind(*recipient).bind(secret);
        }
        Ok(query.execute(connection).await?.rows_affected() == self.fresh.len() as u64)
    }
}

/// Reads the keys that people have already.
async fn read_keys(
    connection: &mut AnyConnection,
    numbered: bool,
    people: &[i64],
    all: &mut HashMap<i64, Key>,
) -> Result<()> {
    let places = Places::new(numbered).rows(1, people.len());
    let text = format!("SELECT recipient, secret FROM person_keys WHERE recipient IN {places}");
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
    for recipient in people {
        query = query.bind(*recipient);
    }
    for row in query.fetch_all(connection).await? {
        let secret: String = row.try_get(1)?;
        all.insert(row.try_get(0)?, Key::read(&secret)?);
    }
    Ok(())
}

/// A person's key, if they have one.
pub async fn key_of(connection: &mut AnyConnection, recipient: i64) -> Result<Option<Key>> {
    let secret: Option<String> = sqlx::query_scalar("SELECT secret FROM person_keys WHERE recipient = $1")
        .bind(recipient)
        .fetch_optional(connection)
        .await?;
    secret.map(|secret| Key::read(&secret)).transpose()
}
