//! What the commands about letters and people share: the configuration, the key, the database, and the lock that
//! keeps two of them from composing at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::{Globals, Unusable};
use crate::announce::Material;
use crate::config::{Config, Newsletter};
use crate::item::identity::Lock;
use crate::mail::clock::Clock;
use crate::mail::delivery::{Setting, Stop};
use crate::mail::dkim::load;
use crate::mail::transport::{Environment, Route};
use crate::problem::{Problem, Problems};
use crate::project::{LOCK_PATH, Project};
use crate::secrets::Secrets;
use crate::store::workers::Composing;
use crate::store::{Database, Store, StoreError};

/// How often a command begins in all, where others push to the branch meanwhile.
const TURNS: u64 = 8;

/// An open office: everything that a command about letters or people needs.
pub struct Office {
    pub config: Config,
    /// The configuration's.
    pub problems: Problems,
    pub secrets: Secrets,
    pub store: Store,
}

/// What the project's newsletters are made of.
pub fn material(project: &Project) -> Material<'_> {
    Material {
        config: &project.config,
        items: &project.items,
        renderer: &project.renderer,
        templates: &project.templates,
    }
}

/// What drives the database and the connections: one thread, for they wait more than they work.
pub fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

impl Office {
    pub async fn open(globals: &Globals) -> anyhow::Result<Office> {
        let (config, problems) = Config::read(&globals.root).map_err(Unusable)?;
        globals.hides_addresses.store(config.branch().is_some(), Ordering::Relaxed);
        let secrets = Secrets::of(&config)?;
        let mut store = Store::open(&Database::of(&config)?).await?;
        store.check_key(&secrets.fingerprint()).await?;
        Ok(Office { config, problems, secrets, store })
    }

    /// Closes the database after a command's work, and gives what came of that: what went wrong before says more than that
    /// a database that is gone cannot be closed.
    pub async fn close_after<T>(self, done: anyhow::Result<T>) -> anyhow::Result<T> {
        let closed = self.store.close().await;
        let done = done?;
        closed?;
        Ok(done)
    }

    /// Refuses a command about people where the memory is a branch, which knows nobody.
    pub fn needs_people(&self) -> anyhow::Result<()> {
        let Some(branch) = self.config.branch() else { return Ok(()) };
        let message = format!(
            "there are no people here: the memory is the branch {branch} of the repository, and knows nobody"
        );
        let help = "people are at the list server; to keep them here, write `database: sqlite:PATH`";
        let place = crate::config::place_of(&self.config.root, "config/crieur.yaml", &["database"]);
        Err(Unusable(Problems(vec![Problem::error("no-people", message).help(help).at(place)])).into())
    }

    /// Holds the lock of whoever composes as long as the value is kept; `None`: another process is at work.
    pub async fn lock(&mut self) -> anyhow::Result<Option<Composing>> {
        Ok(self.store.lock_composing().await?)
    }

    /// Reads the items, by the ids of the file and of the store's copy.
    pub async fn project(&mut self, globals: &Globals) -> anyhow::Result<Project> {
        let (remembered, _) = Lock::parse(&self.store.items_text().await?, LOCK_PATH);
        let problems = std::mem::take(&mut self.problems);
        Ok(Project::of(self.config.clone(), problems, globals.now, Some(&remembered)).map_err(Unusable)?)
    }

    /// Keeps the items' ids in the store; where that shows a migration, what comes next is held.
    pub async fn remember(&mut self, project: &Project) -> anyhow::Result<()> {
        let lock = &project.identified.lock;
        let (remembered, _) = Lock::parse(&self.store.items_text().await?, LOCK_PATH);
        let (moved, known) = moved_addresses(&remembered, lock);
        if is_migration(moved, known) {
            let reason = format!(
                "{moved} of {known} known items have another address: look whether a migration moved them, then resume or cancel"
            );
            self.store.brake_all(&reason).await?;
        }
        Ok(self.store.remember_items(&lock.to_text()).await?)
    }

