//! The service's connections to the database: a few, opened when they are needed, each used by one request at a time.
//!
//! Promises: a request waits for a connection no longer than it is patient; one that failed, or was left in the middle of its
//! work, is not used again, so that a database that was away is found again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::store::{self, Database, Store, StoreError};

/// How many at once: leaving is rare, and SQLite has one writer.
const CONNECTIONS: usize = 4;
/// How long one request's work with the database may take, the waiting for it included.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no answer from the database.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    #[error("the database does not answer in time")]
    TooLate,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A piece of work with a connection.
pub trait Work<T>: for<'a> Fn(&'a mut Store) -> BoxFuture<'a, store::Result<T>> + Send + Sync {}

impl<T, Any> Work<T> for Any where Any: for<'a> Fn(&'a mut Store) -> BoxFuture<'a, store::Result<T>> + Send + Sync {}

pub struct Stores {
    database: Database,
    idle: Mutex<Vec<Store>>,
    turns: Semaphore,
}

impl Stores {
    pub fn new(database: Database, first: Store) -> Stores {
        Stores { database, idle: Mutex::new(vec![first]), turns: Semaphore::new(CONNECTIONS) }
    }

    /// Does a piece of work with a connection; once more with a new one where one that had lain idle fails: the server may
    /// have closed it meanwhile. The work must be one transaction, or nothing but looks.
    pub async fn with<T>(&self, work: impl Work<T>) -> Result<T, NoAnswer> {
        timeout(PATIENCE, self.at_once(work)).await.unwrap_or(Err(NoAnswer::TooLate))
    }

    async fn at_once<T>(&self, work: impl Work<T>) -> Result<T, NoAnswer> {
        let Ok(_turn) = self.turns.acquire().await else { return Err(NoAnswer::TooLate) };
        if let Some(mut store) = self.take()
            && let Ok(done) = work(&mut store).await
        {
            self.give_back(store);
            return Ok(done);
        }
        let mut store = Store::open(&self.database).await?;
        let done = work(&mut store).await?;
        self.give_back(store);
        Ok(done)
    }

    fn take(&self) -> Option<Store> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, store: Store) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(store);
    }

    /// Closes those that lie idle; SQLite then folds its log into its file.
    pub async fn close(&self) {
        while let Some(store) = self.take() {
            // There is nothing left to lose: what was done is on disk.
            let _ = store.close().await;
        }
    }
}
