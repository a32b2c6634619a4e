//! Who delivers: the workers of a database, their leases, and the locks that say that they live.
//!
//! A worker holds a lock as long as its process lives: a file's beside SQLite's database, an advisory one of its session on
//! PostgreSQL. Whose lock is free is dead; whose lease is over by the database's clock is taken for dead, too. Then its
//! `claimed` rows go back to `pending`, its `sending` rows become `uncertain`, and it is unregistered, all in one commit: a
//! worker that was taken for dead wrongly begins and settles nothing any more.
//!
//! The connections to the mail server are shared: each worker may have its part of the limit, and never so many that the
//! sum of what all have is above it; whoever comes late waits until the others have let go.
//!
//! BUGS: on SQLite all workers must be on one machine, with the database on a local disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row};

use super::{Alone, Result, Store, StoreError};

/// How long a lease lasts, in seconds.
const LEASE: i64 = 60;

/// A registered worker; its lock is held as long as this value lives, on PostgreSQL as long as its connection.
pub struct Worker {
    pub id: i64,
    _lock: Option<File>,
}

/// What a worker may have until its next heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Connections.
    pub may: i64,
    /// Nobody else is at work.
    pub alone: bool,
    /// Others took this worker for dead.
    pub lost: bool,
}

/// What the dead left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buried {
    /// Rows that are free again.
    pub freed: u64,
    /// Rows whose outcome nobody knows.
    pub uncertain: u64,
}

/// Held by the one who composes.
pub struct Composing {
    _lock: Option<File>,
}

