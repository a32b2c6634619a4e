//! `crieur check`: reads everything, reports every problem.

use super::{Globals, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Let warnings count as errors
    #[arg(long)]
    pub deny_warnings: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    Text,
    Json,
    Github,
}

pub fn run(_globals: &Globals, _arguments: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
