//! The project's git repository, through the `git` program: what another branch of it holds, and new commits on it.
//!
//! Promises: the files that are checked out, the index and the branches of the checkout are never touched; a shallow clone is
//! enough, and stays one; nothing is pushed by force: whoever comes second is told so. No question is asked at a terminal, and
//! no command runs longer than [`PATIENCE`].
//!
//! Credentials are git's own matter (the checkout's configuration, an SSH agent, `GIT_SSH_COMMAND`); over HTTPS a token in
//! `CRIEUR_GIT_TOKEN`, or in the file that `CRIEUR_GIT_TOKEN_FILE` names, goes before them. It is handed to git in the environment,
//! never in an argument, and no words that this module gives hold it.
//!
//! BUGS: the fetched branches lie below `refs/crieur/` of the checkout's repository, and stay there.

mod command;
mod import;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use command::Git;

/// How long one command may take.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// How often a push is tried that neither arrived nor was overtaken.
const PUSHES: u32 = 3;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git cannot be run: {0}: install it, it is what reads and writes the branch")]
    Missing(std::io::Error),
    #[error("{0} is in no git repository: {1}")]
    NoRepository(PathBuf, String),
    #[error(
        "the repository has no remote to keep a branch in: `git remote add origin ADDRESS`, or clone it from where it lives"
    )]
    NoRemote,
    #[error("git {what}: {words}")]
    Failed { what: &'static str, words: String },
    #[error("git {what} took longer than {} seconds", PATIENCE.as_secs())]
    TooLong { what: &'static str },
    #[error("the token for git cannot be read from {0}: {1}")]
    Token(PathBuf, std::io::Error),
}

pub type Result<T> = std::result::Result<T, GitError>;

/// A commit's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit(pub String);

/// A branch's files, by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a commit says and does.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    pub message: &'a str,
    pub now: DateTime<Utc>,
    /// Path and content; `None` takes the file away.
    pub files: BTreeMap<String, Option<Vec<u8>>>,
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The branch is this commit now.
    Done,
    /// Somebody else has pushed meanwhile: the branch is not what the commit was made on.
    Overtaken,
}

/// A checkout, and the remote that it came from.
#[derive(Clone, Debug)]
pub struct Repository {
    git: Git,
    is_shallow: bool,
}

impl Repository {
    /// The repository that the folder is in.
    pub async fn of(folder: &Path) -> Result<Repository> {
        let mut git = Git::new(folder);
        let inside = git.run("rev-parse", &["rev-parse", "--is-shallow-repository"], None).await;
        let shallow = inside.map_err(|error| match error {
            GitError::Failed { words, .. } => GitError::NoRepository(folder.to_path_buf(), words),
            other => other,
        })?;
        let remote = remote(&git).await?;
        git.take_token(&remote).await?;
        Ok(Repository { git, is_shallow: shallow.trim() == "true" })
    }

    /// The folder that holds git's own files, common to all work trees.
    pub async fn git_folder(&self) -> Result<PathBuf> {
        let path =
            self.git.run("rev-parse", &["rev-parse", "--path-format=absolute", "--git-common-dir"], None).await?;
        Ok(PathBuf::from(path.trim_end()))
    }

    /// The project's folder in the repository: empty, or with a `/` at its end.
    pub async fn prefix(&self) -> Result<String> {
        let prefix = self.git.run("rev-parse", &["rev-parse", "--show-prefix"], None).await?;
        Ok(prefix.trim_end_matches('\n').to_string())
    }

    /// What is checked out.
    pub async fn head(&self) -> Result<Commit> {
        let name = self.git.run("rev-parse", &["rev-parse", "--verify", "HEAD^{commit}"], None).await?;
        Ok(Commit(name.trim().to_string()))
    }

    /// The branch that others' work is merged into, as the remote says; `None`: it has none yet.
    pub async fn main_branch(&self) -> Result<Option<String>> {
        let listed = self.git.run("ls-remote", &["ls-remote", "--symref", self.git.remote(), "HEAD"], None).await?;
        let found = listed.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
        Ok(found.map(str::to_string))
    }

    /// The branch's last commit, as the remote says now, fetched. `None`: there is no such branch.
    pub async fn fetch(&self, branch: &str) -> Result<Option<Commit>> {
        let Some(tip) = self.tip(branch).await? else { return Ok(None) };
        if self.fetched(branch).await?.as_ref() == Some(&tip) {
            return Ok(Some(tip));
        }
        let refspec = format!("+refs/heads/{branch}:{}", local_name(branch));
        let mut arguments = vec![
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
        ];
        if self.is_shallow {
            arguments.push("--depth=1");
        }
        arguments.extend([self.git.remote(), &refspec]);
        self.git.run("fetch", &arguments, None).await?;
        self.fetched(branch).await
    }