impl Store {
    /// Registers a worker.
    pub async fn hire(&mut self, name: &str) -> Result<Worker> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::Content(error.to_string()))?;
        let id = (i64::from_be_bytes(bytes) & (i64::MAX >> 1)) | (1 << 40);
        let lock = match self.lock_path(&format!("worker-{id}")) {
            Some(path) => try_lock(&path, true)?,
            None => {
                sqlx::query("SELECT pg_advisory_lock($1)").bind(id).fetch_all(&mut self.connection).await?;
                None
            }
        };
        let clock = self.clock();
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "INSERT INTO workers (id, name, lease_until, wanted, connections) VALUES ($1, $2, {clock} + {LEASE}, 0, 0)"
        )))
        .bind(id)
        .bind(name)
        .execute(&mut self.connection)
        .await?;
        Ok(Worker { id, _lock: lock })
    }

    /// Holds the lock of a worker that is elsewhere, beside SQLite's file.
    pub(super) fn stand_in(&self, id: i64) -> Result<Worker> {
        let lock = self.lock_path(&format!("worker-{id}")).map(|path| try_lock(&path, true)).transpose()?;
        Ok(Worker { id, _lock: lock.flatten() })
    }

    /// Gives back what a worker has claimed, and unregisters it.
    pub async fn dismiss(&mut self, worker: Worker) -> Result<()> {
        let mut transaction = self.write().await?;
        release(&mut transaction, worker.id).await?;
        sqlx::query("DELETE FROM workers WHERE id = $1").bind(worker.id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        match self.lock_path(&format!("worker-{}", worker.id)) {
            // A file that stays behind holds nobody up.
            Some(path) => drop(fs::remove_file(path)),
            None => {
                sqlx::query("SELECT pg_advisory_unlock($1)").bind(worker.id).fetch_all(&mut self.connection).await?;
            }
        }
        Ok(())
    }

    /// Renews the lease of a worker that has `used` connections and wants `wanted` of the `limit` that all share.
    pub async fn heartbeat(&mut self, worker: &Worker, used: i64, wanted: i64, limit: i64) -> Result<Share> {
        let clock = self.clock();
        // Two that read each other's numbers at once would both take what is left.
        let mut transaction = self.write_alone(Alone::Sharing).await?;
        let renewed = sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE workers SET lease_until = {clock} + {LEASE}, wanted = $1 WHERE id = $2"
        )))
        .bind(wanted)
        .bind(worker.id)
        .execute(&mut *transaction)
        .await?;
        if renewed.rows_affected() == 0 {
            return Ok(Share { may: 0, alone: true, lost: true });
        }
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT id, wanted, connections FROM workers WHERE lease_until >= {clock} OR id = $1 ORDER BY id"
        )))
        .bind(worker.id)
        .fetch_all(&mut *transaction)
        .await?;
        let mut wishes = Vec::with_capacity(rows.len());
        let (mut mine, mut others) = (0, 0);
        for (index, row) in rows.iter().enumerate() {
            let (id, wanted, connections): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            wishes.push(wanted);
            if id == worker.id {
                mine = index;
            } else {
                others += connections;
            }
        }
        let fair = shares(&wishes, limit).get(mine).copied().unwrap_or(0);
        let may = fair.min(limit - others).max(0);
        sqlx::query("UPDATE workers SET connections = $1 WHERE id = $2")
            .bind(may.max(used))
            .bind(worker.id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Share { may, alone: rows.len() == 1, lost: false })
    }

    /// Finds workers that died, and frees what they held; so too what belongs to workers that nobody knows (a database that
    /// was restored from a copy).
    pub async fn bury_dead(&mut self, me: Option<&Worker>, now: DateTime<Utc>) -> Result<Buried> {
        self.forget_elsewhere(now).await?;
        let clock = self.clock();
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT id, CASE WHEN lease_until < {clock} THEN 1 ELSE 0 END FROM workers WHERE id <> $1"
        )))
        .bind(me.map_or(0, |worker| worker.id))
        .fetch_all(&mut self.connection)
        .await?;
        let mut dead = Vec::new();
        for row in &rows {
            let (id, late): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            if late == 1 || self.is_dead(id).await? {
                dead.push(id);
            }
        }
        let mut transaction = self.write().await?;
        for id in &dead {
            sqlx::query("DELETE FROM workers WHERE id = $1").bind(*id).execute(&mut *transaction).await?;
        }
        let freed = sqlx::query(
            "UPDATE deliveries SET state = 'pending', worker = NULL WHERE state = 'claimed'
               AND NOT EXISTS (SELECT 1 FROM workers w WHERE CAST(w.id AS TEXT) = deliveries.worker)",
        )
        .execute(&mut *transaction)
        .await?;
        let uncertain = sqlx::query(
            "UPDATE deliveries SET state = 'uncertain', uncertain = uncertain + 1, worker = NULL, connection = NULL,
                updated_at = $1, reply = 'the program stopped before the server answered'
             WHERE state = 'sending'
               AND NOT EXISTS (SELECT 1 FROM workers w WHERE CAST(w.id AS TEXT) = deliveries.worker)",
        )
        .bind(now.timestamp())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        for path in dead.iter().filter_map(|id| self.lock_path(&format!("worker-{id}"))) {
            let _ = fs::remove_file(path);
        }
        Ok(Buried { freed: freed.rows_affected(), uncertain: uncertain.rows_affected() })
    }

    /// Whether nobody holds a worker's lock.
    async fn is_dead(&mut self, id: i64) -> Result<bool> {
        if let Some(path) = self.lock_path(&format!("worker-{id}")) {
            return match try_lock(&path, false) {
                Ok(lock) => Ok(lock.is_some()),
                // Its file is made before it registers.
                Err(StoreError::Open { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(true),
                Err(error) => Err(error),
            };
        }
        let free = sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)")
            .bind(id)
            .fetch_one(&mut self.connection)
            .await?;
        if free {
            sqlx::query("SELECT pg_advisory_unlock($1)").bind(id).fetch_all(&mut self.connection).await?;
        }
        Ok(free)
    }

    /// The lock of whoever composes, as long as the value lives (on PostgreSQL: as long as the connection); `None`: somebody
    /// else is at it.
    pub async fn lock_composing(&mut self) -> Result<Option<Composing>> {
        let of_checkout = self.kept.as_ref().map(|kept| kept.lock_base.clone());
        if let Some(path) = of_checkout.or_else(|| self.lock_path("lock")) {
            return Ok(try_lock(&path, true)?.map(|lock| Composing { _lock: Some(lock) }));
        }
        let free = sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)")
            .bind(Alone::Composing as i64)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(free.then_some(Composing { _lock: None }))
    }

    /// `DATABASE.NAME`, on SQLite.
    fn lock_path(&self, name: &str) -> Option<PathBuf> {
        let mut path = self.path.as_ref()?.clone().into_os_string();
        path.push(format!(".{name}"));
        Some(path.into())
    }

    /// The database's clock, in Unix seconds.
    fn clock(&self) -> &'static str {
        if self.is_postgres() {
            "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)"
        } else {
            "CAST(strftime('%s', 'now') AS BIGINT)"
        }
    }
}

