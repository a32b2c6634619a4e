//! Why the memory cannot be used, in words for whoever runs the program.

use std::io;
use std::path::PathBuf;

use crate::git::GitError;

pub type Result<T> = std::result::Result<T, StoreError>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the database {0:?} is of a kind that this version does not know: write sqlite:PATH, postgres://USER@HOST/NAME or git:BRANCH"
    )]
    Unsupported(String),
    #[error("the database {path} cannot be opened: {source}")]
    Open { path: PathBuf, source: io::Error },
    #[error("the database {database} cannot be reached: {source}")]
    Connect { database: String, source: sqlx::Error },
    #[error("the database: {0}")]
    Sql(#[from] sqlx::Error),
    #[error("the database holds something that cannot be read: {0}")]
    Content(String),
    #[error("the database was used with another key: put the right one in `secrets`, or name it in CRIEUR_KEYS_FILE")]
    OtherKey,
    #[error("the database was made by a newer version of this program")]
    Newer,
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the branch {branch}: {path}: {why}: mend it there, or take the commit back that broke it")]
    Branch { branch: String, path: String, why: String },
    #[error(
        "the branch {0} holds other things: give the memory a branch of its own, for example `database: git:crieur`"
    )]
    OtherBranch(String),
    #[error("somebody else has written to the branch meanwhile")]
    Overtaken,
    #[error(
        "what became of the letter could not be pushed to the branch {0}: the next run will take it as uncertain"
    )]
    Unpushed(String),
    #[error("the database is of an earlier version's form: `crieur status` brings it to this one's")]
    Older,
}

impl StoreError {
    /// The key in `secrets` is not the one that the database knows.
    pub fn is_other_key(&self) -> bool {
        matches!(self, StoreError::OtherKey)
    }

    /// The branch cannot be asked here and now: no network, say, or no right to it.
    pub fn is_unreachable_branch(&self) -> bool {
        matches!(self, StoreError::Git(GitError::Failed { .. } | GitError::TooLong { .. }))
    }

    /// Another run has pushed to the branch: what this one did is not kept, and can begin again.
    pub fn is_overtaken(&self) -> bool {
        matches!(self, StoreError::Overtaken)
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        StoreError::Content(error.to_string())
    }
}
