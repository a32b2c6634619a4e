//! Where a test's databases are: tests of what is remembered run on both kinds of store (`on_both_stores!`).

use std::path::Path;

use crieur::store::Database;

use super::postgres;
pub(crate) use super::postgres::on_both_stores;

pub enum Place {
    Sqlite,
    Postgres { test: &'static str },
}

impl Place {
    pub fn sqlite() -> Place {
        Place::Sqlite
    }

    /// `None`: no PostgreSQL is here, and the test is skipped by name.
    pub fn postgres(test: &'static str) -> Option<Place> {
        // Asked for once, so that what follows cannot be skipped half-way.
        postgres::database(test).map(|_| Place::Postgres { test })
    }

    /// A database that nobody else has; a file's is in `folder`.
    pub fn fresh(&self, folder: &Path) -> Database {
        match self {
            Place::Sqlite => Database::Sqlite(folder.join("crieur.db")),
            Place::Postgres { test } => {
                let address = postgres::database(test).expect("a server that was there");
                Database::parse(folder, &address, None).expect("an address")
            }
        }
    }

    /// The configuration's line for a database that nobody else has.
    pub fn line(&self) -> String {
        match self {
            Place::Sqlite => String::new(),
            Place::Postgres { test } => {
                format!("database: {}\n", postgres::database(test).expect("a server that was there"))
            }
        }
    }
}
