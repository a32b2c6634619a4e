//! `crieur send`: freezes the next edition and delivers it.

use super::{Globals, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The newsletter (default: each)
    pub newsletter: Option<String>,
    /// Send a copy to these addresses only, and remember nothing
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    pub test: Vec<String>,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Stay until nothing waits for a later try
    #[arg(long)]
    pub wait: bool,
}

pub fn run(_globals: &Globals, _arguments: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
