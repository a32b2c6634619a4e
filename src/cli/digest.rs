//! `crieur digest`: the next letter, without sending it.

use super::{Globals, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    pub newsletter: Option<String>,
    /// Where to write (default: var/digest)
    #[arg(long, value_name = "DIR")]
    pub out: Option<std::path::PathBuf>,
}

pub fn run(_globals: &Globals, _arguments: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
