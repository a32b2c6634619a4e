//! `crieur recipients`: the people.

use super::{Globals, Outcome};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the people
    List,
}

pub fn run(_globals: &Globals, _command: Command) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
