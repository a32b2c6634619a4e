//! Reads the project again as soon as a file that it depends on has changed.
//!
//! The system tells (inotify and its like); where it cannot, every file's time is looked at twice a second. Editors write a
//! file in several steps: what follows within [`QUIET`] belongs together.
//!
//! BUGS: a folder that is a link to elsewhere is watched as the system does it; a network file system may tell nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, PollWatcher, RecursiveMode, Watcher};

use super::memory::Memory;
use super::reading::Reading;
use crate::config::Config;
use crate::mail::clock::Clock;
use crate::problem::Problem;
use crate::store::{self, StoreError};

/// A change is over when nothing has followed it for this long.
const QUIET: Duration = Duration::from_millis(20);
/// A change that never ends is looked at anyway.
const PATIENCE: Duration = Duration::from_millis(150);
/// How often it is looked whether a held item's moment has come.
const TICK: Duration = Duration::from_secs(30);

/// How long what a branch said is taken for what it says: asking is a question to another machine.
const BRANCH_AGE: Duration = Duration::from_secs(60);

type Told = notify::Result<Event>;

/// The one who watches.
pub struct Follower {
    root: PathBuf,
    clock: Clock,
    told: Receiver<Told>,
    watcher: Box<dyn Watcher + Send>,
    watched: BTreeMap<PathBuf, RecursiveMode>,
    memory: Option<(Database, Memory)>,
    /// When the database was read last.
    asked: Option<Instant>,
    /// The list of built pages, which may lie beside the database.
    manifest: Option<PathBuf>,
    runtime: tokio::runtime::Runtime,
    version: u64,
    /// Of the last reading that was handed out.
    fingerprint: Option<blake3::Hash>,
    /// When the next held item appears.
    next_moment: Option<DateTime<Utc>>,
}

/// What tells that a database is another: its files' times and sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Database(PathBuf, Vec<Option<(std::time::SystemTime, u64)>>);

impl Database {
    fn of(path: &Path) -> Database {
        let mut log = path.as_os_str().to_os_string();
        log.push("-wal");
        let state = |path: &Path| {
            let metadata = path.metadata().ok()?;
            // An empty log is as good as none: looking alone leaves one for a moment.
            (metadata.len() > 0).then_some((metadata.modified().ok()?, metadata.len()))
        };
        Database(path.to_path_buf(), vec![state(path), state(Path::new(&log))])
    }
}

impl Follower {
    pub fn new(root: &Path, clock: Clock) -> std::io::Result<Follower> {
        let (tell, told) = channel();
        Ok(Follower {
            root: root.to_path_buf(),
            clock,
            told,
            watcher: watcher(&tell),
            watched: BTreeMap::new(),
            memory: None,
            asked: None,
            manifest: None,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            version: 0,
            fingerprint: None,
            next_moment: None,
        })
    }

    /// The project as it is now; `None`: it looks as it did.
    pub fn read(&mut self) -> Option<Reading> {
        let now = self.clock.now();
        let config = Config::read(&self.root);
        let memory = match &config {
            Ok((config, _)) => self.remember(config),
            Err(_) => Ok(Memory::default()),
        };
        let reading = Reading::new(self.version + 1, config, memory, now);
        let config = reading.desk.as_ref().ok().map(|desk| desk.config());
        let more = self.watch(config);
        if let Ok(desk) = &reading.desk {
            let held = desk.project.items.iter().filter_map(|item| item.held_until);
            self.next_moment = held.filter(|until| *until > now).min();
        }
        let fingerprint = reading.fingerprint();
        let same = self.fingerprint == Some(fingerprint);
        self.fingerprint = Some(fingerprint);
        if more && same {
            // Files that changed before they were watched would be missed.
            return self.read();
        }
        if same {
            return None;
        }
        self.version += 1;
        Some(reading)
    }

    /// Waits until the project's files have changed, and come to rest.
    pub fn wait(&mut self) {
        loop {
            match self.told.recv_timeout(TICK) {
                Ok(told) if self.matters(&told) => break,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    if self.next_moment.is_some_and(|moment| moment <= self.clock.now()) {
                        return;
                    }
                }
                // The watcher lives as long as this value: nothing more will ever be told.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
            }
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE && self.told.recv_timeout(QUIET).is_ok() {}
    }

