//! *remember*: people, editions, the ledger of deliveries, what was announced, and a copy of the items' identities.
//!
//! One SQL text for SQLite and PostgreSQL through sqlx's `Any`: `$1` placeholders, times as Unix seconds in BIGINT, ids
//! given by the program. The files follow the tables: [`recipients`], [`newsletters`], [`editions`] ([`freeze`]),
//! [`shares`] by tags and topics, [`ledger`] ([`explain`], [`bounces`]), [`workers`], [`pictures`], [`items`], the totals
//! [`daily`], [`replies`] and [`readers`]; [`branch`] keeps all of it as text in git. On SQLite a writer begins with `BEGIN IMMEDIATE`, so
//! that two processes queue instead of failing; on PostgreSQL (READ COMMITTED) a row's lock orders those who change it, and
//! an advisory lock those who give out numbers or shares. What belongs together is one transaction. Work is set-based: no
//! list of people is held in memory.
//!
//! Promises: what a function said is done is on disk (WAL, `synchronous=FULL`); a database that was used with another
//! key is refused.
//!
//! BUGS: one connection a [`Store`]: whoever holds it has it to themselves.

pub mod archive;
pub mod bounces;
mod branch;
pub mod daily;
pub mod database;
pub mod editions;
pub mod erase;
mod error;
pub mod explain;
pub mod freeze;
pub mod history;
mod intake;
pub mod items;
pub mod leaving;
pub mod ledger;
pub mod listing;
pub mod managing;
pub mod moving;
pub mod newsletters;
pub mod outbox;
pub mod pictures;
mod places;
pub mod readers;
pub mod recipients;
pub mod replies;
pub mod retention;
pub mod shares;
pub mod signups;
mod sums;
mod turn;
pub mod workers;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::any::{Any, AnyConnectOptions};
use sqlx::{AnyConnection, ConnectOptions, Connection, Transaction};

/// The migrations, in their order; a database says in `meta` how many it has.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_begin.sql"),
    include_str!("migrations/0002_pictures.sql"),
    include_str!("migrations/0003_send_at.sql"),
    include_str!("migrations/0004_paces.sql"),
    include_str!("migrations/0005_workers.sql"),
    include_str!("migrations/0006_returned.sql"),
    include_str!("migrations/0007_leaving.sql"),
    include_str!("migrations/0008_people.sql"),
    include_str!("migrations/0009_signups.sql"),
    include_str!("migrations/0010_topics.sql"),
    include_str!("migrations/0012_readers.sql"),
    include_str!("migrations/0013_moves.sql"),
    include_str!("migrations/0014_long_lists.sql"),
];

pub use branch::{Branch, without_addresses};
pub use database::Database;
pub use error::{Result, StoreError};
use places::{Places, ROWS, places, storable};

/// The open database.
pub struct Store {
    connection: AnyConnection,
    /// SQLite's file.
    path: Option<PathBuf>,
    /// The ledger's statement, by its number of rows.
    settle_texts: HashMap<usize, Arc<str>>,
    /// What it is a copy of, where the memory is a branch.
    kept: Option<Box<branch::Kept>>,
}

/// What one process does at a time. SQLite has one writer anyhow; on PostgreSQL these are advisory locks, and the workers'
/// own numbers are far above.
#[derive(Clone, Copy, Debug)]
enum Alone {
    /// Bringing the database to this version's form, and beginning to use it.
    Migrating = 1,
    Composing = 2,
    /// Giving out numbers, of imports and of editions.
    Numbering = 3,
    /// Sharing out the connections.
    Sharing = 4,
    /// Counting the letters that are asked for on pages, and keeping them.
    Asking = 5,
}

impl Store {
    /// Opens the database, makes it when it is not there (PostgreSQL's must be), and brings it to this version's form.
    pub async fn open(database: &Database) -> Result<Store> {
        match database {
            Database::Sqlite(path) => Store::open_file(path).await,
            Database::Postgres(url) => {
                let mut store = Store::connect(url.as_str(), None, database).await?;
                store.migrate().await?;
                Ok(store)
            }
            Database::Branch(branch) => Store::open_branch(branch, false).await,
        }
    }

