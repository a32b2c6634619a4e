//! The memory as text in a branch of the project's repository (`database: git:BRANCH`): for letters to one address alone, a list
//! server's, so that nobody's name or address is in it.
//!
//! A command reads the branch into a database of its own, works on that, and pushes what changed. Git's push is what orders
//! those who work at once: the second one is [`StoreError::Overtaken`], forgets what it did, and begins again with what the first
//! one left. What a letter needs is pushed in this order: [`Store::keep_sending`] says that it is being sent before its first byte
//! leaves, [`Store::keep_outcome`] says what became of it.
//!
//! Promises: of any number of runs one sends; a run that ended between the two pushes leaves `sending`, which [`LEASE`] later is
//! *uncertain*; an outcome is joined with whatever was pushed meanwhile; the checkout's files, index and branches stay as they are.
//!
//! BUGS: a letter goes to the address that the configuration names when it leaves, be it another one than when it was frozen. A
//! picture is kept as it is, not as text.

mod state;
mod tables;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Result, Store, StoreError};
use crate::config::{Config, Schedule};
use crate::git::{Change, Commit, Files, GitError, Pushed, Repository};
use crate::secrets::Secrets;
use state::{MARKER, State};
use tables::{ELSEWHERE, Lists};

pub use text::without_addresses;

/// How long an edition may be `sending` before its run is taken for dead: longer than one letter can take, less than the hour
/// after which a forge's clock usually strikes again.
pub const LEASE: TimeDelta = TimeDelta::minutes(45);
/// How long the outcome of a letter that has left is tried to be pushed, in all.
const STAYING: Duration = Duration::from_secs(900);
/// Between two tries at it, in seconds; the last one again and again.
const WAITS: [u64; 5] = [1, 3, 10, 30, 60];

/// Where the memory is, and to whom its newsletters go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The project's folder.
    pub root: PathBuf,
    /// The branch's name.
    pub name: String,
    lists: Lists,
    /// Newsletters of which it says nothing up to which moment they were considered: no timetable asks for it.
    timeless: BTreeSet<String>,
}

impl Branch {
    pub fn of(config: &Config, name: &str) -> Branch {
        let secrets = Secrets::without_secret(&config.site.url);
        let list = |newsletter: &crate::config::Newsletter| {
            let address = newsletter.to.one_address()?;
            Some((newsletter.name.clone(), (secrets.recipient_id(address), address.to_string())))
        };
        let timeless = config.newsletters.iter().filter(|one| !matches!(one.schedule, Schedule::Cron(_)));
        Branch {
            root: config.root.clone(),
            name: name.to_string(),
            lists: config.newsletters.iter().filter_map(list).collect(),
            timeless: timeless.map(|one| one.name.clone()).collect(),
        }
    }

    /// A path below the project's folder in the repository, as this branch has it.
    fn own(files: Files, prefix: &str) -> Files {
        files
            .into_iter()
            .filter_map(|(path, content)| Some((path.strip_prefix(prefix)?.to_string(), content)))
            .collect()
    }

    async fn read(&self, repository: &Repository, commit: Option<&Commit>, prefix: &str) -> Result<(Files, State)> {
        let Some(commit) = commit else { return Ok((Files::new(), State::default())) };
        let all = repository.files(commit, "").await?;
        let is_ours = |path: &String| path.rsplit('/').next() == Some(MARKER);
        if !all.is_empty() && !all.keys().any(is_ours) {
            return Err(StoreError::OtherBranch(self.name.clone()));
        }
        let files = Branch::own(all, prefix);
        if !files.contains_key(MARKER) {
            return Ok((Files::new(), State::default()));
        }
        let state = State::from_files(&files).map_err(|odd| StoreError::Branch {
            branch: self.name.clone(),
            path: format!("{prefix}{}", odd.path),
            why: odd.why,
        })?;
        Ok((files, state))
    }
}

