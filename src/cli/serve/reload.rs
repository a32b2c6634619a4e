//! Reading the configuration and the keys anew while the service runs, when SIGHUP asks for it.
//!
//! Promises: what cannot be used is refused whole, with file and line, and what was before goes on; who has asked already is
//! answered by what was before.
//!
//! BUGS: the address to listen at and the database stay as they were at the start; that is said. So does what the environment says.

use std::path::PathBuf;

use super::report;
use crate::cli::Globals;
use crate::config::Config;
use crate::problem::{Problem, Problems};
use crate::secrets::Secrets;
use crate::store::Database;
use crate::web::Current;

/// What stays as it was when the service started.
pub struct Reload {
    globals: Globals,
    listen: String,
    /// `--listen` says where, whatever the configuration says.
    listens_elsewhere: bool,
    database: Database,
}

impl Reload {
    pub fn new(globals: &Globals, config: &Config, database: Database, listens_elsewhere: bool) -> Reload {
        Reload { globals: globals.clone(), listen: config.web.listen.clone(), listens_elsewhere, database }
    }

    /// Reads all anew, and lets the service go on with it, or says why not.
    pub async fn read_anew(&mut self, current: &Current) {
        let root = self.globals.root.clone();
        let fingerprint = current.get().secrets.fingerprint();
        let read = tokio::task::spawn_blocking(move || read(root, &fingerprint)).await;
        let (config, secrets, problems) = match read {
            Ok(Ok(read)) => read,
            Ok(Err(problems)) => return self.refuse(&problems),
            Err(error) => return self.refuse(&Problems(vec![Problem::error("reload", error.to_string())])),
        };
        report::problems_in_passing(&self.globals, &problems);
        for words in self.what_stays(&config) {
            self.globals.say(words);
        }
        let service = current.get().anew(config, secrets);
        current.set(service);
        self.globals.say("configuration and keys were read anew");
    }

    fn refuse(&self, problems: &Problems) {
        report::problems(problems, self.globals.verbose);
        report::line("nothing was read anew: the service goes on with what was before");
    }

    /// What the configuration says otherwise, and a running service cannot change.
    fn what_stays(&self, config: &Config) -> Vec<String> {
        let mut words = Vec::new();
        if !self.listens_elsewhere && config.web.listen != self.listen {
            words.push(format!("`web.listen` changed: it listens at {} until it is started again", self.listen));
        }
        if Database::of(config).ok().as_ref() != Some(&self.database) {
            words.push(format!("`database` changed: {} is used until it is started again", self.database));
        }
        words
    }
}

/// The configuration without an error, and the keys of this project.
fn read(root: PathBuf, fingerprint: &str) -> Result<(Config, Secrets, Problems), Problems> {
    let (config, problems) = Config::read(&root)?;
    if problems.has_errors() {
        return Err(problems);
    }
    let unusable = |message: String| Problems(vec![Problem::error("secrets", message)]);
    // Never made: a key that is gone must be put back.
    match Secrets::look(&config) {
        Ok(Some(secrets)) if secrets.fingerprint() == fingerprint => Ok((config, secrets, problems)),
        Ok(Some(_)) => Err(unusable("the first key is another one than the database was used with".to_string())),
        Ok(None) => Err(unusable("the file of keys is gone: put it back from a copy".to_string())),
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// Hears each SIGHUP.
pub struct Asked {
    #[cfg(unix)]
    signals: tokio::signal::unix::Signal,
}

pub fn asked() -> std::io::Result<Asked> {
    Ok(Asked {
        #[cfg(unix)]
        signals: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
    })
}

impl Asked {
    /// Until it is asked the next time.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if self.signals.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}