    /// Opens SQLite's file, and makes it when it is not there.
    async fn open_file(path: &Path) -> Result<Store> {
        create_private(path).map_err(|source| StoreError::Open { path: path.to_path_buf(), source })?;
        let shown = Database::Sqlite(path.to_path_buf());
        let mut store = Store::connect(&sqlite_address(path), Some(path.to_path_buf()), &shown).await?;
        for pragma in [
            "PRAGMA busy_timeout = 60000",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            // What was deleted is overwritten: people are erased.
            "PRAGMA secure_delete = ON",
            // 24 MB, where they are of use: a million people's indexes do not fit into the usual two.
            "PRAGMA cache_size = -24576",
        ] {
            sqlx::raw_sql(pragma).execute(&mut store.connection).await?;
        }
        store.migrate().await?;
        Ok(store)
    }

    /// Opens a database for those who only look: no statement can change it. `None`: there is none yet.
    pub async fn look(database: &Database) -> Result<Option<Store>> {
        let mut store = match database {
            Database::Sqlite(path) if !path.exists() => return Ok(None),
            Database::Sqlite(path) => Store::connect(&sqlite_address(path), Some(path.clone()), database).await?,
            Database::Postgres(url) => Store::connect(url.as_str(), None, database).await?,
            // A copy of this process's own: what it changes goes nowhere.
            Database::Branch(branch) => return Store::look_at_branch(branch).await,
        };
        let read_only: &[&str] = match store.is_postgres() {
            true => &["SET default_transaction_read_only = on"],
            false => &["PRAGMA busy_timeout = 2000", "PRAGMA query_only = 1"],
        };
        for text in read_only {
            sqlx::raw_sql(*text).execute(&mut store.connection).await?;
        }
        if store.is_postgres() && !store.has_begun().await? {
            return Ok(None);
        }
        let version = read_meta(&mut store.connection, "version").await?;
        match version.and_then(|text| text.parse().ok()).unwrap_or(0) {
            version if version < MIGRATIONS.len() => Err(StoreError::Older),
            version if version > MIGRATIONS.len() => Err(StoreError::Newer),
            _ => Ok(Some(store)),
        }
    }

    /// Whether the database holds anything of ours.
    pub async fn is_there(database: &Database) -> Result<bool> {
        match database {
            Database::Sqlite(path) => Ok(path.exists()),
            Database::Postgres(url) => Store::connect(url.as_str(), None, database).await?.has_begun().await,
            Database::Branch(branch) => Ok(Store::look_at_branch(branch).await?.is_some()),
        }
    }

    /// `shown` is named where it cannot be reached.
    async fn connect(address: &str, path: Option<PathBuf>, shown: &Database) -> Result<Store> {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = address.parse()?;
        let connection =
            options.connect().await.map_err(|source| StoreError::Connect { database: shown.to_string(), source })?;
        Ok(Store { connection, path, settle_texts: HashMap::new(), kept: None })
    }

    /// Whether PostgreSQL's database holds anything of ours.
    async fn has_begun(&mut self) -> Result<bool> {
        let tables: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_name = 'meta'",
        )
        .fetch_one(&mut self.connection)
        .await?;
        Ok(tables > 0)
    }

    fn is_postgres(&self) -> bool {
        self.path.is_none()
    }

    /// What a claim adds so that workers pass by each other's rows: the one difference of dialect in the ledger.
    fn skip_locked(&self) -> &'static str {
        if self.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" }
    }

    /// The fingerprint of the key that the database was used with, if it was used.
    pub async fn key_fingerprint(&mut self) -> Result<Option<String>> {
        read_meta(&mut self.connection, "key").await
    }

    /// Closes the database; SQLite then folds its log into it.
    pub async fn close(self) -> Result<()> {
        Ok(self.connection.close().await?)
    }

    /// A transaction that may write.
    async fn write(&mut self) -> Result<Transaction<'_, Any>> {
        if self.is_postgres() {
            return Ok(self.connection.begin().await?);
        }
        Ok(self.connection.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A transaction that may write, and that waits until no other process is at the same.
    async fn write_alone(&mut self, what: Alone) -> Result<Transaction<'_, Any>> {
        let is_postgres = self.is_postgres();
        let mut transaction = self.write().await?;
        if is_postgres {
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(what as i64).fetch_all(&mut *transaction).await?;
        }
        Ok(transaction)
    }

    async fn migrate(&mut self) -> Result<()> {
        let mut transaction = self.write_alone(Alone::Migrating).await?;
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
            .execute(&mut *transaction)
            .await?;
        let version = read_meta(&mut transaction, "version").await?;
        let version: usize = version.and_then(|text| text.parse().ok()).unwrap_or(0);
        let Some(missing) = MIGRATIONS.get(version..) else { return Err(StoreError::Newer) };
        if !missing.is_empty() {
            for migration in missing {
                sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
            }
            write_meta(&mut transaction, "version", &MIGRATIONS.len().to_string()).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Remembers the key's fingerprint at first, and compares it ever after.
    pub async fn check_key(&mut self, fingerprint: &str) -> Result<()> {
        let mut transaction = self.write_alone(Alone::Migrating).await?;
        match read_meta(&mut transaction, "key").await? {
            Some(known) if known == fingerprint => {}
            Some(_) => return Err(StoreError::OtherKey),
            None => write_meta(&mut transaction, "key", fingerprint).await?,
        }
        Ok(transaction.commit().await?)
    }
}

async fn read_meta(connection: &mut AnyConnection, name: &str) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(name).fetch_optional(connection).await?)
}