/// What a database is a copy of.
pub(super) struct Kept {
    branch: Branch,
    repository: Repository,
    /// The project's folder in the repository: empty, or with a `/` at its end.
    prefix: String,
    base: Option<Commit>,
    /// What `base` holds of ours.
    files: Files,
    /// Tells this run from any other.
    run: String,
    /// The remote could not be asked: this is what was fetched last.
    stale: bool,
    /// The lock of whoever composes in this checkout starts with this.
    pub(super) lock_base: PathBuf,
    _elsewhere: Option<super::workers::Worker>,
    // Last: it is removed once nothing in it is open.
    _folder: tempfile::TempDir,
}

impl Kept {
    /// The remote's branch is this: commits what differs. `false`: nothing does.
    async fn push(&mut self, mut files: Files, message: &str, now: DateTime<Utc>) -> Result<bool> {
        let mut changes: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
        for path in self.files.keys().filter(|path| !files.contains_key(*path) && is_written_by_us(path)) {
            changes.insert(format!("{}{path}", self.prefix), None);
        }
        for (path, content) in &files {
            if self.files.get(path) != Some(content) {
                changes.insert(format!("{}{path}", self.prefix), Some(content.clone()));
            }
        }
        if changes.is_empty() {
            return Ok(false);
        }
        // Two runs that do the same at the same second must not make the same commit: both would have pushed it.
        let message = format!("{message}\n\nRun: {}", self.run);
        let change = Change { message: &message, now, files: changes };
        let commit = self.repository.commit(self.base.as_ref(), &change).await?;
        match self.repository.push(&commit, self.base.as_ref(), &self.branch.name, &[]).await? {
            Pushed::Overtaken => Err(StoreError::Overtaken),
            Pushed::Done => {
                let others = std::mem::take(&mut self.files).into_iter().filter(|(path, _)| !is_written_by_us(path));
                files.extend(others);
                (self.base, self.files) = (Some(commit), files);
                Ok(true)
            }
        }
    }

    /// Takes over what the remote says now.
    async fn fetch(&mut self) -> Result<State> {
        self.base = self.repository.fetch(&self.branch.name).await?;
        let (files, state) = self.branch.read(&self.repository, self.base.as_ref(), &self.prefix).await?;
        self.files = files;
        Ok(state)
    }

    /// Whether `state` says no more than what is kept, but for moments that nobody asks for.
    fn without_idle_moments(&self, mut state: State) -> State {
        let Ok(before) = State::from_files(&self.files) else { return state };
        for name in &self.branch.timeless {
            if let (Some(new), Some(old)) = (state.newsletters.get_mut(name), before.newsletters.get(name)) {
                new.considered = old.considered;
            }
        }
        state
    }
}

fn is_written_by_us(path: &str) -> bool {
    matches!(path, MARKER | "README.md" | "items.lock")
        || ["newsletters/", "editions/", "pictures/"].iter().any(|folder| path.starts_with(folder))
}

impl Store {
    /// Fetches the branch into a database of this process's own. `looking`: a remote that cannot be asked is no failure, where
    /// the branch was fetched before.
    pub(super) async fn open_branch(branch: &Branch, looking: bool) -> Result<Store> {
        let repository = Repository::of(&branch.root).await?;
        let prefix = repository.prefix().await?;
        let (base, stale) = match repository.fetch(&branch.name).await {
            Ok(base) => (base, false),
            Err(error) => match repository.fetched(&branch.name).await? {
                Some(commit) if looking => (Some(commit), true),
                _ => return Err(error.into()),
            },
        };
        let (files, state) = branch.read(&repository, base.as_ref(), &prefix).await?;
        let folder = tempfile::Builder::new().prefix("crieur-").tempdir();
        let temporary = std::env::temp_dir();
        let folder = folder.map_err(|source| StoreError::Open { path: temporary.clone(), source })?;
        let mut run = [0; 8];
        getrandom::fill(&mut run).map_err(|error| StoreError::Content(error.to_string()))?;
        let lock_base = lock_base(&repository, &branch.name, &prefix).await?;
        let mut store = Store::open_file(&folder.path().join("memory")).await?;
        // Nothing of this copy need outlive the process: the branch is what lasts.
        sqlx::raw_sql("PRAGMA synchronous = OFF").execute(&mut store.connection).await?;
        let elsewhere = tables::fill(&mut store.connection, &state, &branch.lists).await?;
        let elsewhere = if elsewhere { Some(store.stand_in(ELSEWHERE)?) } else { None };
        let branch = branch.clone();
        store.kept = Some(Box::new(Kept {
            branch,
            repository,
            prefix,
            base,
            files,
            run: data_encoding::HEXLOWER.encode(&run),
            stale,
            lock_base,
            _elsewhere: elsewhere,
            _folder: folder,
        }));
        Ok(store)
    }

