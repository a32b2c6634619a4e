//! Which database: a file (SQLite), a PostgreSQL server that any number of machines share, or a branch of the project's
//! repository, where nobody is known.
//!
//! A server's password need not stand in the configuration: `CRIEUR_DATABASE_PASSWORD`, or a file that
//! `CRIEUR_DATABASE_PASSWORD_FILE` names, is put into its address. It is never shown.
//!
//! What passes between is people's addresses: a server on another machine must be spoken to over TLS, unless its address says
//! that the way there is safe (`?sslmode=disable`: a private network, a tunnel).
//!
//! BUGS: no TLS is built in, so that a server elsewhere is refused where its address does not say so.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::{Branch, Result, StoreError};
use crate::config::{Config, is_loopback};

const PASSWORD: &str = "CRIEUR_DATABASE_PASSWORD";
const PASSWORD_FILE: &str = "CRIEUR_DATABASE_PASSWORD_FILE";

/// Where a project's memory is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// `postgres://USER:PASSWORD@HOST:PORT/NAME`
    Postgres(Url),
    /// `git:NAME`
    Branch(Branch),
}

impl Database {
    /// What the configuration names; the password may be in the environment.
    pub fn of(config: &Config) -> Result<Database> {
        if let Some(name) = config.branch() {
            return Ok(Database::Branch(Branch::of(config, name)));
        }
        let password = match (std::env::var(PASSWORD), std::env::var_os(PASSWORD_FILE)) {
            (Ok(password), _) => Some(password),
            (Err(_), Some(file)) => {
                let path = PathBuf::from(file);
                let text = std::fs::read_to_string(&path).map_err(|source| StoreError::Open { path, source })?;
                Some(text.trim_end_matches(['\r', '\n']).to_string())
            }
            (Err(_), None) => None,
        };
        Database::parse(&config.root, &config.database, password.as_deref())
    }

    /// `sqlite:PATH`, a relative path starting at `root`; or `postgres://…`.
    pub fn parse(root: &Path, text: &str, password: Option<&str>) -> Result<Database> {
        let unsupported = || StoreError::Unsupported(text.split('@').next_back().unwrap_or_default().to_string());
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => {
                Ok(Database::Sqlite(root.join(path.strip_prefix("//").unwrap_or(path))))
            }
            None if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                let mut url = Url::parse(text).map_err(|_| unsupported())?;
                if let Some(password) = password {
                    url.set_password(Some(password)).map_err(|()| unsupported())?;
                }
                let is_here = url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']'])));
                let says_how = url.query_pairs().any(|(key, _)| key == "sslmode" || key == "ssl-mode");
                if !is_here && !says_how {
                    url.query_pairs_mut().append_pair("sslmode", "verify-full");
                }
                Ok(Database::Postgres(url))
            }
            _ => Err(unsupported()),
        }
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Database::Sqlite(path) => Some(path),
            Database::Postgres(_) | Database::Branch(_) => None,
        }
    }
}

/// Without the password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Sqlite(path) => write!(f, "{}", path.display()),
            Database::Branch(branch) => write!(f, "the branch {}", branch.name),
            Database::Postgres(url) => {
                let mut url = url.clone();
                let _ = url.set_password(None);
                url.set_query(None);
                write!(f, "{url}")
            }
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_servers_are_told_apart_and_a_password_is_never_shown() {
        let parse = |text| Database::parse(Path::new("/p"), text, None);
        assert_eq!(parse("sqlite:var/c.db").unwrap().path(), Some(Path::new("/p/var/c.db")));
        assert_eq!(parse("sqlite:///abs/c.db").unwrap().path(), Some(Path::new("/abs/c.db")));
        assert!(parse("mysql://x").is_err() && parse("sqlite:").is_err());
        let server = Database::parse(Path::new("/p"), "postgres://crieur:secret@db.example.org/news", None).unwrap();
        assert_eq!(server.to_string(), "postgres://crieur@db.example.org/news");
        assert_eq!(format!("{server:?}"), server.to_string());
        let server =
            Database::parse(Path::new("/p"), "postgres://crieur@db.example.org/news", Some("a/b@c")).unwrap();
        let Database::Postgres(url) = server else { panic!("no server") };
        assert_eq!(url.as_str(), "postgres://crieur:a%2Fb%40c@db.example.org/news?sslmode=verify-full");
    }

    #[test]
    fn a_server_elsewhere_is_spoken_to_over_tls_unless_its_address_says_otherwise() {
        let mode = |text| match Database::parse(Path::new("/p"), text, None).unwrap() {
            Database::Postgres(url) => url.query().map(str::to_string),
            _ => panic!("no server"),
        };
        assert_eq!(mode("postgres://crieur@127.0.0.1:5433/news"), None);
        assert_eq!(mode("postgresql://crieur@localhost/news"), None);
        assert_eq!(mode("postgres://crieur@[::1]/news"), None);
        assert_eq!(mode("postgres://crieur@db/news").as_deref(), Some("sslmode=verify-full"));
        assert_eq!(mode("postgres://crieur@db/news?sslmode=disable").as_deref(), Some("sslmode=disable"));
    }
}