async fn write_meta(connection: &mut AnyConnection, name: &str, value: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes an empty file for its owner only: it will hold people's addresses.
fn create_private(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// The path as sqlx wants it: everything but plain characters as `%XX`, which it undoes.
fn sqlite_address(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.".contains(&b);
    let bytes = path.to_string_lossy().into_owned().into_bytes();
    let path: String =
        bytes.iter().map(|b| if plain(*b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect();
    format!("sqlite://{path}?mode=rw")
}

#[cfg(test)]
#[path = "../../tests/support/postgres.rs"]
#[allow(dead_code)]
mod postgres;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    use super::postgres;
    pub(crate) use super::postgres::on_both_stores;

    /// An empty database, for as long as the value lives.
    pub(crate) struct Place {
        pub(crate) folder: tempfile::TempDir,
        pub(crate) database: Database,
    }

    impl Place {
        pub(crate) fn sqlite() -> Place {
            let folder = tempfile::tempdir().unwrap();
            let database = Database::Sqlite(folder.path().join("crieur.db"));
            Place { folder, database }
        }

        /// `None`: no PostgreSQL is here, and the test is skipped by name.
        pub(crate) fn postgres(test: &str) -> Option<Place> {
            let folder = tempfile::tempdir().unwrap();
            let database = Database::parse(folder.path(), &postgres::database(test)?, None).unwrap();
            Some(Place { folder, database })
        }

        pub(crate) async fn open(&self) -> Store {
            Store::open(&self.database).await.unwrap()
        }

        /// A connection that ended is told apart from one that lives only when the server has seen its end.
        pub(crate) async fn settle_down(&self) {
            if self.database.path().is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            }
        }
    }

    pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn a_database_in_a_folder_of_any_name_is_private_and_opens_twice() {
        wait(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("é %41 ?#/crieur.db");
            Store::open(&Database::Sqlite(path.clone())).await.unwrap().close().await.unwrap();
            Store::open(&Database::Sqlite(path.clone())).await.unwrap().close().await.unwrap();
            assert!(path.exists());
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            }
        });
    }

    on_both_stores! {
        another_key_is_refused,
        a_database_of_a_newer_version_is_refused,
        whoever_only_looks_can_change_nothing,
    }

    fn another_key_is_refused(place: Place) {
        wait(async {
            let mut store = place.open().await;
            store.check_key("aa").await.unwrap();
            store.check_key("aa").await.unwrap();
            assert!(store.check_key("bb").await.unwrap_err().is_other_key());
        });
    }

    fn a_database_of_a_newer_version_is_refused(place: Place) {
        wait(async {
            let mut store = place.open().await;
            write_meta(&mut store.connection, "version", "99").await.unwrap();
            assert!(matches!(Store::open(&place.database).await, Err(StoreError::Newer)));
        });
    }

    fn whoever_only_looks_can_change_nothing(place: Place) {
        wait(async {
            let store = place.open().await;
            store.close().await.unwrap();
            let mut store = Store::look(&place.database).await.unwrap().unwrap();
            assert!(store.brake_all("no").await.is_err());
            assert_eq!(store.key_fingerprint().await.unwrap(), None);
        });
    }
}
