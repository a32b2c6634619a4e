//! The chain over what is sealed, the strands that are tied into it, and walking along it.

use data_encoding::BASE64URL_NOPAD;
use ring::aead::NONCE_LEN;
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};

use super::sealed::Keys;
use super::{Entry, content};
use crate::store::{Places, Result, Store};

/// The strand that all others are tied into.
pub const CHAIN: i64 = 0;
/// How many entries one statement writes.
pub const STATEMENT: usize = 1000;
/// How many entries are read at a time.
const PAGE: i64 = 2000;

type Hash = [u8; 32];

/// The end of a strand that is being written.
#[derive(Clone)]
pub struct Chain {
    strand: i64,
    sequence: i64,
    hash: Hash,
}

/// How far the chain goes: to be noted elsewhere, for whoever can write all of the database can also make another chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub sequence: i64,
    /// Empty: nothing is in it yet.
    pub hash: String,
}

/// The entry that ties a strand into the chain; it is nobody's, and not sealed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub strand: i64,
    pub entries: i64,
    pub hash: String,
}

/// What a walk along the history found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// People's entries.
    pub entries: i64,
    pub head: Head,
    /// The first place that does not hold.
    pub fault: Option<Fault>,
}

/// An entry at which the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// 0: the chain itself; else an import's.
    pub strand: i64,
    pub sequence: i64,
    pub why: &'static str,
}

impl Chain {
    fn begin(strand: i64) -> Chain {
        Chain { strand, sequence: 0, hash: hash_of(&[0; 32], strand, 0, 0, "") }
    }

    /// The chain's end: nobody else writes there before the transaction's end.
    pub async fn lock(connection: &mut AnyConnection, entries: usize) -> Result<Chain> {
        let count = i64::try_from(entries).map_err(content)?;
        let row =
            sqlx::query("UPDATE history_head SET sequence = sequence + $1 WHERE id = 0 RETURNING sequence, hash")
                .bind(count)
                .fetch_one(connection)
                .await?;
        let (sequence, hash): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let sequence = sequence - count;
        match sequence {
            0 => Ok(Chain::begin(CHAIN)),
            _ => Ok(Chain {
                strand: CHAIN,
                sequence,
                hash: read_hash(&hash).ok_or_else(|| content("the history's head is no hash"))?,
            }),
        }
    }

    pub async fn unlock(self, connection: &mut AnyConnection) -> Result<()> {
        sqlx::query("UPDATE history_head SET hash = $1 WHERE id = 0")
            .bind(BASE64URL_NOPAD.encode(&self.hash))
            .execute(connection)
            .await?;
        Ok(())
    }

    /// The next entry's place, and its hash.
    fn next(&mut self, recipient: i64, sealed: &str) -> (i64, String) {
        self.sequence += 1;
        self.hash = hash_of(&self.hash, self.strand, self.sequence, recipient, sealed);
        (self.sequence, BASE64URL_NOPAD.encode(&self.hash))
    }

