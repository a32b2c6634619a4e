//! `approve`, `stop`, `resume`, `cancel`, `resolve`: a person's hand on an edition.

use super::arguments::{Edition, Resolve};
use super::{Globals, Outcome};

pub fn approve(_globals: &Globals, _edition: Edition) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}

pub fn stop(_globals: &Globals, _edition: Edition) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}

pub fn resume(_globals: &Globals, _edition: Edition) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}

pub fn cancel(_globals: &Globals, _edition: Edition) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}

pub fn resolve(_globals: &Globals, _arguments: Resolve) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