    /// The branch's last commit as it was fetched last, without asking the remote.
    pub async fn fetched(&self, branch: &str) -> Result<Option<Commit>> {
        let name = format!("{}^{{commit}}", local_name(branch));
        match self.git.run("rev-parse", &["rev-parse", "--quiet", "--verify", &name], None).await {
            Ok(name) => Ok(Some(Commit(name.trim().to_string()))),
            Err(GitError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The branch's last commit, as the remote says now; it need not be here.
    async fn tip(&self, branch: &str) -> Result<Option<Commit>> {
        let name = format!("refs/heads/{branch}");
        let listed = self.git.run("ls-remote", &["ls-remote", self.git.remote(), &name], None).await?;
        let found = listed.lines().filter_map(|line| line.split_once('\t')).find(|(_, listed)| *listed == name);
        Ok(found.map(|(commit, _)| Commit(commit.to_string())))
    }

    /// A commit's files below a folder (`""`: all), by their whole paths.
    pub async fn files(&self, commit: &Commit, below: &str) -> Result<Files> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", &commit.0];
        if !below.is_empty() {
            arguments.extend(["--", below]);
        }
        let listed = self.git.run_bytes("ls-tree", &arguments, None).await?;
        let mut wanted = Vec::new();
        for row in listed.split(|byte| *byte == 0) {
            let row = String::from_utf8_lossy(row);
            let Some((about, path)) = row.split_once('\t') else { continue };
            let mut about = about.split(' ');
            if let (Some(_), Some("blob"), Some(name)) = (about.next(), about.next(), about.next()) {
                wanted.push((path.to_string(), name.to_string()));
            }
        }
        let asked: String = wanted.iter().map(|(_, name)| format!("{name}\n")).collect();
        let told = self.git.run_bytes("cat-file", &["cat-file", "--batch"], Some(asked.as_bytes())).await?;
        import::read_batch(&told, &wanted)
    }

    /// One file of a commit.
    pub async fn file(&self, commit: &Commit, path: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.files(commit, path).await?.remove(path))
    }

    /// What a commit says.
    pub async fn message(&self, commit: &Commit) -> Result<String> {
        self.git.run("log", &["log", "-1", "--format=%B", &commit.0], None).await
    }

    /// A new commit on `parent` (`None`: one without a history). It is in no branch until it is pushed.
    pub async fn commit(&self, parent: Option<&Commit>, change: &Change<'_>) -> Result<Commit> {
        let mut bytes = [0; 8];
        // Only tells two processes of one checkout apart.
        let _ = getrandom::fill(&mut bytes);
        let name = format!("refs/crieur/made/{}", data_encoding::HEXLOWER.encode(&bytes));
        let text = import::text(&name, parent, change);
        self.git.run("fast-import", &["fast-import", "--quiet", "--done"], Some(&text)).await?;
        let made = self.git.run("rev-parse", &["rev-parse", "--verify", &name], None).await?;
        self.git.run("update-ref", &["update-ref", "-d", &name], None).await?;
        Ok(Commit(made.trim().to_string()))
    }

    /// Makes the remote's branch this commit, which was made on `parent` (`None`: the branch is new).
    pub async fn push(
        &self,
        commit: &Commit,
        parent: Option<&Commit>,
        branch: &str,
        options: &[String],
    ) -> Result<Pushed> {
        let refspec = format!("{}:refs/heads/{branch}", commit.0);
        // Hooks of the checkout look at its own branches.
        let mut arguments = vec!["push", "--porcelain", "--no-verify", "--no-recurse-submodules"];
        for option in options {
            arguments.extend(["--push-option", option.as_str()]);
        }
        arguments.extend([self.git.remote(), &refspec]);
        let mut tried = 0;
        loop {
            tried += 1;
            let failed = match self.git.run("push", &arguments, None).await {
                Ok(_) => break,
                Err(error) => error,
            };
            // The words differ from forge to forge: what the branch is now tells what happened, be it that the answer was lost.
            match self.tip(branch).await? {
                Some(tip) if tip == *commit => break,
                tip if tip.as_ref() != parent => return Ok(Pushed::Overtaken),
                _ if tried == PUSHES => return Err(failed),
                _ => tokio::time::sleep(Duration::from_secs(u64::from(tried))).await,
            }
        }
        self.git.run("update-ref", &["update-ref", &local_name(branch), &commit.0], None).await?;
        Ok(Pushed::Done)
    }
}

/// Where a fetched branch lies: no branch of the checkout, so that nobody sees it among their own.
fn local_name(branch: &str) -> String {
    format!("refs/crieur/fetched/{branch}")
}

/// The remote of what is checked out; else `origin`; else the only one.
async fn remote(git: &Git) -> Result<String> {
    let ask = async |arguments: &[&str]| git.run("config", arguments, None).await.ok();
    if let Some(branch) = ask(&["symbolic-ref", "--quiet", "--short", "HEAD"]).await
        && let Some(remote) = ask(&["config", "--get", &format!("branch.{}.remote", branch.trim())]).await
        && remote.trim() != "."
    {
        return Ok(remote.trim().to_string());
    }
    let all = git.run("remote", &["remote"], None).await?;
    let mut names = all.lines();
    match (names.next(), names.next()) {
        _ if all.lines().any(|name| name == "origin") => Ok("origin".to_string()),
        (Some(only), None) => Ok(only.to_string()),
        _ => Err(GitError::NoRemote),
    }
}

#[cfg(test)]
mod tests;