    /// Seals entries as those that follow.
    pub fn seal(&mut self, entries: &[Entry<'_>], keys: &Keys) -> Result<Vec<Walked>> {
        let mut nonces = vec![0; entries.len() * NONCE_LEN];
        getrandom::fill(&mut nonces).map_err(content)?;
        let mut rows = Vec::with_capacity(entries.len());
        for (entry, nonce) in entries.iter().zip(nonces.as_chunks::<NONCE_LEN>().0) {
            let recipient = entry.recipient;
            let sealed = keys.get(recipient)?.seal(self.strand, self.sequence + 1, entry, *nonce)?;
            let (sequence, hash) = self.next(recipient, &sealed);
            rows.push(Walked { sequence, recipient, sealed, hash });
        }
        Ok(rows)
    }

    /// Writes a statement's worth of entries.
    pub async fn write(&self, connection: &mut AnyConnection, mut places: Places, rows: &[Walked]) -> Result<()> {
        let text = format!(
            "INSERT INTO history (strand, sequence, recipient, sealed, hash) VALUES {}",
            places.rows(rows.len(), 5)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for row in rows {
            query = query.bind(self.strand).bind(row.sequence).bind(row.recipient).bind(&row.sealed).bind(&row.hash);
        }
        query.execute(connection).await?;
        Ok(())
    }
}

/// A long list of entries, written without holding the chain's end.
pub struct Strand(Chain);

impl Strand {
    pub fn begin() -> Result<Strand> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(content)?;
        Ok(Strand(Chain::begin((i64::from_be_bytes(bytes) & (i64::MAX >> 1)).max(1))))
    }

    pub async fn write(
        &mut self,
        connection: &mut AnyConnection,
        postgres: bool,
        entries: &[Entry<'_>],
    ) -> Result<()> {
        for some in entries.chunks(STATEMENT) {
            let keys = Keys::of(connection, postgres, some).await?;
            let mut chain = self.0.clone();
            // Sealing is this thread's work, while the database's takes in the keys.
            let sealing = async { chain.seal(some, &keys) };
            let (written, mut rows) = tokio::join!(keys.write(connection, postgres), sealing);
            if !written? {
                let keys = Keys::of(connection, postgres, some).await?;
                keys.write(connection, postgres).await?;
                chain = self.0.clone();
                rows = chain.seal(some, &keys);
            }
            chain.write(connection, Places::new(postgres), &rows?).await?;
            self.0 = chain;
        }
        Ok(())
    }

    /// Ties what was written into the chain: the last thing of a transaction.
    pub async fn tie(self, connection: &mut AnyConnection) -> Result<()> {
        let Strand(written) = self;
        if written.sequence == 0 {
            return Ok(());
        }
        let hash = BASE64URL_NOPAD.encode(&written.hash);
        let link = serde_json::to_string(&Link { strand: written.strand, entries: written.sequence, hash })?;
        let mut chain = Chain::lock(connection, 1).await?;
        let (sequence, hash) = chain.next(-written.strand, &link);
        sqlx::query("INSERT INTO history (strand, sequence, recipient, sealed, hash) VALUES ($1, $2, $3, $4, $5)")
            .bind(CHAIN)
            .bind(sequence)
            .bind(-written.strand)
            .bind(&link)
            .bind(hash)
            .execute(&mut *connection)
            .await?;
        chain.unlock(connection).await
    }
}

impl Store {
    /// How far the history goes.
    pub async fn history_head(&mut self) -> Result<Head> {
        let row = sqlx::query("SELECT sequence, hash FROM history_head WHERE id = 0")
            .fetch_one(&mut self.connection)
            .await?;
        Ok(Head { sequence: row.try_get(0)?, hash: row.try_get(1)? })
    }

    /// Walks along the whole history. `noted`: a head that was told at another time, which must still be in it.
    pub async fn verify_history(&mut self, noted: Option<&Head>) -> Result<Verified> {
        let head = self.history_head().await?;
        let mut verified = Verified { entries: 0, head, fault: None };
        verified.fault = self.find_fault(&mut verified, noted).await?;
        Ok(verified)
    }

    async fn find_fault(&mut self, verified: &mut Verified, noted: Option<&Head>) -> Result<Option<Fault>> {
        let last = verified.head.sequence;
        if let Some(noted) = noted.filter(|noted| noted.sequence > last) {
            return Ok(Some(Fault {
                strand: CHAIN,
                sequence: noted.sequence,
                why: "it was there, and is not any more",
            }));
        }
        let mut chain = Chain::begin(CHAIN);
        while chain.sequence < last {
            let links = match self.follow(&mut chain, last).await? {
                Ok(links) => links,
                Err(fault) => return Ok(Some(fault)),
            };
            for row in &links {
                if let Some(noted) = noted.filter(|noted| noted.sequence == row.sequence && noted.hash != row.hash) {
                    let why = "its hash is another one than was noted";
                    return Ok(Some(Fault { strand: CHAIN, sequence: noted.sequence, why }));
                }
                if row.recipient >= 0 {
                    verified.entries += 1;
                } else if let Some(fault) = self.find_fault_in_strand(row, verified).await? {
                    return Ok(Some(fault));
                }
            }
        }
        if last > 0 && read_hash(&verified.head.hash) != Some(chain.hash) {
            return Ok(Some(Fault { strand: CHAIN, sequence: last, why: "its hash is not the one of the head" }));
        }
        self.find_loose_end(last).await
    }

    /// Follows a strand over the next page, up to `last`. Gives its rows.
    async fn follow(&mut self, chain: &mut Chain, last: i64) -> Result<std::result::Result<Vec<Walked>, Fault>> {
        let rows = sqlx::query(
            "SELECT sequence, recipient, sealed, hash FROM history
             WHERE strand = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence LIMIT $4",
        )
        .bind(chain.strand)
        .bind(chain.sequence)
        .bind(last)
        .bind(PAGE)
        .fetch_all(&mut self.connection)
        .await?;
        let strand = chain.strand;
        let fault = |sequence, why| Ok(Err(Fault { strand, sequence, why }));
        if rows.is_empty() {
            return fault(chain.sequence + 1, "it is missing");
        }
        let mut walked = Vec::with_capacity(rows.len());
        for row in &rows {
            let row = Walked {
                sequence: row.try_get(0)?,
                recipient: row.try_get(1)?,
                sealed: row.try_get(2)?,
                hash: row.try_get(3)?,
            };
            let (sequence, hash) = chain.next(row.recipient, &row.sealed);
            if row.sequence != sequence {
                return fault(sequence, "it is missing");
            }
            if row.hash != hash {
                return fault(sequence, "it was changed, or what is before it");
            }
            walked.push(row);
        }
        Ok(Ok(walked))
    }

    async fn find_fault_in_strand(&mut self, tied: &Walked, verified: &mut Verified) -> Result<Option<Fault>> {
        let link: Option<Link> = serde_json::from_str(&tied.sealed).ok();
        let Some(link) = link.filter(|link| link.strand == -tied.recipient) else {
            return Ok(Some(Fault { strand: CHAIN, sequence: tied.sequence, why: "it ties no strand" }));
        };
        let mut chain = Chain::begin(link.strand);
        while chain.sequence < link.entries {
            if let Err(fault) = self.follow(&mut chain, link.entries).await? {
                return Ok(Some(fault));
            }
        }
        verified.entries += link.entries;
        let fault =
            Fault { strand: link.strand, sequence: link.entries, why: "its hash is not the one that was tied" };
        Ok(Some(fault).filter(|_| read_hash(&link.hash) != Some(chain.hash)))
    }

    /// Entries that nothing leads to. What was added since the walk began is not meant.
    async fn find_loose_end(&mut self, last: i64) -> Result<Option<Fault>> {
        let now = self.history_head().await?.sequence;
        let row = sqlx::query(
            "SELECT h.strand, h.sequence FROM history h WHERE (h.strand = 0 AND h.sequence > $1)
                OR (h.strand <> 0 AND NOT EXISTS (SELECT 1 FROM history t WHERE t.recipient = -h.strand))
             ORDER BY h.strand, h.sequence LIMIT 1",
        )
        .bind(now.max(last))
        .fetch_optional(&mut self.connection)
        .await?;
        match row {
            Some(row) => {
                let why = "it is behind the end, or tied to nothing";
                Ok(Some(Fault { strand: row.try_get(0)?, sequence: row.try_get(1)?, why }))
            }
            None => Ok(None),
        }
    }
}

/// A row of the history, as it is written and followed.
pub struct Walked {
    sequence: i64,
    recipient: i64,
    sealed: String,
    hash: String,
}

fn hash_of(before: &Hash, strand: i64, sequence: i64, recipient: i64, sealed: &str) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    for number in [strand, sequence, recipient] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(sealed.as_bytes());
    *hasher.finalize().as_bytes()
}

fn read_hash(text: &str) -> Option<Hash> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
}
