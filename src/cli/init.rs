//! `crieur init`: looks at a site and writes a configuration that fits it.

use super::{Globals, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The site to look at, and to write into (default: the project's folder)
    pub dir: Option<std::path::PathBuf>,
}

pub fn run(_globals: &Globals, _arguments: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
