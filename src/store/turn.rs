//! Long work in short transactions: SQLite has one writer at a time, and no queue, so that between transactions which follow each
//! other at once somebody else would have to be lucky.
//!
//! Promises: after [`HELD`] nobody writes for as long as others need to see that it is their turn. On PostgreSQL there is nothing to
//! do.

use std::time::{Duration, Instant};

use super::{Result, Store};

/// How long others wait at most.
pub const HELD: Duration = Duration::from_millis(700);
/// SQLite's connections look every 100 ms whether it is their turn.
const PAUSE: Duration = Duration::from_millis(110);

/// Whoever writes one transaction after another, and gives way to others.
#[derive(Default)]
pub struct Turn {
    began: Option<Instant>,
    held: Duration,
    /// The log is written into the file in the pauses, and not behind each commit.
    by_hand: bool,
}

impl Turn {
    /// Before a transaction: lets others write, when it was our turn long enough.
    pub async fn give_way(&mut self, store: &mut Store) -> Result<()> {
        if self.held > HELD && !store.is_postgres() {
            let pause = Instant::now();
            if !std::mem::replace(&mut self.by_hand, true) {
                sqlx::raw_sql("PRAGMA wal_autocheckpoint = 0").execute(&mut store.connection).await?;
            }
            sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut store.connection).await?;
            tokio::time::sleep(PAUSE.saturating_sub(pause.elapsed())).await;
            self.held = Duration::ZERO;
        }
        self.began = Some(Instant::now());
        Ok(())
    }

    /// Behind a transaction.
    pub fn ends(&mut self) {
        self.held += self.began.take().map(|began| began.elapsed()).unwrap_or_default();
    }

    pub async fn over(self, store: &mut Store) -> Result<()> {
        if self.by_hand {
            // Whoever commits next shall not do it for us.
            sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut store.connection).await?;
            sqlx::raw_sql("PRAGMA wal_autocheckpoint = 1000").execute(&mut store.connection).await?;
        }
        Ok(())
    }
}