    /// A copy for those who only look. `None`: there is no such branch yet, or no remote that could have it.
    pub(super) async fn look_at_branch(branch: &Branch) -> Result<Option<Store>> {
        match Store::open_branch(branch, true).await {
            Ok(store) => {
                Ok(Some(store).filter(|store| store.kept.as_ref().is_some_and(|kept| !kept.files.is_empty())))
            }
            Err(StoreError::Git(GitError::NoRemote | GitError::NoRepository(..))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The memory is a branch's.
    pub fn is_branch(&self) -> bool {
        self.kept.is_some()
    }

    /// The remote could not be asked, and this is what it said last.
    pub fn is_stale(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.stale)
    }

    /// Pushes what changed, where the memory is a branch's. Says whether anything did. [`StoreError::Overtaken`]: somebody else
    /// has pushed meanwhile, and nothing of this is kept.
    pub async fn keep(&mut self, message: &str, now: DateTime<Utc>) -> Result<bool> {
        let Some(mut kept) = self.kept.take() else { return Ok(false) };
        let pushed = match tables::read(&mut self.connection, &kept.branch.lists).await {
            Ok(state) => {
                let state = kept.without_idle_moments(state);
                kept.push(state.to_files(), message, now).await
            }
            Err(error) => Err(error),
        };
        self.kept = Some(kept);
        pushed
    }

    /// Pushes that an edition is being sent, before its first byte leaves.
    pub async fn keep_sending(&mut self, newsletter: &str, number: i64, now: DateTime<Utc>) -> Result<()> {
        let Some(mut kept) = self.kept.take() else { return Ok(()) };
        let pushed = match tables::read(&mut self.connection, &kept.branch.lists).await {
            Ok(state) => {
                let mut state = kept.without_idle_moments(state);
                if let Some(edition) = state.editions.get_mut(&(newsletter.to_string(), number)) {
                    let delivery = &mut edition.delivery;
                    delivery.state = "sending".to_string();
                    delivery.since = now;
                    delivery.attempts += 1;
                    delivery.first_try.get_or_insert(now);
                    delivery.reply = None;
                }
                kept.push(state.to_files(), &format!("{newsletter} n° {number}: sending"), now).await
            }
            Err(error) => Err(error),
        };
        self.kept = Some(kept);
        pushed.map(drop)
    }

    /// Pushes what became of an edition that [`Store::keep_sending`] told of, and what else changed. Where somebody else has
    /// pushed meanwhile, the outcome alone is joined with what they say, and [`StoreError::Overtaken`] says that the rest is not
    /// kept. Another error: it could not be pushed, however often it was tried.
    pub async fn keep_outcome(&mut self, newsletter: &str, number: i64, now: DateTime<Utc>) -> Result<()> {
        let Some(mut kept) = self.kept.take() else { return Ok(()) };
        let done = match tables::read(&mut self.connection, &kept.branch.lists).await {
            Ok(state) => {
                let state = kept.without_idle_moments(state);
                let staying = tokio::time::timeout(STAYING, stay(&mut kept, &state, newsletter, number, now));
                staying.await.unwrap_or(Err(StoreError::Unpushed(kept.branch.name.clone())))
            }
            Err(error) => Err(error),
        };
        self.kept = Some(kept);
        done
    }

    /// Whether the delivery of an edition is due: pending, or uncertain where those are sent again.
    pub async fn can_be_tried(&mut self, edition: i64, resends: bool, now: DateTime<Utc>) -> Result<bool> {
        let rows: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM deliveries WHERE edition = $1
             AND ((state = 'pending' AND next_try <= $2) OR (state = 'uncertain' AND uncertain <= 2 AND $3 = 1))",
        )
        .bind(edition)
        .bind(now.timestamp())
        .bind(i64::from(resends))
        .fetch_one(&mut self.connection)
        .await?;
        Ok(rows > 0)
    }

    /// Whether another run is sending this edition.
    pub async fn is_sent_elsewhere(&mut self, edition: i64) -> Result<bool> {
        if !self.is_branch() {
            return Ok(false);
        }
        let rows: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM deliveries WHERE edition = $1 AND state = 'sending' AND worker = $2",
        )
        .bind(edition)
        .bind(ELSEWHERE.to_string())
        .fetch_one(&mut self.connection)
        .await?;
        Ok(rows > 0)
    }

