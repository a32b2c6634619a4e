//! `crieur explain`: why an address did or did not get each edition.

use super::arguments::Explain;
use super::{Globals, Outcome};

pub fn run(_globals: &Globals, _arguments: Explain) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
