//! A forge in a folder: a repository that many clone and push to, its CI, its pull requests, and the site that it publishes.
//!
//! The project's workflow files are read from the commit that was pushed, and what their steps say is executed, in order, as
//! the forge's CI would: each job in a fresh clone of its own, with the permissions that it asks for and nothing of this
//! machine's environment. Steps that are somebody else's action have a double here; an action that has none is an error, and
//! so is every key, context or function that is not understood.
//!
//! BUGS: no forge can be run here: `gh` is a double that keeps pull requests as files (`forge.rs`).

mod actions;
pub mod expression;
pub mod forge;
mod github;
mod gitlab;
mod steps;

pub use actions::SUBMODULES;
pub use forge::Forge;
pub use github::{Event, Run};
pub use gitlab::Source;