    /// Other runs that are late are taken for dead: their rows belong to nobody, and are buried with the next.
    pub(super) async fn forget_elsewhere(&mut self, now: DateTime<Utc>) -> Result<()> {
        if self.is_branch() {
            sqlx::query(
                "UPDATE deliveries SET worker = NULL WHERE state = 'sending' AND worker = $1 AND updated_at < $2",
            )
            .bind(ELSEWHERE.to_string())
            .bind((now - LEASE).timestamp())
            .execute(&mut self.connection)
            .await?;
        }
        Ok(())
    }
}

/// Tries until the outcome is in the branch.
async fn stay(kept: &mut Kept, ours: &State, newsletter: &str, number: i64, now: DateTime<Utc>) -> Result<()> {
    let key = (newsletter.to_string(), number);
    let word = ours.editions.get(&key).map_or("gone", |edition| edition.delivery.state.as_str());
    let message = format!("{newsletter} n° {number}: {word}");
    let mut joined = None;
    let mut tried = 0;
    loop {
        let state = joined.as_ref().unwrap_or(ours);
        match kept.push(state.to_files(), &message, now).await {
            Ok(_) if joined.is_some() => return Err(StoreError::Overtaken),
            Ok(_) => return Ok(()),
            Err(StoreError::Overtaken) => match kept.fetch().await {
                Ok(theirs) => joined = Some(join(theirs, ours, &key)),
                Err(error) => wait(&mut tried, error).await?,
            },
            Err(error) => wait(&mut tried, error).await?,
        }
    }
}

/// Waits before the next try; what waiting does not mend is given back.
async fn wait(tried: &mut usize, error: StoreError) -> Result<()> {
    if !matches!(error, StoreError::Git(_)) {
        return Err(error);
    }
    let seconds = WAITS.get(*tried).or(WAITS.last()).copied().unwrap_or(1);
    *tried += 1;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    Ok(())
}

/// Their state, with what became of our delivery.
fn join(mut theirs: State, ours: &State, key: &(String, i64)) -> State {
    let Some(mine) = ours.editions.get(key) else { return theirs };
    match theirs.editions.get_mut(key) {
        Some(edition) => {
            edition.delivery = mine.delivery.clone();
            // A person's word that came meanwhile stays.
            if edition.state == "sending" {
                edition.state = mine.state.clone();
                edition.reason = mine.reason.clone();
                edition.finished = mine.finished;
                edition.brakes = mine.brakes;
            }
        }
        None => drop(theirs.editions.insert(key.clone(), mine.clone())),
    }
    let suppressed = ours.newsletters.get(&key.0).and_then(|newsletter| newsletter.suppressed.clone());
    if let (Some(newsletter), Some(suppressed)) = (theirs.newsletters.get_mut(&key.0), suppressed) {
        newsletter.suppressed = Some(suppressed);
    }
    theirs
}

/// In git's own folder, so that two processes of one checkout find each other, and no checked-out file is touched.
async fn lock_base(repository: &Repository, branch: &str, prefix: &str) -> Result<PathBuf> {
    let folder = repository.git_folder().await?.join("crieur");
    std::fs::create_dir_all(&folder).map_err(|source| StoreError::Open { path: folder.clone(), source })?;
    let name = blake3::hash(format!("{branch}\0{prefix}").as_bytes()).to_hex();
    Ok(folder.join(Path::new(&name[..16])))
}