    /// What delivering needs.
    pub fn setting(&self, globals: &Globals) -> anyhow::Result<Setting> {
        let environment = Environment::read().map_err(anyhow::Error::msg)?;
        let mail = &self.config.mail;
        Ok(Setting {
            route: Route::new(&self.config.root, mail, &environment).map_err(anyhow::Error::msg)?,
            secrets: self.secrets.clone(),
            connections: mail.connections,
            limits: mail.limits.clone(),
            signer: load::signer(&self.config).map_err(Unusable)?.map(Arc::new),
            clock: Clock::starting(globals.now),
            stop: stop_on_signals()?,
        })
    }

    /// The newsletter of that name; the error names those that there are.
    pub fn newsletter(&self, name: &str) -> anyhow::Result<&Newsletter> {
        let found = self.config.newsletters.iter().find(|newsletter| newsletter.name == name);
        found.ok_or_else(|| unknown_newsletter(&self.config, name).into())
    }
}

/// Does a command's work, and does it again with what the other one left where another run has pushed to the branch meanwhile.
pub async fn in_turn<T>(globals: &Globals, mut work: impl AsyncFnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    for turn in 1..TURNS {
        match work().await {
            Err(error) if is_overtaken(&error) => {
                globals.say("another run has written to the branch first: looking again at what it left");
                // So that two that overtake each other do not keep in step.
                let pause = u64::from(std::process::id() % 7 + 1) * 50 * turn;
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            done => return done,
        }
    }
    work().await
}

/// Whether another run has pushed to the branch meanwhile.
pub fn is_overtaken(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<StoreError>().is_some_and(StoreError::is_overtaken))
}

/// SIGTERM and SIGINT ask deliveries to stop once the bodies under way are through; a second one does not wait for them.
fn stop_on_signals() -> std::io::Result<Stop> {
    let stop = Stop::default();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let told = Arc::new(AtomicBool::new(false));
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            let (mut signals, stop, told) = (signal(kind)?, stop.clone(), told.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    if told.swap(true, Ordering::Relaxed) {
                        // 128 and the signal's number: what a shell reports of a process that it ended.
                        std::process::exit(128 + kind.as_raw_value());
                    }
                    stop.ask();
                }
            });
        }
    }
    Ok(stop)
}

/// What to say of a name that no newsletter has: those that there are.
pub fn unknown_newsletter(config: &Config, name: &str) -> Unusable {
    let names: Vec<&str> = config.newsletters.iter().map(|newsletter| newsletter.name.as_str()).collect();
    let help = match names.as_slice() {
        [] => "write one as config/newsletters/NAME.yaml (`crieur init` does it for you)".to_string(),
        names => format!("there is: {}", names.join(", ")),
    };
    let problem = Problem::error("unknown-newsletter", format!("there is no newsletter {name:?}")).help(help);
    Unusable(Problems(vec![problem]))
}

/// How many of the items that the store knows have another address now, and how many it knows. Told from the store's own
/// memory: a `build` that ran in between has settled the file of ids already.
fn moved_addresses(remembered: &Lock, now: &Lock) -> (usize, usize) {
    let addresses: HashMap<&str, &str> = now.rows().iter().map(|row| (row.id.as_str(), row.url.as_str())).collect();
    let moved =
        remembered.rows().iter().filter(|row| addresses.get(row.id.as_str()).is_some_and(|url| *url != row.url));
    (moved.count(), remembered.len())
}

/// More than a fifth of the known addresses moved at once; one or two files that a person renamed are no migration, however
/// few items there are, unless they are all there is.
fn is_migration(moved: usize, known: usize) -> bool {
    let more_than_a_hand_renames = moved > 2 || (moved == 2 && known == 2);
    more_than_a_hand_renames && moved * 5 > known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_is_more_than_a_fifth_and_more_than_a_hand_can_rename() {
        assert!(is_migration(3, 14));
        assert!(!is_migration(3, 15));
        assert!(!is_migration(1, 1) && !is_migration(2, 3));
        assert!(is_migration(2, 2) && is_migration(57, 57));
    }
}
