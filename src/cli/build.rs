//! `crieur build`: writes the feeds.

use super::{Globals, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write (default: publish.out)
    #[arg(long, value_name = "DIR")]
    pub out: Option<std::path::PathBuf>,
    /// Fail where an id would be given, moved or lost
    #[arg(long)]
    pub locked: bool,
}

pub fn run(_globals: &Globals, _arguments: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