/// Rows that a worker has claimed are free again.
async fn release(connection: &mut AnyConnection, worker: i64) -> Result<()> {
    sqlx::query("UPDATE deliveries SET state = 'pending', worker = NULL WHERE state = 'claimed' AND worker = $1")
        .bind(worker.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes a file's lock; `None`: somebody has it.
fn try_lock(path: &Path, create: bool) -> Result<Option<File>> {
    let failed = |source| StoreError::Open { path: path.to_path_buf(), source };
    let file = OpenOptions::new().create(create).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Divides `limit` among those who wish for so many each: evenly, what one leaves goes to the others.
fn shares(wishes: &[i64], limit: i64) -> Vec<i64> {
    let mut shares = vec![0; wishes.len()];
    let mut left = limit;
    while left > 0 {
        let before = left;
        for (share, wish) in shares.iter_mut().zip(wishes) {
            if *share < *wish && left > 0 {
                *share += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::newsletters::moment;
    use crate::store::tests::{Place, on_both_stores, wait};

    #[test]
    fn what_one_leaves_goes_to_the_others() {
        assert_eq!(shares(&[8], 8), [8]);
        assert_eq!(shares(&[8, 8, 8], 8), [3, 3, 2]);
        assert_eq!(shares(&[1, 8, 0], 8), [1, 7, 0]);
        assert_eq!(shares(&[8, 8, 8], 2), [1, 1, 0]);
    }

    on_both_stores! {
        a_newcomer_waits_until_the_others_have_let_go,
        whose_lock_is_free_is_dead_and_whoever_lives_is_not,
        one_composes_at_a_time,
    }

    fn a_newcomer_waits_until_the_others_have_let_go(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let mut other = place.open().await;
            let first = store.hire("first").await.unwrap();
            assert_eq!(store.heartbeat(&first, 0, 8, 8).await.unwrap().may, 8);
            let second = other.hire("second").await.unwrap();
            let share = other.heartbeat(&second, 0, 8, 8).await.unwrap();
            assert_eq!(share, Share { may: 0, alone: false, lost: false });
            assert_eq!(store.heartbeat(&first, 8, 8, 8).await.unwrap().may, 4);
            assert_eq!(other.heartbeat(&second, 0, 8, 8).await.unwrap().may, 0, "they are still open");
            assert_eq!(store.heartbeat(&first, 4, 8, 8).await.unwrap().may, 4);
            assert_eq!(other.heartbeat(&second, 0, 8, 8).await.unwrap().may, 4);
            other.dismiss(second).await.unwrap();
            assert_eq!(store.heartbeat(&first, 4, 8, 8).await.unwrap(), Share { may: 8, alone: true, lost: false });
        });
    }

    fn whose_lock_is_free_is_dead_and_whoever_lives_is_not(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let mut other = place.open().await;
            let me = store.hire("me").await.unwrap();
            let them = other.hire("them").await.unwrap();
            store.bury_dead(Some(&me), moment(1)).await.unwrap();
            assert!(!other.heartbeat(&them, 0, 1, 8).await.unwrap().lost);
            drop((them.id, other));
            drop(them);
            place.settle_down().await;
            store.bury_dead(Some(&me), moment(1)).await.unwrap();
            assert!(store.heartbeat(&me, 0, 1, 8).await.unwrap().alone);
            store.dismiss(me).await.unwrap();
            let left: Vec<_> =
                fs::read_dir(place.folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
            assert!(!left.iter().any(|name| name.to_string_lossy().contains("worker")), "{left:?}");
        });
    }

    fn one_composes_at_a_time(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let mut other = place.open().await;
            let lock = store.lock_composing().await.unwrap();
            assert!(lock.is_some());
            assert!(other.lock_composing().await.unwrap().is_none());
            drop((lock, store));
            place.settle_down().await;
            assert!(other.lock_composing().await.unwrap().is_some());
        });
    }
}
