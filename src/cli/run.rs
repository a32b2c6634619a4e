//! `crieur run`: the cron job.

use super::{Globals, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only the feeds, or only the letters
    #[arg(long, value_enum)]
    pub stage: Option<Stage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Stage {
    Build,
    Send,
}

pub fn run(_globals: &Globals, _arguments: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