    fn remember(&mut self, config: &Config) -> Result<Memory, Problem> {
        let problem = |error: StoreError| Problem::error("database", error.to_string());
        let database = store::Database::of(config).map_err(problem)?;
        let state = Database::of(database.path().unwrap_or(Path::new("")));
        let is_branch = config.branch().is_some();
        if let (true, Some((_, memory)), Some(asked)) = (is_branch, &self.memory, self.asked)
            && asked.elapsed() < BRANCH_AGE
        {
            return Ok(memory.clone());
        }
        self.asked = Some(Instant::now());
        if let Some((known, memory)) = &self.memory
            && *known == state
            // A server's tells nobody that it changed.
            && database.path().is_some()
        {
            return Ok(memory.clone());
        }
        let memory = self.runtime.block_on(Memory::read(config)).map_err(problem)?;
        self.memory = Some((state, memory.clone()));
        Ok(memory)
    }

    /// Watches what this configuration names; without one, what there was before. Says whether anything is new.
    fn watch(&mut self, config: Option<&Config>) -> bool {
        let mut wanted: BTreeMap<PathBuf, RecursiveMode> = BTreeMap::new();
        for folder in ["config", "feeds", "mail-templates", "editions"] {
            wanted.insert(self.root.join(folder), RecursiveMode::Recursive);
        }
        if let Some(config) = config {
            for folder in config.content.paths.iter().chain(&config.content.static_folders) {
                wanted.insert(config.root.join(folder), RecursiveMode::Recursive);
            }
            for file in &config.content.variable_files {
                if let Some(folder) = config.root.join(file).parent() {
                    wanted.entry(folder.to_path_buf()).or_insert(RecursiveMode::NonRecursive);
                }
            }
            self.manifest = config.content.built.as_ref().map(|built| config.root.join(&built.manifest));
            if let Some(path) = &self.manifest {
                if path.is_dir() {
                    wanted.insert(path.clone(), RecursiveMode::Recursive);
                } else if let Some(folder) = path.parent() {
                    // A generator may write the list anew under its name.
                    wanted.entry(folder.to_path_buf()).or_insert(RecursiveMode::NonRecursive);
                }
            }
            let database = store::Database::of(config).ok();
            if let Some(folder) = database.as_ref().and_then(store::Database::path).and_then(Path::parent) {
                wanted.entry(folder.to_path_buf()).or_insert(RecursiveMode::NonRecursive);
            }
        }
        wanted.entry(self.root.clone()).or_insert(RecursiveMode::NonRecursive);
        let gone: Vec<PathBuf> = match config {
            Some(_) => {
                self.watched.keys().filter(|path| !wanted.contains_key(*path) || !path.exists()).cloned().collect()
            }
            None => Vec::new(),
        };
        for path in gone {
            let _ = self.watcher.unwatch(&path);
            self.watched.remove(&path);
        }
        let mut more = false;
        for (path, mode) in wanted {
            if path.exists() && self.watched.get(&path) != Some(&mode) && self.watcher.watch(&path, mode).is_ok() {
                self.watched.insert(path, mode);
                more = true;
            }
        }
        more
    }

    /// Whether what was told may change what is shown.
    fn matters(&self, told: &Told) -> bool {
        let Ok(event) = told else { return true };
        match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
            EventKind::Access(_) => return false,
            _ => {}
        }
        if event.need_rescan() {
            return true;
        }
        let ours = self.memory.as_ref().map(|(Database(path, _), _)| path.as_path());
        event.paths.iter().any(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if self.manifest.as_ref() == Some(path) {
                return true;
            }
            if let Some(database) = ours
                && path.parent() == database.parent()
                && path.parent() != Some(&self.root)
            {
                let is_database = path.as_path() == database || name.ends_with("-wal");
                return is_database
                    && self.memory.as_ref().is_some_and(|(known, _)| *known != Database::of(database));
            }
            !is_nobodys(path)
        })
    }
}

/// What no project reads: version control, packages, editors' own files.
fn is_nobodys(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with('~')
        || name.ends_with(".swp")
        || name.ends_with(".swx")
        || name == "4913"
        || path.components().any(|part| matches!(part.as_os_str().to_str(), Some(".git" | "node_modules")))
}

fn watcher(tell: &Sender<Told>) -> Box<dyn Watcher + Send> {
    let teller = tell.clone();
    let system = notify::recommended_watcher(move |told| {
        // Whoever listened is gone: so is the page.
        let _ = teller.send(told);
    });
    match system {
        Ok(watcher) => Box::new(watcher),
        Err(_) => {
            let teller = tell.clone();
            let settings = notify::Config::default().with_poll_interval(Duration::from_millis(500));
            match PollWatcher::new(move |told| drop(teller.send(told)), settings) {
                Ok(watcher) => Box::new(watcher),
                Err(_) => Box::new(notify::NullWatcher),
            }
        }
    }
}
